//! `pilot design`: a new plan, and how many customers it needs.

mod ask;
mod fill;

use std::io::IsTerminal;

use rand::RngExt;

use crate::error::{Error, Result};
use crate::experiment::{self, Design, Experiment, template};
use crate::workspace::write_new;

use super::Global;
use super::defaults::Defaults;
use super::design_schedule::{self, RegionArgs};
use super::design_second;
use super::look_args::LookArgs;
use super::pilot;
use super::power_schedule;
use super::size::{answer_lines, chart_files, write_chart};
use super::sizing::{self, Sought};
use super::ui::Ui;

use ask::figure;
pub use fill::dates;
use fill::{arms, fill};

/// Write a new plan by flags, or by questions at a terminal, and say how many customers it needs.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  pilot design fee-questions\n  pilot design fee-questions --arms control,tip-sheet,video --rate 0.6 --dispersion 1.2 \\\n      --reduction 0.2 --before 2026-08-01..2026-09-30 --after 2026-10-01..2026-11-30\n  pilot design fee-questions --history data/last-year.csv --reduction 0.2 --chart power\n  pilot design fee-questions --rate 0.6 --dispersion 1.2 --customers 3000 --uptake 0.4\n  pilot design welcome --after-days 60 --enrol 2026-10-01..2026-12-31 --arrivals 40 --rate 0.6\n  pilot design ivr-notice --design switchback --cluster region --regions north,south,east,west --block-days 14 \\\n      --after 2026-10-05..2027-01-24 --rate 0.08 --dispersion 1.2 --icc 0.01 --customers-per-block 2000 --reduction 0.2\n  pilot design fee-questions-2 --second-stage-of fee-questions --after 2027-01-05..2027-03-06\n\nThe plan is experiments/NAME.toml; an existing one is never overwritten."
)]
pub struct Args {
    /// Name of the pilot: a-z, 0-9 and -
    pub name: String,
    /// The pilot whose second stage this is: its question, for other customers
    #[arg(long, value_name = "NAME", conflicts_with_all = ["method", "strata", "cluster", "alpha", "power", "estimand", "estimator", "looks", "information", "spending", "currency", "rate", "customers", "history", "design"])]
    second_stage_of: Option<String>,
    /// Arms, control first
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    pub arms: Vec<String>,
    /// Title for people
    #[arg(long)]
    pub title: Option<String>,
    /// The customers' problem, in words
    #[arg(long)]
    problem: Option<String>,
    /// Why customers contact: expectation, process, customer-error, employee-readiness
    #[arg(long, value_name = "CAUSE")]
    root_cause: Option<String>,
    /// Who owns the pilot
    #[arg(long)]
    owner: Option<String>,
    /// complete, hashed or existing (default: complete)
    #[arg(long)]
    method: Option<String>,
    /// Columns of the roster that form the strata
    #[arg(long, value_delimiter = ',', value_name = "COLUMN,…")]
    strata: Vec<String>,
    /// Column whose values are assigned as a whole, for example branch
    #[arg(long, value_name = "COLUMN")]
    cluster: Option<String>,
    /// Before window, inclusive
    #[arg(long, value_name = "FROM..TO")]
    pub before: Option<String>,
    /// After window, inclusive
    #[arg(long, value_name = "FROM..TO")]
    pub after: Option<String>,
    /// Days from each customer's own start on, instead of --after
    #[arg(long, value_name = "DAYS", conflicts_with_all = ["before", "after"])]
    pub after_days: Option<u32>,
    /// Days before each customer's own start, 0 for none
    #[arg(
        long,
        value_name = "DAYS",
        requires = "after_days",
        default_value_t = 0
    )]
    before_days: u32,
    /// Column of the roster with the start
    #[arg(
        long,
        value_name = "COLUMN",
        requires = "after_days",
        default_value = "joined"
    )]
    start: String,
    /// First and last day on which customers may start; with --arrivals it says how many there are
    #[arg(long, value_name = "FROM..TO", requires = "after_days")]
    pub enrol: Option<String>,
    /// Zone in which days begin (default: UTC)
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// The arm site-top-questions is shown after log-in, so each customer can have their own
    #[arg(long)]
    after_login: bool,
    /// Error rate (default: 0.05)
    #[arg(long)]
    alpha: Option<f64>,
    /// Power (default: 0.8)
    #[arg(long)]
    power: Option<f64>,
    /// What is estimated: difference or ratio (default: difference)
    #[arg(long, value_name = "WORD")]
    estimand: Option<String>,
    /// The estimator that decides (default: by clusters, before window and estimand)
    #[arg(long, value_name = "NAME")]
    estimator: Option<String>,
    #[command(flatten)]
    pub size: sizing::SizeArgs,
    #[command(flatten)]
    regions: RegionArgs,
    #[command(flatten)]
    looks: LookArgs,
    /// Currency of a business case, ISO 4217
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
    /// Variable cost of a contact, saved in full
    #[arg(long, value_name = "MONEY", requires = "currency")]
    cost_variable: Option<f64>,
    /// Labour cost of a contact, saved as far as it becomes cash
    #[arg(long, value_name = "MONEY", requires = "currency")]
    cost_labour: Option<f64>,
    /// Customers at roll-out
    #[arg(long, value_name = "N", requires = "currency")]
    units_at_rollout: Option<f64>,
    /// Seed of every draw (default: drawn now)
    #[arg(long)]
    pub seed: Option<u64>,
}

/// Runs the command.
pub fn run(args: &Args, g: &Global, ui: &Ui) -> Result<()> {
    if let Some(first) = &args.second_stage_of {
        return design_second::run(args, first, g, ui);
    }
    let workspace = pilot::workspace(g)?;
    let place = workspace.pilot(&args.name)?.plan_path();
    if place.exists() {
        return Err(Error::workspace("there is a plan of this name already")
            .file(&place)
            .hint("choose another name, or edit the plan; nothing is overwritten"));
    }
    let asks = std::io::stdin().is_terminal() && std::io::stderr().is_terminal() && !ui.json;
    let arms = arms(args, asks)?;
    let borrowed: Vec<&str> = arms.iter().map(String::as_str).collect();
    let seed = args.seed.unwrap_or_else(drawn_seed);
    let mut design = Design::new(&args.name, seed, &borrowed).map_err(|e| {
        // The plan that it names is not written yet: the arms are what the user can mend.
        Error::usage(e.message())
            .key("--arms")
            .hint("for example --arms control,tip-sheet,video: control first, each name once")
    })?;
    name_interventions(&mut design.experiment);
    reaches_everyone(&design.experiment, args)?;
    let defaults = Defaults::read(&workspace)?;
    defaults.apply(&mut design, &place)?;
    fill(&mut design.experiment, args, &defaults, asks)?;
    let baseline = args.size.baseline(workspace.root())?;
    let rate = figure(
        "Contacts per customer in the after window without the intervention (empty: not known)",
        args.size.rate,
        asks && args.size.history.is_none(),
    )?;
    let reduction = figure(
        "Reduction worth finding, for example 0.2 for 20 %",
        args.size.reduction,
        asks && (rate.is_some() || baseline.is_some()),
    )?;
    let sought = Sought { rate, reduction };
    let size = match args.regions.given() {
        true => None,
        false => args
            .size
            .answer(&sought, &design.experiment, baseline.as_ref())?,
    };
    if size.is_some()
        && let Some(warning) = args.size.of_individuals(&design.experiment)
    {
        ui.warn(warning);
    }
    let notes = sizing::notes(baseline.as_ref(), sought.rate, size.as_ref());
    design.notes.extend(notes);
    if args.regions.given() {
        // The rules of a schedule are the reader's: what breaks them has no size.
        experiment::parse(&template(&design), &place)?;
    }
    let regions = args.regions.size(&sought, &args.size, &design.experiment)?;
    if let Some((counts, size)) = &regions {
        design.notes.extend(design_schedule::notes(counts, size));
    }
    let charts = match (&args.size.chart, &size) {
        (Some(file), Some(_)) => chart_files(file)?,
        _ => Vec::new(),
    };
    let text = template(&design);
    let plan = experiment::parse(&text, &place)?;
    if g.dry_run {
        ui.say(&text)?;
    } else {
        write_new(&place, text.as_bytes())?;
    }
    if let (false, Some((question, answer))) = (g.dry_run, &size) {
        write_chart(question, answer, &charts, ui)?;
    }
    if ui.json {
        return ui.document(&serde_json::json!({
            "plan": place, "seed": seed, "plan_sha256": plan.sha256,
            "size": size.as_ref().map(|s| &s.1),
            "schedule": regions.as_ref().map(|r| r.1.document()),
        }));
    }
    if !g.dry_run {
        ui.say(format!("wrote {}", place.display()))?;
    }
    for line in regions.iter().flat_map(|r| power_schedule::lines(&r.1)) {
        ui.say(line)?;
    }
    match &size {
        _ if regions.is_some() => {}
        None if args.regions.given() => ui.note(
            "note: give --rate, --customers-per-block, and --dispersion and --icc where they are known, to learn the power",
        ),
        Some((question, answer)) => {
            for line in answer_lines(question, answer) {
                ui.say(line)?;
            }
            for line in sizing::remarks(&plan.experiment, question, answer) {
                ui.say(line)?;
            }
        }
        None => ui.note(
            "note: give --rate (or --history) and --reduction, or --customers, to learn the size",
        ),
    }
    for w in experiment::warnings(&plan.experiment) {
        ui.warn(w.message);
    }
    ui.next(format!(
        "name the data in the plan, then pilot check {}",
        args.name
    ))
}

/// An arm that is called as an intervention of the catalogue gets it.
fn name_interventions(e: &mut Experiment) {
    for arm in e.arms.iter_mut().filter(|a| !a.control) {
        let known = experiment::INTERVENTIONS.iter();
        arm.interventions
            .extend(known.filter(|i| i.name == arm.name).map(|i| i.name.into()));
    }
}

/// A public page reaches the customers of every arm.
fn reaches_everyone(e: &Experiment, args: &Args) -> Result<()> {
    let page = e.arms.iter().find(|a| {
        let public = |i: &String| i == experiment::SITE_TOP_QUESTIONS;
        a.interventions.iter().any(public)
    });
    match page {
        Some(arm) if !args.after_login && args.cluster.is_none() && !args.regions.given() => Err(Error::usage(format!(
            "\"{}\" reaches every customer, so customers cannot be randomised to it",
            arm.name
        ))
        .key("--arms")
        .hint("add --after-login if only logged-in customers of this arm see the page; else let whole regions switch or cross, --design switchback or stepped-wedge (`pilot explain switchback`), or assign whole regions for the whole time: --cluster COLUMN")),
        None if args.after_login => Err(Error::usage(format!(
            "no arm is called \"{}\"",
            experiment::SITE_TOP_QUESTIONS
        ))
        .key("--after-login")
        .hint("take it out")),
        _ => Ok(()),
    }
}

/// A seed that no one chose. 53 bits, so that every JSON reader keeps it.
#[allow(clippy::disallowed_methods)] // the one draw that must differ from run to run
pub fn drawn_seed() -> u64 {
    rand::rng().random_range(0..1 << 53)
}
