//! `pilot analyze`: evidence → checks, estimates, money, decision, reports.

use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::analysis::{Boundaries, Status};
use crate::decision::VerdictKind;
use crate::error::{Error, Kind, Result};
use crate::interrupt;
use crate::report::{self, Document, RenderedFile};
use crate::workspace::{Draft, Lock, NumberedSet, Staged, kind, swap_folder};

use super::Global;
use super::document::Asked;
use super::first_stage;
use super::ingest::{self, Taken, Wanted};
use super::look::{self, Interim};
use super::open::open_file;
use super::pilot::{self, Opened, Standing};
use super::ui::{Steps, Ui};
use super::what_if::what_if;

/// Effect, checks, money, decision and all reports.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(
    after_help = "Examples:\n  pilot analyze fee-questions\n  pilot analyze fee-questions --json --no-report > analysis.json\n  pilot analyze fee-questions --set business.cost_per_contact.variable=5   what if?\n  pilot analyze fee-questions --despite srm --because \"the mailing house lost one batch\"\n  pilot analyze fee-questions --look 1    the first of the looks that the plan names\n\nBefore the planned end only the health checks run. Every analysis of real arms is a line in the ledger. Interrupted by Ctrl-C, it leaves no analysis and no report; evidence that it had taken by then is kept."
)]
pub struct Args {
    /// A pilot's name, or a path to its plan
    name: String,
    /// The day as of which to analyse (default: today)
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub as_of: Option<Date>,
    /// Interim look K of a plan with [analysis.sequential]
    #[arg(long, value_name = "K")]
    pub look: Option<u32>,
    /// Use this numbered evidence instead of the data
    #[arg(long, value_name = "N")]
    evidence: Option<u64>,
    /// Write the reports to this new folder instead of reports/NAME/
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write no reports
    #[arg(long)]
    no_report: bool,
    /// Go on although this check stops the run; every report says so
    #[arg(long, value_name = "CHECK", requires = "because")]
    pub despite: Vec<String>,
    /// Why
    #[arg(long, value_name = "REASON", requires = "despite")]
    pub because: Option<String>,
    /// What if? KEY=VALUE of business, decision or what an arm costs; goes to a watermarked folder, never to the report
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Open the summary when done
    #[arg(long)]
    open: bool,
}

impl Args {
    /// The plain analysis of a pilot as of a day.
    pub fn of(name: &str, as_of: Date, open: bool) -> Self {
        Args {
            name: name.into(),
            as_of: Some(as_of),
            open,
            ..Args::default()
        }
    }
}

fn day(text: &str) -> Result<Date, String> {
    text.parse()
        .map_err(|_| "write a day as 2026-12-31".to_string())
}

/// Runs the command.
pub fn run(args: &Args, g: &Global, ui: &Ui) -> Result<()> {
    let opened = pilot::open(&args.name, g)?;
    if let Some(day) = args
        .as_of
        .filter(|d| *d > pilot::today(opened.experiment()))
    {
        return Err(Error::usage(format!("{day} is still to come"))
            .key("--as-of")
            .hint("nothing by arm is shown before the test period is over; name today or a day before"));
    }
    let look = look::interim(args, opened.experiment())?;
    let plan = what_if(&opened.plan, &args.set)?;
    if g.dry_run {
        return dry_run(args, &opened, ui);
    }
    if let Some(dir) = &args.out {
        check_out(dir)?;
    }
    let begun = Instant::now();
    let lock = opened.pilot.lock("analyze", Timestamp::now())?;
    pilot::report_repairs(&lock, ui);
    pilot::report_ignored(&opened.pilot, ui)?;
    let wanted = args.evidence.map_or(Wanted::Latest, Wanted::Number);
    let taken = ingest::take(&opened, &lock, g, ui, wanted, look)?;
    let reading = begun.elapsed().as_secs_f64();
    let ledger = opened.pilot.ledger()?;
    let standing = Standing::of(&opened, &ledger)?;
    let earlier = earlier_looks(&opened, look)?;
    let first = first_stage::of(&opened, &ledger)?;
    let asked = Asked {
        args,
        look,
        earlier: &earlier,
        plan: &plan,
        standing: &standing,
        taken: &taken,
        ledger: &ledger,
        first: first.as_ref(),
    };
    let document = asked.document()?;
    let computing = begun.elapsed().as_secs_f64() - reading;
    let files = if args.no_report {
        Vec::new()
    } else {
        report::render(&document)?
    };
    let timing = serde_json::json!({
        "seconds": { "evidence": reading, "analysis": computing, "render": begun.elapsed().as_secs_f64() - reading - computing },
        "evidence_was_fresh": taken.fresh,
        "scan_seconds": taken.seconds,
        "at": Timestamp::now().to_string(),
    });
    ui.boxes(&files);
    let place = store(args, &opened, &lock, &document, &files, &timing, &taken)?;
    tell(args, ui, &opened, &document, place.as_deref())
}

/// The looks made before this one, where the plan has looks.
fn earlier_looks(opened: &Opened, look: Option<Interim>) -> Result<Vec<Boundaries>> {
    match opened.experiment().analysis.sequential {
        None => Ok(Vec::new()),
        Some(_) => look::earlier(&opened.pilot, look.map(|l| l.number)),
    }
}

fn dry_run(args: &Args, opened: &Opened, ui: &Ui) -> Result<()> {
    let root = opened.pilot.workspace().root();
    let inputs = crate::engine::inputs(opened.experiment(), root)?;
    let shown = |path: &Path| path.display().to_string();
    let mut writes = vec![shown(opened.pilot.analyses().dir())];
    if !args.set.is_empty() {
        writes = vec![shown(opened.pilot.what_ifs().dir())];
    } else if !args.no_report {
        let out = args.out.clone();
        writes.push(shown(&out.unwrap_or_else(|| opened.pilot.report_dir())));
    }
    ui.plan(&Steps {
        reads: inputs.iter().map(|i| shown(&i.name)).collect(),
        writes,
    })
}

/// Whether a folder for results is new or empty.
///
/// # Errors
/// It is not.
pub fn check_out(dir: &Path) -> Result<()> {
    match std::fs::read_dir(dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Error::io("write to", dir, &e)),
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(
                Error::workspace("the folder is not empty, and nothing is overwritten")
                    .file(dir)
                    .key("--out")
                    .hint("name a new or empty folder"),
            ),
        },
    }
}

/// What comes after a verdict that says to wait.
fn waiting(opened: &Opened, document: &Document) -> String {
    let name = opened.pilot.name();
    let planned = opened.experiment().analysis.sequential.as_ref();
    let number = planned.and_then(|s| s.number()).unwrap_or(0) as u32;
    match document.look {
        Some(look) if look + 1 < number => {
            format!(
                "wait for the next look, then pilot analyze {name} --look {}",
                look + 1
            )
        }
        None if number > 1 => format!(
            "wait for the end of the test period, then pilot analyze {name}; the plan allows looks before: --look 1"
        ),
        _ => format!("wait for the end of the test period, then pilot analyze {name}"),
    }
}

fn store(
    args: &Args,
    opened: &Opened,
    lock: &Lock,
    document: &Document,
    files: &[RenderedFile],
    timing: &serde_json::Value,
    taken: &Taken,
) -> Result<Option<PathBuf>> {
    let json = document.to_json()?;
    let mut run = serde_json::to_vec_pretty(timing).map_err(|e| Error::internal(e.to_string()))?;
    run.push(b'\n');
    if !args.set.is_empty() {
        let series = opened.pilot.what_ifs();
        let mut set = NumberedSet::begin(lock, &series)?;
        for file in files {
            set.write(&file.name, &file.bytes)?;
        }
        if files.is_empty() {
            set.write("analysis.json", &json)?;
        }
        return Ok(Some(set.commit()?.path));
    }
    let report = match args.no_report {
        true => None,
        false => Some(stage_report(args, opened, files)?),
    };
    let series = opened.pilot.analyses();
    let mut set = NumberedSet::begin(lock, &series)?;
    set.write("analysis.json", &json)?;
    set.write("run.json", &run)?;
    // From the ledger's line on, analysis and report belong together.
    let _held = interrupt::hold()?;
    let made = match document.analysis_number {
        Some(_) => kind::ANALYZE,
        None => kind::WAIT,
    };
    let mut draft = Draft::new(made, Timestamp::now())
        .fact("plan_sha256", document.plan_sha256.clone())
        .fact("evidence", taken.set.number)
        .fact("evidence_sha256", taken.set.digest.to_string())
        .fact("as_of", document.as_of.clone())
        .fact("verdict", document.decision.verdict.name());
    if args.no_report || args.out.is_some() {
        // So that `verify` knows why the report is of the analysis before.
        draft = draft.fact("report", false);
    }
    if document.analysis_number.is_some() {
        if let Some(digest) = opened.pilot.checked_assignment()? {
            draft = draft.fact("assignment_sha256", digest.to_string());
        }
        if let Some(look) = document.look {
            draft = draft.fact("look", look);
        }
        if let Some(stages) = &document.stages {
            draft = draft.fact("first_stage", stages.first.name.clone()).fact(
                "first_analysis_sha256",
                stages.first.analysis_sha256.clone(),
            );
        }
        if let Some(because) = &args.because {
            draft = draft
                .fact("despite", args.despite.join(","))
                .fact("because", because.clone());
        }
    }
    lock.commit_set(set, draft)?;
    let Some((staged, target)) = report else {
        return Ok(None);
    };
    swap_folder(staged, &target)?;
    Ok(Some(target))
}

/// The report folder beside its place, whole, and the place.
fn stage_report(args: &Args, opened: &Opened, files: &[RenderedFile]) -> Result<(Staged, PathBuf)> {
    let target = match &args.out {
        Some(dir) => std::path::absolute(dir).map_err(|e| Error::io("find", dir, &e))?,
        None => opened.pilot.report_dir(),
    };
    let mut staged = Staged::begin(&target)?;
    for file in files {
        staged.write(&file.name, &file.bytes)?;
    }
    Ok((staged, target))
}

/// Whether the document says what a person may sign.
fn signable(args: &Args, document: &Document) -> bool {
    let decided = matches!(
        document.decision.verdict,
        VerdictKind::Scale | VerdictKind::Extend | VerdictKind::Stop
    );
    decided && document.analysis_number.is_some() && document.seal.is_some() && args.set.is_empty()
}

fn tell(
    args: &Args,
    ui: &Ui,
    opened: &Opened,
    document: &Document,
    place: Option<&Path>,
) -> Result<()> {
    let summary = if ui.verbose {
        report::terminal_summary(document, ui.width, ui.color)
    } else {
        report::terminal_brief(document, ui.width, ui.color)
    };
    ui.say(summary)?;
    if let Some(place) = place {
        ui.say(format!("Reports: {}", place.display()))?;
        if args.open {
            open_file(&place.join("summary.md"), ui);
        }
    }
    let stopping = document
        .checks
        .iter()
        .find(|c| c.status == Status::Stop && !args.despite.contains(&c.id));
    if let Some(check) = stopping {
        let error = Error::new(
            Kind::Check,
            format!("the check \"{}\" stopped the analysis: {}", check.id, check.detail),
        )
        .hint(match check.id.as_str() {
            // There is nothing to go on with.
            "no-contacts" => format!("find the cause; `pilot explain {}` helps", check.id),
            id => format!(
                "find the cause; `pilot explain {id}` helps; to see what there is all the same, though nothing \
                 can be rolled out on it: --despite {id} --because \"…\""
            ),
        });
        return ui.stopped(document, error);
    }
    if ui.json {
        return ui.document(document);
    }
    let name = opened.pilot.name();
    ui.next(match (document.decision.verdict, place) {
        (VerdictKind::Wait, _) => waiting(opened, document),
        (verdict, Some(_)) if signable(args, document) => format!(
            "read summary.md in that folder, then pilot sign {name} --decision {} --role ROLE --by NAME",
            verdict.name()
        ),
        (_, Some(_)) => {
            "read summary.md in that folder; `pilot explain TOPIC` explains its words".into()
        }
        (_, None) => format!("pilot analyze {name} without --no-report writes the reports"),
    })
}
