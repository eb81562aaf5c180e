//! Joint draws in short, for a program that redoes the case.

use crate::error::{Error, Result};
use crate::experiment::Experiment;

use super::assumption::Assumptions;
use super::cash::Avoided;
use super::correction::{Correction, Spread};
use super::draws::Effects;
use super::model::{AssumptionDraws, DrawsSummary, EffectDraws, EveryReasonDraws, Priced};
use super::run::{one, stream_of};
use super::tornado::tail_z;

/// Draws that another program gets.
pub const EMBEDDED_DRAWS: u32 = 2_000;

/// Steps of z in one standard error.
const STEPS: f64 = 1000.0;
/// The number of z = 0.
const MIDDLE: f64 = 32_768.0;
/// Levels of a uniform.
const LEVELS: f64 = 65_536.0;

/// The first draws of the case, standardised and rounded.
pub(super) fn summary(
    assumptions: &Assumptions,
    effects: &Effects,
    corrections: &[Option<Correction>],
    spread: &Spread,
    names: &[String],
    priced: Priced,
    plan: &Experiment,
) -> DrawsSummary {
    let (estimates, se) = (effects.estimates(), spread.errors());
    let uncertain: Vec<usize> = assumptions.uncertain().map(|(place, _)| place).collect();
    let mut u = vec![String::new(); uncertain.len()];
    let mut z = vec![String::new(); names.len()];
    let mut estimated_z = vec![String::new(); names.len()];
    let mut every_z = vec![String::new(); names.len()];
    let stream = stream_of(plan);
    for draw in 0..EMBEDDED_DRAWS as usize {
        let (uniforms, avoided) = one(assumptions, effects, &stream, draw);
        for (text, place) in u.iter_mut().zip(&uncertain) {
            push(text, (uniforms[*place] * LEVELS).floor());
        }
        for (k, text) in z.iter_mut().enumerate() {
            let number_of = |pick: fn(&Avoided) -> f64, drawn: &Avoided| {
                let standard = match pick(&se[k]) > 0.0 {
                    true => (pick(drawn) - pick(&estimates[k])) / pick(&se[k]),
                    false => 0.0,
                };
                (standard * STEPS).round() + MIDDLE
            };
            let number = |drawn: Avoided| number_of(|a| a.priced, &drawn);
            push(&mut every_z[k], number_of(|a| a.every, &avoided[k]));
            match &corrections[k] {
                Some(correction) => {
                    push(text, number(correction.draw(avoided[k])));
                    push(&mut estimated_z[k], number(avoided[k]));
                }
                None => push(text, number(avoided[k])),
            }
        }
    }
    let minutes = |v: f64| (priced == Priced::Minutes).then_some(v);
    DrawsSummary {
        draws: EMBEDDED_DRAWS,
        covariance: spread.cov.clone(),
        tail_z: tail_z(effects.df()),
        effects: z
            .into_iter()
            .zip(estimated_z)
            .zip(every_z)
            .enumerate()
            .map(|(k, ((z, estimated_z), every_z))| EffectDraws {
                arm: names[k].clone(),
                contacts: estimates[k].contacts,
                contacts_se: se[k].contacts,
                minutes: minutes(estimates[k].priced),
                minutes_se: minutes(se[k].priced),
                every_reason: effects.tells_every_reason().then_some(EveryReasonDraws {
                    estimate: estimates[k].every,
                    se: se[k].every,
                    z: every_z,
                }),
                base_z: corrections[k].as_ref().map_or(0.0, |c| c.shift),
                z,
                estimated_z: corrections[k].is_some().then_some(estimated_z),
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

/// The numbers of a column that [`summary`] wrote.
///
/// # Errors
/// A data error where the column is not `draws` times four hexadecimal digits.
fn numbers(column: &str, draws: u32) -> Result<Vec<f64>> {
    let digits = column.as_bytes();
    let number = |four: &[u8]| {
        let text = std::str::from_utf8(four).ok()?;
        u16::from_str_radix(text, 16).ok().map(f64::from)
    };
    let all: Option<Vec<f64>> = digits.chunks(4).map(number).collect();
    all.filter(|all| digits.len() == 4 * draws as usize && all.len() == draws as usize)
        .ok_or_else(|| {
            Error::data(format!("a column is not {draws} numbers of four digits"))
                .key("draws_summary")
        })
}

/// Standardised draws of an effect.
pub(super) fn standardised(column: &str, draws: u32) -> Result<Vec<f64>> {
    let numbers = numbers(column, draws)?;
    Ok(numbers.iter().map(|n| (n - MIDDLE) / STEPS).collect())
}

/// Uniforms of an assumption.
pub(super) fn uniforms(column: &str, draws: u32) -> Result<Vec<f64>> {
    let numbers = numbers(column, draws)?;
    Ok(numbers.iter().map(|n| (n + 0.5) / LEVELS).collect())
}

/// Adds a number as four hexadecimal digits; what lies outside stays at the end, 32 standard errors away.
fn push(text: &mut String, number: f64) {
    let number = number.clamp(0.0, 65_535.0) as u32;
    for shift in [12, 8, 4, 0] {
        text.push(char::from_digit(number >> shift & 15, 16).unwrap_or('0'));
    }
}
