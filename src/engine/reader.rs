//! The reader: hash maps over rows, the oracle that every engine must equal.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use crate::error::{Error, Result};
use crate::experiment::{ContactsFile, CountsFile, CustomersFile, Data, Experiment, OutcomeKind};
use crate::table::{
    Audit, Evidence, ExposureUnit, OutcomeEvidence, Provenance, UnassignedContacts,
};

use super::cells;
use super::columns::TextTable;
use super::counts::{self, Sink};
use super::fields::MICRO;
use super::log::{self, Contact};
use super::roster::{self, Customers, Ledger, Unit};
use super::tally::{FIRST_OUTCOME, Interner, NONE, RowKey, tables};
use super::windows::Calendar;
use super::{Request, Scan};

/// Scans a pilot's data.
///
/// # Errors
/// As [`super::scan`].
pub fn scan(request: &Request<'_>) -> Result<Scan> {
    match &request.experiment.data {
        Some(Data::Counts(file)) => scan_counts(request, file),
        Some(Data::Log {
            customers,
            contacts,
        }) => scan_log(request, customers, contacts),
        Some(Data::Cells(source)) => cells::scan(request, source),
        None => Err(Error::plan("the plan names no data")
            .key("data")
            .hint("add [data.counts], or [data.customers] and [data.contacts], or [data.cells]")),
    }
}

/// Names of the arms in the plan's order.
pub fn arm_names(experiment: &Experiment) -> Vec<String> {
    experiment.arms.iter().map(|a| a.name.clone()).collect()
}

/// Distinct rows with their customers.
#[derive(Default)]
struct Distinct {
    ids: HashMap<RowKey, u32>,
    rows: Vec<(RowKey, u64)>,
}

impl Distinct {
    fn id(&mut self, key: &[i64]) -> u32 {
        if let Some(id) = self.ids.get(key) {
            return *id;
        }
        let id = self.rows.len() as u32;
        self.rows.push((key.into(), 0));
        self.ids.insert(key.into(), id);
        id
    }
}

#[derive(Default)]
struct CountsSink {
    distinct: Distinct,
    units: HashMap<Unit, (u32, u64)>,
    doubles: HashSet<Unit>,
    duplicates: u64,
}

impl Sink for CountsSink {
    fn row(&mut self, unit: Option<&[u8]>, key: &[i64], table: &TextTable) -> Result<()> {
        let id = self.distinct.id(key);
        let Some(unit) = unit else {
            self.distinct.rows[id as usize].1 += 1;
            return Ok(());
        };
        match self.units.entry(unit.into()) {
            Entry::Vacant(place) => {
                place.insert((id, table.line()));
            }
            Entry::Occupied(place) => {
                let (first, line) = *place.get();
                if first == id {
                    self.duplicates += 1;
                } else if self.distinct.rows[first as usize].0[0] != key[0] {
                    self.doubles.insert(unit.into());
                } else {
                    return Err(table
                        .error_at(
                            None,
                            format!("this customer stands on line {line} with other values"),
                        )
                        .hint("keep one row a customer"));
                }
            }
        }
        Ok(())
    }
}

fn scan_counts(request: &Request<'_>, file: &CountsFile) -> Result<Scan> {
    let mut strata = Interner::default();
    let mut ledger = Ledger::default();
    let mut sink = CountsSink::default();
    let assigned = counts::assigned(request, file, &mut strata)?;
    let read = counts::read(
        request,
        file,
        assigned.as_ref(),
        &mut strata,
        &mut ledger,
        &mut sink,
    )?;
    ledger.check(file.format.max_bad_rows)?;
    let CountsSink {
        mut distinct,
        units,
        doubles,
        duplicates,
    } = sink;
    for (unit, (id, _)) in &units {
        if !doubles.contains(unit) {
            distinct.rows[*id as usize].1 += 1;
        }
    }
    let mut without_row = None;
    if let Some(assigned) = &assigned {
        let absent = absent_customers(request.experiment, file, assigned, &units);
        without_row = Some(absent.len() as u64);
        for key in absent {
            let id = distinct.id(&key);
            distinct.rows[id as usize].1 += 1;
        }
    }
    let has_units = file.unit.is_some();
    let audit = Audit {
        duplicate_customers: has_units.then_some(duplicates),
        double_assigned: has_units.then_some(doubles.len() as u64),
        unassigned_customers: assigned.is_some().then_some(read.unassigned),
        assigned_without_row: without_row,
        ..Audit::default()
    };
    finish(
        request,
        &strata,
        counts::exposure_unit(file),
        distinct.rows,
        ledger,
        audit,
    )
}

/// Assigned customers without a row: no contact, so 0; a mean or yes/no outcome is unknown.
fn absent_customers(
    experiment: &Experiment,
    file: &CountsFile,
    assigned: &counts::Assigned,
    units: &HashMap<Unit, (u32, u64)>,
) -> Vec<Vec<i64>> {
    assigned
        .iter()
        .filter(|(unit, _)| !units.contains_key(*unit))
        .map(|(_, (arm, stratum))| {
            let mut key = vec![NONE; FIRST_OUTCOME + 2 * experiment.outcomes.len()];
            key[0] = i64::from(*arm);
            key[1] = i64::from(*stratum);
            key[2] = MICRO;
            for (i, o) in experiment.outcomes.iter().enumerate() {
                if o.kind == OutcomeKind::Count && file.exposure.is_none() {
                    key[FIRST_OUTCOME + 2 * i] = 0;
                    key[FIRST_OUTCOME + 2 * i + 1] = 0;
                }
            }
            key
        })
        .collect()
}

fn scan_log(
    request: &Request<'_>,
    customers: &CustomersFile,
    contacts: &ContactsFile,
) -> Result<Scan> {
    let experiment = request.experiment;
    let periods = experiment.periods.as_ref().ok_or_else(|| {
        Error::plan("a contact log needs periods")
            .key("periods")
            .hint("add [periods] with before and after")
    })?;
    let calendar = Calendar::new(periods)?;
    let mut strata = Interner::default();
    let mut ledger = Ledger::default();
    let roster = roster::read(request, customers, periods, &mut strata, &mut ledger)?;
    ledger.check(customers.format.max_bad_rows)?;
    let mut contact_ledger = Ledger::default();
    let mut counter = ContactCounter::new(experiment, &roster, contacts.id.is_some());
    log::read(
        request,
        contacts,
        &calendar,
        &mut contact_ledger,
        &mut |c| counter.add(c),
    )?;
    contact_ledger.check(contacts.format.max_bad_rows)?;
    ledger.rows += contact_ledger.rows;
    ledger.rounded += contact_ledger.rounded;
    ledger.set_aside.append(&mut contact_ledger.set_aside);
    let near = counter.near_matches();
    let ContactCounter { values, audit, .. } = counter;
    let mut distinct = Distinct::default();
    let width = 2 * experiment.outcomes.len();
    let mut key = vec![NONE; FIRST_OUTCOME + width];
    let mut outside_enrolment = 0;
    for (i, customer) in roster.list.iter().enumerate() {
        let Some(span) = roster.spans.get(customer.span as usize) else {
            outside_enrolment += 1;
            continue;
        };
        key[0] = i64::from(customer.arm);
        key[1] = i64::from(customer.stratum);
        key[2] = span.exposure;
        key[3] = span.before_exposure;
        key[4] = customer.uptake;
        key[FIRST_OUTCOME..].copy_from_slice(&values[i * width..(i + 1) * width]);
        for (o, outcome) in experiment.outcomes.iter().enumerate() {
            let pair = &mut key[FIRST_OUTCOME + 2 * o..FIRST_OUTCOME + 2 * o + 2];
            if outcome.kind == OutcomeKind::Proportion {
                pair.iter_mut().for_each(|v| *v = (*v).min(MICRO));
            }
            if span.before_exposure == NONE {
                pair[0] = NONE;
            }
        }
        let id = distinct.id(&key);
        distinct.rows[id as usize].1 += 1;
    }
    let audit = Audit {
        duplicate_customers: Some(roster.duplicates),
        double_assigned: Some(roster.double_assigned),
        near_matches: Some(near),
        outside_enrolment: Some(outside_enrolment),
        last_window_day: roster
            .spans
            .iter()
            .map(|s| s.last_day)
            .max()
            .map(|d| d.to_string()),
        ..audit
    };
    finish(
        request,
        &strata,
        ExposureUnit::Day,
        distinct.rows,
        ledger,
        audit,
    )
}

/// Adds contacts up by customer.
struct ContactCounter<'a> {
    experiment: &'a Experiment,
    roster: &'a Customers,
    /// Before and after of each outcome, customer by customer, in millionths.
    values: Vec<i64>,
    ids: HashSet<Unit>,
    rows: HashSet<Unit>,
    strangers: HashSet<Unit>,
    last: Option<i64>,
    has_id: bool,
    audit: Audit,
}

impl<'a> ContactCounter<'a> {
    fn new(experiment: &'a Experiment, roster: &'a Customers, has_id: bool) -> Self {
        let audit = Audit {
            contacts: Some(0),
            duplicate_contacts: has_id.then_some(0),
            repeated_contacts: (!has_id).then_some(0),
            unassigned_contacts: Some(UnassignedContacts::default()),
            outside_windows: Some(0),
            other_reasons: Some(0),
            ..Audit::default()
        };
        ContactCounter {
            experiment,
            roster,
            values: vec![0; roster.list.len() * 2 * experiment.outcomes.len()],
            ids: HashSet::new(),
            rows: HashSet::new(),
            strangers: HashSet::new(),
            last: None,
            has_id,
            audit,
        }
    }

    fn add(&mut self, contact: Contact<'_>) -> Result<()> {
        let one_more = |count: &mut Option<u64>| *count = count.map(|c| c + 1);
        self.last = self.last.max(Some(contact.time));
        if let Some(id) = contact.id {
            if !self.ids.insert(id.into()) {
                one_more(&mut self.audit.duplicate_contacts);
                return Ok(());
            }
        } else if !self.has_id && !self.rows.insert(contact.used.into()) {
            one_more(&mut self.audit.repeated_contacts);
        }
        let Some(index) = self.roster.index.get(contact.unit) else {
            if let Some(u) = &mut self.audit.unassigned_contacts {
                u.contacts += 1;
                if self.strangers.insert(contact.unit.into()) {
                    u.customers += 1;
                }
            }
            return Ok(());
        };
        let index = *index as usize;
        let span = self.roster.spans.get(self.roster.list[index].span as usize);
        let side = match span {
            Some(s) if contact.time >= s.before_start && contact.time < s.before_end => 0,
            Some(s) if contact.time >= s.after_start && contact.time < s.after_end => 1,
            _ => {
                one_more(&mut self.audit.outside_windows);
                return Ok(());
            }
        };
        if contact.outcomes == 0 {
            one_more(&mut self.audit.other_reasons);
            return Ok(());
        }
        one_more(&mut self.audit.contacts);
        let outcomes = self.experiment.outcomes.len();
        for (o, outcome) in self.experiment.outcomes.iter().enumerate() {
            if contact.outcomes & (1 << o) == 0 {
                continue;
            }
            let amount = if outcome.kind == OutcomeKind::Mean {
                contact.handling
            } else {
                MICRO
            };
            let value = &mut self.values[(index * outcomes + o) * 2 + side];
            *value = value.checked_add(amount).ok_or_else(|| {
                Error::data("a customer's total is larger than a 64-bit number holds")
            })?;
        }
        Ok(())
    }

    /// Contacts' customers who are unknown as written, but known without case, blanks and leading zeros.
    fn near_matches(&mut self) -> u64 {
        self.audit.last_contact = self
            .last
            .and_then(|t| Timestamp::from_microsecond(t).ok())
            .map(|t| t.to_string());
        if self.strangers.is_empty() {
            return 0;
        }
        let known: HashSet<Unit> = self.roster.index.keys().map(|u| loosely(u)).collect();
        self.strangers
            .iter()
            .filter(|s| known.contains(&loosely(s)))
            .count() as u64
    }
}

/// A unit key without blanks around it, case and leading zeros.
pub fn loosely(unit: &[u8]) -> Unit {
    let text = String::from_utf8_lossy(unit);
    text.trim()
        .trim_start_matches('0')
        .to_lowercase()
        .into_bytes()
        .into()
}

/// Evidence from distinct rows.
pub fn finish(
    request: &Request<'_>,
    strata: &Interner,
    exposure_unit: ExposureUnit,
    rows: Vec<(RowKey, u64)>,
    ledger: Ledger,
    audit: Audit,
) -> Result<Scan> {
    let experiment = request.experiment;
    let outcomes = experiment.outcomes.len();
    let sum_by = |keep: &dyn Fn(&RowKey) -> bool| -> u64 {
        rows.iter().filter(|r| keep(&r.0)).map(|r| r.1).sum()
    };
    let audit = Audit {
        rows_read: ledger.rows,
        customers: rows.iter().map(|r| r.1).sum(),
        customers_by_arm: (0..experiment.arms.len())
            .map(|a| sum_by(&|k| k[0] == a as i64))
            .collect(),
        set_aside: ledger.lines_aside(),
        without_before: (0..outcomes)
            .map(|o| sum_by(&|k| k[FIRST_OUTCOME + 2 * o] == NONE))
            .collect(),
        missing_after: (0..outcomes)
            .map(|o| sum_by(&|k| k[FIRST_OUTCOME + 2 * o + 1] == NONE))
            .collect(),
        rounded_values: ledger.rounded,
        ..audit
    };
    let arms = arm_names(experiment);
    let tables = tables(
        &arms,
        &experiment.assignment.strata,
        strata,
        exposure_unit,
        outcomes,
        &rows,
    )?;
    let outcomes = experiment
        .outcomes
        .iter()
        .zip(tables)
        .map(|(o, table)| OutcomeEvidence {
            outcome: o.name.clone(),
            table,
        })
        .collect();
    let evidence = Evidence {
        audit,
        outcomes,
        provenance: Provenance::default(),
    };
    Ok(Scan {
        evidence,
        set_aside: ledger.set_aside,
    })
}
