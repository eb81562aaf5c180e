//! Both stages in sentences.

use crate::experiment::Experiment;
use crate::number::{fixed, p_value};

use crate::analysis::looks::model::{ArmLooks, LookState};
use crate::analysis::looks::stages::Stages;

/// The title of an arm.
pub(super) fn title<'a>(plan: &'a Experiment, arm: &'a str) -> &'a str {
    let found = plan.arms.iter().find(|a| a.name == arm);
    found.map_or(arm, |a| a.title.as_str())
}

/// A sentence for each comparison, and one for the procedure.
pub(super) fn words(plan: &Experiment, stages: &Stages, arms: &[ArmLooks]) -> Vec<String> {
    let mut sentences: Vec<String> = stages
        .arms
        .iter()
        .zip(arms)
        .map(|(staged, arm)| {
            let parts: Vec<String> = staged
                .stages
                .iter()
                .zip(["first", "second"])
                .map(|(s, word)| {
                    format!(
                        "{word} stage z = {} (one-sided {})",
                        fixed(s.z, 2),
                        p_value(s.p)
                    )
                })
                .collect();
            let what = match arm.state {
                LookState::Effect if arm.crossed_at.is_some_and(|at| Some(at) < last_look(arm)) => {
                    "the effect was shown in the first stage, and stays shown"
                }
                LookState::Effect => "the effect is shown",
                LookState::Harm => "the arm does harm",
                _ => "no effect is shown, and no stage is left",
            };
            let name = title(plan, &staged.arm);
            let outcome = match plan.primary_outcome().name == staged.outcome {
                true => String::new(),
                false => format!(", {}", staged.outcome),
            };
            format!(
                "{name}{outcome}: {}; both together z = {} against the boundary of {}: {what}.",
                parts.join(", "),
                fixed(staged.z, 2),
                fixed(staged.critical, 2)
            )
        })
        .collect();
    sentences.push(format!(
        "Two stages of separate customers, combined by the weights {} and {} that the plan of {} fixed before its data.",
        stages.weights[0], stages.weights[1], stages.first.name
    ));
    sentences
}

fn last_look(arm: &ArmLooks) -> Option<u32> {
    arm.looks.last().map(|l| l.look)
}
