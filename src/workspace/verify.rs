//! Whether everything still fits the ledger.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::workspace::digest::Digest;
use crate::workspace::ledger::{Ledger, kind};
use crate::workspace::numbered::{Series, names_in};
use crate::workspace::paths::Pilot;
use crate::workspace::recover::logged_set;
use crate::workspace::seal::Seal;
use crate::workspace::ssh::{self, Signature};

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
    /// A set or a kept plan that the ledger does not know.
    NotInLedger(PathBuf),
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
            Note::PlanChanged => f.write_str("the plan is not the one approved last"),
            Note::NotApproved => f.write_str("no plan was approved"),
        }
    }
}

/// Recomputes the chain and the digests of all that it names. Needs no lock and no network.
///
/// A chain alone cannot show that its tail was cut or that it was rewritten as a whole; a seal
/// that somebody else kept can. Signatures are checked where there are any; `keys` is a file of the
/// public keys that may have made them.
///
/// # Errors
/// Of [`Kind::Check`], the first thing that does not fit, in this order: the chain, the seal, the
/// signatures, the kept plans, the assignment, evidence, analyses, what was signed.
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
    if keys.is_some() && signatures.iter().all(|s| *s == Signature::Unsigned) {
        return Err(Error::new(Kind::Check, "no entry is signed")
            .file(ledger.path())
            .hint("sign with --ssh-key KEY of `pilot approve` and `pilot sign`"));
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

fn verify_sets(ledger: &Ledger, series: &Series, notes: &mut Vec<Note>) -> Result<()> {
    let mut logged: Vec<u64> = (ledger.entries().iter())
        .filter(|entry| entry.facts.contains_key(&series.digest_fact()))
        .filter_map(|entry| entry.number_fact(series.number_fact()))
        .collect();
    logged.sort_unstable();
    logged.dedup();
    for number in &logged {
        let path = series.path(*number);
        if !path.exists() {
            notes.push(Note::Absent(path));
            continue;
        }
        let set = series.set(*number)?;
        if logged_set(ledger, series, *number)? != Some(set.digest) {
            return Err(Error::new(
                Kind::Check,
                "the manifest is not the one that the ledger holds",
            )
            .file(path));
        }
        set.verify()?;
    }
    let listing = series.list()?;
    let unknown = listing
        .sets
        .iter()
        .filter(|set| !logged.contains(&set.number));
    notes.extend(unknown.map(|set| Note::NotInLedger(set.path.clone())));
    Ok(())
}
