//! The variance of a contrast: cluster by cluster, corrected and not.

use nalgebra::{Matrix4, SymmetricEigen, Vector4};

use crate::stats::estimate::Refusal;
use crate::texts::text;

use super::fit::{Contrast, Fit};
use super::unit::Unit;

/// A direction whose leverage is nearer 1 than this is fitted exactly.
const EXACT: f64 = 1e-9;
/// Below this leverage a series takes the root to the last digit in at most 16 terms, at a tenth of
/// the cost of eigenvalues: a million clusters are all below it.
const SMALL: f64 = 0.1;

/// A CR2 variance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Variance {
    /// Of both arms.
    pub variance: f64,
    /// Control clusters' part.
    pub control: f64,
    /// Satterthwaite's degrees of freedom; `None` without any spread in the working model.
    pub df: Option<f64>,
}

impl Fit<'_> {
    /// The contrast's weights of a cluster's four coordinates.
    fn local(&self, c: &Contrast, u: &Unit) -> Vector4<f64> {
        let level = c.level * self.strata[u.stratum].weight.sqrt() / self.total;
        Vector4::new(level, c.columns[0], c.columns[1], c.columns[2])
    }

    /// Σ_g (c'M X_g'e_g)², without any correction.
    pub fn cr0(&self, c: &Contrast) -> f64 {
        let part = |u: &Unit| {
            let score = self.score(u, &self.local_gram(u));
            u.clusters as f64 * self.local(c, u).dot(&score).powi(2)
        };
        self.units.iter().map(part).sum()
    }

    /// CR2 with Satterthwaite's degrees of freedom.
    ///
    /// # Errors
    /// A cluster that is fitted exactly and has weight in the contrast.
    pub fn cr2(&self, c: &Contrast) -> Result<Variance, Refusal> {
        let mut found = Variance {
            variance: 0.0,
            control: 0.0,
            df: None,
        };
        // Ω_gh = δ_gh s_g − v_g'v_h; S = Σ v_g v_g' touches a stratum and the three columns.
        let (mut trace, mut squares) = (0.0, 0.0);
        let mut with_stratum = vec![Vector4::<f64>::zeros(); self.strata.len()];
        let mut columns = [[0.0f64; 3]; 3];
        for u in self.units {
            let gram = self.local_gram(u);
            let d = self.local(c, u);
            let half = self.inverse_root(&gram, &d)?;
            let k = u.clusters as f64;
            let part = k * half.dot(&self.score(u, &gram)).powi(2);
            found.variance += part;
            if !u.treated {
                found.control += part;
            }
            let v = gram * half;
            let (s, vv) = (half.dot(&v), v.dot(&v));
            trace += k * (s - vv);
            squares += k * (s * s - 2.0 * s * vv);
            with_stratum[u.stratum] += v * (k * v[0]);
            for i in 0..3 {
                for j in 0..3 {
                    columns[i][j] += k * v[i + 1] * v[j + 1];
                }
            }
        }
        for s in &with_stratum {
            squares += s[0] * s[0] + 2.0 * (s[1] * s[1] + s[2] * s[2] + s[3] * s[3]);
        }
        squares += columns.iter().flatten().map(|s| s * s).sum::<f64>();
        found.df = (squares > 0.0 && trace > 0.0).then(|| trace / squares * trace);
        Ok(found)
    }

    /// (I − B)^{−1/2} d.
    fn inverse_root(&self, gram: &Matrix4<f64>, d: &Vector4<f64>) -> Result<Vector4<f64>, Refusal> {
        let exact = || Refusal::new(text!("refusal-clusters.fitted-exactly"));
        if !self.covariate() {
            // B = n b b': one direction, with leverage tr B.
            let leverage = gram.trace();
            let bd = gram * d;
            let along = d.dot(&bd);
            if 1.0 - leverage < EXACT {
                let weight = EXACT * EXACT * d.norm_squared();
                return if along <= weight {
                    Ok(*d)
                } else {
                    Err(exact())
                };
            }
            if leverage <= 0.0 {
                return Ok(*d);
            }
            let factor = (1.0 / (1.0 - leverage).sqrt() - 1.0) / leverage;
            return Ok(d + bd * factor);
        }
        if gram.trace() < SMALL {
            return Ok(binomial_series(gram, d));
        }
        let eigen = SymmetricEigen::new(*gram);
        let mut out = Vector4::zeros();
        for (i, leverage) in eigen.eigenvalues.iter().enumerate() {
            let direction = eigen.eigenvectors.column(i);
            let along = direction.dot(d);
            let left = 1.0 - leverage;
            if left < EXACT {
                if along.abs() > EXACT * d.norm() {
                    return Err(exact());
                }
                continue;
            }
            out += direction * (along / left.sqrt());
        }
        Ok(out)
    }
}

/// (I − B)^{−1/2} d as Σ_k (2k choose k)/4^k B^k d, for B with eigenvalues well below 1.
fn binomial_series(gram: &Matrix4<f64>, d: &Vector4<f64>) -> Vector4<f64> {
    let (mut sum, mut term) = (*d, *d);
    for k in 1..=24 {
        let k = f64::from(k);
        term = gram * term * ((2.0 * k - 1.0) / (2.0 * k));
        sum += term;
        if term.amax() <= f64::EPSILON * sum.amax() {
            break;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two ways to the same root in double precision.
    const ROUNDING: f64 = 1e-14;

    #[test]
    fn the_series_is_the_root() {
        let z = [
            Vector4::new(0.1, 0.05, -0.02, 0.01),
            Vector4::new(0.02, -0.2, 0.1, 0.0),
            Vector4::new(0.0, 0.03, 0.07, -0.15),
        ];
        let gram: Matrix4<f64> = z.iter().map(|z| z * z.transpose()).sum();
        assert!(gram.trace() > 0.09 && gram.trace() < SMALL);
        let d = Vector4::new(0.3, -2.0, 0.7, 1.0);
        let eigen = SymmetricEigen::new(gram);
        let root = eigen.eigenvalues.map(|l| 1.0 / (1.0 - l).sqrt());
        let v = eigen.eigenvectors;
        let exact = v * Matrix4::from_diagonal(&root) * v.transpose() * d;
        let far = (binomial_series(&gram, &d) - exact).amax() / exact.amax();
        assert!(far < ROUNDING, "{far:e}");
    }
}
