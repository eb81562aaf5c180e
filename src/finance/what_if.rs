//! The case once more, from its own document, with some assumptions changed.

use crate::analysis::{EveryReason, JointEffect, MinutesEffect};
use crate::error::{Error, Result};
use crate::experiment::Arm;

use super::assumption::Assumptions;
use super::cash::Avoided;
use super::choice::Options;
use super::cohort::{DAYS_PER_MONTH, Timetable};
use super::correction::{Correction, Spread, corrected, drawn};
use super::evaluate::best_as_estimated;
use super::lines::Lines;
use super::model::{AssumptionRow, BusinessCase, DrawsSummary, EffectDraws, Priced};
use super::run::{Model, One};
use super::summary::{standardised, uniforms};
use super::told::Told;
use super::tornado::{Tornado, effect_ends};

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
/// change alone: the correction of an effect for having been chosen too, since another price may
/// choose another arm. The value of perfect information comes from the draws alone. Notes and
/// assumptions are empty.
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
    let timetable = Timetable::new(
        &business,
        case.pilot.start_month.unwrap_or(1),
        case.pilot.window_days,
    )?;
    let assumptions = Assumptions::new(&business, &arms)?;
    let effect = joint_effect(case, draws);
    let model = Model {
        business: &business,
        timetable,
        arms: arms.len(),
    };
    let estimates: Vec<Avoided> = draws.effects.iter().map(|e| avoided(e, 0.0, 0.0)).collect();
    let estimated = model.at(assumptions.base(), &estimates);
    let spread = Spread::told(draws);
    let corrections = spread.corrections(&estimates, &estimated, true, 1.0 - case.level);
    let base = model.at(assumptions.base(), &corrected(&estimates, &corrections));
    let columns = Columns::new(&assumptions, draws)?;
    let one = |draw| columns.one(&assumptions, &corrections, draw);
    let draws_of_arms = model.draw(draws.draws, one, 0..arms.len());
    let is_corrected: Vec<bool> = corrections.iter().map(Option::is_some).collect();
    let lines = Lines {
        model: &model,
        effect: &effect,
        base: &base,
        estimated: &estimated,
        corrected: &is_corrected,
        draws: &draws_of_arms,
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
        pilot_cost: None,
        ..case.clone()
    };
    let mut by_arm = Vec::with_capacity(arms.len());
    for k in 0..arms.len() {
        let mut arm = lines.arm(k)?;
        // What the pilot measured moves with no assumption.
        let told = case.arms.iter().find(|a| a.arm == arm.arm);
        arm.overstated_by_contacts_interval = told.and_then(|a| a.overstated_by_contacts_interval);
        lines.add_money(k, &mut arm, case.payback_within_months);
        arm.staffing = lines.staffing(k);
        out.cashflow.extend(lines.cashflow(k));
        out.arms.push(arm);
        let of_arm = draws_of_arms.drawn.iter().skip(k).step_by(arms.len());
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
        by_prices: estimated
            .sums
            .value_of_contact(case.pilot.units_of_contact()),
        certain: false,
        cash: true,
        best,
    };
    out.choice = Some(options.choice_by_draws());
    let tornado = Tornado {
        model: &model,
        assumptions: &assumptions,
        base: &base,
        names: &effect.arms,
        effects: &effect_ends(&corrections, &estimates, &spread.priced, draws.tail_z),
        priced: case.priced,
    };
    out.tornado = tornado.rows();
    Ok(out)
}

/// An effect so many standard errors from its estimate, and that for every reason so many of its own.
fn avoided(effect: &EffectDraws, z: f64, every_z: f64) -> Avoided {
    let contacts = effect.contacts + z * effect.contacts_se;
    let minutes = effect.minutes.zip(effect.minutes_se);
    let priced = minutes.map_or(contacts, |(minutes, se)| minutes + z * se);
    let every = effect.every_reason.as_ref();
    Avoided {
        contacts,
        priced,
        every: every.map_or(priced, |e| e.estimate + every_z * e.se),
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
    let every = draws.effects.iter().map(|e| e.every_reason.as_ref());
    let every: Option<Vec<f64>> = every
        .map(|e| e.map(|e| e.estimate / DAYS_PER_MONTH))
        .collect();
    JointEffect {
        arms: draws.effects.iter().map(|e| e.arm.clone()).collect(),
        mean: per_day(|e| e.contacts),
        cov: Vec::new(),
        df: None,
        control_rate: case.pilot.control_contacts / DAYS_PER_MONTH,
        window_days: case.pilot.window_days,
        minutes: minutes.filter(|_| case.priced == Priced::Minutes),
        every_reason: every.map(|mean| EveryReason {
            mean,
            cov: Vec::new(),
        }),
        basis: Default::default(),
    }
}

/// The embedded draws, read.
struct Columns<'a> {
    /// Each with its draws as estimated, and those for every reason where that is known.
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
            let column = effect.estimated_z.as_ref().unwrap_or(&effect.z);
            let every = match &effect.every_reason {
                Some(every) => standardised(&every.z, draws.draws)?,
                None => Vec::new(),
            };
            Ok((effect, standardised(column, draws.draws)?, every))
        });
        Ok(Columns {
            effects: effects.collect::<Result<_>>()?,
            uniforms: columns,
        })
    }

    fn one(
        &self,
        assumptions: &Assumptions,
        corrections: &[Option<Correction>],
        draw: usize,
    ) -> One {
        let columns = self.uniforms.iter();
        let uniforms: Vec<f64> = columns
            .map(|column| column.get(draw).copied().unwrap_or(0.5))
            .collect();
        let effects = self.effects.iter();
        let estimated: Vec<Avoided> = effects
            .map(|(e, z, every)| avoided(e, z[draw], every.get(draw).copied().unwrap_or(0.0)))
            .collect();
        One {
            values: assumptions.draw(&uniforms),
            corrected: drawn(&estimated, corrections),
            estimated,
        }
    }
}
