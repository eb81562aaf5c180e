//! The memo: what the pilot found, in plain words, the decision first.
//!
//! Written once as blocks; [`markdown`](crate::report::markdown) and
//! [`terminal`](crate::report::terminal) only lay them out.

use crate::analysis::{Check, LevelRow, Status, Unit};
use crate::decision::VerdictKind;
use crate::report::chart::source_line;
use crate::report::document::Document;
use crate::report::finding::{self, Effect, arm_title, beside, effects, headline};
use crate::report::number::{self, fixed};
use crate::report::privacy::Privacy;
use crate::report::text::{isolate, plain};
use crate::report::{
    assumed, crossed, decided, how, looks, others, schedule, segments, stages, worth,
};
use crate::stats::{Estimand, Estimator};
use crate::texts::text;

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
    Heading(Section),
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

/// A section of the memo, in the order in which they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// The effects.
    Found,
    /// Outcomes that do not decide.
    Others,
    /// Looks before the planned end.
    Looks,
    /// The two stages of a pilot that was extended.
    Stages,
    /// Arms that cross two interventions.
    Crossed,
    /// The money.
    Worth,
    /// Effects by segment.
    Segments,
    /// The health checks.
    Checks,
    /// Warnings.
    Warnings,
    /// The table of assumptions.
    Assumed,
    /// How it was analysed.
    How,
}

impl Section {
    /// Its heading.
    pub fn title(self) -> String {
        match self {
            Section::Found => text!("memo.found"),
            Section::Others => text!("others.heading"),
            Section::Looks => text!("memo.looks"),
            Section::Stages => text!("memo.stages"),
            Section::Crossed => text!("memo.crossed"),
            Section::Worth => text!("memo.worth"),
            Section::Segments => text!("memo.segments"),
            Section::Checks => text!("memo.checks"),
            Section::Warnings => text!("memo.warnings"),
            Section::Assumed => text!("memo.assumed"),
            Section::How => text!("memo.how"),
        }
    }
}

/// What stands for an unknown figure.
pub const UNKNOWN: &str = "–";

/// Checks whose information belongs into the memo: what was promised, and what is missing.
const TOLD: [&str; 2] = ["attrition", "claims"];

/// Writes the memo.
pub fn memo(doc: &Document) -> Vec<Block> {
    let mut out = vec![Block::Title(plain(&doc.experiment.title).into_owned())];
    out.extend(
        doc.banners
            .iter()
            .map(|b| Block::Banner(decided::banner_explained(b))),
    );
    out.push(Block::Decision(decided::decision(doc)));
    if !doc.decision.why.is_empty() {
        out.push(Block::List(safe(&doc.decision.why)));
    }
    found(doc, &mut out);
    others::section(doc, &mut out);
    looks::section(doc, &mut out);
    stages::section(doc, &mut out);
    crossed::crossed(doc, &mut out);
    if let Some(case) = &doc.business {
        worth::business(doc, case, &mut out);
    }
    segments::section(doc, &mut out);
    checks(doc, &mut out);
    if !doc.warnings.is_empty() {
        out.push(Block::Heading(Section::Warnings));
        out.push(Block::List(
            doc.warnings
                .iter()
                .map(|w| plain(&w.message).into())
                .collect(),
        ));
    }
    assumptions(doc, &mut out);
    how::section(doc, &mut out);
    out.push(Block::Source(source_line(doc)));
    out
}

/// Texts of the document, safe to show.
pub fn safe(texts: &[String]) -> Vec<String> {
    texts.iter().map(|t| plain(t).into_owned()).collect()
}

fn found(doc: &Document, out: &mut Vec<Block>) {
    let effects = effects(doc);
    out.push(Block::Heading(Section::Found));
    if effects.is_empty() {
        out.push(Block::Paragraph(match doc.decision.verdict {
            VerdictKind::Wait => text!("memo.too-early"),
            _ => text!("memo.no-estimate"),
        }));
    } else {
        out.push(Block::Paragraph(lead_paragraph(doc, &effects)));
    }
    out.push(arms(doc, &effects));
    if let Some(first) = effects.first() {
        out.push(Block::Paragraph(gloss(doc, first, &effects)));
    }
    out.extend(permutation(doc, &effects).map(Block::Paragraph));
}

/// Warnings that send the reader to the permutation test.
const ASK_PERMUTATION: [&str; 9] = [
    "small-arm",
    "few-contacts",
    "heavy-tail",
    "ratio-skewed",
    "skewed-counts",
    "skewed-difference",
    "negbin-misfit",
    "few-clusters",
    "few-regions",
];

/// The p-values of the permutation test, where a warning sends the reader to them.
fn permutation(doc: &Document, effects: &[Effect]) -> Option<String> {
    let mut warnings = doc.warnings.iter();
    if !warnings.any(|w| ASK_PERMUTATION.contains(&w.id.as_str())) {
        return None;
    }
    let of_arm = |e: &Effect| {
        let row = doc.estimates.iter().find(|r| {
            r.estimator == Estimator::Permutation
                && r.segment.is_none()
                && r.outcome == e.row.outcome
                && r.arm == e.row.arm
        })?;
        let (arm, p) = (isolate(&e.title), number::p_value(row.p_value?));
        Some(text!("memo.permutation-of", arm, p))
    };
    let told: Vec<String> = effects.iter().filter_map(of_arm).collect();
    let told = (!told.is_empty()).then(|| told.join("; "))?;
    Some(match effects.len() {
        1 => text!("memo.permutation", told),
        _ => text!("memo.permutation-each", told),
    })
}

fn lead_paragraph(doc: &Document, effects: &[Effect]) -> String {
    let finding = headline(doc, effects);
    match (finding::lead(doc, effects), effects) {
        (None, [only]) => text!("memo.not-clear", finding, difference = only.unclear()),
        (None, _) => {
            let each = effects.iter().map(Effect::sentence);
            let all: Vec<String> = std::iter::once(finding)
                .chain(each)
                .map(|finding| text!("memo.finding", finding))
                .collect();
            all.join(" ")
        }
        (Some(lead), _) => match lead.per_thousand(control_mean(doc)) {
            Some(meaning) => text!("memo.finding-meaning", finding, meaning),
            None => match means(doc, lead) {
                Some((mean, of_control)) => {
                    let control = isolate(&finding::control_title(doc));
                    text!("memo.finding-means", finding, mean, control, of_control)
                }
                None => text!("memo.finding", finding),
            },
        },
    }
}

fn control_mean(doc: &Document) -> Option<(f64, &Unit)> {
    let control = doc.experiment.arms.iter().find(|a| a.control)?;
    let level = level(doc, &control.name, "after")?;
    (!Privacy::of(doc).is_small(level.n)).then_some((level.mean, &level.unit))
}

/// The means of an arm and of control, of what has no sum for a thousand customers.
fn means(doc: &Document, lead: &Effect) -> Option<(String, String)> {
    let of = |arm: &str| {
        let level = level(doc, arm, "after")?;
        (!Privacy::of(doc).is_small(level.n)).then_some(level)
    };
    let d = same_decimals(doc, &lead.row.outcome);
    let mean = |arm: &str| Some(shown_mean(of(arm)?, d));
    Some((mean(&lead.row.arm)?, mean(&lead.row.control)?))
}

fn level<'a>(doc: &'a Document, arm: &str, period: &str) -> Option<&'a LevelRow> {
    let primary = &doc.experiment.primary_outcome;
    let mut levels = doc.levels.iter();
    levels.find(|l| l.outcome == *primary && l.arm == arm && l.period == period)
}

fn arms(doc: &Document, effects: &[Effect]) -> Block {
    let privacy = Privacy::of(doc);
    let mut header = vec![text!("memo.arm"), schedule::units_title(doc)];
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
    let d = same_decimals(doc, &doc.experiment.primary_outcome);
    header.extend(periods.iter().map(|p| match *p {
        "before" => text!("memo.before"),
        _ => text!("memo.after"),
    }));
    if let Some(first) = effects.first() {
        let level = finding::level(first.row.level);
        header.extend([
            text!("memo.effect"),
            text!("interval.level", level),
            text!("memo.p"),
        ]);
    }
    let rows = doc.experiment.arms.iter().map(|arm| {
        let small = privacy.hides(doc, &arm.name);
        let n = privacy.customers(doc, &arm.name);
        let mut row = vec![
            arm_title(doc, &arm.name),
            n.unwrap_or_else(|| UNKNOWN.into()),
        ];
        for period in &periods {
            let level = level(doc, &arm.name, period);
            let level = level.filter(|l| !small && !privacy.is_small(l.n));
            row.push(level.map_or_else(|| UNKNOWN.into(), |l| shown_mean(l, d)));
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

/// A mean with so many decimals; a share as a percentage.
pub fn shown_mean(level: &LevelRow, decimals: i32) -> String {
    match level.unit.is_share() {
        true => number::percent_with(level.mean, decimals),
        false => fixed(level.mean, decimals),
    }
}

/// Decimals of a mean that its interval allows, of a share those of its percentage.
fn decimals(level: &LevelRow) -> i32 {
    let factor = if level.unit.is_share() { 100.0 } else { 1.0 };
    let end = |v: Option<f64>| v.map(|v| v * factor);
    let (lower, upper) = (end(level.ci_lower), end(level.ci_upper));
    number::interval_decimals(level.mean * factor, lower, upper, f64::NAN)
}

/// The decimals that the means of all arms have, before and after: those of the arm that is known best. An arm without a
/// spread, which says nothing about how well it is known, asks for none.
pub fn same_decimals(doc: &Document, outcome: &str) -> i32 {
    let privacy = Privacy::of(doc);
    let levels = doc
        .levels
        .iter()
        .filter(|l| l.outcome == outcome && !privacy.is_small(l.n));
    let (spread, flat): (Vec<_>, Vec<_>) = levels.partition(|l| {
        l.ci_lower
            .zip(l.ci_upper)
            .is_some_and(|(low, high)| low < high)
    });
    let most = |levels: &[&LevelRow]| levels.iter().map(|l| decimals(l)).max();
    most(&spread).or_else(|| most(&flat)).unwrap_or(0)
}

fn effect_cells(effects: &[Effect], arm: &str, control: bool) -> [String; 3] {
    if control {
        return [text!("finding.control"), String::new(), String::new()];
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

/// How the table is read.
fn gloss(doc: &Document, first: &Effect, effects: &[Effect]) -> String {
    let control = isolate(&finding::control_title(doc));
    let of_control = |period: &str| level(doc, &first.row.control, period);
    let means = of_control("after").map(|after| {
        let unit = after.unit.words();
        let unit = plain(&unit);
        match of_control("before") {
            Some(_) => text!("memo.gloss-means", unit),
            None => text!("memo.gloss-mean", unit),
        }
    });
    let effect = match first.row.estimand {
        Estimand::Difference => {
            let unit = first.shown.unit();
            text!("memo.gloss-difference", control, unit = plain(&unit))
        }
        Estimand::Ratio => text!("memo.gloss-ratio", control),
        Estimand::Probability => text!("memo.gloss-probability", control),
    };
    let level = finding::level(first.row.level);
    let interval = match effects.iter().filter(|e| e.adjusted).count() {
        _ if first.row.estimator == Estimator::Bayes => text!("memo.gloss-credible", level),
        0 => text!("memo.gloss-interval", level),
        n if n < effects.len() => text!("memo.gloss-interval-selected", level),
        _ => text!("memo.gloss-interval-together", level),
    };
    let p = if doc.stages.is_some() {
        text!("memo.gloss-p-stages")
    } else if doc.boundaries.is_some() {
        text!("memo.gloss-p-looks")
    } else if effects.iter().any(|e| e.p_adjusted) {
        text!("memo.gloss-p-several")
    } else {
        text!("memo.gloss-p")
    };
    let stages = doc.stages.as_ref().map(|_| text!("memo.gloss-stages"));
    let how = means.into_iter().chain(stages);
    let said: Vec<String> = how.chain([effect, interval, p]).collect();
    said.join(" ")
}

fn checks(doc: &Document, out: &mut Vec<Block>) {
    out.push(Block::Heading(Section::Checks));
    let with = |statuses: &[Status]| -> Vec<_> {
        let checks = doc.checks.iter();
        checks.filter(|c| statuses.contains(&c.status)).collect()
    };
    let (stopped, warned) = (with(&[Status::Stop]), with(&[Status::Warn]));
    let not_run = with(&[Status::NotRun]);
    let run = doc.checks.len() - not_run.len();
    let failed = stopped.len() + warned.len();
    out.push(Block::Paragraph(match (run, failed) {
        (0, _) => text!("memo.no-checks"),
        (1, 0) => text!("memo.one-check-passed"),
        (all, 0) => text!("memo.checks-passed", all),
        (all, f) => text!("memo.checks-failed", passed = all - f, all),
    }));
    let mut told = with(&[Status::Info]);
    told.retain(|c| TOLD.contains(&c.id.as_str()));
    let listed = [stopped, warned, told, not_run].into_iter().flatten();
    let items: Vec<String> = listed.map(check).collect();
    if !items.is_empty() {
        out.push(Block::List(items));
    }
}

fn check(c: &Check) -> String {
    let (id, detail) = (plain(&c.id), plain(&c.detail));
    let said = match c.status {
        Status::Stop => text!("memo.check-stopped", id, detail),
        Status::Warn => text!("memo.check-warning", id, detail),
        Status::NotRun => text!("memo.check-not-run", id, detail),
        Status::Info | Status::Ok => text!("memo.check-told", id, detail),
    };
    beside(said, c.p_value.map(number::p_value))
}

fn assumptions(doc: &Document, out: &mut Vec<Block>) {
    if doc.assumptions.is_empty() {
        return;
    }
    out.push(Block::Heading(Section::Assumed));
    out.push(assumed::table(doc));
}
