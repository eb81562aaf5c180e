//! Numerically hard tables: every estimator gives a right answer or a named refusal.

use pilot::stats::adjusted::{ancova, lin};
use pilot::stats::bayes::{Prior, bayes};
use pilot::stats::before::{cuped, did};
use pilot::stats::cace::cace;
use pilot::stats::lee::bounds;
use pilot::stats::means::{delta, rate, stratified, student, welch};
use pilot::stats::negbin::negbin;
use pilot::stats::permutation::permutation;
use pilot::stats::poisson::poisson;
use pilot::stats::proportion::proportion;
use pilot::stats::random::Stream;
use pilot::stats::ranks::mann_whitney;
use pilot::stats::zeros::zeros;
use pilot::stats::{
    Alternative, DetailValue, Estimand, Estimate, Estimator, Interval, Refusal, Test,
};
use pilot::table::{
    ArmId, Cell, Comparison, ContactTable, Decimals, ExposureUnit, Strata, StratumId,
};

use super::{close, compare, detail};

/// (arm, stratum, before, after, uptake, customers)
type Line = (u16, u32, Option<i64>, Option<i64>, Option<bool>, u64);

fn table(lines: &[Line], decimals: u8) -> ContactTable {
    let most = lines.iter().map(|l| l.1).max().unwrap();
    let names = (0..=most).map(|i| vec![format!("{i:06}")]);
    let strata = match most {
        0 => Strata::none(),
        _ => Strata::new(vec!["s".into()], names).unwrap(),
    };
    let cells = lines.iter().map(|l| Cell {
        arm: ArmId(l.0),
        stratum: StratumId(l.1),
        exposure: 1,
        before_exposure: 0,
        before: l.2,
        after: l.3,
        uptake: l.4,
        customers: l.5,
    });
    let arms = ["control", "treatment"].map(String::from).to_vec();
    let decimals = Decimals {
        before: decimals,
        after: decimals,
        ..Decimals::default()
    };
    ContactTable::new(
        arms,
        strata,
        ExposureUnit::Window,
        decimals,
        cells.collect(),
    )
    .unwrap()
}

/// `count` customers an arm with outcomes by `after(arm, i)`, some before values, two strata.
fn customers(count: [i64; 2], after: impl Fn(u16, i64) -> i64) -> Vec<Line> {
    let mut lines = Vec::new();
    for arm in 0..2u16 {
        for i in 0..count[usize::from(arm)] {
            let before = (i % 7 != 0).then_some(i * 5 % 11);
            let taken = arm == 1 && i % 3 != 0 || i % 17 == 0;
            lines.push((
                arm,
                (i % 2) as u32,
                before,
                Some(after(arm, i)),
                Some(taken),
                1,
            ));
        }
    }
    lines
}

type Run = (Estimator, Result<Vec<Estimate>, Refusal>);

fn everything(table: &ContactTable, test: &Test) -> Vec<Run> {
    let c = compare(table);
    let stream = Stream::new("hard", "t", 7);
    let prior = Prior { mean: 0.0, sd: 0.2 };
    vec![
        (Estimator::Welch, welch(&c, test)),
        (Estimator::Student, student(&c, table, test)),
        (Estimator::Rate, rate(&c, test)),
        (Estimator::Delta, delta(&c, test)),
        (Estimator::Stratified, stratified(&c, test)),
        (Estimator::Cuped, cuped(&c, test)),
        (Estimator::Did, did(&c, test)),
        (Estimator::Ancova, ancova(&c, test)),
        (Estimator::Lin, lin(&c, test)),
        (Estimator::Poisson, poisson(&c, test)),
        (Estimator::Negbin, negbin(&c, test)),
        (Estimator::Permutation, permutation(&c, test, 999, &stream)),
        (Estimator::MannWhitney, mann_whitney(&c, test)),
        (Estimator::Proportion, proportion(&c, test)),
        (Estimator::Cace, cace(&c, test)),
        (Estimator::Bayes, bayes(&c, test, prior)),
    ]
}

/// Finite everywhere, p within [0, 1], the value inside its interval; a refusal has its reason.
#[track_caller]
fn sane(case: &str, table: &ContactTable) {
    for alternative in [
        Alternative::TwoSided,
        Alternative::Less,
        Alternative::Greater,
    ] {
        let test = Test {
            alpha: 0.05,
            alternative,
        };
        for (estimator, found) in everything(table, &test) {
            let what = format!("{case}: {estimator} {alternative:?}");
            let found = match found {
                Ok(found) => found,
                Err(refusal) => {
                    assert!(refusal.why.len() > 10, "{what}");
                    continue;
                }
            };
            assert!(!found.is_empty(), "{what}");
            for e in found {
                assert_eq!(e.estimator, estimator, "{what}");
                assert!(e.value.is_finite(), "{what}: {e:?}");
                let inside = |v: f64| (0.0..=1.0).contains(&v);
                assert!(
                    e.se.is_none_or(|v| v.is_finite() && v >= 0.0),
                    "{what}: {e:?}"
                );
                assert!(e.p_value.is_none_or(inside), "{what}: {e:?}");
                assert!(
                    e.df.is_none_or(|v| v.is_finite() && v > 0.0),
                    "{what}: {e:?}"
                );
                assert!(e.control_share.is_none_or(inside), "{what}: {e:?}");
                let Interval { lower, upper } = e.interval.unwrap_or(Interval {
                    lower: None,
                    upper: None,
                });
                let slack = 1e-9 * e.value.abs().max(1.0);
                assert!(
                    lower.is_none_or(|l| l.is_finite() && l <= e.value + slack),
                    "{what}: {e:?}"
                );
                assert!(
                    upper.is_none_or(|u| u.is_finite() && u >= e.value - slack),
                    "{what}: {e:?}"
                );
                for (key, value) in &e.detail {
                    let fine = match value {
                        DetailValue::Number(v) => v.is_finite(),
                        DetailValue::Numbers(v) => v.iter().all(|v| v.is_finite()),
                        _ => true,
                    };
                    assert!(fine, "{what}: {key} {value:?}");
                }
            }
        }
    }
    let c = compare(table);
    match bounds(&c, 0.05) {
        Ok(b) => {
            assert!(
                b.lower <= b.upper + 1e-9 * b.upper.abs().max(1.0),
                "{case}: {b:?}"
            );
            assert!(
                b.se_lower.is_finite() && b.se_upper.is_finite(),
                "{case}: {b:?}"
            );
        }
        Err(refusal) => assert!(refusal.why.len() > 10, "{case}"),
    }
    match zeros(&c) {
        Ok(z) => assert!(
            z.z.is_finite() && z.expected.is_finite() && (0.0..=1.0).contains(&z.p_value),
            "{case}: {z:?}"
        ),
        Err(refusal) => assert!(refusal.why.len() > 10, "{case}"),
    }
}

fn refused(table: &ContactTable, wanted: Estimator) -> String {
    let mut all = everything(table, &Test::DEFAULT).into_iter();
    let found = all.find(|(e, _)| *e == wanted).unwrap().1;
    found.unwrap_err().why
}

fn value(table: &ContactTable, wanted: Estimator) -> Estimate {
    let mut all = everything(table, &Test::DEFAULT).into_iter();
    let found = all.find(|(e, _)| *e == wanted).unwrap().1;
    found.unwrap_or_else(|e| panic!("{wanted}: {e}")).remove(0)
}

#[test]
fn every_hard_table_gives_numbers_or_reasons() {
    let mild = |arm: u16, i: i64| (i * 7 + i64::from(arm)) % 5;
    let cases: Vec<(&str, ContactTable)> = vec![
        ("plain", table(&customers([120, 120], mild), 0)),
        (
            "no contact in treatment",
            table(
                &customers([120, 120], |a, i| if a == 1 { 0 } else { i % 4 }),
                0,
            ),
        ),
        (
            "no contact in control",
            table(
                &customers([120, 120], |a, i| if a == 0 { 0 } else { i % 4 }),
                0,
            ),
        ),
        (
            "no contact at all",
            table(&customers([120, 120], |_, _| 0), 0),
        ),
        (
            "the same for everyone",
            table(&customers([120, 120], |_, _| 3), 0),
        ),
        (
            "one customer of 1e6",
            table(
                &customers([120, 120], |a, i| {
                    if a == 1 && i == 5 {
                        1_000_000
                    } else {
                        mild(a, i)
                    }
                }),
                0,
            ),
        ),
        (
            "one customer of 1e9",
            table(
                &customers([120, 120], |a, i| {
                    if a == 1 && i == 5 {
                        1_000_000_000
                    } else {
                        mild(a, i)
                    }
                }),
                0,
            ),
        ),
        (
            "one contact in all",
            table(
                &customers([120, 120], |a, i| i64::from(a == 1 && i == 3)),
                0,
            ),
        ),
        ("theta to infinity", super::even()),
        (
            "theta to 0",
            table(
                &customers([400, 400], |_, i| if i == 8 { 90_000 } else { 0 }),
                0,
            ),
        ),
        (
            "counts of 1e6",
            table(&customers([120, 120], |a, i| 1_000_000 + mild(a, i)), 0),
        ),
        ("weights of 1:99", table(&customers([1980, 20], mild), 0)),
        ("weights of 99:1", table(&customers([20, 1980], mild), 0)),
        ("two customers an arm", table(&customers([2, 2], mild), 0)),
        ("one customer an arm", table(&customers([1, 1], mild), 0)),
        (
            "six decimals",
            table(
                &customers([120, 120], |a, i| mild(a, i) * 1_234_567 + 89),
                6,
            ),
        ),
        (
            "near the limit of 63 bits",
            table(
                &customers([6, 6], |a, i| i64::MAX / 4 - mild(a, i) * 1_000_000_007),
                0,
            ),
        ),
        (
            "arm by stratum",
            table(
                &customers([120, 120], mild)
                    .into_iter()
                    .map(|l| (l.0, u32::from(l.0), l.2, l.3, l.4, l.5))
                    .collect::<Vec<_>>(),
                0,
            ),
        ),
        (
            "before by stratum",
            table(
                &customers([120, 120], mild)
                    .into_iter()
                    .map(|l| (l.0, l.1, Some(i64::from(l.1) * 3), l.3, l.4, l.5))
                    .collect::<Vec<_>>(),
                0,
            ),
        ),
        (
            "before by arm",
            table(
                &customers([120, 120], mild)
                    .into_iter()
                    .map(|l| (l.0, l.1, Some(i64::from(l.0) * 3), l.3, l.4, l.5))
                    .collect::<Vec<_>>(),
                0,
            ),
        ),
        (
            "a stratum each",
            table(
                &customers([60, 60], mild)
                    .into_iter()
                    .enumerate()
                    .map(|(i, l)| (l.0, i as u32, l.2, l.3, l.4, l.5))
                    .collect::<Vec<_>>(),
                0,
            ),
        ),
        (
            "1e9 customers",
            table(
                &customers([120, 120], mild)
                    .into_iter()
                    .map(|l| (l.0, l.1, l.2, l.3, l.4, 10_000_000))
                    .collect::<Vec<_>>(),
                0,
            ),
        ),
        (
            "1e15 customers",
            table(
                &customers([120, 120], mild)
                    .into_iter()
                    .map(|l| (l.0, l.1, l.2, l.3, l.4, 10_000_000_000_000))
                    .collect::<Vec<_>>(),
                0,
            ),
        ),
        (
            "nobody observed in treatment",
            table(
                &customers([120, 120], mild)
                    .into_iter()
                    .map(|l| (l.0, l.1, l.2, l.3.filter(|_| l.0 == 0), l.4, l.5))
                    .collect::<Vec<_>>(),
                0,
            ),
        ),
        (
            "half missing",
            table(
                &customers([120, 120], mild)
                    .into_iter()
                    .enumerate()
                    .map(|(i, l)| (l.0, l.1, l.2, l.3.filter(|_| i % 2 == 0), l.4, l.5))
                    .collect::<Vec<_>>(),
                0,
            ),
        ),
        (
            "shares",
            table(
                &customers([120, 120], |a, i| {
                    i64::from(i % 9 == 0 || a == 1 && i % 5 == 0)
                }),
                0,
            ),
        ),
        ("every share", table(&customers([120, 120], |_, _| 1), 0)),
        (
            "negative scores",
            table(&customers([120, 120], |a, i| mild(a, i) - 3), 0),
        ),
    ];
    for (case, table) in &cases {
        sane(case, table);
    }
}

#[test]
fn an_arm_without_contacts_has_a_difference_and_no_ratio() {
    let t = table(
        &customers([120, 120], |a, i| if a == 1 { 0 } else { i % 4 }),
        0,
    );
    close("welch", value(&t, Estimator::Welch).value, -1.5, 1e-12);
    for by in [
        Estimator::Delta,
        Estimator::Poisson,
        Estimator::Negbin,
        Estimator::Bayes,
    ] {
        let why = refused(&t, by);
        assert!(why.contains("no contact"), "{by}: {why}");
    }
    let lin = value(&t, Estimator::Lin);
    assert!(lin.detail.contains_key("ratio_undefined"), "{lin:?}");
}

#[test]
fn the_limits_of_theta_are_named() {
    let limit = value(&super::even(), Estimator::Negbin);
    assert_eq!(limit.detail["poisson_limit"], DetailValue::Flag(true));
    assert!(!limit.detail.contains_key("theta"));
    // A hair above Poisson's spread: 10⁷ customers with mean 1 and a variance of 1 + 2e-9.
    let counts: [u64; 7] = [
        3_678_795, 3_678_794, 1_839_397, 613_132, 153_283, 30_657, 5_942,
    ];
    let mut lines: Vec<Line> = Vec::new();
    for arm in 0..2u16 {
        for (y, n) in counts.iter().enumerate() {
            lines.push((arm, 0, None, Some(y as i64), None, *n));
        }
    }
    let near = value(&table(&lines, 0), Estimator::Negbin);
    let named = near.detail["poisson_limit"] == DetailValue::Flag(true);
    assert!(named || detail(&near, "theta") < 1e8, "{near:?}");
    close("ratio", near.value, 1.0, 1e-9);

    let lines: Vec<Line> = (0..2u16)
        .flat_map(|arm| [(0, 399), (900_000, 1)].map(|(y, n)| (arm, 0, None, Some(y), None, n)))
        .collect();
    let zero = table(&lines, 0);
    match everything(&zero, &Test::DEFAULT)
        .into_iter()
        .find(|r| r.0 == Estimator::Negbin)
        .unwrap()
        .1
    {
        Ok(found) => assert!(detail(&found[0], "theta") < 1e-3, "{found:?}"),
        Err(refusal) => assert!(refusal.why.contains("theta"), "{refusal}"),
    }
}

#[test]
fn a_billion_customers_are_as_many_times_fewer() {
    let mild = |arm: u16, i: i64| (i * 7 + i64::from(arm) * i * i) % 5;
    let small = customers([120, 120], mild);
    let times = 10_000_000u64;
    let large: Vec<Line> = small
        .iter()
        .map(|l| (l.0, l.1, l.2, l.3, l.4, times))
        .collect();
    let (small, large) = (table(&small, 0), table(&large, 0));
    for by in [
        Estimator::Welch,
        Estimator::Delta,
        Estimator::Stratified,
        Estimator::Ancova,
        Estimator::Lin,
        Estimator::Poisson,
        Estimator::Negbin,
        Estimator::Cace,
        Estimator::MannWhitney,
    ] {
        let (s, l) = (value(&small, by), value(&large, by));
        close(&format!("{by}"), l.value, s.value, 1e-8);
        // Up to n − 1 for n, and HC2's leverages: 1 in 120.
        let shrunk = s.se.unwrap() / (times as f64).sqrt();
        close(&format!("{by} se"), l.se.unwrap(), shrunk, 0.05);
    }
    let exact = {
        let c = compare(&large);
        let part = |arm: u16| {
            let n = 120.0 * times as f64;
            let y: Vec<f64> = (0..120).map(|i| mild(arm, i) as f64).collect();
            let mean = y.iter().sum::<f64>() / 120.0;
            let squares: f64 = y.iter().map(|v| (v - mean).powi(2)).sum();
            squares * times as f64 / (n - 1.0) / n
        };
        let _ = c;
        (part(0) + part(1)).sqrt()
    };
    close(
        "welch",
        value(&large, Estimator::Welch).se.unwrap(),
        exact,
        1e-12,
    );
}

#[test]
fn a_large_level_costs_no_digits() {
    let mild = |arm: u16, i: i64| (i * 7 + i64::from(arm) * i) % 9;
    let low = table(&customers([150, 150], mild), 0);
    let high = table(&customers([150, 150], |a, i| 1_000_000 + mild(a, i)), 0);
    for by in [
        Estimator::Welch,
        Estimator::Student,
        Estimator::Stratified,
        Estimator::Cuped,
        Estimator::Did,
        Estimator::Ancova,
        Estimator::Lin,
        Estimator::Cace,
    ] {
        let (l, h) = (value(&low, by), value(&high, by));
        close(&format!("{by}"), h.value, l.value, 1e-9);
        close(&format!("{by} se"), h.se.unwrap(), l.se.unwrap(), 1e-9);
        close(
            &format!("{by} p"),
            h.p_value.unwrap(),
            l.p_value.unwrap(),
            1e-8,
        );
    }
}

#[test]
fn collinear_strata_are_refused_or_dropped_by_name() {
    let mild = |arm: u16, i: i64| (i * 7 + i64::from(arm)) % 5;
    let by_arm: Vec<Line> = customers([120, 120], mild)
        .into_iter()
        .map(|l| (l.0, u32::from(l.0), l.2, l.3, l.4, l.5))
        .collect();
    let t = table(&by_arm, 0);
    for (by, words) in [
        (Estimator::Ancova, "determines the arm"),
        (Estimator::Cace, "determines the arm"),
        (Estimator::Poisson, "cannot be told apart"),
        (Estimator::Negbin, "cannot be told apart"),
        (Estimator::Stratified, "stratum"),
        (Estimator::Lin, "stratum"),
    ] {
        let why = refused(&t, by);
        assert!(why.contains(words), "{by}: {why}");
    }
    let before: Vec<Line> = customers([120, 120], mild)
        .into_iter()
        .map(|l| (l.0, l.1, Some(i64::from(l.1) * 3), l.3, l.4, l.5))
        .collect();
    let t = table(&before, 0);
    assert_eq!(
        value(&t, Estimator::Poisson).detail["before"],
        DetailValue::Flag(false)
    );
    assert_eq!(
        value(&t, Estimator::Lin).detail["columns_dropped"],
        DetailValue::Text("before".into())
    );
    // Dropping what strata say already changes nothing.
    let without: Vec<Line> = before
        .iter()
        .map(|l| (l.0, l.1, None, l.3, l.4, l.5))
        .collect();
    let plain = value(&table(&without, 0), Estimator::Ancova);
    close(
        "ancova",
        value(&t, Estimator::Ancova).value,
        plain.value,
        1e-10,
    );
}

#[test]
fn one_huge_count_leaves_ranks_alone() {
    let mild = |arm: u16, i: i64| (i * 7 + i64::from(arm)) % 5;
    let with = |huge: i64| {
        table(
            &customers(
                [120, 120],
                |a, i| if a == 1 && i == 4 { huge } else { mild(a, i) },
            ),
            0,
        )
    };
    let (most, huge) = (with(5), with(1_000_000_000));
    close(
        "ranks",
        value(&huge, Estimator::MannWhitney).value,
        value(&most, Estimator::MannWhitney).value,
        1e-12,
    );
    let why = refused(&huge, Estimator::Negbin);
    assert!(
        why.contains("10000000") || why.contains("10,000,000"),
        "{why}"
    );
    let estimand = |e: &Estimate| e.estimand == Estimand::Difference;
    assert!(estimand(&value(&huge, Estimator::Welch)));
    let _ = Comparison::new(&huge, ArmId(1), ArmId(0)).unwrap();
}
