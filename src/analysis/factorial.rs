//! Arms that cross two interventions: control, the one, the other, both.

use std::collections::BTreeSet;

use crate::experiment::{Experiment, OutcomeKind};
use crate::stats::dist::{t_isf, t_sf};
use crate::stats::{DetailValue, Estimand, Estimator};

use super::model::{EstimateRow, FactorialRow};

/// Two arms with one intervention each (or one set of them), and the arm with both.
struct Square {
    first: usize,
    second: usize,
    both: usize,
}

/// Main effects and interaction of every two interventions that the arms cross.
///
/// *Formula* — with d_A, d_B, d_AB the arms' differences from control (or log ratios): main effect
/// of A ½(d_A + d_AB − d_B), averaged over B absent and present; of B likewise; interaction
/// d_AB − d_A − d_B. Variance c'Σc with the arms' joint covariance Σ, off the diagonal
/// se_j·se_k·b_j·b_k, exact where the arms share only control (`welch`, `delta`, …). Two-sided,
/// not adjusted; t with customers − 4 degrees of freedom for `welch`, the smallest of the three
/// rows' for the others.
///
/// *Source* — Fisher (1935), The Design of Experiments, ch. 6; VanderWeele & Knol (2014), both
/// scales side by side; R `lm_robust(y ~ a * b, se_type = "HC2")`.
pub fn crossed(experiment: &Experiment, estimates: &[EstimateRow]) -> Vec<FactorialRow> {
    let mut rows = Vec::new();
    for square in squares(experiment) {
        for outcome in &experiment.outcomes {
            let deciding = estimates
                .iter()
                .find(|r| r.primary && r.outcome == outcome.name)
                .map(|r| (r.estimator, r.estimand));
            let mut wanted = vec![(Estimator::Welch, Estimand::Difference)];
            if outcome.kind == OutcomeKind::Count {
                wanted.push((Estimator::Delta, Estimand::Ratio));
            }
            // The compliers of two arms are not the same people, so their effects do not add up.
            let adds = |d: &(Estimator, Estimand)| {
                d.1 != Estimand::Probability && d.0 != Estimator::Cace && !wanted.contains(d)
            };
            if let Some(first) = deciding.filter(adds) {
                wanted.insert(0, first);
            }
            for (estimator, estimand) in wanted {
                let find = |arm: usize| {
                    estimates.iter().find(|r| {
                        r.outcome == outcome.name
                            && r.segment.is_none()
                            && r.arm == experiment.arms[arm].name
                            && r.estimator == estimator
                            && r.estimand == estimand
                    })
                };
                let arms = [square.first, square.second, square.both].map(find);
                if let [Some(a), Some(b), Some(ab)] = arms {
                    rows.extend(contrasts(experiment, [a, b, ab]));
                }
            }
        }
    }
    rows
}

/// Every two arms whose interventions, beside control's, are disjoint, with the arm that has both.
fn squares(experiment: &Experiment) -> Vec<Square> {
    let control: BTreeSet<&String> = experiment.arms[experiment.control()]
        .interventions
        .iter()
        .collect();
    let sets: Vec<(usize, BTreeSet<&String>)> = experiment
        .treatments()
        .map(|k| {
            let all = experiment.arms[k].interventions.iter();
            (k, all.filter(|i| !control.contains(i)).collect())
        })
        .collect();
    let mut squares = Vec::new();
    for (at, (first, a)) in sets.iter().enumerate() {
        for (second, b) in &sets[at + 1..] {
            if a.is_empty() || b.is_empty() || !a.is_disjoint(b) {
                continue;
            }
            let union: BTreeSet<&String> = a.union(b).copied().collect();
            let both = sets.iter().filter(|(_, set)| *set == union);
            squares.extend(both.map(|(both, _)| Square {
                first: *first,
                second: *second,
                both: *both,
            }));
        }
    }
    squares
}

fn contrasts(experiment: &Experiment, arms: [&EstimateRow; 3]) -> Vec<FactorialRow> {
    let part = |r: &EstimateRow| {
        let share = match r.detail.get("control_share") {
            Some(DetailValue::Number(b)) => *b,
            _ => return None,
        };
        Some((r.se.filter(|se| *se > 0.0)?, share))
    };
    let [Some(a), Some(b), Some(ab)] = arms.map(part) else {
        return Vec::new();
    };
    let parts = [a, b, ab];
    let ratio = arms[0].estimand == Estimand::Ratio;
    let values = arms.map(|r| if ratio { r.value.ln() } else { r.value });
    if values.iter().any(|v| !v.is_finite()) {
        return Vec::new();
    }
    let covariance = |j: usize, k: usize| {
        let ((sj, bj), (sk, bk)) = (parts[j], parts[k]);
        let shared = if j == k { 1.0 } else { (bj * bk).sqrt() };
        sj * sk * shared
    };
    let df = degrees(arms);
    let alpha = experiment.analysis.alpha;
    let named = [
        ("main-first", [0.5, -0.5, 0.5]),
        ("main-second", [-0.5, 0.5, 0.5]),
        ("interaction", [-1.0, -1.0, 1.0]),
    ];
    let row = |(effect, c): (&str, [f64; 3])| {
        let value: f64 = (0..3).map(|j| c[j] * values[j]).sum();
        let variance: f64 = (0..3)
            .flat_map(|j| (0..3).map(move |k| (j, k)))
            .map(|(j, k)| c[j] * c[k] * covariance(j, k))
            .sum();
        if variance.is_nan() || variance <= 0.0 {
            return None;
        }
        let se = variance.sqrt();
        let reach = t_isf(alpha / 2.0, df) * se;
        let shown = |v: f64| if ratio { v.exp() } else { v };
        let (lower, upper) = (shown(value - reach), shown(value + reach));
        if !(lower.is_finite() && upper.is_finite()) {
            return None;
        }
        Some(FactorialRow {
            outcome: arms[0].outcome.clone(),
            first: arms[0].arm.clone(),
            second: arms[1].arm.clone(),
            both: arms[2].arm.clone(),
            effect: effect.into(),
            estimand: arms[0].estimand,
            estimator: arms[0].estimator,
            value: shown(value),
            se,
            df,
            ci_lower: lower,
            ci_upper: upper,
            level: 1.0 - alpha,
            p_value: (2.0 * t_sf((value / se).abs(), df)).min(1.0),
            primary: arms[0].primary,
            unit: arms[0].unit.clone(),
        })
    };
    named.into_iter().filter_map(row).collect()
}

fn degrees(arms: [&EstimateRow; 3]) -> Option<f64> {
    if arms[0].estimator == Estimator::Welch {
        let customers = arms[0].n_control + arms.iter().map(|r| r.n_arm).sum::<u64>();
        return Some(customers as f64 - 4.0);
    }
    let all: Option<Vec<f64>> = arms.iter().map(|r| r.df).collect();
    all?.into_iter().reduce(f64::min)
}
