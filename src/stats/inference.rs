//! From a value and its standard error to interval and p-value, the same way for every estimator.

use super::dist::{t_isf, t_sf};
use super::estimate::{
    Alternative, Detail, DetailValue, Estimand, Estimate, Estimator, Interval, Test,
};

/// What an estimator found, before inference.
#[derive(Debug, Clone)]
pub struct Finding {
    /// How it was made.
    pub estimator: Estimator,
    /// What it estimates; decides the scale of `value` and `se`.
    pub estimand: Estimand,
    /// Difference, or **log** ratio, or probability.
    pub value: f64,
    /// Standard error of `value`.
    pub se: f64,
    /// Degrees of freedom; `None` is normal.
    pub df: Option<f64>,
    /// Treatment customers used.
    pub n_treatment: u64,
    /// Control customers used.
    pub n_control: u64,
    /// Control's share of the variance.
    pub control_share: Option<f64>,
    /// Extras.
    pub detail: Detail,
}

impl Finding {
    /// Interval and p-value by Student's t (or the normal) on the scale of `value`.
    ///
    /// *Formula* — value ± q·se with q the 1 − α/2 quantile; one-sided tests give
    /// the 1 − α bound towards the alternative and put the two-sided interval in
    /// `detail.ci_two_sided`, as R does. A probability P(Y_k < Y_0) is above ½
    /// where the difference is below 0, so its bounds change sides, and it is cut
    /// to [0, 1]. An end beyond the range of numbers is `None`: unbounded.
    ///
    /// Where se is 0, interval and p-value are `None` and `detail.no_spread` is
    /// set: without spread nothing can be said about chance.
    pub fn estimate(self, test: &Test) -> Estimate {
        let mut estimate = Estimate {
            estimator: self.estimator,
            estimand: self.estimand,
            value: shown(self.estimand, self.value),
            se: Some(self.se),
            df: self.df,
            interval: None,
            p_value: None,
            n_treatment: self.n_treatment,
            n_control: self.n_control,
            control_share: self.control_share,
            detail: self.detail,
        };
        if self.se > 0.0 {
            let null = if self.estimand == Estimand::Probability {
                0.5
            } else {
                0.0
            };
            let t = (self.value - null) / self.se;
            let two = t_isf(test.alpha / 2.0, self.df) * self.se;
            let one = t_isf(test.alpha, self.df) * self.se;
            estimate.p_value = Some(match direction(self.estimand, test.alternative) {
                Alternative::TwoSided => (2.0 * t_sf(t.abs(), self.df)).min(1.0),
                Alternative::Less => t_sf(-t, self.df),
                Alternative::Greater => t_sf(t, self.df),
            });
            estimate.set_interval(
                test,
                (self.value - two, self.value + two),
                (self.value - one, self.value + one),
            );
        } else {
            estimate
                .detail
                .insert("no_spread".into(), DetailValue::Flag(true));
        }
        estimate
    }
}

impl Estimate {
    /// Sets the interval, and for one-sided tests `detail.ci_two_sided`, from the ends at
    /// 1 − α two-sided (`two`) and one-sided (`one`), ratios still as logs.
    pub(crate) fn set_interval(&mut self, test: &Test, two: (f64, f64), one: (f64, f64)) {
        let end = |v: f64| Some(shown(self.estimand, v)).filter(|v| v.is_finite());
        let (lower, upper) = (end(two.0), end(two.1));
        self.interval = Some(match direction(self.estimand, test.alternative) {
            Alternative::TwoSided => Interval { lower, upper },
            Alternative::Less => Interval {
                lower: None,
                upper: end(one.1),
            },
            Alternative::Greater => Interval {
                lower: end(one.0),
                upper: None,
            },
        });
        if let (true, Some(lower), Some(upper)) =
            (test.alternative != Alternative::TwoSided, lower, upper)
        {
            self.detail.insert(
                "ci_two_sided".into(),
                DetailValue::Numbers(vec![lower, upper]),
            );
        }
    }
}

/// From the scale of inference to the estimand's own.
fn shown(estimand: Estimand, value: f64) -> f64 {
    match estimand {
        Estimand::Difference => value,
        Estimand::Ratio => value.exp(),
        Estimand::Probability => value.clamp(0.0, 1.0),
    }
}

/// The alternative on the scale of the estimand.
fn direction(estimand: Estimand, alternative: Alternative) -> Alternative {
    match (estimand, alternative) {
        (Estimand::Probability, Alternative::Less) => Alternative::Greater,
        (Estimand::Probability, Alternative::Greater) => Alternative::Less,
        _ => alternative,
    }
}

/// Welch's t, its degrees of freedom and two-sided p from two samples' (n, mean, variance).
///
/// *Formula* — t = (m₁ − m₀)/√(s₁²/n₁ + s₀²/n₀), Satterthwaite df. `None` with
/// fewer than two in a sample or without any spread.
///
/// *Source* — Welch (1947), Biometrika 34, 28-35.
pub fn welch_t(a: (f64, f64, f64), b: (f64, f64, f64)) -> Option<(f64, f64, f64)> {
    let (va, vb) = (a.2 / a.0, b.2 / b.0);
    let v = va + vb;
    if a.0 < 2.0 || b.0 < 2.0 || v.is_nan() || v <= 0.0 {
        return None;
    }
    let t = (a.1 - b.1) / v.sqrt();
    let df = v * v / (va * va / (a.0 - 1.0) + vb * vb / (b.0 - 1.0));
    Some((t, df, (2.0 * t_sf(t.abs(), Some(df))).min(1.0)))
}
