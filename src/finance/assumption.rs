//! The plan's assumptions as values: their means for the base case, one quantile each for a draw.

use crate::error::{Error, Result};
use crate::experiment::{Assumption, Business, CostBasis, HalfLife, UnitCost};
use crate::stats::dist::{normal_cdf, normal_isf, normal_sf};

use super::model::AssumptionRow;

/// One value for every assumption of the model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Values {
    /// Saved with each contact, in currency.
    pub variable: f64,
    /// Labour in a contact, in currency.
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
}

/// An assumption with its place in the plan.
struct Named {
    key: &'static str,
    unit: String,
    /// Largest possible value: 1 for shares.
    most: f64,
    assumption: Assumption,
}

/// The uncertain assumptions of a plan, in the order in which a draw uses its uniforms.
pub(super) struct Assumptions {
    variable: Option<Named>,
    labour: Option<Named>,
    realisation: Option<Named>,
    lag: Named,
    half_life: Option<Named>,
    units: Named,
    new_customers: Named,
    churn: Named,
    rate: Named,
}

impl Assumptions {
    /// Reads and checks the assumptions; `units` is the plan's `units_at_rollout`.
    ///
    /// # Errors
    /// A value outside its domain (negative, a share above 1, a triangle out of
    /// order, a normal with sd above a third of its mean) is a plan error with its key.
    pub fn new(business: &Business, units: Assumption) -> Result<Self> {
        let named = |key, unit: &str, most, assumption| Named {
            key,
            unit: unit.into(),
            most,
            assumption,
        };
        let money = format!("{} per contact", business.currency);
        let cost = |pick: fn(&UnitCost) -> Assumption, key| match &business.cost {
            Some(CostBasis::PerContact(c)) => Some(named(key, &money, f64::INFINITY, pick(c))),
            Some(CostBasis::PerMinute(_)) | None => None,
        };
        let any = f64::INFINITY;
        let all = Assumptions {
            variable: cost(|c| c.variable, "cost_per_contact.variable"),
            labour: cost(|c| c.labour, "cost_per_contact.labour"),
            realisation: business
                .realisation
                .map(|a| named("realisation", "share of freed labour", 1.0, a)),
            lag: named(
                "realisation_lag_months",
                "months",
                any,
                business.realisation_lag_months,
            ),
            half_life: match business.half_life {
                Some(HalfLife::Months(a)) => Some(named("half_life_months", "months", any, a)),
                Some(HalfLife::None) | None => None,
            },
            units: named("units_at_rollout", "customers", any, units),
            new_customers: named(
                "new_customers_per_month",
                "customers per month",
                any,
                business.new_customers_per_month,
            ),
            churn: named(
                "churn_per_month",
                "share of customers per month",
                1.0,
                business.churn_per_month,
            ),
            rate: named(
                "annual_discount_rate",
                "share per year",
                any,
                business.annual_discount_rate,
            ),
        };
        all.named().try_for_each(Named::check)?;
        Ok(all)
    }

    fn named(&self) -> impl Iterator<Item = &Named> {
        [&self.variable, &self.labour, &self.realisation]
            .into_iter()
            .flatten()
            .chain([&self.lag])
            .chain(&self.half_life)
            .chain([&self.units, &self.new_customers, &self.churn, &self.rate])
    }

    /// Every assumption at its mean.
    pub fn base(&self) -> Values {
        self.values(|n| n.map_or(0.0, |n| mean(&n.assumption)))
    }

    /// Every assumption at a quantile of its own; each takes one uniform, used or not, so
    /// that a change of one assumption leaves the draws of all others as they were.
    pub fn draw(&self, mut uniform: impl FnMut() -> f64) -> Values {
        self.values(|n| {
            let u = uniform();
            n.map_or(0.0, |n| quantile(&n.assumption, n.most, u))
        })
    }

    fn values(&self, mut pick: impl FnMut(Option<&Named>) -> f64) -> Values {
        Values {
            variable: pick(self.variable.as_ref()),
            labour: pick(self.labour.as_ref()),
            realisation: pick(self.realisation.as_ref()),
            lag: pick(Some(&self.lag)),
            kept_per_month: {
                let half_life = pick(self.half_life.as_ref());
                match self.half_life {
                    Some(_) => (-1.0 / half_life).exp2(),
                    None => 1.0,
                }
            },
            units: pick(Some(&self.units)),
            new_customers: pick(Some(&self.new_customers)),
            churn: pick(Some(&self.churn)),
            rate: pick(Some(&self.rate)),
        }
    }

    /// The rows of the report's list of assumptions.
    pub fn rows(&self) -> impl Iterator<Item = AssumptionRow> + '_ {
        self.named().map(Named::row)
    }
}

impl Named {
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
        Err(Error::plan(format!("{} {wrong}", self.key)).key(format!("business.{}", self.key)))
    }

    fn row(&self) -> AssumptionRow {
        let (form, low, mode, high) = match self.assumption {
            Assumption::Fixed(_) => ("number", None, None, None),
            Assumption::Triangular { low, mode, high } => {
                ("triangular", Some(low), Some(mode), Some(high))
            }
            Assumption::Normal { .. } => {
                let at = |p| Some(quantile(&self.assumption, self.most, p));
                ("normal", at(0.05), None, at(0.95))
            }
        };
        AssumptionRow {
            key: self.key.into(),
            form: form.into(),
            base: mean(&self.assumption),
            low,
            mode,
            high,
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
