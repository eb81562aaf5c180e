//! Pure numerics. Knows tables of integers; knows no file, plan, money or engine.

mod estimate;

pub use estimate::{
    Alternative, Detail, DetailValue, Estimand, Estimate, Estimator, Interval, Refusal, Test,
};
