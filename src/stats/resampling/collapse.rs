//! Customers of two arms by what a resample reads of them.

use std::collections::HashMap;

use crate::table::Comparison;

/// Observed customers who share stratum, outcome and exposure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Score {
    pub stratum: u32,
    pub y: i64,
    /// 0 where exposure does not vary.
    pub exposure: i64,
    /// Of control and treatment.
    pub customers: [u64; 2],
}

/// The scores of a comparison, each once, in order.
pub(crate) fn scores(c: &Comparison<'_>, varying: bool) -> Vec<Score> {
    // Thousands of scores in a hundred thousand cells: sorting the cells would take as long as
    // a thousand draws.
    let mut found: HashMap<(u32, i64, i64), [u64; 2]> = HashMap::new();
    for cell in c.cells() {
        let Some(y) = cell.after else { continue };
        let exposure = if varying { cell.exposure } else { 0 };
        let customers = found.entry((cell.stratum.0, y, exposure)).or_default();
        customers[usize::from(c.treated(cell))] += cell.customers;
    }
    let mut scores: Vec<Score> = found
        .into_iter()
        .map(|((stratum, y, exposure), customers)| Score {
            stratum,
            y,
            exposure,
            customers,
        })
        .collect();
    scores.sort_unstable();
    scores
}
