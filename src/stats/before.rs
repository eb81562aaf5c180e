//! Estimators that subtract the before count: CUPED and difference in differences.

use crate::table::{Comparison, Decimals, Moments, Paired, Side};
use crate::texts::text;

use super::estimate::{Estimate, Estimator, Refusal, Test};
use super::means::welch_of;
use super::sample::{Sample, at_least, count, detail, number, observed};

/// Difference of means after taking out what the before count predicts.
///
/// *Formula* — Welch on y − θ(x − x̄), θ = cov(y, x)/var(x) over the customers of
/// both arms put together (arms not centred apart), as tea-tasting and gbstats.
/// Customers without a before period keep their y: x := x̄, and θ and x̄ are of
/// those who have x. `detail`: `theta`, `correlation`, `variance_reduction`
/// (its square), `n_with_before`.
///
/// *Assumes* — as Welch's; θ counts as known, which costs O(1/n).
///
/// *Errors* — an arm with fewer than two observed customers; no before period;
/// a before value that is the same for everyone.
///
/// *Source* — Deng, Xu, Kohavi & Walker (2013), WSDM, eq. 3-5.
pub fn cuped(c: &Comparison<'_>, test: &Test) -> Result<Vec<Estimate>, Refusal> {
    observed(c, 2)?;
    let both = paired(c)?;
    if both.n < 2 {
        return Err(Refusal::new(text!("refusal-adjusted.no-before")));
    }
    let xx = Moments::centred(both.n, both.x, both.x, both.xx);
    let xy = Moments::centred(both.n, both.x, both.y, both.xy);
    let yy = Moments::centred(both.n, both.y, both.y, both.yy);
    if xx <= 0.0 {
        return Err(Refusal::new(text!("refusal-adjusted.same-before")));
    }
    let theta = xy / xx * (c.y_unit() / c.x_unit());
    // Offsets are taken off as integers, so that a large mean costs no digits.
    let n = i128::from(both.n);
    let (x0, y0) = (both.x.div_euclid(n), both.y.div_euclid(n));
    let rest = (both.x - x0 * n) as f64 / both.n as f64;
    let of = |side: &Side| {
        Sample::of_differences(c, side, |cell| {
            let y = (i128::from(cell.after?) - y0) as f64 * c.y_unit();
            let x = cell
                .before
                .map_or(0.0, |x| (i128::from(x) - x0) as f64 - rest);
            Some((y, theta * x * c.x_unit()))
        })
    };
    let mut detail = detail(c);
    number(&mut detail, "theta", theta);
    if yy > 0.0 {
        let correlation = xy / (xx.sqrt() * yy.sqrt());
        number(&mut detail, "correlation", correlation);
        number(&mut detail, "variance_reduction", correlation * correlation);
    }
    count(&mut detail, "n_with_before", both.n);
    let finding = welch_of(Estimator::Cuped, of(&c.treatment), of(&c.control), detail);
    Ok(vec![finding.estimate(test)])
}

/// [`did_over`], windows equally long where the before exposure is not known.
///
/// # Errors
/// As [`did_over`].
pub fn did(c: &Comparison<'_>, test: &Test) -> Result<Vec<Estimate>, Refusal> {
    did_over(c, test, None)
}

/// Difference in differences: the change from before to after, treatment against control.
///
/// *Formula* — Welch on y − x·e/e_before. Where the before exposure is not known (0), the before
/// window is `before_window` after windows long for everyone, or as long where that is `None` too.
/// Customers without a before period are left out (`detail.n_used`).
///
/// *Assumes* — as Welch's. In a randomised pilot its variance is that of
/// `cuped` with θ = 1, so it is wider wherever θ is not near 1.
///
/// *Errors* — an arm with fewer than two customers who have both values.
///
/// *Source* — Card & Krueger (1994); Imbens & Wooldridge (2009), JEL 47, §6.5.
pub fn did_over(
    c: &Comparison<'_>,
    test: &Test,
    before_window: Option<f64>,
) -> Result<Vec<Estimate>, Refusal> {
    let unknown = before_window
        .filter(|w| *w > 0.0)
        .map_or(1.0, |window| 1.0 / window);
    at_least(
        c,
        2,
        |side| side.total.paired.n,
        |n, arm| match n {
            0 => text!("refusal-adjusted.no-pair", arm),
            _ => text!("refusal-adjusted.one-pair", arm),
        },
    )?;
    let before_unit = Decimals::unit(c.table().decimals().before_exposure);
    let of = |side: &Side| {
        Sample::of_differences(c, side, |cell| {
            let (y, x) = (cell.after?, cell.before?);
            let factor = match cell.before_exposure {
                0 => unknown,
                e => (cell.exposure as f64 * c.e_unit()) / (e as f64 * before_unit),
            };
            Some((y as f64 * c.y_unit(), x as f64 * c.x_unit() * factor))
        })
    };
    let (treatment, control) = (of(&c.treatment), of(&c.control));
    let mut detail = detail(c);
    count(&mut detail, "n_used", treatment.n + control.n);
    let finding = welch_of(Estimator::Did, treatment, control, detail);
    Ok(vec![finding.estimate(test)])
}

/// Sums over both arms of the customers with a before value.
fn paired(c: &Comparison<'_>) -> Result<Paired, Refusal> {
    let mut both = c.treatment.total;
    both.merge(&c.control.total)
        .map_err(|e| Refusal::new(e.to_string()))?;
    Ok(both.paired)
}
