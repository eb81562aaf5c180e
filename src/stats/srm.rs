//! Pearson's χ²: whether the arms have the units that they should have.

use super::dist::chi_squared_sf;

/// A χ² test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChiSquared {
    /// Pearson's statistic.
    pub statistic: f64,
    /// Degrees of freedom.
    pub df: f64,
    /// Upper tail.
    pub p_value: f64,
}

impl ChiSquared {
    fn new(statistic: f64, df: usize) -> Self {
        let df = df as f64;
        ChiSquared {
            statistic,
            df,
            p_value: chi_squared_sf(statistic, df),
        }
    }
}

/// Sample-ratio mismatch: randomised units by arm against the arms' weights.
///
/// Arms of weight 0 are left out, together with their units.
///
/// *Units* — units are what was randomised: customers, or clusters in a clustered pilot.
///
/// *Formula* — Σ (n_k − N w_k/W)²/(N w_k/W), df = arms − 1, without continuity correction.
///
/// *Assumes* — units assigned independently of each other. Exact quotas give smaller
/// statistics than that, so a mismatch is still a mismatch.
///
/// *Source* — Pearson (1900); Fabijan et al. (2019), Diagnosing sample ratio mismatch, KDD.
///
/// `None` without a unit, with fewer than two arms of weight above 0, or where the two
/// slices differ in length.
pub fn goodness_of_fit(counts: &[u64], weights: &[u64]) -> Option<ChiSquared> {
    if counts.len() != weights.len() {
        return None;
    }
    let arms: Vec<(u64, u64)> = counts
        .iter()
        .copied()
        .zip(weights.iter().copied())
        .filter(|&(_, w)| w > 0)
        .collect();
    let units: u128 = arms.iter().map(|&(n, _)| u128::from(n)).sum();
    let weight: u128 = arms.iter().map(|&(_, w)| u128::from(w)).sum();
    if units == 0 || arms.len() < 2 {
        return None;
    }
    let statistic = arms
        .iter()
        .map(|&(n, w)| {
            let expected = units as f64 * (w as f64 / weight as f64);
            let excess = match (
                u128::from(n).checked_mul(weight),
                units.checked_mul(u128::from(w)),
            ) {
                // Exact, so that a perfect ratio is exactly 0.
                (Some(a), Some(b)) => a.abs_diff(b) as f64 / weight as f64,
                _ => n as f64 - expected,
            };
            excess * excess / expected
        })
        .sum();
    Some(ChiSquared::new(statistic, arms.len() - 1))
}

/// Whether the shares of the columns (arms) are the same in all rows (strata).
///
/// Rows and columns without a unit are left out; rows may not differ in length.
///
/// *Formula* — Σ (n_sk − n_s n_k/N)²/(n_s n_k/N), df = (rows − 1)(columns − 1).
///
/// *Assumes* — units independent of each other; expected counts not below about 5.
///
/// *Source* — Pearson (1900), df after Fisher (1922).
///
/// `None` with fewer than two rows or columns left, or where rows differ in length.
pub fn independence(table: &[Vec<u64>]) -> Option<ChiSquared> {
    let columns = table.first()?.len();
    if table.iter().any(|row| row.len() != columns) {
        return None;
    }
    let sum = |row: &[u64]| row.iter().map(|&n| u128::from(n)).sum::<u128>();
    let by_column: Vec<u128> = (0..columns)
        .map(|k| table.iter().map(|row| u128::from(row[k])).sum())
        .collect();
    let rows: Vec<(&[u64], u128)> = table
        .iter()
        .map(|row| (row.as_slice(), sum(row)))
        .filter(|&(_, n)| n > 0)
        .collect();
    let used = by_column.iter().filter(|&&n| n > 0).count();
    if rows.len() < 2 || used < 2 {
        return None;
    }
    let total = by_column.iter().sum::<u128>() as f64;
    let mut statistic = 0.0;
    for (row, in_row) in &rows {
        for (&n, &in_column) in row.iter().zip(&by_column).filter(|&(_, &c)| c > 0) {
            let expected = *in_row as f64 * (in_column as f64 / total);
            let excess = n as f64 - expected;
            statistic += excess * excess / expected;
        }
    }
    Some(ChiSquared::new(statistic, (rows.len() - 1) * (used - 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed to nine digits.
    const PUBLISHED: f64 = 1e-8;

    fn p(counts: &[u64], weights: &[u64]) -> f64 {
        goodness_of_fit(counts, weights).unwrap().p_value
    }

    #[test]
    fn published_ratios() {
        assert!((p(&[310, 98], &[75, 25]) / 0.647434186 - 1.0).abs() < PUBLISHED);
        assert!((p(&[500, 500, 600], &[34, 33, 33]) / 0.000592638 - 1.0).abs() < 1e-6);
        assert!((p(&[1000, 1200], &[1, 1]) / 2.0079e-5 - 1.0).abs() < 1e-4);
    }

    #[test]
    fn arms_of_weight_0_are_left_out() {
        assert_eq!(
            goodness_of_fit(&[310, 98, 7], &[3, 1, 0]),
            goodness_of_fit(&[310, 98], &[75, 25])
        );
        assert_eq!(goodness_of_fit(&[310, 98], &[3, 0]), None);
        assert_eq!(goodness_of_fit(&[0, 0], &[1, 1]), None);
        assert_eq!(goodness_of_fit(&[1], &[1, 1]), None);
    }

    #[test]
    fn a_perfect_ratio_is_exactly_0_at_any_size() {
        let c = goodness_of_fit(&[700_000_007, 2_100_000_021], &[1, 3]).unwrap();
        assert_eq!((c.statistic, c.p_value), (0.0, 1.0));
        let huge = goodness_of_fit(&[u64::MAX, u64::MAX], &[u64::MAX, u64::MAX]).unwrap();
        assert_eq!((huge.statistic, huge.p_value), (0.0, 1.0));
        assert_eq!(p(&[u64::MAX, 1], &[1, 1]), 0.0);
    }

    #[test]
    fn independence_by_hand() {
        // Rows (10, 20), (20, 10): every expected count is 15, so 4·25/15.
        let c = independence(&[vec![10, 0, 20], vec![0, 0, 0], vec![20, 0, 10]]).unwrap();
        assert!((c.statistic - 20.0 / 3.0).abs() < 1e-12);
        assert_eq!(c.df, 1.0);
        assert_eq!(independence(&[vec![1, 2]]), None);
        assert_eq!(independence(&[vec![1, 0], vec![2, 0]]), None);
        assert_eq!(independence(&[vec![1, 2], vec![2]]), None);
        assert_eq!(independence(&[]), None);
    }
}
