//! What a roll-out is worth, in words: the money part of the memo.

use crate::finance::{ArmCase, BusinessCase, Line};
use crate::report::beside_npv;
use crate::report::document::Document;
use crate::report::finding::{arm_title, beside, beside_level, is_shown, level, range};
use crate::report::memo::{Block, Section, UNKNOWN, safe};
use crate::report::number::{self, fixed, money, money_short, percent};
use crate::report::text::{isolate, plain};
use crate::report::thresholds;
use crate::report::which;
use crate::stats::Estimator;
use crate::texts::text;

/// Adds the section to the memo; the arm that the decision is about comes first, or else the best.
pub fn business(doc: &Document, case: &BusinessCase, out: &mut Vec<Block>) {
    out.push(Block::Heading(Section::Worth));
    let decided = doc.decision.arm.as_deref().or(case.best.as_deref());
    let mut arms: Vec<&ArmCase> = case.arms.iter().collect();
    arms.sort_by_key(|a| Some(a.arm.as_str()) != decided);
    if let Some(first) = arms.first() {
        out.push(Block::Paragraph(worth(doc, case, first)));
    }
    let said: Vec<String> = arms
        .iter()
        .filter_map(|arm| overstated(doc, case, arm))
        .collect();
    if !said.is_empty() {
        out.push(Block::Paragraph(said.join(" ")));
    }
    if let Some(why) = &case.no_cash_because {
        out.push(Block::Paragraph(text!("worth.no-cash", why = plain(why))));
    }
    if case.arms.iter().any(|a| a.npv.is_some()) {
        out.push(cases(doc, case));
        let about = beside_npv::about(case);
        let draws = number::count(case.draws.into());
        let chance = match has_prior(doc) {
            true => text!("worth.chance-prior", draws),
            false => text!("worth.chance-flat", draws),
        };
        let cost = beside_npv::pilot_cost(doc, case);
        let said: Vec<String> = [about, chance].into_iter().chain(cost).collect();
        out.push(Block::Paragraph(said.join(" ")));
        let others = arms.first().and_then(|a| beside_npv::others(doc, case, a));
        out.extend(others.map(Block::Paragraph));
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

/// Money with its interval: "EUR 727,651 (95 % interval EUR 317,030 to EUR 1,219,655)".
pub fn amounts(case: &BusinessCase, line: &Line) -> String {
    let interval = range(line.lower, line.upper, |v| amount(case, v));
    beside_level(amount(case, line.value), case.level, interval)
}

/// What the roll-out of an arm comes to, a sentence a figure.
fn worth(doc: &Document, case: &BusinessCase, arm: &ArmCase) -> String {
    let mut said = vec![avoids(doc, case, arm)];
    if let Some(npv) = &arm.npv {
        let npv = amounts(case, npv);
        said.push(match arm.payback_months {
            _ if arm.spends_nothing() => text!("worth.spends-nothing", npv),
            Some(month) if !is_shown(doc, &arm.arm) => {
                let end = |end: Option<u32>| {
                    end.map_or_else(|| text!("decision.never"), |month| month.to_string())
                };
                let ends = arm.payback_months_interval;
                let (low, high) = ends.map_or((None, None), |e| (e.lower, e.upper));
                let (low, high) = (end(low), end(high));
                match arm.as_estimated {
                    Some(_) => text!("worth.would-pay-back-corrected", npv, month, low, high),
                    None => text!("worth.would-pay-back", npv, month, low, high),
                }
            }
            Some(month) => {
                let month = thresholds::payback(month, arm.payback_months_interval);
                text!("worth.pays-back", npv, month)
            }
            None => text!("worth.never-pays-back", npv),
        });
        let within = case.payback_within_months.zip(arm.probability_payback);
        if let Some((months, p)) = within.filter(|_| !arm.spends_nothing()) {
            let (months, chance) = (number::months(months), number::chance(p));
            said.push(text!("worth.pays-back-within", months, chance));
        }
        if let Some(raw) = raw_npv(case, arm) {
            said.push(text!("worth.picked", raw));
        }
    }
    if let Some(observed) = &arm.npv_observed_only {
        said.push(text!("worth.observed-only", npv = amounts(case, observed)));
    }
    said.extend(beside_npv::every_reason(case, arm));
    said.extend(thresholds::beyond(arm));
    let cost = arm.cost_per_contact_avoided.as_ref();
    if let Some(cost) = cost.filter(|_| !arm.spends_nothing()) {
        let full = |v: f64| money(v, &plain(&case.currency), case.minor_digits);
        let cost = beside(full(cost.value), range(cost.lower, cost.upper, full));
        said.push(text!("worth.contact-costs", cost));
    }
    said.extend(thresholds::break_even(case, arm));
    said.extend(budget(case, arm));
    said.join(" ")
}

/// "Rolled out for 24 months, the letter avoids 1,234 contacts (1,000 to 1,500)."
fn avoids(doc: &Document, case: &BusinessCase, arm: &ArmCase) -> String {
    let avoided = &arm.contacts_avoided;
    let half = match (avoided.lower, avoided.upper) {
        (Some(l), Some(u)) => (u - l) / 2.0,
        _ => 0.0,
    };
    let whole = |v: f64| fixed(v, number::decimals(half).unwrap_or(0).min(0));
    let (months, title) = (
        number::months(case.horizon_months),
        isolate(&arm_title(doc, &arm.arm)),
    );
    if whole(avoided.value) == whole(0.0)
        && let (Some(low), Some(high)) = (avoided.lower, avoided.upper)
        && low < 0.0
        && high > 0.0
    {
        let (more, fewer) = (whole(-low), whole(high));
        return text!("worth.avoids-none", months, arm = title, more, fewer);
    }
    if avoided.value < 0.0 {
        let turned = |end: Option<f64>| end.map(|v| 0.0 - v);
        let contacts = text!("worth.contacts-more", count = whole(-avoided.value));
        let ends = range(turned(avoided.upper), turned(avoided.lower), whole);
        let contacts = beside(contacts, ends);
        let hours = arm.hours_avoided.filter(|h| h.value < 0.0);
        return match hours.map(|h| in_hours(&turned_line(&h))) {
            Some(hours) => text!("worth.brings-hours", months, arm = title, contacts, hours),
            None => text!("worth.brings", months, arm = title, contacts),
        };
    }
    let contacts = text!("worth.contacts", count = whole(avoided.value));
    let contacts = beside(contacts, range(avoided.lower, avoided.upper, whole));
    match arm.hours_avoided.as_ref().filter(|h| h.value >= 0.0) {
        Some(hours) => {
            let hours = in_hours(hours);
            text!("worth.avoids-hours", months, arm = title, contacts, hours)
        }
        None => text!("worth.avoids", months, arm = title, contacts),
    }
}

/// The line with its sign turned: what is more instead of what is avoided.
pub fn turned_line(line: &Line) -> Line {
    Line {
        value: 0.0 - line.value,
        lower: line.upper.map(|v| 0.0 - v),
        upper: line.lower.map(|v| 0.0 - v),
    }
}

/// "1,400 (1,000 to 1,800)": hours as exact as their interval, as in the table.
pub fn in_hours(line: &Line) -> String {
    let half = match (line.lower, line.upper) {
        (Some(l), Some(u)) => (u - l) / 2.0,
        _ => 0.0,
    };
    let show = |v: f64| fixed(v, number::decimals(half).unwrap_or(0).min(0));
    beside(show(line.value), range(line.lower, line.upper, show))
}

/// The share of the service budget in a steady year, with all freed labour counted, and against the claim.
fn budget(case: &BusinessCase, arm: &ArmCase) -> Option<String> {
    let line = arm.budget_share?;
    let more = line.value < 0.0;
    let shown = |line: Line| {
        let line = if more { turned_line(&line) } else { line };
        let ends = range(line.lower, line.upper, percent);
        beside(percent(line.value), ends)
    };
    let share = match arm.budget_share_unrealised {
        Some(all) => text!(
            "worth.share-unrealised",
            share = shown(line),
            all = shown(all)
        ),
        None => shown(line),
    };
    let claim = case.claimed_budget_share.zip(arm.probability_budget_claim);
    let claim = claim.map(|(claimed, p)| (percent(claimed), number::chance(p)));
    Some(match (claim, more) {
        (Some((claimed, chance)), false) => text!("worth.budget-claimed", share, claimed, chance),
        (Some((claimed, chance)), true) => {
            text!("worth.budget-more-claimed", share, claimed, chance)
        }
        (None, false) => text!("worth.budget", share),
        (None, true) => text!("worth.budget-more", share),
    })
}

/// What contacts × average cost would have made of the saving, where minutes are priced: only what its
/// interval tells.
fn overstated(doc: &Document, case: &BusinessCase, arm: &ArmCase) -> Option<String> {
    let over = arm.overstated_by_contacts.filter(|_| arm.saves())?;
    let [low, high] = arm.overstated_by_contacts_interval?;
    let arm = isolate(&arm_title(doc, &arm.arm));
    let at = level(case.level);
    let ends = |low: f64, high: f64| text!("interval.to", low = percent(low), high = percent(high));
    Some(if low > 0.0 {
        let share = beside_level(percent(over), case.level, Some(ends(low, high)));
        text!("worth.overstated", arm, share)
    } else if high < 0.0 {
        let share = beside_level(percent(-over), case.level, Some(ends(-high, -low)));
        text!("worth.understated", arm, share)
    } else {
        text!(
            "worth.overstated-open",
            arm,
            fewer = percent(-low),
            more = percent(high),
            level = at
        )
    })
}

/// The NPV as estimated, where it reads otherwise than the corrected one.
fn raw_npv(case: &BusinessCase, arm: &ArmCase) -> Option<String> {
    let raw = amount(case, arm.as_estimated.as_ref()?.npv?.value);
    (raw != amount(case, arm.npv?.value)).then_some(raw)
}

/// Whether the chances start from the plan's prior; else every effect is as likely beforehand.
fn has_prior(doc: &Document) -> bool {
    let primary = |r: &&crate::analysis::EstimateRow| {
        r.primary && r.outcome == doc.experiment.primary_outcome
    };
    let row = doc.estimates.iter().find(primary);
    row.is_some_and(|r| r.estimator == Estimator::Bayes)
}

fn cases(doc: &Document, case: &BusinessCase) -> Block {
    let corrected = case.arms.iter().any(|a| raw_npv(case, a).is_some());
    let mut header = vec![
        text!("memo.arm"),
        text!("worth.npv"),
        text!("worth.observed"),
    ];
    let every_reason = case.arms.iter().any(|a| a.every_reason.is_some());
    header.extend(every_reason.then(|| text!("worth.every-reason")));
    header.extend([text!("line.payback"), text!("worth.chance")]);
    if corrected {
        header.insert(2, text!("worth.estimated"));
    }
    let value = |line: &Option<Line>| match line {
        Some(line) => amount(case, line.value),
        None => UNKNOWN.into(),
    };
    let rows = case.arms.iter().map(|arm| {
        let mut row = vec![
            arm_title(doc, &arm.arm),
            match raw_npv(case, arm) {
                Some(_) => text!("worth.corrected", npv = value(&arm.npv)),
                None => value(&arm.npv),
            },
            value(&arm.npv_observed_only),
        ];
        if every_reason {
            row.push(value(&arm.every_reason.map(|e| e.npv)));
        }
        row.extend([
            match arm.payback_months {
                _ if arm.spends_nothing() => text!("worth.nothing-spent"),
                Some(month) => month.to_string(),
                None => text!("html.no-payback"),
            },
            arm.probability_npv_positive
                .map_or_else(|| UNKNOWN.into(), number::chance),
        ]);
        if corrected {
            let raw = arm.as_estimated.as_ref().map_or(&arm.npv, |e| &e.npv);
            row.insert(2, value(raw));
        }
        row
    });
    let rows = rows.collect();
    Block::Table { header, rows }
}
