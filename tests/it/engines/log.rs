//! A roster and its log.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, Date32Array, Float64Array, StringArray, TimestampMicrosecondArray,
    TimestampNanosecondArray,
};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use pilot::engine::Scan;
use pilot::experiment::Experiment;
use proptest::prelude::*;

use super::files::{Folder, assert_same_content, plan};

const ROSTER: [&str; 5] = ["customer", "group", "plan", "joined", "opened"];
const LOG: [&str; 6] = [
    "customer", "created", "topic", "ticket", "channel", "seconds",
];

/// How a pilot's windows are given.
#[derive(Debug, Clone, Copy)]
enum Windows {
    Fixed,
    FixedFromStart,
    NoBefore,
    Relative,
}

#[derive(Debug, Clone, Copy)]
struct Case {
    windows: Windows,
    ids: bool,
    reasons: bool,
    assigned: bool,
    segments: bool,
}

fn case() -> impl Strategy<Value = Case> {
    let windows = prop_oneof![
        Just(Windows::Fixed),
        Just(Windows::FixedFromStart),
        Just(Windows::NoBefore),
        Just(Windows::Relative),
    ];
    (windows, any::<[bool; 4]>()).prop_map(|(windows, [ids, reasons, assigned, segments])| Case {
        windows,
        ids,
        reasons,
        assigned,
        segments,
    })
}

fn log_plan(case: Case, roster: &str, log: &str, more: &str) -> Experiment {
    let periods = match case.windows {
        Windows::Fixed | Windows::FixedFromStart => {
            "before = [\"2026-09-01\", \"2026-10-15\"]\nafter = [\"2026-10-16\", \"2026-11-20\"]"
        }
        Windows::NoBefore => "after = [\"2026-10-16\", \"2026-11-20\"]",
        Windows::Relative => {
            "start = \"joined\"\nbefore_days = 20\nafter_days = 30\nenrol = [\"2026-09-10\", \"2026-10-20\"]"
        }
    };
    let start = match case.windows {
        Windows::FixedFromStart | Windows::Relative => "start = \"joined\", ",
        _ => "",
    };
    let id = if case.ids { "id = \"ticket\", " } else { "" };
    let (reason, chosen) = match case.reasons {
        true => ("reason = \"topic\", ", "reasons = [\"fees\", \"billing\"]"),
        false => ("", ""),
    };
    let segments = match case.segments {
        true => "[analysis]\nsegments = [\"opened\", \"plan\"]",
        false => "",
    };
    let mut plan = plan(&format!(
        r#"
{segments}
[assignment]
method = "existing"
strata = ["plan"]
[periods]
{periods}
timezone = "Europe/Berlin"
[data.customers]
path = "{roster}"
columns = {{ unit = "customer", arm = "group", {start}uptake = "opened" }}
max_bad_rows = 0.999
[data.contacts]
path = "{log}"
columns = {{ unit = "customer", time = "created", {id}{reason}channel = "channel", handling_seconds = "seconds" }}
max_bad_rows = 0.999
{more}
[[outcomes]]
name = "contacts"
role = "primary"
kind = "count"
{chosen}
[[outcomes]]
name = "handling"
role = "secondary"
kind = "mean"
better = "lower"
[[outcomes]]
name = "any"
role = "secondary"
kind = "proportion"
better = "lower"
"#
    ));
    if case.assigned
        && let Some(pilot::experiment::Data::Log { customers, .. }) = &mut plan.data
    {
        customers.arm = None;
    }
    plan
}

fn words(words: &[&str]) -> impl Strategy<Value = String> + use<> {
    let words: Vec<String> = words.iter().map(|w| (*w).to_string()).collect();
    proptest::sample::select(words)
}

/// A local time in autumn, often near the hour that comes twice on 25 October.
fn moment() -> impl Strategy<Value = DateTime> {
    let day = |d: i64| Date::constant(2026, 8, 20) + jiff::Span::new().days(d);
    prop_oneof![
        4 => (0..100i64, 0..24i8, 0..60i8, 0..60i8, prop::sample::select(vec![0, 500_000, 999_999]))
            .prop_map(move |(d, h, m, s, us)| day(d).at(h, m, s, us * 1000)),
        1 => (1..4i8, 0..60i8).prop_map(|(h, m)| Date::constant(2026, 10, 25).at(h, m, 0, 0)),
        1 => Just(Date::constant(2026, 10, 16).at(0, 0, 0, 0)),
        1 => Just(Date::constant(2026, 11, 20).at(23, 59, 59, 999_999_000)),
    ]
}

#[derive(Debug, Clone)]
struct Contact {
    customer: String,
    at: DateTime,
    topic: String,
    ticket: String,
    seconds: Option<f64>,
}

fn contact() -> impl Strategy<Value = Contact> {
    (
        prop_oneof![
            12 => (0..60u32).prop_map(|n| format!("{n:04}")),
            3 => (0..60u32).prop_map(|n| n.to_string()),
            1 => words(&["", "c 7", " 0007", "Ω"]),
        ],
        moment(),
        words(&["fees", "billing", "card", "", "other"]),
        prop_oneof![6 => (0..500u32).prop_map(|n| format!("T{n}")), 1 => words(&["", "T1"])],
        prop_oneof![
            10 => (0..100_000u32).prop_map(|n| Some(f64::from(n) / 100.0)),
            1 => Just(None),
            1 => Just(Some(-1.0)),
            1 => Just(Some(0.123_456_789)),
        ],
    )
        .prop_map(|(customer, at, topic, ticket, seconds)| Contact {
            customer,
            at,
            topic,
            ticket,
            seconds,
        })
}

fn contacts() -> impl Strategy<Value = Vec<Contact>> {
    let contacts = proptest::collection::vec(contact(), 0..120);
    (
        contacts,
        proptest::collection::vec(any::<prop::sample::Index>(), 0..5),
    )
        .prop_map(|(mut contacts, again)| {
            for which in again {
                if !contacts.is_empty() {
                    contacts.push(contacts[which.index(contacts.len())].clone());
                }
            }
            contacts
        })
}

fn roster() -> impl Strategy<Value = Vec<Vec<String>>> {
    let row = (
        prop_oneof![20 => (0..60u32).prop_map(|n| format!("{n:04}")), 1 => words(&["", "C 7"])],
        words(&["control", "tip-sheet"]),
        words(&["basic", "plus"]),
        prop_oneof![20 => (0..70i64).prop_map(|d| {
            (Date::constant(2026, 9, 1) + jiff::Span::new().days(d)).to_string()
        }), 1 => words(&["", "soon", "2026-10-01T23:30:00"])],
        words(&["", "1", "0"]),
    );
    let row = row.prop_map(|(a, b, c, d, e)| vec![a, b, c, d, e]);
    proptest::collection::vec(row, 0..60).prop_map(|rows| {
        // Mostly one row a customer; two arms and exact repeats happen, other contradictions not.
        let mut first: std::collections::BTreeMap<String, Vec<String>> = Default::default();
        let mut kept = Vec::new();
        for row in rows {
            match first.get(&row[0]) {
                Some(same) => {
                    let mut again = same.clone();
                    again[1] = row[1].clone();
                    kept.push(again);
                }
                None => {
                    first.insert(row[0].clone(), row.clone());
                    kept.push(row);
                }
            }
        }
        kept
    })
}

/// Few channels, blank ones too; of many tickets, more than are told apart.
fn channel(c: &Contact) -> String {
    match c.ticket.len() {
        3 => ["phone", "chat", "", "E-Mail "][c.topic.len() % 4].to_string(),
        2 => "chat".to_string(),
        _ if c.topic == "other" => format!("c{}", c.ticket),
        _ => "phone".to_string(),
    }
}

fn text_rows(contacts: &[Contact], when: impl Fn(DateTime) -> String) -> Vec<Vec<String>> {
    let row = |c: &Contact| {
        vec![
            c.customer.clone(),
            when(c.at),
            c.topic.clone(),
            c.ticket.clone(),
            channel(c),
            c.seconds.map_or(String::new(), |s| s.to_string()),
        ]
    };
    contacts.iter().map(row).collect()
}

fn parquet_log(folder: &Folder, name: &str, contacts: &[Contact], created: ArrayRef) {
    let text = |value: &dyn Fn(&Contact) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(contacts.iter().map(value)))
    };
    folder.parquet(
        name,
        vec![
            ("customer", text(&|c| c.customer.clone())),
            ("created", created),
            ("topic", text(&|c| c.topic.clone())),
            ("ticket", text(&|c| c.ticket.clone())),
            ("channel", text(&channel)),
            (
                "seconds",
                Arc::new(contacts.iter().map(|c| c.seconds).collect::<Float64Array>()),
            ),
        ],
    );
}

fn utc(at: DateTime) -> Timestamp {
    at.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp()
}

fn agree(text: pilot::error::Result<Scan>, parquet: pilot::error::Result<Scan>) {
    match (text, parquet) {
        (Ok(text), Ok(parquet)) => assert_same_content(&text, &parquet),
        (Err(text), Err(parquet)) => assert_eq!(text.kind(), parquet.kind()),
        (text, parquet) => panic!("{text:?}\n{parquet:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_way_to_write_a_log_agrees(
        case in case(),
        roster in roster(),
        contacts in contacts(),
        cut in any::<prop::sample::Index>(),
        assigned in proptest::collection::btree_map(0..60u32, (0..2usize, 0..2usize), 0..40),
    ) {
        let folder = Folder::new();
        if case.assigned {
            let lines: Vec<Vec<String>> = assigned.iter().map(|(n, (arm, plan))| vec![
                format!("{n:04}"), ["control", "tip-sheet"][*arm].into(), ["basic", "plus"][*plan].into(),
            ]).collect();
            folder.csv("assignment.csv", &["unit", "arm", "plan"], &lines);
        }
        let half = roster.len() / 2;
        folder.csv("roster-1.csv", &ROSTER, &roster[..half]);
        folder.csv("roster-2.csv", &ROSTER, &roster[half..]);
        folder.parquet_text("roster.parquet", &ROSTER, &roster);

        // Local times without a zone: text in two files, text in the plan's format, naive timestamps.
        let local = text_rows(&contacts, |t| t.to_string());
        let cut = cut.index(local.len() + 1);
        folder.csv("local-1.csv", &LOG, &local[..cut]);
        folder.csv("local-2.csv", &LOG, &local[cut..]);
        let text = folder.agreed(&log_plan(case, "roster-*.csv", "local-*.csv", ""));

        let formatted = text_rows(&contacts, |t| t.strftime("%d.%m.%Y %H:%M:%S%.f").to_string());
        folder.parquet_text("formatted.parquet", &LOG, &formatted);
        let format = "time_format = \"%d.%m.%Y %H:%M:%S%.f\"";
        let parquet = folder.agreed(&log_plan(case, "roster.parquet", "formatted.parquet", format));
        // Without identifiers, rows repeat each other as they stand: the same rows either way.
        agree(text.clone(), parquet);

        let micros = contacts.iter().map(|c| utc(c.at).as_microsecond());
        let naive = TimestampMicrosecondArray::from_iter_values(micros.clone());
        parquet_log(&folder, "naive.parquet", &contacts, Arc::new(naive));
        let naive = folder.agreed(&log_plan(case, "roster.parquet", "naive.parquet", format));
        agree(text, naive);

        // Instants: text with an offset, zoned timestamps.
        let zoned = text_rows(&contacts, |t| utc(t).to_string());
        folder.csv("zoned.csv", &LOG, &zoned);
        let text = folder.agreed(&log_plan(case, "roster-*.csv", "zoned.csv", ""));
        let nanos = micros.map(|t| t * 1000);
        let zoned = TimestampNanosecondArray::from_iter_values(nanos).with_timezone("+00:00");
        parquet_log(&folder, "zoned.parquet", &contacts, Arc::new(zoned));
        let parquet = folder.agreed(&log_plan(case, "roster.parquet", "zoned.parquet", format));
        agree(text, parquet);

        // Days.
        let days = text_rows(&contacts, |t| t.date().to_string());
        folder.csv("days.csv", &LOG, &days);
        let text = folder.agreed(&log_plan(case, "roster-*.csv", "days.csv", ""));
        let epoch = Date::constant(1970, 1, 1);
        let days = contacts.iter().map(|c| (c.at.date() - epoch).get_days());
        parquet_log(&folder, "days.parquet", &contacts, Arc::new(Date32Array::from_iter_values(days)));
        let parquet = folder.agreed(&log_plan(case, "roster.parquet", "days.parquet", format));
        agree(text, parquet);
    }
}
