//! DataFusion as the data engine on one machine.
//!
//! The reader's own code says what a row means here too; what differs is who
//! visits the rows. A Parquet file of counts is first grouped as it stands, and
//! each distinct row is judged once ([`groups`]). Where that finds anything but
//! plain rows, and for every text file, the parts of the files are read side
//! by side ([`counts`]). A roster and its log become typed relations that
//! DataFusion joins and adds up ([`log`]).
//!
//! Repeated keys are found by 64-bit hashes ([`hashes`]); rows whose hash
//! occurs twice are compared in full, in the order of the files, so the result is exact.

mod contacts;
mod counts;
mod customers;
mod groups;
mod hashes;
mod log;
mod memo;
mod parts;
mod relation;
mod session;
mod trails;

use crate::error::Result;
use crate::experiment::{CountsFile, Data};

use super::source::{Storage, expand};
use super::{Request, Scan};
use super::{finish, reader};

use session::Session;

/// Scans a pilot's data.
///
/// # Errors
/// As [`super::scan`].
pub fn scan(request: &Request<'_>) -> Result<Scan> {
    match &request.experiment.data {
        Some(Data::Counts(file)) => scan_counts(request, file),
        Some(Data::Log {
            customers,
            contacts,
        }) => {
            let periods = finish::periods(request.experiment)?;
            let session = Session::new(request)?;
            log::scan(&session, request, periods, customers, contacts)
        }
        // Cells are few, whoever made them, and so are regions; a log of regions is read in one pass.
        Some(Data::Cells(_) | Data::Days(_) | Data::RegionLog { .. }) | None => {
            reader::scan(request)
        }
    }
}

fn scan_counts(request: &Request<'_>, file: &CountsFile) -> Result<Scan> {
    let session = Session::new(request)?;
    let inputs = expand(request.root, &file.format.path)?;
    let mut parquet = true;
    for input in &inputs {
        parquet &= input.storage()? == Storage::Parquet;
    }
    if parquet
        && (request.assignment.is_none() || file.arm.is_some())
        && let Some(scan) = groups::scan(&session, request, file, &inputs)?
    {
        return Ok(scan);
    }
    counts::scan(&session, request, file, &inputs)
}
