//! Counts by region and day, made elsewhere → a panel.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use jiff::civil::Date;

use crate::error::{Error, Result};
use crate::experiment::{DaysFile, Experiment};
use crate::table::Audit;

use super::super::columns::{Column, Misfit, Table};
use super::super::finish::periods;
use super::super::ledger::Ledger;
use super::super::repeats::Place;
use super::super::source::{Part, expand, whole};
use super::super::windows::{Clock, zone};
use super::super::{Request, Scan};
use super::{Frame, Regions, count, finish, region, schedule, too_large};

/// Scans counts by region and day.
///
/// # Errors
/// As [`super::super::scan`]; a region of the plan without a row, a region's day twice with other counts.
pub fn scan(request: &Request<'_>, file: &DaysFile) -> Result<Scan> {
    let experiment = request.experiment;
    let Some(plan) = &experiment.assignment.schedule else {
        return Err(Error::internal("counts by day without a schedule"));
    };
    let Some(path) = request.assignment else {
        return Err(Error::workspace("no region has an arm yet").hint("run `pilot assign` first"));
    };
    let frame = Frame::new(experiment, plan);
    let arms = schedule(request, path, &frame)?;
    let parts = whole(expand(request.root, &file.format.path)?);
    let mut days = Days::new(&frame, experiment.outcomes.len());
    let mut ledger = Ledger::default();
    for part in &parts {
        read(request, file, part, &parts, &mut days, &mut ledger)?;
    }
    ledger.check(file.format.max_bad_rows)?;
    days.regions.all(request, &parts)?;
    days.finish(experiment, &arms, ledger)
}

/// What was read: by region and day.
struct Days<'a> {
    frame: &'a Frame<'a>,
    outcomes: usize,
    regions: Regions<'a>,
    /// The row of each region and day: place, exposure and counts.
    rows: HashMap<(usize, usize), (Place, Vec<i64>)>,
    repeats: u64,
    outside: u64,
}

impl<'a> Days<'a> {
    fn new(frame: &'a Frame<'a>, outcomes: usize) -> Self {
        Days {
            frame,
            outcomes,
            regions: Regions::new(frame.plan),
            rows: HashMap::new(),
            repeats: 0,
            outside: 0,
        }
    }

    fn add(
        &mut self,
        region: Option<&str>,
        day: Date,
        values: Vec<i64>,
        table: &Table,
        parts: &[Part],
    ) -> Result<()> {
        let Some(region) = self.regions.number(region) else {
            return Ok(());
        };
        let Some(place) = self.frame.place(day) else {
            self.outside += 1;
            return Ok(());
        };
        match self.rows.entry((region, place)) {
            Entry::Vacant(vacant) => {
                vacant.insert((table.place(), values));
            }
            Entry::Occupied(first) if first.get().1 == values => self.repeats += 1,
            Entry::Occupied(first) => {
                let at = first.get().0;
                let file = parts.iter().find(|p| p.file == at.file as usize);
                let of = match file.filter(|_| at.file != table.place().file) {
                    Some(part) => format!(" of {}", part.input.name.display()),
                    None => String::new(),
                };
                return Err(table
                    .error_at(
                        None,
                        format!("this region and day stand on line {}{of} with other counts", at.line),
                    )
                    .hint("keep one row a region and day; where a region has several lines, add them up first"));
            }
        }
        Ok(())
    }

    fn finish(self, experiment: &Experiment, arms: &[u16], ledger: Ledger) -> Result<Scan> {
        let blocks = self.frame.blocks.len();
        let each = self.frame.plan.block_days as usize;
        let mut sums = vec![(0u32, vec![0i64; self.outcomes + 1]); self.frame.cells()];
        let (mut by_day, mut washed) = (vec![0u64; self.frame.days()], 0);
        for ((region, place), (_, values)) in &self.rows {
            by_day[*place] += 1;
            if self.frame.washed_out(*place) {
                washed += 1;
                continue;
            }
            let (days, sum) = &mut sums[region * blocks + place / each];
            *days += 1;
            for (sum, value) in sum.iter_mut().zip(values) {
                *sum = sum.checked_add(*value).ok_or_else(too_large)?;
            }
        }
        let counted = || (0..by_day.len()).filter(|d| !self.frame.washed_out(*d));
        let regions = self.frame.plan.regions.len() as u64;
        let closed = counted().filter(|d| by_day[*d] == 0).count() as u64;
        let missing: u64 = counted().map(|d| regions - by_day[d]).sum();
        let audit = Audit {
            duplicate_customers: Some(self.repeats),
            unassigned_customers: Some(self.regions.unknown),
            outside_windows: Some(self.outside),
            missing_region_days: Some(missing - closed * regions),
            closed_days: Some(closed),
            washout_region_days: Some(washed),
            ..Audit::default()
        };
        finish(experiment, arms, &sums, blocks, ledger, audit)
    }
}

struct Columns {
    region: Option<Column>,
    day: Column,
    customers: Option<Column>,
    counts: Vec<Column>,
}

impl Columns {
    fn of(table: &Table, experiment: &Experiment, file: &DaysFile) -> Result<Self> {
        let region = experiment.assignment.cluster.as_ref();
        let customers = file.customers.as_ref();
        let counts = experiment.outcomes.iter().enumerate();
        Ok(Columns {
            region: region
                .map(|c| table.column(c, "assignment.cluster"))
                .transpose()?,
            day: table.column(&file.day, "data.counts.columns.day")?,
            customers: customers
                .map(|c| table.column(c, "data.counts.columns.customers"))
                .transpose()?,
            counts: counts
                .map(|(i, o)| table.column(&o.after, &format!("outcomes[{}].after", i + 1)))
                .collect::<Result<_>>()?,
        })
    }
}

fn read(
    request: &Request<'_>,
    file: &DaysFile,
    part: &Part,
    parts: &[Part],
    days: &mut Days<'_>,
    ledger: &mut Ledger,
) -> Result<()> {
    let days_in = zone(&periods(request.experiment)?.timezone)?;
    let own = match &file.format.timezone {
        Some(name) => zone(name)?,
        None => days_in.clone(),
    };
    let mut clock = Clock::new(file.format.time_format.as_deref(), own);
    let mut table = Table::open(part, &file.format)?;
    let columns = Columns::of(&table, request.experiment, file)?;
    while table.advance()? {
        ledger.rows += 1;
        if ledger.rows.is_multiple_of(65_536) {
            (request.tick)(ledger.rows)?;
        }
        let parsed = table.row().and_then(|row| {
            let region = columns
                .region
                .as_ref()
                .map(|c| region(&row, c))
                .transpose()?;
            let day = clock
                .date(row.moment(&columns.day)?, &days_in)
                .map_err(|reason| Misfit::new(&columns.day, reason))?;
            let mut values = vec![match &columns.customers {
                None => 1,
                Some(c) => count(&row, c, file.format.decimal, "the number of customers")?,
            }];
            for column in &columns.counts {
                values.push(count(&row, column, file.format.decimal, "the count")?);
            }
            if values[0] == 0
                && let Some(at) = values[1..].iter().position(|y| *y > 0)
            {
                return Err(Misfit::new(
                    &columns.counts[at],
                    "contacts on a day without customers",
                ));
            }
            Ok((region, day, values))
        });
        match parsed {
            Ok((region, day, values)) => days.add(region, day, values, &table, parts)?,
            Err(misfit) => ledger.reject(&mut table, misfit)?,
        }
    }
    Ok(())
}
