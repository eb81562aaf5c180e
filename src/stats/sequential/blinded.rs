//! Rate and spread of all arms put together, so that a size can be looked at again without
//! looking at the effect.

use super::root;
use crate::stats::estimate::Refusal;

/// Counts above this are refused: their sums would take too long.
const MOST_CONTACTS: u64 = 10_000_000;
/// φ is searched within these.
const LEAST_DISPERSION: f64 = 1e-12;
const MOST_DISPERSION: f64 = 1e9;
/// Below this z = φμ a series replaces what cancels.
const SMALL: f64 = 0.02;

/// Customers with the same exposure and contacts, whatever their arm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pooled {
    /// Exposure; above 0.
    pub exposure: f64,
    /// Contacts.
    pub contacts: u64,
    /// How many customers.
    pub customers: u64,
}

/// What is known without the arms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Blinded {
    /// Contacts per unit of exposure, all arms together.
    pub rate: f64,
    /// NB2 dispersion φ; 0 where counts are no more spread than Poisson.
    pub dispersion: f64,
    /// Customers that it rests on.
    pub customers: u64,
}

impl Blinded {
    /// One negative binomial for everyone, by maximum likelihood.
    ///
    /// *Formula* — y ~ NB2(λe, φ): λ solves Σ (y − λe)/(1 + φλe) = 0 at each φ, φ the root of the
    /// profile likelihood's slope. φ = 0 where Σ[(y − μ)² − y] ≤ 0 at the Poisson fit.
    /// An effect of the treatment adds a little to φ: the arms' difference is part of the spread.
    ///
    /// *Source* — Friede, T. and Schmidli, H. (2010), Statist. Med. 29, 1145-1156, sect. 3.
    ///
    /// # Errors
    /// No customer with exposure, no contact at all, or counts beyond ten million.
    pub fn fit(customers: &[Pooled]) -> Result<Self, Refusal> {
        let data: Vec<&Pooled> = customers
            .iter()
            .filter(|c| c.customers > 0 && c.exposure > 0.0)
            .collect();
        let n: u64 = data.iter().map(|c| c.customers).sum();
        if n == 0 {
            return Err(Refusal::new("no customer has been observed yet"));
        }
        if data.iter().any(|c| c.contacts > MOST_CONTACTS) {
            return Err(Refusal::new(
                "a customer has more than ten million contacts",
            ));
        }
        let fit = Fit { data };
        let plain = fit.sum(|c| c.contacts as f64) / fit.sum(|c| c.exposure);
        if plain <= 0.0 {
            return Err(Refusal::new("there is no contact yet"));
        }
        let excess = fit.sum(|c| {
            let (y, mu) = (c.contacts as f64, plain * c.exposure);
            (y - mu) * (y - mu) - y
        });
        let (rate, dispersion) = if excess <= 0.0 {
            (plain, 0.0)
        } else {
            let log = root::decreasing(LEAST_DISPERSION.ln(), MOST_DISPERSION.ln(), 1e-12, |log| {
                fit.slope(log.exp())
            })
            .ok_or_else(|| {
                Refusal::new("the counts spread more than any negative binomial distribution")
            })?;
            (fit.rate(log.exp()), log.exp())
        };
        Ok(Blinded {
            rate,
            dispersion,
            customers: n,
        })
    }

    /// Control's rate where arms with these ratios to control (its own 1 first) and shares of
    /// the customers give this pooled rate.
    ///
    /// *Source* — Friede and Schmidli (2010), eq. 7.
    ///
    /// # Errors
    /// No arm, or ratios and weights that are not above 0.
    pub fn control_rate(&self, ratios: &[f64], weights: &[f64]) -> Result<f64, Refusal> {
        let usable = |v: &f64| v.is_finite() && *v > 0.0;
        if ratios.is_empty()
            || ratios.len() != weights.len()
            || !ratios.iter().chain(weights).all(usable)
        {
            return Err(Refusal::new("each arm needs a ratio and a weight above 0"));
        }
        let mixed: f64 = ratios.iter().zip(weights).map(|(r, w)| r * w).sum();
        Ok(self.rate * weights.iter().sum::<f64>() / mixed)
    }
}

struct Fit<'a> {
    data: Vec<&'a Pooled>,
}

impl Fit<'_> {
    fn sum(&self, f: impl Fn(&Pooled) -> f64) -> f64 {
        self.data.iter().map(|c| c.customers as f64 * f(c)).sum()
    }

    /// λ at a φ: the root of a score that falls in log λ.
    fn rate(&self, phi: f64) -> f64 {
        let rates = || {
            let observed = self.data.iter().filter(|c| c.contacts > 0);
            observed.map(|c| c.contacts as f64 / c.exposure)
        };
        let plain = self.sum(|c| c.contacts as f64) / self.sum(|c| c.exposure);
        let same = self
            .data
            .iter()
            .all(|c| c.exposure == self.data[0].exposure);
        if same {
            return plain;
        }
        // The score is above 0 where every μ is below every y > 0 by enough, below 0 above all.
        let high = rates().fold(plain, f64::max);
        let score = |log: f64| {
            let rate = log.exp();
            self.sum(|c| {
                let mu = rate * c.exposure;
                (c.contacts as f64 - mu) / (1.0 + phi * mu)
            })
        };
        let low = (plain.ln() - 60.0, high.ln() + 1e-9);
        root::decreasing(low.0, low.1, 1e-13, score).map_or(plain, f64::exp)
    }

    /// Slope of the profile likelihood in φ.
    fn slope(&self, phi: f64) -> f64 {
        let rate = self.rate(phi);
        let most = self.data.iter().map(|c| c.contacts).max().unwrap_or(0);
        // Σ_{j<y} j/(1 + φj), for all y at once.
        let mut order: Vec<&&Pooled> = self.data.iter().collect();
        order.sort_by_key(|c| c.contacts);
        let (mut ladder, mut j, mut slope) = (0.0, 0u64, 0.0);
        for c in order {
            while j < c.contacts.min(most) {
                ladder += j as f64 / (1.0 + phi * j as f64);
                j += 1;
            }
            let mu = rate * c.exposure;
            let z = phi * mu;
            let part = c.contacts as f64 * mu / (1.0 + z);
            slope += c.customers as f64 * (ladder + mu * mu * curve(z) - part);
        }
        slope
    }
}

/// (log(1 + z) − z/(1 + z))/z².
fn curve(z: f64) -> f64 {
    if z < SMALL {
        // Σ_{j≥2} (−1)ʲ zʲ⁻² (j − 1)/j; twelve terms leave 1e-20.
        let mut sum = 0.0;
        for j in (2..=13).rev() {
            let j = f64::from(j);
            sum = (j - 1.0) / j - z * sum;
        }
        return sum;
    }
    (z.ln_1p() - z / (1.0 + z)) / (z * z)
}
