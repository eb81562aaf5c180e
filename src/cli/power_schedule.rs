//! `pilot power --design`: size and power where regions get the arms for blocks of days.

use crate::error::{Error, Result};
use crate::planning::ScheduleSize;
use crate::report::number::{count, fixed, general, percent_with};
use crate::stats::power::schedule::{Planned, Share, Simulated};

use super::power::Args;
use super::ui::Ui;

/// What a schedule is sized by.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Schedules of regions")]
pub struct ScheduleArgs {
    /// Regions get the arms for blocks of days: switchback or stepped-wedge; --rate is then by customer and block
    #[arg(long, value_name = "DESIGN", value_parser = ["switchback", "stepped-wedge"],
          requires_all = ["regions", "blocks", "customers_per_block"],
          conflicts_with_all = ["weights", "arms", "correlation", "cluster_size", "cluster_cv", "uptake",
                                "attrition", "margin", "customers", "arrivals", "chart", "method"])]
    design: Option<String>,
    /// Regions
    #[arg(long, value_name = "N", requires = "design")]
    regions: Option<usize>,
    /// Blocks of days
    #[arg(long, value_name = "N", requires = "design")]
    blocks: Option<usize>,
    /// Customers of a region in a block
    #[arg(long, value_name = "N", requires = "design")]
    customers_per_block: Option<f64>,
    /// Correlation of a region's level in two blocks
    #[arg(long, default_value_t = 0.8, value_name = "RHO")]
    autocorrelation: f64,
}

impl ScheduleArgs {
    /// The design asked for, if any.
    pub fn design(&self) -> Option<&str> {
        self.design.as_deref()
    }
}

/// Runs the command.
pub fn run(args: &Args, design: &str, ui: &Ui) -> Result<()> {
    let own = &args.schedule;
    let missing = || Error::internal("a flag of the design is missing");
    let planned = Planned {
        wedge: design == "stepped-wedge",
        regions: own.regions.ok_or_else(missing)?,
        blocks: own.blocks.ok_or_else(missing)?,
        customers: own.customers_per_block.ok_or_else(missing)?,
        rate: args.rate * args.exposure,
        dispersion: args.dispersion,
        icc: args.icc.unwrap_or(0.0),
        autocorrelation: own.autocorrelation,
        reduction: args.reduction,
        alpha: args.alpha,
        power: args.power,
        sides: args.sides,
    };
    if args.looks.planned()?.is_some() {
        return Err(
            Error::usage("a schedule of regions has no looks before its end")
                .key("--design")
                .hint("leave the flags of looks out"),
        );
    }
    let size = ScheduleSize::new(planned, args.replicates, args.seed).map_err(|refusal| {
        Error::usage(refusal.why).hint("`pilot power --help` explains the flags, with examples")
    })?;
    if ui.json {
        return ui.document(&size.document());
    }
    for line in lines(&size) {
        ui.say(line)?;
    }
    ui.next(format!(
        "pilot design NAME --design {design} writes the plan"
    ))
}

/// The size in plain words: what `power` and `design` share.
pub fn lines(size: &ScheduleSize) -> Vec<String> {
    let (p, found) = (&size.planned, &size.sized);
    let design = if p.wedge {
        "stepped-wedge"
    } else {
        "switchback"
    };
    let regions = match p.regions {
        1 => "1 region".to_owned(),
        n => format!("{} regions", count(n as u64)),
    };
    let mut lines = vec![format!(
        "{regions} in {} blocks ({design}), {} customers of a region in a block.",
        p.blocks,
        general(p.customers)
    )];
    let asked = |share: f64| format!("{} %", general(100.0 * share));
    let smallest = match found.smallest_reduction {
        Some(s) => format!(
            "The smallest reduction found with {} power is {}.",
            asked(p.power),
            percent_with(s, 1)
        ),
        None => format!(
            "No reduction is found with {} power, however large.",
            asked(p.power)
        ),
    };
    match (p.reduction, found.power) {
        (Some(r), Some(power)) => lines.push(format!(
            "Power to find a reduction of {}: {}. {smallest}",
            asked(r),
            percent_with(power, 1)
        )),
        _ => lines.push(smallest),
    }
    lines.extend(simulated(size));
    if let Some(r) = p.reduction {
        let there = size.at_regions_needed.map(|s| s.cluster);
        let there = there.map_or(String::new(), |s| {
            format!(" Simulated there: cluster finds it in {}.", share(s))
        });
        lines.push(match found.regions_needed {
            Some(n) => format!(
                "By the formula a reduction of {} needs {} regions of this size in as many blocks.{there}",
                asked(r),
                count(n as u64)
            ),
            None => "1,000 regions of this size are not enough in as many blocks; take longer blocks or more of them.".into(),
        });
    }
    lines.push(format!(
        "Customers randomised one by one would do with 1/{} of the customers (design effect).",
        fixed(found.design_effect, 1)
    ));
    lines.push(format!(
        "Test: cluster, {}, {} degrees of freedom.",
        if p.sides == 1 {
            "one-sided"
        } else {
            "two-sided"
        },
        fixed(found.df, 1)
    ));
    lines.push(format!(
        "Assumed: {} contacts of a customer in a block; dispersion {}; icc {}, of a region's level in two blocks {}; error rate {}.",
        general(p.rate),
        general(p.dispersion),
        general(p.icc),
        general(p.autocorrelation),
        asked(p.alpha)
    ));
    lines
}

fn share(s: Share) -> String {
    format!("{} ± {}", percent_with(s.value, 1), percent_with(s.se, 1))
}

/// Simulated pilots beside the formula, and where the two differ.
fn simulated(size: &ScheduleSize) -> Vec<String> {
    let Some(found) = &size.simulated else {
        let why = size.not_simulated.as_ref();
        return why
            .map(|why| format!("Not simulated: {why}."))
            .into_iter()
            .collect();
    };
    let mut lines = vec![format!(
        "Simulated power: cluster {}, redrawn schedules (permutation) {}, in {} pilots (the formula's is {}).",
        share(found.cluster),
        share(found.permutation),
        count(u64::from(found.replicates)),
        percent_with(size.formula(), 1)
    )];
    if let Some(excess) = size.optimism() {
        lines.push(format!(
            "So the formula promises {} points more than cluster finds with {} ({} degrees of freedom): plan for the simulated power.",
            fixed(100.0 * excess, 1),
            match size.planned.regions {
                1 => "the blocks of one region".to_owned(),
                n => format!("{} regions", count(n as u64)),
            },
            fixed(size.sized.df, 1)
        ));
    }
    lines.push(format!(
        "Without any effect cluster finds one in {}, redrawn schedules in {} (error rate {} %).",
        share(found.cluster_errors),
        share(found.permutation_errors),
        general(100.0 * size.planned.alpha)
    ));
    lines.extend(few_schedules(&size.planned, found));
    lines
}

/// A warning where redrawn schedules can show nothing.
fn few_schedules(p: &Planned, found: &Simulated) -> Option<String> {
    // Of a schedule and its mirror image the two-sided test sees the same.
    let least = f64::from(p.sides) / found.schedules? as f64;
    (least > p.alpha).then(|| {
        format!(
            "Only {} schedules could be drawn, so p of redrawn schedules is hardly below {}: take more regions or more blocks.",
            count(found.schedules.unwrap_or(0)),
            fixed(least.min(1.0), 3)
        )
    })
}
