//! A roster and its log: joined and added up by DataFusion.
//!
//! The plan holds only comparisons, CASE, COUNT, SUM, joins and GROUP BY;
//! windows were turned into UTC instants before.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Int32Array, Int64Array, RecordBatch,
};
use datafusion::arrow::datatypes::{
    DataType, Decimal128Type, Field, Int32Type, Int64Type, Schema, SchemaRef,
};
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::logical_expr::{JoinType, bitwise_and, cast, lit, when};
use datafusion::prelude::{DataFrame, Expr, ident};

use crate::engine::fields::MICRO;
use crate::engine::finish::{finish, last_contact, last_day, log_key, loosely, total_too_large};
use crate::engine::repeats::Unit;
use crate::engine::roster::OUTSIDE;
use crate::engine::tally::Distinct;
use crate::engine::windows::{Calendar, Span4};
use crate::engine::{Request, Scan};
use crate::error::{Error, Result};
use crate::experiment::{ContactsFile, CustomersFile, Experiment, Outcome, OutcomeKind, Periods};
use crate::table::{Audit, ExposureUnit, UnassignedContacts};

use super::contacts;
use super::customers::{self, Roster};
use super::relation::batch;
use super::session::{Session, error};

/// Scans a roster and its log.
///
/// # Errors
/// As [`crate::engine::scan`].
pub fn scan(
    session: &Session<'_>,
    request: &Request<'_>,
    periods: &Periods,
    customers: &CustomersFile,
    contacts: &ContactsFile,
) -> Result<Scan> {
    let experiment = request.experiment;
    let calendar = Calendar::new(periods)?.until(request.until);
    let roster = customers::survey(session, request, customers, calendar.clone())?;
    roster.ledger.check(customers.format.max_bad_rows)?;
    let log = contacts::survey(session, request, contacts, calendar)?;
    log.ledger.check(contacts.format.max_bad_rows)?;
    let plan = Plan {
        session,
        request,
        roster: &roster,
    };
    let rows = session.collect(plan.totals(log.relation(session, request)?)?)?;
    let totals = Totals::read(experiment, &roster, &rows)?;
    let near = near_matches(request, &roster, &totals)?;
    let audit = Audit {
        contacts: Some(totals.counted),
        duplicate_contacts: log.duplicates,
        repeated_contacts: log.repeats,
        unassigned_contacts: Some(totals.unassigned),
        outside_windows: Some(totals.outside),
        other_reasons: Some(totals.other),
        last_contact: last_contact(log.last),
        duplicate_customers: Some(roster.duplicates),
        double_assigned: Some(roster.double_assigned),
        unassigned_customers: roster.unassigned,
        near_matches: Some(near),
        outside_enrolment: Some(totals.outside_enrolment),
        last_window_day: last_day(roster.spans()),
        ..Audit::default()
    };
    let strata = roster.strata().clone();
    let mut ledger = roster.ledger;
    ledger.append(log.ledger);
    let rows = totals.distinct.rows;
    finish(request, &strata, ExposureUnit::Day, rows, ledger, audit)
}

struct Plan<'a> {
    session: &'a Session<'a>,
    request: &'a Request<'a>,
    roster: &'a Roster,
}

/// A customer's window bounds as expressions.
struct Bounds {
    before: (Expr, Expr),
    after: (Expr, Expr),
}

const BEFORE: i32 = 0;
const AFTER: i32 = 1;
const NEITHER: i32 = 2;

impl Plan<'_> {
    /// Customers with the same profile and the same sums, and every stranger by name.
    fn totals(&self, contacts: DataFrame) -> Result<DataFrame> {
        self.plan(contacts).map_err(error)
    }

    fn plan(&self, contacts: DataFrame) -> Result<DataFrame, DataFusionError> {
        let (contacts, bounds) = self.with_bounds(contacts)?;
        let time = || ident("time");
        let within = |(from, to): (Expr, Expr)| time().gt_eq(from).and(time().lt(to));
        let side = when(within(bounds.before), lit(BEFORE))
            .when(within(bounds.after), lit(AFTER))
            .otherwise(lit(NEITHER))?;
        let mut columns = vec![ident("unit").alias("caller"), side.alias("side")];
        columns.extend([ident("outcomes"), ident("handling")]);
        let contacts = contacts.select(columns)?;
        let by_caller = contacts.aggregate(vec![ident("caller")], self.sums()?)?;
        let joined = self
            .roster
            .relation(self.session, self.request)
            .map_err(external)?
            .join(by_caller, JoinType::Full, &["unit"], &["caller"], None)?;
        let known = || ident("profile").is_not_null();
        let stranger = when(ident("profile").is_null(), ident("caller")).end()?;
        let mut keys = vec![ident("profile"), stranger.alias("stranger")];
        for value in self.values() {
            let sum_type = match value.outcome.kind {
                OutcomeKind::Mean => DataType::Decimal128(38, 0),
                _ => DataType::Int64,
            };
            let added_up = || ident(&value.name);
            let mut own = when(known().and(added_up().is_not_null()), added_up());
            let own = own.otherwise(lit(0i64))?;
            keys.push(cast(own, sum_type).alias(&value.name));
        }
        let add = |name: &str| sum(ident(name)).alias(format!("all {name}"));
        joined.aggregate(
            keys,
            vec![
                count(lit(1i64)).alias("customers"),
                add("total"),
                add("counted"),
                add("other"),
            ],
        )
    }

    /// Contacts with their customer's window bounds; literals where all customers share them.
    fn with_bounds(&self, contacts: DataFrame) -> Result<(DataFrame, Bounds), DataFusionError> {
        let spans = self.roster.spans();
        let profiles = self.roster.profiles();
        if let [one] = spans
            && profiles.iter().all(|p| p.span != OUTSIDE)
        {
            let bounds = Bounds {
                before: (lit(one.before_start), lit(one.before_end)),
                after: (lit(one.after_start), lit(one.after_end)),
            };
            return Ok((contacts, bounds));
        }
        let windows = self.windows().map_err(external)?;
        let customers = self
            .roster
            .relation(self.session, self.request)
            .map_err(external)?
            .select(vec![ident("unit").alias("customer"), ident("profile")])?
            .join(windows, JoinType::Left, &["profile"], &["number"], None)?;
        // The customers are the side that is held in memory; every contact stays.
        let contacts = customers.join(contacts, JoinType::Right, &["customer"], &["unit"], None)?;
        let bounds = Bounds {
            before: (ident("before_start"), ident("before_end")),
            after: (ident("after_start"), ident("after_end")),
        };
        Ok((contacts, bounds))
    }

    /// The windows of every profile, none outside the enrolment.
    fn windows(&self) -> Result<DataFrame> {
        let spans = self.roster.spans();
        let profiles = self.roster.profiles();
        let number = Int32Array::from_iter_values(0..profiles.len() as i32);
        let mut fields = vec![Field::new("number", DataType::Int32, false)];
        let mut columns: Vec<ArrayRef> = vec![Arc::new(number)];
        type Bound = fn(&Span4) -> i64;
        let bounds: [(&str, Bound); 4] = [
            ("before_start", |s| s.before_start),
            ("before_end", |s| s.before_end),
            ("after_start", |s| s.after_start),
            ("after_end", |s| s.after_end),
        ];
        for (name, bound) in bounds {
            let values = profiles
                .iter()
                .map(|p| spans.get(p.span as usize).map(bound));
            fields.push(Field::new(name, DataType::Int64, true));
            columns.push(Arc::new(Int64Array::from_iter(values)));
        }
        let schema = SchemaRef::from(Schema::new(fields));
        let rows = batch(schema.clone(), columns)?;
        let table = MemTable::try_new(schema, vec![vec![rows]]).map_err(error)?;
        let context = self.session.context();
        context.read_table(Arc::new(table)).map_err(error)
    }

    /// What is added up by caller: contacts, those that count, those about other reasons,
    /// and before and after of each outcome.
    fn sums(&self) -> Result<Vec<Expr>, DataFusionError> {
        let inside = || ident("side").not_eq(lit(NEITHER));
        let any = || ident("outcomes").not_eq(lit(0i64));
        let one_if = |condition: Expr| when(condition, lit(1i64)).otherwise(lit(0i64));
        let mut sums = vec![
            count(lit(1i64)).alias("total"),
            sum(one_if(inside().and(any()))?).alias("counted"),
            sum(one_if(inside().and(any().is_false()))?).alias("other"),
        ];
        for value in self.values() {
            let mut counts = ident("side").eq(lit(value.side));
            if !value.outcome.reasons.is_empty() {
                let counted_by = bitwise_and(ident("outcomes"), lit(1i64 << value.number));
                counts = counts.and(counted_by.not_eq(lit(0i64)));
            }
            let total = match value.outcome.kind {
                // A sum of 64-bit integers would wrap in silence; 19 digits hold every addend.
                OutcomeKind::Mean => {
                    let digits = DataType::Decimal128(19, 0);
                    let seconds = cast(ident("handling"), digits.clone());
                    sum(when(counts, seconds).otherwise(cast(lit(0i64), digits))?)
                }
                _ => sum(one_if(counts)?),
            };
            sums.push(total.alias(value.name));
        }
        Ok(sums)
    }

    /// Before and after of each outcome, in the order of a row's key.
    fn values(&self) -> impl Iterator<Item = Value<'_>> {
        let outcomes = self.request.experiment.outcomes.iter().enumerate();
        outcomes.flat_map(|(number, outcome)| {
            [("before", BEFORE), ("after", AFTER)].map(|(word, side)| Value {
                name: format!("{word} {number}"),
                outcome,
                number,
                side,
            })
        })
    }
}

/// One column of sums.
struct Value<'a> {
    name: String,
    outcome: &'a Outcome,
    number: usize,
    side: i32,
}

/// What all rows of the plan add up to.
#[derive(Default)]
struct Totals {
    distinct: Distinct,
    outside_enrolment: u64,
    unassigned: UnassignedContacts,
    counted: u64,
    other: u64,
    outside: u64,
    strangers: Vec<RecordBatch>,
}

impl Totals {
    fn read(experiment: &Experiment, roster: &Roster, batches: &[RecordBatch]) -> Result<Self> {
        let mut totals = Totals::default();
        let columns = 2 * experiment.outcomes.len();
        let mut values = vec![0; columns];
        for batch in batches {
            let profiles = batch.column(0).as_primitive::<Int32Type>();
            let values_of: Vec<Sums<'_>> = (0..columns)
                .map(|i| Sums::of(batch.column(2 + i)))
                .collect();
            let last = |i: usize| batch.column(2 + columns + i).as_primitive::<Int64Type>();
            let (customers, contacts) = (last(0), last(1));
            let (counted, other) = (last(2), last(3));
            for row in 0..batch.num_rows() {
                // A sum over no contact is unknown to SQL, and none to us.
                let number = |column: &Int64Array| match column.is_null(row) {
                    true => 0,
                    false => column.value(row).unsigned_abs(),
                };
                if profiles.is_null(row) {
                    totals.unassigned.customers += 1;
                    totals.unassigned.contacts += number(contacts);
                    continue;
                }
                totals.counted += number(counted);
                totals.other += number(other);
                totals.outside += number(contacts) - number(counted) - number(other);
                let customer = &roster.profiles()[profiles.value(row) as usize];
                let Some(span) = roster.spans().get(customer.span as usize) else {
                    totals.outside_enrolment += number(customers);
                    continue;
                };
                for (value, sums) in values.iter_mut().zip(&values_of) {
                    *value = sums.micros(row)?;
                }
                let key = log_key(experiment, customer, span, &values);
                totals.distinct.add(&key, number(customers));
            }
            if profiles.null_count() > 0 {
                totals.strangers.push(batch.clone());
            }
        }
        Ok(totals)
    }

    /// Units of callers who are no customers.
    fn strangers(&self) -> impl Iterator<Item = &[u8]> {
        self.strangers
            .iter()
            .flat_map(|batch| batch.column(1).as_string_view().iter().flatten())
            .map(str::as_bytes)
    }
}

/// A column of sums: whole contacts, or millionths of a second.
enum Sums<'a> {
    Contacts(&'a Int64Array),
    Micros(&'a Decimal128Array),
}

impl<'a> Sums<'a> {
    fn of(column: &'a ArrayRef) -> Self {
        match column.as_primitive_opt::<Decimal128Type>() {
            Some(micros) => Sums::Micros(micros),
            None => Sums::Contacts(column.as_primitive()),
        }
    }

    fn micros(&self, row: usize) -> Result<i64> {
        let micros = match self {
            Sums::Contacts(contacts) => i128::from(contacts.value(row)) * i128::from(MICRO),
            Sums::Micros(micros) => micros.value(row),
        };
        i64::try_from(micros).map_err(|_| total_too_large())
    }
}

/// Strangers who would be customers if blanks, case and leading zeros did not count.
fn near_matches(request: &Request<'_>, roster: &Roster, totals: &Totals) -> Result<u64> {
    let mut loose: HashMap<Unit, u64> = HashMap::new();
    for stranger in totals.strangers() {
        *loose.entry(loosely(stranger)).or_default() += 1;
    }
    if loose.is_empty() {
        return Ok(0);
    }
    let start = HashSet::new;
    let met = roster.units(request, start, |met: &mut HashSet<Unit>, unit| {
        let unit = loosely(unit);
        if loose.contains_key(&unit) {
            met.insert(unit);
        }
    })?;
    let met: HashSet<Unit> = met.into_iter().flatten().collect();
    Ok(met.iter().filter_map(|unit| loose.get(unit)).sum())
}

fn external(e: Error) -> DataFusionError {
    DataFusionError::External(Box::new(e))
}
