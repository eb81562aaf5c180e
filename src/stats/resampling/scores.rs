//! Sums of scores over counts by category.

/// The scores of categories, N numbers each, as narrow as their sums allow.
///
/// A sum of 128-bit products takes three times as long as one of 64 bits.
#[derive(Debug, Clone)]
pub(crate) enum Scores<const N: usize> {
    Narrow(Vec<[i64; N]>),
    Wide(Vec<[i128; N]>),
}

impl<const N: usize> Scores<N> {
    /// Scores by category; no sum over counts that is asked for is larger than `bound`.
    pub fn new(scores: impl Iterator<Item = [i128; N]>, bound: i128) -> Self {
        if bound < 1 << 62 {
            // No score is larger than a sum that holds it.
            Scores::Narrow(scores.map(|s| s.map(|v| v as i64)).collect())
        } else {
            Scores::Wide(scores.collect())
        }
    }

    /// Σ count·score over the categories; nothing is checked, since `bound` was.
    #[inline]
    pub fn sums(&self, counts: &[u64]) -> [i128; N] {
        match self {
            Scores::Narrow(scores) => {
                let mut sums = [0i64; N];
                for (score, &count) in scores.iter().zip(counts) {
                    for (sum, &value) in sums.iter_mut().zip(score) {
                        *sum = sum.wrapping_add(value.wrapping_mul(count as i64));
                    }
                }
                sums.map(i128::from)
            }
            Scores::Wide(scores) => {
                let mut sums = [0i128; N];
                for (score, &count) in scores.iter().zip(counts) {
                    for (sum, &value) in sums.iter_mut().zip(score) {
                        *sum = sum.wrapping_add(value.wrapping_mul(i128::from(count)));
                    }
                }
                sums
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_and_wide_agree() {
        let scores = [[3, -5], [0, 7], [1_000_000_007, 2]];
        let counts = [4, 9, 1_000];
        let sums = |bound| Scores::new(scores.into_iter(), bound).sums(&counts);
        assert_eq!(sums(1 << 61), sums(1 << 62));
        assert_eq!(sums(1 << 61), [1_000_000_007_012, 2_043]);
    }
}
