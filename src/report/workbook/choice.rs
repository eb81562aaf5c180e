//! The sheet "which arm": cost against contacts avoided, by formulas.

use crate::error::Result;
use crate::texts::text;

use super::arm::ArmSheet;
use super::book::{Book, at, cell, letters};
use super::figure::Figure;
use super::formula::{Value, literal};
use super::inputs::Inputs;
use super::style::{Kind, Style};

const WIDTHS: [f64; 10] = [44.0, 17.0, 17.0, 17.0, 17.0, 17.0, 22.0, 22.0, 17.0, 17.0];
const FIRST: u32 = 4;

/// Columns of the table of options.
const COST: u16 = 1;
const CONTACTS: u16 = 2;
const NPV: u16 = 3;
const BEST: u16 = 4;
const BEATEN: u16 = 5;
const STANDING: u16 = 6;
const RATIO: u16 = 7;
const FRONTIER: u16 = 8;
const OBSERVED: u16 = 9;

/// Writes the sheet; gives its number.
pub fn sheet(book: &mut Book, name: &str, inputs: &Inputs, arms: &[ArmSheet]) -> Result<usize> {
    let mut widths = WIDTHS.to_vec();
    widths.resize(WIDTHS.len().max(arms.len() + 2), 17.0);
    let sheet = book.sheet(name, &widths);
    book.paragraph(at(sheet, 0, 0), 8, Style::Title, name);
    let about = text("workbook.choice-about", &[]);
    book.paragraph(at(sheet, 1, 0), 8, Style::Note, &about);
    let heads = [
        text("workbook.c-option", &[]),
        text("line.spend", &[]),
        text("workbook.c-contacts", &[]),
        text("line.npv-estimated", &[]),
        text("workbook.c-best", &[]),
        text("workbook.c-beaten", &[]),
        text("workbook.c-standing", &[]),
        text("workbook.c-ratio", &[]),
        text("workbook.c-frontier", &[]),
        text("workbook.c-observed", &[]),
    ];
    for (column, head) in heads.into_iter().enumerate() {
        let right = column > 0 && column as u16 != STANDING;
        let style = match (right, column) {
            (true, _) => Style::HeadRight,
            (_, 0) => Style::Head,
            _ => Style::HeadBeside,
        };
        book.text(at(sheet, FIRST - 1, column as u16), style, head);
    }
    book.sheets[sheet].frozen = (FIRST, 1);
    let last = FIRST + arms.len() as u32;
    for row in FIRST..=last {
        let arm = (row - FIRST).checked_sub(1).map(|k| k as usize);
        let title = match arm {
            None => text("workbook.no-roll-out", &[]),
            Some(k) => inputs.arms[k].title.clone(),
        };
        book.text(at(sheet, row, 0), Style::Text, title);
        for (column, figure, kind) in [
            (COST, Figure::Spend, Kind::Money),
            (CONTACTS, Figure::ContactsPvEstimated, Kind::Count),
            (NPV, Figure::NpvEstimated, Kind::Money),
            (OBSERVED, Figure::ObservedEstimated, Kind::Money),
        ] {
            let place = at(sheet, row, column);
            match arm {
                None => book.number(place, Style::Live(kind), 0.0),
                Some(k) => {
                    let formula = book.reference(arms[k].place(figure));
                    book.formula(place, Style::Live(kind), formula)?;
                }
            }
        }
    }
    standing(book, sheet, last)?;
    let row = value_of_contact(book, sheet, last, inputs)?;
    from_simulation(book, sheet, row, inputs);
    Ok(sheet)
}

/// A square of pairs of options: one a row, one a column.
struct Square {
    first: u32,
    options: u32,
}

impl Square {
    /// The row of an option, as formulas name it.
    fn row(&self, option: u32) -> String {
        let row = self.first + option;
        format!("{}:{}", cell(row, 1), cell(row, self.options as u16))
    }

    /// Writes title, heads and the formula of each pair.
    fn write(
        &self,
        book: &mut Book,
        sheet: usize,
        title: String,
        kind: Kind,
        formula: impl Fn(u32, u32) -> String,
    ) -> Result<()> {
        book.text(at(sheet, self.first - 2, 0), Style::Heading, title);
        for i in 0..self.options {
            let name = match book.result(at(sheet, FIRST + i, 0)) {
                Value::Text(name) => name,
                _ => String::new(),
            };
            book.text(at(sheet, self.first + i, 0), Style::Text, &*name);
            book.text(
                at(sheet, self.first - 1, 1 + i as u16),
                Style::HeadRight,
                name,
            );
            for j in 0..self.options {
                let place = at(sheet, self.first + i, 1 + j as u16);
                book.formula(place, Style::Live(kind), formula(i, j))?;
            }
        }
        Ok(())
    }
}

/// Dominance by pairs of options, in three squares below the table: who is beaten by whom, and the cost
/// of a further contact avoided from one option to another.
///
/// An option is on the frontier where the dearest step to it from one that avoids less costs less than the
/// cheapest step from it to one that avoids more.
fn standing(book: &mut Book, sheet: usize, last: u32) -> Result<()> {
    let options = last - FIRST + 1;
    let square = |number: u32| Square {
        first: last + 8 + number * (options + 4),
        options,
    };
    let (beats, from, to) = (square(0), square(1), square(2));
    let of = |option: u32, column: u16| format!("${}${}", letters(column), FIRST + option + 1);
    let title = text("workbook.c-beats", &[]);
    beats.write(book, sheet, title, Kind::Whole, |i, j| {
        let (cost, contacts) = (of(i, COST), of(i, CONTACTS));
        let (other_cost, other_contacts) = (of(j, COST), of(j, CONTACTS));
        let no_worse = format!("{other_cost}<={cost},{other_contacts}>={contacts}");
        // Of two alike the first counts.
        match j < i {
            true => format!("IF(AND({no_worse}),1,0)"),
            false => format!(
                "IF(AND({no_worse},OR({other_cost}<{cost},{other_contacts}>{contacts})),1,0)"
            ),
        }
    })?;
    let step = |i: u32, j: u32, sign: &str| {
        let (cost, contacts) = (of(i, COST), of(i, CONTACTS));
        let (other_cost, other_contacts) = (of(j, COST), of(j, CONTACTS));
        format!(
            "IF({contacts}{sign}{other_contacts},({cost}-{other_cost})/({contacts}-{other_contacts}),\"–\")"
        )
    };
    let title = text("workbook.c-from", &[]);
    from.write(book, sheet, title, Kind::Price, |i, j| step(i, j, ">"))?;
    let title = text("workbook.c-to", &[]);
    to.write(book, sheet, title, Kind::Price, |i, j| step(i, j, "<"))?;
    let npv = |row: u32| cell(row, NPV);
    let all_npv = format!("{}:{}", npv(FIRST), npv(last));
    for i in 0..options {
        let row = FIRST + i;
        let best = format!("IF(MATCH(MAX({all_npv}),{all_npv},0)={},1,0)", i + 1);
        book.formula(at(sheet, row, BEST), Style::Live(Kind::Whole), best)?;
        let beaten = format!("SUM({})", beats.row(i));
        book.formula(at(sheet, row, BEATEN), Style::Live(Kind::Whole), beaten)?;
    }
    for i in 0..options {
        let row = FIRST + i;
        let (from, to) = (from.row(i), to.row(i));
        // MIN and MAX of a row without numbers are 0, so numbers are counted first.
        let some = |block: &str| format!("COUNT({block})=0");
        let frontier = format!(
            "IF({}>0,0,IF(OR({},{}),1,IF(MAX({from})<MIN({to}),1,0)))",
            cell(row, BEATEN),
            some(&from),
            some(&to)
        );
        book.formula(at(sheet, row, FRONTIER), Style::Live(Kind::Whole), frontier)?;
        let standing = format!(
            "IF({}>0,{},IF({}=1,{},{}))",
            cell(row, BEATEN),
            literal(&text("workbook.dominated", &[])),
            cell(row, FRONTIER),
            literal(&text("workbook.on-frontier", &[])),
            literal(&text("workbook.extendedly", &[])),
        );
        book.formula(at(sheet, row, STANDING), Style::Beside, standing)?;
    }
    for i in 0..options {
        let row = FIRST + i;
        let from = from.row(i);
        // The first option of the frontier has none before it: no step to it costs anything.
        let ratio = format!(
            "IF({}=0,\"–\",IF(COUNT({from})=0,\"–\",IF(MAX({from})>0,MAX({from}),\"–\")))",
            cell(row, FRONTIER)
        );
        book.formula(at(sheet, row, RATIO), Style::Live(Kind::Price), ratio)?;
    }
    Ok(())
}

/// Present value of the savings by contact avoided, of the best arm as estimated.
fn value_of_contact(book: &mut Book, sheet: usize, last: u32, inputs: &Inputs) -> Result<u32> {
    let row = last + 2;
    let label = text("workbook.c-value", &[]);
    book.paragraph(at(sheet, row, 0), 2, Style::Text, &label);
    let column = |c: u16| format!("{}:{}", cell(FIRST + 1, c), cell(last, c));
    let best = format!("MATCH(MAX({}),{},0)", column(NPV), column(NPV));
    let of = |c: u16| format!("INDEX({},{best})", column(c));
    let units = match inputs.minutes {
        true => "*IF(control_contacts>0,control_minutes/control_contacts,0)",
        false => "",
    };
    let formula = format!(
        "IF({contacts}>0,({npv}+{cost})/{contacts},IF(avoided_pv>0,saving_pv/avoided_pv{units},{none}))",
        contacts = of(CONTACTS),
        npv = of(NPV),
        cost = of(COST),
        none = literal(&text!("workbook.none"))
    );
    book.formula(at(sheet, row, 3), Style::Strong(Kind::Price), formula)?;
    Ok(row + 1)
}

fn from_simulation(book: &mut Book, sheet: usize, row: u32, inputs: &Inputs) {
    let Some(information) = inputs
        .case
        .choice
        .as_ref()
        .and_then(|c| c.perfect_information)
    else {
        return;
    };
    let label = text("workbook.c-information", &[]);
    book.paragraph(at(sheet, row, 0), 2, Style::Text, &label);
    book.number(
        at(sheet, row, 3),
        Style::Fixed(Kind::Money),
        information.value,
    );
    let note = text("workbook.does-not-move", &[]);
    book.text(at(sheet, row, 4), Style::Name, note);
}
