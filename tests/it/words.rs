//! Words that a reader of a report sees stand in the catalogue of texts, not in the source.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn paths(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            paths(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

/// Rooms whose words a reader of a report sees.
const SAYING: [&str; 7] = [
    "analysis",
    "cli",
    "decision",
    "experiment",
    "finance",
    "report",
    "stats",
];

/// Beginnings of files in these rooms whose words are not of the catalogue, and why.
const UNSEEN: [(&str, &[&str]); 9] = [
    (
        "names of units in JSON and CSV, the same in every language; a test there holds that each has its \
         words in the catalogue",
        &["analysis/unit/name.rs", "finance/unit.rs"],
    ),
    (
        "what cannot be sized is an error of `pilot power`, `design` or `simulate` beside its flags, or \
         a line of theirs at the terminal",
        &["stats/power"],
    ),
    (
        "boundaries, looks and stages that cannot be are an error that ends the command, or one of the plan",
        &["stats/sequential"],
    ),
    (
        "without an adjustment, a number of agents or a correction there is no such row, and no word of it",
        &["stats/dunnett.rs", "stats/erlang.rs", "stats/winner.rs"],
    ),
    (
        "the grammar of a plan: what a value must be, in errors, in `pilot schema` and in the comments of a \
         plan that `pilot design` writes; docs/plan.md is held against it",
        &[
            "experiment/grammar.rs",
            "experiment/keys",
            "experiment/schema.rs",
        ],
    ),
    (
        "the plan as a file, with comments and examples for whoever fills it in",
        &["experiment/outline.rs", "experiment/template.rs"],
    ),
    (
        "what is wrong with a plan ends the command that reads it, with place and hint",
        &[
            "experiment/amount.rs",
            "experiment/raw.rs",
            "experiment/source.rs",
            "experiment/validate",
            "experiment/value.rs",
        ],
    ),
    (
        "what `pilot check`, `design` and `approve` warn of at the terminal while a plan is being written",
        &["experiment/advice.rs"],
    ),
    (
        "said at the terminal: what a command asks, did or warns of, and what to do next. Reports, charts \
         and analysis.json get no word of it",
        &[
            "cli/analyze.rs",
            "cli/approve.rs",
            "cli/assign",
            "cli/check.rs",
            "cli/customers.rs",
            "cli/demo.rs",
            "cli/describe.rs",
            "cli/design",
            "cli/disjoint.rs",
            "cli/explain.rs",
            "cli/ingest.rs",
            "cli/init.rs",
            "cli/known.rs",
            "cli/look.rs",
            "cli/open.rs",
            "cli/page.rs",
            "cli/power",
            "cli/quick.rs",
            "cli/re_estimate.rs",
            "cli/report",
            "cli/same_question.rs",
            "cli/schedule.rs",
            "cli/sign.rs",
            "cli/size.rs",
            "cli/sizing.rs",
            "cli/status.rs",
            "cli/ui.rs",
            "cli/verify.rs",
            // Only tests.
            "cli/foreign",
        ],
    ),
];

/// Calls whose words end a command, so that a reader of a report never sees them: errors with their
/// keys and hints, closures that make one (`wrong`, `internal`, `failed`), the next step, and
/// refusals of a look or of a second stage (`refuse`).
fn ends_a_command(file: &Path, call: &str) -> bool {
    let looks = file.iter().any(|part| part == "looks");
    match call {
        "wrong" | "internal" | "failed" => true,
        "refuse" => file.ends_with("cli/first_stage.rs"),
        "Refusal::new" => looks,
        _ => {
            call.starts_with("Error::")
                || [".hint", ".key", "ui.next"]
                    .iter()
                    .any(|end| call.ends_with(end))
        }
    }
}

/// Words that stay in the source, each with the end of its file, and why.
const STAYING: [(&str, &[(&str, &str)]); 9] = [
    (
        "ends of an error that is put together further down",
        &[
            ("finance/assumption.rs", "must be a finite number"),
            (
                "finance/assumption.rs",
                "must have low ≤ mode ≤ high, or 0 ≤ sd ≤ mean/3",
            ),
            ("finance/assumption.rs", "must not be negative"),
            (
                "finance/assumption.rs",
                "is a share and must not be above 1",
            ),
            ("finance/assumption.rs", "must be above 0"),
            ("finance/told.rs", "from 0 to below 1"),
            ("finance/told.rs", "0 or more"),
            ("pdf/world.rs", "no template"),
            ("experiment/compare.rs", "the approved plan"),
            ("experiment/compare.rs", "the plan"),
            (
                "cli/simulate_source.rs",
                "the outcome has no count before: it is a mean or a share, or the value before is a covariate",
            ),
            (
                "cli/first_stage.rs",
                "take second_stage_of out: without weights fixed before its data a further test is a new \
                 attempt, judged by itself; testing on and pooling as if planned would err in 8.3 % instead of 5 %",
            ),
            (
                "cli/first_stage.rs",
                "has no extension_weights in its plan ([analysis.sequential]), so nothing combines it with a second",
            ),
        ],
    ),
    (
        "what a bar of progress counts",
        &[
            ("cli/simulate.rs", "pilots without effect"),
            ("cli/simulate.rs", "pilots with the effect"),
            ("cli/simulate_looks.rs", "looks without effect"),
            ("cli/simulate_looks.rs", "looks with the effect"),
            ("cli/simulate_regions.rs", "pilots without effect"),
            ("cli/simulate_regions.rs", "pilots with the effect"),
        ],
    ),
    (
        "names of the contract: analysis.json has them in every language",
        &[
            ("analysis/joint.rs", "log ratio"),
            ("schedule/mod.rs", "log ratio"),
            ("report/decided.rs", "NOT PRE-REGISTERED"),
            ("report/decided.rs", "LATE APPROVAL"),
            ("report/decided.rs", "CHANGED SINCE APPROVAL"),
            ("report/decided.rs", "WHAT IF"),
            ("report/decided.rs", "WHAT IF: "),
            ("cli/document.rs", "WHAT IF: {}"),
            ("cli/pilot.rs", "NOT PRE-REGISTERED"),
            ("cli/pilot.rs", "LATE APPROVAL"),
            ("cli/pilot.rs", "CHANGED SINCE APPROVAL"),
            ("cli/first_stage.rs", "NOT PRE-REGISTERED"),
            ("cli/first_stage.rs", "CHANGED SINCE APPROVAL"),
            ("cli/first_stage.rs", "WHAT IF"),
        ],
    ),
    (
        "values of columns and of an estimate's detail, which programs compare",
        &[
            ("stats/adjusted.rs", "arm x before"),
            ("stats/adjusted.rs", "without before"),
            ("stats/adjusted.rs", "arm x without before"),
            ("panel/mod.rs", "regions and blocks"),
            ("tables/money.rs", "no roll-out"),
            ("tables/money.rs", "the plan states no range"),
            ("tables/money.rs", "hours avoided"),
            ("tables/money.rs", "agents before"),
            ("tables/money.rs", "keep occupancy, fewer agents"),
            ("tables/money.rs", "keep agents, lower occupancy"),
        ],
    ),
    (
        "families of fonts",
        &[
            ("report/fonts.rs", "Liberation Sans"),
            ("report/fonts.rs", "Noto Sans"),
            ("report/fonts.rs", "Noto Sans Arabic UI"),
            ("report/fonts.rs", "Noto Sans Thai UI"),
            ("report/fonts.rs", "Droid Sans Fallback"),
            (
                "report/fonts.rs",
                "'Liberation Sans',Arimo,Arial,Helvetica,'Noto Sans','Noto Sans Arabic UI',\
                 'Noto Sans Arabic','Noto Sans Thai UI','Noto Sans CJK SC','Microsoft YaHei','PingFang SC',\
                 'Droid Sans Fallback','DejaVu Sans',sans-serif",
            ),
        ],
    ),
    (
        "what a browser reads",
        &[(
            "html/mod.rs",
            "default-src 'none'; style-src 'sha256-{}'; script-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        )],
    ),
    (
        "said of a fault of the program itself, which its tests rule out",
        &[
            ("report/fonts.rs", "a bundled font"),
            (
                "stats/count_data.rs",
                "a stratum is missing from its own list",
            ),
        ],
    ),
    (
        "an error of `pilot power` and `design`, which alone ask for it",
        &[("panel/mod.rs", "the error has no degrees of freedom")],
    ),
    (
        "what is hashed with every seed",
        &[("stats/random.rs", "pilot random 1")],
    ),
];

/// The string literals of a source, each with the calls around it; without comments, attributes
/// and what only tests compile.
fn literals(source: &str) -> Vec<(Vec<String>, String)> {
    let source = source.split("#[cfg(test)]\nmod ").next().unwrap();
    let mut found = Vec::new();
    let mut calls: Vec<String> = Vec::new();
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let done = &source[..source.len() - rest.len()];
        rest = &rest[c.len_utf8()..];
        match c {
            '/' if rest.starts_with('/') => {
                rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
            }
            '#' if rest.starts_with('[') => {
                let mut depth = 0;
                let end = rest.find(|c| {
                    depth += i32::from(c == '[') - i32::from(c == ']');
                    depth == 0
                });
                rest = &rest[end.unwrap()..];
            }
            '\'' => {
                // A character, or else a lifetime.
                let escaped = rest.starts_with('\\');
                let inside = rest.chars().next().map_or(0, char::len_utf8);
                if escaped {
                    rest = &rest[2..];
                    rest = &rest[rest.find('\'').unwrap() + 1..];
                } else if rest[inside..].starts_with('\'') {
                    rest = &rest[inside + 1..];
                }
            }
            '"' => {
                assert!(!done.ends_with('r') && !done.ends_with('#'), "a raw string");
                let mut end = 0;
                while !rest[end..].starts_with('"') {
                    end += match rest[end..].starts_with('\\') {
                        true => 2,
                        false => rest[end..].chars().next().unwrap().len_utf8(),
                    };
                }
                let mut lines = rest[..end].split("\\\n");
                let first = lines.next().unwrap().to_owned();
                let text = lines.fold(first, |text, line| text + line.trim_start());
                found.push((calls.clone(), text));
                rest = &rest[end + 1..];
            }
            '(' => {
                let part = |c: char| c.is_alphanumeric() || "_:!.".contains(c);
                let name = done.rsplit(|c| !part(c)).next().unwrap();
                calls.push(name.to_owned());
            }
            ')' => {
                calls.pop();
            }
            _ => {}
        }
    }
    found
}

/// Whether a literal has two or more words in a row, gaps aside: then somebody reads it.
fn reads(literal: &str) -> bool {
    let word = |token: &str| {
        let bare = token.trim_matches(|c: char| c.is_ascii_punctuation());
        bare.chars().any(char::is_alphabetic)
            && bare.chars().all(|c| c.is_alphabetic() || "'-–".contains(c))
    };
    let mut in_a_row = 0;
    literal.split([' ', '\n']).any(|token| {
        match (word(token) && !token.starts_with('{'), token.contains('{')) {
            (true, _) => in_a_row += 1,
            (false, true) => {}
            (false, false) => in_a_row = 0,
        }
        in_a_row > 1
    })
}

#[test]
fn what_a_report_says_stands_in_the_catalogue() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let staying: Vec<(&str, &str)> = STAYING.iter().flat_map(|s| s.1).copied().collect();
    let mut gone = staying.clone();
    let unseen: Vec<&str> = UNSEEN.iter().flat_map(|u| u.1).copied().collect();
    let mut passed_over = BTreeSet::new();
    let mut seen = 0;
    let mut wrong = Vec::new();
    for room in SAYING {
        let mut files = Vec::new();
        paths(&src.join(room), &mut files);
        for file in files {
            let name = file.strip_prefix(&src).unwrap().to_string_lossy();
            if let Some(start) = unseen.iter().find(|start| name.starts_with(**start)) {
                passed_over.insert(*start);
                continue;
            }
            let literals = literals(&fs::read_to_string(&file).unwrap());
            seen += literals.len();
            for (calls, literal) in literals {
                if !reads(&literal) || calls.iter().any(|c| ends_a_command(&file, c)) {
                    continue;
                }
                let known = |s: &(&str, &str)| file.ends_with(s.0) && s.1 == literal;
                match staying.iter().find(|s| known(s)) {
                    Some(found) => gone.retain(|s| s != found),
                    None => wrong.push(format!("{}: {literal}", file.display())),
                }
            }
        }
    }
    assert!(
        seen > 500,
        "the test saw only {seen} literals: does it still read them?"
    );
    assert!(
        wrong.is_empty(),
        "words outside of the catalogue:\n{}",
        wrong.join("\n")
    );
    assert!(gone.is_empty(), "no longer in the source: {gone:?}");
    assert_eq!(
        passed_over,
        unseen.iter().copied().collect(),
        "files that are no more"
    );
}

/// Scripts of the page and templates of the PDF get their words as data.
#[test]
fn no_script_or_template_has_words() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report");
    let mut seen = 0;
    for folder in ["html", "pdf"] {
        for entry in fs::read_dir(src.join(folder)).unwrap() {
            let file = entry.unwrap().path();
            let kind = file.extension().and_then(|e| e.to_str());
            if !matches!(kind, Some("js" | "typ")) {
                continue;
            }
            seen += 1;
            let source = fs::read_to_string(&file).unwrap();
            for line in source.lines().map(str::trim_start) {
                let literals = ['"', '`'].map(|mark| line.split(mark).skip(1).step_by(2));
                let words = literals.into_iter().flatten().find(|text| {
                    // The names of elements of the page begin so.
                    reads(text) && *text != "use strict" && !text.starts_with('#')
                });
                let typed = kind == Some("typ")
                    && line
                        .split('[')
                        .skip(1)
                        .any(|inside| reads(inside) && !inside.starts_with('#'));
                let said = words.is_some() || typed;
                assert!(
                    line.starts_with("//") || !said,
                    "{}: {line}",
                    file.display()
                );
            }
        }
    }
    assert!(seen >= 8, "only {seen} files");
}

#[test]
fn words_are_told_from_names() {
    let source = "fn f<'a>(x: &'a str) -> char {\n    // Not a word here.\n    #[doc = \"nor any here\"]\n    \
                  say(\"a \\\"word\\\" or \\\n         two\", '\"', \"key\");\n    Err(Error::data(format!(\"no reader\")).hint(\"at all\"))\n}\n\
                  #[cfg(test)]\nmod tests { \"of no reader\" }\n";
    let file = Path::new("analysis/shown.rs");
    let found: Vec<String> = literals(source)
        .into_iter()
        .filter(|(calls, _)| !calls.iter().any(|c| ends_a_command(file, c)))
        .map(|(_, literal)| literal)
        .collect();
    assert_eq!(found, ["a \\\"word\\\" or two", "key"]);
    for words in [
        "the boundary",
        "{what} per {days} days",
        "no, {n} of it",
        "not run.",
    ] {
        assert!(reads(words), "{words}");
    }
    for name in [
        "ci_two_sided",
        "median-unbiased",
        "{a} = {b}: {c}",
        "{} {what}",
        "z = {z}",
    ] {
        assert!(!reads(name), "{name}");
    }
}
