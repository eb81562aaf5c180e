//! Whole clusters as the units that are dealt again or drawn.

use crate::stats::estimate::Refusal;
use crate::texts::text;

/// Clusters of one arm and stratum that share all of their totals.
///
/// Fixed-point integers, as in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClusterTotals {
    /// Whether the clusters belong to the treatment arm.
    pub treated: bool,
    /// Stratum within which clusters were assigned.
    pub stratum: u32,
    /// Customers with an observed outcome in each of the clusters.
    pub customers: u64,
    /// Σ exposure over them.
    pub exposure: i128,
    /// Σ outcome over them.
    pub y: i128,
    /// Clusters that share this row.
    pub clusters: u64,
}

/// What a cluster's outcome is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Customers: means per customer.
    Customers,
    /// Exposure, where it varies: rates.
    Exposure,
}

impl ClusterTotals {
    /// The denominator.
    pub(crate) fn size(&self, by: Size) -> i128 {
        match by {
            Size::Customers => i128::from(self.customers),
            Size::Exposure => self.exposure,
        }
    }
}

/// Customers of all clusters.
pub(crate) fn customers(rows: &[ClusterTotals]) -> Result<u64, Refusal> {
    let of = |r: &ClusterTotals| r.customers.max(1).checked_mul(r.clusters);
    rows.iter()
        .try_fold(0u64, |sum, r| sum.checked_add(of(r)?))
        .ok_or_else(|| Refusal::new(text!("refusal-clusters.too-many-customers")))
}
