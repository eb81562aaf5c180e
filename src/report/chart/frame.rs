//! What every chart shares: banners, title, subtitle, legend, source line.

use std::collections::BTreeSet;

use crate::error::Result;
use crate::report::chart::Chart;
use crate::report::chart::boundary::of_planned;
use crate::report::chart::canvas::{Anchor, Canvas, Point, WIDTH};
use crate::report::chart::palette::{ALARM, ALARM_INK, LABEL, SOURCE, SUBTITLE, TITLE};
use crate::report::decided::banner;
use crate::report::document::Document;
use crate::report::text::{isolate, plain};
use crate::report::typeset::{Style, balanced, block};
use crate::texts::text;

/// Blank at both sides.
pub const MARGIN: f64 = 28.0;

/// A chart in the making: what is above `top` is drawn.
pub struct Frame {
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
    /// Draws banners, title and subtitle of a document's chart.
    pub fn open(doc: &Document, title: String, subtitle: String) -> Self {
        Self::begin(&banners(doc), title, subtitle)
    }

    /// Draws banners (empty: none), title and subtitle.
    pub fn begin(banners: &str, title: String, subtitle: String) -> Self {
        let mut canvas = Canvas::default();
        let width = WIDTH - 2.0 * MARGIN;
        let mut top = 20.0;
        if !banners.is_empty() {
            let style = Style {
                size: 12.5,
                bold: true,
                color: ALARM_INK,
            };
            let text = block(banners, style, width - 24.0, 4);
            let bottom = top + text.height() + 10.0;
            canvas.rect((MARGIN, top), (WIDTH - MARGIN, bottom), ALARM);
            canvas.rect((MARGIN, top), (MARGIN + 4.0, bottom), ALARM_INK);
            canvas.text(MARGIN + 14.0, top + 5.0, Anchor::Start, &text);
            top = bottom + 10.0;
        }
        top += canvas.text(
            MARGIN,
            top,
            Anchor::Start,
            &balanced(&title, TITLE, width, 4),
        );
        top += 2.0;
        top += canvas.text(
            MARGIN,
            top,
            Anchor::Start,
            &block(&subtitle, SUBTITLE, width, 4),
        );
        Frame {
            canvas,
            top: top + 12.0,
            title,
            subtitle,
        }
    }

    /// Draws a legend in as many lines as it needs.
    pub fn legend(&mut self, entries: Vec<(Sign<'_>, String)>) {
        let (mut x, line) = (MARGIN, LABEL.line_height() + 4.0);
        for (sign, text) in entries {
            let text = block(&text, LABEL, WIDTH - 2.0 * MARGIN - 24.0, 1);
            let width = 24.0 + text.width() + 22.0;
            if x > MARGIN && x + width - 22.0 > WIDTH - MARGIN {
                x = MARGIN;
                self.top += line;
            }
            sign(&mut self.canvas, (x + 10.0, self.top + line / 2.0 - 2.0));
            self.canvas.text(x + 24.0, self.top, Anchor::Start, &text);
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
        let source = block(source, SOURCE, WIDTH - 2.0 * MARGIN, 3);
        self.top += 16.0;
        self.top += self.canvas.text(MARGIN, self.top, Anchor::Start, &source);
        let svg = self
            .canvas
            .svg((self.top + 14.0).ceil(), &self.title, &self.subtitle)?;
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
pub fn subtitle(doc: &Document, shows: impl IntoIterator<Item = String>) -> String {
    let title = isolate(&plain(&doc.experiment.title));
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
