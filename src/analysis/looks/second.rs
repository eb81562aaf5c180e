//! A second stage: its estimates combined with those of the first, by the first plan's weights.

mod joint;
mod words;

use crate::analysis::claims;
use crate::analysis::estimates;
use crate::analysis::model::Analysis;
use crate::analysis::over_stages::OverStages;
use crate::error::{Error, Kind, Result};
use crate::experiment::{Experiment, Role, Sequential};
use crate::stats::Refusal;
use crate::stats::sequential::{Boundary, Design, Monitor, Now, Passed, Standard, on_both};
use crate::table::Evidence;

use super::Asked;
use super::model::{ArmLooks, Boundaries, LookRow};
use super::stages::{FirstStage, Stages};
use joint::{Combined, Joint, beside};
use words::words;

/// Replaces the estimates that decide by those of both stages; the stages' own stand beside them.
///
/// *Formula* — [`TwoStages`] of each arm, with the boundary, the error rate alpha/K and the K
/// of the first stage, also where arms were dropped. The joint covariance of the arms is
/// Σ_s v_js v_ks Cov_s(j, k), v_js the share of stage s in arm j's estimate.
///
/// # Errors
/// A first stage without weights or with another question; an arm that it did not have.
pub fn combine(
    plan: &Experiment,
    evidence: &Evidence,
    analysis: &mut Analysis,
    first: &FirstStage<'_>,
) -> Result<(Boundaries, Stages)> {
    let refused = |refusal: Refusal| {
        Error::new(Kind::Data, format!("both stages together: {refusal}"))
            .key("experiment.second_stage_of")
            .hint("`pilot explain second-stage` says what two stages need in common")
    };
    let joint = Joint::new(plan, first).map_err(refused)?;
    let tables = estimates::capped_tables(plan, evidence)?;
    let asked = Asked {
        number: joint.number,
        until: None,
        ended: true,
        earlier: &[],
    };
    let mut combined = Vec::new();
    for (i, row) in analysis.estimates.iter().enumerate() {
        let at = plan.outcomes.iter().position(|o| o.name == row.outcome);
        let Some(at) = at.filter(|at| plan.outcomes[*at].role == Role::Primary) else {
            continue;
        };
        if row.primary && row.segment.is_none() {
            let comparing = joint.comparing(plan, at, &tables[at], &asked);
            combined.push((i, joint.arm(&comparing, row).map_err(refused)?));
        }
    }
    if combined.is_empty() {
        return Err(refused(Refusal::new(
            "there is no deciding estimate to combine",
        )));
    }
    let both: Vec<&Combined> = combined.iter().map(|(_, c)| c).collect();
    analysis.covariance = joint.covariance(plan, analysis.covariance.as_ref(), &both);
    analysis
        .warnings
        .extend(both.iter().filter_map(|c| c.differ(plan)));
    for row in &mut analysis.factorial {
        row.primary = false;
    }
    analysis.over_stages = Some(OverStages {
        first: first.estimates.to_vec(),
        shares: both.iter().filter_map(|c| c.shares(plan)).collect(),
    });
    let arms: Vec<ArmLooks> = both.iter().map(|c| c.looks.clone()).collect();
    let staged = both.iter().map(|c| c.staged.clone()).collect();
    // From the back, so that places stay.
    for (i, c) in combined.into_iter().rev() {
        beside(&mut analysis.estimates[i], 2);
        analysis.estimates.splice(i..i, [c.row, c.first]);
    }
    let place = plan
        .outcomes
        .iter()
        .position(|o| o.name == plan.primary_outcome().name);
    let varying = tables[place.unwrap_or(0)].constant_exposure().is_none();
    let claimed = claims::claims(plan, varying, &mut analysis.estimates, &[]);
    if let Some(check) = analysis.checks.iter_mut().find(|c| c.id == claimed.id) {
        *check = claimed;
    }
    let stages = Stages {
        first: first.record.clone(),
        weights: joint.weights,
        arms: staged,
    };
    let boundaries = Boundaries {
        look: joint.number,
        looks_planned: Some(joint.number),
        looks_made: first.boundaries.looks_made.saturating_add(1),
        until: None,
        ended: true,
        fractions_from: "plan".into(),
        blinded: None,
        next: words(plan, &stages, &arms),
        arms,
        ..first.boundaries.clone()
    };
    Ok((boundaries, stages))
}

/// The boundary of both stages together after the first stage's looks as they were made.
pub(super) fn boundary_of_both(
    first: &Experiment,
    boundaries: &Boundaries,
    looks: &ArmLooks,
) -> Result<Standard, Refusal> {
    let sequential = first.analysis.sequential.as_ref();
    let weights = sequential.and_then(|s| s.extension_weights);
    let (Some(sequential), Some(weights)) = (sequential, weights) else {
        return Err(no_weights());
    };
    let monitor = monitor(sequential, boundaries)?;
    standard(&monitor, boundaries, &passed(looks, weights.into())?)
}

fn no_weights() -> Refusal {
    Refusal::new("the first stage's plan has no extension_weights")
}

fn monitor(sequential: &Sequential, boundaries: &Boundaries) -> Result<Monitor, Refusal> {
    let rule = sequential.rule.as_ref().ok_or_else(no_weights)?;
    Monitor::new(Design {
        boundary: Boundary::from_name(&rule.spending, rule.parameter)?,
        information: boundaries.planned.iter().map(|p| p.information).collect(),
        alpha: boundaries.alpha_each,
        sides: boundaries.sides,
        futility: None,
    })
}

/// The first stage's looks on the scale of both.
fn passed(looks: &ArmLooks, weights: [f64; 2]) -> Result<Vec<Passed>, Refusal> {
    let looks: Vec<Passed> = looks.looks.iter().map(LookRow::passed).collect();
    on_both(&looks, weights)
}

fn standard(
    monitor: &Monitor,
    boundaries: &Boundaries,
    passed: &[Passed],
) -> Result<Standard, Refusal> {
    monitor.standard(passed, after(boundaries))
}

/// The second stage as one more look.
fn after(boundaries: &Boundaries) -> Now {
    Now {
        number: boundaries.planned.len(),
        information: 1.0,
        fraction: 1.0,
        ending: true,
    }
}
