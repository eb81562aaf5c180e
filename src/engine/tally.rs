//! Typed rows → one ContactTable an outcome.

use std::collections::HashMap;

use crate::error::Result;
use crate::table::{ArmId, Cell, ContactTable, Decimals, ExposureUnit, Strata, StratumId};

use super::fields::MICRO;

/// Stands for "unknown" in a [`RowKey`]; no value comes near it.
pub const NONE: i64 = i64::MIN;

/// A customer's values, all in millionths; [`NONE`] where unknown.
///
/// Layout: arm, stratum, exposure, before exposure, uptake, then before and
/// after of each outcome. One flat slice, so that a row is hashed once.
pub type RowKey = Box<[i64]>;

/// Index of the first outcome's before value in a [`RowKey`].
pub const FIRST_OUTCOME: usize = 5;

/// Distinct tuples of stratum values, numbered in the order of their first row.
#[derive(Debug, Default)]
pub struct Interner {
    ids: HashMap<Vec<String>, u32>,
    tuples: Vec<Vec<String>>,
}

impl Interner {
    /// The number of a tuple.
    pub fn id(&mut self, tuple: &[&str]) -> u32 {
        // A lookup by borrowed parts would need its own hash; tuples are short.
        let owned: Vec<String> = tuple.iter().map(|s| (*s).to_string()).collect();
        if let Some(id) = self.ids.get(&owned) {
            return *id;
        }
        let id = self.tuples.len() as u32;
        self.tuples.push(owned.clone());
        self.ids.insert(owned, id);
        id
    }

    /// The tuples, by number.
    pub fn tuples(&self) -> &[Vec<String>] {
        &self.tuples
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
    let sorted: Vec<StratumId> = strata
        .tuples()
        .iter()
        .map(|t| dictionary.id(t).unwrap_or(StratumId(0)))
        .collect();
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
                .map(|(key, customers)| {
                    let x = scaled(key[before], d.before);
                    Cell {
                        arm: ArmId(key[0] as u16),
                        stratum: sorted.get(key[1] as usize).copied().unwrap_or(StratumId(0)),
                        exposure: scaled(key[2], d.exposure).unwrap_or(0),
                        before_exposure: x.and(scaled(key[3], d.before_exposure)).unwrap_or(0),
                        before: x,
                        after: scaled(key[before + 1], d.after),
                        uptake: match key[4] {
                            NONE => None,
                            u => Some(u != 0),
                        },
                        customers: *customers,
                    }
                })
                .collect();
            ContactTable::new(arms.to_vec(), dictionary.clone(), exposure_unit, d, cells)
        })
        .collect()
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

fn scaled(micros: i64, decimals: u8) -> Option<i64> {
    (micros != NONE).then(|| micros / 10i64.pow(u32::from(6 - decimals)))
}
