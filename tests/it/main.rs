//! The one integration-test binary; a module a subject.

mod count_models;
mod counts_support;
mod permutation;
