//! What a first user and a hostile one meet: half-filled rosters, files that are not there yet,
//! names that act on terminals, numbers out of all proportion.

use std::fmt::Write;

use crate::support::{COUNTS_PLAN, Desk};

/// A plan whose customers start on days of their own.
const OWN_STARTS: &str = r#"schema = 1
experiment = { name = "s", seed = 7 }
assignment = { method = "hashed" }
arms = [{ name = "control", control = true }, { name = "tip-sheet" }]
periods = { start = "joined", after_days = 30, enrol = ["2026-08-01", "2026-09-30"] }
outcomes = [{ name = "contacts", role = "primary" }]
analysis = { estimator = "welch" }
[data.customers]
path = "data/customers.csv"
columns = { unit = "customer", start = "joined" }
[data.contacts]
path = "data/contacts-*.csv"
columns = { unit = "customer", time = "created", id = "ticket" }
"#;

/// A plan of one roster, one log, and fixed windows.
const FIXED: &str = r#"schema = 1
experiment = { name = "f", seed = 7 }
assignment = { method = "complete" }
arms = [{ name = "control", control = true }, { name = "tip-sheet" }]
periods = { before = ["2026-08-01", "2026-08-31"], after = ["2026-09-01", "2026-10-01"] }
outcomes = [{ name = "contacts", role = "primary" }]
analysis = { estimator = "lin" }
[data.customers]
path = "data/customers.csv"
columns = { unit = "customer" }
[data.contacts]
path = "data/log.csv"
columns = { unit = "customer", time = "created", id = "ticket" }
"#;

fn roster(rows: usize) -> String {
    (0..rows).fold("customer\n".to_string(), |mut text, i| {
        writeln!(text, "C{i:03}").unwrap();
        text
    })
}

fn fixed(plan: &str) -> Desk {
    let desk = Desk::new();
    desk.write("experiments/f.toml", plan);
    desk.write("data/customers.csv", roster(400));
    desk
}

fn with_starts(last: &str) -> Desk {
    let desk = Desk::new();
    desk.write("experiments/s.toml", OWN_STARTS);
    let mut customers = "customer,joined\n".to_string();
    let mut log = "customer,created,ticket\n".to_string();
    for i in 0..500 {
        writeln!(customers, "C{i},2026-08-{:02}", i % 28 + 1).unwrap();
        writeln!(log, "C{i},2026-09-05,t{i}").unwrap();
    }
    desk.write("data/customers.csv", customers + last);
    desk.write("data/contacts-1.csv", log);
    desk
}

#[test]
fn a_customer_without_a_start_gets_no_arm() {
    for (row, reason) in [
        ("C500,\n", "the customer's start is blank"),
        ("C500,soon\n", "not a date or time"),
        ("  ,2026-08-05\n", "identifier is blank"),
        ("C500\n", "1 fields where the header has 2"),
    ] {
        let desk = with_starts(row);
        let said = desk.run(&["assign", "s"]).ok().stdout;
        assert!(said.contains("500 customers have an arm"), "{said}");
        assert!(said.contains("1 row of the roster was set aside"), "{said}");
        assert!(said.contains("data/customers.csv:502: "), "{said}");
        assert!(said.contains(reason), "{said}");
        let assignment = String::from_utf8(desk.read("experiments/s/assignment.csv")).unwrap();
        assert!(!assignment.contains("C500,"), "{assignment}");
        let audit = desk.run(&["ingest", "s", "--json"]).ok().json();
        assert_eq!(audit["audit"]["customers"], 500);
        assert_eq!(audit["audit"]["set_aside"], 1);
        // The start was filled in: the customer arrives late and gets an arm like any other.
        let mended = with_starts("C500,2026-08-05\n");
        desk.write("data/customers.csv", mended.read("data/customers.csv"));
        let shown = desk.run(&["assign", "s", "--json"]).ok().json();
        assert_eq!(shown["new"], 1);
        assert_eq!(shown["set_aside"].as_array().unwrap().len(), 0);
    }
}

#[test]
fn too_many_rows_without_a_start_stop_the_assignment() {
    let desk = with_starts(&"D,\n".repeat(20));
    let ran = desk.run(&["assign", "s", "--json"]);
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    let error = &ran.json()["error"];
    assert_eq!(error["line"], 502);
    assert_eq!(error["key"], "joined");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .starts_with("20 of 520 rows")
    );
    assert!(!desk.path("experiments/s/assignment.csv").exists());
}

#[test]
fn an_assigned_customer_whose_row_became_unreadable_is_named_by_line() {
    let desk = with_starts("C500,2026-08-05\n");
    desk.run(&["assign", "s"]).ok();
    let broken = with_starts("C500,\n");
    desk.write("data/customers.csv", broken.read("data/customers.csv"));
    let ran = desk.run(&["ingest", "s", "--json"]);
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    let error = &ran.json()["error"];
    assert_eq!(
        (&error["line"], &error["key"]),
        (&502.into(), &"joined".into())
    );
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("an assigned customer"), "{message}");
    assert!(
        message.contains("the customer's start is blank"),
        "{message}"
    );
}

#[test]
fn what_files_hold_never_acts_on_the_terminal() {
    let desk = fixed(FIXED);
    desk.run(&["assign", "f"]).ok();
    let evil = "\u{1b}[31m\u{1b}]0;pwned\u{7}";
    desk.write(
        "data/log.csv",
        format!("custo{evil}mer,created,ticket\n1,2026-09-05,t\n"),
    );
    for command in ["check", "ingest", "analyze"] {
        let ran = desk.run(&[command, "f"]);
        assert_eq!(ran.code, 2, "{}", ran.stdout);
        assert!(!ran.stderr.contains(['\u{1b}', '\u{7}']), "{}", ran.stderr);
        assert!(ran.stderr.contains("custo\\u{1b}[31m"), "{}", ran.stderr);
    }
    let mut counts = "u,arm,after\n".to_string();
    for i in 0..40 {
        let arm = ["a", "\u{1b}[2Jb"][i % 2];
        writeln!(counts, "{i},{arm},{}", i % 5).unwrap();
    }
    desk.write("data/q.csv", counts);
    desk.write("data/r.csv", "u,\u{1b}[2Jgrp,after\n1,a,2\n");
    for (file, color) in [
        ("data/q.csv", "never"),
        ("data/r.csv", "never"),
        ("data/q.csv", "always"),
    ] {
        let ran = desk.run(&["quick", file, "--control", "a", "--color", color]);
        let all = ran.stdout + &ran.stderr;
        assert!(!all.contains("\u{1b}[2J"), "{all}");
    }
}

#[test]
fn numbers_out_of_all_proportion_are_refused_by_key() {
    let business = "\n[business]\ncurrency = \"EUR\"\n";
    for (line, key) in [
        ("alpha = 1e-320", "analysis.alpha"),
        ("alpha = 1e-11", "analysis.alpha"),
        ("cost_per_contact = 1e-320", "business.cost_per_contact"),
        (
            "cost_per_contact = { variable = 1e-300, labour = 1 }",
            "business.cost_per_contact",
        ),
        (
            "cost_per_contact = { variable = 0, labour = { mean = 1e-200, sd = 1e-201 } }",
            "business.cost_per_contact",
        ),
        (
            "annual_service_budget = 1e-305",
            "business.annual_service_budget",
        ),
    ] {
        let desk = Desk::new();
        let plan = match key.starts_with("analysis") {
            true => COUNTS_PLAN.replacen("[analysis]", &format!("[analysis]\n{line}"), 1),
            false => format!("{COUNTS_PLAN}{business}{line}\n"),
        };
        assert_ne!(plan, COUNTS_PLAN);
        desk.write("experiments/t.toml", plan);
        let ran = desk.run(&["check", "t", "--json"]);
        assert_eq!(ran.code, 2, "{line}: {}", ran.stdout);
        assert_eq!(ran.json()["error"]["key"], key, "{line}");
    }
}

#[test]
fn check_reads_what_is_there_before_anyone_has_an_arm() {
    let desk = fixed(FIXED);
    desk.write("data/log.csv", "kunde,created,ticket\n1,2026-09-05,t\n");
    let error = desk.run(&["check", "f", "--json"]);
    assert_eq!(error.code, 2, "{}", error.stdout);
    assert_eq!(error.json()["error"]["key"], "data.contacts.columns.unit");
    desk.write(
        "data/log.csv",
        "customer,created,ticket\n1,2026-09-05,t\n2,x,u\n",
    );
    let ran = desk.run(&["check", "f"]).ok();
    assert!(
        ran.stdout.contains("roster  ok   400 rows"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("data/log.csv:3: not a date"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stderr.contains("more than max_bad_rows allows"),
        "{}",
        ran.stderr
    );
    desk.write("data/customers.csv", "id\n1\n");
    let error = desk.run(&["check", "f", "--json"]);
    assert_eq!(error.json()["error"]["key"], "data.customers.columns.unit");
}

#[test]
fn a_log_that_is_still_to_come_is_no_error() {
    let later = FIXED
        .replace("2026-08", "2126-08")
        .replace("2026-09", "2126-09")
        .replace("2026-10", "2126-10");
    for plan in [later.clone(), later.replace("log.csv", "log-*.csv")] {
        let desk = fixed(&plan);
        for assigned in [false, true] {
            if assigned {
                desk.run(&["assign", "f"]).ok();
            }
            let ran = desk.run(&["check", "f"]).ok();
            assert!(ran.stdout.contains("is not there yet"), "{}", ran.stdout);
            assert!(
                ran.stdout.contains("roster  ok   400 rows"),
                "{}",
                ran.stdout
            );
        }
    }
    let over = fixed(FIXED);
    over.run(&["assign", "f"]).ok();
    assert_eq!(over.run(&["check", "f"]).code, 2);
}

#[test]
fn an_empty_log_is_told() {
    let desk = fixed(FIXED);
    desk.run(&["assign", "f"]).ok();
    desk.write("data/log.csv", "customer,created,ticket\n");
    let ids = |plan: &str| {
        desk.write("experiments/f.toml", plan);
        let document = desk.run(&["analyze", "f", "--json", "--no-report"]).json();
        let warnings = document["warnings"].as_array().unwrap();
        warnings.iter().any(|w| w["id"] == "log-empty")
    };
    assert!(ids(FIXED));
    assert!(!ids(&format!("{FIXED}complete_until = \"2026-10-02\"\n")));
}

#[test]
fn a_folder_that_is_no_whole_set_is_named() {
    let desk = fixed(FIXED);
    desk.run(&["assign", "f"]).ok();
    desk.write(
        "data/log.csv",
        "customer,created,ticket\nC001,2026-09-30,t\nC002,2026-10-01,u\n",
    );
    desk.run(&["ingest", "f"]).ok();
    let manifest = desk.path("experiments/f/evidence/0001/MANIFEST.json");
    std::fs::remove_file(manifest).unwrap();
    for args in [
        &["status"][..],
        &["ingest", "f"],
        &["analyze", "f", "--no-report"],
    ] {
        let ran = desk.run(args);
        assert!(
            ran.stderr.contains("evidence/0001 is ignored"),
            "{args:?}: {}",
            ran.stderr
        );
    }
}

#[test]
fn threads_are_counted_with_reason() {
    let desk = fixed(FIXED);
    for (threads, words) in [("0", "0 threads"), ("4000", "at most 1024")] {
        let ran = desk.run(&["status", "--threads", threads]);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
}

#[test]
fn sizes_of_clusters_say_both_or_nothing() {
    let desk = Desk::new();
    let asked = |flags: &[&str]| {
        let base = [
            "power",
            "--rate",
            "0.6",
            "--dispersion",
            "1",
            "--reduction",
            "0.2",
        ];
        let all = [&base[..], &["--replicates", "0", "--json"], flags].concat();
        desk.run(&all)
    };
    for (flags, missing) in [
        (&["--icc", "0.05"][..], "--cluster-size"),
        (&["--cluster-size", "50"], "--icc"),
        (&["--cluster-cv", "0.5"], "--icc"),
        (&["--icc", "0.05", "--cluster-cv", "0.5"], "--cluster-size"),
    ] {
        let ran = asked(flags);
        assert_eq!(ran.code, 2, "{flags:?}: {}", ran.stdout);
        assert_eq!(ran.json()["error"]["key"], missing, "{flags:?}");
    }
    let total = |flags: &[&str]| asked(flags).ok().json()["n_total"].as_u64().unwrap();
    assert!(total(&["--icc", "0.05", "--cluster-size", "50"]) > 2 * total(&[]));

    let design = |name: &str, flags: &[&str]| {
        let base = ["design", name, "--cluster", "branch", "--rate", "0.6"];
        let more = [
            "--dispersion",
            "1",
            "--reduction",
            "0.2",
            "--replicates",
            "0",
        ];
        desk.run(&[&base[..], &more, flags].concat())
    };
    let ran = design("alone", &[]).ok();
    assert!(
        ran.stderr.contains("too small: give --icc"),
        "{}",
        ran.stderr
    );
    let ran = design("whole", &["--icc", "0.05", "--cluster-size", "50"]).ok();
    assert!(!ran.stderr.contains("too small"), "{}", ran.stderr);
    assert_eq!(design("half", &["--icc", "0.05"]).code, 2);
}

#[test]
fn customers_who_come_later_get_a_mailing_file_of_their_own() {
    let desk = with_starts("");
    let lines = |name: &str| {
        let text = String::from_utf8(desk.read(name)).unwrap();
        text.lines().skip(1).map(str::to_string).collect::<Vec<_>>()
    };
    desk.run(&["assign", "s", "--split"]).ok();
    let first = desk.read("data/s-control.csv");
    assert!(
        desk.run(&["assign", "s"])
            .ok()
            .stdout
            .contains("None of them is new")
    );
    let mut customers = String::from_utf8(desk.read("data/customers.csv")).unwrap();
    for i in 500..540 {
        writeln!(customers, "C{i},2026-08-05").unwrap();
    }
    desk.write("data/customers.csv", customers + "C539,2026-08-05\n");
    let before = desk.files();
    let dry = desk.run(&["assign", "s", "--split", "--dry-run"]).ok();
    assert!(
        dry.stdout.contains("data/s-control-0002.csv"),
        "{}",
        dry.stdout
    );
    assert_eq!(desk.files(), before);
    let said = desk.run(&["assign", "s", "--split"]).ok().stdout;
    assert!(said.contains("40 of them are new"), "{said}");
    assert!(
        said.contains("1 repeated row of the roster was counted once"),
        "{said}"
    );
    assert!(said.contains("data/s-tip-sheet-0002.csv"), "{said}");
    assert_eq!(desk.read("data/s-control.csv"), first);
    let mut mailed: Vec<String> = ["control", "control-0002", "tip-sheet", "tip-sheet-0002"]
        .into_iter()
        .flat_map(|part| lines(&format!("data/s-{part}.csv")))
        .collect();
    let mut assigned = lines("experiments/s/assignment.csv");
    mailed.sort();
    assigned.sort();
    assert_eq!(mailed, assigned);
    // Once more: there is nobody to write to.
    let before = desk.files();
    desk.run(&["assign", "s", "--split"]).ok();
    let added: Vec<_> = desk
        .files()
        .into_keys()
        .filter(|name| name.starts_with("data/") && !before.contains_key(name))
        .collect();
    assert!(added.is_empty(), "{added:?}");
    desk.write("data/s-control-0002.csv", "my notes\n");
    assert_eq!(desk.run(&["assign", "s", "--split"]).code, 2);
    assert_eq!(desk.read("data/s-control-0002.csv"), b"my notes\n");
}

#[test]
fn a_dry_run_of_mailing_files_says_what_a_real_one_does() {
    let desk = fixed(FIXED);
    desk.run(&["assign", "f"]).ok();
    let before = desk.files();
    let dry = desk.run(&["assign", "f", "--split", "--dry-run"]).ok();
    assert!(dry.stdout.contains("data/f-control.csv"), "{}", dry.stdout);
    assert_eq!(desk.files(), before);
    desk.run(&["assign", "f", "--split"]).ok();
    assert!(desk.path("data/f-control.csv").exists());
}

#[cfg(feature = "pdf")]
#[test]
fn a_dry_run_writes_no_page() {
    let desk = fixed(FIXED);
    let ran = desk
        .run(&["show", "f", "--pdf", "plan.pdf", "--dry-run"])
        .ok();
    assert!(
        ran.stderr.contains("would write plan.pdf"),
        "{}",
        ran.stderr
    );
    assert!(!desk.path("plan.pdf").exists());
}

#[test]
fn what_is_no_text_is_told_by_what_it_is() {
    for (bytes, what) in [
        (&b"PK\x03\x04\x14\0\0\0\x08\0abc"[..], "an Excel workbook"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\x03", "a gzip file"),
        (b"PAR1\x15\0", "a Parquet file"),
    ] {
        let desk = fixed(FIXED);
        desk.write("data/customers.csv", bytes);
        let error = desk.run(&["check", "f", "--json"]);
        assert_eq!(error.code, 2);
        let error = error.json()["error"].clone();
        assert!(error["message"].as_str().unwrap().contains(what), "{error}");
        assert!(
            !error["hint"].as_str().unwrap().contains("encoding"),
            "{error}"
        );
    }
}

#[test]
fn cells_with_semicolons_are_not_sent_to_a_key_that_cells_do_not_have() {
    let desk = Desk::new();
    let plan = COUNTS_PLAN.replace(
        "[data.counts]\npath = \"data/counts.csv\"\ncolumns = { unit = \"customer_id\", arm = \"arm\" }",
        "[data.cells]\npath = \"data/cells.csv\"",
    );
    assert_ne!(plan, COUNTS_PLAN);
    desk.write("experiments/t.toml", plan);
    desk.write(
        "data/cells.csv",
        "arm;after;customers\ncontrol;0;10\ntreatment;1;10\n",
    );
    let ran = desk.run(&["check", "t", "--json"]);
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    let hint = ran.json()["error"]["hint"].as_str().unwrap().to_string();
    assert!(hint.contains("with commas"), "{hint}");
}

#[test]
fn a_plan_without_data_is_not_sent_to_assign() {
    let desk = Desk::new();
    let cut = FIXED.find("[data.customers]").unwrap();
    desk.write("experiments/f.toml", &FIXED[..cut]);
    let said = desk
        .run(&["approve", "f", "--role", "finance", "--by", "Ada"])
        .ok();
    let next = said.stdout.lines().last().unwrap().to_string();
    assert!(next.contains("name the data in the plan"), "{next}");
    let status = desk.run(&["status"]).ok().stdout;
    assert!(status.contains("name the data in the plan"), "{status}");
}

#[test]
fn counts_of_nothing_are_not_resampled() {
    let desk = Desk::new();
    desk.write("experiments/t.toml", COUNTS_PLAN);
    let mut counts = "customer_id,arm,before,after\n".to_string();
    for i in 0..100 {
        let arm = ["control", "treatment"][i % 2];
        writeln!(counts, "C{i},{arm},0,0").unwrap();
    }
    desk.write("data/counts.csv", counts);
    let ran = desk.run(&["simulate", "t", "--replicates", "20", "--json"]);
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    let message = ran.json()["error"]["message"].as_str().unwrap().to_string();
    assert!(message.contains("every count is 0"), "{message}");
}

#[test]
fn errors_name_no_file_that_nobody_wrote() {
    let desk = Desk::new();
    let ran = desk.run(&[
        "design",
        "d",
        "--rate",
        "1",
        "--currency",
        "euros",
        "--json",
    ]);
    assert_eq!(ran.code, 2);
    let error = ran.json()["error"].clone();
    assert_eq!(
        (&error["file"], &error["line"]),
        (&serde_json::Value::Null, &serde_json::Value::Null)
    );
    desk.write("one.csv", "u,arm,after\n1,a,2\n2,a,3\n");
    let ran = desk.run(&["quick", "one.csv", "--control", "a", "--json"]);
    assert_eq!(ran.code, 2);
    assert_eq!(
        ran.json()["error"]["line"],
        serde_json::Value::Null,
        "{}",
        ran.stdout
    );
}

#[test]
fn one_of_something_is_said_as_one() {
    let desk = with_starts("C500,\n");
    desk.run(&["assign", "s"]).ok();
    let said = desk.run(&["ingest", "s"]).ok().stdout;
    assert!(said.contains("  1 row set aside\n"), "{said}");
    let one = fixed(FIXED);
    one.write("data/customers.csv", "customer\nC1\n");
    let said = one.run(&["assign", "f"]).stderr;
    assert!(said.contains("1 customer is too few for 2 arms"), "{said}");
}

#[test]
fn an_effect_out_of_reach_is_not_promising() {
    // 100 customers an arm; the means differ by a hundredth of a contact, with a spread of 1.4.
    let plan = COUNTS_PLAN.replace("estimator = \"lin\"", "estimator = \"welch\"");
    let desk = Desk::new();
    desk.write("experiments/t.toml", plan);
    let mut counts = "customer_id,arm,after\n".to_string();
    for i in 0..200 {
        let arm = ["control", "treatment"][i % 2];
        let after = (i / 2) % 5 - usize::from(i == 199);
        writeln!(counts, "C{i},{arm},{after}").unwrap();
    }
    desk.write("data/counts.csv", counts);
    desk.run(&["approve", "t", "--role", "finance", "--by", "Ada"])
        .ok();
    let said = desk.run(&["analyze", "t", "--no-report"]).ok().stdout;
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(!said.contains("promising"), "{said}");
    assert!(
        said.contains("takes a new test with more than ten times as many customers"),
        "{said}"
    );
    assert!(said.contains("Decision: stop"), "{said}");
    assert!(!said.contains("--second-stage-of"), "{said}");
}
