//! The same estimates inside a pilot: plans, units, money, guardrails, crossed arms.

use std::path::Path;

use pilot::analysis::{Analysis, EstimateRow, Phase, Status, analyze, joint_effect};
use pilot::engine::{Request, scan};
use pilot::experiment::{self, Experiment};
use pilot::stats::{DetailValue, Estimand, Estimator};
use pilot::table::Evidence;

use super::{CLOSED, check, close, number, reference};
use crate::support::Desk;

/// A plan over `data/counts.csv`; `arms` are (name, more keys), the first is control.
pub fn plan(arms: &[(&str, &str)], columns: &str, rest: &str) -> Experiment {
    let mut text = String::from(
        "schema = 1\n[experiment]\nname = \"t\"\nseed = 7\n[assignment]\nmethod = \"existing\"\n",
    );
    for (i, (name, keys)) in arms.iter().enumerate() {
        let control = if i == 0 { "control = true\n" } else { "" };
        text.push_str(&format!("[[arms]]\nname = \"{name}\"\n{control}{keys}\n"));
    }
    text.push_str(&format!(
        "[data.counts]\npath = \"data/counts.csv\"\ncolumns = {{ arm = \"arm\"{columns} }}\n{rest}"
    ));
    experiment::parse_bytes(text.as_bytes(), Path::new("t.toml"))
        .unwrap_or_else(|e| panic!("{e}\n{text}"))
        .experiment
}

pub fn evidence(experiment: &Experiment, csv: &str) -> Evidence {
    let desk = Desk::new();
    desk.write("data/counts.csv", csv);
    scan(&Request::new(experiment, desk.root(), &|_| Ok(())))
        .unwrap_or_else(|e| panic!("{e}"))
        .evidence
}

pub fn run(experiment: &Experiment, csv: &str) -> Analysis {
    analyze(experiment, &evidence(experiment, csv), Phase::Ended).unwrap()
}

pub fn file(name: &str) -> String {
    std::fs::read_to_string(Path::new("tests/data").join(name)).unwrap()
}

#[track_caller]
pub fn find<'a>(a: &'a Analysis, arm: &str, by: Estimator, of: Estimand) -> &'a EstimateRow {
    a.estimates
        .iter()
        .find(|r| r.arm == arm && r.estimator == by && r.estimand == of)
        .unwrap_or_else(|| panic!("no {by} in {arm}: {:?}", a.skipped))
}

#[track_caller]
pub fn get(row: &EstimateRow, key: &str) -> f64 {
    match row.detail.get(key) {
        Some(DetailValue::Number(v)) => *v,
        other => panic!("{key}: {other:?}"),
    }
}

const PRIMARY: &str = "[[outcomes]]\nname = \"contacts\"\nrole = \"primary\"\n";
const CROSSED: [(&str, &str); 4] = [
    ("control", ""),
    ("tips", "interventions = [\"tip-sheet\"]"),
    ("video", "interventions = [\"video-60s\"]"),
    ("both", "interventions = [\"video-60s\", \"tip-sheet\"]"),
];

fn crossed(analysis: &str) -> Experiment {
    plan(
        &CROSSED,
        ", uptake = \"uptake\"",
        &format!("{PRIMARY}[analysis]\npermutations = 999\n{analysis}"),
    )
}

#[test]
fn cace_can_decide_and_money_counts_everyone() {
    let periods = "[periods]\nafter = [\"2026-01-01\", \"2026-03-01\"]\n";
    for estimand in ["difference", "ratio"] {
        for per_days in ["", "per_days = 30\n"] {
            let x = plan(
                &CROSSED[..2],
                ", uptake = \"uptake\"",
                &format!(
                    "{periods}{PRIMARY}[analysis]\npermutations = 0\nestimator = \"cace\"\nestimand = \"{estimand}\"\n{per_days}"
                ),
            );
            let csv = only(&file("crossed.csv"), &["control", "tips"]);
            let seen = evidence(&x, &csv);
            let a = analyze(&x, &seen, Phase::Ended).unwrap();
            let row = a.estimates.iter().find(|r| r.primary).unwrap();
            assert_eq!(row.estimator, Estimator::Cace);
            let e = find(&a, "tips", Estimator::Cace, Estimand::Difference);
            assert!(e.unit.to_string().contains("who took it up"), "{}", e.unit);
            let r = reference("crossed.cace");
            let scale = if per_days.is_empty() { 1.0 } else { 0.5 };
            close("late", e.value, number(&r, "late") * scale, CLOSED);
            close("itt", get(e, "itt"), number(&r, "itt") * scale, CLOSED);
            // Everyone's difference, not the compliers', over the 60 days.
            let joint = joint_effect(&x, &seen, &a).unwrap().unwrap();
            close("money", joint.mean[0], -number(&r, "itt") / 60.0, CLOSED);
            let variance = (number(&r, "itt_se") / 60.0).powi(2);
            close("its variance", joint.cov[0][0], variance, CLOSED);
        }
    }
}

/// The lines of these arms.
fn only(csv: &str, arms: &[&str]) -> String {
    let keep = |line: &&str| {
        line.starts_with("customer_id") || arms.contains(&line.split(',').nth(1).unwrap())
    };
    csv.lines().filter(keep).map(|l| format!("{l}\n")).collect()
}

#[test]
fn the_plans_windows_scale_a_before_count_of_unknown_time() {
    let periods = "[periods]\nbefore = [\"2025-12-02\", \"2025-12-31\"]\nafter = [\"2026-01-01\", \"2026-03-01\"]\n";
    let x = plan(
        &CROSSED[..2],
        "",
        &format!("{periods}{PRIMARY}[analysis]\npermutations = 0\n"),
    );
    let a = run(&x, &only(&file("crossed.csv"), &["control", "tips"]));
    let e = find(&a, "tips", Estimator::Did, Estimand::Difference);
    // 30 days before, 60 after.
    let r = reference("crossed.did_half_window");
    close("did", e.value, number(&r, "diff"), CLOSED);
    close("se", e.se.unwrap(), number(&r, "se"), CLOSED);
}

#[test]
fn a_weak_instrument_is_named() {
    let mut csv = String::from("arm,uptake,after\n");
    for i in 0..400u32 {
        let (arm, taken) = (i % 2, u32::from(i % 40 == 1));
        csv.push_str(&format!(
            "{},{taken},{}\n",
            ["control", "tips"][arm as usize],
            i % 5
        ));
    }
    let x = plan(
        &CROSSED[..2],
        ", uptake = \"uptake\"",
        &format!("{PRIMARY}[analysis]\npermutations = 0\n"),
    );
    let a = run(&x, &csv);
    let e = find(&a, "tips", Estimator::Cace, Estimand::Difference);
    // 10 of 200 took it up, nobody in control: F = (1/20)²/(1/20 · 19/20 /199) = 10.5.
    close("F", get(e, "first_stage_f"), 199.0 / 19.0, 1e-12);
    assert!(!a.warnings.iter().any(|w| w.id == "weak-instrument"));
    let fewer = csv.replacen("tips,1", "tips,0", 2);
    let a = run(&x, &fewer);
    let warning = a
        .warnings
        .iter()
        .find(|w| w.id == "weak-instrument")
        .unwrap();
    assert!(warning.message.contains("\"tips\""), "{}", warning.message);
}

#[test]
fn bayes_can_decide() {
    let x = plan(
        &CROSSED[..2],
        "",
        &format!(
            "{PRIMARY}[analysis]\npermutations = 0\nestimand = \"ratio\"\nestimator = \"bayes\"\nprior = {{ mean = 0.0, sd = 0.2 }}\n"
        ),
    );
    let csv = only(&file("crossed.csv"), &["control", "tips"]);
    let a = run(&x, &csv);
    let e = a.estimates.iter().find(|r| r.primary).unwrap();
    assert_eq!((e.estimator, e.p_value), (Estimator::Bayes, None));
    let delta = find(&a, "tips", Estimator::Delta, Estimand::Ratio);
    // Drawn towards 1, and never past it.
    assert!(delta.value < e.value && e.value < 1.0);
    assert!(e.se < delta.se);
    let without = run(
        &plan(
            &CROSSED[..2],
            "",
            &format!("{PRIMARY}[analysis]\npermutations = 0\n"),
        ),
        &csv,
    );
    let skipped = without
        .skipped
        .iter()
        .find(|s| s.estimator == Estimator::Bayes);
    assert_eq!(skipped.unwrap().why, "the plan has no prior");
}

#[test]
fn crossed_arms_agree_with_lm() {
    let csv = file("crossed.csv");
    let a = run(&crossed("estimator = \"welch\"\n"), &csv);
    let names = [
        ("main-first", "ac"),
        ("main-second", "bc"),
        ("interaction", "ac:bc"),
    ];
    assert_eq!(a.factorial.len(), 6);
    for (effect, term) in names {
        for (estimand, prefix) in [
            (Estimand::Difference, "crossed.factorial_"),
            (Estimand::Ratio, "crossed.factorial_ratio_"),
        ] {
            let of =
                |r: &&pilot::analysis::FactorialRow| r.effect == effect && r.estimand == estimand;
            let row = a.factorial.iter().find(of).unwrap();
            let id = format!("{prefix}{term}");
            let fields = [
                ("value", row.value),
                ("se", row.se),
                ("p", row.p_value),
                ("ci_lo", row.ci_lower),
                ("ci_hi", row.ci_upper),
            ];
            check(&id, &reference(&id), &fields, CLOSED);
            assert_eq!(row.primary, estimand == Estimand::Difference);
            assert_eq!(
                (&*row.first, &*row.second, &*row.both),
                ("tips", "video", "both")
            );
        }
    }
    // Another estimator that decides has its own rows, first.
    let a = run(&crossed("estimator = \"lin\"\n"), &csv);
    assert_eq!(a.factorial.len(), 9);
    assert_eq!(a.factorial[0].estimator, Estimator::Lin);
    // Without a crossing there are none.
    let mut apart = CROSSED;
    apart[3].1 = "interventions = [\"video-60s\"]";
    let x = plan(
        &apart,
        "",
        &format!("{PRIMARY}[analysis]\npermutations = 0\n"),
    );
    assert_eq!(run(&x, &csv).factorial, []);
}

#[test]
fn interventions_that_control_has_too_do_not_count() {
    let mut arms = CROSSED;
    arms[0].1 = "interventions = [\"welcome-email\"]";
    arms[1].1 = "interventions = [\"welcome-email\", \"tip-sheet\"]";
    arms[2].1 = "interventions = [\"video-60s\", \"welcome-email\"]";
    arms[3].1 = "interventions = [\"video-60s\", \"tip-sheet\", \"welcome-email\"]";
    let x = plan(
        &arms,
        "",
        &format!("{PRIMARY}[analysis]\npermutations = 0\n"),
    );
    // `auto` is `lin` here; `welch` and `delta` stand beside it.
    assert_eq!(run(&x, &file("crossed.csv")).factorial.len(), 9);
}

const GUARDED: &str = "[[outcomes]]\nname = \"contacts\"\nrole = \"primary\"\nbefore = \"before\"\n[[outcomes]]\nname = \"seizures\"\nrole = \"guardrail\"\nmargin = 10\nafter = \"p4\"\n";

#[test]
fn a_margin_is_in_the_outcomes_own_unit_whatever_is_shown() {
    let periods = "[periods]\nafter = [\"2026-01-01\", \"2026-03-01\"]\n";
    let arms = [("control", ""), ("treatment", "")];
    let margin = |per: &str| {
        let rest = GUARDED.replace("p4", "after");
        let x = plan(
            &arms,
            "",
            &format!("{periods}{rest}[analysis]\npermutations = 0\nestimator = \"welch\"\n{per}"),
        );
        let a = run(&x, &file("epil.csv"));
        let of = |r: &&EstimateRow| r.primary && r.outcome == "seizures";
        a.estimates.iter().find(of).unwrap().clone()
    };
    let (whole, half) = (margin(""), margin("per_days = 30\n"));
    close("shown", half.value * 2.0, whole.value, 1e-12);
    close("margin", get(&whole, "margin"), 10.0, 1e-12);
    close("margin", get(&half, "margin"), 5.0, 1e-12);
    for row in [whole, half] {
        let r = reference("epil.margin_10");
        close("p", get(&row, "p_non_inferiority"), number(&r, "p"), CLOSED);
    }
}

#[test]
fn a_rates_margin_is_over_the_mean_exposure() {
    let arms = [("placebo", ""), ("thiotepa", "")];
    let rest = "exposure_unit = \"day\"\n[[outcomes]]\nname = \"contacts\"\nrole = \"primary\"\n[[outcomes]]\nname = \"same\"\nrole = \"guardrail\"\nmargin = 0.5\n[analysis]\npermutations = 0\nestimator = \"rate\"\n";
    let x = plan(&arms, ", exposure = \"exposure\"", rest);
    let csv: String = file("bladder.csv")
        .lines()
        .filter(|l| !l.contains("pyridoxine"))
        .map(|l| format!("{l}\n"))
        .collect();
    let a = run(&x, &csv);
    let row = a
        .estimates
        .iter()
        .find(|r| r.primary && r.outcome == "same")
        .unwrap();
    let rows = crate::counts_support::rows("bladder.csv");
    let days: Vec<f64> = rows
        .iter()
        .filter(|r| r.get("arm") != "pyridoxine")
        .map(|r| r.int("exposure") as f64)
        .collect();
    let mean = days.iter().sum::<f64>() / days.len() as f64;
    close("margin", get(row, "margin"), 0.5 / mean * 30.0, 1e-12);
}

#[test]
fn a_share_that_is_no_worse() {
    let mut csv = String::from("arm,after,left\n");
    for (arm, n, left) in [("control", 410, 28), ("treatment", 400, 30)] {
        for i in 0..n {
            csv.push_str(&format!("{arm},{},{}\n", i % 3, u8::from(i < left)));
        }
    }
    let arms = [("control", ""), ("treatment", "")];
    for (better, column) in [("lower", "left"), ("higher", "left")] {
        let rest = format!(
            "{PRIMARY}[[outcomes]]\nname = \"leave\"\nrole = \"guardrail\"\nkind = \"proportion\"\nbetter = \"{better}\"\nmargin = 0.05\nafter = \"{column}\"\n[analysis]\npermutations = 0\n"
        );
        let a = run(&plan(&arms, "", &rest), &csv);
        let row = a
            .estimates
            .iter()
            .find(|r| r.primary && r.outcome == "leave")
            .unwrap();
        let p = get(row, "p_non_inferiority");
        if better == "lower" {
            close(
                "p",
                p,
                number(&reference("margin.30_400_28_410_0.05"), "p"),
                1e-6,
            );
        }
        // The p agrees with the interval: below 2.5 % where the bound is inside.
        let harm = if better == "lower" {
            row.ci_upper.unwrap()
        } else {
            -row.ci_lower.unwrap()
        };
        assert_eq!(p < 0.025, harm < 0.05, "{p} {harm}");
    }
}

#[test]
fn checks_of_attrition_stop_past_the_plans_limit() {
    let status = |limit: &str| {
        let x = plan(
            &CROSSED,
            "",
            &format!("{PRIMARY}[analysis]\npermutations = 0\n{limit}"),
        );
        let a = run(&x, &file("crossed.csv"));
        a.checks
            .iter()
            .find(|c| c.id == "attrition")
            .unwrap()
            .clone()
    };
    let free = status("");
    assert_eq!(free.status, Status::Info);
    assert!(free.detail.contains("bounds (Lee)"), "{}", free.detail);
    assert_eq!(
        free.detail.matches(" interval ").count(),
        3,
        "{}",
        free.detail
    );
    let limited = status("[decision]\nmax_attrition_difference = 0.01\n");
    assert_eq!(limited.status, Status::Stop);
    assert_eq!(limited.statistic, free.statistic);
    assert!(limited.statistic.unwrap().abs() > 0.01);
    let wide = status("[decision]\nmax_attrition_difference = 0.5\n");
    assert_eq!(wide.status, Status::Info);
    // No bounds by arm while the test period runs.
    let x = plan(&CROSSED, "", PRIMARY);
    let running = analyze(&x, &evidence(&x, &file("crossed.csv")), Phase::Running).unwrap();
    let check = running.checks.iter().find(|c| c.id == "attrition").unwrap();
    assert!(!check.detail.contains("bounds"), "{}", check.detail);
    assert!(running.checks.iter().all(|c| c.id != "claims"));
}

#[test]
fn a_check_that_stops_tells_no_effect() {
    let desk = Desk::new();
    let business = "[business]\ncurrency = \"EUR\"\n";
    let text = crate::support::COUNTS_PLAN.to_string()
        + "[decision]\nmax_attrition_difference = 0.01\n"
        + business;
    desk.write("experiments/t.toml", text);
    let csv = only(&file("crossed.csv"), &["control", "tips"]).replace(",tips,", ",treatment,");
    desk.write("data/counts.csv", csv);
    let stopped = desk.run(&["analyze", "t", "--json"]);
    assert_eq!(stopped.code, 3);
    let d = stopped.json();
    assert_eq!(d["estimates"], serde_json::json!([]));
    let told = d["checks"].to_string() + &d["decision"].to_string();
    for word in ["Lee", "reduction", "interval"] {
        assert!(!told.contains(word), "{word}: {told}");
    }
    let args = [
        "analyze",
        "t",
        "--json",
        "--despite",
        "attrition",
        "--because",
        "known",
    ];
    let d = desk.run(&args).ok().json();
    let told = d["checks"].to_string();
    assert!(
        told.contains("(Lee)") && told.contains("reduction"),
        "{told}"
    );
}

#[test]
fn money_behind_a_prior_says_so() {
    let desk = Desk::new();
    let text = crate::support::COUNTS_PLAN
        .replace(
            "estimator = \"lin\"",
            "estimator = \"bayes\"\nestimand = \"ratio\"\nprior = { mean = 0.0, sd = 0.2 }",
        )
        .replace(
            "[data.counts]",
            "[periods]\nafter = [\"2026-01-01\", \"2026-03-01\"]\n[data.counts]",
        )
        + "[business]\ncurrency = \"EUR\"\ncost_per_contact = { variable = 1.0, labour = 4.0 }\nrealisation = 0.6\nhalf_life_months = 6\nunits_at_rollout = 50000\n";
    desk.write("experiments/t.toml", text);
    let csv = only(&file("crossed.csv"), &["control", "tips"]).replace(",tips,", ",treatment,");
    desk.write("data/counts.csv", csv);
    let shown = desk.run(&["analyze", "t"]).ok().stdout.replace('\n', " ");
    assert!(shown.contains("NPV EUR"), "{shown}");
    assert!(!shown.contains("flat prior"), "{shown}");
    assert_eq!(shown.matches("plan's prior").count(), 4, "{shown}");
}
