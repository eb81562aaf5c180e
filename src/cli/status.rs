//! `pilot status`: all pilots and the next step of each.

use serde::Serialize;

use crate::decision::VerdictKind;
use crate::error::Result;
use crate::experiment::{self, Method, Plan};
use crate::report::text::plain;
use crate::workspace::{Entry, Ledger, Pilot, kind};

use super::Global;
use super::pilot::{self, Opened, Standing};
use super::ui::Ui;

/// All pilots of the workspace, where each stands, and its next step.
#[derive(Debug, clap::Args)]
pub struct Args {}

#[derive(Serialize)]
struct Row {
    pilot: String,
    state: String,
    analyses: u64,
    seal: Option<String>,
    next: String,
}

/// Runs the command.
pub fn run(_: &Args, g: &Global, ui: &Ui) -> Result<()> {
    let workspace = pilot::workspace(g)?;
    let plans = workspace.plans()?;
    let mut rows = Vec::new();
    for name in &plans.names {
        let pilot = workspace.pilot(name)?;
        pilot::report_ignored(&pilot, ui)?;
        rows.push(row(pilot));
    }
    for path in &plans.misnamed {
        ui.warn(format!(
            "{} is no pilot: a name is a-z, 0-9 and -",
            path.display()
        ));
    }
    if ui.json {
        return ui.document(&rows);
    }
    if rows.is_empty() {
        ui.say("no pilot yet")?;
        return ui.next("pilot design NAME");
    }
    let width = rows.iter().map(|r| r.pilot.len()).max().unwrap_or(0);
    let state = rows
        .iter()
        .map(|r| r.state.chars().count())
        .max()
        .unwrap_or(0);
    for r in &rows {
        let pad = state - r.state.chars().count();
        ui.say(format!(
            "{:<width$}  {}{}  {}",
            r.pilot,
            r.state,
            " ".repeat(pad),
            r.next
        ))?;
    }
    let open = rows.iter().find(|r| r.analyses == 0).unwrap_or(&rows[0]);
    ui.next(&open.next)
}

fn row(pilot: Pilot) -> Row {
    let name = pilot.name().to_string();
    let plan = match pilot
        .plan()
        .and_then(|bytes| experiment::parse_bytes(&bytes, &pilot.plan_path()))
    {
        Ok(plan) => plan,
        Err(e) => {
            let next = format!("mend the plan: {}", e.message());
            return Row {
                pilot: name,
                state: "plan is wrong".into(),
                analyses: 0,
                seal: None,
                next,
            };
        }
    };
    match standing(&Opened { pilot, plan }) {
        Ok(row) => row,
        Err(e) => Row {
            pilot: name,
            state: "trouble".into(),
            analyses: 0,
            seal: None,
            next: e.message().to_string(),
        },
    }
}

/// The next step of a pilot whose plan is read.
///
/// # Errors
/// A ledger or assignment that was tampered with.
pub fn next_step(opened: &Opened) -> Result<String> {
    standing(opened).map(|row| row.next)
}

/// The decision under the last analysis, where it was signed.
fn signed(ledger: &Ledger) -> Option<String> {
    let fact = |name: &str, entry: &Entry| {
        let text = entry.facts.get(name).and_then(|v| v.as_str());
        text.map(|t| plain(t).into_owned())
    };
    let decides = |e: &&Entry| e.kind == kind::SIGN || e.kind == kind::ANALYZE;
    let last = ledger.entries().iter().rev().find(decides)?;
    let decision = (last.kind == kind::SIGN).then(|| fact("decision", last))??;
    Some(match fact("arm", last) {
        Some(arm) => format!("{decision} {arm}"),
        None => decision,
    })
}

/// Whether a health check stopped the last analysis.
fn was_blocked(ledger: &Ledger) -> bool {
    let last = ledger
        .entries()
        .iter()
        .rev()
        .find(|e| e.kind == kind::ANALYZE);
    let verdict = last.and_then(|e| e.facts.get("verdict")?.as_str());
    verdict == Some(VerdictKind::Blocked.name())
}

fn standing(opened: &Opened) -> Result<Row> {
    let name = opened.pilot.name();
    let ledger = opened.pilot.ledger()?;
    let standing = Standing::of(opened, &ledger)?;
    let Plan { experiment, .. } = &opened.plan;
    let assigned = experiment.assignment.method == Method::Existing
        || opened.pilot.checked_assignment()?.is_some();
    let analyses = ledger.count(kind::ANALYZE);
    let end = pilot::after_window(experiment).map(|w| w.1);
    let running = end.is_some_and(|end| pilot::today(experiment) <= end);
    let approved = standing.approval.is_some();
    let decided = signed(&ledger);
    let (state, next) = match (approved, assigned, running, analyses) {
        (_, _, _, n) if n > 0 && decided.is_some() => (
            format!("signed: {}", decided.unwrap_or_default()),
            format!("pilot verify {name} --seal SEAL"),
        ),
        (_, _, _, n) if n > 0 => (
            match was_blocked(&ledger) {
                true => format!("blocked ({n})"),
                false => format!("analysed ({n})"),
            },
            format!("read reports/{name}/summary.md"),
        ),
        (false, ..) => (
            "designed".into(),
            format!("pilot approve {name} --role finance --by NAME"),
        ),
        (true, ..) if experiment.data.is_none() => (
            "approved".into(),
            format!("name the data in the plan, then pilot approve {name} again"),
        ),
        (true, false, ..) => ("approved".into(), format!("pilot assign {name}")),
        (true, true, true, _) => (
            format!(
                "runs until {}",
                end.map(|d| d.to_string()).unwrap_or_default()
            ),
            format!("pilot check {name}"),
        ),
        (true, true, false, _) => ("ready".into(), format!("pilot analyze {name}")),
    };
    let state = match &experiment.second_stage_of {
        Some(first) => format!("{state}, second stage of {first}"),
        None => state,
    };
    Ok(Row {
        pilot: name.into(),
        state,
        analyses,
        seal: standing.seal(),
        next,
    })
}
