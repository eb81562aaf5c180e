//! The ratio of means with a prior: normal posterior of the log ratio.

use crate::table::Comparison;
use crate::texts::text;

use super::dist::normal_cdf;
use super::estimate::{Estimate, Estimator, Refusal, Test};
use super::inference::Finding;
use super::means::delta;
use super::sample::number;

/// A normal prior of the log ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prior {
    /// Mean of the log ratio; 0 is no effect.
    pub mean: f64,
    /// Standard deviation, above 0.
    pub sd: f64,
}

/// Posterior of the ratio of means under a normal prior of its logarithm.
///
/// *Formula* — with `delta`'s log ratio ℓ and standard error s, and the prior N(m, τ²): posterior
/// N(μ, σ²), 1/σ² = 1/s² + 1/τ², μ = σ²(ℓ/s² + m/τ²). `value` = exp μ, the posterior median of the
/// ratio; `se` = σ, on the log scale; `ci_*` the equal-tailed credible interval exp(μ ± zσ); no
/// p-value. `detail`: `probability_reduction` = P(ratio < 1) = Φ(−μ/σ); `expected_loss` =
/// E max(0, ratio − 1) = exp(μ + σ²/2)Φ((μ + σ²)/σ) − Φ(μ/σ), what rolling out would add to
/// control's mean on average where it does harm; `expected_loss_of_stopping` =
/// E max(0, 1 − ratio) likewise; `posterior_mean` = exp(μ + σ²/2); `log_ratio`, `prior_mean`,
/// `prior_sd`, `prior_weight` (the prior's share of the precision).
///
/// *Assumes* — as `delta`; the prior was fixed before the data were seen.
///
/// *Errors* — as `delta`; outcomes without spread; a prior without spread.
///
/// *Source* — Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., eq. 2.11-2.12; expected loss:
/// Stucchio (2015), Bayesian A/B Testing at VWO; the closed form is that of a lognormal's partial
/// expectation.
pub fn bayes(c: &Comparison<'_>, test: &Test, prior: Prior) -> Result<Vec<Estimate>, Refusal> {
    if !(prior.sd > 0.0 && prior.sd.is_finite() && prior.mean.is_finite()) {
        return Err(Refusal::new(text!("refusal-prior.no-spread")));
    }
    let of_data = delta(c, test)?
        .pop()
        .ok_or_else(|| Refusal::new(text!("refusal-prior.no-ratio")))?;
    let (log, se) = (of_data.value.ln(), of_data.se.unwrap_or(0.0));
    if se <= 0.0 || !log.is_finite() {
        return Err(Refusal::new(text!("refusal-prior.no-spread-of-outcomes")));
    }
    let posterior = Posterior::new(prior, log, se);
    let mut detail = of_data.detail;
    for shown in ["se_plain", "no_spread", "ci_two_sided"] {
        detail.remove(shown);
    }
    let mut put = |key: &str, value: f64| number(&mut detail, key, value);
    put("log_ratio", log);
    put("prior_mean", prior.mean);
    put("prior_sd", prior.sd);
    put("prior_weight", posterior.prior_weight);
    put("posterior_mean", posterior.mean_ratio());
    put("probability_reduction", posterior.probability_reduction());
    put("expected_loss", posterior.expected_loss());
    put("expected_loss_of_stopping", posterior.expected_gain());
    let finding = Finding {
        estimator: Estimator::Bayes,
        estimand: of_data.estimand,
        value: posterior.mean,
        se: posterior.sd,
        df: None,
        n_treatment: of_data.n_treatment,
        n_control: of_data.n_control,
        control_share: of_data.control_share,
        detail,
    };
    let mut estimate = finding.estimate(test);
    estimate.p_value = None;
    Ok(vec![estimate])
}

/// A normal posterior of the log ratio.
#[derive(Debug, Clone, Copy)]
struct Posterior {
    mean: f64,
    sd: f64,
    prior_weight: f64,
}

impl Posterior {
    fn new(prior: Prior, log: f64, se: f64) -> Self {
        // Weights from the ratio of standard errors: neither square need be a number in range.
        let ratio = se / prior.sd;
        let prior_weight = ratio * ratio / (1.0 + ratio * ratio);
        let prior_weight = if ratio.is_finite() && prior_weight.is_finite() {
            prior_weight
        } else {
            1.0
        };
        Posterior {
            mean: log + prior_weight * (prior.mean - log),
            sd: se / 1f64.hypot(ratio),
            prior_weight,
        }
    }

    fn mean_ratio(&self) -> f64 {
        (self.mean + self.sd * self.sd / 2.0).exp()
    }

    fn probability_reduction(&self) -> f64 {
        normal_cdf(-self.mean / self.sd)
    }

    /// E max(0, ratio − 1).
    fn expected_loss(&self) -> f64 {
        let z = self.mean / self.sd;
        (self.mean_ratio() * normal_cdf(z + self.sd) - normal_cdf(z)).max(0.0)
    }

    /// E max(0, 1 − ratio).
    fn expected_gain(&self) -> f64 {
        let z = self.mean / self.sd;
        (normal_cdf(-z) - self.mean_ratio() * normal_cdf(-z - self.sd)).max(0.0)
    }
}
