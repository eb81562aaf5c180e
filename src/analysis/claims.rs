//! Check `claims`: the reduction found against the reduction promised.

use crate::experiment::{Better, Experiment, OutcomeKind};
use crate::number::{p_value, percent_with};
use crate::stats::dist::t_sf;
use crate::stats::{DetailValue, Estimand, Estimator};
use crate::texts::text;

use super::checks::{check, not_run};
use super::model::{Check, EstimateRow, Status};

/// Compares each arm's reduction of the primary outcome with `business.claims.contact_reduction`.
///
/// *Formula* — reduction = 1 − ratio, of the deciding estimator where it gives a ratio and
/// otherwise of `rate` or `delta`; one-sided p of "below the least claimed" and "above the most
/// claimed" on the log scale with the row's standard error and degrees of freedom, also in the
/// row's `detail` as `p_reduction_below_claim` and `p_reduction_above_claim`. Not adjusted over
/// arms: each arm answers for its own claim.
///
/// `varying`: exposure differs between customers, so that a rate stands before a mean. `empty` are arms
/// in which nobody made a contact: a reduction of all of them, without a ratio or an error.
pub fn claims(
    experiment: &Experiment,
    varying: bool,
    estimates: &mut [EstimateRow],
    empty: &[String],
) -> Check {
    let id = "claims";
    let Some(business) = &experiment.business else {
        return not_run(id, text!("check.claims-no-business"));
    };
    let outcome = experiment.primary_outcome();
    if outcome.kind != OutcomeKind::Count || outcome.better != Better::Lower {
        return not_run(id, text!("check.claims-not-contacts"));
    }
    let (low, high) = business.claims.contact_reduction;
    let mut sentences = Vec::new();
    let mut largest: Option<f64> = None;
    let control = &experiment.arms[experiment.control()];
    for arm in experiment.treatments() {
        let arm = &experiment.arms[arm];
        if empty.contains(&arm.name) && !empty.contains(&control.name) {
            sentences.push(text!("check.claims-all", arm = arm.title));
            largest = Some(1.0);
            continue;
        }
        let Some(row) = ratio_of(estimates, &outcome.name, &arm.name, varying) else {
            continue;
        };
        let Some(se) = row.se.filter(|se| *se > 0.0) else {
            continue;
        };
        let reduction = 1.0 - row.value;
        let log = row.value.ln();
        // A reduction of 100 % lies beyond every ratio.
        let below = match low < 1.0 {
            true => t_sf((log - (1.0 - low).ln()) / se, row.df),
            false => 0.0,
        };
        let above = match high < 1.0 {
            true => t_sf(((1.0 - high).ln() - log) / se, row.df),
            false => 1.0,
        };
        for (key, p) in [
            ("p_reduction_below_claim", below),
            ("p_reduction_above_claim", above),
        ] {
            row.detail.insert(key.into(), DetailValue::Number(p));
        }
        let ends = two_sided(row).map(|(lower, upper)| (1.0 - upper, 1.0 - lower));
        let alpha = experiment.analysis.alpha;
        let found = reduction_in_words(&arm.title, row, ends);
        if row.value > 1.0 {
            let (low, high) = (percent_with(low, 0), percent_with(high, 0));
            sentences.push(match below < alpha {
                true => text!(
                    "check.claims-more-contacts-shown",
                    found,
                    low,
                    high,
                    p = p_value(below)
                ),
                false => text!("check.claims-more-contacts", found, low, high),
            });
            largest = Some(largest.map_or(reduction, |l: f64| l.max(reduction)));
            continue;
        }
        sentences.push(match ends {
            _ if below < alpha => text!("check.claims-less", found, p = p_value(below)),
            _ if above < alpha => text!("check.claims-more", found, p = p_value(above)),
            Some((l, u)) if l >= low && u <= high => {
                text!("check.claims-as-claimed", found)
            }
            _ => text!("check.claims-unclear", found),
        });
        largest = Some(largest.map_or(reduction, |l: f64| l.max(reduction)));
    }
    let Some(largest) = largest else {
        return not_run(id, text!("check.claims-no-ratio"));
    };
    let (low, high) = (percent_with(low, 0), percent_with(high, 0));
    let claimed = text!("check.claims-claimed", low, high);
    sentences.insert(0, claimed);
    let detail = sentences.join(" ");
    check(id, Status::Info, Some(largest), None, detail)
}

/// "Tip sheet: a reduction of 12 % (95 % interval 3 % to 20 %)", or "Tip sheet: 36 % more contacts
/// (95 % interval 21 % to 53 % more)".
fn reduction_in_words(arm: &str, row: &EstimateRow, ends: Option<(f64, f64)>) -> String {
    let shown = |v: f64| percent_with(v, 0);
    if row.value > 1.0 {
        let more = shown(row.value - 1.0);
        return match ends {
            None => text!("check.claims-rise", arm, more),
            Some((low, high)) => text!(
                "check.claims-rise-interval",
                arm,
                more,
                level = shown(row.level),
                low = change(-high),
                high = change(-low)
            ),
        };
    }
    let reduction = shown(1.0 - row.value);
    match ends {
        None => text!("check.claims-reduction", arm, reduction),
        Some((low, high)) => text!(
            "check.claims-reduction-interval",
            arm,
            reduction,
            level = shown(row.level),
            low = shown(low),
            high = shown(high)
        ),
    }
}

/// "21 % more", "3 % fewer".
fn change(more: f64) -> String {
    let share = percent_with(more.abs(), 0);
    match more < 0.0 {
        true => text!("check.claims-fewer", share),
        false => text!("check.claims-more-share", share),
    }
}

fn two_sided(row: &EstimateRow) -> Option<(f64, f64)> {
    match row.detail.get("ci_two_sided") {
        Some(DetailValue::Numbers(ends)) if ends.len() == 2 => Some((ends[0], ends[1])),
        _ => Some((row.ci_lower?, row.ci_upper?)),
    }
}

/// The ratio that stands for an arm's reduction.
fn ratio_of<'a>(
    estimates: &'a mut [EstimateRow],
    outcome: &str,
    arm: &str,
    varying: bool,
) -> Option<&'a mut EstimateRow> {
    let of_arm = |r: &EstimateRow| r.segment.is_none() && r.outcome == outcome && r.arm == arm;
    let deciding = estimates
        .iter()
        .find(|r| r.primary && of_arm(r))
        .map(|r| r.estimator);
    // The compliers' ratio is not that of all customers, and a posterior is not the data's.
    let own = deciding.filter(|e| !matches!(e, Estimator::Cace | Estimator::Bayes));
    let plain = match varying {
        true => [Estimator::Rate, Estimator::Delta],
        false => [Estimator::Delta, Estimator::Rate],
    };
    let place = [own, Some(plain[0]), Some(plain[1])]
        .into_iter()
        .flatten()
        .find_map(|wanted| {
            estimates
                .iter()
                .position(|r| of_arm(r) && r.estimator == wanted && r.estimand == Estimand::Ratio)
        })?;
    estimates.get_mut(place)
}
