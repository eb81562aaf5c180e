//! Contacts avoided → money: the business case, with its uncertainty.
//!
//! [`evaluate`] is the whole room: from the arms' joint effect and the plan's
//! `[business]` to a [`BusinessCase`]. Inside, `assumption` turns the plan's
//! numbers and distributions into values, `cohort` follows the customers month
//! by month, `cash` makes money of them, `draws` carries the uncertainty.

mod assumption;
mod cash;
mod cohort;
mod describe;
mod draws;
mod evaluate;
mod lines;
mod model;
mod spread;

pub use assumption::mean;
pub use cohort::DAYS_PER_MONTH;
pub use evaluate::{DRAWS, evaluate};
pub use model::*;
