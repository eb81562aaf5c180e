//! The roster as a relation (unit, profile): one row a customer.
//!
//! A profile is what customers have in common: arm, stratum, windows, uptake, cluster.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::arrow::array::{ArrayBuilder, ArrayRef, Int32Builder, StringViewBuilder};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::prelude::DataFrame;
use jiff::civil::Date;

use crate::engine::Request;
use crate::engine::arms::Assigned;
use crate::engine::clusters::{Clusters, NO_CLUSTER, Names};
use crate::engine::columns::Table;
use crate::engine::ledger::Ledger;
use crate::engine::repeats::{Place, Unit, Units, contradiction};
use crate::engine::roster::{self, Customer, Enrolled, Numbering, Spans};
use crate::engine::source::{Part, expand};
use crate::engine::windows::{Calendar, Span4};
use crate::error::{Error, Result};
use crate::experiment::{CustomersFile, Experiment};

use super::counts::sort_by_place;
use super::hashes::{Hashes, hash, repeated};
use super::parts::{divide, fold};
use super::relation::{BATCH, Emit, Producer, Tick, batch, relation, text};
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
    numbers: Numbering,
    profiles: Profiles,
    /// Hashes of units whose rows are settled.
    repeated: HashSet<u64>,
}

/// A row whose unit may occur twice: its place, unit, customer and start.
type Repeated = (Place, Unit, Customer, Option<Date>);

/// What one thread saw of the roster.
struct Survey {
    numbers: Numbering,
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
    let mut numbers = Numbering {
        names: Names::default(),
        spans: Spans::new(calendar),
    };
    let assigned = roster::assigned(request, file, &mut numbers.names)?;
    let inputs = if roster::needs_files(request.experiment, file, assigned.as_ref()) {
        expand(request.root, &file.format.path)?
    } else {
        Vec::new()
    };
    let parts = divide(&inputs, &file.format)?;
    if assigned.is_none() {
        numbers.names.clusters = Clusters::of(&parts);
    }
    let found: Vec<AtomicBool> = assigned
        .iter()
        .flat_map(|a| a.seats())
        .map(|_| AtomicBool::new(false))
        .collect();
    let surveys = fold(
        request,
        &parts,
        || Survey {
            numbers: numbers.clone(),
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
                &mut own.numbers,
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
        let (strata, clusters) = numbers.names.absorb(&own.numbers.names);
        for (customer, start) in own.kinds {
            let cluster = clusters.get(customer.cluster as usize).copied();
            let segments = strata.get(customer.segments as usize).copied();
            profiles.id(Customer {
                stratum: strata[customer.stratum as usize],
                cluster: cluster.unwrap_or(NO_CLUSTER),
                segments: segments.unwrap_or(customer.segments),
                span: numbers.spans.id(start)?,
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
            numbers,
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
        roster::starts_are_known(&self.ledger, |unit| {
            let number = shared.assigned.as_ref().and_then(|a| a.number(unit));
            number.is_some_and(|n| found[n as usize].load(Ordering::Relaxed))
        })?;
        for (unit, number, seat) in shared.assigned.iter().flat_map(Assigned::iter) {
            if !found[number as usize].load(Ordering::Relaxed) {
                let customer = roster::without_row(&shared.file, seat, &mut shared.numbers.spans)?;
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
        let start = || (shared.numbers.clone(), Vec::new());
        let kept = fold(request, &self.parts, start, |(own, kept), request, part| {
            shared.rows(own, part, request.tick, &mut |row, table| {
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

    /// The strata and clusters.
    pub fn names(&self) -> &Names {
        &self.shared.numbers.names
    }

    /// The windows.
    pub fn spans(&self) -> &[Span4] {
        self.shared.numbers.spans.list()
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
        let begin = || (shared.numbers.clone(), start());
        let all = fold(
            request,
            &self.parts,
            begin,
            |(own, result), request, part| {
                shared.rows(own, part, request.tick, &mut |row, _| {
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
                numbers: shared.numbers.clone(),
                shared: shared.clone(),
                rows: Rows::default(),
            }) as Box<dyn Producer>
        });
        relation(session, request, &schema(), &self.parts, factory, settled)
    }
}

impl Shared {
    /// Reads a part; `numbers` is a thread's own copy of the survey's.
    fn rows(
        &self,
        numbers: &mut Numbering,
        part: &Part,
        tick: &Tick<'_>,
        sink: &mut dyn FnMut(Enrolled<'_>, &Table) -> Result<()>,
    ) -> Result<()> {
        roster::rows(
            &Request::new(&self.experiment, &self.root, tick),
            &self.file,
            std::slice::from_ref(part),
            self.assigned.as_ref(),
            numbers,
            &mut Ledger::blind(),
            sink,
        )
        .map(|_| ())
    }
}

/// Makes the relation's rows from the roster's.
struct CustomerRows {
    shared: Arc<Shared>,
    numbers: Numbering,
    rows: Rows,
}

impl Producer for CustomerRows {
    fn part(&mut self, part: &Part, tick: &Tick<'_>, emit: &mut Emit<'_>) -> Result<()> {
        let (shared, rows) = (&self.shared, &mut self.rows);
        shared.rows(&mut self.numbers, part, tick, &mut |row, _| {
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
