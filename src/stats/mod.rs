//! Pure numerics. Knows tables of integers; knows no file, plan, money or engine.

mod count_data;
pub mod dist;
mod estimate;
mod glm;
mod inference;
pub mod negbin;
pub mod permutation;
pub mod poisson;
pub mod quadrature;
pub mod random;
pub mod sampling;

pub use count_data::MeanModel;
pub use estimate::{
    Alternative, Detail, DetailValue, Estimand, Estimate, Estimator, Interval, Refusal, Test,
};
pub use inference::Finding;
