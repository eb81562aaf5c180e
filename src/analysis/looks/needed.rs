//! What a second stage needs, once a first has ended.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::analysis::model::{Analysis, EstimateRow};
use crate::experiment::{Better, Experiment, Outcome, Role, Windows};
use crate::stats::dist::normal_isf;
use crate::stats::sequential::StillNeeded;
use crate::stats::{Estimand, Refusal};

use super::model::{ArmLooks, Boundaries, LookState};
use super::stages::{NextSize, NextStage};

/// More customers than this are no size.
const MOST_CUSTOMERS: f64 = 1e12;

/// Every arm whose effect is not shown yet, with the customers that would show it.
///
/// *Formula* — m = ((z_needed + z_power)·se/effect)² times this stage's customers of the arm and of
/// control. With the plan's weights z_needed = (c₂ − ω₁z₁)/ω₂, and m has the plan's power given
/// this stage ([`StillNeeded`]); without, a pilot of its own needs z_needed = z_{1−α/(sides·K)}.
///
/// *Assumes* — the same windows, arms' shares and spread as in this stage.
///
/// *Source* — Wassmer, G. and Brannath, W. (2016), Group Sequential and Confirmatory Adaptive
/// Designs in Clinical Trials, sect. 7.4.
///
/// `arriving` are this stage's customers, `as_of` the day on which the next may begin; `sought` is a good
/// effect to size for besides, on the scale of the test.
pub fn next_stages(
    plan: &Experiment,
    analysis: &Analysis,
    boundaries: Option<&Boundaries>,
    arriving: u64,
    as_of: Date,
    sought: Option<f64>,
) -> Vec<NextStage> {
    let outcome = &plan.primary_outcome().name;
    let rows = analysis
        .estimates
        .iter()
        .filter(|r| r.primary && r.segment.is_none() && &r.outcome == outcome);
    let asked = Asked {
        plan,
        boundaries,
        arriving,
        as_of,
        sought,
        comparisons: boundaries.map_or_else(
            || {
                let primary = |o: &&Outcome| o.role == Role::Primary;
                plan.treatments().count() * plan.outcomes.iter().filter(primary).count()
            },
            |b| b.arms.len(),
        ) as f64,
    };
    rows.filter_map(|row| asked.of(row)).collect()
}

struct Asked<'a> {
    plan: &'a Experiment,
    boundaries: Option<&'a Boundaries>,
    arriving: u64,
    as_of: Date,
    sought: Option<f64>,
    comparisons: f64,
}

impl Asked<'_> {
    fn of(&self, row: &EstimateRow) -> Option<NextStage> {
        let se = row.se.filter(|se| *se > 0.0)?;
        let looks = self.boundaries.and_then(|b| {
            b.arms
                .iter()
                .find(|a| a.arm == row.arm && a.outcome == row.outcome)
        });
        let shown = |a: &ArmLooks| matches!(a.state, LookState::Effect | LookState::Harm);
        if looks.is_some_and(shown) {
            return None;
        }
        let sequential = self.plan.analysis.sequential.as_ref();
        let weights = sequential.and_then(|s| s.extension_weights);
        let sides = if self.plan.analysis.one_sided {
            1.0
        } else {
            2.0
        };
        let alone = normal_isf(self.plan.analysis.alpha / (sides * self.comparisons));
        let (needed, combined) = match (weights, self.boundaries, looks) {
            (Some(weights), Some(b), Some(looks)) if b.ended => {
                let (z, critical) = (looks.looks.last()?.z, b.planned.last()?.z);
                let critical = self.critical(b, looks).unwrap_or(critical);
                (StillNeeded::after(z, weights.into(), critical).ok()?, true)
            }
            // Before the end of the stage nobody knows what it leaves.
            (_, Some(b), _) if !b.ended => return None,
            _ => (StillNeeded { z: alone }, false),
        };
        let power = self.plan.analysis.power;
        let better = self.plan.primary_outcome().better;
        let turned = |v: f64| match better {
            Better::Lower => -v,
            Better::Higher => v,
        };
        let estimated = turned(match row.estimand {
            Estimand::Difference => row.value,
            Estimand::Ratio => row.value.ln(),
            Estimand::Probability => return None,
        });
        let planned = sequential
            .and_then(|s| s.information_max)
            .map(|i| (alone + normal_isf(1.0 - power)) / i.sqrt());
        let sizes: Vec<NextSize> = [
            ("estimated", Some(estimated)),
            ("planned", planned),
            ("sought", self.sought),
        ]
        .into_iter()
        .filter_map(|(from, effect)| {
            let effect = effect?;
            let times = needed.times(effect, se, power).ok()?;
            let own = match row.estimand {
                Estimand::Ratio => turned(effect).exp(),
                _ => turned(effect),
            };
            self.size(row, from, own, times)
        })
        .collect();
        (!sizes.is_empty()).then(|| NextStage {
            arm: row.arm.clone(),
            combined,
            power,
            z_needed: needed.z,
            error_rate: needed.error_rate(),
            sizes,
        })
    }

    /// The boundary of both stages, after the looks as they were made.
    fn critical(&self, boundaries: &Boundaries, looks: &ArmLooks) -> Result<f64, Refusal> {
        super::second::boundary_of_both(self.plan, boundaries, looks).map(|s| s.critical)
    }

    fn size(&self, row: &EstimateRow, from: &str, effect: f64, times: f64) -> Option<NextSize> {
        let customers = |n: u64| {
            let n = (n as f64 * times).ceil().max(2.0);
            (n <= MOST_CUSTOMERS).then_some(n as u64)
        };
        let (arm, control) = (customers(row.n_arm)?, customers(row.n_control)?);
        let arrival = self.enrolment(arm + control);
        Some(NextSize {
            effect_from: from.into(),
            effect,
            customers_arm: arm,
            customers_control: control,
            customers_total: arm + control,
            enrolment_days: arrival.map(|a| a.0),
            complete_on: arrival.and_then(|a| a.1).map(|day| day.to_string()),
        })
    }

    /// Days of arrivals, and the end of the last customer's window.
    fn enrolment(&self, customers: u64) -> Option<(u64, Option<Date>)> {
        let Windows::Relative {
            after_days,
            enrol: Some((from, to)),
            ..
        } = &self.plan.periods.as_ref()?.windows
        else {
            return None;
        };
        let days = i64::from(from.until(*to).ok()?.get_days()) + 1;
        if self.arriving == 0 || days < 1 {
            return None;
        }
        let needed = (customers as f64 * days as f64 / self.arriving as f64).ceil();
        let span = needed + f64::from(*after_days) - 2.0;
        let end = (span < 1e6)
            .then(|| self.as_of.checked_add((span as i64).days()).ok())
            .flatten();
        Some((needed as u64, end))
    }
}
