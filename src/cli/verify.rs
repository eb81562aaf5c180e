//! `pilot verify`: whether everything is still what the ledger says.

use std::path::PathBuf;

use crate::error::Result;
use crate::report::{self, ApprovalRow};
use crate::workspace::{self, Entry, Note, Seal, Signature, Verified, Workspace, kind};

use super::Global;
use super::approvals::Approvals;
use super::page;
use super::pilot::here;
use super::report_fits;
use super::ui::Ui;

/// Recompute the ledger's chain and the digests of all that it names; needs no network.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  pilot verify fee-questions\n  pilot verify fee-questions --seal 7ZK4M0Q9XW2B8T3C     the seal that finance kept\n  pilot verify fee-questions --ssh-key ada.pub         signatures only by these keys\n\nThe first thing that does not fit is named, with exit code 3. Without a seal from outside, a ledger can only be consistent with itself: that its tail was cut or all of it written anew, only a seal shows that somebody else kept."
)]
pub struct Args {
    /// A pilot's name, or a path to its plan
    name: String,
    /// A seal that was kept elsewhere
    #[arg(long, value_name = "SEAL")]
    seal: Option<Seal>,
    /// Public keys, one a line, that may have signed entries
    #[arg(long, value_name = "FILE")]
    ssh_key: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &Args, g: &Global, ui: &Ui) -> Result<()> {
    let pilot = Workspace::locate(g.workspace.as_deref(), &here()?, &args.name)?;
    let verified = workspace::verify(&pilot, args.seal.as_ref(), args.ssh_key.as_deref())?;
    let mut notes: Vec<String> = verified.notes.iter().map(ToString::to_string).collect();
    let ledger = pilot.ledger()?;
    notes.extend(page::compared(&pilot, &ledger, ui)?);
    notes.extend(report_fits::notes(&pilot, &ledger)?);
    let approvals = Approvals::of(&pilot, &ledger)?.map_or_else(Vec::new, |a| a.rows);
    if ui.json {
        let entries: Vec<_> = (ledger.entries().iter())
            .zip(&verified.signatures)
            .map(|(entry, signature)| {
                serde_json::json!({
                    "number": entry.number, "kind": entry.kind, "at": entry.at.to_string(),
                    "by": entry.by, "role": entry.role, "facts": entry.facts,
                    "seal": entry.seal().to_string(), "signature": signed_by(signature),
                })
            })
            .collect();
        return ui.document(&serde_json::json!({
            "pilot": pilot.name(),
            "entries": entries,
            "seal": verified.seal.map(|s| s.to_string()),
            "proved_up_to": verified.proved_up_to,
            "approvals": approvals,
            "notes": notes,
        }));
    }
    for (entry, signature) in ledger.entries().iter().zip(&verified.signatures) {
        ui.say(line(entry, signature, &approvals))?;
    }
    ui.say(found(&verified))?;
    // The line above has said it.
    let unsaid = |note: &&String| **note != Note::NoOutsideProof.to_string();
    for note in notes.iter().filter(unsaid) {
        ui.note(format!("note: {note}"));
    }
    ui.next(match (&verified.seal, args.seal) {
        (Some(seal), None) => format!(
            "compare with the seal that finance kept: pilot verify {} --seal SEAL (the last is {seal})",
            pilot.name()
        ),
        (Some(seal), Some(_)) => format!("keep the last seal, {seal}"),
        (None, _) => format!("pilot approve {} --role finance --by NAME", pilot.name()),
    })
}

fn found(verified: &Verified) -> String {
    let entries = match verified.entries {
        0 => return "The ledger is empty.".into(),
        1 => "1 entry".to_owned(),
        n => format!("{n} entries"),
    };
    match verified.proved_up_to {
        Some(number) => format!(
            "{entries}: all fits, and the seal proves that nothing up to entry {number} was changed since it was made."
        ),
        None => format!("{entries}: consistent with itself; no outside proof without a seal."),
    }
}

/// An entry on one line.
fn line(entry: &Entry, signature: &Signature, approvals: &[ApprovalRow]) -> String {
    let fact = |name: &str| {
        entry.facts.get(name).map(|v| match v {
            serde_json::Value::String(text) => report::text::plain(text).into_owned(),
            other => other.to_string(),
        })
    };
    let what = match entry.kind.as_str() {
        kind::APPROVE => {
            let row = approvals
                .iter()
                .find(|a| Some(a.number) == entry.number_fact("approval"));
            row.map(|a| format!("plan {}, {}", a.number, in_time(a)))
        }
        kind::INGEST => fact("evidence").map(|n| format!("evidence {n}")),
        kind::ANALYZE => fact("analysis").map(|n| {
            let verdict = fact("verdict").map_or(String::new(), |v| format!(", verdict {v}"));
            format!("analysis {n}{verdict}")
        }),
        kind::WAIT => {
            fact("analysis").map(|n| format!("analysis {n}, before the end: nothing by arm"))
        }
        kind::SIGN => fact("decision").map(|decision| {
            let arm = fact("arm").map_or(String::new(), |arm| format!(" {arm}"));
            let analysis = fact("analysis").unwrap_or_default();
            format!("{decision}{arm}, on analysis {analysis}")
        }),
        _ => None,
    };
    let by = match (&entry.by, &entry.role) {
        (Some(by), Some(role)) => format!(
            ", by {} ({})",
            report::text::plain(by),
            report::text::plain(role)
        ),
        (Some(by), None) => format!(", by {}", report::text::plain(by)),
        _ => String::new(),
    };
    let signed = match signed_by(signature) {
        Some(said) => format!("\n      {said}"),
        None => String::new(),
    };
    format!(
        "{:>4}  {}  {:<8} {}{by}  [{}]{signed}",
        entry.number,
        entry.at.strftime("%Y-%m-%d %H:%M"),
        report::text::plain(&entry.kind),
        what.unwrap_or_default(),
        entry.seal(),
    )
}

/// Whether an approval came before the data, in words.
fn in_time(approval: &ApprovalRow) -> String {
    match (&approval.why, approval.late) {
        (Some(why), _) => report::text::plain(why).into_owned(),
        (None, true) => "LATE: after the start or after data were read".into(),
        (None, false) => "before the data".into(),
    }
}

/// What is known of a signature, in words.
fn signed_by(signature: &Signature) -> Option<String> {
    match signature {
        Signature::Unsigned => None,
        Signature::Fits(said) => Some(format!(
            "{}; whose key that is was not checked",
            report::text::plain(said)
        )),
        Signature::Known(said) => Some(format!(
            "{}, a key that was presented",
            report::text::plain(said)
        )),
    }
}
