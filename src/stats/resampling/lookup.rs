//! Draws from fixed binomial and Poisson distributions, in one look at a table.

/// What is rarer than this, relative to the most likely value, is left out: 8.6 standard deviations.
const NEVER: f64 = 1e-16;
/// Bits of an entry that hold the other value of its column.
const INDEX_BITS: u32 = 24;
const INDEX: u64 = (1 << INDEX_BITS) - 1;

/// Probabilities of consecutive integers, relative to the largest.
#[derive(Debug, Clone)]
pub(super) struct Weights {
    pub lowest: u64,
    pub relative: Vec<f64>,
}

impl Weights {
    /// Binomial, 0 < p < 1.
    pub fn binomial(trials: u64, p: f64) -> Self {
        let (n, odds) = (trials as f64, p / (1.0 - p));
        // The cut-off end makes a ratio of 0 or less, which ends the walk.
        let ratio = |k: f64| (n - k) / (k + 1.0) * odds;
        Weights::around(((n + 1.0) * p) as u64, ratio)
    }

    /// Poisson with a whole mean, as counts of customers have.
    pub fn poisson(mean: u64) -> Self {
        let m = mean as f64;
        Weights::around(mean, |k| m / (k + 1.0))
    }

    /// Walks from the mode both ways; `ratio(k)` = P(k + 1)/P(k).
    fn around(mode: u64, ratio: impl Fn(f64) -> f64) -> Self {
        let mut down = Vec::new();
        let mut weight = 1.0;
        for k in (0..mode).rev() {
            weight /= ratio(k as f64);
            if weight < NEVER {
                break;
            }
            down.push(weight);
        }
        let lowest = mode - down.len() as u64;
        down.reverse();
        let mut relative = down;
        let mut k = mode as f64;
        weight = 1.0;
        while weight >= NEVER {
            relative.push(weight);
            weight *= ratio(k);
            k += 1.0;
        }
        Weights { lowest, relative }
    }
}

/// Where a distribution's alias table lies among the entries of all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    start: u32,
    len: u32,
    lowest: u32,
}

/// Alias tables, one after the other.
///
/// An entry is a value's share of its column in 40 bits and the column's other value in 24,
/// so that rounding moves no probability by more than 1e-12.
///
/// *Source* — Walker, A. (1977), ACM TOMS 3(3), 253-256; Vose, M. (1991),
/// IEEE Trans. Softw. Eng. 17(9), 972-975.
#[derive(Debug, Clone, Default)]
pub(super) struct Lookup(Vec<u64>);

impl Lookup {
    /// Adds a table of at most 2²⁴ values; all values of all tables are below 2³².
    pub fn add(&mut self, table: &(u64, Vec<u64>)) -> Column {
        let start = self.0.len() as u32;
        self.0.extend(&table.1);
        Column {
            start,
            len: table.1.len() as u32,
            lowest: table.0 as u32,
        }
    }

    /// A draw, from 64 random bits.
    #[inline]
    pub fn draw(&self, column: &Column, bits: u64) -> u64 {
        let wide = u128::from(bits) * u128::from(column.len);
        let (index, share) = ((wide >> 64) as u64, wide as u64 >> INDEX_BITS);
        let entry = self.0[column.start as usize + index as usize];
        let value = if share < entry >> INDEX_BITS {
            index
        } else {
            entry & INDEX
        };
        u64::from(column.lowest) + value
    }
}

/// The alias table of a distribution: its lowest value and its entries.
pub(super) fn alias(weights: &Weights) -> (u64, Vec<u64>) {
    let n = weights.relative.len();
    let total: f64 = weights.relative.iter().sum();
    let mut share: Vec<f64> = weights
        .relative
        .iter()
        .map(|w| w * (n as f64 / total))
        .collect();
    let mut other: Vec<u64> = (0..n as u64).collect();
    let (mut poor, mut rich): (Vec<usize>, Vec<usize>) = (0..n).partition(|&i| share[i] < 1.0);
    while let (Some(&p), Some(&r)) = (poor.last(), rich.last()) {
        poor.pop();
        other[p] = r as u64;
        share[r] -= 1.0 - share[p];
        if share[r] < 1.0 {
            rich.pop();
            poor.push(r);
        }
    }
    // Who is left has a full column but for rounding: its other value is itself.
    let full = (1u64 << (64 - INDEX_BITS)) - 1;
    let entry = |(s, o): (f64, u64)| ((s * (full + 1) as f64) as u64).min(full) << INDEX_BITS | o;
    let entries = share.into_iter().zip(other).map(entry).collect();
    (weights.lowest, entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of at most a few thousand shares.
    const ROUNDING: f64 = 1e-12;

    /// The probability that a table gives each value.
    fn probabilities(table: &(u64, Vec<u64>)) -> Vec<f64> {
        let n = table.1.len();
        let mut p = vec![0.0; n];
        for (i, entry) in table.1.iter().enumerate() {
            let own = (entry >> INDEX_BITS) as f64 / (1u64 << (64 - INDEX_BITS)) as f64;
            p[i] += own / n as f64;
            p[(entry & INDEX) as usize] += (1.0 - own) / n as f64;
        }
        p
    }

    #[test]
    fn tables_hold_their_distribution() {
        for (weights, mean, variance) in [
            (Weights::binomial(1, 0.3), 0.3, 0.21),
            (Weights::binomial(7, 0.5), 3.5, 1.75),
            (Weights::binomial(1000, 0.999), 999.0, 0.999),
            (Weights::binomial(80_000, 0.4), 32_000.0, 19_200.0),
            (Weights::poisson(1), 1.0, 1.0),
            (Weights::poisson(50_000), 50_000.0, 50_000.0),
        ] {
            let table = alias(&weights);
            let p = probabilities(&table);
            let total: f64 = weights.relative.iter().sum();
            for (found, weight) in p.iter().zip(&weights.relative) {
                assert!((found - weight / total).abs() < ROUNDING);
            }
            let moment = |power: i32| -> f64 {
                let of = |(i, p): (usize, &f64)| p * (table.0 as f64 + i as f64 - mean).powi(power);
                p.iter().enumerate().map(of).sum()
            };
            // 40 bits of a share, times the distance of the values.
            assert!(moment(1).abs() < 1e-9 * mean.max(1.0), "{mean}");
            assert!((moment(2) / variance - 1.0).abs() < 1e-8, "{mean}");
        }
    }

    #[test]
    fn certain_values_need_one_entry() {
        let w = Weights::poisson(0);
        assert_eq!((w.lowest, w.relative), (0, vec![1.0]));
        let mut lookup = Lookup::default();
        let column = lookup.add(&alias(&Weights::poisson(0)));
        assert_eq!(lookup.draw(&column, u64::MAX), 0);
    }
}
