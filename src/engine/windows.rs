//! Days and clock times of the plan → instants in UTC, daylight saving included.

use std::ops::Range;

use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::strtime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Span, Timestamp};

use crate::error::{Error, Result};
use crate::experiment::{Periods, Windows};

use super::fields::MICRO;
use super::tally::NONE;

/// A date or time as a file gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment<'a> {
    /// Text, in the plan's format.
    Text(&'a str),
    /// ISO 8601, whatever the plan's format.
    Iso(&'a str),
    /// UTC microseconds.
    Instant(i64),
    /// A time without a zone, in microseconds since 1970 began there.
    Local(i64),
}

/// A customer's windows: UTC microseconds, ends exclusive; exposures in millionths of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span4 {
    /// First instant before; equal to `before_end` where there is no before period.
    pub before_start: i64,
    /// First instant after the before window.
    pub before_end: i64,
    /// First instant of the after window.
    pub after_start: i64,
    /// First instant after the after window.
    pub after_end: i64,
    /// Exposure after.
    pub exposure: i64,
    /// Exposure before; [`NONE`] where there is no before period.
    pub before_exposure: i64,
    /// Last day of the after window.
    pub last_day: Date,
}

/// Computes windows from the plan.
#[derive(Clone)]
pub struct Calendar {
    windows: Windows,
    zone: TimeZone,
    until: Option<Date>,
}

/// The zone of an IANA name.
///
/// # Errors
/// No zone has this name.
pub fn zone(name: &str) -> Result<TimeZone> {
    TimeZone::get(name).map_err(|_| {
        Error::plan(format!("no time zone is called \"{name}\""))
            .hint("use an IANA name such as \"Europe/Berlin\" or \"UTC\"")
    })
}

impl Calendar {
    /// The calendar of a plan.
    ///
    /// # Errors
    /// A time zone that does not exist.
    pub fn new(periods: &Periods) -> Result<Self> {
        Ok(Calendar {
            windows: periods.windows.clone(),
            zone: zone(&periods.timezone)?,
            until: None,
        })
    }

    /// The same, with every after window cut off at the end of a day: an interim look.
    ///
    /// Customers whose own start comes later have no exposure by dates, and are not yet in
    /// the pilot where windows are relative.
    pub fn until(mut self, day: Option<Date>) -> Self {
        self.until = day;
        self
    }

    /// The zone in which days begin.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The first instant of a day.
    ///
    /// # Errors
    /// A day out of range.
    pub fn midnight(&self, day: Date) -> Result<i64> {
        // Where a zone skips midnight, the day begins at the first instant after the gap.
        day.to_zoned(self.zone.clone())
            .map(|z| z.timestamp().as_microsecond())
            .map_err(|_| Error::plan(format!("the day {day} is out of range")))
    }

    fn day(&self, day: Date, plus: i64) -> Result<Date> {
        day.checked_add(Span::new().try_days(plus).map_err(|_| out_of_range(day))?)
            .map_err(|_| out_of_range(day))
    }

    /// The windows of a customer who started on `start` (`None` where the plan has no start).
    ///
    /// `Ok(None)` where the customer started outside the enrolment dates.
    ///
    /// # Errors
    /// Days out of the calendar's range.
    pub fn of(&self, start: Option<Date>) -> Result<Option<Span4>> {
        match &self.windows {
            Windows::Fixed { before, after, .. } => {
                let first = start.map_or(after.0, |s| s.max(after.0));
                let end = self.day(self.cut(after.1), 1)?;
                let before = before
                    .map(|(b0, b1)| (start.map_or(b0, |s| s.max(b0)), b1))
                    .filter(|(b0, b1)| b0 <= b1);
                self.span(before, first.min(end), end).map(Some)
            }
            Windows::Relative {
                before_days,
                after_days,
                enrol,
                ..
            } => {
                let Some(start) = start else { return Ok(None) };
                if enrol.is_some_and(|(a, b)| start < a || start > b)
                    || self.until.is_some_and(|until| start > until)
                {
                    return Ok(None);
                }
                let before = match before_days {
                    0 => None,
                    d => Some((self.day(start, -i64::from(*d))?, self.day(start, -1)?)),
                };
                let last = self.day(start, i64::from(*after_days) - 1)?;
                self.span(before, start, self.day(self.cut(last), 1)?)
                    .map(Some)
            }
        }
    }

    /// The last day of a window, or of what has passed of it.
    fn cut(&self, last: Date) -> Date {
        self.until.map_or(last, |until| last.min(until))
    }

    fn span(&self, before: Option<(Date, Date)>, first: Date, end: Date) -> Result<Span4> {
        let after_start = self.midnight(first)?;
        let (before_start, before_end, before_exposure) = match before {
            Some((b0, b1)) => {
                let b_end = self.day(b1, 1)?;
                (
                    self.midnight(b0)?,
                    self.midnight(b_end)?,
                    days(b0, b_end) * MICRO,
                )
            }
            None => (after_start, after_start, NONE),
        };
        Ok(Span4 {
            before_start,
            before_end,
            after_start,
            after_end: self.midnight(end)?,
            exposure: days(first, end) * MICRO,
            before_exposure,
            last_day: self.day(end, -1)?,
        })
    }
}

fn out_of_range(day: Date) -> Error {
    Error::plan(format!("the windows around {day} leave the calendar"))
}

fn days(from: Date, to: Date) -> i64 {
    from.until(to).map_or(0, |s| i64::from(s.get_days()))
}

/// Reads dates and times of one file.
pub struct Clock {
    format: Option<String>,
    zone: TimeZone,
    steady: Steady,
}

/// A stretch of local time in which every time exists once, and the zone's offset in it.
struct Steady {
    local: Range<i64>,
    offset: i64,
}

impl Clock {
    /// A clock for times written as `format` (ISO 8601 where `None`), local to `zone` unless they say otherwise.
    pub fn new(format: Option<&str>, zone: TimeZone) -> Self {
        Clock {
            format: format.map(str::to_string),
            zone,
            steady: Steady {
                local: 0..0,
                offset: 0,
            },
        }
    }

    /// An instant, in UTC microseconds.
    ///
    /// A local time that daylight saving repeats is its first occurrence; one
    /// that it skips is moved forward by the gap. A date alone is its first instant.
    ///
    /// # Errors
    /// In words: not a time, or not in the plan's format.
    pub fn instant(&mut self, moment: Moment<'_>) -> Result<i64, String> {
        let local = match (moment, &self.format) {
            (Moment::Instant(t), _) => {
                return Timestamp::from_microsecond(t)
                    .map(Timestamp::as_microsecond)
                    .map_err(|_| "not a time that exists".to_string());
            }
            (Moment::Local(local), _) => return self.local(local),
            (Moment::Text(text), Some(format)) => {
                let broken = strtime::parse(format, text.trim())
                    .map_err(|_| format!("not a time in the format \"{format}\""))?;
                if broken.offset().is_some() {
                    return broken
                        .to_timestamp()
                        .map(Timestamp::as_microsecond)
                        .map_err(|_| "not a time that exists".to_string());
                }
                let date = broken
                    .to_date()
                    .map_err(|_| "not a date that exists".to_string())?;
                date.to_datetime(broken.to_time().unwrap_or(Time::midnight()))
            }
            (Moment::Text(text), None) | (Moment::Iso(text), _) => {
                let text = text.trim();
                if let Ok(t) = text.parse::<Timestamp>() {
                    return Ok(t.as_microsecond());
                }
                text.parse::<DateTime>()
                    .or_else(|_| {
                        text.parse::<Date>()
                            .map(|d| d.to_datetime(Time::midnight()))
                    })
                    .map_err(|_| {
                        "not a date or time such as 2026-08-01 or 2026-08-01T13:05:00".to_string()
                    })?
            }
        };
        let no_time = |_| "not a time that exists".to_string();
        let whole = local.with().subsec_nanosecond(0).build();
        let whole = whole.and_then(|t| Offset::UTC.to_timestamp(t));
        let whole = whole.map_err(no_time)?.as_microsecond();
        self.local(whole + i64::from(local.subsec_nanosecond() / 1000))
    }

    /// A day: the local date that a date or time names.
    ///
    /// # Errors
    /// As [`Clock::instant`].
    pub fn date(&mut self, moment: Moment<'_>, days_in: &TimeZone) -> Result<Date, String> {
        let plain = match (moment, &self.format) {
            (Moment::Text(text), Some(format)) => strtime::parse(format, text.trim())
                .ok()
                .filter(|b| b.hour().is_none())
                .and_then(|b| b.to_date().ok()),
            (Moment::Text(text), None) | (Moment::Iso(text), _) if text.trim().len() == 10 => {
                text.trim().parse::<Date>().ok()
            }
            _ => None,
        };
        if let Some(day) = plain {
            return Ok(day);
        }
        let instant = self.instant(moment)?;
        Timestamp::from_microsecond(instant)
            .map(|t| t.to_zoned(days_in.clone()).date())
            .map_err(|_| "not a date that exists".to_string())
    }

    fn local(&mut self, local: i64) -> Result<i64, String> {
        if self.steady.local.contains(&local) {
            return Ok(local - self.steady.offset);
        }
        let no_time = |_| "not a time that exists".to_string();
        let civil = Timestamp::from_microsecond(local).map_err(no_time)?;
        let ambiguous = self
            .zone
            .to_ambiguous_timestamp(Offset::UTC.to_datetime(civil));
        let instant = match ambiguous.offset() {
            AmbiguousOffset::Fold { .. } => ambiguous.earlier(),
            AmbiguousOffset::Gap { .. } => ambiguous.compatible(),
            AmbiguousOffset::Unambiguous { offset } => {
                let instant = ambiguous.compatible().map_err(no_time)?;
                self.steady = Steady::around(&self.zone, instant, offset);
                Ok(instant)
            }
        };
        Ok(instant.map_err(no_time)?.as_microsecond())
    }
}

impl Steady {
    /// From where the change of offset before `instant` is over to where the next one begins.
    fn around(zone: &TimeZone, instant: Timestamp, offset: Offset) -> Self {
        let micros = |o: Offset| i64::from(o.seconds()) * MICRO;
        let moment = SignedDuration::from_micros(1);
        let start = instant.checked_add(moment).ok().and_then(|t| {
            let change = zone.preceding(t).next()?.timestamp();
            let old = zone.to_offset(change.checked_sub(moment).ok()?);
            Some(change.as_microsecond() + micros(old).max(micros(offset)))
        });
        let end = zone.following(instant).next().map(|change| {
            change.timestamp().as_microsecond() + micros(change.offset()).min(micros(offset))
        });
        Steady {
            local: start.unwrap_or(i64::MIN)..end.unwrap_or(i64::MAX),
            offset: micros(offset),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_the_book(zone: &TimeZone, local: DateTime) -> i64 {
        let ambiguous = zone.to_ambiguous_timestamp(local);
        let instant = match ambiguous.offset() {
            AmbiguousOffset::Fold { .. } => ambiguous.earlier(),
            _ => ambiguous.compatible(),
        };
        instant.unwrap().as_microsecond()
    }

    #[test]
    fn local_times_are_those_of_the_zone_around_every_change() {
        for name in [
            "Europe/Berlin",
            "UTC",
            "America/New_York",
            "Australia/Lord_Howe",
            "Africa/Cairo",
            "Asia/Kathmandu",
            "Pacific/Apia",
            "America/Sao_Paulo",
        ] {
            let zone = zone(name).unwrap();
            let mut clock = Clock::new(None, zone.clone());
            let mut times = Vec::new();
            let start = Date::constant(2010, 1, 1).to_zoned(zone.clone()).unwrap();
            for change in zone.following(start.timestamp()).take(40) {
                for minutes in (-180..180).step_by(15) {
                    let at = change.timestamp() + SignedDuration::from_mins(minutes);
                    for offset in [change.offset(), zone.to_offset(at)] {
                        times.push(offset.to_datetime(at));
                    }
                }
            }
            times.extend(
                (0..400).map(|d| {
                    (Date::constant(2025, 1, 1) + Span::new().days(d)).at(2, 30, 0, 1_000)
                }),
            );
            for local in times {
                let found = clock.instant(Moment::Iso(&local.to_string()));
                assert_eq!(found, Ok(by_the_book(&zone, local)), "{name} {local}");
            }
        }
    }
}
