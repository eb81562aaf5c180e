//! What is done under a lock and entered in the ledger.
//!
//! Files are made whole under a hidden name, then the entry is written, then they are renamed to
//! their place. The entry decides: a kill before it leaves the old state, a kill after it is
//! completed at the next lock. So no analysis is ever on disk without its line in the ledger.

use crate::error::{Error, Kind, Result};
use crate::workspace::digest::{Digest, FileDigest};
use crate::workspace::ledger::{Approval, Draft, Entry, kind};
use crate::workspace::lock::Lock;
use crate::workspace::numbered::{NumberedSet, Set, next_number};
use crate::workspace::paths::Pilot;
use crate::workspace::recover::{pending_assignment, recover};
use crate::workspace::walk::names_in;
use crate::workspace::write::{WholeFile, rename, write_new, write_whole};

impl Lock {
    /// Adds an entry to the ledger.
    ///
    /// # Errors
    /// The ledger as it stands is no chain; see [`Ledger::read`](crate::workspace::Ledger::read).
    pub fn append(&self, draft: Draft) -> Result<Entry> {
        let (entry, bytes) = self.pilot().ledger()?.with(draft)?;
        write_whole(&self.pilot().ledger_path(), &bytes)?;
        Ok(entry)
    }

    /// Approves a plan: keeps its bytes in `approved/000N.toml` and adds an entry with the facts
    /// `approval` (the number N), `plan_sha256`, and those given by the draft.
    ///
    /// The caller has validated `plan`, and has it from [`Pilot::plan`].
    pub fn approve(&self, plan: &[u8], mut draft: Draft) -> Result<Approval> {
        let pilot = self.pilot();
        let ledger = pilot.ledger()?;
        let kept = names_in(&pilot.approved_dir())?;
        let kept = kept
            .iter()
            // A page `000N.pdf` that lies there is never written over.
            .filter_map(|name| name.split_once('.')?.0.parse().ok());
        let number = next_number(kept.max().unwrap_or(0).max(ledger.highest("approval")))?;
        let digest = write_new(&pilot.approved_path(number), plan)?.sha256;
        draft.kind = kind::APPROVE.to_owned();
        let draft = draft
            .fact("approval", number)
            .fact("plan_sha256", digest.to_string());
        let entry = self.append(draft)?;
        Ok(Approval {
            number,
            entry: entry.number,
            at: entry.at,
            by: entry.by.clone(),
            role: entry.role.clone(),
            plan_sha256: digest,
            seal: entry.seal(),
        })
    }

    /// Begins a new assignment file, to be put in place by [`Lock::commit_assignment`].
    pub fn begin_assignment(&self) -> Result<WholeFile> {
        WholeFile::create(self.pilot().assignment_path())
    }

    /// Puts an assignment file in place and adds an entry with the fact `assignment_sha256` and
    /// those given by the draft.
    pub fn commit_assignment(&self, file: WholeFile, mut draft: Draft) -> Result<Entry> {
        crate::interrupt::check()?;
        let place = self.pilot().assignment_path();
        if file.target() != place {
            return Err(Error::internal("the file was not begun as the assignment"));
        }
        let pending = pending_assignment(self.pilot());
        let FileDigest { sha256, .. } = file.finish_as(&pending)?;
        draft.kind = kind::ASSIGN.to_owned();
        let entry = self.append_or_settle(draft.fact("assignment_sha256", sha256.to_string()))?;
        rename(&pending, &place)?;
        Ok(entry)
    }

    /// Puts a numbered set in place and adds an entry with its number and the digest of its
    /// manifest (`evidence` and `evidence_sha256`, or `analysis` and `analysis_sha256`), and the
    /// facts given by the draft.
    pub fn commit_set(&self, set: NumberedSet, draft: Draft) -> Result<(Set, Entry)> {
        let prepared = set.prepare()?;
        let draft = draft
            .fact(prepared.series.number_fact(), prepared.number)
            .fact(prepared.series.digest_fact(), prepared.digest.to_string());
        let entry = self.append_or_settle(draft)?;
        Ok((prepared.publish()?, entry))
    }

    /// Adds an entry; where that fails, nothing stays that waited for it.
    fn append_or_settle(&self, draft: Draft) -> Result<Entry> {
        self.append(draft).inspect_err(|_| {
            // What cannot be settled now is settled at the next lock.
            let _ = recover(self.pilot());
        })
    }
}

impl Pilot {
    /// The digest of the assignment file, which is the one that the ledger holds; `None` where
    /// nothing was assigned and there is no file.
    ///
    /// # Errors
    /// Of [`Kind::Check`]: the file was changed, is missing, or was not made by `assign`.
    pub fn checked_assignment(&self) -> Result<Option<Digest>> {
        let path = self.assignment_path();
        let logged = self.ledger()?.assignment_sha256()?;
        let found = match path.exists() {
            true => Some(Digest::of_file(&path)?),
            false => None,
        };
        if found == logged {
            return Ok(found);
        }
        // Another process is between its entry and its rename, or was killed there.
        let pending = pending_assignment(self);
        if let Some(logged) = logged
            && pending.exists()
            && Digest::of_file(&pending)? == logged
        {
            return Err(
                Error::workspace("the assignment file is about to be replaced")
                    .file(path)
                    .hint("wait for `pilot assign` to end; if it was killed, run it again"),
            );
        }
        let why = match (found, logged) {
            (None, _) => "the assignment file is missing, and the ledger holds its digest",
            (_, None) => "the assignment file is not in the ledger",
            _ => "the assignment file is not the one that the ledger holds",
        };
        Err(Error::new(Kind::Check, why)
            .file(path)
            .hint("restore the file that `pilot assign` wrote"))
    }
}
