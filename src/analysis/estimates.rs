//! Every estimator that applies, for every outcome and treatment arm.

use crate::error::{Error, Kind, Result};
use crate::experiment::{Better, Experiment, Outcome};
use crate::stats::{Alternative, DetailValue, Estimand, Estimate, Estimator, Refusal, Test};
use crate::table::{ArmId, Comparison, ContactTable, Evidence};
use crate::texts::text;

use super::attrition::add_bounds;
use super::clusters::{self, ByCluster};
use super::family::{self, Adjusted};
use super::joint;
use super::model::{Analysis, EstimateRow, Skipped, Warning};
use super::primary::{Primary, candidates, strata_matter};
use super::run::run;
use super::scale::{Scale, accrues, rescale, scale};
use super::small;
use super::unit::Unit;
use super::warnings;

/// The outcomes' tables with the plan's caps applied, in the plan's order.
///
/// # Errors
/// Evidence of another plan.
pub fn capped_tables(experiment: &Experiment, evidence: &Evidence) -> Result<Vec<ContactTable>> {
    experiment
        .outcomes
        .iter()
        .map(|o| {
            let found = evidence
                .outcomes
                .iter()
                .find(|e| e.outcome == o.name)
                .ok_or_else(|| {
                    Error::workspace(format!("the evidence holds no outcome \"{}\"", o.name))
                        .hint("run `pilot ingest` again")
                })?;
            as_analysed(experiment, o, &found.table)
        })
        .collect()
}

/// A table of an outcome as its estimates read it: under the plan's cap, and without times where
/// what is measured does not grow with them, since a share or a score is no rate.
pub fn as_analysed(
    experiment: &Experiment,
    outcome: &Outcome,
    table: &ContactTable,
) -> Result<ContactTable> {
    let capped = match outcome.caps() {
        Some(cap) => table.capped(cap)?,
        None => table.clone(),
    };
    match accrues(experiment, outcome) || capped.constant_exposure().is_some() {
        true => Ok(capped),
        false => capped.per_customer(),
    }
}

/// The clusters of an outcome under a cap, in a clustered pilot.
fn by_cluster<'a>(
    experiment: &Experiment,
    evidence: &'a Evidence,
    outcome: &Outcome,
    cap: Option<u64>,
) -> Option<ByCluster<'a>> {
    let found = evidence
        .outcomes
        .iter()
        .find(|e| e.outcome == outcome.name)?;
    ByCluster::of(experiment, found, cap)
}

/// The test of an outcome: one-sided tests point towards what is better.
pub fn test_of(experiment: &Experiment, outcome: &Outcome) -> Test {
    let alternative = match (experiment.analysis.one_sided, outcome.better) {
        (false, _) => Alternative::TwoSided,
        (true, Better::Lower) => Alternative::Less,
        (true, Better::Higher) => Alternative::Greater,
    };
    Test {
        alpha: experiment.analysis.alpha,
        alternative,
    }
}

/// Estimates, adjusted over the family, with what was skipped and why.
///
/// # Errors
/// A sealed primary that cannot be computed.
pub fn all(
    experiment: &Experiment,
    evidence: &Evidence,
    tables: &[ContactTable],
) -> Result<Analysis> {
    let mut analysis = Analysis::default();
    let mut groups = Vec::new();
    for (outcome, table) in experiment.outcomes.iter().zip(tables) {
        let candidates = candidates(experiment, outcome, table);
        let by_cluster = by_cluster(experiment, evidence, outcome, outcome.cap);
        let of = (table, by_cluster);
        let rows = outcome_rows(experiment, outcome, of, candidates[0], &mut analysis)?;
        groups.push(family::Group {
            outcome,
            test: test_of(experiment, outcome),
            primary: deciding(experiment, outcome, &candidates, &rows, &mut analysis),
            rows,
        });
    }
    family::adjust(experiment.analysis.multiplicity, &mut groups);
    for group in groups {
        let (outcome, primary, test) = (group.outcome, group.primary, group.test);
        let rows = group.rows.into_iter();
        analysis
            .estimates
            .extend(rows.map(|a| row(experiment, outcome, primary, &test, a)));
    }
    analysis.covariance = joint::covariance(experiment, &analysis.estimates);
    if analysis.covariance.is_none() {
        let outcome = &experiment.primary_outcome().name;
        let message = text!("warning.no-joint-effect", outcome);
        analysis
            .warnings
            .push(Warning::new("no-joint-effect", message));
    }
    Ok(analysis)
}

/// Puts the uncapped result beside each deciding estimate of a capped outcome, in its detail:
/// `uncapped_value`, `uncapped_se`, `uncapped_ci`.
///
/// # Errors
/// Sums that exceed 127 bits.
pub fn add_uncapped(
    experiment: &Experiment,
    evidence: &Evidence,
    estimates: &mut [EstimateRow],
) -> Result<()> {
    for (outcome, found) in experiment.outcomes.iter().zip(&evidence.outcomes) {
        if outcome.cap.is_none() {
            continue;
        }
        let table = &found.table;
        let (test, shown) = (
            test_of(experiment, outcome),
            scale(experiment, outcome, table),
        );
        for row in estimates
            .iter_mut()
            .filter(|r| r.primary && r.outcome == outcome.name)
        {
            let Some(arm) = experiment.arms.iter().position(|a| a.name == row.arm) else {
                continue;
            };
            let control = ArmId(experiment.control() as u16);
            let c = Comparison::new(table, ArmId(arm as u16), control)?;
            let by_cluster = ByCluster::of(experiment, found, None);
            let clustered = by_cluster.is_some();
            let Some(Ok(estimates)) = run(
                experiment,
                outcome,
                arm,
                row.estimator,
                &c,
                by_cluster,
                &test,
            ) else {
                continue;
            };
            let same = |e: &Estimate| e.estimand == row.estimand;
            let Some(mut e) = estimates.into_iter().find(same) else {
                continue;
            };
            let (_, factor) = unit_of(&shown, &c, clustered, &e);
            rescale(&mut e, factor);
            let mut put = |key: &str, value| row.detail.insert(key.into(), value);
            put("uncapped_value", DetailValue::Number(e.value));
            if let Some(se) = e.se {
                put("uncapped_se", DetailValue::Number(se));
            }
            let ends = e.interval.and_then(|i| Some(vec![i.lower?, i.upper?]));
            let two_sided = e.detail.remove("ci_two_sided");
            if let Some(ci) = two_sided.or(ends.map(DetailValue::Numbers)) {
                put("uncapped_ci", ci);
            }
        }
    }
    Ok(())
}

/// The first candidate that every treatment arm has, or else that any has.
fn deciding(
    experiment: &Experiment,
    outcome: &Outcome,
    candidates: &[Primary],
    rows: &[Adjusted],
    analysis: &mut Analysis,
) -> Primary {
    let arms = |p: &Primary| {
        let of = |r: &&Adjusted| p.is(&r.estimate);
        rows.iter().filter(of).count()
    };
    let all = experiment.treatments().count();
    let first = candidates[0];
    let Some(found) = candidates
        .iter()
        .find(|p| arms(p) == all)
        .or_else(|| candidates.iter().find(|p| arms(p) > 0))
    else {
        return first;
    };
    if *found != first {
        let message = text!(
            "warning.estimator-replaced",
            outcome = outcome.name,
            first = first.estimator.name(),
            estimand = estimand_name(first.estimand),
            found = found.estimator.name()
        );
        analysis
            .warnings
            .push(Warning::new("estimator-replaced", message));
    }
    *found
}

fn outcome_rows(
    experiment: &Experiment,
    outcome: &Outcome,
    (table, by_cluster): (&ContactTable, Option<ByCluster<'_>>),
    primary: Primary,
    analysis: &mut Analysis,
) -> Result<Vec<Adjusted>> {
    let test = test_of(experiment, outcome);
    let shown = scale(experiment, outcome, table);
    let biased = by_cluster.is_none() && strata_matter(table);
    let estimators: &[Estimator] = match by_cluster {
        Some(_) => &clusters::ESTIMATORS,
        None => &Estimator::ALL,
    };
    if by_cluster.is_some() {
        analysis.skipped.extend(clusters::skipped(outcome));
    }
    if by_cluster.is_none() {
        let doubts = warnings::of_data(experiment, outcome, table)?;
        analysis.warnings.extend(doubts);
    }
    let mut found: Vec<Adjusted> = Vec::new();
    for arm in experiment.treatments() {
        let comparison =
            Comparison::new(table, ArmId(arm as u16), ArmId(experiment.control() as u16))?;
        let of_arm = found.len();
        let least = experiment.min_cell;
        let name = &experiment.arms[arm].name;
        let withheld = |estimator, why| Skipped {
            outcome: outcome.name.clone(),
            estimator,
            arm: Some(name.clone()),
            why,
        };
        if let Some(why) = small::refused(experiment, &comparison) {
            analysis.skipped.push(withheld(primary.estimator, why));
            continue;
        }
        let uptake = small::Uptake::of(&comparison, least);
        let mut untold = false;
        for &estimator in estimators {
            let c = &comparison;
            let decides = estimator == primary.estimator;
            if let Some(why) = uptake.refuses(estimator, decides, least) {
                untold |= decides;
                analysis.skipped.push(withheld(estimator, why));
                continue;
            }
            let why = match run(experiment, outcome, arm, estimator, c, by_cluster, &test) {
                None => continue,
                Some(Ok(estimates)) => {
                    for mut estimate in estimates {
                        if estimator == Estimator::Welch {
                            add_bounds(&comparison, least, &test, &mut estimate);
                        }
                        if uptake.hides(estimator, estimate.estimand, primary.estimand) {
                            let why = text!(
                                "skipped.few-others",
                                estimand = estimand_name(estimate.estimand),
                                least
                            );
                            analysis.skipped.push(withheld(estimator, why));
                            continue;
                        }
                        small::hide_details(&comparison, least, &mut estimate.detail);
                        uptake.hide_details(estimator, &mut estimate.detail);
                        let (unit, factor) = unit_of(&shown, c, by_cluster.is_some(), &estimate);
                        rescale(&mut estimate, factor);
                        if biased
                            && (ignores_strata(estimator)
                                || is_rate(estimator, c, by_cluster.is_some()))
                        {
                            let flag = DetailValue::Flag(true);
                            estimate.detail.insert("biased".into(), flag);
                        }
                        found.push(Adjusted::new(arm, estimate, unit));
                    }
                    continue;
                }
                Some(Err(Refusal { why })) => why,
            };
            if estimator == primary.estimator && primary.sealed {
                return Err(Error::new(
                    Kind::Data,
                    format!("the planned estimator \"{estimator}\" cannot be computed for the arm \"{}\": {why}", experiment.arms[arm].name),
                )
                .key("analysis.estimator")
                .hint("a sealed primary is never replaced: change the plan, which is shown as a deviation, or mend the data where they are wrong"));
            }
            analysis.skipped.push(withheld(estimator, why));
        }
        if let Some(by_cluster) = by_cluster {
            let few = clusters::few(experiment, outcome, arm, by_cluster, &found[of_arm..]);
            analysis.warnings.extend(few);
            let skewed = clusters::skewed(experiment, outcome, arm, by_cluster);
            analysis.warnings.extend(skewed);
        }
        let of_arm = &mut found[of_arm..];
        if primary.sealed && !untold && !of_arm.iter().any(|r| primary.is(&r.estimate)) {
            return Err(Error::plan(format!(
                "the planned estimator \"{}\" gives no {} for the outcome \"{}\"",
                primary.estimator,
                estimand_name(primary.estimand),
                outcome.name
            ))
            .key("analysis.estimator")
            .hint("choose an estimator that fits the estimand and the outcome's kind; `pilot explain estimators` lists them"));
        }
        share_control(of_arm);
    }
    let doubts = warnings::of_estimates(experiment, outcome, &found);
    analysis.warnings.extend(doubts);
    Ok(found)
}

/// The unit of an estimate as it is shown, and the factor to it.
fn unit_of(shown: &Scale, c: &Comparison<'_>, clustered: bool, estimate: &Estimate) -> (Unit, f64) {
    let (factor, unit) = if is_rate(estimate.estimator, c, clustered) {
        (shown.rate, &shown.rate_unit)
    } else {
        (shown.window, &shown.window_unit)
    };
    match estimate.estimand {
        Estimand::Difference if estimate.estimator == Estimator::Cace => {
            (unit.clone().of_takers(), factor)
        }
        Estimand::Difference => (unit.clone(), factor),
        Estimand::Ratio => (Unit::Ratio, factor),
        Estimand::Probability => (Unit::Probability, factor),
    }
}

/// [`unit_of`] an estimate on the customers of `table`.
pub fn unit_and_factor(
    experiment: &Experiment,
    outcome: &Outcome,
    table: &ContactTable,
    c: &Comparison<'_>,
    estimate: &Estimate,
) -> (Unit, f64) {
    unit_of(&scale(experiment, outcome, table), c, false, estimate)
}

/// Control's share of each variance; where an estimator has none of its own (a likelihood fit,
/// a rank or permutation test), that of the plain estimate of the same estimand.
fn share_control(rows: &mut [Adjusted]) {
    let plain = |estimand| {
        let estimator = |r: &&Adjusted| {
            let e = &r.estimate;
            e.estimand == estimand
                && matches!(
                    e.estimator,
                    Estimator::Rate | Estimator::Delta | Estimator::Welch
                )
        };
        // Rate comes first: it alone allows for varying exposure.
        let mut shares = rows.iter().filter(estimator).collect::<Vec<_>>();
        shares.sort_by_key(|r| r.estimate.estimator != Estimator::Rate);
        shares.iter().find_map(|r| r.estimate.control_share)
    };
    let shares = [Estimand::Difference, Estimand::Ratio].map(plain);
    for row in rows {
        let e = &mut row.estimate;
        let borrowed = match e.estimand {
            Estimand::Difference => shares[0],
            Estimand::Ratio => shares[1],
            // Equal variances: in proportion to 1/n.
            Estimand::Probability => {
                let (t, k) = (e.n_treatment as f64, e.n_control as f64);
                (t + k > 0.0).then(|| t / (t + k))
            }
        };
        e.control_share = e.control_share.or(borrowed);
        if let Some(share) = e.control_share {
            let share = DetailValue::Number(share);
            e.detail.insert("control_share".into(), share);
        }
    }
}

fn estimand_name(estimand: Estimand) -> String {
    match estimand {
        Estimand::Difference => text!("unit.difference"),
        Estimand::Ratio => text!("unit.ratio"),
        Estimand::Probability => text!("unit.probability"),
    }
}

/// Whether an estimator's difference is one of contacts per exposure, over all strata.
fn is_rate(estimator: Estimator, c: &Comparison<'_>, clustered: bool) -> bool {
    match estimator {
        Estimator::Rate => true,
        Estimator::Permutation | Estimator::Bootstrap => c.constant_exposure().is_none(),
        _ => clustered && c.constant_exposure().is_none(),
    }
}

fn ignores_strata(estimator: Estimator) -> bool {
    matches!(
        estimator,
        Estimator::Welch
            | Estimator::Student
            | Estimator::Rate
            | Estimator::Delta
            | Estimator::Cuped
            | Estimator::Did
            | Estimator::MannWhitney
            | Estimator::Proportion
            | Estimator::Bayes
    )
}

/// An estimate as a record.
pub fn row(
    experiment: &Experiment,
    outcome: &Outcome,
    primary: Primary,
    test: &Test,
    adjusted: Adjusted,
) -> EstimateRow {
    let Adjusted {
        arm,
        estimate: e,
        unit,
        p_adjusted,
        interval_adjusted,
    } = adjusted;
    EstimateRow {
        outcome: outcome.name.clone(),
        arm: experiment.arms[arm].name.clone(),
        control: experiment.arms[experiment.control()].name.clone(),
        segment: None,
        estimand: e.estimand,
        estimator: e.estimator,
        value: e.value,
        // Values without any spread tell nothing of their error: unknown, not 0.
        se: e.se.filter(|se| *se > 0.0),
        df: e.df,
        ci_lower: e.interval.and_then(|i| i.lower),
        ci_upper: e.interval.and_then(|i| i.upper),
        level: 1.0 - test.alpha,
        p_value: e.p_value,
        p_adjusted,
        ci_adjusted_lower: interval_adjusted.and_then(|i| i.lower),
        ci_adjusted_upper: interval_adjusted.and_then(|i| i.upper),
        primary: primary.is(&e),
        unit,
        n_arm: e.n_treatment,
        n_control: e.n_control,
        detail: e.detail,
    }
}
