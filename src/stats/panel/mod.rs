//! Regions that had each arm for a while: least squares with effects of regions and blocks, CR2.

mod effects;
mod fit;
mod studentised;

use crate::texts::text;

use super::dist::t_sf;
use super::estimate::{Detail, Estimand, Estimate, Estimator, Refusal, Test};
use super::inference::Finding;
use super::sample::{count, number, words};

use fit::Fit;
pub(crate) use studentised::{Column, Studentised};

/// A region's block of days.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Region.
    pub region: usize,
    /// Block of days.
    pub block: usize,
    /// Whether the region had the treatment.
    pub treated: bool,
    /// Customer-days or region-days, above 0.
    pub exposure: f64,
    /// Contacts.
    pub y: f64,
}

/// Difference and ratio of rates between treated and control blocks.
///
/// *Formula* — y/e = region + block + δ·treated, weighted by exposure e; with one region
/// y/e = constant + δ·treated. Variance CR2 with working variance 1/e: with x̃ = √e·x and
/// H = X̃(X̃'X̃)⁻¹X̃', Σ_g (q_g'(I − H_gg)^{−1/2} ẽ_g)², where δ = q'ỹ and g runs over regions (over
/// blocks where there is one region: then it is HC2); the square root is of the Moore-Penrose
/// inverse, since effects of regions leave I − H_gg singular. Satterthwaite df (tr Ω)²/tr Ω²,
/// Ω the working covariance of the terms. Ratio: of the adjusted rates ȳ + (1 − p)δ and ȳ − pδ, ȳ
/// the overall rate and p the treated share of exposure, by delta on the log, with the
/// difference's df. Where exposure is the number of customers this is least squares over
/// customer-days with every customer-day's residual of the same working variance.
///
/// *Units* — contacts per unit of exposure.
///
/// *Assumes* — regions independent of each other (blocks, where there is one region); an effect
/// that is gone when a block's washout is over; effects of blocks common to all regions.
///
/// *Errors* — fewer than two rows of an arm; treatment that regions and blocks explain.
///
/// *Source* — Hussey & Hughes (2007), Contemp. Clin. Trials 28, 182-191, eq. 1 (the mean model);
/// Bell & McCaffrey (2002), Survey Methodology 28, 169-181; Pustejovsky & Tipton (2018), JBES 36,
/// 672-683, eq. 6 and 11; R clubSandwich `vcovCR(type = "CR2")` of the columns times √e, `coef_test`.
pub fn panel(rows: &[Row], test: &Test) -> Result<Vec<Estimate>, Refusal> {
    let (treated, control) = both_arms(rows)?;
    let fit = Fit::new(rows, &[treatment(rows)])?;
    let difference = fit.variance(&fit.coefficient());
    let delta = fit.value(&fit.coefficient());
    let sum = |f: &dyn Fn(&Row) -> f64| rows.iter().map(f).sum::<f64>();
    let exposure = sum(&|r| r.exposure);
    let overall = sum(&|r| r.y) / exposure;
    let share = sum(&|r| if r.treated { r.exposure } else { 0.0 }) / exposure;
    let means = (overall + (1.0 - share) * delta, overall - share * delta);
    let mut detail = Detail::new();
    count(&mut detail, "regions", distinct(rows, |r| r.region));
    count(&mut detail, "blocks", distinct(rows, |r| r.block));
    words(
        &mut detail,
        "effects",
        if fit.several() {
            "regions and blocks".into()
        } else {
            "none".into()
        },
    );
    let make = |estimand, value, se: f64, detail: Detail| {
        Finding {
            estimator: Estimator::Cluster,
            estimand,
            value,
            se,
            df: difference.df,
            n_treatment: treated,
            n_control: control,
            control_share: None,
            detail,
        }
        .estimate(test)
    };
    let mut own = detail.clone();
    number(&mut own, "rate_treatment", means.0);
    number(&mut own, "rate_control", means.1);
    let positive = means.0 > 1e-12 * overall && means.1 > 1e-12 * overall;
    if !positive {
        let why = text!("refusal-regions.no-ratio");
        words(&mut own, "ratio_undefined", why);
    }
    let mut found = vec![make(
        Estimand::Difference,
        delta,
        difference.variance.sqrt(),
        own,
    )];
    if positive {
        let relative = fit.mean_and_coefficient(
            1.0 / means.0 - 1.0 / means.1,
            (1.0 - share) / means.0 + share / means.1,
        );
        let se = fit.variance(&relative).variance.sqrt();
        let ratio = (means.0 / means.1).ln();
        found.push(make(Estimand::Ratio, ratio, se, detail));
    }
    Ok(found)
}

/// Whether the block before still has its effect: t, df and two-sided p of the arm of the block
/// before, beside the arm itself, in the model of [`panel`].
///
/// `before(region, block)` says whether the region had the treatment in the block before; a
/// region's first block is left out. `None` where the two cannot be told apart or there is no spread.
pub fn carry_over(rows: &[Row], before: impl Fn(usize, usize) -> bool) -> Option<(f64, f64, f64)> {
    let later: Vec<Row> = rows.iter().filter(|r| r.block > 0).copied().collect();
    both_arms(&later).ok()?;
    let lag = |r: &Row| f64::from(u8::from(before(r.region, r.block)));
    let lags = later.iter().map(lag).collect();
    let fit = Fit::new(&later, &[treatment(&later), lags]).ok()?;
    let found = fit.variance(&fit.coefficient());
    let df = found.df?;
    if found.variance <= 0.0 {
        return None;
    }
    let t = fit.value(&fit.coefficient()) / found.variance.sqrt();
    Some((t, df, (2.0 * t_sf(t.abs(), Some(df))).min(1.0)))
}

/// z'z of the treatment without effects of regions and blocks, and the degrees of freedom of its
/// CR2 error; neither depends on the contacts.
///
/// # Errors
/// As [`panel`].
pub(crate) fn information(rows: &[Row]) -> Result<(f64, f64), Refusal> {
    both_arms(rows)?;
    let fit = Fit::new(rows, &[treatment(rows)])?;
    let df = fit.variance(&fit.coefficient()).df;
    let df = df.ok_or_else(|| Refusal::new("the error has no degrees of freedom"))?;
    Ok((fit.length() * fit.length(), df))
}

/// Rows of treatment and control, at least two each.
pub(crate) fn both_arms(rows: &[Row]) -> Result<(u64, u64), Refusal> {
    let treated = rows.iter().filter(|r| r.treated).count() as u64;
    let control = rows.len() as u64 - treated;
    if treated < 2 {
        let why = text!("refusal-regions.few-of-treatment", n = treated);
        return Err(Refusal::new(why));
    }
    if control < 2 {
        return Err(Refusal::new(text!(
            "refusal-regions.few-of-control",
            n = control
        )));
    }
    Ok((treated, control))
}

fn treatment(rows: &[Row]) -> Vec<f64> {
    rows.iter()
        .map(|r| f64::from(u8::from(r.treated)))
        .collect()
}

fn distinct(rows: &[Row], of: impl Fn(&Row) -> usize) -> u64 {
    let mut all: Vec<usize> = rows.iter().map(of).collect();
    all.sort_unstable();
    all.dedup();
    all.len() as u64
}
