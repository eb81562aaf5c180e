//! `pilot simulate`: the plan, replayed on simulated customers.

use std::path::PathBuf;

use jiff::civil::Date;

use crate::analysis::before_windows;
use crate::assign::Scheme;
use crate::engine;
use crate::error::{Error, Result};
use crate::experiment::{BeforeKind, Experiment, Method, OutcomeKind, Windows};
use crate::number;
use crate::planning::Sizing;
use crate::planning::simulate::{
    About, NegativeBinomial, Population, Replay, Scenario, Summary, summary,
};
use crate::report;
use crate::table::{ArmId, Evidence};
use crate::workspace::{Staged, swap_folder};

use super::Global;
use super::document::{complete_until, planned_end};
use super::pilot::{self, Opened};
use super::ui::{Progress, Steps, Ui};
use super::{analyze, assign};

/// Replay the plan and its analysis on simulated customers.
///
/// For each estimator: how often it finds an effect where there is none (false positives), how
/// often it finds the effect (power), how often its interval holds the truth (coverage), and how
/// far off it is on average (bias), each with its Monte-Carlo standard error.
#[derive(Debug, clap::Args)]
#[command(
    allow_negative_numbers = true,
    after_help = "Examples:\n  pilot simulate fee-questions                    no effect: false positives and coverage\n  pilot simulate fee-questions --effect 0.1       and with 10 % fewer contacts: power\n  pilot simulate fee-questions --zero-inflation 0.3 --heavy-tail 2.5\n  pilot simulate fee-questions --rate 0.6 --dispersion 1.2 --customers 4000 --effect 0.2\n\nCustomers are drawn from the pilot's own: counts before where there are any (--from before), control's\ncounts once the test period is over (--from control), or the plan's negative binomial (--from plan).\nNothing is written, but with --out DIR the table (CSV), the chart (SVG, PNG) and all of it as JSON."
)]
pub struct Args {
    /// A pilot's name, or a path to its plan
    name: String,
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
    /// Looks at the data, the last at the end
    #[arg(long, value_name = "K")]
    looks: Option<u32>,
    /// Simulated pilots of each kind: without effect, and with it
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = clap::value_parser!(u64).range(2..=10_000_000))]
    replicates: u64,
    /// Draws of each permutation test and bootstrap
    #[arg(long, default_value_t = 499, value_name = "B")]
    draws: u32,
    /// Seed of every draw (default: the plan's)
    #[arg(long)]
    seed: Option<u64>,
    /// Where customers come from: before, control or plan (default: the first that there is)
    #[arg(long, value_name = "SOURCE", value_parser = ["before", "control", "plan"])]
    from: Option<String>,
    /// Customers in each simulated pilot (default: as many as the pilot has or was sized for)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(4..=100_000_000))]
    customers: Option<u64>,
    /// Contacts per customer in the after window (default: what `design` wrote in the plan)
    #[arg(long, value_name = "CONTACTS")]
    rate: Option<f64>,
    /// NB2 dispersion: variance = mean + dispersion × mean²
    #[arg(long, value_name = "PHI", requires = "rate")]
    dispersion: Option<f64>,
    /// Correlation of a customer's contacts before and after (default: what `design` wrote, or as
    /// if her rate stayed)
    #[arg(long, value_name = "RHO")]
    correlation: Option<f64>,
    /// Write table, chart and JSON to this new folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Where customers come from, in words.
struct Source {
    population: Population,
    words: String,
}

/// Runs the command.
pub fn run(args: &Args, g: &Global, ui: &Ui) -> Result<()> {
    let opened = pilot::open(&args.name, g)?;
    let experiment = opened.experiment();
    if args.looks.is_some() {
        return Err(Error::not_yet_built("--looks K").key("--looks"));
    }
    if let Some(schedule) = &experiment.assignment.schedule {
        return Err(Error::not_yet_built(format!(
            "the simulation of a {}",
            schedule.design.name()
        ))
        .key("assignment.design")
        .hint("the simulation draws customers, and regions and blocks of days get the arms here; `pilot power --design` gives size and power"));
    }
    if experiment.cluster_column().is_some() {
        return Err(
            Error::not_yet_built("the simulation of whole clusters").key("assignment.cluster")
        );
    }
    let scenario = Scenario {
        reduction: args.effect.unwrap_or(0.0),
        zero_inflation: args.zero_inflation,
        heavy_tail: args.heavy_tail,
        attrition: args.attrition,
        uptake: None,
    };
    scenario.check()?;
    if let Some(dir) = &args.out {
        analyze::check_out(dir)?;
    }
    if g.dry_run {
        return dry_run(args, &opened, ui);
    }
    let mut source = source(args, &opened, g, ui)?;
    if let Some(n) = args.customers {
        source.population = source.population.resized(n);
    }
    let shown = replay(args, &opened, &source, &scenario, ui)?;
    if let Some(dir) = &args.out {
        write(dir, &shown)?;
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
    let of = |scenario: &Scenario, progress: &Progress| {
        let replay = Replay {
            experiment,
            population: &source.population,
            scenario,
            draws: args.draws,
            seed,
        };
        replay.run(0, args.replicates, &|done| progress.tick(done))
    };
    let none = Scenario {
        reduction: 0.0,
        ..*scenario
    };
    let progress = ui.progress_to("pilots without effect", args.replicates);
    let without = of(&none, &progress)?;
    progress.done();
    let with = match args.effect {
        None | Some(0.0) => None,
        Some(_) => {
            let progress = ui.progress_to("pilots with the effect", args.replicates);
            let with = of(scenario, &progress)?;
            progress.done();
            Some(with)
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
    };
    Ok(summary(about, scenario, &without, with.as_ref()))
}

fn write(dir: &std::path::Path, shown: &Summary) -> Result<()> {
    let target = std::path::absolute(dir).map_err(|e| Error::io("find", dir, &e))?;
    let mut staged = Staged::begin(&target)?;
    for file in report::simulation(shown)? {
        staged.write(&file.name, &file.bytes)?;
    }
    swap_folder(staged, &target)
}

/// The customers asked for, or else the first that there are: before, control, plan.
fn source(args: &Args, opened: &Opened, g: &Global, ui: &Ui) -> Result<Source> {
    let experiment = opened.experiment();
    let outcome = experiment.primary_outcome();
    let from = args.from.as_deref();
    if from == Some("plan") || from.is_none() && args.rate.is_some() {
        return of_plan(args, opened);
    }
    let counted = outcome.kind == OutcomeKind::Count && outcome.before_kind == BeforeKind::Count;
    let no_before = "the outcome has no count before: it is a mean or a share, or the value before is a covariate";
    if from == Some("before") && !counted {
        return Err(Error::usage(no_before).key("--from").hint(
            "--from control, once the test period is over, draws control's customers as they were",
        ));
    }
    if experiment.data.is_none() {
        return match from {
            None => of_plan(args, opened),
            Some(_) => Err(Error::workspace("the plan names no data yet")
                .key("--from")
                .hint("--from plan, with --rate where the plan does not say it")),
        };
    }
    let evidence = evidence(opened, g, ui)?;
    let found = evidence.outcomes.iter().find(|o| o.outcome == outcome.name);
    let table = &found
        .ok_or_else(|| Error::workspace(format!("the data hold no outcome \"{}\"", outcome.name)))?
        .table;
    let customers = |what: &str| format!("customers drawn from the pilot's own, {what}");
    if from != Some("control") && counted && table.has_before() {
        let windows = before_windows(experiment, table);
        let sized = Sizing::read(&opened.plan.text).correlation;
        let population = Population::of_before(table, windows, args.correlation.or(sized))?;
        let correlation = population.correlation().map_or(String::new(), |r| {
            format!(" (correlation with counts after {r:.2})")
        });
        return Ok(Source {
            population,
            words: customers(&format!("by their counts before{correlation}")),
        });
    }
    if from == Some("before") {
        return Err(Error::data("no customer has a count before").key("--from"));
    }
    if !ended(experiment, &evidence, pilot::today(experiment)) {
        return match from {
            Some(_) => Err(Error::usage("the test period is not over")
                .key("--from")
                .hint("nothing by arm is used before; --from before or --from plan")),
            None => of_plan(args, opened),
        };
    }
    Ok(Source {
        population: Population::of_arm(table, ArmId(experiment.control() as u16))?,
        words: customers("as those of control were"),
    })
}

/// Whether arms may be told apart yet, as `analyze` has it.
fn ended(experiment: &Experiment, evidence: &Evidence, today: Date) -> bool {
    planned_end(experiment, evidence).is_none_or(|end| {
        today > end && complete_until(experiment).is_none_or(|complete| complete >= end)
    })
}

fn of_plan(args: &Args, opened: &Opened) -> Result<Source> {
    let experiment = opened.experiment();
    if experiment.primary_outcome().kind != OutcomeKind::Count {
        return Err(Error::usage(
            "negative binomial customers have counts, and the outcome is none",
        )
        .key("--from")
        .hint("once the test period is over, --from control draws control's customers"));
    }
    let sizing = Sizing::read(&opened.plan.text);
    let rate = args.rate.or(sizing.rate).ok_or_else(|| {
        Error::usage("neither data nor plan say how often customers contact")
            .key("--rate")
            .hint("for example --rate 0.6 --dispersion 1.2 --customers 4000")
    })?;
    let customers = args.customers.or(sizing.customers).ok_or_else(|| {
        Error::usage("the plan does not say how many customers it is for")
            .key("--customers")
            .hint("for example --customers 4000")
    })?;
    let given = args.rate.is_some();
    let or_sized = |flag: Option<f64>, sized: Option<f64>| flag.or(sized.filter(|_| !given));
    let (before_days, after_days) = days(experiment);
    let law = NegativeBinomial {
        rate,
        dispersion: or_sized(args.dispersion, sizing.dispersion).unwrap_or(0.0),
        correlation: or_sized(args.correlation, sizing.correlation),
        before_days,
        after_days: after_days.unwrap_or(1),
    };
    let words = format!(
        "negative binomial customers with {} contacts each, dispersion {}{}",
        number::general(law.rate),
        number::general(law.dispersion),
        if law.before_days.is_none() {
            ", without counts before"
        } else {
            ""
        }
    );
    Ok(Source {
        population: Population::negative_binomial(&law, customers)?,
        words,
    })
}

/// Days of the before and the after window, where the plan has them.
fn days(experiment: &Experiment) -> (Option<u32>, Option<u32>) {
    let length = |(first, last): (Date, Date)| {
        let days = first.until(last).ok()?.get_days() + 1;
        u32::try_from(days).ok().filter(|d| *d > 0)
    };
    match experiment.periods.as_ref().map(|p| &p.windows) {
        None => (None, None),
        Some(Windows::Fixed { before, after, .. }) => (before.and_then(length), length(*after)),
        Some(Windows::Relative {
            before_days,
            after_days,
            ..
        }) => (Some(*before_days).filter(|d| *d > 0), Some(*after_days)),
    }
}

/// The pilot's tables: of a scan with its arms, or with arms that are thrown away again.
fn evidence(opened: &Opened, g: &Global, ui: &Ui) -> Result<Evidence> {
    let progress = ui.progress("reading");
    let tick = pilot::ticking(&progress);
    let existing = opened.experiment().assignment.method == Method::Existing;
    if existing || opened.pilot.checked_assignment()?.is_some() {
        let assignment = opened.assignment()?;
        let request = opened.request(assignment.as_deref(), g, &tick);
        return Ok(engine::scan(&request)?.evidence);
    }
    let (roster, lines) = assign::roster(opened, g, ui)?;
    let line = |row: usize| lines.get(row).copied().unwrap_or(0);
    let scheme = Scheme::of(opened.experiment())?;
    let dealt = match opened.experiment().assignment.method {
        Method::Hashed => scheme.hashed(&roster),
        _ => scheme.complete(&roster),
    };
    let dealt = dealt.map_err(|p| p.at(line))?;
    let arms: Vec<_> = (0..roster.len()).map(|row| dealt.arm(row)).collect();
    let mut file = tempfile::Builder::new()
        .prefix("pilot-simulate-")
        .suffix(".csv")
        .tempfile()
        .map_err(|e| Error::io("make a file in", &std::env::temp_dir(), &e))?;
    assign::write_rows(opened, &roster, &arms, None, &mut file)?;
    let path = file.path().to_path_buf();
    let request = opened.request(Some(&path), g, &tick);
    Ok(engine::scan(&request)?.evidence)
}
