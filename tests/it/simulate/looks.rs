//! Looks of simulated pilots, against published error rates and the design's own power.

use pilot::experiment::{Experiment, GroupSequential, Sequential};
use pilot::planning::simulate::{LookTally, Looking, LooksAt, Population, Scenario};
use pilot::stats::sequential::{Boundary, Design};

use super::{ERRORS, law, plan, replay};
use crate::support::Desk;

fn rule(spending: &str) -> Sequential {
    Sequential {
        looks: Vec::new(),
        information: Vec::new(),
        rule: Some(GroupSequential {
            spending: spending.into(),
            parameter: None,
            futility: None,
        }),
        information_max: None,
        extension_weights: None,
    }
}

/// So many looks at `to` replays, by a rule.
fn looks(
    (e, p, s): (&Experiment, &Population, &Scenario),
    by: &Sequential,
    (count, to): (u32, u64),
) -> LookTally {
    let none = replay(e, p, &Scenario::PLAIN);
    let at = LooksAt::equal_times(count, &none).unwrap();
    let looking = Looking::new(e, by, at).unwrap();
    let tallies = replay(e, p, s).looks((0, to), &[looking], &|_| Ok(()));
    tallies.unwrap().swap_remove(0)
}

/// Armitage, McPherson & Rowe (1969), J. R. Statist. Soc. A 132, 235-244, table 2: five looks at
/// p ≤ .05 find 14.2 % where nothing works. Poisson counts bring as much information every day.
const FIVE_UNPLANNED: f64 = 0.142;

#[test]
fn five_looks_need_a_boundary() {
    let e = plan("analysis = { estimator = \"welch\" }\n");
    let p = Population::negative_binomial(&law(4.0, 0.0), 60).unwrap();
    // A confidence sequence costs no integral, so more pilots can be looked at.
    let sequence = Sequential {
        rule: None,
        ..rule("pocock")
    };
    let replays = 200;
    let seen = looks((&e, &p, &Scenario::PLAIN), &sequence, (5, replays));
    let mcse = |right: f64| (right * (1.0 - right) / replays as f64).sqrt();
    for (sums, right) in [(&seen.once, 0.05), (&seen.unplanned, FIVE_UNPLANNED)] {
        let rate = sums.rate().unwrap().value;
        assert!(
            (rate - right).abs() < ERRORS * mcse(right),
            "{rate} {right}"
        );
    }
    // It holds at any number of looks, and so errs less at five.
    let crossed = seen.crossed.rate().unwrap().value;
    assert!(crossed < 0.05 + ERRORS * mcse(0.05), "{crossed}");
    assert!(seen.unplanned.sum > 2.0 * seen.crossed.sum);
}

/// Where an effect is there, pilots stop at each look as often as the design's integrals say.
#[test]
fn pilots_stop_when_the_design_says() {
    let e = plan("analysis = { estimator = \"welch\" }\n");
    let (rate, customers, reduction) = (4.0, 100, 0.3);
    let p = Population::negative_binomial(&law(rate, 0.0), customers).unwrap();
    let scenario = Scenario {
        reduction,
        ..Scenario::PLAIN
    };
    // Two looks: the integrals of more take long without optimisation.
    let seen = looks((&e, &p, &scenario), &rule("pocock"), (2, 120));
    assert!(seen.without < 3, "{seen:?}");
    assert_eq!(seen.stops.iter().sum::<u64>() as f64, seen.crossed.sum);
    let design = Design {
        boundary: Boundary::from_name("pocock", None).unwrap(),
        information: vec![0.5, 1.0],
        alpha: 0.05,
        sides: 2,
        futility: None,
    };
    // Mean of z at the end: the difference over √((μ₁ + μ₀)/n an arm).
    let variance = rate * (2.0 - reduction) / (customers as f64 / 2.0);
    let expected = design.stopping(rate * reduction / variance.sqrt()).unwrap();
    let n = seen.crossed.n as f64;
    for (stops, expected) in seen.stops.iter().zip(&expected) {
        let share = *stops as f64 / n;
        let mcse = (expected * (1.0 - expected) / n).sqrt();
        // t for normal deviates, and counts for normal ones.
        assert!(
            (share - expected).abs() < ERRORS * mcse + 0.015,
            "{:?} {expected}",
            seen.stops
        );
    }
}

#[test]
fn looks_do_not_depend_on_threads_or_on_what_else_is_looked_at() {
    let e = plan("");
    let p = Population::negative_binomial(&law(1.0, 1.0), 80).unwrap();
    let r = replay(&e, &p, &Scenario::PLAIN);
    let at = LooksAt::equal_times(2, &r).unwrap();
    let of = |name: &str| Looking::new(&e, &rule(name), at.clone()).unwrap();
    let both = [of("obrien-fleming"), of("pocock")];
    let whole = r.looks((0, 4), &both, &|_| Ok(())).unwrap();
    let mut parts = r.looks((0, 2), &both[1..], &|_| Ok(())).unwrap();
    let later = r.looks((2, 4), &both[1..], &|_| Ok(())).unwrap();
    parts[0].merge(later.into_iter().next().unwrap());
    assert_eq!(whole[1].stops, parts[0].stops);
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let alone = one.install(|| r.looks((0, 4), &both, &|_| Ok(())));
    assert_eq!(alone.unwrap(), whole);
}

#[test]
fn the_command_looks_as_often_as_asked_or_planned() {
    let desk = Desk::new();
    desk.run(&[
        "design",
        "n",
        "--rate",
        "2",
        "--dispersion",
        "0.5",
        "--reduction",
        "0.3",
    ])
    .ok();
    let args = [
        "simulate",
        "n",
        "--replicates",
        "12",
        "--draws",
        "19",
        "--effect",
        "0.3",
    ];
    let ran = desk.run(&[&args[..], &["--looks", "4", "--json"]].concat());
    let document = ran.ok().json();
    let rows = document["looks"]["looks"].as_array().unwrap();
    assert_eq!(rows.len(), 4);
    assert_eq!(document["looks"]["rule"], "obrien-fleming");
    assert_eq!(rows[3]["time"], 1.0);
    assert_eq!(rows[3]["information"], 1.0);
    // Half time knows more than half: (1/2 + φ)/(1/1 + φ).
    let half = rows[1]["information"].as_f64().unwrap();
    assert!((0.55..0.9).contains(&half), "{half}");
    assert!(document["looks"]["power"]["mcse"].is_f64());
    let pocock = [
        &args[..],
        &["--looks", "3", "--spending", "pocock", "--out", "sim"],
    ]
    .concat();
    let out = desk.run(&pocock).ok().stdout;
    assert!(out.contains("Looking 3 times by pocock"), "{out}");
    let table = String::from_utf8(desk.read("sim/looks.csv")).unwrap();
    assert_eq!(table.lines().count(), 4, "{table}");
    let none = desk.run(&[&args[..], &["--json"]].concat()).ok().json();
    assert!(none.get("looks").is_none());
    let wrong = desk.run(&[&args[..], &["--spending", "pocock", "--json"]].concat());
    assert_eq!(wrong.code, 2);
    assert_eq!(wrong.json()["error"]["key"], "--spending");
}
