//! Whole runs as a user sees them. Paths, versions, seals and the plan's hash are filtered, numbers
//! never: a number that changes is what these are for.

use crate::support::{COUNTS_PLAN, Desk, Ran};

/// The day after which the examples' test periods are over.
const AS_OF: &str = "2026-11-22";

/// A workspace with these examples.
fn examples(names: &[&str]) -> Desk {
    let desk = Desk::new();
    for name in names {
        desk.copy(&format!("experiments/{name}.toml"));
    }
    desk.copy("experiments/progabide/counts.csv");
    desk
}

fn shown(desk: &Desk, ran: &Ran) -> String {
    let mut text = format!("exit {}\n--- stdout\n{}", ran.code, ran.stdout);
    if !ran.stderr.is_empty() {
        text += &format!("--- stderr\n{}", ran.stderr);
    }
    // The program may name the folder as it was given or with its links resolved.
    for root in [
        std::fs::canonicalize(desk.root()).unwrap(),
        desk.root().into(),
    ] {
        text = text.replace(&*root.to_string_lossy(), "[workspace]");
    }
    text
}

/// What differs by version, place and time; "seal" stands before the seal's 16 characters.
const FILTERS: [(&str, &str); 5] = [
    (r"pilot \d+\.\d+\.\d+", "pilot [version]"),
    (r"plan [0-9a-f]{12}\b", "plan [hash]"),
    (r"(?i)(seal:? )[0-9A-Z]{16}\b", "${1}[seal]"),
    (
        r"(Approval \d+: by .*) on \d{4}-\d\d-\d\d,",
        "${1} on [day],",
    ),
    // Only a build with Typst makes the page.
    (r"(?m)^On one page: .*\n", ""),
];

macro_rules! snapshot {
    ($desk:expr, $ran:expr) => {{
        let text = shown(&$desk, &$ran);
        insta::with_settings!({ filters => FILTERS.to_vec() }, { insta::assert_snapshot!(text) });
    }};
}

#[test]
fn a_plan_is_shown() {
    let desk = examples(&["progabide"]);
    snapshot!(desk, desk.run(&["show", "progabide"]));
}

#[test]
fn a_pilot_is_checked() {
    let desk = examples(&["progabide"]);
    snapshot!(desk, desk.run(&["check", "progabide"]));
}

#[test]
fn an_unapproved_pilot_is_analysed() {
    let desk = examples(&["progabide"]);
    snapshot!(desk, desk.run(&["analyze", "progabide", "--as-of", AS_OF]));
}

#[test]
fn a_narrow_terminal_is_enough() {
    let desk = examples(&["progabide"]);
    let args = ["analyze", "progabide", "--as-of", AS_OF, "--no-report"];
    let mut command = desk.command(&args);
    command.env("COLUMNS", "60");
    let out = command.output().unwrap();
    assert!(out.status.success());
    let text = String::from_utf8(out.stdout).unwrap();
    for line in text.lines().filter(|l| !l.starts_with("next: ")) {
        assert!(pilot::report::text::columns(line) <= 60, "{line}");
    }
    insta::with_settings!({ filters => FILTERS.to_vec() }, { insta::assert_snapshot!(text) });
}

#[test]
fn an_approved_pilot_is_approved_analysed_and_listed() {
    let desk = examples(&["progabide", "bladder"]);
    let by = ["--role", "finance", "--by", "Ada Lovelace"];
    let approve: Vec<&str> = ["approve", "progabide"].into_iter().chain(by).collect();
    snapshot!(desk, desk.run(&approve));
    snapshot!(desk, desk.run(&["analyze", "progabide", "--as-of", AS_OF]));
    snapshot!(desk, desk.run(&["status"]));
}

#[test]
fn sizes_are_said() {
    let desk = Desk::new();
    let question = [
        "power",
        "--rate",
        "0.6",
        "--dispersion",
        "1.2",
        "--reduction",
        "0.2",
    ];
    snapshot!(desk, desk.run(&question));
    let three: Vec<&str> = question.into_iter().chain(["--arms", "3"]).collect();
    snapshot!(desk, desk.run(&three));
}

#[test]
fn a_plan_is_designed() {
    let desk = Desk::new();
    let ran = desk.run(&[
        "design",
        "fee-questions",
        "--arms",
        "control,tip-sheet",
        "--seed",
        "8274462913",
        "--rate",
        "0.6",
        "--dispersion",
        "1.2",
        "--reduction",
        "0.2",
        "--before",
        "2026-08-01..2026-09-30",
        "--after",
        "2026-10-01..2026-11-29",
        "--dry-run",
    ]);
    snapshot!(desk, ran);
}

#[test]
fn errors_say_where_and_what_to_do() {
    let desk = Desk::new();
    let wrong = COUNTS_PLAN.replace("permutations", "permutatons");
    assert_ne!(wrong, COUNTS_PLAN);
    desk.write("experiments/t.toml", &wrong);
    snapshot!(desk, desk.run(&["check", "t"]));
    snapshot!(desk, desk.run(&["check", "t", "--json"]));
    snapshot!(desk, desk.run(&["check", "u"]));
}

#[test]
fn a_plan_changed_after_its_approval_never_scales() {
    let desk = Desk::new();
    desk.copy("experiments/fees-education.toml");
    desk.copy("experiments/fees-education/customers.csv.gz");
    for month in 6..=11 {
        desk.copy(&format!(
            "experiments/fees-education/contacts-2026-{month:02}.csv.gz"
        ));
    }
    let name = "fees-education";
    desk.run(&["approve", name, "--role", "finance", "--by", "Ada"])
        .ok();
    desk.run(&["assign", name]).ok();
    let verdict = || {
        let args = ["analyze", name, "--as-of", AS_OF, "--no-report", "--json"];
        desk.run(&args).ok().json()["decision"]["verdict"].clone()
    };
    assert_eq!(verdict(), "scale");
    let plan = String::from_utf8(desk.read("experiments/fees-education.toml")).unwrap();
    let moved = plan.replace("max_payback_months = 18", "max_payback_months = 30");
    assert_ne!(moved, plan);
    desk.write("experiments/fees-education.toml", moved);
    assert_eq!(verdict(), "extend");
}
