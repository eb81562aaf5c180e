//! Stages of separate customers or times, combined with weights that the first plan fixed.

use super::stage_wise::Passed;
use crate::stats::dist::{normal_isf, normal_sf};
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

/// The looks of a first stage, its planned end last, on the scale of both stages together:
/// the end has w₁²/(w₁² + w₂²) of the information, the looks before in proportion to theirs.
///
/// # Errors
/// No look, not even the end.
pub fn on_both(looks: &[Passed], weights: [f64; 2]) -> Result<Vec<Passed>, Refusal> {
    let Some(end) = looks.last() else {
        return Err(Refusal::new(
            "the first stage has no look, not even its end",
        ));
    };
    let share = stage_fractions(&weights)[0];
    Ok(looks
        .iter()
        .map(|look| Passed {
            information: look.information / end.information * share,
            ..*look
        })
        .collect())
}

/// What a second stage must still show, once the first has ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StillNeeded {
    /// z of the second stage alone from which both together cross their boundary.
    pub z: f64,
}

impl StillNeeded {
    /// After a first stage that ended at `z`, where both stages together are held to `critical`.
    ///
    /// *Formula* — (critical − ω₁z₁)/ω₂ with ω_k = w_k/√(w₁² + w₂²).
    ///
    /// *Source* — Lehmacher and Wassmer (1999), sect. 4; Wassmer, G. and Brannath, W. (2016), Group
    /// Sequential and Confirmatory Adaptive Designs in Clinical Trials, sect. 7.4.
    ///
    /// # Errors
    /// As [`inverse_normal`].
    pub fn after(z: f64, weights: [f64; 2], critical: f64) -> Result<Self, Refusal> {
        // Refuses weights and statistics that are none.
        inverse_normal(&[z, critical], &weights)?;
        let length = weights[0].hypot(weights[1]);
        let (first, second) = (weights[0] / length, weights[1] / length);
        Ok(StillNeeded {
            z: (critical - first * z) / second,
        })
    }

    /// Error rate that is left for the second stage: P₀(crossing), given the first.
    pub fn error_rate(&self) -> f64 {
        normal_sf(self.z)
    }

    /// Conditional power: P(crossing), given the first stage, where the effect is `effect` and the
    /// second stage estimates it with standard error `se`. A good effect is positive; the far
    /// side of a two-sided test is ignored.
    pub fn power(&self, effect: f64, se: f64) -> f64 {
        normal_sf(self.z - effect / se)
    }

    /// How many times the information of an estimate with standard error `se` the second stage
    /// needs for `power` at an effect.
    ///
    /// *Formula* — ((z + z_power)·se/effect)², of [`StillNeeded::power`].
    ///
    /// *Units* — customers per customer of the estimate whose standard error it is.
    ///
    /// # Errors
    /// An effect or standard error that is not above 0; a power outside 0 to 1.
    pub fn times(&self, effect: f64, se: f64, power: f64) -> Result<f64, Refusal> {
        if !(effect > 0.0 && effect.is_finite() && se > 0.0 && se.is_finite()) {
            return Err(Refusal::new(
                "a size needs a good effect and a standard error, both above 0",
            ));
        }
        if !(power > 0.0 && power < 1.0) {
            return Err(Refusal::new("the power must lie between 0 and 1"));
        }
        let reach = (self.z + normal_isf(1.0 - power)).max(0.0);
        Ok((reach * se / effect).powi(2))
    }
}
