//! The plan's assumptions as values: their means for the base case, one quantile each for a draw.

use crate::error::{Error, Result};
use crate::experiment::{Arm, Assumption, Business, CostBasis, HalfLife, UnitCost};
use crate::stats::dist::{normal_cdf, normal_isf, normal_sf};

use super::model::AssumptionRow;
use super::unit::{AssumptionUnit, Number, Price, Share};

/// One value for every assumption of the model.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Values {
    /// Saved with each contact (or minute), in currency.
    pub variable: f64,
    /// Labour in a contact (or minute), in currency.
    pub labour: f64,
    /// Share of freed labour that becomes cash.
    pub realisation: f64,
    /// Months until it does.
    pub lag: f64,
    /// Share of the effect that is left after a month, 2^(−1/half-life).
    pub kept_per_month: f64,
    /// Customers at roll-out.
    pub units: f64,
    /// New customers a month.
    pub new_customers: f64,
    /// Share of customers who leave each month.
    pub churn: f64,
    /// Annual discount rate.
    pub rate: f64,
    /// Annual service budget; 0 where the plan has none.
    pub budget: f64,
    /// What each treatment arm costs.
    pub costs: Vec<Costs>,
}

/// What an arm costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Costs {
    pub fixed: f64,
    pub per_customer: f64,
    pub per_month: f64,
}

/// An assumption with its place in the plan.
#[derive(Debug, Clone)]
pub(super) struct Named {
    /// Dotted key, of an arm's with the arm's name.
    pub key: String,
    /// Its unit.
    pub unit: AssumptionUnit,
    /// Largest possible value: 1 for shares.
    most: f64,
    /// What the plan says.
    pub assumption: Assumption,
}

/// Places of the assumptions in [`Assumptions`] and of their uniforms in a draw.
mod place {
    pub const VARIABLE: usize = 0;
    pub const LABOUR: usize = 1;
    pub const REALISATION: usize = 2;
    pub const LAG: usize = 3;
    pub const HALF_LIFE: usize = 4;
    pub const UNITS: usize = 5;
    pub const NEW: usize = 6;
    pub const CHURN: usize = 7;
    pub const RATE: usize = 8;
    pub const BUDGET: usize = 9;
    /// The first arm's fixed cost; then its cost per customer and per month, then the next arm's.
    pub const ARMS: usize = 10;
}
pub(super) use place::{HALF_LIFE, REALISATION};

/// Assumptions whose uniforms come before the effects in a draw: those that the plan's first
/// version could make uncertain, so that its draws stay as they were.
pub(super) const BEFORE_EFFECTS: usize = place::BUDGET;

/// The assumptions of a plan, each in its place; `None` where the plan has none.
pub(super) struct Assumptions(Vec<Option<Named>>);

impl Assumptions {
    /// Reads and checks the assumptions; without `units_at_rollout` there are 0 customers.
    ///
    /// # Errors
    /// A value outside its domain (negative, a share above 1, a triangle out of
    /// order, a normal with sd above a third of its mean) is a plan error with its key.
    pub fn new(business: &Business, arms: &[&Arm]) -> Result<Self> {
        let any = f64::INFINITY;
        let money = |price| AssumptionUnit::Money {
            currency: business.currency.clone(),
            price,
        };
        let named = |key: &str, unit: AssumptionUnit, most, assumption| Named {
            key: key.into(),
            unit,
            most,
            assumption,
        };
        let cost = business.cost.as_ref().map(|cost| match cost {
            CostBasis::PerContact(c) => ("cost_per_contact", Price::Contact, c),
            CostBasis::PerMinute(c) => ("cost_per_minute", Price::Minute, c),
        });
        let part = |name: &str, pick: fn(&UnitCost) -> Assumption| {
            cost.map(|(key, of, c)| named(&format!("{key}.{name}"), money(of), any, pick(c)))
        };
        let months = |key, assumption| named(key, Number::Months.into(), any, assumption);
        let mut all = vec![
            part("variable", |c| c.variable),
            part("labour", |c| c.labour),
            business
                .realisation
                .map(|a| named("realisation", Share::FreedLabour.into(), 1.0, a)),
            Some(months(
                "realisation_lag_months",
                business.realisation_lag_months,
            )),
            match business.half_life {
                Some(HalfLife::Months(a)) => Some(months("half_life_months", a)),
                Some(HalfLife::None) | None => None,
            },
            business
                .units_at_rollout
                .map(|a| named("units_at_rollout", Number::Customers.into(), any, a)),
            Some(named(
                "new_customers_per_month",
                Number::CustomersPerMonth.into(),
                any,
                business.new_customers_per_month,
            )),
            Some(named(
                "churn_per_month",
                Share::CustomersPerMonth.into(),
                1.0,
                business.churn_per_month,
            )),
            Some(named(
                "annual_discount_rate",
                Share::PerYear.into(),
                any,
                business.annual_discount_rate,
            )),
            business
                .annual_service_budget
                .map(|a| named("annual_service_budget", money(Price::Year), any, a)),
        ];
        for arm in arms {
            for (key, cost, of) in [
                ("fixed_cost", arm.fixed_cost, Price::Once),
                ("cost_per_customer", arm.cost_per_customer, Price::Delivery),
                (
                    "running_cost_per_month",
                    arm.running_cost_per_month,
                    Price::Month,
                ),
            ] {
                let key = format!("arms.{}.{key}", arm.name);
                all.push(Some(named(&key, money(of), any, cost)));
            }
        }
        all.iter().flatten().try_for_each(Named::check)?;
        Ok(Assumptions(all))
    }

    /// How many uniforms a draw takes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The assumption in a place.
    pub fn at(&self, place: usize) -> Option<&Named> {
        self.0.get(place).and_then(Option::as_ref)
    }

    /// Places of the uncertain assumptions.
    pub fn uncertain(&self) -> impl Iterator<Item = (usize, &Named)> {
        let places = self.0.iter().enumerate();
        places
            .filter_map(|(i, named)| Some((i, named.as_ref()?)))
            .filter(|(_, named)| named.is_uncertain())
    }

    /// Every assumption at its mean.
    pub fn base(&self) -> Values {
        self.values(|_, named| mean(&named.assumption))
    }

    /// Every assumption at its mean, but the one in `place` at `value`.
    pub fn base_but(&self, place: usize, value: f64) -> Values {
        self.values(|i, named| match i == place {
            true => value,
            false => mean(&named.assumption),
        })
    }

    /// Every assumption at the quantile of its own uniform, used or not, so that a change of one
    /// assumption leaves the draws of all others as they were.
    pub fn draw(&self, uniforms: &[f64]) -> Values {
        self.values(|i, named| named.quantile(uniforms[i]))
    }

    fn values(&self, pick: impl Fn(usize, &Named) -> f64) -> Values {
        let at = |i: usize| self.at(i).map_or(0.0, |named| pick(i, named));
        let arms = (place::ARMS..self.0.len()).step_by(3);
        Values {
            variable: at(place::VARIABLE),
            labour: at(place::LABOUR),
            realisation: at(place::REALISATION),
            lag: at(place::LAG),
            kept_per_month: match self.at(place::HALF_LIFE) {
                Some(_) => (-1.0 / at(place::HALF_LIFE)).exp2(),
                None => 1.0,
            },
            units: at(place::UNITS),
            new_customers: at(place::NEW),
            churn: at(place::CHURN),
            rate: at(place::RATE),
            budget: at(place::BUDGET),
            costs: arms
                .map(|first| Costs {
                    fixed: at(first),
                    per_customer: at(first + 1),
                    per_month: at(first + 2),
                })
                .collect(),
        }
    }

    /// The rows of the report's list of assumptions: those of `[business]`, then the arms'.
    pub fn rows(&self) -> (Vec<AssumptionRow>, Vec<AssumptionRow>) {
        let (business, arms) = self.0.split_at(place::ARMS.min(self.0.len()));
        let rows = |named: &[Option<Named>]| named.iter().flatten().map(Named::row).collect();
        (rows(business), rows(arms))
    }
}

impl Named {
    /// Whether draws differ.
    pub fn is_uncertain(&self) -> bool {
        match self.assumption {
            Assumption::Fixed(_) => false,
            Assumption::Triangular { low, high, .. } => low < high,
            Assumption::Normal { sd, .. } => sd > 0.0,
        }
    }

    /// The value below which a share `u` of the distribution lies.
    pub fn quantile(&self, u: f64) -> f64 {
        quantile(&self.assumption, self.most, u)
    }

    fn check(&self) -> Result<()> {
        let (least, most, ordered) = match self.assumption {
            Assumption::Fixed(v) => (v, v, true),
            Assumption::Triangular { low, mode, high } => (low, high, low <= mode && mode <= high),
            // As the plan's reader has it: .1 is a third of .3, though 0.3 / 3.0 < 0.1.
            Assumption::Normal { mean, sd } => {
                (mean, mean, 0.0 <= sd && 3.0 * sd <= mean * (1.0 + 1e-9))
            }
        };
        let wrong = if !(least.is_finite() && most.is_finite()) {
            "must be a finite number"
        } else if !ordered {
            "must have low ≤ mode ≤ high, or 0 ≤ sd ≤ mean/3"
        } else if least < 0.0 {
            "must not be negative"
        } else if self.most == 1.0 && most > 1.0 {
            "is a share and must not be above 1"
        } else if self.key == "half_life_months" && most <= 0.0 {
            "must be above 0"
        } else {
            return Ok(());
        };
        let key = match self.key.starts_with("arms.") {
            true => self.key.clone(),
            false => format!("business.{}", self.key),
        };
        Err(Error::plan(format!("{} {wrong}", self.key)).key(key))
    }

    fn row(&self) -> AssumptionRow {
        let (form, low, mode, high, sd) = match self.assumption {
            Assumption::Fixed(_) => ("number", None, None, None, None),
            Assumption::Triangular { low, mode, high } => {
                ("triangular", Some(low), Some(mode), Some(high), None)
            }
            // The cut at 0 leaves the mode where it was.
            Assumption::Normal { mean, sd } => {
                let at = |p| Some(self.quantile(p));
                ("normal", at(0.05), Some(mean), at(0.95), Some(sd))
            }
        };
        AssumptionRow {
            key: self.key.clone(),
            form: form.into(),
            base: Some(mean(&self.assumption)),
            low,
            mode,
            high,
            sd,
            most: Some(self.most).filter(|most| most.is_finite()),
            unit: self.unit.clone(),
        }
    }
}

/// The value of the base case.
///
/// Of a normal it is the mean that the plan states, not the mean of what the cut
/// at 0 leaves: with sd ≤ mean/3 the two differ by at most .15 % of the mean, and a
/// reader must find the number of the plan in the report.
pub fn mean(assumption: &Assumption) -> f64 {
    match *assumption {
        Assumption::Fixed(v) => v,
        // Exact where the triangle is a point; (v + v + v)/3 is not always v.
        Assumption::Triangular { low, high, .. } if low == high => low,
        Assumption::Triangular { low, mode, high } => (low + mode + high) / 3.0,
        Assumption::Normal { mean, .. } => mean,
    }
}

/// The value below which a share `u` of the distribution lies, 0 < u < 1.
///
/// *Formula* — the inverse distribution function; a normal is conditioned on
/// 0 ≤ X ≤ `most`, so that a share stays a share.
pub(super) fn quantile(assumption: &Assumption, most: f64, u: f64) -> f64 {
    match *assumption {
        Assumption::Fixed(v) => v,
        Assumption::Triangular { low, high, .. } if low == high => low,
        Assumption::Triangular { low, mode, high } => {
            let width = high - low;
            let left = mode - low;
            if u * width <= left {
                low + (u * width * left).sqrt()
            } else {
                high - ((1.0 - u) * width * (high - mode)).sqrt()
            }
        }
        Assumption::Normal { mean, sd: 0.0 } => mean,
        Assumption::Normal { mean, sd } => {
            let above = normal_sf((most - mean) / sd);
            let inside = normal_cdf(mean / sd) - above;
            (mean + sd * normal_isf(above + (1.0 - u) * inside)).clamp(0.0, most)
        }
    }
}
