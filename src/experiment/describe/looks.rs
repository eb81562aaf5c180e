//! Looks before the planned end, in words.

use crate::experiment::model::{Experiment, GroupSequential, Role, Sequential};
use crate::number::{given, percent_given};
use crate::texts::text;

/// When anybody looks, by which rule, and what it costs.
pub(super) fn described(e: &Experiment) -> Vec<String> {
    let Some(plan) = &e.analysis.sequential else {
        return Vec::new();
    };
    let mut items = vec![when(plan), rule(plan)];
    let primaries = e.outcomes.iter().filter(|o| o.role == Role::Primary);
    let comparisons = e.treatments().count() * primaries.count();
    if comparisons > 1 {
        items.push(text!("plan-looks.parts", comparisons));
    }
    if let Some((first, second)) = plan.extension_weights {
        let (first, second) = (given(first), given(second));
        items.push(text!("plan-looks.second-stage", second, first));
    }
    items
}

fn when(plan: &Sequential) -> String {
    if plan.number() == Some(1) {
        return text!("plan-looks.none");
    }
    let days: Vec<String> = plan.looks.iter().map(ToString::to_string).collect();
    let shares: Vec<String> = plan.information.iter().map(|t| percent_given(*t)).collect();
    match (days.is_empty(), shares.is_empty()) {
        (false, _) => text!("plan-looks.at-days", days = days.join(", ")),
        (true, false) => text!("plan-looks.at-information", shares = shares.join(", ")),
        (true, true) => text!("plan-looks.at-any-time"),
    }
}

fn rule(plan: &Sequential) -> String {
    let Some(rule) = &plan.rule else {
        return text!("plan-looks.sequence");
    };
    let boundary = boundary(rule);
    let kept = match (plan.number(), plan.extension_weights) {
        (Some(1), Some(_)) => text!("plan-looks.end-and-stage", boundary),
        (_, Some(_)) => text!("plan-looks.all-and-stage", boundary),
        _ => text!("plan-looks.all", boundary),
    };
    match &rule.futility {
        None => kept,
        Some(f) => {
            let advised = text!(
                "plan-looks.futility",
                spending = f.spending,
                beta = given(f.beta)
            );
            format!("{kept} {advised}")
        }
    }
}

fn boundary(rule: &GroupSequential) -> String {
    let name = &rule.spending;
    match rule.parameter.map(given) {
        None => text!("plan-looks.boundary", name),
        Some(parameter) => text!("plan-looks.boundary-parameter", name, parameter),
    }
}
