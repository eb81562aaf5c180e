//! The effect week by week: differences of means, and how they vary together.

use crate::table::{ArmId, Decimals, Moments, WeekPair, Weekly};

use super::inference::welch_t;

/// The difference between a treatment arm and control in one week.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WeekEffect {
    /// Treatment customers observed through the week.
    pub n_treatment: u64,
    /// Control customers observed through it.
    pub n_control: u64,
    /// Mean of the treatment arm, per customer and week.
    pub mean_treatment: f64,
    /// Mean of control.
    pub mean_control: f64,
    /// Treatment − control.
    pub value: f64,
    /// Welch's standard error; `None` with fewer than two customers in an arm, or without spread.
    pub se: Option<f64>,
    /// Its degrees of freedom.
    pub df: Option<f64>,
    /// Two-sided p-value.
    pub p_value: Option<f64>,
}

/// A treatment arm's weeks against control.
#[derive(Debug, Clone, PartialEq)]
pub struct WeeklyEffects {
    /// One entry a week, the first week first.
    pub weeks: Vec<WeekEffect>,
    /// Covariance of the weekly differences.
    pub covariance: Vec<Vec<f64>>,
}

/// Differences of weekly means, with their covariance.
///
/// *Formula* — δ_w = ȳ_kw − ȳ_0w over the customers observed through week w. The customers of a
/// later week w are among those of an earlier one v, so in each arm
/// Cov(ȳ_w, ȳ_v) = s_wv/n_v with s_wv the sample covariance over the n_w customers of both; the
/// arms' covariances add up. On the diagonal this is Welch's variance.
///
/// *Units* — per customer and week, in the outcome's unit.
///
/// *Assumes* — customers are independent, and how long one is observed does not depend on the
/// arm. Weeks after the first in which an arm has fewer than two customers are left out.
///
/// *Source* — covariance of means over nested samples, from the definition.
pub fn effects(weekly: &Weekly, treatment: ArmId, control: ArmId) -> WeeklyEffects {
    let arms = [treatment, control];
    let enough = |week: &usize| {
        let customers = |arm| weekly.pair(arm, *week, *week).customers;
        arms.into_iter().all(|arm| customers(arm) > 1)
    };
    let count = (0..weekly.weeks()).take_while(enough).count();
    let unit = Decimals::unit(weekly.decimals());
    let weeks = (0..count).map(|week| {
        let part = |arm| {
            let p = weekly.pair(arm, week, week);
            let n = p.customers as f64;
            let variance = squares(p) * unit * unit / (n - 1.0);
            (n, p.sum as f64 / n * unit, variance)
        };
        let (t, c) = (part(treatment), part(control));
        let tested = welch_t(t, c);
        WeekEffect {
            n_treatment: weekly.pair(treatment, week, week).customers,
            n_control: weekly.pair(control, week, week).customers,
            mean_treatment: t.1,
            mean_control: c.1,
            value: t.1 - c.1,
            se: tested.map(|_| (t.2 / t.0 + c.2 / c.0).sqrt()),
            df: tested.map(|(_, df, _)| df),
            p_value: tested.map(|(.., p)| p),
        }
    });
    let entry = |week: usize, other: usize| -> f64 {
        let (late, early) = (week.max(other), week.min(other));
        let of = |arm| {
            let pair = weekly.pair(arm, late, early);
            let all = weekly.pair(arm, early, early).customers as f64;
            squares(pair) * unit * unit / (pair.customers as f64 - 1.0) / all
        };
        arms.into_iter().map(of).sum()
    };
    WeeklyEffects {
        weeks: weeks.collect(),
        covariance: (0..count)
            .map(|w| (0..count).map(|v| entry(w, v)).collect())
            .collect(),
    }
}

fn squares(p: &WeekPair) -> f64 {
    Moments::centred(p.customers, p.sum, p.other_sum, p.product)
}
