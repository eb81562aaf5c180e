//! Totals of regions by block of days, for pilots that assign regions for a while.

use std::collections::BTreeMap;

use crate::error::{Error, Result};

use super::cells::{ArmId, Cell, ContactTable, Decimals, ExposureUnit, Strata, StratumId};
use super::evidence::OutcomeEvidence;
use super::moments::Moments;

/// What a region adds up to in a block of days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PanelRow {
    /// Place of the region among the plan's, by name.
    pub region: u32,
    /// Place of the block in time.
    pub block: u32,
    /// Arm that the region had.
    pub arm: ArmId,
    /// Days that were observed and count; where there are none, the other sums are 0.
    pub days: u32,
    /// Customer-days, or region-days where customers are not known.
    pub exposure: i64,
    /// Contacts.
    pub y: i64,
}

/// Every region and block of a schedule with its totals, by region and then block.
///
/// Regions are numbers: the plan has their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panel {
    blocks: u32,
    rows: Vec<PanelRow>,
}

impl OutcomeEvidence {
    /// An outcome counted by region and block, with a cell for each; exposure is in days.
    ///
    /// # Errors
    /// Those of [`Panel::new`], and of cells that cannot be.
    pub fn of_panel(
        outcome: impl Into<String>,
        arms: Vec<String>,
        rows: Vec<PanelRow>,
    ) -> Result<Self> {
        let cells = rows.iter().map(|r| Cell {
            arm: r.arm,
            stratum: StratumId(0),
            exposure: r.exposure,
            before_exposure: 0,
            before: None,
            after: (r.days > 0).then_some(r.y),
            uptake: None,
            customers: 1,
        });
        let table = ContactTable::new(
            arms,
            Strata::none(),
            ExposureUnit::Day,
            Decimals::default(),
            cells.collect(),
        )?;
        let panel = Panel::new(&table, rows)?;
        let mut evidence = OutcomeEvidence::of_cells(outcome, table);
        evidence.panel = Some(panel);
        Ok(evidence)
    }
}

impl Panel {
    /// A panel from rows in any order.
    ///
    /// `table` holds the same region-blocks as cells, those without observed days as missing.
    ///
    /// # Errors
    /// A region-block that is missing or there twice, an arm that `table` does not have, negative
    /// sums, or sums that are not those of the cells.
    pub fn new(table: &ContactTable, mut rows: Vec<PanelRow>) -> Result<Self> {
        rows.sort_unstable();
        let blocks = rows
            .iter()
            .map(|r| r.block.saturating_add(1))
            .max()
            .unwrap_or(0);
        let whole = rows.iter().enumerate().all(|(i, r)| {
            let i = i as u64;
            let width = u64::from(blocks.max(1));
            (u64::from(r.region), u64::from(r.block)) == (i / width, i % width)
        });
        if !whole || !(rows.len() as u64).is_multiple_of(u64::from(blocks.max(1))) {
            return Err(Error::data("a region's block is missing, or there twice"));
        }
        let mut sums: BTreeMap<ArmId, (u64, u64, i128, i128)> = BTreeMap::new();
        for row in &rows {
            if usize::from(row.arm.0) >= table.arms().len() {
                return Err(Error::internal("a region names an arm that does not exist"));
            }
            if row.exposure < 0 || row.days == 0 && (row.exposure, row.y) != (0, 0) {
                return Err(Error::data("a region's totals contradict each other"));
            }
            let sum = sums.entry(row.arm).or_default();
            match row.days {
                0 => sum.1 += 1,
                _ => sum.0 += 1,
            }
            sum.2 += i128::from(row.exposure);
            sum.3 += i128::from(row.y);
        }
        let mut cells: BTreeMap<ArmId, Moments> = BTreeMap::new();
        for cell in table.cells() {
            cells.entry(cell.arm).or_default().add(cell)?;
        }
        let of_cells = cells.iter().map(|(a, m)| (*a, (m.n, m.missing, m.e, m.y)));
        if !sums.into_iter().eq(of_cells) {
            return Err(Error::data("the regions do not add up to the cells"));
        }
        Ok(Panel { blocks, rows })
    }

    /// Blocks of the schedule.
    pub fn blocks(&self) -> usize {
        self.blocks as usize
    }

    /// Regions of the schedule.
    pub fn regions(&self) -> usize {
        self.rows.len() / self.blocks().max(1)
    }

    /// All region-blocks, by region and then block.
    pub fn rows(&self) -> &[PanelRow] {
        &self.rows
    }

    /// The region-blocks that count: observed, with exposure.
    pub fn observed(&self) -> impl Iterator<Item = &PanelRow> + Clone {
        self.rows.iter().filter(|r| r.days > 0 && r.exposure > 0)
    }
}
