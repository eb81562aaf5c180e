//! Two proportions against statsmodels, scipy, R and print.

use pilot::stats::proportion::{Count, chi_squared, fisher, newcombe, proportion, wilson};
use pilot::stats::{Alternative, DetailValue, Test};

use super::support::{Reference, cell, close, ends, first, number, plain};
use super::{RELATIVE, TINY_P, hillstrom, one};

const TABLES: [(u64, u64, u64, u64); 11] = [
    (56, 70, 48, 80),
    (9, 10, 3, 10),
    (0, 10, 0, 20),
    (10, 10, 0, 20),
    (5, 56, 0, 29),
    (0, 7, 12, 19),
    (4, 4, 2, 6),
    (500, 20000, 610, 20000),
    (1, 300, 8, 310),
    (30, 40, 10, 40),
    (2262, 21306, 3238, 21387),
];

fn counts(t: (u64, u64, u64, u64)) -> (Count, Count) {
    (
        Count {
            successes: t.0,
            n: t.1,
        },
        Count {
            successes: t.2,
            n: t.3,
        },
    )
}

#[test]
fn newcombe_and_fisher_agree_with_statsmodels_and_scipy() {
    let r = Reference::variants();
    for t in TABLES {
        let id = format!("table {}/{} {}/{}", t.0, t.1, t.2, t.3);
        let (a, b) = counts(t);
        let (low, high) = newcombe(a, b, 0.025);
        r.check(
            &id,
            &[("newcombe_lo", low), ("newcombe_hi", high)],
            RELATIVE,
        );
        let p = fisher(a, b).unwrap();
        for (field, p) in [
            ("fisher_two-sided", p.two_sided),
            ("fisher_less", p.less),
            ("fisher_greater", p.greater),
        ] {
            let expected = r.get(&id, field);
            close(
                &format!("{id} {field}"),
                p,
                expected,
                if expected < 1e-40 { TINY_P } else { RELATIVE },
            );
        }
    }
}

#[test]
fn newcombe_1998_as_printed() {
    // Table II, method 10, as quoted; statsmodels gives the same four decimals.
    for (t, low, high) in [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
        ((10, 10, 0, 20), 0.6791, 1.0),
    ] {
        let (a, b) = counts(t);
        let got = newcombe(a, b, 0.025);
        assert!(
            (got.0 - low).abs() < 5.1e-5 && (got.1 - high).abs() < 5.1e-5,
            "{t:?} {got:?}"
        );
    }
    assert_eq!(wilson(Count { successes: 0, n: 9 }, 0.025).0, 0.0);
    assert_eq!(wilson(Count { successes: 9, n: 9 }, 0.025).1, 1.0);
}

#[test]
fn hillstrom_visits_agree_with_r() {
    let r = Reference::suite();
    let table = hillstrom("visit");
    let e = one(proportion(&first(&table), &Test::DEFAULT));
    let id = "hillstrom_womens_email.visit.prop_z_pooled";
    r.check(id, &[("diff", e.value)], RELATIVE);
    close(id, e.p_value.unwrap(), r.get(id, "p"), TINY_P);
    assert_eq!(e.detail["test"], DetailValue::Text("chi-squared".into()));
    let (low, high) = newcombe(
        Count {
            successes: 3238,
            n: 21387,
        },
        Count {
            successes: 2262,
            n: 21306,
        },
        0.025,
    );
    assert_eq!(ends(&e), (low, high));
}

#[test]
fn small_tables_report_fisher_one_sided_too() {
    let cells = [(1, 1, 5), (1, 0, 51), (0, 0, 29)].map(|(arm, y, n)| cell(arm, Some(y), None, n));
    let table = plain(0, cells.to_vec());
    let r = Reference::variants();
    for (alternative, field) in [
        (Alternative::TwoSided, "fisher_two-sided"),
        (Alternative::Less, "fisher_less"),
        (Alternative::Greater, "fisher_greater"),
    ] {
        let test = Test {
            alpha: 0.05,
            alternative,
        };
        let e = one(proportion(&first(&table), &test));
        close(
            field,
            e.p_value.unwrap(),
            r.get("table 5/56 0/29", field),
            RELATIVE,
        );
        assert_eq!(number(&e, "p_fisher"), e.p_value.unwrap());
        let i = e.interval.unwrap();
        assert_eq!(i.lower.is_none(), alternative == Alternative::Less);
        assert_eq!(i.upper.is_none(), alternative == Alternative::Greater);
        assert_eq!(e.control_share, Some(0.0));
    }
}

#[test]
fn nobody_or_everybody() {
    for y in [0, 1] {
        let table = plain(
            0,
            vec![cell(0, Some(y), None, 20), cell(1, Some(y), None, 10)],
        );
        let e = one(proportion(&first(&table), &Test::DEFAULT));
        assert_eq!((e.value, e.p_value), (0.0, Some(1.0)));
        let (low, high) = ends(&e);
        assert!(low < -0.1 && high > 0.1);
    }
}

#[test]
fn only_0_and_1_are_proportions() {
    let table = plain(
        0,
        vec![cell(0, Some(2), None, 20), cell(1, Some(1), None, 10)],
    );
    let refusal = proportion(&first(&table), &Test::DEFAULT).unwrap_err();
    assert_eq!(refusal.why, "the outcome has values other than 0 and 1");
    // One decimal: 1.0 is stored as 10.
    let table = plain(
        1,
        vec![cell(0, Some(0), None, 20), cell(1, Some(10), None, 10)],
    );
    assert_eq!(one(proportion(&first(&table), &Test::DEFAULT)).value, 1.0);
}

#[test]
fn fisher_at_large_and_extreme_tables() {
    // 200 million customers, no effect: agrees with χ² to the order of its continuity, 1/sd.
    let n = 100_000_000;
    let (a, b) = counts((1_000_500, n, 1_000_000, n));
    let (exact, approximate) = (fisher(a, b).unwrap(), chi_squared(a, b));
    assert!((exact.two_sided - approximate.two_sided).abs() < 2e-3);
    // Its free count has a standard deviation of 112,000: not computed.
    let (a, b) = counts((n * 500, n * 1000, n * 500, n * 1000));
    assert_eq!(fisher(a, b), None);
    // Complete separation of 2,000: 1/C(2000, 1000) = 4.88e-601 underflows to 0.
    let (a, b) = counts((1000, 1000, 0, 1000));
    let p = fisher(a, b).unwrap();
    assert_eq!((p.two_sided, p.less, p.greater), (0.0, 1.0, 0.0));
    // 2/C(1000, 500) = 7.4e-300 does not; C(1000, 500) = 2.702882409454366e299.
    let (a, b) = counts((500, 500, 0, 500));
    close(
        "p",
        fisher(a, b).unwrap().greater,
        1.0 / 2.702882409454366e299,
        1e-10,
    );
}
