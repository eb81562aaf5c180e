//! Pure numerics. Knows tables of integers; knows no file, plan, money or engine.

pub mod adjusted;
pub mod balance;
pub mod before;
mod count_data;
pub mod dist;
pub mod dunnett;
mod estimate;
mod glm;
mod inference;
pub mod means;
pub mod multiplicity;
pub mod negbin;
mod ols;
pub mod permutation;
pub mod poisson;
pub mod poisson_sampling;
pub mod power;
pub mod proportion;
pub mod quadrature;
pub mod random;
pub mod ranks;
mod sample;
pub mod sampling;
pub mod sequential;
pub mod srm;

pub use count_data::MeanModel;
pub use estimate::{
    Alternative, Detail, DetailValue, Estimand, Estimate, Estimator, Interval, Refusal, Test,
};
pub use inference::{Finding, welch_t};
