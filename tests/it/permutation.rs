//! `permutation` against brute force, exact distributions, and itself on other threads.

use pilot::stats::permutation::{permutation, permutation_of_clusters};
use pilot::stats::random::Stream;
use pilot::stats::resampling::{ClusterTotals, Size};
use pilot::stats::{Alternative, DetailValue, Estimate, Test};
use pilot::table::ContactTable;
use proptest::prelude::*;

use crate::counts_support::{
    Customer, Row, bladder, cgd, close, compare, detail, epil, number, numbers, record, table,
};

/// Sums of a few dozen doubles.
const ROUNDING: f64 = 1e-12;

/// clubSandwich takes roots of matrices.
const CLUSTERS: f64 = 1e-8;

fn stream() -> Stream {
    Stream::new("permutation", "test", 1)
}

fn run(t: &ContactTable, alternative: Alternative, draws: u32) -> Estimate {
    let test = Test {
        alternative,
        ..Test::DEFAULT
    };
    permutation(&compare(t), &test, draws, &stream())
        .unwrap()
        .remove(0)
}

fn from_record(id: &str) -> ContactTable {
    let r = record("count_models.json", id);
    let e = r.get("e").map(|_| numbers(&r, "e"));
    let (y, t, s) = (numbers(&r, "y"), numbers(&r, "t"), numbers(&r, "s"));
    let customers: Vec<Customer> = (0..y.len())
        .map(|i| {
            let exposure = e.as_ref().map_or(1, |e| e[i] as i64);
            (
                t[i] as u16,
                format!("{}", s[i]),
                exposure,
                None,
                Some(y[i] as i64),
            )
        })
        .collect();
    table(&["control", "treatment"], &customers)
}

#[test]
fn every_assignment_is_looked_at() {
    for id in [
        "permutation.one_stratum",
        "permutation.two_strata",
        "permutation.rate",
    ] {
        let r = record("count_models.json", id);
        let t = from_record(id);
        for (alternative, key) in [
            (Alternative::TwoSided, "p_two_sided"),
            (Alternative::Less, "p_less"),
            (Alternative::Greater, "p_greater"),
        ] {
            // No draws are needed where all assignments can be looked at.
            let e = run(&t, alternative, 0);
            close(id, e.p_value.unwrap(), number(&r, key), ROUNDING);
            close(id, e.value, number(&r, "value"), ROUNDING);
            close(id, e.se.unwrap(), number(&r, "se"), ROUNDING);
            close(
                id,
                detail(&e, "assignments"),
                number(&r, "assignments"),
                0.0,
            );
            if alternative == Alternative::TwoSided {
                close(id, detail(&e, "p_raw"), number(&r, "p_raw"), ROUNDING);
            }
            assert_eq!(e.detail["exact"], DetailValue::Flag(true));
            assert!(e.interval.is_none() && e.df.is_none());
        }
    }
}

/// T of an assignment, by its definition: strata of (y, treated).
fn studentised(strata: &[Vec<(i64, bool)>]) -> f64 {
    let all: usize = strata.iter().map(Vec::len).sum();
    let (mut difference, mut variance) = (0.0, 0.0);
    for stratum in strata {
        let share = stratum.len() as f64 / all as f64;
        for treated in [true, false] {
            let arm = stratum.iter().filter(|c| c.1 == treated);
            let y: Vec<f64> = arm.map(|c| c.0 as f64).collect();
            let n = y.len() as f64;
            let mean = y.iter().sum::<f64>() / n;
            let squares: f64 = y.iter().map(|y| (y - mean).powi(2)).sum();
            difference += share * if treated { mean } else { -mean };
            variance += share * share * squares / (n - 1.0) / n;
        }
    }
    // Equal counts have no spread, but for rounding.
    if variance < 1e-20 {
        return 0.0;
    }
    difference / variance.sqrt()
}

/// All assignments of strata, with as many treated in each as there are.
fn assignments(strata: &[Vec<(i64, bool)>]) -> Vec<Vec<Vec<(i64, bool)>>> {
    let Some((first, rest)) = strata.split_first() else {
        return vec![vec![]];
    };
    let treated = first.iter().filter(|c| c.1).count() as u32;
    let rest = assignments(rest);
    (0u32..1 << first.len())
        .filter(|chosen| chosen.count_ones() == treated)
        .flat_map(|chosen| {
            let stratum: Vec<(i64, bool)> = (first.iter().enumerate())
                .map(|(i, c)| (c.0, chosen >> i & 1 == 1))
                .collect();
            let others = rest.iter();
            let whole = others.map(move |r| [std::slice::from_ref(&stratum), r].concat());
            whole.collect::<Vec<_>>()
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Also where a stratum, or everything, is constant: its assignments are all alike, and count.
    #[test]
    fn the_exact_p_is_the_share_of_assignments_at_least_as_far(
        strata in prop::collection::vec(
            (prop_oneof![Just(0i64), 0i64..4], 2usize..4, 2usize..4, prop::collection::vec(0i64..4, 6)),
            1..4,
        ),
    ) {
        let strata: Vec<Vec<(i64, bool)>> = strata
            .iter()
            .map(|(most, treated, control, y)| {
                let counts = y.iter().map(|y| y % (most + 1));
                counts.take(treated + control).enumerate().map(|(i, y)| (y, i < *treated)).collect()
            })
            .collect();
        let customers: Vec<Customer> = (strata.iter().enumerate())
            .flat_map(|(s, stratum)| {
                stratum.iter().map(move |(y, treated)| (u16::from(*treated), format!("s{s}"), 1, None, Some(*y)))
            })
            .collect();
        let found = run(&table(&["control", "treatment"], &customers), Alternative::TwoSided, 0);
        let observed = studentised(&strata).abs();
        let every = assignments(&strata);
        let far = every.iter().filter(|a| studentised(a).abs() >= observed * (1.0 - 1e-12)).count();
        let expected = far as f64 / every.len() as f64;
        prop_assert_eq!(detail(&found, "assignments"), every.len() as f64);
        prop_assert!((found.p_value.unwrap() - expected).abs() < ROUNDING, "{:?} {}", found.p_value, expected);
    }
}

/// The unstudentised p of 20,000 draws against the exact one by dynamic programming.
#[test]
fn draws_find_the_exact_p() {
    let one = |_: &Row| "all".to_string();
    let window = |t: &ContactTable| {
        let customers: Vec<Customer> = t
            .cells()
            .iter()
            .flat_map(|c| {
                let row = (c.arm.0, "all".to_string(), 1, None, c.after);
                std::iter::repeat_n(row, c.customers as usize)
            })
            .collect();
        let arms: Vec<&str> = t.arms().iter().map(String::as_str).collect();
        table(&arms, &customers)
    };
    for (id, t) in [
        ("epil.permutation_exact", epil(one)),
        (
            "bladder_thiotepa.permutation_exact",
            window(&bladder(one, |_| true)),
        ),
        ("cgd.permutation_exact", window(&cgd(one))),
    ] {
        let r = record("counts.json", id);
        let draws = 20_000;
        for (alternative, key) in [
            (Alternative::TwoSided, "p_two_sided"),
            (Alternative::Less, "p_less"),
        ] {
            let p = number(&r, key);
            let e = run(&t, alternative, draws);
            // Four standard errors of a share of draws.
            let allowed = 4.0 * (p * (1.0 - p) / f64::from(draws)).sqrt() + 1.0 / f64::from(draws);
            let raw = detail(&e, "p_raw");
            assert!((raw - p).abs() < allowed, "{id} {key}: {raw} {p}");
            assert_eq!(detail(&e, "draws"), f64::from(draws));
        }
    }
}

fn clusters(id: &str) -> Vec<ClusterTotals> {
    let rows = &record("bootstrap.json", id)["rows"];
    let of = |key| -> Vec<i64> { numbers(rows, key).into_iter().map(|v| v as i64).collect() };
    let [treated, stratum, customers, exposure, y] =
        ["treated", "stratum", "customers", "exposure", "y"].map(of);
    let row = |i: usize| ClusterTotals {
        treated: treated[i] == 1,
        stratum: stratum[i] as u32,
        customers: customers[i] as u64,
        exposure: i128::from(exposure[i]),
        y: i128::from(y[i]),
        clusters: 1,
    };
    (0..treated.len()).map(row).collect()
}

const CLUSTERED: [(&str, Size); 3] = [
    ("permutation.clusters_bladder", Size::Customers),
    ("permutation.clusters_bladder_rate", Size::Exposure),
    ("permutation.clusters_cgd_strata", Size::Customers),
];

/// Coefficient and CR2 standard error of clubSandwich, and every assignment of whole clusters.
#[test]
fn every_assignment_of_clusters_is_looked_at() {
    for (id, by) in CLUSTERED {
        let (r, rows) = (record("bootstrap.json", id), clusters(id));
        for (alternative, key) in [
            (Alternative::TwoSided, "p_two_sided"),
            (Alternative::Less, "p_less"),
            (Alternative::Greater, "p_greater"),
        ] {
            let test = Test {
                alternative,
                ..Test::DEFAULT
            };
            let found = permutation_of_clusters(&rows, by, (1.0, 1.0), &test, 0, &stream());
            let e = found.unwrap().remove(0);
            close(id, e.value, number(&r, "value"), CLUSTERS);
            close(id, e.se.unwrap(), number(&r, "se"), CLUSTERS);
            close(id, e.p_value.unwrap(), number(&r, key), ROUNDING);
            let assignments = detail(&e, "assignments");
            close(id, assignments, number(&r, "assignments"), 0.0);
            if alternative == Alternative::TwoSided {
                close(id, detail(&e, "p_raw"), number(&r, "p_raw"), ROUNDING);
            }
        }
    }
}

/// The same pilots with twice the clusters, too many assignments to look at: 20,000 draws on 1
/// and 2 threads, in any order of rows, against clusters that share a row.
#[test]
fn draws_of_clusters_do_not_depend_on_threads_or_rows() {
    for (id, by) in CLUSTERED {
        let once = clusters(id);
        let shared: Vec<ClusterTotals> = once
            .iter()
            .map(|c| ClusterTotals { clusters: 4, ..*c })
            .collect();
        let apart: Vec<ClusterTotals> = once.iter().rev().flat_map(|c| [*c; 4]).collect();
        let on = |rows: &[ClusterTotals], threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let units = (1.0, 1.0);
            let run =
                || permutation_of_clusters(rows, by, units, &Test::DEFAULT, 20_000, &stream());
            pool.install(run).unwrap()
        };
        let found = on(&shared, 1);
        assert_eq!(found, on(&shared, 2));
        assert_eq!(found, on(&apart, 2));
        assert_eq!(detail(&found[0], "draws"), 20_000.0);
    }
}

/// Clusters of one customer each, in one stratum: CR2 is Welch's variance, so all is as for customers.
#[test]
fn clusters_of_one_are_customers() {
    let customers: Vec<Customer> = (0..12)
        .map(|i| (i % 2, "a".into(), 1, None, Some(i64::from(i * i % 7))))
        .collect();
    let rows: Vec<ClusterTotals> = customers
        .iter()
        .map(|c| ClusterTotals {
            treated: c.0 == 1,
            stratum: 0,
            customers: 1,
            exposure: 1,
            y: i128::from(c.4.unwrap()),
            clusters: 1,
        })
        .collect();
    let single = run(&table(&["c", "t"], &customers), Alternative::TwoSided, 0);
    let by = Size::Customers;
    let whole = permutation_of_clusters(&rows, by, (1.0, 1.0), &Test::DEFAULT, 0, &stream());
    let whole = whole.unwrap().remove(0);
    close("value", whole.value, single.value, ROUNDING);
    close("se", whole.se.unwrap(), single.se.unwrap(), ROUNDING);
    close(
        "p",
        whole.p_value.unwrap(),
        single.p_value.unwrap(),
        ROUNDING,
    );
    close(
        "raw",
        detail(&whole, "p_raw"),
        detail(&single, "p_raw"),
        ROUNDING,
    );
}

#[test]
fn clusters_that_cannot_be_permuted_are_refused() {
    let row = |treated, stratum, clusters, y| ClusterTotals {
        treated,
        stratum,
        customers: 5,
        exposure: 5,
        y,
        clusters,
    };
    let refuse = |rows: &[ClusterTotals], draws| {
        let by = Size::Customers;
        permutation_of_clusters(rows, by, (1.0, 1.0), &Test::DEFAULT, draws, &stream())
            .unwrap_err()
            .why
    };
    assert!(refuse(&[], 999).contains("two clusters"));
    assert!(refuse(&[row(true, 0, 1, 3), row(false, 0, 8, 4)], 999).contains("two clusters"));
    // Each arm in a stratum of its own.
    assert!(refuse(&[row(true, 0, 4, 3), row(false, 1, 8, 4)], 999).contains("both arms"));
    assert!(refuse(&[row(true, 0, 40, 3), row(false, 0, 40, 4)], 0).contains("no draws"));
    let empty = ClusterTotals {
        customers: 0,
        ..row(true, 0, 4, 0)
    };
    assert!(refuse(&[empty, row(false, 0, 4, 4)], 999).contains("empty"));
    let many = ClusterTotals {
        customers: u64::MAX,
        ..row(true, 0, 4, 0)
    };
    assert!(refuse(&[many, row(false, 0, 4, 4)], 999).contains("64-bit"));
}

#[test]
fn threads_change_nothing() {
    let t = epil(|r| (r.int("age") / 10).to_string());
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| run(&t, Alternative::TwoSided, 1000))
    };
    assert_eq!(on(1), on(2));
}

#[test]
fn equal_scores_give_p_one() {
    let customers: Vec<Customer> = (0..40)
        .map(|i| (i % 2, "all".into(), 1, None, Some(3)))
        .collect();
    let e = run(&table(&["c", "t"], &customers), Alternative::TwoSided, 100);
    assert_eq!((e.p_value, e.value, e.se), (Some(1.0), 0.0, Some(0.0)));
}

#[test]
fn small_strata_are_dropped_and_counted() {
    let mut customers: Vec<Customer> = (0..8)
        .map(|i| (i % 2, "a".into(), 1, None, Some(i64::from(i / 3))))
        .collect();
    let without = run(&table(&["c", "t"], &customers), Alternative::TwoSided, 0);
    customers.push((1, "b".into(), 1, None, Some(50)));
    customers.push((0, "b".into(), 1, None, Some(1)));
    let with = run(&table(&["c", "t"], &customers), Alternative::TwoSided, 0);
    assert_eq!((with.p_value, with.value), (without.p_value, without.value));
    assert_eq!(detail(&with, "strata_dropped"), 1.0);
    assert_eq!(with.n_treatment, 4);
}

#[test]
fn what_cannot_be_permuted_is_refused() {
    let refuse = |customers: &[Customer], draws| {
        let t = table(&["c", "t"], customers);
        permutation(&compare(&t), &Test::DEFAULT, draws, &stream())
            .unwrap_err()
            .why
    };
    let few = [
        (0, "a".into(), 1, None, Some(1)),
        (1, "a".into(), 1, None, Some(1)),
    ];
    assert!(refuse(&few, 10).contains("two observed customers"));
    let many: Vec<Customer> = (0..60)
        .map(|i| (i % 2, "a".into(), 1, None, Some(i64::from(i))))
        .collect();
    assert!(refuse(&many, 0).contains("no draws"));
    let idle: Vec<Customer> = (0..6)
        .map(|i| {
            (
                i % 2,
                "a".into(),
                if i % 2 == 0 { 0 } else { 5 },
                None,
                Some(i64::from(i % 2)),
            )
        })
        .collect();
    assert!(refuse(&idle, 10).contains("no exposure"));
}

/// A lone treated customer among many, with varying exposure, must not recurse or square.
#[test]
fn one_against_ninety_thousand_is_quick() {
    let mut customers: Vec<Customer> = (0..90_000)
        .map(|i| (0, "a".into(), 1 + i, None, Some(i % 7)))
        .collect();
    customers.push((1, "a".into(), 10, None, Some(2)));
    customers.extend((0..5).map(|i| (1, "b".into(), 10, None, Some(i))));
    let e = run(&table(&["c", "t"], &customers), Alternative::TwoSided, 0);
    assert_eq!(detail(&e, "assignments"), 90_001.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A shift of all outcomes changes nothing, a scale only value and se; order nothing.
    #[test]
    fn p_is_invariant(
        rows in prop::collection::vec((0u16..2, 0u8..3, 0i64..9), 4..14),
        shift in -1000i64..1000,
        scale in 1i64..50,
    ) {
        let build = |f: &dyn Fn(i64) -> i64, back: bool| {
            let mut customers: Vec<Customer> = rows
                .iter()
                .map(|r| (r.0, r.1.to_string(), 1, None, Some(f(r.2))))
                .collect();
            if back {
                customers.reverse();
            }
            table(&["c", "t"], &customers)
        };
        let (plain, moved) = (build(&|y| y, false), build(&|y| scale * y + shift, true));
        let a = permutation(&compare(&plain), &Test::DEFAULT, 200, &stream());
        let b = permutation(&compare(&moved), &Test::DEFAULT, 200, &stream());
        match (a, b) {
            (Ok(a), Ok(b)) => {
                prop_assert_eq!(a[0].p_value, b[0].p_value);
                prop_assert!((a[0].value * scale as f64 - b[0].value).abs() < 1e-9);
            }
            (a, b) => prop_assert_eq!(a.is_err(), b.is_err()),
        }
    }
}
