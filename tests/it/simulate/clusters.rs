//! Simulated clusters: sizes, likeness within them, and the command.

use std::collections::BTreeMap;

use pilot::experiment::Experiment;
use pilot::planning::simulate::{ClusterLaw, Population, Scenario};
use pilot::stats::{Estimand, Estimator};
use pilot::table::{ArmId, ClusterRow, ClusterTable, ClusterTotals, Evidence, StratumId};

use super::{ERRORS, law, mean_and_variance, plan, replay, run, table};
use crate::support::Desk;

fn clustered(extra: &str) -> Experiment {
    plan(&format!(
        "assignment = {{ method = \"complete\", cluster = \"branch\"{extra} }}\nanalysis = {{ estimator = \"cluster\" }}\n"
    ))
}

/// (n, Σy) of every simulated cluster.
fn totals(evidence: &Evidence) -> Vec<(f64, f64)> {
    let clusters = evidence.outcomes[0].clusters.as_ref().unwrap();
    let rows = clusters.uncapped.rows().iter();
    rows.flat_map(|r| {
        let one = (r.totals.n as f64, r.totals.y as f64);
        std::iter::repeat_n(one, r.clusters as usize)
    })
    .collect()
}

/// Correlation of two customers of a cluster, by the analysis of variance of clusters.
fn icc(evidence: &Evidence) -> f64 {
    let clusters = totals(evidence);
    let n: f64 = clusters.iter().map(|c| c.0).sum();
    let y: f64 = clusters.iter().map(|c| c.1).sum();
    let cells = evidence.outcomes[0].table.cells().iter();
    let squares: f64 = cells
        .map(|c| c.customers as f64 * (c.after.unwrap() as f64).powi(2))
        .sum();
    let means: f64 = clusters.iter().map(|c| c.1 * c.1 / c.0).sum();
    let k = clusters.len() as f64;
    let between = (means - y * y / n) / (k - 1.0);
    let within = (squares - means) / (n - k);
    let size = (n - clusters.iter().map(|c| c.0 * c.0).sum::<f64>() / n) / (k - 1.0);
    (between - within) / (between + (size - 1.0) * within)
}

#[test]
fn clusters_have_the_law_that_was_asked() {
    let e = clustered("");
    let asked = ClusterLaw {
        icc: 0.05,
        size: 25.0,
        size_cv: 0.7,
    };
    let p = Population::negative_binomial(&law(1.5, 0.8), 100_000).unwrap();
    let p = p.in_clusters(&asked).unwrap();
    assert!((p.icc().unwrap() - 0.05).abs() < 1e-12);
    let (_, evidence) = replay(&e, &p, &Scenario::PLAIN).pilot(0).unwrap();
    let sizes: Vec<f64> = totals(&evidence).iter().map(|c| c.0).collect();
    assert_eq!(sizes.len(), 4000);
    let (mean, variance) = mean_and_variance(&sizes);
    assert!(
        (mean - 25.0).abs() < ERRORS * 17.5 / 4000f64.sqrt(),
        "{mean}"
    );
    // Rounding adds 1/12; the spread of a spread.
    assert!((variance.sqrt() / mean - 0.7).abs() < 0.05, "{variance}");
    // Its standard error is about .05·√(2/4000)·(1 + 1/(.05·25)) = .002.
    let seen = icc(&evidence);
    assert!((seen - 0.05).abs() < ERRORS * 0.002, "{seen}");
    // A count's own variance is that of the law: 1.5 + .8·1.5².
    let cells = evidence.outcomes[0].table.cells().iter();
    let all: Vec<f64> = cells
        .flat_map(|c| std::iter::repeat_n(c.after.unwrap() as f64, c.customers as usize))
        .collect();
    let (mean, variance) = mean_and_variance(&all);
    assert!((mean - 1.5).abs() < 0.04, "{mean}");
    assert!((variance / 3.3 - 1.0).abs() < 0.06, "{variance}");
    // Half of the clusters to each arm.
    let clusters = evidence.outcomes[0].clusters.as_ref().unwrap();
    assert_eq!(clusters.uncapped.clusters(ArmId(0)), 2000);
}

#[test]
fn clusters_are_as_large_and_as_alike_as_the_pilots_own() {
    // Two kinds of customers; branches of 10 with all of one kind, and of 30 that are mixed.
    let counts = table(&[
        (0, 0, Some(0), None, 1100),
        (0, 0, Some(2), None, 500),
        (1, 1, Some(1), None, 200),
    ]);
    let row = |stratum: u32, twos: u64, others: u64, clusters: u64| {
        let mut totals = ClusterTotals {
            missing: 0,
            ..ClusterTotals::default()
        };
        let other = i64::from(stratum != 0);
        totals.add(twos, 60, Some(2), Some(0)).unwrap();
        totals.add(others, 60, Some(other), Some(0)).unwrap();
        ClusterRow {
            arm: ArmId(stratum as u16),
            stratum: StratumId(stratum),
            totals,
            clusters,
        }
    };
    let observed = table(&[
        (0, 0, Some(0), Some(0), 1100),
        (0, 0, Some(2), Some(0), 500),
        (1, 1, Some(1), Some(0), 200),
    ]);
    let rows = vec![
        row(0, 10, 0, 20),
        row(0, 0, 10, 20),
        row(0, 300, 900, 1),
        row(1, 0, 10, 20),
    ];
    let own = ClusterTable::new(&observed, rows).unwrap();
    let p = Population::of_before(&counts, None, None).unwrap();
    let p = p.in_clusters_of(&own, None).unwrap();
    assert!(p.icc().unwrap() > 0.05, "{:?}", p.icc());
    let e = clustered(", strata = [\"plan\"]");
    let (_, evidence) = replay(&e, &p, &Scenario::PLAIN).pilot(0).unwrap();
    let mut sizes: BTreeMap<u64, u64> = BTreeMap::new();
    for (n, _) in totals(&evidence) {
        *sizes.entry(n as u64).or_default() += 1;
    }
    let kinds: Vec<u64> = sizes.keys().copied().collect();
    assert!(kinds.iter().all(|n| [10, 1200].contains(n)), "{kinds:?}");
    // 41 clusters of the first stratum, 20 of the second, as the pilot has.
    assert_eq!(sizes.values().sum::<u64>(), 61);
}

#[test]
fn an_icc_beyond_what_customers_differ_is_refused() {
    let p = Population::negative_binomial(&law(1.0, 0.1), 1000).unwrap();
    let law = ClusterLaw {
        icc: 0.2,
        size: 10.0,
        size_cv: 0.0,
    };
    let refused = p.clone().in_clusters(&law).unwrap_err();
    assert!(refused.to_string().contains("dispersion 0.1"), "{refused}");
    for wrong in [
        ClusterLaw { icc: -0.1, ..law },
        ClusterLaw { size: 0.0, ..law },
        ClusterLaw {
            size_cv: f64::NAN,
            ..law
        },
    ] {
        assert!(p.clone().in_clusters(&wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn whole_clusters_keep_the_error_rate_with_and_without_a_cap() {
    for cap in ["", ", cap = 3"] {
        let text = format!(
            "{cap} }}]\nassignment = {{ method = \"complete\", cluster = \"branch\" }}\nanalysis = {{ estimator = \"cluster\" }}\n"
        );
        let e = super::plan_with_outcome(&text);
        let asked = ClusterLaw {
            icc: 0.1,
            size: 10.0,
            size_cv: 0.6,
        };
        let p = Population::negative_binomial(&law(1.0, 1.0), 200).unwrap();
        let p = p.in_clusters(&asked).unwrap();
        let seen = run(&e, &p, &Scenario::PLAIN, 150);
        for (estimator, estimand) in [
            (Estimator::Cluster, Estimand::Difference),
            (Estimator::Permutation, Estimand::Difference),
        ] {
            let rate = seen
                .get(estimator, estimand)
                .unwrap()
                .rejected
                .rate()
                .unwrap();
            // A rate of 5 % of 150: .018.
            assert!(
                (rate.value - 0.05).abs() < ERRORS * 0.018,
                "{estimator}: {rate:?}"
            );
        }
        assert!(seen.get(Estimator::Welch, Estimand::Difference).is_none());
    }
}

#[test]
fn the_command_draws_whole_clusters() {
    let desk = Desk::new();
    desk.write(
        "experiments/b.toml",
        "schema = 1\n[experiment]\nname = \"b\"\nseed = 7\n[assignment]\nmethod = \"complete\"\ncluster = \"branch\"\n\
         [[arms]]\nname = \"control\"\ncontrol = true\n[[arms]]\nname = \"video\"\n\
         [data.counts]\npath = \"data/b.csv\"\ncolumns = { unit = \"customer\" }\n\
         [[outcomes]]\nname = \"calls\"\nrole = \"primary\"\n[analysis]\nestimator = \"cluster\"\n",
    );
    let mut rows = String::from("customer,branch,before,after\n");
    for i in 0..240u32 {
        let branch = i / 8;
        let before = branch % 3 + i % 2;
        rows.push_str(&format!("c{i},b{branch},{before},{}\n", i % 3));
    }
    desk.write("data/b.csv", rows);
    let args = [
        "simulate",
        "b",
        "--replicates",
        "30",
        "--draws",
        "49",
        "--json",
    ];
    let own = desk.run(&args).ok().json();
    assert!(
        own["source"]
            .as_str()
            .unwrap()
            .contains("in whole clusters")
    );
    assert_eq!(own["customers"], 240);
    let names: Vec<&str> = own["estimators"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["estimator"].as_str().unwrap())
        .collect();
    assert!(
        names.contains(&"cluster") && !names.contains(&"welch"),
        "{names:?}"
    );
    let planned = [
        &args[..],
        &[
            "--rate",
            "1",
            "--dispersion",
            "1",
            "--customers",
            "200",
            "--looks",
            "2",
        ],
    ]
    .concat();
    let refused = desk.run(&planned);
    assert_eq!(refused.json()["error"]["key"], "--icc");
    let planned = [
        &planned[..],
        &[
            "--icc",
            "0.05",
            "--cluster-size",
            "10",
            "--cluster-cv",
            "0.5",
        ],
    ]
    .concat();
    let document = desk.run(&planned).ok().json();
    assert!(document["source"].as_str().unwrap().contains("ICC 0.050"));
    assert_eq!(document["looks"]["looks"].as_array().unwrap().len(), 2);
    let control = desk.run(&[&args[..], &["--from", "control"]].concat());
    assert_eq!(control.json()["error"]["key"], "--from");
    desk.run(&["design", "n", "--rate", "1", "--reduction", "0.4"])
        .ok();
    let alone = desk.run(&["simulate", "n", "--icc", "0.05", "--json"]);
    assert_eq!(alone.json()["error"]["key"], "--icc");
}
