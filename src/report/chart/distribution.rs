//! Contacts per customer, by arm.

use crate::analysis::Unit;
use crate::error::Result;
use crate::report::chart::Chart;
use crate::report::chart::canvas::{Anchor, Point};
use crate::report::chart::frame::{Frame, Sign};
use crate::report::chart::palette::{AXIS, CONTROL, INK, NOTE, treatment};
use crate::report::chart::panels::{self, Heading, Panel, Vertical};
use crate::report::chart::paper::Paper;
use crate::report::chart::scale::Scale;
use crate::report::document::Document;
use crate::report::finding::{self, arm_title, treatment_index};
use crate::report::number::percent;
use crate::report::privacy::{ArmBins, Distribution, Privacy};
use crate::report::text::{isolate, plain};
use crate::report::typeset::{block, measure};
use crate::texts::text;

/// Draws the chart; `None` without a distribution of the primary outcome.
pub fn draw(doc: &Document, paper: Paper) -> Result<Option<Chart>> {
    let all = Distribution::of(doc, &doc.experiment.primary_outcome);
    let Some(distribution) = all.map(Distribution::even) else {
        return Ok(None);
    };
    let is_control = |arm: &ArmBins| treatment_index(doc, &arm.arm).is_none();
    let control = distribution
        .arms
        .iter()
        .find(|a| is_control(a))
        .and_then(ArmBins::shares);
    let privacy = Privacy::of(doc);
    let shows = [text!("distribution.shows", things = things(doc))];
    let mut frame = Frame::open(doc, paper, title(doc, &distribution), shows);
    if control.is_some() && distribution.arms.len() > 1 {
        let outline: Sign = Box::new(|canvas, (x, y)| {
            canvas.line(vec![(x - 9.0, y), (x + 9.0, y)], 2.0, INK);
        });
        let control = isolate(&finding::control_title(doc));
        frame.legend(vec![(outline, text!("distribution.line", control))]);
    }
    let headings: Vec<Heading> = distribution
        .arms
        .iter()
        .map(|arm| Heading {
            name: arm_title(doc, &arm.arm),
            note: text!("schedule.count-customers", count = privacy.count(arm.total)),
        })
        .collect();
    let shares = distribution.arms.iter().filter_map(ArmBins::shares);
    let highest = shares.flatten().fold(0.0, f64::max) * 100.0;
    let vertical = Vertical::new(0.0, if highest > 0.0 { highest } else { 100.0 }, " %");
    let below = text!("distribution.below", things = capitalised(&things(doc)));
    let plots = panels::draw(
        &mut frame,
        &headings,
        &vertical,
        &text!("distribution.axis"),
        &below,
        NOTE.line_height() + 4.0,
    );
    for (arm, panel) in distribution.arms.iter().zip(&plots) {
        let color = treatment_index(doc, &arm.arm).map_or(CONTROL, treatment);
        let compared = control.as_deref().filter(|_| !is_control(arm));
        bars(
            &mut frame,
            panel,
            &vertical.scale(panel),
            arm,
            compared,
            color,
        );
        ticks(&mut frame, panel, &distribution);
    }
    frame.close(doc, "distribution").map(Some)
}

fn slot(panel: &Panel, bins: usize) -> f64 {
    (panel.right - panel.left) / bins as f64
}

fn bars(
    frame: &mut Frame,
    panel: &Panel,
    scale: &Scale,
    arm: &ArmBins,
    control: Option<&[f64]>,
    color: &'static str,
) {
    let Some(shares) = arm.shares() else { return };
    let slot = slot(panel, shares.len());
    let height = |share: f64| scale.at(share * 100.0);
    let mut outline: Vec<Point> = Vec::new();
    for (i, share) in shares.iter().enumerate() {
        let (left, right) = (
            panel.left + (i as f64 + 0.1) * slot,
            panel.left + (i as f64 + 0.9) * slot,
        );
        let mut top = height(*share);
        frame.canvas.rect((left, top), (right, panel.bottom), color);
        if let Some(compared) = control.and_then(|c| c.get(i)) {
            let y = height(*compared);
            top = top.min(y);
            outline.push((panel.left + i as f64 * slot, y));
            outline.push((panel.left + (i as f64 + 1.0) * slot, y));
        }
        let label = percent(*share);
        if measure(&label, NOTE) + 4.0 <= slot {
            frame.canvas.text(
                (left + right) / 2.0,
                top - NOTE.line_height() - 1.0,
                Anchor::Middle,
                &block(&label, NOTE, slot, 1),
            );
        }
    }
    if !outline.is_empty() {
        frame.canvas.line(outline, 2.0, INK);
    }
}

fn ticks(frame: &mut Frame, panel: &Panel, distribution: &Distribution) {
    let bins = distribution.bins.len();
    let slot = slot(panel, bins);
    let widest = (0..bins)
        .map(|i| measure(&distribution.label(i), AXIS))
        .fold(0.0, f64::max);
    let every = ((widest + 8.0) / slot).ceil().max(1.0) as usize;
    let middle = |i: usize| panel.left + (i as f64 + 0.5) * slot;
    let labels = (0..bins).step_by(every);
    panel.labels(frame, labels.map(|i| (middle(i), distribution.label(i))));
}

/// "contacts", or the outcome's name where it counts something else.
fn things(doc: &Document) -> String {
    let primary = &doc.experiment.primary_outcome;
    let contacts = |outcome: &str, unit: &Unit| outcome == primary && unit.counts_contacts();
    let counted = doc.levels.iter().any(|l| contacts(&l.outcome, &l.unit))
        || doc.estimates.iter().any(|e| contacts(&e.outcome, &e.unit));
    if counted {
        text!("distribution.contacts")
    } else {
        plain(primary).into_owned()
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// "62 % of Welcome e-mail's customers made no contact, 55 % of Control's".
fn title(doc: &Document, distribution: &Distribution) -> String {
    let effects = finding::effects(doc);
    let lead = finding::lead(doc, &effects);
    let none = |arm: &ArmBins| arm.shares().map(|s| percent(s[0]));
    let of = |name: &str| distribution.arms.iter().find(|a| a.arm == name);
    let treated = lead.and_then(|e| Some((e.title.as_str(), none(of(&e.row.arm)?)?)));
    let control = doc.experiment.arms.iter().find(|a| a.control);
    let control = control.and_then(|c| Some((finding::control_title(doc), none(of(&c.name)?)?)));
    let things = things(doc);
    match (distribution.bins[0], treated, control) {
        ((0.0, Some(0.0)), Some((arm, share)), Some((control, of_control))) => {
            let (arm, control) = (isolate(arm), isolate(&control));
            text!("distribution.none", share, things, arm, of_control, control)
        }
        _ if lead.is_none() && !effects.is_empty() => {
            let finding = finding::headline(doc, &effects);
            text!("distribution.unclear", finding, things)
        }
        _ => text!("distribution.by-arm", things),
    }
}
