//! The units to assign, from the roster or a counts file.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::experiment::{Data, Experiment, FileFormat};

use super::arms::{strata_columns, stratum};
use super::cells;
use super::clusters;
use super::columns::{Misfit, Table};
use super::ledger::Ledger;
use super::roster::Starts;
use super::source::{Input, expand, whole};
use super::windows::Calendar;
use super::{Request, SetAside};

/// One row of the roster.
pub struct RosterRow<'a> {
    /// Customer identifier.
    pub unit: &'a str,
    /// Values of the plan's strata columns.
    pub strata: &'a [&'a str],
    /// Cluster, where the plan assigns whole clusters.
    pub cluster: Option<&'a str>,
    /// File, relative to the root.
    pub file: &'a Path,
    /// Line on which the row starts.
    pub line: u64,
}

/// Path pattern of the file that holds the units, as in the plan.
pub fn roster_path(experiment: &Experiment) -> Option<&str> {
    units(experiment)
        .ok()
        .map(|(format, ..)| format.path.as_str())
}

fn units(experiment: &Experiment) -> Result<(&FileFormat, &str, &'static str)> {
    let missing = |key: &str| {
        Error::plan("the plan does not say which customers there are")
            .key(key)
            .hint("name the roster under [data.customers] with its column `unit`")
    };
    match &experiment.data {
        Some(Data::Log { customers, .. }) => Ok((
            &customers.format,
            &customers.unit,
            "data.customers.columns.unit",
        )),
        Some(Data::Counts(file)) => {
            let unit = file
                .unit
                .as_deref()
                .ok_or_else(|| missing("data.counts.columns.unit"))?;
            Ok((&file.format, unit, "data.counts.columns.unit"))
        }
        _ => Err(missing("data.customers")),
    }
}

/// Reads the units to assign row by row; the rows that a scan would set aside, since they cannot be
/// read or do not say when the customer started, are no units, and come back.
///
/// # Errors
/// Missing columns, more rows set aside than the plan allows, whatever the sink refuses.
pub fn read_roster(
    request: &Request<'_>,
    sink: &mut dyn FnMut(RosterRow<'_>) -> Result<()>,
) -> Result<Vec<SetAside>> {
    let experiment = request.experiment;
    let (format, unit_name, role) = units(experiment)?;
    let mut ledger = Ledger::default();
    let mut starts = starts(experiment)?;
    for part in whole(expand(request.root, &format.path)?) {
        let mut table = Table::open(&part, format)?;
        let unit = table.column(unit_name, role)?;
        let columns = strata_columns(&table, experiment)?;
        let cluster = experiment
            .assignment
            .cluster
            .as_ref()
            .map(|c| table.column(c, "assignment.cluster"))
            .transpose()?;
        let start = starts
            .as_ref()
            .map(|(name, _)| table.column(name, "data.customers.columns.start"))
            .transpose()?;
        while table.advance()? {
            ledger.rows += 1;
            if ledger.rows.is_multiple_of(65_536) {
                (request.tick)(ledger.rows)?;
            }
            let parsed = table.row().and_then(|row| {
                let key = row.text(&unit)?;
                if key.trim().is_empty() {
                    return Err(Misfit::new(&unit, "the customer's identifier is blank"));
                }
                if let (Some(column), Some((_, starts))) = (&start, &mut starts) {
                    starts.day(&row, column)?;
                }
                let cluster = clusters::of_row(&row, cluster.as_ref())?;
                Ok((key, stratum(&row, &columns)?, cluster))
            });
            let (key, strata, cluster) = match parsed {
                Ok(parsed) => parsed,
                Err(misfit) => {
                    ledger.reject(&mut table, misfit)?;
                    continue;
                }
            };
            sink(RosterRow {
                unit: key,
                strata: &strata,
                cluster,
                file: &part.input.name,
                line: table.line(),
            })?;
        }
    }
    ledger.check(format.max_bad_rows)?;
    Ok(ledger.set_aside)
}

/// The column with each customer's start, where the plan has one, and how it is read.
fn starts(experiment: &Experiment) -> Result<Option<(&str, Starts)>> {
    let (Some(Data::Log { customers, .. }), Some(periods)) =
        (&experiment.data, &experiment.periods)
    else {
        return Ok(None);
    };
    let Some(name) = &customers.start else {
        return Ok(None);
    };
    let starts = Starts::new(customers, &Calendar::new(periods)?)?;
    Ok(Some((name, starts)))
}

/// Every data file that the plan names, in the order of reading.
///
/// # Errors
/// A file that is not there.
pub fn inputs(experiment: &Experiment, root: &Path) -> Result<Vec<Input>> {
    match &experiment.data {
        None => Ok(Vec::new()),
        Some(Data::Counts(file)) => expand(root, &file.format.path),
        Some(Data::Days(file)) => expand(root, &file.format.path),
        Some(Data::RegionLog { contacts, regions }) => {
            let mut all = expand(root, &contacts.format.path)?;
            if let Some(regions) = regions {
                all.extend(expand(root, &regions.format.path)?);
            }
            Ok(all)
        }
        Some(Data::Cells(source)) => {
            cells::inputs(root, source, experiment.cluster_column().is_some())
        }
        Some(Data::Log {
            customers,
            contacts,
        }) => {
            let mut all = expand(root, &customers.format.path)?;
            all.extend(expand(root, &contacts.format.path)?);
            Ok(all)
        }
    }
}

impl Input {
    /// A file below `root`.
    pub fn within(root: &Path, path: &Path) -> Self {
        Input {
            name: PathBuf::from(path.strip_prefix(root).unwrap_or(path)),
            path: path.to_path_buf(),
        }
    }
}
