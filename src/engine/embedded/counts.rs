//! Counts read in parts: every row judged, on all threads.

use std::collections::HashSet;

use crate::engine::Request;
use crate::engine::Scan;
use crate::engine::arms::Assigned;
use crate::engine::clusters::Names;
use crate::engine::columns::Table;
use crate::engine::counts::{self, Judge, Sink};
use crate::engine::finish::{CountsTally, finish_counts};
use crate::engine::ledger::Ledger;
use crate::engine::repeats::{Place, Unit, Units, contradiction};
use crate::engine::row::Row;
use crate::engine::source::{Input, Part};
use crate::engine::tally::{CLUSTER, Distinct, NONE, RowKey};
use crate::error::Result;
use crate::experiment::CountsFile;

use super::hashes::{Hashes, hash, repeated};
use super::memo::{Known, Memo};
use super::parts::{divide, fold};
use super::session::{Session, threads};

/// What one thread has read.
struct Reading<S> {
    names: Names,
    ledger: Ledger,
    unassigned: u64,
    sink: S,
}

/// Adds rows up and remembers the hashes of their units.
struct Tally {
    distinct: Distinct,
    units: Hashes,
    memo: Memo,
    recalled: Option<u32>,
}

impl Sink for Tally {
    fn recall(&mut self, row: &Row<'_>, judge: &Judge<'_>, place: Place) -> Option<u64> {
        let known = self.memo.recall(row, judge, place);
        // Also forgets a row that was recalled but then had no unit.
        self.recalled = known.map(|k| k.id);
        known.map(|k| k.rounded)
    }

    fn learn(&mut self, key: &[i64], rounded: u64) {
        let id = self.distinct.id(key);
        self.memo.learn(Known { id, rounded });
    }

    fn row(&mut self, unit: Option<&[u8]>, key: &[i64], _: &Table) -> Result<()> {
        match self.recalled.take() {
            Some(id) => self.distinct.rows[id as usize].1 += 1,
            None => self.distinct.add(key, 1),
        }
        match unit {
            Some(unit) => self.units.add(unit),
            None => Ok(()),
        }
    }
}

/// Keeps the rows whose unit may occur twice.
struct Repeats<'a> {
    hashes: &'a HashSet<u64>,
    rows: Vec<(Place, Unit, RowKey)>,
}

impl Sink for Repeats<'_> {
    fn row(&mut self, unit: Option<&[u8]>, key: &[i64], table: &Table) -> Result<()> {
        if let Some(unit) = unit
            && self.hashes.contains(&hash(unit))
        {
            self.rows.push((table.place(), unit.into(), key.into()));
        }
        Ok(())
    }
}

/// Scans counts in parts.
///
/// # Errors
/// As [`crate::engine::scan`].
pub fn scan(
    session: &Session<'_>,
    request: &Request<'_>,
    file: &CountsFile,
    inputs: &[Input],
) -> Result<Scan> {
    let parts = divide(inputs, &file.format)?;
    let mut names = Names::of(&parts);
    let assigned = counts::assigned(request, file, &mut names)?;
    let pass = Pass {
        request,
        file,
        parts: &parts,
        assigned: assigned.as_ref(),
    };
    let readings = pass.run(&names, Ledger::default, || Tally {
        distinct: Distinct::default(),
        units: Hashes::new(session.reservation("units")),
        memo: Memo::default(),
        recalled: None,
    })?;
    let shown_by_segment = !request.experiment.analysis.segments.is_empty();
    let mut distinct = Distinct::default();
    let mut ledger = Ledger::default();
    let (mut unassigned, mut seen) = (0, Vec::new());
    for reading in readings {
        let (strata, clusters) = names.absorb(&reading.names);
        for (mut key, customers) in reading.sink.distinct.rows {
            key[1] = i64::from(strata[key[1] as usize]);
            if key[CLUSTER] != NONE {
                key[CLUSTER] = i64::from(clusters[key[CLUSTER] as usize]);
            }
            if shown_by_segment && let Some(last) = key.last_mut() {
                *last = i64::from(strata[*last as usize]);
            }
            distinct.add(&key, customers);
        }
        seen.push(reading.sink.units);
        unassigned += reading.unassigned;
        ledger.append(reading.ledger);
    }
    sort_by_place(&mut ledger, inputs);
    ledger.check(file.format.max_bad_rows)?;
    let hashes = repeated(threads(request), seen);
    let mut units = Units::default();
    if !hashes.is_empty() {
        // The first visit has met every stratum and cluster, so the threads' numbers are the same now.
        let readings = pass.run(&names, Ledger::blind, || Repeats {
            hashes: &hashes,
            rows: Vec::new(),
        })?;
        let mut rows: Vec<_> = readings.into_iter().flat_map(|r| r.sink.rows).collect();
        rows.sort_by_key(|(place, ..)| *place);
        let column = file.unit.as_deref().unwrap_or_default();
        for (place, unit, key) in rows {
            let id = distinct.id(&key);
            distinct.rows[id as usize].1 -= 1;
            units
                .add(&unit, key[0] as u16, id, place)
                .map_err(|first| contradiction(&parts, place, first, column))?;
        }
        for (_, id) in units.single() {
            distinct.rows[*id as usize].1 += 1;
        }
    }
    let tally = CountsTally {
        rows: distinct.rows,
        unassigned,
        duplicates: units.duplicates(),
        double_assigned: units.doubles.len() as u64,
    };
    finish_counts(request, file, assigned.as_ref(), &names, tally, ledger)
}

/// One visit to all rows.
struct Pass<'a> {
    request: &'a Request<'a>,
    file: &'a CountsFile,
    parts: &'a [Part],
    assigned: Option<&'a Assigned>,
}

impl Pass<'_> {
    fn run<S: Sink + Send>(
        &self,
        names: &Names,
        ledger: impl Fn() -> Ledger + Sync,
        sink: impl Fn() -> S + Sync,
    ) -> Result<Vec<Reading<S>>> {
        fold(
            self.request,
            self.parts,
            || Reading {
                names: names.clone(),
                ledger: ledger(),
                unassigned: 0,
                sink: sink(),
            },
            |reading, request, part| {
                reading.unassigned += counts::read(
                    request,
                    self.file,
                    std::slice::from_ref(part),
                    self.assigned,
                    &mut reading.names,
                    &mut reading.ledger,
                    &mut reading.sink,
                )?;
                Ok(())
            },
        )
    }
}

/// Puts rows set aside in the order of the files.
pub fn sort_by_place(ledger: &mut Ledger, inputs: &[Input]) {
    let file = |name| inputs.iter().position(|i| i.name == name);
    ledger
        .set_aside
        .sort_by_key(|row| (file(row.file.clone()), row.line));
}
