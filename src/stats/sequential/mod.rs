//! Looking early: boundaries for tests that are made more than once, and what may be said
//! when one of them stops a pilot.
//!
//! z is positive where the effect points in the direction of interest; two-sided
//! designs have the same boundary on the other side.

mod blinded;
mod boundary;
mod combination;
mod confidence;
mod crossing;
mod design;
mod information;
mod monitor;
mod root;
mod spending;
mod stage_wise;
mod two_stages;
mod walk;

pub use blinded::{Blinded, Pooled};
pub use boundary::Boundary;
pub use combination::{StillNeeded, inverse_normal, inverse_normal_p, on_both, stage_fractions};
pub use confidence::ConfidenceSequence;
pub use design::{Design, Futility, Look};
pub use information::roster_fraction;
pub use monitor::{Monitor, Now, Standard, error_rate};
pub use spending::Spending;
pub use stage_wise::{Passed, StageWise};
pub use two_stages::{Stage, TwoStages};
