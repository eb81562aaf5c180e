//! The decision and the banners in words: what the memo says before everything else.

use crate::decision::{Because, Reason, VerdictKind};
use crate::report::document::Document;
use crate::report::finding::{arm_title, effects, is_shown};
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

/// The verdict with its reason, in a sentence or two.
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
        (VerdictKind::Stop, arm) => stop(doc, arm),
        (VerdictKind::Wait, _) if doc.boundaries.is_some() => text!("decided.wait-looks"),
        (VerdictKind::Wait, _) => text!("decided.wait"),
        (VerdictKind::Blocked, _) => blocked(doc),
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
    let needed = || named(doc, Reason::NotShown).and_then(|b| b.detail.as_deref());
    match (doc.seal.is_some(), clear) {
        _ if what_if => text!("decided.extend-what-if", arm),
        _ if named(doc, Reason::CheckPassedOver).is_some() => {
            text!("decided.extend-passed-over", arm, checks = passed_over(doc))
        }
        (true, _) if changed => text!("decided.extend-changed", arm),
        (false, true) => text!("decided.extend-not-approved", arm),
        (false, false) => text!("decided.extend-not-approved-not-clear", arm),
        (true, true) => {
            let open: Vec<String> = doc.decision.because.iter().filter_map(lacking).collect();
            match open.is_empty() {
                true => text!("decided.extend-other-conditions", arm),
                false => text!(
                    "decided.extend-but",
                    arm,
                    conditions = open.join(&text!("decided.and")),
                    next = next(doc)
                ),
            }
        }
        (true, false) if regions => text!("decided.extend-more-regions", arm),
        (true, false) => match needed().map(plain) {
            Some(needed) => text!("decided.extend-more-customers-about", arm, needed),
            None => text!("decided.extend-more-customers", arm),
        },
    }
}

fn named(doc: &Document, reason: Reason) -> Option<&Because> {
    doc.decision.because.iter().find(|b| b.reason == reason)
}

/// Names in a list: "left-us and complaints".
fn names(of: &[String]) -> String {
    let shown: Vec<_> = of.iter().map(|name| plain(name)).collect();
    shown.join(&text!("decided.and"))
}

fn passed_over(doc: &Document) -> String {
    named(doc, Reason::CheckPassedOver).map_or_else(String::new, |b| names(&b.of))
}

/// A condition of the plan that a shown effect does not meet, after "but".
fn lacking(because: &Because) -> Option<String> {
    let detail = because.detail.as_deref().map(plain);
    Some(match (because.reason, detail) {
        (Reason::GuardrailOpen, _) if because.of.len() > 1 => {
            text!("decided.but-guardrails", outcomes = names(&because.of))
        }
        (Reason::GuardrailOpen, _) => {
            text!("decided.but-guardrail", outcomes = names(&because.of))
        }
        (Reason::MoneyUnknown, Some(why)) => text!("decided.but-money", why),
        (Reason::MoneyUnknown, None) => text!("decided.but-money-unknown"),
        (Reason::ChanceTooLow, Some(chance)) => text!("decided.but-chance", chance),
        (Reason::BreakEven, _) => text!("decided.but-break-even"),
        (Reason::Payback, Some(months)) => text!("decided.but-payback", months),
        _ => return None,
    })
}

/// What to do about the first condition that is not met.
fn next(doc: &Document) -> String {
    let mut open = doc.decision.because.iter().map(|b| b.reason);
    let first = open.find(|r| !matches!(r, Reason::NotApproved | Reason::NotShown));
    match first {
        Some(Reason::GuardrailOpen) => text!("decided.next-guardrail"),
        Some(Reason::MoneyUnknown) => text!("decided.next-money"),
        _ => text!("decided.next-narrower"),
    }
}

/// Arms of which the first line says what speaks against each; of more, the reasons below do.
const CLAUSES: usize = 3;

/// Why nothing is rolled out.
fn stop(doc: &Document, arm: Option<String>) -> String {
    let of_arms: Vec<&Because> = doc.decision.because.iter().collect();
    let mut clauses: Vec<(Option<&str>, String)> = Vec::new();
    for because in of_arms {
        let Some(name) = because.arm.as_deref() else {
            continue;
        };
        // An arm fails several conditions at once: all stand behind one "but".
        let more = lacking(because);
        match (clauses.last_mut(), more) {
            (Some((last, said)), Some(more)) if *last == Some(name) => {
                said.push_str(&text!("decided.and"));
                said.push_str(&more);
            }
            _ => clauses.push((Some(name), clause(doc, because, name))),
        }
    }
    let only = doc.experiment.arms.iter().filter(|a| !a.control).count() == 1;
    let first = doc.decision.because.first().map(|b| b.reason);
    let alike = doc.decision.because.iter().all(|b| Some(b.reason) == first);
    let said = match (clauses.as_slice(), first) {
        ([], _) => match arm {
            Some(arm) => text!("decided.stop", arm),
            None => text!("decided.stop-all"),
        },
        ([(_, clause)], _) if only => text!("decided.stop-because", why = clause),
        (_, Some(Reason::NoBenefit)) if alike => text!("decided.stop-no-benefit"),
        (_, Some(Reason::Loses)) if alike => text!("decided.stop-loses"),
        (_, Some(Reason::OutOfReach)) if alike => text!("decided.stop-out-of-reach"),
        (_, Some(Reason::Harm)) if alike => text!("decided.stop-harm"),
        (_, Some(Reason::Unlikely)) if alike => text!("decided.stop-unlikely"),
        (clauses, _) if clauses.len() > CLAUSES => text!("decided.stop-all-reasons"),
        (clauses, _) => {
            let all: Vec<&str> = clauses.iter().map(|c| c.1.as_str()).collect();
            text!("decided.stop-all-because", why = all.join("; "))
        }
    };
    match named(doc, Reason::CheckPassedOver) {
        Some(_) => {
            let checks = passed_over(doc);
            [said, text!("decided.mind-passed-over", checks)].join(" ")
        }
        None => said,
    }
}

/// What speaks against an arm.
fn clause(doc: &Document, because: &Because, name: &str) -> String {
    let arm = isolate(&arm_title(doc, name));
    let detail = because.detail.as_deref().map(plain);
    match (because.reason, detail) {
        (Reason::Harm, _) => text!("decided.arm-harm", arm),
        (Reason::GuardrailBroken, _) => {
            let outcomes = names(&because.of);
            let condition = match because.of.len() > 1 {
                true => text!("decided.guardrails-broken", outcomes),
                false => text!("decided.guardrail-broken", outcomes),
            };
            match is_shown(doc, name) {
                true => text!("decided.arm-but", arm, condition),
                false => text!("decided.arm-with", arm, condition),
            }
        }
        (Reason::LooksWorse, _) => text!("decided.arm-looks-worse", arm),
        (Reason::NoBenefit, _) => text!("decided.arm-no-benefit", arm),
        (Reason::Unlikely, _) => text!("decided.arm-unlikely", arm),
        (Reason::OutOfReach, Some(needed)) => {
            text!("decided.arm-out-of-reach-about", arm, needed)
        }
        (Reason::OutOfReach, None) => text!("decided.arm-out-of-reach", arm),
        (Reason::Loses, Some(chance)) => text!("decided.arm-loses", arm, chance),
        (Reason::NoEstimate, _) => text!("decided.arm-no-estimate", arm),
        _ => match lacking(because) {
            Some(condition) => text!("decided.arm-but", arm, condition),
            None => text!("decided.arm-not-worth", arm),
        },
    }
}

/// What stopped the analysis, and where to begin.
fn blocked(doc: &Document) -> String {
    if let Some(because) = named(doc, Reason::NoEstimate) {
        return text!("decided.blocked-no-estimate", outcome = names(&because.of));
    }
    let Some(because) = named(doc, Reason::CheckStopped) else {
        return text!("decided.blocked");
    };
    match because.of.as_slice() {
        [check] => {
            let (why, check) = (stopped_by(check), plain(check));
            match why {
                Some(why) => text!("decided.blocked-why", why, check),
                None => text!("decided.blocked-check", check),
            }
        }
        several => text!("decided.blocked-checks", checks = names(several)),
    }
}

/// What a check that stops has found.
fn stopped_by(check: &str) -> Option<String> {
    Some(match check {
        "srm" => text!("decided.stopped-srm"),
        "attrition" => text!("decided.stopped-attrition"),
        "double-assignment" => text!("decided.stopped-double"),
        "no-contacts" => text!("decided.stopped-no-contacts"),
        _ => return None,
    })
}
