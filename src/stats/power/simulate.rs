//! Pilots drawn from the model and tested as they would be.

mod clusters;
mod counts;
mod law;
mod pairs;
mod wald;

use rayon::prelude::*;

use crate::stats::dist::{normal_sf, t_sf};
use crate::stats::estimate::Refusal;
use crate::stats::random::{Generator, Stream};
use crate::stats::sampling::LogFactorials;

use super::Question;
use super::criterion::Criterion;

/// What a replicate may cost in all, in units of a drawn count: about two seconds of one core.
const BUDGET: f64 = 4e7;
/// Fewer replicates say too little: a standard error of .02 at a power of .8.
const FEWEST: u32 = 400;

/// Share of simulated pilots that find the effect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Found {
    /// Share.
    pub share: f64,
    /// Monte-Carlo standard error: √(p(1 − p)/replicates).
    pub se: f64,
    /// Pilots.
    pub replicates: u32,
}

/// A statistic with its degrees of freedom; `None` is normal.
type Statistic = (f64, Option<f64>);

/// The two arms of the weakest comparison as they grow from look to look.
trait Pilot {
    /// Observes customers up to these numbers, control first.
    fn grow(&mut self, g: &mut Generator, upto: [u64; 2]);
    /// The plan's test of what was observed so far, positive for fewer contacts than the margin.
    fn statistic(&self) -> Option<Statistic>;
}

/// The model of one comparison.
struct Draws<'a> {
    q: &'a Question,
    /// Contacts of a customer of control.
    control: f64,
    /// Contacts of a treated customer who takes the intervention up.
    treated: f64,
    table: LogFactorials,
}

/// Share of pilots whose weakest comparison is significant in the direction of `ratio`; `None`
/// where nothing was asked for.
///
/// Each arm is drawn from the negative binomial law of the question; every customer's outcome
/// is missing with probability `attrition`; a treated customer takes the intervention up with
/// probability `uptake`. With a correlation, counts before and after share a part (see
/// [`pairs`]); with clusters, a gamma factor (see [`clusters`]). With looks, a pilot stops at
/// the first boundary that it crosses, on either side.
///
/// # Errors
/// What cannot be drawn, in words.
pub(super) fn power(
    q: &Question,
    ratio: Option<f64>,
    criterion: &Criterion,
    n: &[u64],
) -> Result<Option<Found>, Refusal> {
    let (Some(ratio), Some(&smallest)) = (ratio, n[1..].iter().min()) else {
        return Ok(None);
    };
    if q.replicates == 0 {
        return Ok(None);
    }
    let n = [n[0], smallest];
    let draws = Draws {
        q,
        control: q.contacts(),
        treated: q.contacts() * (1.0 - (1.0 - ratio) / q.uptake).max(0.0),
        table: LogFactorials::new(n[0].max(n[1])),
    };
    let plan = Plan {
        criterion,
        n,
        sign: if ratio < q.margin { 1.0 } else { -1.0 },
    };
    if q.clustered() {
        let model = clusters::Model::new(&draws)?;
        return plan.run(q, model.cost(n), || model.pilot()).map(Some);
    }
    let test = counts::Test::new(q)?;
    if q.correlation != 0.0 && test.adjusts() {
        let model = pairs::Model::new(&draws, test)?;
        return plan.run(q, model.cost(n), || model.pilot()).map(Some);
    }
    let model = counts::Model::new(&draws, test)?;
    plan.run(q, model.cost(n), || model.pilot()).map(Some)
}

/// When a pilot is looked at and what it must show.
struct Plan<'a> {
    criterion: &'a Criterion,
    n: [u64; 2],
    sign: f64,
}

impl Plan<'_> {
    /// Draws as many pilots as the budget allows, each from a stream of its own, so that
    /// threads change nothing.
    fn run<P: Pilot>(
        &self,
        q: &Question,
        cost: f64,
        pilot: impl Fn() -> P + Sync,
    ) -> Result<Found, Refusal> {
        let affordable = (BUDGET / cost.max(1.0)) as u32;
        let replicates = q.replicates.min(affordable);
        if replicates < FEWEST.min(q.replicates) {
            return Err(Refusal::new(
                "so many customers or contacts would take more than seconds to simulate",
            ));
        }
        let stream = Stream::new("power", "", q.seed);
        let found: u32 = (0..replicates)
            .into_par_iter()
            .map(|i| {
                let mut g = stream.generator(u64::from(i));
                u32::from(self.finds(&mut g, pilot()))
            })
            .sum();
        let share = f64::from(found) / f64::from(replicates);
        Ok(Found {
            share,
            se: (share * (1.0 - share) / f64::from(replicates)).sqrt(),
            replicates,
        })
    }

    fn finds(&self, g: &mut Generator, mut pilot: impl Pilot) -> bool {
        let end = [(1.0, self.criterion.critical)];
        let looks: Vec<(f64, f64)> = match self.criterion.boundaries.as_slice() {
            [] => end.to_vec(),
            looks => looks.iter().map(|b| (b.information, b.z)).collect(),
        };
        for (information, z) in looks {
            let upto = self.n.map(|n| (information * n as f64).round() as u64);
            pilot.grow(g, upto);
            let Some((t, df)) = pilot.statistic() else {
                continue;
            };
            if !exceeds(t.abs(), df, z) {
                continue;
            }
            return t * self.sign > 0.0;
        }
        false
    }
}

/// Whether t is as improbable as a normal z beyond `critical`.
fn exceeds(t: f64, df: Option<f64>, critical: f64) -> bool {
    match df {
        None => t > critical,
        Some(_) => t_sf(t, df) < normal_sf(critical),
    }
}
