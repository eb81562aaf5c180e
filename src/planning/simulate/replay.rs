//! The plan replayed on simulated customers, many times.

use rayon::prelude::*;

use crate::analysis::{self, Analysis, EstimateRow, Phase, Status, Unit};
use crate::error::{Kind, Result};
use crate::experiment::Experiment;
use crate::stats::random::Stream;
use crate::stats::{Estimand, Estimator};
use crate::table::Evidence;

use super::draw::{Drawing, Scenario};
use super::drawn::Drawn;
use super::population::Population;
use super::tally::Tallies;

/// Replays between two looks at the clock.
pub(super) const BATCH: u64 = 64;

/// What to replay.
pub struct Replay<'a> {
    /// The plan.
    pub experiment: &'a Experiment,
    /// Where customers come from.
    pub population: &'a Population,
    /// What happens to them.
    pub scenario: &'a Scenario,
    /// Draws of each permutation test and each bootstrap.
    pub draws: u32,
    /// Seed of everything.
    pub seed: u64,
}

impl Replay<'_> {
    /// Replays number `from` up to, not with, `to`; `tick` hears how many are done.
    ///
    /// Replay i is the same whatever else is replayed and on however many threads.
    ///
    /// # Errors
    /// A scenario out of its range, an analysis that fails for another reason than its data, or
    /// an interruption by `tick`.
    pub fn run(
        &self,
        from: u64,
        to: u64,
        tick: &(dyn Fn(u64) -> Result<()> + Sync),
    ) -> Result<Tallies> {
        let drawing = Drawing::new(self.population, self.scenario, self.experiment)?;
        let plan = self.plan();
        let truth = Truth::new(self, &plan);
        batches((from, to), tick, &|i| self.one(i, &plan, &drawing, &truth))
    }

    /// The plan with its primary outcome alone, and nothing that would change a unit.
    pub(super) fn plan(&self) -> Experiment {
        let mut plan = self.experiment.clone();
        let outcome = plan.primary_outcome().clone();
        plan.outcomes = vec![outcome];
        plan.analysis.per_days = None;
        plan.analysis.segments.clear();
        plan.analysis.permutations = self.draws;
        plan.analysis.bootstrap = self.draws;
        plan.decision.max_attrition_difference = None;
        plan
    }

    /// The plan and the evidence of replay `i`, as [`Replay::run`] analyses them.
    ///
    /// # Errors
    /// A scenario out of its range.
    pub fn pilot(&self, i: u64) -> Result<(Experiment, Evidence)> {
        let drawing = Drawing::new(self.population, self.scenario, self.experiment)?;
        let (plan, drawn) = self.draw(i, &self.plan(), &drawing)?;
        let evidence = drawn.evidence(&plan, &drawing)?;
        Ok((plan, evidence))
    }

    /// The plan and the customers of replay `i`.
    pub(super) fn draw(
        &self,
        i: u64,
        plan: &Experiment,
        drawing: &Drawing<'_>,
    ) -> Result<(Experiment, Drawn)> {
        let purpose = if self.scenario.reduction == 0.0 {
            "simulate/none"
        } else {
            "simulate/effect"
        };
        let mut g = Stream::new(purpose, &plan.name, self.seed).generator(i);
        let mut plan = plan.clone();
        plan.seed = g.bits();
        let drawn = drawing.draw(plan.seed, &mut g)?;
        Ok((plan, drawn))
    }

    fn one(
        &self,
        i: u64,
        plan: &Experiment,
        drawing: &Drawing<'_>,
        truth: &Truth,
    ) -> Result<Tallies> {
        let (mut plan, drawn) = self.draw(i, plan, drawing)?;
        let evidence = drawn.evidence(&plan, drawing)?;
        let mut tallies = Tallies {
            replays: 1,
            ..Tallies::default()
        };
        let analysis = match analysis::analyze(&plan, &evidence, Phase::Ended) {
            Err(e) if e.kind() == Kind::Data && plan.analysis.estimator.is_some() => {
                tallies.refused = 1;
                plan.analysis.estimator = None;
                let mut analysis = analysis::analyze(&plan, &evidence, Phase::Ended)?;
                // What stands in for the plan's estimator decides nothing here.
                analysis
                    .estimates
                    .iter_mut()
                    .for_each(|r| r.primary = false);
                analysis
            }
            other => other?,
        };
        count(&analysis, &plan, truth, &mut tallies);
        Ok(tallies)
    }
}

/// Replays number `from` up to, not with, `to`, a batch after the other.
pub(super) fn batches(
    (from, to): (u64, u64),
    tick: &(dyn Fn(u64) -> Result<()> + Sync),
    one: &(dyn Fn(u64) -> Result<Tallies> + Sync),
) -> Result<Tallies> {
    let mut all = Tallies::default();
    let mut next = from;
    while next < to {
        let end = to.min(next + BATCH);
        let seen: Vec<Result<Tallies>> = (next..end).into_par_iter().map(one).collect();
        for tallies in seen {
            all.merge(tallies?);
        }
        next = end;
        tick(next - from)?;
    }
    Ok(all)
}

/// The true values of a scenario.
pub(super) struct Truth {
    reduction: f64,
    uptake: f64,
    /// Mean without the intervention; `None` where a cap changes it.
    mean: Option<f64>,
    /// The same per unit of exposure, in the unit of rates.
    rate: Option<f64>,
    rate_unit: Option<Unit>,
}

impl Truth {
    fn new(replay: &Replay<'_>, plan: &Experiment) -> Self {
        let (mean, per_exposure) = replay.population.means();
        let keep = 1.0 - replay.scenario.zero_inflation;
        let capped = plan.outcomes[0].cap.is_some();
        let shown = replay
            .population
            .empty(plan)
            .map(|table| analysis::scale(plan, &plan.outcomes[0], &table));
        Truth {
            reduction: replay.scenario.reduction,
            uptake: replay.scenario.uptake.unwrap_or(1.0),
            mean: Some(mean * keep).filter(|_| !capped),
            rate: shown
                .as_ref()
                .map(|s| per_exposure * keep * s.rate)
                .filter(|_| !capped),
            rate_unit: shown.map(|s| s.rate_unit),
        }
    }

    /// Of rates in one unit.
    pub(super) fn of_rates(reduction: f64, rate: f64, unit: Unit) -> Self {
        Truth {
            reduction,
            uptake: 1.0,
            mean: Some(rate),
            rate: Some(rate),
            rate_unit: Some(unit),
        }
    }

    fn of(&self, row: &EstimateRow) -> Option<f64> {
        let reduction = match row.estimator {
            Estimator::Cace => self.reduction / self.uptake,
            _ => self.reduction,
        };
        match row.estimand {
            Estimand::Probability => (self.reduction == 0.0).then_some(0.5),
            _ if self.reduction == 0.0 => {
                Some(f64::from(u8::from(row.estimand == Estimand::Ratio)))
            }
            Estimand::Ratio => self.mean.map(|_| 1.0 - reduction),
            Estimand::Difference if Some(&row.unit) == self.rate_unit.as_ref() => {
                self.rate.map(|m| -reduction * m)
            }
            Estimand::Difference => self.mean.map(|m| -reduction * m),
        }
    }
}

/// Whether an interval holds a value; `None` without an interval.
fn covers(row: &EstimateRow, truth: f64) -> Option<bool> {
    if row.ci_lower.is_none() && row.ci_upper.is_none() {
        return None;
    }
    Some(row.ci_lower.is_none_or(|l| l <= truth) && row.ci_upper.is_none_or(|u| u >= truth))
}

/// Adds one analysis.
pub(super) fn count(analysis: &Analysis, plan: &Experiment, truth: &Truth, into: &mut Tallies) {
    let arms = plan.treatments().count() as f64;
    let alpha = plan.analysis.alpha;
    let mut keys: Vec<(Estimator, Estimand)> = analysis
        .estimates
        .iter()
        .filter(|r| r.segment.is_none())
        .map(|r| (r.estimator, r.estimand))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    for (estimator, estimand) in keys {
        let rows = || {
            let all = analysis.estimates.iter().filter(|r| r.segment.is_none());
            all.filter(|r| r.estimator == estimator && r.estimand == estimand)
        };
        let share = |flags: Vec<bool>| -> Option<f64> {
            let hits = flags.iter().filter(|f| **f).count() as f64;
            (!flags.is_empty()).then(|| hits / flags.len() as f64)
        };
        let mean = |values: Vec<f64>| -> Option<f64> {
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        let low = |p: Option<f64>| p.map(|p| p <= alpha);
        let adjusted = |r: &EstimateRow| low(r.p_adjusted.or(r.p_value));
        let tally = into.of(estimator, estimand);
        tally.computed.add(rows().count() as f64 / arms);
        tally.primary = rows().any(|r| r.primary);
        tally.truth = rows().find_map(|r| truth.of(r));
        let put = |sums: &mut super::tally::Sums, x: Option<f64>| {
            if let Some(x) = x {
                sums.add(x);
            }
        };
        put(
            &mut tally.rejected,
            share(rows().filter_map(|r| low(r.p_value)).collect()),
        );
        let any: Vec<bool> = rows().filter_map(adjusted).collect();
        put(
            &mut tally.any_rejected,
            (!any.is_empty()).then(|| f64::from(u8::from(any.contains(&true)))),
        );
        put(
            &mut tally.rejected_adjusted,
            share(rows().filter_map(|r| low(r.p_adjusted)).collect()),
        );
        put(
            &mut tally.covered,
            share(rows().filter_map(|r| covers(r, truth.of(r)?)).collect()),
        );
        put(
            &mut tally.error,
            mean(
                rows()
                    .filter_map(|r| Some(r.value - truth.of(r)?))
                    .collect(),
            ),
        );
        put(&mut tally.se, mean(rows().filter_map(|r| r.se).collect()));
        let first = rows().next().map(|r| match r.estimand {
            Estimand::Ratio => r.value.ln(),
            _ => r.value,
        });
        put(&mut tally.estimate, first.filter(|v| v.is_finite()));
    }
    let checks = analysis.checks.iter();
    let mut ids: Vec<&str> = checks
        .filter(|c| matches!(c.status, Status::Warn | Status::Stop))
        .map(|c| c.id.as_str())
        .chain(analysis.warnings.iter().map(|w| w.id.as_str()))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        *into.warnings.entry(id.into()).or_default() += 1;
    }
}
