//! What every chart shares: banners, title, subtitle, legend, source line.

use std::collections::BTreeSet;

use crate::error::Result;
use crate::report::chart::Chart;
use crate::report::chart::boundary::of_planned;
use crate::report::chart::canvas::{Anchor, Canvas, Point};
use crate::report::chart::palette::{ALARM, ALARM_INK, LABEL, SOURCE, SUBTITLE, TITLE};
use crate::report::chart::paper::Paper;
use crate::report::decided::banner;
use crate::report::document::Document;
use crate::report::text::{directed, plain};
use crate::report::typeset::{Style, balanced, block};
use crate::texts::text;

/// A chart in the making: what is above `top` is drawn.
pub struct Frame {
    /// What it is drawn on.
    pub paper: Paper,
    /// Where to draw.
    pub canvas: Canvas,
    /// First free pixel under what was drawn.
    pub top: f64,
    title: String,
    subtitle: String,
}

/// Draws the sign of a legend entry at a point.
pub type Sign<'a> = Box<dyn Fn(&mut Canvas, Point) + 'a>;

impl Frame {
    /// Draws banners, title and what a document's chart shows, as far as the paper has room for them.
    pub fn open(
        doc: &Document,
        paper: Paper,
        title: String,
        shows: impl IntoIterator<Item = String>,
    ) -> Self {
        match paper {
            Paper::Wide | Paper::Narrow => {
                Self::begin(paper, &banners(doc), title, subtitle(doc, shows))
            }
            Paper::Page => {
                let shows: Vec<String> = shows.into_iter().collect();
                Self::begin(paper, "", title, shows.join(" · "))
            }
        }
    }

    /// Draws banners (empty: none), title and subtitle.
    pub fn begin(paper: Paper, banners: &str, title: String, subtitle: String) -> Self {
        let mut canvas = Canvas::new(paper.width());
        let (left, right) = (paper.left(), paper.right());
        let (width, lines) = (right - left, paper.lines());
        let mut top = paper.headroom();
        if !banners.is_empty() {
            let style = Style {
                size: 12.5,
                bold: true,
                color: ALARM_INK,
            };
            let text = block(banners, style, width - 24.0, lines);
            let bottom = top + text.height() + 10.0;
            canvas.rect((left, top), (right, bottom), ALARM);
            canvas.rect((left, top), (left + 4.0, bottom), ALARM_INK);
            canvas.text(left + 14.0, top + 5.0, Anchor::Start, &text);
            top = bottom + 10.0;
        }
        if let Some(size) = paper.title_size() {
            let title = balanced(&title, Style { size, ..TITLE }, width, lines);
            top += canvas.text(left, top, Anchor::Start, &title) + 2.0;
        }
        let shows = block(&subtitle, SUBTITLE, width, lines);
        top += canvas.text(left, top, Anchor::Start, &shows);
        Frame {
            paper,
            canvas,
            top: top + 12.0,
            title,
            subtitle,
        }
    }

    /// Left end of what is drawn.
    pub fn left(&self) -> f64 {
        self.paper.left()
    }

    /// Right end of what is drawn.
    pub fn right(&self) -> f64 {
        self.paper.right()
    }

    /// Draws a legend in as many lines as it needs.
    pub fn legend(&mut self, entries: Vec<(Sign<'_>, String)>) {
        let (left, right) = (self.left(), self.right());
        let (mut x, mut line) = (left, 0.0);
        for (sign, text) in entries {
            let text = block(&text, LABEL, right - left - 24.0, 2);
            let width = 24.0 + text.width() + 22.0;
            if x > left && x + width - 22.0 > right {
                x = left;
                self.top += line;
                line = 0.0;
            }
            let middle = self.top + LABEL.line_height() / 2.0;
            sign(&mut self.canvas, (x + 10.0, middle));
            self.canvas.text(x + 24.0, self.top, Anchor::Start, &text);
            line = f64::max(line, text.height() + 4.0);
            x += width;
        }
        self.top += line + 6.0;
    }

    /// Draws the document's source line and closes the page.
    pub fn close(self, doc: &Document, name: &'static str) -> Result<Chart> {
        self.finish(&source_line(doc), name)
    }

    /// Draws a source line and closes the page.
    pub fn finish(mut self, source: &str, name: &'static str) -> Result<Chart> {
        let (left, right) = (self.left(), self.right());
        if self.paper.has_source() {
            let source = block(source, SOURCE, right - left, self.paper.lines());
            self.top += 16.0;
            self.top += self.canvas.text(left, self.top, Anchor::Start, &source) + 10.0;
        }
        let height = (self.top + 4.0).ceil();
        let svg = self.canvas.svg(height, &self.title, &self.subtitle)?;
        let missing: BTreeSet<char> = self.canvas.missing();
        Ok(Chart { name, svg, missing })
    }
}

/// Banners in one line: "NOT PRE-REGISTERED · LATE".
pub fn banners(doc: &Document) -> String {
    let banners: Vec<_> = doc.banners.iter().map(|b| banner(b)).collect();
    banners.join(" · ")
}

/// The pilot's title and what a chart shows: "Fees · 95 % intervals".
fn subtitle(doc: &Document, shows: impl IntoIterator<Item = String>) -> String {
    let title = directed(&plain(&doc.experiment.title));
    let parts: Vec<String> = std::iter::once(title).chain(shows).collect();
    parts.join(" · ")
}

/// "pilot 0.1.0 · plan 0123456789ab · seal none · as of 2026-12-02", for sequential plans with
/// " · look 1 of 3", of a second stage with " · second stage of fees".
pub fn source_line(doc: &Document) -> String {
    let line = text!(
        "chart.source",
        version = doc.pilot_version,
        plan = doc.plan_sha256.chars().take(12).collect::<String>(),
        seal = doc
            .seal
            .clone()
            .unwrap_or_else(|| text!("sign-off.no-seal")),
        day = doc.as_of,
    );
    let stage = match (&doc.stages, &doc.boundaries) {
        (Some(stages), _) => Some(text!("chart.second-stage", first = stages.first.name)),
        (None, looks) => looks.as_ref().map(of_planned),
    };
    let parts: Vec<String> = std::iter::once(line).chain(stage).collect();
    plain(&parts.join(" · ")).into_owned()
}
