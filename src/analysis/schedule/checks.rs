//! Health checks of a schedule.

use crate::error::Result;
use crate::experiment::Experiment;
use crate::number::{fixed, p_value, percent_with};
use crate::stats::panel;
use crate::stats::srm;
use crate::table::{Audit, Evidence, Panel};

use super::super::Phase;
use super::super::checks::{WARNS, check, not_run, people, quarantined};
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
        not_run(
            "srm",
            "the schedule is the one that was drawn, region by region: no unit can be lost by arm",
        ),
        balance(e, evidence)?,
        observed(e, evidence, phase)?,
        missing_days(audit, phase),
        not_run(
            "double-assignment",
            "a region has one arm at a time, by the sealed schedule",
        ),
        unknown_regions(audit),
        duplicates(audit),
        quarantined(audit),
    ];
    if phase == Phase::Running {
        let unended = "it compares arms after the start, as `pilot analyze` does once the test period has ended";
        checks.push(not_run("carry-over", unended));
        checks.extend(of_customers());
    }
    Ok(checks)
}

/// Checks that need customers.
pub fn of_customers() -> Vec<Check> {
    let why = "it takes customers one by one, and the data are of regions";
    [
        "baseline-drift",
        "overdispersion",
        "zero-inflation",
        "spillover",
        "persistence",
    ]
    .map(|id| not_run(id, why))
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
        return Ok(not_run(
            id,
            "in a stepped wedge the treatment comes later by design; effects of blocks take time out",
        ));
    }
    let panel = panel_of(evidence, e.primary_outcome())?;
    let Some(smd) = time(e, panel) else {
        return Ok(not_run(
            id,
            "an arm was observed in fewer than two region-blocks",
        ));
    };
    if panel.regions() > 1 {
        return Ok(check(
            id,
            Status::Ok,
            Some(smd),
            None,
            format!(
                "Treatment and control differ in time by {} standard deviations of the block's number; effects of blocks take time out.",
                fixed(smd, 2)
            ),
        ));
    }
    let (status, so) = match smd.abs() > LARGE_SMD {
        true => (
            Status::Warn,
            "a trend over time can be taken for the effect",
        ),
        false => (Status::Ok, "a trend over time weighs little"),
    };
    let detail = format!(
        "Treatment and control differ in time by {} standard deviations of the block's number, and one region has no other to take time out: {so}.",
        fixed(smd, 2)
    );
    Ok(check(id, status, Some(smd), None, detail))
}

/// Region-blocks without any observed day, by arm.
fn observed(e: &Experiment, evidence: &Evidence, phase: Phase) -> Result<Check> {
    let id = "attrition";
    if phase == Phase::Running {
        return Ok(not_run(
            id,
            "the test period runs, so blocks are still to come",
        ));
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
        let detail = "Every region was observed in every block.";
        return Ok(check(id, Status::Ok, Some(0.0), None, detail.into()));
    }
    let shares: Vec<f64> = counts
        .iter()
        .map(|(m, n)| *m as f64 / (*n).max(1) as f64)
        .collect();
    let apart = shares
        .iter()
        .fold(0f64, |m, s| m.max((s - shares[e.control()]).abs()));
    let by_arm: Vec<String> = (e.arms.iter().zip(&counts))
        .map(|(a, (m, n))| format!("{} {m} of {n}", a.name))
        .collect();
    let table: Vec<Vec<u64>> = counts.iter().map(|(m, n)| vec![*m, n - m]).collect();
    let p = srm::independence(&table).map(|t| t.p_value);
    let limit = e.decision.max_attrition_difference;
    let stops = limit.is_some_and(|limit| apart > limit);
    let detail = format!(
        "Region-blocks without any row, which are left out: {}.{}",
        by_arm.join(", "),
        match limit.filter(|_| stops) {
            Some(limit) => format!(
                " The arms differ by more than the {} that the plan allows.",
                percent_with(limit, 1)
            ),
            None => String::new(),
        }
    );
    let status = if stops { Status::Stop } else { Status::Warn };
    Ok(check(id, status, Some(missing as f64), p, detail))
}

/// Days of a region without a row although other regions have one.
fn missing_days(audit: &Audit, phase: Phase) -> Check {
    let id = "exposure";
    if phase == Phase::Running {
        return not_run(id, "the test period runs, so days are still to come");
    }
    let closed = match audit.closed_days.unwrap_or(0) {
        0 => String::new(),
        n => format!(
            " On {} no region has a row; they were taken as closed.",
            days(n)
        ),
    };
    match audit.missing_region_days.unwrap_or(0) {
        0 => check(
            id,
            if closed.is_empty() {
                Status::Ok
            } else {
                Status::Info
            },
            Some(0.0),
            None,
            format!("No region lacks a day that another has.{closed}"),
        ),
        n => check(
            id,
            Status::Warn,
            Some(n as f64),
            None,
            format!(
                "{} of a region without a row although another region has one; they count as not observed. If no row means no contact, write rows with 0.{closed}",
                days(n)
            ),
        ),
    }
}

fn days(n: u64) -> String {
    format!("{} day{}", people(n), if n == 1 { "" } else { "s" })
}

fn unknown_regions(audit: &Audit) -> Check {
    let id = "unassigned-contacts";
    let outside = match audit.outside_windows.unwrap_or(0) {
        0 => String::new(),
        n => format!(" {} rows are of days outside the test period.", people(n)),
    };
    match audit.unassigned_customers.unwrap_or(0) {
        0 => check(
            id,
            Status::Ok,
            Some(0.0),
            None,
            format!("Every row is of a region of the plan.{outside}"),
        ),
        n => check(
            id,
            Status::Info,
            Some(n as f64),
            None,
            format!(
                "{} rows are of regions that the plan does not name; they do not count.{outside}",
                people(n)
            ),
        ),
    }
}

fn duplicates(audit: &Audit) -> Check {
    match audit.duplicate_customers.unwrap_or(0) {
        0 => check(
            "duplicates",
            Status::Ok,
            Some(0.0),
            None,
            "No region's day is there twice.".into(),
        ),
        n => check(
            "duplicates",
            Status::Info,
            Some(n as f64),
            None,
            format!("{} repeated rows were counted once.", people(n)),
        ),
    }
}

/// Whether the arm of the block before still has its effect.
///
/// # Errors
/// Evidence of another plan.
pub fn carry_over(e: &Experiment, evidence: &Evidence) -> Result<Check> {
    let id = "carry-over";
    if !switches(e) {
        return Ok(not_run(
            id,
            "in a stepped wedge no region goes back to control",
        ));
    }
    let panel = panel_of(evidence, e.primary_outcome())?;
    let control = e.control();
    let before = |region: usize, block: usize| {
        let row = block.checked_sub(1).map(|b| region * panel.blocks() + b);
        let row = row.and_then(|i| panel.rows().get(i));
        row.is_some_and(|r| usize::from(r.arm.0) != control)
    };
    let Some((t, df, p)) = panel::carry_over(&rows(e, panel), before) else {
        return Ok(not_run(
            id,
            "the arm of the block before cannot be told apart from regions, blocks and the arm itself",
        ));
    };
    let so = match p < WARNS {
        true => {
            "the treatment still works in the block after, so the effect is understated; lengthen washout_days in the next plan"
        }
        false => "no sign that the treatment still works in the block after",
    };
    let status = if p < WARNS { Status::Warn } else { Status::Ok };
    let power = match df < 4.0 {
        true => " With so few regions this test sees little.",
        false => "",
    };
    let detail = format!(
        "Of the arm of the block before ({}): {so}.{power}",
        p_value(p)
    );
    Ok(check(id, status, Some(t), Some(p), detail))
}
