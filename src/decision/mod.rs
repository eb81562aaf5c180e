//! Analysis + BusinessCase → a verdict with its reasons.

mod decide;
mod every_reason;
mod facts;
mod model;
mod words;

pub use decide::{Looks, Remaining, Standing, decide};
pub use model::*;
