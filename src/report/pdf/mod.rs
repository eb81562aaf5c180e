//! PDF pages, laid out by Typst: the plan that is approved, and the sign-off of what came out.
//!
//! Typst gets words as data; what a customer or a colleague wrote is never read as markup. The same
//! document gives the same bytes.

mod fit;
mod plan;
mod sign_off;
mod world;

use std::collections::BTreeSet;

use serde_json::Value;
use typst::foundations::Smart;
use typst_pdf::PdfOptions;

use crate::error::{Error, Result};
use crate::report::RenderedFile;
use crate::report::document::Document;
use crate::report::fonts;

use fit::Fit;
use world::Files;

pub use plan::PlanPage;

const SIGN_OFF: (&str, &str) = ("sign-off.typ", include_str!("sign-off.typ"));
const PLAN: (&str, &str) = ("plan.typ", include_str!("plan.typ"));
const FRAME: (&str, &str) = ("frame.typ", include_str!("frame.typ"));

/// The sign-off of a document, on two pages; `charts` are its charts as SVG, by file name.
///
/// # Errors
/// Internal ones only.
pub fn sign_off(doc: &Document, charts: &[(String, Vec<u8>)]) -> Result<RenderedFile> {
    let data = |fit| sign_off::data(doc, charts, fit);
    let name = format!("{}/{}", doc.plan_sha256, doc.as_of);
    pages("sign-off.pdf", SIGN_OFF, charts, 2, &name, data)
}

/// A plan on one page, `plan.pdf`.
///
/// # Errors
/// Internal ones only.
pub fn plan(page: &PlanPage) -> Result<RenderedFile> {
    pages("plan.pdf", PLAN, &[], 1, page.sha256, |fit| {
        plan::data(page, fit)
    })
}

/// Lays a template out on at most `most` pages: what does not fit is made smaller first, then
/// shortened with a word on where the rest is.
fn pages(
    file: &str,
    template: (&'static str, &str),
    charts: &[(String, Vec<u8>)],
    most: usize,
    name: &str,
    data: impl Fn(Fit) -> Value,
) -> Result<RenderedFile> {
    let internal = |why: String| Error::internal(format!("{}: {why}", template.0));
    let mut laid_out = Err(internal("nothing was laid out".into()));
    let mut missing = BTreeSet::new();
    for fit in Fit::ALL {
        let words = data(fit);
        let files = Files::new(&[template, FRAME], charts, &words, fonts::files());
        let pages = files.and_then(|f| f.lay_out()).map_err(internal)?;
        let fits = pages.pages().len() <= most;
        laid_out = Ok(pages);
        missing.clear();
        without_glyph(&words, &mut missing);
        if fits {
            break;
        }
    }
    let options = PdfOptions {
        ident: Smart::Custom(format!("{}/{name}", template.0)),
        creator: Smart::Custom(Some(concat!("pilot ", env!("CARGO_PKG_VERSION")).into())),
        ..PdfOptions::default()
    };
    let bytes = typst_pdf::pdf(&laid_out?, &options).map_err(|errors| {
        let words: Vec<&str> = errors.iter().map(|e| e.message.as_str()).collect();
        internal(words.join("; "))
    })?;
    Ok(RenderedFile {
        name: file.into(),
        bytes,
        missing,
    })
}

/// Characters of all texts that no bundled font has.
fn without_glyph(words: &Value, into: &mut BTreeSet<char>) {
    match words {
        Value::String(text) => into.extend(fonts::missing(text)),
        Value::Array(items) => items.iter().for_each(|v| without_glyph(v, into)),
        Value::Object(fields) => fields.values().for_each(|v| without_glyph(v, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
