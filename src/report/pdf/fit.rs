//! How much a page can hold: first all in readable letters, then less.

use crate::report::number;
use crate::report::text::{plain, shortened};
use crate::texts::text;

/// How much room the pages are given.
#[derive(Debug, Clone, Copy)]
pub struct Fit {
    /// Size of the letters, in points.
    pub size: f64,
    /// Points of a list, and rows of a table.
    pub items: usize,
    /// Columns of a terminal that a text may take.
    columns: usize,
    /// Width of a chart, in millimetres; without one, charts are left out.
    pub chart: Option<f64>,
}

impl Fit {
    /// From roomy to tight: smaller letters and charts before shorter texts.
    pub const ALL: [Fit; 8] = [
        Fit::new(9.5, 60, 900, Some(150.0)),
        Fit::new(9.0, 60, 900, Some(135.0)),
        Fit::new(8.5, 60, 900, Some(120.0)),
        Fit::new(8.0, 60, 900, Some(105.0)),
        Fit::new(8.0, 60, 900, Some(85.0)),
        Fit::new(7.5, 40, 500, Some(90.0)),
        Fit::new(7.5, 15, 250, Some(90.0)),
        Fit::new(7.0, 7, 110, None),
    ];

    const fn new(size: f64, items: usize, columns: usize, chart: Option<f64>) -> Self {
        Fit {
            size,
            items,
            columns,
            chart,
        }
    }

    /// A text that is safe to show, shortened; names in it stay isolated.
    pub fn line(self, text: &str) -> String {
        breakable(&shortened(text, self.columns))
    }

    /// A safe name in a table or a line.
    pub fn name(self, text: &str) -> String {
        breakable(&shortened(text, self.columns.min(90)))
    }

    /// A list of safe texts, with a last point on what is left out.
    pub fn list(self, texts: impl IntoIterator<Item = String>) -> Vec<String> {
        let texts: Vec<String> = texts.into_iter().collect();
        let mut kept: Vec<String> = texts
            .iter()
            .take(self.items)
            .map(|t| self.line(t))
            .collect();
        if texts.len() > self.items {
            kept.push(more(texts.len() - self.items));
        }
        kept
    }
}

/// Characters in a row that a line may not break between.
const UNBROKEN: usize = 24;

/// The text with places to break in words that are too long for a line.
fn breakable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = 0;
    for c in text.chars() {
        run = if c.is_alphanumeric() || c.is_ascii_punctuation() {
            run + 1
        } else {
            0
        };
        if run > UNBROKEN {
            out.push('\u{200b}');
            run = 1;
        }
        out.push(c);
    }
    out
}

/// What stands for so many that are left out.
pub fn more(count: usize) -> String {
    text("sign-off.more", &[("count", &number::count(count as u64))])
}

/// A digest in two halves, so that its line can break.
pub fn halves(digest: &str) -> String {
    let text = plain(digest);
    match text.split_at_checked(32) {
        Some((a, b)) => format!("{a} {b}"),
        None => text.into_owned(),
    }
}
