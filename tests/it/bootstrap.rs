//! `bootstrap` against R's boot, closed forms, and itself on other threads and in other orders.

use pilot::stats::bootstrap::{bootstrap, bootstrap_of_clusters};
use pilot::stats::random::Stream;
use pilot::stats::resampling::{ClusterTotals, Size};
use pilot::stats::{Alternative, DetailValue, Estimand, Estimate, Refusal, Test, means};
use pilot::table::ContactTable;
use proptest::prelude::*;
use serde_json::Value;

use crate::counts_support::{
    Customer, Row, bladder, cgd, close, compare, detail, epil, number, numbers, record, rows, table,
};

/// Closed forms: the acceleration and the value itself.
const CLOSED_FORM: f64 = 1e-8;
/// Sums of a few dozen doubles.
const ROUNDING: f64 = 1e-12;
/// Monte-Carlo standard errors within which two bootstraps of the same data agree.
const STANDARD_ERRORS: f64 = 4.0;
const DRAWS: u32 = 10_000;

fn stream() -> Stream {
    Stream::new("bootstrap", "test", 1)
}

fn run(t: &ContactTable, test: &Test, draws: u32) -> Result<Vec<Estimate>, Refusal> {
    bootstrap(&compare(t), test, draws, &stream())
}

fn one_sided(alternative: Alternative) -> Test {
    Test {
        alternative,
        ..Test::DEFAULT
    }
}

fn nsw(stratum: fn(&Row) -> String) -> ContactTable {
    let customers: Vec<Customer> = rows("nsw.csv")
        .iter()
        .map(|r| {
            let arm = u16::from(r.get("arm") == "treatment");
            // Earnings have at most 6 decimals; the table here holds whole numbers of 1e-6.
            let after: f64 = r.get("after").parse().unwrap();
            (arm, stratum(r), 1, None, Some((after * 1e6).round() as i64))
        })
        .collect();
    table(&["control", "treatment"], &customers)
}

fn window(t: &ContactTable) -> ContactTable {
    let customers: Vec<Customer> = t
        .cells()
        .iter()
        .flat_map(|c| {
            let stratum = t.strata().label(c.stratum);
            std::iter::repeat_n((c.arm.0, stratum, 1, None, c.after), c.customers as usize)
        })
        .collect();
    let arms: Vec<&str> = t.arms().iter().map(String::as_str).collect();
    table(&arms, &customers)
}

fn all(_: &Row) -> String {
    "all".into()
}

fn pair(e: &Estimate, key: &str) -> (f64, f64) {
    match e.detail.get(key) {
        Some(DetailValue::Numbers(ends)) => (ends[0], ends[1]),
        other => panic!("{key}: {other:?}"),
    }
}

/// Value and acceleration exactly; the rest within Monte-Carlo error of 200,000 draws of R's.
fn agree(id: &str, unit: f64, run: impl Fn(&Test) -> Vec<Estimate>) {
    let two = run(&Test::DEFAULT);
    let (less, greater) = (
        run(&one_sided(Alternative::Less)),
        run(&one_sided(Alternative::Greater)),
    );
    for (i, name) in ["difference", "ratio"].into_iter().enumerate() {
        let r = record("bootstrap.json", &format!("{id}.{name}"));
        let (e, unit) = (&two[i], if i == 0 { unit } else { 1.0 });
        assert_eq!(e.p_value, None);
        assert_eq!(detail(e, "draws"), f64::from(DRAWS));
        close(id, e.value * unit, number(&r, "value"), CLOSED_FORM);
        close(
            id,
            detail(e, "acceleration"),
            number(&r, "acceleration"),
            CLOSED_FORM,
        );
        let interval = e.interval.unwrap();
        let percentile = pair(e, "ci_percentile");
        for (key, found) in [
            ("se", e.se.unwrap() * unit),
            ("z0", detail(e, "bias_correction")),
            ("perc_lo", percentile.0 * unit),
            ("perc_hi", percentile.1 * unit),
            ("bca_lo", interval.lower.unwrap() * unit),
            ("bca_hi", interval.upper.unwrap() * unit),
            (
                "bca_hi_one",
                less[i].interval.unwrap().upper.unwrap() * unit,
            ),
            (
                "bca_lo_one",
                greater[i].interval.unwrap().lower.unwrap() * unit,
            ),
        ] {
            // The reference has an error of its own: 20 times the draws.
            let error = number(&r["mcse"], key) * (1.0f64 + 1.0 / 20.0).sqrt();
            let off = (found - number(&r, key)) / error;
            assert!(
                off.abs() < STANDARD_ERRORS,
                "{id}.{name} {key}: {found}, {off:.2} errors off"
            );
        }
        for one in [&less[i], &greater[i]] {
            let two_sided = pair(one, "ci_two_sided");
            assert_eq!(Some(two_sided.0), interval.lower);
            assert_eq!(Some(two_sided.1), interval.upper);
        }
        assert_eq!(less[i].interval.unwrap().lower, None);
        assert_eq!(greater[i].interval.unwrap().upper, None);
    }
}

#[test]
fn r_finds_the_same() {
    let age = |r: &Row| (r.int("age") < 30).to_string();
    for (id, unit, t) in [
        ("bootstrap.epil", 1.0, epil(all)),
        ("bootstrap.epil_age30", 1.0, epil(age)),
        ("bootstrap.nsw", 1e-6, nsw(all)),
        (
            "bootstrap.nsw_nodegree",
            1e-6,
            nsw(|r| r.get("nodegree").into()),
        ),
        ("bootstrap.bladder_rate", 1.0, bladder(all, |_| true)),
        ("bootstrap.cgd_rate", 1.0, cgd(|r| r.get("hos_cat").into())),
    ] {
        agree(id, unit, |test| run(&t, test, DRAWS).unwrap());
    }
}

/// Made by other programs, for the same data: the published acceleration and spread.
#[test]
fn the_acceleration_is_the_published_one() {
    let found = run(&epil(all), &Test::DEFAULT, DRAWS).unwrap();
    let r = record(
        "bootstrap_published.json",
        "epil.bootstrap_bca_acceleration_diff",
    );
    close(
        "a",
        detail(&found[0], "acceleration"),
        number(&r, "a"),
        CLOSED_FORM,
    );
    // The standard deviation of 10,000 draws has an error of about 1/√(2B), more where tails are long.
    close("se", found[0].se.unwrap(), number(&r, "plugin_se"), 0.04);
    let found = run(&nsw(all), &Test::DEFAULT, DRAWS).unwrap();
    for (i, id) in [
        "nsw.bootstrap_bca_acceleration_diff",
        "nsw.bootstrap_bca_acceleration_ratio",
    ]
    .into_iter()
    .enumerate()
    {
        let r = record("bootstrap_published.json", id);
        close(
            id,
            detail(&found[i], "acceleration"),
            number(&r, "a"),
            CLOSED_FORM,
        );
    }
}

fn clusters(r: &Value) -> Vec<ClusterTotals> {
    let of = |key| numbers(&r["rows"], key);
    let (treated, stratum, n) = (of("treated"), of("stratum"), of("customers"));
    let (e, y) = (of("exposure"), of("y"));
    (0..n.len())
        .map(|i| ClusterTotals {
            treated: treated[i] == 1.0,
            stratum: stratum[i] as u32,
            customers: n[i] as u64,
            exposure: e[i] as i128,
            y: (y[i] * 1e6).round() as i128,
            clusters: 1,
        })
        .collect()
}

#[test]
fn r_finds_the_same_for_whole_clusters() {
    for (id, by) in [
        ("bootstrap.clusters_nsw", Size::Customers),
        ("bootstrap.clusters_bladder_rate", Size::Exposure),
        ("bootstrap.clusters_cgd_strata", Size::Customers),
    ] {
        let rows = clusters(&record("bootstrap.json", &format!("{id}.ratio")));
        agree(id, 1.0, |test| {
            bootstrap_of_clusters(&rows, by, (1e-6, 1.0), test, DRAWS, &stream()).unwrap()
        });
    }
}

/// Clusters of one customer each are customers.
#[test]
fn clusters_of_one_are_customers() {
    let t = window(&bladder(|r| (r.int("size") > 1).to_string(), |_| true));
    let rows: Vec<ClusterTotals> = t
        .cells()
        .iter()
        .filter(|c| c.arm.0 < 2)
        .map(|c| ClusterTotals {
            treated: c.arm.0 == 1,
            stratum: c.stratum.0,
            customers: 1,
            exposure: 1,
            y: i128::from(c.after.unwrap()),
            clusters: c.customers,
        })
        .collect();
    let whole = bootstrap_of_clusters(
        &rows,
        Size::Customers,
        (1.0, 1.0),
        &Test::DEFAULT,
        999,
        &stream(),
    );
    let (whole, single) = (whole.unwrap(), run(&t, &Test::DEFAULT, 999).unwrap());
    for (a, b) in whole.iter().zip(&single) {
        assert_eq!((a.value, a.se, a.interval), (b.value, b.se, b.interval));
    }
}

#[test]
fn the_value_is_that_of_the_plain_estimators() {
    let strata = window(&cgd(|r| r.get("hos_cat").into()));
    let plain = means::stratified(&compare(&strata), &Test::DEFAULT).unwrap();
    let found = run(&strata, &Test::DEFAULT, 999).unwrap();
    close("stratified", found[0].value, plain[0].value, ROUNDING);
    assert_eq!(found[0].n_treatment, plain[0].n_treatment);
    let varying = cgd(all);
    let plain = means::rate(&compare(&varying), &Test::DEFAULT).unwrap();
    let found = run(&varying, &Test::DEFAULT, DRAWS).unwrap();
    for (a, b) in found.iter().zip(&plain) {
        close("rate", a.value, b.value, ROUNDING);
        // With n for n − 1 it would be the same but for what is not linear, and for chance.
        close("rate se", a.se.unwrap(), b.se.unwrap(), 0.1);
        close(
            "share",
            a.control_share.unwrap(),
            b.control_share.unwrap(),
            0.1,
        );
    }
}

#[test]
fn threads_change_nothing() {
    let t = cgd(|r| r.get("hos_cat").into());
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| run(&t, &Test::DEFAULT, 2000).unwrap())
    };
    assert_eq!(on(1), on(2));
}

/// 59 patients as cells of one, against the same patients three times over as cells of three.
#[test]
fn cells_and_expanded_rows_agree_in_distribution() {
    let once = epil(all);
    let expand = |copies: usize| {
        let cells = once.cells().iter();
        let customers: Vec<Customer> = cells
            .flat_map(|c| std::iter::repeat_n((c.arm.0, "all".into(), 1, None, c.after), copies))
            .collect();
        table(&["c", "t"], &customers)
    };
    let (a, b) = (
        &run(&expand(1), &Test::DEFAULT, DRAWS).unwrap()[0],
        &run(&expand(4), &Test::DEFAULT, DRAWS).unwrap()[0],
    );
    close("value", a.value, b.value, ROUNDING);
    // Four times the customers: half the error, to 4 errors of two standard deviations of 10,000 draws.
    close("se", a.se.unwrap(), 2.0 * b.se.unwrap(), 0.05);
    close(
        "a",
        detail(a, "acceleration"),
        2.0 * detail(b, "acceleration"),
        0.05,
    );
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let customer = |arm, e, y| -> Customer { (arm, "a".into(), e, None, Some(y)) };
    let refuse = |customers: &[Customer], draws| {
        run(&table(&["c", "t"], customers), &Test::DEFAULT, draws)
            .unwrap_err()
            .why
    };
    let many: Vec<Customer> = (0..40).map(|i| customer(i as u16 % 2, 1, i)).collect();
    assert!(refuse(&many, 0).contains("no draws"));
    assert!(refuse(&many[..3], 999).contains("at least 2"));
    let zeros: Vec<Customer> = (0..40).map(|i| customer(i % 2, 1, 0)).collect();
    assert!(refuse(&zeros, 999).contains("all are alike"));
    // Half of control has no exposure, and 6 customers are easily drawn from that half.
    let idle: Vec<Customer> = (0..12)
        .map(|i| {
            customer(
                i % 2,
                if i % 4 == 0 { 0 } else { 1 + i64::from(i) },
                i64::from(i % 2),
            )
        })
        .collect();
    let why = refuse(&idle, 9999);
    assert!(
        why.starts_with("in ") && why.contains("of 9999 draws an arm has no exposure"),
        "{why}"
    );
    let alone = [
        customer(0, 1, 3),
        customer(0, 2, 1),
        (1, "b".into(), 1, None, Some(1)),
        (1, "b".into(), 2, None, Some(1)),
    ];
    assert!(run(&table(&["c", "t"], &alone), &Test::DEFAULT, 999).is_ok());
    let apart = [
        customer(0, 1, 3),
        customer(0, 1, 1),
        (1, "b".into(), 1, None, Some(1)),
        (1, "b".into(), 1, None, Some(1)),
    ];
    assert!(refuse(&apart, 999).contains("two customers in each arm"));
}

/// Where few have contacts some draws have none: the ratio is refused with their number.
#[test]
fn a_ratio_without_a_distribution_is_told() {
    let with = |contacts: i64| {
        let customers: Vec<Customer> = (0..40)
            .map(|i| {
                (
                    i % 2,
                    "all".into(),
                    1,
                    None,
                    Some(if i < 4 { contacts } else { 0 }),
                )
            })
            .collect();
        run(&table(&["c", "t"], &customers), &Test::DEFAULT, 9999).unwrap()
    };
    let found = with(2);
    assert_eq!(found.len(), 1);
    let Some(DetailValue::Text(why)) = found[0].detail.get("ratio_undefined") else {
        panic!("{:?}", found[0].detail);
    };
    // (18/20)^20 of the draws of each arm.
    let counted: f64 = why.split(' ').nth(1).unwrap().parse().unwrap();
    let p = 1.0 - (1.0 - 0.9f64.powi(20)).powi(2);
    assert!(
        (counted / 9999.0 - p).abs() < 4.0 * (p * (1.0 - p) / 9999.0).sqrt(),
        "{why}"
    );
    // All draws on the far side of 0 are well defined all the same.
    assert_eq!(with(-2).len(), 1);
}

/// A lattice so coarse that a fifth of the draws equal the value: ties count half.
#[test]
fn ties_count_half() {
    let customers: Vec<Customer> = (0..400)
        .map(|i| (i % 2, "all".into(), 1, None, Some(i64::from(i < 8))))
        .collect();
    let found = run(&table(&["c", "t"], &customers), &Test::DEFAULT, DRAWS).unwrap();
    // Both arms alike: the draws are symmetric about 0, so z₀ is 0 but for chance (1.25/√B).
    assert!(detail(&found[0], "bias_correction").abs() < 4.0 * 1.2533 / 100.0);
    assert!(detail(&found[0], "acceleration").abs() < ROUNDING);
}

#[test]
fn a_customer_alone_in_a_stratum_is_always_drawn() {
    let customer =
        |arm, stratum: &str, e, y| -> Customer { (arm, stratum.into(), e, None, Some(y)) };
    // Each stratum of treatment holds one customer: always drawn, so every draw has exposure.
    let customers = [
        customer(1, "a", 5, 2),
        customer(1, "b", 0, 0),
        customer(0, "a", 5, 1),
        customer(0, "a", 6, 3),
        customer(0, "b", 4, 1),
    ];
    let found = run(&table(&["c", "t"], &customers), &Test::DEFAULT, 999).unwrap();
    assert!(found[0].interval.is_some(), "{:?}", found[0]);
    // Two customers of one stratum, one of them without exposure in both arms: draws are refused.
    let refused = [
        customer(1, "a", 5, 2),
        customer(1, "a", 0, 0),
        customer(0, "a", 5, 1),
        customer(0, "a", 6, 3),
    ];
    let why = run(&table(&["c", "t"], &refused), &Test::DEFAULT, 999)
        .unwrap_err()
        .why;
    assert!(why.contains("no exposure"), "{why}");
}

#[test]
fn huge_values_are_counted_exactly_or_refused() {
    let big = i64::MAX / 4;
    let customers: Vec<Customer> = (0..40)
        .map(|i| {
            (
                i % 2,
                "all".into(),
                1,
                None,
                Some(big + i64::from(i) * (big / 100)),
            )
        })
        .collect();
    let small: Vec<Customer> = (0..40)
        .map(|i| (i % 2, "all".into(), 1, None, Some(100 + i64::from(i))))
        .collect();
    let t = table(&["c", "t"], &customers);
    let (a, b) = (
        run(&t, &Test::DEFAULT, 999).unwrap(),
        run(&table(&["c", "t"], &small), &Test::DEFAULT, 999).unwrap(),
    );
    let scale = (big / 100) as f64;
    // big is not a multiple of 100.
    close("difference", a[0].value / scale, b[0].value, 1e-9);
    close("se", a[0].se.unwrap() / scale, b[0].se.unwrap(), 1e-9);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Scaling scales differences and leaves ratios; exchanging the arms turns the sign; order changes nothing.
    #[test]
    fn scale_and_order(
        rows in prop::collection::vec((0u16..2, 0u8..3, 0i64..9), 8..30),
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
        let (plain, scaled) = (build(&|y| y, false), build(&|y| scale * y, true));
        match (run(&plain, &Test::DEFAULT, 999), run(&scaled, &Test::DEFAULT, 999)) {
            (Ok(a), Ok(b)) => {
                prop_assert_eq!(a.len(), b.len());
                let near = |x: f64, y: f64| (x - y).abs() <= 1e-9 * (1.0 + x.abs());
                for (a, b) in a.iter().zip(&b) {
                    let k = if a.estimand == Estimand::Difference { scale as f64 } else { 1.0 };
                    prop_assert!(near(a.value * k, b.value));
                    if a.estimand == Estimand::Difference {
                        prop_assert!(near(a.se.unwrap() * k, b.se.unwrap()));
                    }
                    if let (Some(i), Some(j)) = (a.interval, b.interval) {
                        prop_assert!(near(i.lower.unwrap() * k, j.lower.unwrap()));
                        prop_assert!(near(i.upper.unwrap() * k, j.upper.unwrap()));
                        prop_assert!(i.lower <= i.upper);
                    }
                    for e in [a, b] {
                        let number = |v: &DetailValue| match v {
                            DetailValue::Number(v) => v.is_finite(),
                            DetailValue::Numbers(v) => v.iter().all(|v| v.is_finite()),
                            _ => true,
                        };
                        prop_assert!(e.detail.values().all(number));
                    }
                }
            }
            (a, b) => prop_assert_eq!(a.is_err(), b.is_err()),
        }
    }
}
