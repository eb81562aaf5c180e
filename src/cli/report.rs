//! `pilot report`: the reports again, byte for byte, from the last analysis.

use jiff::Timestamp;

use crate::error::{Error, Result};
use crate::report;
use crate::workspace::{Staged, Workspace, swap_folder};

use super::Global;
use super::known;
use super::pilot::{here, report_repairs};
use super::report_fits;
use super::ui::{Steps, Ui};

/// Render the reports again from the last analysis.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pilot report fee-questions")]
pub struct Args {
    /// A pilot's name, or a path to its plan
    name: String,
    /// The analysis to render (default: the last)
    #[arg(long, value_name = "N")]
    analysis: Option<u64>,
}

/// Runs the command.
pub fn run(args: &Args, g: &Global, ui: &Ui) -> Result<()> {
    let pilot = Workspace::locate(g.workspace.as_deref(), &here()?, &args.name)?;
    let series = pilot.analyses();
    let set = match args.analysis {
        Some(number) => series
            .set(number)
            .map_err(|e| e.hint("leave --analysis out for the last one"))?,
        None => series.latest()?.ok_or_else(|| {
            Error::workspace("there is no analysis yet")
                .hint(format!("run `pilot analyze {}` first", pilot.name()))
        })?,
    };
    let ledger = pilot.ledger()?;
    let made = known::analysis(&pilot, &ledger, &set)?;
    let document = report::Document::from_json(&set.read("analysis.json")?)
        .map_err(|e| e.file(set.path.join("analysis.json")))?;
    let files = report::render(&document)?;
    if g.dry_run {
        let folder = pilot.report_dir();
        let path = |f: &report::RenderedFile| folder.join(&f.name).display().to_string();
        return ui.plan(&Steps {
            reads: vec![set.path.join("analysis.json").display().to_string()],
            writes: files.iter().map(path).collect(),
        });
    }
    let lock = pilot.lock("report", Timestamp::now())?;
    report_repairs(&lock, ui);
    let mut staged = Staged::begin(&pilot.report_dir())?;
    for file in &files {
        staged.write(&file.name, &file.bytes)?;
    }
    swap_folder(staged, &pilot.report_dir())?;
    ui.boxes(&files);
    if let Some(last) = report_fits::reported(&ledger, &series).filter(|n| *n > set.number) {
        ui.warn(format!(
            "this is analysis {:04} (entry {}), and {last:04} is later: `pilot verify` names the report until that is rendered again",
            set.number, made.number
        ));
    }
    if ui.json {
        let names: Vec<_> = files.iter().map(|f| &f.name).collect();
        return ui.document(&serde_json::json!({ "analysis": set.number, "folder": pilot.report_dir(), "files": names }));
    }
    ui.say(format!(
        "{} files from analysis {:04} in {}",
        files.len(),
        set.number,
        pilot.report_dir().display()
    ))?;
    ui.next("read summary.md there")
}
