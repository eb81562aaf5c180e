//! Customers, windows and data of a plan, in words.

use jiff::civil::Date;

use crate::experiment::advice::days;
use crate::experiment::model::{Data, Experiment, Method, Windows};
use crate::experiment::places::shown;
use crate::texts::text;

use super::{quoted, schedule};

/// Who gets which arm, when anybody counts, and where the data are.
pub(super) fn described(e: &Experiment) -> Vec<String> {
    let mut items = match &e.assignment.schedule {
        Some(schedule) => schedule::described(schedule, e),
        None => vec![by_chance(e)],
    };
    if !e.assignment.strata.is_empty() {
        let columns = quoted(&e.assignment.strata).join(&text!("plan.and"));
        items.push(text!("plan-time.strata", columns));
    }
    if let (Some(column), None) = (e.cluster_column(), &e.assignment.schedule) {
        items.push(text!("plan-time.clusters", column));
    }
    items.extend(when(e));
    items.push(data(e));
    items
}

fn by_chance(e: &Experiment) -> String {
    match e.assignment.method {
        Method::Complete => text!("plan-time.complete"),
        Method::Hashed => text!("plan-time.hashed"),
        Method::Existing => text!("plan-time.existing"),
    }
}

fn when(e: &Experiment) -> Vec<String> {
    let Some(periods) = &e.periods else {
        return vec![text!("plan-time.no-dates")];
    };
    let zone = &periods.timezone;
    match &periods.windows {
        Windows::Fixed {
            before,
            after,
            start,
        } => {
            let first = match before {
                Some(before) => text!("plan-time.before", window = window(*before)),
                None if e.assignment.schedule.is_some() => text!("plan-time.no-before-regions"),
                None => text!("plan-time.no-before"),
            };
            let then = text!("plan-time.after", window = window(*after), zone);
            let later = start.as_ref().map(|start| text!("plan-time.later", start));
            [first, then].into_iter().chain(later).collect()
        }
        Windows::Relative {
            start,
            before_days,
            after_days,
            enrol,
        } => {
            let followed = match after_days {
                1 => text!("plan-time.followed-one-day", start, zone),
                days => text!("plan-time.followed", days, start, zone),
            };
            let before = match before_days {
                0 => text!("plan-time.no-before"),
                1 => text!("plan-time.before-start-one-day"),
                days => text!("plan-time.before-start", days),
            };
            let enrolled = enrol.map(|days| text!("plan-time.enrolled", window = window(days)));
            [followed, before].into_iter().chain(enrolled).collect()
        }
    }
}

fn window((first, last): (Date, Date)) -> String {
    match days((first, last)) {
        1 => text!("plan-time.window-one-day", first, last),
        days => text!("plan-time.window", first, last, days),
    }
}

fn data(e: &Experiment) -> String {
    let regions = e.assignment.cluster.is_some();
    match &e.data {
        None => text!("plan-data.none"),
        Some(Data::Counts(counts)) => text!("plan-data.counts", file = shown(&counts.format.path)),
        Some(Data::Cells(cells)) => text!(
            "plan-data.cells",
            file = shown(&cells.path.to_string_lossy())
        ),
        Some(Data::Log {
            customers,
            contacts,
        }) => text!(
            "plan-data.log",
            customers = shown(&customers.format.path),
            contacts = shown(&contacts.format.path)
        ),
        Some(Data::Days(days)) => {
            let file = shown(&days.format.path);
            match (&days.customers, regions) {
                (Some(column), false) => text!("plan-data.days", file, column),
                (None, false) => text!("plan-data.days-alone", file),
                (Some(column), true) => text!("plan-data.region-days", file, column),
                (None, true) => text!("plan-data.region-days-alone", file),
            }
        }
        Some(Data::RegionLog {
            contacts,
            regions: customers,
        }) => {
            let file = shown(&contacts.format.path);
            let by_region = customers.as_ref().map(|c| shown(&c.format.path));
            match (by_region, regions) {
                (Some(regions), false) => text!("plan-data.contacts", file, regions),
                (None, false) => text!("plan-data.contacts-alone", file),
                (Some(regions), true) => text!("plan-data.region-contacts", file, regions),
                (None, true) => text!("plan-data.region-contacts-alone", file),
            }
        }
    }
}
