//! Checks `baseline-drift` and `zero-inflation`.

use crate::error::Result;
use crate::experiment::{Experiment, OutcomeKind};
use crate::number::fixed;
use crate::stats::zeros::{Zeros, zeros};
use crate::stats::{Estimand, Estimate, Refusal, Test, means};
use crate::table::{ArmId, Cell, Comparison, ContactTable, Decimals};
use crate::texts::text;

use super::checks::{WARNS, check, not_run, people, whole_clusters};
use super::model::{Check, Status};
use super::primary::strata_matter;
use super::warnings::title;

/// The effect of the arm on the time before it could have one.
///
/// `rate` where the before exposure varies, `stratified` where allocation differs between strata,
/// `welch` otherwise; Bonferroni over arms.
///
/// # Errors
/// Sums that exceed 127 bits.
pub fn baseline_drift(experiment: &Experiment, table: &ContactTable) -> Result<Check> {
    let id = "baseline-drift";
    if !table.has_before() {
        return Ok(not_run(id, text!("skipped.no-before")));
    }
    if experiment.cluster_column().is_some() {
        return Ok(not_run(id, whole_clusters()));
    }
    let placebo = before_as_after(table)?;
    let varying = placebo.constant_exposure().is_none();
    let within = strata_matter(&placebo);
    let estimate = |c: &Comparison<'_>| -> std::result::Result<Vec<Estimate>, Refusal> {
        if varying {
            means::rate(c, &Test::DEFAULT)
        } else if within {
            means::stratified(c, &Test::DEFAULT)
        } else {
            means::welch(c, &Test::DEFAULT)
        }
    };
    let mut found: Vec<(f64, f64, usize)> = Vec::new();
    for arm in experiment.treatments() {
        let control = ArmId(experiment.control() as u16);
        let c = Comparison::new(&placebo, ArmId(arm as u16), control)?;
        let Ok(estimates) = estimate(&c) else {
            continue;
        };
        let mut differences = estimates.iter();
        if let Some(e) = differences.find(|e| e.estimand == Estimand::Difference)
            && let (Some(p), Some(se)) = (e.p_value, e.se)
        {
            found.push((e.value / se, p, arm));
        }
    }
    let smallest = found.iter().min_by(|a, b| a.1.total_cmp(&b.1));
    let Some((t, p, arm)) = smallest else {
        return Ok(not_run(id, text!("check.drift-no-spread")));
    };
    let p = (p * found.len() as f64).min(1.0);
    let (status, detail) = if p < WARNS {
        let (arm, errors) = (title(experiment, *arm), fixed(*t, 1));
        (Status::Warn, text!("check.drift-shown", arm, errors))
    } else {
        (Status::Ok, text!("check.drift-none"))
    };
    Ok(check(id, status, Some(*t), Some(p), detail))
}

/// The same customers with the value before as their outcome.
fn before_as_after(table: &ContactTable) -> Result<ContactTable> {
    let known = || table.cells().iter().filter(|c| c.before.is_some());
    let timed = known().all(|c| c.before_exposure > 0);
    let one = 10i64.pow(u32::from(table.decimals().before_exposure));
    let cells = known().map(|c| Cell {
        exposure: if timed { c.before_exposure } else { one },
        before_exposure: 0,
        before: None,
        after: c.before,
        uptake: None,
        ..*c
    });
    let decimals = Decimals {
        exposure: table.decimals().before_exposure,
        after: table.decimals().before,
        ..Decimals::default()
    };
    ContactTable::new(
        table.arms().to_vec(),
        table.strata().clone(),
        table.exposure_unit(),
        decimals,
        cells.collect(),
    )
}

/// Customers without a contact against as many as a negative binomial would have.
///
/// # Errors
/// Sums that exceed 127 bits.
pub fn zero_inflation(
    experiment: &Experiment,
    table: &ContactTable,
    kind: OutcomeKind,
) -> Result<Check> {
    let id = "zero-inflation";
    if kind != OutcomeKind::Count {
        return Ok(not_run(id, text!("check.not-a-count")));
    }
    let mut found: Vec<Zeros> = Vec::new();
    let mut why = None;
    for arm in experiment.treatments() {
        let control = ArmId(experiment.control() as u16);
        match zeros(&Comparison::new(table, ArmId(arm as u16), control)?) {
            Ok(zeros) => found.push(zeros),
            Err(refusal) => why = Some(refusal.why),
        }
    }
    let smallest = found.iter().min_by(|a, b| a.p_value.total_cmp(&b.p_value));
    let Some(most) = smallest else {
        let why = why.unwrap_or_else(|| text!("check.zeros-no-arm"));
        return Ok(not_run(id, why));
    };
    let p = (most.p_value * found.len() as f64).min(1.0);
    let observed = match most.observed > 0 && most.observed < experiment.min_cell {
        true => format!("<{}", experiment.min_cell),
        false => people(most.observed),
    };
    let expected = most.expected.round().max(0.0) as u64;
    let (all, expected) = (people(most.n), people(expected));
    let (status, detail) = match (p < WARNS, most.z > 0.0) {
        (true, true) => (
            Status::Info,
            text!("check.zeros-more", observed, all, expected),
        ),
        (true, false) => (
            Status::Info,
            text!("check.zeros-fewer", observed, all, expected),
        ),
        (false, _) => (
            Status::Ok,
            text!("check.zeros-fit", observed, all, expected),
        ),
    };
    Ok(check(id, status, Some(most.z), Some(p), detail))
}
