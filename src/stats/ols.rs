//! Least squares with absorbed groups and HC2, on rows that each stand for many customers.

use crate::texts::text;

use super::estimate::Refusal;

/// A column is aliased when the columns before it explain all but this share of
/// its length, as in R's `lm`.
const ALIASED: f64 = 1e-7;
/// A customer whose leverage is nearer 1 than this is fitted exactly.
const EXACT: f64 = 1e-9;

/// Customers with the same row of the design and the same outcome.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<const K: usize> {
    /// Customers.
    pub n: f64,
    /// Their outcome.
    pub y: f64,
    /// Index of their group; each group has its own intercept.
    pub group: usize,
    /// Whether they are in the treatment arm.
    pub treated: bool,
    /// The columns beside the intercepts.
    pub columns: [f64; K],
}

/// y on one intercept a group and K columns, weights n.
///
/// *Formula* — the columns are centred within groups (Frisch-Waugh-Lovell) and
/// made orthonormal, q = z·R⁻¹, by Gram-Schmidt in their order, twice each; a
/// column that its predecessors explain is dropped, its coefficient 0. Then
/// a customer's leverage is 1/n_g + Σ_j q_j², and every linear function of the
/// coefficients is Σ n·w·y with weights w = a_g/n_g + Σ_j q_j d_j. The number
/// of groups costs nothing: no matrix is larger than K × K.
pub(crate) struct Fit<'a, const K: usize> {
    rows: &'a [Row<K>],
    /// Customers, and means of the columns, by group.
    groups: Vec<(f64, [f64; K])>,
    q: Vec<[f64; K]>,
    r: [[f64; K]; K],
    /// Which columns were kept.
    pub kept: [bool; K],
    /// Leverage of one customer of each row.
    leverage: Vec<f64>,
    /// Σe² of each row's customers.
    residual_squares: Vec<f64>,
    /// Customers less independent columns.
    pub df: f64,
}

/// An HC2 variance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Variance {
    /// Of both arms.
    pub total: f64,
    /// The control customers' part.
    pub control: f64,
}

impl<'a, const K: usize> Fit<'a, K> {
    /// Fits; groups are numbered 0 to `groups` − 1, none empty.
    pub fn new(rows: &'a [Row<K>], groups: usize) -> Self {
        let mut sums = vec![(0.0, [0.0; K]); groups];
        let mut y_means = vec![0.0; groups];
        for row in rows {
            let (n, columns) = &mut sums[row.group];
            *n += row.n;
            y_means[row.group] += row.n * row.y;
            for (sum, z) in columns.iter_mut().zip(row.columns) {
                *sum += row.n * z;
            }
        }
        for ((n, columns), y) in sums.iter_mut().zip(&mut y_means) {
            *y /= *n;
            columns.iter_mut().for_each(|z| *z /= *n);
        }
        let mut fit = Fit {
            rows,
            groups: sums,
            q: vec![[0.0; K]; rows.len()],
            r: [[0.0; K]; K],
            kept: [false; K],
            leverage: Vec::new(),
            residual_squares: Vec::new(),
            df: 0.0,
        };
        for j in 0..K {
            fit.orthogonalise(j);
        }
        let mut slopes = [0.0; K];
        for (row, q) in rows.iter().zip(&fit.q) {
            for (slope, q) in slopes.iter_mut().zip(q) {
                *slope += row.n * q * (row.y - y_means[row.group]);
            }
        }
        let (mut squares, mut size) = (0.0, 0f64);
        for (row, q) in rows.iter().zip(&fit.q) {
            fit.leverage.push(1.0 / fit.groups[row.group].0 + dot(q, q));
            let fitted = dot(q, &slopes);
            let e = row.y - y_means[row.group] - fitted;
            fit.residual_squares.push(row.n * e * e);
            squares += row.n * e * e;
            size = size.max(row.y.abs() + y_means[row.group].abs() + fitted.abs());
        }
        // Residuals within the rounding of their parts are none.
        let rounding = 16.0 * f64::EPSILON * size;
        let customers: f64 = fit.groups.iter().map(|g| g.0).sum();
        if squares <= customers * rounding * rounding {
            fit.residual_squares.fill(0.0);
        }
        let rank = fit.kept.iter().filter(|k| **k).count();
        fit.df = customers - (groups + rank) as f64;
        fit
    }

    /// Makes column j orthonormal to the kept ones before it, or drops it.
    fn orthogonalise(&mut self, j: usize) {
        let mut length = 0.0;
        for (row, q) in self.rows.iter().zip(&mut self.q) {
            let z = row.columns[j];
            length += row.n * z * z;
            q[j] = z - self.groups[row.group].1[j];
        }
        for _ in 0..2 {
            for i in (0..j).filter(|i| self.kept[*i]) {
                let weighted = self.rows.iter().zip(&self.q);
                let overlap: f64 = weighted.map(|(row, q)| row.n * q[i] * q[j]).sum();
                self.r[i][j] += overlap;
                for q in &mut self.q {
                    q[j] -= overlap * q[i];
                }
            }
        }
        let weighted = self.rows.iter().zip(&self.q);
        let left = weighted
            .map(|(row, q)| row.n * q[j] * q[j])
            .sum::<f64>()
            .sqrt();
        self.kept[j] = left > ALIASED * length.sqrt();
        self.r[j][j] = left;
        for q in &mut self.q {
            q[j] = if self.kept[j] { q[j] / left } else { 0.0 };
        }
    }

    /// Weights w with Σ n·w·y = Σ_g a_g·intercept_g + Σ_j b_j·coefficient_j.
    pub fn weights(&self, a: impl Fn(usize) -> f64, b: [f64; K]) -> Vec<f64> {
        let mut b = b;
        for (g, (_, means)) in self.groups.iter().enumerate() {
            for (b, mean) in b.iter_mut().zip(means) {
                *b -= a(g) * mean;
            }
        }
        // Rᵀd = b over the kept columns.
        let mut d = [0.0; K];
        for j in (0..K).filter(|j| self.kept[*j]) {
            let before: f64 = (0..j).map(|i| self.r[i][j] * d[i]).sum();
            d[j] = (b[j] - before) / self.r[j][j];
        }
        let weight =
            |(row, q): (&Row<K>, &[f64; K])| a(row.group) / self.groups[row.group].0 + dot(q, &d);
        self.rows.iter().zip(&self.q).map(weight).collect()
    }

    /// Σ n·w·y.
    pub fn value(&self, weights: &[f64]) -> f64 {
        let pairs = self.rows.iter().zip(weights);
        pairs.map(|(row, w)| row.n * w * row.y).sum()
    }

    /// Σ n·│w·y│, to which the rounding of [`Fit::value`] is relative.
    pub fn size(&self, weights: &[f64]) -> f64 {
        let pairs = self.rows.iter().zip(weights);
        pairs.map(|(row, w)| row.n * (w * row.y).abs()).sum()
    }

    /// Σ w²·e²/(1 − leverage): HC2.
    ///
    /// # Errors
    /// A customer who is fitted exactly and has weight: HC2 divides by 0 there.
    pub fn hc2(&self, weights: &[f64]) -> Result<Variance, Refusal> {
        let largest = weights.iter().fold(0f64, |m, w| m.max(w.abs()));
        let mut variance = Variance {
            total: 0.0,
            control: 0.0,
        };
        for (i, (row, w)) in self.rows.iter().zip(weights).enumerate() {
            let left = 1.0 - self.leverage[i];
            if left < EXACT {
                if w.abs() <= EXACT * largest {
                    continue;
                }
                return Err(Refusal::new(text!("refusal-adjusted.fitted-exactly")));
            }
            let part = w * w * self.residual_squares[i] / left;
            variance.total += part;
            if !row.treated {
                variance.control += part;
            }
        }
        Ok(variance)
    }
}

fn dot<const K: usize>(a: &[f64; K], b: &[f64; K]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
