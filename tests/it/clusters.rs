//! Pilots that assigned whole clusters: the estimator, and such a pilot from plan to report.

mod end_to_end;
mod properties;
mod references;

use std::collections::BTreeMap;

use pilot::stats::DetailValue;
use pilot::stats::Estimate;
use pilot::table::{
    ArmId, Cell, ClusterRow, ClusterTable, ClusterTotals, ContactTable, Decimals, ExposureUnit,
    Strata,
};

/// A customer of a clustered pilot.
#[derive(Debug, Clone)]
struct Customer {
    treated: bool,
    stratum: String,
    cluster: String,
    exposure: i64,
    before: Option<i64>,
    after: Option<i64>,
}

/// The tables of a pilot with the arms control and treatment.
fn tables(customers: &[Customer]) -> (ContactTable, ClusterTable) {
    let strata = match customers.iter().all(|c| c.stratum.is_empty()) {
        true => Strata::none(),
        false => {
            let tuples = customers.iter().map(|c| vec![c.stratum.clone()]);
            Strata::new(vec!["stratum".into()], tuples).unwrap()
        }
    };
    let mut cells = Vec::new();
    let mut clusters: BTreeMap<&str, ClusterRow> = BTreeMap::new();
    for c in customers {
        let tuple: Vec<String> = match strata.columns().len() {
            0 => Vec::new(),
            _ => vec![c.stratum.clone()],
        };
        let (arm, stratum) = (ArmId(u16::from(c.treated)), strata.id(&tuple).unwrap());
        cells.push(Cell {
            arm,
            stratum,
            exposure: c.exposure,
            before_exposure: 0,
            before: c.before,
            after: c.after,
            uptake: None,
            customers: 1,
        });
        let row = clusters.entry(&c.cluster).or_insert(ClusterRow {
            arm,
            stratum,
            totals: ClusterTotals::default(),
            clusters: 1,
        });
        assert_eq!((row.arm, row.stratum), (arm, stratum), "{}", c.cluster);
        row.totals.add(1, c.exposure, c.before, c.after).unwrap();
    }
    let arms = vec!["control".into(), "treatment".into()];
    let unit = ExposureUnit::Window;
    let table = ContactTable::new(arms, strata, unit, Decimals::default(), cells).unwrap();
    let clusters = ClusterTable::new(&table, clusters.into_values().collect()).unwrap();
    (table, clusters)
}

/// A number of an estimate's detail.
#[track_caller]
fn detail(e: &Estimate, key: &str) -> f64 {
    match e.detail.get(key) {
        Some(DetailValue::Number(v)) => *v,
        Some(DetailValue::Count(n)) => *n as f64,
        other => panic!("{key}: {other:?}"),
    }
}
