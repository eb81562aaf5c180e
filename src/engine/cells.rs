//! The exchange format: cells that another program made.

mod clusters;

use std::cell::Cell as StdCell;
use std::fs::File;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result, nearest};
use crate::experiment::{CellsSource, Experiment, OutcomeKind};
use crate::table::exchange::{Named, read_spillover, read_weekly};
use crate::table::{ArmId, Audit, Evidence, ExposureUnit, Weekly};

use super::arms::{ArmNames, exchange_format, stratum};
use super::clusters::Names;
use super::columns::{Column, Misfit, Table};
use super::fields::MICRO;
use super::finish::{arm_names, finish};
use super::ledger::Ledger;
use super::row::Row;
use super::segments;
use super::source::{Input, Part, expand, whole};
use super::tally::{FIRST_OUTCOME, NONE, RowKey, flag};
use super::{Request, Scan};

/// Files that may stand beside the cells.
const COMPANIONS: [&str; 3] = ["weekly.csv", "segments.csv", "spillover.csv"];

/// Files of a cells source: the cells, and what stands beside them; that of the clusters where
/// `clustered`.
///
/// # Errors
/// No cells are there.
pub fn inputs(root: &Path, source: &CellsSource, clustered: bool) -> Result<Vec<Input>> {
    let mut all = cells(root, source)?;
    if root.join(&source.path).is_dir() {
        let names = COMPANIONS.into_iter().map(|name| source.path.join(name));
        let there = names.map(|name| Input {
            path: root.join(&name),
            name,
        });
        all.extend(there.filter(|input| input.path.is_file()));
    }
    if clustered {
        all.extend(beside(root, source, "clusters"));
    }
    Ok(all)
}

/// `stem.csv`, `.csv.gz` or `.parquet` in the source's folder.
fn beside(root: &Path, source: &CellsSource, stem: &str) -> Option<Input> {
    ["csv", "csv.gz", "parquet"].into_iter().find_map(|ending| {
        let name: PathBuf = source.path.join(format!("{stem}.{ending}"));
        let path = root.join(&name);
        path.is_file().then_some(Input { name, path })
    })
}

/// The cells: a file, or `cells.csv`, `.csv.gz` or `.parquet` in a folder.
fn cells(root: &Path, source: &CellsSource) -> Result<Vec<Input>> {
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

/// One cell of a file.
struct Read {
    outcome: usize,
    key: RowKey,
    customers: u64,
    /// Column and value, in a file of segments.
    segment: Option<(String, String)>,
}

/// What is known of all files so far.
#[derive(Default)]
struct Reading {
    names: Names,
    ledger: Ledger,
    /// Whether a file has an exposure column.
    timed: bool,
    rounded: StdCell<u64>,
}

impl Reading {
    /// Reads a file; any cell that does not fit is an error, since it stands for many customers.
    fn file(
        &mut self,
        request: &Request<'_>,
        part: &Part,
        segmented: bool,
        sink: &mut dyn FnMut(Read),
    ) -> Result<()> {
        let experiment = request.experiment;
        let none = std::collections::BTreeMap::new();
        let arms = ArmNames::new(experiment, &none);
        let mut table = Table::open(part, &exchange_format())?;
        let c = Columns::find(&table, experiment)?;
        let segment = match segmented {
            true => Some((
                table.column("segment", "segment")?,
                table.column("value", "value")?,
            )),
            false => None,
        };
        self.timed |= c.exposure.is_some();
        while table.advance()? {
            self.ledger.rows += 1;
            if self.ledger.rows.is_multiple_of(65_536) {
                (request.tick)(self.ledger.rows)?;
            }
            let (names, rounded) = (&mut self.names, &self.rounded);
            let parsed = table.row().and_then(|row| {
                let optional = |column: &Option<Column>| {
                    column
                        .as_ref()
                        .map_or(Ok(NONE), |c| micros(&row, c, rounded))
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
                key.push(micros(&row, &c.after, rounded)?);
                let customers = micros(&row, &c.customers, rounded)?;
                if customers == NONE || customers < 0 || customers % MICRO != 0 {
                    return Err(Misfit::new(
                        &c.customers,
                        "the number of customers is a whole number",
                    ));
                }
                let outcome = c.outcome.as_ref().map(|o| row.text(o)).transpose()?;
                let segment = match &segment {
                    Some((column, value)) => {
                        Some((row.text(column)?.to_string(), row.text(value)?.to_string()))
                    }
                    None => None,
                };
                let customers = (customers / MICRO) as u64;
                Ok((key, customers, outcome, row.text(&c.arm)?, segment))
            });
            let (mut key, customers, outcome, arm, segment) = parsed.map_err(|m| {
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
            sink(Read {
                outcome: o,
                key: key.into(),
                customers,
                segment,
            });
        }
        Ok(())
    }
}

/// Reads cells and what stands beside them.
///
/// # Errors
/// Missing columns, unknown arms or outcomes, values that are no numbers.
pub fn scan(request: &Request<'_>, source: &CellsSource) -> Result<Scan> {
    let experiment = request.experiment;
    let mut reading = Reading::default();
    // Each outcome has its own cells, so its own rows.
    let mut rows: Vec<Vec<(RowKey, u64)>> = vec![Vec::new(); experiment.outcomes.len()];
    for part in whole(cells(request.root, source)?) {
        reading.file(request, &part, false, &mut |read| {
            rows[read.outcome].push((read.key, read.customers));
        })?;
    }
    let timed = reading.timed;
    let mut apart = Vec::new();
    if !experiment.analysis.segments.is_empty() {
        let beside = inputs(request.root, source, false)?.into_iter();
        let beside = beside.filter(|input| input.name.ends_with("segments.csv"));
        for part in whole(beside.collect()) {
            reading.file(request, &part, true, &mut |read| {
                let (column, value) = read.segment.unwrap_or_default();
                apart.push((column, value, read.outcome, read.key, read.customers));
            })?;
        }
    }
    let Reading {
        names,
        ledger,
        rounded,
        ..
    } = reading;
    let unit = if timed {
        ExposureUnit::Day
    } else {
        ExposureUnit::Window
    };
    let mut scan: Option<Scan> = None;
    for (o, rows) in rows.into_iter().enumerate() {
        let mut one = experiment.clone();
        one.outcomes = vec![experiment.outcomes[o].clone()];
        // Cells know segments only from a file of their own.
        one.analysis.segments.clear();
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
    segments::attach_read(experiment, &names.strata, &apart, &mut scan.evidence)
        .map_err(|e| e.file(source.path.join("segments.csv")))?;
    companions(request, source, &mut scan.evidence)?;
    if experiment.cluster_column().is_some()
        && let Some(file) = beside(request.root, source, "clusters")
    {
        for part in whole(vec![file]) {
            clusters::read(request, &part, &mut scan.evidence)?;
        }
    }
    Ok(scan)
}

/// Reads `weekly.csv` and `spillover.csv` beside `cells.csv`, where they are.
fn companions(request: &Request<'_>, source: &CellsSource, evidence: &mut Evidence) -> Result<()> {
    let experiment = request.experiment;
    let arms = arm_names(experiment);
    if let Some((file, name)) = companion(request.root, source, "weekly.csv")? {
        let outcomes: Vec<Named<'_>> = experiment
            .outcomes
            .iter()
            .map(|o| Named {
                outcome: &o.name,
                decimals: match o.kind {
                    OutcomeKind::Mean => Weekly::MEAN_DECIMALS,
                    OutcomeKind::Count | OutcomeKind::Proportion => 0,
                },
            })
            .collect();
        let weekly = read_weekly(file, &arms, &outcomes).map_err(|e| e.file(&name))?;
        for (outcome, weekly) in evidence.outcomes.iter_mut().zip(weekly) {
            let customers = |w: &Weekly, arm: usize| w.pair(ArmId(arm as u16), 0, 0).customers;
            let assigned = &evidence.audit.customers_by_arm;
            if let Some(w) = &weekly
                && assigned
                    .iter()
                    .enumerate()
                    .any(|(a, n)| customers(w, a) > *n)
            {
                return Err(Error::data("the weeks hold more customers than the cells")
                    .file(&name)
                    .key("customers"));
            }
            outcome.weekly = weekly;
        }
    }
    if let Some((file, name)) = companion(request.root, source, "spillover.csv")? {
        let spillover = read_spillover(file, &arms, false).map_err(|e| e.file(&name))?;
        evidence.spillover = Some(spillover);
    }
    Ok(())
}

/// A file beside the cells, open, and its name; none where the source is a single file.
fn companion(root: &Path, source: &CellsSource, name: &str) -> Result<Option<(File, PathBuf)>> {
    let name = source.path.join(name);
    let path = root.join(&name);
    if !root.join(&source.path).is_dir() || !path.is_file() {
        return Ok(None);
    }
    let file = File::open(&path).map_err(|e| Error::io("read", &name, &e))?;
    Ok(Some((file, name)))
}
