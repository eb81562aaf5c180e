//! The last sheet: where the numbers come from, and what a reader must know.

use crate::report::chart::source_line;
use crate::report::decided;
use crate::report::text::plain;
use crate::texts::text;

use super::book::{Book, at};
use super::inputs::Inputs;
use super::style::Style;

/// Writes the sheet; gives its number.
pub fn sheet(book: &mut Book, name: &str, inputs: &Inputs) -> usize {
    let sheet = book.sheet(name, &[30.0, 90.0]);
    let doc = inputs.doc;
    book.paragraph(at(sheet, 0, 0), 1, Style::Title, name);
    let mut row = 2;
    for banner in &doc.banners {
        book.paragraph(
            at(sheet, row, 0),
            1,
            Style::Banner,
            &decided::banner(banner),
        );
        row += 1;
    }
    let approved = match &doc.seal {
        Some(seal) => plain(seal).into_owned(),
        None => text("workbook.n-no-seal", &[]),
    };
    for (label, value) in [
        (text("workbook.n-pilot", &[]), doc.experiment.name.as_str()),
        (text("workbook.n-source", &[]), source_line(doc).as_str()),
        (text("workbook.n-seal", &[]), approved.as_str()),
        (text("workbook.n-plan", &[]), doc.plan_sha256.as_str()),
        (text("workbook.n-as-of", &[]), doc.as_of.as_str()),
    ] {
        book.text(at(sheet, row, 0), Style::Text, label);
        book.text(at(sheet, row, 1), Style::Text, plain(value));
        row += 1;
    }
    row += 1;
    book.text(
        at(sheet, row, 0),
        Style::Heading,
        text("workbook.n-how", &[]),
    );
    for line in [
        text("workbook.n-inputs", &[]),
        text(
            "workbook.n-horizon",
            &[("most", &inputs.months.to_string())],
        ),
        text("workbook.n-simulation", &[]),
        text("workbook.n-protected", &[]),
    ] {
        row += 1;
        book.paragraph(at(sheet, row, 0), 1, Style::Text, &line);
    }
    row += 2;
    book.text(
        at(sheet, row, 0),
        Style::Heading,
        text("workbook.n-know", &[]),
    );
    let warnings = doc.warnings.iter().map(|w| &w.message);
    for note in inputs.case.notes.iter().chain(warnings) {
        row += 1;
        book.paragraph(at(sheet, row, 0), 1, Style::Text, &plain(note));
    }
    if !doc.deviations.is_empty() {
        row += 2;
        book.text(
            at(sheet, row, 0),
            Style::Heading,
            text("workbook.n-changed", &[]),
        );
        for change in &doc.deviations {
            row += 1;
            book.paragraph(at(sheet, row, 0), 1, Style::Text, &plain(&change.key));
        }
    }
    sheet
}
