//! Two plans key by key, and the digest of what a scan depends on.

use pilot::experiment::{self, Change};

use crate::plan::{CELLS, COUNTS, FEES, accepted, edit};

fn changes(from: &str, to: &str) -> Vec<Change> {
    experiment::diff(FEES, &edit(FEES, from, to).0).unwrap()
}

#[test]
fn what_means_the_same_is_no_change() {
    for base in [FEES, COUNTS, CELLS] {
        assert_eq!(experiment::diff(base, base).unwrap(), []);
    }
    for (from, to) in [
        ("owner =", "# a comment\n   owner    ="),
        ("power = 0.80", "power = 8e-1"),
        ("alpha = 0.05\n", ""),
        ("[\"fees\", \"billing\"]", "[\"billing\", \"fees\"]"),
        ("customers_at_rollout", "units_at_rollout"),
        ("better = \"lower\"\n", ""),
        (
            "[\"2026-08-01\", \"2026-09-30\"]",
            "[2026-08-01, 2026-09-30]",
        ),
        ("[privacy]\nmin_cell = 5\n", ""),
        ("[\"0\", \"holdout\"]", "[\"holdout\", \"0\"]"),
    ] {
        assert_eq!(changes(from, to), [], "{to}");
    }
}

#[test]
fn a_change_names_its_key_and_whether_it_is_material() {
    let (material, clerical) = (true, false);
    for (from, to, key, kind) in [
        ("0.05\npower", "0.1\npower", "analysis.alpha", material),
        ("1200", "900", "arms.tip-sheet.fixed_cost", material),
        ("\"customer care\"", "\"Ada\"", "experiment.owner", clerical),
        (
            "\"Ten-tip sheet\"",
            "\"Tips\"",
            "arms.tip-sheet.title",
            clerical,
        ),
        (
            "\"data/customers.csv\"",
            "\"data/c2.csv\"",
            "data.customers.path",
            clerical,
        ),
        ("\",\"", "\".\"", "data.contacts.decimal", clerical),
        (
            "\"topic\"",
            "\"topic2\"",
            "data.contacts.columns.reason",
            material,
        ),
        (
            "[\"0\", \"holdout\"]",
            "[\"0\"]",
            "data.customers.arm_values.control",
            material,
        ),
        ("8274462913", "3", "experiment.seed", material),
        (
            "\"expectation\"",
            "\"process\"",
            "experiment.root_cause",
            material,
        ),
        (
            "= 5\n[business]",
            "= 10\n[business]",
            "privacy.min_cell",
            clerical,
        ),
        (
            "{ mean = 9, sd = 2 }",
            "\"none\"",
            "business.half_life_months",
            material,
        ),
        (
            "0.8\nshrinkage",
            "0.7\nshrinkage",
            "business.staffing.occupancy",
            material,
        ),
        ("0.15", "0.2", "business.claims.budget_share", material),
        (
            "\"2026-12-02\"",
            "\"2026-12-09\"",
            "data.contacts.complete_until",
            clerical,
        ),
    ] {
        let value = |text: &str| {
            let text = text.trim_start_matches("= ");
            Some(text.split('\n').next().unwrap().to_owned())
        };
        let expected = Change {
            key: key.to_owned(),
            approved: value(from),
            now: value(to),
            material: kind,
        };
        let from = match key {
            "experiment.root_cause" => "\"expectation\"         #",
            _ => from,
        };
        assert_eq!(
            changes(from, &to.replace("\"process\"", "\"process\" #")),
            [expected]
        );
    }
    let [cap] = &changes("cap = 50\n", "")[..] else {
        panic!("one change")
    };
    assert_eq!(cap.key, "outcomes.fee-contacts.cap");
    assert_eq!(
        (cap.approved.as_deref(), cap.now.as_deref()),
        (Some("50"), None)
    );
}

#[test]
fn arms_are_matched_by_name() {
    let video = "[[arms]]\nname = \"video\"\nweight = 1\n";
    let (three, _) = edit(FEES, "[periods]", &format!("{video}[periods]"));
    let added = experiment::diff(FEES, &three).unwrap();
    for change in &added {
        let key = change.key.as_str();
        let of_video = key.starts_with("arms.video.") || key.ends_with("arm_values.video");
        assert!(of_video || key == "arms", "{change:?}");
        assert_eq!(change.material, key != "arms.video.title", "{change:?}");
    }
    let weight = added.iter().find(|c| c.key == "arms.video.weight").unwrap();
    assert_eq!(
        (weight.approved.as_deref(), weight.now.as_deref()),
        (None, Some("1"))
    );

    let first = "[[arms]]\nname = \"control\"";
    let (moved, _) = edit(FEES, first, &format!("{video}{first}"));
    let [order] = &experiment::diff(&three, &moved).unwrap()[..] else {
        panic!("one change")
    };
    assert_eq!((order.key.as_str(), order.material), ("arms", true));
    assert_eq!(order.now.as_deref(), Some("video, control, tip-sheet"));
}

#[test]
fn the_first_primary_outcome_is_the_one_that_money_rests_on() {
    let outcome = |name: &str| format!("[[outcomes]]\nname = \"{name}\"\nrole = \"primary\"\n");
    let (a, b) = (outcome("a"), outcome("b"));
    let with = |more: String| edit(FEES, "[analysis]", &format!("{more}[analysis]")).0;
    let changed = experiment::diff(&with(format!("{a}{b}")), &with(format!("{b}{a}"))).unwrap();
    let keys: Vec<_> = changed
        .iter()
        .map(|c| (c.key.as_str(), c.material))
        .collect();
    assert_eq!(keys, [("outcomes", true)]);
}

#[test]
fn a_plan_that_cannot_be_read_cannot_be_compared() {
    let error = experiment::diff(FEES, "schema = 1").unwrap_err();
    assert_eq!(error.kind().exit_code(), 2);
}

#[test]
fn the_digest_follows_what_a_scan_depends_on() {
    let digest =
        |from: &str, to: &str| experiment::data_digest(&accepted(FEES, &edit(FEES, from, to).0));
    let base = experiment::data_digest(&accepted(FEES, FEES));
    assert_eq!(base.len(), 64);
    for (from, to) in [
        ("strata = [\"plan\"]", "strata = []"),
        ("\"2026-11-29\"", "\"2026-11-30\""),
        ("timezone = \"UTC\"", "timezone = \"Asia/Tehran\""),
        ("data/contacts-*.csv", "data/contacts.csv"),
        ("reasons = [\"fees\", \"billing\"]", "reasons = [\"fees\"]"),
        ("cap = 50", "cap = 51"),
        ("[\"0\", \"holdout\"]", "[\"0\"]"),
        ("\"2026-12-02\"", "\"2026-12-03\""),
        ("max_bad_rows = 0.01", "max_bad_rows = 0.02"),
        ("segments = [\"plan\"]", "segments = []"),
        ("decimal = \",\"", "decimal = \".\""),
        ("id = \"ticket\"", "id = \"case\""),
    ] {
        assert_ne!(digest(from, to), base, "{to}");
    }
    for (from, to) in [
        ("title = \"Ten-tip sheet\"", "title = \"Tips\""),
        ("alpha = 0.05", "alpha = 0.01"),
        ("[\"fees\", \"billing\"]", "[\"billing\", \"fees\"]"),
        ("fixed_cost = 1200", "fixed_cost = 1"),
        ("seed = 8274462913", "seed = 1"),
        ("horizon_months = 24", "horizon_months = 12"),
        ("estimator = \"lin\"", "estimator = \"welch\""),
        ("min_cell = 5", "min_cell = 6"),
    ] {
        assert_eq!(digest(from, to), base, "{to}");
    }
}
