//! The reader: hash maps over rows, the oracle that every engine must equal.

use std::collections::HashSet;

use crate::error::{Error, Result};
use crate::experiment::{ContactsFile, CountsFile, CustomersFile, Data, Experiment, OutcomeKind};
use crate::table::{Audit, ExposureUnit, UnassignedContacts};

use super::cells;
use super::clusters::Names;
use super::columns::Table;
use super::counts::{self, Sink};
use super::days;
use super::fields::MICRO;
use super::finish::{
    CountsTally, finish, finish_counts, last_contact, last_day, log_key, loosely, periods,
    total_too_large,
};
use super::ledger::Ledger;
use super::log::{self, Contact};
use super::repeats::{Unit, Units, contradiction};
use super::roster::{self, Customers};
use super::source::{Part, expand, whole};
use super::tally::Distinct;
use super::trail::{self, Channels, Rules, Trails};
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
        Some(Data::Days(file)) => days::scan(request, file),
        Some(Data::RegionLog { contacts, regions }) => {
            days::scan_log(request, contacts, regions.as_ref())
        }
        None => Err(Error::plan("the plan names no data")
            .key("data")
            .hint("add [data.counts], or [data.customers] and [data.contacts], or [data.cells]")),
    }
}

struct CountsSink<'a> {
    parts: &'a [Part],
    unit: &'a str,
    distinct: Distinct,
    units: Units<u32>,
}

impl Sink for CountsSink<'_> {
    fn row(&mut self, unit: Option<&[u8]>, key: &[i64], table: &Table) -> Result<()> {
        let id = self.distinct.id(key);
        let Some(unit) = unit else {
            self.distinct.rows[id as usize].1 += 1;
            return Ok(());
        };
        self.units
            .add(unit, key[0] as u16, id, table.place())
            .map_err(|first| contradiction(self.parts, table.place(), first, self.unit))
    }
}

fn scan_counts(request: &Request<'_>, file: &CountsFile) -> Result<Scan> {
    let parts = whole(expand(request.root, &file.format.path)?);
    let mut names = Names::of(&parts);
    let mut ledger = Ledger::default();
    let assigned = counts::assigned(request, file, &mut names)?;
    let mut sink = CountsSink {
        parts: &parts,
        unit: file.unit.as_deref().unwrap_or_default(),
        distinct: Distinct::default(),
        units: Units::default(),
    };
    let unassigned = counts::read(
        request,
        file,
        &parts,
        assigned.as_ref(),
        &mut names,
        &mut ledger,
        &mut sink,
    )?;
    ledger.check(file.format.max_bad_rows)?;
    let CountsSink {
        mut distinct,
        units,
        ..
    } = sink;
    for (_, id) in units.single() {
        distinct.rows[*id as usize].1 += 1;
    }
    let tallied = CountsTally {
        rows: distinct.rows,
        unassigned,
        duplicates: units.duplicates(),
        double_assigned: units.doubles.len() as u64,
    };
    finish_counts(request, file, assigned.as_ref(), &names, tallied, ledger)
}

fn scan_log(
    request: &Request<'_>,
    customers: &CustomersFile,
    contacts: &ContactsFile,
) -> Result<Scan> {
    let experiment = request.experiment;
    let periods = periods(experiment)?;
    let calendar = Calendar::new(periods)?.until(request.until);
    let mut ledger = Ledger::default();
    let roster = roster::read(request, customers, periods, &mut ledger)?;
    ledger.check(customers.format.max_bad_rows)?;
    let mut contact_ledger = Ledger::default();
    let mut counter = ContactCounter::new(experiment, &roster, contacts.id.is_some());
    let parts = whole(expand(request.root, &contacts.format.path)?);
    log::read(
        request,
        contacts,
        &parts,
        &calendar,
        &mut contact_ledger,
        &mut |contact, _| counter.add(contact),
    )?;
    contact_ledger.check(contacts.format.max_bad_rows)?;
    ledger.append(contact_ledger);
    let near = counter.near_matches();
    let ContactCounter {
        values,
        audit,
        rules,
        trails: by_customer,
        channels,
        ..
    } = counter;
    let mut trails = Trails::default();
    let mut distinct = Distinct::default();
    let width = 2 * experiment.outcomes.len();
    let mut outside_enrolment = 0;
    for (i, customer) in roster.list.iter().enumerate() {
        let Some(span) = roster.spans.get(customer.span as usize) else {
            outside_enrolment += 1;
            continue;
        };
        let (customers, sums) = trails.group(customer.arm, span);
        *customers += 1;
        sums.customer(&rules, &by_customer[i])?;
        let key = log_key(
            experiment,
            customer,
            span,
            &values[i * width..(i + 1) * width],
        );
        distinct.add(&key, 1);
    }
    let audit = Audit {
        duplicate_customers: Some(roster.duplicates),
        double_assigned: Some(roster.double_assigned),
        unassigned_customers: roster.unassigned,
        near_matches: Some(near),
        outside_enrolment: Some(outside_enrolment),
        last_window_day: last_day(&roster.spans),
        ..audit
    };
    let mut scan = finish(
        request,
        &roster.names,
        ExposureUnit::Day,
        distinct.rows,
        ledger,
        audit,
    )?;
    trails.attach(experiment, channels.list(), &mut scan.evidence)?;
    Ok(scan)
}

/// Adds contacts up by customer.
struct ContactCounter<'a> {
    experiment: &'a Experiment,
    roster: &'a Customers,
    /// Before and after of each outcome, customer by customer, in millionths.
    values: Vec<i64>,
    rules: Rules,
    /// What contacts of the after window add, customer by customer.
    trails: Vec<Vec<trail::Entry>>,
    channels: Channels,
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
            rules: Rules::new(experiment),
            trails: vec![Vec::new(); roster.list.len()],
            channels: Channels::default(),
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
        let channel = contact.channel.and_then(|name| self.channels.id(name));
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
        if let (1, Some(span)) = (side, span) {
            let week = (contact.time - span.after_start) / trail::WEEK;
            let own = &mut self.trails[index];
            let (outcomes, handling) = (contact.outcomes, contact.handling);
            self.rules
                .entries(week, outcomes, handling, channel, |code, amount| {
                    trail::add(own, code, amount);
                });
        }
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
            *value = value.checked_add(amount).ok_or_else(total_too_large)?;
        }
        Ok(())
    }

    /// Contacts' customers who are unknown as written, but known without case, blanks and leading zeros.
    fn near_matches(&mut self) -> u64 {
        self.audit.last_contact = last_contact(self.last);
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
