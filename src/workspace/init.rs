//! New workspaces.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::workspace::paths::{MARKER, Workspace};
use crate::workspace::staging::check_relative;
use crate::workspace::write::{make_dirs, write_new};

const MARKER_TEXT: &str = "\
# This file marks a pilot workspace.
# [defaults]                # what `pilot design` writes into new plans
";

/// What holds customers' data stays out of version control; plans, ledgers and reports go in.
const GITIGNORE: &str = "\
# Customers' data stays here.
/data/
/experiments/*/assignment*
/experiments/*/evidence/
*set-aside*.txt
# Locks and files in the making.
/experiments/.*
/experiments/*/.*
/reports/.*
";

/// The ledger digests bytes, so version control must not change line ends.
const GITATTRIBUTES: &str = "\
/experiments/** -text
/reports/** -text
";

/// What [`Workspace::init`] did, by paths relative to the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Initialised {
    /// Made now.
    pub made: Vec<PathBuf>,
    /// There before, and left as it was.
    pub left: Vec<PathBuf>,
}

impl Workspace {
    /// Makes a folder a workspace: `pilot.toml`, `experiments/`, `reports/`, `data/`, `.gitignore`,
    /// `.gitattributes`, and the given files (relative names, for example a commented example).
    /// The marker comes last, so a killed run is completed by the next.
    ///
    /// # Errors
    /// A file where a folder is to be. Existing files are never an error and never written over.
    pub fn init(dir: &Path, files: &[(&str, &[u8])]) -> Result<(Self, Initialised)> {
        make_dirs(dir)?;
        let mut done = Initialised::default();
        for name in ["experiments", "reports", "data"] {
            let path = dir.join(name);
            match path.is_dir() {
                true => done.left.push(name.into()),
                false => {
                    fs::create_dir(&path)
                        .map_err(|cause| Error::io("make the folder", &path, &cause))?;
                    done.made.push(name.into());
                }
            }
        }
        for (name, _) in files {
            check_relative(name)?;
        }
        let own: [(&str, &[u8]); 2] = [
            (".gitignore", GITIGNORE.as_bytes()),
            (".gitattributes", GITATTRIBUTES.as_bytes()),
        ];
        let marker: [(&str, &[u8]); 1] = [(MARKER, MARKER_TEXT.as_bytes())];
        for (name, bytes) in own.iter().chain(files).chain(&marker) {
            let path = dir.join(name);
            // A dangling link is there too, though `exists` would not see it.
            if path.symlink_metadata().is_ok() {
                done.left.push(name.into());
            } else {
                write_new(&path, bytes)?;
                done.made.push(name.into());
            }
        }
        Ok((Self::open(dir)?, done))
    }
}
