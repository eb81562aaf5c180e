//! Customers, effect and power: any one from the other two.

mod criterion;
mod model;
mod question;
pub mod schedule;
mod simulate;

use serde::{Deserialize, Serialize};

use super::estimate::Refusal;
use criterion::Criterion;
use model::Model;
use question::{MOST_CUSTOMERS, check, check_effect};

pub use question::{Family, Looks, Method, Question, adjusts_for_before};

/// One look of a group-sequential design.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Boundary {
    /// Number of the look, from 1.
    pub look: u32,
    /// Information fraction.
    pub information: f64,
    /// Critical z.
    pub z: f64,
    /// Its p-value, on the number of sides asked.
    pub nominal_p: f64,
    /// Error rate spent up to this look.
    pub spent: f64,
}

/// The answer, as `pilot power --json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Customers by arm, control first, whole.
    pub n_per_arm: Vec<u64>,
    /// The same before rounding.
    pub n_per_arm_exact: Vec<f64>,
    /// Sum of `n_per_arm`.
    pub n_total: u64,
    /// Power of the weakest comparison at `n_per_arm_exact`: of the reduction asked, or
    /// (customers without reduction) of the smallest reduction.
    pub power: f64,
    /// Share of simulated pilots, of `n_per_arm` customers, that find it; `None` where not simulated.
    pub power_simulated: Option<f64>,
    /// Smallest reduction found with the power asked; `None` where no reduction below 1 is.
    pub smallest_reduction: Option<f64>,
    /// Factor by which looks enlarge the pilot; `None` without looks.
    pub inflation: Option<f64>,
    /// The looks; empty without.
    pub boundaries: Vec<Boundary>,
    /// Critical z of one comparison; with looks, at the last.
    pub critical_value: f64,
    /// `nb` or `means`.
    pub method: String,
    /// Monte-Carlo standard error of `power_simulated`.
    pub power_simulated_se: Option<f64>,
    /// Simulated pilots.
    pub replicates: u32,
    /// Why nothing was simulated, where it was asked for.
    pub not_simulated: Option<String>,
    /// Exposure at which the given customers find the reduction with the power asked; `None`
    /// where customers or reduction are not given, or none suffices.
    pub exposure_needed: Option<f64>,
    /// Days until all have arrived; `None` without arrivals.
    pub enrolment_days: Option<u64>,
}

/// Customers, power and smallest reduction.
///
/// *Formula* — per control customer, with μ = `rate` (control), μ_k = μ·ratio,
/// ratio = 1 − `uptake`·`reduction`, w = weight of arm k over control:
/// - `nb`: effect log(`margin`/ratio), V = (1/μ + 1/(w μ_k))/`exposure` + φ(1 + w)/w;
/// - `means`: effect `margin`·m − m_k, V = `margin`²·σ² + σ_k²/w with m = μ·`exposure`, σ² = m + φm².
///
/// n_0 = (z_crit + z_power)² V/effect² · U·D/(1 − `attrition`) and n_k = n_0·w_k/w_0, with U of
/// [`Question::unexplained`] and D of [`Question::design_effect`]. Power is of the
/// comparison with the smallest arm. The far tail is ignored. z_crit is z_{1 − α/sides}, or
/// Dunnett's with ρ_jk = b_j b_k, b² = n_k/(n_k + n_0), or at α over the treatments. With looks
/// (z_crit + z_power) becomes the drift of [`crate::stats::sequential::Design::drift`], at α
/// over the treatments; they fall at the same shares of the customers.
/// Given customers are shared out by weight, by largest remainder.
///
/// The smallest reduction is the root nearest the margin: power of `nb` falls again as the
/// ratio nears 0, since no contacts mean no information on their rate.
///
/// `power_simulated` draws up to `replicates` pilots and tests each as the plan would; see
/// `simulate`. A comparison counts when significant in the direction asked.
///
/// *Assumes* — large samples: Wald sizes for `nb` are slightly too small (Tang et al. 2020).
///
/// *Source* — Zhu & Lakkis (2014), method 1 (V0 = V1); margin: Friede & Schmidli (2010);
/// ρ²: Borm et al. (2007); clusters: Eldridge et al. (2006); Dunnett (1955).
///
/// # Errors
/// A value out of its range, nothing asked, or an effect that no number of customers finds.
pub fn answer(q: &Question) -> Result<Answer, Refusal> {
    check(q)?;
    let sized = Sized::new(q)?;
    let exact_total = exact_total(q, &sized)?;
    let n_per_arm_exact: Vec<f64> = sized.shares.iter().map(|s| s * exact_total).collect();
    let n_per_arm = match q.customers {
        Some(n) => share_out(n, &sized.shares)?,
        None => n_per_arm_exact.iter().map(|&n| round_up(n)).collect(),
    };
    let root_n = sized.root(exact_total);
    let drift = q.power.map(|p| sized.criterion.drift(p)).transpose()?;
    let smallest_ratio = drift.and_then(|d| sized.model.ratio_of(d / root_n));
    let power = match sized.effect {
        Some((_, signal)) => sized.criterion.power(signal * root_n)?,
        None => q
            .power
            .ok_or_else(|| Refusal::new("give the reduction or the power beside the customers"))?,
    };
    let inflation = match q.power {
        Some(power) => sized.criterion.inflation(power)?,
        None => None,
    };
    let ratio = sized.effect.map(|e| e.0).or(smallest_ratio);
    let simulated = simulate::power(q, ratio, &sized.criterion, &n_per_arm);
    let (found, not_simulated) = match simulated {
        Ok(found) => (found, None),
        Err(refusal) => (None, Some(refusal.why)),
    };
    let n_total: u64 = n_per_arm.iter().sum();
    let exposure_needed = match (q.customers, sized.effect, drift) {
        (Some(_), Some((ratio, _)), Some(drift)) => {
            let per_customer = sized.root(exact_total) / drift;
            sized.model.exposure_of(ratio, per_customer)
        }
        _ => None,
    };
    Ok(Answer {
        n_per_arm,
        n_per_arm_exact,
        n_total,
        power,
        power_simulated: found.map(|f| f.share),
        smallest_reduction: smallest_ratio
            .map(|r| (1.0 - r) / q.uptake)
            .filter(|&reduction| reduction < 1.0),
        inflation,
        critical_value: sized.criterion.critical,
        boundaries: sized.criterion.boundaries,
        method: q.method.name().into(),
        power_simulated_se: found.map(|f| f.se),
        replicates: found.map_or(0, |f| f.replicates),
        not_simulated,
        exposure_needed,
        enrolment_days: q.arrivals.map(|a| (n_total as f64 / a).ceil() as u64),
    })
}

/// The formula's power at each (customers of all arms, reduction); `None` for a reduction that
/// cannot be asked for. For charts.
///
/// # Errors
/// As [`answer`], for all but the reduction.
pub fn powers(q: &Question, points: &[(f64, f64)]) -> Result<Vec<Option<f64>>, Refusal> {
    check(q)?;
    let sized = Sized::new(q)?;
    let at = |&(customers, reduction): &(f64, f64)| {
        let ratio = check_effect(q, reduction).ok()?;
        let drift = sized.model.signal(ratio) * sized.root(customers);
        sized.criterion.power(drift).ok()
    };
    Ok(points.iter().map(at).collect())
}

/// What a question comes to.
struct Sized {
    model: Model,
    criterion: Criterion,
    /// Arms' shares of all customers, control first.
    shares: Vec<f64>,
    /// Ratio as assigned, and its expected z per effective control customer.
    effect: Option<(f64, f64)>,
}

impl Sized {
    fn new(q: &Question) -> Result<Self, Refusal> {
        let model = Model::new(q);
        let total: f64 = q.weights.iter().sum();
        let effect = q
            .reduction
            .map(|r| check_effect(q, r).map(|ratio| (ratio, model.signal(ratio))))
            .transpose()?;
        Ok(Sized {
            criterion: Criterion::new(q)?,
            shares: q.weights.iter().map(|w| w / total).collect(),
            effect,
            model,
        })
    }

    /// √ of the effective control customers among `customers` of all arms.
    fn root(&self, customers: f64) -> f64 {
        (customers * self.model.information(self.shares[0])).sqrt()
    }
}

/// Customers of all arms, given or needed.
fn exact_total(q: &Question, sized: &Sized) -> Result<f64, Refusal> {
    let exact = match (q.customers, sized.effect, q.power) {
        (Some(n), _, _) => n as f64,
        (None, Some((_, signal)), Some(power)) => {
            let drift = sized.criterion.drift(power)?;
            if drift <= 0.0 {
                return Err(Refusal::new(format!(
                    "the power, {power}, must exceed the error rate of one comparison: \
                     chance alone finds as much"
                )));
            }
            (drift / signal).powi(2) / sized.model.information(sized.shares[0])
        }
        (None, Some(_), None) => {
            return Err(Refusal::new(
                "give the power, to learn how many customers, or the customers, to learn the power",
            ));
        }
        (None, None, _) => {
            return Err(Refusal::new(
                "give the reduction, to learn how many customers, or the customers, to learn the \
                 smallest reduction they can find",
            ));
        }
    };
    if exact > MOST_CUSTOMERS {
        return Err(Refusal::new(
            "this effect is so small that it needs more than 10^15 customers",
        ));
    }
    Ok(exact)
}

/// Rounds up, but for what only rounding put above a whole number.
fn round_up(n: f64) -> u64 {
    (n * (1.0 - 1e-12)).ceil() as u64
}

/// Whole customers by share, by largest remainder; ties go to the earlier arm.
fn share_out(total: u64, shares: &[f64]) -> Result<Vec<u64>, Refusal> {
    let mut n: Vec<u64> = shares
        .iter()
        .map(|s| (s * total as f64).floor() as u64)
        .collect();
    let mut order: Vec<usize> = (0..shares.len()).collect();
    let remainder = |k: usize| (shares[k] * total as f64).fract();
    order.sort_by(|&a, &b| remainder(b).total_cmp(&remainder(a)));
    let mut left = total.saturating_sub(n.iter().sum());
    for &k in order.iter().cycle() {
        if left == 0 {
            break;
        }
        n[k] += 1;
        left -= 1;
    }
    if n.iter().any(|&n| n < 2) {
        return Err(Refusal::new(format!(
            "{total} {} too few: each arm needs at least 2",
            if total == 1 {
                "customer is"
            } else {
                "customers are"
            }
        )));
    }
    Ok(n)
}

#[cfg(test)]
mod tests;
