//! The effect of the primary outcome by arm, with its interval.

use crate::analysis::Shown;
use crate::error::Result;
use crate::report::chart::Chart;
use crate::report::chart::canvas::Canvas;
use crate::report::chart::frame::Frame;
use crate::report::chart::palette::{NOTE, PAPER, STRONG, marker, treatment};
use crate::report::chart::paper::Paper;
use crate::report::chart::rows::{HEADROOM, Row, Rows};
use crate::report::chart::scale::Scale;
use crate::report::document::Document;
use crate::report::finding::{self, Effect, effects, headline};
use crate::report::number;
use crate::report::schedule::units;
use crate::report::text::{isolate, plain};
use crate::stats::Estimand;
use crate::texts::text;

/// Draws the chart; `None` without primary estimates.
pub fn draw(doc: &Document, paper: Paper) -> Result<Option<Chart>> {
    let effects = effects(doc);
    let Some(first) = effects.first() else {
        return Ok(None);
    };
    let null = first.shown.null();
    let mut frame = Frame::open(doc, paper, headline(doc, &effects), shows(doc, &effects));
    let rows: Vec<Row> = effects.iter().map(|e| row(doc, e)).collect();
    frame.top += HEADROOM;
    let rows = Rows::draw(&mut frame, &rows, 52.0, 26.0);
    let shown = effects
        .iter()
        .flat_map(|e| [Some(e.shown.value), e.shown.lower, e.shown.upper])
        .flatten()
        .chain([null]);
    let scale = Scale::new(shown, rows.left, rows.right);
    let ends = ends(doc, &first.shown);
    let ends = ends.as_ref().map(|(a, b)| (a.as_str(), b.as_str()));
    rows.axis(&mut frame, &scale, &axis_title(doc, first), ends);
    rows.guide(&mut frame, scale.at(null), Some(&text!("effect.none")));
    for (effect, y) in effects.iter().zip(&rows.middles) {
        mark(&mut frame.canvas, effect, &scale, *y);
    }
    frame.close(doc, "effect").map(Some)
}

fn shows(doc: &Document, effects: &[Effect]) -> Vec<String> {
    let mut shows = Vec::new();
    if let Some(first) = effects.first()
        && effects
            .iter()
            .any(|e| e.shown.lower.is_some() || e.shown.upper.is_some())
    {
        let level = finding::level(first.row.level);
        let comparisons = finding::family(doc);
        shows.push(match effects.iter().filter(|e| e.adjusted).count() {
            0 => text!("effect.intervals", level),
            // Of the findings alone, where they were selected.
            n if n < effects.len() => text!("effect.intervals-selected", level, comparisons),
            _ => text!("effect.intervals-widened", level, comparisons),
        });
    }
    if effects.iter().any(|e| !e.clear && !e.worse) {
        shows.push(text!("effect.hollow"));
    }
    let worse: Vec<&str> = (effects.iter().filter(|e| e.worse))
        .map(|e| e.title.as_str())
        .collect();
    if !worse.is_empty() {
        let arms = worse.join(", ");
        shows.push(text!("effect.worse", arms));
    }
    shows
}

fn row(doc: &Document, effect: &Effect) -> Row {
    let (value, interval) = effect.figures();
    let mut figures = vec![(value, STRONG)];
    figures.extend(interval.map(|text| (text, NOTE)));
    if let Some(p) = effect.p {
        let p = number::p_value(p);
        let p = match effect.p_adjusted {
            true => text!("effect.p-adjusted", p),
            false => p,
        };
        figures.push((p, NOTE));
    }
    Row {
        name: effect.title.clone(),
        note: units(doc, &number::count(effect.row.n_arm)),
        figures,
    }
}

fn axis_title(doc: &Document, first: &Effect) -> String {
    let control = isolate(&finding::control_title(doc));
    let unit = first.shown.unit();
    let unit = plain(&unit);
    match first.row.estimand {
        Estimand::Difference => text!("effect.axis-difference", control, unit),
        Estimand::Ratio => {
            let outcome = plain(&doc.experiment.primary_outcome);
            text!("effect.axis-ratio", outcome, control)
        }
        Estimand::Probability => text!("effect.axis-probability", control),
    }
}

/// What the ends of the axis mean.
fn ends(doc: &Document, shown: &Shown) -> Option<(String, String)> {
    if shown.estimand == Estimand::Probability {
        return None;
    }
    let contacts = shown.counts_contacts();
    Some(match (doc.experiment.better == "higher", contacts) {
        (true, true) => (
            text!("effect.lower-contacts"),
            text!("effect.higher-contacts-better"),
        ),
        (true, false) => (text!("effect.lower"), text!("effect.higher-better")),
        (false, true) => (
            text!("effect.fewer-contacts"),
            text!("effect.more-contacts"),
        ),
        (false, false) => (text!("effect.lower-better"), text!("effect.higher")),
    })
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
    if !effect.clear && !effect.worse {
        marker(canvas, effect.index, at, 4.5, PAPER);
    }
}
