//! Least squares on clusters, each known by its sums alone.

use nalgebra::{Matrix4, Vector4};

use crate::stats::estimate::Refusal;
use crate::texts::text;

use super::unit::Unit;

/// A column is aliased when the columns before it explain all but this share of its squared
/// length: sums of squares carry half the digits of the columns themselves.
const ALIASED: f64 = 1e-10;
/// A linear function of the fitted coefficients: a share of every stratum's intercept, and weights
/// of the orthonormal columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contrast {
    /// Times √W_s/W: how much of the mean over all strata.
    pub level: f64,
    pub columns: [f64; 3],
}

/// Weighted sums of a stratum.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stratum {
    pub weight: f64,
    y: f64,
    /// Means of (treated, x, without).
    means: [f64; 3],
}

/// y ~ strata + arm (+ x + without), over customers known by their clusters' sums.
///
/// *Formula* — the columns are centred within strata and made orthonormal, z R⁻¹, R from the
/// Cholesky factor of their 3 × 3 Gram matrix; a stratum's own column is 1/√W_s. In this basis
/// X'X = I, and a cluster touches four coordinates, so with its Gram matrix B_g (4 × 4)
/// (I − X_g X_g')^{−1/2} X_g = X_g (I − B_g)^{−1/2}: no matrix grows with a cluster's customers or
/// with the number of strata.
pub(super) struct Fit<'a> {
    pub units: &'a [Unit],
    pub strata: Vec<Stratum>,
    /// Weights of all strata.
    pub total: f64,
    /// Columns (arm, x, without) that were kept.
    kept: [bool; 3],
    /// Upper triangular, z = q R.
    r: [[f64; 3]; 3],
    /// Coefficients of the orthonormal columns.
    theta: [f64; 3],
    /// Whether any cluster has a residual beyond rounding.
    spread: bool,
}

impl<'a> Fit<'a> {
    /// Fits, with x and its absence where `covariate`.
    ///
    /// # Errors
    /// The arms cannot be told apart within strata.
    pub fn new(units: &'a [Unit], covariate: bool) -> Result<Self, Refusal> {
        let strata = units.iter().map(|u| u.stratum + 1).max().unwrap_or(0);
        let mut fit = Fit {
            units,
            strata: vec![Stratum::default(); strata],
            total: 0.0,
            kept: [true, covariate, covariate],
            r: [[0.0; 3]; 3],
            theta: [0.0; 3],
            spread: true,
        };
        for u in units {
            let (k, s) = (u.clusters as f64, &mut fit.strata[u.stratum]);
            s.weight += k * u.weight;
            s.y += k * u.y;
            let t = f64::from(u8::from(u.treated));
            for (mean, sum) in s.means.iter_mut().zip([t * u.weight, u.x, u.without]) {
                *mean += k * sum;
            }
        }
        for s in &mut fit.strata {
            s.means.iter_mut().for_each(|m| *m /= s.weight);
            fit.total += s.weight;
        }
        fit.factor()?;
        for u in units {
            let z = fit.products(u);
            let q = fit.to_orthonormal(z);
            for (theta, q) in fit.theta.iter_mut().zip(q) {
                *theta += u.clusters as f64 * q;
            }
        }
        fit.spread = fit.has_spread();
        Ok(fit)
    }

    /// Gram matrix of a cluster's columns (1, arm, x, without), centred within strata but the first.
    fn gram(&self, u: &Unit) -> [[f64; 4]; 4] {
        let m = &self.strata[u.stratum].means;
        let t = f64::from(u8::from(u.treated)) - m[0];
        let w = u.weight;
        // Σz of each centred column.
        let x = u.x - m[1] * w;
        let o = u.without - m[2] * w;
        let xx = u.xx - 2.0 * m[1] * u.x + m[1] * m[1] * w;
        // x is 0 where it is missing, so Σ x·without = 0.
        let xo = -m[2] * u.x - m[1] * o;
        let oo = u.without * (1.0 - m[2]).powi(2) + (w - u.without) * m[2] * m[2];
        [
            [w, t * w, x, o],
            [t * w, t * t * w, t * x, t * o],
            [x, t * x, xx, xo],
            [o, t * o, xo, oo],
        ]
    }

    /// Σ z·y of a cluster, for (arm, x, without).
    fn products(&self, u: &Unit) -> [f64; 3] {
        let m = &self.strata[u.stratum].means;
        let t = f64::from(u8::from(u.treated)) - m[0];
        [t * u.y, u.xy - m[1] * u.y, u.y_without - m[2] * u.y]
    }

    /// Cholesky of the columns' Gram matrix, in their order; a column that its predecessors explain is dropped.
    fn factor(&mut self) -> Result<(), Refusal> {
        let mut z = [[0.0; 3]; 3];
        let mut lengths = [0.0; 3];
        for u in self.units {
            let (g, k) = (self.gram(u), u.clusters as f64);
            let t = f64::from(u8::from(u.treated));
            let raw = [t * u.weight, u.xx, u.without];
            for i in 0..3 {
                lengths[i] += k * raw[i];
                for j in 0..3 {
                    z[i][j] += k * g[i + 1][j + 1];
                }
            }
        }
        for j in 0..3 {
            let kept = self.kept;
            for i in (0..j).filter(|i| kept[*i]) {
                let done: f64 = (0..i).map(|k| self.r[k][i] * self.r[k][j]).sum();
                self.r[i][j] = (z[i][j] - done) / self.r[i][i];
            }
            let done: f64 = (0..j).map(|k| self.r[k][j].powi(2)).sum();
            let left = z[j][j] - done;
            self.kept[j] &= left > ALIASED * lengths[j];
            if self.kept[j] {
                self.r[j][j] = left.sqrt();
            } else {
                self.r[j] = [0.0; 3];
                for row in &mut self.r {
                    row[j] = 0.0;
                }
            }
        }
        if !self.kept[0] {
            return Err(Refusal::new(text!("refusal-clusters.stratum-is-arm")));
        }
        Ok(())
    }

    /// q with q R = z.
    fn to_orthonormal(&self, z: [f64; 3]) -> [f64; 3] {
        let mut q = [0.0; 3];
        for j in (0..3).filter(|j| self.kept[*j]) {
            let before: f64 = (0..j).map(|i| q[i] * self.r[i][j]).sum();
            q[j] = (z[j] - before) / self.r[j][j];
        }
        q
    }

    /// A cluster's Gram matrix in the orthonormal basis: its stratum's column first.
    pub fn local_gram(&self, u: &Unit) -> Matrix4<f64> {
        let g = self.gram(u);
        let root = self.strata[u.stratum].weight.sqrt();
        // Rows, then columns.
        let mut half = [[0.0; 4]; 4];
        for (row, own) in half.iter_mut().zip(&g) {
            let q = self.to_orthonormal([own[1], own[2], own[3]]);
            *row = [own[0] / root, q[0], q[1], q[2]];
        }
        let mut b = Matrix4::zeros();
        for column in 0..4 {
            let q = self.to_orthonormal([half[1][column], half[2][column], half[3][column]]);
            b[(0, column)] = half[0][column] / root;
            for (j, q) in q.into_iter().enumerate() {
                b[(j + 1, column)] = q;
            }
        }
        (b + b.transpose()) * 0.5
    }

    /// X_g'e_g in the orthonormal basis.
    pub fn score(&self, u: &Unit, gram: &Matrix4<f64>) -> Vector4<f64> {
        if !self.spread {
            return Vector4::zeros();
        }
        let s = &self.strata[u.stratum];
        let root = s.weight.sqrt();
        let q = self.to_orthonormal(self.products(u));
        let y = Vector4::new(u.y / root, q[0], q[1], q[2]);
        let theta = Vector4::new(s.y / root, self.theta[0], self.theta[1], self.theta[2]);
        y - gram * theta
    }

    /// Whether a cluster's residual sum is more than the rounding of its parts.
    fn has_spread(&self) -> bool {
        self.units.iter().any(|u| {
            let gram = self.local_gram(u);
            let score = self.score(u, &gram);
            let root = self.strata[u.stratum].weight.sqrt();
            let fitted = self.strata[u.stratum].y / root;
            let size = u.y.abs() / root + gram[(0, 0)] * fitted.abs();
            score.amax() > 64.0 * f64::EPSILON * size
        })
    }

    /// Whether x was adjusted for.
    pub fn covariate(&self) -> bool {
        self.kept[1] || self.kept[2]
    }

    /// Columns of the regression, strata included.
    pub fn parameters(&self) -> f64 {
        let kept = self.kept.iter().filter(|k| **k).count();
        (self.strata.len() + kept) as f64
    }

    /// The coefficient of arm.
    pub fn difference(&self) -> Contrast {
        // Σ_j d_j θ_j with R'd = (1, 0, 0)', solved backwards: β = R⁻¹θ.
        let mut columns = [0.0; 3];
        let mut beta = [[0.0; 3]; 3];
        for j in (0..3).rev().filter(|j| self.kept[*j]) {
            let mut own = [0.0; 3];
            own[j] = 1.0;
            for (r, known) in self.r[j].iter().zip(beta).skip(j + 1) {
                for (o, b) in own.iter_mut().zip(known) {
                    *o -= r * b;
                }
            }
            beta[j] = own.map(|o| o / self.r[j][j]);
        }
        columns.copy_from_slice(&beta[0]);
        Contrast {
            level: 0.0,
            columns,
        }
    }

    /// The value of a contrast.
    pub fn value(&self, c: &Contrast) -> f64 {
        let y: f64 = self.strata.iter().map(|s| s.y).sum();
        let columns: f64 = c.columns.iter().zip(self.theta).map(|(d, t)| d * t).sum();
        c.level * y / self.total + columns
    }

    /// Share of the treatment arm.
    fn treated(&self) -> f64 {
        let sum: f64 = self.strata.iter().map(|s| s.weight * s.means[0]).sum();
        sum / self.total
    }

    /// Adjusted means of treatment and control, given the difference.
    pub fn means(&self, difference: f64) -> (f64, f64) {
        let y: f64 = self.strata.iter().map(|s| s.y).sum();
        let (mean, p) = (y / self.total, self.treated());
        (mean + (1.0 - p) * difference, mean - p * difference)
    }

    /// The derivative of log(treatment mean/control mean).
    pub fn relative(&self, (treatment, control): (f64, f64)) -> Contrast {
        let p = self.treated();
        let arm = (1.0 - p) / treatment + p / control;
        Contrast {
            level: 1.0 / treatment - 1.0 / control,
            columns: self.difference().columns.map(|d| d * arm),
        }
    }
}
