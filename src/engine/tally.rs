//! Typed rows → one ContactTable an outcome.

use std::collections::HashMap;

use crate::error::Result;
use crate::table::{ArmId, Cell, ContactTable, Decimals, ExposureUnit, Strata, StratumId};

use super::fields::MICRO;

/// Stands for "unknown" in a [`RowKey`]; no value comes near it.
pub const NONE: i64 = i64::MIN;

/// A customer's values, all in millionths; [`NONE`] where unknown.
///
/// Layout: arm, stratum, exposure, before exposure, uptake, cluster, then before and
/// after of each outcome. One flat slice, so that a row is hashed once.
pub type RowKey = Box<[i64]>;

/// Index of the first outcome's before value in a [`RowKey`].
pub const FIRST_OUTCOME: usize = 6;

/// Index of the cluster's number in a [`RowKey`].
pub const CLUSTER: usize = 5;

/// A yes/no value in a [`RowKey`].
pub fn flag(value: Option<bool>) -> i64 {
    value.map_or(NONE, i64::from)
}

/// Distinct tuples of stratum values, numbered in the order of their first row.
#[derive(Debug, Default, Clone)]
pub struct Interner {
    ids: HashMap<Box<[u8]>, u32>,
    tuples: Vec<Vec<String>>,
    joined: Vec<u8>,
}

impl Interner {
    /// The number of a tuple.
    pub fn id<S: AsRef<str>>(&mut self, tuple: &[S]) -> u32 {
        self.joined.clear();
        for value in tuple {
            let value = value.as_ref();
            self.joined.extend_from_slice(&value.len().to_le_bytes());
            self.joined.extend_from_slice(value.as_bytes());
        }
        if let Some(id) = self.ids.get(self.joined.as_slice()) {
            return *id;
        }
        let id = self.tuples.len() as u32;
        let owned = tuple.iter().map(|s| s.as_ref().to_string());
        self.tuples.push(owned.collect());
        self.ids.insert(self.joined.as_slice().into(), id);
        id
    }

    /// The tuples, by number.
    pub fn tuples(&self) -> &[Vec<String>] {
        &self.tuples
    }
}

/// Distinct rows with their customers.
#[derive(Debug, Default)]
pub struct Distinct {
    ids: HashMap<RowKey, u32>,
    /// Rows and their customers, in the order of their first.
    pub rows: Vec<(RowKey, u64)>,
}

impl Distinct {
    /// The number of a row, with no customer yet if it is new.
    pub fn id(&mut self, key: &[i64]) -> u32 {
        if let Some(id) = self.ids.get(key) {
            return *id;
        }
        let id = self.rows.len() as u32;
        self.rows.push((key.into(), 0));
        self.ids.insert(key.into(), id);
        id
    }

    /// Adds customers who share a row.
    pub fn add(&mut self, key: &[i64], customers: u64) {
        let id = self.id(key);
        self.rows[id as usize].1 += customers;
    }
}

/// Builds the tables of all outcomes from distinct rows and their customers.
pub fn tables(
    arms: &[String],
    strata_columns: &[String],
    strata: &Interner,
    exposure_unit: ExposureUnit,
    outcomes: usize,
    rows: &[(RowKey, u64)],
) -> Result<Vec<ContactTable>> {
    let dictionary = if strata_columns.is_empty() {
        Strata::none()
    } else {
        let used: std::collections::BTreeSet<i64> =
            rows.iter().filter(|r| r.1 > 0).map(|r| r.0[1]).collect();
        Strata::new(
            strata_columns.to_vec(),
            used.iter().map(|id| strata.tuples()[*id as usize].clone()),
        )?
    };
    let numbered = Dictionary::new(strata, &dictionary);
    let rows: Vec<&(RowKey, u64)> = rows.iter().filter(|r| r.1 > 0).collect();
    (0..outcomes)
        .map(|o| {
            let before = FIRST_OUTCOME + 2 * o;
            let decimals = |at: usize| {
                rows.iter()
                    .map(|r| needed_decimals(r.0[at]))
                    .max()
                    .unwrap_or(0)
            };
            let d = Decimals {
                exposure: decimals(2),
                before_exposure: decimals(3),
                before: decimals(before),
                after: decimals(before + 1),
            };
            let cells = rows
                .iter()
                .map(|(key, customers)| numbered.cell(key, *customers, before, d))
                .collect();
            ContactTable::new(arms.to_vec(), dictionary.clone(), exposure_unit, d, cells)
        })
        .collect()
}

/// From the numbers of a scan's tuples to the strata of a table.
pub struct Dictionary(Vec<Option<StratumId>>);

impl Dictionary {
    /// Of a scan's tuples.
    pub fn new(interner: &Interner, strata: &Strata) -> Self {
        let tuples = interner.tuples().iter();
        Dictionary(tuples.map(|t| strata.id(t)).collect())
    }

    /// Whether a row's stratum is one of the table's.
    pub fn knows(&self, key: &[i64]) -> bool {
        self.0.get(key[1] as usize).is_some_and(Option::is_some)
    }

    /// Whether a row's values need no more decimals.
    pub fn fits(key: &[i64], before: usize, d: Decimals) -> bool {
        [
            (2, d.exposure),
            (3, d.before_exposure),
            (before, d.before),
            (before + 1, d.after),
        ]
        .into_iter()
        .all(|(at, most)| needed_decimals(key[at]) <= most)
    }

    /// A row as a cell of the outcome whose before value stands at `before`.
    pub fn cell(&self, key: &[i64], customers: u64, before: usize, d: Decimals) -> Cell {
        let x = scaled(key[before], d.before);
        let stratum = self.0.get(key[1] as usize).copied().flatten();
        Cell {
            arm: ArmId(key[0] as u16),
            stratum: stratum.unwrap_or(StratumId(0)),
            exposure: scaled(key[2], d.exposure).unwrap_or(0),
            before_exposure: x.and(scaled(key[3], d.before_exposure)).unwrap_or(0),
            before: x,
            after: scaled(key[before + 1], d.after),
            uptake: match key[4] {
                NONE => None,
                u => Some(u != 0),
            },
            customers,
        }
    }
}

fn needed_decimals(micros: i64) -> u8 {
    if micros == NONE {
        return 0;
    }
    let mut unit = MICRO;
    for d in 0..6 {
        if micros % unit == 0 {
            return d;
        }
        unit /= 10;
    }
    6
}

/// Millionths as a fixed-point integer of so many decimals.
pub fn scaled(micros: i64, decimals: u8) -> Option<i64> {
    (micros != NONE).then(|| micros / 10i64.pow(u32::from(6 - decimals)))
}
