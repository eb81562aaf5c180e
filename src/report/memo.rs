//! The memo: what the pilot found, in plain words, the decision first.
//!
//! Written once as blocks; [`markdown`](crate::report::markdown) and
//! [`terminal`](crate::report::terminal) only lay them out.

use crate::analysis::{EstimateRow, Status};
use crate::decision::VerdictKind;
use crate::report::chart::source_line;
use crate::report::crossed;
use crate::report::document::{Deviation, Document};
use crate::report::finding::{self, Effect, arm_title, effects, headline};
use crate::report::looks;
use crate::report::number::{self, fixed, general};
use crate::report::privacy::Privacy;
use crate::report::schedule;
use crate::report::segments;
use crate::report::stages;
use crate::report::text::{isolate, plain};
use crate::report::worth;
use crate::stats::DetailValue;

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

/// Checks whose information belongs into the memo: what was promised, and what is missing.
const TOLD: [&str; 2] = ["attrition", "claims"];

/// Heading of the effects.
pub const FOUND: &str = "What was found";
/// Heading of the money.
pub const WORTH: &str = "What it is worth";
/// Heading of the health checks.
pub const CHECKS: &str = "Checks";
/// Heading of the table of assumptions.
pub const ASSUMED: &str = "What was assumed";

/// Writes the memo.
pub fn memo(doc: &Document) -> Vec<Block> {
    let mut out = vec![Block::Title(plain(&doc.experiment.title).into_owned())];
    out.extend(doc.banners.iter().map(|b| Block::Banner(banner(b))));
    out.push(Block::Decision(decision(doc)));
    if !doc.decision.why.is_empty() {
        out.push(Block::List(safe(&doc.decision.why)));
    }
    found(doc, &mut out);
    looks::section(doc, &mut out);
    stages::section(doc, &mut out);
    crossed::crossed(doc, &mut out);
    if let Some(case) = &doc.business {
        worth::business(doc, case, &mut out);
    }
    segments::section(doc, &mut out);
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

/// A banner, with what it means to someone who sees it for the first time.
fn banner(text: &str) -> String {
    let meaning = match text {
        "NOT PRE-REGISTERED" => ": nobody approved this plan before the data were read",
        "LATE" | "LATE APPROVAL" => {
            ": the plan was approved after the test period had begun or data had been read"
        }
        "CHANGED SINCE APPROVAL" => {
            ": the plan is not the approved one; the changes are listed at the end"
        }
        _ => "",
    };
    format!("{}{meaning}", plain(text))
}

/// What an arm that is worth following up needs next: a result of a plan that nobody approved
/// is no reason to spend, however clear it looks.
fn follow_up(doc: &Document, arm: &str) -> String {
    let what_if = doc.banners.iter().any(|b| b.starts_with("WHAT IF"));
    let clear = effects(doc)
        .iter()
        .any(|e| e.clear && e.good && Some(&e.row.arm) == doc.decision.arm.as_ref());
    let changed = doc.deviations.iter().any(|d| d.unexplained());
    match (doc.seal.is_some(), clear) {
        (true, _) if changed && !what_if => format!(
            "no roll-out. {arm} may be worth following up, but the plan was changed after its \
             approval; approve the plan as it stands and repeat the test"
        ),
        _ if what_if => format!("a what-if, no result; {arm} stays worth following up"),
        (false, true) => format!(
            "no roll-out yet. {arm} shows an effect, but in a plan that nobody approved \
             beforehand; approve a plan and repeat the test"
        ),
        (false, false) => format!(
            "no roll-out. {arm} shows no clear effect, and the plan was not approved beforehand; \
             to find out, approve a plan for a larger test"
        ),
        (true, true) => format!(
            "no roll-out yet. {arm} has an effect, but the plan's other conditions for a roll-out \
             are not met"
        ),
        (true, false) => format!(
            "no roll-out yet. {arm} is promising but not proven; run a second stage with more \
             {}",
            match doc.experiment.design {
                Some(_) => "regions or blocks",
                None => "customers",
            }
        ),
    }
}

fn decision(doc: &Document) -> String {
    let arm = doc.decision.arm.as_ref().map(|a| arm_title(doc, a));
    let arm = arm.as_deref().map(isolate);
    let (word, meaning) = match (doc.decision.verdict, arm) {
        (VerdictKind::Scale, arm) => {
            let what = arm.map_or_else(|| "roll out".into(), |arm| format!("roll out {arm}"));
            let late = doc.banners.iter().any(|b| b.starts_with("LATE"));
            let mind = if late {
                "; mind that the plan was approved late"
            } else {
                ""
            };
            ("scale", format!("{what}{mind}"))
        }
        (VerdictKind::Extend, arm) => {
            let arm = arm.unwrap_or_else(|| "the best arm".into());
            ("extend", follow_up(doc, &arm))
        }
        (VerdictKind::Stop, Some(arm)) => ("stop", format!("{arm} is not worth rolling out")),
        (VerdictKind::Stop, None) => ("stop", "no arm is worth rolling out".into()),
        (VerdictKind::Wait, _) if doc.boundaries.is_some() => {
            ("wait", "no look has crossed the boundary yet".into())
        }
        (VerdictKind::Wait, _) => ("wait", "the test period has not ended".into()),
        (VerdictKind::Blocked, _) => ("blocked", "a health check stopped the analysis".into()),
    };
    format!("Decision: {word} – {meaning}.")
}

fn found(doc: &Document, out: &mut Vec<Block>) {
    let effects = effects(doc);
    out.push(Block::Heading(FOUND.into()));
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
    if let ([only], None) = (effects, finding::lead(doc, effects)) {
        return format!("{}: {}.", headline(doc, effects), only.unclear());
    }
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
    let mut header: Vec<String> = ["Arm", schedule::units_title(doc)].map(String::from).into();
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
    header.extend(periods.iter().map(|p| match *p {
        "before" => "Before".to_string(),
        _ => "After".to_string(),
    }));
    if let Some(first) = effects.first() {
        header.push("Effect".into());
        header.push(format!("{} interval", finding::level(first.row.level)));
        header.push("p".into());
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
            row.push(level.map_or_else(|| UNKNOWN.into(), mean));
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

/// A mean with the digits that its interval allows; a share as a percentage.
fn mean(level: &crate::analysis::LevelRow) -> String {
    let share = level.unit.starts_with("share");
    let factor = if share { 100.0 } else { 1.0 };
    let end = |v: Option<f64>| v.map(|v| v * factor);
    let (lower, upper) = (end(level.ci_lower), end(level.ci_upper));
    let d = number::interval_decimals(level.mean * factor, lower, upper, f64::NAN);
    let text = fixed(level.mean * factor, d);
    if share { format!("{text} %") } else { text }
}

fn effect_cells(effects: &[Effect], arm: &str, control: bool) -> [String; 3] {
    if control {
        return ["control".into(), String::new(), String::new()];
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
            plain(&first.shown.unit)
        ),
        Estimand::Ratio => format!("Effect: the ratio to {control} (below 1 is less)"),
        Estimand::Probability => format!(
            "Effect: the chance that a customer has less than one of {control} (0.5 is no effect)"
        ),
    };
    let widened = match effects.iter().filter(|e| e.adjusted).count() {
        0 => "",
        n if n < effects.len() => ", wider for findings, which were selected among several",
        _ => ", all comparisons together, so that trying many does not make a finding",
    };
    let adjusted = if doc.stages.is_some() {
        ", raised because of both stages, their looks and comparisons together"
    } else if doc.boundaries.is_some() {
        ", raised because of all looks and comparisons together"
    } else if effects.iter().any(|e| e.p_adjusted) {
        ", raised because several comparisons were made"
    } else {
        ""
    };
    let means = level(doc, &first.row.control, "after").map_or_else(String::new, |l| {
        let (columns, what) = match level(doc, &first.row.control, "before") {
            Some(_) => ("Before and after", "means"),
            None => ("After", "mean"),
        };
        format!("{columns}: {what}, {}. ", plain(&l.unit))
    });
    format!(
        "{means}{effect}. Interval: it holds the true effect in {} of such pilots{widened}. p: how often \
         chance alone would show at least this much{adjusted}.",
        finding::level(first.row.level)
    )
}

fn checks(doc: &Document, out: &mut Vec<Block>) {
    out.push(Block::Heading(CHECKS.into()));
    let with = |statuses: &[Status]| -> Vec<_> {
        let checks = doc.checks.iter();
        checks.filter(|c| statuses.contains(&c.status)).collect()
    };
    let (stopped, warned) = (with(&[Status::Stop]), with(&[Status::Warn]));
    let not_run = with(&[Status::NotRun]);
    let run = doc.checks.len() - not_run.len();
    let failed = stopped.len() + warned.len();
    out.push(Block::Paragraph(match (run, failed) {
        (0, _) => "No check was run.".into(),
        (1, 0) => "The one check that was run passed.".into(),
        (n, 0) => format!("All {n} checks that were run passed."),
        (n, f) => format!("{} of {n} checks passed.", n - f),
    }));
    let item = |c: &&crate::analysis::Check, word: &str| {
        let p = c
            .p_value
            .map_or_else(String::new, |p| format!(" ({})", number::p_value(p)));
        format!("{} – {word}: {}{p}", plain(&c.id), plain(&c.detail))
    };
    let mut told = with(&[Status::Info]);
    told.retain(|c| TOLD.contains(&c.id.as_str()));
    let items: Vec<String> = [
        (stopped, "stopped"),
        (warned, "warning"),
        (told, "good to know"),
        (not_run, "not run"),
    ]
    .iter()
    .flat_map(|(checks, word)| checks.iter().map(|c| item(c, word)))
    .collect();
    if !items.is_empty() {
        out.push(Block::List(items));
    }
}

fn assumed(doc: &Document, out: &mut Vec<Block>) {
    if doc.assumptions.is_empty() {
        return;
    }
    out.push(Block::Heading(ASSUMED.into()));
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
        items.push(format!(
            "Analysis number {n} of this pilot; each that compares arms is in the ledger"
        ));
    }
    items.extend(stages::how(doc));
    if let (Some(look), None) = (doc.look, &doc.boundaries) {
        items.push(format!("Look {look}"));
    }
    if let Some(b) = &doc.boundaries {
        let planned = b
            .looks_planned
            .map_or_else(String::new, |n| format!(" of {n} planned"));
        items.push(format!(
            "Look {}{planned}; looks made so far: {}",
            b.look, b.looks_made
        ));
    }
    let primary = doc
        .estimates
        .iter()
        .find(|e| e.primary && e.outcome == doc.experiment.primary_outcome);
    if let Some(row) = primary {
        items.push(format!(
            "Outcome that decides: {}, estimated by {} (pilot explain {1})",
            plain(&row.outcome),
            row.estimator.name()
        ));
        items.extend(clusters(row));
    }
    items.extend(schedule::how(doc));
    items.extend(skipped(doc));
    items.extend(
        (doc.deviations.iter()).map(|d| format!("Changed since approval: {}", deviation(d))),
    );
    if !items.is_empty() {
        out.push(Block::Heading("How it was analysed".into()));
        out.push(Block::List(items));
    }
}

/// A change of the plan since its approval.
pub fn deviation(d: &Deviation) -> String {
    let shown = |v: &Option<String>| {
        v.as_ref()
            .map_or_else(|| "nothing".into(), |v| plain(v).into_owned())
    };
    let matters = match &d.why {
        Some(why) => format!(" ({})", plain(why)),
        None if d.material => " (can change the result)".into(),
        None => String::new(),
    };
    format!(
        "{} from {} to {}{matters}",
        plain(&d.key),
        shown(&d.approved),
        shown(&d.now)
    )
}

/// How many whole clusters stand behind an estimate, where clusters were assigned.
fn clusters(row: &EstimateRow) -> Option<String> {
    let number = |key: &str| match row.detail.get(key) {
        Some(DetailValue::Count(n)) => Some(number::count(*n)),
        _ => None,
    };
    let (arm, control) = (number("clusters_treatment")?, number("clusters_control")?);
    Some(format!(
        "Whole clusters were assigned: {arm} in {}, {control} in {}; intervals count clusters, not customers",
        plain(&row.arm),
        plain(&row.control)
    ))
}

/// What could not be estimated, a line for each outcome and set of arms.
fn skipped(doc: &Document) -> Vec<String> {
    struct Group<'a> {
        outcome: &'a str,
        why: &'a str,
        estimators: Vec<&'static str>,
        arms: Vec<&'a str>,
    }
    let mut groups: Vec<Group> = Vec::new();
    for s in &doc.skipped {
        // What the plan or the data lack is said once, not for every outcome.
        let said = |g: &Group| {
            g.outcome != s.outcome && g.why == s.why && g.estimators.contains(&s.estimator.name())
        };
        if groups.iter().any(said) {
            continue;
        }
        let known = groups
            .iter_mut()
            .position(|g| g.outcome == s.outcome && g.why == s.why);
        let at = known.unwrap_or_else(|| {
            groups.push(Group {
                outcome: &s.outcome,
                why: &s.why,
                estimators: Vec::new(),
                arms: Vec::new(),
            });
            groups.len() - 1
        });
        let group = &mut groups[at];
        if !group.estimators.contains(&s.estimator.name()) {
            group.estimators.push(s.estimator.name());
        }
        if let Some(arm) = &s.arm
            && !group.arms.contains(&arm.as_str())
        {
            group.arms.push(arm);
        }
    }
    let treatments = doc.experiment.arms.iter().filter(|a| !a.control).count();
    let whose = |g: &Group| {
        let arms: Vec<String> = g.arms.iter().map(|a| isolate(&arm_title(doc, a))).collect();
        let arms = if arms.is_empty() || arms.len() == treatments {
            String::new()
        } else {
            format!(" for {}", arms.join(" and "))
        };
        format!("{}{arms}", plain(g.outcome))
    };
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    for g in &groups {
        let (whose, reason) = (
            whose(g),
            format!("{} – {}", g.estimators.join(", "), plain(g.why)),
        );
        match lines.iter_mut().find(|l| l.0 == whose) {
            Some(line) => line.1.push(reason),
            None => lines.push((whose, vec![reason])),
        }
    }
    let line = |(whose, reasons): (String, Vec<String>)| {
        format!("Not estimated for {whose}: {}", reasons.join("; "))
    };
    lines.into_iter().map(line).collect()
}
