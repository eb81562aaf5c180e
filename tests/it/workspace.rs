//! The workspace: paths, locks, whole-or-not writes, the ledger, and what `kill -9` leaves.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use pilot::error::Kind;
use pilot::workspace::{
    Digest, Draft, Ledger, Lock, Note, NumberedSet, Pilot, Seal, Staged, Workspace, check_name,
    kind, swap_folder, verify, write_new, write_whole,
};
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use tempfile::TempDir;

const PLAN: &[u8] = b"schema = 1\n[experiment]\nname = \"fees\"\n";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

/// A workspace with the plan of a pilot `fees`.
fn workspace() -> (TempDir, Pilot) {
    let dir = tempfile::tempdir().unwrap();
    let (workspace, _) = Workspace::init(dir.path(), &[]).unwrap();
    let pilot = workspace.pilot("fees").unwrap();
    fs::write(pilot.plan_path(), PLAN).unwrap();
    (dir, pilot)
}

fn lock(pilot: &Pilot) -> Lock {
    pilot.lock("test", at(0)).unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn init_makes_what_is_missing_and_leaves_what_is_there() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(".gitignore"), "mine").unwrap();
    fs::create_dir(dir.path().join("data")).unwrap();
    let example: (&str, &[u8]) = ("experiments/example.toml", PLAN);
    let (workspace, done) = Workspace::init(dir.path(), &[example]).unwrap();
    assert_eq!(done.left, [PathBuf::from("data"), ".gitignore".into()]);
    assert_eq!(
        done.made,
        [
            "experiments",
            "reports",
            ".gitattributes",
            "experiments/example.toml",
            "pilot.toml"
        ]
        .map(PathBuf::from)
    );
    assert_eq!(fs::read(dir.path().join(".gitignore")).unwrap(), b"mine");
    assert_eq!(workspace.plans().unwrap().names, ["example"]);

    fs::write(workspace.experiments().join("example.toml"), "mine").unwrap();
    let (_, again) = Workspace::init(dir.path(), &[example]).unwrap();
    assert!(again.made.is_empty());
    assert_eq!(
        fs::read(workspace.experiments().join("example.toml")).unwrap(),
        b"mine"
    );

    let blocked = tempfile::tempdir().unwrap();
    fs::write(blocked.path().join("reports"), "a file").unwrap();
    assert!(Workspace::init(blocked.path(), &[]).is_err());
    assert!(Workspace::open(blocked.path()).is_err());
    assert!(Workspace::init(blocked.path(), &[("../outside", b"")]).is_err());
}

#[cfg(unix)]
#[test]
fn files_are_made_with_the_users_own_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, pilot) = workspace();
    fs::write(dir.path().join("plain"), "").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        mode(&dir.path().join("pilot.toml")),
        mode(&dir.path().join("plain"))
    );
    let lock = lock(&pilot);
    let mut set = NumberedSet::begin(&lock, &pilot.evidence()).unwrap();
    set.write("cells.csv", b"x").unwrap();
    let set = set.commit().unwrap();
    assert_eq!(mode(&set.path), mode(&dir.path().join("data")));
    assert_eq!(
        mode(&set.path.join("cells.csv")),
        mode(&dir.path().join("plain"))
    );
}

#[test]
fn a_workspace_is_found_upwards_and_a_plan_by_name_or_path() {
    let (dir, pilot) = workspace();
    let deep = dir.path().join("data/a/b");
    fs::create_dir_all(&deep).unwrap();
    let workspace = Workspace::find(&deep).unwrap();
    assert_eq!(&workspace, pilot.workspace());
    assert_eq!(Workspace::open(&deep).unwrap_err().kind(), Kind::Workspace);
    let nowhere = tempfile::tempdir().unwrap();
    assert_eq!(
        Workspace::find(nowhere.path()).unwrap_err().kind(),
        Kind::Workspace
    );

    assert_eq!(workspace.resolve(&deep, "fees").unwrap(), pilot);
    assert_eq!(
        workspace
            .resolve(&deep, "../../../experiments/fees.toml")
            .unwrap(),
        pilot
    );
    let absolute = pilot.plan_path();
    let absolute = absolute.to_str().unwrap();
    assert_eq!(
        Workspace::locate(None, nowhere.path(), absolute).unwrap(),
        pilot
    );
    assert_eq!(
        Workspace::locate(Some(dir.path()), nowhere.path(), "fees").unwrap(),
        pilot
    );
    assert_eq!(Workspace::locate(None, &deep, "fees").unwrap(), pilot);
    assert!(Workspace::locate(None, nowhere.path(), "fees").is_err());

    let error = workspace.resolve(&deep, "fee").unwrap_err();
    assert_eq!(error.hint_text(), Some("did you mean `fees`?"));
    let stray = deep.join("fees.toml");
    fs::write(&stray, PLAN).unwrap();
    let error = workspace.resolve(&deep, "./fees.toml").unwrap_err();
    assert_eq!(error.kind(), Kind::Usage);
    assert!(workspace.resolve(&deep, "./none.toml").is_err());
    assert!(workspace.resolve(&deep, "nowhere/none.toml").is_err());
    assert!(Workspace::locate(None, &deep, "nowhere/none.toml").is_err());
}

#[test]
fn names_cannot_leave_the_workspace() {
    let (_dir, pilot) = workspace();
    let long = "a".repeat(64);
    for good in ["a", "0", "fees-education", "a-", long.as_str()] {
        assert!(check_name(good).is_ok(), "{good}");
    }
    let longer = "a".repeat(65);
    for bad in [
        "",
        "-a",
        "A",
        "a.b",
        "..",
        ".",
        "a/b",
        "a\\b",
        "a b",
        "a\n",
        "é",
        "شعبه",
        "a\0",
        longer.as_str(),
    ] {
        assert!(pilot.workspace().pilot(bad).is_err(), "{bad:?}");
    }
    fs::write(pilot.workspace().experiments().join("Fees 2.toml"), PLAN).unwrap();
    fs::write(pilot.workspace().experiments().join(".x.toml"), PLAN).unwrap();
    let plans = pilot.workspace().plans().unwrap();
    assert_eq!(plans.names, ["fees"]);
    assert_eq!(
        plans.misnamed,
        [pilot.workspace().experiments().join("Fees 2.toml")]
    );
}

#[cfg(unix)]
#[test]
fn links_are_not_written_through() {
    let outside = tempfile::tempdir().unwrap();
    type Place = fn(&Pilot) -> PathBuf;
    let places: [Place; 3] = [
        |pilot| pilot.dir(),
        |pilot| pilot.report_dir(),
        |pilot| pilot.workspace().experiments().join(".fees.lock"),
    ];
    for place in places {
        let (_dir, pilot) = workspace();
        std::os::unix::fs::symlink(outside.path().join("x"), place(&pilot)).unwrap();
        let error = pilot.lock("test", at(0)).unwrap_err();
        assert_eq!(error.kind(), Kind::Workspace, "{error}");
    }
    assert!(names(outside.path()).is_empty());
}

#[test]
fn one_lock_a_pilot_names_its_holder_and_leaves_nothing() {
    let (_dir, pilot) = workspace();
    let other = pilot.workspace().pilot("other").unwrap();
    let before = names(&pilot.workspace().experiments());
    let held = pilot.lock("analyze fees", at(0)).unwrap();
    let _other = lock(&other);
    let error = pilot.lock("assign fees", at(1)).unwrap_err();
    assert_eq!(error.kind(), Kind::Workspace);
    let holder = format!(
        "pilot `fees` is in use by process {}, `analyze fees`, since {}",
        std::process::id(),
        at(0)
    );
    assert_eq!(error.message(), holder);
    drop((held, _other));
    drop(lock(&pilot));
    assert_eq!(names(&pilot.workspace().experiments()), before);
}

#[test]
fn of_many_who_want_a_lock_one_at_a_time_has_it() {
    let (dir, pilot) = workspace();
    let token = dir.path().join("token");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut had = 0;
                while had < 20 {
                    if let Ok(_lock) = pilot.lock("race", at(0)) {
                        fs::File::create_new(&token).unwrap();
                        fs::remove_file(&token).unwrap();
                        had += 1;
                    }
                }
            });
        }
    });
}

#[test]
fn a_file_is_there_whole_or_not_at_all() {
    let (dir, _) = workspace();
    let path = dir.path().join("data/new/x.csv");
    assert_eq!(
        write_whole(&path, b"one").unwrap().sha256,
        Digest::of(b"one")
    );
    let error = write_new(&path, b"two").unwrap_err();
    assert_eq!(error.kind(), Kind::Workspace);
    assert_eq!(fs::read(&path).unwrap(), b"one");
    let mut half = pilot::workspace::WholeFile::create(&path).unwrap();
    half.write_all(&[b'x'; 200_000]).unwrap();
    drop(half);
    assert_eq!(fs::read(&path).unwrap(), b"one");
    assert_eq!(names(path.parent().unwrap()), ["x.csv"]);
}

fn commit(lock: &Lock, files: &[(&str, &[u8])]) -> pilot::workspace::Set {
    let mut set = NumberedSet::begin(lock, &lock.pilot().evidence()).unwrap();
    for (name, bytes) in files {
        set.write(name, bytes).unwrap();
    }
    lock.commit_set(set, Draft::new(kind::INGEST, at(1)))
        .unwrap()
        .0
}

#[test]
fn numbers_are_never_used_twice_and_sets_without_manifest_are_reported() {
    let (_dir, pilot) = workspace();
    let lock = lock(&pilot);
    let series = pilot.evidence();
    assert_eq!(series.latest().unwrap(), None);
    let one = commit(&lock, &[("cells.csv", b"a,1\n"), ("weekly/fees.csv", b"b")]);
    assert_eq!((one.number, one.path.clone()), (1, series.path(1)));
    assert_eq!(one.read("weekly/fees.csv").unwrap(), b"b");
    assert!(one.read("other").is_err());
    // What a desktop leaves in a folder that somebody looked at is no tampering.
    fs::write(one.path.join(".DS_Store"), b"a desktop was here").unwrap();
    one.verify().unwrap();

    fs::create_dir(series.path(2)).unwrap();
    fs::write(series.path(2).join("cells.csv"), "half").unwrap();
    fs::write(series.dir().join("notes.txt"), "").unwrap();
    let listing = series.list().unwrap();
    assert_eq!(listing.sets, std::slice::from_ref(&one));
    assert_eq!(listing.ignored.len(), 2);
    assert!(listing.ignored[0].to_string().contains("no MANIFEST.json"));

    let three = commit(&lock, &[("cells.csv", b"c")]);
    assert_eq!(three.number, 3);
    fs::remove_dir_all(&three.path).unwrap();
    assert_eq!(commit(&lock, &[]).number, 4);

    fs::write(one.path.join("cells.csv"), "a,2\n").unwrap();
    assert_eq!(one.read("cells.csv").unwrap_err().kind(), Kind::Check);
    assert_eq!(one.verify().unwrap_err().kind(), Kind::Check);
    fs::write(one.path.join("cells.csv"), "longer").unwrap();
    assert_eq!(series.list().unwrap().sets.len(), 1);
}

#[test]
fn a_set_in_the_making_disappears_with_its_owner() {
    let (_dir, pilot) = workspace();
    let lock = lock(&pilot);
    let mut set = NumberedSet::begin(&lock, &pilot.analyses()).unwrap();
    set.write("a", b"x").unwrap();
    set.create("unfinished").unwrap().write_all(b"y").unwrap();
    assert_eq!(names(set.path()), ["a"]);
    fs::write(set.path().join("by-other.csv"), "z").unwrap();
    assert_eq!(set.adopt("by-other.csv").unwrap().sha256, Digest::of(b"z"));
    for bad in ["../x", "/x", "a/../x", ".x", "", "a//b", "c:x", "a\\b", "a"] {
        assert!(set.write(bad, b"").is_err(), "{bad}");
    }
    drop(set);
    assert!(names(pilot.analyses().dir()).is_empty());
}

#[test]
fn a_report_is_replaced_whole_and_what_is_not_its_own_stays() {
    let (_dir, pilot) = workspace();
    let _lock = lock(&pilot);
    let target = pilot.report_dir();
    let report = |files: &[(&str, &[u8])]| {
        let mut staged = Staged::begin(&target).unwrap();
        for (name, bytes) in files {
            staged.write(name, bytes).unwrap();
        }
        swap_folder(staged, &target).unwrap();
    };
    report(&[("summary.md", b"one"), ("old.svg", b"<svg/>")]);
    fs::write(target.join("my notes.txt"), "keep").unwrap();
    let signed = target.join("signed-0001");
    fs::create_dir(&signed).unwrap();
    fs::write(signed.join("sign-off.pdf"), "signed").unwrap();
    read_only(&signed, true);
    for text in [b"two", b"333"] {
        report(&[("summary.md", text), ("new.svg", b"<svg/>")]);
    }
    assert_eq!(
        names(&target),
        [
            "MANIFEST.json",
            "my notes.txt",
            "new.svg",
            "signed-0001",
            "summary.md"
        ]
    );
    assert_eq!(fs::read(target.join("summary.md")).unwrap(), b"333");
    assert_eq!(fs::read(signed.join("sign-off.pdf")).unwrap(), b"signed");
    assert!(fs::metadata(&signed).unwrap().permissions().readonly());
    assert!(
        fs::metadata(signed.join("sign-off.pdf"))
            .unwrap()
            .permissions()
            .readonly()
    );
    assert_eq!(names(&pilot.workspace().reports()), ["fees"]);
    read_only(&signed, false);

    let file = pilot.workspace().reports().join("file");
    fs::write(&file, "mine").unwrap();
    assert!(swap_folder(Staged::begin(&file).unwrap(), &file).is_err());
    assert_eq!(names(&pilot.workspace().reports()), ["fees", "file"]);
}

fn read_only(dir: &Path, on: bool) {
    for path in [dir.join("sign-off.pdf"), dir.to_owned()].iter().rev() {
        let mut permissions = fs::metadata(path).unwrap().permissions();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            permissions.set_mode(if on {
                permissions.mode() & !0o222
            } else {
                0o755
            });
        }
        #[cfg(not(unix))]
        permissions.set_readonly(on);
        fs::set_permissions(path, permissions).unwrap();
    }
}

#[test]
fn an_approval_keeps_the_plan_and_gives_a_seal() {
    let (_dir, pilot) = workspace();
    let lock = lock(&pilot);
    let draft = || {
        Draft::new("", at(5))
            .by("Maryam \"CFO\"\nAhmadi", "finance")
            .fact("customers", 5000)
    };
    let first = lock.approve(PLAN, draft()).unwrap();
    let changed = [PLAN, b"title = \"x\"\n"].concat();
    let second = lock.approve(&changed, draft()).unwrap();
    assert_eq!((first.number, second.number, second.entry), (1, 2, 2));
    assert_eq!(pilot.approved_plan(&first).unwrap(), PLAN);
    let ledger = pilot.ledger().unwrap();
    assert_eq!(ledger.latest_approval().unwrap(), Some(second.clone()));
    assert_eq!(ledger.approvals().unwrap(), [first.clone(), second.clone()]);
    assert_eq!(ledger.seal(), Some(second.seal));
    assert_eq!(ledger.entries()[0].number_fact("customers"), Some(5000));
    assert_eq!(second.plan_sha256, Digest::of(&changed));
    assert_ne!(first.seal, second.seal);

    fs::write(pilot.approved_path(1), &changed).unwrap();
    assert_eq!(pilot.approved_plan(&first).unwrap_err().kind(), Kind::Check);
    assert_eq!(
        verify(&pilot, None, None).unwrap_err().file_path(),
        Some(pilot.approved_path(1).as_path())
    );
}

#[test]
fn a_page_that_lies_where_plans_are_kept_is_never_written_over() {
    let (_dir, pilot) = workspace();
    fs::create_dir_all(pilot.approved_dir()).unwrap();
    fs::write(pilot.approved_dir().join("0007.pdf"), b"mine").unwrap();
    let approval = lock(&pilot).approve(PLAN, Draft::new("", at(5))).unwrap();
    assert_eq!(approval.number, 8);
}

#[test]
fn a_signed_set_is_read_only_also_where_a_killed_run_left_it_half_way() {
    let (_dir, pilot) = workspace();
    let held = lock(&pilot);
    let mut set = NumberedSet::begin(&held, &pilot.signed()).unwrap();
    set.write("summary.md", b"scale").unwrap();
    let draft = Draft::new(kind::SIGN, at(1));
    let (set, _) = held.commit_set(set, draft).unwrap();
    let writable = |path: &Path| !fs::metadata(path).unwrap().permissions().readonly();
    assert!(!writable(&set.path) && !writable(&set.path.join("summary.md")));
    drop(held);

    // Killed between its entry and its rename: the next lock puts it in place.
    let hidden = pilot.report_dir().join(".signed-0001.next");
    fs::rename(&set.path, &hidden).unwrap();
    let held = lock(&pilot);
    assert_eq!(held.repairs().len(), 1);
    assert!(set.path.join("summary.md").exists() && !hidden.exists());
    assert!(!writable(&set.path));
    assert!(verify(&pilot, None, None).is_ok());

    // Killed before its entry: nothing stays, though it was read-only.
    let mut half = NumberedSet::begin(&held, &pilot.signed()).unwrap();
    half.write("summary.md", b"stop").unwrap();
    let half = half.commit().unwrap();
    drop(held);
    let hidden = pilot.report_dir().join(".signed-0002.next");
    fs::rename(&half.path, &hidden).unwrap();
    let held = lock(&pilot);
    assert!(!hidden.exists());
    assert_eq!(held.pilot().signed().list().unwrap().sets.len(), 1);
}

/// A ledger of six entries.
fn long_ledger(pilot: &Pilot) -> Vec<Seal> {
    let lock = lock(pilot);
    lock.approve(PLAN, Draft::new("", at(1)).by("Ada", "finance"))
        .unwrap();
    (2..=6).for_each(|i| {
        let draft = Draft::new(kind::ANALYZE, at(i))
            .fact("look", i)
            .fact("z", json!({"b": 1.5, "a": null}));
        lock.append(draft).unwrap();
    });
    pilot
        .ledger()
        .unwrap()
        .entries()
        .iter()
        .map(|e| e.seal())
        .collect()
}

#[test]
fn the_ledger_is_canonical_and_chained_by_the_bytes_of_its_lines() {
    let (_dir, pilot) = workspace();
    let seals = long_ledger(&pilot);
    let text = fs::read_to_string(pilot.ledger_path()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with(r#"{"number":1,"kind":"approve","at":"2026-09-21T14:13:21Z","by":"Ada","role":"finance","facts":{"approval":1,"plan_sha256":""#));
    assert!(lines[0].ends_with(r#""},"previous":null}"#));
    let previous = Digest::of(lines[0].as_bytes());
    let second = format!(
        r#"{{"number":2,"kind":"analyze","at":"2026-09-21T14:13:22Z","by":null,"role":null,"facts":{{"look":2,"z":{{"a":null,"b":1.5}}}},"previous":"{previous}"}}"#
    );
    assert_eq!(lines[1], second);
    assert_eq!(pilot.ledger().unwrap().count(kind::ANALYZE), 5);

    let verified = verify(&pilot, Some(&seals[2]), None).unwrap();
    assert_eq!(
        (verified.entries, verified.proved_up_to, verified.seal),
        (6, Some(3), Some(seals[5]))
    );
    assert_eq!(verified.notes, [Note::LaterEntries(3)]);
    assert_eq!(
        verify(&pilot, None, None).unwrap().notes,
        [Note::NoOutsideProof]
    );
}

#[test]
fn verification_names_the_first_entry_that_does_not_fit() {
    let (_dir, pilot) = workspace();
    let seals = long_ledger(&pilot);
    let path = pilot.ledger_path();
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let misfit = |lines: &[String]| {
        fs::write(&path, lines.join("\n") + "\n").unwrap();
        let error = verify(&pilot, None, None).unwrap_err();
        assert_eq!(
            (error.kind(), error.file_path()),
            (Kind::Check, Some(path.as_path()))
        );
        (error.line_number().unwrap(), error.message().to_owned())
    };
    for edited in 0..6 {
        let mut lines = lines.clone();
        lines[edited] = lines[edited].replace("\"role\":", "\"role\" :");
        let (line, message) = misfit(&lines);
        assert_eq!(line, edited as u64 + 1, "{message}");
    }
    for edited in 0..5 {
        let mut lines = lines.clone();
        lines[edited] = lines[edited].replace("14:13:2", "14:13:3");
        assert_eq!(
            misfit(&lines).0,
            edited as u64 + 2,
            "the one after it does not follow"
        );
        lines.remove(edited);
        assert_eq!(misfit(&lines).0, edited as u64 + 1);
    }
    let mut swapped = lines.clone();
    swapped.swap(2, 3);
    assert_eq!(
        misfit(&swapped),
        (
            3,
            "entry 3 is numbered 4: entries were removed, added or put in another order".to_owned()
        )
    );
    let mut twice = lines.clone();
    twice.insert(2, lines[1].clone());
    assert_eq!(misfit(&twice).0, 3);
    let mut not_json = lines.clone();
    not_json[4] = "{".to_owned();
    assert_eq!(misfit(&not_json).0, 5);
    let torn = text.len() - 10;
    fs::write(&path, &text[..torn]).unwrap();
    assert_eq!(
        verify(&pilot, None, None).unwrap_err().line_number(),
        Some(6)
    );
    assert!(lock(&pilot).append(Draft::new("x", at(9))).is_err());

    // A cut tail is whole in itself; the seal that somebody kept shows it.
    fs::write(&path, lines[..4].join("\n") + "\n").unwrap();
    assert!(verify(&pilot, None, None).is_ok());
    assert!(verify(&pilot, Some(&seals[3]), None).is_ok());
    let error = verify(&pilot, Some(&seals[5]), None).unwrap_err();
    assert!(error.message().contains(&seals[5].to_string()));
    fs::remove_file(&path).unwrap();
    assert!(verify(&pilot, Some(&seals[0]), None).is_err());
}

#[test]
fn a_line_end_that_an_editor_dropped_is_no_loss() {
    let (_dir, pilot) = workspace();
    let seals = long_ledger(&pilot);
    let text = fs::read(pilot.ledger_path()).unwrap();
    fs::write(pilot.ledger_path(), text.strip_suffix(b"\n").unwrap()).unwrap();
    assert_eq!(pilot.ledger().unwrap().seal(), Some(seals[5]));
    lock(&pilot).append(Draft::new("x", at(9))).unwrap();
    assert!(fs::read(pilot.ledger_path()).unwrap().starts_with(&text));
    assert_eq!(
        verify(&pilot, Some(&seals[5]), None).unwrap().proved_up_to,
        Some(6)
    );
}

fn assign(lock: &Lock, text: &[u8]) {
    let mut file = lock.begin_assignment().unwrap();
    file.write_all(text).unwrap();
    lock.commit_assignment(file, Draft::new("", at(2))).unwrap();
}

#[test]
fn verification_covers_the_files_that_the_ledger_names() {
    let (_dir, pilot) = workspace();
    assert_eq!(pilot.checked_assignment().unwrap(), None);
    let held = lock(&pilot);
    assign(&held, b"unit,arm\na,x\n");
    assign(&held, b"unit,arm\na,x\nb,y\n");
    let set = commit(&held, &[("cells.csv", b"1")]);
    held.append(Draft {
        facts: set.facts(&pilot.evidence()),
        ..Draft::new(kind::ANALYZE, at(4))
    })
    .unwrap();
    let expected = Digest::of(b"unit,arm\na,x\nb,y\n");
    assert_eq!(pilot.checked_assignment().unwrap(), Some(expected));
    assert_eq!(
        verify(&pilot, None, None).unwrap().notes,
        [Note::NoOutsideProof, Note::NotApproved]
    );

    let whole = fs::read(set.path.join("cells.csv")).unwrap();
    fs::write(set.path.join("cells.csv"), "2").unwrap();
    assert_eq!(verify(&pilot, None, None).unwrap_err().kind(), Kind::Check);
    fs::write(set.path.join("cells.csv"), whole).unwrap();
    fs::write(pilot.assignment_path(), "unit,arm\na,y\nb,y\n").unwrap();
    assert_eq!(pilot.checked_assignment().unwrap_err().kind(), Kind::Check);
    assert_eq!(verify(&pilot, None, None).unwrap_err().kind(), Kind::Check);
    fs::remove_file(pilot.assignment_path()).unwrap();
    assert_eq!(pilot.checked_assignment().unwrap_err().kind(), Kind::Check);
    fs::remove_dir_all(&set.path).unwrap();
    let notes = verify(&pilot, None, None).unwrap().notes;
    assert!(notes.contains(&Note::Absent(pilot.assignment_path())));
    assert!(notes.contains(&Note::Absent(set.path)));
    fs::write(pilot.approved_path(7), PLAN)
        .or_else(|_| {
            fs::create_dir(pilot.approved_dir())
                .and_then(|()| fs::write(pilot.approved_path(7), PLAN))
        })
        .unwrap();
    assert!(
        verify(&pilot, None, None)
            .unwrap()
            .notes
            .contains(&Note::NotInLedger(pilot.approved_path(7)))
    );
    assert_eq!(held.approve(PLAN, Draft::new("", at(9))).unwrap().number, 8);
}

#[test]
fn seals_read_back_as_people_write_them() {
    // Crockford's base 32 of ff00…: worked by hand from the bits 11111 11100 00000 …
    let seal = Seal::of(
        &"ff00000000000000001fffffffffffffffffffffffffffffffffffffffffffff"
            .parse()
            .unwrap(),
    );
    assert_eq!(seal.to_string(), "ZW0000000000000Z");
    for text in [
        "zw0000000000000z",
        "ZW00-0000-0000-000Z",
        " zwoo oooo ooOo oooz ",
    ] {
        assert_eq!(text.parse::<Seal>().unwrap(), seal, "{text}");
    }
    for bad in [
        "",
        "ZW",
        "ZW0000000000000ZZ",
        "ZW0000000000000U",
        "ZW000000000000é0",
    ] {
        assert!(bad.parse::<Seal>().is_err(), "{bad}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_seal_reads_back(bytes in prop::array::uniform32(any::<u8>())) {
        let seal = Seal::of(&Digest::of(&bytes));
        prop_assert_eq!(seal.to_string().len(), 16);
        prop_assert_eq!(seal.to_string().parse::<Seal>().unwrap(), seal);
    }

    #[test]
    fn any_facts_and_names_chain(
        entries in prop::collection::vec((any::<String>(), any::<String>(), any::<i64>(), any::<f64>()), 1..5)
    ) {
        let (_dir, pilot) = workspace();
        let lock = lock(&pilot);
        for (name, text, number, float) in &entries {
            let draft = Draft::new(name, at(0)).by(text, name).fact(text, *number)
                .fact("nested", json!({ name: [text, float], "a": float }));
            lock.append(draft).unwrap();
        }
        prop_assert_eq!(pilot.ledger().unwrap().entries().len(), entries.len());
    }

    #[test]
    fn reading_any_bytes_as_a_ledger_never_panics(bytes: Vec<u8>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.jsonl");
        fs::write(&path, &bytes).unwrap();
        prop_assert_eq!(Ledger::read(&path).is_ok(), bytes.is_empty());
    }

    #[test]
    fn one_flipped_bit_before_the_last_line_is_found(place in 0usize..10_000, bit in 0u8..8) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.jsonl");
        let mut bytes = SIX_ENTRIES.get_or_init(|| {
            let (_dir, pilot) = workspace();
            long_ledger(&pilot);
            fs::read(pilot.ledger_path()).unwrap()
        }).clone();
        let last = bytes[..bytes.len() - 1].iter().rposition(|&b| b == b'\n').unwrap();
        bytes[place % last] ^= 1 << bit;
        fs::write(&path, &bytes).unwrap();
        prop_assert!(Ledger::read(&path).is_err());
    }
}

static SIX_ENTRIES: OnceLock<Vec<u8>> = OnceLock::new();

// What `kill -9` leaves. This binary starts itself as a child that does one thing over and over,
// and kills it at seeded moments.

const WORKER: &str = "PILOT_TEST_WORKER";
const ROOT: &str = "PILOT_TEST_ROOT";

/// Moments at which a child is killed, for each of the things it does.
const KILLS: u64 = 60;

/// How long a worker lives at most, in rounds as this machine takes them, so that kills fall
/// anywhere within one and some rounds are completed.
const ROUNDS: u32 = 4;

/// Runs only in the child.
#[test]
fn worker() {
    let (Ok(work), Ok(root)) = (std::env::var(WORKER), std::env::var(ROOT)) else {
        return;
    };
    let pilot = Workspace::open(Path::new(&root))
        .unwrap()
        .pilot("fees")
        .unwrap();
    let lock = pilot.lock(&work, at(0)).unwrap();
    println!("\nready");
    if work == "interrupt" {
        return be_interrupted(&lock);
    }
    for number in 0.. {
        round(&work, &lock, number);
    }
}

/// Does a thing once.
fn round(work: &str, lock: &Lock, number: u64) {
    let pilot = lock.pilot();
    let text = format!("{number}\n").repeat(2_000);
    match work {
        "sets" => {
            commit(
                lock,
                &[("a.csv", text.as_bytes()), ("b.csv", text.as_bytes())],
            );
        }
        "report" => {
            let mut staged = Staged::begin(&pilot.report_dir()).unwrap();
            for name in ["a.svg", "b.csv", "c.html", "d.md"] {
                staged.write(name, text.as_bytes()).unwrap();
            }
            swap_folder(staged, &pilot.report_dir()).unwrap();
        }
        "assignment" => assign(lock, text.as_bytes()),
        "approve" => drop(
            lock.approve(text.as_bytes(), Draft::new("", at(1)))
                .unwrap(),
        ),
        _ => std::thread::sleep(Duration::from_secs(1)),
    }
}

/// Makes sets until it is asked to stop.
fn be_interrupted(lock: &Lock) {
    std::thread::spawn(|| {
        std::thread::sleep(Duration::from_millis(30));
        pilot::interrupt::request();
    });
    let round = || {
        let mut set = NumberedSet::begin(lock, &lock.pilot().evidence())?;
        set.write("a.csv", b"x")?;
        lock.commit_set(set, Draft::new(kind::INGEST, at(1)))
    };
    let error = std::iter::repeat_with(round).find_map(Result::err).unwrap();
    assert_eq!(error.kind().exit_code(), 130);
}

/// A worker that has its lock.
fn start(work: &str, pilot: &Pilot) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["workspace::worker", "--exact", "--nocapture"])
        .env(WORKER, work)
        .env(ROOT, pilot.workspace().root())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while line != "ready\n" {
        line.clear();
        assert!(output.read_line(&mut line).unwrap() > 0, "the worker ended");
    }
    // Kept open: a worker that ends by itself still prints.
    child.stdout = Some(output.into_inner());
    child
}

/// Kills a worker at seeded moments; `left` looks at what is there before the next lock, and
/// `repaired` after it. Returns how many things were repaired.
fn kill_often(work: &str, pilot: &Pilot, left: impl Fn(), repaired: impl Fn()) -> usize {
    let mut rng = StdRng::seed_from_u64(0x6b69_6c6c);
    let mut repairs = 0;
    let begun = Instant::now();
    round(work, &lock(pilot), 0);
    let longest = begun.elapsed() * ROUNDS;
    for _ in 0..KILLS {
        let mut child = start(work, pilot);
        std::thread::sleep(longest.mul_f64(rng.random::<f64>()));
        child.kill().unwrap();
        child.wait().unwrap();
        left();
        let lock = lock(pilot);
        repairs += lock.repairs().len();
        repaired();
    }
    repairs
}

fn hidden(dir: &Path) -> Vec<String> {
    let mut names = names(dir);
    names.retain(|name| name.starts_with('.') && !name.ends_with(".lock"));
    names
}

#[test]
fn a_lock_goes_with_its_process() {
    let (_dir, pilot) = workspace();
    let mut child = start("hold", &pilot);
    let error = pilot.lock("test", at(0)).unwrap_err();
    assert!(
        error
            .message()
            .contains(&format!("process {}, `hold`", child.id())),
        "{error}"
    );
    child.kill().unwrap();
    child.wait().unwrap();
    drop(lock(&pilot));
}

#[test]
fn an_interrupted_run_leaves_nothing() {
    let (_dir, pilot) = workspace();
    assert!(start("interrupt", &pilot).wait().unwrap().success());
    assert_eq!(
        names(&pilot.workspace().experiments()),
        ["fees", "fees.toml"]
    );
    assert_eq!(hidden(&pilot.dir()), [""; 0]);
    assert_eq!(hidden(pilot.evidence().dir()), [""; 0]);
    assert!(verify(&pilot, None, None).unwrap().entries > 0);
    assert!(lock(&pilot).repairs().is_empty());
}

#[test]
fn killed_while_making_sets() {
    let (_dir, pilot) = workspace();
    let series = pilot.evidence();
    let repairs = kill_often(
        "sets",
        &pilot,
        || {
            let listing = series.list().unwrap();
            assert_eq!(listing.ignored, []);
            listing.sets.iter().for_each(|set| set.verify().unwrap());
            pilot.ledger().unwrap();
        },
        || {
            assert_eq!(hidden(series.dir()), [""; 0]);
            assert_eq!(hidden(&pilot.dir()), [""; 0]);
            let sets = series.list().unwrap().sets;
            let ledger = pilot.ledger().unwrap();
            let logged: Vec<_> = (ledger.entries().iter())
                .map(|e| {
                    (
                        e.number_fact("evidence").unwrap(),
                        e.digest_fact("evidence_sha256").unwrap().unwrap(),
                    )
                })
                .collect();
            let found: Vec<_> = sets.iter().map(|set| (set.number, set.digest)).collect();
            assert_eq!(
                found, logged,
                "a set for each entry, and an entry for each set"
            );
            assert_eq!(sets.last().map_or(0, |set| set.number), sets.len() as u64);
        },
    );
    assert!(repairs > 0, "no kill fell within a round");
}

#[test]
fn killed_while_replacing_a_report() {
    let (_dir, pilot) = workspace();
    let target = pilot.report_dir();
    fs::create_dir_all(target.join("signed-0001")).unwrap();
    fs::write(target.join("signed-0001/sign-off.pdf"), "signed").unwrap();
    read_only(&target.join("signed-0001"), true);
    let whole = || {
        assert_eq!(
            fs::read(target.join("signed-0001/sign-off.pdf")).unwrap(),
            b"signed"
        );
        let files = names(&target);
        if files.len() > 1 {
            assert_eq!(
                files,
                [
                    "MANIFEST.json",
                    "a.svg",
                    "b.csv",
                    "c.html",
                    "d.md",
                    "signed-0001"
                ]
            );
            let first = fs::read(target.join("a.svg")).unwrap();
            for name in ["b.csv", "c.html", "d.md"] {
                assert_eq!(fs::read(target.join(name)).unwrap(), first);
            }
            let manifest = fs::read_to_string(target.join("MANIFEST.json")).unwrap();
            assert!(manifest.contains(&Digest::of(&first).to_string()));
        }
    };
    let repairs = kill_often("report", &pilot, whole, || {
        whole();
        assert_eq!(names(&pilot.workspace().reports()), ["fees"]);
    });
    assert!(repairs > 0, "no kill fell within a round");
    assert!(
        target.join("MANIFEST.json").exists(),
        "no round was completed"
    );
    read_only(&target.join("signed-0001"), false);
}

#[test]
fn killed_while_assigning() {
    let (_dir, pilot) = workspace();
    kill_often(
        "assignment",
        &pilot,
        || drop(pilot.ledger().unwrap()),
        || {
            let digest = pilot.checked_assignment().unwrap();
            assert_eq!(digest, pilot.ledger().unwrap().assignment_sha256().unwrap());
            assert_eq!(hidden(&pilot.dir()), [""; 0]);
        },
    );
    assert!(pilot.ledger().unwrap().count(kind::ASSIGN) > 1);
}

#[test]
fn killed_while_approving() {
    let (_dir, pilot) = workspace();
    kill_often(
        "approve",
        &pilot,
        || drop(verify(&pilot, None, None).unwrap()),
        || {
            let ledger = pilot.ledger().unwrap();
            ledger
                .approvals()
                .unwrap()
                .iter()
                .for_each(|a| drop(pilot.approved_plan(a).unwrap()));
            assert_eq!(hidden(&pilot.approved_dir()), [""; 0]);
        },
    );
    assert!(pilot.ledger().unwrap().count(kind::APPROVE) > 1);
}
