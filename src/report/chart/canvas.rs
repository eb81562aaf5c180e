//! A page to draw on: plotters writes the shapes, the text is set by the bundled fonts.

use std::collections::BTreeSet;
use std::fmt::Write;

use plotters::prelude::*;

use crate::error::{Error, Result};
use crate::report::chart::palette::rgb;
use crate::report::fonts::{self, Family};
use crate::report::typeset::{Block, Line, Style};

/// plotters counts whole units, so it draws on a grid of tenths of a pixel.
const GRID: f64 = 10.0;

/// A point in pixels, from the top left.
pub type Point = (f64, f64);

/// Where a text stands against its x.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// Begins there.
    Start,
    /// Is centred there.
    Middle,
    /// Ends there.
    End,
}

enum Shape {
    Line {
        points: Vec<Point>,
        width: f64,
        color: &'static str,
    },
    Area {
        points: Vec<Point>,
        color: &'static str,
        opacity: f64,
    },
    Disc {
        center: Point,
        radius: f64,
        color: &'static str,
    },
}

struct Label {
    x: f64,
    baseline: f64,
    anchor: Anchor,
    line: Line,
    style: Style,
}

/// Shapes, then texts, in the order in which they were added.
pub struct Canvas {
    width: f64,
    shapes: Vec<Shape>,
    labels: Vec<Label>,
}

impl Canvas {
    /// An empty page, `width` pixels wide; PNGs have twice as many.
    pub fn new(width: f64) -> Self {
        Canvas {
            width,
            shapes: Vec::new(),
            labels: Vec::new(),
        }
    }

    /// A line through `points`.
    pub fn line(&mut self, points: Vec<Point>, width: f64, color: &'static str) {
        self.shapes.push(Shape::Line {
            points,
            width,
            color,
        });
    }

    /// A dashed straight line.
    pub fn dashes(&mut self, from: Point, to: Point, width: f64, color: &'static str) {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let count = (dx.hypot(dy) / 7.0).ceil().max(1.0) as usize;
        for i in 0..count {
            let a = i as f64 / count as f64;
            let b = (i as f64 + 0.57) / count as f64;
            let at = |t: f64| (from.0 + dx * t, from.1 + dy * t);
            self.line(vec![at(a), at(b)], width, color);
        }
    }

    /// A filled polygon.
    pub fn area(&mut self, points: Vec<Point>, color: &'static str, opacity: f64) {
        self.shapes.push(Shape::Area {
            points,
            color,
            opacity,
        });
    }

    /// A filled rectangle between two corners.
    pub fn rect(&mut self, from: Point, to: Point, color: &'static str) {
        let points = vec![from, (to.0, from.1), to, (from.0, to.1)];
        self.area(points, color, 1.0);
    }

    /// A filled circle.
    pub fn disc(&mut self, center: Point, radius: f64, color: &'static str) {
        self.shapes.push(Shape::Disc {
            center,
            radius,
            color,
        });
    }

    /// A block of text with its top at `top`; returns its height.
    pub fn text(&mut self, x: f64, top: f64, anchor: Anchor, block: &Block) -> f64 {
        for (i, line) in block.lines.iter().enumerate() {
            self.labels.push(Label {
                x,
                baseline: top + i as f64 * block.style.line_height() + block.style.baseline(),
                anchor,
                line: line.clone(),
                style: block.style,
            });
        }
        block.height()
    }

    /// Characters that the bundled fonts do not have.
    pub fn missing(&self) -> BTreeSet<char> {
        let runs = self.labels.iter().flat_map(|l| &l.line.runs);
        runs.flat_map(|r| fonts::missing(&r.text)).collect()
    }

    /// The page as SVG, `height` pixels high; `title` and `about` are for screen readers.
    pub fn svg(&self, height: f64, title: &str, about: &str) -> Result<String> {
        let mut out = String::new();
        let (title, about) = (escape(title), escape(about));
        let (stack, width) = (fonts::STACK, self.width);
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}\" font-family=\"{stack}\">\n\
             <title>{title}</title>\n<desc>{about}</desc>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>"
        );
        let _ = writeln!(
            out,
            "<g transform=\"scale({})\">\n{}</g>",
            1.0 / GRID,
            self.drawn(height)?
        );
        for label in &self.labels {
            label.write(&mut out);
        }
        out.push_str("</svg>\n");
        Ok(out)
    }

    /// The shapes as SVG elements in tenths of a pixel.
    fn drawn(&self, height: f64) -> Result<String> {
        let failed = |e: &dyn std::fmt::Display| Error::internal(format!("chart: {e}"));
        let mut body = String::new();
        {
            let size = ((self.width * GRID) as u32, (height * GRID) as u32);
            let root = SVGBackend::with_string(&mut body, size).into_drawing_area();
            for shape in &self.shapes {
                shape.draw(&root).map_err(|e| failed(&e))?;
            }
            root.present().map_err(|e| failed(&e))?;
        }
        // plotters' own <svg> element around the shapes is not wanted here.
        let inner = body
            .split_once('>')
            .and_then(|(_, rest)| rest.rsplit_once("</svg>"))
            .map(|(inner, _)| inner.trim_start())
            .ok_or_else(|| Error::internal("chart: plotters wrote no SVG element"))?;
        Ok(inner.to_string())
    }
}

impl Shape {
    fn draw<'a>(
        &self,
        root: &DrawingArea<SVGBackend<'a>, plotters::coord::Shift>,
    ) -> std::result::Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>
    {
        let grid = |p: &Point| (grid(p.0), grid(p.1));
        match self {
            Shape::Line {
                points,
                width,
                color,
            } => root.draw(&PathElement::new(
                points.iter().map(grid).collect::<Vec<_>>(),
                rgb(color).stroke_width((width * GRID) as u32),
            )),
            Shape::Area {
                points,
                color,
                opacity,
            } => root.draw(&Polygon::new(
                points.iter().map(grid).collect::<Vec<_>>(),
                rgb(color).mix(*opacity),
            )),
            Shape::Disc {
                center,
                radius,
                color,
            } => root.draw(&Circle::new(
                grid(center),
                (radius * GRID) as i32,
                rgb(color).filled(),
            )),
        }
    }
}

fn grid(pixels: f64) -> i32 {
    (pixels * GRID).round() as i32
}

impl Label {
    fn write(&self, out: &mut String) {
        let Style { size, bold, color } = self.style;
        let weight = if bold { " font-weight=\"700\"" } else { "" };
        let y = hundredths(self.baseline);
        let start = format!("<text y=\"{y}\" font-size=\"{size}\"{weight} fill=\"{color}\"");
        let written = |run: &crate::report::typeset::Run| {
            let text = escape(&run.text);
            // The marks keep blanks and brackets at the ends of the run in its direction.
            if run.rtl {
                format!("\u{200f}{text}\u{200f}")
            } else {
                text
            }
        };
        let family = |family: Family| {
            if family == Family::LATIN {
                String::new()
            } else {
                format!(" font-family=\"'{}',{}\"", family.name(), fonts::STACK)
            }
        };
        let _ = match self.line.runs.as_slice() {
            [] => Ok(()),
            [run] => {
                let anchor = match self.anchor {
                    Anchor::Start => "start",
                    Anchor::Middle => "middle",
                    Anchor::End => "end",
                };
                writeln!(
                    out,
                    "{start} x=\"{}\" text-anchor=\"{anchor}\"{}>{}</text>",
                    hundredths(self.x),
                    family(run.family),
                    written(run)
                )
            }
            // Each run has a place of its own: one font and one direction at a time is
            // what every renderer sets alike.
            runs => {
                let mut x = match self.anchor {
                    Anchor::Start => self.x,
                    Anchor::Middle => self.x - self.line.width() / 2.0,
                    Anchor::End => self.x - self.line.width(),
                };
                let mut spans = String::new();
                for run in runs {
                    let _ = write!(
                        spans,
                        "<tspan x=\"{}\"{}>{}</tspan>",
                        hundredths(x),
                        family(run.family),
                        written(run)
                    );
                    x += run.width;
                }
                writeln!(out, "{start} xml:space=\"preserve\">{spans}</text>")
            }
        };
    }
}

fn hundredths(pixels: f64) -> f64 {
    (pixels * 100.0).round() / 100.0
}

/// Escapes XML's own characters; others were made safe where the text was read.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(c),
        }
    }
    out
}
