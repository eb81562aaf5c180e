//! A first look at a counts file: which column is what, and what history says.

use std::collections::BTreeSet;
use std::path::Path;

use crate::error::{Error, Result};
use crate::experiment::FileFormat;

use super::columns::{Misfit, Table};
use super::fields::{MICRO, number};
use super::source::{Input, expand, whole};

/// Rows that a guess looks at.
const SAMPLE: usize = 1000;

/// What the columns of a counts file seem to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    /// Delimiter.
    pub delimiter: u8,
    /// Customer identifier.
    pub unit: Option<String>,
    /// Arm.
    pub arm: String,
    /// Values of the arm column, sorted.
    pub arms: Vec<String>,
    /// Outcome after.
    pub after: String,
    /// Outcome before.
    pub before: Option<String>,
    /// Exposure after.
    pub exposure: Option<String>,
    /// Whether every outcome seen is 0 or 1.
    pub yes_no: bool,
    /// Whether an outcome seen is no whole number, or negative.
    pub fractional: bool,
}

/// How a plain file is read.
pub fn plain_format(path: &str, delimiter: u8) -> FileFormat {
    FileFormat {
        path: path.into(),
        delimiter,
        encoding: None,
        decimal: '.',
        time_format: None,
        timezone: None,
        max_bad_rows: 0.01,
    }
}

fn one(root: &Path, path: &str) -> Result<Input> {
    let mut inputs = expand(root, path)?;
    match inputs.len() {
        1 => Ok(inputs.remove(0)),
        n => Err(Error::usage(format!("the pattern matches {n} files; name one")).file(path)),
    }
}

struct Sample {
    delimiter: u8,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

fn sample(input: &Input, delimiter: u8) -> Result<Sample> {
    let part = &whole(vec![input.clone()])[0];
    let mut table = Table::open(part, &plain_format("", delimiter))?;
    let columns = table.columns();
    let mut rows = Vec::new();
    while rows.len() < SAMPLE && table.advance()? {
        let Ok(row) = table.row() else { continue };
        let text = |c| row.text(c).unwrap_or_default().to_string();
        rows.push(columns.iter().map(text).collect());
    }
    Ok(Sample {
        delimiter,
        header: table.header().to_vec(),
        rows,
    })
}

/// Guesses the columns of a counts file whose control arm is called `control`.
///
/// # Errors
/// No column holds `control`, or none looks like a count after.
pub fn guess(root: &Path, path: &str, control: &str) -> Result<Guess> {
    let input = one(root, path)?;
    let mut best: Option<Sample> = None;
    for delimiter in [b',', b';', b'\t', b'|'] {
        let s = sample(&input, delimiter)?;
        if best
            .as_ref()
            .is_none_or(|b| s.header.len() > b.header.len())
        {
            best = Some(s);
        }
    }
    let Some(s) = best else {
        return Err(Error::data("the file cannot be read as a table").file(path));
    };
    let values = |i: usize| -> BTreeSet<&str> { s.rows.iter().map(|r| r[i].trim()).collect() };
    let arm = (0..s.header.len())
        .find(|i| values(*i).contains(control) && values(*i).len() <= 20)
        .ok_or_else(|| {
            Error::data(
                "no column with at most 20 different values holds the name of the control arm",
            )
            .file(path)
            .key("--control")
            .hint(
                "name the value that marks the customers who got nothing, as it stands in the file",
            )
        })?;
    let numeric = |i: usize| {
        i != arm
            && s.rows
                .iter()
                .all(|r| r[i].trim().is_empty() || number(&r[i], '.').is_ok())
    };
    let named = |words: &[&str]| {
        (0..s.header.len()).find(|i| {
            let name = s.header[*i].to_lowercase();
            numeric(*i)
                && words.iter().any(|w| {
                    name.split(|c: char| !c.is_alphanumeric())
                        .any(|part| part == *w)
                })
        })
    };
    let after = named(&[
        "after", "post", "contacts", "calls", "outcome", "visit", "y",
    ])
    .ok_or_else(|| {
        Error::data("no column of numbers is called after, post, contacts, calls or outcome")
            .file(path)
            .line(1)
            .hint("rename the column with each customer's count in the test period to `after`")
    })?;
    let exposure = named(&["exposure"])
        .filter(|i| *i != after && !s.header[*i].to_lowercase().contains("before"));
    let before = named(&["before", "pre", "baseline"])
        .filter(|i| *i != after && !s.header[*i].to_lowercase().contains("exposure"));
    let unit = (0..s.header.len()).find(|i| {
        let name = s.header[*i].to_lowercase();
        values(*i).len() == s.rows.len()
            && ["customer", "unit", "id", "user", "account", "client"]
                .iter()
                .any(|w| name.contains(w))
    });
    let outcomes: Vec<i64> = s
        .rows
        .iter()
        .filter_map(|r| number(&r[after], '.').ok())
        .map(|n| n.micros)
        .collect();
    Ok(Guess {
        delimiter: s.delimiter,
        unit: unit.map(|i| s.header[i].clone()),
        arm: s.header[arm].clone(),
        arms: values(arm)
            .into_iter()
            .filter(|v| !v.is_empty())
            .map(String::from)
            .collect(),
        after: s.header[after].clone(),
        before: before.map(|i| s.header[i].clone()),
        exposure: exposure.map(|i| s.header[i].clone()),
        yes_no: outcomes.iter().all(|y| *y == 0 || *y == MICRO),
        fractional: outcomes.iter().any(|y| *y < 0 || y % MICRO != 0),
    })
}

/// Sums of past counts per customer, from which a pilot is sized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct History {
    /// Customers.
    pub n: u64,
    /// Σ y.
    pub y: i128,
    /// Σ y².
    pub yy: i128,
    /// Customers with a count before too.
    pub paired: u64,
    /// Σ x over them.
    pub x: i128,
    /// Σ x².
    pub xx: i128,
    /// Σ x·y.
    pub xy: i128,
    /// Σ y over them.
    pub paired_y: i128,
    /// Σ y² over them.
    pub paired_yy: i128,
}

/// Sums a file of past counts: a row a customer, column `after`, and `before` where there is one.
///
/// # Errors
/// A missing column, or a count that is no whole number.
pub fn history(
    root: &Path,
    path: &str,
    after: &str,
    before: &str,
    delimiter: u8,
) -> Result<History> {
    let mut h = History::default();
    for part in whole(expand(root, path)?) {
        let mut table = Table::open(&part, &plain_format(path, delimiter))?;
        let y = table.column(after, "--history-after")?;
        let x = table.optional(before, "--history-before")?;
        while table.advance()? {
            let parsed = table.row().and_then(|row| {
                let count = |c| match row.number(c, '.')?.map(|n| n.micros) {
                    Some(n) if n < 0 || n % MICRO != 0 => {
                        Err(Misfit::new(c, "a count is a whole number, 0 or more"))
                    }
                    n => Ok(n.map(|n| n / MICRO)),
                };
                Ok((count(&y)?, x.as_ref().map_or(Ok(None), count)?))
            });
            let (y, x) = parsed.map_err(|m| table.error_at(None, m.reason))?;
            let Some(y) = y.map(i128::from) else { continue };
            h.n += 1;
            h.y += y;
            h.yy += y * y;
            if let Some(x) = x.map(i128::from) {
                h.paired += 1;
                h.x += x;
                h.xx += x * x;
                h.xy += x * y;
                h.paired_y += y;
                h.paired_yy += y * y;
            }
        }
    }
    Ok(h)
}
