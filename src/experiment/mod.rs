//! The plan: TOML → raw keys → a validated [`Experiment`].

mod model;

pub use model::*;
