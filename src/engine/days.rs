//! Counts by region and day, and the schedule that says which arm a region had → a panel.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;

use jiff::civil::Date;

use crate::error::{Error, Result, nearest};
use crate::experiment::{DaysFile, Experiment, SchedulePlan};
use crate::table::{
    ArmId, Audit, Cell, ContactTable, Decimals, Evidence, ExposureUnit, OutcomeEvidence, Panel,
    PanelRow, Provenance, Strata, StratumId,
};

use super::arms::{ArmNames, exchange_format};
use super::columns::{Column, Misfit, Table};
use super::fields::MICRO;
use super::finish::{arm_names, periods};
use super::ledger::Ledger;
use super::repeats::Place;
use super::row::Row;
use super::source::{Input, Part, expand, whole};
use super::windows::{Clock, zone};
use super::{Request, Scan};

/// Scans counts by region and day.
///
/// # Errors
/// As [`super::scan`]; a region of the plan without a row, a region's day twice with other counts.
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
    days.all_regions(request, &parts)?;
    days.finish(experiment, &arms, ledger)
}

/// The region-blocks of a plan.
struct Frame<'a> {
    plan: &'a SchedulePlan,
    blocks: Vec<(Date, Date)>,
}

impl<'a> Frame<'a> {
    fn new(experiment: &Experiment, plan: &'a SchedulePlan) -> Self {
        Frame {
            plan,
            blocks: experiment.blocks(),
        }
    }

    fn cells(&self) -> usize {
        self.plan.regions.len() * self.blocks.len()
    }

    /// Days of the window.
    fn days(&self) -> usize {
        self.blocks.len() * self.plan.block_days as usize
    }

    /// How many days after the window's first a day is; `None` outside the window.
    fn place(&self, day: Date) -> Option<usize> {
        let first = self.blocks.first()?.0;
        let days = first.until(day).ok()?.get_days();
        usize::try_from(days).ok().filter(|d| *d < self.days())
    }

    fn washed_out(&self, place: usize) -> bool {
        place % (self.plan.block_days as usize) < self.plan.washout_days as usize
    }
}

/// Reads the assignment file: the arm of each region and block.
fn schedule(request: &Request<'_>, path: &Path, frame: &Frame<'_>) -> Result<Vec<u16>> {
    let experiment = request.experiment;
    let name = path.strip_prefix(request.root).unwrap_or(path);
    let parts = whole(vec![Input {
        name: name.to_path_buf(),
        path: path.to_path_buf(),
    }]);
    let mut table = Table::open(&parts[0], &exchange_format())?;
    let columns = ["region", "block", "from", "to", "arm"].map(|name| table.column(name, name));
    let [region, block, from, to, arm] = columns;
    let (region, block, from, to, arm) = (region?, block?, from?, to?, arm?);
    let none = std::collections::BTreeMap::new();
    let arms = ArmNames::new(experiment, &none);
    let mut found: Vec<Option<u16>> = vec![None; frame.cells()];
    let other = |table: &Table, column: &Column| {
        table
            .error_at(Some(column), "the schedule was drawn for other regions or blocks than the plan has now")
            .hint("undo the change of `regions`, `block_days` or `after`; to begin anew, copy the plan under another name")
    };
    while table.advance()? {
        let parsed = table.row().and_then(|row| {
            let texts = [&region, &block, &from, &to].map(|c| row.text(c));
            let [region, block, from, to] = texts;
            Ok((region?, block?, from?, to?, row.text(&arm)?))
        });
        let (name, number, first, last, value) = parsed.map_err(|misfit| {
            table
                .error_at(None, misfit.reason)
                .hint("the assignment file was changed; restore it")
        })?;
        let place = frame.plan.regions.iter().position(|r| r == name);
        let place = place.ok_or_else(|| other(&table, &region))?;
        let number = number.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
        let dates = number.and_then(|n| frame.blocks.get(n));
        let same =
            |d: &(Date, Date)| (d.0.to_string(), d.1.to_string()) == (first.into(), last.into());
        let (Some(number), Some(_)) = (number, dates.filter(|d| same(d))) else {
            return Err(other(&table, &block));
        };
        let arm = arms.arm(value, &table, &arm, request.show_values)?;
        let cell = &mut found[place * frame.blocks.len() + number];
        if cell.replace(arm).is_some() {
            return Err(table
                .error_at(
                    Some(&region),
                    "a region's block stands in the schedule twice",
                )
                .hint("restore the file that `pilot assign` wrote"));
        }
    }
    let all: Option<Vec<u16>> = found.into_iter().collect();
    all.ok_or_else(|| {
        Error::data("the schedule lacks regions or blocks of the plan")
            .file(name)
            .hint("undo the change of `regions`, `block_days` or `after`; to begin anew, copy the plan under another name")
    })
}

/// What was read: by region and day.
struct Days<'a> {
    frame: &'a Frame<'a>,
    outcomes: usize,
    regions: HashMap<&'a [u8], usize>,
    /// The row of each region and day: place, exposure and counts.
    rows: HashMap<(usize, usize), (Place, Vec<i64>)>,
    seen: Vec<bool>,
    strange: Vec<String>,
    repeats: u64,
    unknown: u64,
    outside: u64,
}

impl<'a> Days<'a> {
    fn new(frame: &'a Frame<'a>, outcomes: usize) -> Self {
        let regions = frame.plan.regions.iter().enumerate();
        Days {
            frame,
            outcomes,
            regions: regions.map(|(i, r)| (r.as_bytes(), i)).collect(),
            rows: HashMap::new(),
            seen: vec![false; frame.plan.regions.len()],
            strange: Vec::new(),
            repeats: 0,
            unknown: 0,
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
        let known = match region {
            None => Some(0),
            Some(name) => self.regions.get(name.as_bytes()).copied(),
        };
        let Some(region) = known else {
            self.unknown += 1;
            let name = region.unwrap_or_default();
            if self.strange.len() < 100 && !self.strange.iter().any(|s| s == name) {
                self.strange.push(name.to_owned());
            }
            return Ok(());
        };
        self.seen[region] = true;
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

    /// Every region of the plan has a row.
    fn all_regions(&self, request: &Request<'_>, parts: &[Part]) -> Result<()> {
        let Some(missing) = self.seen.iter().position(|seen| !seen) else {
            return Ok(());
        };
        let name = &self.frame.plan.regions[missing];
        let error = match request.experiment.assignment.cluster {
            None => Error::data("the data hold no row"),
            Some(_) => Error::data(format!("the data hold no row of the region \"{name}\"")),
        }
        .key("assignment.regions");
        let error = match parts.first() {
            Some(part) => error.file(&part.input.name),
            None => error,
        };
        Err(match nearest(name, self.strange.iter().map(String::as_str)) {
            Some(near) => error.hint(format!(
                "perhaps \"{near}\" is meant, which the plan does not name; regions compare byte for byte"
            )),
            None => error.hint("regions compare byte for byte; mind case and blanks"),
        })
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
                *sum = sum.checked_add(*value).ok_or_else(|| {
                    Error::data("a region's total is larger than a 64-bit number holds")
                })?;
            }
        }
        let counted = || (0..by_day.len()).filter(|d| !self.frame.washed_out(*d));
        let regions = self.frame.plan.regions.len() as u64;
        let closed = counted().filter(|d| by_day[*d] == 0).count() as u64;
        let missing: u64 = counted().map(|d| regions - by_day[d]).sum();
        let outcomes = (0..self.outcomes).map(|o| outcome(experiment, o, arms, &sums, blocks));
        let outcomes: Vec<OutcomeEvidence> = outcomes.collect::<Result<_>>()?;
        let by_arm = |seen: bool| -> Vec<u64> {
            let arms_of = arms.iter().zip(&sums);
            let of = |arm: usize| {
                arms_of
                    .clone()
                    .filter(|(a, s)| usize::from(**a) == arm && (s.0 > 0 || !seen))
                    .count() as u64
            };
            (0..experiment.arms.len()).map(of).collect()
        };
        let absent = sums.iter().filter(|s| s.0 == 0).count() as u64;
        let audit = Audit {
            rows_read: ledger.rows,
            customers: arms.len() as u64,
            customers_by_arm: by_arm(false),
            set_aside: ledger.lines_aside(),
            duplicate_customers: Some(self.repeats),
            unassigned_customers: Some(self.unknown),
            outside_windows: Some(self.outside),
            without_before: vec![arms.len() as u64; self.outcomes],
            missing_after: vec![absent; self.outcomes],
            missing_region_days: Some(missing - closed * regions),
            closed_days: Some(closed),
            washout_region_days: Some(washed),
            ..Audit::default()
        };
        Ok(Scan {
            evidence: Evidence {
                audit,
                outcomes,
                spillover: None,
                provenance: Provenance::default(),
            },
            set_aside: ledger.set_aside,
        })
    }
}

/// The table and the panel of one outcome; `sums` are days, and exposure followed by the outcomes.
fn outcome(
    experiment: &Experiment,
    outcome: usize,
    arms: &[u16],
    sums: &[(u32, Vec<i64>)],
    blocks: usize,
) -> Result<OutcomeEvidence> {
    let rows: Vec<PanelRow> = (arms.iter().zip(sums).enumerate())
        .map(|(i, (arm, (days, values)))| PanelRow {
            region: (i / blocks) as u32,
            block: (i % blocks) as u32,
            arm: ArmId(*arm),
            days: *days,
            exposure: values[0],
            y: values[outcome + 1],
        })
        .collect();
    let cells = rows.iter().map(|r| Cell {
        arm: r.arm,
        stratum: StratumId(0),
        exposure: r.exposure,
        before_exposure: 0,
        before: None,
        after: (r.days > 0).then_some(r.y),
        uptake: None,
        customers: 1,
    });
    let table = ContactTable::new(
        arm_names(experiment),
        Strata::none(),
        ExposureUnit::Day,
        Decimals::default(),
        cells.collect(),
    )?;
    let panel = Panel::new(&table, rows)?;
    let name = &experiment.outcomes[outcome].name;
    let mut evidence = OutcomeEvidence::of_cells(name, table);
    evidence.panel = Some(panel);
    Ok(evidence)
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
    let zone = zone(&periods(request.experiment)?.timezone)?;
    let own = match &file.format.timezone {
        Some(name) => super::windows::zone(name)?,
        None => zone.clone(),
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
                .date(row.moment(&columns.day)?, &zone)
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

fn region<'a>(row: &Row<'a>, column: &Column) -> Result<&'a str, Misfit> {
    let name = row.text(column)?;
    match name.trim().is_empty() {
        true => Err(Misfit::new(column, "the region is blank")),
        false => Ok(name),
    }
}

/// A whole number of at least 0.
fn count(row: &Row<'_>, column: &Column, decimal: char, what: &str) -> Result<i64, Misfit> {
    let Some(number) = row.number(column, decimal)? else {
        return Err(Misfit::new(
            column,
            format!("{what} is missing; no contact is 0"),
        ));
    };
    match number.micros {
        m if m < 0 => Err(Misfit::new(column, format!("{what} is negative"))),
        m if m % MICRO != 0 || number.rounded => {
            Err(Misfit::new(column, format!("{what} is not a whole number")))
        }
        m => Ok(m / MICRO),
    }
}
