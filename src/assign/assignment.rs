//! Rosters → arms: the methods `complete`, `hashed` and `existing`.

use crate::assign::distinct::{Distinct, Ranked, distinct, rank};
use crate::assign::problem::Problem;
use crate::assign::roster::Roster;
use crate::assign::scheme::{Key, Scheme};

/// Marks a row that repeats an earlier one.
const REPEAT: u16 = u16::MAX;

/// Which arm each row of a roster got. Arms are indices in the plan's order.
#[derive(Debug, Clone)]
pub struct Assignment {
    arms: Vec<u16>,
    duplicates: u64,
    sizes: Vec<StratumSizes>,
}

/// One assigned unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssignmentRow<'a> {
    /// The unit.
    pub unit: &'a str,
    /// Index of its arm.
    pub arm: usize,
    /// Its stratum values, in the plan's order.
    pub strata: &'a [String],
    /// Its cluster, in clustered pilots.
    pub cluster: Option<&'a str>,
}

/// How many units and clusters of a stratum each arm got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StratumSizes {
    /// The stratum's values, in the plan's order; empty without strata.
    pub values: Vec<String>,
    /// Units by arm.
    pub units: Vec<u64>,
    /// Clusters by arm; `None` where no clusters are assigned.
    pub clusters: Option<Vec<u64>>,
}

impl Assignment {
    /// The assigned units in the order of the roster's rows, repeats left out.
    ///
    /// `roster` is the one that was assigned.
    pub fn rows<'a>(&'a self, roster: &'a Roster) -> impl Iterator<Item = AssignmentRow<'a>> + 'a {
        (0..self.arms.len().min(roster.len())).filter_map(|row| {
            Some(AssignmentRow {
                unit: roster.unit(row),
                arm: self.arm(row)?,
                strata: roster.strata(row),
                cluster: roster.cluster(row),
            })
        })
    }

    /// The arm of a row; `None` where the row repeats an earlier one or does not exist.
    pub fn arm(&self, row: usize) -> Option<usize> {
        match self.arms.get(row) {
            None | Some(&REPEAT) => None,
            Some(&arm) => Some(usize::from(arm)),
        }
    }

    /// Rows left out because they repeat an earlier one.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Sizes by stratum, in the order of the strata's values.
    pub fn sizes(&self) -> &[StratumSizes] {
        &self.sizes
    }

    /// Units by arm over all strata.
    pub fn units_by_arm(&self) -> Vec<u64> {
        sum_by_arm(self.sizes.iter().map(|s| s.units.as_slice()))
    }

    /// Clusters by arm over all strata; `None` where no clusters are assigned.
    pub fn clusters_by_arm(&self) -> Option<Vec<u64>> {
        let clusters: Option<Vec<&[u64]>> =
            self.sizes.iter().map(|s| s.clusters.as_deref()).collect();
        clusters.map(|c| sum_by_arm(c.into_iter()))
    }

    fn new(roster: &Roster, found: &Distinct, arms: usize, arm_of: impl Fn(usize) -> u16) -> Self {
        let mut of_row: Vec<u16> = (0..roster.len()).map(arm_of).collect();
        let mut duplicates = 0;
        for (arm, _) in of_row.iter_mut().zip(&found.repeats).filter(|(_, r)| **r) {
            *arm = REPEAT;
            duplicates += 1;
        }
        let mut sizes: Vec<StratumSizes> = roster
            .stratum_values()
            .iter()
            .map(|values| StratumSizes {
                values: values.clone(),
                units: vec![0; arms],
                clusters: roster.is_clustered().then(|| vec![0; arms]),
            })
            .collect();
        let mut seen = vec![false; roster.cluster_count()];
        for (row, &arm) in of_row.iter().enumerate().filter(|&(_, &arm)| arm != REPEAT) {
            let size = &mut sizes[roster.stratum_of(row)];
            size.units[usize::from(arm)] += 1;
            if let (Some(clusters), Some(cluster)) = (&mut size.clusters, roster.cluster_of(row))
                && !std::mem::replace(&mut seen[cluster], true)
            {
                clusters[usize::from(arm)] += 1;
            }
        }
        sizes.sort_by(|a, b| a.values.cmp(&b.values));
        Assignment {
            arms: of_row,
            duplicates,
            sizes,
        }
    }
}

fn sum_by_arm<'a>(rows: impl Iterator<Item = &'a [u64]>) -> Vec<u64> {
    rows.fold(Vec::new(), |mut sum, row| {
        sum.resize(row.len(), 0);
        sum.iter_mut().zip(row).for_each(|(s, n)| *s += n);
        sum
    })
}

impl Scheme {
    /// Assigns exact quotas in each stratum, of units or of whole clusters.
    ///
    /// # Formula
    /// In each stratum the ids are put in the order of (score(key("complete"), id), id's bytes);
    /// the first quota goes to the first arm, and so on in the plan's order ([`Scheme::quotas`]).
    ///
    /// # Errors
    /// A unit in two strata or clusters, a cluster in two strata, an empty roster, fewer units
    /// (or clusters) than arms, an arm that gets none.
    pub fn complete(&self, roster: &Roster) -> Result<Assignment, Problem> {
        let key = self.complete_key();
        let found = distinct(roster, &key, |a, b| other_place(roster, a, b))?;
        let arms = self.arms().len();
        if !roster.is_clustered() {
            let of_row = self.deal(roster, &found.order, roster.len(), |row| {
                roster.stratum_of(row)
            })?;
            return Ok(Assignment::new(roster, &found, arms, |row| of_row[row]));
        }
        let rows = cluster_rows(roster, &found)?;
        let order = rank(rows.len(), &key, |c| roster.cluster_id(c))?;
        let of_cluster = self.deal(roster, &order, rows.len(), |c| roster.stratum_of(rows[c]))?;
        Ok(Assignment::new(roster, &found, arms, |row| {
            roster.cluster_of(row).map_or(REPEAT, |c| of_cluster[c])
        }))
    }

    /// Assigns each unit, or each whole cluster, by its own score: [`Scheme::hashed_arm`].
    ///
    /// # Errors
    /// A unit in two strata or clusters, a cluster in two strata, an empty roster. An arm may
    /// still be empty: more customers may arrive.
    pub fn hashed(&self, roster: &Roster) -> Result<Assignment, Problem> {
        self.hash_rows(roster, |a, b| other_place(roster, a, b))
    }

    fn hash_rows(
        &self,
        roster: &Roster,
        conflict: impl Fn(usize, usize) -> Option<Problem>,
    ) -> Result<Assignment, Problem> {
        let found = distinct(roster, self.hashed_key(), conflict)?;
        let arms = self.arms().len();
        if roster.is_clustered() {
            cluster_rows(roster, &found)?;
            let of_cluster: Vec<u16> = (0..roster.cluster_count())
                .map(|c| self.hashed_arm(roster.cluster_id(c)) as u16)
                .collect();
            return Ok(Assignment::new(roster, &found, arms, |row| {
                roster.cluster_of(row).map_or(REPEAT, |c| of_cluster[c])
            }));
        }
        let mut of_row = vec![REPEAT; roster.len()];
        for ranked in &found.order {
            of_row[ranked.id as usize] = self.arm_at(ranked.score) as u16;
        }
        Ok(Assignment::new(roster, &found, arms, |row| of_row[row]))
    }

    /// Adds the customers of `now` who are not in `before` to an earlier `hashed` assignment.
    ///
    /// Returns a roster of the earlier rows, in their order, followed by those of `now`, and its
    /// assignment: [`Assignment::rows`] gives the earlier rows unchanged, then the new customers.
    /// A customer who left the roster stays, and so does the stratum of the first time.
    /// [`Assignment::duplicates`] counts the rows of `now` that were known.
    ///
    /// # Errors
    /// Those of [`Scheme::hashed`], with rows of `now`; an earlier row that the scheme gives
    /// another arm (its name, seed, arms or weights changed, or the file did).
    pub fn extend(
        &self,
        before: &Roster,
        arms_before: &[usize],
        now: &Roster,
    ) -> Result<(Roster, Assignment), Problem> {
        let start = before.len();
        let mut all = before.clone();
        for row in 0..now.len() {
            all.push(now.unit(row), now.strata(row), now.cluster(row))
                .map_err(|problem| problem.counted_from(start))?;
        }
        let conflict = |first, repeat| match first < start {
            true => None,
            false => other_place(&all, first, repeat),
        };
        let assignment = (self.hash_rows(&all, conflict)).map_err(|p| p.counted_from(start))?;
        if (0..start).any(|row| assignment.arm(row).as_ref() != arms_before.get(row)) {
            return Err(Problem::check(
                "the earlier assignment is not the one that the plan's name, seed, arms and weights give",
            )
            .hint("undo the change of the plan or of the assignment file; customers keep their arm"));
        }
        Ok((all, assignment))
    }

    /// Deals the arms out along `order`, in each stratum as many as its quotas allow.
    fn deal(
        &self,
        roster: &Roster,
        order: &[Ranked],
        ids: usize,
        stratum_of: impl Fn(usize) -> usize,
    ) -> Result<Vec<u16>, Problem> {
        let noun = match roster.is_clustered() {
            true => "clusters",
            false => "customers",
        };
        let wanted = self.arms().iter().filter(|arm| arm.weight > 0).count();
        if order.len() < wanted {
            return Err(Problem::data(format!(
                "{} {} too few for {wanted} arms",
                order.len(),
                match order.len() {
                    1 => format!("{} is", noun.trim_end_matches('s')),
                    _ => format!("{noun} are"),
                }
            ))
            .hint(format!("add {noun} or take arms out of the plan")));
        }
        let mut sizes = vec![0u64; roster.stratum_values().len()];
        for ranked in order {
            sizes[stratum_of(ranked.id as usize)] += 1;
        }
        let mut left: Vec<Vec<u64>> = roster
            .stratum_values()
            .iter()
            .zip(&sizes)
            .map(|(values, &n)| self.quotas(values, n))
            .collect();
        for (arm, share) in self.arms().iter().enumerate() {
            if share.weight > 0 && left.iter().all(|quotas| quotas[arm] == 0) {
                return Err(Problem::data(format!(
                    "arm `{}` gets none of the {} {noun} at these weights",
                    share.name,
                    order.len()
                ))
                .hint(format!(
                    "add {noun}, use fewer strata, or bring the weights nearer to each other"
                )));
            }
        }
        let mut arms = vec![REPEAT; ids];
        for ranked in order {
            let id = ranked.id as usize;
            let quotas = &mut left[stratum_of(id)];
            // A stratum's quotas add up to its size, so an arm with a place left is always found.
            if let Some(arm) = quotas.iter().position(|&places| places > 0) {
                quotas[arm] -= 1;
                arms[id] = arm as u16;
            }
        }
        Ok(arms)
    }
}

/// Takes over arms that are already in the data, one a row of the roster.
///
/// # Errors
/// A unit in two arms, strata or clusters, a cluster in two arms or strata, an empty roster, an
/// arm that is not below `arm_count`.
pub fn existing(roster: &Roster, arms: &[usize], arm_count: usize) -> Result<Assignment, Problem> {
    if arms.len() != roster.len() {
        return Err(Problem::data("the roster and its arms differ in length"));
    }
    if arm_count >= usize::from(REPEAT) {
        return Err(Problem::plan("more than 65,534 arms"));
    }
    if let Some(row) = arms.iter().position(|&arm| arm >= arm_count) {
        return Err(Problem::data("the row has an unknown arm").rows([row]));
    }
    let found = distinct(roster, &Key::for_distinct(), |first, repeat| {
        if arms[first] != arms[repeat] {
            return Some(Problem::check("the same customer is in two arms").rows([first, repeat]));
        }
        other_place(roster, first, repeat)
    })?;
    let first_rows = cluster_rows(roster, &found)?;
    for row in 0..roster.len() {
        if let Some(c) = roster.cluster_of(row)
            && arms[first_rows[c]] != arms[row]
        {
            return Err(Problem::check(format!(
                "cluster `{}` holds two arms",
                roster.cluster_id(c)
            ))
            .rows([first_rows[c], row])
            .hint(
                "whole clusters are assigned: correct the rows, or drop `cluster` from the plan",
            ));
        }
    }
    Ok(Assignment::new(roster, &found, arm_count, |row| {
        arms[row] as u16
    }))
}

/// Says so where two rows of one unit have different strata or clusters.
fn other_place(roster: &Roster, first: usize, repeat: usize) -> Option<Problem> {
    let what = if roster.stratum_of(first) != roster.stratum_of(repeat) {
        "strata"
    } else if roster.cluster_of(first) != roster.cluster_of(repeat) {
        "clusters"
    } else {
        return None;
    };
    Some(
        Problem::data(format!("the same customer is in two {what}"))
            .rows([first, repeat])
            .hint("keep the row that is right as of the assignment"),
    )
}

/// The first row of each cluster, checked to agree in stratum with its others; repeats do not count.
fn cluster_rows(roster: &Roster, found: &Distinct) -> Result<Vec<usize>, Problem> {
    let mut first: Vec<Option<usize>> = vec![None; roster.cluster_count()];
    for row in (0..roster.len()).filter(|&row| !found.repeats[row]) {
        let Some(c) = roster.cluster_of(row) else {
            return Ok(Vec::new());
        };
        let earlier = *first[c].get_or_insert(row);
        if roster.stratum_of(earlier) != roster.stratum_of(row) {
            return Err(Problem::data(format!(
                "cluster `{}` is in two strata",
                roster.cluster_id(c)
            ))
            .rows([earlier, row])
            .hint("a cluster is assigned as a whole, so its customers share one stratum"));
        }
    }
    // A customer of an earlier assignment may have moved to a cluster that nobody else is in.
    for row in (0..roster.len()).filter(|&row| found.repeats[row]) {
        if let Some(c) = roster.cluster_of(row) {
            first[c].get_or_insert(row);
        }
    }
    Ok(first.into_iter().flatten().collect())
}
