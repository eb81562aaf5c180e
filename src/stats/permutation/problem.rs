//! A comparison's customers by stratum and score, and the statistic of an assignment.

use crate::stats::estimate::Refusal;
use crate::stats::resampling::{Score, scores};
use crate::table::Comparison;
use crate::texts::text;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// Means by stratum, weighted by its customers.
    Mean,
    /// Σy/Σe over all strata.
    Rate,
}

/// Σ over customers, of scores from which the stratum's mean was taken where `Measure::Mean`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub y: i128,
    pub yy: i128,
    pub e: i128,
    pub ee: i128,
    pub ey: i128,
}

impl Sums {
    /// Adds k customers of a score; `Problem::new` has checked that no sum can overflow.
    #[inline]
    pub fn add<const RATE: bool>(&mut self, score: &Sums, k: u64) {
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

    /// What is left without `other`, a part of these customers.
    pub fn minus(&self, other: &Sums) -> Sums {
        Sums {
            y: self.y - other.y,
            yy: self.yy - other.yy,
            e: self.e - other.e,
            ee: self.ee - other.ee,
            ey: self.ey - other.ey,
        }
    }

    /// Of both groups together.
    pub fn plus(&self, other: &Sums) -> Sums {
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
pub(super) struct Category {
    pub score: Sums,
    pub customers: u64,
    treated: u64,
}

/// One stratum, its categories by descending number of customers.
#[derive(Debug, Clone)]
pub(super) struct Stratum {
    pub categories: Vec<Category>,
    pub customers: u64,
    pub treated: u64,
    pub total: Sums,
}

/// Difference and its variance, in fixed-point units.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Outcome {
    pub difference: f64,
    pub variance: f64,
}

impl Outcome {
    /// T, the difference over its standard error; 0 where nothing varies.
    pub fn statistic(&self) -> f64 {
        if self.variance > 0.0 {
            self.difference / self.variance.sqrt()
        } else {
            0.0
        }
    }
}

pub(super) struct Problem {
    pub measure: Measure,
    pub strata: Vec<Stratum>,
    /// Strata left out, with fewer than two customers in an arm.
    pub dropped: u64,
    customers: f64,
    total: Sums,
}

fn too_large() -> Refusal {
    Refusal::new(text!("refusal-draws.squares-too-large"))
}

impl Problem {
    /// The customers of a comparison by stratum and value, as the test reads them.
    ///
    /// # Errors
    /// Fewer than two customers in an arm within every stratum; no exposure in an arm; sums beyond 127 bits.
    pub fn new(c: &Comparison<'_>) -> Result<Self, Refusal> {
        let measure = if c.constant_exposure().is_some() {
            Measure::Mean
        } else {
            Measure::Rate
        };
        let mut strata = Vec::new();
        let scores = scores(c, measure == Measure::Rate);
        for rows in scores.chunk_by(|a, b| a.stratum == b.stratum) {
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
            total: strata
                .iter()
                .fold(Sums::default(), |sum, s| sum.plus(&s.total)),
            strata,
        };
        problem.check()?;
        Ok(problem)
    }

    fn check(&self) -> Result<(), Refusal> {
        let (treated, control) = self.customers();
        if treated < 2 || control < 2 {
            return Err(Refusal::new(text!(
                "refusal-draws.permutation-few-customers"
            )));
        }
        if self.measure == Measure::Rate {
            let treated = self.strata.iter().map(|s| s.observed().e).sum::<i128>();
            if treated == 0 || treated == self.total.e {
                return Err(Refusal::new(text!("refusal-draws.no-exposure")));
            }
        }
        Ok(())
    }

    /// Customers treated and not, in the strata that are used.
    pub fn customers(&self) -> (u64, u64) {
        let treated: u64 = self.strata.iter().map(|s| s.treated).sum();
        let all: u64 = self.strata.iter().map(|s| s.customers).sum();
        (treated, all - treated)
    }

    /// The outcome under the assignment that was made.
    pub fn observed(&self) -> Outcome {
        let mut tally = Tally::default();
        for s in &self.strata {
            tally.add(self, s, &s.observed());
        }
        tally.outcome(self)
    }
}

/// An assignment's sums over the strata so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    mean: Outcome,
    treated: Sums,
}

impl Tally {
    /// Adds a stratum, of whose customers the treated ones have these sums.
    #[inline]
    pub fn add(&mut self, problem: &Problem, s: &Stratum, treated: &Sums) {
        if problem.measure == Measure::Rate {
            self.treated = self.treated.plus(treated);
            return;
        }
        let (n1, n0) = (s.treated as f64, (s.customers - s.treated) as f64);
        let weight = s.customers as f64 / problem.customers;
        let (y1, y0) = (treated.y as f64, (s.total.y - treated.y) as f64);
        let within = |sum: f64, squares: i128, n: f64| {
            ((squares as f64 - sum * sum / n) / ((n - 1.0) * n)).max(0.0)
        };
        self.mean.difference += weight * (y1 / n1 - y0 / n0);
        self.mean.variance += weight
            * weight
            * (within(y1, treated.yy, n1) + within(y0, s.total.yy - treated.yy, n0));
    }

    /// The difference of all strata.
    pub fn outcome(&self, problem: &Problem) -> Outcome {
        if problem.measure == Measure::Mean {
            return self.mean;
        }
        let control = problem.total.minus(&self.treated);
        if self.treated.e == 0 || control.e == 0 {
            return Outcome::default();
        }
        let (n1, n0) = problem.customers();
        let (a, b) = (rate(&self.treated, n1), rate(&control, n0));
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

impl Stratum {
    /// The scores of one stratum, in order.
    fn new(rows: &[Score], measure: Measure) -> Result<Self, Refusal> {
        let both = |row: &Score| row.customers[0] + row.customers[1];
        let customers: u64 = rows.iter().map(both).sum();
        let sum: i128 = rows
            .iter()
            .map(|r| i128::from(r.y) * i128::from(both(r)))
            .sum();
        // Centred, so that variances do not cancel; a rate's ratio forbids it.
        let centre = match measure {
            Measure::Mean => (sum + i128::from(customers) / 2).div_euclid(i128::from(customers)),
            Measure::Rate => 0,
        };
        let mut categories = Vec::new();
        let mut total = Sums::default();
        for row in rows {
            let (y, e) = (i128::from(row.y) - centre, i128::from(row.exposure));
            let score = Sums {
                y,
                yy: y.checked_mul(y).ok_or_else(too_large)?,
                e,
                ee: e * e,
                ey: e.checked_mul(y).ok_or_else(too_large)?,
            };
            let wide = i128::from(both(row));
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
                customers: both(row),
                treated: row.customers[1],
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

    /// Sums of the treated under the assignment that was made.
    pub fn observed(&self) -> Sums {
        let mut sums = Sums::default();
        for c in &self.categories {
            sums.add::<true>(&c.score, c.treated);
        }
        sums
    }
}
