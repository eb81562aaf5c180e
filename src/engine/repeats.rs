//! Customers by their unit key: the first row of each, and what became of later ones.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use crate::error::Error;

use super::source::Part;

/// Bytes of a unit key; units compare byte for byte.
pub type Unit = Box<[u8]>;

/// Where a row stands; rows are ordered by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Number of the file among the input's files.
    pub file: u32,
    /// Line, from 1.
    pub line: u64,
}

/// The row that was kept of a customer.
#[derive(Debug)]
pub struct Kept<V> {
    /// Its values.
    pub value: V,
    arm: u16,
    place: Place,
    repeats: u64,
}

/// Customers by unit.
#[derive(Debug)]
pub struct Units<V> {
    /// The first row of each customer, those in two arms included.
    pub kept: HashMap<Unit, Kept<V>>,
    /// Customers found in two arms; they belong in no table.
    pub doubles: HashSet<Unit>,
}

impl<V> Default for Units<V> {
    fn default() -> Self {
        Units {
            kept: HashMap::new(),
            doubles: HashSet::new(),
        }
    }
}

impl<V: PartialEq> Units<V> {
    /// Adds a row, in the order of the files.
    ///
    /// # Errors
    /// The customer's first row has the same arm and other values; its place.
    pub fn add(&mut self, unit: &[u8], arm: u16, value: V, place: Place) -> Result<(), Place> {
        match self.kept.entry(unit.into()) {
            Entry::Vacant(vacant) => {
                vacant.insert(Kept {
                    value,
                    arm,
                    place,
                    repeats: 0,
                });
            }
            Entry::Occupied(mut first) => {
                let first = first.get_mut();
                if first.arm != arm {
                    self.doubles.insert(unit.into());
                } else if first.value == value {
                    first.repeats += 1;
                } else {
                    return Err(first.place);
                }
            }
        }
        Ok(())
    }

    fn in_one_arm(&self) -> impl Iterator<Item = (&Unit, &Kept<V>)> {
        self.kept
            .iter()
            .filter(|(unit, _)| !self.doubles.contains(*unit))
    }

    /// Customers in one arm, with the values of their first row.
    pub fn single(&self) -> impl Iterator<Item = (&Unit, &V)> {
        self.in_one_arm().map(|(unit, kept)| (unit, &kept.value))
    }

    /// Rows that repeat the first one of a customer in one arm.
    pub fn duplicates(&self) -> u64 {
        self.in_one_arm().map(|(_, kept)| kept.repeats).sum()
    }
}

/// The error of a row that contradicts the customer's first one.
pub fn contradiction(parts: &[Part], place: Place, first: Place, column: &str) -> Error {
    let name = |file: u32| parts.iter().find(|p| p.file == file as usize);
    let mut message = format!("this customer stands on line {}", first.line);
    if let Some(part) = name(first.file)
        && first.file != place.file
    {
        message.push_str(&format!(" of {}", part.input.name.display()));
    }
    message.push_str(" with other values");
    let error = Error::data(message)
        .line(place.line)
        .key(column)
        .hint("keep one row a customer");
    match name(place.file) {
        Some(part) => error.file(&part.input.name),
        None => error,
    }
}
