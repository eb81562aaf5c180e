//! The one integration-test binary; a module a subject.
mod rooms;

mod assign;
mod plan;

mod decision;
mod finance;
mod workspace;
mod report;

mod distributions;
mod means;

mod count_models;
mod counts_support;
mod permutation;
