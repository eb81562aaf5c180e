//! What the statistics read: small tables of integers, made in one scan.
//!
//! [`ContactTable`] holds cells, (arm, stratum, exposure, before, after) →
//! customers; [`Moments`] and [`GroupedRow`] are its two coarser forms, and
//! [`ClusterTable`] its form by whole clusters. All sums are exact integers, so
//! two engines must agree by `==`.

mod cells;
mod clusters;
mod comparison;
mod evidence;
pub mod exchange;
mod moments;
mod panel;
pub mod segments;
mod spillover;
pub mod store;
mod weekly;

pub use cells::{ArmId, Cap, Cell, ContactTable, Decimals, ExposureUnit, Strata, StratumId};
pub use clusters::{ClusterRow, ClusterTable, ClusterTotals, Clusters};
pub use comparison::{Comparison, GroupedRow, Side};
pub use evidence::{Audit, Evidence, OutcomeEvidence, Provenance, SourceFile, UnassignedContacts};
pub use moments::{Moments, Paired};
pub use panel::{Panel, PanelRow};
pub use segments::Segments;
pub use spillover::{Measure, SpillSums, Spillover};
pub use weekly::{WeekPair, Weekly};
