//! Small groups: "<5" instead of a count, and bins merged until no one stands alone.

use crate::report::document::Document;
use crate::report::number;

/// The plan's `min_cell`: groups of fewer customers are not shown.
#[derive(Debug, Clone, Copy)]
pub struct Privacy {
    min_cell: u64,
}

impl Privacy {
    /// The rule of a document.
    pub fn of(doc: &Document) -> Self {
        Privacy {
            min_cell: doc.experiment.min_cell,
        }
    }

    /// Whether a group is there, but too small to be shown.
    pub fn is_small(self, customers: u64) -> bool {
        customers > 0 && customers < self.min_cell
    }

    /// The count for people: "1,234" or "<5".
    pub fn count(self, customers: u64) -> String {
        if self.is_small(customers) {
            self.fewer()
        } else {
            number::count(customers)
        }
    }

    /// Whether an arm of the document is too small to be shown.
    pub fn hides(self, doc: &Document, arm: &str) -> bool {
        let place = doc.experiment.arms.iter().position(|a| a.name == arm);
        let told = place.and_then(|i| *doc.evidence.customers_by_arm.get(i)?);
        doc.evidence.small_arms.iter().any(|a| a == arm) || told.is_some_and(|n| self.is_small(n))
    }

    /// Customers of an arm for people; those with an outcome, where the others may not be told.
    pub fn customers(self, doc: &Document, arm: &str) -> Option<String> {
        if self.hides(doc, arm) {
            return Some(self.fewer());
        }
        let place = doc.experiment.arms.iter().position(|a| a.name == arm)?;
        if let Some(n) = doc.evidence.customers_by_arm.get(place)? {
            return Some(self.count(*n));
        }
        let primary = &doc.experiment.primary_outcome;
        let mut levels = doc.levels.iter();
        let after =
            levels.find(|l| l.arm == arm && l.outcome == *primary && l.period == "after")?;
        Some(self.count(after.n))
    }

    /// "<5".
    pub fn fewer(self) -> String {
        format!("<{}", self.min_cell)
    }
}

/// Bins of contacts per customer, the same for all arms.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// Lowest and highest value of each bin; `None` is open ended.
    pub bins: Vec<(f64, Option<f64>)>,
    /// One row an arm.
    pub arms: Vec<ArmBins>,
}

/// Customers of one arm by bin.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmBins {
    /// Name of the arm.
    pub arm: String,
    /// Customers of the arm in all bins.
    pub total: u64,
    /// Customers by bin; `None` where the whole arm is too small to be shown.
    pub customers: Option<Vec<u64>>,
}

impl ArmBins {
    /// Shares of the arm's customers by bin; 0 in an arm without customers.
    pub fn shares(&self) -> Option<Vec<f64>> {
        let total = self.total.max(1) as f64;
        let customers = self.customers.as_ref()?;
        Some(customers.iter().map(|n| *n as f64 / total).collect())
    }
}

impl Distribution {
    /// The distribution of an outcome, in the plan's order of arms; `None` where the document
    /// has none.
    ///
    /// Bins in which any arm has fewer customers than `min_cell`, but some, are merged with
    /// their neighbour below (the lowest with the one above), in every arm alike; so a count
    /// cannot be had by subtraction. An arm that is itself too small shows nothing.
    pub fn of(doc: &Document, outcome: &str) -> Option<Self> {
        let rows: Vec<_> = doc
            .distribution
            .iter()
            .filter(|r| r.outcome == outcome && r.from.is_finite())
            .collect();
        let mut bins: Vec<(f64, Option<f64>)> = rows.iter().map(|r| (r.from, r.to)).collect();
        let end = |to: Option<f64>| to.unwrap_or(f64::INFINITY);
        bins.sort_by(|a, b| a.0.total_cmp(&b.0).then(end(a.1).total_cmp(&end(b.1))));
        bins.dedup();
        if bins.is_empty() {
            return None;
        }
        let mut arms: Vec<ArmBins> = Vec::new();
        for arm in doc.experiment.arms.iter().map(|a| &a.name) {
            let of_arm: Vec<_> = rows.iter().filter(|r| r.arm == *arm).collect();
            if of_arm.is_empty() {
                continue;
            }
            let mut customers = vec![0u64; bins.len()];
            for row in of_arm {
                if let Some(i) = bins.iter().position(|b| *b == (row.from, row.to)) {
                    customers[i] = customers[i].saturating_add(row.customers);
                }
            }
            arms.push(ArmBins {
                arm: arm.clone(),
                total: customers.iter().fold(0, |a, c| a.saturating_add(*c)),
                customers: Some(customers),
            });
        }
        let privacy = Privacy::of(doc);
        for arm in &mut arms {
            if privacy.is_small(arm.total) {
                arm.customers = None;
            }
        }
        let mut out = Distribution { bins, arms };
        for i in (1..out.bins.len()).rev() {
            if out.is_small(i, privacy) {
                out.merge_into(i - 1);
            }
        }
        while out.bins.len() > 1 && out.is_small(0, privacy) {
            out.merge_into(0);
        }
        Some(out)
    }

    /// The same with bins as wide as the first, but for one open end: bars of one width would make a second
    /// peak of a wider bin in the middle, so all from there on are one.
    pub fn even(mut self) -> Self {
        let width = |(from, to): (f64, Option<f64>)| to.map(|to| to - from);
        let last = self.bins.len() - 1;
        let first = width(self.bins[0]);
        let uneven = self.bins[..last].iter().position(|b| width(*b) != first);
        if let Some(from) = uneven {
            for _ in from..last {
                self.merge_into(from);
            }
        }
        self
    }

    fn is_small(&self, bin: usize, privacy: Privacy) -> bool {
        self.arms
            .iter()
            .filter_map(|a| a.customers.as_ref())
            .any(|c| privacy.is_small(c[bin]))
    }

    /// Merges the bin after `bin` into it.
    fn merge_into(&mut self, bin: usize) {
        let (_, to) = self.bins.remove(bin + 1);
        self.bins[bin].1 = to;
        for arm in &mut self.arms {
            if let Some(customers) = &mut arm.customers {
                let next = customers.remove(bin + 1);
                customers[bin] = customers[bin].saturating_add(next);
            }
        }
    }

    /// The label of a bin: "0", "3–4", "5+".
    pub fn label(&self, bin: usize) -> String {
        let (from, to) = self.bins[bin];
        match to {
            Some(to) if to == from => number::general(from),
            Some(to) => format!("{}–{}", number::general(from), number::general(to)),
            None => format!("{}+", number::general(from)),
        }
    }
}
