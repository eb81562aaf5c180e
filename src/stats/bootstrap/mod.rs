//! Bootstrap within arm and stratum: difference and ratio, with BCa and percentile intervals.

mod bca;
mod clusters;
mod pools;

use crate::table::Comparison;

use super::count_data::exactly_countable;
use super::estimate::{Detail, Estimand, Estimate, Estimator, Refusal, Test};
use super::random::Stream;
use super::resampling::TIE;
use super::sample::{count, detail, number, observed, ratio_undefined, share, text};

use bca::Sampled;
pub use clusters::bootstrap_of_clusters;
use pools::{Means, Pools};

/// Bootstrap of the difference and ratio of two arms.
///
/// *Formula* — customers are drawn with replacement within arm × stratum, as
/// many as there are (multinomial over the distinct scores). Difference
/// μ_k − μ_0 and ratio μ_k/μ_0, with μ_a = Σ_s (N_s/N) ȳ_as, which is ȳ_a without
/// strata, so the value is that of `stratified`; where exposure varies μ_a =
/// Σy/Σe, as in `rate`. `interval` is BCa; `se` the standard deviation of the
/// draws, of their logarithms for the ratio. No p-value. Detail: `draws`,
/// `ci_percentile` (two-sided), `acceleration`, `bias_correction` z₀,
/// `extreme_order_statistics` where an end lies beyond all draws,
/// `bca_undefined` with the reason where there is no BCa interval,
/// `strata`, `strata_dropped`, and with the difference `ratio_undefined` with the reason where
/// there is no ratio.
///
/// *Why weighted by strata* — resampling within strata takes their sizes as
/// given. The plain means of arms that were not assigned in equal shares differ
/// by those sizes too, and an interval that takes them as given would stand,
/// narrow, around a biased value. With equal shares the two are the same.
///
/// *Units* — the outcome per customer, or per unit of exposure where exposure varies.
///
/// *Assumes* — independent customers, and enough of them that the sample stands
/// for the population: an interval from a dozen customers is too short. Unobserved customers are
/// left out. Without varying exposure, strata with fewer than two customers in an arm are dropped
/// and N recomputed.
///
/// # Errors
/// No draws; fewer than two customers in an arm, within a stratum; no exposure in an arm, or in
/// an arm of any draw; no spread; sums beyond 127 bits.
///
/// *Source* — Efron, B. and Tibshirani, R. (1993), An Introduction to the
/// Bootstrap, §14.3 eq. 14.9-14.15; several samples: Davison, A. and Hinkley, D. (1997),
/// Bootstrap Methods and their Application, §5.3; scipy `bootstrap(method = "BCa")`.
pub fn bootstrap(
    c: &Comparison<'_>,
    test: &Test,
    draws: u32,
    stream: &Stream,
) -> Result<Vec<Estimate>, Refusal> {
    exactly_countable(c)?;
    observed(c, 2)?;
    let pools = Pools::of_customers(c)?;
    let mut found = estimates(&pools, test, draws, stream, detail(c), |t, k| {
        ratio_undefined(c, t, k)
    })?;
    for estimate in &mut found {
        count(&mut estimate.detail, "strata", pools.strata);
        count(&mut estimate.detail, "strata_dropped", pools.dropped);
    }
    Ok(found)
}

/// Difference, and ratio where there is one.
fn estimates(
    pools: &Pools,
    test: &Test,
    draws: u32,
    stream: &Stream,
    mut detail: Detail,
    ratio_undefined: impl Fn(f64, f64) -> Option<String>,
) -> Result<Vec<Estimate>, Refusal> {
    if draws == 0 {
        return Err(Refusal::new("no draws were asked for"));
    }
    let observed = pools
        .observed()
        .ok_or_else(|| Refusal::new(pools.nothing_to_divide_by()))?;
    let means = pools.draw(draws, stream);
    let undefined = means.iter().filter(|m| m.is_none()).count();
    if undefined > 0 {
        return Err(Refusal::new(format!(
            "in {undefined} of {draws} draws {}",
            pools.nothing_to_divide_by()
        )));
    }
    let means: Vec<Means> = means.into_iter().flatten().collect();
    count(&mut detail, "draws", u64::from(draws));
    let size = observed.treatment.abs().max(observed.control.abs());
    let mut difference = Sampled {
        value: observed.treatment - observed.control,
        draws: means.iter().map(|m| m.treatment - m.control).collect(),
        tie: TIE * size,
        acceleration: pools.acceleration(|arm, change| if arm == 1 { change } else { -change }),
    }
    .sorted();
    let control_share = |f: fn(f64) -> f64| {
        let of = |arm: fn(&Means) -> f64| variance(means.iter().map(|m| f(arm(m))));
        let (t, k) = (of(|m| m.treatment), of(|m| m.control));
        share(k, t + k)
    };
    if difference.no_spread() {
        return Err(Refusal::new(
            "within arm and stratum all are alike, so every draw is the sample itself",
        ));
    }
    let record = |estimand, sampled: &Sampled, se: f64, control_share| {
        let (n_treatment, n_control) = pools.customers;
        let mut estimate = Estimate {
            estimator: Estimator::Bootstrap,
            estimand,
            value: sampled.value,
            se: Some(se),
            df: None,
            interval: None,
            p_value: None,
            n_treatment,
            n_control,
            control_share,
            detail: detail.clone(),
        };
        sampled.put_intervals(&mut estimate, test);
        estimate
    };
    let se = variance(difference.draws.iter().copied()).sqrt();
    let mut found = vec![record(
        Estimand::Difference,
        &difference,
        se,
        control_share(|m| m),
    )];
    difference.draws.clear();
    let without = means
        .iter()
        .filter(|m| m.treatment <= 0.0 || m.control <= 0.0)
        .count();
    let why = ratio_undefined(observed.treatment, observed.control).or_else(|| {
        let why = format!(
            "in {without} of {draws} draws the mean of an arm is not above 0, so the ratio has no distribution"
        );
        (without > 0).then_some(why)
    });
    if let Some(why) = why {
        text(&mut found[0].detail, "ratio_undefined", why);
        return Ok(found);
    }
    let value = observed.treatment / observed.control;
    let ratio = Sampled {
        value,
        draws: means.iter().map(|m| m.treatment / m.control).collect(),
        tie: TIE * value,
        acceleration: pools.acceleration(|arm, change| {
            if arm == 1 {
                change / observed.control
            } else {
                -value * change / (observed.control + change)
            }
        }),
    }
    .sorted();
    let logs = ratio.draws.iter().map(|r| libm::log(*r));
    let se = variance(logs).sqrt();
    found.push(record(
        Estimand::Ratio,
        &ratio,
        se,
        control_share(libm::log),
    ));
    Ok(found)
}

/// With n − 1.
fn variance(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let n = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / n;
    let squares: f64 = values.map(|v| (v - mean) * (v - mean)).sum();
    squares / (n - 1.0).max(1.0)
}
