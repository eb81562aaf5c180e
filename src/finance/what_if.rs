//! The case once more, from its own document, with some assumptions changed.

use crate::analysis::{JointEffect, MinutesEffect};
use crate::error::{Error, Result};
use crate::experiment::{Arm, Assumption, Business, Claims, CostBasis, HalfLife, UnitCost};

use super::assumption::Assumptions;
use super::cash::Avoided;
use super::choice::Options;
use super::cohort::{DAYS_PER_MONTH, Timetable};
use super::evaluate::best_as_estimated;
use super::lines::Lines;
use super::model::{AssumptionRow, BusinessCase, DrawsSummary, EffectDraws, Priced, TornadoRow};
use super::run::{Model, One};
use super::summary::{standardised, uniforms};
use super::tornado::Tornado;

/// An assumption that is set to one number; without a value the effect never fades
/// (`half_life_months`) or nothing is repeated (`repeat_every_months`).
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Key as in the list of assumptions.
    pub key: String,
    /// The number.
    pub to: Option<f64>,
}

/// The case with changed assumptions, on the embedded draws: what `report.html` shows when its
/// sliders are moved.
///
/// The draws of everything that is not changed stay as they are, so what moves is moved by the
/// change alone. What rests on more than the document holds stays away: staffing and the value of
/// perfect information are `None`, notes and assumptions empty. The correction of an effect for
/// having been chosen stays that of the plan, and so do the ends of the tornado's bar of the effect.
///
/// # Errors
/// A plan error names a key that the case has not, or a value outside its domain; a data error says
/// what the document lacks.
pub fn what_if(
    case: &BusinessCase,
    assumptions: &[AssumptionRow],
    draws: &DrawsSummary,
    changes: &[Change],
) -> Result<BusinessCase> {
    if let Some(why) = &case.no_cash_because {
        return Err(Error::data(format!("the case has no money to redo: {why}")));
    }
    let told = Told {
        rows: assumptions,
        changes,
    };
    told.check()?;
    let business = told.business(&case.currency, case.claimed_budget_share)?;
    let arms = told.arms(&draws.effects)?;
    let arms: Vec<&Arm> = arms.iter().collect();
    let timetable = Timetable::new(&business, case.pilot.start_month, case.pilot.window_days)?;
    let assumptions = Assumptions::new(&business, &arms)?;
    let effect = joint_effect(case, draws);
    let model = Model {
        business: &business,
        timetable,
        arms: arms.len(),
    };
    let at = |pick: fn(&EffectDraws) -> f64| -> Vec<Avoided> {
        draws.effects.iter().map(|e| avoided(e, pick(e))).collect()
    };
    let estimated = model.at(assumptions.base(), &at(|_| 0.0));
    let base = model.at(assumptions.base(), &at(|e| e.base_z));
    let columns = Columns::new(&assumptions, draws)?;
    let one = |draw| columns.one(&assumptions, draw);
    let drawn = model.draw(draws.draws, one, 0..arms.len());
    let corrected: Vec<bool> = draws
        .effects
        .iter()
        .map(|e| e.estimated_z.is_some())
        .collect();
    let lines = Lines {
        model: &model,
        effect: &effect,
        base: &base,
        estimated: &estimated,
        corrected: &corrected,
        draws: &drawn,
        level: case.level,
        priced: case.priced,
    };
    let mut out = BusinessCase {
        horizon_months: business.horizon_months,
        draws: draws.draws,
        arms: Vec::new(),
        best: None,
        choice: None,
        tornado: Vec::new(),
        cashflow: Vec::new(),
        assumptions: Vec::new(),
        draws_summary: None,
        notes: Vec::new(),
        ..case.clone()
    };
    let mut by_arm = Vec::with_capacity(arms.len());
    for k in 0..arms.len() {
        let mut arm = lines.arm(k)?;
        lines.add_money(k, &mut arm, case.payback_within_months);
        out.cashflow.extend(lines.cashflow(k));
        out.arms.push(arm);
        let of_arm = drawn.drawn.iter().skip(k).step_by(arms.len());
        by_arm.push(of_arm.copied().collect());
    }
    let best = best_as_estimated(&estimated, true);
    out.best = best.map(|k| effect.arms[k].clone());
    let options = Options {
        names: &effect.arms,
        outcomes: &estimated.outcomes,
        drawn: &by_arm,
        cov: &[],
        df: None,
        slope: estimated.sums.savings_pv,
        certain: false,
        cash: true,
        best,
    };
    out.choice = Some(options.comparison());
    let tornado = Tornado {
        model: &model,
        assumptions: &assumptions,
        base: &base,
        names: &effect.arms,
        effects: &effect_ends(&case.tornado, &effect.arms)?,
        priced: case.priced,
    };
    out.tornado = tornado.rows();
    Ok(out)
}

/// An effect so many standard errors from its estimate.
fn avoided(effect: &EffectDraws, z: f64) -> Avoided {
    let contacts = effect.contacts + z * effect.contacts_se;
    let minutes = effect.minutes.zip(effect.minutes_se);
    Avoided {
        contacts,
        priced: minutes.map_or(contacts, |(minutes, se)| minutes + z * se),
    }
}

/// What the lines of the case ask of the pilot's effect; its errors are in the draws.
fn joint_effect(case: &BusinessCase, draws: &DrawsSummary) -> JointEffect {
    let per_day = |pick: fn(&EffectDraws) -> f64| -> Vec<f64> {
        let effects = draws.effects.iter();
        effects.map(|e| pick(e) / DAYS_PER_MONTH).collect()
    };
    let minutes = case.pilot.control_minutes.map(|rate| MinutesEffect {
        mean: per_day(|e| e.minutes.unwrap_or(0.0)),
        cov: Vec::new(),
        df: None,
        control_rate: rate / DAYS_PER_MONTH,
    });
    JointEffect {
        arms: draws.effects.iter().map(|e| e.arm.clone()).collect(),
        mean: per_day(|e| e.contacts),
        cov: Vec::new(),
        df: None,
        control_rate: case.pilot.control_contacts / DAYS_PER_MONTH,
        window_days: case.pilot.window_days,
        minutes: minutes.filter(|_| case.priced == Priced::Minutes),
    }
}

fn effect_ends(tornado: &[TornadoRow], arms: &[String]) -> Result<Vec<[f64; 2]>> {
    arms.iter()
        .map(|arm| {
            let row = tornado
                .iter()
                .find(|row| row.arm == *arm && row.key == "effect");
            let ends = row.and_then(|row| Some([row.low, row.high?]));
            ends.ok_or_else(|| {
                Error::data(format!("the case has no bar of the effect of {arm}")).key("tornado")
            })
        })
        .collect()
}

/// The embedded draws, read.
struct Columns<'a> {
    effects: Vec<(&'a EffectDraws, Vec<f64>, Vec<f64>)>,
    /// One column a place of the assumptions; empty where nothing was drawn.
    uniforms: Vec<Vec<f64>>,
}

impl<'a> Columns<'a> {
    fn new(assumptions: &Assumptions, draws: &'a DrawsSummary) -> Result<Self> {
        let mut columns = vec![Vec::new(); assumptions.len()];
        for column in &draws.assumptions {
            let mut places = 0..assumptions.len();
            let named = |place: &usize| {
                let named = assumptions.at(*place);
                named.is_some_and(|named| named.key == column.key)
            };
            // A half-life that was drawn has no place where the effect never fades.
            if let Some(place) = places.find(named) {
                columns[place] = uniforms(&column.u, draws.draws)?;
            }
        }
        let effects = draws.effects.iter().map(|effect| {
            let z = standardised(&effect.z, draws.draws)?;
            let estimated = match &effect.estimated_z {
                Some(z) => standardised(z, draws.draws)?,
                None => z.clone(),
            };
            Ok((effect, z, estimated))
        });
        Ok(Columns {
            effects: effects.collect::<Result<_>>()?,
            uniforms: columns,
        })
    }

    fn one(&self, assumptions: &Assumptions, draw: usize) -> One {
        let columns = self.uniforms.iter();
        let uniforms: Vec<f64> = columns
            .map(|column| column.get(draw).copied().unwrap_or(0.5))
            .collect();
        let effects = self.effects.iter();
        let (estimated, corrected) = effects
            .map(|(e, z, estimated)| (avoided(e, estimated[draw]), avoided(e, z[draw])))
            .unzip();
        One {
            values: assumptions.draw(&uniforms),
            estimated,
            corrected,
        }
    }
}

/// The plan's assumptions as the document tells them, with the changes.
struct Told<'a> {
    rows: &'a [AssumptionRow],
    changes: &'a [Change],
}

impl Told<'_> {
    fn check(&self) -> Result<()> {
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
        let assumption = match (row.form.as_str(), row.low, row.mode, row.high, row.sd) {
            ("number", ..) => Some(Assumption::Fixed(row.base)),
            ("triangular", Some(low), Some(mode), Some(high), _) => {
                Some(Assumption::Triangular { low, mode, high })
            }
            ("normal", _, _, _, Some(sd)) => Some(Assumption::Normal { mean: row.base, sd }),
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

    fn business(&self, currency: &str, claimed: Option<f64>) -> Result<Business> {
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
            staffing: None,
        })
    }

    fn arms(&self, effects: &[EffectDraws]) -> Result<Vec<Arm>> {
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
