//! `pilot approve`: seal the plan.

use jiff::Timestamp;

use crate::error::Result;
use crate::experiment;
use crate::workspace::{Draft, kind, write_new};

use super::Global;
use super::first_stage;
use super::page;
use super::pilot::{self, CHANGED, Standing};
use super::ui::{Steps, Ui};
use super::who::Who;

/// Seal the plan before data come in. Finance keeps the seal that is printed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  pilot approve fee-questions --role finance --by \"Ada Lovelace\""
)]
pub struct Args {
    /// A pilot's name, or a path to its plan
    name: String,
    #[command(flatten)]
    who: Who,
}

/// Runs the command.
pub fn run(args: &Args, g: &Global, ui: &Ui) -> Result<()> {
    args.who.check()?;
    let opened = pilot::open(&args.name, g)?;
    if let Some(blocker) = experiment::approval_blockers(opened.experiment())
        .into_iter()
        .next()
    {
        return Err(blocker);
    }
    for w in experiment::warnings(opened.experiment()) {
        // Without [business] the page says so itself.
        let said = w.forbids_scaling() || w.scales_the_year();
        if said && opened.experiment().business.is_some() {
            ui.warn(format!("{} ({})", w.message, w.id));
        }
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
    let draft = args.who.sign(Draft::new(kind::APPROVE, Timestamp::now()));
    // So that `verify` knows whether it can make the page again.
    let mut draft = draft
        .fact("pilot_version", env!("CARGO_PKG_VERSION"))
        .fact("page", page::CAN_BE_MADE);
    if let Some(digest) = opened.pilot.checked_assignment()? {
        draft = draft.fact("assignment_sha256", digest.to_string());
    }
    if let Some(first) = &first {
        draft = first.record_in(draft);
    }
    let approval = lock.approve(opened.plan.text.as_bytes(), draft)?;
    let standing = Standing::of(&opened, &opened.pilot.ledger()?)?;
    let page = match page::of_plan(&opened.plan, Some(&approval), ui)? {
        Some(bytes) => {
            let path = opened
                .pilot
                .approved_path(approval.number)
                .with_extension("pdf");
            write_new(&path, &bytes)?;
            Some(path)
        }
        None => None,
    };
    if ui.json {
        return ui.document(&serde_json::json!({
            "pilot": opened.pilot.name(),
            "approval": approval.number,
            "plan_sha256": approval.plan_sha256.to_string(),
            "seal": approval.seal.to_string(),
            "by": args.who.by,
            "role": args.who.role,
            "page": page,
            "banners": standing.banners,
            "first_stage": first.as_ref().map(|f| &f.record),
        }));
    }
    ui.say(experiment::describe(opened.experiment()))?;
    ui.say(format!(
        "Approved by {} ({}), number {}.",
        args.who.by, args.who.role, approval.number
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
    if let Some(page) = &page {
        ui.say(format!("On one page: {}", page.display()))?;
    }
    for banner in &standing.banners {
        ui.warn(match standing.compared() {
            Some(before) if banner == CHANGED => format!(
                "{banner}: this plan is not that of approval {}, which it stays compared with; every report lists the changes and none advises to scale (`pilot diff {}`)",
                before.number,
                opened.pilot.name()
            ),
            _ => format!(
                "{banner}: the test period had begun, or data had been read, before this approval"
            ),
        });
    }
    let name = opened.pilot.name();
    let assigned = opened.experiment().assignment.method == experiment::Method::Existing
        || opened.pilot.checked_assignment()?.is_some();
    let next = if opened.experiment().data.is_none() {
        format!(
            "name the data in the plan ([data.customers] and [data.contacts], or [data.counts]), then pilot approve {name} again"
        )
    } else if assigned {
        format!("pilot analyze {name}")
    } else {
        format!("pilot assign {name}")
    };
    ui.next(next)
}
