//! Two stages as plain data: `stages` and `decision.next_stage` in `analysis.json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analysis::model::{Covariance, EstimateRow};
use crate::experiment::Experiment;

use super::model::Boundaries;

/// A first stage as its second builds on it: the record, and what it found.
#[derive(Debug, Clone, Copy)]
pub struct FirstStage<'a> {
    /// Which analysis of which pilot.
    pub record: &'a StageRecord,
    /// Its plan as approved.
    pub plan: &'a Experiment,
    /// Its looks, the planned end last.
    pub boundaries: &'a Boundaries,
    /// Its estimates.
    pub estimates: &'a [EstimateRow],
    /// Joint covariance of those that decide.
    pub covariance: Option<&'a Covariance>,
}

/// The analysis of a first stage that a second builds on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StageRecord {
    /// The first pilot's name.
    pub name: String,
    /// SHA-256 of its plan's bytes, hexadecimal.
    pub plan_sha256: String,
    /// The seal of its approval.
    pub seal: Option<String>,
    /// Number of the analysis: `experiments/NAME/analyses/000N`.
    pub analysis: u64,
    /// SHA-256 of that analysis' manifest.
    pub analysis_sha256: String,
    /// Number of the evidence that it rests on.
    pub evidence: Option<u32>,
    /// The day as of which it was made.
    pub as_of: String,
    /// Analyses of the first stage that compared arms, looks included.
    pub analyses_made: u32,
    /// What its reports had to say: LATE, DESPITE.
    pub banners: Vec<String>,
}

/// Both stages, and their combination by the weights of the first plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stages {
    /// The first stage.
    pub first: StageRecord,
    /// Weights of the first plan; only their ratio counts.
    pub weights: [f64; 2],
    /// Every comparison that decides.
    pub arms: Vec<StagedArm>,
}

/// One arm against control over both stages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StagedArm {
    /// Outcome's name.
    pub outcome: String,
    /// Arm.
    pub arm: String,
    /// The first and the second stage, each by its own customers.
    pub stages: Vec<StageRow>,
    /// The combined statistic; positive is good.
    pub z: f64,
    /// Its boundary.
    pub critical: f64,
    /// p over both stages, in the order of looks; not adjusted for several arms.
    pub p: Option<f64>,
}

/// A comparison in one stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StageRow {
    /// 1 or 2.
    pub stage: u32,
    /// Its own estimate.
    pub value: f64,
    /// Standard error for which the effect over it is z; log scale for ratios.
    pub se: f64,
    /// Its own statistic; positive is good.
    pub z: f64,
    /// One-sided p towards a good effect.
    pub p: f64,
    /// Its share in the combined estimate.
    pub share: f64,
    /// Treatment customers.
    pub n_arm: u64,
    /// Control customers.
    pub n_control: u64,
}

/// What a next stage of an arm needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NextStage {
    /// Arm.
    pub arm: String,
    /// Whether it is combined with this stage by weights of the plan; otherwise it is a pilot of its
    /// own, a new attempt.
    pub combined: bool,
    /// Power that the sizes are for: where combined, given what this stage found.
    pub power: f64,
    /// z that the next stage's own estimate must reach.
    pub z_needed: f64,
    /// Error rate that is left for it: P(z ≥ `z_needed`) without an effect.
    pub error_rate: f64,
    /// Sizes, by the effect that they are for.
    pub sizes: Vec<NextSize>,
}

/// Customers of a next stage, with the same windows as this one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NextSize {
    /// "estimated": the effect is as large as this stage estimates; "planned": as the plan's
    /// `information_max` was made for; "sought": as `pilot design` was asked for.
    pub effect_from: String,
    /// The effect, in the unit of the estimate that decides.
    pub effect: f64,
    /// Customers in the arm.
    pub customers_arm: u64,
    /// Customers in control.
    pub customers_control: u64,
    /// Both together.
    pub customers_total: u64,
    /// Days until so many have started, where this stage tells how many start a day.
    pub enrolment_days: Option<u64>,
    /// Last day of the last customer's window, if the first of them started on the day of this analysis.
    pub complete_on: Option<String>,
}
