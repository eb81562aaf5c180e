//! Families of tests, sample ratios and balance, against R, published values and brute force.

use pilot::stats::Alternative::{self, Greater, Less, TwoSided};
use pilot::stats::dist::t_sf;
use pilot::stats::dunnett::{Adjusted, Contrast, dunnett, dunnett_critical, dunnett_step_down};
use pilot::stats::multiplicity::{benjamini_hochberg, hochberg, holm};
use pilot::stats::poisson::poisson_with;
use pilot::stats::{MeanModel, Test};
use pilot::table::{ArmId, Comparison};
use proptest::prelude::*;

use crate::counts_support::{bladder, close, number, numbers, record};

/// The promise of `dunnett` for p; the references' own quadrature agrees to 1e-11.
const P: f64 = 1e-8;
/// Its promise for critical values.
const CRITICAL: f64 = 1e-7;

fn contrast(t: f64, df: Option<f64>, control_share: f64) -> Contrast {
    Contrast {
        t,
        df,
        control_share,
    }
}

/// n_a/(n_a + n_c): control's share with a common variance.
fn share(arm: f64, control: f64) -> f64 {
    arm / (arm + control)
}

#[test]
fn dunnett_agrees_with_r() {
    for (id, arms, control) in [
        (
            "dunnett.blood_count_1955",
            vec![("drug_a", 4.0), ("drug_b", 5.0)],
            6.0,
        ),
        (
            "bladder.dunnett",
            vec![("pyridoxine", 32.0), ("thiotepa", 38.0)],
            48.0,
        ),
        (
            "hillstrom.spend.dunnett",
            vec![("mens_email", 21_307.0), ("womens_email", 21_387.0)],
            21_306.0,
        ),
    ] {
        let r = record("dunnett.json", id);
        let df = Some(number(&r, "df"));
        let contrasts: Vec<Contrast> = arms
            .iter()
            .map(|(arm, n)| contrast(number(&r, &format!("t_{arm}")), df, share(*n, control)))
            .collect();
        let adjusted = dunnett(&contrasts, 0.05, TwoSided).unwrap();
        for ((arm, _), a) in arms.iter().zip(adjusted) {
            let p = number(&r, &format!("p_dunnett_{arm}"));
            // The reference is 1 − cdf, so its digits end at 1e-10.
            assert!((a.p - p).abs() < P * p + 1e-10, "{id} {arm}: {} {p}", a.p);
            close(id, a.critical, number(&r, "crit_two_sided_05"), CRITICAL);
            let (diff, se) = (
                number(&r, &format!("diff_{arm}")),
                number(&r, &format!("se_{arm}")),
            );
            close(
                id,
                diff - a.critical * se,
                number(&r, &format!("ci_lo_{arm}")),
                CRITICAL,
            );
            close(
                id,
                diff + a.critical * se,
                number(&r, &format!("ci_hi_{arm}")),
                CRITICAL,
            );
        }
    }
}

#[test]
fn dunnett_of_1955_reads_as_published() {
    // statistics.md: t, p and intervals of Dunnett's data.
    let contrasts = [
        contrast(0.857032126, Some(12.0), share(4.0, 6.0)),
        contrast(3.693752311, Some(12.0), share(5.0, 6.0)),
    ];
    let a = dunnett(&contrasts, 0.05, TwoSided).unwrap();
    // Seven digits are published.
    assert!((a[0].p - 0.6201020).abs() < 6e-8 && (a[1].p - 0.0058254).abs() < 6e-8);
    assert!((0.65 - a[0].critical * 0.7584313 + 1.2564).abs() < 2e-4);
}

#[test]
fn critical_values_agree_with_r() {
    for df in ["10", "20", "Inf"] {
        for k in [1, 2, 3, 5] {
            let r = record("dunnett.json", &format!("dunnett.critical_df{df}_k{k}"));
            let df = df.parse::<f64>().ok().filter(|d| d.is_finite());
            for (key, alpha, alternative) in [
                ("two_sided_05", 0.05, TwoSided),
                ("two_sided_01", 0.01, TwoSided),
                ("one_sided_05", 0.05, Greater),
                ("one_sided_01", 0.01, Less),
            ] {
                let found = dunnett_critical(&vec![0.5; k], df, alpha, alternative).unwrap();
                close(key, found, number(&r, key), CRITICAL);
            }
        }
    }
    let r = record("dunnett.json", "dunnett.critical_unequal_100_50_50");
    let shares = [share(50.0, 100.0); 2];
    for (key, df, alternative) in [
        ("two_sided_05", Some(197.0), TwoSided),
        ("one_sided_05", Some(197.0), Greater),
        ("two_sided_05_z", None, TwoSided),
    ] {
        let found = dunnett_critical(&shares, df, 0.05, alternative).unwrap();
        close(key, found, number(&r, key), CRITICAL);
    }
}

#[test]
fn each_arm_uses_its_own_df() {
    let mixed = [contrast(2.2, Some(8.0), 0.4), contrast(-2.5, None, 0.6)];
    let both = |df| mixed.map(|c| Contrast { df, ..c });
    let found = dunnett(&mixed, 0.05, TwoSided).unwrap();
    assert_eq!(
        found[0],
        dunnett(&both(Some(8.0)), 0.05, TwoSided).unwrap()[0]
    );
    assert_eq!(found[1], dunnett(&both(None), 0.05, TwoSided).unwrap()[1]);
}

/// Integrals in R to about 1e-11, roots to 1e-10; p are compared absolutely below 1e-3.
const INTEGRAL: f64 = 1e-8;
/// mvtnorm and multcomp integrate by quasi Monte-Carlo: 5e-6 absolutely, of at least 1e-3.
const QUASI_MONTE_CARLO: f64 = 5e-3;

/// The contrasts of a record of `families.json`.
fn contrasts(r: &serde_json::Value, df: &[f64]) -> Vec<Contrast> {
    let (t, share) = (numbers(r, "t"), numbers(r, "control_share"));
    t.iter()
        .zip(share)
        .enumerate()
        .map(|(i, (&t, share))| contrast(t, Some(df[i % df.len()]), share))
        .collect()
}

#[track_caller]
fn agree(id: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{id}");
    for (f, e) in found.iter().zip(expected) {
        assert!(
            (f - e).abs() <= tolerance * e.abs().max(1e-3),
            "{id}: {f} {e}"
        );
    }
}

#[test]
fn own_df_agree_with_exact_integrals_and_mvtnorm() {
    for id in ["families.bladder.welch", "families.insect_sprays.welch"] {
        let r = record("families.json", id);
        let adjusted = |df: &[f64]| dunnett(&contrasts(&r, df), 0.05, TwoSided).unwrap();
        let found = adjusted(&numbers(&r, "df"));
        let p = |found: &[Adjusted]| -> Vec<f64> { found.iter().map(|a| a.p).collect() };
        agree(id, &p(&found), &numbers(&r, "p_dunnett"), INTEGRAL);
        let critical: Vec<f64> = found.iter().map(|a| a.critical).collect();
        agree(id, &critical, &numbers(&r, "critical"), INTEGRAL);
        let step = dunnett_step_down(&contrasts(&r, &numbers(&r, "df")), TwoSided).unwrap();
        agree(id, &step, &numbers(&r, "p_step_down"), INTEGRAL);
        // mvtnorm takes whole degrees of freedom only.
        let rounded = p(&adjusted(&numbers(&r, "df_rounded")));
        agree(id, &rounded, &numbers(&r, "p_dunnett_rounded"), INTEGRAL);
        agree(
            id,
            &rounded,
            &numbers(&r, "p_pmvt_rounded"),
            QUASI_MONTE_CARLO,
        );
    }
}

#[test]
fn one_variance_agrees_with_multcomp() {
    for id in ["families.bladder.student", "families.insect_sprays.student"] {
        let r = record("families.json", id);
        let family = contrasts(&r, &numbers(&r, "df"));
        let single: Vec<f64> = dunnett(&family, 0.05, TwoSided)
            .unwrap()
            .iter()
            .map(|a| a.p)
            .collect();
        agree(id, &single, &numbers(&r, "p_dunnett"), INTEGRAL);
        agree(
            id,
            &single,
            &numbers(&r, "p_single_step_multcomp"),
            QUASI_MONTE_CARLO,
        );
        let free = dunnett_step_down(&family, TwoSided).unwrap();
        agree(id, &free, &numbers(&r, "p_step_down"), INTEGRAL);
        agree(
            id,
            &free,
            &numbers(&r, "p_free_multcomp"),
            QUASI_MONTE_CARLO,
        );
    }
}

/// Fits of R that stop at changes of 1e-14.
const FITTED: f64 = 1e-6;

#[test]
fn shares_of_control_agree_with_the_influence_of_its_customers() {
    let table = bladder(|_| "all".into(), |_| true);
    for (id, model, adjusted) in [
        ("families.bladder.likelihood", MeanModel::UNADJUSTED, false),
        (
            "families.bladder.likelihood_adjusted",
            MeanModel::FULL,
            true,
        ),
    ] {
        let r = record("families.json", id);
        let mut product = 1.0;
        // Pyridoxine is the table's second treatment.
        for (k, arm) in [2, 1].into_iter().enumerate() {
            let c = Comparison::new(&table, ArmId(arm), ArmId(0)).unwrap();
            let found = poisson_with(&c, &Test::DEFAULT, model).unwrap();
            close(
                id,
                found[0].se.unwrap(),
                numbers(&r, "se_poisson")[k],
                FITTED,
            );
            let share = found[0].control_share.unwrap();
            close(id, share, numbers(&r, "share_poisson")[k], FITTED);
            product *= share;
        }
        // Without covariates control is all that two arms share; with them each fit has its own
        // slope, and the product is within a tenth.
        let truth = numbers(&r, "correlation_poisson")[0];
        let tolerance = if adjusted { 0.1 } else { FITTED };
        close(id, product.sqrt(), truth, tolerance);
    }
}

#[test]
fn extreme_shares_reach_their_limits() {
    let p = |share: f64, df, alternative| {
        dunnett(
            &[contrast(2.0, df, share), contrast(1.0, df, share)],
            0.05,
            alternative,
        )
        .unwrap()[0]
            .p
    };
    for df in [None, Some(3.0), Some(40.0)] {
        let one = t_sf(2.0, df);
        // Control has no error: with normal errors the arms are independent.
        if df.is_none() {
            close(
                "share 0",
                p(0.0, df, TwoSided),
                1.0 - (1.0 - 2.0 * one).powi(2),
                1e-10,
            );
            close(
                "share 0",
                p(0.0, df, Greater),
                1.0 - (1.0 - one).powi(2),
                1e-10,
            );
        }
        // Control has all the error: the arms are one test. 1e-8 is the promise.
        close("share 1", p(1.0, df, TwoSided), 2.0 * one, P);
        close("share 1", p(1.0, df, Greater), one, P);
        // Nearly all: continuous with the limit (the gap is of order √(1 − b²)).
        let near = p(1.0 - 1e-10, df, TwoSided);
        assert!(near > 2.0 * one - 1e-8 && near < 2.0 * one + 1e-5, "{near}");
    }
}

#[test]
fn dunnett_refuses_what_has_no_answer() {
    let why = |c: &[Contrast], alpha| dunnett(c, alpha, TwoSided).unwrap_err().why;
    assert!(why(&[], 0.05).contains("no arm"));
    assert!(why(&[contrast(f64::NAN, None, 0.5)], 0.05).contains("finite"));
    assert!(why(&[contrast(1.0, Some(0.0), 0.5)], 0.05).contains("degrees"));
    assert!(why(&[contrast(1.0, None, 1.5)], 0.05).contains("share"));
    assert!(why(&[contrast(1.0, None, 0.5)], 0.0).contains("alpha"));
}

#[test]
fn holm_hochberg_and_bh_agree_with_r() {
    for id in [
        "multiplicity.bh1995",
        "multiplicity.five",
        "multiplicity.ties",
    ] {
        let r = record("multiplicity.json", id);
        let p = numbers(&r, "p");
        for (key, found) in [
            ("holm", holm(&p)),
            ("hochberg", hochberg(&p)),
            ("bh", benjamini_hochberg(&p)),
        ] {
            for (f, e) in found.iter().zip(numbers(&r, key)) {
                // Products of two doubles.
                close(id, *f, e, 1e-14);
            }
        }
    }
    // published.md; compared to the digits it shows.
    let shown = |found: Vec<f64>, expected: &[f64], digits: f64| {
        for (f, e) in found.iter().zip(expected) {
            assert!((f - e).abs() < digits, "{f} {e}");
        }
    };
    let p = [0.01, 0.04, 0.03, 0.005, 0.55, 0.6];
    shown(holm(&p), &[0.05, 0.12, 0.12, 0.03, 1.0, 1.0], 1e-12);
    let p = [0.898, 0.138, 0.007, 0.964, 0.538, 0.006, 0.138];
    let bh = [0.964, 0.2415, 0.0245, 0.964, 0.7532, 0.0245, 0.2415];
    shown(benjamini_hochberg(&p), &bh, 5e-5);
    assert_eq!(holm(&[1e-300, 0.5]), vec![2e-300, 0.5]);
    assert!(holm(&[]).is_empty());
}

fn alternatives() -> impl Strategy<Value = Alternative> {
    prop_oneof![Just(TwoSided), Just(Less), Just(Greater)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// p lies between its own and Bonferroni's, and says no at α exactly where the interval does.
    #[test]
    fn p_and_interval_agree(
        arms in prop::collection::vec((-4.0f64..4.0, 0.01f64..0.99), 1..5),
        df in prop_oneof![Just(None), (1.5f64..300.0).prop_map(Some)],
        alternative in alternatives(),
    ) {
        let contrasts: Vec<Contrast> = arms.iter().map(|a| contrast(a.0, df, a.1)).collect();
        let found: Vec<Adjusted> = dunnett(&contrasts, 0.05, alternative).unwrap();
        let step_down = dunnett_step_down(&contrasts, alternative).unwrap();
        for ((c, a), down) in contrasts.iter().zip(&found).zip(step_down) {
            let (own, towards) = match alternative {
                TwoSided => (2.0 * t_sf(c.t.abs(), df), c.t.abs()),
                Less => (t_sf(-c.t, df), -c.t),
                Greater => (t_sf(c.t, df), c.t),
            };
            prop_assert!(a.p >= own - 1e-9 && a.p <= own * arms.len() as f64 + 1e-9);
            prop_assert!(down <= a.p + 1e-9 && down >= own - 1e-9);
            if (a.p - 0.05).abs() > 1e-7 {
                prop_assert_eq!(a.p < 0.05, towards > a.critical);
            }
        }
    }
}
