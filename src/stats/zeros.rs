//! More customers without a contact than a negative binomial would have?

use std::collections::BTreeMap;

use crate::table::Comparison;
use crate::texts::text;

use super::count_data::{CountData, MeanModel};
use super::dist::normal_sf;
use super::estimate::Refusal;
use super::negbin::{Maximum, first, second};

/// Counts up to which the expected information of α is summed.
const LONGEST_TAIL: u32 = 2_000_000;

/// Observed and expected customers without a contact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Zeros {
    /// Customers of both arms without a contact.
    pub observed: u64,
    /// As many as the model expects.
    pub expected: f64,
    /// Customers.
    pub n: u64,
    /// (observed − expected) over its standard error; above 0 is more zeros.
    pub z: f64,
    /// Two-sided p-value.
    pub p_value: f64,
}

/// Tests whether zeros are as common as the negative binomial model with a rate for each arm says.
///
/// *Formula* — p_i = (1 + αμ_i)^(−1/α) (e^−μ at the Poisson limit) at the maximum of the likelihood
/// of the model log μ = log e + a + b·arm; z = Σ(1{y = 0} − p_i)/√V,
/// V = Σp_i(1 − p_i) − D_β'I_β⁻¹D_β − D_α²/I_α, D = Σ∂p_i/∂(β, α): what the fit of β and α takes
/// off. Both are expected information: V is that of the model, above 0 whatever the data.
///
/// *Assumes* — independent customers.
///
/// *Errors* — as [`super::negbin::negbin`]; zeros that the fit leaves no freedom.
///
/// *Source* — the score form of van den Broek (1995), Biometrics 51, 738-743, and of Jansakul &
/// Hinde (2008), Communications in Statistics B 38, 92-108, in the unweighted version of He, Zhang,
/// Ye & Tang (2019), Statistical Methods in Medical Research 28, 1157-1169, carried from Poisson to
/// the negative binomial. Vuong's test is not used: the models are nested (Wilson 2015).
pub fn zeros(c: &Comparison<'_>) -> Result<Zeros, Refusal> {
    let data = CountData::new(c, MeanModel::UNADJUSTED)?;
    let best = Maximum::find(&data, None)?;
    let coefficients = &best.fit.coefficients;
    let mut groups: BTreeMap<(bool, i64), (u64, u64)> = BTreeMap::new();
    for cell in c.cells().filter(|cell| cell.exposure > 0) {
        let Some(y) = cell.after else { continue };
        let group = groups.entry((c.treated(cell), cell.exposure)).or_default();
        group.0 += cell.customers;
        group.1 += if y == 0 { cell.customers } else { 0 };
    }
    let (mut n, mut observed, mut expected, mut variance) = (0, 0, 0.0, 0.0);
    // Derivatives along the rates of control and treatment, and along α.
    let (mut slope, mut information) = ([0.0; 2], [0.0; 2]);
    let (mut along_alpha, mut of_alpha) = (0.0, 0.0);
    for ((treated, exposure), (customers, without)) in groups {
        let arm = if treated { coefficients.corner[0] } else { 0.0 };
        let mu = (exposure as f64 * c.e_unit()) * (coefficients.blocks[0] + arm).exp();
        let spread = best.alpha * mu;
        let p = if best.alpha > 0.0 {
            (-spread.ln_1p() / best.alpha).exp()
        } else {
            (-mu).exp()
        };
        let w = customers as f64;
        n += customers;
        observed += without;
        expected += w * p;
        variance += w * p * (1.0 - p);
        let k = usize::from(treated);
        slope[k] -= w * p * mu / (1.0 + spread);
        information[k] += w * mu / (1.0 + spread);
        along_alpha += w * p * mu * mu * first(spread);
        if best.alpha > 0.0 {
            of_alpha += w * information_of_alpha(best.alpha, mu, p)?;
        }
    }
    let whole = variance;
    for k in 0..2 {
        variance -= slope[k] * slope[k] / information[k];
    }
    if of_alpha > 0.0 {
        variance -= along_alpha * along_alpha / of_alpha;
    }
    if variance.is_nan() || variance <= 1e-12 * whole {
        return Err(Refusal::new(text!("refusal-counts.zeros-no-freedom")));
    }
    let z = (observed as f64 - expected) / variance.sqrt();
    Ok(Zeros {
        observed,
        expected,
        n,
        z,
        p_value: (2.0 * normal_sf(z.abs())).min(1.0),
    })
}

/// E(−∂²ℓ/∂α²) of one customer with mean μ, `p` his probability of 0.
///
/// *Formula* — Σ_j (j/(1 + αj))²P(Y > j), the pmf by its recursion, less the parts in μ.
fn information_of_alpha(alpha: f64, mu: f64, p: f64) -> Result<f64, Refusal> {
    let ratio = mu / (1.0 + alpha * mu);
    // A customer without a chance of 0 tells nothing about zeros.
    if p < 1e-280 {
        return Ok(0.0);
    }
    let (mut mass, mut beyond, mut sum) = (p, 1.0 - p, 0.0);
    for j in 1..=LONGEST_TAIL {
        let j = f64::from(j);
        mass *= ratio * (1.0 + alpha * (j - 1.0)) / j;
        beyond -= mass;
        let r = j / (1.0 + alpha * j);
        sum += r * r * beyond.max(0.0);
        // What is left weighs less than 1/α² each.
        if beyond < 1e-13 && j > mu {
            let parts = mu * mu * mu * second(alpha * mu) + mu * ratio * ratio;
            return Ok((sum - parts).max(0.0));
        }
    }
    Err(Refusal::new(text!("refusal-counts.zeros-long-tail")))
}
