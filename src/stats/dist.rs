//! Distribution functions, tails computed directly so that small p-values keep their digits.

use statrs::distribution::{ChiSquared, ContinuousCDF, StudentsT};
use statrs::function::erf::{erfc, erfc_inv};

/// P(Z > z) for a standard normal.
pub fn normal_sf(z: f64) -> f64 {
    0.5 * erfc(z / std::f64::consts::SQRT_2)
}

/// P(Z ≤ z) for a standard normal.
pub fn normal_cdf(z: f64) -> f64 {
    normal_sf(-z)
}

/// The z with P(Z > z) = p, for 0 < p < 1.
pub fn normal_isf(p: f64) -> f64 {
    std::f64::consts::SQRT_2 * erfc_inv(2.0 * p)
}

/// P(T > t) for Student's t; normal where `df` is `None`.
pub fn t_sf(t: f64, df: Option<f64>) -> f64 {
    match df {
        Some(df) => StudentsT::new(0.0, 1.0, df).map_or(f64::NAN, |d| d.sf(t)),
        None => normal_sf(t),
    }
}

/// The t with P(T > t) = p; normal where `df` is `None`.
pub fn t_isf(p: f64, df: Option<f64>) -> f64 {
    match df {
        Some(df) => StudentsT::new(0.0, 1.0, df).map_or(f64::NAN, |d| -d.inverse_cdf(p)),
        None => normal_isf(p),
    }
}

/// P(X > x) for χ² with `df` degrees of freedom.
pub fn chi_squared_sf(x: f64, df: f64) -> f64 {
    ChiSquared::new(df).map_or(f64::NAN, |d| d.sf(x))
}
