//! Effects by segment: against R, and from the files to the report.

use std::path::Path;

use pilot::analysis::{Analysis, Phase, analyze};
use pilot::engine::{Request, Scan, scan};
use pilot::experiment::{self, Experiment, PlannedEstimand};
use pilot::stats::heterogeneity::heterogeneity;
use pilot::stats::multiplicity::benjamini_hochberg;
use serde_json::Value;

use crate::support::Desk;

/// Closed form, double precision on both sides; R's JSON keeps 15 digits.
const CLOSED: f64 = 1e-8;

fn reference() -> Value {
    serde_json::from_str(include_str!("../reference/segments.json")).unwrap()
}

fn numbers(v: &Value) -> Vec<f64> {
    let list = v.as_array().unwrap().iter();
    list.map(|x| x.as_f64().unwrap()).collect()
}

#[track_caller]
fn close(ours: f64, theirs: f64, what: &str) {
    let gap = (ours - theirs).abs();
    assert!(gap <= CLOSED * theirs.abs(), "{what}: {ours} {theirs}");
}

#[test]
fn interaction_and_shrinkage_are_those_of_r() {
    for set in ["nsw", "hillstrom"] {
        let r = &reference()[set];
        let (value, se) = (numbers(&r["value"]), numbers(&r["se"]));
        let groups: Vec<(f64, f64)> = value.into_iter().zip(se).collect();
        let h = heterogeneity(&groups).unwrap();
        for (ours, name) in [
            (h.q, "q"),
            (h.df, "df"),
            (h.p_value, "p_value"),
            (h.tau_squared, "tau_squared"),
            (h.mean.0, "mean"),
            (h.mean.1, "mean_se"),
        ] {
            close(ours, r[name].as_f64().unwrap(), name);
        }
        let (shrunk, errors) = (numbers(&r["shrunk"]), numbers(&r["shrunk_se"]));
        for ((ours, shrunk), error) in h.shrunk.iter().zip(shrunk).zip(errors) {
            close(ours.0, shrunk, "shrunk");
            close(ours.1, error, "shrunk_se");
        }
        let adjusted = benjamini_hochberg(&numbers(&r["p"]));
        for (ours, theirs) in adjusted.iter().zip(numbers(&r["p_adjusted"])) {
            close(*ours, theirs, "p_adjusted");
        }
    }
}

/// The men of `nsw` in the six groups of the reference; smaller ones are in none.
fn nsw(desk: &Desk) -> Experiment {
    let text = include_str!("../data/nsw.csv");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let at = |name: &str| header.iter().position(|h| h == name).unwrap();
    let columns = ["customer_id", "arm", "nodegree", "marr", "black", "after"].map(at);
    let keep: Vec<String> = reference()["nsw"]["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| g.as_str().unwrap().to_string())
        .collect();
    let mut rows = String::from("customer_id,arm,group,after\n");
    for record in reader.records() {
        let record = record.unwrap();
        let [id, arm, nodegree, marr, black, after] = columns.map(|c| record[c].to_string());
        let group = format!("nodegree{nodegree}marr{marr}black{black}");
        if keep.contains(&group) {
            rows.push_str(&format!("{id},{arm},{group},{after}\n"));
        }
    }
    desk.write("data/rows.csv", &rows);
    parsed(
        r#"
schema = 1
[experiment]
name = "t"
seed = 7
[assignment]
method = "existing"
[[arms]]
name = "control"
control = true
[[arms]]
name = "treatment"
[data.counts]
path = "data/rows.csv"
columns = { unit = "customer_id", arm = "arm" }
[[outcomes]]
name = "earnings"
role = "primary"
kind = "mean"
better = "higher"
[analysis]
estimator = "welch"
permutations = 0
segments = ["group"]
"#,
    )
}

fn parsed(text: &str) -> Experiment {
    experiment::parse_bytes(text.as_bytes(), Path::new("t.toml"))
        .unwrap_or_else(|e| panic!("{e}\n{text}"))
        .experiment
}

fn read(desk: &Desk, experiment: &Experiment) -> Scan {
    scan(&Request::new(experiment, desk.root(), &|_| Ok(()))).unwrap_or_else(|e| panic!("{e}"))
}

fn run(desk: &Desk, experiment: &Experiment) -> Analysis {
    analyze(experiment, &read(desk, experiment).evidence, Phase::Ended).unwrap()
}

#[test]
fn segments_of_a_file_are_those_of_r_and_never_decide() {
    let desk = Desk::new();
    let experiment = nsw(&desk);
    let analysis = run(&desk, &experiment);
    let r = &reference()["nsw"];
    let segments = analysis.segments.as_ref().unwrap();
    assert_eq!(segments.tests.len(), 1);
    let test = &segments.tests[0];
    // `after` has six decimals in the file, as R read it too.
    close(test.q.unwrap(), r["q"].as_f64().unwrap(), "q");
    close(test.p_value.unwrap(), r["p_value"].as_f64().unwrap(), "p");
    let groups = r["groups"].as_array().unwrap();
    assert_eq!(segments.rows.len(), groups.len());
    for (i, (row, group)) in segments.rows.iter().zip(groups).enumerate() {
        assert_eq!(row.segment, group.as_str().unwrap());
        close(row.value, numbers(&r["value"])[i], "value");
        close(row.se.unwrap(), numbers(&r["se"])[i], "se");
        close(row.p_adjusted.unwrap(), numbers(&r["p_adjusted"])[i], "p");
        close(row.shrunk.unwrap(), numbers(&r["shrunk"])[i], "shrunk");
    }
    let apart: Vec<_> = analysis
        .estimates
        .iter()
        .filter(|e| e.segment.is_some())
        .collect();
    assert_eq!(apart.len(), groups.len());
    assert!(apart.iter().all(|e| !e.primary));
    assert_eq!(
        apart[0].segment.as_deref(),
        Some("group = nodegree0marr0black0")
    );
    assert_eq!(analysis.estimates.iter().filter(|e| e.primary).count(), 1);
    assert!(!analysis.warnings.iter().any(|w| w.id == "not-yet-built"));
}

/// Posteriors share the prior: their segments are tested by the data alone, as `delta` tests them.
#[test]
fn a_prior_is_not_counted_in_every_segment() {
    let desk = Desk::new();
    let mut experiment = nsw(&desk);
    experiment.analysis.prior = Some((0.0, 0.2));
    let mut of = |estimator: &str| {
        experiment.analysis.estimator = Some(estimator.into());
        experiment.analysis.estimand = PlannedEstimand::Ratio;
        run(&desk, &experiment).segments.unwrap()
    };
    assert_eq!(of("bayes"), of("delta"));
}

#[test]
fn small_segments_are_merged_so_that_nobody_is_had_by_subtraction() {
    let desk = Desk::new();
    let mut rows = String::from("arm,region,after\n");
    for (region, n) in [("north", 40), ("south", 30), ("east", 12), ("west", 3)] {
        for i in 0..n {
            rows.push_str(&format!("a0,{region},{}\na1,{region},{}\n", i % 4, i % 3));
        }
    }
    desk.write("data/rows.csv", &rows);
    let experiment = parsed(
        "schema = 1\n[experiment]\nname = \"t\"\nseed = 7\n[assignment]\nmethod = \"existing\"\n\
         [[arms]]\nname = \"a0\"\ncontrol = true\n[[arms]]\nname = \"a1\"\n\
         [data.counts]\npath = \"data/rows.csv\"\ncolumns = { arm = \"arm\" }\n\
         [[outcomes]]\nname = \"contacts\"\nrole = \"primary\"\n\
         [analysis]\npermutations = 0\nsegments = [\"region\"]\n",
    );
    let analysis = run(&desk, &experiment);
    let rows = &analysis.segments.as_ref().unwrap().rows;
    let names: Vec<(&str, u64)> = rows.iter().map(|r| (r.segment.as_str(), r.n_arm)).collect();
    // West alone has three; west and the next smallest, east, have fifteen.
    assert_eq!(
        names,
        [("north", 40), ("south", 30), ("(smaller groups)", 15)]
    );
    // Every engine's tables of a column add up to the outcome's own.
    let evidence = read(&desk, &experiment).evidence;
    let outcome = &evidence.outcomes[0];
    let parts = outcome.segments[0].values().iter().map(|v| v.1.clone());
    let whole = parts.reduce(|a, b| a.merge(b).unwrap()).unwrap();
    assert_eq!(whole, outcome.table);
}

#[test]
fn a_column_of_too_many_values_is_refused_by_name() {
    let desk = Desk::new();
    let experiment = nsw(&desk);
    let rows: String = (0..200)
        .map(|i| format!("c{i},{},g{i},1\n", ["control", "treatment"][i % 2]))
        .collect();
    desk.write(
        "data/rows.csv",
        format!("customer_id,arm,group,after\n{rows}"),
    );
    let request = Request::new(&experiment, desk.root(), &|_| Ok(()));
    let error = scan(&request).unwrap_err().to_string();
    assert!(
        error.contains("\"group\"") && error.contains("50 values"),
        "{error}"
    );
}

#[test]
fn cells_bring_their_segments_in_a_file_of_their_own() {
    let desk = Desk::new();
    let cells = "arm,after,customers\ncontrol,0,30\ncontrol,1,30\nvideo,0,40\nvideo,1,20\n";
    desk.write("data/cells/cells.csv", cells);
    let text = |segments: &str| {
        parsed(&format!(
            "schema = 1\n[experiment]\nname = \"t\"\nseed = 7\n[assignment]\nmethod = \"existing\"\n\
             [[arms]]\nname = \"control\"\ncontrol = true\n[[arms]]\nname = \"video\"\n\
             [data.cells]\npath = \"data/cells\"\n[[outcomes]]\nname = \"fees\"\nrole = \"primary\"\n\
             [analysis]\npermutations = 0\nsegments = [{segments}]\n"
        ))
    };
    let experiment = text("\"plan\"");
    // Without the file the plan's wish is a warning, and nothing else.
    let analysis = run(&desk, &experiment);
    assert!(analysis.segments.is_none());
    assert!(analysis.warnings.iter().any(|w| w.id == "no-segments"));
    let rows = "segment,value,outcome,arm,after,customers\n\
        plan,basic,fees,control,0,10\nplan,basic,fees,control,1,20\nplan,basic,fees,video,0,25\nplan,basic,fees,video,1,5\n\
        plan,plus,fees,control,0,20\nplan,plus,fees,control,1,10\nplan,plus,fees,video,0,15\nplan,plus,fees,video,1,15\n";
    desk.write("data/cells/segments.csv", rows);
    let analysis = run(&desk, &experiment);
    let segments = analysis.segments.unwrap();
    let values: Vec<f64> = segments.rows.iter().map(|r| r.value).collect();
    assert!(
        (values[0] - (5.0 - 20.0) / 30.0).abs() < 1e-12,
        "{values:?}"
    );
    assert!(
        (values[1] - (15.0 - 10.0) / 30.0).abs() < 1e-12,
        "{values:?}"
    );
    assert!(segments.tests[0].p_value.unwrap() < 0.01);
    // More customers than the cells have is an error.
    desk.write(
        "data/cells/segments.csv",
        rows.replace("control,0,20", "control,0,21"),
    );
    let request = Request::new(&experiment, desk.root(), &|_| Ok(()));
    assert!(
        scan(&request)
            .unwrap_err()
            .to_string()
            .contains("segments.csv")
    );
}

#[test]
fn the_report_calls_segments_exploratory() {
    let desk = crate::pipeline::example("fees-education");
    let plan = String::from_utf8(desk.read("experiments/fees-education.toml")).unwrap();
    let plan = plan.replace(
        "permutations = 10000",
        "permutations = 999\nsegments = [\"plan\"]",
    );
    desk.write("experiments/fees-education.toml", &plan);
    desk.run(&["assign", "fees-education"]).ok();
    desk.run(&["analyze", "fees-education"]).ok();
    let summary = String::from_utf8(desk.read("reports/fees-education/summary.md")).unwrap();
    assert!(summary.contains("By segment (exploratory)"), "{summary}");
    assert!(summary.contains("plan = premium"), "{summary}");
    let table = desk.read("reports/fees-education/segments.csv");
    let rows = csv::Reader::from_reader(table.as_slice()).records().count();
    assert_eq!(rows, 9);
    // Stored evidence gives the same segments again.
    let evidence = desk.read("experiments/fees-education/evidence/0001/segments.csv");
    assert!(evidence.starts_with(b"segment,value,outcome,arm,s.plan"));
    let again = desk
        .run(&["analyze", "fees-education", "--evidence", "1"])
        .ok();
    assert_eq!(
        table,
        desk.read("reports/fees-education/segments.csv"),
        "{}",
        again.stdout
    );
}
