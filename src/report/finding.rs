//! The primary effects in words: what every title and summary says first.

use crate::analysis::{EstimateRow, Shown, Unit, untested_harm};
use crate::report::document::Document;
use crate::report::number::{self, fixed, percent_apart};
use crate::report::privacy::Privacy;
use crate::report::text::{isolate, plain};
use crate::stats::{Estimand, Estimator};
use crate::texts::text;

/// The primary effect of one treatment arm, as reports show it.
#[derive(Debug, Clone)]
pub struct Effect<'a> {
    /// The record it comes from.
    pub row: &'a EstimateRow,
    /// Position among the treatment arms of the plan.
    pub index: usize,
    /// The arm's title, safe to show.
    pub title: String,
    /// Value, interval and unit as they are read.
    pub shown: Shown,
    /// Whether that interval is adjusted for several comparisons.
    pub adjusted: bool,
    /// The p-value that is shown.
    pub p: Option<f64>,
    /// Whether that p-value is adjusted for several comparisons.
    pub p_adjusted: bool,
    /// Whether chance is ruled out at the plan's level.
    pub clear: bool,
    /// Whether the value lies on the good side of no effect.
    pub good: bool,
    /// Whether it looks worse than control to a test that looks for benefit alone.
    pub worse: bool,
    /// The value as a sentence has it, after looks the median-unbiased one.
    pub said: f64,
}

/// Title of an arm, safe to show; its name where it has no title or is not in the plan.
pub fn arm_title(doc: &Document, name: &str) -> String {
    let title = doc
        .experiment
        .arms
        .iter()
        .find(|a| a.name == name)
        .map_or("", |a| a.title.trim());
    plain(if title.is_empty() { name } else { title }).into_owned()
}

/// Title of the control arm.
pub fn control_title(doc: &Document) -> String {
    doc.experiment
        .arms
        .iter()
        .find(|a| a.control)
        .map_or_else(|| text!("finding.control"), |a| arm_title(doc, &a.name))
}

/// Position of an arm among the treatments of the plan.
pub fn treatment_index(doc: &Document, name: &str) -> Option<usize> {
    let mut treatments = doc.experiment.arms.iter().filter(|a| !a.control);
    treatments.position(|a| a.name == name)
}

/// The primary effects, in the plan's order; arms too small to be shown are left out.
pub fn effects(doc: &Document) -> Vec<Effect<'_>> {
    let privacy = Privacy::of(doc);
    let mut effects: Vec<Effect> = doc
        .estimates
        .iter()
        .filter(|row| {
            row.primary
                && row.segment.is_none()
                && row.outcome == doc.experiment.primary_outcome
                && row.value.is_finite()
                && !privacy.is_small(row.n_arm)
                && !privacy.is_small(row.n_control)
        })
        .filter_map(|row| Some(effect(doc, row, treatment_index(doc, &row.arm)?)))
        .collect();
    effects.sort_by_key(|e| e.index);
    effects
}

/// Whether the arm's effect is shown to be good.
pub fn is_shown(doc: &Document, arm: &str) -> bool {
    let mut all = effects(doc).into_iter();
    all.any(|e| e.row.arm == arm && e.clear && e.good)
}

/// Comparisons over which intervals and p-values are adjusted: arms × primary outcomes.
pub fn family(doc: &Document) -> usize {
    let primary = |e: &&EstimateRow| e.primary && e.segment.is_none() && e.p_adjusted.is_some();
    doc.estimates.iter().filter(primary).count()
}

fn effect<'a>(doc: &Document, row: &'a EstimateRow, index: usize) -> Effect<'a> {
    let shown = Shown::of(row);
    let said = shown.allowed(row);
    let (lower, upper) = (shown.lower, shown.upper);
    let null = shown.null();
    let excludes_null = lower.is_some_and(|l| l > null) || upper.is_some_and(|u| u < null);
    let several = family(doc) > 1;
    let p = row.p_adjusted.or(row.p_value);
    let clear = match p {
        // What is left of 1 after the level is not exactly alpha.
        Some(p) => p <= 1.0 - row.level + 1e-12,
        None => excludes_null,
    };
    // A probability above one half says that treated customers have less.
    let less_is_below = row.estimand != Estimand::Probability;
    let less = if less_is_below {
        row.value < null
    } else {
        row.value > null
    };
    let more = row.value != null && !less;
    let good = if doc.experiment.better == "higher" {
        more
    } else {
        less
    };
    Effect {
        row,
        index,
        title: arm_title(doc, &row.arm),
        adjusted: shown.adjusted && several,
        shown,
        p,
        p_adjusted: row.p_adjusted.is_some() && several,
        clear,
        good,
        worse: doc.experiment.one_sided && !good && row.value != null && untested_harm(row),
        said,
    }
}

/// The effect that a headline is about: the decided arm's, else the largest clear good one,
/// else the largest clear one.
pub fn lead<'a, 'b>(doc: &Document, effects: &'b [Effect<'a>]) -> Option<&'b Effect<'a>> {
    let size = |e: &&Effect| (e.shown.value - e.shown.null()).abs();
    let largest = |good: bool| {
        effects
            .iter()
            .filter(|e| e.clear && e.good == good)
            .max_by(|a, b| size(a).total_cmp(&size(b)).then(b.index.cmp(&a.index)))
    };
    effects
        .iter()
        .find(|e| e.clear && Some(&e.row.arm) == doc.decision.arm.as_ref())
        .or_else(|| largest(true))
        .or_else(|| largest(false))
}

/// The headline of the primary outcome, without a full stop.
pub fn headline(doc: &Document, effects: &[Effect]) -> String {
    match (lead(doc, effects), effects) {
        (Some(effect), _) => effect.sentence(),
        (None, [only]) if only.worse => text!("finding.worse", finding = only.clause()),
        (None, [only]) => {
            let arm = isolate(&only.title);
            match doc.experiment.one_sided {
                true => text!("finding.no-benefit", arm),
                false => text!("finding.not-clear", arm),
            }
        }
        (None, _) => {
            let size = |e: &&Effect| (e.shown.value - e.shown.null()).abs();
            let worse = effects.iter().filter(|e| e.worse);
            let worst =
                worse.max_by(|a, b| size(a).total_cmp(&size(b)).then(b.index.cmp(&a.index)));
            match (worst, doc.experiment.one_sided) {
                (Some(worst), _) => text!("finding.none-benefit-worse", finding = worst.clause()),
                (None, true) => text!("finding.none-benefit"),
                (None, false) => text!("finding.none-clear"),
            }
        }
    }
}

/// "95 %" of a level.
pub fn level(level: f64) -> String {
    let percent = level * 100.0;
    let decimals = if (percent - percent.round()).abs() < 1e-9 {
        0
    } else {
        1
    };
    percent_apart(level, decimals)
}

impl Effect<'_> {
    /// The value and its interval on the estimand's own scale: "−0.21", "−0.30 to −0.12".
    pub fn figures(&self) -> (String, Option<String>) {
        let d = self.shown.decimals();
        (
            fixed(self.shown.value, d),
            range(self.shown.lower, self.shown.upper, |v| fixed(v, d)),
        )
    }

    /// "Welcome e-mail saves 0.21 contacts per customer per 30 days (95 % interval 0.12 to 0.30)";
    /// of what is not clear only "Video: the difference in contacts is −0.02 per customer (…)".
    pub fn sentence(&self) -> String {
        if !self.clear {
            let arm = isolate(&self.title);
            let finding = text!("finding.of-arm", arm, finding = self.unclear());
            return match self.worse {
                true => text!("finding.worse", finding),
                false => finding,
            };
        }
        let (words, interval) = (self.clause(), self.spoken_interval());
        let (raw, said) = (self.spoken(self.shown.value), self.spoken(self.said));
        match interval {
            Some(interval) if raw != said => text!(
                "finding.allowed",
                words,
                level = level(self.row.level),
                interval,
                raw
            ),
            interval => beside_level(words, self.row.level, interval),
        }
    }

    /// "the difference in contacts is −0.02 per customer (95 % interval −0.05 to 0.01)".
    pub fn unclear(&self) -> String {
        let Shown { lower, upper, .. } = self.shown;
        let interval = range(lower, upper, |v| self.shown.change(v));
        let difference = plain(&self.shown.difference()).into_owned();
        beside_level(difference, self.row.level, interval)
    }

    /// "Welcome e-mail saves 0.21 contacts per customer per 30 days".
    fn clause(&self) -> String {
        let arm = isolate(&self.title);
        let (value, outcome) = (self.spoken(self.said), plain(&self.row.outcome));
        let (unit, rest) = (
            plain(&self.shown.unit()).into_owned(),
            plain(&self.shown.unit_after_outcome()).into_owned(),
        );
        let contacts = self.shown.counts_contacts();
        let takers = self.row.estimator == Estimator::Cace;
        match (self.row.estimand, self.flips()) {
            (Estimand::Difference, less) if self.shown.is_score() => match less {
                true => text!("finding.lowers-mean", arm, outcome, value),
                false => text!("finding.raises-mean", arm, outcome, value),
            },
            (Estimand::Difference, true) if contacts => {
                text!("finding.saves", arm, value, unit)
            }
            (Estimand::Difference, false) if contacts => text!("finding.adds", arm, value, unit),
            (Estimand::Difference, true) => {
                text!("finding.lowers", arm, outcome, value, unit = rest)
            }
            (Estimand::Difference, false) => {
                text!("finding.raises", arm, outcome, value, unit = rest)
            }
            (Estimand::Ratio, _) => {
                let ratio = match self.shown.part(self.said) {
                    Some(part) => text!("finding.ratio-part", arm, outcome, value, part),
                    None => text!("finding.ratio", arm, outcome, value),
                };
                match takers {
                    true => text!("finding.of-takers", ratio),
                    false => ratio,
                }
            }
            (Estimand::Probability, _) => text!("finding.lower-of-pair", arm, outcome, value),
        }
    }

    /// The interval in the direction in which the sentence speaks: 0.12 to 0.30 saved.
    fn spoken_interval(&self) -> Option<String> {
        let Shown { lower, upper, .. } = self.shown;
        let (low, high) = if self.flips() {
            (upper, lower)
        } else {
            (lower, upper)
        };
        range(low, high, |v| self.spoken(v))
    }

    /// Whether the sentence speaks of less, so that signs turn round.
    fn flips(&self) -> bool {
        self.row.estimand == Estimand::Difference && self.said < 0.0
    }

    fn spoken(&self, value: f64) -> String {
        self.shown.change(if self.flips() { -value } else { value })
    }

    /// What the effect is for a thousand customers: "210 fewer contacts per 1,000 customers
    /// per 30 days (120 to 300)"; `None` where nothing is counted per customer.
    ///
    /// A ratio needs control's mean, in `control_mean` with its unit.
    pub fn per_thousand(&self, control_mean: Option<(f64, &Unit)>) -> Option<String> {
        let (factor, unit) = match self.row.estimand {
            Estimand::Difference => (1000.0, &self.row.unit),
            // The compliers' own mean is another than control's.
            Estimand::Ratio if self.row.estimator == Estimator::Cace => return None,
            Estimand::Ratio => {
                let (mean, unit) = control_mean?;
                (1000.0 * mean, unit)
            }
            Estimand::Probability => return None,
        };
        let unit = unit.per_thousand()?;
        let unit = plain(&unit);
        let change = |v: f64| (v - self.shown.null()) * factor;
        let fewer = self.said < self.shown.null();
        let sign = if fewer { -1.0 } else { 1.0 };
        let (low, high) = (self.shown.lower.map(change), self.shown.upper.map(change));
        let value = change(self.said);
        let d = number::interval_decimals(value, low, high, 0.0).min(1);
        let show = |v: f64| fixed(sign * v, d);
        let (a, b) = if fewer { (high, low) } else { (low, high) };
        let value = show(value);
        let said = if fewer {
            text!("finding.fewer-per-thousand", value, unit)
        } else {
            text!("finding.more-per-thousand", value, unit)
        };
        Some(beside(said, range(a, b, show)))
    }
}

/// "a to b", "at least a", "at most b".
pub fn range(
    lower: Option<f64>,
    upper: Option<f64>,
    show: impl Fn(f64) -> String,
) -> Option<String> {
    match (lower.map(&show), upper.map(&show)) {
        (Some(low), Some(high)) => Some(text!("interval.to", low, high)),
        (Some(low), None) => Some(text!("interval.at-least", low)),
        (None, Some(high)) => Some(text!("interval.at-most", high)),
        (None, None) => None,
    }
}

/// "0.21 (0.12 to 0.30)"; without an interval, or whatever else is said beside it, the words alone.
pub fn beside(words: String, more: Option<String>) -> String {
    match more {
        Some(more) => text!("interval.beside", words, more),
        None => words,
    }
}

/// "0.21 (95 % interval 0.12 to 0.30)".
pub fn beside_level(words: String, at: f64, interval: Option<String>) -> String {
    match interval {
        Some(interval) => text!("interval.beside-level", words, level = level(at), interval),
        None => words,
    }
}
