//! Health checks of a schedule.

use crate::error::Result;
use crate::experiment::Experiment;
use crate::number::{fixed, p_value, percent_with};
use crate::stats::panel;
use crate::stats::srm;
use crate::table::{Audit, Evidence, Panel};
use crate::texts::text;

use super::super::Phase;
use super::super::checks::{WARNS, after_the_end, check, not_run, people, quarantined};
use super::super::empty::no_contacts;
use super::super::model::{Check, Status};
use super::{panel_of, rows, switches};

/// Standardised difference of time beyond which a trend may be taken for the effect, where no
/// effects of blocks take it out.
const LARGE_SMD: f64 = 0.25;

/// Checks that need no estimate.
///
/// # Errors
/// Evidence of another plan.
pub fn all(e: &Experiment, evidence: &Evidence, phase: Phase) -> Result<Vec<Check>> {
    let audit = &evidence.audit;
    let mut checks = vec![
        not_run("srm", text!("check.srm-schedule")),
        balance(e, evidence)?,
        observed(e, evidence, phase)?,
        missing_days(audit, phase),
        not_run("double-assignment", text!("check.double-schedule")),
        unknown_regions(audit),
        duplicates(audit),
        quarantined(audit),
        no_contacts(e, evidence, phase),
    ];
    if phase == Phase::Running {
        checks.push(not_run("carry-over", after_the_end()));
        checks.extend(of_customers());
    }
    Ok(checks)
}

/// Checks that need customers.
pub fn of_customers() -> Vec<Check> {
    [
        "baseline-drift",
        "overdispersion",
        "zero-inflation",
        "spillover",
        "persistence",
    ]
    .map(|id| not_run(id, text!("check.of-customers")))
    .into()
}

/// Difference of the mean place in time between treated and control region-blocks, in standard
/// deviations.
fn time(e: &Experiment, panel: &Panel) -> Option<f64> {
    let rows = rows(e, panel);
    let part = |treated: bool| {
        let own: Vec<f64> = (rows.iter().filter(|r| r.treated == treated))
            .map(|r| r.block as f64)
            .collect();
        let n = own.len() as f64;
        let mean = own.iter().sum::<f64>() / n;
        let squares: f64 = own.iter().map(|b| (b - mean).powi(2)).sum();
        (n > 1.0).then(|| (mean, squares / (n - 1.0)))
    };
    let ((mean, v1), (control, v0)) = (part(true)?, part(false)?);
    let spread = ((v0 + v1) / 2.0).sqrt();
    (spread > 0.0).then(|| (mean - control) / spread)
}

fn balance(e: &Experiment, evidence: &Evidence) -> Result<Check> {
    let id = "balance";
    if !switches(e) {
        return Ok(not_run(id, text!("check.balance-wedge")));
    }
    let panel = panel_of(evidence, e.primary_outcome())?;
    let Some(smd) = time(e, panel) else {
        return Ok(not_run(id, text!("check.balance-few-blocks")));
    };
    let apart = fixed(smd, 2);
    let (status, detail) = match (panel.regions() > 1, smd.abs() > LARGE_SMD) {
        (true, _) => (Status::Ok, text!("check.balance-blocks", smd = apart)),
        (false, true) => (Status::Warn, text!("check.balance-trend", smd = apart)),
        (false, false) => (Status::Ok, text!("check.balance-no-trend", smd = apart)),
    };
    Ok(check(id, status, Some(smd), None, detail))
}

/// Region-blocks without any observed day, by arm.
fn observed(e: &Experiment, evidence: &Evidence, phase: Phase) -> Result<Check> {
    let id = "attrition";
    if phase == Phase::Running {
        return Ok(not_run(id, text!("check.attrition-running")));
    }
    let panel = panel_of(evidence, e.primary_outcome())?;
    let counts: Vec<(u64, u64)> = (0..e.arms.len())
        .map(|arm| {
            let own = || panel.rows().iter().filter(|r| usize::from(r.arm.0) == arm);
            let missing = own().filter(|r| r.days == 0).count() as u64;
            (missing, own().count() as u64)
        })
        .collect();
    let missing: u64 = counts.iter().map(|c| c.0).sum();
    if missing == 0 {
        let detail = text!("check.attrition-no-blocks");
        return Ok(check(id, Status::Ok, Some(0.0), None, detail));
    }
    let shares: Vec<f64> = counts
        .iter()
        .map(|(m, n)| *m as f64 / (*n).max(1) as f64)
        .collect();
    let apart = shares
        .iter()
        .fold(0f64, |m, s| m.max((s - shares[e.control()]).abs()));
    let by_arm: Vec<String> = (e.arms.iter().zip(&counts))
        .map(|(a, (missing, all))| text!("check.attrition-blocks-arm", arm = a.name, missing, all))
        .collect();
    let table: Vec<Vec<u64>> = counts.iter().map(|(m, n)| vec![*m, n - m]).collect();
    let p = srm::independence(&table).map(|t| t.p_value);
    let limit = e.decision.max_attrition_difference;
    let beyond = limit.filter(|limit| apart > *limit);
    let arms = by_arm.join(", ");
    let detail = both(
        text!("check.attrition-blocks", arms),
        beyond.map(|limit| {
            let limit = percent_with(limit, 1);
            text!("check.attrition-blocks-beyond", limit)
        }),
    );
    let status = match beyond {
        Some(_) => Status::Stop,
        None => Status::Warn,
    };
    Ok(check(id, status, Some(missing as f64), p, detail))
}

/// Days of a region without a row although other regions have one.
fn missing_days(audit: &Audit, phase: Phase) -> Check {
    let id = "exposure";
    if phase == Phase::Running {
        return not_run(id, text!("check.exposure-running"));
    }
    let closed = match audit.closed_days.unwrap_or(0) {
        0 => None,
        1 => Some(text!("check.exposure-closed-one")),
        n => Some(text!("check.exposure-closed-many", days = people(n))),
    };
    let n = audit.missing_region_days.unwrap_or(0);
    let missing = match n {
        0 => text!("check.exposure-all-days"),
        1 => text!("check.exposure-missing-one"),
        n => text!("check.exposure-missing-many", days = people(n)),
    };
    let status = match (n, &closed) {
        (0, None) => Status::Ok,
        (0, Some(_)) => Status::Info,
        _ => Status::Warn,
    };
    check(id, status, Some(n as f64), None, both(missing, closed))
}

/// A sentence, and another where there is one.
fn both(sentence: String, next: Option<String>) -> String {
    match next {
        Some(next) => format!("{sentence} {next}"),
        None => sentence,
    }
}

fn unknown_regions(audit: &Audit) -> Check {
    let id = "unassigned-contacts";
    let outside = match audit.outside_windows.unwrap_or(0) {
        0 => None,
        n => Some(text!("check.unassigned-outside", rows = people(n))),
    };
    let n = audit.unassigned_customers.unwrap_or(0);
    let (status, regions) = match n {
        0 => (Status::Ok, text!("check.unassigned-no-region")),
        n => (
            Status::Info,
            text!("check.unassigned-regions", rows = people(n)),
        ),
    };
    check(id, status, Some(n as f64), None, both(regions, outside))
}

fn duplicates(audit: &Audit) -> Check {
    let n = audit.duplicate_customers.unwrap_or(0);
    let (status, detail) = match n {
        0 => (Status::Ok, text!("check.duplicates-no-day")),
        n => (
            Status::Info,
            text!("check.duplicates-days", rows = people(n)),
        ),
    };
    check("duplicates", status, Some(n as f64), None, detail)
}

/// Whether the arm of the block before still has its effect.
///
/// # Errors
/// Evidence of another plan.
pub fn carry_over(e: &Experiment, evidence: &Evidence) -> Result<Check> {
    let id = "carry-over";
    if !switches(e) {
        return Ok(not_run(id, text!("check.carry-over-wedge")));
    }
    let panel = panel_of(evidence, e.primary_outcome())?;
    let control = e.control();
    let before = |region: usize, block: usize| {
        let row = block.checked_sub(1).map(|b| region * panel.blocks() + b);
        let row = row.and_then(|i| panel.rows().get(i));
        row.is_some_and(|r| usize::from(r.arm.0) != control)
    };
    let Some((t, df, p)) = panel::carry_over(&rows(e, panel), before) else {
        return Ok(not_run(id, text!("check.carry-over-unclear")));
    };
    let shown = p_value(p);
    let (status, so) = match p < WARNS {
        true => (Status::Warn, text!("check.carry-over-shown", p = shown)),
        false => (Status::Ok, text!("check.carry-over-none", p = shown)),
    };
    let weak = (df < 4.0).then(|| text!("check.carry-over-weak"));
    Ok(check(id, status, Some(t), Some(p), both(so, weak)))
}
