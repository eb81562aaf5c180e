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
        let (own, simultaneous) = (
            (row.ci_lower, row.ci_upper),
            (row.ci_adjusted_lower, row.ci_adjusted_upper),
        );
        let (lower, upper) = match simultaneous {
            (None, None) => own,
            some => some,
        };
        // Of one comparison both are the same, and nothing was adjusted.
        let adjusted = (lower, upper) != own;
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

    /// `value` with the decimals that fit the interval: "−0.066", a ratio as "0.60".
    pub fn change(&self, value: f64) -> String {
        fixed(value, self.decimals())
    }

    /// How much less or more of control's a ratio is: "40 % less of it"; `None` of other estimates, and
    /// where it rounds to no change.
    pub fn part(&self, value: f64) -> Option<String> {
        let change = (value - 1.0).abs();
        let share = percent_with(change, self.percent_decimals());
        let some = share.bytes().any(|b| matches!(b, b'1'..=b'9'));
        (self.estimand == Estimand::Ratio && some).then(|| match value < 1.0 {
            true => text!("estimate.less-of-it", share),
            false => text!("estimate.more-of-it", share),
        })
    }

    /// Whether it is the mean of what each customer has once, as a score.
    pub fn is_score(&self) -> bool {
        self.unit.is_score()
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
            Estimand::Difference if self.is_score() => {
                text!(
                    "estimate.difference-of-means",
                    outcome,
                    value = signed(&value)
                )
            }
            Estimand::Difference => text!(
                "estimate.difference",
                outcome,
                value = signed(&value),
                unit = self.unit_after_outcome()
            ),
            Estimand::Ratio => match self.part(self.value) {
                Some(part) => text!("estimate.ratio-part", outcome, value, part),
                None => text!("estimate.ratio", outcome, value),
            },
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
        Shown::of(&row(estimand, unit, value, lower, upper))
    }

    fn row(estimand: Estimand, unit: &str, value: f64, lower: f64, upper: f64) -> EstimateRow {
        EstimateRow {
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
        }
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
        assert_eq!(ratio.change(ratio.value), "0.60");
        assert_eq!(
            ratio.difference(),
            "fee-contacts is 0.60 times control's, 40 % less of it"
        );
        let more = shown(Estimand::Ratio, "ratio", 1.1236, 1.05, 1.2);
        assert_eq!(
            more.difference(),
            "fee-contacts is 1.12 times control's, 12 % more of it"
        );
    }

    #[test]
    fn a_mean_of_scores_is_no_sum_over_time() {
        let score = shown(
            Estimand::Difference,
            "mean satisfaction",
            0.3801,
            0.25,
            0.51,
        );
        assert_eq!(
            score.difference(),
            "the difference in mean fee-contacts is +0.38"
        );
    }

    #[test]
    fn an_interval_of_one_comparison_is_not_adjusted() {
        let row = |lower| EstimateRow {
            ci_adjusted_lower: Some(lower),
            ci_adjusted_upper: Some(-0.1),
            ..row(
                Estimand::Difference,
                "contacts per customer per 30 days",
                -0.2,
                -0.3,
                -0.1,
            )
        };
        assert!(!Shown::of(&row(-0.3)).adjusted);
        assert!(Shown::of(&row(-0.31)).adjusted);
    }
}
