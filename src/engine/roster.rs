//! Customers: who is in which arm and stratum, and what their windows are.

use std::collections::HashMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::error::{Error, Result};
use crate::experiment::{CustomersFile, Experiment, Periods};

use super::Request;
use super::arms::{ArmNames, Assigned, Seat, assignment, strata_columns, stratum};
use super::clusters::{self, Clusters, Names};
use super::columns::{Column, Misfit, Table};
use super::ledger::Ledger;
use super::repeats::{Unit, Units, contradiction};
use super::row::Row;
use super::segments;
use super::source::{Part, expand, whole};
use super::tally::flag;
use super::windows::{Calendar, Clock, Moment, Span4, zone};

/// An assigned customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Customer {
    /// Arm index.
    pub arm: u16,
    /// Stratum number of the scan's interner.
    pub stratum: u32,
    /// Number of the window in [`Spans`]; [`OUTSIDE`] outside the enrolment.
    pub span: u32,
    /// 1, 0 or [`super::tally::NONE`].
    pub uptake: i64,
    /// Number of the segment values of the scan's interner; [`segments::UNKNOWN`] without any.
    pub segments: u32,
    /// Cluster number of the scan's names; [`super::clusters::NO_CLUSTER`] without clusters.
    pub cluster: u32,
}

/// The window of a customer who started outside the enrolment.
pub const OUTSIDE: u32 = u32::MAX;

/// A row of the roster that belongs to an assigned customer.
#[derive(Debug, Clone, Copy)]
pub struct Enrolled<'a> {
    /// The customer's identifier.
    pub unit: &'a [u8],
    /// Who that is.
    pub customer: Customer,
    /// The customer's own start.
    pub start: Option<Date>,
}

/// All customers of a pilot.
#[derive(Debug)]
pub struct Customers {
    /// Unit → index in `list`.
    pub index: HashMap<Unit, u32>,
    /// Customers.
    pub list: Vec<Customer>,
    /// Strata and clusters.
    pub names: Names,
    /// Distinct windows.
    pub spans: Vec<Span4>,
    /// Repeats of a roster row.
    pub duplicates: u64,
    /// Customers found in two arms; they are in no table.
    pub double_assigned: u64,
    /// Roster rows of customers whom the assignment does not know, where both were read.
    pub unassigned: Option<u64>,
}

/// Distinct windows, numbered in the order of their first customer.
#[derive(Clone)]
pub struct Spans {
    calendar: Calendar,
    known: HashMap<Option<Date>, u32>,
    list: Vec<Span4>,
}

impl Spans {
    /// No windows yet.
    pub fn new(calendar: Calendar) -> Self {
        Spans {
            calendar,
            known: HashMap::new(),
            list: Vec::new(),
        }
    }

    /// The number of the windows of customers who started on `start`.
    ///
    /// # Errors
    /// Days out of the calendar's range.
    pub fn id(&mut self, start: Option<Date>) -> Result<u32> {
        if let Some(id) = self.known.get(&start) {
            return Ok(*id);
        }
        let id = match self.calendar.of(start)? {
            Some(span) => {
                self.list.push(span);
                self.list.len() as u32 - 1
            }
            None => OUTSIDE,
        };
        self.known.insert(start, id);
        Ok(id)
    }

    /// The windows, by number.
    pub fn list(&self) -> &[Span4] {
        &self.list
    }
}

/// Reads the days on which customers started.
pub struct Starts {
    clock: Clock,
    days_in: TimeZone,
}

impl Starts {
    /// For the files of a roster.
    ///
    /// # Errors
    /// A time zone that does not exist.
    pub fn new(file: &CustomersFile, calendar: &Calendar) -> Result<Self> {
        let days_in = calendar.zone().clone();
        let file_zone = match &file.format.timezone {
            Some(name) => zone(name)?,
            None => days_in.clone(),
        };
        Ok(Starts {
            clock: Clock::new(file.format.time_format.as_deref(), file_zone),
            days_in,
        })
    }

    /// The day in a field.
    ///
    /// # Errors
    /// Blank, or no day.
    pub fn day(&mut self, row: &Row<'_>, column: &Column) -> Result<Date, Misfit> {
        let moment = row.moment(column)?;
        if let Moment::Text(text) | Moment::Iso(text) = moment
            && text.trim().is_empty()
        {
            return Err(Misfit::new(column, "the customer's start is blank"));
        }
        let day = self.clock.date(moment, &self.days_in);
        day.map_err(|reason| Misfit::new(column, reason))
    }
}

/// How strata, clusters and windows are numbered.
#[derive(Clone)]
pub struct Numbering {
    /// Strata and clusters.
    pub names: Names,
    /// Windows.
    pub spans: Spans,
}

/// Whether the roster's files have to be read: the assignment alone may say all.
pub fn needs_files(
    experiment: &Experiment,
    file: &CustomersFile,
    assigned: Option<&Assigned>,
) -> bool {
    assigned.is_none()
        || file.start.is_some()
        || file.uptake.is_some()
        || !experiment.analysis.segments.is_empty()
}

/// The assignment, where the plan's arms are not in the roster.
///
/// # Errors
/// Neither an arm column nor an assignment.
pub fn assigned(
    request: &Request<'_>,
    file: &CustomersFile,
    names: &mut Names,
) -> Result<Option<Assigned>> {
    if let Some(path) = request.assignment {
        return assignment(request, path, names).map(Some);
    }
    if file.arm.is_some() {
        return Ok(None);
    }
    Err(
        Error::plan("the roster has no arm column and there is no assignment")
            .key("data.customers.columns.arm")
            .hint("run `pilot assign`, or name the arm column with method = \"existing\""),
    )
}

/// Reads `parts` row by row; how many rows were passed over, since their customer was not assigned.
///
/// # Errors
/// Missing columns, unknown arms, whatever the sink refuses.
pub fn rows(
    request: &Request<'_>,
    file: &CustomersFile,
    parts: &[Part],
    assigned: Option<&Assigned>,
    Numbering { names, spans }: &mut Numbering,
    ledger: &mut Ledger,
    sink: &mut dyn FnMut(Enrolled<'_>, &Table) -> Result<()>,
) -> Result<u64> {
    let mut unassigned = 0;
    let arms = ArmNames::new(request.experiment, &file.arm_values);
    let mut starts = Starts::new(file, &spans.calendar)?;
    for part in parts {
        let mut table = Table::open(part, &file.format)?;
        let optional = |name: &Option<String>, role: &str| {
            name.as_ref()
                .map(|n| table.column(n, &format!("data.customers.columns.{role}")))
                .transpose()
        };
        let unit = table.column(&file.unit, "data.customers.columns.unit")?;
        let (arm, columns) = match assigned {
            None => (
                optional(&file.arm, "arm")?,
                strata_columns(&table, request.experiment)?,
            ),
            Some(_) => (None, Vec::new()),
        };
        let start = optional(&file.start, "start")?;
        let uptake = optional(&file.uptake, "uptake")?;
        let shown_by = segments::columns(&table, request.experiment)?;
        let cluster = clusters::column(&table, request.experiment, assigned.is_some())?;
        while table.advance()? {
            ledger.rows += 1;
            if ledger.rows.is_multiple_of(65_536) {
                (request.tick)(ledger.rows)?;
            }
            let parsed = table.row().and_then(|row| {
                let key = row.text(&unit)?;
                if key.bytes().all(|b| b.is_ascii_whitespace()) {
                    return Err(Misfit::new(&unit, "the customer's identifier is blank"));
                }
                let day = match &start {
                    Some(c) => Some(starts.day(&row, c)?),
                    None => None,
                };
                let uptake = match &uptake {
                    Some(c) => row.yes_no(c)?,
                    None => None,
                };
                let arm = arm.as_ref().map(|c| row.text(c)).transpose()?;
                let stratum = match assigned {
                    None => names.strata.id(&self::stratum(&row, &columns)?),
                    Some(_) => 0,
                };
                let cluster = clusters::of_row(&row, cluster.as_ref())?;
                let seat = (stratum, names.clusters.id(cluster));
                let segments = match shown_by.is_empty() {
                    true => segments::UNKNOWN,
                    false => names.strata.id(&self::stratum(&row, &shown_by)?),
                };
                Ok((key.as_bytes(), day, uptake, arm, seat, segments))
            });
            let (unit, start, uptake, value, (stratum, cluster), segments) = match parsed {
                Ok(parsed) => parsed,
                Err(misfit) => {
                    if let Some(assigned) = assigned
                        && start.is_some()
                        && let Ok(key) = table.row().and_then(|row| row.text(&unit))
                        && assigned.seat(key.as_bytes()).is_some()
                    {
                        let place = (part.input.name.clone(), table.line());
                        let row = (key.as_bytes().into(), misfit.clone());
                        ledger.unread.insert(place, row);
                    }
                    ledger.reject(&mut table, misfit)?;
                    continue;
                }
            };
            let seat = match (assigned, &arm, value) {
                (None, Some(column), Some(value)) => {
                    let arm = arms.arm(value, &table, column, request.show_values)?;
                    names.clusters.seat(cluster, arm, stratum, table.place());
                    Seat {
                        arm,
                        stratum,
                        cluster,
                    }
                }
                (Some(assigned), ..) => match assigned.seat(unit) {
                    Some(seat) => seat,
                    None => {
                        unassigned += 1;
                        continue;
                    }
                },
                _ => return Err(Error::internal("a roster row without an arm")),
            };
            let customer = Customer {
                arm: seat.arm,
                stratum: seat.stratum,
                span: spans.id(start)?,
                uptake: flag(uptake),
                segments,
                cluster: seat.cluster,
            };
            let row = Enrolled {
                unit,
                customer,
                start,
            };
            sink(row, &table)?;
        }
    }
    Ok(unassigned)
}

/// Refuses assigned customers whose only rows were set aside, since nothing else says when they started.
///
/// # Errors
/// The first such row.
pub fn starts_are_known(ledger: &Ledger, has_row: impl Fn(&[u8]) -> bool) -> Result<()> {
    let unknown = ledger.unread.iter().find(|(_, (unit, _))| !has_row(unit));
    let Some(((file, line), (_, misfit))) = unknown else {
        return Ok(());
    };
    let error = Error::data(format!(
        "the row of an assigned customer cannot be read: {}",
        misfit.reason
    ))
    .file(file)
    .line(*line)
    .hint("mend the row: the customer has an arm, and the windows begin with the start that stands here");
    Err(match &misfit.column {
        Some(column) => error.key(column),
        None => error.key("data.customers.columns.start"),
    })
}

/// The customer of an assigned unit without a roster row.
///
/// # Errors
/// A plan whose windows depend on the roster.
pub fn without_row(file: &CustomersFile, seat: Seat, spans: &mut Spans) -> Result<Customer> {
    if file.start.is_some() {
        return Err(Error::data(
            "an assigned customer is not in the roster, so the start is unknown",
        )
        .file(&file.format.path)
        .key("data.customers.columns.start")
        .hint("give the roster from which the customers were assigned"));
    }
    Ok(Customer {
        arm: seat.arm,
        stratum: seat.stratum,
        span: spans.id(None)?,
        uptake: flag(None),
        segments: segments::UNKNOWN,
        cluster: seat.cluster,
    })
}

/// Reads the roster (and the assignment, where arms are not in the roster).
///
/// # Errors
/// Missing columns, unknown arms, a customer with contradictory rows.
pub fn read(
    request: &Request<'_>,
    file: &CustomersFile,
    periods: &Periods,
    ledger: &mut Ledger,
) -> Result<Customers> {
    let mut numbers = Numbering {
        names: Names::default(),
        spans: Spans::new(Calendar::new(periods)?.until(request.until)),
    };
    let assigned = assigned(request, file, &mut numbers.names)?;
    let parts = if needs_files(request.experiment, file, assigned.as_ref()) {
        whole(expand(request.root, &file.format.path)?)
    } else {
        Vec::new()
    };
    if assigned.is_none() {
        numbers.names.clusters = Clusters::of(&parts);
    }
    let mut units = Units::default();
    let unassigned = rows(
        request,
        file,
        &parts,
        assigned.as_ref(),
        &mut numbers,
        ledger,
        &mut |row, table| {
            let (arm, place) = (row.customer.arm, table.place());
            units
                .add(row.unit, arm, (row.customer, row.start), place)
                .map_err(|first| contradiction(&parts, place, first, &file.unit))
        },
    )?;
    let mut index = HashMap::new();
    let mut list = Vec::new();
    let mut add = |unit: &Unit, customer| {
        index.insert(unit.clone(), list.len() as u32);
        list.push(customer);
    };
    for (unit, (customer, _)) in units.single() {
        add(unit, *customer);
    }
    starts_are_known(ledger, |unit| units.kept.contains_key(unit))?;
    for (unit, _, seat) in assigned.iter().flat_map(Assigned::iter) {
        if !units.kept.contains_key(unit) {
            add(unit, without_row(file, seat, &mut numbers.spans)?);
        }
    }
    Ok(Customers {
        index,
        list,
        names: numbers.names,
        spans: numbers.spans.list,
        duplicates: units.duplicates(),
        double_assigned: units.doubles.len() as u64,
        unassigned: (assigned.is_some() && !parts.is_empty()).then_some(unassigned),
    })
}
