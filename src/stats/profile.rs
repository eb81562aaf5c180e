//! Profile-likelihood intervals of the ratio in count models.

use rayon::prelude::*;

use super::count_data::CountData;
use super::dist::normal_isf;
use super::glm::fit;
use super::negbin::{Maximum, log_likelihood};

/// Steps to an end; Newton's method on a nearly straight line takes four or five.
const MAX_STEPS: usize = 40;
/// The end is where √(2·(ℓ_max − ℓ)) is within this of the normal quantile.
const CLOSE: f64 = 1e-10;
/// A log ratio beyond this is no ratio of rates.
const LARGEST: f64 = 60.0;

/// What becomes of θ along the profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Theta {
    /// At its maximum for each ratio.
    Free,
    /// Held at its estimate, as `MASS` does.
    Held,
}

/// Both ends of the two-sided intervals of the log ratio at 1 − alpha, θ at its maximum for each
/// ratio and θ held; `None` where an end is not finite.
///
/// *Formula* — the b with 2(ℓ_max − ℓ(b)) = z²_{1−α/2}, ℓ(b) the maximum over all other
/// parameters. Newton's method on the signed root r(b) = ±√(2(ℓ_max − ℓ(b))), which is nearly
/// straight; its slope needs only the arm's score at the restricted maximum.
///
/// *Source* — Venzon & Moolgavkar (1988), Applied Statistics 37, 87-94; θ held: R `MASS`
/// `confint` of a `glm.nb`.
pub(crate) fn intervals(
    data: &CountData,
    best: &Maximum,
    se: f64,
    alpha: f64,
) -> [Option<(f64, f64)>; 2] {
    let z = normal_isf(alpha / 2.0);
    let wanted = [
        (Theta::Free, -z),
        (Theta::Free, z),
        (Theta::Held, -z),
        (Theta::Held, z),
    ];
    let ends: Vec<Option<f64>> = wanted
        .par_iter()
        .map(|(theta, target)| end(data, best, se, *theta, *target))
        .collect();
    [ends[0].zip(ends[1]), ends[2].zip(ends[3])]
}

fn end(data: &CountData, best: &Maximum, se: f64, theta: Theta, target: f64) -> Option<f64> {
    let centre = best.fit.coefficients.corner[0];
    let side = target.signum();
    // The end lies between `inside` and `outside`.
    let (mut inside, mut outside) = (centre, side * f64::INFINITY);
    let mut at = centre + target * se;
    let mut near = best.clone();
    for _ in 0..MAX_STEPS {
        if (at - centre).abs() > LARGEST {
            return None;
        }
        let held = data.with_ratio(at);
        near = match theta {
            Theta::Free => Maximum::find(&held, Some(&near)).ok()?,
            Theta::Held => {
                let fit = fit(&held, best.alpha, Some(&near.fit)).ok()?;
                Maximum {
                    log_likelihood: log_likelihood(&held, best.alpha, &fit),
                    fit,
                    ..best.clone()
                }
            }
        };
        let drop = (best.log_likelihood - near.log_likelihood).max(0.0);
        let root = side * (2.0 * drop).sqrt();
        if (root - target).abs() < CLOSE {
            return Some(at);
        }
        if root.abs() < target.abs() {
            inside = at;
        } else {
            outside = at;
        }
        let score = score(data, &near);
        let newton = at + (root - target) * root / score;
        let (low, high) = (inside.min(outside), inside.max(outside));
        let next = if newton.is_finite() && newton > low && newton < high {
            newton
        } else if outside.is_finite() {
            0.5 * (inside + outside)
        } else {
            at + side * se.max(0.1)
        };
        // Rounding of a large likelihood leaves no closer end.
        if (next - at).abs() <= 1e-10 * se.min(1.0) {
            return Some(next);
        }
        at = next;
    }
    None
}

/// ∂ℓ/∂b at the restricted maximum.
fn score(data: &CountData, at: &Maximum) -> f64 {
    data.groups
        .iter()
        .zip(&at.fit.mu)
        .map(|(g, &mu)| g.x[0] * (g.sum - g.n * mu) / (1.0 + at.alpha * mu))
        .sum()
}
