//! The primary effects in words: what every title and summary says first.

use crate::analysis::EstimateRow;
use crate::report::document::Document;
use crate::report::number::{self, fixed, percent_with};
use crate::report::privacy::Privacy;
use crate::report::text::{isolate, plain};
use crate::stats::Estimand;

/// The primary effect of one treatment arm, as reports show it.
#[derive(Debug, Clone)]
pub struct Effect<'a> {
    /// The record it comes from.
    pub row: &'a EstimateRow,
    /// Position among the treatment arms of the plan.
    pub index: usize,
    /// The arm's title, safe to show.
    pub title: String,
    /// Lower end of the interval that is shown.
    pub lower: Option<f64>,
    /// Upper end.
    pub upper: Option<f64>,
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
        .map_or_else(|| "control".into(), |a| arm_title(doc, &a.name))
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

/// Comparisons over which intervals and p-values are adjusted: arms × primary outcomes.
pub fn family(doc: &Document) -> usize {
    let primary = |e: &&EstimateRow| e.primary && e.segment.is_none();
    doc.estimates.iter().filter(primary).count()
}

fn effect<'a>(doc: &Document, row: &'a EstimateRow, index: usize) -> Effect<'a> {
    let adjusted = row.ci_adjusted_lower.is_some() || row.ci_adjusted_upper.is_some();
    let (lower, upper) = if adjusted {
        (row.ci_adjusted_lower, row.ci_adjusted_upper)
    } else {
        (row.ci_lower, row.ci_upper)
    };
    let null = null(row.estimand);
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
        lower,
        upper,
        adjusted: adjusted && several,
        p,
        p_adjusted: row.p_adjusted.is_some() && several,
        clear,
        good,
    }
}

/// The value that means no effect.
pub fn null(estimand: Estimand) -> f64 {
    match estimand {
        Estimand::Difference => 0.0,
        Estimand::Ratio => 1.0,
        Estimand::Probability => 0.5,
    }
}

/// The effect that a headline is about: the decided arm's, else the largest clear good one,
/// else the largest clear one.
pub fn lead<'a, 'b>(doc: &Document, effects: &'b [Effect<'a>]) -> Option<&'b Effect<'a>> {
    let size = |e: &&Effect| (e.row.value - null(e.row.estimand)).abs();
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
        (None, [only]) => format!("{} shows no clear effect", isolate(&only.title)),
        (None, _) => "No arm shows a clear effect".into(),
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
    percent_with(level, decimals)
}

impl Effect<'_> {
    /// The value and its interval on the estimand's own scale: "−0.21", "−0.30 to −0.12".
    pub fn figures(&self) -> (String, Option<String>) {
        let null = null(self.row.estimand);
        let d = number::interval_decimals(self.row.value, self.lower, self.upper, null);
        (
            fixed(self.row.value, d),
            range(self.lower, self.upper, |v| fixed(v, d)),
        )
    }

    /// "Welcome e-mail saves 0.21 contacts per customer per 30 days (95 % interval 0.12 to 0.30)".
    pub fn sentence(&self) -> String {
        let name = isolate(&self.title);
        let interval = match self.spoken_interval() {
            Some(text) => format!(" ({} interval {text})", level(self.row.level)),
            None => String::new(),
        };
        format!("{name} {}{interval}", self.predicate())
    }

    /// "saves 0.21 contacts per customer per 30 days".
    pub fn predicate(&self) -> String {
        let (value, outcome) = (self.spoken(self.row.value), plain(&self.row.outcome));
        let unit = plain(&self.row.unit);
        let less = self.flips();
        match self.row.estimand {
            Estimand::Difference if unit.starts_with("contacts") => {
                format!("{} {value} {unit}", if less { "saves" } else { "adds" })
            }
            Estimand::Difference => format!(
                "{} {outcome} by {value} {unit}",
                if less { "lowers" } else { "raises" }
            ),
            Estimand::Ratio => format!(
                "{} {outcome} by {value}",
                if less { "cuts" } else { "raises" }
            ),
            Estimand::Probability => {
                format!("has the lower {outcome} of a random pair with probability {value}")
            }
        }
    }

    /// The interval in the direction in which the sentence speaks: 0.12 to 0.30 saved.
    pub fn spoken_interval(&self) -> Option<String> {
        let (low, high) = if self.flips() {
            (self.upper, self.lower)
        } else {
            (self.lower, self.upper)
        };
        range(low, high, |v| self.spoken(v))
    }

    /// Whether the sentence speaks of less, so that signs turn round.
    fn flips(&self) -> bool {
        self.row.estimand != Estimand::Probability && self.row.value < null(self.row.estimand)
    }

    fn spoken(&self, value: f64) -> String {
        let row = self.row;
        let sign = if self.flips() { -1.0 } else { 1.0 };
        match row.estimand {
            Estimand::Ratio => {
                let share = |v: f64| (v - 1.0) * 100.0;
                let d = number::interval_decimals(
                    share(row.value),
                    self.lower.map(share),
                    self.upper.map(share),
                    0.0,
                );
                percent_with(sign * (value - 1.0), d.max(0))
            }
            estimand => {
                let d =
                    number::interval_decimals(row.value, self.lower, self.upper, null(estimand));
                fixed(sign * value, d)
            }
        }
    }

    /// What the effect is for a thousand customers: "210 fewer contacts per 1,000 customers
    /// per 30 days (120 to 300)"; `None` where the unit is not contacts per customer.
    ///
    /// A ratio needs control's mean, in `control_mean` with its unit.
    pub fn per_thousand(&self, control_mean: Option<(f64, &str)>) -> Option<String> {
        let (factor, unit) = match self.row.estimand {
            Estimand::Difference => (1000.0, plain(&self.row.unit).into_owned()),
            Estimand::Ratio => {
                let (mean, unit) = control_mean?;
                (1000.0 * mean, plain(unit).into_owned())
            }
            Estimand::Probability => return None,
        };
        let rest = unit.strip_prefix("contacts per customer")?;
        let change = |v: f64| (v - null(self.row.estimand)) * factor;
        let sign = if self.flips() { -1.0 } else { 1.0 };
        let (low, high) = (self.lower.map(change), self.upper.map(change));
        let d = number::interval_decimals(change(self.row.value), low, high, 0.0).min(1);
        let show = |v: f64| fixed(sign * v, d);
        let (a, b) = if self.flips() {
            (high, low)
        } else {
            (low, high)
        };
        let interval = range(a, b, show).map_or_else(String::new, |r| format!(" ({r})"));
        let direction = if self.flips() { "fewer" } else { "more" };
        Some(format!(
            "{} {direction} contacts per 1,000 customers{rest}{interval}",
            show(change(self.row.value))
        ))
    }
}

/// "a to b", "at least a", "at most b".
pub fn range(
    lower: Option<f64>,
    upper: Option<f64>,
    show: impl Fn(f64) -> String,
) -> Option<String> {
    match (lower, upper) {
        (Some(l), Some(u)) => Some(format!("{} to {}", show(l), show(u))),
        (Some(l), None) => Some(format!("at least {}", show(l))),
        (None, Some(u)) => Some(format!("at most {}", show(u))),
        (None, None) => None,
    }
}
