//! Assumptions in words: their names and their values.

use crate::finance::{AssumptionRow, TornadoRow};
use crate::report::document::Document;
use crate::report::finding::arm_title;
use crate::report::memo::Block;
use crate::report::number::{general, percent_with};
use crate::report::text::{isolate, plain};
use crate::texts::text;

/// The name of an assumption with the arm whose it is: "Fixed cost, Welcome e-mail".
pub fn name_of(doc: &Document, key: &str) -> String {
    let arms = doc.experiment.arms.iter();
    let mut of_arms = arms.filter(|a| {
        let rest = key
            .strip_prefix("arms.")
            .and_then(|k| k.strip_prefix(&a.name));
        rest.is_some_and(|rest| rest.starts_with('.'))
    });
    match of_arms.next() {
        Some(arm) => {
            let arm = isolate(&arm_title(doc, &arm.name));
            text!("assumed.of-arm", what = name(key), arm)
        }
        None => name(key),
    }
}

/// A value with its unit in words: "60 % of freed labour", "9 months".
pub fn value(row: &AssumptionRow) -> String {
    let words = match row.unit.percent() {
        Some(words) => words.replacen("% ", "", 1),
        None => row.unit.words(),
    };
    let Some(base) = row.base else {
        return text!("assumed.none");
    };
    let shown = number(row, base);
    format!("{shown} {}", plain(&words)).trim_end().to_owned()
}

/// The number alone, a share in percent.
pub fn number(row: &AssumptionRow, value: f64) -> String {
    match row.unit.is_share() {
        true => text!(
            "number.percent",
            number = general(rounded_to(value * 100.0, 6))
        ),
        false => general(value),
    }
}

/// The name of an assumption, of an arm's costs or of the effect; the key itself where there is none.
pub fn name(key: &str) -> String {
    let last = match key.strip_prefix("arms.") {
        Some(rest) => rest.rsplit('.').next().unwrap_or(rest),
        None => key,
    };
    if let Some(month) = key.strip_prefix("baseline_by_month.") {
        return text!("workbook.season", month);
    }
    match last {
        "effect" => text!("assumed.effect"),
        "cost_per_contact.variable" => text!("assumed.variable-contact"),
        "cost_per_contact.labour" => text!("assumed.labour-contact"),
        "cost_per_minute.variable" => text!("assumed.variable-minute"),
        "cost_per_minute.labour" => text!("assumed.labour-minute"),
        "realisation" => text!("assumed.realisation"),
        "realisation_lag_months" => text!("assumed.lag"),
        "half_life_months" => text!("assumed.half-life"),
        "units_at_rollout" => text!("assumed.units"),
        "new_customers_per_month" => text!("assumed.new-customers"),
        "churn_per_month" => text!("assumed.churn"),
        "annual_discount_rate" => text!("assumed.discount-rate"),
        "annual_service_budget" => text!("assumed.budget"),
        "holdout" => text!("assumed.holdout"),
        "horizon_months" => text!("assumed.horizon"),
        "ramp_months" => text!("assumed.ramp"),
        "repeat_every_months" => text!("assumed.repeat"),
        "rollout_month" => text!("assumed.rollout-month"),
        "fixed_cost" => text!("assumed.fixed-cost"),
        "cost_per_customer" => text!("assumed.cost-per-customer"),
        "running_cost_per_month" => text!("assumed.running-cost"),
        "claims.contact_reduction.low" => text!("workbook.claim-low"),
        "claims.contact_reduction.high" => text!("workbook.claim-high"),
        "claims.budget_share" => text!("workbook.claim-budget"),
        "staffing.occupancy" => text!("html.js-occupancy"),
        "staffing.shrinkage" => text!("html.js-shrinkage"),
        "staffing.hours_per_agent_year" => text!("html.js-hours_per_agent_year"),
        "staffing.service_level" => text!("html.js-service_level"),
        "staffing.answer_seconds" => text!("html.js-answer_seconds"),
        "staffing.interval_minutes" => text!("html.js-interval_minutes"),
        "staffing.contacts_per_interval" => text!("html.js-contacts_per_interval"),
        "staffing.handling_seconds" => text!("html.js-handling_seconds"),
        _ => plain(key).into_owned(),
    }
}

/// The list of what was assumed.
///
/// Low and high are the ends of a triangle, and of a normal its 5th and 95th percentile; the heads say so
/// where there is one.
pub fn table(doc: &Document) -> Block {
    let rows = doc.assumptions.iter().map(|a| {
        let bound = |v: Option<f64>| v.map_or_else(String::new, |v| number(a, v));
        vec![
            name_of(doc, &a.key),
            value(a),
            bound(a.low),
            bound(a.mode),
            bound(a.high),
            plain(&a.key).into_owned(),
        ]
    });
    let (low, high) = match doc.assumptions.iter().any(|a| a.form == "normal") {
        true => (text!("assumed.low-normal"), text!("assumed.high-normal")),
        false => (text!("workbook.head-low"), text!("workbook.head-high")),
    };
    Block::Table {
        header: vec![
            text!("workbook.head-assumption"),
            text!("memo.used"),
            low,
            text!("workbook.head-mode"),
            high,
            text!("memo.key"),
        ],
        rows: rows.collect(),
    }
}

/// "4.5 to 18 months", "0 % to 100 %", "0.11 to 0.29 contacts avoided per customer-month".
pub fn span(row: &TornadoRow) -> String {
    let share = row.unit.is_share();
    let show = |v: f64| match share {
        true => percent_with(v, if v != 0.0 && v.abs() < 0.1 { 1 } else { 0 }),
        false => general(rounded(v)),
    };
    let high = row.high.map_or_else(|| text!("html.js-no-end"), show);
    let span = text!("interval.to", low = show(row.low), high);
    match share {
        true => span,
        false => format!("{span} {}", plain(&row.unit.words())),
    }
}

/// To three significant digits: the ends of a range are no more exact than that.
fn rounded(v: f64) -> f64 {
    rounded_to(v, 3)
}

/// To so many significant digits.
fn rounded_to(v: f64, significant: i32) -> f64 {
    if v == 0.0 || !v.is_finite() {
        return v;
    }
    let digits = significant - 1 - v.abs().log10().floor() as i32;
    if (-300..300).contains(&digits) {
        let factor = 10f64.powi(digits);
        (v * factor).round() / factor
    } else {
        v
    }
}
