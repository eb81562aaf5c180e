//! A schedule of regions in plain words.

use crate::experiment::model::{Experiment, ScheduleKind, SchedulePlan};

/// Who has which arm when.
pub(super) fn described(schedule: &SchedulePlan, e: &Experiment) -> Vec<String> {
    let regions = schedule.regions.len();
    let who = match (&e.assignment.cluster, regions) {
        (None, _) => "Everyone is reached at once; blocks of days are compared".to_owned(),
        (Some(column), 1) => format!(
            "Everyone of the region \"{}\" (column \"{column}\") is reached at once; blocks of days are compared",
            schedule.regions[0]
        ),
        (Some(column), n) => format!(
            "{n} regions (column \"{column}\") take part, and everyone in a region is reached at once"
        ),
    };
    let blocks = e.blocks().len();
    let each = schedule.block_days;
    let rule = match schedule.design {
        ScheduleKind::Switchback => format!(
            "Switchback: {blocks} blocks of {each} days; chance decides which arm a region has in which block, so that every region has each arm as often as the weights say"
        ),
        ScheduleKind::SteppedWedge => format!(
            "Stepped wedge: {blocks} blocks of {each} days; all regions begin with control, and chance decides who crosses to the treatment at which of the {} steps; in the last block all have it",
            blocks.saturating_sub(1)
        ),
    };
    let mut items = vec![format!("{who}."), format!("{rule}.")];
    if schedule.washout_days > 0 {
        items.push(format!(
            "The first {} days of each block do not count, since what was seen before may still have its effect.",
            schedule.washout_days
        ));
    }
    items
}
