//! Experiment + Evidence → estimates, checks and the joint effect that money is made of.

mod attrition;
mod before_and_zeros;
mod checks;
mod claims;
mod describe;
mod estimates;
mod factorial;
mod family;
mod guardrails;
mod joint;
mod model;
mod primary;
mod scale;
mod shown;
mod warnings;

pub use describe::{balance, distribution, levels};
pub use joint::joint_effect;
pub use model::*;
pub use shown::Shown;

use crate::error::{Error, Result};
use crate::experiment::Experiment;
use crate::table::{ContactTable, Evidence};

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
    let mut checks = checks::all(experiment, evidence, phase)?;
    if phase == Phase::Running {
        return Ok(Analysis {
            checks_alone: checks.clone(),
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
    guardrails::add_margins(experiment, &tables, &mut analysis.estimates)?;
    analysis.factorial = factorial::crossed(experiment, &analysis.estimates);
    analysis.checks_alone = checks.clone();
    let deciding = deciding_table(experiment, &tables);
    if let (Some(table), Some(check)) = (deciding, checks.iter_mut().find(|c| c.id == "attrition"))
    {
        let outcome = experiment.primary_outcome();
        let bounds = attrition::bounds_in_words(experiment, outcome, table)?;
        check.detail.push_str(&bounds);
    }
    let varying = deciding.is_some_and(|t| t.constant_exposure().is_none());
    checks.push(claims::claims(experiment, varying, &mut analysis.estimates));
    analysis.warnings.extend(not_yet_answered(experiment));
    analysis.checks = checks;
    analysis.balance = balance(experiment, &tables)?;
    analysis.distribution = distribution(experiment, &tables);
    analysis.levels = levels(experiment, &tables)?;
    Ok(analysis)
}

/// The table of the outcome that decides.
fn deciding_table<'a>(
    experiment: &Experiment,
    tables: &'a [ContactTable],
) -> Option<&'a ContactTable> {
    let name = &experiment.primary_outcome().name;
    let place = experiment.outcomes.iter().position(|o| &o.name == name)?;
    tables.get(place)
}

/// What the plan asks and this version does not answer.
fn not_yet_answered(experiment: &Experiment) -> Vec<Warning> {
    let asked = [(
        !experiment.analysis.segments.is_empty(),
        "analysis.segments",
        "effects by segment",
    )];
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
