//! How alike the arms were at the start: standardised mean differences.

use crate::analysis::BalanceRow;
use crate::error::Result;
use crate::report::chart::Chart;
use crate::report::chart::frame::{Frame, Sign};
use crate::report::chart::palette::{marker, treatment};
use crate::report::chart::paper::Paper;
use crate::report::chart::rows::{HEADROOM, Row, Rows};
use crate::report::chart::scale::Scale;
use crate::report::document::Document;
use crate::report::finding::{arm_title, control_title, treatment_index};
use crate::report::number::{self, fixed};
use crate::report::text::{isolate, plain};
use crate::texts::text;

/// Differences beyond this are worth a look (the plan's check warns there too).
const LIMIT: f64 = 0.1;

/// p of the check `balance` from which on chance explains all differences together.
const CHANCE: f64 = 0.01;

/// More rows than this would not be read: the largest differences stay.
const MOST: usize = 40;

struct Covariate<'a> {
    name: &'a str,
    rows: Vec<&'a BalanceRow>,
}

impl Covariate<'_> {
    fn largest(&self) -> f64 {
        self.rows
            .iter()
            .filter_map(|r| r.smd)
            .map(f64::abs)
            .fold(0.0, f64::max)
    }
}

/// Draws the chart; `None` without a standardised difference.
pub fn draw(doc: &Document, paper: Paper) -> Result<Option<Chart>> {
    let all = covariates(doc);
    if all.iter().all(|c| c.rows.iter().all(|r| r.smd.is_none())) {
        return Ok(None);
    }
    let shown = most_different(&all);
    let mut shows = vec![text!(
        "balance.shows",
        control = isolate(&control_title(doc))
    )];
    if shown.len() < all.len() {
        shows.push(text!(
            "balance.largest",
            shown = shown.len(),
            all = all.len()
        ));
    }
    let mut frame = Frame::open(doc, paper, title(doc, &all), shows);
    let arms: Vec<(usize, &str)> = doc
        .experiment
        .arms
        .iter()
        .filter(|a| !a.control && doc.balance.iter().any(|r| r.arm == a.name))
        .filter_map(|a| Some((treatment_index(doc, &a.name)?, a.name.as_str())))
        .collect();
    frame.legend(
        arms.iter()
            .map(|(index, name)| {
                let index = *index;
                let sign: Sign =
                    Box::new(move |canvas, at| marker(canvas, index, at, 5.5, treatment(index)));
                (sign, arm_title(doc, name))
            })
            .collect(),
    );
    let rows: Vec<Row> = shown
        .iter()
        .map(|c| Row {
            name: plain(c.name).into_owned(),
            note: if c.rows.iter().all(|r| r.smd.is_none()) {
                text!("balance.no-spread")
            } else {
                String::new()
            },
            figures: Vec::new(),
        })
        .collect();
    // Markers of the arms stand one under the other, so that none hides another.
    let spread = 7.0 * (arms.len() as f64 - 1.0).max(0.0);
    frame.top += HEADROOM;
    let rows = Rows::draw(&mut frame, &rows, (spread + 20.0).max(30.0), spread + 16.0);
    let values = shown.iter().flat_map(|c| &c.rows).filter_map(|r| r.smd);
    let scale = Scale::new(
        values.chain([-1.5 * LIMIT, 1.5 * LIMIT]),
        rows.left,
        rows.right,
    );
    rows.axis(&mut frame, &scale, &text!("balance.axis"), None);
    rows.guide(&mut frame, scale.at(0.0), Some(&text!("balance.guide")));
    rows.limit(&mut frame, scale.at(LIMIT));
    rows.limit(&mut frame, scale.at(-LIMIT));
    for (covariate, middle) in shown.iter().zip(&rows.middles) {
        for (place, (index, name)) in arms.iter().enumerate() {
            let row = covariate.rows.iter().find(|r| r.arm == *name);
            if let Some(smd) = row.and_then(|r| r.smd) {
                let y = middle - spread / 2.0 + 7.0 * place as f64;
                marker(
                    &mut frame.canvas,
                    *index,
                    (scale.at(smd), y),
                    5.5,
                    treatment(*index),
                );
            }
        }
    }
    frame.close(doc, "balance").map(Some)
}

/// Covariates in the document's order.
fn covariates(doc: &Document) -> Vec<Covariate<'_>> {
    let mut out: Vec<Covariate> = Vec::new();
    for row in &doc.balance {
        match out.iter_mut().find(|c| c.name == row.covariate) {
            Some(covariate) => covariate.rows.push(row),
            None => out.push(Covariate {
                name: &row.covariate,
                rows: vec![row],
            }),
        }
    }
    out
}

/// The covariates with the largest differences, in the document's order.
fn most_different<'a, 'b>(all: &'b [Covariate<'a>]) -> Vec<&'b Covariate<'a>> {
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by(|a, b| {
        all[*b]
            .largest()
            .total_cmp(&all[*a].largest())
            .then(a.cmp(b))
    });
    order.truncate(MOST);
    order.sort_unstable();
    order.into_iter().map(|i| &all[i]).collect()
}

fn title(doc: &Document, all: &[Covariate]) -> String {
    let beyond: Vec<&Covariate> = all.iter().filter(|c| c.largest() > LIMIT).collect();
    let worst = beyond
        .iter()
        .flat_map(|c| &c.rows)
        .filter_map(|r| Some((r, r.smd?)))
        .max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
    let Some((row, smd)) = worst else {
        return text!("balance.alike");
    };
    let (covariate, arm) = (
        isolate(&plain(&row.covariate)),
        isolate(&arm_title(doc, &row.arm)),
    );
    let smd = fixed(smd, 2);
    // A difference that chance explains is none that the arms differed in.
    let check = doc.checks.iter().find(|c| c.id == "balance");
    if let Some(p) = check.and_then(|c| c.p_value).filter(|p| *p >= CHANCE) {
        let p = number::p_value(p);
        return text!("balance.by-chance", covariate, arm, smd, p);
    }
    match (beyond.len(), all.len()) {
        (_, 1) => text!("balance.differed-in-one", covariate, arm, smd),
        (beyond, all) => text!("balance.differed", beyond, all, covariate, arm, smd),
    }
}
