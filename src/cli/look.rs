//! Which look a plan's owner asks for, and the looks made before it.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;
use serde::Deserialize;

use crate::analysis::{self, Boundaries};
use crate::error::{Error, Result};
use crate::experiment::{Data, Experiment, Sequential};
use crate::workspace::Pilot;

use super::analyze::Args;
use super::pilot;

/// A look before the planned end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interim {
    /// Number, from 1.
    pub number: u32,
    /// Last day whose contacts count; `None` where the data have no days, and the file is as of the look.
    pub until: Option<Date>,
}

impl Interim {
    /// What tells the evidence of this look from that of the end and of other looks.
    pub fn mark(&self) -> String {
        match self.until {
            Some(day) => format!("until = {day}\n"),
            None => format!("look = {}\n", self.number),
        }
    }
}

/// The look that `--look` asks for; `None` without it, or where it names the last look, which is the ordinary analysis.
///
/// # Errors
/// No sequential plan, no such look, or one whose day is not over.
pub fn interim(args: &Args, experiment: &Experiment) -> Result<Option<Interim>> {
    let Some(number) = args.look else {
        return Ok(None);
    };
    let Some(sequential) = &experiment.analysis.sequential else {
        return Err(analysis::no_looks_planned());
    };
    let usage = |message: String| Error::usage(message).key("--look");
    if number == 0 {
        return Err(usage("looks are counted from 1".into()).hint("the first look is --look 1"));
    }
    if !args.set.is_empty() {
        return Err(usage("a what-if cannot look early".into())
            .hint("every look is a line in the ledger, and a what-if is none; take --set out"));
    }
    let today = args.as_of.unwrap_or_else(|| pilot::today(experiment));
    let end = end(experiment);
    if let Some(planned) = sequential.number() {
        let planned = u32::try_from(planned).unwrap_or(u32::MAX);
        if number > planned {
            return Err(usage(format!(
                "the plan has {planned} looks, and no look {number}"
            ))
            .hint("`pilot show` lists them"));
        }
        if number == planned {
            return match end.filter(|end| today <= *end) {
                Some(end) => Err(usage(format!(
                    "look {number} is the last, at the planned end on {end}, which has not passed"
                ))
                .hint("no earlier day can be the last look; wait for the end")),
                None => Ok(None),
            };
        }
    }
    if end.is_some_and(|end| today > end) && args.as_of.is_none() {
        let end = end.map_or_else(String::new, |end| format!(" on {end}"));
        return Err(usage(format!(
            "the test period ended{end}; the look at hand is the last"
        ))
        .hint("leave --look out; to make up a look of an earlier day, name it with --as-of"));
    }
    let until = until(args, experiment, sequential, number, today)?;
    Ok(Some(Interim { number, until }))
}

/// The last day of an interim look's contacts.
fn until(
    args: &Args,
    experiment: &Experiment,
    sequential: &Sequential,
    number: u32,
    today: Date,
) -> Result<Option<Date>> {
    let usage = |message: String| Error::usage(message).key("--look");
    let day = sequential.looks.get(number as usize - 1).copied();
    // Today is not over yet, so yesterday is the last day that can be whole.
    let yesterday = today
        .checked_sub(1.day())
        .map_err(|_| usage(format!("there is no day before {today}")))?;
    let log = matches!(experiment.data, Some(Data::Log { .. }));
    let until = match day {
        Some(day) if day <= yesterday => day,
        Some(day) if args.as_of.is_none() => {
            return Err(usage(format!("look {number} counts contacts up to {day}, which is not over"))
                .hint(format!(
                    "run it from the day after; to look earlier all the same, which a spending function allows: --as-of {today}"
                )));
        }
        Some(_) => yesterday,
        None if log || experiment.periods.is_some() => match end(experiment) {
            Some(end) => yesterday.min(end),
            None => yesterday,
        },
        None => return Ok(None),
    };
    if let Some(first) = first(experiment)
        && until < first
    {
        return Err(usage(format!(
            "the test period begins on {first}, and {until} lies before it"
        ))
        .hint("a look needs contacts from the test period"));
    }
    let complete = match &experiment.data {
        Some(Data::Log { contacts, .. }) => contacts.complete_until,
        _ => None,
    };
    if let Some(complete) = complete.filter(|complete| *complete < until) {
        return Err(usage(format!(
            "the log is complete until {complete} only, and look {number} counts contacts up to {until}"
        ))
        .hint("export the log again and set complete_until; or look earlier with --as-of"));
    }
    Ok(Some(until))
}

fn first(experiment: &Experiment) -> Option<Date> {
    analysis::first_day(&experiment.periods.as_ref()?.windows)
}

/// The last day of the last after window, where the plan tells it.
pub fn end(experiment: &Experiment) -> Option<Date> {
    analysis::last_day(&experiment.periods.as_ref()?.windows)
}

/// What is read of an earlier analysis.
#[derive(Deserialize)]
struct Recorded {
    #[serde(default)]
    look: Option<u32>,
    #[serde(default)]
    boundaries: Option<Boundaries>,
}

/// The looks before `number` as they were recorded, the newest record of each, in their order;
/// folders that `pilot analyze` did not make are no record.
///
/// # Errors
/// An analysis that cannot be read.
pub fn earlier(pilot: &Pilot, number: Option<u32>) -> Result<Vec<Boundaries>> {
    let (series, ledger) = (pilot.analyses(), pilot.ledger()?);
    let mut looks = BTreeMap::new();
    for set in series.list()?.sets {
        if !ledger.knows(&series, &set)? {
            continue;
        }
        let bytes = set.read("analysis.json")?;
        let recorded: Recorded = serde_json::from_slice(&bytes).map_err(|e| {
            Error::workspace(format!(
                "the analysis {:04} cannot be read: {e}",
                set.number
            ))
            .file(set.path.join("analysis.json"))
            .hint("restore it from a copy; a look needs the looks before it")
        })?;
        if let (Some(look), Some(boundaries)) = (recorded.look, recorded.boundaries)
            && !boundaries.ended
            && number.is_none_or(|n| look < n)
        {
            looks.insert(look, boundaries);
        }
    }
    Ok(looks.into_values().collect())
}
