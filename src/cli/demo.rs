//! `pilot demo`: an example, whole, in a temporary workspace.

use crate::error::{Error, Kind, Result};
use crate::workspace::Workspace;

use super::ui::{Steps, Ui};
use super::{Global, analyze, assign};

/// A simulated pilot, from assignment to report, in a temporary workspace; prints where the report is.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Open the summary when done
    #[arg(long)]
    open: bool,
}

const NAME: &str = "fees-education";

/// After the last day of the example's log: the demo shows a result whatever the clock says.
const AS_OF: jiff::civil::Date = jiff::civil::date(2026, 11, 3);

macro_rules! example {
    ($($name:literal),*) => { [$(($name, include_bytes!(concat!("../../", $name)).as_slice())),*] };
}

/// The plan and its data as they stand in the repository.
const FILES: [(&str, &[u8]); 8] = example!(
    "experiments/fees-education.toml",
    "experiments/fees-education/customers.csv.gz",
    "experiments/fees-education/contacts-2026-06.csv.gz",
    "experiments/fees-education/contacts-2026-07.csv.gz",
    "experiments/fees-education/contacts-2026-08.csv.gz",
    "experiments/fees-education/contacts-2026-09.csv.gz",
    "experiments/fees-education/contacts-2026-10.csv.gz",
    "experiments/fees-education/contacts-2026-11.csv.gz"
);

/// Runs the command.
pub fn run(args: &Args, g: &Global, ui: &Ui) -> Result<()> {
    if g.dry_run {
        return ui.plan(&Steps {
            writes: vec![format!(
                "{}/pilot-demo-…, a new workspace with the plan, its data and its reports",
                std::env::temp_dir().display()
            )],
            ..Steps::default()
        });
    }
    let dir = tempfile::Builder::new()
        .prefix("pilot-demo-")
        .tempdir()
        .map_err(|e| Error::workspace(format!("no temporary folder can be made: {e}")))?;
    let root = dir.path().to_owned();
    Workspace::init(&root, &FILES)?;
    ui.note(format!("A simulated pilot in {}", root.display()));
    let inside = Global {
        workspace: Some(root),
        ..g.clone()
    };
    let done = assign::silently(NAME, &inside, ui)
        .and_then(|()| analyze::run(&analyze::Args::of(NAME, AS_OF, args.open), &inside, ui));
    // The folder stays, so that its report can be read; the system clears it in time.
    if !matches!(&done, Err(e) if e.kind() == Kind::Interrupted) {
        let _kept = dir.keep();
    }
    done
}
