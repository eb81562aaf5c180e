//! What happens next, in sentences.

use crate::experiment::{Experiment, Sequential};
use crate::number::fixed;

use super::model::{ArmLooks, Boundaries, LookState};

/// One sentence for each comparison, and one for what comes next.
pub(super) fn next(plan: &Experiment, sequential: &Sequential, b: &Boundaries) -> Vec<String> {
    let mut sentences: Vec<String> = b.arms.iter().map(|a| arm(plan, sequential, b, a)).collect();
    sentences.push(coming(sequential, b));
    sentences
}

fn arm(plan: &Experiment, sequential: &Sequential, b: &Boundaries, a: &ArmLooks) -> String {
    let title = plan
        .arms
        .iter()
        .find(|arm| arm.name == a.arm)
        .map_or(a.arm.as_str(), |arm| arm.title.as_str());
    let outcome = match plan.primary_outcome().name == a.outcome {
        true => String::new(),
        false => format!(", {}", a.outcome),
    };
    let Some(now) = a.looks.last() else {
        return format!("{title}{outcome}: no look was made.");
    };
    let (z, critical) = (fixed(now.z, 2), fixed(now.critical, 2));
    let line = match b.kind.as_str() {
        "confidence-sequence" => "the interval that holds at every moment",
        _ => "the boundary",
    };
    let earlier = a.crossed_at.filter(|at| *at < now.look);
    let what = match (a.state, earlier) {
        (LookState::Effect, Some(at)) => {
            format!("{line} was crossed at look {at}, and the effect stays shown")
        }
        (LookState::Harm, Some(at)) => format!("harm was shown at look {at}"),
        (LookState::Effect, None) if b.ended => {
            format!("z = {z} crosses {line} of {critical}: the effect is shown")
        }
        (LookState::Effect, None) => format!(
            "z = {z} crosses {line} of {critical}: the effect is shown, and stopping now keeps the error rate"
        ),
        (LookState::Harm, None) => format!(
            "z = {z} crosses {line} of {critical} on the bad side: the arm does harm; stop it"
        ),
        (LookState::Futility, _) => format!(
            "z = {z} lies below the futility bound of {}: success has become unlikely; stopping is advised, and going on \
             does not raise the error rate",
            now.futility
                .map_or_else(|| "the plan".into(), |f| fixed(f, 2))
        ),
        (LookState::GoOn, _) => format!("z = {z} does not reach {line} of {critical}: go on"),
        (LookState::NotShown, _) if b.ended && sequential.extension_weights.is_some() => format!(
            "z = {z} does not reach {line} of {critical}; a part of the error rate is kept for a second stage"
        ),
        (LookState::NotShown, _) => format!(
            "z = {z} does not reach {line} of {critical}, and no look is left: no effect is shown"
        ),
    };
    format!("{title}{outcome}: {what}.")
}

fn coming(sequential: &Sequential, b: &Boundaries) -> String {
    let made = format!(
        "This is look {}{}; {} {} made so far.",
        b.look,
        b.looks_planned
            .map_or_else(String::new, |n| format!(" of {n}")),
        b.looks_made,
        if b.looks_made == 1 {
            "look was"
        } else {
            "looks were"
        },
    );
    let open = b
        .arms
        .iter()
        .any(|a| matches!(a.state, LookState::GoOn | LookState::Futility));
    if b.ended || !open {
        return made;
    }
    let next = sequential.looks.get(b.look as usize);
    match (next, b.looks_planned) {
        (Some(day), Some(n)) if b.look + 1 == n => {
            format!("{made} The next is the last, at the planned end on {day}.")
        }
        (Some(day), _) => format!("{made} The next is planned for the end of {day}."),
        (None, Some(n)) if b.look + 1 == n => format!("{made} The next is the last."),
        _ => made,
    }
}
