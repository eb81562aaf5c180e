//! Outcomes, tests, estimators and looks of a plan.

use jiff::civil::Date;

use crate::table::Cap;

/// Column after of a counts file where the plan is silent.
pub const DEFAULT_AFTER: &str = "after";

/// An outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Name in files.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// What it is.
    pub kind: OutcomeKind,
    /// Reasons of the log that count; empty is all.
    pub reasons: Vec<String>,
    /// Which direction is good.
    pub better: Better,
    /// Counts above it count as it.
    pub cap: Option<u64>,
    /// Column after, in a counts file. Default `after`.
    pub after: String,
    /// Column before, in a counts file; `None`: `before` where the file has one.
    pub before: Option<String>,
    /// Whether the before value is the same count earlier, or only a covariate (no `did`, no before/after chart).
    pub before_kind: BeforeKind,
    /// Non-inferiority margin of a guardrail, in the outcome's unit.
    pub margin: Option<f64>,
}

impl Outcome {
    /// What the cap cuts; a covariate before is no count of contacts and stays whole.
    pub fn caps(&self) -> Option<Cap> {
        self.cap.map(|at| Cap {
            at,
            before: self.before_kind == BeforeKind::Count,
        })
    }
}

/// What an outcome is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Role {
    Primary,
    Secondary,
    Guardrail,
}

/// What an outcome is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum OutcomeKind {
    Count,
    Mean,
    Proportion,
}

/// Which direction of an outcome is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Better {
    Lower,
    Higher,
}

/// What a before value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum BeforeKind {
    Count,
    Covariate,
}

/// Tests and estimators.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalysisPlan {
    /// Family-wise error rate.
    pub alpha: f64,
    /// Power that `design` sized for.
    pub power: f64,
    /// Whether tests point towards `better`.
    pub one_sided: bool,
    /// Estimand of the primary.
    pub estimand: PlannedEstimand,
    /// Name of the primary estimator, as in [`crate::stats::Estimator`]; `None` is "auto".
    pub estimator: Option<String>,
    /// Adjustment over arms.
    pub multiplicity: Multiplicity,
    /// Differences are per customer over this many days; `None`: over the window.
    pub per_days: Option<u32>,
    /// Draws of the permutation test.
    pub permutations: u32,
    /// Draws of the bootstrap.
    pub bootstrap: u32,
    /// Columns to show effects by.
    pub segments: Vec<String>,
    /// Normal prior of the log ratio: mean and standard deviation.
    pub prior: Option<(f64, f64)>,
    /// Looking before the planned end; `None`: nobody looks.
    pub sequential: Option<Sequential>,
}

/// Looks before the planned end, `[analysis.sequential]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequential {
    /// Last day of each look's contacts, ascending to the planned end; empty where the plan
    /// gives shares alone.
    pub looks: Vec<Date>,
    /// Planned share of the information at each look, ascending to 1; empty where the plan gives days alone.
    pub information: Vec<f64>,
    /// The boundary; `None` is a confidence sequence.
    pub rule: Option<GroupSequential>,
    /// 1/SE² of the primary (log scale for ratios) that the size was planned for.
    pub information_max: Option<f64>,
    /// Weights of this stage and of one that may follow it.
    pub extension_weights: Option<(f64, f64)>,
}

impl Sequential {
    /// Planned looks, the end included; `None` where any moment is one.
    pub fn number(&self) -> Option<usize> {
        let number = self.looks.len().max(self.information.len());
        (number > 0).then_some(number)
    }
}

/// The rule of planned looks; names are those of [`crate::stats::sequential::Boundary`].
#[derive(Debug, Clone, PartialEq)]
pub struct GroupSequential {
    /// Name of the boundary.
    pub spending: String,
    /// Its parameter.
    pub parameter: Option<f64>,
    /// Advice to stop without success.
    pub futility: Option<PlannedFutility>,
}

/// How the type II error rate is spent.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedFutility {
    /// Name of the spending function.
    pub spending: String,
    /// Its parameter.
    pub parameter: Option<f64>,
    /// Type II error rate.
    pub beta: f64,
}

/// Ways of looking early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SequentialKind {
    /// Boundaries for planned looks.
    GroupSequential,
    /// An interval that holds at every moment.
    ConfidenceSequence,
}

/// Estimand of the primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum PlannedEstimand {
    Difference,
    Ratio,
}

/// Adjustments over arms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Multiplicity {
    Dunnett,
    DunnettStepDown,
    Holm,
    Hochberg,
    Bh,
    None,
}
