//! What must hold whatever the data: the definition itself, and what may not matter.

use nalgebra::{DMatrix, DVector, SymmetricEigen};
use pilot::stats::adjusted::ancova;
use pilot::stats::cluster::cluster;
use pilot::stats::means::welch;
use pilot::stats::{Estimate, Refusal, Test};
use pilot::table::{ArmId, Comparison};
use proptest::prelude::*;

use super::{Customer, detail, tables};

/// Roots of matrices on one side, Gram matrices of four columns on the other.
const DEFINITION: f64 = 1e-7;
/// The same sums in another order.
const ROUNDING: f64 = 1e-9;

fn run(customers: &[Customer]) -> Result<Vec<Estimate>, Refusal> {
    let (table, clusters) = tables(customers);
    let c = Comparison::new(&table, ArmId(1), ArmId(0)).unwrap();
    cluster(&c, &clusters, &Test::DEFAULT)
}

/// y ~ arm + strata (+ x + absence of x), weights and inverse working variance `w`, with n × n
/// matrices: value, standard error, degrees of freedom.
fn by_definition(customers: &[Customer]) -> (f64, f64, f64) {
    let seen: Vec<&Customer> = customers.iter().filter(|c| c.after.is_some()).collect();
    let rate = seen.iter().any(|c| c.exposure != seen[0].exposure);
    let seen: Vec<&Customer> = seen
        .into_iter()
        .filter(|c| !rate || c.exposure > 0)
        .collect();
    let mut strata: Vec<&str> = seen.iter().map(|c| c.stratum.as_str()).collect();
    strata.sort_unstable();
    strata.dedup();
    let mut columns: Vec<Vec<f64>> = vec![
        seen.iter()
            .map(|c| f64::from(u8::from(c.treated)))
            .collect(),
    ];
    for s in &strata {
        columns.push(
            seen.iter()
                .map(|c| f64::from(u8::from(c.stratum == *s)))
                .collect(),
        );
    }
    let xs: Vec<f64> = seen.iter().map(|c| c.before.unwrap_or(0) as f64).collect();
    let none: Vec<f64> = seen
        .iter()
        .map(|c| f64::from(u8::from(c.before.is_none())))
        .collect();
    if !rate && seen.iter().any(|c| c.before.is_some()) {
        columns.push(xs);
        columns.push(none);
    }
    let n = seen.len();
    let w: Vec<f64> = seen
        .iter()
        .map(|c| if rate { c.exposure as f64 } else { 1.0 })
        .collect();
    let y = DVector::from_fn(n, |i, _| seen[i].after.unwrap() as f64 / w[i] * w[i].sqrt());
    // The arm last: its coefficient is then that of the orthogonalised column.
    let arm = DVector::from_fn(n, |i, _| columns[0][i] * w[i].sqrt());
    let mut others: Vec<DVector<f64>> = Vec::new();
    let mut residual = arm.clone();
    for column in &columns[1..] {
        let z = DVector::from_fn(n, |i, _| column[i] * w[i].sqrt());
        let mut left = z.clone();
        for q in &others {
            left -= q * q.dot(&left);
            left -= q * q.dot(&left);
        }
        if left.norm() > 1e-6 * z.norm().max(1e-300) {
            others.push(left.normalize());
        }
    }
    for _ in 0..2 {
        for q in &others {
            residual -= q * q.dot(&residual);
        }
    }
    let length = residual.norm_squared();
    let weights = &residual / length;
    let mut basis = others;
    basis.push(residual.normalize());
    let mut h = DMatrix::zeros(n, n);
    for q in &basis {
        h += q * q.transpose();
    }
    let e = &y - &h * &y;
    let mut names: Vec<&str> = seen.iter().map(|c| c.cluster.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let (mut variance, mut p) = (0.0, Vec::new());
    for name in names {
        let i: Vec<usize> = (0..n).filter(|i| seen[*i].cluster == name).collect();
        let block = DMatrix::from_fn(i.len(), i.len(), |a, b| {
            f64::from(u8::from(a == b)) - h[(i[a], i[b])]
        });
        let eigen = SymmetricEigen::new(block);
        let root = eigen
            .eigenvalues
            .map(|l| if l > 1e-9 { 1.0 / l.sqrt() } else { 0.0 });
        let root =
            &eigen.eigenvectors * DMatrix::from_diagonal(&root) * eigen.eigenvectors.transpose();
        let own = root * DVector::from_fn(i.len(), |a, _| weights[i[a]]);
        let mut u = DVector::zeros(n);
        for (a, at) in i.iter().enumerate() {
            u[*at] = own[a];
        }
        variance += u.dot(&e).powi(2);
        p.push(&u - &h * &u);
    }
    let (mut trace, mut squares) = (0.0, 0.0);
    for pa in &p {
        trace += pa.dot(pa);
        squares += p.iter().map(|pb| pa.dot(pb).powi(2)).sum::<f64>();
    }
    (weights.dot(&y), variance.sqrt(), trace * trace / squares)
}

/// Clusters of both arms in every stratum.
fn customers(varying: bool) -> impl Strategy<Value = Vec<Customer>> {
    let customer = (
        prop::option::weighted(0.8, 0..6i64),
        prop::option::weighted(0.95, 0..9i64),
        if varying { 1..40i64 } else { 7..8 },
    );
    let cluster = prop::collection::vec(customer, 1..6);
    let stratum = (
        prop::collection::vec(cluster.clone(), 3..6),
        prop::collection::vec(cluster, 3..6),
    );
    prop::collection::vec(stratum, 1..4).prop_map(|strata| {
        let mut customers = Vec::new();
        for (s, arms) in strata.into_iter().enumerate() {
            for (treated, clusters) in [(false, arms.0), (true, arms.1)] {
                for (g, members) in clusters.into_iter().enumerate() {
                    for (before, after, exposure) in members {
                        customers.push(Customer {
                            treated,
                            stratum: format!("s{s}"),
                            cluster: format!("{s}/{treated}/{g}"),
                            exposure,
                            before,
                            after,
                        });
                    }
                }
            }
        }
        customers
    })
}

fn near(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * (a.abs() + b.abs()).max(1e-3)
}

/// Value, standard error and df of both estimands.
fn numbers(found: &[Estimate]) -> Vec<f64> {
    let of = |e: &Estimate| [e.value, e.se.unwrap_or(-1.0), e.df.unwrap_or(-1.0)];
    found.iter().flat_map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_is_its_definition(customers in any::<bool>().prop_flat_map(customers)) {
        let Ok(found) = run(&customers) else { return Ok(()) };
        let e = &found[0];
        let (value, se, df) = by_definition(&customers);
        prop_assert!(near(e.value, value, DEFINITION), "{} {value}", e.value);
        prop_assert!(near(e.se.unwrap(), se, DEFINITION), "{:?} {se}", e.se);
        prop_assert!(near(e.df.unwrap(), df, DEFINITION), "{:?} {df}", e.df);
    }

    /// Names, order, and scale of the outcome.
    #[test]
    fn what_may_not_matter_does_not(customers in any::<bool>().prop_flat_map(customers), seed in 0..u64::MAX) {
        let Ok(found) = run(&customers) else { return Ok(()) };
        let mut other: Vec<Customer> = customers.clone();
        for c in &mut other {
            c.cluster = format!("{}{}", c.cluster, seed);
            c.after = c.after.map(|y| y * 1000);
            c.before = c.before.map(|x| 5 - 3 * x);
        }
        other.reverse();
        let scaled = run(&other).unwrap();
        prop_assert_eq!(found.len(), scaled.len());
        for (a, b) in found.iter().zip(&scaled) {
            let factor = if a.estimand == pilot::stats::Estimand::Difference { 1000.0 } else { 1.0 };
            prop_assert!(near(a.value * factor, b.value, ROUNDING * 100.0), "{} {}", a.value, b.value);
            prop_assert!(near(a.se.unwrap() * factor, b.se.unwrap(), ROUNDING * 100.0));
            prop_assert!(near(a.df.unwrap(), b.df.unwrap(), ROUNDING * 100.0));
        }
        // The arms changed over: the difference changes its sign, the ratio turns upside down.
        for c in &mut other {
            c.treated = !c.treated;
        }
        let turned = run(&other).unwrap();
        prop_assert!(near(turned[0].value, -scaled[0].value, ROUNDING));
        prop_assert!(near(turned[0].se.unwrap(), scaled[0].se.unwrap(), ROUNDING));
        if let [_, ratio] = scaled.as_slice() {
            prop_assert!(near(turned[1].value, 1.0 / ratio.value, ROUNDING));
            prop_assert!(near(turned[1].se.unwrap(), ratio.se.unwrap(), ROUNDING));
        }
    }

    /// A cluster of one customer each: CR2 is HC2.
    #[test]
    fn clusters_of_one_are_customers(mut customers in customers(false), x in any::<bool>()) {
        for (i, c) in customers.iter_mut().enumerate() {
            c.cluster = i.to_string();
            if !x {
                c.before = None;
                c.stratum = String::new();
            }
        }
        let (table, _) = tables(&customers);
        let c = Comparison::new(&table, ArmId(1), ArmId(0)).unwrap();
        let same = if x { ancova(&c, &Test::DEFAULT) } else { welch(&c, &Test::DEFAULT) };
        if let (Ok(found), Ok(same)) = (run(&customers), same) {
            prop_assert!(near(found[0].value, same[0].value, ROUNDING));
            prop_assert!(near(found[0].se.unwrap(), same[0].se.unwrap(), DEFINITION));
        }
    }

    /// Customers whose outcome is unknown are counted, and nothing else of them.
    #[test]
    fn the_unobserved_only_count(customers in customers(false)) {
        let seen: Vec<Customer> = customers.iter().filter(|c| c.after.is_some()).cloned().collect();
        match (run(&customers), run(&seen)) {
            (Ok(all), Ok(seen_only)) => {
                let pairs = numbers(&all).into_iter().zip(numbers(&seen_only));
                for (a, b) in pairs {
                    prop_assert!(near(a, b, ROUNDING), "{a} {b}");
                }
                let missing = customers.len() - seen.len();
                prop_assert_eq!(detail(&all[0], "n_missing"), missing as f64);
            }
            (Err(a), Err(b)) => prop_assert_eq!(a, b),
            (a, b) => prop_assert!(false, "{a:?}\n{b:?}"),
        }
    }
}

fn plain(treated: bool, stratum: &str, cluster: &str, after: i64) -> Customer {
    Customer {
        treated,
        stratum: stratum.into(),
        cluster: cluster.into(),
        exposure: 1,
        before: None,
        after: Some(after),
    }
}

/// How long a million clusters take: `cargo test --release … -- --ignored a_million`.
#[test]
#[ignore = "a timing; for release builds"]
fn a_million_clusters() {
    let mut customers = Vec::new();
    for g in 0..1_000_000i64 {
        for k in 0..2 {
            customers.push(Customer {
                treated: g % 2 == 0,
                stratum: format!("s{}", g % 25),
                cluster: format!("{g:07}"),
                exposure: 1 + g % 89,
                before: Some((g * 7919 + k) % 101),
                after: Some((g * 104_729 + k * 31) % 211),
            });
        }
    }
    for varying in [true, false] {
        if !varying {
            customers.iter_mut().for_each(|c| c.exposure = 1);
        }
        let (table, clusters) = tables(&customers);
        let c = Comparison::new(&table, ArmId(1), ArmId(0)).unwrap();
        let begun = std::time::Instant::now();
        let found = cluster(&c, &clusters, &Test::DEFAULT).unwrap();
        let seconds = begun.elapsed().as_secs_f64();
        println!(
            "{} rows, varying {varying}: {seconds:.2} s, {:?}",
            clusters.rows().len(),
            found[0].df
        );
        assert!(seconds < 10.0);
    }
}

#[test]
fn too_few_clusters_are_refused_in_words() {
    let one = [
        plain(false, "", "a", 1),
        plain(false, "", "b", 2),
        plain(true, "", "c", 3),
    ];
    assert_eq!(
        run(&one).unwrap_err().why,
        "treatment has 1 cluster that can be used; at least 2 are needed"
    );
    let none = [
        plain(false, "n", "a", 1),
        plain(false, "n", "b", 2),
        plain(true, "s", "c", 3),
        plain(true, "s", "d", 3),
    ];
    assert_eq!(
        run(&none).unwrap_err().why,
        "control has no cluster that can be used"
    );
}

#[test]
fn a_stratum_with_one_arm_is_left_out() {
    let mut customers = vec![
        plain(false, "n", "a", 1),
        plain(false, "n", "b", 4),
        plain(true, "n", "c", 3),
        plain(true, "n", "d", 8),
    ];
    let alone = run(&customers).unwrap();
    customers.push(plain(true, "s", "e", 100));
    let with = run(&customers).unwrap();
    assert_eq!(numbers(&alone), numbers(&with));
    assert_eq!(detail(&with[0], "n_left_out"), 1.0);
    assert_eq!(detail(&with[0], "strata_dropped"), 1.0);
}

#[test]
fn without_spread_nothing_is_said_about_chance() {
    let customers = [
        plain(false, "", "a", 3),
        plain(false, "", "b", 3),
        plain(true, "", "c", 1),
        plain(true, "", "d", 1),
    ];
    let found = run(&customers).unwrap();
    assert_eq!(
        (found[0].value, found[0].se, found[0].p_value),
        (-2.0, Some(0.0), None)
    );
    let zeros = [
        plain(false, "", "a", 3),
        plain(false, "", "b", 2),
        plain(true, "", "c", 0),
        plain(true, "", "d", 0),
    ];
    let found = run(&zeros).unwrap();
    assert_eq!(found.len(), 1, "a ratio of 0 has no standard error");
}

#[test]
fn large_values_cost_no_digits() {
    let base = 1_000_000_000_000;
    let values = [
        (false, 3),
        (false, 5),
        (false, 4),
        (true, 1),
        (true, 2),
        (true, 4),
    ];
    let make = |base: i64| -> Vec<Customer> {
        let each = values.iter().enumerate();
        each.flat_map(|(g, (treated, y))| {
            let c = plain(*treated, "", &g.to_string(), base + y);
            [
                c.clone(),
                Customer {
                    after: Some(base + y + 1),
                    before: None,
                    ..c
                },
            ]
        })
        .collect()
    };
    let (small, large) = (run(&make(0)).unwrap(), run(&make(base)).unwrap());
    assert!(near(small[0].value, large[0].value, ROUNDING));
    assert!(near(small[0].se.unwrap(), large[0].se.unwrap(), ROUNDING));
    assert!(near(
        detail(&small[0], "icc"),
        detail(&large[0], "icc"),
        1e-6
    ));
}
