//! All approvals of a pilot, and the one that its plan is held against.

use jiff::tz::TimeZone;

use crate::error::Result;
use crate::experiment::{self, Experiment, Windows};
use crate::report::{ApprovalRow, Deviation};
use crate::workspace::{Approval, Ledger, Pilot, kind};

use super::enlarged::enlargement;

/// The approvals of a pilot.
pub struct Approvals {
    /// All of them, oldest first, as reports tell them.
    pub rows: Vec<ApprovalRow>,
    /// The last one.
    pub last: Approval,
    /// The plan's text in the one that the plan is held against.
    pub against: String,
    /// What enlargements changed before that, each with its reason.
    pub explained: Vec<Deviation>,
    /// Whether no approval that holds came before the data.
    pub late: bool,
}

/// An approval with its plan.
struct Read {
    approval: Approval,
    text: String,
    plan: Experiment,
}

impl Approvals {
    /// Reads the approvals of a pilot; `None` where there is none.
    ///
    /// *Rule* — the plan is held against the last approval that was given before the first after-day
    /// and before evidence existed, or that only enlarged such a plan after a blinded re-estimation.
    /// Where all were late, against the first: whoever changes a plan after the data and approves it
    /// again has changed it all the same. A late approval of the very same plan changes nothing.
    ///
    /// # Errors
    /// An approved copy that was changed or cannot be read.
    pub fn of(pilot: &Pilot, ledger: &Ledger) -> Result<Option<Self>> {
        let mut read: Vec<Read> = Vec::new();
        for approval in ledger.approvals()? {
            let bytes = pilot.approved_plan(&approval)?;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let file = pilot.approved_path(approval.number);
            let plan = experiment::parse_copy(&text, &file)?.experiment;
            read.push(Read {
                approval,
                text,
                plan,
            });
        }
        let mut rows: Vec<ApprovalRow> = Vec::new();
        let mut explained: Vec<Deviation> = Vec::new();
        let mut against: Option<usize> = None;
        // Whether the approval before holds: in time, an enlargement, or the same once more.
        let mut holds = false;
        for (at, now) in read.iter().enumerate() {
            let late = late(&now.plan, &now.approval, ledger);
            let before = at
                .checked_sub(1)
                .filter(|_| late && holds)
                .map(|i| &read[i]);
            let enlarged = before.and_then(|b| {
                enlargement(ledger, (&b.approval, &b.plan), (&now.approval, &now.plan))
            });
            let why = enlarged.as_ref().map(|(why, _)| why.clone());
            match enlarged {
                Some((_, changes)) => explained.extend(changes),
                None if !late => explained.clear(),
                None => {}
            }
            let again = against.is_some_and(|i| same(ledger, &read[i].approval, &now.approval));
            if !late || why.is_some() {
                against = Some(at);
            }
            holds = !late || why.is_some() || again;
            rows.push(row(&now.approval, late && why.is_none(), why));
        }
        let at = against.unwrap_or(0);
        let Some(last) = read.last().map(|r| r.approval.clone()) else {
            return Ok(None);
        };
        rows[at].compared = true;
        let held = read.swap_remove(at);
        Ok(Some(Approvals {
            rows,
            last,
            against: held.text,
            explained,
            late: !holds,
        }))
    }
}

/// Whether a later approval is of the same plan, and of the same first stage where it has one.
fn same(ledger: &Ledger, a: &Approval, b: &Approval) -> bool {
    let stage = |approval: &Approval| {
        let entry = ledger.entries().iter().find(|e| e.number == approval.entry);
        entry.and_then(|e| e.facts.get("first_analysis_sha256").cloned())
    };
    a.plan_sha256 == b.plan_sha256 && stage(a) == stage(b)
}

fn row(approval: &Approval, late: bool, why: Option<String>) -> ApprovalRow {
    ApprovalRow {
        number: approval.number,
        by: approval.by.clone(),
        role: approval.role.clone(),
        day: approval.at.strftime("%Y-%m-%d").to_string(),
        seal: approval.seal.to_string(),
        plan_sha256: approval.plan_sha256.to_string(),
        late,
        why,
        compared: false,
    }
}

/// Approved after the first after-day of its own plan, or after evidence was taken.
fn late(experiment: &Experiment, approval: &Approval, ledger: &Ledger) -> bool {
    let first_day = experiment.periods.as_ref().and_then(|p| match &p.windows {
        Windows::Fixed { after, .. } => Some((after.0, &p.timezone)),
        Windows::Relative { enrol, .. } => enrol.map(|e| (e.0, &p.timezone)),
    });
    let begun = first_day.is_some_and(|(day, zone)| {
        let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
        approval.at.to_zoned(zone).date() >= day
    });
    let seen = ledger
        .entries()
        .iter()
        .any(|e| e.number < approval.entry && (e.kind == kind::INGEST || e.kind == kind::ANALYZE));
    begun || seen
}
