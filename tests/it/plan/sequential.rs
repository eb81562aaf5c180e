//! `[analysis.sequential]`: which looks, by which rule.

use pilot::experiment::{self, Experiment};

use super::{COUNTS, DOCUMENTED, accepted, edit, refused};

const LOOKS: &str = "looks = [\"2026-10-20\", \"2026-11-10\", \"2026-11-29\"]";
const SPENDING: &str = "spending = \"obrien-fleming\"";

fn read(from: &str, to: &str) -> Experiment {
    accepted(DOCUMENTED, &edit(DOCUMENTED, from, to).0)
}

#[test]
fn rules_and_their_parameters_are_read() {
    let rule = |to: &str| read(SPENDING, to).analysis.sequential.unwrap().rule;
    let named = rule("spending = \"hwang-shih-decani\"\nspending_parameter = -4").unwrap();
    assert_eq!(named.parameter, Some(-4.0));
    let futile = rule(
        "spending = \"pocock\"\nfutility = { spending = \"kim-demets\", spending_parameter = 2, beta = 0.2 }",
    );
    let futility = futile.unwrap().futility.unwrap();
    assert_eq!((futility.parameter, futility.beta), (Some(2.0), 0.2));
    let information = read(LOOKS, "information = [0.4, 0.7, 1.0]");
    let looks = information.analysis.sequential.unwrap();
    assert_eq!((looks.number(), looks.looks.len()), (Some(3), 0));
    let text = DOCUMENTED
        .replace(LOOKS, "kind = \"confidence-sequence\"")
        .replace(SPENDING, "")
        .replace("extension_weights = [0.7, 0.3]", "");
    let any_time = accepted(DOCUMENTED, &text).analysis.sequential.unwrap();
    assert!(any_time.rule.is_none() && any_time.number().is_none());
}

#[test]
fn a_default_boundary_is_obrien_and_flemings() {
    let plan = read(SPENDING, "").analysis.sequential.unwrap();
    assert_eq!(plan.rule.unwrap().spending, "obrien-fleming");
}

#[test]
fn what_does_not_fit_is_refused_where_it_stands() {
    for (from, to, says) in [
        (LOOKS, "looks = «[]", "two or more"),
        (
            LOOKS,
            "looks = «[\"2026-11-10\", \"2026-10-20\", \"2026-11-29\"]",
            "does not come after",
        ),
        (
            LOOKS,
            "looks = «[\"2026-10-20\", \"2026-11-10\"]",
            "ends on 2026-11-29",
        ),
        (
            LOOKS,
            "looks = «[\"2026-09-20\", \"2026-11-29\"]",
            "leave the after period",
        ),
        (
            LOOKS,
            "looks = [«\"soon\", \"2026-11-29\"]",
            "expected a day",
        ),
        (LOOKS, "information = «[0.7, 0.4, 1.0]", "not above"),
        (LOOKS, "information = «[0.4, 0.7]", "last look has 0.7"),
        (LOOKS, "information = [0.4, «1.7]", "above 0 and at most 1"),
        (SPENDING, "spending = «\"obrien\"", "not one of"),
        (SPENDING, "spending = «\"kim-demets\"", "needs a parameter"),
        (
            SPENDING,
            "spending = \"pocock\"\nspending_parameter = «1",
            "takes no parameter",
        ),
        (
            SPENDING,
            "spending = «\"classic-pocock\"",
            "how much information each look will have",
        ),
        (
            SPENDING,
            "kind = \"confidence-sequence\"\nspending = «\"pocock\"",
            "has no `spending`",
        ),
        (
            SPENDING,
            "spending = \"pocock\"\nfutility = «{ spending = \"pocock\", beta = 0.97 }",
            "no power above alpha",
        ),
        (SPENDING, "«spendings = \"pocock\"", "unknown key"),
    ] {
        let (text, place) = edit(DOCUMENTED, from, to);
        let error = refused(DOCUMENTED, &text);
        assert!(error.message().contains(says), "{to}: {error}");
        assert_eq!(error.kind().exit_code(), 2);
        let found = error.line_number().zip(error.column_number());
        assert_eq!(found, place, "{to}: {error}");
        assert!(error.hint_text().is_some(), "{to}: {error}");
    }
}

#[test]
fn the_end_alone_is_a_look_where_a_second_stage_may_follow() {
    let end = "looks = [\"2026-11-29\"]";
    let plan = read(LOOKS, end).analysis.sequential.unwrap();
    assert_eq!(
        (plan.number(), plan.extension_weights),
        (Some(1), Some((0.7, 0.3)))
    );
    let text = edit(DOCUMENTED, LOOKS, end).0;
    let error = refused(
        DOCUMENTED,
        &text.replace("extension_weights = [0.7, 0.3]", ""),
    );
    assert!(error.message().contains("two or more"), "{error}");
}

#[test]
fn a_second_stage_is_planned_only_for_what_can_be_combined() {
    let text = edit(DOCUMENTED, "estimator = \"lin\"", "estimator = \"cace\"").0;
    let error = refused(DOCUMENTED, &text);
    assert_eq!(error.key_name(), Some("analysis.estimator"));
    assert!(error.message().contains("extension_weights"), "{error}");
}

#[test]
fn a_second_stage_is_of_another_pilot_and_looks_once() {
    let second = "owner = \"customer care\"\nsecond_stage_of = \"fees-first\"";
    let text = edit(DOCUMENTED, "owner = \"customer care\"", second).0;
    let error = refused(DOCUMENTED, &text);
    assert_eq!(error.key_name(), Some("analysis.sequential"));
    assert!(error.message().contains("analysed once"), "{error}");
    let table = text.find("[analysis.sequential]").unwrap();
    let rest = text[table..]
        .find("\n[")
        .map_or(text.len(), |i| table + i + 1);
    let plain = format!("{}{}", &text[..table], &text[rest..]);
    let e = accepted(DOCUMENTED, &plain);
    assert_eq!(e.second_stage_of.as_deref(), Some("fees-first"));
    assert!(experiment::describe(&e).contains("second stage of \"fees-first\""));
    let of = |name: &str| plain.replace("fees-first", name);
    let own = e.name.clone();
    for (name, says) in [
        (own.as_str(), "of itself"),
        ("../x", "not a name"),
        ("Fees", "cannot be a name"),
    ] {
        let error = refused(DOCUMENTED, &of(name));
        assert!(error.message().contains(says), "{name}: {error}");
        assert_eq!(
            error.key_name(),
            Some("experiment.second_stage_of"),
            "{error}"
        );
    }
    let none = refused(DOCUMENTED, &plain.replace("\"lin\"", "\"bootstrap\""));
    assert!(none.message().contains("cannot be combined"), "{none}");
    // Changing it is a material change.
    let changes = experiment::diff(&plain, &of("another")).unwrap();
    assert_eq!(changes.len(), 1);
    assert!(changes[0].material && changes[0].key == "experiment.second_stage_of");
}

#[test]
fn classical_constants_go_with_shares_beside_days() {
    let both = read(
        SPENDING,
        "spending = \"classic-pocock\"\ninformation = [0.4, 0.7, 1.0]",
    );
    let looks = both.analysis.sequential.unwrap();
    assert_eq!((looks.looks.len(), looks.information.len()), (3, 3));
    let (text, _) = edit(DOCUMENTED, SPENDING, "information = [0.4, 1.0]");
    let error = refused(DOCUMENTED, &text);
    assert!(error.message().contains("2 shares for 3 looks"), "{error}");
}

#[test]
fn looks_need_a_standard_error_and_days_need_dates() {
    let (text, _) = edit(
        DOCUMENTED,
        "estimator = \"lin\"",
        "estimator = \"permutation\"",
    );
    let error = refused(DOCUMENTED, &text);
    assert!(error.message().contains("standard error"), "{error}");
    assert_eq!(error.key_name(), Some("analysis.sequential"));
    let table = "\n[analysis.sequential]\nlooks = [\"2026-10-20\", \"2026-11-29\"]\n";
    let error = refused(COUNTS, &format!("{COUNTS}{table}"));
    assert!(error.message().contains("no dates"), "{error}");
}

#[test]
fn looks_are_written_compared_and_shown() {
    let moved = DOCUMENTED.replace("2026-11-10", "2026-11-12");
    let changes = experiment::diff(DOCUMENTED, &moved).unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].key, "analysis.sequential.looks");
    assert!(changes[0].material);
    let e = accepted(DOCUMENTED, DOCUMENTED);
    let words = experiment::describe(&e);
    assert!(
        words.contains("Looks at the contacts up to 2026-10-20"),
        "{words}"
    );
    assert!(words.contains("A second stage may follow"), "{words}");
    let schema = experiment::schema();
    let keys = &schema["properties"]["analysis"]["properties"]["sequential"]["properties"];
    for key in [
        "kind",
        "looks",
        "information",
        "spending",
        "spending_parameter",
        "futility",
        "information_max",
        "extension_weights",
    ] {
        assert!(keys.get(key).is_some(), "{key}");
    }
}
