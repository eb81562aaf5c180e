//! Bad input: a clear error with its place and a hint, nothing written, never a panic.

use std::fmt::Write;

use crate::support::{COUNTS_PLAN, Desk};

/// 120 customers, alternating arms, with counts that differ.
fn good() -> String {
    let mut text = String::from("customer_id,arm,before,after\n");
    for i in 0..120 {
        let arm = if i % 2 == 0 { "control" } else { "treatment" };
        writeln!(text, "C{i:03},{arm},{},{}", i % 7, (i * 5 + i / 3) % 6).unwrap();
    }
    text
}

fn desk(data: impl AsRef<[u8]>) -> Desk {
    let desk = Desk::new();
    desk.write("experiments/t.toml", COUNTS_PLAN);
    desk.write("data/counts.csv", data);
    desk
}

fn edit(from: &str, to: &str) -> Vec<u8> {
    let text = good();
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1).into_bytes()
}

/// What a refused run must say: exit code, words of the message, line, column or key, words of the hint.
struct Refused {
    name: &'static str,
    data: Vec<u8>,
    code: i32,
    message: &'static str,
    line: Option<u64>,
    key: Option<&'static str>,
    hint: &'static str,
}

fn refused(
    name: &'static str,
    data: impl Into<Vec<u8>>,
    code: i32,
    message: &'static str,
) -> Refused {
    Refused {
        name,
        data: data.into(),
        code,
        message,
        line: None,
        key: None,
        hint: "",
    }
}

impl Refused {
    fn line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }
    fn key(mut self, key: &'static str) -> Self {
        self.key = Some(key);
        self
    }
    fn hint(mut self, hint: &'static str) -> Self {
        self.hint = hint;
        self
    }
}

fn all_bad(value: &str) -> String {
    good()
        .lines()
        .enumerate()
        .fold(String::new(), |mut text, (i, line)| {
            let cut = line.rfind(',').unwrap();
            if i == 0 {
                writeln!(text, "{line}").unwrap();
            } else {
                writeln!(text, "{},{value}", &line[..cut]).unwrap();
            }
            text
        })
}

#[test]
fn what_cannot_be_read_is_refused_with_place_and_hint() {
    let utf16: Vec<u8> = good().encode_utf16().flat_map(u16::to_le_bytes).collect();
    let table = [
        refused("empty", "", 2, "empty").hint("header"),
        refused("blank lines", "\n\n\n", 2, "no line").hint("header"),
        refused(
            "header only",
            "customer_id,arm,before,after\n",
            2,
            "customers",
        ),
        refused("wrong delimiter", good().replace(',', ";"), 2, "no column")
            .line(1)
            .hint("delimiter = \";\""),
        refused("tabs", good().replace(',', "\t"), 2, "no column")
            .line(1)
            .hint("delimiter = \"\\t\""),
        refused("UTF-16 without mark", utf16, 2, "NUL")
            .line(1)
            .hint("utf-16le"),
        refused(
            "missing column",
            good().replacen("after", "aftr", 1),
            2,
            "no column \"after\"",
        )
        .line(1)
        .hint("\"aftr\""),
        refused(
            "column twice",
            good().replacen("before", "after", 1),
            2,
            "two columns",
        )
        .line(1)
        .hint("rename"),
        refused(
            "unknown arm",
            edit("C003,treatment", "C003,tretment"),
            2,
            "means no arm",
        )
        .line(5)
        .key("arm")
        .hint("treatment"),
        refused(
            "contradictory rows",
            good() + "C003,treatment,1,99\n",
            2,
            "line 5",
        )
        .line(122)
        .hint("one row"),
        refused(
            "two arms",
            good() + "C003,control,3,4\n",
            3,
            "double-assignment",
        )
        .hint("--despite"),
        refused(
            "unclosed quote",
            edit("C050,control", "\"C050,control"),
            2,
            "never closes",
        )
        .line(52)
        .hint("quote"),
        refused("all negative", all_bad("-1"), 2, "not negative")
            .line(2)
            .key("after")
            .hint("max_bad_rows"),
        refused("all fractional", all_bad("1.5"), 2, "whole number")
            .line(2)
            .key("after"),
        refused("all enormous", all_bad("1e300"), 2, "larger")
            .line(2)
            .key("after"),
        refused("all words", all_bad("many"), 2, "not a number")
            .line(2)
            .key("after"),
        refused(
            "ragged everywhere",
            good().replace("\nC", "\nC,x"),
            2,
            "5 fields where the header has 4",
        )
        .line(2),
        refused(
            "an arm is empty",
            good().replace("treatment", "control"),
            2,
            "lin",
        )
        .hint("sealed"),
    ];
    for case in table {
        let desk = desk(&case.data);
        let before = desk.files();
        let ran = desk.run(&["analyze", "t", "--json"]);
        let context = format!("{}: {}\n{}", case.name, ran.stdout, ran.stderr);
        assert_eq!(ran.code, case.code, "{context}");
        assert!(!ran.stderr.contains("panicked"), "{context}");
        let error = &ran.json()["error"];
        assert!(
            error["message"].as_str().unwrap().contains(case.message),
            "{context}"
        );
        if case.line.is_some() {
            assert_eq!(error["line"].as_u64(), case.line, "{context}");
        }
        if case.key.is_some() {
            assert_eq!(error["key"].as_str(), case.key, "{context}");
        }
        assert!(
            error["hint"]
                .as_str()
                .unwrap_or_default()
                .contains(case.hint),
            "{context}"
        );
        if case.code == 2 {
            let mut after = desk.files();
            // Data that can be read becomes evidence even where its analysis is refused.
            after.retain(|name, _| !name.starts_with("experiments/t/"));
            assert_eq!(after, before, "{}", case.name);
        }
    }
}

#[test]
fn what_can_be_read_gives_the_same_result() {
    let reference = desk(good())
        .run(&["analyze", "t", "--json", "--no-report"])
        .ok()
        .json()["estimates"]
        .clone();
    assert!(reference.as_array().unwrap().len() > 5);
    let utf16: Vec<u8> = [0xFF, 0xFE]
        .into_iter()
        .chain(good().encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    let mut reversed: Vec<String> = good().lines().map(String::from).collect();
    reversed[1..].reverse();
    let same: [(&str, Vec<u8>); 8] = [
        (
            "byte-order mark",
            [b"\xEF\xBB\xBF".as_slice(), good().as_bytes()].concat(),
        ),
        ("UTF-16 with mark", utf16),
        ("CRLF", good().replace('\n', "\r\n").into_bytes()),
        ("quoted", edit("C003,treatment", "\"C003\",\"treatment\"")),
        ("no last line end", good().trim_end().as_bytes().to_vec()),
        ("rows reversed", reversed.join("\n").into_bytes()),
        (
            "blank lines between",
            good().replace('\n', "\n\n").into_bytes(),
        ),
        (
            "a row twice",
            (good() + good().lines().nth(5).unwrap() + "\n").into_bytes(),
        ),
    ];
    for (name, data) in same {
        let ran = desk(data)
            .run(&["analyze", "t", "--json", "--no-report"])
            .ok();
        assert_eq!(ran.json()["estimates"], reference, "{name}");
    }
}

#[test]
fn rows_that_cannot_be_read_are_set_aside_with_line_and_reason() {
    let mut text = good();
    for i in 120..400 {
        writeln!(
            text,
            "C{i},{},1,2",
            if i % 2 == 0 { "control" } else { "treatment" }
        )
        .unwrap();
    }
    let bad: [(&str, &str); 6] = [
        ("C900,control,1,-3", "not negative"),
        ("C901,control,1,2.5", "whole number"),
        (",control,1,2", "blank"),
        ("C902,control,1", "3 fields"),
        ("C903,control,1,\0", "NUL"),
        ("C904,control,1,99999999999999999999", "larger"),
    ];
    for (row, reason) in bad {
        let desk = desk(format!("{text}{row}\n"));
        let ran = desk.run(&["analyze", "t", "--json", "--no-report"]).ok();
        assert_eq!(ran.json()["evidence"]["audit"]["set_aside"], 1, "{row}");
        let aside =
            String::from_utf8(desk.read("experiments/t/evidence/0001/set-aside.txt")).unwrap();
        assert!(aside.contains("data/counts.csv\t402\t"), "{aside}");
        assert!(aside.contains(reason), "{aside}");
    }
}

#[test]
fn hostile_names_stay_inert() {
    let names = [
        "a b",
        "a,b",
        "say \"hi\"",
        "کنترل",
        "对照组",
        "=HYPERLINK(1)",
        "<script>",
    ];
    for name in names {
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        let data = good().replace(",control,", &format!(",{quoted},"));
        let desk = desk(data);
        let toml_name = toml::Value::String(name.to_string()).to_string();
        let plan = COUNTS_PLAN.replace(
            "columns = {",
            &format!("arm_values = {{ control = [{toml_name}], treatment = [\"treatment\"] }}\ncolumns = {{"),
        );
        desk.write("experiments/t.toml", plan);
        let ran = desk.run(&["analyze", "t", "--json"]);
        assert_eq!(ran.code, 0, "{name}: {}{}", ran.stdout, ran.stderr);
        assert_eq!(
            ran.json()["evidence"]["customers_by_arm"],
            serde_json::json!([60, 60]),
            "{name}"
        );
    }
}

#[test]
fn files_that_are_no_files() {
    let desk = desk(good());
    std::fs::remove_file(desk.path("data/counts.csv")).unwrap();
    let missing = desk.run(&["analyze", "t"]);
    assert_eq!(missing.code, 2);
    assert!(
        missing.stderr.contains("data/counts.csv") && missing.stderr.contains("hint:"),
        "{}",
        missing.stderr
    );
    std::fs::create_dir(desk.path("data/counts.csv")).unwrap();
    let folder = desk.run(&["analyze", "t"]);
    assert_eq!(folder.code, 2);
    assert!(folder.stderr.contains("folder"), "{}", folder.stderr);
}

/// A small generator of its own, so that the 200 ways stay the same ways.
struct Lcg(u64);

impl Lcg {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }
}

#[test]
fn two_hundred_corruptions_never_give_a_wrong_number() {
    let clean = good();
    let reference = desk(&clean)
        .run(&["analyze", "t", "--json", "--no-report"])
        .ok()
        .json();
    let bytes = clean.as_bytes();
    let junk: [&[u8]; 12] = [
        b"\"",
        b",",
        b"\n",
        b"\r",
        b"\0",
        b"\xFF",
        b";",
        b"-",
        b"9",
        b"e",
        "é".as_bytes(),
        b" ",
    ];
    let (mut same, mut counted, mut stopped) = (0, 0, 0);
    for seed in 0..200 {
        let mut r = Lcg(seed);
        let at = r.below(bytes.len());
        let corrupt: Vec<u8> = match r.below(4) {
            0 => [&bytes[..at], junk[r.below(junk.len())], &bytes[at..]].concat(),
            1 => [&bytes[..at], junk[r.below(junk.len())], &bytes[at + 1..]].concat(),
            2 => bytes[..at].to_vec(),
            _ => {
                let end = (at + 1 + r.below(40)).min(bytes.len());
                [&bytes[..at], &bytes[end..]].concat()
            }
        };
        let ran = desk(&corrupt).run(&["analyze", "t", "--json", "--no-report"]);
        let context = format!("seed {seed}: {}{}", ran.stdout, ran.stderr);
        assert!(!ran.stderr.contains("panicked"), "{context}");
        assert!([0, 2, 3].contains(&ran.code), "{context}");
        if ran.code != 0 {
            stopped += 1;
            continue;
        }
        let got = ran.json();
        if got["estimates"] == reference["estimates"] {
            same += 1;
        } else {
            // A digit for a digit, or a lost row, is another valid file: its numbers must be those of the rows it holds.
            counted += 1;
            let customers: u64 = got["evidence"]["customers_by_arm"]
                .as_array()
                .unwrap()
                .iter()
                .map(|n| n.as_u64().unwrap())
                .sum();
            let audit = &got["evidence"]["audit"];
            let (read, aside) = (
                audit["rows_read"].as_u64().unwrap(),
                audit["set_aside"].as_u64().unwrap(),
            );
            let repeats = audit["duplicate_customers"].as_u64().unwrap();
            assert_eq!(customers + aside.min(read) + repeats, read, "{context}");
        }
    }
    assert!(
        same > 5 && counted > 5 && stopped > 5,
        "{same} same, {counted} counted, {stopped} stopped"
    );
}

#[test]
fn errors_of_the_command_line_name_the_flag() {
    let desk = Desk::new();
    for (args, key) in [
        (["power", "--json"].as_slice(), "--rate"),
        (&["power", "--json", "--rate", "nan"], "--rate"),
        (
            &["power", "--json", "--rate", "2", "--weights", "1,inf"],
            "--weights",
        ),
        (&["power", "--json", "--rate", "two"], "--rate"),
        (&["power", "--json", "--rat", "2"], "--rat"),
        (&["status", "--json", "--threads", "0"], "--threads"),
    ] {
        let ran = desk.run(args);
        assert_eq!(ran.code, 2, "{args:?}");
        assert_eq!(ran.json()["error"]["key"], key, "{args:?}");
    }
}
