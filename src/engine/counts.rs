//! Ready-made counts: what a row of the file means, as one flat key.

use crate::error::{Error, Result};
use crate::experiment::{BeforeKind, CountsExposure, CountsFile, Experiment, Outcome, OutcomeKind};
use crate::table::ExposureUnit;

use super::Request;
use super::arms::{ArmNames, Assigned, assignment, strata_columns, stratum};
use super::clusters::{self, Clusters, NO_CLUSTER, Names};
use super::columns::{Column, Misfit, Table};
use super::fields::MICRO;
use super::ledger::Ledger;
use super::repeats::Place;
use super::row::Row;
use super::segments;
use super::source::Part;
use super::tally::{CLUSTER, FIRST_OUTCOME, Interner, NONE, flag};

/// Receives the rows that could be read.
pub trait Sink {
    /// One customer: unit (where the file has one), the key, and the table that stands at the row.
    ///
    /// # Errors
    /// A row that contradicts an earlier one.
    fn row(&mut self, unit: Option<&[u8]>, key: &[i64], table: &Table) -> Result<()>;

    /// How many values were rounded, if a row with the same fields was judged before; then
    /// the key that [`Sink::row`] gets next is not that row's. Only asked where the fields decide.
    fn recall(&mut self, _: &Row<'_>, _: &Judge<'_>, _: Place) -> Option<u64> {
        None
    }

    /// Told what the row that [`Sink::recall`] did not know means.
    fn learn(&mut self, _key: &[i64], _rounded: u64) {}
}

/// The columns that a row's meaning depends on.
#[derive(Debug, Clone)]
struct Columns {
    unit: Option<Column>,
    arm: Option<Column>,
    strata: Vec<Column>,
    exposure: Option<Column>,
    before_exposure: Option<Column>,
    uptake: Option<Column>,
    cluster: Option<Column>,
    outcomes: Vec<(Option<Column>, Column)>,
    segments: Vec<Column>,
}

impl Columns {
    fn find(
        table: &Table,
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
            cluster: clusters::column(table, experiment, assigned)?,
            outcomes,
            segments: segments::columns(table, experiment)?,
        })
    }
}

/// The assignment, where the plan's arms are not in the file.
///
/// # Errors
/// Neither an arm column nor an assignment.
pub fn assigned(
    request: &Request<'_>,
    file: &CountsFile,
    names: &mut Names,
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
            assignment(request, path, names).map(Some)
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

/// Says what a row of one file means.
pub struct Judge<'a> {
    columns: Columns,
    outcomes: &'a [Outcome],
    decimal: char,
}

impl<'a> Judge<'a> {
    /// For the rows of `table`; with an assignment, arms and strata are not in the file.
    ///
    /// # Errors
    /// Missing columns.
    pub fn new(
        table: &Table,
        experiment: &'a Experiment,
        file: &CountsFile,
        assigned: bool,
    ) -> Result<Self> {
        Ok(Judge {
            columns: Columns::find(table, experiment, file, assigned)?,
            outcomes: &experiment.outcomes,
            decimal: file.format.decimal,
        })
    }

    /// The columns that the key and the arm depend on.
    pub fn value_columns(&self) -> impl Iterator<Item = &Column> {
        let c = &self.columns;
        let single = [
            &c.arm,
            &c.exposure,
            &c.before_exposure,
            &c.uptake,
            &c.cluster,
        ];
        let outcomes = c.outcomes.iter().flat_map(|(x, y)| x.iter().chain([y]));
        single
            .into_iter()
            .flatten()
            .chain(&c.strata)
            .chain(outcomes)
            .chain(&c.segments)
    }

    /// The column of the unit.
    pub fn unit_column(&self) -> Option<&Column> {
        self.columns.unit.as_ref()
    }

    /// The column of the arm.
    pub fn arm_column(&self) -> Option<&Column> {
        self.columns.arm.as_ref()
    }

    /// The customer's identifier.
    ///
    /// # Errors
    /// Blank or not text.
    pub fn unit<'r>(&self, row: &Row<'r>) -> Result<Option<&'r str>, Misfit> {
        let Some(column) = &self.columns.unit else {
            return Ok(None);
        };
        let unit = row.text(column)?;
        if unit.trim().is_empty() {
            return Err(Misfit::new(column, "the customer's identifier is blank"));
        }
        Ok(Some(unit))
    }

    /// The value of the arm column.
    ///
    /// # Errors
    /// Not text.
    pub fn arm<'r>(&self, row: &Row<'r>) -> Result<Option<&'r str>, Misfit> {
        self.columns.arm.as_ref().map(|c| row.text(c)).transpose()
    }

    /// The stratum of a row; not asked for where the assignment knows it.
    ///
    /// # Errors
    /// Not text.
    pub fn stratum(&self, row: &Row<'_>, strata: &mut Interner) -> Result<i64, Misfit> {
        let tuple = stratum(row, &self.columns.strata)?;
        Ok(i64::from(strata.id(&tuple)))
    }

    /// Fills the number of a row's segment values in, where the plan asks for segments.
    ///
    /// # Errors
    /// Not text.
    pub fn segments(
        &self,
        row: &Row<'_>,
        values: &mut Interner,
        key: &mut [i64],
    ) -> Result<(), Misfit> {
        if let (false, Some(last)) = (self.columns.segments.is_empty(), key.last_mut()) {
            *last = i64::from(values.id(&stratum(row, &self.columns.segments)?));
        }
        Ok(())
    }

    /// The number of a row's cluster; [`NONE`] where the data name none.
    ///
    /// # Errors
    /// Blank or not text.
    pub fn cluster(&self, row: &Row<'_>, clusters: &mut Clusters) -> Result<i64, Misfit> {
        match clusters::of_row(row, self.columns.cluster.as_ref())? {
            None => Ok(NONE),
            name => Ok(i64::from(clusters.id(name))),
        }
    }

    /// Fills all of `key` but arm, stratum, cluster and segments; how many values were rounded.
    ///
    /// # Errors
    /// Values that are no data.
    pub fn values(&self, row: &Row<'_>, key: &mut [i64]) -> Result<u64, Misfit> {
        let mut fields = Fields {
            row: *row,
            decimal: self.decimal,
            rounded: 0,
        };
        fields.fill(&self.columns, self.outcomes, key)?;
        Ok(fields.rounded)
    }
}

/// How a row's arm is found.
enum Arm<'a> {
    /// It is in the key already.
    Known,
    /// By the value of the arm column.
    Named(&'a str),
    /// By the customer.
    Assigned,
}

/// Reads `parts` row by row; how many rows had a customer in no arm.
///
/// # Errors
/// Missing columns, unknown arms, whatever the sink refuses.
pub fn read(
    request: &Request<'_>,
    file: &CountsFile,
    parts: &[Part],
    assigned: Option<&Assigned>,
    names: &mut Names,
    ledger: &mut Ledger,
    sink: &mut dyn Sink,
) -> Result<u64> {
    let experiment = request.experiment;
    let arms = ArmNames::new(experiment, &file.arm_values);
    let mut unassigned = 0;
    let mut key = vec![NONE; segments::key_length(experiment)];
    for part in parts {
        let mut table = Table::open(part, &file.format)?;
        let judge = Judge::new(&table, experiment, file, assigned.is_some())?;
        while table.advance()? {
            ledger.rows += 1;
            if ledger.rows.is_multiple_of(65_536) {
                (request.tick)(ledger.rows)?;
            }
            let judged = table.row().and_then(|row| {
                if assigned.is_none()
                    && let Some(rounded) = sink.recall(&row, &judge, table.place())
                {
                    return Ok((rounded, judge.unit(&row)?, Arm::Known));
                }
                let rounded = judge.values(&row, &mut key)?;
                let (unit, arm) = (judge.unit(&row)?, judge.arm(&row)?);
                key[CLUSTER] = judge.cluster(&row, &mut names.clusters)?;
                if assigned.is_none() {
                    key[1] = judge.stratum(&row, &mut names.strata)?;
                }
                judge.segments(&row, &mut names.strata, &mut key)?;
                Ok((rounded, unit, arm.map_or(Arm::Assigned, Arm::Named)))
            });
            let (rounded, unit, arm) = match judged {
                Ok(judged) => judged,
                Err(misfit) => {
                    ledger.reject(&mut table, misfit)?;
                    continue;
                }
            };
            match (arm, assigned, unit, judge.arm_column()) {
                (Arm::Known, ..) => {}
                (Arm::Named(value), None, _, Some(column)) => {
                    key[0] = i64::from(arms.arm(value, &table, column, request.show_values)?);
                    sink.learn(&key, rounded);
                    note(names, &key, table.place());
                }
                (Arm::Assigned, Some(assigned), Some(unit), _) => {
                    let Some(seat) = assigned.seat(unit.as_bytes()) else {
                        unassigned += 1;
                        continue;
                    };
                    key[0] = i64::from(seat.arm);
                    key[1] = i64::from(seat.stratum);
                    if seat.cluster != NO_CLUSTER {
                        key[CLUSTER] = i64::from(seat.cluster);
                    } else {
                        note(names, &key, table.place());
                    }
                }
                _ => return Err(Error::internal("a counts row without an arm")),
            }
            ledger.rounded += rounded;
            sink.row(unit.map(str::as_bytes), &key, &table)?;
        }
    }
    Ok(unassigned)
}

/// Notes where the row's cluster was met, if it has one.
fn note(names: &mut Names, key: &[i64], place: Place) {
    if key[CLUSTER] != NONE {
        let seat = (key[0] as u16, key[1] as u32);
        names
            .clusters
            .seat(key[CLUSTER] as u32, seat.0, seat.1, place);
    }
}

/// A covariate, or the before value of a mean, may be any number.
fn before_kind(outcome: &Outcome) -> OutcomeKind {
    match (outcome.kind, outcome.before_kind) {
        (OutcomeKind::Count, BeforeKind::Count) => OutcomeKind::Count,
        _ => OutcomeKind::Mean,
    }
}

struct Fields<'a> {
    row: Row<'a>,
    decimal: char,
    rounded: u64,
}

impl Fields<'_> {
    fn number(&mut self, column: &Column) -> Result<Option<i64>, Misfit> {
        let number = self.row.number(column, self.decimal)?;
        self.rounded += u64::from(number.is_some_and(|n| n.rounded));
        Ok(number.map(|n| n.micros))
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
        key[4] = match &columns.uptake {
            None => NONE,
            Some(c) => flag(self.row.yes_no(c)?),
        };
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
