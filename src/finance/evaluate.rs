//! The business case: the base case once, then the same model on joint draws.

use std::ops::Range;

use rayon::prelude::*;

use crate::analysis::JointEffect;
use crate::error::{Error, Result};
use crate::experiment::{Arm, Assumption, Business, Experiment, currency_minor_digits};
use crate::stats::random::Stream;

use super::assumption::{Assumptions, Values};
use super::cash::{Costs, Outcome, Prices, Sums};
use super::cohort::{DAYS_PER_MONTH, Profile, Timetable};
use super::describe::{assumption_rows, notes, why_no_cash};
use super::draws::Effects;
use super::lines::Lines;
use super::model::BusinessCase;

/// Joint draws behind the intervals and probabilities of a business case.
pub const DRAWS: u32 = 10_000;

/// The business case of a pilot whose roll-out starts in calendar month `start_month` (1 is January).
///
/// Money in major units of the plan's currency, unrounded; intervals are equal-tailed at
/// 1 − alpha of the plan's `[analysis]`, from [`DRAWS`] joint draws seeded by the plan. The
/// same arguments give the same bytes on any number of threads.
///
/// *Formula* — δ = contacts avoided per customer-day × 30.4375; the months of the
/// roll-out, t = 1..H:
/// reached_u = (1 − holdout)·((r_u − r_{u−1})·units + new), r_t = min(1, t/ramp);
/// avoided_t = δ/g·season_t·Σ_{u ≤ t} reached_u (1 − churn)^(t−u) f((t − u) mod repeat),
/// f(m) = 2^(−m/half-life), g = the mean of f over the months of the pilot's after window
/// (its last month in part);
/// saving_t = avoided_t·(variable + labour·realisation after the lag), at the end of the month;
/// delivery and running cost at its start; fixed cost at 0; monthly discounting at the annual rate.
///
/// *Readings* of what a plan leaves open:
/// - Base case: the mean of each assumption; of a cut normal, the mean that the plan states.
/// - Running cost is paid at the start of the month, as delivery is.
/// - Labour freed before the lag has passed is never cash; it is not paid out later.
/// - "Observed only": each customer's effect ends after as many months as the pilot's window
///   had, even where repeats follow; the spend stays.
/// - Payback is month 1 at the earliest, and by month ends; `probability_payback` is of the plain one.
/// - Budget share: savings of the horizon's last twelve months (or of all, per year, where it is
///   shorter) over the annual service budget: ramp and lag are over, fade and churn have bitten.
///   Unrealised: the same with all freed labour counted.
/// - Where the plan is silent on the fade, contacts are counted as "observed only".
/// - A draw without contacts avoided has no bounded cost per contact avoided: it counts above all others.
///
/// *Assumes* — a flat prior on the effects; assumptions independent of one another and of the
/// effects, and shared by all arms of a draw.
///
/// `no_cash_because` is set, and every amount of money `None`, where a cash NPV cannot be honest:
/// no cost per contact, no `realisation`, no `half_life_months`, or a cost per minute (handling
/// seconds are not yet part of the effect). Without `units_at_rollout` there are no arms either.
///
/// # Errors
/// A plan error names the key of an assumption outside its domain, or that is so large that
/// money has no finite value; an internal error names a joint effect that does not fit the plan.
pub fn evaluate(
    effect: &JointEffect,
    experiment: &Experiment,
    start_month: u8,
) -> Result<BusinessCase> {
    let business = experiment.business.as_ref().ok_or_else(|| {
        Error::plan("the plan has no assumptions for a business case").key("business")
    })?;
    let minor_digits = currency_minor_digits(&business.currency)
        .and_then(|digits| u8::try_from(digits).ok())
        .ok_or_else(|| {
            let code = &business.currency;
            Error::plan(format!("{code} is not an ISO 4217 code")).key("business.currency")
        })?;
    let timetable = Timetable::new(business, start_month, effect.window_days)?;
    let assumptions = Assumptions::new(
        business,
        business.units_at_rollout.unwrap_or(Assumption::Fixed(0.0)),
    )?;
    let effects = Effects::new(effect)?;
    let arms = effect
        .arms
        .iter()
        .map(|name| find_arm(experiment, name))
        .collect::<Result<Vec<_>>>()?;
    let no_cash_because = why_no_cash(business);
    let mut case = BusinessCase {
        currency: business.currency.clone(),
        minor_digits,
        horizon_months: business.horizon_months,
        level: 1.0 - experiment.analysis.alpha,
        draws: DRAWS,
        arms: Vec::new(),
        cashflow: Vec::new(),
        assumptions: assumption_rows(&assumptions, business, &arms),
        notes: notes(
            business,
            experiment.analysis.estimator.as_deref(),
            no_cash_because.is_none(),
        ),
        no_cash_because,
    };
    if business.units_at_rollout.is_none() {
        return Ok(case);
    }

    let model = Model {
        costs: arms.iter().map(|arm| Costs::from(*arm)).collect(),
        business,
        timetable,
    };
    let base = model.base(&assumptions, effect);
    let cash = case.no_cash_because.is_none();
    for block in model.blocks() {
        let draws = model.draw(&assumptions, &effects, experiment, block.clone());
        let lines = Lines {
            model: &model,
            effect,
            base: &base,
            draws: &draws,
            level: case.level,
        };
        for k in block {
            let mut arm = lines.arm(k)?;
            if cash {
                lines.add_money(k, &mut arm, experiment.decision.max_payback_months);
                case.cashflow.extend(lines.cashflow(k));
            }
            case.arms.push(arm);
        }
    }
    Ok(case)
}

fn find_arm<'a>(experiment: &'a Experiment, name: &str) -> Result<&'a Arm> {
    let arm = experiment.arms.iter().find(|a| a.name == name);
    let arm = arm.ok_or_else(|| {
        Error::internal(format!(
            "the joint effect has an arm {name} that the plan has not"
        ))
    })?;
    for (key, cost) in [
        ("fixed_cost", arm.fixed_cost),
        ("cost_per_customer", arm.cost_per_customer),
        ("running_cost_per_month", arm.running_cost_per_month),
    ] {
        if !(cost.is_finite() && cost >= 0.0) {
            return Err(Error::plan(format!("{key} of arm {name} must not be negative")).key(key));
        }
    }
    Ok(arm)
}

/// What is the same in the base case and in every draw.
pub(super) struct Model<'a> {
    pub business: &'a Business,
    pub timetable: Timetable,
    pub costs: Vec<Costs>,
}

/// The base case: one outcome and its cumulative cash an arm.
pub(super) struct Base {
    pub values: Values,
    pub profile: Profile,
    pub prices: Prices,
    pub sums: Sums,
    pub outcomes: Vec<Outcome>,
    pub cumulative: Vec<f64>,
}

/// Draw by draw and arm by arm of `arms`: outcomes, and cumulative cash at month 0, 1, … H.
pub(super) struct Draws {
    pub arms: Range<usize>,
    pub outcomes: Vec<Outcome>,
    pub cumulative: Vec<f64>,
}

/// Most cumulative values that are held at once, 64 MiB: a hundred arms over fifty years would
/// fill 5 GB, and are drawn in blocks instead.
const HELD: usize = 1 << 23;

impl Model<'_> {
    fn base(&self, assumptions: &Assumptions, effect: &JointEffect) -> Base {
        let values = assumptions.base();
        let (mut profile, mut prices) = (Profile::default(), Prices::default());
        let mut outcomes = vec![Outcome::default(); self.costs.len()];
        let mut cumulative = vec![0.0; self.costs.len() * self.months()];
        let sums = self.run(
            &values,
            &effect.mean,
            &self.costs,
            &mut profile,
            &mut prices,
            &mut outcomes,
            &mut cumulative,
        );
        Base {
            values,
            profile,
            prices,
            sums,
            outcomes,
            cumulative,
        }
    }

    /// Arms that are drawn together; a draw's values do not depend on it.
    fn blocks(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let arms = self.costs.len();
        let size = (HELD / (DRAWS as usize * self.months())).max(1);
        (0..arms)
            .step_by(size)
            .map(move |first| first..(first + size).min(arms))
    }

    fn draw(
        &self,
        assumptions: &Assumptions,
        effects: &Effects,
        plan: &Experiment,
        arms: Range<usize>,
    ) -> Draws {
        let draws = DRAWS as usize;
        let stream = Stream::new("finance", &plan.name, plan.seed);
        let mut outcomes = vec![Outcome::default(); draws * arms.len()];
        let mut cumulative = vec![0.0; draws * arms.len() * self.months()];
        outcomes
            .par_chunks_mut(arms.len())
            .zip(cumulative.par_chunks_mut(arms.len() * self.months()))
            .enumerate()
            .for_each_init(
                || (Profile::default(), Prices::default()),
                |(profile, prices), (draw, (outcomes, cumulative))| {
                    let mut random = stream.generator(draw as u64);
                    let values = assumptions.draw(|| random.uniform());
                    let avoided = effects.draw(&mut random);
                    self.run(
                        &values,
                        &avoided.as_slice()[arms.clone()],
                        &self.costs[arms.clone()],
                        profile,
                        prices,
                        outcomes,
                        cumulative,
                    );
                },
            );
        Draws {
            arms,
            outcomes,
            cumulative,
        }
    }

    /// The model for one set of values, and for the arms whose contacts avoided per customer-day
    /// and whose costs are given.
    #[allow(clippy::too_many_arguments)] // four inputs and the buffers that the draws use again
    fn run(
        &self,
        values: &Values,
        avoided: &[f64],
        costs: &[Costs],
        profile: &mut Profile,
        prices: &mut Prices,
        outcomes: &mut [Outcome],
        cumulative: &mut [f64],
    ) -> Sums {
        self.timetable.fill(values, profile);
        prices.fill(values, self.timetable.horizon());
        let sums = prices.sums(values, profile);
        let months = cumulative.chunks_mut(self.months());
        let arms = avoided
            .iter()
            .zip(costs)
            .zip(outcomes.iter_mut().zip(months));
        for ((avoided, costs), (outcome, months)) in arms {
            let delta = avoided * DAYS_PER_MONTH;
            *outcome = prices.outcome(values, profile, &sums, delta, costs, months);
        }
        sums
    }

    /// Points in time: month 0 and the H months.
    pub fn months(&self) -> usize {
        self.timetable.horizon() + 1
    }
}
