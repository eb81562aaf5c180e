//! Regions that got an arm for blocks of days: the schedule, and what both forms of data share.

mod counts;
mod log;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use jiff::civil::Date;

use crate::error::{Error, Result, nearest};
use crate::experiment::{Experiment, SchedulePlan};
use crate::table::{ArmId, Audit, Evidence, OutcomeEvidence, PanelRow, Provenance};

use super::arms::{ArmNames, exchange_format};
use super::columns::{Column, Misfit, Table};
use super::fields::MICRO;
use super::finish::arm_names;
use super::ledger::Ledger;
use super::row::Row;
use super::source::{Input, Part, whole};
use super::{Request, Scan};

pub use counts::scan;
pub use log::scan as scan_log;

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
    let none = BTreeMap::new();
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

/// Regions as the data name them.
struct Regions<'a> {
    plan: &'a SchedulePlan,
    numbers: HashMap<&'a [u8], usize>,
    /// Which of them the data hold.
    seen: Vec<bool>,
    /// Some of the others, for the hint.
    strange: Vec<String>,
    /// Rows of regions that the plan does not name.
    unknown: u64,
}

impl<'a> Regions<'a> {
    fn new(plan: &'a SchedulePlan) -> Self {
        let regions = plan.regions.iter().enumerate();
        Regions {
            plan,
            numbers: regions.map(|(i, r)| (r.as_bytes(), i)).collect(),
            seen: vec![false; plan.regions.len()],
            strange: Vec::new(),
            unknown: 0,
        }
    }

    /// The number of a region, which is noted; `None` where the plan does not name it.
    fn number(&mut self, name: Option<&str>) -> Option<usize> {
        let known = match name {
            None => Some(0),
            Some(name) => self.numbers.get(name.as_bytes()).copied(),
        };
        match (known, name) {
            (Some(region), _) => self.seen[region] = true,
            (None, name) => {
                self.unknown += 1;
                let name = name.unwrap_or_default();
                if self.strange.len() < 100 && !self.strange.iter().any(|s| s == name) {
                    self.strange.push(name.to_owned());
                }
            }
        }
        known
    }

    /// Every region of the plan has a row.
    fn all(&self, request: &Request<'_>, parts: &[Part]) -> Result<()> {
        let Some(missing) = self.seen.iter().position(|seen| !seen) else {
            return Ok(());
        };
        let name = &self.plan.regions[missing];
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
}

/// Evidence from days, exposure and counts of every region and block.
fn finish(
    experiment: &Experiment,
    arms: &[u16],
    sums: &[(u32, Vec<i64>)],
    blocks: usize,
    ledger: Ledger,
    audit: Audit,
) -> Result<Scan> {
    let outcomes = experiment.outcomes.len();
    let by_arm = |arm: usize| arms.iter().filter(|a| usize::from(**a) == arm).count() as u64;
    let absent = sums.iter().filter(|s| s.0 == 0).count() as u64;
    let audit = Audit {
        rows_read: ledger.rows,
        customers: arms.len() as u64,
        customers_by_arm: (0..experiment.arms.len()).map(by_arm).collect(),
        set_aside: ledger.lines_aside(),
        without_before: vec![arms.len() as u64; outcomes],
        missing_after: vec![absent; outcomes],
        ..audit
    };
    let tables = (0..outcomes).map(|o| outcome(experiment, o, arms, sums, blocks));
    Ok(Scan {
        evidence: Evidence {
            audit,
            outcomes: tables.collect::<Result<_>>()?,
            spillover: None,
            provenance: Provenance::default(),
        },
        set_aside: ledger.set_aside,
    })
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
    let name = &experiment.outcomes[outcome].name;
    OutcomeEvidence::of_panel(name, arm_names(experiment), rows)
}

fn too_large() -> Error {
    Error::data("a region's total is larger than a 64-bit number holds")
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
