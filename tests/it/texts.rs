//! The catalogue of words against the source: no key without a text, no text without a use, no gap unfilled.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

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

/// Every `text("section.key", &[("gap", …)])`: the key and the names of its gaps.
fn uses(source: &str) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    let squeezed: String = source.split_whitespace().collect::<Vec<_>>().join(" ");
    let squeezed = squeezed.replace("text( \"", "text(\"");
    for (at, opening) in squeezed.match_indices("text(\"") {
        let before = squeezed[..at].chars().next_back().unwrap_or(' ');
        if before.is_alphanumeric() || before == '_' || before == '.' {
            continue;
        }
        let rest = &squeezed[at + opening.len()..];
        let (key, after) = rest.split_once('"').unwrap();
        let mut gaps = Vec::new();
        let list = after.trim_start_matches([',', ' ']);
        if let Some(list) = list.strip_prefix("&[") {
            let mut depth = 1;
            let mut end = list.len();
            for (i, c) in list.char_indices() {
                depth += match c {
                    '[' => 1,
                    ']' => -1,
                    _ => 0,
                };
                if depth == 0 {
                    end = i;
                    break;
                }
            }
            for part in list[..end].split("(\"").skip(1) {
                let (gap, tail) = part.split_once('"').unwrap();
                if tail.starts_with(',') {
                    gaps.push(gap.to_owned());
                }
            }
        }
        gaps.sort();
        found.push((key.to_owned(), gaps));
    }
    found
}

#[test]
fn every_text_is_used_and_every_use_has_its_text() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
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
            assert_eq!(filled, gaps, "{key}: the gaps filled are not those of the text");
        }
    }
    assert!(used.is_empty(), "no text for {used:?}");
}
