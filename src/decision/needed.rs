//! How many customers would show an effect that is not shown yet.

use crate::analysis::{EstimateRow, NextStage};
use crate::experiment::Experiment;
use crate::number::{count as grouped, fixed};
use crate::stats::dist::normal_isf;
use crate::texts::text;

use super::facts::benefit;
use super::words::{self, percent};

/// Times its customers up to which a next stage is a second stage; beyond it is a new test.
///
/// A second stage is run with the means of the first: ten times as many customers are another pilot,
/// and an effect so small beside its error is as likely as not one of the other sign.
const MOST_TIMES: f64 = 10.0;

/// More customers than this are no size.
const MOST_CUSTOMERS: f64 = 1e12;

/// What an effect of the estimated size takes, beside what the pilot had.
#[derive(Debug, Clone, Copy)]
pub(super) struct Needed {
    /// Times this pilot's customers.
    times: f64,
    /// Customers of the arm and of control together that this pilot had.
    had: u64,
    /// Customers of a second stage of both together, combined with this one by the plan's weights.
    combined: Option<u64>,
    /// Whether regions or blocks got the arms.
    regions: bool,
}

impl Needed {
    /// What `row` takes; `None` where it has no error, or lies on the wrong side.
    pub fn of(row: &EstimateRow, plan: &Experiment, next: Option<&NextStage>) -> Option<Self> {
        let estimated = next.and_then(|n| n.sizes.iter().find(|s| s.effect_from == "estimated"));
        let had = row.n_arm + row.n_control;
        let combined = next.is_some_and(|n| n.combined);
        let stage = estimated.filter(|_| combined).map(|s| s.customers_total);
        let times = match stage {
            Some(all) => all as f64 / had.max(1) as f64,
            None => times_needed(row, plan)?,
        };
        Some(Needed {
            times,
            had,
            combined: stage,
            regions: plan.assignment.schedule.is_some(),
        })
    }

    /// Whether that is another test rather than a second stage.
    pub fn out_of_reach(&self) -> bool {
        self.times > MOST_TIMES
    }

    /// "about 39,000"; `None` where there cannot be so many, or fewer would do.
    fn customers(&self) -> Option<String> {
        let all = self.times * self.had as f64;
        (self.times > 1.0 && all <= MOST_CUSTOMERS).then(|| about(all))
    }

    /// For the first line: "about 39,000 with control's, where this pilot had 6,000".
    pub fn in_short(&self) -> Option<String> {
        let had = grouped(self.had);
        match self.combined {
            _ if self.regions => None,
            Some(all) => Some(text!("decision.needed-stage", customers = grouped(all))),
            None => {
                let customers = self.customers()?;
                Some(text!("decision.needed-about", customers, had))
            }
        }
    }

    /// How many times the customers would show an effect of the estimated size: a sentence.
    ///
    /// *Formula* — ((z_{1−α/(sides·K)} + z_power)·se/effect)², Bonferroni over K arms; said as "about".
    pub fn sentence(&self, plan: &Experiment) -> Option<String> {
        let power = percent(plan.analysis.power);
        let times = (self.times * 10.0).ceil() / 10.0;
        let times = text!("decision.times-about", times = format!("{times:.1}"));
        match (self.regions, self.customers()) {
            _ if self.times <= 1.0 => None,
            (true, _) => Some(text!("decision.more-regions", times, power)),
            (false, Some(customers)) => {
                let had = grouped(self.had);
                Some(text!(
                    "decision.more-customers",
                    times,
                    power,
                    customers,
                    had
                ))
            }
            (false, None) => None,
        }
    }

    /// That it is another test: a sentence.
    pub fn another_test(&self, plan: &Experiment) -> String {
        let power = percent(plan.analysis.power);
        let had = grouped(self.had);
        match (self.regions, self.combined, self.customers()) {
            (true, _, _) => text!("decision.out-of-reach-regions", power),
            (false, Some(all), _) => {
                let customers = grouped(all);
                text!("decision.out-of-reach-stage", power, customers, had)
            }
            (false, None, Some(customers)) => {
                text!("decision.out-of-reach", power, customers, had)
            }
            (false, None, None) => text!("decision.out-of-reach-any", power, had),
        }
    }
}

/// To two digits: an estimate's own error says no more.
fn about(customers: f64) -> String {
    let digits = customers.max(1.0).log10().floor() as i32;
    fixed(customers, (1 - digits).min(0))
}

fn times_needed(row: &EstimateRow, plan: &Experiment) -> Option<f64> {
    let benefit = benefit(row, plan.primary_outcome().better);
    let se = row.se.filter(|_| benefit > 0.0)?;
    let sides = if plan.analysis.one_sided { 1.0 } else { 2.0 };
    let arms = plan.treatments().count().max(1) as f64;
    let z =
        normal_isf(plan.analysis.alpha / (sides * arms)) + normal_isf(1.0 - plan.analysis.power);
    Some((z * se / benefit).powi(2))
}

/// What would show the effect of an arm: by a second stage that is combined, or as many customers.
pub(super) fn unproven(
    plan: &Experiment,
    next: Option<&NextStage>,
    needed: Option<&Needed>,
) -> String {
    next.filter(|n| n.combined)
        .and_then(|n| words::second_stage(n, plan))
        .or_else(|| needed?.sentence(plan))
        .unwrap_or_else(|| text!("decision.not-shown"))
}
