//! Rows of a Parquet file, as the text that the same rows would be in a CSV file.

mod page;

use std::cell::Cell;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::Schema;
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};

use crate::error::{Error, Result};

use super::records::delimited;
use super::row::Row;
use super::source::{Extent, Input, Part};

pub use page::Page;
use page::Text;

/// A file's schema and the places of its row groups.
pub type Footer = ArrowReaderMetadata;

/// Rows decoded at a time.
const PAGE: usize = 8192;

/// Reads the footer of a file.
///
/// # Errors
/// A file that is not Parquet.
pub fn footer(input: &Input) -> Result<Footer> {
    let file = File::open(&input.path).map_err(|e| Error::io("read", &input.name, &e))?;
    ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())
        .map_err(|e| unreadable(&input.name, &e))
}

/// An error of a file whose content cannot be decoded.
pub fn unreadable(file: &Path, cause: &dyn std::fmt::Display) -> Error {
    Error::data(format!("the Parquet file cannot be read: {cause}"))
        .file(file)
        .hint("export it again; it may be cut off or damaged")
}

/// Rows of a group of row groups.
fn rows_in(footer: &Footer, groups: Range<usize>) -> u64 {
    let rows = |g| footer.metadata().row_group(g).num_rows();
    groups.map(|g| rows(g).unsigned_abs()).sum()
}

/// Reads rows of one part of a file; only the wanted columns are decoded.
pub struct ParquetRecords {
    path: PathBuf,
    footer: Footer,
    groups: Range<usize>,
    wanted: Vec<Cell<bool>>,
    pages: Option<ParquetRecordBatchReader>,
    page: Page,
    row: usize,
    line: u64,
    raw: Option<RawRows>,
}

impl ParquetRecords {
    /// Opens a part of a file; also its columns' names.
    ///
    /// # Errors
    /// A file that is not Parquet.
    pub fn open(part: &Part) -> Result<(Self, Vec<String>)> {
        let (footer, groups) = match &part.extent {
            Extent::Groups { footer, groups } => (footer.clone(), groups.clone()),
            _ => {
                let footer = footer(&part.input)?;
                let groups = 0..footer.metadata().num_row_groups();
                (footer, groups)
            }
        };
        let fields = footer.schema().fields();
        let header = fields.iter().map(|f| f.name().clone()).collect();
        let records = ParquetRecords {
            path: part.input.path.clone(),
            wanted: vec![Cell::new(false); fields.len()],
            pages: None,
            page: Page::default(),
            row: 0,
            line: rows_in(&footer, 0..groups.start),
            raw: None,
            footer,
            groups,
        };
        Ok((records, header))
    }

    /// Asks for a column; to be called before the first row.
    ///
    /// # Errors
    /// A column whose values are lists or structures.
    pub fn want(&self, index: usize) -> Result<()> {
        let data_type = self.footer.schema().field(index).data_type();
        if data_type.is_nested() {
            return Err(Error::data("this column holds lists or structures")
                .hint("give single values, one column each"));
        }
        self.wanted[index].set(true);
        Ok(())
    }

    fn pages(
        &self,
        file: &Path,
        wanted: &dyn Fn(usize) -> bool,
    ) -> Result<ParquetRecordBatchReader> {
        let source = File::open(&self.path).map_err(|e| Error::io("read", file, &e))?;
        let roots = (0..self.wanted.len()).filter(|i| wanted(*i));
        let mask = ProjectionMask::roots(self.footer.parquet_schema(), roots);
        ParquetRecordBatchReaderBuilder::new_with_metadata(source, self.footer.clone())
            .with_projection(mask)
            .with_row_groups(self.groups.clone().collect())
            .with_batch_size(PAGE)
            .build()
            .map_err(|e| unreadable(file, &e))
    }

    /// Moves to the next row; `false` at the end.
    ///
    /// # Errors
    /// Damaged data.
    pub fn advance(&mut self, file: &Path) -> Result<bool> {
        self.row += 1;
        while self.row >= self.page.rows {
            let pages = match &mut self.pages {
                Some(pages) => pages,
                None => {
                    let pages = self.pages(file, &|i| self.wanted[i].get())?;
                    self.pages.insert(pages)
                }
            };
            let Some(batch) = pages.next() else {
                return Ok(false);
            };
            let batch = batch.map_err(|e| unreadable(file, &e))?;
            let places = self.wanted.iter().enumerate().filter(|(_, w)| w.get());
            self.page = Page::new(&batch, places.map(|(i, _)| i), self.wanted.len());
            self.row = 0;
        }
        self.line += 1;
        Ok(true)
    }

    /// The present row.
    pub fn row(&self) -> Row<'_> {
        Row::Page(&self.page, self.row)
    }

    /// Number of the present row in the file, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The present row with all its columns as comma-separated text.
    ///
    /// # Errors
    /// Damaged data.
    pub fn raw(&mut self, file: &Path) -> Result<Vec<u8>> {
        if self.raw.is_none() {
            self.raw = Some(RawRows {
                pages: self.pages(file, &|_| true)?,
                batch: RecordBatch::new_empty(Schema::empty().into()),
                end: rows_in(&self.footer, 0..self.groups.start),
            });
        }
        match &mut self.raw {
            Some(raw) => raw.line(self.line, file),
            None => Ok(Vec::new()),
        }
    }
}

/// A second look at the rows, with all columns; it only moves forward.
struct RawRows {
    pages: ParquetRecordBatchReader,
    batch: RecordBatch,
    /// Number of the batch's last row.
    end: u64,
}

impl RawRows {
    fn line(&mut self, line: u64, file: &Path) -> Result<Vec<u8>> {
        while self.end < line {
            let next = self.pages.next();
            let next = next.ok_or_else(|| unreadable(file, &"it has fewer rows than before"))?;
            self.batch = next.map_err(|e| unreadable(file, &e))?;
            self.end += self.batch.num_rows() as u64;
        }
        let row = self.batch.num_rows() - 1 - (self.end - line) as usize;
        let fields: Vec<Text> = self
            .batch
            .columns()
            .iter()
            .map(|c| Text::of(&c.slice(row, 1)))
            .collect();
        Ok(delimited(b',', fields.iter().map(|f| f.bytes(0))))
    }
}
