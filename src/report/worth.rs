//! What a roll-out is worth, in words: the money part of the memo.

use crate::finance::{ArmCase, BusinessCase, Line};
use crate::report::document::Document;
use crate::report::finding::{self, arm_title, range};
use crate::report::memo::{Block, UNKNOWN, WORTH, safe};
use crate::report::number::{self, fixed, money, money_short, percent};
use crate::report::text::{isolate, plain};
use crate::report::thresholds;
use crate::report::which;
use crate::stats::Estimator;

/// Adds the section to the memo; the arm that the decision is about comes first.
pub fn business(doc: &Document, case: &BusinessCase, out: &mut Vec<Block>) {
    out.push(Block::Heading(WORTH.into()));
    let decided = doc.decision.arm.as_deref();
    let mut arms: Vec<&ArmCase> = case.arms.iter().collect();
    arms.sort_by_key(|a| Some(a.arm.as_str()) != decided);
    if let Some(first) = arms.first() {
        out.push(Block::Paragraph(worth(doc, case, first)));
    }
    if let Some(why) = &case.no_cash_because {
        out.push(Block::Paragraph(format!(
            "No net present value: {}",
            plain(why)
        )));
    }
    if case.arms.iter().any(|a| a.npv.is_some()) {
        out.push(cases(doc, case));
        out.push(Block::Paragraph(format!(
            "Net present value: savings less spending over {} months, in money of today. Observed \
             only: the same if the effect ended with the pilot. Chance: the share of {} simulated \
             futures in which the value is above 0, {}.",
            case.horizon_months,
            number::count(case.draws.into()),
            beforehand(doc)
        )));
    }
    which::arm(doc, case, out);
    if let Some(first) = arms.first() {
        which::agents(doc, first, out);
    }
    if !case.notes.is_empty() {
        out.push(Block::List(safe(&case.notes)));
    }
}

/// Money in a sentence.
pub fn amount(case: &BusinessCase, value: f64) -> String {
    money_short(value, &plain(&case.currency), case.minor_digits)
}

fn amounts(case: &BusinessCase, line: &Line) -> String {
    let interval = range(line.lower, line.upper, |v| amount(case, v));
    let interval = interval.map_or_else(String::new, |i| {
        format!(" ({} interval {i})", finding::level(case.level))
    });
    format!("{}{interval}", amount(case, line.value))
}

fn worth(doc: &Document, case: &BusinessCase, arm: &ArmCase) -> String {
    let name = isolate(&arm_title(doc, &arm.arm));
    let avoided = &arm.contacts_avoided;
    let half = match (avoided.lower, avoided.upper) {
        (Some(l), Some(u)) => (u - l) / 2.0,
        _ => 0.0,
    };
    let whole = |v: f64| fixed(v, number::decimals(half).unwrap_or(0).min(0));
    let interval =
        range(avoided.lower, avoided.upper, whole).map_or_else(String::new, |i| format!(" ({i})"));
    let minutes = arm.hours_avoided.as_ref().map_or_else(String::new, |h| {
        let hours = number::count(h.value.max(0.0).round() as u64);
        format!(" and {hours} hours of handling")
    });
    let mut text = format!(
        "Rolled out for {} months, {name} avoids {} contacts{interval}{minutes}.",
        case.horizon_months,
        whole(avoided.value)
    );
    if let Some(over) = arm.overstated_by_contacts.filter(|over| *over > 0.005) {
        text += &format!(
            " Contacts × average cost would overstate the saving by {}: the contacts avoided are shorter than the average.",
            percent(over)
        );
    }
    if let Some(npv) = &arm.npv {
        text += &format!(
            " Its net present value is {}, and it {}.",
            amounts(case, npv),
            match arm.payback_months {
                Some(month) => format!(
                    "pays back in month {}",
                    thresholds::payback(month, arm.payback_months_interval)
                ),
                None => "does not pay back in that time".into(),
            }
        );
        if let (Some(months), Some(p)) = (case.payback_within_months, arm.probability_payback) {
            text += &format!(
                " It does so within {months} months with probability {}.",
                number::chance(p)
            );
        }
        if let Some(raw) = raw_npv(case, arm) {
            text += &format!(
                " The value allows for its having been picked as the best (hybrid median-unbiased estimate); as estimated it is {raw}."
            );
        }
    }
    if let Some(observed) = &arm.npv_observed_only {
        text += &format!(
            " If the effect ended with the pilot, it would be {}.",
            amounts(case, observed)
        );
    }
    text.extend(thresholds::beyond(arm).map(|said| format!(" {said}")));
    if let Some(cost) = &arm.cost_per_contact_avoided {
        let full = |v: f64| money(v, &plain(&case.currency), case.minor_digits);
        text += &format!(" A contact avoided costs {}.", full(cost.value));
    }
    text.extend(thresholds::break_even(case, arm).map(|said| format!(" {said}")));
    if let Some(share) = &arm.budget_share {
        text += &format!(
            " In a steady year it saves {} of the service budget",
            percent(share.value)
        );
        text += &match (case.claimed_budget_share, arm.probability_budget_claim) {
            (Some(claimed), Some(p)) => format!(
                "; claimed were {}, which it reaches with probability {}.",
                percent(claimed),
                number::chance(p)
            ),
            _ => ".".into(),
        };
    }
    text
}

/// The NPV as estimated, where it reads otherwise than the corrected one.
fn raw_npv(case: &BusinessCase, arm: &ArmCase) -> Option<String> {
    let raw = amount(case, arm.as_estimated.as_ref()?.npv?.value);
    (raw != amount(case, arm.npv?.value)).then_some(raw)
}

/// What the chances take as known before the pilot.
fn beforehand(doc: &Document) -> &'static str {
    let primary = |r: &&crate::analysis::EstimateRow| {
        r.primary && r.outcome == doc.experiment.primary_outcome
    };
    match doc.estimates.iter().find(primary).map(|r| r.estimator) {
        Some(Estimator::Bayes) => "starting from the plan's prior of the effect",
        _ => "taking every effect as equally likely beforehand (flat prior)",
    }
}

fn cases(doc: &Document, case: &BusinessCase) -> Block {
    let corrected = case.arms.iter().any(|a| raw_npv(case, a).is_some());
    let mut header = vec![
        "Arm",
        "Net present value",
        "Observed only",
        "Payback, months",
        "Chance above 0",
    ];
    if corrected {
        header.insert(2, "As estimated");
    }
    let value = |line: &Option<Line>| match line {
        Some(line) => amount(case, line.value),
        None => UNKNOWN.into(),
    };
    let rows = case.arms.iter().map(|arm| {
        let mut row = vec![
            arm_title(doc, &arm.arm),
            value(&arm.npv),
            value(&arm.npv_observed_only),
            arm.payback_months
                .map_or_else(|| "none".into(), |m| m.to_string()),
            arm.probability_npv_positive
                .map_or_else(|| UNKNOWN.into(), number::chance),
        ];
        if corrected {
            let raw = arm.as_estimated.as_ref().map_or(&arm.npv, |e| &e.npv);
            row.insert(2, value(raw));
        }
        row
    });
    let rows = rows.collect();
    Block::Table {
        header: header.into_iter().map(String::from).collect(),
        rows,
    }
}
