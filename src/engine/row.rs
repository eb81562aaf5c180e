//! One row of a file: its fields as bytes, text, numbers and times.

use csv::ByteRecord;

use super::columns::{Column, Misfit};
use super::fields::{Fixed, number};
#[cfg(feature = "engine")]
use super::parquet::Page;
use super::windows::{Clock, Moment};

/// One row with as many fields as the header.
#[derive(Clone, Copy)]
pub enum Row<'a> {
    /// Of a text file.
    Text(&'a ByteRecord),
    /// Of a Parquet file: a page of rows and the row's place in it.
    #[cfg(feature = "engine")]
    Page(&'a Page, usize),
}

// Without Parquet no column has a type of its own.
#[cfg_attr(not(feature = "engine"), allow(unused_variables))]
impl<'a> Row<'a> {
    /// The bytes of a field; none where the value is unknown.
    pub fn bytes(&self, column: &Column) -> &'a [u8] {
        match self {
            Row::Text(record) => record.get(column.index).unwrap_or_default(),
            #[cfg(feature = "engine")]
            Row::Page(page, row) => page.bytes(column.index, *row),
        }
    }

    /// The text of a field.
    ///
    /// # Errors
    /// Not UTF-8, a NUL, or a character that could not be decoded.
    pub fn text(&self, column: &Column) -> Result<&'a str, Misfit> {
        #[cfg(feature = "engine")]
        if let Row::Page(page, row) = self
            && let Some(text) = page.sound_text(column.index, *row)
        {
            return Ok(text);
        }
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

    /// The value of a field that the file types as a whole number, `None` inside where it is
    /// unknown; `None` for other fields.
    pub fn integer(&self, column: &Column) -> Option<Option<i64>> {
        match self {
            Row::Text(_) => None,
            #[cfg(feature = "engine")]
            Row::Page(page, row) => page.integer(column.index, *row),
        }
    }

    /// The number in a field, `None` where it is blank; `decimal` is the mark of text.
    ///
    /// # Errors
    /// Not a number.
    pub fn number(&self, column: &Column, decimal: char) -> Result<Option<Fixed>, Misfit> {
        if let Some(integer) = self.integer(column) {
            return integer
                .map(Fixed::whole)
                .transpose()
                .map_err(|reason| Misfit::new(column, reason));
        }
        #[cfg(feature = "engine")]
        if let Row::Page(page, row) = self
            && let Some(micros) = page.micros(column.index, *row)
        {
            let rounded = false;
            return Ok(Some(Fixed { micros, rounded }));
        }
        let text = self.text(column)?;
        if text.trim().is_empty() {
            return Ok(None);
        }
        let decimal = if self.is_typed(column) { '.' } else { decimal };
        number(text, decimal)
            .map(Some)
            .map_err(|reason| Misfit::new(column, reason))
    }

    /// When a field says something happened.
    ///
    /// # Errors
    /// Not a time.
    pub fn moment(&self, column: &Column) -> Result<Moment<'a>, Misfit> {
        #[cfg(feature = "engine")]
        if let Row::Page(page, row) = self
            && let Some(moment) = page.moment(column.index, *row)
        {
            return Ok(moment);
        }
        let text = self.text(column)?;
        Ok(if self.is_typed(column) {
            Moment::Iso(text)
        } else {
            Moment::Text(text)
        })
    }

    /// The instant in a field, in UTC microseconds.
    ///
    /// # Errors
    /// Not a time.
    pub fn instant(&self, column: &Column, clock: &mut Clock) -> Result<i64, Misfit> {
        clock
            .instant(self.moment(column)?)
            .map_err(|reason| Misfit::new(column, reason))
    }

    /// Whether the file itself says what the values of a column are.
    fn is_typed(&self, column: &Column) -> bool {
        match self {
            Row::Text(_) => false,
            #[cfg(feature = "engine")]
            Row::Page(page, _) => page.is_typed(column.index),
        }
    }

    /// A yes/no field: 1 or 0, `None` where blank.
    ///
    /// # Errors
    /// Neither yes nor no.
    pub fn yes_no(&self, column: &Column) -> Result<Option<bool>, Misfit> {
        match self.text(column)?.trim().to_ascii_lowercase().as_str() {
            "" => Ok(None),
            "1" | "yes" | "true" | "y" | "t" => Ok(Some(true)),
            "0" | "no" | "false" | "n" | "f" => Ok(Some(false)),
            _ => Err(Misfit::new(column, "neither 1 nor 0")),
        }
    }
}
