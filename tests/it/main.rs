//! The one integration-test binary; a module a subject.

mod analysis;
mod assign;
mod audit;
mod bad_input;
mod balance;
mod bootstrap;
mod calibration;
mod choice;
mod clusters;
mod count_models;
mod counts_support;
mod crash;
mod decision;
mod distributions;
#[cfg(feature = "engine")]
mod engines;
mod estimators;
mod families;
mod finance;
mod looks;
mod means;
mod minutes;
mod permutation;
mod pipeline;
mod places;
mod plan;
mod power;
mod report;
mod rooms;
mod schedules;
mod segments;
mod sequential;
mod signing;
mod simulate;
mod sizes;
mod snapshots;
mod stages;
mod support;
mod texts;
mod weekly;
mod what_if;
#[cfg(not(feature = "engine"))]
mod without_engine;
mod words;
mod workbook;
mod workspace;
