//! The effect week by week, whether it fades, and what finance assumes about that.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::experiment::{Data, Experiment, HalfLife, Outcome};
use crate::number::general;
use crate::stats::dist::t_isf;
use crate::stats::fade::{self, Decay, Fade};
use crate::stats::weekly::{WeekEffect, effects};
use crate::table::{ArmId, Evidence};
use crate::texts::text;

use super::checks::{check, not_run, whole_clusters};
use super::model::{Check, Status};
use super::scale::counted;
use super::small::{arm_is_small, is_small};
use super::unit::{Mean, Over, Unit, Whom};

/// p below which persistence warns, after Bonferroni over the arms: of a hundred pilots whose
/// effect lasts, one is doubted.
const WARNS: f64 = 0.01;
/// Average length of a month in weeks.
const WEEKS_PER_MONTH: f64 = super::scale::DAYS_PER_MONTH / 7.0;

/// Effects by week and what becomes of them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Weekly {
    /// Outcome, then arm, then week.
    pub rows: Vec<WeekRow>,
    /// Outcome, then arm.
    pub fades: Vec<FadeRow>,
}

/// The effect of one arm in one week of the customers' own after windows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WeekRow {
    /// Outcome's name.
    pub outcome: String,
    /// Treatment arm's name.
    pub arm: String,
    /// Control arm's name.
    pub control: String,
    /// Week, from 1.
    pub week: u32,
    /// Treatment customers observed through the week.
    pub n_arm: u64,
    /// Control customers observed through it.
    pub n_control: u64,
    /// Mean of the treatment arm.
    pub mean_arm: f64,
    /// Mean of control.
    pub mean_control: f64,
    /// Treatment − control.
    pub value: f64,
    /// Welch's standard error; `None` without spread.
    pub se: Option<f64>,
    /// Its degrees of freedom.
    pub df: Option<f64>,
    /// Interval, two-sided.
    pub ci_lower: Option<f64>,
    /// Interval.
    pub ci_upper: Option<f64>,
    /// 1 − alpha.
    pub level: f64,
    /// What the fitted decay gives for the week; `None` where none could be fitted.
    pub fitted: Option<f64>,
    /// Unit of means and value.
    pub unit: Unit,
}

/// How the effect of one arm develops over the weeks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FadeRow {
    /// Outcome's name.
    pub outcome: String,
    /// Treatment arm's name.
    pub arm: String,
    /// Whole weeks compared.
    pub weeks: u32,
    /// Effect if it is the same in every week.
    pub constant: Option<f64>,
    /// Its standard error.
    pub constant_se: Option<f64>,
    /// Change from a week to the next, as a straight line.
    pub trend: Option<f64>,
    /// Its standard error.
    pub trend_se: Option<f64>,
    /// trend/se.
    pub z: Option<f64>,
    /// Two-sided p-value of no trend.
    pub p_value: Option<f64>,
    /// Whether the trend makes the effect smaller.
    pub fading: Option<bool>,
    /// δ₀ of δ₀·2^(−w/half-life), the effect in the first week.
    pub start: Option<f64>,
    /// Its standard error.
    pub start_se: Option<f64>,
    /// Decay rate a week, log 2 over the half-life; negative where the effect grows.
    pub rate: Option<f64>,
    /// Its standard error.
    pub rate_se: Option<f64>,
    /// Half-life in weeks; `None` where the effect does not shrink.
    pub half_life_weeks: Option<f64>,
    /// Interval of the half-life; `None` is unbounded.
    pub half_life_lower: Option<f64>,
    /// Interval of the half-life; `None` is unbounded.
    pub half_life_upper: Option<f64>,
    /// 1 − alpha.
    pub level: f64,
    /// Unit of effects.
    pub unit: Unit,
    /// Why there is no trend or no decay.
    pub why: Option<String>,
}

/// Effects by week of every outcome whose weeks are known; `None` where no outcome's are, and where
/// whole clusters were assigned: their customers are not independent.
pub fn weekly(experiment: &Experiment, evidence: &Evidence) -> Option<Weekly> {
    if experiment.cluster_column().is_some() {
        return None;
    }
    let mut found = Weekly::default();
    for outcome in &experiment.outcomes {
        for arm in experiment.treatments() {
            let own = evidence.outcomes.iter().find(|e| e.outcome == outcome.name);
            if own.is_some_and(|e| arm_is_small(experiment, &e.table, arm)) {
                continue;
            }
            let Some((weeks, fit)) = of(experiment, evidence, outcome, arm) else {
                continue;
            };
            let fit = fit.as_ref();
            let decay = fit.ok().and_then(|f| f.decay.as_ref().ok());
            let why = match fit {
                Err(refusal) => Some(refusal.why.clone()),
                Ok(f) => f.decay.as_ref().err().map(|r| r.why.clone()),
            };
            let context = Context {
                experiment,
                outcome,
                arm: &experiment.arms[arm].name,
                level: 1.0 - experiment.analysis.alpha,
                unit: unit(experiment, outcome),
            };
            let rows = weeks.iter().enumerate();
            let shown = rows.filter(|(_, w)| w.n_treatment.min(w.n_control) >= experiment.min_cell);
            found
                .rows
                .extend(shown.map(|(i, week)| context.week(i, week, decay)));
            found
                .fades
                .push(context.fade(weeks.len(), fit.ok(), decay, why));
        }
    }
    let least = experiment.min_cell;
    let few = |r: &WeekRow| is_small(r.n_arm, least) || is_small(r.n_control, least);
    found.rows.retain(|r| !few(r));
    (!found.rows.is_empty()).then_some(found)
}

type Fitted = (Vec<WeekEffect>, Result<Fade, crate::stats::Refusal>);

/// An arm's weeks and their fit; `None` where the outcome's weeks are not known.
fn of(
    experiment: &Experiment,
    evidence: &Evidence,
    outcome: &Outcome,
    arm: usize,
) -> Option<Fitted> {
    let found = evidence
        .outcomes
        .iter()
        .find(|e| e.outcome == outcome.name)?;
    let control = ArmId(experiment.control() as u16);
    let effects = effects(found.weekly.as_ref()?, ArmId(arm as u16), control);
    let values: Vec<f64> = effects.weeks.iter().map(|w| w.value).collect();
    let fit = fade::fit(&values, &effects.covariance, experiment.analysis.alpha);
    Some((effects.weeks, fit))
}

fn unit(experiment: &Experiment, outcome: &Outcome) -> Unit {
    let (what, whom) = (counted(experiment, outcome), Whom::Customer);
    let over = Over::Week;
    Unit::Mean(Mean { what, whom, over })
}

struct Context<'a> {
    experiment: &'a Experiment,
    outcome: &'a Outcome,
    arm: &'a str,
    level: f64,
    unit: Unit,
}

impl Context<'_> {
    fn week(&self, week: usize, w: &WeekEffect, decay: Option<&Decay>) -> WeekRow {
        let reach = w.se.map(|se| t_isf((1.0 - self.level) / 2.0, w.df) * se);
        let control = self.experiment.control();
        WeekRow {
            outcome: self.outcome.name.clone(),
            arm: self.arm.into(),
            control: self.experiment.arms[control].name.clone(),
            week: week as u32 + 1,
            n_arm: w.n_treatment,
            n_control: w.n_control,
            mean_arm: w.mean_treatment,
            mean_control: w.mean_control,
            value: w.value,
            se: w.se,
            df: w.df,
            ci_lower: reach.map(|r| w.value - r),
            ci_upper: reach.map(|r| w.value + r),
            level: self.level,
            fitted: decay.map(|d| d.at(week as f64)),
            unit: self.unit.clone(),
        }
    }

    fn fade(
        &self,
        weeks: usize,
        fit: Option<&Fade>,
        decay: Option<&Decay>,
        why: Option<String>,
    ) -> FadeRow {
        FadeRow {
            outcome: self.outcome.name.clone(),
            arm: self.arm.into(),
            weeks: weeks as u32,
            constant: fit.map(|f| f.constant.0),
            constant_se: fit.map(|f| f.constant.1),
            trend: fit.map(|f| f.trend.0),
            trend_se: fit.map(|f| f.trend.1),
            z: fit.map(|f| f.z),
            p_value: fit.map(|f| f.p_value),
            fading: fit.map(|f| f.fading),
            start: decay.map(|d| d.start),
            start_se: decay.map(|d| d.start_se),
            rate: decay.map(|d| d.rate),
            rate_se: decay.map(|d| d.rate_se),
            half_life_weeks: decay.and_then(|d| d.half_life),
            half_life_lower: decay.and_then(|d| d.half_life_interval.lower),
            half_life_upper: decay.and_then(|d| d.half_life_interval.upper),
            level: self.level,
            unit: self.unit.clone(),
            why,
        }
    }
}

/// Does the primary outcome's effect last as long as finance assumes?
pub fn persistence(experiment: &Experiment, weekly: Option<&Weekly>) -> Check {
    let id = "persistence";
    let outcome = &experiment.primary_outcome().name;
    if experiment.cluster_column().is_some() {
        return not_run(id, whole_clusters());
    }
    let Some(weekly) = weekly.filter(|w| w.fades.iter().any(|f| &f.outcome == outcome)) else {
        return not_run(id, unknown(experiment));
    };
    let arms: Vec<&FadeRow> = weekly
        .fades
        .iter()
        .filter(|f| &f.outcome == outcome)
        .collect();
    let tested: Vec<(&FadeRow, f64)> = arms.iter().filter_map(|f| Some((*f, f.p_value?))).collect();
    let Some((row, p)) = tested.iter().min_by(|a, b| a.1.total_cmp(&b.1)).copied() else {
        let why = arms.iter().find_map(|f| f.why.clone());
        let why = why.unwrap_or_else(|| text!("check.persistence-no-weeks"));
        return not_run(id, why);
    };
    // Bonferroni over the treatment arms.
    let p = (p * tested.len() as f64).min(1.0);
    let assumed = experiment.business.as_ref().and_then(|b| b.half_life);
    let (status, detail) = if p >= WARNS {
        (Status::Ok, lasts(row.weeks, &arms))
    } else if row.fading == Some(true) {
        let fading = fading(row);
        match assumed {
            Some(HalfLife::None) => (Status::Warn, text!("check.persistence-contradicts", fading)),
            Some(HalfLife::Months(_)) => (Status::Info, text!("check.persistence-assumed", fading)),
            None => (Status::Info, text!("check.persistence-fades", fading)),
        }
    } else {
        (
            Status::Info,
            text!("check.persistence-grows", arm = row.arm),
        )
    };
    check(id, status, row.z, Some(p), detail)
}

/// Why there are no weeks.
fn unknown(experiment: &Experiment) -> String {
    match &experiment.data {
        Some(Data::Log { .. }) => text!("check.persistence-no-log-weeks"),
        Some(Data::Cells(_)) => text!("check.persistence-no-file"),
        _ => text!("check.persistence-unknown"),
    }
}

/// "The effect of "video" fades: half of it is lost in about 4.2 weeks (0.97 months; 95 % interval
/// 2.9 to 7.5 weeks)".
fn fading(row: &FadeRow) -> String {
    let Some(weeks) = row.half_life_weeks else {
        return text!("check.persistence-fading", arm = row.arm);
    };
    let range = match (row.half_life_lower, row.half_life_upper) {
        (Some(l), Some(u)) => text!("check.weeks-between", low = short(l), high = short(u)),
        (Some(l), None) => text!("check.weeks-least", low = short(l)),
        (None, Some(u)) => text!("check.weeks-most", high = short(u)),
        (None, None) => text!("check.weeks-unbounded"),
    };
    text!(
        "check.persistence-halving",
        arm = row.arm,
        weeks = short(weeks),
        months = short(weeks / WEEKS_PER_MONTH),
        level = general(row.level * 100.0),
        range
    )
}

/// That no change was seen, with the half-life that still fits in the arm that tells most.
fn lasts(weeks: u32, arms: &[&FadeRow]) -> String {
    let shown = arms.iter().filter(|f| {
        let clear = f.constant.zip(f.constant_se);
        clear.is_some_and(|(c, se)| c.abs() > 2.0 * se)
    });
    let lower = shown.filter_map(|f| f.half_life_lower).reduce(f64::max);
    match lower {
        Some(half) => text!(
            "check.persistence-lasts-but",
            weeks,
            half = short(half),
            months = short(half / WEEKS_PER_MONTH)
        ),
        None => text!("check.persistence-lasts", weeks),
    }
}

/// Two significant digits.
fn short(value: f64) -> String {
    if value >= 1000.0 {
        return text!("check.weeks-endless");
    }
    let decimals = (1.0 - value.abs().log10().floor()).clamp(0.0, 3.0);
    crate::number::fixed(value, decimals as i32)
}
