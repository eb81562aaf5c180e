//! Random values: one stream a draw, and the arms' effects jointly.

use nalgebra::{DMatrix, DVector, SymmetricEigen};
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt, SeedableRng};
use rand_distr::{ChiSquared, Distribution, Open01};
use sha2::{Digest, Sha256};

use crate::analysis::JointEffect;
use crate::error::{Error, Result};
use crate::stats::dist::normal_isf;

/// Random streams of a plan's business case, one a draw: the result of a draw depends on
/// its number alone, not on threads or on how draws are put into chunks.
pub(super) struct Streams([u8; 32]);

impl Streams {
    /// Keyed by purpose, the plan's name and its seed, so that a copied plan has other draws.
    pub fn new(name: &str, seed: u64) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"pilot/finance\0");
        hash.update(name.as_bytes());
        hash.update(b"\0");
        hash.update(seed.to_le_bytes());
        Streams(hash.finalize().into())
    }

    /// The stream of one draw.
    pub fn of(&self, draw: usize) -> impl Rng + use<> {
        let mut rng = ChaCha8Rng::from_seed(self.0);
        rng.set_stream(draw as u64);
        rng
    }
}

/// A uniform number, 0 < u < 1.
pub(super) fn uniform(rng: &mut impl Rng) -> f64 {
    rng.sample(Open01)
}

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
    chi_squared: Option<(f64, ChiSquared<f64>)>,
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
        let chi_squared = match effect.df {
            None => None,
            Some(df) => match ChiSquared::new(df) {
                Ok(d) if df.is_finite() => Some((df, d)),
                _ => return wrong("has degrees of freedom that are not positive"),
            },
        };
        Ok(Effects {
            mean: DVector::from_column_slice(&effect.mean),
            root,
            chi_squared,
        })
    }

    /// One joint draw.
    pub fn draw(&self, rng: &mut impl Rng) -> DVector<f64> {
        let z = DVector::from_fn(self.mean.len(), |_, _| normal_isf(uniform(rng)));
        let widen = match &self.chi_squared {
            Some((df, d)) => (df / d.sample(rng)).sqrt(),
            None => 1.0,
        };
        &self.mean + &self.root * z * widen
    }
}
