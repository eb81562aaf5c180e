//! What every report says about the pilot and its evidence.

use crate::analysis::{self, Phase};
use crate::experiment::{Better, Experiment, Outcome, Role};
use crate::report::{ArmInfo, EvidenceInfo, ExperimentInfo, OutcomeInfo};
use crate::table::{Decimals, Evidence};

use super::pilot;

/// What every report says about the pilot.
pub fn experiment_info(e: &Experiment) -> ExperimentInfo {
    let primary: &Outcome = e.primary_outcome();
    ExperimentInfo {
        name: e.name.clone(),
        title: e.title.clone(),
        problem: e.problem.clone(),
        arms: e
            .arms
            .iter()
            .map(|a| ArmInfo {
                name: a.name.clone(),
                title: a.title.clone(),
                control: a.control,
            })
            .collect(),
        primary_outcome: primary.name.clone(),
        better: better(primary).into(),
        outcomes: e.outcomes.iter().map(outcome_info).collect(),
        after: pilot::after_window(e).map(|(a, b)| [a.to_string(), b.to_string()]),
        // Groups of region-blocks are no groups of people.
        min_cell: match e.assignment.schedule {
            Some(_) => 1,
            None => e.min_cell,
        },
        design: e
            .assignment
            .schedule
            .as_ref()
            .map(|s| s.design.name().to_owned()),
        one_sided: e.analysis.one_sided,
    }
}

fn better(outcome: &Outcome) -> &'static str {
    match outcome.better {
        Better::Lower => "lower",
        Better::Higher => "higher",
    }
}

fn outcome_info(outcome: &Outcome) -> OutcomeInfo {
    let role = match outcome.role {
        Role::Primary => "primary",
        Role::Secondary => "secondary",
        Role::Guardrail => "guardrail",
    };
    OutcomeInfo {
        name: outcome.name.clone(),
        role: role.into(),
        better: better(outcome).into(),
        margin: outcome.margin,
    }
}

/// What the scan found, in short; no contacts by arm while the test period runs.
pub fn evidence_info(
    e: &Experiment,
    evidence: &Evidence,
    number: u64,
    phase: Phase,
    last: bool,
) -> EvidenceInfo {
    let told = analysis::told(e, evidence);
    let primary = e.primary_outcome();
    let table = evidence
        .outcomes
        .iter()
        .find(|o| o.outcome == primary.name)
        .map(|o| &o.table);
    let contacts_by_arm = match table {
        Some(table) if last && phase == Phase::Ended => {
            let unit = Decimals::unit(table.decimals().after);
            let mut sums = vec![0i128; e.arms.len()];
            for c in table.cells() {
                let y = i128::from(c.after.unwrap_or(0));
                sums[usize::from(c.arm.0)] += y * i128::from(c.customers);
            }
            let small = |arm: usize| {
                let of_arm = table.cells().iter().filter(|c| usize::from(c.arm.0) == arm);
                let observed = of_arm.filter(|c| c.after.is_some());
                let n: u64 = observed.map(|c| c.customers).sum();
                told.get(arm) == Some(&None)
                    || e.assignment.schedule.is_none() && n > 0 && n < e.min_cell
            };
            let sums = sums.into_iter().enumerate();
            sums.map(|(arm, s)| (!small(arm)).then_some(s as f64 * unit))
                .collect()
        }
        _ => Vec::new(),
    };
    let arms = e.arms.iter().zip(&told).filter(|(_, told)| told.is_none());
    let small_arms = arms.map(|(arm, _)| arm.name.clone()).collect();
    let audit = Some(evidence.audit.clone()).filter(|_| told.iter().all(Option::is_some));
    EvidenceInfo {
        number: u32::try_from(number).ok(),
        customers_by_arm: told,
        contacts_by_arm,
        small_arms,
        audit,
    }
}
