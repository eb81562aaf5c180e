//! Confidence sequences: intervals that hold at every moment together, however often one looks.

use crate::stats::estimate::Refusal;

/// A normal mixture over the effect, tuned to be narrowest at one planned information.
///
/// *Formula* — with information I = 1/SE²: half-width √(2(Iρ² + 1)/(I²ρ²) · log(√(Iρ² + 1)/α)),
/// ρ² = (−2 log α + log(1 − 2 log α))/I_plan. The matching p that may be read at any
/// moment is min(1, √(Iρ² + 1)·exp(−z²·Iρ²/(2(Iρ² + 1)))).
///
/// *Units* — half-width in the estimate's unit, where I has its inverse square.
///
/// *Assumes* — the estimate is nearly normal from the first look on. The interval is
/// two-sided; a one-sided reading of it is on the safe side.
///
/// *Source* — Robbins, H. (1970), Ann. Math. Statist. 41, 1397-1409; Howard, S., Ramdas, A.,
/// McAuliffe, J. and Sekhon, J. (2021), Ann. Statist. 49, 1055-1080, eq. 14;
/// tuning and estimated variance: Waudby-Smith, I. et al. (2024), Ann. Statist. 52, 2613-2640, eq. 2 and app. B.2.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConfidenceSequence {
    alpha: f64,
    rho_squared: f64,
}

impl ConfidenceSequence {
    /// The sequence at error rate `alpha`, tuned to `planned` information.
    ///
    /// # Errors
    /// An alpha outside 0 to 1, or information that is not above 0.
    pub fn new(alpha: f64, planned: f64) -> Result<Self, Refusal> {
        if !(alpha > 0.0 && alpha < 1.0) {
            return Err(Refusal::new("alpha must lie between 0 and 1"));
        }
        if !(planned > 0.0 && planned.is_finite()) {
            return Err(Refusal::new("the planned information must be above 0"));
        }
        let log = alpha.ln();
        Ok(ConfidenceSequence {
            alpha,
            rho_squared: (-2.0 * log + (1.0 - 2.0 * log).ln()) / planned,
        })
    }

    /// ρ², the variance of the mixture.
    pub fn rho_squared(&self) -> f64 {
        self.rho_squared
    }

    /// Half-width at an information; `None` where it is not above 0.
    pub fn half_width(&self, information: f64) -> Option<f64> {
        let grown = self.grown(information)?;
        let square =
            2.0 * (grown + 1.0) / (information * grown) * (0.5 * grown.ln_1p() - self.alpha.ln());
        Some(square.sqrt())
    }

    /// The boundary for z at an information: half-width over the standard error.
    pub fn critical(&self, information: f64) -> Option<f64> {
        Some(self.half_width(information)? * information.sqrt())
    }

    /// p-value that may be read at any moment.
    pub fn p(&self, information: f64, z: f64) -> Option<f64> {
        let grown = self.grown(information)?;
        let log = 0.5 * grown.ln_1p() - 0.5 * z * z * grown / (grown + 1.0);
        log.is_finite().then(|| log.exp().min(1.0))
    }

    fn grown(&self, information: f64) -> Option<f64> {
        let grown = information * self.rho_squared;
        (grown > 0.0 && grown.is_finite()).then_some(grown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_half_width_comes_out() {
        // statistics.md: σ 1, n = tuned n = 5000; its digits end at 5e-8.
        let sequence = ConfidenceSequence::new(0.05, 5000.0).unwrap();
        assert!((sequence.half_width(5000.0).unwrap() - 0.042_924_3).abs() < 5e-8);
    }

    #[test]
    fn the_bound_of_confseq_comes_out() {
        // published.md, confseq: v_opt 100, two-sided, ρ (their 1/ρ², in units of v) 12.60056, bound
        // 30.35209 on the sum at v = 100: with ρ² = 1/12.60056 instead of the tuning above.
        let sequence = ConfidenceSequence {
            alpha: 0.05,
            rho_squared: 1.0 / 12.600_56,
        };
        let bound = sequence.half_width(100.0).unwrap() * 100.0;
        assert!((bound - 30.352_09).abs() < 1e-5, "{bound}");
    }

    #[test]
    fn p_and_interval_agree() {
        let sequence = ConfidenceSequence::new(0.05, 40.0).unwrap();
        for information in [0.5, 40.0, 3e4] {
            let z = sequence.critical(information).unwrap();
            // Rounding of exp and log.
            assert!((sequence.p(information, z).unwrap() - 0.05).abs() < 1e-12);
            assert!(sequence.p(information, 0.9 * z).unwrap() > 0.05);
        }
        assert_eq!(sequence.half_width(0.0), None);
        assert!(ConfidenceSequence::new(0.05, 0.0).is_err());
    }
}
