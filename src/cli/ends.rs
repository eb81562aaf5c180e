//! Where a pilot's time ends, and where its log does.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::analysis::{self, Analysis};
use crate::experiment::{Data, Experiment};
use crate::table::Evidence;
use crate::texts::text;

use super::pilot;

/// The last day of the after window.
pub fn planned_end(experiment: &Experiment, evidence: &Evidence) -> Option<Date> {
    if let Some((_, end)) = pilot::after_window(experiment) {
        return Some(end);
    }
    evidence.audit.last_window_day.as_ref()?.parse().ok()
}

/// The last day that the log holds completely.
pub fn complete_until(experiment: &Experiment) -> Option<Date> {
    match &experiment.data {
        Some(Data::Log { contacts, .. } | Data::RegionLog { contacts, .. }) => {
            contacts.complete_until
        }
        _ => None,
    }
}

/// A log that ends before the window does may be incomplete.
pub fn incomplete_log(
    experiment: &Experiment,
    evidence: &Evidence,
    end: Option<Date>,
    analysis: &mut Analysis,
) {
    let last = evidence
        .audit
        .last_contact
        .as_ref()
        .and_then(|t| t.parse::<Timestamp>().ok());
    if complete_until(experiment).is_some() {
        return;
    }
    let logged = matches!(
        experiment.data,
        Some(Data::Log { .. } | Data::RegionLog { .. })
    );
    let (Some(last), Some(end)) = (last, end) else {
        if last.is_none() && logged {
            analysis.warnings.push(analysis::Warning {
                id: "log-empty".into(),
                message: text!("warning.log-empty"),
            });
        }
        return;
    };
    let zone = experiment.periods.as_ref().map_or("UTC", |p| &p.timezone);
    let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let day = last.to_zoned(zone).date();
    if day < end {
        analysis.warnings.push(analysis::Warning {
            id: "log-ends-early".into(),
            message: text!("warning.log-ends-early", day, end),
        });
    }
}
