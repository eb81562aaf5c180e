//! The service centre in words.

use crate::experiment::model::Staffing;
use crate::number::{given, percent_given};
use crate::texts::text;

/// What hours and agents are made of; nothing where the plan has no `[business.staffing]`.
pub(super) fn described(staffing: Option<&Staffing>) -> Option<String> {
    let s = staffing?;
    let answered = s.service_level.map(|level| {
        let share = percent_given(level);
        match s.answer_seconds {
            Some(seconds) => text!("plan-staffing.answered", share, seconds = given(seconds)),
            None => text!("plan-staffing.answered-alone", share),
        }
    });
    let arriving = s.contacts_per_interval.map(|contacts| {
        let contacts = given(contacts);
        match s.interval_minutes {
            Some(minutes) => text!("plan-staffing.arriving", contacts, minutes = given(minutes)),
            None => text!("plan-staffing.arriving-alone", contacts),
        }
    });
    let share =
        |key: fn(String) -> String, value: Option<f64>| value.map(|v| key(percent_given(v)));
    let parts = [
        share(|share| text!("plan-staffing.occupancy", share), s.occupancy),
        share(|share| text!("plan-staffing.shrinkage", share), s.shrinkage),
        s.hours_per_agent_year
            .map(|hours| text!("plan-staffing.hours", hours = given(hours))),
        answered,
        arriving,
        s.handling_seconds
            .map(|seconds| text!("plan-staffing.handling", seconds = given(seconds))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| text!("plan-staffing.all", parts = parts.join("; ")))
}
