//! Approvals given after the data, and decisions signed on what they did not cover.

use serde_json::{Value, json};

use super::{PLAN, analyze, approve, desk, notes, sign};
use crate::support::Desk;

fn change(desk: &Desk, from: &str, to: &str) {
    let plan = String::from_utf8(desk.read(PLAN)).unwrap();
    assert!(plan.contains(from), "{from}");
    desk.write(PLAN, plan.replace(from, to));
}

fn late(document: &Value) -> Vec<(u64, bool, bool)> {
    let rows = document["approvals"].as_array().unwrap().iter();
    rows.map(|a| {
        let flag = |name: &str| a[name].as_bool().unwrap();
        (
            a["number"].as_u64().unwrap(),
            flag("late"),
            flag("compared"),
        )
    })
    .collect()
}

fn refused(desk: &Desk, says: &str) {
    let before = desk.files();
    let ran = sign(desk, "scale", &["--arm", "treatment"]);
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    assert!(ran.stdout.contains(says), "{}", ran.stdout);
    assert_eq!(desk.files(), before);
}

#[test]
fn a_second_approval_does_not_wash_out_a_change() {
    let desk = desk();
    assert_eq!(approve(&desk, "Ada"), json!([]));
    let first = analyze(&desk, &[]);
    assert_eq!(late(&first), [(1, false, true)]);
    change(&desk, "estimator = \"lin\"", "estimator = \"welch\"");
    let changed = json!(["LATE APPROVAL", "CHANGED SINCE APPROVAL"]);
    assert_eq!(approve(&desk, "Bob"), changed);
    let d = analyze(&desk, &[]);
    assert_eq!(d["banners"], changed);
    assert_eq!(late(&d), [(1, false, true), (2, true, false)]);
    let keys: Vec<&Value> = d["deviations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| &d["key"])
        .collect();
    assert_eq!(keys, ["analysis.estimator"]);
    assert_ne!(d["decision"]["verdict"], "scale");
    refused(
        &desk,
        "nobody approved this plan as it stands before the data",
    );
    // Nor does a third of the same.
    assert_eq!(approve(&desk, "Eve"), changed);

    let report = String::from_utf8(desk.read("reports/t/summary.md")).unwrap();
    for said in [
        "Approval 1: by Ada (finance) on ",
        "Approval 2: by Bob (finance) on ",
        "LATE – the test period had begun",
        "The plan is compared with approval 1, the last that was not late",
        "Changed since approval: analysis.estimator",
    ] {
        assert!(report.contains(said), "{said} is not in\n{report}");
    }
    let diff = desk.run(&["diff", "t"]).ok().stdout;
    assert!(diff.contains("Compared with approval 1 of 3"), "{diff}");
    assert!(diff.contains("material  analysis.estimator"), "{diff}");
    let verified = desk.run(&["verify", "t"]).ok().stdout;
    assert!(
        verified.contains("plan 1, before the data, by Ada"),
        "{verified}"
    );
    assert!(verified.contains("plan 2, LATE"), "{verified}");
    let verified = desk.run(&["verify", "t", "--json"]).ok().json();
    assert_eq!(
        late(&verified),
        [(1, false, true), (2, true, false), (3, true, false)]
    );

    // The plan of the first restored: nothing was changed, and the last approval is another plan's.
    change(&desk, "estimator = \"welch\"", "estimator = \"lin\"");
    let d = analyze(&desk, &[]);
    assert_eq!(
        (&d["deviations"], &d["banners"]),
        (&json!([]), &json!(["LATE APPROVAL"]))
    );
}

#[test]
fn where_all_are_late_the_first_counts() {
    let desk = desk();
    analyze(&desk, &[]);
    assert_eq!(approve(&desk, "Ada"), json!(["LATE APPROVAL"]));
    assert_eq!(analyze(&desk, &[])["banners"], json!(["LATE APPROVAL"]));
    change(&desk, "seed = 7", "seed = 8");
    approve(&desk, "Bob");
    let d = analyze(&desk, &[]);
    assert_eq!(
        d["banners"],
        json!(["LATE APPROVAL", "CHANGED SINCE APPROVAL"])
    );
    assert_eq!(late(&d), [(1, true, true), (2, true, false)]);
    let report = String::from_utf8(desk.read("reports/t/summary.md")).unwrap();
    assert!(
        report.contains("approval 1, the first: all were late"),
        "{report}"
    );
}

#[test]
fn the_same_plan_may_be_approved_by_more_people_at_any_time() {
    let desk = desk();
    approve(&desk, "Ada");
    change(&desk, "seed = 7", "seed = 8");
    // Before the data a plan may change; the last approval counts.
    assert_eq!(approve(&desk, "Ada"), json!([]));
    assert_eq!(
        late(&analyze(&desk, &[])),
        [(1, false, false), (2, false, true)]
    );
    assert_eq!(approve(&desk, "Grace"), json!([]));
    let d = analyze(&desk, &[]);
    assert_eq!((&d["deviations"], &d["banners"]), (&json!([]), &json!([])));
    assert_eq!(
        late(&d),
        [(1, false, false), (2, false, true), (3, true, false)]
    );
    assert!(!notes(&desk).contains("approved last"));
}

#[test]
fn scale_is_signed_on_an_analysis_of_the_approved_plan_only() {
    let desk = desk();
    analyze(&desk, &[]);
    approve(&desk, "Ada");
    refused(&desk, "made before anybody approved the plan");
    // Other decisions need no approval.
    sign(&desk, "stop", &[]).ok();
    analyze(&desk, &[]);
    let signed = sign(&desk, "scale", &["--arm", "treatment"]).ok().json();
    assert_eq!(signed["analysis"], 2);
    approve(&desk, "Grace");
    refused(&desk, "made under the approval with the seal");
    analyze(&desk, &[]);
    sign(&desk, "scale", &["--arm", "treatment"]).ok();
}
