//! Numbered sets of files, each whole by its manifest: `evidence/0001/`, `analyses/0001/`.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::workspace::digest::{Digest, FileDigest};
use crate::workspace::ledger::Facts;
use crate::workspace::lock::Lock;
use crate::workspace::manifest::{MANIFEST, Manifest};
use crate::workspace::staging::{Staged, StagedFile};
use crate::workspace::walk::{files_in, names_in};
use crate::workspace::write::{make_dirs, rename};

/// A pilot's sets of one sort, numbered from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    dir: PathBuf,
    fact: &'static str,
    /// Kinds of the entries that make a set; others only name one.
    makers: &'static [&'static str],
    /// Before the number in a folder's name.
    prefix: &'static str,
    read_only: bool,
}

/// What a series' folder holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The whole sets, by number.
    pub sets: Vec<Set>,
    /// What is there and is no whole set.
    pub ignored: Vec<Ignored>,
}

/// Something in a series' folder that is no whole set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// Where.
    pub path: PathBuf,
    /// Why it is ignored.
    pub why: String,
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is ignored: {}", self.path.display(), self.why)
    }
}

/// A whole set on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// Its number.
    pub number: u64,
    /// Its folder.
    pub path: PathBuf,
    /// Its manifest.
    pub manifest: Manifest,
    /// The digest of the manifest's bytes, which stands for the whole set.
    pub digest: Digest,
}

impl Series {
    pub(crate) fn new(dir: PathBuf, fact: &'static str, makers: &'static [&'static str]) -> Self {
        Series {
            dir,
            fact,
            makers,
            prefix: "",
            read_only: false,
        }
    }

    /// Sets that nobody may write to, in folders `PREFIX0001` beside other files.
    pub(crate) fn read_only(
        dir: PathBuf,
        fact: &'static str,
        makers: &'static [&'static str],
        prefix: &'static str,
    ) -> Self {
        Series {
            prefix,
            read_only: true,
            ..Series::new(dir, fact, makers)
        }
    }

    /// Whether entries of a kind make sets of this series.
    pub(crate) fn made_by(&self, kind: &str) -> bool {
        self.makers.contains(&kind)
    }

    /// Whether nobody may write to its sets, nor remove one.
    pub(crate) fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// The folder that holds the sets.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The ledger fact that holds a set's number.
    pub fn number_fact(&self) -> &'static str {
        self.fact
    }

    /// The ledger fact that holds the digest of a set's manifest.
    pub fn digest_fact(&self) -> String {
        format!("{}_sha256", self.fact)
    }

    /// The folder of a number, whether or not it exists.
    pub fn path(&self, number: u64) -> PathBuf {
        self.dir.join(format!("{}{number:04}", self.prefix))
    }

    /// Where a set waits until the ledger has its entry.
    pub(crate) fn pending_path(&self, number: u64) -> PathBuf {
        self.dir.join(format!(".{}{number:04}.next", self.prefix))
    }

    /// How the hidden names begin that sets in the making have.
    pub(crate) fn hidden_prefix(&self) -> String {
        format!(".{}", self.prefix)
    }

    /// The number of a pending set, from its folder's name.
    pub(crate) fn pending_number(&self, name: &str) -> Option<u64> {
        self.number_of(name.strip_prefix('.')?.strip_suffix(".next")?)
    }

    /// The number in a folder's name: four digits, more where they are needed.
    pub(crate) fn number_of(&self, name: &str) -> Option<u64> {
        let digits = name.strip_prefix(self.prefix)?;
        let number: u64 = digits.parse().ok()?;
        (number > 0 && format!("{number:04}") == digits).then_some(number)
    }

    /// The whole sets, and what else is there. Files are not digested; see [`Set::verify`].
    pub fn list(&self) -> Result<Listing> {
        let mut listing = Listing {
            sets: Vec::new(),
            ignored: Vec::new(),
        };
        for name in names_in(&self.dir)? {
            let path = self.dir.join(&name);
            // Hidden names are sets in the making, which the next lock sees to.
            if name.starts_with('.') || !name.starts_with(self.prefix) {
                continue;
            }
            let set = match self.number_of(&name) {
                Some(number) => Set::open(&path, number).map_err(|e| e.message().to_owned()),
                None => Err("its name is no number of four digits or more".to_owned()),
            };
            match set {
                Ok(set) => listing.sets.push(set),
                Err(why) => listing.ignored.push(Ignored { path, why }),
            }
        }
        listing.sets.sort_by_key(|set| set.number);
        listing.ignored.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(listing)
    }

    /// The whole set with the highest number.
    pub fn latest(&self) -> Result<Option<Set>> {
        Ok(self.list()?.sets.pop())
    }

    /// One set.
    ///
    /// # Errors
    /// No such set, or not whole.
    pub fn set(&self, number: u64) -> Result<Set> {
        let path = self.path(number);
        if !path.is_dir() {
            return Err(
                Error::workspace(format!("there is no {} {number:04}", self.fact)).file(path),
            );
        }
        Set::open(&path, number)
    }

    /// Renames a whole set to its place; read-only from then on, where the series is.
    pub(crate) fn publish(&self, pending: &Path, place: &Path) -> Result<()> {
        if self.read_only {
            forbid_writing(pending)?;
        }
        rename(pending, place)
    }

    /// The highest number that any entry of the folder bears, whole or not.
    fn highest(&self) -> Result<u64> {
        let names = names_in(&self.dir)?;
        let numbers = names
            .iter()
            .filter_map(|name| self.number_of(name).or_else(|| self.pending_number(name)));
        Ok(numbers.max().unwrap_or(0))
    }
}

impl Set {
    /// Opens a set: reads its manifest and looks whether its files are there in full length.
    pub(crate) fn open(path: &Path, number: u64) -> Result<Self> {
        if !fs::symlink_metadata(path)
            .map_err(|cause| Error::io("read", path, &cause))?
            .is_dir()
        {
            return Err(Error::new(Kind::Check, "it is no folder").file(path));
        }
        if !path.join(MANIFEST).exists() {
            return Err(Error::new(
                Kind::Check,
                format!("it has no {MANIFEST}, so it is not whole"),
            )
            .file(path));
        }
        let (manifest, digest) = Manifest::read(path)?;
        for (name, file) in manifest.files() {
            let length = fs::metadata(path.join(name)).ok().map(|meta| meta.len());
            if length != Some(file.bytes) {
                return Err(Error::new(
                    Kind::Check,
                    format!("`{name}` is missing or has another length than its manifest says"),
                )
                .file(path));
            }
        }
        Ok(Set {
            number,
            path: path.to_owned(),
            manifest,
            digest,
        })
    }

    /// The facts that name this set, for entries about something made from it.
    pub fn facts(&self, series: &Series) -> Facts {
        Facts::from([
            (series.number_fact().to_owned(), self.number.into()),
            (series.digest_fact(), self.digest.to_string().into()),
        ])
    }

    /// Whether the set has a file of this name.
    pub fn has(&self, name: &str) -> bool {
        self.manifest.files().contains_key(name)
    }

    /// Reads a file of the set and checks its digest.
    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.path.join(name);
        let Some(file) = self.manifest.files().get(name) else {
            return Err(Error::data(format!("the set has no `{name}`")).file(&self.path));
        };
        let bytes = fs::read(&path).map_err(|cause| Error::io("read", &path, &cause))?;
        match Digest::of(&bytes) == file.sha256 {
            true => Ok(bytes),
            false => Err(changed(&path)),
        }
    }

    /// Checks the digest of every file, and that there is no other.
    pub fn verify(&self) -> Result<()> {
        for (name, file) in self.manifest.files() {
            let path = self.path.join(name);
            if FileDigest::of_file(&path)? != *file {
                return Err(changed(&path));
            }
        }
        let listed = |name: &String| name == MANIFEST || self.has(name) || is_litter(name);
        match files_in(&self.path)?.into_iter().find(|n| !listed(n)) {
            None => Ok(()),
            Some(name) => Err(Error::new(
                Kind::Check,
                "the file is not in the manifest of its set: it was put there later",
            )
            .file(self.path.join(name))
            .hint("move it elsewhere; nothing is added to a set that is whole")),
        }
    }
}

/// Whether a file is one that a desktop leaves in each folder it shows; nothing here ever reads one.
fn is_litter(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    [".DS_Store", "Thumbs.db", "desktop.ini"].contains(&file) || file.starts_with("._")
}

fn changed(path: &Path) -> Error {
    Error::new(
        Kind::Check,
        "the file is not the one that its manifest lists",
    )
    .file(path)
    .hint("restore the file, or make the set again under a new number")
}

/// A numbered set in the making: staged beside its place, its manifest written last, then renamed.
///
/// Numbers are never used twice, not even after a folder was deleted: the ledger remembers them.
pub struct NumberedSet {
    staged: Staged,
    series: Series,
    number: u64,
}

impl NumberedSet {
    /// Begins the next set of a series of the locked pilot.
    pub fn begin(lock: &Lock, series: &Series) -> Result<Self> {
        make_dirs(series.dir())?;
        let logged = lock.pilot().ledger()?.highest(series.fact);
        let number = next_number(series.highest()?.max(logged))?;
        Ok(NumberedSet {
            staged: Staged::begin(&series.path(number))?,
            series: series.clone(),
            number,
        })
    }

    /// The number it will have.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The folder while it is in the making.
    pub fn path(&self) -> &Path {
        self.staged.path()
    }

    /// Writes a file; see [`Staged::write`].
    pub fn write(&mut self, name: &str, bytes: &[u8]) -> Result<FileDigest> {
        self.staged.write(name, bytes)
    }

    /// Begins a file to be written in pieces; see [`Staged::create`].
    pub fn create(&mut self, name: &str) -> Result<StagedFile<'_>> {
        self.staged.create(name)
    }

    /// Takes in a file written by something else; see [`Staged::adopt`].
    pub fn adopt(&mut self, name: &str) -> Result<FileDigest> {
        self.staged.adopt(name)
    }

    /// Puts the set in its place, without a ledger entry.
    ///
    /// [`Lock::commit_set`] does the same with one.
    pub fn commit(self) -> Result<Set> {
        self.prepare()?.publish()
    }

    /// Makes the set whole and durable under a hidden name, one rename away from its place.
    pub(crate) fn prepare(mut self) -> Result<Prepared> {
        crate::interrupt::check()?;
        let digest = self.staged.seal()?.sha256;
        self.staged.place(&self.series.pending_path(self.number))?;
        Ok(Prepared {
            series: self.series,
            number: self.number,
            digest,
        })
    }
}

/// A whole set that waits under a hidden name for its entry in the ledger.
pub(crate) struct Prepared {
    pub series: Series,
    pub number: u64,
    pub digest: Digest,
}

impl Prepared {
    pub(crate) fn publish(self) -> Result<Set> {
        let path = self.series.path(self.number);
        self.series
            .publish(&self.series.pending_path(self.number), &path)?;
        Set::open(&path, self.number)
    }
}

/// Takes the right to write from all files and folders of a set.
fn forbid_writing(path: &Path) -> Result<()> {
    let meta = fs::symlink_metadata(path).map_err(|cause| Error::io("read", path, &cause))?;
    if meta.is_dir() {
        for name in names_in(path)? {
            forbid_writing(&path.join(name))?;
        }
    }
    let mut permissions = meta.permissions();
    permissions.set_readonly(true);
    fs::set_permissions(path, permissions)
        .map_err(|cause| Error::io("make read-only", path, &cause))
}

/// The number after the highest one in use.
pub(crate) fn next_number(highest: u64) -> Result<u64> {
    highest
        .checked_add(1)
        .ok_or_else(|| Error::workspace("no number is left"))
}
