//! What a log tells beyond totals: contacts week by week, and those that may have spilled over.
//!
//! A contact of the after window adds to a few numbers of its customer, each known by a code:
//! the customer's *trail*. Trails of an arm add up to Σ and Σ of products, all that the
//! statistics need. Customers without such a contact have an empty trail.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::FixedState;

use crate::error::{Error, Result};
use crate::experiment::{Experiment, OutcomeKind};
use crate::table::{ArmId, Evidence, Measure, SpillSums, Spillover, WeekPair, Weekly};

use super::fields::MICRO;
use super::windows::Span4;

/// Seven days of 24 hours in microseconds, also where the clocks change.
pub const WEEK: i64 = 7 * 24 * 3600 * 1_000_000;

/// A week's place in a code: `outcome << 7 | week`; 128 weeks for each of 64 outcomes.
const OUTCOME_SHIFT: u32 = 7;
const OTHER_REASONS: u32 = 64 << OUTCOME_SHIFT;
/// The code of the first channel.
const CHANNELS: u32 = OTHER_REASONS + 1;

/// One number of a customer: what it is, and how much.
pub type Entry = (u32, i64);

/// What contacts add to trails in one pilot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rules {
    outcomes: u32,
    /// Outcomes that add up handling time, a bit each.
    timed: u64,
    /// Outcomes for which one contact is as good as many.
    once: u64,
    primary: u32,
    other_reasons: bool,
}

impl Rules {
    /// The rules of a plan.
    pub fn new(experiment: &Experiment) -> Self {
        let bits = |kind: OutcomeKind| {
            let outcomes = experiment.outcomes.iter().enumerate();
            outcomes
                .filter(|(_, o)| o.kind == kind)
                .fold(0u64, |bits, (i, _)| bits | 1 << i)
        };
        let primary = experiment.primary_outcome();
        let place = experiment
            .outcomes
            .iter()
            .position(|o| o.name == primary.name);
        Rules {
            outcomes: experiment.outcomes.len() as u32,
            timed: bits(OutcomeKind::Mean),
            once: bits(OutcomeKind::Proportion),
            primary: place.unwrap_or(0) as u32,
            other_reasons: !primary.reasons.is_empty(),
        }
    }

    /// What a contact of the after window adds: `week` from its start, `outcomes` a bit each.
    pub fn entries(
        &self,
        week: i64,
        outcomes: u64,
        handling: i64,
        channel: Option<u32>,
        mut add: impl FnMut(u32, i64),
    ) {
        if (0..Weekly::MOST as i64).contains(&week) {
            for outcome in (0..self.outcomes).filter(|o| outcomes & (1 << o) != 0) {
                let amount = match self.timed & (1 << outcome) {
                    0 => 1,
                    _ => handling,
                };
                add(outcome << OUTCOME_SHIFT | week as u32, amount);
            }
        }
        let counted = outcomes & (1 << self.primary) != 0;
        match (counted, channel) {
            (true, Some(channel)) => add(CHANNELS + channel, 1),
            (false, _) if self.other_reasons => add(OTHER_REASONS, 1),
            _ => {}
        }
    }
}

/// Adds to a trail.
pub fn add(trail: &mut Vec<Entry>, code: u32, amount: i64) {
    match trail.iter_mut().find(|entry| entry.0 == code) {
        // A customer whose total is too large for 64 bits is an error where totals are made.
        Some((_, total)) => *total = total.saturating_add(amount),
        None => trail.push((code, amount)),
    }
}

/// Sums over customers, by key: one code alone, or two that are multiplied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums(HashMap<u64, i128, FixedState>);

/// The second code of a sum that is of one alone.
const ALONE: u32 = u32::MAX;

fn key(code: u32, other: u32) -> u64 {
    u64::from(code) << 32 | u64::from(other)
}

fn too_large() -> Error {
    Error::data("the sum of squares of an outcome exceeds 127 bits")
}

impl Sums {
    /// Adds one customer's trail.
    ///
    /// # Errors
    /// Sums that exceed 127 bits.
    pub fn customer(&mut self, rules: &Rules, trail: &[Entry]) -> Result<()> {
        let amount = |(code, amount): Entry| {
            let once = code < OTHER_REASONS && rules.once & (1 << (code >> OUTCOME_SHIFT)) != 0;
            i128::from(if once { amount.min(1) } else { amount })
        };
        for &a in trail {
            self.add(key(a.0, ALONE), amount(a))?;
            for &b in trail {
                let same_outcome =
                    a.0 < OTHER_REASONS && a.0 >> OUTCOME_SHIFT == b.0 >> OUTCOME_SHIFT;
                if b.0 == a.0 || b.0 < a.0 && same_outcome {
                    // Two 64-bit numbers multiplied fit 127 bits.
                    self.add(key(a.0, b.0), amount(a) * amount(b))?;
                }
            }
        }
        Ok(())
    }

    /// Adds to one sum.
    ///
    /// # Errors
    /// Sums that exceed 127 bits.
    pub fn add(&mut self, key: u64, amount: i128) -> Result<()> {
        let sum = self.0.entry(key).or_default();
        *sum = sum.checked_add(amount).ok_or_else(too_large)?;
        Ok(())
    }

    /// Adds sums of other customers.
    ///
    /// # Errors
    /// Sums that exceed 127 bits.
    pub fn merge(&mut self, other: impl IntoIterator<Item = (u64, i128)>) -> Result<()> {
        other
            .into_iter()
            .try_for_each(|(key, sum)| self.add(key, sum))
    }

    /// The sums in no order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u64, i128)> + '_ {
        self.0.iter().map(|(key, sum)| (*key, *sum))
    }

    fn alone(&self, code: u32) -> i128 {
        self.0.get(&key(code, ALONE)).copied().unwrap_or(0)
    }

    fn product(&self, code: u32, other: u32) -> i128 {
        self.0.get(&key(code, other)).copied().unwrap_or(0)
    }
}

/// Trails of all customers, by arm and by how many whole weeks they were observed.
#[derive(Debug, Default)]
pub struct Trails(BTreeMap<(u16, usize), (u64, Sums)>);

impl Trails {
    /// The customers of an arm with these windows: their number so far, and their sums.
    pub fn group(&mut self, arm: u16, span: &Span4) -> &mut (u64, Sums) {
        let weeks = (span.exposure / MICRO / 7).clamp(0, Weekly::MOST as i64);
        self.0.entry((arm, weeks as usize)).or_default()
    }

    /// The weeks of each outcome; `None` where nobody was observed for a whole week.
    ///
    /// # Errors
    /// Sums that exceed 127 bits.
    fn weekly(&self, experiment: &Experiment) -> Result<Vec<Option<Weekly>>> {
        let weeks = self.0.keys().map(|(_, weeks)| *weeks).max().unwrap_or(0);
        let weekly = experiment.outcomes.iter().enumerate().map(|(o, outcome)| {
            let mut pairs = Vec::new();
            for arm in 0..experiment.arms.len() as u16 {
                for week in 0..weeks {
                    for other in 0..=week {
                        let pair = self.pair(arm, o as u32, week, other)?;
                        pairs.push((ArmId(arm), week, other, pair));
                    }
                }
            }
            let decimals = match outcome.kind {
                OutcomeKind::Mean => Weekly::MEAN_DECIMALS,
                OutcomeKind::Count | OutcomeKind::Proportion => 0,
            };
            (weeks > 0)
                .then(|| Weekly::new(experiment.arms.len(), decimals, pairs))
                .transpose()
        });
        weekly.collect()
    }

    /// Puts weeks and spillover into the evidence of the same customers.
    ///
    /// # Errors
    /// Sums that exceed 127 bits.
    pub fn attach(
        &self,
        experiment: &Experiment,
        channels: Option<&[String]>,
        evidence: &mut Evidence,
    ) -> Result<()> {
        let weekly = self.weekly(experiment)?;
        for (outcome, weekly) in evidence.outcomes.iter_mut().zip(weekly) {
            outcome.weekly = weekly;
        }
        evidence.spillover = Some(self.spillover(experiment, channels)?);
        Ok(())
    }

    fn pair(&self, arm: u16, outcome: u32, week: usize, other: usize) -> Result<WeekPair> {
        let code = |week: usize| outcome << OUTCOME_SHIFT | week as u32;
        let mut pair = WeekPair::default();
        let plus = |sum: &mut i128, more: i128| -> Result<()> {
            *sum = sum.checked_add(more).ok_or_else(too_large)?;
            Ok(())
        };
        for (customers, sums) in self
            .0
            .range((arm, week + 1)..=(arm, usize::MAX))
            .map(|g| g.1)
        {
            pair.customers += customers;
            plus(&mut pair.sum, sums.alone(code(week)))?;
            plus(&mut pair.other_sum, sums.alone(code(other)))?;
            plus(&mut pair.product, sums.product(code(week), code(other)))?;
        }
        Ok(pair)
    }

    /// Contacts for other reasons and by channel; `channels` in the order of their numbers,
    /// `None` where they were too many.
    ///
    /// # Errors
    /// Sums that exceed 127 bits.
    fn spillover(&self, experiment: &Experiment, channels: Option<&[String]>) -> Result<Spillover> {
        let arms = experiment.arms.len();
        let mut codes = Vec::new();
        if Rules::new(experiment).other_reasons {
            codes.push((OTHER_REASONS, Measure::OtherReasons));
        }
        let named = channels.unwrap_or_default().iter().zip(CHANNELS..);
        codes.extend(named.map(|(name, code)| (code, Measure::Channel(name.clone()))));
        let mut measures = Vec::new();
        for (code, measure) in codes {
            let mut sums = vec![SpillSums::default(); arms];
            for ((arm, _), (customers, own)) in &self.0 {
                let sum = &mut sums[usize::from(*arm)];
                sum.customers += customers;
                sum.sum = sum.sum.checked_add(own.alone(code)).ok_or_else(too_large)?;
                let squares = sum.squares.checked_add(own.product(code, code));
                sum.squares = squares.ok_or_else(too_large)?;
            }
            measures.push((measure, sums));
        }
        Spillover::new(arms, measures, channels.is_none())
    }
}

/// Distinct channels of a log, numbered as they come; `None` once they are too many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channels(Option<Vec<String>>);

impl Default for Channels {
    fn default() -> Self {
        Channels(Some(Vec::new()))
    }
}

impl Channels {
    /// The number of a channel; none for a blank one.
    pub fn id(&mut self, name: &str) -> Option<u32> {
        let list = self.0.as_mut()?;
        if name.trim().is_empty() {
            return None;
        }
        if let Some(known) = list.iter().position(|n| n == name) {
            return Some(known as u32);
        }
        if list.len() == Spillover::MAX_CHANNELS {
            self.0 = None;
            return None;
        }
        list.push(name.to_string());
        Some(list.len() as u32 - 1)
    }

    /// Adds the channels of another part of the log.
    #[cfg(feature = "engine")]
    pub fn merge(&mut self, other: &Channels) {
        match other.list() {
            Some(names) => names.iter().for_each(|name| {
                self.id(name);
            }),
            None => self.0 = None,
        }
    }

    /// The channels in order of their names.
    #[cfg(feature = "engine")]
    pub fn sorted(self) -> Option<Vec<String>> {
        let mut list = self.0?;
        list.sort_unstable();
        Some(list)
    }

    /// The channels by their numbers.
    pub fn list(&self) -> Option<&[String]> {
        self.0.as_deref()
    }
}
