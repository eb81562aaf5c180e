//! Charts as SVG: what was found, what it is worth, and what a reader must know beside.

mod acceptability;
mod balance;
mod before_after;
mod boundary;
mod canvas;
mod cash;
mod distribution;
pub mod dots;
mod effect;
mod frame;
mod palette;
mod panels;
mod paper;
mod power;
mod rows;
mod scale;
mod schedule;
mod tornado;
mod weekly;

use std::collections::BTreeSet;

use rayon::prelude::*;

use crate::error::Result;
use crate::report::document::Document;

pub use frame::source_line;
pub use palette::treatment;
pub use paper::Paper;
pub use power::draw as power;

/// A chart, drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// The file's stem.
    pub name: &'static str,
    /// SVG 1.1, as wide as its paper.
    pub svg: String,
    /// Characters that the bundled fonts do not have; they show as boxes.
    pub missing: BTreeSet<char>,
}

type Draw = fn(&Document, Paper) -> Result<Option<Chart>>;

const CHARTS: &[Draw] = &[
    effect::draw,
    before_after::draw,
    distribution::draw,
    balance::draw,
    boundary::draw,
    weekly::draw,
    schedule::draw,
    cash::draw,
    tornado::draw,
    acceptability::draw,
];

/// Draws the charts of the sign-off, effect and cash, for its page.
#[cfg(feature = "pdf")]
pub fn on_page(doc: &Document) -> Result<Vec<Chart>> {
    let drawn = [effect::draw, cash::draw].map(|draw: Draw| draw(doc, Paper::Page));
    drawn.into_iter().filter_map(Result::transpose).collect()
}

/// Draws every chart for which the document has data, in a fixed order.
pub fn charts(doc: &Document, paper: Paper) -> Result<Vec<Chart>> {
    let drawn: Vec<Result<Option<Chart>>> =
        CHARTS.par_iter().map(|draw| draw(doc, paper)).collect();
    drawn.into_iter().filter_map(Result::transpose).collect()
}
