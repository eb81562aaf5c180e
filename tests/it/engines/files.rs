//! Small pilots on disk: plans from TOML, rows as CSV and as Parquet.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::file::properties::WriterProperties;
use pilot::engine::{Choice, Request, Scan, scan};
use pilot::error::Result;
use pilot::experiment::{Experiment, parse};
use tempfile::TempDir;

/// A plan from the tables that differ; the rest is the same for all tests.
pub fn plan(tables: &str) -> Experiment {
    let text = format!(
        r#"
schema = 1
[experiment]
name = "both"
seed = 1
[[arms]]
name = "control"
control = true
weight = 1
[[arms]]
name = "tip-sheet"
weight = 1
{tables}"#
    );
    match parse(&text, Path::new("both.toml")) {
        Ok(plan) => plan.experiment,
        Err(error) => panic!("{error}"),
    }
}

/// A folder with a pilot's files.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    /// Rows as comma-separated text, quoted where needed.
    pub fn csv<S: AsRef<str>>(&self, name: &str, header: &[&str], rows: &[Vec<S>]) {
        let mut writer = csv::Writer::from_path(self.path(name)).unwrap();
        writer.write_record(header).unwrap();
        for row in rows {
            writer.write_record(row.iter().map(AsRef::as_ref)).unwrap();
        }
        writer.flush().unwrap();
    }

    /// The same rows as a Parquet file of text columns.
    pub fn parquet_text<S: AsRef<str>>(&self, name: &str, header: &[&str], rows: &[Vec<S>]) {
        let columns = header.iter().enumerate().map(|(i, column)| {
            let values = rows.iter().map(|row| row[i].as_ref());
            let array: ArrayRef = Arc::new(StringArray::from_iter_values(values));
            (*column, array)
        });
        self.parquet(name, columns.collect());
    }

    /// Columns as a Parquet file with small row groups.
    pub fn parquet(&self, name: &str, columns: Vec<(&str, ArrayRef)>) {
        let batch = RecordBatch::try_from_iter_with_nullable(
            columns.into_iter().map(|(name, array)| (name, array, true)),
        )
        .unwrap();
        let properties = WriterProperties::builder()
            .set_max_row_group_row_count(Some(7.max(batch.num_rows() / 8)))
            .build();
        let file = File::create(self.path(name)).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }

    /// What an engine makes of the plan's files.
    pub fn scan(&self, plan: &Experiment, engine: Choice, threads: usize) -> Result<Scan> {
        self.scan_within(plan, engine, threads, None)
    }

    /// The same with at most so many bytes of memory.
    pub fn scan_within(
        &self,
        plan: &Experiment,
        engine: Choice,
        threads: usize,
        memory: Option<u64>,
    ) -> Result<Scan> {
        let assignment = self.path("assignment.csv");
        scan(&Request {
            engine,
            threads: Some(threads),
            memory,
            assignment: assignment.exists().then_some(assignment.as_path()),
            ..Request::new(plan, self.0.path(), &|_| Ok(()))
        })
    }

    /// The scan of all engines and thread counts, which has to be one and the same.
    pub fn agreed(&self, plan: &Experiment) -> Result<Scan> {
        let oracle = self.scan(plan, Choice::Reader, 1);
        // With a limit DataFusion joins by sorting, which can spill to disk.
        let limit = Some(128 << 20);
        for (threads, memory) in [(1, None), (2, None), (16, None), (2, limit)] {
            let other = self.scan_within(plan, Choice::Embedded, threads, memory);
            match (&oracle, &other) {
                (Ok(oracle), Ok(other)) => assert_eq!(oracle, other, "{threads} threads"),
                (Err(oracle), Err(other)) => {
                    assert_eq!(oracle.kind(), other.kind(), "{oracle}\n{other}");
                }
                _ => panic!("{threads} threads:\n{oracle:?}\n{other:?}"),
            }
        }
        oracle
    }
}

/// Everything but where rows stand and how they looked.
pub fn assert_same_content(text: &Scan, parquet: &Scan) {
    assert_eq!(text.evidence, parquet.evidence);
    let content = |scan: &Scan| -> Vec<(Option<String>, String)> {
        let rows = scan.set_aside.iter();
        rows.map(|s| (s.column.clone(), s.reason.clone())).collect()
    };
    assert_eq!(content(text), content(parquet));
}
