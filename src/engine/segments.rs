//! Segments: the same rows once more, apart by the values of a column.
//!
//! A row's key ends with the number of its tuple of segment values where the plan asks for
//! any; the cells of the outcomes do not see it.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::experiment::Experiment;
use crate::table::segments::too_many;
use crate::table::{Cell, ContactTable, Evidence, Segments};

use super::columns::{Column, Table};
use super::tally::{Dictionary, FIRST_OUTCOME, Interner, NONE, RowKey};

/// A customer whose segments are not known.
pub const UNKNOWN: u32 = u32::MAX;

/// Length of a row's key.
pub fn key_length(experiment: &Experiment) -> usize {
    let asked = !experiment.analysis.segments.is_empty();
    FIRST_OUTCOME + 2 * experiment.outcomes.len() + usize::from(asked)
}

/// A tuple's number in a key.
pub fn number(tuple: u32) -> i64 {
    match tuple {
        UNKNOWN => NONE,
        known => i64::from(known),
    }
}

/// The plan's segment columns in a file.
///
/// # Errors
/// One that is missing.
pub fn columns(table: &Table, experiment: &Experiment) -> Result<Vec<Column>> {
    let names = experiment.analysis.segments.iter();
    names
        .map(|name| table.column(name, "analysis.segments"))
        .collect()
}

/// Puts the segments of every outcome into the evidence made of the same rows.
///
/// # Errors
/// A column with too many values.
pub fn attach(
    experiment: &Experiment,
    interner: &Interner,
    rows: &[(RowKey, u64)],
    evidence: &mut Evidence,
) -> Result<()> {
    let at = key_length(experiment) - 1;
    for (c, column) in experiment.analysis.segments.iter().enumerate() {
        let value = |key: &RowKey| -> Option<&str> {
            let tuple = *key.get(at).filter(|tuple| **tuple != NONE)?;
            let tuple = interner.tuples().get(usize::try_from(tuple).ok()?)?;
            tuple.get(c).map(String::as_str)
        };
        let found = rows
            .iter()
            .filter(|row| row.1 > 0)
            .filter_map(|row| Some((value(&row.0)?, row)));
        attach_column(column, interner, found, evidence)?;
    }
    Ok(())
}

fn attach_column<'a>(
    column: &str,
    interner: &Interner,
    rows: impl Iterator<Item = (&'a str, &'a (RowKey, u64))>,
    evidence: &mut Evidence,
) -> Result<()> {
    let mut by_value: BTreeMap<&str, Vec<&(RowKey, u64)>> = BTreeMap::new();
    for (value, row) in rows {
        by_value.entry(value).or_default().push(row);
        if by_value.len() > Segments::MOST {
            return Err(too_many(column));
        }
    }
    if by_value.is_empty() {
        return Ok(());
    }
    for (o, outcome) in evidence.outcomes.iter_mut().enumerate() {
        let table = &outcome.table;
        let dictionary = Dictionary::new(interner, table.strata());
        let tables = by_value.iter().map(|(value, rows)| {
            let cells = rows.iter().map(|(key, customers)| {
                dictionary.cell(key, *customers, FIRST_OUTCOME + 2 * o, table.decimals())
            });
            Ok(((*value).to_string(), like(table, cells.collect())?))
        });
        let segments = Segments::new(column.to_string(), tables.collect::<Result<_>>()?)?;
        outcome.segments.push(segments);
    }
    Ok(())
}

/// A table of some of the customers.
fn like(table: &ContactTable, cells: Vec<Cell>) -> Result<ContactTable> {
    ContactTable::new(
        table.arms().to_vec(),
        table.strata().clone(),
        table.exposure_unit(),
        table.decimals(),
        cells,
    )
}

/// What a file of segments' cells holds: column, value, outcome, key and customers.
pub type Read = (String, String, usize, RowKey, u64);

/// Puts cells that another program made into the evidence of the same customers.
///
/// # Errors
/// Columns with too many values, more customers than the evidence has, values with more decimals.
pub fn attach_read(
    experiment: &Experiment,
    interner: &Interner,
    rows: &[Read],
    evidence: &mut Evidence,
) -> Result<()> {
    let wrong = |what: &str| {
        crate::error::Error::data(format!("the segments do not hold the customers of the cells: {what}"))
            .key("customers")
            .hint("of each column, the values' cells add up to the outcome's cells, or to less where a value is not known")
    };
    for column in &experiment.analysis.segments {
        let own: Vec<&Read> = rows.iter().filter(|row| row.0 == *column).collect();
        if own.is_empty() {
            continue;
        }
        for (o, outcome) in evidence.outcomes.iter_mut().enumerate() {
            let table = &outcome.table;
            let dictionary = Dictionary::new(interner, table.strata());
            let values: BTreeSet<&str> = own.iter().map(|r| r.1.as_str()).collect();
            let mut tables = Vec::new();
            let mut by_arm = vec![0u64; table.arms().len()];
            for value in values {
                let mut cells = Vec::new();
                for (_, _, _, key, customers) in
                    own.iter().filter(|r| r.1 == value && r.2 == o).copied()
                {
                    if !dictionary.knows(key) {
                        return Err(wrong("a stratum is not in the cells"));
                    }
                    if !Dictionary::fits(key, FIRST_OUTCOME, table.decimals()) {
                        return Err(wrong("a value has more decimals than any of the cells"));
                    }
                    by_arm[key[0] as usize] += customers;
                    cells.push(dictionary.cell(key, *customers, FIRST_OUTCOME, table.decimals()));
                }
                tables.push((value.to_string(), like(table, cells)?));
            }
            let too_large = |(a, n): (usize, &u64)| *n > evidence.audit.customers_by_arm[a];
            if by_arm.iter().enumerate().any(too_large) {
                return Err(wrong("an arm has more"));
            }
            let segments = Segments::new(column.clone(), tables)?;
            outcome.segments.push(segments);
        }
    }
    Ok(())
}
