//! Charts of panels: one small plot an arm, all with the same axes.

use crate::report::chart::canvas::Anchor;
use crate::report::chart::frame::Frame;
use crate::report::chart::palette::{AXIS, GRID, NOTE, RULE, STRONG};
use crate::report::chart::paper::Paper;
use crate::report::chart::scale::{Scale, Ticks};
use crate::report::typeset::{Block, Style, block, measure, single};

/// What a panel says above its plot.
pub struct Heading {
    /// The arm.
    pub name: String,
    /// A remark under it.
    pub note: String,
}

/// The plot of one panel, in pixels.
#[derive(Debug, Clone, Copy)]
pub struct Panel {
    /// Left end of the horizontal axis.
    pub left: f64,
    /// Right end.
    pub right: f64,
    /// Upper end of the vertical axis.
    pub top: f64,
    /// Lower end.
    pub bottom: f64,
}

/// The vertical axis that all panels share.
pub struct Vertical {
    low: f64,
    high: f64,
    ticks: Ticks,
    unit: &'static str,
}

const GUTTER: f64 = 30.0;

/// From a plot's lower end to its horizontal labels: they clear the lowest vertical one.
const BELOW: f64 = 7.0;

impl Vertical {
    /// An axis over these values; `unit` stands behind each tick's label.
    pub fn new(low: f64, high: f64, unit: &'static str) -> Self {
        let ticks = Scale::exact(low, high, 0.0, 1.0).ticks(5);
        Vertical {
            low,
            high,
            ticks,
            unit,
        }
    }

    fn label(&self, value: f64) -> String {
        format!("{}{}", self.ticks.label(value), self.unit)
    }

    fn label_width(&self) -> f64 {
        let widths = self.ticks.values.iter();
        widths
            .map(|v| measure(&self.label(*v), AXIS))
            .fold(0.0, f64::max)
    }

    /// The axis in one panel.
    pub fn scale(&self, panel: &Panel) -> Scale {
        Scale::exact(self.low, self.high, panel.bottom, panel.top)
    }
}

/// Draws headings, grids and vertical axes; returns the plots. `title` names the vertical
/// axis, `below` the horizontal one, whose labels the caller draws;
/// `headroom` is free above each plot.
pub fn draw(
    frame: &mut Frame,
    headings: &[Heading],
    vertical: &Vertical,
    title: &str,
    below: &str,
    headroom: f64,
) -> Vec<Panel> {
    let (from, to, lines) = (frame.left(), frame.right(), frame.paper.lines());
    let columns = frame.paper.columns(headings.len());
    let width = (to - from - GUTTER * (columns as f64 - 1.0)) / columns as f64;
    let plot_height = match frame.paper {
        Paper::Wide if headings.len() <= 2 => 230.0,
        Paper::Wide => 150.0,
        Paper::Narrow | Paper::Page => 160.0,
    };
    let ticks_width = vertical.label_width() + 8.0;
    let text = |t: &str, style: Style, lines| block(t, style, width, lines);
    frame.top += frame.canvas.text(
        from,
        frame.top,
        Anchor::Start,
        &block(title, AXIS, to - from, lines),
    ) + 6.0;
    let mut panels = Vec::with_capacity(headings.len());
    for group in headings.chunks(columns) {
        let blocks: Vec<[Block; 2]> = group
            .iter()
            .map(|h| [text(&h.name, STRONG, 2), text(&h.note, NOTE, lines)])
            .collect();
        let heading_height = blocks
            .iter()
            .map(|[name, note]| name.height() + note.height())
            .fold(0.0, f64::max);
        let (top, bottom) = (
            frame.top + heading_height + headroom,
            frame.top + heading_height + headroom + plot_height,
        );
        for (column, [name, note]) in blocks.iter().enumerate() {
            let x = from + column as f64 * (width + GUTTER);
            let y = frame.top + frame.canvas.text(x, frame.top, Anchor::Start, name);
            frame.canvas.text(x, y, Anchor::Start, note);
            let panel = Panel {
                left: x + ticks_width,
                right: x + width - 4.0,
                top,
                bottom,
            };
            grid(frame, &panel, vertical);
            panels.push(panel);
        }
        frame.top = bottom + BELOW + AXIS.line_height();
        let room = width - ticks_width;
        let below = block(below, AXIS, room, 2);
        for column in 0..group.len() {
            let left = from + column as f64 * (width + GUTTER) + ticks_width;
            let middle = left + room / 2.0;
            frame.canvas.text(middle, frame.top, Anchor::Middle, &below);
        }
        frame.top += below.height() + 18.0;
    }
    frame.top -= 12.0;
    panels
}

impl Panel {
    /// Draws labels under the plot, each at its x, as far as they fit beside each other.
    pub fn labels(&self, frame: &mut Frame, labels: impl IntoIterator<Item = (f64, String)>) {
        let mut free = f64::NEG_INFINITY;
        for (x, label) in labels {
            let label = block(&label, AXIS, self.right - self.left, 1);
            let half = label.width() / 2.0;
            // At the ends a label may reach as far as the gutter allows.
            let (first, last) = (self.left - 8.0 + half, self.right + 12.0 - half);
            let x = x.clamp(first, last.max(first));
            if x - half >= free {
                frame
                    .canvas
                    .text(x, self.bottom + BELOW, Anchor::Middle, &label);
                free = x + half + 6.0;
            }
        }
    }
}

fn grid(frame: &mut Frame, panel: &Panel, vertical: &Vertical) {
    let scale = vertical.scale(panel);
    for value in &vertical.ticks.values {
        let y = scale.at(*value);
        frame
            .canvas
            .line(vec![(panel.left, y), (panel.right, y)], 1.0, GRID);
        let label = single(&vertical.label(*value), AXIS);
        frame.canvas.text(
            panel.left - 6.0,
            y - AXIS.line_height() / 2.0,
            Anchor::End,
            &label,
        );
    }
    frame.canvas.line(
        vec![(panel.left, panel.bottom), (panel.right, panel.bottom)],
        1.0,
        RULE,
    );
}
