//! Customers who come in clusters: branches, agents, households.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::stats::random::Generator;
use crate::table::{ClusterTable, StratumId};

use super::population::Population;
use super::profiles::{Group, Known, expected};

/// How customers are spread over clusters, and how much those of a cluster have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClusterLaw {
    /// Correlation of the counts of two customers of a cluster.
    pub icc: f64,
    /// Mean customers in a cluster.
    pub size: f64,
    /// Coefficient of variation of the clusters' sizes, which are gamma distributed and at least 1.
    pub size_cv: f64,
}

/// Clusters of a population.
#[derive(Debug, Clone)]
pub(super) struct Clustering {
    /// τ²: variance of the factor of mean 1 that the rates of a cluster's customers share.
    pub spread: f64,
    /// V: squared coefficient of variation of rates in all.
    pub whole: f64,
    /// One a stratum, in the order of the strata.
    pub sizes: Vec<Sizes>,
}

/// Sizes of the clusters of a stratum.
#[derive(Debug, Clone)]
pub(super) enum Sizes {
    /// Gamma distributed: mean and coefficient of variation.
    Gamma(f64, f64),
    /// The pilot's own: distinct sizes, and clusters up to and with each.
    Own(Vec<u64>, Vec<u64>),
}

impl Sizes {
    fn mean(&self) -> f64 {
        match self {
            Sizes::Gamma(mean, _) => *mean,
            Sizes::Own(sizes, upto) => {
                let mut before = 0;
                let mut customers = 0.0;
                for (size, upto) in sizes.iter().zip(upto) {
                    customers += *size as f64 * (upto - before) as f64;
                    before = *upto;
                }
                customers / before as f64
            }
        }
    }

    /// How many clusters have about so many customers; at least one where there is a customer.
    pub fn number(&self, customers: u64) -> u64 {
        let number = (customers as f64 / self.mean()).round() as u64;
        number.max(customers.min(1))
    }

    /// One cluster's size.
    pub fn draw(&self, g: &mut Generator) -> u64 {
        match self {
            Sizes::Gamma(mean, cv) if *cv > 0.0 => {
                let shape = 1.0 / (cv * cv);
                ((g.gamma(shape) * mean / shape).round() as u64).max(1)
            }
            Sizes::Gamma(mean, _) => (mean.round() as u64).max(1),
            Sizes::Own(sizes, upto) => {
                let place = g.below(upto.last().copied().unwrap_or(1));
                let i = upto.partition_point(|upto| *upto <= place);
                sizes[i.min(sizes.len() - 1)]
            }
        }
    }
}

impl Population {
    /// The same customers in clusters that differ: all rates of a cluster share a gamma factor of mean 1.
    ///
    /// *Formula* — customers' own rates are drawn together towards their mean so that, with the
    /// factor, mean and variance of counts are as they were: (1 + τ²)(1 + v) = 1 + V, V and v the
    /// squared coefficients of variation of rates with and without the factor. τ² =
    /// ICC·(1/μ + V): the covariance τ²μ² of two customers over the variance μ + Vμ² of a count.
    ///
    /// *Assumes* — a cluster's factor lasts from before to after, and has nothing to do with its size.
    ///
    /// # Errors
    /// An intraclass correlation outside 0 to 1, or more than rates differ; a size below 1.
    pub fn in_clusters(self, law: &ClusterLaw) -> Result<Self> {
        let wrong = |what: &str, key: &str| Error::usage(what.to_string()).key(key.to_string());
        if !(law.size >= 1.0 && law.size <= 1e9) {
            return Err(wrong(
                "a cluster has at least one customer",
                "--cluster-size",
            ));
        }
        if !(law.size_cv >= 0.0 && law.size_cv <= 10.0) {
            return Err(wrong(
                "the variation of the clusters' sizes is from 0 to 10",
                "--cluster-cv",
            ));
        }
        let sizes = vec![Sizes::Gamma(law.size, law.size_cv); self.groups.len()];
        let shared = self.shared_by(law.icc)?;
        self.clustered(shared, sizes)
    }

    /// The same customers in clusters as large as the pilot's own, drawn with replacement in each
    /// stratum; without `icc` they differ as their counts before say.
    ///
    /// # Errors
    /// As [`Population::in_clusters`]; no count before by cluster and no `icc`.
    pub fn in_clusters_of(self, clusters: &ClusterTable, icc: Option<f64>) -> Result<Self> {
        let shared = match icc {
            Some(icc) => self.shared_by(icc)?,
            None => {
                let seen = between(clusters).ok_or_else(|| {
                    Error::data("the clusters' counts before do not tell how much they differ")
                        .key("--icc")
                        .hint("--icc says how alike the customers of a cluster are, for example --icc 0.05")
                })?;
                seen.min(self.moments()?.1)
            }
        };
        let mut sizes: BTreeMap<StratumId, BTreeMap<u64, u64>> = BTreeMap::new();
        for row in clusters.rows() {
            let size = row.totals.n + row.totals.missing;
            let of = sizes.entry(row.stratum).or_default();
            *of.entry(size).or_default() += row.clusters;
        }
        let own = (0..self.groups.len()).map(|s| {
            let of = sizes.get(&StratumId(s as u32));
            let mut sum = 0;
            let (sizes, upto): (Vec<u64>, Vec<u64>) = of
                .into_iter()
                .flatten()
                .map(|(size, clusters)| {
                    sum += clusters;
                    (*size, sum)
                })
                .unzip();
            match sizes.is_empty() && self.groups[s].customers > 0 {
                true => Err(Error::data("a stratum has no cluster to draw from")),
                // Of an empty stratum no cluster is drawn.
                false if sizes.is_empty() => Ok(Sizes::Gamma(1.0, 0.0)),
                false => Ok(Sizes::Own(sizes, upto)),
            }
        });
        let own = own.collect::<Result<Vec<Sizes>>>()?;
        self.clustered(shared, own)
    }

    /// Correlation of the counts after of two customers of a cluster; `None` where none are clustered.
    pub fn icc(&self) -> Option<f64> {
        let clusters = self.clusters.as_ref()?;
        Some(clusters.spread / (1.0 / self.means().0 + clusters.whole))
    }

    /// τ² of an intraclass correlation.
    fn shared_by(&self, icc: f64) -> Result<f64> {
        if !(0.0..1.0).contains(&icc) {
            return Err(
                Error::usage("the correlation within clusters is from 0 to below 1").key("--icc"),
            );
        }
        let (mean, spread) = self.moments()?;
        let shared = icc * (1.0 / mean + spread);
        if shared > spread {
            return Err(Error::usage(format!(
                "customers differ too little (dispersion {spread:.3}) for a correlation of {icc} within clusters: at most {:.3}",
                spread / (1.0 / mean + spread)
            ))
            .key("--icc"));
        }
        Ok(shared)
    }

    fn clustered(mut self, shared: f64, sizes: Vec<Sizes>) -> Result<Self> {
        let spread = self.moments()?.1;
        let own = |whole: f64| ((1.0 + whole) / (1.0 + shared) - 1.0).max(0.0);
        // What lasted of the whole spread still does, the factor first.
        let lasts = |share: f64, whole: f64| match own(whole) > 0.0 {
            true => (own(share * whole) / own(whole)).clamp(0.0, 1.0),
            false => 1.0,
        };
        let shrink = if spread > 0.0 {
            (own(spread) / spread).sqrt()
        } else {
            1.0
        };
        for group in &mut self.groups {
            for profile in &mut group.profiles {
                if let Known::Gamma {
                    dispersion,
                    lasting,
                    ..
                } = &mut profile.known
                {
                    *lasting = lasts(*lasting, *dispersion);
                    *dispersion = own(*dispersion);
                }
            }
            let middle = expected(&group.rates, &group.prior, |r| r);
            for rate in &mut group.rates {
                *rate = middle + shrink * (*rate - middle);
            }
        }
        self.lasting = lasts(self.lasting, spread);
        self.clusters = Some(Clustering {
            spread: shared,
            whole: spread,
            sizes,
        });
        Ok(self)
    }

    /// Mean count after, and squared coefficient of variation of rates within strata.
    ///
    /// # Errors
    /// Customers whose counts are both as they were.
    fn moments(&self) -> Result<(f64, f64)> {
        let (mut n, mut spread) = (0.0, 0.0);
        for group in self.groups.iter().filter(|g| g.customers > 0) {
            let weight = group.customers as f64;
            n += weight;
            spread += weight
                * group.spread().ok_or_else(|| {
                    Error::usage(
                        "customers with both counts as they were cannot be put into clusters",
                    )
                    .key("--from")
                    .hint("--from before or --from plan")
                })?;
        }
        Ok((self.means().0, spread / n.max(1.0)))
    }

    /// The factor of one cluster's rates.
    pub(super) fn shared(&self, g: &mut Generator) -> f64 {
        match &self.clusters {
            Some(c) if c.spread > 1e-16 => g.gamma(1.0 / c.spread) * c.spread,
            _ => 1.0,
        }
    }
}

impl Group {
    /// Squared coefficient of variation of its rates.
    fn spread(&self) -> Option<f64> {
        match &self.profiles.first()?.known {
            Known::Gamma { dispersion, .. } => Some(*dispersion),
            Known::Before(..) => {
                let mean = expected(&self.rates, &self.prior, |r| r);
                let square = expected(&self.rates, &self.prior, |r| r * r);
                Some(if mean > 0.0 {
                    (square / (mean * mean) - 1.0).max(0.0)
                } else {
                    0.0
                })
            }
            Known::Pair(..) => None,
        }
    }
}

/// τ² by the counts before, within strata; `None` where no cluster tells it.
///
/// *Formula* — (MSB − MSW)/n₀ of the analysis of variance of unequal clusters over the squared
/// mean, n₀ = (N − Σn²/N)/(k − 1), numerators and degrees of freedom summed over strata; 0 where
/// negative.
///
/// *Source* — Donner & Klar (2000), ch. 1.
fn between(clusters: &ClusterTable) -> Option<f64> {
    // Clusters, Σn, Σn², Σx, Σx²/n over clusters, Σx² over customers; by stratum.
    let mut strata: BTreeMap<StratumId, [f64; 6]> = BTreeMap::new();
    for row in clusters.rows().iter().filter(|r| r.totals.with_before > 0) {
        let t = &row.totals;
        let (n, x) = (t.with_before as f64, t.x as f64);
        let parts = [1.0, n, n * n, x, x * x / n, t.xx as f64];
        let sums = strata.entry(row.stratum).or_default();
        for (sum, part) in sums.iter_mut().zip(parts) {
            *sum += row.clusters as f64 * part;
        }
    }
    let (mut between, mut within, mut k, mut free, mut evened) = (0.0, 0.0, 0.0, 0.0, 0.0);
    let (mut total, mut customers) = (0.0, 0.0);
    for [clusters, n, nn, x, of_means, xx] in strata.into_values() {
        between += of_means - x * x / n;
        within += xx - of_means;
        k += clusters - 1.0;
        free += n - clusters;
        evened += n - nn / n;
        total += x;
        customers += n;
    }
    if k < 1.0 || free < 1.0 || total <= 0.0 {
        return None;
    }
    let variance = (between / k - within / free) / (evened / k);
    Some((variance / (total / customers).powi(2)).max(0.0))
}
