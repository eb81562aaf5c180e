//! Check `attrition`: outcomes that are missing, and what they could hide.

use crate::error::Result;
use crate::experiment::{Experiment, Outcome};
use crate::number::{self, fixed, interval_decimals, percent_with};
use crate::stats::lee::{self, Bounds};
use crate::stats::proportion::{Count, chi_squared, fisher};
use crate::stats::{DetailValue, Estimate, Test};
use crate::table::{ArmId, Comparison, ContactTable, Side};
use crate::texts::text;

use super::checks::{WARNS, check, not_run, people};
use super::model::{Check, Status};
use super::scale::scale;
use super::small::{arm_is_small, few_missing_in, is_small};
use super::warnings::title;

/// An arm's missing outcomes against control's.
struct Loss {
    arm: usize,
    treatment: Count,
    control: Count,
    difference: f64,
    p_value: f64,
}

impl Loss {
    fn of(c: &Comparison<'_>, arm: usize) -> Option<Self> {
        let missing = |side: &Side| Count {
            successes: side.total.missing,
            n: side.total.missing + side.total.n,
        };
        let (treatment, control) = (missing(&c.treatment), missing(&c.control));
        if treatment.n == 0 || control.n == 0 {
            return None;
        }
        let share = |k: Count| k.successes as f64 / k.n as f64;
        let exact = fisher(treatment, control);
        let p_value = exact
            .unwrap_or_else(|| chi_squared(treatment, control))
            .two_sided;
        Some(Loss {
            arm,
            treatment,
            control,
            difference: share(treatment) - share(control),
            p_value,
        })
    }
}

/// Missing outcomes by arm: Fisher's exact test of each arm against control, Bonferroni over arms.
///
/// It stops only after the end of the test period (`ended`). Without p where whole clusters were assigned.
///
/// # Errors
/// Sums that exceed 127 bits.
pub fn attrition(experiment: &Experiment, table: &ContactTable, ended: bool) -> Result<Check> {
    let id = "attrition";
    let all = comparisons(experiment, table)?;
    let comparisons: Vec<_> = all
        .iter()
        .filter(|(arm, _)| !arm_is_small(experiment, table, *arm))
        .collect();
    if comparisons.is_empty() && !all.is_empty() {
        let least = experiment.min_cell;
        return Ok(not_run(id, text!("check.attrition-small-arm", least)));
    }
    let losses: Vec<Loss> = comparisons
        .iter()
        .filter_map(|(arm, c)| Loss::of(c, *arm))
        .collect();
    let nobody = losses
        .iter()
        .all(|l| l.treatment.successes == 0 && l.control.successes == 0);
    let (Some(widest), Some(rarest), false) = (
        losses
            .iter()
            .max_by(|a, b| a.difference.abs().total_cmp(&b.difference.abs())),
        losses.iter().min_by(|a, b| a.p_value.total_cmp(&b.p_value)),
        nobody,
    ) else {
        let detail = text!("check.attrition-none");
        return Ok(check(id, Status::Ok, Some(0.0), None, detail));
    };
    // Fisher's test takes customers for independent, which those of a cluster are not.
    let clustered = experiment.cluster_column().is_some();
    let p = (!clustered).then(|| (rarest.p_value * losses.len() as f64).min(1.0));
    let limit = experiment.decision.max_attrition_difference;
    // While the test period runs, outcomes are missing by nature.
    let beyond = limit.filter(|limit| ended && widest.difference.abs() > *limit);
    let (about, status) = match beyond {
        Some(_) => (widest, Status::Stop),
        None if p.is_some_and(|p| p < WARNS) => (rarest, Status::Warn),
        None => (widest, Status::Info),
    };
    let (arm, control) = (
        of_arm(experiment, about),
        of_control(experiment, about.control),
    );
    let detail = match (status, beyond) {
        (_, Some(limit)) => text!(
            "check.attrition-beyond",
            arm,
            control,
            limit = fixed(limit * 100.0, 1)
        ),
        (Status::Warn, None) => text!("check.attrition-differs", arm, control),
        (_, None) if clustered => text!("check.attrition-clusters", arm, control),
        (_, None) => text!("check.attrition-fits", arm, control),
    };
    // From the difference or p one could work out the few who are not told.
    let few = comparisons
        .iter()
        .any(|(_, c)| few_missing_in(c, experiment.min_cell));
    let difference = Some(widest.difference).filter(|_| !few);
    Ok(check(id, status, difference, p.filter(|_| !few), detail))
}

/// Share that is missing, as people read it.
fn share(k: Count) -> String {
    number::percent_apart(k.successes as f64 / k.n as f64, 1)
}

/// The treatment arm's missing outcomes; few are not told.
fn of_arm(experiment: &Experiment, loss: &Loss) -> String {
    let (k, least) = (loss.treatment, experiment.min_cell);
    let (arm, all) = (title(experiment, loss.arm), people(k.n));
    match is_small(k.successes, least) {
        true => text!("check.attrition-arm-few", few = least, arm),
        false => text!(
            "check.attrition-arm",
            missing = people(k.successes),
            all,
            arm,
            share = share(k)
        ),
    }
}

/// Control's missing outcomes.
fn of_control(experiment: &Experiment, k: Count) -> String {
    let (least, all) = (experiment.min_cell, people(k.n));
    match is_small(k.successes, least) {
        true => text!("check.attrition-control-few", few = least),
        false => text!(
            "check.attrition-control",
            missing = people(k.successes),
            all,
            share = share(k)
        ),
    }
}

/// Lee's bounds of every arm with missing outcomes, in words; `None` where none are missing.
///
/// # Errors
/// Sums that exceed 127 bits.
pub fn bounds_in_words(
    experiment: &Experiment,
    outcome: &Outcome,
    table: &ContactTable,
) -> Result<Option<String>> {
    let mut parts = Vec::new();
    for (arm, c) in comparisons(experiment, table)? {
        let missing = c.treatment.total.missing + c.control.total.missing;
        let counts = missing > 0
            && experiment.cluster_column().is_none()
            && !arm_is_small(experiment, table, arm)
            && !few_missing_in(&c, experiment.min_cell);
        if let (true, Ok(bounds)) = (counts, lee::bounds(&c, experiment.analysis.alpha)) {
            let arm = title(experiment, arm);
            parts.push(in_words(experiment, outcome, table, &arm, &bounds));
        }
    }
    if parts.is_empty() {
        return Ok(None);
    }
    let unit = scale(experiment, outcome, table).window_unit.words();
    let arms = parts.join("; ");
    Ok(Some(text!("check.attrition-lee", unit, arms)))
}

fn comparisons<'a>(
    experiment: &Experiment,
    table: &'a ContactTable,
) -> Result<Vec<(usize, Comparison<'a>)>> {
    let control = ArmId(experiment.control() as u16);
    experiment
        .treatments()
        .map(|arm| Ok((arm, Comparison::new(table, ArmId(arm as u16), control)?)))
        .collect()
}

fn in_words(
    experiment: &Experiment,
    outcome: &Outcome,
    table: &ContactTable,
    arm: &str,
    bounds: &Bounds,
) -> String {
    let shown = scale(experiment, outcome, table);
    let (low, high) = (bounds.lower * shown.window, bounds.upper * shown.window);
    let decimals = interval_decimals(low, Some(low), Some(high), 0.0);
    let show = |v: f64| fixed(v, decimals);
    match bounds.interval {
        None => text!(
            "check.attrition-lee-arm",
            arm,
            low = show(low),
            high = show(high)
        ),
        Some((lower, upper)) => text!(
            "check.attrition-lee-interval",
            arm,
            low = show(low),
            high = show(high),
            level = percent_with(1.0 - experiment.analysis.alpha, 0),
            lower = show(lower * shown.window),
            upper = show(upper * shown.window)
        ),
    }
}

/// Puts Lee's bounds beside the plain difference of means where outcomes are missing: `lee_bounds`,
/// `lee_ci` (Imbens & Manski), `lee_trim_share`. Where an arm misses fewer than `min_cell` they would
/// tell single customers, and there are none.
pub fn add_bounds(c: &Comparison<'_>, min_cell: u64, test: &Test, welch: &mut Estimate) {
    let none = c.treatment.total.missing == 0 && c.control.total.missing == 0;
    if none || few_missing_in(c, min_cell) {
        return;
    }
    let Ok(bounds) = lee::bounds(c, test.alpha) else {
        return;
    };
    let mut put = |key: &str, value| welch.detail.insert(key.into(), value);
    let ends = vec![bounds.lower, bounds.upper];
    put("lee_bounds", DetailValue::Numbers(ends));
    put("lee_trim_share", DetailValue::Number(bounds.trim_share));
    if let Some((low, high)) = bounds.interval {
        put("lee_ci", DetailValue::Numbers(vec![low, high]));
    }
}
