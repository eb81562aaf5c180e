//! What is asked, and whether it can be answered.

use serde::{Deserialize, Serialize};

use crate::stats::estimate::{Estimator, Refusal};
use crate::stats::sequential;

/// Weights that differ by more than this are refused: such an arm says nothing.
const MOST_UNEVEN: f64 = 1e6;
/// More customers than this are refused; an f64 counts them exactly.
pub(super) const MOST_CUSTOMERS: f64 = 1e15;

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

/// How the comparisons of several treatments share the error rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Each comparison at alpha.
    Alone,
    /// Dunnett's critical value, where no other treatment does anything: single-step, and the
    /// first step of step-down.
    Dunnett,
    /// alpha over the number of treatments: the first step of Holm, Hochberg, Benjamini-Hochberg.
    Bonferroni,
}

/// Looks at the data before the end.
#[derive(Debug, Clone, PartialEq)]
pub struct Looks {
    /// Information fractions, ascending; the last is 1.
    pub information: Vec<f64>,
    /// What the boundary follows.
    pub boundary: sequential::Boundary,
}

/// What is asked; [`Default`] is `pilot power`'s, without rate and reduction.
///
/// `reduction` and `power` give customers; with `customers` given, `reduction` gives the
/// power, and `power` the smallest reduction.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The test.
    pub method: Method,
    /// The estimator of the plan, which is simulated, and which decides what `correlation` is
    /// worth; `None` is the method's own.
    pub estimator: Option<Estimator>,
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
    /// Correlation with the count before.
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
    /// Customers who arrive a day, where they arrive.
    pub arrivals: Option<f64>,
    /// How several treatments share alpha.
    pub family: Family,
    /// Looks before the end; `None` for one test at the end. Several treatments then share
    /// alpha equally, unless each is alone.
    pub looks: Option<Looks>,
    /// Seed of the simulation.
    pub seed: u64,
    /// Most simulated pilots; 0 for none.
    pub replicates: u32,
}

impl Default for Question {
    fn default() -> Self {
        Question {
            method: Method::Nb,
            estimator: None,
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
            arrivals: None,
            family: Family::Dunnett,
            looks: None,
            seed: 0,
            // A standard error of .004 at a power of .8.
            replicates: 10_000,
        }
    }
}

impl Question {
    /// Contacts of a customer of control in the whole window.
    pub fn contacts(&self) -> f64 {
        self.rate * self.exposure
    }

    /// Treatment arms.
    pub fn treatments(&self) -> usize {
        self.weights.len() - 1
    }

    /// Whether whole clusters differ, so that customers of one are alike.
    pub fn clustered(&self) -> bool {
        self.icc > 0.0 && (self.cluster_size > 1.0 || self.cluster_cv > 0.0)
    }

    /// What clusters multiply the variance by: 1 + ((1 + cv²)·m − 1)·icc.
    ///
    /// *Source* — Eldridge, Ashby & Kerry (2006), Int. J. Epidemiol. 35, 1292-1300.
    pub fn design_effect(&self) -> f64 {
        1.0 + ((1.0 + self.cluster_cv * self.cluster_cv) * self.cluster_size - 1.0) * self.icc
    }

    /// What the count before multiplies the variance by: 1 − ρ² for estimators that adjust for
    /// it, 2(1 − ρ) for `did`, 1 for those that do not look at it.
    ///
    /// *Source* — Borm, Fransen & Lemmens (2007), J. Clin. Epidemiol. 60, 1234-1238.
    pub fn unexplained(&self) -> f64 {
        let rho = self.correlation;
        match self.estimator {
            Some(Estimator::Did) => 2.0 * (1.0 - rho),
            Some(e) if !adjusts_for_before(e) => 1.0,
            _ => (1.0 - rho) * (1.0 + rho),
        }
    }
}

/// Whether an estimator uses the count before.
pub fn adjusts_for_before(estimator: Estimator) -> bool {
    matches!(
        estimator,
        Estimator::Cuped
            | Estimator::Did
            | Estimator::Ancova
            | Estimator::Lin
            | Estimator::Poisson
            | Estimator::Negbin
    )
}

/// Refuses values out of their range.
pub(super) fn check(q: &Question) -> Result<(), Refusal> {
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
        (1e-9..=1e9).contains(&q.contacts()),
        format!(
            "{} contacts a customer (rate × exposure) are beyond what can be sized",
            q.contacts()
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
    if let Some(a) = q.arrivals {
        positive("number of customers who arrive a day", a)?;
    }
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
pub(super) fn check_effect(q: &Question, reduction: f64) -> Result<f64, Refusal> {
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
