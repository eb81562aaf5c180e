//! The plan's assumptions as a document tells them.

use crate::error::{Error, Result};
use crate::experiment::{
    Arm, Assumption, Business, Claims, CostBasis, HalfLife, Staffing, UnitCost,
};

use super::model::{AssumptionRow, EffectDraws};
use super::what_if::Change;

/// The plan's assumptions as the document tells them, with the changes.
pub(super) struct Told<'a> {
    pub rows: &'a [AssumptionRow],
    pub changes: &'a [Change],
}

impl Told<'_> {
    /// # Errors
    /// A plan error names a key that the case has not, or that needs a number.
    pub fn check(&self) -> Result<()> {
        for Change { key, to } in self.changes {
            let may_be_absent = ["half_life_months", "repeat_every_months"].contains(&key.as_str());
            if !may_be_absent && !self.rows.iter().any(|row| row.key == *key) {
                return Err(Error::plan(format!("the case has no assumption {key}")).key(key));
            }
            if to.is_none() && !may_be_absent {
                return Err(Error::plan(format!("{key} needs a number")).key(key));
            }
        }
        Ok(())
    }

    /// The assumption of a key, `None` where there is none.
    fn get(&self, key: &str) -> Result<Option<Assumption>> {
        if let Some(change) = self.changes.iter().rfind(|change| change.key == key) {
            return Ok(change.to.map(Assumption::Fixed));
        }
        let Some(row) = self.rows.iter().find(|row| row.key == key) else {
            return Ok(None);
        };
        let Some(base) = row.base else {
            return Ok(None);
        };
        let assumption = match (row.form.as_str(), row.low, row.mode, row.high, row.sd) {
            ("number", ..) => Some(Assumption::Fixed(base)),
            ("triangular", Some(low), Some(mode), Some(high), _) => {
                Some(Assumption::Triangular { low, mode, high })
            }
            ("normal", _, _, _, Some(sd)) => Some(Assumption::Normal { mean: base, sd }),
            _ => None,
        };
        assumption
            .ok_or_else(|| {
                Error::data(format!("{key} is no number, triangle or normal")).key("assumptions")
            })
            .map(Some)
    }

    fn required(&self, key: &str) -> Result<Assumption> {
        self.get(key)?
            .ok_or_else(|| Error::data(format!("the case has no {key}")).key("assumptions"))
    }

    fn number(&self, key: &str) -> Result<Option<f64>> {
        match self.get(key)? {
            None => Ok(None),
            Some(Assumption::Fixed(number)) => Ok(Some(number)),
            Some(_) => Err(Error::data(format!("{key} is not one number")).key("assumptions")),
        }
    }

    fn months(&self, key: &str) -> Result<Option<u32>> {
        match self.number(key)? {
            None => Ok(None),
            Some(m) if m.fract() == 0.0 && (0.0..=600.0).contains(&m) => Ok(Some(m as u32)),
            Some(_) => {
                Err(Error::plan(format!("{key} must be whole months, 600 at most")).key(key))
            }
        }
    }

    /// `[business]`.
    pub fn business(&self, currency: &str, claimed: Option<f64>) -> Result<Business> {
        let cost = |key: &str| -> Result<Option<UnitCost>> {
            let part = |name: &str| self.get(&format!("{key}.{name}"));
            let parts = part("variable")?.zip(part("labour")?);
            Ok(parts.map(|(variable, labour)| UnitCost { variable, labour }))
        };
        let cost = match cost("cost_per_contact")? {
            Some(cost) => Some(CostBasis::PerContact(cost)),
            None => cost("cost_per_minute")?.map(CostBasis::PerMinute),
        };
        let season: Vec<f64> = (1..=12)
            .map(|month| self.number(&format!("baseline_by_month.{month}")))
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .flatten()
            .collect();
        Ok(Business {
            currency: currency.into(),
            cost,
            handling_outcome: None,
            every_reason: None,
            rollout_month: None,
            realisation: Some(self.required("realisation")?),
            realisation_lag_months: self.required("realisation_lag_months")?,
            half_life: Some(match self.get("half_life_months")? {
                Some(half_life) => HalfLife::Months(half_life),
                None => HalfLife::None,
            }),
            units_at_rollout: Some(self.required("units_at_rollout")?),
            new_customers_per_month: self.required("new_customers_per_month")?,
            churn_per_month: self.required("churn_per_month")?,
            holdout: self.number("holdout")?.unwrap_or(0.0),
            horizon_months: self.months("horizon_months")?.unwrap_or(0),
            annual_discount_rate: self.required("annual_discount_rate")?,
            ramp_months: self.months("ramp_months")?.unwrap_or(0),
            repeat_every_months: self.months("repeat_every_months")?,
            baseline_by_month: season.try_into().ok(),
            annual_service_budget: self.get("annual_service_budget")?,
            claims: Claims {
                contact_reduction: (0.0, 0.0),
                budget_share: claimed.unwrap_or(0.0),
            },
            staffing: self.staffing()?,
        })
    }

    /// The service centre, where the plan says something of it.
    fn staffing(&self) -> Result<Option<Staffing>> {
        let keys = self.rows.iter().map(|row| row.key.as_str());
        let all = keys.filter(|key| key.starts_with("staffing."));
        if all.count() == 0 {
            return Ok(None);
        }
        let number = |name: &str, fits: fn(f64) -> bool, range: &str| -> Result<Option<f64>> {
            let key = format!("staffing.{name}");
            match self.number(&key)? {
                Some(v) if !fits(v) => Err(Error::plan(format!("{key} must be {range}")).key(key)),
                number => Ok(number),
            }
        };
        let share = |v: f64| v > 0.0 && v < 1.0;
        let positive = |v: f64| v > 0.0 && v.is_finite();
        Ok(Some(Staffing {
            occupancy: number("occupancy", share, "between 0 and 1")?,
            shrinkage: number(
                "shrinkage",
                |v| (0.0..1.0).contains(&v),
                "from 0 to below 1",
            )?,
            hours_per_agent_year: number("hours_per_agent_year", positive, "above 0")?,
            service_level: number("service_level", share, "between 0 and 1")?,
            answer_seconds: number("answer_seconds", |v| v >= 0.0 && v.is_finite(), "0 or more")?,
            interval_minutes: number("interval_minutes", positive, "above 0")?,
            contacts_per_interval: number("contacts_per_interval", positive, "above 0")?,
            handling_seconds: number("handling_seconds", positive, "above 0")?,
        }))
    }

    /// The treatment arms with what they cost.
    pub fn arms(&self, effects: &[EffectDraws]) -> Result<Vec<Arm>> {
        let arm = |effect: &EffectDraws| {
            let cost = |key: &str| self.required(&format!("arms.{}.{key}", effect.arm));
            Ok(Arm {
                name: effect.arm.clone(),
                title: effect.arm.clone(),
                control: false,
                weight: None,
                interventions: Vec::new(),
                fixed_cost: cost("fixed_cost")?,
                cost_per_customer: cost("cost_per_customer")?,
                running_cost_per_month: cost("running_cost_per_month")?,
            })
        };
        effects.iter().map(arm).collect()
    }
}
