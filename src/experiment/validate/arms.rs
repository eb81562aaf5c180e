//! Arms: one control, whole weights, interventions of the catalogue.

use crate::error::{Result, nearest};
use crate::experiment::catalogue::{INTERVENTIONS, SITE_TOP_QUESTIONS};
use crate::experiment::later;
use crate::experiment::model::{Arm, Assignment, Method};
use crate::experiment::raw::Raw;
use crate::experiment::value::{is_name, shown};

pub(super) fn read(plan: &Raw<'_>, assignment: &Assignment) -> Result<Vec<Arm>> {
    let list = plan.list("arms");
    if list.len() < 2 {
        return Err(plan
            .wrong("arms", "an experiment needs at least two arms")
            .hint("add [[arms]] with control = true, and one for each treatment"));
    }
    let mut arms: Vec<Arm> = Vec::with_capacity(list.len());
    for raw in list {
        let arm = arm(raw, assignment)?;
        if arms.iter().any(|a| a.name == arm.name) {
            return Err(raw
                .wrong("name", format!("two arms are called \"{}\"", arm.name))
                .hint("give each arm its own name"));
        }
        if arm.control
            && let Some(first) = arms.iter().find(|a| a.control)
        {
            return Err(raw
                .wrong(
                    "control",
                    format!("both \"{}\" and \"{}\" are control", first.name, arm.name),
                )
                .hint("every treatment is compared with one control; keep one control = true"));
        }
        arms.push(arm);
    }
    if !arms.iter().any(|a| a.control) {
        return Err(plan
            .wrong("arms", "no arm is control")
            .hint("write control = true in the arm of customers who get nothing new"));
    }
    same_weights_stated(list, &arms)?;
    Ok(arms)
}

/// With `existing`, either every arm states a weight or none does.
fn same_weights_stated(list: &[Raw<'_>], arms: &[Arm]) -> Result<()> {
    let without = arms.iter().position(|a| a.weight.is_none());
    match without {
        Some(i) if arms.iter().any(|a| a.weight.is_some()) => Err(list[i].missing(
            "weight",
            Some("state the planned weight of every arm, or of none where it is not known"),
        )),
        _ => Ok(()),
    }
}

fn arm(raw: &Raw<'_>, assignment: &Assignment) -> Result<Arm> {
    let name: String = raw.need("name")?;
    let weight = match (raw.get("weight")?, assignment.method) {
        (None, Method::Complete | Method::Hashed) => Some(1),
        (weight, _) => weight,
    };
    let arm = Arm {
        title: raw.get("title")?.unwrap_or_else(|| name.clone()),
        control: raw.need("control")?,
        weight,
        interventions: raw.need("interventions")?,
        fixed_cost: raw.need("fixed_cost")?,
        cost_per_customer: raw.need("cost_per_customer")?,
        running_cost_per_month: raw.need("running_cost_per_month")?,
        name,
    };
    for (i, intervention) in arm.interventions.iter().enumerate() {
        known_intervention(raw, i, intervention)?;
    }
    reaches_its_customers_only(raw, &arm, assignment)?;
    Ok(arm)
}

fn known_intervention(raw: &Raw<'_>, index: usize, name: &str) -> Result<()> {
    if INTERVENTIONS.iter().any(|i| i.name == name) {
        return Ok(());
    }
    let names = || INTERVENTIONS.iter().map(|i| i.name);
    let near = nearest(name, names());
    if near.is_none() && is_name(name) && later::OWN_INTERVENTIONS {
        let error = crate::error::Error::not_yet_built(format!(
            "an intervention of your own (\"{name}\", in interventions.toml)"
        ));
        return Err(raw.place_item("interventions", index, error).hint(format!(
            "use the nearest of {}, and say in the arm's title what it is",
            names().collect::<Vec<_>>().join(", ")
        )));
    }
    let error = raw.wrong_item(
        "interventions",
        index,
        format!("unknown intervention \"{}\"", shown(name)),
    );
    Err(match near {
        Some(near) => error.hint(format!("did you mean \"{near}\"?")),
        None => error.hint(format!(
            "choose from {}",
            names().collect::<Vec<_>>().join(", ")
        )),
    })
}

/// A public page reaches every customer, also those of the other arms.
fn reaches_its_customers_only(raw: &Raw<'_>, arm: &Arm, assignment: &Assignment) -> Result<()> {
    let after_login: bool = raw.need("after_login")?;
    let page = arm
        .interventions
        .iter()
        .position(|i| i == SITE_TOP_QUESTIONS);
    match page {
        Some(i)
            if !after_login && assignment.cluster.is_none() && assignment.schedule.is_none() =>
        {
            Err(raw
            .wrong_item(
                "interventions",
                i,
                format!(
                    "\"{SITE_TOP_QUESTIONS}\" reaches every customer, so customers cannot be randomised to it"
                ),
            )
            .hint(
                "write after_login = true if only logged-in customers of this arm see the page; \
                 else let whole regions switch or cross, assignment.design = \"switchback\" or \"stepped-wedge\", \
                 or assign whole regions for the whole time, assignment.cluster",
            ))
        }
        None if after_login => Err(raw
            .wrong(
                "after_login",
                format!("`after_login` is about \"{SITE_TOP_QUESTIONS}\", which this arm does not have"),
            )
            .hint("take it out")),
        _ => Ok(()),
    }
}
