//! What people read: tables, charts, summaries. All from one [`Document`].
//!
//! The same document gives the same bytes, on every machine and with any number of threads.

mod assumed;
mod beside_npv;
mod chart;
mod crossed;
mod decided;
mod document;
mod finding;
mod fonts;
mod how;
mod html;
mod looks;
mod markdown;
mod memo;
mod others;
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
mod thresholds;
mod typeset;
mod which;
mod workbook;
mod worth;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use crate::error::Result;
use crate::planning::PowerCurves;
use crate::texts::text;

pub use crate::number;
pub use chart::Paper;
pub use chart::dots::{Dot, DotRow, Dots, Panel};
pub use decided::banner;
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
    /// Characters that the bundled fonts do not have: a picture or a page shows boxes for them.
    pub missing: BTreeSet<char>,
}

impl RenderedFile {
    fn plain(name: &str, bytes: Vec<u8>) -> Self {
        RenderedFile {
            name: name.into(),
            bytes,
            missing: BTreeSet::new(),
        }
    }

    fn drawn(chart: chart::Chart) -> Self {
        RenderedFile {
            name: format!("{}.svg", chart.name),
            bytes: chart.svg.into_bytes(),
            missing: chart.missing,
        }
    }
}

/// What a user must know of the files: characters that show as boxes, and where. An SVG is left out, since
/// whoever opens it may have a font for them.
pub fn boxes(files: &[RenderedFile]) -> Option<String> {
    let mut places: BTreeMap<char, Vec<&str>> = BTreeMap::new();
    for file in files.iter().filter(|f| !f.name.ends_with(".svg")) {
        for c in &file.missing {
            places.entry(*c).or_default().push(&file.name);
        }
    }
    let characters: Vec<String> = places
        .keys()
        .map(|c| format!("U+{:04X}", *c as u32))
        .collect();
    let mut names: Vec<&str> = places.into_values().flatten().collect();
    names.sort_unstable();
    names.dedup();
    (!names.is_empty()).then(|| {
        text!(
            "glyph.boxes",
            characters = characters.join(", "),
            files = names.join(", ")
        )
    })
}

/// Renders every file of a report: `analysis.json`, `summary.md`, `report.html`, the tables, the business case as
/// `business-case.xlsx` where it has a cash value, and each chart for which there is data as SVG and PNG.
///
/// Errors: internal ones only; a document that was read renders.
pub fn render(doc: &Document) -> Result<Vec<RenderedFile>> {
    let plain_file = RenderedFile::plain;
    let mut files = vec![
        plain_file("analysis.json", doc.to_json()?),
        plain_file("summary.md", summary(doc).into_bytes()),
    ];
    for table in tables::tables(doc)? {
        files.push(plain_file(table.name, table.bytes));
    }
    files.extend(workbook(doc)?);
    let charts = charts(doc)?;
    files.push(plain_file("report.html", page_of(doc, &charts)?));
    let pictures: Vec<Result<RenderedFile>> = charts.par_iter().map(picture).collect();
    #[cfg(feature = "pdf")]
    {
        let drawn = chart::on_page(doc)?.into_iter().map(RenderedFile::drawn);
        let drawn: Vec<(String, Vec<u8>)> = drawn.map(|c| (c.name, c.bytes)).collect();
        files.push(pdf::sign_off(doc, &drawn)?);
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
    Ok(bytes.map(|bytes| RenderedFile::plain("business-case.xlsx", bytes)))
}

/// Draws each chart for which there is data, as SVG.
///
/// Errors: internal ones only.
pub fn charts(doc: &Document) -> Result<Vec<RenderedFile>> {
    charts_on(doc, Paper::Wide)
}

/// The same charts for another paper.
///
/// Errors: internal ones only.
pub fn charts_on(doc: &Document, paper: Paper) -> Result<Vec<RenderedFile>> {
    let charts = chart::charts(doc, paper)?.into_iter();
    Ok(charts.map(RenderedFile::drawn).collect())
}

/// Writes `report.html` alone.
///
/// Errors: internal ones only.
pub fn page(doc: &Document) -> Result<Vec<u8>> {
    page_of(doc, &charts(doc)?)
}

fn page_of(doc: &Document, charts: &[RenderedFile]) -> Result<Vec<u8>> {
    html::render(doc, charts, &charts_on(doc, Paper::Narrow)?)
}

/// Draws a chart of rates as `NAME.svg` and `NAME.png`.
///
/// # Errors
/// Internal ones only.
pub fn dots(name: &str, rates: &Dots) -> Result<Vec<RenderedFile>> {
    let chart = chart::dots::draw(rates)?;
    let svg = RenderedFile {
        name: format!("{name}.svg"),
        ..RenderedFile::drawn(chart)
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
        missing: chart.missing.clone(),
    })
}

/// The chart of power around a planned pilot, as SVG and PNG; `source` says what was assumed.
///
/// Errors: internal ones only.
pub fn power_chart(curves: &PowerCurves, source: &str) -> Result<[RenderedFile; 2]> {
    let chart = chart::power(curves, source)?;
    let svg = RenderedFile::drawn(chart);
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

/// The memo for a terminal without the tables of assumptions and of outcomes that do not decide, which are
/// in `summary.md`.
pub fn terminal_brief(doc: &Document, width: usize, color: bool) -> String {
    let mut inside = false;
    let mut blocks = memo::memo(doc);
    blocks.retain(|block| {
        if let memo::Block::Heading(section) = block {
            inside = matches!(section, memo::Section::Assumed | memo::Section::Others);
        }
        !inside
    });
    terminal::terminal(&blocks, width, color)
}
