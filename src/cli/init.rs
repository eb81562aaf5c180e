//! `pilot init`: a new workspace.

use std::path::PathBuf;

use crate::error::Result;
use crate::workspace::Workspace;

use super::Global;
use super::ui::{Steps, Ui};

/// Make a workspace: pilot.toml, experiments/, reports/, data/, .gitignore and a commented example.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  pilot init                a workspace here\n  pilot init pilots/2026    a workspace in a new folder\n\nExisting files are never written over."
)]
pub struct Args {
    /// Folder to make a workspace of
    #[arg(default_value = ".")]
    dir: PathBuf,
}

const EXAMPLE: (&str, &str) = (
    "experiments/example.toml",
    include_str!("../../assets/example.toml"),
);

/// Runs the command.
pub fn run(args: &Args, g: &Global, ui: &Ui) -> Result<()> {
    if g.dry_run {
        return ui.plan(&Steps {
            writes: vec![format!("{}, as a workspace", args.dir.display())],
            ..Steps::default()
        });
    }
    let (workspace, done) = Workspace::init(&args.dir, &[(EXAMPLE.0, EXAMPLE.1.as_bytes())])?;
    if ui.json {
        return ui.document(&serde_json::json!({ "workspace": workspace.root(), "made": done.made, "left": done.left }));
    }
    for path in &done.made {
        ui.say(format!("made  {}", path.display()))?;
    }
    for path in &done.left {
        ui.say(format!("left  {} (was there)", path.display()))?;
    }
    ui.next("pilot design NAME (or read experiments/example.toml)")
}
