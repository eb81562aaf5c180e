//! Plans: reading, and every rule that a plan has to keep.

use std::path::Path;

use pilot::experiment;

const FEES: &str = include_str!("../data/plans/fees-education.toml");

#[test]
fn the_example_plans_are_read() {
    for name in ["fees-education", "counts", "cells"] {
        let path = format!(
            "{}/tests/data/plans/{name}.toml",
            env!("CARGO_MANIFEST_DIR")
        );
        let plan = experiment::read(Path::new(&path)).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(plan.experiment.name, name);
        eprintln!("{:#?}", plan.experiment);
        eprintln!("{:#?}", plan.defaults);
    }
    assert!(FEES.len() > 100);
}
