//! The walk of a statistic from look to look, by recursive numerical integration.

use std::ops::Range;

use crate::stats::dist::{normal_pdf, normal_sf};
use crate::stats::quadrature::GaussLegendre;

/// Beyond this many standard deviations nothing is integrated: 2e-21 lies there.
const REACH: f64 = 9.5;
/// Gauss-Legendre nodes on a panel of two kernel widths: their error is below rounding.
const NODES: usize = 16;

/// The pilots still going on after a look: where their score stands, with what probability.
///
/// With information fraction t and drift δ, the score S_t = Z_t·√t has independent
/// normal increments of mean δ·Δt and variance Δt.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    drift: f64,
    t: f64,
    /// Scores, ascending, each with its mass.
    nodes: Vec<(f64, f64)>,
}

impl Walk {
    /// Before the first look: at 0, for certain.
    pub(super) fn new(drift: f64) -> Self {
        Walk {
            drift,
            t: 0.0,
            nodes: vec![(0.0, 1.0)],
        }
    }

    /// The same pilots with another drift from here on.
    pub(super) fn turned(self, drift: f64) -> Walk {
        Walk { drift, ..self }
    }

    /// P(still going on, and Z ≥ z at the look at `t`).
    pub(super) fn above(&self, t: f64, z: f64) -> f64 {
        let root = (t - self.t).sqrt();
        let target = z * t.sqrt() - self.drift * (t - self.t);
        self.nodes
            .iter()
            .map(|&(s, mass)| mass * normal_sf((target - s) / root))
            .sum()
    }

    /// P(still going on, and Z ≤ z at the look at `t`).
    pub(super) fn below(&self, t: f64, z: f64) -> f64 {
        let root = (t - self.t).sqrt();
        let target = z * t.sqrt() - self.drift * (t - self.t);
        self.nodes
            .iter()
            .map(|&(s, mass)| mass * normal_sf((s - target) / root))
            .sum()
    }

    /// Those who stay inside `regions` of z (ascending, apart) at the look at `t`, on
    /// their way to the look at `next`.
    ///
    /// *Formula* — g_k(s) = ∫ g_{k−1}(u) φ((s − u − δΔ)/√Δ)/√Δ du over what went on, on
    /// Gauss-Legendre panels no wider than two standard deviations of the step before
    /// and of the step to come.
    pub(super) fn go_on(&self, t: f64, regions: &[(f64, f64)], next: f64) -> Walk {
        let step = t - self.t;
        let root = step.sqrt();
        let scale = t.sqrt();
        let centre = self.drift * scale;
        let width = 2.0 * (step.min(next - t) / t).sqrt().min(1.0);
        let rule = GaussLegendre::new(NODES);
        let mut nodes = Vec::new();
        for &(low, high) in regions {
            let (low, high) = (low.max(centre - REACH), high.min(centre + REACH));
            if low >= high {
                continue;
            }
            let panels = ((high - low) / width).ceil().max(1.0);
            let edges: Vec<f64> = (0..=panels as usize)
                .map(|i| low + (high - low) * i as f64 / panels)
                .collect();
            let start = nodes.len();
            nodes.extend(rule.panels(&edges).into_iter().map(|(z, weight)| {
                let s = z * scale;
                (s, weight * scale * self.density(s, step, root))
            }));
            // The rule lists each panel's nodes from right to left.
            nodes[start..].sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        Walk {
            drift: self.drift,
            t,
            nodes,
        }
    }

    fn density(&self, s: f64, step: f64, root: f64) -> f64 {
        let target = s - self.drift * step;
        let near = self.near(target, REACH * root);
        let sum: f64 = self.nodes[near]
            .iter()
            .map(|&(u, mass)| mass * normal_pdf((target - u) / root))
            .sum();
        sum / root
    }

    /// The nodes within `reach` of a score.
    fn near(&self, s: f64, reach: f64) -> Range<usize> {
        let from = self.nodes.partition_point(|n| n.0 < s - reach);
        let to = self.nodes.partition_point(|n| n.0 <= s + reach);
        from..to
    }
}
