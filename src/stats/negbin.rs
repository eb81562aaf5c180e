//! Negative binomial (NB2) regression by maximum likelihood.

use crate::table::Comparison;
use crate::texts::text;

use super::count_data::{CountData, MeanModel};
use super::estimate::{DetailValue, Estimate, Estimator, Refusal, Test};
use super::glm::{Arrow, Direction, Fit, excess, fit, log_term, variances};
use super::poisson::{common_detail, finding};
use super::profile;

/// Below this z = αμ, series replace expressions that cancel.
const SMALL: f64 = 0.05;
/// θ = 1/α beyond these has no meaning left in it: (log α) within ±.
const LOG_ALPHA_LIMIT: f64 = 41.0;
const MAX_ITERATIONS: usize = 100;
/// Where the variance exceeds Poisson's by less than this share, the Poisson limit is named: the
/// row would agree with it in every digit shown, and θ = 1e9 would mean nothing.
const NEGLIGIBLE: f64 = 1e-8;

/// Ratio of rates by negative binomial regression, with everything that the data offer.
///
/// As [`negbin_with`] with [`MeanModel::FULL`].
///
/// # Errors
/// As [`negbin_with`].
pub fn negbin(c: &Comparison<'_>, test: &Test) -> Result<Vec<Estimate>, Refusal> {
    negbin_with(c, test, MeanModel::FULL)
}

/// Ratio of rates by negative binomial regression.
///
/// *Formula* — the mean of [`super::poisson::poisson_with`], variance μ + μ²/θ, all by
/// maximum likelihood; se from the expected information given θ, Wald, normal.
/// Detail: `theta` and `se_theta` (from its own observed information, as MASS),
/// `alpha` = 1/θ, `log_likelihood`, `se_hc0` (sandwich, expected bread), `ci_profile` and
/// `ci_profile_theta_fixed` (two-sided profile-likelihood intervals of the ratio, θ at its maximum
/// for each ratio, and θ held as MASS holds it; `profile_unbounded` where an end is not finite),
/// and those common to `poisson`. Where Σ[(y − μ)² − y] ≤ 0 at the Poisson fit the
/// maximum is at α = 0, and where αμ is below 1e-8 it cannot be told from it:
/// `poisson_limit` is true, the row is the Poisson model's and `theta` is absent.
///
/// *Units* — a ratio; `se` on the log scale.
///
/// *Assumes* — mean and variance are right; `se_hc0` needs the mean alone.
/// Sums over j < y of log(1 + αj) replace differences of ln Γ, so every θ keeps its digits.
///
/// *Source* — Lawless, J. (1987), Canad. J. Statist. 15, 209-225, eqs. 2.2-2.6;
/// Venables, W. and Ripley, B. (2002), sect. 7.4 (`MASS::glm.nb`).
///
/// # Errors
/// As `poisson_with`; and θ → 0 (more spread than any negative binomial), or
/// no maximum found.
pub fn negbin_with(
    c: &Comparison<'_>,
    test: &Test,
    model: MeanModel,
) -> Result<Vec<Estimate>, Refusal> {
    let data = CountData::new(c, model)?;
    let best = Maximum::find(&data, None)?;
    let variance = variances(&data, best.alpha, &best.fit)?;
    let mut detail = common_detail(&data, &best.fit);
    let mut number = |name: &str, value: f64| {
        detail.insert(name.into(), DetailValue::Number(value));
    };
    let limit = best.alpha == 0.0;
    if !limit {
        let theta = 1.0 / best.alpha;
        number("theta", theta);
        number("alpha", best.alpha);
        if best.information > 0.0 {
            number("se_theta", theta * theta / best.information.sqrt());
        }
    }
    number("se_hc0", variance.robust.sqrt());
    number("log_likelihood", best.log_likelihood);
    detail.insert("poisson_limit".into(), DetailValue::Flag(limit));
    let se = variance.model.max(0.0).sqrt();
    let intervals = profile::intervals(&data, &best, se, test.alpha);
    for (key, interval) in ["ci_profile", "ci_profile_theta_fixed"]
        .into_iter()
        .zip(intervals)
    {
        match interval {
            Some((lower, upper)) => {
                let ends = vec![lower.exp(), upper.exp()];
                detail.insert(key.into(), DetailValue::Numbers(ends));
            }
            None => {
                detail.insert("profile_unbounded".into(), DetailValue::Flag(true));
            }
        }
    }
    let finding = finding(Estimator::Negbin, &data, &best.fit, variance.model, detail);
    Ok(vec![finding.estimate(test)])
}

/// A maximum of the likelihood in all parameters.
#[derive(Debug, Clone)]
pub(crate) struct Maximum {
    /// 1/θ; 0 at the Poisson limit.
    pub alpha: f64,
    /// Coefficients and means there.
    pub fit: Fit,
    /// −∂²ℓ/∂α² with the coefficients fixed; 0 at the Poisson limit.
    pub information: f64,
    /// The log-likelihood.
    pub log_likelihood: f64,
}

impl Maximum {
    /// Maximises, from the maximum of nearby data where there is one.
    ///
    /// # Errors
    /// As [`negbin_with`].
    pub fn find(data: &CountData, near: Option<&Maximum>) -> Result<Maximum, Refusal> {
        let poisson = fit(data, 0.0, near.map(|m| &m.fit))?;
        let slope = excess(data, &poisson);
        if slope <= 0.0 {
            return Ok(Maximum::at(data, 0.0, poisson, 0.0));
        }
        let (mut squares, mut sum) = (0.0, 0.0);
        for (g, &mu) in data.groups.iter().zip(&poisson.mu) {
            squares += g.n * mu * mu;
            sum += g.n * mu;
        }
        let near = near.filter(|m| m.alpha > 0.0);
        let (start, fit) = match near {
            Some(m) => (m.alpha, m.fit.clone()),
            None => (slope / squares, poisson.clone()),
        };
        match maximise(data, fit, start)? {
            Some((alpha, fit, information)) if alpha * squares > NEGLIGIBLE * sum => {
                Ok(Maximum::at(data, alpha, fit, information))
            }
            _ => Ok(Maximum::at(data, 0.0, poisson, 0.0)),
        }
    }

    fn at(data: &CountData, alpha: f64, fit: Fit, information: f64) -> Self {
        let log_likelihood = log_likelihood(data, alpha, &fit);
        Maximum {
            alpha,
            fit,
            information,
            log_likelihood,
        }
    }
}

/// Newton on log α over the profile likelihood, kept inside a bracket of its slope's sign.
///
/// Returns α, the coefficients there, and −∂²ℓ/∂α² with the coefficients fixed; `None` where α
/// runs to 0, the Poisson limit.
fn maximise(data: &CountData, start: Fit, alpha: f64) -> Result<Option<(f64, Fit, f64)>, Refusal> {
    let mut log_alpha = alpha.ln().clamp(-LOG_ALPHA_LIMIT, LOG_ALPHA_LIMIT);
    let (mut low, mut high) = (-LOG_ALPHA_LIMIT, LOG_ALPHA_LIMIT);
    let mut current = start;
    for _ in 0..MAX_ITERATIONS {
        let alpha = log_alpha.exp();
        current = fit(data, alpha, Some(&current))?;
        let d = Derivatives::new(data, alpha, &current)?;
        if d.slope > 0.0 {
            low = log_alpha;
        } else {
            high = log_alpha;
        }
        // In log α: slope αℓ', curvature α²ℓ'' + αℓ'.
        let bend = alpha * alpha * d.profile + alpha * d.slope;
        let newton = log_alpha - alpha * d.slope / bend;
        let next = if bend < 0.0 && newton > low && newton < high {
            newton
        } else {
            0.5 * (low + high)
        };
        let step = (next - log_alpha).abs();
        if step < 1e-11 || d.slope == 0.0 {
            return Ok(Some((alpha, current, -d.direct)));
        }
        if next > LOG_ALPHA_LIMIT - 1.0 {
            return Err(Refusal::new(text!("refusal-counts.theta-0")));
        }
        if next < 1.0 - LOG_ALPHA_LIMIT {
            return Ok(None);
        }
        log_alpha = next;
    }
    Err(Refusal::new(text!("refusal-counts.theta-not-found")))
}

/// Derivatives of the likelihood in α.
struct Derivatives {
    /// ∂ℓ/∂α.
    slope: f64,
    /// ∂²ℓ/∂α², coefficients fixed.
    direct: f64,
    /// d²ℓ/dα², coefficients at their maximum for each α.
    profile: f64,
}

impl Derivatives {
    fn new(data: &CountData, alpha: f64, fit: &Fit) -> Result<Self, Refusal> {
        let (mut slope, mut direct) = sums_below(data, |j| {
            let r = j / (1.0 + alpha * j);
            (r, -r * r)
        });
        let mut cross = Direction::zero(data.blocks);
        let mut information = Arrow::new(data.blocks);
        for (g, &mu) in data.groups.iter().zip(&fit.mu) {
            let z = alpha * mu;
            let one_plus = 1.0 + z;
            let r = mu / one_plus;
            slope += g.n * mu * mu * first(z) - g.sum * r;
            direct += g.n * mu * mu * mu * second(z) + g.sum * r * r;
            cross.add(g, -(g.sum - g.n * mu) * r / one_plus);
            information.add(g, r * (g.n + alpha * g.sum) / one_plus);
        }
        let solved = information
            .solve(&cross, data.used)
            .ok_or_else(|| Refusal::new(text!("refusal-counts.singular")))?;
        Ok(Derivatives {
            slope,
            direct,
            profile: direct + cross.dot(&solved),
        })
    }
}

/// Σ over customers of Σ_{j<y} f(j), both parts.
fn sums_below(data: &CountData, f: impl Fn(f64) -> (f64, f64)) -> (f64, f64) {
    let mut above: f64 = data.histogram.iter().map(|h| h.1).sum();
    let (mut from, mut total) = (0, (0.0, 0.0));
    for &(y, n) in &data.histogram {
        for j in from..y {
            let (a, b) = f(j as f64);
            total.0 += above * a;
            total.1 += above * b;
        }
        from = y;
        above -= n;
    }
    total
}

/// log(1 + z)/z² − 1/(z(1 + z)).
pub(crate) fn first(z: f64) -> f64 {
    if z < SMALL {
        return series(z, |k| (k + 1.0) / (k + 2.0));
    }
    z.ln_1p() / (z * z) - 1.0 / (z * (1.0 + z))
}

/// The derivative of [`first`].
pub(crate) fn second(z: f64) -> f64 {
    if z < SMALL {
        return -series(z, |k| (k + 1.0) * (k + 2.0) / (k + 3.0));
    }
    let w = 1.0 + z;
    (3.0 * z * z + 2.0 * z - 2.0 * w * w * z.ln_1p()) / (z * z * z * w * w)
}

/// Σ_k (−z)ᵏ·a(k); 14 terms leave 1e-17 at z = 0.05.
fn series(z: f64, a: impl Fn(f64) -> f64) -> f64 {
    (0..14).rev().fold(0.0, |sum, k| a(f64::from(k)) - z * sum)
}

/// ℓ at α and a fit.
pub(crate) fn log_likelihood(data: &CountData, alpha: f64, fit: &Fit) -> f64 {
    let (counts, factorials) = sums_below(data, |j| ((alpha * j).ln_1p(), (j + 1.0).ln()));
    let means: f64 = data
        .groups
        .iter()
        .zip(&fit.mu)
        .map(|(g, &mu)| g.sum * mu.ln() - log_term(g, alpha, mu))
        .sum();
    counts - factorials + means
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_meet_the_closed_forms() {
        for z in [0.049, 0.0499999] {
            let w = 1.0 + z;
            let closed = f64::ln_1p(z) / (z * z) - 1.0 / (z * w);
            // The closed forms lose 1/z and 1/z² of their digits.
            assert!((first(z) - closed).abs() < 1e-13);
            let slope = (3.0 * z * z + 2.0 * z - 2.0 * w * w * f64::ln_1p(z)) / (z * z * z * w * w);
            assert!((second(z) - slope).abs() < 1e-11);
        }
    }
}
