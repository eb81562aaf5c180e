//! The units of each arm and stratum, and the arms' means of a resample.

use rayon::prelude::*;

use crate::stats::estimate::Refusal;
use crate::stats::random::Stream;
use crate::stats::resampling::{BATCH, CHUNK, Law, Scores, Urn, scores, sub_stream};
use crate::table::Comparison;
use crate::texts::text;

/// How an arm's mean is put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// Σy/Σsize of each stratum, weighted by its customers.
    Weighted,
    /// Σy/Σsize over all strata.
    Pooled,
}

/// The arms' means, in values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Means {
    pub treatment: f64,
    pub control: f64,
}

/// Units of one arm and stratum that share y and size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Category {
    pub y: i128,
    /// What y is divided by: 1 for a customer, exposure, or a cluster's customers.
    pub size: i128,
    pub units: u64,
}

/// The units of one arm and stratum.
#[derive(Debug, Clone)]
struct Pool {
    arm: usize,
    /// The stratum's share, times the factor from fixed-point quotient to value.
    weight: f64,
    /// By descending number of units.
    categories: Vec<Category>,
    units: u64,
    y: i128,
    size: i128,
}

/// All units that are drawn from.
#[derive(Debug, Clone)]
pub(super) struct Pools {
    measure: Measure,
    pools: Vec<Pool>,
    /// Factor from fixed-point quotient to value.
    unit: f64,
    /// Customers of treatment and control.
    pub customers: (u64, u64),
    /// Units of treatment and control.
    pub units: (u64, u64),
    pub strata: u64,
    pub dropped: u64,
}

/// (stratum, arm, y, size, units, customers of each unit), in any order.
pub(super) type Row = (u32, usize, i128, i128, u64, u64);

/// Sums of one draw so far; arm 0 is control.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    mean: [f64; 2],
    y: [i128; 2],
    size: [i128; 2],
    empty: bool,
}

impl Tally {
    #[inline]
    fn add(&mut self, measure: Measure, pool: &Pool, y: i128, size: i128) {
        match measure {
            Measure::Weighted if size == 0 => self.empty = true,
            Measure::Weighted => self.mean[pool.arm] += pool.weight * (y as f64 / size as f64),
            Measure::Pooled => {
                self.y[pool.arm] += y;
                self.size[pool.arm] += size;
            }
        }
    }

    /// `None` where an arm has nothing to divide by.
    fn means(&self, pools: &Pools) -> Option<Means> {
        let mean = |arm: usize| match pools.measure {
            Measure::Weighted => (!self.empty).then_some(self.mean[arm]),
            Measure::Pooled => (self.size[arm] != 0)
                .then(|| pools.unit * (self.y[arm] as f64 / self.size[arm] as f64)),
        };
        Some(Means {
            treatment: mean(1)?,
            control: mean(0)?,
        })
    }
}

impl Pools {
    /// The observed customers of a comparison.
    pub fn of_customers(c: &Comparison<'_>) -> Result<Self, Refusal> {
        let varying = c.constant_exposure().is_none();
        let rows = scores(c, varying).into_iter().flat_map(|s| {
            let size = if varying { s.exposure } else { 1 };
            let (y, size) = (i128::from(s.y), i128::from(size));
            let row = move |arm: usize| (s.stratum, arm, y, size, s.customers[arm], 1);
            [row(0), row(1)].into_iter().filter(|r| r.4 > 0)
        });
        let (measure, unit) = if varying {
            (Measure::Pooled, c.y_unit() / c.e_unit())
        } else {
            (Measure::Weighted, c.y_unit())
        };
        let few = || text!("refusal-draws.few-customers");
        Pools::new(rows.collect(), measure, unit, few)
    }

    /// Pools of rows, whose customers fit 64 bits; `few` says that an arm has fewer than two units.
    pub fn new(
        mut rows: Vec<Row>,
        measure: Measure,
        unit: f64,
        few: impl Fn() -> String,
    ) -> Result<Self, Refusal> {
        rows.sort_unstable();
        let mut pools = Pools {
            measure,
            pools: Vec::new(),
            unit,
            customers: (0, 0),
            units: (0, 0),
            strata: 0,
            dropped: 0,
        };
        for stratum in rows.chunk_by(|a, b| a.0 == b.0) {
            let arms: Vec<&[Row]> = stratum.chunk_by(|a, b| a.1 == b.1).collect();
            let units = |rows: &[Row]| rows.iter().map(|r| r.4).sum::<u64>();
            let both = arms.len() == 2 && arms.iter().all(|rows| units(rows) >= 2);
            if measure == Measure::Weighted && !both {
                pools.dropped += 1;
                continue;
            }
            pools.strata += 1;
            let of_stratum = pools.pools.len();
            for rows in arms {
                let pool = Pool::new(rows)?;
                let (customers, units) = match pool.arm {
                    1 => (&mut pools.customers.0, &mut pools.units.0),
                    _ => (&mut pools.customers.1, &mut pools.units.1),
                };
                *customers += rows.iter().map(|r| r.4 * r.5).sum::<u64>();
                *units += pool.units;
                pools.pools.push(pool);
            }
            let both = &mut pools.pools[of_stratum..];
            let size: i128 = both.iter().map(|p| p.size).sum();
            both.iter_mut().for_each(|p| p.weight = size as f64);
        }
        if pools.units.0 < 2 || pools.units.1 < 2 {
            return Err(Refusal::new(few()));
        }
        if measure == Measure::Weighted {
            // Each stratum is met once for each arm.
            let all: f64 = pools.pools.iter().map(|p| p.weight).sum::<f64>() / 2.0;
            let pools = pools.pools.iter_mut();
            pools.for_each(|p| p.weight *= unit / all);
        }
        Ok(pools)
    }

    /// Why an arm's mean cannot be taken.
    pub fn nothing_to_divide_by(&self) -> String {
        match self.measure {
            Measure::Weighted => text!("refusal-draws.no-customers"),
            Measure::Pooled => text!("refusal-draws.no-exposure"),
        }
    }

    /// The same of some of the draws.
    pub fn nothing_in_draws(&self, undefined: usize, draws: u32) -> String {
        match self.measure {
            Measure::Weighted => text!("refusal-draws.no-customers-drawn", undefined, draws),
            Measure::Pooled => text!("refusal-draws.no-exposure-drawn", undefined, draws),
        }
    }

    /// The arms' means themselves.
    pub fn observed(&self) -> Option<Means> {
        let mut tally = Tally::default();
        for pool in &self.pools {
            tally.add(self.measure, pool, pool.y, pool.size);
        }
        tally.means(self)
    }

    /// The arms' means of each resample; `None` where an arm has nothing to divide by.
    ///
    /// Pool by pool, so that its tables stay in the cache and only one's are in memory.
    pub fn draw(&self, draws: u32, stream: &Stream) -> Vec<Option<Means>> {
        let mut means = Vec::with_capacity(draws as usize);
        for first in (0..draws as usize).step_by(BATCH) {
            let mut tallies = vec![Tally::default(); BATCH.min(draws as usize - first)];
            for (i, pool) in self.pools.iter().enumerate() {
                let urn = pool.urn();
                let scores = pool.scores();
                let chunks = tallies.par_chunks_mut(CHUNK).enumerate();
                chunks.for_each(|(chunk, tallies)| {
                    let mut g = stream.generator(sub_stream(i, first / CHUNK + chunk));
                    let mut counts = vec![0; pool.categories.len()];
                    for tally in tallies {
                        urn.draw(&mut g, &mut counts);
                        let [y, size] = scores.sums(&counts);
                        tally.add(self.measure, pool, y, size);
                    }
                });
            }
            means.extend(tallies.iter().map(|t| t.means(self)));
        }
        means
    }

    /// Acceleration of a statistic, from what leaving out one unit does to it.
    ///
    /// *Formula* — a = Σ_j Σ_i u³/n_j³ / (6 (Σ_j Σ_i u²/n_j²)^1.5), u = (n_j − 1)(θ̄_j − θ_(−i)),
    /// over the n_j units i of each arm × stratum j, θ̄_j their mean. `statistic`
    /// turns the change of an arm's mean into that of θ. The change is computed as
    /// (R·size − y)/(Σsize − size), since the difference of two nearly equal θ would have no digits.
    ///
    /// `None` where leaving out a unit leaves nothing to divide by, or nothing changes.
    ///
    /// *Source* — Efron & Tibshirani (1993), eq. 14.15; several samples as in scipy.
    pub fn acceleration(&self, statistic: impl Fn(usize, f64) -> f64) -> Option<f64> {
        let (mut cubes, mut squares) = (0.0, 0.0);
        for pool in &self.pools {
            let (y, size) = match self.measure {
                Measure::Weighted => (pool.y, pool.size),
                Measure::Pooled => {
                    let of_arm = self.pools.iter().filter(|p| p.arm == pool.arm);
                    of_arm.fold((0, 0), |sum, p| (sum.0 + p.y, sum.1 + p.size))
                }
            };
            let factor = match self.measure {
                Measure::Weighted => pool.weight,
                Measure::Pooled => self.unit,
            };
            let ratio = y as f64 / size as f64;
            let changes: Vec<(f64, f64)> = pool
                .categories
                .iter()
                .map(|c| {
                    let rest = size - c.size;
                    let off = (ratio * c.size as f64 - c.y as f64) / rest as f64;
                    let change = statistic(pool.arm, factor * off);
                    // A unit alone in its pool is in every draw: it changes nothing.
                    (pool.units == 1 || rest != 0).then_some((change, c.units as f64))
                })
                .collect::<Option<_>>()?;
            let n = pool.units as f64;
            let mean = changes.iter().map(|(d, k)| d * k).sum::<f64>() / n;
            if pool.units == 1 {
                continue;
            }
            for (change, units) in changes {
                let u = (n - 1.0) / n * (mean - change);
                cubes += units * u * u * u;
                squares += units * u * u;
            }
        }
        let a = cubes / (6.0 * squares * squares.sqrt());
        a.is_finite().then_some(a)
    }
}

impl Pool {
    /// Rows of one arm and stratum, sorted.
    fn new(rows: &[Row]) -> Result<Self, Refusal> {
        let mut categories: Vec<Category> = rows
            .chunk_by(|a, b| (a.2, a.3) == (b.2, b.3))
            .map(|same| Category {
                y: same[0].2,
                size: same[0].3,
                units: same.iter().map(|r| r.4).sum(),
            })
            .collect();
        // Stable: equal numbers keep the order of the scores.
        categories.sort_by_key(|c| std::cmp::Reverse(c.units));
        let units: u64 = categories.iter().map(|c| c.units).sum();
        let mut pool = Pool {
            arm: rows[0].1,
            weight: 0.0,
            categories,
            units,
            y: 0,
            size: 0,
        };
        // Room is left for the sums over 2³² strata.
        pool.bound()
            .filter(|&b| b < i128::MAX >> 34)
            .ok_or_else(|| Refusal::new(text!("refusal-draws.too-large")))?;
        let total = |f: fn(&Category) -> i128| {
            let of = |c: &Category| f(c) * i128::from(c.units);
            pool.categories.iter().map(of).sum()
        };
        (pool.y, pool.size) = (total(|c| c.y), total(|c| c.size));
        Ok(pool)
    }

    /// The largest sum that a draw may have: the largest unit every time.
    fn bound(&self) -> Option<i128> {
        let largest = |c: &Category| c.y.checked_abs().map(|y| y.max(c.size));
        self.categories.iter().try_fold(0, |most: i128, c| {
            Some(most.max(largest(c)?.checked_mul(i128::from(self.units))?))
        })
    }

    fn urn(&self) -> Urn {
        let sizes = self.categories.iter().map(|c| c.units).collect();
        Urn::new(sizes, Law::WithReplacement)
    }

    fn scores(&self) -> Scores<2> {
        let scores = self.categories.iter().map(|c| [c.y, c.size]);
        Scores::new(scores, self.bound().unwrap_or(i128::MAX))
    }
}
