//! Every assignment, where there are few.

use super::problem::{Problem, Stratum, Sums, Tally};
use super::{EXACT_LIMIT, Extreme, Hits};

impl Problem {
    /// Number of assignments, where it is at most [`EXACT_LIMIT`].
    pub(super) fn assignments(&self) -> Option<u64> {
        self.strata.iter().try_fold(1u64, |product, s| {
            product
                .checked_mul(choose(s.customers, s.treated)?)
                .filter(|&n| n <= EXACT_LIMIT)
        })
    }

    pub(super) fn enumerate(&self, extreme: &Extreme) -> Hits {
        let mut fixed = Tally::default();
        // Where a stratum is constant, its many assignments are all alike; they count all the same.
        let mut alike = 1;
        let mut open = Vec::new();
        for s in &self.strata {
            match s.choices().as_slice() {
                [(sums, ways)] => {
                    fixed.add(self, s, sums);
                    alike *= ways;
                }
                several => open.push((s, several.to_vec())),
            }
        }
        let mut hits = Hits::default();
        self.combine(&open, &fixed, alike, extreme, &mut hits);
        hits
    }

    /// At most 17 levels deep, since each stratum here at least doubles the assignments.
    fn combine(
        &self,
        open: &[(&Stratum, Vec<(Sums, u64)>)],
        so_far: &Tally,
        ways: u64,
        extreme: &Extreme,
        hits: &mut Hits,
    ) {
        let Some(((stratum, choices), rest)) = open.split_first() else {
            *hits = *hits + extreme.hits(&so_far.outcome(self), ways);
            return;
        };
        for (sums, more) in choices {
            let mut tally = *so_far;
            tally.add(self, stratum, sums);
            self.combine(rest, &tally, ways * more, extreme, hits);
        }
    }
}

pub(super) fn choose(n: u64, k: u64) -> Option<u64> {
    let k = k.min(n - k);
    let mut ways = 1u64;
    for i in 0..k {
        // Exact at each step; beyond the limit it only grows.
        ways = ways.checked_mul(n - i)? / (i + 1);
        if ways > EXACT_LIMIT {
            return None;
        }
    }
    Some(ways)
}

impl Stratum {
    /// Every way to choose the treated customers: their sums, and how many assignments give them.
    fn choices(&self) -> Vec<(Sums, u64)> {
        // The smaller side is chosen, so that few choices are open at a time.
        let smaller = self.treated.min(self.customers - self.treated);
        let (mut open, mut done) = (vec![(smaller, Sums::default(), 1)], Vec::new());
        let mut left = self.customers;
        for c in &self.categories {
            left -= c.customers;
            let mut next = Vec::new();
            for (sample, sums, ways) in open {
                for k in sample.saturating_sub(left)..=sample.min(c.customers) {
                    // Never more ways than assignments, which are few here.
                    let Some(more) = choose(c.customers, k) else {
                        continue;
                    };
                    let mut sums: Sums = sums;
                    sums.add::<true>(&c.score, k);
                    if k == sample {
                        done.push((sums, ways * more));
                    } else {
                        next.push((sample - k, sums, ways * more));
                    }
                }
            }
            open = next;
        }
        if smaller != self.treated {
            for (sums, _) in &mut done {
                *sums = self.total.minus(sums);
            }
        }
        done
    }
}

/// Every way to choose `chosen` of the units: how many of each size's, and in how many ways.
///
/// Only where the ways altogether are few.
pub(super) fn compositions(sizes: &[u64], chosen: u64) -> Vec<(Vec<u64>, u64)> {
    let mut open = vec![(Vec::with_capacity(sizes.len()), chosen, 1)];
    let mut left: u64 = sizes.iter().sum();
    for &size in sizes {
        left -= size;
        let mut next = Vec::new();
        for (counts, sample, ways) in open {
            for k in sample.saturating_sub(left)..=sample.min(size) {
                // Never more ways than assignments, which are few here.
                let Some(more) = choose(size, k) else {
                    continue;
                };
                let mut counts: Vec<u64> = counts.clone();
                counts.push(k);
                next.push((counts, sample - k, ways * more));
            }
        }
        open = next;
    }
    open.into_iter()
        .map(|(counts, _, ways)| (counts, ways))
        .collect()
}
