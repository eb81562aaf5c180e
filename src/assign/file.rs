//! The assignment as an exchange file: CSV after RFC 4180, UTF-8, byte-faithful.
//!
//! Header `unit,arm,<strata…>[,cluster]`, then a row a unit. Fields are quoted only where they
//! hold a comma, a quote or a line break; lines end with LF. The same assignment always gives the
//! same bytes.

use std::io::{Read, Write};

use crate::assign::assignment::AssignmentRow;
use crate::assign::roster::Roster;
use crate::error::{Error, Kind, Result, nearest};

/// Writes assignments.
pub struct AssignmentWriter<W: Write> {
    csv: csv::Writer<W>,
    arms: Vec<String>,
}

impl<W: Write> AssignmentWriter<W> {
    /// Writes the header. `arms` are names in the plan's order, `strata` the stratum columns.
    pub fn new<S: AsRef<str>>(
        to: W,
        arms: &[S],
        strata: &[S],
        clustered: bool,
    ) -> std::io::Result<Self> {
        let mut csv = csv::WriterBuilder::new().from_writer(to);
        csv.write_record(header(strata, clustered))?;
        let arms = arms.iter().map(|a| a.as_ref().to_owned()).collect();
        Ok(AssignmentWriter { csv, arms })
    }

    /// Writes a row.
    ///
    /// # Errors
    /// Those of the writer below; an arm without a name is `InvalidInput`.
    pub fn write(&mut self, row: AssignmentRow<'_>) -> std::io::Result<()> {
        let arm = self.arms.get(row.arm).ok_or_else(|| {
            std::io::Error::new(std::io::ErrorKind::InvalidInput, "an arm without a name")
        })?;
        self.csv.write_field(row.unit)?;
        self.csv.write_field(arm)?;
        for value in row.strata {
            self.csv.write_field(value)?;
        }
        if let Some(cluster) = row.cluster {
            self.csv.write_field(cluster)?;
        }
        self.csv.write_record(None::<&[u8]>)?;
        Ok(())
    }

    /// Flushes and gives the writer back.
    pub fn finish(self) -> std::io::Result<W> {
        self.csv.into_inner().map_err(|e| e.into_error())
    }
}

/// A row as read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileRow<'a> {
    /// The line on which the row starts, from 1.
    pub line: u64,
    /// The unit.
    pub unit: &'a str,
    /// Index of its arm in the plan's order.
    pub arm: usize,
    record: &'a csv::StringRecord,
    clustered: bool,
}

impl<'a> FileRow<'a> {
    /// The stratum values, in the plan's order.
    pub fn strata(&self) -> impl Iterator<Item = &'a str> {
        let end = self.record.len() - usize::from(self.clustered);
        let record = self.record;
        (2..end).map(move |i| &record[i])
    }

    /// The cluster, in clustered pilots.
    pub fn cluster(&self) -> Option<&'a str> {
        match self.clustered {
            true => self.record.get(self.record.len() - 1),
            false => None,
        }
    }
}

/// Reads assignments, a row at a time.
pub struct AssignmentReader<R: Read> {
    csv: csv::Reader<R>,
    record: csv::StringRecord,
    arms: Vec<String>,
    clustered: bool,
}

impl<R: Read> AssignmentReader<R> {
    /// Reads the header, which must be the one that the plan asks for.
    pub fn new<S: AsRef<str>>(from: R, arms: &[S], strata: &[S], clustered: bool) -> Result<Self> {
        let mut csv = csv::ReaderBuilder::new().from_reader(from);
        let found = csv.headers().map_err(malformed)?;
        let wanted = header(strata, clustered);
        if !found.iter().eq(wanted.iter().copied()) {
            let column = (found.iter().zip(&wanted))
                .position(|(f, w)| f != *w)
                .unwrap_or(found.len().min(wanted.len()));
            return Err(Error::data("the header is not the one the plan asks for")
                .line(1)
                .column(column as u64 + 1)
                .hint(format!("expected `{}`", wanted.join(","))));
        }
        Ok(AssignmentReader {
            csv,
            record: csv::StringRecord::new(),
            arms: arms.iter().map(|a| a.as_ref().to_owned()).collect(),
            clustered,
        })
    }

    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// With the line: a row of another length, bytes that are not UTF-8, a blank unit, an arm
    /// that the plan does not have.
    pub fn next_row(&mut self) -> Result<Option<FileRow<'_>>> {
        if !self.csv.read_record(&mut self.record).map_err(malformed)? {
            return Ok(None);
        }
        let line = self.record.position().map_or(0, csv::Position::line);
        let (unit, name) = (&self.record[0], &self.record[1]);
        if unit.trim().is_empty() {
            return Err(Error::data("the unit is blank")
                .line(line)
                .column(1)
                .key("unit"));
        }
        let Some(arm) = self.arms.iter().position(|arm| arm == name) else {
            let error = Error::data("an arm that the plan does not have")
                .line(line)
                .column(2)
                .key("arm");
            return Err(match nearest(name, self.arms.iter().map(String::as_str)) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint(format!("the plan's arms: {}", self.arms.join(", "))),
            });
        };
        Ok(Some(FileRow {
            line,
            unit,
            arm,
            record: &self.record,
            clustered: self.clustered,
        }))
    }

    /// All rows: the roster, and the arm of each of its rows.
    ///
    /// # Errors
    /// Those of [`AssignmentReader::next_row`] and of [`Roster::push`], with the line.
    pub fn read_all(mut self) -> Result<(Roster, Vec<usize>)> {
        let mut roster = Roster::new(self.clustered);
        let mut arms = Vec::new();
        while let Some(row) = self.next_row()? {
            if roster.len().is_multiple_of(1 << 16) {
                crate::interrupt::check()?;
            }
            let strata: Vec<&str> = row.strata().collect();
            roster
                .push(row.unit, &strata, row.cluster())
                .map_err(|problem| problem.at(|_| row.line))?;
            arms.push(row.arm);
        }
        Ok((roster, arms))
    }
}

fn header<S: AsRef<str>>(strata: &[S], clustered: bool) -> Vec<&str> {
    let mut header = vec!["unit", "arm"];
    header.extend(strata.iter().map(AsRef::as_ref));
    if clustered {
        header.push("cluster");
    }
    header
}

/// A CSV error without the row's values, which may name a customer.
fn malformed(error: csv::Error) -> Error {
    let line = error.position().map(csv::Position::line);
    let (error, line) = match error.into_kind() {
        csv::ErrorKind::Io(cause) => {
            let kind = Error::io("read", std::path::Path::new(""), &cause).kind();
            (
                Error::new(kind, format!("cannot read the assignment: {cause}")),
                line,
            )
        }
        csv::ErrorKind::Utf8 { err, .. } => (
            Error::data("the row is not UTF-8").column(err.field() as u64 + 1),
            line,
        ),
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => (
            Error::data(format!("the row has {len} fields, not {expected_len}")),
            line,
        ),
        other => (
            Error::new(Kind::Internal, format!("cannot read the row: {other:?}")),
            line,
        ),
    };
    match line {
        Some(line) => error.line(line),
        None => error,
    }
}
