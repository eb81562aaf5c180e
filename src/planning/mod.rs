//! Sizing a pilot before it begins.

mod history;

pub use history::{Baseline, baseline};
