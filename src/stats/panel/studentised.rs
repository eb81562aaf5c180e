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

/// A schedule's treatment column without effects of regions and blocks, and what is left of each
/// cluster's term; `None` where the cluster adds nothing.
pub(crate) struct Column {
    z: Vec<f64>,
    length: f64,
    left: Vec<Option<f64>>,
}

impl Studentised {
    /// # Errors
    /// Fewer than two rows of an arm.
    pub fn new(rows: &[Row]) -> Result<Self, Refusal> {
        both_arms(rows)?;
        Ok(Self::of_places(rows))
    }

    /// The same where no schedule is known yet.
    pub fn of_places(rows: &[Row]) -> Self {
        let effects = Effects::new(rows);
        Studentised {
            y: effects.residual(|i| rows[i].y / rows[i].exposure),
            places: rows.iter().map(|r| (r.region, r.block)).collect(),
            exposure: rows.iter().map(|r| r.exposure).sum(),
            effects,
        }
    }

    /// Takes other contacts of the same places, by rate.
    pub fn observe(&mut self, rate: impl Fn(usize) -> f64) {
        self.y = self.effects.residual(rate);
    }

    /// The effect under a schedule and the variance that studentises it.
    ///
    /// *Formula* — δ of [`super::panel`], and Σ_g (z_g'ẽ_g)²/b_g/(z'z)² with z the treatment column
    /// without effects and b_g = z_g'(I − H_gg)z_g/z_g'z_g: CR2 where z_g is an eigenvector of
    /// I − H_gg, as it is where exposure is the same everywhere or each cluster is one row. Both are
    /// 0 where effects explain the schedule.
    pub fn outcome(&self, treated: impl Fn(usize, usize) -> bool) -> (f64, f64) {
        match self.column(treated) {
            Some(column) => self.under(&column),
            None => (0.0, 0.0),
        }
    }

    /// What a schedule has for every pilot of these places; `None` where effects explain it.
    pub fn column(&self, treated: impl Fn(usize, usize) -> bool) -> Option<Column> {
        let column = |i: usize| {
            let (region, block) = self.places[i];
            f64::from(u8::from(treated(region, block)))
        };
        let z = self.effects.residual(column);
        let length = dot(&z, &z);
        if length <= ALIASED * self.exposure {
            return None;
        }
        let left = |(g, rows): (usize, &Vec<usize>)| {
            let (mut own, mut mean) = (0.0, 0.0);
            for i in rows {
                own += z[*i] * z[*i];
                mean += self.effects.root[*i] * z[*i];
            }
            if own <= 0.0 {
                return None;
            }
            let group = self.effects.group[rows[0]];
            let level = mean * mean / self.effects.weight[group];
            let taken = level + self.effects.length_in_blocks(g, &z);
            let left = 1.0 - taken / own - own / length;
            (left > FITTED).then_some(left)
        };
        let left = self.effects.members.iter().enumerate().map(left).collect();
        Some(Column { z, length, left })
    }

    /// The effect and its variance under a schedule whose column is known.
    pub fn under(&self, column: &Column) -> (f64, f64) {
        let Column { z, length, left } = column;
        let delta = dot(z, &self.y) / length;
        let mut variance = 0.0;
        for (rows, left) in self.effects.members.iter().zip(left) {
            let Some(left) = left else { continue };
            let mut term = 0.0;
            for i in rows {
                term += z[*i] * (self.y[*i] - delta * z[*i]);
            }
            variance += term * term / left;
        }
        (delta, variance / (length * length))
    }
}
