//! What the effect must come to, and how much of its value nobody has seen yet, in words.

use crate::finance::{ArmCase, BusinessCase, Line, MonthRange, Priced};
use crate::report::finding::{beside, range};
use crate::report::number::{chance, percent};
use crate::texts::text;

/// "86 % (70 % to 93 %)"; the value alone where both ends read the same.
fn share(line: &Line) -> String {
    let shown = percent(line.value);
    let same = |end: Option<f64>| end.is_none_or(|v| percent(v) == shown);
    let ends = range(line.lower, line.upper, percent);
    let ends = ends.filter(|_| !(same(line.lower) && same(line.upper)));
    beside(shown, ends)
}

/// The month of payback with its interval: "4 (3 to 9)".
pub fn payback(month: u32, interval: Option<MonthRange>) -> String {
    let Some((lower, upper)) = interval.and_then(|i| Some((i.lower?, i.upper))) else {
        return month.to_string();
    };
    match upper {
        Some(upper) if (lower, upper) == (month, month) => month.to_string(),
        Some(upper) => text!("thresholds.month", month, lower, upper),
        None => text!("thresholds.month-open", month, lower),
    }
}

/// How much of the savings, and of the net present value, lies beyond what was measured: a sentence.
pub fn beyond(arm: &ArmCase) -> Option<String> {
    let beyond = arm.share_beyond_observed.as_ref().filter(|_| arm.saves());
    let savings = share(beyond?);
    Some(match &arm.npv_share_beyond_observed {
        Some(npv) => {
            let npv = share(npv);
            text!("thresholds.beyond-npv", savings, npv)
        }
        None => text!("thresholds.beyond", savings),
    })
}

/// Where the arm breaks even, and how often it could not: one sentence or two.
pub fn break_even(case: &BusinessCase, arm: &ArmCase) -> Option<String> {
    let reduction = arm.break_even_reduction.as_ref()?;
    if arm.spends_nothing() {
        return Some(text!("thresholds.break-even-free"));
    }
    let share = share(reduction);
    let words = match (case.priced, reduction.value > 1.0) {
        (Priced::Contacts, false) => text!("thresholds.break-even-contacts", share),
        (Priced::Minutes, false) => text!("thresholds.break-even-minutes", share),
        (Priced::Contacts, true) => {
            text!("thresholds.break-even-contacts-never", share)
        }
        (Priced::Minutes, true) => {
            text!("thresholds.break-even-minutes-never", share)
        }
    };
    let absent = arm.break_even_exists.filter(|exists| *exists < 1.0);
    let Some(exists) = absent else {
        return Some(words);
    };
    let share = chance(1.0 - exists);
    let absent = text!("thresholds.break-even-absent", share);
    Some([words, absent].join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_without_width_is_not_shown() {
        let line = |lower, upper| Line {
            value: 0.81,
            lower: Some(lower),
            upper: Some(upper),
        };
        assert_eq!(share(&line(0.8099, 0.8101)), "81 %");
        assert_eq!(share(&line(0.78, 0.84)), "81 % (78 % to 84 %)");
    }

    #[test]
    fn a_month_has_its_interval_where_draws_differ() {
        let range = |lower, upper| Some(MonthRange { lower, upper });
        assert_eq!(payback(4, None), "4");
        assert_eq!(payback(4, range(Some(4), Some(4))), "4");
        assert_eq!(payback(4, range(Some(3), Some(9))), "4 (3 to 9)");
        assert_eq!(
            payback(4, range(Some(3), None)),
            "4 (3 to none within the horizon)"
        );
    }
}
