//! Contacts that the primary outcome does not count, or not in this channel: did the question move?

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What is counted of each customer in the after window.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Measure {
    /// Contacts for reasons that the primary outcome does not count.
    OtherReasons,
    /// Contacts that the primary outcome counts, in one channel.
    Channel(String),
}

/// Exact sums over an arm's customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SpillSums {
    /// Customers.
    pub customers: u64,
    /// Σ contacts.
    pub sum: i128,
    /// Σ contacts².
    pub squares: i128,
}

/// Measures, each with the sums of every arm.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Spillover {
    measures: Vec<(Measure, Vec<SpillSums>)>,
    /// Whether the log's channels were too many to be told apart.
    pub many_channels: bool,
}

impl Spillover {
    /// Most channels that are told apart; more are a column of something else.
    pub const MAX_CHANNELS: usize = 20;

    /// Measures in any order.
    ///
    /// # Errors
    /// A measure that is there twice, not one entry an arm, or sums that no customers can have.
    pub fn new(
        arms: usize,
        mut measures: Vec<(Measure, Vec<SpillSums>)>,
        many_channels: bool,
    ) -> Result<Self> {
        measures.sort_by(|a, b| a.0.cmp(&b.0));
        let twice = measures.windows(2).any(|w| w[0].0 == w[1].0);
        let uneven = measures.iter().any(|(_, sums)| sums.len() != arms);
        let unfit = measures.iter().flat_map(|(_, sums)| sums).any(|s| {
            let (n, squares) = (i128::from(s.customers), s.squares);
            s.sum < 0
                || squares < s.sum
                || s.sum
                    .checked_mul(s.sum)
                    .zip(squares.checked_mul(n))
                    .is_some_and(|(a, b)| a > b)
        });
        if twice || uneven || unfit {
            return Err(Error::data(
                "the sums of contacts for other reasons and by channel do not fit each other",
            ));
        }
        Ok(Spillover {
            measures,
            many_channels,
        })
    }

    /// The measures, other reasons first, then channels by name; sums in the plan's order of arms.
    pub fn measures(&self) -> &[(Measure, Vec<SpillSums>)] {
        &self.measures
    }
}
