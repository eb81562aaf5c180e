use super::*;
use crate::stats::dist::normal_isf;
use crate::stats::estimate::Estimator;

/// A root found to the last bit, then a few dozen roundings.
const INVERSION: f64 = 1e-9;

fn nb(rate: f64, reduction: f64, dispersion: f64, power: f64) -> Question {
    Question {
        rate,
        dispersion,
        reduction: Some(reduction),
        power: Some(power),
        replicates: 0,
        ..Question::default()
    }
}

fn first(q: &Question) -> u64 {
    answer(q).unwrap().n_per_arm[0]
}

#[test]
fn published_sizes() {
    assert_eq!(first(&nb(0.5, 0.4, 0.1, 0.8)), 167);
    assert_eq!(first(&nb(1.0, 0.5, 0.5, 0.9)), 88);
    assert_eq!(first(&nb(0.6, 0.5, 0.4, 0.8)), 95);
    assert_eq!(first(&nb(1.0, 0.5, 0.5, 0.8)), 66);
    let rpact = |rate: f64, treatment: f64| Question {
        alpha: 0.01,
        sides: 1,
        ..nb(rate, 1.0 - treatment / rate, 0.71, 0.95)
    };
    assert_eq!(first(&rpact(0.275294, 0.192706)), 1270);
    assert_eq!(first(&rpact(0.234, 0.7 * 0.234)), 1463);
    let margin = Question {
        margin: 1.15,
        ..nb(1.0, 0.0, 0.4, 0.8)
    };
    assert_eq!(first(&margin), 1126);
}

#[test]
fn dunnett_published_to_three_decimals() {
    for (sides, expected) in [
        (2, [1.960, 2.212, 2.349, 2.442]),
        (1, [1.645, 1.916, 2.062, 2.160]),
    ] {
        for (k, z) in expected.into_iter().enumerate() {
            let q = Question {
                sides,
                weights: vec![1.0; k + 2],
                ..nb(1.0, 0.2, 0.5, 0.8)
            };
            assert!(
                (answer(&q).unwrap().critical_value - z).abs() < 5e-4,
                "{sides} {k}"
            );
        }
    }
    // Two-sided, sizes 100, 50, 50.
    assert!((dunnett(&[2.0, 1.0, 1.0]) - 2.2265438745317887).abs() < 1e-8);
}

fn dunnett(weights: &[f64]) -> f64 {
    let q = Question {
        weights: weights.to_vec(),
        ..nb(1.0, 0.2, 0.5, 0.8)
    };
    answer(&q).unwrap().critical_value
}

#[test]
fn dunnett_limits() {
    // Control far larger: independent comparisons (Šidák). Far smaller: one comparison.
    let sidak = normal_isf(0.5 * (1.0 - 0.95f64.sqrt()));
    assert!((dunnett(&[1e6, 1.0, 1.0]) - sidak).abs() < 1e-6);
    let z = dunnett(&[1e-6, 1.0, 1.0]);
    assert!(z > normal_isf(0.025) && z < normal_isf(0.025) + 2e-3, "{z}");
}

#[test]
fn the_weakest_arm_decides() {
    let q = |weights: Vec<f64>| Question {
        weights,
        family: Family::Alone,
        ..nb(1.5, 0.2, 0.9, 0.8)
    };
    let both = answer(&q(vec![4.0, 1.0, 3.0])).unwrap();
    let weak = answer(&q(vec![4.0, 1.0])).unwrap();
    for (a, b) in both.n_per_arm_exact.iter().zip(&weak.n_per_arm_exact) {
        assert!((a / b - 1.0).abs() < INVERSION);
    }
}

#[test]
fn given_customers_are_all_used() {
    let q = Question {
        customers: Some(1001),
        weights: vec![1.0, 1.0, 1.0],
        ..nb(1.0, 0.2, 0.5, 0.8)
    };
    let a = answer(&q).unwrap();
    assert_eq!(a.n_per_arm, [334, 334, 333]);
    assert_eq!(a.n_total, 1001);
}

#[test]
fn too_few_customers_find_no_reduction() {
    let a = answer(&Question {
        customers: Some(6),
        reduction: None,
        ..nb(0.1, 0.0, 1.0, 0.9)
    })
    .unwrap();
    assert_eq!(a.smallest_reduction, None);
}

#[test]
fn half_uptake_needs_the_diluted_effect() {
    let half = Question {
        uptake: 0.5,
        ..nb(1.0, 0.4, 0.5, 0.8)
    };
    let a = answer(&half).unwrap();
    let b = answer(&nb(1.0, 0.2, 0.5, 0.8)).unwrap();
    assert_eq!(a.n_per_arm_exact, b.n_per_arm_exact);
    assert!((a.smallest_reduction.unwrap() - 0.4).abs() < INVERSION);
}

#[test]
fn simulated_power_is_near_the_formula_and_repeats() {
    for method in [Method::Nb, Method::Means] {
        let q = Question {
            method,
            attrition: 0.1,
            seed: 5,
            replicates: 20_000,
            ..nb(2.4, 0.1, 1.8, 0.8)
        };
        let a = answer(&q).unwrap();
        let simulated = a.power_simulated.unwrap();
        // Four standard errors of a share of 20,000, and 0.003 for the formula's approximation
        // (100,000 pilots gave .7992 and .8011).
        let error = 4.0 * (0.16f64 / 20_000.0).sqrt() + 0.003;
        assert!((simulated - 0.8).abs() < error, "{simulated}");
        assert_eq!(answer(&q).unwrap(), a);
    }
}

/// The simulated power of a question, with its standard error.
fn simulated(q: &Question) -> (f64, f64) {
    let a = answer(q).unwrap();
    assert_eq!(a.not_simulated, None, "{q:?}");
    (a.power_simulated.unwrap(), a.power_simulated_se.unwrap())
}

#[test]
fn simulated_error_rate_is_alpha() {
    // No effect at all, but sized for one: half of 5 % on the side asked.
    let q = Question {
        replicates: 4000,
        ..nb(2.4, 0.1, 1.8, 0.8)
    };
    let criterion = Criterion::new(&q).unwrap();
    let found = simulate::power(&q, Some(1.0 - 1e-12), &criterion, &[2000, 2000]);
    let size = found.unwrap().unwrap();
    assert_eq!(size.replicates, 4000);
    assert!(
        (size.share - 0.025).abs() < 4.0 * size.se + 0.002,
        "{size:?}"
    );
}

/// How far formula and simulation may differ beside Monte-Carlo error: the formulae are for
/// large samples, and an arm with fewer contacts also has a smaller variance and correlation.
const LARGE_SAMPLE: f64 = 0.02;

#[test]
fn every_feature_is_simulated_near_its_formula() {
    let base = Question {
        method: Method::Means,
        replicates: 1000,
        seed: 3,
        ..nb(2.0, 0.1, 0.8, 0.8)
    };
    let correlated = |estimator, correlation| Question {
        estimator: Some(estimator),
        correlation,
        ..base.clone()
    };
    let cases = [
        (
            "uptake",
            Question {
                uptake: 0.6,
                reduction: Some(0.2),
                ..base.clone()
            },
        ),
        (
            "attrition",
            Question {
                attrition: 0.2,
                ..base.clone()
            },
        ),
        ("lin", correlated(Estimator::Lin, 0.6)),
        ("cuped", correlated(Estimator::Cuped, 0.6)),
        ("did", correlated(Estimator::Did, 0.7)),
        ("welch", correlated(Estimator::Welch, 0.6)),
        (
            "clusters",
            Question {
                icc: 0.02,
                cluster_size: 20.0,
                cluster_cv: 0.5,
                ..base.clone()
            },
        ),
        (
            "delta",
            Question {
                method: Method::Nb,
                estimator: Some(Estimator::Delta),
                ..base.clone()
            },
        ),
        (
            "cluster ratio",
            Question {
                method: Method::Nb,
                icc: 0.02,
                cluster_size: 20.0,
                ..base.clone()
            },
        ),
        (
            "increase",
            Question {
                reduction: Some(-0.1),
                ..base.clone()
            },
        ),
        (
            "margin",
            Question {
                reduction: Some(0.0),
                margin: 1.1,
                ..base.clone()
            },
        ),
        (
            "three arms",
            Question {
                weights: vec![2.0, 1.0, 1.0],
                ..base.clone()
            },
        ),
    ];
    for (name, q) in cases {
        let (share, se) = simulated(&q);
        assert!(
            (share - 0.8).abs() < 4.0 * se + LARGE_SAMPLE,
            "{name}: {share} ± {se}"
        );
    }
}

#[test]
fn a_pilot_simulates_alike_on_any_number_of_threads() {
    let q = Question {
        method: Method::Means,
        correlation: 0.5,
        replicates: 500,
        ..nb(2.0, 0.3, 0.8, 0.8)
    };
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| answer(&q).unwrap())
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn what_is_not_simulated_says_why() {
    let base = Question {
        replicates: 100,
        ..nb(1.0, 0.2, 0.5, 0.8)
    };
    assert!(answer(&base).unwrap().power_simulated.is_some());
    for (q, word) in [
        (
            Question {
                rate: 1e8,
                ..base.clone()
            },
            "too many",
        ),
        (
            Question {
                correlation: -0.5,
                ..base.clone()
            },
            "negative",
        ),
        (
            Question {
                icc: 0.5,
                cluster_size: 30.0,
                ..base.clone()
            },
            "more dispersion",
        ),
        (
            Question {
                estimator: Some(Estimator::Permutation),
                ..base.clone()
            },
            "pilot simulate",
        ),
        (
            Question {
                icc: 0.02,
                cluster_size: 30.0,
                correlation: 0.5,
                ..base.clone()
            },
            "clusters together",
        ),
    ] {
        let a = answer(&q).unwrap();
        assert_eq!(
            (a.power_simulated, a.power_simulated_se, a.replicates),
            (None, None, 0)
        );
        let why = a.not_simulated.unwrap();
        assert!(why.contains(word), "{word}: {why}");
    }
    let none = answer(&Question {
        replicates: 0,
        ..base
    })
    .unwrap();
    assert_eq!((none.power_simulated, none.not_simulated), (None, None));
}

#[test]
fn the_exposure_needed_has_the_power_asked() {
    for method in [Method::Nb, Method::Means] {
        for margin in [1.0, 1.2] {
            let q = Question {
                method,
                margin,
                weights: vec![3.0, 2.0, 1.0],
                customers: Some(2000),
                ..nb(0.4, 0.2, 0.3, 0.9)
            };
            let exposure = answer(&q).unwrap().exposure_needed.unwrap();
            let power = answer(&Question {
                exposure,
                ..q.clone()
            })
            .unwrap()
            .power;
            assert!((power - 0.9).abs() < INVERSION, "{method:?} {power}");
            // Dispersion does not shrink with time: with much of it no exposure suffices.
            let spread = Question {
                dispersion: 50.0,
                ..q
            };
            assert_eq!(answer(&spread).unwrap().exposure_needed, None);
        }
    }
}

#[test]
fn arrivals_become_days() {
    let q = Question {
        arrivals: Some(50.0),
        ..nb(0.5, 0.4, 0.1, 0.8)
    };
    // 334 customers.
    assert_eq!(answer(&q).unwrap().enrolment_days, Some(7));
    assert_eq!(
        answer(&nb(0.5, 0.4, 0.1, 0.8)).unwrap().enrolment_days,
        None
    );
}

#[test]
fn bonferroni_is_the_first_step_of_holm() {
    let q = Question {
        family: Family::Bonferroni,
        weights: vec![1.0; 4],
        ..nb(1.0, 0.2, 0.5, 0.8)
    };
    assert_eq!(
        answer(&q).unwrap().critical_value,
        normal_isf(0.05 / 3.0 / 2.0)
    );
}

#[test]
fn only_estimators_that_look_at_it_gain_from_the_count_before() {
    let exact = |estimator, correlation| {
        let q = Question {
            method: Method::Means,
            estimator,
            correlation,
            ..nb(1.0, 0.2, 0.5, 0.8)
        };
        answer(&q).unwrap().n_per_arm_exact[0]
    };
    let plain = exact(None, 0.0);
    let ratio = |estimator| exact(Some(estimator), 0.6) / plain;
    assert!((ratio(Estimator::Welch) - 1.0).abs() < INVERSION);
    assert!((ratio(Estimator::Lin) - 0.64).abs() < INVERSION);
    // 2(1 − .6)
    assert!((ratio(Estimator::Did) - 0.8).abs() < INVERSION);
}

#[test]
fn wrong_questions_are_refused_in_words() {
    let base = nb(1.0, 0.2, 0.5, 0.8);
    let refusals: Vec<(Question, &str)> = vec![
        (
            Question {
                rate: 0.0,
                ..base.clone()
            },
            "rate",
        ),
        (
            Question {
                rate: f64::NAN,
                ..base.clone()
            },
            "rate",
        ),
        (
            Question {
                rate: 1e300,
                ..base.clone()
            },
            "contacts",
        ),
        (
            Question {
                dispersion: -0.1,
                ..base.clone()
            },
            "dispersion",
        ),
        (
            Question {
                reduction: Some(1.0),
                ..base.clone()
            },
            "reduction",
        ),
        (
            Question {
                reduction: Some(f64::NAN),
                ..base.clone()
            },
            "reduction",
        ),
        (
            Question {
                reduction: Some(0.0),
                ..base.clone()
            },
            "no number of customers",
        ),
        (
            Question {
                reduction: Some(-0.1),
                sides: 1,
                ..base.clone()
            },
            "margin",
        ),
        (
            Question {
                reduction: Some(1e-12),
                ..base.clone()
            },
            "no number of customers",
        ),
        (
            Question {
                reduction: None,
                ..base.clone()
            },
            "give the reduction",
        ),
        (
            Question {
                power: None,
                ..base.clone()
            },
            "give the power",
        ),
        (
            Question {
                power: None,
                reduction: None,
                customers: Some(100),
                ..base.clone()
            },
            "give",
        ),
        (
            Question {
                power: Some(0.01),
                ..base.clone()
            },
            "power",
        ),
        (
            Question {
                power: Some(1.0),
                ..base.clone()
            },
            "power",
        ),
        (
            Question {
                alpha: 0.0,
                ..base.clone()
            },
            "alpha",
        ),
        (
            Question {
                sides: 3,
                ..base.clone()
            },
            "sides",
        ),
        (
            Question {
                weights: vec![1.0],
                ..base.clone()
            },
            "two arms",
        ),
        (
            Question {
                weights: vec![1.0, 0.0],
                ..base.clone()
            },
            "weight",
        ),
        (
            Question {
                weights: vec![1.0, f64::INFINITY],
                ..base.clone()
            },
            "weight",
        ),
        (
            Question {
                weights: vec![1.0, 1e9],
                ..base.clone()
            },
            "weights",
        ),
        (
            Question {
                uptake: 0.0,
                ..base.clone()
            },
            "uptake",
        ),
        (
            Question {
                attrition: 1.0,
                ..base.clone()
            },
            "attrition",
        ),
        (
            Question {
                correlation: 1.0,
                ..base.clone()
            },
            "correlation",
        ),
        (
            Question {
                icc: 1.1,
                ..base.clone()
            },
            "icc",
        ),
        (
            Question {
                cluster_size: 0.5,
                ..base.clone()
            },
            "cluster",
        ),
        (
            Question {
                exposure: 0.0,
                ..base.clone()
            },
            "exposure",
        ),
        (
            Question {
                margin: -1.0,
                ..base.clone()
            },
            "margin",
        ),
        (
            Question {
                customers: Some(3),
                ..base.clone()
            },
            "too few",
        ),
        (
            Question {
                reduction: Some(1e-8),
                rate: 1e-9,
                ..base.clone()
            },
            "10^15",
        ),
    ];
    for (q, word) in refusals {
        let why = answer(&q).expect_err(word).why;
        assert!(why.contains(word), "{word}: {why}");
    }
}
