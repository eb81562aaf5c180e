//! Effects of regions and of blocks, taken out of every column at once.

use nalgebra::{DMatrix, DVector};

use super::Row;

/// Eigenvalues below this share of the largest are 0: what blocks cannot tell beside regions.
const SINGULAR: f64 = 1e-10;

/// Weighted effects of regions and blocks; of nothing but a constant where there is one region.
///
/// *Formula* — with region means taken out, blocks have the Gram matrix G = diag(W_t) − Σ_g W_g p_g p_g',
/// p_g the shares of a region's weight by block; block effects are G⁺ of the blocks' sums
/// (Frisch-Waugh-Lovell), so no matrix is larger than blocks × blocks.
pub(super) struct Effects {
    /// √weight of each row.
    pub root: Vec<f64>,
    /// Group of each row whose mean is taken out, numbered from 0.
    pub group: Vec<usize>,
    /// Cluster of each row, numbered from 0.
    pub cluster: Vec<usize>,
    /// Rows of each cluster.
    pub members: Vec<Vec<usize>>,
    /// Weight of each group.
    pub weight: Vec<f64>,
    /// Block of each row, numbered from 0.
    block: Vec<usize>,
    /// Shares of each group's weight by block, and G⁺; `None` where there are no effects of blocks.
    blocks: Option<(Vec<DVector<f64>>, DMatrix<f64>)>,
}

impl Effects {
    /// The effects of the regions and blocks that `rows` have; a lone region or block has none.
    pub fn new(rows: &[Row]) -> Self {
        let region = numbered(rows.iter().map(|r| r.region));
        let block = numbered(rows.iter().map(|r| r.block));
        let several = region.iter().any(|r| *r > 0);
        let group = match several {
            true => region.clone(),
            false => vec![0; rows.len()],
        };
        let cluster = match several {
            true => region,
            false => block.clone(),
        };
        let clusters = cluster.iter().map(|c| c + 1).max().unwrap_or(0);
        let groups = group.iter().map(|g| g + 1).max().unwrap_or(0);
        let mut effects = Effects {
            root: rows.iter().map(|r| r.exposure.sqrt()).collect(),
            members: vec![Vec::new(); clusters],
            weight: vec![0.0; groups],
            blocks: None,
            group,
            cluster,
            block,
        };
        for (i, row) in rows.iter().enumerate() {
            effects.members[effects.cluster[i]].push(i);
            effects.weight[effects.group[i]] += row.exposure;
        }
        if several {
            effects.blocks = Some(effects.block_gram());
        }
        effects
    }

    /// Whether there are effects of regions and blocks.
    pub fn several(&self) -> bool {
        self.blocks.is_some()
    }

    fn block_gram(&self) -> (Vec<DVector<f64>>, DMatrix<f64>) {
        let blocks = self.block.iter().map(|b| b + 1).max().unwrap_or(0);
        let mut shares = vec![DVector::zeros(blocks); self.weight.len()];
        let mut gram = DMatrix::zeros(blocks, blocks);
        for (i, root) in self.root.iter().enumerate() {
            let (g, t) = (self.group[i], self.block[i]);
            shares[g][t] += root * root / self.weight[g];
            gram[(t, t)] += root * root;
        }
        for (share, weight) in shares.iter().zip(&self.weight) {
            gram.ger(-weight, share, share, 1.0);
        }
        let eigen = gram.symmetric_eigen();
        let largest = eigen.eigenvalues.iter().fold(0f64, |m, v| m.max(*v));
        let inverse = eigen
            .eigenvalues
            .map(|v| if v > SINGULAR * largest { 1.0 / v } else { 0.0 });
        let vectors = &eigen.eigenvectors;
        let inverse = vectors * DMatrix::from_diagonal(&inverse) * vectors.transpose();
        (shares, inverse)
    }

    /// √weight times a column without its effects of regions and blocks.
    pub fn residual(&self, column: impl Fn(usize) -> f64) -> Vec<f64> {
        let n = self.root.len();
        let mut values: Vec<f64> = (0..n).map(&column).collect();
        // Once more takes out what rounding left.
        for _ in 0..2 {
            self.centre(&mut values);
            if let Some((_, inverse)) = &self.blocks {
                let mut sums = DVector::zeros(inverse.nrows());
                for i in 0..n {
                    sums[self.block[i]] += self.root[i] * self.root[i] * values[i];
                }
                let effects = inverse * sums;
                for i in 0..n {
                    values[i] -= effects[self.block[i]];
                }
                self.centre(&mut values);
            }
        }
        values.iter().zip(&self.root).map(|(v, r)| v * r).collect()
    }

    fn centre(&self, values: &mut [f64]) {
        let mut means = vec![0.0; self.weight.len()];
        for (i, value) in values.iter().enumerate() {
            means[self.group[i]] += self.root[i] * self.root[i] * value;
        }
        for (mean, weight) in means.iter_mut().zip(&self.weight) {
            *mean /= weight;
        }
        for (i, value) in values.iter_mut().enumerate() {
            *value -= means[self.group[i]];
        }
    }

    /// Σ √w·u·a over a cluster's rows, a the centred columns of the blocks, and G⁺ of it.
    pub fn through_blocks(
        &self,
        cluster: usize,
        u: &[f64],
    ) -> Option<(DVector<f64>, DVector<f64>)> {
        let (shares, inverse) = self.blocks.as_ref()?;
        let mut sums = DVector::zeros(inverse.nrows());
        for (i, u) in self.members[cluster].iter().zip(u) {
            sums[self.block[*i]] += self.root[*i] * u;
            sums.axpy(-self.root[*i] * u, &shares[self.group[*i]], 1.0);
        }
        let through = inverse * &sums;
        Some((sums, through))
    }

    /// u'G⁺u over a cluster's rows whose √w·u add up to 0: what the effects of blocks take of it.
    pub fn length_in_blocks(&self, cluster: usize, z: &[f64]) -> f64 {
        let Some((_, inverse)) = &self.blocks else {
            return 0.0;
        };
        let rows = &self.members[cluster];
        let mut length = 0.0;
        for i in rows {
            let a = self.root[*i] * z[*i];
            for j in rows {
                length += a * inverse[(self.block[*i], self.block[*j])] * self.root[*j] * z[*j];
            }
        }
        length
    }

    /// The part of the hat matrix that belongs to effects, within a cluster.
    pub fn hat(&self, cluster: usize) -> DMatrix<f64> {
        let rows = &self.members[cluster];
        let n = rows.len();
        let mut hat = DMatrix::from_fn(n, n, |a, b| {
            let (i, j) = (rows[a], rows[b]);
            self.root[i] * self.root[j] / self.weight[self.group[i]]
        });
        let Some((shares, inverse)) = &self.blocks else {
            return hat;
        };
        // a_i'G⁺a_j with a_i = block − shares of the region.
        let share = &shares[self.group[rows[0]]];
        let through = inverse * share;
        let whole = share.dot(&through);
        for a in 0..n {
            for b in 0..n {
                let (i, j) = (rows[a], rows[b]);
                let (s, t) = (self.block[i], self.block[j]);
                let inner = inverse[(s, t)] - through[s] - through[t] + whole;
                hat[(a, b)] += self.root[i] * self.root[j] * inner;
            }
        }
        hat
    }
}

/// Numbers from 0 in ascending order of the values.
fn numbered(values: impl Iterator<Item = usize> + Clone) -> Vec<usize> {
    let mut known: Vec<usize> = values.clone().collect();
    known.sort_unstable();
    known.dedup();
    values
        .map(|v| known.binary_search(&v).unwrap_or(0))
        .collect()
}
