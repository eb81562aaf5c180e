//! What keys mean together: tables of the right form → [`Experiment`].

mod analysis;
mod arms;
mod business;
mod data;
mod outcomes;
mod periods;
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
    analysis::fits(plan.need_sub("analysis")?, &experiment)?;
    Ok(experiment)
}

fn assignment(raw: &Raw<'_>) -> Result<Assignment> {
    let assignment = Assignment {
        method: raw.need("method")?,
        strata: raw.need("strata")?,
        cluster: raw.get("cluster")?,
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
