//! Arms that cross two interventions, in words.

use crate::analysis::FactorialRow;
use crate::report::document::Document;
use crate::report::finding::{arm_title, level, range};
use crate::report::memo::{Block, Section};
use crate::report::number::{self, fixed, interval_decimals, percent_with};
use crate::report::privacy::Privacy;
use crate::report::text::{isolate, plain};
use crate::stats::Estimand;
use crate::texts::text;

/// Whether an arm that a row is made of is too small to be shown.
pub fn is_small(doc: &Document, row: &FactorialRow) -> bool {
    let privacy = Privacy::of(doc);
    let concerned = |name: &str, control: bool| {
        control || name == row.first || name == row.second || name == row.both
    };
    let mut arms = doc.experiment.arms.iter();
    arms.any(|arm| concerned(&arm.name, arm.control) && privacy.hides(doc, &arm.name))
}

/// What each intervention does on average, and whether they add up, for the primary outcome.
pub fn crossed(doc: &Document, out: &mut Vec<Block>) {
    let primary = |r: &&FactorialRow| r.outcome == doc.experiment.primary_outcome;
    let rows: Vec<&FactorialRow> = doc.factorial.iter().filter(primary).collect();
    let decides = rows.iter().any(|r| r.primary);
    let rows = rows
        .into_iter()
        .filter(|r| !decides || r.primary)
        .filter(|r| decides || r.estimand == Estimand::Difference)
        .filter(|r| !is_small(doc, r));
    let items: Vec<String> = rows.map(|r| sentence(doc, r)).collect();
    if !items.is_empty() {
        out.push(Block::Heading(Section::Crossed));
        out.push(Block::List(items));
    }
}

fn sentence(doc: &Document, row: &FactorialRow) -> String {
    let title = |name: &str| isolate(&arm_title(doc, name));
    let (first, second) = (title(&row.first), title(&row.second));
    let ratio = row.estimand == Estimand::Ratio;
    let null = if ratio { 1.0 } else { 0.0 };
    let percent = |v: f64| (v - 1.0) * 100.0;
    let decimals = match ratio {
        true => interval_decimals(
            percent(row.value),
            Some(percent(row.ci_lower)),
            Some(percent(row.ci_upper)),
            0.0,
        )
        .max(0),
        false => interval_decimals(row.value, Some(row.ci_lower), Some(row.ci_upper), null),
    };
    let show = |v: f64| match ratio {
        true => percent_with(v - 1.0, decimals),
        false => fixed(v, decimals),
    };
    let value = match ratio {
        true => show(row.value),
        false => format!("{} {}", show(row.value), plain(&row.unit.words())),
    };
    let ends = range(Some(row.ci_lower), Some(row.ci_upper), show);
    let figures = text!(
        "crossed.figures",
        value,
        level = level(row.level),
        interval = ends.unwrap_or_default(),
        p = number::p_value(row.p_value)
    );
    let clear = row.p_value <= 1.0 - row.level + 1e-12;
    match (row.effect.as_str(), ratio, clear) {
        ("main-first", ..) => text!("crossed.main", own = first, other = second, figures),
        ("main-second", ..) => text!("crossed.main", own = second, other = first, figures),
        (_, true, true) => text!("crossed.ratio-clear", first, second, figures),
        (_, true, false) => text!("crossed.ratio", first, second, figures),
        (_, false, true) => text!("crossed.difference-clear", first, second, figures),
        (_, false, false) => text!("crossed.difference", first, second, figures),
    }
}
