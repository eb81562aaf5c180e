//! Regions and blocks of days → arms, and their file.
//!
//! The file is CSV with the header `region,block,from,to,arm` and a row a region and block, blocks
//! from 1, days in ISO 8601. The same plan always gives the same bytes.

use std::io::Write;

use crate::experiment::{Experiment, ScheduleKind};
use crate::stats::random::Stream;
use crate::stats::schedule::{Frame, Schedule};

/// What the plan's schedule is drawn from; `None` where the plan has none.
pub fn frame(e: &Experiment) -> Option<Frame> {
    let plan = e.assignment.schedule.as_ref()?;
    let blocks = e.blocks();
    Some(match plan.design {
        ScheduleKind::SteppedWedge => Frame::stepped_wedge(plan.regions.len(), blocks.len()),
        ScheduleKind::Switchback => {
            let weekdays = blocks.iter().map(|(first, _)| first.weekday());
            let weekdays: Vec<i8> = weekdays.map(|d| d.to_monday_zero_offset()).collect();
            let weight = |arm: usize| e.arms[arm].weight.unwrap_or(1);
            let treatment = e.treatments().next()?;
            let weights = [weight(e.control()), weight(treatment)];
            Frame::switchback(plan.regions.len(), &weekdays, weights)
        }
    })
}

/// The schedule that the plan's seed draws.
///
/// *Formula* — [`Frame::draw`] with sub-stream 0 of the stream (purpose "schedule", the plan's
/// name, its seed).
pub fn draw(e: &Experiment) -> Option<Schedule> {
    let stream = Stream::new("schedule", &e.name, e.seed);
    Some(frame(e)?.draw(&mut stream.generator(0)))
}

/// Index of the arm that a region has in a block.
pub fn arm(e: &Experiment, schedule: &Schedule, region: usize, block: usize) -> usize {
    match schedule.treated(region, block) {
        true => e.treatments().next().unwrap_or_else(|| e.control()),
        false => e.control(),
    }
}

/// Writes the schedule.
///
/// # Errors
/// The writer's own.
pub fn write(e: &Experiment, schedule: &Schedule, to: impl Write) -> std::io::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    csv.write_record(["region", "block", "from", "to", "arm"])?;
    let regions = e.assignment.schedule.iter().flat_map(|s| &s.regions);
    for (r, region) in regions.enumerate() {
        for (b, (first, last)) in e.blocks().into_iter().enumerate() {
            csv.write_record([
                region.as_str(),
                &(b + 1).to_string(),
                &first.to_string(),
                &last.to_string(),
                &e.arms[arm(e, schedule, r, b)].name,
            ])?;
        }
    }
    csv.flush()
}
