//! Ids in the order of their scores; repeated rows found on the way.

use rayon::prelude::*;

use crate::assign::problem::Problem;
use crate::assign::roster::Roster;
use crate::assign::scheme::Key;
use crate::interrupt;

/// Rows or clusters scored at once between two looks at the interruption flag.
const CHUNK: usize = 1 << 20;

/// A row or cluster with its score.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ranked {
    pub score: u64,
    pub id: u32,
}

/// The distinct units of a roster.
pub(crate) struct Distinct {
    /// The first row of each unit, in the order of (score, unit).
    pub order: Vec<Ranked>,
    /// Whether a row repeats an earlier one.
    pub repeats: Vec<bool>,
}

/// Puts `0..count` in the order of (score, name, number).
pub(crate) fn rank<'a>(
    count: usize,
    key: &Key,
    name: impl Fn(usize) -> &'a str + Sync,
) -> Result<Vec<Ranked>, Problem> {
    let mut order = Vec::with_capacity(count);
    for start in (0..count).step_by(CHUNK) {
        interrupt::check()?;
        let end = count.min(start + CHUNK);
        order.par_extend((start..end).into_par_iter().map(|id| Ranked {
            score: key.score(name(id)),
            id: id as u32, // `Roster::push` keeps every number below 2³²
        }));
    }
    interrupt::check()?;
    // Names are compared only within equal scores: a look at each is a miss of the cache.
    order.par_sort_unstable_by_key(|r| (r.score, r.id));
    order
        .par_chunk_by_mut(|a, b| a.score == b.score)
        .filter(|equal| equal.len() > 1)
        .for_each(|equal| equal.sort_by(|a, b| name(a.id as usize).cmp(name(b.id as usize))));
    Ok(order)
}

/// Ranks the units and takes repeated rows out.
///
/// # Errors
/// What `conflict(first, repeat)` says of two rows of one unit; of several, the one that comes
/// first in the roster.
pub(crate) fn distinct(
    roster: &Roster,
    key: &Key,
    conflict: impl Fn(usize, usize) -> Option<Problem>,
) -> Result<Distinct, Problem> {
    if roster.is_empty() {
        return Err(Problem::data("the roster has no customers"));
    }
    let mut order = rank(roster.len(), key, |row| roster.unit(row))?;
    let mut repeats = vec![false; roster.len()];
    let mut first: Option<Ranked> = None;
    let mut worst: Option<(usize, Problem)> = None;
    order.retain(|&this| {
        let row = this.id as usize;
        let repeated = first
            .filter(|f| f.score == this.score && roster.unit(f.id as usize) == roster.unit(row));
        let Some(earlier) = repeated else {
            first = Some(this);
            return true;
        };
        repeats[row] = true;
        if worst.as_ref().is_none_or(|(at, _)| row < *at)
            && let Some(problem) = conflict(earlier.id as usize, row)
        {
            worst = Some((row, problem));
        }
        false
    });
    match worst {
        Some((_, problem)) => Err(problem),
        None => Ok(Distinct { order, repeats }),
    }
}
