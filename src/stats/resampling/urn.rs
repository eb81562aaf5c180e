//! How many of each category are among a fixed number of drawn customers.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use rayon::prelude::*;

use crate::stats::random::Generator;
use crate::stats::sampling::{LogFactorials, binomial, hypergeometric};

use super::lookup::{Column, Lookup, Weights, alias};

/// Larger urns are drawn category by category: tables of them would not fit a cache.
const LARGEST: u64 = 1 << 30;
/// As are those whose tables would hold more values, 128 MB.
const MOST_VALUES: f64 = (1 << 24) as f64;
/// Nanoseconds of a table's draw, of the test of a level, and of a draw by rejection, measured;
/// they only decide which exact way is taken.
const LOOKUP: f64 = 3.0;
const TEST: f64 = 10.0;
const REJECTION: f64 = 40.0;

/// For the few categories that are drawn one after the other; half a megabyte.
static LOGS: LazyLock<LogFactorials> = LazyLock::new(|| LogFactorials::new(1 << 16));

/// How customers are drawn from the urn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Law {
    /// So many, none twice: multivariate hypergeometric.
    WithoutReplacement(u64),
    /// As many as there are, with replacement: multinomial.
    WithReplacement,
}

/// Customers in categories, from which a fixed number is drawn, exactly.
///
/// *Formula* — counts K_i that are independent binomial (n_i, p) given their
/// total are multivariate hypergeometric, whatever p; Poisson counts of means
/// n_i given their total are multinomial. So the categories with the fewest
/// customers are drawn independently, from tables, and kept with probability
/// P(rest)/max P, where the rest of the total is a count of the larger
/// categories together: binomial or Poisson too. Those are split the same way,
/// level by level, and the last few one after the other.
///
/// *Assumes* — nothing beyond rounding: tables move no probability by more than 1e-12.
///
/// *Source* — rejection from conditionally independent counts: Devroye, L.
/// (1986), Non-Uniform Random Variate Generation, ch. XI.1.2 and II.3; conditional on their
/// sum, Johnson, N., Kotz, S. and Balakrishnan, N. (1997), Discrete Multivariate
/// Distributions, §35.1 and 39.2.
#[derive(Debug, Clone)]
pub(crate) struct Urn {
    law: Law,
    /// Customers by category, descending.
    sizes: Vec<u64>,
    drawn: u64,
    lookup: Lookup,
    /// Of each category that belongs to a level.
    columns: Vec<Column>,
    /// From the smallest categories up.
    levels: Vec<Level>,
    /// Categories before this one belong to no level.
    head: usize,
}

#[derive(Debug, Clone)]
struct Level {
    categories: Range<usize>,
    /// P(rest) of the larger categories together, relative to its largest.
    rest: Weights,
}

impl Urn {
    /// An urn of categories with `sizes` customers, in descending order, none empty.
    pub fn new(sizes: Vec<u64>, law: Law) -> Self {
        debug_assert!(sizes.is_sorted_by(|a, b| a >= b));
        let customers: u64 = sizes.iter().sum();
        let drawn = match law {
            Law::WithoutReplacement(drawn) => drawn,
            Law::WithReplacement => customers,
        };
        let (blocks, head) = blocks(&sizes, customers);
        let mut distinct = sizes[head..].to_vec();
        distinct.dedup();
        // 8.6 standard deviations to both sides, of a Poisson count at most.
        let values: f64 = distinct.iter().map(|&s| 18.0 * (s as f64).sqrt()).sum();
        let certain = drawn == 0 || law == Law::WithoutReplacement(customers);
        if certain || customers > LARGEST || values > MOST_VALUES || blocks.is_empty() {
            return Urn {
                law,
                head: sizes.len(),
                drawn,
                lookup: Lookup::default(),
                columns: Vec::new(),
                levels: Vec::new(),
                sizes,
            };
        }
        let p = drawn as f64 / customers as f64;
        let weights = |size: u64| match law {
            Law::WithoutReplacement(_) => Weights::binomial(size, p),
            Law::WithReplacement => Weights::poisson(size),
        };
        let levels = blocks
            .into_iter()
            .map(|(categories, rest)| Level {
                categories,
                rest: weights(rest),
            })
            .collect();
        let tables: Vec<_> = distinct.par_iter().map(|&s| alias(&weights(s))).collect();
        let mut lookup = Lookup::default();
        let by_size: BTreeMap<u64, Column> = distinct
            .into_iter()
            .zip(&tables)
            .map(|(size, table)| (size, lookup.add(table)))
            .collect();
        Urn {
            law,
            columns: sizes[head..].iter().map(|s| by_size[s]).collect(),
            drawn,
            lookup,
            levels,
            head,
            sizes,
        }
    }

    /// One draw: how many of each category, in the order of `sizes`, into `counts`.
    #[inline]
    pub fn draw(&self, g: &mut Generator, counts: &mut [u64]) {
        let mut left = self.drawn;
        for level in &self.levels {
            left = self.level(level, left, g, counts);
        }
        let mut customers: u64 = self.sizes[..self.head].iter().sum();
        for (&size, count) in self.sizes[..self.head].iter().zip(counts) {
            *count = match (size == customers, self.law) {
                (true, _) => left,
                (_, Law::WithoutReplacement(_)) => hypergeometric(g, &LOGS, customers, size, left),
                (_, Law::WithReplacement) => {
                    binomial(g, &LOGS, left, size as f64 / customers as f64)
                }
            };
            customers -= size;
            left -= *count;
        }
    }

    /// Draws the categories of a level; gives what is left for the larger ones.
    #[inline]
    fn level(&self, level: &Level, total: u64, g: &mut Generator, counts: &mut [u64]) -> u64 {
        let columns = level.categories.start - self.head..level.categories.end - self.head;
        let (columns, counts) = (
            &self.columns[columns],
            &mut counts[level.categories.clone()],
        );
        loop {
            let mut sum = 0;
            for (column, count) in columns.iter().zip(counts.iter_mut()) {
                *count = self.lookup.draw(column, g.bits());
                sum += *count;
            }
            // Beyond the weights' ends the chance is below 1e-16.
            let place = total.wrapping_sub(sum).wrapping_sub(level.rest.lowest);
            if let Some(&chance) = level.rest.relative.get(place as usize)
                && sum <= total
                && g.uniform() < chance
            {
                return total - sum;
            }
        }
    }
}

/// Levels as (categories, customers of all larger ones), and where the categories without one end.
///
/// A level holds the smallest categories with up to a quarter of what is left. It is drawn
/// √(all/rest) times on average, where categories one after the other are drawn once.
fn blocks(sizes: &[u64], customers: u64) -> (Vec<(Range<usize>, u64)>, usize) {
    let (mut blocks, mut end, mut left) = (Vec::new(), sizes.len(), customers);
    while end > 0 {
        let (mut start, mut block) = (end - 1, sizes[end - 1]);
        while start > 0 && block + sizes[start - 1] <= left / 4 {
            start -= 1;
            block += sizes[start];
        }
        let (rest, n) = (left - block, (end - start) as f64);
        if rest == 0 {
            break;
        }
        let times = (customers as f64 / rest as f64).sqrt();
        if times * (n * LOOKUP + TEST) > n * REJECTION {
            break;
        }
        blocks.push((start..end, rest));
        (end, left) = (start, rest);
    }
    (blocks, end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::dist::chi_squared_sf;
    use crate::stats::random::Stream;

    /// The urns are tried with fixed seeds, so a p this small means a defect.
    const SMALLEST_P: f64 = 1e-4;
    const DRAWS: usize = 60_000;

    /// P(Σ score·count) by every count of every category: P(total, score) one category at a time.
    fn exact(sizes: &[u64], scores: &[usize], law: Law) -> Vec<f64> {
        let customers: u64 = sizes.iter().sum();
        let drawn = match law {
            Law::WithoutReplacement(drawn) => drawn,
            Law::WithReplacement => customers,
        } as usize;
        let most = drawn * scores.iter().max().unwrap();
        let mut ways = vec![vec![0.0; most + 1]; drawn + 1];
        ways[0][0] = 1.0;
        for (&size, &score) in sizes.iter().zip(scores) {
            // C(size, k), or size^k / k! relative to the customers, for each k.
            let mut weight = vec![1.0];
            for k in 0..drawn {
                let next = match law {
                    Law::WithoutReplacement(_) => size.saturating_sub(k as u64) as f64,
                    Law::WithReplacement => size as f64,
                };
                weight.push(weight[k] * next / (k as f64 + 1.0));
            }
            let mut after = vec![vec![0.0; most + 1]; drawn + 1];
            for (total, of_total) in ways.iter().enumerate() {
                for (sum, &w) in of_total.iter().enumerate().filter(|(_, w)| **w > 0.0) {
                    for (k, v) in weight.iter().enumerate().take(drawn + 1 - total) {
                        if *v > 0.0 {
                            after[total + k][sum + k * score] += w * v;
                        }
                    }
                }
            }
            ways = after;
        }
        let all: f64 = ways[drawn].iter().sum();
        ways[drawn].iter().map(|w| w / all).collect()
    }

    fn p_of(sizes: &[u64], scores: &[usize], law: Law, seed: u64) -> f64 {
        let expected = exact(sizes, scores, law);
        let urn = Urn::new(sizes.to_vec(), law);
        let mut g = Stream::new("test", "urn", seed).generator(0);
        let (mut counts, mut observed) = (vec![0; sizes.len()], vec![0.0; expected.len()]);
        let drawn: u64 = match law {
            Law::WithoutReplacement(drawn) => drawn,
            Law::WithReplacement => sizes.iter().sum(),
        };
        for _ in 0..DRAWS {
            urn.draw(&mut g, &mut counts);
            assert_eq!(counts.iter().sum::<u64>(), drawn);
            let sum: usize = counts
                .iter()
                .zip(scores)
                .map(|(k, s)| *k as usize * s)
                .sum();
            observed[sum] += 1.0;
        }
        let (mut statistic, mut classes, mut sum, mut seen) = (0.0, 0.0, 0.0, 0.0);
        for (p, n) in expected.iter().zip(&observed) {
            sum += p * DRAWS as f64;
            seen += n;
            if sum >= 10.0 {
                statistic += (seen - sum) * (seen - sum) / sum;
                classes += 1.0;
                (sum, seen) = (0.0, 0.0);
            }
        }
        chi_squared_sf(statistic, classes - 1.0)
    }

    #[test]
    fn counts_follow_their_distribution() {
        // Sizes of a long tail, of equals, of one giant, and of a few that have no level.
        let tail: Vec<u64> = vec![60, 31, 17, 9, 5, 3, 2, 2, 1, 1, 1, 1];
        let equals = vec![2; 40];
        let giant = vec![150, 4, 3, 1, 1];
        let few = vec![30, 29];
        for (i, sizes) in [tail, equals, giant, few].into_iter().enumerate() {
            let customers: u64 = sizes.iter().sum();
            // Scores that tell categories apart.
            let scores: Vec<usize> = (0..sizes.len()).map(|i| (i * i) % 7).collect();
            for (j, law) in [
                Law::WithoutReplacement(customers / 2),
                Law::WithoutReplacement(customers / 5),
                Law::WithoutReplacement(customers - 3),
                Law::WithReplacement,
            ]
            .into_iter()
            .enumerate()
            {
                let p = p_of(&sizes, &scores, law, (10 * i + j) as u64);
                assert!(p > SMALLEST_P, "{sizes:?} {law:?}: p = {p}");
            }
        }
    }

    #[test]
    fn levels_take_most_categories() {
        // 60 counts of a stratum of 280,000 customers, as contacts are distributed.
        let sizes: Vec<u64> = (0..60)
            .map(|y| (5e4 * 0.82f64.powi(y)).ceil() as u64)
            .collect();
        for law in [Law::WithoutReplacement(140_000), Law::WithReplacement] {
            let urn = Urn::new(sizes.clone(), law);
            assert!(urn.head <= 4, "{} of 60 are drawn one by one", urn.head);
        }
    }

    #[test]
    fn certain_draws_need_no_luck() {
        let mut g = Stream::new("test", "certain", 1).generator(0);
        let mut draw = |sizes: &[u64], law| {
            let mut counts = vec![9; sizes.len()];
            Urn::new(sizes.to_vec(), law).draw(&mut g, &mut counts);
            counts
        };
        assert_eq!(draw(&[5, 2, 1], Law::WithoutReplacement(0)), [0, 0, 0]);
        assert_eq!(draw(&[5, 2, 1], Law::WithoutReplacement(8)), [5, 2, 1]);
        assert_eq!(draw(&[7], Law::WithReplacement), [7]);
        assert_eq!(draw(&[7], Law::WithoutReplacement(3)), [3]);
        assert_eq!(draw(&[], Law::WithReplacement), [0u64; 0]);
    }

    /// Beyond the tables' reach: 2⁴⁰ customers.
    #[test]
    fn giants_are_drawn_one_by_one() {
        let sizes = vec![1 << 39, 1 << 38, 1 << 38];
        let mut g = Stream::new("test", "giants", 1).generator(0);
        for law in [Law::WithoutReplacement(1 << 39), Law::WithReplacement] {
            let urn = Urn::new(sizes.clone(), law);
            let (mut counts, mut sum) = (vec![0; 3], 0.0);
            let (n, drawn) = (2_000, urn.drawn as f64);
            for _ in 0..n {
                urn.draw(&mut g, &mut counts);
                assert_eq!(counts.iter().sum::<u64>(), urn.drawn);
                sum += counts[1] as f64 - drawn / 4.0;
            }
            // Five standard errors of a mean of binomial counts, which are the wider ones.
            let bound = 5.0 * (drawn * 0.25 * 0.75 / f64::from(n)).sqrt();
            assert!((sum / f64::from(n)).abs() < bound, "{law:?}");
        }
    }

    /// A changed number here would change every permutation p and bootstrap interval ever reported.
    #[test]
    fn draws_never_change() {
        let sizes = vec![4_000, 900, 200, 50, 12, 3, 1, 1];
        let mut g = Stream::new("test", "pinned", 1).generator(0);
        let mut draw = |law| {
            let mut counts = vec![0; sizes.len()];
            Urn::new(sizes.clone(), law).draw(&mut g, &mut counts);
            counts
        };
        assert_eq!(
            draw(Law::WithoutReplacement(2_000)),
            [1535, 356, 86, 13, 8, 2, 0, 0]
        );
        assert_eq!(
            draw(Law::WithReplacement),
            [4024, 907, 189, 32, 11, 3, 0, 1]
        );
    }
}
