//! What the money says of an arm that does harm, and of one that costs nothing.

use crate::support::Desk;

const PLAN: &str = r#"schema = 1
[experiment]
name = "harm"
seed = 5
[assignment]
method = "existing"
[[arms]]
name = "control"
control = true
[[arms]]
name = "tips"
[periods]
after = ["2025-09-01", "2025-10-31"]
[data.counts]
path = "counts.csv"
columns = { unit = "customer", arm = "arm" }
[[outcomes]]
name = "calls"
role = "primary"
kind = "count"
[analysis]
estimator = "welch"
permutations = 0
bootstrap = 0
[business]
currency = "EUR"
cost_per_contact = { variable = 1, labour = 2 }
realisation = 1
realisation_lag_months = 2
half_life_months = 6
units_at_rollout = 1000
annual_service_budget = 10000
"#;

/// 200 customers an arm, with so many calls as `most` of the arm allows.
fn desk(plan: &str, most: [usize; 2]) -> Desk {
    let desk = Desk::new();
    let mut counts = String::from("customer,arm,after\n");
    for i in 0..400 {
        let arm = i % 2;
        counts.push_str(&format!(
            "c{i},{},{}\n",
            ["control", "tips"][arm],
            (i * 5 + i / 3) % most[arm]
        ));
    }
    desk.write("counts.csv", counts);
    desk.write("experiments/harm.toml", plan);
    desk.run(&["analyze", "harm", "--as-of", "2025-12-01"]).ok();
    desk
}

fn read(desk: &Desk, name: &str) -> String {
    String::from_utf8(desk.read(&format!("reports/harm/{name}"))).unwrap()
}

#[test]
fn harm_brings_contacts_and_saves_nothing() {
    let costs = PLAN.replace("name = \"tips\"", "name = \"tips\"\nfixed_cost = 100");
    let desk = desk(&costs, [4, 7]);
    let memo = read(&desk, "summary.md");
    assert!(
        memo.contains("tips brings ") && memo.contains(" more contacts"),
        "{memo}"
    );
    assert!(memo.contains(" of the service budget more"), "{memo}");
    for wrong in [
        "avoids \u{2212}",
        "avoids -",
        "saves \u{2212}",
        "of the savings",
    ] {
        assert!(!memo.contains(wrong), "{wrong}: {memo}");
    }
}

#[test]
fn nothing_spent_is_nothing_to_pay_back() {
    let desk = desk(PLAN, [6, 4]);
    let memo = read(&desk, "summary.md");
    assert!(memo.contains("othing is spent"), "{memo}");
    assert!(!memo.contains("pays back"), "{memo}");
    let chart = read(&desk, "cash.svg");
    assert!(!chart.contains("pays back"));
    // No cost, and labour that the lag withholds, are 0 and not \u{2212}0.
    for table in ["cashflow.csv", "arms.csv"] {
        let text = read(&desk, table);
        let minus = |line: &str| line.split(',').any(|cell| cell == "-0" || cell == "-0.0");
        assert!(!text.lines().any(minus), "{table}: {text}");
    }
}
