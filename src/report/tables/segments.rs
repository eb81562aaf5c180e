//! `segments.csv`: the primary outcomes' effects apart by segment, with the interaction test.

use crate::error::Result;
use crate::report::document::Document;
use crate::report::privacy::Privacy;

use super::{Sheet, customers, number, text};

/// One row an outcome, column, arm and value; the column's interaction test stands in each of them.
pub fn sheet(doc: &Document) -> Result<Sheet> {
    let header = [
        "outcome",
        "column",
        "segment",
        "arm",
        "n_arm_customers",
        "n_control_customers",
        "value",
        "unit",
        "se",
        "ci_lower",
        "ci_upper",
        "level",
        "p_value",
        "p_adjusted",
        "shrunk",
        "shrunk_lower",
        "shrunk_upper",
        "interaction_q",
        "interaction_df",
        "interaction_p_value",
    ];
    let mut sheet = Sheet::new("segments.csv", &header)?;
    let privacy = Privacy::of(doc);
    let Some(segments) = &doc.segments else {
        return Ok(sheet);
    };
    for row in &segments.rows {
        let mut tests = segments.tests.iter();
        let test = tests
            .find(|t| (&t.outcome, &t.column, &t.arm) == (&row.outcome, &row.column, &row.arm));
        let hidden = privacy.is_small(row.n_arm) || privacy.is_small(row.n_control);
        let shown = |v: Option<f64>| number(v.filter(|_| !hidden));
        sheet.push(vec![
            text(&row.outcome),
            text(&row.column),
            text(&row.segment),
            text(&row.arm),
            customers(row.n_arm, privacy),
            customers(row.n_control, privacy),
            shown(Some(row.value)),
            text(row.unit.to_string()),
            shown(row.se),
            shown(row.ci_lower),
            shown(row.ci_upper),
            number(row.level),
            shown(row.p_value),
            shown(row.p_adjusted),
            shown(row.shrunk),
            shown(row.shrunk_lower),
            shown(row.shrunk_upper),
            number(test.and_then(|t| t.q)),
            number(test.and_then(|t| t.df)),
            number(test.and_then(|t| t.p_value)),
        ])?;
    }
    Ok(sheet)
}
