//! When a comparison counts as found, and how large an expected z must be for it.

use crate::stats::dist::{normal_cdf, normal_isf};
use crate::stats::dunnett::dunnett_critical;
use crate::stats::estimate::{Alternative, Refusal};
use crate::stats::sequential::Design;

use super::{Boundary, Family, Question};

/// Beyond this drift the power is 1 for any boundary that anyone plans.
const CERTAIN: f64 = 40.0;

/// The bounds of one comparison.
pub(super) struct Criterion {
    /// Critical z at the end.
    pub critical: f64,
    /// Looks before the end and the end itself; empty without looks.
    pub boundaries: Vec<Boundary>,
    design: Option<Design>,
}

impl Criterion {
    /// The criterion of a question.
    ///
    /// # Errors
    /// As [`dunnett_critical`] and [`Design::looks`].
    pub fn new(q: &Question) -> Result<Self, Refusal> {
        let sides = f64::from(q.sides);
        let shared = q.alpha / q.treatments() as f64;
        if let Some(looks) = &q.looks {
            let design = Design {
                boundary: looks.boundary,
                information: looks.information.clone(),
                alpha: if q.family == Family::Alone {
                    q.alpha
                } else {
                    shared
                },
                sides: q.sides,
                futility: None,
            };
            let boundaries: Vec<Boundary> = (1..)
                .zip(design.looks()?)
                .map(|(look, l)| Boundary {
                    look,
                    information: l.information,
                    z: l.z,
                    nominal_p: l.nominal_p,
                    spent: l.spent,
                })
                .collect();
            return Ok(Criterion {
                critical: boundaries.last().map_or(f64::INFINITY, |b| b.z),
                boundaries,
                design: Some(design),
            });
        }
        let critical = match q.family {
            Family::Dunnett if q.treatments() > 1 => dunnett(q)?,
            Family::Bonferroni => normal_isf(shared / sides),
            _ => normal_isf(q.alpha / sides),
        };
        Ok(Criterion {
            critical,
            boundaries: Vec::new(),
            design: None,
        })
    }

    /// Probability to find it where z is expected to be `drift` at the end. The far tail is
    /// ignored; with looks it counts, which moves a power by less than 1e-5.
    ///
    /// # Errors
    /// As [`Design::power`].
    pub fn power(&self, drift: f64) -> Result<f64, Refusal> {
        match &self.design {
            None => Ok(normal_cdf(drift - self.critical)),
            Some(_) if drift > CERTAIN => Ok(1.0),
            Some(design) => design.power(drift),
        }
    }

    /// The expected z that is found with this power.
    ///
    /// # Errors
    /// As [`Design::drift`].
    pub fn drift(&self, power: f64) -> Result<f64, Refusal> {
        match &self.design {
            None => Ok(self.critical + normal_isf(1.0 - power)),
            Some(design) => design.drift(power),
        }
    }

    /// Factor by which the looks enlarge the pilot; `None` without looks.
    ///
    /// # Errors
    /// As [`Design::inflation`].
    pub fn inflation(&self, power: f64) -> Result<Option<f64>, Refusal> {
        let design = self.design.as_ref();
        design.map(|d| d.inflation(power)).transpose()
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
