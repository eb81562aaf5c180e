//! Pilots with a count before: pairs of counts with the correlation asked.

use crate::stats::estimate::Refusal;
use crate::stats::random::Generator;
use crate::stats::sampling::binomial;

use super::counts::{Test, cell};
use super::law::Law;
use super::{Draws, Pilot, Statistic};

/// Counts of one customer are drawn one by one; from here on a binomial takes as long.
const ONE_BY_ONE: u64 = 16;

/// Laws of what a customer's two counts share, and of what is each one's own.
///
/// *Formula* — before = C + A and after = C + B with C, A, B negative binomial of shapes ρ/φ and
/// (1 − ρ)/φ and one success probability: each sum has mean μ and variance μ + φμ², and
/// their correlation is ρ (Poisson where φ = 0). E(after | before) is linear with slope ρ. An
/// arm with fewer contacts keeps each contact after with the same probability, which leaves
/// its law negative binomial with the same φ.
pub struct Model<'a> {
    draws: &'a Draws<'a>,
    shared: Law,
    own: Law,
    /// Share of contacts that control keeps, and a treated customer who takes the intervention up.
    kept: [f64; 2],
    test: Test,
}

impl<'a> Model<'a> {
    /// # Errors
    /// A negative correlation, or as [`Law::new`].
    pub fn new(draws: &'a Draws<'a>, test: Test) -> Result<Self, Refusal> {
        let (rho, phi) = (draws.q.correlation, draws.q.dispersion);
        if rho < 0.0 {
            return Err(Refusal::new(
                "a negative correlation of counts before and after is not simulated",
            ));
        }
        let mean = draws.control.max(draws.treated);
        let part = |share: f64| Law::new(share * mean, phi / share);
        Ok(Model {
            shared: part(rho)?,
            own: part(1.0 - rho)?,
            kept: [draws.control / mean, draws.treated / mean],
            draws,
            test,
        })
    }

    /// What a replicate costs, in drawn counts.
    pub fn cost(&self, n: [u64; 2]) -> f64 {
        let customers = (n[0] + n[1]) as f64;
        let mean = self.draws.control.max(self.draws.treated);
        // Distinct pairs: about the area of an ellipse of two standard deviations each way.
        let spread = mean + self.draws.q.dispersion * mean * mean;
        let cells = customers.min(8.0 * (1.0 + spread));
        customers * (3.0 + mean.min(ONE_BY_ONE as f64) / 4.0) + self.test.cost(2.0 * cells)
    }

    /// A pilot without customers.
    pub fn pilot(&self) -> Pairs<'_> {
        Pairs {
            model: self,
            n: [0; 2],
            pairs: [Vec::new(), Vec::new()],
        }
    }

    fn keep(&self, g: &mut Generator, count: u64, share: f64) -> u64 {
        if share >= 1.0 {
            count
        } else if count < ONE_BY_ONE {
            (0..count).filter(|_| g.uniform() < share).count() as u64
        } else {
            binomial(g, &self.draws.table, count, share)
        }
    }
}

/// Counts before and after of each observed customer, by arm.
pub struct Pairs<'a> {
    model: &'a Model<'a>,
    n: [u64; 2],
    pairs: [Vec<(u32, u32)>; 2],
}

impl Pilot for Pairs<'_> {
    fn grow(&mut self, g: &mut Generator, upto: [u64; 2]) {
        let m = self.model;
        let q = m.draws.q;
        for (arm, upto) in upto.into_iter().enumerate() {
            let more = upto.saturating_sub(self.n[arm]);
            self.n[arm] = upto;
            let observed = more - binomial(g, &m.draws.table, more, q.attrition);
            for _ in 0..observed {
                let shared = m.shared.draw(g);
                let before = shared + m.own.draw(g);
                let base = (shared + m.own.draw(g)) as u64;
                let takes = arm == 1 && (q.uptake >= 1.0 || g.uniform() < q.uptake);
                let after = m.keep(g, base, m.kept[usize::from(takes)]);
                self.pairs[arm].push((before as u32, after as u32));
            }
        }
    }

    fn statistic(&self) -> Option<Statistic> {
        let mut cells = Vec::new();
        for (arm, pairs) in self.pairs.iter().enumerate() {
            let mut sorted = pairs.clone();
            sorted.sort_unstable();
            cells.extend(sorted.chunk_by(|a, b| a == b).map(|same| {
                let (x, y) = same[0];
                cell(
                    arm as u16,
                    Some(i64::from(x)),
                    i64::from(y),
                    same.len() as u64,
                )
            }));
        }
        self.model.test.on_cells(cells)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::power::Question;
    use crate::stats::random::Stream;
    use crate::stats::sampling::LogFactorials;

    #[test]
    fn pairs_have_their_means_variances_and_correlation() {
        let q = Question {
            correlation: 0.6,
            dispersion: 0.8,
            ..Question::default()
        };
        let draws = Draws {
            q: &q,
            control: 2.0,
            treated: 1.5,
            table: LogFactorials::new(100),
        };
        let model = Model::new(&draws, Test::Welch { margin: 1.0 }).unwrap();
        let mut pilot = model.pilot();
        let n = 200_000;
        let mut g = Stream::new("test", "pairs", 1).generator(0);
        pilot.grow(&mut g, [n, n]);
        for (pairs, mean) in pilot.pairs.iter().zip([2.0, 1.5]) {
            let over = |f: &dyn Fn(f64, f64) -> f64| {
                let sum: f64 = pairs.iter().map(|p| f(p.0.into(), p.1.into())).sum();
                sum / n as f64
            };
            let (mx, my) = (over(&|x, _| x), over(&|_, y| y));
            let vx = over(&|x, _| (x - mx).powi(2));
            let vy = over(&|_, y| (y - my).powi(2));
            let r = over(&|x, y| (x - mx) * (y - my)) / (vx * vy).sqrt();
            let variance = |m: f64| m + 0.8 * m * m;
            // Five standard errors of a mean; a variance of such skewed counts is known to 3 %.
            assert!((mx - 2.0).abs() < 5.0 * (variance(2.0) / n as f64).sqrt());
            assert!((my - mean).abs() < 5.0 * (variance(mean) / n as f64).sqrt());
            assert!((vx / variance(2.0) - 1.0).abs() < 0.03, "{vx}");
            assert!((vy / variance(mean) - 1.0).abs() < 0.03, "{vy}");
            // ρ·ratio·σ₀/σ₁ where contacts are thinned.
            let expected = 0.6 * mean / 2.0 * (variance(2.0) / variance(mean)).sqrt();
            assert!((r - expected).abs() < 0.01, "{r} {expected}");
        }
    }
}
