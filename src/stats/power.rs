//! Customers, effect and power: any one from the other two.

mod model;
mod simulate;

use serde::{Deserialize, Serialize};

use super::dist::{normal_cdf, normal_isf};
use super::dunnett::dunnett_critical;
use super::estimate::{Alternative, Refusal};
use model::Model;

/// Weights that differ by more than this are refused: such an arm says nothing.
const MOST_UNEVEN: f64 = 1e6;
/// More customers than this are refused; an f64 counts them exactly.
const MOST_CUSTOMERS: f64 = 1e15;

/// The test for which a pilot is sized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Wald test of the log rate ratio, negative binomial counts.
    Nb,
    /// Test of the difference in means of the counts (Welch).
    Means,
}

impl Method {
    /// The name in flags and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Method::Nb => "nb",
            Method::Means => "means",
        }
    }
}

/// What is asked; [`Default`] is `pilot power`'s, without rate and reduction.
///
/// `reduction` and `power` give customers; with `customers` given, `reduction` gives the
/// power, and `power` the smallest reduction.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The test.
    pub method: Method,
    /// Control's contacts per customer and unit of exposure; above 0.
    pub rate: f64,
    /// NB2 dispersion φ: variance = μ + φμ²; 0 is Poisson.
    pub dispersion: f64,
    /// 1 − treatment/control among those who take the intervention up; negative is an increase.
    pub reduction: Option<f64>,
    /// Error rate of the family of comparisons.
    pub alpha: f64,
    /// Power of one comparison.
    pub power: Option<f64>,
    /// 1 (towards fewer contacts) or 2.
    pub sides: u8,
    /// Units of exposure of each customer.
    pub exposure: f64,
    /// Weights of the arms, control first.
    pub weights: Vec<f64>,
    /// Correlation with the count before, by which the analysis adjusts.
    pub correlation: f64,
    /// Correlation of two customers of a cluster.
    pub icc: f64,
    /// Mean customers in a cluster; 1 without clusters.
    pub cluster_size: f64,
    /// Coefficient of variation of cluster sizes.
    pub cluster_cv: f64,
    /// Share of the treated arm that takes the intervention up.
    pub uptake: f64,
    /// Share of customers whose outcome will be missing.
    pub attrition: f64,
    /// Ratio to be excluded: 1 for superiority, above 1 for non-inferiority.
    pub margin: f64,
    /// Customers in all arms together, where they are given.
    pub customers: Option<u64>,
    /// Dunnett's critical value with more than one treatment; else each comparison at alpha.
    pub multiplicity: bool,
    /// Seed of the simulation.
    pub seed: u64,
    /// Simulated pilots; 0 for none.
    pub replicates: u32,
}

impl Default for Question {
    fn default() -> Self {
        Question {
            method: Method::Nb,
            rate: 0.0,
            dispersion: 0.0,
            reduction: None,
            alpha: 0.05,
            power: Some(0.8),
            sides: 2,
            exposure: 1.0,
            weights: vec![1.0, 1.0],
            correlation: 0.0,
            icc: 0.0,
            cluster_size: 1.0,
            cluster_cv: 0.0,
            uptake: 1.0,
            attrition: 0.0,
            margin: 1.0,
            customers: None,
            multiplicity: true,
            seed: 0,
            // A standard error of .004 at a power of .8.
            replicates: 10_000,
        }
    }
}

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
    /// Critical z of one comparison.
    pub critical_value: f64,
    /// `nb` or `means`.
    pub method: String,
}

/// Customers, power and smallest reduction.
///
/// *Formula* — per control customer, with μ = `rate` (control), μ_k = μ·ratio,
/// ratio = 1 − `uptake`·`reduction`, w = weight of arm k over control:
/// - `nb`: effect log(`margin`/ratio), V = (1/μ + 1/(w μ_k))/`exposure` + φ(1 + w)/w;
/// - `means`: effect `margin`·m − m_k, V = `margin`²·σ² + σ_k²/w with m = μ·`exposure`, σ² = m + φm².
///
/// n_0 = (z_crit + z_power)² V/effect² · (1 − `correlation`²)(1 + ((1 + cv²)·m − 1)·`icc`)/(1 − `attrition`),
/// and n_k = n_0·w_k/w_0. Power is of the comparison with the smallest arm. The far tail is
/// ignored. z_crit is z_{1 − α/sides}, or Dunnett's with ρ_jk = b_j b_k, b² = n_k/(n_k + n_0).
/// Given customers are shared out by weight, by largest remainder.
///
/// The smallest reduction is the root nearest the margin: power of `nb` falls again as the
/// ratio nears 0, since no contacts mean no information on their rate.
///
/// `power_simulated` draws `replicates` pilots of negative binomial counts and tests them: `nb`
/// by the Wald test with the means' and φ's maximum-likelihood estimates of the two arms,
/// `means` by Welch's t; a comparison counts when significant in the direction asked.
/// Attrition is simulated, uptake as the diluted ratio. Not simulated, hence `None`: a
/// correlation or clusters (they need a joint distribution that the question does not name),
/// and counts so large or so many that it would take more than seconds.
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
    let model = Model::new(q);
    let critical = critical_value(q)?;
    let need = |power: f64| critical + normal_isf(1.0 - power);
    let total_weight: f64 = q.weights.iter().sum();
    let shares: Vec<f64> = q.weights.iter().map(|w| w / total_weight).collect();
    let effect = q
        .reduction
        .map(|r| check_effect(q, r).map(|ratio| (ratio, model.signal(ratio))))
        .transpose()?;
    let exact_total = match (q.customers, effect, q.power) {
        (Some(n), _, _) => n as f64,
        (None, Some((_, signal)), Some(power)) => {
            if need(power) <= 0.0 {
                return Err(Refusal::new(format!(
                    "the power, {power}, must exceed the error rate of one comparison: \
                     chance alone finds as much"
                )));
            }
            (need(power) / signal).powi(2) / model.information(shares[0])
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
    if exact_total > MOST_CUSTOMERS {
        return Err(Refusal::new(
            "this effect is so small that it needs more than 10^15 customers",
        ));
    }
    let n_per_arm_exact: Vec<f64> = shares.iter().map(|s| s * exact_total).collect();
    let n_per_arm = match q.customers {
        Some(n) => share_out(n, &shares)?,
        None => n_per_arm_exact.iter().map(|&n| round_up(n)).collect(),
    };
    let root_n = (exact_total * model.information(shares[0])).sqrt();
    let smallest_ratio = q
        .power
        .and_then(|power| model.ratio_of(need(power) / root_n));
    let power = match effect {
        Some((_, signal)) => normal_cdf(signal * root_n - critical),
        None => q
            .power
            .ok_or_else(|| Refusal::new("give the reduction or the power beside the customers"))?,
    };
    let ratio = effect.map(|e| e.0).or(smallest_ratio);
    Ok(Answer {
        n_total: n_per_arm.iter().sum(),
        power_simulated: ratio.and_then(|r| simulate::power(q, r, critical, &n_per_arm)),
        n_per_arm,
        n_per_arm_exact,
        power,
        smallest_reduction: smallest_ratio
            .map(|r| (1.0 - r) / q.uptake)
            .filter(|&reduction| reduction < 1.0),
        inflation: None,
        boundaries: Vec::new(),
        critical_value: critical,
        method: q.method.name().into(),
    })
}

fn critical_value(q: &Question) -> Result<f64, Refusal> {
    let (control, treatments) = q.weights.split_at(1);
    if !q.multiplicity || treatments.len() < 2 {
        return Ok(normal_isf(q.alpha / f64::from(q.sides)));
    }
    let shares: Vec<f64> = treatments.iter().map(|w| w / (w + control[0])).collect();
    let alternative = match q.sides {
        1 => Alternative::Less,
        _ => Alternative::TwoSided,
    };
    dunnett_critical(&shares, None, q.alpha, alternative)
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
            "{total} customers are too few: each arm needs at least 2"
        )));
    }
    Ok(n)
}

fn check(q: &Question) -> Result<(), Refusal> {
    let require = |ok: bool, why: String| if ok { Ok(()) } else { Err(Refusal::new(why)) };
    let positive = |name: &str, v: f64| {
        require(
            v > 0.0 && v.is_finite(),
            format!("the {name}, {v}, must be above 0"),
        )
    };
    let share = |name: &str, v: f64, inside: bool, range: &str| {
        require(inside, format!("the {name}, {v}, must be {range}"))
    };
    positive("rate", q.rate)?;
    positive("exposure", q.exposure)?;
    positive("margin", q.margin)?;
    require(
        (1e-9..=1e9).contains(&(q.rate * q.exposure)),
        format!(
            "{} contacts a customer (rate × exposure) are beyond what can be sized",
            q.rate * q.exposure
        ),
    )?;
    require(
        (0.0..=1e9).contains(&q.dispersion),
        format!("the dispersion, {}, must be 0 or more", q.dispersion),
    )?;
    share(
        "alpha",
        q.alpha,
        q.alpha >= 1e-12 && q.alpha < 1.0,
        "between 0 and 1",
    )?;
    if let Some(p) = q.power {
        share("power", p, p > 0.0 && p < 1.0, "between 0 and 1")?;
    }
    require(
        q.sides == 1 || q.sides == 2,
        format!("a test has 1 or 2 sides, not {}", q.sides),
    )?;
    share(
        "uptake",
        q.uptake,
        q.uptake > 0.0 && q.uptake <= 1.0,
        "above 0 and at most 1",
    )?;
    share(
        "attrition",
        q.attrition,
        (0.0..1.0).contains(&q.attrition),
        "at least 0 and below 1",
    )?;
    share(
        "correlation",
        q.correlation,
        q.correlation.abs() < 1.0,
        "between -1 and 1",
    )?;
    share("icc", q.icc, (0.0..=1.0).contains(&q.icc), "from 0 to 1")?;
    require(
        q.cluster_size >= 1.0 && q.cluster_size <= 1e9,
        format!("the cluster size, {}, must be 1 or more", q.cluster_size),
    )?;
    require(
        (0.0..=1e3).contains(&q.cluster_cv),
        format!(
            "the clusters' coefficient of variation, {}, must be 0 or more",
            q.cluster_cv
        ),
    )?;
    check_weights(&q.weights)?;
    require(
        q.customers.is_none_or(|n| n as f64 <= MOST_CUSTOMERS),
        "more than 10^15 customers".into(),
    )
}

fn check_weights(weights: &[f64]) -> Result<(), Refusal> {
    if weights.len() < 2 {
        return Err(Refusal::new("two arms at least: control and a treatment"));
    }
    if weights.len() > 100 {
        return Err(Refusal::new("at most 100 arms can be sized"));
    }
    if let Some(w) = weights.iter().find(|w| !(w.is_finite() && **w > 0.0)) {
        return Err(Refusal::new(format!(
            "the weight {w} must be above 0: every arm is sized"
        )));
    }
    let largest = weights.iter().copied().fold(0.0, f64::max);
    let smallest = weights.iter().copied().fold(f64::INFINITY, f64::min);
    if largest > MOST_UNEVEN * smallest {
        return Err(Refusal::new(
            "the weights differ by more than a million times; the small arm cannot be sized",
        ));
    }
    Ok(())
}

/// The ratio between the arms as assigned.
fn check_effect(q: &Question, reduction: f64) -> Result<f64, Refusal> {
    if !(reduction < 1.0 && reduction > -1e6) {
        return Err(Refusal::new(format!(
            "the reduction, {reduction}, must be below 1: 0.2 means 20 % fewer contacts, and 1 none at all"
        )));
    }
    let ratio = 1.0 - q.uptake * reduction;
    if (ratio / q.margin - 1.0).abs() < 1e-9 {
        return Err(Refusal::new(format!(
            "a reduction of {reduction} is exactly what is to be excluded (margin {}); no number of customers finds it",
            q.margin
        )));
    }
    if ratio > q.margin && (q.sides == 1 || q.margin != 1.0) {
        return Err(Refusal::new(format!(
            "the ratio {ratio} lies above the margin {}: a test towards fewer contacts cannot find it",
            q.margin
        )));
    }
    Ok(ratio)
}

#[cfg(test)]
mod tests;
