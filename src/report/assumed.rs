//! Assumptions in words: their names and their values.

use crate::finance::TornadoRow;
use crate::report::number::{general, percent_with};
use crate::report::text::plain;

/// Names of the keys of `[business]`, of an arm's costs and of the effect.
const NAMES: [(&str, &str); 20] = [
    ("effect", "Effect measured in the pilot"),
    ("cost_per_contact.variable", "Variable cost of a contact"),
    ("cost_per_contact.labour", "Labour in a contact"),
    ("cost_per_minute.variable", "Variable cost of a minute"),
    ("cost_per_minute.labour", "Labour in a minute"),
    ("realisation", "Freed labour that becomes cash"),
    ("realisation_lag_months", "Delay until it does"),
    ("half_life_months", "Half-life of the effect"),
    ("units_at_rollout", "Customers at roll-out"),
    ("new_customers_per_month", "New customers"),
    ("churn_per_month", "Customers who leave"),
    ("annual_discount_rate", "Discount rate"),
    ("annual_service_budget", "Service budget"),
    ("holdout", "Hold-out"),
    ("horizon_months", "Horizon"),
    ("ramp_months", "Months until everyone is reached"),
    ("repeat_every_months", "Months between repeats"),
    ("fixed_cost", "Fixed cost"),
    ("cost_per_customer", "Cost per customer"),
    ("running_cost_per_month", "Running cost"),
];

/// The name of an assumption; the key itself where there is none.
pub fn name(key: &str) -> String {
    let last = match key.strip_prefix("arms.") {
        Some(rest) => rest.rsplit('.').next().unwrap_or(rest),
        None => key,
    };
    let found = NAMES.iter().find(|(k, _)| *k == last);
    found.map_or_else(|| plain(key).into_owned(), |(_, name)| (*name).to_string())
}

/// "4.5 to 18 months", "0 % to 100 %", "0.11 to 0.29 contacts avoided per customer-month".
pub fn span(row: &TornadoRow) -> String {
    let unit = plain(&row.unit);
    let share = unit.starts_with("share ");
    let show = |v: f64| match share {
        true => percent_with(v, if v != 0.0 && v.abs() < 0.1 { 1 } else { 0 }),
        false => general(rounded(v)),
    };
    let high = row.high.map_or_else(|| "no end".into(), show);
    let span = format!("{} to {high}", show(row.low));
    match share {
        true => span,
        false => format!("{span} {unit}"),
    }
}

/// To three significant digits: the ends of a range are no more exact than that.
fn rounded(v: f64) -> f64 {
    if v == 0.0 || !v.is_finite() {
        return v;
    }
    let digits = 2 - v.abs().log10().floor() as i32;
    if (-300..300).contains(&digits) {
        let factor = 10f64.powi(digits);
        (v * factor).round() / factor
    } else {
        v
    }
}
