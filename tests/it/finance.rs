//! The business case against plain loops over cohorts, published present values, and identities.

use std::fs;

use pilot::analysis::JointEffect;
use pilot::error::Kind;
use pilot::experiment::{
    AnalysisPlan, Arm, Assignment, Assumption, BeforeKind, Better, Business, Claims, CostBasis,
    DecisionRule, Experiment, HalfLife, Method, Multiplicity, Outcome, OutcomeKind,
    PlannedEstimand, Role, ScaleIf, UnitCost,
};
use pilot::finance::{ArmCase, BusinessCase, evaluate, minor_digits};
use proptest::prelude::*;
use serde_json::Value;

/// The model and the reference take powers and sums in another order: a few hundred roundings.
const RELATIVE: f64 = 1e-9;
/// Identities within one program: the same operations but for a handful.
const IDENTITY: f64 = 1e-11;
/// A probability from 10,000 draws against one from 200,000: 4 standard errors of the first,
/// and half a draw in each hundred for the second.
fn monte_carlo(p: f64) -> f64 {
    4.0 * (p * (1.0 - p) / 10_000.0).sqrt() + 0.005
}

fn close(a: f64, b: f64, relative: f64) -> bool {
    (a - b).abs() <= relative * a.abs().max(b.abs()).max(1e-300)
}

/// A plan with control and one arm that costs nothing, and a business case with fixed numbers.
pub fn plan() -> Experiment {
    let arm = |name: &str, control| Arm {
        name: name.into(),
        title: name.into(),
        control,
        weight: Some(1),
        interventions: vec![],
        fixed_cost: 0.0,
        cost_per_customer: 0.0,
        running_cost_per_month: 0.0,
    };
    Experiment {
        name: "fees-education".into(),
        title: "Fees".into(),
        problem: None,
        root_cause: None,
        owner: None,
        seed: 8_274_462_913,
        assignment: Assignment {
            method: Method::Complete,
            strata: vec![],
            cluster: None,
        },
        arms: vec![arm("control", true), arm("a", false)],
        periods: None,
        data: None,
        outcomes: vec![outcome("contacts", Role::Primary, Better::Lower, None)],
        analysis: AnalysisPlan {
            alpha: 0.05,
            power: 0.8,
            one_sided: false,
            estimand: PlannedEstimand::Difference,
            estimator: Some("lin".into()),
            multiplicity: Multiplicity::Dunnett,
            per_days: None,
            permutations: 0,
            bootstrap: 0,
            segments: vec![],
            prior: None,
        },
        decision: DecisionRule {
            scale_if: ScaleIf::Npv,
            min_probability: 0.9,
            max_payback_months: Some(18),
            max_attrition_difference: None,
        },
        min_cell: 5,
        business: Some(Business {
            currency: "EUR".into(),
            cost: Some(CostBasis::PerContact(UnitCost {
                variable: Assumption::Fixed(1.5),
                labour: Assumption::Fixed(4.0),
            })),
            realisation: Some(Assumption::Fixed(0.5)),
            realisation_lag_months: Assumption::Fixed(2.0),
            half_life: Some(HalfLife::Months(Assumption::Fixed(9.0))),
            units_at_rollout: Some(Assumption::Fixed(20_000.0)),
            new_customers_per_month: Assumption::Fixed(200.0),
            churn_per_month: Assumption::Fixed(0.02),
            holdout: 0.1,
            horizon_months: 24,
            annual_discount_rate: Assumption::Fixed(0.08),
            ramp_months: 3,
            repeat_every_months: None,
            baseline_by_month: None,
            annual_service_budget: Some(600_000.0),
            claims: Claims {
                contact_reduction: (0.25, 0.30),
                budget_share: 0.15,
            },
        }),
    }
}

pub fn outcome(name: &str, role: Role, better: Better, margin: Option<f64>) -> Outcome {
    Outcome {
        name: name.into(),
        role,
        kind: OutcomeKind::Count,
        reasons: vec![],
        better,
        cap: None,
        after: "after".into(),
        before: None,
        before_kind: BeforeKind::Count,
        margin,
    }
}

fn effect(mean: f64, se: f64) -> JointEffect {
    JointEffect {
        arms: vec!["a".into()],
        mean: vec![mean],
        cov: vec![vec![se * se]],
        df: None,
        control_rate: 0.05,
        window_days: 60.0,
    }
}

fn business(plan: &mut Experiment) -> &mut Business {
    plan.business.as_mut().unwrap()
}

fn only(case: &BusinessCase) -> &ArmCase {
    &case.arms[0]
}

fn npv(plan: &Experiment, effect: &JointEffect) -> f64 {
    only(&evaluate(effect, plan, 1).unwrap()).npv.unwrap().value
}

fn reference() -> Vec<Value> {
    let text = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/reference/finance.json"
    ))
    .unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    all["results"].as_array().unwrap().clone()
}

fn assumption(v: &Value) -> Option<Assumption> {
    let n = |key: &str| v[key].as_f64();
    match v {
        Value::Number(_) => Some(Assumption::Fixed(v.as_f64()?)),
        Value::Object(o) if o.contains_key("mode") => Some(Assumption::Triangular {
            low: n("low")?,
            mode: n("mode")?,
            high: n("high")?,
        }),
        Value::Object(_) => Some(Assumption::Normal {
            mean: n("mean")?,
            sd: n("sd")?,
        }),
        _ => None,
    }
}

/// Plan, effect and start month of a reference case.
fn read(record: &Value) -> (Experiment, JointEffect, u8) {
    let b = &record["business"];
    let get = |key: &str| assumption(&b[key]).unwrap_or(Assumption::Fixed(0.0));
    let months = |key: &str| b[key].as_u64().map(|m| m as u32);
    let mut plan = plan();
    *business(&mut plan) = Business {
        currency: b["currency"].as_str().unwrap().into(),
        cost: Some(CostBasis::PerContact(UnitCost {
            variable: get("variable"),
            labour: get("labour"),
        })),
        realisation: Some(get("realisation")),
        realisation_lag_months: get("lag"),
        half_life: Some(assumption(&b["half_life"]).map_or(HalfLife::None, HalfLife::Months)),
        units_at_rollout: Some(get("units")),
        new_customers_per_month: get("new"),
        churn_per_month: get("churn"),
        holdout: b["holdout"].as_f64().unwrap_or(0.0),
        horizon_months: months("horizon_months").unwrap(),
        annual_discount_rate: get("rate"),
        ramp_months: months("ramp_months").unwrap_or(0),
        repeat_every_months: months("repeat_every_months"),
        baseline_by_month: b["baseline_by_month"].as_array().map(|f| {
            let factors: Vec<f64> = f.iter().map(|x| x.as_f64().unwrap()).collect();
            factors.try_into().unwrap()
        }),
        annual_service_budget: b["annual_service_budget"].as_f64(),
        claims: business(&mut plan).claims,
    };
    plan.decision.max_payback_months = months_of(&record["max_payback_months"]);
    let effect: JointEffect = serde_json::from_value(record["effect"].clone()).unwrap();
    let template = plan.arms.pop().unwrap();
    for name in &effect.arms {
        let cost = |key: &str| record["costs"][name][key].as_f64().unwrap();
        plan.arms.push(Arm {
            name: name.clone(),
            fixed_cost: cost("fixed"),
            cost_per_customer: cost("per_customer"),
            running_cost_per_month: cost("per_month"),
            ..template.clone()
        });
    }
    let start = record["start_month"].as_u64().unwrap() as u8;
    (plan, effect, start)
}

fn months_of(v: &Value) -> Option<u32> {
    v.as_u64().map(|m| m as u32)
}

#[test]
fn ten_sets_agree_with_plain_loops_over_cohorts() {
    let records = reference();
    assert_eq!(records.len(), 10);
    for record in &records {
        let (plan, effect, start) = read(record);
        let case = evaluate(&effect, &plan, start).unwrap();
        let half_minor_unit = 0.5 * 10f64.powi(-i32::from(case.minor_digits));
        for arm in &case.arms {
            let want = &record["values"][&arm.arm];
            let place = |key: &str| format!("{} {} {key}", record["id"], arm.arm);
            let money = |key: &str, got: Option<f64>| match (got, want[key].as_f64()) {
                (Some(g), Some(w)) => {
                    assert!(
                        close(g, w, RELATIVE) && (g - w).abs() < half_minor_unit,
                        "{}: {g} instead of {w}",
                        place(key)
                    );
                }
                (g, w) => assert_eq!(g, w, "{}", place(key)),
            };
            money(
                "avoided_per_customer_month",
                Some(arm.avoided_per_customer_month.value),
            );
            money("contacts_avoided", Some(arm.contacts_avoided.value));
            money("pv_savings", arm.pv_savings.map(|l| l.value));
            money("pv_spend", arm.pv_spend.map(|l| l.value));
            money("npv", arm.npv.map(|l| l.value));
            money("npv_observed_only", arm.npv_observed_only.map(|l| l.value));
            money("share_beyond_observed", arm.share_beyond_observed);
            money("roi", arm.roi.map(|l| l.value));
            money(
                "cost_per_contact_avoided",
                arm.cost_per_contact_avoided.map(|l| l.value),
            );
            money("break_even_avoided_per_day", arm.break_even_avoided_per_day);
            money("break_even_reduction", arm.break_even_reduction);
            money("budget_share", arm.budget_share);
            money("budget_share_unrealised", arm.budget_share_unrealised);
            for (key, got) in [
                ("payback_months", arm.payback_months),
                ("payback_months_discounted", arm.payback_months_discounted),
            ] {
                assert_eq!(got, months_of(&want[key]), "{}", place(key));
            }

            let months = &want["months"];
            let rows: Vec<_> = case.cashflow.iter().filter(|r| r.arm == arm.arm).collect();
            assert_eq!(rows.len(), case.horizon_months as usize + 1);
            for (t, row) in rows.iter().enumerate() {
                let at = |key: &str, i: usize| months[key][i].as_f64().unwrap();
                let scale = arm.pv_savings.unwrap().value.abs() + arm.pv_spend.unwrap().value;
                let same = |key: &str, got: f64, w: f64| {
                    assert!(
                        (got - w).abs() <= RELATIVE * scale && (got - w).abs() < half_minor_unit,
                        "{} month {t}: {got} instead of {w}",
                        place(key)
                    );
                };
                same("cumulative", row.cumulative, at("cumulative", t));
                if t > 0 {
                    same(
                        "contacts_avoided",
                        row.contacts_avoided,
                        at("contacts_avoided", t - 1),
                    );
                    same(
                        "saving_variable",
                        row.saving_variable,
                        at("saving_variable", t - 1),
                    );
                    same(
                        "saving_labour",
                        row.saving_labour,
                        at("saving_labour", t - 1),
                    );
                    same(
                        "delivery_cost",
                        row.delivery_cost,
                        at("delivery_cost", t - 1),
                    );
                }
            }
        }
    }
}

#[test]
fn draws_agree_with_an_independent_simulation() {
    let mut seen = 0;
    for record in reference().iter().filter(|r| r["draws"].is_object()) {
        let (plan, effect, start) = read(record);
        let case = evaluate(&effect, &plan, start).unwrap();
        assert!(close(case.level, record["level"].as_f64().unwrap(), 1e-15));
        for arm in &case.arms {
            let want = &record["draws"][&arm.arm];
            let between = |key: &str, got: Option<f64>| {
                let (low, high) = (
                    want[key][0].as_f64().unwrap(),
                    want[key][1].as_f64().unwrap(),
                );
                let got = got.unwrap();
                assert!(
                    (low..=high).contains(&got),
                    "{} {} {key}: {got} is not in {low} .. {high}",
                    record["id"],
                    arm.arm
                );
            };
            let line = arm.npv.unwrap();
            between("npv_lower_between", line.lower);
            between("npv_upper_between", line.upper);
            between(
                "avoided_lower_between",
                arm.avoided_per_customer_month.lower,
            );
            between(
                "avoided_upper_between",
                arm.avoided_per_customer_month.upper,
            );
            let last = case.cashflow.iter().rfind(|r| r.arm == arm.arm).unwrap();
            between("cumulative_last_lower_between", last.cumulative_lower);
            for (key, got) in [
                ("probability_npv_positive", arm.probability_npv_positive),
                ("probability_payback", arm.probability_payback),
            ] {
                let (got, w) = (got.unwrap(), want[key].as_f64().unwrap());
                assert!(
                    (got - w).abs() <= monte_carlo(w),
                    "{} {} {key}: {got} instead of {w}",
                    record["id"],
                    arm.arm
                );
            }
            seen += 1;
        }
    }
    assert_eq!(seen, 5);
}
