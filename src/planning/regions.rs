//! A schedule's size by formula and by simulation, and the line about it at a plan's head.

use serde::Serialize;

use crate::experiment::{Experiment, ScheduleKind};
use crate::stats::Refusal;
use crate::stats::power::schedule::{Planned, Share, Simulated, Sized, schedule, simulated};

use super::notes::{after, before};

/// Formula and simulation of a schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleSize {
    /// What was asked.
    pub planned: Planned,
    /// The formula's answer.
    pub sized: Sized,
    /// Simulated pilots of the regions given.
    pub simulated: Option<Simulated>,
    /// Simulated pilots of as many regions as the formula asks for.
    pub at_regions_needed: Option<Simulated>,
    /// Why nothing was simulated, where it was asked for.
    pub not_simulated: Option<String>,
}

impl ScheduleSize {
    /// By formula, and by up to `replicates` simulated pilots with the reduction asked for, or else
    /// the smallest that is found.
    ///
    /// # Errors
    /// As [`schedule`].
    pub fn new(planned: Planned, replicates: u32, seed: u64) -> Result<Self, Refusal> {
        let sized = schedule(&planned)?;
        let reduction = planned.reduction.or(sized.smallest_reduction);
        let (mut found, mut at_needed, mut not_simulated) = (None, None, None);
        if let Some(reduction) = reduction.filter(|_| replicates > 0) {
            match simulated(&planned, reduction, replicates, seed) {
                Ok(simulated) => found = Some(simulated),
                Err(refusal) => not_simulated = Some(refusal.why),
            }
            let other = sized.regions_needed.filter(|n| *n != planned.regions);
            if let (Some(regions), Some(_)) = (other, &found) {
                let more = Planned {
                    regions,
                    ..planned.clone()
                };
                // Too many to be simulated: the formula stands alone there.
                at_needed = simulated(&more, reduction, replicates, seed).ok();
            }
        }
        Ok(ScheduleSize {
            planned,
            sized,
            simulated: found,
            at_regions_needed: at_needed,
            not_simulated,
        })
    }

    /// The formula's power for the reduction that was simulated.
    pub fn formula(&self) -> f64 {
        self.sized.power.unwrap_or(self.planned.power)
    }

    /// By how much the formula's power exceeds `cluster`'s among simulated pilots; `None` within two
    /// Monte-Carlo standard errors.
    pub fn optimism(&self) -> Option<f64> {
        let cluster = self.simulated?.cluster;
        let excess = self.formula() - cluster.value;
        (excess > 2.0 * cluster.se).then_some(excess)
    }

    /// All of it, as `--json` prints it.
    pub fn document(&self) -> ScheduleAnswer {
        let p = &self.planned;
        let of = |share: fn(&Simulated) -> Share| self.simulated.as_ref().map(share);
        let (value, se) = (|s: Share| s.value, |s: Share| s.se);
        let cluster = of(|s| s.cluster);
        let permutation = of(|s| s.permutation);
        let (errors, redrawn) = (of(|s| s.cluster_errors), of(|s| s.permutation_errors));
        let needed = self.at_regions_needed.as_ref();
        ScheduleAnswer {
            design: if p.wedge {
                "stepped-wedge"
            } else {
                "switchback"
            },
            regions: p.regions,
            blocks: p.blocks,
            customers_per_block: p.customers,
            sized: self.sized.clone(),
            reduction_simulated: self.simulated.map(|s| s.reduction),
            power_simulated: cluster.map(value),
            power_simulated_se: cluster.map(se),
            power_simulated_permutation: permutation.map(value),
            power_simulated_permutation_se: permutation.map(se),
            false_positives_simulated: errors.map(value),
            false_positives_simulated_se: errors.map(se),
            false_positives_simulated_permutation: redrawn.map(value),
            false_positives_simulated_permutation_se: redrawn.map(se),
            power_simulated_at_regions_needed: needed.map(|s| s.cluster.value),
            power_simulated_at_regions_needed_se: needed.map(|s| s.cluster.se),
            replicates: self.simulated.map_or(0, |s| s.replicates),
            schedules: self.simulated.and_then(|s| s.schedules),
            not_simulated: self.not_simulated.clone(),
        }
    }
}

/// Size and power of a schedule for programs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScheduleAnswer {
    design: &'static str,
    regions: usize,
    blocks: usize,
    customers_per_block: f64,
    #[serde(flatten)]
    sized: Sized,
    reduction_simulated: Option<f64>,
    /// By the `cluster` estimator.
    power_simulated: Option<f64>,
    power_simulated_se: Option<f64>,
    /// By the test over redrawn schedules.
    power_simulated_permutation: Option<f64>,
    power_simulated_permutation_se: Option<f64>,
    false_positives_simulated: Option<f64>,
    false_positives_simulated_se: Option<f64>,
    false_positives_simulated_permutation: Option<f64>,
    false_positives_simulated_permutation_se: Option<f64>,
    power_simulated_at_regions_needed: Option<f64>,
    power_simulated_at_regions_needed_se: Option<f64>,
    replicates: u32,
    /// Schedules that could have been drawn, where the test looked at all of them.
    schedules: Option<u64>,
    not_simulated: Option<String>,
}

/// Counts of regions by block that a plan was sized for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RegionCounts {
    /// Customers of a region in a block.
    pub customers: f64,
    /// Control's contacts of a customer in a block.
    pub rate: f64,
    /// NB2 dispersion φ.
    pub dispersion: f64,
    /// Share of the variance between customers that is between regions.
    pub icc: f64,
    /// Correlation of a region's level in two blocks.
    pub autocorrelation: f64,
}

impl RegionCounts {
    /// The line at the plan's head.
    pub fn note(&self) -> String {
        let RegionCounts {
            customers,
            rate,
            dispersion,
            icc,
            autocorrelation,
        } = self;
        format!(
            "Assumed by region and block: {customers} customers, {rate} contacts of each, dispersion {dispersion}, icc {icc}, autocorrelation {autocorrelation}."
        )
    }

    /// The question that they answer for a plan with a schedule.
    pub fn planned(&self, e: &Experiment) -> Planned {
        let plan = e.assignment.schedule.as_ref();
        Planned {
            wedge: plan.is_some_and(|s| s.design == ScheduleKind::SteppedWedge),
            regions: plan.map_or(0, |s| s.regions.len()),
            blocks: e.blocks().len(),
            customers: self.customers,
            rate: self.rate,
            dispersion: self.dispersion,
            icc: self.icc,
            autocorrelation: self.autocorrelation,
            reduction: None,
            alpha: e.analysis.alpha,
            power: e.analysis.power,
            sides: if e.analysis.one_sided { 1 } else { 2 },
        }
    }

    /// Reads the line back from a plan's text.
    pub fn read(text: &str) -> Option<Self> {
        let mut notes = text
            .lines()
            .take_while(|l| l.starts_with('#') || l.trim().is_empty());
        let note = notes.find(|l| l.contains("Assumed by region and block: "))?;
        Some(RegionCounts {
            customers: before(note, " customers")?,
            rate: before(note, " contacts of each")?,
            dispersion: after(note, "dispersion ")?,
            icc: after(note, "icc ")?,
            autocorrelation: after(note, "autocorrelation ")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let counts = RegionCounts {
            customers: 12_500.0,
            rate: 0.083,
            dispersion: 1.25,
            icc: 0.02,
            autocorrelation: 0.8,
        };
        let text = format!("# {}\n\nschema = 1\n", counts.note());
        assert_eq!(RegionCounts::read(&text), Some(counts));
        assert_eq!(RegionCounts::read("schema = 1\n"), None);
    }
}
