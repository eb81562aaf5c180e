//! Facts as sentences, with their numbers.

use crate::analysis::{EstimateRow, NextStage, Shown};
use crate::experiment::{Better, Experiment, NoBusinessCase, Outcome, no_business_case};
use crate::finance::{ArmCase, BusinessCase, Line};
use crate::number::{
    MINUS, chance, count as grouped, fixed, general, interval_decimals, money_short, p_value,
    percent_apart, percent_with,
};
use crate::stats::{DetailValue, Estimator};
use crate::texts::text;

use super::facts::{BreakEven, Facts, Guard};
use super::model::VerdictKind;

/// A verdict in a sentence.
pub(super) fn verdict(kind: VerdictKind) -> String {
    match kind {
        VerdictKind::Scale => text!("decision.scale"),
        VerdictKind::Extend => text!("decision.extend"),
        VerdictKind::Stop => text!("decision.stop"),
        VerdictKind::Wait => text!("decision.wait"),
        VerdictKind::Blocked => text!("decision.blocked"),
    }
}

/// A number with three significant digits.
pub(super) fn number(x: f64) -> String {
    if x == 0.0 {
        return "0".into();
    }
    let digits = (2 - x.abs().log10().floor() as i32).clamp(0, 12) as usize;
    with_minus(format!("{x:.digits$}"))
}

pub(super) fn days(n: u64) -> String {
    match n {
        1 => text!("count.day-one"),
        n => text!("count.day-many", n = grouped(n)),
    }
}

pub(super) fn months(n: u32) -> String {
    match n {
        1 => text!("count.month-one"),
        n => text!("count.month-many", n = grouped(n.into())),
    }
}

/// The text with a full stop at its end.
pub(super) fn sentence(text: String) -> String {
    if text.ends_with(['.', '!', '?', '。', '۔']) {
        text
    } else {
        text + "."
    }
}

/// A share as a percentage, one decimal; more where it would read as 0 % or 100 %.
pub(super) fn percent(x: f64) -> String {
    let text = percent_apart(x, 1);
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

pub(super) fn range(
    lower: Option<f64>,
    upper: Option<f64>,
    show: impl Fn(f64) -> String,
) -> String {
    match (lower.map(&show), upper.map(show)) {
        (Some(l), Some(u)) => text!("decision.range", low = l, high = u),
        (Some(l), None) => text!("decision.range-least", low = l),
        (None, Some(u)) => text!("decision.range-most", high = u),
        (None, None) => text!("decision.range-unbounded"),
    }
}

/// "Tip sheet: the difference in contacts is −0.21 per customer (95 % interval −0.30 to −0.12),
/// significant (p = 0.002)."
pub(super) fn effect(facts: &Facts, row: &EstimateRow, plan: &Experiment) -> String {
    let mut shown = Shown::of(row);
    let raw = shown.change(shown.value);
    shown.value = shown.allowed(row);
    let moved = shown.change(shown.value) != raw;
    let (arm, difference) = (&facts.arm.title, shown.difference());
    let difference = match moved {
        true => text!("decision.difference-looks", difference, raw),
        false => difference,
    };
    let measured = if shown.lower.or(shown.upper).is_none() {
        text!("decision.measured", arm, difference)
    } else {
        let level = percent(row.level);
        let range = range(shown.lower, shown.upper, |v| shown.change(v));
        match shown.adjusted {
            true => text!("decision.measured-adjusted", arm, difference, level, range),
            false => text!("decision.measured-interval", arm, difference, level, range),
        }
    };
    match facts.p {
        Some(p) if facts.worse => text!("decision.effect-worse", measured, p = p_value(p)),
        None if facts.worse => text!("decision.effect-worse-interval", measured),
        Some(p) if facts.significant => text!("decision.effect-p", measured, p = p_value(p)),
        Some(p) => text!(
            "decision.effect-not-shown",
            measured,
            alpha = percent(plan.analysis.alpha),
            p = p_value(p)
        ),
        None if facts.significant => text!("decision.effect-interval", measured),
        None => text!("decision.effect-untested", measured),
    }
}

/// That the arm has no estimate, and why where the analysis says it.
pub(super) fn no_estimate(facts: &Facts) -> String {
    let arm = &facts.arm.title;
    match &facts.no_estimate_because {
        Some(why) => text!("decision.arm-no-estimate-because", arm, why),
        None => text!("decision.arm-no-estimate", arm),
    }
}

/// Why a plan gives no business case.
///
/// `no_days`: the data do not tell over how many days the outcome is counted.
pub fn no_money(plan: &Experiment, no_days: bool) -> String {
    let outcome = &plan.primary_outcome().name;
    let known = no_business_case(plan);
    match known.or(no_days.then_some(NoBusinessCase::NoDays)) {
        Some(NoBusinessCase::NoDays) => text!("decision.no-money-days"),
        Some(NoBusinessCase::NoTable) => text!("decision.no-money-plan"),
        Some(NoBusinessCase::NotCounted) => text!("decision.no-money-kind", outcome),
        Some(NoBusinessCase::MoreIsBetter) => text!("decision.no-money-better", outcome),
        Some(NoBusinessCase::NoDifference) | None => text!("decision.no-money-joint"),
    }
}

/// The chance with the digits that keep it apart from what the plan asks for, which it misses.
pub(super) fn chance_below(p: f64, asked: f64) -> String {
    let shown = chance(p);
    if shown != chance(asked) && shown != percent(asked) {
        return shown;
    }
    let apart = |d: &i32| percent_with(p, *d) != percent_with(asked, *d);
    (1..12).find(apart).map_or(shown, |d| percent_with(p, d))
}

/// What an arm that is not on the good side says of benefit and harm.
pub(super) fn no_benefit(facts: &Facts) -> String {
    let arm = &facts.arm.title;
    match (facts.worse, facts.untested_harm) {
        (true, _) => text!("decision.harm", arm),
        (false, true) => text!("decision.harm-untested", arm),
        (false, false) => text!("decision.no-benefit", arm),
    }
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
            Guard::Broken(how) => Some(text!(
                "decision.guardrail-broken",
                outcome = outcome.name,
                how
            )),
            Guard::Open(why) => Some(text!(
                "decision.guardrail-open",
                outcome = outcome.name,
                why
            )),
        })
        .collect();
    Some(match (failing.is_empty(), facts.guardrails.as_slice()) {
        (true, [(outcome, _)]) => text!("decision.guardrail-holds", outcome = outcome.name),
        (true, all) => text!("decision.guardrails-hold", n = all.len()),
        (false, _) => text!("decision.guardrails-fail", failing = failing.join("; ")),
    })
}

/// What the guardrails still ask for, by name.
pub(super) fn guardrails_needed(facts: &Facts) -> Option<String> {
    let open = facts.guardrails.iter().filter(|(_, g)| *g != Guard::Holds);
    let names: Vec<&str> = open.map(|(outcome, _)| outcome.name.as_str()).collect();
    let outcomes = names.join(&text!("decision.and"));
    match names.len() {
        0 => None,
        1 => Some(text!("decision.guardrail-needed", outcomes)),
        _ => Some(text!("decision.guardrails-needed", outcomes)),
    }
}

/// A guardrail's interval that lies or reaches beyond its margin, in the unit in which the row is
/// read.
pub(super) fn beyond_margin(
    row: &EstimateRow,
    outcome: &Outcome,
    (lower, upper): (f64, f64),
    margin: f64,
    lies: bool,
) -> String {
    let shown = Shown::of(row);
    // The margin on the side of harm; percentage points are read as such.
    let factor = shown.factor();
    let side = if outcome.better == Better::Lower {
        margin
    } else {
        -margin
    };
    let (value, margin) = (shown.value, side * factor);
    let ends = (Some(lower * factor), Some(upper * factor));
    let d = interval_decimals(value, ends.0, ends.1, margin).max(shown.decimals());
    let (low, high) = (fixed(lower * factor, d), fixed(upper * factor, d));
    let (level, margin) = (percent(row.level), general(margin));
    let unit = shown.unit();
    let how = match lies {
        true => text!("decision.margin-beyond", level, low, high, unit, margin),
        false => text!("decision.margin-reached", level, low, high, unit, margin),
    };
    match row.detail.get("p_non_inferiority") {
        Some(DetailValue::Number(p)) => {
            text!("decision.margin-p", how, p = p_value(*p))
        }
        _ => how,
    }
}

/// NPV, its interval and its chance of being positive.
pub(super) fn npv(line: &Line, facts: &Facts, case: &BusinessCase) -> String {
    let show = |v: f64| money(v, case);
    let mut said = text!(
        "decision.npv",
        npv = show(line.value),
        months = months(case.horizon_months),
        level = percent(case.level),
        range = range(line.lower, line.upper, show)
    );
    if let Some(p) = facts.case.and_then(|c| c.probability_npv_positive) {
        said = match facts.row.is_some_and(|r| r.estimator == Estimator::Bayes) {
            true => text!("decision.npv-chance-prior", npv = said, chance = chance(p)),
            false => text!("decision.npv-chance", npv = said, chance = chance(p)),
        };
    }
    let raw = facts.case.and_then(|c| c.as_estimated.as_ref()?.npv);
    // Where no other arm came near there is nothing to correct.
    if let Some(raw) = raw.filter(|raw| show(raw.value) != show(line.value)) {
        said = text!(
            "decision.npv-corrected",
            npv = said,
            estimated = show(raw.value)
        );
    }
    sentence(said)
}

/// When it pays back: flat only where the effect is shown, which it rests on.
pub(super) fn payback(case: &ArmCase, facts: &Facts) -> String {
    match (case.payback_months, facts.significant) {
        _ if case.spends_nothing() => text!("decision.spends-nothing"),
        (Some(month), true) => text!("decision.pays-back", month),
        (Some(month), false) => {
            let ends = case.payback_months_interval;
            let end = |month: Option<u32>| {
                month.map_or_else(|| text!("decision.never"), |month| month.to_string())
            };
            match ends {
                Some(ends) if case.as_estimated.is_some() => text!(
                    "decision.would-pay-back-corrected",
                    month,
                    low = end(ends.lower),
                    high = end(ends.upper)
                ),
                Some(ends) => text!(
                    "decision.would-pay-back-interval",
                    month,
                    low = end(ends.lower),
                    high = end(ends.upper)
                ),
                None => text!("decision.would-pay-back", month),
            }
        }
        (None, _) => text!("decision.no-payback"),
    }
}

/// Where the bound stands against break-even.
pub(super) fn break_even(even: &BreakEven) -> String {
    let show = if even.relative { percent } else { number };
    let amount = show(even.bound);
    let end = match (even.relative, even.minutes) {
        (true, false) => text!("decision.even-reduction", amount),
        (true, true) => text!("decision.even-fewer-minutes", amount),
        (false, false) => text!("decision.even-contacts", amount),
        (false, true) => text!("decision.even-minutes", amount),
    };
    let needed = show(even.needed);
    match even.cleared() {
        true => text!("decision.even-clears", end, needed),
        false => text!("decision.even-short", end, needed),
    }
}

/// What a second stage needs that is combined with this one, in customers.
pub(super) fn second_stage(next: &NextStage, plan: &Experiment) -> Option<String> {
    let arm = plan.arms.iter().find(|a| a.name == next.arm)?;
    let control = plan.arms.get(plan.control())?;
    let size = next.sizes.first()?;
    let (power, all) = (percent(next.power), grouped(size.customers_total));
    let (of_arm, of_control) = (grouped(size.customers_arm), grouped(size.customers_control));
    let mut stage = match size.effect_from.as_str() {
        "estimated" => text!(
            "decision.stage-estimated",
            power,
            customers = of_arm,
            arm = arm.title,
            of_control,
            control = control.title,
            all
        ),
        _ => text!(
            "decision.stage-planned",
            power,
            customers = of_arm,
            arm = arm.title,
            of_control,
            control = control.title,
            all
        ),
    };
    if let (Some(n), Some(end)) = (size.enrolment_days, &size.complete_on) {
        stage = text!("decision.stage-days", stage, days = days(n), end);
    }
    if let Some(planned) = next.sizes.iter().find(|s| s.effect_from == "planned") {
        let all = grouped(planned.customers_total);
        stage = text!("decision.stage-if-planned", stage, all);
    }
    Some(text!("decision.stage-next", stage, plan = plan.name))
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
                start_month: Some(1),
                window_days: 60.0,
                control_contacts: 1.0,
                control_minutes: None,
                by_rate: false,
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
            pilot_cost: None,
            no_every_reason_because: None,
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
        assert_eq!(percent(0.000_1), "0.01 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(range(None, Some(0.5), number), "0.500 or less");
    }
}
