//! An estimate as people read it: one unit, one rounding, wherever it is named.

use crate::number::{MINUS, fixed, interval_decimals, percent_with};
use crate::stats::Estimand;
use crate::texts::text;

use super::{EstimateRow, Unit, moved, shift};

/// An estimate in the unit in which it is read: shares in percentage points, all else as it is.
/// The interval is the simultaneous one where there is one.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Difference, ratio or probability.
    pub estimand: Estimand,
    /// The outcome's name.
    pub outcome: String,
    /// The estimate.
    pub value: f64,
    /// Lower end of the interval.
    pub lower: Option<f64>,
    /// Upper end.
    pub upper: Option<f64>,
    /// Whether the interval is the simultaneous one.
    pub adjusted: bool,
    /// Unit, of a share in percentage points that of the share.
    unit: Unit,
    /// Whether the estimate is in percentage points.
    points: bool,
}

impl Shown {
    /// The estimate of `row`.
    pub fn of(row: &EstimateRow) -> Self {
        let adjusted = row.ci_adjusted_lower.is_some() || row.ci_adjusted_upper.is_some();
        let (lower, upper) = if adjusted {
            (row.ci_adjusted_lower, row.ci_adjusted_upper)
        } else {
            (row.ci_lower, row.ci_upper)
        };
        let points = row.estimand == Estimand::Difference && row.unit.points().is_some();
        let factor = if points { 100.0 } else { 1.0 };
        Shown {
            estimand: row.estimand,
            outcome: row.outcome.clone(),
            value: row.value * factor,
            lower: lower.map(|v| v * factor),
            upper: upper.map(|v| v * factor),
            adjusted,
            unit: row.unit.clone(),
            points,
        }
    }

    /// The value as money takes it: after looks the median-unbiased one, which does not flatter.
    pub fn allowed(&self, row: &EstimateRow) -> f64 {
        moved(row, shift(row)) * self.factor()
    }

    /// By how much values of the row are multiplied: 100 where they are shown in percentage points.
    pub fn factor(&self) -> f64 {
        if self.points { 100.0 } else { 1.0 }
    }

    /// The unit in words, for example "percentage points over the window".
    pub fn unit(&self) -> String {
        match self.unit.points() {
            Some(points) if self.points => points,
            _ => self.unit.words(),
        }
    }

    /// The value that means no effect.
    pub fn null(&self) -> f64 {
        match self.estimand {
            Estimand::Difference => 0.0,
            Estimand::Ratio => 1.0,
            Estimand::Probability => 0.5,
        }
    }

    /// Decimals of the value and both ends, on the estimand's own scale.
    ///
    /// A ratio has two more than its percentage, so that 0.60 and −40 % are the same number.
    pub fn decimals(&self) -> i32 {
        match self.estimand {
            Estimand::Ratio => self.percent_decimals() + 2,
            Estimand::Difference | Estimand::Probability => {
                let d = interval_decimals(self.value, self.lower, self.upper, self.null());
                // Tens of percentage points would hide an end beyond 0 or 100.
                if self.points { d.max(0) } else { d }
            }
        }
    }

    fn percent_decimals(&self) -> i32 {
        let share = |v: f64| (v - 1.0) * 100.0;
        let (lower, upper) = (self.lower.map(share), self.upper.map(share));
        interval_decimals(share(self.value), lower, upper, 0.0).max(0)
    }

    /// `value` as a change: "−0.066", a ratio as "−40 %"; with the decimals that fit the interval.
    pub fn change(&self, value: f64) -> String {
        match self.estimand {
            Estimand::Ratio => percent_with(value - 1.0, self.percent_decimals()),
            Estimand::Difference | Estimand::Probability => fixed(value, self.decimals()),
        }
    }

    /// Whether contacts of customers are counted, so that a sentence can say that they are saved.
    pub fn counts_contacts(&self) -> bool {
        self.unit.counts_contacts() && self.unit.noun().is_some()
    }

    /// The unit behind a sentence that has named the outcome: without a noun that repeats it.
    pub fn unit_after_outcome(&self) -> String {
        match self.unit.noun() {
            Some(noun) if noun == self.outcome.replace('-', " ") => self.unit.without_noun(),
            _ => None,
        }
        .unwrap_or_else(|| self.unit())
    }

    /// The estimate without a claim that it is more than chance: "the difference in seizures is
    /// −4 per customer over 8 weeks".
    pub fn difference(&self) -> String {
        let value = self.change(self.value);
        let outcome = &self.outcome;
        match self.estimand {
            Estimand::Difference => text!(
                "estimate.difference",
                outcome,
                value = signed(&value),
                unit = self.unit_after_outcome()
            ),
            Estimand::Ratio => text!("estimate.ratio", outcome, value = signed(&value)),
            Estimand::Probability => text!("estimate.probability", outcome, value),
        }
    }
}

/// A difference with its sign, also where it is positive.
fn signed(text: &str) -> String {
    let zero = !text.bytes().any(|b| matches!(b, b'1'..=b'9'));
    if zero || text.starts_with(MINUS) {
        text.into()
    } else {
        format!("+{text}")
    }
}

/// Whether an estimate of a one-sided test that lies on the bad side looks worse than chance explains,
/// which a test for benefit alone cannot show: its p-value is near 1.
pub fn untested_harm(row: &EstimateRow) -> bool {
    // What is left of 1 after the level is not exactly alpha.
    row.p_value.is_some_and(|p| p >= row.level - 1e-12)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(estimand: Estimand, unit: &str, value: f64, lower: f64, upper: f64) -> Shown {
        Shown::of(&EstimateRow {
            outcome: "fee-contacts".into(),
            arm: "tip-sheet".into(),
            control: "control".into(),
            segment: None,
            estimand,
            estimator: crate::stats::Estimator::Lin,
            value,
            se: None,
            df: None,
            ci_lower: Some(lower),
            ci_upper: Some(upper),
            level: 0.95,
            p_value: None,
            p_adjusted: None,
            ci_adjusted_lower: None,
            ci_adjusted_upper: None,
            primary: true,
            unit: unit.into(),
            n_arm: 10,
            n_control: 10,
            detail: Default::default(),
        })
    }

    #[test]
    fn a_share_reads_as_percentage_points() {
        let unit = "share of customers over the window";
        let share = shown(Estimand::Difference, unit, 0.0766, 0.07, 0.0832);
        assert_eq!(
            share.difference(),
            "the difference in fee-contacts is +7.7 percentage points over the window"
        );
        assert_eq!((share.change(7.0), share.factor()), ("7.0".into(), 100.0));
    }

    #[test]
    fn a_noun_that_repeats_the_outcome_is_left_out() {
        let unit = "fee contacts per customer over 8 weeks";
        let count = shown(Estimand::Difference, unit, -3.61, -17.37, 10.16);
        assert_eq!(
            count.difference(),
            "the difference in fee-contacts is −4 per customer over 8 weeks"
        );
        assert!(!count.counts_contacts());
    }

    #[test]
    fn a_ratio_and_its_percentage_have_the_same_digits() {
        let ratio = shown(Estimand::Ratio, "ratio", 0.597, 0.34, 1.047);
        assert_eq!(ratio.change(ratio.value), "−40 %");
        assert_eq!(fixed(ratio.value, ratio.decimals()), "0.60");
    }
}
