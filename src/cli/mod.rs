//! The command line: one file a command, which only wires the rooms together.

mod analyze;
mod approvals;
mod approve;
mod assign;
mod assigned;
mod check;
mod clock;
mod customers;
mod defaults;
mod demo;
mod describe;
mod design;
mod design_schedule;
mod design_second;
mod disjoint;
mod document;
mod ends;
mod enlarged;
mod explain;
mod first_stage;
#[cfg(test)]
mod foreign;
mod info;
mod ingest;
mod init;
mod known;
mod look;
mod look_args;
mod mailing;
mod open;
mod page;
mod pilot;
mod power;
mod power_schedule;
mod quick;
mod re_estimate;
mod report;
mod report_fits;
mod same_question;
mod schedule;
mod sign;
mod simulate;
mod simulate_looks;
mod simulate_regions;
mod simulate_source;
mod size;
mod sizing;
mod status;
mod ui;
mod verify;
mod what_if;
mod who;

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::error::{Error, Kind, Result};
use crate::interrupt;

pub use ui::{Color, Ui};

/// Measure whether educating customers saves contacts, and whether that is worth the money.
#[derive(Debug, Parser)]
#[command(
    name = "pilot",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = "A pilot in six steps:\n  pilot init                      a workspace, with a commented example\n  pilot design fee-questions      the plan, and how many customers it needs\n  pilot approve fee-questions --role finance --by \"Ada\"\n  pilot assign fee-questions      customers into arms\n  pilot analyze fee-questions     after the test period: effect, money, decision\n  pilot demo                      all of it at once, on an example"
)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Flags that every command takes.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// Workspace folder (default: the nearest folder upwards with pilot.toml)
    #[arg(long, global = true, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// Print one JSON document, also for errors
    #[arg(long, global = true)]
    json: bool,
    /// No progress, no notes
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Say more
    #[arg(short, long, global = true)]
    verbose: bool,
    /// When to colour
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "auto",
        value_name = "WHEN"
    )]
    color: Color,
    /// Threads to use, at most 1024 (default: all cores)
    #[arg(long, global = true, value_name = "N", value_parser = threads)]
    threads: Option<NonZeroUsize>,
    /// Memory that the data engine may use, for example 4GiB
    #[arg(long, global = true, value_name = "SIZE", value_parser = bytes)]
    memory: Option<u64>,
    /// Data engine: embedded
    #[arg(long, global = true, value_name = "ENGINE")]
    engine: Option<String>,
    /// Say what would be done, and write nothing
    #[arg(long, global = true)]
    dry_run: bool,
    /// Let messages quote values of the data, which are personal
    #[arg(long, global = true)]
    show_values: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// An example, whole, in a temporary workspace
    Demo(demo::Args),
    /// One counts file, no plan: the effect at a glance (exploratory)
    Quick(quick::Args),
    /// Make a workspace
    Init(init::Args),
    /// Write a plan, and say how many customers it needs
    Design(design::Args),
    /// Sizes, power and smallest effect; no plan needed
    Power(power::Args),
    /// Check plan, files and columns, as far as things exist
    Check(check::Args),
    /// Seal the plan before data come in
    Approve(approve::Args),
    /// Put customers into arms
    Assign(assign::Args),
    /// Read the data once into numbered evidence
    Ingest(ingest::Args),
    /// Effect, checks, money, decision and all reports
    Analyze(analyze::Args),
    /// Render the reports again from the last analysis
    Report(report::Args),
    /// Sign the decision on the last analysis
    Sign(sign::Args),
    /// Whether plan, data and reports are what the ledger says
    Verify(verify::Args),
    /// Replay plan and analysis on simulated customers: errors and power
    Simulate(simulate::Args),
    /// The plan in plain words
    Show(describe::ShowArgs),
    /// The plan against its approval
    Diff(describe::DiffArgs),
    /// All pilots, and the next step of each
    Status(status::Args),
    /// What a check, estimator or word of a report means
    Explain(explain::Args),
    /// JSON Schemas of plan and outputs
    Schema(describe::SchemaArgs),
    /// Shell completions
    Completions(describe::CompletionsArgs),
    /// The manual page
    Man,
    #[command(flatten)]
    Later(Later),
}

/// Commands that the design names and a later version builds.
#[derive(Debug, Subcommand)]
enum Later {
    #[command(hide = true)]
    Drivers(Anything),
    #[command(hide = true)]
    Sql(Anything),
    #[command(hide = true)]
    Portfolio(Anything),
    #[command(hide = true)]
    Rollout(Anything),
}

#[derive(Debug, clap::Args)]
struct Anything {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    rest: Vec<OsString>,
}

impl Later {
    fn parts(&self) -> (&'static str, &[OsString]) {
        match self {
            Later::Drivers(a) => ("pilot drivers", &a.rest),
            Later::Sql(a) => ("pilot sql", &a.rest),
            Later::Portfolio(a) => ("pilot portfolio", &a.rest),
            Later::Rollout(a) => ("pilot rollout", &a.rest),
        }
    }
}

/// More threads than any machine has cores cost memory and seconds, and win nothing.
const MOST_THREADS: usize = 1024;

fn threads(text: &str) -> Result<NonZeroUsize, String> {
    let number: usize = text
        .parse()
        .map_err(|_| "write a whole number, for example 4".to_string())?;
    match NonZeroUsize::new(number) {
        None => Err("no work is done by 0 threads; leave --threads out to use all cores".into()),
        Some(n) if number <= MOST_THREADS => Ok(n),
        Some(_) => Err(format!(
            "at most {MOST_THREADS} threads can be used; leave --threads out to use all cores"
        )),
    }
}

fn bytes(text: &str) -> Result<u64, String> {
    let at = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let number: u64 = text[..at]
        .parse()
        .map_err(|_| "write a size such as 4GiB or 512MiB".to_string())?;
    let unit: u64 = match text[at..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" | "kb" => 1 << 10,
        "m" | "mib" | "mb" => 1 << 20,
        "g" | "gib" | "gb" => 1 << 30,
        "t" | "tib" | "tb" => 1 << 40,
        _ => return Err("write a size such as 4GiB or 512MiB".into()),
    };
    number
        .checked_mul(unit)
        .ok_or_else(|| "this is more memory than there is".to_string())
}

/// The command line; a number that is none (`nan`, `inf`) is refused before anything asks what it means.
fn parse(args: &[OsString]) -> Result<Cli, clap::Error> {
    let mut command = Cli::command();
    let matches = command.try_get_matches_from_mut(args)?;
    if let Some((name, given)) = matches.subcommand() {
        for id in given.ids() {
            let Ok(Some(mut numbers)) = given.try_get_many::<f64>(id.as_str()) else {
                continue;
            };
            if let Some(odd) = numbers.find(|n| !n.is_finite()) {
                let of = command.find_subcommand(name).cloned().unwrap_or(command);
                let flag = format!("--{}", id.as_str().replace('_', "-"));
                return Err(no_number(&of, flag, odd.to_string()));
            }
        }
    }
    Cli::from_arg_matches(&matches)
}

fn no_number(command: &clap::Command, flag: String, value: String) -> clap::Error {
    let mut error = clap::Error::new(ErrorKind::ValueValidation).with_cmd(command);
    error.insert(ContextKind::InvalidArg, ContextValue::String(flag));
    error.insert(ContextKind::InvalidValue, ContextValue::String(value));
    let tip = "write a number, for example 0.2".into();
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    error
}

/// Runs the program with `args` and gives its exit code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    let cli = match parse(&args) {
        Ok(cli) => cli,
        Err(e) => return refuse(&args, &e),
    };
    let g = &cli.global;
    // A command that is not built keeps its flags to itself, --json among them.
    let later_json =
        matches!(&cli.command, Command::Later(l) if l.parts().1.iter().any(|a| a == "--json"));
    let ui = Ui::new(g.json || later_json, g.quiet, g.verbose, g.color);
    if let Some(n) = g.threads {
        // Fails only where the pool exists already, which at this point it does not.
        let _ = rayon::ThreadPoolBuilder::new()
            .num_threads(n.get())
            .build_global();
    }
    let result = clock::check()
        .and_then(|()| watch_interrupts())
        .and_then(|()| dispatch(&cli, &ui));
    match result {
        Ok(()) => 0,
        Err(e) => {
            if !e.is_shown() {
                ui.error(&e);
            }
            e.kind().exit_code()
        }
    }
}

/// How long an interrupted run may take to clean up before it is ended.
const GRACE: Duration = Duration::from_millis(800);

/// Ctrl-C asks the run to stop; one that does not notice in time is ended, and the next repairs what it left.
fn watch_interrupts() -> Result<()> {
    ctrlc::set_handler(|| {
        interrupt::request();
        std::thread::sleep(GRACE);
        std::process::exit(i32::from(Kind::Interrupted.exit_code()));
    })
    .map_err(|e| Error::internal(format!("Ctrl-C cannot be watched: {e}")))
}

fn refuse(args: &[OsString], e: &clap::Error) -> u8 {
    let informs = matches!(e.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if informs || !args.iter().any(|a| a == "--json") {
        let _ = e.print();
        return if informs { 0 } else { Kind::Usage.exit_code() };
    }
    let text = e.to_string();
    let mut message = text
        .lines()
        .next()
        .unwrap_or_default()
        .trim_start_matches("error: ")
        .to_owned();
    let hint = text
        .lines()
        .find_map(|l| l.trim().strip_prefix("tip: "))
        .unwrap_or("`pilot --help` lists commands and flags");
    let arguments = match e.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(one)) => std::slice::from_ref(one),
        Some(ContextValue::Strings(all)) => {
            message = format!("{message} {}", all.join(", "));
            all
        }
        _ => &[],
    };
    let mut error = Error::usage(message).hint(hint);
    // "--effect <SHARE>": the flag alone.
    let flag = arguments.first().and_then(|a| a.split(' ').next());
    if let Some(flag) = flag.filter(|f| f.starts_with('-')) {
        error = error.key(flag);
    }
    Ui::new(true, false, false, Color::Never).error(&error);
    Kind::Usage.exit_code()
}

fn dispatch(cli: &Cli, ui: &Ui) -> Result<()> {
    let g = &cli.global;
    if let Some(engine) = &g.engine
        && engine != "embedded"
    {
        return Err(if engine.starts_with("df://") {
            Error::not_yet_built("--engine df://host:port").key("--engine")
        } else {
            Error::usage(format!("no engine is called \"{engine}\""))
                .key("--engine")
                .hint("use --engine embedded")
        });
    }
    match &cli.command {
        Command::Demo(a) => demo::run(a, g, ui),
        Command::Quick(a) => quick::run(a, g, ui),
        Command::Init(a) => init::run(a, g, ui),
        Command::Design(a) => design::run(a, g, ui),
        Command::Power(a) => power::run(a, g, ui),
        Command::Check(a) => check::run(a, g, ui),
        Command::Approve(a) => approve::run(a, g, ui),
        Command::Assign(a) => assign::run(a, g, ui),
        Command::Ingest(a) => ingest::run(a, g, ui),
        Command::Analyze(a) => analyze::run(a, g, ui),
        Command::Report(a) => report::run(a, g, ui),
        Command::Sign(a) => sign::run(a, g, ui),
        Command::Verify(a) => verify::run(a, g, ui),
        Command::Simulate(a) => simulate::run(a, g, ui),
        Command::Show(a) => describe::show(a, g, ui),
        Command::Diff(a) => describe::diff(a, g, ui),
        Command::Status(a) => status::run(a, g, ui),
        Command::Explain(a) => explain::run(a, ui),
        Command::Schema(a) => describe::schema(a, ui),
        Command::Completions(a) => describe::completions(a, &mut Cli::command()),
        Command::Man => describe::man(Cli::command(), ui),
        Command::Later(later) => Err(Error::not_yet_built(format!("`{}`", later.parts().0))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn threads_are_as_many_as_help() {
        assert_eq!(threads("4").map(NonZeroUsize::get), Ok(4));
        assert_eq!(threads("1024").map(NonZeroUsize::get), Ok(1024));
        for odd in ["0", "1025", "99999999999999999999", "-1", "x"] {
            assert!(threads(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn sizes_are_read_with_binary_units() {
        assert_eq!(bytes("4GiB"), Ok(4 << 30));
        assert_eq!(bytes("512 MiB"), Ok(512 << 20));
        assert!(bytes("x").is_err());
        assert!(bytes("99999999999TiB").is_err());
    }
}
