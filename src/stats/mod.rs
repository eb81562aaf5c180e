//! Pure numerics. Knows tables of integers; knows no file, plan, money or engine.

pub mod adjusted;
pub mod before;
pub mod dist;
mod estimate;
mod inference;
pub mod means;
mod ols;
pub mod proportion;
pub mod ranks;
mod sample;

pub use estimate::{
    Alternative, Detail, DetailValue, Estimand, Estimate, Estimator, Interval, Refusal, Test,
};
pub use inference::Finding;
