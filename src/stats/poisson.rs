//! Poisson regression with a sandwich variance.

use crate::table::Comparison;

use super::count_data::{CountData, MeanModel};
use super::estimate::{Detail, DetailValue, Estimand, Estimate, Estimator, Refusal, Test};
use super::glm::{Fit, fit, variances};
use super::inference::Finding;
use super::sample::share;

/// Ratio of rates by log-linear Poisson regression, with everything that the data offer.
///
/// As [`poisson_with`] with [`MeanModel::FULL`].
///
/// # Errors
/// As [`poisson_with`].
pub fn poisson(c: &Comparison<'_>, test: &Test) -> Result<Vec<Estimate>, Refusal> {
    poisson_with(c, test, MeanModel::FULL)
}

/// Ratio of rates by log-linear Poisson regression.
///
/// *Formula* — log μ = log e + α_s + βt + γ·log(1 + x) + δ·(no before period);
/// value exp β, se = HC0 sandwich of β, normal. Detail: `se_model` (variance =
/// mean), `se_quasi` = se_model·√dispersion, `dispersion` = Pearson χ²/(n − p),
/// `deviance`, `log_likelihood`, `df_residual`, `log_ratio`, `n_zero_exposure`, `before` and
/// `strata` (whether, and how many, are in the model).
///
/// *Units* — a ratio; `se` on the log scale.
///
/// *Assumes* — the mean is right; nothing about the spread. Customers with
/// exposure 0 are left out and counted. Strata without a contact in either arm
/// have their maximum at −∞ and add nothing. A before count that does not vary within
/// strata is not used (`before` = false).
///
/// *Source* — McCullagh, P. and Nelder, J. (1989), ch. 6; White, H. (1982),
/// Econometrica 50, 1-25 (HC0); R `glm(poisson)` with `sandwich`.
///
/// # Errors
/// Outcomes that are not counts, an arm without customers or contacts, an arm that strata determine, or no finite
/// maximum.
pub fn poisson_with(
    c: &Comparison<'_>,
    test: &Test,
    model: MeanModel,
) -> Result<Vec<Estimate>, Refusal> {
    let data = CountData::new(c, model)?;
    let fit = fit(&data, 0.0, None)?;
    let variance = variances(&data, 0.0, &fit)?;
    let mut detail = common_detail(&data, &fit);
    let mut number = |name: &str, value: f64| {
        detail.insert(name.into(), DetailValue::Number(value));
    };
    let (mut pearson, mut deviance, mut likelihood) = (0.0, 0.0, 0.0);
    for (g, &mu) in data.groups.iter().zip(&fit.mu) {
        pearson += g.squares_about(mu) / mu;
        likelihood += g.sum * mu.ln() - g.n * mu;
        deviance -= 2.0 * (g.sum * mu.ln() + g.sum - g.n * mu);
    }
    deviance += 2.0 * data.sum_over_counts(|y| if y > 0.0 { y * y.ln() } else { 0.0 });
    likelihood -= data.sum_over_counts(|y| libm::lgamma(y + 1.0));
    let df = data.n() - data.parameters() as f64;
    if df > 0.0 {
        number("dispersion", pearson / df);
        number("se_quasi", (variance.model * pearson / df).sqrt());
        number("df_residual", df);
    }
    number("se_model", variance.model.sqrt());
    number("deviance", deviance.max(0.0));
    number("log_likelihood", likelihood);
    let mut finding = finding(Estimator::Poisson, &data, &fit, variance.robust, detail);
    finding.control_share = share(variance.robust_control, variance.robust);
    Ok(vec![finding.estimate(test)])
}

/// Details that both count models show.
pub(crate) fn common_detail(data: &CountData, fit: &Fit) -> Detail {
    let mut detail = Detail::new();
    let mut put = |name: &str, value| detail.insert(name.into(), value);
    put("log_ratio", DetailValue::Number(fit.coefficients.corner[0]));
    put("n_zero_exposure", DetailValue::Count(data.n_zero_exposure));
    put("before", DetailValue::Flag(data.used[1]));
    put("strata", DetailValue::Count(data.blocks as u64));
    if data.blocks == 1 {
        let shift = fit.coefficients.corner[1] * data.before_mean;
        let intercept = fit.coefficients.blocks[0] - shift;
        put("intercept", DetailValue::Number(intercept));
    }
    detail
}

/// The arm's coefficient with a variance.
pub(crate) fn finding(
    estimator: Estimator,
    data: &CountData,
    fit: &Fit,
    variance: f64,
    detail: Detail,
) -> Finding {
    Finding {
        estimator,
        estimand: Estimand::Ratio,
        value: fit.coefficients.corner[0],
        se: variance.max(0.0).sqrt(),
        df: None,
        n_treatment: data.n_treatment,
        n_control: data.n_control,
        control_share: None,
        detail,
    }
}
