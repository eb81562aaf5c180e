//! The two estimators of a schedule, for every outcome.

use crate::error::{Error, Kind, Result};
use crate::experiment::{Better, Experiment, Outcome, PlannedEstimand, Role};
use crate::stats::dist::t_sf;
use crate::stats::panel::{Row, panel};
use crate::stats::permutation::permutation_within;
use crate::stats::{DetailValue, Estimand, Estimate, Estimator, Refusal, Test};
use crate::table::Evidence;
use crate::texts::text;

use super::super::estimates::{row, test_of};
use super::super::family::{Adjusted, Group, adjust};
use super::super::model::{Analysis, Skipped, Warning};
use super::super::primary::Primary;
use super::super::run::draws;
use super::super::scale::rescale;
use super::super::unit::Unit;
use super::{Shown, panel_of, rows};

/// Satterthwaite's df below which CR2's t fails (Tipton & Pustejovsky 2015, J. Educ. Behav. Stat. 40, 604-634).
const FEWEST_DF: f64 = 4.0;

const ESTIMATORS: [Estimator; 2] = [Estimator::Permutation, Estimator::Cluster];

/// Estimates with what was skipped and why; the randomisation test looks at every schedule where
/// they are at most `most`.
///
/// # Errors
/// A sealed primary that cannot be computed.
pub fn all(e: &Experiment, evidence: &Evidence, most: u64) -> Result<Analysis> {
    let mut analysis = Analysis::default();
    let mut groups = Vec::new();
    for outcome in &e.outcomes {
        let rows = rows(e, panel_of(evidence, outcome)?);
        groups.push(group(e, outcome, (&rows, most), &mut analysis)?);
        let others = Estimator::ALL.into_iter();
        analysis
            .skipped
            .extend(
                others
                    .filter(|o| !ESTIMATORS.contains(o))
                    .map(|estimator| Skipped {
                        outcome: outcome.name.clone(),
                        estimator,
                        arm: None,
                        why: text!("skipped.takes-customers"),
                    }),
            );
    }
    adjust(e.analysis.multiplicity, &mut groups);
    for group in groups {
        let (outcome, primary, test) = (group.outcome, group.primary, group.test);
        let rows = group.rows.into_iter();
        let mut rows: Vec<_> = rows.map(|a| row(e, outcome, primary, &test, a)).collect();
        margins(e, outcome, &mut rows);
        analysis.estimates.extend(rows);
    }
    Ok(analysis)
}

/// The estimator that decides for an outcome.
fn primary(e: &Experiment, outcome: &Outcome) -> Primary {
    let named = e
        .analysis
        .estimator
        .as_deref()
        .and_then(Estimator::from_name);
    Primary {
        estimator: named.unwrap_or(Estimator::Cluster),
        estimand: match (outcome.role, e.analysis.estimand) {
            (Role::Guardrail, _) | (_, PlannedEstimand::Difference) => Estimand::Difference,
            (_, PlannedEstimand::Ratio) => Estimand::Ratio,
        },
        sealed: named.is_some() && outcome.role == Role::Primary,
    }
}

fn group<'a>(
    e: &Experiment,
    outcome: &'a Outcome,
    (rows, most): (&[Row], u64),
    analysis: &mut Analysis,
) -> Result<Group<'a>> {
    let (test, mut primary) = (test_of(e, outcome), primary(e, outcome));
    let shown = Shown::of(e, outcome);
    let arm = e.treatments().next().unwrap_or_else(|| e.control());
    let name = &e.arms[arm].name;
    let mut found: Vec<Adjusted> = Vec::new();
    for estimator in ESTIMATORS {
        match run(e, (outcome, arm), estimator, (rows, most), &test) {
            Ok(estimates) => found.extend(estimates.into_iter().map(|mut estimate| {
                rescale(&mut estimate, shown.days);
                let unit = match estimate.estimand {
                    Estimand::Difference => shown.unit.clone(),
                    _ => Unit::Ratio,
                };
                Adjusted::new(arm, estimate, unit)
            })),
            Err(Refusal { why }) if estimator == primary.estimator && primary.sealed => {
                return Err(Error::new(
                    Kind::Data,
                    format!("the planned estimator \"{estimator}\" cannot be computed for the arm \"{name}\": {why}"),
                )
                .key("analysis.estimator")
                .hint("a sealed primary is never replaced: change the plan, which is shown as a deviation, or mend the data where they are wrong"));
            }
            Err(Refusal { why }) => analysis.skipped.push(Skipped {
                outcome: outcome.name.clone(),
                estimator,
                arm: Some(name.clone()),
                why,
            }),
        }
    }
    if !found.iter().any(|r| primary.is(&r.estimate)) {
        if primary.sealed {
            return Err(Error::new(
                Kind::Data,
                format!("the planned estimator \"{}\" gives no ratio for the outcome \"{}\": an adjusted rate is not above 0", primary.estimator, outcome.name),
            )
            .key("analysis.estimand")
            .hint("a sealed primary is never replaced; change the plan to estimand = \"difference\", which is shown as a deviation"));
        }
        primary.estimand = Estimand::Difference;
    }
    let df = found
        .iter()
        .find(|r| r.estimate.estimator == Estimator::Cluster);
    if let Some(df) = df.and_then(|r| r.estimate.df).filter(|df| *df < FEWEST_DF) {
        let message = text!(
            "warning.few-regions",
            outcome = outcome.name,
            df = format!("{df:.1}"),
            limit = FEWEST_DF
        );
        analysis.warnings.push(Warning::new("few-regions", message));
    }
    Ok(Group {
        outcome,
        test,
        primary,
        rows: found,
    })
}

fn run(
    e: &Experiment,
    (outcome, arm): (&Outcome, usize),
    estimator: Estimator,
    (rows, most): (&[Row], u64),
    test: &Test,
) -> Result<Vec<Estimate>, Refusal> {
    if estimator == Estimator::Cluster {
        return panel(rows, test);
    }
    let (draws, stream) = draws(e, outcome, arm, estimator)?;
    let frame = crate::assign::schedule::frame(e)
        .ok_or_else(|| Refusal::new(text!("skipped.no-schedule")))?;
    permutation_within(rows, &frame, test, (draws, most), &stream)
}

/// Margin and p of non-inferiority of a guardrail, as in [`super::super::guardrails`]: the plan's
/// margin is over the after window, the rows' unit is per so many days.
fn margins(e: &Experiment, outcome: &Outcome, rows: &mut [super::EstimateRow]) {
    let (Role::Guardrail, Some(margin)) = (outcome.role, outcome.margin) else {
        return;
    };
    let Some(plan) = &e.assignment.schedule else {
        return;
    };
    let window = e.blocks().len() as f64 * f64::from(plan.block_days);
    let margin = margin * Shown::of(e, outcome).days / window;
    for row in rows.iter_mut().filter(|r| r.primary) {
        let mut put = |key: &str, v| row.detail.insert(key.into(), DetailValue::Number(v));
        put("margin", margin);
        let harm = match outcome.better {
            Better::Lower => row.value,
            Better::Higher => -row.value,
        };
        if let (Some(se), Some(_)) = (row.se.filter(|se| *se > 0.0), row.p_value) {
            put("p_non_inferiority", t_sf((margin - harm) / se, row.df));
        }
    }
}
