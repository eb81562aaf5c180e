//! What happens next, in sentences.

use crate::experiment::{Experiment, Sequential};
use crate::number::fixed;
use crate::texts::text;

use super::model::{ArmLooks, Boundaries, LookState};

/// One sentence for each comparison, and one for what comes next.
pub(super) fn next(plan: &Experiment, sequential: &Sequential, b: &Boundaries) -> Vec<String> {
    let mut sentences: Vec<String> = b.arms.iter().map(|a| arm(plan, sequential, b, a)).collect();
    sentences.push(coming(sequential, b));
    sentences
}

/// An arm's title, with the outcome where that is not the first.
pub(super) fn who(plan: &Experiment, arm: &str, outcome: &str) -> String {
    let found = plan.arms.iter().find(|a| a.name == arm);
    let title = found.map_or(arm, |a| a.title.as_str());
    match plan.primary_outcome().name == outcome {
        true => title.into(),
        false => text!("look.who-outcome", arm = title, outcome),
    }
}

fn arm(plan: &Experiment, sequential: &Sequential, b: &Boundaries, a: &ArmLooks) -> String {
    let who = who(plan, &a.arm, &a.outcome);
    let Some(now) = a.looks.last() else {
        return text!("look.none", who);
    };
    let (z, critical) = (fixed(now.z, 2), fixed(now.critical, 2));
    let line = match b.kind.as_str() {
        "confidence-sequence" => text!("look.sequence"),
        _ => text!("look.boundary"),
    };
    let earlier = a.crossed_at.filter(|at| *at < now.look);
    match (a.state, earlier) {
        (LookState::Effect, Some(at)) => text!("look.crossed-earlier", who, line, look = at),
        (LookState::Harm, Some(at)) => text!("look.harm-earlier", who, look = at),
        (LookState::Effect, None) if b.ended => text!("look.shown-at-end", who, z, line, critical),
        (LookState::Effect, None) => text!("look.shown", who, z, line, critical),
        (LookState::Harm, None) => text!("look.harm", who, z, line, critical),
        (LookState::Futility, _) => match now.futility {
            None => text!("look.futility-plan", who, z),
            Some(bound) => text!("look.futility", who, z, bound = fixed(bound, 2)),
        },
        (LookState::GoOn, _) => text!("look.go-on", who, z, line, critical),
        (LookState::NotShown, _) if b.ended && sequential.extension_weights.is_some() => {
            text!("look.second-stage", who, z, line, critical)
        }
        (LookState::NotShown, _) => text!("look.not-shown", who, z, line, critical),
    }
}

fn coming(sequential: &Sequential, b: &Boundaries) -> String {
    let look = b.look;
    let made = match (b.looks_planned, b.looks_made) {
        (None, 1) => text!("look.made-one", look),
        (None, made) => text!("look.made-many", look, made),
        (Some(all), 1) => text!("look.made-of-one", look, all),
        (Some(all), made) => text!("look.made-of-many", look, all, made),
    };
    let open = b
        .arms
        .iter()
        .any(|a| matches!(a.state, LookState::GoOn | LookState::Futility));
    if b.ended || !open {
        return made;
    }
    let day = sequential.looks.get(b.look as usize);
    let next = match (day, b.looks_planned) {
        (Some(day), Some(n)) if b.look + 1 == n => text!("look.next-last-on", day),
        (Some(day), _) => text!("look.next-on", day),
        (None, Some(n)) if b.look + 1 == n => text!("look.next-last"),
        _ => return made,
    };
    format!("{made} {next}")
}
