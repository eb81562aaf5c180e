//! p-value, estimate and interval over a first stage, with its looks, and a second of
//! separate customers, whose size may rest on all that the first has shown.

use super::combination::{inverse_normal, on_both, stage_fractions};
use super::crossing::spend_region;
use super::root;
use super::stage_wise::Passed;
use super::walk::Walk;
use crate::stats::estimate::Refusal;

/// A stage's own estimate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// The effect; positive is good.
    pub effect: f64,
    /// Standard error for which effect/se is the stage's z.
    pub se: f64,
}

/// Where a pilot of two stages stands after both.
///
/// *Formula* — with ω_k = w_k/√(w₁² + w₂²), the combined z is Σ ω_k θ̂_k/se_k
/// ([`inverse_normal`]); the estimate that belongs to it is θ̂ = z·se with
/// 1/se = Σ ω_k/se_k, inverse-variance pooling where the second stage has the planned
/// information, and se is its standard error whatever the sizes.
/// Outcomes are ordered by stages as in [`StageWise`](super::StageWise). For an effect θ the
/// order's tail is P_θ = Σ_{looks of the first} P(cross up first there) + P(reach the
/// second, combined z ≥ what was seen), where the first stage's z has mean θ/se₁ and
/// the combined one θ/se, with the second stage's se as it came out. For every θ this is a
/// p-value of that θ by the combination test of the centred stages, so it does not matter how
/// se₂ was chosen: p is its value at θ = 0 (two-sided: twice the smaller tail), the
/// median-unbiased estimate the θ where it is ½, the ends of the interval where it is α/2 and
/// 1 − α/2.
///
/// *Units* — effects, in those of the stages' estimates. p to 1e-9, effects to 1e-8 se.
///
/// *Assumes* — weights and first boundary fixed before the first data; each stage's estimate
/// normal with its standard error, independent of the other stage given the second's size.
///
/// *Source* — Brannath, W., Posch, M. and Bauer, P. (2002), J. Amer. Statist. Assoc. 97,
/// 236-244 (overall p-values and intervals of combination tests); Lehmacher, W. and Wassmer,
/// G. (1999), Biometrics 55, 1286-1290; Wassmer, G. and Brannath, W. (2016), Group Sequential
/// and Confirmatory Adaptive Designs in Clinical Trials, ch. 8.
#[derive(Debug, Clone)]
pub struct TwoStages {
    /// Information fraction and boundary of the first stage's looks, its end last.
    looks: Vec<(f64, f64)>,
    stages: [Stage; 2],
    /// ω: squares sum to 1.
    weights: [f64; 2],
    sides: u8,
    z: f64,
    se: f64,
}

/// A combined z beyond this is taken as this: its p is 1e-1000.
const MOST_Z: f64 = 37.0;

impl TwoStages {
    /// The looks of the first stage, its planned end last; the estimates of both stages at
    /// their ends; the weights of the first plan.
    ///
    /// # Errors
    /// As [`inverse_normal`]; no look; looks whose information does not grow; a standard error
    /// that is not above 0; sides other than 1 and 2.
    pub fn new(
        looks: &[Passed],
        stages: [Stage; 2],
        weights: [f64; 2],
        sides: u8,
    ) -> Result<Self, Refusal> {
        if stages.iter().any(|s| !(s.se > 0.0 && s.se.is_finite())) {
            return Err(Refusal::new(
                "a stage's estimate has no standard error above 0",
            ));
        }
        if sides != 1 && sides != 2 {
            return Err(Refusal::new(format!(
                "a test has 1 or 2 sides, not {sides}"
            )));
        }
        let z = inverse_normal(&stages.map(|s| s.effect / s.se), &weights)?;
        let looks: Vec<(f64, f64)> = on_both(looks, weights)?
            .iter()
            .map(|l| (l.information, l.critical))
            .collect();
        let mut before = 0.0;
        for (t, critical) in &looks {
            let grows = t.is_finite() && *t > before && *t < 1.0;
            if !grows || critical.is_nan() {
                return Err(Refusal::new(
                    "the information did not grow from look to look, so the looks have no order",
                ));
            }
            before = *t;
        }
        let first = stage_fractions(&weights)[0];
        let weights = [first.sqrt(), (1.0 - first).sqrt()];
        let se = 1.0 / (weights[0] / stages[0].se + weights[1] / stages[1].se);
        Ok(TwoStages {
            looks,
            stages,
            weights,
            sides,
            z: z.clamp(-MOST_Z, MOST_Z),
            se,
        })
    }

    /// The combined statistic.
    pub fn z(&self) -> f64 {
        self.z
    }

    /// The estimate that belongs to it, z times [`TwoStages::se`]: both stages' by their shares.
    pub fn effect(&self) -> f64 {
        let parts = self.stages.iter().zip(self.shares());
        parts.map(|(stage, share)| share * stage.effect).sum()
    }

    /// Its standard error.
    pub fn se(&self) -> f64 {
        self.se
    }

    /// Share of each stage in the estimate; they sum to 1.
    pub fn shares(&self) -> [f64; 2] {
        [0, 1].map(|k| self.weights[k] / self.stages[k].se * self.se)
    }

    /// p-value over both stages: one-sided towards a good effect, or two-sided; of one comparison.
    pub fn p(&self) -> f64 {
        let upper = self.more_extreme(self.z, 0.0);
        match self.sides {
            1 => upper.min(1.0),
            _ => (2.0 * upper.min(self.more_extreme(-self.z, 0.0))).min(1.0),
        }
    }

    /// The effect at which something more extreme has probability `tail`: ½ gives the
    /// median-unbiased estimate, α/2 the lower end.
    ///
    /// # Errors
    /// A tail outside 0 to 1, or an effect beyond what can be integrated.
    pub fn effect_at(&self, tail: f64) -> Result<f64, Refusal> {
        if !(tail > 0.0 && tail < 1.0) {
            return Err(Refusal::new("the tail must lie between 0 and 1"));
        }
        let value = self.effect();
        // Below, the first stage's own boundary must be out of reach too.
        let low = value.min(0.0) - 50.0 * self.se.max(self.stages[0].se);
        let high = value + 50.0 * self.se;
        root::increasing(low, high, 1e-10 * self.se, |effect| {
            self.more_extreme(self.z, effect) - tail
        })
        .ok_or_else(|| Refusal::new("the interval was not found"))
    }

    /// P_θ(more extreme than `z`).
    pub fn more_extreme(&self, z: f64, effect: f64) -> f64 {
        // Mean of each stage's z over its part of the information.
        let drift = |k: usize| effect / (self.stages[k].se * self.weights[k]);
        let mut walk = Walk::new(drift(0));
        let mut crossed = 0.0;
        for (k, &(t, critical)) in self.looks.iter().enumerate() {
            crossed += walk.above(t, critical);
            let next = self.looks.get(k + 1).map_or(1.0, |l| l.0);
            walk = walk.go_on(t, &spend_region(critical, self.sides), next);
        }
        crossed + walk.turned(drift(1)).above(1.0, z)
    }
}
