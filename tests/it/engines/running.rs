//! Interruption, memory, the choice of an engine.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pilot::engine::{Choice, Request, scan};
use pilot::error::{Error, Kind};

use super::files::{Folder, plan};

fn small_plan(path: &str) -> pilot::experiment::Experiment {
    plan(&format!(
        r#"
[assignment]
method = "existing"
[data.counts]
path = "{path}"
columns = {{ unit = "customer", arm = "arm" }}
[[outcomes]]
name = "contacts"
role = "primary"
kind = "count"
"#
    ))
}

fn rows(n: u32) -> Vec<Vec<String>> {
    let row = |i: u32| {
        let arm = ["control", "tip-sheet"][i as usize % 2];
        vec![
            format!("customer-number-{i}"),
            arm.to_string(),
            (i % 5).to_string(),
        ]
    };
    (0..n).map(row).collect()
}

#[test]
fn an_error_of_the_tick_stops_every_engine_at_once() {
    let folder = Folder::new();
    let header = ["customer", "arm", "after"];
    folder.csv("rows.csv", &header, &rows(600_000));
    folder.parquet_text("rows.parquet", &header, &rows(600_000));
    let cases = [
        ("rows.csv", Choice::Reader),
        ("rows.csv", Choice::Embedded),
        ("rows.parquet", Choice::Embedded),
    ];
    for (path, engine) in cases {
        let experiment = small_plan(path);
        let ticks = AtomicU64::new(0);
        let stop = |_| {
            ticks.fetch_add(1, Ordering::Relaxed);
            Err(Error::new(Kind::Interrupted, "stop"))
        };
        let start = Instant::now();
        let result = scan(&Request {
            engine,
            ..Request::new(&experiment, &folder.path(""), &stop)
        });
        assert_eq!(result.unwrap_err().kind(), Kind::Interrupted, "{path}");
        assert_eq!(ticks.load(Ordering::Relaxed), 1);
        // The promise to users is one second.
        assert!(
            start.elapsed() < Duration::from_secs(1),
            "{:?}",
            start.elapsed()
        );
    }
}

#[test]
fn too_little_memory_is_said_and_enough_changes_nothing() {
    let folder = Folder::new();
    folder.parquet_text(
        "rows.parquet",
        &["customer", "arm", "after"],
        &rows(200_000),
    );
    let experiment = small_plan("rows.parquet");
    let root = folder.path("");
    let with = |memory| {
        scan(&Request {
            memory,
            ..Request::new(&experiment, &root, &|_| Ok(()))
        })
    };
    let error = with(Some(1 << 16)).unwrap_err();
    assert_eq!(error.kind(), Kind::Usage, "{error}");
    assert_eq!(with(Some(256 << 20)).unwrap(), with(None).unwrap());
}

#[test]
fn parquet_and_large_text_choose_the_embedded_engine() {
    let folder = Folder::new();
    folder.parquet_text("rows.parquet", &["customer", "arm", "after"], &rows(100));
    let experiment = small_plan("rows.parquet");
    let auto = folder.scan(&experiment, Choice::Auto, 2).unwrap();
    assert_eq!(auto, folder.scan(&experiment, Choice::Reader, 1).unwrap());
    assert_eq!(auto.evidence.audit.customers, 100);
}

#[test]
fn damaged_parquet_is_an_error_and_no_panic() {
    let folder = Folder::new();
    folder.parquet_text("rows.parquet", &["customer", "arm", "after"], &rows(1000));
    let good = std::fs::read(folder.path("rows.parquet")).unwrap();
    let experiment = small_plan("rows.parquet");
    let mut cases = vec![
        Vec::new(),
        b"PAR1".to_vec(),
        good[..good.len() / 2].to_vec(),
    ];
    let mut bent = good.clone();
    for byte in &mut bent[4..200] {
        *byte ^= 0x5A;
    }
    cases.push(bent);
    for bytes in cases {
        folder.write("rows.parquet", &bytes);
        for engine in [Choice::Reader, Choice::Embedded] {
            let error = folder.scan(&experiment, engine, 2).unwrap_err();
            assert_eq!(error.kind(), Kind::Data, "{error}");
        }
    }
}
