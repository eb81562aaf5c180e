//! Looks before the planned end, in words.

use crate::experiment::model::{Experiment, Role, Sequential};

use super::percent;

/// When anybody looks, by which rule, and what it costs.
pub(super) fn described(e: &Experiment) -> Vec<String> {
    let Some(plan) = &e.analysis.sequential else {
        return Vec::new();
    };
    let mut items = vec![when(plan), rule(plan)];
    let primaries = e.outcomes.iter().filter(|o| o.role == Role::Primary);
    let comparisons = e.treatments().count() * primaries.count();
    if comparisons > 1 {
        items.push(format!(
            "Each of the {comparisons} comparisons has an equal part of the error rate."
        ));
    }
    if let Some((first, second)) = plan.extension_weights {
        items.push(format!(
            "A second stage may follow, with weight {second} to this stage's {first}: a part of the \
             error rate is kept for it, so the planned end has less."
        ));
    }
    items
}

fn when(plan: &Sequential) -> String {
    if plan.number() == Some(1) {
        return "Nobody looks before the end.".to_owned();
    }
    let days: Vec<String> = plan.looks.iter().map(ToString::to_string).collect();
    let shares: Vec<String> = plan.information.iter().map(|t| percent(*t)).collect();
    match (days.is_empty(), shares.is_empty()) {
        (false, _) => format!(
            "Looks at the contacts up to {}; the last is the end.",
            days.join(", ")
        ),
        (true, false) => format!(
            "Looks when {} of the information is in; the last is the end.",
            shares.join(", ")
        ),
        (true, true) => "Anybody may look at any time.".to_owned(),
    }
}

fn rule(plan: &Sequential) -> String {
    let Some(rule) = &plan.rule else {
        return "Intervals are wide enough to hold at every moment together (a confidence sequence)."
            .to_owned();
    };
    let parameter = rule
        .parameter
        .map_or_else(String::new, |p| format!(" with parameter {p}"));
    let futility = match &rule.futility {
        Some(f) => format!(
            "; stopping is advised where success has become unlikely ({}, beta {})",
            f.spending, f.beta
        ),
        None => String::new(),
    };
    let all = match (plan.number(), plan.extension_weights) {
        (Some(1), Some(_)) => "The end and a second stage",
        (_, Some(_)) => "All looks and a second stage",
        _ => "All looks",
    };
    format!(
        "{all} together keep the error rate (boundary {}{parameter}){futility}.",
        rule.spending
    )
}
