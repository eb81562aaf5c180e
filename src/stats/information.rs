//! What it would be worth to know the truth before a decision.

use super::dist::{normal_cdf, normal_pdf, normal_sf, t_pdf, t_sf};
use super::quadrature::GaussLegendre;

/// E[max(0, X)] for X = mean + sd·T, T of Student with `df` (normal where `None`).
///
/// *Formula* — with u = mean/sd: normal, mean·Φ(u) + sd·φ(u); Student,
/// mean·F(u) + sd·f(u)·(ν + u²)/(ν − 1).
///
/// *Errors* — `None` where the mean of the tail does not exist (df ≤ 1) or an argument is not finite.
///
/// *Source* — Raiffa, H. and Schlaifer, R. (1961), Applied Statistical Decision Theory,
/// section 5.4.1 (unit normal loss integral); the same integral over Student's density.
pub fn expected_gain(mean: f64, sd: f64, df: Option<f64>) -> Option<f64> {
    if !(mean.is_finite() && sd.is_finite() && sd >= 0.0) || df.is_some_and(|df| df <= 1.0) {
        return None;
    }
    if sd == 0.0 {
        return Some(mean.max(0.0));
    }
    let u = mean / sd;
    Some(match df.filter(|df| df.is_finite()) {
        None => mean * normal_cdf(u) + sd * normal_pdf(u),
        Some(df) => mean * t_sf(-u, Some(df)) + sd * t_pdf(u, df) * (df + u * u) / (df - 1.0),
    })
}

/// E[max(0, X, Y)] for X and Y jointly normal, with means, covariance (σ_x², σ_xy, σ_y²).
///
/// *Formula* — over x: E[max(m, Y) │ x] = m + E[max(0, Y − m) │ x] with m = max(0, x), in closed form
/// since Y given x is normal; by Gauss-Legendre panels on ±9 σ_x with an edge at x = 0.
///
/// *Errors* — `None` where a number is not finite or a variance is negative.
pub fn expected_best_of_two(means: [f64; 2], cov: [f64; 3]) -> Option<f64> {
    let [vx, vxy, vy] = cov;
    if !means.iter().chain(&cov).all(|v| v.is_finite()) || vx < 0.0 || vy < 0.0 {
        return None;
    }
    if vx == 0.0 {
        let floor = means[0].max(0.0);
        return Some(floor + expected_gain(means[1] - floor, vy.sqrt(), None)?);
    }
    let sx = vx.sqrt();
    let slope = vxy / vx;
    let left = (vy - slope * vxy).max(0.0).sqrt();
    // Panels of half a standard deviation, and edges where the integrand bends.
    let mut edges: Vec<f64> = (-18..=18)
        .map(|i| means[0] + f64::from(i) * sx / 2.0)
        .collect();
    let (first, last) = (edges[0], edges[edges.len() - 1]);
    let meets = |a: f64, b: f64| (b != 0.0).then(|| a / b);
    let bends = [
        Some(0.0),
        meets(slope * means[0] - means[1], slope),
        meets(means[1] - slope * means[0], 1.0 - slope),
    ];
    edges.extend(
        bends
            .into_iter()
            .flatten()
            .filter(|x| *x > first && *x < last),
    );
    edges.sort_by(f64::total_cmp);
    let mut total = 0.0;
    for (x, weight) in GaussLegendre::new(16).panels(&edges) {
        let floor = x.max(0.0);
        let mean = means[1] + slope * (x - means[0]) - floor;
        let gain = if left > 0.0 {
            let u = mean / left;
            mean * normal_sf(-u) + left * normal_pdf(u)
        } else {
            mean.max(0.0)
        };
        total += weight * normal_pdf((x - means[0]) / sx) / sx * (floor + gain);
    }
    Some(total)
}
