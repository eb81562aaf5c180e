//! Joint draws in short, for a program that redoes the case.

use crate::experiment::Experiment;

use super::assumption::Assumptions;
use super::cash::Avoided;
use super::correction::Correction;
use super::draws::Effects;
use super::model::{AssumptionDraws, DrawsSummary, EffectDraws, Priced};
use super::run::one;

/// Draws that another program gets.
pub const EMBEDDED_DRAWS: u32 = 2_000;

/// Steps of z in one standard error.
const STEPS: f64 = 1000.0;
/// The number of z = 0.
const MIDDLE: f64 = 32_768.0;

/// The first draws of the case, standardised and rounded.
pub(super) fn summary(
    assumptions: &Assumptions,
    effects: &Effects,
    corrections: &[Option<Correction>],
    (estimates, se): (&[Avoided], &[Avoided]),
    names: &[String],
    priced: Priced,
    plan: &Experiment,
) -> DrawsSummary {
    let uncertain: Vec<usize> = assumptions.uncertain().map(|(place, _)| place).collect();
    let mut u = vec![String::new(); uncertain.len()];
    let mut z = vec![String::new(); names.len()];
    for draw in 0..EMBEDDED_DRAWS as usize {
        let (uniforms, avoided) = one(assumptions, effects, plan, draw);
        for (text, place) in u.iter_mut().zip(&uncertain) {
            push(text, (uniforms[*place] * 65_536.0).floor());
        }
        for (k, text) in z.iter_mut().enumerate() {
            let drawn = match &corrections[k] {
                Some(correction) => correction.draw(avoided[k]),
                None => avoided[k],
            };
            let standard = match se[k].priced > 0.0 {
                true => (drawn.priced - estimates[k].priced) / se[k].priced,
                false => 0.0,
            };
            push(text, (standard * STEPS).round() + MIDDLE);
        }
    }
    let minutes = |v: f64| (priced == Priced::Minutes).then_some(v);
    DrawsSummary {
        draws: EMBEDDED_DRAWS,
        effects: z
            .into_iter()
            .enumerate()
            .map(|(k, z)| EffectDraws {
                arm: names[k].clone(),
                contacts: estimates[k].contacts,
                contacts_se: se[k].contacts,
                minutes: minutes(estimates[k].priced),
                minutes_se: minutes(se[k].priced),
                base_z: corrections[k].as_ref().map_or(0.0, |c| c.shift),
                z,
            })
            .collect(),
        assumptions: assumptions
            .uncertain()
            .zip(u)
            .map(|((_, named), u)| AssumptionDraws {
                key: named.key.clone(),
                u,
            })
            .collect(),
    }
}

/// Adds a number as four hexadecimal digits; what lies outside stays at the end, 32 standard errors away.
fn push(text: &mut String, number: f64) {
    let number = number.clamp(0.0, 65_535.0) as u32;
    for shift in [12, 8, 4, 0] {
        text.push(char::from_digit(number >> shift & 15, 16).unwrap_or('0'));
    }
}
