//! What the business case says in words: its assumptions, its notes, why there is no cash.

use crate::analysis::JointEffect;
use crate::error::Result;
use crate::experiment::{Arm, Business, CostBasis, Data, Experiment, HalfLife};
use crate::texts::text;

use super::assumption::Assumptions;
use super::lines::YEAR;
use super::model::{AssumptionRow, BusinessCase, Priced};
use super::unit::{AssumptionUnit, Number, Share};

/// The plan's assumptions about money, where no case could be made of them; none without `[business]`.
///
/// # Errors
/// A plan error names the key of an assumption outside its domain.
pub fn assumed(plan: &Experiment) -> Result<Vec<AssumptionRow>> {
    let Some(business) = &plan.business else {
        return Ok(Vec::new());
    };
    let arms: Vec<&Arm> = plan.treatments().map(|k| &plan.arms[k]).collect();
    let assumptions = Assumptions::new(business, &arms)?;
    Ok(assumption_rows(
        &assumptions,
        business,
        plan.rollout_month(),
    ))
}

/// Why the plan gives no cash NPV.
pub(super) fn why_no_cash(business: &Business, effect: &JointEffect) -> Option<String> {
    let missing = business.missing();
    if !missing.is_empty() {
        let keys: Vec<String> = missing
            .iter()
            .map(|key| format!("business.{key}"))
            .collect();
        let keys = keys.join(&text!("decision.and"));
        return Some(text!("business.missing", keys));
    }
    if matches!(business.cost, Some(CostBasis::PerMinute(_))) && effect.minutes.is_none() {
        return Some(text!("business.no-minutes"));
    }
    effect
        .basis
        .mixes_strata
        .then(|| text!("business.mixes-strata"))
}

/// Why what has a price is not known for every reason.
pub(super) fn why_no_every_reason(plan: &Experiment, effect: &JointEffect) -> Option<String> {
    if effect.every_reason.is_some() {
        return None;
    }
    let counted = plan.business.as_ref().and_then(|b| b.every_reason.as_ref());
    let some = !plan.primary_outcome().reasons.is_empty();
    Some(match (&plan.data, counted) {
        (Some(Data::Log { .. }), _) if !some => text!("business.every-reason-counted"),
        (Some(Data::Log { .. }), Some(outcome)) => {
            text!("business.every-reason-not-estimated", outcome)
        }
        (Some(Data::Log { .. }), None) => text!("business.every-reason-name-taken"),
        _ => text!("business.every-reason-no-log"),
    })
}

pub(super) fn notes(
    plan: &Experiment,
    business: &Business,
    effect: &JointEffect,
    case: &BusinessCase,
) -> Vec<String> {
    let mut notes = Vec::new();
    if case.no_cash_because.is_none() {
        notes.push(text!("business.nominal"));
        notes.push(text!("business.sunk"));
        notes.push(match &case.no_every_reason_because {
            None => text!("business.primary-only-beside"),
            Some(why) => text!("business.primary-only", why),
        });
        notes.push(match plan.analysis.estimator.as_deref() {
            Some("bayes") => text!("business.plan-prior"),
            _ => text!("business.flat-prior"),
        });
        notes.push(text!("business.observed-only"));
        // Of contacts × average cost there is a warning.
        if case.priced == Priced::Minutes {
            notes.push(text!("business.minutes"));
        }
    }
    if effect.basis.second_stage_alone {
        notes.push(text!("business.second-stage-alone"));
    }
    let titles = |names: &[String]| {
        let title = |name: &String| plan.arms.iter().find(|a| a.name == *name);
        let titles = names.iter().filter_map(title);
        let titles: Vec<&str> = titles.map(|a| a.title.as_str()).collect();
        titles.join(", ")
    };
    let (unbiased, raw) = (&effect.basis.median_unbiased, &effect.basis.raw);
    if !unbiased.is_empty() {
        let arms = titles(unbiased);
        notes.push(match case.priced {
            Priced::Contacts => text!("business.looked-unbiased", arms),
            Priced::Minutes => text!("business.looked-unbiased-minutes", arms),
        });
    }
    if !raw.is_empty() {
        notes.push(text!("business.looked-raw", arms = titles(raw)));
    }
    if let Some(estimator) = effect.basis.instead_of {
        notes.push(text!("business.by-rate", estimator = estimator.name()));
    }
    if case.arms.iter().any(|a| a.as_estimated.is_some()) {
        notes.push(text!("business.corrected"));
    }
    if case.arms.iter().any(|a| a.staffing.is_some()) {
        notes.push(text!("business.staffing"));
    }
    match business.half_life {
        Some(HalfLife::None) => notes.push(text!("business.never-fades")),
        Some(HalfLife::Months(_)) => {}
        None => notes.push(text!("business.fade-unknown")),
    }
    let short = (business.horizon_months as usize) < YEAR;
    if case.no_cash_because.is_none() && business.annual_service_budget.is_some() && short {
        notes.push(text!(
            "business.no-steady-year",
            months = business.horizon_months
        ));
    }
    if business.baseline_by_month.is_some() {
        notes.push(text!("business.season"));
    }
    notes
}

/// A line of the list without a range.
fn row(key: String, form: &str, base: Option<f64>, unit: AssumptionUnit) -> AssumptionRow {
    AssumptionRow {
        key,
        form: form.into(),
        base,
        low: None,
        mode: None,
        high: None,
        sd: None,
        most: None,
        unit,
    }
}

/// The list of assumptions: the uncertain ones, what the plan fixes, the arms' costs, the service centre,
/// the claims.
pub(super) fn assumption_rows(
    assumptions: &Assumptions,
    business: &Business,
    start_month: Option<u8>,
) -> Vec<AssumptionRow> {
    let number =
        |key: String, base: f64, unit: AssumptionUnit| row(key, "number", Some(base), unit);
    let (mut rows, arms) = assumptions.rows();
    if business.half_life == Some(HalfLife::None) {
        let mut keys = rows.iter();
        let lag = keys.position(|row| row.key == "realisation_lag_months");
        let unit = Number::Months.into();
        let none = row("half_life_months".into(), "none", None, unit);
        rows.insert(lag.map_or(rows.len(), |at| at + 1), none);
    }
    let budget = match rows.last() {
        Some(row) if row.key == "annual_service_budget" => rows.pop(),
        _ => None,
    };
    rows.push(number(
        "holdout".into(),
        business.holdout,
        Share::Customers.into(),
    ));
    rows.push(number(
        "horizon_months".into(),
        business.horizon_months.into(),
        Number::Months.into(),
    ));
    rows.push(number(
        "ramp_months".into(),
        business.ramp_months.into(),
        Number::Months.into(),
    ));
    if let Some(p) = business.repeat_every_months {
        rows.push(number(
            "repeat_every_months".into(),
            p.into(),
            Number::Months.into(),
        ));
    }
    for (i, factor) in business.baseline_by_month.iter().flatten().enumerate() {
        let key = format!("baseline_by_month.{}", i + 1);
        rows.push(number(key, *factor, Number::CalendarMonth.into()));
    }
    if let (Some(_), Some(month)) = (business.baseline_by_month, start_month) {
        let unit = Number::MonthOfYear.into();
        rows.push(number("rollout_month".into(), month.into(), unit));
    }
    rows.extend(budget);
    rows.extend(arms);
    let staffing = business.staffing.unwrap_or_default();
    for (key, value, unit) in [
        ("occupancy", staffing.occupancy, Share::Time.into()),
        ("shrinkage", staffing.shrinkage, Share::PaidTime.into()),
        (
            "hours_per_agent_year",
            staffing.hours_per_agent_year,
            Number::HoursPerYear.into(),
        ),
        (
            "service_level",
            staffing.service_level,
            Share::Contacts.into(),
        ),
        (
            "answer_seconds",
            staffing.answer_seconds,
            Number::Seconds.into(),
        ),
        (
            "interval_minutes",
            staffing.interval_minutes,
            Number::Minutes.into(),
        ),
        (
            "contacts_per_interval",
            staffing.contacts_per_interval,
            Number::ContactsPerInterval.into(),
        ),
        (
            "handling_seconds",
            staffing.handling_seconds,
            Number::SecondsPerContact.into(),
        ),
    ] {
        rows.extend(value.map(|value| number(format!("staffing.{key}"), value, unit)));
    }
    let (low, high) = business.claims.contact_reduction;
    for (key, value, unit) in [
        ("contact_reduction.low", low, Share::Contacts),
        ("contact_reduction.high", high, Share::Contacts),
        ("budget_share", business.claims.budget_share, Share::Budget),
    ] {
        rows.push(number(format!("claims.{key}"), value, unit.into()));
    }
    rows
}
