//! Every schedule that could have been drawn, where they are few.

use std::collections::BTreeMap;

use super::{Frame, Rule, Schedule};

/// Orders of regions and rounds that are looked at for one set of blocks.
const MOST_ORDERS: usize = 200_000;

/// All schedules of a frame, each with its probability.
#[derive(Debug, Clone)]
pub struct Every {
    blocks: usize,
    cells: usize,
    /// Parts that are drawn independently: what each can be (cells with the treatment) and how likely.
    parts: Vec<Vec<(Vec<usize>, f64)>>,
    number: u64,
}

impl Frame {
    /// All schedules, where they are at most `limit`; `None` where they are more or, with weights
    /// other than 1 : 1, too many orders lead to them.
    pub fn every(&self, limit: u64) -> Option<Every> {
        let parts = match &self.rule {
            Rule::SteppedWedge => vec![self.wedges(limit)?],
            Rule::Switchback { round, sets } => {
                let mut parts = Vec::new();
                let mut number = 1u64;
                for set in sets {
                    let part = match round.len() {
                        2 => self.halves(set, limit)?,
                        _ => self.rotations(round, set)?,
                    };
                    number = number
                        .checked_mul(part.len() as u64)
                        .filter(|n| *n <= limit)?;
                    parts.push(part);
                }
                parts
            }
        };
        let number = parts.iter().map(|p| p.len() as u64).product();
        Some(Every {
            blocks: self.blocks,
            cells: self.regions * self.blocks,
            parts,
            number,
        })
    }

    /// One to one: any half of the regions has treatment first, the others control; with an odd
    /// number either half may be the larger. All are equally likely.
    fn halves(&self, set: &[usize], limit: u64) -> Option<Vec<(Vec<usize>, f64)>> {
        let n = self.regions;
        let sizes = if n.is_multiple_of(2) {
            vec![n / 2]
        } else {
            vec![n / 2, n / 2 + 1]
        };
        let mut found = Vec::new();
        for size in sizes {
            subsets(n, size, limit, &mut |first| {
                let mut cells = Vec::new();
                for region in 0..n {
                    let place = usize::from(!first.contains(&region));
                    if let Some(block) = set.get(place) {
                        cells.push(region * self.blocks + block);
                    }
                }
                found.push(cells);
            })?;
        }
        Some(even(found))
    }

    /// Other weights: every order of the regions with every order of the round in each group.
    fn rotations(&self, round: &[bool], set: &[usize]) -> Option<Vec<(Vec<usize>, f64)>> {
        let groups = self.regions.div_ceil(round.len());
        let treated = round.iter().filter(|t| **t).count();
        let mut orders: Vec<Vec<bool>> = Vec::new();
        subsets(round.len(), treated, MOST_ORDERS as u64, &mut |places| {
            orders.push((0..round.len()).map(|i| places.contains(&i)).collect());
        })?;
        let ways = orders.len().checked_pow(u32::try_from(groups).ok()?)?;
        let factorial = (1..=self.regions).try_fold(1usize, usize::checked_mul)?;
        let all = ways.checked_mul(factorial).filter(|n| *n <= MOST_ORDERS)?;
        let mut counts: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
        let mut regions: Vec<usize> = (0..self.regions).collect();
        permutations(&mut regions, 0, &mut |regions| {
            for way in 0..ways {
                let (mut way, mut cells) = (way, Vec::new());
                for group in regions.chunks(round.len()) {
                    let order = &orders[way % orders.len()];
                    way /= orders.len();
                    for (shift, region) in group.iter().enumerate() {
                        for (place, block) in set.iter().enumerate() {
                            if order[(place + shift) % order.len()] {
                                cells.push(region * self.blocks + block);
                            }
                        }
                    }
                }
                cells.sort_unstable();
                *counts.entry(cells).or_default() += 1;
            }
        });
        let share = |n: usize| n as f64 / all as f64;
        Some(counts.into_iter().map(|(c, n)| (c, share(n))).collect())
    }

    /// Every order of crossing; all are equally likely.
    fn wedges(&self, limit: u64) -> Option<Vec<(Vec<usize>, f64)>> {
        let steps = self.blocks.checked_sub(1).filter(|s| *s > 0)?;
        let (each, extra) = (self.regions / steps, self.regions % steps);
        // Counted before any is kept: the list of too many would fill the memory.
        let (mut number, mut left) = (choose(steps, extra, limit)?, self.regions);
        for step in 0..steps {
            let size = each + usize::from(step < extra);
            number = number
                .checked_mul(choose(left, size, limit)?)
                .filter(|n| *n <= limit)?;
            left -= size;
        }
        let mut sizes = Vec::new();
        subsets(steps, extra, limit, &mut |larger| {
            sizes.push(
                (0..steps)
                    .map(|s| each + usize::from(larger.contains(&s)))
                    .collect(),
            );
        })?;
        let mut found = Vec::new();
        for sizes in &sizes {
            let regions: Vec<usize> = (0..self.regions).collect();
            self.cross(sizes, 0, regions, &mut Vec::new(), limit, &mut found)?;
        }
        Some(even(found))
    }

    /// Chooses who crosses at each step in turn.
    fn cross(
        &self,
        sizes: &Vec<usize>,
        step: usize,
        waiting: Vec<usize>,
        so_far: &mut Vec<usize>,
        limit: u64,
        found: &mut Vec<Vec<usize>>,
    ) -> Option<()> {
        let Some(size) = sizes.get(step) else {
            found.push(so_far.clone());
            return (found.len() as u64 <= limit).then_some(());
        };
        let mut choices = Vec::new();
        subsets(waiting.len(), *size, limit, &mut |places| {
            choices.push(places.to_vec())
        })?;
        for places in choices {
            let length = so_far.len();
            for place in &places {
                let own = waiting[*place] * self.blocks;
                so_far.extend(own + step + 1..own + self.blocks);
            }
            let rest = waiting.iter().enumerate();
            let rest = rest.filter(|(i, _)| !places.contains(i)).map(|(_, r)| *r);
            self.cross(sizes, step + 1, rest.collect(), so_far, limit, found)?;
            so_far.truncate(length);
        }
        Some(())
    }
}

fn even(found: Vec<Vec<usize>>) -> Vec<(Vec<usize>, f64)> {
    let share = 1.0 / found.len() as f64;
    found.into_iter().map(|cells| (cells, share)).collect()
}

/// How many subsets of `size` there are among `n`; `None` where they are more than `limit`.
fn choose(n: usize, size: usize, limit: u64) -> Option<u64> {
    let mut number = 1u64;
    for i in 0..size.min(n - size) as u64 {
        number = number.checked_mul(n as u64 - i)? / (i + 1);
        if number > limit {
            return None;
        }
    }
    Some(number)
}

/// Every subset of `size` among `n`, ascending; `None` where they are more than `limit`.
fn subsets(n: usize, size: usize, limit: u64, each: &mut dyn FnMut(&[usize])) -> Option<()> {
    choose(n, size, limit)?;
    let mut places: Vec<usize> = (0..size).collect();
    loop {
        each(&places);
        let Some(i) = (0..size).rev().find(|i| places[*i] < n - size + i) else {
            return Some(());
        };
        places[i] += 1;
        for j in i + 1..size {
            places[j] = places[j - 1] + 1;
        }
    }
}

fn permutations(items: &mut Vec<usize>, from: usize, each: &mut dyn FnMut(&[usize])) {
    if from == items.len() {
        each(items);
        return;
    }
    for i in from..items.len() {
        items.swap(from, i);
        permutations(items, from + 1, each);
        items.swap(from, i);
    }
}

impl Every {
    /// How many schedules there are.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Visits each schedule with its probability, in a fixed order.
    pub fn visit(&self, each: &mut dyn FnMut(&Schedule, f64)) {
        let mut schedule = Schedule {
            blocks: self.blocks,
            treated: vec![false; self.cells],
        };
        self.part(0, 1.0, &mut schedule, each);
    }

    fn part(
        &self,
        part: usize,
        probability: f64,
        schedule: &mut Schedule,
        each: &mut dyn FnMut(&Schedule, f64),
    ) {
        let Some(choices) = self.parts.get(part) else {
            each(schedule, probability);
            return;
        };
        for (cells, share) in choices {
            for cell in cells {
                schedule.treated[*cell] = true;
            }
            self.part(part + 1, probability * share, schedule, each);
            for cell in cells {
                schedule.treated[*cell] = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::random::Stream;

    fn shares(frame: &Frame) -> BTreeMap<Schedule, f64> {
        let every = frame.every(100_000).unwrap();
        let mut found = BTreeMap::new();
        every.visit(&mut |s, p| {
            assert!(found.insert(s.clone(), p).is_none(), "a schedule twice");
        });
        assert_eq!(found.len() as u64, every.number());
        found
    }

    #[test]
    fn the_listed_schedules_are_those_that_are_drawn() {
        let weeks = |n: usize| vec![0i8; n];
        for frame in [
            Frame::switchback(1, &weeks(5), [1, 1]),
            Frame::switchback(4, &weeks(4), [1, 1]),
            Frame::switchback(3, &weeks(3), [1, 1]),
            Frame::switchback(3, &weeks(3), [1, 2]),
            Frame::switchback(2, &weeks(4), [2, 1]),
            Frame::stepped_wedge(4, 3),
            Frame::stepped_wedge(5, 4),
        ] {
            let listed = shares(&frame);
            let total: f64 = listed.values().sum();
            assert!((total - 1.0).abs() < 1e-12);
            let mut random = Stream::new("test", "every", 3).generator(0);
            let draws = 400 * listed.len().max(25);
            let mut counts: BTreeMap<Schedule, usize> = BTreeMap::new();
            for _ in 0..draws {
                *counts.entry(frame.draw(&mut random)).or_default() += 1;
            }
            assert!(counts.keys().all(|s| listed.contains_key(s)));
            for (schedule, p) in &listed {
                let n = counts.get(schedule).copied().unwrap_or(0) as f64;
                let expected = p * draws as f64;
                // Five standard errors: some hundred schedules.
                assert!(
                    (n - expected).abs() < 5.0 * expected.sqrt(),
                    "{n} {expected}"
                );
            }
        }
    }

    #[test]
    fn many_schedules_are_not_listed() {
        assert!(
            Frame::switchback(20, &[0; 8], [1, 1])
                .every(100_000)
                .is_none()
        );
        assert!(
            Frame::switchback(9, &[0; 3], [1, 2])
                .every(100_000)
                .is_none()
        );
        assert!(Frame::stepped_wedge(30, 6).every(100_000).is_none());
    }
}
