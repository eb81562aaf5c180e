//! What a pilot cannot tell, and that it says so: which of two arms, a log without contacts, money
//! without days, arms that may not be comparable.

use std::fmt::Write;
use std::path::Path;

use pilot::analysis::{Analysis, Phase, Status, analyze};
use pilot::engine::{Request, scan};
use pilot::experiment::{self, Experiment};
use serde_json::Value;

use crate::counts_support::{number, record};
use crate::support::Desk;

/// A plan of ready-made counts with these arms, the first control.
fn plan(arms: &[&str], columns: &str, rest: &str) -> String {
    let mut text = String::from(
        "schema = 1\n[experiment]\nname = \"t\"\nseed = 7\n[assignment]\nmethod = \"existing\"\n",
    );
    for (i, arm) in arms.iter().enumerate() {
        let control = if i == 0 { "control = true\n" } else { "" };
        writeln!(text, "[[arms]]\nname = \"{arm}\"\nweight = 1\n{control}").unwrap();
    }
    let unit = match columns.contains("exposure") {
        true => "exposure_unit = \"day\"\n",
        false => "",
    };
    text + &format!(
        "[data.counts]\npath = \"data/counts.csv\"\ncolumns = {{ {columns} }}\n{unit}\
         [[outcomes]]\nname = \"contacts\"\nrole = \"primary\"\n{rest}"
    )
}

const DAYS: &str = "unit = \"unit\", arm = \"arm\", exposure = \"days\"";
const NO_DAYS: &str = "unit = \"unit\", arm = \"arm\"";
const WELCH: &str = "[analysis]\nestimator = \"welch\"\npermutations = 999\nbootstrap = 999\n";
const MONEY: &str = "[business]\ncurrency = \"EUR\"\ncost_per_contact = { variable = 1, labour = 3 }\n\
                     realisation = 0.5\nhalf_life_months = 6\nunits_at_rollout = 50000\n";

/// Customers of each arm, in turn with what `contacts` gives for a customer's number.
fn counts(arms: &[(&str, u64)], contacts: impl Fn(u64, u64) -> u64) -> String {
    let mut csv = String::from("unit,arm,after,days\n");
    for (a, (arm, n)) in arms.iter().enumerate() {
        for i in 0..*n {
            writeln!(csv, "{arm}-{i},{arm},{},60", contacts(i, a as u64)).unwrap();
        }
    }
    csv
}

fn parsed(text: &str) -> Experiment {
    experiment::parse_bytes(text.as_bytes(), Path::new("t.toml"))
        .unwrap_or_else(|e| panic!("{e}\n{text}"))
        .experiment
}

fn run(text: &str, csv: &str) -> Analysis {
    let (desk, experiment) = (Desk::new(), parsed(text));
    desk.write("data/counts.csv", csv);
    let found = scan(&Request::new(&experiment, desk.root(), &|_| Ok(()))).unwrap();
    analyze(&experiment, &found.evidence, Phase::Ended).unwrap()
}

fn desk(text: &str, csv: &str) -> Desk {
    let desk = Desk::new();
    desk.write("experiments/t.toml", text);
    desk.write("data/counts.csv", csv);
    desk
}

fn summary(desk: &Desk) -> String {
    let text = String::from_utf8(desk.read("reports/t/summary.md")).unwrap();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

const ADA: [&str; 4] = ["--role", "finance", "--by", "Ada Lovelace"];

/// Closed forms of sums over fewer than 200 customers.
const CLOSED: f64 = 1e-8;

#[test]
fn the_difference_of_two_arms_has_the_error_that_r_gives_it() {
    let reference = record("two_arms.json", "two-arms");
    let arms = [("a0", 60), ("a1", 55), ("a2", 70)];
    let csv = counts(&arms, |i, a| (7 * i + 3 * a + i % (4 + a)) % (6 - a));
    for (estimator, estimand, value, se) in [
        ("welch", "difference", "difference", "se"),
        ("delta", "ratio", "ratio", "ratio_se"),
    ] {
        let rest = format!(
            "[analysis]\nestimator = \"{estimator}\"\nestimand = \"{estimand}\"\npermutations = 999\nbootstrap = 999\n"
        );
        let a = run(&plan(&["a0", "a1", "a2"], DAYS, &rest), &csv);
        let joint = a.covariance.as_ref().unwrap();
        let m = &joint.matrix;
        let error = (m[0][0] + m[1][1] - 2.0 * m[0][1]).sqrt();
        let by_r = number(&reference, se);
        assert!((error / by_r - 1.0).abs() < CLOSED, "{error} is not {by_r}");
        let of = |arm: &str| {
            a.estimates
                .iter()
                .find(|r| r.primary && r.arm == arm)
                .unwrap()
                .value
        };
        let found = match estimand {
            "ratio" => of("a2") / of("a1"),
            _ => of("a2") - of("a1"),
        };
        let by_r = number(&reference, value);
        assert!((found / by_r - 1.0).abs() < CLOSED, "{found} is not {by_r}");
    }
}

#[test]
fn a_log_without_any_contact_is_blocked_and_no_reason_helps() {
    let arms = [("control", 200), ("tips", 200)];
    // `delta` could not be computed at all.
    for (estimator, estimand) in [("welch", "difference"), ("delta", "ratio")] {
        let rest =
            format!("[analysis]\nestimator = \"{estimator}\"\nestimand = \"{estimand}\"\n{MONEY}");
        let desk = desk(
            &plan(&["control", "tips"], DAYS, &rest),
            &counts(&arms, |_, _| 0),
        );
        desk.run(&[&["approve", "t"][..], &ADA].concat()).ok();
        let stopped = desk.run(&["analyze", "t", "--json"]);
        assert_eq!(stopped.code, 3, "{}", stopped.stderr);
        let d = stopped.json();
        assert_eq!(d["decision"]["verdict"], "blocked");
        assert_eq!(
            d["decision"]["because"][0]["of"],
            serde_json::json!(["no-contacts"])
        );
        assert_eq!(d["estimates"], serde_json::json!([]));
        let read = summary(&desk);
        assert!(
            read.contains("blocked – nobody in any arm made a contact"),
            "{read}"
        );
        let over = [
            "analyze",
            "t",
            "--json",
            "--despite",
            "no-contacts",
            "--because",
            "it is so",
        ];
        let d = desk.run(&over).ok().json();
        assert_eq!(d["decision"]["verdict"], "blocked");
        assert_eq!(d["decision"]["because"][0]["reason"], "no-estimate");
    }
    // One contact is something to compare, and a secondary outcome may well be empty.
    let one = run(
        &plan(&["control", "tips"], DAYS, WELCH),
        &counts(&arms, |i, a| u64::from(i == 0 && a == 0)),
    );
    let check = one.checks.iter().find(|c| c.id == "no-contacts").unwrap();
    assert_eq!(check.status, Status::Ok);
}

#[test]
fn what_nobody_did_has_no_spread_that_is_known() {
    let arms = [("control", 300), ("tips", 300), ("video", 300)];
    let rest = format!("{WELCH}{MONEY}");
    let csv = counts(&arms, |i, a| if a == 1 { 0 } else { (i % 4) / 2 });
    let a = run(&plan(&["control", "tips", "video"], DAYS, &rest), &csv);
    let level = a
        .levels
        .iter()
        .find(|l| l.arm == "tips" && l.period == "after")
        .unwrap();
    assert_eq!(
        (level.mean, level.ci_lower, level.ci_upper),
        (0.0, None, None)
    );
    let warning = a.warnings.iter().find(|w| w.id == "nobody").unwrap();
    // 3/300.
    assert!(
        warning.message.contains("\"tips\"") && warning.message.contains("1.0 %"),
        "{warning:?}"
    );
    assert!(
        !a.warnings
            .iter()
            .any(|w| w.message.contains("as if only 0"))
    );
    // The best possible result is not left out of the claims.
    let claims = a.checks.iter().find(|c| c.id == "claims").unwrap();
    assert!(
        claims.detail.contains("tips: a reduction of 100 %"),
        "{claims:?}"
    );
    assert_eq!(claims.statistic, Some(1.0));
    // Of an outcome that nobody of two arms has, the error is unknown.
    let both = counts(&arms, |i, a| if a == 2 { i % 3 } else { 0 });
    let a = run(&plan(&["control", "tips", "video"], DAYS, WELCH), &both);
    let of_tips = a
        .estimates
        .iter()
        .filter(|r| r.arm == "tips" && r.estimator.name() == "welch");
    for row in of_tips {
        assert_eq!((row.se, row.ci_lower), (None, None), "{row:?}");
    }
}

#[test]
fn more_contacts_are_not_called_a_negative_reduction() {
    let arms = [("control", 400), ("tips", 400)];
    let csv = counts(&arms, |i, a| i % 3 + u64::from(a == 1 && i % 2 == 0));
    let a = run(
        &plan(&["control", "tips"], DAYS, &format!("{WELCH}{MONEY}")),
        &csv,
    );
    let claims = a.checks.iter().find(|c| c.id == "claims").unwrap();
    // Σ 399 of 400 against 200 more.
    assert!(claims.detail.contains("50 % more contacts"), "{claims:?}");
    assert!(
        claims.detail.contains("25 % to 30 % fewer (p < 0.001)"),
        "{claims:?}"
    );
    assert!(!claims.detail.contains("−"), "{claims:?}");
}

#[test]
fn counts_without_days_say_before_the_data_that_there_will_be_no_money() {
    let arms = [("control", 300), ("tips", 300)];
    let csv = counts(&arms, |i, a| if a == 1 { i % 2 } else { i % 3 });
    let text = plan(&["control", "tips"], NO_DAYS, &format!("{WELCH}{MONEY}"));
    let desk = desk(&text, &csv);
    for args in [&["check", "t"][..], &[&["approve", "t"][..], &ADA].concat()] {
        let ran = desk.run(args).ok();
        let said = ran.stdout + &ran.stderr;
        assert!(
            said.contains("names no test period and the file no observed time"),
            "{said}"
        );
        assert!(
            said.contains("scale_if = \"npv\" can never be met"),
            "{said}"
        );
    }
    let d = desk.run(&["analyze", "t", "--json"]).ok().json();
    assert_eq!(d["decision"]["verdict"], "extend");
    assert!(d["business"].is_null());
    let why = d["no_business_because"].as_str().unwrap();
    assert!(why.contains("name [periods] or columns.exposure"), "{why}");
    assert!(d["decision"]["why"].to_string().contains(why));
    // What was sealed stands as assumed, though no case could be made of it.
    let keys: Vec<&str> = (d["assumptions"].as_array().unwrap().iter())
        .map(|a| a["key"].as_str().unwrap())
        .collect();
    assert!(
        keys.contains(&"realisation") && keys.contains(&"cost_per_contact.labour"),
        "{keys:?}"
    );
    let read = summary(&desk);
    assert!(
        read.contains("What was assumed") && read.contains("realisation"),
        "{read}"
    );
    // With the days, the same counts have a case.
    let days = plan(&["control", "tips"], DAYS, &format!("{WELCH}{MONEY}"));
    let timed = self::desk(&days, &csv);
    let ran = timed.run(&["check", "t"]).ok();
    assert!(!ran.stdout.contains("no-business-case") && !ran.stderr.contains("no-business-case"));
    let d = timed.run(&["analyze", "t", "--json"]).ok().json();
    assert!(d["business"].is_object() && d.get("no_business_because").is_none());
}

#[test]
fn nothing_is_rolled_out_on_a_check_that_was_passed_over() {
    let arms = [("control", 400), ("tips", 600)];
    let csv = counts(&arms, |i, a| if a == 1 { i % 2 } else { i % 4 });
    let desk = desk(
        &plan(&["control", "tips"], DAYS, &format!("{WELCH}{MONEY}")),
        &csv,
    );
    desk.run(&[&["approve", "t"][..], &ADA].concat()).ok();
    assert_eq!(desk.run(&["analyze", "t"]).code, 3);
    let over = [
        "analyze",
        "t",
        "--json",
        "--despite",
        "srm",
        "--because",
        "a lost batch",
    ];
    let d = desk.run(&over).ok().json();
    assert_eq!(d["decision"]["verdict"], "extend");
    let chance = &d["business"]["arms"][0]["probability_npv_positive"];
    assert!(chance.as_f64().unwrap() > 0.9, "all else would scale it");
    let read = summary(&desk);
    assert!(
        read.contains("extend – no roll-out: the check srm failed and was passed over"),
        "{read}"
    );
    let sign = |decision: &str| {
        let args = [
            "sign",
            "t",
            "--decision",
            decision,
            "--because",
            "we want it",
        ];
        desk.run(&[&args[..], &ADA].concat())
    };
    let refused = sign("scale");
    assert_ne!(refused.code, 0);
    assert!(
        refused.stderr.contains("the check srm failed"),
        "{}",
        refused.stderr
    );
    sign("extend").ok();
}

/// A log of 400 customers an arm, with this many contacts for another reason of every customer of the
/// tips, and of every other one of control 2.
fn moved(others: u64) -> Value {
    let desk = Desk::new();
    let (mut roster, mut log) = (String::from("unit,arm\n"), String::from("unit,at,topic\n"));
    for arm in ["control", "tips"] {
        for i in 0..400u64 {
            writeln!(roster, "{arm}-{i},{arm}").unwrap();
            let fees = if arm == "tips" { i % 2 } else { i % 3 };
            let other = match arm {
                "tips" => others + i % 2,
                _ => 2 * (i % 2),
            };
            for (n, topic) in [(fees, "fees"), (other, "card")] {
                for k in 0..n {
                    writeln!(
                        log,
                        "{arm}-{i},2026-03-{:02}T10:0{k}:00Z,{topic}",
                        1 + i % 28
                    )
                    .unwrap();
                }
            }
        }
    }
    desk.write("roster.csv", roster);
    desk.write("log.csv", log);
    let text = plan(&["control", "tips"], "", WELCH);
    let (head, rest) = text.split_once("[data.counts]").unwrap();
    let (_, rest) = rest.split_once("[[outcomes]]").unwrap();
    let plan = format!(
        "{head}[periods]\nafter = [\"2026-03-01\", \"2026-03-31\"]\n[data.customers]\npath = \"roster.csv\"\n\
         columns = {{ unit = \"unit\", arm = \"arm\" }}\n[data.contacts]\npath = \"log.csv\"\n\
         columns = {{ unit = \"unit\", time = \"at\", reason = \"topic\" }}\n[[outcomes]]{rest}"
    );
    let plan = plan.replace(
        "role = \"primary\"\n",
        "role = \"primary\"\nreasons = [\"fees\"]\n",
    );
    desk.write("experiments/t.toml", plan);
    let d = desk
        .run(&["analyze", "t", "--as-of", "2026-05-01", "--json"])
        .ok()
        .json();
    let checks = d["checks"].as_array().unwrap();
    checks
        .iter()
        .find(|c| c["id"] == "spillover")
        .unwrap()
        .clone()
}

#[test]
fn only_more_contacts_for_other_reasons_are_held_against_the_saving() {
    let (more, fewer) = (moved(2), moved(0));
    for check in [&more, &fewer] {
        assert_eq!(check["status"], "warn", "{check}");
    }
    let against = "Hold this against the saving";
    assert!(more["detail"].as_str().unwrap().contains(against), "{more}");
    let fewer = fewer["detail"].as_str().unwrap();
    assert!(
        !fewer.contains(against) && fewer.contains("differ in something else"),
        "{fewer}"
    );
}
