//! What the analysis and the business case say about one arm, read once.

use crate::analysis::{
    Analysis, EstimateRow, GuardrailStanding, guardrail_standing, moved, shift, two_sided,
    untested_harm,
};
use crate::experiment::{Arm, Better, Experiment, Multiplicity, Outcome, Role};
use crate::finance::{ArmCase, BusinessCase, DAYS_PER_MONTH, Priced};
use crate::stats::{DetailValue, Estimand, Estimator};
use crate::texts::text;

use super::words;

/// One arm's facts.
pub(super) struct Facts<'a> {
    pub arm: &'a Arm,
    /// The primary estimate; `None` where there is none.
    pub row: Option<&'a EstimateRow>,
    /// Why there is none, where the analysis says it.
    pub no_estimate_because: Option<String>,
    /// Whether the point estimate lies on the good side of no effect.
    pub good: bool,
    /// p-value adjusted over the family.
    pub p: Option<f64>,
    /// Whether the primary is significant in the good direction.
    pub significant: bool,
    /// Whether the primary is significant in the bad direction.
    pub worse: bool,
    /// Whether it would be, but for a test that looks for benefit alone.
    pub untested_harm: bool,
    /// Every guardrail of the plan.
    pub guardrails: Vec<(&'a Outcome, Guard)>,
    /// The arm's case, where it has an NPV.
    pub case: Option<&'a ArmCase>,
    /// The estimate that money is made of: the primary one, that of handling time, or a rate.
    pub money_row: Option<&'a EstimateRow>,
}

/// How a guardrail stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Guard {
    /// The interval lies inside the margin.
    Holds,
    /// The interval lies outside the margin: the arm does harm, and how.
    Broken(String),
    /// Neither is shown, and why.
    Open(String),
}

impl<'a> Facts<'a> {
    /// The facts of `arm`.
    pub fn new(
        arm: &'a Arm,
        plan: &'a Experiment,
        analysis: &'a Analysis,
        business: Option<&'a BusinessCase>,
    ) -> Self {
        let primary = plan.primary_outcome();
        let row = primary_row(analysis, &primary.name, &arm.name);
        let good = row.is_some_and(|r| benefit(r, primary.better) > 0.0);
        let p = row.and_then(|r| r.p_adjusted.or(r.p_value.filter(|_| unadjusted(plan))));
        let significant = good
            && match p {
                Some(p) => p <= plan.analysis.alpha,
                None => row.is_some_and(|r| {
                    cautious_end(r, plan)
                        .is_some_and(|end| is_good(end, r.estimand, primary.better))
                }),
            };
        let bad = row.is_some_and(|r| benefit(r, primary.better) < 0.0);
        let one_sided = plan.analysis.one_sided;
        let worse = bad
            && !one_sided
            && match p {
                Some(p) => p <= plan.analysis.alpha,
                None => row.is_some_and(|r| {
                    hopeful_end(r, plan)
                        .is_some_and(|end| is_good(end, r.estimand, opposite(primary.better)))
                }),
            };
        let untested_harm = bad && one_sided && row.is_some_and(untested_harm);
        let guardrails = plan.outcomes.iter().filter(|o| o.role == Role::Guardrail);
        let handling = plan
            .business
            .as_ref()
            .and_then(|b| b.handling_outcome.as_deref());
        let minutes = business.is_some_and(|b| b.priced == Priced::Minutes);
        Facts {
            arm,
            row,
            no_estimate_because: analysis
                .skipped
                .iter()
                .filter(|_| row.is_none())
                .find(|s| s.outcome == primary.name && s.arm.as_ref() == Some(&arm.name))
                .map(|s| s.why.clone()),
            good,
            p,
            significant,
            worse,
            untested_harm,
            guardrails: guardrails
                .map(|o| (o, guard(primary_row(analysis, &o.name, &arm.name), o)))
                .collect(),
            case: business
                .and_then(|b| b.arms.iter().find(|a| a.arm == arm.name))
                .filter(|a| a.npv.is_some()),
            money_row: match (handling.filter(|_| minutes), business) {
                (Some(outcome), _) => {
                    unshown(analysis).find(|r| r.primary && of_arm(r, outcome, &arm.name))
                }
                (None, Some(b)) if b.pilot.by_rate => unshown(analysis)
                    .filter(|r| r.estimator == Estimator::Rate)
                    .filter(|r| of_arm(r, &primary.name, &arm.name))
                    .find(|r| row.is_none_or(|row| row.estimand == r.estimand)),
                (None, _) => row,
            },
        }
    }

    /// Whether a guardrail is broken or open.
    pub fn guardrail_fails(&self) -> bool {
        self.guardrails.iter().any(|(_, g)| *g != Guard::Holds)
    }

    /// Rank among arms with the same verdict: NPV as estimated, which is the choice that the headline
    /// NPV is corrected for, or without money the benefit in standard errors.
    pub fn rank(&self, plan: &Experiment) -> f64 {
        let estimated = |c: &ArmCase| c.as_estimated.as_ref().and_then(|e| e.npv).or(c.npv);
        match (self.case.and_then(estimated), self.row) {
            (Some(npv), _) => npv.value,
            (None, Some(row)) => {
                let benefit = benefit(row, plan.primary_outcome().better);
                row.se
                    .filter(|se| *se > 0.0)
                    .map_or(benefit, |se| benefit / se)
            }
            (None, None) => f64::NEG_INFINITY,
        }
    }

    /// The estimate as money takes it and the cautious end of its interval, in the row's unit.
    ///
    /// After looks an interval of one look alone holds nothing: that of the estimate that decides
    /// does, and what money is made of besides lies as many of its standard errors away.
    fn value_and_end(&self, row: &EstimateRow, plan: &Experiment) -> Option<(f64, f64)> {
        let decides = self.row?;
        let z = shift(decides);
        let own = std::ptr::eq(row, decides);
        if own || !decides.detail.contains_key("look") {
            return Some((moved(row, z), cautious_end(row, plan)?));
        }
        let end = cautious_end(decides, plan)?;
        let away = match decides.estimand {
            Estimand::Ratio => (end / decides.value).ln(),
            _ => end - decides.value,
        };
        let away = away / decides.se.filter(|se| *se > 0.0)?;
        Some((moved(row, z), moved(row, away)))
    }

    /// The cautious end of the adjusted interval and the break-even, in one unit.
    pub fn break_even(&self, plan: &Experiment) -> Option<BreakEven> {
        let (row, case) = (self.money_row?, self.case?);
        let (value, end) = self.value_and_end(row, plan)?;
        if plan.primary_outcome().better != Better::Lower {
            return None;
        }
        match row.estimand {
            // A reduction of the compliers' contacts is not one of all customers'.
            Estimand::Ratio if row.estimator == Estimator::Cace => None,
            Estimand::Ratio => Some(BreakEven {
                bound: 1.0 - end,
                needed: case.break_even_reduction?.value,
                relative: true,
                minutes: case.minutes_per_customer_month.is_some(),
            }),
            // The case's effect as estimated is the same per customer-month: their ratio converts the bound.
            Estimand::Difference if value != 0.0 => Some(BreakEven {
                bound: estimated_effect(case) / DAYS_PER_MONTH * (end / value),
                needed: case.break_even_avoided_per_day?.value,
                relative: false,
                minutes: case.minutes_per_customer_month.is_some(),
            }),
            Estimand::Difference | Estimand::Probability => None,
        }
    }
}

/// The estimates, and those that money needs beside them.
fn unshown(analysis: &Analysis) -> impl Iterator<Item = &EstimateRow> {
    analysis.estimates.iter().chain(&analysis.unshown)
}

fn of_arm(row: &EstimateRow, outcome: &str, arm: &str) -> bool {
    row.segment.is_none() && row.outcome == outcome && row.arm == arm
}

/// Effect at the cautious end of the interval against the effect that pays for everything.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct BreakEven {
    pub bound: f64,
    pub needed: f64,
    /// A reduction (1 − ratio); otherwise units avoided per customer-day.
    pub relative: bool,
    /// Of minutes; otherwise of contacts.
    pub minutes: bool,
}

impl BreakEven {
    /// Whether the bound clears break-even.
    pub fn cleared(&self) -> bool {
        self.bound > self.needed
    }
}

/// What the arm avoids per customer-month as estimated, of what has a price.
fn estimated_effect(case: &ArmCase) -> f64 {
    let (contacts, minutes) = match &case.as_estimated {
        Some(e) => (e.avoided_per_customer_month, e.minutes_per_customer_month),
        None => (
            case.avoided_per_customer_month,
            case.minutes_per_customer_month,
        ),
    };
    minutes.unwrap_or(contacts).value
}

fn primary_row<'a>(analysis: &'a Analysis, outcome: &str, arm: &str) -> Option<&'a EstimateRow> {
    analysis
        .estimates
        .iter()
        .find(|r| r.primary && r.segment.is_none() && r.outcome == outcome && r.arm == arm)
}

/// Distance from no effect towards `better`, on the scale of the standard error.
pub(super) fn benefit(row: &EstimateRow, better: Better) -> f64 {
    let effect = match row.estimand {
        Estimand::Difference => row.value,
        Estimand::Ratio => row.value.ln(),
        // P(treated < control) above ½ is a shift downwards.
        Estimand::Probability => 0.5 - row.value,
    };
    match better {
        Better::Lower => -effect,
        Better::Higher => effect,
    }
}

fn is_good(value: f64, estimand: Estimand, better: Better) -> bool {
    let below = match estimand {
        Estimand::Difference => value < 0.0,
        Estimand::Ratio => value < 1.0,
        Estimand::Probability => value > 0.5,
    };
    let above = match estimand {
        Estimand::Difference => value > 0.0,
        Estimand::Ratio => value > 1.0,
        Estimand::Probability => value < 0.5,
    };
    match better {
        Better::Lower => below,
        Better::Higher => above,
    }
}

/// Whether an unadjusted result needs no adjustment: one comparison, or a plan that wants none.
fn unadjusted(plan: &Experiment) -> bool {
    let primaries = plan.outcomes.iter().filter(|o| o.role == Role::Primary);
    plan.analysis.multiplicity == Multiplicity::None
        || (plan.treatments().count() == 1 && primaries.count() == 1)
}

/// The end of the primary's adjusted interval that lies nearest to harm.
fn cautious_end(row: &EstimateRow, plan: &Experiment) -> Option<f64> {
    end_towards(row, plan, opposite(plan.primary_outcome().better))
}

/// The end of the primary's adjusted interval that lies nearest to benefit.
fn hopeful_end(row: &EstimateRow, plan: &Experiment) -> Option<f64> {
    end_towards(row, plan, plan.primary_outcome().better)
}

fn opposite(better: Better) -> Better {
    match better {
        Better::Lower => Better::Higher,
        Better::Higher => Better::Lower,
    }
}

/// The end of the primary's adjusted interval on the side of lower or higher outcomes.
fn end_towards(row: &EstimateRow, plan: &Experiment, side: Better) -> Option<f64> {
    let upper = match row.estimand {
        Estimand::Probability => side == Better::Lower,
        _ => side == Better::Higher,
    };
    let (adjusted, plain) = if upper {
        (row.ci_adjusted_upper, row.ci_upper)
    } else {
        (row.ci_adjusted_lower, row.ci_lower)
    };
    adjusted.or(plain.filter(|_| unadjusted(plan)))
}

/// A guardrail holds where the two-sided interval of its difference lies inside the margin, which
/// the row's detail has in the row's own unit.
fn guard(row: Option<&EstimateRow>, outcome: &Outcome) -> Guard {
    let Some(row) = row else {
        return Guard::Open(text!("decision.guard-unmeasured"));
    };
    let in_unit = match row.detail.get("margin") {
        Some(DetailValue::Number(margin)) => Some(*margin),
        _ => outcome.margin,
    };
    let Some(margin) = in_unit else {
        return Guard::Open(text!("decision.guard-no-margin"));
    };
    if row.estimand != Estimand::Difference {
        return Guard::Open(text!("decision.guard-scale"));
    }
    let standing = guardrail_standing(row, outcome.better, margin);
    let (Some(standing), Some(ends)) = (standing, two_sided(row)) else {
        return Guard::Open(text!("decision.guard-no-interval"));
    };
    let beyond = |lies| words::beyond_margin(row, outcome, ends, margin, lies);
    match standing {
        GuardrailStanding::Holds => Guard::Holds,
        GuardrailStanding::Broken => Guard::Broken(beyond(true)),
        GuardrailStanding::Open => Guard::Open(beyond(false)),
    }
}
