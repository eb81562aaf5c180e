//! The effect of the arm that was chosen because it looked best.

use crate::analysis::JointEffect;
use crate::stats::dist::normal_cdf;
use crate::stats::winner::Winner;

use super::cash::Avoided;
use super::cohort::DAYS_PER_MONTH;
use super::model::{DrawsSummary, Priced};
use super::run::Base;

/// β of the hybrid estimate over the plan's α.
pub const BETA_OVER_ALPHA: f64 = 0.1;

/// Ends of the grid of standardised draws: beyond them the projection interval ends.
const ENDS: f64 = 6.0;
/// Points of the grid, .02 apart: between them the curve is a straight line to 1e-4 of a standard error.
const POINTS: usize = 601;

/// What every arm's choice compares: net benefit, an affine function of its effect.
struct Contest<'a> {
    /// Estimates.
    pub estimates: &'a [Avoided],
    /// Standard errors of what has a price, per customer-month.
    pub se_priced: &'a [f64],
    /// Standard errors of contacts, per customer-month.
    pub se_contacts: &'a [f64],
    /// Covariance of what has a price, per customer-month.
    pub cov: &'a [Vec<f64>],
    /// Net present value of a priced unit avoided per customer-month, the same for all.
    pub slope: f64,
    /// Present value of what each arm costs.
    pub costs: &'a [f64],
}

/// From an arm's draws as estimated to its draws given that it was chosen, in standard errors from
/// its estimate.
#[derive(Debug, Clone)]
pub(super) struct Correction {
    /// The median-unbiased estimate.
    pub shift: f64,
    /// Corrected draws at the points of the grid.
    curve: Vec<f64>,
    estimate: Avoided,
    se_contacts: f64,
    se_priced: f64,
}

impl Contest<'_> {
    /// Net benefit of each arm as estimated.
    pub fn benefits(&self) -> Vec<f64> {
        let arms = self.estimates.iter().zip(self.costs);
        arms.map(|(e, cost)| self.slope * e.priced - cost).collect()
    }

    /// The correction of every arm for having been chosen from itself and those with no larger
    /// benefit: for the best arm the choice among all, and for the next one the choice that is left
    /// where those above it fail another condition. `None` where an arm beats nobody, or has no error.
    ///
    /// *Formula* — the hybrid estimate of [`Winner`] on net benefits X_k = S·δ_k − C_k with covariance
    /// S²·Σ; the draw z standard errors from the estimate becomes the hybrid confidence distribution's
    /// quantile at Φ(z). Without selection that is the draw itself.
    pub fn corrections(&self, alpha: f64) -> Vec<Option<Correction>> {
        let benefits = self.benefits();
        let square = self.slope * self.slope;
        let cov: Vec<Vec<f64>> = self
            .cov
            .iter()
            .map(|row| row.iter().map(|c| c * square).collect())
            .collect();
        (0..benefits.len())
            .map(|k| {
                let beaten: Vec<usize> = (0..benefits.len())
                    .filter(|j| *j != k && benefits[*j] <= benefits[k])
                    .collect();
                if beaten.is_empty() || self.slope <= 0.0 {
                    return None;
                }
                let beta = BETA_OVER_ALPHA * alpha;
                let winner = Winner::new(&benefits, &cov, k, &beaten, beta).ok()?;
                let se = self.slope * self.se_priced[k];
                let standard = |benefit: f64| (benefit - benefits[k]) / se;
                Some(Correction {
                    shift: standard(winner.estimate()),
                    curve: (0..POINTS)
                        .map(|i| standard(winner.quantile(normal_cdf(grid(i)))))
                        .collect(),
                    estimate: self.estimates[k],
                    se_contacts: self.se_contacts[k],
                    se_priced: self.se_priced[k],
                })
            })
            .collect()
    }
}

/// Errors of the arms' effects per customer-month.
pub(super) struct Spread {
    pub contacts: Vec<f64>,
    /// Of what has a price.
    pub priced: Vec<f64>,
    /// Of what has a price for every reason; as `priced` where that is not known.
    pub every: Vec<f64>,
    /// Covariance of what has a price.
    pub cov: Vec<Vec<f64>>,
}

impl Spread {
    /// Of a joint effect.
    pub fn new(effect: &JointEffect, priced: Priced) -> Self {
        let per_month = |cov: &[Vec<f64>]| -> Vec<Vec<f64>> {
            let square = DAYS_PER_MONTH * DAYS_PER_MONTH;
            cov.iter()
                .map(|row| row.iter().map(|c| c * square).collect())
                .collect()
        };
        let roots = |cov: &[Vec<f64>]| -> Vec<f64> {
            (0..cov.len()).map(|k| cov[k][k].max(0.0).sqrt()).collect()
        };
        let contacts = per_month(&effect.cov);
        let cov = match (&effect.minutes, priced) {
            (Some(minutes), Priced::Minutes) => per_month(&minutes.cov),
            _ => contacts.clone(),
        };
        let every = match &effect.every_reason {
            Some(every) => roots(&per_month(&every.cov)),
            None => roots(&cov),
        };
        Spread {
            contacts: roots(&contacts),
            priced: roots(&cov),
            every,
            cov,
        }
    }

    /// Of embedded draws.
    pub fn told(draws: &DrawsSummary) -> Self {
        let contacts: Vec<f64> = draws.effects.iter().map(|e| e.contacts_se).collect();
        let effects = draws.effects.iter();
        let priced = effects.map(|e| e.minutes_se.unwrap_or(e.contacts_se));
        let priced: Vec<f64> = priced.collect();
        let every = draws.effects.iter().zip(&priced);
        Spread {
            every: every
                .map(|(e, priced)| e.every_reason.as_ref().map_or(*priced, |e| e.se))
                .collect(),
            priced,
            contacts,
            cov: draws.covariance.clone(),
        }
    }

    /// Standard errors of all.
    pub fn errors(&self) -> Vec<Avoided> {
        (0..self.contacts.len())
            .map(|k| Avoided {
                contacts: self.contacts[k],
                priced: self.priced[k],
                every: self.every[k],
            })
            .collect()
    }

    /// Corrections for the choice by NPV, or without cash by contacts avoided.
    pub fn corrections(
        &self,
        estimates: &[Avoided],
        estimated: &Base,
        cash: bool,
        alpha: f64,
    ) -> Vec<Option<Correction>> {
        let costs: Vec<f64> = match cash {
            true => estimated.outcomes.iter().map(|o| o.pv_spend).collect(),
            false => vec![0.0; estimates.len()],
        };
        Contest {
            estimates,
            se_priced: &self.priced,
            se_contacts: &self.contacts,
            cov: &self.cov,
            slope: if cash { estimated.sums.savings_pv } else { 1.0 },
            costs: &costs,
        }
        .corrections(alpha)
    }
}

/// The effects of the case: as estimated, or corrected for the choice.
pub(super) fn corrected(estimates: &[Avoided], corrections: &[Option<Correction>]) -> Vec<Avoided> {
    let both = estimates.iter().zip(corrections);
    both.map(|(estimate, c)| c.as_ref().map_or(*estimate, Correction::effect))
        .collect()
}

/// The same of a draw.
pub(super) fn drawn(estimated: &[Avoided], corrections: &[Option<Correction>]) -> Vec<Avoided> {
    let both = estimated.iter().zip(corrections);
    both.map(|(drawn, c)| c.as_ref().map_or(*drawn, |c| c.draw(*drawn)))
        .collect()
}

fn grid(i: usize) -> f64 {
    -ENDS + 2.0 * ENDS * i as f64 / (POINTS - 1) as f64
}

impl Correction {
    /// The median-unbiased effect. For every reason it moves as far as what the primary outcome
    /// counts does: contacts for other reasons had no part in the choice.
    pub fn effect(&self) -> Avoided {
        self.moved(self.shift, self.estimate)
    }

    /// A draw as it is given the choice.
    pub fn draw(&self, drawn: Avoided) -> Avoided {
        let z = (drawn.priced - self.estimate.priced) / self.se_priced;
        let place = ((z + ENDS) / (2.0 * ENDS)).clamp(0.0, 1.0) * (POINTS - 1) as f64;
        let below = (place.floor() as usize).min(POINTS - 2);
        let part = place - below as f64;
        let shift = self.curve[below] + part * (self.curve[below + 1] - self.curve[below]);
        self.moved(shift, drawn)
    }

    /// So many standard errors from the estimate, instead of `from`.
    fn moved(&self, shift: f64, from: Avoided) -> Avoided {
        let priced = self.estimate.priced + shift * self.se_priced;
        Avoided {
            contacts: self.estimate.contacts + shift * self.se_contacts,
            priced,
            every: from.every + (priced - from.priced),
        }
    }
}
