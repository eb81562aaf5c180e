//! What past counts say about a pilot's size.

use crate::engine::History;
use crate::table::Moments;

/// Rate, dispersion and correlation of past counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Baseline {
    /// Customers behind it.
    pub customers: u64,
    /// Contacts per customer in the window.
    pub rate: f64,
    /// NB2 dispersion φ: variance = μ + φμ².
    pub dispersion: f64,
    /// Correlation of a customer's counts before and after, where both are known.
    pub correlation: Option<f64>,
}

/// Rate, dispersion by moments, and correlation.
///
/// *Formula* — φ = max(0, (s² − ȳ)/ȳ²); ρ = Pearson's r of before and after.
///
/// *Source* — Anscombe (1950), method of moments.
///
/// `None` without a customer or a contact.
pub fn baseline(h: &History) -> Option<Baseline> {
    if h.n < 2 || h.y == 0 {
        return None;
    }
    let n = h.n as f64;
    let rate = h.y as f64 / n;
    let variance = Moments::centred(h.n, h.y, h.y, h.yy) / (n - 1.0);
    let (sxx, syy, sxy) = (
        Moments::centred(h.paired, h.x, h.x, h.xx),
        Moments::centred(h.paired, h.paired_y, h.paired_y, h.paired_yy),
        Moments::centred(h.paired, h.x, h.paired_y, h.xy),
    );
    Some(Baseline {
        customers: h.n,
        rate,
        dispersion: ((variance - rate) / (rate * rate)).max(0.0),
        correlation: (sxx > 0.0 && syy > 0.0).then(|| (sxy / (sxx * syy).sqrt()).clamp(-1.0, 1.0)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_by_hand() {
        // y = 0, 2, 4 and x = 1, 2, 3: mean 2, variance 4, φ = (4 − 2)/4, r = 1.
        let h = History {
            n: 3,
            y: 6,
            yy: 20,
            paired: 3,
            x: 6,
            xx: 14,
            xy: 16,
            paired_y: 6,
            paired_yy: 20,
        };
        let b = baseline(&h).unwrap();
        assert_eq!((b.rate, b.dispersion, b.correlation), (2.0, 0.5, Some(1.0)));
        assert_eq!(baseline(&History::default()), None);
    }
}
