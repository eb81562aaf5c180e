//! Outcomes: what is measured, and which one decides.

use crate::error::Result;
use crate::experiment::model::{
    BeforeKind, Better, DEFAULT_AFTER, Data, Outcome, OutcomeKind, Role,
};
use crate::experiment::raw::Raw;

pub(super) fn read(plan: &Raw<'_>, data: Option<&Data>) -> Result<Vec<Outcome>> {
    let list = plan.list("outcomes");
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(list.len());
    for raw in list {
        let outcome = outcome(raw, data)?;
        if outcomes.iter().any(|o| o.name == outcome.name) {
            return Err(raw
                .wrong(
                    "name",
                    format!("two outcomes are called \"{}\"", outcome.name),
                )
                .hint("give each outcome its own name"));
        }
        outcomes.push(outcome);
    }
    if !outcomes.iter().any(|o| o.role == Role::Primary) {
        return Err(plan
            .wrong("outcomes", "no outcome is primary")
            .hint("write role = \"primary\" in the one that decides"));
    }
    Ok(outcomes)
}

fn outcome(raw: &Raw<'_>, data: Option<&Data>) -> Result<Outcome> {
    let role: Role = raw.need("role")?;
    let kind: OutcomeKind = raw.need("kind")?;
    let outcome = Outcome {
        name: raw.need("name")?,
        role,
        kind,
        reasons: raw.need("reasons")?,
        better: better(raw, kind)?,
        cap: raw.get("cap")?,
        after: raw
            .get("after")?
            .unwrap_or_else(|| DEFAULT_AFTER.to_owned()),
        before: raw.get("before")?,
        before_kind: raw.get("before_kind")?.unwrap_or(BeforeKind::Count),
        margin: margin(raw, role, kind)?,
    };
    if outcome.cap.is_some() && kind != OutcomeKind::Count {
        return Err(raw
            .wrong("cap", "only counts can be capped")
            .hint("take `cap` out, or write kind = \"count\""));
    }
    if outcome.before.as_ref() == Some(&outcome.after) {
        return Err(raw
            .wrong("before", "the same column cannot be both before and after")
            .hint("name two columns, or take `before` out"));
    }
    match data {
        Some(Data::Log { contacts, .. }) => {
            columns_are_of_counts(raw)?;
            if !outcome.reasons.is_empty() && contacts.reason.is_none() {
                return Err(raw
                    .wrong("reasons", "the log names no column with the reason")
                    .hint("add reason = \"…\" to data.contacts.columns"));
            }
            if kind == OutcomeKind::Mean && contacts.handling_seconds.is_none() {
                return Err(raw
                    .wrong("kind", "the mean of a log is handling time, and the log names no column with it")
                    .hint("add handling_seconds = \"…\" to data.contacts.columns, or write kind = \"count\""));
            }
        }
        Some(Data::Counts(_) | Data::Cells(_)) if !outcome.reasons.is_empty() => {
            return Err(raw
                .wrong("reasons", "ready-made counts hold no reasons")
                .hint("name the column that counts these reasons: after = \"…\""));
        }
        Some(Data::Cells(_)) => columns_are_of_counts(raw)?,
        _ => {}
    }
    Ok(outcome)
}

fn columns_are_of_counts(raw: &Raw<'_>) -> Result<()> {
    for key in ["after", "before", "before_kind"] {
        if raw.states(key) {
            return Err(raw
                .wrong(key, format!("`{key}` is about a column of [data.counts]"))
                .hint("take it out: these data have no such columns"));
        }
    }
    Ok(())
}

/// Fewer contacts are better; of a mean or a share nobody can know.
fn better(raw: &Raw<'_>, kind: OutcomeKind) -> Result<Better> {
    match (raw.get("better")?, kind) {
        (Some(better), _) => Ok(better),
        (None, OutcomeKind::Count) => Ok(Better::Lower),
        (None, OutcomeKind::Mean | OutcomeKind::Proportion) => Err(raw.missing(
            "better",
            Some("say which direction is good: better = \"lower\" or \"higher\""),
        )),
    }
}

fn margin(raw: &Raw<'_>, role: Role, kind: OutcomeKind) -> Result<Option<f64>> {
    let margin = raw.get::<f64>("margin")?;
    match (role, margin) {
        (Role::Guardrail, None) => Err(raw.missing(
            "margin",
            Some("a guardrail needs the harm it may show, in the outcome's unit, for example margin = 0.1"),
        )),
        (Role::Guardrail, Some(m)) if kind == OutcomeKind::Proportion && m >= 1.0 => Err(raw
            .wrong("margin", format!("a margin of {m} lets a share do anything"))
            .hint("a share's margin is below 1: 0.05 is five points")),
        (Role::Guardrail, margin) => Ok(margin),
        (_, Some(_)) => Err(raw
            .wrong("margin", "only a guardrail has a margin")
            .hint("take `margin` out, or write role = \"guardrail\"")),
        (_, None) => Ok(None),
    }
}
