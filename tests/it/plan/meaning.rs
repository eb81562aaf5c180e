//! What a plan means: defaults, equal forms, warnings, approval.

use std::collections::BTreeMap;

use pilot::experiment::{self, Assumption, Data, Design, Experiment, Multiplicity, Windows};

use crate::plan::{CELLS, COUNTS, FEES, accepted, edit, file_of};

#[test]
fn silent_keys_have_their_documented_values() {
    let text = format!("{COUNTS}\n[business]\ncurrency = \"JPY\"\n");
    let plan = experiment::parse(&text, &file_of(COUNTS)).unwrap();
    let e = &plan.experiment;
    assert_eq!(e.title, "counts");
    assert_eq!(e.arms[1].weight, None);
    assert_eq!(e.arms[1].title, "progabide");
    assert_eq!((e.analysis.alpha, e.analysis.power), (0.05, 0.8));
    let draws = (e.analysis.permutations, e.analysis.bootstrap);
    assert_eq!(draws, (10_000, 10_000));
    assert_eq!((e.decision.min_probability, e.min_cell), (0.9, 5));
    let b = e.business.as_ref().unwrap();
    assert_eq!(b.horizon_months, 36);
    assert_eq!(b.annual_discount_rate, Assumption::Fixed(0.08));
    assert_eq!((b.cost, b.realisation, b.half_life), (None, None, None));
    assert_eq!((b.holdout, b.ramp_months), (0.0, 0));
    assert_eq!(b.claims.contact_reduction, (0.25, 0.3));
    assert_eq!(b.claims.budget_share, 0.15);
    let horizon = ("business.horizon_months".into(), "36".into());
    assert!(plan.defaults.contains(&horizon));
    let stated = |key: &str| !plan.defaults.iter().any(|(k, _)| k == key);
    assert!(stated("analysis.estimand") && stated("arms[1].control"));

    let arms = accepted(CELLS, CELLS).arms;
    assert_eq!((arms[0].weight, arms[1].weight), (Some(1), Some(2)));
}

/// Defaults and readers agree: stating a default changes nothing.
#[test]
fn a_stated_default_changes_nothing() {
    for base in [FEES, COUNTS, CELLS] {
        let plan = experiment::parse(base, &file_of(base)).unwrap();
        assert!(plan.defaults.len() > 3);
        for (key, value) in &plan.defaults {
            let mut table: toml::Table = base.parse().unwrap();
            let value: toml::Table = format!("x = {value}").parse().unwrap();
            let mut steps: Vec<&str> = key.split('.').collect();
            let last = steps.pop().unwrap();
            let mut here = &mut table;
            for step in steps {
                let (name, index) = step.split_once('[').unwrap_or((step, ""));
                let next = here
                    .entry(name)
                    .or_insert_with(|| toml::Value::Table(toml::Table::new()));
                let next = match index.trim_end_matches(']').parse::<usize>() {
                    Ok(i) => &mut next.as_array_mut().unwrap()[i - 1],
                    Err(_) => next,
                };
                here = next.as_table_mut().unwrap();
            }
            here.insert(last.to_owned(), value["x"].clone());
            let text = toml::to_string(&table).unwrap();
            assert_eq!(accepted(base, &text), plan.experiment, "{key}");
        }
    }
}

#[test]
fn the_start_column_is_named_once_and_known_everywhere() {
    let start_of = |e: &Experiment| match (&e.periods.as_ref().unwrap().windows, &e.data) {
        (Windows::Fixed { start, .. }, Some(Data::Log { customers, .. })) => {
            (start.clone(), customers.start.clone())
        }
        (Windows::Relative { start, .. }, Some(Data::Log { customers, .. })) => {
            (Some(start.clone()), customers.start.clone())
        }
        _ => panic!("no log"),
    };
    let joined = Some("joined".to_owned());
    let both = (joined.clone(), joined);
    assert_eq!(start_of(&accepted(FEES, FEES)), both);

    let windows =
        "before = [\"2026-08-01\", \"2026-09-30\"]\nafter = [\"2026-10-01\", \"2026-11-29\"]";
    let (text, _) = edit(
        FEES,
        windows,
        "before_days = 30\nafter_days = 60\nenrol = [\"2026-10-01\", \"2026-10-31\"]",
    );
    assert_eq!(start_of(&accepted(FEES, &text)), both);
    let text = text.replace("start = \"joined\", ", "");
    let text = text.replace("before_days = 30", "before_days = 30\nstart = \"joined\"");
    assert_eq!(start_of(&accepted(FEES, &text)), both);
}

#[test]
fn arm_values_hold_every_value_that_means_an_arm() {
    let values = |text: &str| match accepted(FEES, text).data {
        Some(Data::Log { customers, .. }) => customers.arm_values,
        _ => panic!("no log"),
    };
    let map = |pairs: &[(&str, usize)]| -> BTreeMap<String, usize> {
        pairs.iter().map(|(v, i)| ((*v).to_owned(), *i)).collect()
    };
    assert_eq!(values(FEES), map(&[("0", 0), ("holdout", 0), ("1", 1)]));
    let (text, _) = edit(FEES, ", tip-sheet = [\"1\"]", "");
    assert_eq!(
        values(&text),
        map(&[("0", 0), ("holdout", 0), ("tip-sheet", 1)])
    );
    let stated = "arm_values = { control = [\"0\", \"holdout\"], tip-sheet = [\"1\"] }\n";
    let (text, _) = edit(FEES, stated, "");
    assert_eq!(values(&text), map(&[("control", 0), ("tip-sheet", 1)]));
}

#[test]
fn forms_that_mean_the_same_are_read_the_same() {
    let e = accepted(FEES, FEES);
    for (from, to) in [
        ("customers_at_rollout", "units_at_rollout"),
        (
            "[\"2026-08-01\", \"2026-09-30\"]",
            "[2026-08-01, 2026-09-30]",
        ),
        ("alpha = 0.05", "alpha = 5e-2"),
        ("seed = 8274462913", "seed = 8_274_462_913"),
        ("timezone = \"UTC\"", "timezone = \"utc\""),
        ("permutations = 10000", "permutations = 0x2710"),
        ("realisation_lag_months = 3", "realisation_lag_months = 3.0"),
    ] {
        let (text, _) = edit(FEES, from, to);
        assert_eq!(accepted(FEES, &text), e, "{to}");
    }
    assert_eq!(accepted(FEES, &FEES.replace('\n', "\r\n")), e);
    assert_eq!(accepted(FEES, &format!("\u{feff}{FEES}")), e);
}

#[test]
fn a_plain_cost_is_all_labour() {
    let cost = "{ variable = 0.4, labour = { low = 3, mode = 4.2, high = 6 } }";
    let (plain, _) = edit(FEES, cost, "5");
    let (parts, _) = edit(FEES, cost, "{ variable = 0, labour = 5 }");
    assert_eq!(accepted(FEES, &plain), accepted(FEES, &parts));
}

#[test]
fn a_page_after_login_can_be_randomised() {
    let (text, _) = edit(
        FEES,
        "interventions = [\"tip-sheet\"]",
        "interventions = [\"site-top-questions\"]\nafter_login = true",
    );
    accepted(FEES, &text);
}

#[test]
fn warnings_say_what_a_valid_plan_leaves_open() {
    let ids =
        |e: &Experiment| -> Vec<&str> { experiment::warnings(e).iter().map(|w| w.id).collect() };
    assert_eq!(ids(&accepted(FEES, FEES)), [""; 0]);
    let second = "[[outcomes]]\nname = \"all\"\nrole = \"primary\"\n[analysis]";
    for (from, to, id) in [
        (
            "cause = \"expectation\"",
            "cause = \"process\"",
            "process-cause",
        ),
        ("alpha = 0.05", "alpha = 0.2", "weak-alpha"),
        ("power = 0.80", "power = 0.7", "low-power"),
        (
            "weight = 1\n[[arms]]",
            "weight = 50\n[[arms]]",
            "lopsided-weights",
        ),
        ("\"2026-11-29\"", "\"2026-10-06\"", "short-after"),
        (
            "before = [\"2026-08-01\", \"2026-09-30\"]\n",
            "",
            "no-before",
        ),
        ("[analysis]", second, "several-primary-outcomes"),
        (
            "estimator = \"lin\"",
            "estimator = \"auto\"",
            "auto-estimator",
        ),
        (
            "estimator = \"lin\"",
            "estimator = \"permutation\"",
            "no-interval",
        ),
        (
            "control = true",
            "control = true\ninterventions = [\"welcome-email\"]",
            "control-with-interventions",
        ),
        (
            "realisation = { low = 0.3, mode = 0.5, high = 0.8 }\n",
            "",
            "no-cash-case",
        ),
        (
            ", handling_seconds = \"aht\"",
            "",
            "contacts-without-minutes",
        ),
        (
            "half_life_months = { mean = 9, sd = 2 }",
            "half_life_months = \"none\"",
            "no-fade",
        ),
        ("[1.2, 1.1, 1,", "[2.2, 1.1, 1,", "season-mean"),
    ] {
        let (text, _) = edit(FEES, from, to);
        assert_eq!(ids(&accepted(FEES, &text)), [id], "{to}");
    }
    assert!(ids(&accepted(COUNTS, COUNTS)).contains(&"no-cash-case"));
}

#[test]
fn a_plan_that_can_never_scale_says_so_before_it_is_approved() {
    let ids =
        |e: &Experiment| -> Vec<&str> { experiment::warnings(e).iter().map(|w| w.id).collect() };
    let mut e = accepted(FEES, FEES);
    e.outcomes[0].better = experiment::Better::Higher;
    assert_eq!(ids(&e), ["no-business-case"]);
    let mut e = accepted(FEES, FEES);
    e.outcomes[0].kind = experiment::OutcomeKind::Proportion;
    assert_eq!(ids(&e), ["no-business-case"]);
    assert!(experiment::warnings(&e)[0].forbids_scaling());

    let mut e = accepted(FEES, FEES);
    if e.treatments().count() < 2 {
        let another = e.arms[e.treatments().next().unwrap()].clone();
        e.arms.push(another);
    }
    e.decision.scale_if = experiment::ScaleIf::BreakEven;
    for multiplicity in [
        Multiplicity::Holm,
        Multiplicity::Hochberg,
        Multiplicity::DunnettStepDown,
    ] {
        e.analysis.multiplicity = multiplicity;
        assert_eq!(ids(&e), ["never-breaks-even"]);
        let blockers = experiment::approval_blockers(&e);
        let keys: Vec<_> = blockers.iter().filter_map(|e| e.key_name()).collect();
        assert_eq!(keys, ["analysis.multiplicity"]);
    }
    for multiplicity in [Multiplicity::Dunnett, Multiplicity::Bh, Multiplicity::None] {
        e.analysis.multiplicity = multiplicity;
        assert_eq!(experiment::approval_blockers(&e), []);
    }
}

#[test]
fn approval_needs_a_named_estimator_and_windows() {
    assert_eq!(experiment::approval_blockers(&accepted(FEES, FEES)), []);
    assert_eq!(experiment::approval_blockers(&accepted(COUNTS, COUNTS)), []);
    let draft = Design::new("draft", 1, &["control", "video"]).unwrap();
    let blockers = experiment::approval_blockers(&draft.experiment);
    let keys: Vec<_> = blockers.iter().filter_map(|e| e.key_name()).collect();
    assert_eq!(keys, ["analysis.estimator", "periods"]);
}

#[test]
fn clusters_and_minutes_are_read() {
    let (text, _) = edit(FEES, "strata = [\"plan\"]", "cluster = \"branch\"");
    let text = text.replace("estimator = \"lin\"", "estimator = \"permutation\"");
    let text = text.replace("cost_per_contact", "cost_per_minute");
    let e = accepted(FEES, &text);
    assert_eq!(e.cluster_column(), Some("branch"));
    let business = e.business.as_ref().unwrap();
    let named = |name: &Option<String>| e.outcomes.iter().find(|o| Some(&o.name) == name.as_ref());
    let handling = named(&business.handling_outcome).unwrap();
    let primary = e.primary_outcome();
    assert_eq!(handling.kind, experiment::OutcomeKind::Mean);
    assert_eq!(handling.reasons, primary.reasons);
    assert_eq!(handling.name, "handling-seconds");
    // Beside it, for every reason.
    let every = named(&business.every_reason).unwrap();
    assert_eq!(every.name, "all-handling-seconds");
    assert_eq!(every.kind, experiment::OutcomeKind::Mean);
    assert!(every.reasons.is_empty() && every.role == experiment::Role::Secondary);
    assert!(matches!(
        business.cost,
        Some(experiment::CostBasis::PerMinute(_))
    ));

    let columns = "exposure = \"weeks\" }";
    let (text, _) = edit(
        COUNTS,
        columns,
        "exposure = \"weeks\", cluster = \"town\" }",
    );
    let text = text.replace("estimand = \"ratio\"\nestimator = \"negbin\"\n", "");
    assert_eq!(accepted(COUNTS, &text).cluster_column(), Some("town"));
}

#[test]
fn settings_change_the_experiment_and_not_the_text() {
    let with = |settings: &[(&str, &str)]| {
        let own = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
        let settings: Vec<_> = settings.iter().map(own).collect();
        experiment::parse_with(FEES, &file_of(FEES), &settings)
    };
    let plan = with(&[
        ("business.cost_per_contact", "5"),
        ("business.half_life_months", "none"),
        ("arms.tip-sheet.fixed_cost", "900"),
        ("analysis.estimator", "welch"),
        ("business.claims.budget_share", "0.1"),
    ])
    .unwrap();
    assert_eq!(plan.text, FEES);
    let keys: Vec<String> = experiment::changes(&accepted(FEES, FEES), &plan.experiment)
        .into_iter()
        .map(|c| c.key)
        .collect();
    let expected = [
        "arms.tip-sheet.fixed_cost",
        "analysis.estimator",
        "business.cost_per_contact",
        "business.half_life_months",
        "business.claims.budget_share",
    ];
    assert_eq!(keys, expected);
    for (key, value, message) in [
        ("business.horizn_months", "5", "unknown key `horizn_months`"),
        ("business.horizon_months", "soon", "found text"),
        ("business.horizon_months", "5\nholdout = 0.9", "found text"),
        ("arms.video.weight", "5", "no \"video\" among the arms"),
        ("schema.x", "5", "not a table"),
        ("business.", "5", "not a key"),
    ] {
        let error = with(&[(key, value)]).unwrap_err();
        assert_eq!(error.kind(), pilot::error::Kind::Usage, "{error}");
        assert!(error.message().contains(message), "{error}");
        assert!(error.hint_text().is_some(), "{error}");
    }
}
