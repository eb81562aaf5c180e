//! What moves the net present value: one bar for each thing that is not certain.

use crate::error::Result;
use crate::finance::{ArmCase, BusinessCase, TornadoRange, TornadoRow};
use crate::report::assumed::{name, span};
use crate::report::beside_npv;
use crate::report::chart::Chart;
use crate::report::chart::canvas::Canvas;
use crate::report::chart::cash::magnitude;
use crate::report::chart::frame::{Frame, Sign};
use crate::report::chart::palette::{INK, NOTE};
use crate::report::chart::paper::Paper;
use crate::report::chart::rows::{HEADROOM, Row, Rows};
use crate::report::chart::scale::{Scale, bounds};
use crate::report::document::Document;
use crate::report::finding::arm_title;
use crate::report::number::{self, money_short};
use crate::report::text::{isolate, plain};
use crate::texts::text;

/// Most bars; the rest is in `tornado.csv`.
const MOST: usize = 12;

/// How many lengths of all bars together zero may lie away to be shown.
const REACH: f64 = 2.0;

/// Ends of a bar: at the low value of what moves, and at the high one (Okabe & Ito's orange and blue).
const LOW: &str = "#e69f00";
const HIGH: &str = "#0072b2";

/// Draws the chart of the arm that the decision is about, else of the best one; `None` without cash.
pub fn draw(doc: &Document, paper: Paper) -> Result<Option<Chart>> {
    let Some(case) = &doc.business else {
        return Ok(None);
    };
    let decided = doc.decision.arm.as_ref().or(case.best.as_ref());
    let Some(arm) = decided.and_then(|name| case.arms.iter().find(|a| a.arm == *name)) else {
        return Ok(None);
    };
    let bars: Vec<&TornadoRow> = case
        .tornado
        .iter()
        .filter(|r| r.arm == arm.arm && r.npv_low.is_finite() && r.npv_high.is_finite())
        .collect();
    let (Some(npv), Some(longest)) = (arm.npv, bars.first()) else {
        return Ok(None);
    };
    let base = npv.value;
    let money = |v: f64| money_short(v, &plain(&case.currency), case.minor_digits);
    let title = text!(
        "tornado.title",
        what = name(&longest.key),
        arm = isolate(&arm_title(doc, &arm.arm)),
        low = money(longest.npv_low.min(longest.npv_high)),
        high = money(longest.npv_low.max(longest.npv_high)),
    );
    let mut frame = Frame::open(doc, paper, title, shows(case, arm, bars.len()));
    frame.legend(vec![
        (swatch(LOW), text!("tornado.at-low")),
        (swatch(HIGH), text!("tornado.at-high")),
    ]);
    frame.top += HEADROOM;
    let rows: Vec<Row> = bars
        .iter()
        .take(MOST)
        .map(|bar| Row {
            name: name(&bar.key),
            note: note(bar),
            figures: vec![(
                text!(
                    "interval.to",
                    low = money(bar.npv_low),
                    high = money(bar.npv_high)
                ),
                NOTE,
            )],
        })
        .collect();
    let rows = Rows::draw(&mut frame, &rows, 40.0, 28.0);
    let ends = bars.iter().take(MOST).flat_map(|b| [b.npv_low, b.npv_high]);
    let shown: Vec<f64> = ends.chain([base]).collect();
    let largest = shown.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
    let (factor, currency) = magnitude(largest, &plain(&case.currency));
    // Zero is shown where the bars come near it, and does not squeeze them where they do not.
    let (low, high) = bounds(shown.iter().copied());
    let zero = low - REACH * (high - low) <= 0.0 && high + REACH * (high - low) >= 0.0;
    let scale = Scale::new(
        shown
            .into_iter()
            .chain(zero.then_some(0.0))
            .map(|v| v / factor),
        rows.left,
        rows.right,
    );
    let axis = text!(
        "tornado.axis",
        months = number::months(case.horizon_months),
        currency
    );
    rows.axis(&mut frame, &scale, &axis, None);
    let at = |v: f64| scale.at(v / factor);
    if zero {
        rows.limit(&mut frame, at(0.0));
    }
    for (bar, y) in bars.iter().zip(&rows.middles) {
        for (end, color) in [(bar.npv_low, LOW), (bar.npv_high, HIGH)] {
            bar_to(&mut frame.canvas, at(base), at(end), *y, color);
        }
    }
    rows.guide(
        &mut frame,
        at(base),
        Some(&text!("tornado.base", value = money(base))),
    );
    frame.close(doc, "tornado").map(Some)
}

/// Both ends on one side of the base are drawn one inside the other.
fn bar_to(canvas: &mut Canvas, base: f64, end: f64, y: f64, color: &'static str) {
    let half = if color == LOW { 10.0 } else { 7.0 };
    let (left, right) = (base.min(end), base.max(end));
    if right - left > 0.1 {
        canvas.rect((left, y - half), (right, y + half), color);
    }
}

fn swatch(color: &'static str) -> Sign<'static> {
    Box::new(move |canvas, (x, y)| {
        canvas.rect((x - 9.0, y - 6.0), (x + 9.0, y + 6.0), color);
        canvas.line(vec![(x - 9.0, y + 6.0), (x + 9.0, y + 6.0)], 1.0, INK);
    })
}

fn note(bar: &TornadoRow) -> String {
    let span = span(bar);
    match bar.range {
        TornadoRange::Percentiles => span,
        TornadoRange::NotStated => text!("tornado.not-stated", span),
    }
}

/// Beside every value stands what is left of it if the effect ended with the pilot.
fn shows(case: &BusinessCase, arm: &ArmCase, bars: usize) -> Vec<String> {
    let mut shows = vec![text!(
        "tornado.shows",
        months = number::months(case.horizon_months)
    )];
    shows.extend(beside_npv::base_and_observed(case, arm));
    if bars > MOST {
        shows.push(text!("tornado.more", count = bars - MOST));
    }
    shows
}
