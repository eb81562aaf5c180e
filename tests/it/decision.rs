//! The verdict: each rule from both sides, and that the reasons carry the numbers.

use pilot::analysis::{Analysis, Check, EstimateRow, JointEffect, Status};
use pilot::decision::{Decision, Looks, Reason, Remaining, Standing, VerdictKind, decide};
use pilot::experiment::{
    Better, Experiment, Multiplicity, OutcomeKind, PlannedEstimand, Role, ScaleIf,
};
use pilot::finance::{BusinessCase, evaluate};
use pilot::stats::{Detail, DetailValue, Estimand, Estimator};
use proptest::prelude::*;

use crate::finance::{outcome, plan as base_plan};

/// Days of the window: the estimates are per customer over it.
const WINDOW: f64 = 60.0;

fn row(outcome: &str, arm: &str, value: f64, half: f64, p: f64) -> EstimateRow {
    EstimateRow {
        outcome: outcome.into(),
        arm: arm.into(),
        control: "control".into(),
        segment: None,
        estimand: Estimand::Difference,
        estimator: Estimator::Lin,
        value,
        se: Some(half / 1.96),
        df: None,
        ci_lower: Some(value - half),
        ci_upper: Some(value + half),
        level: 0.95,
        p_value: Some(p / 2.0),
        p_adjusted: Some(p),
        ci_adjusted_lower: Some(value - 1.1 * half),
        ci_adjusted_upper: Some(value + 1.1 * half),
        primary: true,
        unit: "contacts per customer".into(),
        n_arm: 5000,
        n_control: 5000,
        detail: Detail::new(),
    }
}

/// A plan with arms `a` and `b`, a guardrail, and costs.
fn plan() -> Experiment {
    let mut plan = base_plan();
    plan.arms[1].fixed_cost = 8000.0.into();
    let mut b = plan.arms[1].clone();
    b.name = "b".into();
    b.title = "Arm b".into();
    b.fixed_cost = 500.0.into();
    plan.arms.push(b);
    plan.outcomes.push(outcome(
        "complaints",
        Role::Guardrail,
        Better::Lower,
        Some(0.05),
    ));
    plan
}

fn analysis(effects: &[(&str, f64, f64, f64)]) -> Analysis {
    let mut estimates = Vec::new();
    for (arm, value, half, p) in effects {
        estimates.push(row("contacts", arm, *value, *half, *p));
        estimates.push(row("complaints", arm, 0.0, 0.02, 0.9));
    }
    Analysis {
        estimates,
        ..Analysis::default()
    }
}

fn case(plan: &Experiment, analysis: &Analysis) -> BusinessCase {
    let rows: Vec<_> = analysis
        .estimates
        .iter()
        .filter(|r| r.outcome == "contacts")
        .collect();
    let effect = JointEffect {
        arms: rows.iter().map(|r| r.arm.clone()).collect(),
        mean: rows.iter().map(|r| -r.value / WINDOW).collect(),
        cov: (0..rows.len())
            .map(|i| {
                (0..rows.len())
                    .map(|j| {
                        let se = |k: usize| rows[k].se.unwrap() / WINDOW;
                        se(i) * se(j) * if i == j { 1.0 } else { 0.5 }
                    })
                    .collect()
            })
            .collect(),
        df: None,
        control_rate: 0.02,
        window_days: WINDOW,
        minutes: None,
        every_reason: None,
        basis: Default::default(),
    };
    evaluate(&effect, plan, 1).unwrap()
}

fn approved() -> Standing {
    Standing {
        approved: true,
        ..Standing::default()
    }
}

fn with_money(plan: &Experiment, analysis: &Analysis) -> Decision {
    decide(plan, analysis, Some(&case(plan, analysis)), &approved())
}

const CLEAR: [(&str, f64, f64, f64); 2] = [("a", -0.24, 0.08, 0.0004), ("b", -0.12, 0.08, 0.02)];

#[test]
fn the_qualifying_arm_with_the_highest_npv_is_scaled() {
    let (plan, analysis) = (plan(), analysis(&CLEAR));
    let case = case(&plan, &analysis);
    assert!(case.arms[0].npv.unwrap().value > case.arms[1].npv.unwrap().value);
    let decision = decide(&plan, &analysis, Some(&case), &approved());
    assert_eq!(decision.verdict, VerdictKind::Scale);
    assert_eq!(decision.arm.as_deref(), Some("a"));
    let why = decision.why.join("\n");
    for part in [
        "p < 0.001",
        "complaints holds",
        "NPV EUR",
        "flat prior",
        "pays back",
        "Arm b",
    ] {
        assert!(why.contains(part), "{part} is not in:\n{why}");
    }
    assert!(decision.why.iter().all(|s| s.ends_with('.')), "{why}");

    // With the first arm dear enough, the second has the higher NPV.
    let mut dear = plan.clone();
    dear.arms[1].fixed_cost = 1e6.into();
    assert_eq!(with_money(&dear, &analysis).arm.as_deref(), Some("b"));
}

#[test]
fn a_stopping_check_blocks_and_can_be_overridden_by_name() {
    let (plan, mut analysis) = (plan(), analysis(&CLEAR));
    analysis.checks.push(Check {
        id: "srm".into(),
        status: Status::Stop,
        statistic: Some(31.0),
        p_value: Some(2.6e-8),
        detail: "arms are of other sizes than planned".into(),
    });
    let mut standing = approved();
    standing.remaining = Some(Remaining {
        days: Some(3),
        customers: None,
    });
    let decision = decide(&plan, &analysis, None, &standing);
    assert_eq!(
        (decision.verdict, decision.arm),
        (VerdictKind::Blocked, None)
    );
    assert!(decision.why[0].contains("srm") && decision.why[0].contains("other sizes"));

    standing.remaining = None;
    standing.despite = vec!["srm".into()];
    let case = case(&plan, &analysis);
    let decision = decide(&plan, &analysis, Some(&case), &standing);
    // No reason helps: on arms that may not be comparable nothing is rolled out.
    assert_eq!(decision.verdict, VerdictKind::Extend);
    assert!(decision.why.last().unwrap().contains("overridden"));
    let first = &decision.because[0];
    assert_eq!(
        (first.reason, first.of.as_slice()),
        (Reason::CheckPassedOver, &["srm".to_owned()][..])
    );

    analysis.checks[0].status = Status::Warn;
    standing.despite.clear();
    let decision = decide(&plan, &analysis, Some(&case), &standing);
    assert_eq!(
        decision.verdict,
        VerdictKind::Scale,
        "a warning stops nothing"
    );
}

#[test]
fn before_the_planned_end_it_waits_and_says_how_long() {
    let waiting = |days, customers| {
        let mut standing = approved();
        standing.remaining = Some(Remaining { days, customers });
        decide(&plan(), &Analysis::default(), None, &standing)
    };
    let decision = waiting(Some(12), Some(1));
    assert_eq!(decision.verdict, VerdictKind::Wait);
    assert!(decision.why[0].contains("12 days left, 1 customer observed so far"));
    assert_eq!(waiting(None, None).verdict, VerdictKind::Wait);
}

#[test]
fn an_unapproved_plan_is_never_scaled() {
    let (plan, analysis) = (plan(), analysis(&CLEAR));
    let case = case(&plan, &analysis);
    let decision = decide(&plan, &analysis, Some(&case), &Standing::default());
    assert_eq!(decision.verdict, VerdictKind::Extend);
    assert!(decision.why.join(" ").contains("not approved"));
}

#[test]
fn without_money_an_effect_is_never_scaled() {
    let (plan, analysis) = (plan(), analysis(&CLEAR));
    let mut without = plan.clone();
    without.business = None;
    let decision = decide(&without, &analysis, None, &approved());
    assert_eq!(decision.verdict, VerdictKind::Extend);
    assert_eq!(decision.arm.as_deref(), Some("a"), "the clearest effect");
    assert!(decision.why.join(" ").contains("[business]"));

    let mut silent = plan.clone();
    silent.business.as_mut().unwrap().realisation = None;
    let decision = with_money(&silent, &analysis);
    assert_eq!(decision.verdict, VerdictKind::Extend);
    assert!(decision.why.join(" ").contains("business.realisation"));
}

#[test]
fn money_without_significance_is_extended() {
    let plan = plan();
    let analysis = analysis(&[("a", -0.2, 0.23, 0.15), ("b", 0.01, 0.23, 0.99)]);
    let decision = with_money(&plan, &analysis);
    assert_eq!(decision.verdict, VerdictKind::Extend);
    assert_eq!(decision.arm.as_deref(), Some("a"));
    let why = decision.why.join("\n");
    assert!(
        why.contains("p = 0.15") && why.contains("times as many customers"),
        "{why}"
    );
}

#[test]
fn an_effect_that_does_not_pay_or_is_not_there_is_stopped() {
    let mut plan = plan();
    for arm in &mut plan.arms[1..] {
        arm.fixed_cost = 1e8.into();
    }
    let decision = with_money(&plan, &analysis(&CLEAR));
    assert_eq!((decision.verdict, decision.arm), (VerdictKind::Stop, None));
    let why = decision.why.join("\n");
    assert!(why.contains("does not pay back"), "{why}");

    // Not significant, and money ruled out: more data would not help.
    let hopeless = analysis(&[("a", -0.001, 0.01, 0.9), ("b", -0.001, 0.01, 0.9)]);
    assert_eq!(with_money(&plan, &hopeless).verdict, VerdictKind::Stop);

    let harm = analysis(&[("a", 0.2, 0.05, 0.0001), ("b", 0.0, 0.05, 1.0)]);
    for business in [true, false] {
        let plan = self::plan();
        let case = business.then(|| case(&plan, &harm));
        let decision = decide(&plan, &harm, case.as_ref(), &approved());
        assert_eq!(
            decision.verdict,
            VerdictKind::Stop,
            "significant harm is no success"
        );
    }
}

#[test]
fn a_harm_that_is_shown_is_called_one() {
    let plan = plan();
    let harm = analysis(&[("a", 0.72, 0.08, 0.0001), ("b", 0.01, 0.08, 0.8)]);
    let decision = with_money(&plan, &harm);
    assert_eq!(decision.verdict, VerdictKind::Stop);
    let why = decision.why.join("\n");
    assert!(why.contains("significantly worse (p < 0.001)."), "{why}");
    assert!(why.contains("a: it does harm"), "{why}");
    assert_eq!(why.matches("not shown").count(), 1, "only of b: {why}");
    assert!(why.contains("Arm b: no sign of a benefit."), "{why}");

    // More is better: what lowers the outcome is the harm.
    let mut higher = plan.clone();
    higher.outcomes[0].better = Better::Higher;
    let lower = analysis(&[("a", -0.72, 0.08, 0.0001), ("b", 0.01, 0.08, 0.8)]);
    let why = decide(&higher, &lower, None, &approved()).why.join("\n");
    assert!(why.contains("significantly worse"), "{why}");

    // Without a p-value the interval tells.
    let mut by_interval = harm.clone();
    for r in &mut by_interval.estimates {
        (r.p_value, r.p_adjusted) = (None, None);
    }
    let why = with_money(&plan, &by_interval).why.join("\n");
    assert!(
        why.contains("significantly worse by its interval."),
        "{why}"
    );

    // A test for benefit alone says so, rather than "not shown" and no more.
    let mut one_sided = plan.clone();
    one_sided.analysis.one_sided = true;
    let mut near_one = harm.clone();
    for r in &mut near_one.estimates {
        (r.p_value, r.p_adjusted) = (Some(0.9999), Some(1.0));
    }
    let why = with_money(&one_sided, &near_one).why.join("\n");
    assert!(why.contains("one-sided test cannot show harm"), "{why}");
}

#[test]
fn the_other_arms_say_every_condition_that_they_fail() {
    let mut plan = plan();
    plan.decision.max_payback_months = Some(6);
    plan.arms[2].fixed_cost = 60_000.0.into();
    let mut analysis = analysis(&CLEAR);
    // The guardrail of b lies beyond its margin.
    let b = analysis.estimates.last_mut().unwrap();
    (b.ci_lower, b.ci_upper) = (Some(0.1), Some(0.3));
    let decision = with_money(&plan, &analysis);
    assert_eq!(
        (decision.verdict, decision.arm.as_deref()),
        (VerdictKind::Scale, Some("a"))
    );
    let of_b = decision
        .why
        .iter()
        .find(|w| w.contains("Arm b: stop"))
        .unwrap();
    for part in [
        "complaints is broken",
        "0.100 to 0.300",
        "inside its margin",
        "payback within 6 months",
        "positive NPV with probability",
    ] {
        assert!(of_b.contains(part), "{part} is not in:\n{of_b}");
    }
    assert!(decision.why.iter().all(|s| s.ends_with('.')), "{of_b}");
}

#[test]
fn why_there_is_no_money_is_true() {
    let analysis = analysis(&CLEAR);
    let said = |change: &dyn Fn(&mut Experiment)| {
        let mut plan = plan();
        change(&mut plan);
        decide(&plan, &analysis, None, &approved()).why.join("\n")
    };
    assert!(said(&|p| p.business = None).contains("the plan has no [business]"));
    for (why, expected) in [
        (
            said(&|p| p.outcomes[0].kind = OutcomeKind::Mean),
            "is no count of contacts",
        ),
        (
            said(&|p| p.outcomes[0].better = Better::Higher),
            "more is better",
        ),
        (said(&|_| ()), "standard error"),
    ] {
        assert!(
            why.contains(expected) && !why.contains("[business]"),
            "{why}"
        );
    }
}

#[test]
fn a_chance_that_misses_does_not_read_as_what_is_asked() {
    let mut plan = plan();
    plan.decision.min_probability = 0.9;
    let analysis = analysis(&CLEAR);
    let mut case = case(&plan, &analysis);
    for (p, shown) in [(0.899_9, "it is 89.99 %"), (0.000_2, "it is under 0.1 %")] {
        for arm in &mut case.arms {
            arm.probability_npv_positive = Some(p);
        }
        let why = decide(&plan, &analysis, Some(&case), &approved())
            .why
            .join("\n");
        assert!(why.contains(shown), "{why}");
        assert!(
            !why.contains("it is 0 %") && !why.contains("it is 90 %"),
            "{why}"
        );
    }
}

#[test]
fn a_guardrail_holds_is_open_or_is_broken() {
    let plan = plan();
    let verdict = |change: &dyn Fn(&mut Analysis)| {
        let mut analysis = analysis(&[("a", -0.24, 0.08, 0.0004)]);
        change(&mut analysis);
        with_money(&plan, &analysis).verdict
    };
    let complaints = |a: &mut Analysis, lower: f64, upper: f64| {
        a.estimates[1].ci_lower = Some(lower);
        a.estimates[1].ci_upper = Some(upper);
    };
    assert_eq!(
        verdict(&|a| complaints(a, -0.01, 0.049)),
        VerdictKind::Scale
    );
    assert_eq!(
        verdict(&|a| complaints(a, -0.01, 0.05)),
        VerdictKind::Extend
    );
    assert_eq!(verdict(&|a| complaints(a, 0.051, 0.2)), VerdictKind::Stop);
    assert_eq!(
        verdict(&|a| {
            a.estimates.remove(1);
        }),
        VerdictKind::Extend,
        "not measured is not held"
    );
    // A one-sided row: its own two-sided interval decides.
    let one_sided = |upper: f64| {
        verdict(&move |a| {
            a.estimates[1].ci_lower = None;
            a.estimates[1].ci_upper = Some(0.0);
            let both = DetailValue::Numbers(vec![-0.1, upper]);
            a.estimates[1].detail.insert("ci_two_sided".into(), both);
        })
    };
    assert_eq!(one_sided(0.01), VerdictKind::Scale);
    assert_eq!(one_sided(0.06), VerdictKind::Extend);

    let mut higher = plan.clone();
    higher.outcomes[1].better = Better::Higher;
    let mut analysis = analysis(&[("a", -0.24, 0.08, 0.0004)]);
    complaints(&mut analysis, -0.04, 0.9);
    assert_eq!(with_money(&higher, &analysis).verdict, VerdictKind::Scale);
    complaints(&mut analysis, -0.9, -0.06);
    assert_eq!(with_money(&higher, &analysis).verdict, VerdictKind::Stop);
}

#[test]
fn the_rule_of_the_plan_decides() {
    let analysis = analysis(&[("a", -0.24, 0.08, 0.0004)]);
    let mut strict = plan();
    strict.decision.max_payback_months = Some(1);
    let decision = with_money(&strict, &analysis);
    assert_eq!(decision.verdict, VerdictKind::Extend);
    assert!(decision.why.join(" ").contains("within 1 month."));

    // Break-even of arm a lies where its fixed cost puts it; the cautious end avoids
    // (.24 − 1.1·.08)/60 contacts per customer-day.
    let mut even = plan();
    even.decision.scale_if = ScaleIf::BreakEven;
    let bound = (0.24 - 1.1 * 0.08) / WINDOW;
    let per_cost = case(&even, &analysis).arms[0]
        .break_even_avoided_per_day
        .unwrap()
        .value
        / pilot::finance::mean(&even.arms[1].fixed_cost);
    even.decision.max_payback_months = None;
    for (share, verdict) in [(0.99, VerdictKind::Scale), (1.01, VerdictKind::Extend)] {
        even.arms[1].fixed_cost = (share * bound / per_cost).into();
        let decision = with_money(&even, &analysis);
        assert_eq!(decision.verdict, verdict, "{:?}", decision.why);
        assert!(decision.why.join(" ").contains("break-even"));
    }

    // Methods without simultaneous intervals cannot meet it, unless one comparison is all.
    let mut holm = analysis.clone();
    for r in &mut holm.estimates {
        (r.ci_adjusted_lower, r.ci_adjusted_upper) = (None, None);
    }
    even.arms[1].fixed_cost = 1000.0.into();
    assert_eq!(with_money(&even, &holm).verdict, VerdictKind::Extend);
    even.analysis.multiplicity = Multiplicity::None;
    assert_eq!(with_money(&even, &holm).verdict, VerdictKind::Scale);
}

#[test]
fn a_ratio_is_held_against_the_break_even_reduction() {
    let mut plan = plan();
    plan.analysis.estimand = PlannedEstimand::Ratio;
    plan.decision.scale_if = ScaleIf::BreakEven;
    let mut analysis = analysis(&[("a", -0.24, 0.08, 0.0004)]);
    let case = case(&plan, &analysis);
    let needed = case.arms[0].break_even_reduction.unwrap().value;
    for (upper, verdict) in [
        (1.0 - 1.01 * needed, VerdictKind::Scale),
        (1.0 - 0.99 * needed, VerdictKind::Extend),
    ] {
        let r = &mut analysis.estimates[0];
        r.estimand = Estimand::Ratio;
        (r.value, r.ci_adjusted_lower, r.ci_adjusted_upper) = (0.8, Some(0.7), Some(upper));
        let decision = decide(&plan, &analysis, Some(&case), &approved());
        assert_eq!(decision.verdict, verdict, "{:?}", decision.why);
    }
}

#[test]
fn other_estimators_outcomes_and_segments_do_not_decide() {
    let plan = plan();
    let mut analysis = analysis(&[("a", 0.05, 0.08, 0.3)]);
    for change in 0..3 {
        let mut r = row("contacts", "a", -0.9, 0.01, 1e-9);
        match change {
            0 => r.primary = false,
            1 => r.segment = Some("plan = gold".into()),
            _ => r.outcome = "other".into(),
        }
        analysis.estimates.insert(0, r);
    }
    let decision = decide(&plan, &analysis, None, &approved());
    assert_eq!(decision.verdict, VerdictKind::Stop);
    let none = decide(&plan, &Analysis::default(), None, &approved());
    assert_eq!(none.verdict, VerdictKind::Blocked);
}

#[test]
fn an_unadjusted_p_counts_only_where_nothing_is_to_be_adjusted() {
    let mut analysis = analysis(&[("a", -0.24, 0.08, 0.0004)]);
    analysis.estimates[0].p_adjusted = None;
    (
        analysis.estimates[0].ci_adjusted_lower,
        analysis.estimates[0].ci_adjusted_upper,
    ) = (None, None);
    let mut plan = plan();
    assert_eq!(with_money(&plan, &analysis).verdict, VerdictKind::Extend);
    plan.arms.truncate(2);
    assert_eq!(with_money(&plan, &analysis).verdict, VerdictKind::Scale);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn scale_needs_approval_money_and_significance(
        value in -0.5..0.5f64, half in 0.001..0.5f64, p in 0.0..1.0f64,
        approved: bool, money: bool, fixed in 0.0..1e6f64,
    ) {
        // Fixed draws would be slow here: the case is made once, its lines are set by hand.
        static CASE: std::sync::OnceLock<BusinessCase> = std::sync::OnceLock::new();
        let (mut plan, analysis) = (plan(), analysis(&[("a", value, half, p)]));
        plan.arms[1].fixed_cost = fixed.into();
        let template = analysis.clone();
        let mut case = CASE.get_or_init(|| self::case(&plan, &template)).clone();
        case.arms[0].probability_npv_positive = Some(1.0 - p);
        let standing = Standing { approved, ..Standing::default() };
        let decision = decide(&plan, &analysis, money.then_some(&case), &standing);
        if decision.verdict == VerdictKind::Scale {
            prop_assert!(approved && money && p <= 0.05 && value < 0.0);
        }
        prop_assert_eq!(decision.arm.is_none(), decision.verdict == VerdictKind::Stop);
        prop_assert!(!decision.why.is_empty());
        for sentence in &decision.why {
            prop_assert!(sentence.ends_with('.') && !sentence.contains("NaN"), "{}", sentence);
        }
    }
}

/// The reasons of the verdict, each with its arm.
fn reasons(decision: &Decision) -> Vec<(Option<&str>, Reason)> {
    let all = decision.because.iter();
    all.map(|b| (b.arm.as_deref(), b.reason)).collect()
}

#[test]
fn a_second_stage_is_for_an_arm_that_rather_earns_than_loses() {
    let plan = plan();
    let analysis = analysis(&[("a", -0.2, 0.23, 0.15), ("b", 0.01, 0.23, 0.99)]);
    let mut case = case(&plan, &analysis);
    let with = |case: &BusinessCase| decide(&plan, &analysis, Some(case), &approved());
    for (chance, verdict) in [(0.5, VerdictKind::Extend), (0.499, VerdictKind::Stop)] {
        case.arms[0].probability_npv_positive = Some(chance);
        let decision = with(&case);
        assert_eq!(decision.verdict, verdict, "{chance}");
        let why = decision.why.join("\n");
        match verdict {
            VerdictKind::Extend => {
                assert_eq!(reasons(&decision)[0], (Some("a"), Reason::NotShown));
                // (2.24 + 0.84)²·(0.23/1.96)²/0.2² times 10,000 customers, rounded up to two digits.
                assert!(
                    why.contains("about 33,000 in arm and control together"),
                    "{why}"
                );
                let needed = decision.because[0].detail.as_deref().unwrap();
                assert!(needed.contains("this pilot had 10,000"), "{needed}");
            }
            _ => {
                assert_eq!(
                    reasons(&decision),
                    [(Some("a"), Reason::Loses), (Some("b"), Reason::NoBenefit)]
                );
                assert!(why.contains("49.9 %, below one half"), "{why}");
            }
        }
    }
}

#[test]
fn an_effect_that_takes_another_test_is_no_second_stage() {
    let plan = plan();
    // times = ((2.24 + 0.84)·se/effect)²: 10 lies at an effect of 0.974 standard errors.
    let of = |errors: f64| {
        let half = 0.1;
        let value = -errors * half / 1.96;
        let analysis = analysis(&[("a", value, half, 0.4), ("b", 0.05, half, 0.9)]);
        let mut case = case(&plan, &analysis);
        case.arms[0].probability_npv_positive = Some(0.8);
        decide(&plan, &analysis, Some(&case), &approved())
    };
    let near = of(0.98);
    assert_eq!(near.verdict, VerdictKind::Extend, "{:?}", near.why);
    let far = of(0.97);
    assert_eq!(far.verdict, VerdictKind::Stop);
    assert_eq!(reasons(&far)[0], (Some("a"), Reason::OutOfReach));
    let why = far.why.join("\n");
    assert!(
        why.contains("more than ten times as many customers"),
        "{why}"
    );
    assert!(why.contains("a new test, not a second stage"), "{why}");
    assert!(far.next_stage.is_none());
}

#[test]
fn an_arm_below_the_futility_bound_is_stopped_beside_another_that_crossed() {
    let plan = plan();
    let analysis = analysis(&[("a", -0.24, 0.08, 0.0004), ("b", -0.1, 0.12, 0.3)]);
    let case = case(&plan, &analysis);
    let at = |unlikely: &[&str]| {
        let standing = Standing {
            looks: Some(Looks {
                effect: true,
                unlikely: unlikely.iter().map(|s| s.to_string()).collect(),
                ..Looks::default()
            }),
            ..approved()
        };
        decide(&plan, &analysis, Some(&case), &standing)
    };
    let said = |d: &Decision| {
        d.why
            .iter()
            .find(|w| w.starts_with("Arm b: "))
            .cloned()
            .unwrap()
    };
    assert!(said(&at(&[])).starts_with("Arm b: extend; "));
    let stopped = said(&at(&["b"]));
    assert!(stopped.starts_with("Arm b: stop; "), "{stopped}");
    assert!(stopped.contains("futility"), "{stopped}");
    // One that crossed is not stopped by what a look said before.
    assert_eq!(at(&["a"]).arm.as_deref(), Some("a"));
    // Where no arm crossed, all below the bound or harmful stop the pilot.
    let standing = Standing {
        looks: Some(Looks {
            harmful: vec!["a".into()],
            unlikely: vec!["b".into()],
            ..Looks::default()
        }),
        ..approved()
    };
    let stopped = decide(&plan, &analysis, None, &standing);
    assert_eq!(stopped.verdict, VerdictKind::Stop);
    assert_eq!(
        reasons(&stopped),
        [(Some("a"), Reason::Harm), (Some("b"), Reason::Unlikely)]
    );
}

#[test]
fn payback_is_flat_only_where_the_effect_is_shown() {
    let plan = plan();
    let shown = with_money(&plan, &analysis(&CLEAR)).why.join("\n");
    assert!(shown.contains("It pays back in month"), "{shown}");
    let open = with_money(&plan, &analysis(&[("a", -0.2, 0.23, 0.15)]));
    let open = open.why.join("\n");
    assert!(open.contains("It would pay back in month"), "{open}");
    assert!(open.contains(" to never)."), "{open}");
    assert!(!open.contains("It pays back"), "{open}");
}

/// The joint covariance of the estimates on the contacts of `analysis`, with this correlation.
fn jointly(analysis: &mut Analysis, correlation: f64) {
    let rows: Vec<_> = (analysis.estimates.iter())
        .filter(|r| r.outcome == "contacts")
        .collect();
    let se: Vec<f64> = rows.iter().map(|r| r.se.unwrap()).collect();
    let entry = |j: usize, k: usize| se[j] * se[k] * if j == k { 1.0 } else { correlation };
    let all = 0..se.len();
    analysis.covariance = Some(pilot::analysis::Covariance {
        arms: rows.iter().map(|r| r.arm.clone()).collect(),
        scale: "estimate".into(),
        matrix: all
            .clone()
            .map(|j| all.clone().map(|k| entry(j, k)).collect())
            .collect(),
    });
}

#[test]
fn which_of_two_good_arms_is_the_better_is_said_with_its_interval() {
    let plan = plan();
    let said = |b: f64, correlation: f64| {
        let mut analysis = analysis(&[("a", -0.24, 0.08, 0.0004), ("b", b, 0.08, 0.02)]);
        jointly(&mut analysis, correlation);
        let why = with_money(&plan, &analysis).why;
        why.into_iter().find(|w| w.contains(" against "))
    };
    // Correlation ½: the difference has the error of each, ± 0.08.
    let open = said(-0.2, 0.5).unwrap();
    assert!(
        open.contains("against Arm b: the difference in contacts is −0.04")
            && open.contains("95 % interval −0.12 to 0.04")
            && open.contains("the pilot cannot tell which of"),
        "{open}"
    );
    let apart = said(-0.1, 0.5).unwrap();
    assert!(apart.contains("differ beyond chance"), "{apart}");
    assert!(
        said(0.02, 0.5).is_none(),
        "an arm on the bad side is no rival"
    );
}

#[test]
fn npvs_of_which_one_is_corrected_are_compared_as_estimated() {
    let plan = plan();
    let mut analysis = analysis(&[("a", -0.24, 0.08, 0.0004), ("b", -0.235, 0.08, 0.0004)]);
    jointly(&mut analysis, 0.5);
    let mut dear = plan.clone();
    dear.arms[2].fixed_cost = 8100.0.into();
    let case = case(&dear, &analysis);
    let npv = |k: usize| case.arms[k].npv.unwrap().value;
    let raw = case.arms[0]
        .as_estimated
        .as_ref()
        .unwrap()
        .npv
        .unwrap()
        .value;
    assert!(npv(0) < npv(1) && npv(1) < raw, "the case of the sentence");
    let decision = decide(&dear, &analysis, Some(&case), &approved());
    assert_eq!(decision.arm.as_deref(), Some("a"));
    let why = decision.why.join("\n");
    let grouped = |v: f64| pilot::number::count(v.round() as u64);
    for part in [
        format!(
            "is worth EUR {} and Arm b EUR {}",
            grouped(raw),
            grouped(npv(1))
        ),
        format!("luck of the best, to EUR {}", grouped(npv(0))),
        "compare the two as estimated".into(),
    ] {
        assert!(why.contains(&part), "{part} is not in:\n{why}");
    }
}

#[test]
fn a_shown_effect_names_the_conditions_that_are_not_met() {
    let strict = |change: &dyn Fn(&mut Experiment, &mut Analysis)| {
        let (mut plan, mut analysis) = (plan(), analysis(&[("a", -0.24, 0.08, 0.0004)]));
        change(&mut plan, &mut analysis);
        with_money(&plan, &analysis)
    };
    let payback = strict(&|p, _| p.decision.max_payback_months = Some(1));
    assert_eq!(reasons(&payback), [(Some("a"), Reason::Payback)]);
    assert_eq!(payback.because[0].detail.as_deref(), Some("1 month"));
    let guardrail = strict(&|_, a| a.estimates[1].ci_upper = Some(0.06));
    assert_eq!(reasons(&guardrail), [(Some("a"), Reason::GuardrailOpen)]);
    assert_eq!(guardrail.because[0].of, ["complaints"]);
    let broken = strict(&|_, a| {
        (a.estimates[1].ci_lower, a.estimates[1].ci_upper) = (Some(0.06), Some(0.2));
    });
    assert_eq!(reasons(&broken)[0], (Some("a"), Reason::GuardrailBroken));
    let silent = strict(&|p, _| {
        let business = p.business.as_mut().unwrap();
        (business.realisation, business.half_life) = (None, None);
    });
    assert_eq!(reasons(&silent), [(Some("a"), Reason::MoneyUnknown)]);
    let why = silent.because[0].detail.as_deref().unwrap();
    assert!(
        why.contains("business.realisation and business.half_life_months"),
        "{why}"
    );
}
