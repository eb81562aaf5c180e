//! What the business case says in words: its assumptions, its notes, why there is no cash.

use crate::experiment::{Arm, Business, CostBasis, HalfLife};

use super::assumption::Assumptions;
use super::model::AssumptionRow;

/// Why the plan gives no cash NPV.
pub(super) fn why_no_cash(business: &Business) -> Option<String> {
    let missing = |key: &str| Some(format!("the plan has no business.{key}"));
    if business.units_at_rollout.is_none() {
        return missing("units_at_rollout");
    }
    match business.cost {
        None => return missing("cost_per_contact"),
        Some(CostBasis::PerMinute(_)) => {
            return Some(
                "business.cost_per_minute needs the handling seconds of contacts, which are not yet built in; give business.cost_per_contact"
                    .into(),
            );
        }
        Some(CostBasis::PerContact(_)) => {}
    }
    if business.realisation.is_none() {
        return missing("realisation");
    }
    if business.half_life.is_none() {
        return missing("half_life_months");
    }
    None
}

pub(super) fn notes(business: &Business, estimator: Option<&str>, cash: bool) -> Vec<String> {
    let mut notes = Vec::new();
    let mut say = |s: &str| notes.push(s.to_string());
    if cash {
        say("Amounts are nominal and before tax.");
        say("The pilot's own cost is sunk: it is outside the NPV.");
        say(
            "Savings come from the primary outcome only; effects on other contacts are never added.",
        );
        say(match estimator {
            Some("bayes") => "Probabilities start from the plan's prior of the effect.",
            _ => {
                "Probabilities take the pilot's estimate and its error as all that is known (flat prior)."
            }
        });
        say(
            "\"Observed only\" ends each customer's effect after as long as the pilot measured it; the spend stays.",
        );
    }
    match business.half_life {
        Some(HalfLife::None) => say("The plan assumes that the effect never fades."),
        Some(HalfLife::Months(_)) => {}
        None => say(
            "The plan does not say how fast the effect fades: contacts are counted only for as long as the pilot measured them.",
        ),
    }
    if business.baseline_by_month.is_some() {
        say(
            "Season factors multiply the effect as measured; a pilot run in a high season overstates the year.",
        );
    }
    notes
}

pub(super) fn assumption_rows(
    assumptions: &Assumptions,
    business: &Business,
    arms: &[&Arm],
) -> Vec<AssumptionRow> {
    let number = |key: String, base: f64, unit: &str| AssumptionRow {
        key,
        form: "number".into(),
        base,
        low: None,
        mode: None,
        high: None,
        unit: unit.into(),
    };
    let mut rows: Vec<_> = assumptions
        .rows()
        .filter(|r| r.key != "units_at_rollout" || business.units_at_rollout.is_some())
        .collect();
    rows.push(number(
        "holdout".into(),
        business.holdout,
        "share of customers",
    ));
    rows.push(number(
        "horizon_months".into(),
        business.horizon_months.into(),
        "months",
    ));
    rows.push(number(
        "ramp_months".into(),
        business.ramp_months.into(),
        "months",
    ));
    if let Some(p) = business.repeat_every_months {
        rows.push(number("repeat_every_months".into(), p.into(), "months"));
    }
    for (i, factor) in business.baseline_by_month.iter().flatten().enumerate() {
        let key = format!("baseline_by_month.{}", i + 1);
        rows.push(number(key, *factor, "factor of the calendar month"));
    }
    let currency = &business.currency;
    if let Some(budget) = business.annual_service_budget {
        let unit = format!("{currency} per year");
        rows.push(number("annual_service_budget".into(), budget, &unit));
    }
    for arm in arms {
        for (key, cost, unit) in [
            ("fixed_cost", arm.fixed_cost, "once"),
            (
                "cost_per_customer",
                arm.cost_per_customer,
                "per customer and delivery",
            ),
            (
                "running_cost_per_month",
                arm.running_cost_per_month,
                "per month",
            ),
        ] {
            let key = format!("arms.{}.{key}", arm.name);
            rows.push(number(key, cost, &format!("{currency} {unit}")));
        }
    }
    rows
}
