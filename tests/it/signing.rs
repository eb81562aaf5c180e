//! Decisions signed and ledgers verified, as finance would do it.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::pipeline::example;
use crate::support::{Desk, Ran};

const LEDGER: &str = "experiments/progabide/ledger.jsonl";
const ADA: [&str; 4] = ["--role", "finance", "--by", "Ada Lovelace"];
const GRACE: [&str; 4] = ["--role", "owner", "--by", "Grace Hopper"];

/// A pilot that was approved and analysed.
fn analysed() -> Desk {
    let desk = example("progabide");
    with(&desk, &["approve", "progabide"], &ADA).ok();
    desk.run(&["analyze", "progabide"]).ok();
    desk
}

fn with(desk: &Desk, args: &[&str], more: &[&str]) -> Ran {
    desk.run(&[args, more].concat())
}

fn sign(desk: &Desk, decision: &str, more: &[&str]) -> Ran {
    let args = ["sign", "progabide", "--json", "--decision", decision];
    with(desk, &args, more)
}

fn seal(ran: &Ran) -> String {
    ran.json()["seal"].as_str().unwrap().to_owned()
}

fn lines(desk: &Desk) -> Vec<String> {
    let text = String::from_utf8(desk.read(LEDGER)).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn write_lines(desk: &Desk, lines: &[String]) {
    desk.write(LEDGER, lines.join("\n") + "\n");
}

/// The error of `verify`, which must be a misfit.
#[track_caller]
fn misfit(desk: &Desk, more: &[&str]) -> Value {
    let ran = with(desk, &["verify", "progabide", "--json"], more);
    assert_eq!(ran.code, 3, "{}\n{}", ran.stdout, ran.stderr);
    let error = ran.json()["error"].clone();
    assert_eq!(error["kind"], "check");
    error
}

/// Takes a lock from a file or folder, as whoever tampers would.
fn writable(place: &Path) {
    let mut permissions = fs::metadata(place).unwrap().permissions();
    #[allow(clippy::permissions_set_readonly_false)]
    permissions.set_readonly(false);
    fs::set_permissions(place, permissions).unwrap();
}

/// Whether a named file is a misfit after its text was changed; it is put back.
#[track_caller]
fn tampered(desk: &Desk, file: &str, from: &str, to: &str) {
    let whole = desk.read(file);
    let text = String::from_utf8(whole.clone()).unwrap();
    assert!(text.contains(from), "{file} has no {from}");
    let place = desk.path(file);
    writable(&place);
    fs::write(&place, text.replacen(from, to, 1)).unwrap();
    let error = misfit(desk, &[]);
    let named = error["file"].as_str().unwrap().to_owned();
    assert!(
        place.starts_with(&named) || named.ends_with(file),
        "{file}: {error}"
    );
    fs::write(&place, whole).unwrap();
}

#[test]
fn a_decision_is_signed_kept_and_verified() {
    let desk = analysed();
    let report = desk.read("reports/progabide/summary.md");
    let ran = sign(&desk, "stop", &ADA).ok();
    let said = ran.json();
    assert_eq!(said["decision"], "stop");
    assert_eq!(said["verdict"], "stop");
    assert_eq!(said["signed"], 1);
    let kept = "reports/progabide/signed-0001";
    assert_eq!(desk.read(&format!("{kept}/summary.md")), report);
    assert_eq!(
        desk.read(&format!("{kept}/plan.toml")),
        desk.read("experiments/progabide.toml")
    );
    for file in ["", "/analysis.json", "/MANIFEST.json"] {
        let meta = fs::metadata(desk.path(&format!("{kept}{file}"))).unwrap();
        assert!(meta.permissions().readonly(), "{file} can be written");
    }

    // A second person signs the same set, and later analyses leave it as it is.
    let second = sign(&desk, "stop", &GRACE).ok();
    assert_eq!(second.json()["signed"], 1);
    let before = desk.read(&format!("{kept}/analysis.json"));
    desk.run(&["analyze", "progabide"]).ok();
    assert_eq!(desk.read(&format!("{kept}/analysis.json")), before);
    let meta = fs::metadata(desk.path(kept)).unwrap();
    assert!(meta.permissions().readonly());

    let verified = with(
        &desk,
        &["verify", "progabide", "--json"],
        &["--seal", &seal(&ran)],
    )
    .ok();
    let verified = verified.json();
    let entries = verified["entries"].as_array().unwrap();
    let kinds: Vec<&str> = entries
        .iter()
        .map(|e| e["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["approve", "ingest", "analyze", "sign", "sign", "analyze"]
    );
    assert_eq!(verified["proved_up_to"], 4);
    let facts = &entries[3]["facts"];
    for fact in [
        "plan_sha256",
        "evidence_sha256",
        "analysis_sha256",
        "signed_sha256",
    ] {
        assert_eq!(facts[fact].as_str().map(str::len), Some(64), "{fact}");
    }
    assert_eq!(entries[3]["by"], "Ada Lovelace");
    let status = desk.run(&["status"]).ok();
    assert!(status.stdout.contains("analysed (2)"), "{}", status.stdout);

    // The new analysis is another one, so its signature keeps another set.
    assert_eq!(sign(&desk, "stop", &ADA).ok().json()["signed"], 2);
    let status = desk.run(&["status"]).ok();
    assert!(status.stdout.contains("signed: stop"), "{}", status.stdout);
}

#[test]
fn what_cannot_be_signed_is_refused_with_the_reason() {
    let desk = example("progabide");
    let refused = |desk: &Desk, decision: &str, more: &[&str], word: &str| {
        let before = desk.files();
        let ran = sign(desk, decision, &[more, &ADA].concat());
        assert_eq!(ran.code, 2, "{}", ran.stdout);
        let error = ran.json()["error"].to_string();
        assert!(error.contains(word), "{error} does not say {word}");
        assert_eq!(desk.files(), before);
    };
    refused(&desk, "extend", &[], "no analysis to sign");
    desk.run(&["analyze", "progabide"]).ok();
    refused(&desk, "scale", &["--arm", "progabide"], "nobody approved");
    with(&desk, &["approve", "progabide"], &ADA).ok();
    desk.run(&["analyze", "progabide"]).ok();
    refused(&desk, "extend", &[], "--because");
    // The verdict is to stop, so it names no arm.
    refused(&desk, "scale", &[], "--arm");
    refused(&desk, "scale", &["--arm", "progabide"], "--because");
    refused(
        &desk,
        "scale",
        &["--arm", "control"],
        "the treatments are progabide",
    );
    refused(
        &desk,
        "extend",
        &["--arm", "progabide", "--because", "x"],
        "only `scale`",
    );
    refused(&desk, "extend", &["--because", "a\u{1b}]0;b"], "--because");
    let turned = "\u{202e}yaw eht lla";
    refused(&desk, "extend", &["--because", turned], "--because");
    let ran = sign(
        &desk,
        "scale",
        &[
            &["--arm", "progabide", "--because", "the trial is over"][..],
            &ADA,
        ]
        .concat(),
    );
    assert_eq!(ran.ok().json()["arm"], "progabide");

    // What stands in the report is no longer what the plan says.
    let plan = String::from_utf8(desk.read("experiments/progabide.toml")).unwrap();
    desk.write("experiments/progabide.toml", plan + "\n# later\n");
    refused(&desk, "stop", &[], "changed after the last analysis");
}

#[test]
fn a_dry_run_signs_nothing() {
    let desk = analysed();
    let before = desk.files();
    let args = ["sign", "progabide", "--decision", "stop", "--dry-run"];
    let ran = with(&desk, &args, &ADA).ok();
    assert!(ran.stdout.contains("signed-NNNN"), "{}", ran.stdout);
    assert_eq!(desk.files(), before);
}

#[test]
fn every_kind_of_tampering_is_named() {
    let desk = analysed();
    let kept = seal(&sign(&desk, "stop", &ADA).ok());
    sign(&desk, "stop", &GRACE).ok();
    with(&desk, &["verify", "progabide"], &["--seal", &kept]).ok();

    tampered(
        &desk,
        "experiments/progabide/approved/0001.toml",
        "seed",
        "sead",
    );
    let cells = fs::read_dir(desk.path("experiments/progabide/evidence/0001"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.extension().is_some_and(|e| e == "csv"))
        .unwrap();
    let cells = cells
        .strip_prefix(desk.root())
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    tampered(&desk, &cells, "1", "2");
    tampered(
        &desk,
        "experiments/progabide/analyses/0001/analysis.json",
        "0.",
        "1.",
    );
    // A manifest that was mended to fit is not the ledger's.
    tampered(
        &desk,
        "experiments/progabide/analyses/0001/MANIFEST.json",
        "\"sha256\": \"",
        "\"sha256\": \"0",
    );
    tampered(&desk, "reports/progabide/signed-0001/summary.md", "e", "a");
    tampered(&desk, "reports/progabide/summary.md", "e", "a");
    tampered(&desk, "reports/progabide/estimates.csv", "0", "1");
    tampered(&desk, "reports/progabide/effect.svg", "0", "1");

    let whole = lines(&desk);
    let line_of = |error: Value| error["line"].as_u64().unwrap();
    // A line edited, as by hand: the name of who approved.
    let mut edited = whole.clone();
    edited[0] = edited[0].replace("Ada Lovelace", "Mallory");
    write_lines(&desk, &edited);
    assert_eq!(
        line_of(misfit(&desk, &[])),
        2,
        "the next line no longer follows"
    );
    // A line removed.
    let mut removed = whole.clone();
    removed.remove(2);
    write_lines(&desk, &removed);
    let error = misfit(&desk, &[]);
    assert!(
        error["message"].as_str().unwrap().contains("removed"),
        "{error}"
    );
    assert_eq!(line_of(error), 3);
    // Two lines in another order.
    let mut reordered = whole.clone();
    reordered.swap(1, 2);
    write_lines(&desk, &reordered);
    assert_eq!(line_of(misfit(&desk, &[])), 2);
    // The tail cut before the line whose seal finance has: what was signed is left over. With that
    // gone too, consistent with itself, and found out.
    write_lines(&desk, &whole[..3]);
    let error = misfit(&desk, &[]);
    assert!(
        error["file"].as_str().unwrap().ends_with("signed-0001"),
        "{error}"
    );
    let (kept_as, away) = (
        desk.path("reports/progabide/signed-0001"),
        desk.path("away"),
    );
    writable(&kept_as);
    fs::rename(&kept_as, &away).unwrap();
    let alone = desk.run(&["verify", "progabide"]).ok();
    assert!(
        alone.stdout.contains("no outside proof"),
        "{}",
        alone.stdout
    );
    let error = misfit(&desk, &["--seal", &kept]);
    assert!(
        error["hint"].as_str().unwrap().contains("cut or rewritten"),
        "{error}"
    );
    fs::rename(&away, &kept_as).unwrap();
    // The tail cut after it: the seal proves the lines that are left.
    write_lines(&desk, &whole[..4]);
    with(&desk, &["verify", "progabide"], &["--seal", &kept]).ok();
    write_lines(&desk, &whole);
    with(&desk, &["verify", "progabide"], &["--seal", &kept]).ok();

    // All written anew, as if it had been so from the start.
    fs::remove_dir_all(desk.path("experiments/progabide")).unwrap();
    let fresh = example("progabide");
    let data = "experiments/progabide/counts.csv";
    desk.write(data, fresh.read(data));
    fs::remove_dir_all(desk.path("reports/progabide/signed-0001")).unwrap();
    with(&desk, &["approve", "progabide"], &ADA).ok();
    desk.run(&["analyze", "progabide"]).ok();
    sign(&desk, "stop", &ADA).ok();
    desk.run(&["verify", "progabide"]).ok();
    let error = misfit(&desk, &["--seal", &kept]);
    assert!(
        error["message"].as_str().unwrap().contains(&kept),
        "{error}"
    );
}

#[test]
fn a_wrong_seal_says_what_a_seal_is() {
    let desk = analysed();
    let ran = desk.run(&["verify", "progabide", "--seal", "UUUU"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("16 characters"), "{}", ran.stderr);
    let nothing = example("progabide");
    let ran = nothing.run(&["verify", "progabide"]).ok();
    assert!(ran.stdout.contains("The ledger is empty"), "{}", ran.stdout);
}

/// A new key without a passphrase; `None`, said loudly, where OpenSSH is not installed.
fn key(desk: &Desk, name: &str) -> Option<String> {
    let path = desk.path(name);
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
        .arg(&path)
        .status();
    match made {
        Ok(status) if status.success() => Some(path.to_str().unwrap().to_owned()),
        _ => {
            // Past the harness, which shows the words of failed tests only.
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED signatures: ssh-keygen is not installed"
            );
            None
        }
    }
}

#[test]
fn signatures_with_keys_are_checked() {
    let desk = analysed();
    let (Some(ada), Some(mallory)) = (key(&desk, "ada"), key(&desk, "mallory")) else {
        return;
    };
    let public = format!("{ada}.pub");
    let error = misfit(&desk, &["--ssh-key", &public]);
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("entry 1 (approve) is not signed"),
        "{error}"
    );
    // From the start with a key: every approval and decision must have one.
    let desk = example("progabide");
    let keyed = [&ADA[..], &["--ssh-key", &ada]].concat();
    with(&desk, &["approve", "progabide"], &keyed).ok();
    desk.run(&["analyze", "progabide"]).ok();
    let kept = seal(&sign(&desk, "stop", &keyed).ok());
    for more in [&[][..], &["--ssh-key", &public], &["--seal", &kept]] {
        let ran = with(&desk, &["verify", "progabide"], more).ok();
        assert!(ran.stdout.contains("SHA256:"), "{}", ran.stdout);
    }
    let signed = lines(&desk);
    sign(&desk, "stop", &ADA).ok();
    let ran = with(&desk, &["verify", "progabide"], &["--seal", &kept]).ok();
    assert!(ran.stdout.contains("SHA256:"), "{}", ran.stdout);
    let error = misfit(&desk, &["--ssh-key", &public]);
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("entry 5 (sign) is not signed"),
        "{error}"
    );
    assert_eq!(error["line"], 5);
    write_lines(&desk, &signed);
    let error = misfit(&desk, &["--ssh-key", &format!("{mallory}.pub")]);
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("entry 1 is signed with a key"),
        "{error}"
    );

    // The signature of one entry under another one.
    let whole = lines(&desk);
    let mut edited = whole.clone();
    edited[3] = edited[3].replace("Ada Lovelace", "Mallory Ever");
    write_lines(&desk, &edited);
    let error = misfit(&desk, &[]);
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("entry 4 does not bear its signature"),
        "{error}"
    );
    write_lines(&desk, &whole);

    // A key that is none signs nothing and leaves nothing.
    let before = desk.files();
    desk.write("not-a-key", "hello");
    for wrong in ["not-a-key", "absent"] {
        let ran = sign(&desk, "stop", &[&ADA[..], &["--ssh-key", wrong]].concat());
        assert_eq!(ran.code, 2, "{}", ran.stdout);
        assert_eq!(ran.json()["error"]["key"], "--ssh-key");
    }
    fs::remove_file(desk.path("not-a-key")).unwrap();
    assert_eq!(desk.files(), before);
    assert!(Path::new(&public).exists());

    // The last decision cut, and another put in its place without a key.
    write_lines(&desk, &signed[..3]);
    let stop = ["--because", "no budget"];
    sign(&desk, "extend", &[&ADA[..], &stop].concat()).ok();
    let error = misfit(&desk, &["--ssh-key", &public]);
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("entry 4 (sign) is not signed"),
        "{error}"
    );
}
