//! Which results are as they should be.

use pilot::planning::simulate::{Rate, Tallies, Tally};
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
            bounds: bounds(cell, tally.estimator, error.replays),
            required: required(cell, tally.estimator),
        });
    }
    all
}

/// Monte-Carlo standard error of a right rate.
pub fn mcse(replays: u64) -> f64 {
    (ALPHA * (1.0 - ALPHA) / replays.max(1) as f64).sqrt()
}

fn bounds(cell: &Cell, estimator: Estimator, replays: u64) -> (f64, f64) {
    let chance = ERRORS * mcse(replays);
    if estimator == Estimator::Permutation {
        return (0.0, ALPHA + chance);
    }
    let off = if cell.n >= LARGE {
        chance
    } else if replays < ENOUGH {
        NEAR + 2.0 * mcse(replays)
    } else {
        NEAR
    };
    (ALPHA - off, ALPHA + off)
}

fn required(cell: &Cell, estimator: Estimator) -> bool {
    let counts = matches!(cell.family, Family::NegativeBinomial | Family::ExtraZeros);
    estimator == Estimator::Permutation || counts && cell.n >= 200
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
fn warnings_of(estimator: Estimator, estimand: Estimand) -> &'static [&'static str] {
    match (estimator, estimand) {
        (Estimator::Negbin, _) => &[
            "small-arm",
            "few-contacts",
            "ratio-skewed",
            "heavy-tail",
            "zero-inflation",
        ],
        (_, Estimand::Ratio) => &["small-arm", "few-contacts", "ratio-skewed", "heavy-tail"],
        _ => &[
            "small-arm",
            "few-contacts",
            "heavy-tail",
            "skewed-difference",
        ],
    }
}

/// The warning or check by which `pilot analyze` most often tells that a method may err on such
/// data, and the share of the replays in which it did.
pub fn warning(tally: &Tally, tallies: &Tallies) -> (&'static str, f64) {
    let share = |id: &str| {
        let times = tallies.warnings.get(id).copied().unwrap_or(0);
        times as f64 / tallies.replays.max(1) as f64
    };
    let ids = warnings_of(tally.estimator, tally.estimand).iter();
    ids.map(|id| (*id, share(id)))
        .reduce(|best, next| if next.1 > best.1 { next } else { best })
        .unwrap_or(("", 0.0))
}
