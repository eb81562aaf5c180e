//! What looking early does to the effects that money is made of.

use crate::stats::{DetailValue, Estimand};

use super::model::{Basis, EstimateRow};

/// By how many standard errors each arm's effect is moved for having been looked at, and how much
/// wider its error is.
///
/// *Formula* — z = (median-unbiased − raw)/se of the estimate that decides (of log ratios for a ratio);
/// whatever else money is made of, minutes or rates, moves by as many of its own standard errors.
/// An arm that crossed the boundary at an earlier look keeps that look's error: se × that look's se
/// over the se of now.
///
/// *Assumes* — minutes follow contacts. Where they do so in part, moving them as far is cautious.
///
/// *Source* — Tsiatis, Rosner & Mehta (1984), for the estimate that decides.
#[derive(Debug, Clone, PartialEq)]
pub struct Looked {
    /// z of each arm; 0 where there is nothing to move.
    pub shifts: Vec<f64>,
    widths: Vec<f64>,
    decides: Vec<Option<Told>>,
}

/// What the deciding estimate of an arm tells.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Told {
    looked: bool,
    median: bool,
}

fn number(row: &EstimateRow, key: &str) -> Option<f64> {
    match row.detail.get(key) {
        Some(DetailValue::Number(v)) => Some(*v),
        _ => None,
    }
}

/// The estimate on the scale of its standard error.
fn scaled(estimand: Estimand, value: f64) -> f64 {
    match estimand {
        Estimand::Ratio => value.ln(),
        _ => value,
    }
}

fn unscaled(estimand: Estimand, value: f64) -> f64 {
    match estimand {
        Estimand::Ratio => value.exp(),
        _ => value,
    }
}

/// z by which the looks move an estimate that decides; 0 without looks.
///
/// Where the boundary was crossed at an earlier look and all contacts since promise less than that
/// look does, they stand: money is of outcomes of which fewer is better.
pub fn shift(row: &EstimateRow) -> f64 {
    let median = number(row, "median_unbiased").zip(row.se.filter(|se| *se > 0.0));
    let z = median
        .map(|(median, se)| (scaled(row.estimand, median) - scaled(row.estimand, row.value)) / se);
    z.filter(|z| z.is_finite() && !(*z < 0.0 && row.detail.contains_key("stopping_se")))
        .unwrap_or(0.0)
}

/// An estimate `z` of its standard errors away.
pub fn moved(row: &EstimateRow, z: f64) -> f64 {
    match row.se {
        Some(se) if z != 0.0 => unscaled(row.estimand, scaled(row.estimand, row.value) + z * se),
        _ => row.value,
    }
}

impl Looked {
    /// What the estimates that decide say of the arms of `rows`, in their order.
    pub fn at(deciding: &[&EstimateRow], rows: &[&EstimateRow]) -> Self {
        let of = |row: &&EstimateRow| deciding.iter().copied().find(|d| d.arm == row.arm);
        let own: Vec<Option<&EstimateRow>> = rows.iter().map(of).collect();
        Looked {
            shifts: own.iter().map(|d| d.map_or(0.0, shift)).collect(),
            widths: own
                .iter()
                .map(|d| {
                    let moves = d.filter(|d| shift(d) != 0.0);
                    let stopping = moves.and_then(|d| Some(number(d, "stopping_se")? / d.se?));
                    stopping.filter(|w| w.is_finite()).unwrap_or(1.0)
                })
                .collect(),
            decides: own
                .iter()
                .map(|d| {
                    d.map(|d| Told {
                        looked: d.detail.contains_key("look"),
                        median: d.detail.contains_key("median_unbiased"),
                    })
                })
                .collect(),
        }
    }

    /// The effects, moved.
    pub fn values(&self, rows: &[&EstimateRow]) -> Vec<f64> {
        rows.iter()
            .zip(&self.shifts)
            .map(|(row, z)| moved(row, *z))
            .collect()
    }

    /// Factor of an entry of the covariance.
    pub fn width(&self, j: usize, k: usize) -> f64 {
        self.widths[j] * self.widths[k]
    }

    /// Says which arms rest on which estimate.
    pub fn note(&self, rows: &[&EstimateRow], basis: &mut Basis) {
        for (row, told) in rows.iter().zip(&self.decides) {
            match told {
                Some(Told { median: true, .. }) => basis.median_unbiased.push(row.arm.clone()),
                Some(Told { looked: true, .. }) => basis.raw.push(row.arm.clone()),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::stats::{Detail, Estimator};

    use super::*;

    fn row(median: f64, stopping: Option<f64>) -> EstimateRow {
        let mut detail = Detail::new();
        detail.insert("look".into(), DetailValue::Count(3));
        detail.insert("median_unbiased".into(), DetailValue::Number(median));
        if let Some(se) = stopping {
            detail.insert("stopping_se".into(), DetailValue::Number(se));
        }
        EstimateRow {
            outcome: "calls".into(),
            arm: "tips".into(),
            control: "control".into(),
            segment: None,
            estimand: Estimand::Difference,
            estimator: Estimator::Welch,
            value: -0.2,
            se: Some(0.05),
            df: None,
            ci_lower: None,
            ci_upper: None,
            level: 0.95,
            p_value: None,
            p_adjusted: None,
            ci_adjusted_lower: None,
            ci_adjusted_upper: None,
            primary: true,
            unit: "contacts per customer over 60 days".into(),
            n_arm: 100,
            n_control: 100,
            detail,
        }
    }

    #[test]
    fn a_look_that_promised_more_than_all_contacts_since_moves_nothing() {
        let of = |row: &EstimateRow| {
            let looked = Looked::at(&[row], &[row]);
            (looked.values(&[row])[0], looked.width(0, 0))
        };
        let near = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0).abs() + (a.1 - b.1).abs() < 1e-12;
        // At the look itself the median-unbiased estimate stands, whichever way it lies.
        assert!(near(of(&row(-0.18, None)), (-0.18, 1.0)));
        assert!(near(of(&row(-0.22, None)), (-0.22, 1.0)));
        // An earlier look: the one that promises less, with its own error.
        assert!(near(of(&row(-0.18, Some(0.1))), (-0.18, 4.0)));
        assert!(near(of(&row(-0.26, Some(0.1))), (-0.2, 1.0)));
    }
}
