//! Windows: the same dates for everyone, or days from each customer's start.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::error::{Result, nearest};
use crate::experiment::model::{Data, Periods, Windows};
use crate::experiment::raw::Raw;
use crate::experiment::value::shown;

/// Reads the windows. The start column is named once, here or in the roster;
/// afterwards both say the same.
pub(super) fn read(plan: &Raw<'_>, data: Option<&mut Data>) -> Result<Option<Periods>> {
    let Some(raw) = plan.sub("periods") else {
        return match data {
            Some(Data::Log { .. }) => Err(plan.missing(
                "periods",
                Some("a log needs windows: add [periods] with before and after"),
            )),
            _ => Ok(None),
        };
    };
    let relative = ["start", "before_days", "after_days", "enrol"];
    let fixed = ["before", "after"];
    let stated = |names: &[&'static str]| names.iter().copied().find(|n| raw.states(n));
    let windows = match (stated(&relative), stated(&fixed)) {
        (Some(day), Some(date)) => {
            let error = raw.wrong(
                day,
                format!(
                    "`{day}` counts from each customer's start, `{date}` gives dates for everyone"
                ),
            );
            return Err(error.hint(match day {
                "start" => {
                    "with dates, name the start column under data.customers.columns; \
                            or use start, before_days and after_days alone"
                }
                _ => "use either before and after, or start, before_days and after_days",
            }));
        }
        (Some(_), None) => from_start(raw, data)?,
        (None, _) => by_date(raw, data.as_deref())?,
    };
    Ok(Some(Periods {
        windows,
        timezone: timezone(raw, "timezone")?.unwrap_or_else(|| "UTC".to_owned()),
    }))
}

fn by_date(raw: &Raw<'_>, data: Option<&Data>) -> Result<Windows> {
    let Some(after) = raw.get::<(Date, Date)>("after")? else {
        return Err(raw.missing(
            "after",
            Some("first and last day, for example [\"2026-10-01\", \"2026-11-29\"]"),
        ));
    };
    let before = raw.get::<(Date, Date)>("before")?;
    if let Some((_, last)) = before
        && last >= after.0
    {
        return Err(raw
            .wrong(
                "before",
                format!(
                    "the before period ends on {last}, not before the after period begins on {}",
                    after.0
                ),
            )
            .hint("the two windows must not overlap, and before comes first"));
    }
    let start = match data {
        Some(Data::Log { customers, .. }) => customers.start.clone(),
        _ => None,
    };
    Ok(Windows::Fixed {
        before,
        after,
        start,
    })
}

fn from_start(raw: &Raw<'_>, data: Option<&mut Data>) -> Result<Windows> {
    let roster = match data {
        Some(Data::Log { customers, .. }) => Some(&mut customers.start),
        _ => None,
    };
    let here: Option<String> = raw.get("start")?;
    let start = match (here, roster.as_ref().and_then(|s| s.as_ref())) {
        (Some(here), Some(there)) if here != *there => {
            return Err(raw
                .wrong(
                    "start",
                    format!(
                        "the start column is \"{}\" here and \"{}\" under data.customers.columns",
                        shown(&here),
                        shown(there)
                    ),
                )
                .hint("name the same column"));
        }
        (Some(here), _) => here,
        (None, Some(there)) => there.clone(),
        (None, None) => {
            return Err(raw.missing(
                "start",
                Some("name the roster column with each customer's start"),
            ));
        }
    };
    if let Some(column) = roster {
        *column = Some(start.clone());
    }
    let Some(after_days) = raw.get("after_days")? else {
        return Err(raw.missing(
            "after_days",
            Some("whole days from the start on, for example 60"),
        ));
    };
    Ok(Windows::Relative {
        start,
        before_days: raw.get("before_days")?.unwrap_or(0),
        after_days,
        enrol: raw.get("enrol")?,
    })
}

/// A time zone's IANA name, in its own spelling.
pub(super) fn timezone(raw: &Raw<'_>, key: &str) -> Result<Option<String>> {
    let Some(name) = raw.get::<String>(key)? else {
        return Ok(None);
    };
    if let Ok(zone) = TimeZone::get(&name)
        && let Some(iana) = zone.iana_name()
    {
        return Ok(Some(iana.to_owned()));
    }
    let error = raw.wrong(key, format!("unknown time zone \"{}\"", shown(&name)));
    let zones: Vec<String> = jiff::tz::db()
        .available()
        .map(|zone| zone.to_string())
        .collect();
    Err(match nearest(&name, zones.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean \"{near}\"?")),
        None => error.hint("use an IANA name, for example \"Europe/Berlin\" or \"UTC\""),
    })
}
