//! Text that no person would write: an error with a place, never a panic.

use std::path::Path;

use pilot::error::Kind;
use pilot::experiment;
use proptest::prelude::*;

use crate::plan::{CELLS, COUNTS, FEES, file_of, refused};

#[test]
fn files_that_are_no_plans() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("empty.toml"), "").unwrap();
    std::fs::write(path("latin.toml"), b"schema = 1\nname = \"Geb\xfchr\"\n").unwrap();
    std::fs::write(path("utf16.toml"), b"\xff\xfes\0c\0").unwrap();
    std::fs::write(path("huge.toml"), "#".repeat(4 * 1024 * 1024 + 1)).unwrap();
    let read = |name: &str| experiment::read(&path(name)).unwrap_err();

    let empty = read("empty.toml");
    assert_eq!(
        (empty.kind(), empty.key_name()),
        (Kind::Plan, Some("schema"))
    );
    let place = empty.line_number().zip(empty.column_number());
    assert_eq!(place, Some((1, 1)));

    let latin = read("latin.toml");
    assert!(latin.message().contains("not UTF-8"));
    let place = latin.line_number().zip(latin.column_number());
    assert_eq!(place, Some((2, 12)));
    assert!(read("utf16.toml").hint_text().unwrap().contains("UTF-16"));
    assert!(read("huge.toml").message().contains("4 MiB"));
    let in_folder = experiment::read(folder.path()).unwrap_err();
    assert!(in_folder.message().contains("folder"));
    let missing = read("missing.toml");
    assert_eq!(missing.kind().exit_code(), 2);
    assert_eq!(missing.file_path(), Some(path("missing.toml").as_path()));
}

#[cfg(unix)]
#[test]
fn a_device_is_not_a_plan() {
    let error = experiment::read(Path::new("/dev/zero")).unwrap_err();
    assert!(error.message().contains("not an ordinary file"), "{error}");
}

#[test]
fn depth_and_length_are_bounded() {
    for text in [
        format!("a{}= 1", ".a".repeat(500_000)),
        format!("[a{}]", ".a".repeat(500_000)),
        format!("a = {}", "[".repeat(1_000_000)),
        format!("a = {}", "{a=".repeat(1_000_000)),
        "[[arms]]\n".repeat(100_000),
        (0..100_000).map(|i| format!("k{i} = 1\n")).collect(),
    ] {
        refused(FEES, &text);
    }
}

#[test]
fn lists_are_bounded() {
    let arms = "[[arms]]\nname = \"x\"\n".repeat(10_000);
    let text = format!("schema = 1\nexperiment = {{ name = \"cells\", seed = 1 }}\n{arms}");
    let message = refused(CELLS, &text).message().to_owned();
    assert!(
        message.contains("10000 arms, and 100 is the most"),
        "{message}"
    );

    let reasons: Vec<String> = (0..10_001).map(|i| format!("\"{i}\"")).collect();
    let text = FEES.replace("\"fees\", \"billing\"", &reasons.join(","));
    assert!(refused(FEES, &text).message().contains("10000 is the most"));
}

/// Scraps that reach far into the reader when they land in a good plan.
const SCRAPS: &[&str] = &[
    "",
    "\"",
    "=",
    "[",
    "]",
    "{",
    "}",
    ",",
    ".",
    "-",
    "#",
    "\n",
    "\r",
    "\0",
    "é",
    "\u{feff}",
    "nan",
    "-inf",
    "1e999",
    "99999999999999999999",
    "true",
    "[[arms]]\n",
    "[x]\n",
    "schema",
    "'''",
    "\\u0000",
    "2026-13-01",
    "= {}",
    "= []",
    "\u{202e}",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = experiment::parse_bytes(&bytes, Path::new("x.toml"));
    }

    #[test]
    fn a_spoilt_plan_is_read_or_refused_with_its_place(
        base in prop::sample::select(vec![FEES, COUNTS, CELLS]),
        edits in prop::collection::vec(
            (any::<prop::sample::Index>(), 0usize..6, prop::sample::select(SCRAPS)),
            1..4,
        ),
    ) {
        let mut chars: Vec<char> = base.chars().collect();
        for (at, cut, scrap) in edits {
            let at = at.index(chars.len());
            let end = (at + cut).min(chars.len());
            chars.splice(at..end, scrap.chars());
        }
        let text: String = chars.into_iter().collect();
        match experiment::parse(&text, &file_of(base)) {
            Ok(plan) => {
                experiment::describe(&plan.experiment);
                experiment::warnings(&plan.experiment);
            }
            Err(e) => {
                prop_assert!(e.kind().exit_code() == 2, "{e}");
                let (line, column) = (e.line_number().unwrap(), e.column_number().unwrap());
                let lines: Vec<&str> = text.split('\n').collect();
                prop_assert!((1..=lines.len() as u64).contains(&line), "{e}");
                let width = lines[line as usize - 1].chars().count() as u64;
                prop_assert!((1..=width + 1).contains(&column), "{e}");
                prop_assert!(e.hint_text().is_some(), "{e}");
            }
        }
    }
}
