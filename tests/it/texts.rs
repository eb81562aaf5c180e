//! The catalogue of words against the source: no key without a text, no text without a use, no gap unfilled.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources(dir: &Path, into: &mut Vec<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(fs::read_to_string(path).unwrap());
        }
    }
}

/// The text up to the bracket that closes what was opened before it; brackets inside quotes do not count.
fn inside(rest: &str) -> &str {
    let (mut depth, mut quoted, mut escaped) = (1, false, false);
    for (i, c) in rest.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &rest[..i];
        }
    }
    rest
}

/// The parts of a list, without what stands in brackets or quotes.
fn parts(list: &str) -> Vec<String> {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    let mut out = vec![String::new()];
    for c in list.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => out.push(String::new()),
            _ if !quoted && depth == 0 => out.last_mut().unwrap().push(c),
            _ => {}
        }
    }
    out
}

/// Every `text("section.key", &[("gap", …)])` and `text!("section.key", gap = …)`: the key and the
/// names of its gaps.
fn uses(source: &str) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    let squeezed: String = source.split_whitespace().collect::<Vec<_>>().join(" ");
    let squeezed = squeezed.replace("text( \"", "text(\"");
    let squeezed = squeezed.replace("text!( \"", "text!(\"");
    for opening in ["text(\"", "text!(\""] {
        for (at, _) in squeezed.match_indices(opening) {
            let before = squeezed[..at].chars().next_back().unwrap_or(' ');
            if before.is_alphanumeric() || before == '_' || before == '.' {
                continue;
            }
            let rest = &squeezed[at + opening.len()..];
            let (key, after) = rest.split_once('"').unwrap();
            let after = inside(after);
            let mut gaps: Vec<String> = if opening.contains('!') {
                let gap = |part: &String| part.split('=').next().unwrap().trim().to_owned();
                parts(after).iter().map(gap).collect()
            } else {
                let lists = after.split("(\"").skip(1);
                let pairs = lists.map(|part| part.split_once('"').unwrap());
                let gaps = pairs.filter(|(_, tail)| tail.starts_with(','));
                gaps.map(|(gap, _)| gap.to_owned()).collect()
            };
            gaps.retain(|gap| !gap.is_empty());
            gaps.sort();
            found.push((key.to_owned(), gaps));
        }
    }
    found
}

#[test]
fn every_text_is_used_and_every_use_has_its_text() {
    let mut files = Vec::new();
    for entry in fs::read_dir(src()).unwrap() {
        let room = entry.unwrap().path();
        // Their own room shows how they are used.
        if room.is_dir() && !room.ends_with("texts") {
            sources(&room, &mut files);
        } else if room.extension().is_some_and(|e| e == "rs") {
            files.push(fs::read_to_string(room).unwrap());
        }
    }
    let mut used: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    for source in files.iter().filter(|s| s.contains("texts::")) {
        for (key, gaps) in uses(source) {
            used.entry(key).or_default().push(gaps);
        }
    }
    let keys = pilot::texts::keys();
    assert!(keys.len() > 20);
    for (key, mut gaps) in keys.iter().cloned() {
        gaps.sort();
        gaps.dedup();
        let uses = used
            .remove(&key)
            .unwrap_or_else(|| panic!("no source uses {key}"));
        for filled in uses {
            assert_eq!(
                filled, gaps,
                "{key}: the gaps filled are not those of the text"
            );
        }
    }
    assert!(used.is_empty(), "no text for {used:?}");
}
