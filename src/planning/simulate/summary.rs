//! What a simulation says, as people and programs read it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::stats::{Estimand, Estimator};

use super::draw::Scenario;
use super::looks_summary::Looks;
use super::tally::{Rate, Tallies, Tally};

/// A result is called out of bounds beyond this many Monte-Carlo standard errors.
pub const BOUND: f64 = 4.0;

/// A simulation of a pilot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Name of this form.
    pub schema: String,
    /// Version of the program.
    pub pilot_version: String,
    /// The pilot's name.
    pub experiment: String,
    /// SHA-256 of the plan.
    pub plan_sha256: String,
    /// Where customers come from, in words.
    pub source: String,
    /// Customers in each simulated pilot; region-blocks where regions get the arms.
    pub customers: u64,
    /// Regions, where they get the arms for blocks of days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<u64>,
    /// Blocks of days of a schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks: Option<u64>,
    /// Arms, control among them.
    pub arms: u64,
    /// Replays of each scenario.
    pub replicates: u64,
    /// Seed of every draw.
    pub seed: u64,
    /// Error rate that the plan allows.
    pub alpha: f64,
    /// Draws of each permutation test and bootstrap.
    pub draws: u32,
    /// Assumed reduction of the mean by each treatment; `None`: only no effect was simulated.
    pub effect: Option<f64>,
    /// Share of customers who never contact, on top.
    pub zero_inflation: f64,
    /// Tail index of the Pareto factor of each customer's rate.
    pub heavy_tail: Option<f64>,
    /// Share of customers whose outcome was missing.
    pub attrition: f64,
    /// Mean of the outcome without an intervention.
    pub mean: f64,
    /// One row an estimator and estimand.
    pub estimators: Vec<Row>,
    /// Share of the replays without effect in which a warning, or a check that warns or stops, came.
    pub warnings: BTreeMap<String, f64>,
    /// Share of the replays without effect in which the plan's own estimator could not be computed.
    pub refused: f64,
    /// Looks before the end; `None` where nobody looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks: Option<Looks>,
}

/// What an estimator did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The estimator.
    pub estimator: Estimator,
    /// Its estimand.
    pub estimand: Estimand,
    /// Whether it decides in the plan.
    pub primary: bool,
    /// Share of the comparisons for which it gave an estimate, without effect.
    pub computed: f64,
    /// Comparisons with p ≤ α where there is no effect, each by itself.
    pub false_positives: Option<Rate>,
    /// Pilots in which any arm has p ≤ α without effect; p adjusted where the plan adjusts it.
    pub any_false_positive: Option<Rate>,
    /// Comparisons with p ≤ α where there is the effect, each by itself.
    pub power: Option<Rate>,
    /// The same with p adjusted over the arms.
    pub power_adjusted: Option<Rate>,
    /// Intervals that hold the true value, without effect.
    pub coverage: Option<Rate>,
    /// Intervals that hold the true value, with the effect.
    pub coverage_with_effect: Option<Rate>,
    /// Mean of estimate − true value, without effect.
    pub bias: Option<Rate>,
    /// Mean of estimate − true value, with the effect.
    pub bias_with_effect: Option<Rate>,
    /// The true value with the effect.
    pub truth: Option<f64>,
    /// Mean standard error over the standard deviation of the estimates, without effect: 1 is right.
    pub se_over_sd: Option<f64>,
}

impl Row {
    /// Whether there are more or fewer false positives than α by [`BOUND`] Monte-Carlo standard
    /// errors of a rate α.
    pub fn verdict(&self, alpha: f64) -> Option<Verdict> {
        let rate = self.false_positives?;
        let mcse = (alpha * (1.0 - alpha) / rate.replays as f64)
            .sqrt()
            .max(rate.mcse);
        Some(if rate.value > alpha + BOUND * mcse {
            Verdict::TooMany
        } else if rate.value < alpha - BOUND * mcse {
            Verdict::TooFew
        } else {
            Verdict::AsPlanned
        })
    }
}

/// False positives against the plan's error rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// More than chance explains.
    TooMany,
    /// Within chance.
    AsPlanned,
    /// Fewer: the test is cautious.
    TooFew,
}

/// What a summary is of.
pub struct About<'a> {
    /// The pilot's name.
    pub experiment: &'a str,
    /// SHA-256 of the plan.
    pub plan_sha256: &'a str,
    /// Where customers come from, in words.
    pub source: String,
    /// Customers in each simulated pilot.
    pub customers: u64,
    /// Arms.
    pub arms: usize,
    /// Replays of each scenario.
    pub replicates: u64,
    /// Seed.
    pub seed: u64,
    /// The plan's error rate.
    pub alpha: f64,
    /// Draws of resampling.
    pub draws: u32,
    /// Mean of the outcome without an intervention.
    pub mean: f64,
    /// Looks before the end.
    pub looks: Option<Looks>,
}

/// Puts the replays without effect and those with `scenario`'s together.
pub fn summary(
    about: About<'_>,
    scenario: &Scenario,
    none: &Tallies,
    effect: Option<&Tallies>,
) -> Summary {
    let replays = none.replays.max(1) as f64;
    let row = |t: &Tally| {
        let with = effect.and_then(|e| e.get(t.estimator, t.estimand));
        let spread = t
            .estimate
            .rate()
            .map(|r| r.mcse * (r.replays as f64).sqrt())
            .filter(|sd| *sd > 0.0);
        Row {
            estimator: t.estimator,
            estimand: t.estimand,
            primary: t.primary,
            computed: t.computed.sum / replays,
            false_positives: t.rejected.rate(),
            any_false_positive: t.any_rejected.rate(),
            power: with.and_then(|w| w.rejected.rate()),
            power_adjusted: with.and_then(|w| w.rejected_adjusted.rate()),
            coverage: t.covered.rate(),
            coverage_with_effect: with.and_then(|w| w.covered.rate()),
            bias: t.error.rate(),
            bias_with_effect: with.and_then(|w| w.error.rate()),
            truth: with.and_then(|w| w.truth),
            se_over_sd: t.se.rate().zip(spread).map(|(se, sd)| se.value / sd),
        }
    };
    Summary {
        schema: "pilot.simulation/1".into(),
        pilot_version: env!("CARGO_PKG_VERSION").into(),
        experiment: about.experiment.into(),
        plan_sha256: about.plan_sha256.into(),
        source: about.source,
        customers: about.customers,
        regions: None,
        blocks: None,
        arms: about.arms as u64,
        replicates: about.replicates,
        seed: about.seed,
        alpha: about.alpha,
        draws: about.draws,
        effect: effect.map(|_| scenario.reduction),
        zero_inflation: scenario.zero_inflation,
        heavy_tail: scenario.heavy_tail,
        attrition: scenario.attrition,
        mean: about.mean,
        estimators: none.estimators.iter().map(row).collect(),
        warnings: none
            .warnings
            .iter()
            .map(|(id, n)| (id.clone(), *n as f64 / replays))
            .collect(),
        refused: none.refused as f64 / replays,
        looks: about.looks,
    }
}
