//! Permutation test within strata, by draws from collapsed scores.
//!
//! Customers with the same score are exchangeable, so an assignment is how many
//! of each score the treatment arm gets: a draw costs what the distinct scores
//! cost, whatever the number of customers, and remains exact.

use rayon::prelude::*;

use crate::table::Comparison;

use super::count_data::exactly_countable;
use super::estimate::{
    Alternative, Detail, DetailValue, Estimand, Estimate, Estimator, Refusal, Test,
};
use super::random::{Generator, Stream};
use super::sampling::{LogFactorials, hypergeometric};

/// Up to here every assignment is looked at.
const EXACT_LIMIT: u64 = 100_000;
/// Statistics this near, relatively, are the same: the two differ by rounding alone.
const TIE: f64 = 1e-12;
/// Draws that share a sub-stream for each stratum; part of the definition of the numbers drawn.
const CHUNK: u32 = 64;

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
    let extreme = Extreme {
        statistic: observed.statistic(),
        difference: observed.difference,
        alternative: test.alternative,
    };
    let mut detail = Detail::new();
    let mut put = |name: &str, value| detail.insert(name.into(), value);
    let (p_value, p_raw) = match problem.assignments() {
        Some(assignments) => {
            put("assignments", DetailValue::Count(assignments));
            let hits = problem.enumerate(&extreme);
            let share = |hits: u64| hits as f64 / assignments as f64;
            (share(hits.studentised), share(hits.raw))
        }
        None if draws == 0 => {
            return Err(Refusal::new(
                "there are too many assignments to look at all, and no draws were asked for",
            ));
        }
        None => {
            put("draws", DetailValue::Count(u64::from(draws)));
            let hits = problem.simulate(&extreme, draws, stream);
            let share = |hits: u64| (1 + hits) as f64 / (f64::from(draws) + 1.0);
            (share(hits.studentised), share(hits.raw))
        }
    };
    let exact = problem.assignments().is_some();
    put("exact", DetailValue::Flag(exact));
    put("p_raw", DetailValue::Number(p_raw));
    put("statistic", DetailValue::Number(extreme.statistic));
    put("strata", DetailValue::Count(problem.strata.len() as u64));
    put("strata_dropped", DetailValue::Count(problem.dropped));
    let unit = match problem.measure {
        Measure::Mean => c.y_unit(),
        Measure::Rate => c.y_unit() / c.e_unit(),
    };
    let (n_treatment, n_control) = problem.customers();
    Ok(vec![Estimate {
        estimator: Estimator::Permutation,
        estimand: Estimand::Difference,
        value: observed.difference * unit,
        se: Some(observed.variance.sqrt() * unit),
        df: None,
        interval: None,
        p_value: Some(p_value),
        n_treatment,
        n_control,
        control_share: None,
        detail,
    }])
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// Means by stratum, weighted by its customers.
    Mean,
    /// Σy/Σe over all strata.
    Rate,
}

/// Σ over customers, of scores from which the stratum's mean was taken where `Measure::Mean`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sums {
    y: i128,
    yy: i128,
    e: i128,
    ee: i128,
    ey: i128,
}

impl Sums {
    /// Adds k customers of a score; `Problem::new` has checked that no sum can overflow.
    #[inline]
    fn add<const RATE: bool>(&mut self, score: &Sums, k: u64) {
        let k = i128::from(k);
        let times = |a: i128| a.wrapping_mul(k);
        self.y = self.y.wrapping_add(times(score.y));
        self.yy = self.yy.wrapping_add(times(score.yy));
        if RATE {
            self.e = self.e.wrapping_add(times(score.e));
            self.ee = self.ee.wrapping_add(times(score.ee));
            self.ey = self.ey.wrapping_add(times(score.ey));
        }
    }

    fn minus(&self, other: &Sums) -> Sums {
        Sums {
            y: self.y - other.y,
            yy: self.yy - other.yy,
            e: self.e - other.e,
            ee: self.ee - other.ee,
            ey: self.ey - other.ey,
        }
    }

    fn plus(&self, other: &Sums) -> Sums {
        Sums {
            y: self.y + other.y,
            yy: self.yy + other.yy,
            e: self.e + other.e,
            ee: self.ee + other.ee,
            ey: self.ey + other.ey,
        }
    }
}

/// Customers of one score in a stratum.
#[derive(Debug, Clone, Copy)]
struct Category {
    score: Sums,
    customers: u64,
    treated: u64,
}

/// One stratum, its categories by descending number of customers.
#[derive(Debug, Clone)]
struct Stratum {
    categories: Vec<Category>,
    customers: u64,
    treated: u64,
    total: Sums,
}

/// Difference and its variance, in fixed-point units.
#[derive(Debug, Clone, Copy, Default)]
struct Outcome {
    difference: f64,
    variance: f64,
}

impl Outcome {
    fn statistic(&self) -> f64 {
        if self.variance > 0.0 {
            self.difference / self.variance.sqrt()
        } else {
            0.0
        }
    }
}

/// What counts as at least as extreme as the observed assignment.
struct Extreme {
    statistic: f64,
    difference: f64,
    alternative: Alternative,
}

impl Extreme {
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

struct Problem {
    measure: Measure,
    strata: Vec<Stratum>,
    dropped: u64,
    customers: f64,
}

fn too_large() -> Refusal {
    Refusal::new("the sums of squares of the outcome exceed 127 bits")
}

impl Problem {
    fn new(c: &Comparison<'_>) -> Result<Self, Refusal> {
        let measure = if c.constant_exposure().is_some() {
            Measure::Mean
        } else {
            Measure::Rate
        };
        // (stratum, y, e) → customers, treated
        let mut scores: Vec<(u32, i64, i64, u64, u64)> = c
            .cells()
            .filter_map(|cell| {
                let e = if measure == Measure::Rate {
                    cell.exposure
                } else {
                    0
                };
                let treated = if c.treated(cell) { cell.customers } else { 0 };
                Some((cell.stratum.0, cell.after?, e, cell.customers, treated))
            })
            .collect();
        scores.sort_unstable();
        let mut strata = Vec::new();
        for rows in scores.chunk_by(|a, b| a.0 == b.0) {
            strata.push(Stratum::new(rows, measure)?);
        }
        let before = strata.len();
        if measure == Measure::Mean {
            strata.retain(|s| s.treated >= 2 && s.customers - s.treated >= 2);
        }
        let problem = Problem {
            measure,
            dropped: (before - strata.len()) as u64,
            customers: strata.iter().map(|s| s.customers as f64).sum(),
            strata,
        };
        problem.check()?;
        Ok(problem)
    }

    fn check(&self) -> Result<(), Refusal> {
        let (treated, control) = self.customers();
        if treated < 2 || control < 2 {
            return Err(Refusal::new(
                "a permutation test needs two observed customers in each arm, within a stratum",
            ));
        }
        if self.measure == Measure::Rate {
            let (treated, control) = self.arms();
            if treated.e == 0 || control.e == 0 {
                return Err(Refusal::new("an arm has no exposure"));
            }
        }
        Ok(())
    }

    fn customers(&self) -> (u64, u64) {
        let treated: u64 = self.strata.iter().map(|s| s.treated).sum();
        let all: u64 = self.strata.iter().map(|s| s.customers).sum();
        (treated, all - treated)
    }

    fn arms(&self) -> (Sums, Sums) {
        let mut arms = (Sums::default(), Sums::default());
        for s in &self.strata {
            let treated = s.observed();
            arms = (arms.0.plus(&treated), arms.1.plus(&s.total.minus(&treated)));
        }
        arms
    }

    fn observed(&self) -> Outcome {
        let mut tally = Tally::default();
        for s in &self.strata {
            tally.add(self, s, &s.observed());
        }
        tally.outcome(self)
    }

    /// Number of assignments, where it is at most [`EXACT_LIMIT`].
    fn assignments(&self) -> Option<u64> {
        self.strata.iter().try_fold(1u64, |product, s| {
            product
                .checked_mul(choose(s.customers, s.treated)?)
                .filter(|&n| n <= EXACT_LIMIT)
        })
    }

    fn enumerate(&self, extreme: &Extreme) -> Hits {
        let mut fixed = Tally::default();
        let mut open = Vec::new();
        for s in &self.strata {
            match s.choices().as_slice() {
                [(sums, _)] => fixed.add(self, s, sums),
                several => open.push((s, several.to_vec())),
            }
        }
        let mut hits = Hits::default();
        self.combine(&open, &fixed, 1, extreme, &mut hits);
        hits
    }

    /// At most 17 levels deep, since each stratum here at least doubles the assignments.
    fn combine(
        &self,
        open: &[(&Stratum, Vec<(Sums, u64)>)],
        so_far: &Tally,
        ways: u64,
        extreme: &Extreme,
        hits: &mut Hits,
    ) {
        let Some(((stratum, choices), rest)) = open.split_first() else {
            *hits = *hits + extreme.hits(&so_far.outcome(self), ways);
            return;
        };
        for (sums, more) in choices {
            let mut tally = *so_far;
            tally.add(self, stratum, sums);
            self.combine(rest, &tally, ways * more, extreme, hits);
        }
    }

    fn simulate(&self, extreme: &Extreme, draws: u32, stream: &Stream) -> Hits {
        let largest = self.strata.iter().map(|s| s.customers).max();
        let table = LogFactorials::new(largest.unwrap_or(0));
        let strata = self.strata.len() as u64;
        (0..draws.div_ceil(CHUNK))
            .into_par_iter()
            .map(|chunk| {
                let size = CHUNK.min(draws - chunk * CHUNK) as usize;
                let mut tallies = vec![Tally::default(); size];
                // Stratum by stratum, so that its part of the table stays in the cache.
                for (i, s) in self.strata.iter().enumerate() {
                    let index = u64::from(chunk) * strata + i as u64;
                    let mut g = stream.generator(index);
                    for tally in &mut tallies {
                        let sums = match self.measure {
                            Measure::Mean => s.draw::<false>(&mut g, &table),
                            Measure::Rate => s.draw::<true>(&mut g, &table),
                        };
                        tally.add(self, s, &sums);
                    }
                }
                tallies
                    .iter()
                    .map(|t| extreme.hits(&t.outcome(self), 1))
                    .fold(Hits::default(), |a, b| a + b)
            })
            .reduce(Hits::default, |a, b| a + b)
    }
}

/// An assignment's sums over the strata so far.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    mean: Outcome,
    treated: Sums,
    control: Sums,
}

impl Tally {
    #[inline]
    fn add(&mut self, problem: &Problem, s: &Stratum, treated: &Sums) {
        let control = s.total.minus(treated);
        match problem.measure {
            Measure::Mean => {
                let (n1, n0) = (s.treated as f64, (s.customers - s.treated) as f64);
                let weight = s.customers as f64 / problem.customers;
                let (y1, y0) = (treated.y as f64, control.y as f64);
                let within = |sum: f64, squares: i128, n: f64| {
                    ((squares as f64 - sum * sum / n) / ((n - 1.0) * n)).max(0.0)
                };
                self.mean.difference += weight * (y1 / n1 - y0 / n0);
                self.mean.variance +=
                    weight * weight * (within(y1, treated.yy, n1) + within(y0, control.yy, n0));
            }
            Measure::Rate => {
                self.treated = self.treated.plus(treated);
                self.control = self.control.plus(&control);
            }
        }
    }

    fn outcome(&self, problem: &Problem) -> Outcome {
        if problem.measure == Measure::Mean {
            return self.mean;
        }
        if self.treated.e == 0 || self.control.e == 0 {
            return Outcome::default();
        }
        let (n1, n0) = problem.customers();
        let (a, b) = (rate(&self.treated, n1), rate(&self.control, n0));
        Outcome {
            difference: a.0 - b.0,
            variance: a.1 + b.1,
        }
    }
}

/// Σy/Σe with its linearised variance.
fn rate(s: &Sums, n: u64) -> (f64, f64) {
    let (n, e) = (n as f64, s.e as f64);
    let r = s.y as f64 / e;
    let residual = s.yy as f64 - 2.0 * r * s.ey as f64 + r * r * s.ee as f64;
    (r, (n / (n - 1.0) * residual / (e * e)).max(0.0))
}

fn choose(n: u64, k: u64) -> Option<u64> {
    let k = k.min(n - k);
    let mut ways = 1u64;
    for i in 0..k {
        // Exact at each step; beyond the limit it only grows.
        ways = ways.checked_mul(n - i)? / (i + 1);
        if ways > EXACT_LIMIT {
            return None;
        }
    }
    Some(ways)
}

impl Stratum {
    /// Rows of (stratum, y, e, customers, treated), sorted.
    fn new(rows: &[(u32, i64, i64, u64, u64)], measure: Measure) -> Result<Self, Refusal> {
        let customers: u64 = rows.iter().map(|r| r.3).sum();
        let sum: i128 = rows.iter().map(|r| i128::from(r.1) * i128::from(r.3)).sum();
        // Centred, so that variances do not cancel; a rate's ratio forbids it.
        let centre = match measure {
            Measure::Mean => (sum + i128::from(customers) / 2).div_euclid(i128::from(customers)),
            Measure::Rate => 0,
        };
        let mut categories = Vec::new();
        let mut total = Sums::default();
        for same in rows.chunk_by(|a, b| (a.1, a.2) == (b.1, b.2)) {
            let (y, e) = (i128::from(same[0].1) - centre, i128::from(same[0].2));
            let score = Sums {
                y,
                yy: y.checked_mul(y).ok_or_else(too_large)?,
                e,
                ee: e * e,
                ey: e.checked_mul(y).ok_or_else(too_large)?,
            };
            let customers: u64 = same.iter().map(|r| r.3).sum();
            let wide = i128::from(customers);
            for (sum, square) in [(&mut total.yy, score.yy), (&mut total.ee, score.ee)] {
                // Room is left for the sums over 2³² strata; Σ│y│ and Σey are below Σy² + Σe².
                *sum = square
                    .checked_mul(wide)
                    .and_then(|t| sum.checked_add(t))
                    .filter(|&s| s < i128::MAX >> 34)
                    .ok_or_else(too_large)?;
            }
            total.y += y * wide;
            total.e += e * wide;
            total.ey += score.ey * wide;
            categories.push(Category {
                score,
                customers,
                treated: same.iter().map(|r| r.4).sum(),
            });
        }
        // Stable: equal numbers keep the order of the scores.
        categories.sort_by_key(|c| std::cmp::Reverse(c.customers));
        Ok(Stratum {
            treated: categories.iter().map(|c| c.treated).sum(),
            categories,
            customers,
            total,
        })
    }

    fn observed(&self) -> Sums {
        let mut sums = Sums::default();
        for c in &self.categories {
            sums.add::<true>(&c.score, c.treated);
        }
        sums
    }

    /// Treatment's sums under a random assignment: a multivariate hypergeometric draw.
    #[inline]
    fn draw<const RATE: bool>(&self, g: &mut Generator, table: &LogFactorials) -> Sums {
        let mut sums = Sums::default();
        let (mut population, mut sample) = (self.customers, self.treated);
        for c in &self.categories {
            if sample == 0 {
                break;
            }
            let k = hypergeometric(g, table, population, c.customers, sample);
            sums.add::<RATE>(&c.score, k);
            population -= c.customers;
            sample -= k;
        }
        sums
    }

    /// Every way to choose the treated customers: their sums, and how many assignments give them.
    fn choices(&self) -> Vec<(Sums, u64)> {
        // The smaller side is chosen, so that few choices are open at a time.
        let smaller = self.treated.min(self.customers - self.treated);
        let (mut open, mut done) = (vec![(smaller, Sums::default(), 1)], Vec::new());
        let mut left = self.customers;
        for c in &self.categories {
            left -= c.customers;
            let mut next = Vec::new();
            for (sample, sums, ways) in open {
                for k in sample.saturating_sub(left)..=sample.min(c.customers) {
                    // Never more ways than assignments, which are few here.
                    let Some(more) = choose(c.customers, k) else {
                        continue;
                    };
                    let mut sums: Sums = sums;
                    sums.add::<true>(&c.score, k);
                    if k == sample {
                        done.push((sums, ways * more));
                    } else {
                        next.push((sample - k, sums, ways * more));
                    }
                }
            }
            open = next;
        }
        if smaller != self.treated {
            for (sums, _) in &mut done {
                *sums = self.total.minus(sums);
            }
        }
        done
    }
}
