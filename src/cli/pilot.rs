//! The pilot that a command is about: workspace, plan, and where it stands with its approval.

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::engine;
use crate::error::{Error, Result};
use crate::experiment::{self, Experiment, Method, Plan, Windows};
use crate::report::{ApprovalRow, Deviation};
use crate::workspace::{Approval, Ledger, Pilot, Workspace};

use super::Global;
use super::approvals::Approvals;
use super::ui::{Progress, Ui};

/// A pilot with its plan read.
pub struct Opened {
    /// Where its files are.
    pub pilot: Pilot,
    /// Its plan.
    pub plan: Plan,
}

/// Where the user is.
///
/// # Errors
/// The working folder was removed.
pub fn here() -> Result<PathBuf> {
    std::env::current_dir()
        .map_err(|e| Error::workspace(format!("the working folder cannot be read: {e}")))
}

/// The workspace that the flags or the working folder mean.
///
/// # Errors
/// There is none.
pub fn workspace(g: &Global) -> Result<Workspace> {
    match &g.workspace {
        Some(dir) => Workspace::open(dir),
        None => Workspace::find(&here()?),
    }
}

/// Opens the pilot that `argument`, a name or a path to a plan, means.
///
/// # Errors
/// No such pilot, or a wrong plan.
pub fn open(argument: &str, g: &Global) -> Result<Opened> {
    let pilot = Workspace::locate(g.workspace.as_deref(), &here()?, argument)?;
    let plan = experiment::parse_bytes(&pilot.plan()?, &pilot.plan_path())?;
    Ok(Opened { pilot, plan })
}

impl Opened {
    /// The experiment.
    pub fn experiment(&self) -> &Experiment {
        &self.plan.experiment
    }

    /// The assignment file that the scan needs, checked against the ledger.
    ///
    /// # Errors
    /// It is missing or was changed.
    pub fn assignment(&self) -> Result<Option<PathBuf>> {
        if self.experiment().assignment.method == Method::Existing {
            return Ok(None);
        }
        match self.pilot.checked_assignment()? {
            Some(_) => Ok(Some(self.pilot.assignment_path())),
            None => Err(
                Error::workspace(match self.experiment().assignment.schedule {
                    Some(_) => "no region has an arm yet",
                    None => "no customer has an arm yet",
                })
                .hint(format!("run `pilot assign {}` first", self.pilot.name())),
            ),
        }
    }

    /// What the engine is asked.
    pub fn request<'a>(
        &'a self,
        assignment: Option<&'a std::path::Path>,
        g: &Global,
        tick: &'a (dyn Fn(u64) -> Result<()> + Sync),
    ) -> engine::Request<'a> {
        engine::Request {
            assignment,
            ..scanning(self.experiment(), self.pilot.workspace().root(), g, tick)
        }
    }
}

/// What the engine is asked, as the flags say.
pub fn scanning<'a>(
    experiment: &'a Experiment,
    root: &'a std::path::Path,
    g: &Global,
    tick: &'a (dyn Fn(u64) -> Result<()> + Sync),
) -> engine::Request<'a> {
    engine::Request {
        show_values: g.show_values,
        engine: if g.engine.is_some() {
            engine::Choice::Embedded
        } else {
            engine::Choice::Auto
        },
        threads: g.threads.map(std::num::NonZeroUsize::get),
        memory: g.memory,
        ..engine::Request::new(experiment, root, tick)
    }
}

/// The banner of an analysis of a plan that nobody approved.
pub const NOT_PRE_REGISTERED: &str = "NOT PRE-REGISTERED";
/// The banner of a plan that was approved after the data.
pub const LATE: &str = "LATE APPROVAL";
/// The banner of a plan that is not the one approved before the data.
pub const CHANGED: &str = "CHANGED SINCE APPROVAL";

/// The plan against its approvals.
pub struct Standing {
    /// The last approval.
    pub approval: Option<Approval>,
    /// All of them, oldest first.
    pub approvals: Vec<ApprovalRow>,
    /// Changes since the one that the plan is held against.
    pub deviations: Vec<Deviation>,
    /// What every report must say.
    pub banners: Vec<String>,
}

impl Standing {
    /// Compares the plan with the approval that it is held against; see [`Approvals::of`].
    ///
    /// # Errors
    /// A ledger that is no chain, or an approved copy that was changed.
    pub fn of(opened: &Opened, ledger: &Ledger) -> Result<Self> {
        let Some(approvals) = Approvals::of(&opened.pilot, ledger)? else {
            return Ok(Standing {
                approval: None,
                approvals: Vec::new(),
                deviations: Vec::new(),
                banners: vec![NOT_PRE_REGISTERED.into()],
            });
        };
        let mut deviations = approvals.explained;
        let since = experiment::diff(&approvals.against, &opened.plan.text)?.into_iter();
        deviations.extend(since.map(|c| Deviation {
            key: c.key,
            approved: c.approved,
            now: c.now,
            material: c.material,
            why: None,
        }));
        let mut banners = Vec::new();
        if approvals.late {
            banners.push(LATE.into());
        }
        if deviations.iter().any(Deviation::unexplained) {
            banners.push(CHANGED.into());
        }
        Ok(Standing {
            approval: Some(approvals.last),
            approvals: approvals.rows,
            deviations,
            banners,
        })
    }

    /// The approval that the plan is held against.
    pub fn compared(&self) -> Option<&ApprovalRow> {
        self.approvals.iter().find(|a| a.compared)
    }

    /// Whether the plan was approved and nothing that can change the result was changed since.
    pub fn approved_as_it_is(&self) -> bool {
        self.approval.is_some() && !self.deviations.iter().any(Deviation::unexplained)
    }

    /// The seal that finance keeps.
    pub fn seal(&self) -> Option<String> {
        self.approval.as_ref().map(|a| a.seal.to_string())
    }
}

/// The first and last day of the after window, where everyone shares it.
pub fn after_window(experiment: &Experiment) -> Option<(Date, Date)> {
    match &experiment.periods.as_ref()?.windows {
        Windows::Fixed { after, .. } => Some(*after),
        Windows::Relative { .. } => None,
    }
}

/// Today, in the plan's zone.
pub fn today(experiment: &Experiment) -> Date {
    let zone = experiment
        .periods
        .as_ref()
        .and_then(|p| TimeZone::get(&p.timezone).ok())
        .unwrap_or_else(TimeZone::system);
    Timestamp::now().to_zoned(zone).date()
}

/// A tick for the engine that shows progress and notices interruption.
pub fn ticking(progress: &Progress) -> impl Fn(u64) -> Result<()> + Sync + '_ {
    |rows| progress.tick(rows)
}

/// Says what an earlier run left behind and was mended.
pub fn report_repairs(lock: &crate::workspace::Lock, ui: &Ui) {
    for repair in lock.repairs() {
        ui.note(format!("note: {repair}"));
    }
}

/// Says which folders among a pilot's evidence and analyses are no whole set, and so left alone.
///
/// # Errors
/// A folder that cannot be read.
pub fn report_ignored(pilot: &Pilot, ui: &Ui) -> Result<()> {
    for series in [pilot.evidence(), pilot.analyses()] {
        for ignored in series.list()?.ignored {
            ui.note(format!("note: {ignored}"));
        }
    }
    Ok(())
}
