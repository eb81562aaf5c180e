//! The randomisation test of a schedule: drawn again by the rule that assigned.

use rayon::prelude::*;

use crate::stats::estimate::{DetailValue, Estimand, Estimate, Estimator, Refusal, Test};
use crate::stats::panel::{Row, Studentised, both_arms};
use crate::stats::random::Stream;
use crate::stats::resampling::CHUNK;
use crate::stats::schedule::{Frame, Schedule};
use crate::texts::text;

use super::problem::Outcome;
use super::{EXACT_LIMIT, Extreme, some};

/// Randomisation test of a switchback or stepped wedge.
///
/// *Formula* — T = δ/SE, δ as in [`crate::stats::panel::panel`], SE² = Σ_g (z_g'ẽ_g)²/b_g/(z'z)²: CR2
/// where exposure is even ([`Studentised::outcome`]). The schedule is drawn again by the frame that
/// drew it. Up to 100,000 schedules all are looked at and p is the probability of those with
/// │T*│ ≥ │T│; else p = (1 + #)/(draws + 1). One-sided tests compare signed T. T = 0 where SE = 0
/// or where effects of regions and blocks explain a schedule; ties by relative 1e-12.
/// There is no interval. Detail: `p_raw` (δ not studentised), `statistic`, `exact`,
/// `assignments` or `draws`.
///
/// *Units* — contacts per unit of exposure.
///
/// *Assumes* — the schedule was drawn from the frame, and under the null hypothesis no region's
/// contacts would have been others under another schedule.
///
/// *Errors* — fewer than two rows of an arm; an effect that regions and blocks explain; 0 draws
/// where not all schedules can be looked at.
///
/// *Source* — Bojinov, Simchi-Levi & Zhao (2023), Management Science 69, 3759-3777, sect. 4.1
/// (exact tests of switchbacks); Ji, Fink, Robyn & Small (2017), Ann. Appl. Stat. 11, 1-20
/// (stepped wedges); Janssen (1997), Statist. Probab. Lett. 36, 9-21 (studentised).
pub fn permutation_of_schedule(
    rows: &[Row],
    frame: &Frame,
    test: &Test,
    draws: u32,
    stream: &Stream,
) -> Result<Vec<Estimate>, Refusal> {
    permutation_within(rows, frame, test, (draws, EXACT_LIMIT), stream)
}

/// The same, looking at every schedule only where they are at most the second of `draws`.
///
/// # Errors
/// As [`permutation_of_schedule`].
pub fn permutation_within(
    rows: &[Row],
    frame: &Frame,
    test: &Test,
    (draws, most): (u32, u64),
    stream: &Stream,
) -> Result<Vec<Estimate>, Refusal> {
    let (treated, control) = both_arms(rows)?;
    let problem = Studentised::new(rows)?;
    let mut flags = vec![false; frame.regions() * frame.blocks()];
    for row in rows.iter().filter(|r| r.treated) {
        if let Some(flag) = flags.get_mut(row.region * frame.blocks() + row.block) {
            *flag = true;
        }
    }
    let under = |s: &Schedule| {
        let (difference, variance) = problem.outcome(|r, b| s.treated(r, b));
        Outcome {
            difference,
            variance,
        }
    };
    let Some(schedule) = Schedule::new(frame.blocks(), flags) else {
        return Err(Refusal::new(text!("refusal-regions.no-blocks")));
    };
    let observed = under(&schedule);
    if observed.difference == 0.0 && observed.variance == 0.0 {
        return Err(Refusal::new(text!("refusal-regions.nothing-varies")));
    }
    let extreme = Extreme::new(&observed, test);
    let reached = |o: &Outcome| {
        [
            extreme.reached(o.statistic(), extreme.statistic),
            extreme.reached(o.difference, extreme.difference),
        ]
    };
    let mut detail = Vec::new();
    let p = match frame.every(most) {
        Some(every) => {
            let mut p = [0.0; 2];
            every.visit(&mut |schedule, probability| {
                let hit = reached(&under(schedule));
                for (p, hit) in p.iter_mut().zip(hit) {
                    *p += if hit { probability } else { 0.0 };
                }
            });
            detail.push(("exact", DetailValue::Flag(true)));
            detail.push(("assignments", DetailValue::Count(every.number())));
            p.map(|p: f64| p.min(1.0))
        }
        None => {
            let draws = some(draws)? as usize;
            let hits = (0..draws.div_ceil(CHUNK))
                .into_par_iter()
                .map(|chunk| {
                    let mut random = stream.generator(chunk as u64);
                    let mut hits = [0u64; 2];
                    for _ in 0..CHUNK.min(draws - chunk * CHUNK) {
                        let hit = reached(&under(&frame.draw(&mut random)));
                        hits = [0, 1].map(|i| hits[i] + u64::from(hit[i]));
                    }
                    hits
                })
                .reduce(|| [0; 2], |a, b| [a[0] + b[0], a[1] + b[1]]);
            detail.push(("exact", DetailValue::Flag(false)));
            detail.push(("draws", DetailValue::Count(draws as u64)));
            hits.map(|hits| (1 + hits) as f64 / (draws as f64 + 1.0))
        }
    };
    detail.push(("p_raw", DetailValue::Number(p[1])));
    detail.push(("statistic", DetailValue::Number(observed.statistic())));
    Ok(vec![Estimate {
        estimator: Estimator::Permutation,
        estimand: Estimand::Difference,
        value: observed.difference,
        se: Some(observed.variance.sqrt()),
        df: None,
        interval: None,
        p_value: Some(p[0]),
        n_treatment: treated,
        n_control: control,
        control_share: None,
        detail: detail.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
    }])
}
