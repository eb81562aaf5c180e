//! The verdict: which arm, what to do, why.

use crate::analysis::{Analysis, NextStage, Status};
use crate::experiment::{Experiment, ScaleIf};
use crate::finance::BusinessCase;
use crate::number::count as grouped;
use crate::texts::text;

use super::every_reason;
use super::facts::{Facts, Guard};
use super::model::{Decision, VerdictKind};
use super::words;

/// Chance of a positive NPV from which an unproven arm is worth a second stage on money alone.
const PROMISING: f64 = 0.5;

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
    /// Whether every arm does harm or has become unlikely to succeed.
    pub hopeless: bool,
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
/// 3. `scale`: the plan is approved, and an arm's primary is significant in the good direction
///    (p adjusted over the family ≤ alpha), every guardrail holds, its plain payback is within
///    `max_payback_months`, and P(NPV > 0) ≥ `min_probability` (`npv`) or the cautious end of the
///    adjusted interval clears break-even (`break-even`). Of several, the one with the highest NPV.
/// 4. `extend`: an arm's point estimate is good, no guardrail is shown to be broken, and it is
///    promising: P(NPV > 0) ≥ ½; or not yet significant with P(NPV > 0) ≥ alpha, so that
///    money is not ruled out; or it meets everything but the approval; or there is no money
///    to judge by. Highest NPV first; without money, the clearest effect.
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
        return verdict(None, VerdictKind::Blocked, why.collect());
    }
    if let Some(looks) = standing.looks.as_ref().filter(|l| !l.ended && !l.effect) {
        let kind = match looks.hopeless {
            true => VerdictKind::Stop,
            false => VerdictKind::Wait,
        };
        let mut why = looks.said.clone();
        why.extend(standing.remaining.as_ref().map(wait));
        return verdict(None, kind, why);
    }
    if let Some(remaining) = &standing.remaining {
        return verdict(None, VerdictKind::Wait, vec![wait(remaining)]);
    }

    let arms: Vec<_> = plan
        .treatments()
        .map(|k| Facts::new(&plan.arms[k], plan, analysis, business))
        .collect();
    if arms.iter().all(|f| f.row.is_none()) {
        let outcome = &plan.primary_outcome().name;
        let why = text!("decision.no-estimate", outcome);
        return verdict(None, VerdictKind::Blocked, vec![why]);
    }
    let judged: Vec<_> = arms
        .iter()
        .map(|facts| Judged::new(facts, plan, business, standing))
        .collect();
    let mut decision = choose(&judged, plan, business);
    if decision.verdict == VerdictKind::Extend {
        let of_arm = |n: &&NextStage| Some(&n.arm) == decision.arm.as_ref();
        decision.next_stage = standing.next.iter().find(of_arm).cloned();
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

fn verdict(arm: Option<&str>, verdict: VerdictKind, why: Vec<String>) -> Decision {
    Decision {
        arm: arm.map(str::to_string),
        verdict,
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
fn choose(judged: &[Judged], plan: &Experiment, business: Option<&BusinessCase>) -> Decision {
    for kind in [VerdictKind::Scale, VerdictKind::Extend] {
        let mut best: Option<&Judged> = None;
        for j in judged.iter().filter(|j| j.verdict == kind) {
            if best.is_none_or(|b| j.facts.rank(plan) > b.facts.rank(plan)) {
                best = Some(j);
            }
        }
        if let Some(best) = best {
            let mut why = best.why(plan, business);
            let others = judged
                .iter()
                .filter(|j| j.facts.arm.name != best.facts.arm.name);
            why.extend(others.map(|other| other.in_short(plan, business)));
            return verdict(Some(&best.facts.arm.name), kind, why);
        }
    }
    let why = judged.iter().flat_map(|j| j.why(plan, business));
    verdict(None, VerdictKind::Stop, why.collect())
}

/// One arm with its verdict and what it lacks.
struct Judged<'a> {
    facts: &'a Facts<'a>,
    verdict: VerdictKind,
    /// What would show an effect that is not shown yet.
    unproven: Option<String>,
    /// The plan's other conditions that the arm fails, each a sentence.
    fails: Vec<String>,
    approved: bool,
}

impl<'a> Judged<'a> {
    fn new(
        facts: &'a Facts<'a>,
        plan: &Experiment,
        business: Option<&BusinessCase>,
        standing: &Standing,
    ) -> Self {
        let approved = standing.approved;
        let unclear = facts.row.filter(|_| facts.good && !facts.significant);
        let unproven = unclear.map(|row| {
            let next = standing.next.iter().find(|n| n.arm == facts.arm.name);
            next.filter(|n| n.combined)
                .and_then(|n| words::second_stage(n, plan))
                .or_else(|| words::customers_needed(row, plan))
                .unwrap_or_else(|| text!("decision.not-shown"))
        });
        let mut fails: Vec<String> = words::guardrails_needed(facts).into_iter().collect();
        fails.extend(lacking_money(facts, plan, business));
        let ready = facts.significant && fails.is_empty();
        let verdict = if ready && approved {
            VerdictKind::Scale
        } else if ready || promising(facts, plan.analysis.alpha) {
            VerdictKind::Extend
        } else {
            VerdictKind::Stop
        };
        Judged {
            facts,
            verdict,
            unproven,
            fails,
            approved,
        }
    }

    fn why(&self, plan: &Experiment, business: Option<&BusinessCase>) -> Vec<String> {
        let facts = self.facts;
        let Some(row) = facts.row else {
            return vec![words::no_estimate(facts)];
        };
        let mut why = vec![words::effect(facts, row, plan)];
        if !facts.good {
            why.push(words::no_benefit(facts));
        }
        why.extend(words::guardrails(facts));
        if let (Some(business), Some(case)) = (business, facts.case) {
            why.extend(case.npv.map(|line| words::npv(&line, facts, business)));
            why.extend(case.npv_observed_only.map(|line| {
                let amount = words::money(line.value, business);
                text!("decision.window-only", amount)
            }));
            why.extend(every_reason::turns(case, plan, business));
            why.push(match case.payback_months {
                _ if case.spends_nothing() => text!("decision.spends-nothing"),
                Some(month) => text!("decision.pays-back", month),
                None => text!("decision.no-payback"),
            });
            if plan.decision.scale_if == ScaleIf::BreakEven {
                why.extend(facts.break_even(plan).map(|even| words::break_even(&even)));
            }
        }
        if self.verdict != VerdictKind::Scale {
            why.extend(self.unproven.iter().chain(&self.fails).cloned());
            if !self.approved {
                why.push(text!("decision.not-approved"));
            }
        }
        why
    }

    /// The arm beside the one that the decision is about: its own verdict, and every condition that
    /// it fails. What no arm has, money or an approval, is said once for the decided arm.
    fn in_short(&self, plan: &Experiment, business: Option<&BusinessCase>) -> String {
        let facts = self.facts;
        let title = &facts.arm.title;
        if facts.row.is_none() {
            return words::no_estimate(facts);
        }
        let verdict = words::verdict(self.verdict);
        let shown = match (facts.good, facts.significant) {
            (true, true) => text!("decision.shown-clear"),
            (true, false) => text!("decision.shown-unclear"),
            (false, _) if facts.worse => text!("decision.shown-worse"),
            (false, _) => text!("decision.shown-none"),
        };
        let worth = facts.case.and_then(|c| c.npv.zip(c.npv_observed_only));
        let mut said = vec![match business.zip(worth) {
            Some((business, (npv, observed))) => text!(
                "decision.by-itself-npv",
                arm = title,
                verdict,
                shown,
                npv = words::money(npv.value, business),
                observed = words::money(observed.value, business)
            ),
            None => text!("decision.by-itself", arm = title, verdict, shown),
        }];
        let both = business.zip(facts.case);
        said.extend(both.and_then(|(business, case)| every_reason::turns(case, plan, business)));
        if self.verdict != VerdictKind::Scale {
            said.extend(words::guardrails(facts).filter(|_| facts.guardrail_fails()));
            if business.is_some() {
                said.extend(self.fails.iter().cloned());
            } else {
                said.extend(words::guardrails_needed(facts));
            }
        }
        // One point of the list, so that nobody takes its reasons for the decided arm's.
        said.join(" ")
    }
}

/// What the money lacks for a roll-out.
fn lacking_money(facts: &Facts, plan: &Experiment, business: Option<&BusinessCase>) -> Vec<String> {
    let Some(case) = facts.case else {
        let why = match business {
            None => words::no_money(plan),
            Some(b) => b
                .no_cash_because
                .clone()
                .unwrap_or_else(|| text!("decision.no-money-arm")),
        };
        return vec![text!("decision.no-money", why)];
    };
    let mut lacks = Vec::new();
    match plan.decision.scale_if {
        ScaleIf::Npv => {
            let needed = plan.decision.min_probability;
            match case.probability_npv_positive {
                Some(p) if p >= needed => {}
                Some(p) => lacks.push(text!(
                    "decision.chance-asked",
                    asked = words::percent(needed),
                    chance = words::chance_below(p, needed)
                )),
                None => lacks.push(text!("decision.chance-unknown")),
            }
        }
        ScaleIf::BreakEven => match facts.break_even(plan) {
            Some(even) if even.cleared() => {}
            Some(_) => lacks.push(text!("decision.break-even-asked")),
            None => lacks.push(text!("decision.break-even-unknown")),
        },
    }
    if let Some(limit) = plan.decision.max_payback_months
        && case.payback_months.is_none_or(|months| months > limit)
    {
        let months = words::months(limit);
        lacks.push(text!("decision.payback-asked", months));
    }
    lacks
}

/// Whether an arm that is not ready deserves a second stage.
fn promising(facts: &Facts, alpha: f64) -> bool {
    if !facts.good
        || facts
            .guardrails
            .iter()
            .any(|(_, g)| matches!(g, Guard::Broken(_)))
    {
        return false;
    }
    match facts.case.and_then(|c| c.probability_npv_positive) {
        Some(p) => p >= PROMISING || (!facts.significant && p >= alpha),
        None => true,
    }
}
