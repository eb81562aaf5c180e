//! A delimited text file as named columns: header, records with lines, ragged rows.

use std::cell::Cell as StdCell;
use std::io::{self, Read};
use std::path::PathBuf;
use std::rc::Rc;

use csv::{ByteRecord, ReaderBuilder};

use crate::error::{Error, Result, nearest};
use crate::experiment::FileFormat;

use super::SetAside;
use super::source::Input;
use super::text;

/// A column of one file.
#[derive(Debug, Clone)]
pub struct Column {
    /// Index in the record.
    pub index: usize,
    /// Name in the header.
    pub name: String,
}

/// Reads records of one file.
pub struct TextTable {
    file: PathBuf,
    header: Vec<String>,
    reader: csv::Reader<Box<dyn Read>>,
    delimiter: u8,
    record: ByteRecord,
    line: u64,
    lines: u64,
    last_byte: Rc<StdCell<u8>>,
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

impl TextTable {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// An unreadable or empty file, a header that is not text.
    pub fn open(input: &Input, format: &FileFormat) -> Result<Self> {
        let last_byte = Rc::new(StdCell::new(b'\n'));
        let text: Box<dyn Read> = Box::new(LastByte {
            source: text::open(input, format.encoding.as_deref())?,
            seen: last_byte.clone(),
        });
        let mut reader = ReaderBuilder::new()
            .delimiter(format.delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(text);
        let mut record = ByteRecord::new();
        let found = reader
            .read_byte_record(&mut record)
            .map_err(|e| read_error(input.name.clone(), e))?;
        if !found {
            return Err(Error::data("the file holds no line")
                .file(&input.name)
                .hint("it needs a header line that names its columns"));
        }
        let mut header = Vec::with_capacity(record.len());
        for (i, name) in record.iter().enumerate() {
            let name = std::str::from_utf8(name).map_err(|_| {
                Error::data("the header is not UTF-8")
                    .file(&input.name)
                    .line(1)
                    .column(i as u64 + 1)
                    .hint("set `encoding` for this file in the plan, for example \"windows-1252\"")
            })?;
            header.push(name.to_string());
        }
        Ok(TextTable {
            file: input.name.clone(),
            header,
            reader,
            delimiter: format.delimiter,
            record,
            line: 1,
            lines: 1,
            last_byte,
        })
    }

    /// The header's names.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The column `name`, which `role` (a key of the plan) asks for.
    ///
    /// # Errors
    /// Missing (names the nearest) or there twice.
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
        Ok(Column {
            index,
            name: name.to_string(),
        })
    }

    /// The column `name` if the file has it.
    ///
    /// # Errors
    /// There twice.
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

    /// Moves to the next record; `Ok(None)` at the end.
    ///
    /// A row with more or fewer fields than the header is an inner `Err`: set it aside.
    ///
    /// # Errors
    /// The file cannot be read on (for example a damaged gzip).
    #[allow(clippy::should_implement_trait)] // an iterator could not lend its record
    pub fn next(&mut self) -> Result<Option<Result<Row<'_>, Misfit>>> {
        let more = self
            .reader
            .read_byte_record(&mut self.record)
            .map_err(|e| read_error(self.file.clone(), e))?;
        if !more {
            return if self.lines > 1 && self.last_byte.get() != b'"' {
                Err(Error::data(
                    "a quote that opens here never closes, so the rest of the file is one field",
                )
                .file(&self.file)
                .line(self.line())
                .hint("remove the quote, or double it where it belongs to the text"))
            } else {
                Ok(None)
            };
        }
        self.line = self.record.position().map_or(0, csv::Position::line);
        self.lines = self
            .reader
            .position()
            .line()
            .saturating_sub(self.line)
            .max(1);
        if self.record.len() != self.header.len() {
            return Ok(Some(Err(Misfit {
                column: None,
                reason: format!(
                    "{} fields where the header has {}",
                    self.record.len(),
                    self.header.len()
                ),
            })));
        }
        Ok(Some(Ok(Row {
            record: &self.record,
        })))
    }

    /// Line on which the present record starts, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The present record as a set-aside row.
    pub fn set_aside(&self, misfit: Misfit) -> SetAside {
        let mut raw = csv::WriterBuilder::new()
            .delimiter(self.delimiter)
            .flexible(true)
            .from_writer(Vec::new());
        let written = raw.write_byte_record(&self.record).is_ok();
        let raw = raw.into_inner().unwrap_or_default();
        SetAside {
            file: self.file.clone(),
            line: self.line(),
            lines: self.lines,
            column: misfit.column,
            reason: misfit.reason,
            raw: if written { raw } else { Vec::new() },
        }
    }

    /// An error at the present record.
    pub fn error_at(&self, column: Option<&Column>, message: impl Into<String>) -> Error {
        let error = Error::data(message).file(&self.file).line(self.line());
        match column {
            Some(c) => error.column(c.index as u64 + 1).key(&c.name),
            None => error,
        }
    }
}

/// One record with as many fields as the header.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    record: &'a ByteRecord,
}

impl<'a> Row<'a> {
    /// The bytes of a field.
    pub fn bytes(&self, column: &Column) -> &'a [u8] {
        self.record.get(column.index).unwrap_or_default()
    }

    /// The text of a field.
    ///
    /// # Errors
    /// Not UTF-8, a NUL, or a character that could not be decoded.
    pub fn text(&self, column: &Column) -> Result<&'a str, Misfit> {
        let text = std::str::from_utf8(self.bytes(column)).map_err(|_| {
            Misfit::new(
                column,
                "not UTF-8; set `encoding` for this file in the plan if it has another",
            )
        })?;
        if text.contains('\0') {
            return Err(Misfit::new(column, "holds a NUL byte"));
        }
        if text.contains('\u{FFFD}') {
            return Err(Misfit::new(
                column,
                "holds bytes that the file's encoding does not have",
            ));
        }
        Ok(text)
    }
}

/// Remembers the last byte that does not end a line.
struct LastByte {
    source: Box<dyn Read>,
    seen: Rc<StdCell<u8>>,
}

impl Read for LastByte {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read(into)?;
        if let Some(b) = into[..n].iter().rev().find(|b| !matches!(b, b'\n' | b'\r')) {
            self.seen.set(*b);
        }
        Ok(n)
    }
}

fn read_error(file: PathBuf, e: csv::Error) -> Error {
    let line = e.position().map(|p| p.line());
    let error = match e.into_kind() {
        csv::ErrorKind::Io(io) => Error::data(format!("the file cannot be read to its end: {io}"))
            .file(file)
            .hint("export it again; it may be cut off or damaged"),
        other => Error::data(format!("the file cannot be read: {other:?}")).file(file),
    };
    match line {
        Some(line) => error.line(line),
        None => error,
    }
}
