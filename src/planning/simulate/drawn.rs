//! The customers of one simulated pilot, before they are added up.

use crate::error::Result;
use crate::experiment::Experiment;
use crate::stats::poisson_sampling::thinned;
use crate::stats::random::Generator;
use crate::stats::sampling::LogFactorials;
use crate::table::{
    Audit, Cap, Cell, ClusterRow, ClusterTable, ClusterTotals, Clusters, ContactTable, Evidence,
    OutcomeEvidence, Provenance,
};

use super::draw::Drawing;

/// Customers, those who are alike together; the customers of a cluster follow one another.
#[derive(Debug, Clone, Default)]
pub(super) struct Drawn {
    pub cells: Vec<Cell>,
    /// Where each cluster ends among the cells; empty where customers come one by one.
    pub ends: Vec<usize>,
}

impl Drawn {
    /// What a scan of these customers would bring back.
    pub fn evidence(&self, plan: &Experiment, drawing: &Drawing<'_>) -> Result<Evidence> {
        let (arms, population) = drawing.frame();
        let table = ContactTable::new(
            arms.to_vec(),
            population.strata.clone(),
            population.unit,
            population.decimals,
            self.cells.clone(),
        )?;
        let clusters = match population.clusters {
            None => None,
            Some(_) => Some(self.clusters(&table, plan.outcomes[0].caps())?),
        };
        let mut by_arm = vec![0; plan.arms.len()];
        for c in table.cells() {
            by_arm[usize::from(c.arm.0)] += c.customers;
        }
        Ok(Evidence {
            audit: Audit {
                customers: by_arm.iter().sum(),
                customers_by_arm: by_arm,
                ..Audit::default()
            },
            outcomes: vec![OutcomeEvidence {
                clusters,
                ..OutcomeEvidence::of_cells(&plan.outcomes[0].name, table)
            }],
            spillover: None,
            provenance: Provenance::default(),
        })
    }

    fn clusters(&self, table: &ContactTable, cap: Option<Cap>) -> Result<Clusters> {
        let capped = match cap {
            None => None,
            Some(cap) => {
                let rows = self.rows(cap.most(table.decimals())?)?;
                Some((cap.at, ClusterTable::new(&table.capped(cap)?, rows)?))
            }
        };
        Ok(Clusters {
            uncapped: ClusterTable::new(table, self.rows((i64::MAX, i64::MAX))?)?,
            capped,
        })
    }

    /// Each cluster's sums, its customers' counts before and after at most `most`.
    fn rows(&self, most: (i64, i64)) -> Result<Vec<ClusterRow>> {
        let mut from = 0;
        let mut rows = Vec::with_capacity(self.ends.len());
        for end in &self.ends {
            let members = &self.cells[from..*end];
            from = *end;
            let Some(first) = members.first() else {
                continue;
            };
            let mut totals = ClusterTotals::default();
            for c in members {
                let before = c.before.map(|x| x.min(most.0));
                let after = c.after.map(|y| y.min(most.1));
                totals.add(c.customers, c.exposure, before, after)?;
            }
            rows.push(ClusterRow {
                arm: first.arm,
                stratum: first.stratum,
                totals,
                clusters: 1,
            });
        }
        Ok(rows)
    }

    /// The same customers when a share of their time has passed.
    ///
    /// *Assumes* — contacts come evenly: of y contacts, those within the first share s of the time
    /// are Binomial(y, s).
    pub fn earlier(&self, share: f64, factorials: &LogFactorials, g: &mut Generator) -> Drawn {
        let mut drawn = Drawn::default();
        let mut ends = self.ends.iter().peekable();
        let mut after: Vec<Option<i64>> = Vec::new();
        for (i, cell) in self.cells.iter().enumerate() {
            // Who was observed at all has been for a part of a unit.
            let exposure =
                ((cell.exposure as f64 * share).round() as i64).max(cell.exposure.min(1));
            after.clear();
            after.extend((0..cell.customers).map(|_| {
                let y = cell.after?;
                Some(thinned(g, factorials, y.unsigned_abs(), share) as i64)
            }));
            after.sort_unstable();
            for same in after.chunk_by(|a, b| a == b) {
                drawn.cells.push(Cell {
                    exposure,
                    after: same[0],
                    customers: same.len() as u64,
                    ..*cell
                });
            }
            if ends.next_if(|end| **end == i + 1).is_some() {
                drawn.ends.push(drawn.cells.len());
            }
        }
        drawn
    }
}
