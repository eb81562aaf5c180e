//! Which arm a value of the arm column means, and which arm the assignment gave a customer.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use crate::error::{Result, nearest};
use crate::experiment::{Experiment, FileFormat};

use super::Request;
use super::clusters::{self, Clusters, Names};
use super::columns::{Column, Misfit, Table};
use super::repeats::Unit;
use super::row::Row;
use super::source::{Input, whole};

/// Maps the values of an arm column to arms.
pub struct ArmNames<'a> {
    names: BTreeMap<&'a str, u16>,
    experiment: &'a Experiment,
}

impl<'a> ArmNames<'a> {
    /// By `values` of the plan, or by the arms' own names where there are none.
    pub fn new(experiment: &'a Experiment, values: &'a BTreeMap<String, usize>) -> Self {
        let names = if values.is_empty() {
            experiment
                .arms
                .iter()
                .enumerate()
                .map(|(i, a)| (a.name.as_str(), i as u16))
                .collect()
        } else {
            values
                .iter()
                .map(|(v, i)| (v.as_str(), *i as u16))
                .collect()
        };
        ArmNames { names, experiment }
    }

    /// The arm of a value.
    pub fn find(&self, value: &str) -> Option<u16> {
        self.names.get(value.trim()).copied()
    }

    /// The arm of a value.
    ///
    /// # Errors
    /// A value that means no arm, at the present row of `table`.
    pub fn arm(&self, value: &str, table: &Table, column: &Column, show: bool) -> Result<u16> {
        if let Some(arm) = self.find(value) {
            return Ok(arm);
        }
        let shown = if show {
            format!(" \"{}\"", value.escape_debug())
        } else {
            String::new()
        };
        let error = table.error_at(
            Some(column),
            format!("this value{shown} of the arm column means no arm of the plan"),
        );
        let known: Vec<_> = self.names.keys().copied().collect();
        Err(match nearest(value, known.iter().copied()) {
            Some(near) => error.hint(format!(
                "perhaps \"{near}\" is meant; or map the value under arm_values"
            )),
            None => error.hint(format!(
                "the plan \"{}\" knows {}; map other values under arm_values, or add the arm",
                self.experiment.name,
                known.join(", ")
            )),
        })
    }
}

/// Where an assigned customer belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat {
    /// Arm index.
    pub arm: u16,
    /// Stratum number of the scan's names.
    pub stratum: u32,
    /// Cluster number; [`super::clusters::NO_CLUSTER`] where customers were assigned one by one.
    pub cluster: u32,
}

/// The seat of every assigned customer.
#[derive(Debug, Default)]
pub struct Assigned {
    index: HashMap<Unit, u32>,
    seats: Vec<Seat>,
}

impl Assigned {
    /// A customer's number in the assignment.
    pub fn number(&self, unit: &[u8]) -> Option<u32> {
        self.index.get(unit).copied()
    }

    /// A customer's arm, stratum and cluster.
    pub fn seat(&self, unit: &[u8]) -> Option<Seat> {
        self.number(unit).map(|n| self.seats[n as usize])
    }

    /// Customers with their number and seat, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Unit, u32, Seat)> {
        self.index
            .iter()
            .map(|(u, n)| (u, *n, self.seats[*n as usize]))
    }

    /// Seats, one a customer.
    pub fn seats(&self) -> &[Seat] {
        &self.seats
    }
}

/// Reads the assignment file.
///
/// # Errors
/// A file that is not one of ours, or that holds a unit twice.
pub fn assignment(request: &Request<'_>, path: &Path, names: &mut Names) -> Result<Assigned> {
    let experiment = request.experiment;
    let name = path
        .strip_prefix(request.root)
        .unwrap_or(path)
        .to_path_buf();
    let parts = whole(vec![Input {
        name,
        path: path.to_path_buf(),
    }]);
    let mut table = Table::open(&parts[0], &exchange_format())?;
    let unit = table.column("unit", "unit")?;
    let arm = table.column("arm", "arm")?;
    let columns = strata_columns(&table, experiment)?;
    let cluster = match &experiment.assignment.cluster {
        Some(_) => Some(table.column("cluster", "assignment.cluster")?),
        None => None,
    };
    names.clusters = Clusters::of(&parts);
    let none = BTreeMap::new();
    let arms = ArmNames::new(experiment, &none);
    let mut out = Assigned::default();
    while table.advance()? {
        let parsed = table.row().and_then(|row| {
            let tuple = stratum(&row, &columns)?;
            let cluster = clusters::of_row(&row, cluster.as_ref())?;
            Ok((
                row.bytes(&unit),
                row.text(&arm)?,
                names.strata.id(&tuple),
                names.clusters.id(cluster),
            ))
        });
        let (key, value, stratum, cluster) = parsed.map_err(|misfit| {
            table
                .error_at(None, misfit.reason)
                .hint("the assignment file was changed; restore it")
        })?;
        let arm = arms.arm(value, &table, &arm, request.show_values)?;
        let number = out.seats.len() as u32;
        names.clusters.seat(cluster, arm, stratum, table.place());
        out.seats.push(Seat {
            arm,
            stratum,
            cluster,
        });
        if out.index.insert(key.into(), number).is_some() {
            return Err(table
                .error_at(Some(&unit), "a unit stands in the assignment twice")
                .hint("restore the file that `pilot assign` wrote"));
        }
        if out.seats.len().is_multiple_of(65_536) {
            (request.tick)(out.seats.len() as u64)?;
        }
    }
    Ok(out)
}

/// How the files that `pilot` itself writes are written.
pub fn exchange_format() -> FileFormat {
    FileFormat {
        path: String::new(),
        delimiter: b',',
        encoding: None,
        decimal: '.',
        time_format: None,
        timezone: None,
        max_bad_rows: 0.0,
    }
}

/// The plan's strata columns in this file.
///
/// # Errors
/// A missing column.
pub fn strata_columns(table: &Table, experiment: &Experiment) -> Result<Vec<Column>> {
    experiment
        .assignment
        .strata
        .iter()
        .map(|s| table.column(s, "assignment.strata"))
        .collect()
}

/// A row's stratum values.
///
/// # Errors
/// A value that is not text.
pub fn stratum<'a>(row: &Row<'a>, columns: &[Column]) -> Result<Vec<&'a str>, Misfit> {
    columns.iter().map(|c| row.text(c)).collect()
}
