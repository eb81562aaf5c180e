//! Ready-made counts: each row of the file as one flat key.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::experiment::{BeforeKind, CountsExposure, CountsFile, Experiment, Outcome, OutcomeKind};
use crate::table::ExposureUnit;

use super::Request;
use super::columns::{Column, Misfit, Row, TextTable};
use super::fields::{Fixed, MICRO, number};
use super::roster::{ArmNames, Ledger, Unit, assignment, strata_columns, stratum, yes_no};
use super::source::expand;
use super::tally::{FIRST_OUTCOME, Interner, NONE};

/// Receives the rows that could be read.
pub trait Sink {
    /// One customer: unit (where the file has one), the key, and the line with its file.
    ///
    /// # Errors
    /// A row that contradicts an earlier one.
    fn row(&mut self, unit: Option<&[u8]>, key: &[i64], table: &TextTable) -> Result<()>;
}

struct Columns {
    unit: Option<Column>,
    arm: Option<Column>,
    strata: Vec<Column>,
    exposure: Option<Column>,
    before_exposure: Option<Column>,
    uptake: Option<Column>,
    outcomes: Vec<(Option<Column>, Column)>,
}

impl Columns {
    fn find(
        table: &TextTable,
        experiment: &Experiment,
        file: &CountsFile,
        assigned: bool,
    ) -> Result<Self> {
        let named = |name: &Option<String>, role: &str| {
            name.as_ref()
                .map(|n| table.column(n, &format!("data.counts.columns.{role}")))
                .transpose()
        };
        let outcomes = experiment
            .outcomes
            .iter()
            .map(|o| {
                let before = match &o.before {
                    Some(name) => Some(table.column(name, "outcomes.before")?),
                    None => table.optional("before", "outcomes.before")?,
                };
                Ok((before, table.column(&o.after, "outcomes.after")?))
            })
            .collect::<Result<_>>()?;
        Ok(Columns {
            unit: named(&file.unit, "unit")?,
            arm: if assigned {
                None
            } else {
                named(&file.arm, "arm")?
            },
            strata: if assigned {
                Vec::new()
            } else {
                strata_columns(table, experiment)?
            },
            exposure: named(&file.exposure, "exposure")?,
            before_exposure: named(&file.before_exposure, "before_exposure")?,
            uptake: named(&file.uptake, "uptake")?,
            outcomes,
        })
    }
}

/// What the rows of all files had in common.
#[derive(Debug, Default)]
pub struct CountsAudit {
    /// Rows whose customer is in no arm.
    pub unassigned: u64,
}

/// Customers' arms and strata by unit.
pub type Assigned = HashMap<Unit, (u16, u32)>;

/// The assignment, where the plan's arms are not in the file.
///
/// # Errors
/// Neither an arm column nor an assignment.
pub fn assigned(
    request: &Request<'_>,
    file: &CountsFile,
    strata: &mut Interner,
) -> Result<Option<Assigned>> {
    match (request.assignment, &file.arm) {
        (Some(path), None) => {
            if file.unit.is_none() {
                return Err(Error::plan(
                    "arms are in the assignment, so the counts need a unit column",
                )
                .key("data.counts.columns.unit")
                .hint("name the column that identifies the customer"));
            }
            assignment(request, path, strata).map(Some)
        }
        (_, Some(_)) => Ok(None),
        (None, None) => Err(Error::plan(
            "the counts have no arm column and there is no assignment",
        )
        .key("data.counts.columns.arm")
        .hint("run `pilot assign`, or name the arm column")),
    }
}

/// The exposure unit of the tables.
pub fn exposure_unit(file: &CountsFile) -> ExposureUnit {
    match file.exposure_unit {
        CountsExposure::Window => ExposureUnit::Window,
        CountsExposure::Day => ExposureUnit::Day,
        CountsExposure::Week => ExposureUnit::Week,
        CountsExposure::Month => ExposureUnit::Month,
    }
}

/// Reads all files of `file` row by row.
///
/// # Errors
/// Missing columns, unknown arms, whatever the sink refuses.
pub fn read(
    request: &Request<'_>,
    file: &CountsFile,
    assigned: Option<&Assigned>,
    strata: &mut Interner,
    ledger: &mut Ledger,
    sink: &mut dyn Sink,
) -> Result<CountsAudit> {
    let experiment = request.experiment;
    let arms = ArmNames::new(experiment, &file.arm_values);
    let mut audit = CountsAudit::default();
    let mut key = vec![NONE; FIRST_OUTCOME + 2 * experiment.outcomes.len()];
    for input in expand(request.root, &file.format.path)? {
        let mut table = TextTable::open(&input, &file.format)?;
        let columns = Columns::find(&table, experiment, file, assigned.is_some())?;
        loop {
            let (mut rounded, mut arm_value, mut unit) = (0, None, None);
            let parsed = match table.next()? {
                None => break,
                Some(row) => row.and_then(|row| {
                    let mut fields = Fields {
                        row,
                        decimal: file.format.decimal,
                        rounded: &mut rounded,
                    };
                    fields.fill(&columns, &experiment.outcomes, &mut key)?;
                    if let Some(c) = &columns.unit {
                        let u = row.text(c)?;
                        if u.trim().is_empty() {
                            return Err(Misfit::new(c, "the customer's identifier is blank"));
                        }
                        unit = Some(u.as_bytes().to_vec());
                    }
                    if let Some(c) = &columns.arm {
                        arm_value = Some(row.text(c)?.to_string());
                    }
                    key[1] = i64::from(strata.id(&stratum(&row, &columns.strata)?));
                    Ok(())
                }),
            };
            ledger.rows += 1;
            if ledger.rows.is_multiple_of(65_536) {
                (request.tick)(ledger.rows)?;
            }
            if let Err(misfit) = parsed {
                ledger.reject(&table, misfit);
                continue;
            }
            match (assigned, &unit, &columns.arm, &arm_value) {
                (Some(assigned), Some(u), ..) => match assigned.get(u.as_slice()) {
                    Some((arm, stratum)) => {
                        key[0] = i64::from(*arm);
                        key[1] = i64::from(*stratum);
                    }
                    None => {
                        audit.unassigned += 1;
                        continue;
                    }
                },
                (None, _, Some(column), Some(value)) => {
                    key[0] = i64::from(arms.arm(value, &table, column, request.show_values)?);
                }
                _ => return Err(Error::internal("a counts row without an arm")),
            }
            ledger.rounded += rounded;
            sink.row(unit.as_deref(), &key, &table)?;
        }
    }
    Ok(audit)
}

/// A covariate, or the before value of a mean, may be any number.
fn before_kind(outcome: &Outcome) -> OutcomeKind {
    match (outcome.kind, outcome.before_kind) {
        (OutcomeKind::Count, BeforeKind::Count) => OutcomeKind::Count,
        _ => OutcomeKind::Mean,
    }
}

struct Fields<'a, 'b> {
    row: Row<'a>,
    decimal: char,
    rounded: &'b mut u64,
}

impl Fields<'_, '_> {
    fn number(&mut self, column: &Column) -> Result<Option<i64>, Misfit> {
        let text = self.row.text(column)?;
        if text.trim().is_empty() {
            return Ok(None);
        }
        let Fixed { micros, rounded } =
            number(text, self.decimal).map_err(|reason| Misfit::new(column, reason))?;
        *self.rounded += u64::from(rounded);
        Ok(Some(micros))
    }

    fn exposure(&mut self, column: &Column) -> Result<Option<i64>, Misfit> {
        match self.number(column)? {
            Some(e) if e < 0 => Err(Misfit::new(column, "an exposure is not negative")),
            other => Ok(other),
        }
    }

    fn outcome(&mut self, column: &Column, kind: OutcomeKind) -> Result<i64, Misfit> {
        let Some(v) = self.number(column)? else {
            return Ok(NONE);
        };
        let wrong = match kind {
            OutcomeKind::Count if v < 0 => Some("a count is not negative"),
            OutcomeKind::Count if v % MICRO != 0 => Some("a count is a whole number"),
            OutcomeKind::Proportion if v != 0 && v != MICRO => Some("a yes/no outcome is 0 or 1"),
            _ => None,
        };
        match wrong {
            Some(reason) => Err(Misfit::new(column, reason)),
            None => Ok(v),
        }
    }

    fn fill(
        &mut self,
        columns: &Columns,
        outcomes: &[Outcome],
        key: &mut [i64],
    ) -> Result<(), Misfit> {
        key[2] = match &columns.exposure {
            None => MICRO,
            Some(c) => self
                .exposure(c)?
                .ok_or_else(|| Misfit::new(c, "the exposure is missing"))?,
        };
        let before_exposure = match &columns.before_exposure {
            None => None,
            Some(c) => Some(self.exposure(c)?.unwrap_or(0)),
        };
        key[3] = before_exposure.unwrap_or(NONE);
        key[4] = columns
            .uptake
            .as_ref()
            .map_or(Ok(NONE), |c| yes_no(&self.row, c))?;
        for (i, ((before, after), outcome)) in columns.outcomes.iter().zip(outcomes).enumerate() {
            let y = self.outcome(after, outcome.kind)?;
            if key[2] == 0 && y != 0 && y != NONE {
                return Err(Misfit::new(
                    after,
                    "contacts without exposure: exposure is 0 but the count is not",
                ));
            }
            let x = match before {
                None => NONE,
                Some(c) => match self.outcome(c, before_kind(outcome))? {
                    0 if before_exposure == Some(0) => NONE,
                    x if x != NONE && before_exposure == Some(0) => {
                        return Err(Misfit::new(c, "a before count without before exposure"));
                    }
                    x => x,
                },
            };
            key[FIRST_OUTCOME + 2 * i] = x;
            key[FIRST_OUTCOME + 2 * i + 1] = y;
        }
        Ok(())
    }
}
