//! Minutes of handling from the log to the money.

use std::fmt::Write;

use serde_json::Value;

use crate::support::Desk;

const PLAN: &str = r#"schema = 1
[experiment]
name = "calls"
seed = 5
[assignment]
method = "existing"
[[arms]]
name = "control"
control = true
[[arms]]
name = "tips"
fixed_cost = { low = 50, mode = 100, high = 300 }
[periods]
after = ["2026-03-01", "2026-03-31"]
[data.customers]
path = "customers.csv"
columns = { unit = "customer", arm = "arm" }
[data.contacts]
path = "contacts.csv"
columns = { unit = "customer", time = "at", handling_seconds = "aht" }
[[outcomes]]
name = "calls"
role = "primary"
kind = "count"
[analysis]
estimator = "welch"
[business]
currency = "EUR"
cost_per_minute = { variable = 0.25, labour = 0.75 }
realisation = 1
half_life_months = "none"
units_at_rollout = 20000
horizon_months = 12
"#;

/// 500 customers an arm. Control calls 300 times for 4 minutes and 200 times for 10; the tips
/// prevent 40 % of the short calls and 5 % of the long ones.
fn desk(plan: &str) -> Desk {
    let desk = Desk::new();
    let mut customers = String::from("customer,arm\n");
    let mut contacts = String::from("customer,at,aht\n");
    for (arm, short, skipped) in [("control", 300, 0), ("tips", 180, 10)] {
        let mut long = 0;
        for i in 0..500 {
            writeln!(customers, "{arm}-{i},{arm}").unwrap();
            let day = 1 + i % 31;
            if i < short {
                writeln!(contacts, "{arm}-{i},2026-03-{day:02}T10:00:00Z,240").unwrap();
            }
            if i % 5 < 2 {
                long += 1;
                if long > skipped {
                    writeln!(contacts, "{arm}-{i},2026-03-{day:02}T12:00:00Z,600").unwrap();
                }
            }
        }
    }
    desk.write("customers.csv", &customers);
    desk.write("contacts.csv", &contacts);
    desk.write("experiments/calls.toml", plan);
    desk
}

fn analyze(desk: &Desk) -> Value {
    desk.run(&["analyze", "calls", "--as-of", "2026-05-01", "--json"])
        .ok()
        .json()
}

#[test]
fn a_cost_per_minute_counts_the_minutes_of_the_log() {
    let desk = desk(PLAN);
    let d = analyze(&desk);
    let rows = d["estimates"].as_array().unwrap();
    let handling = rows
        .iter()
        .find(|r| r["outcome"] == "handling-seconds" && r["primary"] == true)
        .unwrap();
    // 300·240 + 200·600 against 180·240 + 190·600 seconds of 500 customers each.
    let seconds = (157_200.0 - 192_000.0) / 500.0;
    assert!((handling["value"].as_f64().unwrap() - seconds).abs() < 1e-9);
    let case = &d["business"];
    assert_eq!(case["priced"], "minutes");
    let arm = &case["arms"][0];
    let month = 30.4375 / 31.0;
    let close = |v: &Value, want: f64| (v.as_f64().unwrap() / want - 1.0).abs() < 1e-9;
    let minutes = -seconds / 60.0 * month;
    assert!(close(&arm["minutes_per_customer_month"]["value"], minutes));
    assert!(close(
        &arm["avoided_per_customer_month"]["value"],
        (500.0 - 370.0) / 500.0 * month
    ));
    // −26 % contacts, −18 % minutes: contacts × average cost would overstate by 43 %.
    let over = arm["overstated_by_contacts"].as_f64().unwrap();
    assert!((over - (0.26 / (580.0 / 3200.0) - 1.0)).abs() < 1e-9);
    assert!((over - 0.43).abs() < 0.005);
    // No fade, no churn: 20,000 customers × 12 months × the minutes, at EUR 1 a minute.
    let saved: f64 = d["cashflow"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["saving_variable"].as_f64().unwrap() + r["saving_labour"].as_f64().unwrap())
        .sum();
    assert!((saved / (20_000.0 * 12.0 * minutes) - 1.0).abs() < 1e-9);
    // What stands at the top of the document is not told again in the case.
    assert!(case.get("cashflow").is_none() && case.get("assumptions").is_none());
    let read = |name: &str| String::from_utf8(desk.read(&format!("reports/calls/{name}"))).unwrap();
    let text = read("summary.md");
    assert!(text.contains("hours of handling"));
    // 130 of 500 contacts and 580 of 3200 minutes are too few to tell that 43 % is not noise.
    let ends = arm["overstated_by_contacts_interval"].as_array().unwrap();
    let end = |i: usize| ends[i].as_f64().unwrap();
    assert!(end(0) < 0.0 && end(1) > over, "{ends:?}");
    assert!(
        text.contains("cannot tell whether the contacts avoided are shorter"),
        "{text}"
    );
    assert!(read("tornado.csv").contains("arms.tips.fixed_cost"));
}

#[test]
fn minutes_that_nobody_logged_are_refused() {
    let plan = PLAN.replace(", handling_seconds = \"aht\"", "");
    let failed = desk(&plan).run(&["check", "calls"]);
    assert_eq!(failed.code, 2);
    assert!(failed.stderr.contains("minutes need handling times"));
}

/// Minutes from an independent program: sums of at most 360 customers, and twelve months.
const SAME: f64 = 1e-9;

/// Customers who were observed for different times, those of `video` for much shorter.
fn varying(estimator: &str) -> Value {
    let desk = Desk::new();
    desk.write(
        "customers.csv",
        include_str!("../data/minutes/customers.csv"),
    );
    desk.write("contacts.csv", include_str!("../data/minutes/contacts.csv"));
    let plan = PLAN
        .replace(
            "[[arms]]\nname = \"tips\"\nfixed_cost = { low = 50, mode = 100, high = 300 }\n",
            "[[arms]]\nname = \"tips\"\nfixed_cost = 1000\ncost_per_customer = 0.1\n\
             [[arms]]\nname = \"video\"\nfixed_cost = 4000\ncost_per_customer = 0.05\n",
        )
        .replace(
            "[\"2026-03-01\", \"2026-03-31\"]",
            "[\"2026-09-01\", \"2026-10-15\"]",
        )
        .replace("arm = \"arm\" }", "arm = \"arm\", start = \"started\" }")
        .replace(
            "estimator = \"welch\"",
            &format!("estimator = \"{estimator}\"\nper_days = 30"),
        )
        .replace(
            "variable = 0.25, labour = 0.75",
            "variable = 0.1, labour = 0.5",
        )
        .replace("realisation = 1", "realisation = 0.5")
        .replace("20000", "10000");
    desk.write("experiments/calls.toml", plan);
    let args = ["analyze", "calls", "--as-of", "2026-11-01", "--json"];
    desk.run(&args).ok().json()
}

#[test]
fn minutes_of_customers_seen_for_different_times_are_per_customer_day() {
    let want: Value = serde_json::from_str(include_str!("../reference/minutes.json")).unwrap();
    let close = |got: &Value, want: &Value, what: &str| {
        let (got, want) = (got.as_f64().unwrap(), want.as_f64().unwrap());
        assert!(
            (got / want - 1.0).abs() < SAME,
            "{what}: {got} is not {want}"
        );
    };
    for estimator in ["rate", "welch"] {
        let d = varying(estimator);
        let handling = |r: &&Value| r["outcome"] == "handling-seconds" && r["primary"] == true;
        for row in d["estimates"].as_array().unwrap().iter().filter(handling) {
            assert_eq!(row["estimator"], "rate");
            assert_eq!(row["unit"], "seconds of handling per customer per 30 days");
            let month = row["value"].as_f64().unwrap() / -60.0 * 30.4375 / 30.0;
            let want = &want["arms"][row["arm"].as_str().unwrap()]["minutes"];
            close(&month.into(), want, "minutes");
        }
        let effects = d["draws_summary"]["effects"].as_array().unwrap();
        let arms = d["business"]["arms"].as_array().unwrap();
        assert_eq!((effects.len(), arms.len()), (2, 2));
        for (i, (effect, case)) in effects.iter().zip(arms).enumerate() {
            let want_arm = &want["arms"][effect["arm"].as_str().unwrap()];
            close(&effect["contacts"], &want_arm["contacts"], "contacts");
            close(&effect["minutes"], &want_arm["minutes"], "minutes");
            let se = effect["contacts_se"].as_f64().unwrap();
            close(
                &(se * se).into(),
                &want["contacts_covariance"][i][i],
                "variance of contacts",
            );
            for j in 0..2 {
                let cov = &want["minutes_covariance"][i][j];
                close(
                    &d["draws_summary"]["covariance"][i][j],
                    cov,
                    "covariance of minutes",
                );
            }
            let npv = match &case["as_estimated"] {
                Value::Null => &case["npv"]["value"],
                estimated => &estimated["npv"]["value"],
            };
            close(npv, &want_arm["npv"], "NPV");
        }
        // What the plan's estimator compares is another thing, and the case says so.
        let notes = d["business"]["notes"].to_string();
        assert_eq!(notes.contains("rests on"), estimator == "welch", "{notes}");
    }
}
