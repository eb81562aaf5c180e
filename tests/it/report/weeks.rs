//! Weekly effects, and effects by segment, of the report's fixture.

use pilot::analysis::{FadeRow, SegmentRow, SegmentTest, Segments, Unit, WeekRow, Weekly};
use pilot::report::ArmInfo;
use pilot::stats::{Estimand, Estimator};

const WEEKS: u32 = 8;
const LEVEL: f64 = 0.95;
/// Deviations from the curve, in standard errors.
const OFF: [f64; 8] = [0.3, -0.8, 0.5, 0.1, -1.2, 0.9, -0.2, 0.4];

/// Effects that begin at `start(i)` for treatment i and lose half in five weeks.
pub fn weekly(arms: &[&ArmInfo], customers: u64, start: impl Fn(usize) -> f64) -> Weekly {
    let mut weekly = Weekly::default();
    let unit = Unit::from("contacts per customer per week");
    for (i, arm) in arms.iter().enumerate() {
        let (start, half_life, se) = (start(i), 5.0 + i as f64, 0.011);
        let rate = std::f64::consts::LN_2 / half_life;
        for week in 1..=WEEKS {
            let fitted = start * (-rate * f64::from(week - 1)).exp();
            let value = fitted + se * OFF[week as usize - 1];
            weekly.rows.push(WeekRow {
                outcome: "fee-contacts".into(),
                arm: arm.name.clone(),
                control: "control".into(),
                week,
                n_arm: customers,
                n_control: customers,
                mean_arm: 0.3 + value,
                mean_control: 0.3,
                value,
                se: Some(se),
                df: Some(9000.0),
                ci_lower: Some(value - 1.96 * se),
                ci_upper: Some(value + 1.96 * se),
                level: LEVEL,
                fitted: Some(fitted),
                unit: unit.clone(),
            });
        }
        weekly.fades.push(FadeRow {
            outcome: "fee-contacts".into(),
            arm: arm.name.clone(),
            weeks: WEEKS,
            constant: Some(start * 0.6),
            constant_se: Some(0.004),
            trend: Some(-start * 0.08),
            trend_se: Some(0.002),
            z: Some(-start * 40.0),
            p_value: Some(if start == 0.0 { 0.9 } else { 0.0004 }),
            fading: Some(true),
            start: Some(start),
            start_se: Some(0.008),
            rate: Some(rate),
            rate_se: Some(0.03),
            half_life_weeks: Some(half_life),
            half_life_lower: Some(half_life * 0.7),
            half_life_upper: (i % 2 == 0).then_some(half_life * 2.5),
            level: LEVEL,
            unit: unit.clone(),
            why: None,
        });
    }
    weekly
}

/// Effects by plan, of which the last loses its sign.
pub fn segments(arms: &[&ArmInfo], customers: u64, effect: impl Fn(usize) -> f64) -> Segments {
    let mut segments = Segments::default();
    let unit = Unit::from("contacts per customer per 30 days");
    for (i, arm) in arms.iter().enumerate() {
        segments.tests.push(SegmentTest {
            outcome: "fee-contacts".into(),
            column: "plan".into(),
            arm: arm.name.clone(),
            estimand: Estimand::Difference,
            estimator: Estimator::Lin,
            segments: 3,
            q: Some(1.7),
            df: Some(2.0),
            p_value: Some(0.43),
            tau: Some(0.0),
            mean: Some(effect(i)),
            unit: unit.clone(),
            why: None,
        });
        for (segment, factor) in [("basic", 1.2), ("=plus", 0.9), ("premium", -0.2)] {
            let (value, se) = (effect(i) * factor, 0.06);
            segments.rows.push(SegmentRow {
                outcome: "fee-contacts".into(),
                column: "plan".into(),
                segment: segment.into(),
                arm: arm.name.clone(),
                n_arm: customers / 3,
                n_control: customers / 3,
                value,
                se: Some(se),
                ci_lower: Some(value - 1.96 * se),
                ci_upper: Some(value + 1.96 * se),
                p_value: Some(0.02),
                p_adjusted: Some(0.06),
                shrunk: Some(effect(i)),
                shrunk_lower: Some(effect(i) - 0.07),
                shrunk_upper: Some(effect(i) + 0.07),
                level: LEVEL,
                unit: unit.clone(),
            });
        }
    }
    segments
}
