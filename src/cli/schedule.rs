//! `pilot assign` of a switchback or stepped wedge: regions and blocks of days → arms.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use crate::assign::schedule;
use crate::error::{Error, Kind, Result};
use crate::experiment::{Experiment, SchedulePlan};
use crate::number::{count, fixed};
use crate::stats::permutation::MOST_SCHEDULES;
use crate::stats::schedule::Schedule;
use crate::workspace::{Draft, kind};

use super::Global;
use super::pilot::{self, Opened};
use super::ui::Ui;

/// Regions and blocks that are drawn in the terminal; the file has them all.
const SHOWN: usize = 30;
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// What was drawn.
#[derive(Serialize)]
pub struct Drawn {
    pilot: String,
    design: &'static str,
    regions: usize,
    blocks: usize,
    block_days: u32,
    washout_days: u32,
    arms: BTreeMap<String, Balance>,
    /// Schedules that could have been drawn; null where they are more than the test looks at.
    schedules: Option<u64>,
    #[serde(skip)]
    rows: Vec<(String, Vec<usize>)>,
}

/// What an arm has of the days that count.
#[derive(Serialize, Default, Clone)]
struct Balance {
    region_blocks: u64,
    region_days: u64,
    /// Monday first.
    weekdays: [u64; 7],
    /// Mean place in the window, its first day being 1.
    mean_day: Option<f64>,
}

/// Runs the command.
///
/// # Errors
/// A schedule that is there already, or flags about customers.
pub fn run(opened: &Opened, id: Option<&str>, split: bool, g: &Global, ui: &Ui) -> Result<()> {
    if split {
        return Err(Error::usage("regions get no mailing")
            .key("--split")
            .hint("the schedule, region by region, is experiments/NAME/assignment.csv"));
    }
    if let Some(region) = id {
        return one(region, opened, ui);
    }
    let drawn = assign(opened, g, ui)?;
    report(&drawn, opened, g, ui)
}

/// Draws the schedule and writes it.
///
/// # Errors
/// As the command.
pub fn assign(opened: &Opened, g: &Global, ui: &Ui) -> Result<Drawn> {
    let e = opened.experiment();
    let lock = match g.dry_run {
        true => None,
        false => Some(opened.pilot.lock("assign", Timestamp::now())?),
    };
    if let Some(lock) = &lock {
        pilot::report_repairs(lock, ui);
    }
    if opened.pilot.checked_assignment()?.is_some() {
        return Err(Error::workspace("the regions already have their schedule")
            .file(opened.pilot.assignment_path())
            .hint("an assignment is never overwritten: --id REGION reads it; to begin anew, copy the plan under another name"));
    }
    let (plan, schedule) = drawn(e)?;
    let shown = show(e, plan, &schedule);
    if let Some(lock) = &lock {
        let mut file = lock.begin_assignment()?;
        let place = opened.pilot.assignment_path();
        schedule::write(e, &schedule, &mut file).map_err(|e| Error::io("write", &place, &e))?;
        let draft = Draft::new(kind::ASSIGN, Timestamp::now())
            .fact("regions", shown.regions as u64)
            .fact("blocks", shown.blocks as u64)
            .fact("plan_sha256", opened.plan.sha256.clone());
        lock.commit_assignment(file, draft)?;
    }
    Ok(shown)
}

fn drawn(e: &Experiment) -> Result<(&SchedulePlan, Schedule)> {
    let plan = e.assignment.schedule.as_ref();
    plan.zip(schedule::draw(e))
        .ok_or_else(|| Error::internal("a schedule without a design"))
}

fn show(e: &Experiment, plan: &SchedulePlan, schedule: &Schedule) -> Drawn {
    let blocks = e.blocks();
    let mut balance = vec![Balance::default(); e.arms.len()];
    let mut places = vec![0u64; e.arms.len()];
    let mut rows = Vec::new();
    for (r, region) in plan.regions.iter().enumerate() {
        let of_region = (0..blocks.len()).map(|b| schedule::arm(e, schedule, r, b));
        let of_region: Vec<usize> = of_region.collect();
        for (b, arm) in of_region.iter().enumerate() {
            let own = &mut balance[*arm];
            own.region_blocks += 1;
            for day in plan.washout_days..plan.block_days {
                own.region_days += 1;
                let weekday = weekday(blocks[b].0, day);
                own.weekdays[weekday] += 1;
                places[*arm] += b as u64 * u64::from(plan.block_days) + u64::from(day) + 1;
            }
        }
        rows.push((region.clone(), of_region));
    }
    for (own, places) in balance.iter_mut().zip(places) {
        own.mean_day = (own.region_days > 0).then(|| places as f64 / own.region_days as f64);
    }
    let frame = schedule::frame(e);
    Drawn {
        pilot: e.name.clone(),
        design: plan.design.name(),
        regions: plan.regions.len(),
        blocks: blocks.len(),
        block_days: plan.block_days,
        washout_days: plan.washout_days,
        arms: e.arms.iter().map(|a| a.name.clone()).zip(balance).collect(),
        schedules: frame
            .and_then(|f| f.every(MOST_SCHEDULES))
            .map(|all| all.number()),
        rows,
    }
}

/// Monday is 0.
fn weekday(first: Date, plus: u32) -> usize {
    let monday = first.weekday().to_monday_zero_offset();
    (usize::from(monday.unsigned_abs()) + plus as usize) % 7
}

fn report(drawn: &Drawn, opened: &Opened, g: &Global, ui: &Ui) -> Result<()> {
    if ui.json {
        return ui.document(drawn);
    }
    let e = opened.experiment();
    let verb = if g.dry_run { "would get" } else { "have" };
    ui.say(format!(
        "{} {verb} an arm in each of {} blocks of {} days ({}).",
        match drawn.regions {
            1 => "1 region".to_owned(),
            n => format!("{} regions", count(n as u64)),
        },
        drawn.blocks,
        drawn.block_days,
        drawn.design
    ))?;
    let width = drawn.rows.iter().take(SHOWN).map(|r| r.0.chars().count());
    let width = width.max().unwrap_or(0).max(8);
    for (region, arms) in drawn.rows.iter().take(SHOWN) {
        let marks = arms
            .iter()
            .take(2 * SHOWN)
            .map(|arm| match e.arms[*arm].control {
                true => " ·",
                false => " #",
            });
        let more = if arms.len() > 2 * SHOWN { " …" } else { "" };
        let shown = region.escape_debug().to_string();
        ui.say(format!(
            "  {shown:<width$} {}{more}",
            marks.collect::<String>()
        ))?;
    }
    if drawn.rows.len() > SHOWN {
        ui.say(format!("  … and {} more regions", drawn.rows.len() - SHOWN))?;
    }
    ui.say("  · control   # treatment, block by block")?;
    ui.say("Balance over the days that count:")?;
    let days: String = WEEKDAYS.map(|d| format!(" {d:>6}")).concat();
    ui.say(format!(
        "  {:<24} {:>7} {:>7}{days} {:>9}",
        "", "blocks", "days", "mean day"
    ))?;
    for arm in &e.arms {
        let own = &drawn.arms[&arm.name];
        let days: String = own.weekdays.map(|n| format!(" {:>6}", count(n))).concat();
        ui.say(format!(
            "  {:<24} {:>7} {:>7}{days} {:>9}",
            arm.name,
            count(own.region_blocks),
            count(own.region_days),
            own.mean_day.map_or_else(|| "–".to_owned(), |d| fixed(d, 1)),
        ))?;
    }
    if let Some(number) = drawn.schedules {
        ui.say(format!(
            "{} schedules could have been drawn; the randomisation test looks at all of them.",
            count(number)
        ))?;
        // Of a schedule and its mirror image the two-sided test sees the same.
        if 2.0 / number as f64 > e.analysis.alpha {
            ui.warn(format!(
                "with so few schedules the randomisation test can hardly go below p = {}: take more regions or shorter blocks (few-schedules)",
                fixed((2.0 / number as f64).min(1.0), 3)
            ));
        }
    }
    if g.dry_run {
        return ui.next(format!("pilot assign {} without --dry-run", drawn.pilot));
    }
    ui.say(format!(
        "schedule {}",
        opened.pilot.assignment_path().display()
    ))?;
    ui.next(format!(
        "deliver by this schedule; after the last block `pilot analyze {}`",
        drawn.pilot
    ))
}

/// The blocks of one region, from the file.
fn one(region: &str, opened: &Opened, ui: &Ui) -> Result<()> {
    if opened.pilot.checked_assignment()?.is_none() {
        return Err(Error::workspace("no region has an arm yet")
            .hint(format!("run `pilot assign {}` first", opened.pilot.name())));
    }
    let path: PathBuf = opened.pilot.assignment_path();
    let damaged =
        |e: csv::Error| Error::workspace(format!("the schedule cannot be read: {e}")).file(&path);
    let mut csv = csv::Reader::from_path(&path).map_err(damaged)?;
    let mut found = Vec::new();
    for record in csv.records() {
        let record = record.map_err(damaged)?;
        if record.get(0) == Some(region) {
            let field = |i: usize| record.get(i).unwrap_or_default().to_owned();
            found.push([field(2), field(3), field(4)]);
        }
    }
    if found.is_empty() {
        let plan = opened.experiment().assignment.schedule.as_ref();
        let regions = plan.map_or(&[][..], |s| &s.regions);
        let error = Error::new(Kind::Data, "this region is not in the schedule").key("--id");
        let near = crate::error::nearest(region, regions.iter().map(String::as_str));
        return Err(match near {
            Some(near) => error.hint(format!("perhaps \"{near}\" is meant")),
            None => error.hint(
                "regions compare byte for byte; the plan lists them under assignment.regions",
            ),
        });
    }
    if ui.json {
        let blocks: Vec<_> = found
            .iter()
            .map(|[from, to, arm]| serde_json::json!({ "from": from, "to": to, "arm": arm }))
            .collect();
        return ui.document(&serde_json::json!({ "region": region, "blocks": blocks }));
    }
    for [from, to, arm] in found {
        ui.say(format!("{from} to {to}  {arm}"))?;
    }
    Ok(())
}
