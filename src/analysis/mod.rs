//! Experiment + Evidence → estimates, checks and the joint effect that money is made of.

mod model;

pub use model::*;
