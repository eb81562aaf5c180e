//! What a person reads in a file of a report.

use std::io::{Cursor, Read};

use serde_json::Value;

/// The texts of a file; names of units, which are the same in every language, aside.
pub fn texts(name: &str, bytes: &[u8]) -> impl Iterator<Item = String> {
    let text = || String::from_utf8_lossy(bytes).into_owned();
    let found = match name.rsplit('.').next().unwrap_or_default() {
        "md" => vec![text()],
        "csv" => cells(bytes, |column| column != "unit"),
        "json" => strings(&serde_json::from_slice(bytes).unwrap()),
        "svg" => xml(&text()),
        "html" => html(&text()),
        "xlsx" => workbook(bytes).1,
        _ => Vec::new(),
    };
    found.into_iter()
}

/// Names that a file tells: its own, of checks, warnings and outcomes, of a workbook's cells.
pub fn names(name: &str, bytes: &[u8]) -> Vec<String> {
    let (stem, kind) = name.rsplit_once('.').unwrap();
    let mut found = match kind {
        "csv" => cells(bytes, |column| {
            ["id", "outcome", "key", "segment"].contains(&column)
        }),
        "xlsx" => workbook(bytes).0,
        "json" => ids(&serde_json::from_slice(bytes).unwrap()),
        _ => Vec::new(),
    };
    found.push(stem.into());
    found.iter().map(|name| name.to_lowercase()).collect()
}

/// Without what to do next.
pub fn without_next(said: &str) -> String {
    let command = |line: &&str| {
        let starts = ["next: ", "Files: ", "Reports: "];
        starts.iter().any(|start| line.starts_with(start))
    };
    let report: Vec<&str> = said.lines().take_while(|line| !command(line)).collect();
    report.join("\n")
}

fn cells(bytes: &[u8], of: impl Fn(&str) -> bool) -> Vec<String> {
    let mut reader = csv::Reader::from_reader(bytes);
    let head = reader.headers().unwrap().clone();
    let mut found = Vec::new();
    for record in reader.records() {
        let record = record.unwrap();
        let wanted = record.iter().zip(&head).filter(|(_, column)| of(column));
        found.extend(wanted.map(|(cell, _)| cell.to_owned()));
    }
    found
}

fn ids(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(ids).collect(),
        Value::Object(items) => {
            let own = items.get("id").and_then(Value::as_str);
            let own = own.map(String::from);
            own.into_iter()
                .chain(items.values().flat_map(ids))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Object(items) => items
            .iter()
            .filter(|(key, _)| *key != "unit" && *key != "banners")
            .flat_map(|(_, item)| strings(item))
            .collect(),
        _ => Vec::new(),
    }
}

/// Texts, the attributes that are shown or read out, and what formulas hold in quotes.
fn xml(source: &str) -> Vec<String> {
    const SHOWN: [&str; 6] = [
        "name",
        "aria-label",
        "prompt",
        "promptTitle",
        "error",
        "errorTitle",
    ];
    let document = roxmltree::Document::parse(source).unwrap();
    let mut found = Vec::new();
    for node in document.descendants() {
        let parent = node.parent().map(|p| p.tag_name().name());
        match (node.text().filter(|_| node.is_text()), parent) {
            (Some(formula), Some("f" | "formula1" | "definedName")) => {
                found.extend(quoted(formula))
            }
            (Some(text), parent) if parent != Some("style") => found.push(text.into()),
            _ => {}
        }
        let shown = |a: &roxmltree::Attribute<'_, '_>| SHOWN.contains(&a.name());
        if node.tag_name().name() != "definedName" {
            found.extend(node.attributes().filter(shown).map(|a| a.value().into()));
        }
    }
    found
}

fn html(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some((text, tail)) = rest.split_once('<') {
        found.push(
            text.replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&amp;", "&"),
        );
        let (tag, after) = tail.split_once('>').unwrap();
        for key in ["alt=\"", "title=\"", "aria-label=\""] {
            if let Some((_, value)) = tag.split_once(key) {
                found.push(value.split('"').next().unwrap().to_owned());
            }
        }
        rest = after;
        for raw in ["style", "script"] {
            if tag.starts_with(raw) {
                let (inside, after) = rest.split_once(&format!("</{raw}>")).unwrap();
                // The data of the page: a value of one word is a name.
                let data = serde_json::from_str(inside).map_or(Vec::new(), |d| strings(&d));
                let said = data.into_iter().filter(|text| text.contains(' '));
                found.extend(said.map(without_gaps));
                rest = after;
            }
        }
    }
    found
}

/// A text whose gaps the page fills itself, without their names.
fn without_gaps(text: String) -> String {
    let parts = text.split('{');
    let said = parts.map(|part| part.split_once('}').map_or(part, |(_, after)| after));
    said.collect::<Vec<_>>().join("·")
}

/// What stands between quotes.
fn quoted(source: &str) -> Vec<String> {
    source
        .split('"')
        .skip(1)
        .step_by(2)
        .map(String::from)
        .collect()
}

/// The names of cells, and the texts.
fn workbook(bytes: &[u8]) -> (Vec<String>, Vec<String>) {
    let mut file = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let (mut names, mut texts) = (Vec::new(), Vec::new());
    for i in 0..file.len() {
        let mut part = file.by_index(i).unwrap();
        let name = part.name().unwrap().into_owned();
        // The others are of the library that writes the file.
        let ours = name.starts_with("xl/work") || name.ends_with("sharedStrings.xml");
        let mut text = String::new();
        part.read_to_string(&mut text).unwrap();
        if ours && name.ends_with(".xml") {
            texts.extend(xml(&text));
        }
        for defined in text.split("<definedName name=\"").skip(1) {
            names.extend(defined.split('"').next().map(String::from));
        }
    }
    (names, texts)
}

/// Words in Latin letters with nothing between them. A letter alone is a symbol.
pub fn runs(text: &str) -> Vec<Vec<&str>> {
    let mut found = Vec::new();
    let mut run = Vec::new();
    for token in text.split_whitespace().chain(["."]) {
        let bare = token.trim_matches(|c: char| !c.is_alphanumeric() && c != '_');
        let word = bare.len() > 1
            && bare
                .chars()
                .all(|c| c.is_ascii_alphabetic() || "'-".contains(c));
        if word {
            run.push(bare);
        }
        if (!word || token.ends_with([',', '.', ';', ':', ')'])) && !run.is_empty() {
            found.push(std::mem::take(&mut run));
        }
    }
    found
}
