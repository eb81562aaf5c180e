//! Which results are as they should be.

use std::collections::BTreeMap;

use pilot::planning::simulate::{LookTally, Rate, Tallies, Tally};
use pilot::stats::{Estimand, Estimator};

use crate::cells::{Cell, Family};

/// The error rate that is planned.
pub const ALPHA: f64 = 0.05;
/// How far off an error rate may be in arms of 200.
const NEAR: f64 = 0.015;
/// With fewer replays than this, two Monte-Carlo standard errors are allowed on top.
const ENOUGH: u64 = 10_000;
/// From here on an error rate is held to its Monte-Carlo error.
const LARGE: u64 = 2000;
/// Monte-Carlo standard errors that are allowed.
const ERRORS: f64 = 4.0;

/// The error rate of one method in one situation.
pub struct Result<'a> {
    /// The method.
    pub tally: &'a Tally,
    /// Share of tests that reject where nothing works; of intervals that miss, where there is no test.
    pub error: Rate,
    /// Whether `error` is that of intervals.
    pub by_interval: bool,
    /// Share of intervals that hold the truth.
    pub coverage: Option<Rate>,
    /// Share of the replays in which it could be computed.
    pub computed: f64,
    /// Least and greatest rate that counts as right.
    pub bounds: (f64, f64),
    /// Whether it must be within them.
    pub required: bool,
}

impl Result<'_> {
    /// Whether the rate is right.
    pub fn inside(&self) -> bool {
        self.error.value >= self.bounds.0 && self.error.value <= self.bounds.1
    }
}

/// The results of a situation, in the order of reports.
pub fn results<'a>(cell: &Cell, tallies: &'a Tallies) -> Vec<Result<'a>> {
    let mut all = Vec::new();
    for tally in &tallies.estimators {
        let coverage = tally.covered.rate();
        let miss = coverage.map(|c| Rate {
            value: 1.0 - c.value,
            ..c
        });
        let tested = tally.rejected.rate();
        let Some(error) = tested.or(miss) else {
            continue;
        };
        all.push(Result {
            tally,
            error,
            by_interval: tested.is_none(),
            coverage,
            computed: tally.computed.sum / tallies.replays.max(1) as f64,
            bounds: bounds(large(cell), tally.estimator, error.replays),
            required: required(cell, tally.estimator),
        });
    }
    all
}

/// Monte-Carlo standard error of a right rate.
pub fn mcse(replays: u64) -> f64 {
    (ALPHA * (1.0 - ALPHA) / replays.max(1) as f64).sqrt()
}

/// Whether so many customers, or clusters, take part that an error rate is held to chance alone.
fn large(cell: &Cell) -> bool {
    match cell.family {
        Family::Clusters => is_hundred_clusters(cell),
        _ => cell.n >= LARGE,
    }
}

fn is_hundred_clusters(cell: &Cell) -> bool {
    cell.id == "clusters-many-n2000"
}

fn bounds(large: bool, estimator: Estimator, replays: u64) -> (f64, f64) {
    let chance = ERRORS * mcse(replays);
    if estimator == Estimator::Permutation {
        return (0.0, ALPHA + chance);
    }
    let off = if large {
        chance
    } else if replays < ENOUGH {
        NEAR + 2.0 * mcse(replays)
    } else {
        NEAR
    };
    (ALPHA - off, ALPHA + off)
}

fn required(cell: &Cell, estimator: Estimator) -> bool {
    let counts = matches!(
        cell.family,
        Family::NegativeBinomial | Family::WithoutBefore | Family::ExtraZeros
    );
    let clusters = estimator == Estimator::Cluster && is_hundred_clusters(cell);
    estimator == Estimator::Permutation || counts && cell.n >= 200 || clusters
}

/// The error rate of one way of looking in one situation.
pub struct Looked<'a> {
    /// Name of the boundary; "at the end alone", "no boundary".
    pub rule: &'a str,
    /// Share of pilots found where nothing works.
    pub error: Rate,
    /// Share of the window after which they stop.
    pub stopped_at: Option<Rate>,
    /// Least and greatest rate that counts as right; `None` of what nobody should do.
    pub bounds: Option<(f64, f64)>,
    /// Share of its looks that had no estimate.
    pub without: f64,
}

impl Looked<'_> {
    /// Whether the rate is right; `None` of what nobody should do.
    pub fn inside(&self) -> Option<bool> {
        self.bounds
            .map(|(low, high)| (low..=high).contains(&self.error.value))
    }
}

/// Looking by each rule, at the end alone, and as often without a boundary.
pub fn looked<'a>(cell: &Cell, looks: &'a BTreeMap<String, LookTally>) -> Vec<Looked<'a>> {
    let of = |rule, tally: &LookTally, error: Option<Rate>, planned: bool| {
        let error = error?;
        Some(Looked {
            rule,
            error,
            stopped_at: tally.stopped_at.rate().filter(|_| planned),
            bounds: planned.then(|| bounds(large(cell), Estimator::Lin, error.replays)),
            without: tally.without as f64
                / (tally.crossed.n * tally.stops.len().max(1) as u64).max(1) as f64,
        })
    };
    let ruled = looks
        .iter()
        .filter_map(|(rule, tally)| of(rule.as_str(), tally, tally.crossed.rate(), true));
    let mut all: Vec<Looked<'a>> = ruled.collect();
    if let Some(tally) = looks.values().next() {
        all.extend(of("at the end alone", tally, tally.once.rate(), false));
        all.extend(of("no boundary", tally, tally.unplanned.rate(), false));
    }
    all
}

/// "lin", "lin ratio".
pub fn name(estimator: Estimator, estimand: Estimand) -> String {
    match estimand {
        Estimand::Ratio
            if matches!(
                estimator,
                Estimator::Lin
                    | Estimator::Rate
                    | Estimator::Bootstrap
                    | Estimator::Cace
                    | Estimator::Cluster
            ) =>
        {
            format!("{estimator} ratio")
        }
        _ => estimator.to_string(),
    }
}

/// Warnings and checks that say that a method may err on such data, for each kind of estimand.
fn warnings_of(estimator: Estimator, estimand: Estimand) -> Vec<&'static str> {
    let mut ids = match estimand {
        Estimand::Ratio => vec![
            "small-arm",
            "few-contacts",
            "ratio-skewed",
            "heavy-tail",
            "skewed-counts",
        ],
        _ => vec![
            "small-arm",
            "few-contacts",
            "heavy-tail",
            "skewed-difference",
        ],
    };
    ids.push("few-clusters");
    match estimator {
        Estimator::Negbin => ids.push("negbin-misfit"),
        Estimator::Bootstrap | Estimator::Cluster => ids.push("skewed-counts"),
        _ => {}
    }
    ids
}

/// The warning or check by which `pilot analyze` most often tells that a method may err on such
/// data, and the share of the pilots in which it does.
pub fn warning(
    estimator: Estimator,
    estimand: Estimand,
    warned: &BTreeMap<String, f64>,
) -> (&'static str, f64) {
    let share = |id: &str| warned.get(id).copied().unwrap_or(0.0);
    let ids = warnings_of(estimator, estimand).into_iter();
    ids.map(|id| (id, share(id)))
        .reduce(|best, next| if next.1 > best.1 { next } else { best })
        .unwrap_or(("", 0.0))
}
