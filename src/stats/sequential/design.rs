//! A group-sequential design: its boundaries, its power, and what looking costs.

use super::boundary::Boundary;
use super::crossing::{MOST_DRIFT, TOLERANCE, continuing, cross, futility_bound, spend};
use super::root;
use super::spending::Spending;
use super::walk::Walk;
use crate::stats::dist::{normal_isf, normal_sf};
use crate::stats::estimate::Refusal;

/// More looks than this are refused.
const MOST_LOOKS: usize = 50;
/// A look must add at least this share to the information before it.
pub(super) const LEAST_STEP: f64 = 1e-4;

/// Stopping because success has become unlikely; never obliges to stop (non-binding).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Futility {
    /// How the type II error rate is spent.
    pub spending: Spending,
    /// Type II error rate, for example .2.
    pub beta: f64,
}

/// A design with looks at given fractions of the information.
#[derive(Debug, Clone, PartialEq)]
pub struct Design {
    /// What the boundary follows.
    pub boundary: Boundary,
    /// Information fractions, ascending; the last is 1.
    pub information: Vec<f64>,
    /// Error rate over all looks, on all sides.
    pub alpha: f64,
    /// 1 (towards the effect of interest) or 2.
    pub sides: u8,
    /// Non-binding futility.
    pub futility: Option<Futility>,
}

/// One look of a design.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// Information fraction.
    pub information: f64,
    /// Critical z.
    pub z: f64,
    /// P(│Z│ ≥ z) or P(Z ≥ z), by the sides.
    pub nominal_p: f64,
    /// Error rate spent up to this look.
    pub spent: f64,
    /// Futility bound: stopping is advised where z lies below it, on the good side also of
    /// two-sided designs. Equal to `z` at the last look.
    pub futility: Option<f64>,
}

impl Design {
    /// The boundaries.
    ///
    /// *Formula* — z_k solves P₀(no crossing before k, Z_k ≥ z_k) = α*(t_k) − α*(t_{k−1})
    /// (both tails where two-sided); of the classical family C solves P₀(any crossing) = α.
    /// Cov(Z_j, Z_k) = √(t_j/t_k). Futility a_k solves P_δ(still going on, Z_k < a_k) =
    /// β*(t_k) − β*(t_{k−1}) under the drift δ for which a_K = z_K; z_k does not rest on it.
    /// It looks at the good side only: a two-sided design has that of its upper half.
    ///
    /// *Units* — z to 1e-8.
    ///
    /// *Source* — Armitage, P., McPherson, C. and Rowe, B. (1969), J. R. Statist. Soc. A 132,
    /// 235-244; Jennison, C. and Turnbull, B. (2000), Group Sequential Methods, ch. 19;
    /// Wang, S. and Tsiatis, A. (1987), Biometrics 43, 193-199; Pampallona, S., Tsiatis, A. and
    /// Kim, K. (2001), Drug Inf. J. 35, 1113-1121 (spending of β).
    ///
    /// # Errors
    /// Fractions that do not ascend to 1, too many or too close together; error rates or sides out of range.
    pub fn looks(&self) -> Result<Vec<Look>, Refusal> {
        self.check()?;
        let (z, spent) = self.critical()?;
        let futility = match &self.futility {
            Some(f) => Some(self.futility_bounds(&z, f)?.1),
            None => None,
        };
        Ok((0..z.len())
            .map(|k| Look {
                information: self.information[k],
                z: z[k],
                nominal_p: f64::from(self.sides) * normal_sf(z[k]),
                spent: spent[k],
                futility: futility.as_ref().map(|a| a[k]),
            })
            .collect())
    }

    /// P(crossing the boundary, on either side) when the last look's Z has mean `drift`, stopping for futility where planned.
    ///
    /// # Errors
    /// As [`Design::looks`]; a drift that is not finite or beyond ±60.
    pub fn power(&self, drift: f64) -> Result<f64, Refusal> {
        if drift.is_nan() || drift.abs() > MOST_DRIFT {
            return Err(Refusal::new("the drift is beyond what can be integrated"));
        }
        let looks = self.looks()?;
        Ok(self.crossing(&looks, drift).iter().sum())
    }

    /// P(crossing the boundary first at look k), for each k, at a drift.
    ///
    /// # Errors
    /// As [`Design::power`].
    pub fn stopping(&self, drift: f64) -> Result<Vec<f64>, Refusal> {
        if drift.is_nan() || drift.abs() > MOST_DRIFT {
            return Err(Refusal::new("the drift is beyond what can be integrated"));
        }
        let looks = self.looks()?;
        Ok(self.crossing(&looks, drift))
    }

    /// The mean of Z at the last look with which the design has `power`.
    ///
    /// # Errors
    /// As [`Design::looks`]; a power not above alpha.
    pub fn drift(&self, power: f64) -> Result<f64, Refusal> {
        if !(power > self.alpha && power < 1.0) {
            return Err(Refusal::new(format!(
                "the power, {power}, must lie between alpha and 1"
            )));
        }
        let looks = self.looks()?;
        // The error of the root is squared away: 1e-10 of the drift is 1e-9 of the inflation.
        root::increasing(0.0, MOST_DRIFT, 1e-10, |drift| {
            self.crossing(&looks, drift).iter().sum::<f64>() - power
        })
        .ok_or_else(|| Refusal::new("no drift has that power: futility stops too often"))
    }

    /// Largest information over that of a test at one look with the same power.
    ///
    /// *Formula* — δ²/(z_{1−α/sides} + z_power)², δ of [`Design::drift`]; the far tail
    /// counts in δ and not in the denominator, as in [`crate::stats::power`]. rpact's two-sided
    /// inflation counts one boundary only and differs by up to 3e-5.
    ///
    /// *Source* — Jennison and Turnbull (2000), sect. 2.2 and 7.2.
    ///
    /// # Errors
    /// As [`Design::drift`].
    pub fn inflation(&self, power: f64) -> Result<f64, Refusal> {
        let fixed = normal_isf(self.alpha / f64::from(self.sides)) + normal_isf(1.0 - power);
        Ok((self.drift(power)? / fixed).powi(2))
    }

    pub(super) fn check(&self) -> Result<(), Refusal> {
        check_fractions(&self.information)?;
        if !(self.alpha >= 1e-12 && self.alpha < 0.5 * f64::from(self.sides)) {
            return Err(Refusal::new(format!(
                "alpha, {}, must lie between 0 and {}",
                self.alpha,
                0.5 * f64::from(self.sides)
            )));
        }
        if self.sides != 1 && self.sides != 2 {
            return Err(Refusal::new(format!(
                "a test has 1 or 2 sides, not {}",
                self.sides
            )));
        }
        match self.futility {
            Some(f) if !(f.beta >= 1e-6 && f.beta < 1.0 - self.alpha) => Err(Refusal::new(
                format!("beta, {}, must lie between 0 and 1 − alpha", f.beta),
            )),
            _ => Ok(()),
        }
    }

    /// Critical values and the error rate spent, without futility.
    fn critical(&self) -> Result<(Vec<f64>, Vec<f64>), Refusal> {
        match self.boundary {
            Boundary::Spending(spending) => {
                let spent: Vec<f64> = self
                    .information
                    .iter()
                    .map(|&t| spending.spent(self.alpha, self.sides, t))
                    .collect();
                let z = spend(&self.information, &spent, self.sides)?;
                Ok((z, spent))
            }
            Boundary::WangTsiatis(delta) => {
                let shape: Vec<f64> = self
                    .information
                    .iter()
                    .map(|t| t.powf(delta - 0.5))
                    .collect();
                let bounds = |c: f64| shape.iter().map(|s| c * s).collect::<Vec<f64>>();
                // No look alone may spend more than alpha, all together no less than Bonferroni.
                let single = normal_isf(self.alpha / f64::from(self.sides));
                let many =
                    normal_isf(self.alpha / f64::from(self.sides) / self.information.len() as f64);
                let lowest = shape.iter().copied().fold(f64::INFINITY, f64::min);
                let c = root::decreasing(0.0, many.max(single) / lowest + 1.0, TOLERANCE, |c| {
                    let crossed: f64 = cross(&self.information, &bounds(c), None, self.sides, 0.0)
                        .iter()
                        .sum();
                    crossed - self.alpha
                })
                .ok_or_else(|| Refusal::new("the constant of the boundary was not found"))?;
                let z = bounds(c);
                let mut total = 0.0;
                let spent = cross(&self.information, &z, None, self.sides, 0.0)
                    .into_iter()
                    .map(|p| {
                        total += p;
                        total
                    })
                    .collect();
                Ok((z, spent))
            }
        }
    }

    fn crossing(&self, looks: &[Look], drift: f64) -> Vec<f64> {
        let z: Vec<f64> = looks.iter().map(|l| l.z).collect();
        let futility: Option<Vec<f64>> = looks.iter().map(|l| l.futility).collect();
        cross(
            &self.information,
            &z,
            futility.as_deref(),
            self.sides,
            drift,
        )
    }

    /// The drift at which futility is judged; `None` without futility.
    pub(super) fn futility_drift(&self) -> Result<Option<f64>, Refusal> {
        let z: Vec<f64> = self.looks()?.iter().map(|l| l.z).collect();
        match &self.futility {
            Some(f) => Ok(Some(self.futility_bounds(&z, f)?.0)),
            None => Ok(None),
        }
    }

    /// The drift at which the futility bound meets the boundary at the last look, and the bound.
    fn futility_bounds(&self, z: &[f64], f: &Futility) -> Result<(f64, Vec<f64>), Refusal> {
        let spent: Vec<f64> = self
            .information
            .iter()
            .map(|&t| f.spending.spent(f.beta, 1, t))
            .collect();
        let drift = root::decreasing(0.0, MOST_DRIFT, 1e-11, |drift| {
            self.futility_at(z, &spent, drift).1
        })
        .ok_or_else(|| {
            Refusal::new("no futility bound spends that beta: the looks stop too early")
        })?;
        let (bounds, _) = self.futility_at(z, &spent, drift);
        if bounds.len() < z.len() {
            return Err(Refusal::new(
                "no futility bound spends that beta: the looks stop too early",
            ));
        }
        Ok((drift, bounds))
    }

    /// Bounds at a drift, and how much of the last look's failures the spending leaves over;
    /// negative where the drift is too large for a bound below the boundary.
    fn futility_at(&self, z: &[f64], spent: &[f64], drift: f64) -> (Vec<f64>, f64) {
        let t = &self.information;
        let last = t.len() - 1;
        let mut walk = Walk::new(drift);
        let mut bounds = Vec::with_capacity(t.len());
        let mut before = 0.0;
        for k in 0..last {
            let step = spent[k] - before;
            before = spent[k];
            let Some(a) = futility_bound(&walk, t[k], z[k], step) else {
                return (bounds, walk.below(t[k], z[k]) - step);
            };
            bounds.push(a);
            walk = walk.go_on(t[k], &continuing(z[k], Some(a), self.sides), t[k + 1]);
        }
        let failing = walk.below(t[last], z[last]);
        bounds.push(z[last]);
        (bounds, failing - (spent[last] - before))
    }
}

/// Refuses fractions that no design can have.
pub(super) fn check_fractions(t: &[f64]) -> Result<(), Refusal> {
    if t.is_empty() || t.len() > MOST_LOOKS {
        return Err(Refusal::new(format!(
            "{} looks; from 1 to {MOST_LOOKS} can be planned",
            t.len()
        )));
    }
    let mut before = 0.0;
    for (k, &now) in t.iter().enumerate() {
        if !(now.is_finite() && now > 0.0 && now <= 1.0) {
            return Err(Refusal::new(format!(
                "the information fraction {now} of look {} must be above 0 and at most 1",
                k + 1
            )));
        }
        if now - before < LEAST_STEP * now {
            return Err(Refusal::new(format!(
                "look {} brings no information beyond the look before: fractions must ascend",
                k + 1
            )));
        }
        before = now;
    }
    if before != 1.0 {
        return Err(Refusal::new(format!(
            "the last look has all the information: its fraction is 1, not {before}"
        )));
    }
    Ok(())
}
