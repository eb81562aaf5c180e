//! Customers: who is in which arm and stratum, and what their windows are.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use jiff::civil::Date;

use crate::error::{Error, Result, nearest};
use crate::experiment::{CustomersFile, Experiment, FileFormat, Periods};

use super::columns::{Column, Misfit, Row, TextTable};
use super::source::{Input, expand};
use super::tally::{Interner, NONE};
use super::windows::{Calendar, Clock, Span4, zone};
use super::{Request, SetAside};

/// Bytes of a unit key; units compare byte for byte.
pub type Unit = Box<[u8]>;

/// Rows that were read, and those that did not become data.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Data rows read.
    pub rows: u64,
    /// Rows set aside.
    pub set_aside: Vec<SetAside>,
    /// Values rounded to six decimals.
    pub rounded: u64,
}

impl Ledger {
    /// Sets the present row of `table` aside.
    pub fn reject(&mut self, table: &TextTable, misfit: Misfit) {
        self.set_aside.push(table.set_aside(misfit));
    }

    /// Lines set aside.
    pub fn lines_aside(&self) -> u64 {
        self.set_aside.iter().map(|s| s.lines).sum()
    }

    /// Stops when more than the plan's share of rows was set aside.
    ///
    /// # Errors
    /// Names the first such row.
    pub fn check(&self, limit: f64) -> Result<()> {
        let aside = self.lines_aside();
        if let Some(first) = self.set_aside.first()
            && aside as f64 > limit * self.rows as f64
        {
            let mut error = Error::data(format!(
                "{aside} of {} rows cannot be read as data; the first: {}",
                self.rows.max(aside),
                first.reason
            ))
            .file(&first.file)
            .line(first.line)
            .hint(format!(
                "mend the file, or the plan's reading of it (columns, delimiter, decimal, encoding, time_format); max_bad_rows = {limit} allows fewer"
            ));
            if let Some(column) = &first.column {
                error = error.key(column);
            }
            return Err(error);
        }
        Ok(())
    }
}

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
    ///
    /// # Errors
    /// A value that means no arm, at the present row of `table`.
    pub fn arm(&self, value: &str, table: &TextTable, column: &Column, show: bool) -> Result<u16> {
        if let Some(arm) = self.names.get(value.trim()) {
            return Ok(*arm);
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

/// An assigned customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Customer {
    /// Arm index.
    pub arm: u16,
    /// Stratum number of the scan's interner.
    pub stratum: u32,
    /// Index into [`Customers::spans`]; `u32::MAX` outside the enrolment.
    pub span: u32,
    /// 1, 0 or [`NONE`].
    pub uptake: i64,
}

/// All customers of a pilot.
#[derive(Debug, Default)]
pub struct Customers {
    /// Unit → index in `list`.
    pub index: HashMap<Unit, u32>,
    /// Customers.
    pub list: Vec<Customer>,
    /// Distinct windows.
    pub spans: Vec<Span4>,
    /// Repeats of a roster row.
    pub duplicates: u64,
    /// Customers found in two arms; they are in no table.
    pub double_assigned: u64,
}

/// Reads the assignment file: unit → (arm, stratum).
///
/// # Errors
/// A file that is not one of ours, or that holds a unit twice.
pub fn assignment(
    request: &Request<'_>,
    path: &Path,
    strata: &mut Interner,
) -> Result<HashMap<Unit, (u16, u32)>> {
    let experiment = request.experiment;
    let name = path
        .strip_prefix(request.root)
        .unwrap_or(path)
        .to_path_buf();
    let input = Input {
        name,
        path: path.to_path_buf(),
    };
    let format = FileFormat {
        path: String::new(),
        delimiter: b',',
        encoding: None,
        decimal: '.',
        time_format: None,
        timezone: None,
        max_bad_rows: 0.0,
    };
    let mut table = TextTable::open(&input, &format)?;
    let unit = table.column("unit", "unit")?;
    let arm = table.column("arm", "arm")?;
    let columns = strata_columns(&table, experiment)?;
    let none = BTreeMap::new();
    let arms = ArmNames::new(experiment, &none);
    let mut out = HashMap::new();
    let mut rows = 0;
    while let Some(row) = table.next()? {
        let broken = |m: Misfit| (m.column, m.reason);
        let parsed = row.map_err(broken).and_then(|row| {
            let tuple = stratum(&row, &columns).map_err(broken)?;
            Ok((
                Unit::from(row.bytes(&unit)),
                row.text(&arm).map_err(broken)?.to_string(),
                strata.id(&tuple),
            ))
        });
        let (key, value, stratum) = match parsed {
            Ok(p) => p,
            Err((_, reason)) => {
                return Err(table
                    .error_at(None, reason)
                    .hint("the assignment file was changed; restore it"));
            }
        };
        let arm = arms.arm(&value, &table, &arm, request.show_values)?;
        if out.insert(key, (arm, stratum)).is_some() {
            return Err(table
                .error_at(Some(&unit), "a unit stands in the assignment twice")
                .hint("restore the file that `pilot assign` wrote"));
        }
        rows += 1;
        if rows % 65_536 == 0 {
            (request.tick)(rows)?;
        }
    }
    Ok(out)
}

/// The plan's strata columns in this file.
///
/// # Errors
/// A missing column.
pub fn strata_columns(table: &TextTable, experiment: &Experiment) -> Result<Vec<Column>> {
    experiment
        .assignment
        .strata
        .iter()
        .map(|s| table.column(s, "assignment.strata"))
        .collect()
}

/// A row's stratum values.
pub fn stratum<'a>(row: &Row<'a>, columns: &[Column]) -> Result<Vec<&'a str>, Misfit> {
    columns.iter().map(|c| row.text(c)).collect()
}

/// A yes/no field: 1 or 0, [`NONE`] where empty.
pub fn yes_no(row: &Row<'_>, column: &Column) -> Result<i64, Misfit> {
    match row.text(column)?.trim().to_ascii_lowercase().as_str() {
        "" => Ok(NONE),
        "1" | "yes" | "true" | "y" | "t" => Ok(1),
        "0" | "no" | "false" | "n" | "f" => Ok(0),
        _ => Err(Misfit::new(column, "neither 1 nor 0")),
    }
}

struct Spans<'a> {
    calendar: &'a Calendar,
    known: HashMap<Option<Date>, u32>,
    list: Vec<Span4>,
}

impl Spans<'_> {
    fn id(&mut self, start: Option<Date>) -> Result<u32> {
        if let Some(id) = self.known.get(&start) {
            return Ok(*id);
        }
        let id = match self.calendar.of(start)? {
            Some(span) => {
                self.list.push(span);
                self.list.len() as u32 - 1
            }
            None => u32::MAX,
        };
        self.known.insert(start, id);
        Ok(id)
    }
}

/// Reads the roster (and the assignment, where arms are not in the roster).
///
/// # Errors
/// Missing columns, unknown arms, a customer with contradictory rows.
pub fn read(
    request: &Request<'_>,
    file: &CustomersFile,
    periods: &Periods,
    strata: &mut Interner,
    ledger: &mut Ledger,
) -> Result<Customers> {
    let experiment = request.experiment;
    let calendar = Calendar::new(periods)?;
    let mut spans = Spans {
        calendar: &calendar,
        known: HashMap::new(),
        list: Vec::new(),
    };
    let assigned = match request.assignment {
        Some(path) => Some(assignment(request, path, strata)?),
        None => None,
    };
    let arms = ArmNames::new(experiment, &file.arm_values);
    let mut seen: HashMap<Unit, (Customer, Option<Date>, u64)> = HashMap::new();
    let mut doubles: HashSet<Unit> = HashSet::new();
    let mut duplicates = 0;
    let file_zone = match &file.format.timezone {
        Some(name) => zone(name)?,
        None => calendar.zone().clone(),
    };
    let mut clock = Clock::new(file.format.time_format.as_deref(), file_zone);
    let needs_file = assigned.is_none() || file.start.is_some() || file.uptake.is_some();
    let inputs = if needs_file {
        expand(request.root, &file.format.path)?
    } else {
        Vec::new()
    };
    for input in &inputs {
        let mut table = TextTable::open(input, &file.format)?;
        let unit = table.column(&file.unit, "data.customers.columns.unit")?;
        let arm = match (&assigned, &file.arm) {
            (None, Some(name)) => Some(table.column(name, "data.customers.columns.arm")?),
            (None, None) => {
                return Err(
                    Error::plan("the roster has no arm column and there is no assignment")
                        .key("data.customers.columns.arm")
                        .hint(
                            "run `pilot assign`, or name the arm column with method = \"existing\"",
                        ),
                );
            }
            (Some(_), _) => None,
        };
        let columns = if assigned.is_none() {
            strata_columns(&table, experiment)?
        } else {
            Vec::new()
        };
        let start = file
            .start
            .as_ref()
            .map(|s| table.column(s, "data.customers.columns.start"))
            .transpose()?;
        let uptake = file
            .uptake
            .as_ref()
            .map(|s| table.column(s, "data.customers.columns.uptake"))
            .transpose()?;
        loop {
            let parsed = match table.next()? {
                None => break,
                Some(row) => row.and_then(|row| {
                    let key = Unit::from(row.text(&unit)?.as_bytes());
                    if key.iter().all(u8::is_ascii_whitespace) {
                        return Err(Misfit::new(&unit, "the customer's identifier is blank"));
                    }
                    let day = match &start {
                        Some(c) => Some(
                            clock
                                .date(row.text(c)?, calendar.zone())
                                .map_err(|reason| Misfit::new(c, reason))?,
                        ),
                        None => None,
                    };
                    let uptake = uptake.as_ref().map_or(Ok(NONE), |c| yes_no(&row, c))?;
                    let arm = arm
                        .as_ref()
                        .map(|c| row.text(c).map(str::to_string))
                        .transpose()?;
                    let stratum = strata.id(&stratum(&row, &columns)?);
                    Ok((key, day, uptake, arm, stratum))
                }),
            };
            ledger.rows += 1;
            if ledger.rows.is_multiple_of(65_536) {
                (request.tick)(ledger.rows)?;
            }
            let (key, day, uptake, arm_value, own_stratum) = match parsed {
                Ok(p) => p,
                Err(misfit) => {
                    ledger.reject(&table, misfit);
                    continue;
                }
            };
            let (arm_id, stratum) = match (&assigned, &arm, arm_value) {
                (None, Some(column), Some(value)) => (
                    arms.arm(&value, &table, column, request.show_values)?,
                    own_stratum,
                ),
                (Some(assigned), ..) => match assigned.get(&key) {
                    Some(found) => *found,
                    None => continue,
                },
                _ => continue,
            };
            let customer = Customer {
                arm: arm_id,
                stratum,
                span: spans.id(day)?,
                uptake,
            };
            match seen.get(&key) {
                None => {
                    seen.insert(key, (customer, day, table.line()));
                }
                Some((first, ..)) if first.arm != customer.arm => {
                    doubles.insert(key);
                }
                Some((first, first_day, _)) if *first == customer && *first_day == day => {
                    duplicates += 1
                }
                Some((_, _, line)) => {
                    return Err(table
                        .error_at(
                            Some(&unit),
                            format!("this customer stands on line {line} with other values"),
                        )
                        .hint("keep one row a customer"));
                }
            }
        }
    }
    for (key, (arm, stratum)) in assigned.into_iter().flatten() {
        let Entry::Vacant(place) = seen.entry(key) else {
            continue;
        };
        if file.start.is_some() {
            return Err(Error::data(
                "an assigned customer is not in the roster, so the start is unknown",
            )
            .file(&file.format.path)
            .key("data.customers.columns.start")
            .hint("give the roster from which the customers were assigned"));
        }
        let customer = Customer {
            arm,
            stratum,
            span: spans.id(None)?,
            uptake: NONE,
        };
        place.insert((customer, None, 0));
    }
    let mut customers = Customers {
        duplicates,
        double_assigned: doubles.len() as u64,
        ..Customers::default()
    };
    for (key, (customer, ..)) in seen {
        if doubles.contains(&key) {
            continue;
        }
        customers.index.insert(key, customers.list.len() as u32);
        customers.list.push(customer);
    }
    customers.spans = spans.list;
    Ok(customers)
}
