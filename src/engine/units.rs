//! The units to assign, from the roster or a counts file.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::experiment::{Data, Experiment, FileFormat};

use super::Request;
use super::arms::{strata_columns, stratum};
use super::cells;
use super::columns::{Misfit, Table};
use super::source::{Input, expand, whole};

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

/// Reads the units to assign row by row; a row that cannot be read is an error, since its
/// customer would get no arm.
///
/// # Errors
/// Missing columns, unreadable rows, whatever the sink refuses.
pub fn read_roster(
    request: &Request<'_>,
    sink: &mut dyn FnMut(RosterRow<'_>) -> Result<()>,
) -> Result<()> {
    let experiment = request.experiment;
    let (format, unit_name, role) = units(experiment)?;
    let mut rows = 0u64;
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
        while table.advance()? {
            rows += 1;
            if rows.is_multiple_of(65_536) {
                (request.tick)(rows)?;
            }
            let parsed = table.row().and_then(|row| {
                let key = row.text(&unit)?;
                if key.trim().is_empty() {
                    return Err(Misfit::new(&unit, "the customer's identifier is blank"));
                }
                let cluster = cluster.as_ref().map(|c| row.text(c)).transpose()?;
                Ok((key, stratum(&row, &columns)?, cluster))
            });
            let (key, strata, cluster) = parsed.map_err(|m| {
                let error = table
                    .error_at(None, m.reason)
                    .hint("mend the row: every customer of the roster gets an arm");
                match m.column {
                    Some(column) => error.key(column),
                    None => error,
                }
            })?;
            sink(RosterRow {
                unit: key,
                strata: &strata,
                cluster,
                file: &part.input.name,
                line: table.line(),
            })?;
        }
    }
    Ok(())
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
