//! The estimators of means against R and Python, on real data.

#[path = "means/adjusted.rs"]
mod adjusted;
#[path = "means/edges.rs"]
mod edges;
#[path = "means/properties.rs"]
mod properties;
#[path = "means/proportion.rs"]
mod proportion;
#[path = "means/support.rs"]
pub mod support;

use pilot::stats::before::{cuped, did};
use pilot::stats::dist::t_isf;
use pilot::stats::means::{delta, rate, stratified, student, welch};
use pilot::stats::ranks::mann_whitney;
use pilot::stats::{Alternative, Estimate, Test};
use pilot::table::{ArmId, Comparison, ContactTable};

use support::{Line, Reference, Spec, close, ends, first, lines, number, table};

/// The tolerance of the references themselves: R and Python agree to it.
const RELATIVE: f64 = 1e-8;
/// p-values below 1e-40: the references differ in the last digits of the exponent.
const TINY_P: f64 = 1e-7;

fn nsw() -> ContactTable {
    table(
        &lines("nsw.csv"),
        &Spec {
            decimals: 6,
            stratum: &|l| Some(l["nodegree"].clone()),
            ..Spec::default()
        },
    )
}

fn epil() -> ContactTable {
    table(&lines("epil.csv"), &Spec::default())
}

fn day(_: usize, line: &Line) -> i64 {
    line["exposure"].parse().unwrap()
}

fn bladder() -> ContactTable {
    let arms = ["placebo", "thiotepa", "pyridoxine"];
    table(
        &lines("bladder.csv"),
        &Spec {
            arms: &arms,
            exposure: &day,
            ..Spec::default()
        },
    )
}

fn cgd(stratum: &dyn Fn(&Line) -> Option<String>) -> ContactTable {
    table(
        &lines("cgd.csv"),
        &Spec {
            exposure: &day,
            stratum,
            ..Spec::default()
        },
    )
}

fn hillstrom(after: &'static str) -> ContactTable {
    let spec = Spec {
        arms: &["no_email", "womens_email", "mens_email"],
        decimals: if after == "visit" { 0 } else { 2 },
        stratum: &|l| Some(l["stratum"].clone()),
        before: &|l| l.get("history20").cloned(),
        after: &|l| l.get(after).cloned(),
        ..Spec::default()
    };
    table(&lines("hillstrom_cells.csv"), &spec)
}

fn one(found: Result<Vec<Estimate>, pilot::stats::Refusal>) -> Estimate {
    let found = found.unwrap();
    assert_eq!(found.len(), 1);
    found.into_iter().next().unwrap()
}

/// Checks value, se, df, p and interval against the fields of a record.
fn check_t(reference: &Reference, id: &str, e: &Estimate) {
    let (low, high) = ends(e);
    reference.check(
        id,
        &[
            ("diff", e.value),
            ("se", e.se.unwrap()),
            ("df", e.df.unwrap()),
            ("ci_lo", low),
            ("ci_hi", high),
        ],
        RELATIVE,
    );
    let p = reference.get(id, "p");
    close(
        id,
        e.p_value.unwrap(),
        p,
        if p < 1e-40 { TINY_P } else { RELATIVE },
    );
}

#[test]
fn welch_agrees_with_r_scipy_tea_tasting_gbstats_and_spotify() {
    let r = Reference::suite();
    for (id, table) in [
        ("epil", epil()),
        ("bladder_thiotepa", bladder()),
        ("cgd", cgd(&|_| None)),
        ("nsw", nsw()),
        ("hillstrom_womens_email.spend", hillstrom("spend")),
        ("hillstrom_womens_email.visit", hillstrom("visit")),
    ] {
        let e = one(welch(&first(&table), &Test::DEFAULT));
        check_t(&r, &format!("{id}.welch"), &e);
    }
    for (id, table) in [
        ("epil.tea_tasting_mean", epil()),
        ("nsw.tea_tasting_mean", nsw()),
        (
            "hillstrom_womens_email.tea_tasting_spend",
            hillstrom("spend"),
        ),
        (
            "hillstrom_womens_email.tea_tasting_visit",
            hillstrom("visit"),
        ),
    ] {
        let e = one(welch(&first(&table), &Test::DEFAULT));
        let (low, high) = ends(&e);
        let fields = [
            ("effect_size", e.value),
            ("effect_size_ci_lower", low),
            ("effect_size_ci_upper", high),
        ];
        r.check(id, &fields, RELATIVE);
    }
    for (id, table) in [
        ("epil.gbstats_absolute", epil()),
        ("nsw.gbstats_absolute", nsw()),
        (
            "hillstrom_womens_email.gbstats_absolute",
            hillstrom("spend"),
        ),
    ] {
        let e = one(welch(&first(&table), &Test::DEFAULT));
        r.check(
            id,
            &[("expected", e.value), ("uplift_sd", e.se.unwrap())],
            RELATIVE,
        );
        close(id, e.p_value.unwrap(), r.get(id, "p"), RELATIVE);
    }
    // Control's share of the variance: s²_0/n_0 of the arm summary over se².
    let nsw_table = nsw();
    let e = one(welch(&first(&nsw_table), &Test::DEFAULT));
    let field = |f: &str| r.get("nsw.summary.control", f);
    let control = field("var") / field("n");
    let share = control / r.get("nsw.welch", "se").powi(2);
    close("share", e.control_share.unwrap(), share, RELATIVE);
    let e = one(delta(&first(&nsw_table), &Test::DEFAULT));
    let log_se = r.get("nsw.ratio_log_delta", "log_se");
    let share = control / field("mean").powi(2) / log_se.powi(2);
    close(
        "share of the log",
        e.control_share.unwrap(),
        share,
        RELATIVE,
    );
    // HC2 of y ~ arm is Welch's standard error, with other df.
    for (id, table) in [
        ("epil.diff_ols", epil()),
        ("bladder_thiotepa.diff_ols", bladder()),
        ("nsw.diff_ols", nsw()),
    ] {
        let e = one(welch(&first(&table), &Test::DEFAULT));
        r.check(
            id,
            &[("coef", e.value), ("se_hc2", e.se.unwrap())],
            RELATIVE,
        );
    }
    for (id, table) in [
        ("epil.spotify_students_ttest", epil()),
        ("nsw.spotify_students_ttest", nsw()),
    ] {
        let e = one(welch(&first(&table), &Test::DEFAULT));
        r.check(
            id,
            &[("diff", e.value), ("p", e.p_value.unwrap())],
            RELATIVE,
        );
    }
}

#[test]
fn raw_p_values_of_hillstrom_are_welchs() {
    let r = Reference::suite();
    for outcome in ["spend", "visit"] {
        let table = hillstrom(outcome);
        for (arm, name) in [(1, "womens_email"), (2, "mens_email")] {
            let c = Comparison::new(&table, ArmId(arm), ArmId(0)).unwrap();
            let p = one(welch(&c, &Test::DEFAULT)).p_value.unwrap();
            let expected = r.get("hillstrom.multiplicity_raw", &format!("{outcome}_{name}"));
            close(
                &format!("{outcome} {name}"),
                p,
                expected,
                if p < 1e-40 { TINY_P } else { RELATIVE },
            );
        }
    }
}

#[test]
fn student_agrees_with_r_and_pools_all_arms() {
    let r = Reference::suite();
    let nsw = nsw();
    check_t(
        &r,
        "nsw.student",
        &one(student(&first(&nsw), &nsw, &Test::DEFAULT)),
    );
    // The Dunnett records hold the pooled t of each arm.
    for (id, table, arms) in [
        (
            "bladder.dunnett",
            bladder(),
            [(1, "thiotepa"), (2, "pyridoxine")],
        ),
        (
            "hillstrom.spend.dunnett",
            hillstrom("spend"),
            [(1, "womens_email"), (2, "mens_email")],
        ),
    ] {
        for (arm, name) in arms {
            let c = Comparison::new(&table, ArmId(arm), ArmId(0)).unwrap();
            let e = one(student(&c, &table, &Test::DEFAULT));
            let field = |f: &str| r.get(id, &format!("{f}_{name}"));
            close(name, e.value, field("diff"), RELATIVE);
            close(name, e.se.unwrap(), field("se"), RELATIVE);
            close(name, e.p_value.unwrap(), field("p_raw"), RELATIVE);
            close(name, e.df.unwrap(), r.get(id, "df"), 0.0);
            close(name, number(&e, "sd_pooled"), r.get(id, "sigma"), RELATIVE);
            let (n0, nk) = (e.n_control as f64, e.n_treatment as f64);
            close(name, e.control_share.unwrap(), nk / (n0 + nk), 1e-14);
        }
    }
}

#[test]
fn delta_agrees_with_r_and_gbstats() {
    let r = Reference::suite();
    for (id, table) in [
        ("epil", epil()),
        ("cgd", cgd(&|_| None)),
        ("nsw", nsw()),
        ("hillstrom_womens_email.spend", hillstrom("spend")),
        ("hillstrom_womens_email.visit", hillstrom("visit")),
    ] {
        let e = one(delta(&first(&table), &Test::DEFAULT));
        let (low, high) = ends(&e);
        let fields = [
            ("ratio", e.value),
            ("log_se", e.se.unwrap()),
            ("ci_lo", low),
            ("ci_hi", high),
        ];
        let id = &format!("{id}.ratio_log_delta");
        r.check(id, &fields, RELATIVE);
        let p = r.get(id, "p");
        close(
            id,
            e.p_value.unwrap(),
            p,
            if p < 1e-40 { TINY_P } else { RELATIVE },
        );
        assert_eq!(e.df, None);
    }
    for (id, table) in [
        ("epil.lift_delta", epil()),
        ("cgd.lift_delta", cgd(&|_| None)),
        ("nsw.lift_delta", nsw()),
        (
            "hillstrom_womens_email.spend.lift_delta",
            hillstrom("spend"),
        ),
        (
            "hillstrom_womens_email.visit.lift_delta",
            hillstrom("visit"),
        ),
    ] {
        let e = one(delta(&first(&table), &Test::DEFAULT));
        r.check(
            id,
            &[("lift", e.value - 1.0), ("se", number(&e, "se_plain"))],
            RELATIVE,
        );
    }
    for (id, table) in [
        ("epil.gbstats_relative", epil()),
        ("nsw.gbstats_relative", nsw()),
        (
            "hillstrom_womens_email.gbstats_relative",
            hillstrom("spend"),
        ),
    ] {
        let e = one(delta(&first(&table), &Test::DEFAULT));
        r.check(id, &[("uplift_sd", number(&e, "se_plain"))], RELATIVE);
    }
}

#[test]
fn rates_agree_with_the_linearised_variance_and_tea_tasting() {
    let (suite, variants) = (Reference::suite(), Reference::variants());
    for (id, table) in [("cgd", cgd(&|_| None)), ("bladder_thiotepa", bladder())] {
        let found = rate(&first(&table), &Test::DEFAULT).unwrap();
        let [difference, ratio] = &found[..] else {
            panic!("{found:?}")
        };
        let (d, l) = (ends(difference), ends(ratio));
        let fields = [
            ("diff", difference.value),
            ("se", difference.se.unwrap()),
            ("p", difference.p_value.unwrap()),
            ("ci_lo", d.0),
            ("ci_hi", d.1),
            ("ratio", ratio.value),
            ("log_se", ratio.se.unwrap()),
            ("ratio_p", ratio.p_value.unwrap()),
            ("ratio_lo", l.0),
            ("ratio_hi", l.1),
        ];
        variants.check(&format!("{id}.rate"), &fields, RELATIVE);
        let crude = format!("{id}.crude_rate");
        suite.check(&crude, &[("rate_ratio", ratio.value)], RELATIVE);
    }
    let cgd = cgd(&|_| None);
    let found = rate(&first(&cgd), &Test::DEFAULT).unwrap();
    let id = "cgd.tea_tasting_ratio_after_per_exposure";
    let fields = [
        ("effect_size", found[0].value),
        ("rel_effect_size", found[1].value - 1.0),
        ("statistic", found[0].value / found[0].se.unwrap()),
        ("control", number(&found[0], "rate_control")),
        ("treatment", number(&found[0], "rate_treatment")),
    ];
    suite.check(id, &fields, RELATIVE);
    let bladder = bladder();
    let e = &rate(&first(&bladder), &Test::DEFAULT).unwrap()[0];
    assert_eq!(number(e, "n_zero_exposure"), 1.0);
}

#[test]
fn strata_agree_with_r() {
    let r = Reference::suite();
    for (id, table) in [
        ("nsw", nsw()),
        ("cgd", cgd(&|l| Some(l["hos_cat"].clone()))),
        ("hillstrom_womens_email.spend", hillstrom("spend")),
        ("hillstrom_womens_email.visit", hillstrom("visit")),
    ] {
        let e = one(stratified(&first(&table), &Test::DEFAULT));
        let (low, high) = ends(&e);
        let fields = [
            ("diff", e.value),
            ("se", e.se.unwrap()),
            ("ci_lo", low),
            ("ci_hi", high),
            ("strata_used", number(&e, "strata_used")),
            ("n_used", number(&e, "n_used")),
        ];
        let id = &format!("{id}.post_stratified");
        r.check(id, &fields, RELATIVE);
        let p = r.get(id, "p_z");
        close(
            id,
            e.p_value.unwrap(),
            p,
            if p < 1e-40 { TINY_P } else { RELATIVE },
        );
    }
}

#[test]
fn strata_with_one_customer_in_an_arm_are_dropped() {
    // Centres of the cgd trial: the references' cgd.lin_centres drops the same ones.
    let table = cgd(&|l| Some(l["stratum"].clone()));
    let e = one(stratified(&first(&table), &Test::DEFAULT));
    let lin = Reference::variants();
    assert_eq!(number(&e, "n_used"), lin.get("cgd.lin_centres", "n"));
    assert_eq!(
        number(&e, "strata_used") + number(&e, "strata_dropped"),
        13.0
    );
    // Saturated in the strata, HC2 is exactly the stratified variance.
    close(
        "value",
        e.value,
        lin.get("cgd.lin_centres", "diff"),
        RELATIVE,
    );
    close(
        "se",
        e.se.unwrap(),
        lin.get("cgd.lin_centres", "se"),
        RELATIVE,
    );
    assert_eq!(e.n_treatment + e.n_control, 116);
}

#[test]
fn cuped_agrees_with_r_tea_tasting_and_gbstats() {
    let r = Reference::suite();
    for (id, table) in [
        ("epil", epil()),
        ("bladder_thiotepa", bladder()),
        ("nsw", nsw()),
    ] {
        let e = one(cuped(&first(&table), &Test::DEFAULT));
        check_t(&r, &format!("{id}.cuped_pooled"), &e);
        let fields = [
            ("theta", number(&e, "theta")),
            ("corr", number(&e, "correlation")),
            ("var_reduction", number(&e, "variance_reduction")),
        ];
        r.check(&format!("{id}.cuped_pooled_theta"), &fields, RELATIVE);
    }
    let epil = epil();
    let e = one(cuped(&first(&epil), &Test::DEFAULT));
    r.check(
        "epil.tea_tasting_mean_cuped",
        &[("effect_size", e.value), ("pvalue", e.p_value.unwrap())],
        RELATIVE,
    );
    for (id, table) in [("epil", epil), ("nsw", nsw())] {
        let e = one(cuped(&first(&table), &Test::DEFAULT));
        let fields = [
            ("expected", e.value),
            ("uplift_sd", e.se.unwrap()),
            ("p", e.p_value.unwrap()),
            ("theta", number(&e, "theta")),
        ];
        r.check(&format!("{id}.gbstats_cuped_absolute"), &fields, RELATIVE);
    }
    let variants = Reference::variants();
    let spend = one(cuped(&first(&hillstrom("spend")), &Test::DEFAULT));
    check_t(&variants, "hillstrom.spend.cuped", &spend);
}

#[test]
fn change_scores_agree_with_r() {
    let r = Reference::suite();
    for (id, table) in [
        ("epil.change_score", epil()),
        ("epil.did_change_welch", epil()),
        ("nsw.change_score", nsw()),
    ] {
        check_t(&r, id, &one(did(&first(&table), &Test::DEFAULT)));
    }
    // bladder's exposures differ; its before value is no count over a window (before exposure 0).
    check_t(
        &r,
        "bladder_thiotepa.change_score",
        &one(did(&first(&bladder()), &Test::DEFAULT)),
    );
    // Pooled OLS of the two-period panel gives the same point.
    for (id, table) in [("epil.did", epil()), ("nsw.did", nsw())] {
        let e = one(did(&first(&table), &Test::DEFAULT));
        r.check(id, &[("did", e.value)], RELATIVE);
    }
}

#[test]
fn did_scales_the_before_count_to_the_after_window() {
    let spec = Spec {
        exposure: &day,
        before_exposure: &|i, _| 4 + i as i64 % 3,
        ..Spec::default()
    };
    let table = table(&lines("epil.csv"), &spec);
    let e = one(did(&first(&table), &Test::DEFAULT));
    let fields = [
        ("diff", e.value),
        ("se", e.se.unwrap()),
        ("df", e.df.unwrap()),
        ("p", e.p_value.unwrap()),
    ];
    Reference::variants().check("epil.did_windows", &fields, RELATIVE);
}

#[test]
fn ranks_agree_with_r() {
    let r = Reference::suite();
    for (id, table) in [
        ("epil", epil()),
        ("nsw", nsw()),
        (
            "bladder_thiotepa",
            table(
                &lines("bladder.csv"),
                &Spec {
                    arms: &["placebo", "thiotepa"],
                    ..Spec::default()
                },
            ),
        ),
        ("cgd", table(&lines("cgd.csv"), &Spec::default())),
        ("hillstrom_womens_email.spend", hillstrom("spend")),
        ("hillstrom_womens_email.visit", hillstrom("visit")),
    ] {
        let e = one(mann_whitney(&first(&table), &Test::DEFAULT));
        let record = format!("{id}.mann_whitney");
        let fields = [
            ("u_treatment", number(&e, "u_treatment")),
            ("z_no_cc", number(&e, "z")),
            ("prob_treat_greater_plus_half_ties", 1.0 - e.value),
        ];
        r.check(&record, &fields, RELATIVE);
        let tolerance = if e.p_value.unwrap() < 1e-40 {
            TINY_P
        } else {
            RELATIVE
        };
        close(id, e.p_value.unwrap(), r.get(&record, "p_cc"), tolerance);
        close(
            id,
            number(&e, "p_uncorrected"),
            r.get(&record, "p_no_cc"),
            tolerance,
        );
        if id != "epil" {
            let record = format!("{id}.brunner_munzel");
            // Its statistic is positive where treatment is larger, P where it is smaller.
            let statistic = (0.5 - e.value) / e.se.unwrap();
            r.check(
                &record,
                &[("statistic", statistic), ("df", e.df.unwrap())],
                RELATIVE,
            );
            close(
                id,
                number(&e, "p_brunner_munzel"),
                r.get(&record, "p_t"),
                tolerance,
            );
        }
        let (low, high) = ends(&e);
        let half = t_isf(0.025, e.df) * e.se.unwrap();
        close(id, low, e.value - half, 1e-12);
        close(id, high, e.value + half, 1e-12);
    }
}

#[test]
fn one_sided_tests_agree_with_r() {
    let r = Reference::variants();
    let table = nsw();
    let c = first(&table);
    let two = one(welch(&c, &Test::DEFAULT));
    for (alternative, name) in [
        (Alternative::Less, "less"),
        (Alternative::Greater, "greater"),
    ] {
        let test = Test {
            alpha: 0.05,
            alternative,
        };
        let e = one(welch(&c, &test));
        let i = e.interval.unwrap();
        let bound = match alternative {
            Alternative::Less => {
                assert_eq!(i.lower, None);
                i.upper
            }
            _ => {
                assert_eq!(i.upper, None);
                i.lower
            }
        };
        let id = format!("nsw.welch_{name}");
        r.check(
            &id,
            &[("p", e.p_value.unwrap()), ("bound", bound.unwrap())],
            RELATIVE,
        );
        let pilot::stats::DetailValue::Numbers(both) = &e.detail["ci_two_sided"] else {
            panic!()
        };
        assert_eq!((both[0], both[1]), ends(&two));

        let e = one(mann_whitney(&c, &test));
        close(
            name,
            e.p_value.unwrap(),
            r.get(&format!("nsw.mann_whitney_{name}"), "p"),
            RELATIVE,
        );
        close(
            name,
            number(&e, "p_brunner_munzel"),
            r.get(&format!("nsw.brunner_munzel_{name}"), "p"),
            RELATIVE,
        );
        // H1 "treatment is lower" is P > ½, so its bound is a lower one.
        assert_eq!(
            e.interval.unwrap().lower.is_some(),
            alternative == Alternative::Less
        );
    }
}

/// Two arms of the given (value, customers), filled up with zeros.
fn two_arms(decimals: u8, arms: [(&[(i64, u64)], u64); 2]) -> ContactTable {
    let cells = arms.iter().enumerate().flat_map(|(arm, (values, n))| {
        let zeros = n - values.iter().map(|v| v.1).sum::<u64>();
        let all = values.iter().copied().chain([(0, zeros)]);
        all.map(move |(y, customers)| support::cell(arm as u16, Some(y), None, customers))
    });
    support::plain(decimals, cells.collect())
}

#[test]
fn published_numbers_of_gbstats() {
    // Integers, in hundredths, whose sums are the published ones:
    // Σ 1396.87 and 2422.7, Σ² 52377.9767 and 134698.29, n 3407 and 3461.
    let a = [
        (157, 1),
        (3502, 1),
        (3569, 1),
        (3580, 1),
        (3581, 3),
        (3582, 29),
        (3593, 1),
        (3660, 1),
        (7005, 1),
    ];
    let b = [
        (765, 1),
        (5343, 1),
        (5382, 1),
        (5383, 4),
        (5384, 36),
        (5423, 1),
        (10001, 1),
    ];
    let table = two_arms(2, [(&a, 3407), (&b, 3461)]);
    let c = first(&table);
    assert_eq!(
        (c.control.total.y, c.control.total.yy),
        (139_687, 523_779_767)
    );
    assert_eq!(
        (c.treatment.total.y, c.treatment.total.yy),
        (242_270, 1_346_982_900)
    );
    // Printed to five decimals.
    let printed =
        |got: f64, expected: f64| assert!((got - expected).abs() < 5.1e-6, "{got} for {expected}");
    let e = one(delta(&c, &Test::DEFAULT));
    printed(e.value - 1.0, 0.70732);
    printed(number(&e, "se_plain"), 0.37879);
    let e = one(welch(&c, &Test::DEFAULT));
    let (low, high) = ends(&e);
    for (got, expected) in [
        (low, 0.04538),
        (high, 0.53462),
        (e.p_value.unwrap(), 0.02016),
    ] {
        printed(got, expected);
    }
    // x = [.3, .5, .9, 22], y = [2, 1, 5, 3] in both arms: θ .01864.
    let cells = [(0, 0), (1, 0), (0, 1), (1, 1)]
        .iter()
        .flat_map(|(arm, _)| {
            [(3, 20), (5, 10), (9, 50), (220, 30)]
                .map(|(x, y)| support::cell(*arm, Some(y), Some(x), 1))
        });
    let table = support::plain(1, cells.collect());
    let e = one(cuped(&first(&table), &Test::DEFAULT));
    printed(number(&e, "theta"), 0.01864);
    assert!(e.value.abs() < 1e-15);
}
