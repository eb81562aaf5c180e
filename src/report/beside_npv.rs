//! What stands beside a net present value, never in it, in words.

use crate::finance::{ArmCase, BusinessCase, Line, Priced};
use crate::report::document::Document;
use crate::report::finding::{self, arm_title, beside, range};
use crate::report::number;
use crate::report::text::isolate;
use crate::report::worth::{amount, amounts};
use crate::texts::text;

/// The value where contacts for every reason count: a sentence.
pub fn every_reason(case: &BusinessCase, arm: &ArmCase) -> Option<String> {
    let npv = amounts(case, &arm.every_reason?.npv);
    Some(match case.priced {
        Priced::Contacts => text!("beside.every-reason", npv),
        Priced::Minutes => text!("beside.every-reason-minutes", npv),
    })
}

/// The base case, and what is left of it if the effect ended with the pilot, for a chart.
pub fn base_and_observed(case: &BusinessCase, arm: &ArmCase) -> Option<String> {
    let (value, observed) = arm.npv.zip(arm.npv_observed_only)?;
    let (value, observed) = (amount(case, value.value), amount(case, observed.value));
    Some(text!("tornado.observed", value, observed))
}

/// How the columns are read.
pub fn about(case: &BusinessCase) -> String {
    let about = text!("worth.about", months = number::months(case.horizon_months));
    match case.arms.iter().any(|a| a.every_reason.is_some()) {
        true => [about, text!("beside.about-every-reason")].join(" "),
        false => about,
    }
}

/// What the pilot itself cost: a sentence, where anything was spent on it.
pub fn pilot_cost(doc: &Document, case: &BusinessCase) -> Option<String> {
    let total = case.pilot_cost.filter(|total| *total > 0.0)?;
    let money = |v: f64| amount(case, v);
    let arms = case.arms.iter().filter_map(|a| {
        let (arm, cost) = (isolate(&arm_title(doc, &a.arm)), a.pilot_cost?.total);
        Some(text!("beside.pilot-cost-arm", arm, amount = money(cost)))
    });
    let arms: Vec<String> = arms.collect();
    Some(match arms.as_slice() {
        [_, _, ..] => text!(
            "beside.pilot-cost-arms",
            amount = money(total),
            arms = arms.join("; ")
        ),
        _ => text!("beside.pilot-cost", amount = money(total)),
    })
}

/// The values of the arms that no paragraph is about, each with its interval.
pub fn others(doc: &Document, case: &BusinessCase, but: &ArmCase) -> Option<String> {
    let others = case.arms.iter().filter(|a| a.arm != but.arm);
    let arms: Vec<String> = others
        .filter_map(|a| {
            let (arm, npv) = (
                isolate(&arm_title(doc, &a.arm)),
                amounts_alone(case, &a.npv?),
            );
            Some(text!("beside.other", arm, npv))
        })
        .collect();
    let level = finding::level(case.level);
    (!arms.is_empty()).then(|| text!("beside.others", level, arms = arms.join("; ")))
}

/// "EUR 1,234 (EUR 1,000 to EUR 1,500)".
fn amounts_alone(case: &BusinessCase, line: &Line) -> String {
    let ends = range(line.lower, line.upper, |v| amount(case, v));
    beside(amount(case, line.value), ends)
}
