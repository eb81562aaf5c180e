//! How long a scan takes: 1 million customers, or `PILOT_BENCH_ROWS`.
//!
//! `cargo bench --bench scan`

mod pilot_file;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use divan::Bencher;
use pilot::engine::{Choice, Request, scan};
use pilot_file::{Unit, plan, write};

fn main() {
    divan::main();
}

fn rows() -> usize {
    let rows = std::env::var("PILOT_BENCH_ROWS").ok();
    rows.and_then(|r| r.parse().ok()).unwrap_or(1_000_000)
}

/// A file, written on first use.
fn file(name: &str) -> PathBuf {
    static DIR: OnceLock<tempfile::TempDir> = OnceLock::new();
    let dir = DIR.get_or_init(|| tempfile::tempdir().unwrap());
    let path = dir.path().join(name);
    if !path.exists() {
        let unit = match name.split('.').next() {
            Some("integer") => Unit::Integer,
            Some("text") => Unit::Text,
            _ => Unit::None,
        };
        write(&path, rows(), unit, 1).unwrap();
    }
    path
}

fn bench(bencher: Bencher, name: &str, engine: Choice) {
    let path = file(name);
    let experiment = plan(&path);
    let request = Request {
        engine,
        ..Request::new(&experiment, Path::new("/"), &|_| Ok(()))
    };
    bencher.bench_local(|| scan(&request).unwrap());
}

const PARQUET: [&str; 3] = ["none.parquet", "integer.parquet", "text.parquet"];
const CSV: [&str; 2] = ["none.csv", "text.csv"];

#[divan::bench(args = PARQUET, sample_count = 10, sample_size = 1)]
fn parquet_embedded(bencher: Bencher, name: &str) {
    bench(bencher, name, Choice::Embedded);
}

#[divan::bench(args = CSV, sample_count = 5, sample_size = 1)]
fn csv_embedded(bencher: Bencher, name: &str) {
    bench(bencher, name, Choice::Embedded);
}

#[divan::bench(args = CSV, sample_count = 2, sample_size = 1)]
fn csv_reader(bencher: Bencher, name: &str) {
    bench(bencher, name, Choice::Reader);
}
