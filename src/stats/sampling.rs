//! Exact samplers of hypergeometric and binomial counts, for populations of any size.

use super::random::Generator;

/// Above this, ln k! comes from Stirling's series; 2²⁰ entries are 8 MB, shared by all threads.
const TABLE_LIMIT: u64 = 1 << 20;

/// Below this many single draws, drawing one by one is faster than rejection.
const ONE_BY_ONE: u64 = 12;

/// ln k!, from a table where k is small.
///
/// Every entry is computed by itself, so rounding does not accumulate.
#[derive(Debug, Clone)]
pub struct LogFactorials(Vec<f64>);

impl LogFactorials {
    /// A table up to `largest`, or up to 2²⁰ where that is less.
    pub fn new(largest: u64) -> Self {
        let size = largest.min(TABLE_LIMIT);
        LogFactorials((0..=size).map(log_factorial).collect())
    }

    /// ln k!.
    #[inline]
    pub fn ln(&self, k: u64) -> f64 {
        match self.0.get(k as usize) {
            Some(&value) => value,
            None => log_factorial(k),
        }
    }
}

fn log_factorial(k: u64) -> f64 {
    if k < 32 {
        // 20! is the last that fits; beyond it the product of two exact parts is exact to an ulp.
        let product: f64 = (2..=k).map(|i| i as f64).product();
        return libm::log(product);
    }
    let x = k as f64;
    let inverse = 1.0 / x;
    let square = inverse * inverse;
    let series = inverse * (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0)));
    // ½ ln 2π
    (x + 0.5) * libm::log(x) - x + 0.918_938_533_204_672_8 + series
}

/// How many of `sample` customers, drawn without replacement, are among the `good` ones.
///
/// Units: all three are customers; `good` and `sample` are at most `population`.
///
/// *Formula* — P(k) = C(good, k)·C(population − good, sample − k)/C(population, sample).
///
/// *Assumes* — nothing beyond rounding: the acceptance test compares ln-factorials,
/// whose rounding moves a probability by less than 1e-5 of itself for a
/// population of 10⁹ and less than 1e-8 for 10⁶.
///
/// *Source* — Stadlober, E. (1990), The ratio of uniforms approach for generating
/// discrete random variates, J. Comput. Appl. Math. 31, 181-189 (HRUA); one by one where fewer
/// than 12 draws do.
#[inline]
pub fn hypergeometric(
    g: &mut Generator,
    table: &LogFactorials,
    population: u64,
    good: u64,
    sample: u64,
) -> u64 {
    let bad = population - good;
    let rest = population - sample;
    // Symmetries: complement of the sample, of the colour, and the two exchanged.
    let (draws, colour) = (sample.min(rest), good.min(bad));
    if draws == 0 || colour == 0 {
        return if sample == 0 || good == 0 {
            0
        } else if rest == 0 {
            good
        } else {
            sample // no bad ones
        };
    }
    let (few, many) = (draws.min(colour), draws.max(colour));
    let small = if few < ONE_BY_ONE {
        one_by_one(g, population, many, few)
    } else {
        rejection(g, table, population, colour, draws)
    };
    let in_good = if good <= bad { small } else { draws - small };
    if sample <= rest {
        in_good
    } else {
        good - in_good
    }
}

/// `draws` single draws from a population with `marked` marked members.
#[inline]
fn one_by_one(g: &mut Generator, mut population: u64, mut marked: u64, draws: u64) -> u64 {
    let mut found = 0;
    for _ in 0..draws {
        // Arithmetic, since a branch on a coin's toss is predicted wrongly half the time.
        let hit = u64::from(g.below(population) < marked);
        found += hit;
        marked -= hit;
        population -= 1;
    }
    found
}

/// HRUA; `colour` and `draws` are each at most half the population.
#[inline]
fn rejection(
    g: &mut Generator,
    table: &LogFactorials,
    population: u64,
    colour: u64,
    draws: u64,
) -> u64 {
    // No argument exceeds the population, so most calls need no test for Stirling's series.
    let known = table.0.as_slice();
    if population < known.len() as u64 {
        reject_until(g, population, colour, draws, |k| known[k as usize])
    } else {
        reject_until(g, population, colour, draws, |k| table.ln(k))
    }
}

#[inline]
fn reject_until(
    g: &mut Generator,
    population: u64,
    colour: u64,
    draws: u64,
    ln_factorial: impl Fn(u64) -> f64,
) -> u64 {
    let (size, k, n) = (
        population as i64 as f64,
        colour as i64 as f64,
        draws as i64 as f64,
    );
    let mean = n * k / size;
    let variance = mean * (size - k) * (size - n) / (size * (size - 1.0));
    let mode = ((n + 1.0) * (k + 1.0) / (size + 2.0)) as i64 as u64;
    // The other colour less the draws cannot go below zero: neither passes half.
    let spare = (population - colour) - draws;
    let ln_weight = |i: u64| {
        ln_factorial(i)
            + ln_factorial(colour - i)
            + ln_factorial(draws - i)
            + ln_factorial(spare + i)
    };
    let at_mode = ln_weight(mode);
    ratio_of_uniforms(g, mean, variance, colour.min(draws), |i| {
        at_mode - ln_weight(i)
    })
}

/// Number of successes among `trials` with probability `p`.
///
/// *Formula* — P(k) = C(trials, k) pᵏ (1 − p)^(trials − k).
///
/// *Source* — Stadlober (1990), as for [`hypergeometric`].
pub fn binomial(g: &mut Generator, table: &LogFactorials, trials: u64, p: f64) -> u64 {
    if p > 0.5 {
        return trials - binomial(g, table, trials, 1.0 - p);
    }
    if trials == 0 || p <= 0.0 {
        return 0;
    }
    let n = trials as f64;
    if n * p < 10.0 {
        return binomial_by_inversion(g, trials, p);
    }
    let log_odds = libm::log(p) - libm::log1p(-p);
    let mode = ((n + 1.0) * p) as u64;
    let ln_weight = |i: u64| i as f64 * log_odds - table.ln(i) - table.ln(trials - i);
    let at_mode = ln_weight(mode);
    ratio_of_uniforms(g, n * p, n * p * (1.0 - p), trials, |i| {
        ln_weight(i) - at_mode
    })
}

fn binomial_by_inversion(g: &mut Generator, trials: u64, p: f64) -> u64 {
    let n = trials as f64;
    let odds = p / (1.0 - p);
    let first = libm::exp(n * libm::log1p(-p));
    loop {
        let (mut u, mut weight) = (g.uniform(), first);
        for i in 0..=trials.min(200) {
            if u <= weight {
                return i;
            }
            u -= weight;
            weight *= (n - i as f64) / (i as f64 + 1.0) * odds;
        }
        // u fell in what rounding lost of the tail: less than 1e-15 of all draws.
    }
}

/// A draw from a log-concave distribution on 0..=largest, given ln(P(k)/P(mode)).
#[inline]
pub(super) fn ratio_of_uniforms(
    g: &mut Generator,
    mean: f64,
    variance: f64,
    largest: u64,
    ln_ratio: impl Fn(u64) -> f64,
) -> u64 {
    // Stadlober's hat: 2√(2/e) and 3 − 2√(3/e).
    const WIDTH: f64 = 1.715_527_769_921_413_5;
    const OFFSET: f64 = 0.898_916_162_058_898_8;
    let centre = mean + 0.5;
    let spread = (variance + 0.5).sqrt();
    let width = WIDTH * spread + OFFSET;
    // 16 standard deviations: what lies beyond has probability below 1e-50.
    let end = (largest as i64 as f64 + 1.0).min(centre + 16.0 * spread);
    loop {
        let (u, v) = (g.uniform(), g.uniform());
        let x = centre + width * (v - 0.5) / u;
        if x < 0.0 || x >= end {
            continue;
        }
        let k = x as i64 as u64;
        let t = ln_ratio(k);
        if u * (4.0 - u) - 3.0 <= t {
            return k;
        }
        if u * (u - t) >= 1.0 {
            continue;
        }
        if 2.0 * libm::log(u) <= t {
            return k;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::dist::chi_squared_sf;
    use crate::stats::random::Stream;

    /// The samplers are tried with fixed seeds, so a p this small means a defect.
    const SMALLEST_P: f64 = 1e-4;

    fn chi_squared_p(draws: &[u64], ln_pmf: impl Fn(u64) -> f64, largest: u64) -> f64 {
        let n = draws.len() as f64;
        let mut counts = std::collections::BTreeMap::new();
        for &d in draws {
            *counts.entry(d).or_insert(0u64) += 1;
        }
        let (mut statistic, mut classes) = (0.0, 0.0);
        let (mut expected, mut observed, mut seen) = (0.0, 0.0, 0.0);
        let low = *counts.keys().next().unwrap();
        let high = *counts.keys().last().unwrap();
        let from = low.saturating_sub(50);
        for k in from..=(high + 50).min(largest) {
            expected += n * ln_pmf(k).exp();
            observed += counts.get(&k).copied().unwrap_or(0) as f64;
            if expected >= 10.0 && n - seen - expected >= 10.0 {
                statistic += (observed - expected).powi(2) / expected;
                seen += expected;
                classes += 1.0;
                (expected, observed) = (0.0, 0.0);
            }
        }
        statistic += (observed - expected).powi(2) / expected;
        chi_squared_sf(statistic, classes)
    }

    #[test]
    fn log_factorials_are_exact_where_known() {
        let table = LogFactorials::new(100);
        assert_eq!(table.ln(0), 0.0);
        assert!((table.ln(10) - 3_628_800f64.ln()).abs() < 1e-14);
        // The two formulae meet at 31 and 32; 1e-13 is a few ulp of 78.
        assert!((table.ln(32) - table.ln(31) - 32f64.ln()).abs() < 1e-13);
        // R: lfactorial(1000)
        assert!((LogFactorials::new(10).ln(1000) - 5912.128178488163).abs() < 1e-11);
    }

    #[test]
    fn hypergeometric_follows_its_distribution() {
        for (i, &(population, good, sample)) in [
            (20, 7, 9),
            (100, 30, 50),
            (100, 70, 50),
            (100, 30, 80),
            (1000, 990, 995),
            (417_000, 80_000, 208_000),
            (417_000, 30, 208_000),
            (1_000_000_000, 40, 500_000_000),
            (1_000_000_000, 1_000_000, 1_000_000),
            (60, 30, 30),
        ]
        .iter()
        .enumerate()
        {
            let table = LogFactorials::new(population);
            let mut g = Stream::new("test", "hypergeometric", 1).generator(i as u64);
            let draws: Vec<u64> = (0..40_000)
                .map(|_| hypergeometric(&mut g, &table, population, good, sample))
                .collect();
            let f = log_factorial;
            let choose = |n: u64, k: u64| f(n) - f(k) - f(n - k);
            let bad = population - good;
            let ln_pmf = |k: u64| {
                if k > good || k > sample || sample - k > bad {
                    f64::NEG_INFINITY
                } else {
                    choose(good, k) + choose(bad, sample - k) - choose(population, sample)
                }
            };
            let p = chi_squared_p(&draws, ln_pmf, good.min(sample));
            assert!(p > SMALLEST_P, "{population} {good} {sample}: p = {p}");
        }
    }

    /// A changed number here would change the p-value of every permutation test ever reported.
    #[test]
    fn draws_never_change() {
        let table = LogFactorials::new(1000);
        let mut g = Stream::new("test", "pinned", 1).generator(0);
        let drawn = [
            (1000, 400, 500),
            (1000, 8, 500),
            (10_000_000, 3_000_000, 5_000_000),
        ]
        .map(|(population, good, sample)| hypergeometric(&mut g, &table, population, good, sample));
        assert_eq!(drawn, [201, 4, 1_500_546]);
        assert_eq!(binomial(&mut g, &table, 1_000_000, 0.3), 299_988);
    }

    #[test]
    fn hypergeometric_ends_are_certain() {
        let table = LogFactorials::new(10);
        let mut g = Stream::new("test", "ends", 1).generator(0);
        for (population, good, sample, expected) in [
            (10, 0, 5, 0),
            (10, 10, 5, 5),
            (10, 4, 0, 0),
            (10, 4, 10, 4),
            (0, 0, 0, 0),
        ] {
            assert_eq!(
                hypergeometric(&mut g, &table, population, good, sample),
                expected
            );
        }
    }

    #[test]
    fn binomial_follows_its_distribution() {
        for (i, &(trials, p)) in [(5, 0.3), (1000, 0.002), (3000, 0.4), (3000, 0.9), (40, 0.5)]
            .iter()
            .enumerate()
        {
            let table = LogFactorials::new(trials);
            let mut g = Stream::new("test", "binomial", 1).generator(i as u64);
            let draws: Vec<u64> = (0..40_000)
                .map(|_| binomial(&mut g, &table, trials, p))
                .collect();
            let f = log_factorial;
            let ln_pmf = |k: u64| {
                f(trials) - f(k) - f(trials - k)
                    + k as f64 * f64::ln(p)
                    + (trials - k) as f64 * f64::ln_1p(-p)
            };
            let q = chi_squared_p(&draws, ln_pmf, trials);
            assert!(q > SMALLEST_P, "{trials} {p}: p = {q}");
        }
    }
}
