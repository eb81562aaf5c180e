//! Outcomes that do not decide, and whether the guardrails among them hold: their table in the memo.

use crate::analysis::{EstimateRow, GuardrailStanding, LevelRow, Shown, Unit, guardrail_standing};
use crate::experiment::Better;
use crate::report::document::{Document, OutcomeInfo};
use crate::report::finding::{self, arm_title, range};
use crate::report::memo::{Block, Section, UNKNOWN, same_decimals, shown_mean};
use crate::report::number::{fixed, general, interval_decimals};
use crate::report::privacy::Privacy;
use crate::report::text::{isolate, plain};
use crate::stats::{DetailValue, Estimand};
use crate::texts::text;

/// Adds the section to the memo, where an outcome beside the deciding one was estimated.
pub fn section(doc: &Document, out: &mut Vec<Block>) {
    let info = &doc.experiment;
    let others = info.outcomes.iter();
    let others: Vec<(&OutcomeInfo, Vec<&EstimateRow>)> = others
        .filter(|o| o.name != info.primary_outcome)
        .map(|o| (o, estimates(doc, o)))
        .filter(|(_, rows)| !rows.is_empty())
        .collect();
    let Some(level) = others.iter().find_map(|(_, rows)| rows.first()) else {
        return;
    };
    let level = finding::level(level.level);
    let guarded = others.iter().any(|(o, _)| o.is_guardrail());
    let mut header = vec![
        text!("others.outcome"),
        text!("memo.arm"),
        text!("others.control"),
        text!("others.arm"),
        text!("memo.effect"),
        text!("interval.level", level),
    ];
    if guarded {
        header.extend([text!("others.margin"), text!("others.stands")]);
    }
    let mut rows = Vec::new();
    for (outcome, estimates) in &others {
        rows.extend(
            estimates
                .iter()
                .map(|row| cells(doc, outcome, row, guarded)),
        );
    }
    out.push(Block::Heading(Section::Others));
    out.push(Block::Table { header, rows });
    let control = isolate(&finding::control_title(doc));
    let mut said = vec![text!("others.about", control)];
    let mut all = others.iter().flat_map(|(_, rows)| rows);
    let shares = all.any(|r| Shown::of(r).factor() != 1.0);
    said.extend(shares.then(|| text!("others.about-shares")));
    said.extend(guarded.then(|| text!("others.about-margin")));
    said.extend(others.iter().filter_map(|(o, rows)| unit(o, rows.first()?)));
    out.push(Block::Paragraph(said.join(" ")));
}

/// The deciding estimates of an outcome in the plan's order of arms; none of an arm too small to be shown.
fn estimates<'a>(doc: &'a Document, outcome: &OutcomeInfo) -> Vec<&'a EstimateRow> {
    let privacy = Privacy::of(doc);
    let small = |n| privacy.is_small(n);
    let mut rows: Vec<(usize, &EstimateRow)> = doc
        .estimates
        .iter()
        .filter(|r| r.primary && r.segment.is_none() && r.outcome == outcome.name)
        .filter(|r| r.value.is_finite() && !small(r.n_arm) && !small(r.n_control))
        .filter_map(|r| Some((finding::treatment_index(doc, &r.arm)?, r)))
        .collect();
    rows.sort_by_key(|(index, _)| *index);
    rows.into_iter().map(|(_, row)| row).collect()
}

fn cells(doc: &Document, outcome: &OutcomeInfo, row: &EstimateRow, guarded: bool) -> Vec<String> {
    let shown = Shown::of(row);
    // What a guardrail is judged by is two-sided, also where the plan's tests are not.
    let factor = shown.factor();
    let ends = match row.detail.get("ci_two_sided") {
        Some(DetailValue::Numbers(ends)) if ends.len() == 2 && outcome.is_guardrail() => {
            (Some(ends[0] * factor), Some(ends[1] * factor))
        }
        _ => (shown.lower, shown.upper),
    };
    let near = margin(outcome, row).map_or(shown.null(), |m| m * factor);
    let d = interval_decimals(shown.value, ends.0, ends.1, near).max(shown.decimals());
    let show = |v: f64| with_unit(&shown, fixed(v, d));
    let name = plain(&outcome.name);
    let name = match outcome.role.as_str() {
        "guardrail" => text!("others.guardrail", name),
        "secondary" => text!("others.secondary", name),
        _ => text!("others.primary", name),
    };
    let mut cells = vec![
        name,
        arm_title(doc, &row.arm),
        mean(doc, outcome, &row.control),
        mean(doc, outcome, &row.arm),
        show(shown.value),
        range(ends.0, ends.1, show).unwrap_or_else(|| UNKNOWN.into()),
    ];
    if guarded {
        cells.extend(stands(outcome, row, &shown));
    }
    cells
}

/// A difference of shares in percentage points says so beside the number: the shares beside it are in percent.
fn with_unit(shown: &Shown, number: String) -> String {
    match shown.factor() == 1.0 {
        true => number,
        false => text!("others.points", number),
    }
}

fn mean(doc: &Document, outcome: &OutcomeInfo, arm: &str) -> String {
    let privacy = Privacy::of(doc);
    let of_arm = |l: &&LevelRow| l.outcome == outcome.name && l.arm == arm && l.period == "after";
    let level = doc.levels.iter().find(of_arm);
    let level = level.filter(|l| !privacy.hides(doc, arm) && !privacy.is_small(l.n));
    let d = || same_decimals(doc, &outcome.name);
    level.map_or_else(|| UNKNOWN.into(), |l| shown_mean(l, d()))
}

/// The margin on the side of harm, and whether the guardrail holds.
fn stands(outcome: &OutcomeInfo, row: &EstimateRow, shown: &Shown) -> [String; 2] {
    if !outcome.is_guardrail() {
        return [String::new(), String::new()];
    }
    let side = margin(outcome, row);
    let standing =
        side.and_then(|side| guardrail_standing(row, better(outcome), side * harm(outcome)));
    let margin = side.map(|m| general(m * shown.factor()));
    [
        margin.map_or_else(|| UNKNOWN.into(), |number| with_unit(shown, number)),
        match standing {
            Some(GuardrailStanding::Holds) => text!("others.holds"),
            Some(GuardrailStanding::Broken) => text!("others.broken"),
            Some(GuardrailStanding::Open) | None => text!("others.open"),
        },
    ]
}

fn better(outcome: &OutcomeInfo) -> Better {
    match outcome.better.as_str() {
        "higher" => Better::Higher,
        _ => Better::Lower,
    }
}

/// The sign of harm.
fn harm(outcome: &OutcomeInfo) -> f64 {
    match better(outcome) {
        Better::Lower => 1.0,
        Better::Higher => -1.0,
    }
}

/// The margin on the side of harm, in the row's unit.
fn margin(outcome: &OutcomeInfo, row: &EstimateRow) -> Option<f64> {
    let size = match row.detail.get("margin") {
        Some(DetailValue::Number(margin)) => Some(*margin),
        _ => outcome.margin,
    };
    size.map(|size| size * harm(outcome))
}

/// "left-us: share of customers over the window."
fn unit(outcome: &OutcomeInfo, row: &EstimateRow) -> Option<String> {
    let outcome = plain(&outcome.name);
    match (row.estimand, &row.unit) {
        (Estimand::Ratio, _) => Some(text!("others.unit-ratio", outcome)),
        (Estimand::Probability, _) => Some(text!("others.unit-probability", outcome)),
        (Estimand::Difference, Unit::Score(_)) => None,
        (Estimand::Difference, unit) => {
            let unit = unit.words();
            Some(text!("others.unit", outcome, unit = plain(&unit)))
        }
    }
}
