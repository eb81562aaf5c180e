//! The same test where whole clusters were assigned.

use std::collections::BTreeMap;

use nalgebra::{DMatrix, DVector};

use crate::table::{ArmId, ClusterRow, ClusterTable, StratumId};

use super::{Omnibus, combine, quadratic_form, quotas};
use crate::stats::srm;

/// What is compared of a cluster.
const COVARIATES: usize = 3;

/// Deviations from a mean of up to millions of clusters lose a few of 16 digits.
const ROUNDING: f64 = 1e-12;

type Values = [f64; COVARIATES];

/// d² over all arms, with clusters as what was assigned.
///
/// Of each cluster: its number of observed customers n_g, its before counts beyond those expected of
/// so many customers, X_g − x̄ n_g (x is 0 where there is none), and so the customers without a
/// before count. These are compared within strata; the strata's shares of clusters are too, unless
/// they are exact quotas.
///
/// *Formula* — as [`super::omnibus`], customers replaced by clusters and x by these values: the
/// randomisation distribution of cluster totals.
///
/// *Assumes* — clusters randomised one by one within strata; some dozens of clusters an arm.
///
/// *Source* — Hansen & Bowers (2008), Statistical Science 23, section 3: cluster totals, with the
/// clusters' sizes among the covariates.
///
/// `None` where nothing varies that could be out of balance, or with fewer than two arms.
pub fn omnibus_of_clusters(table: &ClusterTable) -> Option<Omnibus> {
    let mut all = [0i128; COVARIATES];
    for r in table.rows() {
        for (sum, value) in all.iter_mut().zip(totals(r)) {
            *sum = sum.checked_add(value.checked_mul(i128::from(r.clusters))?)?;
        }
    }
    let arms: Vec<ArmId> = {
        let mut arms: Vec<ArmId> = table.rows().iter().map(|r| r.arm).collect();
        arms.dedup();
        arms
    };
    if arms.len() < 2 {
        return None;
    }
    let mut strata: BTreeMap<StratumId, Stratum> = BTreeMap::new();
    for r in table.rows() {
        let own = totals(r);
        let values = [
            own[0] as f64,
            beyond(own[1], own[0], all[1], all[0]),
            beyond(own[2], own[0], all[2], all[0]),
        ];
        let arm = arms.iter().position(|a| *a == r.arm).unwrap_or(0);
        strata
            .entry(r.stratum)
            .or_insert_with(|| Stratum(vec![Vec::new(); arms.len()]))
            .0[arm]
            .push((r.clusters, values));
    }
    combine([within(&strata, arms.len() - 1), shares(&strata)])
}

/// Customers, Σx and customers without x of a cluster.
fn totals(r: &ClusterRow) -> [i128; COVARIATES] {
    let t = &r.totals;
    [i128::from(t.n), t.x, i128::from(t.n - t.with_before)]
}

/// A cluster's sum beyond that of as many average customers, exact but for the last division.
fn beyond(sum: i128, n: i128, all: i128, customers: i128) -> f64 {
    let customers = customers.max(1);
    let exact = customers
        .checked_mul(sum)
        .zip(n.checked_mul(all))
        .and_then(|(a, b)| a.checked_sub(b));
    match exact {
        Some(exact) => exact as f64 / customers as f64,
        None => sum as f64 - n as f64 * (all as f64 / customers as f64),
    }
}

/// Clusters by arm: how many have which values.
struct Stratum(Vec<Vec<(u64, Values)>>);

impl Stratum {
    fn clusters(&self, arm: usize) -> u64 {
        self.0[arm].iter().map(|(k, _)| k).sum()
    }

    fn all(&self) -> impl Iterator<Item = &(u64, Values)> {
        self.0.iter().flatten()
    }
}

fn within(strata: &BTreeMap<StratumId, Stratum>, contrasts: usize) -> Option<(f64, usize)> {
    let mut t = DVector::zeros(COVARIATES * contrasts);
    let mut cov = DMatrix::zeros(COVARIATES * contrasts, COVARIATES * contrasts);
    for s in strata.values() {
        let clusters: f64 = s.all().map(|(k, _)| *k as f64).sum();
        if clusters < 2.0 {
            continue;
        }
        let (mut means, mut sizes) = ([0.0; COVARIATES], [0f64; COVARIATES]);
        for (k, v) in s.all() {
            for i in 0..COVARIATES {
                means[i] += *k as f64 * v[i] / clusters;
                sizes[i] = sizes[i].max(v[i].abs());
            }
        }
        // A deviation within the rounding of its parts is none.
        let deviation = |v: &Values, i: usize| {
            let d = v[i] - means[i];
            if d.abs() <= ROUNDING * sizes[i] {
                0.0
            } else {
                d
            }
        };
        let mut spread = [[0.0; COVARIATES]; COVARIATES];
        for (k, v) in s.all() {
            for (i, row) in spread.iter_mut().enumerate() {
                for (j, sum) in row.iter_mut().enumerate() {
                    let product = deviation(v, i) * deviation(v, j);
                    *sum += *k as f64 * product / (clusters - 1.0);
                }
            }
        }
        for a in 0..contrasts {
            for (k, v) in &s.0[a] {
                for i in 0..COVARIATES {
                    t[COVARIATES * a + i] += *k as f64 * deviation(v, i);
                }
            }
            for b in 0..contrasts {
                let same = if a == b { 1.0 } else { 0.0 };
                let (n, m) = (s.clusters(a) as f64, s.clusters(b) as f64);
                let factor = n * (same - m / clusters);
                for i in 0..COVARIATES {
                    for j in 0..COVARIATES {
                        cov[(COVARIATES * a + i, COVARIATES * b + j)] += factor * spread[i][j];
                    }
                }
            }
        }
    }
    quadratic_form(&t, &cov)
}

fn shares(strata: &BTreeMap<StratumId, Stratum>) -> Option<(f64, usize)> {
    let rows = strata.values();
    let table: Vec<Vec<u64>> = rows
        .map(|s| (0..s.0.len()).map(|arm| s.clusters(arm)).collect())
        .collect();
    if quotas(&table) {
        return None;
    }
    let pearson = srm::independence(&table)?;
    let n = table.iter().flatten().map(|&n| n as f64).sum::<f64>();
    Some((pearson.statistic * (n - 1.0) / n, pearson.df as usize))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Cell, ClusterTotals, ContactTable, Decimals, ExposureUnit, Strata};

    /// Sums of 20 products in double precision.
    const EXACT: f64 = 1e-10;

    /// Clusters as (size, Σx, without x), in an arm each.
    fn table(clusters: &[(u64, i64, u64)], arms: &[u16]) -> ClusterTable {
        let mut cells = Vec::new();
        let mut rows = Vec::new();
        for (&(n, x, without), &arm) in clusters.iter().zip(arms) {
            let mut totals = ClusterTotals::default();
            let mut add = |customers, before: Option<i64>| {
                totals.add(customers, 1, before, Some(0)).unwrap();
                cells.push(Cell {
                    arm: ArmId(arm),
                    stratum: StratumId(0),
                    exposure: 1,
                    before_exposure: 0,
                    before,
                    after: Some(0),
                    uptake: None,
                    customers,
                });
            };
            add(without, None);
            if n > without {
                add(n - without - 1, Some(0));
                add(1, Some(x));
            }
            rows.push(ClusterRow {
                arm: ArmId(arm),
                stratum: StratumId(0),
                totals,
                clusters: 1,
            });
        }
        let cells = ContactTable::new(
            vec!["control".into(), "treatment".into()],
            Strata::none(),
            ExposureUnit::Window,
            Decimals::default(),
            cells,
        );
        ClusterTable::new(&cells.unwrap(), rows).unwrap()
    }

    /// Over all assignments, E d² is the number of independent covariates.
    #[test]
    fn the_mean_over_all_assignments_is_the_degrees_of_freedom() {
        let clusters = [
            (3, 4, 0),
            (9, 2, 1),
            (5, 8, 0),
            (2, 0, 2),
            (7, 7, 3),
            (4, 1, 0),
        ];
        let (mut sum, mut assignments, mut df) = (0.0, 0.0, 0.0);
        for bits in 0u32..64 {
            if bits.count_ones() != 3 {
                continue;
            }
            let arms: Vec<u16> = (0..6).map(|i| (bits >> i & 1) as u16).collect();
            let d2 = omnibus_of_clusters(&table(&clusters, &arms)).unwrap();
            (sum, assignments, df) = (sum + d2.statistic, assignments + 1.0, d2.df);
        }
        assert_eq!((assignments, df), (20.0, 3.0));
        assert!((sum / assignments / df - 1.0).abs() < EXACT);
    }

    #[test]
    fn what_does_not_vary_is_not_tested() {
        let same = [(3, 1, 0); 4];
        assert_eq!(omnibus_of_clusters(&table(&same, &[0, 1, 0, 1])), None);
        let sizes = [(3, 3, 0), (6, 6, 0), (9, 9, 0), (12, 12, 0)];
        let found = omnibus_of_clusters(&table(&sizes, &[0, 1, 1, 0])).unwrap();
        assert_eq!(found.df, 1.0);
        assert_eq!(omnibus_of_clusters(&table(&sizes, &[0, 0, 0, 0])), None);
    }
}
