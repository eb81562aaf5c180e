//! Did the question move to other reasons or channels?

use crate::experiment::{Better, Data, Experiment};
use crate::number::fixed;
use crate::stats::dist::t_sf;
use crate::stats::welch_t;
use crate::table::{Evidence, Measure, Moments, SpillSums, Spillover};
use crate::texts::text;

use super::checks::{check, not_run, whole_clusters};
use super::model::{Check, Status};
use super::warnings::title;

/// p below which spillover warns, after Bonferroni over arms and measures.
const WARNS: f64 = 0.01;

/// One measure in one treatment arm against control.
struct Tested<'a> {
    arm: String,
    measure: &'a Measure,
    means: (f64, f64),
    t: f64,
    p: f64,
}

/// Contacts per customer for other reasons, and by channel, against control.
///
/// Welch's t for each treatment arm and measure, Bonferroni over all of them. Contacts for
/// other reasons are tested on both sides: nothing should have touched them. In a channel the
/// outcome's own contacts may well go down, which is the effect; only the way against
/// `better` says that they moved there.
pub fn spillover(experiment: &Experiment, evidence: &Evidence) -> Check {
    let id = "spillover";
    if experiment.cluster_column().is_some() {
        return not_run(id, whole_clusters());
    }
    let Some(spillover) = &evidence.spillover else {
        let why = match &experiment.data {
            Some(Data::Log { .. }) => text!("check.spillover-earlier"),
            Some(Data::Cells(_)) => text!("check.spillover-no-file"),
            _ => text!("check.spillover-no-log"),
        };
        return not_run(id, why);
    };
    if spillover.measures().is_empty() {
        let why = match spillover.many_channels {
            true => text!("check.spillover-many-channels"),
            false => text!("check.spillover-no-channels"),
        };
        return not_run(id, why);
    }
    let tests = tests(experiment, spillover);
    let family = tests.len() as f64;
    let Some(first) = tests.iter().min_by(|a, b| a.p.total_cmp(&b.p)) else {
        return not_run(id, text!("check.spillover-few"));
    };
    let p = (first.p * family).min(1.0);
    let clear: Vec<&Tested<'_>> = tests.iter().filter(|t| t.p * family < WARNS).collect();
    let (status, detail) = if clear.is_empty() {
        (Status::Ok, nothing_moved(spillover))
    } else {
        let moves: Vec<String> = clear.iter().map(|t| moved(t)).collect();
        let moves = moves.join("; ");
        // Fewer contacts for other reasons are no price of the saving; nothing should have moved them.
        let more = clear.iter().any(|t| t.means.0 > t.means.1);
        let detail = match more {
            true => text!("check.spillover-shown", moves),
            false => text!("check.spillover-fewer", moves),
        };
        (Status::Warn, detail)
    };
    check(id, status, Some(first.t), Some(p), detail)
}

fn tests<'a>(experiment: &'a Experiment, spillover: &'a Spillover) -> Vec<Tested<'a>> {
    let better = experiment.primary_outcome().better;
    let control = experiment.control();
    let mut tests = Vec::new();
    for (measure, sums) in spillover.measures() {
        for arm in experiment.treatments() {
            let Some((t, df, two_sided)) = welch_t(part(&sums[arm]), part(&sums[control])) else {
                continue;
            };
            let p = match (measure, better) {
                (Measure::OtherReasons, _) => two_sided,
                (Measure::Channel(_), Better::Lower) => t_sf(t, Some(df)),
                (Measure::Channel(_), Better::Higher) => t_sf(-t, Some(df)),
            };
            tests.push(Tested {
                arm: title(experiment, arm),
                measure,
                means: (part(&sums[arm]).1, part(&sums[control]).1),
                t,
                p,
            });
        }
    }
    tests
}

/// Customers, mean and variance of contacts per customer.
fn part(s: &SpillSums) -> (f64, f64, f64) {
    let n = s.customers as f64;
    let squares = Moments::centred(s.customers, s.sum, s.sum, s.squares);
    (n, s.sum as f64 / n, squares / (n - 1.0))
}

fn nothing_moved(spillover: &Spillover) -> String {
    let measures = spillover.measures().iter();
    let reasons = |m: &Measure| *m == Measure::OtherReasons;
    let other = measures.clone().any(|m| reasons(&m.0));
    let channels = measures.clone().any(|m| !reasons(&m.0));
    match (other, channels) {
        (true, true) => text!("check.spillover-none"),
        (true, false) => text!("check.spillover-no-reasons"),
        _ => text!("check.spillover-no-channel"),
    }
}

fn moved(t: &Tested<'_>) -> String {
    let more = t.means.0 > t.means.1;
    let (mean, control) = (fixed(t.means.0, 3), fixed(t.means.1, 3));
    match t.measure {
        Measure::OtherReasons => match more {
            true => text!("check.spillover-reasons-more", arm = t.arm, mean, control),
            false => text!("check.spillover-reasons-fewer", arm = t.arm, mean, control),
        },
        Measure::Channel(name) => match more {
            true => text!(
                "check.spillover-channel-more",
                arm = t.arm,
                channel = name,
                mean,
                control
            ),
            false => text!(
                "check.spillover-channel-fewer",
                arm = t.arm,
                channel = name,
                mean,
                control
            ),
        },
    }
}
