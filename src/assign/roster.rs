//! Who is in the pilot: units with their stratum and cluster, held compactly.

use std::collections::HashMap;

use crate::assign::problem::Problem;

/// Units in the order of their rows, each with its stratum and, in clustered pilots, its cluster.
///
/// Units are held in one string, strata and clusters as ordinals: about 20 bytes a unit besides
/// the identifier's own.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    text: String,
    ends: Vec<usize>,
    stratum: Vec<u32>,
    cluster: Option<Vec<u32>>,
    strata: Interner<Vec<String>>,
    clusters: Interner<String>,
    scratch: String,
}

impl Roster {
    /// An empty roster; `clustered` where whole clusters are assigned.
    pub fn new(clustered: bool) -> Self {
        Roster {
            cluster: clustered.then(Vec::new),
            ..Self::default()
        }
    }

    /// Adds a unit with the values of the stratum columns, in the plan's order.
    ///
    /// # Errors
    /// A blank unit; a cluster that is missing, blank, or given where none is assigned; another
    /// number of strata than in earlier rows; more than 2³² − 2 rows.
    pub fn push<S: AsRef<str>>(
        &mut self,
        unit: &str,
        strata: &[S],
        cluster: Option<&str>,
    ) -> Result<(), Problem> {
        let row = self.len();
        if unit.trim().is_empty() {
            return Err(Problem::data("the unit is blank").rows([row]));
        }
        // u32::MAX stays free to mean "none" in later vectors.
        if row >= u32::MAX as usize - 1 {
            return Err(Problem::data("more than 4 294 967 294 rows").rows([row]));
        }
        if let Some(first) = self.strata.values.first()
            && first.len() != strata.len()
        {
            return Err(Problem::data("the row has another number of stratum values").rows([row]));
        }
        match (&mut self.cluster, cluster) {
            (Some(_), None) => {
                return Err(Problem::data("the row has no cluster").rows([row]));
            }
            (Some(_), Some(id)) if id.trim().is_empty() => {
                return Err(Problem::data("the cluster is blank").rows([row]));
            }
            (Some(of_row), Some(id)) => {
                of_row.push(self.clusters.ordinal(id, || id.to_owned()));
            }
            (None, Some(_)) => {
                return Err(
                    Problem::data("the row has a cluster, but no clusters are assigned")
                        .rows([row]),
                );
            }
            (None, None) => {}
        }
        self.scratch.clear();
        for value in strata {
            let value = value.as_ref();
            // The length in front keeps ("a", "bc") and ("ab", "c") apart.
            self.scratch.push_str(&value.len().to_string());
            self.scratch.push(':');
            self.scratch.push_str(value);
        }
        let own = || strata.iter().map(|v| v.as_ref().to_owned()).collect();
        self.stratum.push(self.strata.ordinal(&self.scratch, own));
        self.text.push_str(unit);
        self.ends.push(self.text.len());
        Ok(())
    }

    /// Rows, duplicates included.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Whether whole clusters are assigned.
    pub fn is_clustered(&self) -> bool {
        self.cluster.is_some()
    }

    /// The unit of a row.
    ///
    /// # Panics
    /// Where `row` is not below [`Roster::len`], like a slice.
    pub fn unit(&self, row: usize) -> &str {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.text[start..self.ends[row]]
    }

    /// The stratum values of a row.
    ///
    /// # Panics
    /// Where `row` is not below [`Roster::len`], like a slice.
    pub fn strata(&self, row: usize) -> &[String] {
        &self.strata.values[self.stratum_of(row)]
    }

    /// The cluster of a row; `None` where no clusters are assigned.
    ///
    /// # Panics
    /// Where `row` is not below [`Roster::len`], like a slice.
    pub fn cluster(&self, row: usize) -> Option<&str> {
        self.cluster_of(row).map(|c| self.cluster_id(c))
    }

    pub(crate) fn stratum_of(&self, row: usize) -> usize {
        self.stratum[row] as usize
    }

    pub(crate) fn cluster_of(&self, row: usize) -> Option<usize> {
        self.cluster.as_ref().map(|of_row| of_row[row] as usize)
    }

    pub(crate) fn cluster_id(&self, cluster: usize) -> &str {
        &self.clusters.values[cluster]
    }

    pub(crate) fn cluster_count(&self) -> usize {
        self.clusters.values.len()
    }

    pub(crate) fn stratum_values(&self) -> &[Vec<String>] {
        &self.strata.values
    }
}

/// Values numbered in the order of their first appearance.
#[derive(Debug, Clone)]
struct Interner<T> {
    index: HashMap<String, u32>,
    values: Vec<T>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Interner {
            index: HashMap::new(),
            values: Vec::new(),
        }
    }
}

impl<T> Interner<T> {
    fn ordinal(&mut self, key: &str, value: impl FnOnce() -> T) -> u32 {
        if let Some(&found) = self.index.get(key) {
            return found;
        }
        // Never more values than rows, which `push` keeps below 2³².
        let next = self.values.len() as u32;
        self.index.insert(key.to_owned(), next);
        self.values.push(value());
        next
    }
}
