//! The winner's luck, perfect information, dominance, the tornado and the embedded draws.

use std::fs;

use pilot::analysis::JointEffect;
use pilot::experiment::{Assumption, Business, CostBasis, Experiment, HalfLife, UnitCost};
use pilot::finance::{ArmCase, BusinessCase, DAYS_PER_MONTH, Standing, TornadoRange, evaluate};
use pilot::stats::dist::normal_isf;
use pilot::stats::information::{expected_best_of_two, expected_gain};
use pilot::stats::random::Stream;
use pilot::stats::winner::Winner;
use serde_json::Value;

use super::finance::plan;

/// Both solve one equation to the last digits of f64; what is left is the error of Φ.
const SOLVED: f64 = 1e-9;
/// The reference integrates adaptively in 30 digits, the program by 16-point panels.
const INTEGRAL: f64 = 1e-9;
/// What the issue asks of the hand-worked case.
const HAND_WORKED: f64 = 1e-6;
/// The same model by another path.
const IDENTITY: f64 = 1e-10;

fn reference(name: &str) -> Value {
    let path = format!("{}/tests/reference/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn numbers(v: &Value) -> Vec<f64> {
    let list = v.as_array().unwrap().iter();
    list.map(|x| x.as_f64().unwrap()).collect()
}

fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * a.abs().max(b.abs())
}

fn business(plan: &mut Experiment) -> &mut Business {
    plan.business.as_mut().unwrap()
}

/// A plan of control and as many arms as there are means, each with its fixed cost.
fn arms(means: &[f64], costs: &[f64], cov: Vec<Vec<f64>>) -> (Experiment, JointEffect) {
    let mut plan = plan();
    let template = plan.arms.pop().unwrap();
    let names: Vec<String> = (0..means.len()).map(|k| format!("arm-{k}")).collect();
    for (name, cost) in names.iter().zip(costs) {
        let mut arm = template.clone();
        arm.name = name.clone();
        arm.fixed_cost = Assumption::Fixed(*cost);
        plan.arms.push(arm);
    }
    let effect = JointEffect {
        arms: names,
        mean: means.to_vec(),
        cov,
        df: None,
        control_rate: 0.05,
        window_days: 60.0,
        minutes: None,
        every_reason: None,
        basis: Default::default(),
    };
    (plan, effect)
}

fn common_control(k: usize, se: f64) -> Vec<Vec<f64>> {
    (0..k)
        .map(|i| {
            let entry = |j| se * se * if i == j { 1.0 } else { 0.5 };
            (0..k).map(entry).collect()
        })
        .collect()
}

/// Present values of contacts and of savings per contact avoided per customer-day.
fn slopes() -> (f64, f64) {
    let (plan, effect) = arms(&[1.0], &[0.0], vec![vec![1e-6]]);
    let case = evaluate(&effect, &plan, 1).unwrap();
    let options = case.choice.unwrap().options;
    let contacts = options.iter().find(|o| o.arm.is_some()).unwrap().contacts;
    (contacts, case.arms[0].pv_savings.unwrap().value)
}

#[test]
fn the_hybrid_estimate_agrees_with_one_in_forty_digits() {
    for r in reference("winner.json")["results"].as_array().unwrap() {
        let values = numbers(&r["values"]);
        let cov: Vec<Vec<f64>> = r["cov"].as_array().unwrap().iter().map(numbers).collect();
        let among: Vec<usize> = numbers(&r["among"]).iter().map(|j| *j as usize).collect();
        let k = r["chosen"].as_u64().unwrap() as usize;
        let beta = r["beta"].as_f64().unwrap();
        let winner = Winner::new(&values, &cov, k, &among, beta).unwrap();
        let se = cov[k][k].sqrt();
        let same = |got: f64, want: &Value| {
            let want = want.as_f64().unwrap();
            assert!(
                (got - want).abs() <= SOLVED * se,
                "{}: {got} {want}",
                r["id"]
            );
        };
        same(winner.estimate(), &r["estimate"]);
        same(
            winner.critical() * se,
            &Value::from(r["critical"].as_f64().unwrap() * se),
        );
        for (p, want) in r["quantiles"].as_object().unwrap() {
            same(winner.quantile(p.parse().unwrap()), want);
        }
        for (got, want) in [
            (winner.truncation().0, &r["lower"]),
            (winner.truncation().1, &r["upper"]),
        ] {
            match want.as_f64() {
                Some(_) => same(got, want),
                None => assert!(got.is_infinite()),
            }
        }
    }
}

#[test]
fn the_best_of_three_looks_better_than_it_is_and_the_hybrid_estimate_does_not() {
    let draws = 20_000;
    // β/2 is what the hybrid estimate may be off by; 4 standard errors of a share of the draws.
    let slack = 0.005 / 2.0 + 4.0 * 0.5 / f64::from(draws).sqrt();
    let cov = common_control(3, 1.0);
    for means in [[0.0, 0.0, 0.0], [0.0, 0.5, 1.0], [0.0, 0.0, 3.0]] {
        let stream = Stream::new("winner", "test", 20_261_125);
        let (mut above, mut bias) = (0u32, 0.0);
        for draw in 0..draws {
            let mut random = stream.generator(u64::from(draw as u32));
            let mut z = || normal_isf(random.uniform());
            let shared = z();
            // Three treatments against one control of the same size.
            let x = means.map(|m| m + (shared + z()) * 0.5f64.sqrt());
            let k = (0..3).fold(0, |best, j| if x[j] > x[best] { j } else { best });
            let winner = Winner::new(&x, &cov, k, &[0, 1, 2], 0.005).unwrap();
            above += u32::from(winner.estimate() >= means[k]);
            bias += (x[k] - means[k]) / f64::from(draws);
        }
        let share = f64::from(above) / f64::from(draws);
        assert!((share - 0.5).abs() < slack, "{means:?}: {share}");
        if means == [0.0; 3] {
            let want = reference("winner.json")["best_of_three_equal"]["bias"]
                .as_f64()
                .unwrap();
            // sd of the largest of three is below 1.
            assert!(
                (bias - want).abs() < 4.0 / f64::from(draws).sqrt(),
                "{bias}"
            );
            assert!((want - 0.6).abs() < 0.002);
        }
    }
}

#[test]
fn perfect_information_agrees_with_adaptive_integration() {
    let all = reference("choice.json");
    for r in all["one"].as_array().unwrap() {
        let get = |key: &str| r[key].as_f64();
        let got = expected_gain(get("mean").unwrap(), get("sd").unwrap(), get("df")).unwrap();
        let scale = get("sd").unwrap();
        let want = get("expected_best").unwrap();
        assert!(
            (got - want).abs() <= INTEGRAL * scale,
            "{}: {got} {want}",
            r["id"]
        );
    }
    for r in all["two"].as_array().unwrap() {
        let (means, cov) = (numbers(&r["means"]), numbers(&r["cov"]));
        let got = expected_best_of_two([means[0], means[1]], [cov[0], cov[1], cov[2]]).unwrap();
        let want = r["expected_best"].as_f64().unwrap();
        assert!(
            (got - want).abs() <= INTEGRAL * cov[0].sqrt(),
            "{}: {got} {want}",
            r["id"]
        );
        let turned = expected_best_of_two([means[1], means[0]], [cov[2], cov[1], cov[0]]);
        assert!(close(got, turned.unwrap(), INTEGRAL));
    }
    assert_eq!(expected_gain(1.0, 2.0, Some(1.0)), None);
    assert_eq!(expected_gain(f64::NAN, 2.0, None), None);
    assert_eq!(expected_gain(-3.0, 0.0, None), Some(0.0));
}

#[test]
fn the_hand_worked_case_of_one_arm_and_no_roll_out() {
    // NPV is normal with a mean of half its standard deviation: u = ½, so perfect information is
    // worth sd·(φ(½) − ½·(1 − Φ(½))) = sd·(.352065327 − .154268769) = .197796557·sd.
    let (_, per_day) = slopes();
    let (cost, se) = (5000.0, 0.0007);
    let sd = per_day * se;
    let (plan, effect) = arms(&[(sd / 2.0 + cost) / per_day], &[cost], vec![vec![se * se]]);
    let case = evaluate(&effect, &plan, 1).unwrap();
    assert!(close(case.arms[0].npv.unwrap().value, sd / 2.0, 1e-9));
    let information = case.choice.unwrap().perfect_information.unwrap();
    assert!((information.value / sd - 0.197_796_557).abs() < HAND_WORKED);
    assert_eq!(information.se, 0.0);
    // The draws say the same where an assumption is uncertain, but for their error.
    let mut uncertain = plan.clone();
    business(&mut uncertain).annual_discount_rate = Assumption::Triangular {
        low: 0.0799,
        mode: 0.08,
        high: 0.0801,
    };
    let drawn = evaluate(&effect, &uncertain, 1).unwrap();
    let drawn = drawn.choice.unwrap().perfect_information.unwrap();
    assert!((drawn.value - information.value).abs() < 0.01 * information.value);
}

#[test]
fn two_arms_have_perfect_information_by_integral_and_three_by_draws() {
    let (_, per_day) = slopes();
    let se = 0.0007;
    let sd = per_day * se;
    let two = |k: usize| {
        let means: Vec<f64> = [0.3, 0.5, -40.0][..k].iter().map(|u| u * se).collect();
        let (plan, effect) = arms(&means, &[0.0; 3][..k], common_control(k, se));
        evaluate(&effect, &plan, 1).unwrap().choice.unwrap()
    };
    let exact = two(2).perfect_information.unwrap();
    let want = expected_best_of_two([0.3, 0.5], [1.0, 0.5, 1.0]).unwrap() - 0.5;
    assert!((exact.value / sd - want).abs() < HAND_WORKED && exact.se == 0.0);
    // A third arm that is never the best changes nothing, but takes the draws.
    let drawn = two(3).perfect_information.unwrap();
    assert!(drawn.se > 0.0);
    assert!((drawn.value - exact.value).abs() < 4.0 * drawn.se);
}

#[test]
fn dominance_and_further_contacts_agree_with_brute_force() {
    let (contacts, _) = slopes();
    for r in reference("choice.json")["frontiers"].as_array().unwrap() {
        let points: Vec<Vec<f64>> = r["points"]
            .as_array()
            .unwrap()
            .iter()
            .map(numbers)
            .collect();
        assert_eq!(points[0], [0.0, 0.0]);
        let means: Vec<f64> = points[1..].iter().map(|p| p[1] / contacts).collect();
        let costs: Vec<f64> = points[1..].iter().map(|p| p[0]).collect();
        let (plan, effect) = arms(&means, &costs, common_control(means.len(), 1e-4));
        let choice = evaluate(&effect, &plan, 1).unwrap().choice.unwrap();
        let place = |arm: &Option<String>| match arm {
            None => 0,
            Some(name) => 1 + effect.arms.iter().position(|a| a == name).unwrap(),
        };
        let costs: Vec<f64> = choice.options.iter().map(|o| o.cost).collect();
        assert!(costs.is_sorted());
        let kept: Vec<_> = choice
            .options
            .iter()
            .filter(|o| o.standing == Standing::Frontier)
            .collect();
        let order: Vec<f64> = kept.iter().map(|o| place(&o.arm) as f64).collect();
        assert_eq!(order, numbers(&r["frontier"]), "{points:?}");
        for (option, want) in kept.iter().zip(r["ratios"].as_array().unwrap()) {
            match (option.cost_per_further_contact, want.as_f64()) {
                (Some(got), Some(want)) => assert!(close(got, want, 1e-9), "{got} {want}"),
                (got, want) => assert_eq!(got, want),
            }
        }
        let dominated = numbers(&r["dominated"]);
        for option in &choice.options {
            let is = dominated.contains(&(place(&option.arm) as f64));
            assert_eq!(option.standing == Standing::Dominated, is, "{option:?}");
        }
    }
}

#[test]
fn acceptability_adds_up_and_follows_the_value_of_a_contact() {
    let (plan, effect) = arms(
        &[0.002, 0.003],
        &[4000.0, 30_000.0],
        common_control(2, 0.0005),
    );
    let choice = evaluate(&effect, &plan, 1).unwrap().choice.unwrap();
    let rows = &choice.acceptability;
    assert_eq!(rows.len(), 41 * 3);
    for group in rows.chunks(3) {
        let total: f64 = group.iter().map(|r| r.probability).sum();
        assert!((total - 1.0).abs() < 1e-12);
        assert_eq!(group.iter().filter(|r| r.best_on_average).count(), 1);
        assert!(group.iter().all(|r| r.value == group[0].value));
    }
    // A contact without value is worth no spend.
    assert_eq!((rows[0].arm.as_deref(), rows[0].probability), (None, 1.0));
    let last = &rows[rows.len() - 3..];
    assert!(last[0].probability < 0.01);
    assert!(choice.value_of_contact.unwrap() > 0.0);
}

fn row<'a>(case: &'a BusinessCase, key: &str) -> &'a pilot::finance::TornadoRow {
    case.tornado.iter().find(|r| r.key == key).unwrap()
}

fn npv(plan: &Experiment, effect: &JointEffect) -> f64 {
    evaluate(effect, plan, 1).unwrap().arms[0]
        .npv
        .unwrap()
        .value
}

#[test]
fn a_bar_of_the_tornado_is_the_case_with_one_thing_changed() {
    let (mut plan, effect) = arms(&[0.003], &[2000.0], vec![vec![1e-6]]);
    let b = business(&mut plan);
    let churn = Assumption::Triangular {
        low: 0.0,
        mode: 0.01,
        high: 0.06,
    };
    b.churn_per_month = churn;
    plan.arms[1].running_cost_per_month = Assumption::Normal {
        mean: 90.0,
        sd: 20.0,
    };
    let case = evaluate(&effect, &plan, 1).unwrap();
    // Not stated: half-life 9 months, half to double; realisation from nothing to all.
    for (months, got) in [
        (4.5, row(&case, "half_life_months").npv_low),
        (18.0, row(&case, "half_life_months").npv_high),
    ] {
        let mut other = plan.clone();
        business(&mut other).half_life = Some(HalfLife::Months(Assumption::Fixed(months)));
        assert!(close(got, npv(&other, &effect), IDENTITY));
    }
    for (share, got) in [
        (0.0, row(&case, "realisation").npv_low),
        (1.0, row(&case, "realisation").npv_high),
    ] {
        let mut other = plan.clone();
        business(&mut other).realisation = Some(Assumption::Fixed(share));
        assert!(close(got, npv(&other, &effect), IDENTITY));
    }
    let bar = row(&case, "churn_per_month");
    assert_eq!(bar.range, TornadoRange::Percentiles);
    // Triangle (0, .01, .06): F⁻¹(.05) = √(.05·.06·.01), F⁻¹(.95) = .06 − √(.05·.06·.05).
    assert!(close(bar.low, (0.05f64 * 0.06 * 0.01).sqrt(), IDENTITY));
    assert!(close(
        bar.high.unwrap(),
        0.06 - (0.05f64 * 0.06 * 0.05).sqrt(),
        IDENTITY
    ));
    for (share, got) in [(bar.low, bar.npv_low), (bar.high.unwrap(), bar.npv_high)] {
        let mut other = plan.clone();
        business(&mut other).churn_per_month = Assumption::Fixed(share);
        assert!(close(got, npv(&other, &effect), IDENTITY));
    }
    let bar = row(&case, "effect");
    let half = normal_isf(0.05) * 1e-3 * DAYS_PER_MONTH;
    assert!(close(bar.low, 0.003 * DAYS_PER_MONTH - half, 1e-9));
    let mut low = effect.clone();
    low.mean[0] = bar.low / DAYS_PER_MONTH;
    assert!(close(bar.npv_low, npv(&plan, &low), 1e-9));
    assert!(
        case.tornado
            .iter()
            .any(|r| r.key == "arms.arm-0.running_cost_per_month")
    );
    let lengths: Vec<f64> = case
        .tornado
        .iter()
        .map(|r| -(r.npv_high - r.npv_low).abs())
        .collect();
    assert!(lengths.is_sorted());
    // Without fade the bar is against one year.
    let mut endless = plan.clone();
    business(&mut endless).half_life = Some(HalfLife::None);
    let case = evaluate(&effect, &endless, 1).unwrap();
    let bar = row(&case, "half_life_months");
    assert_eq!((bar.low, bar.high), (12.0, None));
    business(&mut endless).half_life = Some(HalfLife::Months(Assumption::Fixed(12.0)));
    assert!(close(bar.npv_low, npv(&endless, &effect), IDENTITY));
}

/// Numbers of a column of embedded draws.
fn decode(text: &str) -> Vec<f64> {
    let digits = text.as_bytes().chunks(4);
    digits
        .map(|d| f64::from(u16::from_str_radix(std::str::from_utf8(d).unwrap(), 16).unwrap()))
        .collect()
}

#[test]
fn the_embedded_draws_redo_the_case() {
    let (mut plan, effect) = arms(&[0.003, 0.0028], &[20_000.0; 2], common_control(2, 0.0008));
    business(&mut plan).realisation = Some(Assumption::Triangular {
        low: 0.2,
        mode: 0.5,
        high: 0.8,
    });
    let case = evaluate(&effect, &plan, 1).unwrap();
    let summary = case.draws_summary.as_ref().unwrap();
    assert_eq!(summary.draws, 2000);
    let [realisation] = &summary.assumptions[..] else {
        panic!("one uncertain assumption")
    };
    let u = decode(&realisation.u);
    assert_eq!(u.len(), 2000);
    let mean = u.iter().sum::<f64>() / 2000.0 / 65_536.0;
    assert!((mean - 0.5).abs() < 4.0 * 0.289 / 2000f64.sqrt());
    for (arm, draws) in case.arms.iter().zip(&summary.effects) {
        assert_eq!(arm.arm, draws.arm);
        let effect = draws.contacts + draws.base_z * draws.contacts_se;
        assert!(close(effect, arm.avoided_per_customer_month.value, 1e-12));
        let z: Vec<f64> = decode(&draws.z)
            .iter()
            .map(|n| (n - 32_768.0) / 1000.0)
            .collect();
        assert_eq!(z.len(), 2000);
        // NPV at each draw, by the case's own line at base: linear in the effect, and in the
        // realisation but for the variable part.
        let with = |realisation: f64| {
            let mut at = plan.clone();
            business(&mut at).realisation = Some(Assumption::Fixed(realisation));
            let alone = JointEffect {
                arms: vec![arm.arm.clone()],
                mean: vec![1.0],
                cov: vec![vec![1.0]],
                ..effect_of(&at)
            };
            let case = evaluate(&alone, &at, 1).unwrap();
            case.arms[0].pv_savings.unwrap().value / DAYS_PER_MONTH
        };
        let (nothing, all) = (with(0.0), with(1.0));
        let triangle = |u: f64| match u {
            u if u <= 0.5 => 0.2 + (u * 0.6 * 0.3).sqrt(),
            u => 0.8 - ((1.0 - u) * 0.6 * 0.3).sqrt(),
        };
        let mut npv: Vec<f64> = z
            .iter()
            .zip(&u)
            .map(|(z, u)| {
                let share = triangle((u + 0.5) / 65_536.0);
                let slope = nothing + share * (all - nothing);
                (draws.contacts + z * draws.contacts_se) * slope - 20_000.0
            })
            .collect();
        npv.sort_by(f64::total_cmp);
        let line = arm.npv.unwrap();
        // A 2.5 % quantile of 2,000 draws: its rank is 50 ± 4·7.
        assert!(
            (npv[22]..npv[78]).contains(&line.lower.unwrap()),
            "{line:?}"
        );
        assert!(
            (npv[1922]..npv[1977]).contains(&line.upper.unwrap()),
            "{line:?}"
        );
        let positive = npv.iter().filter(|v| **v > 0.0).count() as f64 / 2000.0;
        assert!(
            (positive - arm.probability_npv_positive.unwrap()).abs() < 4.0 * 0.5 / 2000f64.sqrt()
        );
    }
}

fn effect_of(_: &Experiment) -> JointEffect {
    arms(&[1.0], &[0.0], vec![vec![1.0]]).1
}

#[test]
fn the_headline_is_corrected_for_the_choice_and_the_estimate_stands_beside() {
    let headline = |gap: f64| {
        let (plan, effect) = arms(
            &[0.001, 0.001 - gap],
            &[500.0; 2],
            common_control(2, 0.0005),
        );
        evaluate(&effect, &plan, 1).unwrap()
    };
    let (near, far) = (headline(0.00005), headline(0.01));
    let shrunk = |arm: &ArmCase| {
        let raw = arm.as_estimated.as_ref().unwrap().npv.unwrap().value;
        arm.npv.unwrap().value / raw
    };
    assert_eq!(near.best.as_deref(), Some("arm-0"));
    assert!(shrunk(&near.arms[0]) < 0.9);
    // Nothing is corrected where the other one was never near.
    assert!((shrunk(&far.arms[0]) - 1.0).abs() < 1e-6);
    assert!(near.arms[1].as_estimated.is_none());
    let p = |arm: &ArmCase| arm.probability_npv_positive.unwrap();
    let raw = near.arms[0].as_estimated.as_ref().unwrap();
    assert!(p(&near.arms[0]) < raw.probability_npv_positive.unwrap());
    assert!(near.notes.iter().any(|n| n.contains("hybrid")));
    // The order of arms changes nothing.
    let (plan, effect) = arms(&[0.00095, 0.001], &[500.0; 2], common_control(2, 0.0005));
    let turned = evaluate(&effect, &plan, 1).unwrap();
    assert!(close(
        turned.arms[1].npv.unwrap().value,
        near.arms[0].npv.unwrap().value,
        IDENTITY
    ));
}

#[test]
fn minutes_and_not_contacts_are_what_is_saved() {
    // Preventing 40 % of the 4-minute contacts (6 of 10) and 5 % of the 10-minute ones: 26 % of
    // contacts, 1.16 of 6.4 minutes; contacts × average cost would overstate by 43 %.
    let (mut plan, mut effect) = arms(&[0.26 * 0.05], &[0.0], vec![vec![1e-6]]);
    effect.minutes = Some(pilot::analysis::MinutesEffect {
        mean: vec![1.16 * 0.05],
        cov: vec![vec![4e-5]],
        df: None,
        control_rate: 6.4 * 0.05,
    });
    let cost = |v: f64| UnitCost {
        variable: Assumption::Fixed(v),
        labour: Assumption::Fixed(0.0),
    };
    business(&mut plan).cost = Some(CostBasis::PerMinute(cost(1.0)));
    let minutes = evaluate(&effect, &plan, 1).unwrap();
    // The average contact takes 6.4 minutes.
    business(&mut plan).cost = Some(CostBasis::PerContact(cost(6.4)));
    let contacts = evaluate(&effect, &plan, 1).unwrap();
    let saved = |case: &BusinessCase| case.arms[0].pv_savings.unwrap().value;
    let over = saved(&contacts) / saved(&minutes) - 1.0;
    assert!((over - 0.434).abs() < 0.001, "{over}");
    assert!(close(
        over,
        minutes.arms[0].overstated_by_contacts.unwrap(),
        IDENTITY
    ));
    assert!(contacts.arms[0].overstated_by_contacts.is_none());
    let warned = pilot::finance::warnings(&plan, &contacts);
    assert!(
        warned
            .iter()
            .any(|w| w.id == "contacts-without-minutes" && w.message.contains("may be overstated"))
    );
    assert!(pilot::finance::warnings(&plan, &minutes).is_empty());
    let share = 1.16 / 6.4;
    assert!((share - 0.18f64).abs() < 0.002);
}
