//! The month in which a roll-out begins comes from the plan, never from the day of an analysis.

use serde_json::Value;

use crate::support::Desk;

const PLAN: &str = r#"schema = 1
[experiment]
name = "season"
seed = 5
[assignment]
method = "existing"
[[arms]]
name = "control"
control = true
[[arms]]
name = "tips"
fixed_cost = 1000
[periods]
after = ["2025-09-01", "2025-10-31"]
[data.counts]
path = "counts.csv"
columns = { unit = "customer", arm = "arm" }
[[outcomes]]
name = "calls"
role = "primary"
kind = "count"
[analysis]
estimator = "welch"
permutations = 0
bootstrap = 0
[business]
currency = "EUR"
cost_per_contact = { variable = 1, labour = 0 }
realisation = 1
half_life_months = "none"
units_at_rollout = 1000
horizon_months = 3
annual_discount_rate = 0
baseline_by_month = [0.4, 0.4, 0.4, 0.4, 0.4, 0.7, 1.0, 1.9, 1.9, 1.9, 1.6, 1.0]
"#;

fn desk(plan: &str) -> Desk {
    let desk = Desk::new();
    let mut counts = String::from("customer,arm,after\n");
    for i in 0..400 {
        let arm = ["control", "tips"][i % 2];
        counts.push_str(&format!(
            "c{i},{arm},{}\n",
            (i * 5 + i / 3) % (6 - 2 * (i % 2))
        ));
    }
    desk.write("counts.csv", counts);
    desk.write("experiments/season.toml", plan);
    desk
}

fn analyze(desk: &Desk, more: &[&str]) -> Value {
    desk.run(&[&["analyze", "season", "--json"], more].concat())
        .ok()
        .json()
}

/// The sum of the season's factors over the three months, from what was saved.
fn factors(d: &Value) -> f64 {
    let month = d["business"]["arms"][0]["avoided_per_customer_month"]["value"]
        .as_f64()
        .unwrap();
    let rows = d["cashflow"].as_array().unwrap();
    let saved: f64 = rows
        .iter()
        .map(|r| r["saving_variable"].as_f64().unwrap())
        .sum();
    saved / (1000.0 * month)
}

#[test]
fn the_day_of_an_analysis_moves_no_number_of_the_case() {
    let desk = desk(PLAN);
    let first = analyze(&desk, &["--as-of", "2025-11-01"]);
    // The last day of the pilot is in October.
    assert_eq!(first["business"]["pilot"]["start_month"], 11);
    assert!((factors(&first) - (1.6 + 1.0 + 0.4)).abs() < 1e-9);
    for day in ["2025-12-24", "2026-02-01", "2026-07-15"] {
        let later = analyze(&desk, &["--as-of", day]);
        for part in ["business", "cashflow", "assumptions", "draws_summary"] {
            assert_eq!(later[part], first[part], "{part} as of {day}");
        }
    }
    let table = String::from_utf8(desk.read("reports/season/assumptions.csv")).unwrap();
    assert!(table.contains("rollout_month,number,11,"), "{table}");
    let memo = String::from_utf8(desk.read("reports/season/summary.md")).unwrap();
    assert!(memo.contains("rollout_month"), "{memo}");
    let what_if = analyze(
        &desk,
        &["--as-of", "2025-11-01", "--set", "business.rollout_month=8"],
    );
    assert_eq!(what_if["business"]["pilot"]["start_month"], 8);
    assert!((factors(&what_if) - 3.0 * 1.9).abs() < 1e-9);
}

#[test]
fn a_season_without_a_first_month_is_refused() {
    let plan = PLAN.replace("[periods]\nafter = [\"2025-09-01\", \"2025-10-31\"]\n", "");
    let ran = desk(&plan).run(&["check", "season", "--json"]);
    assert_eq!(ran.code, 2);
    let error = &ran.json()["error"];
    assert_eq!(error["key"], "business.rollout_month");
    assert!(
        error["hint"]
            .as_str()
            .unwrap()
            .contains("rollout_month = 9")
    );
    let stated = format!("{plan}rollout_month = 8\n");
    desk(&stated).run(&["check", "season"]).ok();
    // No season, no month.
    let at = plan.find("baseline_by_month").unwrap();
    desk(&plan[..at]).run(&["check", "season"]).ok();
}
