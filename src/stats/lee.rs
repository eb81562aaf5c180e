//! Lee's bounds: what missing outcomes could hide.

use crate::table::{Comparison, Moments, Side};

use super::dist::{normal_cdf, normal_isf};
use super::estimate::Refusal;
use super::sample::{Sample, observed};

/// Bounds of the difference of means for customers who would be observed in either arm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Lower bound.
    pub lower: f64,
    /// Upper bound.
    pub upper: f64,
    /// Standard error of the lower bound.
    pub se_lower: f64,
    /// Standard error of the upper bound.
    pub se_upper: f64,
    /// Imbens and Manski's interval for the difference at 1 − alpha; `None` without spread.
    pub interval: Option<(f64, f64)>,
    /// Share of the observed customers that is trimmed, in the arm with more of them.
    pub trim_share: f64,
    /// Whether that arm is treatment.
    pub trimmed_treatment: bool,
}

/// Bounds of treatment − control where outcomes are missing.
///
/// *Formula* — s_a the share observed in arm a; in the arm with the larger share, the fraction
/// q = 1 − s_small/s_large of its observed customers is trimmed from the top (and from the bottom),
/// so that exactly n(1 − q) customers are left: of the customers tied at the cut, the fraction
/// that fits stays. Each bound is the difference of means after trimming. Variance: that of
/// min(y, cut) over (1 − q)²n, plus that of q, ((cut − mean)/(1 − q))²·V, with
/// V = (1 − q)²[(1 − s_large)/(n_large s_large) + (1 − s_small)/(n_small s_small)] over all
/// assigned customers, plus s²/n of the other arm. Interval: lower − c·se, upper + c·se,
/// Φ(c + width/max se) − Φ(−c) = 1 − alpha.
///
/// *Assumes* — assignment changes whether a customer is observed in one direction only. Ties
/// matter for counts: other programs drop whole customers, or keep all tied ones.
///
/// *Errors* — an arm with fewer than two observed customers.
///
/// *Source* — Lee (2009), Review of Economic Studies 76, 1071-1102, Prop. 1a and 3; Imbens &
/// Manski (2004), Econometrica 72, 1845-1857, eq. 6-7.
pub fn bounds(c: &Comparison<'_>, alpha: f64) -> Result<Bounds, Refusal> {
    observed(c, 2)?;
    let assigned = |m: &Moments| (m.n + m.missing) as f64;
    let share = |side: &Side| side.total.n as f64 / assigned(&side.total);
    let (s1, s0) = (share(&c.treatment), share(&c.control));
    let trimmed_treatment = s1 >= s0;
    let (large, small) = match trimmed_treatment {
        true => (&c.treatment, &c.control),
        false => (&c.control, &c.treatment),
    };
    let n = large.total.n as f64;
    // n(1 − q), from the counts themselves.
    let keep = small.total.n as f64 * (assigned(&large.total) / assigned(&small.total));
    let keep = keep.min(n);
    let trim_share = 1.0 - keep / n;
    // Taken off as an integer, so that a large level costs no digits.
    let both = i128::from(large.total.n) + i128::from(small.total.n);
    let offset = (large.total.y + small.total.y).div_euclid(both);
    let value = |y: i64| (i128::from(y) - offset) as f64 * c.y_unit();
    let mut values: Vec<(f64, f64)> = c
        .cells()
        .filter(|cell| cell.arm == large.arm)
        .filter_map(|cell| Some((value(cell.after?), cell.customers as f64)))
        .collect();
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let without_top = Trimmed::new(&values, n, keep);
    values.reverse();
    let without_bottom = Trimmed::new(&values, n, keep);
    let other = Sample::of(&small.total, c.y_unit());
    let of_other = (small.total.y - offset * i128::from(small.total.n)) as f64
        / small.total.n as f64
        * c.y_unit();
    let missing = |side: &Side| {
        let s = share(side);
        (1.0 - s) / (assigned(&side.total) * s)
    };
    let of_share = missing(large) + missing(small);
    let se = |t: &Trimmed| {
        let move_of_cut = t.cut - t.mean;
        (t.variance + move_of_cut * move_of_cut * of_share + other.variance_of_mean()).sqrt()
    };
    let ((lower, se_lower), (upper, se_upper)) = if trimmed_treatment {
        (
            (without_top.mean - of_other, se(&without_top)),
            (without_bottom.mean - of_other, se(&without_bottom)),
        )
    } else {
        (
            (of_other - without_bottom.mean, se(&without_bottom)),
            (of_other - without_top.mean, se(&without_top)),
        )
    };
    let largest = se_lower.max(se_upper);
    let interval = (largest > 0.0).then(|| {
        let reach = imbens_manski((upper - lower).max(0.0) / largest, alpha);
        (lower - reach * se_lower, upper + reach * se_upper)
    });
    Ok(Bounds {
        lower,
        upper,
        se_lower,
        se_upper,
        interval,
        trim_share,
        trimmed_treatment,
    })
}

/// An arm without the customers behind the cut.
struct Trimmed {
    mean: f64,
    /// The outcome at which it was cut.
    cut: f64,
    /// Variance of the mean, the trimmed share as known.
    variance: f64,
}

impl Trimmed {
    /// The first `keep` of `n` customers of `values`, (outcome, customers).
    fn new(values: &[(f64, f64)], n: f64, keep: f64) -> Self {
        let (mut left, mut sum, mut cut) = (keep, 0.0, 0.0);
        for (y, customers) in values {
            if left <= 0.0 {
                break;
            }
            let taken = customers.min(left);
            left -= taken;
            sum += taken * y;
            cut = *y;
        }
        let mean = sum / keep;
        // min(y, cut) or max(y, cut): those behind the cut stand at it.
        let (mut left, mut centred) = (keep, 0.0);
        let censored_mean = (sum + (n - keep) * cut) / n;
        for (y, customers) in values {
            let y = if left > 0.0 { *y } else { cut };
            left -= customers;
            centred += customers * (y - censored_mean) * (y - censored_mean);
        }
        let kept = keep / n;
        Trimmed {
            mean,
            cut,
            variance: centred / (n - 1.0) / n / (kept * kept),
        }
    }
}

/// The c with Φ(c + width) − Φ(−c) = 1 − alpha.
fn imbens_manski(width: f64, alpha: f64) -> f64 {
    // Between the one-sided and the two-sided quantile; bisection halves 50 times to rounding.
    let (mut low, mut high) = (normal_isf(alpha), normal_isf(alpha / 2.0));
    for _ in 0..60 {
        let c = 0.5 * (low + high);
        if normal_cdf(c + width) - normal_cdf(-c) < 1.0 - alpha {
            low = c;
        } else {
            high = c;
        }
    }
    0.5 * (low + high)
}
