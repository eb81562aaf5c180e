//! The contact log: a row a contact.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::experiment::{ContactsFile, Experiment, OutcomeKind};

use super::Request;
use super::columns::{Misfit, Table};
use super::ledger::Ledger;
use super::source::Part;
use super::tally::NONE;
use super::windows::{Calendar, Clock, zone};

/// One contact.
#[derive(Debug, Clone, Copy)]
pub struct Contact<'a> {
    /// Customer.
    pub unit: &'a [u8],
    /// UTC microseconds.
    pub time: i64,
    /// Outcomes that count it, a bit each.
    pub outcomes: u64,
    /// Contact identifier, where the log has one.
    pub id: Option<&'a [u8]>,
    /// Handling time in millionths of a second; [`NONE`] where unknown.
    pub handling: i64,
    /// Channel, where the log has one that can be read.
    pub channel: Option<&'a str>,
    /// The used fields as they stood, to tell exact repeats; empty where the log has identifiers.
    pub used: &'a [u8],
}

/// Which outcomes count a reason.
struct Reasons<'a> {
    known: HashMap<String, u64>,
    experiment: &'a Experiment,
}

impl Reasons<'_> {
    fn mask(&mut self, reason: &str) -> u64 {
        if let Some(mask) = self.known.get(reason) {
            return *mask;
        }
        let mut mask = 0;
        for (i, o) in self.experiment.outcomes.iter().enumerate() {
            if o.reasons.is_empty() || o.reasons.iter().any(|r| r == reason) {
                mask |= 1 << i;
            }
        }
        self.known.insert(reason.to_string(), mask);
        mask
    }
}

/// Reads `parts` row by row into `sink`.
///
/// # Errors
/// Missing columns, more than 64 outcomes, whatever the sink refuses.
pub fn read(
    request: &Request<'_>,
    file: &ContactsFile,
    parts: &[Part],
    calendar: &Calendar,
    ledger: &mut Ledger,
    sink: &mut dyn FnMut(Contact<'_>, &Table) -> Result<()>,
) -> Result<()> {
    first_rows(request, file, parts, calendar, ledger, u64::MAX, sink)
}

/// The same, of each part only its first `most` rows.
///
/// # Errors
/// As [`read`].
pub fn first_rows(
    request: &Request<'_>,
    file: &ContactsFile,
    parts: &[Part],
    calendar: &Calendar,
    ledger: &mut Ledger,
    most: u64,
    sink: &mut dyn FnMut(Contact<'_>, &Table) -> Result<()>,
) -> Result<()> {
    let experiment = request.experiment;
    if experiment.outcomes.len() > 64 {
        return Err(Error::plan("a log pilot has at most 64 outcomes").key("outcomes"));
    }
    let timed = experiment
        .outcomes
        .iter()
        .any(|o| o.kind == OutcomeKind::Mean);
    if timed && file.handling_seconds.is_none() {
        return Err(Error::plan(
            "a mean outcome of a contact log is its handling time, and no column is named",
        )
        .key("data.contacts.columns.handling_seconds")
        .hint("name the column with each contact's handling seconds"));
    }
    let file_zone = match &file.format.timezone {
        Some(name) => zone(name)?,
        None => calendar.zone().clone(),
    };
    let mut clock = Clock::new(file.format.time_format.as_deref(), file_zone);
    let mut reasons = Reasons {
        known: HashMap::new(),
        experiment,
    };
    let has_id = file.id.is_some();
    let mut used = Vec::new();
    for part in parts {
        let mut table = Table::open(part, &file.format)?;
        let role = |key: &str| format!("data.contacts.columns.{key}");
        let unit = table.column(&file.unit, &role("unit"))?;
        let time = table.column(&file.time, &role("time"))?;
        let optional = |name: &Option<String>, key: &str| {
            name.as_ref()
                .map(|n| table.column(n, &role(key)))
                .transpose()
        };
        let reason = optional(&file.reason, "reason")?;
        let id = optional(&file.id, "id")?;
        let channel = optional(&file.channel, "channel")?;
        let handling = optional(&file.handling_seconds, "handling_seconds")?;
        let last = ledger.rows.saturating_add(most);
        while ledger.rows < last && table.advance()? {
            ledger.rows += 1;
            if ledger.rows.is_multiple_of(65_536) {
                (request.tick)(ledger.rows)?;
            }
            let parsed = table.row().and_then(|row| {
                let key = row.text(&unit)?;
                if key.trim().is_empty() {
                    return Err(Misfit::new(&unit, "the customer's identifier is blank"));
                }
                let at = row.instant(&time, &mut clock)?;
                let outcomes = match &reason {
                    Some(c) => reasons.mask(row.text(c)?),
                    None => reasons.mask(""),
                };
                // Where no outcome adds it up it need not be a number, or be there.
                let seconds = match &handling {
                    Some(c) if timed => match row.number(c, file.format.decimal)? {
                        None => return Err(Misfit::new(c, "the handling time is missing")),
                        Some(n) if n.micros < 0 => {
                            return Err(Misfit::new(c, "a handling time is not negative"));
                        }
                        number => number,
                    },
                    _ => None,
                };
                let id = match &id {
                    Some(c) => Some(row.text(c)?.as_bytes()).filter(|id| !id.is_empty()),
                    None => None,
                };
                used.clear();
                if !has_id {
                    let columns = [
                        Some(&unit),
                        Some(&time),
                        reason.as_ref(),
                        channel.as_ref(),
                        handling.as_ref(),
                    ];
                    for c in columns.into_iter().flatten() {
                        used.extend_from_slice(row.bytes(c));
                        used.push(0);
                    }
                }
                let channel = channel.as_ref().and_then(|c| row.text(c).ok());
                Ok((key.as_bytes(), at, outcomes, id, seconds, channel))
            });
            match parsed {
                Ok((unit, time, outcomes, id, handling, channel)) => {
                    ledger.rounded += u64::from(handling.is_some_and(|h| h.rounded));
                    let contact = Contact {
                        unit,
                        time,
                        outcomes,
                        id,
                        handling: handling.map_or(NONE, |h| h.micros),
                        channel,
                        used: &used,
                    };
                    sink(contact, &table)?;
                }
                Err(misfit) => ledger.reject(&mut table, misfit)?,
            }
        }
    }
    Ok(())
}
