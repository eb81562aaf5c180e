//! Which arm, and what its hours mean, in words: the second part of the money in the memo.

use crate::finance::{AgentsCase, ArmCase, BusinessCase, Line, Standing};
use crate::report::document::Document;
use crate::report::finding::{arm_title, range};
use crate::report::memo::{Block, UNKNOWN};
use crate::report::number::{self, fixed, money, percent, percent_with};
use crate::report::text::{isolate, plain};
use crate::report::worth::amount;

/// The arms by cost, and what certainty would be worth.
pub fn arm(doc: &Document, case: &BusinessCase, out: &mut Vec<Block>) {
    let Some(choice) = &case.choice else { return };
    if choice.options.len() > 2 {
        let full = |v: f64| money(v, &plain(&case.currency), case.minor_digits);
        let rows = choice.options.iter().map(|o| {
            vec![
                o.arm
                    .as_deref()
                    .map_or_else(|| "No roll-out".into(), |a| arm_title(doc, a)),
                amount(case, o.cost),
                fixed(o.contacts, 0),
                match (o.standing, o.cost_per_further_contact) {
                    (Standing::Frontier, Some(cost)) => full(cost),
                    (Standing::Frontier, None) => UNKNOWN.into(),
                    (Standing::Dominated, _) => "dominated".into(),
                    (Standing::ExtendedlyDominated, _) => "dominated by a mixture".into(),
                },
            ]
        });
        out.push(Block::Table {
            header: [
                "Which arm",
                "Cost",
                "Contacts avoided",
                "A further contact costs",
            ]
            .map(String::from)
            .into(),
            rows: rows.collect(),
        });
        out.push(Block::Paragraph(
            "By cost, as estimated, in present values. Dominated: another option avoids as many contacts and costs no \
             more; by a mixture: two others together do. A further contact: what it costs to avoid one more \
             than the option above it that is not dominated."
                .into(),
        ));
    }
    if let Some(information) = choice.perfect_information {
        out.push(Block::Paragraph(format!(
            "Certainty about effects and assumptions before the decision would be worth {} (expected value of \
             perfect information): no further test is worth more.",
            amount(case, information.value)
        )));
    }
}

/// Hours and agents of one arm: two readings of the labour in the savings.
pub fn agents(doc: &Document, arm: &ArmCase, out: &mut Vec<Block>) {
    let Some(staffing) = &arm.staffing else {
        return;
    };
    let name = isolate(&arm_title(doc, &arm.arm));
    let Some(hours) = &staffing.hours_per_year else {
        return;
    };
    let whole = |v: f64| fixed(v, 0);
    let with = |line: &Line, d: i32| {
        let show = |v: f64| fixed(v, d);
        let ends = range(line.lower, line.upper, show);
        let ends = ends.map_or_else(String::new, |ends| format!(" ({ends})"));
        format!("{}{ends}", show(line.value))
    };
    let mut text = format!(
        "Hours and agents: in a steady year {name} avoids {} hours of handling",
        with(hours, 0)
    );
    if let Some(paid) = &staffing.paid_hours_per_year {
        text += &format!(", {} paid hours", whole(paid.value));
    }
    if let Some(agents) = &staffing.full_time_agents {
        text += &format!(" or {} full-time agents", with(agents, 1));
    }
    text += ".";
    if let Some(agents) = &staffing.agents {
        text += &readings(agents);
    }
    out.push(Block::Paragraph(text));
}

fn readings(agents: &AgentsCase) -> String {
    let AgentsCase {
        before,
        fewer_agents,
        lower_occupancy,
    } = agents;
    let level = |s: Option<f64>| {
        s.map_or_else(String::new, |s| {
            format!(", {} answered in time", percent_with(s, 0))
        })
    };
    let paid = |n: f64| number::count(n.max(0.0) as u64);
    format!(
        " In the plan's interval it takes {} agents ({} paid positions) at {} occupancy. Two readings of the same \
         labour, not to be added: keep occupancy and service, and {} agents do ({} paid positions); or keep the {} \
         agents, and occupancy falls to {}{}.",
        number::count(before.agents.into()),
        paid(before.positions),
        percent(before.occupancy),
        number::count(fewer_agents.agents.into()),
        paid(fewer_agents.positions),
        number::count(before.agents.into()),
        percent(lower_occupancy.occupancy),
        level(lower_occupancy.service_level),
    )
}
