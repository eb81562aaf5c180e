//! Every line of the business case by arm: the table that the sliders move.

use crate::finance::{ArmCase, BusinessCase, Line};
use crate::report::document::Document;
use crate::report::finding::{self, arm_title, range};
use crate::report::number::{
    self, chance, decimals, fixed, general, interval_decimals, money, money_short, percent,
};
use crate::report::text::plain;
use crate::texts::text;

use super::write::Html;

/// How a line is shown; the script knows the same names.
#[derive(Clone, Copy)]
enum Kind {
    Rate,
    Count,
    Money,
    MoneyFull,
    Percent,
    Chance,
    Month,
    General,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Rate => "rate",
            Kind::Count => "count",
            Kind::Money => "money",
            Kind::MoneyFull => "money-full",
            Kind::Percent => "percent",
            Kind::Chance => "chance",
            Kind::Month => "month",
            Kind::General => "general",
        }
    }
}

/// A line: its path in an arm's case, its name, and whether the sliders move it.
struct Row {
    path: &'static str,
    name: String,
    kind: Kind,
    moves: bool,
    of: fn(&ArmCase) -> Option<Line>,
}

/// A figure without an interval.
fn alone(value: Option<f64>) -> Option<Line> {
    value.map(|value| Line {
        value,
        lower: None,
        upper: None,
    })
}

fn rows(case: &BusinessCase) -> Vec<Row> {
    let row = |path, name: String, kind, of| Row {
        path,
        name,
        kind,
        moves: true,
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
            |a| Some(a.avoided_per_customer_month),
        ),
        row(
            "minutes_per_customer_month",
            text("html.minutes-per-customer-month", &[]),
            Kind::Rate,
            |a| a.minutes_per_customer_month,
        ),
        row(
            "contacts_avoided",
            text("html.contacts-avoided", &[]),
            Kind::Count,
            |a| Some(a.contacts_avoided),
        ),
        row(
            "minutes_avoided",
            text("html.minutes-avoided", &[]),
            Kind::Count,
            |a| a.minutes_avoided,
        ),
        row(
            "pv_savings",
            text("html.pv-savings", &[]),
            Kind::Money,
            |a| a.pv_savings,
        ),
        row("pv_spend", text("html.pv-spend", &[]), Kind::Money, |a| {
            a.pv_spend
        }),
        row("npv", text("html.npv", &[]), Kind::Money, |a| a.npv),
        row(
            "npv_observed_only",
            text("html.npv-observed-only", &[]),
            Kind::Money,
            |a| a.npv_observed_only,
        ),
        row(
            "as_estimated.npv",
            text("html.npv-estimated", &[]),
            Kind::Money,
            |a| a.as_estimated.as_ref()?.npv,
        ),
        row(
            "share_beyond_observed",
            text("html.share-beyond-observed", &[]),
            Kind::Percent,
            |a| alone(a.share_beyond_observed),
        ),
        row(
            "probability_npv_positive",
            text("html.probability-npv-positive", &[]),
            Kind::Chance,
            |a| alone(a.probability_npv_positive),
        ),
        row(
            "as_estimated.probability_npv_positive",
            text("html.probability-npv-positive-estimated", &[]),
            Kind::Chance,
            |a| alone(a.as_estimated.as_ref()?.probability_npv_positive),
        ),
        row("roi", text("html.roi", &[]), Kind::Percent, |a| a.roi),
        row(
            "payback_months",
            text("html.payback-months", &[]),
            Kind::Month,
            |a| alone(a.payback_months.map(f64::from)),
        ),
        row(
            "payback_months_discounted",
            text("html.payback-months-discounted", &[]),
            Kind::Month,
            |a| alone(a.payback_months_discounted.map(f64::from)),
        ),
        row(
            "probability_payback",
            text("html.probability-payback", &[("month", &month)]),
            Kind::Chance,
            |a| alone(a.probability_payback),
        ),
        row(
            "cost_per_contact_avoided",
            text("html.cost-per-contact-avoided", &[]),
            Kind::MoneyFull,
            |a| a.cost_per_contact_avoided,
        ),
        row(
            "break_even_reduction",
            text("html.break-even-reduction", &[]),
            Kind::Percent,
            |a| alone(a.break_even_reduction),
        ),
        row(
            "break_even_avoided_per_day",
            text("html.break-even-avoided-per-day", &[]),
            Kind::General,
            |a| alone(a.break_even_avoided_per_day),
        ),
        row(
            "budget_share",
            text("html.budget-share", &[]),
            Kind::Percent,
            |a| a.budget_share,
        ),
        row(
            "budget_share_unrealised",
            text("html.budget-share-unrealised", &[]),
            Kind::Percent,
            |a| a.budget_share_unrealised,
        ),
        row(
            "probability_budget_claim",
            text("html.probability-budget-claim", &[("claimed", &claimed)]),
            Kind::Chance,
            |a| alone(a.probability_budget_claim),
        ),
    ];
    let staffing = |path, name: String, of| Row {
        moves: false,
        ..row(path, name, Kind::Count, of)
    };
    rows.extend([
        staffing(
            "staffing.hours_per_year",
            text("html.hours-per-year", &[]),
            |a| a.staffing.as_ref()?.hours_per_year,
        ),
        staffing(
            "staffing.paid_hours_per_year",
            text("html.paid-hours-per-year", &[]),
            |a| a.staffing.as_ref()?.paid_hours_per_year,
        ),
        staffing(
            "staffing.full_time_agents",
            text("html.full-time-agents", &[]),
            |a| a.staffing.as_ref()?.full_time_agents,
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

/// The value and its interval, in words.
fn shown(case: &BusinessCase, kind: Kind, line: Option<Line>) -> (String, Option<String>) {
    let Some(line) = line else {
        return match kind {
            Kind::Month => (text("html.no-payback", &[]), None),
            _ => (crate::report::memo::UNKNOWN.into(), None),
        };
    };
    let half = match (line.lower, line.upper) {
        (Some(l), Some(u)) => (u - l) / 2.0,
        _ => 0.0,
    };
    let currency = plain(&case.currency);
    let show = |v: f64| match kind {
        Kind::Rate => fixed(
            v,
            interval_decimals(line.value, line.lower, line.upper, f64::NAN),
        ),
        Kind::Count => fixed(v, decimals(half).unwrap_or(0).min(0)),
        Kind::Money => money_short(v, &currency, case.minor_digits),
        Kind::MoneyFull => money(v, &currency, case.minor_digits),
        Kind::Percent => percent(v),
        Kind::Chance => chance(v),
        Kind::Month => fixed(v, 0),
        Kind::General => general(v),
    };
    // What is the same in every draw has no interval to show.
    let spread = line.lower != Some(line.value) || line.upper != Some(line.value);
    let interval = spread
        .then(|| range(line.lower, line.upper, show))
        .flatten();
    (show(line.value), interval)
}

/// Writes the table.
pub fn table(doc: &Document, case: &BusinessCase, out: &mut Html) {
    let about = text(
        "html.numbers-about",
        &[
            ("months", &case.horizon_months.to_string()),
            ("level", &finding::level(case.level)),
            ("draws", &number::count(case.draws.into())),
        ],
    );
    let heading = text("html.numbers", &[]);
    let scrolls = text("html.scrolls", &[("what", &heading)]);
    out.element("p", &[("id", "numbers-about"), ("class", "about")], &about);
    let frame = [
        ("class", "scroll"),
        ("role", "group"),
        ("tabindex", "0"),
        ("aria-label", scrolls.as_str()),
    ];
    out.open("div", &frame);
    out.open(
        "table",
        &[
            ("id", "numbers"),
            ("class", "numbers"),
            ("aria-describedby", "numbers-about"),
        ],
    );
    out.element("caption", &[("class", "unseen")], &heading);
    out.raw("<thead><tr>");
    out.element("th", &[("scope", "col")], &text("html.line", &[]));
    for arm in &case.arms {
        out.open("th", &[("scope", "col")]);
        out.element("bdi", &[], &arm_title(doc, &arm.arm));
        out.close("th");
    }
    out.raw("</tr></thead>\n<tbody>\n");
    for row in rows(case) {
        let mut attributes = vec![("data-line", row.path), ("data-kind", row.kind.name())];
        if !row.moves {
            attributes.push(("class", "stays"));
        }
        out.open("tr", &attributes);
        out.open("th", &[("scope", "row")]);
        out.text(&row.name);
        if !row.moves {
            stays(out);
        }
        out.close("th");
        for arm in &case.arms {
            let line = (row.of)(arm);
            let (value, interval) = shown(case, row.kind, line);
            out.raw("<td>");
            match line {
                Some(line) => out.element("data", &[("value", &line.value.to_string())], &value),
                None => out.element("span", &[], &value),
            }
            if let Some(interval) = interval {
                out.raw(" ");
                out.element("span", &[("class", "interval")], &format!("({interval})"));
            }
            out.raw("</td>");
        }
        out.raw("</tr>\n");
    }
    out.raw("</tbody></table></div>\n");
}

/// Says of what stands before it that the sliders do not move it; hidden until one was moved.
pub fn stays(out: &mut Html) {
    let planned = text("html.planned", &[]);
    out.element("span", &[("class", "planned"), ("hidden", "")], &planned);
}
