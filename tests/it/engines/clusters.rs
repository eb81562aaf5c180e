//! Pilots that assigned whole clusters.

use std::collections::BTreeMap;

use pilot::engine::{Choice, Scan};
use pilot::error::Result;
use pilot::experiment::{Data, Experiment};
use proptest::prelude::*;

use super::files::{Folder, assert_same_content, plan};

const COUNTS: [&str; 7] = [
    "customer", "group", "plan", "branch", "days", "before", "after",
];

fn counts_plan(path: &str) -> Experiment {
    plan(&format!(
        r#"
[assignment]
method = "existing"
strata = ["plan"]
cluster = "branch"
[data.counts]
path = "{path}"
columns = {{ unit = "customer", arm = "group", exposure = "days" }}
exposure_unit = "day"
max_bad_rows = 0.999
[[outcomes]]
name = "contacts"
role = "primary"
kind = "count"
cap = 2
[[outcomes]]
name = "score"
role = "secondary"
kind = "mean"
better = "lower"
after = "before"
before = "after"
before_kind = "covariate"
"#
    ))
}

/// A branch has one arm and plan, as its number says.
fn branch(n: u32) -> [String; 3] {
    let arm = ["control", "tip-sheet"][n as usize % 2];
    let plan = ["basic", "plus"][n as usize / 2 % 2];
    [arm.into(), plan.into(), format!("Zweig {n}")]
}

fn count_rows() -> impl Strategy<Value = Vec<Vec<String>>> {
    let number = |n: u32| if n == 4 { String::new() } else { n.to_string() };
    let row = (
        0..4000u32,
        0..12u32,
        prop_oneof![3 => Just(30u32), 1 => 1..30u32],
        0..5u32,
        0..5u32,
        prop_oneof![60 => Just(0u8), 1 => Just(1), 1 => Just(2), 1 => Just(3), 1 => Just(4)],
    );
    let row = row.prop_map(move |(customer, n, days, before, after, odd)| {
        let [mut arm, mut plan, mut name] = branch(n);
        match odd {
            1 => arm = "control".into(),
            2 => plan = "basic".into(),
            3 => name = "  ".into(),
            _ => {}
        }
        let mut values = vec![format!("C{customer}"), arm, plan, name, days.to_string()];
        values.extend([number(before), number(after)]);
        values
    });
    let rows = proptest::collection::vec(row, 0..80);
    (
        rows,
        proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
    )
        .prop_map(|(mut rows, again)| {
            for which in again {
                if !rows.is_empty() {
                    rows.push(rows[which.index(rows.len())].clone());
                }
            }
            rows
        })
}

/// Both engines, to the word: the lines of a cluster in two arms are the same.
fn agreed(folder: &Folder, plan: &Experiment) -> Result<Scan> {
    let found = folder.agreed(plan);
    if let Err(error) = &found {
        let other = folder.scan(plan, Choice::Embedded, 2).unwrap_err();
        if error.message().contains("cluster") {
            assert_eq!(error, &other);
        }
    }
    found
}

fn same(a: Result<Scan>, b: Result<Scan>) {
    match (a, b) {
        (Ok(a), Ok(b)) => {
            assert_same_content(&a, &b);
            assert!(a.evidence.outcomes.iter().all(|o| o.clusters.is_some()));
        }
        (Err(a), Err(b)) => assert_eq!(a.kind(), b.kind(), "{a}\n{b}"),
        (a, b) => panic!("{a:?}\n{b:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn counts(rows in count_rows(), cut in any::<prop::sample::Index>()) {
        let folder = Folder::new();
        let cut = cut.index(rows.len() + 1);
        for (name, rows) in [("1", &rows[..cut]), ("2", &rows[cut..])] {
            folder.csv(&format!("part-{name}.csv"), &COUNTS, rows);
            folder.parquet_text(&format!("part-{name}.parquet"), &COUNTS, rows);
        }
        let text = agreed(&folder, &counts_plan("part-*.csv"));
        let parquet = agreed(&folder, &counts_plan("part-*.parquet"));
        same(text, parquet);
    }

    /// The clusters of the assignment, where it assigned them; customers without a row too.
    #[test]
    fn counts_with_an_assignment(
        rows in count_rows(),
        assigned in proptest::collection::btree_map(0..4000u32, 0..12u32, 1..200),
    ) {
        let folder = Folder::new();
        let lines: Vec<Vec<String>> = assigned.iter().map(|(customer, n)| {
            let [arm, plan, name] = branch(*n);
            vec![format!("C{customer}"), arm, plan, name]
        }).collect();
        folder.csv("assignment.csv", &["unit", "arm", "plan", "cluster"], &lines);
        folder.csv("rows.csv", &COUNTS, &rows);
        folder.parquet_text("rows.parquet", &COUNTS, &rows);
        let plan = |path: &str| {
            let mut plan = counts_plan(path);
            if let Some(Data::Counts(file)) = &mut plan.data {
                file.arm = None;
            }
            plan
        };
        let text = agreed(&folder, &plan("rows.csv"));
        if let Ok(scan) = &text {
            let clusters: std::collections::BTreeSet<u32> = assigned.values().copied().collect();
            let table = &scan.evidence.outcomes[0].clusters.as_ref().unwrap().uncapped;
            let found: u64 = table.rows().iter().map(|r| r.clusters).sum();
            prop_assert_eq!(found, clusters.len() as u64);
        }
        same(text, agreed(&folder, &plan("rows.parquet")));
    }

    #[test]
    fn roster_and_log(
        roster in proptest::collection::btree_map(0..60u32, (0..8u32, any::<bool>(), 0..40u8), 1..60),
        contacts in proptest::collection::vec((0..70u32, 0..80i64), 0..200),
        assigned in any::<bool>(),
    ) {
        let folder = Folder::new();
        let mut rows = Vec::new();
        let mut seats = Vec::new();
        let mut joined: BTreeMap<u32, bool> = BTreeMap::new();
        for (customer, (n, late, odd)) in &roster {
            let [mut arm, plan, name] = branch(*n);
            if *odd == 0 {
                arm = "control".into();
            }
            joined.insert(*customer, *late);
            let start = if *late { "2026-10-25" } else { "2026-09-01" };
            rows.push(vec![format!("{customer:04}"), arm.clone(), plan.clone(), name.clone(), start.into()]);
            seats.push(vec![format!("{customer:04}"), arm, plan, name]);
        }
        let header = ["customer", "group", "plan", "branch", "joined"];
        folder.csv("roster.csv", &header, &rows);
        folder.parquet_text("roster.parquet", &header, &rows);
        if assigned {
            folder.csv("assignment.csv", &["unit", "arm", "plan", "cluster"], &seats);
        }
        let log: Vec<Vec<String>> = contacts.iter().map(|(customer, day)| {
            let at = jiff::civil::date(2026, 9, 1) + jiff::Span::new().days(*day);
            vec![format!("{customer:04}"), at.to_string()]
        }).collect();
        folder.csv("log.csv", &["customer", "created"], &log);
        let plan = |roster: &str| {
            let mut plan = plan(&format!(r#"
[assignment]
method = "existing"
strata = ["plan"]
cluster = "branch"
[periods]
before = ["2026-09-01", "2026-10-15"]
after = ["2026-10-16", "2026-11-20"]
[data.customers]
path = "{roster}"
columns = {{ unit = "customer", arm = "group", start = "joined" }}
[data.contacts]
path = "log.csv"
columns = {{ unit = "customer", time = "created" }}
[[outcomes]]
name = "contacts"
role = "primary"
cap = 1
"#));
            if assigned && let Some(Data::Log { customers, .. }) = &mut plan.data {
                customers.arm = None;
            }
            plan
        };
        let text = agreed(&folder, &plan("roster.csv"));
        if let Ok(scan) = &text {
            let late = joined.values().any(|late| *late) && joined.values().any(|late| !late);
            prop_assert_eq!(scan.evidence.outcomes[0].table.constant_exposure().is_none(), late);
        }
        same(text, agreed(&folder, &plan("roster.parquet")));
    }
}

/// A file long enough to be read in parts names the same lines as the reader.
#[test]
fn a_torn_cluster_is_found_in_a_large_file() {
    let folder = Folder::new();
    let mut text = format!("{},note\n", COUNTS.join(","));
    let padding = "x".repeat(60);
    for i in 0..220_000u32 {
        let [mut arm, plan, name] = branch(i / 3);
        if [150_001, 200_002].contains(&i) {
            arm = branch(i / 3 + 1)[0].clone();
        }
        text.push_str(&format!("C{i},{arm},{plan},{name},30,1,2,{padding}\n"));
    }
    assert!(text.len() > 17 << 20);
    folder.write("rows.csv", text.as_bytes());
    let error = agreed(&folder, &counts_plan("rows.csv")).unwrap_err();
    // The second row of the first torn branch, or its first: whichever comes later.
    assert_eq!(error.line_number(), Some(150_003));
    assert!(error.message().contains("line 150002 has"), "{error}");
}
