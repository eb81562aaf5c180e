//! The bootstrap of pilots that assign whole clusters.

use crate::stats::estimate::{Detail, Estimate, Refusal, Test};
use crate::stats::random::Stream;
use crate::stats::resampling::{ClusterTotals, Size, customers};
use crate::texts::text;

use super::pools::{Measure, Pools, Row};
use super::{count, estimates};

/// Bootstrap of whole clusters: difference and ratio of two arms.
///
/// *Formula* — clusters are drawn with replacement within arm × stratum, as many
/// as there are; a draw's denominator is that of the clusters drawn. Per customer
/// μ_a = Σ_s (N_s/N) (Σ_g Y_g/Σ_g n_g), over the customers N_s of both arms; where
/// exposure varies μ_a = Σ Y_g/Σ E_g. Intervals, errors and `detail` as in
/// [`super::bootstrap`], the jackknife leaving out one cluster.
///
/// *Units* — `y_unit` and `e_unit` are the factors from fixed-point sums to values.
///
/// *Assumes* — independent clusters, and enough of them: with fewer than about
/// ten in an arm the interval is too short. Per customer, strata with fewer than
/// two clusters in an arm are dropped.
///
/// # Errors
/// As [`super::bootstrap`], of clusters.
///
/// *Source* — Davison & Hinkley (1997), §3.8 (resampling whole clusters); Field, C.
/// and Welsh, A. (2007), JRSS B 69, 369-390.
pub fn bootstrap_of_clusters(
    rows: &[ClusterTotals],
    by: Size,
    (y_unit, e_unit): (f64, f64),
    test: &Test,
    draws: u32,
    stream: &Stream,
) -> Result<Vec<Estimate>, Refusal> {
    customers(rows)?;
    let row = |r: &ClusterTotals| -> Row {
        let arm = usize::from(r.treated);
        (r.stratum, arm, r.y, r.size(by), r.clusters, r.customers)
    };
    let (measure, unit) = match by {
        Size::Customers => (Measure::Weighted, y_unit),
        Size::Exposure => (Measure::Pooled, y_unit / e_unit),
    };
    let rows = rows.iter().filter(|r| r.clusters > 0).map(row).collect();
    let few = || text!("refusal-draws.few-clusters");
    let pools = Pools::new(rows, measure, unit, few)?;
    let undefined = |treatment: f64, control: f64| {
        if control <= 0.0 {
            Some(text!("refusal-draws.ratio-control"))
        } else {
            (treatment <= 0.0).then(|| text!("refusal-draws.ratio-treatment"))
        }
    };
    let mut found = estimates(&pools, test, draws, stream, Detail::new(), undefined)?;
    for estimate in &mut found {
        let detail = &mut estimate.detail;
        count(detail, "clusters_treatment", pools.units.0);
        count(detail, "clusters_control", pools.units.1);
        count(detail, "strata", pools.strata);
        count(detail, "strata_dropped", pools.dropped);
    }
    Ok(found)
}
