//! The plan in plain words.

use jiff::civil::Date;

use crate::experiment::advice::{days, percent};
use crate::experiment::catalogue::INTERVENTIONS;
use crate::experiment::currency::currency_minor_digits;
use crate::experiment::model::{
    Arm, Assumption, Better, Business, CostBasis, Data, Experiment, HalfLife, Method, Multiplicity,
    Outcome, OutcomeKind, PlannedEstimand, Role, RootCause, ScaleIf, UnitCost, Windows,
};

/// The plan in words that a service manager and a CFO can read: Markdown, a
/// heading for each part.
pub fn describe(e: &Experiment) -> String {
    let mut parts = vec![
        format!("# {}", e.title),
        question(e),
        format!("## Arms\n{}", bullets(e.arms.iter().map(|a| arm(a, e)))),
        format!("## Customers and time\n{}", bullets(who_and_when(e))),
        format!("## Outcomes\n{}", bullets(e.outcomes.iter().map(outcome))),
        format!("## How it is judged\n{}", bullets(judged(e))),
    ];
    let money = e.business.as_ref().map_or_else(
        || "No business case is planned: the result is contacts, not money.".to_owned(),
        |b| bullets(money(b)),
    );
    parts.push(format!("## Money\n{money}"));
    parts.join("\n\n") + "\n"
}

fn bullets(items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| format!("- {item}")).collect();
    items.join("\n")
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
    if let (Some(weight), Some(total)) = (arm.weight, total) {
        text.push_str(&format!(
            "; {} of customers",
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
    .filter(|(cost, _)| *cost != 0.0)
    .map(|(cost, per)| format!("{} {per}", amount(*cost, currency)))
    .collect();
    if !costs.is_empty() {
        text.push_str(&format!("; at roll-out it costs {}", costs.join(", ")));
    }
    text + "."
}

fn who_and_when(e: &Experiment) -> Vec<String> {
    let mut items = vec![match e.assignment.method {
        Method::Complete => "Chance decides who gets what, in exact quotas.".to_owned(),
        Method::Hashed => {
            "Chance decides who gets what, customer by customer as they arrive.".to_owned()
        }
        Method::Existing => {
            "Who got what is already in the data; the plan takes it that chance decided.".to_owned()
        }
    }];
    if !e.assignment.strata.is_empty() {
        items.push(format!(
            "Arms are balanced within each {}.",
            list(&e.assignment.strata, " and ")
        ));
    }
    if let Some(cluster) = e.cluster_column() {
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
        Some(Data::Counts(file)) => format!("Data: counts by customer in {}.", quoted(&file.format.path)),
        Some(Data::Cells(cells)) => {
            format!("Data: cells in {}.", quoted(&cells.path.to_string_lossy()))
        }
        Some(Data::Log { customers, contacts }) => format!(
            "Data: customers in {}, contacts in {}. Every assigned customer counts, also one without contacts.",
            quoted(&customers.format.path),
            quoted(&contacts.format.path)
        ),
    });
    items
}

fn outcome(o: &Outcome) -> String {
    let role = match o.role {
        Role::Primary => "decides",
        Role::Secondary => "is shown beside",
        Role::Guardrail => "must not be harmed",
    };
    let what = match o.kind {
        OutcomeKind::Count => "contacts of a customer",
        OutcomeKind::Mean => "a customer's mean",
        OutcomeKind::Proportion => "share of customers",
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
    let per = match a.per_days {
        Some(days) => format!(" per customer per {days} days"),
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
    if e.treatments().count() > 1 {
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
    items.push(format!(
        "Groups below {} customers are not shown.",
        e.min_cell
    ));
    items
}

fn payback(e: &Experiment) -> String {
    match e.decision.max_payback_months {
        Some(months) => format!(", and the money is back within {months} months"),
        None => String::new(),
    }
}

fn money(b: &Business) -> Vec<String> {
    let currency = b.currency.as_str();
    let unit_cost = |c: &UnitCost, of: &str| {
        format!(
            "An avoided {of} saves {} in full, and {} of labour as far as that becomes cash.",
            assumption(&c.variable, currency),
            assumption(&c.labour, currency)
        )
    };
    let mut items = vec![match &b.cost {
        Some(CostBasis::PerContact(cost)) => unit_cost(cost, "contact"),
        Some(CostBasis::PerMinute(cost)) => unit_cost(cost, "minute"),
        None => "The plan puts no price on a contact: the result is contacts and hours.".to_owned(),
    }];
    items.push(match &b.realisation {
        Some(share) => format!(
            "Freed labour that becomes cash: {} of it, after {} months.",
            share_of(share),
            assumption(&b.realisation_lag_months, "")
        ),
        None => "The plan does not say which share of freed labour becomes cash.".to_owned(),
    });
    items.push(match &b.half_life {
        Some(HalfLife::None) => "The effect is taken never to fade.".to_owned(),
        Some(HalfLife::Months(months)) => {
            format!(
                "Half the effect is left after {} months.",
                assumption(months, "")
            )
        }
        None => "The plan does not say how fast the effect fades.".to_owned(),
    });
    items.push(match &b.units_at_rollout {
        Some(units) => format!(
            "Roll-out: {} customers, {} new a month, {} leaving a month{}{}.",
            assumption(units, ""),
            assumption(&b.new_customers_per_month, ""),
            share_of(&b.churn_per_month),
            match b.ramp_months {
                0 => String::new(),
                months => format!(", reached within {months} months"),
            },
            match b.holdout {
                0.0 => String::new(),
                share => format!(", {} kept as control", percent(share)),
            }
        ),
        None => "The plan does not say how many customers a roll-out has.".to_owned(),
    });
    if let Some(months) = b.repeat_every_months {
        items.push(format!("The teaching is repeated every {months} months."));
    }
    items.push(format!(
        "Counted over {} months at {} a year.",
        b.horizon_months,
        share_of(&b.annual_discount_rate)
    ));
    if b.baseline_by_month.is_some() {
        items.push("Contacts follow a season of twelve factors.".to_owned());
    }
    let (low, high) = b.claims.contact_reduction;
    let mut claims = format!(
        "Held against the claim of {} to {} fewer contacts and {} of the service budget",
        percent(low),
        percent(high),
        percent(b.claims.budget_share)
    );
    if let Some(budget) = b.annual_service_budget {
        claims.push_str(&format!(", which is {} a year", amount(budget, currency)));
    }
    items.push(claims + ".");
    items
}

/// Mean first, as the base case takes it, then the range.
fn assumption(a: &Assumption, currency: &str) -> String {
    match a {
        Assumption::Fixed(x) => amount(*x, currency),
        Assumption::Triangular { low, mode, high } => format!(
            "{} (from {} to {}, most likely {})",
            amount(rounded((low + mode + high) / 3.0), currency),
            number(*low),
            number(*high),
            number(*mode)
        ),
        Assumption::Normal { mean, sd } => {
            format!("{} (± {})", amount(*mean, currency), number(*sd))
        }
    }
}

fn share_of(a: &Assumption) -> String {
    match a {
        Assumption::Fixed(x) => percent(*x),
        Assumption::Triangular { low, mode, high } => format!(
            "{} (from {} to {}, most likely {})",
            percent((low + mode + high) / 3.0),
            percent(*low),
            percent(*high),
            percent(*mode)
        ),
        Assumption::Normal { mean, sd } => format!("{} (± {})", percent(*mean), percent(*sd)),
    }
}

/// To four decimals: more would be noise in a mean of assumptions.
fn rounded(x: f64) -> f64 {
    (x * 1e4).round() / 1e4
}

/// Money with at least the decimals of its minor unit, unless it is whole.
fn amount(x: f64, currency: &str) -> String {
    let mut text = number(x);
    if currency.is_empty() {
        return text;
    }
    if let Some((_, decimals)) = text.split_once('.') {
        let digits = currency_minor_digits(currency).unwrap_or(0) as usize;
        let zeros = digits.saturating_sub(decimals.len());
        text.push_str(&"0".repeat(zeros));
    }
    format!("{currency} {text}")
}

/// A number with commas between thousands.
fn number(x: f64) -> String {
    let text = format!("{x}");
    let (whole, rest) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, format!(".{fraction}")),
        None => (text.as_str(), String::new()),
    };
    let digits = whole.trim_start_matches('-');
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if whole.starts_with('-') { "-" } else { "" };
    format!("{sign}{grouped}{rest}")
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
