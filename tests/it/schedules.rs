//! Switchbacks and stepped wedges: values of other programs, and what must not change them.

mod end_to_end;
mod plans;
mod simulated;

use pilot::stats::panel::{Row, carry_over, panel};
use pilot::stats::permutation::permutation_of_schedule;
use pilot::stats::power::schedule::hussey_hughes;
use pilot::stats::random::Stream;
use pilot::stats::schedule::{Frame, Schedule};
use pilot::stats::{Alternative, DetailValue, Estimand, Estimate, Test};
use proptest::prelude::*;
use serde_json::Value;

use crate::means::support::lines;

/// Closed forms in double precision on both sides; p-values of t with fractional df included.
const CLOSED_FORM: f64 = 1e-8;
/// Sums of at most some thousand probabilities on both sides.
const EXACT: f64 = 1e-12;

fn reference(name: &str) -> Vec<Value> {
    let path = format!("{}/tests/reference/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    all["records"].as_array().unwrap().clone()
}

fn rows_of(file: &str) -> Vec<Row> {
    let number = |text: &String| text.parse::<f64>().unwrap();
    let lines = lines(file);
    let row = |line: &std::collections::HashMap<String, String>| Row {
        region: number(&line["region"]) as usize,
        block: number(&line["block"]) as usize,
        treated: &line["treated"] == "1",
        exposure: line.get("exposure").map_or(1.0, number),
        y: number(&line["y"]),
    };
    lines.iter().map(row).collect()
}

fn near(found: f64, expected: &Value, tolerance: f64, what: &str) {
    let expected = expected.as_f64().unwrap();
    let reach = tolerance * expected.abs().max(1e-300);
    assert!(
        (found - expected).abs() <= reach,
        "{what}: {found} {expected}"
    );
}

fn detail(e: &Estimate, key: &str) -> f64 {
    match e.detail[key] {
        DetailValue::Number(v) => v,
        DetailValue::Count(n) => n as f64,
        ref other => panic!("{key}: {other:?}"),
    }
}

#[test]
fn effects_and_errors_are_those_of_club_sandwich() {
    for record in reference("schedule.json") {
        let id = record["id"].as_str().unwrap();
        if id.starts_with("pilot.") {
            // Those go through files and the program: end_to_end.
            continue;
        }
        let (name, lag) = match id.strip_suffix(".lag") {
            Some(name) => (name, true),
            None => (id, false),
        };
        let mut rows = match name.strip_suffix(".few").unwrap_or(name) {
            "orchard_sprays" | "orchard_sprays.expanded" => rows_of("orchard_sprays.csv"),
            other => rows_of(&format!("panel_{other}.csv")),
        };
        if name == "orchard_sprays.expanded" {
            for row in &mut rows {
                row.exposure = (1 + (row.region + row.block) % 3) as f64;
            }
        }
        if name.ends_with(".few") {
            rows.retain(|r| r.region < 3);
        }
        if lag {
            let all = rows.clone();
            let before = |region, block: usize| {
                all.iter()
                    .any(|r| (r.region, r.block + 1) == (region, block) && r.treated)
            };
            let (t, df, p) = carry_over(&rows, before).unwrap();
            let expected = record["value"].as_f64().unwrap() / record["se"].as_f64().unwrap();
            near(t, &expected.into(), CLOSED_FORM, id);
            near(df, &record["df"], CLOSED_FORM, id);
            near(p, &record["p"], CLOSED_FORM, id);
            continue;
        }
        let found = panel(&rows, &Test::DEFAULT).unwrap();
        let (difference, ratio) = (&found[0], &found[1]);
        near(difference.value, &record["value"], CLOSED_FORM, id);
        near(difference.se.unwrap(), &record["se"], CLOSED_FORM, id);
        near(difference.df.unwrap(), &record["df"], CLOSED_FORM, id);
        near(difference.p_value.unwrap(), &record["p"], CLOSED_FORM, id);
        let interval = difference.interval.unwrap();
        near(interval.lower.unwrap(), &record["lower"], CLOSED_FORM, id);
        near(interval.upper.unwrap(), &record["upper"], CLOSED_FORM, id);
        for key in ["rate_treatment", "rate_control"] {
            near(detail(difference, key), &record[key], CLOSED_FORM, id);
        }
        near(ratio.se.unwrap(), &record["log_se"], CLOSED_FORM, id);
        let expected = detail(difference, "rate_treatment") / detail(difference, "rate_control");
        near(ratio.value, &expected.into(), CLOSED_FORM, id);
        assert_eq!(ratio.estimand, Estimand::Ratio);
    }
}

fn frame_of(id: &str) -> Frame {
    match id {
        "switchback.even" | "switchback.uneven" => Frame::switchback(4, &[0; 6], [1, 1]),
        "switchback.odd" => Frame::switchback(3, &[0; 5], [1, 1]),
        "switchback.weights" => Frame::switchback(3, &[0; 4], [2, 1]),
        "switchback.weekdays" => Frame::switchback(2, &[0, 3, 6, 2, 5, 1, 4, 0, 3, 6], [1, 1]),
        "one" => Frame::switchback(1, &[0; 12], [1, 1]),
        "wedge.even" => Frame::stepped_wedge(4, 3),
        "wedge.uneven" => Frame::stepped_wedge(6, 4),
        "wedge.extra" => Frame::stepped_wedge(5, 4),
        other => panic!("{other}"),
    }
}

fn rows_in(record: &Value) -> Vec<Row> {
    let rows = record["rows"].as_array().unwrap().iter();
    let row = |r: &Value| Row {
        region: r[0].as_u64().unwrap() as usize,
        block: r[1].as_u64().unwrap() as usize,
        treated: r[2] == 1,
        exposure: r[3].as_f64().unwrap(),
        y: r[4].as_f64().unwrap(),
    };
    rows.map(row).collect()
}

#[test]
fn the_randomisation_test_looks_at_every_schedule() {
    let stream = Stream::new("test", "schedule", 1);
    for record in reference("schedule_permutation.json") {
        let id = record["id"].as_str().unwrap();
        let (rows, frame) = (rows_in(&record), frame_of(id));
        let run = |alternative| {
            let test = Test {
                alternative,
                ..Test::DEFAULT
            };
            let all = permutation_of_schedule(&rows, &frame, &test, 0, &stream).unwrap();
            all.into_iter().next().unwrap()
        };
        let found = run(Alternative::TwoSided);
        near(found.value, &record["value"], CLOSED_FORM, id);
        near(
            detail(&found, "statistic"),
            &record["statistic"],
            CLOSED_FORM,
            id,
        );
        assert_eq!(
            detail(&found, "assignments"),
            record["schedules"].as_f64().unwrap(),
            "{id}"
        );
        near(found.p_value.unwrap(), &record["p"], EXACT, id);
        near(detail(&found, "p_raw"), &record["p_raw"], EXACT, id);
        let less = run(Alternative::Less);
        near(less.p_value.unwrap(), &record["p_less"], EXACT, id);
        // Where every cluster weighs alike the test's error is the estimator's.
        if id.ends_with(".even") || id == "one" {
            let estimate = &panel(&rows, &Test::DEFAULT).unwrap()[0];
            let t = estimate.value / estimate.se.unwrap();
            near(t, &record["statistic"], CLOSED_FORM, id);
        }
    }
}

#[test]
fn draws_come_near_every_schedule_and_do_not_depend_on_threads() {
    let record = &reference("schedule_permutation.json")[5];
    let (rows, frame) = (rows_in(record), frame_of("one"));
    let exact = record["p"].as_f64().unwrap();
    // The same region twice over, so that there are too many schedules to look at each.
    let (mut many, blocks) = (rows.clone(), 12);
    many.extend(rows.iter().map(|r| Row { region: 1, ..*r }));
    assert_eq!((rows.len(), frame.blocks()), (blocks, blocks));
    let big = Frame::switchback(20, &[0; 12], [1, 1]);
    assert!(big.every(100_000).is_none());
    let stream = Stream::new("test", "draws", 2);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let rows = rows_of("panel_switchback.csv");
        let frame = Frame::switchback(9, &[0; 10], [1, 1]);
        pool.install(|| {
            permutation_of_schedule(&rows, &frame, &Test::DEFAULT, 2_000, &stream).unwrap()
        })
    };
    let (a, b) = (run(1), run(2));
    assert_eq!(a, b);
    assert_eq!(a[0].detail["exact"], DetailValue::Flag(false));
    // Draws of a small frame against its listed schedules.
    let mut generator = stream.generator(0);
    let problem = |treated: &dyn Fn(usize, usize) -> bool| {
        let rows: Vec<Row> = rows
            .iter()
            .map(|r| Row {
                treated: treated(r.region, r.block),
                ..*r
            })
            .collect();
        let e = panel(&rows, &Test::DEFAULT).unwrap().swap_remove(0);
        (e.value / e.se.unwrap()).abs()
    };
    let observed = problem(&|r, b| {
        rows.iter()
            .any(|x| (x.region, x.block, x.treated) == (r, b, true))
    });
    let draws = 4_000;
    let hits = (0..draws)
        .filter(|_| {
            let s = frame.draw(&mut generator);
            problem(&|r, b| s.treated(r, b)) >= observed * (1.0 - 1e-12)
        })
        .count();
    let share = hits as f64 / f64::from(draws);
    let se = (exact * (1.0 - exact) / f64::from(draws)).sqrt();
    assert!((share - exact).abs() <= 4.0 * se, "{share} {exact}");
}

#[test]
fn hussey_and_hughes_variance_is_that_of_least_squares() {
    for record in reference("schedule_power.json") {
        let rows = record["x"].as_array().unwrap();
        let blocks = rows[0].as_array().unwrap().len();
        let flags = rows.iter().flat_map(|r| r.as_array().unwrap());
        let flags = flags.map(|v| v == 1).collect();
        let x = Schedule::new(blocks, flags).unwrap();
        let number = |key: &str| record[key].as_f64().unwrap();
        let (sigma2, tau2) = (number("sigma2"), number("tau2"));
        let found = hussey_hughes(&x, (rows.len(), blocks), sigma2, tau2).unwrap();
        near(found, &record["variance"], CLOSED_FORM, "eq. 8");
    }
}

#[test]
fn refusals_have_a_reason() {
    let row = |region, block, treated| Row {
        region,
        block,
        treated,
        exposure: 1.0,
        y: 1.0,
    };
    let why = |rows: &[Row]| panel(rows, &Test::DEFAULT).unwrap_err().why;
    assert!(why(&[row(0, 0, true), row(0, 1, false)]).contains("1 region-blocks"));
    let by_region: Vec<Row> = (0..8).map(|i| row(i / 4, i % 4, i / 4 == 0)).collect();
    assert!(why(&by_region).contains("cannot be told apart"));
    let by_block: Vec<Row> = (0..8).map(|i| row(i / 4, i % 4, i % 2 == 0)).collect();
    assert!(why(&by_block).contains("cannot be told apart"));
    let flat: Vec<Row> = (0..8).map(|i| row(0, i, i % 2 == 0)).collect();
    let e = panel(&flat, &Test::DEFAULT).unwrap().swap_remove(0);
    assert_eq!((e.value.abs() < 1e-12, e.interval), (true, None));
    assert_eq!(e.detail["no_spread"], DetailValue::Flag(true));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn order_and_units_change_nothing_that_they_should_not(seed in 0u64..1000, factor in 2u32..50) {
        let mut rows = rows_of("panel_switchback.csv");
        let plain = panel(&rows, &Test::DEFAULT).unwrap();
        let mut random = Stream::new("test", "order", seed).generator(0);
        random.shuffle(&mut rows);
        let shuffled = panel(&rows, &Test::DEFAULT).unwrap();
        let k = f64::from(factor);
        for row in &mut rows {
            row.exposure *= k;
            row.region = 100 - row.region;
        }
        let scaled = panel(&rows, &Test::DEFAULT).unwrap();
        for (i, e) in plain.iter().enumerate() {
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs();
            prop_assert!(close(e.value, shuffled[i].value));
            prop_assert!(close(e.se.unwrap(), shuffled[i].se.unwrap()));
            prop_assert!(close(e.df.unwrap(), shuffled[i].df.unwrap()));
            let unit = if e.estimand == Estimand::Ratio { 1.0 } else { k };
            prop_assert!(close(e.value, scaled[i].value * unit));
            prop_assert!(close(e.se.unwrap(), scaled[i].se.unwrap() * unit));
            prop_assert!(close(e.df.unwrap(), scaled[i].df.unwrap()));
        }
    }
}
