//! Distribution functions against mpmath with 40 digits.

use pilot::stats::dist::{chi_squared_sf, normal_cdf, normal_isf, normal_sf, t_isf, t_sf};
use serde_json::Value;

/// What p-values need and interval ends far exceed. The exponent of a p of
/// 1e-300 is 690, so one rounding of it already costs 1e-13.
const RELATIVE: f64 = 1e-12;

fn rows(name: &str) -> Vec<Vec<f64>> {
    let text = include_str!("../reference/distributions.json");
    let all: Value = serde_json::from_str(text).unwrap();
    serde_json::from_value(all[name].clone()).unwrap()
}

fn check(name: &str, ours: impl Fn(&[f64]) -> f64) {
    let mut worst = (0.0, vec![]);
    for row in rows(name) {
        let (expected, arguments) = row.split_last().unwrap();
        let got = ours(arguments);
        let error = ((got - expected) / expected).abs();
        assert!(
            error <= RELATIVE,
            "{name}{arguments:?}: {got:e} for {expected:e}, off by {error:e}"
        );
        if error > worst.0 {
            worst = (error, row);
        }
    }
    println!("{name}: worst {worst:?}");
}

#[test]
fn normal_tail_and_quantile() {
    check("normal_sf", |a| normal_sf(a[0]));
    check("normal_isf", |a| normal_isf(a[0]));
}

#[test]
fn student_tail_and_quantile() {
    check("t_sf", |a| t_sf(a[1], Some(a[0])));
    check("t_isf", |a| t_isf(a[1], Some(a[0])));
}

#[test]
fn chi_squared_tail() {
    check("chi_squared_sf", |a| chi_squared_sf(a[1], a[0]));
}

#[test]
fn symmetric_and_at_the_edges() {
    for df in [None, Some(1.0), Some(3.5), Some(1e12)] {
        assert_eq!(t_sf(0.0, df), 0.5);
        assert_eq!(t_isf(0.5, df), 0.0);
        assert_eq!(t_sf(f64::INFINITY, df), 0.0);
        assert_eq!(t_sf(f64::NEG_INFINITY, df), 1.0);
        assert_eq!(t_isf(0.0, df), f64::INFINITY);
        assert_eq!(t_isf(1.0, df), f64::NEG_INFINITY);
        for p in [0.6, 0.9, 0.975] {
            assert!((t_isf(p, df) + t_isf(1.0 - p, df)).abs() < 1e-14);
        }
    }
    assert_eq!(normal_cdf(1.5), normal_sf(-1.5));
    assert!(t_sf(1.0, Some(0.0)).is_nan());
    assert!(chi_squared_sf(1.0, -1.0).is_nan());
    assert_eq!(chi_squared_sf(0.0, 3.0), 1.0);
    assert_eq!(chi_squared_sf(f64::INFINITY, 3.0), 0.0);
}
