//! The formulas: keys, scores, quotas and the hashed arm.

use sha2::{Digest, Sha256};

use crate::assign::problem::Problem;
use crate::experiment::{Experiment, Method};

/// An arm and its share of the customers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArmShare {
    /// The arm's name.
    pub name: String,
    /// Whole parts of the sum of all weights; 0 for an arm that gets nobody.
    pub weight: u64,
}

/// How a pilot gives out its arms: its name and seed, and the arms in the plan's order.
///
/// # Formula
/// `key(purpose, values…) = SHA-256(F("pilot.assign/1") ‖ F(purpose) ‖ F(name) ‖ F(seed) ‖ F(value)…)`
/// where `F(x)` is the length of `x` in bytes as 8 big-endian bytes, then `x`; the seed is written
/// in decimal. `score(key, id)` = the first 8 bytes of `SHA-256(key ‖ id)` as a big-endian integer.
/// `id` is the unit, or the cluster where whole clusters are assigned. `docs/assignment.md` has
/// the same in ten lines of Python, with test vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheme {
    name: String,
    seed: u64,
    arms: Vec<ArmShare>,
    total: u64,
    hashed: Key,
}

impl Scheme {
    /// A scheme from the experiment's name, its seed and its arms in the plan's order.
    ///
    /// # Errors
    /// No arm, two arms of one name, weights that are all 0 or whose sum exceeds 2⁶⁴ − 1, and
    /// more than 65,534 arms.
    pub fn new(
        name: impl Into<String>,
        seed: u64,
        arms: impl IntoIterator<Item = ArmShare>,
    ) -> Result<Self, Problem> {
        let name = name.into();
        let arms: Vec<ArmShare> = arms.into_iter().collect();
        let total = arms
            .iter()
            .try_fold(0u64, |sum, arm| sum.checked_add(arm.weight))
            .ok_or_else(|| Problem::plan("the sum of the weights exceeds 2^64 - 1"))?;
        if total == 0 {
            return Err(Problem::plan("no arm has a weight above 0"));
        }
        if arms.len() >= usize::from(u16::MAX) {
            return Err(Problem::plan("more than 65,534 arms"));
        }
        for (i, arm) in arms.iter().enumerate() {
            if arms[..i].iter().any(|other| other.name == arm.name) {
                return Err(Problem::plan(format!("two arms are named `{}`", arm.name)));
            }
        }
        let hashed = Key::new("hashed", &name, seed, &[] as &[&str]);
        Ok(Scheme {
            name,
            seed,
            arms,
            total,
            hashed,
        })
    }

    /// The scheme of a plan.
    ///
    /// # Errors
    /// Those of [`Scheme::new`]; a plan of method `existing`, whose arms are in the data, and an
    /// arm without a weight.
    pub fn of(plan: &Experiment) -> Result<Self, Problem> {
        if plan.assignment.method == Method::Existing {
            return Err(Problem::plan("the plan's arms are in the data").hint(
                "`assign` is for the methods `complete` and `hashed`; with `existing` go on to `ingest`",
            ));
        }
        let arms: Result<Vec<ArmShare>, Problem> = plan
            .arms
            .iter()
            .map(|arm| {
                Ok(ArmShare {
                    name: arm.name.clone(),
                    weight: arm.weight.ok_or_else(|| {
                        Problem::plan(format!("arm `{}` has no weight", arm.name))
                    })?,
                })
            })
            .collect();
        Self::new(plan.name.clone(), plan.seed, arms?)
    }

    /// The arms in the plan's order.
    pub fn arms(&self) -> &[ArmShare] {
        &self.arms
    }

    /// The arm of one unit (or cluster) by the method `hashed`, as an index into the arms.
    ///
    /// # Formula
    /// place = ⌊score(key("hashed"), id) · W / 2⁶⁴⌋, W the sum of the weights; the arm is the
    /// first whose cumulative weight exceeds place. Its probability is w/W within 2⁻⁶⁴.
    pub fn hashed_arm(&self, id: &str) -> usize {
        self.arm_at(self.hashed.score(id))
    }

    pub(crate) fn arm_at(&self, score: u64) -> usize {
        let mut place = scale(score, self.total);
        for (arm, share) in self.arms.iter().enumerate() {
            match place.checked_sub(share.weight) {
                Some(rest) => place = rest,
                None => return arm,
            }
        }
        unreachable!("place is below the sum of the weights")
    }

    /// How many of `n` units (or clusters) of a stratum each arm gets by the method `complete`.
    ///
    /// # Formula
    /// ⌊n·w/W⌋ each. The places that remain go to arms by systematic sampling: in the order of
    /// score(key("quota", stratum values…), arm name), with the fractions n·w mod W as sizes and
    /// the start ⌊score(key, "")·W/2⁶⁴⌋, so that over seeds each arm expects exactly n·w/W.
    ///
    /// # Source
    /// Madow (1949), On the theory of systematic sampling II, Annals of Mathematical Statistics 20.
    pub fn quotas<S: AsRef<str>>(&self, stratum: &[S], n: u64) -> Vec<u64> {
        let key = Key::new("quota", &self.name, self.seed, stratum);
        let total = u128::from(self.total);
        let shares: Vec<u128> = self
            .arms
            .iter()
            .map(|arm| u128::from(n) * u128::from(arm.weight))
            .collect();
        // n·w/W ≤ n, so the quotient fits.
        let mut quotas: Vec<u64> = shares.iter().map(|share| (share / total) as u64).collect();
        let mut order: Vec<usize> = (0..self.arms.len()).collect();
        order.sort_by_cached_key(|&arm| (key.score(&self.arms[arm].name), &self.arms[arm].name));
        let mut point = u128::from(scale(key.score(""), self.total));
        let mut passed = 0u128;
        for arm in order {
            passed += shares[arm] % total;
            if passed > point {
                quotas[arm] += 1;
                point += total;
            }
        }
        quotas
    }

    pub(crate) fn hashed_key(&self) -> &Key {
        &self.hashed
    }

    pub(crate) fn complete_key(&self) -> Key {
        Key::new("complete", &self.name, self.seed, &[] as &[&str])
    }
}

/// ⌊score · total / 2⁶⁴⌋: below `total`, and as even as 64 bits allow.
fn scale(score: u64, total: u64) -> u64 {
    ((u128::from(score) * u128::from(total)) >> 64) as u64
}

/// Keys the scores of one purpose in one pilot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key([u8; 32]);

impl Key {
    fn new<S: AsRef<str>>(purpose: &str, name: &str, seed: u64, values: &[S]) -> Self {
        let mut hash = Sha256::new();
        let mut frame = |part: &str| {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        };
        frame("pilot.assign/1");
        frame(purpose);
        frame(name);
        frame(&seed.to_string());
        for value in values {
            frame(value.as_ref());
        }
        Key(hash.finalize().into())
    }

    /// For telling units apart where no arm is drawn.
    pub(crate) fn for_distinct() -> Self {
        Key::new("distinct", "", 0, &[] as &[&str])
    }

    pub(crate) fn score(&self, id: &str) -> u64 {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(id);
        let digest: [u8; 32] = hash.finalize().into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}
