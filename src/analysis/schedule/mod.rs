//! Switchbacks and stepped wedges: regions that had each arm for blocks of days.

mod checks;
mod estimates;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::experiment::{Better, Data, Experiment, Outcome, OutcomeKind, ScheduleKind};
use crate::stats::panel::Row;
use crate::stats::permutation::MOST_SCHEDULES;
use crate::stats::{DetailValue, Estimand};
use crate::table::{ArmId, Evidence, OutcomeEvidence, Panel};
use crate::texts::text;

use super::Phase;
use super::claims;
use super::model::{Analysis, Covariance, EstimateRow, JointEffect, LevelRow, Warning};
use super::scale::counted;
use super::unit::{Mean, Over, Unit, Whom};

/// Days over which rates are given where the plan names none.
const RATE_DAYS: u32 = 30;

/// The schedule with what was observed: which region had which arm when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduleRows {
    /// "switchback" or "stepped-wedge".
    pub design: String,
    /// First and last day of each block, ISO 8601.
    pub blocks: Vec<[String; 2]>,
    /// The regions.
    pub regions: Vec<RegionRow>,
    /// Unit of the rates.
    pub unit: Unit,
}

/// A region's blocks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RegionRow {
    /// Name in the plan.
    pub region: String,
    /// Arm in each block.
    pub arms: Vec<String>,
    /// Rate of the primary outcome in each block; null where it was not observed.
    pub rates: Vec<Option<f64>>,
}

/// How rates by day are shown.
struct Shown {
    /// Days that a rate is given over.
    days: f64,
    unit: Unit,
}

impl Shown {
    fn of(e: &Experiment, outcome: &Outcome) -> Self {
        let days = e.analysis.per_days.unwrap_or(RATE_DAYS);
        let whom = match by_customer(e) {
            true => Whom::Customer,
            false => Whom::Region,
        };
        let (what, over) = (counted(e, outcome), Over::Days(days));
        Shown {
            days: f64::from(days),
            unit: Unit::Mean(Mean { what, whom, over }),
        }
    }
}

/// Whether the data say how many customers a region has.
pub fn by_customer(e: &Experiment) -> bool {
    match &e.data {
        Some(Data::Days(file)) => file.customers.is_some(),
        Some(Data::RegionLog { regions, .. }) => regions.is_some(),
        _ => false,
    }
}

/// The panel of an outcome.
///
/// # Errors
/// Evidence of another plan.
fn panel_of<'a>(evidence: &'a Evidence, outcome: &Outcome) -> Result<&'a Panel> {
    let of = |o: &&OutcomeEvidence| o.outcome == outcome.name;
    let found = evidence.outcomes.iter().find(of);
    found.and_then(|o| o.panel.as_ref()).ok_or_else(|| {
        Error::workspace(format!(
            "the evidence holds no regions of \"{}\"",
            outcome.name
        ))
        .hint("run `pilot ingest` again")
    })
}

/// The region-blocks that count, as the statistics read them.
fn rows(e: &Experiment, panel: &Panel) -> Vec<Row> {
    let control = ArmId(e.control() as u16);
    let row = |r: &crate::table::PanelRow| Row {
        region: r.region as usize,
        block: r.block as usize,
        treated: r.arm != control,
        exposure: r.exposure as f64,
        y: r.y as f64,
    };
    panel.observed().map(row).collect()
}

/// Checks, and after the end the estimates too.
///
/// # Errors
/// As [`super::analyze`].
pub fn analyze(e: &Experiment, evidence: &Evidence, phase: Phase) -> Result<Analysis> {
    analyze_up_to(e, evidence, phase, MOST_SCHEDULES)
}

/// The same after the end, for many replays: the randomisation test looks at every schedule only
/// where they are at most `most`.
///
/// # Errors
/// As [`super::analyze`].
pub fn replayed(e: &Experiment, evidence: &Evidence, most: u64) -> Result<Analysis> {
    analyze_up_to(e, evidence, Phase::Ended, most)
}

/// Days over which the rates of a schedule's primary outcome are given, and their unit.
pub fn rates(e: &Experiment) -> (f64, Unit) {
    let shown = Shown::of(e, e.primary_outcome());
    (shown.days, shown.unit)
}

fn analyze_up_to(e: &Experiment, evidence: &Evidence, phase: Phase, most: u64) -> Result<Analysis> {
    let mut checks = checks::all(e, evidence, phase)?;
    if phase == Phase::Running || super::lost(&checks) {
        return Ok(super::only(checks));
    }
    let mut analysis = estimates::all(e, evidence, most)?;
    analysis.checks_alone = checks.clone();
    checks.push(claims::claims(e, true, &mut analysis.estimates, &[]));
    checks.push(checks::carry_over(e, evidence)?);
    checks.extend(checks::of_customers());
    analysis.checks = checks;
    analysis.levels = levels(e, evidence, &analysis.estimates)?;
    analysis.schedule = Some(schedule_rows(e, evidence)?);
    analysis.covariance = covariance(e, &analysis.estimates);
    if analysis.covariance.is_none() {
        let outcome = &e.primary_outcome().name;
        let message = text!("warning.no-joint-effect-regions", outcome);
        analysis
            .warnings
            .push(Warning::new("no-joint-effect", message));
    }
    if !by_customer(e) && e.business.is_some() {
        let message = text!("warning.no-customer-days");
        analysis
            .warnings
            .push(Warning::new("no-customer-days", message));
    }
    Ok(analysis)
}

fn schedule_rows(e: &Experiment, evidence: &Evidence) -> Result<ScheduleRows> {
    let outcome = e.primary_outcome();
    let panel = panel_of(evidence, outcome)?;
    let shown = Shown::of(e, outcome);
    let plan = e.assignment.schedule.as_ref();
    let names = plan.map_or(&[][..], |s| &s.regions);
    let regions = panel.rows().chunks(panel.blocks().max(1)).zip(names);
    let rate = |r: &crate::table::PanelRow| {
        (r.days > 0 && r.exposure > 0).then(|| r.y as f64 / r.exposure as f64 * shown.days)
    };
    let arm = |r: &crate::table::PanelRow| e.arms[usize::from(r.arm.0)].name.clone();
    Ok(ScheduleRows {
        design: plan.map_or("", |s| s.design.name()).into(),
        blocks: e
            .blocks()
            .iter()
            .map(|(a, b)| [a.to_string(), b.to_string()])
            .collect(),
        regions: regions
            .map(|(rows, name)| RegionRow {
                region: name.clone(),
                arms: rows.iter().map(arm).collect(),
                rates: rows.iter().map(rate).collect(),
            })
            .collect(),
        unit: shown.unit,
    })
}

/// Rates of each arm: of the same regions and blocks where the estimate gives them, else as they were.
fn levels(e: &Experiment, evidence: &Evidence, estimates: &[EstimateRow]) -> Result<Vec<LevelRow>> {
    let mut levels = Vec::new();
    for outcome in &e.outcomes {
        let panel = panel_of(evidence, outcome)?;
        let shown = Shown::of(e, outcome);
        let adjusted = estimates
            .iter()
            .find(|r| r.outcome == outcome.name && r.detail.contains_key("rate_control"));
        for (i, arm) in e.arms.iter().enumerate() {
            let own = || panel.observed().filter(|r| usize::from(r.arm.0) == i);
            let total: f64 = own().map(|r| r.y as f64).sum();
            let exposure: f64 = own().map(|r| r.exposure as f64).sum();
            let key = if arm.control {
                "rate_control"
            } else {
                "rate_treatment"
            };
            let mean = match adjusted.and_then(|r| r.detail.get(key)) {
                Some(DetailValue::Number(rate)) => *rate,
                _ if exposure > 0.0 => total / exposure * shown.days,
                _ => continue,
            };
            levels.push(LevelRow {
                outcome: outcome.name.clone(),
                arm: arm.name.clone(),
                period: "after".into(),
                n: own().count() as u64,
                total,
                mean,
                ci_lower: None,
                ci_upper: None,
                unit: shown.unit.clone(),
            });
        }
    }
    Ok(levels)
}

/// The row that decides.
fn deciding<'a>(e: &Experiment, estimates: &'a [EstimateRow]) -> Option<&'a EstimateRow> {
    let primary = &e.primary_outcome().name;
    estimates
        .iter()
        .find(|r| r.primary && &r.outcome == primary)
}

fn covariance(e: &Experiment, estimates: &[EstimateRow]) -> Option<Covariance> {
    let row = deciding(e, estimates)?;
    let se = row.se.filter(|se| *se > 0.0)?;
    Some(Covariance {
        arms: vec![row.arm.clone()],
        scale: match row.estimand {
            Estimand::Ratio => "log ratio",
            _ => "estimate",
        }
        .into(),
        matrix: vec![vec![se * se]],
    })
}

/// Contacts avoided per customer-day; `None` where customers are not known or the outcome is not
/// fewer contacts.
///
/// The difference of the deciding estimator's fit, also where a ratio decides: both are of the same
/// adjusted rates.
pub fn joint_effect(e: &Experiment, analysis: &Analysis) -> Option<JointEffect> {
    let outcome = e.primary_outcome();
    if !by_customer(e) || outcome.kind != OutcomeKind::Count || outcome.better != Better::Lower {
        return None;
    }
    let decides = deciding(e, &analysis.estimates)?;
    let row = analysis.estimates.iter().find(|r| {
        r.outcome == outcome.name
            && r.estimator == decides.estimator
            && r.estimand == Estimand::Difference
    })?;
    let se = row.se.filter(|se| *se > 0.0)?;
    let control = analysis.levels.iter().find(|l| {
        l.outcome == outcome.name && Some(&l.arm) == e.arms.get(e.control()).map(|a| &a.name)
    })?;
    let per = Shown::of(e, outcome).days;
    let days = e.assignment.schedule.as_ref()?.block_days as usize * e.blocks().len();
    Some(JointEffect {
        arms: vec![row.arm.clone()],
        mean: vec![-row.value / per],
        cov: vec![vec![(se / per).powi(2)]],
        df: row.df,
        control_rate: control.mean / per,
        window_days: days as f64,
        minutes: None,
        every_reason: None,
        basis: Default::default(),
    })
}

/// Whether arms change from block to block.
fn switches(e: &Experiment) -> bool {
    let plan = e.assignment.schedule.as_ref();
    plan.is_some_and(|s| s.design == ScheduleKind::Switchback)
}
