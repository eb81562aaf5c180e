//! Where an estimator does not apply, it says why; where it does, extremes come out right.

use pilot::stats::adjusted::{ancova, lin};
use pilot::stats::before::{cuped, did};
use pilot::stats::means::{delta, rate, stratified, student, welch};
use pilot::stats::proportion::proportion;
use pilot::stats::ranks::mann_whitney;
use pilot::stats::{DetailValue, Estimate, Refusal, Test};
use pilot::table::{Cell, Comparison, ContactTable, StratumId};

use super::one;
use super::support::{cell, close, ends, first, number, plain};

type Estimator = fn(&Comparison<'_>, &Test) -> Result<Vec<Estimate>, Refusal>;

fn pooled(c: &Comparison<'_>, test: &Test) -> Result<Vec<Estimate>, Refusal> {
    student(c, c.table(), test)
}

const ALL: [(&str, Estimator); 11] = [
    ("welch", welch),
    ("student", pooled),
    ("delta", delta),
    ("rate", rate),
    ("stratified", stratified),
    ("cuped", cuped),
    ("did", did),
    ("ancova", ancova),
    ("lin", lin),
    ("proportion", proportion),
    ("mann-whitney", mann_whitney),
];

fn why(estimator: Estimator, table: &ContactTable) -> String {
    estimator(&first(table), &Test::DEFAULT).unwrap_err().why
}

fn within(cell: Cell, stratum: u32) -> Cell {
    Cell {
        stratum: StratumId(stratum),
        ..cell
    }
}

/// Nothing that is not a finite number may reach a report.
fn all_finite(e: &Estimate) {
    let mut numbers = vec![e.value];
    numbers.extend(e.se);
    numbers.extend(e.df);
    numbers.extend(e.p_value);
    numbers.extend(e.control_share);
    if let Some(i) = e.interval {
        numbers.extend(i.lower);
        numbers.extend(i.upper);
    }
    for v in e.detail.values() {
        match v {
            DetailValue::Number(v) => numbers.push(*v),
            DetailValue::Numbers(v) => numbers.extend(v),
            _ => {}
        }
    }
    assert!(numbers.iter().all(|v| v.is_finite()), "{e:?}");
}

#[test]
fn every_estimator_refuses_an_empty_arm_by_name() {
    for cells in [
        vec![cell(0, Some(1), Some(1), 5)],
        vec![cell(0, Some(1), Some(1), 5), cell(1, None, Some(3), 5)],
    ] {
        let cells = cells
            .into_iter()
            .chain([within(cell(0, Some(2), Some(0), 3), 1)]);
        let table = plain(0, cells.collect());
        for (name, estimator) in ALL {
            let why = why(estimator, &table);
            assert!(
                why.starts_with("tip-sheet has no customer with a"),
                "{name}: {why}"
            );
        }
    }
    let nobody = plain(0, vec![]);
    for (name, estimator) in ALL.into_iter().filter(|(name, _)| *name != "stratified") {
        assert!(
            why(estimator, &nobody).starts_with("control has no customer"),
            "{name}"
        );
    }
}

#[test]
fn nothing_panics_or_is_not_a_number_on_tiny_and_extreme_tables() {
    const BIG: i64 = 1_000_000_000_000_000;
    let outcomes = [Some(0), Some(1), Some(BIG), Some(-BIG), None];
    let befores = [None, Some(0), Some(5), Some(BIG)];
    let mut tables = Vec::new();
    for a in outcomes {
        for b in outcomes {
            for x in befores {
                for n in [1, 2, 3, 1_000_000] {
                    let mut cells = vec![
                        cell(0, a, x, n),
                        cell(1, b, None, 1),
                        cell(1, a, x, 2),
                        cell(0, b, Some(1), 2),
                    ];
                    tables.push(plain(0, cells.clone()));
                    cells.push(within(cell(1, b, x, 1), 1));
                    cells.push(within(cell(0, a, x, n), 2));
                    cells.push(Cell {
                        exposure: 7,
                        ..within(cell(1, a, x, 2), 2)
                    });
                    tables.push(plain(6, cells));
                }
            }
        }
    }
    let mut estimates = 0;
    for table in &tables {
        for (_, estimator) in ALL {
            if let Ok(found) = estimator(&first(table), &Test::DEFAULT) {
                found.iter().for_each(all_finite);
                estimates += found.len();
            }
        }
    }
    assert!(estimates > 1000, "only {estimates} estimates were made");
}

#[test]
fn one_customer_in_an_arm() {
    let table = plain(
        0,
        vec![
            cell(0, Some(1), None, 5),
            cell(0, Some(3), None, 5),
            cell(1, Some(1), None, 1),
        ],
    );
    let expected = "tip-sheet has 1 customer with an observed outcome; at least 2 are needed";
    for estimator in [welch as Estimator, delta, rate, mann_whitney] {
        assert_eq!(why(estimator, &table), expected);
    }
    // The pooled variance is that of the others, as in R's t.test(var.equal = TRUE).
    let e = one(pooled(&first(&table), &Test::DEFAULT));
    assert_eq!((e.value, e.df), (-1.0, Some(9.0)));
    close("se", e.se.unwrap(), (10.0f64 / 9.0 * 1.1).sqrt(), 1e-14);
}

#[test]
fn outcomes_without_spread_have_no_p() {
    let table = plain(
        0,
        vec![cell(0, Some(3), None, 50), cell(1, Some(2), None, 50)],
    );
    for estimator in [welch as Estimator, pooled] {
        let e = one(estimator(&first(&table), &Test::DEFAULT));
        assert_eq!(
            (e.value, e.se, e.p_value, e.interval),
            (-1.0, Some(0.0), None, None)
        );
        assert_eq!(e.detail["no_spread"], DetailValue::Flag(true));
        assert_eq!(e.control_share.is_some(), e.df.is_some());
    }
    let e = one(delta(&first(&table), &Test::DEFAULT));
    close("ratio", e.value, 2.0 / 3.0, 1e-15);
    assert_eq!(e.p_value, None);
    // Complete separation: a p, but no interval.
    let e = one(mann_whitney(&first(&table), &Test::DEFAULT));
    assert_eq!((e.value, e.interval), (1.0, None));
    assert!(e.p_value.unwrap() < 1e-20);
    let table = plain(
        0,
        vec![cell(0, Some(3), None, 50), cell(1, Some(3), None, 50)],
    );
    let e = one(mann_whitney(&first(&table), &Test::DEFAULT));
    assert_eq!((e.value, e.p_value), (0.5, None));
}

#[test]
fn spread_that_is_only_rounding_is_none() {
    // y = x + .1 exactly, in decimals that no float holds.
    let cells: Vec<_> = (0..50)
        .map(|x| cell((x % 2) as u16, Some(3 * x + 1), Some(3 * x), 1))
        .collect();
    let table = plain(1, cells);
    for estimator in [did as Estimator, lin, ancova] {
        let e = &estimator(&first(&table), &Test::DEFAULT).unwrap()[0];
        assert_eq!((e.se, e.p_value), (Some(0.0), None), "{:?}", e.estimator);
        assert!(e.value.abs() < 1e-12);
    }
}

#[test]
fn ratios_need_contacts() {
    let table = |a, b| {
        plain(
            0,
            vec![
                cell(0, Some(a), Some(1), 9),
                cell(0, Some(0), Some(2), 9),
                cell(1, Some(b), Some(1), 9),
                cell(1, Some(0), Some(2), 9),
            ],
        )
    };
    let none = "control has no contact, so a ratio is undefined";
    assert_eq!(why(delta, &table(0, 1)), none);
    assert!(why(delta, &table(1, 0)).starts_with("tip-sheet has no contact: the ratio is 0"));
    assert_eq!(
        why(delta, &table(1, -1)),
        "the mean of tip-sheet is negative, so a ratio is undefined"
    );
    for estimator in [rate as Estimator, lin] {
        let e = one(estimator(&first(&table(0, 1)), &Test::DEFAULT));
        assert_eq!(e.detail["ratio_undefined"], DetailValue::Text(none.into()));
    }
    let e = one(welch(&first(&table(0, 1)), &Test::DEFAULT));
    assert_eq!(e.value, 0.5);
    assert!(e.p_value.is_some());
}

#[test]
fn missing_outcomes_are_left_out_and_counted() {
    let full = vec![
        cell(0, Some(3), Some(1), 9),
        cell(0, Some(0), Some(0), 9),
        cell(1, Some(1), Some(1), 9),
        cell(1, Some(0), Some(2), 9),
    ];
    let mut holes = full.clone();
    holes.extend([cell(0, None, Some(5), 4), cell(1, None, None, 3)]);
    let (full, holes) = (plain(0, full), plain(0, holes));
    for (name, estimator) in ALL {
        let of = |t: &ContactTable| estimator(&first(t), &Test::DEFAULT);
        match (of(&full), of(&holes)) {
            (Ok(a), Ok(b)) => {
                for (a, b) in a.iter().zip(&b) {
                    assert_eq!(
                        (a.value, a.se, a.p_value),
                        (b.value, b.se, b.p_value),
                        "{name}"
                    );
                    assert_eq!(
                        (number(a, "n_missing"), number(b, "n_missing")),
                        (0.0, 7.0),
                        "{name}"
                    );
                    assert_eq!((b.n_treatment, b.n_control), (18, 18), "{name}");
                }
            }
            (a, b) => assert_eq!(a.unwrap_err(), b.unwrap_err(), "{name}"),
        }
    }
}

#[test]
fn exposure_in_rates_and_ranks() {
    let with = |e: i64, c: Cell| Cell { exposure: e, ..c };
    let table = plain(
        0,
        vec![
            with(10, cell(0, Some(2), None, 4)),
            with(20, cell(0, Some(1), None, 4)),
            with(0, cell(0, Some(0), None, 1)),
            with(10, cell(1, Some(1), None, 4)),
            with(20, cell(1, Some(0), None, 4)),
        ],
    );
    let found = rate(&first(&table), &Test::DEFAULT).unwrap();
    // 12 contacts in 120 days against 4 in 120.
    close("difference", found[0].value, -8.0 / 120.0, 1e-14);
    close("ratio", found[1].value, 1.0 / 3.0, 1e-14);
    assert_eq!(number(&found[0], "n_zero_exposure"), 1.0);
    assert_eq!(found[0].n_control, 9);
    assert!(why(mann_whitney, &table).starts_with("exposure varies"));
    let idle = plain(
        0,
        vec![
            with(0, cell(0, Some(0), None, 4)),
            with(10, cell(1, Some(1), None, 4)),
        ],
    );
    assert_eq!(why(rate, &idle), "control has no exposure");
}

#[test]
fn nothing_to_adjust_for() {
    let table = plain(
        0,
        vec![
            cell(0, Some(1), None, 5),
            cell(0, Some(3), None, 5),
            cell(1, Some(1), None, 9),
        ],
    );
    for estimator in [lin as Estimator, ancova] {
        assert_eq!(
            why(estimator, &table),
            "there is no before period and no stratum to adjust for"
        );
    }
    assert_eq!(
        why(cuped, &table),
        "there is no before period to adjust for"
    );
    assert_eq!(why(stratified, &table), "the plan has no strata");
    assert!(
        why(did, &table).starts_with("control has no customer with a before and an after value")
    );
    let same = plain(
        0,
        vec![cell(0, Some(1), Some(2), 5), cell(1, Some(1), Some(2), 9)],
    );
    assert_eq!(
        why(cuped, &same),
        "the before value is the same for everyone"
    );
}

#[test]
fn strata_that_hold_one_arm_only() {
    // Stratum 0 is all control, stratum 1 all treatment.
    let table = plain(
        0,
        vec![
            cell(0, Some(1), Some(1), 9),
            cell(0, Some(2), Some(3), 9),
            within(cell(1, Some(1), Some(1), 9), 1),
            within(cell(1, Some(0), Some(0), 9), 1),
        ],
    );
    assert_eq!(
        why(stratified, &table),
        "no stratum has two customers in both arms"
    );
    assert_eq!(
        why(lin, &table),
        "no stratum has two customers in both arms"
    );
    assert!(why(ancova, &table).starts_with("the stratum determines the arm"));
}

#[test]
fn leverage_of_one_is_refused_unless_it_does_not_matter() {
    // Two customers an arm and a slope: fitted exactly.
    let table = plain(
        0,
        vec![
            cell(0, Some(1), Some(1), 1),
            cell(0, Some(2), Some(5), 1),
            cell(1, Some(4), Some(2), 1),
            cell(1, Some(0), Some(0), 1),
        ],
    );
    assert!(why(lin, &table).starts_with("a customer is fitted exactly"));
    // A stratum with one customer says nothing about the arms: same as without him.
    let mut cells: Vec<_> = (0..20)
        .map(|i| {
            within(
                cell((i % 2) as u16, Some(i * i % 7), Some(i % 5), 1),
                (i % 3) as u32,
            )
        })
        .collect();
    let without = one(ancova(&first(&plain(0, cells.clone())), &Test::DEFAULT));
    cells.push(within(cell(0, Some(40), Some(9), 1), 3));
    let with = one(ancova(&first(&plain(0, cells)), &Test::DEFAULT));
    close("value", with.value, without.value, 1e-12);
    close("se", with.se.unwrap(), without.se.unwrap(), 1e-12);
    assert_eq!(with.df, without.df);
}

#[test]
fn one_customer_alone_without_a_before_period_is_left_out() {
    let mut cells: Vec<_> = (0..40)
        .map(|i| cell((i % 2) as u16, Some(i * i % 7), Some(i % 5), 1))
        .collect();
    let whole = plain(0, cells.clone());
    cells.push(cell(1, Some(30), None, 1));
    let table = plain(0, cells.clone());
    for estimator in [lin as Estimator, ancova] {
        let (a, b) = (
            &estimator(&first(&whole), &Test::DEFAULT).unwrap()[0],
            &estimator(&first(&table), &Test::DEFAULT).unwrap()[0],
        );
        assert_eq!((a.value, a.se), (b.value, b.se));
        assert_eq!((number(b, "n_used"), number(b, "n_left_out")), (40.0, 1.0));
    }
    // Two in one arm, one in the other: all stay, one indicator for both arms.
    cells.push(cell(0, Some(3), None, 2));
    let e = &lin(&first(&plain(0, cells)), &Test::DEFAULT).unwrap()[0];
    assert_eq!(number(e, "n_used"), 43.0);
    assert_eq!(
        e.detail["columns_dropped"],
        DetailValue::Text("arm x without before".into())
    );
}

#[test]
fn large_means_cost_no_digits() {
    // 1e12 added to every outcome and before value changes no standard error.
    let cells = |shift: i64| -> Vec<Cell> {
        (0..60)
            .map(|i| {
                cell(
                    (i % 2) as u16,
                    Some(shift + i * i % 17),
                    Some(shift + i * 3 % 11),
                    1,
                )
            })
            .collect()
    };
    let (near, far) = (plain(0, cells(0)), plain(0, cells(1_000_000_000_000)));
    for estimator in [welch as Estimator, pooled, cuped, ancova, lin, did] {
        let of = |t: &ContactTable| estimator(&first(t), &Test::DEFAULT).unwrap().swap_remove(0);
        let (a, b) = (of(&near), of(&far));
        close(a.estimator.name(), b.se.unwrap(), a.se.unwrap(), 1e-9);
        // The means are 1e12, whose last digit is 1e-4.
        assert!(
            (a.value - b.value).abs() < 1e-3,
            "{} {} {}",
            a.estimator,
            a.value,
            b.value
        );
    }
}

#[test]
fn a_covariate_with_many_values_is_used_as_it_is() {
    // 150,000 cells in 24 strata, a covariate with 50,000 values.
    let cells: Vec<_> = (0..150_000i64)
        .map(|i| {
            within(
                cell(
                    (i / 24 % 2) as u16,
                    Some(i * i % 23),
                    Some(i * 31 % 50_021),
                    1 + i as u64 % 3,
                ),
                (i % 24) as u32,
            )
        })
        .collect();
    let table = plain(0, cells);
    let c = first(&table);
    let e = &lin(&c, &Test::DEFAULT).unwrap()[0];
    assert_eq!(number(e, "strata_used"), 24.0);
    assert!(ends(e).0 < ends(e).1);
}
