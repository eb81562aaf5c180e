//! What stands on the sign-off, as data for its template.

use serde_json::{Value, json};

use crate::analysis::Status;
use crate::report::chart::source_line;
use crate::report::document::Document;
use crate::report::finding::arm_title;
use crate::report::fonts;
use crate::report::how;
use crate::report::memo::{self, Block, Section};
use crate::report::privacy::Privacy;
use crate::report::text::plain;
use crate::texts::text;

use super::fit::{Fit, halves, more};

/// The blocks of one section of the memo.
struct Part<'a>(Vec<&'a Block>);

impl<'a> Part<'a> {
    fn of(blocks: &'a [Block], section: Section) -> Self {
        let is_heading = |b: &&Block| matches!(b, Block::Heading(_));
        let from = blocks.iter().position(|b| *b == Block::Heading(section));
        Part(from.map_or_else(Vec::new, |at| {
            let rest = blocks[at + 1..].iter();
            rest.take_while(|b| !is_heading(b)).collect()
        }))
    }

    fn paragraphs(&self) -> Vec<&'a str> {
        let text = |b: &&'a Block| match b {
            Block::Paragraph(text) => Some(text.as_str()),
            _ => None,
        };
        self.0.iter().filter_map(text).collect()
    }

    fn table(&self) -> Option<(&'a [String], &'a [Vec<String>])> {
        self.0.iter().find_map(|b| match b {
            Block::Table { header, rows } => Some((header.as_slice(), rows.as_slice())),
            _ => None,
        })
    }
}

/// The template's data.
pub fn data(doc: &Document, charts: &[(String, Vec<u8>)], fit: Fit) -> Value {
    let blocks = memo::memo(doc);
    let banners = blocks.iter().filter_map(|b| match b {
        Block::Banner(text) => Some(fit.line(text)),
        _ => None,
    });
    let decision = blocks.iter().find_map(|b| match b {
        Block::Decision(text) => Some(fit.line(text)),
        _ => None,
    });
    json!({
        "title": fit.name(&plain(&doc.experiment.title)),
        "lang": text!("language.code"),
        "kind": text("sign-off.kind", &[]),
        "source": source_line(doc),
        "fonts": fonts::names(),
        "size": fit.size,
        "banners": banners.collect::<Vec<_>>(),
        "decision": decision,
        "why": fit.list(memo::safe(&doc.decision.why)),
        "asked": asked(doc, fit),
        "found": found(&blocks, charts, fit),
        "others": others(&blocks, fit.aside()),
        "money": money(doc, &blocks, charts, fit),
        "assumed": assumed(doc, &blocks, fit).0,
        "more_assumed": assumed(doc, &blocks, fit).1,
        "checks": fit.aside().list(checks(doc)),
        "changed": fit.aside().list(changed(doc)),
        "analyses": fit.aside().list(analyses(doc)),
        "seals": seals(doc),
        "signatures": signatures(),
        "labels": labels(),
    })
}

fn labels() -> Value {
    json!({
        "asked": text("sign-off.asked", &[]),
        "found": Section::Found.title(),
        "others": Section::Others.title(),
        "money": Section::Worth.title(),
        "assumed": Section::Assumed.title(),
        "nothing_assumed": text("sign-off.nothing-assumed", &[]),
        "checks": text("sign-off.checks", &[]),
        "changed": text("sign-off.changed", &[]),
        "analyses": text("sign-off.analyses", &[]),
        "seals": text("sign-off.seals", &[]),
        "signed": text("sign-off.signed", &[]),
    })
}

fn asked(doc: &Document, fit: Fit) -> Vec<[String; 2]> {
    let info = &doc.experiment;
    let privacy = Privacy::of(doc);
    let mut rows = Vec::new();
    if let Some(problem) = &info.problem {
        rows.push([text("sign-off.problem", &[]), fit.line(&plain(problem))]);
    }
    let arms = info.arms.iter().map(|a| fit.name(&arm_title(doc, &a.name)));
    let arms: Vec<String> = arms.take(fit.items).collect();
    rows.push([text("sign-off.arms", &[]), arms.join("; ")]);
    if let Some([first, last]) = &info.after {
        let period = format!("{} – {}", plain(first), plain(last));
        rows.push([text("sign-off.period", &[]), period]);
    }
    let arms = info.arms.iter();
    let customers: Vec<String> = arms
        .filter_map(|a| privacy.customers(doc, &a.name))
        .collect();
    if !customers.is_empty() {
        rows.push([
            text("sign-off.customers", &[]),
            fit.line(&customers.join(" / ")),
        ]);
    }
    let primary = doc
        .estimates
        .iter()
        .find(|e| e.primary && e.outcome == info.primary_outcome);
    let decides = match primary {
        Some(row) => text(
            "sign-off.outcome-by",
            &[
                ("outcome", &plain(&row.outcome)),
                ("estimator", row.estimator.name()),
            ],
        ),
        None => plain(&info.primary_outcome).into_owned(),
    };
    rows.push([text("sign-off.outcome", &[]), decides]);
    rows
}

/// The most that a chart's height may be of its width: taller ones, of many arms, are in the report's folder.
const TALLEST: f64 = 1.2;

/// A chart by its file's name, with its width; none where it is not there or has no room.
fn chart(charts: &[(String, Vec<u8>)], name: &str, width: Option<f64>) -> Option<(String, f64)> {
    let (_, svg) = charts.iter().find(|c| c.0 == name)?;
    let width = width?;
    (shape(svg)? <= TALLEST).then(|| (name.to_owned(), width))
}

/// Height over width of an SVG of ours.
fn shape(svg: &[u8]) -> Option<f64> {
    let head = String::from_utf8_lossy(&svg[..svg.len().min(500)]);
    let side = |name: &str| {
        let (_, rest) = head.split_once(&format!(" {name}=\""))?;
        rest.split_once('"')?.0.parse::<f64>().ok()
    };
    Some(side("height")? / side("width")?)
}

fn table(section: &Part, fit: Fit) -> Option<Value> {
    let (header, rows) = section.table()?;
    let cell = |c: &String| fit.name(c);
    let mut shown: Vec<Vec<String>> = rows
        .iter()
        .take(fit.items)
        .map(|row| row.iter().map(cell).collect())
        .collect();
    if rows.len() > fit.items {
        let mut last = vec![more(rows.len() - fit.items)];
        last.resize(header.len(), String::new());
        shown.push(last);
    }
    Some(json!({ "header": header, "rows": shown }))
}

fn found(blocks: &[Block], charts: &[(String, Vec<u8>)], fit: Fit) -> Value {
    let section = Part::of(blocks, Section::Found);
    let paragraphs = section.paragraphs();
    let drawn = chart(charts, "effect.svg", fit.charts.effect());
    json!({
        "lead": paragraphs.first().map(|t| fit.line(t)),
        "gloss": paragraphs.get(1).map(|t| fit.aside().line(t)),
        "table": table(&section, fit),
        "chart": drawn.as_ref().map(|c| &c.0),
        "chart_width": drawn.as_ref().map(|c| c.1),
        "chart_alt": text("sign-off.effect-alt", &[]),
    })
}

/// Outcomes that do not decide.
fn others(blocks: &[Block], fit: Fit) -> Option<Value> {
    let section = Part::of(blocks, Section::Others);
    let about = section.paragraphs().first().map(|t| fit.line(t));
    Some(json!({ "table": table(&section, fit)?, "about": about }))
}

fn money(doc: &Document, blocks: &[Block], charts: &[(String, Vec<u8>)], fit: Fit) -> Value {
    let section = Part::of(blocks, Section::Worth);
    // What explains a table that is not on the page is not on it either.
    let about = text!("which.about");
    let paragraphs = section.paragraphs().into_iter().filter(|t| *t != about);
    let mut words: Vec<String> = paragraphs.map(|t| fit.line(t)).collect();
    if doc.business.is_none() {
        words.push(match &doc.no_business_because {
            Some(why) => text("sign-off.no-case", &[("why", &plain(why))]),
            None => text("sign-off.no-money", &[]),
        });
    }
    let drawn = chart(charts, "cash.svg", fit.charts.cash());
    json!({
        "text": words,
        "table": table(&section, fit),
        "chart": drawn.as_ref().map(|c| &c.0),
        "chart_width": drawn.as_ref().map(|c| c.1),
        "chart_alt": text("sign-off.cash-alt", &[]),
    })
}

/// The assumptions in the plan's order. Where they do not all fit, what a contact is worth, how much of
/// it becomes cash, how fast the effect fades and what the arm to be rolled out costs stay first, and the
/// costs of other arms and the months of a season go first.
fn assumed(doc: &Document, blocks: &[Block], fit: Fit) -> (Value, Option<String>) {
    let decided = doc.decision.arm.as_ref().map(|arm| format!("arms.{arm}."));
    let importance = |at: &usize| {
        let key = doc.assumptions.get(*at).map_or("", |a| a.key.as_str());
        let own = decided
            .as_ref()
            .is_some_and(|arm| key.starts_with(arm.as_str()));
        match key {
            "realisation" | "half_life_months" => 0,
            _ if own || key.starts_with("cost_per_") => 0,
            _ if key.starts_with("baseline_by_month.") || key.starts_with("arms.") => 2,
            _ => 1,
        }
    };
    let section = Part::of(blocks, Section::Assumed);
    match section.table() {
        None => (json!({ "header": [], "rows": [] }), None),
        Some((header, rows)) => {
            let mut order: Vec<usize> = (0..rows.len()).collect();
            order.sort_by_key(importance);
            order.truncate(fit.items);
            order.sort_unstable();
            let rows_shown = order.iter().map(|at| &rows[*at]);
            let shown: Vec<Vec<String>> = rows_shown
                .map(|row| row.iter().map(|c| fit.name(c)).collect())
                .collect();
            let left = rows.len() - shown.len();
            (
                json!({ "header": header, "rows": shown }),
                (left > 0).then(|| more(left)),
            )
        }
    }
}

/// Stops and warnings; where all is well, that it is.
fn checks(doc: &Document) -> Vec<String> {
    let blocks = memo::memo(doc);
    let section = Part::of(&blocks, Section::Checks);
    let mut out: Vec<String> = section.paragraphs().into_iter().map(String::from).collect();
    if out.is_empty() {
        out.push(text("memo.no-checks", &[]));
    }
    let bad = (doc.checks.iter()).filter(|c| matches!(c.status, Status::Stop | Status::Warn));
    out.extend(bad.map(|c| format!("{}: {}", plain(&c.id), plain(&c.detail))));
    out.extend(doc.warnings.iter().map(|w| plain(&w.message).into_owned()));
    out
}

fn changed(doc: &Document) -> Vec<String> {
    if doc.seal.is_none() {
        return vec![text("sign-off.never-approved", &[])];
    }
    let mut out = match doc.deviations.is_empty() {
        true => vec![text("sign-off.unchanged", &[])],
        false => doc.deviations.iter().map(how::deviation).collect(),
    };
    // After the changes: where a page is short of room, those stay.
    out.extend(how::approvals(doc));
    out
}

fn analyses(doc: &Document) -> Vec<String> {
    let mut out = vec![match doc.analysis_number {
        Some(n) => text("sign-off.analysis", &[("number", &n.to_string())]),
        None => text("sign-off.unrecorded", &[]),
    }];
    if let Some(b) = &doc.boundaries {
        let planned = b
            .looks_planned
            .map_or_else(|| memo::UNKNOWN.into(), |n| n.to_string());
        let look = b.look.to_string();
        out.push(text(
            "sign-off.look",
            &[("look", look.as_str()), ("planned", planned.as_str())],
        ));
    }
    out
}

fn seals(doc: &Document) -> Vec<[String; 2]> {
    let seal = doc
        .seal
        .clone()
        .unwrap_or_else(|| text("sign-off.no-seal", &[]));
    let mut rows = vec![
        [text("sign-off.seal", &[]), plain(&seal).into_owned()],
        // Twice 32 characters, so that the line can break between them.
        [text("sign-off.plan", &[]), halves(&doc.plan_sha256)],
    ];
    if let Some(n) = doc.evidence.number {
        let number = text("sign-off.evidence-number", &[("number", &n.to_string())]);
        rows.push([text("sign-off.evidence", &[]), number]);
    }
    rows.push([text("sign-off.as-of", &[]), plain(&doc.as_of).into_owned()]);
    rows
}

fn signatures() -> Vec<Value> {
    let choices = [
        text("signature.scale", &[]),
        text("signature.extend", &[]),
        text("signature.stop", &[]),
    ];
    [text("signature.finance", &[]), text("signature.owner", &[])]
        .into_iter()
        .map(
            |role| json!({ "role": role, "line": text("signature.line", &[]), "choices": choices }),
        )
        .collect()
}
