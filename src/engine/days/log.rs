//! A log that names the region of each contact → a panel.

use std::collections::HashSet;

use crate::error::{Error, Result};
use crate::experiment::{ContactsFile, RegionsFile};
use crate::table::Audit;

use super::super::columns::Table;
use super::super::finish::{last_contact, periods};
use super::super::ledger::Ledger;
use super::super::log::{self, Contact};
use super::super::repeats::Unit;
use super::super::source::{expand, whole};
use super::super::windows::Calendar;
use super::super::{Request, Scan};
use super::{Frame, Regions, count, finish, region, schedule, too_large};

/// Scans a log that names the region of each contact.
///
/// Every day of the window counts for every region, since no contact is 0.
///
/// # Errors
/// As [`super::super::scan`].
pub fn scan(
    request: &Request<'_>,
    file: &ContactsFile,
    regions: Option<&RegionsFile>,
) -> Result<Scan> {
    let experiment = request.experiment;
    let Some(plan) = &experiment.assignment.schedule else {
        return Err(Error::internal("a log of regions without a schedule"));
    };
    let Some(path) = request.assignment else {
        return Err(Error::workspace("no region has an arm yet").hint("run `pilot assign` first"));
    };
    let frame = Frame::new(experiment, plan);
    let arms = schedule(request, path, &frame)?;
    let customers = match regions {
        None => vec![1; plan.regions.len()],
        Some(file) => customers_of(request, file, &frame)?,
    };
    let parts = whole(expand(request.root, &file.format.path)?);
    let calendar = Calendar::new(periods(experiment)?)?;
    let mut log = Log {
        frame: &frame,
        regions: Regions::new(plan),
        outside: 0,
        single: experiment.assignment.cluster.is_none(),
        starts: starts(&frame, &calendar)?,
        counts: vec![vec![0; experiment.outcomes.len()]; frame.cells()],
        ids: HashSet::new(),
        rows: HashSet::new(),
        has_id: file.id.is_some(),
        last: None,
        audit: Audit {
            contacts: Some(0),
            duplicate_contacts: file.id.is_some().then_some(0),
            repeated_contacts: file.id.is_none().then_some(0),
            other_reasons: Some(0),
            ..Audit::default()
        },
    };
    let mut ledger = Ledger::default();
    log::read(
        request,
        file,
        &parts,
        &calendar,
        &mut ledger,
        &mut |contact, _| {
            log.add(contact);
            Ok(())
        },
    )?;
    ledger.check(file.format.max_bad_rows)?;
    log.regions.all(request, &parts)?;
    let (blocks, each) = (frame.blocks.len(), plan.block_days - plan.washout_days);
    let cells = log.counts.iter().enumerate().map(|(cell, counts)| {
        let exposure = customers[cell / blocks].checked_mul(i64::from(each));
        let mut values = vec![exposure.ok_or_else(too_large)?];
        values.extend(counts);
        Ok((each, values))
    });
    let sums: Vec<(u32, Vec<i64>)> = cells.collect::<Result<_>>()?;
    let audit = Audit {
        unassigned_customers: Some(log.regions.unknown),
        outside_windows: Some(log.outside),
        last_contact: last_contact(log.last),
        missing_region_days: Some(0),
        closed_days: Some(0),
        ..log.audit
    };
    finish(experiment, &arms, &sums, blocks, ledger, audit)
}

/// Contacts of regions and blocks in the making.
struct Log<'a> {
    frame: &'a Frame<'a>,
    regions: Regions<'a>,
    outside: u64,
    /// Whether everyone is one region.
    single: bool,
    /// First instant of each day of the window, and of the day after it.
    starts: Vec<i64>,
    /// By region and block: contacts of each outcome.
    counts: Vec<Vec<i64>>,
    ids: HashSet<Unit>,
    rows: HashSet<Unit>,
    has_id: bool,
    last: Option<i64>,
    audit: Audit,
}

impl Log<'_> {
    fn add(&mut self, contact: Contact<'_>) {
        let one_more = |count: &mut Option<u64>| *count = count.map(|c| c + 1);
        self.last = self.last.max(Some(contact.time));
        if let Some(id) = contact.id {
            if !self.ids.insert(id.into()) {
                one_more(&mut self.audit.duplicate_contacts);
                return;
            }
        } else if !self.has_id && !self.rows.insert(contact.used.into()) {
            one_more(&mut self.audit.repeated_contacts);
        }
        let region = match self.single {
            true => None,
            false => Some(String::from_utf8_lossy(contact.unit)),
        };
        let Some(region) = self.regions.number(region.as_deref()) else {
            return;
        };
        let place = self.starts.partition_point(|s| *s <= contact.time);
        // Before the first day nothing has begun; after the last the window is over.
        let day = place.checked_sub(1).filter(|_| place < self.starts.len());
        let frame = self.frame;
        let Some(day) = day.filter(|d| !frame.washed_out(*d)) else {
            // Contacts of washout days are left out with the others outside.
            self.outside += 1;
            return;
        };
        if contact.outcomes == 0 {
            one_more(&mut self.audit.other_reasons);
            return;
        }
        one_more(&mut self.audit.contacts);
        let cell = region * frame.blocks.len() + day / frame.plan.block_days as usize;
        for (o, count) in self.counts[cell].iter_mut().enumerate() {
            *count += i64::from(contact.outcomes & (1 << o) != 0);
        }
    }
}

/// First instant of each day of the window, and of the day after it.
fn starts(frame: &Frame<'_>, calendar: &Calendar) -> Result<Vec<i64>> {
    let first = frame.blocks.first().map(|b| b.0);
    let mut day = first.ok_or_else(|| Error::internal("a schedule without blocks"))?;
    let mut starts = Vec::with_capacity(frame.days() + 1);
    for _ in 0..=frame.days() {
        starts.push(calendar.midnight(day)?);
        day = day
            .tomorrow()
            .map_err(|_| Error::plan(format!("the day after {day} is out of range")))?;
    }
    Ok(starts)
}

/// Customers of each region, from a file with a row a region.
fn customers_of(request: &Request<'_>, file: &RegionsFile, frame: &Frame<'_>) -> Result<Vec<i64>> {
    let regions = &frame.plan.regions;
    let mut found: Vec<Option<i64>> = vec![None; regions.len()];
    let parts = whole(expand(request.root, &file.format.path)?);
    for part in &parts {
        let mut table = Table::open(part, &file.format)?;
        let column = request.experiment.assignment.cluster.as_ref();
        let column = column
            .map(|c| table.column(c, "assignment.cluster"))
            .transpose()?;
        let customers = table.column(&file.customers, "data.regions.columns.customers")?;
        while table.advance()? {
            let parsed = table.row().and_then(|row| {
                let name = column.as_ref().map(|c| region(&row, c)).transpose()?;
                let decimal = file.format.decimal;
                let n = count(&row, &customers, decimal, "the number of customers")?;
                Ok((name, n))
            });
            let (name, n) = parsed.map_err(|m| {
                let error = table.error_at(None, m.reason);
                match m.column {
                    Some(column) => error.key(column),
                    None => error,
                }
                .hint("mend the row: every region needs its customers")
            })?;
            let place = match name {
                None => Some(0),
                Some(name) => regions.iter().position(|r| r == name),
            };
            let Some(place) = place else { continue };
            if found[place].replace(n).is_some_and(|before| before != n) {
                return Err(table
                    .error_at(
                        column.as_ref(),
                        "this region stands there twice, with other customers",
                    )
                    .hint("keep one row a region"));
            }
        }
    }
    let missing = found.iter().position(|n| n.is_none_or(|n| n == 0));
    if let Some(missing) = missing {
        let name = &regions[missing];
        return Err(
            Error::data(format!("the region \"{name}\" has no customers"))
                .file(&parts[0].input.name)
                .key("data.regions.columns.customers")
                .hint("add a row with the number of its customers; regions compare byte for byte"),
        );
    }
    Ok(found.into_iter().flatten().collect())
}
