//! Random assignments.

use rayon::prelude::*;

use crate::stats::random::{Generator, Stream};
use crate::stats::resampling::{BATCH, CHUNK, Law, Scores, Urn, sub_stream};

use super::problem::{Measure, Problem, Stratum, Sums, Tally};
use super::{Extreme, Hits};

impl Problem {
    /// Random assignments at least as extreme as the observed one.
    ///
    /// Stratum by stratum, so that its tables stay in the cache and only one's are in memory.
    pub(super) fn simulate(&self, extreme: &Extreme, draws: u32, stream: &Stream) -> Hits {
        let mut hits = Hits::default();
        for first in (0..draws as usize).step_by(BATCH) {
            let mut tallies = vec![Tally::default(); BATCH.min(draws as usize - first)];
            for (i, s) in self.strata.iter().enumerate() {
                self.assign(s, &mut tallies, |chunk| {
                    stream.generator(sub_stream(i, first / CHUNK + chunk))
                });
            }
            hits = tallies
                .iter()
                .map(|t| extreme.hits(&t.outcome(self), 1))
                .fold(hits, |a, b| a + b);
        }
        hits
    }

    /// Adds a random assignment of a stratum to each tally.
    fn assign(
        &self,
        s: &Stratum,
        tallies: &mut [Tally],
        generator: impl Fn(usize) -> Generator + Sync,
    ) {
        let sizes = s.categories.iter().map(|c| c.customers).collect();
        let urn = Urn::new(sizes, Law::WithoutReplacement(s.treated));
        let sheet = Sheet::new(s, self.measure);
        let chunks = tallies.par_chunks_mut(CHUNK).enumerate();
        chunks.for_each(|(chunk, tallies)| {
            let mut g = generator(chunk);
            let mut counts = vec![0; s.categories.len()];
            for tally in tallies {
                urn.draw(&mut g, &mut counts);
                tally.add(self, s, &sheet.sums(&counts));
            }
        });
    }
}

/// What is summed over the treated customers.
enum Sheet {
    /// y, y².
    Mean(Scores<2>),
    /// y, y², e, e², e·y.
    Rate(Scores<5>),
}

impl Sheet {
    fn new(s: &Stratum, measure: Measure) -> Self {
        let scores = s.categories.iter().map(|c| c.score);
        // Σ│y│ and Σe·y are below Σy² + Σe².
        let bound = s.total.yy.max(s.total.ee);
        match measure {
            Measure::Mean => Sheet::Mean(Scores::new(scores.map(|s| [s.y, s.yy]), bound)),
            Measure::Rate => {
                let all = scores.map(|s| [s.y, s.yy, s.e, s.ee, s.ey]);
                Sheet::Rate(Scores::new(all, bound))
            }
        }
    }

    #[inline]
    fn sums(&self, counts: &[u64]) -> Sums {
        match self {
            Sheet::Mean(scores) => {
                let [y, yy] = scores.sums(counts);
                Sums {
                    y,
                    yy,
                    ..Sums::default()
                }
            }
            Sheet::Rate(scores) => {
                let [y, yy, e, ee, ey] = scores.sums(counts);
                Sums { y, yy, e, ee, ey }
            }
        }
    }
}
