//! `pilot show`, `diff`, `schema`, `completions`, `man`.

use std::io;
use std::path::PathBuf;

use clap::Command;

use crate::error::{Error, Result};
use crate::experiment;
use crate::report;
use crate::workspace::write_new;

use super::Global;
use super::page;
use super::pilot::{self, Standing};
use super::ui::Ui;

/// The plan in plain words.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  pilot show fee-questions\n  pilot show fee-questions --pdf plan.pdf    one page to read before approving"
)]
pub struct ShowArgs {
    /// A pilot's name, or a path to its plan
    name: String,
    /// Write the plan as a page to this new file
    #[arg(long, value_name = "FILE")]
    pdf: Option<PathBuf>,
}

/// The plan against its approval, key by key.
#[derive(Debug, clap::Args)]
pub struct DiffArgs {
    /// A pilot's name, or a path to its plan
    name: String,
}

/// JSON Schemas of plan and outputs.
#[derive(Debug, clap::Args)]
pub struct SchemaArgs {
    /// Which one
    #[arg(value_enum, default_value = "plan")]
    what: Schema,
}

/// What has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Schema {
    Plan,
    Analysis,
}

/// Shell completions, on stdout.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  pilot completions bash > ~/.local/share/bash-completion/completions/pilot"
)]
pub struct CompletionsArgs {
    /// The shell
    shell: clap_complete::Shell,
}

/// `pilot show`.
pub fn show(args: &ShowArgs, g: &Global, ui: &Ui) -> Result<()> {
    let opened = pilot::open(&args.name, g)?;
    let words = experiment::describe(opened.experiment());
    if let Some(file) = &args.pdf {
        let standing = Standing::of(&opened, &opened.pilot.ledger()?)?;
        let approval = standing
            .approval
            .filter(|a| a.plan_sha256.to_string() == opened.plan.sha256);
        let page = page::of_plan(&opened.plan, approval.as_ref(), ui)?.ok_or_else(|| {
            Error::usage("this build makes no PDF")
                .key("--pdf")
                .hint("build with the feature `pdf`, which is in the default build")
        })?;
        if g.dry_run {
            ui.note(format!("would write {}", file.display()));
        } else {
            write_new(file, &page)?;
        }
    }
    if ui.json {
        return ui.document(&serde_json::json!({
            "pilot": opened.pilot.name(), "plan_sha256": opened.plan.sha256, "words": words,
            "defaults": opened.plan.defaults.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
        }));
    }
    ui.say(words)?;
    ui.next(format!("pilot check {}", opened.pilot.name()))
}

/// `pilot diff`.
pub fn diff(args: &DiffArgs, g: &Global, ui: &Ui) -> Result<()> {
    let opened = pilot::open(&args.name, g)?;
    let standing = Standing::of(&opened, &opened.pilot.ledger()?)?;
    if ui.json {
        return ui.document(
            &serde_json::json!({ "seal": standing.seal(), "deviations": standing.deviations, "approvals": standing.approvals }),
        );
    }
    let Some(compared) = standing.compared() else {
        ui.say("The plan is not approved.")?;
        return ui.next(format!(
            "pilot approve {} --role finance --by NAME",
            opened.pilot.name()
        ));
    };
    if standing.deviations.is_empty() {
        ui.say(format!(
            "The plan is as approved (number {}, seal {}).",
            compared.number, compared.seal
        ))?;
        return ui.next(format!("pilot check {}", opened.pilot.name()));
    }
    if standing.approvals.len() > 1 {
        ui.say(format!(
            "Compared with approval {} of {}, {} (seal {}):",
            compared.number,
            standing.approvals.len(),
            match compared.late {
                true => "the first; all were late",
                false => "the last before the data",
            },
            compared.seal
        ))?;
    }
    for d in &standing.deviations {
        let weight = if d.material { "material" } else { "clerical" };
        let why = d
            .why
            .as_ref()
            .map_or_else(String::new, |w| format!(" ({w})"));
        ui.say(format!(
            "{weight}  {}: {} → {}{why}",
            d.key,
            d.approved.as_deref().unwrap_or("(absent)"),
            d.now.as_deref().unwrap_or("(removed)")
        ))?;
    }
    ui.next("every report lists these changes; approve again only before data are read")
}

/// `pilot schema`.
pub fn schema(args: &SchemaArgs, ui: &Ui) -> Result<()> {
    match args.what {
        Schema::Plan => ui.document(&experiment::schema()),
        Schema::Analysis => ui.document(&report::Document::json_schema()),
    }
}

/// `pilot completions`.
pub fn completions(args: &CompletionsArgs, command: &mut Command) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, command, "pilot", &mut script);
    write_out(&script)
}

/// `pilot man`.
pub fn man(command: Command, _: &Ui) -> Result<()> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(|e| Error::internal(format!("the manual page: {e}")))?;
    write_out(&page)
}

fn write_out(bytes: &[u8]) -> Result<()> {
    use io::Write;
    match io::stdout().lock().write_all(bytes) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::internal(format!("cannot write to stdout: {e}")))
        }
        _ => Ok(()),
    }
}
