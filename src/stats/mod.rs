//! Pure numerics. Knows tables of integers; knows no file, plan, money or engine.

pub mod adjusted;
pub mod before;
mod count_data;
pub mod dist;
mod estimate;
mod glm;
mod inference;
pub mod means;
pub mod negbin;
mod ols;
pub mod permutation;
pub mod poisson;
pub mod proportion;
pub mod quadrature;
pub mod random;
pub mod ranks;
mod sample;
pub mod sampling;

pub use count_data::MeanModel;
pub use estimate::{
    Alternative, Detail, DetailValue, Estimand, Estimate, Estimator, Interval, Refusal, Test,
};
pub use inference::Finding;
