//! Two pilots of regions as their owners type them; scripts/schedule_days.py invented the counts.

use serde_json::Value;

use super::{CLOSED_FORM, near, reference};
use crate::pipeline::example;
use crate::support::{Desk, Ran};

const HOTLINE: &str = include_str!("../../data/schedules/hotline-notice.toml");
const BRANCH: &str = include_str!("../../data/schedules/branch-wedge.toml");

fn copied(name: &str) -> String {
    let path = format!("{}/tests/data/schedules/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("experiments/hotline-notice.toml", HOTLINE);
    desk.write("experiments/branch-wedge.toml", BRANCH);
    for file in ["hotline-days.csv", "branch-days.csv"] {
        desk.write(&format!("data/{file}"), copied(file));
    }
    desk
}

fn analyzed(desk: &Desk, name: &str, more: &[&str]) -> Ran {
    let args = ["analyze", name, "--as-of", "2026-09-01", "--json"];
    desk.run(&[&args[..], more].concat())
}

fn estimate<'a>(document: &'a Value, outcome: &str, estimator: &str, estimand: &str) -> &'a Value {
    let rows = document["estimates"].as_array().unwrap();
    let wanted = |e: &&Value| {
        e["outcome"] == outcome && e["estimator"] == estimator && e["estimand"] == estimand
    };
    rows.iter().find(wanted).unwrap()
}

fn check<'a>(document: &'a Value, id: &str) -> &'a Value {
    let mut checks = document["checks"].as_array().unwrap().iter();
    checks.find(|c| c["id"] == id).unwrap()
}

fn record(id: &str) -> Value {
    let mut all = reference("schedule.json").into_iter();
    all.find(|r| r["id"] == id).unwrap()
}

#[test]
fn a_switchback_from_draw_to_money() {
    let desk = desk();
    let name = "hotline-notice";
    desk.run(&["approve", name, "--role", "finance", "--by", "A. Owner"])
        .ok();
    let before = desk.files();
    let planned = desk
        .run(&["assign", name, "--dry-run", "--json"])
        .ok()
        .json();
    assert_eq!(desk.files(), before);
    let drawn = desk.run(&["assign", name, "--json"]).ok().json();
    assert_eq!(planned, drawn);
    let balance = &drawn["arms"]["notice"];
    assert_eq!(balance, &drawn["arms"]["control"]);
    assert_eq!(balance["weekdays"][0], 0, "Mondays are washout");
    assert_eq!(balance["region_blocks"], 48);
    // Drawn a second time by scripts/schedule_draw.py from the documentation.
    let file = "experiments/hotline-notice/assignment.csv";
    let text = String::from_utf8(desk.read(file)).unwrap();
    assert_eq!(text, copied("hotline-notice.assignment.csv"));
    let again = desk.run(&["assign", name]);
    assert_eq!(again.code, 2);
    assert!(
        again.stderr.contains("never overwritten"),
        "{}",
        again.stderr
    );
    let north = desk
        .run(&["assign", name, "--id", "north", "--json"])
        .ok()
        .json();
    assert_eq!(north["blocks"].as_array().unwrap().len(), 12);
    let nowhere = desk.run(&["assign", name, "--id", "nord"]);
    assert!(
        nowhere.code == 2 && nowhere.stderr.contains("north"),
        "{}",
        nowhere.stderr
    );

    let document = analyzed(&desk, name, &[]).ok().json();
    let expected = record("pilot.hotline-notice");
    let difference = estimate(&document, "contacts", "cluster", "difference");
    assert_eq!(difference["primary"], true);
    assert_eq!(difference["unit"], "contacts per customer per 30 days");
    for (found, key, factor) in [
        ("value", "value", 30.0),
        ("se", "se", 30.0),
        ("df", "df", 1.0),
        ("p_value", "p", 1.0),
        ("ci_lower", "lower", 30.0),
        ("ci_upper", "upper", 30.0),
    ] {
        let value = difference[found].as_f64().unwrap() / factor;
        near(value, &expected[key], CLOSED_FORM, found);
    }
    let ratio = estimate(&document, "contacts", "cluster", "ratio");
    near(
        ratio["se"].as_f64().unwrap(),
        &expected["log_se"],
        CLOSED_FORM,
        "log_se",
    );
    let test = estimate(&document, "contacts", "permutation", "difference");
    assert_eq!(test["detail"]["draws"], 1999);
    assert_eq!(test["p_value"].as_f64(), Some(1.0 / 2000.0));
    let guard = estimate(&document, "complaints", "cluster", "difference");
    // 0.02 a customer over 84 days is so much over 30.
    near(
        guard["detail"]["margin"].as_f64().unwrap(),
        &(0.02 * 30.0 / 84.0).into(),
        CLOSED_FORM,
        "margin",
    );
    assert_eq!(check(&document, "srm")["status"], "not-run");
    assert_eq!(check(&document, "carry-over")["status"], "ok");
    assert_eq!(check(&document, "balance")["status"], "ok");
    assert_eq!(document["schedule"]["regions"].as_array().unwrap().len(), 8);
    let audit = &document["evidence"]["audit"];
    assert_eq!(
        (&audit["customers"], &audit["unassigned_customers"]),
        (&96.into(), &89.into())
    );
    assert_eq!(audit["washout_region_days"], 96);
    // Money: the difference a day times the customers of the roll-out.
    assert!(document["business"]["arms"][0].is_object());
    let summary = String::from_utf8(desk.read("reports/hotline-notice/summary.md")).unwrap();
    for words in [
        "Region-blocks",
        "Design: switchback, 8 regions in 12 blocks",
        "saves 0.0182",
    ] {
        assert!(summary.contains(words), "{words}\n{summary}");
    }
    assert!(!summary.contains("Customers |"), "{summary}");
    for picture in ["schedule.svg", "schedule.png", "effect.svg", "cash.svg"] {
        assert!(!desk.read(&format!("reports/{name}/{picture}")).is_empty());
    }
    // Saved evidence says the same, and a changed schedule stops.
    let saved = analyzed(&desk, name, &["--evidence", "1"]).ok().json();
    assert_eq!(saved["estimates"], document["estimates"]);
    assert_eq!(saved["schedule"], document["schedule"]);
    desk.write(file, text.replacen("notice", "control", 1));
    let changed = analyzed(&desk, name, &[]);
    assert_eq!(changed.code, 3, "{}", changed.stderr);
}

#[test]
fn a_stepped_wedge_by_branch() {
    let desk = desk();
    let name = "branch-wedge";
    let drawn = desk.run(&["assign", name]).ok();
    assert!(
        drawn
            .stdout
            .contains("1,680 schedules could have been drawn"),
        "{}",
        drawn.stdout
    );
    let text = String::from_utf8(desk.read("experiments/branch-wedge/assignment.csv")).unwrap();
    assert_eq!(text, copied("branch-wedge.assignment.csv"));
    let document = analyzed(&desk, name, &[]).ok().json();
    let expected = record("pilot.branch-wedge");
    let ratio = estimate(&document, "repeat-visits", "cluster", "ratio");
    assert_eq!(ratio["primary"], true);
    near(
        ratio["se"].as_f64().unwrap(),
        &expected["log_se"],
        CLOSED_FORM,
        "log_se",
    );
    near(
        ratio["df"].as_f64().unwrap(),
        &expected["df"],
        CLOSED_FORM,
        "df",
    );
    let test = estimate(&document, "repeat-visits", "permutation", "difference");
    assert_eq!(
        (&test["detail"]["exact"], &test["detail"]["assignments"]),
        (&true.into(), &1680.into())
    );
    let exposure = check(&document, "exposure");
    assert_eq!(
        (&exposure["status"], exposure["statistic"].as_f64()),
        (&"warn".into(), Some(1.0))
    );
    assert_eq!(document["evidence"]["audit"]["closed_days"], 8);
    assert_eq!(ratio["unit"], "ratio");
    let levels = document["levels"].as_array().unwrap();
    assert_eq!(levels[0]["unit"], "repeat visits per region per 30 days");
}

#[test]
fn the_example_is_that_of_club_sandwich() {
    let desk = example("ivr-fee-notice");
    let name = "ivr-fee-notice";
    desk.run(&["assign", name]).ok();
    let drawn = desk.read("experiments/ivr-fee-notice/assignment.csv");
    assert_eq!(
        String::from_utf8(drawn).unwrap(),
        copied("ivr-fee-notice.assignment.csv")
    );
    let document = analyzed(&desk, name, &[]).ok().json();
    assert_eq!(document["evidence"]["audit"]["unassigned_customers"], 170);
    let expected = record("pilot.ivr-fee-notice");
    let row = estimate(&document, "fee-calls", "cluster", "difference");
    let days = 30.0;
    for (key, theirs) in [("value", "value"), ("se", "se"), ("ci_lower", "lower")] {
        let per_day = row[key].as_f64().unwrap() / days;
        near(per_day, &expected[theirs], CLOSED_FORM, key);
    }
    for (key, theirs) in [("df", "df"), ("p_value", "p")] {
        near(
            row[key].as_f64().unwrap(),
            &expected[theirs],
            CLOSED_FORM,
            key,
        );
    }
    let ratio = estimate(&document, "fee-calls", "cluster", "ratio");
    near(
        ratio["se"].as_f64().unwrap(),
        &expected["log_se"],
        CLOSED_FORM,
        "log_se",
    );
    // What was set by hand lies in the interval.
    let ends = ["ci_lower", "ci_upper"].map(|end| ratio[end].as_f64().unwrap());
    assert!(ends[0] < 0.88 && 0.88 < ends[1], "{ends:?}");
}

#[test]
fn before_the_end_nothing_is_shown_by_arm() {
    let desk = desk();
    desk.run(&["assign", "hotline-notice"]).ok();
    let args = [
        "analyze",
        "hotline-notice",
        "--as-of",
        "2026-04-01",
        "--json",
    ];
    let document = desk.run(&args).ok().json();
    assert_eq!(document["decision"]["verdict"], "wait");
    assert_eq!(document["estimates"].as_array().unwrap().len(), 0);
    assert!(document.get("schedule").is_none());
    assert!(
        document["evidence"]["contacts_by_arm"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let check = desk.run(&["check", "hotline-notice"]).ok();
    assert!(
        check.stdout.contains("96 region-blocks"),
        "{}",
        check.stdout
    );
}

/// A plan of two regions and its counts; `edit` changes the file.
fn small(plan: &[(&str, &str)], edit: impl Fn(String) -> String) -> (Desk, Ran) {
    let desk = Desk::new();
    let mut text = r#"schema = 1
[experiment]
name = "small"
seed = 5
[assignment]
design = "switchback"
cluster = "region"
regions = ["north", "south"]
block_days = 1
[[arms]]
name = "control"
control = true
[[arms]]
name = "notice"
[periods]
after = ["2026-03-02", "2026-03-15"]
[data.counts]
path = "data/days.csv"
columns = { day = "day", customers = "customers" }
max_bad_rows = 0.2
[[outcomes]]
name = "calls"
role = "primary"
after = "calls"
[analysis]
permutations = 999
"#
    .to_string();
    for (from, to) in plan {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text = text.replace(from, to);
    }
    desk.write("experiments/small.toml", text);
    let mut rows = "region,day,customers,calls\n".to_string();
    for day in 2..16 {
        for (i, region) in ["north", "south"].iter().enumerate() {
            let calls = 20 + (day * 7 + i * 5) % 11;
            rows.push_str(&format!(
                "{region},2026-03-{day:02},{},{calls}\n",
                500 + i * 300
            ));
        }
    }
    desk.write("data/days.csv", edit(rows));
    desk.run(&["assign", "small"]).ok();
    let ran = analyzed(&desk, "small", &[]);
    (desk, ran)
}

#[test]
fn bad_rows_have_a_line_and_a_reason() {
    let (_, plain) = small(&[], |rows| rows);
    let plain = plain.ok().json();
    let set_aside = |from: &str, to: &str, reason: &str| {
        let (desk, ran) = small(&[], |rows| rows.replacen(from, to, 1));
        let document = ran.ok().json();
        assert_eq!(document["evidence"]["audit"]["set_aside"], 1, "{to}");
        assert_eq!(
            document["evidence"]["audit"]["missing_region_days"], 1,
            "{to}"
        );
        let text = desk.read("experiments/small/evidence/0001/set-aside.txt");
        let text = String::from_utf8(text).unwrap();
        assert!(
            text.contains(reason) && text.contains("\t4\t"),
            "{to}\n{text}"
        );
    };
    let third = "north,2026-03-03,500,";
    for (to, reason) in [
        (
            "north,2026-03-03,-500,",
            "the number of customers is negative",
        ),
        ("north,2026-03-03,,", "the number of customers is missing"),
        ("north,2026-03-03,0,", "contacts on a day without customers"),
        (
            "north,2026-03-03,500,0.5",
            "the count is not a whole number",
        ),
        ("north,2026-03-03,500,x", "not a number"),
        ("north,3 March,500,", "not a date"),
        (" ,2026-03-03,500,", "the region is blank"),
    ] {
        set_aside(third, to, reason);
    }
    let stops = |edit: &dyn Fn(String) -> String, words: &[&str]| {
        let (_, ran) = small(&[], edit);
        assert_eq!(ran.code, 2, "{words:?} {}", ran.stdout);
        for word in words {
            assert!(ran.stdout.contains(word), "{word}\n{}", ran.stdout);
        }
    };
    stops(
        &|rows| rows + "north,2026-03-05,500,1\n",
        &["stand on line 8 with other counts", "\"line\": 30"],
    );
    stops(
        &|rows| rows.replace("south", "South"),
        &[
            "no row of the region \\\"south\\\"",
            "perhaps \\\"South\\\"",
        ],
    );
    stops(
        &|rows| rows.replace("customers", "people"),
        &["no column \\\"customers\\\""],
    );
    // A repeated row, unknown regions and days outside change nothing but the audit.
    let (_, more) = small(&[], |rows| {
        let first = rows.lines().nth(1).unwrap().to_string();
        rows + &first + "\nwest,2026-03-02,1,1\nnorth,2026-04-02,1,1\n"
    });
    let more = more.ok().json();
    assert_eq!(more["estimates"], plain["estimates"]);
    let audit = &more["evidence"]["audit"];
    for key in [
        "duplicate_customers",
        "unassigned_customers",
        "outside_windows",
    ] {
        assert_eq!(audit[key], 1, "{key}");
    }
    // The order of rows is nothing either.
    let (_, turned) = small(&[], |rows| {
        let mut lines: Vec<&str> = rows.lines().collect();
        lines[1..].reverse();
        lines.join("\n") + "\n"
    });
    assert_eq!(turned.ok().json()["estimates"], plain["estimates"]);
}

/// The small plan's counts as a log of single contacts.
fn log_of(rows: &str) -> String {
    let mut log = "ticket,where,created,topic\n".to_string();
    for (i, row) in rows.lines().skip(1).enumerate() {
        let fields: Vec<&str> = row.split(',').collect();
        for k in 0..fields[3].parse::<usize>().unwrap() {
            let topic = if k % 3 == 0 { "fees" } else { "hours" };
            // Days of New York: the last contact of a day is of the next one in UTC.
            let time = format!("{}T{:02}:59:00", fields[1], k % 24);
            log.push_str(&format!("T{i}-{k},{},{time},{topic}\n", fields[0]));
        }
    }
    log
}

#[test]
fn a_log_gives_what_its_counts_give() {
    let (counts, ran) = small(&[], |rows| rows);
    let by_counts = ran.ok().json();
    let rows = String::from_utf8(counts.read("data/days.csv")).unwrap();
    let plan = String::from_utf8(counts.read("experiments/small.toml")).unwrap();
    let with_log = plan
        .replace("cluster = \"region\"", "cluster = \"where\"")
        .replace(
            "[data.counts]\npath = \"data/days.csv\"\ncolumns = { day = \"day\", customers = \"customers\" }\n",
            "[data.contacts]\npath = \"data/log.csv\"\ncolumns = { time = \"created\", reason = \"topic\", id = \"ticket\" }\n\
             [data.regions]\npath = \"data/regions.csv\"\ncolumns = { customers = \"n\" }\n",
        )
        .replace("max_bad_rows = 0.2\n", "")
        .replace("after = \"calls\"\n", "")
        .replace("[periods]\n", "[periods]\ntimezone = \"America/New_York\"\n");
    assert_ne!(with_log, plan);
    let desk = |plan: &str, log: &str, regions: &str| {
        let desk = Desk::new();
        desk.write("experiments/small.toml", plan);
        desk.write("data/log.csv", log);
        desk.write("data/regions.csv", regions);
        desk.run(&["assign", "small"]).ok();
        let ran = analyzed(&desk, "small", &[]);
        (desk, ran)
    };
    let (log, regions) = (log_of(&rows), "where,n\nnorth,500\nwest,1\nsouth,800\n");
    let (first, ran) = desk(&with_log, &log, regions);
    let by_log = ran.ok().json();
    let values = |document: &Value| -> Vec<Value> {
        let rows = document["estimates"].as_array().unwrap().iter();
        let keys = ["value", "se", "df", "p_value", "ci_lower", "ci_upper"];
        rows.flat_map(|r| keys.map(|k| r[k].clone())).collect()
    };
    assert_eq!(values(&by_log), values(&by_counts));
    assert_eq!(
        by_log["schedule"]["regions"],
        by_counts["schedule"]["regions"]
    );
    let row = estimate(&by_log, "calls", "cluster", "difference");
    assert_eq!(row["unit"], "contacts per customer per 30 days");
    let total: i64 = rows
        .lines()
        .skip(1)
        .map(|r| r.rsplit(',').next().unwrap().parse::<i64>().unwrap())
        .sum();
    assert_eq!(by_log["evidence"]["audit"]["contacts"], total);
    let saved = analyzed(&first, "small", &["--evidence", "1"]).ok().json();
    assert_eq!(saved["estimates"], by_log["estimates"]);

    // One topic, repeats, other regions and days.
    let fees = with_log.replace(
        "role = \"primary\"",
        "role = \"primary\"\nreasons = [\"fees\"]",
    );
    let more = log.clone()
        + "T0-0,north,2026-03-02T01:00:00,fees\nX1,east,2026-03-02T01:00:00,fees\nX2,north,2026-03-16T00:00:00,fees\n";
    let (_, ran) = desk(&fees, &more, regions);
    let found = ran.ok().json();
    let audit = &found["evidence"]["audit"];
    for key in [
        "duplicate_contacts",
        "unassigned_customers",
        "outside_windows",
    ] {
        assert_eq!(audit[key], 1, "{key}");
    }
    let counted = audit["contacts"].as_i64().unwrap();
    assert_eq!(counted + audit["other_reasons"].as_i64().unwrap(), total);

    // Without customers the unit is the region.
    let without: Vec<&str> = with_log.split("[data.regions]").collect();
    let rest = without[1].split_once("[[outcomes]]").unwrap().1;
    let (_, ran) = desk(&format!("{}[[outcomes]]{rest}", without[0]), &log, regions);
    let found = ran.ok().json();
    let row = estimate(&found, "calls", "cluster", "difference");
    assert_eq!(row["unit"], "contacts per region per 30 days");

    // Files that do not fit.
    for (log, regions, words) in [
        (
            log.replace(",south,", ",South,"),
            regions.to_string(),
            "perhaps \\\"South\\\"",
        ),
        (
            log.clone(),
            "where,n\nnorth,500\n".to_string(),
            "\\\"south\\\" has no customers",
        ),
        (
            log.clone(),
            format!("{regions}north,501\n"),
            "with other customers",
        ),
        (log.clone(), regions.replace("800", "many"), "not a number"),
        (
            log.replace("created", "made"),
            regions.to_string(),
            "no column \\\"created\\\"",
        ),
    ] {
        let (_, ran) = desk(&with_log, &log, &regions);
        assert_eq!(ran.code, 2, "{words}");
        assert!(ran.stdout.contains(words), "{words}\n{}", ran.stdout);
    }
}

#[test]
fn few_regions_are_warned_of_and_blocks_may_be_missing() {
    let (_, ran) = small(&[], |rows| {
        let lines = rows.lines().filter(|l| !l.starts_with("south,2026-03-04"));
        lines.map(|l| format!("{l}\n")).collect()
    });
    let document = ran.ok().json();
    let warnings = document["warnings"].as_array().unwrap();
    assert!(
        warnings.iter().any(|w| w["id"] == "few-regions"),
        "{warnings:?}"
    );
    let attrition = check(&document, "attrition");
    assert_eq!(
        (&attrition["status"], attrition["statistic"].as_f64()),
        (&"warn".into(), Some(1.0))
    );
    assert_eq!(document["evidence"]["audit"]["missing_after"][0], 1);
    let limited = [(
        "[analysis]",
        "[decision]\nmax_attrition_difference = 0.01\n[analysis]",
    )];
    let (_, stopped) = small(&limited, |rows| {
        let lines = rows.lines().filter(|l| !l.starts_with("south,2026-03-04"));
        lines.map(|l| format!("{l}\n")).collect()
    });
    assert_eq!(stopped.code, 3, "{}", stopped.stdout);
}

#[test]
fn one_region_is_compared_by_block() {
    let plan = [(
        "cluster = \"region\"\nregions = [\"north\", \"south\"]\n",
        "",
    )];
    let (_, ran) = small(&plan, |rows| {
        let lines = rows.lines().filter(|l| !l.starts_with("south"));
        lines.map(|l| format!("{l}\n")).collect()
    });
    let document = ran.ok().json();
    let row = estimate(&document, "calls", "cluster", "difference");
    assert_eq!(row["detail"]["effects"], "none");
    assert_eq!(row["detail"]["regions"], 1);
    assert_eq!(document["schedule"]["regions"][0]["region"], "everywhere");
    let test = estimate(&document, "calls", "permutation", "difference");
    // Seven weekdays, twice each.
    assert_eq!(test["detail"]["assignments"], 128);
}

#[test]
fn a_plan_changed_after_the_draw_is_found() {
    let (desk, ran) = small(&[], |rows| rows);
    ran.ok();
    let plan = String::from_utf8(desk.read("experiments/small.toml")).unwrap();
    for (from, to) in [
        ("block_days = 1", "block_days = 2"),
        ("2026-03-02\", \"2026-03-15", "2026-03-03\", \"2026-03-16"),
        ("[\"north\", \"south\"]", "[\"north\", \"west\"]"),
        ("[\"north\", \"south\"]", "[\"north\", \"south\", \"west\"]"),
    ] {
        desk.write("experiments/small.toml", plan.replace(from, to));
        let ran = analyzed(&desk, "small", &[]);
        assert_eq!(ran.code, 2, "{to}");
        assert!(
            ran.stdout.contains("copy the plan under another name"),
            "{}",
            ran.stdout
        );
    }
}

#[test]
fn a_public_page_is_not_designed_by_customer() {
    let desk = Desk::new();
    let args = [
        "design",
        "page",
        "--arms",
        "control,site-top-questions",
        "--seed",
        "1",
    ];
    let refused = desk.run(&args);
    assert_eq!(refused.code, 2);
    for words in ["--after-login", "switchback", "stepped-wedge"] {
        assert!(refused.stderr.contains(words), "{}", refused.stderr);
    }
    assert!(!desk.path("experiments/page.toml").exists());
    desk.run(&[&args[..], &["--after-login"]].concat()).ok();
    let plan = String::from_utf8(desk.read("experiments/page.toml")).unwrap();
    assert!(plan.contains("after_login = true"), "{plan}");
}
