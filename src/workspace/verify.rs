//! Whether everything still fits the ledger.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::workspace::digest::Digest;
use crate::workspace::ledger::{Entry, Ledger, kind};
use crate::workspace::numbered::{Ignored, Series};
use crate::workspace::paths::Pilot;
use crate::workspace::seal::Seal;
use crate::workspace::ssh::{self, Signature};
use crate::workspace::walk::names_in;

/// A pilot whose files and ledger fit each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Entries in the ledger.
    pub entries: u64,
    /// The seal of the last entry.
    pub seal: Option<Seal>,
    /// The entry whose seal was presented: nothing up to it was changed since that seal was made.
    pub proved_up_to: Option<u64>,
    /// What is known of each entry's signature.
    pub signatures: Vec<Signature>,
    /// What to know besides.
    pub notes: Vec<Note>,
}

/// Something to know that is no misfit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// No seal was presented: the ledger is consistent with itself, and may have been cut or
    /// rewritten as a whole.
    NoOutsideProof,
    /// Entries after the one whose seal was presented.
    LaterEntries(u64),
    /// Customers' data that the ledger holds the digest of, and that is no longer here.
    Absent(PathBuf),
    /// A kept plan that the ledger does not know.
    NotInLedger(PathBuf),
    /// Beside numbered sets, and none itself.
    Ignored(Ignored),
    /// The plan is not the one approved last.
    PlanChanged,
    /// Nothing was approved.
    NotApproved,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::NoOutsideProof => {
                f.write_str("consistent with itself; no outside proof without a seal")
            }
            Note::LaterEntries(1) => f.write_str("1 entry is later than the seal"),
            Note::LaterEntries(n) => write!(f, "{n} entries are later than the seal"),
            Note::Absent(path) => write!(f, "{} is not here and was not checked", path.display()),
            Note::NotInLedger(path) => write!(f, "{} is not in the ledger", path.display()),
            Note::Ignored(ignored) => ignored.fmt(f),
            Note::PlanChanged => f.write_str("the plan is not the one approved last"),
            Note::NotApproved => f.write_str("no plan was approved"),
        }
    }
}

/// Recomputes the chain and the digests of all that it names. Needs no lock and no network.
///
/// A chain alone cannot show that its tail was cut or that it was rewritten as a whole; a seal
/// that somebody else kept can. Signatures are checked where there are any; `keys` is a file of the
/// public keys that may have made them, and where it is given every approval and every decision
/// must bear one.
///
/// # Errors
/// Of [`Kind::Check`], the first thing that does not fit, in this order: the chain, the seal, the
/// signatures, the kept plans, the assignment, evidence, analyses, what was signed; then entries
/// that stand on evidence that was not taken. Sets that the ledger does not know, files added to a
/// set, and a signed set that is gone are misfits as well.
pub fn verify(pilot: &Pilot, seal: Option<&Seal>, keys: Option<&Path>) -> Result<Verified> {
    let ledger = pilot.ledger()?;
    let mut notes = Vec::new();
    let entries = ledger.entries().len() as u64;
    let proved_up_to = match seal {
        None => {
            notes.push(Note::NoOutsideProof);
            None
        }
        Some(seal) => {
            let found = ledger.entries().iter().find(|entry| entry.seal() == *seal);
            let Some(entry) = found else {
                return Err(Error::new(Kind::Check, format!("no entry has the seal {seal}"))
                    .file(ledger.path())
                    .hint("the ledger was cut or rewritten since the seal was made, or it is the seal of another pilot"));
            };
            if entry.number < entries {
                notes.push(Note::LaterEntries(entries - entry.number));
            }
            Some(entry.number)
        }
    };
    let signatures: Vec<Signature> = (ledger.entries().iter())
        .map(|entry| ssh::check(entry, keys).map_err(|e| e.file(ledger.path())))
        .collect::<Result<_>>()?;
    if keys.is_some() {
        all_signed(&ledger, &signatures)?;
    }
    verify_plans(pilot, &ledger, &mut notes)?;
    if pilot.assignment_path().exists() || ledger.last(kind::ASSIGN).is_none() {
        pilot.checked_assignment()?;
    } else {
        notes.push(Note::Absent(pilot.assignment_path()));
    }
    for series in [pilot.evidence(), pilot.analyses(), pilot.signed()] {
        verify_sets(&ledger, &series, &mut notes)?;
    }
    for entry in ledger.entries() {
        ledger.stands_on_evidence(pilot, entry)?;
    }
    Ok(Verified {
        entries,
        seal: ledger.seal(),
        proved_up_to,
        signatures,
        notes,
    })
}

fn verify_plans(pilot: &Pilot, ledger: &Ledger, notes: &mut Vec<Note>) -> Result<()> {
    let approvals = ledger.approvals()?;
    for approval in &approvals {
        pilot.approved_plan(approval)?;
    }
    let known: Vec<_> = (approvals.iter())
        .map(|approval| pilot.approved_path(approval.number))
        // The page for people is made from the plan, which is checked.
        .flat_map(|plan| [plan.with_extension("pdf"), plan])
        .collect();
    let mut kept = names_in(&pilot.approved_dir())?;
    kept.sort();
    let kept = kept.iter().map(|name| pilot.approved_dir().join(name));
    notes.extend(
        kept.filter(|path| !known.contains(path))
            .map(Note::NotInLedger),
    );
    match approvals.last() {
        None => notes.push(Note::NotApproved),
        Some(last) => {
            let plan = pilot.plan_path();
            if !plan.exists() {
                notes.push(Note::Absent(plan));
            } else if Digest::of_file(&plan)? != last.plan_sha256 {
                notes.push(Note::PlanChanged);
            }
        }
    }
    Ok(())
}

/// Refuses approvals and decisions that bear no signature: anybody could have written them.
fn all_signed(ledger: &Ledger, signatures: &[Signature]) -> Result<()> {
    let decides = |e: &Entry| e.kind == kind::APPROVE || e.kind == kind::SIGN;
    let mut bare = (ledger.entries().iter().zip(signatures))
        .filter(|(entry, signature)| decides(entry) && **signature == Signature::Unsigned);
    let first = bare.next().map(|(entry, _)| entry);
    let why = match first {
        Some(entry) => format!("entry {} ({}) is not signed", entry.number, entry.kind),
        None if signatures.iter().all(|s| *s == Signature::Unsigned) => "no entry is signed".into(),
        None => return Ok(()),
    };
    let error = Error::new(Kind::Check, why).file(ledger.path()).hint(
        "with keys, every approval and every decision must bear a signature: `pilot approve` and `pilot sign` make it with --ssh-key KEY",
    );
    Err(match first {
        Some(entry) => error.line(entry.number),
        None => error,
    })
}

fn verify_sets(ledger: &Ledger, series: &Series, notes: &mut Vec<Note>) -> Result<()> {
    let logged = ledger.numbers(series);
    let misfit = |why: String, path: &Path| Err(Error::new(Kind::Check, why).file(path));
    for number in &logged {
        let path = series.path(*number);
        if !path.exists() {
            if series.is_read_only() {
                return misfit("what was signed is no longer here".into(), &path)
                    .map_err(|e: Error| e.hint("restore the folder from a copy"));
            }
            notes.push(Note::Absent(path));
            continue;
        }
        let set = series.set(*number)?;
        if !ledger.knows(series, &set)? {
            let why = "the manifest is not the one that the ledger holds";
            return misfit(why.into(), &path);
        }
        set.verify()?;
    }
    let listing = series.list()?;
    let unknown = (listing.sets.into_iter().map(|set| set.path))
        .find(|path| !logged.iter().any(|n| series.path(*n) == *path));
    let half = (listing.ignored.iter().map(|i| i.path.clone()))
        .find(|path| series.is_read_only() && path.is_dir() && numbered(series, path));
    if let Some(path) = unknown.or(half) {
        let why = format!(
            "no entry of the ledger made this {}: it was put there by something else",
            series.number_fact()
        );
        return misfit(why, &path)
            .map_err(|e: Error| e.hint("remove the folder, or move it out of the workspace"));
    }
    notes.extend(listing.ignored.into_iter().map(Note::Ignored));
    Ok(())
}

fn numbered(series: &Series, path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.and_then(|name| series.number_of(name)).is_some()
}
