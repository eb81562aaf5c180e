//! Regression adjustment: ANCOVA and Lin's interacted estimator, both with HC2.
//!
//! Covariates are the before count and, where the plan has any, the strata.
//! Customers without a before period stay in, with x := 0 and an indicator
//!//! column.

use std::collections::BTreeMap;

use crate::table::{Cell, Comparison, StratumId};
use crate::texts::text;

use super::estimate::{Detail, Estimand, Estimate, Estimator, Refusal, Test};
use super::inference::Finding;
use super::ols::{Fit, Row, Variance};
use super::sample::{count, detail, number, observed, ratio_undefined, share, words};

/// Difference adjusted by least squares with common slopes.
///
/// *Formula* — OLS y ~ arm + x (+ strata), HC2, t with n − p.
///
/// *Assumes* — independent customers. The difference is consistent even if the
/// model is wrong, but with unequal arms it can be less precise than no
/// adjustment (Freedman 2008); `lin` cannot.
///
/// *Errors* — nothing to adjust for; the arm is determined by the stratum; too
/// few customers for n − p ≥ 1 or for HC2.
///
/// *Source* — MacKinnon & White (1985), J. Econometrics 29, HC2; R estimatr `lm_robust`.
pub fn ancova(c: &Comparison<'_>, test: &Test) -> Result<Vec<Estimate>, Refusal> {
    let design = Design::new(c, 1)?;
    let rows = design.rows(|u| (u.stratum, [f64::from(u8::from(u.treated)), u.x, u.without]));
    let fit = Fit::new(&rows, design.strata.len());
    if !fit.kept[0] {
        return Err(Refusal::new(text!("refusal-adjusted.stratum-is-arm")));
    }
    let weights = fit.weights(|_| 0.0, [1.0, 0.0, 0.0]);
    let variance = fit.hc2(&weights)?;
    let dropped = design.aliased([fit.kept[1], fit.kept[2]], [true, true]);
    let finding = design.finding(
        Estimator::Ancova,
        Estimand::Difference,
        fit.value(&weights),
        variance,
        fit.df,
        dropped,
    )?;
    Ok(vec![finding.estimate(test)])
}

/// Difference and ratio of adjusted means, every covariate interacted with the arm.
///
/// *Formula* — OLS y ~ arm × centred (x, strata), HC2, t with n − p; centred on
/// the customers of both arms, which counts as known. The ratio is that of the
/// adjusted means, by the delta method on the log, same df; where there is none,
/// `detail.ratio_undefined` of the difference says why. Strata with fewer than
/// two customers in an arm are dropped, as in `stratified`. Where an arm cannot
/// tell its own slope (a constant before value, fewer than two customers
/// without a before period), it takes the other arm's: the interaction is
/// dropped, as R's `lm` drops an aliased column, and `detail.columns_dropped`
/// names it. One customer alone without a before period is left out.
///
/// *Assumes* — independent customers, nothing about the model: with
/// assignment at random it is consistent and asymptotically never less precise
/// than the plain difference.
///
/// *Errors* — nothing to adjust for; too few customers for n − p ≥ 1 or for HC2.
///
/// *Source* — Lin (2013), Annals of Applied Statistics 7, 295-318; R estimatr `lm_lin`.
pub fn lin(c: &Comparison<'_>, test: &Test) -> Result<Vec<Estimate>, Refusal> {
    let design = Design::new(c, 2)?;
    let own = if design.without.iter().all(|n| *n >= 2) {
        1.0
    } else {
        0.0
    };
    let rows = design.rows(|u| {
        let t = f64::from(u8::from(u.treated));
        let group = 2 * u.stratum + usize::from(u.treated);
        (group, [u.x, u.without, t * u.x, own * t * u.without])
    });
    let fit = Fit::new(&rows, 2 * design.strata.len());
    let n = design.customers();
    let centre = |column: usize| rows.iter().map(|r| r.n * r.columns[column]).sum::<f64>() / n;
    let (x, without) = (centre(0), centre(1));
    let adjusted = |arm: usize| {
        let in_arm = |g: usize| f64::from(u8::from(g % 2 == arm));
        let a = |g: usize| in_arm(g) * design.strata[g / 2].iter().sum::<u64>() as f64 / n;
        let t = arm as f64;
        fit.weights(a, [x, without, t * x, own * t * without])
    };
    let (treatment, control) = (adjusted(1), adjusted(0));
    let combined = |t: f64, k: f64| -> Vec<f64> {
        let pairs = treatment.iter().zip(&control);
        pairs.map(|(a, b)| t * a + k * b).collect()
    };
    let difference = combined(1.0, -1.0);
    let dropped = design.aliased([fit.kept[0], fit.kept[1]], [fit.kept[2], fit.kept[3]]);
    let make = |estimand, value, weights: &[f64]| {
        let variance = fit.hc2(weights)?;
        design.finding(
            Estimator::Lin,
            estimand,
            value,
            variance,
            fit.df,
            dropped.clone(),
        )
    };
    let mut finding = make(Estimand::Difference, fit.value(&difference), &difference)?;
    // A mean within the rounding of the terms of both is 0, and no ratio may stand on it: that of
    // an arm without contacts came out as 6e-35, of customers who are not its own.
    let size = design.y_offset.abs() + fit.size(&treatment) + fit.size(&control);
    let mean = |weights: &[f64]| {
        let mean = design.y_offset + fit.value(weights);
        let rounding = 1e-12 * size;
        if mean.abs() <= rounding { 0.0 } else { mean }
    };
    let means = (mean(&treatment), mean(&control));
    number(&mut finding.detail, "mean_treatment", means.0);
    number(&mut finding.detail, "mean_control", means.1);
    if let Some(why) = ratio_undefined(c, means.0, means.1) {
        words(&mut finding.detail, "ratio_undefined", why);
        return Ok(vec![finding.estimate(test)]);
    }
    let relative = combined(1.0 / means.0, -1.0 / means.1);
    let ratio = make(Estimand::Ratio, (means.0 / means.1).ln(), &relative)?;
    Ok(vec![finding.estimate(test), ratio.estimate(test)])
}

/// One customer as the designs see him.
struct Unit {
    treated: bool,
    /// Index among the strata used.
    stratum: usize,
    /// Before value less its offset; value 0 less the offset without a before period.
    x: f64,
    /// 1 without a before period.
    without: f64,
}

/// The customers of a regression.
struct Design<'a> {
    cells: Vec<(&'a Cell, Unit)>,
    /// [control, treatment] customers of each stratum used.
    strata: Vec<[u64; 2]>,
    strata_dropped: usize,
    /// [control, treatment] customers without a before period.
    without: [u64; 2],
    has_before: bool,
    left_out: u64,
    y_unit: f64,
    y_base: i64,
    /// What was taken off every y, in value.
    y_offset: f64,
    detail: Detail,
}

impl<'a> Design<'a> {
    /// Observed customers of the strata that have at least `least` in both arms;
    /// with `least` 1, of all strata.
    fn new(c: &Comparison<'a>, least: u64) -> Result<Self, Refusal> {
        observed(c, least)?;
        let all: Vec<&Cell> = c.cells().filter(|cell| cell.after.is_some()).collect();
        let has_before = all.iter().any(|cell| cell.before.is_some());
        let stratified = c.strata().len() > 1;
        if !has_before && !stratified {
            return Err(Refusal::new(text!("refusal-adjusted.nothing-to-adjust")));
        }
        let mut cells = all.clone();
        loop {
            let counts = by_stratum(c, &cells);
            let lone = has_before && {
                let without = cells.iter().filter(|cell| cell.before.is_none());
                without.map(|cell| cell.customers).sum::<u64>() == 1
            };
            let before = cells.len();
            cells.retain(|cell| {
                let enough = least < 2 || counts[&cell.stratum].iter().all(|n| *n >= least);
                enough && !(lone && cell.before.is_none())
            });
            if cells.len() == before {
                break;
            }
        }
        let strata = by_stratum(c, &cells);
        if strata.is_empty() {
            return Err(Refusal::new(if stratified {
                text!("refusal.no-stratum-of-both")
            } else {
                text!("refusal-adjusted.few-usable")
            }));
        }
        let customers: u64 = strata.values().flatten().sum();
        let mean = |of: &dyn Fn(&Cell) -> i128| {
            let sum: i128 = cells
                .iter()
                .map(|cell| i128::from(cell.customers) * of(cell))
                .sum();
            sum.div_euclid(i128::from(customers))
        };
        // Only an offset: any integer near the mean serves.
        let y_base = mean(&|cell| i128::from(cell.after.unwrap_or(0))) as i64;
        let x_base = mean(&|cell| cell.before.map_or(0, i128::from));
        let mut design = Design {
            cells: Vec::with_capacity(cells.len()),
            strata: strata.values().copied().collect(),
            strata_dropped: c.strata().len() - strata.len(),
            without: [0; 2],
            has_before,
            left_out: all.iter().map(|cell| cell.customers).sum::<u64>() - customers,
            y_unit: c.y_unit(),
            y_base,
            y_offset: y_base as f64 * c.y_unit(),
            detail: detail(c),
        };
        let index: BTreeMap<StratumId, usize> = strata.keys().copied().zip(0..).collect();
        for cell in cells {
            let treated = c.treated(cell);
            if cell.before.is_none() {
                design.without[usize::from(treated)] += cell.customers;
            }
            let unit = Unit {
                treated,
                stratum: index[&cell.stratum],
                x: (cell.before.map_or(0, i128::from) - x_base) as f64 * c.x_unit(),
                without: f64::from(u8::from(cell.before.is_none())),
            };
            design.cells.push((cell, unit));
        }
        Ok(design)
    }

    /// Rows of the regression, of each customer's group and columns.
    fn rows<const K: usize>(&self, of: impl Fn(&Unit) -> (usize, [f64; K])) -> Vec<Row<K>> {
        let row = |(cell, unit): &(&Cell, Unit)| {
            let (group, columns) = of(unit);
            let y = i128::from(cell.after.unwrap_or(0)) - i128::from(self.y_base);
            Row {
                n: cell.customers as f64,
                y: y as f64 * self.y_unit,
                group,
                treated: unit.treated,
                columns,
            }
        };
        self.cells.iter().map(row).collect()
    }

    fn customers(&self) -> f64 {
        self.strata.iter().flatten().sum::<u64>() as f64
    }

    /// Names of the columns, (before, without before), that could not be kept.
    fn aliased(&self, main: [bool; 2], interaction: [bool; 2]) -> Vec<&'static str> {
        let mut names = Vec::new();
        if self.has_before {
            match (main[0], interaction[0]) {
                (false, _) => names.push("before"),
                (true, false) => names.push("arm x before"),
                (true, true) => {}
            }
            match (main[1], interaction[1]) {
                _ if self.without == [0, 0] => {}
                (false, _) => names.push("without before"),
                (true, false) => names.push("arm x without before"),
                (true, true) => {}
            }
        }
        names
    }

    fn finding(
        &self,
        estimator: Estimator,
        estimand: Estimand,
        value: f64,
        variance: Variance,
        df: f64,
        dropped: Vec<&str>,
    ) -> Result<Finding, Refusal> {
        if df < 1.0 {
            return Err(Refusal::new(text!("refusal-adjusted.few-for-columns")));
        }
        let arm = |k: usize| self.strata.iter().map(|n| n[k]).sum::<u64>();
        let mut detail = self.detail.clone();
        count(&mut detail, "n_used", arm(0) + arm(1));
        if self.left_out > 0 {
            count(&mut detail, "n_left_out", self.left_out);
        }
        if self.has_before && self.without != [0, 0] {
            count(&mut detail, "n_without_before", self.without.iter().sum());
        }
        if self.strata.len() + self.strata_dropped > 1 {
            count(&mut detail, "strata_used", self.strata.len() as u64);
            count(&mut detail, "strata_dropped", self.strata_dropped as u64);
        }
        if !dropped.is_empty() {
            words(&mut detail, "columns_dropped", dropped.join(", "));
        }
        Ok(Finding {
            estimator,
            estimand,
            value,
            se: variance.total.sqrt(),
            df: Some(df),
            n_treatment: arm(1),
            n_control: arm(0),
            control_share: share(variance.control, variance.total),
            detail,
        })
    }
}

/// [control, treatment] customers by stratum.
fn by_stratum(c: &Comparison<'_>, cells: &[&Cell]) -> BTreeMap<StratumId, [u64; 2]> {
    let mut counts: BTreeMap<StratumId, [u64; 2]> = BTreeMap::new();
    for cell in cells {
        counts.entry(cell.stratum).or_default()[usize::from(c.treated(cell))] += cell.customers;
    }
    counts
}
