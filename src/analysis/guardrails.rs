//! Guardrails: margins on the scale of the estimates, and how clearly each is kept.

use crate::error::Result;
use crate::experiment::{Better, Experiment, Outcome, OutcomeKind, Role};
use crate::stats::dist::t_sf;
use crate::stats::proportion::{Count, not_worse};
use crate::stats::{DetailValue, Estimand, Estimator};
use crate::table::{ArmId, Comparison, ContactTable, Decimals, Side};

use super::model::EstimateRow;
use super::scale::scale;

/// Puts into the detail of each guardrail's deciding rows `margin`, in the row's unit, and
/// `p_non_inferiority`, the one-sided p of harm at or beyond the margin.
///
/// The plan's margin is in the outcome's own unit: per customer over the after window (where
/// exposure varies, over the mean exposure of both arms), a share as a share. Rows that are shown
/// per so many days have it rescaled with them, so that `per_days` decides nothing.
///
/// *Formula* — p = P(T > (margin − harm)/se), harm = the difference away from `better`; of shares
/// the tail at which Newcombe's bound meets the margin. A guardrail holds at level alpha where
/// p < alpha/2: that is where the two-sided 1 − alpha interval lies inside the margin.
///
/// # Errors
/// Sums that exceed 127 bits.
pub fn add_margins(
    experiment: &Experiment,
    tables: &[ContactTable],
    estimates: &mut [EstimateRow],
) -> Result<()> {
    for (outcome, table) in experiment.outcomes.iter().zip(tables) {
        let (Role::Guardrail, Some(margin)) = (outcome.role, outcome.margin) else {
            continue;
        };
        let rows = estimates.iter_mut().filter(|r| {
            r.primary && r.outcome == outcome.name && r.estimand == Estimand::Difference
        });
        for row in rows {
            let Some(arm) = experiment.arms.iter().position(|a| a.name == row.arm) else {
                continue;
            };
            let control = ArmId(experiment.control() as u16);
            let c = Comparison::new(table, ArmId(arm as u16), control)?;
            let margin = margin * factor(experiment, outcome, &c, row);
            if !margin.is_finite() {
                continue;
            }
            let p = non_inferiority(outcome, &c, row, margin);
            let mut put = |key: &str, v| row.detail.insert(key.into(), DetailValue::Number(v));
            put("margin", margin);
            if let Some(p) = p {
                put("p_non_inferiority", p);
            }
        }
    }
    Ok(())
}

/// How a guardrail stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuardrailStanding {
    /// The interval lies inside the margin.
    Holds,
    /// It reaches beyond the margin.
    Open,
    /// It lies beyond the margin: the arm does harm.
    Broken,
}

/// The two-sided interval by which a guardrail is judged, also where the plan's tests are one-sided.
pub fn two_sided(row: &EstimateRow) -> Option<(f64, f64)> {
    match row.detail.get("ci_two_sided") {
        Some(DetailValue::Numbers(ends)) if ends.len() == 2 => Some((ends[0], ends[1])),
        _ => row.ci_lower.zip(row.ci_upper),
    }
}

/// How a guardrail stands against its margin in the row's unit; `None` where the row is no difference
/// or has no interval.
pub fn guardrail_standing(
    row: &EstimateRow,
    better: Better,
    margin: f64,
) -> Option<GuardrailStanding> {
    if row.estimand != Estimand::Difference {
        return None;
    }
    let (lower, upper) = two_sided(row)?;
    // Harm per unit of the outcome: least and most that the interval allows.
    let (least, most) = match better {
        Better::Lower => (lower, upper),
        Better::Higher => (-upper, -lower),
    };
    Some(if most < margin {
        GuardrailStanding::Holds
    } else if least > margin {
        GuardrailStanding::Broken
    } else {
        GuardrailStanding::Open
    })
}

/// From the outcome's own unit to the row's.
fn factor(
    experiment: &Experiment,
    outcome: &Outcome,
    c: &Comparison<'_>,
    row: &EstimateRow,
) -> f64 {
    let shown = scale(experiment, outcome, c.table());
    let rate = row.unit == shown.rate_unit && c.constant_exposure().is_none();
    if !rate {
        return shown.window;
    }
    let (t, k) = (&c.treatment.total, &c.control.total);
    let mean =
        (t.e + k.e) as f64 * Decimals::unit(c.table().decimals().exposure) / (t.n + k.n) as f64;
    shown.rate / mean
}

fn non_inferiority(
    outcome: &Outcome,
    c: &Comparison<'_>,
    row: &EstimateRow,
    margin: f64,
) -> Option<f64> {
    if outcome.kind == OutcomeKind::Proportion && row.estimator == Estimator::Proportion {
        let one = 10i64.pow(u32::from(c.table().decimals().after));
        let of = |side: &Side| Count {
            // Σy is one a success, so it fits where n does.
            successes: (side.total.y / i128::from(one)) as u64,
            n: side.total.n,
        };
        let (t, k) = (of(&c.treatment), of(&c.control));
        return Some(match outcome.better {
            Better::Lower => not_worse(t, k, margin),
            Better::Higher => not_worse(k, t, margin),
        });
    }
    let se = row.se.filter(|se| *se > 0.0)?;
    let harm = match outcome.better {
        Better::Lower => row.value,
        Better::Higher => -row.value,
    };
    // An interval without a standard error behind it has no such p.
    row.p_value?;
    Some(t_sf((margin - harm) / se, row.df))
}
