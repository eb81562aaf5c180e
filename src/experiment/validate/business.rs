//! The assumptions of the business case.

use crate::error::{Result, nearest};
use crate::experiment::currency::{currencies, currency_minor_digits};
use crate::experiment::model::{
    Better, Business, Claims, CostBasis, Data, Experiment, Outcome, OutcomeKind, Role, Staffing,
};
use crate::experiment::raw::Raw;
use crate::experiment::value::shown;

use super::every_reason;

/// The outcome of total handling time that a plan gets with a cost per minute.
const HANDLING: &str = "handling-seconds";

/// Reads `[business]`; a cost per minute may add to `outcomes` what it is multiplied by, and a log what
/// shows whether contacts moved to other reasons.
pub(super) fn read(
    raw: &Raw<'_>,
    data: Option<&Data>,
    outcomes: &mut Vec<Outcome>,
) -> Result<Business> {
    let cost = cost(raw, data)?;
    let handling_outcome = handling(raw, cost.as_ref(), data, outcomes)?;
    Ok(Business {
        currency: currency(raw)?,
        every_reason: every_reason::outcome(cost.as_ref(), data, outcomes),
        handling_outcome,
        cost,
        realisation: raw.get("realisation")?,
        realisation_lag_months: raw.need("realisation_lag_months")?,
        half_life: raw.get("half_life_months")?,
        units_at_rollout: one_of(raw, "units_at_rollout", "customers_at_rollout")?
            .map(|key| raw.need(key))
            .transpose()?,
        new_customers_per_month: raw.need("new_customers_per_month")?,
        churn_per_month: raw.need("churn_per_month")?,
        holdout: raw.need("holdout")?,
        horizon_months: raw.need("horizon_months")?,
        annual_discount_rate: raw.need("annual_discount_rate")?,
        ramp_months: raw.need("ramp_months")?,
        repeat_every_months: raw.get("repeat_every_months")?,
        baseline_by_month: raw
            .get::<Vec<f64>>("baseline_by_month")?
            .and_then(|factors| factors.try_into().ok()),
        rollout_month: raw.get("rollout_month")?,
        annual_service_budget: raw.get("annual_service_budget")?,
        claims: claims(raw.need_sub("claims")?)?,
        staffing: raw.sub("staffing").map(staffing).transpose()?,
    })
}

/// A season counts from the month in which the roll-out begins, which the plan must tell: never the
/// day of an analysis.
pub(super) fn season_begins(plan: &Raw<'_>, e: &Experiment) -> Result<()> {
    let seasonal = e
        .business
        .as_ref()
        .is_some_and(|b| b.baseline_by_month.is_some());
    match plan.sub("business") {
        Some(raw) if seasonal && e.rollout_month().is_none() => Err(raw.missing(
            "rollout_month",
            Some(
                "baseline_by_month counts from the month in which the roll-out begins, and no [periods] tell the last \
                 day of the pilot: add the month, for example rollout_month = 9",
            ),
        )),
        _ => Ok(()),
    }
}

/// Which of two keys that exclude each other the plan states.
fn one_of<'k>(raw: &Raw<'_>, first: &'k str, second: &'k str) -> Result<Option<&'k str>> {
    match (raw.states(first), raw.states(second)) {
        (true, true) => Err(raw
            .wrong(
                second,
                format!("`{second}` and `{first}` exclude each other"),
            )
            .hint("keep one of the two")),
        (true, false) => Ok(Some(first)),
        (false, true) => Ok(Some(second)),
        (false, false) => Ok(None),
    }
}

fn currency(raw: &Raw<'_>) -> Result<String> {
    let code: String = raw.need("currency")?;
    if currency_minor_digits(&code).is_some() {
        return Ok(code);
    }
    let error = raw.wrong(
        "currency",
        format!("\"{}\" is not an ISO 4217 code", shown(&code)),
    );
    let upper = code.trim().to_uppercase();
    Err(if currency_minor_digits(&upper).is_some() {
        error.hint(format!("write \"{upper}\""))
    } else if let Some(near) = nearest(&code, currencies()) {
        error.hint(format!("did you mean \"{near}\"?"))
    } else {
        error.hint("three letters, for example \"EUR\" or \"USD\"")
    })
}

fn cost(raw: &Raw<'_>, data: Option<&Data>) -> Result<Option<CostBasis>> {
    match one_of(raw, "cost_per_contact", "cost_per_minute")? {
        Some("cost_per_minute") => {
            let logged = match data {
                Some(Data::Log { contacts, .. }) => contacts.handling_seconds.is_some(),
                Some(Data::Counts(_) | Data::Cells(_)) | None => true,
                Some(Data::Days(_) | Data::RegionLog { .. }) => false,
            };
            if !logged {
                return Err(raw
                    .wrong(
                        "cost_per_minute",
                        "minutes need handling times, and the data hold none",
                    )
                    .hint("name data.contacts.columns.handling_seconds, or use cost_per_contact"));
            }
            Ok(Some(CostBasis::PerMinute(raw.need("cost_per_minute")?)))
        }
        Some(key) => Ok(Some(CostBasis::PerContact(raw.need(key)?))),
        None => Ok(None),
    }
}

/// The outcome that a cost per minute is multiplied by: total handling seconds per customer of the
/// contacts that the primary outcome counts.
///
/// Of a log it is made here where the plan has none, so that every reader of the plan, and both
/// engines, see an outcome like any other.
fn handling(
    raw: &Raw<'_>,
    cost: Option<&CostBasis>,
    data: Option<&Data>,
    outcomes: &mut Vec<Outcome>,
) -> Result<Option<String>> {
    let key = "handling_outcome";
    let stated: Option<String> = raw.get(key)?;
    if !matches!(cost, Some(CostBasis::PerMinute(_))) {
        return match stated {
            Some(_) => Err(raw
                .wrong(key, "`handling_outcome` belongs to `cost_per_minute`")
                .hint("take it out, or price minutes instead of contacts")),
            None => Ok(None),
        };
    }
    let primary = outcomes.iter().find(|o| o.role == Role::Primary);
    let reasons = primary.map(|o| o.reasons.clone()).unwrap_or_default();
    let fits = |o: &&Outcome| {
        o.kind == OutcomeKind::Mean && o.better == Better::Lower && o.reasons == reasons
    };
    if let Some(name) = stated {
        let found = outcomes.iter().find(|o| o.name == name);
        return match found {
            Some(outcome) if fits(&outcome) => Ok(Some(name)),
            Some(_) => Err(raw
                .wrong(
                    key,
                    format!("\"{name}\" is not the handling time of what the primary outcome counts"),
                )
                .hint("it needs kind = \"mean\", better = \"lower\" and the reasons of the primary outcome")),
            None => Err(raw
                .wrong(key, format!("there is no outcome \"{}\"", shown(&name)))
                .hint("name one of [[outcomes]]: total handling seconds per customer")),
        };
    }
    let logged = matches!(data, Some(Data::Log { .. }));
    if !logged {
        return match data {
            None => Ok(None),
            Some(_) => Err(raw
                .wrong(
                    "cost_per_minute",
                    "minutes need handling times, and the plan does not say where these data hold them",
                )
                .hint(
                    "add an outcome with kind = \"mean\" and better = \"lower\" of total handling seconds per customer, \
                     and name it in business.handling_outcome; or use cost_per_contact",
                )),
        };
    }
    if let Some(own) = outcomes.iter().find(fits) {
        return Ok(Some(own.name.clone()));
    }
    if outcomes.iter().any(|o| o.name == HANDLING) {
        return Err(raw
            .wrong(
                "cost_per_minute",
                format!("\"{HANDLING}\", the outcome that it needs, is the name of another"),
            )
            .hint("rename that outcome, or name the right one in business.handling_outcome"));
    }
    outcomes.push(every_reason::added(HANDLING, OutcomeKind::Mean, reasons));
    Ok(Some(HANDLING.to_owned()))
}

fn claims(raw: &Raw<'_>) -> Result<Claims> {
    let reduction: Vec<f64> = raw.need("contact_reduction")?;
    let [low, high] = reduction[..] else {
        return Err(raw.wrong("contact_reduction", "expected two numbers"));
    };
    if low > high {
        return Err(raw
            .wrong(
                "contact_reduction",
                format!("the low claim {low} is above the high claim {high}"),
            )
            .hint("low first, for example [0.25, 0.30]"));
    }
    Ok(Claims {
        contact_reduction: (low, high),
        budget_share: raw.need("budget_share")?,
    })
}

fn staffing(raw: &Raw<'_>) -> Result<Staffing> {
    Ok(Staffing {
        occupancy: raw.get("occupancy")?,
        shrinkage: raw.get("shrinkage")?,
        hours_per_agent_year: raw.get("hours_per_agent_year")?,
        service_level: raw.get("service_level")?,
        answer_seconds: raw.get("answer_seconds")?,
        interval_minutes: raw.get("interval_minutes")?,
        contacts_per_interval: raw.get("contacts_per_interval")?,
        handling_seconds: raw.get("handling_seconds")?,
    })
}
