//! Imports go down only: a lower room never names a higher one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Lowest first. A room may name those before it, and itself.
const ROOMS: [&str; 17] = [
    "error",
    "interrupt",
    "texts",
    "number",
    "table",
    "stats",
    "experiment",
    "workspace",
    "engine",
    "assign",
    "analysis",
    "finance",
    "decision",
    "planning",
    "report",
    "cli",
    "main",
];

/// Pairs that the design forbids though the order would allow them.
const STRANGERS: [(&str, &str); 5] = [
    ("engine", "stats"),
    ("workspace", "stats"),
    ("workspace", "experiment"),
    ("stats", "interrupt"),
    ("report", "engine"),
];

fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

fn room_of(path: &Path, src: &Path) -> String {
    let relative = path.strip_prefix(src).unwrap();
    let first = relative.iter().next().unwrap().to_string_lossy();
    first.trim_end_matches(".rs").to_string()
}

/// Rooms that a source names as `crate::room`, also in a braced list `crate::{a::b, c}`.
fn named(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let rest = &text[at + 7..];
        if let Some(list) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            let mut heads = true;
            for c in list.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        found.insert(std::mem::take(&mut word));
                        heads = true;
                        continue;
                    }
                    _ => {}
                }
                heads &= c.is_alphanumeric() || c == '_' || c.is_whitespace();
                if heads && depth == 0 && !c.is_whitespace() {
                    word.push(c);
                }
            }
            found.insert(word);
        } else {
            found.insert(
                rest.chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect(),
            );
        }
    }
    found.retain(|w| ROOMS.contains(&w.as_str()));
    found
}

#[test]
fn a_lower_room_never_names_a_higher_one() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut wrong = Vec::new();
    let mut edges = 0;
    for file in files {
        let room = room_of(&file, &src);
        if room == "lib" {
            continue;
        }
        let own = ROOMS
            .iter()
            .position(|r| *r == room)
            .unwrap_or_else(|| panic!("no room is called {room}"));
        for other in named(&fs::read_to_string(&file).unwrap()) {
            let theirs = ROOMS.iter().position(|r| *r == other).unwrap();
            edges += usize::from(theirs != own);
            if theirs > own || STRANGERS.contains(&(room.as_str(), other.as_str())) {
                wrong.push(format!("{} names crate::{other}", file.display()));
            }
        }
    }
    assert!(
        edges > 10,
        "the test saw only {edges} imports: does it still read them?"
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn braced_imports_are_read() {
    let rooms =
        named("use crate::{error::{Error, Result}, table::Cell};\nfn f() { crate::stats::x(); }");
    assert_eq!(
        rooms,
        BTreeSet::from(["error".to_string(), "stats".into(), "table".into()])
    );
}
