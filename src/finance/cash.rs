//! Customers and contacts → cash: savings, spend, present values, payback.

use super::assumption::{Costs, Values};
use super::cohort::Profile;

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
    pub contacts: f64,
    pub contacts_observed: f64,
    pub contacts_pv: f64,
    pub pv_savings: f64,
    pub pv_observed: f64,
    pub pv_spend: f64,
    /// Saving per year over the last twelve months, with and without realisation.
    pub yearly: f64,
    pub yearly_unrealised: f64,
    /// Contacts and priced units avoided per year over the same months.
    pub yearly_avoided: Avoided,
    /// Annual service budget; 0 where the plan has none.
    pub budget: f64,
    pub payback: Option<u32>,
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
        let mut total = -costs.fixed;
        cumulative[0] = total;
        let mut spent = costs.fixed;
        for t in 0..self.end.len() {
            let (variable, labour) = self.saving(values, t);
            let spend = costs.per_customer * profile.delivered[t] + costs.per_month;
            spent += spend;
            total += avoided.priced * profile.avoided[t] * (variable + labour) - spend;
            cumulative[t + 1] = total;
        }
        Outcome {
            avoided,
            priced: avoided.priced * sums.contacts,
            contacts: avoided.contacts * sums.contacts,
            contacts_observed: avoided.contacts * sums.contacts_observed,
            contacts_pv: avoided.contacts * sums.contacts_pv,
            pv_savings: avoided.priced * sums.savings_pv,
            pv_observed: avoided.priced * sums.observed_pv,
            pv_spend: costs.fixed
                + costs.per_customer * sums.delivery_pv
                + costs.per_month * sums.running_pv,
            yearly: avoided.priced * sums.yearly,
            yearly_unrealised: avoided.priced * sums.yearly_unrealised,
            budget: values.budget,
            yearly_avoided: Avoided {
                contacts: avoided.contacts * sums.yearly_units,
                priced: avoided.priced * sums.yearly_units,
            },
            payback: payback(cumulative, spent),
        }
    }

    /// First whole month from which cumulative discounted cash stays ≥ 0.
    pub fn payback_discounted(
        &self,
        values: &Values,
        profile: &Profile,
        priced: f64,
        costs: &Costs,
    ) -> Option<u32> {
        let mut total = -costs.fixed;
        let mut spent = costs.fixed;
        let mut cumulative = vec![total];
        for t in 0..self.end.len() {
            let (variable, labour) = self.saving(values, t);
            let spend =
                (costs.per_customer * profile.delivered[t] + costs.per_month) * self.start[t];
            spent += spend;
            total += priced * profile.avoided[t] * (variable + labour) * self.end[t] - spend;
            cumulative.push(total);
        }
        payback(&cumulative, spent)
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
}

/// First month 1..=H from which cumulative cash (month 0 first) stays ≥ 0.
///
/// Month 0 is never the answer: the first delivery precedes the first saving. A
/// shortfall within 1e-9 of all that is spent is rounding, not debt.
fn payback(cumulative: &[f64], spent: f64) -> Option<u32> {
    let enough = -1e-9 * spent;
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
