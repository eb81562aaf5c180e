//! The roster as a relation (unit, profile): one row a customer.
//!
//! A profile is what customers have in common: arm, stratum, windows, uptake.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::arrow::array::{
    ArrayBuilder, ArrayRef, Int32Builder, RecordBatch, StringViewBuilder,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::prelude::DataFrame;
use jiff::civil::Date;

use crate::engine::Request;
use crate::engine::arms::Assigned;
use crate::engine::columns::Table;
use crate::engine::ledger::Ledger;
use crate::engine::repeats::{Place, Unit, Units, contradiction};
use crate::engine::roster::{self, Customer, Enrolled, Spans};
use crate::engine::source::{Part, expand};
use crate::engine::tally::Interner;
use crate::engine::windows::{Calendar, Span4};
use crate::error::{Error, Result};
use crate::experiment::{CustomersFile, Experiment};

use super::counts::sort_by_place;
use super::hashes::{Hashes, hash, repeated};
use super::parts::{divide, fold};
use super::relation::{BATCH, Emit, Producer, Tick, relation};
use super::session::{Session, threads};

/// Distinct kinds of customers, numbered.
#[derive(Default)]
struct Profiles {
    ids: HashMap<Customer, i32>,
    list: Vec<Customer>,
}

impl Profiles {
    fn id(&mut self, customer: Customer) -> i32 {
        let list = &mut self.list;
        *self.ids.entry(customer).or_insert_with(|| {
            list.push(customer);
            list.len() as i32 - 1
        })
    }
}

/// A roster of which every row was seen once.
pub struct Roster {
    shared: Arc<Shared>,
    parts: Arc<Vec<Part>>,
    /// Customers who are not read from a row of their own: repeated or without a row.
    settled: Vec<(Unit, i32)>,
    /// Rows read and set aside.
    pub ledger: Ledger,
    /// Repeats of a roster row.
    pub duplicates: u64,
    /// Customers found in two arms; they are in no table.
    pub double_assigned: u64,
    /// Roster rows of customers whom the assignment does not know, where both were read.
    pub unassigned: Option<u64>,
}

/// What every thread needs to read rows.
struct Shared {
    experiment: Experiment,
    root: PathBuf,
    file: CustomersFile,
    assigned: Option<Assigned>,
    strata: Interner,
    spans: Spans,
    profiles: Profiles,
    /// Hashes of units whose rows are settled.
    repeated: HashSet<u64>,
}

/// A row whose unit may occur twice: its place, unit, customer and start.
type Repeated = (Place, Unit, Customer, Option<Date>);

/// What one thread saw of the roster.
struct Survey {
    strata: Interner,
    spans: Spans,
    ledger: Ledger,
    units: Hashes,
    kinds: HashSet<(Customer, Option<Date>)>,
    unassigned: u64,
}

/// Visits the roster: what kinds of customers there are, and which rows repeat.
///
/// # Errors
/// As [`roster::read`].
pub fn survey(
    session: &Session<'_>,
    request: &Request<'_>,
    file: &CustomersFile,
    calendar: Calendar,
) -> Result<Roster> {
    let mut strata = Interner::default();
    let mut spans = Spans::new(calendar);
    let assigned = roster::assigned(request, file, &mut strata)?;
    let inputs = if roster::needs_files(file, assigned.as_ref()) {
        expand(request.root, &file.format.path)?
    } else {
        Vec::new()
    };
    let parts = divide(&inputs, &file.format)?;
    let found: Vec<AtomicBool> = assigned
        .iter()
        .flat_map(|a| a.seats())
        .map(|_| AtomicBool::new(false))
        .collect();
    let surveys = fold(
        request,
        &parts,
        || Survey {
            strata: strata.clone(),
            spans: spans.clone(),
            ledger: Ledger::default(),
            units: Hashes::new(session.reservation("units")),
            kinds: HashSet::new(),
            unassigned: 0,
        },
        |own, request, part| {
            own.unassigned += roster::rows(
                request,
                file,
                std::slice::from_ref(part),
                assigned.as_ref(),
                &mut own.strata,
                &mut own.spans,
                &mut own.ledger,
                &mut |row, _| {
                    own.kinds.insert((row.customer, row.start));
                    if let Some(number) = assigned.as_ref().and_then(|a| a.number(row.unit)) {
                        found[number as usize].store(true, Ordering::Relaxed);
                    }
                    own.units.add(row.unit)
                },
            )?;
            Ok(())
        },
    )?;
    let mut ledger = Ledger::default();
    let mut profiles = Profiles::default();
    let mut units = Vec::new();
    let mut unassigned = 0;
    for own in surveys {
        unassigned += own.unassigned;
        for (customer, start) in own.kinds {
            let tuple = &own.strata.tuples()[customer.stratum as usize];
            profiles.id(Customer {
                stratum: strata.id(tuple),
                span: spans.id(start)?,
                ..customer
            });
        }
        ledger.append(own.ledger);
        units.push(own.units);
    }
    sort_by_place(&mut ledger, &inputs);
    let repeated = repeated(threads(request), units);
    let unassigned = (assigned.is_some() && !parts.is_empty()).then_some(unassigned);
    let mut roster = Roster {
        parts: Arc::new(parts),
        settled: Vec::new(),
        ledger,
        duplicates: 0,
        double_assigned: 0,
        unassigned,
        shared: Arc::new(Shared {
            experiment: request.experiment.clone(),
            root: request.root.to_path_buf(),
            file: file.clone(),
            assigned,
            strata,
            spans,
            profiles,
            repeated,
        }),
    };
    roster.settle(request, &found)?;
    Ok(roster)
}

impl Roster {
    /// Decides on customers with several rows or none.
    fn settle(&mut self, request: &Request<'_>, found: &[AtomicBool]) -> Result<()> {
        let mut units: Units<(Customer, Option<Date>)> = Units::default();
        let mut rows = self.repeated_rows(request)?;
        rows.sort_by_key(|row| row.0);
        let column = &self.shared.file.unit;
        for (place, unit, customer, start) in rows {
            units
                .add(&unit, customer.arm, (customer, start), place)
                .map_err(|first| contradiction(&self.parts, place, first, column))?;
        }
        self.duplicates = units.duplicates();
        self.double_assigned = units.doubles.len() as u64;
        let shared = Arc::get_mut(&mut self.shared)
            .ok_or_else(|| Error::internal("the roster is in use before it is complete"))?;
        for (unit, (customer, _)) in units.single() {
            let profile = shared.profiles.id(*customer);
            self.settled.push((unit.clone(), profile));
        }
        for (unit, number, seat) in shared.assigned.iter().flat_map(Assigned::iter) {
            if !found[number as usize].load(Ordering::Relaxed) {
                let customer = roster::without_row(&shared.file, seat, &mut shared.spans)?;
                let profile = shared.profiles.id(customer);
                self.settled.push((unit.clone(), profile));
            }
        }
        Ok(())
    }

    /// Rows whose unit may occur twice.
    fn repeated_rows(&self, request: &Request<'_>) -> Result<Vec<Repeated>> {
        let shared = &self.shared;
        if shared.repeated.is_empty() {
            return Ok(Vec::new());
        }
        let start = || (shared.reading(), Vec::new());
        let kept = fold(request, &self.parts, start, |(own, kept), request, part| {
            own.rows(shared, part, request.tick, &mut |row, table| {
                if shared.repeated.contains(&hash(row.unit)) {
                    kept.push((table.place(), row.unit.into(), row.customer, row.start));
                }
                Ok(())
            })
        })?;
        Ok(kept.into_iter().flat_map(|(_, rows)| rows).collect())
    }

    /// The kinds of customers.
    pub fn profiles(&self) -> &[Customer] {
        &self.shared.profiles.list
    }

    /// The strata.
    pub fn strata(&self) -> &Interner {
        &self.shared.strata
    }

    /// The windows.
    pub fn spans(&self) -> &[Span4] {
        self.shared.spans.list()
    }

    /// Calls `each` with the unit of every customer who is in one arm, on all threads.
    ///
    /// # Errors
    /// Files that cannot be read.
    pub fn units<A: Send>(
        &self,
        request: &Request<'_>,
        start: impl Fn() -> A + Sync,
        each: impl Fn(&mut A, &[u8]) + Sync,
    ) -> Result<Vec<A>> {
        let shared = &self.shared;
        let begin = || (shared.reading(), start());
        let all = fold(
            request,
            &self.parts,
            begin,
            |(own, result), request, part| {
                own.rows(shared, part, request.tick, &mut |row, _| {
                    if !shared.repeated.contains(&hash(row.unit)) {
                        each(result, row.unit);
                    }
                    Ok(())
                })
            },
        )?;
        let mut all: Vec<A> = all.into_iter().map(|(_, result)| result).collect();
        let mut result = start();
        for (unit, _) in &self.settled {
            each(&mut result, unit);
        }
        all.push(result);
        Ok(all)
    }

    /// The relation (unit, profile), every customer once.
    ///
    /// # Errors
    /// Batches that cannot be made.
    pub fn relation(&self, session: &Session<'_>, request: &Request<'_>) -> Result<DataFrame> {
        let mut settled = Vec::new();
        let mut keep = |batch| {
            settled.push(batch);
            Ok(())
        };
        let mut rows = Rows::default();
        for (unit, profile) in &self.settled {
            rows.add(unit, *profile, &mut keep)?;
        }
        rows.flush(&mut keep)?;
        let shared = self.shared.clone();
        let factory = Arc::new(move || {
            Box::new(CustomerRows {
                reading: shared.reading(),
                shared: shared.clone(),
                rows: Rows::default(),
            }) as Box<dyn Producer>
        });
        relation(session, request, &schema(), &self.parts, factory, settled)
    }
}

/// A thread's own numbering of strata and windows, which begins as the survey's.
struct Reading {
    strata: Interner,
    spans: Spans,
}

impl Shared {
    fn reading(&self) -> Reading {
        Reading {
            strata: self.strata.clone(),
            spans: self.spans.clone(),
        }
    }
}

impl Reading {
    fn rows(
        &mut self,
        shared: &Shared,
        part: &Part,
        tick: &Tick<'_>,
        sink: &mut dyn FnMut(Enrolled<'_>, &Table) -> Result<()>,
    ) -> Result<()> {
        roster::rows(
            &Request::new(&shared.experiment, &shared.root, tick),
            &shared.file,
            std::slice::from_ref(part),
            shared.assigned.as_ref(),
            &mut self.strata,
            &mut self.spans,
            &mut Ledger::blind(),
            sink,
        )
        .map(|_| ())
    }
}

/// Makes the relation's rows from the roster's.
struct CustomerRows {
    shared: Arc<Shared>,
    reading: Reading,
    rows: Rows,
}

impl Producer for CustomerRows {
    fn part(&mut self, part: &Part, tick: &Tick<'_>, emit: &mut Emit<'_>) -> Result<()> {
        let (shared, rows) = (&self.shared, &mut self.rows);
        self.reading.rows(shared, part, tick, &mut |row, _| {
            if shared.repeated.contains(&hash(row.unit)) {
                return Ok(());
            }
            match shared.profiles.ids.get(&row.customer) {
                Some(profile) => rows.add(row.unit, *profile, emit),
                None => Err(Error::data("the roster changed while it was read")),
            }
        })
    }

    fn end(&mut self, emit: &mut Emit<'_>) -> Result<()> {
        self.rows.flush(emit)
    }
}

fn schema() -> SchemaRef {
    Schema::new(vec![
        Field::new("unit", DataType::Utf8View, false),
        Field::new("profile", DataType::Int32, false),
    ])
    .into()
}

/// Rows of the relation on their way into a batch.
#[derive(Default)]
struct Rows {
    units: StringViewBuilder,
    profiles: Int32Builder,
}

impl Rows {
    fn add(&mut self, unit: &[u8], profile: i32, emit: &mut Emit<'_>) -> Result<()> {
        self.units.append_value(text(unit)?);
        self.profiles.append_value(profile);
        if self.profiles.len() >= BATCH {
            self.flush(emit)?;
        }
        Ok(())
    }

    fn flush(&mut self, emit: &mut Emit<'_>) -> Result<()> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.units.finish()),
            Arc::new(self.profiles.finish()),
        ];
        emit(batch(schema(), columns)?)
    }
}

/// A batch of equally long columns.
///
/// # Errors
/// Columns that do not fit the schema.
pub fn batch(schema: SchemaRef, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
    RecordBatch::try_new(schema, columns).map_err(|e| Error::internal(e.to_string()))
}

/// A unit as text, which it is by the time that it is a unit.
///
/// # Errors
/// Bytes that are no text, from an assignment file that was changed.
pub fn text(unit: &[u8]) -> Result<&str> {
    std::str::from_utf8(unit).map_err(|_| Error::data("a customer's identifier is not UTF-8"))
}
