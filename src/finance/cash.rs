//! Customers and contacts → cash: savings, spend, present values, payback.

use super::assumption::{Costs, Values};
use super::cohort::{DAYS_PER_MONTH, Profile};

/// Prices and discount factors of every month; index t − 1 holds month t.
#[derive(Debug, Default)]
pub(super) struct Prices {
    /// Share of the month in which freed labour already becomes cash, × realisation.
    realised: Vec<f64>,
    /// (1 + r)^(−t/12): savings come at the end of the month.
    end: Vec<f64>,
    /// (1 + r)^(−(t−1)/12): delivery and running cost come at its start.
    start: Vec<f64>,
}

/// What an arm avoids per customer-month in the pilot.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Avoided {
    /// Contacts, δ.
    pub contacts: f64,
    /// What has a price: the same, or minutes where they are priced.
    pub priced: f64,
    /// What has a price, for every reason; as `priced` where that is not known.
    pub every: f64,
}

/// Sums over the horizon that every arm shares, per unit avoided per customer-month (δ = 1)
/// and per unit of cost.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    /// Contacts avoided.
    pub contacts: f64,
    /// The same where the effect ends with the pilot's window.
    pub contacts_observed: f64,
    /// Present value of the contacts avoided.
    pub contacts_pv: f64,
    /// Present value of the savings.
    pub savings_pv: f64,
    /// The same where the effect ends with the pilot's window.
    pub observed_pv: f64,
    /// Present value of one unit of currency per customer and delivery.
    pub delivery_pv: f64,
    /// Present value of one unit of currency per month.
    pub running_pv: f64,
    /// Savings per year over the last twelve months of the horizon (all of a shorter one).
    pub yearly: f64,
    /// The same with all freed labour counted.
    pub yearly_unrealised: f64,
    /// Units avoided per year over the same months.
    pub yearly_units: f64,
}

/// The result of one arm for one set of values.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Outcome {
    pub avoided: Avoided,
    /// Priced units avoided over the horizon: contacts or minutes.
    pub priced: f64,
    /// The same where the effect ends with the pilot's window.
    pub priced_observed: f64,
    pub contacts: f64,
    pub contacts_observed: f64,
    pub contacts_pv: f64,
    pub pv_savings: f64,
    pub pv_observed: f64,
    pub pv_spend: f64,
    /// Present value of the savings of a priced unit avoided per customer-month.
    pub slope: f64,
    /// The same where the effect ends with the pilot's window.
    pub slope_observed: f64,
    /// Saving per year over the last twelve months, with and without realisation.
    pub yearly: f64,
    pub yearly_unrealised: f64,
    /// Contacts and priced units avoided per year over the same months.
    pub yearly_avoided: Avoided,
    /// Annual service budget; 0 where the plan has none.
    pub budget: f64,
    pub payback: Option<u32>,
    pub payback_discounted: Option<u32>,
}

impl Prices {
    /// Fills the prices of every month for one set of values.
    ///
    /// *Formula* — labour of month t is cash for the part of (t − 1, t] that lies
    /// after the lag L: min(1, max(0, t − L)); for whole L that is t > L.
    pub fn fill(&mut self, values: &Values, horizon: usize) {
        for months in [&mut self.realised, &mut self.end, &mut self.start] {
            months.clear();
        }
        let month = (1.0 + values.rate).powf(-1.0 / 12.0);
        let mut factor = 1.0;
        for t in 1..=horizon {
            self.start.push(factor);
            factor *= month;
            self.end.push(factor);
            self.realised
                .push(values.realisation * (t as f64 - values.lag).clamp(0.0, 1.0));
        }
    }

    /// Cash from one priced unit avoided in month index `t`: variable cost and labour.
    pub fn saving(&self, values: &Values, t: usize) -> (f64, f64) {
        (values.variable, values.labour * self.realised[t])
    }

    /// The sums that every arm shares.
    pub fn sums(&self, values: &Values, profile: &Profile) -> Sums {
        let mut sums = Sums::default();
        let horizon = self.end.len();
        let year = horizon.min(12);
        for t in 0..horizon {
            let (variable, labour) = self.saving(values, t);
            let cash = (variable + labour) * self.end[t];
            sums.contacts += profile.avoided[t];
            sums.contacts_observed += profile.observed[t];
            sums.contacts_pv += profile.avoided[t] * self.end[t];
            sums.savings_pv += profile.avoided[t] * cash;
            sums.observed_pv += profile.observed[t] * cash;
            sums.delivery_pv += profile.delivered[t] * self.start[t];
            sums.running_pv += self.start[t];
            if t + year >= horizon {
                let of_year = profile.avoided[t] * 12.0 / year as f64;
                sums.yearly_units += of_year;
                sums.yearly += of_year * (variable + labour);
                sums.yearly_unrealised += of_year * (variable + values.labour);
            }
        }
        sums
    }

    /// The result of an arm, and its cumulative cash at month 0, 1, … H in `cumulative`.
    pub fn outcome(
        &self,
        values: &Values,
        profile: &Profile,
        sums: &Sums,
        avoided: Avoided,
        costs: &Costs,
        cumulative: &mut [f64],
    ) -> Outcome {
        let pv_spend =
            costs.fixed + costs.per_customer * sums.delivery_pv + costs.per_month * sums.running_pv;
        // 0 less the cost, so that no cost is 0 and not −0.
        let mut total = 0.0 - costs.fixed;
        let mut spent = costs.fixed;
        cumulative[0] = total;
        let mut discounted = Recovery::new(total, pv_spend);
        for t in 0..self.end.len() {
            let (variable, labour) = self.saving(values, t);
            let spend = costs.per_customer * profile.delivered[t] + costs.per_month;
            let saved = avoided.priced * profile.avoided[t] * (variable + labour);
            spent += spend;
            total += saved - spend;
            cumulative[t + 1] = total;
            discounted.add(saved * self.end[t] - spend * self.start[t]);
        }
        Outcome {
            avoided,
            priced: avoided.priced * sums.contacts,
            priced_observed: avoided.priced * sums.contacts_observed,
            contacts: avoided.contacts * sums.contacts,
            contacts_observed: avoided.contacts * sums.contacts_observed,
            contacts_pv: avoided.contacts * sums.contacts_pv,
            pv_savings: avoided.priced * sums.savings_pv,
            pv_observed: avoided.priced * sums.observed_pv,
            pv_spend,
            slope: sums.savings_pv,
            slope_observed: sums.observed_pv,
            yearly: avoided.priced * sums.yearly,
            yearly_unrealised: avoided.priced * sums.yearly_unrealised,
            budget: values.budget,
            yearly_avoided: Avoided {
                contacts: avoided.contacts * sums.yearly_units,
                priced: avoided.priced * sums.yearly_units,
                every: avoided.every * sums.yearly_units,
            },
            payback: payback(cumulative, spent),
            payback_discounted: discounted.month(),
        }
    }
}

impl Outcome {
    /// PV(savings) − PV(spend).
    pub fn npv(&self) -> f64 {
        self.pv_savings - self.pv_spend
    }

    /// The same where the effect ends with the pilot's window.
    pub fn npv_observed(&self) -> f64 {
        self.pv_observed - self.pv_spend
    }

    /// PV(savings) − PV(spend) where every reason counts at the same cost.
    pub fn npv_every_reason(&self) -> f64 {
        self.avoided.every * self.slope - self.pv_spend
    }

    /// PV(savings)/PV(spend) − 1; not a number without spend.
    pub fn roi(&self) -> f64 {
        if self.pv_spend > 0.0 {
            self.pv_savings / self.pv_spend - 1.0
        } else {
            f64::NAN
        }
    }

    /// PV(spend)/PV(contacts avoided); without bound where no contact is avoided.
    pub fn cost_per_contact(&self) -> f64 {
        if self.contacts_pv > 0.0 {
            self.pv_spend / self.contacts_pv
        } else {
            f64::INFINITY
        }
    }

    /// The effect per customer-day at which NPV is 0, PV(spend) over the savings of a unit of it;
    /// without bound where no effect brings cash. It does not depend on the effect that was measured.
    pub fn break_even(&self) -> f64 {
        if self.slope > 0.0 {
            self.pv_spend / self.slope / DAYS_PER_MONTH
        } else {
            f64::INFINITY
        }
    }

    /// Share of the savings that lies beyond what was measured; `None` where nothing is saved.
    pub fn beyond_observed(&self) -> Option<f64> {
        (self.slope > 0.0).then(|| 1.0 - self.slope_observed / self.slope)
    }

    /// The same share of NPV; without bound where there is no NPV above 0 to share.
    pub fn npv_beyond_observed(&self) -> f64 {
        match self.npv() {
            npv if npv > 0.0 => (self.pv_savings - self.pv_observed) / npv,
            _ => f64::INFINITY,
        }
    }
}

impl Sums {
    /// Present value of the savings of a contact avoided that takes `units` of what has a price.
    pub fn value_of_contact(&self, units: f64) -> Option<f64> {
        (self.contacts_pv > 0.0).then(|| self.savings_pv / self.contacts_pv * units)
    }
}

/// Part of all that is spent below which a shortfall is rounding, not debt.
const ROUNDING: f64 = 1e-9;

/// Cumulative cash month by month, for the month from which it stays at 0 or above.
struct Recovery {
    total: f64,
    enough: f64,
    month: u32,
    last_short: u32,
}

impl Recovery {
    fn new(total: f64, spent: f64) -> Self {
        Recovery {
            total,
            enough: -ROUNDING * spent,
            month: 0,
            last_short: 0,
        }
    }

    /// The cash of the next month.
    fn add(&mut self, net: f64) {
        self.total += net;
        self.month += 1;
        if self.total < self.enough {
            self.last_short = self.month;
        }
    }

    /// As [`payback`] says, of the months that were added.
    fn month(&self) -> Option<u32> {
        (self.last_short < self.month).then_some(self.last_short + 1)
    }
}

/// First month 1..=H from which cumulative cash (month 0 first) stays ≥ 0.
///
/// Month 0 is never the answer: the first delivery precedes the first saving. A
/// shortfall within [`ROUNDING`] of all that is spent is none.
fn payback(cumulative: &[f64], spent: f64) -> Option<u32> {
    let enough = -ROUNDING * spent;
    let last_short = cumulative.iter().rposition(|c| *c < enough).unwrap_or(0);
    (last_short + 1 < cumulative.len()).then_some((last_short + 1) as u32)
}

#[cfg(test)]
mod tests {
    use super::payback;

    #[test]
    fn payback_is_the_month_from_which_cash_stays_positive() {
        assert_eq!(payback(&[-10.0, -5.0, 0.0, 5.0], 10.0), Some(2));
        assert_eq!(payback(&[-10.0, 5.0, -1.0, 5.0], 10.0), Some(3));
        assert_eq!(payback(&[-10.0, 5.0, 5.0, -1.0], 10.0), None);
        assert_eq!(payback(&[0.0, 1.0, 2.0], 0.0), Some(1));
        assert_eq!(payback(&[-1.0, -f64::EPSILON], 1.0), Some(1));
    }
}
