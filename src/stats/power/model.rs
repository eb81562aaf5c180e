//! Effect and variance of one comparison, as functions of the ratio.

use super::{Method, Question};

/// Halvings until an interval is as narrow as an f64 can say.
const HALVINGS: usize = 200;

/// The weakest comparison of a question, per control customer.
pub(super) struct Model {
    method: Method,
    rate: f64,
    exposure: f64,
    dispersion: f64,
    margin: f64,
    /// Weight of the smallest treatment arm over control's.
    weight: f64,
    /// Effective customers per customer.
    yield_: f64,
}

impl Model {
    /// The part of a question that information depends on; its weights are of two arms or more.
    pub fn new(q: &Question) -> Self {
        let smallest = q.weights[1..].iter().copied().fold(f64::INFINITY, f64::min);
        Model {
            method: q.method,
            rate: q.rate,
            exposure: q.exposure,
            dispersion: q.dispersion,
            margin: q.margin,
            weight: smallest / q.weights[0],
            yield_: (1.0 - q.attrition) / (q.unexplained() * q.design_effect()),
        }
    }

    /// Effective control customers per customer of all arms.
    pub fn information(&self, control_share: f64) -> f64 {
        control_share * self.yield_
    }

    /// |effect|/√V: the expected z of one effective control customer.
    pub fn signal(&self, ratio: f64) -> f64 {
        match self.method {
            Method::Nb => self.signal_of_log((self.margin / ratio).ln()),
            Method::Means => {
                let m = self.rate * self.exposure;
                let variance = |m: f64| m + self.dispersion * m * m;
                let v = self.margin * self.margin * variance(m) + variance(m * ratio) / self.weight;
                m * (self.margin - ratio).abs() / v.sqrt()
            }
        }
    }

    /// V = constant + growing·e^t at log(margin/ratio) = t.
    fn log_variance(&self) -> (f64, f64) {
        let contacts = self.rate * self.exposure;
        (
            1.0 / contacts + self.dispersion * (1.0 + 1.0 / self.weight),
            1.0 / (self.weight * contacts * self.margin),
        )
    }

    fn signal_of_log(&self, t: f64) -> f64 {
        let (constant, growing) = self.log_variance();
        t.abs() / (constant + growing * t.exp()).sqrt()
    }

    /// The exposure at which a ratio has the signal 1/`inverse`; `None` where dispersion alone
    /// hides it.
    ///
    /// V/m² falls with the exposure towards what dispersion contributes, so the root is direct.
    pub fn exposure_of(&self, ratio: f64, inverse: f64) -> Option<f64> {
        let (effect, counting, spread) = match self.method {
            Method::Nb => (
                (self.margin / ratio).ln(),
                1.0 + 1.0 / (self.weight * ratio),
                1.0 + 1.0 / self.weight,
            ),
            Method::Means => (
                self.margin - ratio,
                self.margin * self.margin + ratio / self.weight,
                self.margin * self.margin + ratio * ratio / self.weight,
            ),
        };
        let room = (effect * inverse).powi(2) - self.dispersion * spread;
        (room > 0.0).then(|| counting / (room * self.rate))
    }

    /// The ratio below the margin and nearest to it with this signal.
    pub fn ratio_of(&self, signal: f64) -> Option<f64> {
        if !(signal.is_finite() && signal > 0.0) {
            return None;
        }
        match self.method {
            Method::Nb => {
                // The signal rises up to the t with 1/t = ½·growing·e^t/V, then falls.
                let (constant, growing) = self.log_variance();
                let peak = bisect(0.0, 700.0, |t| {
                    let part = growing * t.exp();
                    t * part < 2.0 * (constant + part)
                });
                (self.signal_of_log(peak) >= signal).then(|| {
                    let t = bisect(0.0, peak, |t| self.signal_of_log(t) < signal);
                    self.margin * (-t).exp()
                })
            }
            Method::Means => (self.signal(0.0) >= signal).then(|| {
                self.margin
                    * (1.0 - bisect(0.0, 1.0, |t| self.signal(self.margin * (1.0 - t)) < signal))
            }),
        }
    }
}

/// Where `below` turns from true to false between two ends.
fn bisect(mut low: f64, mut high: f64, below: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if below(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}
