//! `pilot power` and the size in `pilot design`, as a user asks for them.

use serde_json::Value;

use crate::support::{Desk, Ran};

/// `pilot power` with a rate, a dispersion and `more`.
fn power(desk: &Desk, more: &str) -> Ran {
    let base = "power --rate 0.6 --dispersion 1.2 --replicates 0";
    desk.run(&base.split(' ').chain(more.split(' ')).collect::<Vec<_>>())
}

fn design(desk: &Desk, name: &str, more: &str) -> Ran {
    let base = format!("design {name} --rate 0.6 --dispersion 1.2 --replicates 0 {more}");
    desk.run(&base.split(' ').collect::<Vec<_>>())
}

#[test]
fn charts_are_written_and_never_over_another() {
    let desk = Desk::new();
    let both = "--reduction 0.2 --chart charts/power";
    let said = power(&desk, both).ok().stdout;
    assert!(said.contains("wrote charts/power.svg") && said.contains("wrote charts/power.png"));
    let before = desk.files();
    let refused = power(&desk, both);
    assert_eq!(refused.code, 2);
    assert!(
        refused.stderr.contains("left as it is"),
        "{}",
        refused.stderr
    );
    // One of two is enough to refuse both.
    desk.write("half.png", "mine");
    assert_eq!(power(&desk, "--reduction 0.2 --chart half").code, 2);
    assert!(!desk.path("half.svg").exists());
    assert_eq!(desk.read("half.png"), b"mine");
    assert_eq!(power(&desk, "--reduction 0.2 --chart only.svg").code, 0);
    assert!(!desk.path("only.png").exists() && desk.path("only.svg").exists());
    power(&desk, "--reduction 0.2 --chart dry --dry-run").ok();
    let after = desk.files();
    let new: Vec<_> = after.keys().filter(|f| !before.contains_key(*f)).collect();
    assert_eq!(new, ["half.png", "only.svg"]);
}

#[test]
fn looks_are_in_the_document() {
    let desk = Desk::new();
    let ask = |more: &str| {
        power(&desk, &format!("--reduction 0.2 --json {more}"))
            .ok()
            .json()
    };
    let plain = ask("--looks 1");
    let three = ask("--looks 3");
    let z = |v: &Value, k: usize| v["boundaries"][k]["z"].as_f64().unwrap();
    // published.md: Lan-DeMets O'Brien-Fleming, three looks.
    for (k, published) in [3.7103, 2.5114, 1.9930].into_iter().enumerate() {
        assert!((z(&three, k) - published).abs() < 5e-5);
    }
    assert_eq!(three["critical_value"], three["boundaries"][2]["z"]);
    assert!(three["inflation"].as_f64().unwrap() > 1.0);
    // The far tail counts in one and not in the other.
    assert!((plain["inflation"].as_f64().unwrap() - 1.0).abs() < 1e-5);
    let uneven = ask("--information 0.3,0.8,1 --spending kim-demets --spending-parameter 2");
    assert!((uneven["boundaries"][0]["spent"].as_f64().unwrap() - 0.05 * 0.09).abs() < 1e-9);
    for (flags, word) in [
        ("--spending pocock", "no looks"),
        ("--looks 0", "0 looks"),
        ("--looks 3 --information 0.5,1", "2 shares for 3 looks"),
        ("--information 0.5,0.4,1", "ascend"),
        ("--information 0.5,0.9", "1"),
        ("--looks 2 --spending wang-tsiatis", "parameter"),
        (
            "--looks 2 --spending pocock --spending-parameter 1",
            "parameter",
        ),
        ("--looks 2 --spending sometimes", "possible values"),
    ] {
        let ran = power(&desk, &format!("--reduction 0.2 {flags}"));
        assert_eq!(ran.code, 2, "{flags}");
        assert!(ran.stderr.contains(word), "{flags}: {}", ran.stderr);
    }
}

#[test]
fn design_sizes_for_the_estimator_of_the_plan() {
    let desk = Desk::new();
    let size = |name: &str, more: &str| {
        let ran = design(
            &desk,
            name,
            &format!("--reduction 0.2 --seed 1 --json {more}"),
        );
        ran.ok().json()["size"].clone()
    };
    let windows = "--before 2026-08-01..2026-09-30 --after 2026-10-01..2026-11-29";
    let n = |v: &Value| v["n_per_arm_exact"][0].as_f64().unwrap();
    let plain = size("plain", "--correlation 0.5 --after 2026-10-01..2026-11-29");
    let lin = size("lin", &format!("--correlation 0.5 {windows}"));
    let did = size(
        "did",
        &format!("--correlation 0.5 --estimator did {windows}"),
    );
    assert_eq!(plain["method"], "means");
    // Without a before window there is nothing to gain.
    assert!((n(&lin) / n(&plain) - 0.75).abs() < 1e-9);
    assert!((n(&did) / n(&plain) - 1.0).abs() < 1e-9);
    assert_eq!(size("ratio", "--estimand ratio")["method"], "nb");
    let refused = design(&desk, "wrong", "--estimand median --reduction 0.2");
    assert_eq!(
        (refused.code, desk.path("experiments/wrong.toml").exists()),
        (2, false)
    );
}

#[test]
fn looks_go_into_the_plan_and_into_its_size() {
    let desk = Desk::new();
    let looks = "--reduction 0.2 --seed 1 --information 0.4,0.7,1 --spending pocock";
    let said = design(&desk, "early", looks).ok().stdout;
    assert!(said.contains("Looks: at 40 %, 70 %, 100 %"), "{said}");
    let plan = String::from_utf8(desk.read("experiments/early.toml")).unwrap();
    assert!(plan.contains("information = [0.4, 0.7, 1]"), "{plan}");
    assert!(plan.contains("spending = \"pocock\""), "{plan}");
    let wrong = design(
        &desk,
        "wrong",
        "--reduction 0.2 --looks 2 --spending wang-tsiatis",
    );
    assert_eq!(
        (wrong.code, desk.path("experiments/wrong.toml").exists()),
        (2, false)
    );
}

#[test]
fn arrivals_size_a_pilot_that_enrols() {
    let desk = Desk::new();
    let more = "--after-days 60 --enrol 2026-10-01..2026-12-31 --arrivals 40 --seed 1";
    let said = design(&desk, "enrols", more).ok().stdout;
    for words in [
        "3,680 in all",
        "all have arrived after 92 days",
        "The pilot lasts 151 days",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let plan = String::from_utf8(desk.read("experiments/enrols.toml")).unwrap();
    assert!(
        plan.contains("enrol = [\"2026-10-01\", \"2026-12-31\"]"),
        "{plan}"
    );
    assert!(plan.contains("after_days = 60"), "{plan}");
}
