//! The business case against plain loops over cohorts, published present values, and identities.

use std::fs;

use pilot::analysis::JointEffect;
use pilot::error::Kind;
use pilot::experiment::{
    AnalysisPlan, Arm, Assignment, Assumption, BeforeKind, Better, Business, Claims, CostBasis,
    DecisionRule, Experiment, HalfLife, Method, Multiplicity, Outcome, OutcomeKind,
    PlannedEstimand, Role, ScaleIf, Staffing, UnitCost,
};
use pilot::finance::{ArmCase, BusinessCase, Line, MonthRange, Staffed, evaluate};
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
        fixed_cost: 0.0.into(),
        cost_per_customer: 0.0.into(),
        running_cost_per_month: 0.0.into(),
    };
    Experiment {
        name: "fees-education".into(),
        title: "Fees".into(),
        problem: None,
        root_cause: None,
        owner: None,
        second_stage_of: None,
        seed: 8_274_462_913,
        assignment: Assignment {
            method: Method::Complete,
            strata: vec![],
            cluster: None,
            schedule: None,
        },
        arms: vec![arm("control", true), arm("a", false)],
        periods: None,
        data: None,
        outcomes: vec![outcome("contacts", Role::Primary, Better::Lower, None)],
        analysis: AnalysisPlan {
            sequential: None,
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
            rollout_month: None,
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
            handling_outcome: None,
            every_reason: None,
            annual_service_budget: Some(600_000.0.into()),
            claims: Claims {
                contact_reduction: (0.25, 0.30),
                budget_share: 0.15,
            },
            staffing: None,
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

pub fn effect(mean: f64, se: f64) -> JointEffect {
    JointEffect {
        arms: vec!["a".into()],
        mean: vec![mean],
        cov: vec![vec![se * se]],
        df: None,
        control_rate: 0.05,
        window_days: 60.0,
        minutes: None,
        every_reason: None,
        basis: Default::default(),
    }
}

/// The same effects for several arms, which get names and are added to the plan.
pub fn arms_of(plan: &mut Experiment, means: &[f64]) -> JointEffect {
    let template = plan.arms.pop().unwrap();
    let names: Vec<String> = (0..means.len()).map(|k| format!("arm-{k}")).collect();
    for name in &names {
        let name = name.clone();
        plan.arms.push(Arm {
            name,
            ..template.clone()
        });
    }
    let k = means.len();
    JointEffect {
        arms: names,
        mean: means.to_vec(),
        cov: (0..k)
            .map(|i| (0..k).map(|j| if i == j { 1e-6 } else { 5e-7 }).collect())
            .collect(),
        ..effect(0.0, 0.0)
    }
}

fn business(plan: &mut Experiment) -> &mut Business {
    plan.business.as_mut().unwrap()
}

/// NPV without the correction for the choice.
fn as_estimated(arm: &ArmCase) -> f64 {
    let raw = arm.as_estimated.as_ref().and_then(|raw| raw.npv);
    raw.or(arm.npv).unwrap().value
}

fn only(case: &BusinessCase) -> &ArmCase {
    &case.arms[0]
}

fn npv(plan: &Experiment, effect: &JointEffect) -> f64 {
    only(&evaluate(effect, plan, 1).unwrap()).npv.unwrap().value
}

pub fn reference() -> Vec<Value> {
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
pub fn read(record: &Value) -> (Experiment, JointEffect, u8) {
    let b = &record["business"];
    let get = |key: &str| assumption(&b[key]).unwrap_or(Assumption::Fixed(0.0));
    let months = |key: &str| b[key].as_u64().map(|m| m as u32);
    let mut plan = plan();
    let effect: JointEffect = serde_json::from_value(record["effect"].clone()).unwrap();
    let cost = UnitCost {
        variable: get("variable"),
        labour: get("labour"),
    };
    *business(&mut plan) = Business {
        rollout_month: None,
        currency: b["currency"].as_str().unwrap().into(),
        cost: Some(match effect.minutes {
            Some(_) => CostBasis::PerMinute(cost),
            None => CostBasis::PerContact(cost),
        }),
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
        handling_outcome: None,
        every_reason: None,
        annual_service_budget: assumption(&b["annual_service_budget"]),
        claims: business(&mut plan).claims,
        staffing: b["staffing"].is_object().then(|| staffing(&b["staffing"])),
    };
    plan.decision.max_payback_months = months_of(&record["max_payback_months"]);
    let template = plan.arms.pop().unwrap();
    for name in &effect.arms {
        let cost = |key: &str| assumption(&record["costs"][name][key]).unwrap();
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

fn staffing(s: &Value) -> Staffing {
    let get = |key: &str| s[key].as_f64();
    Staffing {
        occupancy: get("occupancy"),
        shrinkage: get("shrinkage"),
        hours_per_agent_year: get("hours_per_agent_year"),
        service_level: get("service_level"),
        answer_seconds: get("answer_seconds"),
        interval_minutes: get("interval_minutes"),
        contacts_per_interval: get("contacts_per_interval"),
        handling_seconds: get("handling_seconds"),
    }
}

fn months_of(v: &Value) -> Option<u32> {
    v.as_u64().map(|m| m as u32)
}

#[test]
fn twelve_sets_agree_with_plain_loops_over_cohorts() {
    let records = reference();
    assert_eq!(records.len(), 12);
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
                "minutes_per_customer_month",
                arm.minutes_per_customer_month.map(|l| l.value),
            );
            money("minutes_avoided", arm.minutes_avoided.map(|l| l.value));
            money("overstated_by_contacts", arm.overstated_by_contacts);
            let raw = &want["as_estimated"];
            assert_eq!(arm.as_estimated.is_some(), raw.is_object(), "{}", arm.arm);
            if let Some(got) = &arm.as_estimated {
                for (key, got) in [
                    (
                        "avoided_per_customer_month",
                        Some(got.avoided_per_customer_month),
                    ),
                    ("minutes_per_customer_month", got.minutes_per_customer_month),
                    ("contacts_avoided", Some(got.contacts_avoided)),
                    ("npv", got.npv),
                ] {
                    let (got, want) = (got.map(|l| l.value), raw[key].as_f64());
                    match (got, want) {
                        (Some(g), Some(w)) => assert!(close(g, w, RELATIVE), "{}", place(key)),
                        (g, w) => assert_eq!(g, w, "{}", place(key)),
                    }
                }
            }
            staffing_agrees(arm, &want["staffing"], &record["id"]);
            money(
                "avoided_per_customer_month",
                Some(arm.avoided_per_customer_month.value),
            );
            money("contacts_avoided", Some(arm.contacts_avoided.value));
            money("pv_savings", arm.pv_savings.map(|l| l.value));
            money("pv_spend", arm.pv_spend.map(|l| l.value));
            money("npv", arm.npv.map(|l| l.value));
            money("npv_observed_only", arm.npv_observed_only.map(|l| l.value));
            money(
                "share_beyond_observed",
                arm.share_beyond_observed.map(|l| l.value),
            );
            money(
                "npv_share_beyond_observed",
                arm.npv_share_beyond_observed.map(|l| l.value),
            );
            money("roi", arm.roi.map(|l| l.value));
            money(
                "cost_per_contact_avoided",
                arm.cost_per_contact_avoided.map(|l| l.value),
            );
            money(
                "break_even_avoided_per_day",
                arm.break_even_avoided_per_day.map(|l| l.value),
            );
            money(
                "break_even_reduction",
                arm.break_even_reduction.map(|l| l.value),
            );
            money("budget_share", arm.budget_share.map(|l| l.value));
            money(
                "budget_share_unrealised",
                arm.budget_share_unrealised.map(|l| l.value),
            );
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
                    if let Some(minutes) = row.minutes_avoided {
                        same("minutes_avoided", minutes, at("minutes_avoided", t - 1));
                    }
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

fn staffing_agrees(arm: &ArmCase, want: &Value, id: &Value) {
    assert_eq!(arm.staffing.is_some(), want.is_object(), "{id} {}", arm.arm);
    let Some(got) = &arm.staffing else { return };
    for (key, got) in [
        ("hours_per_year", got.hours_per_year.map(|l| l.value)),
        (
            "paid_hours_per_year",
            got.paid_hours_per_year.map(|l| l.value),
        ),
        ("full_time_agents", got.full_time_agents.map(|l| l.value)),
        ("contacts_avoided", Some(got.contacts_avoided)),
        ("minutes_avoided", Some(got.minutes_avoided)),
    ] {
        assert!(
            close(got.unwrap(), want[key].as_f64().unwrap(), RELATIVE),
            "{id} {} {key}",
            arm.arm
        );
    }
    let agents = got.agents.unwrap();
    let same = |key: &str, got: &Staffed| {
        let want = &want[key];
        assert_eq!(Some(u64::from(got.agents)), want["agents"].as_u64(), "{id}");
        assert_eq!(Some(got.positions), want["positions"].as_f64(), "{id}");
        for (what, got) in [
            ("occupancy", Some(got.occupancy)),
            ("service_level", got.service_level),
            ("mean_wait_seconds", Some(got.mean_wait_seconds)),
        ] {
            assert!(
                close(got.unwrap(), want[what].as_f64().unwrap(), RELATIVE),
                "{id} {key} {what}"
            );
        }
    };
    same("before", &agents.before);
    same("fewer_agents", &agents.fewer_agents);
    same("lower_occupancy", &agents.lower_occupancy);
}

/// Ends of what the effect must come to, of what nobody has seen yet, and of payback. A bracket without
/// an end is one whose end lies beyond every number.
fn thresholds_agree(arm: &ArmCase, want: &Value, id: &Value) {
    let line = |line: Option<Line>| {
        let line = line.unwrap();
        (line.lower, line.upper)
    };
    let month = |range: Option<MonthRange>| {
        let MonthRange { lower, upper } = range.unwrap();
        (lower.map(f64::from), upper.map(f64::from))
    };
    for (key, (lower, upper)) in [
        (
            "break_even_avoided_per_day",
            line(arm.break_even_avoided_per_day),
        ),
        ("share_beyond_observed", line(arm.share_beyond_observed)),
        (
            "npv_share_beyond_observed",
            line(arm.npv_share_beyond_observed),
        ),
        ("payback_months", month(arm.payback_months_interval)),
        (
            "payback_months_discounted",
            month(arm.payback_months_discounted_interval),
        ),
    ] {
        for (end, got) in [("lower", lower), ("upper", upper)] {
            let bracket = &want[format!("{key}_{end}_between")];
            let [low, high] = [0, 1].map(|i| bracket[i].as_f64().unwrap_or(f64::INFINITY));
            let got = got.unwrap_or(f64::INFINITY);
            assert!(
                low <= got && got <= high,
                "{id} {} {key} {end}: {got} is not in {low} .. {high}",
                arm.arm
            );
        }
    }
    let (got, want) = (
        arm.break_even_exists.unwrap(),
        want["break_even_exists"].as_f64().unwrap(),
    );
    assert!((got - want).abs() <= monte_carlo(want), "{id} {got} {want}");
}

/// Labour that becomes cash within the horizon in some draws, in none, or in none at base.
#[test]
fn what_a_draw_does_not_define_is_counted_and_never_a_number() {
    let mut plan = plan();
    let late = |low: f64, mode: f64, high: f64| Assumption::Triangular { low, mode, high };
    plan.arms[1].fixed_cost = 20_000.0.into();
    let b = business(&mut plan);
    b.cost = Some(CostBasis::PerContact(UnitCost {
        variable: 0.0.into(),
        labour: 4.0.into(),
    }));
    b.realisation_lag_months = late(0.0, 20.0, 40.0);
    let case = evaluate(&effect(0.01, 0.001), &plan, 1).unwrap();
    let arm = only(&case);
    // P(lag ≥ 24) of the triangle: (40 − 24)²/(40·20).
    let exists = 1.0 - 256.0 / 800.0;
    assert!((arm.break_even_exists.unwrap() - exists).abs() <= monte_carlo(exists));
    let even = arm.break_even_reduction.unwrap();
    assert!(even.lower.unwrap() < even.value && even.upper.is_none());
    let share = arm.share_beyond_observed.unwrap();
    assert!(share.lower.unwrap() <= share.upper.unwrap() && share.upper.unwrap() <= 1.0);
    let months = arm.payback_months_interval.unwrap();
    assert!(months.lower.is_some() && months.upper.is_none());

    // In every draw too late: nothing is saved, there is no break-even and no share of it.
    business(&mut plan).realisation_lag_months = late(24.0, 30.0, 40.0);
    let case = evaluate(&effect(0.01, 0.001), &plan, 1).unwrap();
    let arm = only(&case);
    assert_eq!(arm.break_even_reduction, None);
    assert_eq!(arm.break_even_avoided_per_day, None);
    assert_eq!(arm.break_even_exists, None);
    assert_eq!(arm.share_beyond_observed, None);
    assert_eq!(arm.npv_share_beyond_observed, None);
    let never = MonthRange {
        lower: None,
        upper: None,
    };
    assert_eq!(arm.payback_months_interval, Some(never));
    let json = serde_json::to_string(&case).unwrap();
    // Serde writes what is not finite as null: no value is.
    assert!(!json.contains("\"value\":null"));
}

#[test]
fn certain_assumptions_leave_nothing_of_a_break_even_to_chance() {
    let mut plan = plan();
    plan.arms[1].fixed_cost = 9_000.0.into();
    let case = evaluate(&effect(0.004, 0.001), &plan, 1).unwrap();
    let arm = only(&case);
    for line in [
        arm.break_even_reduction,
        arm.break_even_avoided_per_day,
        arm.share_beyond_observed,
    ] {
        let Line {
            value,
            lower,
            upper,
        } = line.unwrap();
        assert!(close(lower.unwrap(), value, IDENTITY) && close(upper.unwrap(), value, IDENTITY));
    }
    assert_eq!(arm.break_even_exists, Some(1.0));
    // What is above 0 in a draw is what its effect has over the break-even: the same probability.
    let even = arm.break_even_avoided_per_day.unwrap().value * 30.4375;
    let effect = arm.avoided_per_customer_month;
    assert_eq!(
        effect.lower.unwrap() > even,
        arm.npv.unwrap().lower.unwrap() > 0.0
    );
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
            let priced = |contacts: Line, minutes: Option<Line>| minutes.unwrap_or(contacts);
            let effect = priced(
                arm.avoided_per_customer_month,
                arm.minutes_per_customer_month,
            );
            between("avoided_lower_between", effect.lower);
            between("avoided_upper_between", effect.upper);
            let raw = arm.as_estimated.as_ref().map_or(effect, |raw| {
                priced(
                    raw.avoided_per_customer_month,
                    raw.minutes_per_customer_month,
                )
            });
            between("raw_avoided_lower_between", raw.lower);
            if let Some(share) = arm.budget_share {
                between("budget_share_lower_between", share.lower);
                let got = arm.probability_budget_claim.unwrap();
                let want = want["probability_budget_claim"].as_f64().unwrap();
                assert!((got - want).abs() <= monte_carlo(want));
            }
            thresholds_agree(arm, want, &record["id"]);
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
    assert_eq!(seen, 8);
}

fn published(id: &str) -> Value {
    let text = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/reference/finance_npv.json"
    ))
    .unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let results = all["results"].as_array().unwrap();
    results.iter().find(|r| r["id"] == id).unwrap()["values"].clone()
}

/// One contact avoided a month saves 1; nothing fades, nobody leaves, everyone at once.
fn unit_flow(months: u32, monthly: f64, rate: f64) -> (Experiment, JointEffect) {
    let mut plan = plan();
    let b = business(&mut plan);
    b.cost = Some(CostBasis::PerContact(UnitCost {
        variable: Assumption::Fixed(1.0),
        labour: Assumption::Fixed(0.0),
    }));
    b.half_life = Some(HalfLife::None);
    b.units_at_rollout = Some(Assumption::Fixed(monthly));
    b.new_customers_per_month = Assumption::Fixed(0.0);
    b.churn_per_month = Assumption::Fixed(0.0);
    b.holdout = 0.0;
    b.horizon_months = months;
    b.annual_discount_rate = Assumption::Fixed(rate);
    b.ramp_months = 0;
    (plan, effect(1.0 / 30.4375, 0.0))
}

#[test]
fn monthly_flows_have_the_published_present_value_and_payback() {
    let want = published("npv.monthly_36");
    // The table's rate is monthly; the plan's is annual.
    let annual = (1.0 + want["rate"].as_f64().unwrap()).powi(12) - 1.0;
    let flows = want["cash_flows"].as_array().unwrap();
    let (mut plan, effect) = unit_flow(36, flows[1].as_f64().unwrap(), annual);
    plan.arms[1].fixed_cost = (-flows[0].as_f64().unwrap()).into();
    let case = evaluate(&effect, &plan, 1).unwrap();
    let arm = only(&case);
    let npv = want["npv_first_flow_at_t0"].as_f64().unwrap();
    assert!(close(arm.npv.unwrap().value, npv, RELATIVE));
    // 31.97 periods, interpolated; 90000/3200 = 28.1 without discounting.
    assert_eq!(arm.payback_months_discounted, Some(32));
    assert_eq!(arm.payback_months, Some(29));
    assert_eq!(
        arm.probability_npv_positive,
        Some(1.0),
        "nothing is uncertain"
    );
}

#[test]
fn yearly_flows_have_the_published_present_value() {
    for id in ["npv.project_3y", "npv.textbook_8pct"] {
        let want = published(id);
        let flows = want["cash_flows"].as_array().unwrap();
        let rate = want["rate"].as_f64().unwrap();
        let mut total = flows[0].as_f64().unwrap();
        let mut before = 0.0;
        for (year, flow) in flows.iter().enumerate().skip(1) {
            let (mut plan, effect) = unit_flow(12 * year as u32, 1.0, rate);
            let mut december = [0.0; 12];
            december[11] = 1.0;
            business(&mut plan).baseline_by_month = Some(december);
            let case = evaluate(&effect, &plan, 1).unwrap();
            let pv = only(&case).pv_savings.unwrap().value;
            total += flow.as_f64().unwrap() * (pv - before);
            before = pv;
        }
        let npv = want["npv_first_flow_at_t0"].as_f64().unwrap();
        assert!(
            close(total, npv, RELATIVE),
            "{id}: {total} instead of {npv}"
        );
    }
}

#[test]
fn one_clock_for_all_cohorts_would_understate_by_32_percent() {
    let (mut plan, effect) = unit_flow(24, 1.0, 0.0);
    business(&mut plan).ramp_months = 6;
    business(&mut plan).half_life = Some(HalfLife::Months(Assumption::Fixed(6.0)));
    let case = evaluate(&effect, &plan, 1).unwrap();
    let fade = |m: f64| 2f64.powf(-m / 6.0);
    let window = 60.0 / 30.4375;
    let g = (1.0 + (window - 1.0) * fade(1.0)) / window;
    let one_clock: f64 = (1..=24)
        .map(|t| (f64::from(t) / 6.0).min(1.0) * fade(f64::from(t)) / g)
        .sum();
    let understated = 1.0 - one_clock / only(&case).contacts_avoided.value;
    assert_eq!((understated * 100.0).round(), 32.0, "{understated}");
}

#[test]
fn the_model_repeats_what_the_pilot_measured() {
    // A window of three whole months, rolled out at once for just as long.
    let (mut plan, mut effect) = unit_flow(3, 500.0, 0.08);
    effect.window_days = 3.0 * 30.4375;
    business(&mut plan).half_life = Some(HalfLife::Months(Assumption::Fixed(4.0)));
    let case = evaluate(&effect, &plan, 1).unwrap();
    let arm = only(&case);
    assert!(close(arm.contacts_avoided.value, 3.0 * 500.0, IDENTITY));
    assert!(close(
        arm.npv.unwrap().value,
        arm.npv_observed_only.unwrap().value,
        IDENTITY
    ));
    assert!(arm.share_beyond_observed.unwrap().value.abs() < IDENTITY);
}

#[test]
fn draws_are_the_same_on_any_number_of_threads_and_differ_by_plan() {
    let (plan, effect) = (plan(), effect(0.004, 0.002));
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let case = pool
            .build()
            .unwrap()
            .install(|| evaluate(&effect, &plan, 1));
        serde_json::to_string(&case.unwrap()).unwrap()
    };
    let one = on(1);
    assert_eq!(one, on(2));
    assert_eq!(one, on(3));
    let mut copy = plan.clone();
    copy.name = "fees-education-2".into();
    let other = evaluate(&effect, &copy, 1).unwrap();
    assert_ne!(one, serde_json::to_string(&other).unwrap());
}

#[test]
fn a_point_triangle_and_a_normal_without_spread_are_numbers_in_every_draw() {
    let (mut number, effect) = (plan(), effect(0.004, 0.002));
    business(&mut number).churn_per_month = Assumption::Fixed(0.1);
    let want = evaluate(&effect, &number, 1).unwrap();
    for same in [
        Assumption::Triangular {
            low: 0.1,
            mode: 0.1,
            high: 0.1,
        },
        Assumption::Normal { mean: 0.1, sd: 0.0 },
    ] {
        let mut plan = number.clone();
        business(&mut plan).churn_per_month = same;
        let got = evaluate(&effect, &plan, 1).unwrap();
        assert_eq!(got.arms, want.arms);
        assert_eq!(got.cashflow, want.cashflow);
    }
}

#[test]
fn perfectly_correlated_arms_get_the_same_draws() {
    let mut plan = plan();
    let mut twin = plan.arms[1].clone();
    twin.name = "b".into();
    plan.arms.push(twin);
    let mut both = effect(0.004, 0.002);
    both.arms.push("b".into());
    both.mean.push(0.004);
    both.cov = vec![vec![4e-6; 2]; 2];
    both.df = Some(12.0);
    let case = evaluate(&both, &plan, 1).unwrap();
    let ends = |k: usize| {
        let line = case.arms[k].npv.unwrap();
        (line.lower.unwrap(), line.upper.unwrap())
    };
    let (a, b) = (ends(0), ends(1));
    assert!(close(a.0, b.0, IDENTITY) && close(a.1, b.1, IDENTITY));
    // 0.004 ± 0.002·t(.975, 12 df) per day: the draws' interval is the estimate's.
    let delta = case.arms[0].avoided_per_customer_month;
    let half = 2.178_812_829_667_229 * 0.002 * 30.4375;
    // Monte-Carlo error of a 2.5 % quantile of t with 12 df from 10,000 draws: .037 SE; 4 of them.
    let tolerance = 4.0 * 0.037 * 0.002 * 30.4375;
    assert!((delta.lower.unwrap() - (delta.value - half)).abs() < tolerance);
    assert!((delta.upper.unwrap() - (delta.value + half)).abs() < tolerance);
}

#[test]
fn an_arm_has_the_same_draws_in_whatever_block_it_is_drawn() {
    // Three arms over 300 months exceed one block; over 1 month they are drawn together. The first
    // month's cash is the same in both.
    let first_month = |horizon| {
        let mut plan = plan();
        business(&mut plan).horizon_months = horizon;
        let effect = arms_of(&mut plan, &[0.004, 0.003, 0.002]);
        let case = evaluate(&effect, &plan, 1).unwrap();
        let raw = |k: usize| case.arms[k].as_estimated.clone().unwrap();
        let last = case.cashflow.iter().filter(|r| r.month == 1);
        (
            // The third beats nobody; of the others what is not corrected.
            last.skip(2).cloned().collect::<Vec<_>>(),
            case.arms[2].avoided_per_customer_month,
            [0, 1].map(|k| raw(k).avoided_per_customer_month),
        )
    };
    assert_eq!(first_month(1), first_month(300));
}

#[test]
fn without_what_cash_needs_there_is_no_cash_and_the_key_is_named() {
    type Take = fn(&mut Business);
    let takes: [(&str, Take); 5] = [
        ("units_at_rollout", |b| b.units_at_rollout = None),
        ("cost_per_contact", |b| b.cost = None),
        ("cost_per_minute", |b| {
            if let Some(CostBasis::PerContact(c)) = b.cost {
                b.cost = Some(CostBasis::PerMinute(c));
            }
        }),
        ("realisation", |b| b.realisation = None),
        ("half_life_months", |b| b.half_life = None),
    ];
    for (key, take) in takes {
        let mut plan = plan();
        take(business(&mut plan));
        let case = evaluate(&effect(0.004, 0.001), &plan, 1).unwrap();
        let why = case.no_cash_because.as_deref().unwrap();
        assert!(why.contains(key), "{why}");
        assert!(case.cashflow.is_empty());
        assert_eq!(case.arms.is_empty(), key == "units_at_rollout");
        for arm in &case.arms {
            assert!(arm.npv.is_none() && arm.pv_savings.is_none() && arm.roi.is_none());
            assert!(arm.probability_npv_positive.is_none() && arm.payback_months.is_none());
            assert!(arm.contacts_avoided.value > 0.0);
        }
    }
}

#[test]
fn without_a_fade_contacts_are_counted_as_long_as_measured() {
    let (mut plan, effect) = unit_flow(24, 1000.0, 0.0);
    business(&mut plan).half_life = None;
    let case = evaluate(&effect, &plan, 1).unwrap();
    let window = 60.0 / 30.4375;
    assert!(close(
        only(&case).contacts_avoided.value,
        1000.0 * window,
        IDENTITY
    ));
    // And hours, by the handling time of the plan.
    assert_eq!(only(&case).hours_avoided, None);
    business(&mut plan).staffing = Some(Staffing {
        handling_seconds: Some(180.0),
        ..Staffing::default()
    });
    let hours = only(&evaluate(&effect, &plan, 1).unwrap())
        .hours_avoided
        .unwrap();
    assert!(close(hours.value, 50.0 * window, IDENTITY));
}

#[test]
fn values_outside_their_domain_are_plan_errors_that_name_the_key() {
    type Set = fn(&mut Business);
    let sets: [(&str, Set); 12] = [
        ("churn_per_month", |b| {
            b.churn_per_month = Assumption::Fixed(1.01)
        }),
        ("churn_per_month", |b| {
            b.churn_per_month = Assumption::Fixed(f64::NAN)
        }),
        ("realisation", |b| {
            b.realisation = Some(Assumption::Triangular {
                low: 0.2,
                mode: 0.1,
                high: 0.9,
            })
        }),
        ("realisation", |b| {
            b.realisation = Some(Assumption::Triangular {
                low: 0.2,
                mode: 0.5,
                high: 1.1,
            })
        }),
        ("half_life_months", |b| {
            b.half_life = Some(HalfLife::Months(Assumption::Fixed(0.0)))
        }),
        ("units_at_rollout", |b| {
            b.units_at_rollout = Some(Assumption::Fixed(-1.0))
        }),
        ("new_customers_per_month", |b| {
            b.new_customers_per_month = Assumption::Normal {
                mean: 3.0,
                sd: 1.01,
            }
        }),
        ("holdout", |b| b.holdout = -0.1),
        ("horizon_months", |b| b.horizon_months = 0),
        ("horizon_months", |b| b.horizon_months = u32::MAX),
        ("repeat_every_months", |b| b.repeat_every_months = Some(0)),
        ("baseline_by_month", |b| {
            b.baseline_by_month = Some([f64::INFINITY; 12])
        }),
    ];
    for (key, set) in sets {
        let mut plan = plan();
        set(business(&mut plan));
        let error = evaluate(&effect(0.004, 0.001), &plan, 1).unwrap_err();
        assert_eq!(error.kind(), Kind::Plan, "{key}");
        assert_eq!(error.key_name(), Some(format!("business.{key}").as_str()));
    }
    let mut unknown = plan();
    business(&mut unknown).currency = "EURO".into();
    let error = evaluate(&effect(0.004, 0.001), &unknown, 1).unwrap_err();
    assert_eq!(error.key_name(), Some("business.currency"));
    // A third of the mean, as decimals: 0.3/3 < 0.1 in f64, and the plan's reader lets it pass.
    let mut third = plan();
    business(&mut third).churn_per_month = Assumption::Normal { mean: 0.3, sd: 0.1 };
    assert!(evaluate(&effect(0.004, 0.001), &third, 1).is_ok());
    let mut huge = plan();
    business(&mut huge).units_at_rollout = Some(Assumption::Fixed(1e308));
    let error = evaluate(&effect(1e3, 1.0), &huge, 1).unwrap_err();
    assert_eq!(error.kind(), Kind::Plan);
}

#[test]
fn a_joint_effect_that_does_not_fit_is_refused() {
    let plan = plan();
    let base = effect(0.004, 0.001);
    type Spoil = fn(&mut JointEffect);
    let spoils: [Spoil; 6] = [
        |e| e.cov[0][0] = -1e-6,
        |e| e.cov[0][0] = f64::NAN,
        |e| e.mean[0] = f64::INFINITY,
        |e| e.df = Some(0.0),
        |e| e.cov.clear(),
        |e| e.arms[0] = "stranger".into(),
    ];
    for spoil in spoils {
        let mut effect = base.clone();
        spoil(&mut effect);
        assert_eq!(
            evaluate(&effect, &plan, 1).unwrap_err().kind(),
            Kind::Internal
        );
    }
    for window in [0.0, -3.0, f64::NAN, 1e9] {
        let mut effect = base.clone();
        effect.window_days = window;
        assert_eq!(evaluate(&effect, &plan, 1).unwrap_err().kind(), Kind::Data);
    }
    assert!(evaluate(&base, &plan, 0).is_err() && evaluate(&base, &plan, 13).is_err());
}

#[test]
fn a_covariance_matrix_that_misses_semi_definiteness_by_rounding_is_used() {
    let mut plan = plan();
    let mut twin = plan.arms[1].clone();
    twin.name = "b".into();
    plan.arms.push(twin);
    let mut both = effect(0.004, 0.001);
    both.arms.push("b".into());
    both.mean.push(0.004);
    let with = |off: f64| {
        let mut e = both.clone();
        e.cov = vec![vec![1e-6, off], vec![off, 1e-6]];
        evaluate(&e, &plan, 1)
    };
    assert!(with(1e-6 * (1.0 + 5e-13)).is_ok());
    assert!(with(1e-6 * (1.0 + 1e-9)).is_err());
}

prop_compose! {
    fn random_plan()(
        variable in 0.0..5.0, labour in 0.0..9.0, realisation in 0.0..1.0, lag in 0.0..6.0,
        half_life in 0.5..40.0, units in 1.0..1e6, new in 0.0..1e4, churn in 0.0..0.2,
        rate in 0.0..0.3, shape in (0.0..0.9, 1u32..20, 0u32..9, proptest::option::of(1u32..9)),
        cost in (0.0..1e4, 0.0..1.0, 0.0..500.0),
    ) -> Experiment {
        let mut plan = plan();
        let (holdout, horizon, ramp, repeat) = shape;
        let b = business(&mut plan);
        b.cost = Some(CostBasis::PerContact(UnitCost {
            variable: Assumption::Fixed(variable),
            labour: Assumption::Fixed(labour),
        }));
        b.realisation = Some(Assumption::Fixed(realisation));
        b.realisation_lag_months = Assumption::Fixed(lag);
        b.half_life = Some(HalfLife::Months(Assumption::Fixed(half_life)));
        b.units_at_rollout = Some(Assumption::Fixed(units));
        b.new_customers_per_month = Assumption::Fixed(new);
        b.churn_per_month = Assumption::Fixed(churn);
        b.annual_discount_rate = Assumption::Fixed(rate);
        b.holdout = holdout;
        b.horizon_months = horizon;
        b.ramp_months = ramp;
        b.repeat_every_months = repeat;
        plan.arms[1].fixed_cost = Assumption::Fixed(cost.0);
        plan.arms[1].cost_per_customer = Assumption::Fixed(cost.1);
        plan.arms[1].running_cost_per_month = Assumption::Fixed(cost.2);
        plan
    }
}

proptest! {
    // Each case evaluates 10,000 draws once or twice.
    #![proptest_config(ProptestConfig { cases: 10, ..ProptestConfig::default() })]

    #[test]
    fn npv_is_linear_in_the_effect_and_minus_the_spend_without_one(
        mut plan in random_plan(), mean in 1e-5..0.02f64, times in -3.0..3.0f64,
    ) {
        let effect = arms_of(&mut plan, &[0.0, mean, mean * times]);
        let case = evaluate(&effect, &plan, 4).unwrap();
        let value = |k: usize| as_estimated(&case.arms[k]);
        let spend = case.arms[0].pv_spend.unwrap().value;
        prop_assert_eq!(value(0), -spend);
        let gap = (value(2) + spend) - times * (value(1) + spend);
        let scale = value(2).abs() + 3.0 * value(1).abs() + 4.0 * spend;
        prop_assert!(gap.abs() <= IDENTITY * scale);
    }

    #[test]
    fn npv_is_zero_at_break_even(plan in random_plan()) {
        let case = evaluate(&effect(0.004, 0.001), &plan, 1).unwrap();
        let arm = only(&case);
        if let Some(even) = arm.break_even_avoided_per_day.map(|l| l.value) {
            let spend = arm.pv_spend.unwrap().value;
            prop_assert!(npv(&plan, &effect(even, 0.001)).abs() <= IDENTITY * spend);
            prop_assert!(close(arm.break_even_reduction.unwrap().value * 0.05, even, IDENTITY));
        }
    }

    #[test]
    fn an_endless_half_life_is_no_fade(mut plan in random_plan()) {
        business(&mut plan).half_life = Some(HalfLife::Months(Assumption::Fixed(1e13)));
        let long = npv(&plan, &effect(0.004, 0.001));
        business(&mut plan).half_life = Some(HalfLife::None);
        let none = evaluate(&effect(0.004, 0.001), &plan, 1).unwrap();
        let arm = only(&none);
        let scale = arm.pv_savings.unwrap().value + arm.pv_spend.unwrap().value;
        prop_assert!((long - arm.npv.unwrap().value).abs() <= IDENTITY * scale);
    }

    #[test]
    fn a_ramp_of_one_month_is_no_ramp(mut plan in random_plan()) {
        business(&mut plan).ramp_months = 1;
        let one = evaluate(&effect(0.004, 0.001), &plan, 6).unwrap();
        business(&mut plan).ramp_months = 0;
        let none = evaluate(&effect(0.004, 0.001), &plan, 6).unwrap();
        prop_assert_eq!(one.arms, none.arms);
        prop_assert_eq!(one.cashflow, none.cashflow);
    }

    #[test]
    fn a_full_holdout_reaches_nobody(mut plan in random_plan()) {
        business(&mut plan).holdout = 1.0;
        let case = evaluate(&effect(0.004, 0.001), &plan, 1).unwrap();
        let arm = only(&case);
        prop_assert_eq!(arm.contacts_avoided.value, 0.0);
        prop_assert!(case.cashflow.iter().all(|r| r.delivery_cost == 0.0));
        prop_assert_eq!(arm.cost_per_contact_avoided, None);
        prop_assert_eq!(arm.break_even_reduction, None);
    }

    #[test]
    fn more_cost_never_pays_back_sooner(
        mut plan in random_plan(), more in 0.0..5e3f64, k in 1usize..4,
    ) {
        let effect = arms_of(&mut plan, &[0.004; 4]);
        let add = |cost: &mut Assumption, more: f64| {
            if let Assumption::Fixed(v) = cost {
                *v += more;
            }
        };
        add(&mut plan.arms[2].fixed_cost, more);
        add(&mut plan.arms[3].cost_per_customer, more / 1e3);
        add(&mut plan.arms[4].running_cost_per_month, more);
        // Each arm by itself: beside others its effect would be corrected for the choice.
        let month = |k: usize| {
            let mut alone = effect.clone();
            alone.arms = vec![effect.arms[k].clone()];
            alone.mean.truncate(1);
            alone.cov = vec![vec![1e-6]];
            let case = evaluate(&alone, &plan, 1).unwrap();
            let arm = only(&case);
            (
                arm.payback_months.unwrap_or(u32::MAX),
                arm.payback_months_discounted.unwrap_or(u32::MAX),
            )
        };
        let cheap = month(0);
        let dear = month(k);
        prop_assert!(dear.0 >= cheap.0 && dear.1 >= cheap.1);
    }

    #[test]
    fn ranges_hold(plan in random_plan(), mean in 0.0..0.02f64, df in 2.0..99.0f64) {
        let mut effect = effect(mean, 0.003);
        effect.df = Some(df);
        let case = evaluate(&effect, &plan, 12).unwrap();
        let arm = only(&case);
        for p in [arm.probability_npv_positive, arm.probability_payback] {
            prop_assert!((0.0..=1.0).contains(&p.unwrap()));
        }
        let line = arm.npv.unwrap();
        prop_assert!(line.lower.unwrap() <= line.upper.unwrap());
        // The effect is never negative here, so leaving out a part of it never adds.
        prop_assert!(
            arm.npv_observed_only.unwrap().value
                <= line.value + IDENTITY * arm.pv_savings.unwrap().value
        );
        if let Some(share) = arm.share_beyond_observed {
            prop_assert!((-IDENTITY..=1.0 + IDENTITY).contains(&share.value));
        }
        let last = case.cashflow.last().unwrap();
        let sum: f64 = case.cashflow.iter().map(|r| r.net).sum();
        let turnover: f64 = case.cashflow.iter().map(|r| r.net.abs()).sum();
        prop_assert!((last.cumulative - sum).abs() <= IDENTITY * turnover);
    }
}
