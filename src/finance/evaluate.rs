//! The business case: the base case once, then the same model on joint draws.

use crate::analysis::JointEffect;
use crate::error::{Error, Result};
use crate::experiment::{Arm, CostBasis, Experiment, currency_minor_digits};

use super::assumption::Assumptions;
use super::choice::Options;
use super::cohort::{DAYS_PER_MONTH, Timetable};
use super::correction::{Spread, corrected};
use super::describe::{assumption_rows, notes, why_no_cash, why_no_every_reason};
use super::draws::Effects;
use super::lines::Lines;
use super::model::{BusinessCase, PilotFacts, Priced};
use super::run::{Base, DRAWS, Drawn, Model, stream_of, streamed};
use super::summary::summary;
use super::tornado::{Tornado, effect_ends, tail_z};

/// The business case of a pilot whose roll-out starts in calendar month `start_month` (1 is January);
/// `None` where the plan tells none, which needs one only with a season.
///
/// Money in major units of the plan's currency, unrounded; intervals are equal-tailed at
/// 1 − alpha of the plan's `[analysis]`, from [`DRAWS`] joint draws seeded by the plan. The
/// same arguments give the same bytes on any number of threads.
///
/// *Formula* — δ = contacts avoided per customer-day × 30.4375, or minutes of handling where the plan
/// prices minutes; the months of the
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
/// - Budget share: savings of the horizon's last twelve months over the annual service budget: ramp and
///   lag are over, fade and churn have bitten. Unrealised: the same with all freed labour counted.
///   `None` where the horizon is shorter than a year.
/// - Where the plan is silent on the fade, contacts are counted as "observed only".
/// - A draw without contacts avoided has no bounded cost per contact avoided: it counts above all others.
/// - An arm that beats another one in NPV as estimated has its effect corrected for having been
///   chosen (see `Contest::corrections`); `as_estimated` stands beside. The comparison of the arms
///   (`choice`) and what they are compared by is of the effects as estimated.
///
/// *Assumes* — a flat prior on the effects; assumptions independent of one another and of the
/// effects, and shared by all arms of a draw.
///
/// `no_cash_because` is set, and every amount of money `None`, where a cash NPV cannot be honest:
/// no cost of a contact or minute, no `realisation`, no `half_life_months`, or a cost per minute
/// without an effect on minutes. Without `units_at_rollout` there are no arms either.
///
/// # Errors
/// A plan error names the key of an assumption outside its domain, or that is so large that
/// money has no finite value; an internal error names a joint effect that does not fit the plan.
pub fn evaluate(
    effect: &JointEffect,
    experiment: &Experiment,
    start_month: impl Into<Option<u8>>,
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
    let start_month = start_month.into();
    if business.baseline_by_month.is_some() && start_month.is_none() {
        return Err(
            Error::plan("nobody says in which month the roll-out begins")
                .key("business.rollout_month"),
        );
    }
    let timetable = Timetable::new(business, start_month.unwrap_or(1), effect.window_days)?;
    let arms = effect
        .arms
        .iter()
        .map(|name| find_arm(experiment, name))
        .collect::<Result<Vec<_>>>()?;
    let assumptions = Assumptions::new(business, &arms)?;
    let priced = match (&business.cost, &effect.minutes) {
        (Some(CostBasis::PerMinute(_)), Some(_)) => Priced::Minutes,
        _ => Priced::Contacts,
    };
    let minutes = effect
        .minutes
        .as_ref()
        .filter(|_| priced == Priced::Minutes);
    let effects = Effects::new(effect, minutes)?;
    let no_cash_because = why_no_cash(business, effect);
    let cash = no_cash_because.is_none();
    let mut case = BusinessCase {
        currency: business.currency.clone(),
        minor_digits,
        horizon_months: business.horizon_months,
        level: 1.0 - experiment.analysis.alpha,
        draws: DRAWS,
        priced,
        pilot: PilotFacts {
            start_month,
            window_days: effect.window_days,
            control_contacts: effect.control_rate * DAYS_PER_MONTH,
            by_rate: effect.basis.instead_of.is_some(),
            control_minutes: minutes.map(|m| m.control_rate * DAYS_PER_MONTH),
        },
        arms: Vec::new(),
        best: None,
        choice: None,
        tornado: Vec::new(),
        payback_within_months: experiment.decision.max_payback_months,
        claimed_budget_share: business
            .annual_service_budget
            .map(|_| business.claims.budget_share),
        cashflow: Vec::new(),
        assumptions: assumption_rows(&assumptions, business, start_month),
        draws_summary: None,
        notes: Vec::new(),
        pilot_cost: None,
        no_every_reason_because: why_no_every_reason(experiment, effect).filter(|_| cash),
        no_cash_because,
    };
    if business.units_at_rollout.is_none() {
        case.notes = notes(experiment, business, effect, &case);
        return Ok(case);
    }
    let model = Model {
        business,
        timetable,
        arms: arms.len(),
    };
    let estimates = effects.estimates();
    let estimated = model.at(assumptions.base(), &estimates);
    let spread = Spread::new(effect, priced);
    let corrections = spread.corrections(&estimates, &estimated, cash, experiment.analysis.alpha);
    let base = model.at(assumptions.base(), &corrected(&estimates, &corrections));
    let is_corrected: Vec<bool> = corrections.iter().map(Option::is_some).collect();
    let mut drawn: Vec<Vec<Drawn>> = Vec::with_capacity(arms.len());
    let stream = stream_of(experiment);
    let one = |draw| streamed(&assumptions, &effects, &corrections, &stream, draw);
    for block in model.blocks(DRAWS) {
        let draws = model.draw(DRAWS, one, block.clone());
        let lines = Lines {
            model: &model,
            effect,
            base: &base,
            estimated: &estimated,
            corrected: &is_corrected,
            draws: &draws,
            level: case.level,
            priced,
        };
        for k in block.clone() {
            let mut arm = lines.arm(k)?;
            if cash {
                lines.add_money(k, &mut arm, experiment.decision.max_payback_months);
                case.cashflow.extend(lines.cashflow(k));
            }
            arm.staffing = lines.staffing(k);
            case.arms.push(arm);
            let of_arm = draws.drawn.iter().skip(k - block.start);
            drawn.push(of_arm.step_by(block.len()).copied().collect());
        }
    }
    let best = best_as_estimated(&estimated, cash);
    case.best = best.map(|k| effect.arms[k].clone());
    if business.half_life.is_some() {
        let options = Options {
            names: &effect.arms,
            outcomes: &estimated.outcomes,
            drawn: &drawn,
            cov: &spread.cov,
            df: effects.df(),
            slope: estimated.sums.savings_pv,
            by_prices: estimated
                .sums
                .value_of_contact(case.pilot.units_of_contact()),
            certain: assumptions.uncertain().next().is_none(),
            cash,
            best,
        };
        case.choice = Some(options.choice());
    }
    if cash {
        let tornado = Tornado {
            model: &model,
            assumptions: &assumptions,
            base: &base,
            names: &effect.arms,
            effects: &effect_ends(
                &corrections,
                &estimates,
                &spread.priced,
                tail_z(effects.df()),
            ),
            priced,
        };
        case.tornado = tornado.rows();
        case.draws_summary = Some(summary(
            &assumptions,
            &effects,
            &corrections,
            &spread,
            &effect.arms,
            priced,
            experiment,
        ));
    }
    case.notes = notes(experiment, business, effect, &case);
    Ok(case)
}

/// The arm with the highest NPV, without cash with the most contacts avoided; the first of equals.
pub(super) fn best_as_estimated(estimated: &Base, cash: bool) -> Option<usize> {
    let rank = |k: usize| match cash {
        true => estimated.outcomes[k].npv(),
        false => estimated.outcomes[k].avoided.contacts,
    };
    (0..estimated.outcomes.len()).reduce(|best, k| if rank(k) > rank(best) { k } else { best })
}

fn find_arm<'a>(experiment: &'a Experiment, name: &str) -> Result<&'a Arm> {
    let arm = experiment.arms.iter().find(|a| a.name == name);
    arm.ok_or_else(|| {
        Error::internal(format!(
            "the joint effect has an arm {name} that the plan has not"
        ))
    })
}
