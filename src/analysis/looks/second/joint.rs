//! One comparison over both stages.

use crate::analysis::model::{Covariance, EstimateRow, Warning};
use crate::experiment::{Experiment, Sequential};
use crate::number::fixed;
use crate::stats::dist::normal_sf;
use crate::stats::sequential::{Monitor, Passed, Stage, TwoStages, on_both};
use crate::stats::{DetailValue, Refusal};
use crate::table::ContactTable;
use crate::texts::text;

use super::words::title;
use super::{after, monitor, no_weights, standard};
use crate::analysis::looks::Asked;
use crate::analysis::looks::arm::Comparing;
use crate::analysis::looks::model::{ArmLooks, LookRow, LookState};
use crate::analysis::looks::stages::{FirstStage, StageRow, StagedArm};
use crate::analysis::over_stages::RATE_SHARE;

/// Stages whose effects differ by more than this many standard errors are pointed out: p < .01.
const STAGES_DIFFER: f64 = 2.575_829;

/// What all comparisons share.
pub(super) struct Joint<'a> {
    first: &'a FirstStage<'a>,
    sequential: &'a Sequential,
    /// Weights of the first plan.
    pub weights: [f64; 2],
    monitor: Monitor,
    /// Number of the second stage among all looks.
    pub number: u32,
}

/// One comparison over both stages.
pub(super) struct Combined {
    /// The record that decides.
    pub row: EstimateRow,
    /// The first stage's own, beside it.
    pub first: EstimateRow,
    /// Looks of both stages.
    pub looks: ArmLooks,
    /// Both stages side by side.
    pub staged: StagedArm,
}

impl<'a> Joint<'a> {
    /// Both stages of a plan.
    ///
    /// # Errors
    /// The first plan fixed no weights, or the two plans do not test the same hypothesis.
    pub fn new(plan: &Experiment, first: &'a FirstStage<'a>) -> Result<Self, Refusal> {
        let sequential = first.plan.analysis.sequential.as_ref();
        let sequential = sequential.ok_or_else(no_weights)?;
        let (a, b) = sequential.extension_weights.ok_or_else(no_weights)?;
        let sides = if plan.analysis.one_sided { 1 } else { 2 };
        let same = sides == first.boundaries.sides
            && plan.analysis.alpha == first.boundaries.alpha
            && plan.analysis.estimand == first.plan.analysis.estimand;
        if !same {
            return Err(Refusal::new(
                "alpha, alternative and estimand are not those of the first stage",
            ));
        }
        let number = u32::try_from(first.boundaries.planned.len()).unwrap_or(u32::MAX);
        Ok(Joint {
            first,
            sequential,
            weights: [a, b],
            monitor: monitor(sequential, first.boundaries)?,
            number,
        })
    }

    /// The comparison of an outcome's arms under the first plan's boundary.
    pub fn comparing<'b>(
        &'b self,
        plan: &'b Experiment,
        outcome: usize,
        table: &'b ContactTable,
        asked: &'b Asked<'b>,
    ) -> Comparing<'b> {
        Comparing {
            plan,
            sequential: self.sequential,
            outcome: &plan.outcomes[outcome],
            table,
            monitor: Some(&self.monitor),
            alpha: self.first.boundaries.alpha_each,
            sides: self.first.boundaries.sides,
            comparisons: self.first.boundaries.arms.len().max(1) as f64,
            asked,
        }
    }

    /// The comparison of the first stage that belongs to a row of the second.
    fn partner(&self, row: &EstimateRow) -> Result<(&'a ArmLooks, &'a EstimateRow), Refusal> {
        let first = self.first;
        let arms = &first.boundaries.arms;
        let looks = arms
            .iter()
            .find(|a| a.arm == row.arm && a.outcome == row.outcome);
        let theirs = first.estimates.iter().find(|e| {
            e.primary && e.segment.is_none() && e.arm == row.arm && e.outcome == row.outcome
        });
        let (Some(looks), Some(theirs)) = (looks, theirs) else {
            return Err(Refusal::new(format!(
                "the first stage did not compare \"{}\" by {}",
                row.arm, row.outcome
            )));
        };
        if theirs.estimator != row.estimator || theirs.estimand != row.estimand {
            return Err(Refusal::new(format!(
                "the first stage was judged by {}, the second by {}",
                theirs.estimator, row.estimator
            )));
        }
        if theirs.unit != row.unit {
            return Err(Refusal::new(format!(
                "the first stage measured {}, the second {}",
                theirs.unit, row.unit
            )));
        }
        Ok((looks, theirs))
    }

    /// Both stages of one arm, combined.
    ///
    /// # Errors
    /// The first stage did not compare this arm, or by another estimator or unit.
    pub fn arm(&self, comparing: &Comparing<'_>, row: &EstimateRow) -> Result<Combined, Refusal> {
        let (looks, theirs) = self.partner(row)?;
        let end = looks
            .looks
            .last()
            .ok_or_else(|| Refusal::new("the first stage has no look, not even its end"))?;
        let scored = comparing.scored(row)?;
        let se = comparing
            .past_se(row.estimand, end)
            .ok_or_else(|| Refusal::new("the first stage's estimate has no standard error"))?;
        let stages = [
            Stage {
                effect: end.z * se,
                se,
            },
            Stage {
                effect: scored.effect,
                se: scored.se,
            },
        ];
        let own: Vec<Passed> = looks.looks.iter().map(LookRow::passed).collect();
        let sides = self.first.boundaries.sides;
        let both = TwoStages::new(&own, stages, self.weights, sides)?;
        let passed = on_both(&own, self.weights)?;
        let now = after(self.first.boundaries);
        let standard = standard(&self.monitor, self.first.boundaries, &passed)?;
        let repeated_p = self.monitor.repeated_p(&passed, now, both.z())?;
        let shown = |low, high| comparing.shown(row.estimand, low, high);
        let value = shown(both.effect(), both.effect())
            .0
            .ok_or_else(|| Refusal::new("the combined estimate is beyond all numbers"))?;
        let reach = standard.critical * both.se();
        let repeated = shown(both.effect() - reach, both.effect() + reach);
        let (crossed, state) = match looks.state {
            LookState::Effect | LookState::Harm => (looks.crossed_at, looks.state),
            _ if both.z() >= standard.critical => (Some(self.number), LookState::Effect),
            _ if sides == 2 && both.z() <= -standard.critical => {
                (Some(self.number), LookState::Harm)
            }
            _ => (None, LookState::NotShown),
        };
        let share = end.information / passed.last().map_or(1.0, |p| p.information);
        let mut arm = ArmLooks {
            state,
            crossed_at: crossed,
            ..looks.clone()
        };
        arm.looks.push(LookRow {
            look: self.number,
            until: None,
            information: share,
            information_max: share,
            fraction: 1.0,
            z: both.z(),
            critical: standard.critical,
            nominal_p: standard.nominal_p,
            spent: Some(standard.spent),
            futility: None,
            value,
            repeated_lower: repeated.0,
            repeated_upper: repeated.1,
            repeated_p: Some(repeated_p),
            days: None,
        });
        let mut combined = EstimateRow {
            value,
            se: Some(both.se()),
            df: None,
            p_value: None,
            ci_lower: None,
            ci_upper: None,
            n_arm: theirs.n_arm + row.n_arm,
            n_control: theirs.n_control + row.n_control,
            detail: Default::default(),
            ..row.clone()
        };
        let mut two_sided = (arm.ci_lower, arm.ci_upper);
        // What was crossed in the first stage was shown there, and keeps its p and interval.
        if crossed.is_none_or(|at| at == self.number) {
            arm.p = Some(both.p());
            let median = both.effect_at(0.5)?;
            arm.median_unbiased = shown(median, median).0;
            let interval = |alpha: f64| -> Result<_, Refusal> {
                let two = shown(
                    both.effect_at(alpha / 2.0)?,
                    both.effect_at(1.0 - alpha / 2.0)?,
                );
                Ok(match sides {
                    2 => (two, two),
                    _ => (
                        two,
                        comparing.one_sided(row.estimand, both.effect_at(alpha)?),
                    ),
                })
            };
            let adjusted = interval(comparing.alpha)?;
            two_sided = adjusted.0;
            (arm.ci_lower, arm.ci_upper) = adjusted.1;
            let plain = interval(self.first.boundaries.alpha)?;
            combined.p_value = arm.p;
            (combined.ci_lower, combined.ci_upper) = plain.1;
            if let (1, (Some(low), Some(high))) = (sides, plain.0) {
                let ends = DetailValue::Numbers(vec![low, high]);
                combined.detail.insert("ci_two_sided".into(), ends);
            }
        }
        comparing.put_into(&mut combined, &arm, two_sided);
        let at_look = |at: u32| arm.looks.iter().find(|l| l.look == at);
        let stopped = crossed.filter(|at| *at < self.number).and_then(at_look);
        if let Some(se) = stopped.and_then(|look| comparing.past_se(row.estimand, look)) {
            let stopping = DetailValue::Number(se);
            combined.detail.insert("stopping_se".into(), stopping);
        }
        let staged = self.staged(&arm, [theirs, row], (stages, &both), standard.critical);
        self.note(&mut combined, row, &staged);
        let mut first = theirs.clone();
        beside(&mut first, 1);
        Ok(Combined {
            row: combined,
            first,
            looks: arm,
            staged,
        })
    }

    fn staged(
        &self,
        arm: &ArmLooks,
        rows: [&EstimateRow; 2],
        (stages, both): ([Stage; 2], &TwoStages),
        critical: f64,
    ) -> StagedArm {
        let shares = both.shares();
        let one = |k: usize| StageRow {
            stage: k as u32 + 1,
            value: rows[k].value,
            se: stages[k].se,
            z: stages[k].effect / stages[k].se,
            p: normal_sf(stages[k].effect / stages[k].se),
            share: shares[k],
            n_arm: rows[k].n_arm,
            n_control: rows[k].n_control,
        };
        StagedArm {
            outcome: arm.outcome.clone(),
            arm: arm.arm.clone(),
            stages: vec![one(0), one(1)],
            z: both.z(),
            critical,
            p: arm.p,
        }
    }

    /// The record's own account of where it comes from.
    fn note(&self, combined: &mut EstimateRow, row: &EstimateRow, staged: &StagedArm) {
        let of =
            |f: fn(&StageRow) -> f64| DetailValue::Numbers(staged.stages.iter().map(f).collect());
        let record = self.first.record;
        let name = |t: &str| DetailValue::Text(t.into());
        let mut detail = vec![
            ("combined_z", DetailValue::Number(staged.z)),
            ("critical_z", DetailValue::Number(staged.critical)),
            ("stage_values", of(|s| s.value)),
            ("stage_se", of(|s| s.se)),
            ("stage_z", of(|s| s.z)),
            ("stage_p", of(|s| s.p)),
            ("stage_shares", of(|s| s.share)),
            ("stage_weights", DetailValue::Numbers(self.weights.into())),
            ("first_stage", name(&record.name)),
            ("first_analysis", DetailValue::Count(record.analysis)),
            ("first_analysis_sha256", name(&record.analysis_sha256)),
        ];
        if let (Some(DetailValue::Number(b)), Some(se), [_, second]) = (
            row.detail.get("control_share"),
            combined.se,
            staged.stages.as_slice(),
        ) {
            let share = b * second.share * (second.se / se).powi(2);
            detail.push((RATE_SHARE, DetailValue::Number(share)));
        }
        let named = detail.into_iter().map(|(key, value)| (key.into(), value));
        combined.detail.extend(named);
    }

    /// Joint covariance of the combined estimates; `None` where a stage has none.
    pub fn covariance(
        &self,
        plan: &Experiment,
        second: Option<&Covariance>,
        combined: &[&Combined],
    ) -> Option<Covariance> {
        let outcome = &plan.primary_outcome().name;
        let rows: Vec<&&Combined> = combined
            .iter()
            .filter(|c| &c.staged.outcome == outcome)
            .collect();
        let sources = [self.first.covariance?, second?];
        let entry = |j: &Combined, k: &Combined| -> Option<f64> {
            let mut sum = 0.0;
            for (s, source) in sources.iter().enumerate() {
                let (a, b) = (j.staged.stages.get(s)?, k.staged.stages.get(s)?);
                let rho = correlation(source, &j.staged.arm, &k.staged.arm)?;
                sum += a.share * b.share * rho * a.se * b.se;
            }
            Some(sum)
        };
        let matrix = rows
            .iter()
            .map(|j| rows.iter().map(|k| entry(j, k)).collect())
            .collect::<Option<Vec<Vec<f64>>>>()?;
        Some(Covariance {
            arms: rows.iter().map(|c| c.staged.arm.clone()).collect(),
            scale: sources[1].scale.clone(),
            matrix,
        })
    }
}

fn correlation(source: &Covariance, a: &str, b: &str) -> Option<f64> {
    let place = |arm: &str| source.arms.iter().position(|x| x == arm);
    let (j, k) = (place(a)?, place(b)?);
    let m = &source.matrix;
    let scale = (m[j][j] * m[k][k]).sqrt();
    if j == k {
        Some(1.0)
    } else {
        Some(m[j][k] / scale).filter(|r| r.is_finite())
    }
}

/// A stage's own estimate stands beside the one of both.
pub(super) fn beside(row: &mut EstimateRow, stage: u64) {
    row.primary = false;
    row.p_adjusted = None;
    row.ci_adjusted_lower = None;
    row.ci_adjusted_upper = None;
    for key in [
        "median_unbiased",
        "look",
        "crossed_at_look",
        "stopping_se",
        "ci_adjusted_two_sided",
        "dunnett",
    ] {
        row.detail.remove(key);
    }
    row.detail.insert("stage".into(), DetailValue::Count(stage));
}

impl Combined {
    /// The arm and each stage's share in it, where it is of the outcome that money rests on.
    pub fn shares(&self, plan: &Experiment) -> Option<(String, [f64; 2])> {
        let [first, second] = self.staged.stages.as_slice() else {
            return None;
        };
        (self.staged.outcome == plan.primary_outcome().name)
            .then(|| (self.staged.arm.clone(), [first.share, second.share]))
    }

    /// A warning where the stages' effects lie further apart than chance puts them.
    pub fn differ(&self, plan: &Experiment) -> Option<Warning> {
        let [a, b] = self.staged.stages.as_slice() else {
            return None;
        };
        let (first, second) = (a.z * a.se, b.z * b.se);
        let apart = (first - second) / a.se.hypot(b.se);
        (apart.abs() > STAGES_DIFFER).then(|| {
            let errors = fixed(apart.abs(), 1);
            let message = text!(
                "warning.stages-differ",
                arm = title(plan, &self.staged.arm),
                errors
            );
            Warning::new("stages-differ", message)
        })
    }
}
