//! Inference over two stages against rpact and mvtnorm, and identities.

use pilot::stats::dist::{normal_isf, normal_sf};
use pilot::stats::sequential::{
    Boundary, Design, Monitor, Now, Passed, Spending, Stage, StageWise, StillNeeded, TwoStages,
    inverse_normal_p, on_both, stage_fractions,
};
use proptest::prelude::*;
use serde_json::Value;

use crate::counts_support::{close, number, numbers, record};

/// rpact stops its search for alpha at 1e-10, which leaves up to 1e-6 in z.
const BOUNDARY: f64 = 1e-6;
/// p and z of the stages and of their combination are closed forms of t.
const CLOSED: f64 = 1e-10;
/// Bivariate integrals: Miwa's algorithm with 4097 steps and uniroot to 1e-12, and rpact's own
/// integration, agree with each other to 3e-8.
const INTEGRAL: f64 = 1e-6;
/// rpact's search for the repeated p stops near this, absolutely.
const REPEATED: f64 = 1e-6;
/// The same integral by the same formulas.
const SAME: f64 = 1e-9;

fn pair(values: &Value, key: &str) -> [f64; 2] {
    let list = numbers(values, key);
    [list[0], list[1]]
}

fn stages(values: &Value) -> [Stage; 2] {
    let (effect, se) = (pair(values, "effect"), pair(values, "se"));
    [0, 1].map(|k| Stage {
        effect: effect[k],
        se: se[k],
    })
}

/// A first stage without looks before its end.
fn end(critical: f64, share: f64) -> Vec<Passed> {
    vec![Passed {
        information: 1.0,
        fraction: share,
        critical,
    }]
}

fn both(values: &Value, critical: f64, sides: u8) -> TwoStages {
    let weights = pair(values, "weights");
    let looks = end(critical, stage_fractions(&weights)[0]);
    TwoStages::new(&looks, stages(values), weights, sides).unwrap()
}

fn monitor(weights: [f64; 2], alpha: f64, sides: u8, pocock: bool) -> Monitor {
    let spending = match pocock {
        true => Spending::Pocock,
        false => Spending::ObrienFleming,
    };
    Monitor::new(Design {
        boundary: Boundary::Spending(spending),
        information: stage_fractions(&weights),
        alpha,
        sides,
        futility: None,
    })
    .unwrap()
}

fn last() -> Now {
    Now {
        number: 2,
        information: 1.0,
        fraction: 1.0,
        ending: true,
    }
}

/// p, median and interval of a record.
fn inference(id: &str, r: &Value, found: &TwoStages, alpha: f64) {
    close(id, found.z(), number(r, "z_combined"), CLOSED);
    close(id, found.p(), number(r, "p_both"), INTEGRAL);
    for (tail, key) in [
        (0.5, "median"),
        (alpha / 2.0, "lower"),
        (1.0 - alpha / 2.0, "upper"),
    ] {
        let gap = (found.effect_at(tail).unwrap() - number(r, key)).abs();
        assert!(gap < INTEGRAL * found.se(), "{id} {key}: {gap:e}");
    }
}

#[test]
fn inference_over_both_stages_agrees_with_rpact_and_pmvnorm() {
    for id in [
        "rpact_as_planned",
        "rpact_enlarged",
        "rpact_shrunk",
        "rpact_pocock",
        "rpact_no_effect",
    ] {
        let r = record("stages.json", id);
        let critical = pair(&r, "critical_z");
        let found = both(&r, critical[0], 1);
        inference(id, &r, &found, 2.0 * number(&r, "alpha"));
        let exact = record("stages.json", &format!("{id}_pmvnorm"));
        inference(id, &exact, &found, number(&exact, "alpha"));
        close(id, found.effect(), number(&exact, "estimate"), CLOSED);
        close(id, found.se(), number(&exact, "se_combined"), CLOSED);
        let p = inverse_normal_p(&numbers(&r, "p"), &pair(&r, "weights")).unwrap();
        close(id, found.z(), p, 1e-9);
        // Boundaries and the repeated p, by the plan's own monitor.
        let weights = pair(&r, "weights");
        let monitor = monitor(weights, number(&r, "alpha"), 1, r["type"] == "asP");
        for (look, z) in monitor.design().looks().unwrap().iter().zip(critical) {
            close(id, look.z, z, BOUNDARY);
        }
        let passed = on_both(&end(critical[0], stage_fractions(&weights)[0]), weights).unwrap();
        let repeated = monitor.repeated_p(&passed, last(), found.z()).unwrap();
        let theirs = number(&r, "repeated_p");
        // rpact gives no repeated p above .5.
        assert!(
            theirs > 0.49 || (repeated - theirs).abs() < REPEATED,
            "{id}: {repeated} is not {theirs}"
        );
    }
    for id in ["two_sided_enlarged", "two_sided_harm"] {
        let r = record("stages.json", id);
        let found = both(&r, number(&r, "critical_first"), 2);
        inference(id, &r, &found, number(&r, "alpha"));
        let monitor = monitor(pair(&r, "weights"), number(&r, "alpha"), 2, false);
        for (look, z) in monitor
            .design()
            .looks()
            .unwrap()
            .iter()
            .zip(pair(&r, "critical_z"))
        {
            close(id, look.z, z, BOUNDARY);
        }
    }
}

#[test]
fn halves_of_real_data_agree_with_rpact() {
    for id in ["cgd", "btheb", "nsw"] {
        let r = record("stages.json", id);
        let found = both(&r, pair(&r, "critical_z")[0], 1);
        inference(id, &r, &found, 2.0 * number(&r, "alpha"));
        let p = numbers(&r, "p");
        for (stage, p) in stages(&r).iter().zip(&p) {
            close(id, normal_sf(stage.effect / stage.se), *p, CLOSED);
        }
        close(id, found.z(), number(&r, "z_rpact"), CLOSED);
        close(id, found.p(), number(&r, "p_rpact"), INTEGRAL);
    }
}

#[test]
fn conditional_power_agrees_with_rpact() {
    for id in ["power_120", "power_400", "power_50"] {
        let r = record("stages.json", id);
        let critical = pair(&r, "critical_z")[1];
        let needed = StillNeeded::after(number(&r, "z"), pair(&r, "weights"), critical).unwrap();
        let (effect, se) = (number(&r, "effect"), number(&r, "se_second"));
        let power = number(&r, "power");
        close(id, needed.power(effect, se), power, BOUNDARY);
        // Size and power invert each other.
        let first = number(&r, "se_first");
        let times = needed
            .times(effect, first, needed.power(effect, se))
            .unwrap();
        close(id, times, (first / se).powi(2), 1e-9);
        close(id, needed.power(0.0, se), needed.error_rate(), SAME);
    }
    let needed = StillNeeded { z: 1.0 };
    assert!(needed.times(0.0, 1.0, 0.8).is_err() && needed.times(1.0, 1.0, 1.0).is_err());
    assert!(needed.times(f64::NAN, 1.0, 0.8).is_err());
    assert!(StillNeeded::after(1.0, [1.0, 0.0], 2.0).is_err());
}

#[test]
fn a_second_stage_of_the_planned_size_is_one_more_look() {
    let looks = [(20.0, 3.2), (40.0, 2.7)].map(|(information, critical)| Passed {
        information,
        fraction: information / 80.0,
        critical,
    });
    let stages = [1.6, 1.9].map(|effect| Stage { effect, se: 1.0 });
    let z = (1.6 + 1.9) / 2f64.sqrt();
    for sides in [1, 2] {
        let found = TwoStages::new(&looks, stages, [1.0, 1.0], sides).unwrap();
        let one = StageWise::new(&looks, 80.0, z, sides).unwrap();
        close("p", found.p(), one.p(), SAME);
        for tail in [0.025, 0.5, 0.975] {
            let drift = one.drift(tail).unwrap();
            let gap = (found.effect_at(tail).unwrap() - drift * found.se()).abs();
            assert!(gap < 1e-8, "{gap:e}");
        }
        // Inverse-variance pooling: the mean of both.
        close("value", found.effect(), 1.75, CLOSED);
    }
}

#[test]
fn without_weight_the_second_stage_says_nothing() {
    let weights = [1.0, 1e-3];
    let stages = |second| [(1.4, 1.0), (second, 0.5)].map(|(effect, se)| Stage { effect, se });
    let p = |second| {
        TwoStages::new(&end(2.5, 1.0), stages(second), weights, 1)
            .unwrap()
            .p()
    };
    // The combined z moves by a thousandth of the second stage's.
    assert!((p(1.0) - normal_sf(1.4)).abs() < 1e-3);
    assert!((p(-1.0) - normal_sf(1.4)).abs() < 1e-3);
}

#[test]
fn stages_that_are_none_are_refused() {
    let stage = |effect, se| Stage { effect, se };
    let fine = [stage(1.0, 1.0), stage(1.0, 1.0)];
    let looks = end(2.5, 0.5);
    for (looks, stages, weights, sides) in [
        (vec![], fine, [1.0, 1.0], 1),
        (looks.clone(), [fine[0], stage(1.0, 0.0)], [1.0, 1.0], 1),
        (
            looks.clone(),
            [fine[0], stage(1.0, f64::NAN)],
            [1.0, 1.0],
            1,
        ),
        (
            looks.clone(),
            [fine[0], stage(f64::INFINITY, 1.0)],
            [1.0, 1.0],
            1,
        ),
        (looks.clone(), fine, [1.0, 0.0], 1),
        (looks.clone(), fine, [1.0, f64::NAN], 1),
        (looks.clone(), fine, [1.0, 1e-12], 1),
        (looks.clone(), fine, [1.0, 1.0], 3),
        ([end(2.5, 0.5), end(2.5, 0.5)].concat(), fine, [1.0, 1.0], 1),
        (end(f64::NAN, 0.5), fine, [1.0, 1.0], 1),
    ] {
        assert!(TwoStages::new(&looks, stages, weights, sides).is_err());
    }
    let found = TwoStages::new(&looks, fine, [1.0, 1.0], 1).unwrap();
    assert!(found.effect_at(0.0).is_err() && found.effect_at(f64::NAN).is_err());
    // Far beyond anything: still a p, still an interval.
    let far = [stage(1e6, 1.0), stage(1e6, 1e-3)];
    let found = TwoStages::new(&looks, far, [1.0, 1.0], 2).unwrap();
    assert!(found.p() > 0.0 && found.p() < 0.02 && found.effect_at(0.5).unwrap().is_finite());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn units_turn_nothing_and_order_is_kept(
        z in prop::array::uniform2(-3.0..2.0f64),
        se in prop::array::uniform2(0.05..5.0f64),
        weights in prop::array::uniform2(0.2..3.0f64),
        unit in 0.01..100.0f64,
    ) {
        let sides = 2;
        let share = stage_fractions(&weights)[0];
        let critical = monitor(weights, 0.05, sides, false).design().looks().unwrap()[0].z;
        let of = |unit: f64| {
            let stages = [0, 1].map(|k| Stage { effect: z[k] * se[k] * unit, se: se[k] * unit });
            TwoStages::new(&end(critical, share), stages, weights, sides).unwrap()
        };
        let (one, other) = (of(1.0), of(unit));
        prop_assert!((one.p() - other.p()).abs() < 1e-9);
        let (a, b) = (one.effect_at(0.025).unwrap(), other.effect_at(0.025).unwrap());
        prop_assert!((a * unit - b).abs() < 1e-7 * unit * one.se());
        // Only the ratio of the weights counts.
        let stages = [0, 1].map(|k| Stage { effect: z[k] * se[k], se: se[k] });
        let scaled = weights.map(|w| 7.0 * w);
        let scaled = TwoStages::new(&end(critical, share), stages, scaled, sides).unwrap();
        prop_assert!((scaled.p() - one.p()).abs() < 1e-9);
        // Shares sum to 1 and make the estimate.
        let shares = one.shares();
        let pooled: f64 = stages.iter().zip(shares).map(|(s, v)| s.effect * v).sum();
        prop_assert!((shares[0] + shares[1] - 1.0).abs() < 1e-12);
        prop_assert!((pooled - one.effect()).abs() < 1e-9 * one.se().max(pooled.abs()));
        // Interval and p agree at 0, and the ends are in order.
        let (low, mid, high) = (a, one.effect_at(0.5).unwrap(), one.effect_at(0.975).unwrap());
        prop_assert!(low < mid && mid < high);
        if (one.p() - 0.05).abs() > 1e-6 {
            prop_assert_eq!(one.p() < 0.05, low > 0.0 || high < 0.0);
        }
        // Significance by p is crossing the boundary of both stages.
        let both = on_both(&end(critical, share), weights).unwrap();
        let standard = monitor(weights, 0.05, sides, false).standard(&both, last()).unwrap();
        if z[0].abs() < critical && (one.z().abs() - standard.critical).abs() > 1e-6 {
            prop_assert_eq!(one.p() < 0.05, one.z().abs() > standard.critical);
        }
        // What the second stage still needed is what it had, where it just suffices.
        let needed = StillNeeded::after(z[0], weights, one.z()).unwrap();
        prop_assert!((needed.z - z[1]).abs() < 1e-9);
    }
}

#[test]
fn the_error_rate_left_averages_to_what_was_kept() {
    // ∫ (error rate left for the second stage) over the first stages that go on = α − α₁.
    let weights = [0.7, 0.3];
    let monitor = monitor(weights, 0.025, 1, false);
    let looks = monitor.design().looks().unwrap();
    let (first, second) = (looks[0].z, looks[1].z);
    let steps = 40_000;
    let width = (first + 9.0) / f64::from(steps);
    let mean: f64 = (0..steps)
        .map(|i| {
            let z = -9.0 + (f64::from(i) + 0.5) * width;
            let left = StillNeeded::after(z, weights, second).unwrap().error_rate();
            width * pilot::stats::dist::normal_pdf(z) * left
        })
        .sum();
    let kept = 0.025 - normal_sf(first);
    assert!((mean - kept).abs() < 1e-8, "{mean} is not {kept}");
    assert!(first > normal_isf(0.025));
}
