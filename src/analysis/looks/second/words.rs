//! Both stages in sentences.

use crate::experiment::Experiment;
use crate::number::{fixed, p_value};
use crate::texts::text;

use crate::analysis::looks::model::{ArmLooks, LookState};
use crate::analysis::looks::stages::{StageRow, StagedArm, Stages};
use crate::analysis::looks::words::who;

/// The title of an arm.
pub(super) fn title<'a>(plan: &'a Experiment, arm: &'a str) -> &'a str {
    let found = plan.arms.iter().find(|a| a.name == arm);
    found.map_or(arm, |a| a.title.as_str())
}

/// A sentence for each comparison, and one for the procedure.
pub(super) fn words(plan: &Experiment, stages: &Stages, arms: &[ArmLooks]) -> Vec<String> {
    let compared = stages.arms.iter().zip(arms);
    let mut sentences: Vec<String> = compared.map(|(s, a)| both(plan, s, a)).collect();
    let [first, second] = stages.weights;
    let plan = &stages.first.name;
    sentences.push(text!("look.weights", first, second, plan));
    sentences
}

fn both(plan: &Experiment, staged: &StagedArm, arm: &ArmLooks) -> String {
    let stages: Vec<String> = staged.stages.iter().zip(0..2).map(stage).collect();
    let who = who(plan, &staged.arm, &staged.outcome);
    let (z, critical) = (fixed(staged.z, 2), fixed(staged.critical, 2));
    let stages = stages.join(", ");
    match arm.state {
        LookState::Effect if arm.crossed_at.is_some_and(|at| Some(at) < last_look(arm)) => {
            text!("look.both-earlier", who, stages, z, critical)
        }
        LookState::Effect => text!("look.both-shown", who, stages, z, critical),
        LookState::Harm => text!("look.both-harm", who, stages, z, critical),
        _ => text!("look.both-not-shown", who, stages, z, critical),
    }
}

fn stage((row, place): (&StageRow, usize)) -> String {
    let (z, p) = (fixed(row.z, 2), p_value(row.p));
    match place {
        0 => text!("look.first-stage", z, p),
        _ => text!("look.second-stage-z", z, p),
    }
}

fn last_look(arm: &ArmLooks) -> Option<u32> {
    arm.looks.last().map(|l| l.look)
}
