//! The decision and the banners in words: what the memo says before everything else.

use crate::analysis::EstimateRow;
use crate::decision::VerdictKind;
use crate::report::document::Document;
use crate::report::finding::{arm_title, effects};
use crate::report::text::{isolate, plain};
use crate::texts::text;

/// A banner in words; one that this version does not know is shown as it is.
pub fn banner(banner: &str) -> String {
    if let Some(changes) = banner.strip_prefix("WHAT IF: ") {
        return text!("banner.what-if", changes = plain(changes));
    }
    let despite = banner.strip_prefix("DESPITE ");
    if let Some((check, because)) = despite.and_then(|rest| rest.split_once(": ")) {
        let (check, because) = (plain(check), plain(because));
        return text!("banner.despite", check, because);
    }
    match banner {
        "NOT PRE-REGISTERED" => text!("banner.not-approved"),
        "LATE" | "LATE APPROVAL" => text!("banner.late"),
        "CHANGED SINCE APPROVAL" => text!("banner.changed"),
        _ => plain(banner).into_owned(),
    }
}

/// A banner, with what it means to someone who sees it for the first time.
pub fn banner_explained(named: &str) -> String {
    let banner = banner(named);
    match named {
        "NOT PRE-REGISTERED" => text!("decided.not-approved", banner),
        "LATE" | "LATE APPROVAL" => text!("decided.late", banner),
        "CHANGED SINCE APPROVAL" => text!("decided.changed", banner),
        _ => banner,
    }
}

/// The verdict and what it means, in a sentence.
pub fn decision(doc: &Document) -> String {
    let arm = doc.decision.arm.as_ref().map(|a| arm_title(doc, a));
    let arm = arm.as_deref().map(isolate);
    let late = doc.banners.iter().any(|b| b.starts_with("LATE"));
    match (doc.decision.verdict, arm) {
        (VerdictKind::Scale, Some(arm)) if late => text!("decided.scale-late", arm),
        (VerdictKind::Scale, Some(arm)) => text!("decided.scale", arm),
        (VerdictKind::Scale, None) if late => text!("decided.scale-any-late"),
        (VerdictKind::Scale, None) => text!("decided.scale-any"),
        (VerdictKind::Extend, arm) => {
            let arm = arm.unwrap_or_else(|| text!("decided.best-arm"));
            extend(doc, &arm)
        }
        (VerdictKind::Stop, Some(arm)) => text!("decided.stop", arm),
        (VerdictKind::Stop, None) => text!("decided.stop-all"),
        (VerdictKind::Wait, _) if doc.boundaries.is_some() => text!("decided.wait-looks"),
        (VerdictKind::Wait, _) => text!("decided.wait"),
        (VerdictKind::Blocked, _) => text!("decided.blocked"),
    }
}

/// What an arm that is worth following up needs next: a result of a plan that nobody approved
/// is no reason to spend, however clear it looks.
fn extend(doc: &Document, arm: &str) -> String {
    let what_if = doc.banners.iter().any(|b| b.starts_with("WHAT IF"));
    let clear = effects(doc)
        .iter()
        .any(|e| e.clear && e.good && Some(&e.row.arm) == doc.decision.arm.as_ref());
    let changed = doc.deviations.iter().any(|d| d.unexplained());
    let regions = doc.experiment.design.is_some();
    match (doc.seal.is_some(), clear) {
        _ if what_if => text!("decided.extend-what-if", arm),
        (true, _) if changed => text!("decided.extend-changed", arm),
        (false, true) => text!("decided.extend-not-approved", arm),
        (false, false) => text!("decided.extend-not-approved-not-clear", arm),
        (true, true) => text!("decided.extend-other-conditions", arm),
        (true, false) if out_of_reach(doc) => text!("decided.extend-out-of-reach", arm),
        (true, false) if regions => text!("decided.extend-more-regions", arm),
        (true, false) => text!("decided.extend-more-customers", arm),
    }
}

/// Times its customers that a next stage may reasonably have.
const MOST_TIMES: f64 = 10.0;

/// Whether an effect of the estimated size would take so many customers that it is no promise.
fn out_of_reach(doc: &Document) -> bool {
    let of_arm = |e: &&EstimateRow| {
        e.primary
            && e.segment.is_none()
            && Some(&e.arm) == doc.decision.arm.as_ref()
            && e.outcome == doc.experiment.primary_outcome
    };
    let Some(row) = doc.estimates.iter().find(of_arm) else {
        return false;
    };
    let next = doc.decision.next_stage.as_ref();
    let sizes = next.map_or(&[][..], |n| &n.sizes);
    match sizes.iter().find(|s| s.effect_from == "estimated") {
        Some(size) => size.customers_arm as f64 > MOST_TIMES * row.n_arm as f64,
        // More customers than there can be are no size at all.
        None => row.p_value.is_some_and(|p| p > 0.9),
    }
}
