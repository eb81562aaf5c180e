//! What looking early did, as people and programs read it.

use serde::{Deserialize, Serialize};

use super::looks::{LookTally, Looking};
use super::tally::Rate;

/// Looks of a simulated plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Looks {
    /// Name of the boundary, or "confidence-sequence".
    pub rule: String,
    /// Error rate of one comparison over all looks.
    pub alpha_each: f64,
    /// Every look.
    pub looks: Vec<LookRow>,
    /// Pilots in which any look crosses the boundary without effect.
    pub false_positives: Option<Rate>,
    /// Pilots in which any look has p ≤ α by itself without effect: looking without a boundary.
    pub unplanned: Option<Rate>,
    /// Pilots in which the last look has p ≤ α by itself without effect: looking once.
    pub once: Option<Rate>,
    /// Pilots in which any look crosses the boundary with the effect.
    pub power: Option<Rate>,
    /// Pilots in which the last look has p ≤ α by itself with the effect: looking once.
    pub power_once: Option<Rate>,
    /// Mean share of the window that had passed when the pilot stopped or ended, without effect.
    pub stopped_at: Option<Rate>,
    /// The same with the effect.
    pub stopped_at_with_effect: Option<Rate>,
    /// Looks at an arm, in a hundred pilots without effect, that had no estimate or no new information.
    pub without: f64,
}

/// One look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LookRow {
    /// Number, from 1.
    pub look: u32,
    /// Share of the window that has passed.
    pub time: f64,
    /// Share of the information that is planned.
    pub information: f64,
    /// Planned boundary of one comparison; `None` of a confidence sequence.
    pub z: Option<f64>,
    /// Its p-value on the sides of the test.
    pub nominal_p: Option<f64>,
    /// Pilots that cross first here, without effect.
    pub stops: Rate,
    /// The same with the effect.
    pub stops_with_effect: Option<Rate>,
    /// Pilots that stop here because success is unlikely, without effect.
    pub futile: Rate,
    /// The same with the effect.
    pub futile_with_effect: Option<Rate>,
}

/// A share of replays.
fn share(times: &[u64], k: usize, replays: u64) -> Rate {
    let n = replays.max(1) as f64;
    let value = times.get(k).copied().unwrap_or(0) as f64 / n;
    Rate {
        value,
        mcse: (value * (1.0 - value) / n).sqrt(),
        replays,
    }
}

/// Puts the looks without effect and those with it together.
pub fn looks_summary(
    rule: String,
    looking: &Looking,
    none: &LookTally,
    effect: Option<&LookTally>,
) -> Looks {
    let boundary = looking.boundary();
    let at = looking.at();
    let row = |k: usize| LookRow {
        look: k as u32 + 1,
        time: at.times[k],
        information: at.information[k],
        z: boundary.get(k).map(|l| l.z),
        nominal_p: boundary.get(k).map(|l| l.nominal_p),
        stops: share(&none.stops, k, none.crossed.n),
        stops_with_effect: effect.map(|e| share(&e.stops, k, e.crossed.n)),
        futile: share(&none.futile, k, none.crossed.n),
        futile_with_effect: effect.map(|e| share(&e.futile, k, e.crossed.n)),
    };
    Looks {
        rule,
        alpha_each: looking.alpha_each(),
        looks: (0..at.times.len()).map(row).collect(),
        false_positives: none.crossed.rate(),
        unplanned: none.unplanned.rate(),
        once: none.once.rate(),
        power: effect.and_then(|e| e.crossed.rate()),
        power_once: effect.and_then(|e| e.once.rate()),
        stopped_at: none.stopped_at.rate(),
        stopped_at_with_effect: effect.and_then(|e| e.stopped_at.rate()),
        without: 100.0 * none.without as f64 / none.crossed.n.max(1) as f64,
    }
}
