//! Looks before the planned end, as a user makes them.

use pilot::stats::sequential::ConfidenceSequence;
use serde_json::Value;

use crate::pipeline::example;
use crate::support::Desk;

/// The same numbers by another way through the same formulas.
const SAME: f64 = 1e-9;

const LOOKS: &str = "[analysis.sequential]\nlooks = [\"2026-09-20\", \"2026-10-10\", \"2026-10-31\"]\n\
                     futility = { spending = \"obrien-fleming\", beta = 0.2 }\n";

/// The simulated pilot with a table added to its plan, arms assigned.
fn fees(table: &str) -> Desk {
    let desk = example("fees-education");
    let plan = String::from_utf8(desk.read("experiments/fees-education.toml")).unwrap();
    let plan = plan
        .replace("permutations = 10000", "permutations = 0")
        .replace("[decision]\n", &format!("{table}\n[decision]\n"));
    desk.write("experiments/fees-education.toml", plan);
    desk.run(&["assign", "fees-education"]).ok();
    desk
}

fn look(desk: &Desk, number: &str, as_of: &str) -> Value {
    let args = [
        "analyze",
        "fees-education",
        "--look",
        number,
        "--as-of",
        as_of,
    ];
    desk.run(&[&args[..], &["--json", "--no-report"]].concat())
        .ok()
        .json()
}

fn refused(desk: &Desk, args: &[&str]) -> Value {
    let ran = desk.run(&[&["analyze", "fees-education", "--json"], args].concat());
    assert_eq!(ran.code, 2, "{args:?}");
    ran.json()["error"].clone()
}

fn arm<'a>(document: &'a Value, name: &str) -> &'a Value {
    let arms = document["boundaries"]["arms"].as_array().unwrap();
    arms.iter().find(|a| a["arm"] == name).unwrap()
}

fn estimate<'a>(document: &'a Value, arm: &str) -> &'a Value {
    let all = document["estimates"].as_array().unwrap();
    all.iter()
        .find(|e| e["arm"] == arm && e["outcome"] == "fee-contacts" && e["primary"] == true)
        .unwrap()
}

#[track_caller]
fn close(a: &Value, b: f64) {
    let a = a.as_f64().unwrap();
    assert!((a - b).abs() <= SAME * b.abs().max(1e-3), "{a} is not {b}");
}

#[test]
fn looks_are_made_crossed_and_ended() {
    let desk = fees(LOOKS);
    let first = look(&desk, "1", "2026-09-21");
    assert_eq!(first["decision"]["verdict"], "wait");
    assert_eq!(
        (&first["look"], &first["boundaries"]["looks_made"]),
        (&1.into(), &1.into())
    );
    assert_eq!(first["boundaries"]["until"], "2026-09-20");
    // Nothing for a fixed horizon, nothing else by arm.
    for e in first["estimates"].as_array().unwrap() {
        assert!(e["primary"] == true && e["p_value"].is_null() && e["ci_lower"].is_null());
        assert!(!e["p_adjusted"].is_null() && !e["ci_adjusted_lower"].is_null());
    }
    for hidden in ["levels", "distribution", "skipped", "cashflow"] {
        assert_eq!(first[hidden].as_array().unwrap().len(), 0, "{hidden}");
    }
    assert!(
        first["business"].is_null()
            && first["evidence"]["contacts_by_arm"]
                .as_array()
                .unwrap()
                .is_empty()
    );
    // The contacts are those of a plan that ends on that day.
    let short = example("fees-education");
    let plan = String::from_utf8(short.read("experiments/fees-education.toml")).unwrap();
    let plan = plan
        .replace("permutations = 10000", "permutations = 0")
        .replace(
            "[\"2026-09-01\", \"2026-10-31\"]",
            "[\"2026-09-01\", \"2026-09-20\"]",
        );
    short.write("experiments/fees-education.toml", plan);
    short.run(&["assign", "fees-education"]).ok();
    let args = ["analyze", "fees-education", "--json", "--no-report"];
    let ended = short.run(&args).ok().json();
    for name in ["tip-sheet", "video", "welcome-email"] {
        assert_eq!(
            estimate(&first, name)["value"],
            estimate(&ended, name)["value"]
        );
        assert_eq!(estimate(&first, name)["se"], estimate(&ended, name)["se"]);
    }

    let second = look(&desk, "2", "2026-10-12");
    assert_eq!(second["decision"]["arm"], "welcome-email");
    assert_eq!(arm(&second, "welcome-email")["state"], "effect");
    assert_eq!(arm(&second, "welcome-email")["crossed_at"], 2);
    assert_eq!(arm(&second, "tip-sheet")["state"], "futility");
    assert_eq!(
        arm(&second, "welcome-email")["looks"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    // An unapproved plan never scales, however clear the boundary is crossed.
    assert_eq!(second["decision"]["verdict"], "extend");

    let end = desk
        .run(&["analyze", "fees-education", "--json", "--no-report"])
        .ok()
        .json();
    assert_eq!(
        (&end["look"], &end["boundaries"]["ended"]),
        (&3.into(), &true.into())
    );
    assert_eq!(end["analysis_number"], 3);
    let crossed = arm(&end, "welcome-email");
    assert_eq!(
        (&crossed["state"], &crossed["crossed_at"]),
        (&"effect".into(), &2.into())
    );
    for key in ["p", "median_unbiased", "ci_lower", "ci_upper"] {
        close(
            &crossed[key],
            arm(&second, "welcome-email")[key].as_f64().unwrap(),
        );
    }
    let warned = end["warnings"].as_array().unwrap();
    assert!(warned.iter().any(|w| w["id"] == "crossed-earlier"));
    assert_eq!(arm(&end, "tip-sheet")["state"], "not-shown");
    // Every look is in the ledger, and the end has evidence of its own.
    let ledger = String::from_utf8(desk.read("experiments/fees-education/ledger.jsonl")).unwrap();
    let facts: Vec<Value> = ledger
        .lines()
        .map(|l| serde_json::from_str::<Value>(l).unwrap())
        .filter(|l| l["kind"] == "analyze")
        .map(|l| l["facts"].clone())
        .collect();
    let looks: Vec<&Value> = facts.iter().map(|f| &f["look"]).collect();
    assert_eq!(looks, [1, 2, 3]);
    let evidence: Vec<&Value> = facts.iter().map(|f| &f["evidence"]).collect();
    assert_eq!(evidence, [1, 2, 3]);
    // The same look again is the same analysis.
    let again = look(&desk, "2", "2026-10-12");
    assert_eq!(again["boundaries"], second["boundaries"]);
}

#[test]
fn the_unit_of_a_difference_changes_no_boundary() {
    let per_month = look(&fees(LOOKS), "1", "2026-09-21");
    let desk = fees(LOOKS);
    let plan = String::from_utf8(desk.read("experiments/fees-education.toml")).unwrap();
    desk.write(
        "experiments/fees-education.toml",
        plan.replace("per_days = 30\n", ""),
    );
    let over_window = look(&desk, "1", "2026-09-21");
    let (a, b) = (
        &arm(&per_month, "video")["looks"][0],
        &arm(&over_window, "video")["looks"][0],
    );
    for key in ["fraction", "z", "critical", "futility", "repeated_p"] {
        close(&a[key], b[key].as_f64().unwrap());
    }
    // Per 30 days, against the planned window of 61.
    let information = a["information"].as_f64().unwrap();
    close(&b["information"], information * (30f64 / 61.0).powi(2));
}

/// Customers who join over 40 days, each followed for 20 of their own, in 40 branches.
fn joiners(analysis: &str) -> Desk {
    let desk = Desk::new();
    let plan = format!(
        "schema = 1\n[experiment]\nname = \"fees-education\"\nseed = 1\n\
         [assignment]\nmethod = \"existing\"\n{}[[arms]]\nname = \"control\"\ncontrol = true\n[[arms]]\nname = \"tips\"\n\
         [periods]\nstart = \"joined\"\nafter_days = 20\nenrol = [\"2026-01-01\", \"2026-02-09\"]\n\
         [data.customers]\npath = \"c.csv\"\ncolumns = {{ unit = \"id\", arm = \"grp\" }}\n\
         [data.contacts]\npath = \"l.csv\"\ncolumns = {{ unit = \"cust\", time = \"when\" }}\ncomplete_until = \"2026-03-10\"\n\
         [[outcomes]]\nname = \"calls\"\nrole = \"primary\"\n[analysis]\n{analysis}\npermutations = 0\nbootstrap = 0\n\
         [analysis.sequential]\nlooks = [\"2026-01-20\", \"2026-02-09\", \"2026-02-28\"]\nspending = \"pocock\"\n",
        if analysis.contains("cluster") {
            "cluster = \"branch\"\n"
        } else {
            ""
        },
    );
    desk.write("experiments/fees-education.toml", plan);
    let (mut customers, mut contacts) = (
        String::from("id,grp,joined,branch\n"),
        String::from("cust,when\n"),
    );
    let day = |n: u64| format!("2026-{:02}-{:02}", 1 + n / 31, 1 + n % 31);
    for i in 0..600u64 {
        let (branch, joined) = (i % 40, (i * 7) % 40);
        let arm = if branch.is_multiple_of(2) {
            "control"
        } else {
            "tips"
        };
        customers.push_str(&format!("c{i},{arm},{},b{branch}\n", day(joined)));
        for k in 0..(i * i + branch) % 4 {
            let at = joined + (5 * k + i) % 18;
            contacts.push_str(&format!("c{i},{}T12:00:00\n", day(at)));
        }
    }
    desk.write("c.csv", customers);
    desk.write("l.csv", contacts);
    desk
}

#[test]
fn totals_over_times_of_different_length_cannot_be_looked_at() {
    let at = ["--look", "1", "--as-of", "2026-01-21", "--no-report"];
    for estimator in ["welch", "student", "delta\"\nestimand = \"ratio"] {
        let desk = joiners(&format!("estimator = \"{estimator}\""));
        let error = refused(&desk, &at);
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("different lengths of time"), "{message}");
    }
    let desk = joiners("estimator = \"rate\"");
    look(&desk, "1", "2026-01-21");
}

#[test]
fn looks_and_end_of_clusters_have_one_unit() {
    let days = [("1", "2026-01-21"), ("2", "2026-02-10")];
    let of = |per_days: &str| {
        let desk = joiners(&format!("estimator = \"cluster\"\n{per_days}"));
        for (number, as_of) in days {
            look(&desk, number, as_of);
        }
        let end = [
            "analyze",
            "fees-education",
            "--json",
            "--no-report",
            "--as-of",
            "2026-03-12",
        ];
        arm(&desk.run(&end).ok().json(), "tips")["looks"].clone()
    };
    let (over_window, per_month) = (of(""), of("per_days = 30\n"));
    for look in 0..3 {
        let (a, b) = (&over_window[look], &per_month[look]);
        for key in ["z", "critical"] {
            close(&a[key], b[key].as_f64().unwrap());
        }
        // Per customer over 20 days, and per 30.
        let information = a["information"].as_f64().unwrap();
        close(&b["information"], information * (20f64 / 30.0).powi(2));
    }
}

#[test]
fn without_looks_made_the_end_is_the_ordinary_test_in_equal_parts() {
    let desk = fees(LOOKS);
    let end = desk
        .run(&["analyze", "fees-education", "--json", "--no-report"])
        .ok()
        .json();
    assert_eq!(end["boundaries"]["looks_made"], 1);
    for name in ["tip-sheet", "video", "welcome-email"] {
        let e = estimate(&end, name);
        let raw = e["p_value"].as_f64().unwrap();
        close(&e["p_adjusted"], (3.0 * raw).min(1.0));
        let median = arm(&end, name)["median_unbiased"].as_f64().unwrap();
        close(&e["value"], median);
    }
}

#[test]
fn a_confidence_sequence_may_be_looked_at_any_day() {
    let desk = fees("[analysis.sequential]\nkind = \"confidence-sequence\"\n");
    let first = look(&desk, "1", "2026-09-09");
    assert_eq!(first["boundaries"]["until"], "2026-09-08");
    let second = look(&desk, "2", "2026-10-02");
    for (document, number) in [(&first, 0), (&second, 1)] {
        let row = &arm(document, "video")["looks"][number];
        let planned = row["information_max"].as_f64().unwrap();
        // The tuning is that of the first look.
        close(
            &arm(&first, "video")["looks"][0]["information_max"],
            planned,
        );
        let sequence = ConfidenceSequence::new(0.05 / 3.0, planned).unwrap();
        let information = row["information"].as_f64().unwrap();
        let critical = sequence.critical(information).unwrap();
        close(&row["critical"], critical);
        let (value, se) = (
            estimate(document, "video")["value"].as_f64().unwrap(),
            estimate(document, "video")["se"].as_f64().unwrap(),
        );
        // t with 9,900 degrees of freedom: 1e-4 wider than the normal.
        let upper = row["repeated_upper"].as_f64().unwrap();
        assert!((upper - (value + critical * se)).abs() < 2e-3 * se);
    }
    let end = desk
        .run(&["analyze", "fees-education", "--json", "--no-report"])
        .ok()
        .json();
    assert_eq!(end["look"], 3);
}

#[test]
fn looks_that_cannot_be_made_are_refused_with_a_way_out() {
    let plain = fees("");
    let error = refused(&plain, &["--look", "1"]);
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("no looks before its end")
    );
    assert!(
        error["hint"]
            .as_str()
            .unwrap()
            .contains("[analysis.sequential]")
    );
    let desk = fees(LOOKS);
    for (args, says) in [
        (&["--look", "0"][..], "counted from 1"),
        (&["--look", "4"], "has 3 looks"),
        (&["--look", "3", "--as-of", "2026-10-20"], "has not passed"),
        (
            &["--look", "1", "--as-of", "2026-09-01"],
            "begins on 2026-09-01",
        ),
        (&["--look", "1"], "ended on 2026-10-31"),
        (
            &[
                "--look",
                "1",
                "--as-of",
                "2026-09-21",
                "--set",
                "decision.min_probability=0.5",
            ],
            "what-if",
        ),
    ] {
        let error = refused(&desk, args);
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(says), "{args:?}: {message}");
        assert!(!error["hint"].is_null(), "{args:?}");
    }
    // A look earlier than planned is allowed, and says until when it counts.
    let early = look(&desk, "1", "2026-09-15");
    assert_eq!(early["boundaries"]["until"], "2026-09-14");
    // The same look again as planned brings its own contacts, and replaces it.
    assert_eq!(
        look(&desk, "1", "2026-09-21")["boundaries"]["looks_made"],
        1
    );
    // A look after it without new contacts has nothing to look at.
    let error = refused(
        &desk,
        &["--look", "2", "--as-of", "2026-09-21", "--no-report"],
    );
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("no information"),
        "{error}"
    );
}

#[test]
fn an_extension_keeps_a_part_of_the_error_rate() {
    let weights = "extension_weights = [0.7, 0.3]\n";
    let desk = fees(&format!("{LOOKS}{weights}"));
    let end = desk
        .run(&["analyze", "fees-education", "--json", "--no-report"])
        .ok()
        .json();
    let row = &arm(&end, "video")["looks"][0];
    close(&row["fraction"], 0.49 / 0.58);
    let planned = end["boundaries"]["planned"].as_array().unwrap();
    assert_eq!(planned.len(), 4);
    assert!(row["spent"].as_f64().unwrap() < 0.05 / 3.0);
    close(&row["critical"], {
        // Without looks made, the end alone spends its share.
        let spent = row["spent"].as_f64().unwrap();
        pilot::stats::dist::normal_isf(spent / 2.0)
    });
}
