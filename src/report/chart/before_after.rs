//! Means before and after by arm.

use crate::analysis::LevelRow;
use crate::error::Result;
use crate::report::chart::Chart;
use crate::report::chart::canvas::{Canvas, Point};
use crate::report::chart::frame::{Frame, Sign};
use crate::report::chart::palette::{CONTROL, INK, NOTE, PAPER, treatment};
use crate::report::chart::paper::Paper;
use crate::report::chart::rows::{Row, Rows};
use crate::report::chart::scale::Scale;
use crate::report::document::Document;
use crate::report::finding::{self, arm_title, beside, range, treatment_index};
use crate::report::memo::same_decimals;
use crate::report::number::{self, fixed};
use crate::report::privacy::Privacy;
use crate::report::text::{isolate, plain};
use crate::texts::text;

/// The means of one arm; `None` where they are unknown or the arm is too small to be shown.
struct Levels<'a> {
    arm: &'a str,
    n: u64,
    before: Option<&'a LevelRow>,
    after: Option<&'a LevelRow>,
}

/// Draws the chart; `None` unless some arm has both means, in the same unit.
pub fn draw(doc: &Document, paper: Paper) -> Result<Option<Chart>> {
    let levels = levels(doc);
    let both = |l: &&Levels| l.before.zip(l.after).is_some_and(|(b, a)| b.unit == a.unit);
    let Some(unit) = levels
        .iter()
        .find(both)
        .and_then(|l| l.after)
        .map(|l| l.unit.words())
    else {
        return Ok(None);
    };
    let mut frame = Frame::open(doc, paper, title(doc, &levels), [intervals(doc)]);
    let before: Sign = Box::new(|canvas, at| dot(canvas, at, INK, true));
    let after: Sign = Box::new(|canvas, at| dot(canvas, at, INK, false));
    frame.legend(vec![
        (before, text!("before-after.before")),
        (after, text!("before-after.after")),
    ]);
    let privacy = Privacy::of(doc);
    let rows: Vec<Row> = levels.iter().map(|l| row(doc, l, privacy)).collect();
    let rows = Rows::draw(&mut frame, &rows, 52.0, 36.0);
    let means = || levels.iter().flat_map(|l| [l.before, l.after]).flatten();
    let shown = means().flat_map(|l| [Some(l.mean), ends(l).0, ends(l).1]);
    let scale = Scale::new(shown.flatten(), rows.left, rows.right);
    rows.axis(
        &mut frame,
        &scale,
        &text!("before-after.axis", unit = plain(&unit)),
        None,
    );
    for (levels, y) in levels.iter().zip(&rows.middles) {
        let color = treatment_index(doc, levels.arm).map_or(CONTROL, treatment);
        for (level, dy, hollow) in [(levels.before, -9.0, true), (levels.after, 9.0, false)] {
            let Some(level) = level else { continue };
            let at = (scale.at(level.mean), y + dy);
            if let (Some(lower), Some(upper)) = ends(level) {
                let ends = vec![(scale.at(lower), at.1), (scale.at(upper), at.1)];
                frame.canvas.line(ends, 2.5, color);
            }
            dot(&mut frame.canvas, at, color, hollow);
        }
    }
    frame.close(doc, "before-after").map(Some)
}

fn dot(canvas: &mut Canvas, at: Point, color: &'static str, hollow: bool) {
    canvas.disc(at, 6.0, color);
    if hollow {
        canvas.disc(at, 3.5, PAPER);
    }
}

fn levels(doc: &Document) -> Vec<Levels<'_>> {
    let privacy = Privacy::of(doc);
    let find = |arm: &str, period: &str| {
        doc.levels.iter().find(|l| {
            l.outcome == doc.experiment.primary_outcome && l.arm == arm && l.period == period
        })
    };
    let arms = doc.experiment.arms.iter().map(|a| a.name.as_str());
    arms.filter_map(|arm| {
        let (before, after) = (find(arm, "before"), find(arm, "after"));
        let n = after.or(before)?.n;
        let shown = |l: Option<&'_ LevelRow>| l.is_some_and(|l| !privacy.is_small(l.n));
        Some(Levels {
            arm,
            n,
            before: before.filter(|_| shown(before)),
            after: after.filter(|_| shown(after)),
        })
    })
    .collect()
}

fn intervals(doc: &Document) -> String {
    match doc.estimates.first() {
        Some(e) => text!("before-after.intervals-at", level = finding::level(e.level)),
        None => text!("before-after.intervals"),
    }
}

/// The interval as it is drawn and said: no mean of contacts is below 0.
fn ends(level: &LevelRow) -> (Option<f64>, Option<f64>) {
    let least = match level.unit.is_amount() {
        true => 0.0,
        false => f64::NEG_INFINITY,
    };
    (level.ci_lower.map(|v| v.max(least)), level.ci_upper)
}

fn shown(doc: &Document, level: &LevelRow) -> (String, Option<String>) {
    let d = same_decimals(doc, &level.outcome);
    let show = |v: f64| match level.unit.is_share() {
        true => number::percent_with(v, d),
        false => fixed(v, d),
    };
    let (lower, upper) = ends(level);
    (show(level.mean), range(lower, upper, show))
}

fn row(doc: &Document, levels: &Levels, privacy: Privacy) -> Row {
    let figure = |level: &LevelRow| {
        let (mean, interval) = shown(doc, level);
        beside(mean, interval)
    };
    let before = levels.before.map(figure);
    let after = levels.after.map(figure);
    let figures = before
        .map(|mean| text!("before-after.mean-before", mean))
        .into_iter()
        .chain(after.map(|mean| text!("before-after.mean-after", mean)))
        .map(|figure| (figure, NOTE))
        .collect();
    Row {
        name: arm_title(doc, levels.arm),
        note: text!("schedule.count-customers", count = privacy.count(levels.n)),
        figures,
    }
}

/// "Welcome e-mail went from 2.41 to 2.20, Control from 2.40 to 2.38 contacts per …".
fn title(doc: &Document, levels: &[Levels]) -> String {
    let effects = finding::effects(doc);
    let lead = finding::lead(doc, &effects).or(effects.first());
    let control = doc.experiment.arms.iter().find(|a| a.control);
    let first = doc.experiment.arms.iter().find(|a| !a.control);
    let arm = lead
        .map(|e| e.row.arm.as_str())
        .or(first.map(|a| a.name.as_str()));
    let unclear = (finding::lead(doc, &effects).is_none() && !effects.is_empty())
        .then(|| finding::headline(doc, &effects));
    if let (Some(finding), true) = (&unclear, effects.len() > 1) {
        return text!("before-after.title-unclear", finding);
    }
    let means = |name: Option<&str>| {
        let levels = levels.iter().find(|l| Some(l.arm) == name)?;
        let (before, after) = levels.before.zip(levels.after)?;
        let title = isolate(&arm_title(doc, levels.arm));
        Some((title, shown(doc, before).0, shown(doc, after).0))
    };
    // The finding names the arm already.
    let change = means(arm).map(|(arm, before, after)| match &unclear {
        Some(finding) => text!("before-after.title-unclear-arm", finding, before, after),
        None => text!("before-after.title-arm", arm, before, after),
    });
    let of_control = means(control.map(|a| a.name.as_str()));
    let of_control = of_control.map(|(control, before, after)| {
        text!("before-after.title-control", control, before, after)
    });
    let changes: Vec<String> = change.into_iter().chain(of_control).collect();
    let unit = levels.iter().find_map(|l| l.after).map(|l| l.unit.words());
    match unit {
        Some(unit) if !changes.is_empty() => {
            text!(
                "before-after.title",
                changes = changes.join(", "),
                unit = plain(&unit)
            )
        }
        _ => text!("before-after.title-any"),
    }
}
