//! The first sheet: the decision, and every arm's figures by formula from its own sheet.

use crate::error::Result;
use crate::finance::ArmCase;
use crate::report::memo::{Block, memo};
use crate::texts::text;

use super::arm::ArmSheet;
use super::book::{Book, at, cell};
use super::figure::Figure;
use super::formula::literal;
use super::inputs::Inputs;
use super::style::{Kind, Style};

/// Writes the sheet; gives its number.
pub fn sheet(book: &mut Book, name: &str, inputs: &Inputs, arms: &[ArmSheet]) -> Result<usize> {
    let mut widths = vec![58.0];
    widths.extend(vec![22.0; arms.len().max(3)]);
    let sheet = book.sheet(name, &widths);
    let wide = arms.len().max(3) as u16;
    book.sheets[sheet].one_page = true;
    let mut row = 0;
    for block in memo(inputs.doc) {
        let (style, words) = match &block {
            Block::Title(title) => (Style::Title, title),
            Block::Banner(banner) => (Style::Banner, banner),
            Block::Decision(decision) => (Style::Lead, decision),
            Block::List(why) => {
                for reason in why {
                    book.paragraph(at(sheet, row, 0), wide, Style::Text, reason);
                    row += 1;
                }
                break;
            }
            Block::Heading(_) => break,
            _ => continue,
        };
        book.paragraph(at(sheet, row, 0), wide, style, words);
        row += 1;
    }
    row += 1;
    let currency = crate::report::text::plain(&inputs.case.currency).into_owned();
    let title = text("workbook.summary-live", &[("currency", &currency)]);
    book.text(at(sheet, row, 0), Style::Heading, title);
    row += 1;
    heads(book, sheet, row, inputs);
    row += 1;
    let figures = Figure::all(inputs);
    for figure in &figures {
        book.text(at(sheet, row, 0), Style::Text, figure.label(inputs.minutes));
        for (k, arm) in arms.iter().enumerate() {
            let formula = book.reference(arm.place(*figure));
            let style = match figure {
                Figure::Npv | Figure::ObservedOnly => Style::Strong(figure.kind()),
                _ => Style::Live(figure.kind()),
            };
            book.formula(at(sheet, row, 1 + k as u16), style, formula)?;
        }
        row += 1;
    }
    row += 1;
    as_analysed(book, sheet, row, inputs, arms)?;
    Ok(sheet)
}

fn heads(book: &mut Book, sheet: usize, row: u32, inputs: &Inputs) {
    let head = text("workbook.head-figure", &[]);
    book.text(at(sheet, row, 0), Style::Head, head);
    for (k, arm) in inputs.arms.iter().enumerate() {
        let place = at(sheet, row, 1 + k as u16);
        book.text(place, Style::HeadRight, &*arm.title);
    }
}

/// What the analysis said, and whether the workbook still says it.
fn as_analysed(
    book: &mut Book,
    sheet: usize,
    mut row: u32,
    inputs: &Inputs,
    arms: &[ArmSheet],
) -> Result<()> {
    let title = text("workbook.summary-analysed", &[]);
    book.text(at(sheet, row, 0), Style::Heading, title);
    row += 1;
    heads(book, sheet, row, inputs);
    type Pick = fn(&ArmCase) -> Option<f64>;
    let lines: [(String, Kind, Pick); 6] = [
        (Figure::Npv.label(false), Kind::Money, |a| {
            Some(a.npv?.value)
        }),
        (text("workbook.s-lower", &[]), Kind::Money, |a| a.npv?.lower),
        (text("workbook.s-upper", &[]), Kind::Money, |a| a.npv?.upper),
        (text("workbook.u-npv-positive", &[]), Kind::Chance, |a| {
            a.probability_npv_positive
        }),
        (text("workbook.u-payback", &[]), Kind::Chance, |a| {
            a.probability_payback
        }),
        (text("workbook.s-pilot-cost", &[]), Kind::Money, |a| {
            a.pilot_cost.map(|cost| cost.total)
        }),
    ];
    let npv = row + 1;
    for (label, kind, pick) in lines {
        if inputs.arms.iter().all(|arm| pick(arm.case).is_none()) {
            continue;
        }
        row += 1;
        book.text(at(sheet, row, 0), Style::FixedText, label);
        for (k, arm) in inputs.arms.iter().enumerate() {
            let place = at(sheet, row, 1 + k as u16);
            book.maybe(place, Style::Fixed(kind), pick(arm.case));
        }
    }
    row += 1;
    let label = text("workbook.s-moved", &[]);
    book.text(at(sheet, row, 0), Style::Text, label);
    let half_unit = 0.5 / 10f64.powi(inputs.case.minor_digits.into());
    for (k, arm) in arms.iter().enumerate() {
        let column = 1 + k as u16;
        let live = book.reference(arm.place(Figure::Npv));
        let formula = format!(
            "IF(ABS({live}-{})<{half_unit},{},{})",
            cell(npv, column),
            literal(&text("workbook.s-same", &[])),
            literal(&text("workbook.s-changed", &[])),
        );
        book.formula(at(sheet, row, column), Style::Live(Kind::Any), formula)?;
    }
    Ok(())
}
