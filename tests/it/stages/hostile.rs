//! Second stages that are none, and first stages that are not what they were.

use serde_json::Value;

use super::whole_run::{analyze, approve, change, first, second};
use crate::support::Desk;

const WEIGHTS: &str = "extension_weights = [1, 1]";

#[track_caller]
fn refused(desk: &Desk, args: &[&str], code: i32, says: &str) -> Value {
    let ran = desk.run(&[args, &["--json"]].concat());
    assert_eq!(ran.code, code, "{args:?}: {}\n{}", ran.stdout, ran.stderr);
    let error = ran.json()["error"].clone();
    assert!(
        error["message"].as_str().unwrap().contains(says),
        "{says}: {error}"
    );
    assert!(!error["hint"].is_null(), "{error}");
    error
}

fn approval(name: &str) -> Vec<&str> {
    vec!["approve", name, "--role", "finance", "--by", "Ada"]
}

#[test]
fn a_first_stage_without_weights_is_no_first_stage() {
    let desk = first("spending = \"obrien-fleming\"\nextension_weights = [1, 1]");
    second(&desk);
    // The same plan without looks at all, approved and analysed.
    let plain = Desk::new();
    plain.write("data/first.csv", desk.read("data/first.csv"));
    plain.write("data/second.csv", desk.read("data/second.csv"));
    let plan = String::from_utf8(desk.read("experiments/first.toml")).unwrap();
    let cut = plan.find("[analysis.sequential]").unwrap();
    plain.write("experiments/first.toml", &plan[..cut]);
    approve(&plain, "first");
    analyze(&plain, "first");
    plain.write(
        "experiments/second.toml",
        desk.read("experiments/second.toml"),
    );
    let error = refused(&plain, &approval("second"), 2, "no extension_weights");
    assert_eq!(error["key"], "experiment.second_stage_of");
    // With looks, and without weights.
    plain.write(
        "experiments/first.toml",
        plan.replace("information = [1.0]", "information = [0.5, 1.0]")
            .replace("extension_weights = [1, 1]", ""),
    );
    let other = Desk::new();
    for file in [
        "data/first.csv",
        "data/second.csv",
        "experiments/first.toml",
        "experiments/second.toml",
    ] {
        other.write(file, plain.read(file));
    }
    approve(&other, "first");
    analyze(&other, "first");
    let error = refused(&other, &approval("second"), 2, "no extension_weights");
    assert!(error["hint"].as_str().unwrap().contains("8.3 %"), "{error}");
    refused(
        &other,
        &["design", "third", "--second-stage-of", "first"],
        2,
        "no extension_weights",
    );
}

#[test]
fn names_that_mean_no_first_stage_are_refused() {
    let desk = first(WEIGHTS);
    second(&desk);
    for (name, says) in [
        ("frist", "there is no pilot"),
        ("second", "of itself"),
        ("../first", "not a name"),
        ("/etc/passwd", "not a name"),
        ("first/../first", "not a name"),
    ] {
        change(
            &desk,
            "second",
            "second_stage_of = \"first\"",
            &format!("second_stage_of = \"{name}\""),
        );
        refused(&desk, &approval("second"), 2, says);
        change(
            &desk,
            "second",
            &format!("second_stage_of = \"{name}\""),
            "second_stage_of = \"first\"",
        );
    }
    for name in ["../first", "third", "Ünder"] {
        let args = ["design", "third", "--second-stage-of", name];
        assert_eq!(
            desk.run(&[&args[..], &["--json"]].concat()).code,
            2,
            "{name}"
        );
    }
    // A second stage has no second stage, so nothing goes round in a circle.
    approve(&desk, "second");
    analyze(&desk, "second");
    refused(
        &desk,
        &["design", "third", "--second-stage-of", "second"],
        2,
        "is itself the second stage of first",
    );
    // Unapproved, or not analysed.
    desk.write(
        "experiments/bare.toml",
        String::from_utf8(desk.read("experiments/first.toml"))
            .unwrap()
            .replace("\"first\"", "\"bare\""),
    );
    refused(
        &desk,
        &["design", "third", "--second-stage-of", "bare"],
        2,
        "has not been analysed yet",
    );
    analyze(&desk, "bare");
    refused(
        &desk,
        &["design", "third", "--second-stage-of", "bare"],
        2,
        "without an approved plan",
    );
    // Approved only after its data were read: the weights were not fixed before.
    approve(&desk, "bare");
    analyze(&desk, "bare");
    refused(
        &desk,
        &["design", "third", "--second-stage-of", "bare"],
        2,
        "LATE",
    );
}

#[test]
fn another_question_is_refused_key_by_key() {
    let desk = first(WEIGHTS);
    second(&desk);
    let good = desk.read("experiments/second.toml");
    for (from, to, key) in [
        ("alpha = 0.025", "alpha = 0.05", "analysis.alpha"),
        (
            "alternative = \"one-sided\"",
            "alternative = \"two-sided\"",
            "analysis.alternative",
        ),
        (
            "estimator = \"welch\"",
            "estimator = \"student\"",
            "analysis.estimator",
        ),
        (
            "better = \"lower\"",
            "better = \"higher\"",
            "outcomes.infections.better",
        ),
        ("name = \"treatment\"", "name = \"another\"", "arms.another"),
        ("# cap = 50", "cap = 50", "outcomes.infections.cap"),
    ] {
        change(&desk, "second", from, to);
        let error = refused(
            &desk,
            &approval("second"),
            2,
            "asks another question than first",
        );
        assert!(
            error["message"].as_str().unwrap().contains(key),
            "{key}: {error}"
        );
        desk.write("experiments/second.toml", &good);
    }
    // Two at once are both named.
    change(&desk, "second", "alpha = 0.025", "alpha = 0.05");
    change(
        &desk,
        "second",
        "estimator = \"welch\"",
        "estimator = \"student\"",
    );
    let error = refused(
        &desk,
        &approval("second"),
        2,
        "analysis.alpha (0.025 there, 0.05 here)",
    );
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("analysis.estimator")
    );
    desk.write("experiments/second.toml", &good);
    let arms = ["design", "third", "--second-stage-of", "first", "--arms"];
    for (list, says) in [
        ("control,nobody", "had no arm \"nobody\""),
        ("treatment", "always goes on"),
        ("control", "an arm besides control"),
    ] {
        refused(&desk, &[&arms[..], &[list]].concat(), 2, says);
    }
    refused(
        &desk,
        &[
            "design",
            "third",
            "--second-stage-of",
            "first",
            "--reduction",
            "2",
        ],
        2,
        "between 0 and 1",
    );
    // Approved, then changed: what cannot be combined is refused, and named.
    approve(&desk, "second");
    change(
        &desk,
        "second",
        "estimator = \"welch\"",
        "estimator = \"student\"",
    );
    refused(
        &desk,
        &["analyze", "second"],
        2,
        "judged by welch, the second by student",
    );
}

#[test]
fn a_customer_in_both_stages_is_named_at_ingest() {
    let desk = first(WEIGHTS);
    second(&desk);
    approve(&desk, "second");
    // Two of the first stage's customers slip in.
    let first = String::from_utf8(desk.read("data/first.csv")).unwrap();
    let mut rows: Vec<&str> = first.lines().skip(1).take(2).collect();
    let own = String::from_utf8(desk.read("data/second.csv")).unwrap();
    let mut all: Vec<&str> = own.lines().collect();
    all.append(&mut rows);
    desk.write("data/second.csv", all.join("\n") + "\n");
    let error = refused(
        &desk,
        &["analyze", "second"],
        2,
        "2 of the customers, or their clusters, were in the first stage, first",
    );
    assert_eq!(error["line"], all.len() as u64 - 1);
    assert!(error["message"].as_str().unwrap().contains(&format!(
        "(line {}, {})",
        all.len() - 1,
        all.len()
    )));
    // Nobody is known one by one: analysed, and warned.
    desk.write("data/second.csv", own.replace("customer_id,", "who,"));
    change(&desk, "second", "unit = \"customer_id\", ", "");
    let end = analyze(&desk, "second");
    let warned = end["warnings"].as_array().unwrap();
    assert!(
        warned.iter().any(|w| w["id"] == "stages-overlap-unchecked"),
        "{warned:?}"
    );
}

#[test]
fn a_first_stage_that_was_changed_is_noticed() {
    let desk = first(WEIGHTS);
    second(&desk);
    approve(&desk, "second");
    let before = analyze(&desk, "second");
    // Its data come again, and it is analysed again: the recorded analysis stands, and is named.
    let data = String::from_utf8(desk.read("data/first.csv")).unwrap();
    desk.write("data/first.csv", data.replace(",2\n", ",3\n"));
    analyze(&desk, "first");
    let after = analyze(&desk, "second");
    assert_eq!(after["stages"], before["stages"]);
    let warned = after["warnings"].as_array().unwrap();
    let changed = warned
        .iter()
        .find(|w| w["id"] == "first-stage-changed")
        .unwrap();
    assert!(
        changed["message"]
            .as_str()
            .unwrap()
            .contains("analysis 0002"),
        "{changed}"
    );
    // An analysis edited by hand.
    let file = "experiments/first/analyses/0001/analysis.json";
    let text = desk.read(file);
    desk.write(
        file,
        String::from_utf8(text.clone())
            .unwrap()
            .replace("0.427", "0.527"),
    );
    refused(
        &desk,
        &["analyze", "second"],
        3,
        "the first stage, first, does not fit its ledger",
    );
    desk.write(file, &text);
    // A ledger rewritten as a whole: consistent with itself, but not with the seal kept here.
    let ledger = desk.read("experiments/first/ledger.jsonl");
    std::fs::remove_dir_all(desk.path("experiments/first")).unwrap();
    approve(&desk, "first");
    analyze(&desk, "first");
    refused(&desk, &["analyze", "second"], 3, "no entry has the seal");
    desk.write("experiments/first/ledger.jsonl", ledger);
    assert_ne!(desk.run(&["analyze", "second", "--json"]).code, 0);
}

const BRANCHES: &str = r#"schema = 1
[experiment]
name = "first"
seed = 7
[assignment]
cluster = "branch"
[[arms]]
name = "control"
control = true
[[arms]]
name = "treatment"
[data.counts]
path = "data/first.csv"
columns = { unit = "customer" }
[[outcomes]]
name = "contacts"
role = "primary"
[analysis]
estimator = "cluster"
permutations = 0
bootstrap = 0
[analysis.sequential]
information = [1.0]
extension_weights = [1, 1]
"#;

/// Twelve branches of five customers; `from` numbers customers and branches.
fn branches(from: u64) -> String {
    let mut text = "customer,branch,after\n".to_string();
    for i in 0..60 {
        let (customer, branch) = (5 * from + i, from + i / 5);
        let after = [0, 2, 1, 4, 0, 1, 3, 0, 5, 1, 2][((i * i + 3 * (i / 5)) % 11) as usize];
        text += &format!("c{customer},b{branch},{after}\n");
    }
    text
}

#[test]
fn a_branch_in_both_stages_is_refused_though_its_customers_are_others() {
    let desk = Desk::new();
    desk.write("experiments/first.toml", BRANCHES);
    desk.write("data/first.csv", branches(0));
    approve(&desk, "first");
    desk.run(&["assign", "first"]).ok();
    analyze(&desk, "first");
    second(&desk);
    approve(&desk, "second");
    // Other customers, the last of the first stage's branches among theirs.
    desk.write("data/second.csv", branches(11).replace("\nc", "\nd"));
    let error = refused(
        &desk,
        &["assign", "second"],
        2,
        "5 of the customers, or their clusters",
    );
    assert_eq!(error["line"], 2);
    desk.write("data/second.csv", branches(12));
    desk.run(&["assign", "second"]).ok();
    let both = analyze(&desk, "second");
    assert_eq!(
        both["stages"]["arms"][0]["stages"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert!(
        both["warnings"]
            .as_array()
            .unwrap()
            .iter()
            .all(|w| w["id"] != "stages-overlap-unchecked")
    );
}
