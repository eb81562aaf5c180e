//! One estimator on one comparison: which applies, and why another does not.

use crate::experiment::{BeforeKind, Experiment, Outcome, OutcomeKind};
use crate::stats::random::Stream;
use crate::stats::{
    Estimate, Estimator, Refusal, Test, adjusted, bayes, before, bootstrap, cace, means, negbin,
    permutation, poisson, proportion, ranks,
};
use crate::table::Comparison;
use crate::texts::text;

use super::clusters::ByCluster;
use super::scale::{accrues, before_windows};
use super::small;

/// Runs one estimator; `None` where it does not belong to this kind of outcome or is of a later version.
pub fn run(
    experiment: &Experiment,
    outcome: &Outcome,
    arm: usize,
    estimator: Estimator,
    c: &Comparison<'_>,
    by_cluster: Option<ByCluster<'_>>,
    test: &Test,
) -> Option<Result<Vec<Estimate>, Refusal>> {
    if let Some(by_cluster) = by_cluster {
        return Some(by_cluster.run(experiment, outcome, estimator, c, test));
    }
    let count = outcome.kind == OutcomeKind::Count;
    let refuse = |why: String| Some(Err(Refusal::new(why)));
    let has_before = c.table().has_before();
    match estimator {
        Estimator::Welch => Some(means::welch(c, test)),
        Estimator::Student => Some(means::student(c, &small::pooled(experiment, c), test)),
        Estimator::Rate if count => Some(means::rate(c, test)),
        // A sum over the window grows with it like a count; one value a customer does not.
        Estimator::Rate if accrues(experiment, outcome) && c.constant_exposure().is_none() => {
            Some(means::rate(c, test))
        }
        Estimator::Delta => Some(means::delta(c, test)),
        Estimator::Stratified if c.table().strata().len() > 1 => Some(means::stratified(c, test)),
        Estimator::Stratified => refuse(text!("skipped.no-strata")),
        Estimator::Cuped | Estimator::Did | Estimator::Ancova | Estimator::Lin
            if !has_before && c.table().strata().len() < 2 =>
        {
            refuse(text!("skipped.no-before"))
        }
        Estimator::Cuped | Estimator::Did if !has_before => refuse(text!("skipped.no-before")),
        Estimator::Cuped => Some(before::cuped(c, test)),
        Estimator::Did if outcome.before_kind == BeforeKind::Covariate || !count => {
            refuse(text!("skipped.before-covariate"))
        }
        Estimator::Did => Some(before::did_over(
            c,
            test,
            before_windows(experiment, c.table()),
        )),
        Estimator::Ancova => Some(adjusted::ancova(c, test)),
        Estimator::Lin => Some(adjusted::lin(c, test)),
        Estimator::Poisson if count => Some(poisson::poisson(c, test)),
        Estimator::Negbin if count => Some(negbin::negbin(c, test)),
        Estimator::Permutation => Some(
            draws(experiment, outcome, arm, estimator)
                .and_then(|(draws, s)| permutation::permutation(c, test, draws, &s)),
        ),
        Estimator::Bootstrap => Some(
            draws(experiment, outcome, arm, estimator)
                .and_then(|(draws, s)| bootstrap::bootstrap(c, test, draws, &s)),
        ),
        Estimator::MannWhitney if outcome.kind != OutcomeKind::Proportion => {
            Some(ranks::mann_whitney(c, test))
        }
        Estimator::Proportion if outcome.kind == OutcomeKind::Proportion => {
            Some(proportion::proportion(c, test))
        }
        Estimator::Cluster => refuse(text!("skipped.no-clusters")),
        Estimator::Cace => Some(cace::cace(c, test)),
        Estimator::Bayes => match experiment.analysis.prior {
            None => refuse(text!("skipped.no-prior")),
            Some((mean, sd)) => Some(bayes::bayes(c, test, bayes::Prior { mean, sd })),
        },
        _ => None,
    }
}

/// How often a resampling estimator draws, and its own stream.
///
/// # Errors
/// The plan asks for no draws.
pub fn draws(
    experiment: &Experiment,
    outcome: &Outcome,
    arm: usize,
    estimator: Estimator,
) -> Result<(u32, Stream), Refusal> {
    let draws = match estimator {
        Estimator::Permutation => experiment.analysis.permutations,
        _ => experiment.analysis.bootstrap,
    };
    if draws == 0 {
        return Err(Refusal::new(match estimator {
            Estimator::Permutation => text!("skipped.no-permutations"),
            _ => text!("skipped.no-bootstrap"),
        }));
    }
    let arm = &experiment.arms[arm].name;
    let purpose = format!("{estimator}/{}/{arm}", outcome.name);
    let stream = Stream::new(&purpose, &experiment.name, experiment.seed);
    Ok((draws, stream))
}
