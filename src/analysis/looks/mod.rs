//! Looking early: the primary on the contacts so far, held against the plan's boundary.

mod arm;
mod fraction;
mod model;
mod needed;
mod scored;
mod second;
mod stages;
mod words;

use jiff::civil::Date;

use crate::error::{Error, Kind, Result};
use crate::experiment::{Experiment, Outcome, Role, Sequential, Windows};
use crate::number::general;
use crate::stats::sequential::{Boundary, Design, Futility, Monitor, Spending, stage_fractions};
use crate::stats::{DetailValue, Refusal};
use crate::table::{ContactTable, Evidence};
use crate::texts::text;

use super::model::{Analysis, EstimateRow, Warning};
use super::{Phase, estimates, joint};
use arm::Comparing;
use fraction::Projection;
pub use fraction::{first_day, last_day};
pub use model::*;
pub use needed::next_stages;
pub use scored::normal_score;
pub use second::combine;
pub use stages::*;

/// The last look has at least a little more information than the one before (see
/// [`crate::stats::sequential::Monitor`]); less than this factor is that little.
const STALLED: f64 = 1.0003;

/// Which look, on what, after which.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// Number of the look, from 1.
    pub number: u32,
    /// Last day whose contacts count; `None` where the file is as of the look.
    pub until: Option<Date>,
    /// Whether the planned end has passed, so that this is the last look.
    pub ended: bool,
    /// Earlier looks as they were recorded, in the order of their numbers.
    pub earlier: &'a [Boundaries],
}

/// The plan as it stands at a look: windows of fixed days end with the look.
///
/// Units and scales are then those of the days that have passed.
pub fn plan_until(plan: &Experiment, until: Option<Date>) -> Experiment {
    let mut cut = plan.clone();
    if let Some(until) = until
        && let Some(Windows::Fixed { after, .. }) = cut.periods.as_mut().map(|p| &mut p.windows)
    {
        after.1 = after.1.min(until);
    }
    cut
}

/// An interim look: checks, the deciding estimates without any inference for a fixed horizon,
/// and where each stands against the boundary.
///
/// # Errors
/// No sequential plan; a primary without standard error; a look that the plan does not have or
/// that brings no information; classical boundaries at other fractions than planned.
pub fn interim(
    plan: &Experiment,
    evidence: &Evidence,
    asked: &Asked<'_>,
) -> Result<(Analysis, Boundaries)> {
    let cut = plan_until(plan, asked.until);
    let whole = super::analyze(&cut, evidence, Phase::Ended)?;
    let tables = estimates::capped_tables(&cut, evidence)?;
    let role = |name: &str| {
        plan.outcomes
            .iter()
            .find(|o| o.name == name)
            .map(|o| o.role)
    };
    let decides = |row: &EstimateRow| -> bool {
        row.primary
            && row.segment.is_none()
            && matches!(role(&row.outcome), Some(Role::Primary | Role::Guardrail))
    };
    // Checks that compare arms after the start have one look, at the end.
    let checks = super::analyze(&cut, evidence, Phase::Running)?.checks;
    // Whatever else an analysis shows by arm waits for the end.
    let (estimates, others): (Vec<_>, Vec<_>) = whole.estimates.into_iter().partition(decides);
    let mut analysis = Analysis {
        checks_alone: checks.clone(),
        checks,
        estimates,
        unshown: others
            .into_iter()
            .filter(|r| joint::is_of_money(plan, r))
            .collect(),
        balance: whole.balance,
        warnings: whole.warnings,
        ..Analysis::default()
    };
    for row in &mut analysis.estimates {
        hide_fixed(row);
    }
    let boundaries = adjust(plan, &tables, &mut analysis, asked)?;
    widen_guardrails(plan, &mut analysis, &boundaries.arms);
    Ok((analysis, boundaries))
}

/// The last look: the deciding estimates of an ordinary analysis get p and interval over all looks.
///
/// # Errors
/// As [`interim`].
pub fn last(
    plan: &Experiment,
    evidence: &Evidence,
    analysis: &mut Analysis,
    asked: &Asked<'_>,
) -> Result<Boundaries> {
    let tables = estimates::capped_tables(plan, evidence)?;
    adjust(plan, &tables, analysis, asked)
}

/// Inference that holds only for one look at a planned end.
fn hide_fixed(row: &mut EstimateRow) {
    row.p_value = None;
    row.ci_lower = None;
    row.ci_upper = None;
    let of_one_look =
        |key: &str| key.starts_with("p_") || key.starts_with("ci_") || key.ends_with("_ci");
    row.detail.retain(|key, _| !of_one_look(key));
}

/// The plan's boundary as a design, scaled where a second stage may follow; `None` of a
/// confidence sequence.
///
/// # Errors
/// A name or parameter that no boundary has.
pub fn look_design(
    sequential: &Sequential,
    alpha: f64,
    sides: u8,
    information: Vec<f64>,
) -> Result<Option<Design>, Refusal> {
    let Some(rule) = &sequential.rule else {
        return Ok(None);
    };
    let futility = match &rule.futility {
        None => None,
        Some(f) => Some(Futility {
            spending: Spending::from_name(&f.spending, f.parameter)?,
            beta: f.beta,
        }),
    };
    let information = match sequential.extension_weights {
        None => information,
        Some((first, second)) => {
            let stage = stage_fractions(&[first, second])[0];
            let own = information.iter().map(|t| t * stage);
            own.chain([1.0]).collect()
        }
    };
    Ok(Some(Design {
        boundary: Boundary::from_name(&rule.spending, rule.parameter)?,
        information,
        alpha,
        sides,
        futility,
    }))
}

/// Fractions as planned: those of the plan, or projected for its days.
fn planned_fractions(
    plan: &Experiment,
    sequential: &Sequential,
    outcome: &Outcome,
    table: &ContactTable,
    asked: &Asked<'_>,
) -> Vec<f64> {
    if !sequential.information.is_empty() {
        return sequential.information.clone();
    }
    let now = asked.until.or(sequential.looks.last().copied());
    let projection = now.and_then(|now| Projection::new(plan, outcome, table, now));
    let of = |day: &Date| {
        let projected = projection.as_ref().and_then(|p| p.fraction(*day));
        projected
            .or_else(|| fraction::of_days(plan, *day))
            .unwrap_or(1.0)
    };
    let mut fractions: Vec<f64> = sequential.looks.iter().map(of).collect();
    if let Some(last) = fractions.last_mut() {
        *last = 1.0;
    }
    fractions
}

fn adjust(
    plan: &Experiment,
    tables: &[ContactTable],
    analysis: &mut Analysis,
    asked: &Asked<'_>,
) -> Result<Boundaries> {
    let Some(sequential) = &plan.analysis.sequential else {
        return Err(no_looks_planned());
    };
    let refused = |refusal: Refusal| {
        Error::new(Kind::Data, format!("look {}: {refusal}", asked.number))
            .key("analysis.sequential")
            .hint("`pilot explain looking-early` says what each look needs")
    };
    let sides = if plan.analysis.one_sided { 1 } else { 2 };
    let deciding: Vec<usize> = (0..analysis.estimates.len())
        .filter(|&i| {
            let row = &analysis.estimates[i];
            let outcome = plan.outcomes.iter().find(|o| o.name == row.outcome);
            row.primary && row.segment.is_none() && outcome.is_some_and(|o| o.role == Role::Primary)
        })
        .collect();
    let comparisons = deciding.len().max(1) as f64;
    let alpha_each = plan.analysis.alpha / comparisons;
    let place = plan
        .outcomes
        .iter()
        .position(|o| o.name == plan.primary_outcome().name);
    let (outcome, table) = (plan.primary_outcome(), &tables[place.unwrap_or(0)]);
    let fractions = planned_fractions(plan, sequential, outcome, table, asked);
    let design = look_design(sequential, alpha_each, sides, fractions).map_err(refused)?;
    let planned = match &design {
        Some(design) => planned(sequential, design).map_err(refused)?,
        None => Vec::new(),
    };
    let monitor = design.map(Monitor::new).transpose().map_err(refused)?;
    let mut arms = Vec::new();
    let mut source = "plan";
    for i in deciding {
        let row = &mut analysis.estimates[i];
        let Some(at) = plan.outcomes.iter().position(|o| o.name == row.outcome) else {
            continue;
        };
        let comparing = Comparing {
            plan,
            sequential,
            outcome: &plan.outcomes[at],
            table: &tables[at],
            monitor: monitor.as_ref(),
            alpha: alpha_each,
            sides,
            comparisons,
            asked,
        };
        let (looks, from) = comparing.stand(row).map_err(refused)?;
        source = from;
        arms.push(looks);
    }
    if arms.is_empty() {
        return Err(refused(Refusal::new(
            "there is no deciding estimate to look at",
        )));
    }
    analysis.covariance = joint::covariance(plan, &analysis.estimates);
    analysis.warnings.extend(warnings(&arms, asked));
    let mut boundaries = Boundaries {
        kind: match monitor {
            Some(_) => "group-sequential",
            None => "confidence-sequence",
        }
        .into(),
        spending: sequential.rule.as_ref().map(|r| r.spending.clone()),
        spending_parameter: sequential.rule.as_ref().and_then(|r| r.parameter),
        alpha: plan.analysis.alpha,
        alpha_each,
        sides,
        look: asked.number,
        looks_planned: sequential.number().and_then(|n| u32::try_from(n).ok()),
        looks_made: 1 + u32::try_from(asked.earlier.len()).unwrap_or(u32::MAX - 1),
        until: asked.until.map(|d| d.to_string()),
        ended: asked.ended,
        fractions_from: source.into(),
        blinded: blinded(plan, outcome, table, asked),
        planned,
        arms,
        next: Vec::new(),
    };
    boundaries.next = words::next(plan, sequential, &boundaries);
    Ok(boundaries)
}

/// Rate and spread of all arms together, of the outcome that decides.
fn blinded(
    plan: &Experiment,
    outcome: &Outcome,
    table: &ContactTable,
    asked: &Asked<'_>,
) -> Option<BlindedRow> {
    let windows = &plan.periods.as_ref()?.windows;
    let day = asked.until.or_else(|| last_day(windows))?;
    let blinded = Projection::new(plan, outcome, table, day)?.blinded();
    Some(BlindedRow {
        rate_per_30_days: 30.0 * blinded.rate,
        dispersion: blinded.dispersion,
        customers: blinded.customers,
    })
}

/// Rate and spread of all arms together, of the contacts up to a day: nothing by arm.
///
/// # Errors
/// Sums that exceed 127 bits.
pub fn blinded_until(
    plan: &Experiment,
    evidence: &Evidence,
    until: Date,
) -> Result<Option<BlindedRow>> {
    let cut = plan_until(plan, Some(until));
    let tables = estimates::capped_tables(&cut, evidence)?;
    let outcome = plan.primary_outcome();
    let place = plan.outcomes.iter().position(|o| o.name == outcome.name);
    let asked = Asked {
        number: 1,
        until: Some(until),
        ended: false,
        earlier: &[],
    };
    Ok(blinded(plan, outcome, &tables[place.unwrap_or(0)], &asked))
}

fn planned(sequential: &Sequential, design: &Design) -> Result<Vec<PlannedLook>, Refusal> {
    let looks = design.looks()?.into_iter().enumerate();
    Ok(looks
        .map(|(k, look)| PlannedLook {
            look: k as u32 + 1,
            date: sequential.looks.get(k).map(Date::to_string),
            information: look.information,
            z: look.z,
            nominal_p: look.nominal_p,
            spent: look.spent,
            futility: look.futility,
        })
        .collect())
}

/// A plan without looks says how to plan them.
pub fn no_looks_planned() -> Error {
    Error::usage("the plan has no looks before its end")
        .key("--look")
        .hint(
            "looks are planned before the data: add [analysis.sequential] with looks = [\"2026-10-20\", …, the last day] \
             and approve the plan; `pilot explain looking-early` says how",
        )
}

/// At a look a guardrail's interval is as wide, in standard errors, as that of its arm's primary:
/// it may be looked at again.
fn widen_guardrails(plan: &Experiment, analysis: &mut Analysis, arms: &[ArmLooks]) {
    for row in &mut analysis.estimates {
        let outcome = plan.outcomes.iter().find(|o| o.name == row.outcome);
        let guardrail = outcome.is_some_and(|o| o.role == Role::Guardrail) && row.primary;
        let critical = arms
            .iter()
            .filter(|a| a.arm == row.arm)
            .filter_map(|a| a.looks.last())
            .map(|l| l.critical)
            .fold(0.0, f64::max);
        if let (true, Some(se)) = (guardrail && critical > 0.0, row.se) {
            let (low, high) = (row.value - critical * se, row.value + critical * se);
            row.detail
                .insert("ci_two_sided".into(), DetailValue::Numbers(vec![low, high]));
        }
    }
}

fn warnings(arms: &[ArmLooks], asked: &Asked<'_>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for arm in arms {
        if let [.., before, now] = arm.looks.as_slice()
            && now.information < before.information * STALLED
        {
            let (arm, look) = (&arm.arm, before.look.to_string());
            let message = text!("warning.information-stalled", arm, look);
            warnings.push(Warning::new("information-stalled", message));
        }
        if let Some(at) = arm.crossed_at.filter(|at| *at < asked.number) {
            let days = |look: Option<&LookRow>| look.and_then(|l| l.days).map(general);
            let then = days(arm.looks.iter().find(|l| l.look == at));
            let message = match then.zip(days(arm.looks.last())) {
                Some((then, now)) => text!(
                    "warning.crossed-earlier-days",
                    arm = arm.arm,
                    look = at,
                    then,
                    now
                ),
                None => text!("warning.crossed-earlier", arm = arm.arm, look = at),
            };
            warnings.push(Warning::new("crossed-earlier", message));
        }
    }
    warnings
}
