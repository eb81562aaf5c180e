//! Places that fail: a full disk, files without permission, plans and folders elsewhere.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{COUNTS_PLAN, Desk, program};

fn root() -> bool {
    let out = Command::new("id").arg("-u").output();
    out.is_ok_and(|o| o.stdout == b"0\n")
}

/// A small file system, unmounted when dropped.
struct Mount(PathBuf);

impl Mount {
    fn new(at: PathBuf, size: &str) -> Option<Self> {
        fs::create_dir_all(&at).unwrap();
        let options = format!("size={size}");
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(&at)
            .output();
        done.is_ok_and(|o| o.status.success()).then_some(Mount(at))
    }

    /// Fills what is left.
    fn fill(&self) -> PathBuf {
        use std::io::Write;
        let path = self.0.join("filler");
        let mut file = fs::File::create(&path).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        path
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

fn counts(customers: usize, arms: bool) -> String {
    let mut text = String::from(if arms {
        "customer_id,arm,before,after\n"
    } else {
        "customer_id,before,after\n"
    });
    for i in 0..customers {
        let arm = match (arms, i % 2) {
            (false, _) => "",
            (true, 0) => "control,",
            (true, _) => "treatment,",
        };
        text.push_str(&format!("C{i:05},{arm}{},{}\n", i % 7, (i * 5 + i / 3) % 6));
    }
    text
}

/// All files but the lock and the filler.
fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if !name.ends_with(".lock") && name != "filler" {
                found.push((path.clone(), fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_full_disk_is_said_and_leaves_the_old_state() {
    let desk = Desk::new();
    let disk = root()
        .then(|| Mount::new(desk.path("disk"), "8m"))
        .flatten();
    let Some(disk) = disk else {
        println!("SKIPPED disk-full: needs root and mount");
        return;
    };
    let dir = disk.0.clone();
    let write = |name: &str, text: &str| {
        fs::create_dir_all(dir.join(name).parent().unwrap()).unwrap();
        fs::write(dir.join(name), text).unwrap();
    };
    write("pilot.toml", "");
    fs::create_dir_all(dir.join("reports")).unwrap();
    write("experiments/t.toml", COUNTS_PLAN);
    write("data/counts.csv", &counts(300, true));
    let assigned = COUNTS_PLAN
        .replace("name = \"t\"", "name = \"u\"")
        .replace("method = \"existing\"", "method = \"complete\"")
        .replace(", arm = \"arm\"", "")
        .replace("counts.csv", "roster.csv");
    write("experiments/u.toml", &assigned);
    write("data/roster.csv", &counts(3000, false));
    let run = |args: &[&str]| {
        let out = program().current_dir(&dir).args(args).output().unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        (out.status.code().unwrap_or(-1), text)
    };
    for args in [
        ["assign", "u"],
        ["ingest", "t"],
        ["analyze", "t"],
        ["analyze", "t"],
    ] {
        let before = files(&dir);
        let filler = disk.fill();
        let (code, text) = run(&[args[0], args[1], "--json"]);
        assert_eq!(code, 2, "{args:?}: {text}");
        let said: Value = serde_json::from_str(&text).unwrap();
        assert!(
            said["error"]["hint"]
                .as_str()
                .is_some_and(|h| !h.is_empty()),
            "{said}"
        );
        fs::remove_file(filler).unwrap();
        assert!(before == files(&dir), "{args:?} changed the workspace");
        let (code, text) = run(&args);
        assert_eq!(code, 0, "{args:?}: {text}");
    }
}

#[test]
fn a_file_without_permission_is_named() {
    let desk = Desk::new();
    desk.write("experiments/t.toml", COUNTS_PLAN);
    desk.write("data/counts.csv", counts(120, true));
    let mut command = if root() {
        // Root may read everything, so the program runs as nobody, from a place that nobody sees.
        let copy = desk.path("pilot-copy");
        fs::copy(env!("CARGO_BIN_EXE_pilot"), &copy).unwrap();
        let mut folders = vec![desk.root().to_path_buf()];
        while let Some(folder) = folders.pop() {
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
            let entries = fs::read_dir(folder).unwrap().flatten();
            folders.extend(entries.map(|e| e.path()).filter(|p| p.is_dir()));
        }
        let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
        let able = Command::new("setpriv")
            .args(nobody)
            .arg(&copy)
            .arg("--version")
            .output();
        if !able.is_ok_and(|o| o.status.success()) {
            println!("SKIPPED no-permission: runs as root and cannot become nobody");
            return;
        }
        let mut c = Command::new("setpriv");
        c.args(nobody).arg(copy);
        c
    } else {
        program()
    };
    let data = desk.path("data/counts.csv");
    fs::set_permissions(&data, fs::Permissions::from_mode(0o000)).unwrap();
    let out = command
        .current_dir(desk.root())
        .args(["analyze", "t", "--json"])
        .output()
        .unwrap();
    let said: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(out.status.code(), Some(2), "{said}");
    let error = &said["error"];
    assert_eq!(error["file"], "data/counts.csv", "{said}");
    assert!(
        error["hint"]
            .as_str()
            .is_some_and(|h| h.contains("may read")),
        "{said}"
    );
    assert!(!desk.path("experiments/t/evidence/0001").exists());
}

#[test]
fn a_plan_elsewhere_and_a_folder_that_is_a_link() {
    let desk = Desk::new();
    desk.write("data/counts.csv", counts(120, true));
    let elsewhere = tempfile::tempdir().unwrap();
    let plan = elsewhere.path().join("t.toml");
    fs::write(&plan, COUNTS_PLAN).unwrap();
    let before = desk.files();
    let refused = desk.run(&["analyze", plan.to_str().unwrap(), "--json"]);
    assert_eq!(refused.code, 2, "{}", refused.stdout);
    assert!(refused.json()["error"]["hint"].is_string());
    assert_eq!(desk.files(), before);
    assert_eq!(
        fs::read_dir(elsewhere.path()).unwrap().count(),
        1,
        "nothing is written elsewhere"
    );

    // What a pilot keeps may lie on another disk: the link stays, and the files are behind it.
    desk.write("experiments/t.toml", COUNTS_PLAN);
    let store = elsewhere.path().join("store");
    fs::create_dir(&store).unwrap();
    symlink(&store, desk.path("experiments/t")).unwrap();
    let ran = desk.run(&["analyze", "t", "--json"]);
    if ran.code == 0 {
        assert!(desk.path("experiments/t").is_symlink());
        assert!(
            store.join("evidence/0001/MANIFEST").is_file() || store.join("evidence/0001").is_dir()
        );
    } else {
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.json()["error"]["hint"].is_string());
    }
}

#[test]
fn evidence_is_retaken_when_data_or_their_reading_change_and_only_then() {
    let desk = Desk::new();
    desk.write("experiments/t.toml", COUNTS_PLAN);
    desk.write("data/counts.csv", counts(120, true));
    let ingest = || desk.run(&["ingest", "t", "--json"]).ok().json();
    let number = |v: &Value| {
        (
            v["evidence"].as_u64().unwrap(),
            v["fresh"].as_bool().unwrap(),
        )
    };
    assert_eq!(number(&ingest()), (1, true));
    assert_eq!(number(&ingest()), (1, false));
    // The analysis and titles do not change what is read; arms, outcomes and rows do.
    let edits = [
        ("permutations = 999", "permutations = 1999", false),
        (
            "name = \"treatment\"",
            "name = \"treatment\"\ntitle = \"Tip\"",
            false,
        ),
        (
            "role = \"primary\"",
            "role = \"primary\"\nkind = \"mean\"\nbetter = \"lower\"",
            true,
        ),
        (
            "arm = \"arm\" }",
            "arm = \"arm\" }\nmax_bad_rows = 0.02",
            true,
        ),
    ];
    let mut at = 1;
    let mut plan = COUNTS_PLAN.to_string();
    for (from, to, again) in edits {
        assert!(plan.contains(from));
        plan = plan.replace(from, to);
        desk.write("experiments/t.toml", &plan);
        at += u64::from(again);
        assert_eq!(number(&ingest()), (at, again), "{to}");
    }
    desk.write("data/counts.csv", counts(122, true));
    assert_eq!(number(&ingest()), (at + 1, true));
    let old = desk.run(&["analyze", "t", "--evidence", "1", "--json", "--no-report"]);
    assert_eq!(old.code, 2);
    assert!(
        old.stdout.contains("other arms, outcomes or data"),
        "{}",
        old.stdout
    );
    let same = desk.run(&[
        "analyze",
        "t",
        "--evidence",
        &at.to_string(),
        "--json",
        "--no-report",
    ]);
    assert_eq!(
        same.ok().json()["evidence"]["customers_by_arm"],
        serde_json::json!([60, 60])
    );
    let none = desk.run(&["analyze", "t", "--evidence", "99", "--json"]);
    assert_eq!(none.code, 2, "{}", none.stdout);
}

#[test]
fn nothing_by_arm_is_shown_for_a_day_still_to_come() {
    let desk = Desk::new();
    desk.write("experiments/t.toml", COUNTS_PLAN);
    desk.write("data/counts.csv", counts(120, true));
    let ran = desk.run(&["analyze", "t", "--as-of", "9998-01-01", "--json"]);
    assert_eq!(ran.code, 2);
    assert_eq!(ran.json()["error"]["key"], "--as-of");
}

#[test]
fn a_changed_assignment_stops() {
    let desk = Desk::new();
    let plan = COUNTS_PLAN
        .replace("method = \"existing\"", "method = \"complete\"")
        .replace(", arm = \"arm\"", "");
    desk.write("experiments/t.toml", plan);
    desk.write("data/counts.csv", counts(120, false));
    desk.run(&["assign", "t"]).ok();
    desk.run(&["ingest", "t"]).ok();
    let file = "experiments/t/assignment.csv";
    let text = String::from_utf8(desk.read(file)).unwrap();
    desk.write(file, text.replacen("control", "treatment", 1));
    for command in ["ingest", "analyze"] {
        let ran = desk.run(&[command, "t", "--json"]);
        assert_eq!(ran.code, 3, "{}", ran.stdout);
        assert!(ran.json()["error"]["hint"].is_string());
    }
    assert!(!desk.path("experiments/t/evidence/0002").exists());
}

#[test]
fn evidence_is_retaken_when_a_hashed_assignment_has_grown() {
    let desk = Desk::new();
    let plan = COUNTS_PLAN
        .replace("method = \"existing\"", "method = \"hashed\"")
        .replace(", arm = \"arm\"", "");
    desk.write("experiments/t.toml", plan);
    desk.write("data/counts.csv", counts(120, false));
    desk.run(&["assign", "t"]).ok();
    let ingest = || desk.run(&["ingest", "t", "--json"]).ok().json();
    assert_eq!(ingest()["audit"]["unassigned_customers"], 0);
    // New customers have no arm until `assign` runs again; the rows are counted, not lost.
    desk.write("data/counts.csv", counts(150, false));
    let second = ingest();
    assert_eq!(second["audit"]["unassigned_customers"], 30);
    assert_eq!(second["audit"]["customers"], 120);
    desk.run(&["assign", "t"]).ok();
    let third = ingest();
    assert_eq!(
        (&third["evidence"], &third["fresh"]),
        (&3.into(), &true.into())
    );
    assert_eq!(third["audit"]["unassigned_customers"], 0);
    assert_eq!(third["audit"]["customers"], 150);
}
