//! Who crosses a boundary when, and which boundary is crossed by how many.

use super::root;
use super::walk::Walk;
use crate::stats::dist::normal_isf;
use crate::stats::estimate::Refusal;

/// Boundaries and drifts are solved to this; they are promised to 1e-6.
pub(super) const TOLERANCE: f64 = 1e-12;
/// A look that may spend less than this has a boundary that nothing crosses:
/// z = normal quantile, which is on the safe side of exact.
const NOTHING: f64 = 1e-17;
/// No drift beyond this is searched.
pub(super) const MOST_DRIFT: f64 = 60.0;

/// The bound below which those still going on fall with probability `step`; `None` where
/// that is more than fall below the boundary.
pub(super) fn futility_bound(walk: &Walk, t: f64, z: f64, step: f64) -> Option<f64> {
    if walk.below(t, z) < step {
        return None;
    }
    root::increasing(-MOST_DRIFT, z, TOLERANCE, |a| walk.below(t, a) - step)
}

/// Where a pilot goes on that may not stop for futility.
pub(super) fn spend_region(z: f64, sides: u8) -> Vec<(f64, f64)> {
    continuing(z, None, sides)
}

/// Where a pilot goes on.
pub(super) fn continuing(z: f64, futility: Option<f64>, sides: u8) -> Vec<(f64, f64)> {
    match (sides, futility) {
        (1, bound) => vec![(bound.unwrap_or(f64::NEG_INFINITY), z)],
        (_, bound) => vec![(bound.map_or(-z, |a| a.max(-z)), z)],
    }
}

/// P(crossing first at look k) at a drift.
pub(super) fn cross(
    t: &[f64],
    z: &[f64],
    futility: Option<&[f64]>,
    sides: u8,
    drift: f64,
) -> Vec<f64> {
    let mut walk = Walk::new(drift);
    let mut crossed = Vec::with_capacity(t.len());
    for k in 0..t.len() {
        let other = if sides == 1 {
            0.0
        } else {
            walk.below(t[k], -z[k])
        };
        crossed.push(walk.above(t[k], z[k]) + other);
        if let Some(&next) = t.get(k + 1) {
            walk = walk.go_on(t[k], &continuing(z[k], futility.map(|f| f[k]), sides), next);
        }
    }
    crossed
}

/// Critical values that spend `spent` (cumulative) at information `t`.
pub(super) fn spend(t: &[f64], spent: &[f64], sides: u8) -> Result<Vec<f64>, Refusal> {
    let mut walk = Walk::new(0.0);
    let mut z = Vec::with_capacity(t.len());
    let mut before = 0.0;
    for k in 0..t.len() {
        // Both tails hold the same under no effect.
        let tail = (spent[k] - before) / f64::from(sides);
        let critical = step_boundary(&walk, t[k], tail).ok_or_else(|| nothing_left(k))?;
        before = spent[k];
        z.push(critical);
        if let Some(&next) = t.get(k + 1) {
            walk = walk.go_on(t[k], &continuing(critical, None, sides), next);
        }
    }
    Ok(z)
}

/// The z that those still going on exceed with probability `tail` at `t`.
pub(super) fn step_boundary(walk: &Walk, t: f64, tail: f64) -> Option<f64> {
    if tail < NOTHING {
        return (tail > 0.0).then(|| normal_isf(tail));
    }
    // Some have stopped, so the quantile without stopping is the largest that it can be.
    let most = normal_isf(tail);
    root::decreasing(-10.0, most + 1e-9, TOLERANCE, |z| {
        // In logs, where the tail is nearly a parabola: a few steps suffice.
        (walk.above(t, z) / tail).ln()
    })
}

fn nothing_left(k: usize) -> Refusal {
    Refusal::new(format!(
        "look {} may spend nothing of the error rate: it comes too early, or no information has come since the look before",
        k + 1
    ))
}
