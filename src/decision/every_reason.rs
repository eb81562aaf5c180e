//! What counting contacts for every reason would do to the verdict.

use crate::experiment::{Experiment, ScaleIf};
use crate::finance::{ArmCase, BusinessCase};
use crate::texts::text;

use super::words;

/// Where the arm's case of every reason turns the sign of its NPV, or the plan's own condition on it:
/// a sentence that names it. The verdict itself stays that of the primary outcome.
pub(super) fn turns(case: &ArmCase, plan: &Experiment, business: &BusinessCase) -> Option<String> {
    let (npv, every) = (case.npv?, case.every_reason?);
    let show = |v: f64| words::money(v, business);
    let amount = text!(
        "decision.every-reason-npv",
        npv = show(every.npv.value),
        level = words::percent(business.level),
        range = words::range(every.npv.lower, every.npv.upper, show)
    );
    let asked = plan.decision.min_probability;
    let meets = |p: f64| p >= asked;
    let (own, p) = (
        case.probability_npv_positive?,
        every.probability_npv_positive,
    );
    let asks = plan.decision.scale_if == ScaleIf::Npv;
    let gone = npv.value > 0.0 && every.npv.value <= 0.0;
    let come = npv.value <= 0.0 && every.npv.value > 0.0;
    match (meets(own), meets(p)) {
        (true, false) if asks => Some(text!(
            "decision.every-reason-fails",
            amount,
            chance = words::chance_below(p, asked),
            asked = words::percent(asked)
        )),
        _ if gone => Some(text!("decision.every-reason-loses", amount)),
        (false, true) if asks => Some(text!(
            "decision.every-reason-meets",
            amount,
            asked = words::percent(asked)
        )),
        _ if come => Some(text!("decision.every-reason-gains", amount)),
        _ => None,
    }
}
