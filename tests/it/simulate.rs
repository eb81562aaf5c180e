//! `pilot simulate`: its customers, its counting, and the command.

mod clusters;
mod looks;

use pilot::experiment::{self, Experiment};
use pilot::planning::simulate::{NegativeBinomial, Population, Replay, Scenario, Tallies};
use pilot::stats::{Estimand, Estimator};
use pilot::table::{
    ArmId, Cell, ContactTable, Decimals, Evidence, ExposureUnit, Strata, StratumId,
};

use crate::support::{COUNTS_PLAN, Desk};

/// Standard errors that a simulated number may be off; seeds are fixed, so more is a defect.
const ERRORS: f64 = 4.5;

fn plan(extra: &str) -> Experiment {
    plan_with_outcome(&format!(" }}]\n{extra}"))
}

/// A plan whose only outcome is not closed yet.
fn plan_with_outcome(rest: &str) -> Experiment {
    let text = format!(
        "schema = 1\nexperiment = {{ name = \"s\", seed = 5 }}\n\
         arms = [{{ name = \"control\", control = true, weight = 1 }}, {{ name = \"video\", weight = 1 }}]\n\
         outcomes = [{{ name = \"contacts\", role = \"primary\", better = \"lower\"{rest}"
    );
    let path = std::path::Path::new("s.toml");
    experiment::parse(&text, path).unwrap().experiment
}

fn law(rate: f64, dispersion: f64) -> NegativeBinomial {
    NegativeBinomial {
        rate,
        dispersion,
        correlation: None,
        before_days: Some(30),
        after_days: 30,
    }
}

fn replay<'a>(
    experiment: &'a Experiment,
    population: &'a Population,
    scenario: &'a Scenario,
) -> Replay<'a> {
    Replay {
        experiment,
        population,
        scenario,
        draws: 99,
        seed: 11,
    }
}

fn run(e: &Experiment, p: &Population, s: &Scenario, replays: u64) -> Tallies {
    replay(e, p, s).run(0, replays, &|_| Ok(())).unwrap()
}

/// (before, after) of an arm's customers, a row each.
fn customers(evidence: &Evidence, arm: u16) -> Vec<(f64, f64)> {
    let cells = evidence.outcomes[0].table.cells().iter();
    cells
        .filter(|c| c.arm == ArmId(arm))
        .flat_map(|c| {
            let pair = (c.before.unwrap_or(0) as f64, c.after.unwrap_or(0) as f64);
            std::iter::repeat_n(pair, c.customers as usize)
        })
        .collect()
}

fn mean_and_variance(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (mean, squares / (n - 1.0))
}

#[test]
fn customers_have_the_law_that_was_asked() {
    let e = plan("");
    let p = Population::negative_binomial(&law(1.5, 0.8), 200_000).unwrap();
    let scenario = Scenario {
        reduction: 0.2,
        ..Scenario::PLAIN
    };
    let (_, evidence) = replay(&e, &p, &scenario).pilot(0).unwrap();
    for (arm, mean) in [(0, 1.5), (1, 1.2)] {
        let rows = customers(&evidence, arm);
        assert_eq!(rows.len(), 100_000);
        let after: Vec<f64> = rows.iter().map(|r| r.1).collect();
        let (m, v) = mean_and_variance(&after);
        let variance = mean + 0.8 * mean * mean;
        assert!(
            (m - mean).abs() < ERRORS * (variance / 1e5f64).sqrt(),
            "{m}"
        );
        // The variance's own spread: kurtosis of about 9 gives √(8/n).
        assert!(
            (v / variance - 1.0).abs() < ERRORS * (8.0 / 1e5f64).sqrt(),
            "{v}"
        );
        let before: Vec<f64> = rows.iter().map(|r| r.0).collect();
        let (x, vx) = mean_and_variance(&before);
        let covariance: f64 = rows.iter().map(|r| (r.0 - x) * (r.1 - m)).sum::<f64>() / 1e5;
        // Cov = φ·μ·μ_k: only the rate is shared.
        let correlation = 0.8 * 1.5 * mean / ((1.5 + 0.8 * 2.25) * variance).sqrt();
        assert!((covariance / (vx * v).sqrt() - correlation).abs() < 0.02);
    }
}

#[test]
fn a_correlation_that_was_asked_comes_out() {
    let e = plan("");
    let asked = NegativeBinomial {
        correlation: Some(0.3),
        ..law(2.0, 1.0)
    };
    let p = Population::negative_binomial(&asked, 100_000).unwrap();
    let (_, evidence) = replay(&e, &p, &Scenario::PLAIN).pilot(0).unwrap();
    let rows = customers(&evidence, 0);
    let (x, vx) = mean_and_variance(&rows.iter().map(|r| r.0).collect::<Vec<_>>());
    let (y, vy) = mean_and_variance(&rows.iter().map(|r| r.1).collect::<Vec<_>>());
    let n = rows.len() as f64;
    let covariance: f64 = rows.iter().map(|r| (r.0 - x) * (r.1 - y)).sum::<f64>() / n;
    assert!((covariance / (vx * vy).sqrt() - 0.3).abs() < 0.02);
}

/// Arm, stratum, before, after, customers.
type Row = (u16, u32, Option<i64>, Option<i64>, u64);

fn table(cells: &[Row]) -> ContactTable {
    let strata = Strata::new(
        vec!["plan".into()],
        [vec!["basic".to_string()], vec!["plus".to_string()]],
    )
    .unwrap();
    let cells = cells
        .iter()
        .map(|&(arm, stratum, before, after, customers)| Cell {
            arm: ArmId(arm),
            stratum: StratumId(stratum),
            exposure: 60,
            before_exposure: if before.is_some() { 30 } else { 0 },
            before,
            after,
            uptake: None,
            customers,
        });
    ContactTable::new(
        vec!["control".into(), "video".into()],
        strata,
        ExposureUnit::Day,
        Decimals::default(),
        cells.collect(),
    )
    .unwrap()
}

#[test]
fn customers_drawn_by_their_before_counts_keep_them() {
    // 60 days after at the rate of 30 days before: means double.
    let table = table(&[
        (0, 0, Some(0), Some(9), 30_000),
        (0, 0, Some(2), Some(9), 10_000),
        (1, 1, Some(1), Some(9), 5_000),
        (1, 1, Some(7), Some(9), 5_000),
    ]);
    let p = Population::of_before(&table, None, None).unwrap();
    assert_eq!(p.customers(), 50_000);
    let e = plan("assignment = { method = \"complete\", strata = [\"plan\"] }\n");
    let (_, evidence) = replay(&e, &p, &Scenario::PLAIN).pilot(3).unwrap();
    let drawn = &evidence.outcomes[0].table;
    let share = |stratum: u32, before: i64| {
        let cells = drawn.cells().iter();
        cells
            .filter(|c| c.stratum == StratumId(stratum) && c.before == Some(before))
            .map(|c| c.customers)
            .sum::<u64>() as f64
    };
    assert!((share(0, 0) - 30_000.0).abs() < ERRORS * 87.0);
    assert_eq!(share(0, 0) + share(0, 2), 40_000.0);
    assert!((share(1, 7) - 5_000.0).abs() < ERRORS * 50.0);
    // Exact quotas in each stratum, half to each arm.
    for stratum in 0..2 {
        let n = |arm: u16| {
            let cells = drawn.cells().iter();
            cells
                .filter(|c| c.stratum == StratumId(stratum) && c.arm == ArmId(arm))
                .map(|c| c.customers)
                .sum::<u64>()
        };
        assert_eq!(n(0), n(1));
    }
    // (30,000·0 + 10,000·2 + 5,000·1 + 5,000·7)/50,000 = 1.2 in 30 days: 2.4 in 60. The mixture's
    // grid has steps of 6 %.
    assert!((p.means().0 - 2.4).abs() < 0.05, "{}", p.means().0);
    let after: Vec<f64> = [0, 1]
        .iter()
        .flat_map(|arm| customers(&evidence, *arm))
        .map(|r| r.1)
        .collect();
    let (mean, variance) = mean_and_variance(&after);
    assert!((mean - p.means().0).abs() < ERRORS * (variance / 50_000.0).sqrt());
}

#[test]
fn rates_may_last_less_than_they_could() {
    let table = table(&[
        (0, 0, Some(0), None, 6_000),
        (0, 0, Some(1), None, 3_000),
        (0, 0, Some(4), None, 1_000),
    ]);
    let table = table
        .merge(self::table(&[(1, 1, Some(1), None, 10_000)]))
        .unwrap();
    let whole = Population::of_before(&table, None, None).unwrap();
    let p = Population::of_before(&table, None, Some(0.2)).unwrap();
    assert!(whole.correlation().unwrap() > 0.3);
    let asked = p.correlation().unwrap();
    assert!((asked - 0.2).abs() < 1e-9, "{asked}");
    // The fit of the mixture ends when its likelihood hardly grows; its mean is then this near.
    assert!((p.means().0 / whole.means().0 - 1.0).abs() < 1e-4);
    let e = plan("assignment = { method = \"complete\", strata = [\"plan\"] }\n");
    for (p, scenario) in [(&p, Scenario::PLAIN), (&whole, Scenario::PLAIN)] {
        let (_, evidence) = replay(&e, p, &scenario).pilot(0).unwrap();
        let rows: Vec<(f64, f64)> = [0, 1]
            .iter()
            .flat_map(|a| customers(&evidence, *a))
            .collect();
        let (x, vx) = mean_and_variance(&rows.iter().map(|r| r.0).collect::<Vec<_>>());
        let (y, vy) = mean_and_variance(&rows.iter().map(|r| r.1).collect::<Vec<_>>());
        let n = rows.len() as f64;
        let covariance: f64 = rows.iter().map(|r| (r.0 - x) * (r.1 - y)).sum::<f64>() / n;
        let seen = covariance / (vx * vy).sqrt();
        // A standard error of 1/√20,000 = .007, and the grid's.
        assert!((seen - p.correlation().unwrap()).abs() < 0.04, "{seen}");
    }
}

#[test]
fn controls_customers_are_drawn_as_they_were() {
    let table = table(&[
        (0, 0, Some(0), Some(3), 30_000),
        (0, 1, None, None, 10_000),
        (1, 0, Some(5), Some(50), 30_000),
        (1, 1, Some(5), Some(50), 10_000),
    ]);
    let p = Population::of_arm(&table, ArmId(0)).unwrap();
    let e = plan("assignment = { method = \"hashed\", strata = [\"plan\"] }\n");
    let scenario = Scenario {
        reduction: 0.5,
        ..Scenario::PLAIN
    };
    let (_, evidence) = replay(&e, &p, &scenario).pilot(0).unwrap();
    let drawn = &evidence.outcomes[0].table;
    assert!(drawn.cells().iter().all(|c| c.after.is_none_or(|y| y <= 3)));
    let of = |arm: u16, after: Option<i64>| {
        let cells = drawn.cells().iter();
        cells
            .filter(|c| c.arm == ArmId(arm) && c.after == after)
            .map(|c| c.customers)
            .sum::<u64>() as f64
    };
    // Each by herself: half of 60,000, and of 20,000.
    assert!((of(0, Some(3)) - 30_000.0).abs() < ERRORS * 123.0);
    assert!((of(1, None) - 10_000.0).abs() < ERRORS * 71.0);
    // Thinned by half: P(3 of 3 remain) = 1/8.
    assert!((of(1, Some(3)) - 3_750.0).abs() < ERRORS * 62.0);
}

#[test]
fn replays_do_not_depend_on_what_else_is_replayed() {
    let e = plan("");
    let p = Population::negative_binomial(&law(1.0, 1.0), 60).unwrap();
    let r = replay(&e, &p, &Scenario::PLAIN);
    let whole = r.run(0, 70, &|_| Ok(())).unwrap();
    let mut parts = r.run(0, 31, &|_| Ok(())).unwrap();
    parts.merge(r.run(31, 70, &|_| Ok(())).unwrap());
    assert_eq!(whole.replays, 70);
    let rejected =
        |t: &Tallies| -> Vec<f64> { t.estimators.iter().map(|t| t.rejected.sum).collect() };
    assert_eq!(rejected(&whole), rejected(&parts));
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    assert_eq!(one.install(|| r.run(0, 70, &|_| Ok(()))).unwrap(), whole);
}

/// Power and coverage with an effect, against the formula of `pilot power`.
#[test]
fn power_is_that_of_the_formula() {
    use pilot::stats::power::{Method, Question, answer};
    let question = Question {
        method: Method::Means,
        rate: 2.0,
        dispersion: 0.5,
        reduction: Some(0.15),
        customers: Some(1200),
        replicates: 0,
        ..Question::default()
    };
    let formula = answer(&question).unwrap().power;
    let e = plan("");
    let p = Population::negative_binomial(&law(2.0, 0.5), 1200).unwrap();
    let scenario = Scenario {
        reduction: 0.15,
        ..Scenario::PLAIN
    };
    let seen = run(&e, &p, &scenario, 500);
    let welch = seen.get(Estimator::Welch, Estimand::Difference).unwrap();
    assert_eq!(welch.truth, Some(-0.3));
    let power = welch.rejected.rate().unwrap();
    // The formula is asymptotic: .01 beside the Monte-Carlo error.
    assert!(
        (power.value - formula).abs() < ERRORS * power.mcse + 0.01,
        "{power:?} {formula}"
    );
    for (estimator, estimand) in [
        (Estimator::Welch, Estimand::Difference),
        (Estimator::Lin, Estimand::Difference),
        (Estimator::Lin, Estimand::Ratio),
        (Estimator::Rate, Estimand::Difference),
        (Estimator::Poisson, Estimand::Ratio),
        (Estimator::Negbin, Estimand::Ratio),
    ] {
        let t = seen.get(estimator, estimand).unwrap();
        let covered = t.covered.rate().unwrap();
        assert!(
            (covered.value - 0.95).abs() < ERRORS * covered.mcse + 0.005,
            "{estimator}: {covered:?}"
        );
        let error = t.error.rate().unwrap();
        // A ratio of means is off by about its variance, .002.
        let slack = if estimand == Estimand::Ratio {
            0.004
        } else {
            0.0
        };
        assert!(
            error.value.abs() < ERRORS * error.mcse + slack,
            "{estimator}: {error:?}"
        );
    }
}

#[test]
fn the_command_reports_and_writes_nothing() {
    let desk = Desk::new();
    desk.write("experiments/t.toml", COUNTS_PLAN);
    let mut counts = String::from("customer_id,arm,before,after\n");
    for i in 0..120 {
        let arm = if i % 2 == 0 { "control" } else { "treatment" };
        counts.push_str(&format!("c{i},{arm},{},{}\n", i % 5, i % 4));
    }
    desk.write("data/counts.csv", counts);
    let before = desk.files();
    let args = [
        "simulate",
        "t",
        "--replicates",
        "60",
        "--effect",
        "0.3",
        "--draws",
        "99",
    ];
    let out = desk.run(&args).ok().stdout;
    for word in ["permutation", "lin", "coverage", "next:"] {
        assert!(out.contains(word), "{out}");
    }
    let json = |threads: &str| {
        let ran = desk.run(&[&args[..], &["--json", "--threads", threads]].concat());
        ran.ok().stdout
    };
    let one = json("1");
    assert_eq!(one, json("2"));
    let document: serde_json::Value = serde_json::from_str(&one).unwrap();
    assert_eq!(document["schema"], "pilot.simulation/1");
    assert_eq!(document["customers"], 120);
    assert!(document["estimators"][0]["power"]["mcse"].is_f64());
    assert_eq!(desk.files(), before);
    desk.run(&[&args[..], &["--out", "sim"]].concat()).ok();
    for file in [
        "simulation.csv",
        "simulation.json",
        "simulation.svg",
        "simulation.png",
    ] {
        assert!(!desk.read(&format!("sim/{file}")).is_empty());
    }
    let explained = desk.run(&["explain", "simulate"]).ok().stdout;
    assert!(explained.contains("false positives"), "{explained}");
    let again = desk.run(&[&args[..], &["--out", "sim"]].concat());
    assert_eq!(again.code, 2, "{}", again.stderr);
}

#[test]
fn wrong_questions_are_refused() {
    let desk = Desk::new();
    desk.run(&[
        "design",
        "n",
        "--rate",
        "0.8",
        "--dispersion",
        "0.5",
        "--reduction",
        "0.4",
    ])
    .ok();
    // The plan's own figures are enough.
    let out = desk
        .run(&[
            "simulate",
            "n",
            "--replicates",
            "20",
            "--draws",
            "49",
            "--json",
        ])
        .ok();
    assert!(
        out.json()["source"]
            .as_str()
            .unwrap()
            .contains("0.8 contacts each, dispersion 0.5")
    );
    for (flags, key) in [
        (["--heavy-tail", "1"].as_slice(), "--heavy-tail"),
        (&["--zero-inflation", "1.5"], "--zero-inflation"),
        (&["--effect", "1"], "--effect"),
        (&["--effect", "nan"], "--effect"),
        (&["--rate", "-1", "--customers", "100"], "--rate"),
        (&["--from", "before"], "--from"),
        (&["--attrition", "1"], "--attrition"),
    ] {
        let ran = desk.run(&[&["simulate", "n", "--json", "--replicates", "20"], flags].concat());
        assert_eq!(ran.code, 2, "{flags:?} {}", ran.stdout);
        assert_eq!(ran.json()["error"]["key"], key, "{flags:?}");
    }
}
