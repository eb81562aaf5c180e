//! The ledger: what was done with a pilot, each entry chained to the one before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Kind, Result};
use crate::workspace::digest::Digest;
use crate::workspace::seal::Seal;
use crate::workspace::ssh;

/// Names of the entries that this version writes. Others are read and kept.
pub mod kind {
    /// A plan was sealed.
    pub const APPROVE: &str = "approve";
    /// Customers got their arms.
    pub const ASSIGN: &str = "assign";
    /// Evidence was taken from the data.
    pub const INGEST: &str = "ingest";
    /// Real arms were analysed.
    pub const ANALYZE: &str = "analyze";
    /// Health was checked before the planned end, and nothing was shown by arm.
    pub const WAIT: &str = "wait";
    /// The size was estimated again from all arms together.
    pub const RE_ESTIMATE: &str = "re-estimate";
    /// A decision was signed.
    pub const SIGN: &str = "sign";
}

/// Digests and numbers of an entry, by name; written in the order of the names.
pub type Facts = BTreeMap<String, Value>;

/// What an entry is to say; its number and its link to the entry before come from the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// What was done; see [`kind`].
    pub kind: String,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub by: Option<String>,
    /// In which role.
    pub role: Option<String>,
    /// Digests and numbers.
    pub facts: Facts,
    /// The key to sign the entry with.
    pub ssh_key: Option<PathBuf>,
}

impl Draft {
    /// A draft without names and facts.
    pub fn new(kind: impl Into<String>, at: Timestamp) -> Self {
        Draft {
            kind: kind.into(),
            at,
            by: None,
            role: None,
            facts: Facts::new(),
            ssh_key: None,
        }
    }

    /// Adds who did it, and in which role.
    pub fn by(mut self, name: impl Into<String>, role: impl Into<String>) -> Self {
        self.by = Some(name.into());
        self.role = Some(role.into());
        self
    }

    /// Signs the entry with an OpenSSH key: its line as it is without the signature, which becomes
    /// the fact `ssh_signature`.
    pub fn signed_with(mut self, ssh_key: Option<PathBuf>) -> Self {
        self.ssh_key = ssh_key;
        self
    }

    /// Adds a fact.
    pub fn fact(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.facts.insert(name.into(), value.into());
        self
    }
}

/// An entry of the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its number, from 1; also the number of its line.
    pub number: u64,
    /// What was done; see [`kind`].
    pub kind: String,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub by: Option<String>,
    /// In which role.
    pub role: Option<String>,
    /// Digests and numbers.
    pub facts: Facts,
    /// The digest of the line of the entry before; `None` in the first.
    pub previous: Option<Digest>,
    /// The digest of this entry's line, without its line end.
    pub digest: Digest,
}

/// An entry as it stands in the file. The order of the fields is the order in the line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    number: u64,
    kind: String,
    at: String,
    by: Option<String>,
    role: Option<String>,
    facts: Facts,
    previous: Option<Digest>,
}

impl Entry {
    /// The seal of the ledger up to this entry.
    pub fn seal(&self) -> Seal {
        Seal::of(&self.digest)
    }

    /// A fact that is a digest.
    ///
    /// # Errors
    /// The fact is there and is none.
    pub fn digest_fact(&self, name: &str) -> Result<Option<Digest>> {
        match self.facts.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => text.parse().map(Some).map_err(|_| self.unfit_fact(name)),
            Some(_) => Err(self.unfit_fact(name)),
        }
    }

    /// A fact that is a whole number, 0 or more; `None` where there is none.
    pub fn number_fact(&self, name: &str) -> Option<u64> {
        self.facts.get(name).and_then(Value::as_u64)
    }

    fn unfit_fact(&self, name: &str) -> Error {
        Error::new(
            Kind::Check,
            format!("entry {} has no digest as its `{name}`", self.number),
        )
        .line(self.number)
    }
}

/// A sealed plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The number of the approval: its plan is `approved/000N.toml`.
    pub number: u64,
    /// The number of its entry in the ledger.
    pub entry: u64,
    /// When.
    pub at: Timestamp,
    /// Who approved.
    pub by: Option<String>,
    /// In which role.
    pub role: Option<String>,
    /// The digest of the plan's bytes.
    pub plan_sha256: Digest,
    /// The seal that was printed.
    pub seal: Seal,
}

/// The entries of a pilot, checked to be one chain.
///
/// The file is UTF-8, one compact JSON object a line, its keys in the order number, kind, at, by,
/// role, facts, previous, facts in the order of their names, `null` for what is unknown, each line
/// ended by LF. `previous` is the SHA-256 of the line before, without its line end.
///
/// An entry is added by writing the file whole beside itself and renaming it, so a kill leaves the
/// ledger with the entry or without it. Therefore nothing that `pilot` does can leave a torn line:
/// one that is torn was cut by something else, and is an error, never repaired in silence. A last
/// line that only lacks its line end (some editors drop it) is whole, and is read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ledger {
    path: PathBuf,
    entries: Vec<Entry>,
    bytes: Vec<u8>,
}

impl Ledger {
    /// Reads a ledger and checks its chain; empty where there is no file.
    ///
    /// # Errors
    /// Of [`Kind::Check`], naming the first entry that does not fit: not an entry, edited, out of
    /// order, or after one that was removed or edited.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(cause) => return Err(Error::io("read", path, &cause)),
        };
        let mut ledger = Ledger {
            path: path.to_owned(),
            entries: Vec::new(),
            bytes: Vec::new(),
        };
        let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        if !bytes.is_empty() {
            for line in text.split(|&b| b == b'\n') {
                let entry = ledger.next(line).map_err(|e| {
                    e.file(path)
                        .line(ledger.entries.len() as u64 + 1)
                        .hint("restore the ledger from a copy; its entries are never edited")
                })?;
                ledger.entries.push(entry);
            }
            ledger.bytes = [text, b"\n"].concat();
        }
        Ok(ledger)
    }

    /// Checks a line to be the next entry.
    fn next(&self, bytes: &[u8]) -> Result<Entry> {
        let number = self.entries.len() as u64 + 1;
        let unfit = |why: String| Err(Error::new(Kind::Check, format!("entry {number} {why}")));
        let line: Line = match serde_json::from_slice(bytes) {
            Ok(line) => line,
            Err(e) => return unfit(format!("cannot be read: {e}")),
        };
        let Ok(at) = line.at.parse::<Timestamp>() else {
            return unfit(format!("has no time as its `at`: `{}`", line.at));
        };
        if line.number != number {
            return unfit(format!(
                "is numbered {}: entries were removed, added or put in another order",
                line.number
            ));
        }
        match (self.head(), line.previous) {
            (expected, found) if expected == found => {}
            (None, _) => return unfit("names an entry before it, and is the first".to_owned()),
            (Some(_), _) => {
                return unfit(format!(
                    "does not follow from entry {}: one of the two was changed",
                    number - 1
                ));
            }
        }
        let entry = Entry {
            number,
            kind: line.kind,
            at,
            by: line.by,
            role: line.role,
            facts: line.facts,
            previous: line.previous,
            digest: Digest::of(bytes),
        };
        if entry.to_line()? != bytes {
            return unfit("is not written as pilot writes it: it was edited".to_owned());
        }
        Ok(entry)
    }

    /// The entry that a draft becomes, and the file's bytes with it.
    pub(crate) fn with(&self, draft: Draft) -> Result<(Entry, Vec<u8>)> {
        let facts = draft.facts.into_iter().map(|(k, v)| (k, sorted(v)));
        let mut entry = Entry {
            number: self.entries.len() as u64 + 1,
            kind: draft.kind,
            at: draft.at,
            by: draft.by,
            role: draft.role,
            facts: facts.collect(),
            previous: self.head(),
            digest: Digest::of(&[]),
        };
        if let Some(key) = &draft.ssh_key {
            let signature = ssh::sign(&entry.to_line()?, key)?;
            entry
                .facts
                .insert(ssh::SIGNATURE.to_owned(), signature.into());
        }
        let line = entry.to_line()?;
        entry.digest = Digest::of(&line);
        Ok((entry, [&self.bytes, line.as_slice(), b"\n"].concat()))
    }

    /// All entries.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The digest of the last entry's line.
    pub fn head(&self) -> Option<Digest> {
        self.entries.last().map(|entry| entry.digest)
    }

    /// The seal of the ledger as it stands.
    pub fn seal(&self) -> Option<Seal> {
        self.entries.last().map(Entry::seal)
    }

    /// How many entries are of a kind.
    pub fn count(&self, kind: &str) -> u64 {
        self.entries.iter().filter(|e| e.kind == kind).count() as u64
    }

    /// The last entry of a kind.
    pub fn last(&self, kind: &str) -> Option<&Entry> {
        self.entries.iter().rev().find(|e| e.kind == kind)
    }

    /// All approvals, oldest first.
    ///
    /// # Errors
    /// An approval without number or digest.
    pub fn approvals(&self) -> Result<Vec<Approval>> {
        let approvals = self.entries.iter().filter(|e| e.kind == kind::APPROVE);
        approvals
            .map(|entry| {
                let plan = entry.digest_fact("plan_sha256")?;
                let number = entry.number_fact("approval");
                let (Some(plan_sha256), Some(number)) = (plan, number) else {
                    return Err(Error::new(
                        Kind::Check,
                        format!("entry {} approves nothing", entry.number),
                    )
                    .file(&self.path)
                    .line(entry.number));
                };
                Ok(Approval {
                    number,
                    entry: entry.number,
                    at: entry.at,
                    by: entry.by.clone(),
                    role: entry.role.clone(),
                    plan_sha256,
                    seal: entry.seal(),
                })
            })
            .collect()
    }

    /// The last approval.
    ///
    /// # Errors
    /// Those of [`Ledger::approvals`].
    pub fn latest_approval(&self) -> Result<Option<Approval>> {
        Ok(self.approvals()?.pop())
    }

    /// The digest of the assignment file, as of the last entry that has one.
    ///
    /// # Errors
    /// The fact is there and is no digest.
    pub fn assignment_sha256(&self) -> Result<Option<Digest>> {
        match self.last(kind::ASSIGN) {
            Some(entry) => entry.digest_fact("assignment_sha256"),
            None => Ok(None),
        }
    }

    /// The highest number that any entry has as a fact; 0 where none has.
    pub(crate) fn highest(&self, fact: &str) -> u64 {
        let numbers = self.entries.iter().filter_map(|e| e.number_fact(fact));
        numbers.max().unwrap_or(0)
    }
}

impl Entry {
    /// The line that the entry's signature is of.
    pub(crate) fn unsigned_line(&self) -> Result<Vec<u8>> {
        let mut unsigned = self.clone();
        unsigned.facts.remove(ssh::SIGNATURE);
        unsigned.to_line()
    }

    fn to_line(&self) -> Result<Vec<u8>> {
        let line = Line {
            number: self.number,
            kind: self.kind.clone(),
            at: self.at.to_string(),
            by: self.by.clone(),
            role: self.role.clone(),
            facts: (self.facts.iter())
                .map(|(name, value)| (name.clone(), sorted(value.clone())))
                .collect(),
            previous: self.previous,
        };
        serde_json::to_vec(&line)
            .map_err(|e| Error::internal(format!("cannot write a ledger entry: {e}")))
    }
}

/// The value with the keys of all objects in order, so that equal facts give equal bytes.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let map: BTreeMap<String, Value> =
                map.into_iter().map(|(k, v)| (k, sorted(v))).collect();
            Value::Object(map.into_iter().collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(sorted).collect()),
        other => other,
    }
}
