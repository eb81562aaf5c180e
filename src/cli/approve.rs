//! `pilot approve`: seal the plan.

use jiff::Timestamp;

use crate::error::{Error, Result};
use crate::experiment;
use crate::workspace::{Draft, kind};

use super::Global;
use super::first_stage;
use super::pilot::{self, Standing};
use super::ui::{Steps, Ui};

/// Seal the plan before data come in. Finance keeps the seal that is printed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  pilot approve fee-questions --role finance --by \"Ada Lovelace\""
)]
pub struct Args {
    /// A pilot's name, or a path to its plan
    name: String,
    /// Who approves, for example finance or owner
    #[arg(long)]
    role: String,
    /// The person's name
    #[arg(long, value_name = "NAME")]
    by: String,
}

/// Runs the command.
pub fn run(args: &Args, g: &Global, ui: &Ui) -> Result<()> {
    for (flag, text) in [("--role", &args.role), ("--by", &args.by)] {
        if text.trim().is_empty()
            || text.chars().count() > 200
            || text.chars().any(char::is_control)
        {
            return Err(
                Error::usage("a name is 1 to 200 characters without control characters").key(flag),
            );
        }
    }
    let opened = pilot::open(&args.name, g)?;
    if let Some(blocker) = experiment::approval_blockers(opened.experiment())
        .into_iter()
        .next()
    {
        return Err(blocker);
    }
    let first = first_stage::at_approval(&opened)?;
    let earlier = opened.pilot.ledger()?.latest_approval()?;
    if let Some(earlier) = earlier.filter(|a| a.plan_sha256.to_string() == opened.plan.sha256) {
        ui.warn(format!(
            "this plan is approved already (number {}, seal {}, by {}); reports carry the latest seal",
            earlier.number,
            earlier.seal,
            earlier.by.as_deref().unwrap_or("nobody named")
        ));
    }
    if g.dry_run {
        if ui.json {
            let file = opened.pilot.plan_path().display().to_string();
            return ui.plan(&Steps {
                reads: vec![file],
                writes: vec!["the ledger, and a sealed copy of the plan".into()],
            });
        }
        ui.say(experiment::describe(opened.experiment()))?;
        return ui.next("the same without --dry-run seals this plan");
    }
    let lock = opened.pilot.lock("approve", Timestamp::now())?;
    pilot::report_repairs(&lock, ui);
    let mut draft = Draft::new(kind::APPROVE, Timestamp::now()).by(&args.by, &args.role);
    if let Some(first) = &first {
        draft = first.record_in(draft);
    }
    let approval = lock.approve(opened.plan.text.as_bytes(), draft)?;
    let standing = Standing::of(&opened, &opened.pilot.ledger()?)?;
    if ui.json {
        return ui.document(&serde_json::json!({
            "pilot": opened.pilot.name(),
            "approval": approval.number,
            "plan_sha256": approval.plan_sha256.to_string(),
            "seal": approval.seal.to_string(),
            "by": args.by,
            "role": args.role,
            "banners": standing.banners,
            "first_stage": first.as_ref().map(|f| &f.record),
        }));
    }
    ui.say(experiment::describe(opened.experiment()))?;
    ui.say(format!(
        "Approved by {} ({}), number {}.",
        args.by, args.role, approval.number
    ))?;
    if let Some(first) = &first {
        ui.say(format!(
            "Second stage of {}, on its analysis {:04} of {} (seal {}).",
            first.record.name,
            first.record.analysis,
            first.record.as_of,
            first.record.seal.as_deref().unwrap_or("none")
        ))?;
    }
    ui.say(format!(
        "Seal: {}   (keep it: every report carries it)",
        approval.seal
    ))?;
    for banner in &standing.banners {
        ui.warn(format!(
            "{banner}: the test period had begun, or data had been read, before this approval"
        ));
    }
    let name = opened.pilot.name();
    let assigned = opened.experiment().assignment.method == experiment::Method::Existing
        || opened.pilot.checked_assignment()?.is_some();
    let next = if assigned {
        format!("pilot analyze {name}")
    } else {
        format!("pilot assign {name}")
    };
    ui.next(next)
}
