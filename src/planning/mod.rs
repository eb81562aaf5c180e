//! Sizing a pilot before it begins, and trying it on simulated customers.

mod curve;
mod history;
mod notes;
mod regions;
pub mod simulate;

pub use curve::{Curve, PowerCurves, power_curves};
pub use history::{Baseline, baseline};
pub use notes::{Sizing, assumed_note, history_note, size_note};
pub use regions::{RegionCounts, ScheduleSize};
