//! Rows that were read, and those that did not become data.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::error::{Error, Result};

use super::SetAside;
use super::columns::{Misfit, Table};
use super::repeats::Unit;

/// Rows that were read, and those that did not become data.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Data rows read.
    pub rows: u64,
    /// Rows set aside.
    pub set_aside: Vec<SetAside>,
    /// Values rounded to six decimals.
    pub rounded: u64,
    /// Whether rows set aside are passed over, as on a second visit.
    pub blind: bool,
    /// Rows set aside of customers who have an arm and whose windows begin where the row says, by
    /// file and line.
    pub unread: BTreeMap<(PathBuf, u64), (Unit, Misfit)>,
}

impl Ledger {
    /// For a second visit: rows set aside were noted before.
    #[cfg(feature = "engine")]
    pub fn blind() -> Self {
        Ledger {
            blind: true,
            ..Ledger::default()
        }
    }

    /// Sets the present row of `table` aside.
    ///
    /// A row that covers several lines stands for as many, since an unclosed quote swallows rows.
    ///
    /// # Errors
    /// The file cannot be read again.
    pub fn reject(&mut self, table: &mut Table, misfit: Misfit) -> Result<()> {
        if !self.blind {
            let row = table.set_aside(misfit)?;
            self.rows += row.lines - 1;
            self.set_aside.push(row);
        }
        Ok(())
    }

    /// Lines set aside.
    pub fn lines_aside(&self) -> u64 {
        self.set_aside.iter().map(|s| s.lines).sum()
    }

    /// Adds another ledger's rows after this one's.
    pub fn append(&mut self, mut other: Ledger) {
        self.rows += other.rows;
        self.rounded += other.rounded;
        self.set_aside.append(&mut other.set_aside);
        self.unread.append(&mut other.unread);
    }

    /// Stops when more than the plan's share of rows was set aside.
    ///
    /// # Errors
    /// Names the first such row.
    pub fn check(&self, limit: f64) -> Result<()> {
        let aside = self.lines_aside();
        if let Some(first) = self.set_aside.first()
            && aside as f64 > limit * self.rows as f64
        {
            let mut error = Error::data(format!(
                "{aside} of {} rows cannot be read as data; the first: {}",
                self.rows,
                first.reason
            ))
            .file(&first.file)
            .line(first.line)
            .hint(format!(
                "mend the file, or the plan's reading of it (columns, delimiter, decimal, encoding, time_format); max_bad_rows = {limit} allows fewer"
            ));
            if let Some(column) = &first.column {
                error = error.key(column);
            }
            return Err(error);
        }
        Ok(())
    }
}
