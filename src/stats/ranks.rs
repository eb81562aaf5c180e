//! Mann-Whitney's test and the probability it is about, from cells.

use std::collections::BTreeMap;

use crate::table::Comparison;
use crate::texts::text;

use super::dist::normal_sf;
use super::estimate::{Alternative, Estimand, Estimate, Estimator, Refusal, Test};
use super::inference::Finding;
use super::sample::{count, detail, number, observed};

/// P(a treated customer has fewer contacts than a control customer), ties half.
///
/// *Formula* — P = P(Y_k < Y_0) + ½P(Y_k = Y_0) = 1 − U_k/(n_k n_0). `p_value`:
/// normal, variance corrected for ties, continuity correction ½
/// (`detail.p_uncorrected` without it; `u_treatment`, `z`). `se`, `df` and the
/// interval are Brunner and Munzel's, from the variances of the placements,
/// cut to [0, 1]; their test of P = ½ is `detail.p_brunner_munzel`.
///
/// *Assumes* — independent customers who were all exposed equally long. The
/// p-value tests that both arms have the same distribution; the interval does
/// not assume it.
///
/// *Errors* — exposure varies; an arm with fewer than two observed customers.
///
/// *Source* — Mann & Whitney (1947); Lehmann (1975), §1.4; Brunner & Munzel
/// (2000), Biometrical Journal 42, 17-25; R `wilcox.test(exact = FALSE)`.
pub fn mann_whitney(c: &Comparison<'_>, test: &Test) -> Result<Vec<Estimate>, Refusal> {
    observed(c, 2)?;
    if c.constant_exposure().is_none() {
        return Err(Refusal::new(text!("refusal.ranks-exposure")));
    }
    // [control, treatment] customers of each distinct value, ascending.
    let mut values: BTreeMap<i64, [u64; 2]> = BTreeMap::new();
    for cell in c.cells() {
        if let Some(y) = cell.after {
            values.entry(y).or_default()[usize::from(c.treated(cell))] += cell.customers;
        }
    }
    let (m, n) = (c.control.total.n, c.treatment.total.n);
    let (mf, nf) = (m as f64, n as f64);
    let total = mf + nf;

    // 2U_k counts (treated above control) twice and ties once: an exact integer.
    let (mut below, mut twice_u, mut ties) = ([0u128; 2], 0u128, 0.0);
    for [k, t] in values.values().map(|v| v.map(u128::from)) {
        twice_u += t * (2 * below[0] + k);
        below = [below[0] + k, below[1] + t];
        let together = (k + t) as f64;
        ties += together * (together - 1.0) * (together + 1.0);
    }
    let pairs = u128::from(m) * u128::from(n);
    let u = twice_u as f64 / 2.0;
    // U − E(U), exact before the division; negative where treatment is lower.
    let off = (twice_u as i128 - pairs as i128) as f64 / 2.0;
    let sigma = (mf * nf / 12.0 * (total + 1.0 - ties / (total * (total - 1.0))))
        .max(0.0)
        .sqrt();
    let p = |correction: f64| match test.alternative {
        Alternative::TwoSided => {
            (2.0 * normal_sf((off.abs() - correction).max(0.0) / sigma)).min(1.0)
        }
        Alternative::Less => normal_sf(-(off + correction) / sigma),
        Alternative::Greater => normal_sf((off - correction) / sigma),
    };

    let variance = placement_variance(&values, m, n);
    let whole = variance[0] + variance[1];
    let df = (whole > 0.0).then(|| {
        let term = |v: f64, n: f64| (v / whole).powi(2) / (n - 1.0);
        1.0 / (term(variance[0], mf) + term(variance[1], nf))
    });
    let mut detail = detail(c);
    number(&mut detail, "u_treatment", u);
    count(&mut detail, "distinct_values", values.len() as u64);
    let mut estimate = Finding {
        estimator: Estimator::MannWhitney,
        estimand: Estimand::Probability,
        value: 0.5 - off / pairs as f64,
        se: whole.sqrt(),
        df,
        n_treatment: n,
        n_control: m,
        control_share: None,
        detail,
    }
    .estimate(test);
    if let Some(p) = estimate.p_value {
        number(&mut estimate.detail, "p_brunner_munzel", p);
    }
    estimate.p_value = (sigma > 0.0).then(|| p(0.5));
    if sigma > 0.0 {
        number(&mut estimate.detail, "z", off / sigma);
        number(&mut estimate.detail, "p_uncorrected", p(0.0));
    }
    Ok(vec![estimate])
}

/// Each arm's part, [control, treatment], of the Brunner-Munzel variance of P.
///
/// A customer's placement is the share of the other arm below him, ties half;
/// an arm's part is the variance of its placements over its size.
fn placement_variance(values: &BTreeMap<i64, [u64; 2]>, m: u64, n: u64) -> [f64; 2] {
    let size = [m, n];
    let mut parts = [0.0; 2];
    for arm in 0..2 {
        let other = 1 - arm;
        // Twice the placement in customers of the other arm, less its mean.
        let placements = || {
            let mut below = 0u64;
            values.values().map(move |counts| {
                let place = 2.0 * below as f64 + counts[other] as f64;
                below += counts[other];
                (counts[arm] as f64, place)
            })
        };
        let mean = placements().map(|(w, p)| w * p).sum::<f64>() / size[arm] as f64;
        let squares: f64 = placements().map(|(w, p)| w * (p - mean).powi(2)).sum();
        let (own, other) = (size[arm] as f64, size[other] as f64);
        parts[arm] = squares / (4.0 * other * other) / (own - 1.0) / own;
    }
    parts
}
