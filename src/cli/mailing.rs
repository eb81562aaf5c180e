//! Mailing files: one an arm, and further ones for customers who come later.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::assign::{AssignmentReader, Roster};
use crate::error::{Error, Result};
use crate::workspace::write_new;

use super::customers::write_rows;
use super::pilot::Opened;

/// More files of an arm than anyone mails.
const MOST_FILES: u32 = 9999;

/// The mailing files of an assignment.
#[derive(Debug, Default)]
pub struct Mailing {
    /// The first file of each arm, relative to the workspace.
    pub files: Vec<String>,
    /// Files of customers who came after it was written, each with how many there are.
    pub later: Vec<(String, usize)>,
    fresh: Vec<(PathBuf, Vec<u8>)>,
}

impl Mailing {
    /// Writes the files that are not there yet.
    ///
    /// # Errors
    /// One cannot be written, or is there by now.
    pub fn write(&self) -> Result<()> {
        for (path, bytes) in &self.fresh {
            write_new(path, bytes)?;
        }
        Ok(())
    }
}

/// The name of an arm's file, the first or a later one, relative to the workspace.
fn name(opened: &Opened, arm: usize, number: u32) -> String {
    let (pilot, arm) = (opened.pilot.name(), &opened.experiment().arms[arm].name);
    match number {
        1 => format!("data/{pilot}-{arm}.csv"),
        n => format!("data/{pilot}-{arm}-{n:04}.csv"),
    }
}

/// Refuses to begin where files of these names are there already.
///
/// # Errors
/// The first of them.
pub fn are_new(opened: &Opened) -> Result<()> {
    let root = opened.pilot.workspace().root();
    let arms = 0..opened.experiment().arms.len();
    let mut paths = arms.map(|arm| root.join(name(opened, arm, 1)));
    match paths.find(|path| path.exists()) {
        None => Ok(()),
        Some(path) => Err(
            Error::workspace("the mailing file exists and is left as it is")
                .file(path)
                .hint("move it away, then assign again"),
        ),
    }
}

/// What has to be written: every customer of an arm stands in one of its files, none in two, and a
/// file that is there stays as it is.
///
/// # Errors
/// A file of such a name that holds other customers than the arm's.
pub fn due(opened: &Opened, roster: &Roster, arms: &[Option<usize>]) -> Result<Mailing> {
    let root = opened.pilot.workspace().root();
    let mut mailing = Mailing::default();
    for arm in 0..opened.experiment().arms.len() {
        let first = name(opened, arm, 1);
        mailing.files.push(first.clone());
        let own: HashSet<&str> = (0..roster.len())
            .filter(|row| arms[*row] == Some(arm))
            .map(|row| roster.unit(row))
            .collect();
        let mut mailed = HashSet::new();
        let mut number = 1;
        while number < MOST_FILES && root.join(name(opened, arm, number)).exists() {
            let path = root.join(name(opened, arm, number));
            held(opened, &path, &own, &mut mailed)?;
            number += 1;
        }
        if number > 1 && mailed.len() == own.len() {
            continue;
        }
        let wanted: Vec<Option<usize>> = (0..roster.len())
            .map(|row| arms[row].filter(|a| *a == arm && !mailed.contains(roster.unit(row))))
            .collect();
        let mut bytes = Vec::new();
        write_rows(opened, roster, &wanted, Some(arm), &mut bytes)?;
        let file = name(opened, arm, number);
        if number > 1 {
            mailing.later.push((file.clone(), own.len() - mailed.len()));
        }
        mailing.fresh.push((root.join(file), bytes));
    }
    Ok(mailing)
}

/// Adds the customers of a file, each of whom must be one of `own`.
fn held(
    opened: &Opened,
    path: &Path,
    own: &HashSet<&str>,
    mailed: &mut HashSet<String>,
) -> Result<()> {
    let other = || {
        Error::workspace("the mailing file exists and holds other customers")
            .file(path)
            .hint("it is left as it is; move it away, then run `assign --split` again")
    };
    let e = opened.experiment();
    let names: Vec<String> = e.arms.iter().map(|a| a.name.clone()).collect();
    let file = std::fs::File::open(path).map_err(|e| Error::io("read", path, &e))?;
    let clustered = e.assignment.cluster.is_some();
    let mut reader = AssignmentReader::new(file, &names, &e.assignment.strata, clustered)
        .map_err(|_| other())?;
    while let Some(row) = reader.next_row().map_err(|_| other())? {
        if !own.contains(row.unit) {
            return Err(other());
        }
        mailed.insert(row.unit.to_owned());
    }
    Ok(())
}
