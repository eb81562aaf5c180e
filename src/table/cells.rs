//! The ContactTable: distinct rows and how many customers share each.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// An arm, as its index in the plan's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ArmId(pub u16);

/// A stratum, as its index among the sorted tuples of [`Strata`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StratumId(pub u32);

/// What one unit of exposure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExposureUnit {
    /// The whole test window; every exposure is 1.
    Window,
    /// A day.
    Day,
    /// A week.
    Week,
    /// A month.
    Month,
}

/// Decimals of each fixed-point column: the stored integer is the value times 10^decimals.
///
/// Counts have none. At most 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Decimals {
    /// Of `exposure`.
    pub exposure: u8,
    /// Of `before_exposure`.
    pub before_exposure: u8,
    /// Of `before`.
    pub before: u8,
    /// Of `after`.
    pub after: u8,
}

/// What is cut, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cap {
    /// Counts above it count as it.
    pub at: u64,
    /// Whether counts before are cut too; not where they are a covariate, which is something else.
    pub before: bool,
}

impl Cap {
    /// The most that a value before and one after can be, in units of their decimals.
    ///
    /// # Errors
    /// A cap too large for the decimals.
    pub fn most(self, decimals: Decimals) -> Result<(i64, i64)> {
        let before = match self.before {
            true => Decimals::cap(self.at, decimals.before)?,
            false => i64::MAX,
        };
        Ok((before, Decimals::cap(self.at, decimals.after)?))
    }
}

impl Decimals {
    /// The most decimals a column may have.
    pub const MAX: u8 = 6;

    /// 10^-decimals as a factor from stored integer to value.
    pub fn unit(decimals: u8) -> f64 {
        1.0 / 10f64.powi(i32::from(decimals))
    }

    /// A plan's cap as a stored integer.
    ///
    /// # Errors
    /// A cap too large for the decimals.
    pub fn cap(cap: u64, decimals: u8) -> Result<i64> {
        i64::try_from(cap)
            .ok()
            .and_then(|c| c.checked_mul(10i64.pow(u32::from(decimals))))
            .ok_or_else(|| Error::plan("the cap is too large").key("outcomes.cap"))
    }
}

/// One distinct row and the number of customers who share it.
///
/// Fixed-point integers, scaled by the table's [`Decimals`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cell {
    /// Arm to which the customers were assigned.
    pub arm: ArmId,
    /// Stratum within which they were assigned.
    pub stratum: StratumId,
    /// Exposure after, in the table's exposure unit.
    pub exposure: i64,
    /// Exposure before; 0 where there was no before period or its length is not known.
    pub before_exposure: i64,
    /// Outcome before; `None` where the customer had no before period.
    pub before: Option<i64>,
    /// Outcome after; `None` where it was not observed.
    pub after: Option<i64>,
    /// Whether the customer took the intervention up, where the data say so.
    pub uptake: Option<bool>,
    /// Customers who share all of the above.
    pub customers: u64,
}

impl Cell {
    fn key(
        &self,
    ) -> (
        ArmId,
        StratumId,
        i64,
        i64,
        Option<i64>,
        Option<i64>,
        Option<bool>,
    ) {
        (
            self.arm,
            self.stratum,
            self.exposure,
            self.before_exposure,
            self.before,
            self.after,
            self.uptake,
        )
    }
}

/// The dictionary of strata: column names and the distinct tuples of their values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strata {
    columns: Vec<String>,
    tuples: Vec<Vec<String>>,
}

impl Strata {
    /// No stratification: one stratum, the empty tuple.
    pub fn none() -> Self {
        Strata {
            columns: Vec::new(),
            tuples: vec![Vec::new()],
        }
    }

    /// A dictionary from tuples in any order, repeats allowed.
    ///
    /// # Errors
    /// A tuple whose length differs from the number of columns.
    pub fn new(
        columns: Vec<String>,
        tuples: impl IntoIterator<Item = Vec<String>>,
    ) -> Result<Self> {
        let tuples: BTreeSet<Vec<String>> = tuples.into_iter().collect();
        if let Some(bad) = tuples.iter().find(|t| t.len() != columns.len()) {
            return Err(Error::internal(format!(
                "a stratum has {} values for {} columns",
                bad.len(),
                columns.len()
            )));
        }
        Ok(Strata {
            columns,
            tuples: tuples.into_iter().collect(),
        })
    }

    /// The stratum columns' names.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Number of strata.
    pub fn len(&self) -> usize {
        self.tuples.len()
    }

    /// Whether there is no stratum at all.
    pub fn is_empty(&self) -> bool {
        self.tuples.is_empty()
    }

    /// The values of a stratum, one a column.
    pub fn tuple(&self, id: StratumId) -> &[String] {
        &self.tuples[id.0 as usize]
    }

    /// The values of a stratum joined for display; "all" without stratification.
    pub fn label(&self, id: StratumId) -> String {
        if self.columns.is_empty() {
            "all".into()
        } else {
            self.tuple(id).join(" / ")
        }
    }

    /// The id of a tuple.
    pub fn id(&self, tuple: &[String]) -> Option<StratumId> {
        self.tuples
            .binary_search_by(|t| t.as_slice().cmp(tuple))
            .ok()
            .map(|i| StratumId(i as u32))
    }
}

/// All that the statistics of one outcome need: sorted, distinct cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked", into = "Unchecked")]
pub struct ContactTable {
    arms: Vec<String>,
    strata: Strata,
    exposure_unit: ExposureUnit,
    decimals: Decimals,
    cells: Vec<Cell>,
}

#[derive(Serialize, Deserialize)]
struct Unchecked {
    arms: Vec<String>,
    strata: Strata,
    exposure_unit: ExposureUnit,
    decimals: Decimals,
    cells: Vec<Cell>,
}

impl TryFrom<Unchecked> for ContactTable {
    type Error = Error;
    fn try_from(u: Unchecked) -> Result<Self> {
        ContactTable::new(u.arms, u.strata, u.exposure_unit, u.decimals, u.cells)
    }
}

impl From<ContactTable> for Unchecked {
    fn from(t: ContactTable) -> Self {
        Unchecked {
            arms: t.arms,
            strata: t.strata,
            exposure_unit: t.exposure_unit,
            decimals: t.decimals,
            cells: t.cells,
        }
    }
}

/// The exposure that all observed customers share, fixed-point; of all, where none was observed.
pub(super) fn shared_exposure<'a>(cells: impl Iterator<Item = &'a Cell> + Clone) -> Option<i64> {
    let seen = cells.clone().any(|c| c.after.is_some());
    let mut counting = cells.filter(|c| c.after.is_some() == seen);
    let first = counting.next()?.exposure;
    counting.all(|c| c.exposure == first).then_some(first)
}

impl ContactTable {
    /// A table from cells in any order; cells with the same key are added up.
    ///
    /// `arms` are names in the plan's order.
    ///
    /// # Errors
    /// An arm or stratum that does not exist, a negative exposure, exposure 0
    /// with contacts, a before exposure without a before value, more than
    /// [`Decimals::MAX`] decimals, or more than `u64::MAX` customers in a cell.
    pub fn new(
        arms: Vec<String>,
        strata: Strata,
        exposure_unit: ExposureUnit,
        decimals: Decimals,
        mut cells: Vec<Cell>,
    ) -> Result<Self> {
        for d in [
            decimals.exposure,
            decimals.before_exposure,
            decimals.before,
            decimals.after,
        ] {
            if d > Decimals::MAX {
                return Err(Error::internal(format!(
                    "{d} decimals; at most {} are kept",
                    Decimals::MAX
                )));
            }
        }
        for c in &cells {
            if usize::from(c.arm.0) >= arms.len() || c.stratum.0 as usize >= strata.len() {
                return Err(Error::internal(
                    "a cell names an arm or stratum that does not exist",
                ));
            }
            if c.exposure < 0 || c.before_exposure < 0 {
                return Err(Error::data("an exposure is negative"));
            }
            if c.exposure == 0 && c.after.is_some_and(|y| y != 0) {
                return Err(Error::data("a customer without exposure has contacts after the start")
                    .hint("exposure 0 means that the customer was never observed; correct the exposure or the count"));
            }
            if c.before.is_none() && c.before_exposure != 0 {
                return Err(Error::internal(
                    "a cell has before exposure but no before value",
                ));
            }
        }
        cells.retain(|c| c.customers > 0);
        cells.sort_unstable_by_key(Cell::key);
        let mut merged: Vec<Cell> = Vec::with_capacity(cells.len());
        for c in cells {
            match merged.last_mut() {
                Some(last) if last.key() == c.key() => {
                    last.customers = last
                        .customers
                        .checked_add(c.customers)
                        .ok_or_else(|| Error::data("more customers than a 64-bit count holds"))?;
                }
                _ => merged.push(c),
            }
        }
        Ok(ContactTable {
            arms,
            strata,
            exposure_unit,
            decimals,
            cells: merged,
        })
    }

    /// Arm names in the plan's order; an [`ArmId`] indexes them.
    pub fn arms(&self) -> &[String] {
        &self.arms
    }

    /// The strata.
    pub fn strata(&self) -> &Strata {
        &self.strata
    }

    /// What an exposure of one means.
    pub fn exposure_unit(&self) -> ExposureUnit {
        self.exposure_unit
    }

    /// Decimals of the fixed-point columns.
    pub fn decimals(&self) -> Decimals {
        self.decimals
    }

    /// The cells, sorted by key, each key once.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The same arms, with the customers of some of them alone.
    pub fn only(&self, keep: impl Fn(ArmId) -> bool) -> Self {
        let mut kept = self.clone();
        kept.cells.retain(|cell| keep(cell.arm));
        kept
    }

    /// Customers in an arm, observed or not.
    pub fn customers(&self, arm: ArmId) -> u64 {
        self.cells
            .iter()
            .filter(|c| c.arm == arm)
            .map(|c| c.customers)
            .sum()
    }

    /// The exposure that all observed customers share, in value (not fixed-point), if they do.
    ///
    /// Of customers whose outcome was not observed nobody asks how long that was.
    pub fn constant_exposure(&self) -> Option<f64> {
        shared_exposure(self.cells.iter())
            .map(|e| e as f64 * Decimals::unit(self.decimals.exposure))
    }

    /// Whether any customer has a before value.
    pub fn has_before(&self) -> bool {
        self.cells.iter().any(|c| c.before.is_some())
    }

    /// The table with one window a customer, for what does not grow with the time observed.
    ///
    /// # Errors
    /// Those of [`ContactTable::new`].
    pub fn per_customer(&self) -> Result<Self> {
        let exposure = 10i64.pow(u32::from(self.decimals.exposure));
        let cells = self.cells.iter().map(|c| Cell {
            exposure,
            before_exposure: 0,
            ..*c
        });
        ContactTable::new(
            self.arms.clone(),
            self.strata.clone(),
            ExposureUnit::Window,
            self.decimals,
            cells.collect(),
        )
    }

    /// The table with counts above the cap counted as it.
    ///
    /// # Errors
    /// A cap too large for the outcome's decimals.
    pub fn capped(&self, cap: Cap) -> Result<Self> {
        let (x, y) = cap.most(self.decimals)?;
        let cells = self
            .cells
            .iter()
            .map(|c| Cell {
                before: c.before.map(|v| v.min(x)),
                after: c.after.map(|v| v.min(y)),
                ..*c
            })
            .collect();
        ContactTable::new(
            self.arms.clone(),
            self.strata.clone(),
            self.exposure_unit,
            self.decimals,
            cells,
        )
    }

    /// Adds a table of other customers of the same pilot and outcome.
    ///
    /// # Errors
    /// Arms, strata, exposure unit or decimals differ.
    pub fn merge(self, other: ContactTable) -> Result<Self> {
        if self.arms != other.arms
            || self.strata != other.strata
            || self.exposure_unit != other.exposure_unit
            || self.decimals != other.decimals
        {
            return Err(Error::internal(
                "only tables of the same pilot and outcome can be merged",
            ));
        }
        let cells = self.cells.into_iter().chain(other.cells).collect();
        ContactTable::new(
            self.arms,
            self.strata,
            self.exposure_unit,
            self.decimals,
            cells,
        )
    }
}
