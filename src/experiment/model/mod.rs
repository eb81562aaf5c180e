//! The validated plan. Plain data; every invariant was checked when it was read.

mod analysis;
mod business;
mod data;

use jiff::civil::Date;

pub use analysis::*;
pub use business::*;
pub use data::*;

/// A validated plan. Built only by [`crate::experiment`]'s reader.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    /// The file's stem; used in paths.
    pub name: String,
    /// A title in any script; the name where the plan has none.
    pub title: String,
    /// The customers' problem, in words.
    pub problem: Option<String>,
    /// Why customers contact.
    pub root_cause: Option<RootCause>,
    /// Who owns the pilot.
    pub owner: Option<String>,
    /// The pilot whose second stage this is; both are combined by the weights of its plan.
    pub second_stage_of: Option<String>,
    /// Seeds every draw, hashed with a purpose and the name.
    pub seed: u64,
    /// How customers get their arm.
    pub assignment: Assignment,
    /// Arms in the plan's order; exactly one is control.
    pub arms: Vec<Arm>,
    /// Before and after windows; `None` for ready-made counts without dates.
    pub periods: Option<Periods>,
    /// Where the data are; `None` while the plan is only a design.
    pub data: Option<Data>,
    /// Outcomes in the plan's order; at least one is primary.
    pub outcomes: Vec<Outcome>,
    /// Tests and estimators.
    pub analysis: AnalysisPlan,
    /// The decision rule.
    pub decision: DecisionRule,
    /// Groups smaller than this are not shown.
    pub min_cell: u64,
    /// The business case's assumptions, where given.
    pub business: Option<Business>,
}

impl Experiment {
    /// Index of the control arm.
    pub fn control(&self) -> usize {
        self.arms.iter().position(|a| a.control).unwrap_or_default()
    }

    /// Indices of the treatment arms, in the plan's order.
    pub fn treatments(&self) -> impl Iterator<Item = usize> + '_ {
        self.arms
            .iter()
            .enumerate()
            .filter(|(_, a)| !a.control)
            .map(|(i, _)| i)
    }

    /// The column whose values are assigned, or analysed, as whole clusters.
    pub fn cluster_column(&self) -> Option<&str> {
        let in_counts = match &self.data {
            Some(Data::Counts(file)) => file.cluster.as_deref(),
            _ => None,
        };
        self.assignment.cluster.as_deref().or(in_counts)
    }

    /// First and last day of each block of the schedule; empty where there is none.
    pub fn blocks(&self) -> Vec<(Date, Date)> {
        let (Some(schedule), Some(periods)) = (&self.assignment.schedule, &self.periods) else {
            return Vec::new();
        };
        let Windows::Fixed { after, .. } = &periods.windows else {
            return Vec::new();
        };
        let days = i64::from(schedule.block_days.max(1));
        let plus = |day: Date, days: i64| {
            let span = jiff::Span::new().try_days(days).ok()?;
            day.checked_add(span).ok()
        };
        let mut blocks = Vec::new();
        let mut first = after.0;
        while let Some(last) = plus(first, days - 1).filter(|last| *last <= after.1) {
            blocks.push((first, last));
            match plus(last, 1) {
                Some(next) => first = next,
                None => break,
            }
        }
        blocks
    }

    /// Calendar month, 1 is January, in which the roll-out begins: as the plan says, or else the
    /// month after the last planned after-day; `None` where neither is known.
    pub fn rollout_month(&self) -> Option<u8> {
        let stated = self.business.as_ref().and_then(|b| b.rollout_month);
        match stated {
            Some(month) => u8::try_from(month).ok(),
            None => {
                let last = self.periods.as_ref()?.windows.last_day()?;
                Some(last.month().unsigned_abs() % 12 + 1)
            }
        }
    }

    /// The first primary outcome: the one that money and decision rest on.
    pub fn primary_outcome(&self) -> &Outcome {
        self.outcomes
            .iter()
            .find(|o| o.role == Role::Primary)
            .unwrap_or(&self.outcomes[0])
    }
}

/// The four root causes of contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootCause {
    /// Marketing and sales set wrong expectations.
    Expectation,
    /// Disjointed company processes.
    Process,
    /// Customers' own mistakes, unread instructions.
    CustomerError,
    /// Employees without tools, training or authority.
    EmployeeReadiness,
}

/// How customers get their arm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The method.
    pub method: Method,
    /// Columns that form the strata.
    pub strata: Vec<String>,
    /// Column whose values are assigned as a whole.
    pub cluster: Option<String>,
    /// Regions and blocks of days that get an arm; `None` where customers or clusters do.
    pub schedule: Option<SchedulePlan>,
}

/// Which regions get an arm for which blocks of days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchedulePlan {
    /// How arms change over time.
    pub design: ScheduleKind,
    /// The regions, each once; a single one without a name in the data where there is no
    /// [`Assignment::cluster`].
    pub regions: Vec<String>,
    /// Days of a block.
    pub block_days: u32,
    /// Days at the start of each block that do not count.
    pub washout_days: u32,
}

/// Designs for what reaches everyone in a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScheduleKind {
    /// Arms change at random from block to block.
    Switchback,
    /// Regions cross from control to treatment in random order, and stay.
    SteppedWedge,
}

/// Assignment methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Exact quotas in each stratum.
    Complete,
    /// A salted hash a customer; runs again as customers arrive.
    Hashed,
    /// Arms are in the data.
    Existing,
}

/// An arm.
#[derive(Debug, Clone, PartialEq)]
pub struct Arm {
    /// Name in files.
    pub name: String,
    /// Title for people, in any script; the name where the plan has none.
    pub title: String,
    /// Whether this is the control arm.
    pub control: bool,
    /// Share of customers relative to the other arms; whole and at least 1.
    /// `None` only for `existing` plans that state no weights.
    pub weight: Option<u64>,
    /// What the customers get.
    pub interventions: Vec<String>,
    /// Paid once at roll-out, in the business currency.
    pub fixed_cost: Assumption,
    /// Paid for each customer reached.
    pub cost_per_customer: Assumption,
    /// Paid every month.
    pub running_cost_per_month: Assumption,
}

/// Before and after windows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Periods {
    /// The windows.
    pub windows: Windows,
    /// IANA name of the zone in which days begin and end.
    pub timezone: String,
}

/// Windows by date, or relative to each customer's start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Windows {
    /// The same dates for everyone, inclusive.
    Fixed {
        /// Before; absent where there is no before period.
        before: Option<(Date, Date)>,
        /// After.
        after: (Date, Date),
        /// Roster column with the customer's own start, where later starts shorten exposure.
        start: Option<String>,
    },
    /// Days counted from each customer's start.
    Relative {
        /// Roster column with the start.
        start: String,
        /// Whole days before the start; 0 for none.
        before_days: u32,
        /// Whole days from the start on; at least 1.
        after_days: u32,
        /// Starts outside these inclusive dates are not in the pilot.
        enrol: Option<(Date, Date)>,
    },
}

impl Windows {
    /// Last day of the last after window, where the plan tells it.
    pub fn last_day(&self) -> Option<Date> {
        match self {
            Windows::Fixed { after, .. } => Some(after.1),
            Windows::Relative {
                after_days,
                enrol: Some((_, to)),
                ..
            } => to
                .checked_add(jiff::Span::new().days(i64::from(*after_days) - 1))
                .ok(),
            Windows::Relative { .. } => None,
        }
    }
}
