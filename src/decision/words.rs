//! Facts as sentences, with their numbers.

use crate::analysis::{EstimateRow, Shown};
use crate::experiment::{Better, Experiment, Outcome};
use crate::finance::{BusinessCase, Line};
use crate::number::{MINUS, chance, count as grouped, money_short, p_value, percent_with};
use crate::stats::dist::normal_isf;
use crate::stats::{DetailValue, Estimator};

use super::facts::{BreakEven, Facts, Guard, benefit};

/// A number with three significant digits.
pub(super) fn number(x: f64) -> String {
    if x == 0.0 {
        return "0".into();
    }
    let digits = (2 - x.abs().log10().floor() as i32).clamp(0, 12) as usize;
    with_minus(format!("{x:.digits$}"))
}

/// A whole number of things.
pub(super) fn count(n: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(n), if n == 1 { "" } else { "s" })
}

/// The text with a full stop at its end.
pub(super) fn sentence(text: String) -> String {
    if text.ends_with(['.', '!', '?', '。', '۔']) {
        text
    } else {
        text + "."
    }
}

/// A share as a percentage, one decimal.
pub(super) fn percent(x: f64) -> String {
    let text = percent_with(x, 1);
    text.replace(".0 %", " %")
}

/// An amount in whole units of the currency, or with its minor digits below 1,000.
pub(super) fn money(x: f64, case: &BusinessCase) -> String {
    money_short(x, &case.currency, case.minor_digits)
}

fn with_minus(text: String) -> String {
    match text.strip_prefix('-') {
        Some(rest) => format!("{MINUS}{rest}"),
        None => text,
    }
}

fn range(lower: Option<f64>, upper: Option<f64>, show: impl Fn(f64) -> String) -> String {
    match (lower, upper) {
        (Some(l), Some(u)) => format!("{} to {}", show(l), show(u)),
        (Some(l), None) => format!("{} or more", show(l)),
        (None, Some(u)) => format!("{} or less", show(u)),
        (None, None) => "unbounded".into(),
    }
}

/// "Tip sheet: the difference in contacts is −0.21 per customer (95 % interval −0.30 to −0.12),
/// significant (p = 0.002)."
pub(super) fn effect(facts: &Facts, row: &EstimateRow, plan: &Experiment) -> String {
    let shown = Shown::of(row);
    let mut text = format!("{}: {}", facts.arm.title, shown.difference());
    if shown.lower.or(shown.upper).is_some() {
        let adjusted = if shown.adjusted { "adjusted " } else { "" };
        let ends = range(shown.lower, shown.upper, |v| shown.change(v));
        text += &format!(" ({adjusted}{} interval {ends})", percent(row.level));
    }
    text += &match facts.p {
        Some(p) if facts.significant => format!(", significant ({})", p_value(p)),
        Some(p) => format!(
            ", not shown at the {} level ({})",
            percent(plan.analysis.alpha),
            p_value(p)
        ),
        None if facts.significant => ", significant by its interval".into(),
        None => ", without a test that could show it".into(),
    };
    text + "."
}

/// How all guardrails stand.
pub(super) fn guardrails(facts: &Facts) -> Option<String> {
    if facts.guardrails.is_empty() {
        return None;
    }
    let failing: Vec<String> = facts
        .guardrails
        .iter()
        .filter_map(|(outcome, guard)| match guard {
            Guard::Holds => None,
            Guard::Broken(how) => Some(format!("{} is broken: {how}", outcome.name)),
            Guard::Open(why) => Some(format!("{} is not shown to hold: {why}", outcome.name)),
        })
        .collect();
    Some(match (failing.is_empty(), facts.guardrails.len()) {
        (true, 1) => format!("The guardrail {} holds.", facts.guardrails[0].0.name),
        (true, n) => format!("All {n} guardrails hold."),
        (false, _) => format!("Guardrails: {}.", failing.join("; ")),
    })
}

/// What the guardrails still ask for, by name.
pub(super) fn guardrails_needed(facts: &Facts) -> Option<String> {
    let open = facts.guardrails.iter().filter(|(_, g)| *g != Guard::Holds);
    let names: Vec<&str> = open.map(|(outcome, _)| outcome.name.as_str()).collect();
    (!names.is_empty()).then(|| {
        format!(
            "A roll-out needs every guardrail inside its margin; {} {} not.",
            names.join(" and "),
            if names.len() == 1 { "is" } else { "are" }
        )
    })
}

/// A guardrail's interval and its margin, in the unit in which the row is read.
pub(super) fn margin(
    row: &EstimateRow,
    outcome: &Outcome,
    (lower, upper): (f64, f64),
    verb: &str,
    margin: f64,
) -> String {
    let shown = Shown::of(row);
    // The margin on the side of harm; percentage points are read as such.
    let factor = if shown.unit == row.unit { 1.0 } else { 100.0 };
    let side = if outcome.better == Better::Lower {
        margin
    } else {
        -margin
    };
    let p = match row.detail.get("p_non_inferiority") {
        Some(DetailValue::Number(p)) => format!(" (non-inferiority {})", p_value(*p)),
        _ => String::new(),
    };
    format!(
        "its {} interval, {} to {} {}, {verb} beyond the margin of {}{p}",
        percent(row.level),
        number(lower * factor),
        number(upper * factor),
        shown.unit,
        number(side * factor)
    )
}

/// NPV, its interval and its chance of being positive.
pub(super) fn npv(line: &Line, facts: &Facts, case: &BusinessCase) -> String {
    let show = |v: f64| money(v, case);
    let positive = facts.case.and_then(|c| c.probability_npv_positive);
    let chance = positive.map_or(String::new(), |p| {
        let bayes = facts.row.is_some_and(|r| r.estimator == Estimator::Bayes);
        let prior = if bayes {
            "the plan's prior"
        } else {
            "flat prior"
        };
        format!("; positive with probability {} ({prior})", chance(p))
    });
    let raw = facts.case.and_then(|c| c.as_estimated.as_ref()?.npv);
    // Where no other arm came near there is nothing to correct.
    let raw = raw.filter(|raw| show(raw.value) != show(line.value));
    let corrected = raw.map_or(String::new(), |raw| {
        format!(
            "; corrected for being the best of several arms (hybrid median-unbiased estimate), as estimated {}",
            show(raw.value)
        )
    });
    format!(
        "NPV {} over {} ({} interval {}){chance}{corrected}.",
        show(line.value),
        count(case.horizon_months.into(), "month"),
        percent(case.level),
        range(line.lower, line.upper, show),
    )
}

/// Where the bound stands against break-even.
pub(super) fn break_even(even: &BreakEven) -> String {
    let (show, unit): (fn(f64) -> String, _) = match (even.relative, even.minutes) {
        (true, false) => (percent, "reduction"),
        (true, true) => (percent, "fewer minutes"),
        (false, false) => (number, "contacts avoided per customer-day"),
        (false, true) => (number, "minutes avoided per customer-day"),
    };
    let verb = if even.cleared() {
        "clears"
    } else {
        "does not clear"
    };
    format!(
        "The cautious end of the interval, {} {unit}, {verb} break-even at {}.",
        show(even.bound),
        show(even.needed)
    )
}

/// How many times the customers would show an effect of the estimated size.
///
/// *Formula* — ((z_{1−α/(sides·K)} + z_power)·se/effect)², Bonferroni over K arms; said as "about".
pub(super) fn customers_needed(row: &EstimateRow, plan: &Experiment) -> Option<String> {
    let benefit = benefit(row, plan.primary_outcome().better);
    let se = row.se.filter(|_| benefit > 0.0)?;
    let sides = if plan.analysis.one_sided { 1.0 } else { 2.0 };
    let arms = plan.treatments().count().max(1) as f64;
    let z =
        normal_isf(plan.analysis.alpha / (sides * arms)) + normal_isf(1.0 - plan.analysis.power);
    let times = (z * se / benefit).powi(2);
    let power = percent(plan.analysis.power);
    (times > 1.0).then(|| {
        let times = if times > 100.0 {
            "over 100".into()
        } else if times > 10.0 {
            format!("about {:.0}", times.ceil())
        } else {
            format!("about {:.1}", (times * 10.0).ceil() / 10.0)
        };
        format!(
            "If the effect is as large as estimated, {times} times as many customers would show it with {power} power."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(currency: &str, minor_digits: u8) -> BusinessCase {
        BusinessCase {
            currency: currency.into(),
            minor_digits,
            horizon_months: 12,
            level: 0.95,
            draws: 0,
            priced: crate::finance::Priced::Contacts,
            pilot: crate::finance::PilotFacts {
                start_month: 1,
                window_days: 60.0,
                control_contacts: 1.0,
                control_minutes: None,
            },
            arms: vec![],
            best: None,
            choice: None,
            tornado: vec![],
            payback_within_months: None,
            claimed_budget_share: None,
            cashflow: vec![],
            assumptions: vec![],
            draws_summary: None,
            notes: vec![],
            no_cash_because: None,
        }
    }

    #[test]
    fn numbers_read_as_people_write_them() {
        let eur = case("EUR", 2);
        assert_eq!(money(1_234_567.5, &eur), "EUR 1,234,568");
        assert_eq!(money(-44_941.45, &eur), "−EUR 44,941");
        assert_eq!(money(-0.001, &eur), "EUR 0.00");
        assert_eq!(money(999.125, &eur), "EUR 999.12");
        assert_eq!(money(-3.4, &case("JPY", 0)), "−JPY 3");
        assert_eq!(money(0.125, &case("KWD", 3)), "KWD 0.125");
        assert_eq!(number(-0.21345), "−0.213");
        assert_eq!(number(0.0), "0");
        assert_eq!(number(12_345.6), "12346");
        assert_eq!(percent(-0.1234), "−12.3 %");
        assert_eq!(range(None, Some(0.5), number), "0.500 or less");
    }
}
