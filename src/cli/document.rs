//! Plan + evidence → the [`Document`] that every report is rendered from.

use jiff::civil::Date;

use crate::analysis::{self, Analysis, Boundaries, LookState, Phase, Stages, Status};
use crate::decision;
use crate::error::{Error, Result};
use crate::experiment::{Experiment, Plan};
use crate::finance;
use crate::report::Document;
use crate::table::Evidence;
use crate::texts::text;
use crate::workspace::{Ledger, kind};

use super::analyze::Args;
use super::ends::{complete_until, incomplete_log, planned_end};
use super::first_stage::{self, First};
use super::info::{evidence_info, experiment_info};
use super::ingest::Taken;
use super::look::Interim;
use super::pilot::{self, Standing};
use super::what_if::of_an_analysis;

/// What a document is made from.
pub struct Asked<'a> {
    /// The flags.
    pub args: &'a Args,
    /// The look before the planned end that is asked for.
    pub look: Option<Interim>,
    /// Looks made before it.
    pub earlier: &'a [Boundaries],
    /// The plan, changes of `--set` included.
    pub plan: &'a Plan,
    /// The plan against its approval.
    pub standing: &'a Standing,
    /// The evidence.
    pub taken: &'a Taken,
    /// The ledger before this analysis.
    pub ledger: &'a Ledger,
    /// The first stage, where this is a second.
    pub first: Option<&'a First>,
}

impl Asked<'_> {
    /// Checks, estimates, money and verdict, as one document.
    ///
    /// # Errors
    /// A sealed primary that cannot be computed, or assumptions outside their domain.
    pub fn document(&self) -> Result<Document> {
        let experiment = &self.plan.experiment;
        let evidence = &self.taken.evidence;
        let as_of = self.args.as_of.unwrap_or_else(|| pilot::today(experiment));
        let end = planned_end(experiment, evidence);
        let running =
            end.filter(|end| as_of <= *end || complete_until(experiment).is_some_and(|c| c < *end));
        let phase = if running.is_some() {
            Phase::Running
        } else {
            Phase::Ended
        };
        if phase == Phase::Ended && !self.args.set.is_empty() {
            of_an_analysis(self.ledger, self.plan, self.taken)?;
        }
        let (mut analysis, mut boundaries, mut stages) = self.analysis(phase)?;
        let despite = self.allowed(&analysis)?;
        let needed = self.look.map_or(end, |look| look.until);
        let stopped = analysis
            .checks
            .iter()
            .any(|c| c.status == Status::Stop && !despite.contains(&c.id));
        if stopped {
            // Claims and bounds would tell the effect that the check withholds.
            let checks = std::mem::take(&mut analysis.checks_alone);
            analysis = Analysis {
                checks,
                ..Analysis::default()
            };
            boundaries = None;
            stages = None;
        }
        incomplete_log(experiment, evidence, needed, &mut analysis);
        if let Some(first) = self.first {
            let said = first.warnings(self.ledger, self.taken.set.number);
            analysis.warnings.extend(said);
        }
        let look = self.look.map(|l| l.number).or(boundaries
            .as_ref()
            .filter(|_| stages.is_none())
            .map(|b| b.look));
        let undecided = self.look.is_some() && !boundaries.as_ref().is_some_and(shows_an_effect);
        let mut business = match undecided {
            true => None,
            false => self.business(experiment, evidence, &analysis)?,
        };
        let evidence_told = evidence_info(
            experiment,
            evidence,
            self.taken.set.number,
            phase,
            self.look.is_none(),
        );
        if let Some(case) = &mut business {
            if experiment.assignment.schedule.is_none() {
                finance::add_pilot_cost(case, experiment, &evidence_told.customers_by_arm);
            }
            analysis
                .warnings
                .extend(finance::warnings(experiment, case));
        }
        let no_days = self.no_days(experiment, evidence);
        let no_business_because = match (&experiment.business, &business) {
            (Some(_), None) if stopped => Some(text!("decision.no-money-stopped")),
            (Some(_), None) if analysis.estimates.is_empty() || undecided => {
                Some(text!("decision.no-money-yet"))
            }
            (Some(_), None) => Some(decision::no_money(experiment, no_days)),
            _ => None,
        };
        let decision = decision::decide(
            experiment,
            &analysis,
            business.as_ref(),
            &decision::Standing {
                approved: self.standing.approved_as_it_is() && self.args.set.is_empty(),
                remaining: running
                    .filter(|_| undecided || self.look.is_none())
                    .map(|end| decision::Remaining {
                        days: u32::try_from(days_between(as_of, end) + 1).ok(),
                        customers: match experiment.assignment.schedule {
                            Some(_) => None,
                            None => Some(evidence.audit.customers),
                        },
                    }),
                despite: despite.clone(),
                no_days,
                looks: boundaries.as_ref().map(standing_of),
                next: match phase {
                    Phase::Ended if self.look.is_none() => analysis::next_stages(
                        &self.combinable(experiment),
                        &analysis,
                        boundaries.as_ref(),
                        evidence.audit.customers,
                        as_of,
                        None,
                    ),
                    _ => Vec::new(),
                },
            },
        );
        let mut banners = self.standing.banners.clone();
        for check in &despite {
            let because = self.args.because.as_deref().unwrap_or_default();
            banners.push(format!("DESPITE {check}: {because}"));
        }
        if !self.args.set.is_empty() {
            banners.insert(0, format!("WHAT IF: {}", self.args.set.join(", ")));
        }
        let real = (phase == Phase::Ended || self.look.is_some()) && self.args.set.is_empty();
        let number = if real {
            Some(self.number(as_of, look))
        } else {
            None
        };
        Ok(Document {
            schema: Document::SCHEMA.into(),
            pilot_version: env!("CARGO_PKG_VERSION").into(),
            experiment: experiment_info(experiment),
            plan_sha256: self.plan.sha256.clone(),
            seal: self.standing.seal(),
            banners,
            as_of: as_of.to_string(),
            look,
            analysis_number: number,
            evidence: evidence_told,
            checks: analysis.checks,
            estimates: analysis.estimates,
            skipped: analysis.skipped,
            covariance: analysis.covariance,
            factorial: analysis.factorial,
            balance: analysis.balance,
            distribution: analysis.distribution,
            levels: analysis.levels,
            weekly: analysis.weekly,
            schedule: analysis.schedule,
            boundaries,
            stages,
            segments: analysis.segments,
            approvals: self.standing.approvals.clone(),
            deviations: self.standing.deviations.clone(),
            // At the top of the document, and not a second time in the case.
            assumptions: match &business {
                Some(_) => taken(&mut business, |b| &mut b.assumptions),
                None => finance::assumed(experiment)?,
            },
            cashflow: taken(&mut business, |b| &mut b.cashflow),
            draws_summary: taken(&mut business, |b| &mut b.draws_summary),
            business,
            no_business_because,
            decision,
            warnings: analysis.warnings,
        })
    }

    /// The plan as a second stage sees it: weights that were not fixed before the data combine nothing.
    fn combinable(&self, experiment: &Experiment) -> Experiment {
        let mut plan = experiment.clone();
        if let Some(sequential) = &mut plan.analysis.sequential
            && !first_stage::fixes_weights(&self.standing.banners)
        {
            sequential.extension_weights = None;
        }
        plan
    }

    /// What is known now: of an interim look, at the end of a sequential plan, or as ever.
    fn analysis(&self, phase: Phase) -> Result<(Analysis, Option<Boundaries>, Option<Stages>)> {
        let experiment = &self.plan.experiment;
        let evidence = &self.taken.evidence;
        let sequential = experiment.analysis.sequential.as_ref();
        if (self.look.is_some() || phase == Phase::Ended)
            && let Some(analysis) = analysis::without_contacts(experiment, evidence)?
        {
            return Ok((analysis, None, None));
        }
        let asked = |number, until, ended| analysis::Asked {
            number,
            until,
            ended,
            earlier: self.earlier,
        };
        if let Some(look) = self.look {
            let asked = asked(look.number, look.until, false);
            let (analysis, boundaries) = analysis::interim(experiment, evidence, &asked)?;
            return Ok((analysis, Some(boundaries), None));
        }
        let mut analysis = analysis::analyze(experiment, evidence, phase)?;
        if let Some(first) = self.first.filter(|_| phase == Phase::Ended) {
            let stage = first
                .stage()
                .ok_or_else(|| Error::internal("a first stage without boundaries"))?;
            let (boundaries, stages) =
                analysis::combine(experiment, evidence, &mut analysis, &stage)?;
            return Ok((analysis, Some(boundaries), Some(stages)));
        }
        let Some(sequential) = sequential.filter(|_| phase == Phase::Ended) else {
            return Ok((analysis, None, None));
        };
        let next = self.earlier.last().map_or(1, |b| b.look.saturating_add(1));
        let planned = sequential.number().and_then(|n| u32::try_from(n).ok());
        let number = planned.unwrap_or(next);
        let asked = asked(number, None, true);
        let boundaries = analysis::last(experiment, evidence, &mut analysis, &asked)?;
        Ok((analysis, Some(boundaries), None))
    }

    /// Which of the pilot's analyses this is. One of the same plan, evidence and day is the same
    /// analysis, so that it gives the same bytes.
    fn number(&self, as_of: Date, look: Option<u32>) -> u32 {
        let key = analysis_key(
            &self.plan.sha256,
            &self.taken.set.digest.to_string(),
            as_of,
            &self.args.despite,
            look,
        );
        let mut seen: Vec<Vec<Option<serde_json::Value>>> = Vec::new();
        for entry in self
            .ledger
            .entries()
            .iter()
            .filter(|e| e.kind == kind::ANALYZE)
        {
            let theirs = ANALYSIS_KEY
                .iter()
                .map(|name| entry.facts.get(*name).cloned())
                .collect();
            if !seen.contains(&theirs) {
                seen.push(theirs);
            }
        }
        let place = seen.iter().position(|k| *k == key).unwrap_or(seen.len());
        u32::try_from(place + 1).unwrap_or(u32::MAX)
    }

    /// The checks that may be passed over, each of which exists and stops.
    fn allowed(&self, analysis: &Analysis) -> Result<Vec<String>> {
        for id in &self.args.despite {
            if !analysis.checks.iter().any(|c| &c.id == id) {
                let ids = analysis.checks.iter().map(|c| c.id.as_str());
                let error = Error::usage(format!("no check is called \"{id}\"")).key("--despite");
                return Err(match crate::error::nearest(id, ids) {
                    Some(near) => error.hint(format!("perhaps \"{near}\"")),
                    None => error.hint("`pilot explain` lists the checks"),
                });
            }
        }
        Ok(self.args.despite.clone())
    }

    /// Whether nothing tells over how many days the outcome that decides is counted.
    fn no_days(&self, experiment: &Experiment, evidence: &Evidence) -> bool {
        let name = &experiment.primary_outcome().name;
        let found = evidence.outcomes.iter().find(|o| &o.outcome == name);
        experiment.assignment.schedule.is_none()
            && found.is_some_and(|o| analysis::days_per_exposure(experiment, &o.table).is_none())
    }

    fn business(
        &self,
        experiment: &Experiment,
        evidence: &Evidence,
        analysis: &Analysis,
    ) -> Result<Option<finance::BusinessCase>> {
        if experiment.business.is_none() || analysis.estimates.is_empty() {
            return Ok(None);
        }
        let cut = analysis::plan_until(experiment, self.look.and_then(|l| l.until));
        let Some(effect) = analysis::joint_effect(&cut, evidence, analysis)? else {
            return Ok(None);
        };
        finance::evaluate(&effect, experiment, experiment.rollout_month()).map(Some)
    }
}

/// Ledger facts that tell one analysis from another.
const ANALYSIS_KEY: [&str; 5] = ["plan_sha256", "evidence_sha256", "as_of", "despite", "look"];

fn analysis_key(
    plan: &str,
    evidence: &str,
    as_of: Date,
    despite: &[String],
    look: Option<u32>,
) -> Vec<Option<serde_json::Value>> {
    let despite = (!despite.is_empty()).then(|| despite.join(",").into());
    vec![
        Some(plan.into()),
        Some(evidence.into()),
        Some(as_of.to_string().into()),
        despite,
        look.map(Into::into),
    ]
}

/// A part of the business case, moved out of it.
fn taken<T: Default>(
    business: &mut Option<finance::BusinessCase>,
    part: fn(&mut finance::BusinessCase) -> &mut T,
) -> T {
    business
        .as_mut()
        .map(|b| std::mem::take(part(b)))
        .unwrap_or_default()
}

fn shows_an_effect(boundaries: &Boundaries) -> bool {
    let effect = |a: &analysis::ArmLooks| a.state == LookState::Effect;
    boundaries.arms.iter().any(effect)
}

/// What the looks say to the decision.
fn standing_of(boundaries: &Boundaries) -> decision::Looks {
    let hopeless =
        |a: &&analysis::ArmLooks| matches!(a.state, LookState::Harm | LookState::Futility);
    // Of several outcomes that decide, an arm has no hope where none of them has.
    let given_up = |harm: bool| -> Vec<String> {
        let mut arms: Vec<String> = Vec::new();
        for arm in &boundaries.arms {
            let of_arm = || boundaries.arms.iter().filter(|a| a.arm == arm.arm);
            let harmful = of_arm().any(|a| a.state == LookState::Harm);
            if of_arm().all(|a| hopeless(&a)) && harmful == harm && !arms.contains(&arm.arm) {
                arms.push(arm.arm.clone());
            }
        }
        arms
    };
    decision::Looks {
        ended: boundaries.ended,
        effect: shows_an_effect(boundaries),
        harmful: given_up(true),
        unlikely: given_up(false),
        said: boundaries.next.clone(),
    }
}

fn days_between(from: Date, to: Date) -> i64 {
    from.until(to).map_or(0, |s| i64::from(s.get_days()))
}
