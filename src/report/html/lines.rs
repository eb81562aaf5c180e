//! The lines of the business case that the page shows by arm.

use crate::finance::{AgentsCase, ArmCase, BusinessCase, Line, MonthRange, Priced};
use crate::report::number::percent;
use crate::texts::text;

/// How a line is shown; the script knows the same names.
#[derive(Clone, Copy)]
pub enum Kind {
    Rate,
    Count,
    Money,
    MoneyFull,
    Percent,
    Return,
    Chance,
    Month,
    General,
}

/// A figure as a cell shows it. Of a month the value may be never, which is no value.
#[derive(Clone, Copy)]
pub struct Figure {
    pub value: Option<f64>,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
}

impl From<Line> for Figure {
    fn from(line: Line) -> Self {
        Figure {
            value: Some(line.value),
            lower: line.lower,
            upper: line.upper,
        }
    }
}

impl Kind {
    /// The name that the script knows.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Rate => "rate",
            Kind::Count => "count",
            Kind::Money => "money",
            Kind::MoneyFull => "money-full",
            Kind::Percent => "percent",
            Kind::Return => "return",
            Kind::Chance => "chance",
            Kind::Month => "month",
            Kind::General => "general",
        }
    }
}

/// Lines that have no number where nothing is spent; the script knows the same.
pub const OF_SPENDING: [&str; 5] = [
    "roi",
    "payback_months",
    "payback_months_discounted",
    "break_even_reduction",
    "break_even_avoided_per_day",
];

/// A line: its path in an arm's case, its name, and what it says of an arm.
pub struct Row {
    pub path: &'static str,
    pub name: String,
    pub kind: Kind,
    pub of: fn(&ArmCase) -> Option<Figure>,
}

/// A figure without an interval.
pub fn alone(value: Option<f64>) -> Option<Figure> {
    value.map(|value| Figure {
        value: Some(value),
        lower: None,
        upper: None,
    })
}

fn line(line: Option<Line>) -> Option<Figure> {
    line.map(Figure::from)
}

fn by_month(month: Option<u32>, interval: Option<MonthRange>) -> Option<Figure> {
    interval.map(|interval| Figure {
        value: month.map(f64::from),
        lower: interval.lower.map(f64::from),
        upper: interval.upper.map(f64::from),
    })
}

fn agents(arm: &ArmCase, pick: fn(&AgentsCase) -> f64) -> Option<Figure> {
    alone(arm.staffing.as_ref()?.agents.as_ref().map(pick))
}

/// The lines of a case.
pub fn rows(case: &BusinessCase) -> Vec<Row> {
    let row = |path, name: String, kind, of| Row {
        path,
        name,
        kind,
        of,
    };
    let claimed = percent(case.claimed_budget_share.unwrap_or(0.0));
    let month = case
        .payback_within_months
        .map_or_else(String::new, |m| m.to_string());
    let mut rows = vec![
        row(
            "avoided_per_customer_month",
            text("html.avoided-per-customer-month", &[]),
            Kind::Rate,
            |a| line(Some(a.avoided_per_customer_month)),
        ),
        row(
            "minutes_per_customer_month",
            text("html.minutes-per-customer-month", &[]),
            Kind::Rate,
            |a| line(a.minutes_per_customer_month),
        ),
        row(
            "contacts_avoided",
            text("line.contacts", &[]),
            Kind::Count,
            |a| line(Some(a.contacts_avoided)),
        ),
        row(
            "minutes_avoided",
            text("html.minutes-avoided", &[]),
            Kind::Count,
            |a| line(a.minutes_avoided),
        ),
        row("pv_savings", text("line.savings", &[]), Kind::Money, |a| {
            line(a.pv_savings)
        }),
        row("pv_spend", text("html.pv-spend", &[]), Kind::Money, |a| {
            line(a.pv_spend)
        }),
        row("npv", text("line.npv", &[]), Kind::Money, |a| line(a.npv)),
        row(
            "npv_observed_only",
            text("line.npv-observed", &[]),
            Kind::Money,
            |a| line(a.npv_observed_only),
        ),
        row(
            "every_reason.npv",
            text("line.npv-every-reason", &[]),
            Kind::Money,
            |a| line(a.every_reason.map(|e| e.npv)),
        ),
        row(
            "as_estimated.npv",
            text("line.npv-estimated", &[]),
            Kind::Money,
            |a| line(a.as_estimated.as_ref()?.npv),
        ),
        row(
            "share_beyond_observed",
            text("html.share-beyond-observed", &[]),
            Kind::Percent,
            |a| line(a.share_beyond_observed),
        ),
        row(
            "npv_share_beyond_observed",
            text("html.npv-share-beyond-observed", &[]),
            Kind::Percent,
            |a| line(a.npv_share_beyond_observed),
        ),
        row(
            "probability_npv_positive",
            text("html.probability-npv-positive", &[]),
            Kind::Chance,
            |a| alone(a.probability_npv_positive),
        ),
        row(
            "every_reason.probability_npv_positive",
            text("html.probability-npv-every-reason", &[]),
            Kind::Chance,
            |a| alone(a.every_reason.map(|e| e.probability_npv_positive)),
        ),
        row(
            "as_estimated.probability_npv_positive",
            text("html.probability-npv-positive-estimated", &[]),
            Kind::Chance,
            |a| alone(a.as_estimated.as_ref()?.probability_npv_positive),
        ),
        row("roi", text("line.roi", &[]), Kind::Return, |a| line(a.roi)),
        row(
            "payback_months",
            text("html.payback-months", &[]),
            Kind::Month,
            |a| by_month(a.payback_months, a.payback_months_interval),
        ),
        row(
            "payback_months_discounted",
            text("html.payback-months-discounted", &[]),
            Kind::Month,
            |a| {
                by_month(
                    a.payback_months_discounted,
                    a.payback_months_discounted_interval,
                )
            },
        ),
        row(
            "probability_payback",
            text("html.probability-payback", &[("month", &month)]),
            Kind::Chance,
            |a| alone(a.probability_payback),
        ),
        row(
            "cost_per_contact_avoided",
            text("line.cost-per-contact", &[]),
            Kind::MoneyFull,
            |a| line(a.cost_per_contact_avoided),
        ),
        row(
            "break_even_reduction",
            text("html.break-even-reduction", &[]),
            Kind::Percent,
            |a| line(a.break_even_reduction),
        ),
        row(
            "break_even_avoided_per_day",
            match case.priced {
                Priced::Contacts => text("html.break-even-avoided-per-day", &[]),
                Priced::Minutes => text("html.break-even-minutes-per-day", &[]),
            },
            Kind::General,
            |a| line(a.break_even_avoided_per_day),
        ),
        row(
            "break_even_exists",
            text("line.break-even-exists", &[]),
            Kind::Chance,
            |a| alone(a.break_even_exists.filter(|share| *share < 1.0)),
        ),
        row(
            "budget_share",
            text("line.budget-share", &[]),
            Kind::Percent,
            |a| line(a.budget_share),
        ),
        row(
            "budget_share_unrealised",
            text("html.budget-share-unrealised", &[]),
            Kind::Percent,
            |a| line(a.budget_share_unrealised),
        ),
        row(
            "probability_budget_claim",
            text("html.probability-budget-claim", &[("claimed", &claimed)]),
            Kind::Chance,
            |a| alone(a.probability_budget_claim),
        ),
    ];
    rows.extend([
        row(
            "staffing.hours_per_year",
            text("html.hours-per-year", &[]),
            Kind::Count,
            |a| line(a.staffing.as_ref()?.hours_per_year),
        ),
        row(
            "staffing.paid_hours_per_year",
            text("html.paid-hours-per-year", &[]),
            Kind::Count,
            |a| line(a.staffing.as_ref()?.paid_hours_per_year),
        ),
        row(
            "staffing.full_time_agents",
            text("html.full-time-agents", &[]),
            Kind::Rate,
            |a| line(a.staffing.as_ref()?.full_time_agents),
        ),
        row(
            "staffing.agents.before.agents",
            text("html.agents-before", &[]),
            Kind::Count,
            |a| agents(a, |s| s.before.agents.into()),
        ),
        row(
            "staffing.agents.fewer_agents.agents",
            text("line.fewer-agents", &[]),
            Kind::Count,
            |a| agents(a, |s| s.fewer_agents.agents.into()),
        ),
        row(
            "staffing.agents.fewer_agents.positions",
            text("line.fewer-positions", &[]),
            Kind::Count,
            |a| agents(a, |s| s.fewer_agents.positions),
        ),
        row(
            "staffing.agents.lower_occupancy.occupancy",
            text("html.lower-occupancy", &[]),
            Kind::Percent,
            |a| agents(a, |s| s.lower_occupancy.occupancy),
        ),
    ]);
    // A line that no arm has is no line; a payback that no arm reaches is one.
    let cash = case.arms.iter().any(|a| a.npv.is_some());
    rows.retain(|row| {
        let some = case.arms.iter().any(|a| (row.of)(a).is_some());
        some || (cash && matches!(row.kind, Kind::Month))
    });
    rows
}
