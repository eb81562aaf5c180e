//! Data files as tables, and the committed reference values.

use std::collections::HashMap;

use pilot::stats::{DetailValue, Estimate};
use pilot::table::{
    ArmId, Cell, Comparison, ContactTable, Decimals, ExposureUnit, Strata, StratumId,
};
use serde_json::Value;

/// One line of a data file, by column name.
pub type Line = HashMap<String, String>;

/// A data file of `tests/data`.
pub fn lines(file: &str) -> Vec<Line> {
    let path = format!("{}/tests/data/{file}", env!("CARGO_MANIFEST_DIR"));
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.deserialize().map(|line| line.unwrap()).collect()
}

/// How lines become a table; fields are what a line gives.
pub struct Spec<'a> {
    pub arms: &'a [&'a str],
    pub decimals: u8,
    pub stratum: &'a dyn Fn(&Line) -> Option<String>,
    pub exposure: &'a dyn Fn(usize, &Line) -> i64,
    pub before_exposure: &'a dyn Fn(usize, &Line) -> i64,
    pub before: &'a dyn Fn(&Line) -> Option<String>,
    pub after: &'a dyn Fn(&Line) -> Option<String>,
}

impl Default for Spec<'_> {
    fn default() -> Self {
        Spec {
            arms: &["control", "treatment"],
            decimals: 0,
            stratum: &|_| None,
            exposure: &|_, _| 1,
            before_exposure: &|_, _| 0,
            before: &|line| line.get("before").cloned(),
            after: &|line| line.get("after").cloned(),
        }
    }
}

/// A decimal as an integer of that many decimals, without going through a float.
pub fn fixed(text: &str, decimals: u8) -> i64 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part = part.trim_end_matches('0');
    assert!(
        part.len() <= usize::from(decimals),
        "{text} has more than {decimals} decimals"
    );
    format!("{whole}{part:0<width$}", width = usize::from(decimals))
        .parse()
        .unwrap()
}

/// The table of a data file; a `customers` column, if any, is a weight.
pub fn table(lines: &[Line], spec: &Spec<'_>) -> ContactTable {
    let tuple = |line: &Line| (spec.stratum)(line).map(|s| vec![s]);
    let strata = if lines.iter().any(|line| tuple(line).is_some()) {
        Strata::new(vec!["stratum".into()], lines.iter().filter_map(tuple)).unwrap()
    } else {
        Strata::none()
    };
    let mut cells = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let Some(arm) = spec.arms.iter().position(|a| *a == line["arm"]) else {
            continue;
        };
        let value = |text: Option<String>| {
            text.filter(|t| !t.is_empty())
                .map(|t| fixed(&t, spec.decimals))
        };
        let before = value((spec.before)(line));
        cells.push(Cell {
            arm: ArmId(arm as u16),
            stratum: strata.id(&tuple(line).unwrap_or_default()).unwrap(),
            exposure: (spec.exposure)(i, line),
            before_exposure: before.map_or(0, |_| (spec.before_exposure)(i, line)),
            before,
            after: value((spec.after)(line)),
            uptake: None,
            customers: line.get("customers").map_or(1, |n| n.parse().unwrap()),
        });
    }
    ContactTable::new(
        spec.arms.iter().map(|a| a.to_string()).collect(),
        strata,
        ExposureUnit::Day,
        Decimals {
            before: spec.decimals,
            after: spec.decimals,
            ..Decimals::default()
        },
        cells,
    )
    .unwrap()
}

/// Arm 1 against arm 0.
pub fn first(table: &ContactTable) -> Comparison<'_> {
    Comparison::new(table, ArmId(1), ArmId(0)).unwrap()
}

/// Reference records of a JSON file, by id.
pub struct Reference(Value);

impl Reference {
    /// Values of R and Python together.
    pub fn suite() -> Self {
        Reference(serde_json::from_str(include_str!("../../reference/means.json")).unwrap())
    }

    /// Values of the variants, by Python.
    pub fn variants() -> Self {
        Reference(
            serde_json::from_str(include_str!("../../reference/means_variants.json")).unwrap(),
        )
    }

    /// One value.
    pub fn get(&self, id: &str, field: &str) -> f64 {
        let value = &self.0["results"][id][field];
        value.as_f64().unwrap_or_else(|| panic!("no {id} {field}"))
    }

    /// Checks fields of a record.
    #[track_caller]
    pub fn check(&self, id: &str, fields: &[(&str, f64)], relative: f64) {
        for (field, got) in fields {
            close(
                &format!("{id} {field}"),
                *got,
                self.get(id, field),
                relative,
            );
        }
    }
}

#[track_caller]
pub fn close(what: &str, got: f64, expected: f64, relative: f64) {
    let error = (got - expected).abs();
    assert!(
        error <= relative * expected.abs() + f64::MIN_POSITIVE,
        "{what}: {got:e} for {expected:e}, off by {:e}",
        error / expected.abs()
    );
}

/// The ends of an interval; fails where one is open.
pub fn ends(e: &Estimate) -> (f64, f64) {
    let i = e.interval.unwrap();
    (i.lower.unwrap(), i.upper.unwrap())
}

/// A number of the detail.
pub fn number(e: &Estimate, key: &str) -> f64 {
    match &e.detail[key] {
        DetailValue::Number(v) => *v,
        DetailValue::Count(n) => *n as f64,
        other => panic!("{key} is {other:?}"),
    }
}

/// A cell of the one stratum, exposure 1.
pub fn cell(arm: u16, after: Option<i64>, before: Option<i64>, customers: u64) -> Cell {
    Cell {
        arm: ArmId(arm),
        stratum: StratumId(0),
        exposure: 1,
        before_exposure: 0,
        before,
        after,
        uptake: None,
        customers,
    }
}

/// Three arms; as many strata, "0", "1", …, as the cells name, none if only the first.
pub fn plain(decimals: u8, cells: Vec<Cell>) -> ContactTable {
    let most = cells.iter().map(|c| c.stratum.0).max().unwrap_or(0);
    let strata = match most {
        0 => Strata::none(),
        _ => Strata::new(
            vec!["s".into()],
            (0..=most).map(|i| vec![format!("{i:03}")]),
        )
        .unwrap(),
    };
    let arms = ["control", "tip-sheet", "video"].map(String::from).to_vec();
    let decimals = Decimals {
        before: decimals,
        after: decimals,
        ..Decimals::default()
    };
    ContactTable::new(arms, strata, ExposureUnit::Day, decimals, cells).unwrap()
}
