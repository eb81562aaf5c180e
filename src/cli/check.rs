//! `pilot check`: plan, files and columns, health, as far as things exist.

use crate::analysis::{self, Phase, Status};
use crate::engine::{self, SetAside};
use crate::error::{Error, Kind, Result};
use crate::experiment::{self, Experiment, Method};
use crate::number::count;
use crate::report::text::{columns, plain, wrap};

use super::Global;
use super::pilot::{self, Opened};
use super::re_estimate;
use super::status::next_step;
use super::ui::Ui;

/// Check the plan, then files and columns, then health, as far as things exist. Writes nothing, but for --re-estimate.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  pilot check fee-questions\n  pilot check fee-questions --re-estimate --reduction 0.2    is it large enough? Arms are not looked at"
)]
pub struct Args {
    /// A pilot's name, or a path to its plan
    name: String,
    #[command(flatten)]
    size: re_estimate::ReEstimateArgs,
}

/// Runs the command.
pub fn run(args: &Args, g: &Global, ui: &Ui) -> Result<()> {
    let opened = pilot::open(&args.name, g)?;
    let experiment = opened.experiment();
    let until = match args.size.re_estimate {
        true => Some(args.size.until(experiment)?),
        false => None,
    };
    let warnings = experiment::warnings(experiment);
    ui.say(format!(
        "plan    ok   {}, {}",
        things(experiment.arms.len() as u64, "arm"),
        things(experiment.outcomes.len() as u64, "outcome")
    ))?;
    for w in &warnings {
        ui.warn(format!("{} ({})", w.message, w.id));
    }
    let mut report = serde_json::json!({ "pilot": opened.pilot.name(), "plan_sha256": opened.plan.sha256,
        "warnings": warnings.iter().map(|w| serde_json::json!({ "id": w.id, "message": w.message })).collect::<Vec<_>>() });
    if experiment.data.is_none() {
        ui.say("data    –    the plan names no data yet")?;
        return finish(
            &report,
            ui,
            &format!("name the data in the plan, then {}", next_step(&opened)?),
        );
    }
    let assigned = experiment.assignment.method == Method::Existing
        || opened.pilot.checked_assignment()?.is_some();
    let missing = engine::missing(experiment, opened.pilot.workspace().root())?;
    if !assigned || !missing.is_empty() && runs(experiment) {
        files(&opened, &missing, g, ui)?;
        if !assigned {
            ui.say(match experiment.assignment.schedule {
                Some(_) => "data    –    no region has an arm yet",
                None => "data    –    no customer has an arm yet",
            })?;
        }
        report["missing_files"] = serde_json::json!(missing);
        return finish(&report, ui, &next_step(&opened)?);
    }
    let assignment = opened.assignment()?;
    let progress = ui.progress("reading");
    let tick = pilot::ticking(&progress);
    let request = opened.request(assignment.as_deref(), g, &tick);
    let scan = engine::scan(&re_estimate::cut(request, until))?;
    progress.done();
    let audit = &scan.evidence.audit;
    ui.say(format!(
        "data    ok   {}, {}, {} set aside",
        things(audit.rows_read, "row"),
        things(
            audit.customers,
            match experiment.assignment.schedule {
                Some(_) => "region-block",
                None => "customer",
            }
        ),
        things(audit.set_aside, "row")
    ))?;
    aside_lines(&scan.set_aside, audit.set_aside, ui)?;
    let checks = analysis::analyze(experiment, &scan.evidence, Phase::Running)?.checks;
    for c in &checks {
        let detail = plain(&c.detail);
        let lines = wrap(&detail, ui.width.saturating_sub(INDENT) as f64, |t| {
            columns(t) as f64
        });
        for (i, line) in lines.into_iter().enumerate() {
            let (id, status) = if i == 0 {
                (c.id.as_str(), c.status.name())
            } else {
                ("", "")
            };
            ui.say(format!("{id:<20} {status:<8} {}", &detail[line]))?;
        }
    }
    if let Some(until) = until {
        report["size"] = re_estimate::run(&args.size, until, &opened, &scan.evidence, g, ui)?;
    }
    report["audit"] = serde_json::to_value(audit).unwrap_or_default();
    report["checks"] = serde_json::to_value(&checks).unwrap_or_default();
    if let Some(stop) = checks.iter().find(|c| c.status == Status::Stop) {
        let error = Error::new(
            Kind::Check,
            format!(
                "the check \"{}\" stops the analysis: {}",
                stop.id, stop.detail
            ),
        )
        .hint(format!("`pilot explain {}` says what to look for", stop.id));
        return ui.stopped(&report, error);
    }
    finish(&report, ui, &next_step(&opened)?)
}

/// Whether contacts are still to come: no last day of the test period has passed.
fn runs(experiment: &Experiment) -> bool {
    let windows = experiment.periods.as_ref().map(|p| &p.windows);
    let end = windows.and_then(analysis::last_day);
    match windows {
        None => false,
        Some(_) => end.is_none_or(|end| pilot::today(experiment) <= end),
    }
}

/// Files and columns, as far as they exist.
fn files(opened: &Opened, missing: &[&str], g: &Global, ui: &Ui) -> Result<()> {
    let progress = ui.progress("reading");
    let tick = pilot::ticking(&progress);
    let found = engine::found(&opened.request(None, g, &tick))?;
    progress.done();
    let parts = [
        ("roster", "row", found.customers),
        ("log", "first row", found.contacts),
    ];
    for (part, rows, sample) in parts {
        let Some(sample) = sample else { continue };
        let aside = sample.set_aside.len() as u64;
        ui.say(format!(
            "{part:<7} ok   {}, {} set aside",
            things(sample.rows, rows),
            count(aside)
        ))?;
        aside_lines(&sample.set_aside, aside, ui)?;
        if sample.too_many {
            ui.warn(format!(
                "{} of the {} of the {part} cannot be read, more than max_bad_rows allows: `pilot ingest` would stop",
                count(aside),
                things(sample.rows, rows)
            ));
        }
    }
    for path in missing {
        ui.say(format!("data    –    {path} is not there yet"))?;
    }
    Ok(())
}

/// The first rows set aside, and why.
fn aside_lines(rows: &[SetAside], all: u64, ui: &Ui) -> Result<()> {
    for row in rows.iter().take(5) {
        ui.say(format!(
            "             {}:{}: {}",
            row.file.display(),
            row.line,
            row.reason
        ))?;
    }
    let more = all.saturating_sub(5);
    if more > 0 {
        let more = count(more);
        ui.say(format!(
            "             and {more} more; `pilot ingest` writes them all to set-aside.txt"
        ))?;
    }
    Ok(())
}

/// Columns before a check's words.
const INDENT: usize = 30;

/// "1 arm", "4 arms".
fn things(n: u64, what: &str) -> String {
    format!("{} {what}{}", count(n), if n == 1 { "" } else { "s" })
}

fn finish(report: &serde_json::Value, ui: &Ui, next: &str) -> Result<()> {
    if ui.json {
        return ui.document(report);
    }
    ui.next(next)
}
