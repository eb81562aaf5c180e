//! How likely each arm is the best, as the value of an avoided contact varies.

use crate::error::Result;
use crate::finance::{AcceptabilityRow, BusinessCase};
use crate::report::chart::Chart;
use crate::report::chart::canvas::{Anchor, Canvas, Point};
use crate::report::chart::frame::{Frame, Sign};
use crate::report::chart::palette::{AXIS, CONTROL, NOTE, RULE, marker, treatment};
use crate::report::chart::panels::{self, Heading, Vertical};
use crate::report::chart::paper::Paper;
use crate::report::chart::scale::Scale;
use crate::report::document::Document;
use crate::report::finding::{arm_title, treatment_index};
use crate::report::number::{chance, fixed, money};
use crate::report::text::{isolate, plain};
use crate::report::typeset::single;
use crate::texts::text;

/// Points of a curve between two markers.
const EVERY: usize = 5;

/// One option's curve.
struct Curve {
    name: String,
    /// Among the treatments; `None` is no roll-out.
    index: Option<usize>,
    points: Vec<(f64, f64)>,
}

/// Draws the chart; `None` without a comparison of arms.
pub fn draw(doc: &Document, paper: Paper) -> Result<Option<Chart>> {
    let Some((case, choice)) = doc
        .business
        .as_ref()
        .and_then(|b| Some((b, b.choice.as_ref()?)))
    else {
        return Ok(None);
    };
    let rows = &choice.acceptability;
    let most = rows.iter().map(|r| r.value).fold(0.0, f64::max);
    if most <= 0.0 {
        return Ok(None);
    }
    let curves = curves(doc, rows);
    let mut frame = Frame::open(doc, paper, title(doc, case, rows), shows(doc));
    let entries = curves.iter().map(|curve| {
        let (index, color) = (curve.index, color(curve.index));
        let sign: Sign<'_> = Box::new(move |canvas: &mut Canvas, at: Point| {
            canvas.line(vec![(at.0 - 10.0, at.1), (at.0 + 10.0, at.1)], 2.5, color);
            sign_of(canvas, index, at);
        });
        (sign, curve.name.clone())
    });
    frame.legend(entries.collect());
    let below = text!("acceptability.below", currency = plain(&case.currency));
    let heading = Heading {
        name: String::new(),
        note: String::new(),
    };
    let vertical = Vertical::new(0.0, 100.0, " %");
    let plots = panels::draw(
        &mut frame,
        &[heading],
        &vertical,
        &text!("acceptability.axis"),
        &below,
        30.0,
    );
    let Some(panel) = plots.first() else {
        return Ok(None);
    };
    let across = Scale::exact(0.0, most, panel.left, panel.right);
    let up = vertical.scale(panel);
    if let Some(own) = choice.value_of_contact.filter(|v| (0.0..=most).contains(v)) {
        let x = across.at(own);
        frame
            .canvas
            .dashes((x, panel.top), (x, panel.bottom), 1.5, RULE);
        let label = single(&text!("acceptability.own", value = amount(case, own)), NOTE);
        let half = label.width() / 2.0;
        let x = x.clamp(
            panel.left + half,
            (panel.right - half).max(panel.left + half),
        );
        frame
            .canvas
            .text(x, panel.top - 26.0, Anchor::Middle, &label);
    }
    for curve in &curves {
        let at = |p: &(f64, f64)| (across.at(p.0), up.at(p.1 * 100.0));
        let points: Vec<Point> = curve.points.iter().map(at).collect();
        let marks: Vec<Point> = points.iter().copied().step_by(EVERY).collect();
        frame.canvas.line(points, 2.5, color(curve.index));
        for at in marks {
            sign_of(&mut frame.canvas, curve.index, at);
        }
    }
    let ticks = across.ticks_that_fit(AXIS, 8);
    let labels = ticks
        .values
        .iter()
        .map(|v| (across.at(*v), ticks.label(*v)));
    panel.labels(&mut frame, labels);
    frame.close(doc, "acceptability").map(Some)
}

fn curves(doc: &Document, rows: &[AcceptabilityRow]) -> Vec<Curve> {
    let mut curves: Vec<(Option<&str>, Curve)> = Vec::new();
    for row in rows {
        let arm = row.arm.as_deref();
        let place = curves.iter().position(|(name, _)| *name == arm);
        let place = place.unwrap_or_else(|| {
            curves.push((
                arm,
                Curve {
                    name: option(doc, arm),
                    index: arm.map(|a| treatment_index(doc, a).unwrap_or(0)),
                    points: Vec::new(),
                },
            ));
            curves.len() - 1
        });
        curves[place].1.points.push((row.value, row.probability));
    }
    curves.into_iter().map(|(_, curve)| curve).collect()
}

fn option(doc: &Document, arm: Option<&str>) -> String {
    arm.map_or_else(|| text!("chart.no-roll-out"), |arm| arm_title(doc, arm))
}

fn color(index: Option<usize>) -> &'static str {
    index.map_or(CONTROL, treatment)
}

fn sign_of(canvas: &mut Canvas, index: Option<usize>, at: Point) {
    if let Some(index) = index {
        marker(canvas, index, at, 4.5, treatment(index));
    }
}

fn amount(case: &BusinessCase, value: f64) -> String {
    money(value, &plain(&case.currency), case.minor_digits)
}

/// The most likely option at the plan's own value of a contact; without one, where an arm takes over.
fn title(doc: &Document, case: &BusinessCase, rows: &[AcceptabilityRow]) -> String {
    let own = case.choice.as_ref().and_then(|c| c.value_of_contact);
    let near = own.and_then(|own| {
        let distance = |r: &&AcceptabilityRow| (r.value - own).abs();
        rows.iter()
            .min_by(|a, b| distance(a).total_cmp(&distance(b)))
            .map(|r| r.value)
    });
    let likeliest = |value: f64| {
        let at = rows.iter().filter(|r| r.value == value);
        at.max_by(|a, b| a.probability.total_cmp(&b.probability))
    };
    if let (Some(own), Some(row)) = (own, near.and_then(likeliest)) {
        let best = match row.arm.as_deref() {
            Some(arm) => isolate(&arm_title(doc, arm)),
            None => text!("chart.no-roll-out"),
        };
        let (value, chance) = (amount(case, own), chance(row.probability));
        return match per_minute(case, own) {
            Some((price, minutes)) => text!(
                "acceptability.title-minutes",
                value,
                price,
                minutes,
                best,
                chance
            ),
            None => text!("acceptability.title", value, best, chance),
        };
    }
    let takes_over = rows
        .iter()
        .filter_map(|r| likeliest(r.value))
        .find(|r| r.arm.is_some());
    match takes_over.and_then(|r| Some((r.value, r.arm.as_deref()?))) {
        Some((value, arm)) => text!(
            "acceptability.title-takes-over",
            value = amount(case, value),
            arm = isolate(&arm_title(doc, arm)),
        ),
        None => text!("acceptability.title-none"),
    }
}

/// The value of a minute and the minutes of a contact avoided that `value` comes from, where minutes
/// are priced: of the best arm as estimated.
fn per_minute(case: &BusinessCase, value: f64) -> Option<(String, String)> {
    let best = case.best.as_ref()?;
    let arm = case.arms.iter().find(|a| &a.arm == best)?;
    let (contacts, minutes) = match &arm.as_estimated {
        Some(e) => (e.avoided_per_customer_month, e.minutes_per_customer_month?),
        None => (
            arm.avoided_per_customer_month,
            arm.minutes_per_customer_month?,
        ),
    };
    let minutes = minutes.value / contacts.value;
    (minutes.is_finite() && minutes > 0.0)
        .then(|| (amount(case, value / minutes), fixed(minutes, 1)))
}

fn shows(doc: &Document) -> Vec<String> {
    let mut shows = vec![text!("acceptability.shows")];
    let mut arms = doc.business.iter().flat_map(|case| &case.arms);
    if arms.any(|a| a.as_estimated.is_some()) {
        shows.push(text!("acceptability.not-corrected"));
    }
    shows
}
