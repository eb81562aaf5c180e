//! Experiment + files → Evidence.
//!
//! [`reader`] is the oracle: plain Rust, one row at a time. Every other engine
//! must give the same Evidence by `==`.

// What both engines share has parts that only the embedded one asks for.
#![cfg_attr(not(feature = "engine"), allow(dead_code, unused_variables))]

mod arms;
mod cells;
mod clusters;
mod columns;
mod counts;
mod days;
#[cfg(feature = "engine")]
mod embedded;
mod fields;
mod finish;
mod found;
mod ledger;
mod log;
#[cfg(feature = "engine")]
mod parquet;
mod preview;
mod reader;
mod records;
mod repeats;
mod roster;
mod row;
mod segments;
mod source;
mod tally;
mod text;
mod trail;
mod units;
mod windows;

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::experiment::Experiment;
use crate::table::Evidence;

pub use found::{Found, Sample, found, missing};
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
    /// Last day whose contacts count, for an interim look; every after window is cut off there.
    pub until: Option<jiff::civil::Date>,
    /// Whether messages may quote values; they are personal data.
    pub show_values: bool,
    /// Which engine scans.
    pub engine: Choice,
    /// Threads; as many as the machine has where `None`.
    pub threads: Option<usize>,
    /// Bytes that the data engine may use before it spills to disk or stops.
    pub memory: Option<u64>,
    /// Called now and then with the rows read so far; an error stops the scan.
    pub tick: &'a (dyn Fn(u64) -> Result<()> + Sync),
}

impl<'a> Request<'a> {
    /// A scan with whichever engine fits, all threads and no memory limit.
    pub fn new(
        experiment: &'a Experiment,
        root: &'a Path,
        tick: &'a (dyn Fn(u64) -> Result<()> + Sync),
    ) -> Self {
        Request {
            experiment,
            root,
            assignment: None,
            until: None,
            show_values: false,
            engine: Choice::Auto,
            threads: None,
            memory: None,
            tick,
        }
    }
}

/// Which engine scans; all give the same Evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// The embedded engine for Parquet, and for text of more than [`LARGE`] bytes on disk; else
    /// the reader, which starts faster. Without the feature `engine`, the reader.
    #[default]
    Auto,
    /// One row at a time, in one thread.
    Reader,
    /// DataFusion, on all threads.
    Embedded,
}

/// Bytes of text from which the embedded engine is worth its start.
pub const LARGE: u64 = 8 << 20;

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

/// Scans a pilot's data.
///
/// # Errors
/// Missing files or columns, arms that the plan does not know, a customer with
/// contradictory rows, more rows set aside than the plan allows, Parquet in a
/// build that does not read it, a memory limit that is too small.
pub fn scan(request: &Request<'_>) -> Result<Scan> {
    #[cfg(feature = "engine")]
    if request.engine == Choice::Embedded || request.engine == Choice::Auto && is_large(request)? {
        return embedded::scan(request);
    }
    #[cfg(not(feature = "engine"))]
    if request.engine == Choice::Embedded {
        return Err(
            crate::error::Error::usage("this build has no embedded data engine")
                .key("--engine")
                .hint("build with the default feature `engine`"),
        );
    }
    reader::scan(request)
}

#[cfg(feature = "engine")]
fn is_large(request: &Request<'_>) -> Result<bool> {
    let mut bytes = 0;
    for input in inputs(request.experiment, request.root)? {
        if input.storage()? == source::Storage::Parquet {
            return Ok(true);
        }
        let meta = std::fs::metadata(&input.path);
        bytes += meta
            .map_err(|e| crate::error::Error::io("read", &input.name, &e))?
            .len();
    }
    Ok(bytes > LARGE)
}
