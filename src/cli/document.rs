//! Plan + evidence → the [`Document`] that every report is rendered from.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::analysis::{self, Analysis, Boundaries, LookState, Phase, Stages, Status};
use crate::decision;
use crate::error::{Error, Result};
use crate::experiment::{Better, Data, Experiment, Outcome, Plan};
use crate::finance;
use crate::report::{ArmInfo, Document, EvidenceInfo, ExperimentInfo};
use crate::table::{Decimals, Evidence};
use crate::texts::text;
use crate::workspace::{Ledger, kind};

use super::analyze::Args;
use super::first_stage::{self, First};
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
        incomplete_log(experiment, evidence, needed, &mut analysis);
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
            evidence: evidence_info(
                experiment,
                evidence,
                self.taken.set.number,
                phase,
                self.look.is_none(),
            ),
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
            assumptions: taken(&mut business, |b| &mut b.assumptions),
            cashflow: taken(&mut business, |b| &mut b.cashflow),
            draws_summary: taken(&mut business, |b| &mut b.draws_summary),
            business,
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
        |a: &analysis::ArmLooks| matches!(a.state, LookState::Harm | LookState::Futility);
    decision::Looks {
        ended: boundaries.ended,
        effect: shows_an_effect(boundaries),
        hopeless: boundaries.arms.iter().all(hopeless),
        said: boundaries.next.clone(),
    }
}

fn days_between(from: Date, to: Date) -> i64 {
    from.until(to).map_or(0, |s| i64::from(s.get_days()))
}

/// The last day of the after window.
pub fn planned_end(experiment: &Experiment, evidence: &Evidence) -> Option<Date> {
    if let Some((_, end)) = pilot::after_window(experiment) {
        return Some(end);
    }
    evidence.audit.last_window_day.as_ref()?.parse().ok()
}

/// The last day that the log holds completely.
pub fn complete_until(experiment: &Experiment) -> Option<Date> {
    match &experiment.data {
        Some(Data::Log { contacts, .. } | Data::RegionLog { contacts, .. }) => {
            contacts.complete_until
        }
        _ => None,
    }
}

/// A log that ends before the window does may be incomplete.
fn incomplete_log(
    experiment: &Experiment,
    evidence: &Evidence,
    end: Option<Date>,
    analysis: &mut Analysis,
) {
    let last = evidence
        .audit
        .last_contact
        .as_ref()
        .and_then(|t| t.parse::<Timestamp>().ok());
    if complete_until(experiment).is_some() {
        return;
    }
    let logged = matches!(
        experiment.data,
        Some(Data::Log { .. } | Data::RegionLog { .. })
    );
    let (Some(last), Some(end)) = (last, end) else {
        if last.is_none() && logged {
            analysis.warnings.push(analysis::Warning {
                id: "log-empty".into(),
                message: text!("warning.log-empty"),
            });
        }
        return;
    };
    let zone = experiment.periods.as_ref().map_or("UTC", |p| &p.timezone);
    let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let day = last.to_zoned(zone).date();
    if day < end {
        analysis.warnings.push(analysis::Warning {
            id: "log-ends-early".into(),
            message: text!("warning.log-ends-early", day, end),
        });
    }
}

/// What every report says about the pilot.
pub fn experiment_info(e: &Experiment) -> ExperimentInfo {
    let primary: &Outcome = e.primary_outcome();
    ExperimentInfo {
        name: e.name.clone(),
        title: e.title.clone(),
        problem: e.problem.clone(),
        arms: e
            .arms
            .iter()
            .map(|a| ArmInfo {
                name: a.name.clone(),
                title: a.title.clone(),
                control: a.control,
            })
            .collect(),
        primary_outcome: primary.name.clone(),
        better: if primary.better == Better::Lower {
            "lower"
        } else {
            "higher"
        }
        .into(),
        after: pilot::after_window(e).map(|(a, b)| [a.to_string(), b.to_string()]),
        // Groups of region-blocks are no groups of people.
        min_cell: match e.assignment.schedule {
            Some(_) => 1,
            None => e.min_cell,
        },
        design: e
            .assignment
            .schedule
            .as_ref()
            .map(|s| s.design.name().to_owned()),
    }
}

/// What the scan found, in short; no contacts by arm while the test period runs.
pub fn evidence_info(
    e: &Experiment,
    evidence: &Evidence,
    number: u64,
    phase: Phase,
    last: bool,
) -> EvidenceInfo {
    let told = analysis::told(e, evidence);
    let primary = e.primary_outcome();
    let table = evidence
        .outcomes
        .iter()
        .find(|o| o.outcome == primary.name)
        .map(|o| &o.table);
    let contacts_by_arm = match table {
        Some(table) if last && phase == Phase::Ended => {
            let unit = Decimals::unit(table.decimals().after);
            let mut sums = vec![0i128; e.arms.len()];
            for c in table.cells() {
                let y = i128::from(c.after.unwrap_or(0));
                sums[usize::from(c.arm.0)] += y * i128::from(c.customers);
            }
            let small = |arm: usize| {
                let of_arm = table.cells().iter().filter(|c| usize::from(c.arm.0) == arm);
                let observed = of_arm.filter(|c| c.after.is_some());
                let n: u64 = observed.map(|c| c.customers).sum();
                told.get(arm) == Some(&None)
                    || e.assignment.schedule.is_none() && n > 0 && n < e.min_cell
            };
            let sums = sums.into_iter().enumerate();
            sums.map(|(arm, s)| (!small(arm)).then_some(s as f64 * unit))
                .collect()
        }
        _ => Vec::new(),
    };
    let arms = e.arms.iter().zip(&told).filter(|(_, told)| told.is_none());
    let small_arms = arms.map(|(arm, _)| arm.name.clone()).collect();
    let audit = Some(evidence.audit.clone()).filter(|_| told.iter().all(Option::is_some));
    EvidenceInfo {
        number: u32::try_from(number).ok(),
        customers_by_arm: told,
        contacts_by_arm,
        small_arms,
        audit,
    }
}
