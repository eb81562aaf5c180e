//! Charts of rows: a name at the left, marks on a common axis, figures at the right.

use crate::report::chart::canvas::{Anchor, WIDTH};
use crate::report::chart::frame::{Frame, MARGIN};
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
    top: f64,
    bottom: f64,
}

const WIDEST_NAME: f64 = 210.0;
const WIDEST_FIGURE: f64 = 200.0;
const GAP: f64 = 18.0;

impl Rows {
    /// Draws names, figures and bands under the frame's top, each row at least `least` high.
    pub fn draw(frame: &mut Frame, rows: &[Row], least: f64) -> Self {
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
        let left = MARGIN + 8.0 + name_width + GAP;
        let right = if figure_width > 0.0 {
            WIDTH - MARGIN - 8.0 - figure_width - GAP
        } else {
            WIDTH - MARGIN - 16.0
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
            if i % 2 == 0 {
                frame.canvas.rect(
                    (MARGIN, frame.top),
                    (WIDTH - MARGIN, frame.top + row_height),
                    BAND,
                );
            }
            let middle = frame.top + row_height / 2.0;
            for (x, blocks) in [
                (MARGIN + 8.0, names.as_slice()),
                (right + GAP, figures.as_slice()),
            ] {
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
            top,
            bottom: frame.top,
        }
    }

    /// Draws grid, ticks, the axis' title and what its ends mean.
    pub fn axis(&self, frame: &mut Frame, scale: &Scale, title: &str, ends: Option<(&str, &str)>) {
        let ticks = scale.ticks_that_fit(AXIS, 8);
        for value in &ticks.values {
            let x = scale.at(*value);
            frame
                .canvas
                .line(vec![(x, self.top), (x, self.bottom)], 1.0, GRID);
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
            let low = block(low, AXIS, width / 2.0 - 8.0, 1);
            let high = block(high, AXIS, width / 2.0 - 8.0, 1);
            frame.canvas.text(self.left, frame.top, Anchor::Start, &low);
            frame.top += frame.canvas.text(self.right, frame.top, Anchor::End, &high);
        }
        // The title may be wider than the plot, but not than the page.
        let most = 2.0 * (x - MARGIN).min(WIDTH - MARGIN - x);
        frame.top += frame.canvas.text(
            x,
            frame.top,
            Anchor::Middle,
            &block(title, AXIS, most.max(width), 3),
        );
    }

    /// A vertical line over all rows, with a label above them.
    pub fn guide(&self, frame: &mut Frame, x: f64, label: Option<&str>) {
        frame
            .canvas
            .line(vec![(x, self.top), (x, self.bottom)], 1.5, RULE);
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
        frame
            .canvas
            .dashes((x, self.top), (x, self.bottom), 1.0, RULE);
    }
}

/// Room that a guide's label needs above the rows.
pub const HEADROOM: f64 = 17.0;
