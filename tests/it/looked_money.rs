//! Money of a pilot that stopped at a look: one unit, the estimate that belongs to the looks, minutes too.

use std::fmt::Write;

use serde_json::Value;

use crate::support::Desk;

/// Sums of 600 customers, by another way through the same formulas.
const SAME: f64 = 1e-9;
/// A past look's error is read from its interval, which has the tails of t at another t: (t² + 1)/4df apart.
const TAILS: f64 = 0.01;
const MONTH: f64 = 30.4375;

const PLAN: &str = r#"schema = 1
[experiment]
name = "fee"
seed = 7
[assignment]
method = "existing"
[[arms]]
name = "control"
control = true
[[arms]]
name = "tip"
fixed_cost = 100
[periods]
after = ["2026-09-01", "2026-10-30"]
[data.customers]
path = "r.csv"
columns = { unit = "unit", arm = "arm" }
[data.contacts]
path = "c.csv"
columns = { unit = "unit", time = "time", id = "id", handling_seconds = "aht" }
complete_until = "2026-10-30"
[[outcomes]]
name = "calls"
role = "primary"
kind = "count"
[analysis]
estimator = "welch"
permutations = 0
bootstrap = 0
[analysis.sequential]
looks = ["2026-09-20", "2026-10-10", "2026-10-30"]
spending = "pocock"
[decision]
scale_if = "break-even"
[business]
currency = "EUR"
cost_per_contact = { variable = 1, labour = 3 }
realisation = 0.5
half_life_months = 6
units_at_rollout = 10000
"#;

/// 600 customers an arm; control calls on one day in fifty, the others on one in sixty-four.
/// Also the seconds of every customer of control and of the others up to the second look.
fn desk(plan: &str) -> (Desk, [Vec<f64>; 2]) {
    let (mut roster, mut log) = (
        String::from("unit,arm\n"),
        String::from("id,unit,time,aht\n"),
    );
    let mut seconds = [vec![0.0; 600], vec![0.0; 600]];
    let mut state = 12346_u64;
    let mut random = move || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        state >> 33
    };
    let mut id = 0;
    for i in 0..1200_usize {
        writeln!(roster, "u{i},{}", ["control", "tip"][i % 2]).unwrap();
        for day in 1..=60_u32 {
            if random() % [50, 64][i % 2] != 0 {
                continue;
            }
            let aht = 60 + random() % 840;
            id += 1;
            let (month, of) = if day <= 30 { (9, day) } else { (10, day - 30) };
            writeln!(log, "{id},u{i},2026-{month:02}-{of:02}T10:00:00Z,{aht}").unwrap();
            if day <= 40 {
                seconds[i % 2][i / 2] += aht as f64;
            }
        }
    }
    let desk = Desk::new();
    desk.write("r.csv", roster);
    desk.write("c.csv", log);
    desk.write("experiments/fee.toml", plan);
    (desk, seconds)
}

fn look(desk: &Desk, number: &str, as_of: &str) -> Value {
    let args = [
        "analyze", "fee", "--look", number, "--as-of", as_of, "--json",
    ];
    desk.run(&args).ok().json()
}

fn primary(d: &Value) -> &Value {
    let rows = d["estimates"].as_array().unwrap();
    rows.iter()
        .find(|r| r["primary"] == true && r["outcome"] == "calls")
        .unwrap()
}

#[track_caller]
fn close(got: &Value, want: f64) {
    let got = got.as_f64().unwrap();
    assert!((got / want - 1.0).abs() < SAME, "{got} is not {want}");
}

/// What the case says an arm avoids per customer-month: contacts and minutes.
fn effect(d: &Value) -> &Value {
    &d["draws_summary"]["effects"][0]
}

#[test]
fn looks_after_the_crossing_keep_its_figures_on_their_own_days() {
    let (desk, _) = desk(PLAN);
    assert_eq!(
        look(&desk, "1", "2026-09-21")["decision"]["verdict"],
        "wait"
    );
    let first = look(&desk, "2", "2026-10-11");
    let row = primary(&first);
    assert_eq!(row["unit"], "contacts per customer over 40 days");
    assert_eq!(row["detail"]["crossed_at_look"], 2);
    let number = |row: &Value, key: &str| row[key].as_f64().unwrap();
    let median = number(&row["detail"], "median_unbiased");
    // The estimate at which a pilot stops flatters, and money rests on the other.
    assert!(median > number(row, "value") + 1e-4);
    close(&effect(&first)["contacts"], -median / 40.0 * MONTH);
    let notes = first["business"]["notes"].to_string();
    assert!(
        notes.contains("median-unbiased estimate over the looks"),
        "{notes}"
    );
    let even = |d: &Value| {
        let why = d["decision"]["why"].as_array().unwrap().clone();
        let even = why
            .iter()
            .find(|w| w.as_str().unwrap().contains("break-even"));
        let (bound, _) = even
            .unwrap()
            .as_str()
            .unwrap()
            .split_once("clears")
            .unwrap();
        bound.to_owned()
    };
    let later = desk
        .run(&["analyze", "fee", "--as-of", "2026-10-31", "--json"])
        .ok()
        .json();
    let days = 60.0;
    let now = primary(&later);
    assert_eq!(
        now["unit"].as_str().unwrap(),
        format!("contacts per customer over {days} days")
    );
    for end in ["ci_adjusted_lower", "ci_adjusted_upper"] {
        close(&now[end], number(row, end) * days / 40.0);
    }
    close(&now["detail"]["median_unbiased"], median * days / 40.0);
    // The case is still that of the look at which the pilot stopped, error and all.
    close(&effect(&later)["contacts"], -median / 40.0 * MONTH);
    let ratio = number(effect(&later), "contacts_se") / number(effect(&first), "contacts_se");
    assert!((ratio - 1.0).abs() < TAILS, "{ratio}");
    // The bound; what it must clear holds the fade of a longer window.
    assert_eq!(even(&later), even(&first));
    let warnings = later["warnings"].to_string();
    assert!(
        warnings.contains(&format!("40 days, put on the same {days} days")),
        "{warnings}"
    );
}

#[test]
fn minutes_have_their_money_at_a_look_and_no_other_effect_is_shown() {
    let plan = PLAN.replace(
        "cost_per_contact = { variable = 1,",
        "cost_per_minute = { variable = 0.1,",
    );
    let (desk, seconds) = desk(&plan);
    look(&desk, "1", "2026-09-21");
    let d = look(&desk, "2", "2026-10-11");
    let shown = d["estimates"].as_array().unwrap();
    assert!(
        shown
            .iter()
            .all(|r| r["outcome"] == "calls" && r["primary"] == true)
    );
    assert_eq!(d["business"]["priced"], "minutes");
    assert_eq!(d["business"]["no_cash_because"], Value::Null);
    // Welch's difference of the seconds, moved by as many standard errors as the contacts.
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let variance = |x: &[f64]| {
        let m = mean(x);
        x.iter().map(|v| (v - m).powi(2)).sum::<f64>() / (x.len() - 1) as f64 / x.len() as f64
    };
    let value = mean(&seconds[1]) - mean(&seconds[0]);
    let se = (variance(&seconds[1]) + variance(&seconds[0])).sqrt();
    let row = primary(&d);
    let of = |v: &Value| v.as_f64().unwrap();
    let z = (of(&row["detail"]["median_unbiased"]) - of(&row["value"])) / of(&row["se"]);
    assert!(z > 0.0);
    close(
        &effect(&d)["minutes"],
        -(value + z * se) / 60.0 / 40.0 * MONTH,
    );
    close(&effect(&d)["minutes_se"], se / 60.0 / 40.0 * MONTH);
    assert!(d["business"]["arms"][0]["npv"]["value"].is_number());
    assert!(d["decision"]["why"].to_string().contains("minutes"));
}

#[test]
fn a_confidence_sequence_says_that_its_money_is_raw() {
    let at = PLAN.find("looks = ").unwrap();
    let end = PLAN.find("[decision]").unwrap();
    let plan = format!(
        "{}kind = \"confidence-sequence\"\n{}",
        &PLAN[..at],
        &PLAN[end..]
    );
    let (desk, _) = desk(&plan.replace(
        "[analysis.sequential]",
        "[analysis.sequential]\ninformation_max = 300",
    ));
    let d = look(&desk, "1", "2026-10-11");
    let row = primary(&d);
    assert!(row["detail"].get("median_unbiased").is_none());
    close(
        &effect(&d)["contacts"],
        -row["value"].as_f64().unwrap() / 40.0 * MONTH,
    );
    let notes = d["business"]["notes"].to_string();
    assert!(notes.contains("rests on the raw estimate"), "{notes}");
}
