//! Sums over replays, and the rates that they give.

use serde::{Deserialize, Serialize};

use crate::stats::{Estimand, Estimator};

/// Sums of a number that each replay gives once.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Sums {
    /// Replays that gave it.
    pub n: u64,
    /// Σ.
    pub sum: f64,
    /// Σ of squares.
    pub squares: f64,
}

/// A mean over replays.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// The mean.
    pub value: f64,
    /// Its Monte-Carlo standard error.
    pub mcse: f64,
    /// Replays behind it.
    pub replays: u64,
}

impl Sums {
    pub(super) fn add(&mut self, x: f64) {
        self.n += 1;
        self.sum += x;
        self.squares += x * x;
    }

    pub(super) fn merge(&mut self, other: &Sums) {
        self.n += other.n;
        self.sum += other.sum;
        self.squares += other.squares;
    }

    /// Mean and Monte-Carlo standard error; `None` with fewer than two replays.
    ///
    /// *Formula* — mean m = Σ/n, standard error √((Σ² − n·m²)/(n − 1)/n) over replays, whose arms
    /// share control and so count together.
    pub fn rate(&self) -> Option<Rate> {
        if self.n < 2 {
            return None;
        }
        let n = self.n as f64;
        let mean = self.sum / n;
        let variance = ((self.squares - n * mean * mean) / (n - 1.0)).max(0.0);
        Some(Rate {
            value: mean,
            mcse: (variance / n).sqrt(),
            replays: self.n,
        })
    }
}

/// What an estimator did over replays of one scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// The estimator.
    pub estimator: Estimator,
    /// Its estimand.
    pub estimand: Estimand,
    /// Whether it decided in the plan.
    pub primary: bool,
    /// Share of the comparisons for which it gave an estimate.
    pub computed: Sums,
    /// Share of its comparisons with p ≤ α, each by itself.
    pub rejected: Sums,
    /// Whether any arm's p, adjusted where the plan adjusts it, is ≤ α.
    pub any_rejected: Sums,
    /// Share of its comparisons with adjusted p ≤ α.
    pub rejected_adjusted: Sums,
    /// Share of its intervals that hold the true value.
    pub covered: Sums,
    /// Estimate less true value, mean of the arms.
    pub error: Sums,
    /// Standard error, on its own scale, mean of the arms.
    pub se: Sums,
    /// Estimate on the scale of the standard error, of the first treatment arm.
    pub estimate: Sums,
    /// The true value.
    pub truth: Option<f64>,
}

impl Tally {
    pub(super) fn new(estimator: Estimator, estimand: Estimand) -> Self {
        Tally {
            estimator,
            estimand,
            primary: false,
            computed: Sums::default(),
            rejected: Sums::default(),
            any_rejected: Sums::default(),
            rejected_adjusted: Sums::default(),
            covered: Sums::default(),
            error: Sums::default(),
            se: Sums::default(),
            estimate: Sums::default(),
            truth: None,
        }
    }

    fn sums(&mut self) -> [&mut Sums; 8] {
        [
            &mut self.computed,
            &mut self.rejected,
            &mut self.any_rejected,
            &mut self.rejected_adjusted,
            &mut self.covered,
            &mut self.error,
            &mut self.se,
            &mut self.estimate,
        ]
    }

    fn merge(&mut self, mut other: Tally) {
        self.primary |= other.primary;
        self.truth = self.truth.or(other.truth);
        for (mine, theirs) in self.sums().into_iter().zip(other.sums()) {
            mine.merge(theirs);
        }
    }
}

/// All estimators over replays of one scenario, and what else was seen.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Tallies {
    /// Replays.
    pub replays: u64,
    /// By estimator and estimand, in the order of reports.
    pub estimators: Vec<Tally>,
    /// How many replays gave each warning, or a check of this id that warned or stopped.
    pub warnings: std::collections::BTreeMap<String, u64>,
    /// Replays in which the plan's own estimator could not be computed.
    pub refused: u64,
}

impl Tallies {
    /// The tally of an estimator, made where there is none yet.
    pub(super) fn of(&mut self, estimator: Estimator, estimand: Estimand) -> &mut Tally {
        let key = |t: &Tally| (t.estimator, t.estimand);
        let at = match self
            .estimators
            .binary_search_by_key(&(estimator, estimand), key)
        {
            Ok(at) => at,
            Err(at) => {
                self.estimators.insert(at, Tally::new(estimator, estimand));
                at
            }
        };
        &mut self.estimators[at]
    }

    /// The tally of an estimator, where it was ever seen.
    pub fn get(&self, estimator: Estimator, estimand: Estimand) -> Option<&Tally> {
        let mut all = self.estimators.iter();
        all.find(|t| t.estimator == estimator && t.estimand == estimand)
    }

    /// Adds later replays of the same scenario.
    pub fn merge(&mut self, other: Tallies) {
        self.replays += other.replays;
        self.refused += other.refused;
        for tally in other.estimators {
            self.of(tally.estimator, tally.estimand).merge(tally);
        }
        for (id, n) in other.warnings {
            *self.warnings.entry(id).or_default() += n;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_its_binomial_error() {
        let mut sums = Sums::default();
        (0..100).for_each(|i| sums.add(f64::from(u8::from(i < 5))));
        let rate = sums.rate().unwrap();
        // With n − 1: √(.05·.95/99).
        assert!((rate.value - 0.05).abs() < 1e-15);
        assert!((rate.mcse - (0.05 * 0.95 / 99.0f64).sqrt()).abs() < 1e-15);
        assert_eq!(Sums::default().rate(), None);
    }
}
