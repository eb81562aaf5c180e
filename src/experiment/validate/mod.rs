//! What keys mean together: tables of the right form → [`Experiment`].

mod analysis;
mod arms;
mod business;
mod data;
mod every_reason;
mod outcomes;
mod periods;
mod schedule;
mod sequential;

use crate::error::Result;
use crate::experiment::model::{Assignment, DecisionRule, Experiment};
use crate::experiment::raw::Raw;

/// Validates a plan; `stem` is the stem of its file, where the name must equal it.
pub(super) fn experiment(plan: &Raw<'_>, stem: Option<&str>) -> Result<Experiment> {
    let head = plan.need_sub("experiment")?;
    let name: String = head.need("name")?;
    if let Some(stem) = stem.filter(|stem| *stem != name) {
        let stem = crate::experiment::value::shown(stem);
        return Err(head
            .wrong(
                "name",
                format!("the plan is called \"{name}\", but its file \"{stem}\""),
            )
            .hint(format!(
                "rename the file to {name}.toml, or write the file's name here"
            )));
    }
    let assignment = assignment(plan.need_sub("assignment")?)?;
    let arms = arms::read(plan, &assignment)?;
    let mut data = data::read(plan, &assignment, &arms)?;
    let periods = periods::read(plan, data.as_mut())?;
    let mut outcomes = outcomes::read(plan, data.as_ref())?;
    let business = match plan.sub("business") {
        Some(raw) => Some(business::read(raw, data.as_ref(), &mut outcomes)?),
        None => None,
    };
    let experiment = Experiment {
        title: head.get("title")?.unwrap_or_else(|| name.clone()),
        name,
        problem: head.get("problem")?,
        root_cause: head.get("root_cause")?,
        owner: head.get("owner")?,
        second_stage_of: head.get("second_stage_of")?,
        seed: head.need("seed")?,
        analysis: analysis::read(plan.need_sub("analysis")?)?,
        decision: decision(plan.need_sub("decision")?)?,
        min_cell: plan.need_sub("privacy")?.need("min_cell")?,
        business,
        assignment,
        arms,
        periods,
        data,
        outcomes,
    };
    business::season_begins(plan, &experiment)?;
    schedule::fits(plan, &experiment)?;
    analysis::fits(plan.need_sub("analysis")?, &experiment)?;
    second_stage(head, plan.need_sub("analysis")?, &experiment)?;
    Ok(experiment)
}

/// A second stage is of another pilot, has one analysis, and an estimate that can be combined; so has
/// a first that plans one.
fn second_stage(head: &Raw<'_>, analysis: &Raw<'_>, e: &Experiment) -> Result<()> {
    let named = e.analysis.estimator.as_deref();
    let uncombined = named.filter(|n| ["permutation", "bootstrap", "bayes", "cace"].contains(n));
    let planned = e.analysis.sequential.as_ref();
    if let (Some(name), Some(_)) = (uncombined, planned.and_then(|s| s.extension_weights)) {
        return Err(analysis
            .wrong(
                "estimator",
                format!("\"{name}\" cannot be combined over two stages, and the plan has extension_weights for a second"),
            )
            .hint("name an estimator with a standard error, such as \"lin\", or take extension_weights out"));
    }
    let Some(first) = &e.second_stage_of else {
        return Ok(());
    };
    if *first == e.name {
        return Err(head
            .wrong("second_stage_of", "a pilot is no second stage of itself")
            .hint("name the pilot that came first, or take the key out"));
    }
    if let Some(sequential) = analysis.sub("sequential") {
        return Err(sequential
            .wrong_table("a second stage is analysed once, at its end, together with the first")
            .hint("take [analysis.sequential] out: the boundary and the weights are those of the first stage's plan"));
    }
    if let Some(name) = uncombined {
        return Err(analysis
            .wrong(
                "estimator",
                format!("\"{name}\" cannot be combined over two stages"),
            )
            .hint("the estimator is that of the first stage, one with a standard error, such as \"lin\" or \"cluster\""));
    }
    Ok(())
}

fn assignment(raw: &Raw<'_>) -> Result<Assignment> {
    let mut assignment = Assignment {
        method: raw.need("method")?,
        strata: raw.need("strata")?,
        cluster: raw.get("cluster")?,
        schedule: None,
    };
    if let Some(cluster) = &assignment.cluster
        && let Some(i) = assignment.strata.iter().position(|s| s == cluster)
    {
        return Err(raw
            .wrong_item(
                "strata",
                i,
                format!("the column \"{cluster}\" cannot form both strata and clusters"),
            )
            .hint("a stratum holds several clusters; take the column out of one of the two"));
    }
    assignment.schedule = schedule::read(raw, &assignment)?;
    Ok(assignment)
}

fn decision(raw: &Raw<'_>) -> Result<DecisionRule> {
    Ok(DecisionRule {
        scale_if: raw.need("scale_if")?,
        min_probability: raw.need("min_probability")?,
        max_payback_months: raw.get("max_payback_months")?,
        max_attrition_difference: raw.get("max_attrition_difference")?,
    })
}
