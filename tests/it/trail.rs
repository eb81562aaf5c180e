//! What somebody could try who may write in the workspace: folders put there by hand, reports edited
//! or put back, approvals given afterwards.

mod approvals;
mod forged;
mod report_folder;

use std::fs;
use std::path::Path;

use pilot::workspace::Digest;
use serde_json::Value;

use crate::support::{COUNTS_PLAN, Desk, Ran};

const PLAN: &str = "experiments/t.toml";

/// A pilot of one treatment that nobody approved yet.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.write(PLAN, COUNTS_PLAN);
    let mut text = String::from("customer_id,arm,before,after\n");
    for i in 0..400 {
        let (arm, most) = match i % 2 {
            1 => ("treatment", 4),
            _ => ("control", 6),
        };
        let after = (i * 5 + i / 3) % most;
        text.push_str(&format!("C{i:03},{arm},{},{after}\n", i % 7));
    }
    desk.write("data/counts.csv", text);
    desk
}

/// Approves as a person, and gives the banners that were said.
fn approve(desk: &Desk, by: &str) -> Value {
    let args = ["approve", "t", "--role", "finance", "--by", by, "--json"];
    desk.run(&args).ok().json()["banners"].clone()
}

fn analyze(desk: &Desk, more: &[&str]) -> Value {
    let args = [&["analyze", "t", "--json"], more].concat();
    desk.run(&args).ok().json()
}

fn sign(desk: &Desk, decision: &str, more: &[&str]) -> Ran {
    let by = [
        "--role",
        "finance",
        "--by",
        "Ada",
        "--because",
        "so decided",
    ];
    let args = ["sign", "t", "--json", "--decision", decision];
    desk.run(&[&args[..], &by, more].concat())
}

/// The seal of the ledger's last entry.
fn seal(desk: &Desk) -> String {
    let verified = desk.run(&["verify", "t", "--json"]).ok().json();
    verified["seal"].as_str().unwrap().to_owned()
}

/// What `verify` notes where all fits.
fn notes(desk: &Desk) -> String {
    let ran = desk.run(&["verify", "t", "--json"]).ok();
    ran.json()["notes"].to_string()
}

/// The error of `verify`, with and without a seal, which must be a misfit of this file.
#[track_caller]
fn misfit(desk: &Desk, seal: &str, file: &str, says: &str) {
    for more in [&[][..], &["--seal", seal]] {
        let ran = desk.run(&[&["verify", "t", "--json"], more].concat());
        assert_eq!(ran.code, 3, "{}\n{}", ran.stdout, ran.stderr);
        let error = ran.json()["error"].clone();
        assert!(error["message"].as_str().unwrap().contains(says), "{error}");
        assert!(error["file"].as_str().unwrap().ends_with(file), "{error}");
    }
}

/// Refused as a mistake of the user's, naming this file.
#[track_caller]
fn refused(ran: &Ran, file: &str, says: &str) {
    assert_eq!(ran.code, 2, "{}\n{}", ran.stdout, ran.stderr);
    let error = ran.json()["error"].clone();
    assert!(error["message"].as_str().unwrap().contains(says), "{error}");
    assert!(error["file"].as_str().unwrap().ends_with(file), "{error}");
    assert!(
        error["hint"]
            .as_str()
            .unwrap()
            .contains("remove the folder")
    );
}

/// Copies a numbered set and changes a text in one of its files; its manifest fits the change.
fn forge(desk: &Desk, from: &str, to: &str, file: &str, change: impl Fn(&str) -> String) {
    let (from, to) = (desk.path(from), desk.path(to));
    fs::create_dir_all(&to).unwrap();
    let entries = fs::read_dir(&from).unwrap().flatten();
    // Copied onto itself, a file would be emptied.
    for entry in entries.filter(|_| from != to) {
        let path = entry.path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
    let text = fs::read_to_string(to.join(file)).unwrap();
    let changed = change(&text);
    assert_ne!(text, changed);
    fs::write(to.join(file), &changed).unwrap();
    relist(&to, file, changed.as_bytes());
}

/// Writes a file's digest and length into the manifest of its folder.
fn relist(folder: &Path, file: &str, bytes: &[u8]) {
    let place = folder.join("MANIFEST.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&place).unwrap()).unwrap();
    manifest["files"][file] = serde_json::json!({
        "sha256": Digest::of(bytes).to_string(), "bytes": bytes.len(),
    });
    let text = serde_json::to_string_pretty(&manifest).unwrap();
    fs::write(&place, text + "\n").unwrap();
}
