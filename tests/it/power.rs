//! Sizes, power and sample ratio against R and statsmodels; inversions.

use std::fs;

use pilot::planning::power_curves;
use pilot::report::power_chart;
use pilot::stats::power::{Family, Looks, Method, Question, answer};
use pilot::stats::sequential::Boundary;
use pilot::stats::srm::goodness_of_fit;
use proptest::prelude::*;
use serde_json::Value;

use crate::report::check_layout;

/// Quantiles of the normal distribution to 1e-11 on both sides, squared; a root to the last bit.
const RELATIVE: f64 = 1e-9;
/// What the definition promises.
const INVERSION: f64 = 1e-6;

fn records(part: &str) -> Vec<Value> {
    let text = fs::read_to_string("tests/reference/power.json").unwrap();
    let mut all: Value = serde_json::from_str(&text).unwrap();
    serde_json::from_value(all[part].take()).unwrap()
}

fn close(a: f64, b: f64, relative: f64) -> bool {
    (a - b).abs() <= relative * a.abs().max(b.abs())
}

fn numbers(v: &Value) -> Vec<f64> {
    v.as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap())
        .collect()
}

#[test]
fn negative_binomial_sizes() {
    for record in records("nb") {
        let v = |name: &str| record["values"][name].as_f64().unwrap();
        let ratio = v("rate_treatment") / v("rate_control");
        let q = Question {
            rate: v("rate_control"),
            dispersion: v("dispersion_k"),
            exposure: v("exposure"),
            reduction: Some(1.0 - ratio),
            alpha: v("alpha_two_sided"),
            power: Some(v("power")),
            weights: vec![1.0, v("ratio_t_over_c")],
            replicates: 0,
            ..Question::default()
        };
        let a = answer(&q).unwrap();
        let id = &record["id"];
        assert!(
            close(a.n_per_arm_exact[0], v("n_control_v0_equals_v1"), RELATIVE),
            "{id}: {a:?}"
        );
        assert_eq!(
            a.n_per_arm[0] as f64,
            v("n_control_v0_equals_v1_ceiling"),
            "{id}"
        );
        let customers = v("at_n_control") * (1.0 + v("ratio_t_over_c"));
        let b = answer(&Question {
            customers: Some(customers as u64),
            ..q.clone()
        })
        .unwrap();
        assert!(
            close(b.power, v("power_v0_equals_v1"), RELATIVE),
            "{id}: {b:?}"
        );
        let smallest = 1.0 - b.smallest_reduction.unwrap();
        assert!(
            close(
                smallest,
                v("mde_rate_ratio_decrease_v0_equals_v1"),
                RELATIVE
            ),
            "{id}: {smallest}"
        );
    }
}

#[test]
fn sample_ratios() {
    for record in records("srm") {
        let v = &record["values"];
        let observed: Vec<u64> = numbers(&v["observed"]).iter().map(|&n| n as u64).collect();
        let weights: Vec<u64> = numbers(&v["expected_share"])
            .iter()
            .map(|&s| (s * 30.0).round() as u64)
            .collect();
        let c = goodness_of_fit(&observed, &weights).unwrap();
        assert!(close(c.statistic, v["chi2"].as_f64().unwrap(), RELATIVE));
        assert_eq!(c.df, v["df"].as_f64().unwrap());
        assert!(
            close(c.p_value, v["p"].as_f64().unwrap(), RELATIVE),
            "{record}"
        );
    }
}

#[test]
fn means_by_hand() {
    // m 2, 1.5; variances 2 + .5·4 = 4 and 1.5 + .5·2.25 = 2.625; one-sided 2.5 %, 80 %:
    // (1.959963985 + .841621234)²·6.625/.25 = 7.848879735·26.5.
    let q = Question {
        method: Method::Means,
        rate: 1.0,
        exposure: 2.0,
        dispersion: 0.5,
        reduction: Some(0.25),
        alpha: 0.025,
        sides: 1,
        replicates: 0,
        ..Question::default()
    };
    let n = answer(&q).unwrap().n_per_arm_exact[0];
    assert!(close(n, 7.848879734349 * 26.5, RELATIVE), "{n}");
    // Adjustment by a covariate with ρ .6 leaves 64 % of the variance.
    let adjusted = answer(&Question {
        correlation: 0.6,
        ..q.clone()
    })
    .unwrap();
    assert!(close(adjusted.n_per_arm_exact[0], 0.64 * n, RELATIVE));
    // Clusters of 20 with cv .5 and icc .02: 1 + (1.25·20 − 1)·.02 = 1.48; a tenth lost.
    let clustered = answer(&Question {
        icc: 0.02,
        cluster_size: 20.0,
        cluster_cv: 0.5,
        attrition: 0.1,
        ..q
    })
    .unwrap();
    assert!(close(
        clustered.n_per_arm_exact[0],
        1.48 / 0.9 * n,
        RELATIVE
    ));
}

/// A question whose two arms have standard deviation 1 on average and means `d` apart.
fn standardised(d: f64, power: f64) -> Question {
    // m = 1, 20 % fewer: (0.2/d)² is the mean of 1 + φ and .8 + .64φ.
    let dispersion = ((0.2 / d).powi(2) - 0.9) / 0.82;
    Question {
        method: Method::Means,
        rate: 1.0,
        dispersion,
        reduction: Some(0.2),
        power: Some(power),
        replicates: 0,
        ..Question::default()
    }
}

#[test]
fn sizes_of_means_agree_with_r() {
    let text = fs::read_to_string("tests/reference/power_means.json").unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    for record in all["results"].as_array().unwrap() {
        let v = |name: &str| record["values"][name].as_f64();
        let d = v("effect_d").unwrap();
        // d .5 would need less variance than Poisson counts have: a quarter of the customers of d .25.
        let (d, times) = if d > 0.21 { (d / 2.5, 6.25) } else { (d, 1.0) };
        if let Some(power) = v("power") {
            let q = standardised(d, power);
            let n = answer(&q).unwrap().n_per_arm_exact[0] / times;
            assert!(
                close(n, v("n_per_arm_z").unwrap(), RELATIVE),
                "{record} {n}"
            );
            let adjusted = answer(&Question {
                correlation: 0.6,
                ..q
            })
            .unwrap();
            let n = adjusted.n_per_arm_exact[0] / times;
            assert!(close(n, v("n_per_arm_z_ancova_rho_0.6").unwrap(), RELATIVE));
        } else {
            let q = Question {
                customers: Some(2 * v("n1").unwrap() as u64),
                ..standardised(d, 0.8)
            };
            let a = answer(&q).unwrap();
            assert!(
                close(a.power, v("power_z").unwrap(), RELATIVE),
                "{record} {a:?}"
            );
        }
    }
}

/// Integrals along the looks; both programs' own accuracy is better.
const LOOKS: f64 = 1e-5;

#[test]
fn looks_agree_with_rpact() {
    let text = fs::read_to_string("tests/reference/group_sequential.json").unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let mut inflated = 0;
    for record in all["results"].as_array().unwrap() {
        let v = &record["values"];
        let id = record["id"].as_str().unwrap();
        let boundary = match id.split('.').nth(1).unwrap() {
            name if name.starts_with("pocock") => ("classic-pocock", None),
            name if name.starts_with("obrien_fleming") => ("classic-obrien-fleming", None),
            name if name.starts_with("ld_obf") => ("obrien-fleming", None),
            name if name.starts_with("ld_pocock") => ("pocock", None),
            name if name.starts_with("kim_demets_rho2") => ("kim-demets", Some(2.0)),
            name if name.starts_with("hsd_gamma_minus4") => ("hwang-shih-decani", Some(-4.0)),
            _ => continue,
        };
        let q = Question {
            rate: 1.0,
            dispersion: 0.5,
            reduction: Some(0.3),
            alpha: v["alpha"].as_f64().unwrap(),
            sides: v["sided"].as_f64().unwrap() as u8,
            power: Some(0.9),
            looks: Some(Looks {
                information: numbers(&v["information"]),
                boundary: Boundary::from_name(boundary.0, boundary.1).unwrap(),
            }),
            replicates: 0,
            ..Question::default()
        };
        let a = answer(&q).unwrap();
        let z: Vec<f64> = a.boundaries.iter().map(|b| b.z).collect();
        for (found, expected) in z.iter().zip(numbers(&v["critical_z"])) {
            assert!(close(*found, expected, LOOKS), "{id}: {found} {expected}");
        }
        assert_eq!(a.critical_value, z[z.len() - 1]);
        if let Some(expected) = v["inflation_factor_power90"].as_f64() {
            assert!(close(a.inflation.unwrap(), expected, LOOKS), "{id}: {a:?}");
            let fixed = answer(&Question {
                looks: None,
                ..q.clone()
            })
            .unwrap();
            let times = a.n_per_arm_exact[0] / fixed.n_per_arm_exact[0];
            assert!(close(times, expected, LOOKS), "{id}: {times}");
            inflated += 1;
        }
        // n, power and effect still give each other back.
        assert!(close(a.power, 0.9, INVERSION), "{id}: {a:?}");
        assert!(close(a.smallest_reduction.unwrap(), 0.3, INVERSION), "{id}");
    }
    assert!(inflated >= 10);
}

#[test]
fn looks_share_alpha_between_treatments() {
    let looks = |weights: Vec<f64>, family| Question {
        rate: 1.0,
        dispersion: 0.5,
        reduction: Some(0.3),
        weights,
        family,
        looks: Some(Looks {
            information: vec![0.5, 1.0],
            boundary: Boundary::from_name("obrien-fleming", None).unwrap(),
        }),
        replicates: 0,
        ..Question::default()
    };
    let spent = |q: &Question| answer(q).unwrap().boundaries[1].spent;
    assert!(close(
        spent(&looks(vec![1.0; 4], Family::Dunnett)),
        0.05 / 3.0,
        RELATIVE
    ));
    assert!(close(
        spent(&looks(vec![1.0; 4], Family::Alone)),
        0.05,
        RELATIVE
    ));
}

#[test]
fn simulated_looks_find_what_the_formula_says() {
    let q = Question {
        rate: 1.0,
        dispersion: 0.5,
        reduction: Some(0.2),
        looks: Some(Looks {
            information: vec![0.3, 0.6, 1.0],
            boundary: Boundary::from_name("pocock", None).unwrap(),
        }),
        replicates: 4000,
        seed: 2,
        ..Question::default()
    };
    let a = answer(&q).unwrap();
    let (share, se) = (a.power_simulated.unwrap(), a.power_simulated_se.unwrap());
    // Wald's test is a little liberal at early looks.
    assert!((share - 0.8).abs() < 4.0 * se + 0.01, "{share} ± {se}");
}

#[test]
fn the_chart_can_be_read() {
    let base = Question {
        rate: 0.6,
        dispersion: 1.2,
        reduction: Some(0.2),
        replicates: 400,
        ..Question::default()
    };
    let cases = [
        ("plain", base.clone()),
        (
            "increase",
            Question {
                reduction: Some(-0.3),
                ..base.clone()
            },
        ),
        (
            "nearly all",
            Question {
                reduction: Some(0.95),
                ..base.clone()
            },
        ),
        (
            "tiny",
            Question {
                reduction: Some(0.0005),
                ..base.clone()
            },
        ),
        (
            "margin",
            Question {
                reduction: Some(0.0),
                margin: 1.15,
                ..base.clone()
            },
        ),
        (
            "smallest",
            Question {
                reduction: None,
                customers: Some(3_000_000),
                ..base.clone()
            },
        ),
        (
            "arms",
            Question {
                weights: vec![3.0, 1.0, 2.0],
                power: Some(0.99),
                ..base.clone()
            },
        ),
        (
            "looks",
            Question {
                looks: Some(Looks {
                    information: vec![0.4, 1.0],
                    boundary: Boundary::from_name("pocock", None).unwrap(),
                }),
                ..base.clone()
            },
        ),
    ];
    for (name, q) in cases {
        let a = answer(&q).unwrap();
        let curves = power_curves(&q, &a).unwrap().unwrap();
        for curve in &curves.curves {
            for points in [&curve.by_customers, &curve.by_reduction] {
                assert!(points.len() > 40, "{name}");
                assert!(points.iter().all(|p| (0.0..=1.0).contains(&p.1)), "{name}");
            }
            // More customers never find less.
            let power = curve.by_customers.windows(2);
            assert!(power.into_iter().all(|w| w[1].1 >= w[0].1 - 1e-9), "{name}");
        }
        let [svg, png] = power_chart(&curves, "pilot · assumed: much").unwrap();
        check_layout(name, std::str::from_utf8(&svg.bytes).unwrap());
        assert!(png.bytes.starts_with(b"\x89PNG"));
    }
    // Six customers find nothing: there is no curve.
    let q = Question {
        reduction: None,
        customers: Some(6),
        rate: 0.1,
        ..base
    };
    let a = answer(&q).unwrap();
    assert_eq!(power_curves(&q, &a).unwrap(), None);
}

#[test]
fn answer_has_the_contracts_names() {
    let q = Question {
        rate: 1.0,
        reduction: Some(0.2),
        ..Question::default()
    };
    let json = serde_json::to_value(answer(&q).unwrap()).unwrap();
    let names: Vec<&str> = json
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        names,
        [
            "n_per_arm",
            "n_per_arm_exact",
            "n_total",
            "power",
            "power_simulated",
            "smallest_reduction",
            "inflation",
            "boundaries",
            "critical_value",
            "method",
            "power_simulated_se",
            "replicates",
            "not_simulated",
            "exposure_needed",
            "enrolment_days"
        ]
    );
}

/// Questions below the peak of `nb`'s power, where each of the three follows from the other two.
fn questions() -> impl Strategy<Value = Question> {
    (
        (0usize..2, 0.05f64..20.0, 0.0f64..4.0, 0.02f64..0.6),
        (0.001f64..0.2, 0.55f64..0.99, 1u8..3, 0.1f64..50.0),
        proptest::collection::vec(0.2f64..5.0, 2..6),
        (-0.9f64..0.9, 0.0f64..0.2, 1.0f64..50.0, 0.0f64..1.0),
        (0.3f64..1.0, 0.0f64..0.5, 0.98f64..1.3),
    )
        .prop_map(|(a, b, weights, c, d)| Question {
            method: [Method::Nb, Method::Means][a.0],
            rate: a.1,
            dispersion: a.2,
            // With the uptake, far enough below the margin.
            reduction: Some((a.3 + 0.1).min(0.7)),
            alpha: b.0,
            power: Some(b.1),
            sides: b.2,
            exposure: b.3,
            weights,
            correlation: c.0,
            icc: c.1,
            cluster_size: c.2,
            cluster_cv: c.3,
            uptake: d.0,
            attrition: d.1,
            margin: d.2,
            replicates: 0,
            ..Question::default()
        })
}

proptest! {
    #[test]
    fn each_follows_from_the_other_two(q in questions()) {
        let a = answer(&q).unwrap();
        prop_assert!(close(a.power, q.power.unwrap(), INVERSION));
        prop_assert!(close(a.smallest_reduction.unwrap(), q.reduction.unwrap(), INVERSION), "{:?}", a);
        prop_assert_eq!(a.n_total, a.n_per_arm.iter().sum::<u64>());
        // Whole customers given back give at least the power asked, but for the last customer of an arm.
        if a.n_per_arm.iter().all(|&n| n > 100) {
            let back = answer(&Question { customers: Some(a.n_total), ..q.clone() }).unwrap();
            prop_assert_eq!(back.n_total, a.n_total);
            prop_assert!(back.power > q.power.unwrap() - 1e-9);
        }
    }

    /// Customers → smallest reduction → customers, and customers → power → customers.
    #[test]
    fn effect_and_power_give_the_customers_back(q in questions(), n in 200u64..1_000_000) {
        let total = |q: &Question| -> f64 { answer(q).unwrap().n_per_arm_exact.iter().sum() };
        let given = Question { customers: Some(n), reduction: None, ..q.clone() };
        let Ok(found) = answer(&given) else { return Ok(()) };
        if let Some(smallest) = found.smallest_reduction {
            let back = Question { reduction: Some(smallest), ..q.clone() };
            prop_assert!(close(total(&back), n as f64, INVERSION));
        }
        let power = answer(&Question { customers: Some(n), ..q.clone() }).unwrap().power;
        // Beyond this a power is within rounding of 1.
        if (0.1..0.999_999).contains(&power) {
            let back = Question { power: Some(power), ..q.clone() };
            prop_assert!(close(total(&back), n as f64, INVERSION));
        }
    }

    #[test]
    fn more_customers_find_smaller_reductions(q in questions(), n in 1000u64..100_000) {
        let at = |n| answer(&Question { customers: Some(n), reduction: None, ..q.clone() }).unwrap();
        if let (Some(few), Some(many)) = (at(n).smallest_reduction, at(2 * n).smallest_reduction) {
            prop_assert!(many < few);
        }
    }

    #[test]
    fn the_scale_of_weights_means_nothing(q in questions(), scale in 0.1f64..10.0) {
        let scaled = Question { weights: q.weights.iter().map(|w| w * scale).collect(), ..q.clone() };
        let (a, b) = (answer(&q).unwrap(), answer(&scaled).unwrap());
        for (x, y) in a.n_per_arm_exact.iter().zip(&b.n_per_arm_exact) {
            prop_assert!(close(*x, *y, RELATIVE));
        }
    }
}
