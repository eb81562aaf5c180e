//! Base case and draws together: the lines of each arm and its cash by month.

use rayon::prelude::*;

use crate::analysis::JointEffect;
use crate::error::{Error, Result};

use crate::stats::dist::t_isf;

use super::cash::{Avoided, Outcome};
use super::model::{ArmCase, AsEstimated, CashflowRow, EveryReasonCase, Fan, Line, Priced};
use super::run::{Base, Drawn, Draws, Model};
use super::spread::{NEVER, interval, months, quantiles};

/// Months of the steady year that a share of the budget is of.
pub(super) const YEAR: usize = 12;

/// The fan's probabilities.
const FAN: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// Base case and draws of every arm.
pub(super) struct Lines<'a> {
    pub model: &'a Model<'a>,
    pub effect: &'a JointEffect,
    /// At the effects of the case, corrected for the choice.
    pub base: &'a Base,
    /// At the effects as estimated.
    pub estimated: &'a Base,
    /// Whether the arm's effect is corrected.
    pub corrected: &'a [bool],
    pub draws: &'a Draws,
    pub level: f64,
    pub priced: Priced,
}

impl Lines<'_> {
    /// The case without money.
    ///
    /// # Errors
    /// A plan error where an amount has no finite value.
    pub fn arm(&self, k: usize) -> Result<ArmCase> {
        let outcome = &self.base.outcomes[k];
        let finite = |o: &Outcome| {
            o.pv_savings.is_finite() && o.pv_spend.is_finite() && o.contacts.is_finite()
        };
        let known = |o: &Outcome| !o.npv().is_nan();
        if !(finite(outcome) && finite(&self.estimated.outcomes[k]) && self.of(k).all(known)) {
            return Err(
                Error::plan("the assumptions are so large that money has no finite value")
                    .key("business")
                    .hint("check the units of the assumptions"),
            );
        }
        let minutes = self.priced == Priced::Minutes;
        Ok(ArmCase {
            arm: self.effect.arms[k].clone(),
            avoided_per_customer_month: self.line(k, |o| o.avoided.contacts),
            contacts_avoided: self.line(k, |o| self.counted(o).contacts),
            minutes_per_customer_month: minutes.then(|| self.line(k, |o| o.avoided.priced)),
            minutes_avoided: minutes.then(|| self.line(k, |o| self.counted(o).priced)),
            hours_avoided: self.hours(k),
            overstated_by_contacts: self.overstated(k),
            overstated_by_contacts_interval: self.overstated_interval(k),
            as_estimated: self.corrected[k].then(|| self.as_estimated(k)),
            pv_savings: None,
            pv_spend: None,
            npv: None,
            npv_observed_only: None,
            every_reason: None,
            share_beyond_observed: None,
            npv_share_beyond_observed: None,
            roi: None,
            payback_months: None,
            payback_months_interval: None,
            payback_months_discounted: None,
            payback_months_discounted_interval: None,
            cost_per_contact_avoided: None,
            break_even_reduction: None,
            break_even_avoided_per_day: None,
            break_even_exists: None,
            budget_share: None,
            budget_share_unrealised: None,
            probability_budget_claim: None,
            probability_npv_positive: None,
            probability_payback: None,
            pilot_cost: None,
            staffing: None,
        })
    }

    /// Whether the plan says how the effect fades.
    fn fades(&self) -> bool {
        self.model.business.half_life.is_some()
    }

    /// What an outcome avoids over the horizon: for as long as the pilot measured where the plan does
    /// not say how the effect fades.
    fn counted(&self, outcome: &Outcome) -> Avoided {
        let (contacts, priced) = match self.fades() {
            true => (outcome.contacts, outcome.priced),
            false => (outcome.contacts_observed, outcome.priced_observed),
        };
        Avoided {
            contacts,
            priced,
            every: outcome.avoided.every,
        }
    }

    /// Hours of handling avoided over the horizon, from minutes or from the plan's handling time.
    fn hours(&self, k: usize) -> Option<Line> {
        let staffing = self.model.business.staffing;
        match (self.priced, staffing.and_then(|s| s.handling_seconds)) {
            (Priced::Minutes, _) => Some(self.line(k, |o| self.counted(o).priced / 60.0)),
            (Priced::Contacts, Some(seconds)) => {
                Some(self.line(k, |o| self.counted(o).contacts * seconds / 3600.0))
            }
            (Priced::Contacts, None) => None,
        }
    }

    /// (share of contacts avoided)/(share of minutes avoided) − 1, as the pilot measured both.
    fn overstated(&self, k: usize) -> Option<f64> {
        let minutes = self.effect.minutes.as_ref()?;
        if self.priced != Priced::Minutes || self.effect.control_rate <= 0.0 {
            return None;
        }
        let contacts = self.effect.mean[k] / self.effect.control_rate;
        let share = minutes.mean[k] / minutes.control_rate;
        (contacts > 0.0 && share > 0.0 && minutes.control_rate > 0.0)
            .then(|| contacts / share - 1.0)
    }

    /// The interval of [`Self::overstated`].
    fn overstated_interval(&self, k: usize) -> Option<[f64; 2]> {
        let (contacts, minutes) = (self.effect, self.effect.minutes.as_ref()?);
        let over = self.overstated(k)?;
        let error = |cov: &[Vec<f64>], mean: &[f64]| {
            Some(cov.get(k)?.get(k)?.max(0.0).sqrt() / mean.get(k)?.abs())
        };
        let df = [contacts.df, minutes.df].into_iter().flatten();
        ratio_interval(
            1.0 + over,
            error(&contacts.cov, &contacts.mean)?,
            error(&minutes.cov, &minutes.mean)?,
            t_isf((1.0 - self.level) / 2.0, df.reduce(f64::min)),
        )
        .map(|ends| ends.map(|end| end - 1.0))
    }

    fn as_estimated(&self, k: usize) -> AsEstimated {
        let outcome = &self.estimated.outcomes[k];
        let line = |value: f64, pick: fn(&Drawn) -> f64| {
            let (lower, upper) = interval(self.drawn(k).map(pick).collect(), self.level);
            Line {
                value,
                lower,
                upper,
            }
        };
        let contacts = match self.fades() {
            true => line(outcome.contacts, |d| d.contacts),
            false => line(outcome.contacts_observed, |d| d.contacts_observed),
        };
        AsEstimated {
            avoided_per_customer_month: line(outcome.avoided.contacts, |d| d.avoided.contacts),
            minutes_per_customer_month: (self.priced == Priced::Minutes)
                .then(|| line(outcome.avoided.priced, |d| d.avoided.priced)),
            contacts_avoided: contacts,
            npv: None,
            probability_npv_positive: None,
        }
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
        let month = |pick: fn(&Outcome) -> Option<u32>| {
            let drawn = self.of(k).map(|o| pick(o).unwrap_or(NEVER));
            Some(months(drawn.collect(), self.level))
        };
        arm.payback_months = outcome.payback;
        arm.payback_months_interval = month(|o| o.payback);
        arm.payback_months_discounted = outcome.payback_discounted;
        arm.payback_months_discounted_interval = month(|o| o.payback_discounted);
        self.add_thresholds(k, arm);
        let share = |holds: &dyn Fn(&Outcome) -> bool| {
            self.of(k).filter(|o| holds(o)).count() as f64 / self.draws.count()
        };
        // A shorter horizon has no steady year: times twelve over its months it would be a promise.
        if base.values.budget > 0.0 && self.model.timetable.horizon() >= YEAR {
            let claimed = self.model.business.claims.budget_share;
            let of = |pick: fn(&Outcome) -> f64| self.line(k, move |o| pick(o) / o.budget);
            arm.budget_share = Some(of(|o| o.yearly));
            arm.budget_share_unrealised = Some(of(|o| o.yearly_unrealised));
            arm.probability_budget_claim = Some(share(&|o| o.yearly / o.budget >= claimed));
        }
        arm.every_reason = self.effect.every_reason.is_some().then(|| EveryReasonCase {
            avoided_per_customer_month: self.line(k, |o| o.avoided.every),
            npv: self.line(k, Outcome::npv_every_reason),
            probability_npv_positive: share(&|o| o.npv_every_reason() > 0.0),
        });
        arm.probability_npv_positive = Some(share(&|o| o.npv() > 0.0));
        arm.probability_payback =
            max_payback.map(|n| share(&|o| o.payback.is_some_and(|month| month <= n)));
        if let Some(raw) = &mut arm.as_estimated {
            let (lower, upper) = interval(self.drawn(k).map(|d| d.npv).collect(), self.level);
            raw.npv = Some(Line {
                value: self.estimated.outcomes[k].npv(),
                lower,
                upper,
            });
            let positive = self.drawn(k).filter(|d| d.npv > 0.0).count();
            raw.probability_npv_positive = Some(positive as f64 / self.draws.count());
        }
    }

    /// Adds what the effect must come to, and how much of its value nobody has seen yet.
    fn add_thresholds(&self, k: usize, arm: &mut ArmCase) {
        let outcome = &self.base.outcomes[k];
        arm.npv_share_beyond_observed =
            (outcome.npv() > 0.0).then(|| self.line(k, Outcome::npv_beyond_observed));
        let Some(value) = outcome.beyond_observed() else {
            return;
        };
        let drawn: Vec<f64> = self.of(k).filter_map(Outcome::beyond_observed).collect();
        arm.break_even_exists = Some(drawn.len() as f64 / self.draws.count());
        let (lower, upper) = interval(drawn, self.level);
        arm.share_beyond_observed = Some(Line {
            value,
            lower,
            upper,
        });
        let control_rate = match (self.priced, &self.effect.minutes) {
            (Priced::Minutes, Some(minutes)) => minutes.control_rate,
            _ => self.effect.control_rate,
        };
        arm.break_even_avoided_per_day = Some(self.line(k, Outcome::break_even));
        arm.break_even_reduction =
            (control_rate > 0.0).then(|| self.line(k, |o| o.break_even() / control_rate));
    }

    /// Cash of the base case by month, with the interval and the fan of the cumulative.
    pub fn cashflow(&self, k: usize) -> Vec<CashflowRow> {
        let (base, months) = (self.base, self.model.months());
        let costs = &base.values.costs[k];
        let avoided = base.outcomes[k].avoided;
        let tail = (1.0 - self.level) / 2.0;
        let spreads: Vec<_> = (0..months)
            .into_par_iter()
            .map(|month| {
                let drawn = &self.draws.arms;
                let step = drawn.len() * months;
                let first = (k - drawn.start) * months + month;
                let cumulative = self.draws.cumulative.iter().skip(first);
                let [p05, p25, p50, p75, p95] = FAN;
                let all = quantiles(
                    cumulative.step_by(step).copied().collect(),
                    [tail, 1.0 - tail, p05, p25, p50, p75, p95],
                );
                let end = |v: f64| Some(v).filter(|v| v.is_finite());
                let fan = all.iter().all(|v| v.is_finite()).then_some(Fan {
                    p05: all[2],
                    p25: all[3],
                    p50: all[4],
                    p75: all[5],
                    p95: all[6],
                });
                (end(all[0]), end(all[1]), fan)
            })
            .collect();
        let row = |month: usize, (cumulative_lower, cumulative_upper, fan)| {
            let mut row = CashflowRow {
                arm: self.effect.arms[k].clone(),
                month: month as u32,
                contacts_avoided: 0.0,
                minutes_avoided: (self.priced == Priced::Minutes).then_some(0.0),
                saving_variable: 0.0,
                saving_labour: 0.0,
                delivery_cost: 0.0,
                running_cost: 0.0,
                fixed_cost: 0.0,
                net: 0.0,
                cumulative: base.cumulative[k * months + month],
                cumulative_lower,
                cumulative_upper,
                fan,
            };
            if let Some(t) = month.checked_sub(1) {
                let (variable, labour) = base.prices.saving(&base.values, t);
                let priced = avoided.priced * base.profile.avoided[t];
                row.contacts_avoided = avoided.contacts * base.profile.avoided[t];
                row.minutes_avoided = row.minutes_avoided.map(|_| priced);
                row.saving_variable = priced * variable;
                // Of harm before the lag −0, which a table would show.
                row.saving_labour = priced * labour + 0.0;
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
        spreads
            .into_iter()
            .enumerate()
            .map(|(month, ends)| row(month, ends))
            .collect()
    }

    fn of(&self, k: usize) -> impl Iterator<Item = &Outcome> {
        let drawn = &self.draws.arms;
        let of_all = self.draws.outcomes.iter();
        of_all.skip(k - drawn.start).step_by(drawn.len())
    }

    fn drawn(&self, k: usize) -> impl Iterator<Item = &Drawn> {
        let drawn = &self.draws.arms;
        let of_all = self.draws.drawn.iter();
        of_all.skip(k - drawn.start).step_by(drawn.len())
    }

    /// A line from what each outcome says.
    pub fn line(&self, k: usize, pick: impl Fn(&Outcome) -> f64) -> Line {
        let (lower, upper) = interval(self.of(k).map(&pick).collect(), self.level);
        Line {
            value: pick(&self.base.outcomes[k]),
            lower,
            upper,
        }
    }
}

/// The interval of a ratio of two positive estimates with these relative errors, `t` errors wide.
///
/// *Formula* — delta method on the log: exp(log r ± t·√(cv₁² + cv₂²)).
///
/// *Assumes* — the two estimates are not negatively correlated. Those of contacts and of their minutes
/// go together, since a further contact takes further minutes: Var log r = cv₁² + cv₂² − 2ρcv₁cv₂ is
/// then the largest at ρ = 0, so the interval holds at least as often as its level says. The errors of
/// control's means are left in both, which widens it where something is saved.
///
/// *Source* — Casella, G. and Berger, R. (2002), Statistical Inference, 2nd ed., sect. 5.5.4.
fn ratio_interval(ratio: f64, first: f64, second: f64, t: f64) -> Option<[f64; 2]> {
    let half = t * first.hypot(second);
    let ends = [-half, half].map(|d| (ratio.ln() + d).exp());
    ends.iter().all(|end| end.is_finite()).then_some(ends)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::dist::normal_isf;
    use crate::stats::random::Stream;

    /// As R gives them: exp(log(r) + c(-1, 1) * qt(.975, df) * sqrt(cv1^2 + cv2^2)).
    const BY_R: [(f64, f64, f64, f64, [f64; 2]); 2] = [
        (1.074, 0.12, 0.15, f64::INFINITY, BY_R_NORMAL),
        (0.85, 0.3, 0.2, 40.0, BY_R_T),
    ];
    const BY_R_NORMAL: [f64; 2] = [0.737044660651073, 1.56500150069749];
    const BY_R_T: [f64; 2] = [0.410151766890154, 1.76154306362771];
    /// Closed form.
    const CLOSED: f64 = 1e-8;

    #[test]
    fn the_interval_of_a_ratio_is_that_of_r() {
        for (ratio, first, second, df, expected) in BY_R {
            let t = t_isf(0.025, Some(df).filter(|df| df.is_finite()));
            let ends = ratio_interval(ratio, first, second, t).unwrap();
            for (end, expected) in ends.iter().zip(expected) {
                assert!((end / expected - 1.0).abs() < CLOSED, "{end} {expected}");
            }
            // The other way round both are turned.
            let turned = ratio_interval(1.0 / ratio, second, first, t).unwrap();
            assert!((turned[0] * ends[1] - 1.0).abs() < CLOSED);
        }
        assert_eq!(ratio_interval(1.0, f64::INFINITY, 0.1, 2.0), None);
    }

    #[test]
    fn the_interval_of_a_ratio_holds_whatever_goes_together() {
        let (draws, cv) = (4_000, 0.12);
        let stream = Stream::new("test/ratio", "overstated", 1);
        for correlation in [0.0f64, 0.5, 0.9] {
            let holds = |draw: u64| {
                let mut random = stream.generator(draw);
                let (a, b) = (normal_isf(random.uniform()), normal_isf(random.uniform()));
                let b = correlation * a + (1.0 - correlation * correlation).sqrt() * b;
                let (first, second) = (1.0 + cv * a, 1.0 + cv * b);
                // The true ratio is 1; errors are relative to what was estimated.
                let ends = ratio_interval(first / second, cv / first, cv / second, 1.96);
                ends.is_some_and(|[low, high]| low <= 1.0 && 1.0 <= high)
            };
            let share = (0..draws).filter(|d| holds(*d)).count() as f64 / draws as f64;
            // .95 less 4 Monte-Carlo standard errors of .0034; the delta method is one of large samples.
            assert!(share > 0.936, "{correlation}: {share}");
        }
    }
}
