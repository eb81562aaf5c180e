//! `pilot assign`: customers → arms.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;

use jiff::Timestamp;
use serde::Serialize;

use crate::assign::{
    Assignment, AssignmentReader, AssignmentRow, AssignmentWriter, Roster, Scheme,
};
use crate::engine::{self, RosterRow, SetAside};
use crate::error::{Error, Kind, Result};
use crate::experiment::{Experiment, Method};
use crate::number::{self, count};
use crate::stats::srm;
use crate::workspace::{Draft, kind};

use super::Global;
use super::disjoint::{self, Known, Seen};
use super::mailing::{self, Mailing};
use super::pilot::{self, Opened};
use super::schedule;
use super::ui::Ui;

/// Put customers into arms. A finished assignment is never overwritten.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  pilot assign fee-questions\n  pilot assign fee-questions --split      one mailing file per arm besides\n  pilot assign fee-questions --id C-1042  the arm of one customer\n\nWith method = \"hashed\", assign may run again: new customers are appended, old ones keep their arm; --split then\nwrites the new ones to data/NAME-ARM-0002.csv and so on, and no file is written over.\nRows of the roster that cannot be read are set aside and named; their customers get no arm."
)]
pub struct Args {
    /// A pilot's name, or a path to its plan
    name: String,
    /// Write one mailing file per arm besides, in data/
    #[arg(long)]
    split: bool,
    /// Print the arm of one customer
    #[arg(long, value_name = "CUSTOMER", conflicts_with = "split")]
    id: Option<String>,
}

#[derive(Serialize)]
struct Shown {
    pilot: String,
    method: &'static str,
    customers: u64,
    new: u64,
    repeated_rows: u64,
    /// Rows that cannot be read; their customers have no arm.
    set_aside: Vec<Aside>,
    arms: BTreeMap<String, u64>,
    strata: Vec<StratumShown>,
    srm_p: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<String>,
    /// Mailing files of customers who came after the first ones were written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    later_files: Vec<String>,
}

impl Shown {
    fn say_files(&mut self, mailing: &Mailing) {
        self.files.clone_from(&mailing.files);
        self.later_files = mailing.later.iter().map(|(name, _)| name.clone()).collect();
    }
}

#[derive(Serialize)]
struct Aside {
    file: String,
    line: u64,
    column: Option<String>,
    reason: String,
}

impl Aside {
    fn of(row: SetAside) -> Self {
        Aside {
            file: row.file.display().to_string(),
            line: row.line,
            column: row.column,
            reason: row.reason,
        }
    }
}

#[derive(Serialize)]
struct StratumShown {
    stratum: Vec<String>,
    arms: Vec<u64>,
}

/// Runs the command.
pub fn run(args: &Args, g: &Global, ui: &Ui) -> Result<()> {
    let opened = pilot::open(&args.name, g)?;
    if opened.experiment().assignment.schedule.is_some() {
        return schedule::run(&opened, args.id.as_deref(), args.split, g, ui);
    }
    if let Some(id) = &args.id {
        return one(id, &opened, ui);
    }
    let shown = assign(&opened, args.split, g, ui)?;
    report(&shown, &opened, g, ui)
}

/// Assigns without saying so.
///
/// # Errors
/// As the command.
pub fn silently(name: &str, g: &Global, ui: &Ui) -> Result<()> {
    let opened = pilot::open(name, g)?;
    if opened.experiment().assignment.schedule.is_some() {
        return schedule::assign(&opened, g, ui).map(|_| ());
    }
    assign(&opened, false, g, ui).map(|_| ())
}

fn assign(opened: &Opened, split_files: bool, g: &Global, ui: &Ui) -> Result<Shown> {
    let experiment = opened.experiment();
    let scheme = Scheme::of(experiment).map_err(|p| p.at(|row| row as u64 + 1))?;
    let lock = if g.dry_run {
        None
    } else {
        Some(opened.pilot.lock("assign", Timestamp::now())?)
    };
    if let Some(lock) = &lock {
        pilot::report_repairs(lock, ui);
    }
    let hashed = experiment.assignment.method == Method::Hashed;
    let before = existing(opened)?;
    if before.is_some() && !hashed {
        if split_files {
            return split_again(opened, g);
        }
        return Err(Error::workspace("the customers already have their arms")
            .file(opened.pilot.assignment_path())
            .hint("an assignment is never overwritten: --id and --split read it; to begin anew, copy the plan under another name"));
    }
    if split_files && before.is_none() {
        mailing::are_new(opened)?;
    }
    let Customers {
        roster,
        lines,
        set_aside,
    } = roster(opened, g, ui)?;
    let line = |row: usize| lines.get(row).copied().unwrap_or(0);
    let file = lines_file(experiment);
    match Known::of(opened, g, ui)? {
        None => {}
        Some(Ok(known)) => {
            known.refuse((0..roster.len()).map(|row| Seen {
                unit: roster.unit(row),
                cluster: roster.cluster(row),
                file: &file,
                line: line(row),
            }))?;
        }
        Some(Err(why)) => ui.warn(disjoint::unchecked(&why)),
    }
    let at = |p: crate::assign::Problem| p.at(line).file(file.clone());
    // An extended assignment takes everyone who has an arm for a repeat.
    let rows_again = before
        .is_some()
        .then(|| (roster.len() - distinct(&roster)) as u64);
    let (roster, assignment, old) = match before {
        Some((before, arms)) => {
            let old = before.len() as u64;
            let (all, assignment) = scheme.extend(&before, &arms, &roster).map_err(at)?;
            (all, assignment, old)
        }
        None if hashed => {
            let assignment = scheme.hashed(&roster).map_err(at)?;
            (roster, assignment, 0)
        }
        None => {
            let assignment = scheme.complete(&roster).map_err(at)?;
            (roster, assignment, 0)
        }
    };
    let mut shown = show(opened, &assignment, old);
    shown.repeated_rows = rows_again.unwrap_or(shown.repeated_rows);
    shown.set_aside = set_aside.into_iter().map(Aside::of).collect();
    let arms: Vec<_> = (0..roster.len()).map(|row| assignment.arm(row)).collect();
    let mailing = match split_files {
        true => mailing::due(opened, &roster, &arms)?,
        false => Mailing::default(),
    };
    if let Some(lock) = &lock {
        let mut whole = lock.begin_assignment()?;
        write_rows(opened, &roster, &arms, None, &mut whole)?;
        let draft = Draft::new(kind::ASSIGN, Timestamp::now())
            .fact("customers", shown.customers)
            .fact("plan_sha256", opened.plan.sha256.clone());
        lock.commit_assignment(whole, draft)?;
        mailing.write()?;
    }
    shown.say_files(&mailing);
    Ok(shown)
}

/// The mailing files of an assignment that is there already.
fn split_again(opened: &Opened, g: &Global) -> Result<Shown> {
    let (roster, arms) = read_assignment(opened)?;
    let e = opened.experiment();
    let mut by_arm = vec![0u64; e.arms.len()];
    for arm in &arms {
        by_arm[*arm] += 1;
    }
    let arms: Vec<Option<usize>> = arms.into_iter().map(Some).collect();
    let weights: Vec<u64> = e.arms.iter().filter_map(|a| a.weight).collect();
    let clustered = e.assignment.cluster.is_some();
    let mailing = mailing::due(opened, &roster, &arms)?;
    if !g.dry_run {
        mailing.write()?;
    }
    let mut shown = Shown {
        pilot: opened.pilot.name().into(),
        method: "complete",
        customers: roster.len() as u64,
        new: 0,
        repeated_rows: 0,
        set_aside: Vec::new(),
        srm_p: (!clustered)
            .then(|| srm::goodness_of_fit(&by_arm, &weights).map(|t| t.p_value))
            .flatten(),
        arms: e.arms.iter().map(|a| a.name.clone()).zip(by_arm).collect(),
        strata: Vec::new(),
        files: Vec::new(),
        later_files: Vec::new(),
    };
    shown.say_files(&mailing);
    Ok(shown)
}

/// Customers of a roster, each once.
fn distinct(roster: &Roster) -> usize {
    let units: HashSet<&str> = (0..roster.len()).map(|row| roster.unit(row)).collect();
    units.len()
}

fn lines_file(experiment: &Experiment) -> std::path::PathBuf {
    engine::roster_path(experiment).unwrap_or_default().into()
}

fn existing(opened: &Opened) -> Result<Option<(Roster, Vec<usize>)>> {
    if opened.pilot.checked_assignment()?.is_none() {
        return Ok(None);
    }
    read_assignment(opened).map(Some)
}

fn read_assignment(opened: &Opened) -> Result<(Roster, Vec<usize>)> {
    let path = opened.pilot.assignment_path();
    let file = std::fs::File::open(&path).map_err(|e| Error::io("read", &path, &e))?;
    let e = opened.experiment();
    let names: Vec<String> = e.arms.iter().map(|a| a.name.clone()).collect();
    AssignmentReader::new(
        file,
        &names,
        &e.assignment.strata,
        e.assignment.cluster.is_some(),
    )
    .and_then(AssignmentReader::read_all)
    .map_err(|error| error.file(&path))
}

/// The customers of a roster.
pub struct Customers {
    /// Who they are.
    pub roster: Roster,
    /// The line of each.
    pub lines: Vec<u64>,
    /// Rows that cannot be read as a customer.
    pub set_aside: Vec<SetAside>,
}

/// The customers of the pilot.
///
/// # Errors
/// A roster that cannot be read.
pub fn roster(opened: &Opened, g: &Global, ui: &Ui) -> Result<Customers> {
    let progress = ui.progress("reading customers");
    let tick = pilot::ticking(&progress);
    let request = opened.request(None, g, &tick);
    let mut roster = Roster::new(opened.experiment().assignment.cluster.is_some());
    let mut lines = Vec::new();
    let set_aside = engine::read_roster(&request, &mut |row: RosterRow<'_>| {
        lines.push(row.line);
        roster
            .push(row.unit, row.strata, row.cluster)
            .map_err(|p| p.at(|_| row.line).file(row.file))
    })?;
    Ok(Customers {
        roster,
        lines,
        set_aside,
    })
}

/// Writes an assignment file, or one arm of it.
///
/// # Errors
/// It cannot be written.
pub fn write_rows(
    opened: &Opened,
    roster: &Roster,
    arms: &[Option<usize>],
    only: Option<usize>,
    to: &mut impl Write,
) -> Result<()> {
    let e = opened.experiment();
    let path = opened.pilot.assignment_path();
    let fail = |cause: std::io::Error| Error::io("write", &path, &cause);
    let names: Vec<String> = e.arms.iter().map(|a| a.name.clone()).collect();
    let mut writer = AssignmentWriter::new(
        to,
        &names,
        &e.assignment.strata,
        e.assignment.cluster.is_some(),
    )
    .map_err(fail)?;
    for (i, arm) in arms.iter().enumerate() {
        // A row without an arm repeats an earlier one.
        if let Some(arm) = *arm
            && only.is_none_or(|wanted| wanted == arm)
        {
            let row = AssignmentRow {
                unit: roster.unit(i),
                arm,
                strata: roster.strata(i),
                cluster: roster.cluster(i),
            };
            writer.write(row).map_err(fail)?;
        }
        if i % 65_536 == 0 {
            crate::interrupt::check()?;
        }
    }
    writer.finish().map_err(fail)?;
    Ok(())
}

fn show(opened: &Opened, assignment: &Assignment, old: u64) -> Shown {
    let e = opened.experiment();
    let by_arm = assignment.units_by_arm();
    let randomised = assignment
        .clusters_by_arm()
        .unwrap_or_else(|| by_arm.clone());
    let weights: Vec<u64> = e.arms.iter().filter_map(|a| a.weight).collect();
    let customers = by_arm.iter().sum();
    Shown {
        pilot: opened.pilot.name().into(),
        method: if e.assignment.method == Method::Hashed {
            "hashed"
        } else {
            "complete"
        },
        customers,
        new: customers - old,
        repeated_rows: assignment.duplicates(),
        set_aside: Vec::new(),
        arms: e.arms.iter().map(|a| a.name.clone()).zip(by_arm).collect(),
        strata: assignment
            .sizes()
            .iter()
            .map(|s| StratumShown {
                stratum: s.values.clone(),
                arms: s.units.clone(),
            })
            .collect(),
        srm_p: srm::goodness_of_fit(&randomised, &weights).map(|t| t.p_value),
        files: Vec::new(),
        later_files: Vec::new(),
    }
}

fn report(shown: &Shown, opened: &Opened, g: &Global, ui: &Ui) -> Result<()> {
    if ui.json {
        return ui.document(shown);
    }
    let verb = if g.dry_run { "would get" } else { "have" };
    ui.say(format!(
        "{} customers {verb} an arm ({}).",
        count(shown.customers),
        shown.method
    ))?;
    if shown.new != shown.customers {
        ui.say(match shown.new {
            0 => "  None of them is new: everyone keeps the arm.".to_string(),
            1 => "  1 of them is new; the others keep their arm.".to_string(),
            n => format!("  {} of them are new; the others keep their arm.", count(n)),
        })?;
    }
    if shown.repeated_rows > 0 {
        ui.say(match shown.repeated_rows {
            1 => "  1 repeated row of the roster was counted once.".to_string(),
            n => format!(
                "  {} repeated rows of the roster were counted once.",
                count(n)
            ),
        })?;
    }
    for line in aside_lines(&shown.set_aside) {
        ui.say(format!("  {line}"))?;
    }
    let arms: Vec<&str> = opened
        .experiment()
        .arms
        .iter()
        .map(|a| a.name.as_str())
        .collect();
    let width = arms.iter().map(|a| a.len()).max().unwrap_or(0).max(9);
    let mut head = format!("  {:<24}", "");
    for arm in &arms {
        head.push_str(&format!("  {arm:>width$}"));
    }
    ui.say(head)?;
    if shown.strata.is_empty() || opened.experiment().assignment.strata.is_empty() {
        let row: String = arms
            .iter()
            .map(|a| format!("  {:>width$}", count(shown.arms[*a])))
            .collect();
        ui.say(format!("  {:<24}{row}", "customers"))?;
    } else {
        for s in shown.strata.iter().take(30) {
            let row: String = s
                .arms
                .iter()
                .map(|n| format!("  {:>width$}", count(*n)))
                .collect();
            ui.say(format!(
                "  {:<24}{row}",
                s.stratum.join(" / ").escape_debug().to_string()
            ))?;
        }
        if shown.strata.len() > 30 {
            ui.say(format!("  … and {} more strata", shown.strata.len() - 30))?;
        }
        let row: String = arms
            .iter()
            .map(|a| format!("  {:>width$}", count(shown.arms[*a])))
            .collect();
        ui.say(format!("  {:<24}{row}", "all"))?;
    }
    if let Some(p) = shown.srm_p {
        let words = if p < 0.001 {
            "sizes do NOT fit the planned weights"
        } else {
            "sizes fit the planned weights"
        };
        ui.say(format!(
            "Sample-ratio check: {words} ({}).",
            number::p_value(p)
        ))?;
    }
    for file in &shown.files {
        ui.say(format!("mailing file {file}"))?;
    }
    for file in &shown.later_files {
        ui.say(format!(
            "mailing file {file}   only the customers whom the earlier ones do not hold"
        ))?;
    }
    if g.dry_run {
        return ui.next(format!("pilot assign {} without --dry-run", shown.pilot));
    }
    ui.say(format!(
        "assignment {}",
        opened.pilot.assignment_path().display()
    ))?;
    ui.next(format!(
        "deliver the interventions; after the test period `pilot analyze {}`",
        shown.pilot
    ))
}

/// Rows set aside that are shown one by one.
const ASIDE_SHOWN: usize = 5;

/// Which rows of the roster are no customers, and why.
fn aside_lines(rows: &[Aside]) -> Vec<String> {
    let mut lines = match rows.len() as u64 {
        0 => return Vec::new(),
        1 => vec!["1 row of the roster was set aside; its customer has no arm:".to_string()],
        n => vec![format!(
            "{} rows of the roster were set aside; their customers have no arm:",
            count(n)
        )],
    };
    for row in rows.iter().take(ASIDE_SHOWN) {
        lines.push(format!("  {}:{}: {}", row.file, row.line, row.reason));
    }
    if rows.len() > ASIDE_SHOWN {
        let more = count((rows.len() - ASIDE_SHOWN) as u64);
        lines.push(format!("  and {more} more"));
    }
    lines
}

fn one(id: &str, opened: &Opened, ui: &Ui) -> Result<()> {
    if opened.experiment().assignment.method == Method::Existing {
        return Err(Error::usage("the plan's arms are in the data")
            .key("--id")
            .hint("look the customer up in the data; `assign` knows only arms that it gave"));
    }
    let (roster, arms) = match opened.pilot.checked_assignment()? {
        Some(_) => read_assignment(opened)?,
        None => {
            return Err(Error::workspace("no customer has an arm yet")
                .hint(format!("run `pilot assign {}` first", opened.pilot.name())));
        }
    };
    let row = (0..roster.len())
        .find(|r| roster.unit(*r) == id)
        .ok_or_else(|| {
            Error::new(Kind::Data, "this customer is not in the assignment")
                .key("--id")
                .hint("identifiers compare byte for byte; mind leading zeros and blanks")
        })?;
    let arm = &opened.experiment().arms[arms[row]].name;
    if ui.json {
        return ui.document(&serde_json::json!({ "arm": arm }));
    }
    ui.say(arm)
}
