//! The arms' effects, drawn jointly.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

use crate::analysis::JointEffect;
use crate::error::{Error, Result};
use crate::stats::dist::normal_isf;
use crate::stats::random::Generator;

/// The joint distribution of the arms' effects.
///
/// *Formula* — mean + Σ^½ z·√(df/χ²_df), z standard normal: multivariate t with scale
/// matrix Σ (normal without df). Σ^½ is the symmetric square root: unlike a triangular factor
/// it does not depend on the order of the arms.
/// *Assumes* — a flat prior on the effects: the posterior is the estimates' sampling distribution.
/// *Source* — Kotz & Nadarajah (2004), Multivariate t Distributions, eq. 1.2.
pub(super) struct Effects {
    mean: DVector<f64>,
    root: DMatrix<f64>,
    df: Option<f64>,
}

impl Effects {
    /// Relative size of a negative eigenvalue that is still rounding.
    const ROUNDING: f64 = 1e-12;

    /// Prepares the draws.
    ///
    /// # Errors
    /// Numbers that are not finite, a matrix that is not square, symmetric and positive
    /// semi-definite, or degrees of freedom that are not positive.
    pub fn new(effect: &JointEffect) -> Result<Self> {
        let k = effect.arms.len();
        let wrong = |what: &str| Err(Error::internal(format!("the joint effect {what}")));
        if effect.mean.len() != k
            || effect.cov.len() != k
            || effect.cov.iter().any(|r| r.len() != k)
        {
            return wrong("must have one mean and one row and column of the covariance an arm");
        }
        let cov = DMatrix::from_fn(k, k, |i, j| effect.cov[i][j]);
        if !effect.mean.iter().chain(cov.iter()).all(|v| v.is_finite()) {
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
        if effect.df.is_some_and(|df| !df.is_finite() || df <= 0.0) {
            return wrong("has degrees of freedom that are not positive");
        }
        Ok(Effects {
            mean: DVector::from_column_slice(&effect.mean),
            root,
            df: effect.df,
        })
    }

    /// One joint draw.
    pub fn draw(&self, random: &mut Generator) -> DVector<f64> {
        let z = DVector::from_fn(self.mean.len(), |_, _| normal_isf(random.uniform()));
        let widen = match self.df {
            Some(df) => (df / (2.0 * random.gamma(df / 2.0))).sqrt(),
            None => 1.0,
        };
        &self.mean + &self.root * z * widen
    }
}
