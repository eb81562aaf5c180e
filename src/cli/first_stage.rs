//! The first stage of a second: found, checked against its ledger, and held against the second's plan.

use jiff::civil::Date;
use serde_json::Value;

use crate::analysis::{self, StageRecord};
use crate::error::{Error, Kind, Result, nearest};
use crate::experiment::{self, Experiment};
use crate::report::{self, Document};
use crate::texts::text;
use crate::workspace::{Digest, Draft, Entry, Ledger, Pilot, Seal, Workspace, kind, verify};

use super::pilot::Opened;
use super::same_question::same_question;

/// What to do where stages cannot be combined.
const NEW_ATTEMPT: &str = "take second_stage_of out: without weights fixed before its data a further test is a new attempt, \
     judged by itself; testing on and pooling as if planned would err in 8.3 % instead of 5 %";

/// Why stages cannot be combined where nobody planned it.
const NO_WEIGHTS: &str = "has no extension_weights in its plan ([analysis.sequential]), so nothing combines it with a second";

/// Banners of a plan that did not fix its weights before its data.
const NOT_FIXED: [&str; 4] = [
    "NOT PRE-REGISTERED",
    "LATE",
    "CHANGED SINCE APPROVAL",
    "WHAT IF",
];

fn unfixed(banner: &str) -> bool {
    NOT_FIXED.iter().any(|b| banner.starts_with(b))
}

/// Whether a report with these banners fixed the weights of two stages before its data.
pub fn fixes_weights(banners: &[String]) -> bool {
    !banners.iter().any(|b| unfixed(b))
}

/// A first stage.
pub struct First {
    /// The analysis that the second stage builds on.
    pub record: StageRecord,
    /// Its plan as approved before that analysis.
    pub plan: Experiment,
    /// That analysis.
    pub document: Document,
    /// The head of its ledger.
    seal: Option<Seal>,
    /// Number of a later analysis of its planned end, on other evidence or under another plan.
    later: Option<u64>,
}

/// The first stage as the second's approval recorded it, or as it stands where nothing is
/// recorded; `None` of a plan that is no second stage.
///
/// # Errors
/// No such pilot; files that do not fit its ledger, or a ledger that does not fit the seal
/// recorded; no analysis that can be combined.
pub fn of(opened: &Opened, ledger: &Ledger) -> Result<Option<First>> {
    let Some(name) = &opened.experiment().second_stage_of else {
        return Ok(None);
    };
    let pilot = find(opened, name)?;
    let recorded = Recorded::of(ledger, name)?;
    load(pilot, recorded.as_ref()).map(Some)
}

/// As [`of`], of the latest analysis, with all that an approval asks.
///
/// # Errors
/// As [`of`]; a plan that asks another question than the first.
pub fn at_approval(opened: &Opened) -> Result<Option<First>> {
    let Some(name) = &opened.experiment().second_stage_of else {
        return Ok(None);
    };
    let first = load(find(opened, name)?, None)?;
    same_question(&first.plan, opened)?;
    Ok(Some(first))
}

/// The first stage that `pilot design --second-stage-of` names.
///
/// # Errors
/// As [`of`].
pub fn named(workspace: &Workspace, name: &str) -> Result<First> {
    let pilot = existing(workspace, name).map_err(|e| e.key("--second-stage-of"))?;
    load(pilot, None)
}

impl First {
    /// The facts of the second stage's approval that name the first.
    pub fn record_in(&self, draft: Draft) -> Draft {
        let draft = draft
            .fact("first_stage", self.record.name.clone())
            .fact("first_analysis", self.record.analysis)
            .fact("first_analysis_sha256", self.record.analysis_sha256.clone());
        match &self.seal {
            Some(seal) => draft.fact("first_seal", seal.to_string()),
            None => draft,
        }
    }

    /// What analyses need of it.
    pub fn stage(&self) -> Option<analysis::FirstStage<'_>> {
        Some(analysis::FirstStage {
            record: &self.record,
            plan: &self.plan,
            boundaries: self.document.boundaries.as_ref()?,
            estimates: &self.document.estimates,
            covariance: self.document.covariance.as_ref(),
        })
    }

    /// What a second stage's report must say of the first, and of who was in both; `ledger` and
    /// the number of the evidence are the second stage's.
    pub fn warnings(&self, ledger: &Ledger, evidence: u64) -> Vec<analysis::Warning> {
        let mut warnings: Vec<_> = self.changed().into_iter().collect();
        let taken = ledger
            .entries()
            .iter()
            .rfind(|e| e.kind == kind::INGEST && e.number_fact("evidence") == Some(evidence));
        let disjoint = taken.and_then(|e| e.facts.get("stages_disjoint"));
        if disjoint != Some(&Value::Bool(true)) {
            warnings.push(analysis::Warning {
                id: "stages-overlap-unchecked".into(),
                message: text!("warning.stages-overlap-unchecked"),
            });
        }
        warnings.extend(self.record.banners.iter().map(|banner| analysis::Warning {
            id: "first-stage-banner".into(),
            message: text!(
                "warning.first-stage-banner",
                name = self.record.name,
                banner = report::banner(banner)
            ),
        }));
        warnings
    }

    /// A warning where the first stage was analysed again since.
    fn changed(&self) -> Option<analysis::Warning> {
        let later = self.later?;
        Some(analysis::Warning {
            id: "first-stage-changed".into(),
            message: text!(
                "warning.first-stage-changed",
                name = self.record.name,
                later = format!("{later:04}"),
                analysis = format!("{:04}", self.record.analysis)
            ),
        })
    }
}

/// What the last approval of a second stage holds of its first.
struct Recorded {
    analysis: u64,
    digest: Option<Digest>,
    seal: Option<Seal>,
}

impl Recorded {
    fn of(ledger: &Ledger, name: &str) -> Result<Option<Self>> {
        let Some(entry) = ledger.last(kind::APPROVE) else {
            return Ok(None);
        };
        let noted = |fact: &str| entry.facts.get(fact).and_then(Value::as_str);
        if noted("first_stage") != Some(name) {
            return Ok(None);
        }
        let Some(analysis) = entry.number_fact("first_analysis") else {
            return Ok(None);
        };
        Ok(Some(Recorded {
            analysis,
            digest: entry.digest_fact("first_analysis_sha256")?,
            seal: noted("first_seal").map(str::parse).transpose()?,
        }))
    }
}

fn find(opened: &Opened, name: &str) -> Result<Pilot> {
    existing(opened.pilot.workspace(), name).map_err(|e| {
        e.file(opened.pilot.plan_path())
            .key("experiment.second_stage_of")
    })
}

fn existing(workspace: &Workspace, name: &str) -> Result<Pilot> {
    let pilot = workspace.pilot(name)?;
    if pilot.plan_path().exists() {
        return Ok(pilot);
    }
    let plans = workspace.plans()?;
    let error = Error::workspace(format!("there is no pilot \"{name}\" in this workspace"));
    Err(
        match nearest(name, plans.names.iter().map(String::as_str)) {
            Some(near) => error.hint(format!("perhaps \"{near}\"")),
            None => error.hint("a second stage stands in the workspace of its first"),
        },
    )
}

fn load(pilot: Pilot, recorded: Option<&Recorded>) -> Result<First> {
    let name = pilot.name().to_string();
    let refuse = |why: String, hint: &str| {
        Err(
            Error::new(Kind::Usage, format!("the first stage, {name}, {why}"))
                .key("experiment.second_stage_of")
                .hint(hint),
        )
    };
    let seal = recorded.and_then(|r| r.seal);
    let verified = verify(&pilot, seal.as_ref(), None).map_err(|e| {
        let named = Error::new(
            e.kind(),
            format!(
                "the first stage, {name}, does not fit its ledger: {}",
                e.message()
            ),
        );
        let named = match e.file_path() {
            Some(file) => named.file(file),
            None => named,
        };
        named.hint(
            e.hint_text()
                .unwrap_or("restore the files of the first stage from a copy"),
        )
    })?;
    let ledger = pilot.ledger()?;
    let ends: Vec<(&Entry, u64, Document)> = ends(&pilot, &ledger)?;
    let found = match recorded {
        Some(r) => ends.iter().find(|(_, number, _)| *number == r.analysis),
        None => ends.last(),
    };
    let Some((entry, number, document)) = found else {
        if !planned_weights(&pilot, &ledger)? {
            return refuse(NO_WEIGHTS.into(), NEW_ATTEMPT);
        }
        return match ledger.count(kind::ANALYZE) {
            0 => refuse(
                "has not been analysed yet".into(),
                "a second stage begins when the first has ended and been analysed",
            ),
            _ => refuse(
                "has no analysis of its planned end that is still here".into(),
                "run `pilot analyze` of it once its end has passed: a stage that stopped at a look has no \
                 statistic of its end to combine, and what crossed the boundary at a look is shown already",
            ),
        };
    };
    let digest = entry.digest_fact(&pilot.analyses().digest_fact())?;
    if let (Some(r), Some(digest)) = (recorded, digest)
        && r.digest.is_some_and(|d| d != digest)
    {
        return refuse(
            format!("has another analysis {number:04} than the approval recorded"),
            "restore the analysis that the second stage was approved on",
        );
    }
    let plan = approved(&pilot, &ledger, document)?;
    if let Some(before) = &plan.second_stage_of {
        return refuse(
            format!("is itself the second stage of {before}, and its weights are spent"),
            NEW_ATTEMPT,
        );
    }
    let weights = plan.analysis.sequential.as_ref();
    if weights.and_then(|s| s.extension_weights).is_none() {
        return refuse(NO_WEIGHTS.into(), NEW_ATTEMPT);
    }
    if let Some(banner) = document.banners.iter().find(|b| unfixed(b)) {
        return refuse(
            format!("did not fix its weights before its data: its report says {banner}"),
            NEW_ATTEMPT,
        );
    }
    let same = |other: &Document| {
        other.plan_sha256 == document.plan_sha256 && other.estimates == document.estimates
    };
    let later = ends
        .iter()
        .filter(|(_, n, other)| n > number && !same(other))
        .map(|(_, n, _)| *n)
        .next_back();
    let record = StageRecord {
        name: name.clone(),
        plan_sha256: document.plan_sha256.clone(),
        seal: document.seal.clone(),
        analysis: *number,
        analysis_sha256: digest.map(|d| d.to_string()).unwrap_or_default(),
        evidence: document.evidence.number,
        as_of: document.as_of.clone(),
        analyses_made: document.analysis_number.unwrap_or(1),
        banners: document.banners.clone(),
    };
    Ok(First {
        record,
        plan,
        document: document.clone(),
        seal: verified.seal,
        later,
    })
}

/// Whether the plan, as it was last approved where it was, has weights of two stages.
fn planned_weights(pilot: &Pilot, ledger: &Ledger) -> Result<bool> {
    let plan = match ledger.latest_approval()? {
        Some(approval) => {
            let bytes = pilot.approved_plan(&approval)?;
            let text = String::from_utf8_lossy(&bytes);
            experiment::parse_copy(&text, &pilot.approved_path(approval.number))?
        }
        None => experiment::parse_bytes(&pilot.plan()?, &pilot.plan_path())?,
    };
    let sequential = plan.experiment.analysis.sequential;
    Ok(sequential.is_some_and(|s| s.extension_weights.is_some()))
}

/// Analyses of the planned end that are in the ledger and on disk, oldest first.
fn ends<'a>(pilot: &Pilot, ledger: &'a Ledger) -> Result<Vec<(&'a Entry, u64, Document)>> {
    let series = pilot.analyses();
    let mut found = Vec::new();
    for entry in ledger.entries().iter().filter(|e| e.kind == kind::ANALYZE) {
        let Some(number) = entry.number_fact(series.number_fact()) else {
            continue;
        };
        if !series.path(number).exists() {
            continue;
        }
        let document = Document::from_json(&series.set(number)?.read("analysis.json")?)?;
        let ended = document.boundaries.as_ref().is_some_and(|b| b.ended);
        if ended {
            found.push((entry, number, document));
        }
    }
    Ok(found)
}

/// The plan whose seal an analysis carries.
fn approved(pilot: &Pilot, ledger: &Ledger, document: &Document) -> Result<Experiment> {
    let approvals = ledger.approvals()?;
    let sealed = approvals
        .iter()
        .find(|a| Some(a.seal.to_string()) == document.seal);
    let Some(approval) = sealed else {
        return Err(Error::new(
            Kind::Usage,
            format!(
                "the first stage, {}, was analysed without an approved plan, so it fixed no weights before its data",
                pilot.name()
            ),
        )
        .key("experiment.second_stage_of")
        .hint(NEW_ATTEMPT));
    };
    let bytes = pilot.approved_plan(approval)?;
    let text = String::from_utf8_lossy(&bytes);
    experiment::parse_copy(&text, &pilot.approved_path(approval.number)).map(|p| p.experiment)
}

/// Days from the first to the last, both included.
pub fn days((from, to): (Date, Date)) -> Option<i64> {
    Some(i64::from(from.until(to).ok()?.get_days()) + 1)
}
