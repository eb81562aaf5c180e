//! Ready-made counts.

use std::io::Write;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, DictionaryArray, Float32Array, Float64Array,
    Int32Array, Int64Array, StringArray, StringViewArray,
};
use datafusion::arrow::datatypes::Int32Type;
use pilot::engine::Scan;
use pilot::experiment::Experiment;
use proptest::prelude::*;

use super::files::{Folder, assert_same_content, plan};

const HEADER: [&str; 9] = [
    "customer",
    "group",
    "plan",
    "days",
    "days_before",
    "opened",
    "after",
    "before",
    "seconds",
];

fn counts_plan(path: &str, extra: &str) -> Experiment {
    plan(&format!(
        r#"
[analysis]
segments = ["opened", "plan"]
[assignment]
method = "existing"
strata = ["plan"]
[data.counts]
path = "{path}"
columns = {{ unit = "customer", arm = "group", exposure = "days", before_exposure = "days_before", uptake = "opened" }}
exposure_unit = "day"
arm_values = {{ control = ["0", "holdout"], tip-sheet = ["1"] }}
max_bad_rows = 0.999
{extra}
[[outcomes]]
name = "contacts"
role = "primary"
kind = "count"
[[outcomes]]
name = "handling"
role = "secondary"
kind = "mean"
better = "lower"
after = "seconds"
before = "before"
before_kind = "covariate"
"#
    ))
}

/// Fields as people's exports hold them: all sound, or some of them not.
fn field(column: usize, sound: bool) -> BoxedStrategy<String> {
    let bad = u32::from(!sound);
    let words = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|w| (*w).to_string()).collect();
        proptest::sample::select(words)
    };
    match column {
        0 => prop_oneof![
            30 => (0..4_000_000u32).prop_map(|n| format!("C{n}")),
            bad => (0..50u32).prop_map(|n| format!("C{n}")),
            bad => words(&["", "  ", "C1 ", "Ünï", "a,b", "say \"hi\"", "\u{FFFD}"]),
        ]
        .boxed(),
        1 => words(&["0", "1", "1", "holdout", " 1 "]).boxed(),
        2 => words(&["basic", "plus", "", "a,b", "ключ"]).boxed(),
        3 => prop_oneof![
            20 => words(&["28", "30", "30.5"]),
            bad => words(&["0", "", "-1", "x"]),
        ]
        .boxed(),
        4 => prop_oneof![20 => words(&["30", "60", "1e1"]), bad => words(&["0", ""])].boxed(),
        5 => {
            prop_oneof![20 => words(&["", "1", "0", "yes", "No"]), bad => words(&["maybe"])].boxed()
        }
        6 | 7 => prop_oneof![
            20 => (0..5u32).prop_map(|n| n.to_string()),
            1 => Just(String::new()),
            bad => words(&["-1", "1.5", "x", "3.0", "99999999999999999999", "1e400"]),
        ]
        .boxed(),
        _ => prop_oneof![
            10 => (0..20_000u32).prop_map(|n| format!("{}.{:02}", n / 100, n % 100)),
            1 => words(&["", "0.1234567", "0.0000005", "1e-30", "-3"]),
            bad => words(&["NaN", "inf", "1,5"]),
        ]
        .boxed(),
    }
}

fn rows() -> impl Strategy<Value = Vec<Vec<String>>> {
    prop_oneof![rows_of(true, 0), rows_of(true, 4), rows_of(false, 4)]
}

fn rows_of(sound: bool, repeats: usize) -> impl Strategy<Value = Vec<Vec<String>>> {
    let row: Vec<_> = (0..HEADER.len()).map(|c| field(c, sound)).collect();
    let rows = proptest::collection::vec(row, 0..60);
    // Some rows come twice: as they are, in the other arm, or, rarely, with another value.
    let again = proptest::collection::vec((any::<prop::sample::Index>(), 0..40u8), 0..=repeats);
    (rows, again).prop_map(|(mut rows, again)| {
        for (which, how) in again {
            if rows.is_empty() {
                break;
            }
            let mut row = rows[which.index(rows.len())].clone();
            match how {
                0..20 => {}
                20..39 => {
                    row[1] = if row[1] == "1" {
                        "0".into()
                    } else {
                        "1".into()
                    }
                }
                _ => row[6] = "4".into(),
            }
            rows.push(row);
        }
        rows
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn text_and_parquet_of_text_agree(rows in rows(), cut in any::<prop::sample::Index>()) {
        let folder = Folder::new();
        let cut = cut.index(rows.len() + 1);
        for (name, rows) in [("1", &rows[..cut]), ("2", &rows[cut..])] {
            folder.csv(&format!("part-{name}.csv"), &HEADER, rows);
            folder.parquet_text(&format!("part-{name}.parquet"), &HEADER, rows);
        }
        let text = folder.agreed(&counts_plan("part-*.csv", ""));
        let parquet = folder.agreed(&counts_plan("part-*.parquet", ""));
        match (text, parquet) {
            (Ok(text), Ok(parquet)) => {
                assert_same_content(&text, &parquet);
                for (text, parquet) in text.set_aside.iter().zip(&parquet.set_aside) {
                    prop_assert_eq!(&text.raw, &parquet.raw);
                }
            }
            (Err(text), Err(parquet)) => prop_assert_eq!(text.kind(), parquet.kind()),
            (text, parquet) => prop_assert!(false, "{:?}\n{:?}", text, parquet),
        }
    }

    #[test]
    fn typed_columns_mean_what_their_text_means(sound in any::<bool>(), mut rows in proptest::collection::vec(
        (0..500_000i64, 0..2i32, 0..3usize, prop::option::weighted(0.95, -1..40i64),
         prop::option::of(any::<bool>()), prop::option::weighted(0.9, -1..4i64),
         prop::option::weighted(0.9, prop_oneof![
             (0..1_000_000i64).prop_map(|n| n as f64 / 1000.0),
             (0..1_000_000i64).prop_map(|n| n as f64 / 1e9),
             any::<f64>(),
         ])),
        0..60,
    )) {
        if sound {
            for row in &mut rows {
                row.3 = Some(30);
                row.5 = row.5.map(|v| v.max(1));
                row.6 = row.6.filter(|v| v.abs() < 1e9);
            }
        }
        let folder = Folder::new();
        let plans = ["basic", "plus", "a,b"];
        let text = |v: Option<i64>| v.map_or(String::new(), |v| v.to_string());
        let table: Vec<Vec<String>> = rows.iter().map(|r| vec![
            r.0.to_string(), r.1.to_string(), plans[r.2].to_string(), text(r.3), text(r.5),
            r.4.map_or(String::new(), |b| b.to_string()),
            text(r.5), text(r.5.map(|v| v + 1)), r.6.map_or(String::new(), |v| v.to_string()),
        ]).collect();
        folder.csv("rows.csv", &HEADER, &table);
        let plans = rows.iter().map(|r| plans[r.2]);
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("customer", Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.0)))),
            ("group", Arc::new(Int32Array::from_iter_values(rows.iter().map(|r| r.1)))),
            ("plan", Arc::new(plans.collect::<DictionaryArray<Int32Type>>())),
            ("days", Arc::new(rows.iter().map(|r| r.3).collect::<Int64Array>())),
            ("days_before", Arc::new(rows.iter().map(|r| r.5.map(|v| v as f32)).collect::<Float32Array>())),
            ("opened", Arc::new(rows.iter().map(|r| r.4).collect::<BooleanArray>())),
            ("after", Arc::new(rows.iter().map(|r| r.5.map(|v| i128::from(v) * 100))
                .collect::<Decimal128Array>().with_precision_and_scale(20, 2).unwrap())),
            ("before", Arc::new(rows.iter().map(|r| r.5.map(|v| (v + 1) as i32)).collect::<Int32Array>())),
            ("seconds", Arc::new(rows.iter().map(|r| r.6).collect::<Float64Array>())),
        ];
        folder.parquet("rows.parquet", columns);
        let text = folder.agreed(&counts_plan("rows.csv", ""));
        let parquet = folder.agreed(&counts_plan("rows.parquet", "delimiter = \";\"\ndecimal = \",\""));
        match (text, parquet) {
            (Ok(text), Ok(parquet)) => assert_same_content(&text, &parquet),
            (Err(text), Err(parquet)) => prop_assert_eq!(text.kind(), parquet.kind()),
            (text, parquet) => prop_assert!(false, "{:?}\n{:?}", text, parquet),
        }
    }

    #[test]
    fn an_assignment_joins_the_counts(
        rows in rows(),
        assigned in proptest::collection::btree_map(0..4000u32, (0..2usize, 0..2usize), 0..200),
    ) {
        let folder = Folder::new();
        let lines: Vec<Vec<String>> = assigned.iter().map(|(n, (arm, plan))| vec![
            format!("C{n}"), ["control", "tip-sheet"][*arm].into(), ["basic", "plus"][*plan].into(),
        ]).collect();
        folder.csv("assignment.csv", &["unit", "arm", "plan"], &lines);
        folder.csv("rows.csv", &HEADER, &rows);
        folder.parquet_text("rows.parquet", &HEADER, &rows);
        let plan = |path: &str| {
            let mut plan = counts_plan(path, "");
            if let Some(pilot::experiment::Data::Counts(file)) = &mut plan.data {
                file.arm = None;
                file.arm_values.clear();
            }
            plan
        };
        match (folder.agreed(&plan("rows.csv")), folder.agreed(&plan("rows.parquet"))) {
            (Ok(text), Ok(parquet)) => assert_same_content(&text, &parquet),
            (Err(text), Err(parquet)) => prop_assert_eq!(text.kind(), parquet.kind()),
            (text, parquet) => prop_assert!(false, "{:?}\n{:?}", text, parquet),
        }
    }
}

fn ok(folder: &Folder, plan: &Experiment) -> Scan {
    match folder.agreed(plan) {
        Ok(scan) => scan,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn published_data_agree() {
    let columns = [
        ("epil.csv", "arm", "control", "exposure_before", ""),
        ("bladder.csv", "arm", "placebo", "", "max_bad_rows = 0.5"),
    ];
    for (file, arm, control, before_exposure, more) in columns {
        let folder = Folder::new();
        let bytes = std::fs::read(format!("tests/data/{file}")).unwrap();
        folder.write(file, &bytes);
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let header = reader.headers().unwrap().clone();
        let rows: Vec<Vec<String>> = reader
            .records()
            .map(|r| r.unwrap().iter().map(String::from).collect())
            .collect();
        folder.parquet_text("rows.parquet", &header.iter().collect::<Vec<_>>(), &rows);
        let arm_at = header.iter().position(|h| h == arm).unwrap();
        let treated: std::collections::BTreeSet<String> = rows
            .iter()
            .map(|r| r[arm_at].clone())
            .filter(|a| a != control)
            .map(|a| format!("\"{a}\""))
            .collect();
        let treated = Vec::from_iter(treated).join(", ");
        let before = match before_exposure {
            "" => String::new(),
            name => format!("before_exposure = \"{name}\","),
        };
        let plan = |path: &str| {
            plan(&format!(
                r#"
[assignment]
method = "existing"
[data.counts]
path = "{path}"
columns = {{ unit = "customer_id", {before} arm = "{arm}", exposure = "exposure" }}
exposure_unit = "week"
arm_values = {{ control = ["{control}"], tip-sheet = [{treated}] }}
{more}
[[outcomes]]
name = "contacts"
role = "primary"
kind = "count"
"#
            ))
        };
        let text = ok(&folder, &plan(file));
        let parquet = ok(&folder, &plan("rows.parquet"));
        assert_same_content(&text, &parquet);
        assert_eq!(text.evidence.audit.rows_read, rows.len() as u64);
        assert!(text.evidence.audit.customers > 40);
    }
}

/// Long enough to be divided where lines end, and wide enough to make lines count.
#[test]
fn a_large_text_file_is_read_in_parts() {
    let folder = Folder::new();
    let mut file = std::fs::File::create(folder.path("rows.csv")).unwrap();
    let padding = "x".repeat(40);
    let mut text = format!("{},note\r\n", HEADER.join(","));
    for i in 0..400_000u32 {
        let (seconds, after) = (i % 977, if i % 50_021 == 50_020 { "?" } else { "2" });
        // Customer 123,456 comes again near the end, and one line is empty.
        let customer = if i == 399_000 { 123_456 } else { i };
        let (plan, arm) = (["basic", "plus"][customer as usize % 2], customer % 2);
        let same = customer % 977;
        let seconds = if i == 399_000 { same } else { seconds };
        text.push_str(&format!(
            "C{customer},{arm},{plan},30,30,,{after},1,{seconds},{padding}\r\n"
        ));
        if i == 300_000 {
            text.push_str("\r\n");
        }
    }
    file.write_all(text.as_bytes()).unwrap();
    assert!(text.len() > 17 << 20);
    let scan = ok(&folder, &counts_plan("rows.csv", ""));
    assert_eq!(scan.evidence.audit.duplicate_customers, Some(1));
    let lines: Vec<u64> = scan.set_aside.iter().map(|s| s.line).collect();
    let expected = (0..7).map(|k| 50_020 + k * 50_021 + 2);
    assert_eq!(
        lines,
        expected
            .map(|l| if l > 300_002 { l + 1 } else { l })
            .collect::<Vec<_>>()
    );
    // A quote anywhere may hold a line end, so such a file is read as one.
    text.push_str("C9999999,1,basic,30,30,,2,1,1,\"two\r\nlines\"\r\n");
    folder.write("rows.csv", text.as_bytes());
    let quoted = ok(&folder, &counts_plan("rows.csv", ""));
    assert_eq!(
        quoted.evidence.audit.customers,
        scan.evidence.audit.customers + 1
    );
}

#[test]
fn encodings_compression_and_odd_names_agree() {
    let folder = Folder::new();
    let text = "customer;group;plan;days;days_before;opened;after;before;seconds\n\
                Müller;0;groß;30;30;1;2;1;1,5\n\
                Ødegård;1;groß;30;30;0;3;1;2,25\n\
                x;1;groß;30,5;30;0;x;1;2,25\n";
    let (bytes, _, _) = encoding_rs::WINDOWS_1252.encode(text);
    folder.write("odd [name] %20 ü.csv", &bytes);
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(&bytes).unwrap();
    folder.write("rows.csv.gz", &gz.finish().unwrap());
    let format = "delimiter = \";\"\ndecimal = \",\"\nencoding = \"windows-1252\"";
    let plain = ok(&folder, &counts_plan("odd [name] %20 ü.csv", format));
    let packed = ok(&folder, &counts_plan("rows.csv.gz", format));
    assert_same_content(&plain, &packed);
    assert_eq!(plain.set_aside.len(), 1);
    let table = &plain.evidence.outcomes[0].table;
    assert_eq!(table.strata().tuple(table.cells()[0].stratum), ["groß"]);

    let rows: Vec<Vec<String>> = text
        .lines()
        .skip(1)
        .map(|l| l.split(';').map(String::from).collect())
        .collect();
    folder.parquet_text("odd [name] %20 ü.parquet", &HEADER, &rows);
    let parquet = ok(&folder, &counts_plan("odd [name] %20 ü.parquet", format));
    assert_same_content(&plain, &parquet);
    let globbed = ok(&folder, &counts_plan("odd*ü.parquet", format));
    assert_eq!(parquet, globbed);
}

#[test]
fn files_that_type_a_column_differently_agree() {
    let folder = Folder::new();
    let column = |name: &'static str, value: &str, rows: usize| -> (&'static str, ArrayRef) {
        (
            name,
            Arc::new(StringViewArray::from_iter_values(vec![value; rows])),
        )
    };
    let rest = |rows| {
        vec![
            column("group", "1", rows),
            column("plan", "basic", rows),
            column("days", "30", rows),
            column("days_before", "30", rows),
            column("opened", "", rows),
            column("after", "2", rows),
            column("before", "1", rows),
            column("seconds", "1", rows),
        ]
    };
    let mut one = rest(3);
    one.push(("customer", Arc::new(Int64Array::from(vec![1, 2, 3]))));
    folder.parquet("a.parquet", one);
    let mut two = rest(2);
    two.push(("customer", Arc::new(StringArray::from(vec!["3", "4"]))));
    folder.parquet("b.parquet", two);
    let scan = ok(&folder, &counts_plan("*.parquet", ""));
    assert_eq!(scan.evidence.audit.customers, 4);
    assert_eq!(scan.evidence.audit.duplicate_customers, Some(1));
}

/// Rows like one before are not judged again, but their customers are.
#[test]
fn rows_like_others_are_told_apart_by_their_units() {
    let folder = Folder::new();
    let row = |unit: &str, after: &str| -> Vec<String> {
        [unit, "1", "basic", "30", "30", "", after, "1", "1"]
            .map(String::from)
            .to_vec()
    };
    let mut rows: Vec<_> = (0..40).map(|i| row(&format!("C{i}"), "2")).collect();
    rows.insert(20, row(" ", "2"));
    rows.insert(21, row("D", "3"));
    rows.insert(22, row("\u{FFFD}", "2"));
    rows.insert(23, row("E", "x"));
    rows.insert(24, row("F", "4"));
    rows.push(row("C7", "2"));
    folder.csv("rows.csv", &HEADER, &rows);
    folder.parquet_text("rows.parquet", &HEADER, &rows);
    let text = ok(&folder, &counts_plan("rows.csv", ""));
    assert_same_content(&text, &ok(&folder, &counts_plan("rows.parquet", "")));
    let after = text.evidence.outcomes[0].table.cells().iter();
    let customers: Vec<_> = after.map(|c| (c.after, c.customers)).collect();
    assert_eq!(customers, [(Some(2), 40), (Some(3), 1), (Some(4), 1)]);
    assert_eq!(text.set_aside.len(), 3);
    assert_eq!(text.evidence.audit.duplicate_customers, Some(1));
}

#[test]
fn contradictions_and_unknown_arms_stop_with_both_rows() {
    let folder = Folder::new();
    let row = |unit: &str, arm: &str, after: &str| -> Vec<String> {
        [unit, arm, "basic", "30", "30", "", after, "1", "1"]
            .map(String::from)
            .to_vec()
    };
    let mut rows: Vec<_> = (0..30).map(|i| row(&format!("C{i}"), "1", "2")).collect();
    rows.push(row("C3", "1", "5"));
    folder.csv("rows.csv", &HEADER, &rows);
    folder.parquet_text("rows.parquet", &HEADER, &rows);
    for (path, first, second) in [("rows.csv", 5, 32), ("rows.parquet", 4, 31)] {
        let error = folder.agreed(&counts_plan(path, "")).unwrap_err();
        assert_eq!(error.line_number(), Some(second), "{error}");
        assert!(
            error.message().contains(&format!("line {first} ")),
            "{error}"
        );
    }
    rows[30] = row("C30", "2", "5");
    folder.parquet_text("rows.parquet", &HEADER, &rows);
    let error = folder.agreed(&counts_plan("rows.parquet", "")).unwrap_err();
    assert_eq!(error.line_number(), Some(31));
    assert!(error.message().contains("means no arm"), "{error}");
}
