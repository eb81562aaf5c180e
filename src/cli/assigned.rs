//! What `pilot assign` shows of customers and their arms.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::assign::Assignment;
use crate::engine::SetAside;
use crate::error::Result;
use crate::experiment::{Experiment, Method};
use crate::number::{self, count};
use crate::stats::srm;

use super::Global;
use super::mailing::Mailing;
use super::pilot::Opened;
use super::ui::Ui;

/// An assignment as it is shown, in words or as JSON.
#[derive(Serialize)]
pub struct Assigned {
    pilot: String,
    method: &'static str,
    /// Customers with an arm.
    pub customers: u64,
    new: u64,
    /// Rows of the roster that repeat an earlier one.
    pub repeated_rows: u64,
    /// Rows that cannot be read; their customers have no arm.
    set_aside: Vec<Aside>,
    arms: BTreeMap<String, u64>,
    strata: Vec<Stratum>,
    srm_p: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<String>,
    /// Mailing files of customers who came after the first ones were written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    later_files: Vec<String>,
}

#[derive(Serialize)]
struct Aside {
    file: String,
    line: u64,
    column: Option<String>,
    reason: String,
}

#[derive(Serialize)]
struct Stratum {
    stratum: Vec<String>,
    arms: Vec<u64>,
}

/// Strata that are shown one by one.
const STRATA_SHOWN: usize = 30;

/// Rows set aside that are shown one by one.
const ASIDE_SHOWN: usize = 5;

impl Assigned {
    /// A new assignment, or one with new customers beside `old` ones.
    pub fn of(opened: &Opened, assignment: &Assignment, old: u64) -> Self {
        let by_arm = assignment.units_by_arm();
        let randomised = assignment
            .clusters_by_arm()
            .unwrap_or_else(|| by_arm.clone());
        let strata = assignment.sizes().iter();
        let customers: u64 = by_arm.iter().sum();
        Assigned {
            new: customers - old,
            repeated_rows: assignment.duplicates(),
            strata: strata
                .map(|s| Stratum {
                    stratum: s.values.clone(),
                    arms: s.units.clone(),
                })
                .collect(),
            srm_p: srm_p(opened.experiment(), &randomised),
            ..Self::again(opened, by_arm)
        }
    }

    /// An assignment that is there already.
    pub fn again(opened: &Opened, by_arm: Vec<u64>) -> Self {
        let e = opened.experiment();
        let clustered = e.assignment.cluster.is_some();
        Assigned {
            pilot: opened.pilot.name().into(),
            method: match e.assignment.method {
                Method::Hashed => "hashed",
                _ => "complete",
            },
            customers: by_arm.iter().sum(),
            new: 0,
            repeated_rows: 0,
            set_aside: Vec::new(),
            // Of whole clusters the file tells customers, and it is clusters that were randomised.
            srm_p: (!clustered).then(|| srm_p(e, &by_arm)).flatten(),
            arms: e.arms.iter().map(|a| a.name.clone()).zip(by_arm).collect(),
            strata: Vec::new(),
            files: Vec::new(),
            later_files: Vec::new(),
        }
    }

    /// Names the rows that were set aside.
    pub fn beside(mut self, rows: Vec<SetAside>) -> Self {
        let aside = |row: SetAside| Aside {
            file: row.file.display().to_string(),
            line: row.line,
            column: row.column,
            reason: row.reason,
        };
        self.set_aside = rows.into_iter().map(aside).collect();
        self
    }

    /// Names the mailing files.
    pub fn mailed(mut self, mailing: &Mailing) -> Self {
        self.files.clone_from(&mailing.files);
        self.later_files = mailing.later.iter().map(|(name, _)| name.clone()).collect();
        self
    }

    /// Tells it on stdout, with the next step.
    ///
    /// # Errors
    /// Stdout cannot be written.
    pub fn tell(&self, opened: &Opened, g: &Global, ui: &Ui) -> Result<()> {
        if ui.json {
            return ui.document(self);
        }
        for line in self.customers_in_words(g.dry_run) {
            ui.say(line)?;
        }
        for line in self.sizes_in_words(opened.experiment()) {
            ui.say(line)?;
        }
        for file in &self.files {
            ui.say(format!("mailing file {file}"))?;
        }
        for file in &self.later_files {
            ui.say(format!(
                "mailing file {file}   only the customers whom the earlier ones do not hold"
            ))?;
        }
        if g.dry_run {
            return ui.next(format!("pilot assign {} without --dry-run", self.pilot));
        }
        ui.say(format!(
            "assignment {}",
            opened.pilot.assignment_path().display()
        ))?;
        ui.next(format!(
            "deliver the interventions; after the test period `pilot analyze {}`",
            self.pilot
        ))
    }

    fn customers_in_words(&self, dry_run: bool) -> Vec<String> {
        let mut lines = vec![format!(
            "{} customers {} an arm ({}).",
            count(self.customers),
            if dry_run { "would get" } else { "have" },
            self.method
        )];
        if self.new != self.customers {
            lines.push(match self.new {
                0 => "  None of them is new: everyone keeps the arm.".to_string(),
                1 => "  1 of them is new; the others keep their arm.".to_string(),
                n => format!("  {} of them are new; the others keep their arm.", count(n)),
            });
        }
        match self.repeated_rows {
            0 => {}
            1 => lines.push("  1 repeated row of the roster was counted once.".to_string()),
            n => lines.push(format!(
                "  {} repeated rows of the roster were counted once.",
                count(n)
            )),
        }
        lines.extend(aside_in_words(&self.set_aside));
        lines
    }

    /// Customers by arm and stratum as a table, and whether the sizes fit the weights.
    fn sizes_in_words(&self, experiment: &Experiment) -> Vec<String> {
        let arms: Vec<&str> = experiment.arms.iter().map(|a| a.name.as_str()).collect();
        let width = arms.iter().map(|a| a.len()).max().unwrap_or(0).max(9);
        let row = |name: &str, cells: &mut dyn Iterator<Item = String>| {
            let cells: String = cells.map(|cell| format!("  {cell:>width$}")).collect();
            format!("  {name:<24}{cells}")
        };
        let mut lines = vec![row("", &mut arms.iter().map(|a| (*a).to_owned()))];
        let stratified = !experiment.assignment.strata.is_empty() && !self.strata.is_empty();
        if stratified {
            for s in self.strata.iter().take(STRATA_SHOWN) {
                let name = s.stratum.join(" / ").escape_debug().to_string();
                lines.push(row(&name, &mut s.arms.iter().map(|n| count(*n))));
            }
            if let Some(more) = self.strata.len().checked_sub(STRATA_SHOWN + 1) {
                lines.push(format!("  … and {} more strata", more + 1));
            }
        }
        let name = if stratified { "all" } else { "customers" };
        lines.push(row(name, &mut arms.iter().map(|a| count(self.arms[*a]))));
        if let Some(p) = self.srm_p {
            let words = match p < 0.001 {
                true => "sizes do NOT fit the planned weights",
                false => "sizes fit the planned weights",
            };
            lines.push(format!(
                "Sample-ratio check: {words} ({}).",
                number::p_value(p)
            ));
        }
        lines
    }
}

fn srm_p(experiment: &Experiment, by_arm: &[u64]) -> Option<f64> {
    let weights: Vec<u64> = experiment.arms.iter().filter_map(|a| a.weight).collect();
    srm::goodness_of_fit(by_arm, &weights).map(|t| t.p_value)
}

/// Which rows of the roster are no customers, and why.
fn aside_in_words(rows: &[Aside]) -> Vec<String> {
    let mut lines = match rows.len() as u64 {
        0 => return Vec::new(),
        1 => vec!["  1 row of the roster was set aside; its customer has no arm:".to_string()],
        n => vec![format!(
            "  {} rows of the roster were set aside; their customers have no arm:",
            count(n)
        )],
    };
    for row in rows.iter().take(ASIDE_SHOWN) {
        lines.push(format!("    {}:{}: {}", row.file, row.line, row.reason));
    }
    if rows.len() > ASIDE_SHOWN {
        let more = count((rows.len() - ASIDE_SHOWN) as u64);
        lines.push(format!("    and {more} more"));
    }
    lines
}
