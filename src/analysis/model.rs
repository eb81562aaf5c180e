//! What an analysis says, as plain data; the field names are those of `analysis.json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::stats::{Detail, Estimand, Estimator};

use super::over_stages::OverStages;
use super::schedule::ScheduleRows;
use super::segments::Segments;
use super::unit::Unit;
use super::weekly::Weekly;

/// Everything an analysis says without money.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Analysis {
    /// Health checks, in the order of the reference list.
    pub checks: Vec<Check>,
    /// The checks that tell nothing of an effect: what is left where one of them stops the rest.
    #[serde(skip)]
    pub checks_alone: Vec<Check>,
    /// Estimates: outcome, then arm, then estimator.
    pub estimates: Vec<EstimateRow>,
    /// Estimates that money needs beside those shown: at a look before the end.
    #[serde(skip)]
    pub unshown: Vec<EstimateRow>,
    /// What puts money over two stages, where this is the second.
    #[serde(skip)]
    pub over_stages: Option<OverStages>,
    /// Estimators that do not apply, with the reason.
    pub skipped: Vec<Skipped>,
    /// Joint covariance of the primary estimates.
    pub covariance: Option<Covariance>,
    /// Main effects and interactions, where arms cross two interventions.
    pub factorial: Vec<FactorialRow>,
    /// Balance of before counts and strata between arms.
    pub balance: Vec<BalanceRow>,
    /// Customers by number of contacts, by arm.
    pub distribution: Vec<DistributionRow>,
    /// Means before and after, by arm.
    pub levels: Vec<LevelRow>,
    /// Effects by week; `None` where the data do not tell the weeks.
    pub weekly: Option<Weekly>,
    /// Which region had which arm when; `None` where customers or clusters got the arms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleRows>,
    /// Effects by segment; `None` where the plan asks for none or the data do not tell.
    pub segments: Option<Segments>,
    /// Warnings, shown alike everywhere.
    pub warnings: Vec<Warning>,
}

/// Outcome of a health check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Status {
    Ok,
    Info,
    Warn,
    Stop,
    NotRun,
}

impl Status {
    /// The name in JSON and CSV.
    pub fn name(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Info => "info",
            Status::Warn => "warn",
            Status::Stop => "stop",
            Status::NotRun => "not-run",
        }
    }
}

/// One health check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// Stable name, for example `srm`.
    pub id: String,
    /// The finding.
    pub status: Status,
    /// Test statistic, or the count of interest.
    pub statistic: Option<f64>,
    /// p-value, for checks that test.
    pub p_value: Option<f64>,
    /// One sentence in plain words.
    pub detail: String,
}

/// A warning as a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Warning {
    /// Stable name.
    pub id: String,
    /// One sentence in plain words.
    pub message: String,
}

impl Warning {
    /// A warning under its id.
    pub fn new(id: &str, message: String) -> Self {
        let id = id.into();
        Warning { id, message }
    }
}

/// One row of `estimates`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EstimateRow {
    /// Outcome's name.
    pub outcome: String,
    /// Treatment arm's name.
    pub arm: String,
    /// Control arm's name.
    pub control: String,
    /// Segment; `None` is everyone.
    pub segment: Option<String>,
    /// What is estimated.
    pub estimand: Estimand,
    /// How.
    pub estimator: Estimator,
    /// The value.
    pub value: f64,
    /// Standard error; log scale for ratios.
    pub se: Option<f64>,
    /// Degrees of freedom; `None` is normal.
    pub df: Option<f64>,
    /// Interval.
    pub ci_lower: Option<f64>,
    /// Interval.
    pub ci_upper: Option<f64>,
    /// 1 − alpha.
    pub level: f64,
    /// p-value, unadjusted.
    pub p_value: Option<f64>,
    /// Adjusted over the family; `None` outside it.
    pub p_adjusted: Option<f64>,
    /// Simultaneous interval.
    pub ci_adjusted_lower: Option<f64>,
    /// Simultaneous interval.
    pub ci_adjusted_upper: Option<f64>,
    /// Whether this record decides.
    pub primary: bool,
    /// Unit of the value, in words, for example "contacts per customer per 30 days".
    pub unit: Unit,
    /// Treatment customers used.
    pub n_arm: u64,
    /// Control customers used.
    pub n_control: u64,
    /// Extras.
    pub detail: Detail,
}

/// An estimator that does not apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Skipped {
    /// Outcome's name.
    pub outcome: String,
    /// The estimator.
    pub estimator: Estimator,
    /// Treatment arm; `None` where it concerns all.
    pub arm: Option<String>,
    /// Why.
    pub why: String,
}

/// Joint covariance of the primary estimates of all treatment arms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Covariance {
    /// Treatment arms, in order of rows and columns.
    pub arms: Vec<String>,
    /// Scale: the estimates' own for differences, logarithmic for ratios.
    pub scale: String,
    /// Row by row.
    pub matrix: Vec<Vec<f64>>,
}

/// A main effect or the interaction of two interventions that the arms cross.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FactorialRow {
    /// Outcome's name.
    pub outcome: String,
    /// The arm with the one intervention alone.
    pub first: String,
    /// The arm with the other alone.
    pub second: String,
    /// The arm with both.
    pub both: String,
    /// "main-first", "main-second" or "interaction".
    pub effect: String,
    /// Difference or ratio.
    pub estimand: Estimand,
    /// Whose estimates of the arms it is made of.
    pub estimator: Estimator,
    /// The value; of ratios a ratio (an interaction of 1 means that they multiply).
    pub value: f64,
    /// Standard error; log scale for ratios.
    pub se: f64,
    /// Degrees of freedom; `None` is normal.
    pub df: Option<f64>,
    /// Two-sided interval.
    pub ci_lower: f64,
    /// Two-sided interval.
    pub ci_upper: f64,
    /// 1 − alpha.
    pub level: f64,
    /// Two-sided p-value, unadjusted.
    pub p_value: f64,
    /// Whether it is made of the estimates that decide.
    pub primary: bool,
    /// Unit of the value, in words.
    pub unit: Unit,
}

/// Balance of one covariate (or stratum level) in one treatment arm against control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BalanceRow {
    /// "before" or "column = value".
    pub covariate: String,
    /// Treatment arm.
    pub arm: String,
    /// Mean (or share) in the treatment arm.
    pub mean_arm: f64,
    /// Mean (or share) in control.
    pub mean_control: f64,
    /// Standardised mean difference; `None` where there is no spread.
    pub smd: Option<f64>,
}

/// Customers of an arm with so many contacts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DistributionRow {
    /// Outcome's name.
    pub outcome: String,
    /// Arm.
    pub arm: String,
    /// Lowest number of contacts (or value) in the bin.
    pub from: f64,
    /// Highest in the bin; `None` is open ended.
    pub to: Option<f64>,
    /// Customers.
    pub customers: u64,
    /// Share of the arm's customers.
    pub share: f64,
}

/// Means of an arm before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LevelRow {
    /// Outcome's name.
    pub outcome: String,
    /// Arm.
    pub arm: String,
    /// "before" or "after".
    pub period: String,
    /// Customers.
    pub n: u64,
    /// Total contacts (or sum).
    pub total: f64,
    /// Mean per customer, in `unit`.
    pub mean: f64,
    /// Interval of the mean, level 1 − alpha, normal.
    pub ci_lower: Option<f64>,
    /// Interval of the mean.
    pub ci_upper: Option<f64>,
    /// Unit of the mean.
    pub unit: Unit,
}

/// Contacts avoided by each treatment arm, jointly: what money is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JointEffect {
    /// Treatment arms.
    pub arms: Vec<String>,
    /// Contacts avoided per customer-day (positive is fewer contacts), averaged over the after window.
    pub mean: Vec<f64>,
    /// Their covariance, row by row.
    pub cov: Vec<Vec<f64>>,
    /// Smallest degrees of freedom; `None` is normal.
    pub df: Option<f64>,
    /// Contacts per customer-day of control in the after window.
    pub control_rate: f64,
    /// Length of the after window in days (mean exposure where it varies).
    pub window_days: f64,
    /// The same for minutes of handling; `None` without a cost per minute, or where they could not
    /// be estimated for every arm.
    #[serde(default)]
    pub minutes: Option<MinutesEffect>,
    /// What has a price, avoided for every reason; `None` where the primary outcome counts every
    /// reason, or the data do not tell the others.
    #[serde(default)]
    pub every_reason: Option<EveryReason>,
    /// What the effects rest on, where it is not the estimates that decide as they stand.
    #[serde(default)]
    pub basis: Basis,
}

/// What money rests on beside the estimates that decide.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Basis {
    /// The estimator that decides where it compares totals of customers who were observed for
    /// different times: the effects are then those of `rate`, per customer-day.
    pub instead_of: Option<Estimator>,
    /// Arms whose effect is the median-unbiased estimate over the looks.
    pub median_unbiased: Vec<String>,
    /// Arms that were looked at and have no such estimate: their effect is the raw one.
    pub raw: Vec<String>,
    /// Whether the first stage has no estimate like those that money is made of, so that they are of
    /// the second stage alone.
    #[serde(default)]
    pub second_stage_alone: bool,
    /// Whether `rate` would mix strata that the arms share unequally, so that no effect per
    /// customer-day holds.
    pub mixes_strata: bool,
}

/// What has a price (contacts, or minutes where they are priced) avoided for every reason by each
/// treatment arm, jointly, in the order of [`JointEffect::arms`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EveryReason {
    /// Avoided per customer-day (positive is fewer).
    pub mean: Vec<f64>,
    /// Their covariance, row by row.
    pub cov: Vec<Vec<f64>>,
}

/// Minutes of handling avoided by each treatment arm, jointly, in the order of [`JointEffect::arms`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MinutesEffect {
    /// Minutes avoided per customer-day (positive is fewer minutes).
    pub mean: Vec<f64>,
    /// Their covariance, row by row.
    pub cov: Vec<Vec<f64>>,
    /// Smallest degrees of freedom; `None` is normal.
    pub df: Option<f64>,
    /// Minutes per customer-day of control in the after window.
    pub control_rate: f64,
}
