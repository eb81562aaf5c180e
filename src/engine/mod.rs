//! Experiment + files → Evidence.
//!
//! [`reader`] is the oracle: plain Rust, one row at a time. Every other engine
//! must give the same Evidence by `==`.

mod cells;
mod columns;
mod counts;
mod fields;
mod log;
mod preview;
mod reader;
mod roster;
mod source;
mod tally;
mod text;
mod units;
mod windows;

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::experiment::Experiment;
use crate::table::Evidence;

pub use preview::{Guess, History, guess, history, plain_format};
pub use source::{Input, digest_files, expand};
pub use units::{RosterRow, inputs, read_roster, roster_path};

/// What to scan and how.
pub struct Request<'a> {
    /// The plan.
    pub experiment: &'a Experiment,
    /// Folder that the plan's paths start from.
    pub root: &'a Path,
    /// The assignment file, for plans whose arms are not in the data.
    pub assignment: Option<&'a Path>,
    /// Whether messages may quote values; they are personal data.
    pub show_values: bool,
    /// Called now and then with the rows read so far; an error stops the scan.
    pub tick: &'a (dyn Fn(u64) -> Result<()> + Sync),
}

/// What a scan brings back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// The evidence.
    pub evidence: Evidence,
    /// Rows that could not be read as data, in file and line order.
    pub set_aside: Vec<SetAside>,
}

/// A row that could not be read as data.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SetAside {
    /// File, relative to the root.
    pub file: PathBuf,
    /// Line on which the row starts.
    pub line: u64,
    /// Lines it covers; an unclosed quote swallows many.
    pub lines: u64,
    /// Column at fault, where one is.
    pub column: Option<String>,
    /// Why.
    pub reason: String,
    /// The row as it stood.
    pub raw: Vec<u8>,
}

/// Scans with the reader.
///
/// # Errors
/// Missing files or columns, arms that the plan does not know, a customer with
/// contradictory rows, more rows set aside than the plan allows.
pub fn scan(request: &Request<'_>) -> Result<Scan> {
    reader::scan(request)
}
