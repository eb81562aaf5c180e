//! Adjusted p-values for families of tests.
//!
//! No simultaneous interval matches Holm's or Hochberg's p, so none is
//! offered; Benjamini-Hochberg's has intervals for what it finds. [`crate::stats::dunnett`] has
//! simultaneous ones.

/// Bonferroni's step-down; controls the family-wise error rate for any dependence.
///
/// *Formula* — in ascending order p̃₍ᵢ₎ = maxⱼ≤ᵢ min(1, (m − j + 1)p₍ⱼ₎), returned in the order given.
///
/// *Assumes* — p-values between 0 and 1.
///
/// *Source* — Holm, S. (1979), Scand. J. Statist. 6, 65-70.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let m = p.len();
    let mut floor: f64 = 0.0;
    adjust(p, 0..m, |rank, p| {
        floor = floor.max((m - rank) as f64 * p).min(1.0);
        floor
    })
}

/// Step-up; controls the family-wise error rate for independent or positively dependent tests.
///
/// *Formula* — p̃₍ᵢ₎ = minⱼ≥ᵢ min(1, (m − j + 1)p₍ⱼ₎), returned in the order given.
///
/// *Source* — Hochberg, Y. (1988), Biometrika 75, 800-802.
pub fn hochberg(p: &[f64]) -> Vec<f64> {
    let m = p.len();
    let mut ceiling: f64 = 1.0;
    adjust(p, (0..m).rev(), |rank, p| {
        ceiling = ceiling.min((m - rank) as f64 * p);
        ceiling
    })
}

/// Step-up; controls the false discovery rate for independent or positively dependent tests.
///
/// *Formula* — p̃₍ᵢ₎ = minⱼ≥ᵢ min(1, m·p₍ⱼ₎/j), returned in the order given. The intervals
/// that go with it: [`false_coverage_alpha`].
///
/// *Source* — Benjamini, Y. and Hochberg, Y. (1995), J. R. Statist. Soc. B 57, 289-300.
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let m = p.len();
    let mut ceiling: f64 = 1.0;
    adjust(p, (0..m).rev(), |rank, p| {
        ceiling = ceiling.min(m as f64 / (rank + 1) as f64 * p);
        ceiling
    })
}

/// Error rate of the interval of each finding of [`benjamini_hochberg`], so that the expected
/// share of intervals that miss their value, among those of findings, is at most `alpha`.
///
/// *Formula* — R·α/m, of R findings among m: ordinary intervals of level 1 − Rα/m. An
/// interval of a finding leaves the null value out.
///
/// *Assumes* — as [`benjamini_hochberg`]; what is not found gets no interval.
///
/// *Source* — Benjamini, Y. and Yekutieli, D. (2005), JASA 100, 71-81, definition 1.
pub fn false_coverage_alpha(alpha: f64, found: usize, of: usize) -> f64 {
    alpha * found as f64 / of.max(1) as f64
}

/// Walks the ascending ranks in the order given and puts each result where its p stood.
fn adjust(
    p: &[f64],
    ranks: impl Iterator<Item = usize>,
    mut step: impl FnMut(usize, f64) -> f64,
) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut adjusted = vec![0.0; p.len()];
    for rank in ranks {
        adjusted[order[rank]] = step(rank, p[order[rank]]);
    }
    adjusted
}
