//! Schedules: which region has the treatment in which block of days, drawn at random.
//!
//! The draw that assigns and the randomisation test are the same code, so the test redraws what
//! could have been assigned.

mod exact;

use super::random::Generator;

pub use exact::Every;

/// Who gets an arm when, and by which rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    regions: usize,
    blocks: usize,
    rule: Rule,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    /// One round of the arms (true is treatment), and the sets of blocks that hold one each.
    Switchback {
        round: Vec<bool>,
        sets: Vec<Vec<usize>>,
    },
    SteppedWedge,
}

/// Which regions have the treatment in which blocks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Schedule {
    blocks: usize,
    treated: Vec<bool>,
}

impl Schedule {
    /// A schedule from one flag a region and block, region by region.
    ///
    /// `None` where the flags do not fill whole regions.
    pub fn new(blocks: usize, treated: Vec<bool>) -> Option<Self> {
        (blocks > 0 && treated.len().is_multiple_of(blocks)).then_some(Schedule { blocks, treated })
    }

    /// Whether a region has the treatment in a block.
    pub fn treated(&self, region: usize, block: usize) -> bool {
        let cell = region * self.blocks + block;
        block < self.blocks && self.treated.get(cell) == Some(&true)
    }
}

impl Frame {
    /// A switchback: arms change from block to block, `weights` are those of control and treatment.
    ///
    /// *Formula* — with weights w₀ : w₁ in lowest terms, a round is w₀ blocks of control and w₁ of
    /// treatment. Blocks that begin on the same weekday are put together in the order of time,
    /// each w₀ + w₁ of them a set; blocks left over make sets in the order of time, the last
    /// perhaps incomplete. In each set the regions are put in random order and taken w₀ + w₁ at a
    /// time: one random order of the round for each such group, each next region beginning one
    /// place later in it. So in each set every region has each arm as often as the weights say, and
    /// in each block so many regions have each arm; and each region-block has the treatment with
    /// probability w₁/(w₀ + w₁).
    ///
    /// `weekday` gives the weekday on which each block begins, in any numbering.
    ///
    /// *Source* — Bojinov, Simchi-Levi & Zhao (2023), Management Science 69, 3759-3777 (switchback
    /// experiments); sets and rotation: randomised blocks and Latin squares, Cochran & Cox (1957), ch. 4.
    pub fn switchback(regions: usize, weekday: &[i8], weights: [u64; 2]) -> Self {
        let common = gcd(weights[0], weights[1]).max(1);
        let [control, treatment] = weights.map(|w| (w / common).max(1));
        let mut round = vec![false; control as usize];
        round.resize((control + treatment) as usize, true);
        Frame {
            regions,
            blocks: weekday.len(),
            rule: Rule::Switchback {
                sets: sets(weekday, round.len()),
                round,
            },
        }
    }

    /// A stepped wedge: control in the first block, then regions cross in random order, as many at
    /// each step as at any other but for one, the larger steps drawn at random.
    ///
    /// *Source* — Hussey & Hughes (2007), Contemporary Clinical Trials 28, 182-191; Hemming et al.
    /// (2015), BMJ 350, h391.
    pub fn stepped_wedge(regions: usize, blocks: usize) -> Self {
        Frame {
            regions,
            blocks,
            rule: Rule::SteppedWedge,
        }
    }

    /// Regions.
    pub fn regions(&self) -> usize {
        self.regions
    }

    /// Blocks.
    pub fn blocks(&self) -> usize {
        self.blocks
    }

    /// Draws a schedule.
    pub fn draw(&self, random: &mut Generator) -> Schedule {
        let mut treated = vec![false; self.regions * self.blocks];
        let mut regions: Vec<usize> = (0..self.regions).collect();
        match &self.rule {
            Rule::Switchback { round, sets } => {
                for set in sets {
                    random.shuffle(&mut regions);
                    for group in regions.chunks(round.len()) {
                        let mut order = round.clone();
                        random.shuffle(&mut order);
                        for (shift, region) in group.iter().enumerate() {
                            for (place, block) in set.iter().enumerate() {
                                treated[region * self.blocks + block] =
                                    order[(place + shift) % order.len()];
                            }
                        }
                    }
                }
            }
            Rule::SteppedWedge => {
                random.shuffle(&mut regions);
                // Fewer than two blocks have no step.
                let steps = self.blocks.saturating_sub(1);
                if steps == 0 {
                    return Schedule {
                        blocks: self.blocks,
                        treated,
                    };
                }
                let mut sizes = vec![self.regions / steps; steps];
                let mut order: Vec<usize> = (0..steps).collect();
                random.shuffle(&mut order);
                for step in &order[..self.regions % steps] {
                    sizes[*step] += 1;
                }
                let mut left = regions.iter();
                for (step, size) in sizes.iter().enumerate() {
                    for region in left.by_ref().take(*size) {
                        let own = region * self.blocks;
                        treated[own + step + 1..own + self.blocks].fill(true);
                    }
                }
            }
        }
        Schedule {
            blocks: self.blocks,
            treated,
        }
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Sets of `size` blocks of the same weekday, then those of the blocks left over.
fn sets(weekday: &[i8], size: usize) -> Vec<Vec<usize>> {
    let mut days: Vec<i8> = weekday.to_vec();
    days.sort_unstable();
    days.dedup();
    let (mut sets, mut left) = (Vec::new(), Vec::new());
    for day in days {
        let blocks: Vec<usize> = (0..weekday.len()).filter(|b| weekday[*b] == day).collect();
        let whole = blocks.chunks_exact(size);
        left.extend_from_slice(whole.remainder());
        sets.extend(whole.map(<[usize]>::to_vec));
    }
    left.sort_unstable();
    sets.extend(left.chunks(size).map(<[usize]>::to_vec));
    sets.sort_unstable();
    sets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::random::Stream;

    fn random(seed: u64) -> Generator {
        Stream::new("test", "schedule", seed).generator(0)
    }

    fn weekday(blocks: usize, days: usize) -> Vec<i8> {
        (0..blocks).map(|b| (b * days % 7) as i8).collect()
    }

    #[test]
    fn a_switchback_is_balanced_by_region_block_and_weekday() {
        for (regions, blocks, days, weights) in [
            (1, 8, 7, [1, 1]),
            (2, 28, 1, [1, 1]),
            (6, 12, 7, [1, 1]),
            (6, 12, 7, [2, 4]),
            (4, 21, 2, [1, 1]),
            (5, 9, 14, [1, 2]),
        ] {
            let frame = Frame::switchback(regions, &weekday(blocks, days), weights);
            let common = gcd(weights[0], weights[1]);
            let (w1, round) = (
                (weights[1] / common) as usize,
                ((weights[0] + weights[1]) / common) as usize,
            );
            for seed in 0..20 {
                let s = frame.draw(&mut random(seed));
                for region in 0..regions {
                    let n = (0..blocks).filter(|b| s.treated(region, *b)).count();
                    let whole = blocks / round * w1;
                    assert!(
                        (whole..=whole + blocks % round).contains(&n),
                        "{regions} {blocks}"
                    );
                    for day in 0..7 {
                        let same = |b: &usize| b * days % 7 == day;
                        let all = (0..blocks).filter(same).count();
                        let n = (0..blocks)
                            .filter(same)
                            .filter(|b| s.treated(region, *b))
                            .count();
                        let whole = all / round * w1;
                        assert!((whole..=whole + all % round).contains(&n));
                    }
                }
                if regions.is_multiple_of(round) {
                    for block in 0..blocks {
                        let n = (0..regions).filter(|r| s.treated(*r, block)).count();
                        assert_eq!(n, regions / round * w1);
                    }
                }
            }
        }
    }

    #[test]
    fn a_wedge_crosses_once_and_evenly() {
        for (regions, blocks) in [(2, 3), (6, 4), (7, 4), (12, 5)] {
            let frame = Frame::stepped_wedge(regions, blocks);
            for seed in 0..20 {
                let s = frame.draw(&mut random(seed));
                let treated = |b: usize| (0..regions).filter(|r| s.treated(*r, b)).count();
                assert_eq!((treated(0), treated(blocks - 1)), (0, regions));
                for step in 1..blocks {
                    let crossing = treated(step) - treated(step - 1);
                    let even = regions / (blocks - 1);
                    assert!((even..=even + 1).contains(&crossing));
                }
                for r in 0..regions {
                    assert!((1..blocks).all(|b| s.treated(r, b) >= s.treated(r, b - 1)));
                }
            }
        }
    }

    #[test]
    fn every_place_has_the_treatment_as_often_as_the_weights_say() {
        let frame = Frame::switchback(5, &weekday(7, 7), [1, 2]);
        let mut random = random(7);
        let draws = 20_000;
        let mut counts = [0u32; 35];
        for _ in 0..draws {
            let s = frame.draw(&mut random);
            for (cell, count) in counts.iter_mut().enumerate() {
                *count += u32::from(s.treated(cell / 7, cell % 7));
            }
        }
        let share = 2.0 / 3.0f64;
        let se = (share * (1.0 - share) / f64::from(draws)).sqrt();
        for count in counts {
            // 4.5 standard errors: 35 places.
            assert!((f64::from(count) / f64::from(draws) - share).abs() < 4.5 * se);
        }
    }
}
