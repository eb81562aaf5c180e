//! Customers → arms; or regions and blocks of days → arms ([`schedule`]).
//!
//! [`Roster`] holds who is in the pilot, [`Scheme`] decides who gets which
//! arm by formulas that anyone can recompute (`docs/assignment.md`), and
//! [`AssignmentReader`] and [`AssignmentWriter`] are the exchange file. No
//! result depends on the order of the rows.

mod arm_values;
mod assignment;
mod distinct;
mod file;
mod problem;
mod roster;
pub mod schedule;
mod scheme;

pub use arm_values::ArmValues;
pub use assignment::{Assignment, AssignmentRow, StratumSizes, existing};
pub use file::{AssignmentReader, AssignmentWriter, FileRow};
pub use problem::Problem;
pub use roster::Roster;
pub use scheme::{ArmShare, Scheme};
