//! Experiment + Evidence → estimates, checks and the joint effect that money is made of.

mod checks;
mod clusters;
mod describe;
mod estimates;
mod family;
mod joint;
mod model;
mod primary;
mod scale;
mod segments;
mod shown;
mod spillover;
mod weekly;

pub use describe::{balance, distribution, levels};
pub use joint::joint_effect;
pub use model::*;
pub use segments::{SegmentRow, SegmentTest, Segments};
pub use shown::Shown;
pub use weekly::{FadeRow, WeekRow, Weekly};

use crate::error::Result;
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
    let mut checks = checks::all(experiment, evidence)?;
    if phase == Phase::Running {
        // They compare arms after the start, which nobody looks at before the end.
        let unended = "it compares arms after the start, as `pilot analyze` does once the test period has ended";
        checks.push(checks::not_run("spillover", unended));
        checks.push(checks::not_run("persistence", unended));
        return Ok(Analysis {
            checks,
            ..Analysis::default()
        });
    }
    let tables = estimates::capped_tables(experiment, evidence)?;
    let mut analysis = estimates::all(experiment, evidence, &tables)?;
    estimates::add_uncapped(experiment, evidence, &mut analysis.estimates)?;
    analysis.warnings.extend(not_yet_answered(experiment));
    segments::add(experiment, evidence, &mut analysis)?;
    analysis.weekly = weekly::weekly(experiment, evidence);
    checks.push(spillover::spillover(experiment, evidence));
    checks.push(weekly::persistence(experiment, analysis.weekly.as_ref()));
    analysis.checks = checks;
    analysis.balance = balance(experiment, &tables)?;
    analysis.distribution = distribution(experiment, &tables);
    analysis.levels = levels(experiment, evidence, &tables)?;
    Ok(analysis)
}

/// What the plan asks and this version does not answer.
fn not_yet_answered(experiment: &Experiment) -> Vec<Warning> {
    let asked = [
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
