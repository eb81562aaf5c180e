//! Analysis + BusinessCase → a verdict with its reasons.

mod decide;
mod every_reason;
mod facts;
mod judged;
mod model;
mod needed;
mod rivals;
mod words;

pub use decide::{Looks, Remaining, Standing, decide};
pub use model::*;
pub use words::no_money;
