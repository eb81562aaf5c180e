//! `looks.csv`: boundary and statistic of every look made, and the looks planned.

use crate::error::Result;
use crate::report::document::Document;

use super::{Cell, Sheet, number, text};

/// One row an arm and look made, and one for each look planned (arm empty).
pub fn sheet(doc: &Document) -> Result<Sheet> {
    let header = [
        "outcome",
        "arm",
        "look",
        "until",
        "information",
        "information_max",
        "information_fraction",
        "z",
        "boundary_z",
        "boundary_nominal_p",
        "error_rate_spent",
        "futility_z",
        "value",
        "repeated_lower",
        "repeated_upper",
        "repeated_p",
        "value_days",
    ];
    let mut sheet = Sheet::new("looks.csv", &header)?;
    let Some(looks) = &doc.boundaries else {
        return Ok(sheet);
    };
    for p in &looks.planned {
        sheet.push(vec![
            text(&doc.experiment.primary_outcome),
            text(""),
            Cell::Count(p.look.into()),
            text(p.date.as_deref().unwrap_or_default()),
            number(None),
            number(None),
            number(p.information),
            number(None),
            number(p.z),
            number(p.nominal_p),
            number(p.spent),
            number(p.futility),
            number(None),
            number(None),
            number(None),
            number(None),
            number(None),
        ])?;
    }
    for arm in &looks.arms {
        for l in &arm.looks {
            sheet.push(vec![
                text(&arm.outcome),
                text(&arm.arm),
                Cell::Count(l.look.into()),
                text(l.until.as_deref().unwrap_or_default()),
                number(l.information),
                number(l.information_max),
                number(l.fraction),
                number(l.z),
                number(l.critical),
                number(l.nominal_p),
                number(l.spent),
                number(l.futility),
                number(l.value),
                number(l.repeated_lower),
                number(l.repeated_upper),
                number(l.repeated_p),
                number(l.days),
            ])?;
        }
    }
    Ok(sheet)
}
