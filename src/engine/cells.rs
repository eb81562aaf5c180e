//! The exchange format: cells that another program made.

mod clusters;

use std::cell::Cell as StdCell;
use std::path::PathBuf;

use crate::error::{Error, Result, nearest};
use crate::experiment::{CellsSource, Experiment, OutcomeKind};
use crate::table::{Audit, ExposureUnit};

use super::arms::{ArmNames, exchange_format, stratum};
use super::clusters::Names;
use super::columns::{Column, Misfit, Table};
use super::fields::MICRO;
use super::finish::finish;
use super::ledger::Ledger;
use super::row::Row;
use super::source::{Input, expand, whole};
use super::tally::{FIRST_OUTCOME, NONE, RowKey, flag};
use super::{Request, Scan};

/// Files of a cells source: those of the cells, and that of the clusters where `clustered`.
///
/// # Errors
/// No cells are there.
pub fn inputs(root: &std::path::Path, source: &CellsSource, clustered: bool) -> Result<Vec<Input>> {
    let mut inputs = cells(root, source)?;
    if clustered {
        inputs.extend(beside(root, source, "clusters"));
    }
    Ok(inputs)
}

/// `stem.csv`, `.csv.gz` or `.parquet` in the source's folder.
fn beside(root: &std::path::Path, source: &CellsSource, stem: &str) -> Option<Input> {
    ["csv", "csv.gz", "parquet"].into_iter().find_map(|ending| {
        let name: PathBuf = source.path.join(format!("{stem}.{ending}"));
        let path = root.join(&name);
        path.is_file().then_some(Input { name, path })
    })
}

/// The cells: a file, or `cells.csv`, `.csv.gz` or `.parquet` in a folder.
fn cells(root: &std::path::Path, source: &CellsSource) -> Result<Vec<Input>> {
    let shown = source.path.to_string_lossy().into_owned();
    if !root.join(&source.path).is_dir() {
        return expand(root, &shown);
    }
    if let Some(found) = beside(root, source, "cells") {
        return Ok(vec![found]);
    }
    Err(Error::data("the folder holds no cells.csv").file(&source.path).key("data.cells.path").hint(
        "the exchange format has the columns outcome, arm, s.<stratum>…, exposure, before, after, customers",
    ))
}

struct Columns {
    outcome: Option<Column>,
    arm: Column,
    strata: Vec<Column>,
    exposure: Option<Column>,
    before_exposure: Option<Column>,
    before: Option<Column>,
    after: Column,
    uptake: Option<Column>,
    customers: Column,
}

impl Columns {
    fn find(table: &Table, experiment: &Experiment) -> Result<Self> {
        let strata = experiment
            .assignment
            .strata
            .iter()
            .map(|s| table.column(&format!("s.{s}"), "assignment.strata"))
            .collect::<Result<_>>()?;
        Ok(Columns {
            outcome: table.optional("outcome", "outcome")?,
            arm: table.column("arm", "arm")?,
            strata,
            exposure: table.optional("exposure", "exposure")?,
            before_exposure: table.optional("before_exposure", "before_exposure")?,
            before: table.optional("before", "before")?,
            after: table.column("after", "after")?,
            uptake: table.optional("uptake", "uptake")?,
            customers: table.column("customers", "customers")?,
        })
    }
}

fn micros(row: &Row<'_>, column: &Column, rounded: &StdCell<u64>) -> Result<i64, Misfit> {
    let number = row.number(column, '.')?;
    rounded.set(rounded.get() + u64::from(number.is_some_and(|n| n.rounded)));
    Ok(number.map_or(NONE, |n| n.micros))
}

/// A value that an outcome of this kind, or an exposure, cannot have.
fn misplaced<'a>(
    c: &'a Columns,
    key: &[i64],
    kind: OutcomeKind,
) -> Option<(Option<&'a Column>, &'static str)> {
    let (x, y) = (key[FIRST_OUTCOME], key[FIRST_OUTCOME + 1]);
    let below = |v: i64| v != NONE && v < 0;
    let part = |v: i64| v != NONE && v % MICRO != 0;
    if below(key[2]) {
        return Some((c.exposure.as_ref(), "an exposure is not negative"));
    }
    if below(key[3]) {
        return Some((c.before_exposure.as_ref(), "an exposure is not negative"));
    }
    if key[2] == 0 && y != 0 && y != NONE {
        let reason = "contacts without exposure: exposure is 0 but the count is not";
        return Some((Some(&c.after), reason));
    }
    match kind {
        OutcomeKind::Count if below(x) => Some((c.before.as_ref(), "a count is not negative")),
        OutcomeKind::Count if below(y) => Some((Some(&c.after), "a count is not negative")),
        OutcomeKind::Count if part(y) => Some((Some(&c.after), "a count is a whole number")),
        OutcomeKind::Proportion if ![NONE, 0, MICRO].contains(&y) => {
            Some((Some(&c.after), "a yes/no outcome is 0 or 1"))
        }
        _ => None,
    }
}

/// Reads cells; any cell that does not fit is an error, since it stands for many customers.
///
/// # Errors
/// Missing columns, unknown arms or outcomes, values that are no numbers.
pub fn scan(request: &Request<'_>, source: &CellsSource) -> Result<Scan> {
    let experiment = request.experiment;
    let format = exchange_format();
    let none = std::collections::BTreeMap::new();
    let arms = ArmNames::new(experiment, &none);
    let mut names = Names::default();
    let mut ledger = Ledger::default();
    // Each outcome has its own cells, so its own rows.
    let mut rows: Vec<Vec<(RowKey, u64)>> = vec![Vec::new(); experiment.outcomes.len()];
    let mut timed = false;
    let rounded = StdCell::new(0);
    for part in whole(cells(request.root, source)?) {
        let mut table = Table::open(&part, &format)?;
        let c = Columns::find(&table, experiment)?;
        timed |= c.exposure.is_some();
        while table.advance()? {
            ledger.rows += 1;
            if ledger.rows.is_multiple_of(65_536) {
                (request.tick)(ledger.rows)?;
            }
            let parsed = table.row().and_then(|row| {
                let optional = |column: &Option<Column>| {
                    column
                        .as_ref()
                        .map_or(Ok(NONE), |c| micros(&row, c, &rounded))
                };
                let exposure = optional(&c.exposure)?;
                let mut key = vec![
                    0,
                    i64::from(names.strata.id(&stratum(&row, &c.strata)?)),
                    if exposure == NONE { MICRO } else { exposure },
                    optional(&c.before_exposure)?,
                    match &c.uptake {
                        None => NONE,
                        Some(u) => flag(row.yes_no(u)?),
                    },
                    NONE,
                ];
                key.push(optional(&c.before)?);
                key.push(micros(&row, &c.after, &rounded)?);
                let customers = micros(&row, &c.customers, &rounded)?;
                if customers == NONE || customers < 0 || customers % MICRO != 0 {
                    return Err(Misfit::new(
                        &c.customers,
                        "the number of customers is a whole number",
                    ));
                }
                let outcome = c.outcome.as_ref().map(|o| row.text(o)).transpose()?;
                Ok((key, (customers / MICRO) as u64, outcome, row.text(&c.arm)?))
            });
            let (mut key, customers, outcome, arm) = parsed.map_err(|m| {
                let error = table.error_at(None, m.reason);
                match m.column {
                    Some(column) => error.key(column),
                    None => error,
                }
            })?;
            let o = match outcome {
                None => 0,
                Some(name) => match experiment.outcomes.iter().position(|o| o.name == name) {
                    Some(o) => o,
                    None => {
                        let error =
                            table.error_at(c.outcome.as_ref(), "the plan has no such outcome");
                        let names = experiment.outcomes.iter().map(|o| o.name.as_str());
                        return Err(match nearest(name, names) {
                            Some(near) => error.hint(format!("perhaps \"{near}\" is meant")),
                            None => error,
                        });
                    }
                },
            };
            if let Some((column, reason)) = misplaced(&c, &key, experiment.outcomes[o].kind) {
                return Err(table.error_at(column, reason));
            }
            key[0] = i64::from(arms.arm(arm, &table, &c.arm, request.show_values)?);
            rows[o].push((key.into(), customers));
        }
    }
    let unit = if timed {
        ExposureUnit::Day
    } else {
        ExposureUnit::Window
    };
    let mut scan: Option<Scan> = None;
    for (o, rows) in rows.into_iter().enumerate() {
        let mut one = experiment.clone();
        one.outcomes = vec![experiment.outcomes[o].clone()];
        if rows.is_empty() {
            return Err(Error::data(format!(
                "the cells hold no row of the outcome \"{}\"",
                one.outcomes[0].name
            ))
            .file(&source.path)
            .key("outcome"));
        }
        debug_assert!(rows.iter().all(|r| r.0.len() == FIRST_OUTCOME + 2));
        let request = Request {
            experiment: &one,
            ..*request
        };
        let part = finish(
            &request,
            &names,
            unit,
            rows,
            Ledger {
                rows: ledger.rows,
                rounded: rounded.get(),
                ..Ledger::default()
            },
            Audit::default(),
        )?;
        match &mut scan {
            None => scan = Some(part),
            Some(all) => {
                let (audit, other) = (&mut all.evidence.audit, part.evidence.audit);
                if audit.customers_by_arm != other.customers_by_arm {
                    return Err(
                        Error::data("the outcomes' cells do not hold the same customers")
                            .file(&source.path)
                            .key("customers")
                            .hint("every assigned customer stands in the cells of every outcome"),
                    );
                }
                audit.without_before.extend(other.without_before);
                audit.missing_after.extend(other.missing_after);
                all.evidence.outcomes.extend(part.evidence.outcomes);
            }
        }
    }
    let mut scan = scan.ok_or_else(|| Error::plan("the plan has no outcome").key("outcomes"))?;
    if experiment.cluster_column().is_some()
        && let Some(file) = beside(request.root, source, "clusters")
    {
        for part in whole(vec![file]) {
            clusters::read(request, &part, &mut scan.evidence)?;
        }
    }
    Ok(scan)
}
