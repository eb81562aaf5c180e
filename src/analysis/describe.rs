//! What the arms look like: balance, levels before and after, contacts per customer.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::experiment::{BeforeKind, Experiment, Outcome, OutcomeKind};
use crate::stats::dist::normal_isf;
use crate::table::{ArmId, Comparison, ContactTable, Decimals, Evidence, Moments, Side};
use crate::texts::text;

use super::clusters::ByCluster;
use super::model::{BalanceRow, DistributionRow, LevelRow};
use super::scale::{accrues, before_windows, scale};
use super::segments::smaller_groups;
use super::small::{arm_is_small, is_small};
use super::unit::Unit;

/// Most bins of a distribution.
const BINS: i64 = 12;

/// Before values and strata of each treatment arm against control: of all who were assigned, also
/// those whose outcome is missing, and as they were, whatever the cap. None of an arm with fewer
/// customers than the plan's `min_cell`.
///
/// # Errors
/// Sums that exceed 127 bits.
pub fn balance<'a>(
    experiment: &Experiment,
    tables: impl IntoIterator<Item = (&'a Outcome, &'a ContactTable)>,
) -> Result<Vec<BalanceRow>> {
    let tables: Vec<_> = tables.into_iter().collect();
    let mut rows = Vec::new();
    let control = ArmId(experiment.control() as u16);
    for arm in experiment.treatments() {
        let name = &experiment.arms[arm].name;
        if tables.iter().any(|t| arm_is_small(experiment, t.1, arm)) {
            continue;
        }
        let arm = ArmId(arm as u16);
        for (i, (outcome, table)) in tables.iter().enumerate() {
            let least = experiment.min_cell;
            rows.extend(before_balance(outcome, table, name, [arm, control], least));
            if i == 0 {
                let c = Comparison::new(table, arm, control)?;
                rows.extend(strata_balance(&c, name, experiment.min_cell));
            }
        }
    }
    Ok(rows)
}

fn before_balance(
    outcome: &Outcome,
    table: &ContactTable,
    arm: &str,
    arms: [ArmId; 2],
    min_cell: u64,
) -> Option<BalanceRow> {
    let unit = Decimals::unit(table.decimals().before);
    let part = |arm: ArmId| {
        let (mut n, mut x, mut xx) = (0u64, 0i128, 0i128);
        for cell in table.cells().iter().filter(|c| c.arm == arm) {
            let Some(before) = cell.before.map(i128::from) else {
                continue;
            };
            let customers = i128::from(cell.customers);
            n = n.checked_add(cell.customers)?;
            x = x.checked_add(before.checked_mul(customers)?)?;
            let square = before.checked_mul(before)?;
            xx = xx.checked_add(square.checked_mul(customers)?)?;
        }
        let of = n as f64;
        let variance = || Moments::centred(n, x, x, xx) * unit * unit / (of - 1.0);
        (n > 1 && !is_small(n, min_cell)).then(|| (x as f64 * unit / of, variance()))
    };
    let ((mean_arm, v1), (mean_control, v0)) = (part(arms[0])?, part(arms[1])?);
    let spread = ((v1 + v0) / 2.0).sqrt();
    Some(BalanceRow {
        covariate: text!("estimate.before", outcome = outcome.name),
        arm: arm.into(),
        mean_arm,
        mean_control,
        smd: (spread > 0.0).then(|| (mean_arm - mean_control) / spread),
    })
}

fn strata_balance(c: &Comparison<'_>, arm: &str, min_cell: u64) -> Vec<BalanceRow> {
    let strata = c.table().strata();
    if strata.len() < 2 {
        return Vec::new();
    }
    let customers = |side: &Side| -> BTreeMap<_, u64> {
        side.strata
            .iter()
            .map(|(s, m)| (*s, m.n + m.missing))
            .collect()
    };
    let (t, k) = (customers(&c.treatment), customers(&c.control));
    let (nt, nk) = (
        t.values().sum::<u64>() as f64,
        k.values().sum::<u64>() as f64,
    );
    if nt == 0.0 || nk == 0.0 {
        return Vec::new();
    }
    let column = strata.columns().join(" / ");
    let of = |m: &BTreeMap<_, u64>, s| m.get(&s).copied().unwrap_or(0);
    let mut groups: Vec<(String, u64, u64)> = c
        .strata()
        .into_iter()
        .map(|s| (strata.label(s), of(&t, s), of(&k, s)))
        .collect();
    merge_small(&mut groups, min_cell);
    groups
        .into_iter()
        .map(|(label, t, k)| {
            let (p1, p0) = (t as f64 / nt, k as f64 / nk);
            let spread = ((p1 * (1.0 - p1) + p0 * (1.0 - p0)) / 2.0).sqrt();
            BalanceRow {
                covariate: format!("{column} = {label}"),
                arm: arm.into(),
                mean_arm: p1,
                mean_control: p0,
                smd: (spread > 0.0).then(|| (p1 - p0) / spread),
            }
        })
        .collect()
}

/// Merges strata in which an arm has fewer customers than `min_cell`, but some, with the next
/// smallest, so that no count can be had by subtraction; nothing is left where all are one.
fn merge_small(groups: &mut Vec<(String, u64, u64)>, min_cell: u64) {
    let small = |g: &(String, u64, u64)| is_small(g.1, min_cell) || is_small(g.2, min_cell);
    let mut merged = (smaller_groups(), 0, 0);
    while let Some(next) = groups.iter().position(small).or_else(|| {
        let least = (0..groups.len()).min_by_key(|i| groups[*i].1.min(groups[*i].2));
        least.filter(|_| small(&merged))
    }) {
        let (_, t, k) = groups.remove(next);
        merged.1 += t;
        merged.2 += k;
    }
    if groups.is_empty() {
        return;
    }
    if merged.1 + merged.2 > 0 {
        groups.push(merged);
    }
}

/// Means before and after of every arm, on the scale of the differences.
///
/// Means of fewer customers than the plan's `min_cell` are left out. Where so few of an arm have no
/// outcome, its mean before is of those who have one, so that they cannot be had by subtraction.
///
/// Where exposure varies the mean after is the rate Σy/Σe and its interval the linearised one. In
/// clustered pilots the interval after allows for the clusters, and before there is none.
///
/// # Errors
/// Sums that exceed 127 bits.
pub fn levels(
    experiment: &Experiment,
    evidence: &Evidence,
    tables: &[ContactTable],
) -> Result<Vec<LevelRow>> {
    let mut rows = Vec::new();
    let z = normal_isf(experiment.analysis.alpha / 2.0);
    for (outcome, table) in experiment.outcomes.iter().zip(tables) {
        let shown = scale(experiment, outcome, table);
        let varying = table.constant_exposure().is_none() && accrues(experiment, outcome);
        let found = evidence.outcomes.iter().find(|e| e.outcome == outcome.name);
        let by_cluster = found.and_then(|e| ByCluster::of(experiment, e, outcome.cap));
        for arm in 0..experiment.arms.len() {
            let id = ArmId(arm as u16);
            let side = Comparison::new(table, id, id)?.control;
            let name = &experiment.arms[arm].name;
            if outcome.before_kind == BeforeKind::Count
                && outcome.kind == OutcomeKind::Count
                && let Some((mean, se, n, total)) = before_level(experiment, table, id)
            {
                let se = se.filter(|_| by_cluster.is_none());
                let factor = if varying { shown.rate } else { shown.window };
                let unit = if varying {
                    &shown.rate_unit
                } else {
                    &shown.window_unit
                };
                rows.push(level(
                    outcome,
                    name,
                    "before",
                    n,
                    total,
                    (mean * factor, se.map(|s| s * factor)),
                    z,
                    unit,
                ));
            }
            let (value, n, total) = after_level(table, &side.total, varying);
            if let Some((mean, se)) = value {
                let se = match by_cluster {
                    Some(by_cluster) => by_cluster.standard_error(table, id, varying),
                    None => se,
                };
                let (factor, unit) = if varying {
                    (shown.rate, &shown.rate_unit)
                } else {
                    (shown.window, &shown.window_unit)
                };
                rows.push(level(
                    outcome,
                    name,
                    "after",
                    n,
                    total,
                    (mean * factor, se.map(|s| s * factor)),
                    z,
                    unit,
                ));
            }
        }
    }
    rows.retain(|r| !is_small(r.n, experiment.min_cell));
    Ok(rows)
}

#[allow(clippy::too_many_arguments)] // a row has as many columns
fn level(
    outcome: &Outcome,
    arm: &str,
    period: &str,
    n: u64,
    total: f64,
    (mean, se): (f64, Option<f64>),
    z: f64,
    unit: &Unit,
) -> LevelRow {
    LevelRow {
        outcome: outcome.name.clone(),
        arm: arm.into(),
        period: period.into(),
        n,
        total,
        mean,
        // Of contacts that nobody made the spread is unknown, not 0.
        ci_lower: se.filter(|_| total != 0.0).map(|s| mean - z * s),
        ci_upper: se.filter(|_| total != 0.0).map(|s| mean + z * s),
        unit: unit.clone(),
    }
}

fn mean_and_se(n: f64, sum: f64, squares: f64) -> (f64, Option<f64>) {
    (
        sum / n,
        (n > 1.0).then(|| (squares.max(0.0) / (n - 1.0) / n).sqrt()),
    )
}

type Level = (Option<(f64, Option<f64>)>, u64, f64);

fn after_level(table: &ContactTable, m: &Moments, varying: bool) -> Level {
    let (yu, eu) = (
        Decimals::unit(table.decimals().after),
        Decimals::unit(table.decimals().exposure),
    );
    let (n, total) = (m.n as f64, m.y as f64 * yu);
    if m.n == 0 {
        return (None, 0, 0.0);
    }
    let yy = Moments::centred(m.n, m.y, m.y, m.yy) * yu * yu;
    if !varying {
        return (Some(mean_and_se(n, total, yy)), m.n, total);
    }
    let exposure = m.e as f64 * eu;
    if exposure <= 0.0 {
        return (None, m.n, total);
    }
    let rate = total / exposure;
    let residual = yy - 2.0 * rate * Moments::centred(m.n, m.e, m.y, m.ey) * yu * eu
        + rate * rate * Moments::centred(m.n, m.e, m.e, m.ee) * eu * eu;
    let (_, se) = mean_and_se(n, total, residual);
    (Some((rate, se.map(|s| s * n / exposure))), m.n, total)
}

/// Mean before (of those `observed` after, if asked), with x·e/e_before where the windows differ in length; per unit of exposure where exposure varies.
fn before_level(
    experiment: &Experiment,
    table: &ContactTable,
    arm: ArmId,
) -> Option<(f64, Option<f64>, u64, f64)> {
    let windows = before_windows(experiment, table).unwrap_or(1.0);
    let d = table.decimals();
    let (xu, eu, bu) = (
        Decimals::unit(d.before),
        Decimals::unit(d.exposure),
        Decimals::unit(d.before_exposure),
    );
    let varying = table.constant_exposure().is_none();
    let (mut n, mut total, mut sum, mut squares) = (0u64, 0.0, 0.0, 0.0);
    for c in table.cells().iter().filter(|c| c.arm == arm) {
        let Some(x) = c.before else { continue };
        let (x, w) = (x as f64 * xu, c.customers as f64);
        let before = c.before_exposure as f64 * bu;
        let scaled = match (before > 0.0, varying) {
            (true, true) => x / before,
            (true, false) => x * (c.exposure as f64 * eu) / before,
            (false, true) => return None,
            (false, false) => x / windows,
        };
        n += c.customers;
        total += w * x;
        sum += w * scaled;
        squares += w * scaled * scaled;
    }
    if n == 0 {
        return None;
    }
    let (mean, se) = mean_and_se(n as f64, sum, squares - sum * sum / n as f64);
    Some((mean, se, n, total))
}

/// Customers by contacts in the after window, by arm; the same bins for every arm.
///
/// One bin a contact where 99 % of customers have fewer than [`BINS`]; else bins
/// of equal, round width for 95 % of customers. The last bin is open. Bins in which any arm has
/// fewer customers than the plan's `min_cell`, but some, are merged with their neighbour in all
/// arms alike, so that sums stay and no count can be had by subtraction; an arm that is itself
/// so small has no rows.
pub fn distribution(experiment: &Experiment, tables: &[ContactTable]) -> Vec<DistributionRow> {
    let mut rows = Vec::new();
    for (outcome, table) in experiment.outcomes.iter().zip(tables) {
        if outcome.kind != OutcomeKind::Count {
            continue;
        }
        let mut values: BTreeMap<i64, u64> = BTreeMap::new();
        for c in table.cells() {
            if let Some(y) = c.after {
                *values.entry(y).or_default() += c.customers;
            }
        }
        let (width, bins) = bins(&values);
        let mut arms: Vec<(&str, Vec<u64>)> = Vec::new();
        for (arm, info) in experiment.arms.iter().enumerate() {
            let mut counts = vec![0u64; bins as usize];
            for c in table.cells().iter().filter(|c| usize::from(c.arm.0) == arm) {
                if let Some(y) = c.after {
                    counts[(y / width).clamp(0, bins - 1) as usize] += c.customers;
                }
            }
            if !is_small(counts.iter().sum(), experiment.min_cell) {
                arms.push((&info.name, counts));
            }
        }
        let mut starts: Vec<i64> = (0..bins).collect();
        let mut bin = starts.len();
        while bin > 0 {
            bin -= 1;
            if starts.len() > 1 && arms.iter().any(|a| is_small(a.1[bin], experiment.min_cell)) {
                // Into the bin below; the lowest takes the one above, and is looked at again.
                let from = bin.max(1);
                starts.remove(from);
                for (_, counts) in &mut arms {
                    let moved = counts.remove(from);
                    counts[from - 1] += moved;
                }
                if bin == 0 {
                    bin = 1;
                }
            }
        }
        for (arm, counts) in arms {
            let n: u64 = counts.iter().sum();
            for (i, customers) in counts.into_iter().enumerate() {
                let to = starts.get(i + 1).map(|next| next * width - 1);
                rows.push(DistributionRow {
                    outcome: outcome.name.clone(),
                    arm: arm.into(),
                    from: (starts[i] * width) as f64,
                    to: to.map(|v| v as f64),
                    customers,
                    share: if n > 0 {
                        customers as f64 / n as f64
                    } else {
                        0.0
                    },
                });
            }
        }
    }
    rows
}

fn bins(values: &BTreeMap<i64, u64>) -> (i64, i64) {
    let n: u64 = values.values().sum();
    let quantile = |share: f64| {
        let mut seen = 0;
        values
            .iter()
            .find(|(_, customers)| {
                seen += *customers;
                seen as f64 >= share * n as f64
            })
            .map_or(0, |(y, _)| *y)
    };
    let largest = values.keys().next_back().copied().unwrap_or(0);
    if quantile(0.99) < BINS {
        return (1, (largest + 1).min(BINS));
    }
    // A few customers with very many would leave the others one bin: 95 % get all but the last.
    let needed = (quantile(0.95) + 1).div_euclid(BINS - 1).max(1);
    let width = (0..18)
        .flat_map(|power| [1, 2, 5].map(|step| step * 10i64.pow(power)))
        .find(|width| *width >= needed)
        .unwrap_or(needed);
    (width, (largest / width + 1).min(BINS))
}
