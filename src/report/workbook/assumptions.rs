//! The sheet of assumptions: every input, and what is worked out from them at once.

use crate::error::Result;
use crate::texts::text;

use super::book::{Book, at};
use super::inputs::{Entry, Inputs};
use super::style::{Kind, Style};

const WIDTHS: [f64; 8] = [58.0, 16.0, 34.0, 32.0, 13.0, 13.0, 13.0, 38.0];
const LAST: u16 = 7;
const BASE: u16 = 1;

/// Writes the sheet; gives its number.
pub fn sheet(book: &mut Book, name: &str, inputs: &Inputs) -> Result<usize> {
    let sheet = book.sheet(name, &WIDTHS);
    book.paragraph(at(sheet, 0, 0), LAST, Style::Title, name);
    let about = text!("workbook.assumptions-about", none = text!("workbook.none"));
    book.paragraph(at(sheet, 1, 0), LAST, Style::Note, &about);
    for (column, head) in [
        text("workbook.head-assumption", &[]),
        text("workbook.head-base", &[]),
        text("workbook.head-unit", &[]),
        text("workbook.head-form", &[]),
        text("workbook.head-low", &[]),
        text("workbook.head-mode", &[]),
        text("workbook.head-high", &[]),
        text("workbook.head-key", &[]),
    ]
    .into_iter()
    .enumerate()
    {
        let number = column == 1 || (4..=6).contains(&column);
        let style = if number {
            Style::HeadRight
        } else {
            Style::Head
        };
        book.text(at(sheet, 3, column as u16), style, head);
    }
    book.sheets[sheet].frozen = (4, 1);
    book.sheets[sheet].repeated = Some((3, 3));
    let mut row = 4;
    for section in &inputs.sections {
        row += 1;
        book.text(at(sheet, row, 0), Style::Heading, &*section.title);
        row += 1;
        for entry in &section.entries {
            line(book, sheet, row, entry);
            row += 1;
        }
    }
    worked_out(book, sheet, row + 1)?;
    Ok(sheet)
}

fn line(book: &mut Book, sheet: usize, row: u32, entry: &Entry) {
    let place = at(sheet, row, BASE);
    book.text(at(sheet, row, 0), Style::Text, &*entry.label);
    let style = match entry.rule {
        Some(rule) => {
            book.sheets[sheet].rules.push((row, BASE, rule));
            Style::Input(entry.kind)
        }
        None => Style::Live(entry.kind),
    };
    match entry.base {
        Some(base) => book.number(place, style, base),
        None => book.text(place, style, &*text!("workbook.none")),
    }
    for name in &entry.names {
        book.define(name, place);
    }
    book.text(at(sheet, row, 2), Style::Beside, &*entry.unit);
    book.text(at(sheet, row, 3), Style::Beside, &*entry.form);
    for (column, value) in [(4, entry.low), (5, entry.mode), (6, entry.high)] {
        book.maybe(at(sheet, row, column), Style::Fixed(entry.kind), value);
    }
    book.text(at(sheet, row, 7), Style::Beside, &*entry.key);
}

/// Values that many formulas share.
fn worked_out(book: &mut Book, sheet: usize, mut row: u32) -> Result<()> {
    let title = text("workbook.section-worked-out", &[]);
    book.text(at(sheet, row, 0), Style::Heading, title);
    let lines: [(String, &str, String, Kind); 11] = [
        (
            text("workbook.stay", &[]),
            "stay",
            "1-churn".into(),
            Kind::Factor,
        ),
        (
            text("workbook.kept", &[]),
            "kept",
            "IF(ISNUMBER(half_life_months),2^(-1/half_life_months),1)".into(),
            Kind::Factor,
        ),
        (
            text("workbook.offered", &[]),
            "offered",
            "1-holdout".into(),
            Kind::Factor,
        ),
        (
            text("workbook.window-months", &[]),
            "window_months",
            format!("window_days/{}", crate::finance::DAYS_PER_MONTH),
            Kind::Factor,
        ),
        (
            text("workbook.window-full", &[]),
            "window_full",
            "INT(window_months)".into(),
            Kind::Whole,
        ),
        (
            text("workbook.window-part", &[]),
            "window_part",
            "window_months-window_full".into(),
            Kind::Factor,
        ),
        (
            text("workbook.window-left", &[]),
            "window_left",
            "IF(window_full=0,1,(stay*kept)^window_full)".into(),
            Kind::Factor,
        ),
        (
            text("workbook.repeat-months", &[]),
            "repeat_months",
            "IF(ISNUMBER(repeat_every_months),repeat_every_months,0)".into(),
            Kind::Whole,
        ),
        (
            text("workbook.repeat-stay", &[]),
            "repeat_stay",
            "IF(repeat_months=0,0,stay^repeat_months)".into(),
            Kind::Factor,
        ),
        (
            text("workbook.repeat-restores", &[]),
            "repeat_restores",
            "IF(repeat_months=0,0,repeat_stay*(1-kept^repeat_months))".into(),
            Kind::Factor,
        ),
        (
            text("workbook.year", &[]),
            "year_months",
            "MIN(12,horizon_months)".into(),
            Kind::Whole,
        ),
    ];
    for (label, name, formula, kind) in lines {
        row += 1;
        book.text(at(sheet, row, 0), Style::Text, label);
        book.formula(at(sheet, row, BASE), Style::Live(kind), formula)?;
        book.define(name, at(sheet, row, BASE));
        book.text(at(sheet, row, 2), Style::Name, name);
    }
    Ok(())
}
