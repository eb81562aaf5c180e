use super::*;

/// Two ways through the same least squares in double precision.
const CLOSED_FORM: f64 = 1e-9;

fn planned() -> Planned {
    Planned {
        wedge: false,
        regions: 6,
        blocks: 4,
        customers: 500.0,
        rate: 0.4,
        dispersion: 1.5,
        icc: 0.03,
        autocorrelation: 0.6,
        reduction: Some(0.3),
        alpha: 0.05,
        power: 0.8,
        sides: 2,
    }
}

#[test]
fn the_even_case_is_the_estimator() {
    for (wedge, regions, blocks) in [
        (false, 3, 4),
        (false, 5, 6),
        (true, 6, 4),
        (true, 5, 5),
        (true, 7, 4),
    ] {
        let p = Planned {
            wedge,
            regions,
            blocks,
            ..planned()
        };
        let model = Model::new(&p, 0.3).unwrap();
        let mut g = Stream::new("test", "even", 1).generator(regions as u64);
        for _ in 0..5 {
            let schedule = model.frame.draw(&mut g);
            let mut rows = model.places();
            model.observe(&schedule, &mut rows, &mut g);
            let even = Even::new(&rows, (regions, blocks)).unwrap();
            let (value, variance) = even.effect(&rows);
            let expected = panel(&rows, &Test::DEFAULT).unwrap().swap_remove(0);
            let near = |a: f64, b: f64| (a - b).abs() <= CLOSED_FORM * b.abs();
            assert!(near(value, expected.value), "{value} {}", expected.value);
            assert!(near(variance.sqrt(), expected.se.unwrap()));
            assert!(near(even.df, expected.df.unwrap()), "{}", even.df);
            let (_, p) = model.cluster(&rows, Some(&even)).unwrap();
            assert!(near(p, expected.p_value.unwrap()));
        }
    }
}

#[test]
fn counts_have_the_moments_of_the_formula() {
    for p in [
        planned(),
        Planned {
            regions: 1,
            customers: 30.0,
            ..planned()
        },
    ] {
        let model = Model::new(&p, 0.3).unwrap();
        let parts = super::super::Parts::of(&p);
        let mut g = Stream::new("test", "moments", 2).generator(0);
        let schedule = model.frame.draw(&mut g);
        let mut rows = model.places();
        // One region is a region a pilot; the six of a pilot share their blocks' effects, which
        // differences of two regions do not have.
        let pilots = 40_000;
        let (mut mean, mut own, mut across) = (0.0, 0.0, 0.0);
        for _ in 0..pilots {
            model.observe(&schedule, &mut rows, &mut g);
            let rate = |i: usize| rows[i].y / p.customers;
            mean += rate(0) / f64::from(pilots);
            let (a, b) = match p.regions {
                1 => (rate(0) - p.rate, rate(1) - p.rate),
                _ => {
                    let half = 0.5f64.sqrt();
                    (half * (rate(0) - rate(4)), half * (rate(1) - rate(5)))
                }
            };
            own += a * a / f64::from(pilots);
            across += a * b / f64::from(pilots);
        }
        // Relative errors of some moments of skewed numbers over 40,000 pilots.
        assert!((mean / p.rate - 1.0).abs() < 0.01, "{mean}");
        let variance = parts.block + parts.region;
        assert!((own / variance - 1.0).abs() < 0.04, "{own} {variance}");
        assert!((across / parts.region - 1.0).abs() < 0.05, "{across}");
    }
}

#[test]
fn large_schedules_find_what_the_formula_says() {
    let p = Planned {
        regions: 24,
        blocks: 4,
        reduction: Some(0.12),
        icc: 0.01,
        ..planned()
    };
    let found = simulated(&p, 0.12, 800, 1).unwrap();
    let formula = super::super::schedule(&p).unwrap().power.unwrap();
    // Four standard errors, and .03 for what the formula does not know (see the regions' own effects).
    let reach = 4.0 * found.cluster.se + 0.03;
    assert!(
        (found.cluster.value - formula).abs() < reach,
        "{found:?} {formula}"
    );
    assert!(
        (found.permutation.value - formula).abs() < reach,
        "{found:?}"
    );
    let error = |s: Share| (s.value - 0.05).abs() < 4.0 * (0.05 * 0.95 / 800.0f64).sqrt() + 0.01;
    assert!(
        error(found.cluster_errors) && error(found.permutation_errors),
        "{found:?}"
    );
}

#[test]
fn few_schedules_never_find_anything() {
    let p = Planned {
        wedge: true,
        regions: 4,
        blocks: 3,
        ..planned()
    };
    let found = simulated(&p, 0.5, 100, 1).unwrap();
    // Six schedules: p is never below 1/3.
    assert_eq!(found.schedules, Some(6));
    assert_eq!(
        (found.permutation.value, found.permutation_errors.value),
        (0.0, 0.0)
    );
}

#[test]
fn threads_change_nothing_and_seeds_do() {
    let run = |threads: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| simulated(&planned(), 0.3, 120, seed).unwrap())
    };
    assert_eq!(run(1, 7), run(2, 7));
    assert_ne!(run(1, 7), run(1, 8));
}

#[test]
fn what_cannot_be_drawn_is_refused_in_words() {
    let refused = |p: Planned| simulated(&p, 0.3, 1000, 1).unwrap_err().why;
    let poisson = Planned {
        dispersion: 0.0,
        ..planned()
    };
    assert!(refused(poisson).contains("more dispersion than 0"));
    let huge = Planned {
        regions: 1000,
        blocks: 100,
        ..planned()
    };
    assert!(refused(huge).contains("more than seconds"));
    assert!(simulated(&planned(), 0.0, 10, 1).is_err());
    assert!(simulated(&planned(), f64::NAN, 10, 1).is_err());
}
