//! Rows of dots with error bars in panels side by side: rates of many estimators at a glance.

use crate::error::Result;
use crate::report::chart::Chart;
use crate::report::chart::canvas::{Anchor, Canvas, Point};
use crate::report::chart::frame::{Frame, Sign};
use crate::report::chart::palette::{
    AXIS, BAND, GRID, LABEL, NOTE, RULE, STRONG, marker, treatment,
};
use crate::report::chart::paper::Paper;
use crate::report::chart::scale::Scale;
use crate::report::typeset::{block, measure, single};

/// A chart of rates.
#[derive(Debug, Clone, PartialEq)]
pub struct Dots {
    /// The finding.
    pub title: String,
    /// What is shown.
    pub subtitle: String,
    /// Where it comes from.
    pub source: String,
    /// Panels from left to right.
    pub panels: Vec<Panel>,
    /// Rows from top to bottom.
    pub rows: Vec<DotRow>,
    /// Names of the series; no legend where there is one only.
    pub series: Vec<String>,
}

/// One panel.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// Above it.
    pub title: String,
    /// Value that would be right.
    pub reference: Option<f64>,
    /// Values that are still near enough.
    pub limits: Option<(f64, f64)>,
    /// Least and greatest value of the axis; what lies beyond is drawn at its end, with an arrow.
    pub ends: (f64, f64),
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct DotRow {
    /// Name at the left.
    pub name: String,
    /// A remark under it.
    pub note: String,
    /// Dots, by panel.
    pub dots: Vec<Vec<Dot>>,
}

/// One rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dot {
    /// The rate.
    pub value: f64,
    /// Half the length of its error bar.
    pub half: f64,
    /// Index of its series.
    pub series: usize,
}

const GAP: f64 = 36.0;
/// Height of a row without and with a remark.
const ROWS: (f64, f64) = (30.0, 38.0);
const RADIUS: f64 = 4.0;
/// A share as a percentage in ticks.
const PERCENT: f64 = 100.0;

/// Draws the chart.
pub fn draw(chart: &Dots) -> Result<Chart> {
    let mut frame = Frame::begin(Paper::Wide, "", chart.title.clone(), chart.subtitle.clone());
    if chart.series.len() > 1 {
        let entries = chart.series.iter().enumerate().map(|(i, name)| {
            let sign: Sign<'_> = Box::new(move |canvas: &mut Canvas, at: Point| {
                marker(canvas, i, at, RADIUS + 1.0, treatment(i));
            });
            (sign, name.clone())
        });
        frame.legend(entries.collect());
    }
    let names = chart
        .rows
        .iter()
        .map(|r| measure(&r.name, LABEL).max(measure(&r.note, NOTE)));
    let left = frame.left() + 8.0 + names.fold(0.0, f64::max).min(230.0).ceil() + 16.0;
    let count = chart.panels.len().max(1) as f64;
    let width = (frame.right() - 8.0 - left - GAP * (count - 1.0)) / count;
    let panels: Vec<(f64, &Panel)> = chart
        .panels
        .iter()
        .enumerate()
        .map(|(i, p)| (left + i as f64 * (width + GAP), p))
        .collect();
    for (x, panel) in &panels {
        let title = block(&panel.title, STRONG, width, 1);
        frame.canvas.text(*x, frame.top, Anchor::Start, &title);
    }
    frame.top += STRONG.line_height() + 4.0;
    let top = frame.top;
    let row_height = if chart.rows.iter().all(|r| r.note.is_empty()) {
        ROWS.0
    } else {
        ROWS.1
    };
    let bottom = top + row_height * chart.rows.len() as f64;
    names_and_bands(&mut frame, chart, left, row_height);
    for (i, (x, panel)) in panels.iter().enumerate() {
        let scale = Scale::exact(panel.ends.0, panel.ends.1, x + 6.0, x + width - 6.0);
        backdrop(&mut frame.canvas, panel, &scale, (top, bottom));
        for (r, row) in chart.rows.iter().enumerate() {
            let middle = top + row_height * (r as f64 + 0.5);
            let dots = row.dots.get(i).map_or(&[] as &[Dot], Vec::as_slice);
            for dot in dots {
                // Series beside each other, so that none hides another.
                let several = chart.series.len().max(1) as f64;
                let step =
                    (dot.series as f64 - (several - 1.0) / 2.0) * (row_height - 12.0) / several;
                mark(&mut frame.canvas, panel, dot, &scale, middle + step);
            }
        }
    }
    frame.top = bottom + 4.0 + AXIS.line_height();
    frame.finish(&chart.source, "dots")
}

fn names_and_bands(frame: &mut Frame, chart: &Dots, left: f64, height: f64) {
    let (from, to) = (frame.left(), frame.right());
    for (i, row) in chart.rows.iter().enumerate() {
        let upper = frame.top + height * i as f64;
        if i % 2 == 0 {
            frame.canvas.rect((from, upper), (to, upper + height), BAND);
        }
        let name = block(&row.name, LABEL, left - from - 16.0, 1);
        let note = block(&row.note, NOTE, left - from - 16.0, 1);
        let mut y = upper + (height - name.height() - note.height()) / 2.0;
        for text in [&name, &note] {
            y += frame.canvas.text(from + 8.0, y, Anchor::Start, text);
        }
    }
}

/// Grid, limits and the reference of a panel, with its ticks below.
fn backdrop(canvas: &mut Canvas, panel: &Panel, scale: &Scale, (top, bottom): (f64, f64)) {
    let (from, to) = scale.ends();
    let percent = Scale::exact(panel.ends.0 * PERCENT, panel.ends.1 * PERCENT, from, to);
    let ticks = percent.ticks_that_fit(AXIS, 6);
    for value in &ticks.values {
        let x = percent.at(*value);
        canvas.line(vec![(x, top), (x, bottom)], 1.0, GRID);
        let label = single(&format!("{} %", ticks.label(*value)), AXIS);
        canvas.text(x, bottom + 3.0, Anchor::Middle, &label);
    }
    if let Some((low, high)) = panel.limits {
        for x in [low, high].map(|v| scale.at(v)) {
            canvas.dashes((x, top), (x, bottom), 1.0, RULE);
        }
    }
    if let Some(reference) = panel.reference {
        let x = scale.at(reference);
        canvas.line(vec![(x, top), (x, bottom)], 1.5, RULE);
    }
    canvas.line(vec![(from - 6.0, bottom), (to + 6.0, bottom)], 1.0, RULE);
}

fn mark(canvas: &mut Canvas, panel: &Panel, dot: &Dot, scale: &Scale, y: f64) {
    let color = treatment(dot.series);
    let x = scale.at(dot.value);
    let (low, high) = panel.ends;
    if dot.value < low || dot.value > high {
        let d = if dot.value > high { 1.0 } else { -1.0 };
        let tip = (x + 6.0 * d, y);
        canvas.area(
            vec![tip, (x - 2.0 * d, y - RADIUS), (x - 2.0 * d, y + RADIUS)],
            color,
            1.0,
        );
        return;
    }
    let (from, to) = (
        scale.at(dot.value - dot.half),
        scale.at(dot.value + dot.half),
    );
    if to - from > 2.0 * RADIUS {
        canvas.line(vec![(from, y), (to, y)], 1.5, color);
    }
    marker(canvas, dot.series, (x, y), RADIUS, color);
}
