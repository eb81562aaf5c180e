//! What rows meant, so that the same fields need not be judged again.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::engine::counts::Judge;
use crate::engine::repeats::Place;
use crate::engine::row::Row;

/// Distinct rows remembered; pilots have far fewer, files of measurements far more.
const LIMIT: usize = 1 << 20;

/// What is known of rows with the same fields.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Their number among the distinct rows.
    pub id: u32,
    /// How many values of each were rounded.
    pub rounded: u64,
}

/// One file's rows by the bytes of the fields that their key depends on.
#[derive(Default)]
pub struct Memo {
    file: u32,
    known: HashMap<Box<[u8]>, Known, FixedState>,
    fields: Vec<u8>,
}

impl Memo {
    /// What is known of a row.
    pub fn recall(&mut self, row: &Row<'_>, judge: &Judge<'_>, place: Place) -> Option<Known> {
        if self.file != place.file {
            self.known.clear();
            self.file = place.file;
        }
        self.fields.clear();
        for column in judge.value_columns() {
            let field = row.bytes(column);
            let length = field.len() as u32;
            self.fields.extend_from_slice(&length.to_le_bytes());
            self.fields.extend_from_slice(field);
        }
        self.known.get(self.fields.as_slice()).copied()
    }

    /// Remembers the row that was just not known.
    pub fn learn(&mut self, known: Known) {
        if self.known.len() < LIMIT {
            let fields = self.fields.as_slice().into();
            self.known.insert(fields, known);
        }
    }
}
