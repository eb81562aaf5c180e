//! `pilot sign`: the decision, by name, under what was found.

use jiff::Timestamp;

use crate::analysis::{Check, Status};
use crate::decision::VerdictKind;
use crate::error::{Error, Kind, Result};
use crate::report::{self, Document};
use crate::workspace::{Draft, Entry, Facts, Ledger, Lock, NumberedSet, Set, kind};

use super::Global;
use super::known;
use super::pilot::{self, NOT_PRE_REGISTERED, Opened, Standing};
use super::ui::{Steps, Ui};
use super::who::Who;

/// Sign the decision on the last analysis. What is signed is kept, read-only, beside the report.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  pilot sign fee-questions --decision scale --role finance --by \"Ada Lovelace\"\n  pilot sign fee-questions --decision stop --role owner --by \"Grace Hopper\" --because \"the video is out of date by spring\"\n  pilot sign fee-questions --decision scale --role finance --by \"Ada Lovelace\" --ssh-key ~/.ssh/id_ed25519\n\nSeveral people may sign the same analysis; each signature is a line of the ledger, and the last decision holds. A decision other than the verdict needs --because."
)]
pub struct Args {
    /// A pilot's name, or a path to its plan
    name: String,
    /// What is decided
    #[arg(long, value_enum)]
    decision: Signed,
    /// The arm to roll out (default: the verdict's)
    #[arg(long, value_name = "ARM")]
    arm: Option<String>,
    /// Why it differs from the verdict
    #[arg(long, value_name = "REASON")]
    because: Option<String>,
    #[command(flatten)]
    who: Who,
}

/// What can be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Signed {
    /// Roll the arm out
    Scale,
    /// Roll nothing out
    Stop,
    /// A second stage
    Extend,
}

impl Signed {
    fn verdict(self) -> VerdictKind {
        match self {
            Signed::Scale => VerdictKind::Scale,
            Signed::Stop => VerdictKind::Stop,
            Signed::Extend => VerdictKind::Extend,
        }
    }
}

/// The last analysis, as it is signed.
struct Last {
    set: Set,
    /// Digests of the analysis and of all that it was made from.
    stands_on: Facts,
    document: Document,
}

/// Runs the command.
pub fn run(args: &Args, g: &Global, ui: &Ui) -> Result<()> {
    args.who.check()?;
    if let Some(because) = &args.because {
        super::who::line("--because", because)?;
    }
    let opened = pilot::open(&args.name, g)?;
    let ledger = opened.pilot.ledger()?;
    let last = last(&opened, &ledger)?;
    let arm = args.may_be_signed(&opened, &ledger, &last.document)?;
    let files = report::render(&last.document)?;
    let earlier = signed_before(&opened, &ledger, &last)?;
    if g.dry_run {
        let folder = opened.pilot.signed();
        return ui.plan(&Steps {
            reads: vec![last.set.path.display().to_string()],
            writes: vec![
                format!("{} (a new one)", folder.dir().join("signed-NNNN").display()),
                opened.pilot.ledger_path().display().to_string(),
            ],
        });
    }
    let lock = opened.pilot.lock("sign", Timestamp::now())?;
    pilot::report_repairs(&lock, ui);
    if lock.pilot().ledger()?.head() != ledger.head() {
        return Err(
            Error::workspace("the pilot changed while its report was read")
                .hint("read the new analysis, then sign it"),
        );
    }
    let draft = args.draft(&last, arm.as_deref());
    let (set, entry) = match earlier {
        Some(set) => {
            let mut draft = draft;
            draft.facts.extend(set.facts(&opened.pilot.signed()));
            (set, lock.append(draft)?)
        }
        None => keep(&opened, &lock, &files, draft)?,
    };
    tell(args, ui, &opened, &last, arm.as_deref(), &set, &entry)
}

/// The last analysis of real arms, made with the plan as it stands.
fn last(opened: &Opened, ledger: &Ledger) -> Result<Last> {
    let name = opened.pilot.name();
    let Some(entry) = ledger.last(kind::ANALYZE) else {
        return Err(Error::workspace("there is no analysis to sign")
            .hint(format!("run `pilot analyze {name}` first")));
    };
    let series = opened.pilot.analyses();
    let number = entry.number_fact(series.number_fact()).ok_or_else(|| {
        Error::new(
            Kind::Check,
            format!("entry {} names no analysis", entry.number),
        )
        .file(ledger.path())
        .line(entry.number)
    })?;
    let set = series.set(number)?;
    if entry.digest_fact(&series.digest_fact())? != Some(set.digest) {
        return Err(Error::new(
            Kind::Check,
            "the analysis is not the one that the ledger holds",
        )
        .file(&set.path)
        .hint(format!(
            "run `pilot analyze {name}` again and read what it says"
        )));
    }
    known::analysis(&opened.pilot, ledger, &set)?;
    let document = Document::from_json(&set.read("analysis.json")?)
        .map_err(|e| e.file(set.path.join("analysis.json")))?;
    if document.plan_sha256 != opened.plan.sha256 {
        return Err(Error::workspace(
            "the plan was changed after the last analysis, so that does not stand for it",
        )
        .file(opened.pilot.plan_path())
        .hint(format!(
            "run `pilot analyze {name}` again, or restore the plan"
        )));
    }
    let made_from = |name: &str| {
        [
            "plan_sha256",
            "assignment_sha256",
            "evidence",
            "evidence_sha256",
        ]
        .contains(&name)
    };
    let mut stands_on = set.facts(&series);
    stands_on.extend((entry.facts.clone().into_iter()).filter(|(name, _)| made_from(name)));
    Ok(Last {
        set,
        stands_on,
        document,
    })
}

/// The set that was kept when somebody signed this analysis before.
fn signed_before(opened: &Opened, ledger: &Ledger, last: &Last) -> Result<Option<Set>> {
    let (analyses, signed) = (opened.pilot.analyses(), opened.pilot.signed());
    for entry in ledger.entries().iter().filter(|e| e.kind == kind::SIGN) {
        if entry.digest_fact(&analyses.digest_fact())? != Some(last.set.digest) {
            continue;
        }
        let kept = entry.number_fact(signed.number_fact());
        let logged = entry.digest_fact(&signed.digest_fact())?;
        if let Some(set) = kept.and_then(|number| signed.set(number).ok())
            && logged == Some(set.digest)
        {
            set.verify()?;
            return Ok(Some(set));
        }
    }
    Ok(None)
}

/// Keeps the report and the plan as they are signed, and adds the entry.
fn keep(
    opened: &Opened,
    lock: &Lock,
    files: &[report::RenderedFile],
    draft: Draft,
) -> Result<(Set, Entry)> {
    let mut set = NumberedSet::begin(lock, &opened.pilot.signed())?;
    for file in files {
        set.write(&file.name, &file.bytes)?;
    }
    set.write("plan.toml", opened.plan.text.as_bytes())?;
    lock.commit_set(set, draft)
}

impl Args {
    /// The arm that the decision is about, where it may be signed.
    ///
    /// # Errors
    /// Nothing is decided yet, a check stands in the way, nobody approved the plan, or the decision
    /// differs from the verdict without a reason.
    fn may_be_signed(
        &self,
        opened: &Opened,
        ledger: &Ledger,
        document: &Document,
    ) -> Result<Option<String>> {
        let verdict = document.decision.verdict;
        let scale = self.decision == Signed::Scale;
        let refuse =
            |why: &str, hint: String| Err(Error::workspace(why).key("--decision").hint(hint));
        let name = opened.pilot.name();
        if verdict == VerdictKind::Wait {
            return refuse(
                "the test period has not ended, so there is nothing to decide",
                format!("wait for its end, then run `pilot analyze {name}`"),
            );
        }
        if scale && verdict == VerdictKind::Blocked {
            return refuse(
                "a health check stopped the analysis, so nothing can be rolled out on it",
                "find the cause, mend the data and analyse again; `--despite CHECK --because \"…\"` of `pilot analyze` shows what there is, but nothing can be rolled out on that either".into(),
            );
        }
        let stops = |c: &&Check| c.status == Status::Stop;
        if scale && let Some(check) = document.checks.iter().find(stops) {
            return refuse(
                &format!(
                    "the check {} failed and was passed over, so nothing is rolled out on this analysis",
                    check.id
                ),
                "no reason helps; find the cause, mend the data and analyse again, or repeat the test".into(),
            );
        }
        let standing = Standing::of(opened, ledger)?;
        if scale && !standing.approved_as_it_is() {
            return refuse(
                "nobody approved this plan as it stands before the data, so nothing is rolled out on it",
                "sign `extend`, and approve the next plan before its test period begins".into(),
            );
        }
        if scale && let Some(why) = made_under_another(document, &standing) {
            return refuse(
                &why,
                format!("run `pilot analyze {name}` again, read what it says, then sign that"),
            );
        }
        let arm = match (&self.arm, scale) {
            (Some(_), false) => {
                return Err(Error::usage("only `scale` rolls out an arm").key("--arm"));
            }
            (Some(arm), true) => Some(treatment(document, arm)?),
            (None, true) => match &document.decision.arm {
                Some(arm) => Some(arm.clone()),
                None => {
                    return Err(Error::usage("the verdict names no arm to roll out")
                        .key("--arm")
                        .hint("name one with --arm ARM"));
                }
            },
            (None, false) => None,
        };
        let follows =
            self.decision.verdict() == verdict && (!scale || arm == document.decision.arm);
        if !follows && self.because.is_none() {
            let advice = match (&document.decision.arm, verdict) {
                (_, VerdictKind::Blocked) => "that the analysis is blocked".to_owned(),
                (Some(arm), VerdictKind::Scale) => format!("to scale {arm}"),
                (_, verdict) => format!("to {}", verdict.name()),
            };
            return Err(Error::usage(format!(
                "the verdict is {advice}, and this decides otherwise"
            ))
            .key("--because")
            .hint("say why with --because \"…\"; it stands in the ledger"));
        }
        Ok(arm)
    }

    fn draft(&self, last: &Last, arm: Option<&str>) -> Draft {
        let mut draft = self.who.sign(Draft::new(kind::SIGN, Timestamp::now()));
        draft.facts.extend(last.stands_on.clone());
        let mut draft = draft
            .fact("decision", self.decision.verdict().name())
            .fact("verdict", last.document.decision.verdict.name());
        if let Some(arm) = arm {
            draft = draft.fact("arm", arm);
        }
        if let Some(because) = &self.because {
            draft = draft.fact("because", because.clone());
        }
        draft
    }
}

/// Why an analysis was not made under the approval that holds now, as its own report says.
fn made_under_another(document: &Document, standing: &Standing) -> Option<String> {
    let not_approved = document.banners.iter().any(|b| b == NOT_PRE_REGISTERED);
    match (&document.seal, standing.seal()) {
        _ if not_approved => {
            Some("the analysis was made before anybody approved the plan, and says so".into())
        }
        (Some(then), Some(now)) if *then == now => (document.deviations.iter())
            .any(|d| d.unexplained())
            .then(|| "the analysis is of a plan that was changed after its approval".into()),
        (Some(then), Some(now)) => Some(format!(
            "the analysis was made under the approval with the seal {then}, and the plan was approved again since, with the seal {now}"
        )),
        _ => Some("the analysis was made under no approval".into()),
    }
}

/// A treatment arm by its name.
fn treatment(document: &Document, name: &str) -> Result<String> {
    let mut arms = document.experiment.arms.iter().filter(|a| !a.control);
    if arms.any(|a| a.name == name) {
        return Ok(name.to_owned());
    }
    let names: Vec<&str> = (document.experiment.arms.iter())
        .filter(|a| !a.control)
        .map(|a| a.name.as_str())
        .collect();
    Err(Error::usage("no treatment arm has this name")
        .key("--arm")
        .hint(format!("the treatments are {}", names.join(", "))))
}

fn tell(
    args: &Args,
    ui: &Ui,
    opened: &Opened,
    last: &Last,
    arm: Option<&str>,
    set: &Set,
    entry: &Entry,
) -> Result<()> {
    let decision = args.decision.verdict().name();
    if ui.json {
        return ui.document(&serde_json::json!({
            "pilot": opened.pilot.name(),
            "decision": decision,
            "arm": arm,
            "verdict": last.document.decision.verdict.name(),
            "analysis": last.set.number,
            "by": args.who.by,
            "role": args.who.role,
            "entry": entry.number,
            "seal": entry.seal().to_string(),
            "signed": set.number,
            "folder": set.path,
        }));
    }
    let what = match arm {
        Some(arm) => format!("{decision} {arm}"),
        None => decision.to_owned(),
    };
    ui.say(format!(
        "Signed by {} ({}): {what}, on analysis {:04}.",
        args.who.by, args.who.role, last.set.number
    ))?;
    ui.say(format!("Kept as signed: {}", set.path.display()))?;
    ui.say(format!(
        "Seal: {}   (send it to finance: with it, `pilot verify` shows any later change)",
        entry.seal()
    ))?;
    ui.next(format!(
        "pilot verify {} --seal {}",
        opened.pilot.name(),
        entry.seal()
    ))
}
