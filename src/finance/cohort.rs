//! Customers month by month: who is reached, who stays, how much of the effect is left.

use crate::error::{Error, Result};
use crate::experiment::Business;

use super::assumption::Values;

/// Mean length of a month in days, 365.25/12.
pub const DAYS_PER_MONTH: f64 = 30.4375;

/// Longest horizon and pilot window that are evaluated: fifty years.
const MAX_MONTHS: u32 = 600;

/// What the plan fixes about the roll-out; index t − 1 holds month t.
#[derive(Debug)]
pub(super) struct Timetable {
    /// r_u − r_{u−1}: share of the stock reached in month u.
    stock_share: Vec<f64>,
    /// Season factor of each month.
    season: Vec<f64>,
    /// Months between deliveries to the same customer.
    repeat: Option<usize>,
    /// Share of customers outside the hold-out.
    offered: f64,
    /// Length of the pilot's after window in months.
    window: f64,
}

/// The months of a roll-out for one set of values, per contact avoided per customer-month
/// in the pilot (δ = 1): every arm's months are these times its δ.
#[derive(Debug, Default)]
pub(super) struct Profile {
    /// Customers who get the intervention in the month, repeats included.
    pub delivered: Vec<f64>,
    /// Contacts avoided in the month, over δ.
    pub avoided: Vec<f64>,
    /// The same where each customer's effect ends after as long as the pilot measured.
    pub observed: Vec<f64>,
}

impl Timetable {
    /// The timetable of a plan whose roll-out starts in calendar month `start_month` (1..=12).
    pub fn new(business: &Business, start_month: u8, window_days: f64) -> Result<Self> {
        let horizon = business.horizon_months;
        let wrong = |key: &str, what: &str| Err(Error::plan(what).key(format!("business.{key}")));
        if !(1..=MAX_MONTHS).contains(&horizon) {
            return wrong("horizon_months", "the horizon must be 1 to 600 months");
        }
        if !(0.0..=1.0).contains(&business.holdout) {
            return wrong("holdout", "the hold-out is a share, 0 to 1");
        }
        if business.repeat_every_months == Some(0) {
            return wrong(
                "repeat_every_months",
                "a repeat comes after 1 month or more",
            );
        }
        let factors = business.baseline_by_month.unwrap_or([1.0; 12]);
        if factors.iter().any(|f| !f.is_finite() || *f < 0.0) {
            return wrong("baseline_by_month", "season factors must not be negative");
        }
        if !(1..=12).contains(&start_month) {
            return Err(Error::internal(format!(
                "the roll-out starts in month {start_month}, not in 1 to 12"
            )));
        }
        let window = window_days / DAYS_PER_MONTH;
        if !(window > 0.0 && window <= f64::from(MAX_MONTHS)) {
            return Err(Error::data(format!(
                "the after window has {window_days} days; a business case needs more than 0 and at most fifty years"
            )));
        }
        let reached = |u: u32| match business.ramp_months {
            0 => f64::from(u.min(1)),
            ramp => (f64::from(u) / f64::from(ramp)).min(1.0),
        };
        Ok(Timetable {
            stock_share: (1..=horizon).map(|u| reached(u) - reached(u - 1)).collect(),
            season: (0..horizon as usize)
                .map(|t| factors[(usize::from(start_month) - 1 + t) % 12])
                .collect(),
            repeat: business.repeat_every_months.map(|p| p as usize),
            offered: 1.0 - business.holdout,
            window,
        })
    }

    /// Season factor of each month.
    pub fn season(&self) -> &[f64] {
        &self.season
    }

    /// H, in months.
    pub fn horizon(&self) -> usize {
        self.season.len()
    }

    /// Fills `profile` for one set of values.
    ///
    /// *Formula* — reached_u = (1 − holdout)·((r_u − r_{u−1})·units + new);
    /// delivered_t = Σ_{u ≤ t, repeat | t − u} reached_u s^(t−u), s = 1 − churn;
    /// avoided_t = (season_t/g) Σ_{u ≤ t} reached_u s^(t−u) q^((t−u) mod repeat), q = 2^(−1/half-life);
    /// observed_t = (season_t/g) Σ_{u ≤ t} reached_u s^(t−u) q^(t−u) w(t − u), with w(m) = the part of
    /// month m + 1 after the start that the pilot's window of T months covers, min(1, max(0, T − m)).
    ///
    /// The two convolutions run in O(H) a draw: with A_t = avoided_t·g/season_t,
    /// A_t = s·q·A_{t−1} + reached_t + s^p(1 − q^p)·delivered_{t−p}, where the last term gives
    /// back what the customers who get a repeat had lost (p = repeat; absent without repeat).
    ///
    /// g is the mean of the same monthly f over the window, so a customer who stays
    /// avoids exactly δ·T contacts in the first T months: the model repeats what was measured.
    pub fn fill(&self, values: &Values, profile: &mut Profile) {
        let horizon = self.horizon();
        let Profile {
            delivered,
            avoided,
            observed,
        } = profile;
        for months in [&mut *delivered, &mut *avoided, &mut *observed] {
            months.clear();
        }
        let (stay, left) = (1.0 - values.churn, values.kept_per_month);
        let (mean_left, seen) = self.seen_in_pilot(stay, left);
        let again = self.repeat.map(|p| {
            let stayed = stay.powi(p as i32);
            (p, stayed, stayed * (1.0 - left.powi(p as i32)))
        });
        let reached =
            |t: usize| self.offered * (self.stock_share[t] * values.units + values.new_customers);
        let mut active = 0.0;
        for t in 0..horizon {
            let first = reached(t);
            active = stay * left * active + first;
            let mut all = first;
            if let Some((p, stayed, restored)) = again
                && t >= p
            {
                all += stayed * delivered[t - p];
                active += restored * delivered[t - p];
            }
            let effect = self.season[t] / mean_left;
            delivered.push(all);
            avoided.push(effect * active);
            let young: f64 = (0..seen.len().min(t + 1))
                .map(|age| reached(t - age) * seen[age])
                .sum();
            observed.push(effect * young);
        }
    }

    /// g, and for each month since the start the share of its effect that the pilot saw
    /// (survivors × what is left of the effect × the part of the month inside the window).
    fn seen_in_pilot(&self, stay: f64, left: f64) -> (f64, Vec<f64>) {
        let months = self.window.ceil() as usize;
        let mut seen = Vec::with_capacity(months.min(self.horizon()));
        let (mut total, mut fade, mut survival) = (0.0, 1.0, 1.0);
        for age in 0..months {
            let inside = (self.window - age as f64).min(1.0);
            total += inside * fade;
            if age < self.horizon() {
                seen.push(inside * fade * survival);
            }
            fade *= left;
            survival *= stay;
        }
        (total / self.window, seen)
    }
}
