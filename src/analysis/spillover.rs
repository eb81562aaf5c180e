//! Did the question move to other reasons or channels?

use crate::experiment::{Better, Data, Experiment};
use crate::stats::dist::t_sf;
use crate::stats::welch_t;
use crate::table::{Evidence, Measure, Moments, SpillSums, Spillover};

use super::checks::{WHOLE_CLUSTERS, check, not_run};
use super::model::{Check, Status};

/// p below which spillover warns, after Bonferroni over arms and measures.
const WARNS: f64 = 0.01;

/// One measure in one treatment arm against control.
struct Tested<'a> {
    arm: &'a str,
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
        return not_run(id, WHOLE_CLUSTERS);
    }
    let Some(spillover) = &evidence.spillover else {
        return not_run(
            id,
            match &experiment.data {
                Some(Data::Log { .. }) => {
                    "the evidence is of an earlier version, which did not count other reasons and channels; run `pilot ingest`"
                }
                Some(Data::Cells(_)) => "there is no spillover.csv beside the cells",
                _ => "without a contact log, other reasons and channels are not known",
            },
        );
    };
    if spillover.measures().is_empty() {
        return not_run(
            id,
            if spillover.many_channels {
                "the outcome counts all reasons, and the log's channel column holds too many values to be channels"
            } else {
                "the outcome counts all reasons, and the plan names no channel column of the log"
            },
        );
    }
    let tests = tests(experiment, spillover);
    let family = tests.len() as f64;
    let Some(first) = tests.iter().min_by(|a, b| a.p.total_cmp(&b.p)) else {
        return not_run(
            id,
            "too few contacts for other reasons or by channel to compare",
        );
    };
    let p = (first.p * family).min(1.0);
    let clear: Vec<&Tested<'_>> = tests.iter().filter(|t| t.p * family < WARNS).collect();
    let (status, detail) = if clear.is_empty() {
        (
            Status::Ok,
            format!(
                "The question did not move as far as can be seen: {} of every arm are like control's.",
                what(spillover)
            ),
        )
    } else {
        let said: Vec<String> = clear.iter().map(|t| sentence(t)).collect();
        (
            Status::Warn,
            format!(
                "{}. Hold this against the saving before you count it; `all contacts` as a secondary outcome shows the sum.",
                said.join("; ")
            ),
        )
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
                arm: &experiment.arms[arm].name,
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

fn what(spillover: &Spillover) -> &'static str {
    let other = spillover
        .measures()
        .iter()
        .any(|m| m.0 == Measure::OtherReasons);
    let channels = spillover
        .measures()
        .iter()
        .any(|m| m.0 != Measure::OtherReasons);
    match (other, channels) {
        (true, true) => "contacts for other reasons, and the outcome's own by channel,",
        (true, false) => "contacts for other reasons",
        _ => "the outcome's contacts by channel",
    }
}

fn sentence(t: &Tested<'_>) -> String {
    let (mean, control) = t.means;
    let direction = if mean > control { "more" } else { "fewer" };
    let figures = format!(
        "{} per customer against {}",
        crate::number::fixed(mean, 3),
        crate::number::fixed(control, 3)
    );
    match t.measure {
        Measure::OtherReasons => format!(
            "Customers of \"{}\" made {direction} contacts for other reasons ({figures})",
            t.arm
        ),
        Measure::Channel(name) => format!(
            "Customers of \"{}\" made {direction} of the outcome's contacts in the channel \"{name}\" ({figures})",
            t.arm
        ),
    }
}
