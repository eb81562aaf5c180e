//! A file as named columns, whatever it is stored as: header, rows with lines, ragged rows.
//!
//! A Parquet file means what the same values written as text would mean;
//! numbers, dates and times that the file itself types are read as decimals
//! with a point and as ISO 8601, whatever the plan says of text. Its rows are
//! counted from 1 where a text file has lines.

use std::path::PathBuf;

use crate::error::{Error, Result, nearest};
use crate::experiment::FileFormat;

use super::SetAside;
#[cfg(feature = "engine")]
use super::parquet::ParquetRecords;
use super::records::TextRecords;
use super::repeats::Place;
use super::row::Row;
use super::source::{Part, Storage};

/// A column of one file.
#[derive(Debug, Clone)]
pub struct Column {
    /// Index in the record.
    pub index: usize,
    /// Name in the header.
    pub name: String,
}

/// Why a field could not be used; becomes a [`SetAside`] or an [`Error`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// Column at fault.
    pub column: Option<String>,
    /// Why.
    pub reason: String,
}

impl Misfit {
    /// A misfit in `column`.
    pub fn new(column: &Column, reason: impl Into<String>) -> Self {
        Misfit {
            column: Some(column.name.clone()),
            reason: reason.into(),
        }
    }
}

enum Records {
    Text(TextRecords),
    #[cfg(feature = "engine")]
    Parquet(ParquetRecords),
}

/// Reads the rows of one part of a file.
pub struct Table {
    file: PathBuf,
    header: Vec<String>,
    number: u32,
    delimiter: u8,
    records: Records,
}

impl Table {
    /// Opens a part of a file and reads the file's header.
    ///
    /// # Errors
    /// An unreadable or empty file, a header that is not text, Parquet without the feature `engine`.
    pub fn open(part: &Part, format: &FileFormat) -> Result<Self> {
        let (records, header) = match part.input.storage()? {
            #[cfg(feature = "engine")]
            Storage::Parquet => {
                let (records, header) = ParquetRecords::open(part)?;
                (Records::Parquet(records), header)
            }
            #[cfg(not(feature = "engine"))]
            Storage::Parquet => {
                return Err(Error::data("this build does not read Parquet")
                    .file(&part.input.name)
                    .hint("build with the default feature `engine`, or give the data as .csv or .csv.gz"));
            }
            Storage::Csv | Storage::CsvGz => {
                let (records, header) = TextRecords::open(part, format)?;
                (Records::Text(records), header)
            }
        };
        Ok(Table {
            file: part.input.name.clone(),
            header,
            number: part.file as u32,
            delimiter: format.delimiter,
            records,
        })
    }

    /// The header's names.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// All columns; one that holds no single values reads as empty.
    pub fn columns(&self) -> Vec<Column> {
        let names = self.header.iter().enumerate();
        names
            .map(|(index, name)| {
                #[cfg(feature = "engine")]
                if let Records::Parquet(records) = &self.records {
                    let _ = records.want(index);
                }
                Column {
                    index,
                    name: name.clone(),
                }
            })
            .collect()
    }

    /// The column `name`, which `role` (a key of the plan) asks for.
    ///
    /// # Errors
    /// Missing (names the nearest), there twice, or of a type that holds no single value.
    pub fn column(&self, name: &str, role: &str) -> Result<Column> {
        let mut places = self.header.iter().enumerate().filter(|(_, h)| *h == name);
        let Some((index, _)) = places.next() else {
            return Err(self.missing(name, role));
        };
        if let Some((second, _)) = places.next() {
            return Err(Error::data(format!("two columns are called \"{name}\""))
                .file(&self.file)
                .line(1)
                .column(second as u64 + 1)
                .key(role)
                .hint("rename one of them"));
        }
        #[cfg(feature = "engine")]
        if let Records::Parquet(records) = &self.records {
            records
                .want(index)
                .map_err(|e| e.file(&self.file).column(index as u64 + 1).key(role))?;
        }
        Ok(Column {
            index,
            name: name.to_string(),
        })
    }

    /// The column `name` if the file has it.
    ///
    /// # Errors
    /// As [`Table::column`], but for a missing one.
    pub fn optional(&self, name: &str, role: &str) -> Result<Option<Column>> {
        if self.header.iter().any(|h| h == name) {
            self.column(name, role).map(Some)
        } else {
            Ok(None)
        }
    }

    fn missing(&self, name: &str, role: &str) -> Error {
        let error = Error::data(format!("there is no column \"{name}\""))
            .file(&self.file)
            .line(1)
            .key(role);
        let other = [b',', b';', b'\t', b'|'].into_iter().find(|d| {
            *d != self.delimiter && self.header.len() == 1 && self.header[0].contains(*d as char)
        });
        if let Some(d) = other {
            let shown = if d == b'\t' {
                "\\t".to_string()
            } else {
                (d as char).to_string()
            };
            // `pilot`'s own formats have commas, and no key of the plan.
            if !role.contains('.') || name.starts_with("s.") {
                return error.hint(format!(
                    "the header is one field that holds '{shown}': save the file with commas"
                ));
            }
            return error.hint(format!(
                "the header is one field that holds '{shown}': set delimiter = \"{shown}\" for this file in the plan"
            ));
        }
        if let Some(near) = nearest(name, self.header.iter().map(String::as_str)) {
            return error.hint(format!("the nearest column is \"{near}\""));
        }
        let shown: Vec<_> = self
            .header
            .iter()
            .take(20)
            .map(|h| format!("\"{h}\""))
            .collect();
        let more = if self.header.len() > 20 { ", …" } else { "" };
        error.hint(format!(
            "the file has the columns {}{more}",
            shown.join(", ")
        ))
    }

    /// Moves to the next row; `false` at the end.
    ///
    /// # Errors
    /// The file cannot be read on (for example a damaged gzip).
    pub fn advance(&mut self) -> Result<bool> {
        match &mut self.records {
            Records::Text(records) => records.advance(&self.file),
            #[cfg(feature = "engine")]
            Records::Parquet(records) => records.advance(&self.file),
        }
    }

    /// The present row.
    ///
    /// # Errors
    /// A row with more or fewer fields than the header.
    pub fn row(&self) -> Result<Row<'_>, Misfit> {
        match &self.records {
            Records::Text(records) if records.record().len() != self.header.len() => Err(Misfit {
                column: None,
                reason: format!(
                    "{} fields where the header has {}",
                    records.record().len(),
                    self.header.len()
                ),
            }),
            Records::Text(records) => Ok(Row::Text(records.record())),
            #[cfg(feature = "engine")]
            Records::Parquet(records) => Ok(records.row()),
        }
    }

    /// Where the present row stands.
    pub fn place(&self) -> Place {
        Place {
            file: self.number,
            line: self.line(),
        }
    }

    /// Line on which the present row starts, from 1.
    pub fn line(&self) -> u64 {
        match &self.records {
            Records::Text(records) => records.line(),
            #[cfg(feature = "engine")]
            Records::Parquet(records) => records.line(),
        }
    }

    /// The present row as a set-aside row.
    ///
    /// # Errors
    /// The file cannot be read again.
    pub fn set_aside(&mut self, misfit: Misfit) -> Result<SetAside> {
        let (line, lines, raw) = match &mut self.records {
            Records::Text(records) => (records.line(), records.lines(), records.raw()),
            #[cfg(feature = "engine")]
            Records::Parquet(records) => (records.line(), 1, records.raw(&self.file)?),
        };
        Ok(SetAside {
            file: self.file.clone(),
            line,
            lines,
            column: misfit.column,
            reason: misfit.reason,
            raw,
        })
    }

    /// An error at the present row.
    pub fn error_at(&self, column: Option<&Column>, message: impl Into<String>) -> Error {
        let error = Error::data(message).file(&self.file).line(self.line());
        match column {
            Some(c) => error.column(c.index as u64 + 1).key(&c.name),
            None => error,
        }
    }
}
