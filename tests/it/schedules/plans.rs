//! Rules of plans with a schedule: an edit of a good plan, and what must be said about it.

use std::path::Path;

use pilot::error::Kind;
use pilot::experiment::{self, Design, ScheduleKind};

const HOTLINE: &str = include_str!("../../data/schedules/hotline-notice.toml");
const BRANCH: &str = include_str!("../../data/schedules/branch-wedge.toml");

fn parse(text: &str) -> pilot::error::Result<experiment::Plan> {
    let stem = if text.contains("branch-wedge") {
        "branch-wedge"
    } else {
        "hotline-notice"
    };
    experiment::parse(text, Path::new(&format!("experiments/{stem}.toml")))
}

#[test]
fn the_plans_are_read() {
    let e = parse(HOTLINE).unwrap().experiment;
    let schedule = e.assignment.schedule.as_ref().unwrap();
    assert_eq!(schedule.design, ScheduleKind::Switchback);
    assert_eq!(schedule.regions[..2], ["centre", "coast"]);
    let blocks = e.blocks();
    assert_eq!(blocks.len(), 12);
    assert_eq!(blocks[11].1.to_string(), "2026-05-24");
    assert_eq!(parse(BRANCH).unwrap().experiment.blocks().len(), 4);
}

#[test]
fn what_a_schedule_cannot_have_is_refused() {
    let rules: &[(&str, &str, &str, &str)] = &[
        // Plan, key, edit, words.
        (
            "assignment.method",
            "block_days = 7",
            "block_days = 7\nmethod = \"hashed\"",
            "assigns customers",
        ),
        (
            "assignment.strata",
            "block_days = 7",
            "block_days = 7\nstrata = [\"plan\"]",
            "has no strata",
        ),
        (
            "assignment.block_days",
            "block_days = 7\nwashout_days = 1\n",
            "",
            "is missing",
        ),
        (
            "assignment.washout_days",
            "washout_days = 1",
            "washout_days = 7",
            "leave nothing",
        ),
        (
            "assignment.cluster",
            "cluster = \"region\"\n",
            "",
            "is missing",
        ),
        (
            "assignment.regions",
            "regions = [\"east\", \"north\", \"south\", \"west\", \"centre\", \"coast\", \"hills\", \"lakes\"]\n",
            "",
            "is missing",
        ),
        (
            "assignment.regions",
            "\"east\", \"north\"",
            "\"east\", \"east\"",
            "twice",
        ),
        (
            "assignment.regions",
            "design = \"switchback\"\n",
            "",
            "is about a schedule",
        ),
        (
            "periods.after",
            "2026-05-24",
            "2026-05-23",
            "not a whole number of blocks",
        ),
        (
            "periods.after",
            "2026-05-24",
            "2026-03-08",
            "holds 1 blocks",
        ),
        (
            "periods.before",
            "[periods]",
            "[periods]\nbefore = [\"2026-02-01\", \"2026-02-28\"]",
            "compared with itself",
        ),
        (
            "data.counts.columns.unit",
            "{ day = \"day\"",
            "{ unit = \"u\", day = \"day\"",
            "a row a customer",
        ),
        (
            "data.counts.columns.day",
            "{ day = \"day\", ",
            "{ ",
            "is missing",
        ),
        (
            "data.counts.columns.customers",
            "customers = \"customers\"",
            "customers = \"day\"",
            "already",
        ),
        (
            "data.counts.exposure_unit",
            "[data.counts]",
            "[data.counts]\nexposure_unit = \"day\"",
            "no meaning",
        ),
        (
            "outcomes[1].kind",
            "role = \"primary\"",
            "role = \"primary\"\nkind = \"mean\"\nbetter = \"lower\"",
            "counts of contacts",
        ),
        (
            "outcomes[1].cap",
            "role = \"primary\"",
            "role = \"primary\"\ncap = 3",
            "about customers",
        ),
        (
            "analysis.estimator",
            "\"cluster\"\nper",
            "\"welch\"\nper",
            "takes customers",
        ),
        (
            "analysis.segments",
            "[analysis]",
            "[analysis]\nsegments = [\"plan\"]",
            "by segment",
        ),
        (
            "analysis.sequential",
            "[business]",
            "[analysis.sequential]\nlooks = [\"2026-04-01\", \"2026-05-24\"]\nspending = \"pocock\"\n[business]",
            "looking early",
        ),
        (
            "arms",
            "name = \"notice\"\n",
            "name = \"notice\"\nweight = 20\n",
            "21 blocks",
        ),
        (
            "arms[3]",
            "[periods]",
            "[[arms]]\nname = \"third\"\n[periods]",
            "a third arm",
        ),
        (
            "data.contacts.columns.unit",
            "[data.counts]\npath = \"data/hotline-days.csv\"\ncolumns = { day = \"day\", customers = \"customers\" }",
            "[data.contacts]\npath = \"x.csv\"\ncolumns = { unit = \"u\", time = \"t\" }",
            "contacts count for regions",
        ),
        (
            "data.counts",
            "[data.counts]",
            "[data.contacts]\npath = \"x.csv\"\ncolumns = { time = \"t\" }\n[data.counts]",
            "a second one",
        ),
        (
            "data.regions",
            "[data.counts]",
            "[data.regions]\npath = \"x.csv\"\ncolumns = { customers = \"n\" }\n[data.counts]",
            "stands beside a log",
        ),
        (
            "data.cells",
            "[data.counts]",
            "[data.cells]\npath = \"x\"\n[data.counts]",
            "about customers",
        ),
        (
            "outcomes[1].reasons",
            "role = \"primary\"",
            "role = \"primary\"\nreasons = [\"fees\"]",
            "hold no reasons",
        ),
    ];
    for (key, from, to, words) in rules {
        assert_eq!(HOTLINE.matches(from).count(), 1, "{from}");
        refused(&HOTLINE.replace(from, to), key, words);
    }
    for (key, from, to, words) in [
        (
            "arms[2].weight",
            "title = \"Trained",
            "weight = 2\ntitle = \"Trained",
            "no weights",
        ),
        (
            "assignment.regions",
            "[\"b01\", \"b02\", \"b03\", \"b04\", \"b05\", \"b06\", \"b07\", \"b08\", \"b09\"]",
            "[\"b01\"]",
            "step by step",
        ),
        (
            "periods.after",
            "block_days = 14",
            "block_days = 4",
            "13 steps",
        ),
        (
            "periods.after",
            "block_days = 14",
            "block_days = 28",
            "needs two steps",
        ),
    ] {
        assert_eq!(BRANCH.matches(from).count(), 1, "{from}");
        refused(&BRANCH.replace(from, to), key, words);
    }
}

#[track_caller]
fn refused(text: &str, key: &str, words: &str) {
    let Err(error) = parse(text) else {
        panic!("accepted: {key} {words}")
    };
    assert_eq!(error.kind(), Kind::Plan, "{error}");
    assert_eq!(error.key_name(), Some(key), "{error}");
    assert!(error.message().contains(words), "{error}");
    assert!(
        error.line_number().is_some() && error.hint_text().is_some(),
        "{error}"
    );
}

#[test]
fn days_are_only_for_schedules() {
    let counts = include_str!("../../data/plans/counts.toml");
    let from = "columns = {";
    assert_eq!(counts.matches(from).count(), 1);
    let text = counts.replace(from, "columns = { day = \"day\",");
    let error = experiment::parse(&text, Path::new("experiments/counts.toml")).unwrap_err();
    assert_eq!(error.key_name(), Some("data.counts.columns.day"), "{error}");
}

#[test]
fn a_public_page_is_tested_by_schedule() {
    // The hotline's arm has the intervention, and no log-in.
    assert!(HOTLINE.contains("site-top-questions") && !HOTLINE.contains("after_login"));
    let by_customer = HOTLINE
        .replace("design = \"switchback\"\n", "")
        .replace("cluster = \"region\"\n", "")
        .replace("block_days = 7\nwashout_days = 1\n", "");
    let regions = by_customer.lines().filter(|l| !l.starts_with("regions"));
    let by_customer: String = regions.map(|l| format!("{l}\n")).collect();
    let error = parse(&by_customer).unwrap_err();
    let hint = error.hint_text().unwrap();
    assert!(
        hint.contains("switchback") && hint.contains("stepped-wedge"),
        "{hint}"
    );
}

#[test]
fn the_order_of_regions_is_no_change_and_a_block_is() {
    let turned = HOTLINE.replace("\"east\", \"north\"", "\"north\", \"east\"");
    assert_ne!(turned, HOTLINE);
    assert_eq!(experiment::diff(HOTLINE, &turned).unwrap(), []);
    let longer = HOTLINE.replace("washout_days = 1", "washout_days = 2");
    let changes = experiment::diff(HOTLINE, &longer).unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].key, "assignment.washout_days");
    assert!(changes[0].material);
    let (a, b) = (parse(HOTLINE).unwrap(), parse(&longer).unwrap());
    assert_ne!(
        experiment::data_digest(&a.experiment),
        experiment::data_digest(&b.experiment)
    );
}

#[test]
fn a_written_schedule_reads_back_the_same() {
    let one_region = HOTLINE.replace("cluster = \"region\"\n", "");
    let one_region: String = one_region
        .lines()
        .filter(|l| !l.starts_with("regions"))
        .map(|l| format!("{l}\n"))
        .collect();
    let log = HOTLINE
        .replace(
            "[data.counts]\npath = \"data/hotline-days.csv\"\ncolumns = { day = \"day\", customers = \"customers\" }",
            "[data.contacts]\npath = \"x-*.csv\"\ndelimiter = \";\"\ncomplete_until = \"2026-06-01\"\ncolumns = { time = \"t\", reason = \"r\" }\n\
             [data.regions]\npath = \"y.csv\"\ncolumns = { customers = \"n\" }",
        )
        .replace("after = \"calls\"\n", "reasons = [\"fees\"]\n")
        .replace("after = \"complaints\"\n", "");
    assert!(log.contains("data.regions"));
    for text in [HOTLINE, BRANCH, &one_region, &log] {
        let plan = parse(text).unwrap().experiment;
        let design = Design {
            experiment: plan.clone(),
            notes: vec![],
        };
        let written = experiment::template(&design);
        let again = parse(&written).unwrap_or_else(|e| panic!("{e}\n{written}"));
        assert_eq!(again.experiment, plan, "{written}");
    }
}

#[test]
fn a_plan_of_regions_reads_as_words() {
    let words = experiment::describe(&parse(HOTLINE).unwrap().experiment);
    for part in [
        "8 regions (column \"region\") take part",
        "Switchback: 12 blocks of 7 days",
        "The first day of each block does not count",
    ] {
        assert!(words.contains(part), "{part}\n{words}");
    }
    let words = experiment::describe(&parse(BRANCH).unwrap().experiment);
    assert!(
        words.contains("Stepped wedge: 4 blocks of 14 days"),
        "{words}"
    );
}
