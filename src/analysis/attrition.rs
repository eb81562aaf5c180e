//! Check `attrition`: outcomes that are missing, and what they could hide.

use crate::error::Result;
use crate::experiment::{Experiment, Outcome};
use crate::number::{fixed, interval_decimals, percent_with};
use crate::stats::lee::{self, Bounds};
use crate::stats::proportion::{Count, chi_squared, fisher};
use crate::stats::{DetailValue, Estimate, Test};
use crate::table::{ArmId, Comparison, ContactTable, Side};

use super::checks::{WARNS, check, people};
use super::model::{Check, Status};
use super::scale::scale;

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
    let comparisons = comparisons(experiment, table)?;
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
        let detail = "Every customer's outcome was observed.".into();
        return Ok(check(id, Status::Ok, Some(0.0), None, detail));
    };
    // Fisher's test takes customers for independent, which those of a cluster are not.
    let clustered = experiment.cluster_column().is_some();
    let p = (!clustered).then(|| (rarest.p_value * losses.len() as f64).min(1.0));
    let limit = experiment.decision.max_attrition_difference;
    // While the test period runs, outcomes are missing by nature.
    let beyond = limit.filter(|limit| ended && widest.difference.abs() > *limit);
    let part = |k: Count, of: &str| {
        let share = percent_with(k.successes as f64 / k.n as f64, 1);
        let (few, all) = (k.successes, people(k.n));
        match few > 0 && few < experiment.min_cell {
            true => format!("<{} of {all} {of}", experiment.min_cell),
            false => format!("{} of {all} {of} ({share})", people(few)),
        }
    };
    let shown = |l: &Loss| {
        let arm = format!("customers of \"{}\"", experiment.arms[l.arm].name);
        format!(
            "{} and {} have no outcome",
            part(l.treatment, &arm),
            part(l.control, "of control")
        )
    };
    let (status, about, meaning) = match beyond {
        Some(limit) => (
            Status::Stop,
            widest,
            format!(
                ": a difference beyond the plan's limit of {} percentage points, so those compared are no longer those assigned",
                fixed(limit * 100.0, 1)
            ),
        ),
        None if p.is_some_and(|p| p < WARNS) => (
            Status::Warn,
            rarest,
            ": more than chance explains, so those compared may differ from those assigned; find out who is missing and why".into(),
        ),
        None if clustered => (
            Status::Info,
            widest,
            "; whole clusters were assigned, so no test of single customers is made".into(),
        ),
        None => (Status::Info, widest, ", no more than chance explains".into()),
    };
    let detail = format!("{}{meaning}.", shown(about));
    Ok(check(id, status, Some(widest.difference), p, detail))
}

/// Lee's bounds of every arm with missing outcomes, in words; empty where none are missing.
///
/// # Errors
/// Sums that exceed 127 bits.
pub fn bounds_in_words(
    experiment: &Experiment,
    outcome: &Outcome,
    table: &ContactTable,
) -> Result<String> {
    let mut parts = Vec::new();
    for (arm, c) in comparisons(experiment, table)? {
        let missing = c.treatment.total.missing + c.control.total.missing;
        let counts = missing > 0 && experiment.cluster_column().is_none();
        if let (true, Ok(bounds)) = (counts, lee::bounds(&c, experiment.analysis.alpha)) {
            let range = in_words(experiment, outcome, table, &bounds);
            parts.push(format!("for \"{}\" {range}", experiment.arms[arm].name));
        }
    }
    if parts.is_empty() {
        return Ok(String::new());
    }
    Ok(format!(
        " If the arm changed who is missing in one direction only, the difference in {} lies within these bounds (Lee), whatever the missing outcomes are: {}.",
        scale(experiment, outcome, table).window_unit,
        parts.join("; ")
    ))
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
    bounds: &Bounds,
) -> String {
    let shown = scale(experiment, outcome, table);
    let (low, high) = (bounds.lower * shown.window, bounds.upper * shown.window);
    let decimals = interval_decimals(low, Some(low), Some(high), 0.0);
    let range = |a: f64, b: f64| format!("{} to {}", fixed(a, decimals), fixed(b, decimals));
    let interval = bounds.interval.map_or(String::new(), |(l, u)| {
        format!(
            " ({} interval {})",
            percent_with(1.0 - experiment.analysis.alpha, 0),
            range(l * shown.window, u * shown.window)
        )
    });
    format!("{}{interval}", range(low, high))
}

/// Puts Lee's bounds beside the plain difference of means where outcomes are missing: `lee_bounds`,
/// `lee_ci` (Imbens & Manski), `lee_trim_share`.
pub fn add_bounds(c: &Comparison<'_>, test: &Test, welch: &mut Estimate) {
    if c.treatment.total.missing == 0 && c.control.total.missing == 0 {
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
