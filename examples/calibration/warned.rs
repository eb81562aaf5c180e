//! How often `pilot analyze` warns in a situation.

use std::collections::BTreeMap;
use std::error::Error;

use pilot::analysis::{self, Phase, Status};
use rayon::prelude::*;

use crate::cells::Cell;

/// Pilots that are looked at: the first of the replays, so that tallies of an older program
/// have the warnings of this one.
const PILOTS: u64 = 50;

/// Share of the situation's first pilots that give each warning, or a check that warns or stops.
pub fn shares(cell: &Cell) -> Result<BTreeMap<String, f64>, Box<dyn Error>> {
    let seen: Vec<pilot::error::Result<Vec<String>>> =
        (0..PILOTS).into_par_iter().map(|i| ids(cell, i)).collect();
    let mut shares: BTreeMap<String, f64> = BTreeMap::new();
    for ids in seen {
        for id in ids? {
            *shares.entry(id).or_default() += 1.0 / PILOTS as f64;
        }
    }
    Ok(shares)
}

fn ids(cell: &Cell, i: u64) -> pilot::error::Result<Vec<String>> {
    let (mut plan, evidence) = cell.pilot(i)?;
    // Resampling warns of nothing; what cannot be computed is left out.
    plan.analysis.permutations = 0;
    plan.analysis.bootstrap = 0;
    plan.analysis.estimator = None;
    let analysis = analysis::analyze(&plan, &evidence, Phase::Ended)?;
    let mut ids: Vec<String> = analysis.warnings.into_iter().map(|w| w.id).collect();
    let warned = |s: Status| matches!(s, Status::Warn | Status::Stop);
    let checks = analysis.checks.into_iter().filter(|c| warned(c.status));
    ids.extend(checks.map(|c| c.id));
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}
