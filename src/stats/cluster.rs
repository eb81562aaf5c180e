//! Pilots that assigned whole clusters: least squares with CR2 from cluster totals.

mod cr2;
mod fit;
mod unit;

use std::collections::BTreeMap;

use crate::table::{ArmId, ClusterRow, ClusterTable, Comparison, Moments, Side, StratumId};
use crate::texts::text;

use super::estimate::{Detail, Estimand, Estimate, Estimator, Refusal, Test};
use super::inference::Finding;
use super::sample::{count, detail, name, number, observed, ratio_undefined, share, words};

use cr2::Variance;
use fit::{Contrast, Fit};
use unit::Unit;

/// Difference and ratio of whole clusters, standard errors robust to correlation within them.
///
/// *Formula* — least squares y ~ arm (+ strata) (+ before count and, where some customers have
/// none, an indicator of that with x := 0) over customers. Variance CR2 with the identity as
/// working model: Σ_g (c'M X_g'(I − X_g M X_g')^{−1/2} e_g)², M = (X'X)⁻¹; where x_g is the same
/// for all customers of a cluster this is Σ_g (c'M x_g)² r_g²/(1 − n_g x_g'M x_g), r_g the
/// cluster's residual sum. Satterthwaite df (tr Ω)²/tr Ω², Ω the working covariance of the
/// clusters' terms. Where exposure varies, weights e: Σe stands for n and the value is a rate
/// (Σy/Σe by arm), not adjusted for the before count, as in `rate`. Ratio: of the two adjusted
/// means, ȳ + (1 − p)b and ȳ − pb with p the treatment arm's share, by delta on the log, with the
/// difference's df. `detail`: `se_cr1s` (Stata's), `clusters_treatment`, `clusters_control`,
/// `cluster_size_mean`, `cluster_size_cv`, `icc` (analysis of variance within arms; can be
/// negative), `covariate`, and beside an adjusted estimate `value_unadjusted`,
/// `se_unadjusted`, `df_unadjusted`.
///
/// *Units* — the outcome per customer, or per unit of exposure where exposure varies.
///
/// *Assumes* — clusters independent of each other; a cluster in one arm and stratum. Cluster sizes
/// are not touched by the treatment: large clusters weigh more, as each customer counts once.
/// Strata without a cluster in both arms tell nothing of the difference and are left out.
///
/// *Errors* — an arm with fewer than two clusters that were observed; a cluster that is fitted
/// exactly, which CR2 would divide by 0.
///
/// *Source* — Bell & McCaffrey (2002), Survey Methodology 28, 169-181; Imbens & Kolesár (2016),
/// Rev. Econ. Stat. 98, 701-712; Pustejovsky & Tipton (2018), JBES 36, 672-683;
/// R clubSandwich `vcovCR(type = "CR2")`, `coef_test`. Intraclass correlation: Donner & Klar (2000), ch. 1.
pub fn cluster(
    c: &Comparison<'_>,
    clusters: &ClusterTable,
    test: &Test,
) -> Result<Vec<Estimate>, Refusal> {
    observed(c, 1)?;
    let rate = c.constant_exposure().is_none();
    let sample = Sample::new(c, clusters, rate)?;
    let plain = Fit::new(&sample.units, false)?;
    let adjusted = match sample.has_before && !rate {
        true => Some(Fit::new(&sample.units, true)?),
        false => None,
    };
    let fit = adjusted.as_ref().unwrap_or(&plain);
    let unit = if rate {
        c.y_unit() / c.e_unit()
    } else {
        c.y_unit()
    };
    let base = sample.y_base as f64;

    let mut shared = sample.detail(c);
    if fit.covariate() {
        words(&mut shared, "covariate", "before".into());
    } else if sample.has_before {
        let why = match rate {
            true => text!("refusal-clusters.covariate-exposure"),
            false => text!("refusal-clusters.covariate-same"),
        };
        words(&mut shared, "covariate", why);
    }
    let difference = fit.cr2(&fit.difference())?;
    let stata = |fit: &Fit<'_>, contrast: &Contrast| {
        let (g, n) = (sample.clusters() as f64, sample.customers() as f64);
        fit.cr0(contrast) * (g / (g - 1.0)) * ((n - 1.0) / (n - fit.parameters()))
    };
    let make = |estimand, value: f64, se: f64, share, stata: f64, mut detail: Detail| {
        number(&mut detail, "se_cr1s", stata);
        let n = sample.by_arm(|u| u.customers);
        Finding {
            estimator: Estimator::Cluster,
            estimand,
            value,
            se,
            df: difference.df,
            n_treatment: n[1],
            n_control: n[0],
            control_share: share,
            detail,
        }
        .estimate(test)
    };
    let mut own = shared.clone();
    if fit.covariate() {
        let unadjusted = plain.cr2(&plain.difference())?;
        let value = plain.value(&plain.difference());
        number(&mut own, "value_unadjusted", value * unit);
        number(&mut own, "se_unadjusted", unadjusted.variance.sqrt() * unit);
        if let Some(df) = unadjusted.df {
            number(&mut own, "df_unadjusted", df);
        }
    }
    let b = fit.value(&fit.difference());
    let means = fit.means(b);
    let means = (base + means.0, base + means.1);
    let keys = if rate {
        ["rate_treatment", "rate_control"]
    } else {
        ["mean_treatment", "mean_control"]
    };
    number(&mut own, keys[0], means.0 * unit);
    number(&mut own, keys[1], means.1 * unit);
    let relative = fit.relative(means);
    let undefined = ratio_undefined(c, near_zero(means.0, base, b), near_zero(means.1, base, b));
    let ratio = match undefined {
        Some(why) => Err(Refusal::new(why)),
        None => fit.cr2(&relative),
    };
    if let Err(Refusal { why }) = &ratio {
        words(&mut own, "ratio_undefined", why.clone());
    }
    let part = |v: &Variance| share(v.control, v.variance);
    let cr1s = stata(fit, &fit.difference()).max(0.0).sqrt() * unit;
    let mut estimates = vec![make(
        Estimand::Difference,
        b * unit,
        difference.variance.sqrt() * unit,
        part(&difference),
        cr1s,
        own,
    )];
    if let Ok(log) = ratio {
        estimates.push(make(
            Estimand::Ratio,
            (means.0 / means.1).ln(),
            log.variance.sqrt(),
            part(&log),
            stata(fit, &relative).max(0.0).sqrt(),
            shared,
        ));
    }
    Ok(estimates)
}

/// A mean within the rounding of its parts is 0, and no ratio may stand on it.
fn near_zero(mean: f64, base: f64, difference: f64) -> f64 {
    let parts = base.abs() + difference.abs();
    if mean.abs() <= 1e-12 * parts {
        0.0
    } else {
        mean
    }
}

/// Difference of mean exposure between the arms, by cluster: statistic, df and p; `None` where
/// there are too few clusters or no spread.
pub fn exposure(c: &Comparison<'_>, clusters: &ClusterTable) -> Option<(f64, f64, f64)> {
    let rows = |arm| clusters.of_arm(arm).filter(|r| r.totals.n > 0);
    let units = both(c, &rows, |r| {
        Unit::plain(r.totals.n as f64, r.totals.e as f64)
    })
    .ok()?;
    let fit = Fit::new(&units, false).ok()?;
    let found = fit.cr2(&fit.difference()).ok()?;
    let df = found.df?;
    if found.variance <= 0.0 {
        return None;
    }
    let t = fit.value(&fit.difference()) / found.variance.sqrt();
    Some((t, df, (2.0 * super::dist::t_sf(t.abs(), Some(df))).min(1.0)))
}

/// A mean or rate Σa/Σb of an arm with its cluster-robust variance; `None` with fewer than two clusters.
///
/// *Formula* — G/(G − 1) · Σ_g (a_g − R b_g)²/(Σb)², R = Σa/Σb.
///
/// *Source* — Cochran (1977), Sampling Techniques, ch. 9A; R survey `svyratio(~a, ~b, svydesign(~cluster))`.
pub fn ratio_of_sums(pairs: impl Iterator<Item = (u64, f64, f64)> + Clone) -> Option<(f64, f64)> {
    let (mut clusters, mut a, mut b) = (0.0, 0.0, 0.0);
    for (k, x, y) in pairs.clone() {
        let k = k as f64;
        clusters += k;
        a += k * x;
        b += k * y;
    }
    if clusters < 2.0 || b <= 0.0 {
        return None;
    }
    let r = a / b;
    let squares: f64 = pairs.map(|(k, x, y)| k as f64 * (x - r * y).powi(2)).sum();
    Some((r, clusters / (clusters - 1.0) * squares / (b * b)))
}

/// The clusters of a comparison that count.
struct Sample {
    units: Vec<Unit>,
    has_before: bool,
    strata: usize,
    strata_dropped: usize,
    left_out: u64,
    /// Taken off every customer's outcome, fixed-point.
    y_base: i128,
    icc: Option<f64>,
}

impl Sample {
    fn new(c: &Comparison<'_>, clusters: &ClusterTable, rate: bool) -> Result<Self, Refusal> {
        let counts = |r: &&ClusterRow| r.totals.n > 0 && (!rate || r.totals.e > 0);
        let rows = |arm| clusters.of_arm(arm).filter(counts);
        let all = || rows(c.control.arm).chain(rows(c.treatment.arm));
        let customers: i128 = all().map(|r| i128::from(r.totals.n * r.clusters)).sum();
        let mean = |of: fn(&ClusterRow) -> i128, n: i128| -> Result<i128, Refusal> {
            let mut sum = 0i128;
            for row in all() {
                let term = of(row).checked_mul(i128::from(row.clusters));
                let next = term.and_then(|t| sum.checked_add(t));
                sum = next.ok_or_else(too_large)?;
            }
            Ok(sum.div_euclid(n.max(1)))
        };
        let with: i128 = all()
            .map(|r| i128::from(r.totals.with_before * r.clusters))
            .sum();
        let y_base = if rate {
            0
        } else {
            mean(|r| r.totals.y, customers)?
        };
        let x_base = mean(|r| r.totals.x, with)?;
        let units = both(c, &rows, |r| {
            if rate {
                return Unit::plain(r.totals.e as f64, r.totals.y as f64);
            }
            Unit::shifted(&r.totals, x_base, y_base)
        })?;
        let (units, dropped, left_out) = in_both_arms(units);
        let mut sample = Sample {
            strata: units.iter().map(|u| u.stratum + 1).max().unwrap_or(0),
            strata_dropped: dropped,
            left_out,
            has_before: with > 0,
            units,
            y_base,
            icc: None,
        };
        for (arm, side) in [&c.control, &c.treatment].into_iter().enumerate() {
            let n = sample.by_arm(|u| u.clusters)[arm];
            if n < 2 {
                let arm = name(c, side);
                return Err(Refusal::new(match n {
                    0 => text!("refusal-clusters.none-usable", arm),
                    _ => text!("refusal-clusters.one-usable", arm),
                }));
            }
        }
        if !rate && dropped == 0 {
            sample.icc = sample.intraclass(c);
        }
        Ok(sample)
    }

    fn by_arm(&self, of: impl Fn(&Unit) -> u64) -> [u64; 2] {
        let mut sums = [0; 2];
        for u in &self.units {
            sums[usize::from(u.treated)] += of(u);
        }
        sums
    }

    fn clusters(&self) -> u64 {
        self.by_arm(|u| u.clusters).iter().sum()
    }

    fn customers(&self) -> u64 {
        self.by_arm(|u| u.customers).iter().sum()
    }

    fn detail(&self, c: &Comparison<'_>) -> Detail {
        let mut detail = detail(c);
        let clusters = self.by_arm(|u| u.clusters);
        count(&mut detail, "clusters_control", clusters[0]);
        count(&mut detail, "clusters_treatment", clusters[1]);
        let (g, n) = (self.clusters() as f64, self.customers() as f64);
        let mean = n / g;
        let squares: f64 = self
            .units
            .iter()
            .map(|u| u.clusters as f64 * (u.size as f64 - mean).powi(2))
            .sum();
        number(&mut detail, "cluster_size_mean", mean);
        number(
            &mut detail,
            "cluster_size_cv",
            (squares / (g - 1.0)).sqrt() / mean,
        );
        if let Some(icc) = self.icc {
            number(&mut detail, "icc", icc);
        }
        if self.left_out > 0 {
            count(&mut detail, "n_left_out", self.left_out);
        }
        if self.strata + self.strata_dropped > 1 {
            count(&mut detail, "strata_used", self.strata as u64);
            count(&mut detail, "strata_dropped", self.strata_dropped as u64);
        }
        detail
    }

    /// Intraclass correlation by analysis of variance, arms apart.
    fn intraclass(&self, c: &Comparison<'_>) -> Option<f64> {
        let squares = |side: &Side| {
            // Σ(y − base)² of all customers, exact but for the last step.
            let m = &side.total;
            let centred = Moments::centred(m.n, m.y, m.y, m.yy);
            let off = m.y.checked_sub(self.y_base.checked_mul(i128::from(m.n))?)? as f64;
            Some(centred + off * off / m.n.max(1) as f64)
        };
        let total: f64 = squares(&c.control)? + squares(&c.treatment)?;
        let (g, n) = (self.clusters() as f64, self.customers() as f64);
        let (mut of_clusters, mut of_arms, mut sizes) = (0.0, 0.0, 0.0);
        for arm in [false, true] {
            let units = || self.units.iter().filter(|u| u.treated == arm);
            let (mut y, mut w, mut ww) = (0.0, 0.0, 0.0);
            for u in units() {
                let k = u.clusters as f64;
                of_clusters += k * u.y * u.y / u.weight;
                y += k * u.y;
                w += k * u.weight;
                ww += k * u.weight * u.weight;
            }
            of_arms += y * y / w;
            sizes += ww / w;
        }
        let (between, within) = (g - 2.0, n - g);
        if between < 1.0 || within < 1.0 {
            return None;
        }
        let msb = (of_clusters - of_arms) / between;
        let msw = ((total - of_clusters) / within).max(0.0);
        let m = (n - sizes) / between;
        let whole = msb + (m - 1.0) * msw;
        (whole > 0.0).then(|| (msb - msw) / whole)
    }
}

/// Clusters of both arms with their stratum's number.
fn both<'r, I: Iterator<Item = &'r ClusterRow>>(
    c: &Comparison<'_>,
    rows: &dyn Fn(ArmId) -> I,
    of: impl Fn(&ClusterRow) -> Option<Unit>,
) -> Result<Vec<Unit>, Refusal> {
    let mut units = Vec::new();
    let numbers: BTreeMap<StratumId, usize> = c.strata().into_iter().zip(0..).collect();
    for (side, treated) in [(&c.control, false), (&c.treatment, true)] {
        for row in rows(side.arm) {
            let unit = of(row).ok_or_else(too_large)?;
            units.push(Unit {
                treated,
                stratum: numbers.get(&row.stratum).copied().unwrap_or(0),
                clusters: row.clusters,
                customers: row.totals.n * row.clusters,
                size: row.totals.n,
                ..unit
            });
        }
    }
    Ok(units)
}

/// Units of the strata that have a cluster in both arms, renumbered; the strata dropped and
/// their customers.
fn in_both_arms(mut units: Vec<Unit>) -> (Vec<Unit>, usize, u64) {
    let mut strata: BTreeMap<usize, [bool; 2]> = BTreeMap::new();
    for u in &units {
        strata.entry(u.stratum).or_default()[usize::from(u.treated)] = true;
    }
    let used: BTreeMap<usize, usize> = strata
        .iter()
        .filter(|(_, arms)| **arms == [true, true])
        .map(|(s, _)| *s)
        .zip(0..)
        .collect();
    let mut left_out = 0;
    units.retain_mut(|u| match used.get(&u.stratum) {
        Some(number) => {
            u.stratum = *number;
            true
        }
        None => {
            left_out += u.customers;
            false
        }
    });
    (units, strata.len() - used.len(), left_out)
}

fn too_large() -> Refusal {
    Refusal::new(text!("refusal-clusters.too-large"))
}
