//! Base case and draws together: the lines of each arm and its cash by month.

use rayon::prelude::*;

use crate::analysis::JointEffect;
use crate::error::{Error, Result};

use super::cash::Outcome;
use super::cohort::DAYS_PER_MONTH;
use super::evaluate::{Base, DRAWS, Draws, Model};
use super::model::{ArmCase, CashflowRow, Line};
use super::spread::interval;

/// Base case and draws of every arm.
pub(super) struct Lines<'a> {
    pub model: &'a Model<'a>,
    pub effect: &'a JointEffect,
    pub base: &'a Base,
    pub draws: &'a Draws,
    pub level: f64,
}

impl Lines<'_> {
    /// The case without money.
    ///
    /// # Errors
    /// A plan error where an amount has no finite value.
    pub fn arm(&self, k: usize) -> Result<ArmCase> {
        let outcome = &self.base.outcomes[k];
        let finite = outcome.pv_savings.is_finite()
            && outcome.pv_spend.is_finite()
            && outcome.contacts.is_finite();
        if !finite || self.of(k).any(|o| o.npv().is_nan()) {
            return Err(
                Error::plan("the assumptions are so large that money has no finite value")
                    .key("business")
                    .hint("check the units of the assumptions"),
            );
        }
        Ok(ArmCase {
            arm: self.effect.arms[k].clone(),
            avoided_per_customer_month: self.line(k, |o| o.delta),
            contacts_avoided: match self.model.business.half_life {
                Some(_) => self.line(k, |o| o.contacts),
                None => self.line(k, |o| o.contacts_observed),
            },
            pv_savings: None,
            pv_spend: None,
            npv: None,
            npv_observed_only: None,
            share_beyond_observed: None,
            roi: None,
            payback_months: None,
            payback_months_discounted: None,
            cost_per_contact_avoided: None,
            break_even_reduction: None,
            break_even_avoided_per_day: None,
            budget_share: None,
            budget_share_unrealised: None,
            probability_npv_positive: None,
            probability_payback: None,
        })
    }

    /// Adds every amount of money.
    pub fn add_money(&self, k: usize, arm: &mut ArmCase, max_payback: Option<u32>) {
        let (base, outcome) = (self.base, &self.base.outcomes[k]);
        arm.pv_savings = Some(self.line(k, |o| o.pv_savings));
        arm.pv_spend = Some(self.line(k, |o| o.pv_spend));
        arm.npv = Some(self.line(k, Outcome::npv));
        arm.npv_observed_only = Some(self.line(k, Outcome::npv_observed));
        arm.roi = (outcome.pv_spend > 0.0).then(|| self.line(k, Outcome::roi));
        arm.cost_per_contact_avoided =
            (outcome.contacts_pv > 0.0).then(|| self.line(k, Outcome::cost_per_contact));
        arm.payback_months = outcome.payback;
        arm.payback_months_discounted = base.prices.payback_discounted(
            &base.values,
            &base.profile,
            outcome.delta,
            &self.model.costs[k],
        );
        let per_delta = base.sums.savings_pv;
        if per_delta > 0.0 {
            arm.share_beyond_observed = Some(1.0 - base.sums.observed_pv / per_delta);
            let per_day = outcome.pv_spend / per_delta / DAYS_PER_MONTH;
            arm.break_even_avoided_per_day = Some(per_day);
            arm.break_even_reduction =
                (self.effect.control_rate > 0.0).then(|| per_day / self.effect.control_rate);
        }
        let budget = self.model.business.annual_service_budget;
        if let Some(budget) = budget.filter(|b| *b > 0.0) {
            let (realised, unrealised) = self.savings_of_last_year(outcome.delta);
            arm.budget_share = Some(realised / budget);
            arm.budget_share_unrealised = Some(unrealised / budget);
        }
        let share = |holds: &dyn Fn(&Outcome) -> bool| {
            self.of(k).filter(|o| holds(o)).count() as f64 / f64::from(DRAWS)
        };
        arm.probability_npv_positive = Some(share(&|o| o.npv() > 0.0));
        arm.probability_payback =
            max_payback.map(|n| share(&|o| o.payback.is_some_and(|month| month <= n)));
    }

    /// Savings per year over the last twelve months of the horizon, with and without realisation.
    fn savings_of_last_year(&self, delta: f64) -> (f64, f64) {
        let base = self.base;
        let avoided = &base.profile.avoided;
        let months = avoided.len().min(12);
        let (mut realised, mut unrealised) = (0.0, 0.0);
        for (t, avoided) in avoided.iter().enumerate().skip(avoided.len() - months) {
            let (variable, labour) = base.prices.saving(&base.values, t);
            realised += avoided * (variable + labour);
            unrealised += avoided * (variable + base.values.labour);
        }
        let yearly = delta * 12.0 / months as f64;
        (realised * yearly, unrealised * yearly)
    }

    /// Cash of the base case by month, with the interval of the cumulative.
    pub fn cashflow(&self, k: usize) -> Vec<CashflowRow> {
        let (base, months) = (self.base, self.model.months());
        let costs = &self.model.costs[k];
        let delta = base.outcomes[k].delta;
        let fan: Vec<_> = (0..months)
            .into_par_iter()
            .map(|month| {
                let drawn = &self.draws.arms;
                let step = drawn.len() * months;
                let first = (k - drawn.start) * months + month;
                let cumulative = self.draws.cumulative.iter().skip(first);
                interval(cumulative.step_by(step).copied().collect(), self.level)
            })
            .collect();
        let row = |month: usize, (cumulative_lower, cumulative_upper)| {
            let mut row = CashflowRow {
                arm: self.effect.arms[k].clone(),
                month: month as u32,
                contacts_avoided: 0.0,
                saving_variable: 0.0,
                saving_labour: 0.0,
                delivery_cost: 0.0,
                running_cost: 0.0,
                fixed_cost: 0.0,
                net: 0.0,
                cumulative: base.cumulative[k * months + month],
                cumulative_lower,
                cumulative_upper,
            };
            if let Some(t) = month.checked_sub(1) {
                let (variable, labour) = base.prices.saving(&base.values, t);
                row.contacts_avoided = delta * base.profile.avoided[t];
                row.saving_variable = row.contacts_avoided * variable;
                row.saving_labour = row.contacts_avoided * labour;
                row.delivery_cost = costs.per_customer * base.profile.delivered[t];
                row.running_cost = costs.per_month;
            } else {
                row.fixed_cost = costs.fixed;
            }
            row.net = row.saving_variable + row.saving_labour
                - row.delivery_cost
                - row.running_cost
                - row.fixed_cost;
            row
        };
        fan.into_iter()
            .enumerate()
            .map(|(month, ends)| row(month, ends))
            .collect()
    }

    fn of(&self, k: usize) -> impl Iterator<Item = &Outcome> {
        let drawn = &self.draws.arms;
        let of_all = self.draws.outcomes.iter();
        of_all.skip(k - drawn.start).step_by(drawn.len())
    }

    fn line(&self, k: usize, pick: impl Fn(&Outcome) -> f64) -> Line {
        let (lower, upper) = interval(self.of(k).map(&pick).collect(), self.level);
        Line {
            value: pick(&self.base.outcomes[k]),
            lower,
            upper,
        }
    }
}
