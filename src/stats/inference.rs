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
    /// `detail.ci_two_sided`, as R does. Where se is 0, interval and p-value are
    /// `None`: without spread nothing can be said about chance.
    pub fn estimate(self, test: &Test) -> Estimate {
        let null = if self.estimand == Estimand::Probability {
            0.5
        } else {
            0.0
        };
        let shown = |v: f64| {
            if self.estimand == Estimand::Ratio {
                v.exp()
            } else {
                v
            }
        };
        let mut detail = self.detail;
        let (mut interval, mut p_value) = (None, None);
        if self.se > 0.0 {
            let t = (self.value - null) / self.se;
            let both = t_isf(test.alpha / 2.0, self.df) * self.se;
            let one = t_isf(test.alpha, self.df) * self.se;
            let ends = (shown(self.value - both), shown(self.value + both));
            let (lower, upper, p) = match test.alternative {
                Alternative::TwoSided => (Some(ends.0), Some(ends.1), 2.0 * t_sf(t.abs(), self.df)),
                Alternative::Less => (None, Some(shown(self.value + one)), t_sf(-t, self.df)),
                Alternative::Greater => (Some(shown(self.value - one)), None, t_sf(t, self.df)),
            };
            if test.alternative != Alternative::TwoSided {
                detail.insert(
                    "ci_two_sided".into(),
                    DetailValue::Numbers(vec![ends.0, ends.1]),
                );
            }
            interval = Some(Interval { lower, upper });
            p_value = Some(p.min(1.0));
        }
        Estimate {
            estimator: self.estimator,
            estimand: self.estimand,
            value: shown(self.value),
            se: Some(self.se),
            df: self.df,
            interval,
            p_value,
            n_treatment: self.n_treatment,
            n_control: self.n_control,
            control_share: self.control_share,
            detail,
        }
    }
}
