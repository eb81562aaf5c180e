//! The plan in plain words.

mod looks;
mod money;
mod schedule;

use jiff::civil::Date;

use crate::experiment::advice::{days, percent};
use crate::experiment::catalogue::INTERVENTIONS;
use crate::experiment::describe::money::{assumption, money};
use crate::experiment::model::{
    Arm, Assumption, Better, Data, Experiment, Method, Multiplicity, Outcome, OutcomeKind,
    PlannedEstimand, Role, RootCause, ScaleIf, ScheduleKind, Windows,
};
use crate::experiment::places;

/// A plan in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InWords {
    /// The title.
    pub title: String,
    /// What is asked, in a paragraph.
    pub question: String,
    /// Parts with a heading and sentences.
    pub parts: Vec<(&'static str, Vec<String>)>,
}

/// The plan in words that a service manager and a CFO can read.
pub fn in_words(e: &Experiment) -> InWords {
    let money = e.business.as_ref().map_or_else(
        || vec!["No business case is planned: the result is contacts, not money.".to_owned()],
        |business| money(business, e.rollout_month()),
    );
    InWords {
        title: e.title.clone(),
        question: question(e),
        parts: vec![
            ("Arms", e.arms.iter().map(|a| arm(a, e)).collect()),
            ("Customers and time", who_and_when(e)),
            (
                "Outcomes",
                e.outcomes.iter().map(|o| outcome(o, e)).collect(),
            ),
            ("How it is judged", judged(e)),
            ("Money", money),
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
    let mut text = match &e.problem {
        Some(problem) => format!("The problem: {}", sentence(problem)),
        None => "The plan does not say which problem it is about.".to_owned(),
    };
    if let Some(cause) = e.root_cause {
        text.push_str(match cause {
            RootCause::Expectation => {
                " Its root cause: sales and marketing set wrong expectations."
            }
            RootCause::Process => " Its root cause: the company's own process.",
            RootCause::CustomerError => {
                " Its root cause: customers' mistakes and unread instructions."
            }
            RootCause::EmployeeReadiness => {
                " Its root cause: employees without the tools, training or authority to explain."
            }
        });
    }
    let treatments = e.treatments().count();
    text.push_str(&format!(
        " The question: {} {} {}, compared with customers who get nothing new?",
        if treatments == 1 {
            "does this way of teaching customers"
        } else {
            "which of these"
        },
        if treatments == 1 {
            "change".to_owned()
        } else {
            format!("{treatments} ways of teaching customers changes")
        },
        quoted(&e.primary_outcome().name),
    ));
    if let Some(owner) = &e.owner {
        text.push_str(&format!(" Owner: {}", sentence(owner)));
    }
    if let Some(first) = &e.second_stage_of {
        text.push_str(&format!(
            " This is the second stage of {}: other customers, the same question, and one result \
             of both by the weights that the first plan fixed.",
            quoted(first)
        ));
    }
    text
}

fn arm(arm: &Arm, e: &Experiment) -> String {
    let mut text = format!("**{}**", arm.title);
    if arm.title != arm.name {
        text.push_str(&format!(" ({})", quoted(&arm.name)));
    }
    let gets: Vec<&str> = arm
        .interventions
        .iter()
        .map(|name| {
            let known = INTERVENTIONS.iter().find(|i| i.name == name);
            known.map_or(name.as_str(), |i| i.words)
        })
        .collect();
    match (arm.control, gets.is_empty()) {
        (true, true) => text.push_str(": the control arm, nothing new"),
        (true, false) => text.push_str(&format!(": the control arm, with {}", gets.join(" and "))),
        (false, true) => text.push_str(": a treatment"),
        (false, false) => text.push_str(&format!(": {}", gets.join(" and "))),
    }
    let total: Option<u64> = e.arms.iter().map(|a| a.weight).sum();
    let of = match e.assignment.schedule.as_ref().map(|s| s.design) {
        None => Some("customers"),
        Some(ScheduleKind::Switchback) => Some("each region's blocks"),
        Some(ScheduleKind::SteppedWedge) => None,
    };
    if let (Some(weight), Some(total), Some(of)) = (arm.weight, total, of) {
        text.push_str(&format!(
            "; {} of {of}",
            percent(weight as f64 / total as f64)
        ));
    }
    let currency = e.business.as_ref().map_or("", |b| b.currency.as_str());
    let costs: Vec<String> = [
        (arm.fixed_cost, "once"),
        (arm.cost_per_customer, "a customer"),
        (arm.running_cost_per_month, "a month"),
    ]
    .iter()
    .filter(|(cost, _)| *cost != Assumption::Fixed(0.0))
    .map(|(cost, per)| format!("{} {per}", assumption(cost, currency)))
    .collect();
    if !costs.is_empty() {
        text.push_str(&format!("; at roll-out it costs {}", costs.join(", ")));
    }
    text + "."
}

fn by_chance(e: &Experiment) -> String {
    match e.assignment.method {
        Method::Complete => "Chance decides who gets what, in exact quotas.".to_owned(),
        Method::Hashed => {
            "Chance decides who gets what, customer by customer as they arrive.".to_owned()
        }
        Method::Existing => {
            "Who got what is already in the data; the plan takes it that chance decided.".to_owned()
        }
    }
}

fn who_and_when(e: &Experiment) -> Vec<String> {
    let mut items = match &e.assignment.schedule {
        Some(schedule) => schedule::described(schedule, e),
        None => vec![by_chance(e)],
    };
    if !e.assignment.strata.is_empty() {
        items.push(format!(
            "Arms are balanced within each {}.",
            list(&e.assignment.strata, " and ")
        ));
    }
    if let (Some(cluster), None) = (e.cluster_column(), &e.assignment.schedule) {
        items.push(format!(
            "Whole groups get one arm: everyone with the same {}.",
            quoted(cluster)
        ));
    }
    match e.periods.as_ref().map(|p| (&p.windows, &p.timezone)) {
        None => items.push("The plan gives no dates.".to_owned()),
        Some((
            Windows::Fixed {
                before,
                after,
                start,
            },
            zone,
        )) => {
            items.push(match before {
                Some(before) => format!("Before: {}.", window(*before)),
                None if e.assignment.schedule.is_some() => {
                    "Every region is compared with itself, so there is no before period.".to_owned()
                }
                None => "There is no before period.".to_owned(),
            });
            items.push(format!(
                "After: {}. Days are those of {zone}.",
                window(*after)
            ));
            if let Some(start) = start {
                items.push(format!(
                    "A customer who starts later ({}) counts from that day on.",
                    quoted(start)
                ));
            }
        }
        Some((
            Windows::Relative {
                start,
                before_days,
                after_days,
                enrol,
            },
            zone,
        )) => {
            items.push(format!(
                "Each customer is followed for {after_days} days from their own start ({}). Days are \
                 those of {zone}.",
                quoted(start)
            ));
            items.push(match before_days {
                0 => "There is no before period.".to_owned(),
                days => format!("Before: the {days} days before that start."),
            });
            if let Some(enrol) = enrol {
                items.push(format!(
                    "Only customers who start in {} are in the pilot.",
                    window(*enrol)
                ));
            }
        }
    }
    items.push(match &e.data {
        None => "The plan does not yet say where the data are.".to_owned(),
        Some(Data::Counts(file)) => format!("Data: counts by customer in {}.", quoted(&places::shown(&file.format.path))),
        Some(Data::Days(file)) => format!(
            "Data: contacts by {}day in {}{}.",
            if e.assignment.cluster.is_some() { "region and " } else { "" },
            quoted(&places::shown(&file.format.path)),
            match &file.customers {
                Some(column) => format!(", customers of the day in the column {}", quoted(column)),
                None => ", without numbers of customers: the effect is by region, not by customer".to_owned(),
            }
        ),
        Some(Data::RegionLog { contacts, regions }) => format!(
            "Data: contacts{} in {}{}.",
            if e.assignment.cluster.is_some() { " with their region" } else { "" },
            quoted(&places::shown(&contacts.format.path)),
            match regions {
                Some(file) => format!(", customers by region in {}", quoted(&places::shown(&file.format.path))),
                None => ", without numbers of customers: the effect is by region, not by customer".to_owned(),
            }
        ),
        Some(Data::Cells(cells)) => {
            format!("Data: cells in {}.", quoted(&places::shown(&cells.path.to_string_lossy())))
        }
        Some(Data::Log { customers, contacts }) => format!(
            "Data: customers in {}, contacts in {}. Every assigned customer counts, also one without contacts.",
            quoted(&places::shown(&customers.format.path)),
            quoted(&places::shown(&contacts.format.path))
        ),
    });
    items
}

fn outcome(o: &Outcome, e: &Experiment) -> String {
    let log = matches!(e.data, None | Some(Data::Log { .. }));
    let role = match o.role {
        Role::Primary => "decides",
        Role::Secondary => "is shown beside",
        Role::Guardrail => "must not be harmed",
    };
    let what = match (o.kind, log) {
        (OutcomeKind::Count, _) if e.assignment.schedule.is_some() => "contacts of a region",
        (OutcomeKind::Count, true) => "contacts of a customer",
        (OutcomeKind::Count, false) => "a count by customer",
        (OutcomeKind::Mean, true) => "seconds spent on a customer's contacts",
        (OutcomeKind::Mean, false) => "a figure by customer, compared by its mean",
        (OutcomeKind::Proportion, _) => "share of customers who do it",
    };
    let better = match o.better {
        Better::Lower => "lower is better",
        Better::Higher => "higher is better",
    };
    let mut text = format!("{} {role}: {what}; {better}", quoted(&o.name));
    if !o.reasons.is_empty() {
        text.push_str(&format!("; reasons {}", list(&o.reasons, ", ")));
    }
    if let Some(cap) = o.cap {
        text.push_str(&format!("; more than {cap} count as {cap}"));
    }
    if let Some(margin) = o.margin {
        text.push_str(&format!("; harm of up to {margin} is accepted"));
    }
    text + "."
}

fn judged(e: &Experiment) -> Vec<String> {
    let a = &e.analysis;
    let estimand = match a.estimand {
        PlannedEstimand::Difference => "difference to control",
        PlannedEstimand::Ratio => "ratio to control",
    };
    let who = match &e.data {
        Some(Data::Days(file)) if file.customers.is_none() => "region",
        Some(Data::RegionLog { regions: None, .. }) => "region",
        _ => "customer",
    };
    let per = match a.per_days {
        Some(days) => format!(" per {who} per {days} days"),
        None => String::new(),
    };
    let by = match &a.estimator {
        Some(name) => format!("the estimator {}", quoted(name)),
        None => "an estimator chosen when the data are known (exploration only)".to_owned(),
    };
    let sides = if a.one_sided {
        "one-sided, towards better"
    } else {
        "two-sided"
    };
    let mut items = vec![
        format!("The {estimand}{per}, by {by}."),
        format!(
            "Error rate {} ({sides}); the size was chosen for a power of {}.",
            percent(a.alpha),
            percent(a.power)
        ),
    ];
    items.extend(looks::described(e));
    if e.treatments().count() > 1 && a.sequential.is_none() {
        items.push(match a.multiplicity {
            Multiplicity::None => {
                "Each arm is tested as if it were alone: the more arms, the likelier a false success."
                    .to_owned()
            }
            other => format!("The error rate holds over all arms ({}).", other.name()),
        });
    }
    if !a.segments.is_empty() {
        items.push(format!("Also shown by {}.", list(&a.segments, ", ")));
    }
    items.push(match e.decision.scale_if {
        ScaleIf::Npv => format!(
            "Scale if the primary outcome is significant, every guardrail holds, and the net \
             present value is positive with a probability of at least {}{}.",
            percent(e.decision.min_probability),
            payback(e)
        ),
        ScaleIf::BreakEven => format!(
            "Scale if the primary outcome is significant, every guardrail holds, and its adjusted \
             bound clears break-even{}.",
            payback(e)
        ),
    });
    if let Some(limit) = e.decision.max_attrition_difference {
        items.push(format!(
            "No result if missing outcomes differ between arms by more than {}.",
            percent(limit)
        ));
    }
    if e.assignment.schedule.is_none() {
        items.push(format!(
            "Groups below {} customers are not shown.",
            e.min_cell
        ));
    }
    items
}

fn payback(e: &Experiment) -> String {
    match e.decision.max_payback_months {
        Some(months) => format!(", and the money is back within {months} months"),
        None => String::new(),
    }
}

fn window((first, last): (Date, Date)) -> String {
    format!("{first} to {last} ({} days)", days((first, last)))
}

fn list(items: &[String], between: &str) -> String {
    let items: Vec<String> = items.iter().map(|i| quoted(i)).collect();
    items.join(between)
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

/// On one line, with a full stop.
fn sentence(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.ends_with(['.', '!', '?']) {
        text
    } else {
        format!("{text}.")
    }
}
