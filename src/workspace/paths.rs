//! Where things are: the workspace, its plans, and the files of a pilot.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::error::{Error, Result, nearest};
use crate::workspace::digest::Digest;
use crate::workspace::ledger::{Approval, Ledger, kind};
use crate::workspace::lock::Lock;
use crate::workspace::numbered::Series;
use crate::workspace::walk::names_in;

/// Marks a workspace.
pub(crate) const MARKER: &str = "pilot.toml";

const EXPERIMENTS: &str = "experiments";
const REPORTS: &str = "reports";

/// A folder with `pilot.toml`, `experiments/` and `reports/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    root: PathBuf,
}

/// The plans of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plans {
    /// Names of pilots that have a plan, sorted.
    pub names: Vec<String>,
    /// `.toml` files in `experiments/` whose stem is no name, sorted.
    pub misnamed: Vec<PathBuf>,
}

impl Workspace {
    /// The nearest workspace from `start` upwards.
    ///
    /// # Errors
    /// No folder upwards has a `pilot.toml`.
    pub fn find(start: &Path) -> Result<Self> {
        let start = canonical(start)?;
        match start.ancestors().find(|dir| dir.join(MARKER).is_file()) {
            Some(root) => Ok(Workspace {
                root: root.to_owned(),
            }),
            None => Err(Error::workspace(format!(
                "neither {} nor a folder above it is a workspace",
                start.display()
            ))
            .hint("make one with `pilot init`, or name one with `--workspace DIR`")),
        }
    }

    /// The workspace at exactly this folder.
    ///
    /// # Errors
    /// No such folder, or no `pilot.toml` in it.
    pub fn open(dir: &Path) -> Result<Self> {
        let root = canonical(dir)?;
        match root.join(MARKER).is_file() {
            true => Ok(Workspace { root }),
            false => Err(
                Error::workspace(format!("no workspace: it has no {MARKER}"))
                    .file(dir)
                    .hint("make it one with `pilot init DIR`"),
            ),
        }
    }

    /// The workspace and the pilot that an argument means.
    ///
    /// `explicit` is the user's `--workspace`. Without it, a path to a plan decides the workspace
    /// by itself, and a name is looked for in the workspace of `here`.
    ///
    /// # Errors
    /// Those of [`Workspace::find`], [`Workspace::open`] and [`Workspace::resolve`].
    pub fn locate(explicit: Option<&Path>, here: &Path, argument: &str) -> Result<Pilot> {
        let workspace = match explicit {
            Some(dir) => Self::open(&here.join(dir))?,
            None if is_path(argument) => match here.join(argument).parent() {
                Some(dir) if dir.is_dir() => Self::find(dir)?,
                _ => return Err(no_plan(Path::new(argument))),
            },
            None => Self::find(here)?,
        };
        workspace.resolve(here, argument)
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `experiments/`.
    pub fn experiments(&self) -> PathBuf {
        self.root.join(EXPERIMENTS)
    }

    /// `reports/`.
    pub fn reports(&self) -> PathBuf {
        self.root.join(REPORTS)
    }

    /// The pilots that have a plan.
    pub fn plans(&self) -> Result<Plans> {
        let mut plans = Plans::default();
        for name in names_in(&self.experiments())? {
            let path = self.experiments().join(&name);
            let Some(stem) = name
                .strip_suffix(".toml")
                .filter(|_| !name.starts_with('.'))
            else {
                continue;
            };
            if !path.is_file() {
                continue;
            }
            match check_name(stem) {
                Ok(()) => plans.names.push(stem.to_owned()),
                Err(_) => plans.misnamed.push(path),
            }
        }
        plans.names.sort();
        plans.misnamed.sort();
        Ok(plans)
    }

    /// The pilot of a name, whether or not it has a plan.
    ///
    /// # Errors
    /// Not a name; see [`check_name`].
    pub fn pilot(&self, name: &str) -> Result<Pilot> {
        check_name(name)?;
        Ok(Pilot {
            workspace: self.clone(),
            name: name.to_owned(),
        })
    }

    /// The pilot that a name, or a path (from `here`) to its plan, means. Its plan exists.
    ///
    /// # Errors
    /// Neither; a plan outside `experiments/`. The nearest name is in the hint.
    pub fn resolve(&self, here: &Path, argument: &str) -> Result<Pilot> {
        if !is_path(argument) {
            let pilot = self.pilot(argument)?;
            if pilot.plan_path().is_file() {
                return Ok(pilot);
            }
            let plans = self.plans()?;
            let error = Error::usage(format!("there is no pilot `{argument}`"));
            return Err(
                match nearest(argument, plans.names.iter().map(String::as_str)) {
                    Some(near) => error.hint(format!("did you mean `{near}`?")),
                    None if plans.names.is_empty() => {
                        error.hint("there is no plan yet; `pilot design` makes one")
                    }
                    None => error.hint(format!("pilots here: {}", plans.names.join(", "))),
                },
            );
        }
        let path = here.join(argument);
        if !path.is_file() {
            return Err(no_plan(Path::new(argument)));
        }
        let (Some(dir), Some(stem)) = (path.parent(), path.file_stem().and_then(|s| s.to_str()))
        else {
            return Err(no_plan(Path::new(argument)));
        };
        let experiments = self.experiments();
        if !experiments.is_dir() || canonical(dir)? != canonical(&experiments)? {
            return Err(
                Error::usage("the plan is not in the workspace's `experiments`")
                    .file(argument)
                    .hint(format!("move it to {}", experiments.display())),
            );
        }
        if path.extension().is_none_or(|extension| extension != "toml") {
            return Err(Error::usage("a plan's name ends with .toml").file(argument));
        }
        self.pilot(stem)
    }
}

/// A pilot's place in a workspace: its names of files and folders, which need not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pilot {
    workspace: Workspace,
    name: String,
}

impl Pilot {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its workspace.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// `experiments/NAME.toml`.
    pub fn plan_path(&self) -> PathBuf {
        self.workspace
            .experiments()
            .join(format!("{}.toml", self.name))
    }

    /// `experiments/NAME/`.
    pub fn dir(&self) -> PathBuf {
        self.workspace.experiments().join(&self.name)
    }

    /// `experiments/NAME/assignment.csv`.
    pub fn assignment_path(&self) -> PathBuf {
        self.dir().join("assignment.csv")
    }

    /// `experiments/NAME/ledger.jsonl`.
    pub fn ledger_path(&self) -> PathBuf {
        self.dir().join("ledger.jsonl")
    }

    /// `experiments/NAME/approved/`.
    pub fn approved_dir(&self) -> PathBuf {
        self.dir().join("approved")
    }

    /// `experiments/NAME/approved/000N.toml`.
    pub fn approved_path(&self, number: u64) -> PathBuf {
        self.approved_dir().join(format!("{number:04}.toml"))
    }

    /// `experiments/NAME/evidence/000N/`.
    pub fn evidence(&self) -> Series {
        Series::new(self.dir().join("evidence"), "evidence", &[kind::INGEST])
    }

    /// `experiments/NAME/analyses/000N/`.
    pub fn analyses(&self) -> Series {
        let makers = &[kind::ANALYZE, kind::WAIT];
        Series::new(self.dir().join("analyses"), "analysis", makers)
    }

    /// `experiments/NAME/what-if/000N/`.
    pub fn what_ifs(&self) -> Series {
        Series::new(self.dir().join("what-if"), "what_if", &[])
    }

    /// `reports/NAME/signed-000N/`: what was signed, as it was signed.
    pub fn signed(&self) -> Series {
        Series::read_only(self.report_dir(), "signed", &[kind::SIGN], "signed-")
    }

    /// `reports/NAME/`.
    pub fn report_dir(&self) -> PathBuf {
        self.workspace.reports().join(&self.name)
    }

    /// The bytes of its plan.
    pub fn plan(&self) -> Result<Vec<u8>> {
        let path = self.plan_path();
        fs::read(&path).map_err(|cause| Error::io("read", &path, &cause))
    }

    /// Its ledger; empty where nothing was done yet.
    ///
    /// # Errors
    /// Those of [`Ledger::read`].
    pub fn ledger(&self) -> Result<Ledger> {
        Ledger::read(&self.ledger_path())
    }

    /// The plan's bytes as they were approved.
    ///
    /// # Errors
    /// The kept copy is missing or not the one that was approved.
    pub fn approved_plan(&self, approval: &Approval) -> Result<Vec<u8>> {
        let path = self.approved_path(approval.number);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::new(
                    crate::error::Kind::Check,
                    "the plan that was approved is no longer here",
                )
                .file(path)
                .hint("restore the file from a copy"));
            }
            Err(cause) => return Err(Error::io("read", &path, &cause)),
        };
        match Digest::of(&bytes) == approval.plan_sha256 {
            true => Ok(bytes),
            false => Err(Error::new(
                crate::error::Kind::Check,
                "the kept plan is not the one that was approved",
            )
            .file(path)
            .hint("restore the file; what was approved is never edited")),
        }
    }

    /// Takes the pilot's lock; see [`Lock`].
    ///
    /// # Errors
    /// Another process holds it; a folder of the pilot is a link.
    pub fn lock(&self, command: &str, since: Timestamp) -> Result<Lock> {
        Lock::acquire(self, command, since)
    }

    /// Refuses to write where a folder or file of the pilot is a link, which could lead anywhere.
    pub(crate) fn refuse_links(&self) -> Result<()> {
        let places = [
            self.workspace.experiments(),
            self.workspace.reports(),
            self.dir(),
            self.approved_dir(),
            self.evidence().dir().to_owned(),
            self.analyses().dir().to_owned(),
            self.report_dir(),
            self.ledger_path(),
            self.lock_path(),
        ];
        match places.into_iter().find(|path| path.is_symlink()) {
            None => Ok(()),
            Some(path) => Err(
                Error::workspace("it is a link, and links are not written through")
                    .file(path)
                    .hint("put the folder itself there, or move the whole workspace"),
            ),
        }
    }

    pub(crate) fn lock_path(&self) -> PathBuf {
        let name = format!(".{}.lock", self.name);
        self.workspace.experiments().join(name)
    }
}

/// Checks a name of a pilot: `[a-z0-9][a-z0-9-]{0,63}`, so that no name can leave its folder.
pub fn check_name(name: &str) -> Result<()> {
    let letter = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let fits = name.len() <= 64
        && name.bytes().next().is_some_and(letter)
        && name.bytes().all(|c| letter(c) || c == b'-');
    match fits {
        true => Ok(()),
        false => Err(Error::usage(format!("`{name}` is no name for a pilot")).hint(
            "1 to 64 of a-z, 0-9 and hyphen, not beginning with a hyphen; `title` takes any script",
        )),
    }
}

fn is_path(argument: &str) -> bool {
    argument.contains(['/', '\\']) || argument.ends_with(".toml")
}

fn no_plan(path: &Path) -> Error {
    Error::usage("there is no such plan")
        .file(path)
        .hint("give the name of a pilot, or the path to experiments/NAME.toml")
}

fn canonical(path: &Path) -> Result<PathBuf> {
    path.canonicalize().map_err(|cause| {
        Error::io("open the folder", path, &cause).hint("give a folder that exists")
    })
}
