//! The effect and its error for one schedule after another, for the randomisation test.

use crate::stats::estimate::Refusal;

use super::effects::Effects;
use super::fit::dot;
use super::{Row, both_arms};

/// A treatment column that effects explain but for this share of its squared length says nothing.
const ALIASED: f64 = 1e-10;
/// A cluster with less than this left of its term is fitted exactly: it has no residual.
const FITTED: f64 = 1e-10;

/// What stays the same when the schedule is drawn again.
pub(crate) struct Studentised {
    effects: Effects,
    /// Region and block of each row.
    places: Vec<(usize, usize)>,
    /// The rates without effects of regions and blocks, times √e.
    y: Vec<f64>,
    /// Σ e.
    exposure: f64,
}

impl Studentised {
    /// # Errors
    /// Fewer than two rows of an arm.
    pub fn new(rows: &[Row]) -> Result<Self, Refusal> {
        both_arms(rows)?;
        let effects = Effects::new(rows);
        Ok(Studentised {
            y: effects.residual(|i| rows[i].y / rows[i].exposure),
            places: rows.iter().map(|r| (r.region, r.block)).collect(),
            exposure: rows.iter().map(|r| r.exposure).sum(),
            effects,
        })
    }

    /// The effect under a schedule and the variance that studentises it.
    ///
    /// *Formula* — δ of [`super::panel`], and Σ_g (z_g'ẽ_g)²/b_g/(z'z)² with z the treatment column
    /// without effects and b_g = z_g'(I − H_gg)z_g/z_g'z_g: CR2 where z_g is an eigenvector of
    /// I − H_gg, as it is where exposure is the same everywhere or each cluster is one row. Both are
    /// 0 where effects explain the schedule.
    pub fn outcome(&self, treated: impl Fn(usize, usize) -> bool) -> (f64, f64) {
        let column = |i: usize| {
            let (region, block) = self.places[i];
            f64::from(u8::from(treated(region, block)))
        };
        let z = self.effects.residual(column);
        let length = dot(&z, &z);
        if length <= ALIASED * self.exposure {
            return (0.0, 0.0);
        }
        let delta = dot(&z, &self.y) / length;
        let mut variance = 0.0;
        for (g, rows) in self.effects.members.iter().enumerate() {
            let (mut own, mut term, mut mean) = (0.0, 0.0, 0.0);
            for i in rows {
                own += z[*i] * z[*i];
                term += z[*i] * (self.y[*i] - delta * z[*i]);
                mean += self.effects.root[*i] * z[*i];
            }
            if own <= 0.0 {
                continue;
            }
            let group = self.effects.group[rows[0]];
            let level = mean * mean / self.effects.weight[group];
            let taken = level + self.effects.length_in_blocks(g, &z);
            let left = 1.0 - taken / own - own / length;
            if left > FITTED {
                variance += term * term / left;
            }
        }
        (delta, variance / (length * length))
    }
}
