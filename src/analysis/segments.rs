//! The primary outcomes' effects apart by segment: exploratory, never deciding.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::experiment::{Experiment, Outcome, Role};
use crate::stats::dist::normal_isf;
use crate::stats::heterogeneity::{Heterogeneity, heterogeneity};
use crate::stats::multiplicity::benjamini_hochberg;
use crate::stats::{DetailValue, Estimand, Estimate, Estimator, Refusal};
use crate::table::{ArmId, Comparison, ContactTable, Evidence};
use crate::texts::text;

use super::estimates::{as_analysed, row, test_of, unit_and_factor};
use super::family::{Adjusted, from_inference, to_inference};
use super::model::{Analysis, EstimateRow, Skipped, Warning};
use super::primary::Primary;
use super::run::run;
use super::scale::rescale;
use super::small::{self, Uptake, arm_is_small};
use super::unit::Unit;

/// Label of the groups of customers that were too small to stand alone.
pub fn smaller_groups() -> String {
    text!("estimate.smaller-groups")
}

/// Effects by segment: the interaction tests first, then the segments.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Segments {
    /// Outcome, then column, then arm.
    pub tests: Vec<SegmentTest>,
    /// Outcome, then column, then arm, then value.
    pub rows: Vec<SegmentRow>,
}

/// Does the effect of an arm differ between the segments of a column?
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentTest {
    /// Outcome's name.
    pub outcome: String,
    /// Segment column.
    pub column: String,
    /// Treatment arm's name.
    pub arm: String,
    /// What is estimated in each segment.
    pub estimand: Estimand,
    /// How.
    pub estimator: Estimator,
    /// Segments compared.
    pub segments: u32,
    /// Cochran's Q.
    pub q: Option<f64>,
    /// Segments − 1.
    pub df: Option<f64>,
    /// p-value of the same effect in every segment.
    pub p_value: Option<f64>,
    /// Standard deviation of the true effects between segments (log scale for ratios).
    pub tau: Option<f64>,
    /// Mean of the segments' effects.
    pub mean: Option<f64>,
    /// Unit of effects.
    pub unit: Unit,
    /// Why the segments could not be compared.
    pub why: Option<String>,
}

/// The effect of one arm in one segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentRow {
    /// Outcome's name.
    pub outcome: String,
    /// Segment column.
    pub column: String,
    /// Its value; "(smaller groups)" are those too small to be shown alone, together.
    pub segment: String,
    /// Treatment arm's name.
    pub arm: String,
    /// Treatment customers.
    pub n_arm: u64,
    /// Control customers.
    pub n_control: u64,
    /// The effect as it was estimated in the segment alone.
    pub value: f64,
    /// Its standard error; log scale for ratios.
    pub se: Option<f64>,
    /// Its interval.
    pub ci_lower: Option<f64>,
    /// Its interval.
    pub ci_upper: Option<f64>,
    /// Its p-value.
    pub p_value: Option<f64>,
    /// Adjusted over the segments of the column and arm (Benjamini and Hochberg).
    pub p_adjusted: Option<f64>,
    /// The effect drawn towards the segments' mean, as far as chance explains the difference.
    pub shrunk: Option<f64>,
    /// Its interval, two-sided, normal.
    pub shrunk_lower: Option<f64>,
    /// Its interval.
    pub shrunk_upper: Option<f64>,
    /// 1 − alpha.
    pub level: f64,
    /// Unit of effects.
    pub unit: Unit,
}

/// Adds the segments' estimates, never primary, and the tests of them to an analysis.
///
/// # Errors
/// Sums that exceed 127 bits.
pub fn add(experiment: &Experiment, evidence: &Evidence, analysis: &mut Analysis) -> Result<()> {
    if experiment.analysis.segments.is_empty() {
        return Ok(());
    }
    if experiment.cluster_column().is_some() {
        let message = text!("warning.no-segments-clusters");
        analysis.warnings.push(Warning::new("no-segments", message));
        return Ok(());
    }
    let mut found = Segments::default();
    let mut missing: Vec<&str> = Vec::new();
    let primary = |o: &&Outcome| o.role == Role::Primary;
    for outcome in experiment.outcomes.iter().filter(primary) {
        let own = evidence.outcomes.iter().find(|e| e.outcome == outcome.name);
        let deciding = analysis
            .estimates
            .iter()
            .find(|e| e.primary && e.outcome == outcome.name);
        let (Some(own), Some(deciding)) = (own, deciding) else {
            continue;
        };
        let primary = Primary {
            // Posteriors share the prior: a test of their differences, and another shrinkage, would
            // count it again and again.
            estimator: match deciding.estimator {
                Estimator::Bayes => Estimator::Delta,
                own => own,
            },
            estimand: deciding.estimand,
            sealed: false,
        };
        for name in &experiment.analysis.segments {
            let Some(column) = own.segments.iter().find(|s| s.column() == name) else {
                if !missing.contains(&name.as_str()) {
                    missing.push(name);
                }
                continue;
            };
            let groups = shown(experiment, outcome, column.values())?;
            for arm in experiment.treatments() {
                if arm_is_small(experiment, &own.table, arm) {
                    continue;
                }
                let context = Context {
                    experiment,
                    outcome,
                    column: name,
                    primary,
                    arm,
                };
                context.add(&groups, &mut found, analysis)?;
            }
        }
    }
    for column in missing {
        let message = text!("warning.no-segments-column", column);
        analysis.warnings.push(Warning::new("no-segments", message));
    }
    if !found.tests.is_empty() {
        analysis.segments = Some(found);
    }
    Ok(())
}

type Group = (String, ContactTable);

/// The segments that may be shown: the plan's cap applied, and those with fewer customers of an
/// arm than `min_cell`, but some, merged with the next smallest, so that nobody is had by subtraction.
fn shown(experiment: &Experiment, outcome: &Outcome, values: &[Group]) -> Result<Vec<Group>> {
    let mut groups: Vec<Group> = Vec::new();
    for (value, table) in values {
        let table = as_analysed(experiment, outcome, table)?;
        let label = match value.trim().is_empty() {
            true => text!("estimate.blank"),
            false => value.clone(),
        };
        groups.push((label, table));
    }
    let customers = |table: &ContactTable| -> Vec<u64> {
        let arms = 0..experiment.arms.len() as u16;
        arms.map(|arm| table.customers(ArmId(arm))).collect()
    };
    let small = |table: &ContactTable| {
        let mut customers = customers(table).into_iter();
        customers.any(|n| n > 0 && n < experiment.min_cell)
    };
    let mut merged: Option<ContactTable> = None;
    loop {
        let least = || {
            let smallest = |i: &usize| customers(&groups[*i].1).into_iter().min();
            let incomplete = merged.as_ref().is_some_and(&small);
            (0..groups.len())
                .min_by_key(smallest)
                .filter(|_| incomplete)
        };
        let next = groups.iter().position(|g| small(&g.1)).or_else(least);
        let Some(next) = next else { break };
        let (_, table) = groups.remove(next);
        merged = Some(match merged {
            None => table,
            Some(others) => others.merge(table)?,
        });
    }
    if let Some(merged) = merged.filter(|m| !small(m)) {
        groups.push((smaller_groups(), merged));
    }
    Ok(groups)
}

/// One column and arm.
struct Context<'a> {
    experiment: &'a Experiment,
    outcome: &'a Outcome,
    column: &'a str,
    primary: Primary,
    arm: usize,
}

impl Context<'_> {
    fn add(&self, groups: &[Group], found: &mut Segments, analysis: &mut Analysis) -> Result<()> {
        let mut estimates: Vec<(&str, Estimate, Unit)> = Vec::new();
        for (segment, table) in groups {
            match self.estimate(table)? {
                Ok((estimate, unit)) => estimates.push((segment, estimate, unit)),
                Err(Refusal { why }) => analysis.skipped.push(Skipped {
                    outcome: self.outcome.name.clone(),
                    estimator: self.primary.estimator,
                    arm: Some(self.experiment.arms[self.arm].name.clone()),
                    why: format!("{} = {segment}: {why}", self.column),
                }),
            }
        }
        // A segment without spread says nothing about chance, so the others are compared.
        let compared: Vec<usize> = (0..estimates.len())
            .filter(|i| estimates[*i].1.se.is_some_and(|se| se > 0.0))
            .collect();
        let effects: Vec<(f64, f64)> = compared
            .iter()
            .filter_map(|i| {
                let e = &estimates[*i].1;
                Some((to_inference(e.estimand, e.value), e.se?))
            })
            .collect();
        let tested = heterogeneity(&effects);
        let mut shrunk = vec![None; estimates.len()];
        for (at, i) in compared.iter().enumerate() {
            shrunk[*i] = tested.as_ref().ok().map(|h| h.shrunk[at]);
        }
        let with_p = |e: &Estimate| e.p_value.filter(|_| e.se.is_none_or(|se| se > 0.0));
        let raw: Vec<f64> = estimates.iter().filter_map(|e| with_p(&e.1)).collect();
        let mut adjusted = benjamini_hochberg(&raw).into_iter();
        let unit = estimates
            .first()
            .map_or_else(|| Unit::Other(String::new()), |e| e.2.clone());
        found.tests.push(self.test(&tested, compared.len(), unit));
        for ((segment, estimate, unit), shrunk) in estimates.into_iter().zip(shrunk) {
            let p_adjusted = with_p(&estimate).and_then(|_| adjusted.next());
            let row = self.row(segment, estimate, unit, p_adjusted, shrunk);
            found.rows.push(self.segment(segment, &row, shrunk));
            analysis.estimates.push(row);
        }
        Ok(())
    }

    fn estimate(&self, table: &ContactTable) -> Result<Result<(Estimate, Unit), Refusal>> {
        let (experiment, outcome) = (self.experiment, self.outcome);
        let control = ArmId(experiment.control() as u16);
        let comparison = Comparison::new(table, ArmId(self.arm as u16), control)?;
        let estimator = self.primary.estimator;
        let test = test_of(experiment, outcome);
        let uptake = Uptake::of(&comparison, experiment.min_cell);
        if let Some(why) = uptake.refuses(estimator, true, experiment.min_cell) {
            return Ok(Err(Refusal { why }));
        }
        let none = || Refusal::new(text!("skipped.not-by-segment"));
        let estimates = run(
            experiment,
            outcome,
            self.arm,
            estimator,
            &comparison,
            None,
            &test,
        );
        Ok(estimates.unwrap_or_else(|| Err(none())).and_then(|all| {
            let mut all = all.into_iter();
            let mut estimate = all.find(|e| self.primary.is(e)).ok_or_else(none)?;
            let (unit, factor) =
                unit_and_factor(experiment, outcome, table, &comparison, &estimate);
            rescale(&mut estimate, factor);
            small::hide_details(&comparison, experiment.min_cell, &mut estimate.detail);
            uptake.hide_details(estimator, &mut estimate.detail);
            Ok((estimate, unit))
        }))
    }

    fn row(
        &self,
        segment: &str,
        mut estimate: Estimate,
        unit: Unit,
        p_adjusted: Option<f64>,
        shrunk: Option<(f64, f64)>,
    ) -> EstimateRow {
        if let Some((value, _)) = shrunk {
            let value = DetailValue::Number(from_inference(estimate.estimand, value));
            estimate.detail.insert("shrunk".into(), value);
        }
        let adjusted = Adjusted {
            p_adjusted,
            ..Adjusted::new(self.arm, estimate, unit)
        };
        let test = test_of(self.experiment, self.outcome);
        EstimateRow {
            segment: Some(format!("{} = {segment}", self.column)),
            primary: false,
            ..row(self.experiment, self.outcome, self.primary, &test, adjusted)
        }
    }

    fn segment(&self, segment: &str, row: &EstimateRow, shrunk: Option<(f64, f64)>) -> SegmentRow {
        let z = normal_isf(self.experiment.analysis.alpha / 2.0);
        let end = |sign: f64| {
            let (value, se) = shrunk?;
            let end = from_inference(row.estimand, value + sign * z * se);
            end.is_finite().then_some(end)
        };
        let (low, high) = match row.estimand {
            Estimand::Probability => (end(1.0), end(-1.0)),
            _ => (end(-1.0), end(1.0)),
        };
        SegmentRow {
            outcome: row.outcome.clone(),
            column: self.column.into(),
            segment: segment.into(),
            arm: row.arm.clone(),
            n_arm: row.n_arm,
            n_control: row.n_control,
            value: row.value,
            se: row.se,
            ci_lower: row.ci_lower,
            ci_upper: row.ci_upper,
            p_value: row.p_value,
            p_adjusted: row.p_adjusted,
            shrunk: shrunk.map(|s| from_inference(row.estimand, s.0)),
            shrunk_lower: low,
            shrunk_upper: high,
            level: row.level,
            unit: row.unit.clone(),
        }
    }

    fn test(
        &self,
        tested: &Result<Heterogeneity, Refusal>,
        segments: usize,
        unit: Unit,
    ) -> SegmentTest {
        let estimand = self.primary.estimand;
        let known = tested.as_ref().ok();
        SegmentTest {
            outcome: self.outcome.name.clone(),
            column: self.column.into(),
            arm: self.experiment.arms[self.arm].name.clone(),
            estimand,
            estimator: self.primary.estimator,
            segments: segments as u32,
            q: known.map(|h| h.q),
            df: known.map(|h| h.df),
            p_value: known.map(|h| h.p_value),
            tau: known.map(|h| h.tau_squared.sqrt()),
            mean: known.map(|h| from_inference(estimand, h.mean.0)),
            unit,
            why: tested.as_ref().err().map(|r| r.why.clone()),
        }
    }
}
