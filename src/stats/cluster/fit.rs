//! Least squares on clusters, each known by its sums alone.

use nalgebra::{Matrix4, SymmetricEigen, Vector4};

use crate::table::ClusterTotals;

use crate::stats::estimate::Refusal;

/// A column is aliased when the columns before it explain all but this share of its squared
/// length: sums of squares carry half the digits of the columns themselves.
const ALIASED: f64 = 1e-10;
/// A direction whose leverage is nearer 1 than this is fitted exactly.
const EXACT: f64 = 1e-9;
/// Below this leverage a series takes the root to the last digit in at most 16 terms, at a tenth of
/// the cost of eigenvalues: a million clusters are all below it.
const SMALL: f64 = 0.1;

/// Clusters that are alike, each as its sums over customers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Unit {
    pub treated: bool,
    /// Number of the stratum.
    pub stratum: usize,
    /// How many clusters these are.
    pub clusters: u64,
    /// Customers of all of them.
    pub customers: u64,
    /// Customers of each.
    pub size: u64,
    /// Σ 1, or Σ e.
    pub weight: f64,
    /// Σ y.
    pub y: f64,
    /// Σ x, x 0 where there is none.
    pub x: f64,
    /// Customers without x.
    pub without: f64,
    /// Σ x².
    pub xx: f64,
    /// Σ x·y.
    pub xy: f64,
    /// Σ y over those without x.
    pub y_without: f64,
}

impl Unit {
    /// A cluster without a covariate.
    pub fn plain(weight: f64, y: f64) -> Option<Self> {
        Some(Unit {
            treated: false,
            stratum: 0,
            clusters: 0,
            customers: 0,
            size: 0,
            weight,
            y,
            x: 0.0,
            without: 0.0,
            xx: 0.0,
            xy: 0.0,
            y_without: 0.0,
        })
    }

    /// A cluster with its before values less `x0` and outcomes less `y0`, exactly; `None` beyond 127 bits.
    pub fn shifted(t: &ClusterTotals, x0: i128, y0: i128) -> Option<Self> {
        let (n, with) = (i128::from(t.n), i128::from(t.with_before));
        let less = |sum: i128, times: i128, base: i128| sum.checked_sub(times.checked_mul(base)?);
        let y = less(t.y, n, y0)?;
        let y_with = less(t.y_with_before, with, y0)?;
        let x = less(t.x, with, x0)?;
        // Σ(x − x₀)² = Σx² − x₀Σx − x₀Σ(x − x₀), and so Σ(x − x₀)(y − y₀).
        let xx = less(less(t.xx, t.x, x0)?, x, x0)?;
        let xy = less(less(t.xy, t.x, y0)?, y_with, x0)?;
        Some(Unit {
            x: x as f64,
            without: (n - with) as f64,
            xx: xx as f64,
            xy: xy as f64,
            y_without: y.checked_sub(y_with)? as f64,
            ..Unit::plain(n as f64, y as f64)?
        })
    }
}

/// A linear function of the fitted coefficients: a share of every stratum's intercept, and weights
/// of the orthonormal columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contrast {
    /// Times √W_s/W: how much of the mean over all strata.
    level: f64,
    columns: [f64; 3],
}

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

/// Weighted sums of a stratum.
#[derive(Debug, Clone, Copy, Default)]
struct Stratum {
    weight: f64,
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
    units: &'a [Unit],
    strata: Vec<Stratum>,
    total: f64,
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
            for i in 0..j {
                if !self.kept[i] {
                    continue;
                }
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
            return Err(Refusal::new(
                "no stratum has a cluster in both arms, so the arms cannot be told apart",
            ));
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
    fn local_gram(&self, u: &Unit) -> Matrix4<f64> {
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
    fn score(&self, u: &Unit, gram: &Matrix4<f64>) -> Vector4<f64> {
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
            for k in j + 1..3 {
                for (o, b) in own.iter_mut().zip(beta[k]) {
                    *o -= self.r[j][k] * b;
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
        let exact = || {
            Refusal::new(
                "a cluster is fitted exactly (too few clusters for this many columns), \
                 so the CR2 standard error is undefined",
            )
        };
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
