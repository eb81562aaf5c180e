//! The examples, as they stand in the repository.

use pilot::engine::{Choice, Request, scan};
use pilot::experiment;

use crate::pipeline::example;

#[test]
fn both_engines_agree_on_every_example() {
    for name in [
        "progabide",
        "bladder",
        "hillstrom-email",
        "fees-education",
        "ivr-fee-notice",
    ] {
        let desk = example(name);
        if matches!(name, "fees-education" | "ivr-fee-notice") {
            desk.run(&["assign", name]).ok();
        }
        let plan = experiment::read(&desk.path(&format!("experiments/{name}.toml"))).unwrap();
        let assignment = desk.path(&format!("experiments/{name}/assignment.csv"));
        let scanned = |engine, threads| {
            let request = Request {
                assignment: assignment.is_file().then_some(assignment.as_path()),
                engine,
                threads: Some(threads),
                ..Request::new(&plan.experiment, desk.root(), &|_| Ok(()))
            };
            scan(&request).unwrap()
        };
        let oracle = scanned(Choice::Reader, 1);
        assert!(oracle.evidence.audit.customers > 50, "{name}");
        for threads in [1, 16] {
            assert_eq!(
                scanned(Choice::Embedded, threads),
                oracle,
                "{name}, {threads} threads"
            );
        }
    }
}
