//! `business-case.xlsx`: the whole business case as live formulas, each with its result.
//!
//! [`workbook`] writes it from the document alone. `inputs` picks what the formulas need, each sheet
//! has its module, `book` holds cells and works out every formula as it is written (`formula`), and
//! `write` makes the file.

mod arm;
mod assumptions;
mod book;
mod choice;
mod correction;
mod figure;
mod formula;
mod hours;
mod inputs;
mod months;
mod names;
mod notes;
mod style;
mod summary;
mod uncertainty;
mod write;

use crate::error::Result;
use crate::report::chart::source_line;
use crate::report::document::Document;
use crate::report::text::plain;
use crate::texts::text;

use book::Book;
use inputs::Inputs;

/// The workbook; `None` where the document has no cash value to work out (no business case, or
/// one without what a net present value needs), or rests on a group too small to be shown.
///
/// # Errors
/// Internal ones only.
pub fn workbook(doc: &Document) -> Result<Option<Vec<u8>>> {
    let Some(inputs) = Inputs::of(doc) else {
        return Ok(None);
    };
    let mut taken = vec![
        text("workbook.sheet-summary", &[]),
        text("workbook.sheet-assumptions", &[]),
        text("workbook.sheet-months", &[]),
        text("workbook.sheet-choice", &[]),
        text("workbook.sheet-hours", &[]),
        text("workbook.sheet-uncertainty", &[]),
        text("workbook.sheet-notes", &[]),
        text("workbook.sheet-correction", &[]),
    ];
    let arm_names: Vec<String> = inputs
        .arms
        .iter()
        .map(|arm| {
            let name = names::sheet_name(&arm.title, &taken);
            taken.push(name.clone());
            name
        })
        .collect();
    let mut book = Book::default();
    let assumptions = assumptions::sheet(&mut book, &taken[1], &inputs)?;
    let (shared, months) = months::sheet(&mut book, &taken[2], &inputs)?;
    let mut arms = Vec::with_capacity(inputs.arms.len());
    for (arm, name) in inputs.arms.iter().zip(&arm_names) {
        arms.push(arm::costs(&mut book, name, &inputs, arm, &months)?);
    }
    let correction = match &inputs.corrected {
        Some(of) => Some(correction::sheet(&mut book, &taken[7], &inputs, of, &arms)?),
        None => None,
    };
    for (arm, sheet) in inputs.arms.iter().zip(&arms) {
        arm::cash(&mut book, &inputs, arm, &months, sheet)?;
    }
    let choice = choice::sheet(&mut book, &taken[3], &inputs, &arms)?;
    let hours = hours::sheet(&mut book, &taken[4], &inputs)?;
    let uncertainty = uncertainty::sheet(&mut book, &taken[5], &inputs);
    let summary = summary::sheet(&mut book, &taken[0], &inputs, &arms)?;
    let notes = notes::sheet(&mut book, &taken[6], &inputs);
    let mut order = vec![summary, assumptions];
    order.extend(arms.iter().map(|arm| arm.sheet));
    order.extend(
        [
            Some(shared),
            Some(choice),
            correction,
            hours,
            Some(uncertainty),
            Some(notes),
        ]
        .iter()
        .flatten(),
    );
    let about = write::About {
        title: &plain(&doc.experiment.title),
        day: &doc.as_of,
        source: &source_line(doc),
        minor_digits: inputs.case.minor_digits,
    };
    write::write(&book, &order, &about).map(Some)
}
