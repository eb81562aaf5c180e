//! Totals of whole clusters, for pilots that assign branches, agents or households.

use std::collections::BTreeMap;

use crate::error::{Error, Result};

use super::cells::{ArmId, ContactTable, StratumId};
use super::moments::Moments;

/// Exact sums over the customers of one cluster, fixed-point as in the outcome's table.
///
/// A cluster's Gram matrix of (1, before, before unknown) and its products with the outcome
/// come from these, whatever the number of its customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ClusterTotals {
    /// Customers with an observed outcome.
    pub n: u64,
    /// Customers whose outcome was not observed; they are in no sum.
    pub missing: u64,
    /// Σ e, exposure.
    pub e: i128,
    /// Σ y.
    pub y: i128,
    /// Observed customers who also have a before value.
    pub with_before: u64,
    /// Σ x over those.
    pub x: i128,
    /// Σ y over those.
    pub y_with_before: i128,
    /// Σ x² over those.
    pub xx: i128,
    /// Σ x·y over those.
    pub xy: i128,
}

impl ClusterTotals {
    /// Adds customers of the cluster who share a row: exposure, before and after.
    ///
    /// # Errors
    /// A sum that does not fit 127 bits.
    pub fn add(
        &mut self,
        customers: u64,
        exposure: i64,
        before: Option<i64>,
        after: Option<i64>,
    ) -> Result<()> {
        let Some(y) = after else {
            self.missing += customers;
            return Ok(());
        };
        let plus = |sum: &mut i128, a: i64, b: i64| -> Result<()> {
            let term = (i128::from(a) * i128::from(b))
                .checked_mul(i128::from(customers))
                .ok_or_else(overflow)?;
            *sum = sum.checked_add(term).ok_or_else(overflow)?;
            Ok(())
        };
        self.n += customers;
        plus(&mut self.e, exposure, 1)?;
        plus(&mut self.y, y, 1)?;
        if let Some(x) = before {
            self.with_before += customers;
            plus(&mut self.x, x, 1)?;
            plus(&mut self.y_with_before, y, 1)?;
            plus(&mut self.xx, x, x)?;
            plus(&mut self.xy, x, y)?;
        }
        Ok(())
    }

    /// Adds the totals of `times` clusters like `o`; `None` beyond 127 bits.
    fn plus(&mut self, o: &ClusterTotals, times: u64) -> Option<()> {
        let count = |a: &mut u64, b: u64| -> Option<()> {
            *a = a.checked_add(b.checked_mul(times)?)?;
            Some(())
        };
        let sum = |a: &mut i128, b: i128| -> Option<()> {
            *a = a.checked_add(b.checked_mul(i128::from(times))?)?;
            Some(())
        };
        count(&mut self.n, o.n)?;
        count(&mut self.missing, o.missing)?;
        count(&mut self.with_before, o.with_before)?;
        sum(&mut self.e, o.e)?;
        sum(&mut self.y, o.y)?;
        sum(&mut self.x, o.x)?;
        sum(&mut self.y_with_before, o.y_with_before)?;
        sum(&mut self.xx, o.xx)?;
        sum(&mut self.xy, o.xy)
    }

    /// The sums of customers that were not told apart by cluster.
    fn of(m: &Moments) -> Self {
        ClusterTotals {
            n: m.n,
            missing: m.missing,
            e: m.e,
            y: m.y,
            with_before: m.paired.n,
            x: m.paired.x,
            y_with_before: m.paired.y,
            xx: m.paired.xx,
            xy: m.paired.xy,
        }
    }
}

fn overflow() -> Error {
    Error::data("the sum of squares of a cluster exceeds 127 bits")
        .hint("give the outcome in a larger unit (for example minutes for seconds), or cap it in the plan")
}

/// Clusters of one arm and stratum that have the same totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClusterRow {
    /// Arm to which the clusters were assigned.
    pub arm: ArmId,
    /// Stratum within which they were assigned.
    pub stratum: StratumId,
    /// What each of them adds up to.
    pub totals: ClusterTotals,
    /// How many they are.
    pub clusters: u64,
}

/// The clusters of one outcome: distinct totals, sorted, each with its number of clusters.
///
/// No cluster is named: who has these totals cannot be told from the table alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterTable {
    rows: Vec<ClusterRow>,
}

impl ClusterTable {
    /// A table from rows in any order; rows with the same totals are added up.
    ///
    /// `table` holds the same customers by cell, so arms, strata and decimals are its own.
    ///
    /// # Errors
    /// An arm or stratum that `table` does not have, a cluster without a customer or with more
    /// before values than customers, or clusters whose sums are not those of the cells.
    pub fn new(table: &ContactTable, mut rows: Vec<ClusterRow>) -> Result<Self> {
        rows.retain(|r| r.clusters > 0);
        rows.sort_unstable();
        let mut merged: Vec<ClusterRow> = Vec::with_capacity(rows.len());
        for row in rows {
            if usize::from(row.arm.0) >= table.arms().len()
                || row.stratum.0 as usize >= table.strata().len()
            {
                return Err(Error::internal(
                    "a cluster names an arm or stratum that does not exist",
                ));
            }
            let t = &row.totals;
            if t.n.checked_add(t.missing).is_none_or(|all| all == 0) || t.with_before > t.n {
                return Err(Error::data("a cluster's numbers of customers contradict each other")
                    .hint("every cluster has a customer, and at most as many before values as customers"));
            }
            match merged.last_mut() {
                Some(last)
                    if (last.arm, last.stratum, last.totals)
                        == (row.arm, row.stratum, row.totals) =>
                {
                    last.clusters = last
                        .clusters
                        .checked_add(row.clusters)
                        .ok_or_else(|| Error::data("more clusters than a 64-bit count holds"))?;
                }
                _ => merged.push(row),
            }
        }
        let mut sums: BTreeMap<(ArmId, StratumId), ClusterTotals> = BTreeMap::new();
        for row in &merged {
            sums.entry((row.arm, row.stratum))
                .or_default()
                .plus(&row.totals, row.clusters)
                .ok_or_else(overflow)?;
        }
        let mut cells: BTreeMap<(ArmId, StratumId), Moments> = BTreeMap::new();
        for cell in table.cells() {
            cells
                .entry((cell.arm, cell.stratum))
                .or_default()
                .add(cell)?;
        }
        let of_cells = cells.iter().map(|(k, m)| (*k, ClusterTotals::of(m)));
        if !sums.into_iter().eq(of_cells) {
            return Err(
                Error::data("the clusters do not add up to the customers of the cells")
                    .hint("every customer belongs to one cluster, and clusters and cells are of the same data"),
            );
        }
        Ok(ClusterTable { rows: merged })
    }

    /// The rows, sorted, each total once an arm and stratum.
    pub fn rows(&self) -> &[ClusterRow] {
        &self.rows
    }

    /// Rows of an arm.
    pub fn of_arm(&self, arm: ArmId) -> impl Iterator<Item = &ClusterRow> + Clone {
        self.rows.iter().filter(move |r| r.arm == arm)
    }

    /// Clusters of an arm, observed or not.
    pub fn clusters(&self, arm: ArmId) -> u64 {
        self.of_arm(arm).map(|r| r.clusters).sum()
    }
}

/// The clusters of an outcome as they are, and with the plan's cap, which holds for customers and
/// so cannot be applied to a cluster's sums later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clusters {
    /// Of the outcome as it is.
    pub uncapped: ClusterTable,
    /// The cap of the plan that was scanned, and the clusters under it.
    pub capped: Option<(u64, ClusterTable)>,
}

impl Clusters {
    /// The clusters under a cap; `None` where another cap was scanned.
    pub fn under(&self, cap: Option<u64>) -> Option<&ClusterTable> {
        match (cap, &self.capped) {
            (None, _) => Some(&self.uncapped),
            (Some(cap), Some((scanned, table))) if cap == *scanned => Some(table),
            (Some(_), _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::cells::{Cell, Decimals, ExposureUnit, Strata};
    use super::*;

    fn table(cells: &[(u16, Option<i64>, Option<i64>, u64)]) -> ContactTable {
        let cells = cells
            .iter()
            .map(|&(arm, before, after, customers)| Cell {
                arm: ArmId(arm),
                stratum: StratumId(0),
                exposure: 30,
                before_exposure: 0,
                before,
                after,
                uptake: None,
                customers,
            })
            .collect();
        ContactTable::new(
            vec!["control".into(), "treatment".into()],
            Strata::none(),
            ExposureUnit::Day,
            Decimals::default(),
            cells,
        )
        .unwrap()
    }

    fn row(arm: u16, customers: &[(Option<i64>, Option<i64>)], clusters: u64) -> ClusterRow {
        let mut totals = ClusterTotals::default();
        for (before, after) in customers {
            totals.add(1, 30, *before, *after).unwrap();
        }
        ClusterRow {
            arm: ArmId(arm),
            stratum: StratumId(0),
            totals,
            clusters,
        }
    }

    #[test]
    fn equal_clusters_are_one_row_and_order_does_not_matter() {
        let table = table(&[
            (0, Some(1), Some(2), 4),
            (0, None, Some(0), 2),
            (1, None, None, 1),
            (1, Some(3), Some(5), 1),
        ]);
        let pair = |n| row(0, &[(Some(1), Some(2)), (Some(1), Some(2))], n);
        let rest = [
            row(0, &[(None, Some(0)), (None, Some(0))], 1),
            row(1, &[(None, None), (Some(3), Some(5))], 1),
        ];
        let a = ClusterTable::new(&table, vec![pair(1), rest[0], rest[1], pair(1)]).unwrap();
        let b = ClusterTable::new(&table, vec![rest[1], pair(2), rest[0]]).unwrap();
        assert_eq!(a, b);
        assert_eq!(a.rows().len(), 3);
        assert_eq!((a.clusters(ArmId(0)), a.clusters(ArmId(1))), (3, 1));
    }

    #[test]
    fn clusters_are_of_the_same_customers_as_the_cells() {
        let table = table(&[(0, None, Some(2), 2), (1, None, Some(1), 1)]);
        let sound = [
            row(0, &[(None, Some(2)), (None, Some(2))], 1),
            row(1, &[(None, Some(1))], 1),
        ];
        assert!(ClusterTable::new(&table, sound.to_vec()).is_ok());
        let mut other_sum = sound;
        other_sum[1].totals.y = 2;
        let mut no_customer = sound;
        no_customer[1].totals = ClusterTotals::default();
        let mut other_arm = sound;
        other_arm[1].arm = ArmId(2);
        let mut too_many = sound;
        too_many[0].totals.with_before = 3;
        for rows in [other_sum, no_customer, other_arm, too_many] {
            assert!(ClusterTable::new(&table, rows.to_vec()).is_err());
        }
        assert!(ClusterTable::new(&table, sound[..1].to_vec()).is_err());
    }
}
