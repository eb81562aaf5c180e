//! Sets that may be used: those of which the ledger holds the making.

use crate::error::{Error, Result};
use crate::workspace::{Entry, Ledger, Pilot, Set};

use super::ui::Ui;

/// Refuses evidence that `pilot ingest` did not take: whoever put it there could have written
/// anything into it.
///
/// # Errors
/// The ledger does not know it, or knows another under its number.
pub fn evidence(pilot: &Pilot, ledger: &Ledger, set: Set) -> Result<Set> {
    if ledger.knows(&pilot.evidence(), &set)? {
        return Ok(set);
    }
    Err(Error::workspace(format!(
        "evidence {:04} was not taken by `pilot ingest`, so it is not used: {}",
        set.number,
        why(ledger.made(&pilot.evidence(), set.number)?.is_some())
    ))
    .file(&set.path)
    .hint(format!(
        "remove the folder, or take the data again: pilot ingest {}",
        pilot.name()
    )))
}

/// As [`evidence`], for the one command that makes it: says that it passes over a set.
///
/// # Errors
/// A ledger with a digest that is none.
pub fn or_passed_over(pilot: &Pilot, ledger: &Ledger, set: Set, ui: &Ui) -> Result<Option<Set>> {
    if ledger.knows(&pilot.evidence(), &set)? {
        return Ok(Some(set));
    }
    ui.warn(format!(
        "{} was not taken by `pilot ingest` and is passed over; `pilot verify` names it until it is removed",
        set.path.display()
    ));
    Ok(None)
}

/// Refuses an analysis that `pilot analyze` did not make, or that stands on evidence that was not
/// taken; gives its entry.
///
/// # Errors
/// The ledger does not know the analysis, or its evidence.
pub fn analysis<'a>(pilot: &Pilot, ledger: &'a Ledger, set: &Set) -> Result<&'a Entry> {
    let series = pilot.analyses();
    let maker = ledger.maker(&series, set.number);
    match maker.filter(|_| ledger.knows(&series, set).unwrap_or(false)) {
        Some(entry) => {
            ledger.stands_on_evidence(pilot, entry).map_err(|e| {
                Error::workspace(e.message())
                    .file(ledger.path())
                    .hint(e.hint_text().unwrap_or_default())
            })?;
            Ok(entry)
        }
        None => Err(Error::workspace(format!(
            "analysis {:04} was not made by `pilot analyze`: {}",
            set.number,
            why(maker.is_some())
        ))
        .file(&set.path)
        .hint(format!(
            "remove the folder, or analyse again: pilot analyze {}",
            pilot.name()
        ))),
    }
}

fn why(another: bool) -> &'static str {
    match another {
        true => "the ledger holds another digest under this number",
        false => "no entry of the ledger made it",
    }
}
