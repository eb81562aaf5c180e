//! What money rests on where a second stage follows a first: minutes, rates and contacts of both.

use crate::stats::{DetailValue, Estimand};

use super::joint::covariance_with;
use super::model::{Covariance, EstimateRow};

/// What puts an estimate of the second stage together with the first stage's.
#[derive(Debug, Clone, PartialEq)]
pub struct OverStages {
    /// Estimates of the first stage.
    pub first: Vec<EstimateRow>,
    /// Share of each stage in the estimate that decides, by arm.
    pub shares: Vec<(String, [f64; 2])>,
}

/// Detail of an estimate over both stages: control's share of its variance as far as it is shared
/// with the second stage's control rate, the only one that money looks at.
pub const RATE_SHARE: &str = "rate_share";

fn number(row: &EstimateRow, key: &str) -> Option<f64> {
    match row.detail.get(key) {
        Some(DetailValue::Number(v)) => Some(*v),
        _ => None,
    }
}

/// A stage's part in an estimate over both: its share, standard error and control's share.
struct Part {
    share: f64,
    se: f64,
    control: f64,
}

impl OverStages {
    /// Estimates of both stages with their joint covariance; `None` where the first stage has none
    /// like them.
    ///
    /// *Formula* — θ_k = Σ_s v_ks θ_ks, of log ratios for a ratio, by the shares v_ks of the stages in
    /// the estimate that decides; Cov(θ_j, θ_k) = Σ_s v_js v_ks se_js se_ks √(b_js b_ks), b control's
    /// share of a variance, since arms share only control.
    pub fn combined(&self, rows: &[&EstimateRow]) -> Option<(Vec<EstimateRow>, Covariance)> {
        let pairs: Vec<(EstimateRow, [Part; 2])> = rows
            .iter()
            .map(|row| self.one(row))
            .collect::<Option<_>>()?;
        let entry = |j: usize, k: usize| -> f64 {
            let stages = pairs[j].1.iter().zip(&pairs[k].1);
            let term = |(a, b): (&Part, &Part)| {
                let rho = if j == k {
                    1.0
                } else {
                    (a.control * b.control).sqrt()
                };
                a.share * b.share * a.se * b.se * rho
            };
            stages.map(term).sum()
        };
        let matrix: Vec<Vec<f64>> = (0..pairs.len())
            .map(|j| (0..pairs.len()).map(|k| entry(j, k)).collect())
            .collect();
        let covariance = covariance_with(rows, matrix);
        Some((pairs.into_iter().map(|(row, _)| row).collect(), covariance))
    }

    fn one(&self, row: &EstimateRow) -> Option<(EstimateRow, [Part; 2])> {
        let (_, [v1, v2]) = *self.shares.iter().find(|(arm, _)| *arm == row.arm)?;
        let like = |f: &&EstimateRow| {
            let same = (&f.outcome, &f.arm, f.estimator, f.estimand, &f.unit)
                == (
                    &row.outcome,
                    &row.arm,
                    row.estimator,
                    row.estimand,
                    &row.unit,
                );
            same && f.segment.is_none() && !f.detail.contains_key("stage")
        };
        let first = self.first.iter().find(like)?;
        let part = |row: &EstimateRow, share: f64| {
            Some(Part {
                share,
                se: row.se.filter(|se| se.is_finite())?,
                control: number(row, "control_share")?,
            })
        };
        let parts = [part(first, v1)?, part(row, v2)?];
        let value = match row.estimand {
            Estimand::Ratio => (v1 * first.value.ln() + v2 * row.value.ln()).exp(),
            _ => v1 * first.value + v2 * row.value,
        };
        let se = (parts[0].share * parts[0].se).hypot(parts[1].share * parts[1].se);
        let mut both = EstimateRow {
            value,
            se: Some(se),
            df: None,
            ..row.clone()
        };
        both.detail.remove("control_share");
        if se > 0.0 {
            let share = parts[1].control * v2 * (parts[1].se / se).powi(2);
            let share = DetailValue::Number(share);
            both.detail.insert(RATE_SHARE.into(), share);
        }
        value.is_finite().then_some((both, parts))
    }
}
