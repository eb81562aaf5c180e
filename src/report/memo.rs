//! The memo: what the pilot found, in plain words, the decision first.
//!
//! Written once as blocks; [`markdown`](crate::report::markdown) and
//! [`terminal`](crate::report::terminal) only lay them out.

use crate::analysis::Status;
use crate::decision::VerdictKind;
use crate::report::chart::source_line;
use crate::report::document::Document;
use crate::report::finding::{self, Effect, arm_title, effects, headline};
use crate::report::number::{self, fixed, general};
use crate::report::privacy::Privacy;
use crate::report::text::{isolate, plain};
use crate::report::worth;

/// A part of the memo, as plain text that is safe to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// The pilot's title.
    Title(String),
    /// Something a reader must not miss.
    Banner(String),
    /// The decision.
    Decision(String),
    /// A section.
    Heading(String),
    /// A paragraph.
    Paragraph(String),
    /// A list.
    List(Vec<String>),
    /// A table: names of columns, then rows. The first column is text, the others figures.
    Table {
        /// Names of the columns.
        header: Vec<String>,
        /// Rows, each as long as the header.
        rows: Vec<Vec<String>>,
    },
    /// The source line.
    Source(String),
}

/// What stands for an unknown figure.
pub const UNKNOWN: &str = "–";

/// Writes the memo.
pub fn memo(doc: &Document) -> Vec<Block> {
    let mut out = vec![Block::Title(plain(&doc.experiment.title).into_owned())];
    out.extend(doc.banners.iter().map(|b| Block::Banner(plain(b).into())));
    out.push(Block::Decision(decision(doc)));
    if !doc.decision.why.is_empty() {
        out.push(Block::List(safe(&doc.decision.why)));
    }
    found(doc, &mut out);
    if let Some(case) = &doc.business {
        worth::business(doc, case, &mut out);
    }
    checks(doc, &mut out);
    if !doc.warnings.is_empty() {
        out.push(Block::Heading("Warnings".into()));
        out.push(Block::List(
            doc.warnings
                .iter()
                .map(|w| plain(&w.message).into())
                .collect(),
        ));
    }
    assumed(doc, &mut out);
    how(doc, &mut out);
    out.push(Block::Source(source_line(doc)));
    out
}

/// Texts of the document, safe to show.
pub fn safe(texts: &[String]) -> Vec<String> {
    texts.iter().map(|t| plain(t).into_owned()).collect()
}

fn decision(doc: &Document) -> String {
    let arm = doc.decision.arm.as_ref().map(|a| arm_title(doc, a));
    let arm = arm.as_deref().map(isolate);
    let (word, meaning) = match (doc.decision.verdict, arm) {
        (VerdictKind::Scale, Some(arm)) => ("scale", format!("roll out {arm}")),
        (VerdictKind::Scale, None) => ("scale", "roll out".into()),
        (VerdictKind::Extend, Some(arm)) => (
            "extend",
            format!("{arm} is promising but not proven; run a second stage"),
        ),
        (VerdictKind::Extend, None) => (
            "extend",
            "promising but not proven; run a second stage".into(),
        ),
        (VerdictKind::Stop, Some(arm)) => ("stop", format!("{arm} is not worth rolling out")),
        (VerdictKind::Stop, None) => ("stop", "no arm is worth rolling out".into()),
        (VerdictKind::Wait, _) => ("wait", "the test period has not ended".into()),
        (VerdictKind::Blocked, _) => ("blocked", "a health check stopped the analysis".into()),
    };
    format!("Decision: {word} – {meaning}.")
}

fn found(doc: &Document, out: &mut Vec<Block>) {
    let effects = effects(doc);
    out.push(Block::Heading("What was found".into()));
    if effects.is_empty() {
        out.push(Block::Paragraph(match doc.decision.verdict {
            VerdictKind::Wait => {
                "No effect is shown before the planned end: early figures mislead.".into()
            }
            _ => "There is no estimate of the primary outcome to show.".into(),
        }));
    } else {
        out.push(Block::Paragraph(lead_paragraph(doc, &effects)));
    }
    out.push(arms(doc, &effects));
    if let Some(first) = effects.first() {
        out.push(Block::Paragraph(gloss(doc, first, &effects)));
    }
}

fn lead_paragraph(doc: &Document, effects: &[Effect]) -> String {
    let mut text = format!("{}.", headline(doc, effects));
    match finding::lead(doc, effects) {
        Some(lead) => {
            if let Some(meaning) = lead.per_thousand(control_mean(doc)) {
                text += &format!(" That is {meaning}.");
            }
        }
        None => {
            for effect in effects {
                text += &format!(" {}.", effect.sentence());
            }
        }
    }
    text
}

fn control_mean(doc: &Document) -> Option<(f64, &str)> {
    let control = doc.experiment.arms.iter().find(|a| a.control)?;
    let level = level(doc, &control.name, "after")?;
    (!Privacy::of(doc).is_small(level.n)).then_some((level.mean, level.unit.as_str()))
}

fn level<'a>(doc: &'a Document, arm: &str, period: &str) -> Option<&'a crate::analysis::LevelRow> {
    let primary = &doc.experiment.primary_outcome;
    let mut levels = doc.levels.iter();
    levels.find(|l| l.outcome == *primary && l.arm == arm && l.period == period)
}

fn arms(doc: &Document, effects: &[Effect]) -> Block {
    let privacy = Privacy::of(doc);
    let mut header: Vec<String> = ["Arm", "Customers"].map(String::from).into();
    let shows = |period: &str| {
        let primary = &doc.experiment.primary_outcome;
        doc.levels
            .iter()
            .any(|l| l.outcome == *primary && l.period == period)
    };
    let periods: Vec<&str> = ["before", "after"]
        .into_iter()
        .filter(|p| shows(p))
        .collect();
    header.extend(periods.iter().map(|p| format!("Mean {p}")));
    if let Some(first) = effects.first() {
        header.push("Effect".into());
        header.push(format!("{} interval", finding::level(first.row.level)));
        header.push(
            if effects.iter().any(|e| e.p_adjusted) {
                "p adjusted"
            } else {
                "p"
            }
            .into(),
        );
    }
    let rows = doc.experiment.arms.iter().enumerate().map(|(i, arm)| {
        let n = doc.evidence.customers_by_arm.get(i);
        let small = n.is_some_and(|n| privacy.is_small(*n));
        let mut row = vec![
            arm_title(doc, &arm.name),
            n.map_or_else(|| UNKNOWN.into(), |n| privacy.count(*n)),
        ];
        for period in &periods {
            let level = level(doc, &arm.name, period);
            let level = level.filter(|l| !small && !privacy.is_small(l.n));
            row.push(level.map_or_else(
                || UNKNOWN.into(),
                |l| {
                    let d = number::interval_decimals(l.mean, l.ci_lower, l.ci_upper, f64::NAN);
                    fixed(l.mean, d)
                },
            ));
        }
        if !effects.is_empty() {
            row.extend(effect_cells(effects, &arm.name, arm.control));
        }
        row
    });
    Block::Table {
        header,
        rows: rows.collect(),
    }
}

fn effect_cells(effects: &[Effect], arm: &str, control: bool) -> [String; 3] {
    if control {
        return ["compared with".into(), String::new(), String::new()];
    }
    let Some(effect) = effects.iter().find(|e| e.row.arm == arm) else {
        return [UNKNOWN, UNKNOWN, UNKNOWN].map(String::from);
    };
    let (value, interval) = effect.figures();
    [
        value,
        interval.unwrap_or_else(|| UNKNOWN.into()),
        effect.p.map_or_else(|| UNKNOWN.into(), number::p_number),
    ]
}

fn gloss(doc: &Document, first: &Effect, effects: &[Effect]) -> String {
    use crate::stats::Estimand;
    let control = isolate(&finding::control_title(doc));
    let effect = match first.row.estimand {
        Estimand::Difference => format!(
            "Effect: the difference to {control} in {} (below 0 is less)",
            plain(&first.row.unit)
        ),
        Estimand::Ratio => format!("Effect: the ratio to {control} (below 1 is less)"),
        Estimand::Probability => format!(
            "Effect: the chance that a customer has less than one of {control} (0.5 is no effect)"
        ),
    };
    let widened = if effects.iter().any(|e| e.adjusted) {
        ", all comparisons together, so that trying many does not make a finding"
    } else {
        ""
    };
    let adjusted = if effects.iter().any(|e| e.p_adjusted) {
        "; adjusted: raised because several comparisons were made"
    } else {
        ""
    };
    format!(
        "{effect}. Interval: it holds the true effect in {} of such pilots{widened}. p: how often \
         chance alone would show at least this much{adjusted}.",
        finding::level(first.row.level)
    )
}

fn checks(doc: &Document, out: &mut Vec<Block>) {
    let mut not_passed: Vec<_> = doc
        .checks
        .iter()
        .filter(|c| matches!(c.status, Status::Stop | Status::Warn | Status::NotRun))
        .collect();
    not_passed.sort_by_key(|c| match c.status {
        Status::Stop => 0,
        Status::Warn => 1,
        _ => 2,
    });
    out.push(Block::Heading("Checks that did not pass".into()));
    if not_passed.is_empty() {
        out.push(Block::Paragraph(match doc.checks.len() {
            0 => "No check was run.".into(),
            1 => "The check passed.".into(),
            n => format!("None: all {n} passed."),
        }));
        return;
    }
    let items = not_passed.iter().map(|c| {
        let word = match c.status {
            Status::Stop => "stopped",
            Status::Warn => "warning",
            _ => "not run",
        };
        let p = c
            .p_value
            .map_or_else(String::new, |p| format!(" ({})", number::p_value(p)));
        format!("{} – {word}: {}{p}", plain(&c.id), plain(&c.detail))
    });
    out.push(Block::List(items.collect()));
}

fn assumed(doc: &Document, out: &mut Vec<Block>) {
    if doc.assumptions.is_empty() {
        return;
    }
    out.push(Block::Heading("What was assumed".into()));
    let bound = |v: Option<f64>| v.map_or_else(String::new, general);
    let rows = doc.assumptions.iter().map(|a| {
        vec![
            plain(&a.key).into_owned(),
            format!("{} {}", general(a.base), plain(&a.unit))
                .trim_end()
                .to_string(),
            bound(a.low),
            bound(a.mode),
            bound(a.high),
        ]
    });
    out.push(Block::Table {
        header: ["Assumption", "Used", "Low", "Most likely", "High"]
            .map(String::from)
            .into(),
        rows: rows.collect(),
    });
}

fn how(doc: &Document, out: &mut Vec<Block>) {
    let mut items = Vec::new();
    if let Some(problem) = &doc.experiment.problem {
        items.push(format!("The problem: {}", plain(problem)));
    }
    if let Some([first, last]) = &doc.experiment.after {
        items.push(format!("Test period: {} to {}", plain(first), plain(last)));
    }
    if let Some(n) = doc.analysis_number {
        items.push(format!("Analysis {n} of {n} of this pilot's arms"));
    }
    if let Some(look) = doc.look {
        items.push(format!("Interim look {look}"));
    }
    let primary = doc
        .estimates
        .iter()
        .find(|e| e.primary && e.outcome == doc.experiment.primary_outcome);
    if let Some(row) = primary {
        items.push(format!(
            "Outcome that decides: {}, estimated by {}",
            plain(&row.outcome),
            row.estimator.name()
        ));
    }
    for s in &doc.skipped {
        let arm = s.arm.as_ref().map_or_else(String::new, |a| {
            format!(" for {}", isolate(&arm_title(doc, a)))
        });
        items.push(format!(
            "Not estimated: {} of {}{arm}: {}",
            s.estimator.name(),
            plain(&s.outcome),
            plain(&s.why)
        ));
    }
    for d in &doc.deviations {
        let shown = |v: &Option<String>| {
            v.as_ref()
                .map_or_else(|| "nothing".into(), |v| plain(v).into_owned())
        };
        items.push(format!(
            "Changed since approval: {} from {} to {}{}",
            plain(&d.key),
            shown(&d.approved),
            shown(&d.now),
            if d.material {
                " (can change the result)"
            } else {
                ""
            }
        ));
    }
    if !items.is_empty() {
        out.push(Block::Heading("How it was analysed".into()));
        out.push(Block::List(items));
    }
}
