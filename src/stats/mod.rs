//! Pure numerics. Knows tables of integers; knows no file, plan, money or engine.

pub mod dist;
mod estimate;
mod inference;

pub use estimate::{
    Alternative, Detail, DetailValue, Estimand, Estimate, Estimator, Interval, Refusal, Test,
};
pub use inference::Finding;
