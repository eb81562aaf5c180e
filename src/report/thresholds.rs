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

/// " (3 to 9)" of the month of payback.
pub fn months(arm: &ArmCase) -> String {
    let Some(interval) = arm.payback_months_interval else {
        return String::new();
    };
    match (ends(interval), arm.payback_months) {
        ((Some(lower), Some(upper)), Some(month)) if lower == month && upper == month => {
            String::new()
        }
        ((Some(lower), Some(upper)), _) => text(
            "thresholds.months",
            &[("lower", &lower.to_string()), ("upper", &upper.to_string())],
        ),
        ((Some(lower), None), _) => {
            text("thresholds.months-open", &[("lower", &lower.to_string())])
        }
        ((None, _), _) => String::new(),
    }
}

fn ends(interval: MonthRange) -> (Option<u32>, Option<u32>) {
    (interval.lower, interval.upper)
}

/// How much of the savings, and of the net present value, lies beyond what was measured.
pub fn beyond(arm: &ArmCase) -> String {
    let Some(share) = &arm.share_beyond_observed else {
        return String::new();
    };
    let (savings, ends) = (percent(share.value), spread(share));
    let savings = format!("{savings}{ends}");
    match &arm.npv_share_beyond_observed {
        Some(npv) => {
            let npv = format!("{}{}", percent(npv.value), spread(npv));
            text(
                "thresholds.beyond-npv",
                &[("savings", &savings), ("npv", &npv)],
            )
        }
        None => text("thresholds.beyond", &[("savings", &savings)]),
    }
}

/// Where the arm breaks even, and how often it could not.
pub fn break_even(case: &BusinessCase, arm: &ArmCase) -> String {
    let Some(reduction) = &arm.break_even_reduction else {
        return String::new();
    };
    let share = format!("{}{}", percent(reduction.value), spread(reduction));
    let mut words = match (case.priced, reduction.value > 1.0) {
        (Priced::Contacts, false) => text("thresholds.break-even-contacts", &[("share", &share)]),
        (Priced::Minutes, false) => text("thresholds.break-even-minutes", &[("share", &share)]),
        (Priced::Contacts, true) => {
            text("thresholds.break-even-contacts-never", &[("share", &share)])
        }
        (Priced::Minutes, true) => {
            text("thresholds.break-even-minutes-never", &[("share", &share)])
        }
    };
    if let Some(exists) = arm.break_even_exists.filter(|exists| *exists < 1.0) {
        let share = chance(1.0 - exists);
        words += &text("thresholds.break-even-absent", &[("share", &share)]);
    }
    words
}
