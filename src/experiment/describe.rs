//! The plan in plain words.

mod judged;
mod looks;
mod money;
mod schedule;
mod staffing;
mod time;

use crate::experiment::catalogue::INTERVENTIONS;
use crate::experiment::describe::money::assumption;
use crate::experiment::model::{
    Arm, Assumption, Better, Data, Experiment, Outcome, OutcomeKind, Role, RootCause, ScheduleKind,
};
use crate::number;
use crate::texts::text;

/// A plan in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InWords {
    /// The title.
    pub title: String,
    /// What is asked, in a paragraph.
    pub question: String,
    /// Parts with a heading and sentences.
    pub parts: Vec<(String, Vec<String>)>,
}

/// The plan in words that a service manager and a CFO can read.
pub fn in_words(e: &Experiment) -> InWords {
    let money = e.business.as_ref().map_or_else(
        || vec![text!("plan-money.none")],
        |business| money::described(business, e.rollout_month()),
    );
    let arms = e.arms.iter().map(|a| arm(a, e)).collect();
    let outcomes = e.outcomes.iter().map(|o| outcome(o, e)).collect();
    InWords {
        title: e.title.clone(),
        question: question(e),
        parts: vec![
            (text!("plan.arms"), arms),
            (text!("plan.time"), time::described(e)),
            (text!("plan.outcomes"), outcomes),
            (text!("plan.judged"), judged::described(e)),
            (text!("plan.money"), money),
        ],
    }
}

/// The plan in words as Markdown, a heading for each part.
pub fn describe(e: &Experiment) -> String {
    let words = in_words(e);
    let mut out = format!("# {}\n\n{}\n", words.title, words.question);
    for (heading, items) in words.parts {
        out += &format!("\n## {heading}\n");
        for item in items {
            out += &format!("- {item}\n");
        }
    }
    out
}

fn question(e: &Experiment) -> String {
    let outcome = &e.primary_outcome().name;
    let mut said = vec![match &e.problem {
        Some(problem) => text!("plan-question.problem", problem = sentence(problem)),
        None => text!("plan-question.no-problem"),
    }];
    said.extend(e.root_cause.map(|cause| match cause {
        RootCause::Expectation => text!("plan-question.cause-expectation"),
        RootCause::Process => text!("plan-question.cause-process"),
        RootCause::CustomerError => text!("plan-question.cause-customer-error"),
        RootCause::EmployeeReadiness => text!("plan-question.cause-employee-readiness"),
    }));
    said.push(match e.treatments().count() {
        1 => text!("plan-question.one", outcome),
        ways => text!("plan-question.several", ways, outcome),
    });
    if let Some(owner) = &e.owner {
        said.push(text!("plan-question.owner", owner = sentence(owner)));
    }
    if let Some(first) = &e.second_stage_of {
        said.push(text!("plan-question.second-stage", first));
    }
    said.join(" ")
}

fn arm(arm: &Arm, e: &Experiment) -> String {
    let title = &arm.title;
    let mut line = match &arm.name {
        name if name == title => text!("plan-arm.titled", title),
        name => text!("plan-arm.named", title, name),
    };
    let gets: Vec<String> = arm
        .interventions
        .iter()
        .map(|name| {
            let known = INTERVENTIONS.iter().find(|i| i.name == name);
            known.map_or_else(|| name.clone(), |i| (i.words)())
        })
        .collect();
    let none = gets.is_empty();
    let gets = gets.join(&text!("plan.and"));
    line = match (arm.control, none) {
        (true, true) => text!("plan-arm.control", arm = line),
        (true, false) => text!("plan-arm.control-with", arm = line, gets),
        (false, true) => text!("plan-arm.treatment", arm = line),
        (false, false) => text!("plan-arm.gets", arm = line, gets),
    };
    let total: Option<u64> = e.arms.iter().map(|a| a.weight).sum();
    if let Some((weight, total)) = arm.weight.zip(total) {
        let share = number::percent_given(weight as f64 / total as f64);
        line = match e.assignment.schedule.as_ref().map(|s| s.design) {
            None => text!("plan-arm.of-customers", arm = line, share),
            Some(ScheduleKind::Switchback) => text!("plan-arm.of-blocks", arm = line, share),
            Some(ScheduleKind::SteppedWedge) => line,
        };
    }
    let costs = costs(arm, e.business.as_ref().map_or("", |b| b.currency.as_str()));
    if !costs.is_empty() {
        let costs = costs.join(", ");
        line = text!("plan-arm.costs", arm = line, costs);
    }
    text!("plan.sentence", words = line)
}

fn costs(arm: &Arm, currency: &str) -> Vec<String> {
    let given = |a: &Assumption| (*a != Assumption::Fixed(0.0)).then(|| assumption(a, currency));
    let once = given(&arm.fixed_cost).map(|cost| text!("plan-arm.once", cost));
    let customer = given(&arm.cost_per_customer).map(|cost| text!("plan-arm.a-customer", cost));
    let month = given(&arm.running_cost_per_month).map(|cost| text!("plan-arm.a-month", cost));
    [once, customer, month].into_iter().flatten().collect()
}

fn outcome(o: &Outcome, e: &Experiment) -> String {
    let log = matches!(e.data, None | Some(Data::Log { .. }));
    let what = match (o.kind, log) {
        (OutcomeKind::Count, _) if e.assignment.schedule.is_some() => {
            text!("plan-outcome.contacts-region")
        }
        (OutcomeKind::Count, true) => text!("plan-outcome.contacts-customer"),
        (OutcomeKind::Count, false) => text!("plan-outcome.count"),
        (OutcomeKind::Mean, true) => text!("plan-outcome.seconds"),
        (OutcomeKind::Mean, false) => text!("plan-outcome.mean"),
        (OutcomeKind::Proportion, _) => text!("plan-outcome.share"),
    };
    let better = match o.better {
        Better::Lower => text!("plan-outcome.lower"),
        Better::Higher => text!("plan-outcome.higher"),
    };
    let outcome = &o.name;
    let mut line = match o.role {
        Role::Primary => text!("plan-outcome.primary", outcome, what, better),
        Role::Secondary => text!("plan-outcome.secondary", outcome, what, better),
        Role::Guardrail => text!("plan-outcome.guardrail", outcome, what, better),
    };
    if !o.reasons.is_empty() {
        let reasons = quoted(&o.reasons).join(", ");
        line = text!("plan-outcome.reasons", outcome = line, reasons);
    }
    if let Some(cap) = o.cap {
        let cap = number::count(cap);
        line = text!("plan-outcome.cap", outcome = line, cap);
    }
    if let Some(margin) = o.margin {
        let margin = number::given(margin);
        line = text!("plan-outcome.margin", outcome = line, margin);
    }
    text!("plan.sentence", words = line)
}

fn quoted(names: &[String]) -> Vec<String> {
    let names = names.iter();
    names.map(|name| text!("plan.quoted", name)).collect()
}

/// On one line, with a full stop.
fn sentence(own: &str) -> String {
    let words = own.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.ends_with(['.', '!', '?', '。', '۔']) {
        words
    } else {
        text!("plan.sentence", words)
    }
}
