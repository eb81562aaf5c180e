//! Records of a delimited text file, with the lines on which they stand.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use csv::{ByteRecord, Position, Reader, ReaderBuilder};

use crate::error::{Error, Result};
use crate::experiment::FileFormat;

use super::source::{Extent, Input, Part};
use super::text;

/// Reads the records of one part of a file.
pub struct TextRecords {
    reader: Reader<Tap>,
    delimiter: u8,
    record: ByteRecord,
    /// Lines of the file before the part.
    offset: u64,
}

impl TextRecords {
    /// Opens a part of a file; also its header, which stands at the file's start.
    ///
    /// # Errors
    /// An unreadable or empty file, a header that is not text.
    pub fn open(part: &Part, format: &FileFormat) -> Result<(Self, Vec<String>)> {
        let input = &part.input;
        let mut records = TextRecords {
            reader: reader(
                text::open(input, format.encoding.as_deref())?,
                format.delimiter,
            ),
            delimiter: format.delimiter,
            record: ByteRecord::new(),
            offset: 0,
        };
        let header = records.header(&input.name)?;
        if let Extent::Bytes { start, end, line } = part.extent {
            records.reader = reader(open_at(input, start, end)?, format.delimiter);
            records.offset = line - 1;
        }
        Ok((records, header))
    }

    /// The file's position, in bytes and lines, after what was read so far.
    pub fn position(&self) -> (u64, u64) {
        let position = self.reader.position();
        (position.byte(), position.line())
    }

    fn header(&mut self, file: &Path) -> Result<Vec<String>> {
        if !self.read(file)? {
            return Err(Error::data("the file holds no line")
                .file(file)
                .hint("it needs a header line that names its columns"));
        }
        self.record
            .iter()
            .enumerate()
            .map(|(i, name)| {
                std::str::from_utf8(name).map(str::to_string).map_err(|_| {
                    Error::data("the header is not UTF-8")
                        .file(file)
                        .line(1)
                        .column(i as u64 + 1)
                        .hint(
                            "set `encoding` for this file in the plan, for example \"windows-1252\"",
                        )
                })
            })
            .collect()
    }

    fn read(&mut self, file: &Path) -> Result<bool> {
        self.reader
            .read_byte_record(&mut self.record)
            .map_err(|e| read_error(file, self.offset, e))
    }

    /// Moves to the next record; `false` at the end.
    ///
    /// # Errors
    /// The file cannot be read on (for example a damaged gzip), or a quote never closes.
    pub fn advance(&mut self, file: &Path) -> Result<bool> {
        let start = self.record.position().map_or(1, Position::line);
        let far = self.reader.position().line().saturating_sub(start) > 1;
        // A quote that never closes makes the rest of the file the last field of the last record.
        let last = self.record.iter().next_back();
        let open = far && last.is_some_and(|field| field.contains(&b'\n'));
        let several_lines = open.then(|| self.line());
        if self.read(file)? {
            return Ok(true);
        }
        match several_lines {
            Some(line) if self.reader.get_ref().last != b'"' => Err(Error::data(
                "a quote that opens here never closes, so the rest of the file is one field",
            )
            .file(file)
            .line(line)
            .hint("remove the quote, or double it where it belongs to the text")),
            _ => Ok(false),
        }
    }

    /// The present record.
    pub fn record(&self) -> &ByteRecord {
        &self.record
    }

    /// Line on which the present record starts, from 1.
    pub fn line(&self) -> u64 {
        let start = self.record.position().map_or(1, Position::line);
        self.offset + start + self.lines_skipped(start)
    }

    /// Lines between where the parser stood and where the record starts: empty
    /// ones, and the line feed after a carriage return, which the parser takes
    /// for an end of line by itself.
    fn lines_skipped(&self, start: u64) -> u64 {
        let end = self.reader.position();
        let fed = self.reader.get_ref().byte_before(end.byte()) == Some(b'\n');
        let within = self.line_feeds() + u64::from(fed);
        end.line().saturating_sub(start + within)
    }

    fn line_feeds(&self) -> u64 {
        let bytes = self.record.as_slice();
        bytes.iter().filter(|b| **b == b'\n').count() as u64
    }

    /// Lines that the present record covers.
    pub fn lines(&self) -> u64 {
        self.line_feeds() + 1
    }

    /// The present record as delimited text.
    pub fn raw(&self) -> Vec<u8> {
        delimited(self.delimiter, self.record.iter())
    }
}

/// Fields as one line of delimited text, quoted where needed.
pub fn delimited<'a>(delimiter: u8, fields: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut raw = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_writer(Vec::new());
    // Writing to a Vec cannot fail, and one record has no earlier one to differ from.
    let _ = raw.write_record(fields);
    raw.into_inner().unwrap_or_default()
}

fn reader(source: Box<dyn Read + Send>, delimiter: u8) -> Reader<Tap> {
    ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(1 << 16)
        .from_reader(Tap {
            source,
            block: Vec::new(),
            end: 0,
            last: b'\n',
        })
}

fn open_at(input: &Input, start: u64, end: u64) -> Result<Box<dyn Read + Send>> {
    let fail = |e: io::Error| Error::io("read", &input.name, &e);
    let mut file = File::open(&input.path).map_err(fail)?;
    file.seek(SeekFrom::Start(start)).map_err(fail)?;
    Ok(Box::new(file.take(end - start)))
}

/// Remembers the bytes that the parser was given last.
struct Tap {
    source: Box<dyn Read + Send>,
    block: Vec<u8>,
    /// Bytes given so far.
    end: u64,
    /// The last byte that does not end a line.
    last: u8,
}

impl Tap {
    /// The byte before a position that the parser has reached; it reads a block
    /// only when it has used up the one before.
    fn byte_before(&self, position: u64) -> Option<u8> {
        let back = usize::try_from(self.end.checked_sub(position)?).ok()?;
        let index = self.block.len().checked_sub(back + 1)?;
        self.block.get(index).copied()
    }
}

impl Read for Tap {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read(into)?;
        if n > 0 {
            self.block.clear();
            self.block.extend_from_slice(&into[..n]);
            self.end += n as u64;
        }
        if let Some(b) = into[..n].iter().rev().find(|b| !matches!(b, b'\n' | b'\r')) {
            self.last = *b;
        }
        Ok(n)
    }
}

fn read_error(file: &Path, offset: u64, e: csv::Error) -> Error {
    let line = e.position().map(|p| offset + p.line());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::arms::exchange_format;
    use crate::engine::source::whole;

    /// (line, lines) of every record.
    fn lines(text: &str) -> Vec<(u64, u64)> {
        let file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let parts = whole(vec![Input {
            name: file.path().into(),
            path: file.path().into(),
        }]);
        let (mut records, _) = TextRecords::open(&parts[0], &exchange_format()).unwrap();
        let mut found = Vec::new();
        while records.advance(file.path()).unwrap() {
            found.push((records.line(), records.lines()));
        }
        found
    }

    #[test]
    fn lines_are_those_of_an_editor() {
        assert_eq!(lines("a,b\n1,2\n3,4\n"), [(2, 1), (3, 1)]);
        assert_eq!(lines("a,b\n1,2\n3,4"), [(2, 1), (3, 1)]);
        assert_eq!(lines("a,b\r\n1,2\r\n3,4\r\n"), [(2, 1), (3, 1)]);
        assert_eq!(lines("a,b\r\n1,2\r\n3,4"), [(2, 1), (3, 1)]);
        assert_eq!(lines("a,b\n\n\n1,2\n\n3,4\n"), [(4, 1), (6, 1)]);
        assert_eq!(lines("a,b\r\n\r\n1,2\r\n\r\n3,4\r\n"), [(3, 1), (5, 1)]);
        assert_eq!(
            lines("a,b\n1,\"x\ny\"\n3,\"p\n\nq\"\n5,6\n"),
            [(2, 2), (4, 3), (7, 1)]
        );
        assert_eq!(lines("a,b\r\n1,\"x\r\ny\"\r\n3,4\r\n"), [(2, 2), (4, 1)]);
    }

    #[test]
    fn lines_hold_across_blocks() {
        for end in ["\n", "\r\n"] {
            let rows = (0..40_000).map(|i| format!("{i},{}{end}", "x".repeat(i % 7)));
            let text = format!("a,b{end}{}", rows.collect::<String>());
            assert!(text.len() > 4 << 16);
            let found = lines(&text);
            assert!(
                found
                    .iter()
                    .enumerate()
                    .all(|(i, l)| *l == (i as u64 + 2, 1))
            );
        }
    }
}
