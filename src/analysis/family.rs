//! Adjustment of p-values and intervals over the arms of all primary outcomes.

use crate::experiment::{Multiplicity, Outcome, Role};
use crate::stats::dist::t_isf;
use crate::stats::dunnett::{Contrast, dunnett, dunnett_step_down};
use crate::stats::multiplicity::{benjamini_hochberg, false_coverage_alpha, hochberg, holm};
use crate::stats::{Alternative, DetailValue, Estimand, Estimate, Estimator, Interval, Test};

use super::clusters::is_adjusted;
use super::primary::Primary;
use super::unit::Unit;

/// An estimate with its adjusted inference.
pub struct Adjusted {
    /// Treatment arm's index.
    pub arm: usize,
    /// The estimate.
    pub estimate: Estimate,
    /// Unit of its value, in words.
    pub unit: Unit,
    /// Adjusted over the family.
    pub p_adjusted: Option<f64>,
    /// Simultaneous interval, where the method has one.
    pub interval_adjusted: Option<Interval>,
}

impl Adjusted {
    /// An estimate not yet adjusted.
    pub fn new(arm: usize, estimate: Estimate, unit: Unit) -> Self {
        Adjusted {
            arm,
            estimate,
            unit,
            p_adjusted: None,
            interval_adjusted: None,
        }
    }
}

/// The estimates of an outcome.
pub struct Group<'a> {
    /// The outcome.
    pub outcome: &'a Outcome,
    /// Its test.
    pub test: Test,
    /// The estimator that decides.
    pub primary: Primary,
    /// All estimates.
    pub rows: Vec<Adjusted>,
}

/// Adjusts the deciding rows of all primary outcomes as one family, and so each of `student` and `welch`.
pub fn adjust(method: Multiplicity, groups: &mut [Group<'_>]) {
    let mut groups: Vec<&mut Group<'_>> = groups
        .iter_mut()
        .filter(|g| g.outcome.role == Role::Primary)
        .collect();
    // The deciding family comes last: a row that is in two keeps its values.
    for also in [Some(Estimator::Student), Some(Estimator::Welch), None] {
        let mut families: Vec<(Test, Vec<&mut Adjusted>)> = groups
            .iter_mut()
            .map(|g| {
                let primary = g.primary;
                let belongs = |e: &Estimate| match also {
                    Some(estimator) => {
                        e.estimator == estimator && e.estimand == Estimand::Difference
                    }
                    None => primary.is(e),
                };
                let rows = g.rows.iter_mut().filter(|r| belongs(&r.estimate));
                (g.test, rows.collect())
            })
            .collect();
        match method {
            Multiplicity::None => {}
            Multiplicity::Dunnett | Multiplicity::DunnettStepDown => {
                let outcomes = families.len() as f64;
                let steps = method == Multiplicity::DunnettStepDown;
                for (test, family) in &mut families {
                    many_to_one(test, outcomes, steps, family);
                }
            }
            Multiplicity::Holm => stepwise(holm, &mut families),
            Multiplicity::Hochberg => stepwise(hochberg, &mut families),
            Multiplicity::Bh => {
                stepwise(benjamini_hochberg, &mut families);
                false_coverage(&mut families);
            }
        }
    }
}

/// An estimate without a p-value can reject nothing, so the family is that of the others.
fn stepwise(method: fn(&[f64]) -> Vec<f64>, families: &mut [(Test, Vec<&mut Adjusted>)]) {
    let mut rows: Vec<&mut &mut Adjusted> = families
        .iter_mut()
        .flat_map(|(_, rows)| rows.iter_mut())
        .filter(|r| r.estimate.p_value.is_some())
        .collect();
    let raw: Vec<f64> = rows.iter().filter_map(|r| r.estimate.p_value).collect();
    for (row, p) in rows.iter_mut().zip(method(&raw)) {
        row.p_adjusted = Some(p);
    }
}

/// Intervals of the findings of Benjamini-Hochberg that keep the false coverage rate; those of
/// the others have none, since the rate is over what was selected.
fn false_coverage(families: &mut [(Test, Vec<&mut Adjusted>)]) {
    let is_found = |test: &Test, row: &Adjusted| row.p_adjusted.is_some_and(|p| p <= test.alpha);
    let (mut found, mut tested) = (0, 0);
    for (test, rows) in families.iter() {
        found += rows.iter().filter(|r| is_found(test, r)).count();
        tested += rows.iter().filter(|r| r.p_adjusted.is_some()).count();
    }
    for (test, rows) in families {
        let alpha = false_coverage_alpha(test.alpha, found, tested);
        let tail = match test.alternative {
            Alternative::TwoSided => alpha / 2.0,
            _ => alpha,
        };
        for row in rows.iter_mut().filter(|r| is_found(test, r)) {
            let e = &row.estimate;
            row.interval_adjusted = if found == tested {
                // Everything was selected: the level is the plan's, the interval the estimator's.
                e.interval
            } else {
                interval(e, t_isf(tail, e.df), test.alternative)
            };
        }
    }
}

/// The scale of inference: logs of ratios, distance from ½ of probabilities, as their negative,
/// since P(treated < control) above ½ is a shift downwards.
pub(super) fn to_inference(estimand: Estimand, value: f64) -> f64 {
    match estimand {
        Estimand::Difference => value,
        Estimand::Ratio => value.ln(),
        Estimand::Probability => 0.5 - value,
    }
}

/// Back to the scale of the report.
pub(super) fn from_inference(estimand: Estimand, value: f64) -> f64 {
    match estimand {
        Estimand::Difference => value,
        Estimand::Ratio => value.exp(),
        Estimand::Probability => (0.5 - value).clamp(0.0, 1.0),
    }
}

/// The t behind an estimate's p-value; by value and error alone where p has none of its own.
fn statistic(e: &Estimate, se: f64, alternative: Alternative) -> f64 {
    let value = to_inference(e.estimand, e.value);
    let own_test = matches!(
        e.estimator,
        Estimator::Permutation | Estimator::MannWhitney | Estimator::Proportion
    );
    let equivalent = e.p_value.filter(|_| own_test).map(|p| match alternative {
        Alternative::TwoSided => t_isf(p / 2.0, e.df).copysign(value),
        Alternative::Less => -t_isf(p, e.df),
        Alternative::Greater => t_isf(p, e.df),
    });
    equivalent.filter(|t| t.is_finite()).unwrap_or(value / se)
}

/// Dunnett over the arms of an outcome, single-step or step-down; Bonferroni over `outcomes`,
/// whose correlation is unknown.
fn many_to_one(test: &Test, outcomes: f64, steps: bool, family: &mut [&mut Adjusted]) {
    // An estimate without spread can reject nothing, so the family is that of the others.
    let mut family: Vec<&mut &mut Adjusted> = family
        .iter_mut()
        .filter(|r| r.estimate.p_value.is_some() || by_interval(&r.estimate))
        .filter(|r| r.estimate.se.is_some_and(|se| se > 0.0))
        .collect();
    let contrasts: Vec<Contrast> = family
        .iter()
        .map(|r| {
            let e = &r.estimate;
            Contrast {
                t: statistic(e, e.se.unwrap_or(1.0), test.alternative),
                df: e.df,
                // Without a known share the arms are taken as equally large: b² = ½.
                control_share: e.control_share.unwrap_or(0.5),
            }
        })
        .collect();
    // (p, half-width of the simultaneous interval in standard errors) by arm.
    let adjusted: Vec<(f64, Option<f64>)> = if steps {
        let Ok(p) = dunnett_step_down(&contrasts, test.alternative) else {
            return;
        };
        p.into_iter().map(|p| (p, None)).collect()
    } else {
        let Ok(found) = dunnett(&contrasts, test.alpha / outcomes, test.alternative) else {
            return;
        };
        found.iter().map(|a| (a.p, Some(a.critical))).collect()
    };
    let alone = contrasts.len() == 1 && outcomes == 1.0;
    for (row, (p, critical)) in family.iter_mut().zip(adjusted) {
        let e = &mut row.estimate;
        let exact = alone || outcomes == 1.0 && shares_only_control(e);
        let word = if exact { "exact" } else { "approximate" };
        e.detail
            .insert("dunnett".into(), DetailValue::Text(word.into()));
        if alone {
            row.p_adjusted = row.estimate.p_value;
            row.interval_adjusted = row.estimate.interval.filter(|_| !steps);
            continue;
        }
        if by_interval(e) {
            row.interval_adjusted = critical.and_then(|c| stretched(e, c, test));
            continue;
        }
        let p = (p * outcomes).min(1.0);
        let interval = critical.and_then(|c| interval(e, c, test.alternative));
        row.p_adjusted = Some(row.estimate.p_value.map_or(p, |raw| p.max(raw)));
        row.interval_adjusted = interval;
    }
}

/// Whether an estimate has an interval of its own making and no p-value, as the bootstrap has.
fn by_interval(e: &Estimate) -> bool {
    e.estimator == Estimator::Bootstrap && e.p_value.is_none() && e.interval.is_some()
}

/// An interval of any shape, each end as much farther from the value as the adjusted critical
/// value is from the plain one; without adjustment it is the interval itself.
fn stretched(e: &Estimate, critical: f64, test: &Test) -> Option<Interval> {
    let plain = match test.alternative {
        Alternative::TwoSided => t_isf(test.alpha / 2.0, e.df),
        Alternative::Less | Alternative::Greater => t_isf(test.alpha, e.df),
    };
    let value = to_inference(e.estimand, e.value);
    let end = |end: f64| {
        let reach = to_inference(e.estimand, end) - value;
        let end = from_inference(e.estimand, value + reach * critical / plain);
        Some(end).filter(|v| v.is_finite())
    };
    let own = e.interval?;
    Some(Interval {
        lower: own.lower.and_then(end),
        upper: own.upper.and_then(end),
    })
}

/// Whether two arms' estimates have nothing in common but control's own mean.
fn shares_only_control(e: &Estimate) -> bool {
    let plain = match e.estimator {
        Estimator::Student
        | Estimator::Welch
        | Estimator::Delta
        | Estimator::Rate
        | Estimator::Stratified => true,
        Estimator::Cluster => !is_adjusted(e),
        // Without before count and strata its two parameters are the arms' log rates.
        Estimator::Poisson => {
            e.detail.get("before") == Some(&DetailValue::Flag(false))
                && e.detail.get("strata") == Some(&DetailValue::Count(1))
        }
        _ => false,
    };
    plain && e.control_share.is_some()
}

/// The simultaneous interval; none where the estimator has none itself.
fn interval(e: &Estimate, critical: f64, alternative: Alternative) -> Option<Interval> {
    e.interval?;
    let (value, reach) = (to_inference(e.estimand, e.value), critical * e.se?);
    let shown = |v: f64| Some(from_inference(e.estimand, v)).filter(|v| v.is_finite());
    let (low, high) = match alternative {
        Alternative::TwoSided => (shown(value - reach), shown(value + reach)),
        Alternative::Less => (None, shown(value + reach)),
        Alternative::Greater => (shown(value - reach), None),
    };
    let (lower, upper) = match e.estimand {
        Estimand::Probability => (high, low),
        _ => (low, high),
    };
    Some(Interval { lower, upper })
}
