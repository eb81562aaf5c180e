//! Analysis + BusinessCase → a verdict with its reasons.

mod model;

pub use model::*;
