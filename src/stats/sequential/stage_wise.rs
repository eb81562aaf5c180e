//! p-value, estimate and interval where a pilot stopped, by the order of its looks.

use super::crossing::spend_region;
use super::design::LEAST_STEP;
use super::root;
use super::walk::Walk;
use crate::stats::estimate::Refusal;

/// A look that was made and did not stop the pilot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Passed {
    /// Information then, in any unit.
    pub information: f64,
    /// The same over what was planned: decides what was spent.
    pub fraction: f64,
    /// Its boundary.
    pub critical: f64,
}

/// Where a pilot stands: the looks before, and what is seen now.
///
/// *Formula* — outcomes (look, z) are ordered by look first: crossing the upper boundary
/// early is more extreme than late, and that more than any z at the last look. With
/// P_δ(more extreme) = Σ_{j<k} P_δ(cross up first at j) + P_δ(reach k, Z_k ≥ z):
/// p is its value at δ = 0 (two-sided: twice the smaller tail), the median-unbiased
/// estimate the δ where it is ½, the ends of the interval where it is α/2 and 1 − α/2.
/// Non-binding futility does not enter.
///
/// *Units* — drifts are in standard errors of the estimate now: times its standard
/// error they are effects. p to 1e-9, drifts to 1e-8.
///
/// *Assumes* — the canonical joint distribution: Z_j normal, Cov = √(I_j/I_k).
///
/// *Source* — Armitage, P. (1957), Biometrika 44, 9-26; Tsiatis, A., Rosner, G. and Mehta, C.
/// (1984), Biometrics 40, 797-803; Jennison and Turnbull (2000), sect. 8.4-8.5.
#[derive(Debug, Clone)]
pub struct StageWise {
    /// Fractions of the information now, of looks before.
    before: Vec<(f64, f64)>,
    sides: u8,
    z: f64,
}

/// A z beyond this is taken as this: its p is 1e-1000.
const MOST_Z: f64 = 37.0;

impl StageWise {
    /// The looks passed, in order, and z at the look with `information`.
    ///
    /// # Errors
    /// Information that does not grow from look to look, or numbers that are not finite.
    pub fn new(passed: &[Passed], information: f64, z: f64, sides: u8) -> Result<Self, Refusal> {
        if !(z.is_finite() && information > 0.0 && information.is_finite()) {
            return Err(Refusal::new("the statistic has no finite value"));
        }
        let mut last = 0.0;
        let all = passed.iter().map(|p| p.information).chain([information]);
        for now in all {
            let grown = now - last;
            if grown.is_nan() || grown < 0.999 * LEAST_STEP * now {
                return Err(Refusal::new(
                    "the information did not grow from look to look, so the looks have no order",
                ));
            }
            last = now;
        }
        Ok(StageWise {
            before: passed
                .iter()
                .map(|p| (p.information / information, p.critical))
                .collect(),
            sides,
            z: z.clamp(-MOST_Z, MOST_Z),
        })
    }

    /// p-value: one-sided towards positive z, or two-sided.
    pub fn p(&self) -> f64 {
        let upper = self.more_extreme(self.z, 0.0);
        match self.sides {
            1 => upper.min(1.0),
            // By symmetry the lower tail is the upper one of −z, with all its digits.
            _ => (2.0 * upper.min(self.more_extreme(-self.z, 0.0))).min(1.0),
        }
    }

    /// The drift at which something more extreme has probability `tail`: ½ gives the
    /// median-unbiased estimate, α/2 the lower end.
    ///
    /// # Errors
    /// A tail outside 0 to 1, or a drift beyond what can be integrated.
    pub fn drift(&self, tail: f64) -> Result<f64, Refusal> {
        if !(tail > 0.0 && tail < 1.0) {
            return Err(Refusal::new("the tail must lie between 0 and 1"));
        }
        let reach = self.z.abs() + 12.0;
        root::increasing(self.z - reach, self.z + reach, 1e-10, |drift| {
            self.more_extreme(self.z, drift) - tail
        })
        .ok_or_else(|| Refusal::new("the interval was not found"))
    }

    fn more_extreme(&self, z: f64, drift: f64) -> f64 {
        let mut walk = Walk::new(drift);
        let mut crossed = 0.0;
        for (k, &(t, critical)) in self.before.iter().enumerate() {
            crossed += walk.above(t, critical);
            let next = self.before.get(k + 1).map_or(1.0, |b| b.0);
            walk = walk.go_on(t, &spend_region(critical, self.sides), next);
        }
        crossed + walk.above(1.0, z)
    }
}
