//! Check `no-contacts`: is there anything to compare?

use crate::experiment::{Experiment, OutcomeKind};
use crate::number::count as people;
use crate::table::{ContactTable, Evidence};
use crate::texts::text;

use super::Phase;
use super::checks::{after_the_end, check, not_run};
use super::model::{Check, Status};
use super::small::is_small;

/// Stops where nobody in any arm made a contact that the deciding outcome counts.
///
/// That is no finding: contacts that no arm had cannot have been prevented by one, and a log that lost
/// its rows, a wrong reason or a column of zeros look just so.
pub fn no_contacts(experiment: &Experiment, evidence: &Evidence, phase: Phase) -> Check {
    let id = "no-contacts";
    let outcome = experiment.primary_outcome();
    if outcome.kind != OutcomeKind::Count {
        return not_run(id, text!("check.not-a-count"));
    }
    if phase == Phase::Running {
        return not_run(id, after_the_end());
    }
    let found = evidence.outcomes.iter().find(|o| o.outcome == outcome.name);
    let cells = found.map_or(&[][..], |o| o.table.cells());
    let observed = || cells.iter().filter_map(|c| Some((c.after?, c.customers)));
    let customers: u64 = observed().map(|c| c.1).sum();
    if customers == 0 {
        return not_run(id, text!("check.no-contacts-nobody"));
    }
    let made: u64 = observed().filter(|c| c.0 > 0).map(|c| c.1).sum();
    match made {
        0 => {
            let detail = text!(
                "check.no-contacts-none",
                outcome = outcome.name,
                customers = people(customers)
            );
            check(id, Status::Stop, Some(0.0), None, detail)
        }
        _ => check(id, Status::Ok, None, None, text!("check.no-contacts-some")),
    }
}

/// Arms with enough customers to tell of them, none of whom made a contact.
pub fn arms(experiment: &Experiment, table: &ContactTable) -> Vec<String> {
    let none = |arm: &usize| {
        let cells = table.cells().iter();
        let own = cells.filter(|c| usize::from(c.arm.0) == *arm && c.after.is_some());
        let (mut customers, mut made) = (0u64, 0u64);
        for cell in own {
            customers += cell.customers;
            if cell.after != Some(0) {
                made += cell.customers;
            }
        }
        customers > 0 && made == 0 && !is_small(customers, experiment.min_cell)
    };
    let arms = (0..experiment.arms.len()).filter(none);
    arms.map(|arm| experiment.arms[arm].name.clone()).collect()
}
