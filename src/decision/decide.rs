//! The verdict: which arm, what to do, why.

use crate::analysis::{Analysis, Covariance, NextStage, Status};
use crate::experiment::Experiment;
use crate::finance::BusinessCase;
use crate::number::count as grouped;
use crate::texts::text;

use super::facts::Facts;
use super::judged::Judged;
use super::model::{Because, Decision, Reason, VerdictKind};
use super::{rivals, words};

/// What stands around the numbers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Standing {
    /// Whether the plan was approved as it is.
    pub approved: bool,
    /// What is left of the test period; `None` once the planned end has passed.
    pub remaining: Option<Remaining>,
    /// Checks whose stop the user has overridden with a reason.
    pub despite: Vec<String>,
    /// What the looks of a sequential plan say; `None` without looks.
    pub looks: Option<Looks>,
    /// Whether the data do not tell over how many days the outcome is counted.
    pub no_days: bool,
    /// What a next stage needs, by arm.
    pub next: Vec<NextStage>,
}

/// What the looks of a sequential plan say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Looks {
    /// Whether the planned end has passed.
    pub ended: bool,
    /// Whether an arm crossed the boundary on the good side.
    pub effect: bool,
    /// Arms that do harm.
    pub harmful: Vec<String>,
    /// Arms that have become unlikely to succeed.
    pub unlikely: Vec<String>,
    /// Where each arm stands and what comes next, in sentences.
    pub said: Vec<String>,
}

/// What is left of the test period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remaining {
    /// Days to the planned end; `None` where it is not known.
    pub days: Option<u32>,
    /// Customers still to come or to be observed; `None` where it is not known.
    pub customers: Option<u64>,
}

/// The verdict on a pilot, with its reasons in the order of weight.
///
/// *Rule* — the first that applies:
/// 1. `blocked`: a check has status stop (and is not in `despite`), or there is no primary estimate.
/// 2. `wait`: the planned end has not passed, and no look has crossed the boundary; `stop` where a
///    look shows every arm harmful or unlikely to succeed.
/// 3. `scale`: the plan is approved, no check was passed over, and an arm's primary is significant in
///    the good direction (p adjusted over the family ≤ alpha), every guardrail holds, its plain payback
///    is within `max_payback_months`, and P(NPV > 0) ≥ `min_probability` (`npv`) or the cautious end of
///    the adjusted interval clears break-even (`break-even`). Of several, the one with the highest NPV.
/// 4. `extend`: an arm meets everything but the approval or a check that was passed over; or its point
///    estimate is good, no guardrail is shown to be broken, no look found success unlikely, money is
///    rather made than lost (P(NPV > 0) ≥ ½, or there is no money to judge by), and an effect of the
///    estimated size takes at most ten times the customers to show. Highest NPV first; without money,
///    the clearest effect.
/// 5. `stop`.
///
/// Without `[business]`, or where it gives no cash NPV, an arm is never scaled: an effect is not
/// yet a reason to spend.
pub fn decide(
    plan: &Experiment,
    analysis: &Analysis,
    business: Option<&BusinessCase>,
    standing: &Standing,
) -> Decision {
    let overridden = |id: &str| standing.despite.iter().any(|d| d == id);
    let stops = analysis.checks.iter().filter(|c| c.status == Status::Stop);
    let (passed_over, stopping): (Vec<_>, Vec<_>) = stops.partition(|c| overridden(&c.id));
    if !stopping.is_empty() {
        let why = stopping
            .iter()
            .map(|c| words::sentence(text!("decision.stopped", check = c.id, detail = c.detail)));
        let of = stopping.iter().map(|c| c.id.clone()).collect();
        let because = vec![Because::of_all(Reason::CheckStopped, of)];
        return verdict(None, VerdictKind::Blocked, because, why.collect());
    }
    if let Some(looks) = standing.looks.as_ref().filter(|l| !l.ended && !l.effect) {
        return before_the_end(plan, looks, standing.remaining.as_ref());
    }
    if let Some(remaining) = &standing.remaining {
        let because = vec![Because::of_all(Reason::NotEnded, Vec::new())];
        return verdict(None, VerdictKind::Wait, because, vec![wait(remaining)]);
    }

    let arms: Vec<_> = plan
        .treatments()
        .map(|k| Facts::new(&plan.arms[k], plan, analysis, business))
        .collect();
    if arms.iter().all(|f| f.row.is_none()) {
        let outcome = &plan.primary_outcome().name;
        let why = text!("decision.no-estimate", outcome);
        let because = vec![Because::of_all(Reason::NoEstimate, vec![outcome.clone()])];
        return verdict(None, VerdictKind::Blocked, because, vec![why]);
    }
    let over: Vec<String> = passed_over.iter().map(|c| c.id.clone()).collect();
    let judged: Vec<_> = arms
        .iter()
        .map(|facts| Judged::new(facts, plan, business, standing, &over))
        .collect();
    // Before the planned end nothing is said that holds for one look alone.
    let looking = standing.looks.as_ref().is_some_and(|l| !l.ended);
    let joint = analysis.covariance.as_ref().filter(|_| !looking);
    let mut decision = choose(&judged, plan, joint, business);
    if decision.verdict == VerdictKind::Extend {
        let of_arm = |n: &&NextStage| Some(&n.arm) == decision.arm.as_ref();
        decision.next_stage = standing.next.iter().find(of_arm).cloned();
    } else if !over.is_empty() {
        let because = Because::of_all(Reason::CheckPassedOver, over);
        decision.because.push(because);
    }
    if let Some(looks) = &standing.looks {
        decision.why.extend(looks.said.iter().cloned());
    }
    decision.why.extend(passed_over.iter().map(|c| {
        words::sentence(text!(
            "decision.overridden",
            check = c.id,
            detail = c.detail
        ))
    }));
    decision
}

/// The verdict at a look that no arm crossed to the good side.
fn before_the_end(plan: &Experiment, looks: &Looks, remaining: Option<&Remaining>) -> Decision {
    let mut why = looks.said.clone();
    why.extend(remaining.map(wait));
    let lost = |list: &[String], name: &str| list.iter().any(|arm| arm == name);
    let reasons: Option<Vec<Because>> = plan
        .treatments()
        .map(|k| {
            let name = &plan.arms[k].name;
            let harm = lost(&looks.harmful, name).then_some(Reason::Harm);
            let reason = harm.or(lost(&looks.unlikely, name).then_some(Reason::Unlikely))?;
            Some(Because::of_arm(name, reason))
        })
        .collect();
    match reasons {
        Some(because) => verdict(None, VerdictKind::Stop, because, why),
        None => {
            let because = vec![Because::of_all(Reason::NotEnded, Vec::new())];
            verdict(None, VerdictKind::Wait, because, why)
        }
    }
}

fn verdict(
    arm: Option<&str>,
    verdict: VerdictKind,
    because: Vec<Because>,
    why: Vec<String>,
) -> Decision {
    Decision {
        arm: arm.map(str::to_string),
        verdict,
        because,
        why,
        next_stage: None,
    }
}

fn wait(remaining: &Remaining) -> String {
    let days = remaining.days.map(|days| match days {
        1 => text!("decision.left-days-one"),
        n => text!("decision.left-days-many", days = grouped(n.into())),
    });
    let customers = remaining.customers.map(|customers| match customers {
        1 => text!("decision.left-customers-one"),
        n => text!("decision.left-customers-many", customers = grouped(n)),
    });
    let left: Vec<_> = [days, customers].into_iter().flatten().collect();
    if left.is_empty() {
        text!("decision.not-ended")
    } else {
        text!("decision.not-ended-left", left = left.join(", "))
    }
}

/// Picks the arm: scale before extend before stop, then by rank, then the plan's order.
fn choose(
    judged: &[Judged],
    plan: &Experiment,
    joint: Option<&Covariance>,
    business: Option<&BusinessCase>,
) -> Decision {
    let facts: Vec<&Facts> = judged.iter().map(|j| j.facts).collect();
    let first = |wanted: &dyn Fn(&Judged) -> bool| {
        let mut best: Option<&Judged> = None;
        for j in judged.iter().filter(|j| wanted(j)) {
            if best.is_none_or(|b| j.facts.rank(plan) > b.facts.rank(plan)) {
                best = Some(j);
            }
        }
        best
    };
    let compared = |best: &Facts| {
        let mut said = joint.map_or_else(Vec::new, |joint| rivals::against(best, &facts, joint));
        said.extend(business.map_or_else(Vec::new, |b| rivals::as_estimated(best, &facts, b)));
        said
    };
    for kind in [VerdictKind::Scale, VerdictKind::Extend] {
        if let Some(best) = first(&|j| j.verdict == kind) {
            let mut why = best.why();
            let others = judged
                .iter()
                .filter(|j| j.facts.arm.name != best.facts.arm.name);
            why.extend(others.map(Judged::in_short));
            why.extend(compared(best.facts));
            return verdict(Some(&best.facts.arm.name), kind, best.because(), why);
        }
    }
    let mut why: Vec<String> = judged.iter().flat_map(Judged::why).collect();
    why.extend(first(&|j| j.facts.good).map_or_else(Vec::new, |best| compared(best.facts)));
    let because = judged.iter().flat_map(Judged::because).collect();
    verdict(None, VerdictKind::Stop, because, why)
}
