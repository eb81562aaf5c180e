//! The fit, and CR2 variances of linear functions of it.

use nalgebra::{DMatrix, DVector};

use crate::stats::estimate::Refusal;
use crate::texts::text;

use super::Row;
use super::effects::Effects;

/// A column that effects and earlier columns explain but for this share of its squared length says nothing.
const ALIASED: f64 = 1e-10;
/// Eigenvalues of I − H_gg below it are 0: exact zeros come out around 1e-15.
const FITTED: f64 = 1e-10;

/// A CR2 variance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Variance {
    pub variance: f64,
    /// Satterthwaite; `None` without any working variance.
    pub df: Option<f64>,
}

/// A linear function q'ỹ, q in the span of the weighted columns.
pub(super) struct Function(Vec<f64>);

/// y/e on effects and columns, weighted by e.
pub(super) struct Fit {
    effects: Effects,
    /// The columns without effects, orthonormal.
    basis: Vec<Vec<f64>>,
    /// Length of the last column without effects and the columns before it.
    length: f64,
    /// √e·y/e.
    y: Vec<f64>,
    residual: Vec<f64>,
}

impl Fit {
    /// # Errors
    /// A column that effects and the columns before it explain.
    pub fn new(rows: &[Row], columns: &[Vec<f64>]) -> Result<Self, Refusal> {
        let effects = Effects::new(rows);
        let mut basis: Vec<Vec<f64>> = Vec::new();
        let mut length = 0.0;
        for column in columns {
            let size: f64 = (column.iter().zip(&effects.root))
                .map(|(c, r)| (c * r).powi(2))
                .sum();
            let mut z = effects.residual(|i| column[i]);
            for _ in 0..2 {
                for v in &basis {
                    let overlap = dot(v, &z);
                    add(&mut z, -overlap, v);
                }
            }
            let squares = dot(&z, &z);
            if squares.is_nan() || squares <= ALIASED * size {
                return Err(Refusal::new(text!("refusal-regions.schedule-is-arm")));
            }
            length = squares.sqrt();
            z.iter_mut().for_each(|z| *z /= length);
            basis.push(z);
        }
        let rate = |i: usize| rows[i].y / rows[i].exposure;
        let y: Vec<f64> = (0..rows.len()).map(|i| rate(i) * effects.root[i]).collect();
        let mut residual = effects.residual(rate);
        for v in &basis {
            let along = dot(v, &residual);
            add(&mut residual, -along, v);
        }
        // Residuals within the rounding of their parts are none.
        let rounding = 64.0 * f64::EPSILON;
        if dot(&residual, &residual) <= rounding * rounding * dot(&y, &y) {
            residual.fill(0.0);
        }
        Ok(Fit {
            effects,
            basis,
            length,
            y,
            residual,
        })
    }

    /// Length of the last column without effects and the columns before it.
    pub fn length(&self) -> f64 {
        self.length
    }

    /// Whether regions and blocks have effects.
    pub fn several(&self) -> bool {
        self.effects.several()
    }

    /// The last column's coefficient.
    pub fn coefficient(&self) -> Function {
        self.mean_and_coefficient(0.0, 1.0)
    }

    /// a times the overall mean and b times the last column's coefficient.
    pub fn mean_and_coefficient(&self, a: f64, b: f64) -> Function {
        let total: f64 = self.effects.weight.iter().sum();
        let roots = self.effects.root.iter();
        let mut q: Vec<f64> = roots.map(|r| a * r / total).collect();
        if let Some(last) = self.basis.last() {
            add(&mut q, b / self.length, last);
        }
        Function(q)
    }

    /// Its value.
    pub fn value(&self, function: &Function) -> f64 {
        dot(&function.0, &self.y)
    }

    /// Its CR2 variance with Satterthwaite's degrees of freedom.
    pub fn variance(&self, function: &Function) -> Variance {
        let effects = &self.effects;
        let clusters = effects.members.len();
        // u_g = (I − H_gg)^{−1/2} q_g, and its products with the parts of H.
        let mut own = Vec::with_capacity(clusters);
        let mut means = Vec::with_capacity(clusters);
        let mut blocks = Vec::with_capacity(clusters);
        let mut columns = Vec::with_capacity(clusters);
        let mut variance = 0.0;
        for (g, rows) in effects.members.iter().enumerate() {
            let q = DVector::from_iterator(rows.len(), rows.iter().map(|i| function.0[*i]));
            let u = self.adjusted(g, q);
            let term: f64 = u.iter().zip(rows).map(|(u, i)| u * self.residual[*i]).sum();
            variance += term * term;
            own.push(u.dot(&u));
            means.push(
                u.iter()
                    .zip(rows)
                    .map(|(u, i)| u * effects.root[*i])
                    .sum::<f64>(),
            );
            blocks.push(effects.through_blocks(g, u.as_slice()));
            let along = |v: &Vec<f64>| u.iter().zip(rows).map(|(u, i)| u * v[*i]).sum::<f64>();
            columns.push(self.basis.iter().map(along).collect::<Vec<f64>>());
        }
        let (mut trace, mut squares) = (0.0, 0.0);
        for g in 0..clusters {
            for h in 0..clusters {
                let mut omega = if g == h { own[g] } else { 0.0 };
                let group = |c: usize| effects.group[effects.members[c][0]];
                if group(g) == group(h) {
                    omega -= means[g] * means[h] / effects.weight[group(g)];
                }
                if let (Some((sums, _)), Some((_, through))) = (&blocks[g], &blocks[h]) {
                    omega -= sums.dot(through);
                }
                omega -= dot(&columns[g], &columns[h]);
                squares += omega * omega;
                if g == h {
                    trace += omega;
                }
            }
        }
        Variance {
            variance,
            df: (squares > 0.0).then(|| trace * trace / squares),
        }
    }

    /// (I − H_gg)^{−1/2} q.
    fn adjusted(&self, cluster: usize, q: DVector<f64>) -> DVector<f64> {
        let rows = &self.effects.members[cluster];
        let n = rows.len();
        let mut left = DMatrix::identity(n, n) - self.effects.hat(cluster);
        for v in &self.basis {
            let own = DVector::from_iterator(n, rows.iter().map(|i| v[*i]));
            left.ger(-1.0, &own, &own, 1.0);
        }
        let eigen = left.symmetric_eigen();
        let root = eigen
            .eigenvalues
            .map(|v| if v > FITTED { 1.0 / v.sqrt() } else { 0.0 });
        let along = eigen.eigenvectors.transpose() * q;
        eigen.eigenvectors * root.component_mul(&along)
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// a += k·b.
fn add(a: &mut [f64], k: f64, b: &[f64]) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += k * b);
}
