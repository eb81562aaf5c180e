//! Files → UTF-8 text: gzip, byte-order marks and other encodings.

use std::fs::File;
use std::io::{self, BufReader, Read};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8};
use flate2::read::MultiGzDecoder;

use crate::error::{Error, Result};

use super::source::{Input, Storage};

const CHUNK: usize = 1 << 16;

/// Opens a delimited text file as UTF-8.
///
/// A byte-order mark decides over the plan. Without a named encoding bytes are
/// passed on as they are, and fields that are not UTF-8 are caught later with
/// their line; with one, what cannot be decoded becomes U+FFFD, also caught later.
///
/// # Errors
/// A file that cannot be opened, an empty file, an encoding label that does not exist.
pub fn open(input: &Input, encoding: Option<&str>) -> Result<Box<dyn Read + Send>> {
    let fail = |e: io::Error| Error::io("read", &input.name, &e);
    let file = File::open(&input.path).map_err(fail)?;
    let mut bytes: Box<dyn Read + Send> = match input.storage()? {
        Storage::CsvGz => Box::new(MultiGzDecoder::new(BufReader::with_capacity(CHUNK, file))),
        Storage::Csv => Box::new(file),
        Storage::Parquet => {
            return Err(Error::data("a Parquet file is not delimited text").file(&input.name));
        }
    };
    // The system's own errors have a code; a gzip stream that breaks off has none.
    let damaged = |e: io::Error| match e.raw_os_error() {
        Some(_) => fail(e),
        None => Error::data(format!("the file cannot be read to its end: {e}"))
            .file(&input.name)
            .hint("export it again; it may be cut off or damaged"),
    };
    let mut head = vec![0; CHUNK];
    let mut filled = 0;
    while filled < head.len() {
        match bytes.read(&mut head[filled..]).map_err(damaged)? {
            0 => break,
            n => filled += n,
        }
    }
    head.truncate(filled);
    if head.is_empty() {
        return Err(Error::data("the file is empty")
            .file(&input.name)
            .hint("it needs a header line that names its columns"));
    }
    if let Some((what, hint)) = no_text(&head) {
        return Err(
            Error::data(format!("this is {what}, whatever its name says"))
                .file(&input.name)
                .hint(hint),
        );
    }
    let named = match encoding {
        Some(label) => Some(Encoding::for_label(label.as_bytes()).ok_or_else(|| {
            Error::plan(format!("no encoding is called \"{label}\""))
                .hint("use a label such as \"utf-8\", \"windows-1252\" or \"utf-16le\"")
        })?),
        None => None,
    };
    let (found, skip) = match Encoding::for_bom(&head) {
        Some((e, length)) => (Some(e), length),
        None => (named, 0),
    };
    head.drain(..skip);
    let encoding = found.unwrap_or(UTF_8);
    if encoding == UTF_8 && head.iter().take(1000).filter(|b| **b == 0).count() > 1 {
        return Err(Error::data(
            "the text holds NUL bytes, as UTF-16 without a byte-order mark does",
        )
        .file(&input.name)
        .line(1)
        .key("encoding")
        .hint("set encoding = \"utf-16le\" (or \"utf-16be\") for this file in the plan"));
    }
    let whole = io::Cursor::new(head).chain(bytes);
    if encoding == UTF_8 {
        return Ok(Box::new(whole));
    }
    Ok(Box::new(Transcoder {
        source: whole,
        decoder: encoding.new_decoder_without_bom_handling(),
        input: vec![0; CHUNK],
        start: 0,
        end: 0,
        at_end: false,
        output: vec![0; CHUNK],
        ready: 0..0,
        done: false,
    }))
}

/// What a file is that begins as no text does, and what to do about it.
fn no_text(head: &[u8]) -> Option<(&'static str, &'static str)> {
    const KINDS: [(&[u8], &str, &str); 7] = [
        (
            b"PK\x03\x04",
            "an Excel workbook or another zip archive",
            "save the sheet as CSV, or unpack the archive",
        ),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            "an old Excel workbook",
            "save the sheet as CSV",
        ),
        (
            b"\x1f\x8b",
            "a gzip file",
            "name it .csv.gz, so that it is unpacked",
        ),
        (b"PAR1", "a Parquet file", "name it .parquet"),
        (b"%PDF-", "a PDF", "export the table as CSV"),
        (
            b"\x28\xb5\x2f\xfd",
            "a zstd archive",
            "unpack it, or pack it as .csv.gz",
        ),
        (
            b"7z\xbc\xaf\x27\x1c",
            "a 7z archive",
            "unpack it, or pack it as .csv.gz",
        ),
    ];
    KINDS
        .iter()
        .find(|(start, ..)| head.starts_with(start))
        .map(|(_, what, hint)| (*what, *hint))
}

struct Transcoder<R> {
    source: R,
    decoder: Decoder,
    input: Vec<u8>,
    start: usize,
    end: usize,
    at_end: bool,
    output: Vec<u8>,
    ready: std::ops::Range<usize>,
    done: bool,
}

impl<R: Read> Read for Transcoder<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.ready.is_empty() {
            if self.done {
                return Ok(0);
            }
            if self.start == self.end && !self.at_end {
                self.start = 0;
                self.end = self.source.read(&mut self.input)?;
                self.at_end = self.end == 0;
            }
            let (result, read, written, _) = self.decoder.decode_to_utf8(
                &self.input[self.start..self.end],
                &mut self.output,
                self.at_end,
            );
            self.start += read;
            self.ready = 0..written;
            self.done = self.at_end && result == CoderResult::InputEmpty;
        }
        let n = into.len().min(self.ready.len());
        into[..n].copy_from_slice(&self.output[self.ready.start..self.ready.start + n]);
        self.ready.start += n;
        Ok(n)
    }
}
