//! Customers' own rates of contact, from counts of them.

/// Rates between the lowest and the highest that are considered.
const GRID: usize = 80;
/// Rounds of the expectation-maximisation algorithm; stopping early leaves the estimate smooth.
const ROUNDS: usize = 400;

/// Customers who had `count` contacts in `time`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Counted {
    /// Contacts of each.
    pub count: u64,
    /// Time observed, in after windows.
    pub time: f64,
    /// How many customers.
    pub customers: u64,
}

/// A distribution of rates over customers: probabilities of points.
///
/// *Formula* — the mixing distribution G on a grid of rates (0, and points in geometric
/// progression up to the highest rate seen) that maximises Σ n_i log ∫ Poisson(x_i; λt_i) dG(λ), by
/// expectation-maximisation from equal weights.
///
/// *Assumes* — a customer's contacts come at her own constant rate; nothing about how rates differ
/// between customers.
///
/// *Source* — Kiefer & Wolfowitz (1956), Ann. Math. Statist. 27, 887-906; Laird (1978), JASA 73,
/// 805-811.
#[derive(Debug, Clone)]
pub(super) struct Mixture {
    /// Contacts per after window, ascending.
    pub rates: Vec<f64>,
    weights: Vec<f64>,
}

impl Mixture {
    /// The mixture of customers; `None` without a customer who was observed.
    pub fn fit(data: &[Counted]) -> Option<Mixture> {
        let seen = || data.iter().filter(|d| d.customers > 0 && d.time > 0.0);
        let highest = seen().map(|d| d.count as f64 / d.time).fold(0.0, f64::max);
        let longest = seen().map(|d| d.time).fold(0.0, f64::max);
        if longest == 0.0 {
            return None;
        }
        if highest == 0.0 {
            return Some(Mixture {
                rates: vec![0.0],
                weights: vec![1.0],
            });
        }
        // A customer with one contact may have had a rate well below it.
        let lowest = 0.1 / longest;
        let step = (highest / lowest).ln() / (GRID - 1) as f64;
        let mut rates = vec![0.0];
        rates.extend((0..GRID).map(|k| lowest * (step * k as f64).exp()));
        let mut mixture = Mixture {
            weights: vec![1.0 / rates.len() as f64; rates.len()],
            rates,
        };
        let likelihoods: Vec<(f64, Vec<f64>)> = seen()
            .map(|d| (d.customers as f64, mixture.likelihood(d.count, d.time)))
            .collect();
        let all: f64 = likelihoods.iter().map(|l| l.0).sum();
        for _ in 0..ROUNDS {
            let mut next = vec![0.0; mixture.weights.len()];
            for (n, likelihood) in &likelihoods {
                let parts = || mixture.weights.iter().zip(likelihood).map(|(w, l)| w * l);
                let whole: f64 = parts().sum();
                for (next, part) in next.iter_mut().zip(parts()) {
                    *next += n / all * part / whole;
                }
            }
            mixture.weights = next;
        }
        Some(mixture)
    }

    /// Poisson likelihood of a count at each rate, relative to the largest.
    fn likelihood(&self, count: u64, time: f64) -> Vec<f64> {
        let log = |rate: f64| match (rate > 0.0, count) {
            (false, 0) => 0.0,
            (false, _) => f64::NEG_INFINITY,
            (true, _) => count as f64 * (rate * time).ln() - rate * time,
        };
        let logs: Vec<f64> = self.rates.iter().map(|r| log(*r)).collect();
        let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        logs.into_iter().map(|l| (l - largest).exp()).collect()
    }

    /// Probabilities of the rates of a customer with this count.
    pub fn posterior(&self, count: u64, time: f64) -> Vec<f64> {
        let likelihood = self.likelihood(count, time);
        let parts = self.weights.iter().zip(&likelihood).map(|(w, l)| w * l);
        let parts: Vec<f64> = parts.collect();
        let whole: f64 = parts.iter().sum();
        if whole > 0.0 {
            parts.into_iter().map(|p| p / whole).collect()
        } else {
            // A count beyond every rate: rounding left the prior no weight there.
            let total: f64 = likelihood.iter().sum();
            likelihood.into_iter().map(|l| l / total).collect()
        }
    }

    /// Probabilities of the rates of a customer of whom nothing is known.
    pub fn prior(&self) -> Vec<f64> {
        self.weights.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(pairs: &[(u64, u64)]) -> Vec<Counted> {
        pairs
            .iter()
            .map(|&(count, customers)| Counted {
                count,
                time: 1.0,
                customers,
            })
            .collect()
    }

    fn mean(m: &Mixture, p: &[f64]) -> f64 {
        m.rates.iter().zip(p).map(|(r, p)| r * p).sum()
    }

    #[test]
    fn two_kinds_of_customers_are_told_apart() {
        // Half never contact, half are Poisson with mean 5 (expected counts of 1,000,000).
        let mut data = vec![(0, 500_000 + 3_369)];
        let mut p = (-5f64).exp();
        for k in 1..25u64 {
            p *= 5.0 / k as f64;
            data.push((k, (500_000.0 * p).round() as u64));
        }
        let m = Mixture::fit(&counted(&data)).unwrap();
        let prior = m.prior();
        // The mean of counts is the mean of rates; the grid's steps are 6 %.
        assert!((mean(&m, &prior) - 2.5).abs() < 0.02);
        assert!(mean(&m, &m.posterior(0, 1.0)) < 0.1);
        assert!((mean(&m, &m.posterior(5, 1.0)) - 5.0).abs() < 0.2);
    }

    #[test]
    fn degenerate_counts_have_a_mixture() {
        assert!(Mixture::fit(&[]).is_none());
        let none = Mixture::fit(&counted(&[(0, 10)])).unwrap();
        assert_eq!(none.rates, [0.0]);
        // A count that was never seen still has a posterior.
        let p = Mixture::fit(&counted(&[(0, 9), (1, 1)]))
            .unwrap()
            .posterior(10_000, 1.0);
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}
