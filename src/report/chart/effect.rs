//! The effect of the primary outcome by arm, with its interval.

use crate::analysis::Shown;
use crate::error::Result;
use crate::report::chart::Chart;
use crate::report::chart::canvas::Canvas;
use crate::report::chart::frame::Frame;
use crate::report::chart::palette::{NOTE, PAPER, STRONG, marker, treatment};
use crate::report::chart::rows::{HEADROOM, Row, Rows};
use crate::report::chart::scale::Scale;
use crate::report::document::Document;
use crate::report::finding::{self, Effect, effects, headline};
use crate::report::number;
use crate::report::schedule::units;
use crate::report::text::{isolate, plain};
use crate::stats::Estimand;

/// Draws the chart; `None` without primary estimates.
pub fn draw(doc: &Document) -> Result<Option<Chart>> {
    let effects = effects(doc);
    let Some(first) = effects.first() else {
        return Ok(None);
    };
    let null = first.shown.null();
    let mut frame = Frame::open(doc, headline(doc, &effects), subtitle(doc, &effects));
    let rows: Vec<Row> = effects.iter().map(|e| row(doc, e)).collect();
    frame.top += HEADROOM;
    let rows = Rows::draw(&mut frame, &rows, 52.0);
    let shown = effects
        .iter()
        .flat_map(|e| [Some(e.shown.value), e.shown.lower, e.shown.upper])
        .flatten()
        .chain([null]);
    let scale = Scale::new(shown, rows.left, rows.right);
    let ends = ends(doc, &first.shown);
    let ends = ends.as_ref().map(|(a, b)| (a.as_str(), b.as_str()));
    rows.axis(&mut frame, &scale, &axis_title(doc, first), ends);
    rows.guide(&mut frame, scale.at(null), Some("no effect"));
    for (effect, y) in effects.iter().zip(&rows.middles) {
        mark(&mut frame.canvas, effect, &scale, *y);
    }
    frame.close(doc, "effect").map(Some)
}

fn subtitle(doc: &Document, effects: &[Effect]) -> String {
    let mut parts = vec![plain(&doc.experiment.title).into_owned()];
    if let Some(first) = effects.first()
        && effects
            .iter()
            .any(|e| e.shown.lower.is_some() || e.shown.upper.is_some())
    {
        let level = finding::level(first.row.level);
        let adjusted = effects.iter().filter(|e| e.adjusted).count();
        let family = finding::family(doc);
        parts.push(match adjusted {
            0 => format!("{level} intervals"),
            // Of the findings alone, where they were selected.
            n if n < effects.len() => {
                format!("{level} intervals, of filled ones widened for {family} comparisons")
            }
            _ => format!("{level} intervals, widened for {family} comparisons"),
        });
    }
    if effects.iter().any(|e| !e.clear) {
        parts.push("hollow: could be chance".into());
    }
    parts
        .iter()
        .map(|p| isolate(p))
        .collect::<Vec<_>>()
        .join(" · ")
}

fn row(doc: &Document, effect: &Effect) -> Row {
    let (value, interval) = effect.figures();
    let mut figures = vec![(value, STRONG)];
    figures.extend(interval.map(|text| (text, NOTE)));
    if let Some(p) = effect.p {
        let how = if effect.p_adjusted { ", adjusted" } else { "" };
        figures.push((format!("{}{how}", number::p_value(p)), NOTE));
    }
    Row {
        name: effect.title.clone(),
        note: format!("{} {}", number::count(effect.row.n_arm), units(doc)),
        figures,
    }
}

fn axis_title(doc: &Document, first: &Effect) -> String {
    let control = isolate(&finding::control_title(doc));
    let unit = plain(&first.shown.unit);
    match first.row.estimand {
        Estimand::Difference => format!("Difference to {control}, {unit}"),
        Estimand::Ratio => format!(
            "{} as a ratio to {control} (1 is no effect)",
            plain(&doc.experiment.primary_outcome)
        ),
        Estimand::Probability => {
            format!("Probability that a customer has less than one of {control} (0.5 is no effect)")
        }
    }
}

fn ends(doc: &Document, shown: &Shown) -> Option<(String, String)> {
    if shown.estimand == Estimand::Probability {
        return None;
    }
    let noun = match shown.noun() {
        Some("contacts") => " contacts",
        _ => "",
    };
    let (low, high) = if doc.experiment.better == "higher" {
        ("lower", "higher (better)")
    } else if noun.is_empty() {
        ("lower (better)", "higher")
    } else {
        return Some(("← fewer contacts".into(), "more contacts →".into()));
    };
    Some((format!("← {low}{noun}"), format!("{high}{noun} →")))
}

fn mark(canvas: &mut Canvas, effect: &Effect, scale: &Scale, y: f64) {
    let color = treatment(effect.index);
    let (from, to) = scale.ends();
    let Shown { lower, upper, .. } = effect.shown;
    if lower.is_some() || upper.is_some() {
        let left = lower.map_or(from, |l| scale.at(l));
        let right = upper.map_or(to, |u| scale.at(u));
        canvas.line(vec![(left, y), (right, y)], 3.0, color);
        for (end, open, outward) in [(left, lower.is_none(), -1.0), (right, upper.is_none(), 1.0)] {
            if open {
                let back = end - outward * 9.0;
                let arrow = vec![(end, y), (back, y - 6.0), (back, y + 6.0)];
                canvas.area(arrow, color, 1.0);
            } else {
                canvas.line(vec![(end, y - 6.0), (end, y + 6.0)], 2.0, color);
            }
        }
    }
    let at = (scale.at(effect.shown.value), y);
    marker(canvas, effect.index, at, 7.5, color);
    if !effect.clear {
        marker(canvas, effect.index, at, 4.5, PAPER);
    }
}
