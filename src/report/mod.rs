//! What people read: tables, charts, summaries. All from one [`Document`].
//!
//! The same document gives the same bytes, on every machine and with any number of threads.

mod assumed;
mod chart;
mod crossed;
mod document;
mod finding;
mod fonts;
mod html;
mod looks;
mod markdown;
mod memo;
#[cfg(feature = "pdf")]
mod pdf;
mod png;
mod privacy;
mod schedule;
mod segments;
mod simulation;
mod simulation_looks;
mod simulation_regions;
mod stages;
mod tables;
mod terminal;
pub mod text;
mod typeset;
mod which;
mod workbook;
mod worth;

use rayon::prelude::*;

use crate::analysis::Warning;
use crate::error::Result;
use crate::planning::PowerCurves;

pub use crate::number;
pub use chart::dots::{Dot, DotRow, Dots, Panel};
pub use document::*;
#[cfg(feature = "pdf")]
pub use pdf::{PlanPage, plan as plan_page};
pub use simulation::{simulation, simulation_lines};

/// A file of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderedFile {
    /// Name in the report's folder.
    pub name: String,
    /// Contents.
    pub bytes: Vec<u8>,
    /// What a reader of this file must know, for example characters that no font has.
    pub warnings: Vec<Warning>,
}

/// Renders every file of a report: `analysis.json`, `summary.md`, `report.html`, the tables, the business case as
/// `business-case.xlsx` where it has a cash value, and each chart for which there is data as SVG and PNG.
///
/// Errors: internal ones only; a document that was read renders.
pub fn render(doc: &Document) -> Result<Vec<RenderedFile>> {
    let plain_file = |name: &str, bytes: Vec<u8>| RenderedFile {
        name: name.into(),
        bytes,
        warnings: Vec::new(),
    };
    let mut files = vec![
        plain_file("analysis.json", doc.to_json()?),
        plain_file("summary.md", summary(doc).into_bytes()),
    ];
    for table in tables::tables(doc)? {
        files.push(plain_file(table.name, table.bytes));
    }
    files.extend(workbook(doc)?);
    let charts = charts(doc)?;
    files.push(plain_file("report.html", html::render(doc, &charts)?));
    let pictures: Vec<Result<RenderedFile>> = charts.par_iter().map(picture).collect();
    #[cfg(feature = "pdf")]
    {
        let drawn: Vec<(String, Vec<u8>)> = (charts.iter())
            .map(|c| (c.name.clone(), c.bytes.clone()))
            .collect();
        files.push(plain_file("sign-off.pdf", pdf::sign_off(doc, &drawn)?));
    }
    for (chart, picture) in charts.into_iter().zip(pictures) {
        files.extend([chart, picture?]);
    }
    Ok(files)
}

/// The business case as `business-case.xlsx`; `None` where the document has no cash value to work out
/// by formulas, or rests on a group too small to be shown.
///
/// # Errors
/// Internal ones only.
pub fn workbook(doc: &Document) -> Result<Option<RenderedFile>> {
    let bytes = workbook::workbook(doc)?;
    Ok(bytes.map(|bytes| RenderedFile {
        name: "business-case.xlsx".into(),
        bytes,
        warnings: Vec::new(),
    }))
}

/// Draws each chart for which there is data, as SVG.
///
/// Errors: internal ones only.
pub fn charts(doc: &Document) -> Result<Vec<RenderedFile>> {
    let charts = chart::charts(doc)?.into_iter();
    let file = |chart: chart::Chart| RenderedFile {
        name: format!("{}.svg", chart.name),
        warnings: missing_glyphs(&chart),
        bytes: chart.svg.into_bytes(),
    };
    Ok(charts.map(file).collect())
}

/// Writes `report.html` alone.
///
/// Errors: internal ones only.
pub fn page(doc: &Document) -> Result<Vec<u8>> {
    html::render(doc, &charts(doc)?)
}

/// Draws a chart of rates as `NAME.svg` and `NAME.png`.
///
/// # Errors
/// Internal ones only.
pub fn dots(name: &str, rates: &Dots) -> Result<Vec<RenderedFile>> {
    let chart = chart::dots::draw(rates)?;
    let svg = RenderedFile {
        name: format!("{name}.svg"),
        warnings: missing_glyphs(&chart),
        bytes: chart.svg.into_bytes(),
    };
    let png = picture(&svg)?;
    Ok(vec![svg, png])
}

/// The PNG of a chart, with its warnings.
fn picture(chart: &RenderedFile) -> Result<RenderedFile> {
    let svg = std::str::from_utf8(&chart.bytes)
        .map_err(|e| crate::error::Error::internal(format!("{}: {e}", chart.name)))?;
    Ok(RenderedFile {
        name: chart.name.replace(".svg", ".png"),
        bytes: png::render(svg)?,
        warnings: chart.warnings.clone(),
    })
}

/// The chart of power around a planned pilot, as SVG and PNG; `source` says what was assumed.
///
/// Errors: internal ones only.
pub fn power_chart(curves: &PowerCurves, source: &str) -> Result<[RenderedFile; 2]> {
    let chart = chart::power(curves, source)?;
    let svg = RenderedFile {
        name: format!("{}.svg", chart.name),
        warnings: missing_glyphs(&chart),
        bytes: chart.svg.into_bytes(),
    };
    let png = picture(&svg)?;
    Ok([svg, png])
}

/// The memo as Markdown, the decision first.
pub fn summary(doc: &Document) -> String {
    markdown::markdown(&memo::memo(doc))
}

/// The memo for a terminal of `width` columns; colours are escape sequences, if `color`.
pub fn terminal_summary(doc: &Document, width: usize, color: bool) -> String {
    terminal::terminal(&memo::memo(doc), width, color)
}

/// The memo for a terminal without the table of assumptions, which is in `summary.md`.
pub fn terminal_brief(doc: &Document, width: usize, color: bool) -> String {
    let mut inside = false;
    let mut blocks = memo::memo(doc);
    blocks.retain(|block| {
        if let memo::Block::Heading(text) = block {
            inside = text == memo::ASSUMED;
        }
        !inside
    });
    terminal::terminal(&blocks, width, color)
}

fn missing_glyphs(chart: &chart::Chart) -> Vec<Warning> {
    if chart.missing.is_empty() {
        return Vec::new();
    }
    let characters: Vec<String> = chart
        .missing
        .iter()
        .map(|c| format!("U+{:04X}", *c as u32))
        .collect();
    vec![Warning {
        id: "missing-glyph".into(),
        message: format!(
            "the chart {} shows boxes for characters that the bundled fonts do not have: {}",
            chart.name,
            characters.join(", ")
        ),
    }]
}
