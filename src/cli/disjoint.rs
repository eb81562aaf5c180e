//! Customers of a second stage, none of whom was in the first.

use std::path::{Path, PathBuf};

use crate::assign::AssignmentReader;
use crate::engine;
use crate::error::{Error, Kind, Result};
use crate::experiment::{self, Experiment, Method};
use crate::workspace::{Digest, Pilot};

use super::Global;
use super::pilot::{self, Opened};
use super::ui::Ui;

/// Lines that a message names.
const LINES_SHOWN: usize = 8;

/// The customers of a first stage, and its clusters.
pub struct Known {
    name: String,
    /// The first half of each identifier's SHA-256, sorted: sixteen bytes a customer.
    marks: Vec<u128>,
}

/// A customer, or the cluster that it belongs to: whole clusters are what stages may not share.
fn mark(kind: &str, name: &str) -> u128 {
    let digest = Digest::of(format!("{kind}\0{name}").as_bytes());
    let mut half = [0; 16];
    half.copy_from_slice(&digest.as_bytes()[..16]);
    u128::from_be_bytes(half)
}

impl Known {
    /// The customers of the pilot whose second stage this is; the reason where they are not to be
    /// had; `None` of a plan that is no second stage.
    ///
    /// # Errors
    /// A first stage whose assignment was changed.
    pub fn of(opened: &Opened, g: &Global, ui: &Ui) -> Result<Option<Result<Known, String>>> {
        let Some(name) = &opened.experiment().second_stage_of else {
            return Ok(None);
        };
        let first = opened.pilot.workspace().pilot(name)?;
        let plan = match plan_of(&first) {
            Ok(plan) => plan,
            Err(e) => return reason(e).map(|why| Some(Err(why))),
        };
        if plan.assignment.method != Method::Existing {
            if !first.assignment_path().exists() {
                return Ok(Some(Err("its assignment file is not here".into())));
            }
            first.checked_assignment()?;
        }
        let mut marks = Vec::new();
        let read = each(&first, &plan, g, ui, &mut |row| {
            marks.push(mark("customer", row.unit));
            marks.extend(row.cluster.map(|c| mark("cluster", c)));
            Ok(())
        });
        if let Err(e) = read {
            return reason(e).map(|why| Some(Err(why)));
        }
        marks.sort_unstable();
        marks.dedup();
        Ok(Some(Ok(Known {
            name: name.clone(),
            marks,
        })))
    }

    /// Whether a customer, or its cluster, was in the first stage.
    fn holds(&self, unit: &str, cluster: Option<&str>) -> bool {
        let there = |mark: u128| self.marks.binary_search(&mark).is_ok();
        there(mark("customer", unit)) || cluster.is_some_and(|c| there(mark("cluster", c)))
    }

    /// Refuses customers who were in the first stage, or whose cluster was.
    ///
    /// # Errors
    /// There are such customers: how many, and on which lines.
    pub fn refuse<'a>(&self, rows: impl IntoIterator<Item = Seen<'a>>) -> Result<()> {
        let mut shared = Shared::default();
        for row in rows {
            shared.see(self, &row);
        }
        shared.result(&self.name)
    }
}

/// A customer as it stands in a file.
pub struct Seen<'a> {
    /// Identifier.
    pub unit: &'a str,
    /// Cluster, where whole clusters get their arm.
    pub cluster: Option<&'a str>,
    /// File.
    pub file: &'a Path,
    /// Line.
    pub line: u64,
}

#[derive(Default)]
struct Shared {
    count: u64,
    lines: Vec<u64>,
    file: Option<PathBuf>,
}

impl Shared {
    fn see(&mut self, known: &Known, row: &Seen<'_>) {
        if known.holds(row.unit, row.cluster) {
            self.count += 1;
            let file = self.file.get_or_insert_with(|| row.file.to_path_buf());
            if self.lines.len() < LINES_SHOWN && file == row.file {
                self.lines.push(row.line);
            }
        }
    }

    fn result(self, name: &str) -> Result<()> {
        let (Some(file), Some(first)) = (self.file, self.lines.first()) else {
            return Ok(());
        };
        let lines: Vec<String> = self.lines.iter().map(u64::to_string).collect();
        let more = match self.count > self.lines.len() as u64 {
            true => ", …",
            false => "",
        };
        Err(Error::data(format!(
            "{} of the customers, or their clusters, were in the first stage, {name} (line {}{more})",
            crate::number::count(self.count),
            lines.join(", ")
        ))
        .file(file)
        .line(*first)
        .hint("the stages are independent only where nobody is in both: leave these customers out"))
    }
}

/// The plan that tells a first stage's customers: where it assigned them the approved one, which its
/// assignment follows, else the file, which knows where the data are now.
fn plan_of(first: &Pilot) -> Result<Experiment> {
    if let Some(approval) = first.ledger()?.latest_approval()? {
        let bytes = first.approved_plan(&approval)?;
        let text = String::from_utf8_lossy(&bytes);
        let file = first.approved_path(approval.number);
        let approved = experiment::parse_copy(&text, &file)?.experiment;
        if approved.assignment.method != Method::Existing {
            return Ok(approved);
        }
    }
    experiment::parse_bytes(&first.plan()?, &first.plan_path()).map(|plan| plan.experiment)
}

/// Every customer of a pilot: by its assignment where it made one, else by its data.
fn each(
    pilot: &Pilot,
    plan: &Experiment,
    g: &Global,
    ui: &Ui,
    sink: &mut dyn FnMut(Seen<'_>) -> Result<()>,
) -> Result<()> {
    if plan.cluster_column().is_some() && plan.assignment.cluster.is_none() {
        return Err(Error::data(
            "the clusters are known to the scan of the data alone",
        ));
    }
    if plan.assignment.method != Method::Existing {
        let path = pilot.assignment_path();
        let file = std::fs::File::open(&path).map_err(|e| Error::io("read", &path, &e))?;
        let names: Vec<String> = plan.arms.iter().map(|a| a.name.clone()).collect();
        let clustered = plan.assignment.cluster.is_some();
        let mut reader = AssignmentReader::new(file, &names, &plan.assignment.strata, clustered)
            .map_err(|e| e.file(&path))?;
        while let Some(row) = reader.next_row().map_err(|e| e.file(&path))? {
            if row.line.is_multiple_of(1 << 16) {
                crate::interrupt::check()?;
            }
            sink(Seen {
                unit: row.unit,
                cluster: row.cluster(),
                file: &path,
                line: row.line,
            })?;
        }
        return Ok(());
    }
    let progress = ui.progress("reading customers of both stages");
    let tick = pilot::ticking(&progress);
    let request = pilot::scanning(plan, pilot.workspace().root(), g, &tick);
    engine::read_roster(&request, &mut |row| {
        sink(Seen {
            unit: row.unit,
            cluster: row.cluster,
            file: row.file,
            line: row.line,
        })
    })
    .map(|_| ())
}

/// Whether the customers of a second stage are known to be others than those of the first; `None`
/// of a plan that is no second stage.
///
/// # Errors
/// Some are in both.
pub fn checked(opened: &Opened, g: &Global, ui: &Ui) -> Result<Option<bool>> {
    let known = match Known::of(opened, g, ui)? {
        None => return Ok(None),
        Some(Ok(known)) => known,
        Some(Err(why)) => {
            ui.warn(unchecked(&why));
            return Ok(Some(false));
        }
    };
    let mut shared = Shared::default();
    let read = each(&opened.pilot, opened.experiment(), g, ui, &mut |row| {
        shared.see(&known, &row);
        Ok(())
    });
    shared.result(&known.name)?;
    match read {
        Ok(()) => Ok(Some(true)),
        Err(e) => {
            ui.warn(unchecked(&reason(e)?));
            Ok(Some(false))
        }
    }
}

/// Why something cannot be read; an interruption stays one.
fn reason(e: Error) -> Result<String> {
    match e.kind() {
        Kind::Interrupted => Err(e),
        _ => Ok(e.message().to_string()),
    }
}

/// Why nobody knows whether somebody is in both stages.
pub fn unchecked(why: &str) -> String {
    format!("whether a customer is in both stages cannot be checked: {why}")
}
