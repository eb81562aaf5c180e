//! What the effect must come to, and how much of its value nobody has seen yet, in words.

use crate::finance::{ArmCase, BusinessCase, Line, MonthRange, Priced};
use crate::report::finding::range;
use crate::report::number::{chance, percent};
use crate::texts::text;

/// " (a to b)"; nothing where every draw says the same.
fn spread(line: &Line) -> String {
    let same = line.lower == Some(line.value) && line.upper == Some(line.value);
    let ends = range(line.lower, line.upper, percent).filter(|_| !same);
    ends.map_or_else(String::new, |ends| format!(" ({ends})"))
}

/// The month of payback with its interval: "4 (3 to 9)".
pub fn payback(month: u32, interval: Option<MonthRange>) -> String {
    let month_alone = month.to_string();
    let Some(MonthRange {
        lower: Some(lower),
        upper,
    }) = interval
    else {
        return month_alone;
    };
    if upper == Some(month) && lower == month {
        return month_alone;
    }
    let (month, lower) = (month_alone.as_str(), lower.to_string());
    match upper.map(|upper| upper.to_string()) {
        Some(upper) => text(
            "thresholds.month",
            &[("month", month), ("lower", &lower), ("upper", &upper)],
        ),
        None => text(
            "thresholds.month-open",
            &[("month", month), ("lower", &lower)],
        ),
    }
}

/// How much of the savings, and of the net present value, lies beyond what was measured: a sentence.
pub fn beyond(arm: &ArmCase) -> Option<String> {
    let share = arm.share_beyond_observed.as_ref()?;
    let savings = format!("{}{}", percent(share.value), spread(share));
    Some(match &arm.npv_share_beyond_observed {
        Some(npv) => {
            let npv = format!("{}{}", percent(npv.value), spread(npv));
            text(
                "thresholds.beyond-npv",
                &[("savings", &savings), ("npv", &npv)],
            )
        }
        None => text("thresholds.beyond", &[("savings", &savings)]),
    })
}

/// Where the arm breaks even, and how often it could not: one sentence or two.
pub fn break_even(case: &BusinessCase, arm: &ArmCase) -> Option<String> {
    let reduction = arm.break_even_reduction.as_ref()?;
    let share = format!("{}{}", percent(reduction.value), spread(reduction));
    let words = match (case.priced, reduction.value > 1.0) {
        (Priced::Contacts, false) => text("thresholds.break-even-contacts", &[("share", &share)]),
        (Priced::Minutes, false) => text("thresholds.break-even-minutes", &[("share", &share)]),
        (Priced::Contacts, true) => {
            text("thresholds.break-even-contacts-never", &[("share", &share)])
        }
        (Priced::Minutes, true) => {
            text("thresholds.break-even-minutes-never", &[("share", &share)])
        }
    };
    let absent = arm.break_even_exists.filter(|exists| *exists < 1.0);
    let Some(exists) = absent else {
        return Some(words);
    };
    let share = chance(1.0 - exists);
    let absent = text("thresholds.break-even-absent", &[("share", &share)]);
    Some([words, absent].join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

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
