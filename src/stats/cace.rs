//! The effect on those who take the intervention up: two-stage least squares.

use std::collections::BTreeMap;

use crate::table::{Cell, Comparison, Side, StratumId};
use crate::texts::text;

use super::dist::t_sf;
use super::estimate::{Alternative, DetailValue, Estimand, Estimate, Estimator, Refusal, Test};
use super::inference::Finding;
use super::ols::{Fit, Row, Variance};
use super::sample::{count, detail, name, number, observed, share, words};

/// First-stage F below which an instrument is called weak (Staiger & Stock 1997).
pub const WEAK_F: f64 = 10.0;

/// Variance of uptake, of its squared difference, that is rounding: one customer of a thousand million
/// who does otherwise has 1e-18, sums of shares in f64 leave 1e-30.
const NOISE: f64 = 1e-24;

/// Effect of uptake on the compliers: those who take the intervention up if assigned to it, and
/// not otherwise.
///
/// *Formula* — two-stage least squares of y on uptake, assignment the instrument, one intercept
/// a stratum: with z̃ the assignment less its mean in the stratum, β = Σz̃y/Σz̃d. HC2: residuals
/// y − βd − α_s, leverages of the second stage's regressors (fitted uptake and strata, which
/// span assignment and strata), t with n − p. The ratio is that of the compliers' means,
/// Σz̃yd/−Σz̃y(1 − d) (= 1 + β/their mean in control), by the delta method on the log with HC2,
/// same df; where there is none, `detail.ratio_undefined` of the difference says why.
/// `detail`: `first_stage` (the difference in uptake), `first_stage_f` (its robust t²),
/// `weak_instrument` (F < 10), `itt` with `itt_se` and `itt_control_share` (the difference by
/// assignment), `p_anderson_rubin` (its p: a test of β = 0 that holds however weak the
/// instrument), `uptake_treatment`, `uptake_control`, and the compliers' means.
///
/// Where no customer of control has a recorded uptake, nobody in control took the intervention up
/// (one-sided non-compliance: who is not sent the video cannot watch it), and
/// `detail.uptake_control_assumed` says so.
///
/// *Assumes* — assignment acts through uptake alone; nobody takes it up because he was not
/// assigned. Normal theory needs a strong instrument.
///
/// *Errors* — no recorded uptake; some customers of an arm without it (leaving them out would
/// compare other people); uptake no higher in treatment than in control; the stratum determines
/// the arm; too few customers.
///
/// *Source* — Imbens & Angrist (1994), Econometrica 62, 467-475; Angrist, Imbens & Rubin (1996),
/// JASA 91, 444-455; compliers' means: Abadie (2002), JASA 97, 284-292; Anderson & Rubin (1949);
/// Staiger & Stock (1997), Econometrica 65, 557-586; R estimatr `iv_robust(se_type = "HC2")`.
pub fn cace(c: &Comparison<'_>, test: &Test) -> Result<Vec<Estimate>, Refusal> {
    observed(c, 2)?;
    let assumed = recorded(c)?;
    let sample = Compliance::new(c);
    let taken = sample.fit(|u| u.uptake)?;
    let first_stage = taken.value;
    // A difference within the rounding of its sum is none.
    if first_stage <= 1e-12 {
        return Err(Refusal::new(text!(
            "refusal-uptake.no-first-stage",
            arm = name(c, &c.treatment),
            control = name(c, &c.control)
        )));
    }
    let by_assignment = sample.fit(|u| u.y)?;
    let effect = by_assignment.value / first_stage;
    let residual = sample.fit(|u| u.y - effect * u.uptake)?;
    if residual.df < 1.0 {
        return Err(Refusal::new(text!("refusal-adjusted.few-for-columns")));
    }
    // Without spread in either arm (everyone and nobody) the instrument could not be stronger, and
    // F has no value.
    let f = match taken.variance.total > NOISE * first_stage * first_stage {
        true => taken.value * taken.value / taken.variance.total,
        false => f64::INFINITY,
    };
    let mut detail = detail(c);
    number(&mut detail, "first_stage", first_stage);
    number(&mut detail, "first_stage_f", f);
    detail.insert("weak_instrument".into(), DetailValue::Flag(f < WEAK_F));
    number(&mut detail, "uptake_treatment", sample.uptake_share(true));
    number(&mut detail, "uptake_control", sample.uptake_share(false));
    if assumed {
        detail.insert("uptake_control_assumed".into(), DetailValue::Flag(true));
    }
    let itt_se = by_assignment.variance.total.sqrt();
    number(&mut detail, "itt", by_assignment.value);
    number(&mut detail, "itt_se", itt_se);
    if let Some(b) = share(by_assignment.variance.control, by_assignment.variance.total) {
        number(&mut detail, "itt_control_share", b);
    }
    if itt_se > 0.0 {
        let t = by_assignment.value / itt_se;
        let p = match test.alternative {
            Alternative::TwoSided => (2.0 * t_sf(t.abs(), Some(residual.df))).min(1.0),
            Alternative::Less => t_sf(-t, Some(residual.df)),
            Alternative::Greater => t_sf(t, Some(residual.df)),
        };
        number(&mut detail, "p_anderson_rubin", p);
    }
    count(&mut detail, "strata_used", sample.strata as u64);
    let with = sample.fit(|u| u.value * u.uptake)?.value / first_stage;
    let without = -sample.fit(|u| u.value * (1.0 - u.uptake))?.value / first_stage;
    number(&mut detail, "complier_mean_treatment", with);
    number(&mut detail, "complier_mean_control", without);
    let finding = |estimand, value, variance: Variance, detail| Finding {
        estimator: Estimator::Cace,
        estimand,
        value,
        se: variance.total.sqrt(),
        df: Some(residual.df),
        n_treatment: c.treatment.total.n,
        n_control: c.control.total.n,
        control_share: share(variance.control, variance.total),
        detail,
    };
    let scaled = Variance {
        total: residual.variance.total / (first_stage * first_stage),
        control: residual.variance.control / (first_stage * first_stage),
    };
    // Means within the rounding of their sums are none.
    let rounding = 1e-12 * sample.size / first_stage;
    if let Some(why) = undefined(with, without, rounding) {
        words(&mut detail, "ratio_undefined", why);
        let difference = finding(Estimand::Difference, effect, scaled, detail);
        return Ok(vec![difference.estimate(test)]);
    }
    let logs = sample.fit(|u| {
        let (t, k) = (u.value * u.uptake, u.value * (1.0 - u.uptake));
        (t / with + k / without) / first_stage
    })?;
    let ratio = finding(
        Estimand::Ratio,
        (with / without).ln(),
        logs.variance,
        detail.clone(),
    );
    let difference = finding(Estimand::Difference, effect, scaled, detail);
    Ok(vec![difference.estimate(test), ratio.estimate(test)])
}

/// Why the ratio of the compliers' means is undefined, if it is.
fn undefined(with: f64, without: f64, rounding: f64) -> Option<String> {
    if without <= rounding {
        Some(text!("refusal-uptake.ratio-control"))
    } else if with <= rounding {
        Some(text!("refusal-uptake.ratio-treatment"))
    } else {
        None
    }
}

/// Whether control's uptake is assumed to be none; refuses where uptake is not known.
fn recorded(c: &Comparison<'_>) -> Result<bool, Refusal> {
    let unknown = |side: &Side| -> (u64, u64) {
        let cells = c.cells();
        let cells = cells.filter(|cell| cell.arm == side.arm && cell.after.is_some());
        cells.fold((0, 0), |(known, not), cell| match cell.uptake {
            Some(_) => (known + cell.customers, not),
            None => (known, not + cell.customers),
        })
    };
    let (treatment, control) = (unknown(&c.treatment), unknown(&c.control));
    let missing =
        |side: &Side, n: u64| Refusal::new(text!("refusal-uptake.missing", n, arm = name(c, side)));
    match (treatment, control) {
        ((0, _), (0, _)) => Err(Refusal::new(text!("refusal-uptake.not-told"))),
        ((0, _), _) => Err(Refusal::new(text!(
            "refusal-uptake.control-alone",
            control = name(c, &c.control)
        ))),
        ((_, n), _) if n > 0 => Err(missing(&c.treatment, n)),
        (_, (0, _)) => Ok(true),
        (_, (_, n)) if n > 0 => Err(missing(&c.control, n)),
        _ => Ok(false),
    }
}

/// One customer as the stages see him.
#[derive(Clone, Copy)]
struct Unit {
    /// Outcome less an offset near its mean, which an intercept takes up.
    y: f64,
    /// Outcome.
    value: f64,
    /// 1 where the intervention was taken up.
    uptake: f64,
}

/// The observed customers of both arms.
struct Compliance {
    rows: Vec<(f64, usize, bool, Unit)>,
    strata: usize,
    /// Mean of │y│.
    size: f64,
}

/// The coefficient of assignment in a regression on assignment and strata.
struct ByAssignment {
    value: f64,
    variance: Variance,
    df: f64,
}

impl Compliance {
    fn new(c: &Comparison<'_>) -> Self {
        let cells: Vec<&Cell> = c.cells().filter(|cell| cell.after.is_some()).collect();
        let mut ids: BTreeMap<StratumId, usize> = cells.iter().map(|c| (c.stratum, 0)).collect();
        for (index, place) in ids.values_mut().enumerate() {
            *place = index;
        }
        let n = i128::from(c.treatment.total.n) + i128::from(c.control.total.n);
        let offset = (c.treatment.total.y + c.control.total.y).div_euclid(n.max(1));
        let row = |cell: &&Cell| {
            let y = i128::from(cell.after.unwrap_or(0));
            let unit = Unit {
                y: (y - offset) as f64 * c.y_unit(),
                value: y as f64 * c.y_unit(),
                uptake: f64::from(u8::from(cell.uptake == Some(true))),
            };
            (
                cell.customers as f64,
                ids[&cell.stratum],
                c.treated(cell),
                unit,
            )
        };
        let rows: Vec<_> = cells.iter().map(row).collect();
        let size = rows.iter().map(|r| r.0 * r.3.value.abs()).sum::<f64>() / n.max(1) as f64;
        Compliance {
            rows,
            strata: ids.len(),
            size,
        }
    }

    fn uptake_share(&self, treated: bool) -> f64 {
        let arm = self.rows.iter().filter(|r| r.2 == treated);
        let (taken, all) = arm.fold((0.0, 0.0), |(t, a), r| (t + r.0 * r.3.uptake, a + r.0));
        taken / all
    }

    fn fit(&self, of: impl Fn(&Unit) -> f64) -> Result<ByAssignment, Refusal> {
        let row = |(n, group, treated, unit): &(f64, usize, bool, Unit)| Row {
            n: *n,
            y: of(unit),
            group: *group,
            treated: *treated,
            columns: [f64::from(u8::from(*treated))],
        };
        let rows: Vec<Row<1>> = self.rows.iter().map(row).collect();
        let fit = Fit::new(&rows, self.strata);
        if !fit.kept[0] {
            return Err(Refusal::new(text!("refusal-adjusted.stratum-is-arm")));
        }
        let weights = fit.weights(|_| 0.0, [1.0]);
        Ok(ByAssignment {
            value: fit.value(&weights),
            variance: fit.hc2(&weights)?,
            df: fit.df,
        })
    }
}
