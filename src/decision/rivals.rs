//! Which of several good arms is the better, as far as the pilot can tell.

use crate::analysis::{Covariance, EstimateRow, Shown};
use crate::finance::{ArmCase, BusinessCase};
use crate::stats::Estimand;
use crate::stats::dist::t_isf;
use crate::texts::text;

use super::facts::Facts;
use super::words::{self, money, percent};

/// The difference of two arms' estimates, with its own interval.
///
/// *Formula* — d = θ_j − θ_k, Var d = Σ_jj + Σ_kk − 2Σ_jk from the joint covariance of the estimates
/// (of log ratios for ratios, where the ends are those of the ratio of both ratios); d ± t·√Var with
/// the smaller degrees of freedom. Where arms share only control, as with `welch`, this is the
/// estimate and the error that comparing the two arms directly has.
///
/// *Assumes* — one comparison, named before the data: nothing is adjusted for several arms, looks or
/// for one of the two having come out first, which makes the interval too short if anything.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Difference {
    /// As a row, so that it reads in the unit of the estimates.
    row: EstimateRow,
}

impl Difference {
    /// Of `row` against `other`; `None` where there is no joint error.
    pub fn of(row: &EstimateRow, other: &EstimateRow, joint: &Covariance) -> Option<Self> {
        let place = |r: &EstimateRow| joint.arms.iter().position(|a| a == &r.arm);
        let (j, k) = (place(row)?, place(other)?);
        let cov = &joint.matrix;
        let se = (cov[j][j] + cov[k][k] - cov[j][k] - cov[k][j]).sqrt();
        if !(se > 0.0 && se.is_finite()) || row.estimand != other.estimand {
            return None;
        }
        let df = [row.df, other.df].into_iter().flatten().reduce(f64::min);
        let t = t_isf((1.0 - row.level) / 2.0, df);
        let (value, ends) = match row.estimand {
            Estimand::Difference => {
                let d = row.value - other.value;
                (d, (d - t * se, d + t * se))
            }
            Estimand::Ratio => {
                let d = (row.value / other.value).ln();
                (d.exp(), ((d - t * se).exp(), (d + t * se).exp()))
            }
            // The chances against control do not tell that of one arm against the other.
            Estimand::Probability => return None,
        };
        if !(value.is_finite() && ends.0.is_finite() && ends.1.is_finite()) {
            return None;
        }
        Some(Difference {
            row: EstimateRow {
                control: other.arm.clone(),
                value,
                se: Some(se),
                df,
                ci_lower: Some(ends.0),
                ci_upper: Some(ends.1),
                ci_adjusted_lower: None,
                ci_adjusted_upper: None,
                p_value: None,
                p_adjusted: None,
                detail: Default::default(),
                ..row.clone()
            },
        })
    }

    /// Whether the interval holds no difference.
    fn open(&self, null: f64) -> bool {
        let inside = |end: Option<f64>, below: bool| {
            end.is_none_or(|end| if below { end <= null } else { end >= null })
        };
        inside(self.row.ci_lower, true) && inside(self.row.ci_upper, false)
    }
}

/// What the pilot says of `best` against every other arm on the good side, a sentence each.
pub(super) fn against(best: &Facts, all: &[&Facts], joint: &Covariance) -> Vec<String> {
    let Some(row) = best.row else {
        return Vec::new();
    };
    let others = all.iter().filter(|f| f.arm.name != best.arm.name && f.good);
    others
        .filter_map(|other| {
            let difference = Difference::of(row, other.row?, joint)?;
            let shown = Shown::of(&difference.row);
            let (arm, other) = (&best.arm.title, &other.arm.title);
            let interval = text!(
                "decision.rivals-interval",
                arm,
                other,
                difference = shown.difference(),
                level = percent(difference.row.level),
                range = words::range(shown.lower, shown.upper, |v| shown.change(v))
            );
            Some(match difference.open(shown.null()) {
                true => text!("decision.rivals-open", interval, arm, other),
                false => text!("decision.rivals-apart", interval),
            })
        })
        .collect()
}

/// That NPVs of which only one allows for having come out first are to be compared as estimated: a
/// sentence for every arm whose NPV reads as larger than that of `best` for this reason alone.
pub(super) fn as_estimated(best: &Facts, all: &[&Facts], business: &BusinessCase) -> Vec<String> {
    let raw = |case: &ArmCase| case.as_estimated.as_ref().and_then(|e| e.npv).or(case.npv);
    let counts = |facts: &Facts| Some((facts.case?.npv?.value, raw(facts.case?)?.value));
    let Some((own, estimated)) = counts(best) else {
        return Vec::new();
    };
    let others = all.iter().filter(|f| f.arm.name != best.arm.name);
    others
        .filter_map(|other| {
            let (theirs, their_estimate) = counts(other)?;
            (theirs > own && their_estimate <= estimated).then(|| {
                text!(
                    "decision.rivals-npv",
                    arm = best.arm.title,
                    other = other.arm.title,
                    estimated = money(estimated, business),
                    their_estimate = money(their_estimate, business),
                    corrected = money(own, business)
                )
            })
        })
        .collect()
}
