//! The case once more from its document: the same numbers at the plan, the plan's numbers after a change.

use pilot::analysis::{JointEffect, MinutesEffect};
use pilot::experiment::{Assumption, CostBasis, Experiment, HalfLife, Staffing};
use pilot::finance::{ArmCase, BusinessCase, Change, Line, evaluate, what_if};

use super::finance::plan;

/// The same formulas, from numbers that went through per-day and back.
const SAME: f64 = 1e-12;
/// A 95 % interval's ends from 2,000 draws against 10,000, in widths of the interval: its standard
/// error is .018 of the width where the draws are normal, doubled for longer tails, four times that.
const INTERVAL: f64 = 0.15;

fn pilot() -> (Experiment, JointEffect) {
    let mut plan = plan();
    let mut second = plan.arms[1].clone();
    second.name = "b".into();
    second.fixed_cost = Assumption::Fixed(3_000.0);
    plan.arms.push(second);
    let business = plan.business.as_mut().unwrap();
    business.realisation = Some(Assumption::Triangular {
        low: 0.2,
        mode: 0.5,
        high: 0.8,
    });
    business.churn_per_month = Assumption::Normal {
        mean: 0.02,
        sd: 0.005,
    };
    business.annual_service_budget = Some(Assumption::Fixed(500_000.0));
    business.staffing = Some(Staffing {
        occupancy: Some(0.85),
        shrinkage: Some(0.3),
        hours_per_agent_year: Some(1_700.0),
        service_level: Some(0.8),
        answer_seconds: Some(20.0),
        interval_minutes: Some(30.0),
        contacts_per_interval: Some(100.0),
        handling_seconds: Some(180.0),
    });
    let effect = JointEffect {
        arms: vec!["a".into(), "b".into()],
        mean: vec![0.001, 0.0014],
        cov: vec![vec![9e-8, 4e-8], vec![4e-8, 1e-7]],
        df: None,
        control_rate: 0.05,
        window_days: 60.0,
        minutes: None,
        every_reason: None,
        basis: Default::default(),
    };
    (plan, effect)
}

fn redone(case: &BusinessCase, changes: &[Change]) -> BusinessCase {
    let draws = case.draws_summary.as_ref().unwrap();
    what_if(case, &case.assumptions, draws, changes).unwrap()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= SAME * a.abs().max(b.abs())
}

fn change(key: &str, to: Option<f64>) -> Change {
    Change {
        key: key.into(),
        to,
    }
}

/// Both cases at base, line by line, and their intervals within Monte-Carlo error of each other.
fn assert_alike(redone: &BusinessCase, evaluated: &BusinessCase) {
    let near = |a: Option<f64>, b: Option<f64>, width: f64| match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= INTERVAL * width,
        (a, b) => a == b,
    };
    for (a, b) in redone.arms.iter().zip(&evaluated.arms) {
        let lines: [(Option<Line>, Option<Line>); 11] = [
            (Some(a.contacts_avoided), Some(b.contacts_avoided)),
            (a.pv_savings, b.pv_savings),
            (a.pv_spend, b.pv_spend),
            (a.npv, b.npv),
            (a.npv_observed_only, b.npv_observed_only),
            (a.roi, b.roi),
            (a.cost_per_contact_avoided, b.cost_per_contact_avoided),
            (a.budget_share, b.budget_share),
            (a.break_even_reduction, b.break_even_reduction),
            (a.break_even_avoided_per_day, b.break_even_avoided_per_day),
            (a.share_beyond_observed, b.share_beyond_observed),
        ];
        for (place, (a, b)) in lines.into_iter().enumerate() {
            let (Some(a), Some(b)) = (a, b) else {
                assert_eq!(a, b);
                continue;
            };
            assert!(close(a.value, b.value), "line {place}: {a:?} for {b:?}");
            let width = b.upper.unwrap_or(b.value) - b.lower.unwrap_or(b.value);
            assert!(
                near(a.lower, b.lower, width),
                "line {place}: {a:?} for {b:?}"
            );
            assert!(
                near(a.upper, b.upper, width),
                "line {place}: {a:?} for {b:?}"
            );
        }
        assert_staffed(a, b);
        let value = |line: Option<Line>| line.map(|l| l.value);
        let (share, want) = (
            value(a.npv_share_beyond_observed),
            value(b.npv_share_beyond_observed),
        );
        assert_eq!(share.is_some(), want.is_some());
        assert!(share.is_none_or(|share| close(share, want.unwrap())));
        assert_eq!(a.as_estimated.is_some(), b.as_estimated.is_some());
        assert_eq!(a.payback_months, b.payback_months);
        assert_eq!(a.payback_months_discounted, b.payback_months_discounted);
        let (p, q) = (
            a.probability_npv_positive.unwrap(),
            b.probability_npv_positive.unwrap(),
        );
        assert!((p - q).abs() < 4.0 * 0.5 / 2_000f64.sqrt());
        assert_eq!(
            a.probability_payback.is_some(),
            b.probability_payback.is_some()
        );
    }
    let worth = |case: &BusinessCase| case.choice.as_ref().unwrap().perfect_information.unwrap();
    let (a, b) = (worth(redone), worth(evaluated));
    // From 2,000 draws; the other from 10,000, or exact.
    assert!(a.se > 0.0 && (a.value - b.value).abs() <= 4.0 * a.se.hypot(b.se));
    for (a, b) in redone.tornado.iter().zip(&evaluated.tornado) {
        assert_eq!((&a.arm, &a.key), (&b.arm, &b.key));
        assert!(close(a.npv_low, b.npv_low) && close(a.npv_high, b.npv_high));
    }
    assert_eq!(redone.tornado.len(), evaluated.tornado.len());
    for (a, b) in redone.cashflow.iter().zip(&evaluated.cashflow) {
        assert!(close(a.cumulative, b.cumulative) && close(a.net, b.net));
    }
    let options = |case: &BusinessCase| case.choice.as_ref().unwrap().options.clone();
    for (a, b) in options(redone).iter().zip(&options(evaluated)) {
        assert_eq!((&a.arm, a.standing), (&b.arm, b.standing));
        assert!(close(a.cost, b.cost) && close(a.contacts, b.contacts));
    }
}

/// Hours and agents at base.
fn assert_staffed(a: &ArmCase, b: &ArmCase) {
    let (a, b) = (a.staffing.as_ref().unwrap(), b.staffing.as_ref().unwrap());
    for (a, b) in [
        (a.hours_per_year, b.hours_per_year),
        (a.paid_hours_per_year, b.paid_hours_per_year),
        (a.full_time_agents, b.full_time_agents),
    ] {
        assert!(close(a.unwrap().value, b.unwrap().value));
    }
    assert!(close(a.contacts_avoided, b.contacts_avoided));
    let (a, b) = (a.agents.unwrap(), b.agents.unwrap());
    assert_eq!(a.before, b.before);
    assert_eq!(a.fewer_agents.agents, b.fewer_agents.agents);
    assert!(close(
        a.lower_occupancy.occupancy,
        b.lower_occupancy.occupancy
    ));
}

#[test]
fn without_a_change_it_is_the_case_itself() {
    let (plan, effect) = pilot();
    let case = evaluate(&effect, &plan, 4).unwrap();
    let again = redone(&case, &[]);
    assert_eq!(again.draws, 2_000);
    assert_alike(&again, &case);
    assert!(again.arms.iter().any(|arm| arm.as_estimated.is_some()));
    assert_eq!(
        again,
        redone(&case, &[change("realisation_lag_months", Some(2.0))])
    );
}

#[test]
fn what_contacts_overstate_of_minutes_moves_with_no_assumption() {
    let (mut plan, mut effect) = pilot();
    let business = plan.business.as_mut().unwrap();
    let Some(CostBasis::PerContact(cost)) = business.cost else {
        panic!("the plan prices contacts");
    };
    business.cost = Some(CostBasis::PerMinute(cost));
    effect.minutes = Some(MinutesEffect {
        mean: vec![0.002, 0.003],
        cov: vec![vec![4e-7, 2e-7], vec![2e-7, 5e-7]],
        df: None,
        control_rate: 0.2,
    });
    let case = evaluate(&effect, &plan, 4).unwrap();
    let again = redone(&case, &[change("realisation", Some(0.4))]);
    for (arm, other) in case.arms.iter().zip(&again.arms) {
        let of = |a: &ArmCase| a.overstated_by_contacts_interval;
        assert!(of(arm).is_some());
        assert_eq!(of(arm), of(other));
    }
}

#[test]
fn with_a_change_it_is_the_case_of_the_changed_plan() {
    let (plan, effect) = pilot();
    let case = evaluate(&effect, &plan, 4).unwrap();
    type Edit = fn(&mut Experiment);
    let edits: [(Vec<Change>, Edit); 5] = [
        (
            vec![
                change("realisation", Some(0.3)),
                change("horizon_months", Some(48.0)),
            ],
            |plan| {
                let business = plan.business.as_mut().unwrap();
                business.realisation = Some(Assumption::Fixed(0.3));
                business.horizon_months = 48;
            },
        ),
        (
            vec![
                change("half_life_months", None),
                change("repeat_every_months", Some(6.0)),
            ],
            |plan| {
                let business = plan.business.as_mut().unwrap();
                business.half_life = Some(HalfLife::None);
                business.repeat_every_months = Some(6);
            },
        ),
        (
            vec![
                change("arms.a.cost_per_customer", Some(0.4)),
                change("holdout", Some(0.25)),
            ],
            |plan| {
                plan.arms[1].cost_per_customer = Assumption::Fixed(0.4);
                plan.business.as_mut().unwrap().holdout = 0.25;
            },
        ),
        // Dear enough that the other arm wins: the correction goes over to it.
        (vec![change("arms.b.fixed_cost", Some(90_000.0))], |plan| {
            plan.arms[2].fixed_cost = Assumption::Fixed(90_000.0);
        }),
        (
            vec![
                change("staffing.occupancy", Some(0.7)),
                change("staffing.contacts_per_interval", Some(300.0)),
            ],
            |plan| {
                let business = plan.business.as_mut().unwrap();
                let staffing = business.staffing.as_mut().unwrap();
                staffing.occupancy = Some(0.7);
                staffing.contacts_per_interval = Some(300.0);
            },
        ),
    ];
    let picked = |changes: &[Change]| redone(&case, changes).best;
    assert_ne!(picked(&edits[3].0), case.best);
    for (changes, edit) in edits {
        let mut changed = plan.clone();
        edit(&mut changed);
        assert_alike(
            &redone(&case, &changes),
            &evaluate(&effect, &changed, 4).unwrap(),
        );
    }
}

#[test]
fn what_cannot_be_is_refused_with_its_key() {
    let (plan, effect) = pilot();
    let case = evaluate(&effect, &plan, 4).unwrap();
    let draws = case.draws_summary.clone().unwrap();
    let refused = |changes: &[Change]| {
        what_if(&case, &case.assumptions, &draws, changes)
            .unwrap_err()
            .to_string()
    };
    assert!(refused(&[change("no_such", Some(1.0))]).contains("no assumption no_such"));
    assert!(refused(&[change("realisation", None)]).contains("needs a number"));
    assert!(refused(&[change("realisation", Some(1.5))]).contains("share"));
    assert!(refused(&[change("horizon_months", Some(2.5))]).contains("whole months"));
    assert!(refused(&[change("horizon_months", Some(0.0))]).contains("1 to 600"));
    assert!(refused(&[change("half_life_months", Some(f64::NAN))]).contains("finite"));
    assert!(refused(&[change("staffing.shrinkage", Some(1.0))]).contains("below 1"));
    assert!(refused(&[change("staffing.occupancy", Some(f64::NAN))]).contains("between 0 and 1"));
    let mut short = draws.clone();
    short.effects[0].z.truncate(8);
    let wrong = what_if(&case, &case.assumptions, &short, &[]).unwrap_err();
    assert!(wrong.to_string().contains("four digits"), "{wrong}");
}
