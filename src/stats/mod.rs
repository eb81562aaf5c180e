//! Pure numerics. Knows tables of integers; knows no file, plan, money or engine.

pub mod adjusted;
pub mod balance;
pub mod bayes;
pub mod before;
pub mod bootstrap;
pub mod cace;
pub mod cluster;
mod count_data;
pub mod dist;
pub mod dunnett;
pub mod erlang;
mod estimate;
pub mod fade;
mod glm;
pub mod heterogeneity;
mod inference;
pub mod information;
pub mod lee;
pub mod means;
pub mod multiplicity;
pub mod negbin;
mod ols;
pub mod permutation;
pub mod poisson;
pub mod poisson_sampling;
pub mod power;
mod profile;
pub mod proportion;
pub mod quadrature;
pub mod random;
pub mod ranks;
pub mod resampling;
mod sample;
pub mod sampling;
pub mod sequential;
pub mod srm;
pub mod weekly;
pub mod winner;
pub mod zeros;

pub use count_data::MeanModel;
pub use estimate::{
    Alternative, Detail, DetailValue, Estimand, Estimate, Estimator, Interval, Refusal, Test,
};
pub use inference::{Finding, welch_t};
