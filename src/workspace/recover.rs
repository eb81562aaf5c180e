//! What a killed run leaves, and what is done about it at the next lock.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::workspace::digest::Digest;
use crate::workspace::ledger::kind;
use crate::workspace::manifest::Manifest;
use crate::workspace::numbered::Series;
use crate::workspace::paths::Pilot;
use crate::workspace::swap::old_path;
use crate::workspace::walk::names_in;
use crate::workspace::write::{remove_tree, rename};

/// Something a killed run left, and what was done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// Half-written, or no longer needed: removed.
    Removed(PathBuf),
    /// Whole and entered in the ledger, but not yet in its place: put there.
    Finished(PathBuf),
    /// Moved away for a swap that did not come about: put back.
    Restored(PathBuf),
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (done, path) = match self {
            Repair::Removed(path) => ("removed what an interrupted run had left at", path),
            Repair::Finished(path) => ("finished what an interrupted run had begun at", path),
            Repair::Restored(path) => ("put back what an interrupted run had moved from", path),
        };
        write!(f, "{done} {}", path.display())
    }
}

/// The assignment while it waits for its entry in the ledger.
pub(crate) fn pending_assignment(pilot: &Pilot) -> PathBuf {
    pilot.dir().join(".assignment.csv.next")
}

/// Repairs a locked pilot's folders.
pub(crate) fn recover(pilot: &Pilot) -> Result<Vec<Repair>> {
    let mut repairs = Vec::new();
    let workspace = pilot.workspace();
    let plan = format!(".{}.toml.tmp-", pilot.name());
    remove_temporary(&workspace.experiments(), &plan, &mut repairs)?;
    for dir in [pilot.dir(), pilot.approved_dir()] {
        remove_temporary(&dir, ".", &mut repairs)?;
    }
    for series in [pilot.evidence(), pilot.analyses(), pilot.signed()] {
        remove_temporary(series.dir(), &series.hidden_prefix(), &mut repairs)?;
        settle_sets(pilot, &series, &mut repairs)?;
    }
    settle_assignment(pilot, &mut repairs)?;

    let old = old_path(&pilot.report_dir())?;
    if old.symlink_metadata().is_ok() {
        if pilot.report_dir().symlink_metadata().is_ok() {
            remove_tree(&old)?;
            repairs.push(Repair::Removed(old));
        } else {
            rename(&old, &pilot.report_dir())?;
            repairs.push(Repair::Restored(pilot.report_dir()));
        }
    }
    let report = format!(".{}.tmp-", pilot.name());
    remove_temporary(&workspace.reports(), &report, &mut repairs)?;
    Ok(repairs)
}

fn remove_temporary(dir: &Path, prefix: &str, repairs: &mut Vec<Repair>) -> Result<()> {
    for name in sorted_names(dir)? {
        if name.starts_with(prefix) && name.starts_with('.') && name.contains(".tmp-") {
            let path = dir.join(name);
            remove_tree(&path)?;
            repairs.push(Repair::Removed(path));
        }
    }
    Ok(())
}

/// Puts pending sets in their place that the ledger names, and removes the others.
fn settle_sets(pilot: &Pilot, series: &Series, repairs: &mut Vec<Repair>) -> Result<()> {
    for name in sorted_names(series.dir())? {
        let Some(number) = series.pending_number(&name) else {
            continue;
        };
        let pending = series.dir().join(name);
        let digest = Manifest::read(&pending).ok().map(|(_, digest)| digest);
        let place = series.path(number);
        let logged = digest.is_some() && pilot.ledger()?.made(series, number)? == digest;
        if logged && place.symlink_metadata().is_err() {
            series.publish(&pending, &place)?;
            repairs.push(Repair::Finished(place));
        } else {
            remove_tree(&pending)?;
            repairs.push(Repair::Removed(pending));
        }
    }
    Ok(())
}

fn settle_assignment(pilot: &Pilot, repairs: &mut Vec<Repair>) -> Result<()> {
    let pending = pending_assignment(pilot);
    if pending.symlink_metadata().is_err() {
        return Ok(());
    }
    let digest = Digest::of_file(&pending)?;
    let ledger = pilot.ledger()?;
    if ledger.last(kind::ASSIGN).is_some() && ledger.assignment_sha256()? == Some(digest) {
        rename(&pending, &pilot.assignment_path())?;
        repairs.push(Repair::Finished(pilot.assignment_path()));
    } else {
        remove_tree(&pending)?;
        repairs.push(Repair::Removed(pending));
    }
    Ok(())
}

fn sorted_names(dir: &Path) -> Result<Vec<String>> {
    let mut names = names_in(dir)?;
    names.sort();
    Ok(names)
}
