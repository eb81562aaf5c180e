//! A pilot of whole branches, as its owner types it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::Desk;

/// Sums of whole numbers on both sides.
const EXACT: f64 = 1e-12;

const PLAN: &str = r#"schema = 1

[experiment]
name = "branches"
seed = 20261125

[assignment]
method = "complete"
strata = ["region"]
cluster = "branch"

[[arms]]
name = "control"
control = true

[[arms]]
name = "training"
interventions = ["agent-training"]

[data.counts]
path = "data/customers.csv"
columns = { unit = "customer" }

[[outcomes]]
name = "calls"
role = "primary"

[analysis]
estimator = "cluster"
permutations = 999
bootstrap = 0
"#;

/// 24 branches of 3 to 14 customers in two regions; customers of a branch are alike.
fn customers() -> Vec<[String; 5]> {
    let mut rows = Vec::new();
    for branch in 0..24u32 {
        for k in 0..3 + (branch * 7) % 12 {
            let before = (branch * 5 + k * 3) % 7;
            let after = before / 2 + (branch * 11) % 5 + (k * k) % 3;
            rows.push([
                format!("C{branch:02}{k:02}"),
                format!("Branch no. {branch}"),
                if branch % 2 == 0 { "north" } else { "south" }.to_string(),
                before.to_string(),
                after.to_string(),
            ]);
        }
    }
    rows
}

fn desk(plan: &str) -> Desk {
    let desk = Desk::new();
    desk.write("experiments/branches.toml", plan);
    let mut text = "customer,branch,region,before,after\n".to_string();
    for row in customers() {
        text.push_str(&row.join(","));
        text.push('\n');
    }
    desk.write("data/customers.csv", text);
    desk
}

fn estimates(document: &Value) -> Vec<(&str, &str)> {
    let rows = document["estimates"].as_array().unwrap().iter();
    rows.map(|e| {
        (
            e["estimator"].as_str().unwrap(),
            e["estimand"].as_str().unwrap(),
        )
    })
    .collect()
}

fn check<'a>(document: &'a Value, id: &str) -> &'a Value {
    let mut checks = document["checks"].as_array().unwrap().iter();
    checks.find(|c| c["id"] == id).unwrap()
}

#[test]
fn from_assignment_to_report() {
    let desk = desk(PLAN);
    desk.run(&["approve", "branches", "--role", "owner", "--by", "A. Owner"])
        .ok();
    desk.run(&["assign", "branches"]).ok();
    let assignment = String::from_utf8(desk.read("experiments/branches/assignment.csv")).unwrap();
    assert!(assignment.starts_with("unit,arm,region,cluster\n"));
    let mut arm_of: BTreeMap<&str, &str> = BTreeMap::new();
    let mut branches: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in assignment.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        arm_of.insert(fields[0], fields[1]);
        branches.entry(fields[3]).or_default().insert(fields[1]);
    }
    assert!(branches.len() == 24 && branches.values().all(|arms| arms.len() == 1));

    let document = desk.run(&["analyze", "branches", "--json"]).ok().json();
    assert!(
        estimates(&document)
            .iter()
            .all(|(e, _)| ["cluster", "permutation", "bootstrap"].contains(e)),
        "{:?}",
        estimates(&document)
    );
    let rows = document["estimates"].as_array().unwrap();
    let primary: Vec<&Value> = rows.iter().filter(|e| e["primary"] == true).collect();
    assert_eq!(primary.len(), 1);
    assert_eq!(primary[0]["estimator"], "cluster");
    assert_eq!(primary[0]["detail"]["covariate"], "before");
    assert_eq!(primary[0]["detail"]["clusters_treatment"], 12);
    // Without the before count and with branches dealt in quotas, the coefficient of arm is that of
    // regions weighted by n₀n₁/n, by hand.
    let mut sums: BTreeMap<(String, &str), (f64, f64)> = BTreeMap::new();
    for [customer, _, region, _, after] in customers() {
        let sum = sums.entry((region, arm_of[customer.as_str()])).or_default();
        sum.0 += 1.0;
        sum.1 += after.parse::<f64>().unwrap();
    }
    let (mut value, mut weights) = (0.0, 0.0);
    for region in ["north", "south"] {
        let of = |arm| sums[&(region.to_string(), arm)];
        let ((n0, y0), (n1, y1)) = (of("control"), of("training"));
        let weight = n0 * n1 / (n0 + n1);
        value += weight * (y1 / n1 - y0 / n0);
        weights += weight;
    }
    let unadjusted = primary[0]["detail"]["value_unadjusted"].as_f64().unwrap();
    assert!(
        (unadjusted - value / weights).abs() < EXACT,
        "{unadjusted} {}",
        value / weights
    );

    let srm = check(&document, "srm");
    assert_eq!(
        (srm["status"].as_str(), srm["statistic"].as_f64()),
        (Some("ok"), Some(0.0))
    );
    assert!(
        srm["detail"]
            .as_str()
            .unwrap()
            .contains("clusters (control 12, training 12)")
    );
    assert!(check(&document, "balance")["p_value"].as_f64().unwrap() > 0.01);
    let skipped = document["skipped"].as_array().unwrap();
    let why = |name: &str| skipped.iter().find(|s| s["estimator"] == name).unwrap()["why"].clone();
    assert!(
        why("welch")
            .as_str()
            .unwrap()
            .contains("ignores the clusters")
    );
    assert!(
        why("lin")
            .as_str()
            .unwrap()
            .contains("ignores the clusters")
    );

    // No branch is named in what the scan and the report leave.
    for file in [
        "experiments/branches/evidence/0001/clusters.csv",
        "experiments/branches/evidence/0001/cells.csv",
        "reports/branches/analysis.json",
        "reports/branches/summary.md",
        "reports/branches/estimates.csv",
    ] {
        let text = String::from_utf8(desk.read(file)).unwrap();
        assert!(!text.contains("Branch no."), "{file}");
    }
    // The saved evidence says the same.
    let first = desk.read("reports/branches/analysis.json");
    let again = desk
        .run(&["analyze", "branches", "--evidence", "1", "--json"])
        .ok()
        .json();
    assert_eq!(again["estimates"], document["estimates"]);
    assert_eq!(again["checks"], document["checks"]);
    assert!(!first.is_empty());
}

#[test]
fn auto_is_cluster_and_a_ratio_stands_beside() {
    let desk = desk(&PLAN.replace("estimator = \"cluster\"", "estimand = \"ratio\""));
    desk.run(&["assign", "branches"]).ok();
    let document = desk.run(&["analyze", "branches", "--json"]).ok().json();
    let rows = document["estimates"].as_array().unwrap();
    let primary = rows.iter().find(|e| e["primary"] == true).unwrap();
    assert_eq!(
        (&primary["estimator"], &primary["estimand"]),
        (&"cluster".into(), &"ratio".into())
    );
    assert!(estimates(&document).contains(&("cluster", "difference")));
}

/// Three arms share only the control, until a before count ties them.
#[test]
fn dunnett_is_exact_without_a_before_count() {
    let third = "interventions = [\"agent-training\"]\n\n[[arms]]\nname = \"script\"";
    let plan = PLAN.replace("interventions = [\"agent-training\"]", third);
    for (before, word) in [(true, "approximate"), (false, "exact")] {
        let desk = desk(&plan);
        if !before {
            let text = String::from_utf8(desk.read("data/customers.csv")).unwrap();
            desk.write("data/customers.csv", text.replacen("before", "age", 1));
        }
        desk.run(&["assign", "branches"]).ok();
        let document = desk.run(&["analyze", "branches", "--json"]).ok().json();
        let rows = document["estimates"].as_array().unwrap();
        let primary: Vec<&Value> = rows.iter().filter(|e| e["primary"] == true).collect();
        assert_eq!(primary.len(), 2);
        for row in primary {
            assert_eq!(row["detail"]["dunnett"], word);
            assert!(row["p_adjusted"].as_f64() >= row["p_value"].as_f64());
        }
        let matrix = &document["covariance"]["matrix"];
        let (a, b) = (
            matrix[0][1].as_f64().unwrap(),
            matrix[0][0].as_f64().unwrap(),
        );
        assert!(a > 0.0 && a < b);
    }
}

#[test]
fn a_cap_holds_for_customers_and_the_uncapped_stands_beside() {
    let capped = PLAN.replace("role = \"primary\"", "role = \"primary\"\ncap = 2");
    let desk = desk(&capped);
    desk.run(&["assign", "branches"]).ok();
    let document = desk.run(&["analyze", "branches", "--json"]).ok().json();
    let uncapped = {
        let desk = self::desk(PLAN);
        desk.run(&["assign", "branches"]).ok();
        desk.run(&["analyze", "branches", "--json"]).ok().json()
    };
    let primary = |document: &serde_json::Value| {
        let rows = document["estimates"].as_array().unwrap();
        rows.iter().find(|r| r["primary"] == true).unwrap().clone()
    };
    let (a, b) = (primary(&document), primary(&uncapped));
    assert_eq!(a["estimator"], "cluster");
    assert_ne!(a["value"], b["value"]);
    assert_eq!(a["detail"]["uncapped_value"], b["value"]);
    assert_eq!(a["detail"]["uncapped_se"], b["se"]);
}

#[test]
fn few_clusters_are_warned_of() {
    let desk = desk(PLAN);
    let text = String::from_utf8(desk.read("data/customers.csv")).unwrap();
    let few: Vec<&str> = text
        .lines()
        .filter(|l| !l.contains("no. 1") && !l.contains("no. 2"))
        .collect();
    desk.write("data/customers.csv", few.join("\n") + "\n");
    desk.run(&["assign", "branches"]).ok();
    let document = desk.run(&["analyze", "branches", "--json"]).ok().json();
    let warnings = document["warnings"].as_array().unwrap();
    let few = warnings.iter().find(|w| w["id"] == "few-clusters").unwrap();
    assert!(
        few["message"]
            .as_str()
            .unwrap()
            .contains("clusters, fewer than 10")
    );
    // As many as the plan has customers would be enough; as many branches are not.
    assert!(!warnings.iter().any(|w| w["id"] == "small-arm"));
}

const EXISTING: &str = r#"schema = 1
[experiment]
name = "branches"
seed = 1
[assignment]
method = "existing"
cluster = "branch"
[[arms]]
name = "control"
control = true
[[arms]]
name = "training"
[data.counts]
path = "data/customers.csv"
columns = { unit = "customer", arm = "arm" }
[[outcomes]]
name = "calls"
role = "primary"
"#;

/// A cluster in two arms stops with the lines; the cluster is named only when asked.
#[test]
fn a_cluster_in_two_arms_stops() {
    let desk = Desk::new();
    desk.write("experiments/branches.toml", EXISTING);
    let text = "customer,arm,branch,after\na,control,Elm,1\nb,training,Oak,2\nc,control,Ash,2\nd,training,Elm,2\ne,training,Fir,0\n";
    desk.write("data/customers.csv", text);
    let ran = desk.run(&["analyze", "branches"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("a cluster holds two arms: line 2 has \"control\", line 5 \"training\""),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("Elm") && ran.stderr.contains("--show-values"));
    let shown = desk.run(&["analyze", "branches", "--show-values"]);
    assert!(
        shown.stderr.contains("the cluster \"Elm\" holds two arms"),
        "{}",
        shown.stderr
    );
    // A customer without a cluster is a row that cannot be used.
    desk.write(
        "data/customers.csv",
        text.replace("d,training,Elm,2", "d,training, ,2"),
    );
    let ran = desk.run(&["analyze", "branches"]);
    assert!(
        ran.code == 2 && ran.stderr.contains("the cluster is blank"),
        "{}",
        ran.stderr
    );
}

#[test]
fn strata_within_clusters_are_refused() {
    let desk = Desk::new();
    desk.write(
        "experiments/branches.toml",
        EXISTING.replace(
            "cluster = \"branch\"",
            "cluster = \"branch\"\nstrata = [\"plan\"]",
        ),
    );
    desk.write(
        "data/customers.csv",
        "customer,arm,branch,plan,after\na,control,Elm,x,1\nb,training,Oak,x,2\nc,control,Elm,y,2\n",
    );
    let ran = desk.run(&["analyze", "branches"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr
            .contains("a cluster is in two strata: line 2 and line 4 differ"),
        "{}",
        ran.stderr
    );
}

const CELLS: &str = r#"schema = 1
[experiment]
name = "branches"
seed = 1
[assignment]
method = "existing"
cluster = "branch"
[[arms]]
name = "control"
control = true
weight = 1
[[arms]]
name = "training"
weight = 1
[data.cells]
path = "data/cells"
[[outcomes]]
name = "calls"
role = "primary"
"#;

#[test]
fn cells_need_their_clusters() {
    let desk = Desk::new();
    desk.write("experiments/branches.toml", CELLS);
    let cells = "outcome,arm,after,customers\ncalls,control,1,4\ncalls,control,3,2\ncalls,training,0,3\ncalls,training,2,3\n";
    desk.write("data/cells/cells.csv", cells);
    let document = desk.run(&["analyze", "branches", "--json"]).ok().json();
    assert_eq!(estimates(&document), []);
    assert_eq!(check(&document, "srm")["status"], "not-run");
    let skipped = document["skipped"].as_array().unwrap();
    let cluster = skipped
        .iter()
        .find(|s| s["estimator"] == "cluster")
        .unwrap();
    assert!(cluster["why"].as_str().unwrap().contains("clusters.csv"));

    let header = "arm,customers,missing,exposure,after,with_before,before,after_with_before,before_squares,before_after,clusters\n";
    let rows = "control,2,0,2,2,0,0,0,0,0,2\ncontrol,2,0,2,6,0,0,0,0,0,1\ntraining,3,0,3,0,0,0,0,0,0,1\ntraining,1,0,1,2,0,0,0,0,0,3\n";
    desk.write("data/cells/clusters.csv", format!("{header}{rows}"));
    let document = desk.run(&["analyze", "branches", "--json"]).ok().json();
    let e = &document["estimates"][0];
    // Means 1 against 10/6.
    assert!((e["value"].as_f64().unwrap() - (1.0 - 10.0 / 6.0)).abs() < EXACT);
    assert_eq!(e["detail"]["clusters_treatment"], 4);
    assert!(
        check(&document, "srm")["detail"]
            .as_str()
            .unwrap()
            .contains("control 3, training 4")
    );

    for (wrong, says) in [
        (rows.replace("2,6,0", "2,5,0"), "do not add up"),
        (rows.replace("training,3", "tr,3"), "no such arm"),
        (rows.replace("training,3,0", "training,3.5,0"), "is whole"),
    ] {
        desk.write("data/cells/clusters.csv", format!("{header}{wrong}"));
        let ran = desk.run(&["analyze", "branches"]);
        assert_eq!(ran.code, 2, "{}", ran.stdout);
        assert!(
            ran.stderr.contains(says) && ran.stderr.contains("clusters.csv"),
            "{}",
            ran.stderr
        );
    }
}
