//! Does the effect fade? A trend test, and an exponential decay by generalised least squares.

use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

use crate::texts::text;

use super::dist::{normal_isf, normal_sf};
use super::estimate::{Interval, Refusal};

/// Decay rates are sought between minus and plus this, a week: a half-life of a quarter of a
/// week, which weekly figures cannot tell from an effect in the first week alone.
const FASTEST: f64 = 4.0 * std::f64::consts::LN_2;
/// Points of the first search; the profile is smooth over far longer stretches than 2·FASTEST/800.
const GRID: usize = 801;
/// A step of the decay rate that moves nothing in 12 digits.
const SETTLED: f64 = 1e-13;
/// Gauss-Newton converges in about ten steps; it is stopped here.
const MOST_STEPS: usize = 200;

/// The effect as it develops from week to week.
#[derive(Debug, Clone, PartialEq)]
pub struct Fade {
    /// Weeks.
    pub weeks: usize,
    /// Effect if it is the same in all weeks (generalised least squares), and its standard error.
    pub constant: (f64, f64),
    /// Change of the effect from a week to the next, as a straight line, and its standard error.
    pub trend: (f64, f64),
    /// trend/se.
    pub z: f64,
    /// Two-sided p-value of no trend.
    pub p_value: f64,
    /// Whether the trend points to 0: the effect gets smaller.
    pub fading: bool,
    /// The exponential decay; refused where the weeks cannot tell a rate.
    pub decay: Result<Decay, Refusal>,
}

/// δ_w = start · e^(−rate·w).
#[derive(Debug, Clone, PartialEq)]
pub struct Decay {
    /// Effect in the first week.
    pub start: f64,
    /// Its standard error.
    pub start_se: f64,
    /// Decay rate a week; negative where the effect grows.
    pub rate: f64,
    /// Its standard error.
    pub rate_se: f64,
    /// Covariance of start and rate.
    pub covariance: f64,
    /// Interval of the rate.
    pub rate_interval: (f64, f64),
    /// Weeks in which half of the effect is lost; `None` where it does not shrink.
    pub half_life: Option<f64>,
    /// Interval of the half-life; an end is `None` where it is unbounded.
    pub half_life_interval: Interval,
    /// (d − δ)'V⁻¹(d − δ): what the curve leaves unexplained, χ² with weeks − 2 degrees of freedom.
    pub misfit: f64,
}

impl Decay {
    /// The effect that the curve gives for a week, from 0.
    pub fn at(&self, week: f64) -> f64 {
        self.start * (-self.rate * week).exp()
    }
}

/// Fits trend and decay to weekly effects `d` with covariance `v`.
///
/// *Formula* — with w = 0, 1, …: the trend is the slope b of d_w = a + b·w by generalised least
/// squares, β = (X'V⁻¹X)⁻¹X'V⁻¹d, and z = b/se(b). It is the score test of rate 0 in the decay,
/// and keeps its size where there is no effect to fade. The decay is
/// δ_w = δ₀·e^(−λw) = δ₀·2^(−w/half-life), which minimises (d − δ)'V⁻¹(d − δ): for each λ the best
/// δ₀ is linear, so λ is searched on a grid between half-lives of ± a quarter of a week, and
/// the best point improved by Gauss-Newton in both. Covariance (J'V⁻¹J)⁻¹. The interval of the rate is
/// λ ± z se(λ); the half-life's is its image under log 2/λ, so an end is unbounded (`None`)
/// where the rate's end is not above 0.
///
/// *Assumes* — weekly effects are nearly normal and V is known; both hold for hundreds of
/// customers an arm. The decay's interval is meant for effects that are clearly there.
///
/// *Errors* — fewer than three weeks, a V that is not positive definite (for example a week
/// without any contact), numbers that are not finite. `decay` is refused by itself where the
/// best rate lies at the end of the search, or where there is no effect at all.
///
/// *Source* — Seber & Wild (1989), Nonlinear Regression, 2.1.4 (generalised least squares), 2.8 (delta
/// method).
pub fn fit(d: &[f64], v: &[Vec<f64>], alpha: f64) -> Result<Fade, Refusal> {
    let weeks = d.len();
    if weeks < 3 {
        return Err(Refusal::new(text!("refusal-weeks.few-weeks")));
    }
    let finite = d.iter().chain(v.iter().flatten()).all(|x| x.is_finite());
    if !finite || v.len() != weeks || v.iter().any(|row| row.len() != weeks) {
        return Err(Refusal::new(text!("refusal-weeks.not-finite")));
    }
    let singular = || Refusal::new(text!("refusal-weeks.singular"));
    // With unit diagonal, so that singular means the same in every unit of the outcome.
    let scale: Vec<f64> = (0..weeks).map(|w| v[w][w].sqrt()).collect();
    if !scale.iter().all(|s| *s > 0.0) {
        return Err(singular());
    }
    let correlation = DMatrix::from_fn(weeks, weeks, |w, u| v[w][u] / scale[w] / scale[u]);
    let factor = Cholesky::new(correlation).ok_or_else(singular)?;
    if factor.l_dirty().diagonal().iter().any(|x| *x < 1e-6) {
        return Err(singular());
    }
    let white = White { scale, factor };
    let z = white.of(|w| d[w]);
    let one = white.of(|_| 1.0);
    let line = white.of(|w| w as f64);
    let (aa, ab, bb) = (one.dot(&one), one.dot(&line), line.dot(&line));
    let (ya, yb) = (one.dot(&z), line.dot(&z));
    let determinant = aa * bb - ab * ab;
    if determinant.is_nan() || determinant <= 0.0 {
        return Err(singular());
    }
    let constant = (ya / aa, (1.0 / aa).sqrt());
    let slope = (aa * yb - ab * ya) / determinant;
    let slope_se = (aa / determinant).sqrt();
    let statistic = slope / slope_se;
    Ok(Fade {
        weeks,
        constant,
        trend: (slope, slope_se),
        z: statistic,
        p_value: (2.0 * normal_sf(statistic.abs())).min(1.0),
        fading: slope * constant.0 < 0.0,
        decay: decay(&white, &z, alpha),
    })
}

/// Multiplies by V^(−1/2).
struct White {
    scale: Vec<f64>,
    factor: Cholesky<f64, Dyn>,
}

impl White {
    fn of(&self, value: impl Fn(usize) -> f64) -> DVector<f64> {
        let mut column = DVector::from_fn(self.scale.len(), |w, _| value(w) / self.scale[w]);
        // The diagonal was seen to be above 0.
        self.factor
            .l_dirty()
            .solve_lower_triangular_mut(&mut column);
        column
    }

    fn curve(&self, rate: f64) -> DVector<f64> {
        self.of(|w| (-rate * w as f64).exp())
    }

    fn slope(&self, rate: f64) -> DVector<f64> {
        self.of(|w| -(w as f64) * (-rate * w as f64).exp())
    }
}

fn decay(white: &White, z: &DVector<f64>, alpha: f64) -> Result<Decay, Refusal> {
    let explained = |rate: f64| {
        let u = white.curve(rate);
        let (uz, uu) = (u.dot(z), u.dot(&u));
        uz * uz / uu
    };
    let rates = (0..GRID).map(|i| FASTEST * (2.0 * i as f64 / (GRID - 1) as f64 - 1.0));
    let finite = rates.map(|r| (r, explained(r))).filter(|p| p.1.is_finite());
    let best = finite.max_by(|a, b| a.1.total_cmp(&b.1));
    let Some((mut rate, most)) = best.filter(|b| b.1 > 0.0) else {
        return Err(Refusal::new(text!("refusal-weeks.no-effect")));
    };
    let edge = || Refusal::new(text!("refusal-weeks.no-rate"));
    if most.is_nan() || rate.abs() >= FASTEST * (1.0 - 1e-9) {
        return Err(edge());
    }
    let linear = |rate: f64| {
        let u = white.curve(rate);
        u.dot(z) / u.dot(&u)
    };
    let misfit = |start: f64, rate: f64| (z - white.curve(rate) * start).norm_squared();
    let mut start = linear(rate);
    for _ in 0..MOST_STEPS {
        let (u, du) = (white.curve(rate), white.slope(rate) * start);
        let residual = z - &u * start;
        let (aa, ab, bb) = (u.dot(&u), u.dot(&du), du.dot(&du));
        let determinant = aa * bb - ab * ab;
        let step = (aa * du.dot(&residual) - ab * u.dot(&residual)) / determinant;
        if !step.is_finite() {
            return Err(edge());
        }
        let now = misfit(start, rate);
        let mut share = 1.0;
        while share > 1e-6 && misfit(linear(rate + share * step), rate + share * step) > now {
            share /= 2.0;
        }
        if share <= 1e-6 {
            break;
        }
        rate += share * step;
        start = linear(rate);
        if rate.abs() >= FASTEST {
            return Err(edge());
        }
        if (share * step).abs() <= SETTLED * rate.abs().max(1e-3) {
            break;
        }
    }
    let (u, du) = (white.curve(rate), white.slope(rate) * start);
    let (aa, ab, bb) = (u.dot(&u), u.dot(&du), du.dot(&du));
    let determinant = aa * bb - ab * ab;
    let (start_se, rate_se) = ((bb / determinant).sqrt(), (aa / determinant).sqrt());
    if !(start_se.is_finite() && rate_se.is_finite()) {
        return Err(edge());
    }
    let reach = normal_isf(alpha / 2.0) * rate_se;
    let half_life = |rate: f64| {
        let weeks = std::f64::consts::LN_2 / rate;
        (rate > 0.0 && weeks.is_finite()).then_some(weeks)
    };
    Ok(Decay {
        start,
        start_se,
        rate,
        rate_se,
        covariance: -ab / determinant,
        rate_interval: (rate - reach, rate + reach),
        half_life: half_life(rate),
        half_life_interval: Interval {
            lower: half_life(rate + reach),
            upper: half_life(rate - reach),
        },
        misfit: misfit(start, rate),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagonal(n: usize, variance: f64) -> Vec<Vec<f64>> {
        let entry = |w: usize, u: usize| if w == u { variance } else { 0.0 };
        (0..n)
            .map(|w| (0..n).map(|u| entry(w, u)).collect())
            .collect()
    }

    #[test]
    fn a_pure_decay_comes_back() {
        for half_life in [0.4, 1.0, 5.0, 40.0] {
            let d: Vec<f64> = (0..8)
                .map(|w| -0.3 * 2f64.powf(-f64::from(w) / half_life))
                .collect();
            let fade = fit(&d, &diagonal(8, 1e-4), 0.05).unwrap();
            let decay = fade.decay.unwrap();
            assert!((decay.start + 0.3).abs() < 1e-9, "{decay:?}");
            assert!(
                (decay.half_life.unwrap() / half_life - 1.0).abs() < 1e-7,
                "{decay:?}"
            );
            assert!(fade.fading && decay.misfit < 1e-12);
        }
    }

    #[test]
    fn a_constant_or_growing_effect_has_no_half_life() {
        let growing: Vec<f64> = (0..6).map(|w| -0.1 * 1.1f64.powi(w)).collect();
        let fade = fit(&growing, &diagonal(6, 1e-5), 0.05).unwrap();
        assert!(!fade.fading);
        let decay = fade.decay.unwrap();
        assert_eq!(decay.half_life, None);
        assert!((decay.rate + 1.1f64.ln()).abs() < 1e-9);
    }

    #[test]
    fn what_cannot_be_told_is_refused() {
        let none = fit(&[0.0; 5], &diagonal(5, 1.0), 0.05).unwrap();
        assert!(none.decay.is_err());
        assert_eq!(none.p_value, 1.0);
        let first_only = fit(&[-1.0, 0.0, 0.0, 0.0], &diagonal(4, 1e-4), 0.05).unwrap();
        assert!(first_only.decay.is_err());
        assert!(fit(&[1.0, 2.0], &diagonal(2, 1.0), 0.05).is_err());
        assert!(fit(&[1.0; 4], &diagonal(4, 0.0), 0.05).is_err());
        assert!(fit(&[1.0; 4], &vec![vec![1.0; 4]; 4], 0.05).is_err());
        assert!(fit(&[f64::NAN; 4], &diagonal(4, 1.0), 0.05).is_err());
    }

    #[test]
    fn units_change_the_numbers_and_nothing_else() {
        let d = [-0.2, -0.11, -0.13, -0.05, -0.07];
        let entry = |w: usize, u: usize| {
            let own = if w == u { 4e-4 } else { 0.0 };
            own + 1e-4 * 0.5f64.powi(w.abs_diff(u) as i32)
        };
        let row = |w: usize| (0..5).map(|u| entry(w, u)).collect();
        let v: Vec<Vec<f64>> = (0..5).map(row).collect();
        let one = fit(&d, &v, 0.05).unwrap();
        let k = 1e7;
        let scaled: Vec<Vec<f64>> = v
            .iter()
            .map(|r| r.iter().map(|x| x * k * k).collect())
            .collect();
        let other = fit(&d.map(|x| x * k), &scaled, 0.05).unwrap();
        let (a, b) = (one.decay.unwrap(), other.decay.unwrap());
        let close = |x: f64, y: f64| (x / y - 1.0).abs() < 1e-9;
        assert!(close(a.rate, b.rate) && close(a.rate_se, b.rate_se));
        assert!(close(a.start * k, b.start) && close(one.z, other.z));
    }
}
