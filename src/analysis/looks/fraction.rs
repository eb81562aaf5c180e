//! How much of the planned information is in.

use jiff::civil::Date;

use crate::analysis::scale::DAYS_PER_MONTH;
use crate::experiment::{Experiment, Outcome, OutcomeKind, Windows};
use crate::stats::sequential::{Blinded, Pooled};
use crate::table::{ContactTable, Decimals, ExposureUnit};

fn days(from: Date, to: Date) -> f64 {
    from.until(to).map_or(0.0, |s| f64::from(s.get_days()))
}

/// What all arms together say about the information of days before and to come.
pub(super) struct Projection<'a> {
    blinded: Blinded,
    pooled: Vec<Pooled>,
    windows: &'a Windows,
    now: Date,
}

impl<'a> Projection<'a> {
    /// From the contacts up to the day `now`; `None` where the outcome is no count, or nothing
    /// says how long customers are observed.
    ///
    /// *Formula* — a customer with exposure e knows 1/(1/(λe) + φ), λ and φ fitted without the arms.
    ///
    /// *Assumes* — the same rate and dispersion until the end, and with relative windows as many
    /// new customers every day. An adjustment for counts from before changes all days alike.
    pub fn new(
        plan: &'a Experiment,
        outcome: &Outcome,
        table: &ContactTable,
        now: Date,
    ) -> Option<Self> {
        let windows = &plan.periods.as_ref()?.windows;
        if outcome.kind != OutcomeKind::Count || table.decimals().after != 0 {
            return None;
        }
        let unit = Decimals::unit(table.decimals().exposure);
        // Days in one unit of exposure.
        let length = match (table.exposure_unit(), windows) {
            (ExposureUnit::Day, _) => 1.0,
            (ExposureUnit::Week, _) => 7.0,
            (ExposureUnit::Month, _) => DAYS_PER_MONTH,
            (ExposureUnit::Window, Windows::Fixed { after, .. }) => days(after.0, now) + 1.0,
            (ExposureUnit::Window, Windows::Relative { .. }) => return None,
        };
        let observed = |cell: &crate::table::Cell| {
            let contacts = u64::try_from(cell.after?).ok()?;
            Some(Pooled {
                exposure: cell.exposure as f64 * unit * length,
                contacts,
                customers: cell.customers,
            })
        };
        let pooled: Vec<Pooled> = table.cells().iter().filter_map(observed).collect();
        Some(Projection {
            blinded: Blinded::fit(&pooled).ok()?,
            pooled,
            windows,
            now,
        })
    }

    /// Rate and dispersion without the arms.
    pub fn blinded(&self) -> Blinded {
        self.blinded
    }

    fn known(&self, exposure: f64) -> f64 {
        if exposure > 0.0 {
            1.0 / (1.0 / (self.blinded.rate * exposure) + self.blinded.dispersion)
        } else {
            0.0
        }
    }

    /// Fraction of the final information on a day; `None` where the last day is not known.
    pub fn fraction(&self, day: Date) -> Option<f64> {
        let end = last_day(self.windows)?;
        let (now, all) = (self.on(day)?, self.on(end)?);
        (now > 0.0 && all > 0.0).then(|| (now / all).min(1.0))
    }

    /// Information on a day, in a unit of its own.
    fn on(&self, day: Date) -> Option<f64> {
        match self.windows {
            Windows::Fixed { .. } => {
                let more = days(self.now, day);
                let sum = |p: &Pooled| p.customers as f64 * self.known(p.exposure + more);
                Some(self.pooled.iter().map(sum).sum())
            }
            Windows::Relative {
                after_days,
                enrol: Some((from, to)),
                ..
            } => {
                let starts = days(*from, day.min(*to)).max(-1.0) as i64 + 1;
                let of = |start: i64| {
                    let observed = days(*from, day) - start as f64 + 1.0;
                    self.known(observed.min(f64::from(*after_days)))
                };
                Some((0..starts).map(of).sum())
            }
            Windows::Relative { .. } => None,
        }
    }
}

/// First day of the first after window, where the plan tells it.
pub fn first_day(windows: &Windows) -> Option<Date> {
    match windows {
        Windows::Fixed { after, .. } => Some(after.0),
        Windows::Relative { enrol, .. } => enrol.map(|e| e.0),
    }
}

/// Last day of the last after window, where the plan tells it.
pub fn last_day(windows: &Windows) -> Option<Date> {
    windows.last_day()
}

/// Share of the after window's days that have passed.
pub(super) fn of_days(plan: &Experiment, day: Date) -> Option<f64> {
    let windows = &plan.periods.as_ref()?.windows;
    let (from, to) = (first_day(windows)?, last_day(windows)?);
    let share = (days(from, day) + 1.0) / (days(from, to) + 1.0);
    (share > 0.0).then(|| share.min(1.0))
}
