//! The text of a plan and the places in it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use toml::de::DeTable;

use crate::error::{Error, Result};

/// No plan that a person wrote comes near this; beyond it a wrong file was named.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads a plan's text; never more than [`MAX_BYTES`] of it.
pub(super) fn read_text(path: &Path) -> Result<String> {
    let io = |cause| Error::io("read the plan", path, &cause);
    let file = File::open(path).map_err(io)?;
    let about = file.metadata().map_err(io)?;
    if about.is_dir() {
        return Err(Error::plan("this is a folder, not a plan")
            .file(path)
            .hint("name the plan's file, for example experiments/NAME.toml"));
    }
    if !about.is_file() {
        return Err(Error::plan("this is not an ordinary file")
            .file(path)
            .hint("name the plan's file, for example experiments/NAME.toml"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(io)?;
    decode(bytes, path)
}

/// The text of a plan's bytes, which must be UTF-8 and of a sensible size.
pub(super) fn decode(bytes: Vec<u8>, path: &Path) -> Result<String> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(too_large(path));
    }
    String::from_utf8(bytes).map_err(|e| {
        let good = e.utf8_error().valid_up_to();
        let bytes = e.as_bytes();
        let before = String::from_utf8_lossy(&bytes[..good]);
        let (line, column) = place(&before, before.len());
        let hint = if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            "the file is UTF-16; save it as UTF-8"
        } else {
            "save the file as UTF-8"
        };
        Error::plan("the plan is not UTF-8 text")
            .file(path)
            .line(line)
            .column(column)
            .hint(hint)
    })
}

fn too_large(path: &Path) -> Error {
    Error::plan("the plan is larger than 4 MiB")
        .file(path)
        .hint("a plan is a short text; is this a data file?")
}

/// Line and column of a byte offset, both from 1; columns count characters.
fn place(text: &str, offset: usize) -> (u64, u64) {
    let before = &text[..floor(text, offset)];
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    let column = before[start..].chars().count() + 1;
    (line as u64, column as u64)
}

/// The nearest character boundary at or before a byte offset.
fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// A plan's text with its file's name.
#[derive(Debug)]
pub(super) struct Source<'a> {
    file: &'a Path,
    text: &'a str,
}

impl<'a> Source<'a> {
    /// The text without its byte-order mark.
    pub(super) fn new(file: &'a Path, text: &'a str) -> Result<Self> {
        if text.len() as u64 > MAX_BYTES {
            return Err(too_large(file));
        }
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        Ok(Source { file, text })
    }

    /// The tables, with the place of every key and value.
    pub(super) fn tables(&self) -> Result<DeTable<'a>> {
        match DeTable::parse(self.text) {
            Ok(root) => Ok(root.into_inner()),
            Err(e) => Err(self.syntax_error(&e)),
        }
    }

    /// An error of `kind` at a byte offset, about a key.
    pub(super) fn locate(&self, error: Error, at: usize, key: &str) -> Error {
        let (line, column) = place(self.text, at);
        let error = error.file(self.file).line(line).column(column);
        if key.is_empty() {
            error
        } else {
            error.key(key)
        }
    }

    fn syntax_error(&self, e: &toml::de::Error) -> Error {
        // Without a span the text ended too soon.
        let at = e.span().map_or(self.text.len(), |s| s.start);
        let (message, hint) = if self.text.as_bytes().get(at) == Some(&0) {
            (
                "there is a NUL character",
                "this looks like a data file or UTF-16; save the plan as UTF-8 text",
            )
        } else {
            // "expected literal string" would send the reader to the wrong quotes.
            let message = e.message().trim_end_matches(", expected literal string");
            (message, self.syntax_hint(message, at))
        };
        let error = Error::plan(format!("not valid TOML: {message}")).hint(hint);
        self.locate(error, at, "")
    }

    fn syntax_hint(&self, message: &str, at: usize) -> &'static str {
        let line_start = self.text[..floor(self.text, at)]
            .rfind('\n')
            .map_or(0, |i| i + 1);
        let header = self.text[line_start..].trim_start();
        if header.starts_with("[arms]") || header.starts_with("[outcomes]") {
            return "arms and outcomes are lists: head each with double brackets, [[arms]] or [[outcomes]]";
        }
        SYNTAX_HINTS
            .iter()
            .find(|(part, _)| message.contains(part))
            .map_or(
                "see https://toml.io for the form of a TOML file",
                |(_, hint)| hint,
            )
    }
}

/// What to do, by a part of the parser's message; the first that fits.
const SYNTAX_HINTS: &[(&str, &str)] = &[
    (
        "duplicate key",
        "the same key or table stands further up; keep one of the two",
    ),
    ("must be quoted", "put words in quotes: key = \"value\""),
    (
        "escape",
        "in double quotes a backslash is written \\\\; single quotes take it as it is",
    ),
    (
        "invalid basic string",
        "close the text with the quote it began with",
    ),
    (
        "invalid literal string",
        "close the text with the quote it began with",
    ),
    ("quote", "close the text with the quote it began with"),
    ("unclosed array", "a list ends with ]"),
    ("unclosed table", "a table's name ends with ]"),
    ("unclosed inline table", "an inline table ends with }"),
    ("comma", "separate items with one comma"),
    ("carriage return", "save the file with ordinary line ends"),
    ("recurs", "nothing in a plan is nested this deep"),
    (
        "key with no value",
        "write key = value; a comment starts with #",
    ),
    (
        "missing assignment",
        "write key = value; a comment starts with #",
    ),
    (
        "unquoted key",
        "keys are letters, digits, - and _; a comment starts with #",
    ),
    ("missing value", "write a value after the ="),
    ("leading zero", "write the number without leading zeros"),
];
