//! The business case in words.

use super::staffing;
use crate::experiment::advice::season_mean;
use crate::experiment::currency::currency_minor_digits;
use crate::experiment::model::{Assumption, Business, CostBasis, HalfLife};
use crate::number::{fixed, given, money_given, percent_given};
use crate::texts::text;

/// A single month, of which other words speak.
const ONE_MONTH: Assumption = Assumption::Fixed(1.0);

/// What the money is made of.
pub(super) fn described(b: &Business, begins: Option<u8>) -> Vec<String> {
    let mut items = vec![price(b), realised(b), fade(b), rollout(b)];
    items.extend(b.repeat_every_months.map(|months| match months {
        1 => text!("plan-money.repeat-one-month"),
        months => text!("plan-money.repeat", months),
    }));
    let rate = share_of(&b.annual_discount_rate);
    items.push(match b.horizon_months {
        1 => text!("plan-money.horizon-one-month", rate),
        months => text!("plan-money.horizon", months, rate),
    });
    items.extend(season(b, begins));
    items.push(claims(b));
    items.extend(staffing::described(b.staffing.as_ref()));
    items
}

/// The season with its factors, and by how much they scale a year.
fn season(b: &Business, begins: Option<u8>) -> Option<String> {
    let factors: Vec<String> = b.baseline_by_month?.iter().map(|f| given(*f)).collect();
    let factors = factors.join(", ");
    let said = match begins {
        None => text!("plan-money.season", factors),
        Some(month) => text!("plan-money.season-begins", factors, month),
    };
    Some(match season_mean(b) {
        Some(mean) => {
            let mean = text!("plan-money.season-mean", mean = fixed(mean, 2));
            [said, mean].join(" ")
        }
        None => said,
    })
}

fn price(b: &Business) -> String {
    let of = |a: &Assumption| assumption(a, &b.currency);
    match &b.cost {
        Some(CostBasis::PerContact(cost)) => text!(
            "plan-money.contact",
            variable = of(&cost.variable),
            labour = of(&cost.labour)
        ),
        Some(CostBasis::PerMinute(cost)) => text!(
            "plan-money.minute",
            variable = of(&cost.variable),
            labour = of(&cost.labour)
        ),
        None => text!("plan-money.no-price"),
    }
}

fn realised(b: &Business) -> String {
    let Some(share) = b.realisation.as_ref().map(share_of) else {
        return text!("plan-money.realised-unknown");
    };
    match &b.realisation_lag_months {
        Assumption::Fixed(0.0) => text!("plan-money.realised-at-once", share),
        lag if *lag == ONE_MONTH => text!("plan-money.realised-one-month", share),
        lag => text!("plan-money.realised", share, months = assumption(lag, "")),
    }
}

fn fade(b: &Business) -> String {
    match &b.half_life {
        Some(HalfLife::None) => text!("plan-money.never-fades"),
        Some(HalfLife::Months(m)) if *m == ONE_MONTH => text!("plan-money.half-life-one-month"),
        Some(HalfLife::Months(m)) => text!("plan-money.half-life", months = assumption(m, "")),
        None => text!("plan-money.fade-unknown"),
    }
}

fn rollout(b: &Business) -> String {
    let Some(units) = &b.units_at_rollout else {
        return text!("plan-money.rollout-unknown");
    };
    let mut rollout = text!(
        "plan-money.rollout",
        customers = assumption(units, ""),
        new = assumption(&b.new_customers_per_month, ""),
        leaving = share_of(&b.churn_per_month)
    );
    rollout = match b.ramp_months {
        0 => rollout,
        1 => text!("plan-money.ramp-one-month", rollout),
        months => text!("plan-money.ramp", rollout, months),
    };
    if b.holdout > 0.0 {
        let share = percent_given(b.holdout);
        rollout = text!("plan-money.holdout", rollout, share);
    }
    text!("plan.sentence", words = rollout)
}

fn claims(b: &Business) -> String {
    let (low, high) = b.claims.contact_reduction;
    let (low, high) = (percent_given(low), percent_given(high));
    let share = percent_given(b.claims.budget_share);
    match &b.annual_service_budget {
        None => text!("plan-money.claims", low, high, share),
        Some(budget) => {
            let budget = assumption(budget, &b.currency);
            text!("plan-money.claims-budget", low, high, share, budget)
        }
    }
}

/// Mean first, as the base case takes it, then the range; an amount where there is a currency.
pub(super) fn assumption(a: &Assumption, currency: &str) -> String {
    let minor_digits = currency_minor_digits(currency).map_or(0, |digits| digits as u8);
    let first = |x: f64| match currency {
        "" => given(x),
        _ => money_given(x, currency, minor_digits),
    };
    // More than four decimals would be noise in a mean of assumptions.
    let rounded = |x: f64| (x * 1e4).round() / 1e4;
    shown(a, |x| first(rounded(x)), first, given)
}

fn share_of(a: &Assumption) -> String {
    shown(a, percent_given, percent_given, percent_given)
}

/// `worked_out` shows a mean of three, `stated` the number of the plan, `beside` the others.
fn shown(
    a: &Assumption,
    worked_out: impl Fn(f64) -> String,
    stated: impl Fn(f64) -> String,
    beside: impl Fn(f64) -> String,
) -> String {
    match a {
        Assumption::Fixed(x) => stated(*x),
        Assumption::Triangular { low, mode, high } => text!(
            "plan-money.triangular",
            mean = worked_out((low + mode + high) / 3.0),
            low = beside(*low),
            high = beside(*high),
            mode = beside(*mode)
        ),
        Assumption::Normal { mean, sd } => {
            text!("plan-money.normal", mean = stated(*mean), sd = beside(*sd))
        }
    }
}
