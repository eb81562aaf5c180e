//! Groups of fewer customers than `min_cell` are told by no file of a report, nor to be had by subtraction.

use serde_json::{Value, json};

use crate::support::Desk;

const PLAN: &str = r#"
schema = 1
[experiment]
name = "fee"
seed = 77
[assignment]
method = "existing"
[[arms]]
name = "control"
control = true
weight = 1
[[arms]]
name = "tip"
weight = 1
fixed_cost = 500
[[arms]]
name = "vid"
weight = 1
fixed_cost = 700
[data.counts]
path = "data/c.csv"
columns = { unit = "unit", arm = "arm", uptake = "opened", exposure = "days" }
exposure_unit = "day"
[[outcomes]]
name = "calls"
role = "primary"
kind = "count"
[analysis]
estimator = "lin"
permutations = 0
bootstrap = 0
[business]
currency = "EUR"
cost_per_contact = { variable = 1.0, labour = 3 }
realisation = 0.5
half_life_months = 6
units_at_rollout = 100000
"#;

/// Customers by arm; `row` gives before, after and uptake by arm and number within it.
fn desk(plan: &str, sizes: [u64; 3], row: impl Fn(usize, u64) -> (u64, String, u64)) -> Desk {
    let mut csv = String::from("unit,arm,before,after,opened,days\n");
    for (arm, name) in ["control", "tip", "vid"].iter().enumerate() {
        for i in 0..sizes[arm] {
            let (before, after, opened) = row(arm, i);
            csv.push_str(&format!("{name}{i},{name},{before},{after},{opened},30\n"));
        }
    }
    let desk = Desk::new();
    desk.write("experiments/fee.toml", plan);
    desk.write("data/c.csv", csv);
    desk
}

fn usual(arm: usize, i: u64) -> (u64, String, u64) {
    let after = (i * 7 + i / 5) % if arm == 0 { 6 } else { 4 };
    (
        i % 5,
        after.to_string(),
        u64::from(arm > 0 && i.is_multiple_of(2)),
    )
}

/// Every text of the report, by the name of its file.
fn report(desk: &Desk) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(desk.path("reports/fee")).unwrap();
    let files = entries.map(|e| e.unwrap().file_name().into_string().unwrap());
    files
        .filter(|f| f.ends_with(".csv") || f.ends_with(".json") || f.ends_with(".md"))
        .map(|f| {
            let bytes = desk.read(&format!("reports/fee/{f}"));
            (f, String::from_utf8(bytes).unwrap())
        })
        .collect()
}

fn check<'a>(d: &'a Value, id: &str) -> &'a Value {
    let checks = d["checks"].as_array().unwrap();
    checks.iter().find(|c| c["id"] == id).unwrap()
}

#[test]
fn an_arm_of_a_few_customers_is_told_nowhere() {
    let desk = desk(PLAN, [400, 400, 4], usual);
    desk.run(&["analyze", "fee", "--despite", "srm", "--because", "known"])
        .ok();
    for (file, text) in report(&desk) {
        let names = |line: &&str| line.split(',').any(|cell| cell == "vid");
        if file.ends_with(".csv") {
            assert_eq!(text.lines().find(names), None, "{file}");
        }
    }
    let d: Value = serde_json::from_slice(&desk.read("reports/fee/analysis.json")).unwrap();
    for part in ["estimates", "levels", "distribution", "balance", "cashflow"] {
        let rows = d[part].as_array().unwrap();
        assert!(rows.iter().any(|r| r["arm"] == "tip"), "{part}");
        assert!(rows.iter().all(|r| r["arm"] != "vid"), "{part}");
    }
    let arms = d["business"]["arms"].as_array().unwrap();
    assert_eq!(arms.len(), 1, "the other arm keeps its case");
    let evidence = &d["evidence"];
    assert_eq!(evidence["customers_by_arm"], json!([400, 400, null]));
    assert_eq!(evidence["contacts_by_arm"][2], Value::Null);
    assert_eq!(evidence["small_arms"], json!(["vid"]));
    assert_eq!(evidence["audit"], Value::Null);
    let srm = check(&d, "srm");
    assert_eq!(
        (&srm["statistic"], &srm["p_value"]),
        (&Value::Null, &Value::Null)
    );
    assert!(srm["detail"].as_str().unwrap().contains("vid <5"), "{srm}");
    let skipped = d["skipped"].as_array().unwrap();
    let why = skipped.iter().find(|s| s["arm"] == "vid").unwrap()["why"]
        .as_str()
        .unwrap();
    assert!(why.contains("fewer than 5 customers"), "{why}");
    let summary = String::from_utf8(desk.read("reports/fee/summary.md")).unwrap();
    assert!(summary.contains("| vid | <5 | – | – |"), "{summary}");
    assert!(
        summary.contains("vid: there is no estimate: the arm \"vid\" has fewer"),
        "{summary}"
    );
}

#[test]
fn a_small_control_leaves_nothing_to_compare() {
    let desk = desk(PLAN, [3, 400, 400], usual);
    let d = desk
        .run(&[
            "analyze",
            "fee",
            "--json",
            "--despite",
            "srm",
            "--because",
            "known",
        ])
        .ok()
        .json();
    assert_eq!(d["estimates"], json!([]));
    assert_eq!(d["business"], Value::Null);
    assert_eq!(d["evidence"]["customers_by_arm"], json!([null, 400, 400]));
    assert_eq!(d["decision"]["verdict"], "blocked");
}

#[test]
fn a_few_missing_outcomes_are_no_number_and_hide_nothing_else() {
    let plan = PLAN.replace("\"lin\"", "\"welch\"");
    let desk = desk(&plan, [400, 400, 400], |arm, i| {
        let (before, after, opened) = usual(arm, i);
        let lost = arm == 1 && i < 2;
        (before, if lost { String::new() } else { after }, opened)
    });
    desk.run(&["analyze", "fee"]).ok();
    let d: Value = serde_json::from_slice(&desk.read("reports/fee/analysis.json")).unwrap();
    assert_eq!(d["evidence"]["customers_by_arm"], json!([400, 400, 400]));
    assert!(d["evidence"]["audit"].is_object());
    let of_tip = |part: &str| -> Vec<Value> {
        let rows = d[part].as_array().unwrap();
        rows.iter().filter(|r| r["arm"] == "tip").cloned().collect()
    };
    for e in of_tip("estimates") {
        assert_eq!(e["n_arm"], 398);
        for key in ["n_missing", "lee_bounds", "lee_ci", "lee_trim_share"] {
            assert_eq!(e["detail"].get(key), None, "{key}");
        }
    }
    let attrition = check(&d, "attrition");
    assert!(
        attrition["detail"].as_str().unwrap().contains("<5"),
        "{attrition}"
    );
    assert_eq!(
        (&attrition["statistic"], &attrition["p_value"]),
        (&Value::Null, &Value::Null)
    );
    // How the arms were assigned is nobody's secret.
    let srm = check(&d, "srm");
    assert!(srm["p_value"].is_number(), "{srm}");
}

#[test]
fn a_few_takers_are_not_told() {
    let cace = |d: &Value, arm: &str| -> Vec<Value> {
        let rows = d["estimates"].as_array().unwrap().clone();
        let of = |r: &Value| r["estimator"] == "cace" && r["arm"] == arm;
        rows.into_iter().filter(of).collect()
    };
    let few = |arm: usize, i: u64| {
        let (before, after, opened) = usual(arm, i);
        let opened = match arm {
            2 => u64::from(i < 3),
            1 => u64::from(i >= 3),
            _ => opened,
        };
        (before, after, opened)
    };
    let d = desk(PLAN, [400, 400, 400], few)
        .run(&["analyze", "fee", "--json"])
        .ok()
        .json();
    // Three takers of one arm, three of the other who did not: neither is told.
    assert!(cace(&d, "vid").is_empty() && cace(&d, "tip").is_empty());
    let skipped = d["skipped"].as_array().unwrap();
    let named = |s: &&Value| s["estimator"] == "cace" && s["why"].as_str().unwrap().contains("few");
    assert_eq!(skipped.iter().filter(named).count(), 2);

    // Where the plan decides by it, the effect stays, without what tells the three.
    let plan = PLAN.replace("\"lin\"", "\"cace\"");
    let d = desk(&plan, [400, 400, 400], few)
        .run(&["analyze", "fee", "--json"])
        .ok()
        .json();
    assert!(cace(&d, "vid").is_empty());
    let rows = cace(&d, "tip");
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["primary"], true);
    let skipped = d["skipped"].as_array().unwrap();
    let beside = |s: &&Value| {
        s["why"]
            .as_str()
            .unwrap()
            .contains("beside the estimate that")
    };
    assert_eq!(skipped.iter().filter(beside).count(), 1, "{skipped:?}");
    for key in [
        "complier_mean_treatment",
        "complier_mean_control",
        "uptake_treatment",
        "first_stage",
    ] {
        assert_eq!(rows[0]["detail"].get(key), None, "{key}");
    }
    // Enough of both: all is told.
    let d = desk(PLAN, [400, 400, 400], usual)
        .run(&["analyze", "fee", "--json"])
        .ok()
        .json();
    assert_eq!(cace(&d, "tip").len(), 2);
    assert!(cace(&d, "tip")[0]["detail"]["uptake_treatment"].is_number());
}

#[test]
fn a_pooled_spread_leaves_out_an_arm_of_a_few() {
    let d = desk(PLAN, [400, 400, 4], usual)
        .run(&[
            "analyze",
            "fee",
            "--json",
            "--despite",
            "srm",
            "--because",
            "known",
        ])
        .ok()
        .json();
    let rows = d["estimates"].as_array().unwrap();
    let student = rows.iter().find(|r| r["estimator"] == "student").unwrap();
    // Customers less arms: with the small arm both would tell its size.
    assert_eq!(student["df"], 798.0);
}

#[test]
fn a_few_before_values_are_no_mean() {
    let desk = desk(PLAN, [400, 400, 400], usual);
    let csv = String::from_utf8(desk.read("data/c.csv")).unwrap();
    let without = csv.lines().enumerate().map(|(i, line)| {
        let mut cells: Vec<&str> = line.split(',').collect();
        if i > 0 && cells[1] == "tip" && !["tip0", "tip1", "tip2"].contains(&cells[0]) {
            cells[2] = "";
        }
        cells.join(",") + "\n"
    });
    let csv: String = without.collect();
    desk.write("data/c.csv", csv);
    let plan = PLAN.replace("\"lin\"", "\"welch\"");
    desk.write("experiments/fee.toml", plan);
    let d = desk.run(&["analyze", "fee", "--json"]).ok().json();
    let of_tip = |r: &&Value| r["arm"] == "tip";
    assert_eq!(d["balance"].as_array().unwrap().iter().find(of_tip), None);
    for row in d["estimates"].as_array().unwrap().iter().filter(of_tip) {
        assert_eq!(row["detail"].get("n_with_before"), None, "{row}");
    }
    assert!(d["balance"][0]["mean_arm"].is_number());
}

#[test]
fn segments_tell_a_few_takers_no_more_than_everyone_does() {
    // A segment in which three of an arm did not take it up, and one in which three did.
    let plan = PLAN
        .replace("\"lin\"", "\"cace\"\nsegments = [\"plan\"]")
        .replace("[data.counts]", "[data.counts]\n");
    let desk = desk(&plan, [400, 400, 400], usual);
    let csv = String::from_utf8(desk.read("data/c.csv")).unwrap();
    let csv: String = csv
        .lines()
        .enumerate()
        .map(|(i, line)| match i {
            0 => format!("{line},plan\n"),
            _ => {
                let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
                let number: u32 = cells[0]
                    .trim_start_matches(char::is_alphabetic)
                    .parse()
                    .unwrap();
                let group = ["a", "b", "c"][(number % 3) as usize];
                if cells[1] == "tip" {
                    let few = number < 9;
                    cells[4] = match group {
                        "a" => u32::from(!few),
                        "b" => u32::from(few),
                        _ => number % 2,
                    }
                    .to_string();
                }
                format!("{},{group}\n", cells.join(","))
            }
        })
        .collect();
    desk.write("data/c.csv", csv);
    let d = desk.run(&["analyze", "fee", "--json"]).ok().json();
    let rows = d["estimates"].as_array().unwrap();
    let of = |segment: &str| {
        let named = format!("plan = {segment}");
        rows.iter()
            .find(|r| r["arm"] == "tip" && r["segment"] == named.as_str())
    };
    assert!(of("a").unwrap()["detail"].get("uptake_treatment").is_none());
    assert_eq!(of("b"), None);
    assert!(of("c").unwrap()["detail"]["uptake_treatment"].is_number());
    // The other estimand is withheld by name.
    let skipped = d["skipped"].as_array().unwrap();
    let why = |s: &Value| s["why"].as_str().unwrap().to_owned();
    assert!(
        skipped
            .iter()
            .any(|s| why(s).starts_with("plan = b: fewer")),
        "{skipped:?}"
    );
}
