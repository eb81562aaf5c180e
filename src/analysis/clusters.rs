//! Pilots that assigned whole clusters: what may be estimated, and when there are too few.

use crate::experiment::{Experiment, Outcome};
use crate::stats::bootstrap::bootstrap_of_clusters;
use crate::stats::cluster::{cluster, ratio_of_sums};
use crate::stats::permutation::permutation_of_clusters;
use crate::stats::resampling::{ClusterTotals, Size};
use crate::stats::{DetailValue, Estimate, Estimator, Refusal, Test};
use crate::table::{
    ArmId, ClusterRow, ClusterTable, Comparison, ContactTable, Decimals, OutcomeEvidence,
};
use crate::texts::text;

use super::family::Adjusted;
use super::model::{Skipped, Warning};
use super::run::draws;
use super::warnings::title;
use super::warnings::{Powers, too_skewed};

/// Below so many clusters in an arm the pilot has few: "few" starts at 20 to 50 for a plain cluster
/// sandwich (Cameron & Miller 2015, section VI); CR2 with its own degrees of freedom keeps its level
/// with about half of that, unless sizes differ much (Pustejovsky & Tipton 2018), which the
/// degrees of freedom show.
const FEW_CLUSTERS: u64 = 10;
/// Below so many degrees of freedom the t approximation itself is doubtful: under 4 or 5 it fails
/// (Tipton & Pustejovsky 2015); twice that leaves room for skewed counts.
const FEW_DF: f64 = 10.0;
/// √Σd⁶/(Σd²)^1.5 of clusters beyond which BCa is short. With 100 clusters an arm whose sizes vary by 70 %
/// it finds 6 % instead of 5 % and the measure is .03 to .06; 100 clusters of normal totals have .02.
const UNSURE_SKEWNESS: f64 = 0.025;

/// The clusters of an outcome in a clustered pilot; `None` where customers were assigned one by one.
#[derive(Debug, Clone, Copy)]
pub struct ByCluster<'a>(Option<&'a ClusterTable>);

impl<'a> ByCluster<'a> {
    /// Of an outcome under a cap.
    pub fn of(
        experiment: &Experiment,
        evidence: &'a OutcomeEvidence,
        cap: Option<u64>,
    ) -> Option<Self> {
        experiment.cluster_column()?;
        let table = evidence.clusters.as_ref().and_then(|c| c.under(cap));
        Some(ByCluster(table))
    }

    /// The table, where the evidence holds it.
    pub fn table(&self) -> Option<&'a ClusterTable> {
        self.0
    }

    /// Runs one of [`ESTIMATORS`].
    pub fn run(
        &self,
        experiment: &Experiment,
        outcome: &Outcome,
        estimator: Estimator,
        c: &Comparison<'_>,
        test: &Test,
    ) -> Result<Vec<Estimate>, Refusal> {
        let Some(table) = self.0 else {
            return Err(Refusal::new(text!("skipped.no-cluster-table")));
        };
        let arm = usize::from(c.treatment.arm.0);
        let units = (c.y_unit(), c.e_unit());
        let by = match c.constant_exposure() {
            Some(_) => Size::Customers,
            None => Size::Exposure,
        };
        let draws = draws(experiment, outcome, arm, estimator);
        match estimator {
            Estimator::Permutation => {
                let (draws, stream) = draws?;
                permutation_of_clusters(&totals(table, c), by, units, test, draws, &stream)
            }
            Estimator::Bootstrap => {
                let (draws, stream) = draws?;
                bootstrap_of_clusters(&totals(table, c), by, units, test, draws, &stream)
            }
            _ => cluster(c, table, test),
        }
    }
}

/// The clusters of both arms with an observed customer, as the units that are drawn.
fn totals(table: &ClusterTable, c: &Comparison<'_>) -> Vec<ClusterTotals> {
    let of = |arm: ArmId, treated: bool| {
        let rows = table.of_arm(arm).filter(|r| r.totals.n > 0);
        rows.map(move |r| ClusterTotals {
            treated,
            stratum: r.stratum.0,
            customers: r.totals.n,
            exposure: r.totals.e,
            y: r.totals.y,
            clusters: r.clusters,
        })
    };
    let control = of(c.control.arm, false);
    control.chain(of(c.treatment.arm, true)).collect()
}

impl ByCluster<'_> {
    /// Standard error of an arm's mean, or of its rate where exposure varies; `None` with fewer
    /// than two clusters.
    pub fn standard_error(&self, table: &ContactTable, arm: ArmId, varying: bool) -> Option<f64> {
        let d = table.decimals();
        let (y, e) = (Decimals::unit(d.after), Decimals::unit(d.exposure));
        let rows = self.0?.of_arm(arm).filter(|r| r.totals.n > 0);
        let pairs = rows.map(|r| {
            let over = match varying {
                true => r.totals.e as f64 * e,
                false => r.totals.n as f64,
            };
            (r.clusters, r.totals.y as f64 * y, over)
        });
        ratio_of_sums(pairs).map(|(_, variance)| variance.sqrt())
    }
}

/// Estimators that take whole clusters.
pub const ESTIMATORS: [Estimator; 3] = [
    Estimator::Permutation,
    Estimator::Bootstrap,
    Estimator::Cluster,
];

/// Estimators that would take the customers of a cluster for independent.
pub fn skipped(outcome: &Outcome) -> impl Iterator<Item = Skipped> + '_ {
    let others = Estimator::ALL.into_iter();
    others
        .filter(|e| !ESTIMATORS.contains(e))
        .map(|estimator| Skipped {
            outcome: outcome.name.clone(),
            estimator,
            arm: None,
            why: text!("skipped.ignores-clusters"),
        })
}

/// Whether an arm has few clusters for normal theory.
pub fn few(
    experiment: &Experiment,
    outcome: &Outcome,
    arm: usize,
    by_cluster: ByCluster<'_>,
    rows: &[Adjusted],
) -> Option<Warning> {
    let table = by_cluster.table()?;
    let arms = [experiment.control(), arm];
    let (fewest, least) = arms
        .map(|a| (table.clusters(ArmId(a as u16)), a))
        .into_iter()
        .min()?;
    let own = rows
        .iter()
        .find(|r| r.arm == arm && r.estimate.estimator == Estimator::Cluster);
    let df = own.and_then(|r| r.estimate.df);
    let name = |arm: usize| title(experiment, arm);
    let message = if fewest < FEW_CLUSTERS {
        text!(
            "warning.few-clusters",
            outcome = outcome.name,
            small = name(least),
            clusters = fewest,
            limit = FEW_CLUSTERS,
            arm = name(arm)
        )
    } else {
        let df = df.filter(|df| *df < FEW_DF)?;
        text!(
            "warning.few-clusters-uneven",
            outcome = outcome.name,
            clusters = format!("{:.0}", df + 2.0),
            arm = name(arm)
        )
    };
    Some(Warning::new("few-clusters", message))
}

/// Whether an arm's clusters are too few for how unevenly they differ.
///
/// *Formula* — as the warning of customers, of d = y − ȳn of each cluster: its customers' contacts
/// less as many as its arm's mean has them make.
pub fn skewed(
    experiment: &Experiment,
    outcome: &Outcome,
    arm: usize,
    by_cluster: ByCluster<'_>,
) -> Option<Warning> {
    let table = by_cluster.table()?;
    let powers = [experiment.control(), arm].map(|a| {
        let rows = || table.of_arm(ArmId(a as u16)).filter(|r| r.totals.n > 0);
        let sum =
            |of: fn(&ClusterRow) -> f64| -> f64 { rows().map(|r| r.clusters as f64 * of(r)).sum() };
        let mean = sum(|r| r.totals.y as f64) / sum(|r| r.totals.n as f64);
        let mut powers = Powers::default();
        for r in rows() {
            let d = r.totals.y as f64 - mean * r.totals.n as f64;
            powers.add(d, r.clusters as f64);
        }
        powers
    });
    too_skewed(&powers, UNSURE_SKEWNESS).then(|| {
        let (outcome, arm) = (&outcome.name, title(experiment, arm));
        let message = text!("warning.skewed-counts-clusters", outcome, arm);
        Warning::new("skewed-counts", message)
    })
}

/// Whether an estimate of whole clusters is adjusted for the before count.
pub fn is_adjusted(e: &Estimate) -> bool {
    matches!(e.detail.get("covariate"), Some(DetailValue::Text(how)) if how == "before")
}
