//! What money rests on where a second stage follows a first.

use std::fmt::Write;

use serde_json::Value;

use super::whole_run::approve;
use crate::support::Desk;

/// Sums in f64 by another way through the same formulas.
const SAME: f64 = 1e-9;
/// Days in a month of the model.
const MONTH: f64 = 30.4375;
/// Days of each customer.
const DAYS: f64 = 40.0;

/// Customers of a stage by arm and calls of control; each other arm's calls are fewer by its share.
struct Stage {
    customers: usize,
    fewer: [f64; 2],
}

fn counts(stage: &Stage, prefix: &str) -> String {
    let mut text = String::from("id,arm,calls,secs,days\n");
    for i in 0..stage.customers {
        let arm = i % 3;
        let fewer = if arm == 0 { 0.0 } else { stage.fewer[arm - 1] };
        let calls = ((i / 3 * 7 + arm) % 11) as f64 * (1.0 - fewer);
        let calls = calls.round();
        let seconds = calls * (120 + (i * 13) % 300) as f64;
        let arm = ["control", "tips", "video"][arm];
        writeln!(text, "{prefix}{i},{arm},{calls},{seconds},{DAYS}").unwrap();
    }
    text
}

fn plan(name: &str, more: &str, looks: &str, cost: &str) -> String {
    format!(
        r#"schema = 1
[experiment]
name = "{name}"
seed = 1
{more}
[assignment]
method = "existing"
[[arms]]
name = "control"
control = true
[[arms]]
name = "tips"
fixed_cost = 1000
[[arms]]
name = "video"
fixed_cost = 1000
[data.counts]
path = "{name}.csv"
columns = {{ unit = "id", arm = "arm", exposure = "days" }}
exposure_unit = "day"
[[outcomes]]
name = "calls"
role = "primary"
after = "calls"
[[outcomes]]
name = "secs"
role = "secondary"
kind = "mean"
better = "lower"
after = "secs"
[analysis]
estimator = "welch"
permutations = 0
bootstrap = 0
{looks}
[business]
currency = "EUR"
{cost}
realisation = 0.5
half_life_months = 6
units_at_rollout = 20000
"#
    )
}

const CONTACTS: &str = "cost_per_contact = { variable = 0.5, labour = 2 }";
const MINUTES: &str =
    "cost_per_minute = { variable = 0.1, labour = 0.4 }\nhandling_outcome = \"secs\"";

/// Both analyses.
fn both(cost: &str, stages: [Stage; 2]) -> [Value; 2] {
    let desk = Desk::new();
    let looks = "[analysis.sequential]\ninformation = [1.0]\nextension_weights = [0.7, 0.4]";
    desk.write("experiments/one.toml", plan("one", "", looks, cost));
    let second = plan("two", "second_stage_of = \"one\"", "", cost);
    desk.write("experiments/two.toml", second);
    desk.write("one.csv", counts(&stages[0], "a"));
    desk.write("two.csv", counts(&stages[1], "b"));
    ["one", "two"].map(|name| {
        approve(&desk, name);
        desk.run(&["analyze", name, "--json"]).ok().json()
    })
}

#[track_caller]
fn same(found: f64, wanted: f64) {
    let apart = (found - wanted).abs();
    assert!(apart <= SAME * wanted.abs().max(1.0), "{found} {wanted}");
}

fn number(v: &Value) -> f64 {
    v.as_f64().unwrap()
}

/// The record of an outcome and arm: that of both stages, or of one.
fn record<'a>(d: &'a Value, outcome: &str, arm: &str, stage: Option<u64>) -> &'a Value {
    let rows = d["estimates"].as_array().unwrap().iter();
    let mut of = rows.filter(|r| {
        r["outcome"] == outcome
            && r["arm"] == arm
            && r["estimator"] == "welch"
            && r["detail"]["stage"].as_u64() == stage
    });
    of.next().unwrap()
}

#[test]
fn the_arms_money_has_the_joint_covariance_of_both_stages() {
    // A second stage so small that control's share in it says nothing of both, too.
    for customers in [600, 45] {
        let stages = [
            Stage {
                customers: 900,
                fewer: [0.10, 0.05],
            },
            Stage {
                customers,
                fewer: [0.15, 0.10],
            },
        ];
        let [_, d] = both(CONTACTS, stages);
        let (m, of_money) = (
            &d["covariance"]["matrix"],
            &d["draws_summary"]["covariance"],
        );
        let correlation =
            |m: &Value| number(&m[0][1]) / (number(&m[0][0]) * number(&m[1][1])).sqrt();
        same(correlation(of_money), correlation(m));
        for k in 0..2 {
            let per_month = MONTH / DAYS;
            let shown = number(&m[k][k]) * per_month * per_month;
            same(number(&of_money[k][k]), shown);
        }
    }
}

#[test]
fn minutes_are_of_both_stages_by_the_shares_of_the_contacts() {
    let stages = [
        Stage {
            customers: 900,
            fewer: [0.10, 0.05],
        },
        Stage {
            customers: 600,
            fewer: [0.15, 0.10],
        },
    ];
    let [one, two] = both(MINUTES, stages);
    for (k, arm) in ["tips", "video"].into_iter().enumerate() {
        let of_arms = two["stages"]["arms"].as_array().unwrap().iter();
        let staged = of_arms.clone().find(|a| a["arm"] == arm).unwrap();
        let share = |s: usize| number(&staged["stages"][s]["share"]);
        let first = record(&one, "secs", arm, None);
        let second = record(&two, "secs", arm, None);
        let seconds = share(0) * number(&first["value"]) + share(1) * number(&second["value"]);
        let se = (share(0) * number(&first["se"])).hypot(share(1) * number(&second["se"]));
        // Moved by as many standard errors as the looks move the contacts.
        let decides = record(&two, "calls", arm, None);
        let median = number(&decides["detail"]["median_unbiased"]);
        let moved = (median - number(&decides["value"])) / number(&decides["se"]);
        let money = &two["draws_summary"]["effects"][k];
        let minutes = -(seconds + moved * se) / 60.0 / DAYS * MONTH;
        same(number(&money["minutes"]), minutes);
        same(number(&money["minutes_se"]), se / 60.0 / DAYS * MONTH);
    }
}

#[test]
fn what_all_contacts_since_show_less_of_is_not_counted() {
    let stages = [
        Stage {
            customers: 1500,
            fewer: [0.3, 0.3],
        },
        Stage {
            customers: 900,
            fewer: [-0.1, 0.3],
        },
    ];
    let [one, two] = both(CONTACTS, stages);
    let monthly =
        |d: &Value, k: usize| number(&d["draws_summary"]["effects"][k]["contacts"]) * DAYS / MONTH;
    for (k, arm) in ["tips", "video"].into_iter().enumerate() {
        assert_eq!(one["boundaries"]["arms"][k]["state"], "effect", "{arm}");
        let decides = record(&two, "calls", arm, None);
        let raw = number(&decides["value"]);
        let median = number(&decides["detail"]["median_unbiased"]);
        // The weaker of both: the boundary was crossed in the first stage.
        same(monthly(&two, k), -raw.max(median));
    }
    let tips = record(&two, "calls", "tips", None);
    assert!(number(&tips["value"]) > number(&tips["detail"]["median_unbiased"]));
}
