//! Whether a later approval only enlarged a pilot after a blinded re-estimation of its size.

use crate::error::Result;
use crate::experiment::{self, Change, Experiment};
use crate::number::count;
use crate::report::Deviation;
use crate::texts::text;
use crate::workspace::{Approval, Entry, Ledger, Pilot, kind};

/// What approvals since the one before the data changed, each with its reason; `None` where the last
/// is in time itself, or an approval did anything but enlarge.
///
/// *Rule* — an approval that comes after the start enlarges where nothing by arm was analysed before
/// it, a `re-estimate` entry stands between it and the approval before, and the plan's material
/// changes are a later end only: of the after period, of enrolment, of the looks.
///
/// `late` says of an approval whether it came after the start or after data were read.
///
/// # Errors
/// An approved copy that was changed.
pub fn enlarged(
    pilot: &Pilot,
    ledger: &Ledger,
    late: impl Fn(&Experiment, &Approval) -> bool,
) -> Result<Option<Vec<Deviation>>> {
    let approvals = ledger.approvals()?;
    let Some(last) = approvals.len().checked_sub(1) else {
        return Ok(None);
    };
    let plan = |a: &Approval| -> Result<Experiment> {
        let bytes = pilot.approved_plan(a)?;
        let text = String::from_utf8_lossy(&bytes);
        experiment::parse_copy(&text, &pilot.approved_path(a.number)).map(|p| p.experiment)
    };
    let mut deviations: Vec<Deviation> = Vec::new();
    for at in (0..=last).rev() {
        let now = plan(&approvals[at])?;
        if !late(&now, &approvals[at]) {
            return Ok((at < last).then_some(deviations));
        }
        let Some(before) = at.checked_sub(1) else {
            return Ok(None);
        };
        let Some(entry) = re_estimate(ledger, &approvals[before], &approvals[at]) else {
            return Ok(None);
        };
        let was = plan(&approvals[before])?;
        let changes = experiment::changes(&was, &now);
        if changes
            .iter()
            .any(|c| c.material && !later_end(c, &was, &now))
        {
            return Ok(None);
        }
        let why = reason(entry);
        deviations.extend(changes.into_iter().map(|c| Deviation {
            why: c.material.then(|| why.clone()),
            key: c.key,
            approved: c.approved,
            now: c.now,
            material: c.material,
        }));
    }
    Ok(None)
}

/// The entry that an enlargement rests on.
fn re_estimate<'a>(ledger: &'a Ledger, before: &Approval, now: &Approval) -> Option<&'a Entry> {
    let earlier = || ledger.entries().iter().filter(|e| e.number < now.entry);
    if earlier().any(|e| e.kind == kind::ANALYZE) {
        return None;
    }
    earlier().rfind(|e| e.kind == kind::RE_ESTIMATE && e.number > before.entry)
}

fn reason(entry: &Entry) -> String {
    let number = |fact| entry.number_fact(fact).map_or_else(|| "?".into(), count);
    let day = entry.at.to_string();
    text!(
        "how.enlarged",
        day = day.get(..10).unwrap_or(&day),
        from = number("customers"),
        to = number("customers_needed")
    )
}

/// Whether a change moves an end to a later day and nothing else.
fn later_end(change: &Change, was: &Experiment, now: &Experiment) -> bool {
    use crate::analysis::{first_day, last_day};
    let windows = |e: &Experiment| e.periods.as_ref().map(|p| p.windows.clone());
    let (Some(a), Some(b)) = (windows(was), windows(now)) else {
        return false;
    };
    match change.key.as_str() {
        "periods.after" | "periods.enrol" => {
            first_day(&a) == first_day(&b) && last_day(&a) < last_day(&b)
        }
        "analysis.sequential.looks" => {
            let looks = |e: &Experiment| {
                let plan = e.analysis.sequential.as_ref();
                plan.map(|s| s.looks.clone()).unwrap_or_default()
            };
            let (a, b) = (looks(was), looks(now));
            a.len() == b.len() && a.iter().zip(&b).all(|(x, y)| x <= y)
        }
        _ => false,
    }
}
