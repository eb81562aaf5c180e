//! `weekly.csv`: the effect week by week, with the fitted decay.

use crate::error::Result;
use crate::report::document::Document;
use crate::report::privacy::Privacy;

use super::{Cell, Sheet, customers, number, text};

/// One row an outcome, arm and week; the arm's half-life in weeks stands in each of its rows.
pub fn sheet(doc: &Document) -> Result<Sheet> {
    let header = [
        "outcome",
        "arm",
        "control",
        "week",
        "n_arm_customers",
        "n_control_customers",
        "mean_arm",
        "mean_control",
        "value",
        "unit",
        "se",
        "df",
        "ci_lower",
        "ci_upper",
        "level",
        "fitted",
        "half_life_weeks",
        "half_life_lower_weeks",
        "half_life_upper_weeks",
    ];
    let mut sheet = Sheet::new("weekly.csv", &header)?;
    let privacy = Privacy::of(doc);
    let Some(weekly) = &doc.weekly else {
        return Ok(sheet);
    };
    for row in &weekly.rows {
        let fade = weekly
            .fades
            .iter()
            .find(|f| f.outcome == row.outcome && f.arm == row.arm);
        let hidden = privacy.is_small(row.n_arm) || privacy.is_small(row.n_control);
        let shown = |v: Option<f64>| number(v.filter(|_| !hidden));
        sheet.push(vec![
            text(&row.outcome),
            text(&row.arm),
            text(&row.control),
            Cell::Count(row.week.into()),
            customers(row.n_arm, privacy),
            customers(row.n_control, privacy),
            shown(Some(row.mean_arm)),
            shown(Some(row.mean_control)),
            shown(Some(row.value)),
            text(row.unit.to_string()),
            shown(row.se),
            shown(row.df),
            shown(row.ci_lower),
            shown(row.ci_upper),
            number(row.level),
            shown(row.fitted),
            number(fade.and_then(|f| f.half_life_weeks)),
            number(fade.and_then(|f| f.half_life_lower)),
            number(fade.and_then(|f| f.half_life_upper)),
        ])?;
    }
    Ok(sheet)
}
