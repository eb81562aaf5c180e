//! The validated plan. Plain data; every invariant was checked when it was read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::civil::Date;

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

/// Where the data are.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// A row a customer, contacts already counted.
    Counts(CountsFile),
    /// A roster of customers and a log of contacts.
    Log {
        /// The roster.
        customers: CustomersFile,
        /// The log.
        contacts: ContactsFile,
    },
    /// Cells made elsewhere.
    Cells(CellsSource),
}

/// Path pattern and how to read the files.
#[derive(Debug, Clone, PartialEq)]
pub struct FileFormat {
    /// Path or glob relative to the workspace; .csv, .csv.gz or .parquet.
    pub path: String,
    /// Field delimiter; one ASCII character. Default comma.
    pub delimiter: u8,
    /// WHATWG encoding label; `None` is UTF-8 (a byte-order mark is obeyed).
    pub encoding: Option<String>,
    /// Decimal mark, '.' or ','.
    pub decimal: char,
    /// strptime format of dates and times; `None` is ISO 8601 / RFC 3339.
    pub time_format: Option<String>,
    /// Zone of local times; `None` is the zone of the periods.
    pub timezone: Option<String>,
    /// Share of rows that may be set aside before the run stops. Default .01.
    pub max_bad_rows: f64,
}

/// Ready-made counts: a row a customer.
#[derive(Debug, Clone, PartialEq)]
pub struct CountsFile {
    /// The files.
    pub format: FileFormat,
    /// Customer identifier; without it duplicates cannot be seen.
    pub unit: Option<String>,
    /// Arm; `None` where the assignment file has it.
    pub arm: Option<String>,
    /// Values of the arm column that mean an arm: value → arm index.
    pub arm_values: BTreeMap<String, usize>,
    /// Exposure after; `None` where it is the whole window.
    pub exposure: Option<String>,
    /// Exposure before.
    pub before_exposure: Option<String>,
    /// Cluster identifier.
    pub cluster: Option<String>,
    /// 1 or 0: whether the customer took the intervention up.
    pub uptake: Option<String>,
    /// Unit of the exposure columns.
    pub exposure_unit: CountsExposure,
}

/// Unit of a counts file's exposure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountsExposure {
    /// No exposure column: everyone was observed for the window.
    Window,
    /// Days.
    Day,
    /// Weeks.
    Week,
    /// Months.
    Month,
}

/// The roster: a row a customer.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomersFile {
    /// The files.
    pub format: FileFormat,
    /// Customer identifier.
    pub unit: String,
    /// Arm, for `existing`.
    pub arm: Option<String>,
    /// Values of the arm column that mean an arm: value → arm index.
    pub arm_values: BTreeMap<String, usize>,
    /// The customer's own start (date or time).
    pub start: Option<String>,
    /// 1 or 0: whether the customer took the intervention up.
    pub uptake: Option<String>,
}

/// The contact log: a row a contact.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactsFile {
    /// The files.
    pub format: FileFormat,
    /// Customer identifier, as in the roster.
    pub unit: String,
    /// When the contact was made.
    pub time: String,
    /// Reason, where outcomes select reasons.
    pub reason: Option<String>,
    /// Contact identifier; without it duplicates stay.
    pub id: Option<String>,
    /// Channel.
    pub channel: Option<String>,
    /// Handling time in seconds.
    pub handling_seconds: Option<String>,
    /// Last day that the log holds completely.
    pub complete_until: Option<Date>,
}

/// A folder or file of cells, the exchange format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellsSource {
    /// Path relative to the workspace.
    pub path: PathBuf,
}

/// Column after of a counts file where the plan is silent.
pub(super) const DEFAULT_AFTER: &str = "after";

/// An outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Name in files.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// What it is.
    pub kind: OutcomeKind,
    /// Reasons of the log that count; empty is all.
    pub reasons: Vec<String>,
    /// Which direction is good.
    pub better: Better,
    /// Counts above it count as it.
    pub cap: Option<u64>,
    /// Column after, in a counts file. Default `after`.
    pub after: String,
    /// Column before, in a counts file; `None`: `before` where the file has one.
    pub before: Option<String>,
    /// Whether the before value is the same count earlier, or only a covariate (no `did`, no before/after chart).
    pub before_kind: BeforeKind,
    /// Non-inferiority margin of a guardrail, in the outcome's unit.
    pub margin: Option<f64>,
}

/// What an outcome is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Role {
    Primary,
    Secondary,
    Guardrail,
}

/// What an outcome is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum OutcomeKind {
    Count,
    Mean,
    Proportion,
}

/// Which direction of an outcome is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Better {
    Lower,
    Higher,
}

/// What a before value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum BeforeKind {
    Count,
    Covariate,
}

/// Tests and estimators.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalysisPlan {
    /// Family-wise error rate.
    pub alpha: f64,
    /// Power that `design` sized for.
    pub power: f64,
    /// Whether tests point towards `better`.
    pub one_sided: bool,
    /// Estimand of the primary.
    pub estimand: PlannedEstimand,
    /// Name of the primary estimator, as in [`crate::stats::Estimator`]; `None` is "auto".
    pub estimator: Option<String>,
    /// Adjustment over arms.
    pub multiplicity: Multiplicity,
    /// Differences are per customer over this many days; `None`: over the window.
    pub per_days: Option<u32>,
    /// Draws of the permutation test.
    pub permutations: u32,
    /// Draws of the bootstrap.
    pub bootstrap: u32,
    /// Columns to show effects by.
    pub segments: Vec<String>,
    /// Normal prior of the log ratio: mean and standard deviation.
    pub prior: Option<(f64, f64)>,
    /// Looking before the planned end; `None`: nobody looks.
    pub sequential: Option<Sequential>,
}

/// Looks before the planned end, `[analysis.sequential]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequential {
    /// Last day of each look's contacts, ascending to the planned end; empty where the plan
    /// gives shares alone.
    pub looks: Vec<Date>,
    /// Planned share of the information at each look, ascending to 1; empty where the plan gives days alone.
    pub information: Vec<f64>,
    /// The boundary; `None` is a confidence sequence.
    pub rule: Option<GroupSequential>,
    /// 1/SE² of the primary (log scale for ratios) that the size was planned for.
    pub information_max: Option<f64>,
    /// Weights of this stage and of one that may follow it.
    pub extension_weights: Option<(f64, f64)>,
}

impl Sequential {
    /// Planned looks, the end included; `None` where any moment is one.
    pub fn number(&self) -> Option<usize> {
        let number = self.looks.len().max(self.information.len());
        (number > 0).then_some(number)
    }
}

/// The rule of planned looks; names are those of [`crate::stats::sequential::Boundary`].
#[derive(Debug, Clone, PartialEq)]
pub struct GroupSequential {
    /// Name of the boundary.
    pub spending: String,
    /// Its parameter.
    pub parameter: Option<f64>,
    /// Advice to stop without success.
    pub futility: Option<PlannedFutility>,
}

/// How the type II error rate is spent.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedFutility {
    /// Name of the spending function.
    pub spending: String,
    /// Its parameter.
    pub parameter: Option<f64>,
    /// Type II error rate.
    pub beta: f64,
}

/// Ways of looking early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SequentialKind {
    /// Boundaries for planned looks.
    GroupSequential,
    /// An interval that holds at every moment.
    ConfidenceSequence,
}

/// Estimand of the primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum PlannedEstimand {
    Difference,
    Ratio,
}

/// Adjustments over arms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Multiplicity {
    Dunnett,
    DunnettStepDown,
    Holm,
    Hochberg,
    Bh,
    None,
}

/// The decision rule, `[decision]`.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionRule {
    /// What scaling needs.
    pub scale_if: ScaleIf,
    /// P(NPV > 0) needed.
    pub min_probability: f64,
    /// Longest payback allowed.
    pub max_payback_months: Option<u32>,
    /// Largest difference in missing outcomes between arms.
    pub max_attrition_difference: Option<f64>,
}

/// What scaling needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScaleIf {
    /// P(NPV > 0) ≥ `min_probability`.
    Npv,
    /// The adjusted bound clears break-even.
    BreakEven,
}

/// An assumption: a number or a distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Assumption {
    /// A number.
    Fixed(f64),
    /// Triangular.
    Triangular {
        /// Least.
        low: f64,
        /// Most likely.
        mode: f64,
        /// Most.
        high: f64,
    },
    /// Normal cut at 0, sd ≤ mean/3.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        sd: f64,
    },
}

impl From<f64> for Assumption {
    fn from(number: f64) -> Self {
        Assumption::Fixed(number)
    }
}

/// Cost of a contact or of a minute: `variable` is saved in full, `labour` × `realisation`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UnitCost {
    /// Saved with the contact.
    pub variable: Assumption,
    /// Saved as far as freed labour becomes cash.
    pub labour: Assumption,
}

/// What is multiplied by a cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CostBasis {
    /// Contacts × cost.
    PerContact(UnitCost),
    /// Minutes × cost; needs handling seconds in the log.
    PerMinute(UnitCost),
}

/// How long the effect lasts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum HalfLife {
    /// No fade.
    None,
    /// Months until half the effect is left.
    Months(Assumption),
}

/// The assumptions of the business case, `[business]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Business {
    /// ISO 4217 code.
    pub currency: String,
    /// Cost basis; `None`: contacts and hours only.
    pub cost: Option<CostBasis>,
    /// With a cost per minute: the outcome of total handling seconds per customer.
    pub handling_outcome: Option<String>,
    /// Share of freed labour that becomes cash.
    pub realisation: Option<Assumption>,
    /// Months until it does.
    pub realisation_lag_months: Assumption,
    /// Fade; `None` where the plan is silent (then no cash NPV).
    pub half_life: Option<HalfLife>,
    /// Customers at roll-out.
    pub units_at_rollout: Option<Assumption>,
    /// New customers a month.
    pub new_customers_per_month: Assumption,
    /// Share of customers who leave each month.
    pub churn_per_month: Assumption,
    /// Share of customers kept as a control group at roll-out.
    pub holdout: f64,
    /// Horizon H in months.
    pub horizon_months: u32,
    /// Annual discount rate.
    pub annual_discount_rate: Assumption,
    /// Months until everyone has been reached; 0 for at once.
    pub ramp_months: u32,
    /// Months between repeats of the intervention; `None`: once.
    pub repeat_every_months: Option<u32>,
    /// Twelve factors of the season, January first; `None`: no season.
    pub baseline_by_month: Option<[f64; 12]>,
    /// Annual service budget, in the currency.
    pub annual_service_budget: Option<Assumption>,
    /// Claims to hold the result against.
    pub claims: Claims,
    /// How the service centre is staffed, for hours and agents.
    pub staffing: Option<Staffing>,
}

/// How the service centre is staffed: what turns contacts avoided into hours and agents.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Staffing {
    /// Share of an agent's logged-in time spent on contacts.
    pub occupancy: Option<f64>,
    /// Share of paid time that is not logged in: leave, training, breaks.
    pub shrinkage: Option<f64>,
    /// Paid hours of an agent in a year.
    pub hours_per_agent_year: Option<f64>,
    /// Share of contacts answered within `answer_seconds`.
    pub service_level: Option<f64>,
    /// Seconds within which that share is answered.
    pub answer_seconds: Option<f64>,
    /// Length of a planning interval, minutes.
    pub interval_minutes: Option<f64>,
    /// Contacts that arrive in an interval.
    pub contacts_per_interval: Option<f64>,
    /// Mean handling time, seconds.
    pub handling_seconds: Option<f64>,
}

/// Claims to hold the result against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Claims {
    /// Reduction of contacts, low and high.
    pub contact_reduction: (f64, f64),
    /// Share of the service budget.
    pub budget_share: f64,
}
