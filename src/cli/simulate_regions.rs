//! `pilot simulate` of a switchback or stepped wedge.

use std::path::Path;

use jiff::Span;

use crate::assign::schedule;
use crate::engine;
use crate::error::{Error, Result};
use crate::experiment::{Data, Experiment, ScheduleKind, SchedulePlan, Windows};
use crate::number;
use crate::planning::RegionCounts;
use crate::planning::simulate::{
    About, PastBlocks, RegionReplay, RegionSource, Scenario, Summary, summary,
};
use crate::texts::text;

use super::Global;
use super::pilot::{self, Opened};
use super::simulate::Args;
use super::ui::Ui;

/// Blocks before the test that are looked for, beyond twice those of the plan.
const PAST_BLOCKS: usize = 52;
/// Region-blocks that are read at most.
const MOST_CELLS: usize = 100_000;

/// Regions of a schedule by assumption.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Schedules of regions")]
pub struct RegionArgs {
    /// Schedules of regions: customers of a region in a block; --rate is then by customer and block
    #[arg(long, value_name = "N")]
    customers_per_block: Option<f64>,
    /// Schedules of regions: correlation of a region's level in two blocks (default: what `design` wrote, or 0.8)
    #[arg(long, value_name = "RHO")]
    autocorrelation: Option<f64>,
}

impl RegionArgs {
    /// Refuses flags that are about schedules of regions.
    ///
    /// # Errors
    /// One of them is given.
    pub fn none(&self) -> Result<()> {
        let given = [
            ("--customers-per-block", self.customers_per_block.is_some()),
            ("--autocorrelation", self.autocorrelation.is_some()),
        ];
        match given.into_iter().find(|(_, given)| *given) {
            Some((flag, _)) => Err(Error::usage("the plan assigns customers, not regions for a while")
                .key(flag)
                .hint("leave the flag out; assignment.design = \"switchback\" or \"stepped-wedge\" makes a schedule")),
            None => Ok(()),
        }
    }
}

/// Refuses what is about single customers.
///
/// # Errors
/// A flag that has no meaning where regions get the arms.
pub fn suits(args: &Args, scenario: &Scenario) -> Result<()> {
    let given = [
        ("--zero-inflation", scenario.zero_inflation > 0.0),
        ("--heavy-tail", scenario.heavy_tail.is_some()),
        ("--attrition", scenario.attrition > 0.0),
        ("--customers", args.customers.is_some()),
        ("--correlation", args.correlation.is_some()),
        ("--cluster-size", args.clusters.cluster_size.is_some()),
        ("--cluster-cv", args.clusters.cluster_cv.is_some()),
    ];
    let wrong = |flag: &str, why: &str, hint: &str| Err(Error::usage(why).key(flag).hint(hint));
    if let Some((flag, _)) = given.iter().find(|(_, given)| *given) {
        return wrong(
            flag,
            "this is about single customers, and regions get the arms here",
            "leave the flag out; --customers-per-block, --icc and --autocorrelation describe regions",
        );
    }
    if let Some(flag) = args.looks.given() {
        return wrong(
            flag,
            "a schedule of regions has no looks before its end",
            "leave the flag out",
        );
    }
    if args.from.as_deref() == Some("control") {
        return wrong(
            "--from",
            "regions are not drawn from control's blocks: each region has both arms",
            "--from before draws whole blocks from before the test, --from plan the plan's assumptions",
        );
    }
    Ok(())
}

/// Replays the schedule.
///
/// # Errors
/// As the command.
pub fn replay(
    args: &Args,
    opened: &Opened,
    scenario: &Scenario,
    g: &Global,
    ui: &Ui,
) -> Result<Summary> {
    let experiment = opened.experiment();
    let (source, words) = source(args, opened, g, ui)?;
    let seed = args.seed.unwrap_or(experiment.seed);
    let replay = |reduction: f64| RegionReplay {
        experiment,
        source: &source,
        reduction,
        draws: args.draws,
        seed,
    };
    let of = |reduction: f64, what: &'static str| {
        let progress = ui.progress_to(what, args.replicates);
        let tallies = replay(reduction).run(args.replicates, &|done| progress.tick(done))?;
        progress.done();
        Ok::<_, Error>(tallies)
    };
    let none = of(0.0, "pilots without effect")?;
    let with = match scenario.reduction {
        0.0 => None,
        reduction => Some(of(reduction, "pilots with the effect")?),
    };
    let plan = experiment.assignment.schedule.as_ref();
    let (regions, blocks) = (
        plan.map_or(0, |s| s.regions.len()) as u64,
        experiment.blocks().len() as u64,
    );
    let about = About {
        experiment: opened.pilot.name(),
        plan_sha256: &opened.plan.sha256,
        source: words,
        customers: regions * blocks,
        arms: experiment.arms.len(),
        replicates: args.replicates,
        seed,
        alpha: experiment.analysis.alpha,
        draws: args.draws,
        mean: replay(0.0).rate()?,
        looks: None,
    };
    let shown = summary(about, scenario, &none, with.as_ref());
    Ok(Summary {
        regions: Some(regions),
        blocks: Some(blocks),
        ..shown
    })
}

/// Where regions come from, and the same in words.
fn source(args: &Args, opened: &Opened, g: &Global, ui: &Ui) -> Result<(RegionSource, String)> {
    let experiment = opened.experiment();
    let from = args.from.as_deref();
    if from == Some("plan") || from.is_none() && args.rate.is_some() {
        return of_plan(args, opened);
    }
    let known = match &experiment.data {
        None => false,
        Some(_) => engine::inputs(experiment, opened.pilot.workspace().root()).is_ok(),
    };
    let past = match known || from.is_some() && experiment.data.is_some() {
        true => past(opened, g, ui)?,
        false => None,
    };
    match (past, from) {
        (Some(past), _) => {
            let blocks = number::count(past.number() as u64);
            let words = text!("simulation-source.regions-before", blocks);
            Ok((RegionSource::Past(past), words))
        }
        (None, Some(_)) => Err(Error::data(
            "the data hold too few whole blocks of all regions before the test",
        )
        .key("--from")
        .hint("at least 4 are needed, and 2 that begin on each weekday on which blocks begin; --from plan takes assumptions")),
        (None, None) => of_plan(args, opened),
    }
}

/// What the plan's head or the flags say.
fn of_plan(args: &Args, opened: &Opened) -> Result<(RegionSource, String)> {
    let noted = RegionCounts::read(&opened.plan.text);
    let missing = |key: &str| {
        Error::usage("neither data from before the test nor the plan say how often customers of a region contact")
            .key(key.to_string())
            .hint("for example --rate 0.08 --dispersion 1.2 --icc 0.01 --customers-per-block 2000: by customer and block")
    };
    let or_noted = |flag: Option<f64>, noted: Option<f64>| {
        // Another rate is of other customers.
        flag.or(noted.filter(|_| args.rate.is_none()))
    };
    let noted_as = |of: fn(&RegionCounts) -> f64| noted.as_ref().map(of);
    let rate = args.rate.or(noted_as(|n| n.rate));
    let customers = args
        .regions
        .customers_per_block
        .or(noted_as(|n| n.customers));
    let counts = RegionCounts {
        rate: rate.ok_or_else(|| missing("--rate"))?,
        customers: customers.ok_or_else(|| missing("--customers-per-block"))?,
        dispersion: or_noted(args.dispersion, noted_as(|n| n.dispersion)).unwrap_or(0.0),
        icc: or_noted(args.clusters.icc, noted_as(|n| n.icc)).unwrap_or(0.0),
        autocorrelation: or_noted(
            args.regions.autocorrelation,
            noted_as(|n| n.autocorrelation),
        )
        .unwrap_or(0.8),
    };
    let words = text!(
        "simulation-source.regions-plan",
        customers = number::general(counts.customers),
        contacts = number::general(counts.rate),
        dispersion = number::general(counts.dispersion),
        icc = number::general(counts.icc),
        autocorrelation = number::general(counts.autocorrelation)
    );
    Ok((RegionSource::Law(counts), words))
}

/// The blocks before the test, read as if they were one; their arms are thrown away.
fn past(opened: &Opened, g: &Global, ui: &Ui) -> Result<Option<PastBlocks>> {
    let experiment = opened.experiment();
    let Some(past) = before(experiment) else {
        return Ok(None);
    };
    let drawn =
        schedule::draw(&past).ok_or_else(|| Error::internal("a plan without a schedule"))?;
    let failed = |e: &std::io::Error| Error::io("make a file in", &std::env::temp_dir(), e);
    let mut file = tempfile::Builder::new()
        .prefix("pilot-simulate-")
        .suffix(".csv")
        .tempfile()
        .map_err(|e| failed(&e))?;
    schedule::write(&past, &drawn, &mut file).map_err(|e| failed(&e))?;
    let path: &Path = file.path();
    let progress = ui.progress("reading");
    let tick = pilot::ticking(&progress);
    let root = opened.pilot.workspace().root();
    let request = engine::Request {
        assignment: Some(path),
        ..pilot::scanning(&past, root, g, &tick)
    };
    let evidence = engine::scan(&request)?.evidence;
    let outcome = &experiment.primary_outcome().name;
    let found = evidence.outcomes.iter().find(|o| &o.outcome == outcome);
    let weekdays = past.blocks();
    let weekdays = weekdays.iter().map(|(first, _)| first.weekday());
    let weekdays: Vec<i8> = weekdays.map(|d| d.to_monday_zero_offset()).collect();
    let log = matches!(experiment.data, Some(Data::RegionLog { .. }));
    let panel = found.and_then(|o| o.panel.as_ref());
    Ok(panel.and_then(|panel| PastBlocks::new(panel, &weekdays, experiment, log)))
}

/// The plan moved back, so that its last block ends on the day before the test.
fn before(e: &Experiment) -> Option<Experiment> {
    let mut past = e.clone();
    let own = past.assignment.schedule.as_mut()?;
    let most = MOST_CELLS / own.regions.len().max(1);
    let blocks = (2 * e.blocks().len()).max(PAST_BLOCKS).min(most);
    *own = SchedulePlan {
        // The draw of a switchback takes any number of blocks.
        design: ScheduleKind::Switchback,
        ..own.clone()
    };
    let days = i64::from(own.block_days) * blocks as i64;
    let periods = past.periods.as_mut()?;
    let Windows::Fixed { after, .. } = &mut periods.windows else {
        return None;
    };
    let back = |days: i64| after.0.checked_sub(Span::new().try_days(days).ok()?).ok();
    *after = (back(days)?, back(1)?);
    Some(past)
}
