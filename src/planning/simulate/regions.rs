//! A schedule replayed: regions drawn, assigned by the plan's rule, and analysed as `analyze` would.

use crate::analysis;
use crate::assign::schedule;
use crate::error::{Error, Kind, Result};
use crate::experiment::Experiment;
use crate::planning::RegionCounts;
use crate::stats::poisson_sampling::thinned;
use crate::stats::power::schedule::RegionLaw;
use crate::stats::random::{Generator, Stream};
use crate::stats::sampling::LogFactorials;
use crate::table::{ArmId, Audit, Evidence, OutcomeEvidence, Panel, PanelRow, Provenance};

use super::replay::{Truth, batches, count};
use super::tally::Tallies;

/// Blocks before the test of each weekday that can stand for one of its blocks.
const FEWEST: usize = 2;
/// Blocks before the test altogether.
const FEWEST_IN_ALL: usize = 4;
/// ln k! up to here from a table; larger counts are computed.
const TABLE: u64 = 1 << 16;

/// Where the counts of simulated regions come from.
pub enum RegionSource {
    /// The law of the plan's assumptions.
    Law(RegionCounts),
    /// Blocks as they were before the test.
    Past(PastBlocks),
}

/// Whole blocks before the test, all regions of each.
#[derive(Debug, Clone)]
pub struct PastBlocks {
    /// Weekday on which each begins.
    weekdays: Vec<i8>,
    /// Observed days, exposure and contacts of each region, block by block.
    rows: Vec<Vec<(u32, i64, i64)>>,
}

impl PastBlocks {
    /// The blocks of `panel` in which every region was observed on as many days as in any other;
    /// `weekdays` are those on which they begin. `None` where they are too few for the plan.
    ///
    /// With `log`, a block without any contact is before the log begins, and so is the first with
    /// some, of which days may be missing.
    pub fn new(panel: &Panel, weekdays: &[i8], e: &Experiment, log: bool) -> Option<Self> {
        let blocks = panel.blocks();
        let most = panel.rows().iter().map(|r| r.days).max()?;
        let of = |block: usize| -> Vec<(u32, i64, i64)> {
            let rows = panel.rows().iter().skip(block).step_by(blocks.max(1));
            rows.map(|r| (r.days, r.exposure, r.y)).collect()
        };
        let begun = (0..blocks).find(|b| of(*b).iter().any(|r| r.2 > 0))?;
        let from = if log { begun + 1 } else { 0 };
        let (mut rows, mut kept) = (Vec::new(), Vec::new());
        for block in from..blocks {
            let own = of(block);
            if most > 0 && own.iter().all(|r| r.0 == most && r.1 > 0) {
                rows.push(own);
                kept.push(*weekdays.get(block)?);
            }
        }
        let enough = |day: i8| kept.iter().filter(|d| **d == day).count() >= FEWEST;
        let planned = e.blocks();
        let first = planned.iter().map(|(first, _)| first.weekday());
        let all = first.map(|d| d.to_monday_zero_offset()).all(enough);
        let some = rows.iter().flatten().any(|r| r.2 > 0);
        (all && some && rows.len() >= FEWEST_IN_ALL).then_some(PastBlocks {
            weekdays: kept,
            rows,
        })
    }

    /// How many they are.
    pub fn number(&self) -> usize {
        self.rows.len()
    }

    /// Contacts over exposure of all of them.
    fn rate(&self) -> f64 {
        let all = || self.rows.iter().flatten();
        let exposure: f64 = all().map(|r| r.1 as f64).sum();
        all().map(|r| r.2 as f64).sum::<f64>() / exposure
    }
}

/// A schedule to replay.
pub struct RegionReplay<'a> {
    /// The plan.
    pub experiment: &'a Experiment,
    /// Where counts come from.
    pub source: &'a RegionSource,
    /// 1 − treatment/control; negative is an increase.
    pub reduction: f64,
    /// Schedules drawn by each randomisation test; all are looked at where they are no more.
    pub draws: u32,
    /// Seed of everything.
    pub seed: u64,
}

impl RegionReplay<'_> {
    /// Replays number 0 up to, not with, `to`; `tick` hears how many are done.
    ///
    /// Replay i is the same whatever else is replayed and on however many threads.
    ///
    /// # Errors
    /// A law that cannot be drawn, an analysis that fails for another reason than its data, or an
    /// interruption by `tick`.
    pub fn run(&self, to: u64, tick: &(dyn Fn(u64) -> Result<()> + Sync)) -> Result<Tallies> {
        let drawing = self.drawing()?;
        let (days, unit) = analysis::rates(&drawing.plan);
        let truth = Truth::of_rates(self.reduction, drawing.rate * days, unit);
        batches((0, to), tick, &|i| self.one(i, &drawing, &truth))
    }

    /// Mean contacts per customer-day, or region-day, without an effect.
    ///
    /// # Errors
    /// A law that cannot be drawn.
    pub fn rate(&self) -> Result<f64> {
        Ok(self.drawing()?.rate)
    }

    /// The plan and the evidence of replay `i`, as [`RegionReplay::run`] analyses them.
    ///
    /// # Errors
    /// As [`RegionReplay::run`].
    pub fn pilot(&self, i: u64) -> Result<(Experiment, Evidence)> {
        self.draw(i, &self.drawing()?)
    }

    fn drawing(&self) -> Result<Drawing> {
        let mut plan = self.experiment.clone();
        plan.outcomes = vec![plan.primary_outcome().clone()];
        plan.analysis.per_days = None;
        plan.analysis.permutations = self.draws;
        plan.decision.max_attrition_difference = None;
        let schedule = plan.assignment.schedule.as_ref();
        let schedule = schedule.ok_or_else(|| Error::internal("a replay without a schedule"))?;
        let days = schedule.block_days.saturating_sub(schedule.washout_days);
        let (law, rate, exposure) = match self.source {
            RegionSource::Law(counts) => {
                let customers = counts.customers.round().max(1.0);
                let law = RegionLaw::new(&counts.planned(&plan))
                    .map_err(|refusal| Error::usage(refusal.why).key("--icc"))?;
                match analysis::by_customer(&plan) {
                    true => {
                        let exposure = customers * f64::from(days);
                        (Some(law), counts.rate / f64::from(days), exposure as i64)
                    }
                    false => {
                        let rate = counts.rate * customers / f64::from(days);
                        (Some(law), rate, i64::from(days))
                    }
                }
            }
            RegionSource::Past(past) => (None, past.rate(), 0),
        };
        let blocks = plan.blocks();
        let weekdays = blocks.iter().map(|(first, _)| first.weekday());
        Ok(Drawing {
            weekdays: weekdays.map(|d| d.to_monday_zero_offset()).collect(),
            law,
            rate,
            whole: (days, exposure),
            table: LogFactorials::new(TABLE),
            plan,
        })
    }

    fn draw(&self, i: u64, drawing: &Drawing) -> Result<(Experiment, Evidence)> {
        let purpose = if self.reduction == 0.0 {
            "simulate/none"
        } else {
            "simulate/effect"
        };
        let mut plan = drawing.plan.clone();
        let mut g = Stream::new(purpose, &plan.name, self.seed).generator(i);
        plan.seed = g.bits();
        let counts = drawing.counts(self.source, &mut g);
        let drawn = schedule::draw(&plan);
        let drawn = drawn.ok_or_else(|| Error::internal("a replay without a schedule"))?;
        let (blocks, control) = (drawing.weekdays.len(), plan.control());
        let mut rows = Vec::with_capacity(counts.len());
        for (cell, (days, exposure, y)) in counts.into_iter().enumerate() {
            let (region, block) = (cell / blocks, cell % blocks);
            let arm = schedule::arm(&plan, &drawn, region, block);
            rows.push(PanelRow {
                region: region as u32,
                block: block as u32,
                arm: ArmId(arm as u16),
                days,
                exposure,
                y: match arm == control {
                    true => y,
                    false => drawing.changed(&mut g, y, self.reduction),
                },
            });
        }
        let evidence = evidence(&plan, rows)?;
        Ok((plan, evidence))
    }

    fn one(&self, i: u64, drawing: &Drawing, truth: &Truth) -> Result<Tallies> {
        let (mut plan, evidence) = self.draw(i, drawing)?;
        let mut tallies = Tallies {
            replays: 1,
            ..Tallies::default()
        };
        let most = u64::from(self.draws);
        let analysis = match analysis::replayed(&plan, &evidence, most) {
            Err(e) if e.kind() == Kind::Data && plan.analysis.estimator.is_some() => {
                tallies.refused = 1;
                plan.analysis.estimator = None;
                let mut analysis = analysis::replayed(&plan, &evidence, most)?;
                // What stands in for the plan's estimator decides nothing here.
                let rows = analysis.estimates.iter_mut();
                rows.for_each(|r| r.primary = false);
                analysis
            }
            other => other?,
        };
        count(&analysis, &plan, truth, &mut tallies);
        Ok(tallies)
    }
}

/// What is the same in every replay.
struct Drawing {
    plan: Experiment,
    law: Option<RegionLaw>,
    /// Contacts per unit of exposure.
    rate: f64,
    /// Days and exposure of a region-block of the law.
    whole: (u32, i64),
    /// Weekday on which each planned block begins.
    weekdays: Vec<i8>,
    table: LogFactorials,
}

impl Drawing {
    /// Days, exposure and contacts of every region and block, region by region, without an effect.
    fn counts(&self, source: &RegionSource, g: &mut Generator) -> Vec<(u32, i64, i64)> {
        if let Some(law) = &self.law {
            let (days, exposure) = self.whole;
            let counts = law.counts(g).into_iter();
            return counts.map(|y| (days, exposure, y as i64)).collect();
        }
        let RegionSource::Past(past) = source else {
            return Vec::new();
        };
        let pick = |day: &i8, g: &mut Generator| {
            let alike: Vec<usize> = (0..past.rows.len())
                .filter(|b| past.weekdays[*b] == *day)
                .collect();
            alike[g.below(alike.len() as u64) as usize]
        };
        let chosen: Vec<usize> = self.weekdays.iter().map(|day| pick(day, g)).collect();
        let regions = past.rows.first().map_or(0, Vec::len);
        let cells = (0..regions).flat_map(|r| chosen.iter().map(move |b| (r, *b)));
        cells.map(|(r, b)| past.rows[b][r]).collect()
    }

    /// A treated region-block's contacts.
    fn changed(&self, g: &mut Generator, y: i64, reduction: f64) -> i64 {
        let count = y.unsigned_abs();
        match reduction {
            0.0 => y,
            r if r > 0.0 => thinned(g, &self.table, count, 1.0 - r) as i64,
            r => y.saturating_add(thinned(g, &self.table, count, -r) as i64),
        }
    }
}

/// What a scan of these region-blocks would bring back.
fn evidence(plan: &Experiment, rows: Vec<PanelRow>) -> Result<Evidence> {
    let mut by_arm = vec![0; plan.arms.len()];
    for row in &rows {
        by_arm[usize::from(row.arm.0)] += 1;
    }
    let arms = plan.arms.iter().map(|a| a.name.clone()).collect();
    let outcome = OutcomeEvidence::of_panel(&plan.outcomes[0].name, arms, rows)?;
    Ok(Evidence {
        audit: Audit {
            customers: by_arm.iter().sum(),
            customers_by_arm: by_arm,
            ..Audit::default()
        },
        outcomes: vec![outcome],
        spillover: None,
        provenance: Provenance::default(),
    })
}
