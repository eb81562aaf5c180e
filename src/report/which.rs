//! Which arm, and what its hours mean, in words: the second part of the money in the memo.

use crate::finance::{AgentsCase, ArmCase, BusinessCase, Line, Standing};
use crate::report::document::Document;
use crate::report::finding::{arm_title, beside, range};
use crate::report::memo::{Block, UNKNOWN};
use crate::report::number::{self, fixed, money, percent, percent_with};
use crate::report::text::{isolate, plain};
use crate::report::worth::{amount, in_hours, turned_line};
use crate::texts::text;

/// The arms by cost, and what certainty would be worth.
pub fn arm(doc: &Document, case: &BusinessCase, out: &mut Vec<Block>) {
    let Some(choice) = &case.choice else { return };
    if choice.options.len() > 2 {
        let full = |v: f64| money(v, &plain(&case.currency), case.minor_digits);
        let rows = choice.options.iter().map(|o| {
            vec![
                o.arm
                    .as_deref()
                    .map_or_else(|| text!("workbook.no-roll-out"), |a| arm_title(doc, a)),
                amount(case, o.cost),
                fixed(o.contacts, 0),
                match (o.standing, o.cost_per_further_contact) {
                    (Standing::Frontier, Some(cost)) => full(cost),
                    (Standing::Frontier, None) => UNKNOWN.into(),
                    (Standing::Dominated, _) => text!("workbook.dominated"),
                    (Standing::ExtendedlyDominated, _) => text!("which.dominated-by-mixture"),
                },
            ]
        });
        out.push(Block::Table {
            header: vec![
                text!("which.arm"),
                text!("which.cost"),
                text!("which.contacts"),
                text!("which.further"),
            ],
            rows: rows.collect(),
        });
        out.push(Block::Paragraph(text!("which.about")));
    }
    if let Some(information) = choice.perfect_information {
        let worth = amount(case, information.value);
        out.push(Block::Paragraph(text!("which.information", worth)));
    }
}

/// Hours and agents of one arm: two readings of the labour in the savings.
pub fn agents(doc: &Document, arm: &ArmCase, out: &mut Vec<Block>) {
    let Some(staffing) = &arm.staffing else {
        return;
    };
    let arm = isolate(&arm_title(doc, &arm.arm));
    let Some(hours) = &staffing.hours_per_year else {
        return;
    };
    if hours.value < 0.0 {
        let hours = in_hours(&turned_line(hours));
        let mut said = vec![text!("which.hours-more", arm, hours)];
        said.extend(staffing.agents.as_ref().map(readings));
        out.push(Block::Paragraph(said.join(" ")));
        return;
    }
    let with = |line: &Line, d: i32| {
        let show = |v: f64| fixed(v, d);
        beside(show(line.value), range(line.lower, line.upper, show))
    };
    let hours = in_hours(hours);
    let paid = staffing.paid_hours_per_year.as_ref().map(in_hours);
    let agents = staffing.full_time_agents.as_ref().map(|a| with(a, 1));
    let mut said = vec![match (paid, agents) {
        (Some(paid), Some(agents)) => text!("which.hours-paid-agents", arm, hours, paid, agents),
        (Some(paid), None) => text!("which.hours-paid", arm, hours, paid),
        (None, Some(agents)) => text!("which.hours-agents", arm, hours, agents),
        (None, None) => text!("which.hours", arm, hours),
    }];
    said.extend(staffing.agents.as_ref().map(readings));
    out.push(Block::Paragraph(said.join(" ")));
}

/// The two readings: fewer agents, or the same agents who are less busy.
fn readings(case: &AgentsCase) -> String {
    let AgentsCase {
        before,
        fewer_agents: fewer,
        lower_occupancy: same,
    } = case;
    let paid = |n: f64| number::count(n.max(0.0) as u64);
    let now = text!(
        "which.agents-now",
        agents = number::count(before.agents.into()),
        positions = paid(before.positions),
        occupancy = percent(before.occupancy),
    );
    let fewer = text!(
        "which.agents-fewer",
        agents = number::count(fewer.agents.into()),
        positions = paid(fewer.positions),
    );
    let agents = number::count(before.agents.into());
    let occupancy = percent(same.occupancy);
    let same = match same.service_level.map(|s| percent_with(s, 0)) {
        Some(level) => text!("which.agents-same-in-time", agents, occupancy, level),
        None => text!("which.agents-same", agents, occupancy),
    };
    text!("which.readings", now, fewer, same)
}
