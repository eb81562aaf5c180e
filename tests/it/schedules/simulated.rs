//! Simulated pilots of schedules: power beside the formula's, `design`, and `simulate`.

use pilot::experiment;
use pilot::planning::RegionCounts;
use pilot::planning::simulate::{PastBlocks, RegionReplay, RegionSource};
use serde_json::Value;

use crate::pipeline::example;
use crate::support::Desk;

const POWER: [&str; 16] = [
    "power",
    "--design",
    "switchback",
    "--regions",
    "4",
    "--blocks",
    "4",
    "--customers-per-block",
    "800",
    "--rate",
    "0.3",
    "--dispersion",
    "1.2",
    "--icc",
    "0.02",
    "--reduction=0.3",
];

fn number(document: &Value, key: &str) -> f64 {
    let value = document[key].as_f64();
    value.unwrap_or_else(|| panic!("{key}: {document}"))
}

#[test]
fn power_shows_the_simulated_beside_the_formula() {
    let desk = Desk::new();
    let with = |more: &[&str]| desk.run(&[&POWER[..], more].concat()).ok();
    let document = with(&["--replicates", "150", "--json"]).json();
    assert_eq!(
        document,
        with(&["--replicates", "150", "--json", "--threads", "1"]).json()
    );
    assert_eq!(
        (&document["replicates"], &document["not_simulated"]),
        (&150.into(), &Value::Null)
    );
    for key in [
        "power",
        "power_simulated",
        "power_simulated_permutation",
        "false_positives_simulated",
        "false_positives_simulated_permutation",
    ] {
        let share = number(&document, key);
        assert!((0.0..=1.0).contains(&share), "{key}");
        if key != "power" {
            let se = (share * (1.0 - share) / 150.0).sqrt();
            assert!((number(&document, &format!("{key}_se")) - se).abs() < 1e-12);
        }
    }
    let text = with(&["--replicates", "150"]).stdout;
    for words in [
        "Simulated power: cluster",
        "redrawn schedules (permutation)",
        "Without any effect",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let none = with(&["--replicates", "0", "--json"]).json();
    assert_eq!(none["power_simulated"], Value::Null);
    // Four regions that cross at two steps: six schedules, of which none shows anything.
    let wedge: Vec<&str> = POWER
        .iter()
        .map(|a| match *a {
            "switchback" => "stepped-wedge",
            other => other,
        })
        .collect();
    let wedge = [&wedge[..], &["--blocks=3", "--replicates", "50"]].concat();
    let wedge: Vec<&str> = {
        let at = wedge.iter().position(|a| *a == "--blocks").unwrap();
        [&wedge[..at], &wedge[at + 2..]].concat()
    };
    let text = desk.run(&wedge).ok().stdout;
    assert!(text.contains("Only 6 schedules"), "{text}");
    assert!(text.contains("permutation) 0.0"), "{text}");
    // What the law of the counts cannot have is said.
    let poisson: Vec<&str> = POWER
        .iter()
        .map(|a| if *a == "1.2" { "0" } else { *a })
        .collect();
    let text = desk.run(&poisson).ok().stdout;
    assert!(
        text.contains("Not simulated: an icc of 0.02 needs more dispersion"),
        "{text}"
    );
}

const DESIGN: [&str; 24] = [
    "design",
    "notice",
    "--arms",
    "control,notice",
    "--design",
    "switchback",
    "--cluster",
    "region",
    "--regions",
    "west,east,north,south",
    "--block-days",
    "14",
    "--washout-days",
    "1",
    "--after",
    "2026-10-05..2026-11-29",
    "--seed",
    "7",
    "--replicates",
    "60",
    "--icc",
    "0.02",
    "--dispersion",
    "1.2",
];

#[test]
fn design_writes_a_schedule_that_simulate_reads() {
    let desk = Desk::new();
    let sized = [
        "--rate",
        "0.3",
        "--customers-per-block",
        "800",
        "--reduction",
        "0.3",
    ];
    let ran = desk.run(&[&DESIGN[..], &sized].concat()).ok();
    for words in [
        "4 regions in 4 blocks (switchback)",
        "Simulated power: cluster",
    ] {
        assert!(ran.stdout.contains(words), "{words}\n{}", ran.stdout);
    }
    let text = String::from_utf8(desk.read("experiments/notice.toml")).unwrap();
    for line in [
        "design = \"switchback\"",
        "block_days = 14",
        "washout_days = 1",
        "estimator = \"cluster\"",
        "by the formula",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let counts = RegionCounts::read(&text).unwrap();
    assert_eq!(
        (counts.customers, counts.rate, counts.icc),
        (800.0, 0.3, 0.02)
    );
    let shown = [
        "simulate",
        "notice",
        "--replicates",
        "30",
        "--draws",
        "99",
        "--effect",
        "0.3",
    ];
    let document = desk.run(&[&shown[..], &["--json"]].concat()).ok().json();
    assert_eq!(
        (&document["regions"], &document["blocks"]),
        (&4.into(), &4.into())
    );
    let rows = document["estimators"].as_array().unwrap();
    let names: Vec<&str> = rows
        .iter()
        .map(|r| r["estimator"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["permutation", "cluster", "cluster"]);
    // 36 schedules, of which two are as extreme as any: the redrawn test never finds anything.
    assert_eq!(rows[0]["power"]["value"], 0.0, "{document}");
    assert!(rows[1]["power"]["value"].is_number(), "{document}");
    // Not without what a schedule needs, nor with what is about customers.
    let refused = |more: &[&str], words: &str| {
        let ran = desk.run(&[&["design", "other", "--design", "switchback"][..], more].concat());
        assert_eq!(ran.code, 2, "{words}");
        assert!(ran.stderr.contains(words), "{words}\n{}", ran.stderr);
        assert!(!desk.path("experiments/other.toml").exists());
    };
    refused(&[], "--block-days");
    refused(&["--block-days", "14", "--strata", "plan"], "--strata");
    refused(
        &["--block-days", "14", "--after", "2026-10-05..2026-11-30"],
        "whole number of blocks",
    );
}

#[test]
fn simulate_draws_blocks_from_before_the_test() {
    let desk = example("ivr-fee-notice");
    let run = |more: &[&str]| {
        let base = [
            "simulate",
            "ivr-fee-notice",
            "--replicates",
            "40",
            "--draws",
            "99",
            "--json",
        ];
        desk.run(&[&base[..], more].concat())
    };
    let document = run(&["--effect", "0.2"]).ok().json();
    assert_eq!(
        document,
        run(&["--effect", "0.2", "--threads", "1"]).ok().json()
    );
    assert!(
        document["source"]
            .as_str()
            .unwrap()
            .contains("own 4 before the test"),
        "{document}"
    );
    let before = desk.files();
    let by_plan = [
        "--from",
        "plan",
        "--rate",
        "0.05",
        "--dispersion",
        "1",
        "--icc",
        "0.001",
        "--customers-per-block",
        "900",
        "--effect",
        "-0.3",
    ];
    let other = run(&by_plan).ok().json();
    assert!(
        other["source"]
            .as_str()
            .unwrap()
            .contains("900 negative binomial"),
        "{other}"
    );
    assert_eq!(desk.files(), before);
    for (flags, key) in [
        (&["--zero-inflation", "0.2"][..], "--zero-inflation"),
        (&["--heavy-tail", "2"], "--heavy-tail"),
        (&["--attrition", "0.1"], "--attrition"),
        (&["--looks", "3"], "--looks"),
        (&["--customers", "400"], "--customers"),
        (&["--cluster-size", "4"], "--cluster-size"),
        (&["--correlation", "0.4"], "--correlation"),
        (&["--from", "control"], "--from"),
    ] {
        let ran = run(flags);
        assert_eq!(ran.code, 2, "{key}");
        assert!(ran.stdout.contains(key), "{key}\n{}", ran.stdout);
    }
    let customers = example("progabide");
    let wrong = [
        "simulate",
        "progabide",
        "--autocorrelation",
        "0.5",
        "--json",
    ];
    let ran = customers.run(&wrong);
    assert_eq!(ran.code, 2);
    assert!(ran.stdout.contains("--autocorrelation"), "{}", ran.stdout);
}

#[test]
fn a_replay_has_the_plans_schedule_and_the_moments_of_its_source() {
    let desk = example("ivr-fee-notice");
    let plan = experiment::read(&desk.path("experiments/ivr-fee-notice.toml")).unwrap();
    let source = RegionSource::Law(RegionCounts {
        customers: 300.0,
        rate: 0.4,
        dispersion: 1.0,
        icc: 0.02,
        autocorrelation: 0.7,
    });
    let replay = |reduction| RegionReplay {
        experiment: &plan.experiment,
        source: &source,
        reduction,
        draws: 99,
        seed: 3,
    };
    // 12 days count of each block.
    assert!((replay(0.0).rate().unwrap() - 0.4 / 12.0).abs() < 1e-12);
    let (mut control, mut treated, pilots) = (0.0, 0.0, 400);
    for i in 0..pilots {
        let (drawn, evidence) = replay(0.25).pilot(i).unwrap();
        let panel = evidence.outcomes[0].panel.as_ref().unwrap();
        let schedule = pilot::assign::schedule::draw(&drawn).unwrap();
        for row in panel.rows() {
            let on = schedule.treated(row.region as usize, row.block as usize);
            assert_eq!(row.arm.0 == 1, on);
            assert_eq!((row.days, row.exposure), (12, 300 * 12));
            let share = row.y as f64 / (300.0 * 32.0 * f64::from(pilots as u32));
            *(if on { &mut treated } else { &mut control }) += share;
        }
    }
    // Means of 12,800 region-blocks whose regions differ by a third: .006 is four standard errors.
    assert!((control / 0.4 - 1.0).abs() < 0.025, "{control}");
    assert!((treated / 0.3 - 1.0).abs() < 0.025, "{treated}");
    // Without enough blocks from before there is nothing to draw from.
    let (_, evidence) = replay(0.0).pilot(0).unwrap();
    let panel = evidence.outcomes[0].panel.as_ref().unwrap();
    let past = |weekdays: &[i8], log| PastBlocks::new(panel, weekdays, &plan.experiment, log);
    assert_eq!(past(&[0; 8], false).unwrap().number(), 8);
    assert_eq!(past(&[0; 8], true).unwrap().number(), 7);
    assert!(past(&[1; 8], false).is_none());
}
