//! A run that is killed leaves the old state or the new one; a run that is interrupted leaves nothing.
#![cfg(unix)]

use std::fmt::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::pipeline::example;
use crate::support::{COUNTS_PLAN, Desk};

/// A roster and counts of 400 customers; arms come from `pilot assign`.
fn desk() -> Desk {
    let desk = Desk::new();
    let plan = COUNTS_PLAN
        .replace(
            "method = \"existing\"",
            "method = \"complete\"\nstrata = [\"plan\"]",
        )
        .replace(
            "columns = { unit = \"customer_id\", arm = \"arm\" }",
            "columns = { unit = \"customer_id\" }",
        );
    desk.write("experiments/t.toml", plan);
    let mut text = String::from("customer_id,plan,before,after\n");
    for i in 0..400 {
        let plan = if i % 3 == 0 { "basic" } else { "plus" };
        writeln!(text, "C{i:03},{plan},{},{}", i % 7, (i * 5 + i / 3) % 6).unwrap();
    }
    desk.write("data/counts.csv", text);
    desk
}

fn kill(signal: &str, pid: u32) {
    let done = Command::new("sh")
        .args(["-c", &format!("kill -{signal} {pid}")])
        .status()
        .unwrap();
    assert!(done.success());
}

fn desk_after(setup: &[&[&str]]) -> Desk {
    let desk = desk();
    setup.iter().for_each(|c| drop(desk.run(c).ok()));
    desk
}

/// Runs a command and kills it; whether it was still running.
fn kill_after(desk: &Desk, command: &[&str], delay: Duration) -> bool {
    let mut child = desk
        .command(command)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(delay);
    child.kill().unwrap();
    !child.wait().unwrap().success()
}

/// Kills a run at a share of its length, and says whether it could: where one is over by then, since
/// the machine is quicker now than when it was measured, the next is killed sooner.
fn killed_at(
    fresh: impl Fn() -> Desk,
    command: &[&str],
    whole: &mut Duration,
    share: f64,
) -> (Desk, bool) {
    for _ in 0..5 {
        let desk = fresh();
        if kill_after(&desk, command, whole.mul_f64(share)) {
            return (desk, true);
        }
        *whole = whole.mul_f64(0.8);
    }
    (fresh(), false)
}

/// Visible files of the pilot; what begins with a dot is in the making.
fn visible(desk: &Desk) -> Vec<String> {
    let mut names: Vec<String> = desk.files().into_keys().collect();
    names.retain(|n| !n.ends_with('/') && !n.split('/').any(|part| part.starts_with('.')));
    names
}

/// Every numbered folder and the report are whole: what their manifest lists is there.
fn assert_whole(desk: &Desk, context: &str) {
    let names = visible(desk);
    for manifest in names.iter().filter(|n| n.ends_with("MANIFEST.json")) {
        let folder = manifest.trim_end_matches("MANIFEST.json");
        let listed: serde_json::Value = serde_json::from_slice(&desk.read(manifest)).unwrap();
        for file in listed["files"].as_object().unwrap().keys() {
            assert!(
                names.contains(&format!("{folder}{file}")),
                "{context}: {folder}{file} is missing"
            );
        }
    }
    for name in &names {
        let numbered = ["evidence/", "analyses/", "signed/"]
            .iter()
            .any(|s| name.contains(s));
        if numbered || name.starts_with("reports/t/") {
            let folder = &name[..name.rfind('/').unwrap()];
            assert!(
                names.contains(&format!("{folder}/MANIFEST.json")),
                "{context}: {name} is in no whole set"
            );
        }
    }
    for (folder, line) in [("analyses", "\"analyze\""), ("signed", "\"sign\"")] {
        let folder = format!("experiments/t/{folder}/");
        if names.iter().any(|n| n.starts_with(&folder)) {
            let ledger = String::from_utf8(desk.read("experiments/t/ledger.jsonl")).unwrap();
            assert!(
                ledger.contains(line),
                "{context}: {folder} without its line in the ledger"
            );
        }
    }
}

const SIGN: [&str; 10] = [
    "sign",
    "t",
    "--decision",
    "stop",
    "--by",
    "A. Finance",
    "--role",
    "Finance",
    "--because",
    "a rehearsal",
];

#[test]
fn a_killed_run_leaves_the_old_state_or_the_new_one() {
    let reference = {
        let desk = desk();
        desk.run(&["assign", "t"]).ok();
        let json = desk.run(&["analyze", "t", "--json"]).ok().json();
        (
            desk.read("experiments/t/assignment.csv"),
            json["estimates"].clone(),
        )
    };
    let analyzed: [&[&str]; 2] = [&["assign", "t"], &["analyze", "t"]];
    let commands: [(&[&str], &[&[&str]]); 4] = [
        (&["assign", "t"], &[]),
        (&["ingest", "t"], &analyzed[..1]),
        (&["analyze", "t"], &analyzed[..1]),
        (&SIGN, &analyzed),
    ];
    let mut killed = 0;
    for (command, setup) in commands {
        let mut whole = {
            let desk = desk_after(setup);
            let begun = Instant::now();
            desk.run(command).ok();
            begun.elapsed()
        };
        for moment in 0..17u32 {
            // Later moments are denser: files are written at the end of a run.
            let at = 1.0 - (1.0 - f64::from(moment) / 17.0).powi(2);
            let fresh = || desk_after(setup);
            let (desk, was_killed) = killed_at(fresh, command, &mut whole, at);
            killed += u32::from(was_killed);
            let context = format!("{} at moment {moment}", command[0]);
            assert_whole(&desk, &context);
            if command[0] == "assign" && desk.path("experiments/t/assignment.csv").exists() {
                assert_eq!(
                    desk.read("experiments/t/assignment.csv"),
                    reference.0,
                    "{context}"
                );
            }
            if !desk.path("experiments/t/assignment.csv").exists() {
                let again = desk.run(&["assign", "t"]);
                // A kill between the ledger's entry and the rename is completed by the lock of the second run.
                assert!(
                    again.code == 0 || again.stderr.contains("already have their arms"),
                    "{context}: {}",
                    again.stderr
                );
            }
            assert_eq!(
                desk.read("experiments/t/assignment.csv"),
                reference.0,
                "{context}"
            );
            let second = desk.run(&["analyze", "t", "--json"]).ok();
            assert_eq!(second.json()["estimates"], reference.1, "{context}");
            if command[0] == "sign" {
                desk.run(&SIGN).ok();
                desk.run(&["verify", "t"]).ok();
            }
            assert_whole(&desk, &context);
            assert_eq!(temporary(&desk), Vec::<String>::new(), "{context}");
        }
    }
    assert!(
        killed >= 53,
        "only {killed} of 68 runs were killed in time: are the moments still right?"
    );
}

/// Moments of a kill, as shares of a whole run; later ones are denser.
const MOMENTS: [f64; 9] = [0.1, 0.3, 0.5, 0.65, 0.75, 0.85, 0.9, 0.95, 0.99];

/// So many of them come before the run is over, also where it is quicker than the first.
const MANY: u32 = 4;

/// How long a command takes.
fn whole(desk: &Desk, command: &[&str]) -> Duration {
    let begun = Instant::now();
    desk.run(command).ok();
    begun.elapsed()
}

fn temporary(desk: &Desk) -> Vec<String> {
    let mut names: Vec<String> = desk.files().into_keys().collect();
    names.retain(|n| n.contains(".tmp-") || n.contains(".next"));
    names
}

#[test]
#[cfg(feature = "pdf")]
fn a_killed_page_is_whole_or_absent() {
    const SHOW: [&str; 4] = ["show", "t", "--pdf", "plan.pdf"];
    let first = desk();
    let mut took = whole(&first, &SHOW);
    let page = first.read("plan.pdf");
    let mut killed = 0;
    for moment in MOMENTS {
        let (desk, was_killed) = killed_at(desk, &SHOW, &mut took, moment);
        killed += u32::from(was_killed);
        if !desk.path("plan.pdf").exists() {
            desk.run(&SHOW).ok();
        }
        assert_eq!(desk.read("plan.pdf"), page, "killed at {moment}");
    }
    assert!(killed >= MANY, "only {killed} runs were killed in time");
}

#[test]
fn a_killed_re_estimate_is_a_line_or_none() {
    const CHECK: [&str; 7] = [
        "check",
        "fees-education",
        "--re-estimate",
        "--reduction",
        "0.05",
        "--as-of",
        "2026-10-01",
    ];
    let assigned = || {
        let desk = example("fees-education");
        desk.run(&["assign", "fees-education"]).ok();
        desk
    };
    let lines = |desk: &Desk| {
        let ledger = String::from_utf8(desk.read("experiments/fees-education/ledger.jsonl"));
        let ledger = ledger.unwrap();
        ledger.matches("\"kind\":\"re-estimate\"").count()
    };
    let first = assigned();
    let mut took = whole(&first, &CHECK);
    assert_eq!(lines(&first), 1);
    let mut killed = 0;
    for moment in MOMENTS {
        let (desk, was_killed) = killed_at(assigned, &CHECK, &mut took, moment);
        killed += u32::from(was_killed);
        let before = lines(&desk);
        assert!(before <= 1);
        desk.run(&CHECK).ok();
        assert_eq!(lines(&desk), before + 1, "killed at {moment}");
        desk.run(&["verify", "fees-education"]).ok();
        assert_eq!(temporary(&desk), Vec::<String>::new(), "killed at {moment}");
    }
    assert!(killed >= MANY, "only {killed} runs were killed in time");
}

#[test]
fn an_interrupted_run_ends_within_a_second_and_leaves_nothing() {
    let desk = desk();
    desk.run(&["assign", "t"]).ok();
    // Enough rows that the scan takes a while.
    let mut text = String::from_utf8(desk.read("data/counts.csv")).unwrap();
    let rows = if cfg!(debug_assertions) {
        400_000
    } else {
        4_000_000
    };
    for i in 0..rows {
        writeln!(text, "D{i},basic,{},{}", i % 97, i % 89).unwrap();
    }
    desk.write("data/counts.csv", text);
    // On a quick machine a run may be over before it is interrupted: then sooner.
    for delay in [200, 100, 50, 25, 12] {
        let mut child = desk
            .command(&["analyze", "t"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        let asked = Instant::now();
        if child.try_wait().unwrap().is_none() {
            kill("INT", child.id());
        }
        let status = child.wait().unwrap();
        let took = asked.elapsed();
        if status.success() {
            std::fs::remove_dir_all(desk.path("experiments/t/evidence")).unwrap();
            std::fs::remove_dir_all(desk.path("reports/t")).unwrap();
            continue;
        }
        assert_eq!(status.code(), Some(130));
        assert!(took < Duration::from_secs(1), "{took:?}");
        // Evidence that was complete by then is a finished step of its own and is kept, whole;
        // nothing of the analysis is, not even the lock.
        assert_whole(&desk, "interrupted");
        let of_analysis = |name: &String| {
            name.starts_with("experiments/t/analyses/") || name.starts_with("reports/t/")
        };
        let analysed: Vec<_> = desk.files().into_keys().filter(of_analysis).collect();
        assert!(analysed.is_empty(), "{analysed:?}");
        assert_eq!(temporary(&desk), Vec::<String>::new());
        desk.run(&["status"]).ok();
        desk.run(&["analyze", "t", "--no-report", "-q"]).ok();
        return;
    }
    panic!("every run was over before it could be interrupted");
}

#[test]
fn an_interrupted_demo_leaves_no_workspace() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("tmp")).unwrap();
    let workspaces = || std::fs::read_dir(desk.path("tmp")).unwrap().count();
    let mut child = desk
        .command(&["demo"])
        .env("TMPDIR", desk.path("tmp"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while workspaces() == 0 && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    kill("INT", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(workspaces(), 0);
}
