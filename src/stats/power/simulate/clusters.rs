//! Pilots of whole clusters: totals of clusters, and the cluster-robust test on them.

use crate::stats::estimate::Refusal;
use crate::stats::poisson_sampling::poisson;
use crate::stats::random::Generator;
use crate::stats::sampling::binomial;

use super::{Draws, Pilot, Statistic};
use crate::stats::estimate::Estimator;
use crate::stats::power::Method;

/// Clusters of customers who share a gamma factor.
///
/// *Formula* — y given the cluster's factor F is negative binomial with mean μF and dispersion ψ;
/// F has mean 1 and variance τ = icc·(μ + φμ²)/μ², and ψ = (φ − τ)/(1 + τ), so that a
/// customer's variance is μ + φμ² and two of a cluster correlate by icc. Sizes are 1 + a
/// gamma number, rounded at random, with the mean and variation asked.
pub struct Model<'a> {
    draws: &'a Draws<'a>,
    /// τ.
    between: f64,
    /// ψ.
    within: f64,
}

impl<'a> Model<'a> {
    /// # Errors
    /// More correlation than the dispersion allows, a count before beside clusters, or an
    /// estimator that is not the one for clusters.
    pub fn new(draws: &'a Draws<'a>) -> Result<Self, Refusal> {
        let q = draws.q;
        if q.correlation != 0.0 && q.unexplained() != 1.0 {
            return Err(Refusal::new(
                "clusters together with a count before are not simulated here; `pilot simulate` replays a whole plan",
            ));
        }
        if q.estimator.is_some_and(|e| e != Estimator::Cluster) {
            return Err(Refusal::new(
                "only the estimator \"cluster\" is simulated for whole clusters",
            ));
        }
        let mean = draws.control;
        let least = q.icc * (mean + q.dispersion * mean * mean) / (mean * mean);
        if least > q.dispersion {
            return Err(Refusal::new(format!(
                "a correlation of {} within clusters needs more dispersion than {}: clusters that differ so much are themselves dispersion",
                q.icc, q.dispersion
            )));
        }
        Ok(Model {
            draws,
            between: least,
            within: (q.dispersion - least) / (1.0 + least),
        })
    }

    /// What a replicate costs, in drawn counts.
    pub fn cost(&self, n: [u64; 2]) -> f64 {
        20.0 * (n[0] + n[1]) as f64 / self.draws.q.cluster_size
    }

    /// A pilot without clusters.
    pub fn pilot(&self) -> Clusters<'_> {
        Clusters {
            model: self,
            n: [0; 2],
            arms: [Vec::new(), Vec::new()],
        }
    }

    fn size(&self, g: &mut Generator) -> u64 {
        let q = self.draws.q;
        let (rest, sd) = (q.cluster_size - 1.0, q.cluster_cv * q.cluster_size);
        let size = if sd > 0.0 && rest > 0.0 {
            let shape = (rest / sd).powi(2);
            g.gamma(shape) * rest / shape
        } else {
            rest
        };
        1 + (size + g.uniform()) as u64
    }

    /// The contacts of `customers` of one cluster.
    fn total(&self, g: &mut Generator, factor: f64, mean: f64, customers: u64) -> u64 {
        let expected = mean * factor * customers as f64;
        let shape = customers as f64 / self.within;
        let expected = if shape.is_finite() && shape > 0.0 {
            g.gamma(shape) * expected / shape
        } else {
            expected
        };
        poisson(g, &self.draws.table, expected)
    }
}

/// Customers observed and contacts of each cluster, by arm.
pub struct Clusters<'a> {
    model: &'a Model<'a>,
    n: [u64; 2],
    arms: [Vec<(f64, f64)>; 2],
}

impl Pilot for Clusters<'_> {
    fn grow(&mut self, g: &mut Generator, upto: [u64; 2]) {
        let m = self.model;
        let (q, table) = (m.draws.q, &m.draws.table);
        for (arm, upto) in upto.into_iter().enumerate() {
            let clusters = (upto as f64 / q.cluster_size).round().max(2.0) as u64;
            for _ in self.n[arm]..clusters {
                let size = m.size(g);
                let observed = size - binomial(g, table, size, q.attrition);
                if observed == 0 {
                    continue;
                }
                let takers = match arm {
                    0 => 0,
                    _ => binomial(g, table, observed, q.uptake),
                };
                let factor = if m.between > 0.0 {
                    g.gamma(1.0 / m.between) * m.between
                } else {
                    1.0
                };
                let contacts = m.total(g, factor, m.draws.control, observed - takers)
                    + m.total(g, factor, m.draws.treated, takers);
                self.arms[arm].push((observed as f64, contacts as f64));
            }
            self.n[arm] = self.n[arm].max(clusters);
        }
    }

    fn statistic(&self) -> Option<Statistic> {
        let q = self.model.draws.q;
        let [control, treatment] = [0, 1].map(|k| Arm::new(&self.arms[k]));
        let (control, treatment) = (control?, treatment?);
        let (fewer, weights) = match q.method {
            Method::Means => (q.margin * control.mean - treatment.mean, [q.margin, 1.0]),
            Method::Nb if control.mean > 0.0 && treatment.mean > 0.0 => (
                (q.margin * control.mean / treatment.mean).ln(),
                [1.0 / control.mean, 1.0 / treatment.mean],
            ),
            Method::Nb => return None,
        };
        two_arms(fewer, [(control, weights[0]), (treatment, weights[1])])
    }
}

/// One arm's mean with its CR2 variance.
struct Arm {
    mean: f64,
    variance: f64,
    /// tr M and tr M² of the variance as a quadratic form in independent errors.
    traces: (f64, f64),
}

impl Arm {
    /// From (customers, total) of each cluster; `None` with fewer than two.
    ///
    /// *Formula* — y ~ 1 by least squares: residual sums R_g = Y_g − m_g ȳ, each divided by
    /// √(1 − m_g/N); the variance of ȳ is the sum of their squares over N².
    ///
    /// *Source* — Bell, R. and McCaffrey, D. (2002), Survey Methodology 28, 169-181.
    fn new(clusters: &[(f64, f64)]) -> Option<Arm> {
        if clusters.len() < 2 {
            return None;
        }
        let n: f64 = clusters.iter().map(|c| c.0).sum();
        let mean = clusters.iter().map(|c| c.1).sum::<f64>() / n;
        let (mut variance, mut fourth, mut cross, mut own) = (0.0, 0.0, 0.0, 0.0);
        for &(m, y) in clusters {
            let left = 1.0 - m / n;
            variance += (y - m * mean).powi(2) / left;
            let q = m * m / left;
            fourth += m * m;
            cross += q;
            own += q * q;
        }
        let n2 = n * n;
        Some(Arm {
            mean,
            variance: variance / n2,
            traces: (1.0 / n, (fourth + (cross * cross - own) / n2) / (n2 * n2)),
        })
    }
}

/// t with Satterthwaite's degrees of freedom of a weighted contrast of two arms.
fn two_arms(value: f64, arms: [(Arm, f64); 2]) -> Option<Statistic> {
    let (mut variance, mut trace, mut squares) = (0.0, 0.0, 0.0);
    for (arm, weight) in arms {
        let w = weight * weight;
        variance += w * arm.variance;
        trace += w * arm.traces.0;
        squares += w * w * arm.traces.1;
    }
    let df = trace * trace / squares;
    (variance > 0.0 && df.is_finite()).then(|| (value / variance.sqrt(), Some(df)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Closed formulae on both sides.
    const EXACT: f64 = 1e-10;

    #[test]
    fn the_test_is_that_of_club_sandwich() {
        // tests/reference/scripts/power_clusters.R: (patients' fortnights, seizures), MASS::epil.
        let control = [
            (2.0, 8.0),
            (3.0, 11.0),
            (4.0, 11.0),
            (1.0, 4.0),
            (2.0, 25.0),
            (3.0, 15.0),
            (4.0, 12.0),
            (1.0, 40.0),
        ];
        let treatment = [
            (2.0, 25.0),
            (3.0, 24.0),
            (4.0, 7.0),
            (1.0, 3.0),
            (2.0, 8.0),
            (3.0, 8.0),
            (4.0, 74.0),
            (1.0, 5.0),
        ];
        let arm = |clusters: &[(f64, f64)]| Arm::new(clusters).unwrap();
        let close = |found: f64, expected: f64| (found / expected - 1.0).abs() < EXACT;
        let difference = [(arm(&control), 1.0), (arm(&treatment), 1.0)];
        let (t, df) = two_arms(1.4, difference).unwrap();
        assert!(close(1.4 / t, 3.69485302204149), "{t}");
        assert!(close(df.unwrap(), 11.3706400161128), "{df:?}");
        let (m0, m1) = (arm(&control).mean, arm(&treatment).mean);
        let ratio = [(arm(&control), 1.0 / m0), (arm(&treatment), 1.0 / m1)];
        let (t, df) = two_arms((m0 / m1).ln(), ratio).unwrap();
        assert!(close((m0 / m1).ln() / t, 0.520574150523722), "{t}");
        assert!(close(df.unwrap(), 10.9415997362859), "{df:?}");
        assert!(Arm::new(&control[..1]).is_none());
    }
}
