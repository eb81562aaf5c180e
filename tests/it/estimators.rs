//! Instruments, priors, profile likelihoods, bounds, zeros and crossed arms against R.

#[path = "estimators/checks.rs"]
mod checks;
#[path = "estimators/hard.rs"]
mod hard;
#[path = "estimators/pilots.rs"]
mod pilots;

use pilot::stats::adjusted::{ancova, lin};
use pilot::stats::bayes::{Prior, bayes};
use pilot::stats::before::{cuped, did_over};
use pilot::stats::cace::cace;
use pilot::stats::lee::bounds;
use pilot::stats::negbin::{negbin, negbin_with};
use pilot::stats::poisson::poisson;
use pilot::stats::proportion::{Count, not_worse};
use pilot::stats::zeros::zeros;
use pilot::stats::{Alternative, DetailValue, Estimand, Estimate, MeanModel, Test};
use pilot::table::{ArmId, Cell, ContactTable, Decimals, ExposureUnit, Strata};
use proptest::prelude::*;
use serde_json::Value;

use crate::counts_support::{bladder, cgd, close, compare, detail, epil, number, record};

/// Closed forms: both sides are sums in double precision.
const CLOSED: f64 = 1e-8;
/// Iterated fits, and ends of profiles that R finds by `optimize` and `uniroot`.
const FIT: f64 = 1e-6;
/// `MASS` and `stats` interpolate the profile by a spline.
const SPLINE: f64 = 1e-3;

fn reference(id: &str) -> Value {
    record("estimators.json", id)
}

/// Rows of a data file as a table; columns that it lacks are those of a plain count.
pub fn read(file: &str, arms: &[&str], stratified: bool, change: fn(&mut Cell)) -> ContactTable {
    let path = format!("{}/tests/data/{file}", env!("CARGO_MANIFEST_DIR"));
    let mut reader = csv::Reader::from_path(path).unwrap();
    let head = reader.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(|r| r.unwrap()).collect();
    let get = |row: &csv::StringRecord, names: &[&str]| {
        let at = head.iter().position(|h| names.contains(&h))?;
        Some(row[at].to_string()).filter(|v| !v.is_empty())
    };
    let int = |row: &csv::StringRecord, names: &[&str]| -> Option<i64> {
        get(row, names).map(|v| v.parse().unwrap())
    };
    let stratum = |row: &csv::StringRecord| match stratified {
        true => get(row, &["stratum"]).unwrap(),
        false => "all".into(),
    };
    let strata = Strata::new(
        vec!["stratum".into()],
        rows.iter().map(|r| vec![stratum(r)]),
    )
    .unwrap();
    let cells = rows.iter().filter_map(|row| {
        let arm = arms
            .iter()
            .position(|a| *a == &row[head.iter().position(|h| h == "arm").unwrap()])?;
        let mut cell = Cell {
            arm: ArmId(arm as u16),
            stratum: strata.id(&[stratum(row)]).unwrap(),
            exposure: int(row, &["exposure"]).unwrap_or(1),
            before_exposure: int(row, &["before_exposure"]).unwrap_or(0),
            before: int(row, &["before"]),
            after: int(row, &["after", "after_rx"]),
            uptake: int(row, &["uptake", "complied"]).map(|u| u == 1),
            customers: int(row, &["customers"]).map_or(1, |n| n as u64),
        };
        change(&mut cell);
        Some(cell)
    });
    let names = arms.iter().map(|a| (*a).to_string()).collect();
    let cells = cells.collect();
    ContactTable::new(
        names,
        strata.clone(),
        ExposureUnit::Day,
        Decimals::default(),
        cells,
    )
    .unwrap()
}

fn same(_: &mut Cell) {}

fn tips(stratified: bool, change: fn(&mut Cell)) -> ContactTable {
    read("crossed.csv", &["control", "tips"], stratified, change)
}

fn find(found: &[Estimate], estimand: Estimand) -> &Estimate {
    let mut of = found.iter().filter(|e| e.estimand == estimand);
    of.next().unwrap()
}

fn ends(e: &Estimate) -> (f64, f64) {
    let i = e.interval.unwrap();
    (i.lower.unwrap(), i.upper.unwrap())
}

fn pair(e: &Estimate, key: &str) -> (f64, f64) {
    match &e.detail[key] {
        DetailValue::Numbers(v) => (v[0], v[1]),
        other => panic!("{key}: {other:?}"),
    }
}

#[track_caller]
fn check(id: &str, r: &Value, fields: &[(&str, f64)], tolerance: f64) {
    for (key, found) in fields {
        close(&format!("{id} {key}"), *found, number(r, key), tolerance);
    }
}

#[test]
fn cace_agrees_with_iv_robust() {
    let no_uptake_in_control = |c: &mut Cell| {
        if c.arm == ArmId(0) {
            c.uptake = None;
        }
    };
    let ohie = |s| read("ohie_visits.csv", &["control", "treatment"], s, same);
    for (id, table) in [
        ("ohie.cace", ohie(false)),
        ("ohie.cace_strata", ohie(true)),
        ("crossed.cace", tips(false, same)),
        ("crossed.cace_strata", tips(true, same)),
        ("crossed.cace_one_sided", tips(true, no_uptake_in_control)),
    ] {
        let found = cace(&compare(&table), &Test::DEFAULT).unwrap();
        let r = reference(id);
        let (e, ratio) = (
            find(&found, Estimand::Difference),
            find(&found, Estimand::Ratio),
        );
        let ((lower, upper), (ratio_lower, ratio_upper)) = (ends(e), ends(ratio));
        let fields = [
            ("late", e.value),
            ("se", e.se.unwrap()),
            ("df", e.df.unwrap()),
            ("p", e.p_value.unwrap()),
            ("ci_lo", lower),
            ("ci_hi", upper),
            ("first_stage", detail(e, "first_stage")),
            ("first_stage_f", detail(e, "first_stage_f")),
            ("itt", detail(e, "itt")),
            ("itt_se", detail(e, "itt_se")),
            ("p_itt", detail(e, "p_anderson_rubin")),
            ("mean_treatment", detail(e, "complier_mean_treatment")),
            ("mean_control", detail(e, "complier_mean_control")),
            ("ratio", ratio.value),
            ("log_se", ratio.se.unwrap()),
            ("ratio_lo", ratio_lower),
            ("ratio_hi", ratio_upper),
            ("ratio_p", ratio.p_value.unwrap()),
        ];
        check(id, &r, &fields, CLOSED);
        let by_formula = 1.0 + e.value / detail(e, "complier_mean_control");
        close(id, ratio.value, by_formula, 1e-12);
        let assumed = e.detail.contains_key("uptake_control_assumed");
        assert_eq!(assumed, id.ends_with("one_sided"));
    }
}

#[test]
fn cace_agrees_with_the_suite_of_r_and_python() {
    for (id, strata) in [("ohie.cace", false), ("ohie.cace_strata", true)] {
        let table = read("ohie_visits.csv", &["control", "treatment"], strata, same);
        let e = &cace(&compare(&table), &Test::DEFAULT).unwrap()[0];
        let r = record("shared_estimators.json", id);
        let fields = [
            ("late", e.value),
            ("itt", detail(e, "itt")),
            ("first_stage", detail(e, "first_stage")),
            ("n", (e.n_treatment + e.n_control) as f64),
        ];
        check(id, &r, &fields, CLOSED);
        // HC2 lies between HC0 and HC1 here, which differ by 1e-4.
        let se = e.se.unwrap();
        assert!(
            number(&r, "se_hc0") < se && se < number(&r, "se_hc1") * (1.0 + 1e-4),
            "{id}: {se}"
        );
    }
}

#[test]
fn without_uptake_there_is_no_cace() {
    let why = |change: fn(&mut Cell)| {
        let table = tips(false, change);
        cace(&compare(&table), &Test::DEFAULT).unwrap_err().why
    };
    let nobody_known = why(|c| c.uptake = None);
    assert!(
        nobody_known.contains("do not tell who took"),
        "{nobody_known}"
    );
    let nobody = why(|c| c.uptake = Some(false));
    assert!(nobody.contains("no more customers"), "{nobody}");
    let everyone = why(|c| c.uptake = Some(true));
    assert!(everyone.contains("no more customers"), "{everyone}");
    let turned = why(|c| c.uptake = c.uptake.map(|u| !u));
    assert!(turned.contains("no more customers"), "{turned}");
    let some = why(|c| {
        if c.arm == ArmId(1) && c.uptake == Some(false) {
            c.uptake = None;
        }
    });
    assert!(some.contains("is not known"), "{some}");
    let control_only = why(|c| {
        if c.arm == ArmId(1) {
            c.uptake = None;
        }
    });
    assert!(control_only.contains("control alone"), "{control_only}");
}

#[test]
fn full_uptake_is_the_plain_difference() {
    let table = tips(false, |c| c.uptake = Some(c.arm == ArmId(1)));
    let c = compare(&table);
    let found = cace(&c, &Test::DEFAULT).unwrap();
    let welch = &pilot::stats::means::welch(&c, &Test::DEFAULT).unwrap()[0];
    let delta = &pilot::stats::means::delta(&c, &Test::DEFAULT).unwrap()[0];
    // HC2 of a difference of means is Welch's standard error.
    close("value", found[0].value, welch.value, 1e-12);
    close("se", found[0].se.unwrap(), welch.se.unwrap(), 1e-12);
    close("ratio", found[1].value, delta.value, 1e-12);
    close("log se", found[1].se.unwrap(), delta.se.unwrap(), 1e-12);
    assert!(
        !found[0].detail.contains_key("first_stage_f"),
        "F is infinite"
    );
}

#[test]
fn bayes_agrees_with_numerical_integration() {
    let one = |_: &crate::counts_support::Row| "all".to_string();
    for (id, table, prior) in [
        ("epil.bayes", epil(one), (0.0, 0.2)),
        ("nsw.bayes", nsw(), (-0.1, 0.5)),
        ("bladder.bayes", bladder(one, |_| true), (0.0, 1.0)),
        ("cgd.bayes", cgd(one), (0.0, 0.3)),
    ] {
        let prior = Prior {
            mean: prior.0,
            sd: prior.1,
        };
        let e = &bayes(&compare(&table), &Test::DEFAULT, prior).unwrap()[0];
        let r = reference(id);
        let (lower, upper) = ends(e);
        let fields = [
            ("median", e.value),
            ("se", e.se.unwrap()),
            ("lo", lower),
            ("hi", upper),
            ("prior_weight", detail(e, "prior_weight")),
            ("mean", detail(e, "posterior_mean")),
            ("p_reduction", detail(e, "probability_reduction")),
            ("loss", detail(e, "expected_loss")),
            ("loss_stopping", detail(e, "expected_loss_of_stopping")),
        ];
        check(id, &r, &fields, CLOSED);
        assert_eq!(e.p_value, None);
    }
}

#[test]
fn profiles_agree_with_r() {
    let before = MeanModel {
        before: true,
        strata: false,
    };
    let one = |_: &crate::counts_support::Row| "all".to_string();
    let even = even();
    let ohie = read("ohie_visits.csv", &["control", "treatment"], false, same);
    for (id, table, model) in [
        ("epil.profile_unadj", epil(one), MeanModel::UNADJUSTED),
        ("epil.profile_log1p_before", epil(one), before),
        (
            "bladder.profile_unadj",
            bladder(one, |_| true),
            MeanModel::UNADJUSTED,
        ),
        (
            "bladder.profile_log1p_before",
            bladder(one, |_| true),
            before,
        ),
        ("cgd.profile_unadj", cgd(one), MeanModel::UNADJUSTED),
        ("ohie.profile_unadj", ohie, MeanModel::UNADJUSTED),
        ("even.profile", even, MeanModel::UNADJUSTED),
    ] {
        let e = &negbin_with(&compare(&table), &Test::DEFAULT, model).unwrap()[0];
        let r = reference(id);
        let (free, held) = (pair(e, "ci_profile"), pair(e, "ci_profile_theta_fixed"));
        let fields = [
            ("lo", free.0),
            ("hi", free.1),
            ("fixed_lo", held.0),
            ("fixed_hi", held.1),
            ("log_rr", detail(e, "log_ratio")),
            ("loglik", detail(e, "log_likelihood")),
        ];
        check(id, &r, &fields, FIT);
        for (key, found) in [
            ("mass_lo", held.0),
            ("mass_hi", held.1),
            ("glm_lo", held.0),
            ("glm_hi", held.1),
        ] {
            if r.get(key).is_some() {
                check(id, &r, &[(key, found)], SPLINE);
            }
        }
        let limit = e.detail["poisson_limit"] == DetailValue::Flag(true);
        assert_eq!(limit, id == "even.profile");
        assert_eq!(e.detail.contains_key("theta"), !limit);
    }
}

/// Earnings, with six decimals.
fn nsw() -> ContactTable {
    let millionths = |text: &str| {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let part = part.trim_end_matches('0');
        format!("{whole}{part:0<6}").parse().unwrap()
    };
    let cells = crate::counts_support::rows("nsw.csv")
        .iter()
        .map(|l| Cell {
            arm: ArmId(u16::from(l.get("arm") == "treatment")),
            stratum: pilot::table::StratumId(0),
            exposure: 1,
            before_exposure: 0,
            before: Some(millionths(l.get("before"))),
            after: Some(millionths(l.get("after"))),
            uptake: None,
            customers: 1,
        })
        .collect();
    let decimals = Decimals {
        before: 6,
        after: 6,
        ..Decimals::default()
    };
    let arms = ["control", "treatment"].map(String::from).to_vec();
    ContactTable::new(arms, Strata::none(), ExposureUnit::Window, decimals, cells).unwrap()
}

/// Counts with less spread than Poisson, as in the script.
pub fn even() -> ContactTable {
    let counts = [[6, 24, 24, 6], [10, 25, 13, 2]];
    let cells = (0..2u16).flat_map(|arm| {
        (0..4).map(move |y| Cell {
            arm: ArmId(arm),
            stratum: pilot::table::StratumId(0),
            exposure: 1,
            before_exposure: 0,
            before: None,
            after: Some(y as i64),
            uptake: None,
            customers: counts[usize::from(arm)][y],
        })
    });
    let arms = ["control", "treatment"].map(String::from).to_vec();
    ContactTable::new(
        arms,
        Strata::none(),
        ExposureUnit::Window,
        Decimals::default(),
        cells.collect(),
    )
    .unwrap()
}

#[test]
fn new_customers_beside_old_ones_agree_with_r() {
    for (id, strata) in [("crossed.lin_new", false), ("crossed.lin_new_strata", true)] {
        let table = tips(strata, same);
        check_lin(id, &lin(&compare(&table), &Test::DEFAULT).unwrap());
    }
    for (id, strata) in [
        ("crossed.ancova_new", false),
        ("crossed.ancova_new_strata", true),
    ] {
        let table = tips(strata, same);
        check_t(id, &ancova(&compare(&table), &Test::DEFAULT).unwrap()[0]);
    }
    let table = tips(false, same);
    let c = compare(&table);
    check_t("crossed.cuped_new", &cuped(&c, &Test::DEFAULT).unwrap()[0]);
    let table = tips(true, same);
    let c = compare(&table);
    let r = reference("crossed.models_new_strata");
    let (p, n) = (
        &poisson(&c, &Test::DEFAULT).unwrap()[0],
        &negbin(&c, &Test::DEFAULT).unwrap()[0],
    );
    let fields = [
        ("poisson", detail(p, "log_ratio")),
        ("poisson_hc0", p.se.unwrap()),
        ("negbin", detail(n, "log_ratio")),
        ("negbin_se", n.se.unwrap()),
        ("theta", detail(n, "theta")),
    ];
    check("crossed.models_new_strata", &r, &fields, FIT);
}

#[test]
fn adjusted_ratios_agree_with_r() {
    let one = |_: &crate::counts_support::Row| "all".to_string();
    for (id, table) in [
        ("epil.lin", epil(one)),
        ("bladder.lin", bladder(one, |_| true)),
        ("nsw.lin", nsw()),
    ] {
        check_lin(id, &lin(&compare(&table), &Test::DEFAULT).unwrap());
    }
}

fn check_t(id: &str, e: &Estimate) {
    let (lower, upper) = ends(e);
    let fields = [
        ("diff", e.value),
        ("se", e.se.unwrap()),
        ("df", e.df.unwrap()),
        ("p", e.p_value.unwrap()),
        ("ci_lo", lower),
        ("ci_hi", upper),
    ];
    check(id, &reference(id), &fields, CLOSED);
}

fn check_lin(id: &str, found: &[Estimate]) {
    let (e, ratio) = (&found[0], &found[1]);
    check_t(id, e);
    let (lower, upper) = ends(ratio);
    let fields = [
        ("mean0", detail(e, "mean_control")),
        ("mean1", detail(e, "mean_treatment")),
        ("ratio", ratio.value),
        ("log_se", ratio.se.unwrap()),
        ("ratio_lo", lower),
        ("ratio_hi", upper),
        ("ratio_p", ratio.p_value.unwrap()),
    ];
    check(id, &reference(id), &fields, CLOSED);
}

#[test]
fn windows_of_different_length_agree_with_r() {
    let table = tips(false, same);
    let of = |table: &ContactTable, window| {
        did_over(&compare(table), &Test::DEFAULT, window)
            .unwrap()
            .remove(0)
    };
    // Each customer's own before exposure stands above the plan's.
    for window in [None, Some(0.5), Some(3.0)] {
        check_t("crossed.did_exposure", &of(&table, window));
    }
    let untimed = tips(false, |c| c.before_exposure = 0);
    check_t("crossed.did_plain", &of(&untimed, None));
    check_t("crossed.did_half_window", &of(&untimed, Some(0.5)));
}

#[test]
fn lee_bounds_agree_with_r() {
    let arms = ["control", "treatment"];
    let month = |column: &'static str| {
        let lines = crate::counts_support::rows("btheb.csv");
        let customers: Vec<crate::counts_support::Customer> = lines
            .iter()
            .map(|l| {
                let arm = u16::from(l.get("arm") == "treatment");
                let after = l.get(column).parse().ok();
                (arm, "all".into(), 1, None, after)
            })
            .collect();
        crate::counts_support::table(&arms, &customers)
    };
    let tables = [
        ("btheb.lee_2m", month("after_2m")),
        ("btheb.lee_3m", month("after_3m")),
        ("btheb.lee_5m", month("after_5m")),
        ("btheb.lee_8m", month("after_8m")),
        ("ohie.lee_rx", read("ohie_drugs.csv", &arms, false, same)),
        ("crossed.lee", tips(false, same)),
    ];
    for (id, table) in &tables {
        let b = bounds(&compare(table), 0.05).unwrap();
        let (lower, upper) = b.interval.unwrap();
        let fields = [
            ("lower", b.lower),
            ("upper", b.upper),
            ("se_lower", b.se_lower),
            ("se_upper", b.se_upper),
            ("ci_lo", lower),
            ("ci_hi", upper),
            ("trim_share", b.trim_share),
            (
                "treatment_trimmed",
                f64::from(u8::from(b.trimmed_treatment)),
            ),
        ];
        check(id, &reference(id), &fields, CLOSED);
    }
    // The suite's own record, made by R and Python.
    for (id, table) in [
        ("btheb_after_3m.lee", &tables[1].1),
        ("btheb_after_5m.lee", &tables[2].1),
        ("ohie.lee_rx", &tables[4].1),
    ] {
        let b = bounds(&compare(table), 0.05).unwrap();
        let fields = [
            ("lower", b.lower),
            ("upper", b.upper),
            ("trim_share", b.trim_share),
        ];
        check(id, &record("shared_estimators.json", id), &fields, CLOSED);
    }
}

#[test]
fn without_attrition_bounds_meet_in_welch() {
    let one = |_: &crate::counts_support::Row| "all".to_string();
    let table = epil(one);
    let c = compare(&table);
    let b = bounds(&c, 0.05).unwrap();
    let welch = &pilot::stats::means::welch(&c, &Test::DEFAULT).unwrap()[0];
    close("lower", b.lower, welch.value, 1e-12);
    close("upper", b.upper, welch.value, 1e-12);
    close("se", b.se_lower, welch.se.unwrap(), 1e-12);
    assert_eq!(b.trim_share, 0.0);
}

#[test]
fn zeros_agree_with_r() {
    let one = |_: &crate::counts_support::Row| "all".to_string();
    for (id, table) in [
        ("epil.zeros", epil(one)),
        ("bladder.zeros", bladder(one, |_| true)),
        ("cgd.zeros", cgd(one)),
        ("crossed.zeros", tips(false, same)),
        (
            "ohie.zeros",
            read("ohie_visits.csv", &["control", "treatment"], false, same),
        ),
        ("even.zeros", even()),
    ] {
        let found = zeros(&compare(&table)).unwrap();
        let fields = [
            ("observed", found.observed as f64),
            ("expected", found.expected),
            ("z", found.z),
            ("p", found.p_value),
        ];
        check(id, &reference(id), &fields, FIT);
    }
}

#[test]
fn newcombe_turned_round_agrees_with_r() {
    for (a, b, margin, id) in [
        ((30, 400), (28, 410), 0.05, "margin.30_400_28_410_0.05"),
        ((5, 90), (9, 110), 0.05, "margin.5_90_9_110_0.05"),
        ((60, 400), (28, 410), 0.02, "margin.60_400_28_410_0.02"),
        ((56, 70), (48, 80), 0.1, "margin.56_70_48_80_0.1"),
    ] {
        let count = |(successes, n)| Count { successes, n };
        let p = not_worse(count(a), count(b), margin);
        // `uniroot` stops at 1e-15 absolute.
        close(id, p, number(&reference(id), "p"), FIT);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Cells stand for customers: expanded rows, order and the arms' names change nothing.
    #[test]
    fn cells_and_rows_give_the_same(cells in prop::collection::vec((0u16..2, 0u32..3, 0i64..6, prop::bool::weighted(0.6), 1u64..5), 8..40), scale in 1i64..50) {
        let make = |cells: Vec<Cell>, decimals: u8| {
            let names = (0..3).map(|i| vec![i.to_string()]);
            let strata = Strata::new(vec!["s".into()], names).unwrap();
            let arms = vec!["control".to_string(), "treatment".into()];
            let decimals = Decimals { after: decimals, ..Decimals::default() };
            ContactTable::new(arms, strata, ExposureUnit::Window, decimals, cells).unwrap()
        };
        let cell = |&(arm, stratum, after, uptake, customers): &(u16, u32, i64, bool, u64), by: i64| Cell {
            arm: ArmId(arm), stratum: pilot::table::StratumId(stratum), exposure: 1, before_exposure: 0, before: None,
            after: Some(after * by), uptake: Some(uptake), customers,
        };
        let whole = make(cells.iter().map(|c| cell(c, 1)).collect(), 0);
        let rows = cells.iter().rev().flat_map(|c| (0..c.4).map(move |_| (c.0, c.1, c.2, c.3, 1)));
        let rows = make(rows.map(|c| cell(&c, 1)).collect(), 0);
        let scaled = make(cells.iter().map(|c| cell(c, scale)).collect(), 0);
        let tests = [Alternative::TwoSided, Alternative::Less, Alternative::Greater];
        for alternative in tests {
            let test = Test { alpha: 0.1, alternative };
            let prior = Prior { mean: 0.1, sd: 0.4 };
            prop_assert_eq!(cace(&compare(&whole), &test), cace(&compare(&rows), &test));
            prop_assert_eq!(bayes(&compare(&whole), &test, prior), bayes(&compare(&rows), &test, prior));
            prop_assert_eq!(bounds(&compare(&whole), 0.1), bounds(&compare(&rows), 0.1));
            prop_assert_eq!(zeros(&compare(&whole)), zeros(&compare(&rows)));
            if let (Ok(a), Ok(b)) = (cace(&compare(&whole), &test), cace(&compare(&scaled), &test)) {
                // An effect of 0 is the rounding of sums that are as large as the outcome.
                let size = b[0].value.abs().max(1e-3 * scale as f64);
                prop_assert!((a[0].value * scale as f64 - b[0].value).abs() <= 1e-9 * size);
                prop_assert_eq!(a.len(), b.len());
                if a.len() == 2 {
                    prop_assert!((a[1].value / b[1].value - 1.0).abs() < 1e-9);
                }
            }
        }
    }
}
