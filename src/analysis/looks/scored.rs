//! A deciding estimate as a statistic, and a statistic as an estimate.

use jiff::civil::Date;

use crate::analysis::model::EstimateRow;
use crate::analysis::scale::{DAYS_PER_MONTH, accrues};
use crate::analysis::unit::{Over, Time, Unit};
use crate::experiment::{Better, Windows};
use crate::stats::dist::{normal_isf, t_sf};
use crate::stats::{Estimand, Estimator, Refusal};
use crate::texts::text;

use super::arm::Comparing;
use super::model::LookRow;

/// Beyond this z, tails of normal and t are no numbers any more.
const MOST_Z: f64 = 37.0;

/// A deciding estimate on the scale on which it is nearly normal, positive is good.
pub(super) struct Scored {
    /// Good effect: difference or log ratio, turned round where lower is better.
    pub effect: f64,
    /// Standard error for which effect/se is z.
    pub se: f64,
    pub z: f64,
}

/// The normal deviate with the tail of a t deviate; `df` `None` is normal already.
pub fn normal_score(t: f64, df: Option<f64>) -> f64 {
    let z = match df {
        None => t,
        df => {
            let tail = t_sf(t.abs(), df);
            if tail > 0.0 {
                normal_isf(tail).min(MOST_Z)
            } else {
                MOST_Z
            }
            .copysign(t)
        }
    };
    z.clamp(-MOST_Z, MOST_Z)
}

impl Comparing<'_> {
    /// The standard error on the scale of inference.
    pub(super) fn se(&self, row: &EstimateRow) -> Result<f64, Refusal> {
        row.se.filter(|se| *se > 0.0 && se.is_finite()).ok_or_else(|| {
            Refusal::new(format!(
                "the estimate of \"{}\" has no standard error above 0, so nobody knows how much is known",
                row.arm
            ))
        })
    }

    /// Days that a value per customer has grown with; `None` where its unit is the same at every look.
    pub(super) fn days_seen(&self, row: &EstimateRow) -> Option<f64> {
        let of_rate = matches!(row.estimator, Estimator::Rate);
        let (Unit::Mean(mean), false) = (&row.unit, of_rate) else {
            return None;
        };
        let seen = match mean.over {
            Over::Time(Time::Days(days) | Time::WindowOf(days)) => days,
            Over::Time(Time::Weeks(weeks)) => 7.0 * weeks,
            Over::Time(Time::Months(months)) => DAYS_PER_MONTH * months,
            _ => return None,
        };
        Some(seen).filter(|days| *days > 0.0 && accrues(self.plan, self.outcome))
    }

    /// Factor that puts a difference into the unit of the planned end: per customer over the
    /// whole window, or the plan's days. The information is (unit/se)².
    ///
    /// # Errors
    /// A total over times of different length: its information need not grow with time, and no
    /// unit makes Cov(Z_j, Z_k) = √(I_j/I_k) of it.
    pub(super) fn common_unit(&self, row: &EstimateRow) -> Result<f64, Refusal> {
        let accrues = accrues(self.plan, self.outcome);
        // At the end, without a look before it, nothing is compared with anything.
        let alone = self.asked.ended && self.asked.earlier.is_empty();
        let unfit = || {
            Refusal::new(text!(
                "looks.observed-differently",
                arm = row.arm,
                estimator = row.estimator
            ))
        };
        let of_totals = matches!(row.estimator, Estimator::Delta | Estimator::Lin);
        if row.estimand == Estimand::Ratio
            && of_totals
            && self.table.constant_exposure().is_none()
            && !alone
        {
            return Err(unfit());
        }
        let of_rate = matches!(row.estimator, Estimator::Rate);
        let (Unit::Mean(mean), true) = (&row.unit, accrues && !of_rate) else {
            return Ok(1.0);
        };
        let own = match mean.over {
            Over::Days(days) => f64::from(days),
            Over::Week => 7.0,
            Over::Time(Time::Days(days) | Time::WindowOf(days)) => days,
            Over::Time(Time::Weeks(weeks)) => 7.0 * weeks,
            Over::Time(Time::Months(months)) => DAYS_PER_MONTH * months,
            Over::Window | Over::Time(Time::Window) => return Ok(1.0),
            Over::Time(Time::Observed) if alone => return Ok(1.0),
            Over::Time(Time::Observed) => return Err(unfit()),
        };
        let whole = match self.plan.periods.as_ref().map(|p| &p.windows) {
            Some(Windows::Fixed { after, .. }) => after
                .0
                .until(after.1)
                .map_or(0.0, |s| f64::from(s.get_days()) + 1.0),
            Some(Windows::Relative { after_days, .. }) => f64::from(*after_days),
            None => return Ok(1.0),
        };
        let planned = self.plan.analysis.per_days.map_or(whole, f64::from);
        Ok(if planned > 0.0 { own / planned } else { 1.0 })
    }

    /// Factor that puts a difference of an earlier look into the unit of this one.
    ///
    /// *Assumes* — as everywhere here, the same effect on every day.
    pub(super) fn since(&self, then: &LookRow, now: &LookRow) -> f64 {
        let windows = self.plan.periods.as_ref().map(|p| &p.windows);
        let until = then.until.as_ref().and_then(|day| day.parse::<Date>().ok());
        // A record without days is of a window that began with the plan's.
        let recorded = || match (windows, until) {
            (Some(Windows::Fixed { after, .. }), Some(day)) => after
                .0
                .until(day)
                .ok()
                .map(|s| f64::from(s.get_days()) + 1.0),
            _ => None,
        };
        match (then.days.or_else(recorded), now.days) {
            (Some(then), Some(now)) if then > 0.0 => now / then,
            _ => 1.0,
        }
    }

    /// z from the estimate's own test, so that t's heavier tails count.
    pub(super) fn scored(&self, row: &EstimateRow) -> Result<Scored, Refusal> {
        let se = self.se(row)?;
        let value = match row.estimand {
            Estimand::Difference => row.value,
            Estimand::Ratio => row.value.ln(),
            Estimand::Probability => {
                return Err(Refusal::new("a probability cannot be looked at early"));
            }
        };
        let effect = if self.upper_is_bad() { -value } else { value };
        let t = effect / se;
        let score = |t: f64| normal_score(t, row.df);
        let z = score(t);
        // Near 0 the ratio of both is that of the densities, taken from a small t.
        let widening = if t.abs() > 1e-3 {
            t / z
        } else {
            1e-3 / score(1e-3)
        };
        Ok(Scored {
            effect,
            se: se * widening,
            z,
        })
    }

    pub(super) fn upper_is_bad(&self) -> bool {
        self.outcome.better == Better::Lower
    }

    /// Ends of a good effect on the estimand's own scale.
    pub(super) fn shown(
        &self,
        estimand: Estimand,
        low: f64,
        high: f64,
    ) -> (Option<f64>, Option<f64>) {
        let (low, high) = if self.upper_is_bad() {
            (-high, -low)
        } else {
            (low, high)
        };
        let own = |v: f64| {
            let v = if estimand == Estimand::Ratio {
                v.exp()
            } else {
                v
            };
            Some(v).filter(|v| v.is_finite())
        };
        (own(low), own(high))
    }

    /// The bound of a one-sided interval: the good effect is at least `low`.
    pub(super) fn one_sided(&self, estimand: Estimand, low: f64) -> (Option<f64>, Option<f64>) {
        let (lower, upper) = self.shown(estimand, low, low);
        if self.upper_is_bad() {
            (None, upper)
        } else {
            (lower, None)
        }
    }

    /// The standard error behind an earlier look's repeated interval.
    pub(super) fn past_se(&self, estimand: Estimand, look: &LookRow) -> Option<f64> {
        let on_scale = |v: f64| {
            if estimand == Estimand::Ratio {
                v.ln()
            } else {
                v
            }
        };
        let width = on_scale(look.repeated_upper?) - on_scale(look.repeated_lower?);
        Some(width / (2.0 * look.critical)).filter(|se| se.is_finite() && *se > 0.0)
    }
}
