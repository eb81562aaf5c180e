//! Clusters as ordinals: their identifiers stay at the engine's edge.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use crate::error::{Error, Kind, Result};
use crate::experiment::Experiment;
use crate::table::{self, ArmId, ClusterRow, ClusterTable, ClusterTotals, ContactTable, StratumId};

use super::Request;
use super::columns::{Column, Misfit, Table};
use super::repeats::{Place, Unit};
use super::row::Row;
use super::source::Part;
use super::tally::{CLUSTER, FIRST_OUTCOME, Interner, NONE, RowKey, scaled};

/// The ordinal of a customer without a cluster.
pub const NO_CLUSTER: u32 = u32::MAX;

/// Where the clusters of a pilot are read from: the assignment where it assigned them, or else a
/// column of the data.
///
/// # Errors
/// A missing column.
pub fn column(table: &Table, experiment: &Experiment, assigned: bool) -> Result<Option<Column>> {
    match (&experiment.assignment.cluster, experiment.cluster_column()) {
        (Some(_), _) if assigned => Ok(None),
        (Some(name), _) => table.column(name, "assignment.cluster").map(Some),
        (None, Some(name)) => table.column(name, "data.counts.columns.cluster").map(Some),
        (None, None) => Ok(None),
    }
}

/// A row's cluster.
///
/// # Errors
/// Blank or not text.
pub fn of_row<'r>(row: &Row<'r>, column: Option<&Column>) -> Result<Option<&'r str>, Misfit> {
    let Some(column) = column else {
        return Ok(None);
    };
    let name = row.text(column)?;
    if name.trim().is_empty() {
        return Err(Misfit::new(column, "the cluster is blank"));
    }
    Ok(Some(name))
}

/// Strata and clusters by number.
#[derive(Debug, Default, Clone)]
pub struct Names {
    /// Strata.
    pub strata: Interner,
    /// Clusters.
    pub clusters: Clusters,
}

impl Names {
    /// No names yet, of rows in `parts`.
    pub fn of(parts: &[Part]) -> Self {
        Names {
            strata: Interner::default(),
            clusters: Clusters::of(parts),
        }
    }

    /// Takes over another thread's names; what its strata and clusters are called here.
    pub fn absorb(&mut self, other: &Names) -> (Vec<u32>, Vec<u32>) {
        let tuples = other.strata.tuples().iter();
        let strata: Vec<u32> = tuples.map(|t| self.strata.id(t)).collect();
        let clusters = self.clusters.absorb(&other.clusters, &strata);
        (strata, clusters)
    }
}

/// Arm and stratum in which a cluster was met, and the first row that says so.
type Seat = (u16, u32, Place);

/// Distinct clusters, numbered in the order of their first row.
#[derive(Debug, Default, Clone)]
pub struct Clusters {
    ids: HashMap<Unit, u32>,
    /// The first seat by number; none where no row was kept.
    seats: Vec<Option<Seat>>,
    /// Any further seat: a cluster should have none.
    more: HashMap<(u32, u16, u32), Place>,
    files: Vec<PathBuf>,
}

impl Clusters {
    /// No clusters yet, of rows in `parts`.
    pub fn of(parts: &[Part]) -> Self {
        let mut files: Vec<PathBuf> = Vec::new();
        for part in parts {
            if files.len() == part.file {
                files.push(part.input.name.clone());
            }
        }
        Clusters {
            files,
            ..Clusters::default()
        }
    }

    /// The number of a cluster; [`NO_CLUSTER`] without one.
    pub fn id(&mut self, name: Option<&str>) -> u32 {
        let Some(name) = name else {
            return NO_CLUSTER;
        };
        if let Some(id) = self.ids.get(name.as_bytes()) {
            return *id;
        }
        let id = self.seats.len() as u32;
        self.seats.push(None);
        self.ids.insert(name.as_bytes().into(), id);
        id
    }

    /// Notes that a row has a cluster's customer in an arm and stratum.
    pub fn seat(&mut self, id: u32, arm: u16, stratum: u32, place: Place) {
        let Some(first) = self.seats.get_mut(id as usize) else {
            return;
        };
        match first {
            None => *first = Some((arm, stratum, place)),
            Some((a, s, p)) if (*a, *s) == (arm, stratum) => *p = place.min(*p),
            Some(_) => {
                let known = self.more.entry((id, arm, stratum)).or_insert(place);
                *known = place.min(*known);
            }
        }
    }

    fn absorb(&mut self, other: &Clusters, strata: &[u32]) -> Vec<u32> {
        let mut here = vec![NO_CLUSTER; other.seats.len()];
        for (name, id) in &other.ids {
            let own = match self.ids.get(name) {
                Some(own) => *own,
                None => {
                    let own = self.seats.len() as u32;
                    self.seats.push(None);
                    self.ids.insert(name.clone(), own);
                    own
                }
            };
            here[*id as usize] = own;
            if let Some((arm, stratum, place)) = other.seats[*id as usize] {
                self.seat(own, arm, strata[stratum as usize], place);
            }
        }
        for ((id, arm, stratum), place) in &other.more {
            let own = here[*id as usize];
            self.seat(own, *arm, strata[*stratum as usize], *place);
        }
        here
    }

    /// Where a cluster was first met in an arm and stratum.
    fn place(&self, id: u32, arm: u16, stratum: u32) -> Option<Place> {
        match self.seats.get(id as usize) {
            Some(Some((a, s, place))) if (*a, *s) == (arm, stratum) => Some(*place),
            _ => self.more.get(&(id, arm, stratum)).copied(),
        }
    }

    /// The cluster that `rows` have in two arms or strata, if there is one: of several, the one
    /// whose second seat comes first in the files.
    pub fn torn(&self, rows: &[(RowKey, u64)]) -> Option<Torn> {
        let mut first: HashMap<i64, (i64, i64)> = HashMap::new();
        let mut torn: BTreeSet<(i64, i64, i64)> = BTreeSet::new();
        for (key, customers) in rows {
            let (id, seat) = (key[CLUSTER], (key[0], key[1]));
            if *customers == 0 || id == NONE {
                continue;
            }
            let kept = *first.entry(id).or_insert(seat);
            if kept != seat {
                torn.extend([(id, kept.0, kept.1), (id, seat.0, seat.1)]);
            }
        }
        let mut seats: Vec<(i64, Option<Place>, u16)> = torn
            .into_iter()
            .map(|(id, arm, stratum)| {
                let place = self.place(id as u32, arm as u16, stratum as u32);
                (id, place, arm as u16)
            })
            .collect();
        seats.sort_unstable();
        let pairs = seats.chunk_by(|a, b| a.0 == b.0);
        let pairs = pairs.filter_map(|of_one| match of_one {
            [a, b, ..] => Some(Torn {
                id: a.0 as u32,
                first: (a.1, a.2),
                second: (b.1, b.2),
            }),
            _ => None,
        });
        pairs.min_by_key(|t| (t.second.0, t.first.0))
    }

    /// Refuses rows that have a cluster in two arms or strata, or a customer in none.
    ///
    /// # Errors
    /// Names the lines, and the cluster where values may be shown.
    pub fn agree(&self, request: &Request<'_>, rows: &[(RowKey, u64)]) -> Result<()> {
        let homeless = |row: &&(RowKey, u64)| row.1 > 0 && row.0[CLUSTER] == NONE;
        if let Some((_, customers)) = rows.iter().find(homeless) {
            return Err(Error::data(format!(
                "{customers} assigned customers have no row in the data, so nothing tells their clusters"
            ))
            .key("assignment.cluster")
            .hint("name the column under [assignment] as `cluster`, so that the assignment knows it"));
        }
        match self.torn(rows) {
            None => Ok(()),
            Some(torn) => Err(self.error(request, &torn)),
        }
    }

    fn error(&self, request: &Request<'_>, torn: &Torn) -> Error {
        let arms = &request.experiment.arms;
        let (a, b) = (torn.first.1, torn.second.1);
        let name = self.ids.iter().find(|(_, id)| **id == torn.id);
        let shown = match name {
            Some((name, _)) if request.show_values => {
                format!(
                    "the cluster \"{}\"",
                    String::from_utf8_lossy(name).escape_debug()
                )
            }
            _ => "a cluster".to_string(),
        };
        let line = |place: Option<Place>, other: Option<Place>| match place {
            None => "a line".to_string(),
            Some(p) if other.is_none_or(|o| o.file == p.file) => format!("line {}", p.line),
            Some(p) => match self.files.get(p.file as usize) {
                Some(file) => format!("line {} of {}", p.line, file.display()),
                None => format!("line {}", p.line),
            },
        };
        let (first, second) = (
            line(torn.first.0, torn.second.0),
            line(torn.second.0, torn.first.0),
        );
        let error = if a == b {
            Error::data(format!(
                "{shown} is in two strata: {first} and {second} differ"
            ))
            .hint("a cluster is assigned as a whole, so its customers share one stratum; take a column that varies within clusters out of assignment.strata")
        } else {
            Error::new(
                Kind::Check,
                format!(
                    "{shown} holds two arms: {first} has \"{}\", {second} \"{}\"",
                    arms[usize::from(a)].name,
                    arms[usize::from(b)].name
                ),
            )
            .hint(match request.show_values {
                true => "whole clusters are assigned: correct the rows, or take the cluster column out of the plan",
                false => "whole clusters are assigned: correct the rows, or take the cluster column out of the plan; --show-values names the cluster",
            })
        };
        let error = match request.experiment.cluster_column() {
            Some(column) => error.key(column),
            None => error,
        };
        match torn.second.0 {
            None => error,
            Some(place) => match self.files.get(place.file as usize) {
                Some(file) => error.line(place.line).file(file),
                None => error.line(place.line),
            },
        }
    }
}

/// A cluster in two arms or strata, with the first row of each.
#[derive(Debug)]
pub struct Torn {
    id: u32,
    first: (Option<Place>, u16),
    second: (Option<Place>, u16),
}

/// The clusters of each outcome, from distinct rows with their customers.
///
/// # Errors
/// Sums that exceed 127 bits; a cap too large for the outcome's decimals.
pub fn tables(
    experiment: &Experiment,
    strata: &Interner,
    tables: &[ContactTable],
    rows: &[(RowKey, u64)],
) -> Result<Vec<table::Clusters>> {
    let clusters = rows.iter().map(|(key, _)| key[CLUSTER] + 1).max();
    let clusters = clusters.unwrap_or(0).max(0) as usize;
    let mut all = Vec::with_capacity(tables.len());
    for (o, (outcome, table)) in experiment.outcomes.iter().zip(tables).enumerate() {
        let d = table.decimals();
        let caps = match outcome.caps() {
            Some(cap) => Some((cap, cap.most(d)?)),
            None => None,
        };
        let numbers: Vec<StratumId> = strata
            .tuples()
            .iter()
            .map(|t| table.strata().id(t).unwrap_or(StratumId(0)))
            .collect();
        let mut found: Vec<Option<(ArmId, StratumId)>> = vec![None; clusters];
        let mut sums = vec![[ClusterTotals::default(); 2]; clusters];
        for (key, customers) in rows.iter().filter(|r| r.1 > 0) {
            let c = key[CLUSTER] as usize;
            let stratum = numbers.get(key[1] as usize).copied();
            found[c] = Some((ArmId(key[0] as u16), stratum.unwrap_or(StratumId(0))));
            let e = scaled(key[2], d.exposure).unwrap_or(0);
            let x = scaled(key[FIRST_OUTCOME + 2 * o], d.before);
            let y = scaled(key[FIRST_OUTCOME + 2 * o + 1], d.after);
            let [uncapped, capped] = &mut sums[c];
            uncapped.add(*customers, e, x, y)?;
            if let Some((_, (most_x, most_y))) = caps {
                capped.add(
                    *customers,
                    e,
                    x.map(|x| x.min(most_x)),
                    y.map(|y| y.min(most_y)),
                )?;
            }
        }
        let rows = |which: usize| {
            let each = found.iter().zip(&sums);
            let rows = each.filter_map(|(seat, sums)| {
                let (arm, stratum) = (*seat)?;
                Some(ClusterRow {
                    arm,
                    stratum,
                    totals: sums[which],
                    clusters: 1,
                })
            });
            rows.collect()
        };
        all.push(table::Clusters {
            uncapped: ClusterTable::new(table, rows(0))?,
            capped: match caps {
                Some((cap, _)) => Some((cap.at, ClusterTable::new(&table.capped(cap)?, rows(1))?)),
                None => None,
            },
        });
    }
    Ok(all)
}
