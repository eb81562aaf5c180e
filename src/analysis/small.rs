//! Groups of people too small to be told, and what else must stay unknown so that they cannot be had
//! by subtraction.
//!
//! An arm of fewer customers than the plan's `min_cell` has no estimate, mean, money or count. Of
//! customers without an outcome there is nothing to tell; where they are so few, their number and what
//! is made of it (rates, bounds) are not told, and all other sizes stay.

use std::borrow::Cow;

use crate::experiment::Experiment;
use crate::stats::{Detail, Estimand, Estimator};
use crate::table::{ArmId, Comparison, ContactTable, Evidence, Side};
use crate::texts::text;

/// Whether a group is there, but too small to be told.
pub fn is_small(customers: u64, min_cell: u64) -> bool {
    customers > 0 && customers < min_cell
}

/// Customers by arm; `None` where they are fewer than `min_cell`. Region-blocks are no people and are
/// told as they are.
pub fn told(experiment: &Experiment, evidence: &Evidence) -> Vec<Option<u64>> {
    let people = experiment.assignment.schedule.is_none();
    let may = |n: &u64| !(people && is_small(*n, experiment.min_cell));
    let arms = evidence.audit.customers_by_arm.iter();
    arms.map(|n| Some(*n).filter(may)).collect()
}

/// Whether so few customers of either side have no outcome that their number is not told.
pub fn few_missing_in(c: &Comparison<'_>, min_cell: u64) -> bool {
    [&c.treatment, &c.control]
        .into_iter()
        .any(|side| is_small(side.total.missing, min_cell))
}

/// Why a comparison is not made, if an arm has too few customers, or too few with an outcome.
pub fn refused(experiment: &Experiment, c: &Comparison<'_>) -> Option<String> {
    let least = experiment.min_cell;
    let small = |side: &&Side| is_small(side.total.n, least);
    let side = [&c.treatment, &c.control].into_iter().find(small)?;
    let arm = &experiment.arms[usize::from(side.arm.0)].name;
    Some(text!("skipped.small-arm", least, arm))
}

/// Whether the arm, or control beside it, has too few customers.
pub fn arm_is_small(experiment: &Experiment, table: &ContactTable, arm: usize) -> bool {
    [arm, experiment.control()]
        .into_iter()
        .any(|arm| is_small(table.customers(ArmId(arm as u16)), experiment.min_cell))
}

/// The arms whose spread may be pooled: a pool with one that is too small would tell its size and its
/// sum of squares, by subtraction of the others'.
pub fn pooled<'a>(experiment: &Experiment, c: &Comparison<'a>) -> Cow<'a, ContactTable> {
    let table = c.table();
    let observed = |arm: ArmId| -> u64 {
        let cells = table.cells().iter();
        let of_arm = cells.filter(|cell| cell.arm == arm && cell.after.is_some());
        of_arm.map(|cell| cell.customers).sum()
    };
    let arms = (0..table.arms().len() as u16).map(ArmId);
    let hidden: Vec<ArmId> = arms
        .filter(|arm| is_small(observed(*arm), experiment.min_cell))
        .collect();
    match hidden.is_empty() {
        true => Cow::Borrowed(table),
        false => Cow::Owned(table.only(|arm| !hidden.contains(&arm))),
    }
}

/// Whether so few customers of either side have a before value, or have none, that neither is told.
pub fn few_before_in(c: &Comparison<'_>, min_cell: u64) -> bool {
    [c.treatment.arm, c.control.arm].into_iter().any(|arm| {
        [true, false].into_iter().any(|with| {
            let cells = c.cells().filter(|cell| cell.arm == arm);
            let of = cells.filter(|cell| cell.before.is_some() == with);
            is_small(of.map(|cell| cell.customers).sum(), min_cell)
        })
    })
}

/// Removes from an estimate's extras what would tell a group that is too small.
pub fn hide_details(c: &Comparison<'_>, min_cell: u64, detail: &mut Detail) {
    if few_missing_in(c, min_cell) {
        detail.remove("n_missing");
    }
    if few_before_in(c, min_cell) {
        detail.remove("n_with_before");
    }
}

/// What may be told of those who took the intervention up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uptake {
    /// All of it.
    Told,
    /// Fewer than `min_cell` of an arm did not take it up: the effect alone, without extras.
    FewOthers,
    /// Fewer than `min_cell` of an arm took it up: nothing.
    FewTakers,
}

impl Uptake {
    /// What may be told of a comparison.
    pub fn of(c: &Comparison<'_>, min_cell: u64) -> Self {
        let mut few_others = false;
        for arm in [c.treatment.arm, c.control.arm] {
            let of_arm = || {
                c.cells()
                    .filter(|cell| cell.arm == arm && cell.after.is_some())
            };
            let customers = |took: bool| -> u64 {
                let cells = of_arm().filter(|cell| (cell.uptake == Some(true)) == took);
                cells.map(|cell| cell.customers).sum()
            };
            if is_small(customers(true), min_cell) {
                return Uptake::FewTakers;
            }
            few_others |= is_small(customers(false), min_cell);
        }
        match few_others {
            true => Uptake::FewOthers,
            false => Uptake::Told,
        }
    }

    /// Why an estimator does not run; one that decides still gives its effect beside few others.
    pub fn refuses(self, estimator: Estimator, decides: bool, min_cell: u64) -> Option<String> {
        let hidden = match self {
            Uptake::Told => false,
            Uptake::FewOthers => !decides,
            Uptake::FewTakers => true,
        };
        (hidden && estimator == Estimator::Cace)
            .then(|| text!("skipped.few-takers", least = min_cell))
    }

    /// Whether an estimate may be told beside the one of the `decides` estimand: both together would
    /// give the means of those who did not take it up.
    pub fn hides(self, estimator: Estimator, estimand: Estimand, decides: Estimand) -> bool {
        self != Uptake::Told && estimator == Estimator::Cace && estimand != decides
    }

    /// Removes what would tell the few.
    pub fn hide_details(self, estimator: Estimator, detail: &mut Detail) {
        if self == Uptake::Told || estimator != Estimator::Cace {
            return;
        }
        for key in [
            "first_stage",
            "first_stage_f",
            "uptake_treatment",
            "uptake_control",
            "complier_mean_treatment",
            "complier_mean_control",
        ] {
            detail.remove(key);
        }
    }
}
