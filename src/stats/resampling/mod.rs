//! What permutation and bootstrap share: counts by category of a random assignment or resample.
//!
//! Customers with the same score are exchangeable, so a random assignment is how
//! many of each score the treatment arm gets, and a resample is how often each
//! score was drawn. Both are counts with a fixed total, and cost what the
//! distinct scores cost, whatever the number of customers.

mod clusters;
mod collapse;
mod lookup;
mod scores;
mod urn;

pub(crate) use clusters::customers;
pub use clusters::{ClusterTotals, Size};
pub(crate) use collapse::{Score, scores};
pub(crate) use scores::Scores;
pub(crate) use urn::{Law, Urn};

/// Statistics this near, relatively, are the same: the two differ by rounding alone.
pub(crate) const TIE: f64 = 1e-12;

/// Draws that share a sub-stream in each urn; part of the definition of the numbers drawn.
pub(crate) const CHUNK: usize = 64;

/// Draws whose sums are kept at a time.
pub(crate) const BATCH: usize = CHUNK << 10;

/// The sub-stream of a chunk of draws from one urn: more draws leave the first ones as they were.
pub(crate) fn sub_stream(urn: usize, chunk: usize) -> u64 {
    (urn as u64) << 32 | chunk as u64
}
