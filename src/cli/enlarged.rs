//! Whether a later approval only enlarged a pilot after a blinded re-estimation of its size.

use crate::experiment::{self, Change, Experiment};
use crate::number::count;
use crate::report::Deviation;
use crate::texts::text;
use crate::workspace::{Approval, Entry, Ledger, kind};

/// The reason for which a late approval only enlarged the plan of the one before, and what it
/// changed; `None` where it did anything else.
///
/// *Rule* — an approval that comes after the start enlarges where nothing by arm was analysed before
/// it, a `re-estimate` entry stands between it and the approval before, and the plan's material
/// changes are a later end only: of the after period, of enrolment, of the looks.
pub fn enlargement(
    ledger: &Ledger,
    (before, was): (&Approval, &Experiment),
    (approval, now): (&Approval, &Experiment),
) -> Option<(String, Vec<Deviation>)> {
    let entry = re_estimate(ledger, before, approval)?;
    let changes = experiment::changes(was, now);
    let other = |c: &Change| c.material && !later_end(c, was, now);
    if changes.iter().any(other) {
        return None;
    }
    let why = reason(entry);
    let deviations = changes.into_iter().map(|c| Deviation {
        why: c.material.then(|| why.clone()),
        key: c.key,
        approved: c.approved,
        now: c.now,
        material: c.material,
    });
    Some((why.clone(), deviations.collect()))
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
