//! Stages of separate customers or times, combined with weights that the first plan fixed.

use super::stage_wise::{Passed, StageWise};
use crate::stats::dist::normal_isf;
use crate::stats::estimate::Refusal;

/// z of all stages together.
///
/// *Formula* — Σ w_k z_k / √(Σ w_k²), z_k = Φ⁻¹(1 − p_k) of stage k's own data, p_k one-sided
/// in the same direction. Only ratios of weights count: `[0.7, 0.3]` gives the first
/// stage 49/58 of the information.
///
/// *Assumes* — under no effect each z_k is standard normal (or smaller) given the stages
/// before; the weights were fixed before the first data. The size of a later stage may
/// then depend on everything seen.
///
/// *Source* — Lehmacher, W. and Wassmer, G. (1999), Biometrics 55, 1286-1290, eq. 1.
///
/// # Errors
/// No stage, as many weights as stages missing, weights that are not above 0, or z that is not finite.
pub fn inverse_normal(z: &[f64], weights: &[f64]) -> Result<f64, Refusal> {
    if z.is_empty() || z.len() != weights.len() {
        return Err(Refusal::new("one weight for each stage is needed"));
    }
    if weights.iter().any(|w| !(w.is_finite() && *w > 0.0)) {
        return Err(Refusal::new("the weights of the stages must be above 0"));
    }
    if z.iter().any(|z| !z.is_finite()) {
        return Err(Refusal::new("a stage's statistic is not finite"));
    }
    let length = weights.iter().map(|w| w * w).sum::<f64>().sqrt();
    Ok(z.iter().zip(weights).map(|(z, w)| w * z).sum::<f64>() / length)
}

/// As [`inverse_normal`], from one-sided p-values.
///
/// # Errors
/// As [`inverse_normal`], and a p outside 0 to 1.
pub fn inverse_normal_p(p: &[f64], weights: &[f64]) -> Result<f64, Refusal> {
    if p.iter().any(|p| !(*p > 0.0 && *p < 1.0)) {
        return Err(Refusal::new("a stage's p must lie between 0 and 1"));
    }
    let z: Vec<f64> = p.iter().map(|&p| normal_isf(p)).collect();
    inverse_normal(&z, weights)
}

/// Inference over a first stage with its looks and a second stage of separate data.
///
/// `looks` are those of the first stage, its planned end last; `z` are the two stages' own
/// statistics, `weights` those of the first plan.
///
/// *Formula* — [`inverse_normal`] of both, in the order of looks of [`StageWise`]: the first stage
/// ends at w₁²/(w₁² + w₂²) of the information, its own looks before in proportion to theirs.
///
/// *Units* — of drifts: standard errors of the combined z.
///
/// *Source* — Lehmacher and Wassmer (1999), sect. 3; Wassmer, G. (2006), Biom. J. 48, 714-729
/// (stage-wise order).
///
/// # Errors
/// As [`inverse_normal`] and [`StageWise::new`]; no look.
pub fn extended(
    looks: &[Passed],
    z: [f64; 2],
    weights: [f64; 2],
    sides: u8,
) -> Result<StageWise, Refusal> {
    let combined = inverse_normal(&z, &weights)?;
    let Some(end) = looks.last() else {
        return Err(Refusal::new(
            "the first stage has no look, not even its end",
        ));
    };
    let stage = stage_fractions(&weights)[0];
    let passed: Vec<Passed> = looks
        .iter()
        .map(|look| Passed {
            information: look.information / end.information * stage,
            ..*look
        })
        .collect();
    StageWise::new(&passed, 1.0, combined, sides)
}

/// Information fractions at which the stages end: cumulative w_k², over all.
pub fn stage_fractions(weights: &[f64]) -> Vec<f64> {
    let total: f64 = weights.iter().map(|w| w * w).sum();
    let mut sum = 0.0;
    let mut fractions: Vec<f64> = weights
        .iter()
        .map(|w| {
            sum += w * w;
            sum / total
        })
        .collect();
    if let Some(last) = fractions.last_mut() {
        *last = 1.0;
    }
    fractions
}
