//! Permutation test within strata, by draws from collapsed scores.
//!
//! Customers with the same score are exchangeable, so an assignment is how many
//! of each score the treatment arm gets: a draw costs what the distinct scores
//! cost, whatever the number of customers, and remains exact.

mod clusters;
mod draws;
mod exact;
mod problem;
mod redrawn;
mod schedule;

use crate::table::Comparison;
use crate::texts::text;

use super::count_data::exactly_countable;
use super::estimate::{Alternative, DetailValue, Estimand, Estimate, Estimator, Refusal, Test};
use super::random::Stream;
use super::resampling::TIE;

pub use clusters::permutation_of_clusters;
use problem::{Measure, Outcome, Problem};
pub(crate) use redrawn::Redrawn;
pub use schedule::{permutation_of_schedule, permutation_within};

/// Up to here every assignment is looked at.
const EXACT_LIMIT: u64 = 100_000;

/// Up to here a randomisation test looks at every schedule that could have been drawn.
pub const MOST_SCHEDULES: u64 = EXACT_LIMIT;

/// Permutation test of one arm against control, the other arms fixed.
///
/// *Formula* — T = Σ_s (N_s/N)(ȳ_ks − ȳ_0s) over its `stratified` SE (Welch's
/// with one stratum); where exposure varies, the difference of Σy/Σe over its
/// linearised SE. Treatment labels are permuted within strata. Up to 100,000 assignments all
/// are looked at, p = #{│T*│ ≥ │T│}/assignments; else p = (1 + #)/(draws + 1).
/// One-sided tests compare signed T. T = 0 where SE = 0; ties by relative 1e-12. `value` is
/// the difference itself and `se` its SE; there is no interval. Detail: `p_raw` (the
/// difference not studentised), `statistic` T, `exact`, `assignments` or
/// `draws`, `strata`, `strata_dropped`.
///
/// *Units* — the outcome per customer, or per unit of exposure where exposure varies.
///
/// *Assumes* — assignment within strata with fixed arm sizes. Unobserved
/// customers are left out. Without varying exposure, strata with fewer than two
/// customers in an arm are dropped and N recomputed.
///
/// *Source* — Janssen, A. (1997), Statist. Probab. Lett. 36, 9-21 (studentised);
/// Phipson, B. and Smyth, G. (2010), SAGMB 9(1), 39 ((1 + #)/(B + 1)).
///
/// # Errors
/// Fewer than two customers in an arm, no exposure in an arm, sums beyond 127
/// bits, or 0 draws where not all assignments can be looked at.
pub fn permutation(
    c: &Comparison<'_>,
    test: &Test,
    draws: u32,
    stream: &Stream,
) -> Result<Vec<Estimate>, Refusal> {
    exactly_countable(c)?;
    let problem = Problem::new(c)?;
    let observed = problem.observed();
    let extreme = Extreme::new(&observed, test);
    let looked = match problem.assignments() {
        Some(assignments) => Looked::AtAll(assignments, problem.enumerate(&extreme)),
        None => Looked::AtDraws(some(draws)?, problem.simulate(&extreme, draws, stream)),
    };
    let unit = match problem.measure {
        Measure::Mean => c.y_unit(),
        Measure::Rate => c.y_unit() / c.e_unit(),
    };
    let mut estimate = estimate(&observed, &looked, unit, problem.customers());
    let mut put = |name: &str, value| estimate.detail.insert(name.into(), value);
    put("strata", DetailValue::Count(problem.strata.len() as u64));
    put("strata_dropped", DetailValue::Count(problem.dropped));
    Ok(vec![estimate])
}

/// Refuses where draws are needed and none were asked for.
fn some(draws: u32) -> Result<u32, Refusal> {
    if draws == 0 {
        return Err(Refusal::new(text!("refusal-draws.too-many-assignments")));
    }
    Ok(draws)
}

/// Which assignments were looked at, and how many were as extreme as the observed one.
enum Looked {
    AtAll(u64, Hits),
    AtDraws(u32, Hits),
}

/// The record of a permutation test of (treatment, control) units.
fn estimate(observed: &Outcome, looked: &Looked, unit: f64, n: (u64, u64)) -> Estimate {
    let (exact, name, number, p) = match *looked {
        Looked::AtAll(all, hits) => {
            let share = |hits: u64| hits as f64 / all as f64;
            let p = (share(hits.studentised), share(hits.raw));
            (true, "assignments", all, p)
        }
        Looked::AtDraws(draws, hits) => {
            let share = |hits: u64| (1 + hits) as f64 / (f64::from(draws) + 1.0);
            let p = (share(hits.studentised), share(hits.raw));
            (false, "draws", u64::from(draws), p)
        }
    };
    let detail = [
        ("exact", DetailValue::Flag(exact)),
        (name, DetailValue::Count(number)),
        ("p_raw", DetailValue::Number(p.1)),
        ("statistic", DetailValue::Number(observed.statistic())),
    ];
    Estimate {
        estimator: Estimator::Permutation,
        estimand: Estimand::Difference,
        value: observed.difference * unit,
        se: Some(observed.variance.sqrt() * unit),
        df: None,
        interval: None,
        p_value: Some(p.0),
        n_treatment: n.0,
        n_control: n.1,
        control_share: None,
        detail: detail.map(|(k, v)| (k.to_string(), v)).into(),
    }
}

/// What counts as at least as extreme as the observed assignment.
struct Extreme {
    statistic: f64,
    difference: f64,
    alternative: Alternative,
}

impl Extreme {
    fn new(observed: &Outcome, test: &Test) -> Self {
        Extreme {
            statistic: observed.statistic(),
            difference: observed.difference,
            alternative: test.alternative,
        }
    }

    fn reached(&self, found: f64, observed: f64) -> bool {
        let slack = TIE * observed.abs();
        match self.alternative {
            Alternative::TwoSided => found.abs() >= observed.abs() - slack,
            Alternative::Less => found <= observed + slack,
            Alternative::Greater => found >= observed - slack,
        }
    }

    fn hits(&self, outcome: &Outcome, times: u64) -> Hits {
        let count = |reached: bool| if reached { times } else { 0 };
        Hits {
            studentised: count(self.reached(outcome.statistic(), self.statistic)),
            raw: count(self.reached(outcome.difference, self.difference)),
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Hits {
    studentised: u64,
    raw: u64,
}

impl std::ops::Add for Hits {
    type Output = Hits;
    fn add(self, o: Hits) -> Hits {
        Hits {
            studentised: self.studentised + o.studentised,
            raw: self.raw + o.raw,
        }
    }
}
