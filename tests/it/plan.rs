//! Plans: reading, rules, comparison, writing.

use std::path::{Path, PathBuf};

use pilot::error::{Error, Kind};
use pilot::experiment::{self, Experiment};

mod compare;
mod hostile;
mod meaning;
mod rules;
mod schema;
mod sequential;
mod writing;

/// A roster and a log, every key in use.
const FEES: &str = include_str!("../data/plans/fees-education.toml");
/// Ready-made counts.
const COUNTS: &str = include_str!("../data/plans/counts.toml");
/// Cells made elsewhere, all tables inline.
const CELLS: &str = include_str!("../data/plans/cells.toml");
/// The documented example.
const DOCUMENTED: &str = include_str!("../data/plans/contract.toml");

fn file_of(base: &str) -> PathBuf {
    let stem = match base {
        _ if base == COUNTS => "counts",
        _ if base == CELLS => "cells",
        _ => "fees-education",
    };
    PathBuf::from(format!("experiments/{stem}.toml"))
}

/// Replaces `from` by `to`, where `«` marks the place that the error must name.
fn edit(base: &str, from: &str, to: &str) -> (String, Option<(u64, u64)>) {
    assert_eq!(base.matches(from).count(), 1, "`{from}` is not there once");
    let marked = base.replacen(from, to, 1);
    let Some(at) = marked.find('«') else {
        return (marked, None);
    };
    let before = &marked[..at];
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    let line = before.matches('\n').count() as u64 + 1;
    let column = before[line_start..].chars().count() as u64 + 1;
    (marked.replacen('«', "", 1), Some((line, column)))
}

fn accepted(base: &str, text: &str) -> Experiment {
    experiment::parse(text, &file_of(base))
        .unwrap_or_else(|e| panic!("{e}"))
        .experiment
}

fn refused(base: &str, text: &str) -> Error {
    match experiment::parse(text, &file_of(base)) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(e) => e,
    }
}

#[test]
fn the_example_plans_are_read() {
    for name in ["fees-education", "counts", "cells"] {
        let path = format!(
            "{}/tests/data/plans/{name}.toml",
            env!("CARGO_MANIFEST_DIR")
        );
        let plan = experiment::read(Path::new(&path)).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(plan.experiment.name, name);
        assert_eq!(plan.text, std::fs::read_to_string(&path).unwrap());
        assert_eq!(plan.sha256.len(), 64);
    }
}

#[test]
fn the_documented_plan_is_read() {
    let e = accepted(DOCUMENTED, DOCUMENTED);
    assert_eq!(e.seed, 8_274_462_913);
    assert_eq!(e.arms[e.control()].name, "control");
    assert_eq!(e.analysis.estimator.as_deref(), Some("lin"));
    assert_eq!(e.analysis.prior, Some((0.0, 0.2)));
    assert_eq!(e.business.unwrap().claims.contact_reduction, (0.25, 0.30));
    let looks = e.analysis.sequential.unwrap();
    assert_eq!(looks.looks.len(), 3);
    assert_eq!(looks.rule.unwrap().spending, "obrien-fleming");
    assert_eq!(looks.extension_weights, Some((0.7, 0.3)));
}

#[test]
fn what_later_versions_build_is_known_and_refused() {
    let (from, to) = (
        "interventions = [\"tip-sheet\"]",
        "interventions = [«\"podcast\"]",
    );
    let (text, place) = edit(FEES, from, to);
    let error = refused(FEES, &text);
    assert_eq!(error.kind(), Kind::NotYetBuilt, "{error}");
    assert_eq!(error.key_name(), Some("arms[2].interventions"));
    let found = error.line_number().zip(error.column_number());
    assert_eq!(found, place, "{error}");
    assert!(error.hint_text().is_some() && error.message().contains("not yet built"));
}

#[test]
fn whole_messages() {
    let messages = [
        refused(FEES, &edit(FEES, "[data.customers]", "[data.custmers]").0),
        refused(CELLS, &edit(CELLS, "weight = 2", "weight = 0.75").0),
        refused(
            FEES,
            &edit(
                FEES,
                "method = \"existing\"",
                "method = \"existing\"\ndesign = \"switchback\"\nblock_days = 7",
            )
            .0,
        ),
        refused(
            FEES,
            &edit(FEES, "owner = \"customer care\"", "owner = customer care").0,
        ),
    ];
    let messages: Vec<String> = messages.iter().map(|e| e.to_string()).collect();
    insta::assert_snapshot!(messages.join("\n---\n"));
}
