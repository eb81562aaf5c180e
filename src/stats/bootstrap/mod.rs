//! Bootstrap within arm and stratum: difference and ratio, with BCa and percentile intervals.

mod bca;
mod clusters;
mod pools;

use crate::table::Comparison;
use crate::texts::text;

use super::count_data::exactly_countable;
use super::estimate::{Detail, Estimand, Estimate, Estimator, Refusal, Test};
use super::random::Stream;
use super::resampling::TIE;
use super::sample::{count, detail, number, observed, ratio_undefined, share, words};

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
    let resampled = Resampled::new(pools, draws, stream)?;
    count(&mut detail, "draws", u64::from(draws));
    let difference = resampled.of(Estimand::Difference);
    if difference.no_spread() {
        return Err(Refusal::new(text!("refusal-draws.all-alike")));
    }
    let mut found = vec![resampled.estimate(Estimand::Difference, &difference, test, &detail)];
    let observed = &resampled.observed;
    let undefined = ratio_undefined(observed.treatment, observed.control);
    match undefined.or_else(|| resampled.without_ratio()) {
        Some(why) => words(&mut found[0].detail, "ratio_undefined", why),
        None => {
            let ratio = resampled.of(Estimand::Ratio);
            found.push(resampled.estimate(Estimand::Ratio, &ratio, test, &detail));
        }
    }
    Ok(found)
}

/// The arms' means, and those of every draw.
struct Resampled<'a> {
    pools: &'a Pools,
    observed: Means,
    means: Vec<Means>,
}

impl<'a> Resampled<'a> {
    fn new(pools: &'a Pools, draws: u32, stream: &Stream) -> Result<Self, Refusal> {
        if draws == 0 {
            return Err(Refusal::new(text!("refusal-draws.no-draws")));
        }
        let observed = pools
            .observed()
            .ok_or_else(|| Refusal::new(pools.nothing_to_divide_by()))?;
        let means = pools.draw(draws, stream);
        match means.iter().filter(|m| m.is_none()).count() {
            0 => Ok(Resampled {
                pools,
                observed,
                means: means.into_iter().flatten().collect(),
            }),
            undefined => Err(Refusal::new(pools.nothing_in_draws(undefined, draws))),
        }
    }

    /// Why the draws have no ratio, if they have none.
    fn without_ratio(&self) -> Option<String> {
        let bad = |m: &&Means| m.treatment <= 0.0 || m.control <= 0.0;
        let without = self.means.iter().filter(bad).count();
        let draws = self.means.len();
        (without > 0).then(|| text!("refusal-draws.ratio-drawn", without, draws))
    }

    /// The statistic of an estimand, its draws in order.
    fn of(&self, estimand: Estimand) -> Sampled {
        let (treatment, control) = (self.observed.treatment, self.observed.control);
        let statistic = |m: &Means| match estimand {
            Estimand::Ratio => m.treatment / m.control,
            Estimand::Difference | Estimand::Probability => m.treatment - m.control,
        };
        let value = statistic(&self.observed);
        let mut draws: Vec<f64> = self.means.iter().map(statistic).collect();
        draws.sort_unstable_by(f64::total_cmp);
        // Of θ, where a unit is left out that changes an arm's mean.
        let changed = |arm: usize, change: f64| match (estimand, arm) {
            (Estimand::Ratio, 1) => change / control,
            (Estimand::Ratio, _) => -value * change / (control + change),
            (_, 1) => change,
            _ => -change,
        };
        Sampled {
            value,
            draws,
            tie: match estimand {
                Estimand::Ratio => TIE * value,
                _ => TIE * treatment.abs().max(control.abs()),
            },
            acceleration: self.pools.acceleration(changed),
        }
    }

    fn estimate(
        &self,
        estimand: Estimand,
        sampled: &Sampled,
        test: &Test,
        detail: &Detail,
    ) -> Estimate {
        let scale = |v: f64| match estimand {
            Estimand::Ratio => libm::log(v),
            _ => v,
        };
        let of_arm = |arm: fn(&Means) -> f64| variance(self.means.iter().map(|m| scale(arm(m))));
        let (treatment, control) = (of_arm(|m| m.treatment), of_arm(|m| m.control));
        let (n_treatment, n_control) = self.pools.customers;
        let mut estimate = Estimate {
            estimator: Estimator::Bootstrap,
            estimand,
            value: sampled.value,
            se: Some(variance(sampled.draws.iter().map(|d| scale(*d))).sqrt()),
            df: None,
            interval: None,
            p_value: None,
            n_treatment,
            n_control,
            control_share: share(control, treatment + control),
            detail: detail.clone(),
        };
        sampled.put_intervals(&mut estimate, test);
        estimate
    }
}

/// With n − 1.
fn variance(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    squares / (n - 1.0).max(1.0)
}
