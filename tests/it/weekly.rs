//! Weeks, fade, spillover: against Python and R, and from the files to the checks.

use std::path::Path;

use pilot::analysis::{Analysis, Check, Phase, Status, analyze};
use pilot::engine::{Request, Scan, scan};
use pilot::experiment::{self, Experiment};
use pilot::stats::fade;
use pilot::stats::weekly::effects;
use pilot::table::{ArmId, WeekPair, Weekly};
use serde_json::Value;

use crate::pipeline::example;
use crate::support::Desk;

/// Closed form: differences, covariances, trend. numpy and R agree to 4e-15.
const CLOSED: f64 = 1e-8;
/// Iterative: scipy's and R's fits themselves agree to 3e-7.
const ITERATIVE: f64 = 1e-6;

fn reference() -> Value {
    let text = include_str!("../reference/weekly.json");
    serde_json::from_str(text).unwrap()
}

#[track_caller]
fn close(ours: f64, theirs: &Value, tolerance: f64, what: &str) {
    let theirs = theirs.as_f64().unwrap();
    let gap = (ours - theirs).abs();
    assert!(gap <= tolerance * theirs.abs(), "{what}: {ours} {theirs}");
}

fn numbers(v: &Value) -> Vec<f64> {
    let list = v.as_array().unwrap().iter();
    list.map(|x| x.as_f64().unwrap()).collect()
}

fn matrix(v: &Value) -> Vec<Vec<f64>> {
    v.as_array().unwrap().iter().map(numbers).collect()
}

/// The sums of one arm: rows of customers, sum, other sum, product, week after week.
fn pairs(arm: u16, rows: &Value) -> Vec<(ArmId, usize, usize, WeekPair)> {
    let rows = rows.as_array().unwrap();
    let places = (0..).flat_map(|week| (0..=week).map(move |other| (week, other)));
    rows.iter()
        .zip(places)
        .map(|(row, (week, other))| {
            let n = |i: usize| row[i].as_i64().unwrap();
            let pair = WeekPair {
                customers: n(0) as u64,
                sum: n(1).into(),
                other_sum: n(2).into(),
                product: n(3).into(),
            };
            (ArmId(arm), week, other, pair)
        })
        .collect()
}

#[test]
fn effects_trend_and_decay_are_those_of_python_and_r() {
    let reference = reference();
    for set in ["epil", "fees"] {
        let set = &reference[set];
        for (arm, record) in set["effects"].as_object().unwrap() {
            let mut all = pairs(0, &set["pairs"]["control"]);
            all.extend(pairs(1, &set["pairs"][arm]));
            let weekly = Weekly::new(2, 0, all).unwrap();
            let found = effects(&weekly, ArmId(1), ArmId(0));
            let (d, v) = (numbers(&record["d"]), matrix(&record["v"]));
            assert_eq!(found.weeks.len(), d.len());
            for (w, week) in found.weeks.iter().enumerate() {
                close(week.value, &record["d"][w], CLOSED, arm);
                let welch = week.se.unwrap();
                close(welch * welch, &record["v"][w][w], CLOSED, arm);
                for u in 0..d.len() {
                    close(found.covariance[w][u], &record["v"][w][u], CLOSED, arm);
                }
            }
            let fade = fade::fit(&d, &v, 0.05).unwrap();
            let fit = &record["fit"];
            for (ours, name) in [
                (fade.constant.0, "constant"),
                (fade.constant.1, "constant_se"),
                (fade.trend.0, "trend"),
                (fade.trend.1, "trend_se"),
                (fade.z, "z"),
                (fade.p_value, "p_value"),
            ] {
                close(ours, &fit[name], CLOSED, &format!("{arm} {name}"));
            }
            let decay = fade.decay.unwrap();
            for (ours, name) in [
                (decay.start, "start"),
                (decay.start_se, "start_se"),
                (decay.rate, "rate"),
                (decay.rate_se, "rate_se"),
                (decay.covariance, "covariance"),
                (decay.misfit, "misfit"),
            ] {
                close(ours, &fit[name], ITERATIVE, &format!("{arm} {name}"));
            }
            for (ours, name) in [
                (decay.half_life, "half_life"),
                (decay.half_life_interval.lower, "half_life_lower"),
                (decay.half_life_interval.upper, "half_life_upper"),
            ] {
                match ours {
                    None => assert!(fit[name].is_null(), "{arm} {name}"),
                    Some(ours) => close(ours, &fit[name], ITERATIVE, &format!("{arm} {name}")),
                }
            }
        }
    }
}

fn records(bytes: &[u8]) -> Vec<std::collections::BTreeMap<String, String>> {
    csv::Reader::from_reader(bytes)
        .deserialize()
        .collect::<Result<_, _>>()
        .unwrap()
}

#[test]
fn a_logs_weeks_and_channels_are_counted_as_python_counts_them() {
    let reference = &reference()["fees"];
    let desk = example("fees-education");
    desk.run(&["assign", "fees-education"]).ok();
    desk.run(&["ingest", "fees-education"]).ok();
    let folder = "experiments/fees-education/evidence/0001";
    let weekly = records(&desk.read(&format!("{folder}/weekly.csv")));
    for (arm, expected) in reference["pairs"].as_object().unwrap() {
        let own = weekly
            .iter()
            .filter(|r| r["outcome"] == "fee-contacts" && &r["arm"] == arm);
        let found: Vec<Vec<i64>> = own
            .map(|r| {
                ["customers", "sum", "other_sum", "product"]
                    .map(|c| r[c].parse().unwrap())
                    .to_vec()
            })
            .collect();
        assert_eq!(&serde_json::json!(found), expected, "{arm}");
    }
    let spillover = records(&desk.read(&format!("{folder}/spillover.csv")));
    assert_eq!(spillover.len(), 5 * 4);
    for r in &spillover {
        let expected = match r["measure"].as_str() {
            "other-reasons" => &reference["spillover"]["other-reasons"],
            _ => &reference["spillover"]["channels"][&r["channel"]],
        };
        let found = ["customers", "sum", "squares"].map(|c| r[c].parse::<i64>().unwrap());
        assert_eq!(serde_json::json!(found), expected[&r["arm"]], "{r:?}");
    }
    let ran = desk.run(&["ingest", "fees-education"]).ok();
    assert!(
        ran.stdout.contains("0001 still up to date"),
        "{}",
        ran.stdout
    );
    make_old(&desk, folder);
    // It is no more what the ledger says: it is not used, and the data are read again.
    let ran = desk.run(&["analyze", "fees-education", "--json", "--evidence", "1"]);
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    let ran = desk.run(&["ingest", "fees-education"]).ok();
    assert!(ran.stdout.contains("Evidence 0002 taken"), "{}", ran.stdout);
}

/// Takes weeks and channels out of evidence, as an earlier version left it.
fn make_old(desk: &Desk, folder: &str) {
    use sha2::{Digest, Sha256};
    let file = |name: &str| format!("{folder}/{name}");
    let value = |name: &str| -> Value { serde_json::from_slice(&desk.read(&file(name))).unwrap() };
    let (mut head, mut manifest) = (value("evidence.json"), value("MANIFEST.json"));
    head.as_object_mut().unwrap().remove("scan").unwrap();
    let head = serde_json::to_string_pretty(&head).unwrap();
    let digest = Sha256::digest(head.as_bytes());
    let digest: String = digest.iter().map(|b| format!("{b:02x}")).collect();
    let files = manifest["files"].as_object_mut().unwrap();
    files["evidence.json"]["sha256"] = digest.into();
    files["evidence.json"]["bytes"] = head.len().into();
    for name in ["weekly.csv", "spillover.csv"] {
        files.remove(name).unwrap();
        std::fs::remove_file(desk.path(&file(name))).unwrap();
    }
    // Sets are kept read-only.
    for (name, text) in [
        ("evidence.json", head),
        ("MANIFEST.json", manifest.to_string()),
    ] {
        let _ = std::fs::remove_file(desk.path(&file(name)));
        desk.write(&file(name), &text);
    }
}

/// A log pilot in which customers begin on different days.
fn log_plan(more: &str) -> Experiment {
    let text = format!(
        r#"
schema = 1
[experiment]
name = "t"
seed = 7
[assignment]
method = "existing"
[[arms]]
name = "control"
control = true
weight = 1
[[arms]]
name = "video"
weight = 1
[periods]
start = "joined"
before_days = 0
after_days = 21
timezone = "Europe/Berlin"
[data.customers]
path = "data/roster.csv"
columns = {{ unit = "customer", arm = "group", start = "joined" }}
[data.contacts]
path = "data/log.csv"
columns = {{ unit = "customer", time = "created", reason = "topic", channel = "channel" }}
[[outcomes]]
name = "fees"
role = "primary"
kind = "count"
reasons = ["fees"]
{more}"#
    );
    parsed(&text)
}

fn parsed(text: &str) -> Experiment {
    experiment::parse_bytes(text.as_bytes(), Path::new("t.toml"))
        .unwrap_or_else(|e| panic!("{e}\n{text}"))
        .experiment
}

fn read(desk: &Desk, experiment: &Experiment) -> Scan {
    scan(&Request::new(experiment, desk.root(), &|_| Ok(()))).unwrap_or_else(|e| panic!("{e}"))
}

fn check<'a>(a: &'a Analysis, id: &str) -> &'a Check {
    a.checks.iter().find(|c| c.id == id).unwrap()
}

#[test]
fn weeks_are_the_customers_own_and_have_168_hours() {
    let desk = Desk::new();
    desk.write(
        "data/roster.csv",
        "customer,group,joined\nA,control,2026-10-20\nB,video,2026-10-01\nC,video,2026-10-02\n",
    );
    // A's clock goes back an hour in the first week, which therefore ends at 23:00.
    desk.write(
        "data/log.csv",
        "customer,created,topic,channel\n\
         A,2026-10-26T22:59:00,fees,chat\nA,2026-10-26T23:01:00,fees,chat\nA,2026-10-26T23:02:00,fees,chat\n\
         A,2026-11-09T23:30:00,fees,chat\nB,2026-10-01T00:00:00,fees,phone\nB,2026-10-21T23:59:00,fees,\n\
         B,2026-10-03T12:00:00,card,phone\nC,2026-10-22T23:59:59,other,chat\n",
    );
    let evidence = read(&desk, &log_plan("")).evidence;
    let weekly = evidence.outcomes[0].weekly.as_ref().unwrap();
    assert_eq!(weekly.weeks(), 3);
    let pair = |arm, week, other| {
        let p = weekly.pair(ArmId(arm), week, other);
        (p.customers, p.sum, p.other_sum, p.product)
    };
    // The hour that the clocks add at the end of A's three weeks is in none of them.
    assert_eq!(pair(0, 0, 0), (1, 1, 1, 1));
    assert_eq!(pair(0, 1, 0), (1, 2, 1, 2));
    assert_eq!(pair(0, 2, 2), (1, 0, 0, 0));
    assert_eq!(pair(1, 2, 0), (2, 1, 1, 1));
    let spillover = evidence.spillover.as_ref().unwrap();
    let measures: Vec<String> = spillover
        .measures()
        .iter()
        .map(|(m, sums)| format!("{m:?} {} {}", sums[0].sum, sums[1].sum))
        .collect();
    assert_eq!(
        measures,
        [
            "OtherReasons 0 2",
            "Channel(\"chat\") 4 0",
            "Channel(\"phone\") 0 1"
        ]
    );
}

#[test]
fn a_column_of_too_many_values_is_no_channel() {
    let desk = Desk::new();
    desk.write(
        "data/roster.csv",
        "customer,group,joined\nA,control,2026-10-01\nB,video,2026-10-01\n",
    );
    let rows: String = (0..30)
        .map(|i| format!("A,2026-10-0{}T12:00:00,fees,c{i}\n", 1 + i % 9))
        .collect();
    desk.write(
        "data/log.csv",
        format!("customer,created,topic,channel\n{rows}"),
    );
    let experiment = log_plan("");
    let evidence = read(&desk, &experiment).evidence;
    let spillover = evidence.spillover.as_ref().unwrap();
    assert!(spillover.many_channels);
    assert_eq!(spillover.measures().len(), 1);
}

/// Cells of two large arms with weeks that the test gives: Σ by week of the treatment arm.
fn cells_pilot(desk: &Desk, sums: [u64; 6], business: &str) -> Experiment {
    let n = 20_000u64;
    desk.write(
        "data/cells/cells.csv",
        format!("arm,after,customers\ncontrol,1,{n}\nvideo,1,{n}\n"),
    );
    let mut weekly = String::from("outcome,arm,week,other_week,customers,sum,other_sum,product\n");
    for (arm, sums) in [("control", [4000; 6]), ("video", sums)] {
        for w in 0..6 {
            for v in 0..=w {
                // At most one contact a week, independent from week to week.
                let product = if v == w {
                    sums[w]
                } else {
                    sums[w] * sums[v] / n
                };
                let (a, b) = (w + 1, v + 1);
                let row = format!("fees,{arm},{a},{b},{n},{},{},{product}\n", sums[w], sums[v]);
                weekly.push_str(&row);
            }
        }
    }
    desk.write("data/cells/weekly.csv", &weekly);
    parsed(&format!(
        r#"
schema = 1
[experiment]
name = "t"
seed = 7
[assignment]
method = "existing"
[[arms]]
name = "control"
control = true
weight = 1
[[arms]]
name = "video"
weight = 1
[data.cells]
path = "data/cells"
[[outcomes]]
name = "fees"
role = "primary"
kind = "count"
[analysis]
permutations = 0
{business}"#
    ))
}

#[test]
fn a_fading_effect_contradicts_a_case_without_fade() {
    let fading = [2000, 2600, 3100, 3400, 3600, 3700];
    let lasting = [3000, 3010, 2990, 3000, 3005, 2995];
    let growing = [3900, 3700, 3500, 3300, 3100, 2900];
    let none = "[business]\ncurrency = \"EUR\"\nhalf_life_months = \"none\"\n";
    let months = "[business]\ncurrency = \"EUR\"\nhalf_life_months = 6\n";
    for (sums, business, status, says) in [
        (fading, none, Status::Warn, "half of it is lost in about"),
        (fading, months, Status::Info, "half_life_months"),
        (fading, "", Status::Info, "fades"),
        (lasting, none, Status::Ok, "No change"),
        (growing, none, Status::Info, "grows"),
    ] {
        let desk = Desk::new();
        let experiment = cells_pilot(&desk, sums, business);
        let evidence = read(&desk, &experiment).evidence;
        let analysis = analyze(&experiment, &evidence, Phase::Ended).unwrap();
        let found = check(&analysis, "persistence");
        assert_eq!(found.status, status, "{found:?}");
        assert!(found.detail.contains(says), "{}", found.detail);
        assert_eq!(check(&analysis, "spillover").status, Status::NotRun);
        // Nothing by arm before the end.
        let running = analyze(&experiment, &evidence, Phase::Running).unwrap();
        assert!(running.weekly.is_none());
        assert_eq!(check(&running, "persistence").status, Status::NotRun);
    }
}

#[test]
fn a_question_that_moved_is_a_warning_that_says_where() {
    let spillover = |moved: u64, chat: u64| {
        let desk = Desk::new();
        let experiment = cells_pilot(&desk, [3000; 6], "");
        let row =
            |measure: &str, arm: &str, sum: u64| format!("{measure},{arm},20000,{sum},{sum}\n");
        let rows = [
            row("other-reasons,", "control", 2000),
            row("other-reasons,", "video", moved),
            row("channel,chat", "control", 1000),
            row("channel,chat", "video", chat),
        ];
        let head = "measure,channel,arm,customers,sum,squares\n";
        desk.write(
            "data/cells/spillover.csv",
            &(head.to_string() + &rows.concat()),
        );
        let evidence = read(&desk, &experiment).evidence;
        let analysis = analyze(&experiment, &evidence, Phase::Ended).unwrap();
        let found = check(&analysis, "spillover").clone();
        (found.status, found.detail)
    };
    assert_eq!(spillover(2010, 990).0, Status::Ok);
    let (status, detail) = spillover(2400, 990);
    assert_eq!(status, Status::Warn);
    assert!(
        detail.contains("more contacts for other reasons"),
        "{detail}"
    );
    let (status, detail) = spillover(2010, 1300);
    assert_eq!(status, Status::Warn);
    assert!(detail.contains("channel \"chat\""), "{detail}");
    // Fewer of the outcome's contacts in a channel is the effect itself.
    assert_eq!(spillover(2010, 500).0, Status::Ok);
}

#[test]
fn weeks_that_do_not_fit_are_refused_with_file_and_line() {
    let desk = Desk::new();
    let experiment = cells_pilot(&desk, [3000; 6], "");
    let sound = String::from_utf8(desk.read("data/cells/weekly.csv")).unwrap();
    for (from, to) in [
        ("fees,video,1,1,20000,3000,3000,3000\n", ""),
        ("fees,video,1,1,20000,3000", "fees,video,1,1,20001,3000"),
        ("fees,video,1,1,", "fees,vidoe,1,1,"),
        ("3000,3000,3000\n", "3000,3000,x\n"),
    ] {
        let bent = sound.replacen(from, to, 1);
        assert_ne!(bent, sound);
        desk.write("data/cells/weekly.csv", &bent);
        let request = Request::new(&experiment, desk.root(), &|_| Ok(()));
        let error = scan(&request).unwrap_err().to_string();
        assert!(error.contains("weekly.csv"), "{error}");
    }
}
