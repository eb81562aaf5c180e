//! `pilot simulate`: the plan, replayed on simulated customers.

use std::path::PathBuf;

use crate::engine;
use crate::error::{Error, Result};
use crate::planning::simulate::{About, Replay, Scenario, Summary, summary};
use crate::report;
use crate::workspace::{Staged, swap_folder};

use super::Global;
use super::analyze;
use super::pilot::{self, Opened};
use super::simulate_source::Source;
use super::ui::{Progress, Steps, Ui};
use super::{simulate_looks, simulate_regions, simulate_source};

/// Replay the plan and its analysis on simulated customers.
///
/// For each estimator: how often it finds an effect where there is none (false positives), how
/// often it finds the effect (power), how often its interval holds the truth (coverage), and how
/// far off it is on average (bias), each with its Monte-Carlo standard error.
#[derive(Debug, clap::Args)]
#[command(
    allow_negative_numbers = true,
    after_help = "Examples:\n  pilot simulate fee-questions                    no effect: false positives and coverage\n  pilot simulate fee-questions --effect 0.1       and with 10 % fewer contacts: power\n  pilot simulate fee-questions --zero-inflation 0.3 --heavy-tail 2.5\n  pilot simulate fee-questions --rate 0.6 --dispersion 1.2 --customers 4000 --effect 0.2\n  pilot simulate fee-questions --effect 0.1 --looks 5 --spending pocock    looking early: when does it stop?\n  pilot simulate branches --rate 0.6 --dispersion 1.2 --customers 4000 --icc 0.05 --cluster-size 40 --cluster-cv 0.7\n  pilot simulate hotline-notice --effect 0.1      a switchback or stepped wedge: regions and blocks are drawn\n\nCustomers are drawn from the pilot's own: counts before where there are any (--from before), control's\ncounts once the test period is over (--from control), or the plan's negative binomial (--from plan).\nA plan that assigns whole clusters is replayed with whole clusters; a plan with looks is looked at as it says.\nA schedule of regions is replayed with blocks from before the test, where the data have them, else by --rate, --dispersion, --icc,\n--customers-per-block and --autocorrelation or what `design` wrote of them.\nNothing is written, but with --out DIR the table (CSV), the chart (SVG, PNG) and all of it as JSON."
)]
pub struct Args {
    /// A pilot's name, or a path to its plan
    pub(super) name: String,
    /// Reduction of contacts by each treatment, 1 − treatment/control; negative: an increase
    #[arg(long, value_name = "SHARE")]
    effect: Option<f64>,
    /// Share of customers who never contact at all, on top of those who happen not to
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    zero_inflation: f64,
    /// Multiply every customer's rate by a Pareto factor of mean 1 with this tail index
    #[arg(long, value_name = "ALPHA")]
    heavy_tail: Option<f64>,
    /// Share of customers whose outcome will be missing
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    attrition: f64,
    #[command(flatten)]
    pub(super) looks: simulate_looks::LookArgs,
    /// Simulated pilots of each kind: without effect, and with it
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = clap::value_parser!(u64).range(2..=10_000_000))]
    pub(super) replicates: u64,
    /// Draws of each permutation test and bootstrap
    #[arg(long, default_value_t = 499, value_name = "B")]
    pub(super) draws: u32,
    /// Seed of every draw (default: the plan's)
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// Where customers come from: before, control or plan (default: the first that there is)
    #[arg(long, value_name = "SOURCE", value_parser = ["before", "control", "plan"])]
    pub(super) from: Option<String>,
    /// Customers in each simulated pilot (default: as many as the pilot has or was sized for)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(4..=100_000_000))]
    pub(super) customers: Option<u64>,
    /// Contacts per customer in the after window (default: what `design` wrote in the plan)
    #[arg(long, value_name = "CONTACTS")]
    pub(super) rate: Option<f64>,
    /// NB2 dispersion: variance = mean + dispersion × mean²
    #[arg(long, value_name = "PHI", requires = "rate")]
    pub(super) dispersion: Option<f64>,
    /// Correlation of a customer's contacts before and after (default: what `design` wrote, or as
    /// if her rate stayed)
    #[arg(long, value_name = "RHO")]
    pub(super) correlation: Option<f64>,
    #[command(flatten)]
    pub(super) clusters: simulate_source::ClusterArgs,
    #[command(flatten)]
    pub(super) regions: simulate_regions::RegionArgs,
    /// Write table, chart and JSON to this new folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &Args, g: &Global, ui: &Ui) -> Result<()> {
    let opened = pilot::open(&args.name, g)?;
    let scenario = Scenario {
        reduction: args.effect.unwrap_or(0.0),
        zero_inflation: args.zero_inflation,
        heavy_tail: args.heavy_tail,
        attrition: args.attrition,
        uptake: None,
    };
    scenario.check()?;
    let schedule = opened.experiment().assignment.schedule.is_some();
    match schedule {
        true => simulate_regions::suits(args, &scenario)?,
        false => args.regions.none()?,
    }
    if let Some(dir) = &args.out {
        analyze::check_out(dir)?;
    }
    if g.dry_run {
        return dry_run(args, &opened, ui);
    }
    let shown = match schedule {
        true => simulate_regions::replay(args, &opened, &scenario, g, ui)?,
        false => {
            let mut source = Source::new(args, &opened, g, ui)?;
            if let Some(n) = args.customers {
                source.population = source.population.resized(n);
            }
            replay(args, &opened, &source, &scenario, ui)?
        }
    };
    if let Some(dir) = &args.out {
        write(dir, &shown, ui)?;
    }
    if ui.json {
        return ui.document(&shown);
    }
    for line in report::simulation_lines(&shown) {
        ui.say(line)?;
    }
    if let Some(dir) = &args.out {
        ui.say(format!("Files: {}", dir.display()))?;
    }
    ui.next(match args.effect {
        None => format!("pilot simulate {} --effect 0.1 for the power", args.name),
        Some(_) => "pilot explain simulate explains the columns".into(),
    })
}

fn dry_run(args: &Args, opened: &Opened, ui: &Ui) -> Result<()> {
    let reads = match opened.experiment().data {
        Some(_) => engine::inputs(opened.experiment(), opened.pilot.workspace().root())?,
        None => Vec::new(),
    };
    ui.plan(&Steps {
        reads: reads.iter().map(|i| i.name.display().to_string()).collect(),
        writes: args.out.iter().map(|d| d.display().to_string()).collect(),
    })
}

fn replay(
    args: &Args,
    opened: &Opened,
    source: &Source,
    scenario: &Scenario,
    ui: &Ui,
) -> Result<Summary> {
    let experiment = opened.experiment();
    let seed = args.seed.unwrap_or(experiment.seed);
    let replay = |scenario| Replay {
        experiment,
        population: &source.population,
        scenario,
        draws: args.draws,
        seed,
    };
    let of = |replay: &Replay<'_>, progress: &Progress| {
        replay.run(0, args.replicates, &|done| progress.tick(done))
    };
    let none = Scenario {
        reduction: 0.0,
        ..*scenario
    };
    let with_effect = args.effect.is_some_and(|e| e != 0.0);
    let looks = args.looks.of(experiment, &replay(&none))?;
    let progress = ui.progress_to("pilots without effect", args.replicates);
    let without = of(&replay(&none), &progress)?;
    progress.done();
    let with = match with_effect {
        false => None,
        true => {
            let progress = ui.progress_to("pilots with the effect", args.replicates);
            let with = of(&replay(scenario), &progress)?;
            progress.done();
            Some(with)
        }
    };
    let looks = match &looks {
        None => None,
        Some(looks) => {
            let with = with_effect.then(|| replay(scenario));
            Some(looks.replay(&replay(&none), with.as_ref(), args.replicates, ui)?)
        }
    };
    let about = About {
        experiment: opened.pilot.name(),
        plan_sha256: &opened.plan.sha256,
        source: source.words.clone(),
        customers: source.population.customers(),
        arms: experiment.arms.len(),
        replicates: args.replicates,
        seed,
        alpha: experiment.analysis.alpha,
        draws: args.draws,
        mean: source.population.means().0 * (1.0 - scenario.zero_inflation),
        looks,
    };
    Ok(summary(about, scenario, &without, with.as_ref()))
}

fn write(dir: &std::path::Path, shown: &Summary, ui: &Ui) -> Result<()> {
    let target = std::path::absolute(dir).map_err(|e| Error::io("find", dir, &e))?;
    let mut staged = Staged::begin(&target)?;
    let files = report::simulation(shown)?;
    ui.boxes(&files);
    for file in files {
        staged.write(&file.name, &file.bytes)?;
    }
    swap_folder(staged, &target)
}
