//! What a next stage needs, by hand.

use pilot::analysis::{Analysis, EstimateRow, next_stages};
use pilot::experiment::{self, Experiment};
use pilot::stats::{Estimand, Estimator};

const PLAN: &str = r#"
schema = 1
experiment = { name = "x", seed = 1 }
arms = [{ name = "control", control = true }, { name = "a" }]
periods = { start = "joined", after_days = 60, enrol = ["2026-10-01", "2026-10-31"] }
outcomes = [{ name = "contacts", role = "primary" }]
[data.customers]
path = "c.csv"
columns = { unit = "u", start = "joined" }
[data.contacts]
path = "l.csv"
columns = { unit = "u", time = "t" }
"#;

fn plan(more: &str) -> Experiment {
    let text = format!("{PLAN}{more}");
    experiment::parse(&text, std::path::Path::new("x.toml"))
        .unwrap()
        .experiment
}

fn row(value: f64) -> EstimateRow {
    EstimateRow {
        outcome: "contacts".into(),
        arm: "a".into(),
        control: "control".into(),
        segment: None,
        estimand: Estimand::Difference,
        estimator: Estimator::Welch,
        value,
        se: Some(0.1),
        df: None,
        ci_lower: None,
        ci_upper: None,
        level: 0.95,
        p_value: None,
        p_adjusted: None,
        ci_adjusted_lower: None,
        ci_adjusted_upper: None,
        primary: true,
        unit: "contacts per customer over the window".into(),
        n_arm: 100,
        n_control: 150,
        detail: Default::default(),
    }
}

fn sizes(plan: &Experiment, value: f64, sought: Option<f64>) -> Vec<pilot::analysis::NextStage> {
    let analysis = Analysis {
        estimates: vec![row(value)],
        ..Analysis::default()
    };
    let day = "2027-01-10".parse().unwrap();
    next_stages(plan, &analysis, None, 250, day, sought)
}

#[test]
fn a_pilot_of_its_own_is_sized_and_dated_by_hand() {
    // ((1.959964 + .841621)·.1/.2)² = 1.96222 times the customers.
    let next = &sizes(&plan(""), -0.2, None)[0];
    assert!(!next.combined && (next.z_needed - 1.959964).abs() < 1e-6);
    let size = &next.sizes[0];
    assert_eq!((size.customers_arm, size.customers_control), (197, 295));
    // 492 of 250 in 31 days: 62 days; the last window ends 60 − 1 days after the last arrival.
    assert_eq!(size.enrolment_days, Some(62));
    assert_eq!(size.complete_on.as_deref(), Some("2027-05-10"));
    // An effect that is sought besides: twice as large, a quarter of the customers.
    let next = &sizes(&plan(""), -0.2, Some(0.4))[0];
    assert_eq!(next.sizes[1].customers_arm, 50);
    assert_eq!(next.sizes[1].effect, -0.4);
}

#[test]
fn an_effect_on_the_wrong_side_has_no_size_of_its_own() {
    assert!(sizes(&plan(""), 0.2, None).is_empty());
    assert!(sizes(&plan(""), 0.0, None).is_empty());
    let next = &sizes(&plan(""), 0.2, Some(0.2))[0];
    assert_eq!(next.sizes.len(), 1);
    assert_eq!(next.sizes[0].effect_from, "sought");
    // Nothing is a size beyond counting.
    assert!(sizes(&plan(""), -1e-9, None).is_empty());
    // A plan that says for which information it was sized says for which effect.
    let looks = "[analysis.sequential]\ninformation = [1.0]\ninformation_max = 196.222\nextension_weights = [1, 1]\n";
    let next = &sizes(&plan(looks), -0.2, None)[0];
    assert_eq!(next.sizes[1].effect_from, "planned");
    assert!((next.sizes[1].effect + 0.2).abs() < 1e-5);
}
