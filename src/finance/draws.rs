//! The arms' effects, drawn jointly.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

use crate::analysis::{JointEffect, MinutesEffect};
use crate::error::{Error, Result};
use crate::stats::dist::normal_isf;
use crate::stats::random::Generator;

use super::cash::Avoided;
use super::cohort::DAYS_PER_MONTH;

/// The joint distribution of the arms' effects, per customer-month.
///
/// *Formula* — mean + Σ^½ z·√(df/χ²_df), z standard normal: multivariate t with scale
/// matrix Σ (normal without df). Σ^½ is the symmetric square root: unlike a triangular factor
/// it does not depend on the order of the arms.
///
/// Minutes take the z and the scale of the contacts, with their own mean and Σ, and both the
/// smaller df: each has its own distribution, and they move together. No line of the case mixes the
/// two but by their values at base, so it rests on neither's correlation with the other. So does what
/// has a price for every reason: its own Σ holds how the primary's contacts and the others go together.
///
/// *Assumes* — a flat prior on the effects: the posterior is the estimates' sampling distribution.
/// *Source* — Kotz & Nadarajah (2004), Multivariate t Distributions, eq. 1.2.
pub(super) struct Effects {
    contacts: Spread,
    minutes: Option<Spread>,
    every: Option<Spread>,
    df: Option<f64>,
}

/// Mean and root of the covariance of one kind of effect.
struct Spread {
    mean: DVector<f64>,
    root: DMatrix<f64>,
}

impl Effects {
    /// Prepares the draws; `minutes` are those that have a price.
    ///
    /// # Errors
    /// Numbers that are not finite, a matrix that is not square, symmetric and positive
    /// semi-definite, or degrees of freedom that are not positive.
    pub fn new(effect: &JointEffect, minutes: Option<&MinutesEffect>) -> Result<Self> {
        let arms = effect.arms.len();
        let dfs = [effect.df, minutes.and_then(|m| m.df)];
        let df = dfs.into_iter().flatten().reduce(f64::min);
        if dfs.iter().flatten().any(|df| !df.is_finite() || *df <= 0.0) {
            return wrong("has degrees of freedom that are not positive");
        }
        Ok(Effects {
            contacts: Spread::new(arms, &effect.mean, &effect.cov)?,
            minutes: minutes
                .map(|m| Spread::new(arms, &m.mean, &m.cov))
                .transpose()?,
            every: effect
                .every_reason
                .as_ref()
                .map(|e| Spread::new(arms, &e.mean, &e.cov))
                .transpose()?,
            df,
        })
    }

    /// Degrees of freedom of the draws; `None` is normal.
    pub fn df(&self) -> Option<f64> {
        self.df
    }

    /// Whether what has a price is known for every reason.
    pub fn tells_every_reason(&self) -> bool {
        self.every.is_some()
    }

    /// The estimates.
    pub fn estimates(&self) -> Vec<Avoided> {
        let mean = |of: &Option<Spread>| of.as_ref().map(|spread| spread.mean.clone());
        per_month(&self.contacts.mean, mean(&self.minutes), mean(&self.every))
    }

    /// One joint draw.
    pub fn draw(&self, random: &mut Generator) -> Vec<Avoided> {
        let arms = self.contacts.mean.len();
        let z = DVector::from_fn(arms, |_, _| normal_isf(random.uniform()));
        let widen = match self.df {
            Some(df) => (df / (2.0 * random.gamma(df / 2.0))).sqrt(),
            None => 1.0,
        };
        let at = |of: &Option<Spread>| of.as_ref().map(|spread| spread.at(&z, widen));
        per_month(
            &self.contacts.at(&z, widen),
            at(&self.minutes),
            at(&self.every),
        )
    }
}

fn per_month(
    contacts: &DVector<f64>,
    minutes: Option<DVector<f64>>,
    every: Option<DVector<f64>>,
) -> Vec<Avoided> {
    let priced = minutes.as_ref().unwrap_or(contacts);
    let every = every.as_ref().unwrap_or(priced);
    let all = contacts.iter().zip(priced.iter()).zip(every.iter());
    all.map(|((contacts, priced), every)| Avoided {
        contacts: contacts * DAYS_PER_MONTH,
        priced: priced * DAYS_PER_MONTH,
        every: every * DAYS_PER_MONTH,
    })
    .collect()
}

fn wrong<T>(what: &str) -> Result<T> {
    Err(Error::internal(format!("the joint effect {what}")))
}

impl Spread {
    /// Relative size of a negative eigenvalue that is still rounding.
    const ROUNDING: f64 = 1e-12;

    fn new(k: usize, mean: &[f64], cov: &[Vec<f64>]) -> Result<Self> {
        if mean.len() != k || cov.len() != k || cov.iter().any(|r| r.len() != k) {
            return wrong("must have one mean and one row and column of the covariance an arm");
        }
        let cov = DMatrix::from_fn(k, k, |i, j| cov[i][j]);
        if !mean.iter().chain(cov.iter()).all(|v| v.is_finite()) {
            return wrong("holds a number that is not finite");
        }
        let scale = cov.amax();
        let root = if scale == 0.0 {
            cov
        } else {
            let cov = cov / scale;
            if (&cov - cov.transpose()).amax() > 1e-9 {
                return wrong("has a covariance matrix that is not symmetric");
            }
            let eigen = SymmetricEigen::new((&cov + cov.transpose()) * 0.5);
            let largest = eigen.eigenvalues.max();
            if eigen.eigenvalues.min() < -Self::ROUNDING * largest.max(1.0) {
                return wrong("has a covariance matrix that is not positive semi-definite");
            }
            let roots = eigen.eigenvalues.map(|v| (v.max(0.0) * scale).sqrt());
            &eigen.eigenvectors * DMatrix::from_diagonal(&roots) * eigen.eigenvectors.transpose()
        };
        Ok(Spread {
            mean: DVector::from_column_slice(mean),
            root,
        })
    }

    fn at(&self, z: &DVector<f64>, widen: f64) -> DVector<f64> {
        &self.mean + &self.root * z * widen
    }
}
