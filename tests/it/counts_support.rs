//! Reference records, and data files as tables.

use std::path::Path;

use pilot::stats::{DetailValue, Estimate};
use pilot::table::{ArmId, Cell, Comparison, ContactTable, Decimals, ExposureUnit, Strata};
use serde_json::Value;

/// The values of a record of `tests/reference/<file>`.
pub fn record(file: &str, id: &str) -> Value {
    let text = std::fs::read_to_string(Path::new("tests/reference").join(file)).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    let results = json["results"].as_array().unwrap();
    let found = results.iter().find(|r| r["id"] == id);
    found.unwrap_or_else(|| panic!("no record {id}"))["values"].clone()
}

/// A number of a record.
pub fn number(values: &Value, key: &str) -> f64 {
    values[key]
        .as_f64()
        .unwrap_or_else(|| panic!("no {key} in {values}"))
}

/// A list of numbers of a record.
pub fn numbers(values: &Value, key: &str) -> Vec<f64> {
    let list = values[key]
        .as_array()
        .unwrap_or_else(|| panic!("no {key} in {values}"));
    list.iter().map(|v| v.as_f64().unwrap()).collect()
}

/// One customer of a data file.
pub struct Row(Vec<(String, String)>);

impl Row {
    pub fn get(&self, column: &str) -> &str {
        let cell = self.0.iter().find(|c| c.0 == column);
        &cell.unwrap_or_else(|| panic!("no column {column}")).1
    }
    pub fn int(&self, column: &str) -> i64 {
        self.get(column).parse().unwrap()
    }
}

/// The rows of `tests/data/<file>`.
pub fn rows(file: &str) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(Path::new("tests/data").join(file)).unwrap();
    let names: Vec<String> = reader.headers().unwrap().iter().map(String::from).collect();
    reader
        .records()
        .map(|r| {
            let record = r.unwrap();
            let fields = record.iter().map(String::from);
            Row(names.iter().cloned().zip(fields).collect())
        })
        .collect()
}

/// A customer as the tests build it: (arm, stratum, exposure, before, after).
pub type Customer = (u16, String, i64, Option<i64>, Option<i64>);

/// A table of whole numbers; arm 0 is control.
pub fn table(arms: &[&str], customers: &[Customer]) -> ContactTable {
    let names = customers.iter().map(|c| vec![c.1.clone()]);
    let strata = Strata::new(vec!["stratum".into()], names).unwrap();
    let cells = customers
        .iter()
        .map(|(arm, stratum, exposure, before, after)| Cell {
            arm: ArmId(*arm),
            stratum: strata.id(std::slice::from_ref(stratum)).unwrap(),
            exposure: *exposure,
            before_exposure: 0,
            before: *before,
            after: *after,
            uptake: None,
            customers: 1,
        })
        .collect();
    let arms = arms.iter().map(|a| (*a).to_string()).collect();
    ContactTable::new(arms, strata, ExposureUnit::Day, Decimals::default(), cells).unwrap()
}

/// Arms 1 (treatment) and 0 (control).
pub fn compare(table: &ContactTable) -> Comparison<'_> {
    Comparison::new(table, ArmId(1), ArmId(0)).unwrap()
}

/// A number in an estimate's detail.
pub fn detail(e: &Estimate, key: &str) -> f64 {
    match e.detail.get(key) {
        Some(DetailValue::Number(v)) => *v,
        Some(DetailValue::Count(v)) => *v as f64,
        other => panic!("{key}: {other:?}"),
    }
}

/// Fails unless the two agree to `tolerance`, relative above 1 and absolute below.
#[track_caller]
pub fn close(name: &str, found: f64, expected: f64, tolerance: f64) {
    let allowed = tolerance * expected.abs().max(f64::MIN_POSITIVE);
    assert!(
        (found - expected).abs() <= allowed,
        "{name}: found {found}, expected {expected}"
    );
}

pub fn epil(stratum: fn(&Row) -> String) -> ContactTable {
    let customers: Vec<Customer> = rows("epil.csv")
        .iter()
        .map(|r| {
            let arm = u16::from(r.get("arm") == "treatment");
            let (before, after) = (r.int("before"), r.int("after"));
            (
                arm,
                stratum(r),
                r.int("exposure"),
                Some(before),
                Some(after),
            )
        })
        .collect();
    table(&["control", "treatment"], &customers)
}

/// Three arms; `before` decides who has a before period.
pub fn bladder(stratum: fn(&Row) -> String, has_before: fn(&Row) -> bool) -> ContactTable {
    let customers: Vec<Customer> = rows("bladder.csv")
        .iter()
        .map(|r| {
            let arm = match r.get("arm") {
                "placebo" => 0,
                "thiotepa" => 1,
                _ => 2,
            };
            let before = has_before(r).then(|| r.int("before"));
            (
                arm,
                stratum(r),
                r.int("exposure"),
                before,
                Some(r.int("after")),
            )
        })
        .collect();
    table(&["placebo", "thiotepa", "pyridoxine"], &customers)
}

pub fn cgd(stratum: fn(&Row) -> String) -> ContactTable {
    let customers: Vec<Customer> = rows("cgd.csv")
        .iter()
        .map(|r| {
            let arm = u16::from(r.get("arm") == "treatment");
            (
                arm,
                stratum(r),
                r.int("exposure"),
                None,
                Some(r.int("after")),
            )
        })
        .collect();
    table(&["control", "treatment"], &customers)
}
