//! Contacts avoided → money: the business case, with its uncertainty.
//!
//! [`evaluate`] is the whole room: from the arms' joint effect and the plan's
//! `[business]` to a [`BusinessCase`]. Inside, `assumption` turns the plan's
//! numbers and distributions into values, `cohort` follows the customers month
//! by month, `cash` makes money of them, `draws` carries the uncertainty, `correction`
//! takes the winner's luck out of it, `run` puts them together; `lines`, `tornado`, `choice` and
//! `staffing` read the result. [`what_if`] does it once more from a document alone.

mod assumption;
mod cash;
mod choice;
mod cohort;
mod correction;
mod describe;
mod draws;
mod evaluate;
mod lines;
mod model;
mod pilot_cost;
mod run;
mod spread;
mod staffing;
mod summary;
mod told;
mod tornado;
mod unit;
mod warn;
mod what_if;

pub use assumption::mean;
pub use cohort::DAYS_PER_MONTH;
pub use correction::BETA_OVER_ALPHA;
pub use describe::assumed;
pub use evaluate::evaluate;
pub use model::*;
pub use pilot_cost::add_pilot_cost;
pub use run::DRAWS;
pub use summary::EMBEDDED_DRAWS;
pub use unit::{AssumptionUnit, Number, Price, Share};
pub use warn::warnings;
pub use what_if::{Change, what_if};
