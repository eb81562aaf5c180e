//! The exchange format: cells that another program made.

use std::path::PathBuf;

use crate::error::{Error, Result, nearest};
use crate::experiment::{CellsSource, Experiment, FileFormat};
use crate::table::{Audit, ExposureUnit};

use super::columns::{Column, Misfit, Row, TextTable};
use super::fields::{MICRO, number};
use super::reader::finish;
use super::roster::{ArmNames, Ledger, yes_no};
use super::source::{Input, expand};
use super::tally::{FIRST_OUTCOME, Interner, NONE, RowKey};
use super::{Request, Scan};

/// Files of a cells source: a file, or `cells.csv` (or `.csv.gz`) in a folder.
///
/// # Errors
/// Neither is there.
pub fn inputs(root: &std::path::Path, source: &CellsSource) -> Result<Vec<Input>> {
    let shown = source.path.to_string_lossy().into_owned();
    if !root.join(&source.path).is_dir() {
        return expand(root, &shown);
    }
    for name in ["cells.csv", "cells.csv.gz"] {
        let name: PathBuf = source.path.join(name);
        if root.join(&name).is_file() {
            return Ok(vec![Input {
                path: root.join(&name),
                name,
            }]);
        }
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
    fn find(table: &TextTable, experiment: &Experiment) -> Result<Self> {
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

fn micros(row: &Row<'_>, column: &Column) -> Result<i64, Misfit> {
    let text = row.text(column)?;
    if text.trim().is_empty() {
        return Ok(NONE);
    }
    number(text, '.')
        .map(|n| n.micros)
        .map_err(|reason| Misfit::new(column, reason))
}

/// Reads cells; any cell that does not fit is an error, since it stands for many customers.
///
/// # Errors
/// Missing columns, unknown arms or outcomes, values that are no numbers.
pub fn scan(request: &Request<'_>, source: &CellsSource) -> Result<Scan> {
    let experiment = request.experiment;
    let format = FileFormat {
        path: String::new(),
        delimiter: b',',
        encoding: None,
        decimal: '.',
        time_format: None,
        timezone: None,
        max_bad_rows: 0.0,
    };
    let none = std::collections::BTreeMap::new();
    let arms = ArmNames::new(experiment, &none);
    let mut strata = Interner::default();
    let mut ledger = Ledger::default();
    // Each outcome has its own cells, so its own rows.
    let mut rows: Vec<Vec<(RowKey, u64)>> = vec![Vec::new(); experiment.outcomes.len()];
    let mut timed = false;
    for input in inputs(request.root, source)? {
        let mut table = TextTable::open(&input, &format)?;
        let c = Columns::find(&table, experiment)?;
        timed |= c.exposure.is_some();
        loop {
            let parsed = match table.next()? {
                None => break,
                Some(row) => row.and_then(|row| {
                    let tuple = c
                        .strata
                        .iter()
                        .map(|s| row.text(s))
                        .collect::<Result<Vec<_>, _>>()?;
                    let optional = |column: &Option<Column>| {
                        column.as_ref().map_or(Ok(NONE), |c| micros(&row, c))
                    };
                    let exposure = optional(&c.exposure)?;
                    let mut key = vec![
                        0,
                        i64::from(strata.id(&tuple)),
                        if exposure == NONE { MICRO } else { exposure },
                        optional(&c.before_exposure)?,
                        c.uptake.as_ref().map_or(Ok(NONE), |u| yes_no(&row, u))?,
                    ];
                    key.push(optional(&c.before)?);
                    key.push(micros(&row, &c.after)?);
                    let customers = micros(&row, &c.customers)?;
                    if customers == NONE || customers < 0 || customers % MICRO != 0 {
                        return Err(Misfit::new(
                            &c.customers,
                            "the number of customers is a whole number",
                        ));
                    }
                    let outcome = c
                        .outcome
                        .as_ref()
                        .map(|o| row.text(o).map(str::to_string))
                        .transpose()?;
                    Ok((
                        key,
                        (customers / MICRO) as u64,
                        outcome,
                        row.text(&c.arm)?.to_string(),
                    ))
                }),
            };
            ledger.rows += 1;
            if ledger.rows.is_multiple_of(65_536) {
                (request.tick)(ledger.rows)?;
            }
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
                        return Err(match nearest(&name, names) {
                            Some(near) => error.hint(format!("perhaps \"{near}\" is meant")),
                            None => error,
                        });
                    }
                },
            };
            key[0] = i64::from(arms.arm(&arm, &table, &c.arm, request.show_values)?);
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
            &strata,
            unit,
            rows,
            Ledger {
                rows: ledger.rows,
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
    scan.ok_or_else(|| Error::plan("the plan has no outcome").key("outcomes"))
}
