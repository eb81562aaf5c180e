//! From the draws of a statistic to its intervals.

use crate::stats::dist::{normal_cdf, normal_isf};
use crate::stats::estimate::{DetailValue, Estimand, Estimate, Test};
use crate::texts::text;

use super::{number, words};

/// A statistic and its draws.
pub(super) struct Sampled {
    /// Of the sample itself.
    pub value: f64,
    /// Ascending.
    pub draws: Vec<f64>,
    /// Draws this near to the value are equal to it.
    pub tie: f64,
    /// `None` where a unit cannot be left out.
    pub acceleration: Option<f64>,
}

impl Sampled {
    /// Whether all draws are the sample's own value.
    pub fn no_spread(&self) -> bool {
        let ends = self.draws.first().zip(self.draws.last());
        ends.is_none_or(|(low, high)| self.value - low <= self.tie && high - self.value <= self.tie)
    }

    /// z₀: the normal quantile of the share of draws below the value, ties half.
    ///
    /// *Source* — Efron & Tibshirani (1993), eq. 14.14; ties as in scipy.
    fn bias_correction(&self) -> f64 {
        let below = self.draws.partition_point(|d| *d < self.value - self.tie);
        let to = self.draws.partition_point(|d| *d <= self.value + self.tie);
        let share = (below + to) as f64 / (2.0 * self.draws.len() as f64);
        -normal_isf(share)
    }

    /// The draws' quantile, and whether it lies beyond them all.
    ///
    /// *Formula* — the (B + 1)·share-th draw in order, linear in between.
    ///
    /// *Source* — Davison & Hinkley (1997), eq. 5.6.
    fn quantile(&self, share: f64) -> (f64, bool) {
        let last = self.draws.len() - 1;
        let place = (self.draws.len() as f64 + 1.0) * share - 1.0;
        if place <= 0.0 {
            return (self.draws[0], place < 0.0);
        }
        let below = place as usize;
        if below >= last {
            return (self.draws[last], place > last as f64);
        }
        let part = place - below as f64;
        let (a, b) = (self.draws[below], self.draws[below + 1]);
        (a + part * (b - a), false)
    }

    /// Puts the BCa interval, the percentile interval and what they were made of.
    ///
    /// *Formula* — ends at the quantiles Φ(z₀ + (z₀ + z)/(1 − a(z₀ + z))), z the
    /// normal quantile of α/2 and 1 − α/2 (of α one-sided).
    ///
    /// *Source* — Efron & Tibshirani (1993), eq. 14.9-14.10.
    pub fn put_intervals(&self, estimate: &mut Estimate, test: &Test) {
        let half = test.alpha / 2.0;
        let percentile = [half, 1.0 - half].map(|share| self.quantile(share).0);
        let ends = DetailValue::Numbers(percentile.to_vec());
        estimate.detail.insert("ci_percentile".into(), ends);
        let z0 = self.bias_correction();
        number(&mut estimate.detail, "bias_correction", z0);
        let Some(a) = self.acceleration else {
            let why = text!("refusal-draws.bca-one-customer");
            words(&mut estimate.detail, "bca_undefined", why);
            return;
        };
        number(&mut estimate.detail, "acceleration", a);
        if !z0.is_finite() {
            let why = text!("refusal-draws.bca-one-side");
            words(&mut estimate.detail, "bca_undefined", why);
            return;
        }
        let share = |tail: f64| {
            let z = z0 - normal_isf(tail);
            let scale = 1.0 - a * z;
            (scale > 0.0).then(|| normal_cdf(z0 + z / scale))
        };
        let tails = [half, 1.0 - half, test.alpha, 1.0 - test.alpha];
        let [Some(low), Some(high), Some(least), Some(most)] = tails.map(share) else {
            let why = text!("refusal-draws.bca-skewed");
            words(&mut estimate.detail, "bca_undefined", why);
            return;
        };
        let ends = [low, high, least, most].map(|share| self.quantile(share));
        if ends[0].1 || ends[1].1 {
            let flag = DetailValue::Flag(true);
            estimate
                .detail
                .insert("extreme_order_statistics".into(), flag);
        }
        // Ratios are given as logarithms and shown as ratios.
        let [low, high, least, most] = ends.map(|(end, _)| match estimate.estimand {
            Estimand::Ratio => end.ln(),
            Estimand::Difference | Estimand::Probability => end,
        });
        estimate.set_interval(test, (low, high), (least, most));
    }
}
