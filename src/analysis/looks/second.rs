//! A second stage: its estimates combined with those of the first, by the first plan's weights.

use crate::analysis::claims;
use crate::analysis::estimates;
use crate::analysis::model::{Analysis, Covariance, EstimateRow, Warning};
use crate::error::{Error, Kind, Result};
use crate::experiment::{Experiment, Role, Sequential};
use crate::number::{fixed, p_value};
use crate::stats::dist::normal_sf;
use crate::stats::sequential::{
    Boundary, Design, Monitor, Now, Passed, Stage, Standard, TwoStages, on_both,
};
use crate::stats::{DetailValue, Refusal};
use crate::table::{ContactTable, Evidence};

use super::Asked;
use super::arm::Comparing;
use super::model::{ArmLooks, Boundaries, LookRow, LookState};
use super::stages::{FirstStage, StageRow, StagedArm, Stages};

/// Stages whose effects differ by more than this many standard errors are pointed out: p < .01.
const STAGES_DIFFER: f64 = 2.575_829;

/// Replaces the estimates that decide by those of both stages; the stages' own stand beside them.
///
/// *Formula* — [`TwoStages`] of each arm, with the boundary, the error rate alpha/K and the K
/// of the first stage, also where arms were dropped. The joint covariance of the arms is
/// Σ_s v_js v_ks Cov_s(j, k), v_js the share of stage s in arm j's estimate.
///
/// # Errors
/// A first stage without weights or with another question; an arm that it did not have.
pub fn combine(
    plan: &Experiment,
    evidence: &Evidence,
    analysis: &mut Analysis,
    first: &FirstStage<'_>,
) -> Result<(Boundaries, Stages)> {
    let refused = |refusal: Refusal| {
        Error::new(Kind::Data, format!("both stages together: {refusal}"))
            .key("experiment.second_stage_of")
            .hint("`pilot explain second-stage` says what two stages need in common")
    };
    let joint = Joint::new(plan, first).map_err(refused)?;
    let tables = estimates::capped_tables(plan, evidence)?;
    let asked = Asked {
        number: joint.number,
        until: None,
        ended: true,
        earlier: &[],
    };
    let mut combined = Vec::new();
    for (i, row) in analysis.estimates.iter().enumerate() {
        let at = plan.outcomes.iter().position(|o| o.name == row.outcome);
        let Some(at) = at.filter(|at| plan.outcomes[*at].role == Role::Primary) else {
            continue;
        };
        if row.primary && row.segment.is_none() {
            let comparing = joint.comparing(plan, at, &tables[at], &asked);
            combined.push((i, joint.arm(&comparing, row).map_err(refused)?));
        }
    }
    if combined.is_empty() {
        return Err(refused(Refusal::new(
            "there is no deciding estimate to combine",
        )));
    }
    let both: Vec<&Combined> = combined.iter().map(|(_, c)| c).collect();
    analysis.covariance = joint.covariance(plan, analysis.covariance.as_ref(), &both);
    analysis
        .warnings
        .extend(both.iter().filter_map(|c| c.differ(plan)));
    for row in &mut analysis.factorial {
        row.primary = false;
    }
    let arms: Vec<ArmLooks> = both.iter().map(|c| c.looks.clone()).collect();
    let staged = both.iter().map(|c| c.staged.clone()).collect();
    // From the back, so that places stay.
    for (i, c) in combined.into_iter().rev() {
        beside(&mut analysis.estimates[i], 2);
        analysis.estimates.splice(i..i, [c.row, c.first]);
    }
    let place = plan
        .outcomes
        .iter()
        .position(|o| o.name == plan.primary_outcome().name);
    let varying = tables[place.unwrap_or(0)].constant_exposure().is_none();
    let claimed = claims::claims(plan, varying, &mut analysis.estimates);
    if let Some(check) = analysis.checks.iter_mut().find(|c| c.id == claimed.id) {
        *check = claimed;
    }
    let stages = Stages {
        first: first.record.clone(),
        weights: joint.weights,
        arms: staged,
    };
    let boundaries = Boundaries {
        look: joint.number,
        looks_planned: Some(joint.number),
        looks_made: first.boundaries.looks_made.saturating_add(1),
        until: None,
        ended: true,
        fractions_from: "plan".into(),
        blinded: None,
        next: words(plan, &stages, &arms),
        arms,
        ..first.boundaries.clone()
    };
    Ok((boundaries, stages))
}

/// The boundary of both stages together after the first stage's looks as they were made.
pub(super) fn boundary_of_both(
    first: &Experiment,
    boundaries: &Boundaries,
    looks: &ArmLooks,
) -> Result<Standard, Refusal> {
    let sequential = first.analysis.sequential.as_ref();
    let weights = sequential.and_then(|s| s.extension_weights);
    let (Some(sequential), Some(weights)) = (sequential, weights) else {
        return Err(no_weights());
    };
    let monitor = monitor(sequential, boundaries)?;
    standard(&monitor, boundaries, &passed(looks, weights.into())?)
}

fn no_weights() -> Refusal {
    Refusal::new("the first stage's plan has no extension_weights")
}

fn monitor(sequential: &Sequential, boundaries: &Boundaries) -> Result<Monitor, Refusal> {
    let rule = sequential.rule.as_ref().ok_or_else(no_weights)?;
    Monitor::new(Design {
        boundary: Boundary::from_name(&rule.spending, rule.parameter)?,
        information: boundaries.planned.iter().map(|p| p.information).collect(),
        alpha: boundaries.alpha_each,
        sides: boundaries.sides,
        futility: None,
    })
}

/// The first stage's looks on the scale of both.
fn passed(looks: &ArmLooks, weights: [f64; 2]) -> Result<Vec<Passed>, Refusal> {
    let looks: Vec<Passed> = looks.looks.iter().map(LookRow::passed).collect();
    on_both(&looks, weights)
}

fn standard(
    monitor: &Monitor,
    boundaries: &Boundaries,
    passed: &[Passed],
) -> Result<Standard, Refusal> {
    monitor.standard(passed, after(boundaries))
}

/// The second stage as one more look.
fn after(boundaries: &Boundaries) -> Now {
    Now {
        number: boundaries.planned.len(),
        information: 1.0,
        fraction: 1.0,
        ending: true,
    }
}

/// What all comparisons share.
struct Joint<'a> {
    first: &'a FirstStage<'a>,
    sequential: &'a Sequential,
    weights: [f64; 2],
    monitor: Monitor,
    number: u32,
}

/// One comparison over both stages.
struct Combined {
    /// The record that decides.
    row: EstimateRow,
    /// The first stage's own, beside it.
    first: EstimateRow,
    looks: ArmLooks,
    staged: StagedArm,
}

impl<'a> Joint<'a> {
    fn new(plan: &Experiment, first: &'a FirstStage<'a>) -> Result<Self, Refusal> {
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

    fn comparing<'b>(
        &'b self,
        plan: &'b Experiment,
        outcome: usize,
        table: &'b ContactTable,
        asked: &'b Asked<'b>,
    ) -> Comparing<'b> {
        Comparing {
            plan,
            cut: plan,
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

    fn arm(&self, comparing: &Comparing<'_>, row: &EstimateRow) -> Result<Combined, Refusal> {
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
        let text = |t: &str| DetailValue::Text(t.into());
        let mut detail = vec![
            ("combined_z", DetailValue::Number(staged.z)),
            ("critical_z", DetailValue::Number(staged.critical)),
            ("stage_values", of(|s| s.value)),
            ("stage_se", of(|s| s.se)),
            ("stage_z", of(|s| s.z)),
            ("stage_p", of(|s| s.p)),
            ("stage_shares", of(|s| s.share)),
            ("stage_weights", DetailValue::Numbers(self.weights.into())),
            ("first_stage", text(&record.name)),
            ("first_analysis", DetailValue::Count(record.analysis)),
            ("first_analysis_sha256", text(&record.analysis_sha256)),
        ];
        // Control's part in the combined estimate is that of the second stage, the only one
        // whose control rate money looks at.
        if let (Some(DetailValue::Number(b)), Some(se), [_, second]) = (
            row.detail.get("control_share"),
            combined.se,
            staged.stages.as_slice(),
        ) {
            let share = b * second.share * (second.se / se).powi(2);
            detail.push(("control_share", DetailValue::Number(share)));
        }
        let named = detail.into_iter().map(|(key, value)| (key.into(), value));
        combined.detail.extend(named);
    }

    /// Joint covariance of the combined estimates; `None` where a stage has none.
    fn covariance(
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
fn beside(row: &mut EstimateRow, stage: u64) {
    row.primary = false;
    row.p_adjusted = None;
    row.ci_adjusted_lower = None;
    row.ci_adjusted_upper = None;
    for key in [
        "median_unbiased",
        "look",
        "crossed_at_look",
        "ci_adjusted_two_sided",
        "dunnett",
    ] {
        row.detail.remove(key);
    }
    row.detail.insert("stage".into(), DetailValue::Count(stage));
}

impl Combined {
    /// A warning where the stages' effects lie further apart than chance puts them.
    fn differ(&self, plan: &Experiment) -> Option<Warning> {
        let [a, b] = self.staged.stages.as_slice() else {
            return None;
        };
        let (first, second) = (a.z * a.se, b.z * b.se);
        let apart = (first - second) / a.se.hypot(b.se);
        (apart.abs() > STAGES_DIFFER).then(|| Warning {
            id: "stages-differ".into(),
            message: format!(
                "{}: the two stages differ by {} standard errors; ask what changed between them before the \
                 combined figure is used",
                title(plan, &self.staged.arm),
                fixed(apart.abs(), 1)
            ),
        })
    }
}

fn title<'a>(plan: &'a Experiment, arm: &'a str) -> &'a str {
    let found = plan.arms.iter().find(|a| a.name == arm);
    found.map_or(arm, |a| a.title.as_str())
}

/// A sentence for each comparison, and one for the procedure.
fn words(plan: &Experiment, stages: &Stages, arms: &[ArmLooks]) -> Vec<String> {
    let mut sentences: Vec<String> = stages
        .arms
        .iter()
        .zip(arms)
        .map(|(staged, arm)| {
            let parts: Vec<String> = staged
                .stages
                .iter()
                .zip(["first", "second"])
                .map(|(s, word)| {
                    format!(
                        "{word} stage z = {} (one-sided {})",
                        fixed(s.z, 2),
                        p_value(s.p)
                    )
                })
                .collect();
            let what = match arm.state {
                LookState::Effect if arm.crossed_at.is_some_and(|at| Some(at) < last_look(arm)) => {
                    "the effect was shown in the first stage, and stays shown"
                }
                LookState::Effect => "the effect is shown",
                LookState::Harm => "the arm does harm",
                _ => "no effect is shown, and no stage is left",
            };
            let name = title(plan, &staged.arm);
            let outcome = match plan.primary_outcome().name == staged.outcome {
                true => String::new(),
                false => format!(", {}", staged.outcome),
            };
            format!(
                "{name}{outcome}: {}; both together z = {} against the boundary of {}: {what}.",
                parts.join(", "),
                fixed(staged.z, 2),
                fixed(staged.critical, 2)
            )
        })
        .collect();
    sentences.push(format!(
        "Two stages of separate customers, combined by the weights {} and {} that the plan of {} fixed before its data.",
        stages.weights[0], stages.weights[1], stages.first.name
    ));
    sentences
}

fn last_look(arm: &ArmLooks) -> Option<u32> {
    arm.looks.last().map(|l| l.look)
}
