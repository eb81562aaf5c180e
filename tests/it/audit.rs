//! Nothing is lost in silence: every row of a source is counted once, whatever its order.

use std::path::Path;

use pilot::engine::{Request, Scan, scan};
use pilot::error::Result;
use pilot::experiment::{self, Experiment, OutcomeKind};
use proptest::prelude::*;

use crate::support::Desk;

const ARMS: &str = "[[arms]]\nname = \"control\"\ncontrol = true\n[[arms]]\nname = \"tip\"\n";
const ANALYSIS: &str = "[analysis]\nestimator = \"welch\"\npermutations = 0\n";

fn plan(method: &str, middle: &str) -> Experiment {
    let text = format!(
        "schema = 1\n[experiment]\nname = \"t\"\nseed = 7\n[assignment]\nmethod = \"{method}\"\n{ARMS}{middle}\n{ANALYSIS}"
    );
    experiment::parse(&text, Path::new("t.toml"))
        .unwrap_or_else(|e| panic!("{e}\n{text}"))
        .experiment
}

fn scanned(experiment: &Experiment, files: &[(&str, &[u8])]) -> Result<Scan> {
    let desk = Desk::new();
    for (name, bytes) in files {
        desk.write(name, bytes);
    }
    let assignment = desk.path("assignment.csv");
    scan(&Request {
        assignment: assignment.is_file().then_some(assignment.as_path()),
        ..Request::new(experiment, desk.root(), &|_| Ok(()))
    })
}

fn text(head: &str, rows: &[String]) -> Vec<u8> {
    format!("{head}\n{}\n", rows.join("\n")).into_bytes()
}

fn log_plan() -> Experiment {
    plan(
        "existing",
        r#"[periods]
before = ["2026-01-01", "2026-01-31"]
after = ["2026-02-01", "2026-02-28"]
timezone = "Europe/Berlin"
[data.customers]
path = "roster-*.csv"
columns = { unit = "c", arm = "g" }
max_bad_rows = 0.99
[data.contacts]
path = "log-*.csv"
columns = { unit = "c", time = "t", reason = "r", id = "i", handling_seconds = "h" }
max_bad_rows = 0.99
[[outcomes]]
name = "fees"
role = "primary"
reasons = ["fees"]
[[outcomes]]
name = "handling"
role = "secondary"
kind = "mean"
better = "lower"
reasons = ["login"]"#,
    )
}

/// A roster row and a log row that may be anything a supplier sends.
fn roster_row() -> impl Strategy<Value = String> {
    let good =
        (0..30u8).prop_map(|c| format!("C{c},{}", if c % 2 == 0 { "control" } else { "tip" }));
    prop_oneof![20 => good, 1 => Just(" ,tip".to_string()), 1 => Just("C1".to_string()), 1 => Just("C40,tip,\"a\nb\"".to_string())]
}

fn log_row() -> impl Strategy<Value = String> {
    let time = prop_oneof![
        10 => (1..=28u8, 0..24u8).prop_map(|(d, h)| format!("2026-02-{d:02}T{h:02}:30:00")),
        5 => (1..=31u8).prop_map(|d| format!("2026-01-{d:02}T23:59:59")),
        2 => Just("2026-03-01T00:00:00".to_string()),
        1 => Just("31.02.2026".to_string()),
    ];
    let reason = prop_oneof![Just("fees"), Just("login"), Just("other")];
    let handling = prop_oneof![4 => Just("12.5"), 1 => Just(""), 1 => Just("n/a")];
    (0..40u8, time, reason, 0..200u8, handling)
        .prop_map(|(c, t, r, i, h)| format!("C{c},{t},{r},{i},{h}"))
}

/// The same id is the same contact, so that which one is first does not matter.
fn consistent(rows: Vec<String>) -> Vec<String> {
    let mut by_id = std::collections::HashMap::new();
    rows.into_iter()
        .map(|row| {
            let id = row.split(',').nth(3).unwrap().to_string();
            by_id.entry(id).or_insert(row).clone()
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn every_row_of_roster_and_log_is_counted_once_in_any_order(
        roster in prop::collection::vec(roster_row(), 1..60),
        log in prop::collection::vec(log_row(), 0..80),
        cut in 0usize..60,
        seed in any::<u64>(),
    ) {
        let log = consistent(log);
        let x = log_plan();
        let files = |roster: &[String], log: &[String], cut: usize| {
            let (a, b) = roster.split_at(cut.min(roster.len()));
            let (c, d) = log.split_at(cut.min(log.len()));
            let (head, log_head) = ("c,g", "c,t,r,i,h");
            scanned(&x, &[
                ("roster-1.csv", &text(head, a)), ("roster-2.csv", &text(head, b)),
                ("log-1.csv", &text(log_head, c)), ("log-2.csv", &text(log_head, d)),
            ])
        };
        let first = match files(&roster, &log, cut) {
            Ok(first) => first,
            Err(e) => {
                // Nothing but rows set aside, or no customer at all.
                let told = e.to_string();
                prop_assert!(told.contains("cannot be read as data") || told.contains("no customers"), "{told}");
                return Ok(());
            }
        };
        let a = &first.evidence.audit;
        let sum = a.customers + a.duplicate_customers.unwrap() + a.contacts.unwrap()
            + a.duplicate_contacts.unwrap() + a.unassigned_contacts.as_ref().unwrap().contacts
            + a.outside_windows.unwrap() + a.other_reasons.unwrap() + a.set_aside;
        prop_assert_eq!(a.rows_read, sum, "{:?}", a);
        let in_tables: i64 = first.evidence.outcomes[0].table.cells().iter()
            .map(|c| c.customers as i64 * (c.before.unwrap_or(0) + c.after.unwrap_or(0))).sum();
        prop_assert!(in_tables as u64 <= a.contacts.unwrap());
        let shuffled = |rows: &[String]| {
            let mut rows: Vec<(u64, String)> = rows.iter().enumerate()
                .map(|(i, r)| ((i as u64 + 1).wrapping_mul(seed | 1).rotate_left(17), r.clone())).collect();
            rows.sort();
            rows.into_iter().map(|r| r.1).collect::<Vec<_>>()
        };
        let second = files(&shuffled(&roster), &shuffled(&log), 60 - cut).unwrap();
        prop_assert_eq!(&first.evidence, &second.evidence);
    }

    #[test]
    fn every_row_of_counts_is_counted_once_in_any_order(
        rows in prop::collection::vec((0..40u8, 0..6u8, prop::bool::weighted(0.05)), 1..80),
        seed in any::<u64>(),
    ) {
        let x = plan("existing", "[data.counts]\npath = \"data-*.csv\"\ncolumns = { unit = \"c\", arm = \"g\" }\nmax_bad_rows = 0.99\n[[outcomes]]\nname = \"fees\"\nrole = \"primary\"\n");
        // A customer's values follow from the customer; bad rows and doubles are mixed in.
        let lines: Vec<String> = rows.iter().map(|(c, k, double)| match (k, double) {
            (0, _) => format!("C{c},tip,{c},x"),
            (_, true) => format!("C{c},{},{},{}", if c % 2 == 0 { "tip" } else { "control" }, c, c % 5),
            _ => format!("C{c},{},{},{}", if c % 2 == 0 { "control" } else { "tip" }, c, c % 5),
        }).collect();
        let read = |lines: &[String], cut: usize| {
            let (a, b) = lines.split_at(cut.min(lines.len()));
            scanned(&x, &[("data-1.csv", &text("c,g,before,after", a)), ("data-2.csv", &text("c,g,before,after", b))])
        };
        let mut other: Vec<(u64, String)> = lines.iter().enumerate()
            .map(|(i, r)| ((i as u64 + 1).wrapping_mul(seed | 1).rotate_left(29), r.clone())).collect();
        other.sort();
        let other: Vec<String> = other.into_iter().map(|o| o.1).collect();
        match (read(&lines, 7), read(&other, 31)) {
            (Ok(one), Ok(two)) => {
                prop_assert_eq!(&one.evidence, &two.evidence);
                let a = &one.evidence.audit;
                let sum = a.customers + a.duplicate_customers.unwrap() + a.set_aside;
                if a.double_assigned == Some(0) {
                    prop_assert_eq!(a.rows_read, sum);
                } else {
                    prop_assert!(a.rows_read >= sum + 2 * a.double_assigned.unwrap());
                }
            }
            (Err(_), Err(_)) => {}
            (one, two) => prop_assert!(false, "{:?} {:?}", one.is_ok(), two.is_ok()),
        }
    }
}

#[test]
fn roster_rows_without_an_arm_are_counted() {
    let x = plan(
        "hashed",
        "[periods]\nafter = [\"2026-02-01\", \"2026-02-28\"]\n[data.customers]\npath = \"roster.csv\"\ncolumns = { unit = \"c\", uptake = \"u\" }\n[data.contacts]\npath = \"log.csv\"\ncolumns = { unit = \"c\", time = \"t\" }\n[[outcomes]]\nname = \"all\"\nrole = \"primary\"\n",
    );
    let s = scanned(
        &x,
        &[
            ("assignment.csv", b"unit,arm\nA,control\nB,tip\n"),
            ("roster.csv", b"c,u\nA,0\nB,1\nNEW,1\n"),
            ("log.csv", b"c,t\nA,2026-02-03\nNEW,2026-02-03\n"),
        ],
    )
    .unwrap();
    let a = &s.evidence.audit;
    assert_eq!(a.unassigned_customers, Some(1));
    assert_eq!(a.unassigned_contacts.as_ref().unwrap().contacts, 1);
    assert_eq!((a.rows_read, a.customers), (5, 2));
}

fn assigned_counts(columns: &str, outcomes: &str, csv: &str) -> Scan {
    let x = plan(
        "complete",
        &format!("[data.counts]\npath = \"d.csv\"\n{columns}\n{outcomes}"),
    );
    let assignment = b"unit,arm\nA,control\nB,tip\nC,tip\n";
    scanned(
        &x,
        &[("assignment.csv", assignment), ("d.csv", csv.as_bytes())],
    )
    .unwrap()
}

#[test]
fn a_customer_without_a_row_does_not_bring_a_before_period_into_being() {
    let fees = "[[outcomes]]\nname = \"fees\"\nrole = \"primary\"\n";
    let s = assigned_counts("columns = { unit = \"c\" }", fees, "c,after\nA,3\nB,1\n");
    let table = &s.evidence.outcomes[0].table;
    assert_eq!(s.evidence.audit.assigned_without_row, Some(1));
    assert!(!table.has_before());
    assert_eq!(s.evidence.audit.missing_after, [0]);
    let s = assigned_counts(
        "columns = { unit = \"c\" }",
        fees,
        "c,before,after\nA,2,3\nB,1,1\n",
    );
    assert_eq!(s.evidence.audit.without_before, [0]);
    let age = "[[outcomes]]\nname = \"fees\"\nrole = \"primary\"\nbefore = \"age\"\nbefore_kind = \"covariate\"\n";
    let s = assigned_counts(
        "columns = { unit = \"c\" }",
        age,
        "c,age,after\nA,42,3\nB,31,1\n",
    );
    assert_eq!(
        s.evidence.audit.without_before,
        [1],
        "nobody is 0 years old for want of a row"
    );
}

#[test]
fn a_customer_without_a_row_does_not_make_exposure_vary() {
    let fees = "[[outcomes]]\nname = \"fees\"\nrole = \"primary\"\n";
    let columns = "columns = { unit = \"c\", exposure = \"e\" }\nexposure_unit = \"day\"";
    let s = assigned_counts(columns, fees, "c,after,e\nA,3,30\nB,1,30\n");
    assert_eq!(s.evidence.audit.missing_after, [1]);
    assert_eq!(s.evidence.outcomes[0].table.constant_exposure(), Some(30.0));
}

#[test]
fn a_last_row_with_a_line_break_in_an_earlier_field_is_a_row() {
    let x = plan(
        "existing",
        "[data.counts]\npath = \"d.csv\"\ncolumns = { unit = \"c\", arm = \"g\" }\n[[outcomes]]\nname = \"fees\"\nrole = \"primary\"\n",
    );
    let s = scanned(
        &x,
        &[(
            "d.csv",
            b"c,note,g,after\nA,x,control,1\nB,\"two\nlines\",tip,2\n",
        )],
    )
    .unwrap();
    assert_eq!(s.evidence.audit.customers, 2);
    let open = scanned(
        &x,
        &[(
            "d.csv",
            b"c,g,after,note\nA,control,1,x\nB,tip,2,\"open\nC,tip,3,y\n",
        )],
    )
    .unwrap_err();
    assert!(open.to_string().contains("never closes"), "{open}");
}

#[test]
fn a_handling_time_that_no_outcome_adds_up_need_not_be_there() {
    let log =
        b"c,t,r,i,h\nA,2026-02-03,fees,1,n/a\nA,2026-02-04,login,2,60\nA,2026-02-05,login,3,\n";
    let files: [(&str, &[u8]); 2] = [
        ("roster-1.csv", b"c,g\nA,control\nB,tip\n"),
        ("log-1.csv", log),
    ];
    let mut x = log_plan();
    let audit = |x: &Experiment| scanned(x, &files).unwrap().evidence.audit;
    let with = audit(&x);
    assert_eq!((with.contacts, with.set_aside), (Some(1), 2));
    x.outcomes.retain(|o| o.kind != OutcomeKind::Mean);
    let without = audit(&x);
    assert_eq!((without.contacts, without.set_aside), (Some(1), 0));
}

#[test]
fn cells_are_held_to_the_kind_of_their_outcome() {
    let x = |kind: &str| {
        plan(
            "existing",
            &format!(
                "[data.cells]\npath = \"cells.csv\"\n[[outcomes]]\nname = \"o\"\nrole = \"primary\"\nkind = \"{kind}\"\nbetter = \"lower\"\n"
            ),
        )
    };
    let head = "outcome,arm,before,after,customers\no,control,1,1,10\no,tip,";
    for (kind, row, why) in [
        ("count", "1,-1,5", "a count is not negative"),
        ("count", "-1,1,5", "a count is not negative"),
        ("count", "1,1.5,5", "a count is a whole number"),
        ("proportion", "1,2,5", "a yes/no outcome is 0 or 1"),
        ("count", "1,1,2.5", "whole number"),
        ("count", "1,1,-2", "whole number"),
    ] {
        let error = scanned(
            &x(kind),
            &[("cells.csv", format!("{head}{row}\n").as_bytes())],
        )
        .unwrap_err();
        let text = error.to_string();
        assert!(text.contains(why), "{text}");
        assert_eq!(error.line_number(), Some(3), "{text}");
    }
    let s = scanned(
        &x("mean"),
        &[("cells.csv", format!("{head}1,-1.0000001,5\n").as_bytes())],
    )
    .unwrap();
    assert_eq!(s.evidence.audit.rounded_values, 1);
    // As many customers as a bank has in the world, without a word.
    let s = scanned(
        &x("count"),
        &[("cells.csv", format!("{head}1,1,1000000000\n").as_bytes())],
    )
    .unwrap();
    assert_eq!(s.evidence.audit.customers, 1_000_000_010);
}

fn window_plan(zone: &str, windows: &str, start: &str) -> Experiment {
    plan(
        "existing",
        &format!(
            "[periods]\n{windows}\ntimezone = \"{zone}\"\n[data.customers]\npath = \"r.csv\"\ncolumns = {{ unit = \"c\", arm = \"g\"{start} }}\n[data.contacts]\npath = \"l.csv\"\ncolumns = {{ unit = \"c\", time = \"t\" }}\n[[outcomes]]\nname = \"all\"\nrole = \"primary\"\n"
        ),
    )
}

/// (before, after, exposure) of control's only customer; `None` where the contact is outside.
fn placed(x: &Experiment, roster: &str, time: &str) -> (Option<i64>, i64, i64) {
    let roster = format!("{roster}\n");
    let log = format!("c,t\nA,{time}\n");
    let s = scanned(
        x,
        &[("r.csv", roster.as_bytes()), ("l.csv", log.as_bytes())],
    )
    .unwrap();
    let c = s.evidence.outcomes[0].table.cells()[0];
    (c.before, c.after.unwrap(), c.exposure)
}

#[test]
fn contacts_on_the_borders_of_days_with_daylight_saving() {
    let roster = "c,g\nA,control";
    let fixed =
        "before = [\"2026-10-01\", \"2026-10-24\"]\nafter = [\"2026-10-25\", \"2026-10-25\"]";
    let berlin = window_plan("Europe/Berlin", fixed, "");
    for (time, expected) in [
        // The day of 25 hours: from 22:00 to 23:00 of the next day in UTC.
        ("2026-10-24T21:59:59Z", (Some(1), 0)),
        ("2026-10-24T22:00:00Z", (Some(0), 1)),
        ("2026-10-25T22:59:59Z", (Some(0), 1)),
        ("2026-10-25T23:00:00Z", (Some(0), 0)),
        ("2026-10-25T02:30:00", (Some(0), 1)),
        ("2026-09-30T21:59:59Z", (Some(0), 0)),
        ("2026-09-30T22:00:00Z", (Some(1), 0)),
    ] {
        let (before, after, exposure) = placed(&berlin, roster, time);
        assert_eq!(((before, after), exposure), (expected, 1), "{time}");
    }
    // 4 November 2018 began at 1:00 in São Paulo: 03:00 UTC.
    let fixed = "after = [\"2018-11-04\", \"2018-11-04\"]";
    let sao_paulo = window_plan("America/Sao_Paulo", fixed, "");
    for (time, after) in [
        ("2018-11-04T02:59:59Z", 0),
        ("2018-11-04T03:00:00Z", 1),
        ("2018-11-04T00:30:00", 1),
        ("2018-11-05T01:59:59Z", 1),
        ("2018-11-05T02:00:00Z", 0),
    ] {
        assert_eq!(placed(&sao_paulo, roster, time).1, after, "{time}");
    }
}

#[test]
fn a_customers_own_start_moves_and_shortens_the_windows() {
    let start = ", start = \"s\"";
    let fixed =
        "before = [\"2026-01-01\", \"2026-01-31\"]\nafter = [\"2026-02-01\", \"2026-02-28\"]";
    let x = window_plan("UTC", fixed, start);
    let roster = |day: &str| format!("c,g,s\nA,control,{day}");
    assert_eq!(
        placed(&x, &roster("2025-01-01"), "2026-01-01"),
        (Some(1), 0, 28)
    );
    assert_eq!(
        placed(&x, &roster("2026-01-20"), "2026-01-19"),
        (Some(0), 0, 28)
    );
    assert_eq!(
        placed(&x, &roster("2026-01-20"), "2026-01-20"),
        (Some(1), 0, 28)
    );
    assert_eq!(
        placed(&x, &roster("2026-02-01"), "2026-02-01"),
        (None, 1, 28)
    );
    assert_eq!(
        placed(&x, &roster("2026-02-28"), "2026-02-28"),
        (None, 1, 1)
    );
    assert_eq!(
        placed(&x, &roster("2026-02-28"), "2026-02-27"),
        (None, 0, 1)
    );
    // After the window: assigned, never exposed, no contact can count.
    assert_eq!(
        placed(&x, &roster("2026-03-01"), "2026-03-01"),
        (None, 0, 0)
    );
    assert_eq!(
        placed(&x, &roster("2030-01-01"), "2026-02-03"),
        (None, 0, 0)
    );
    let own =
        "start = \"s\"\nbefore_days = 2\nafter_days = 3\nenrol = [\"2026-02-01\", \"2026-02-10\"]";
    let x = window_plan("UTC", own, start);
    assert_eq!(
        placed(&x, &roster("2026-02-10"), "2026-02-12T23:59:59"),
        (Some(0), 1, 3)
    );
    assert_eq!(
        placed(&x, &roster("2026-02-10"), "2026-02-13T00:00:00"),
        (Some(0), 0, 3)
    );
    assert_eq!(
        placed(&x, &roster("2026-02-01"), "2026-01-30T00:00:00"),
        (Some(1), 0, 3)
    );
    assert_eq!(
        placed(&x, &roster("2026-02-01"), "2026-01-29T23:59:59"),
        (Some(0), 0, 3)
    );
    let outside = b"c,g,s\nA,control,2026-02-11\nB,tip,2026-02-10\n";
    let s = scanned(&x, &[("r.csv", outside), ("l.csv", b"c,t\nA,2026-02-12\n")]).unwrap();
    let a = &s.evidence.audit;
    assert_eq!(
        (a.customers, a.outside_enrolment, a.outside_windows),
        (1, Some(1), Some(1))
    );
}

#[test]
fn identifiers_that_differ_by_blanks_case_or_zeros_are_noticed_and_not_joined() {
    let x = window_plan("UTC", "after = [\"2026-02-01\", \"2026-02-28\"]", "");
    let log = b"c,t\n7,2026-02-03\nab,2026-02-03\nC ,2026-02-03\nAB,2026-02-03\nzz,2026-02-03\n";
    let s = scanned(
        &x,
        &[
            ("r.csv", b"c,g\n007,control\nAB,tip\nC,tip\n"),
            ("l.csv", log),
        ],
    )
    .unwrap();
    let a = &s.evidence.audit;
    assert_eq!((a.contacts, a.near_matches), (Some(1), Some(3)));
    let u = a.unassigned_contacts.as_ref().unwrap();
    assert_eq!((u.contacts, u.customers), (4, 4));
}

#[test]
fn logs_in_other_encodings_and_a_gzip_cut_short() {
    use std::io::Write;
    let x = |path: &str, extra: &str| {
        plan(
            "existing",
            &format!(
                "[periods]\nafter = [\"2026-02-01\", \"2026-02-28\"]\n[data.customers]\npath = \"r.csv\"\ncolumns = {{ unit = \"c\", arm = \"g\" }}\n[data.contacts]\npath = \"{path}\"\ncolumns = {{ unit = \"c\", time = \"t\", reason = \"r\", handling_seconds = \"h\" }}\ndelimiter = \";\"\ndecimal = \",\"\n{extra}\n[[outcomes]]\nname = \"o\"\nrole = \"primary\"\nkind = \"mean\"\nbetter = \"lower\"\nreasons = [\"Gebühren\"]\n"
            ),
        )
    };
    let log = "c;t;r;h\nMüller;2026-02-03;Gebühren;1,5\nMüller;2026-02-04;Gebühren;2,25\n";
    let roster = "c,g\nMüller,control\nB,tip\n".as_bytes();
    let latin: Vec<u8> = log.chars().map(|c| c as u32 as u8).collect();
    let utf16: Vec<u8> = "\u{FEFF}"
        .encode_utf16()
        .chain(log.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    for (extra, bytes) in [("encoding = \"windows-1252\"", latin), ("", utf16)] {
        let s = scanned(&x("l.csv", extra), &[("r.csv", roster), ("l.csv", &bytes)]).unwrap();
        let cell = s.evidence.outcomes[0].table.cells()[0];
        assert_eq!(
            (cell.after, s.evidence.outcomes[0].table.decimals().after),
            (Some(375), 2),
            "{extra}"
        );
    }
    let long: String = (0..40_000).fold(log.to_string(), |t, i| {
        t + &format!("X{};2026-02-03;a{};3\n", i * 7919 % 99991, i * 31 % 997)
    });
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(long.as_bytes()).unwrap();
    let whole = gz.finish().unwrap();
    for keep in [whole.len() / 2, 60, whole.len() - 4] {
        let error = scanned(
            &x("l.csv.gz", ""),
            &[("r.csv", roster), ("l.csv.gz", &whole[..keep])],
        )
        .unwrap_err();
        assert_eq!(error.kind().exit_code(), 2, "{error}");
        assert!(error.to_string().contains("l.csv.gz"), "{error}");
    }
    assert!(
        scanned(
            &x("l.csv.gz", ""),
            &[("r.csv", roster), ("l.csv.gz", &whole)]
        )
        .is_ok()
    );
}

#[test]
fn a_log_with_more_than_64_outcomes_is_refused_and_with_64_is_not() {
    let outcomes = |n: usize| {
        (0..n).fold(String::new(), |t, i| {
            let role = if i == 0 { "primary" } else { "secondary" };
            t + &format!("[[outcomes]]\nname = \"o{i}\"\nrole = \"{role}\"\nreasons = [\"r{i}\"]\n")
        })
    };
    let x = |n| {
        plan(
            "existing",
            &format!(
                "[periods]\nafter = [\"2026-02-01\", \"2026-02-28\"]\n[data.customers]\npath = \"r.csv\"\ncolumns = {{ unit = \"c\", arm = \"g\" }}\n[data.contacts]\npath = \"l.csv\"\ncolumns = {{ unit = \"c\", time = \"t\", reason = \"r\" }}\n{}",
                outcomes(n)
            ),
        )
    };
    let files: [(&str, &[u8]); 2] = [
        ("r.csv", b"c,g\nA,control\nB,tip\n"),
        ("l.csv", b"c,t,r\nA,2026-02-03,r63\n"),
    ];
    let s = scanned(&x(64), &files).unwrap();
    assert_eq!(s.evidence.outcomes[63].table.cells()[0].after, Some(1));
    let error = scanned(&x(65), &files).unwrap_err();
    assert!(error.to_string().contains("64 outcomes"), "{error}");
}
