//! Which sets the ledger knows: those whose making it holds, with their digest.

use crate::error::{Error, Kind, Result};
use crate::workspace::digest::Digest;
use crate::workspace::ledger::{Entry, Ledger};
use crate::workspace::numbered::{Series, Set};
use crate::workspace::paths::Pilot;

impl Ledger {
    /// The entry of the making of a set. An entry that only names the set, as an analysis does its
    /// evidence, made nothing.
    pub fn maker(&self, series: &Series, number: u64) -> Option<&Entry> {
        let fact = series.digest_fact();
        self.entries().iter().find(|entry| {
            series.made_by(&entry.kind)
                && entry.number_fact(series.number_fact()) == Some(number)
                && entry.facts.contains_key(&fact)
        })
    }

    /// The digest that a set had when it was made.
    ///
    /// # Errors
    /// The fact is there and is no digest.
    pub fn made(&self, series: &Series, number: u64) -> Result<Option<Digest>> {
        match self.maker(series, number) {
            Some(entry) => entry.digest_fact(&series.digest_fact()),
            None => Ok(None),
        }
    }

    /// Whether a set on disk is the one that the ledger knows by its number.
    ///
    /// # Errors
    /// Those of [`Ledger::made`].
    pub fn knows(&self, series: &Series, set: &Set) -> Result<bool> {
        Ok(self.made(series, set.number)? == Some(set.digest))
    }

    /// The numbers of all sets that were made, sorted.
    pub(crate) fn numbers(&self, series: &Series) -> Vec<u64> {
        let made = |entry: &&Entry| {
            series.made_by(&entry.kind) && entry.facts.contains_key(&series.digest_fact())
        };
        let made = self.entries().iter().filter(made);
        let mut numbers: Vec<u64> = made
            .filter_map(|entry| entry.number_fact(series.number_fact()))
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// Checks that an entry stands on evidence that was taken before it.
    ///
    /// # Errors
    /// Of [`Kind::Check`]: it names evidence that no earlier entry took.
    pub fn stands_on_evidence(&self, pilot: &Pilot, entry: &Entry) -> Result<()> {
        let series = pilot.evidence();
        if series.made_by(&entry.kind) {
            return Ok(());
        }
        let digest = entry.digest_fact(&series.digest_fact())?;
        let (Some(number), Some(digest)) = (entry.number_fact(series.number_fact()), digest) else {
            return Ok(());
        };
        let taken = self
            .maker(&series, number)
            .filter(|m| m.number < entry.number);
        if taken.is_some() && self.made(&series, number)? == Some(digest) {
            return Ok(());
        }
        Err(Error::new(
            Kind::Check,
            format!(
                "entry {} stands on evidence {number:04} that `pilot ingest` did not take",
                entry.number
            ),
        )
        .file(self.path())
        .line(entry.number)
        .hint(format!(
            "what was made from it proves nothing: remove {} and run `pilot analyze {}` again",
            series.path(number).display(),
            pilot.name()
        )))
    }
}
