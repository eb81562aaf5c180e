//! The omnibus test of balance against brute force over customers in exact fractions.

use std::fs;
use std::time::Instant;

use pilot::stats::balance::{Omnibus, omnibus, omnibus_within_strata};
use pilot::stats::random::Stream;
use pilot::table::{ArmId, Cell, ContactTable, Decimals, ExposureUnit, Strata};
use proptest::prelude::*;
use serde_json::Value;

/// Exact sums, then an eigen-decomposition of at most 4 × 4.
const RELATIVE: f64 = 1e-10;

/// Customers as (arm, stratum, before).
fn table(arms: usize, customers: &[(u16, String, Option<i64>)]) -> ContactTable {
    let strata = Strata::new(
        vec!["s".into()],
        customers.iter().map(|c| vec![c.1.clone()]),
    )
    .unwrap();
    let cells = customers
        .iter()
        .map(|(arm, stratum, before)| Cell {
            arm: ArmId(*arm),
            stratum: strata.id(std::slice::from_ref(stratum)).unwrap(),
            exposure: 1,
            before_exposure: 0,
            before: *before,
            after: None,
            uptake: None,
            customers: 1,
        })
        .collect();
    let arms = (0..arms).map(|k| format!("arm-{k}")).collect();
    ContactTable::new(
        arms,
        strata,
        ExposureUnit::Window,
        Decimals::default(),
        cells,
    )
    .unwrap()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= RELATIVE * a.abs().max(b.abs())
}

#[test]
fn agrees_with_brute_force_and_with_re_randomisation() {
    let text = fs::read_to_string("tests/reference/balance.json").unwrap();
    let reference: Value = serde_json::from_str(&text).unwrap();
    for record in reference["results"].as_array().unwrap() {
        let customers: Vec<_> = record["customers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| {
                (
                    c[0].as_u64().unwrap() as u16,
                    c[1].as_str().unwrap().to_string(),
                    c[2].as_i64(),
                )
            })
            .collect();
        let t = table(record["arms"].as_array().unwrap().len(), &customers);
        let expected = |name: &str| record["values"][name].as_f64().unwrap();
        let check = |o: Omnibus, statistic: &str, df: &str, p: &str| {
            assert!(
                close(o.statistic, expected(statistic)),
                "{}: {o:?}",
                record["id"]
            );
            assert_eq!(o.df, expected(df), "{}", record["id"]);
            assert!(close(o.p_value, expected(p)), "{}: {o:?}", record["id"]);
        };
        check(omnibus(&t).unwrap(), "statistic", "df", "p");
        let within = omnibus_within_strata(&t).unwrap();
        check(within, "within", "df_within", "p_within");
        // Four Monte-Carlo standard errors, and 0.03 for χ² at some 60 customers.
        let p = expected("p_within_permutation");
        let error = 4.0 * (p * (1.0 - p) / expected("permutations")).sqrt() + 0.03;
        assert!((within.p_value - p).abs() < error, "{}", record["id"]);
    }
}

#[test]
fn exact_quotas_cost_no_degrees_of_freedom() {
    // Two strata of 10 and 21 customers, split 5/5 and 11/10.
    let customers: Vec<_> = (0..31u16)
        .map(|i| {
            let stratum = if i < 10 { "a" } else { "b" };
            (i % 2, stratum.to_string(), Some(i64::from(i * i % 7)))
        })
        .collect();
    let t = table(2, &customers);
    assert_eq!(omnibus(&t), omnibus_within_strata(&t));
    assert_eq!(omnibus(&t).unwrap().df, 1.0);
}

#[test]
fn one_in_twenty_fair_assignments_has_p_below_one_in_twenty() {
    let stream = Stream::new("test", "balance", 1);
    let assignments: u32 = 2000;
    let mut low = 0;
    for i in 0..assignments {
        let mut g = stream.generator(u64::from(i));
        let customers: Vec<_> = (0..240i64)
            .map(|c| {
                // Each customer by itself, as by hashing; skewed counts, a tenth unknown.
                let before = (c % 10 != 0).then_some(c * c % 17 * (c % 3));
                (g.below(3) as u16, (c % 4).to_string(), before)
            })
            .collect();
        low += u32::from(omnibus(&table(3, &customers)).unwrap().p_value < 0.05);
    }
    // Four standard errors of a share of 2,000, and 0.005 for χ² at 240 customers.
    let share = f64::from(low) / f64::from(assignments);
    let error = 4.0 * (0.05f64 * 0.95 / f64::from(assignments)).sqrt() + 0.005;
    assert!((share - 0.05).abs() < error, "{share}");
}

#[test]
fn nothing_to_compare_is_none() {
    let same = |x: Option<i64>| -> Vec<_> { (0..8).map(|i| (i % 2, "a".into(), x)).collect() };
    assert_eq!(omnibus(&table(2, &same(Some(3)))), None);
    assert_eq!(omnibus(&table(2, &same(None))), None);
    assert_eq!(omnibus(&table(2, &[])), None);
    let one_arm: Vec<_> = (0..8).map(|i| (0, "a".into(), Some(i))).collect();
    assert_eq!(omnibus(&table(2, &one_arm)), None);
    // Sums past 127 bits.
    let huge: Vec<_> = (0..8)
        .map(|i| (i % 2, "a".into(), Some(i64::MAX - i64::from(i))))
        .collect();
    assert_eq!(omnibus(&table(2, &huge)), None);
}

#[test]
fn large_values_do_not_cancel() {
    let at = |offset: i64| {
        let customers: Vec<_> = (0..40u16)
            .map(|i| (i % 3, "a".into(), Some(offset + i64::from(i * 13 % 11))))
            .collect();
        omnibus(&table(3, &customers)).unwrap()
    };
    let (near, far) = (at(0), at(1_000_000_000_000));
    assert!(close(near.statistic, far.statistic), "{near:?} {far:?}");
}

#[test]
fn many_cells_are_quick() {
    let customers: Vec<_> = (0..150_000u32)
        .map(|i| {
            let stratum = format!("{}", i % 1000);
            ((i * 7 % 5) as u16 % 3, stratum, Some(i64::from(i / 2)))
        })
        .collect();
    let t = table(3, &customers);
    let begun = Instant::now();
    assert!(omnibus(&t).is_some());
    // A bound against quadratic work, which would take minutes.
    assert!(begun.elapsed().as_secs() < 5);
}

proptest! {
    /// d² is a property of the assignment, not of arms' names or of the covariate's origin and scale.
    #[test]
    fn arms_may_change_places_and_the_covariate_its_scale(
        customers in proptest::collection::vec((0u16..3, 0u8..3, proptest::option::of(0i64..9)), 6..40),
        shift in -5i64..5,
        scale in 1i64..1000,
    ) {
        let build = |arm: &dyn Fn(u16) -> u16, x: &dyn Fn(i64) -> i64| {
            let rows: Vec<_> = customers
                .iter()
                .map(|&(a, s, b)| (arm(a), s.to_string(), b.map(x)))
                .collect();
            omnibus(&table(3, &rows))
        };
        let plain = build(&|a| a, &|x| x);
        let moved = build(&|a| (a + 1) % 3, &|x| (x + shift) * scale);
        prop_assert_eq!(plain.is_some(), moved.is_some());
        if let (Some(a), Some(b)) = (plain, moved) {
            prop_assert_eq!(a.df, b.df);
            // Near-collinear covariates lose digits: 1e-6 of a statistic shown to three.
            prop_assert!((a.statistic - b.statistic).abs() < 1e-6 * (1.0 + a.statistic));
        }
    }
}
