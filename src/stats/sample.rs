//! What the estimators of means share: arms as means with a variance, and the refusals.

use crate::table::{Cell, Comparison, Moments, Side};
use crate::texts::text;

use super::estimate::{Detail, DetailValue, Estimand, Estimator, Refusal};
use super::inference::Finding;

/// Number, mean and variance of a set of customers, in the outcome's units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sample {
    /// Customers.
    pub n: u64,
    /// Mean; 0 where there is no customer.
    pub mean: f64,
    /// Sum of squares around the mean.
    pub squares: f64,
}

impl Sample {
    /// The outcome after, from exact sums.
    pub fn of(m: &Moments, unit: f64) -> Self {
        Sample {
            n: m.n,
            mean: m.y as f64 / m.n.max(1) as f64 * unit,
            squares: Moments::centred(m.n, m.y, m.y, m.yy) * unit * unit,
        }
    }

    /// a − b over the cells of an arm for which `parts` gives (a, b).
    ///
    /// A spread within the rounding of a and b counts as none.
    pub fn of_differences(
        c: &Comparison<'_>,
        side: &Side,
        parts: impl Fn(&Cell) -> Option<(f64, f64)>,
    ) -> Self {
        let values = || {
            let cells = c.cells().filter(|cell| cell.arm == side.arm);
            cells.filter_map(|cell| Some((cell.customers, parts(cell)?)))
        };
        let (mut n, mut sum) = (0, 0.0);
        for (w, (a, b)) in values() {
            n += w;
            sum += w as f64 * (a - b);
        }
        let mean = sum / n.max(1) as f64;
        let (mut squares, mut off, mut size) = (0.0, 0.0, 0f64);
        for (w, (a, b)) in values() {
            let d = a - b - mean;
            squares += w as f64 * d * d;
            off += w as f64 * d;
            size = size.max(a.abs() + b.abs());
        }
        let count = n.max(1) as f64;
        squares -= off * off / count;
        let rounding = 8.0 * f64::EPSILON * size;
        Sample {
            n,
            mean: mean + off / count,
            squares: if squares <= count * rounding * rounding {
                0.0
            } else {
                squares
            },
        }
    }

    /// s², with n − 1; needs two customers.
    pub fn variance(&self) -> f64 {
        self.squares / (self.n as f64 - 1.0)
    }

    /// s²/n.
    pub fn variance_of_mean(&self) -> f64 {
        self.variance() / self.n as f64
    }
}

/// An estimate of an arm (a mean, a rate, a log) and its variance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub value: f64,
    pub variance: f64,
    pub n: u64,
}

/// Treatment minus control of two independent parts.
pub(crate) fn contrast(
    estimator: Estimator,
    estimand: Estimand,
    (treatment, control): (Part, Part),
    df: Option<f64>,
    detail: Detail,
) -> Finding {
    let variance = treatment.variance + control.variance;
    Finding {
        estimator,
        estimand,
        value: treatment.value - control.value,
        se: variance.sqrt(),
        df,
        n_treatment: treatment.n,
        n_control: control.n,
        control_share: share(control.variance, variance),
        detail,
    }
}

/// `part` of `whole`; `None` where there is nothing to share.
pub(crate) fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

/// An arm's name in the plan.
pub(crate) fn name<'a>(c: &Comparison<'a>, side: &Side) -> &'a str {
    &c.table().arms()[usize::from(side.arm.0)]
}

/// Refuses where an arm has fewer than `least` of the customers that count; `why` is told how many
/// it has, and its name.
pub(crate) fn at_least(
    c: &Comparison<'_>,
    least: u64,
    customers: impl Fn(&Side) -> u64,
    why: impl Fn(u64, &str) -> String,
) -> Result<(), Refusal> {
    for side in [&c.control, &c.treatment] {
        let n = customers(side);
        if n < least {
            return Err(Refusal::new(why(n, name(c, side))));
        }
    }
    Ok(())
}

/// Refuses where an arm has fewer than `least` customers with an observed outcome, 1 or 2.
pub(crate) fn observed(c: &Comparison<'_>, least: u64) -> Result<(), Refusal> {
    at_least(
        c,
        least,
        |s| s.total.n,
        |n, arm| match n {
            0 => text!("refusal.none-observed", arm),
            _ => text!("refusal.one-observed", arm),
        },
    )
}

/// Why a ratio of these means (or rates, or adjusted means) is undefined, if it is.
pub(crate) fn ratio_undefined(c: &Comparison<'_>, treatment: f64, control: f64) -> Option<String> {
    let negative = |side| Some(text!("refusal.ratio-negative", arm = name(c, side)));
    if control == 0.0 {
        let arm = name(c, &c.control);
        Some(match c.control.total.y {
            0 => text!("refusal.ratio-no-contact", arm),
            _ => text!("refusal.ratio-mean-0", arm),
        })
    } else if control < 0.0 {
        negative(&c.control)
    } else if treatment < 0.0 {
        negative(&c.treatment)
    } else if treatment == 0.0 {
        let arm = name(c, &c.treatment);
        Some(match c.treatment.total.y {
            0 => text!("refusal.ratio-0-no-contact", arm),
            _ => text!("refusal.ratio-0-mean", arm),
        })
    } else {
        None
    }
}

/// What every estimate tells of those who were left out or had no time.
pub(crate) fn detail(c: &Comparison<'_>) -> Detail {
    let both = |f: fn(&Moments) -> u64| f(&c.control.total) + f(&c.treatment.total);
    let mut detail = Detail::new();
    count(&mut detail, "n_missing", both(|m| m.missing));
    let zero = both(|m| m.zero_exposure);
    if zero > 0 {
        count(&mut detail, "n_zero_exposure", zero);
    }
    detail
}

/// Adds a count to a detail.
pub(crate) fn count(detail: &mut Detail, key: &str, value: u64) {
    detail.insert(key.into(), DetailValue::Count(value));
}

/// Adds a number to a detail; leaves it out where it is not finite.
pub(crate) fn number(detail: &mut Detail, key: &str, value: f64) {
    if value.is_finite() {
        detail.insert(key.into(), DetailValue::Number(value));
    }
}

/// Adds words to a detail.
pub(crate) fn words(detail: &mut Detail, key: &str, value: String) {
    detail.insert(key.into(), DetailValue::Text(value));
}
