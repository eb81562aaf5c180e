//! A simulation of regions in words.

use crate::number;
use crate::planning::simulate::Summary;
use crate::texts::text;

/// What was simulated; `None` where customers or clusters got the arms.
pub fn shows(s: &Summary) -> Option<String> {
    let (regions, blocks) = s.regions.zip(s.blocks)?;
    let (pilots, blocks) = (number::count(s.replicates), number::count(blocks));
    let (regions, source) = (number::count(regions), &s.source);
    Some(match s.regions {
        Some(1) => text!("simulation-regions.shows-one", pilots, blocks, source),
        _ => text!("simulation-regions.shows", pilots, regions, blocks, source),
    })
}

/// The finding over the chart; `None` as above.
pub fn title(s: &Summary, wrong: usize) -> Option<String> {
    s.regions?;
    Some(match wrong {
        0 => text!("simulation-regions.title-good"),
        1 => text!("simulation-regions.title-one-wrong"),
        _ => text!("simulation-regions.title-wrong"),
    })
}
