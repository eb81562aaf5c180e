//! A pilot that is enlarged before its end, without anybody looking at its arms.

use pilot::workspace::{Draft, Workspace};
use serde_json::Value;

use crate::pipeline::example;
use crate::support::Desk;

const NAME: &str = "fees-education";

/// The simulated pilot, approved two weeks before its after window, arms assigned.
fn approved() -> Desk {
    let desk = example(NAME);
    let pilot = Workspace::open(desk.root()).unwrap().pilot(NAME).unwrap();
    let lock = pilot
        .lock("approve", "2026-08-15T09:00:00Z".parse().unwrap())
        .unwrap();
    let draft = Draft::new("approve", "2026-08-15T09:00:00Z".parse().unwrap());
    lock.approve(&pilot.plan().unwrap(), draft.by("Ada", "finance"))
        .unwrap();
    drop(lock);
    desk.run(&["assign", NAME]).ok();
    desk
}

/// A line of the ledger.
fn enter(desk: &Desk, kind: &str, at: &str) {
    let pilot = Workspace::open(desk.root()).unwrap().pilot(NAME).unwrap();
    let at = at.parse().unwrap();
    pilot
        .lock(kind, at)
        .unwrap()
        .append(Draft::new(kind, at))
        .unwrap();
}

fn re_estimate(desk: &Desk) -> Value {
    let args = [
        "check",
        NAME,
        "--re-estimate",
        "--reduction",
        "0.05",
        "--as-of",
        "2026-10-01",
        "--json",
    ];
    desk.run(&args).ok().json()["size"].clone()
}

fn change(desk: &Desk, from: &str, to: &str) {
    let file = format!("experiments/{NAME}.toml");
    let plan = String::from_utf8(desk.read(&file)).unwrap();
    assert!(plan.contains(from), "{from}");
    desk.write(&file, plan.replace(from, to));
}

fn enlarge(desk: &Desk) {
    change(
        desk,
        "[\"2026-09-01\", \"2026-10-31\"]",
        "[\"2026-09-01\", \"2026-11-15\"]",
    );
}

/// The banners after an approval of now, and the plan's deviations.
fn approve(desk: &Desk) -> (Value, Vec<Value>) {
    let args = [
        "approve", NAME, "--role", "finance", "--by", "Ada", "--json",
    ];
    let banners = desk.run(&args).ok().json()["banners"].clone();
    let diff = desk.run(&["diff", NAME, "--json"]).ok().json();
    (banners, diff["deviations"].as_array().unwrap().clone())
}

#[test]
fn an_enlarged_pilot_says_why_and_is_not_late() {
    let desk = approved();
    let size = re_estimate(&desk);
    let needed = size["customers_needed"].as_u64().unwrap();
    // The size is that of `pilot power` for control's rate behind the pooled one.
    let window = size["rate_per_30_days"].as_f64().unwrap() / 30.0 * 61.0;
    let control = window * 4.0 / (1.0 + 3.0 * 0.95);
    let power = desk.run(&[
        "power",
        "--method",
        "means",
        "--rate",
        &control.to_string(),
        "--dispersion",
        &size["dispersion"].to_string(),
        "--reduction",
        "0.05",
        "--weights",
        "1,1,1,1",
        "--replicates",
        "0",
        "--json",
    ]);
    assert_eq!(power.ok().json()["n_total"], needed);
    assert!(needed > size["customers"].as_u64().unwrap());
    let ledger = String::from_utf8(desk.read(&format!("experiments/{NAME}/ledger.jsonl"))).unwrap();
    let line: Value = serde_json::from_str(ledger.lines().last().unwrap()).unwrap();
    assert_eq!(line["kind"], "re-estimate");
    assert_eq!(line["facts"]["customers_needed"], needed);
    assert_eq!(line["facts"]["until"], "2026-09-30");
    assert!(!ledger.contains("tip-sheet") && !ledger.contains("\"arm"));

    enlarge(&desk);
    let (banners, deviations) = approve(&desk);
    assert_eq!(banners, serde_json::json!([]));
    let [longer] = &deviations[..] else {
        panic!("{deviations:?}")
    };
    assert_eq!(
        (&longer["key"], &longer["material"]),
        (&"periods.after".into(), &true.into())
    );
    let why = longer["why"].as_str().unwrap();
    assert!(
        why.starts_with("enlarged after a blinded re-estimation on "),
        "{why}"
    );
    assert!(
        why.contains("customers)") && why.contains("(from "),
        "{why}"
    );
    let said = desk.run(&["diff", NAME]).ok().stdout;
    assert!(said.contains(why), "{said}");
    // Whatever else changes afterwards is a change as ever.
    change(&desk, "alpha = 0.05", "alpha = 0.1");
    let diff = desk.run(&["diff", NAME, "--json"]).ok().json();
    let keys = diff["deviations"].as_array().unwrap();
    assert_eq!(keys.len(), 2);
    assert!(keys[1]["why"].is_null() && keys[1]["key"] == "analysis.alpha");
    let (banners, deviations) = approve(&desk);
    assert_eq!(banners, washed());
    let keys: Vec<&Value> = deviations.iter().map(|d| &d["key"]).collect();
    assert_eq!(keys, ["periods.after", "analysis.alpha"]);
}

/// The banners of a late approval of another plan than the one before the data.
fn washed() -> Value {
    serde_json::json!(["LATE APPROVAL", "CHANGED SINCE APPROVAL"])
}

#[test]
fn an_enlargement_without_its_reason_is_late() {
    let late = washed();
    // No re-estimation.
    let desk = approved();
    enlarge(&desk);
    let (banners, deviations) = approve(&desk);
    assert_eq!(banners, late);
    let [longer] = &deviations[..] else {
        panic!("{deviations:?}")
    };
    assert!(longer["key"] == "periods.after" && longer["why"].is_null());
    // A re-estimation that came only afterwards.
    re_estimate(&desk);
    assert_eq!(approve(&desk).0, late);
    // Something besides the end.
    let desk = approved();
    re_estimate(&desk);
    enlarge(&desk);
    change(&desk, "alpha = 0.05", "alpha = 0.1");
    assert_eq!(approve(&desk).0, late);
    // An earlier end.
    let desk = approved();
    re_estimate(&desk);
    change(
        &desk,
        "[\"2026-09-01\", \"2026-10-31\"]",
        "[\"2026-09-01\", \"2026-10-15\"]",
    );
    assert_eq!(approve(&desk).0, late);
    // Somebody has looked at arms before.
    let desk = approved();
    re_estimate(&desk);
    enter(&desk, "analyze", "2026-10-02T09:00:00Z");
    enlarge(&desk);
    assert_eq!(approve(&desk).0, late);
}

#[test]
fn a_re_estimation_out_of_time_is_refused() {
    let desk = approved();
    let refused = |flags: &[&str], says: &str| {
        let ran = desk.run(&[&["check", NAME, "--json"], flags].concat());
        assert_eq!(ran.code, 2, "{flags:?}");
        let error = ran.json()["error"].clone();
        assert!(error["message"].as_str().unwrap().contains(says), "{error}");
    };
    let at = |day: &'static str| ["--re-estimate", "--reduction", "0.2", "--as-of", day];
    refused(&at("2026-09-01"), "no day of it is over");
    refused(&at("2026-11-01"), "ended on 2026-10-31");
    refused(&at("2999-01-01"), "still to come");
    refused(&["--re-estimate"], "required");
    refused(
        &[
            "--re-estimate",
            "--reduction",
            "1.5",
            "--as-of",
            "2026-10-01",
        ],
        "between 0 and 1",
    );
    // Nothing is written without the flag, nor with --dry-run.
    let before = desk.files();
    desk.run(&["check", NAME]).ok();
    desk.run(&[&["check", NAME, "--dry-run"], &at("2026-10-01")[..]].concat())
        .ok();
    assert_eq!(desk.files(), before);
}
