//! What the business case says in words: its assumptions, its notes, why there is no cash.

use crate::analysis::JointEffect;
use crate::experiment::{Business, CostBasis, Experiment, HalfLife};

use super::assumption::Assumptions;
use super::model::{AssumptionRow, BusinessCase, Priced};

/// Why the plan gives no cash NPV.
pub(super) fn why_no_cash(business: &Business, effect: &JointEffect) -> Option<String> {
    let missing = |key: &str| Some(format!("the plan has no business.{key}"));
    if business.units_at_rollout.is_none() {
        return missing("units_at_rollout");
    }
    match business.cost {
        None => return missing("cost_per_contact"),
        Some(CostBasis::PerMinute(_)) if effect.minutes.is_none() => {
            return Some(
                "business.cost_per_minute needs the effect on handling time, which could not be estimated for every arm; mend the data or give business.cost_per_contact"
                    .into(),
            );
        }
        Some(CostBasis::PerMinute(_) | CostBasis::PerContact(_)) => {}
    }
    if business.realisation.is_none() {
        return missing("realisation");
    }
    if business.half_life.is_none() {
        return missing("half_life_months");
    }
    None
}

pub(super) fn notes(plan: &Experiment, business: &Business, case: &BusinessCase) -> Vec<String> {
    let mut notes = Vec::new();
    let mut say = |s: &str| notes.push(s.to_string());
    if case.no_cash_because.is_none() {
        say("Amounts are nominal and before tax.");
        say("The pilot's own cost is sunk: it is outside the NPV.");
        say(
            "Savings come from the primary outcome only; effects on other contacts are never added.",
        );
        say(match plan.analysis.estimator.as_deref() {
            Some("bayes") => "Probabilities start from the plan's prior of the effect.",
            _ => {
                "Probabilities take the pilot's estimate and its error as all that is known (flat prior)."
            }
        });
        say(
            "\"Observed only\" ends each customer's effect after as long as the pilot measured it; the spend stays.",
        );
        match case.priced {
            Priced::Minutes => say(
                "Savings are minutes of handling avoided × the cost of a minute: education prevents the short contacts first, so contacts × average cost would overstate them.",
            ),
            Priced::Contacts => say(
                "Every avoided contact is worth the average one. Education prevents the short ones first, so the saving may be overstated: log handling seconds and give business.cost_per_minute to count minutes.",
            ),
        }
    }
    if case.arms.iter().any(|a| a.as_estimated.is_some()) {
        say(
            "The best of several arms looks better than it is. An arm that beats others counts with the hybrid median-unbiased estimate of its effect (Andrews, Kitagawa & McCloskey 2024); as estimated stands beside.",
        );
    }
    if case.arms.iter().any(|a| a.staffing.is_some()) {
        say(
            "Hours and agents are two readings of the labour in the savings, never added to them: free the agents, or keep them and answer with more room.",
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

/// The list of assumptions: the uncertain ones, what the plan fixes, the arms' costs.
pub(super) fn assumption_rows(
    assumptions: &Assumptions,
    business: &Business,
) -> Vec<AssumptionRow> {
    let number = |key: String, base: f64, unit: &str| AssumptionRow {
        key,
        form: "number".into(),
        base,
        low: None,
        mode: None,
        high: None,
        sd: None,
        most: None,
        unit: unit.into(),
    };
    let (mut rows, arms) = assumptions.rows();
    let budget = match rows.last() {
        Some(row) if row.key == "annual_service_budget" => rows.pop(),
        _ => None,
    };
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
    rows.extend(budget);
    rows.extend(arms);
    rows
}
