//! `pilot assign`: customers → arms.

use std::collections::HashSet;

use jiff::Timestamp;

use crate::assign::{Roster, Scheme};
use crate::engine;
use crate::error::{Error, Kind, Result};
use crate::experiment::{Experiment, Method};
use crate::workspace::{Draft, kind};

use super::Global;
use super::assigned::Assigned;
use super::customers::{self, Customers};
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

/// Runs the command.
pub fn run(args: &Args, g: &Global, ui: &Ui) -> Result<()> {
    let opened = pilot::open(&args.name, g)?;
    if opened.experiment().assignment.schedule.is_some() {
        return schedule::run(&opened, args.id.as_deref(), args.split, g, ui);
    }
    if let Some(id) = &args.id {
        return one(id, &opened, ui);
    }
    assign(&opened, args.split, g, ui)?.tell(&opened, g, ui)
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

fn assign(opened: &Opened, split_files: bool, g: &Global, ui: &Ui) -> Result<Assigned> {
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
    let before = customers::read_assignment(opened)?;
    if let Some((roster, arms)) = before.as_ref().filter(|_| !hashed) {
        if split_files {
            return split_again(opened, roster, arms, g);
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
    } = customers::read_roster(opened, g, ui)?;
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
    let mut shown = Assigned::of(opened, &assignment, old).beside(set_aside);
    shown.repeated_rows = rows_again.unwrap_or(shown.repeated_rows);
    let arms: Vec<_> = (0..roster.len()).map(|row| assignment.arm(row)).collect();
    let mailing = match split_files {
        true => mailing::due(opened, &roster, &arms)?,
        false => Mailing::default(),
    };
    if let Some(lock) = &lock {
        let mut whole = lock.begin_assignment()?;
        customers::write_rows(opened, &roster, &arms, None, &mut whole)?;
        let draft = Draft::new(kind::ASSIGN, Timestamp::now())
            .fact("customers", shown.customers)
            .fact("plan_sha256", opened.plan.sha256.clone());
        lock.commit_assignment(whole, draft)?;
        mailing.write()?;
    }
    Ok(shown.mailed(&mailing))
}

/// The mailing files of an assignment that is there already.
fn split_again(opened: &Opened, roster: &Roster, arms: &[usize], g: &Global) -> Result<Assigned> {
    let mut by_arm = vec![0u64; opened.experiment().arms.len()];
    for arm in arms {
        by_arm[*arm] += 1;
    }
    let arms: Vec<Option<usize>> = arms.iter().copied().map(Some).collect();
    let mailing = mailing::due(opened, roster, &arms)?;
    if !g.dry_run {
        mailing.write()?;
    }
    Ok(Assigned::again(opened, by_arm).mailed(&mailing))
}

/// Customers of a roster, each once.
fn distinct(roster: &Roster) -> usize {
    let units: HashSet<&str> = (0..roster.len()).map(|row| roster.unit(row)).collect();
    units.len()
}

fn lines_file(experiment: &Experiment) -> std::path::PathBuf {
    engine::roster_path(experiment).unwrap_or_default().into()
}

fn one(id: &str, opened: &Opened, ui: &Ui) -> Result<()> {
    if opened.experiment().assignment.method == Method::Existing {
        return Err(Error::usage("the plan's arms are in the data")
            .key("--id")
            .hint("look the customer up in the data; `assign` knows only arms that it gave"));
    }
    let (roster, arms) = customers::read_assignment(opened)?.ok_or_else(|| {
        Error::workspace("no customer has an arm yet")
            .hint(format!("run `pilot assign {}` first", opened.pilot.name()))
    })?;
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
