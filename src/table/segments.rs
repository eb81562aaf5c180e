//! The customers of one outcome apart by the values of a column.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

use super::cells::ContactTable;

/// One column's values, each with the table of its customers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segments {
    column: String,
    values: Vec<(String, ContactTable)>,
}

impl Segments {
    /// Most values of a column; more make no groups to read effects by.
    pub const MOST: usize = 50;

    /// A column's values in any order.
    ///
    /// # Errors
    /// A value that is there twice, more than [`Segments::MOST`], or tables of different pilots.
    pub fn new(column: String, mut values: Vec<(String, ContactTable)>) -> Result<Self> {
        values.sort_by(|a, b| a.0.cmp(&b.0));
        if values.windows(2).any(|w| w[0].0 == w[1].0) {
            return Err(Error::internal("a segment is there twice"));
        }
        if values.len() > Segments::MOST {
            return Err(too_many(&column));
        }
        let alike = |a: &ContactTable, b: &ContactTable| {
            a.arms() == b.arms()
                && a.strata() == b.strata()
                && a.exposure_unit() == b.exposure_unit()
                && a.decimals() == b.decimals()
        };
        if values.windows(2).any(|w| !alike(&w[0].1, &w[1].1)) {
            return Err(Error::internal("segments of different pilots"));
        }
        Ok(Segments { column, values })
    }

    /// The column's name.
    pub fn column(&self) -> &str {
        &self.column
    }

    /// The values in order, with their tables.
    pub fn values(&self) -> &[(String, ContactTable)] {
        &self.values
    }
}

/// The error of a column with too many values.
pub fn too_many(column: &str) -> Error {
    Error::data(format!(
        "the segment column \"{column}\" has more than {} values",
        Segments::MOST
    ))
    .key("analysis.segments")
    .hint("effects are shown for groups of customers: give a coarser column, such as a region instead of a postcode")
}
