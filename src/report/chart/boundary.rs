//! The boundary of a sequential plan, with the statistics of the looks made so far.

use crate::analysis::{ArmLooks, Boundaries, LookState};
use crate::error::Result;
use crate::report::chart::Chart;
use crate::report::chart::canvas::Point;
use crate::report::chart::frame::{Frame, Sign};
use crate::report::chart::palette::{AXIS, INK, RULE, marker, treatment};
use crate::report::chart::panels::{self, Heading, Panel, Vertical};
use crate::report::chart::paper::Paper;
use crate::report::chart::scale::{Scale, bounds};
use crate::report::document::Document;
use crate::report::finding::{arm_title, treatment_index};
use crate::report::number::{self, fixed};
use crate::report::text::{isolate, plain};
use crate::texts::text;

/// A boundary beyond this z is drawn up to it, so that the rest stays readable.
const HIGHEST: f64 = 6.0;

/// A point of the boundary: percent of the information, critical z, futility bound.
type Mark = (f64, f64, Option<f64>);

/// Draws the chart; `None` without looks.
pub fn draw(doc: &Document, paper: Paper) -> Result<Option<Chart>> {
    let Some(looks) = &doc.boundaries else {
        return Ok(None);
    };
    let arms: Vec<&ArmLooks> = looks
        .arms
        .iter()
        .filter(|a| a.outcome == doc.experiment.primary_outcome)
        .filter(|a| !a.looks.is_empty())
        .collect();
    if arms.is_empty() {
        return Ok(None);
    }
    let marks: Vec<Vec<Mark>> = arms.iter().map(|a| boundary(looks, a)).collect();
    let near = |z: f64| z.clamp(-HIGHEST, HIGHEST);
    let shown = marks
        .iter()
        .flatten()
        .flat_map(|m| [Some(near(m.1)), m.2.map(near)])
        .chain(
            arms.iter()
                .flat_map(|a| a.looks.iter().map(|l| Some(near(l.z)))),
        )
        .flatten()
        .chain([0.0]);
    let (low, high) = bounds(shown);
    let low = if looks.sides == 2 {
        low.min(-high)
    } else {
        low
    };
    let futility = marks.iter().flatten().any(|m| m.2.is_some());
    let mut frame = Frame::open(doc, paper, title(doc, looks, &arms), [shows(looks)]);
    frame.legend(legend(futility));
    let headings: Vec<Heading> = arms
        .iter()
        .map(|a| Heading {
            name: arm_title(doc, &a.arm),
            note: note(looks, a),
        })
        .collect();
    let room = (high - low).max(1.0) * 0.06;
    let vertical = Vertical::new(low - room, high + room, "");
    let plots = panels::draw(
        &mut frame,
        &headings,
        &vertical,
        &text!("boundary.axis"),
        &text!("boundary.below"),
        8.0,
    );
    for ((arm, marks), panel) in arms.iter().zip(&marks).zip(&plots) {
        let share = Scale::exact(0.0, 104.0, panel.left, panel.right);
        let index = treatment_index(doc, &arm.arm).unwrap_or(0);
        plot(
            &mut frame,
            (looks, arm),
            marks,
            (&share, &vertical.scale(panel)),
            index,
        );
        ticks(&mut frame, panel, &share);
    }
    frame.close(doc, "boundary").map(Some)
}

/// The boundary of the looks made, as it was, and of those to come, as planned.
fn boundary(looks: &Boundaries, arm: &ArmLooks) -> Vec<Mark> {
    let percent = |t: f64| 100.0 * t.clamp(0.0, 1.0);
    let made = arm
        .looks
        .iter()
        .map(|l| (percent(l.fraction), l.critical, l.futility));
    let last = arm.looks.last().map_or(0, |l| l.look);
    let to_come = looks
        .planned
        .iter()
        .filter(|p| p.look > last)
        .map(|p| (percent(p.information), p.z, p.futility));
    let mut marks: Vec<Mark> = made.chain(to_come).collect();
    marks.retain(|m| m.0.is_finite() && m.1.is_finite());
    marks.sort_by(|a, b| a.0.total_cmp(&b.0));
    marks
}

fn legend(futility: bool) -> Vec<(Sign<'static>, String)> {
    let line: Sign = Box::new(|canvas, (x, y)| {
        canvas.line(vec![(x - 9.0, y), (x + 9.0, y)], 2.0, INK);
    });
    let dot: Sign = Box::new(|canvas, at| canvas.disc(at, 5.0, INK));
    let mut entries = vec![(line, text!("boundary.line")), (dot, text!("boundary.dot"))];
    if futility {
        let dashes: Sign = Box::new(|canvas, (x, y)| {
            canvas.dashes((x - 9.0, y), (x + 9.0, y), 1.5, INK);
        });
        entries.push((dashes, text!("boundary.futility")));
    }
    entries
}

fn plot(
    frame: &mut Frame,
    (looks, arm): (&Boundaries, &ArmLooks),
    marks: &[Mark],
    (share, z): (&Scale, &Scale),
    index: usize,
) {
    let color = treatment(index);
    let (from, to) = share.ends();
    let zero = z.at(0.0);
    frame.canvas.line(vec![(from, zero), (to, zero)], 1.5, RULE);
    let signs: &[f64] = if looks.sides == 2 {
        &[1.0, -1.0]
    } else {
        &[1.0]
    };
    for sign in signs {
        let line: Vec<Point> = marks
            .iter()
            .map(|m| (share.at(m.0), z.at((sign * m.1).clamp(-HIGHEST, HIGHEST))))
            .collect();
        for point in &line {
            let tick = vec![(point.0, point.1 - 4.0), (point.0, point.1 + 4.0)];
            frame.canvas.line(tick, 2.0, INK);
        }
        if line.len() > 1 {
            frame.canvas.line(line, 2.0, INK);
        }
    }
    let futile: Vec<Point> = marks
        .iter()
        .filter_map(|m| Some((share.at(m.0), z.at(m.2?.clamp(-HIGHEST, HIGHEST)))))
        .collect();
    for pair in futile.windows(2) {
        frame.canvas.dashes(pair[0], pair[1], 1.5, INK);
    }
    let path: Vec<Point> = arm
        .looks
        .iter()
        .map(|l| {
            let x = share.at(100.0 * l.fraction.clamp(0.0, 1.0));
            (x, z.at(l.z.clamp(-HIGHEST, HIGHEST)))
        })
        .collect();
    if path.len() > 1 {
        frame.canvas.line(path.clone(), 2.0, color);
    }
    for at in path {
        marker(&mut frame.canvas, index, at, 5.5, color);
    }
}

fn ticks(frame: &mut Frame, panel: &Panel, share: &Scale) {
    let ticks = share.ticks_that_fit(AXIS, 5);
    let labels = ticks
        .values
        .iter()
        .filter(|v| (0.0..=100.0).contains(*v))
        .map(|v| (share.at(*v), format!("{} %", ticks.label(*v))));
    panel.labels(frame, labels.collect::<Vec<_>>());
}

/// "look 2: z 1.88, boundary 2.51, p 0.21".
/// The last look, with the p that the report has: over all looks and comparisons.
fn note(looks: &Boundaries, arm: &ArmLooks) -> String {
    let Some(now) = arm.looks.last() else {
        return String::new();
    };
    let (look, z, critical) = (now.look, fixed(now.z, 2), fixed(now.critical, 2));
    let comparisons = looks.alpha / looks.alpha_each;
    match arm.p.map(|p| (p * comparisons).min(1.0)) {
        Some(p) => text!("boundary.note-p", look, z, critical, p = number::p_value(p)),
        None => text!("boundary.note", look, z, critical),
    }
}

fn shows(looks: &Boundaries) -> String {
    let rule = match &looks.spending {
        Some(name) => text!("boundary.rule", name = plain(name)),
        None => text!("boundary.always-valid"),
    };
    let alpha = number::percent_with(looks.alpha, 0);
    match looks.sides {
        2 => text!("boundary.two-sided", rule, alpha),
        _ => text!("boundary.one-sided", rule, alpha),
    }
}

/// "look 1 of 3".
pub fn of_planned(looks: &Boundaries) -> String {
    let look = looks.look;
    match looks.looks_planned {
        Some(planned) => text!("boundary.look-of-planned", look, planned),
        None => text!("boundary.look", look),
    }
}

fn title(doc: &Document, looks: &Boundaries, arms: &[&ArmLooks]) -> String {
    let with = |state: LookState| arms.iter().find(|a| a.state == state);
    let named = |arm: &ArmLooks| isolate(&arm_title(doc, &arm.arm));
    if let Some(arm) = with(LookState::Effect) {
        let look = arm.crossed_at.unwrap_or(looks.look);
        return match doc.stages {
            Some(_) if look == looks.look => {
                text!("boundary.crossed-by-both-stages", arm = named(arm))
            }
            _ => text!("boundary.crossed", arm = named(arm), look),
        };
    }
    if let Some(arm) = with(LookState::Harm) {
        return text!("boundary.harm", arm = named(arm));
    }
    let look = of_planned(looks);
    if arms.iter().all(|a| a.state == LookState::Futility) {
        return text!("boundary.futile", look);
    }
    match arms.len() {
        1 => text!("boundary.not-crossed", look),
        _ => text!("boundary.none-crossed", look),
    }
}
