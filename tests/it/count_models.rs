//! `poisson` and `negbin` against R, statsmodels, and each other's limits.

use pilot::stats::negbin::{negbin, negbin_with};
use pilot::stats::poisson::{poisson, poisson_with};
use pilot::stats::{Alternative, DetailValue, Estimate, MeanModel, Test};
use pilot::table::{ArmId, Cell, Comparison, ContactTable, Decimals, ExposureUnit, Strata};
use proptest::prelude::*;

use crate::counts_support::{
    Customer, Row, bladder, cgd, close, compare, detail, epil, number, record, table,
};

/// Both implementations stop within 1e-14 of the maximum; what is left is their rounding.
const FIT: f64 = 1e-9;
/// theta is where the likelihood is flattest.
const THETA: f64 = 1e-8;
/// statsmodels and R weigh by the last-but-one step; off by 3e-9 where √(1/987 + 1/961) is exact.
const MODEL_SE: f64 = 1e-7;

fn one(_: &Row) -> String {
    "all".into()
}

fn check_poisson(e: &Estimate, id: &str, file: &str) {
    let r = record(file, id);
    close(id, detail(e, "log_ratio"), number(&r, "log_rr"), FIT);
    close(id, e.value, number(&r, "log_rr").exp(), FIT);
    close(id, e.se.unwrap(), number(&r, "se_hc0"), FIT);
    close(id, detail(e, "se_model"), number(&r, "se_model"), MODEL_SE);
    for (ours, theirs) in [
        ("dispersion", "dispersion"),
        ("df_residual", "df"),
        ("deviance", "deviance"),
        ("log_likelihood", "loglik"),
    ] {
        close(
            &format!("{id} {ours}"),
            detail(e, ours),
            number(&r, theirs),
            FIT,
        );
    }
}

fn check_negbin(e: &Estimate, id: &str, file: &str, se: &str, hc0: &str) {
    let r = record(file, id);
    close(id, detail(e, "log_ratio"), number(&r, "log_rr"), FIT);
    close(id, e.se.unwrap(), number(&r, se), FIT);
    close(id, detail(e, "se_hc0"), number(&r, hc0), FIT);
    close(id, detail(e, "theta"), number(&r, "theta"), THETA);
    close(id, detail(e, "log_likelihood"), number(&r, "loglik"), FIT);
}

#[test]
fn models_agree_with_r() {
    let before = MeanModel {
        before: true,
        strata: false,
    };
    let (epil, cgd) = (epil(one), cgd(one));
    let bladder = bladder(one, |_| true);
    for (name, table) in [
        ("epil", &epil),
        ("bladder_thiotepa", &bladder),
        ("cgd", &cgd),
    ] {
        for (suffix, model) in [("unadj", MeanModel::UNADJUSTED), ("log1p_before", before)] {
            if name == "cgd" && model.before {
                continue;
            }
            let c = compare(table);
            let id = format!("{name}.poisson_{suffix}");
            let e = &poisson_with(&c, &Test::DEFAULT, model).unwrap()[0];
            check_poisson(e, &id, "counts.json");
            let r = record("counts.json", &id);
            close(&id, detail(e, "se_quasi"), number(&r, "se_quasi"), MODEL_SE);
            close(&id, detail(e, "intercept"), number(&r, "intercept"), FIT);
            // The interval's quantile is the normal's to 1e-10.
            let interval = e.interval.unwrap();
            close(
                &id,
                interval.lower.unwrap(),
                number(&r, "rr_ci_lo_hc0"),
                1e-8,
            );
            close(
                &id,
                interval.upper.unwrap(),
                number(&r, "rr_ci_hi_hc0"),
                1e-8,
            );
            close(&id, e.p_value.unwrap(), number(&r, "p_z_hc0"), 1e-8);

            let id = format!("{name}.nb2_{suffix}");
            let e = &negbin_with(&c, &Test::DEFAULT, model).unwrap()[0];
            let (se, hc0) = ("se_expected_theta_fixed", "se_hc0_expected_bread");
            check_negbin(e, &id, "counts.json", se, hc0);
            let r = record("counts.json", &id);
            close(&id, e.p_value.unwrap(), number(&r, "p_z_expected"), 1e-8);
        }
    }
}

#[test]
fn strata_missing_before_and_zero_exposure_agree_with_statsmodels() {
    let age = |r: &Row| {
        if r.int("age") < 30 {
            "young".into()
        } else {
            "old".into()
        }
    };
    let size = |r: &Row| {
        if r.int("size") > 1 {
            "large".into()
        } else {
            "small".into()
        }
    };
    let has = |r: &Row| r.get("customer_id")[1..].parse::<u32>().unwrap() % 5 != 0;
    let epil = epil(age);
    let bladder = bladder(size, has);
    let hospital = cgd(|r| r.get("hos_cat").into());
    let centre = cgd(|r| r.get("stratum").into());
    let no_before = MeanModel {
        before: false,
        strata: true,
    };
    for (id, table, model) in [
        ("epil.age_strata", &epil, MeanModel::FULL),
        ("epil.age_strata_without_before", &epil, no_before),
        (
            "bladder.size_strata_some_without_before",
            &bladder,
            MeanModel::FULL,
        ),
        ("cgd.hospital_strata", &hospital, MeanModel::FULL),
        ("cgd.centre_strata", &centre, MeanModel::FULL),
    ] {
        let c = compare(table);
        let file = "count_models.json";
        let e = &poisson_with(&c, &Test::DEFAULT, model).unwrap()[0];
        check_poisson(e, &format!("{id}.poisson"), file);
        let e = &negbin_with(&c, &Test::DEFAULT, model).unwrap()[0];
        check_negbin(e, &format!("{id}.nb2"), file, "se", "se_hc0");
        let r = record(file, &format!("{id}.nb2"));
        close(id, detail(e, "se_theta"), number(&r, "se_theta"), THETA);
    }
    let e = &poisson(&compare(&bladder), &Test::DEFAULT).unwrap()[0];
    assert_eq!(detail(e, "n_zero_exposure"), 1.0);
    assert_eq!(e.n_treatment + e.n_control, 85);
}

fn cells(rows: &[(u16, i64, i64, u64)]) -> ContactTable {
    let cells = rows
        .iter()
        .map(|&(arm, before, after, customers)| Cell {
            arm: ArmId(arm),
            stratum: pilot::table::StratumId(0),
            exposure: 1,
            before_exposure: 0,
            before: Some(before),
            after: Some(after),
            uptake: None,
            customers,
        })
        .collect();
    ContactTable::new(
        vec!["control".into(), "treatment".into()],
        Strata::none(),
        ExposureUnit::Window,
        Decimals::default(),
        cells,
    )
    .unwrap()
}

#[test]
fn under_dispersion_is_named_the_poisson_limit() {
    // Proportions: (y − μ)² − y sums to −Σμ².
    let t = cells(&[
        (0, 0, 0, 900),
        (0, 0, 1, 100),
        (1, 0, 0, 930),
        (1, 0, 1, 70),
    ]);
    let e = &negbin(&compare(&t), &Test::DEFAULT).unwrap()[0];
    assert_eq!(e.detail["poisson_limit"], DetailValue::Flag(true));
    assert!(!e.detail.contains_key("theta"));
    close("ratio", e.value, 0.7, FIT);
    close(
        "se",
        e.se.unwrap(),
        (1.0f64 / 100.0 + 1.0 / 70.0).sqrt(),
        FIT,
    );
}

#[test]
fn visits_of_64_000_customers_agree_with_r() {
    // Hillstrom: 2,262 of 21,306 without and 3,238 of 21,387 with the e-mail came.
    let t = cells(&[
        (0, 0, 1, 2262),
        (0, 0, 0, 21_306 - 2262),
        (1, 0, 1, 3238),
        (1, 0, 0, 21_387 - 3238),
    ]);
    let c = compare(&t);
    let e = &poisson(&c, &Test::DEFAULT).unwrap()[0];
    check_poisson(
        e,
        "hillstrom_womens_email.visit.poisson_unadj",
        "counts.json",
    );
    let r = record("counts.json", "hillstrom_womens_email.visit.nb2_unadj");
    let e = &negbin(&c, &Test::DEFAULT).unwrap()[0];
    assert_eq!(e.detail["poisson_limit"], DetailValue::Flag(true));
    let (value, se) = (detail(e, "log_ratio"), e.se.unwrap());
    close("limit", value, number(&r, "log_rr_poisson_limit"), FIT);
    close("limit", se, number(&r, "se_poisson_limit"), MODEL_SE);
}

#[test]
fn a_hair_of_over_dispersion_has_a_huge_theta() {
    // Poisson counts but for a few customers: theta near 1e5.
    let mut rows = Vec::new();
    for (arm, mu) in [(0u16, 2.0f64), (1, 1.5)] {
        let mut p = (-mu).exp();
        for y in 0..14 {
            rows.push((arm, 0, y, (p * 1e9).round() as u64));
            p *= mu / (y as f64 + 1.0);
        }
        rows.push((arm, 0, 20, 30));
    }
    let t = cells(&rows);
    let e = &negbin(&compare(&t), &Test::DEFAULT).unwrap()[0];
    let theta = detail(e, "theta");
    assert!(theta > 1e4 && theta.is_finite(), "{theta}");
    // θ has so little effect that the SE is the Poisson one up to μ/θ.
    let p = &poisson(&compare(&t), &Test::DEFAULT).unwrap()[0];
    close("se", e.se.unwrap(), detail(p, "se_model"), 1e-3);
}

#[test]
fn counts_of_a_million_keep_their_digits() {
    let t = cells(&[
        (0, 0, 0, 5),
        (0, 0, 1_000_000, 3),
        (0, 0, 250_000, 7),
        (1, 0, 0, 6),
        (1, 0, 900_000, 2),
        (1, 0, 180_000, 7),
    ]);
    let e = &negbin(&compare(&t), &Test::DEFAULT).unwrap()[0];
    let control = (3.0 * 1e6 + 7.0 * 250_000.0) / 15.0;
    let treatment = (2.0 * 900_000.0 + 7.0 * 180_000.0) / 15.0;
    close("ratio of means", e.value, treatment / control, FIT);
    // At large means the variance of a log mean is 1/(nθ) in each arm.
    let theta = detail(e, "theta");
    close("se", e.se.unwrap(), (2.0 / (15.0 * theta)).sqrt(), 1e-4);
}

#[test]
fn what_does_not_apply_is_refused_with_a_reason() {
    let refused = |t: &ContactTable| poisson(&compare(t), &Test::DEFAULT).unwrap_err().why;
    let none = cells(&[(0, 0, 1, 5), (1, 0, 0, 5)]);
    assert!(refused(&none).contains("treatment arm has no contacts"));
    assert!(refused(&cells(&[(0, 0, 1, 5)])).contains("no observed customer"));
    assert!(refused(&cells(&[(0, 0, -1, 5), (1, 0, 1, 5)])).contains("not a count"));
    assert!(refused(&cells(&[(0, -2, 1, 5), (1, 0, 1, 5)])).contains("before value is negative"));
    let huge = refused(&cells(&[(0, 0, 20_000_000, 5), (1, 0, 1, 5)]));
    assert!(huge.contains("up to"), "{huge}");
    let crowd = refused(&cells(&[(0, 0, 1, 1 << 53), (1, 0, 1, 5)]));
    assert!(crowd.contains("counted exactly"), "{crowd}");
    // Contacts only at the highest before count: its coefficient has no maximum.
    let separated = cells(&[(0, 0, 0, 5), (0, 9, 2, 5), (1, 0, 0, 5), (1, 9, 1, 5)]);
    assert!(refused(&separated).contains("no finite maximum"));
    // A stratum for each arm.
    let split: Vec<Customer> = vec![
        (0, "a".into(), 1, None, Some(1)),
        (1, "b".into(), 1, None, Some(2)),
    ];
    assert!(refused(&table(&["c", "t"], &split)).contains("cannot be told apart"));
    let decimals = Decimals {
        after: 2,
        ..Decimals::default()
    };
    let fractions = ContactTable::new(
        vec!["c".into(), "t".into()],
        Strata::none(),
        ExposureUnit::Window,
        decimals,
        cells(&[(0, 0, 150, 5), (1, 0, 100, 5)]).cells().to_vec(),
    )
    .unwrap();
    assert!(refused(&fractions).contains("not a count"));
}

#[test]
fn a_constant_before_count_is_not_used_and_says_so() {
    let t = cells(&[(0, 3, 1, 5), (0, 3, 4, 5), (1, 3, 1, 6), (1, 3, 3, 4)]);
    let e = &poisson(&compare(&t), &Test::DEFAULT).unwrap()[0];
    assert_eq!(e.detail["before"], DetailValue::Flag(false));
    close("ratio", e.value, 1.8 / 2.5, FIT);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Cells and single customers, in any order, give the same bits.
    #[test]
    fn order_and_splitting_change_nothing(
        rows in prop::collection::vec((0u16..2, 0i64..6, 0i64..9, 1u64..20), 12..60),
        seed in any::<u64>(),
    ) {
        let whole = cells(&rows);
        let mut split: Vec<_> = rows
            .iter()
            .flat_map(|r| (0..r.3).map(move |_| (r.0, r.1, r.2, 1)))
            .collect();
        pilot::stats::random::Stream::new("test", "order", seed).generator(0).shuffle(&mut split);
        let split = cells(&split);
        prop_assert_eq!(
            poisson(&compare(&whole), &Test::DEFAULT),
            poisson(&compare(&split), &Test::DEFAULT)
        );
        prop_assert_eq!(
            negbin(&compare(&whole), &Test::DEFAULT),
            negbin(&compare(&split), &Test::DEFAULT)
        );
    }

    /// Exchanging the arms inverts the ratio and keeps the SE.
    #[test]
    fn exchanging_arms_inverts_the_ratio(
        rows in prop::collection::vec((0u16..2, 0i64..6, 0i64..9, 1u64..20), 12..60),
    ) {
        let t = cells(&rows);
        let back = Comparison::new(&t, ArmId(0), ArmId(1)).unwrap();
        let less = Test { alternative: Alternative::Less, ..Test::DEFAULT };
        let greater = Test { alternative: Alternative::Greater, ..Test::DEFAULT };
        for f in [poisson, negbin] {
            if let (Ok(a), Ok(b)) = (f(&compare(&t), &less), f(&back, &greater)) {
                // 1e-7: theta stops at a relative 1e-11, where the fits differ by rounding.
                prop_assert!((a[0].value * b[0].value - 1.0).abs() < 1e-7);
                prop_assert!((a[0].p_value.unwrap() - b[0].p_value.unwrap()).abs() < 1e-7);
            }
        }
    }

    /// Hostile tables give a number or a reason, never a panic or a NaN.
    #[test]
    fn anything_goes_in(
        rows in prop::collection::vec(
            (0u16..2, -1i64..1_000_000_000, 0i64..4, 1u64..1_000_000_000), 1..8),
        bump in 0i64..20_000,
    ) {
        let rows: Vec<_> = rows.iter().map(|r| (r.0, r.1, r.2 * bump, r.3)).collect();
        let t = cells(&rows);
        for f in [poisson, negbin] {
            if let Ok(e) = f(&compare(&t), &Test::DEFAULT) {
                prop_assert!(e[0].value.is_finite() && e[0].se.unwrap().is_finite());
                for d in e[0].detail.values() {
                    if let DetailValue::Number(v) = d {
                        prop_assert!(v.is_finite());
                    }
                }
            }
        }
    }
}
