//! Arms that cross two interventions, in words.

use crate::analysis::FactorialRow;
use crate::report::document::Document;
use crate::report::finding::{arm_title, level};
use crate::report::memo::Block;
use crate::report::number::{self, fixed, interval_decimals, percent_with};
use crate::report::privacy::Privacy;
use crate::report::text::{isolate, plain};
use crate::stats::Estimand;

/// Whether an arm that a row is made of is too small to be shown.
pub fn is_small(doc: &Document, row: &FactorialRow) -> bool {
    let privacy = Privacy::of(doc);
    let concerned = |name: &str, control: bool| {
        control || name == row.first || name == row.second || name == row.both
    };
    let arms = doc.experiment.arms.iter();
    arms.zip(&doc.evidence.customers_by_arm)
        .any(|(arm, n)| concerned(&arm.name, arm.control) && privacy.is_small(*n))
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
        out.push(Block::Heading("What each intervention does".into()));
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
    let unit = match ratio {
        true => String::new(),
        false => format!(" {}", plain(&row.unit)),
    };
    let figures = format!(
        "{}{unit} ({} interval {} to {}, {})",
        show(row.value),
        level(row.level),
        show(row.ci_lower),
        show(row.ci_upper),
        number::p_value(row.p_value)
    );
    let main = |own: &str, other: &str| {
        format!("{own}, on average over customers with and without {other}: {figures}")
    };
    match row.effect.as_str() {
        "main-first" => main(&first, &second),
        "main-second" => main(&second, &first),
        _ => {
            let clear = row.p_value <= 1.0 - row.level + 1e-12;
            let meaning = match (clear, ratio) {
                (true, _) => "they change each other's effect",
                (false, true) => {
                    "no sign that they change each other's effect, though only a large change would show"
                }
                (false, false) => {
                    "no sign that they do more or less together than apart, though only a large difference would show"
                }
            };
            let beyond = match ratio {
                true => "beyond the product of their effects",
                false => "beyond the sum of their effects",
            };
            format!("{first} and {second} together, {beyond}: {figures}; {meaning}")
        }
    }
}
