//! When a comparison counts as found, and how large an expected z must be for it.

use crate::stats::dist::{normal_cdf, normal_isf};
use crate::stats::dunnett::dunnett_critical;
use crate::stats::estimate::{Alternative, Refusal};

use super::{Boundary, Family, Question};

/// The bounds of one comparison.
pub(super) struct Criterion {
    /// Critical z at the end.
    pub critical: f64,
    /// Error rate of this comparison, all sides.
    pub alpha: f64,
    /// Looks before the end and the end itself; empty without looks.
    pub boundaries: Vec<Boundary>,
}

impl Criterion {
    /// The criterion of a question.
    ///
    /// # Errors
    /// As [`dunnett_critical`].
    pub fn new(q: &Question) -> Result<Self, Refusal> {
        let sides = f64::from(q.sides);
        let treatments = q.treatments() as f64;
        let (critical, alpha) = match q.family {
            Family::Dunnett if q.treatments() > 1 => {
                let critical = dunnett(q)?;
                (critical, sides * (1.0 - normal_cdf(critical)))
            }
            Family::Bonferroni => {
                let alpha = q.alpha / treatments;
                (normal_isf(alpha / sides), alpha)
            }
            _ => (normal_isf(q.alpha / sides), q.alpha),
        };
        Ok(Criterion {
            critical,
            alpha,
            boundaries: Vec::new(),
        })
    }

    /// Probability to find it where z is expected to be `drift` at the end; the far tail is ignored.
    pub fn power(&self, drift: f64) -> f64 {
        normal_cdf(drift - self.critical)
    }

    /// The expected z that is found with this power.
    pub fn drift(&self, power: f64) -> f64 {
        self.critical + normal_isf(1.0 - power)
    }

    /// Factor by which the looks enlarge the pilot; `None` without looks.
    pub fn inflation(&self, _power: f64) -> Option<f64> {
        None
    }
}

fn dunnett(q: &Question) -> Result<f64, Refusal> {
    let (control, treatments) = q.weights.split_at(1);
    let shares: Vec<f64> = treatments.iter().map(|w| w / (w + control[0])).collect();
    let alternative = match q.sides {
        1 => Alternative::Less,
        _ => Alternative::TwoSided,
    };
    dunnett_critical(&shares, None, q.alpha, alternative)
}
