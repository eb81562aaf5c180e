//! Days, units and scaling of differences.

use crate::experiment::{Data, Experiment, Outcome, OutcomeKind, Windows};
use crate::stats::{DetailValue, Estimand, Estimate, Estimator};
use crate::table::{ContactTable, ExposureUnit};

use super::unit::{Counted, Mean, Over, Score, Time, Unit, Whom};

/// Average length of a month in days.
pub const DAYS_PER_MONTH: f64 = 30.4375;

/// Days over which a rate is given where the plan names none.
const RATE_DAYS: u32 = 30;

/// Days in one unit of a table's exposure; `None` where nothing tells the window's length.
pub fn days_per_exposure(experiment: &Experiment, table: &ContactTable) -> Option<f64> {
    match table.exposure_unit() {
        ExposureUnit::Day => Some(1.0),
        ExposureUnit::Week => Some(7.0),
        ExposureUnit::Month => Some(DAYS_PER_MONTH),
        ExposureUnit::Window => match &experiment.periods.as_ref()?.windows {
            Windows::Fixed { after, .. } => after
                .0
                .until(after.1)
                .ok()
                .map(|s| f64::from(s.get_days()) + 1.0),
            Windows::Relative { after_days, .. } => Some(f64::from(*after_days)),
        },
    }
}

/// Length of the before window in after windows, where ready-made counts are of the plan's fixed dates.
pub fn before_windows(experiment: &Experiment, table: &ContactTable) -> Option<f64> {
    let days = |(first, last): (jiff::civil::Date, jiff::civil::Date)| {
        first
            .until(last)
            .ok()
            .map(|s| f64::from(s.get_days()) + 1.0)
    };
    match (table.exposure_unit(), &experiment.periods.as_ref()?.windows) {
        (ExposureUnit::Window, Windows::Fixed { before, after, .. }) => {
            Some(days((*before)?)? / days(*after)?)
        }
        (
            ExposureUnit::Window,
            Windows::Relative {
                before_days,
                after_days,
                ..
            },
        ) if *before_days > 0 => Some(f64::from(*before_days) / f64::from(*after_days)),
        _ => None,
    }
}

/// How differences of an outcome are shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    /// Factor for differences per customer over the window.
    pub window: f64,
    /// Factor for rates per unit of exposure.
    pub rate: f64,
    /// Unit of differences per customer.
    pub window_unit: Unit,
    /// Unit of rates.
    pub rate_unit: Unit,
    /// Days that a rate is given over.
    pub rate_days: f64,
}

/// Whether an outcome grows with time: twice the days, twice the value. A score or a share does not.
pub fn accrues(experiment: &Experiment, outcome: &Outcome) -> bool {
    match outcome.kind {
        OutcomeKind::Count => true,
        // The mean of a log is the total handling time; of other data the plan says which outcome is.
        OutcomeKind::Mean => {
            matches!(experiment.data, Some(Data::Log { .. })) || is_handling(experiment, outcome)
        }
        OutcomeKind::Proportion => false,
    }
}

/// Whether an estimator compares what customers have per unit of exposure, not what each has in all.
pub fn per_exposure(estimator: Estimator) -> bool {
    matches!(
        estimator,
        Estimator::Rate
            | Estimator::Poisson
            | Estimator::Negbin
            | Estimator::Cluster
            | Estimator::Permutation
            | Estimator::Bootstrap
    )
}

/// The scale of an outcome's differences: `per_days` where exposure is constant and known.
pub fn scale(experiment: &Experiment, outcome: &Outcome, table: &ContactTable) -> Scale {
    let of_customers = |over: Over| {
        let (what, whom) = (counted(experiment, outcome), Whom::Customer);
        Unit::Mean(Mean { what, whom, over })
    };
    let days = days_per_exposure(experiment, table);
    let constant = table.constant_exposure();
    let window_days = days.zip(constant).map(|(d, e)| d * e);
    let (window, window_over) = match (experiment.analysis.per_days, window_days) {
        (Some(per), Some(w)) if w > 0.0 && accrues(experiment, outcome) => {
            (f64::from(per) / w, Over::Days(per))
        }
        _ => (1.0, Over::Time(observed(table, constant, window_days))),
    };
    let per = experiment.analysis.per_days.unwrap_or(RATE_DAYS);
    let (rate, rate_over) = match days {
        Some(d) => (f64::from(per) / d, Over::Days(per)),
        None => (1.0, Over::Window),
    };
    Scale {
        window,
        rate,
        window_unit: match outcome.kind {
            OutcomeKind::Mean if !accrues(experiment, outcome) => Unit::Score(Score {
                what: outcome.name.replace('-', " "),
                of_takers: false,
            }),
            _ => of_customers(window_over),
        },
        rate_unit: of_customers(rate_over),
        rate_days: f64::from(per),
    }
}

fn observed(table: &ContactTable, constant: Option<f64>, days: Option<f64>) -> Time {
    let unit = table.exposure_unit();
    let time = match unit {
        ExposureUnit::Window => days,
        _ => constant,
    };
    match (unit, time) {
        (ExposureUnit::Window, None) => Time::Window,
        (ExposureUnit::Window, Some(days)) => Time::WindowOf(days),
        (_, None) => Time::Observed,
        (ExposureUnit::Day, Some(n)) => Time::Days(n),
        (ExposureUnit::Week, Some(n)) => Time::Weeks(n),
        (ExposureUnit::Month, Some(n)) => Time::Months(n),
    }
}

/// Whether an outcome is what the plan prices as handling time: of data without a log its name alone tells.
fn is_handling(experiment: &Experiment, outcome: &Outcome) -> bool {
    let priced = experiment.business.as_ref();
    let handling = priced.and_then(|b| b.handling_outcome.as_ref());
    handling == Some(&outcome.name)
}

/// What an outcome counts or measures.
///
/// A contact log holds contacts and their handling time; what a ready-made file counts only the
/// outcome's name tells.
pub fn counted(experiment: &Experiment, outcome: &Outcome) -> Counted {
    let log = matches!(
        experiment.data,
        Some(Data::Log { .. } | Data::RegionLog { .. })
    );
    match (outcome.kind, log) {
        (OutcomeKind::Proportion, _) => Counted::Share,
        (OutcomeKind::Count, true) => Counted::Contacts,
        (OutcomeKind::Mean, true) => Counted::Seconds,
        (OutcomeKind::Mean, false) if is_handling(experiment, outcome) => Counted::Seconds,
        (OutcomeKind::Count | OutcomeKind::Mean, false) => Counted::named(&outcome.name),
    }
}

/// Details that are in the unit of the difference.
const IN_UNITS: [&str; 16] = [
    "ci_percentile",
    "ci_two_sided",
    "complier_mean_control",
    "complier_mean_treatment",
    "itt",
    "itt_se",
    "lee_bounds",
    "lee_ci",
    "mean_control",
    "mean_treatment",
    "rate_control",
    "rate_treatment",
    "sd_pooled",
    "se_cr1s",
    "se_unadjusted",
    "value_unadjusted",
];

/// Multiplies a difference and everything on its scale.
pub fn rescale(estimate: &mut Estimate, factor: f64) {
    if estimate.estimand != Estimand::Difference || factor == 1.0 {
        return;
    }
    estimate.value *= factor;
    estimate.se = estimate.se.map(|s| s * factor);
    if let Some(i) = &mut estimate.interval {
        i.lower = i.lower.map(|v| v * factor);
        i.upper = i.upper.map(|v| v * factor);
    }
    for key in IN_UNITS {
        match estimate.detail.get_mut(key) {
            Some(DetailValue::Numbers(values)) => values.iter_mut().for_each(|v| *v *= factor),
            Some(DetailValue::Number(value)) => *value *= factor,
            _ => {}
        }
    }
}
