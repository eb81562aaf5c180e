//! `pilot ingest`: the data → numbered evidence.

use std::io::Write;
use std::time::Instant;

use jiff::Timestamp;

use crate::engine::{self, Scan, SetAside};
use crate::error::{Error, Result};
use crate::experiment;
use crate::number::count;
use crate::table::exchange;
use crate::table::store::{self, EvidenceHead};
use crate::table::{Audit, Evidence, Provenance};
use crate::workspace::{Draft, Lock, NumberedSet, Set, kind};

use super::Global;
use super::disjoint;
use super::known;
use super::look::Interim;
use super::pilot::{self, Opened};
use super::ui::{Steps, Ui};

/// Read the data once into numbered evidence. `analyze` does it by itself where needed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  pilot ingest fee-questions\n\nRows that cannot be read as data are set aside with line and reason, in\nexperiments/NAME/evidence/000N/set-aside.txt."
)]
pub struct Args {
    /// A pilot's name, or a path to its plan
    name: String,
}

/// Which evidence is to be used.
pub enum Wanted {
    /// That of a number.
    Number(u64),
    /// The latest where it is up to date, or new evidence.
    Latest,
    /// As [`Wanted::Latest`], passing over a set that the ledger does not know.
    Afresh,
}

/// Evidence with its place.
pub struct Taken {
    /// The evidence.
    pub evidence: Evidence,
    /// Its set.
    pub set: Set,
    /// Whether it was taken now.
    pub fresh: bool,
    /// Seconds that the scan took, where it was taken now.
    pub seconds: Option<f64>,
}

/// Runs the command.
pub fn run(args: &Args, g: &Global, ui: &Ui) -> Result<()> {
    let opened = pilot::open(&args.name, g)?;
    if g.dry_run {
        let inputs = engine::inputs(opened.experiment(), opened.pilot.workspace().root())?;
        let names = inputs.iter().map(|i| i.name.display().to_string());
        return ui.plan(&Steps {
            reads: names.collect(),
            writes: vec![opened.pilot.evidence().dir().display().to_string()],
        });
    }
    let lock = opened.pilot.lock("ingest", Timestamp::now())?;
    pilot::report_repairs(&lock, ui);
    pilot::report_ignored(&opened.pilot, ui)?;
    let taken = take(&opened, &lock, g, ui, Wanted::Afresh, None)?;
    let audit = &taken.evidence.audit;
    if ui.json {
        return ui.document(&serde_json::json!({
            "pilot": opened.pilot.name(),
            "evidence": taken.set.number,
            "fresh": taken.fresh,
            "audit": audit,
        }));
    }
    let state = if taken.fresh {
        "taken"
    } else {
        "still up to date"
    };
    ui.say(format!("Evidence {:04} {state}.", taken.set.number))?;
    for line in audit_lines(audit, &opened, ui.verbose) {
        ui.say(format!("  {line}"))?;
    }
    ui.next(format!("pilot analyze {}", opened.pilot.name()))
}

/// A number with the word for one or for many.
fn counted(n: u64, [one, many]: [&str; 2]) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// The counts that are not zero; all of them with `-v`.
fn audit_lines(audit: &Audit, opened: &Opened, verbose: bool) -> Vec<String> {
    if opened.experiment().assignment.schedule.is_some() {
        return region_lines(audit, opened, verbose);
    }
    let mut lines = vec![format!(
        "{} read, {} in the pilot",
        counted(audit.rows_read, ["row", "rows"]),
        counted(audit.customers, ["customer", "customers"])
    )];
    for (arm, n) in opened.experiment().arms.iter().zip(&audit.customers_by_arm) {
        lines.push(format!("{:<24} {:>12} customers", arm.name, count(*n)));
    }
    let all = [
        (audit.contacts, ["contact counted", "contacts counted"]),
        (
            Some(audit.set_aside).filter(|n| *n > 0),
            ["row set aside", "rows set aside"],
        ),
        (
            audit.duplicate_customers,
            [
                "repeated customer, kept once",
                "repeated customers, kept once",
            ],
        ),
        (
            audit.duplicate_contacts,
            [
                "repeated contact, kept once",
                "repeated contacts, kept once",
            ],
        ),
        (
            audit.repeated_contacts,
            [
                "contact that repeats a row exactly, kept",
                "contacts that repeat a row exactly, all kept",
            ],
        ),
        (
            audit.double_assigned,
            ["customer in two arms", "customers in two arms"],
        ),
        (
            audit.unassigned_contacts.as_ref().map(|u| u.contacts),
            [
                "contact of a customer in no arm",
                "contacts of customers in no arm",
            ],
        ),
        (
            audit.unassigned_customers,
            ["row of a customer in no arm", "rows of customers in no arm"],
        ),
        (
            audit.assigned_without_row,
            [
                "assigned customer without a row, counted as no contact",
                "assigned customers without a row, counted as no contact",
            ],
        ),
        (
            audit.outside_windows,
            [
                "contact outside both windows",
                "contacts outside both windows",
            ],
        ),
        (
            audit.other_reasons,
            ["contact for another reason", "contacts for other reasons"],
        ),
        (
            audit.outside_enrolment,
            [
                "customer outside the enrolment dates",
                "customers outside the enrolment dates",
            ],
        ),
    ];
    for (n, words) in all {
        if let Some(n) = n.filter(|n| *n > 0 || verbose) {
            lines.push(counted(n, words));
        }
    }
    lines
}

/// The same where regions got the arms.
fn region_lines(audit: &Audit, opened: &Opened, verbose: bool) -> Vec<String> {
    let mut lines = vec![format!(
        "{} read, {} in the pilot",
        counted(audit.rows_read, ["row", "rows"]),
        counted(audit.customers, ["region-block", "region-blocks"])
    )];
    for (arm, n) in opened.experiment().arms.iter().zip(&audit.customers_by_arm) {
        lines.push(format!("{:<24} {:>12} region-blocks", arm.name, count(*n)));
    }
    let all = [
        (Some(audit.set_aside), ["row set aside", "rows set aside"]),
        (
            audit.duplicate_customers,
            ["repeated row, kept once", "repeated rows, kept once"],
        ),
        (
            audit.unassigned_customers,
            [
                "row of a region that the plan does not name",
                "rows of regions that the plan does not name",
            ],
        ),
        (
            audit.outside_windows,
            [
                "row of a day outside the test period",
                "rows of days outside the test period",
            ],
        ),
        (
            audit.washout_region_days,
            [
                "region-day of washout, left out",
                "region-days of washout, left out",
            ],
        ),
        (
            audit.missing_region_days,
            ["region-day without a row", "region-days without a row"],
        ),
        (
            audit.closed_days,
            [
                "day on which no region has a row",
                "days on which no region has a row",
            ],
        ),
        (
            audit.missing_after.first().copied(),
            [
                "region-block without any row",
                "region-blocks without any row",
            ],
        ),
    ];
    for (n, words) in all {
        if let Some(n) = n.filter(|n| *n > 0 || verbose) {
            lines.push(counted(n, words));
        }
    }
    lines
}

/// The evidence to use: the numbered one asked for, the latest where it is up to date, or a new one.
///
/// That of an interim look has a digest of its own, so that it is never taken for that of the end.
///
/// # Errors
/// Data that cannot be read, a numbered set that is not there, or one that `pilot ingest` did not take.
pub fn take(
    opened: &Opened,
    lock: &Lock,
    g: &Global,
    ui: &Ui,
    wanted: Wanted,
    look: Option<Interim>,
) -> Result<Taken> {
    let series = opened.pilot.evidence();
    let experiment = opened.experiment();
    let digest = match look {
        None => experiment::data_digest(experiment),
        Some(look) => experiment::data_digest_until(experiment, &look.mark()),
    };
    let ledger = opened.pilot.ledger()?;
    if let Wanted::Number(number) = wanted {
        let set = series.set(number).map_err(|e| {
            e.hint("leave --evidence out to use the latest; `pilot ingest` takes new evidence")
        })?;
        let taken = load(known::evidence(&opened.pilot, &ledger, set)?)?;
        if taken.evidence.provenance.data_plan_sha256 != digest {
            return Err(Error::workspace(format!(
                "evidence {number:04} was taken for another look, or under a plan with other arms, outcomes or data"
            ))
            .key("--evidence")
            .hint("leave --evidence out, so that the data are read again; or restore the plan"));
        }
        return Ok(taken);
    }
    let assignment = opened.assignment()?;
    let mut inputs = engine::inputs(experiment, opened.pilot.workspace().root())?;
    if let Some(path) = &assignment {
        inputs.push(engine::Input::within(opened.pilot.workspace().root(), path));
    }
    let begun = Instant::now();
    let progress = ui.progress("reading");
    let tick = pilot::ticking(&progress);
    let latest = match (series.latest()?, &wanted) {
        (Some(set), Wanted::Afresh) => known::or_passed_over(&opened.pilot, &ledger, set, ui)?,
        (Some(set), _) => Some(known::evidence(&opened.pilot, &ledger, set)?),
        (None, _) => None,
    };
    if let Some(set) = &latest {
        let head = head(set)?;
        if head.scan == EvidenceHead::SCAN
            && head.provenance.data_plan_sha256 == digest
            && head.provenance.files == engine::digest_files(&inputs)?
        {
            return load(set.clone());
        }
    }
    let disjoint = disjoint::checked(opened, g, ui)?;
    let mut request = opened.request(assignment.as_deref(), g, &tick);
    request.until = look.and_then(|look| look.until);
    let (files, scan) = rayon::join(|| engine::digest_files(&inputs), || engine::scan(&request));
    let Scan {
        mut evidence,
        set_aside,
    } = scan?;
    evidence.provenance = Provenance {
        files: files?,
        data_plan_sha256: digest,
    };
    progress.done();
    let mut set = NumberedSet::begin(lock, &series)?;
    write(&mut set, &evidence, &set_aside)?;
    let mut draft = Draft::new(kind::INGEST, Timestamp::now())
        .fact("customers", evidence.audit.customers)
        .fact("plan_sha256", opened.plan.sha256.clone());
    if let Some(disjoint) = disjoint {
        draft = draft.fact("stages_disjoint", disjoint);
    }
    let (set, _) = lock.commit_set(set, draft)?;
    Ok(Taken {
        evidence,
        set,
        fresh: true,
        seconds: Some(begun.elapsed().as_secs_f64()),
    })
}

fn head(set: &Set) -> Result<EvidenceHead> {
    serde_json::from_slice(&set.read("evidence.json")?).map_err(|e| {
        Error::workspace(format!(
            "evidence {:04} is of another version: {e}",
            set.number
        ))
        .file(set.path.join("evidence.json"))
        .hint("run `pilot ingest` again")
    })
}

fn load(set: Set) -> Result<Taken> {
    let head = head(&set)?;
    let companion = |name: &str| set.has(name).then(|| set.read(name)).transpose();
    let files = store::Files {
        cells: set.read("cells.csv")?,
        weekly: companion("weekly.csv")?,
        segments: companion("segments.csv")?,
        spillover: companion("spillover.csv")?,
        clusters: companion("clusters.csv")?,
        panel: companion("panel.csv")?,
    };
    Ok(Taken {
        evidence: store::read(head, &files)?,
        set,
        fresh: false,
        seconds: None,
    })
}

fn write(set: &mut NumberedSet, evidence: &Evidence, set_aside: &[SetAside]) -> Result<()> {
    let mut head = serde_json::to_vec_pretty(&store::head(evidence))
        .map_err(|e| Error::internal(format!("the evidence is not JSON: {e}")))?;
    head.push(b'\n');
    set.write("evidence.json", &head)?;
    let place = set.path().join("cells.csv");
    let mut cells = set.create("cells.csv")?;
    store::write_cells(evidence, &mut cells).map_err(|e| Error::io("write", &place, &e))?;
    cells.finish()?;
    let mut companion = |name: &str, write: &dyn Fn(&mut Vec<u8>) -> std::io::Result<()>| {
        let mut bytes = Vec::new();
        // Writing to a Vec cannot fail.
        let _ = write(&mut bytes);
        set.write(name, &bytes)
    };
    if evidence.outcomes.iter().any(|o| o.weekly.is_some()) {
        companion("weekly.csv", &|to| exchange::write_weekly(evidence, to))?;
    }
    if evidence.outcomes.iter().any(|o| !o.segments.is_empty()) {
        companion("segments.csv", &|to| store::write_segments(evidence, to))?;
    }
    if evidence.spillover.is_some() {
        companion("spillover.csv", &|to| {
            exchange::write_spillover(evidence, to)
        })?;
    }
    if store::clusters::any(evidence) {
        companion("clusters.csv", &|to| store::clusters::write(evidence, to))?;
    }
    if store::panel::any(evidence) {
        companion("panel.csv", &|to| store::panel::write(evidence, to))?;
    }
    if !set_aside.is_empty() {
        let mut text = b"# file\tline\tcolumn\treason\n# the row as it stood\n".to_vec();
        for row in set_aside {
            let column = row.column.as_deref().unwrap_or("-").escape_debug();
            // Writing to a Vec cannot fail.
            let _ = writeln!(
                text,
                "{}\t{}\t{column}\t{}",
                row.file.display(),
                row.line,
                row.reason
            );
            text.extend_from_slice(&row.raw);
            if !row.raw.ends_with(b"\n") {
                text.push(b'\n');
            }
        }
        set.write("set-aside.txt", &text)?;
    }
    Ok(())
}
