//! A sequential plan as it runs: boundaries from the information that was really there.

use super::boundary::Boundary;
use super::crossing::{continuing, cross, futility_bound, spend_region, step_boundary};
use super::design::{Design, LEAST_STEP};
use super::root;
use super::stage_wise::Passed;
use super::walk::Walk;
use crate::stats::dist::normal_sf;
use crate::stats::estimate::Refusal;

/// Fractions of classical boundaries may differ from plan by this.
const DRIFT_OF_LOOKS: f64 = 0.05;
/// The p-values that are searched, in logs.
const SMALLEST_P: f64 = 1e-12;

/// A plan, ready for looks.
#[derive(Debug, Clone, PartialEq)]
pub struct Monitor {
    design: Design,
    /// Drift at which futility is judged.
    alternative: Option<f64>,
}

/// The information at a look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Now {
    /// Number of the look, from 1.
    pub number: usize,
    /// 1/SE², in the unit of the looks before.
    pub information: f64,
    /// The same over what was planned; 1 at the last look, whatever it has.
    pub fraction: f64,
    /// Whether it is held whatever it brings: the planned end, of this stage or of all.
    pub ending: bool,
}

/// What holds at a look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standard {
    /// Information now over the plan's; 1 at the last look.
    pub fraction: f64,
    /// Critical z.
    pub critical: f64,
    /// Its p-value on the design's sides.
    pub nominal_p: f64,
    /// Error rate spent up to this look.
    pub spent: f64,
    /// Futility bound; `None` without futility.
    pub futility: Option<f64>,
    /// Whether nothing is left to spend: the last look, by plan or by information.
    pub last: bool,
    /// Information used for the correlation with earlier looks; larger than observed
    /// where at the last look it had not grown.
    pub information: f64,
}

impl Monitor {
    /// A plan.
    ///
    /// # Errors
    /// As [`Design::looks`].
    pub fn new(design: Design) -> Result<Self, Refusal> {
        let alternative = design.futility_drift()?;
        Ok(Monitor {
            design,
            alternative,
        })
    }

    /// The design as planned.
    pub fn design(&self) -> &Design {
        &self.design
    }

    /// What holds at a look after the looks passed.
    ///
    /// *Formula* — spending functions: P₀(no crossing before, Z ≥ z) = α*(t_k) − α*(t_{k−1}) with the
    /// fractions t as they were; correlations √(I_j/I_k) are of the information itself, so
    /// that more or less of it than planned at the end keeps the error rate. Classical
    /// boundaries: the planned z, as long as the fraction is within .05 of plan.
    ///
    /// *Source* — Lan, K. and DeMets, D. (1983), Biometrika 70, 659-663; Jennison and Turnbull
    /// (2000), sect. 7.2-7.3.
    ///
    /// # Errors
    /// No such look; no information since the look before (but for the last, which stands);
    /// nothing to spend; classical fractions too far from plan.
    pub fn standard(&self, passed: &[Passed], now: Now) -> Result<Standard, Refusal> {
        self.standard_at(self.design.alpha, passed, now)
    }

    fn standard_at(&self, alpha: f64, passed: &[Passed], now: Now) -> Result<Standard, Refusal> {
        let planned = &self.design.information;
        if now.number == 0 || now.number > planned.len() {
            return Err(Refusal::new(format!(
                "the plan has {} looks; there is no look {}",
                planned.len(),
                now.number
            )));
        }
        let positive = |v: f64| v > 0.0 && v.is_finite();
        if !positive(now.information) || !positive(now.fraction) {
            return Err(Refusal::new("there is no information yet"));
        }
        let fraction = now.fraction.min(1.0);
        let grown = passed.last().map_or(0.0, |p| p.information) * (1.0 + 2.0 * LEAST_STEP);
        if !now.ending && now.information < grown {
            return Err(Refusal::new(
                "no information has come since the look before, so there is nothing to look at",
            ));
        }
        let used = now.information.max(grown);
        let sides = self.design.sides;
        let last = fraction >= 1.0;
        let (critical, spent) = match self.design.boundary {
            Boundary::Spending(spending) => {
                let spent = spending.spent(alpha, sides, fraction);
                let before = passed.last().map_or(0.0, |p| p.fraction);
                let tail = (spent - spending.spent(alpha, sides, before)) / f64::from(sides);
                let walk = passed_walk(passed, used, sides);
                let critical = step_boundary(&walk, used, tail).ok_or_else(|| {
                    Refusal::new(if last {
                        "the error rate was spent at an earlier look, which had all the planned information"
                    } else {
                        "this look may spend nothing of the error rate: it comes too early"
                    })
                })?;
                (critical, spent)
            }
            Boundary::WangTsiatis(_) => {
                let plan = planned[now.number - 1];
                if (fraction - plan).abs() > DRIFT_OF_LOOKS {
                    return Err(Refusal::new(format!(
                        "the boundary was made for {plan:.3} of the information at look {}, and {fraction:.3} is in: \
                         classical constants hold within {DRIFT_OF_LOOKS} of plan only, a spending function would allow it",
                        now.number
                    )));
                }
                let looks = Design {
                    alpha,
                    futility: None,
                    ..self.design.clone()
                }
                .looks()?;
                let look = looks[now.number - 1];
                (look.z, look.spent)
            }
        };
        Ok(Standard {
            fraction,
            critical,
            nominal_p: f64::from(sides) * normal_sf(critical),
            spent,
            futility: self.futility(passed, fraction, critical, last),
            last,
            information: used,
        })
    }

    /// Futility bound at this look, from the bounds at the looks before.
    fn futility(&self, passed: &[Passed], fraction: f64, critical: f64, last: bool) -> Option<f64> {
        let (futility, drift) = (self.design.futility?, self.alternative?);
        if last {
            return Some(critical);
        }
        let sides = self.design.sides;
        let all = passed.iter().map(|p| (p.fraction, p.critical));
        let looks: Vec<(f64, f64)> = all.chain([(fraction, critical)]).collect();
        let mut walk = Walk::new(drift);
        let (mut bound, mut before) = (None, 0.0);
        for (k, &(t, z)) in looks.iter().enumerate() {
            let spent = futility.spending.spent(futility.beta, 1, t);
            // Where the looks came late, even the whole way to the boundary spends less.
            let a = futility_bound(&walk, t, z, spent - before).unwrap_or(z);
            before = spent;
            bound = Some(a);
            if let Some(next) = looks.get(k + 1) {
                walk = walk.go_on(t, &continuing(z, Some(a), sides), next.0);
            }
        }
        bound
    }

    /// The smallest error rate at which the boundary of this look would be crossed: a p-value
    /// that may be read at every look, whether or not the pilot stops.
    ///
    /// *Formula* — the α' for which the critical value of this look, all looks re-made at α', is
    /// z (two-sided │z│); 1 where even α' = 1 is not enough.
    ///
    /// *Units* — to 1e-9.
    ///
    /// *Source* — Jennison and Turnbull (2000), sect. 9.1-9.2.
    ///
    /// # Errors
    /// As [`Monitor::standard`].
    pub fn repeated_p(&self, passed: &[Passed], now: Now, z: f64) -> Result<f64, Refusal> {
        let z = if self.design.sides == 1 { z } else { z.abs() };
        // Refuses what cannot be looked at, before the search takes it for a sign.
        let now = Now {
            information: self.standard(passed, now)?.information,
            ..now
        };
        let critical = |alpha: f64| -> f64 {
            let remade = self.remade(alpha, passed);
            let now = remade.and_then(|r| self.standard_at(alpha, &r, now));
            now.map_or(f64::INFINITY, |s| s.critical)
        };
        let most = 1.0 - 1e-9;
        if critical(most) > z {
            return Ok(1.0);
        }
        if critical(SMALLEST_P) <= z {
            // Beyond the search the first look's or Bonferroni's order of size is safe.
            return Ok(SMALLEST_P);
        }
        let log = root::decreasing(SMALLEST_P.ln(), most.ln(), 1e-10, |log| {
            critical(log.exp()) - z
        })
        .ok_or_else(|| Refusal::new("the repeated p-value was not found"))?;
        Ok(log.exp())
    }

    /// The looks passed, with the boundaries that they would have at another error rate.
    fn remade(&self, alpha: f64, passed: &[Passed]) -> Result<Vec<Passed>, Refusal> {
        let mut remade: Vec<Passed> = Vec::new();
        // A classical boundary does not rest on the looks before.
        if let Boundary::Spending(spending) = self.design.boundary {
            let sides = self.design.sides;
            let mut before = 0.0;
            for p in passed {
                let spent = spending.spent(alpha, sides, p.fraction);
                let walk = passed_walk(&remade, p.information, sides);
                let critical =
                    step_boundary(&walk, p.information, (spent - before) / f64::from(sides))
                        .ok_or_else(|| Refusal::new("an earlier look spent nothing"))?;
                before = spent;
                remade.push(Passed { critical, ..*p });
            }
        }
        Ok(remade)
    }
}

/// The pilots still going on after the looks passed, on their way to `next`.
fn passed_walk(passed: &[Passed], next: f64, sides: u8) -> Walk {
    let mut walk = Walk::new(0.0);
    for (k, p) in passed.iter().enumerate() {
        let next = passed.get(k + 1).map_or(next, |p| p.information);
        walk = walk.go_on(p.information, &spend_region(p.critical, sides), next);
    }
    walk
}

/// P₀(crossing at a look passed or now): the error rate of looks as they were made.
pub fn error_rate(passed: &[Passed], sides: u8) -> f64 {
    let t: Vec<f64> = passed.iter().map(|p| p.information).collect();
    let z: Vec<f64> = passed.iter().map(|p| p.critical).collect();
    cross(&t, &z, None, sides, 0.0).iter().sum()
}
