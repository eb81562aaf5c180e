//! `weekly.csv` and `spillover.csv`: parts of the exchange format beside `cells.csv`.

use std::io::{Read, Write};

use crate::error::{Error, Result};

use super::cells::ArmId;
use super::evidence::Evidence;
use super::spillover::{Measure, SpillSums, Spillover};
use super::weekly::{WeekPair, Weekly};

const WEEKLY: [&str; 8] = [
    "outcome",
    "arm",
    "week",
    "other_week",
    "customers",
    "sum",
    "other_sum",
    "product",
];
const SPILLOVER: [&str; 6] = ["measure", "channel", "arm", "customers", "sum", "squares"];

/// An outcome as `weekly.csv` names it.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// The outcome.
    pub outcome: &'a str,
    /// Decimals of its sums.
    pub decimals: u8,
}

/// Writes the weeks of all outcomes; weeks are counted from 1.
///
/// # Errors
/// The writer's own.
pub fn write_weekly(evidence: &Evidence, to: impl Write) -> std::io::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    csv.write_record(WEEKLY)?;
    for outcome in &evidence.outcomes {
        let Some(weekly) = &outcome.weekly else {
            continue;
        };
        let d = weekly.decimals();
        for (arm, week, other, pair) in weekly.pairs() {
            csv.write_record([
                outcome.outcome.as_str(),
                outcome.table.arms()[usize::from(arm.0)].as_str(),
                &(week + 1).to_string(),
                &(other + 1).to_string(),
                &pair.customers.to_string(),
                &decimal(pair.sum, d),
                &decimal(pair.other_sum, d),
                &decimal(pair.product, 2 * d),
            ])?;
        }
    }
    csv.flush()
}

/// Reads what [`write_weekly`] wrote, or a warehouse; `None` for outcomes without a row.
///
/// # Errors
/// Columns that are missing, unknown outcomes or arms, numbers that do not fit each other;
/// with the line, without the file.
pub fn read_weekly(
    from: impl Read,
    arms: &[String],
    outcomes: &[Named<'_>],
) -> Result<Vec<Option<Weekly>>> {
    let mut found = vec![Vec::new(); outcomes.len()];
    let mut rows = Rows::new(from, &WEEKLY)?;
    while rows.advance()? {
        let place = outcomes.iter().position(|o| o.outcome == rows.field(0));
        let place = place.ok_or_else(|| rows.wrong(0, "the plan has no such outcome"))?;
        let d = outcomes[place].decimals;
        let week = |column: usize| -> Result<usize> {
            let number: usize = rows.number(column)?;
            number
                .checked_sub(1)
                .filter(|w| *w < Weekly::MOST)
                .ok_or_else(|| rows.wrong(column, "weeks are counted from 1"))
        };
        found[place].push((
            rows.arm(1, arms)?,
            week(2)?,
            week(3)?,
            WeekPair {
                customers: rows.number(4)?,
                sum: rows.decimal(5, d)?,
                other_sum: rows.decimal(6, d)?,
                product: rows.decimal(7, 2 * d)?,
            },
        ));
    }
    let weekly = found.into_iter().zip(outcomes).map(|(pairs, o)| {
        if pairs.is_empty() {
            return Ok(None);
        }
        Weekly::new(arms.len(), o.decimals, pairs).map(Some)
    });
    weekly.collect()
}

/// Writes contacts for other reasons and by channel.
///
/// # Errors
/// The writer's own.
pub fn write_spillover(evidence: &Evidence, to: impl Write) -> std::io::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    csv.write_record(SPILLOVER)?;
    let arms = evidence
        .outcomes
        .first()
        .map_or(&[][..], |o| o.table.arms());
    for (measure, sums) in evidence.spillover.iter().flat_map(Spillover::measures) {
        let (word, channel) = match measure {
            Measure::OtherReasons => ("other-reasons", ""),
            Measure::Channel(name) => ("channel", name.as_str()),
        };
        for (arm, s) in arms.iter().zip(sums) {
            csv.write_record([
                word,
                channel,
                arm,
                &s.customers.to_string(),
                &s.sum.to_string(),
                &s.squares.to_string(),
            ])?;
        }
    }
    csv.flush()
}

/// Reads what [`write_spillover`] wrote; an arm without a row has no customer.
///
/// # Errors
/// As [`read_weekly`].
pub fn read_spillover(from: impl Read, arms: &[String], many_channels: bool) -> Result<Spillover> {
    let mut measures: Vec<(Measure, Vec<SpillSums>)> = Vec::new();
    let mut rows = Rows::new(from, &SPILLOVER)?;
    while rows.advance()? {
        let measure = match rows.field(0) {
            "other-reasons" => Measure::OtherReasons,
            "channel" => Measure::Channel(rows.field(1).to_string()),
            _ => return Err(rows.wrong(0, "neither \"other-reasons\" nor \"channel\"")),
        };
        let arm = usize::from(rows.arm(2, arms)?.0);
        let sums = SpillSums {
            customers: rows.number(3)?,
            sum: rows.decimal(4, 0)?,
            squares: rows.decimal(5, 0)?,
        };
        let at = measures.iter().position(|m| m.0 == measure);
        let at = at.unwrap_or_else(|| {
            measures.push((measure, vec![SpillSums::default(); arms.len()]));
            measures.len() - 1
        });
        measures[at].1[arm] = sums;
    }
    Spillover::new(arms.len(), measures, many_channels)
}

/// Rows of a small file whose columns are found by name.
struct Rows<R> {
    csv: csv::Reader<R>,
    record: csv::StringRecord,
    names: &'static [&'static str],
    columns: Vec<usize>,
}

impl<R: Read> Rows<R> {
    fn new(from: R, names: &'static [&'static str]) -> Result<Self> {
        let mut csv = csv::Reader::from_reader(from);
        let header = csv.headers().map_err(|e| unreadable(&e))?.clone();
        let columns = names
            .iter()
            .map(|name| {
                header.iter().position(|h| h == *name).ok_or_else(|| {
                    Error::data(format!("the column \"{name}\" is missing"))
                        .line(1)
                        .hint(format!("the columns are {}", names.join(", ")))
                })
            })
            .collect::<Result<_>>()?;
        Ok(Rows {
            csv,
            record: csv::StringRecord::new(),
            names,
            columns,
        })
    }

    fn advance(&mut self) -> Result<bool> {
        self.csv
            .read_record(&mut self.record)
            .map_err(|e| unreadable(&e))
    }

    fn field(&self, column: usize) -> &str {
        self.record.get(self.columns[column]).unwrap_or_default()
    }

    fn wrong(&self, column: usize, why: &str) -> Error {
        let line = self.record.position().map_or(0, csv::Position::line);
        Error::data(why).line(line).key(self.names[column])
    }

    fn number<N: std::str::FromStr>(&self, column: usize) -> Result<N> {
        self.field(column)
            .trim()
            .parse()
            .map_err(|_| self.wrong(column, "not a whole number from 0 up"))
    }

    fn decimal(&self, column: usize, decimals: u8) -> Result<i128> {
        fixed(self.field(column).trim(), decimals).ok_or_else(|| {
            let why = match decimals {
                0 => "not a whole number".to_string(),
                d => format!("not a number with at most {d} decimals"),
            };
            self.wrong(column, &why)
        })
    }

    fn arm(&self, column: usize, arms: &[String]) -> Result<ArmId> {
        let at = arms.iter().position(|a| a == self.field(column));
        at.map(|a| ArmId(a as u16))
            .ok_or_else(|| self.wrong(column, "the plan has no such arm"))
    }
}

fn unreadable(error: &csv::Error) -> Error {
    let line = error.position().map_or(0, csv::Position::line);
    Error::data("a row cannot be read").line(line)
}

/// A fixed-point number as text, without zeros that say nothing.
fn decimal(value: i128, decimals: u8) -> String {
    let unit = 10u128.pow(u32::from(decimals));
    let (whole, part) = (value.unsigned_abs() / unit, value.unsigned_abs() % unit);
    let sign = if value < 0 { "-" } else { "" };
    if part == 0 {
        return format!("{sign}{whole}");
    }
    let part = format!("{part:0width$}", width = usize::from(decimals));
    format!("{sign}{whole}.{}", part.trim_end_matches('0'))
}

/// The inverse of [`decimal`]; fewer decimals than there may be are zeros.
fn fixed(text: &str, decimals: u8) -> Option<i128> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let (sign, whole) = match whole.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, whole),
    };
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    let missing = usize::from(decimals).checked_sub(part.len())?;
    if whole.is_empty() || !digits(whole) || !digits(part) {
        return None;
    }
    let all: i128 = [whole, part, &"0".repeat(missing)].concat().parse().ok()?;
    Some(sign * all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_trip() {
        for (value, decimals, text) in [
            (0, 0, "0"),
            (-5, 0, "-5"),
            (-5, 6, "-0.000005"),
            (1_500_000, 6, "1.5"),
            (i128::MAX, 12, "170141183460469231731687303.715884105727"),
        ] {
            assert_eq!(decimal(value, decimals), text);
            assert_eq!(fixed(text, decimals), Some(value));
        }
        for bad in ["", "-", "1.5.2", "1,5", "1e3", "+1", "0.1234567", " 1"] {
            assert_eq!(fixed(bad, 6), None, "{bad}");
        }
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_line() {
        let arms = ["control".to_string(), "video".to_string()];
        let outcomes = [Named {
            outcome: "fees",
            decimals: 0,
        }];
        let head = "outcome,arm,week,other_week,customers,sum,other_sum,product\n";
        for (rows, line, says) in [
            ("fee,video,1,1,3,4,4,6\n", 2, "no such outcome"),
            (
                "fees,video,1,1,3,4,4,6\nfees,tv,1,1,3,4,4,6\n",
                3,
                "no such arm",
            ),
            ("fees,video,0,1,3,4,4,6\n", 2, "from 1"),
            ("fees,video,1,1,-3,4,4,6\n", 2, "whole number"),
            ("fees,video,1,1,3,4.5,4,6\n", 2, "whole number"),
        ] {
            let error = read_weekly([head, rows].concat().as_bytes(), &arms, &outcomes);
            let error = error.unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
            assert!(
                error.contains(&format!("line {line}")) || error.contains(&format!(":{line}")),
                "{error}"
            );
        }
        assert!(read_weekly("outcome,arm\n".as_bytes(), &arms, &outcomes).is_err());
        let none = read_weekly(head.as_bytes(), &arms, &outcomes).unwrap();
        assert_eq!(none, [None]);
    }
}
