//! Numbered folders that `pilot` did not write.

use std::fs;

use super::{analyze, approve, desk, forge, misfit, notes, refused, relist, seal, sign};
use crate::support::Desk;

/// Every treated customer of the cells as if nobody had called.
fn better(cells: &str) -> String {
    let mut lines = cells.lines();
    let header = lines.next().unwrap();
    let column = |name: &str| header.split(',').position(|h| h == name).unwrap();
    let (arm, after) = (column("arm"), column("after"));
    let mut text = format!("{header}\n");
    for line in lines {
        let mut fields: Vec<&str> = line.split(',').collect();
        if fields[arm] == "treatment" && !fields[after].is_empty() {
            fields[after] = "0";
        }
        text.push_str(&(fields.join(",") + "\n"));
    }
    text
}

fn forge_evidence(desk: &Desk) {
    let (from, to) = ("experiments/t/evidence/0001", "experiments/t/evidence/0002");
    forge(desk, from, to, "cells.csv", better);
}

#[test]
fn evidence_that_was_not_taken_is_never_used() {
    let desk = desk();
    approve(&desk, "Ada");
    desk.run(&["ingest", "t"]).ok();
    forge_evidence(&desk);
    let before = desk.files();
    for more in [&[][..], &["--evidence", "2"], &["--no-report"]] {
        let ran = desk.run(&[&["analyze", "t", "--json"], more].concat());
        refused(&ran, "evidence/0002", "was not taken by `pilot ingest`");
    }
    assert_eq!(desk.files(), before);
    let seal = seal_of_ledger(&desk);
    misfit(
        &desk,
        &seal,
        "evidence/0002",
        "no entry of the ledger made this evidence",
    );

    // What was taken under a number is the only evidence of that number.
    let ran = desk
        .run(&["analyze", "t", "--json", "--evidence", "1"])
        .ok();
    assert_eq!(ran.json()["evidence"]["number"], 1);

    // Taken again it is passed over, and said to be.
    let ran = desk.run(&["ingest", "t"]).ok();
    assert!(ran.stdout.contains("Evidence 0003 taken"), "{}", ran.stdout);
    assert!(ran.stderr.contains("passed over"), "{}", ran.stderr);
    assert_eq!(analyze(&desk, &[])["evidence"]["number"], 3);
    misfit(
        &desk,
        &seal,
        "evidence/0002",
        "no entry of the ledger made this evidence",
    );
    fs::remove_dir_all(desk.path("experiments/t/evidence/0002")).unwrap();
    desk.run(&["verify", "t", "--seal", &seal]).ok();

    // A folder without a manifest stays ignored, and is reported.
    desk.write("experiments/t/evidence/0004/cells.csv", "half");
    analyze(&desk, &[]);
    assert!(notes(&desk).contains("0004 is ignored"), "{}", notes(&desk));

    // The taken evidence written over, with a manifest that fits.
    let cells = String::from_utf8(desk.read("experiments/t/evidence/0003/cells.csv")).unwrap();
    let cells = better(&cells);
    desk.write("experiments/t/evidence/0003/cells.csv", &cells);
    let folder = desk.path("experiments/t/evidence/0003");
    relist(&folder, "cells.csv", cells.as_bytes());
    let ran = desk.run(&["analyze", "t", "--json"]);
    refused(&ran, "evidence/0003", "another digest under this number");
}

/// The ledger's seal where `verify` finds a misfit.
fn seal_of_ledger(desk: &Desk) -> String {
    let pilot = pilot::workspace::Workspace::open(desk.root()).unwrap();
    let ledger = pilot.pilot("t").unwrap().ledger().unwrap();
    ledger.seal().unwrap().to_string()
}

#[test]
fn an_analysis_of_evidence_that_was_not_taken_proves_nothing() {
    use pilot::workspace::{Draft, NumberedSet, Workspace, kind};
    let desk = desk();
    approve(&desk, "Ada");
    analyze(&desk, &[]);
    forge_evidence(&desk);
    // As a version did that used what lay there.
    let pilot = Workspace::open(desk.root()).unwrap().pilot("t").unwrap();
    let now = "2026-12-01T09:00:00Z".parse().unwrap();
    let lock = pilot.lock("analyze", now).unwrap();
    let mut set = NumberedSet::begin(&lock, &pilot.analyses()).unwrap();
    let document = desk.read("experiments/t/analyses/0001/analysis.json");
    set.write("analysis.json", &document).unwrap();
    let mut draft = Draft::new(kind::ANALYZE, now);
    let evidence = pilot.evidence().set(2).unwrap();
    draft.facts.extend(evidence.facts(&pilot.evidence()));
    lock.commit_set(set, draft).unwrap();
    drop(lock);
    let seal = seal_of_ledger(&desk);
    for command in [
        &["report", "t", "--json"][..],
        &[
            "sign",
            "t",
            "--json",
            "--decision",
            "extend",
            "--role",
            "finance",
            "--by",
            "Ada",
        ],
    ] {
        let ran = desk.run(command);
        assert_eq!(ran.code, 2, "{}", ran.stdout);
        assert!(
            ran.stdout
                .contains("evidence 0002 that `pilot ingest` did not take"),
            "{}",
            ran.stdout
        );
    }
    fs::rename(desk.path("experiments/t/evidence/0002"), desk.path("gone")).unwrap();
    misfit(
        &desk,
        &seal,
        "ledger.jsonl",
        "evidence 0002 that `pilot ingest` did not take",
    );
}

#[test]
fn an_analysis_that_was_not_made_is_not_rendered() {
    let desk = desk();
    approve(&desk, "Ada");
    let real = analyze(&desk, &[]);
    sign(&desk, "extend", &[]).ok();
    let seal = seal(&desk);
    let value = real["estimates"][0]["value"].to_string();
    let (from, to) = ("experiments/t/analyses/0001", "experiments/t/analyses/0002");
    forge(&desk, from, to, "analysis.json", |text| {
        text.replace(&value, "-9.5")
    });
    let before = desk.files();
    for more in [&[][..], &["--analysis", "2"]] {
        let ran = desk.run(&[&["report", "t", "--json"], more].concat());
        refused(&ran, "analyses/0002", "was not made by `pilot analyze`");
    }
    assert_eq!(desk.files(), before);
    misfit(
        &desk,
        &seal,
        "analyses/0002",
        "no entry of the ledger made this analysis",
    );
    desk.run(&["report", "t", "--analysis", "1"]).ok();

    // Its own folder written over.
    fs::remove_dir_all(desk.path(to)).unwrap();
    forge(&desk, from, from, "analysis.json", |text| {
        text.replace(&value, "-9.5")
    });
    let ran = desk.run(&["report", "t", "--json"]);
    refused(&ran, "analyses/0001", "another digest under this number");
}

#[test]
fn nothing_is_added_to_a_set_and_what_was_signed_is_not_lost() {
    let desk = desk();
    approve(&desk, "Ada");
    analyze(&desk, &[]);
    sign(&desk, "extend", &[]).ok();
    let seal = seal(&desk);
    let signed = desk.path("reports/t/signed-0001");
    let mut writable = fs::metadata(&signed).unwrap().permissions();
    #[allow(clippy::permissions_set_readonly_false)] // whoever tampers would
    writable.set_readonly(false);
    fs::set_permissions(&signed, writable).unwrap();
    for folder in [
        "experiments/t/evidence/0001",
        "experiments/t/analyses/0001",
        "reports/t/signed-0001",
    ] {
        for name in ["extra.csv", "more/addendum.pdf"] {
            let file = format!("{folder}/{name}");
            desk.write(&file, "forged");
            misfit(&desk, &seal, &file, "not in the manifest of its set");
            fs::remove_file(desk.path(&file)).unwrap();
        }
        let _ = fs::remove_dir(desk.path(&format!("{folder}/more")));
    }
    desk.write("reports/t/signed-0002/summary.md", "scale");
    misfit(
        &desk,
        &seal,
        "signed-0002",
        "no entry of the ledger made this signed",
    );
    fs::remove_dir_all(desk.path("reports/t/signed-0002")).unwrap();
    desk.run(&["verify", "t", "--seal", &seal]).ok();

    fs::rename(&signed, desk.path("moved")).unwrap();
    misfit(
        &desk,
        &seal,
        "signed-0001",
        "what was signed is no longer here",
    );
    fs::rename(desk.path("moved"), &signed).unwrap();
    let approved = desk.path("experiments/t/approved/0001.toml");
    fs::rename(&approved, desk.path("moved")).unwrap();
    misfit(&desk, &seal, "0001.toml", "approved is no longer here");
    fs::rename(desk.path("moved"), &approved).unwrap();
    // Evidence may go, for privacy; that is noted.
    fs::remove_dir_all(desk.path("experiments/t/evidence/0001")).unwrap();
    assert!(
        notes(&desk).contains("0001 is not here"),
        "{}",
        notes(&desk)
    );
}

#[test]
fn an_analysis_before_the_end_is_in_the_ledger_and_compares_no_arms() {
    let desk = desk();
    let periods = "[periods]\nbefore = [\"2026-01-01\", \"2026-01-31\"]\nafter = [\"2026-02-01\", \"2026-02-28\"]\n";
    let plan = String::from_utf8(desk.read(super::PLAN)).unwrap();
    let plan = plan.replace("[data.counts]", &format!("{periods}\n[data.counts]"));
    desk.write(super::PLAN, plan);
    assert_eq!(
        analyze(&desk, &["--as-of", "2026-02-20"])["decision"]["verdict"],
        "wait"
    );
    let verified = desk.run(&["verify", "t", "--json"]).ok().json();
    let entry = &verified["entries"][1];
    assert_eq!(
        (&entry["kind"], &entry["facts"]["analysis"]),
        (&"wait".into(), &1.into())
    );
    desk.run(&["report", "t"]).ok();
    let d = analyze(&desk, &["--as-of", "2026-03-01"]);
    assert_eq!(d["analysis_number"], 1, "the one before compared nothing");
    assert!(!notes(&desk).contains("analysis 000"), "{}", notes(&desk));
}
