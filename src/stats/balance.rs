//! Whether randomisation left the arms alike before the test.

mod clusters;

use nalgebra::{DMatrix, DVector, SymmetricEigen};

use crate::table::{ContactTable, Moments};

use super::dist::chi_squared_sf;
use super::srm;

pub use clusters::omnibus_of_clusters;

/// Eigenvalues below this share of the largest are rounding: covariates scaled to
/// variance 1 lose at most a few of 16 digits in the sums.
const RANK: f64 = 1e-9;

/// The omnibus test of balance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Omnibus {
    /// d².
    pub statistic: f64,
    /// Degrees of freedom: the rank of the randomisation covariance.
    pub df: f64,
    /// Upper tail of χ².
    pub p_value: f64,
}

/// d² over all arms, of the count before and of the strata's shares.
///
/// All assigned customers count, also those whose outcome after is missing. Covariates:
/// - the value before (0 where there was none) and, where some customers have none, an
///   indicator of that; both are compared *within* strata;
/// - the shares of the strata, unless they are exact quotas (every count within one
///   customer of its expectation): quotas cannot be out of balance, and their degrees of
///   freedom would only dilute the test.
///
/// Given arms by strata, the first part has mean 0, so the two are uncorrelated and their
/// statistics and degrees of freedom add. Where the plan lets shares differ between strata,
/// use [`omnibus_within_strata`].
///
/// *Formula* — T_k = Σ_s Σ_{i in arm k} (x_i − x̄_s) for all arms but one, stacked;
/// Cov(T_j, T_k) = Σ_s n_sj(δ_jk − n_sk/n_s)·S_s, S_s the covariance matrix of x in
/// stratum s with divisor n_s − 1; d² = T'Cov⁺T, df = rank. For the shares the same with one
/// stratum and dummies is (N − 1)/N times Pearson's χ² of arms by strata, df (S − 1)(K − 1).
///
/// *Assumes* — customers randomised one by one within strata; d² near χ² needs some
/// dozens of customers an arm.
///
/// *Source* — Hansen & Bowers (2008), Covariate balance in simple, stratified and clustered
/// comparative studies, Statistical Science 23, eq. 8, with their harmonic weights; more
/// than two arms by the multivariate hypergeometric covariance.
///
/// `None` where nothing varies that could be out of balance, with fewer than two arms, or
/// where sums exceed 127 bits (every estimator then refuses with the reason).
pub fn omnibus(table: &ContactTable) -> Option<Omnibus> {
    let sums = Sums::new(table)?;
    combine([sums.within(), sums.shares()])
}

/// d² of the count before within strata only; else as [`omnibus`].
pub fn omnibus_within_strata(table: &ContactTable) -> Option<Omnibus> {
    combine([Sums::new(table)?.within(), None])
}

fn combine(parts: [Option<(f64, usize)>; 2]) -> Option<Omnibus> {
    let (statistic, df) = parts
        .into_iter()
        .flatten()
        .fold((0.0, 0), |(a, b), (d2, df)| (a + d2, b + df));
    (df > 0).then(|| Omnibus {
        statistic,
        df: df as f64,
        p_value: chi_squared_sf(statistic, df as f64),
    })
}

/// Sums of one arm in one stratum; x is 0 where there is no value before.
#[derive(Debug, Clone, Copy, Default)]
struct Group {
    n: u64,
    missing: u64,
    x: i128,
    xx: i128,
}

impl Group {
    fn plus(self, o: Group) -> Option<Group> {
        Some(Group {
            n: self.n.checked_add(o.n)?,
            missing: self.missing.checked_add(o.missing)?,
            x: self.x.checked_add(o.x)?,
            xx: self.xx.checked_add(o.xx)?,
        })
    }
}

/// Sums by stratum and arm; arms and strata without a customer left out.
struct Sums(Vec<Vec<Group>>);

impl Sums {
    fn new(table: &ContactTable) -> Option<Sums> {
        let arms = table.arms().len();
        let mut by = vec![vec![Group::default(); arms]; table.strata().len()];
        for c in table.cells() {
            let w = i128::from(c.customers);
            let x = i128::from(c.before.unwrap_or(0));
            let group = &mut by[c.stratum.0 as usize][usize::from(c.arm.0)];
            *group = group.plus(Group {
                n: c.customers,
                missing: if c.before.is_none() { c.customers } else { 0 },
                x: x.checked_mul(w)?,
                xx: x.checked_mul(x)?.checked_mul(w)?,
            })?;
        }
        by.retain(|row| row.iter().any(|g| g.n > 0));
        let used: Vec<bool> = (0..arms)
            .map(|k| by.iter().any(|row| row[k].n > 0))
            .collect();
        for row in &mut by {
            let mut keep = used.iter();
            row.retain(|_| keep.next() == Some(&true));
        }
        let enough = used.iter().filter(|&&u| u).count() >= 2;
        enough.then_some(Sums(by))
    }

    /// d² and df of the value before and its absence, within strata.
    fn within(&self) -> Option<(f64, usize)> {
        let contrasts = self.0.first()?.len() - 1;
        // Entry 2k is the value before in arm k, 2k + 1 its absence.
        let mut t = DVector::zeros(2 * contrasts);
        let mut cov = DMatrix::zeros(2 * contrasts, 2 * contrasts);
        for row in &self.0 {
            let all = row
                .iter()
                .try_fold(Group::default(), |sum, &g| sum.plus(g))?;
            if all.n < 2 {
                continue;
            }
            let (n, missing) = (all.n as f64, i128::from(all.missing));
            let centred = |a, b, ab| Moments::centred(all.n, a, b, ab) / (n - 1.0);
            let s_xx = centred(all.x, all.x, all.xx);
            // x is 0 where it is missing, so the sum of products is 0.
            let s_xm = centred(all.x, missing, 0);
            let s_mm = centred(missing, missing, missing);
            for (j, g) in row.iter().take(contrasts).enumerate() {
                t[2 * j] += total_excess(g.n, g.x, all.n, all.x);
                t[2 * j + 1] += total_excess(g.n, i128::from(g.missing), all.n, missing);
                for (k, h) in row.iter().take(contrasts).enumerate() {
                    let same = if j == k { 1.0 } else { 0.0 };
                    let c = g.n as f64 * (same - h.n as f64 / n);
                    cov[(2 * j, 2 * k)] += c * s_xx;
                    cov[(2 * j, 2 * k + 1)] += c * s_xm;
                    cov[(2 * j + 1, 2 * k)] += c * s_xm;
                    cov[(2 * j + 1, 2 * k + 1)] += c * s_mm;
                }
            }
        }
        quadratic_form(&t, &cov)
    }

    /// d² and df of the strata's shares, unless those are exact quotas.
    fn shares(&self) -> Option<(f64, usize)> {
        let table: Vec<Vec<u64>> = self
            .0
            .iter()
            .map(|row| row.iter().map(|g| g.n).collect())
            .collect();
        if quotas(&table) {
            return None;
        }
        let pearson = srm::independence(&table)?;
        let n = table.iter().flatten().map(|&n| n as f64).sum::<f64>();
        Some((pearson.statistic * (n - 1.0) / n, pearson.df as usize))
    }
}

/// Σ over the arm of (x − x̄), exact but for the last division.
fn total_excess(n: u64, sum: i128, n_all: u64, sum_all: i128) -> f64 {
    let exact = i128::from(n_all)
        .checked_mul(sum)
        .zip(i128::from(n).checked_mul(sum_all))
        .and_then(|(a, b)| a.checked_sub(b));
    match exact {
        Some(e) => e as f64 / n_all as f64,
        None => sum as f64 - n as f64 * (sum_all as f64 / n_all as f64),
    }
}

/// Whether every count is within one customer of its expectation.
fn quotas(table: &[Vec<u64>]) -> bool {
    let arms = table.first().map_or(0, Vec::len);
    let by_arm: Vec<u128> = (0..arms)
        .map(|k| table.iter().map(|row| u128::from(row[k])).sum())
        .collect();
    let total: u128 = by_arm.iter().sum();
    table.iter().all(|row| {
        let in_row: u128 = row.iter().map(|&n| u128::from(n)).sum();
        row.iter().zip(&by_arm).all(|(&n, &in_arm)| {
            let expected = in_row as f64 * (in_arm as f64 / total as f64);
            (n as f64 - expected).abs() <= 1.0
        })
    })
}

/// t'C⁺t and the rank of C, after scaling C to ones on its diagonal.
fn quadratic_form(t: &DVector<f64>, cov: &DMatrix<f64>) -> Option<(f64, usize)> {
    let used: Vec<usize> = (0..t.len()).filter(|&i| cov[(i, i)] > 0.0).collect();
    if used.is_empty() {
        return None;
    }
    let scale: Vec<f64> = used.iter().map(|&i| cov[(i, i)].sqrt()).collect();
    let z = DVector::from_fn(used.len(), |i, _| t[used[i]] / scale[i]);
    let correlation = DMatrix::from_fn(used.len(), used.len(), |i, j| {
        cov[(used[i], used[j])] / scale[i] / scale[j]
    });
    let eigen = SymmetricEigen::new(correlation);
    let floor = RANK * eigen.eigenvalues.max();
    let mut d2 = 0.0;
    let mut rank = 0;
    for (i, &value) in eigen.eigenvalues.iter().enumerate() {
        if value > floor {
            d2 += eigen.eigenvectors.column(i).dot(&z).powi(2) / value;
            rank += 1;
        }
    }
    Some((d2, rank))
}
