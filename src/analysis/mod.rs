//! Experiment + Evidence → estimates, checks and the joint effect that money is made of.

mod attrition;
mod before_and_zeros;
mod checks;
mod claims;
mod clusters;
mod describe;
mod empty;
mod estimates;
mod factorial;
mod family;
mod guardrails;
mod joint;
mod looked;
mod looks;
mod model;
mod over_stages;
mod primary;
mod run;
mod scale;
mod schedule;
mod segments;
mod shown;
mod small;
mod spillover;
mod unit;
mod warnings;
mod weekly;

pub use describe::{balance, distribution, levels};
pub use guardrails::{GuardrailStanding, guardrail_standing, two_sided};
pub use joint::joint_effect;
pub use looked::{moved, shift};
pub use looks::{
    ArmLooks, Asked, BlindedRow, Boundaries, FirstStage, LookRow, LookState, NextSize, NextStage,
    PlannedLook, StageRecord, StageRow, StagedArm, Stages, blinded_until, combine, first_day,
    interim, last, last_day, look_design, next_stages, no_looks_planned, normal_score, plan_until,
};
pub use model::*;
pub use scale::days_per_exposure;
pub use scale::{Scale, before_windows, scale};
pub use schedule::{RegionRow, ScheduleRows, by_customer, rates, replayed};
pub use segments::{SegmentRow, SegmentTest, Segments};
pub use shown::{Shown, untested_harm};
pub use small::told;
pub use unit::{Counted, Mean, Over, Score, Time, Unit, Whom};
pub use weekly::{FadeRow, WeekRow, Weekly};

use crate::error::Result;
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
    if experiment.assignment.schedule.is_some() {
        return schedule::analyze(experiment, evidence, phase);
    }
    let mut checks = checks::all(experiment, evidence, phase)?;
    if lost(&checks) {
        return Ok(only(checks));
    }
    if phase == Phase::Running {
        // They compare arms after the start, which nobody looks at before the end.
        let unended = ["spillover", "persistence"];
        checks.extend(unended.map(|id| checks::not_run(id, checks::after_the_end())));
        return Ok(only(checks));
    }
    let tables = estimates::capped_tables(experiment, evidence)?;
    let mut analysis = estimates::all(experiment, evidence, &tables)?;
    estimates::add_uncapped(experiment, evidence, &mut analysis.estimates)?;
    guardrails::add_margins(experiment, &tables, &mut analysis.estimates)?;
    analysis.factorial = factorial::crossed(experiment, &analysis.estimates);
    let misfit = warnings::of_negbin(experiment, &analysis.estimates, &checks);
    analysis.warnings.extend(misfit);
    analysis.checks_alone = checks.clone();
    let deciding = deciding_table(experiment, &tables);
    if let (Some(table), Some(check)) = (deciding, checks.iter_mut().find(|c| c.id == "attrition"))
    {
        let outcome = experiment.primary_outcome();
        let bounds = attrition::bounds_in_words(experiment, outcome, table)?;
        if let Some(bounds) = bounds {
            check.detail.push(' ');
            check.detail.push_str(&bounds);
        }
    }
    let varying = deciding.is_some_and(|t| t.constant_exposure().is_none());
    let empty = deciding.map_or_else(Vec::new, |table| empty::arms(experiment, table));
    checks.push(claims::claims(
        experiment,
        varying,
        &mut analysis.estimates,
        &empty,
    ));
    segments::add(experiment, evidence, &mut analysis)?;
    analysis.weekly = weekly::weekly(experiment, evidence);
    checks.push(spillover::spillover(experiment, evidence));
    checks.push(weekly::persistence(experiment, analysis.weekly.as_ref()));
    analysis.checks = checks;
    let as_they_were = experiment.outcomes.iter().filter_map(|o| {
        let mut found = evidence.outcomes.iter();
        Some((o, &found.find(|e| e.outcome == o.name)?.table))
    });
    analysis.balance = balance(experiment, as_they_were)?;
    analysis.distribution = distribution(experiment, &tables);
    analysis.levels = levels(experiment, evidence, &tables)?;
    Ok(analysis)
}

/// The checks, where nobody in any arm made a contact and there is nothing to compare.
///
/// # Errors
/// Sums that exceed 127 bits.
pub fn without_contacts(experiment: &Experiment, evidence: &Evidence) -> Result<Option<Analysis>> {
    let check = empty::no_contacts(experiment, evidence, Phase::Ended);
    match check.status {
        Status::Stop => analyze(experiment, evidence, Phase::Ended).map(Some),
        _ => Ok(None),
    }
}

/// Whether nobody in any arm made a contact.
fn lost(checks: &[Check]) -> bool {
    let stops = |c: &Check| c.id == "no-contacts" && c.status == Status::Stop;
    checks.iter().any(stops)
}

/// Checks without a comparison of arms.
fn only(checks: Vec<Check>) -> Analysis {
    Analysis {
        checks_alone: checks.clone(),
        checks,
        ..Analysis::default()
    }
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
