//! `clusters.csv` of the exchange format: totals of clusters that another program made.

use crate::error::{Error, Result};
use crate::table::store::clusters::{TOTALS, assemble, totals};
use crate::table::{ArmId, ClusterRow, Evidence};

use crate::engine::Request;
use crate::engine::arms::{exchange_format, stratum};
use crate::engine::columns::{Column, Misfit, Table};
use crate::engine::fields::MICRO;
use crate::engine::row::Row;
use crate::engine::source::Part;

/// A row as read: the outcome's number, the cap if it is under one, and the totals.
type Read = (usize, Option<u64>, ClusterRow);

struct Columns {
    outcome: Option<Column>,
    cap: Option<Column>,
    arm: Column,
    strata: Vec<Column>,
    totals: Vec<Column>,
}

impl Columns {
    fn find(table: &Table, strata: &[String]) -> Result<Self> {
        let strata = strata.iter();
        Ok(Columns {
            outcome: table.optional("outcome", "outcome")?,
            cap: table.optional("cap", "cap")?,
            arm: table.column("arm", "arm")?,
            strata: strata
                .map(|s| table.column(&format!("s.{s}"), "assignment.strata"))
                .collect::<Result<_>>()?,
            totals: TOTALS
                .iter()
                .map(|name| table.column(name, name))
                .collect::<Result<_>>()?,
        })
    }

    fn read(&self, row: &Row<'_>, evidence: &Evidence) -> Result<Read, Misfit> {
        let outcome = match &self.outcome {
            None => 0,
            Some(column) => {
                let name = row.text(column)?;
                let known = evidence.outcomes.iter().position(|o| o.outcome == name);
                known.ok_or_else(|| Misfit::new(column, "the plan has no such outcome"))?
            }
        };
        let table = &evidence.outcomes[outcome].table;
        let arm = row.text(&self.arm)?.trim();
        let arm = table.arms().iter().position(|a| a == arm);
        let arm = arm.ok_or_else(|| Misfit::new(&self.arm, "the plan has no such arm"))?;
        let tuple = stratum(row, &self.strata)?.into_iter().map(String::from);
        let tuple: Vec<String> = tuple.collect();
        let stratum = table.strata().id(&tuple).ok_or_else(|| Misfit {
            column: self.strata.first().map(|c| c.name.clone()),
            reason: "the cells have no such stratum".into(),
        })?;
        let texts = self.totals.iter().map(|c| row.text(c));
        let texts: Vec<&str> = texts.collect::<Result<_, _>>()?;
        let (totals, clusters) = totals(|i| texts[i], table.decimals())
            .map_err(|(i, why)| Misfit::new(&self.totals[i], why))?;
        let row_of = ClusterRow {
            arm: ArmId(arm as u16),
            stratum,
            totals,
            clusters,
        };
        Ok((outcome, self.cap(row)?, row_of))
    }

    fn cap(&self, row: &Row<'_>) -> Result<Option<u64>, Misfit> {
        let Some(column) = &self.cap else {
            return Ok(None);
        };
        match row.number(column, '.')? {
            None => Ok(None),
            Some(n) if n.micros > 0 && n.micros % MICRO == 0 => {
                Ok(Some((n.micros / MICRO).unsigned_abs()))
            }
            Some(_) => Err(Misfit::new(column, "a cap is a whole number above 0")),
        }
    }
}

/// Reads the clusters of the outcomes whose cells were read before.
///
/// # Errors
/// Missing columns; unknown arms, outcomes or strata; clusters that do not fit the cells.
pub fn read(request: &Request<'_>, part: &Part, evidence: &mut Evidence) -> Result<()> {
    let mut table = Table::open(part, &exchange_format())?;
    let columns = Columns::find(&table, &request.experiment.assignment.strata)?;
    let mut rows = vec![Vec::new(); evidence.outcomes.len()];
    while table.advance()? {
        let read = table.row().and_then(|row| columns.read(&row, evidence));
        let (outcome, cap, row) = read.map_err(|m| {
            let error = table.error_at(None, m.reason);
            match m.column {
                Some(column) => error.key(column),
                None => error,
            }
        })?;
        rows[outcome].push((cap, row));
    }
    for (o, rows) in evidence.outcomes.iter_mut().zip(rows) {
        if rows.is_empty() {
            return Err(Error::data(format!(
                "the clusters hold no row of the outcome \"{}\"",
                o.outcome
            ))
            .file(&part.input.name)
            .key("outcome"));
        }
        let clusters = assemble(&o.table, rows);
        o.clusters = Some(clusters.map_err(|e| e.file(&part.input.name))?);
    }
    Ok(())
}
