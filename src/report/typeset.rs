//! Text as it will be drawn: lines, each of runs of one font and one direction.

use std::ops::Range;

use unicode_bidi::{BidiInfo, Level, get_base_direction};

use crate::report::fonts::{self, Family};
use crate::report::text;

/// How a text is set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Style {
    /// Font size in pixels at the chart's width of 800.
    pub size: f64,
    /// Weight.
    pub bold: bool,
    /// `#rrggbb`.
    pub color: &'static str,
}

impl Style {
    /// Height of a line: all bundled fonts' boxes fit in it.
    pub fn line_height(self) -> f64 {
        (self.size * 1.4).ceil()
    }

    /// Distance from the top of a line to its baseline.
    pub fn baseline(self) -> f64 {
        self.size * 1.08
    }
}

/// A stretch of text that one font draws in one direction.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The characters, in the order of writing.
    pub text: String,
    /// The font.
    pub family: Family,
    /// Whether it runs from right to left.
    pub rtl: bool,
    /// Pixels.
    pub width: f64,
}

/// A line: its runs from left to right.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Line {
    /// Runs from left to right.
    pub runs: Vec<Run>,
}

impl Line {
    /// Pixels.
    pub fn width(&self) -> f64 {
        self.runs.iter().map(|r| r.width).sum()
    }
}

/// Lines set in one style.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Lines from top to bottom.
    pub lines: Vec<Line>,
    /// How they are set.
    pub style: Style,
}

impl Block {
    /// Pixels from the top of the first line to the bottom of the last.
    pub fn height(&self) -> f64 {
        self.lines.len() as f64 * self.style.line_height()
    }

    /// Width of the widest line.
    pub fn width(&self) -> f64 {
        self.lines.iter().map(Line::width).fold(0.0, f64::max)
    }
}

/// Sets `text` in lines no wider than `max`, at most `max_lines`; more ends in "…".
///
/// The direction is that of the first letter that has one, as a reader expects.
pub fn block(text: &str, style: Style, max: f64, max_lines: usize) -> Block {
    let measure = |t: &str| measure(t, style);
    let (text, ranges) = text::wrap_within(text, max, max_lines, measure);
    let base = match get_base_direction(text.as_str()) {
        unicode_bidi::Direction::Rtl => Level::rtl(),
        _ => Level::ltr(),
    };
    let bidi = BidiInfo::new(&text, Some(base));
    let lines = ranges
        .into_iter()
        .filter(|r| !r.is_empty())
        .map(|range| line(&text, &bidi, range, style))
        .collect();
    Block { lines, style }
}

/// Like [`block`], with lines of about equal length.
pub fn balanced(text: &str, style: Style, max: f64, max_lines: usize) -> Block {
    let widest = block(text, style, max, max_lines);
    let narrower = (1..10).rev().map(|tenths| max * f64::from(tenths) / 10.0);
    narrower
        .map(|width| block(text, style, width, max_lines + 1))
        .take_while(|b| b.lines.len() == widest.lines.len())
        .last()
        .unwrap_or(widest)
}

/// Sets `text` in one line, however long.
pub fn single(text: &str, style: Style) -> Block {
    block(text, style, f64::INFINITY, 1)
}

/// Width of `text` on one line, in pixels.
pub fn measure(text: &str, style: Style) -> f64 {
    split(text)
        .into_iter()
        .map(|(part, family)| {
            let rtl = part.chars().any(text::is_rtl);
            fonts::run_width(part, family, style.bold, style.size, rtl)
        })
        .sum()
}

fn line(text: &str, bidi: &BidiInfo, range: Range<usize>, style: Style) -> Line {
    let Some(paragraph) = bidi
        .paragraphs
        .iter()
        .find(|p| p.range.contains(&range.start))
    else {
        return Line::default();
    };
    let (levels, visual) = bidi.visual_runs(paragraph, range);
    let mut runs = Vec::new();
    for part in visual {
        let rtl = levels[part.start].is_rtl();
        let visible: String = text[part]
            .chars()
            .filter(|c| !matches!(c, '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}'))
            .collect();
        let mut of_part: Vec<Run> = split(&visible)
            .into_iter()
            .map(|(part, family)| Run {
                text: part.to_string(),
                family,
                rtl,
                width: fonts::run_width(part, family, style.bold, style.size, rtl),
            })
            .collect();
        if rtl {
            of_part.reverse();
        }
        runs.extend(of_part);
    }
    Line { runs }
}

/// Splits by font: a character stays in the font before it where that font has it.
fn split(text: &str) -> Vec<(&str, Family)> {
    let mut out: Vec<(&str, Family)> = Vec::new();
    let mut start = 0;
    let mut current: Option<Family> = None;
    for (i, c) in text.char_indices() {
        let stays = current.is_some_and(|family| {
            family.has(c) && (!c.is_alphanumeric() || Family::of(c) == Some(family))
        });
        if stays {
            continue;
        }
        let next = Family::of(c).or(current).unwrap_or(Family::LATIN);
        if let Some(family) = current
            && family != next
        {
            out.push((&text[start..i], family));
            start = i;
        }
        current = Some(next);
    }
    if let Some(family) = current {
        out.push((&text[start..], family));
    }
    out
}
