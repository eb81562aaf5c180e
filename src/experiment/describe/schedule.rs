//! A schedule of regions in plain words.

use crate::experiment::model::{Experiment, ScheduleKind, SchedulePlan};
use crate::texts::text;

/// Who has which arm when.
pub(super) fn described(schedule: &SchedulePlan, e: &Experiment) -> Vec<String> {
    let who = match (&e.assignment.cluster, schedule.regions.as_slice()) {
        (None, _) => text!("plan-schedule.everyone"),
        (Some(column), [region]) => text!("plan-schedule.one-region", region, column),
        (Some(column), all) => text!("plan-schedule.regions", regions = all.len(), column),
    };
    let blocks = e.blocks().len();
    let steps = blocks.saturating_sub(1);
    let rule = match (schedule.design, schedule.block_days) {
        (ScheduleKind::Switchback, 1) => text!("plan-schedule.switchback-one-day", blocks),
        (ScheduleKind::Switchback, days) => text!("plan-schedule.switchback", blocks, days),
        (ScheduleKind::SteppedWedge, 1) => text!("plan-schedule.wedge-one-day", blocks, steps),
        (ScheduleKind::SteppedWedge, days) => text!("plan-schedule.wedge", blocks, days, steps),
    };
    let washout = match schedule.washout_days {
        0 => None,
        1 => Some(text!("plan-schedule.washout-one-day")),
        days => Some(text!("plan-schedule.washout", days)),
    };
    [who, rule].into_iter().chain(washout).collect()
}
