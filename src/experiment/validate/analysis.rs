//! Tests and estimators, and whether the primary one fits the experiment.

use crate::error::{Result, nearest};
use crate::experiment::model::{
    AnalysisPlan, BeforeKind, CountsExposure, Data, Experiment, Multiplicity, Outcome, OutcomeKind,
    PlannedEstimand, Role, Windows,
};
use crate::experiment::raw::Raw;
use crate::experiment::validate::sequential;
use crate::experiment::value::shown;
use crate::stats::Estimator;

/// Fewer draws cannot show a p-value of .001.
const FEWEST_DRAWS: u32 = 999;

/// Below, critical values are those of events that never happen.
const LEAST_ALPHA: f64 = 1e-10;

pub(super) fn read(raw: &Raw<'_>) -> Result<AnalysisPlan> {
    let alpha: f64 = raw.need("alpha")?;
    if alpha < LEAST_ALPHA {
        return Err(raw
            .wrong(
                "alpha",
                format!("an error rate below {LEAST_ALPHA:e} is no error rate of a test"),
            )
            .hint("usual is alpha = 0.05"));
    }
    let power: f64 = raw.need("power")?;
    if power <= alpha {
        return Err(raw
            .wrong(
                "power",
                format!("the power {power} is not above alpha {alpha}"),
            )
            .hint("usual is power = 0.8"));
    }
    Ok(AnalysisPlan {
        alpha,
        power,
        one_sided: raw.need::<String>("alternative")? == "one-sided",
        estimand: raw.need("estimand")?,
        estimator: estimator(raw)?,
        multiplicity: raw.need("multiplicity")?,
        per_days: raw.get("per_days")?,
        permutations: draws(raw, "permutations")?,
        bootstrap: draws(raw, "bootstrap")?,
        segments: raw.need("segments")?,
        prior: match raw.sub("prior") {
            Some(prior) => Some((prior.need("mean")?, prior.need("sd")?)),
            None => None,
        },
        sequential: raw.sub("sequential").map(sequential::read).transpose()?,
    })
}

fn estimator(raw: &Raw<'_>) -> Result<Option<String>> {
    let name: String = raw.need("estimator")?;
    if name == "auto" {
        return Ok(None);
    }
    if Estimator::from_name(&name).is_none() {
        let error = raw.wrong(
            "estimator",
            format!("unknown estimator \"{}\"", shown(&name)),
        );
        let names = || Estimator::ALL.iter().map(|e| e.name());
        return Err(match nearest(&name, names()) {
            Some(near) => error.hint(format!("did you mean \"{near}\"?")),
            None => error.hint(format!(
                "choose from {}",
                names().collect::<Vec<_>>().join(", ")
            )),
        });
    }
    Ok(Some(name))
}

fn draws(raw: &Raw<'_>, key: &str) -> Result<u32> {
    let draws: u32 = raw.need(key)?;
    if (1..FEWEST_DRAWS).contains(&draws) {
        return Err(raw
            .wrong(key, format!("{draws} draws are too few to mean anything"))
            .hint("use 0 for none, or at least 999; 10000 is usual"));
    }
    Ok(draws)
}

/// Estimands that an estimator has: difference, ratio.
fn estimands(estimator: Estimator) -> (bool, bool) {
    match estimator {
        Estimator::Welch
        | Estimator::Student
        | Estimator::Stratified
        | Estimator::Cuped
        | Estimator::Did
        | Estimator::Ancova
        | Estimator::Permutation
        | Estimator::Proportion => (true, false),
        Estimator::Delta | Estimator::Poisson | Estimator::Negbin | Estimator::Bayes => {
            (false, true)
        }
        Estimator::Rate
        | Estimator::Lin
        | Estimator::Bootstrap
        | Estimator::Cluster
        | Estimator::Cace => (true, true),
        Estimator::MannWhitney => (false, false),
    }
}

/// Whether the sealed primary can be computed on such data at all.
pub(super) fn fits(raw: &Raw<'_>, e: &Experiment) -> Result<()> {
    per_days_has_days(raw, e)?;
    sequential::fits(raw, e)?;
    let Some(estimator) = e
        .analysis
        .estimator
        .as_deref()
        .and_then(Estimator::from_name)
    else {
        return Ok(());
    };
    has_estimand(raw, estimator, e.analysis.estimand)?;
    if let Some((why, hint)) = unfit(estimator, e) {
        return Err(raw
            .wrong("estimator", format!("\"{estimator}\" {why}"))
            .hint(hint));
    }
    for outcome in e.outcomes.iter().filter(|o| o.role == Role::Primary) {
        if let Some((why, hint)) = unfit_outcome(estimator, outcome) {
            return Err(raw
                .wrong(
                    "estimator",
                    format!("\"{estimator}\" {why}, and \"{}\" is primary", outcome.name),
                )
                .hint(hint));
        }
    }
    Ok(())
}

fn per_days_has_days(raw: &Raw<'_>, e: &Experiment) -> Result<()> {
    let unknown = match &e.data {
        Some(Data::Counts(file)) => {
            e.periods.is_none() && file.exposure_unit == CountsExposure::Window
        }
        _ => false,
    };
    if e.analysis.per_days.is_some() && unknown {
        return Err(raw
            .wrong("per_days", "nobody says how many days the counts cover")
            .hint("add [periods], or name an exposure column; or take `per_days` out"));
    }
    Ok(())
}

fn has_estimand(raw: &Raw<'_>, estimator: Estimator, planned: PlannedEstimand) -> Result<()> {
    let (difference, ratio) = estimands(estimator);
    let (has, word, other) = match planned {
        PlannedEstimand::Difference => (difference, "difference", "ratio"),
        PlannedEstimand::Ratio => (ratio, "ratio", "difference"),
    };
    if has {
        return Ok(());
    }
    let error = raw.wrong(
        "estimator",
        format!("\"{estimator}\" does not estimate a {word}"),
    );
    if !(difference || ratio) {
        return Err(error.hint(
            "it gives a probability, which has no money value: it stands beside the primary, never as it",
        ));
    }
    let names: Vec<_> = Estimator::ALL
        .into_iter()
        .filter(|e| match planned {
            PlannedEstimand::Difference => estimands(*e).0,
            PlannedEstimand::Ratio => estimands(*e).1,
        })
        .map(Estimator::name)
        .collect();
    Err(error.hint(format!(
        "write estimand = \"{other}\", or one of {}",
        names.join(", ")
    )))
}

/// Why an estimator cannot be computed on such an experiment, and what to do.
fn unfit(estimator: Estimator, e: &Experiment) -> Option<(&'static str, &'static str)> {
    let clustered = e.cluster_column().is_some() || e.assignment.schedule.is_some();
    let ignores_clusters = !matches!(
        estimator,
        Estimator::Cluster | Estimator::Permutation | Estimator::Bootstrap
    );
    if clustered && ignores_clusters {
        return Some((
            "ignores the clusters, so its intervals would be too narrow",
            "use \"cluster\", or \"permutation\", which draws whole clusters",
        ));
    }
    let no_before = match e.periods.as_ref().map(|p| &p.windows) {
        Some(Windows::Fixed { before, .. }) => before.is_none(),
        Some(Windows::Relative { before_days, .. }) => *before_days == 0,
        None => false,
    };
    // A counts file may hold a before column although the plan gives no window for it.
    let counts = matches!(e.data, Some(Data::Counts(_) | Data::Cells(_)));
    match estimator {
        Estimator::Cluster if !clustered => Some((
            "needs clusters, and the plan names no cluster column",
            "name assignment.cluster",
        )),
        Estimator::Stratified if e.assignment.strata.is_empty() => Some((
            "needs strata, and the plan names none",
            "name assignment.strata, or use \"welch\"",
        )),
        Estimator::Cuped | Estimator::Did | Estimator::Ancova if no_before && !counts => Some((
            "needs counts from before, and the plan has no before period",
            "add periods.before, or use \"welch\"",
        )),
        Estimator::Cace if !has_uptake(e) => Some((
            "needs uptake, and the data name no uptake column",
            "name columns.uptake",
        )),
        Estimator::Bayes if e.analysis.prior.is_none() => Some((
            "needs a prior, and the plan has none",
            "add prior = { mean = 0.0, sd = 0.2 }",
        )),
        Estimator::Bayes
            if e.treatments().count() > 1 && e.analysis.multiplicity != Multiplicity::None =>
        {
            Some((
                "has no p-value that could be adjusted over several arms",
                "write multiplicity = \"none\", so that each arm's credible interval decides; or use \"delta\"",
            ))
        }
        Estimator::Permutation if e.analysis.permutations == 0 => Some((
            "needs draws, and permutations is 0",
            "write permutations = 10000",
        )),
        Estimator::Bootstrap if e.analysis.bootstrap == 0 => {
            Some(("needs draws, and bootstrap is 0", "write bootstrap = 10000"))
        }
        Estimator::Bootstrap if several(e) && adjusts_p(e.analysis.multiplicity) => Some((
            "has no p-value that this multiplicity could adjust",
            "write multiplicity = \"dunnett\", which adjusts its intervals",
        )),
        _ => None,
    }
}

/// Whether the family holds more than one comparison.
fn several(e: &Experiment) -> bool {
    let primaries = e.outcomes.iter().filter(|o| o.role == Role::Primary);
    e.treatments().count() * primaries.count() > 1
}

/// Whether an adjustment works on p-values alone.
fn adjusts_p(multiplicity: Multiplicity) -> bool {
    match multiplicity {
        Multiplicity::None | Multiplicity::Dunnett => false,
        Multiplicity::DunnettStepDown
        | Multiplicity::Holm
        | Multiplicity::Hochberg
        | Multiplicity::Bh => true,
    }
}

fn has_uptake(e: &Experiment) -> bool {
    match &e.data {
        Some(Data::Counts(file)) => file.uptake.is_some(),
        Some(Data::Log { customers, .. }) => customers.uptake.is_some(),
        Some(Data::Days(_) | Data::RegionLog { .. }) => false,
        Some(Data::Cells(_)) | None => true,
    }
}

fn unfit_outcome(estimator: Estimator, outcome: &Outcome) -> Option<(&'static str, &'static str)> {
    match (estimator, outcome.kind) {
        (Estimator::Poisson | Estimator::Negbin, OutcomeKind::Mean | OutcomeKind::Proportion) => {
            Some((
                "is a model of counts",
                "use \"delta\" for the ratio of means or shares",
            ))
        }
        (Estimator::Proportion, OutcomeKind::Count | OutcomeKind::Mean) => Some((
            "compares shares of customers",
            "write kind = \"proportion\", or use \"welch\"",
        )),
        (Estimator::Did, _) if outcome.before_kind == BeforeKind::Covariate => Some((
            "subtracts the same count from before, not a covariate",
            "use \"lin\" or \"cuped\"",
        )),
        _ => None,
    }
}
