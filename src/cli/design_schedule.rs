//! The part of `pilot design` about regions that get the arms for blocks of days.

use crate::error::{Error, Result};
use crate::experiment::{Experiment, ScheduleKind, SchedulePlan};
use crate::planning::{RegionCounts, ScheduleSize};
use crate::stats::power::schedule::Planned;

use super::sizing::{SizeArgs, Sought};

/// Who gets an arm when, and how many customers a region has.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Schedules of regions")]
pub struct RegionArgs {
    /// Regions get the arms for blocks of days: switchback or stepped-wedge; --rate is then by customer and block
    #[arg(long, value_name = "DESIGN", value_parser = ["switchback", "stepped-wedge"], requires = "block_days",
          conflicts_with_all = ["method", "strata", "before", "after_days", "after_login", "looks", "information",
                                "spending", "correlation", "customers", "arrivals", "uptake", "attrition",
                                "cluster_size", "cluster_cv", "chart", "history"])]
    design: Option<String>,
    /// Values of the column --cluster that take part
    #[arg(long, value_delimiter = ',', value_name = "REGION,…", requires_all = ["design", "cluster"])]
    regions: Vec<String>,
    /// Days that a region keeps its arm
    #[arg(long, value_name = "DAYS", requires = "design")]
    block_days: Option<u32>,
    /// First days of each block that do not count
    #[arg(long, value_name = "DAYS", requires = "design", default_value_t = 0)]
    washout_days: u32,
    /// Customers of a region in a block
    #[arg(long, value_name = "N", requires = "design")]
    customers_per_block: Option<f64>,
    /// Correlation of a region's level in two blocks
    #[arg(long, value_name = "RHO", requires = "design", default_value_t = 0.8)]
    autocorrelation: f64,
}

impl RegionArgs {
    /// Whether a schedule is designed.
    pub fn given(&self) -> bool {
        self.design.is_some()
    }

    /// Writes the schedule into the plan.
    pub fn apply(&self, e: &mut Experiment) {
        let Some(design) = &self.design else { return };
        e.assignment.schedule = Some(SchedulePlan {
            design: match design.as_str() {
                "stepped-wedge" => ScheduleKind::SteppedWedge,
                _ => ScheduleKind::Switchback,
            },
            regions: self.regions.clone(),
            block_days: self.block_days.unwrap_or(1),
            washout_days: self.washout_days,
        });
        e.analysis.estimator.get_or_insert_with(|| "cluster".into());
    }

    /// Size and what it rests on; `None` where rate or customers are not known.
    ///
    /// # Errors
    /// Numbers out of their range.
    pub fn size(
        &self,
        sought: &Sought,
        size: &SizeArgs,
        e: &Experiment,
    ) -> Result<Option<(RegionCounts, ScheduleSize)>> {
        let Some((customers, rate)) = self.customers_per_block.zip(sought.rate) else {
            return Ok(None);
        };
        let counts = RegionCounts {
            customers,
            rate,
            dispersion: size.dispersion.unwrap_or(0.0),
            icc: size.icc.unwrap_or(0.0),
            autocorrelation: self.autocorrelation,
        };
        let planned = Planned {
            reduction: sought.reduction,
            ..counts.planned(e)
        };
        let answer = ScheduleSize::new(planned, size.replicates, e.seed).map_err(|refusal| {
            Error::usage(refusal.why)
                .hint("without --customers-per-block the plan is written without a size")
        })?;
        Ok(Some((counts, answer)))
    }
}

/// Lines at the plan's head: what the size rests on and what it is for.
pub fn notes(counts: &RegionCounts, size: &ScheduleSize) -> Vec<String> {
    let power = |share: f64| crate::number::percent_with(share, 1);
    let mut lines = vec![counts.note()];
    if let Some(reduction) = size.planned.reduction.or(size.sized.smallest_reduction) {
        let mut line = format!(
            "Power to find a reduction of {}: {} by the formula",
            power(reduction),
            power(size.formula())
        );
        if let Some(found) = &size.simulated {
            line += &format!(
                ", {} in simulated pilots ({} by redrawn schedules)",
                power(found.cluster.value),
                power(found.permutation.value)
            );
        }
        lines.push(line + ".");
    }
    lines
}
