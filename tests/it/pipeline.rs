//! The main job from end to end, on the examples and as a newcomer would type it.

use std::path::Path;

use serde_json::Value;

use crate::support::{COUNTS_PLAN, Desk, program};

/// The program computes what the reference holds to 1e-8; the last digits of its text are the same.
const AGREES: f64 = 1e-8;

/// A workspace with one example of the repository, as nobody has run it.
pub fn example(name: &str) -> Desk {
    let desk = Desk::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    desk.copy(&format!("experiments/{name}.toml"));
    let mut folders = vec![source.join(name)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let relative = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
                desk.copy(relative.to_str().unwrap());
            }
        }
    }
    // What earlier runs in the repository left is not part of the example.
    for made in ["ledger.jsonl", "assignment.csv"] {
        let _ = std::fs::remove_file(desk.path(&format!("experiments/{name}/{made}")));
    }
    for made in ["evidence", "analyses", "approved"] {
        let _ = std::fs::remove_dir_all(desk.path(&format!("experiments/{name}/{made}")));
    }
    desk
}

fn row<'a>(document: &'a Value, arm: &str, estimator: &str, estimand: &str) -> &'a Value {
    document["estimates"]
        .as_array()
        .unwrap()
        .iter()
        .find(|e| e["arm"] == arm && e["estimator"] == estimator && e["estimand"] == estimand)
        .unwrap_or_else(|| panic!("no {estimator} {estimand} of {arm}"))
}

#[track_caller]
fn close(found: &Value, expected: f64, tolerance: f64) {
    let found = found.as_f64().unwrap();
    assert!(
        (found - expected).abs() <= tolerance * expected.abs(),
        "{found} is not {expected}"
    );
}

/// Values of a committed reference, by record and field.
fn reference(file: &str) -> impl Fn(&str, &str) -> f64 {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/reference")
        .join(file);
    let all: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    move |record, field| {
        let records = all
            .get("records")
            .or_else(|| all.get("results"))
            .unwrap_or(&all);
        let found = match records {
            Value::Array(list) => list
                .iter()
                .find(|r| r["id"] == record)
                .map(|r| r.get("values").unwrap_or(r)),
            _ => records.get(record),
        };
        found.unwrap_or_else(|| panic!("no record {record}"))[field]
            .as_f64()
            .unwrap_or_else(|| panic!("{record} has no {field}"))
    }
}

#[test]
fn progabide_agrees_with_r_from_file_to_report() {
    let desk = example("progabide");
    let d = desk.run(&["analyze", "progabide", "--json"]).ok().json();
    let means = reference("means.json");
    for (estimator, record, value, se) in [
        ("welch", "epil.welch", "diff", "se"),
        ("cuped", "epil.cuped_pooled", "diff", "se"),
        ("did", "epil.change_score", "diff", "se"),
        ("ancova", "epil.ancova", "coef", "se_hc2"),
    ] {
        let e = row(&d, "progabide", estimator, "difference");
        close(&e["value"], means(record, value), AGREES);
        close(&e["se"], means(record, se), AGREES);
    }
    // R has no record of lin on this file; statsmodels does, on the explicit design.
    let lin = reference("means_variants.json");
    let e = row(&d, "progabide", "lin", "difference");
    close(&e["value"], lin("epil.lin", "diff"), AGREES);
    close(&e["se"], lin("epil.lin", "se"), AGREES);
    let decides: Vec<_> = d["estimates"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|e| e["primary"] == true)
        .collect();
    assert_eq!(decides.len(), 1);
    assert_eq!(decides[0]["estimator"], "lin");
    // An effect of half its error takes another test, not a second stage.
    assert_eq!(d["decision"]["verdict"], "stop");
    for file in [
        "analysis.json",
        "summary.md",
        "estimates.csv",
        "checks.csv",
        "effect.svg",
        "effect.png",
        "before-after.png",
        "distribution.png",
        "balance.png",
    ] {
        assert!(
            desk.path(&format!("reports/progabide/{file}")).is_file(),
            "{file}"
        );
    }
}

#[test]
fn three_arms_with_varying_exposure() {
    let d = example("bladder")
        .run(&["analyze", "bladder", "--json"])
        .ok()
        .json();
    let e = row(&d, "thiotepa", "poisson", "ratio");
    assert_eq!(e["primary"], true);
    // B001 in control; the other patient without exposure, B049, is in the other arm.
    assert_eq!(e["detail"]["n_zero_exposure"], 1);
    assert_eq!(
        row(&d, "pyridoxine", "poisson", "ratio")["detail"]["n_zero_exposure"],
        2
    );
    assert!(e["p_adjusted"].as_f64().unwrap() > e["p_value"].as_f64().unwrap());
    let skipped = d["skipped"].as_array().unwrap();
    assert!(skipped.iter().any(
        |s| s["estimator"] == "mann-whitney" && s["why"].as_str().unwrap().contains("exposure")
    ));
}

#[test]
fn hillstrom_from_cells() {
    let d = example("hillstrom-email")
        .run(&["analyze", "hillstrom-email", "--json"])
        .ok()
        .json();
    assert_eq!(
        d["evidence"]["customers_by_arm"],
        serde_json::json!([21_306, 21_307, 21_387])
    );
    let e = row(&d, "mens-email", "proportion", "difference");
    // Rates published by the experiment's author: 18.28 % and 10.62 %.
    close(&e["value"], 3894.0 / 21_307.0 - 2262.0 / 21_306.0, 1e-12);
    assert_eq!(e["primary"], true);
}

#[test]
fn the_simulated_pilot_from_assignment_to_money() {
    let desk = example("fees-education");
    let before = desk.run(&["analyze", "fees-education"]);
    assert_eq!(before.code, 2);
    assert!(before.stderr.contains("pilot assign"), "{}", before.stderr);
    desk.run(&["assign", "fees-education"]).ok();
    let again = desk.run(&["assign", "fees-education"]);
    assert_eq!(again.code, 2);
    assert!(
        again.stderr.contains("never overwritten"),
        "{}",
        again.stderr
    );
    let d = desk
        .run(&["analyze", "fees-education", "--json"])
        .ok()
        .json();
    let expected: Value =
        serde_json::from_slice(&desk.read("experiments/fees-education/counts.json")).unwrap();
    let audit = &d["evidence"]["audit"];
    for (ours, theirs) in [
        ("set_aside", 30),
        ("duplicate_contacts", 60),
        ("outside_windows", 3258),
        ("contacts", 45_104),
    ] {
        assert_eq!(audit[ours], theirs, "{ours}: {expected}");
    }
    assert_eq!(audit["unassigned_contacts"]["contacts"], 627);
    assert_eq!(audit["unassigned_contacts"]["customers"], 240);
    // The true effect of the e-mail, −.075, is known to the generator alone.
    let e = row(&d, "welcome-email", "lin", "difference");
    assert!(e["ci_lower"].as_f64().unwrap() < -0.075 && -0.075 < e["ci_upper"].as_f64().unwrap());
    assert!(d["business"]["arms"].as_array().unwrap().len() == 3);
    assert_eq!(d["decision"]["arm"], "welcome-email");
    // Not approved before the data: never scale.
    assert_ne!(d["decision"]["verdict"], "scale");
}

#[test]
fn the_same_evidence_gives_the_same_bytes() {
    let desk = example("progabide");
    desk.run(&["analyze", "progabide", "--as-of", "2026-01-05"])
        .ok();
    let first = desk.files();
    desk.run(&[
        "analyze",
        "progabide",
        "--as-of",
        "2026-01-05",
        "--threads",
        "1",
    ])
    .ok();
    let read = |n: &str| desk.read(&format!("experiments/progabide/analyses/{n}/analysis.json"));
    assert_eq!(read("0001"), read("0002"));
    desk.run(&["report", "progabide"]).ok();
    let reports = |files: &std::collections::BTreeMap<String, u64>| -> Vec<(String, u64)> {
        files
            .iter()
            .filter(|(n, _)| n.starts_with("reports/"))
            .map(|(n, h)| (n.clone(), *h))
            .collect()
    };
    assert_eq!(reports(&desk.files()), reports(&first));
    assert!(!reports(&first).is_empty());
    // Another day is another analysis of the same arms, and says so.
    let d = desk
        .run(&["analyze", "progabide", "--as-of", "2026-01-06", "--json"])
        .ok()
        .json();
    assert_eq!(d["analysis_number"], 2);
}

fn counts() -> String {
    let mut text = String::from("customer_id,arm,before,after\n");
    for i in 0..400 {
        let treated = i % 2 == 1;
        let after = if treated {
            (i * 5 + i / 3) % 4
        } else {
            (i * 5 + i / 3) % 6
        };
        text.push_str(&format!(
            "C{i:03},{},{},{after}\n",
            if treated { "treatment" } else { "control" },
            i % 7
        ));
    }
    text
}

#[test]
fn an_approval_is_kept_and_deviations_are_told() {
    let desk = Desk::new();
    desk.write("experiments/t.toml", COUNTS_PLAN);
    desk.write("data/counts.csv", counts());
    let approved = desk
        .run(&["approve", "t", "--role", "finance", "--by", "Ada", "--json"])
        .ok()
        .json();
    let seal = approved["seal"].as_str().unwrap().to_string();
    assert_eq!(seal.len(), 16);
    let d = desk.run(&["analyze", "t", "--json"]).ok().json();
    assert_eq!(d["seal"], seal.as_str());
    assert_eq!(d["banners"], serde_json::json!([]));
    assert_eq!(d["deviations"], serde_json::json!([]));
    desk.write(
        "experiments/t.toml",
        COUNTS_PLAN
            .replace("\"lin\"", "\"welch\"")
            .replace("seed = 7", "seed = 7\nowner = \"care\""),
    );
    let d = desk.run(&["analyze", "t", "--json"]).ok().json();
    let changes = d["deviations"].as_array().unwrap();
    assert!(
        changes
            .iter()
            .any(|c| c["key"] == "analysis.estimator" && c["material"] == true)
    );
    assert!(
        changes
            .iter()
            .any(|c| c["key"] == "experiment.owner" && c["material"] == false)
    );
    assert_eq!(d["banners"], serde_json::json!(["CHANGED SINCE APPROVAL"]));
    let late = desk
        .run(&["approve", "t", "--role", "finance", "--by", "Ada", "--json"])
        .ok()
        .json();
    // The second approval came after the data: the plan is still held against the first.
    let banners = serde_json::json!(["LATE APPROVAL", "CHANGED SINCE APPROVAL"]);
    assert_eq!(late["banners"], banners);
}

#[test]
fn before_the_end_nothing_is_said_by_arm() {
    let desk = Desk::new();
    let periods = "[periods]\nbefore = [\"2026-01-01\", \"2026-01-31\"]\nafter = [\"2026-02-01\", \"2026-02-28\"]\n";
    desk.write(
        "experiments/t.toml",
        COUNTS_PLAN.replace("[data.counts]", &format!("{periods}\n[data.counts]")),
    );
    desk.write("data/counts.csv", counts());
    let ran = desk
        .run(&["analyze", "t", "--as-of", "2026-02-28", "--json"])
        .ok();
    let d = ran.json();
    assert_eq!(d["decision"]["verdict"], "wait");
    assert_eq!(d["estimates"], serde_json::json!([]));
    assert_eq!(d["levels"], serde_json::json!([]));
    assert_eq!(d["distribution"], serde_json::json!([]));
    assert_eq!(d["evidence"]["contacts_by_arm"], serde_json::json!([]));
    assert!(!d["checks"].as_array().unwrap().is_empty());
    let ended = desk
        .run(&["analyze", "t", "--as-of", "2026-03-01", "--json"])
        .ok()
        .json();
    assert_ne!(ended["decision"]["verdict"], "wait");
}

#[test]
fn a_stopped_check_can_be_passed_over_with_a_reason_that_every_report_tells() {
    let desk = Desk::new();
    desk.write("experiments/t.toml", COUNTS_PLAN);
    desk.write("data/counts.csv", counts() + "C003,control,3,4\n");
    let stopped = desk.run(&["analyze", "t", "--json"]);
    assert_eq!(stopped.code, 3);
    let d = stopped.json();
    assert_eq!(d["decision"]["verdict"], "blocked");
    assert_eq!(d["estimates"], serde_json::json!([]));
    let args = [
        "analyze",
        "t",
        "--json",
        "--despite",
        "double-assignment",
        "--because",
        "known mix-up of one",
    ];
    let d = desk.run(&args).ok().json();
    assert!(d["banners"].to_string().contains("known mix-up of one"));
    assert!(!d["estimates"].as_array().unwrap().is_empty());
    assert!(
        String::from_utf8(desk.read("reports/t/summary.md"))
            .unwrap()
            .contains("known mix-up of one")
    );
    let typo = desk.run(&[
        "analyze",
        "t",
        "--despite",
        "double-asignment",
        "--because",
        "x",
    ]);
    assert!(
        typo.code == 2 && typo.stderr.contains("double-assignment"),
        "{}",
        typo.stderr
    );
}

#[test]
fn a_what_if_never_touches_the_report() {
    let desk = Desk::new();
    desk.write("experiments/t.toml", COUNTS_PLAN);
    desk.write("data/counts.csv", counts());
    // Before any analysis a what-if would be a look at the arms that the ledger does not count.
    let early = desk.run(&[
        "analyze",
        "t",
        "--set",
        "decision.min_probability=0.5",
        "--json",
    ]);
    assert_eq!(early.code, 2);
    assert!(
        early.json()["error"]["hint"]
            .as_str()
            .unwrap()
            .contains("without --set")
    );
    assert!(!desk.path("experiments/t/what-if").exists());
    desk.run(&["analyze", "t"]).ok();
    let before: Vec<_> = desk
        .files()
        .into_iter()
        .filter(|(n, _)| n.starts_with("reports/"))
        .collect();
    let ran = desk
        .run(&[
            "analyze",
            "t",
            "--set",
            "decision.min_probability=0.5",
            "--json",
        ])
        .ok();
    assert!(
        ran.json()["banners"][0]
            .as_str()
            .unwrap()
            .starts_with("WHAT IF")
    );
    let after: Vec<_> = desk
        .files()
        .into_iter()
        .filter(|(n, _)| n.starts_with("reports/"))
        .collect();
    assert_eq!(before, after);
    assert!(
        desk.path("experiments/t/what-if/0001/analysis.json")
            .is_file()
    );
    // Another window, test or file would be an analysis that no ledger has.
    for key in ["periods.after", "analysis.alpha", "data.counts.path"] {
        let ran = desk.run(&["analyze", "t", "--set", &format!("{key}=1"), "--json"]);
        assert_eq!(ran.code, 2, "{key}");
        let error = &ran.json()["error"];
        assert_eq!(error["key"], key);
        assert!(error["hint"].as_str().unwrap().contains("copy the plan"));
    }
    assert!(!desk.path("experiments/t/what-if/0002").exists());
}

#[test]
fn no_report_says_on_whose_machine_the_data_lay() {
    let desk = Desk::new();
    let elsewhere = tempfile::Builder::new()
        .prefix("home-of-ada")
        .tempdir()
        .unwrap();
    let counts_file = elsewhere.path().join("counts.csv");
    std::fs::write(&counts_file, counts()).unwrap();
    desk.write("data/counts.csv", counts());
    desk.write("experiments/t.toml", COUNTS_PLAN);
    desk.run(&["approve", "t", "--role", "finance", "--by", "Ada"])
        .ok();
    let absolute = COUNTS_PLAN.replace("data/counts.csv", counts_file.to_str().unwrap());
    desk.write("experiments/t.toml", absolute);
    desk.run(&["analyze", "t"]).ok();
    let shown = desk.run(&["show", "t"]).ok().stdout;
    assert!(
        shown.contains("…/counts.csv") && !shown.contains("home-of-ada"),
        "{shown}"
    );
    let summary = String::from_utf8(desk.read("reports/t/summary.md")).unwrap();
    assert!(summary.contains("to \"…/counts.csv\""), "{summary}");
    let files = desk.files().into_keys();
    for name in files.filter(|n| n.starts_with("reports/") && desk.path(n).is_file()) {
        let bytes = desk.read(&name);
        assert!(
            !String::from_utf8_lossy(&bytes).contains("home-of-ada"),
            "{name}"
        );
    }
}

#[test]
fn a_newcomer_gets_from_init_to_a_plan() {
    let desk = Desk::new();
    std::fs::remove_file(desk.path("pilot.toml")).unwrap();
    let lost = desk.run(&["status"]);
    assert!(
        lost.code == 2 && lost.stderr.contains("pilot init"),
        "{}",
        lost.stderr
    );
    desk.run(&["init"]).ok();
    let design = [
        "design",
        "fees",
        "--arms",
        "control,tip-sheet",
        "--rate",
        "0.6",
        "--dispersion",
        "1.2",
        "--reduction",
        "0.2",
        "--seed",
        "5",
    ];
    let out = desk.run(&design).ok().stdout;
    assert!(
        out.contains("Customers: 975") && out.contains("next: "),
        "{out}"
    );
    let twice = desk.run(&design);
    assert!(
        twice.code == 2 && twice.stderr.contains("nothing is overwritten"),
        "{}",
        twice.stderr
    );
    desk.run(&["check", "fees"]).ok();
    desk.run(&["check", "example"]).ok();
    desk.run(&["show", "fees"]).ok();
    let status = desk.run(&["status"]).ok().stdout;
    assert!(
        status.contains("fees") && status.contains("pilot approve fees"),
        "{status}"
    );
    let wrong = desk.run(&["show", "feees"]);
    assert!(
        wrong.code == 2 && wrong.stderr.contains("fees"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn new_plans_copy_the_defaults_of_the_workspace() {
    let desk = Desk::new();
    desk.write(
        "pilot.toml",
        "[defaults]\nanalysis = { alpha = 0.01 }\nperiods.timezone = \"Europe/Berlin\"\n[defaults.business]\ncurrency = \"CHF\"\ncost_per_contact = { variable = 1, labour = { low = 2, mode = 3, high = 4 } }\n",
    );
    let dates = ["--after", "2027-02-01..2027-03-31", "--power", "0.9"];
    desk.run(&[["design", "fees"].as_slice(), &dates].concat())
        .ok();
    let text = String::from_utf8(desk.read("experiments/fees.toml")).unwrap();
    for written in [
        "alpha = 0.01",
        "power = 0.9",
        "\"Europe/Berlin\"",
        "currency = \"CHF\"",
        "mode = 3",
    ] {
        assert!(text.contains(written), "{written}: {text}");
    }
    desk.write("pilot.toml", "[defaults]\nanalysis.alhpa = 0.01\n");
    let wrong = desk.run(&["design", "other"]);
    assert!(
        wrong.code == 2 && wrong.stderr.contains("alpha"),
        "{}",
        wrong.stderr
    );
    assert!(!desk.path("experiments/other.toml").exists());
    desk.write("pilot.toml", "[defalts]\n");
    let wrong = desk.run(&["design", "other"]);
    assert!(
        wrong.code == 2 && wrong.stderr.contains("defaults"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn quick_guesses_and_shows() {
    let desk = Desk::new();
    desk.write("my counts.csv", counts().replace(',', ";"));
    let out = desk
        .run(&["quick", "my counts.csv", "--control", "control"])
        .ok()
        .stdout;
    assert!(out.contains("EXPLORATORY") && out.contains("●"), "{out}");
    let json = desk
        .run(&["quick", "my counts.csv", "--control", "control", "--json"])
        .ok()
        .json();
    assert_eq!(json["guess"]["before"], "before");
    desk.run(&[
        "quick",
        "my counts.csv",
        "--control",
        "control",
        "--draft",
        "drafted",
    ])
    .ok();
    desk.run(&["analyze", "drafted"]).ok();
}

/// An exposure in months is not one in days: the column's name tells, or the user, and it is shown.
#[test]
fn quick_shows_the_unit_of_exposure() {
    let desk = Desk::new();
    let column = |name: &str| {
        let mut text = format!("id,arm,{name},after\n");
        for i in 0..80 {
            let arm = if i % 2 == 0 { "control" } else { "tips" };
            text.push_str(&format!("C{i},{arm},{},{}\n", 1 + i % 3, (i * 7) % 5));
        }
        text
    };
    desk.write("named.csv", column("exposure_months"));
    desk.write("plain.csv", column("exposure"));
    let of = |args: &[&str]| {
        let json = desk.run(&[&["quick", "--control", "control", "--json"], args].concat());
        let json = json.ok().json();
        let value = json["estimates"][0]["value"].as_f64().unwrap();
        (json["guess"]["exposure_unit"].clone(), value)
    };
    let (days, by_day) = of(&["plain.csv"]);
    let (months, by_month) = of(&["plain.csv", "--exposure-unit", "month"]);
    assert_eq!((&days, &months), (&"day".into(), &"month".into()));
    assert!((by_day / by_month - 30.4375).abs() < 1e-9);
    assert_eq!(of(&["named.csv"]), (months, by_month));
}

#[test]
fn what_is_not_yet_built_says_so() {
    let desk = Desk::new();
    desk.write("experiments/t.toml", COUNTS_PLAN);
    for args in [
        ["drivers", "x.csv"].as_slice(),
        &["sql", "t"],
        &["portfolio"],
        &["rollout", "t"],
        &["analyze", "t", "--engine", "df://host:50050"],
    ] {
        let ran = desk.run(&[args, &["--json"]].concat());
        assert_eq!(ran.code, 2, "{args:?}");
        assert_eq!(ran.json()["error"]["kind"], "not-yet-built", "{args:?}");
    }
}

#[test]
fn usage_errors_are_json_too() {
    let out = program().args(["analyze", "--json"]).output().unwrap();
    assert_eq!(out.status.code(), Some(2));
    let json: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(json["error"]["kind"], "usage");
    let out = program().args(["analize", "x"]).output().unwrap();
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("analyze"));
}

#[test]
fn every_command_has_help() {
    let help = String::from_utf8(program().arg("--help").output().unwrap().stdout).unwrap();
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|l| !l.starts_with("Commands:"))
        .skip(1)
        .take_while(|l| l.starts_with("  "))
        .filter_map(|l| l.split_whitespace().next())
        .collect();
    assert!(commands.len() >= 18, "{commands:?}");
    for command in commands.into_iter().filter(|c| *c != "help") {
        let out = program().args([command, "--help"]).output().unwrap();
        assert!(out.status.success() && out.stdout.len() > 100, "{command}");
    }
    for args in [
        ["schema", "plan"].as_slice(),
        &["schema", "analysis"],
        &["completions", "bash"],
        &["man"],
        &["explain"],
        &["explain", "lin"],
        &["explain", "npv"],
    ] {
        let out = program().args(args).output().unwrap();
        assert!(out.status.success() && out.stdout.len() > 100, "{args:?}");
    }
}
