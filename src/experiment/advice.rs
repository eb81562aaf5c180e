//! What a valid plan should still make its owner think about, and what stops
//! its approval.

use crate::error::Error;
use crate::experiment::model::{
    Better, Business, CostBasis, Data, Experiment, HalfLife, Multiplicity, OutcomeKind, Role,
    RootCause, ScaleIf, Windows,
};
use crate::number::percent_given as percent;

/// A warning about a valid plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanWarning {
    /// Stable name.
    pub id: &'static str,
    /// One sentence in plain words.
    pub message: String,
}

impl PlanWarning {
    /// Whether it says that the plan's season scales a whole year: `approve` says it too.
    pub fn scales_the_year(&self) -> bool {
        self.id == "season-mean"
    }

    /// Whether it says that the plan can never scale an arm: `approve` says these too.
    pub fn forbids_scaling(&self) -> bool {
        matches!(
            self.id,
            "no-cash-case" | "no-business-case" | "no-interval" | "never-breaks-even"
        )
    }
}

/// Why a plan gives no business case, whatever its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoBusinessCase {
    /// It has no `[business]`.
    NoTable,
    /// The outcome that decides is no count of contacts.
    NotCounted,
    /// More of the outcome that decides is better, so none is avoided.
    MoreIsBetter,
    /// The estimator that decides gives a chance, or no error.
    NoDifference,
    /// Nothing tells how many days the outcome is counted over.
    NoDays,
}

/// Why the plan gives no business case, whatever its data; `None` where it may give one.
pub fn no_business_case(e: &Experiment) -> Option<NoBusinessCase> {
    let primary = e.primary_outcome();
    if e.business.is_none() {
        Some(NoBusinessCase::NoTable)
    } else if primary.kind != OutcomeKind::Count {
        Some(NoBusinessCase::NotCounted)
    } else if primary.better == Better::Higher {
        Some(NoBusinessCase::MoreIsBetter)
    } else if matches!(
        e.analysis.estimator.as_deref(),
        Some("permutation" | "mann-whitney")
    ) {
        Some(NoBusinessCase::NoDifference)
    } else if matches!(&e.data, Some(Data::Counts(file)) if file.exposure.is_none())
        && e.periods.is_none()
    {
        Some(NoBusinessCase::NoDays)
    } else {
        None
    }
}

/// Whether the plan asks for an interval that clears break-even, and adjusts p-values alone.
fn never_breaks_even(e: &Experiment) -> bool {
    let primaries = e.outcomes.iter().filter(|o| o.role == Role::Primary);
    let several = e.treatments().count() * primaries.count() > 1;
    let p_alone = matches!(
        e.analysis.multiplicity,
        Multiplicity::DunnettStepDown | Multiplicity::Holm | Multiplicity::Hochberg
    );
    e.decision.scale_if == ScaleIf::BreakEven && several && p_alone
}

/// Weights further apart leave the smaller arm too few customers.
const LOPSIDED: u64 = 50;

/// Season's factors multiply the baseline, so they should average 1; 2 % is rounding.
const SEASON_SLACK: f64 = 0.02;

/// Warnings about a plan, in the order of its tables.
pub fn warnings(e: &Experiment) -> Vec<PlanWarning> {
    let mut found = Vec::new();
    let mut warn = |id, message: String| found.push(PlanWarning { id, message });
    if e.root_cause == Some(RootCause::Process) {
        warn(
            "process-cause",
            "The root cause is a process: education teaches customers to live with it and rarely \
             prevents their contacts; change the process first, or say why education should help."
                .to_owned(),
        );
    }
    arms(e, &mut warn);
    periods(e, &mut warn);
    outcomes(e, &mut warn);
    analysis(e, &mut warn);
    business(e, &mut warn);
    found
}

type Warn<'a> = &'a mut dyn FnMut(&'static str, String);

fn arms(e: &Experiment, warn: Warn<'_>) {
    let weights: Vec<u64> = e.arms.iter().filter_map(|a| a.weight).collect();
    if let (Some(least), Some(most)) = (weights.iter().min(), weights.iter().max())
        && most / least >= LOPSIDED
    {
        warn(
            "lopsided-weights",
            format!(
                "One arm gets {most} customers for {least} of another: the small arm decides how \
                 precise the comparison is, so the large one is mostly wasted."
            ),
        );
    }
    if let Some(control) = e.arms.get(e.control())
        && !control.interventions.is_empty()
    {
        warn(
            "control-with-interventions",
            format!(
                "The control arm \"{}\" also gets {}: the effect is what the treatments add to that.",
                control.name,
                control.interventions.join(", ")
            ),
        );
    }
}

fn periods(e: &Experiment, warn: Warn<'_>) {
    let Some(periods) = &e.periods else { return };
    let (after_days, no_before) = match &periods.windows {
        Windows::Fixed { before, after, .. } => (days(*after), before.is_none()),
        Windows::Relative {
            before_days,
            after_days,
            ..
        } => (i64::from(*after_days), *before_days == 0),
    };
    if after_days < 7 {
        warn(
            "short-after",
            format!(
                "The after period is {after_days} days: less than a week, so it does not even hold \
                 every day of the week."
            ),
        );
    }
    // A counts file may hold a before column whose window the plan need not give.
    if no_before
        && e.assignment.schedule.is_none()
        && !matches!(e.data, Some(Data::Counts(_) | Data::Cells(_)))
    {
        warn(
            "no-before",
            "There is no before period: the effect will be less precise, and nothing shows \
             whether the arms were alike."
                .to_owned(),
        );
    }
}

fn outcomes(e: &Experiment, warn: Warn<'_>) {
    let primary: Vec<&str> = e
        .outcomes
        .iter()
        .filter(|o| o.role == Role::Primary)
        .map(|o| o.name.as_str())
        .collect();
    if primary.len() > 1 {
        warn(
            "several-primary-outcomes",
            format!(
                "{} outcomes are primary ({}): all share the error rate, and money and decision \
                 rest on \"{}\".",
                primary.len(),
                primary.join(", "),
                primary[0]
            ),
        );
    }
}

fn analysis(e: &Experiment, warn: Warn<'_>) {
    let plan = &e.analysis;
    if plan.alpha > 0.1 {
        warn(
            "weak-alpha",
            format!(
                "Alpha is {}: a useless pilot would be called a success that often.",
                percent(plan.alpha)
            ),
        );
    }
    if plan.power < 0.8 {
        warn(
            "low-power",
            format!(
                "Power is {}: a pilot that works would fail to show it in {} of cases.",
                percent(plan.power),
                percent(1.0 - plan.power)
            ),
        );
    }
    match plan.estimator.as_deref() {
        None => warn(
            "auto-estimator",
            "The estimator is chosen when the data are known; approval needs a name.".to_owned(),
        ),
        Some("permutation") => warn(
            "no-interval",
            "The permutation test gives no interval, so there is nothing to carry into money; \
             another primary estimator is needed for a business case."
                .to_owned(),
        ),
        Some(_) => {}
    }
    if never_breaks_even(e) {
        warn(
            "never-breaks-even",
            format!(
                "decision.scale_if = \"break-even\" asks for a simultaneous interval, and \
                 analysis.multiplicity = \"{}\" gives none, so no arm can ever be scaled; write \
                 multiplicity = \"dunnett\".",
                plan.multiplicity.name()
            ),
        );
    }
}

fn business(e: &Experiment, warn: Warn<'_>) {
    let Some(b) = &e.business else {
        return warn(
            "no-cash-case",
            format!(
                "There is no [business] table, so scale_if = \"{}\" can never be met.",
                e.decision.scale_if.name()
            ),
        );
    };
    let primary = &e.primary_outcome().name;
    let why = match no_business_case(e) {
        Some(NoBusinessCase::NotCounted) => Some(format!(
            "The primary outcome \"{primary}\" is no count of contacts (outcomes.kind)"
        )),
        Some(NoBusinessCase::MoreIsBetter) => Some(format!(
            "Of the primary outcome \"{primary}\" more is better (outcomes.better), so no contacts are \
             avoided"
        )),
        // Of the permutation test `no-interval` says it.
        Some(NoBusinessCase::NoDifference)
            if e.analysis.estimator.as_deref() != Some("permutation") =>
        {
            Some(format!(
                "The estimator \"{}\" (analysis.estimator) gives no difference with an error",
                e.analysis.estimator.as_deref().unwrap_or_default()
            ))
        }
        Some(NoBusinessCase::NoDays) => Some(
            "The plan names no test period and the file no observed time, so the effect is not known by \
             day: name [periods] or data.counts.columns.exposure"
                .to_owned(),
        ),
        Some(NoBusinessCase::NoDifference | NoBusinessCase::NoTable) | None => None,
    };
    if let Some(why) = why {
        warn(
            "no-business-case",
            format!(
                "{why}. So [business] gives no business case, and scale_if = \"{}\" can never be met.",
                e.decision.scale_if.name()
            ),
        );
    }
    let missing = b.missing();
    if !missing.is_empty() {
        warn(
            "no-cash-case",
            format!(
                "[business] is silent about {}: the report gives contacts and hours, but no cash.",
                missing.join(", ")
            ),
        );
    }
    let timed = match &e.data {
        Some(Data::Log { contacts, .. }) => contacts.handling_seconds.is_some(),
        Some(Data::Counts(_) | Data::Cells(_) | Data::Days(_) | Data::RegionLog { .. }) => false,
        None => true,
    };
    if matches!(b.cost, Some(CostBasis::PerContact(_))) && !timed {
        warn(
            "contacts-without-minutes",
            "Without handling times every avoided contact is worth the average one, but education \
             prevents the short ones first: the saving may be overstated."
                .to_owned(),
        );
    }
    if b.half_life == Some(HalfLife::None) {
        warn(
            "no-fade",
            "The business case assumes that the effect never fades.".to_owned(),
        );
    }
    if let Some(mean) = season_mean(b) {
        warn(
            "season-mean",
            format!(
                "The twelve factors of baseline_by_month average {mean:.2} rather than 1, \
                 which scales every saving by as much."
            ),
        );
    }
}

/// The mean of the season's factors where it is not 1: what they multiply the savings of a year by.
pub fn season_mean(business: &Business) -> Option<f64> {
    let season = business.baseline_by_month.as_ref()?;
    let mean = season.iter().sum::<f64>() / 12.0;
    ((mean - 1.0).abs() > SEASON_SLACK).then_some(mean)
}

/// Days of a window, first and last included.
pub(super) fn days((first, last): (jiff::civil::Date, jiff::civil::Date)) -> i64 {
    let span = last - first;
    i64::from(span.get_days()) + 1
}

/// What stops the approval of a plan; empty where nothing does.
///
/// A sealed plan says when and how it will be analysed: a named estimator, and
/// windows unless the data are ready-made; and its rule for scaling can be met.
pub fn approval_blockers(e: &Experiment) -> Vec<Error> {
    let mut found = Vec::new();
    if e.analysis.estimator.is_none() {
        found.push(
            Error::plan("the estimator is \"auto\", which chooses when the data are known")
                .key("analysis.estimator")
                .hint("name it, for example estimator = \"lin\""),
        );
    }
    let ready_made = matches!(
        e.data,
        Some(Data::Counts(_) | Data::Cells(_) | Data::Days(_))
    );
    if e.periods.is_none() && !ready_made {
        found.push(
            Error::plan("the plan has no windows, so it does not say when it ends")
                .key("periods")
                .hint("add [periods] with before and after"),
        );
    }
    if never_breaks_even(e) {
        found.push(
            Error::plan(format!(
                "scale_if = \"break-even\" asks for a simultaneous interval, and multiplicity = \"{}\" \
                 gives none, so no arm can ever be scaled",
                e.analysis.multiplicity.name()
            ))
            .key("analysis.multiplicity")
            .hint("write multiplicity = \"dunnett\", or decision.scale_if = \"npv\""),
        );
    }
    found
}
