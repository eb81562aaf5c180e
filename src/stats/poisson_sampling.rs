//! Exact samplers of Poisson counts and of thinned counts, of any size.

use super::random::Generator;
use super::sampling::{LogFactorials, binomial, ratio_of_uniforms};

/// Below this mean, multiplying uniform numbers is faster than rejection.
const BY_PRODUCT: f64 = 12.0;
/// Means beyond this are cut to it: an i64 holds the count and what lies 16 deviations above.
const LARGEST_MEAN: f64 = 1e15;

/// A Poisson count; 0 where the mean is 0 or less.
///
/// *Formula* — P(k) = e^(−mean)·meanᵏ/k!.
///
/// *Units* — the mean is a number of contacts; it is cut to 1e15.
///
/// *Assumes* — nothing beyond rounding.
///
/// *Source* — products of uniforms (Knuth 1969, sect. 3.4.1) below a mean of 12; else ratio of
/// uniforms (Stadlober 1990), as for [`super::sampling::hypergeometric`].
pub fn poisson(g: &mut Generator, table: &LogFactorials, mean: f64) -> u64 {
    if mean.is_nan() || mean <= 0.0 {
        return 0;
    }
    if mean < BY_PRODUCT {
        let limit = libm::exp(-mean);
        let (mut k, mut product) = (0, g.uniform());
        while product > limit {
            k += 1;
            product *= g.uniform();
        }
        return k;
    }
    let mean = mean.min(LARGEST_MEAN);
    let log_mean = libm::log(mean);
    let ln_weight = |k: u64| k as f64 * log_mean - table.ln(k);
    let at_mode = ln_weight(mean as u64);
    ratio_of_uniforms(g, mean, mean, i64::MAX as u64 / 2, |k| {
        ln_weight(k) - at_mode
    })
}

/// How many of `count` contacts remain where each remains with probability `keep`.
///
/// *Formula* — Binomial(count, keep); of a Poisson count it gives a Poisson count of
/// `keep` times the mean.
pub fn thinned(g: &mut Generator, table: &LogFactorials, count: u64, keep: f64) -> u64 {
    binomial(g, table, count, keep.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::dist::chi_squared_sf;
    use crate::stats::random::Stream;

    /// The sampler is tried with fixed seeds, so a p this small means a defect.
    const SMALLEST_P: f64 = 1e-4;

    #[test]
    fn counts_follow_the_distribution() {
        let table = LogFactorials::new(1000);
        for (i, mean) in [0.05, 0.7, 5.0, 11.9, 12.1, 80.0, 4000.0]
            .iter()
            .enumerate()
        {
            let mut g = Stream::new("test", "poisson", 1).generator(i as u64);
            let n = 40_000;
            let mut counts = std::collections::BTreeMap::new();
            for _ in 0..n {
                *counts.entry(poisson(&mut g, &table, *mean)).or_insert(0u64) += 1;
            }
            let ln_pmf = |k: u64| k as f64 * f64::ln(*mean) - mean - table.ln(k);
            let (mut statistic, mut classes) = (0.0, -1.0);
            let (mut expected, mut observed, mut seen) = (0.0, 0.0, 0.0);
            let high = *counts.keys().last().unwrap() + 50;
            for k in 0..=high {
                expected += f64::from(n) * ln_pmf(k).exp();
                observed += counts.get(&k).copied().unwrap_or(0) as f64;
                if expected >= 10.0 && f64::from(n) - seen - expected >= 10.0 {
                    statistic += (observed - expected).powi(2) / expected;
                    seen += expected;
                    classes += 1.0;
                    (expected, observed) = (0.0, 0.0);
                }
            }
            statistic += (observed - expected).powi(2) / expected;
            classes += 1.0;
            let p = chi_squared_sf(statistic, classes);
            assert!(p > SMALLEST_P, "{mean}: p = {p}");
        }
    }

    #[test]
    fn ends_are_certain() {
        let table = LogFactorials::new(10);
        let mut g = Stream::new("test", "poisson ends", 1).generator(0);
        assert_eq!(poisson(&mut g, &table, 0.0), 0);
        assert_eq!(poisson(&mut g, &table, -1.0), 0);
        assert_eq!(poisson(&mut g, &table, f64::NAN), 0);
        let huge = poisson(&mut g, &table, 1e18) as f64;
        // Cut to 1e15, whose standard deviation is 3e7.
        assert!((huge / 1e15 - 1.0).abs() < 1e-6);
        assert_eq!(thinned(&mut g, &table, 7, 0.0), 0);
        assert_eq!(thinned(&mut g, &table, 7, 1.0), 7);
    }
}
