//! What moves an arm's NPV: each thing at its low and high value, all others at base.

use crate::experiment::HalfLife;
use crate::stats::dist::t_isf;

use super::assumption::{Assumptions, HALF_LIFE, Named, REALISATION, Values};
use super::cash::Avoided;
use super::correction::Correction;
use super::model::{Priced, TornadoRange, TornadoRow};
use super::run::{Base, Model};
use super::unit::{AssumptionUnit, Number};

/// Probabilities of a bar's ends.
const ENDS: [f64; 2] = [0.05, 0.95];

/// Half-life of the bar of a plan in which the effect never fades, in months.
const FADES_AFTER_ALL: f64 = 12.0;

/// What the bars of all arms are made from.
pub(super) struct Tornado<'a> {
    pub model: &'a Model<'a>,
    pub assumptions: &'a Assumptions,
    /// The case at base.
    pub base: &'a Base,
    pub names: &'a [String],
    /// The effects' low and high values, in what has a price per customer-month.
    pub effects: &'a [[f64; 2]],
    pub priced: Priced,
}

/// Each arm's effect at the 5th and the 95th percentile, given the choice where it is corrected for it.
pub(super) fn effect_ends(
    corrections: &[Option<Correction>],
    estimates: &[Avoided],
    se: &[f64],
    tail_z: f64,
) -> Vec<[f64; 2]> {
    let at = |k: usize, z: f64| {
        let drawn = Avoided {
            contacts: estimates[k].contacts,
            priced: estimates[k].priced + z * se[k],
            every: estimates[k].every,
        };
        match &corrections[k] {
            Some(correction) => correction.draw(drawn).priced,
            None => drawn.priced,
        }
    };
    (0..estimates.len())
        .map(|k| [at(k, -tail_z), at(k, tail_z)])
        .collect()
}

/// The distance of an effect's 95th percentile from its estimate in standard errors: that of the
/// draws, to which the correction belongs, is Student's.
pub(super) fn tail_z(df: Option<f64>) -> f64 {
    t_isf(ENDS[0], df)
}

/// One thing that moves: key, range, values, unit, and the assumptions at both.
struct Bar {
    key: String,
    range: TornadoRange,
    low: f64,
    high: Option<f64>,
    unit: AssumptionUnit,
    values: [Values; 2],
}

impl Tornado<'_> {
    /// The bars, arm by arm, the longest first; bars of no length are left out but for the half-life
    /// and the realisation, which every reader looks for.
    ///
    /// *Formula* — NPV at the 5th and the 95th percentile of an assumption's own distribution, or of
    /// the effect's (given the choice, where the case is corrected for it).
    /// A half-life that is one number is shown from half to double of it, one without end against
    /// 12 months, and a realisation that is one number from nothing to all.
    pub fn rows(&self) -> Vec<TornadoRow> {
        let bars = self.bars();
        let mut runs: Vec<[Vec<f64>; 2]> = Vec::with_capacity(bars.len());
        let avoided: Vec<Avoided> = self.base.outcomes.iter().map(|o| o.avoided).collect();
        for bar in &bars {
            runs.push(bar.values.clone().map(|values| {
                let run = self.model.at(values, &avoided);
                run.outcomes.iter().map(|o| o.npv()).collect()
            }));
        }
        let mut rows = Vec::new();
        for (k, arm) in self.names.iter().enumerate() {
            let mut of_arm = vec![self.effect(k, arm)];
            for (bar, run) in bars.iter().zip(&runs) {
                of_arm.push(TornadoRow {
                    arm: arm.clone(),
                    key: bar.key.clone(),
                    range: bar.range,
                    low: bar.low,
                    high: bar.high,
                    unit: bar.unit.clone(),
                    npv_low: run[0][k],
                    npv_high: run[1][k],
                });
            }
            let length = |row: &TornadoRow| (row.npv_high - row.npv_low).abs();
            let always = |row: &TornadoRow| {
                ["effect", "half_life_months", "realisation"].contains(&row.key.as_str())
            };
            of_arm.retain(|row| length(row) > 0.0 || always(row));
            of_arm.sort_by(|a, b| length(b).total_cmp(&length(a)));
            rows.extend(of_arm);
        }
        rows
    }

    fn effect(&self, k: usize, arm: &str) -> TornadoRow {
        let [low, high] = self.effects[k];
        let spend = self.base.outcomes[k].pv_spend;
        let npv = |priced: f64| priced * self.base.sums.savings_pv - spend;
        TornadoRow {
            arm: arm.to_string(),
            key: "effect".into(),
            range: TornadoRange::Percentiles,
            low,
            high: Some(high),
            unit: match self.priced {
                Priced::Contacts => Number::ContactsAvoided.into(),
                Priced::Minutes => Number::MinutesAvoided.into(),
            },
            npv_low: npv(low),
            npv_high: npv(high),
        }
    }

    fn bars(&self) -> Vec<Bar> {
        let mut bars: Vec<Bar> = self
            .assumptions
            .uncertain()
            .map(|(place, named)| {
                let [low, high] = ENDS.map(|p| named.quantile(p));
                self.bar(place, named, TornadoRange::Percentiles, low, high)
            })
            .collect();
        let has = |bars: &[Bar], key: &str| bars.iter().any(|b| b.key == key);
        if let Some(named) = self.assumptions.at(REALISATION)
            && !has(&bars, &named.key)
        {
            bars.push(self.bar(REALISATION, named, TornadoRange::NotStated, 0.0, 1.0));
        }
        match self.assumptions.at(HALF_LIFE) {
            Some(named) if !has(&bars, &named.key) => {
                let base = named.quantile(0.5);
                let (low, high) = (base / 2.0, base * 2.0);
                bars.push(self.bar(HALF_LIFE, named, TornadoRange::NotStated, low, high));
            }
            None if self.model.business.half_life == Some(HalfLife::None) => {
                bars.push(self.fade_after_all());
            }
            _ => {}
        }
        bars
    }

    fn bar(&self, place: usize, named: &Named, range: TornadoRange, low: f64, high: f64) -> Bar {
        Bar {
            key: named.key.clone(),
            range,
            low,
            high: Some(high),
            unit: named.unit.clone(),
            values: [low, high].map(|v| self.assumptions.base_but(place, v)),
        }
    }

    fn fade_after_all(&self) -> Bar {
        let base = self.assumptions.base();
        let fading = Values {
            kept_per_month: (-1.0 / FADES_AFTER_ALL).exp2(),
            ..base.clone()
        };
        Bar {
            key: "half_life_months".into(),
            range: TornadoRange::NotStated,
            low: FADES_AFTER_ALL,
            high: None,
            unit: Number::Months.into(),
            values: [fading, base],
        }
    }
}
