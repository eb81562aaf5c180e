//! Values of R's clubSandwich, on two data sets.

use pilot::stats::cluster::{cluster, exposure};
use pilot::stats::{Estimand, Test};
use pilot::table::{ArmId, Comparison};
use serde_json::Value;

use super::{Customer, detail, tables};
use crate::means::support::lines;

/// Closed forms in double precision on both sides; p-values of t with fractional df included.
const CLOSED_FORM: f64 = 1e-8;

/// What varies between the records of cgd.csv.
#[derive(Default, Clone, Copy)]
struct Model {
    strata: bool,
    x: bool,
    /// Every seventh customer without x.
    some: bool,
    rate: bool,
}

/// One cluster for each centre and arm.
fn cgd(model: Model) -> Vec<Customer> {
    let whole = |text: &String| text.parse::<i64>().unwrap();
    let lines = lines("cgd.csv");
    let customer = |(i, line): (usize, &_)| -> Customer {
        let line: &std::collections::HashMap<String, String> = line;
        let known = model.x && !(model.some && (i + 1) % 7 == 0);
        Customer {
            treated: line["arm"] == "treatment",
            stratum: if model.strata {
                line["hos_cat"].clone()
            } else {
                String::new()
            },
            cluster: format!("{} {}", line["stratum"], line["arm"]),
            exposure: if model.rate {
                whole(&line["exposure"])
            } else {
                1
            },
            before: known.then(|| whole(&line["age"])),
            after: Some(whole(&line["after"])),
        }
    };
    lines.iter().enumerate().map(customer).collect()
}

/// One cluster a household: x is diagnoses before, y doctor visits after.
fn ohie(strata: bool, x: bool) -> Vec<Customer> {
    let mut customers = Vec::new();
    for (i, line) in lines("ohie_households.csv").iter().enumerate() {
        for k in 0..line["households"].parse::<u32>().unwrap() {
            for member in line["members"].split(' ') {
                let (before, after) = member.split_once(':').unwrap();
                customers.push(Customer {
                    treated: line["arm"] == "treatment",
                    stratum: if strata {
                        line["stratum"].clone()
                    } else {
                        String::new()
                    },
                    cluster: format!("{i} {k}"),
                    exposure: 1,
                    before: x.then(|| before.parse().unwrap()),
                    after: after.parse().ok(),
                });
            }
        }
    }
    customers
}

fn record(name: &str) -> Value {
    let path = format!(
        "{}/tests/reference/cluster.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let all: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    all["results"][name].clone()
}

#[track_caller]
fn close(what: &str, found: f64, expected: &Value) {
    let expected = expected.as_f64().unwrap_or_else(|| panic!("no {what}"));
    let far = (found - expected).abs() / expected.abs();
    assert!(
        far <= CLOSED_FORM,
        "{what}: {found} is not {expected}, {far:e}"
    );
}

fn agrees(name: &str, customers: &[Customer]) {
    let (table, clusters) = tables(customers);
    let c = Comparison::new(&table, ArmId(1), ArmId(0)).unwrap();
    let r = record(name);
    let found = cluster(&c, &clusters, &Test::DEFAULT).unwrap();
    let [difference, ratio] = found.as_slice() else {
        panic!("{name}: {found:?}");
    };
    assert_eq!(
        (difference.estimand, ratio.estimand),
        (Estimand::Difference, Estimand::Ratio)
    );
    for (e, prefix) in [(difference, ""), (ratio, "ratio_")] {
        let key = |k: &str| format!("{prefix}{k}");
        let interval = e.interval.unwrap();
        let value = if prefix.is_empty() { "value" } else { "ratio" };
        for (key, found) in [
            (value.to_string(), e.value),
            (key("se"), e.se.unwrap()),
            ("df".to_string(), e.df.unwrap()),
            (key("p_value"), e.p_value.unwrap()),
            (key("ci_lower"), interval.lower.unwrap()),
            (key("ci_upper"), interval.upper.unwrap()),
        ] {
            close(&format!("{name} {key}"), found, &r[&key]);
        }
    }
    let keys = match c.constant_exposure() {
        Some(_) => ["mean_treatment", "mean_control"],
        None => ["rate_treatment", "rate_control"],
    };
    close(keys[0], detail(difference, keys[0]), &r["mean_treatment"]);
    close(keys[1], detail(difference, keys[1]), &r["mean_control"]);
    close("se_cr1s", detail(difference, "se_cr1s"), &r["se_cr1s"]);
    let groups = detail(difference, "clusters_treatment") + detail(difference, "clusters_control");
    assert_eq!(groups, r["clusters"].as_f64().unwrap());
    if c.constant_exposure().is_some() {
        for key in ["icc", "cluster_size_mean", "cluster_size_cv"] {
            close(&format!("{name} {key}"), detail(difference, key), &r[key]);
        }
    }
}

#[test]
fn centres_of_a_trial() {
    let plain = Model::default();
    let strata = Model {
        strata: true,
        ..plain
    };
    let x = Model { x: true, ..plain };
    agrees("cgd.plain", &cgd(plain));
    agrees("cgd.strata", &cgd(strata));
    agrees("cgd.x", &cgd(x));
    agrees("cgd.x.strata", &cgd(Model { strata: true, ..x }));
    agrees(
        "cgd.x_some.strata",
        &cgd(Model {
            strata: true,
            some: true,
            ..x
        }),
    );
    agrees(
        "cgd.rate",
        &cgd(Model {
            rate: true,
            ..plain
        }),
    );
    agrees(
        "cgd.rate.strata",
        &cgd(Model {
            rate: true,
            ..strata
        }),
    );
}

#[test]
fn households_of_an_experiment() {
    agrees("ohie.plain", &ohie(false, false));
    agrees("ohie.strata", &ohie(true, false));
    agrees("ohie.x", &ohie(false, true));
    agrees("ohie.x.strata", &ohie(true, true));
}

/// The values that the suite of record holds, to which two programs agreed before.
#[test]
fn households_by_the_suite_of_record() {
    let (table, clusters) = tables(&ohie(false, false));
    let c = Comparison::new(&table, ArmId(1), ArmId(0)).unwrap();
    let found = cluster(&c, &clusters, &Test::DEFAULT).unwrap();
    let r = record("suite:ohie.cluster");
    let e = &found[0];
    for (key, found) in [
        ("coef", e.value),
        ("se_cr2", e.se.unwrap()),
        ("df_satterthwaite_cr2", e.df.unwrap()),
        ("p_cr2", e.p_value.unwrap()),
        ("se_cr1s", detail(e, "se_cr1s")),
        ("n", (e.n_treatment + e.n_control) as f64),
    ] {
        close(key, found, &r[key]);
    }
    assert_eq!(detail(e, "n_missing"), 12_229.0 - 12_158.0);
}

/// An adjusted estimate has the unadjusted one beside it.
#[test]
fn the_unadjusted_estimate_stands_beside() {
    let (table, clusters) = tables(&cgd(Model {
        x: true,
        ..Model::default()
    }));
    let c = Comparison::new(&table, ArmId(1), ArmId(0)).unwrap();
    let e = &cluster(&c, &clusters, &Test::DEFAULT).unwrap()[0];
    let r = record("cgd.plain");
    close("value", detail(e, "value_unadjusted"), &r["value"]);
    close("se", detail(e, "se_unadjusted"), &r["se"]);
    close("df", detail(e, "df_unadjusted"), &r["df"]);
}

#[test]
fn exposure_by_arm() {
    let (table, clusters) = tables(&cgd(Model {
        rate: true,
        ..Model::default()
    }));
    let c = Comparison::new(&table, ArmId(1), ArmId(0)).unwrap();
    let (t, df, p) = exposure(&c, &clusters).unwrap();
    let r = record("cgd.exposure");
    let of = |key: &str| r[key].as_f64().unwrap();
    assert!((t / (of("value") / of("se")) - 1.0).abs() < CLOSED_FORM);
    close("df", df, &r["df"]);
    close("p_value", p, &r["p_value"]);
}
