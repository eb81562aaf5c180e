//! The plan's and the evidence's part of a [`Document`].

use crate::experiment::{Better, Experiment, Outcome};
use crate::report::{ArmInfo, EvidenceInfo, ExperimentInfo};
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
        better: if primary.better == Better::Lower {
            "lower"
        } else {
            "higher"
        }
        .into(),
        after: pilot::after_window(e).map(|(a, b)| [a.to_string(), b.to_string()]),
        min_cell: e.min_cell,
    }
}

/// What the scan found, in short; no contacts by arm while the test period runs.
pub fn evidence_info(
    e: &Experiment,
    evidence: &Evidence,
    number: u64,
    ended: bool,
) -> EvidenceInfo {
    let primary = e.primary_outcome();
    let table = evidence
        .outcomes
        .iter()
        .find(|o| o.outcome == primary.name)
        .map(|o| &o.table);
    let contacts_by_arm = match table {
        Some(table) if ended => {
            let unit = Decimals::unit(table.decimals().after);
            let mut sums = vec![0i128; e.arms.len()];
            for c in table.cells() {
                let y = i128::from(c.after.unwrap_or(0));
                sums[usize::from(c.arm.0)] += y * i128::from(c.customers);
            }
            sums.into_iter().map(|s| s as f64 * unit).collect()
        }
        _ => Vec::new(),
    };
    EvidenceInfo {
        number: u32::try_from(number).ok(),
        customers_by_arm: evidence.audit.customers_by_arm.clone(),
        contacts_by_arm,
        audit: evidence.audit.clone(),
    }
}
