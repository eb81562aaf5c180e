//! Charts of rows: a name at the left, marks on a common axis, figures at the right.

use crate::report::chart::canvas::Anchor;
use crate::report::chart::frame::Frame;
use crate::report::chart::palette::{AXIS, BAND, GRID, LABEL, NOTE, RULE};
use crate::report::chart::scale::Scale;
use crate::report::typeset::{Block, Style, block, measure, single};

/// One row's texts.
pub struct Row {
    /// Name at the left.
    pub name: String,
    /// A remark under it.
    pub note: String,
    /// Lines at the right.
    pub figures: Vec<(String, Style)>,
}

/// Where the rows came to lie.
pub struct Rows {
    /// Left end of the axis.
    pub left: f64,
    /// Right end of the axis.
    pub right: f64,
    /// Middle of each row.
    pub middles: Vec<f64>,
    /// Upper and lower end of what lines go through: all rows, or where names stand above their marks
    /// these alone.
    spans: Vec<(f64, f64)>,
    top: f64,
    bottom: f64,
}

const WIDEST_NAME: f64 = 210.0;
const WIDEST_FIGURE: f64 = 200.0;
const GAP: f64 = 18.0;
/// From the edge of a band to what is in it.
const INSET: f64 = 8.0;
/// Between figures that follow each other in a line.
const BETWEEN: f64 = 10.0;

impl Rows {
    /// Draws names, figures and bands under the frame's top. A row is at least `least` high, and has its
    /// marks, `marks` high, beside the name; where the paper is narrow, under name and figures.
    pub fn draw(frame: &mut Frame, rows: &[Row], least: f64, marks: f64) -> Self {
        match frame.paper.stacks() {
            true => Self::stacked(frame, rows, marks),
            false => Self::beside(frame, rows, least),
        }
    }

    fn beside(frame: &mut Frame, rows: &[Row], least: f64) -> Self {
        let widest = |texts: &mut dyn Iterator<Item = f64>, most: f64| {
            texts.fold(0.0, f64::max).min(most).ceil()
        };
        let name_width = widest(
            &mut rows
                .iter()
                .map(|r| measure(&r.name, LABEL).max(measure(&r.note, NOTE))),
            WIDEST_NAME,
        );
        let figure_width = widest(
            &mut rows
                .iter()
                .flat_map(|r| r.figures.iter().map(|(text, style)| measure(text, *style))),
            WIDEST_FIGURE,
        );
        let (from, to) = (frame.left() + INSET, frame.right() - INSET);
        let left = from + name_width + GAP;
        let right = if figure_width > 0.0 {
            to - figure_width - GAP
        } else {
            to - INSET
        };
        let top = frame.top;
        let mut middles = Vec::with_capacity(rows.len());
        for (i, row) in rows.iter().enumerate() {
            // A little more than was measured, so that rounding does not break a line.
            let names = [
                block(&row.name, LABEL, name_width + 0.5, 3),
                block(&row.note, NOTE, name_width + 0.5, 2),
            ];
            let figures: Vec<Block> = row
                .figures
                .iter()
                .map(|(text, style)| block(text, *style, figure_width + 0.5, 2))
                .collect();
            let height = |blocks: &[Block]| blocks.iter().map(Block::height).sum::<f64>();
            let row_height = (height(&names).max(height(&figures)) + 12.0).max(least);
            band(frame, i, row_height);
            let middle = frame.top + row_height / 2.0;
            for (x, blocks) in [(from, names.as_slice()), (right + GAP, figures.as_slice())] {
                let mut y = middle - height(blocks) / 2.0;
                for text in blocks {
                    y += frame.canvas.text(x, y, Anchor::Start, text);
                }
            }
            middles.push(middle);
            frame.top += row_height;
        }
        Rows {
            left,
            right,
            middles,
            spans: vec![(top, frame.top)],
            top,
            bottom: frame.top,
        }
    }

    /// Name, then figures and remark one behind the other, then the marks over the whole width.
    fn stacked(frame: &mut Frame, rows: &[Row], marks: f64) -> Self {
        let (from, to) = (frame.left() + INSET, frame.right() - INSET);
        let width = to - from;
        let top = frame.top;
        let (mut middles, mut spans) = (Vec::new(), Vec::new());
        for (i, row) in rows.iter().enumerate() {
            let name = block(&row.name, LABEL, width, 3);
            let remark = (!row.note.is_empty()).then(|| (row.note.clone(), NOTE));
            let texts = row.figures.iter().cloned().chain(remark);
            let blocks: Vec<Block> = texts.map(|(t, style)| block(&t, style, width, 3)).collect();
            let placed = flowing(&blocks, width);
            let lines = placed.last().map_or(0.0, |p| p.2);
            let row_height = name.height() + lines + marks + 12.0;
            band(frame, i, row_height);
            let y = frame.top + 5.0;
            let under = y + frame.canvas.text(from, y, Anchor::Start, &name);
            for (text, (x, dy, _)) in blocks.iter().zip(&placed) {
                let canvas = &mut frame.canvas;
                canvas.text(from + x, under + dy, Anchor::Start, text);
            }
            frame.top += row_height;
            middles.push(frame.top - 5.0 - marks / 2.0);
            spans.push((frame.top - 7.0 - marks, frame.top));
        }
        Rows {
            left: from + INSET,
            right: to - INSET,
            middles,
            spans,
            top,
            bottom: frame.top,
        }
    }

    /// Draws grid, ticks, the axis' title and what its ends mean.
    pub fn axis(&self, frame: &mut Frame, scale: &Scale, title: &str, ends: Option<(&str, &str)>) {
        let ticks = scale.ticks_that_fit(AXIS, 8);
        for value in &ticks.values {
            let x = scale.at(*value);
            for (top, bottom) in &self.spans {
                frame.canvas.line(vec![(x, *top), (x, *bottom)], 1.0, GRID);
            }
            let label = single(&ticks.label(*value), AXIS);
            frame
                .canvas
                .text(x, self.bottom + 3.0, Anchor::Middle, &label);
        }
        frame.canvas.line(
            vec![(self.left, self.bottom), (self.right, self.bottom)],
            1.0,
            RULE,
        );
        frame.top = self.bottom + 3.0 + AXIS.line_height();
        let (x, width) = ((self.left + self.right) / 2.0, self.right - self.left);
        if let Some((low, high)) = ends {
            let low = block(low, AXIS, width / 2.0 - 8.0, 2);
            let high = block(high, AXIS, width / 2.0 - 8.0, 2);
            let canvas = &mut frame.canvas;
            let left = canvas.text(self.left, frame.top, Anchor::Start, &low);
            let right = canvas.text(self.right, frame.top, Anchor::End, &high);
            frame.top += left.max(right);
        }
        // The title may be wider than the plot, but not than the page.
        let most = 2.0 * (x - frame.left()).min(frame.right() - x);
        frame.top += frame.canvas.text(
            x,
            frame.top,
            Anchor::Middle,
            &block(title, AXIS, most.max(width), 3),
        );
    }

    /// A vertical line over all rows, with a label above them.
    pub fn guide(&self, frame: &mut Frame, x: f64, label: Option<&str>) {
        for (top, bottom) in &self.spans {
            frame.canvas.line(vec![(x, *top), (x, *bottom)], 1.5, RULE);
        }
        if let Some(label) = label {
            let label = block(label, NOTE, self.right - self.left, 1);
            let half = label.width() / 2.0;
            let x = x.clamp(self.left + half, (self.right - half).max(self.left + half));
            frame
                .canvas
                .text(x, self.top - HEADROOM, Anchor::Middle, &label);
        }
    }

    /// A dashed vertical line over all rows.
    pub fn limit(&self, frame: &mut Frame, x: f64) {
        for (top, bottom) in &self.spans {
            frame.canvas.dashes((x, *top), (x, *bottom), 1.0, RULE);
        }
    }
}

/// Every other row has a tint.
fn band(frame: &mut Frame, row: usize, height: f64) {
    let (from, to) = (frame.left(), frame.right());
    if row.is_multiple_of(2) {
        let corner = (to, frame.top + height);
        frame.canvas.rect((from, frame.top), corner, BAND);
    }
}

/// Where each block comes to stand if they follow each other in lines: x, y, and where its line ends.
fn flowing(blocks: &[Block], width: f64) -> Vec<(f64, f64, f64)> {
    let (mut x, mut y, mut end) = (0.0, 0.0, 0.0);
    let mut out = Vec::with_capacity(blocks.len());
    for block in blocks {
        if x > 0.0 && x + block.width() > width {
            (x, y) = (0.0, end);
        }
        end = f64::max(end, y + block.height());
        out.push((x, y, end));
        x += block.width() + BETWEEN;
    }
    out
}

/// Room that a guide's label needs above the rows.
pub const HEADROOM: f64 = 17.0;
