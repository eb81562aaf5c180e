//! Experiment + Evidence → estimates, checks and the joint effect that money is made of.

mod checks;
mod describe;
mod estimates;
mod family;
mod joint;
mod looks;
mod model;
mod primary;
mod scale;
mod shown;

pub use describe::{balance, distribution, levels};
pub use joint::joint_effect;
pub use looks::{
    ArmLooks, Asked, BlindedRow, Boundaries, LookRow, LookState, PlannedLook, first_day, interim,
    last, last_day, no_looks_planned, plan_until,
};
pub use model::*;
pub use scale::{Scale, before_windows, scale};
pub use shown::Shown;

use crate::error::{Error, Result};
use crate::experiment::Experiment;
use crate::table::Evidence;

/// Whether arms may be compared yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The test period runs: health checks only, nothing by arm.
    Running,
    /// The test period is over.
    Ended,
}

/// Checks, and after the end of the test period the estimates too.
///
/// # Errors
/// A named primary estimator of the primary outcome that cannot be computed
/// on this data, or sums that exceed 127 bits.
pub fn analyze(experiment: &Experiment, evidence: &Evidence, phase: Phase) -> Result<Analysis> {
    let checks = checks::all(experiment, evidence)?;
    if phase == Phase::Running {
        return Ok(Analysis {
            checks,
            ..Analysis::default()
        });
    }
    if experiment.cluster_column().is_some() {
        // Every estimator built so far would take the customers of a cluster for independent.
        return Err(
            Error::not_yet_built("the analysis of whole clusters").key("assignment.cluster")
        );
    }
    let tables = estimates::capped_tables(experiment, evidence)?;
    let mut analysis = estimates::all(experiment, &tables)?;
    estimates::add_uncapped(experiment, evidence, &mut analysis.estimates)?;
    analysis.warnings.extend(not_yet_answered(experiment));
    analysis.checks = checks;
    analysis.balance = balance(experiment, &tables)?;
    analysis.distribution = distribution(experiment, &tables);
    analysis.levels = levels(experiment, &tables)?;
    Ok(analysis)
}

/// What the plan asks and this version does not answer.
fn not_yet_answered(experiment: &Experiment) -> Vec<Warning> {
    let asked = [
        (
            !experiment.analysis.segments.is_empty(),
            "analysis.segments",
            "effects by segment",
        ),
        (
            experiment.analysis.prior.is_some(),
            "analysis.prior",
            "the Bayesian estimate",
        ),
        (
            experiment.decision.max_attrition_difference.is_some(),
            "decision.max_attrition_difference",
            "the check of attrition",
        ),
    ];
    asked
        .into_iter()
        .filter(|(asked, ..)| *asked)
        .map(|(_, key, what)| Warning {
            id: "not-yet-built".into(),
            message: format!(
                "the plan's {key} asks for {what}, which this version does not yet compute"
            ),
        })
        .collect()
}
