//! One arm with its verdict, what it lacks, and the sentences that say so.

use crate::analysis::NextStage;
use crate::experiment::{Experiment, ScaleIf};
use crate::finance::BusinessCase;
use crate::texts::text;

use super::decide::Standing;
use super::every_reason;
use super::facts::{Facts, Guard};
use super::model::{Because, Reason, VerdictKind};
use super::needed::{Needed, unproven};
use super::words;

/// Chance of a positive NPV from which an effect that is not shown is worth a second stage: as
/// estimated, money is then rather made than lost.
const PROMISING: f64 = 0.5;

/// One arm with its verdict and what it lacks.
pub(super) struct Judged<'a> {
    pub facts: &'a Facts<'a>,
    pub verdict: VerdictKind,
    plan: &'a Experiment,
    business: Option<&'a BusinessCase>,
    approved: bool,
    /// Checks that would have stopped the analysis and were passed over.
    passed_over: Vec<String>,
    /// Whether a look found success unlikely.
    unlikely: bool,
    /// What would show an effect that is not shown yet.
    needed: Option<Needed>,
    next: Option<&'a NextStage>,
    /// The plan's other conditions that the arm fails, each with its sentence.
    fails: Vec<(Because, String)>,
}

impl<'a> Judged<'a> {
    /// Judges an arm by itself: its verdict, and what stands against a roll-out.
    pub fn new(
        facts: &'a Facts<'a>,
        plan: &'a Experiment,
        business: Option<&'a BusinessCase>,
        standing: &'a Standing,
        passed_over: &[String],
    ) -> Self {
        let name = &facts.arm.name;
        let next = standing.next.iter().find(|n| &n.arm == name);
        let unclear = facts.row.filter(|_| facts.good && !facts.significant);
        let looks = standing.looks.as_ref();
        let unlikely = looks.is_some_and(|l| l.unlikely.iter().any(|arm| arm == name));
        let mut fails: Vec<(Because, String)> = Vec::new();
        fails.extend(words::guardrails_needed(facts).map(|said| {
            let open = facts.guardrails.iter().filter(|(_, g)| *g != Guard::Holds);
            let of = open.map(|(o, _)| o.name.clone()).collect();
            let because = Because::of_arm(name, Reason::GuardrailOpen);
            (Because { of, ..because }, said)
        }));
        fails.extend(lacking_money(facts, plan, business, standing.no_days));
        let mut judged = Judged {
            facts,
            verdict: VerdictKind::Stop,
            plan,
            business,
            approved: standing.approved,
            passed_over: passed_over.to_vec(),
            unlikely: unlikely && !facts.significant,
            needed: unclear.and_then(|row| Needed::of(row, plan, next)),
            next,
            fails,
        };
        judged.verdict = judged.judge();
        judged
    }

    fn judge(&self) -> VerdictKind {
        let facts = self.facts;
        let ready = facts.significant && self.fails.is_empty();
        if ready && self.approved && self.passed_over.is_empty() {
            return VerdictKind::Scale;
        }
        let hopeless = !facts.good || self.broken().next().is_some() || self.unlikely;
        let reach = !self.needed.is_some_and(|n| n.out_of_reach());
        match ready || (!hopeless && reach && !self.loses()) {
            true => VerdictKind::Extend,
            false => VerdictKind::Stop,
        }
    }

    fn chance(&self) -> Option<f64> {
        self.facts.case.and_then(|c| c.probability_npv_positive)
    }

    /// Whether a roll-out rather loses money than earns it; never without a business case.
    fn loses(&self) -> bool {
        self.chance().is_some_and(|p| p < PROMISING)
    }

    /// Guardrails that are shown to be broken.
    fn broken(&self) -> impl Iterator<Item = String> {
        let broken = self.facts.guardrails.iter();
        broken
            .filter(|(_, g)| matches!(g, Guard::Broken(_)))
            .map(|(outcome, _)| outcome.name.clone())
    }

    /// What the verdict rests on, the weightiest first.
    pub fn because(&self) -> Vec<Because> {
        let facts = self.facts;
        let name = &facts.arm.name;
        let of_arm = |reason| Because::of_arm(name, reason);
        let fails = || self.fails.iter().map(|f| f.0.clone());
        if self.verdict == VerdictKind::Scale {
            return Vec::new();
        }
        if self.verdict == VerdictKind::Extend {
            let over = self.passed_over.clone();
            let over = Because::of_all(Reason::CheckPassedOver, over);
            let mut all: Vec<Because> = Some(over)
                .filter(|b| !b.of.is_empty())
                .into_iter()
                .collect();
            all.extend((!self.approved).then(|| of_arm(Reason::NotApproved)));
            if !facts.significant {
                let needed = self.needed.as_ref().and_then(Needed::in_short);
                all.push(of_arm(Reason::NotShown).with(needed));
            }
            all.extend(fails());
            return all;
        }
        let broken: Vec<String> = self.broken().collect();
        let decisive = if facts.row.is_none() {
            of_arm(Reason::NoEstimate)
        } else if facts.worse {
            of_arm(Reason::Harm)
        } else if !broken.is_empty() {
            Because {
                of: broken,
                ..of_arm(Reason::GuardrailBroken)
            }
        } else if facts.untested_harm {
            of_arm(Reason::LooksWorse)
        } else if !facts.good {
            of_arm(Reason::NoBenefit)
        } else if self.unlikely {
            of_arm(Reason::Unlikely)
        } else if facts.significant {
            return fails().collect();
        } else if let Some(needed) = self.needed.filter(Needed::out_of_reach) {
            of_arm(Reason::OutOfReach).with(needed.in_short())
        } else {
            of_arm(Reason::Loses).with(self.chance().map(crate::number::chance))
        };
        vec![decisive]
    }

    /// What speaks against an effect that is not shown: a second stage that would show it, or why
    /// there should be none.
    fn unproven(&self) -> Vec<String> {
        if !self.facts.good || self.facts.significant {
            return Vec::new();
        }
        let mut said = Vec::new();
        match self.needed.filter(Needed::out_of_reach) {
            Some(needed) => said.push(needed.another_test(self.plan)),
            None if self.unlikely => said.push(text!("decision.unlikely")),
            None => {
                let needed = self.needed.as_ref();
                let next = self.next.filter(|_| self.verdict == VerdictKind::Extend);
                said.push(unproven(self.plan, next, needed));
            }
        }
        if let Some(chance) = self.chance().filter(|p| *p < PROMISING) {
            let chance = words::chance_below(chance, PROMISING);
            said.push(text!("decision.loses", chance));
        }
        said
    }

    /// All reasons, in sentences.
    pub fn why(&self) -> Vec<String> {
        let (facts, plan) = (self.facts, self.plan);
        let Some(row) = facts.row else {
            return vec![words::no_estimate(facts)];
        };
        let mut why = vec![words::effect(facts, row, plan)];
        if !facts.good {
            why.push(words::no_benefit(facts));
        }
        why.extend(words::guardrails(facts));
        if let (Some(business), Some(case)) = (self.business, facts.case) {
            let several = plan.treatments().count() > 1;
            why.extend(case.npv.map(|line| {
                let npv = words::npv(&line, facts, business);
                match several {
                    true => text!("decision.npv-of", arm = facts.arm.title, npv),
                    false => npv,
                }
            }));
            why.extend(case.npv_observed_only.map(|line| {
                let amount = words::money(line.value, business);
                text!("decision.window-only", amount)
            }));
            why.extend(every_reason::turns(case, plan, business));
            why.push(words::payback(case, facts));
            if plan.decision.scale_if == ScaleIf::BreakEven {
                why.extend(facts.break_even(plan).map(|even| words::break_even(&even)));
            }
        }
        if self.verdict != VerdictKind::Scale {
            why.extend(self.unproven());
            why.extend(self.fails.iter().map(|f| f.1.clone()));
            if !self.approved {
                why.push(text!("decision.not-approved"));
            }
        }
        why
    }

    /// The arm beside the one that the decision is about: its own verdict, and every condition that
    /// it fails. What no arm has, money or an approval, is said once for the decided arm.
    pub fn in_short(&self) -> String {
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
            (false, _) if facts.untested_harm => text!("decision.shown-looks-worse"),
            (false, _) => text!("decision.shown-none"),
        };
        let worth = facts.case.and_then(|c| c.npv.zip(c.npv_observed_only));
        let mut said = vec![match self.business.zip(worth) {
            Some((business, (npv, observed))) => text!(
                "decision.other-arm-npv",
                arm = title,
                verdict,
                shown,
                npv = words::money(npv.value, business),
                observed = words::money(observed.value, business)
            ),
            None => text!("decision.other-arm", arm = title, verdict, shown),
        }];
        let both = self.business.zip(facts.case);
        said.extend(
            both.and_then(|(business, case)| every_reason::turns(case, self.plan, business)),
        );
        if self.verdict != VerdictKind::Scale {
            said.extend(words::guardrails(facts).filter(|_| facts.guardrail_fails()));
            if self.verdict == VerdictKind::Stop {
                said.extend(self.unproven());
            }
            let guardrail = |f: &&(Because, String)| f.0.reason == Reason::GuardrailOpen;
            let fails = self.fails.iter();
            said.extend(
                fails
                    .filter(|f| self.business.is_some() || guardrail(f))
                    .map(|f| f.1.clone()),
            );
        }
        // One point of the list, so that nobody takes its reasons for the decided arm's.
        said.join(" ")
    }
}

/// What the money lacks for a roll-out.
fn lacking_money(
    facts: &Facts,
    plan: &Experiment,
    business: Option<&BusinessCase>,
    no_days: bool,
) -> Vec<(Because, String)> {
    let because = |reason, detail| Because::of_arm(&facts.arm.name, reason).with(detail);
    let Some(case) = facts.case else {
        let why = match business {
            None => words::no_money(plan, no_days),
            Some(b) => b
                .no_cash_because
                .clone()
                .unwrap_or_else(|| text!("decision.no-money-arm")),
        };
        let said = text!("decision.no-money", why);
        return vec![(because(Reason::MoneyUnknown, Some(why)), said)];
    };
    let mut lacks = Vec::new();
    match plan.decision.scale_if {
        ScaleIf::Npv => {
            let needed = plan.decision.min_probability;
            let asked = words::percent(needed);
            match case.probability_npv_positive {
                Some(p) if p >= needed => {}
                Some(p) => {
                    let chance = words::chance_below(p, needed);
                    let short = text!("decision.chance-in-short", chance, asked);
                    let said = text!("decision.chance-asked", asked, chance);
                    lacks.push((because(Reason::ChanceTooLow, Some(short)), said));
                }
                None => lacks.push((
                    because(Reason::MoneyUnknown, None),
                    text!("decision.chance-unknown"),
                )),
            }
        }
        ScaleIf::BreakEven => match facts.break_even(plan) {
            Some(even) if even.cleared() => {}
            Some(_) => lacks.push((
                because(Reason::BreakEven, None),
                text!("decision.break-even-asked"),
            )),
            None => lacks.push((
                because(Reason::MoneyUnknown, None),
                text!("decision.break-even-unknown"),
            )),
        },
    }
    if let Some(limit) = plan.decision.max_payback_months
        && case.payback_months.is_none_or(|months| months > limit)
    {
        let months = words::months(limit);
        let said = text!("decision.payback-asked", months);
        lacks.push((because(Reason::Payback, Some(months)), said));
    }
    lacks
}
