//! The memo's words on effects by segment: what is exploratory, and how little it may mean.

use crate::analysis::{SegmentRow, SegmentTest, Segments};
use crate::report::document::Document;
use crate::report::finding::{arm_title, level, range};
use crate::report::memo::{Block, Section, UNKNOWN};
use crate::report::number::{self, fixed, interval_decimals, percent_with};
use crate::report::privacy::Privacy;
use crate::report::text::{isolate, plain};
use crate::stats::Estimand;
use crate::texts::text;

/// Rows of a table that is still read; the rest is in `segments.csv`.
const MOST_ROWS: usize = 12;
/// p below which an interaction is said to be beyond chance, after Bonferroni over all that are listed.
const CLEAR: f64 = 0.05;

/// Writes the section; nothing without segments.
pub fn section(doc: &Document, out: &mut Vec<Block>) {
    let Some(segments) = &doc.segments else {
        return;
    };
    let outcome = &doc.experiment.primary_outcome;
    let tests: Vec<&SegmentTest> = segments
        .tests
        .iter()
        .filter(|t| &t.outcome == outcome)
        .collect();
    if tests.is_empty() {
        return;
    }
    out.push(Block::Heading(Section::Segments));
    out.push(Block::Paragraph(text!("segments.about")));
    let family = tests.len() as f64;
    out.push(Block::List(
        tests.iter().map(|t| tested(doc, t, family)).collect(),
    ));
    table(doc, segments, outcome, out);
}

fn tested(doc: &Document, test: &SegmentTest, family: f64) -> String {
    let arm = isolate(&arm_title(doc, &test.arm));
    let column = isolate(&plain(&test.column));
    match (test.p_value, test.why.as_deref()) {
        (Some(p), _) => {
            let (segments, interaction) = (test.segments, number::p_value(p));
            if p * family < CLEAR {
                text!("segments.differs", arm, column, segments, interaction)
            } else {
                text!(
                    "segments.does-not-differ",
                    arm,
                    column,
                    segments,
                    interaction
                )
            }
        }
        (None, Some(why)) => text!("segments.not-tested", arm, column, why = plain(why)),
        (None, None) => text!("segments.not-compared", arm, column),
    }
}

fn table(doc: &Document, segments: &Segments, outcome: &str, out: &mut Vec<Block>) {
    let privacy = Privacy::of(doc);
    let shown = |r: &&SegmentRow| {
        r.outcome == outcome && !privacy.is_small(r.n_arm) && !privacy.is_small(r.n_control)
    };
    let rows: Vec<&SegmentRow> = segments.rows.iter().filter(shown).collect();
    let Some(first) = rows.first() else {
        return;
    };
    let test = segments.tests.iter().find(|t| t.outcome == outcome);
    let estimand = test.map_or(Estimand::Difference, |t| t.estimand);
    let header = [
        text!("segments.segment"),
        text!("memo.arm"),
        text!("memo.customers"),
        text!("memo.effect"),
        text!("interval.level", level = level(first.level)),
        text!("segments.p"),
        text!("segments.shrunken"),
    ];
    let lines = rows.iter().take(MOST_ROWS).map(|r| line(doc, r, estimand));
    out.push(Block::Table {
        header: header.into(),
        rows: lines.collect(),
    });
    let effect = match estimand {
        Estimand::Difference => text!("segments.difference", unit = plain(&first.unit.words())),
        Estimand::Ratio => text!("segments.ratio"),
        Estimand::Probability => text!("segments.probability"),
    };
    let mut note = vec![effect, text!("segments.adjusted")];
    if rows.len() > MOST_ROWS {
        note.push(text!("segments.all-rows", rows = rows.len()));
    }
    out.push(Block::Paragraph(note.join(" ")));
}

fn line(doc: &Document, r: &SegmentRow, estimand: Estimand) -> Vec<String> {
    // A ratio reads as its change.
    let (shift, factor) = match estimand {
        Estimand::Ratio => (1.0, 100.0),
        _ => (0.0, 1.0),
    };
    let change = |v: f64| (v - shift) * factor;
    let (lower, upper) = (r.ci_lower.map(change), r.ci_upper.map(change));
    let null = if estimand == Estimand::Probability {
        0.5
    } else {
        0.0
    };
    let d = interval_decimals(change(r.value), lower, upper, null);
    let text = |v: f64| match estimand {
        Estimand::Ratio => percent_with((v - shift).max(-1.0), d.max(0)),
        _ => fixed(v, d),
    };
    vec![
        format!(
            "{} = {}",
            isolate(&plain(&r.column)),
            isolate(&plain(&r.segment))
        ),
        arm_title(doc, &r.arm),
        number::count(r.n_arm),
        text(r.value),
        range(r.ci_lower, r.ci_upper, text).unwrap_or_else(|| UNKNOWN.into()),
        r.p_adjusted
            .map_or_else(|| UNKNOWN.into(), number::p_number),
        r.shrunk.map_or_else(|| UNKNOWN.into(), text),
    ]
}
