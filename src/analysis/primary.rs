//! Which estimator decides.

use crate::experiment::{Experiment, Outcome, OutcomeKind, PlannedEstimand, Role};
use crate::stats::{Estimand, Estimate, Estimator};
use crate::table::ContactTable;

use super::scale::accrues;

/// The estimator that decides for an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Primary {
    /// The estimator.
    pub estimator: Estimator,
    /// Its estimand.
    pub estimand: Estimand,
    /// Whether the plan names it, so that it may not be replaced.
    pub sealed: bool,
}

impl Primary {
    /// Whether this estimate is the one that decides.
    pub fn is(&self, estimate: &Estimate) -> bool {
        estimate.estimator == self.estimator && estimate.estimand == self.estimand
    }
}

/// The estimators that may decide for an outcome, the first that can be computed does.
///
/// The plan's estimator is for the primary outcomes of its kind, and there nothing replaces it.
/// Another outcome of the kind keeps it where it can be computed, and otherwise follows the rule
/// for `auto`. A guardrail's margin is a difference, so its estimate is one.
pub fn candidates(
    experiment: &Experiment,
    outcome: &Outcome,
    table: &ContactTable,
) -> Vec<Primary> {
    let estimand = match (outcome.role, experiment.analysis.estimand) {
        (Role::Guardrail, _) | (_, PlannedEstimand::Difference) => Estimand::Difference,
        (_, PlannedEstimand::Ratio) => Estimand::Ratio,
    };
    let named = experiment
        .analysis
        .estimator
        .as_deref()
        .and_then(Estimator::from_name)
        .filter(|_| outcome.kind == experiment.primary_outcome().kind)
        .map(|estimator| Primary {
            estimator,
            estimand: match (estimator, outcome.role) {
                (Estimator::MannWhitney, Role::Primary | Role::Secondary) => Estimand::Probability,
                _ => estimand,
            },
            sealed: outcome.role == Role::Primary,
        });
    if let Some(sealed) = named.filter(|n| n.sealed) {
        return vec![sealed];
    }
    let clustered = experiment.cluster_column().is_some();
    let (estimator, by_rule) = match clustered {
        true => (Estimator::Cluster, estimand),
        false => automatic(outcome.kind, accrues(experiment, outcome), estimand, table),
    };
    let open = |estimator, estimand| Primary {
        estimator,
        estimand,
        sealed: false,
    };
    let mut all: Vec<Primary> = named.into_iter().collect();
    let plain = match clustered {
        true => Estimator::Cluster,
        false => Estimator::Welch,
    };
    for next in [
        open(estimator, by_rule),
        match by_rule {
            Estimand::Ratio if !clustered => open(Estimator::Delta, by_rule),
            _ => open(plain, Estimand::Difference),
        },
        open(plain, Estimand::Difference),
    ] {
        if !all.contains(&next) {
            all.push(next);
        }
    }
    all
}

/// The rule for `auto`.
///
/// What grows with time is compared per exposure where that varies: a count, and a sum such as
/// handling seconds, of which no likelihood is fitted.
fn automatic(
    kind: OutcomeKind,
    accrues: bool,
    estimand: Estimand,
    table: &ContactTable,
) -> (Estimator, Estimand) {
    let varying = table.constant_exposure().is_none();
    let strata = strata_matter(table);
    match (kind, estimand) {
        (OutcomeKind::Proportion, _) if strata => (Estimator::Stratified, Estimand::Difference),
        (OutcomeKind::Proportion, _) => (Estimator::Proportion, Estimand::Difference),
        (OutcomeKind::Count, Estimand::Ratio) if varying => (Estimator::Poisson, estimand),
        _ if varying && accrues => (Estimator::Rate, estimand),
        _ if table.has_before() => (Estimator::Lin, estimand),
        (_, Estimand::Ratio) if strata => (Estimator::Lin, estimand),
        (_, Estimand::Ratio) => (Estimator::Delta, estimand),
        _ if strata => (Estimator::Stratified, estimand),
        _ => (Estimator::Welch, estimand),
    }
}

/// Whether allocation differs between strata: arm × stratum χ² p < .001.
pub fn strata_matter(table: &ContactTable) -> bool {
    crate::stats::srm::independence(&arms_by_stratum(table)).is_some_and(|t| t.p_value < 0.001)
}

/// Customers by stratum (rows) and arm (columns).
pub fn arms_by_stratum(table: &ContactTable) -> Vec<Vec<u64>> {
    let mut counts = vec![vec![0; table.arms().len()]; table.strata().len()];
    for c in table.cells() {
        counts[c.stratum.0 as usize][usize::from(c.arm.0)] += c.customers;
    }
    counts
}
