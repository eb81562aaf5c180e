//! The sheet of hours and agents: two readings of the labour in the savings, by formulas.

use crate::error::Result;
use crate::finance::{AgentsCase, Staffed};
use crate::texts::text;

use super::book::{Book, at, cell, letters};
use super::inputs::{ArmInput, Inputs};
use super::style::{Kind, Style};

const FIRST: u32 = 4;
/// Largest number of agents for which the sheet has rows; above it the agents stand as values.
const MOST_AGENTS: u32 = 400;
/// Rows past the agents of the analysis, for other assumptions.
const SPARE: u32 = 60;

/// What the table says of an arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Hours,
    Paid,
    FullTime,
    Contacts,
    Minutes,
    Before,
    PositionsBefore,
    OccupancyBefore,
    Fewer,
    PositionsFewer,
    OccupancyFewer,
    Lower,
    ServiceBefore,
    ServiceFewer,
    ServiceLower,
}

use Item::*;

const ALL: [Item; 15] = [
    Hours,
    Paid,
    FullTime,
    Contacts,
    Minutes,
    Before,
    PositionsBefore,
    OccupancyBefore,
    ServiceBefore,
    Fewer,
    PositionsFewer,
    OccupancyFewer,
    ServiceFewer,
    Lower,
    ServiceLower,
];

impl Item {
    fn label(self) -> String {
        match self {
            Hours => text("workbook.h-hours", &[]),
            Paid => text("workbook.h-paid", &[]),
            FullTime => text("workbook.h-full-time", &[]),
            Contacts => text("workbook.h-contacts", &[]),
            Minutes => text("workbook.h-minutes", &[]),
            Before => text("workbook.h-before", &[]),
            PositionsBefore => text("workbook.h-positions-before", &[]),
            OccupancyBefore => text("workbook.h-occupancy-before", &[]),
            ServiceBefore => text("workbook.h-service-before", &[]),
            Fewer => text("line.fewer-agents", &[]),
            PositionsFewer => text("line.fewer-positions", &[]),
            OccupancyFewer => text("workbook.h-occupancy-fewer", &[]),
            ServiceFewer => text("workbook.h-service-fewer", &[]),
            Lower => text("workbook.h-lower", &[]),
            ServiceLower => text("workbook.h-service-lower", &[]),
        }
    }

    fn kind(self) -> Kind {
        match self {
            Hours | Paid => Kind::Count,
            FullTime => Kind::Factor,
            Before | PositionsBefore | Fewer | PositionsFewer => Kind::Whole,
            _ => Kind::Share,
        }
    }

    fn row(self) -> u32 {
        let place = ALL.iter().position(|i| *i == self).unwrap_or(0) as u32;
        // A blank row before the agents.
        FIRST + place + u32::from(place >= 5)
    }
}

/// Writes the sheet, where the plan says enough of the service centre; gives its number.
pub fn sheet(book: &mut Book, name: &str, inputs: &Inputs) -> Result<Option<usize>> {
    if inputs.arms.iter().all(|a| a.case.staffing.is_none()) {
        return Ok(None);
    }
    let mut widths = vec![62.0];
    widths.extend(vec![20.0; 2 * inputs.arms.len() + 2]);
    let sheet = book.sheet(name, &widths);
    book.paragraph(at(sheet, 0, 0), 3, Style::Title, name);
    let about = text("workbook.hours-about", &[]);
    book.paragraph(at(sheet, 1, 0), 3, Style::Note, &about);
    book.text(
        at(sheet, FIRST - 1, 0),
        Style::Head,
        text("workbook.head-figure", &[]),
    );
    book.sheets[sheet].frozen = (FIRST, 1);
    let has = |book: &Book, name: &str| book.names.contains_key(name);
    let handling = if has(book, "handling_seconds") {
        Some("handling_seconds".to_owned())
    } else {
        inputs
            .minutes
            .then(|| "60*control_minutes/control_contacts".to_owned())
    };
    let live =
        handling.is_some() && has(book, "interval_minutes") && has(book, "contacts_per_interval");
    let most = inputs
        .arms
        .iter()
        .filter_map(|a| a.case.staffing.as_ref()?.agents)
        .map(|agents| agents.before.agents.max(agents.fewer_agents.agents))
        .max();
    for arm in &inputs.arms {
        hours(book, sheet, arm, inputs.minutes, handling.as_deref())?;
    }
    match (most, &handling) {
        (Some(most), Some(handling)) if live && most <= MOST_AGENTS => {
            let erlang = Erlang {
                sheet,
                handling,
                rows: most + SPARE,
                first: ServiceLower.row() + 6,
            };
            erlang.write(book, inputs)?;
        }
        (Some(_), _) => {
            let note = text("workbook.h-fixed", &[]);
            book.paragraph(at(sheet, ServiceLower.row() + 2, 0), 3, Style::Note, &note);
            for arm in &inputs.arms {
                fixed(book, sheet, arm);
            }
        }
        (None, _) => {}
    }
    // A label stands where any arm has its figure.
    for item in ALL {
        let row = item.row();
        let row_cells = book.sheets[sheet].cells.range((row, 1)..(row + 1, 0));
        if row_cells.count() > 0 {
            book.text(at(sheet, row, 0), Style::Text, item.label());
        }
    }
    Ok(Some(sheet))
}

fn hours(
    book: &mut Book,
    sheet: usize,
    arm: &ArmInput,
    minutes: bool,
    handling: Option<&str>,
) -> Result<()> {
    let column = arm.number as u16;
    book.text(at(sheet, FIRST - 1, column), Style::HeadRight, &*arm.title);
    let n = arm.number;
    let has = |book: &Book, name: &str| book.names.contains_key(name);
    let put = |book: &mut Book, item: Item, formula: String| {
        let place = at(sheet, item.row(), column);
        book.formula(place, Style::Live(item.kind()), formula)
    };
    let here = |item: Item| cell(item.row(), column);
    let yearly = match (minutes, handling) {
        (true, _) => Some(format!("arm{n}_minutes*year_avoided/60")),
        (false, Some(handling)) => Some(format!("arm{n}_contacts*year_avoided*{handling}/3600")),
        (false, None) => None,
    };
    if let Some(yearly) = yearly {
        put(book, Hours, yearly)?;
        if has(book, "occupancy") && has(book, "shrinkage") {
            let paid = format!("{}/(occupancy*(1-shrinkage))", here(Hours));
            put(book, Paid, paid)?;
            if has(book, "hours_per_agent_year") {
                put(
                    book,
                    FullTime,
                    format!("{}/hours_per_agent_year", here(Paid)),
                )?;
            }
        }
    }
    let share = |effect: &str, control: &str| {
        format!("arm{n}_{effect}*year_avoided/(year_customers*{control})")
    };
    put(book, Contacts, share("contacts", "control_contacts"))?;
    let of_minutes = match minutes {
        true => share("minutes", "control_minutes"),
        false => here(Contacts),
    };
    put(book, Minutes, of_minutes)
}

/// The agents as the analysis has them.
fn fixed(book: &mut Book, sheet: usize, arm: &ArmInput) {
    let Some(agents) = arm.case.staffing.as_ref().and_then(|s| s.agents) else {
        return;
    };
    let AgentsCase {
        before,
        fewer_agents,
        lower_occupancy,
    } = agents;
    let mut put = |item: Item, value: Option<f64>| {
        let place = at(sheet, item.row(), arm.number as u16);
        book.maybe(place, Style::Fixed(item.kind()), value);
    };
    let mut three = |of: Staffed, items: [Item; 4]| {
        let [agents, positions, occupancy, service] = items;
        put(agents, Some(of.agents.into()));
        put(positions, Some(of.positions));
        put(occupancy, Some(of.occupancy));
        put(service, of.service_level);
    };
    three(
        before,
        [Before, PositionsBefore, OccupancyBefore, ServiceBefore],
    );
    three(
        fewer_agents,
        [Fewer, PositionsFewer, OccupancyFewer, ServiceFewer],
    );
    put(Lower, Some(lower_occupancy.occupancy));
    put(ServiceLower, lower_occupancy.service_level);
}

/// Erlang C agent by agent, in a table below the figures.
///
/// Blocked (Erlang B) of n agents: A·B/(n + A·B) with B of n − 1 agents; waits (Erlang C):
/// B/(1 − A/n·(1 − B)).
struct Erlang<'a> {
    sheet: usize,
    handling: &'a str,
    rows: u32,
    /// Row of the loads; heads and agents below.
    first: u32,
}

/// Contacts of one kind: as it is, or with an arm rolled out.
struct Traffic {
    column: u16,
    title: String,
    load: String,
    handling: String,
}

impl Erlang<'_> {
    fn write(&self, book: &mut Book, inputs: &Inputs) -> Result<()> {
        let sheet = self.sheet;
        let title = text("workbook.h-table", &[]);
        book.text(at(sheet, self.first - 2, 0), Style::Heading, title);
        let note = text(
            "workbook.h-table-about",
            &[("most", &self.rows.to_string())],
        );
        book.paragraph(at(sheet, self.first - 1, 0), 3, Style::Note, &note);
        book.text(
            at(sheet, self.first, 0),
            Style::Text,
            text("workbook.h-load", &[]),
        );
        book.text(
            at(sheet, self.first + 1, 0),
            Style::HeadRight,
            text("workbook.h-agents", &[]),
        );
        for n in 1..=self.rows {
            let place = at(sheet, self.row(n), 0);
            book.number(place, Style::Live(Kind::Whole), n.into());
        }
        let load = format!(
            "contacts_per_interval*{}/(interval_minutes*60)",
            self.handling
        );
        let before = Traffic {
            column: 1,
            title: text("workbook.h-as-it-is", &[]),
            load,
            handling: format!("({})", self.handling),
        };
        self.agents(book, &before)?;
        for arm in &inputs.arms {
            if arm.case.staffing.is_none() {
                continue;
            }
            let share = |item: Item| cell(item.row(), arm.number as u16);
            let (contacts, minutes) = (share(Contacts), share(Minutes));
            let column = 1 + 2 * arm.number as u16;
            let after = Traffic {
                column,
                title: arm.title.clone(),
                load: format!("{}*(1-{minutes})", self.load(&before)),
                handling: format!("({}*(1-{minutes})/(1-{contacts}))", self.handling),
            };
            self.agents(book, &after)?;
            self.figures(book, arm, &before, &after)?;
        }
        Ok(())
    }

    fn row(&self, agents: u32) -> u32 {
        self.first + 1 + agents
    }

    fn load(&self, traffic: &Traffic) -> String {
        format!("${}${}", letters(traffic.column), self.first + 1)
    }

    /// One block of the table: blocked contacts, and whether so many agents are enough.
    fn agents(&self, book: &mut Book, traffic: &Traffic) -> Result<()> {
        let (sheet, column) = (self.sheet, traffic.column);
        let place = at(sheet, self.first, column);
        book.formula(place, Style::Live(Kind::Factor), &*traffic.load)?;
        let gap = traffic.title.as_str();
        let heads = [
            text("workbook.h-blocked", &[("traffic", gap)]),
            text("workbook.h-enough", &[("traffic", gap)]),
        ];
        for (i, head) in heads.into_iter().enumerate() {
            book.text(
                at(sheet, self.first + 1, column + i as u16),
                Style::HeadRight,
                head,
            );
        }
        let load = self.load(traffic);
        let has = |book: &Book, name: &str| book.names.contains_key(name);
        for n in 1..=self.rows {
            let row = self.row(n);
            let (agents, blocked) = (cell(row, 0), cell(row, column));
            let one_less = match n {
                1 => "1".to_owned(),
                _ => cell(row - 1, column),
            };
            let formula = format!("{load}*{one_less}/({agents}+{load}*{one_less})");
            book.formula(at(sheet, row, column), Style::Live(Kind::Factor), formula)?;
            let mut holds = Vec::new();
            if has(book, "occupancy") {
                holds.push(format!("{load}/{agents}<=occupancy"));
            }
            if has(book, "service_level") && has(book, "answer_seconds") {
                let level = service(&load, &agents, &blocked, &traffic.handling);
                holds.push(format!("{level}>=service_level"));
            }
            let formula = format!("IF({agents}>{load},IF(AND({}),1,0),0)", holds.join(","));
            book.formula(
                at(sheet, row, column + 1),
                Style::Live(Kind::Whole),
                formula,
            )?;
        }
        Ok(())
    }

    fn figures(
        &self,
        book: &mut Book,
        arm: &ArmInput,
        before: &Traffic,
        after: &Traffic,
    ) -> Result<()> {
        let column = arm.number as u16;
        let here = |item: Item| cell(item.row(), column);
        let needed = |t: &Traffic| {
            let enough = letters(t.column + 1);
            let (first, last) = (self.row(1) + 1, self.row(self.rows) + 1);
            format!("MATCH(1,{enough}{first}:{enough}{last},0)")
        };
        let shrinkage = match book.names.contains_key("shrinkage") {
            true => "shrinkage",
            false => "0",
        };
        let positions =
            |item: Item| format!("ROUNDUP({}/(1-{shrinkage})-0.000000001,0)", here(item));
        let (load, load_after) = (self.load(before), self.load(after));
        let served = |t: &Traffic, agents: Item| {
            let blocked = letters(t.column);
            let (first, last) = (self.row(1) + 1, self.row(self.rows) + 1);
            let blocked = format!("INDEX({blocked}{first}:{blocked}{last},{})", here(agents));
            service(&self.load(t), &here(agents), &blocked, &t.handling)
        };
        let mut lines = vec![
            (Before, needed(before)),
            (PositionsBefore, positions(Before)),
            (OccupancyBefore, format!("{load}/{}", here(Before))),
            (Fewer, needed(after)),
            (PositionsFewer, positions(Fewer)),
            (OccupancyFewer, format!("{load_after}/{}", here(Fewer))),
            (Lower, format!("{load_after}/{}", here(Before))),
        ];
        if book.names.contains_key("service_level") && book.names.contains_key("answer_seconds") {
            lines.extend([
                (ServiceBefore, served(before, Before)),
                (ServiceFewer, served(after, Fewer)),
                (ServiceLower, served(after, Before)),
            ]);
        }
        for (item, formula) in lines {
            let place = at(self.sheet, item.row(), column);
            book.formula(place, Style::Live(item.kind()), formula)?;
        }
        Ok(())
    }
}

/// Share of contacts answered in time.
fn service(load: &str, agents: &str, blocked: &str, handling: &str) -> String {
    format!(
        "1-{blocked}/(1-{load}/{agents}*(1-{blocked}))*EXP(-({agents}-{load})*answer_seconds/{handling})"
    )
}
