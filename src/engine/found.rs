//! What of a plan's files is there, and whether the plan's columns are in it: before customers have
//! arms, and before the log is written.

use std::path::Path;

use crate::error::Result;
use crate::experiment::{Data, Experiment};

use super::columns::Table;
use super::ledger::Ledger;
use super::source::{expand, is_there, whole};
use super::units::{read_roster, roster_path};
use super::windows::Calendar;
use super::{Request, SetAside, finish, log};

/// Rows of each file of the log that are read to see whether its columns hold what the plan says.
const ROWS_TRIED: u64 = 1000;

/// What was found of a plan's files; `None` where there is no such file yet.
#[derive(Debug, Default)]
pub struct Found {
    /// The customers to assign, all of them.
    pub customers: Option<Sample>,
    /// The first rows of each file of the log.
    pub contacts: Option<Sample>,
}

/// Rows that were read.
#[derive(Debug)]
pub struct Sample {
    /// How many.
    pub rows: u64,
    /// Those that cannot be read as data.
    pub set_aside: Vec<SetAside>,
    /// Whether these are more than the plan allows.
    pub too_many: bool,
}

/// Path patterns of a plan's data files that are not there.
///
/// # Errors
/// A malformed pattern, or a folder that cannot be read.
pub fn missing<'e>(experiment: &'e Experiment, root: &Path) -> Result<Vec<&'e str>> {
    let paths: Vec<&str> = match &experiment.data {
        None => Vec::new(),
        Some(Data::Counts(file)) => vec![&file.format.path],
        Some(Data::Days(file)) => vec![&file.format.path],
        Some(Data::RegionLog { contacts, regions }) => {
            let regions = regions.as_ref().map(|r| r.format.path.as_str());
            let contacts = contacts.format.path.as_str();
            std::iter::once(contacts).chain(regions).collect()
        }
        Some(Data::Cells(source)) => source.path.to_str().into_iter().collect(),
        Some(Data::Log {
            customers,
            contacts,
        }) => vec![&customers.format.path, &contacts.format.path],
    };
    let mut missing = Vec::new();
    for path in paths {
        if !is_there(root, path)? {
            missing.push(path);
        }
    }
    Ok(missing)
}

/// Reads the customers, and the first rows of the log, as far as there are files.
///
/// # Errors
/// Missing columns; more of the roster's rows set aside than the plan allows.
pub fn found(request: &Request<'_>) -> Result<Found> {
    let (experiment, root) = (request.experiment, request.root);
    let mut found = Found::default();
    if let Some(path) = roster_path(experiment)
        && is_there(root, path)?
    {
        let mut rows = 0;
        let set_aside = read_roster(request, &mut |_| {
            rows += 1;
            Ok(())
        })?;
        found.customers = Some(Sample {
            rows: rows + set_aside.len() as u64,
            set_aside,
            too_many: false,
        });
    }
    if let Some(Data::Log { contacts, .. }) = &experiment.data
        && is_there(root, &contacts.format.path)?
    {
        let calendar = Calendar::new(finish::periods(experiment)?)?;
        let parts = whole(expand(root, &contacts.format.path)?);
        let mut ledger = Ledger::default();
        let mut pass = |_: log::Contact<'_>, _: &Table| Ok(());
        log::first_rows(
            request,
            contacts,
            &parts,
            &calendar,
            &mut ledger,
            ROWS_TRIED,
            &mut pass,
        )?;
        found.contacts = Some(Sample {
            rows: ledger.rows,
            too_many: ledger.check(contacts.format.max_bad_rows).is_err(),
            set_aside: ledger.set_aside,
        });
    }
    Ok(found)
}
