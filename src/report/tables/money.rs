//! Tables of the business case.

use crate::error::Result;
use crate::finance::{AgentsCase, Line, MonthRange, Priced, Staffed, TornadoRange};
use crate::report::document::Document;
use crate::report::tables::{Cell, Sheet, number, text};
use crate::report::text::plain;

/// How the option without an arm is called in a table.
const NO_ROLLOUT: &str = "no roll-out";

/// The currency as it ends a column's name.
fn currency(doc: &Document) -> String {
    doc.business
        .as_ref()
        .map_or_else(|| "currency".into(), |b| plain(&b.currency).to_lowercase())
}

/// A sheet whose columns of money, marked by a `$` at the end, are named after the currency.
fn sheet(doc: &Document, name: &'static str, columns: &[&str]) -> Result<Sheet> {
    let currency = currency(doc);
    let names: Vec<String> = columns
        .iter()
        .map(|column| match column.strip_suffix('$') {
            Some(name) => format!("{name}_{currency}"),
            None => (*column).to_string(),
        })
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Sheet::new(name, &names)
}

fn option(arm: &Option<String>) -> Cell {
    text(arm.as_deref().unwrap_or(NO_ROLLOUT))
}

/// A month with its ends; an empty cell is never within the horizon.
fn months(of: Option<(Option<u32>, Option<MonthRange>)>) -> [Cell; 3] {
    let (month, interval) = of.unwrap_or_default();
    let ends = [
        month,
        interval.and_then(|i| i.lower),
        interval.and_then(|i| i.upper),
    ];
    ends.map(|month| number(month.map(f64::from)))
}

fn ends(line: Option<Line>) -> [Cell; 3] {
    [
        number(line.map(|l| l.value)),
        number(line.and_then(|l| l.lower)),
        number(line.and_then(|l| l.upper)),
    ]
}

/// Cash by arm and month.
pub(super) fn cashflow(doc: &Document) -> Result<Sheet> {
    let mut sheet = sheet(
        doc,
        "cashflow.csv",
        &[
            "arm",
            "month",
            "contacts_avoided",
            "minutes_avoided",
            "saving_variable$",
            "saving_labour$",
            "delivery_cost$",
            "running_cost$",
            "fixed_cost$",
            "net$",
            "cumulative$",
            "cumulative_lower$",
            "cumulative_upper$",
            "cumulative_p05$",
            "cumulative_p25$",
            "cumulative_p50$",
            "cumulative_p75$",
            "cumulative_p95$",
        ],
    )?;
    for row in &doc.cashflow {
        let fan = row.fan;
        sheet.push(vec![
            text(&row.arm),
            Cell::Count(row.month.into()),
            number(row.contacts_avoided),
            number(row.minutes_avoided),
            number(row.saving_variable),
            number(row.saving_labour),
            number(row.delivery_cost),
            number(row.running_cost),
            number(row.fixed_cost),
            number(row.net),
            number(row.cumulative),
            number(row.cumulative_lower),
            number(row.cumulative_upper),
            number(fan.map(|f| f.p05)),
            number(fan.map(|f| f.p25)),
            number(fan.map(|f| f.p50)),
            number(fan.map(|f| f.p75)),
            number(fan.map(|f| f.p95)),
        ])?;
    }
    Ok(sheet)
}

/// Assumptions as used.
pub(super) fn assumptions(doc: &Document) -> Result<Sheet> {
    let header = [
        "key", "form", "base", "low", "mode", "high", "sd", "unit", "range",
    ];
    let mut sheet = Sheet::new("assumptions.csv", &header)?;
    for row in &doc.assumptions {
        sheet.push(vec![
            text(&row.key),
            text(&row.form),
            match row.base {
                Some(base) => number(base),
                None => text("none"),
            },
            number(row.low),
            number(row.mode),
            number(row.high),
            number(row.sd),
            text(row.unit.to_string()),
            text(match row.form.as_str() {
                "triangular" => "ends",
                "normal" => "5th to 95th percentile",
                _ => "",
            }),
        ])?;
    }
    Ok(sheet)
}

/// The options by cost, each arm with its case.
pub(super) fn arms(doc: &Document) -> Result<Sheet> {
    let mut sheet = sheet(
        doc,
        "arms.csv",
        &[
            "option",
            "cost_as_estimated$",
            "contacts_avoided_pv_as_estimated",
            "standing",
            "cost_per_further_contact$",
            "pilot_cost$",
            "contacts_avoided",
            "contacts_avoided_lower",
            "contacts_avoided_upper",
            "npv$",
            "npv_lower$",
            "npv_upper$",
            "npv_as_estimated$",
            "npv_as_estimated_lower$",
            "npv_as_estimated_upper$",
            "npv_observed_only$",
            "npv_observed_only_lower$",
            "npv_observed_only_upper$",
            "npv_every_reason$",
            "npv_every_reason_lower$",
            "npv_every_reason_upper$",
            "probability_npv_every_reason_positive",
            "savings_share_beyond_observed",
            "savings_share_beyond_observed_lower",
            "savings_share_beyond_observed_upper",
            "npv_share_beyond_observed",
            "npv_share_beyond_observed_lower",
            "npv_share_beyond_observed_upper",
            "probability_npv_positive",
            "roi",
            "roi_lower",
            "roi_upper",
            "payback_months",
            "payback_months_lower",
            "payback_months_upper",
            "payback_months_discounted",
            "payback_months_discounted_lower",
            "payback_months_discounted_upper",
            "probability_payback",
            "payback_within_months",
            "cost_per_contact_avoided$",
            "cost_per_contact_avoided_lower$",
            "cost_per_contact_avoided_upper$",
            "break_even_reduction",
            "break_even_reduction_lower",
            "break_even_reduction_upper",
            "break_even_of",
            "break_even_exists",
            "budget_share",
            "budget_share_lower",
            "budget_share_upper",
            "budget_share_unrealised",
            "budget_share_unrealised_lower",
            "budget_share_unrealised_upper",
            "probability_budget_claim",
        ],
    )?;
    let Some((case, choice)) = doc
        .business
        .as_ref()
        .and_then(|b| Some((b, b.choice.as_ref()?)))
    else {
        return Ok(sheet);
    };
    for o in &choice.options {
        let arm = case.arms.iter().find(|a| Some(&a.arm) == o.arm.as_ref());
        let raw = arm.and_then(|a| a.as_estimated.as_ref().map_or(a.npv, |e| e.npv));
        let mut cells = vec![
            option(&o.arm),
            number(o.cost),
            number(o.contacts),
            text(o.standing.name()),
            number(o.cost_per_further_contact),
        ];
        cells.push(number(arm.and_then(|a| a.pilot_cost).map(|c| c.total)));
        cells.extend(ends(arm.map(|a| a.contacts_avoided)));
        cells.extend(ends(arm.and_then(|a| a.npv)));
        cells.extend(ends(raw));
        cells.extend(ends(arm.and_then(|a| a.npv_observed_only)));
        let every = arm.and_then(|a| a.every_reason);
        cells.extend(ends(every.map(|e| e.npv)));
        cells.push(number(every.map(|e| e.probability_npv_positive)));
        cells.extend(ends(arm.and_then(|a| a.share_beyond_observed)));
        cells.extend(ends(arm.and_then(|a| a.npv_share_beyond_observed)));
        cells.push(number(arm.and_then(|a| a.probability_npv_positive)));
        cells.extend(ends(arm.and_then(|a| a.roi)));
        let plain = arm.map(|a| (a.payback_months, a.payback_months_interval));
        let discounted = arm.map(|a| {
            (
                a.payback_months_discounted,
                a.payback_months_discounted_interval,
            )
        });
        cells.extend(months(plain));
        cells.extend(months(discounted));
        cells.push(number(arm.and_then(|a| a.probability_payback)));
        let within = case.payback_within_months.filter(|_| arm.is_some());
        cells.push(number(within.map(f64::from)));
        cells.extend(ends(arm.and_then(|a| a.cost_per_contact_avoided)));
        cells.extend(ends(arm.and_then(|a| a.break_even_reduction)));
        cells.push(match (arm, case.priced) {
            (None, _) => text(""),
            (Some(_), Priced::Contacts) => text("contacts"),
            (Some(_), Priced::Minutes) => text("minutes"),
        });
        cells.push(number(arm.and_then(|a| a.break_even_exists)));
        cells.extend(ends(arm.and_then(|a| a.budget_share)));
        cells.extend(ends(arm.and_then(|a| a.budget_share_unrealised)));
        cells.push(number(arm.and_then(|a| a.probability_budget_claim)));
        sheet.push(cells)?;
    }
    Ok(sheet)
}

/// What moves the NPV.
pub(super) fn tornado(doc: &Document) -> Result<Sheet> {
    let mut sheet = sheet(
        doc,
        "tornado.csv",
        &[
            "arm",
            "key",
            "range",
            "low",
            "high",
            "unit",
            "npv_low$",
            "npv_high$",
            "npv_observed_only$",
        ],
    )?;
    let cases = || doc.business.iter().flat_map(|b| &b.arms);
    let observed = |arm: &str| {
        let case = cases().find(|a| a.arm == arm);
        case.and_then(|a| a.npv_observed_only).map(|npv| npv.value)
    };
    for row in doc.business.iter().flat_map(|b| &b.tornado) {
        sheet.push(vec![
            text(&row.arm),
            text(&row.key),
            text(match row.range {
                TornadoRange::Percentiles => "5th to 95th percentile",
                TornadoRange::NotStated => "the plan states no range",
            }),
            number(row.low),
            match row.high {
                Some(high) => number(high),
                None => text("none"),
            },
            text(row.unit.to_string()),
            number(row.npv_low),
            number(row.npv_high),
            number(observed(&row.arm)),
        ])?;
    }
    Ok(sheet)
}

/// How likely each option is the best.
pub(super) fn acceptability(doc: &Document) -> Result<Sheet> {
    let mut sheet = sheet(
        doc,
        "acceptability.csv",
        &[
            "value_of_contact$",
            "option",
            "probability_best",
            "best_on_average",
        ],
    )?;
    let choice = doc.business.as_ref().and_then(|b| b.choice.as_ref());
    for row in choice.iter().flat_map(|c| &c.acceptability) {
        sheet.push(vec![
            number(row.value),
            option(&row.arm),
            number(row.probability),
            text(if row.best_on_average { "yes" } else { "no" }),
        ])?;
    }
    Ok(sheet)
}

/// Hours and agents: a row an arm and reading.
pub(super) fn staffing(doc: &Document) -> Result<Sheet> {
    let header = [
        "arm",
        "reading",
        "hours_avoided_per_year",
        "hours_avoided_per_year_lower",
        "hours_avoided_per_year_upper",
        "paid_hours_per_year",
        "paid_hours_per_year_lower",
        "paid_hours_per_year_upper",
        "full_time_agents",
        "full_time_agents_lower",
        "full_time_agents_upper",
        "agents",
        "paid_positions",
        "occupancy",
        "service_level",
        "mean_wait_seconds",
    ];
    let mut sheet = Sheet::new("staffing.csv", &header)?;
    for arm in doc.business.iter().flat_map(|b| &b.arms) {
        let Some(case) = &arm.staffing else { continue };
        let mut push = |reading: &str, hours: bool, staffed: Option<Staffed>| {
            let mut cells = vec![text(&arm.arm), text(reading)];
            for line in [
                case.hours_per_year,
                case.paid_hours_per_year,
                case.full_time_agents,
            ] {
                cells.extend(ends(line.filter(|_| hours)));
            }
            cells.extend([
                number(staffed.map(|s| f64::from(s.agents))),
                number(staffed.map(|s| s.positions)),
                number(staffed.map(|s| s.occupancy)),
                number(staffed.and_then(|s| s.service_level)),
                number(staffed.map(|s| s.mean_wait_seconds)),
            ]);
            sheet.push(cells)
        };
        let of = |pick: fn(&AgentsCase) -> Staffed| case.agents.as_ref().map(pick);
        push("hours avoided", true, None)?;
        if case.agents.is_some() {
            push("agents before", false, of(|a| a.before))?;
            push(
                "keep occupancy, fewer agents",
                false,
                of(|a| a.fewer_agents),
            )?;
            push(
                "keep agents, lower occupancy",
                false,
                of(|a| a.lower_occupancy),
            )?;
        }
    }
    Ok(sheet)
}
