//! Negative binomial laws, drawn one by one or as a whole table of counts.

use crate::stats::estimate::Refusal;
use crate::stats::random::Generator;
use crate::stats::sampling::{LogFactorials, binomial};

/// Different counts that a customer may have.
const MOST_COUNTS: usize = 20_000;

/// A negative binomial law, NB2.
pub struct Law {
    /// P(y) for y = 0, 1, …, until the rest is below 1e-16.
    probabilities: Vec<f64>,
    /// P(Y ≤ y).
    cumulative: Vec<f64>,
    /// P(y)/P(Y ≥ y).
    hazards: Vec<f64>,
}

impl Law {
    /// The law with this mean and variance μ + φμ².
    ///
    /// # Errors
    /// Customers may have too many different counts.
    pub fn new(mean: f64, dispersion: f64) -> Result<Law, Refusal> {
        let spread = dispersion * mean;
        // ln P(0) = −ln(1 + φμ)/φ, −μ in the limit.
        let mut ln_p = if dispersion > 0.0 {
            -spread.ln_1p() / dispersion
        } else {
            -mean
        };
        let mut probabilities = Vec::new();
        for y in 0..MOST_COUNTS {
            let count = y as f64;
            probabilities.push(ln_p.exp());
            let growth = mean * (1.0 + dispersion * count) / ((count + 1.0) * (1.0 + spread));
            // The rest is below a geometric series with this ratio.
            if growth < 1.0 && ln_p + (growth / (1.0 - growth)).ln() < -37.0 {
                return Ok(Law::from(probabilities));
            }
            ln_p += growth.ln();
        }
        Err(Refusal::new(format!(
            "a customer may have any of more than {MOST_COUNTS} different numbers of contacts, too many to simulate"
        )))
    }

    fn from(mut probabilities: Vec<f64>) -> Law {
        let total: f64 = probabilities.iter().sum();
        probabilities.iter_mut().for_each(|p| *p /= total);
        let cumulative = probabilities
            .iter()
            .scan(0.0, |sum, p| {
                *sum += p;
                Some(*sum)
            })
            .collect();
        let mut hazards = vec![1.0; probabilities.len()];
        let mut rest = 0.0;
        for (h, p) in hazards.iter_mut().zip(&probabilities).rev() {
            rest += p;
            *h = if rest > 0.0 { p / rest } else { 1.0 };
        }
        Law {
            probabilities,
            cumulative,
            hazards,
        }
    }

    /// Counts that are told apart.
    pub fn len(&self) -> usize {
        self.probabilities.len()
    }

    /// One count.
    pub fn draw(&self, g: &mut Generator) -> usize {
        let u = g.uniform();
        let y = self.cumulative.partition_point(|&c| c < u);
        y.min(self.probabilities.len() - 1)
    }

    /// Adds to `counts` how many of `n` customers have each count: multinomial, by whichever way
    /// draws less.
    pub fn sample(&self, g: &mut Generator, table: &LogFactorials, n: u64, counts: &mut Vec<u64>) {
        if counts.len() < self.len() {
            counts.resize(self.len(), 0);
        }
        if n <= self.len() as u64 {
            for _ in 0..n {
                counts[self.draw(g)] += 1;
            }
            return;
        }
        let mut left = n;
        for (count, &hazard) in counts.iter_mut().zip(&self.hazards) {
            if left == 0 {
                return;
            }
            let here = binomial(g, table, left, hazard);
            *count += here;
            left -= here;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn laws_have_their_mean_and_variance() {
        for (mean, dispersion) in [(0.1, 0.0), (2.4, 1.8), (900.0, 0.0), (1000.0, 0.01)] {
            let law = Law::new(mean, dispersion).unwrap();
            let sum = |f: &dyn Fn(f64) -> f64| -> f64 {
                law.probabilities
                    .iter()
                    .enumerate()
                    .map(|(y, p)| p * f(y as f64))
                    .sum()
            };
            let m = sum(&|y| y);
            let v = sum(&|y| (y - m).powi(2));
            // Thousands of roundings in a running logarithm.
            assert!((m / mean - 1.0).abs() < 1e-9);
            assert!((v / (mean + dispersion * mean * mean) - 1.0).abs() < 1e-9);
        }
    }
}
