//! Reports in another language: each word of theirs is the user's own, or comes from the catalogue.
//!
//! A process of its own has a catalogue in the letters of another script ([`crate::texts::foreign`])
//! and runs the commands; what it wrote is then searched for Latin letters.

mod data;
mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Color, Ui, dispatch, parse};
use crate::texts::foreign::SPOKEN;

/// The test as the program of tests knows it.
const NAME: &str = "cli::foreign::each_word_of_a_report_is_of_the_catalogue";

/// Over what the terminal shows of one command.
const COMMAND: &str = "@@ ";
/// After it where that is a report.
const REPORT: &str = "report";

/// Files that are there and have words; the test reads all others too.
const READ: [&str; 12] = [
    "terminal",
    "summary.md",
    "report.html",
    "business-case.xlsx",
    "analysis.json",
    "checks.csv",
    "effect.svg",
    "boundary.svg",
    "schedule.svg",
    "tornado.svg",
    "weekly.svg",
    "simulation.svg",
];

#[test]
fn each_word_of_a_report_is_of_the_catalogue() {
    match std::env::var_os(SPOKEN) {
        Some(workspace) => speak(Path::new(&workspace)),
        None => listen(),
    }
}

const AS_OF: [&str; 2] = ["--as-of", "2026-11-22"];

/// What is run, and whether the terminal then shows a report.
fn commands() -> Vec<(bool, Vec<&'static str>)> {
    let mut all = Vec::new();
    for name in data::PILOTS {
        all.push((true, vec!["show", name]));
        if name != "progabide" {
            let by = ["--role", data::ROLE, "--by", data::PERSON];
            all.push((false, [&["approve", name][..], &by].concat()));
        }
    }
    all.push((false, vec!["assign", "ivr-fee-notice"]));
    for name in data::PILOTS {
        let look: &[&str] = if name == "looking" {
            &["--look", "1"]
        } else {
            &[]
        };
        all.push((true, [&["analyze", name][..], &AS_OF, look].concat()));
    }
    let simulate = [
        "simulate",
        "progabide",
        "--looks",
        "2",
        "--out",
        "simulated",
    ];
    let short = ["--replicates", "2", "--draws", "19", "--effect", "0.1"];
    all.push((true, [&simulate[..], &short].concat()));
    all.push((true, [&["simulate", "ivr-fee-notice"][..], &short].concat()));
    all
}

fn speak(workspace: &Path) {
    std::env::set_current_dir(workspace).unwrap();
    for (report, args) in commands() {
        println!("\n{COMMAND}{}", if report { REPORT } else { "" });
        let all = ["pilot"].iter().chain(&args).map(OsString::from);
        let cli = parse(&all.collect::<Vec<_>>()).unwrap();
        let ui = Ui::new(false, true, false, Color::Never);
        dispatch(&cli, &ui).unwrap_or_else(|e| panic!("{args:?}: {e}"));
    }
    println!("\n{COMMAND}");
}

fn listen() {
    let desk = tempfile::tempdir().unwrap();
    data::write(desk.path());
    let out = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(SPOKEN, desk.path())
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    let (said, failed) = (
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr),
    );
    assert!(out.status.success(), "{said}\n{failed}");
    let mut known = data::names();
    let mut texts: Vec<(String, String)> = Vec::new();
    for section in said.split(COMMAND) {
        if let Some(report) = section.strip_prefix(REPORT) {
            texts.push(("terminal".into(), read::without_next(report)));
        }
    }
    let folders = data::PILOTS.map(|name| format!("reports/{name}"));
    for folder in folders.iter().map(String::as_str).chain(["simulated"]) {
        for file in fs::read_dir(desk.path().join(folder)).unwrap() {
            let file = file.unwrap().path();
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            let bytes = fs::read(&file).unwrap();
            known.extend(read::names(&name, &bytes));
            texts.extend(read::texts(&name, &bytes).map(|text| (name.clone(), text)));
        }
    }
    let files: BTreeSet<&str> = texts.iter().map(|(file, _)| file.as_str()).collect();
    assert!(files.is_superset(&READ.into()), "only {files:?} were read");
    let foreign = |text: &str| text.chars().filter(|c| ('А'..='я').contains(c)).count();
    let spoken: usize = texts.iter().map(|(_, text)| foreign(text)).sum();
    assert!(
        spoken > 100_000,
        "the reports are not in the other language"
    );
    let mut strange: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (file, text) in &texts {
        let values = file.ends_with(".csv") || file.ends_with(".json");
        for run in read::runs(text) {
            let phrase = run.join(" ");
            let named = match values {
                // A value of one word is a name there.
                true => run.len() == 1 || data::VALUES.contains(&&*phrase),
                false => run.iter().all(|word| known.contains(&word.to_lowercase())),
            };
            if !named {
                strange.entry(phrase).or_default().insert(file);
            }
        }
    }
    assert!(
        strange.is_empty(),
        "words that are not of the catalogue:\n{strange:#?}"
    );
}
