//! Estimators of means from exact sums: Welch, Student, ratio of means, rate, strata.
//!
//! Each takes one treatment arm and control. Values are per customer over the
//! window (`rate`: per unit of exposure). Customers without an observed outcome
//! are left out and counted in `detail.n_missing`; those without exposure count
//! as customers with outcome 0 and are counted in `detail.n_zero_exposure`.

use crate::table::{ArmId, Comparison, ContactTable, Moments, Side};
use crate::texts::text;

use super::estimate::{Detail, Estimand, Estimate, Estimator, Refusal, Test};
use super::inference::Finding;
use super::sample::{
    Part, Sample, contrast, count, detail, name, number, observed, ratio_undefined, share, words,
};

/// Difference of means with Welch's t.
///
/// *Formula* — ȳ_k − ȳ_0, variance s²_k/n_k + s²_0/n_0, Welch-Satterthwaite df.
///
/// *Assumes* — independent customers; means near enough to normal, which many
/// customers bring about, skewed counts more slowly.
///
/// *Errors* — an arm with fewer than two observed customers.
///
/// *Source* — Welch (1947), Biometrika 34, 28-35; R `t.test`.
pub fn welch(c: &Comparison<'_>, test: &Test) -> Result<Vec<Estimate>, Refusal> {
    observed(c, 2)?;
    let of = |side: &Side| Sample::of(&side.total, c.y_unit());
    let finding = welch_of(
        Estimator::Welch,
        of(&c.treatment),
        of(&c.control),
        detail(c),
    );
    Ok(vec![finding.estimate(test)])
}

/// Welch's t on two samples.
pub(crate) fn welch_of(
    estimator: Estimator,
    treatment: Sample,
    control: Sample,
    detail: Detail,
) -> Finding {
    let part = |s: Sample| Part {
        value: s.mean,
        variance: s.variance_of_mean(),
        n: s.n,
    };
    let (t, k) = (part(treatment), part(control));
    let whole = t.variance + k.variance;
    // In shares of the variance, so that no square leaves the range of numbers.
    let term = |p: Part| (p.variance / whole).powi(2) / (p.n as f64 - 1.0);
    let df = (whole > 0.0).then(|| 1.0 / (term(t) + term(k)));
    contrast(estimator, Estimand::Difference, (t, k), df, detail)
}

/// Difference of means with the variance pooled over all arms of the pilot.
///
/// *Formula* — ȳ_k − ȳ_0, variance s²(1/n_k + 1/n_0), s² the residual variance
/// of all arms, df = N − arms; arms without an observed customer do not count.
///
/// *Assumes* — the same variance in every arm. Counts whose mean differs have
/// different variances; prefer `welch` unless the classical Dunnett test is wanted.
///
/// *Errors* — an arm without an observed customer; df of 0.
///
/// *Source* — Student (1908); Dunnett (1955), JASA 50, 1096-1121.
pub fn student(
    c: &Comparison<'_>,
    table: &ContactTable,
    test: &Test,
) -> Result<Vec<Estimate>, Refusal> {
    observed(c, 1)?;
    let (mut n, mut arms, mut squares) = (0, 0, 0.0);
    for arm in 0..table.arms().len() {
        let mut sums = Moments::default();
        for cell in table.cells() {
            if cell.arm == ArmId(arm as u16) {
                sums.add(cell).map_err(|e| Refusal::new(e.to_string()))?;
            }
        }
        if sums.n > 0 {
            n += sums.n;
            arms += 1;
            squares += Sample::of(&sums, c.y_unit()).squares;
        }
    }
    if n <= arms {
        return Err(Refusal::new(text!("refusal.nothing-to-pool")));
    }
    let df = (n - arms) as f64;
    let part = |side: &Side| {
        let s = Sample::of(&side.total, c.y_unit());
        Part {
            value: s.mean,
            variance: squares / df / s.n as f64,
            n: s.n,
        }
    };
    let parts = (part(&c.treatment), part(&c.control));
    let mut finding = contrast(
        Estimator::Student,
        Estimand::Difference,
        parts,
        Some(df),
        detail(c),
    );
    let inverse = |p: Part| 1.0 / p.n as f64;
    finding.control_share = share(inverse(parts.1), inverse(parts.0) + inverse(parts.1));
    number(&mut finding.detail, "sd_pooled", (squares / df).sqrt());
    Ok(vec![finding.estimate(test)])
}

/// Ratio of means on the log scale.
///
/// *Formula* — log(ȳ_k/ȳ_0), variance s²_k/(n_k ȳ_k²) + s²_0/(n_0 ȳ_0²), normal.
/// `detail.se_plain` is the standard error of the ratio itself.
///
/// *Assumes* — as Welch's, and means well away from 0.
///
/// *Errors* — an arm with fewer than two observed customers, or a mean that is
/// not positive.
///
/// *Source* — the delta method; Deng, Knoblich & Lu (2018), KDD, §3.
pub fn delta(c: &Comparison<'_>, test: &Test) -> Result<Vec<Estimate>, Refusal> {
    observed(c, 2)?;
    let of = |side: &Side| {
        let s = Sample::of(&side.total, c.y_unit());
        Part {
            value: s.mean,
            variance: s.variance_of_mean(),
            n: s.n,
        }
    };
    let (t, k) = (of(&c.treatment), of(&c.control));
    let finding = log_ratio(c, Estimator::Delta, t, k, None).map_err(Refusal::new)?;
    Ok(vec![finding.estimate(test)])
}

/// log(treatment/control) of two independent positive values, by the delta method.
fn log_ratio(
    c: &Comparison<'_>,
    estimator: Estimator,
    treatment: Part,
    control: Part,
    df: Option<f64>,
) -> Result<Finding, String> {
    if let Some(why) = ratio_undefined(c, treatment.value, control.value) {
        return Err(why);
    }
    let log = |p: Part| Part {
        value: p.value.ln(),
        variance: p.variance / (p.value * p.value),
        n: p.n,
    };
    let parts = (log(treatment), log(control));
    let mut finding = contrast(estimator, Estimand::Ratio, parts, df, detail(c));
    let plain = finding.value.exp() * finding.se;
    number(&mut finding.detail, "se_plain", plain);
    Ok(finding)
}

/// Contacts per unit of exposure: difference and ratio of rates.
///
/// *Formula* — R = Σy/Σe in each arm, variance n/(n − 1) · Σ(y − R·e)²/(Σe)²;
/// the ratio on the log scale; normal. Customers without exposure count in n.
/// Where an arm's rate is 0 there is no ratio: `detail.ratio_undefined` of the
/// difference says why.
///
/// *Units* — the difference is per unit of exposure.
///
/// *Assumes* — independent customers; exposure not affected by the treatment.
///
/// *Errors* — an arm with fewer than two observed customers or no exposure.
///
/// *Source* — Cochran (1977), Sampling Techniques, 3rd ed., §2.11 and 6.4; R survey `svyratio`.
pub fn rate(c: &Comparison<'_>, test: &Test) -> Result<Vec<Estimate>, Refusal> {
    observed(c, 2)?;
    let part = |side: &Side| -> Result<Part, Refusal> {
        let m = &side.total;
        if m.e <= 0 {
            return Err(Refusal::new(text!(
                "refusal.no-exposure",
                arm = name(c, side)
            )));
        }
        let exposure = m.e as f64 * c.e_unit();
        let rate = m.y as f64 * c.y_unit() / exposure;
        let residuals = Sample::of_differences(c, side, |cell| {
            let y = cell.after? as f64 * c.y_unit();
            Some((y, rate * cell.exposure as f64 * c.e_unit()))
        });
        Ok(Part {
            value: rate,
            variance: residuals.variance() * m.n as f64 / (exposure * exposure),
            n: m.n,
        })
    };
    let (t, k) = (part(&c.treatment)?, part(&c.control)?);
    let mut difference = contrast(
        Estimator::Rate,
        Estimand::Difference,
        (t, k),
        None,
        detail(c),
    );
    number(&mut difference.detail, "rate_treatment", t.value);
    number(&mut difference.detail, "rate_control", k.value);
    match log_ratio(c, Estimator::Rate, t, k, None) {
        Ok(ratio) => Ok(vec![difference.estimate(test), ratio.estimate(test)]),
        Err(why) => {
            words(&mut difference.detail, "ratio_undefined", why);
            Ok(vec![difference.estimate(test)])
        }
    }
}

/// Difference of means within strata, weighted by their customers.
///
/// *Formula* — Σ_s (N_s/N)(ȳ_ks − ȳ_0s), variance
/// Σ_s (N_s/N)²(s²_ks/n_ks + s²_0s/n_0s), normal. Strata with fewer than two
/// observed customers in an arm are dropped and N recomputed
/// (`detail.strata_used`, `strata_dropped`, `n_used`).
///
/// *Assumes* — assignment within strata; strata large enough for normal means.
///
/// *Errors* — no strata in the plan, or none with two customers in both arms.
///
/// *Source* — Miratrix, Sekhon & Yu (2013), JRSS B 75, 369-396; Imbens & Rubin (2015), §9.
pub fn stratified(c: &Comparison<'_>, test: &Test) -> Result<Vec<Estimate>, Refusal> {
    if c.table().strata().columns().is_empty() {
        return Err(Refusal::new(text!("skipped.no-strata")));
    }
    observed(c, 1)?;
    let strata = c.strata();
    let used: Vec<(Sample, Sample)> = strata
        .iter()
        .filter_map(|s| Some((c.treatment.strata.get(s)?, c.control.strata.get(s)?)))
        .filter(|(t, k)| t.n >= 2 && k.n >= 2)
        .map(|(t, k)| (Sample::of(t, c.y_unit()), Sample::of(k, c.y_unit())))
        .collect();
    let n: u64 = used.iter().map(|(t, k)| t.n + k.n).sum();
    if n == 0 {
        return Err(Refusal::new(text!("refusal.no-stratum-of-both")));
    }
    let weighted = |of: fn(&(Sample, Sample)) -> Sample| {
        let mut part = Part {
            value: 0.0,
            variance: 0.0,
            n: 0,
        };
        for stratum in &used {
            let (s, w) = (of(stratum), (stratum.0.n + stratum.1.n) as f64 / n as f64);
            part.value += w * s.mean;
            part.variance += w * w * s.variance_of_mean();
            part.n += s.n;
        }
        part
    };
    let mut detail = detail(c);
    count(&mut detail, "strata_used", used.len() as u64);
    count(
        &mut detail,
        "strata_dropped",
        (strata.len() - used.len()) as u64,
    );
    count(&mut detail, "n_used", n);
    let parts = (weighted(|s| s.0), weighted(|s| s.1));
    let finding = contrast(
        Estimator::Stratified,
        Estimand::Difference,
        parts,
        None,
        detail,
    );
    Ok(vec![finding.estimate(test)])
}
