//! A cluster as the sums that its regression needs.

use crate::table::ClusterTotals;

/// Clusters that are alike, each as its sums over customers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Unit {
    pub treated: bool,
    /// Number of the stratum.
    pub stratum: usize,
    /// How many clusters these are.
    pub clusters: u64,
    /// Customers of all of them.
    pub customers: u64,
    /// Customers of each.
    pub size: u64,
    /// Σ 1, or Σ e.
    pub weight: f64,
    /// Σ y.
    pub y: f64,
    /// Σ x, x 0 where there is none.
    pub x: f64,
    /// Customers without x.
    pub without: f64,
    /// Σ x².
    pub xx: f64,
    /// Σ x·y.
    pub xy: f64,
    /// Σ y over those without x.
    pub y_without: f64,
}

impl Unit {
    /// A cluster without a covariate.
    pub fn plain(weight: f64, y: f64) -> Option<Self> {
        Some(Unit {
            treated: false,
            stratum: 0,
            clusters: 0,
            customers: 0,
            size: 0,
            weight,
            y,
            x: 0.0,
            without: 0.0,
            xx: 0.0,
            xy: 0.0,
            y_without: 0.0,
        })
    }

    /// A cluster with its before values less `x0` and outcomes less `y0`, exactly; `None` beyond 127 bits.
    pub fn shifted(t: &ClusterTotals, x0: i128, y0: i128) -> Option<Self> {
        let (n, with) = (i128::from(t.n), i128::from(t.with_before));
        let less = |sum: i128, times: i128, base: i128| sum.checked_sub(times.checked_mul(base)?);
        let y = less(t.y, n, y0)?;
        let y_with = less(t.y_with_before, with, y0)?;
        let x = less(t.x, with, x0)?;
        // Σ(x − x₀)² = Σx² − x₀Σx − x₀Σ(x − x₀), and so Σ(x − x₀)(y − y₀).
        let xx = less(less(t.xx, t.x, x0)?, x, x0)?;
        let xy = less(less(t.xy, t.x, y0)?, y_with, x0)?;
        Some(Unit {
            x: x as f64,
            without: (n - with) as f64,
            xx: xx as f64,
            xy: xy as f64,
            y_without: y.checked_sub(y_with)? as f64,
            ..Unit::plain(n as f64, y as f64)?
        })
    }
}
