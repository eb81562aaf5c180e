//! Simulated pilots of regions beside the formula's power.

use rayon::prelude::*;

use crate::stats::dist::t_sf;
use crate::stats::estimate::{Alternative, Refusal, Test};
use crate::stats::panel::{Row, panel};
use crate::stats::permutation::Redrawn;
use crate::stats::random::{Generator, Stream};
use crate::stats::schedule::{Frame, Schedule};

use super::law::RegionLaw;
use super::{Planned, domain, frame_of};

/// What all pilots may cost, in nanoseconds of one core as measured on one of 2024.
const BUDGET: f64 = 4e9;
/// Fewer replicates say too little: a standard error of .02 at a power of .8.
const FEWEST: u32 = 400;
/// Schedules that each test is held against: all where there are no more, else so many drawn.
const DRAWS: usize = 999;
/// The same where a schedule has more region-blocks than [`LARGE`].
const FEWER_DRAWS: usize = 499;
const LARGE: usize = 300;
/// Pilots that share one set of drawn schedules, whose columns are what costs.
const SHARED: u32 = 50;

/// A share of simulated pilots with its Monte-Carlo standard error √(p(1 − p)/replicates).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// The share.
    pub value: f64,
    /// Its standard error.
    pub se: f64,
}

/// What simulated pilots found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Simulated {
    /// Reduction that they had.
    pub reduction: f64,
    /// Pilots.
    pub replicates: u32,
    /// Found by the `cluster` estimator.
    pub cluster: Share,
    /// Found by the test over redrawn schedules.
    pub permutation: Share,
    /// Found by `cluster` where there is no effect, in either direction that the test looks at.
    pub cluster_errors: Share,
    /// The same by redrawn schedules.
    pub permutation_errors: Share,
    /// Schedules that could have been drawn, where the test looked at all of them.
    pub schedules: Option<u64>,
}

/// Draws pilots and tests each as `analyze` would: by `cluster` (CR2, Satterthwaite) and by
/// redrawn schedules.
///
/// *Formula* — counts follow [`RegionLaw`], whose moments are those of [`super::schedule`]; treated
/// contacts are a binomial part 1 − reduction of them. Each pilot has a schedule of its own. A
/// pilot finds the effect where p ≤ α and the contacts are fewer. Redrawn schedules are all of
/// them up to 999, else 999 (499 beyond 300 region-blocks) drawn.
///
/// *Assumes* — as the formula, but for the effect: it is a share of each region's level, and the
/// treated vary less than control.
///
/// *Errors* — numbers outside their domain; an ICC that needs more dispersion than is given; what
/// takes more than seconds.
///
/// *Source* — as [`super::schedule`].
pub fn simulated(
    p: &Planned,
    reduction: f64,
    replicates: u32,
    seed: u64,
) -> Result<Simulated, Refusal> {
    domain(p)?;
    if !(reduction > 0.0 && reduction <= 1.0) {
        return Err(Refusal::new(
            "the reduction has to be above 0 and at most 1",
        ));
    }
    let model = Model::new(p, reduction)?;
    let replicates = affordable(p, replicates)?;
    let stream = Stream::new("power", "schedule simulated", seed);
    let chunks = replicates.div_ceil(SHARED);
    let found: Vec<(Hits, Option<u64>)> = (0..chunks)
        .into_par_iter()
        .map(|chunk| {
            let pilots = SHARED.min(replicates - chunk * SHARED);
            model.chunk(pilots, &mut stream.generator(u64::from(chunk)))
        })
        .collect();
    let share = |of: fn(&Hits) -> u32| {
        let hits: u32 = found.iter().map(|(h, _)| of(h)).sum();
        let n = f64::from(replicates);
        let value = f64::from(hits) / n;
        Share {
            value,
            se: (value * (1.0 - value) / n).sqrt(),
        }
    };
    Ok(Simulated {
        reduction,
        replicates,
        cluster: share(|h| h.cluster),
        permutation: share(|h| h.permutation),
        cluster_errors: share(|h| h.cluster_errors),
        permutation_errors: share(|h| h.permutation_errors),
        schedules: found.first().and_then(|f| f.1),
    })
}

fn draws(cells: usize) -> usize {
    match cells > LARGE {
        true => FEWER_DRAWS,
        false => DRAWS,
    }
}

/// As many pilots as seconds allow.
fn affordable(p: &Planned, asked: u32) -> Result<u32, Refusal> {
    let (regions, blocks) = (p.regions as f64, p.blocks as f64);
    let cells = regions * blocks;
    let draws = draws(p.regions * p.blocks) as f64;
    let columns = draws * (cells * (3.0 * blocks + 40.0) + 2.0 * blocks * blocks);
    let pilot = 2.0 * draws * 4.0 * cells + 2.0 * regions * cells + 300.0 * cells;
    let each = pilot + columns / f64::from(SHARED);
    let most = (BUDGET / each) as u32;
    if most < FEWEST.min(asked) {
        return Err(Refusal::new(
            "so many regions and blocks would take more than seconds to simulate",
        ));
    }
    Ok(asked.min(most))
}

#[derive(Default)]
struct Hits {
    cluster: u32,
    permutation: u32,
    cluster_errors: u32,
    permutation_errors: u32,
}

/// What every simulated pilot shares.
struct Model<'a> {
    p: &'a Planned,
    law: RegionLaw,
    frame: Frame,
    test: Test,
    reduction: f64,
}

impl<'a> Model<'a> {
    /// # Errors
    /// More correlation than the dispersion allows.
    fn new(p: &'a Planned, reduction: f64) -> Result<Self, Refusal> {
        Ok(Model {
            p,
            law: RegionLaw::new(p)?,
            frame: frame_of(p, p.regions),
            test: Test {
                alternative: match p.sides {
                    1 => Alternative::Less,
                    _ => Alternative::TwoSided,
                },
                ..Test::DEFAULT
            },
            reduction,
        })
    }

    fn chunk(&self, pilots: u32, g: &mut Generator) -> (Hits, Option<u64>) {
        let mut rows = self.places();
        let most = draws(rows.len());
        let mut redrawn = Redrawn::new(&rows, &self.frame, most, g);
        let mut hits = Hits::default();
        let alpha = self.p.alpha;
        let fewer = |found: Option<(f64, f64)>| found.is_some_and(|(d, p)| p <= alpha && d < 0.0);
        let wrong = |found: Option<(f64, f64)>| found.is_some_and(|(_, p)| p <= alpha);
        for _ in 0..pilots {
            let schedule = self.frame.draw(g);
            self.observe(&schedule, &mut rows, g);
            let design = Even::new(&rows, (self.p.regions, self.p.blocks));
            hits.cluster_errors += u32::from(wrong(self.cluster(&rows, design.as_ref())));
            hits.permutation_errors += u32::from(wrong(redrawn.test(&rows, &schedule, &self.test)));
            for row in rows.iter_mut().filter(|r| r.treated) {
                row.y = self.law.changed(g, row.y as u64, self.reduction) as f64;
            }
            hits.cluster += u32::from(fewer(self.cluster(&rows, design.as_ref())));
            hits.permutation += u32::from(fewer(redrawn.test(&rows, &schedule, &self.test)));
        }
        (hits, redrawn.schedules())
    }

    /// Every region and block, without an arm yet.
    fn places(&self) -> Vec<Row> {
        let blocks = self.p.blocks;
        let row = |cell: usize| Row {
            region: cell / blocks,
            block: cell % blocks,
            treated: false,
            exposure: self.p.customers,
            y: 0.0,
        };
        (0..self.p.regions * blocks).map(row).collect()
    }

    /// Contacts of one pilot as if nothing worked.
    fn observe(&self, schedule: &Schedule, rows: &mut [Row], g: &mut Generator) {
        for (row, y) in rows.iter_mut().zip(self.law.counts(g)) {
            row.treated = schedule.treated(row.region, row.block);
            row.y = y as f64;
        }
    }

    /// Effect and p of the `cluster` estimator.
    fn cluster(&self, rows: &[Row], even: Option<&Even>) -> Option<(f64, f64)> {
        if self.p.regions == 1 {
            let estimate = panel(rows, &self.test).ok()?.into_iter().next()?;
            return Some((estimate.value, estimate.p_value?));
        }
        let even = even?;
        let (value, variance) = even.effect(rows);
        if variance <= 0.0 {
            return None;
        }
        let t = value / variance.sqrt();
        let p = match self.p.sides {
            1 => t_sf(-t, Some(even.df)),
            _ => (2.0 * t_sf(t.abs(), Some(even.df))).min(1.0),
        };
        Some((value, p))
    }
}

/// The estimator of [`panel`] where all regions were observed in all blocks with the same
/// exposure, and there are several.
///
/// *Formula* — z the treatment less its means by region and block. I − H_gg is then 1 − 1/G times
/// what is left of a region's level, less z_g z_g'/z'z, of which z_g is an eigenvector: CR2's terms
/// are z_g'ẽ_g/√b_g with b_g = 1 − 1/G − z_g'z_g/z'z. Their working covariance is
/// Ω_gh = [g = h]·u_g'u_g − u_g'u_h/G − (u_g'z_g)(u_h'z_h)/z'z, u_g = z_g/√b_g.
struct Even {
    blocks: usize,
    z: Vec<f64>,
    length: f64,
    /// b of each region; 0 where the region is fitted exactly.
    left: Vec<f64>,
    /// Satterthwaite's.
    df: f64,
}

impl Even {
    /// `None` where regions and blocks explain the treatment.
    fn new(rows: &[Row], (regions, blocks): (usize, usize)) -> Option<Self> {
        let mut z: Vec<f64> = rows
            .iter()
            .map(|r| f64::from(u8::from(r.treated)))
            .collect();
        centre(&mut z, blocks);
        let length: f64 = z.iter().map(|v| v * v).sum();
        if length <= 1e-10 * rows.len() as f64 {
            return None;
        }
        let share = 1.0 / regions as f64;
        let own = |part: &[f64]| part.iter().map(|v| v * v).sum::<f64>();
        let squares: Vec<f64> = z.chunks(blocks).map(own).collect();
        let left: Vec<f64> = squares
            .iter()
            .map(|s| Some(1.0 - share - s / length).filter(|b| *s > 0.0 && *b > 1e-10))
            .map(|b| b.unwrap_or(0.0))
            .collect();
        let (mut trace, mut sum) = (0.0, 0.0);
        for g in (0..regions).filter(|g| left[*g] > 0.0) {
            for h in (0..regions).filter(|h| left[*h] > 0.0) {
                let pairs = (z[g * blocks..].iter().zip(&z[h * blocks..])).take(blocks);
                let product: f64 = pairs.map(|(a, b)| a * b).sum();
                let mut omega = -share * product - squares[g] * squares[h] / length;
                if g == h {
                    omega += squares[g];
                }
                omega /= (left[g] * left[h]).sqrt();
                sum += omega * omega;
                if g == h {
                    trace += omega;
                }
            }
        }
        (sum > 0.0).then(|| Even {
            blocks,
            z,
            length,
            left,
            df: trace * trace / sum,
        })
    }

    /// δ and its CR2 variance.
    fn effect(&self, rows: &[Row]) -> (f64, f64) {
        let mut y: Vec<f64> = rows.iter().map(|r| r.y / r.exposure).collect();
        centre(&mut y, self.blocks);
        let delta = self.z.iter().zip(&y).map(|(z, y)| z * y).sum::<f64>() / self.length;
        let mut variance = 0.0;
        let regions = self.z.chunks(self.blocks).zip(y.chunks(self.blocks));
        for ((z, y), left) in regions.zip(&self.left).filter(|(_, left)| **left > 0.0) {
            let term: f64 = z.iter().zip(y).map(|(z, y)| z * (y - delta * z)).sum();
            variance += term * term / left;
        }
        (delta, variance / (self.length * self.length))
    }
}

/// Takes means by region and by block out.
fn centre(values: &mut [f64], blocks: usize) {
    let regions = values.len() / blocks;
    let mut means = vec![0.0; blocks];
    for region in values.chunks_mut(blocks) {
        let mean = region.iter().sum::<f64>() / blocks as f64;
        for (value, block) in region.iter_mut().zip(&mut means) {
            *value -= mean;
            *block += *value / regions as f64;
        }
    }
    for region in values.chunks_mut(blocks) {
        for (value, mean) in region.iter_mut().zip(&means) {
            *value -= mean;
        }
    }
}

#[cfg(test)]
mod tests;
