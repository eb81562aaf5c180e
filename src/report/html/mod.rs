//! `report.html`: the memo, the charts and the business case as one file that needs nothing else.
//!
//! Written by plain Rust with one function that escapes: the memo comes as blocks, so a template
//! language would only hold a dozen loops, and a second way to forget an escape.

mod blocks;
mod data;
mod lines;
mod numbers;
mod write;

use base64::encoded;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::report::RenderedFile;
use crate::report::document::Document;
use crate::report::memo;
use crate::texts::text;

use blocks::{Figure, Page};
use write::Html;

mod base64;

const STYLE: &str = include_str!("report.css");
const NORMAL: &str = include_str!("normal.js");
const AGENTS: &str = include_str!("agents.js");
const CASE: &str = include_str!("case.js");
const NUMBERS: &str = include_str!("numbers.js");
const CHARTS: &str = include_str!("charts.js");
const PAGE: &str = include_str!("page.js");

/// Largest file that mail programs and their scanners open without a question.
const LARGEST: usize = 2_000_000;

/// Renders the page from a document and its charts as SVG, each also as narrow as a telephone.
///
/// It asks for nothing from anywhere: a content security policy allows the one style sheet and the
/// one script whose hashes it holds, and no other source. Without JavaScript only the sliders are
/// missing; they are also left out where their draws would make the file larger than 2 MB.
///
/// # Errors
/// Internal ones only.
pub fn render(doc: &Document, charts: &[RenderedFile], narrow: &[RenderedFile]) -> Result<Vec<u8>> {
    let charts = [charts, narrow];
    let data = data::embedded(doc)?;
    let page = written(doc, charts, data.as_deref(), false)?;
    match data {
        Some(_) if page.len() > LARGEST => written(doc, charts, None, true),
        _ => Ok(page),
    }
}

fn written(
    doc: &Document,
    [wide, narrow]: [&[RenderedFile]; 2],
    data: Option<&str>,
    too_large: bool,
) -> Result<Vec<u8>> {
    let script = [NORMAL, AGENTS, CASE, NUMBERS, CHARTS, PAGE].concat();
    let hash = |source: &str| encoded(&Sha256::digest(source.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        match data {
            Some(_) => format!("'sha256-{}'", hash(&script)),
            None => "'none'".into(),
        }
    );
    let memo = memo::memo(doc);
    let title = memo.iter().find_map(|block| match block {
        memo::Block::Title(text) => Some(text.as_str()),
        _ => None,
    });
    let mut out = Html::default();
    out.raw("<!DOCTYPE html>\n");
    out.open("html", &[("lang", &text!("language.code"))]);
    out.raw("\n<head>\n<meta charset=\"utf-8\">\n");
    out.open(
        "meta",
        &[
            ("http-equiv", "Content-Security-Policy"),
            ("content", &policy),
        ],
    );
    out.raw("\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    out.raw("<meta name=\"referrer\" content=\"no-referrer\">\n");
    let kind = text("html.kind", &[]);
    out.element(
        "title",
        &[],
        &format!("{} – {kind}", title.unwrap_or_default()),
    );
    out.raw(&format!("\n<style>{STYLE}</style>\n</head>\n<body>\n"));
    let svg = |chart: &'_ RenderedFile| -> Result<String> {
        let text = std::str::from_utf8(&chart.bytes);
        let text = text.map_err(|e| Error::internal(format!("{}: {e}", chart.name)))?;
        Ok(text.to_owned())
    };
    let figure = |chart: &RenderedFile| {
        let name = chart.name.trim_end_matches(".svg").to_owned();
        let narrow = narrow.iter().find(|n| n.name == chart.name).map(svg);
        let (wide, narrow) = (svg(chart)?, narrow.transpose()?);
        Ok(Figure { name, wide, narrow })
    };
    let charts: Vec<Figure> = wide.iter().map(figure).collect::<Result<_>>()?;
    let mut page = Page::new(doc, charts, too_large);
    page.write(&memo, &mut out);
    if let Some(data) = data {
        out.raw("<script type=\"application/json\" id=\"case-data\">");
        out.raw(data);
        out.raw(&format!("</script>\n<script>{script}</script>\n"));
    }
    out.raw("</body>\n</html>\n");
    Ok(out.finish().into_bytes())
}
