//! Whether a second stage asks what its first asked.

use crate::error::{Error, Result};
use crate::experiment::{self, Experiment, PlannedEstimand, Windows};

use super::first_stage::days;
use super::pilot::Opened;

/// Tables and keys that make the question: none may differ between the stages.
const QUESTION: [&str; 10] = [
    "analysis.alpha",
    "analysis.alternative",
    "analysis.estimand",
    "analysis.estimator",
    "analysis.per_days",
    "assignment.strata",
    "assignment.cluster",
    "business.currency",
    "outcomes",
    "periods.after_days",
];

/// Refuses a second stage that asks another question, and names each key that differs.
pub fn same_question(first: &Experiment, opened: &Opened) -> Result<()> {
    let second = opened.experiment();
    let mut differing: Vec<(String, String)> = Vec::new();
    let primary: Vec<String> = first
        .outcomes
        .iter()
        .filter(|o| o.role == experiment::Role::Primary)
        .map(|o| o.name.clone())
        .collect();
    for change in experiment::changes(first, second) {
        let key = change.key.as_str();
        let of_outcome = primary.iter().any(|name| {
            let rest = key
                .strip_prefix("outcomes.")
                .and_then(|k| k.strip_prefix(name.as_str()));
            rest.is_some_and(|rest| {
                [
                    ".role",
                    ".kind",
                    ".reasons",
                    ".better",
                    ".cap",
                    ".before_kind",
                ]
                .contains(&rest)
            })
        });
        let of_arm = second.arms.iter().any(|arm| {
            let rest = key
                .strip_prefix("arms.")
                .and_then(|k| k.strip_prefix(arm.name.as_str()));
            matches!(rest, Some(".control" | ".interventions" | ".after_login"))
        });
        if QUESTION.contains(&key) || of_outcome || of_arm {
            let shown = |v: &Option<String>| v.clone().unwrap_or_else(|| "nothing".into());
            let words = format!(
                "{} there, {} here",
                shown(&change.approved),
                shown(&change.now)
            );
            differing.push((change.key, words));
        }
    }
    for arm in &second.arms {
        if !first.arms.iter().any(|a| a.name == arm.name) {
            let words = "the first stage had no such arm".to_string();
            differing.push((format!("arms.{}", arm.name), words));
        }
    }
    if let (Some(a), Some(b)) = (after_days(first), after_days(second))
        && a != b
        && first.analysis.per_days.is_none()
        && first.analysis.estimand == PlannedEstimand::Difference
    {
        let words =
            format!("{a} days there, {b} here, and the difference is per customer over the window");
        differing.push(("periods.after".into(), words));
    }
    let Some((key, _)) = differing.first() else {
        return Ok(());
    };
    let list: Vec<String> = differing
        .iter()
        .map(|(k, w)| format!("{k} ({w})"))
        .collect();
    Err(Error::plan(format!(
        "the second stage asks another question than {}: {}",
        first.name,
        list.join("; ")
    ))
    .file(opened.pilot.plan_path())
    .key(key.clone())
    .hint("make them as in the first stage's approved plan; arms may be left out, not added or changed"))
}

/// Days of the after window.
fn after_days(e: &Experiment) -> Option<i64> {
    Some(match &e.periods.as_ref()?.windows {
        Windows::Fixed { after, .. } => days(*after)?,
        Windows::Relative { after_days, .. } => i64::from(*after_days),
    })
}
