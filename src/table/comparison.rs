//! One treatment arm beside control: the customers of those two arms only.

use std::collections::BTreeMap;

use crate::error::Result;

use super::cells::{ArmId, Cell, ContactTable, Decimals, StratumId, shared_exposure};
use super::moments::Moments;

/// One arm's side of a comparison.
#[derive(Debug, Clone)]
pub struct Side {
    /// The arm.
    pub arm: ArmId,
    /// Sums by stratum; strata without a customer of this arm are absent.
    pub strata: BTreeMap<StratumId, Moments>,
    /// Sums over all strata.
    pub total: Moments,
}

/// Customers of one (arm, stratum, before, exposure), with their outcome's sums.
///
/// In values, not fixed-point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupedRow {
    /// 1 for treatment, 0 for control.
    pub treated: bool,
    /// Stratum.
    pub stratum: StratumId,
    /// Outcome before; `None` without a before period.
    pub before: Option<f64>,
    /// Exposure after.
    pub exposure: f64,
    /// Customers.
    pub n: f64,
    /// Σ y.
    pub sum: f64,
    /// Σ y².
    pub sum_of_squares: f64,
}

/// (treated, stratum, before, exposure), fixed-point.
type GroupKey = (bool, StratumId, Option<i64>, i64);

/// A treatment and control of one [`ContactTable`].
#[derive(Debug, Clone)]
pub struct Comparison<'a> {
    table: &'a ContactTable,
    /// The control arm's sums.
    pub control: Side,
    /// The treatment arm's sums.
    pub treatment: Side,
}

impl<'a> Comparison<'a> {
    /// Sums both arms.
    ///
    /// # Errors
    /// A sum that does not fit 127 bits.
    pub fn new(table: &'a ContactTable, treatment: ArmId, control: ArmId) -> Result<Self> {
        Ok(Comparison {
            table,
            control: side(table, control)?,
            treatment: side(table, treatment)?,
        })
    }

    /// The table.
    pub fn table(&self) -> &'a ContactTable {
        self.table
    }

    /// Cells of the two arms, in the table's order.
    pub fn cells(&self) -> impl Iterator<Item = &'a Cell> + Clone + use<'a> {
        let (t, c) = (self.treatment.arm, self.control.arm);
        self.table
            .cells()
            .iter()
            .filter(move |cell| cell.arm == t || cell.arm == c)
    }

    /// Whether a cell belongs to the treatment arm.
    pub fn treated(&self, cell: &Cell) -> bool {
        cell.arm == self.treatment.arm
    }

    /// Factor from the fixed-point outcome to its value.
    pub fn y_unit(&self) -> f64 {
        Decimals::unit(self.table.decimals().after)
    }

    /// Factor from the fixed-point before value to its value.
    pub fn x_unit(&self) -> f64 {
        Decimals::unit(self.table.decimals().before)
    }

    /// Factor from the fixed-point exposure to its value.
    pub fn e_unit(&self) -> f64 {
        Decimals::unit(self.table.decimals().exposure)
    }

    /// The exposure shared by all observed customers of the two arms, if they share one.
    pub fn constant_exposure(&self) -> Option<f64> {
        shared_exposure(self.cells()).map(|e| e as f64 * self.e_unit())
    }

    /// Strata in which the comparison has any customer, ascending.
    pub fn strata(&self) -> Vec<StratumId> {
        let mut ids: Vec<_> = self
            .control
            .strata
            .keys()
            .chain(self.treatment.strata.keys())
            .copied()
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The Grouped form of the two arms: observed customers by (arm, stratum, before, exposure).
    pub fn grouped(&self) -> Vec<GroupedRow> {
        let mut rows: BTreeMap<GroupKey, (u64, i128, i128)> = BTreeMap::new();
        for c in self.cells() {
            let Some(y) = c.after else { continue };
            let row = rows
                .entry((self.treated(c), c.stratum, c.before, c.exposure))
                .or_default();
            let (w, y) = (i128::from(c.customers), i128::from(y));
            row.0 += c.customers;
            row.1 += w * y;
            row.2 += w * y * y;
        }
        let (xu, yu, eu) = (self.x_unit(), self.y_unit(), self.e_unit());
        rows.into_iter()
            .map(
                |((treated, stratum, before, exposure), (n, s, ss))| GroupedRow {
                    treated,
                    stratum,
                    before: before.map(|x| x as f64 * xu),
                    exposure: exposure as f64 * eu,
                    n: n as f64,
                    sum: s as f64 * yu,
                    sum_of_squares: ss as f64 * yu * yu,
                },
            )
            .collect()
    }
}

fn side(table: &ContactTable, arm: ArmId) -> Result<Side> {
    let mut strata: BTreeMap<StratumId, Moments> = BTreeMap::new();
    let mut total = Moments::default();
    for c in table.cells().iter().filter(|c| c.arm == arm) {
        strata.entry(c.stratum).or_default().add(c)?;
    }
    for m in strata.values() {
        total.merge(m)?;
    }
    Ok(Side { arm, strata, total })
}
