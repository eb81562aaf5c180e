//! The report folder against the last analysis.

use std::collections::BTreeMap;
use std::fs;

use super::{analyze, approve, desk, misfit, notes, relist, seal, sign};
use crate::support::Desk;

fn signed() -> (Desk, String) {
    let desk = desk();
    approve(&desk, "Ada");
    analyze(&desk, &[]);
    sign(&desk, "extend", &[]).ok();
    let seal = seal(&desk);
    (desk, seal)
}

/// The files of the report folder itself.
fn report(desk: &Desk) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(desk.path("reports/t")).unwrap().flatten();
    entries
        .filter(|e| e.path().is_file())
        .map(|e| {
            (
                e.file_name().into_string().unwrap(),
                fs::read(e.path()).unwrap(),
            )
        })
        .collect()
}

fn put(desk: &Desk, files: &BTreeMap<String, Vec<u8>>) {
    for name in report(desk).keys() {
        fs::remove_file(desk.path(&format!("reports/t/{name}"))).unwrap();
    }
    for (name, bytes) in files {
        desk.write(&format!("reports/t/{name}"), bytes);
    }
}

#[test]
fn a_report_without_its_analysis_or_manifest_says_nothing_that_holds() {
    let (desk, seal) = signed();
    let whole = report(&desk);
    let edit = |desk: &Desk| {
        let text = String::from_utf8(whole["summary.md"].clone()).unwrap();
        desk.write("reports/t/summary.md", text.replace("extend", "scale"));
    };
    fs::remove_file(desk.path("reports/t/analysis.json")).unwrap();
    misfit(&desk, &seal, "analysis.json", "analysis.json is missing");
    edit(&desk);
    misfit(&desk, &seal, "analysis.json", "analysis.json is missing");
    // Nor with its manifest gone too.
    fs::remove_file(desk.path("reports/t/MANIFEST.json")).unwrap();
    misfit(&desk, &seal, "analysis.json", "analysis.json is missing");
    // Each file alone.
    for name in ["summary.md", "report.html", "estimates.csv", "effect.svg"] {
        let alone = whole.iter().filter(|(n, _)| *n == name);
        put(&desk, &alone.map(|(n, b)| (n.clone(), b.clone())).collect());
        misfit(&desk, &seal, "analysis.json", "analysis.json is missing");
    }

    put(&desk, &whole);
    desk.run(&["verify", "t", "--seal", &seal]).ok();
    fs::remove_file(desk.path("reports/t/MANIFEST.json")).unwrap();
    misfit(&desk, &seal, "MANIFEST.json", "MANIFEST.json is missing");
    for change in [
        |m: &str| m.replacen("\"bytes\": ", "\"bytes\": 1", 1),
        |m: &str| m.replacen("estimates.csv", "estimate5.csv", 1),
    ] {
        put(&desk, &whole);
        let text = String::from_utf8(whole["MANIFEST.json"].clone()).unwrap();
        desk.write("reports/t/MANIFEST.json", change(&text));
        misfit(&desk, &seal, "MANIFEST.json", "it lists");
    }
    // A file of somebody's own passed off as the report's.
    put(&desk, &whole);
    desk.write("reports/t/board.md", "scale");
    relist(&desk.path("reports/t"), "board.md", b"scale");
    misfit(&desk, &seal, "MANIFEST.json", "it lists `board.md`");

    // All of the report gone: what was signed is still there.
    put(&desk, &BTreeMap::new());
    assert!(
        notes(&desk).contains("no report of analysis 0001"),
        "{}",
        notes(&desk)
    );
}

#[test]
fn users_files_beside_the_report_are_named_and_no_misfit() {
    let (desk, seal) = signed();
    desk.write("reports/t/board-summary.pdf", "not ours");
    desk.write("reports/t/notes/minutes.txt", "not ours");
    desk.run(&["verify", "t", "--seal", &seal]).ok();
    let said = notes(&desk);
    assert!(
        said.contains("board-summary.pdf, notes/minutes.txt"),
        "{said}"
    );
    desk.run(&["report", "t"]).ok();
    assert!(notes(&desk).contains("board-summary.pdf"));
}

#[test]
fn an_older_report_is_not_the_last() {
    let (desk, _) = signed();
    let old = report(&desk);
    let data = String::from_utf8(desk.read("data/counts.csv")).unwrap();
    desk.write(
        "data/counts.csv",
        data.replace(",treatment,0,", ",treatment,0,1"),
    );
    analyze(&desk, &[]);
    let last = report(&desk);
    let seal = seal(&desk);
    put(&desk, &old);
    let both = "the report is of analysis 0001, and analysis 0002 is later";
    misfit(&desk, &seal, "analysis.json", both);
    desk.run(&["report", "t"]).ok();
    assert_eq!(report(&desk), last);
    desk.run(&["verify", "t", "--seal", &seal]).ok();
    // Rendered on purpose, it says so, and is named all the same.
    let ran = desk.run(&["report", "t", "--analysis", "1"]).ok();
    assert!(ran.stderr.contains("0002 is later"), "{}", ran.stderr);
    misfit(&desk, &seal, "analysis.json", both);
    desk.run(&["report", "t"]).ok();

    // An analysis that was made without a report leaves the one before, and that is known.
    desk.write("data/counts.csv", data);
    for more in [&["--no-report"][..], &["--out", "elsewhere"]] {
        analyze(&desk, more);
        assert_eq!(report(&desk), last);
        let said = notes(&desk);
        assert!(said.contains("the report is of analysis 0002"), "{said}");
        assert!(
            said.contains("is later, and was made without a report"),
            "{said}"
        );
    }
    // The older one put back is of neither.
    put(&desk, &old);
    misfit(&desk, &seal, "analysis.json", both);
}

#[test]
fn the_page_of_an_approval_is_made_again_and_compared() {
    let desk = desk();
    approve(&desk, "Ada");
    let seal = seal(&desk);
    let page = "experiments/t/approved/0001.pdf";
    if cfg!(feature = "pdf") {
        assert!(!notes(&desk).contains("0001.pdf"), "{}", notes(&desk));
        desk.write(page, "forged");
        misfit(
            &desk,
            &seal,
            "0001.pdf",
            "not as it is made from the approved plan",
        );
        fs::remove_file(desk.path(page)).unwrap();
        assert!(
            notes(&desk).contains("0001.pdf is not here"),
            "{}",
            notes(&desk)
        );
    } else {
        desk.write(page, "forged");
        let said = notes(&desk);
        assert!(
            said.contains("0001.pdf was not compared: this build of pilot makes no PDF"),
            "{said}"
        );
    }
}
