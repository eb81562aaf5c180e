//! From the design of a first stage to the analysis of both, as a user goes.

use serde_json::Value;

use crate::counts_support::{Row, number, numbers, record, rows};
use crate::support::Desk;

/// Integrals in both programs; rpact and pmvnorm differ from each other by 3e-8.
const INTEGRAL: f64 = 1e-6;
/// Closed forms of t: the same to rounding, through JSON.
const CLOSED: f64 = 1e-9;

/// A plan whose arms are in the data, one-sided, with weights for a second stage.
fn halves(weights: &str) -> String {
    format!(
        r#"schema = 1

[experiment]
name = "first"
title = "Halves"
seed = 7

[assignment]
method = "existing"

[[arms]]
name = "control"
control = true

[[arms]]
name = "treatment"

[data.counts]
path = "data/first.csv"
columns = {{ unit = "customer_id", arm = "arm" }}

[[outcomes]]
name = "infections"
role = "primary"

[analysis]
alpha = 0.025
alternative = "one-sided"
estimator = "welch"
permutations = 0
bootstrap = 0

[analysis.sequential]
information = [1.0]
{weights}
"#
    )
}

/// Every second customer of a data file.
fn half(all: &[Row], odd: bool) -> String {
    let mut text = "customer_id,arm,after\n".to_string();
    for row in all.iter().skip(usize::from(!odd)).step_by(2) {
        let cells = [row.get("customer_id"), row.get("arm"), row.get("after")];
        text += &format!("{}\n", cells.join(","));
    }
    text
}

/// A first stage on one half of cgd.csv, approved and analysed.
pub fn first(weights: &str) -> Desk {
    let desk = Desk::new();
    let all = rows("cgd.csv");
    desk.write("data/first.csv", half(&all, true));
    desk.write("data/second.csv", half(&all, false));
    desk.write("experiments/first.toml", halves(weights));
    approve(&desk, "first");
    analyze(&desk, "first");
    desk
}

pub fn approve(desk: &Desk, name: &str) {
    desk.run(&["approve", name, "--role", "finance", "--by", "Ada"])
        .ok();
}

pub fn analyze(desk: &Desk, name: &str) -> Value {
    desk.run(&["analyze", name, "--json", "--no-report"])
        .ok()
        .json()
}

/// The second stage of `first`, designed, pointed to its own data, not yet approved.
pub fn second(desk: &Desk) {
    let args = [
        "design",
        "second",
        "--second-stage-of",
        "first",
        "--seed",
        "3",
    ];
    desk.run(&args).ok();
    change(desk, "second", "data/first.csv", "data/second.csv");
}

/// Replaces a text in a plan.
pub fn change(desk: &Desk, name: &str, from: &str, to: &str) {
    let file = format!("experiments/{name}.toml");
    let plan = String::from_utf8(desk.read(&file)).unwrap();
    assert!(plan.contains(from), "{from} in {plan}");
    desk.write(&file, plan.replace(from, to));
}

#[track_caller]
fn close(found: &Value, wanted: f64, tolerance: f64) {
    let found = found.as_f64().unwrap();
    assert!(
        (found - wanted).abs() <= tolerance * wanted.abs().max(1.0),
        "{found} is not {wanted}"
    );
}

#[test]
fn two_halves_of_real_data_come_out_as_in_rpact() {
    let r = record("stages.json", "cgd");
    let desk = first("extension_weights = [1, 1]");
    second(&desk);
    approve(&desk, "second");
    let reported = || desk.run(&["analyze", "second", "--json"]).ok().json();
    let end = reported();
    let primary: Vec<&Value> = end["estimates"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|e| e["primary"] == true)
        .collect();
    assert_eq!(primary.len(), 1);
    let row = primary[0];
    // Lower is better: a good effect is a negative difference.
    close(&row["value"], -number(&r, "estimate"), CLOSED);
    close(&row["se"], number(&r, "se_combined"), CLOSED);
    close(&row["p_adjusted"], number(&r, "p_both"), INTEGRAL);
    close(&row["p_value"], number(&r, "p_rpact"), INTEGRAL);
    close(
        &row["detail"]["median_unbiased"],
        -number(&r, "median"),
        INTEGRAL,
    );
    // One-sided 97.5 %: R's convention, the same bound.
    assert!(row["ci_adjusted_lower"].is_null());
    close(&row["ci_adjusted_upper"], -number(&r, "lower"), INTEGRAL);
    let staged = &end["stages"]["arms"][0];
    for (k, key) in ["p", "effect"].into_iter().enumerate() {
        for (stage, wanted) in staged["stages"]
            .as_array()
            .unwrap()
            .iter()
            .zip(numbers(&r, key))
        {
            let found = if k == 0 { &stage["p"] } else { &stage["value"] };
            close(found, if k == 0 { wanted } else { -wanted }, CLOSED);
        }
    }
    close(&staged["z"], number(&r, "z_combined"), CLOSED);
    // rpact stops its search for alpha at 1e-10.
    close(&staged["critical"], numbers(&r, "critical_z")[1], INTEGRAL);
    let looks = end["boundaries"]["arms"][0]["looks"].as_array().unwrap();
    assert_eq!(looks.len(), 2);
    close(
        &looks[0]["critical"],
        numbers(&r, "critical_z")[0],
        INTEGRAL,
    );
    close(&looks[1]["repeated_p"], number(&r, "repeated_p"), INTEGRAL);
    // Each stage's own estimate stands beside.
    for stage in [1, 2] {
        let own = end["estimates"].as_array().unwrap().iter();
        let own: Vec<&Value> = own.filter(|e| e["detail"]["stage"] == stage).collect();
        assert_eq!(own.len(), 1);
        assert!(own[0]["primary"] == false && own[0]["p_adjusted"].is_null());
    }
    assert_eq!(row["n_arm"], 63);
    let why = end["decision"]["why"].to_string();
    assert!(
        why.contains("both together z = 2.75") && why.contains("the effect is shown"),
        "{why}"
    );
    let memo = String::from_utf8(desk.read("reports/second/summary.md")).unwrap();
    for said in [
        "Two stages: the first is first",
        "One-sided p",
        "of the second stage alone",
    ] {
        assert!(memo.contains(said), "{said}: {memo}");
    }
    // The same again is the same, byte for byte.
    let bytes = desk.read("reports/second/analysis.json");
    reported();
    assert_eq!(desk.read("reports/second/analysis.json"), bytes);
    let listed = desk.run(&["status"]).ok().stdout;
    assert!(listed.contains("second stage of first"), "{listed}");
}

const FEES: &str = r#"schema = 1

[experiment]
name = "fees"
title = "Fee questions"
seed = 11

[[arms]]
name = "control"
title = "Control"
control = true

[[arms]]
name = "tip-sheet"
title = "Tip sheet"
cost_per_customer = 0.01

[[arms]]
name = "video"
title = "Video"
cost_per_customer = 0.4

[data.counts]
path = "data/fees.csv"
columns = { unit = "customer", exposure = "days" }
exposure_unit = "day"

[[outcomes]]
name = "contacts"
role = "primary"

[analysis]
estimand = "ESTIMAND"
estimator = "ESTIMATOR"
permutations = 0
bootstrap = 0

[analysis.sequential]
information = [0.6, 1.0]
extension_weights = [1, 1]

[business]
currency = "EUR"
cost_per_contact = { variable = 2, labour = 6 }
realisation = 0.5
half_life_months = 12
units_at_rollout = 100000
"#;

/// Invented customers: a roster whose before counts come from a fixed rule, and after counts by arm.
struct Invented {
    prefix: &'static str,
    customers: u64,
}

impl Invented {
    fn before(i: u64) -> u64 {
        [0, 1, 0, 2, 1, 0, 4, 1, 0, 3][(i * 7 % 10) as usize]
    }

    fn roster(&self) -> String {
        let mut text = "customer,before,days,after\n".to_string();
        for i in 0..self.customers {
            text += &format!("{}{i},{},61,0\n", self.prefix, Self::before(i));
        }
        text
    }

    /// `saved`: one contact less for every so many customers of the tip sheet.
    fn counted(&self, assignment: &[u8], saved: u64, share: f64) -> String {
        let arms: std::collections::BTreeMap<String, String> = csv::Reader::from_reader(assignment)
            .records()
            .map(|r| {
                let r = r.unwrap();
                (r[0].to_string(), r[1].to_string())
            })
            .collect();
        let mut text = "customer,before,days,after\n".to_string();
        for i in 0..self.customers {
            let (before, noise) = (Self::before(i), [0, 1, 2, 0, 1, 3, 0][(i * 5 % 7) as usize]);
            let name = format!("{}{i}", self.prefix);
            let less = u64::from(arms[&name] == "tip-sheet" && i % saved == 0);
            let after = (before / 2 + noise).saturating_sub(less);
            let after = (after as f64 * share).floor();
            text += &format!("{name},{before},61,{after}\n");
        }
        text
    }
}

fn fees(estimand: &str, estimator: &str) -> (Desk, Value) {
    let desk = Desk::new();
    let plan = FEES
        .replace("ESTIMAND", estimand)
        .replace("ESTIMATOR", estimator);
    desk.write("experiments/fees.toml", plan);
    let customers = Invented {
        prefix: "a",
        customers: 1200,
    };
    desk.write("data/fees.csv", customers.roster());
    approve(&desk, "fees");
    desk.run(&["assign", "fees"]).ok();
    let arms = desk.read("experiments/fees/assignment.csv");
    // An effect that a second stage may show, and the boundary keeps open.
    desk.write("data/fees.csv", customers.counted(&arms, 4, 0.5));
    let look = desk.run(&["analyze", "fees", "--look", "1", "--json", "--no-report"]);
    assert_eq!(look.ok().json()["decision"]["verdict"], "wait");
    desk.write("data/fees.csv", customers.counted(&arms, 4, 1.0));
    let end = analyze(&desk, "fees");
    (desk, end)
}

#[test]
fn a_pilot_is_extended_by_arms_and_sizes_of_its_own_choice() {
    for (estimand, estimator) in [("difference", "lin"), ("ratio", "poisson")] {
        let (desk, end) = fees(estimand, estimator);
        assert_eq!(end["decision"]["verdict"], "extend", "{}", end["decision"]);
        let next = &end["decision"]["next_stage"];
        assert_eq!(
            (&next["combined"], &next["arm"]),
            (&true.into(), &"tip-sheet".into())
        );
        let size = &next["sizes"][0];
        let total = size["customers_total"].as_u64().unwrap();
        assert_eq!(
            total,
            size["customers_arm"].as_u64().unwrap() + size["customers_control"].as_u64().unwrap()
        );
        assert!(
            end["decision"]["why"]
                .to_string()
                .contains("A second stage, combined")
        );

        let args = [
            "design",
            "fees-2",
            "--second-stage-of",
            "fees",
            "--arms",
            "control,tip-sheet",
            "--reduction",
            "0.1",
            "--json",
        ];
        let designed = desk.run(&args).ok().json();
        // The size is the verdict's, and the one for the reduction sought.
        let sizes = designed["sizes"][0]["sizes"].as_array().unwrap();
        assert_eq!(&sizes[0], size);
        assert_eq!(sizes[1]["effect_from"], "sought");
        approve(&desk, "fees-2");
        // The customers of the first stage are refused, by line.
        let same = desk.run(&["assign", "fees-2", "--json"]);
        assert_eq!(same.code, 2);
        let error = &same.json()["error"];
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .contains("1,200 of the customers, or their clusters"),
            "{error}"
        );
        assert_eq!(
            (&error["line"], &error["kind"]),
            (&2.into(), &"data".into())
        );
        let customers = Invented {
            prefix: "b",
            customers: 3000,
        };
        desk.write("data/fees-2.csv", customers.roster());
        change(&desk, "fees-2", "data/fees.csv", "data/fees-2.csv");
        desk.run(&["assign", "fees-2"]).ok();
        let arms = desk.read("experiments/fees-2/assignment.csv");
        // The ratio's second stage saves far more than its first: someone should ask why.
        let saved = if estimand == "ratio" { 1 } else { 8 };
        desk.write("data/fees-2.csv", customers.counted(&arms, saved, 1.0));
        let both = analyze(&desk, "fees-2");

        let warned = both["warnings"].as_array().unwrap();
        let differ = warned.iter().any(|w| w["id"] == "stages-differ");
        assert_eq!(differ, estimand == "ratio", "{warned:?}");
        let row = both["estimates"]
            .as_array()
            .unwrap()
            .iter()
            .find(|e| e["primary"] == true)
            .unwrap();
        let staged = &both["stages"]["arms"][0];
        let of = |k: usize, key: &str| staged["stages"][k][key].as_f64().unwrap();
        // By hand: shares ω/se, the combined z, and z = effect/se of the record.
        let omega = 0.5f64.sqrt();
        let z = omega * (of(0, "z") + of(1, "z"));
        close(&staged["z"], z, CLOSED);
        let se = 1.0 / (omega / of(0, "se") + omega / of(1, "se"));
        close(&row["se"], se, CLOSED);
        let log = |v: f64| if estimand == "ratio" { v.ln() } else { v };
        let value = row["value"].as_f64().unwrap();
        assert!((log(value) + z * se).abs() < 1e-9, "{value}");
        let pooled: f64 = (0..2).map(|k| of(k, "share") * log(of(k, "value"))).sum();
        assert!((pooled - log(value)).abs() < 1e-9);
        // The family is the first stage's: two comparisons, although one arm was dropped.
        let p = staged["p"].as_f64().unwrap();
        close(&row["p_adjusted"], (2.0 * p).min(1.0), 1e-12);
        close(&both["boundaries"]["alpha_each"], 0.025, 1e-12);
        assert_eq!(both["boundaries"]["looks_made"], 3);
        assert_eq!(both["boundaries"]["looks_planned"], 3);
        assert!(both["look"].is_null() && both["analysis_number"] == 1);
        // Money rests on both: avoided contacts a month are the combined effect, median-unbiased.
        close(&both["covariance"]["matrix"][0][0], se * se, 1e-9);
        let case = &both["business"]["arms"][0]["avoided_per_customer_month"]["value"];
        if estimand == "difference" {
            let median = row["detail"]["median_unbiased"].as_f64().unwrap();
            let per_day = match row["unit"].as_str().unwrap() {
                unit if unit.contains("30 days") => median / 30.0,
                _ => median / 61.0,
            };
            close(case, -per_day * 30.4375, 1e-6);
        } else {
            assert!(case.as_f64().unwrap() > 0.0);
        }
        // The ledgers of both name each other's digests.
        let ledger = String::from_utf8(desk.read("experiments/fees-2/ledger.jsonl")).unwrap();
        let digest = both["stages"]["first"]["analysis_sha256"].as_str().unwrap();
        assert_eq!(ledger.matches(digest).count(), 2);
        assert!(ledger.contains("\"stages_disjoint\":true"));
        assert!(
            both["warnings"]
                .as_array()
                .unwrap()
                .iter()
                .all(|w| w["id"] != "stages-overlap-unchecked")
        );
    }
}

#[test]
fn the_order_of_arms_changes_nothing() {
    let both = |order: &str| {
        let (desk, _) = fees("difference", "lin");
        desk.run(&[
            "design",
            "fees-2",
            "--second-stage-of",
            "fees",
            "--arms",
            order,
            "--seed",
            "5",
        ])
        .ok();
        let customers = Invented {
            prefix: "b",
            customers: 900,
        };
        // Arms in the data, so that their order in the plan draws nothing.
        let arms: String = (0..900)
            .map(|i| format!("b{i},{}\n", ["control", "tip-sheet", "video"][i % 3]))
            .collect();
        let counted = customers.counted(format!("unit,arm\n{arms}").as_bytes(), 8, 1.0);
        let with_arm: Vec<String> = counted
            .lines()
            .enumerate()
            .map(|(i, line)| match i {
                0 => format!("{line},arm"),
                i => format!("{line},{}", ["control", "tip-sheet", "video"][(i - 1) % 3]),
            })
            .collect();
        desk.write("data/fees-2.csv", with_arm.join("\n") + "\n");
        change(&desk, "fees-2", "data/fees.csv", "data/fees-2.csv");
        change(
            &desk,
            "fees-2",
            "unit = \"customer\"",
            "unit = \"customer\", arm = \"arm\"",
        );
        change(
            &desk,
            "fees-2",
            "method = \"complete\"",
            "method = \"existing\"",
        );
        approve(&desk, "fees-2");
        analyze(&desk, "fees-2")
    };
    let (one, other) = (
        both("control,tip-sheet,video"),
        both("video,control,tip-sheet"),
    );
    let arms = |v: &Value| {
        let mut arms: Vec<Value> = v["stages"]["arms"].as_array().unwrap().clone();
        arms.sort_by_key(|a| a["arm"].to_string());
        arms
    };
    assert_eq!(arms(&one), arms(&other));
    assert_eq!(arms(&one).len(), 2);
    // Two arms share control: their joint covariance is that of the stages by their shares.
    let m = &one["covariance"]["matrix"];
    let (a, b) = (m[0][0].as_f64().unwrap(), m[1][1].as_f64().unwrap());
    let between = m[0][1].as_f64().unwrap() / (a * b).sqrt();
    assert!((0.4..0.6).contains(&between), "{between}");
}
