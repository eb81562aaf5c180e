//! `pilot`: an A/B experiment harness for customer-education pilots.
//!
//! The rooms, lowest first; each may use only those before it in this list:
//! [`error`], [`interrupt`], [`texts`], [`number`], [`table`], [`stats`], [`experiment`],
//! [`workspace`], [`engine`], [`assign`], [`analysis`], [`finance`],
//! [`decision`], [`planning`], [`report`], `cli`.

pub mod analysis;
pub mod assign;
pub mod cli;
pub mod decision;
pub mod engine;
pub mod error;
pub mod experiment;
pub mod finance;
pub mod interrupt;
pub mod number;
pub mod planning;
pub mod report;
pub mod stats;
pub mod table;
pub mod texts;
pub mod workspace;
