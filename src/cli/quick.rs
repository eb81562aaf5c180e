//! `pilot quick`: one counts file, no plan.

use std::path::PathBuf;

use serde::Serialize;

use crate::analysis::{self, EstimateRow, Phase, Shown};
use crate::engine::{self, Guess};
use crate::error::Result;
use crate::experiment::{
    CountsExposure, CountsFile, Data, Design, Experiment, Method, OutcomeKind, template,
};
use crate::number::{count, p_value, percent};
use crate::report::text::plain;
use crate::stats::Estimand;
use crate::workspace::{check_name, write_new};

use super::Global;
use super::pilot::{self, here};
use super::ui::Ui;

/// One counts file, no plan: guesses the columns, shows the guess, the effect and a chart.
///
/// The result is exploratory: nothing was decided before the data were seen.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  pilot quick counts.csv --control control\n  pilot quick counts.csv --control 0 --draft fee-questions   writes a plan to go on with"
)]
pub struct Args {
    /// A CSV file with a row a customer
    file: PathBuf,
    /// The value that marks the control arm
    #[arg(long, value_name = "NAME")]
    control: String,
    /// What the column of exposure counts (default: what its name says, else days)
    #[arg(long, value_name = "UNIT", value_parser = ["day", "week", "month"])]
    exposure_unit: Option<String>,
    /// Write a draft plan of this name into the workspace
    #[arg(long, value_name = "NAME")]
    draft: Option<String>,
}

#[derive(Serialize)]
struct Found<'a> {
    banner: &'static str,
    guess: GuessShown<'a>,
    customers_by_arm: Vec<u64>,
    arms: Vec<&'a str>,
    estimates: &'a [EstimateRow],
}

#[derive(Serialize)]
struct GuessShown<'a> {
    delimiter: char,
    unit: Option<&'a str>,
    arm: &'a str,
    after: &'a str,
    before: Option<&'a str>,
    exposure: Option<&'a str>,
    exposure_unit: Option<&'static str>,
}

const BANNER: &str = "EXPLORATORY: nothing was decided before the data were seen";

/// Runs the command.
pub fn run(args: &Args, g: &Global, ui: &Ui) -> Result<()> {
    let here = here()?;
    let path = args.file.to_string_lossy();
    let guess = engine::guess(&here, &path, &args.control)?;
    let name = args.draft.as_deref().unwrap_or("quick");
    check_name(name)?;
    let unit = guess
        .exposure
        .as_deref()
        .map(|column| match &args.exposure_unit {
            Some(named) => unit_of(named),
            None => unit_of(column),
        });
    let experiment = plan(name, &guess, &args.control, &path, unit)?;
    let progress = ui.progress("reading");
    let tick = pilot::ticking(&progress);
    let request = pilot::scanning(&experiment, &here, g, &tick);
    let scan = engine::scan(&request)?;
    progress.done();
    let analysis = analysis::analyze(&experiment, &scan.evidence, Phase::Ended)?;
    let decides: Vec<EstimateRow> = analysis
        .estimates
        .iter()
        .filter(|e| e.primary)
        .cloned()
        .collect();
    let shown = Found {
        banner: BANNER,
        guess: GuessShown {
            delimiter: guess.delimiter as char,
            unit: guess.unit.as_deref(),
            arm: &guess.arm,
            after: &guess.after,
            before: guess.before.as_deref().or_else(|| {
                // A column of this name is the before value without being named.
                let tables = &scan.evidence.outcomes;
                tables
                    .iter()
                    .any(|o| o.table.has_before())
                    .then_some("before")
            }),
            exposure: guess.exposure.as_deref(),
            exposure_unit: unit.map(word_of),
        },
        customers_by_arm: scan.evidence.audit.customers_by_arm.clone(),
        arms: experiment.arms.iter().map(|a| a.title.as_str()).collect(),
        estimates: &decides,
    };
    if ui.json {
        ui.document(&shown)?;
    } else {
        tell(&shown, &experiment, ui)?;
    }
    if let Some(name) = &args.draft {
        return draft(name, experiment, g, ui);
    }
    let unit = match &args.exposure_unit {
        Some(unit) => format!(" --exposure-unit {unit}"),
        None => String::new(),
    };
    ui.next(format!(
        "pilot quick {} --control {}{unit} --draft NAME writes a plan, so that the next pilot is decided before its data are seen",
        shell_word(&path),
        shell_word(&args.control)
    ))
}

/// A word as a shell takes it.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '/' | '-' | '_');
    if !text.is_empty() && text.chars().all(plain) {
        text.into()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// Arm names of the file as names of a plan: lower case, other characters as "-".
fn arm_name(value: &str, index: usize) -> String {
    let name: String = value
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let name = name.trim_matches('-').to_string();
    if name.is_empty() {
        format!("arm-{}", index + 1)
    } else {
        name.chars().take(64).collect()
    }
}

/// The unit of time in the name of a column, days where it has none.
fn unit_of(name: &str) -> CountsExposure {
    let name = name.to_lowercase();
    match (name.contains("month"), name.contains("week")) {
        (true, _) => CountsExposure::Month,
        (_, true) => CountsExposure::Week,
        _ => CountsExposure::Day,
    }
}

fn word_of(unit: CountsExposure) -> &'static str {
    match unit {
        CountsExposure::Month => "month",
        CountsExposure::Week => "week",
        CountsExposure::Day => "day",
        CountsExposure::Window => "window",
    }
}

fn plan(
    name: &str,
    guess: &Guess,
    control: &str,
    path: &str,
    unit: Option<CountsExposure>,
) -> Result<Experiment> {
    let mut values: Vec<&String> = guess.arms.iter().collect();
    values.sort_by_key(|v| v.as_str() != control);
    let mut names: Vec<String> = Vec::new();
    for (i, v) in values.iter().enumerate() {
        let mut n = arm_name(v, i);
        while names.contains(&n) {
            n = format!("{}-{}", n.chars().take(60).collect::<String>(), i + 1);
        }
        names.push(n);
    }
    let borrowed: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut e = Design::new(name, 1, &borrowed)?.experiment;
    e.assignment.method = Method::Existing;
    for (arm, value) in e.arms.iter_mut().zip(&values) {
        arm.title = (*value).clone();
        arm.weight = None;
    }
    e.data = Some(Data::Counts(CountsFile {
        format: engine::plain_format(path, guess.delimiter),
        unit: guess.unit.clone(),
        arm: Some(guess.arm.clone()),
        arm_values: values
            .iter()
            .enumerate()
            .map(|(i, v)| ((*v).clone(), i))
            .collect(),
        exposure: guess.exposure.clone(),
        before_exposure: None,
        cluster: None,
        uptake: None,
        exposure_unit: unit.unwrap_or(CountsExposure::Window),
    }));
    let outcome = &mut e.outcomes[0];
    outcome.after = guess.after.clone();
    outcome.before = guess.before.clone();
    outcome.kind = match (guess.yes_no, guess.fractional) {
        (true, _) => OutcomeKind::Proportion,
        (_, true) => OutcomeKind::Mean,
        _ => OutcomeKind::Count,
    };
    e.analysis.estimator = None;
    Ok(e)
}

fn tell(shown: &Found<'_>, experiment: &Experiment, ui: &Ui) -> Result<()> {
    let g = &shown.guess;
    ui.say(shown.banner)?;
    let exposure = match (g.exposure, g.exposure_unit) {
        (Some(column), Some(unit)) => format!("{column} (in {unit}s; else say --exposure-unit)"),
        _ => "none".into(),
    };
    ui.say(format!(
        "Guess: arm = {}, after = {}, before = {}, customer = {}, exposure = {exposure}, delimiter = '{}'",
        g.arm,
        g.after,
        g.before.unwrap_or("none"),
        g.unit.unwrap_or("none"),
        g.delimiter.escape_default()
    ))?;
    for (arm, n) in shown.arms.iter().zip(&shown.customers_by_arm) {
        ui.say(format!(
            "  {:<24} {:>12} customers",
            arm.escape_debug().to_string(),
            count(*n)
        ))?;
    }
    for e in shown.estimates {
        ui.say(effect(e, experiment))?;
    }
    ui.say(chart(shown.estimates, ui.width))
}

fn effect(e: &EstimateRow, experiment: &Experiment) -> String {
    let arm = experiment
        .arms
        .iter()
        .find(|a| a.name == e.arm)
        .map_or(e.arm.as_str(), |a| &a.title);
    let shown = Shown::of(e);
    let interval = match (shown.lower, shown.upper) {
        (Some(l), Some(u)) => format!(
            " ({} interval {} to {})",
            percent(e.level),
            shown.change(l),
            shown.change(u)
        ),
        _ => String::new(),
    };
    let p = e
        .p_adjusted
        .or(e.p_value)
        .map_or(String::new(), |p| format!(", {}", p_value(p)));
    format!(
        "{}: {}{interval}{p} ({})",
        plain(arm),
        plain(&shown.difference()),
        e.estimator
    )
}

/// Intervals as bars of text, the null effect marked.
fn chart(estimates: &[EstimateRow], width: usize) -> String {
    let null = |e: &EstimateRow| match e.estimand {
        Estimand::Difference => 0.0,
        Estimand::Ratio => 1.0,
        Estimand::Probability => 0.5,
    };
    let ends = |e: &EstimateRow| (e.ci_lower.unwrap_or(e.value), e.ci_upper.unwrap_or(e.value));
    let low = estimates
        .iter()
        .map(|e| ends(e).0.min(null(e)))
        .fold(f64::INFINITY, f64::min);
    let high = estimates
        .iter()
        .map(|e| ends(e).1.max(null(e)))
        .fold(f64::NEG_INFINITY, f64::max);
    if high.is_nan() || low.is_nan() || high <= low {
        return String::new();
    }
    let columns = width.saturating_sub(28).clamp(20, 60);
    let at = |v: f64| (((v - low) / (high - low)) * (columns - 1) as f64).round() as usize;
    let mut out = String::new();
    for e in estimates {
        let mut bar = vec![' '; columns];
        let (l, u) = ends(e);
        bar[at(l)..=at(u)].fill('─');
        bar[at(null(e))] = '│';
        bar[at(e.value)] = '●';
        out.push_str(&format!(
            "  {:<22} {}\n",
            e.arm.chars().take(22).collect::<String>(),
            bar.iter().collect::<String>()
        ));
    }
    out.push_str("  (│ no effect, ● estimate, ─ interval)");
    out
}

fn draft(name: &str, mut experiment: Experiment, g: &Global, ui: &Ui) -> Result<()> {
    let workspace = pilot::workspace(g)?;
    experiment.analysis.estimator = Some("welch".into());
    let text = template(&Design {
        experiment,
        notes: vec!["Drafted by `pilot quick`; read every key before you approve it.".into()],
    });
    let path = workspace.pilot(name)?.plan_path();
    if g.dry_run {
        ui.say(format!("would write {}", path.display()))?;
        return ui.next("the same without --dry-run");
    }
    write_new(&path, text.as_bytes())?;
    ui.say(format!("wrote {}", path.display()))?;
    ui.next(format!("pilot show {name}"))
}
