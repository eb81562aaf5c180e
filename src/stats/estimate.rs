//! One record for every estimate, and the question it answers.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is estimated, always treatment against control.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Estimand {
    /// Treatment − control; null value 0.
    Difference,
    /// Treatment / control; null value 1; `se` is on the log scale.
    Ratio,
    /// P(Y_k < Y_0) + ½P(=); null value ½.
    Probability,
}

/// The estimators' names in JSON and CSV.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)] // each is defined in docs/statistics.md under its own name
pub enum Estimator {
    Welch,
    Student,
    Rate,
    Delta,
    Stratified,
    Cuped,
    Did,
    Ancova,
    Lin,
    Poisson,
    Negbin,
    Permutation,
    MannWhitney,
    Bootstrap,
    Cluster,
    Cace,
    Proportion,
    Bayes,
}

impl Estimator {
    /// Every estimator, in the order of reports.
    pub const ALL: [Estimator; 18] = [
        Estimator::Welch,
        Estimator::Student,
        Estimator::Rate,
        Estimator::Delta,
        Estimator::Stratified,
        Estimator::Cuped,
        Estimator::Did,
        Estimator::Ancova,
        Estimator::Lin,
        Estimator::Poisson,
        Estimator::Negbin,
        Estimator::Permutation,
        Estimator::MannWhitney,
        Estimator::Bootstrap,
        Estimator::Cluster,
        Estimator::Cace,
        Estimator::Proportion,
        Estimator::Bayes,
    ];

    /// The name in JSON, CSV and plans.
    pub fn name(self) -> &'static str {
        match self {
            Estimator::Welch => "welch",
            Estimator::Student => "student",
            Estimator::Rate => "rate",
            Estimator::Delta => "delta",
            Estimator::Stratified => "stratified",
            Estimator::Cuped => "cuped",
            Estimator::Did => "did",
            Estimator::Ancova => "ancova",
            Estimator::Lin => "lin",
            Estimator::Poisson => "poisson",
            Estimator::Negbin => "negbin",
            Estimator::Permutation => "permutation",
            Estimator::MannWhitney => "mann-whitney",
            Estimator::Bootstrap => "bootstrap",
            Estimator::Cluster => "cluster",
            Estimator::Cace => "cace",
            Estimator::Proportion => "proportion",
            Estimator::Bayes => "bayes",
        }
    }

    /// The estimator of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|e| e.name() == name)
    }
}

impl fmt::Display for Estimator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The alternative hypothesis, in terms of the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Alternative {
    /// H1: the effect is not null.
    TwoSided,
    /// H1: difference < 0, ratio < 1, P(Y_k < Y_0) > ½.
    Less,
    /// H1: difference > 0, ratio > 1, P(Y_k < Y_0) < ½.
    Greater,
}

/// Level and alternative of a test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Test {
    /// Error rate, for example .05; intervals have level 1 − alpha.
    pub alpha: f64,
    /// The alternative.
    pub alternative: Alternative,
}

impl Test {
    /// Two-sided at 5 %.
    pub const DEFAULT: Test = Test {
        alpha: 0.05,
        alternative: Alternative::TwoSided,
    };
}

/// An interval; an end is `None` where it is unbounded (one-sided tests).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub lower: Option<f64>,
    /// Upper end.
    pub upper: Option<f64>,
}

/// One item of an estimate's `detail`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum DetailValue {
    /// Yes or no.
    Flag(bool),
    /// A count of customers, strata or draws.
    Count(u64),
    /// A number; never NaN or infinite.
    Number(f64),
    /// A word.
    Text(String),
    /// Two or more numbers, for example an interval.
    Numbers(Vec<f64>),
}

/// Named extras of an estimate.
pub type Detail = BTreeMap<String, DetailValue>;

/// One estimate of one treatment arm against control.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// How it was made.
    pub estimator: Estimator,
    /// What it estimates.
    pub estimand: Estimand,
    /// The value, on the estimand's own scale.
    pub value: f64,
    /// Standard error; on the log scale for ratios.
    pub se: Option<f64>,
    /// Degrees of freedom; `None` where the reference distribution is normal or there is none.
    pub df: Option<f64>,
    /// Confidence interval at 1 − alpha, on the estimand's own scale.
    pub interval: Option<Interval>,
    /// p-value for the test's alternative.
    pub p_value: Option<f64>,
    /// Observed customers of the treatment arm that were used.
    pub n_treatment: u64,
    /// Observed customers of control that were used.
    pub n_control: u64,
    /// Control's share b² of the variance of this contrast; two arms' contrasts correlate b_j·b_k (Dunnett).
    pub control_share: Option<f64>,
    /// Extras, by name.
    pub detail: Detail,
}

/// Why an estimator does not apply to this data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// In words for the report's list of skipped estimators.
    pub why: String,
}

impl Refusal {
    /// A refusal with its reason.
    pub fn new(why: impl Into<String>) -> Self {
        Refusal { why: why.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}
