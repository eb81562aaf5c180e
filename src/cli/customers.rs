//! The pilot's customers: read from the roster or the assignment file, and written to it.

use std::io::Write;

use crate::assign::{AssignmentReader, AssignmentRow, AssignmentWriter, Roster};
use crate::engine::{self, RosterRow, SetAside};
use crate::error::{Error, Result};

use super::Global;
use super::pilot::{self, Opened};
use super::ui::Ui;

/// The customers of a roster.
pub struct Customers {
    /// Who they are.
    pub roster: Roster,
    /// The line of each.
    pub lines: Vec<u64>,
    /// Rows that cannot be read as a customer.
    pub set_aside: Vec<SetAside>,
}

/// The customers of the pilot.
///
/// # Errors
/// A roster that cannot be read.
pub fn read_roster(opened: &Opened, g: &Global, ui: &Ui) -> Result<Customers> {
    let progress = ui.progress("reading customers");
    let tick = pilot::ticking(&progress);
    let request = opened.request(None, g, &tick);
    let mut roster = Roster::new(opened.experiment().assignment.cluster.is_some());
    let mut lines = Vec::new();
    let set_aside = engine::read_roster(&request, &mut |row: RosterRow<'_>| {
        lines.push(row.line);
        roster
            .push(row.unit, row.strata, row.cluster)
            .map_err(|p| p.at(|_| row.line).file(row.file))
    })?;
    Ok(Customers {
        roster,
        lines,
        set_aside,
    })
}

/// Writes an assignment file, or one arm of it.
///
/// # Errors
/// It cannot be written.
pub fn write_rows(
    opened: &Opened,
    roster: &Roster,
    arms: &[Option<usize>],
    only: Option<usize>,
    to: &mut impl Write,
) -> Result<()> {
    let e = opened.experiment();
    let path = opened.pilot.assignment_path();
    let fail = |cause: std::io::Error| Error::io("write", &path, &cause);
    let names: Vec<String> = e.arms.iter().map(|a| a.name.clone()).collect();
    let mut writer = AssignmentWriter::new(
        to,
        &names,
        &e.assignment.strata,
        e.assignment.cluster.is_some(),
    )
    .map_err(fail)?;
    for (i, arm) in arms.iter().enumerate() {
        // A row without an arm repeats an earlier one.
        if let Some(arm) = *arm
            && only.is_none_or(|wanted| wanted == arm)
        {
            let row = AssignmentRow {
                unit: roster.unit(i),
                arm,
                strata: roster.strata(i),
                cluster: roster.cluster(i),
            };
            writer.write(row).map_err(fail)?;
        }
        if i % 65_536 == 0 {
            crate::interrupt::check()?;
        }
    }
    writer.finish().map_err(fail)?;
    Ok(())
}

/// Customers and their arms as the assignment file has them; nothing before `pilot assign` made one.
///
/// # Errors
/// The file cannot be read, is none of this plan, or is not the one that the ledger knows.
pub fn read_assignment(opened: &Opened) -> Result<Option<(Roster, Vec<usize>)>> {
    if opened.pilot.checked_assignment()?.is_none() {
        return Ok(None);
    }
    let path = opened.pilot.assignment_path();
    let file = std::fs::File::open(&path).map_err(|e| Error::io("read", &path, &e))?;
    let e = opened.experiment();
    let names: Vec<String> = e.arms.iter().map(|a| a.name.clone()).collect();
    AssignmentReader::new(
        file,
        &names,
        &e.assignment.strata,
        e.assignment.cluster.is_some(),
    )
    .and_then(AssignmentReader::read_all)
    .map(Some)
    .map_err(|error| error.file(&path))
}
