//! The model for one set of values, at base and on joint draws.

use std::ops::Range;

use rayon::prelude::*;

use crate::experiment::{Business, Experiment};
use crate::stats::random::Stream;

use super::assumption::{Assumptions, BEFORE_EFFECTS, Costs, Values};
use super::cash::{Avoided, Outcome, Prices, Sums};
use super::cohort::{Profile, Timetable};
use super::correction::{Correction, drawn};
use super::draws::Effects;

/// Joint draws behind the intervals and probabilities of a business case.
pub const DRAWS: u32 = 10_000;

/// What is the same in the base case and in every draw.
pub(super) struct Model<'a> {
    pub business: &'a Business,
    pub timetable: Timetable,
    pub arms: usize,
}

/// The model at one set of values: one outcome and its cumulative cash an arm.
pub(super) struct Base {
    pub values: Values,
    pub profile: Profile,
    pub prices: Prices,
    pub sums: Sums,
    pub outcomes: Vec<Outcome>,
    pub cumulative: Vec<f64>,
}

/// An arm in a draw as it was estimated: what the comparison of arms needs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Drawn {
    pub avoided: Avoided,
    pub contacts: f64,
    pub contacts_observed: f64,
    pub contacts_pv: f64,
    pub pv_spend: f64,
    /// Present value of the savings of a priced unit avoided per customer-month.
    pub slope: f64,
    pub npv: f64,
}

/// Draw by draw and arm by arm of `arms`: outcomes, and cumulative cash at month 0, 1, … H.
pub(super) struct Draws {
    pub arms: Range<usize>,
    pub outcomes: Vec<Outcome>,
    /// As estimated, without the correction for the choice.
    pub drawn: Vec<Drawn>,
    pub cumulative: Vec<f64>,
}

impl Draws {
    /// How many draws.
    pub fn count(&self) -> f64 {
        (self.outcomes.len() / self.arms.len().max(1)) as f64
    }
}

/// What differs from draw to draw.
pub(super) struct One {
    pub values: Values,
    /// The arms' effects as estimated.
    pub estimated: Vec<Avoided>,
    /// The same, corrected for the choice.
    pub corrected: Vec<Avoided>,
}

/// Most cumulative values that are held at once, 64 MiB: a hundred arms over fifty years would
/// fill 5 GB, and are drawn in blocks instead.
const HELD: usize = 1 << 23;

impl Model<'_> {
    /// The model at one set of values and effects.
    pub fn at(&self, values: Values, avoided: &[Avoided]) -> Base {
        let (mut profile, mut prices) = (Profile::default(), Prices::default());
        let mut outcomes = vec![Outcome::default(); self.arms];
        let mut cumulative = vec![0.0; self.arms * self.months()];
        let sums = self.prepare(&values, &mut profile, &mut prices);
        let run = Run {
            values: &values,
            profile: &profile,
            prices: &prices,
            sums: &sums,
        };
        run.fill(
            avoided,
            &values.costs,
            &mut outcomes,
            &mut cumulative,
            self.months(),
        );
        Base {
            profile,
            prices,
            sums,
            outcomes,
            cumulative,
            values,
        }
    }

    /// Arms that are drawn together; a draw's values do not depend on it.
    pub fn blocks(&self, draws: u32) -> impl Iterator<Item = Range<usize>> + use<> {
        let arms = self.arms;
        let size = (HELD / (draws as usize * self.months())).max(1);
        (0..arms)
            .step_by(size)
            .map(move |first| first..(first + size).min(arms))
    }

    /// All draws of a block of arms, each what `one` gives for its number.
    pub fn draw(&self, draws: u32, one: impl Fn(usize) -> One + Sync, arms: Range<usize>) -> Draws {
        let draws = draws as usize;
        let mut outcomes = vec![Outcome::default(); draws * arms.len()];
        let mut drawn = vec![Drawn::default(); draws * arms.len()];
        let mut cumulative = vec![0.0; draws * arms.len() * self.months()];
        outcomes
            .par_chunks_mut(arms.len())
            .zip(drawn.par_chunks_mut(arms.len()))
            .zip(cumulative.par_chunks_mut(arms.len() * self.months()))
            .enumerate()
            .for_each_init(
                || (Profile::default(), Prices::default()),
                |(profile, prices), (draw, ((outcomes, drawn), cumulative))| {
                    let One {
                        values,
                        estimated,
                        corrected,
                    } = one(draw);
                    let sums = self.prepare(&values, profile, prices);
                    let costs = &values.costs[arms.clone()];
                    let estimated = &estimated[arms.clone()];
                    for ((drawn, avoided), costs) in drawn.iter_mut().zip(estimated).zip(costs) {
                        *drawn = as_estimated(&sums, *avoided, costs);
                    }
                    let run = Run {
                        values: &values,
                        profile,
                        prices,
                        sums: &sums,
                    };
                    run.fill(
                        &corrected[arms.clone()],
                        costs,
                        outcomes,
                        cumulative,
                        self.months(),
                    );
                },
            );
        Draws {
            arms,
            outcomes,
            drawn,
            cumulative,
        }
    }

    fn prepare(&self, values: &Values, profile: &mut Profile, prices: &mut Prices) -> Sums {
        self.timetable.fill(values, profile);
        prices.fill(values, self.timetable.horizon());
        prices.sums(values, profile)
    }

    /// Points in time: month 0 and the H months.
    pub fn months(&self) -> usize {
        self.timetable.horizon() + 1
    }
}

/// A draw of the plan's own stream.
pub(super) fn streamed(
    assumptions: &Assumptions,
    effects: &Effects,
    corrections: &[Option<Correction>],
    stream: &Stream,
    draw: usize,
) -> One {
    let (uniforms, estimated) = one(assumptions, effects, stream, draw);
    One {
        values: assumptions.draw(&uniforms),
        corrected: drawn(&estimated, corrections),
        estimated,
    }
}

/// The stream of a plan's draws.
pub(super) fn stream_of(plan: &Experiment) -> Stream {
    Stream::new("finance", &plan.name, plan.seed)
}

/// The uniforms of a draw's assumptions, and its effects as estimated.
pub(super) fn one(
    assumptions: &Assumptions,
    effects: &Effects,
    stream: &Stream,
    draw: usize,
) -> (Vec<f64>, Vec<Avoided>) {
    let mut random = stream.generator(draw as u64);
    let mut uniforms: Vec<f64> = (0..BEFORE_EFFECTS).map(|_| random.uniform()).collect();
    let avoided = effects.draw(&mut random);
    uniforms.extend((BEFORE_EFFECTS..assumptions.len()).map(|_| random.uniform()));
    (uniforms, avoided)
}

fn as_estimated(sums: &Sums, avoided: Avoided, costs: &Costs) -> Drawn {
    let pv_spend =
        costs.fixed + costs.per_customer * sums.delivery_pv + costs.per_month * sums.running_pv;
    Drawn {
        avoided,
        contacts: avoided.contacts * sums.contacts,
        contacts_observed: avoided.contacts * sums.contacts_observed,
        contacts_pv: avoided.contacts * sums.contacts_pv,
        pv_spend,
        slope: sums.savings_pv,
        npv: avoided.priced * sums.savings_pv - pv_spend,
    }
}

/// One set of values, ready for arms.
struct Run<'a> {
    values: &'a Values,
    profile: &'a Profile,
    prices: &'a Prices,
    sums: &'a Sums,
}

impl Run<'_> {
    fn fill(
        &self,
        avoided: &[Avoided],
        costs: &[Costs],
        outcomes: &mut [Outcome],
        cumulative: &mut [f64],
        months: usize,
    ) {
        let months = cumulative.chunks_mut(months);
        let arms = avoided
            .iter()
            .zip(costs)
            .zip(outcomes.iter_mut().zip(months));
        for ((avoided, costs), (outcome, months)) in arms {
            *outcome = self.prices.outcome(
                self.values,
                self.profile,
                self.sums,
                *avoided,
                costs,
                months,
            );
        }
    }
}
