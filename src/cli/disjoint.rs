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

/// The customers of a first stage.
pub struct Known {
    name: String,
    /// The first half of each identifier's SHA-256, sorted: sixteen bytes a customer.
    units: Vec<u128>,
}

fn mark(unit: &str) -> u128 {
    let digest = Digest::of(unit.as_bytes());
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
        let plan = match first.plan().and_then(|bytes| {
            experiment::parse_bytes(&bytes, &first.plan_path()).map(|plan| plan.experiment)
        }) {
            Ok(plan) => plan,
            Err(e) => return Ok(Some(Err(e.message().to_string()))),
        };
        if plan.assignment.method != Method::Existing {
            if !first.assignment_path().exists() {
                return Ok(Some(Err("its assignment file is not here".into())));
            }
            first.checked_assignment()?;
        }
        let mut units = Vec::new();
        let read = each(&first, &plan, g, ui, &mut |unit, _, _| {
            units.push(mark(unit));
            Ok(())
        });
        if let Err(e) = read {
            return reason(e).map(|why| Some(Err(why)));
        }
        units.sort_unstable();
        Ok(Some(Ok(Known {
            name: name.clone(),
            units,
        })))
    }

    fn holds(&self, unit: &str) -> bool {
        self.units.binary_search(&mark(unit)).is_ok()
    }

    /// Refuses customers who were in the first stage.
    ///
    /// # Errors
    /// There are such customers: how many, and on which lines.
    pub fn refuse<'a>(
        &self,
        rows: impl IntoIterator<Item = (&'a str, u64)>,
        file: impl Into<PathBuf>,
    ) -> Result<()> {
        let mut shared = Shared::default();
        for (unit, line) in rows {
            shared.see(self.holds(unit), line);
        }
        shared.result(&self.name, file.into())
    }
}

#[derive(Default)]
struct Shared {
    count: u64,
    lines: Vec<u64>,
}

impl Shared {
    fn see(&mut self, there: bool, line: u64) {
        if there {
            self.count += 1;
            if self.lines.len() < LINES_SHOWN {
                self.lines.push(line);
            }
        }
    }

    fn result(&self, name: &str, file: PathBuf) -> Result<()> {
        let Some(first) = self.lines.first() else {
            return Ok(());
        };
        let lines: Vec<String> = self.lines.iter().map(u64::to_string).collect();
        let more = match self.count > self.lines.len() as u64 {
            true => ", …",
            false => "",
        };
        Err(Error::data(format!(
            "{} of the customers were in the first stage, {name} (line {}{more})",
            crate::number::count(self.count),
            lines.join(", ")
        ))
        .file(file)
        .line(*first)
        .hint("the stages are independent only where nobody is in both: leave these customers out"))
    }
}

/// Every customer of a pilot: by its assignment where it made one, else by its data.
fn each(
    pilot: &Pilot,
    plan: &Experiment,
    g: &Global,
    ui: &Ui,
    sink: &mut dyn FnMut(&str, u64, &Path) -> Result<()>,
) -> Result<()> {
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
            sink(row.unit, row.line, &path)?;
        }
        return Ok(());
    }
    let progress = ui.progress("reading customers of both stages");
    let tick = pilot::ticking(&progress);
    let request = pilot::scanning(plan, pilot.workspace().root(), g, &tick);
    engine::read_roster(&request, &mut |row| sink(row.unit, row.line, row.file))
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
    let mut at = None;
    let read = each(
        &opened.pilot,
        opened.experiment(),
        g,
        ui,
        &mut |unit, line, file| {
            let there = known.holds(unit);
            shared.see(there, line);
            if there && at.is_none() {
                at = Some(file.to_path_buf());
            }
            Ok(())
        },
    );
    match (read, at) {
        (_, Some(file)) => shared.result(&known.name, file).map(|()| Some(true)),
        (Ok(()), None) => Ok(Some(true)),
        (Err(e), None) => {
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
