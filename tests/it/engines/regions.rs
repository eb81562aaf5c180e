//! Counts by region and day, as text and as Parquet.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Date32Array, Int64Array, StringArray};
use pilot::assign::schedule;
use pilot::engine::{Choice, Scan};
use pilot::error::Kind;
use pilot::experiment::Experiment;

use super::files::{Folder, assert_same_content, plan};

const HEADER: [&str; 4] = ["region", "day", "customers", "calls"];

fn days_plan(path: &str, design: &str) -> Experiment {
    plan(&format!(
        r#"
[assignment]
design = "{design}"
cluster = "region"
regions = ["north", "söuth", "west"]
block_days = 7
washout_days = 1
[periods]
after = ["2026-03-02", "2026-03-29"]
[data.counts]
path = "{path}"
columns = {{ day = "day", customers = "customers" }}
max_bad_rows = 0.5
[[outcomes]]
name = "contacts"
role = "primary"
after = "calls"
"#
    ))
}

/// (region, day of March, customers, calls), with a region and days that the plan does not name.
fn rows() -> Vec<(&'static str, i32, i64, i64)> {
    let regions = ["north", "söuth", "west", "islands"];
    let days = (-2..31).flat_map(|day| (0..4usize).map(move |r| (r, day)));
    days.filter(|(r, day)| (*r, *day) != (1, 10))
        .map(|(r, day)| {
            let calls = (i64::from(day) + 40) * (r as i64 + 3) % 23;
            (regions[r], day, 500 + 100 * r as i64, calls)
        })
        .collect()
}

/// Days since 1970 of a day of March 2026, which may lie outside the month.
fn since_1970(day: i32) -> i32 {
    // 2026-03-01 is day 20,513.
    20_512 + day
}

fn iso(day: i32) -> String {
    match day {
        ..=0 => format!("2026-02-{:02}", 28 + day),
        _ => format!("2026-03-{day:02}"),
    }
}

fn as_text(rows: &[(&str, i32, i64, i64)]) -> Vec<Vec<String>> {
    let text = |(region, day, customers, calls): &(&str, i32, i64, i64)| {
        vec![
            (*region).to_owned(),
            iso(*day),
            customers.to_string(),
            calls.to_string(),
        ]
    };
    rows.iter().map(text).collect()
}

fn typed(rows: &[(&str, i32, i64, i64)]) -> Vec<(&'static str, ArrayRef)> {
    let regions = StringArray::from_iter_values(rows.iter().map(|r| r.0));
    let days = Date32Array::from_iter_values(rows.iter().map(|r| since_1970(r.1)));
    let customers = Int64Array::from_iter_values(rows.iter().map(|r| r.2));
    let calls = Int64Array::from_iter_values(rows.iter().map(|r| r.3));
    vec![
        ("region", Arc::new(regions)),
        ("day", Arc::new(days)),
        ("customers", Arc::new(customers)),
        ("calls", Arc::new(calls)),
    ]
}

/// A folder with the schedule that the plan draws.
fn assigned(plan: &Experiment) -> Folder {
    let folder = Folder::new();
    let mut file = Vec::new();
    schedule::write(plan, &schedule::draw(plan).unwrap(), &mut file).unwrap();
    folder.write("assignment.csv", &file);
    folder
}

fn agreed(folder: &Folder, path: &str, design: &str) -> Scan {
    folder.agreed(&days_plan(path, design)).unwrap()
}

#[test]
fn parquet_of_text_and_of_types_says_what_text_says() {
    for design in ["switchback", "stepped-wedge"] {
        let folder = assigned(&days_plan("days.csv", design));
        let rows = rows();
        folder.csv("days.csv", &HEADER, &as_text(&rows));
        folder.parquet_text("text.parquet", &HEADER, &as_text(&rows));
        folder.parquet("typed.parquet", typed(&rows));
        let text = agreed(&folder, "days.csv", design);
        let audit = &text.evidence.audit;
        // Four rows of March 1 and earlier and of March 30 are no days of the plan, for three regions.
        assert_eq!(audit.unassigned_customers, Some(33), "{design}");
        assert_eq!(audit.outside_windows, Some(15), "{design}");
        assert_eq!(audit.missing_region_days, Some(1), "{design}");
        let panel = text.evidence.outcomes[0].panel.as_ref().unwrap();
        assert_eq!((panel.regions(), panel.blocks()), (3, 4));
        // One day of washout in each block, and the second region lacks a day.
        let days: u32 = panel.rows().iter().map(|r| r.days).sum();
        assert_eq!(days, 3 * 4 * 6 - 1, "{design}");
        for path in ["text.parquet", "typed.parquet"] {
            assert_same_content(&text, &agreed(&folder, path, design));
        }
    }
}

#[test]
fn rows_that_do_not_fit_are_set_aside_alike() {
    let folder = assigned(&days_plan("days.csv", "switchback"));
    let mut lines = as_text(&rows());
    lines[0][3] = "-1".into();
    lines[5][2] = "many".into();
    lines[9][1] = "yesterday".into();
    lines[12][0] = " ".into();
    folder.csv("days.csv", &HEADER, &lines);
    folder.parquet_text("text.parquet", &HEADER, &lines);
    let text = agreed(&folder, "days.csv", "switchback");
    assert_eq!(text.set_aside.len(), 4);
    assert_same_content(&text, &agreed(&folder, "text.parquet", "switchback"));
}

#[test]
fn what_stops_text_stops_parquet() {
    let rows = rows();
    // The same region and day with other counts; a region without any row; no such column.
    let mut twice = rows.clone();
    twice.push(("north", 3, 500, 999));
    let without: Vec<_> = rows.iter().filter(|r| r.0 != "west").copied().collect();
    for rows in [twice, without] {
        let plan = days_plan("typed.parquet", "switchback");
        let folder = assigned(&plan);
        folder.parquet("typed.parquet", typed(&rows));
        let error = folder.agreed(&plan).unwrap_err();
        assert_eq!(error.kind(), Kind::Data, "{error}");
    }
    let plan = days_plan("typed.parquet", "switchback");
    let folder = assigned(&plan);
    let mut columns = typed(&rows);
    columns[3].0 = "chats";
    folder.parquet("typed.parquet", columns);
    for engine in [Choice::Reader, Choice::Embedded] {
        let error = folder.scan(&plan, engine, 2).unwrap_err();
        assert!(error.message().contains("calls"), "{error}");
    }
}
