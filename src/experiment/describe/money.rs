//! The business case in words.

use crate::experiment::advice::percent;
use crate::experiment::currency::currency_minor_digits;
use crate::experiment::model::{Assumption, Business, CostBasis, HalfLife, UnitCost};

/// What the money is made of.
pub(super) fn money(b: &Business, begins: Option<u8>) -> Vec<String> {
    let currency = b.currency.as_str();
    let unit_cost = |c: &UnitCost, of: &str| {
        format!(
            "An avoided {of} saves {} in full, and {} of labour as far as that becomes cash.",
            assumption(&c.variable, currency),
            assumption(&c.labour, currency)
        )
    };
    let mut items = vec![match &b.cost {
        Some(CostBasis::PerContact(cost)) => unit_cost(cost, "contact"),
        Some(CostBasis::PerMinute(cost)) => unit_cost(cost, "minute"),
        None => "The plan puts no price on a contact: the result is contacts and hours.".to_owned(),
    }];
    items.push(match &b.realisation {
        Some(share) => format!(
            "Freed labour that becomes cash: {} of it, after {} months.",
            share_of(share),
            assumption(&b.realisation_lag_months, "")
        ),
        None => "The plan does not say which share of freed labour becomes cash.".to_owned(),
    });
    items.push(match &b.half_life {
        Some(HalfLife::None) => "The effect is taken never to fade.".to_owned(),
        Some(HalfLife::Months(months)) => {
            format!(
                "Half the effect is left after {} months.",
                assumption(months, "")
            )
        }
        None => "The plan does not say how fast the effect fades.".to_owned(),
    });
    items.push(match &b.units_at_rollout {
        Some(units) => format!(
            "Roll-out: {} customers, {} new a month, {} leaving a month{}{}.",
            assumption(units, ""),
            assumption(&b.new_customers_per_month, ""),
            share_of(&b.churn_per_month),
            match b.ramp_months {
                0 => String::new(),
                months => format!(", reached within {months} months"),
            },
            match b.holdout {
                0.0 => String::new(),
                share => format!(", {} kept as control", percent(share)),
            }
        ),
        None => "The plan does not say how many customers a roll-out has.".to_owned(),
    });
    if let Some(months) = b.repeat_every_months {
        items.push(format!("The teaching is repeated every {months} months."));
    }
    items.push(format!(
        "Counted over {} months at {} a year.",
        b.horizon_months,
        share_of(&b.annual_discount_rate)
    ));
    if b.baseline_by_month.is_some() {
        let begins = begins.map_or_else(String::new, |month| {
            format!(" The roll-out begins in calendar month {month} (1 is January).")
        });
        items.push(format!(
            "Contacts follow a season of twelve factors.{begins}"
        ));
    }
    let (low, high) = b.claims.contact_reduction;
    let mut claims = format!(
        "Held against the claim of {} to {} fewer contacts and {} of the service budget",
        percent(low),
        percent(high),
        percent(b.claims.budget_share)
    );
    if let Some(budget) = b.annual_service_budget {
        claims.push_str(&format!(
            ", which is {} a year",
            assumption(&budget, currency)
        ));
    }
    items.push(claims + ".");
    items
}

/// Mean first, as the base case takes it, then the range.
pub(super) fn assumption(a: &Assumption, currency: &str) -> String {
    match a {
        Assumption::Fixed(x) => amount(*x, currency),
        Assumption::Triangular { low, mode, high } => format!(
            "{} (from {} to {}, most likely {})",
            amount(rounded((low + mode + high) / 3.0), currency),
            number(*low),
            number(*high),
            number(*mode)
        ),
        Assumption::Normal { mean, sd } => {
            format!("{} (± {})", amount(*mean, currency), number(*sd))
        }
    }
}

fn share_of(a: &Assumption) -> String {
    match a {
        Assumption::Fixed(x) => percent(*x),
        Assumption::Triangular { low, mode, high } => format!(
            "{} (from {} to {}, most likely {})",
            percent((low + mode + high) / 3.0),
            percent(*low),
            percent(*high),
            percent(*mode)
        ),
        Assumption::Normal { mean, sd } => format!("{} (± {})", percent(*mean), percent(*sd)),
    }
}

/// To four decimals: more would be noise in a mean of assumptions.
fn rounded(x: f64) -> f64 {
    (x * 1e4).round() / 1e4
}

/// Money with at least the decimals of its minor unit, unless it is whole.
fn amount(x: f64, currency: &str) -> String {
    let mut text = number(x);
    if currency.is_empty() {
        return text;
    }
    if let Some((_, decimals)) = text.split_once('.') {
        let digits = currency_minor_digits(currency).unwrap_or(0) as usize;
        let zeros = digits.saturating_sub(decimals.len());
        text.push_str(&"0".repeat(zeros));
    }
    format!("{currency} {text}")
}

/// A number with commas between thousands.
fn number(x: f64) -> String {
    let text = format!("{x}");
    let (whole, rest) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, format!(".{fraction}")),
        None => (text.as_str(), String::new()),
    };
    let digits = whole.trim_start_matches('-');
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if whole.starts_with('-') { "-" } else { "" };
    format!("{sign}{grouped}{rest}")
}
