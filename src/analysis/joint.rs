//! The primary estimates of all arms together: covariance, and contacts avoided per customer-day.

use crate::experiment::{Better, Business, Experiment, Outcome, OutcomeKind, Role};
use crate::stats::cluster::ratio_of_sums;
use crate::stats::{DetailValue, Estimand, Estimator};
use crate::table::{ArmId, Comparison, ContactTable, Evidence, Moments};

use super::clusters::ByCluster;
use super::estimates::capped_tables;
use super::looked::Looked;
use super::model::{
    Analysis, Basis, Covariance, EstimateRow, EveryReason, JointEffect, MinutesEffect,
};
use super::over_stages::RATE_SHARE;
use super::scale::{accrues, days_per_exposure, per_exposure, scale};
use crate::error::Result;

/// Rows of an outcome that decide, in the plan's order of arms.
fn deciding<'a>(
    outcome: &Outcome,
    estimates: impl IntoIterator<Item = &'a EstimateRow>,
) -> Vec<&'a EstimateRow> {
    estimates
        .into_iter()
        .filter(|e| e.primary && e.segment.is_none() && e.outcome == outcome.name)
        .collect()
}

/// Covariance of the primary estimates: se_j·se_k·b_j·b_k off the diagonal, since arms share only control.
pub fn covariance(experiment: &Experiment, estimates: &[EstimateRow]) -> Option<Covariance> {
    covariance_of(&deciding(experiment.primary_outcome(), estimates))
}

fn covariance_of(rows: &[&EstimateRow]) -> Option<Covariance> {
    let parts: Vec<(f64, f64)> = rows
        .iter()
        .map(|r| Some((r.se.filter(|se| se.is_finite())?, control_share(r)?)))
        .collect::<Option<_>>()?;
    if parts.is_empty() {
        return None;
    }
    let matrix = (0..parts.len())
        .map(|j| {
            (0..parts.len())
                .map(|k| {
                    let ((sj, bj), (sk, bk)) = (parts[j], parts[k]);
                    if j == k {
                        sj * sj
                    } else {
                        sj * sk * (bj * bk).sqrt()
                    }
                })
                .collect()
        })
        .collect();
    Some(covariance_with(rows, matrix))
}

/// A covariance of estimates with the name of their scale.
pub(super) fn covariance_with(rows: &[&EstimateRow], matrix: Vec<Vec<f64>>) -> Covariance {
    let scale = match rows.first().map(|r| r.estimand) {
        Some(Estimand::Ratio) => "log ratio",
        _ => "estimate",
    };
    Covariance {
        arms: rows.iter().map(|r| r.arm.clone()).collect(),
        scale: scale.into(),
        matrix,
    }
}

fn control_share(row: &EstimateRow) -> Option<f64> {
    match row.detail.get("control_share") {
        Some(DetailValue::Number(b)) => Some(*b),
        _ => None,
    }
}

/// Control's share of a variance as far as it is of the control rate in the data.
fn rate_share(row: &EstimateRow) -> Option<f64> {
    match row.detail.get(RATE_SHARE) {
        Some(DetailValue::Number(b)) => Some(*b),
        _ => control_share(row),
    }
}

/// The difference by assignment behind an effect on compliers: value, standard error, control's share.
fn by_assignment(row: &EstimateRow) -> Option<(f64, f64, f64)> {
    let get = |key: &str| match row.detail.get(key) {
        Some(DetailValue::Number(v)) => Some(*v),
        _ => None,
    };
    Some((get("itt")?, get("itt_se")?, get("itt_control_share")?))
}

/// Contacts avoided per customer-day, and with a cost per minute the minutes avoided; `None` where
/// the outcome is not contacts, or no window tells the days.
///
/// # Errors
/// Sums that exceed 127 bits.
pub fn joint_effect(
    experiment: &Experiment,
    evidence: &Evidence,
    analysis: &Analysis,
) -> Result<Option<JointEffect>> {
    if experiment.assignment.schedule.is_some() {
        return Ok(super::schedule::joint_effect(experiment, analysis));
    }
    let outcome = experiment.primary_outcome();
    if outcome.kind != OutcomeKind::Count || outcome.better != Better::Lower {
        return Ok(None);
    }
    let Some(contacts) = avoided(experiment, evidence, analysis, outcome)? else {
        return Ok(None);
    };
    let named = experiment
        .business
        .as_ref()
        .and_then(|b| b.handling_outcome.as_ref());
    let handling = named.and_then(|name| experiment.outcomes.iter().find(|o| &o.name == name));
    let minutes = match handling {
        Some(handling) => avoided(experiment, evidence, analysis, handling)?
            .filter(|seconds| seconds.arms == contacts.arms),
        None => None,
    };
    let of_minutes = |f: fn(&Basis) -> bool| minutes.as_ref().is_some_and(|m| f(&m.basis));
    let counted = experiment
        .business
        .as_ref()
        .and_then(|b| b.every_reason.as_ref());
    let counted = counted.and_then(|name| experiment.outcomes.iter().find(|o| &o.name == name));
    let every_reason = match counted {
        Some(outcome) => avoided(experiment, evidence, analysis, outcome)?
            .filter(|all| all.arms == contacts.arms && !all.basis.mixes_strata)
            // Of one stage alone it says nothing of a case of both.
            .filter(|all| !all.basis.second_stage_alone || contacts.basis.second_stage_alone)
            .map(|all| in_priced(all, outcome)),
        None => None,
    };
    let basis = Basis {
        mixes_strata: contacts.basis.mixes_strata || of_minutes(|b| b.mixes_strata),
        second_stage_alone: contacts.basis.second_stage_alone
            || of_minutes(|b| b.second_stage_alone),
        ..contacts.basis.clone()
    };
    Ok(Some(JointEffect {
        minutes: minutes.map(in_minutes),
        every_reason,
        basis,
        ..contacts
    }))
}

/// Contacts as they are, handling seconds as minutes.
fn in_priced(all: JointEffect, outcome: &Outcome) -> EveryReason {
    match outcome.kind {
        OutcomeKind::Count => EveryReason {
            mean: all.mean,
            cov: all.cov,
        },
        OutcomeKind::Mean | OutcomeKind::Proportion => {
            let MinutesEffect { mean, cov, .. } = in_minutes(all);
            EveryReason { mean, cov }
        }
    }
}

fn in_minutes(seconds: JointEffect) -> MinutesEffect {
    MinutesEffect {
        mean: seconds.mean.iter().map(|v| v / 60.0).collect(),
        cov: seconds
            .cov
            .iter()
            .map(|row| row.iter().map(|v| v / 3600.0).collect())
            .collect(),
        df: seconds.df,
        control_rate: seconds.control_rate / 60.0,
    }
}

/// What the arms avoid of an outcome per customer-day, jointly.
///
/// A difference is divided by its days; where exposure varies it is one of rates ([`behind_money`]). For a ratio r_k of the control rate λ₀,
/// avoided D_k = (1 − r_k)λ₀ by the joint delta method: control's part of
/// log r_k moves against λ₀, Cov(log r_k, λ₀) = −λ₀·b_k²·se_k².
///
/// # Errors
/// Sums that exceed 127 bits.
fn avoided(
    experiment: &Experiment,
    evidence: &Evidence,
    analysis: &Analysis,
    outcome: &Outcome,
) -> Result<Option<JointEffect>> {
    let place = experiment
        .outcomes
        .iter()
        .position(|o| o.name == outcome.name)
        .unwrap_or(0);
    let table = &capped_tables(experiment, evidence)?[place];
    let all: Vec<&EstimateRow> = analysis.estimates.iter().chain(&analysis.unshown).collect();
    let (rows, mut basis) = behind_money(experiment, outcome, table, &all);
    let (own, cov) = match &analysis.over_stages {
        None => (Vec::new(), covariance_of(&rows)),
        // Those that decide are of both stages already.
        Some(_) if rows.iter().all(|r| r.detail.contains_key("stage_weights")) => {
            let of_rows = |c: &&Covariance| rows.iter().map(|r| &r.arm).eq(&c.arms);
            (
                Vec::new(),
                analysis.covariance.as_ref().filter(of_rows).cloned(),
            )
        }
        Some(stages) => match stages.combined(&rows) {
            Some((rows, covariance)) => (rows, Some(covariance)),
            None => {
                basis.second_stage_alone = true;
                (Vec::new(), covariance_of(&rows))
            }
        },
    };
    let rows: Vec<&EstimateRow> = match own.is_empty() {
        true => rows,
        false => own.iter().collect(),
    };
    let looked = Looked::at(&deciding(experiment.primary_outcome(), all), &rows);
    looked.note(&rows, &mut basis);
    let (Some(cov), Some(days)) = (cov, days_per_exposure(experiment, table)) else {
        return Ok(None);
    };
    let control = ArmId(experiment.control() as u16);
    let side = Comparison::new(table, control, control)?.control.total;
    let e_unit = crate::table::Decimals::unit(table.decimals().exposure);
    let y_unit = crate::table::Decimals::unit(table.decimals().after);
    let customer_days = side.e as f64 * e_unit * days;
    if side.n < 2 || customer_days <= 0.0 {
        return Ok(None);
    }
    let n = side.n as f64;
    let window_days = customer_days / n;
    let rate = side.y as f64 * y_unit / customer_days;
    let by_cluster = ByCluster::of(experiment, &evidence.outcomes[place], outcome.cap);
    let of_clusters = by_cluster.and_then(|b| b.table()).and_then(|clusters| {
        let rows = clusters.of_arm(control).filter(|r| r.totals.n > 0);
        ratio_of_sums(rows.map(|r| {
            let (y, e) = (
                r.totals.y as f64 * y_unit,
                r.totals.e as f64 * e_unit * days,
            );
            (r.clusters, y, e)
        }))
    });
    let rate_variance = if let Some((_, variance)) = of_clusters {
        variance
    } else {
        let yy = Moments::centred(side.n, side.y, side.y, side.yy) * y_unit * y_unit;
        let ee = Moments::centred(side.n, side.e, side.e, side.ee) * (e_unit * days).powi(2);
        let ey = Moments::centred(side.n, side.e, side.y, side.ey) * y_unit * e_unit * days;
        (yy - 2.0 * rate * ey + rate * rate * ee).max(0.0) / (n - 1.0) * n
            / (customer_days * customer_days)
    };
    let (mean, matrix) = match rows[0].estimand {
        // Money is about everyone who gets the intervention, not about those who take it up.
        _ if rows[0].estimator == Estimator::Cace => {
            let shown = scale(experiment, outcome, table);
            let Some(parts) = rows
                .iter()
                .map(|r| by_assignment(r))
                .collect::<Option<Vec<_>>>()
            else {
                return Ok(None);
            };
            // Rows of ratios keep their details per customer over the window.
            let factor = match rows[0].estimand {
                Estimand::Difference => shown.window,
                _ => 1.0,
            };
            let per = factor * window_days;
            let entry = |j: usize, k: usize| {
                let ((_, sj, bj), (_, sk, bk)) = (parts[j], parts[k]);
                let shared = if j == k { 1.0 } else { (bj * bk).sqrt() };
                sj * sk * shared * looked.width(j, k) / (per * per)
            };
            let m = (0..parts.len())
                .map(|j| (0..parts.len()).map(|k| entry(j, k)).collect())
                .collect();
            let moved = parts.iter().zip(&looked.shifts);
            (moved.map(|(p, z)| -(p.0 + z * p.1) / per).collect(), m)
        }
        Estimand::Difference => {
            let shown = scale(experiment, outcome, table);
            let per = if rows[0].unit == shown.rate_unit {
                shown.rate_days
            } else {
                shown.window * window_days
            };
            let values = looked.values(&rows);
            let entry = |j: usize, k: usize| cov.matrix[j][k] * looked.width(j, k) / (per * per);
            let m = (0..rows.len())
                .map(|j| (0..rows.len()).map(|k| entry(j, k)).collect())
                .collect();
            (values.iter().map(|v| -v / per).collect(), m)
        }
        Estimand::Ratio => {
            let ratio = looked.values(&rows);
            // Cov(log r_k, λ₀) by arm.
            let with_rate: Vec<f64> = rows
                .iter()
                .enumerate()
                .map(|(k, r)| {
                    let variance = r.se.unwrap_or(0.0).powi(2) * looked.width(k, k);
                    -rate * rate_share(r).unwrap_or(0.0) * variance
                })
                .collect();
            let entry = |j: usize, k: usize| {
                ratio[j] * ratio[k] * rate * rate * cov.matrix[j][k] * looked.width(j, k)
                    - ratio[j] * rate * (1.0 - ratio[k]) * with_rate[j]
                    - ratio[k] * rate * (1.0 - ratio[j]) * with_rate[k]
                    + (1.0 - ratio[j]) * (1.0 - ratio[k]) * rate_variance
            };
            let m = (0..rows.len())
                .map(|j| (0..rows.len()).map(|k| entry(j, k)).collect())
                .collect();
            (ratio.iter().map(|r| (1.0 - r) * rate).collect(), m)
        }
        Estimand::Probability => return Ok(None),
    };
    let df = rows.iter().filter_map(|r| r.df).reduce(f64::min);
    Ok(Some(JointEffect {
        arms: cov.arms,
        mean,
        cov: matrix,
        df,
        control_rate: rate,
        window_days,
        minutes: None,
        every_reason: None,
        basis,
    }))
}

/// The estimates that money is made of: those that decide, but where exposure varies and they
/// compare totals per customer, those of `rate` of the same data, so that every effect is one per
/// customer-day, Σy/Σe by arm.
fn behind_money<'a>(
    experiment: &Experiment,
    outcome: &Outcome,
    table: &ContactTable,
    estimates: &[&'a EstimateRow],
) -> (Vec<&'a EstimateRow>, Basis) {
    let rows = deciding(outcome, estimates.iter().copied());
    let varying = table.constant_exposure().is_none() && accrues(experiment, outcome);
    let total = |r: &&&EstimateRow| varying && !per_exposure(r.estimator);
    let Some(first) = rows.iter().find(total) else {
        // What the plan names is marked where it is biased; nobody chose the estimator of minutes.
        let by_rule = varying && outcome.role != Role::Primary;
        let basis = Basis {
            mixes_strata: by_rule && rows.iter().any(mixes_strata),
            ..Basis::default()
        };
        return (rows, basis);
    };
    let rates = |estimand: Estimand| -> Vec<&EstimateRow> {
        let of_all = estimates.iter().copied().filter(|r| {
            r.outcome == outcome.name
                && r.segment.is_none()
                && (r.estimator, r.estimand) == (Estimator::Rate, estimand)
        });
        of_all.collect()
    };
    let own = rates(first.estimand);
    let rates = match own.len() == rows.len() {
        true => own,
        false => rates(Estimand::Difference),
    };
    let basis = Basis {
        instead_of: Some(first.estimator),
        mixes_strata: rates.iter().any(mixes_strata),
        ..Basis::default()
    };
    match rates.len() == rows.len() {
        true => (rates, basis),
        false => (Vec::new(), basis),
    }
}

/// Whether money may need a row that a look before the end does not show: of handling time, or of
/// contacts per customer-day.
pub fn is_of_money(experiment: &Experiment, row: &EstimateRow) -> bool {
    let business = experiment.business.as_ref();
    let named =
        |pick: fn(&Business) -> Option<&String>| business.and_then(pick) == Some(&row.outcome);
    let handling = named(|b| b.handling_outcome.as_ref()) || named(|b| b.every_reason.as_ref());
    let primary = row.outcome == experiment.primary_outcome().name;
    let rate = row.estimator == Estimator::Rate && (handling || primary);
    row.segment.is_none() && (rate || (handling && row.primary))
}

/// Whether a rate puts together strata that the arms share unequally.
fn mixes_strata(row: &&EstimateRow) -> bool {
    row.estimator == Estimator::Rate && row.detail.contains_key("biased")
}
