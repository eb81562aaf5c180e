//! The effect of the arm that was chosen because it looked best, without the winner's luck.

use super::dist::{normal_cdf, normal_isf, normal_sf};
use super::estimate::Refusal;

/// Bisections of a quantile: from a width of 6 standard errors to below 1e-15 of one.
const BISECTIONS: usize = 54;

/// What is known of the best of several estimates: how far the others let it fall before they would
/// have been chosen instead.
///
/// *Source* — Andrews, I., Kitagawa, T. and McCloskey, A. (2024), Inference on Winners,
/// QJE 139, 305-358: conditional and hybrid inference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Winner {
    /// The estimate Y of the chosen one.
    value: f64,
    /// Its standard error σ.
    se: f64,
    /// Truncation L ≤ Y ≤ U of the choice.
    truncation: (f64, f64),
    /// c: half-width of the projection interval in standard errors.
    critical: f64,
    /// β.
    beta: f64,
}

/// Half-width in standard errors of the projection interval over so many arms `compared`.
///
/// *Formula* — the 1 − β quantile of max │ξ_j│ over the arms, by Šidák's inequality:
/// (2Φ(c) − 1)^m = 1 − β. The source of [`Winner`] simulates that quantile; Šidák's is never smaller,
/// whatever the correlations, so the guarantees hold, and is wider by .03 σ at most for a common
/// correlation of ½ and β = .005.
pub fn critical(beta: f64, compared: u32) -> f64 {
    let each = (f64::ln_1p(-beta) / f64::from(compared)).exp_m1();
    normal_isf(-each / 2.0)
}

/// Whether an estimate of variance `variance` moves with one of covariance `shared` one for one, but
/// for rounding: then neither says anything of the other.
pub fn moves_along(variance: f64, shared: f64) -> bool {
    (variance - shared).abs() <= 1e-12 * variance
}

impl Winner {
    /// The estimate `chosen` of `values` with covariance `cov`, the largest of those in `among`
    /// (itself in or out of that list).
    ///
    /// *Formula* — with Z_j = X_j − (Σ_jk/Σ_kk)X_k, the choice of k given Z is L ≤ X_k ≤ U,
    /// L = max over j with Σ_kj < Σ_kk of Σ_kk Z_j/(Σ_kk − Σ_kj), and U = min over j with
    /// Σ_kj > Σ_kk of the same (the source with Y = X). An X_j that moves with X_k
    /// one for one says nothing.
    ///
    /// c: see [`critical`].
    ///
    /// *Assumes* — joint normality with known covariance.
    ///
    /// # Errors
    /// A number that is not finite, a variance that is not positive, β outside 0 to 1.
    pub fn new(
        values: &[f64],
        cov: &[Vec<f64>],
        chosen: usize,
        among: &[usize],
        beta: f64,
    ) -> Result<Self, Refusal> {
        if !(beta > 0.0 && beta < 1.0) {
            return Err(Refusal::new("beta must lie between 0 and 1"));
        }
        let entry = |j: usize, k: usize| cov.get(j).and_then(|row| row.get(k)).copied();
        let (Some(&value), Some(variance)) = (values.get(chosen), entry(chosen, chosen)) else {
            return Err(Refusal::new("the chosen estimate is not among the values"));
        };
        let known = variance.is_finite() && variance > 0.0 && value.is_finite();
        if !known {
            return Err(Refusal::new(
                "the chosen estimate has no standard error above 0",
            ));
        }
        let (mut lower, mut upper) = (f64::NEG_INFINITY, f64::INFINITY);
        let others = among.iter().filter(|j| **j != chosen);
        let mut compared = 1;
        for &j in others {
            let (Some(&other), Some(shared)) = (values.get(j), entry(chosen, j)) else {
                return Err(Refusal::new("a compared estimate is not among the values"));
            };
            if !(other.is_finite() && shared.is_finite()) {
                return Err(Refusal::new("a compared estimate is not finite"));
            }
            compared += 1;
            let slack = variance - shared;
            if moves_along(variance, shared) {
                continue;
            }
            let bound = (variance * other - shared * value) / slack;
            if slack > 0.0 {
                lower = lower.max(bound);
            } else {
                upper = upper.min(bound);
            }
        }
        Ok(Winner {
            value,
            se: variance.sqrt(),
            truncation: (lower, upper),
            critical: critical(beta, compared),
            beta,
        })
    }

    /// L and U.
    pub fn truncation(&self) -> (f64, f64) {
        self.truncation
    }

    /// c.
    pub fn critical(&self) -> f64 {
        self.critical
    }

    /// The hybrid estimate: median-unbiased but for β/2 at most.
    pub fn estimate(&self) -> f64 {
        self.solve(0.5)
    }

    /// The end of the hybrid interval below which the effect lies with confidence `p`: with p = α/2
    /// and 1 − α/2 the equal-tailed hybrid interval of level 1 − α, for every α > β.
    ///
    /// *Formula* — the conditional quantile of level (p − β/2)/(1 − β), and the ends Y ± cσ of the
    /// projection interval outside β/2 ≤ p ≤ 1 − β/2.
    pub fn quantile(&self, p: f64) -> f64 {
        self.solve(((p - self.beta / 2.0) / (1.0 - self.beta)).clamp(0.0, 1.0))
    }

    /// The μ with P(X ≤ Y) = 1 − q, where X is N(μ, σ²) between max(L, μ − cσ) and min(U, μ + cσ).
    ///
    /// The probability falls from 1 to 0 as μ goes from Y − cσ to Y + cσ, so bisection finds it.
    fn solve(&self, q: f64) -> f64 {
        let (lower, upper) = self.truncation;
        // In standard errors from Y.
        let (l, u) = (
            (lower - self.value) / self.se,
            (upper - self.value) / self.se,
        );
        let (mut low, mut high) = (-self.critical, self.critical);
        for _ in 0..BISECTIONS {
            let m = 0.5 * (low + high);
            let from = (l - m).max(-self.critical);
            let to = (u - m).min(self.critical);
            if below(from, -m, to) > 1.0 - q {
                low = m;
            } else {
                high = m;
            }
        }
        self.value + 0.5 * (low + high) * self.se
    }
}

/// P(Z ≤ x │ from ≤ Z ≤ to) of a standard normal, from the tail in which it keeps its digits.
fn below(from: f64, x: f64, to: f64) -> f64 {
    if x <= from {
        return 0.0;
    }
    if x >= to {
        return 1.0;
    }
    let between = |a: f64, b: f64| {
        if a > 0.0 {
            normal_sf(a) - normal_sf(b)
        } else {
            normal_cdf(b) - normal_cdf(a)
        }
    };
    between(from, x) / between(from, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_others_the_estimate_stays() {
        let one = Winner::new(&[0.7], &[vec![0.04]], 0, &[0], 0.005).unwrap();
        assert!((one.estimate() - 0.7).abs() < 1e-14);
        // β of the projection interval alone: the hybrid interval is the usual one.
        for p in [0.025, 0.1, 0.9] {
            let usual = 0.7 - normal_isf(p) * 0.2;
            assert!((one.quantile(p) - usual).abs() < 1e-12);
        }
    }

    #[test]
    fn a_tie_falls_to_the_end_of_the_projection_interval() {
        let cov = vec![vec![1.0, 0.5], vec![0.5, 1.0]];
        let tie = Winner::new(&[2.0, 2.0], &cov, 0, &[0, 1], 0.005).unwrap();
        assert!((tie.estimate() - (2.0 - tie.critical())).abs() < 1e-12);
    }

    #[test]
    fn one_that_moves_along_says_nothing() {
        let cov = vec![vec![1.0, 1.0], vec![1.0, 1.0]];
        let same = Winner::new(&[2.0, 1.0], &cov, 0, &[1], 0.005).unwrap();
        assert_eq!(same.truncation(), (f64::NEG_INFINITY, f64::INFINITY));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let cov = vec![vec![1.0, 0.5], vec![0.5, 1.0]];
        assert!(Winner::new(&[1.0, f64::NAN], &cov, 0, &[1], 0.005).is_err());
        assert!(Winner::new(&[1.0, 0.0], &[vec![0.0]], 0, &[], 0.005).is_err());
        assert!(Winner::new(&[1.0, 0.0], &cov, 2, &[], 0.005).is_err());
        assert!(Winner::new(&[1.0, 0.0], &cov, 0, &[1], 0.0).is_err());
    }
}
