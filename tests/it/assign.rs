//! Assignment: the published vectors, and what must hold for every roster.

use std::collections::{BTreeMap, HashMap};

use pilot::assign::{
    ArmShare, ArmValues, AssignmentReader, AssignmentWriter, Problem, Roster, Scheme, existing,
};
use pilot::error::{Error, Kind};
use proptest::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// χ² statistics are compared with the mean plus this many standard deviations, √(2·df): about
/// one in a million by chance, and the draws are fixed by their seeds, so it cannot flicker.
const CHI2_SDS: f64 = 6.0;

/// A mean over seeds may differ from its expectation by this many standard errors.
const MEAN_SES: f64 = 5.0;

fn scheme(name: &str, seed: u64, arms: &[(&str, u64)]) -> Scheme {
    let arms = arms.iter().map(|&(name, weight)| ArmShare {
        name: name.to_owned(),
        weight,
    });
    Scheme::new(name, seed, arms).unwrap()
}

fn roster<'a>(units: impl IntoIterator<Item = &'a str>) -> Roster {
    let mut roster = Roster::new(false);
    for unit in units {
        roster.push(unit, &[] as &[&str], None).unwrap();
    }
    roster
}

fn arms_of(
    scheme: &Scheme,
    assigned: &pilot::assign::Assignment,
    roster: &Roster,
) -> BTreeMap<String, String> {
    assigned
        .rows(roster)
        .map(|row| (row.unit.to_owned(), scheme.arms()[row.arm].name.clone()))
        .collect()
}

fn reference() -> Value {
    serde_json::from_str(include_str!("../reference/assignment.json")).unwrap()
}

fn shares(weights: &Value) -> Vec<(&str, u64)> {
    let weights = weights.as_object().unwrap();
    weights
        .iter()
        .map(|(name, w)| (name.as_str(), w.as_u64().unwrap()))
        .collect()
}

#[test]
fn arms_are_those_of_the_independent_script() {
    let reference = reference();
    let name = reference["experiment"].as_str().unwrap();
    let seed = reference["seed"].as_u64().unwrap();
    let scheme = scheme(name, seed, &shares(&reference["weights"]));
    let rows = reference["units"].as_array().unwrap();
    let roster = roster(rows.iter().map(|r| r["unit"].as_str().unwrap()));
    let hashed = arms_of(&scheme, &scheme.hashed(&roster).unwrap(), &roster);
    let complete = arms_of(&scheme, &scheme.complete(&roster).unwrap(), &roster);
    for row in rows {
        let unit = row["unit"].as_str().unwrap();
        assert_eq!(hashed[unit], row["hashed"], "{unit}");
        assert_eq!(complete[unit], row["complete"], "{unit}");
        assert_eq!(scheme.arms()[scheme.hashed_arm(unit)].name, row["hashed"]);
    }
}

#[test]
fn quotas_are_those_of_the_independent_script() {
    let reference = reference();
    let name = reference["experiment"].as_str().unwrap();
    let seed = reference["seed"].as_u64().unwrap();
    let scheme = scheme(name, seed, &shares(&reference["weights"]));
    for row in reference["strata"].as_array().unwrap() {
        let stratum: Vec<&str> = row["stratum"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_str().unwrap())
            .collect();
        let quotas = scheme.quotas(&stratum, row["units"].as_u64().unwrap());
        for (arm, n) in scheme.arms().iter().zip(quotas) {
            assert_eq!(row["quotas"][&arm.name], n, "{stratum:?}");
        }
    }
}

#[test]
fn ten_thousand_arms_are_those_of_the_independent_script() {
    let reference = reference();
    let many = &reference["many"];
    let name = reference["experiment"].as_str().unwrap();
    let scheme = scheme(
        name,
        reference["seed"].as_u64().unwrap(),
        &shares(&many["weights"]),
    );
    let units: Vec<String> = (0..10_000).map(|i| format!("customer-{i}")).collect();
    let roster = roster(units.iter().map(String::as_str));
    for (method, assigned) in [
        ("hashed", scheme.hashed(&roster).unwrap()),
        ("complete", scheme.complete(&roster).unwrap()),
    ] {
        let mut digest = Sha256::new();
        for (unit, arm) in arms_of(&scheme, &assigned, &roster) {
            digest.update(format!("{unit},{arm}\n"));
        }
        let hex: String = digest
            .finalize()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        assert_eq!(many[method], hex, "{method}");
    }
}

#[test]
fn the_document_prints_these_vectors() {
    let text = include_str!("../../docs/assignment.md");
    let scheme = scheme(
        "fees-education",
        8_274_462_913,
        &[("control", 2), ("tip-sheet", 1), ("video", 1)],
    );
    let table = |columns: usize, quote: &str| -> Vec<Vec<String>> {
        text.lines()
            .filter(|line| line.starts_with(quote))
            .map(|line| {
                let cells = line.trim_matches('|').split(" | ");
                cells
                    .map(|c| c.trim().trim_matches('`').to_owned())
                    .collect()
            })
            .inspect(|row: &Vec<String>| assert_eq!(row.len(), columns))
            .collect()
    };
    let units = table(4, "| `\"");
    assert_eq!(units.len(), 10);
    let names: Vec<String> = units
        .iter()
        .map(|row| serde_json::from_str(&row[0]).unwrap())
        .collect();
    let roster = roster(names.iter().map(String::as_str));
    let complete = arms_of(&scheme, &scheme.complete(&roster).unwrap(), &roster);
    for (row, unit) in units.iter().zip(&names) {
        assert_eq!(scheme.arms()[scheme.hashed_arm(unit)].name, row[2]);
        assert_eq!(complete[unit], row[3]);
    }
    let quotas = table(5, "| `[");
    assert_eq!(quotas.len(), 15);
    for row in quotas {
        let stratum: Vec<String> = serde_json::from_str(&row[0]).unwrap();
        let n: u64 = row[1].parse().unwrap();
        let printed: Vec<u64> = row[2..].iter().map(|v| v.parse().unwrap()).collect();
        assert_eq!(scheme.quotas(&stratum, n), printed);
    }
}

#[test]
fn hashed_shares_follow_the_weights() {
    let arms = [("control", 5), ("a", 3), ("none", 0), ("b", 2)];
    let units: Vec<String> = (0..2_000).map(|i| format!("u{i}")).collect();
    let mut counts = [0u64; 4];
    for seed in 0..200 {
        let scheme = scheme("shares", seed, &arms);
        units.iter().for_each(|u| counts[scheme.hashed_arm(u)] += 1);
    }
    assert_eq!(counts[2], 0);
    let n: u64 = counts.iter().sum();
    let chi2: f64 = arms
        .iter()
        .zip(counts)
        .filter(|((_, w), _)| *w > 0)
        .map(|(&(_, w), seen)| {
            let expected = n as f64 * w as f64 / 10.0;
            (seen as f64 - expected).powi(2) / expected
        })
        .sum();
    assert!(chi2 < 2.0 + CHI2_SDS * 4f64.sqrt(), "χ² {chi2} on 2 df");
}

#[test]
fn complete_gives_every_split_of_a_small_roster_equally_often() {
    // 6 units, 2 in each of 3 arms: 90 assignments; each should come up seeds/90 times.
    const SEEDS: u64 = 9_000;
    let roster = roster(["a", "b", "c", "d", "e", "f"]);
    let mut seen: HashMap<Vec<usize>, u64> = HashMap::new();
    for seed in 0..SEEDS {
        let scheme = scheme("small", seed, &[("x", 1), ("y", 1), ("z", 1)]);
        let assigned = scheme.complete(&roster).unwrap();
        *seen
            .entry(assigned.rows(&roster).map(|r| r.arm).collect())
            .or_default() += 1;
    }
    assert_eq!(seen.len(), 90);
    let expected = SEEDS as f64 / 90.0;
    let chi2: f64 = seen
        .values()
        .map(|&n| (n as f64 - expected).powi(2) / expected)
        .sum();
    assert!(chi2 < 89.0 + CHI2_SDS * 178f64.sqrt(), "χ² {chi2} on 89 df");
}

#[test]
fn places_left_by_rounding_favour_no_arm() {
    // 5 customers at 3:2:2 leave 5·w mod 7 = 1, 3, 3 sevenths over the whole parts 2, 1, 1.
    const SEEDS: u64 = 20_000;
    let mut sums = [0u64; 3];
    let mut pairs: HashMap<Vec<u64>, u64> = HashMap::new();
    for seed in 0..SEEDS {
        let quotas = scheme("left", seed, &[("x", 3), ("y", 2), ("z", 2)]).quotas(&["s"], 5);
        sums.iter_mut().zip(&quotas).for_each(|(s, q)| *s += q);
        *pairs.entry(quotas).or_default() += 1;
    }
    for (sum, weight) in sums.into_iter().zip([3.0, 2.0, 2.0]) {
        let expected = 5.0 * weight / 7.0;
        let fraction = f64::fract(expected);
        let se = (fraction * (1.0 - fraction) / SEEDS as f64).sqrt();
        let mean = sum as f64 / SEEDS as f64;
        assert!(
            (mean - expected).abs() < MEAN_SES * se,
            "{mean} for {expected}"
        );
    }
    assert_eq!(pairs.len(), 3);
}

#[test]
fn a_copied_plan_does_not_repeat_an_assignment() {
    // Independent pilots: the 2 × 2 table of arms has no association (χ² on 1 df).
    let units: Vec<String> = (0..40_000).map(|i| format!("customer-{i}")).collect();
    let roster = roster(units.iter().map(String::as_str));
    let arms = [("control", 1), ("tip-sheet", 1)];
    let (one, two) = (scheme("fees", 7, &arms), scheme("fees-2", 7, &arms));
    let cases = [
        (one.hashed(&roster), two.hashed(&roster)),
        (one.complete(&roster), two.complete(&roster)),
        (one.hashed(&roster), one.complete(&roster)),
    ];
    for (a, b) in cases {
        let (a, b) = (a.unwrap(), b.unwrap());
        let mut table = [[0f64; 2]; 2];
        (0..units.len()).for_each(|r| table[a.arm(r).unwrap()][b.arm(r).unwrap()] += 1.0);
        let [[p, q], [r, s]] = table;
        let n = p + q + r + s;
        let chi2 = n * (p * s - q * r).powi(2) / ((p + q) * (r + s) * (p + r) * (q + s));
        assert!(chi2 < 1.0 + CHI2_SDS * 2f64.sqrt(), "χ² {chi2} on 1 df");
    }
}

#[test]
fn repeats_are_counted_and_conflicts_name_both_rows() {
    let scheme = scheme("rows", 1, &[("x", 1), ("y", 1)]);
    let mut roster = Roster::new(false);
    for (unit, stratum) in [
        ("a", "s"),
        ("b", "s"),
        ("a", "s"),
        ("c", "t"),
        ("d", "t"),
        ("a", "s"),
    ] {
        roster.push(unit, &[stratum], None).unwrap();
    }
    let assigned = scheme.complete(&roster).unwrap();
    assert_eq!(assigned.duplicates(), 2);
    assert_eq!(
        assigned.rows(&roster).map(|r| r.unit).collect::<Vec<_>>(),
        ["a", "b", "c", "d"]
    );
    assert_eq!(assigned.units_by_arm(), [2, 2]);

    roster.push("d", &["s"], None).unwrap();
    roster.push("b", &["t"], None).unwrap();
    for problem in [
        scheme.complete(&roster).unwrap_err(),
        scheme.hashed(&roster).unwrap_err(),
    ] {
        assert_eq!(problem.row_indices(), [4, 6]);
        let error = problem.clone().at(|row| row as u64 + 2);
        assert_eq!(
            error.message(),
            "the same customer is in two strata (lines 6 and 8)"
        );
        assert_eq!((error.kind(), error.line_number()), (Kind::Data, Some(8)));
        let error = Error::from(problem);
        assert_eq!(
            error.message(),
            "the same customer is in two strata (data rows 5 and 7)"
        );
    }
}

#[test]
fn blank_and_misplaced_fields_are_refused_with_their_row() {
    let mut roster = Roster::new(false);
    roster.push("a", &["s"], None).unwrap();
    for problem in [
        roster.push("", &["s"], None),
        roster.push(" \t\u{a0}", &["s"], None),
        roster.push("b", &[] as &[&str], None),
        roster.push("b", &["s"], Some("g")),
    ] {
        assert_eq!(problem.unwrap_err().row_indices(), [1]);
    }
    assert_eq!(roster.len(), 1);
    let mut clustered = Roster::new(true);
    assert!(clustered.push("a", &["s"], None).is_err());
    assert!(clustered.push("a", &["s"], Some(" ")).is_err());
    assert!(clustered.is_empty());
}

#[test]
fn too_few_customers_are_refused_only_where_quotas_are_exact() {
    let scheme = scheme("few", 1, &[("x", 1), ("y", 1), ("z", 1)]);
    let two = roster(["a", "b"]);
    let problem = Error::from(scheme.complete(&two).unwrap_err());
    assert_eq!(problem.message(), "2 customers are too few for 3 arms");
    assert_eq!(
        scheme
            .hashed(&two)
            .unwrap()
            .units_by_arm()
            .iter()
            .sum::<u64>(),
        2
    );
    assert!(scheme.complete(&roster([])).is_err());
    assert!(scheme.hashed(&roster([])).is_err());
    let uneven = Scheme::new(
        "few",
        1,
        [("x", 1_000_000), ("y", 1)].map(|(n, weight)| ArmShare {
            name: n.to_owned(),
            weight,
        }),
    );
    let problem = Error::from(uneven.unwrap().complete(&two).unwrap_err());
    assert!(
        problem
            .message()
            .starts_with("arm `y` gets none of the 2 customers")
    );
}

#[test]
fn weights_are_checked() {
    let arms = |weights: &[u64]| -> Vec<ArmShare> {
        let named = weights.iter().enumerate();
        named
            .map(|(i, &weight)| ArmShare {
                name: format!("a{i}"),
                weight,
            })
            .collect()
    };
    let error = |p: Result<Scheme, Problem>| Error::from(p.unwrap_err());
    assert!(
        error(Scheme::new("w", 1, arms(&[u64::MAX, 1])))
            .message()
            .contains("exceeds")
    );
    assert!(
        error(Scheme::new("w", 1, arms(&[0, 0])))
            .message()
            .contains("no arm")
    );
    assert!(
        error(Scheme::new("w", 1, arms(&[])))
            .message()
            .contains("no arm")
    );
    let twice = [arms(&[1]), arms(&[1])].concat();
    assert!(
        error(Scheme::new("w", 1, twice))
            .message()
            .contains("two arms")
    );
    let largest = Scheme::new("w", 1, arms(&[u64::MAX - 1, 1])).unwrap();
    assert_eq!(largest.quotas(&[] as &[&str], u64::MAX), [u64::MAX - 1, 1]);
    assert_eq!(largest.hashed_arm("c"), 0);
}

#[test]
fn whole_clusters_get_one_arm_in_exact_quotas() {
    let scheme = scheme("branches", 3, &[("x", 1), ("y", 2)]);
    let mut roster = Roster::new(true);
    for i in 0..300 {
        let branch = i % 30;
        let region = if branch < 12 { "north" } else { "south" };
        roster
            .push(&format!("c{i}"), &[region], Some(&format!("b{branch}")))
            .unwrap();
    }
    for assigned in [
        scheme.complete(&roster).unwrap(),
        scheme.hashed(&roster).unwrap(),
    ] {
        let mut arm_of: HashMap<&str, usize> = HashMap::new();
        for row in assigned.rows(&roster) {
            assert_eq!(
                *arm_of.entry(row.cluster.unwrap()).or_insert(row.arm),
                row.arm
            );
        }
        assert_eq!(assigned.clusters_by_arm().unwrap().iter().sum::<u64>(), 30);
    }
    let assigned = scheme.complete(&roster).unwrap();
    let sizes: Vec<_> = assigned
        .sizes()
        .iter()
        .map(|s| s.clusters.clone().unwrap())
        .collect();
    assert_eq!(sizes, [[4, 8], [6, 12]]);
    assert_eq!(assigned.units_by_arm(), [100, 200]);

    roster.push("late", &["north"], Some("b20")).unwrap();
    for problem in [
        scheme.complete(&roster).unwrap_err(),
        scheme.hashed(&roster).unwrap_err(),
    ] {
        let error = Error::from(problem);
        assert_eq!(
            error.message(),
            "cluster `b20` is in two strata (data rows 21 and 301)"
        );
    }
}

#[test]
fn arms_in_the_data_are_taken_over_and_checked() {
    let units = roster(["a", "b", "a", "c"]);
    let taken = existing(&units, &[0, 1, 0, 1], 2).unwrap();
    assert_eq!((taken.duplicates(), taken.units_by_arm()), (1, vec![1, 2]));
    let problem = existing(&units, &[0, 1, 1, 1], 2).unwrap_err();
    assert_eq!(problem.row_indices(), [0, 2]);
    assert_eq!(Error::from(problem).kind(), Kind::Check);
    assert!(existing(&units, &[0, 1, 0, 2], 2).is_err());
    assert!(existing(&units, &[0, 1], 2).is_err());

    let mut branches = Roster::new(true);
    branches.push("a", &[] as &[&str], Some("g")).unwrap();
    branches.push("b", &[] as &[&str], Some("g")).unwrap();
    let error = Error::from(existing(&branches, &[0, 1], 2).unwrap_err());
    assert_eq!(
        error.message(),
        "cluster `g` holds two arms (data rows 1 and 2)"
    );
}

#[test]
fn values_of_an_arm_column() {
    let listed = BTreeMap::from([("0".to_owned(), 0), ("holdout".to_owned(), 0)]);
    let values = ArmValues::new(&["control", "tip-sheet"], &listed).unwrap();
    assert_eq!(values.arm("holdout"), Some(0));
    assert_eq!(values.arm("tip-sheet"), Some(1));
    assert_eq!(values.arm("control"), None);
    assert_eq!(values.arm("Holdout"), None);
    let error = Error::from(values.unknown("tipsheet"));
    assert!(!error.message().contains("tipsheet"));
    assert_eq!(error.hint_text(), Some("did you mean `tip-sheet`?"));
    let clash = BTreeMap::from([("tip-sheet".to_owned(), 0)]);
    assert!(ArmValues::new(&["control", "tip-sheet"], &clash).is_err());
}

#[test]
fn later_customers_are_appended_and_earlier_ones_keep_everything() {
    let scheme = scheme("arrivals", 11, &[("x", 1), ("y", 1)]);
    let mut first = Roster::new(false);
    (0..50).for_each(|i| first.push(&format!("c{i}"), &["basic"], None).unwrap());
    let before = scheme.hashed(&first).unwrap();
    let arms: Vec<usize> = before.rows(&first).map(|r| r.arm).collect();
    // c0 left, c1 moved to another plan, c50 to c79 arrived; the order is another.
    let mut now = Roster::new(false);
    for i in (1..80).rev() {
        let plan = if i == 1 { "plus" } else { "basic" };
        now.push(&format!("c{i}"), &[plan], None).unwrap();
    }
    let (all, after) = scheme.extend(&first, &arms, &now).unwrap();
    let rows: Vec<_> = after.rows(&all).collect();
    assert_eq!((rows.len(), after.duplicates()), (80, 49));
    assert!(before.rows(&first).eq(rows[..50].iter().copied()));
    assert_eq!(rows[50].unit, "c79");
    for row in &rows {
        assert_eq!(row.arm, scheme.hashed_arm(row.unit));
    }
    let other = scheme.arms().len() - 1 - arms[0];
    let mut edited = arms.clone();
    edited[0] = other;
    let error = Error::from(scheme.extend(&first, &edited, &now).unwrap_err());
    assert_eq!(error.kind(), Kind::Check);
    // Nothing new: the same rows again.
    let mut same = Roster::new(false);
    rows.iter()
        .for_each(|r| same.push(r.unit, r.strata, None).unwrap());
    let all_arms: Vec<usize> = rows.iter().map(|r| r.arm).collect();
    let (again, after_again) = scheme.extend(&same, &all_arms, &now).unwrap();
    assert!(after_again.rows(&again).eq(rows.iter().copied()));
    // Conflicts within the new roster are named by its own rows.
    now.push("new", &["basic"], None).unwrap();
    now.push("new", &["plus"], None).unwrap();
    let problem = scheme.extend(&first, &arms, &now).unwrap_err();
    assert_eq!(problem.row_indices(), [79, 80]);
}

#[test]
fn later_customers_of_a_known_cluster_get_its_arm() {
    let scheme = scheme("households", 11, &[("x", 1), ("y", 1)]);
    let mut first = Roster::new(true);
    for (unit, cluster) in [("a", "h1"), ("b", "h2"), ("c", "h3")] {
        first.push(unit, &["north"], Some(cluster)).unwrap();
    }
    let arms: Vec<usize> = scheme
        .hashed(&first)
        .unwrap()
        .rows(&first)
        .map(|r| r.arm)
        .collect();
    let mut now = Roster::new(true);
    // a moved to a household and a region of its own; d joined b.
    now.push("a", &["south"], Some("h4")).unwrap();
    now.push("d", &["north"], Some("h2")).unwrap();
    let (all, after) = scheme.extend(&first, &arms, &now).unwrap();
    let units: Vec<_> = after
        .rows(&all)
        .map(|r| (r.unit, r.cluster.unwrap(), r.arm))
        .collect();
    assert_eq!(
        units[..3],
        [
            ("a", "h1", arms[0]),
            ("b", "h2", arms[1]),
            ("c", "h3", arms[2])
        ]
    );
    assert_eq!(units[3..], [("d", "h2", arms[1])]);
    assert_eq!(after.clusters_by_arm().unwrap().iter().sum::<u64>(), 3);
    now.push("e", &["south"], Some("h3")).unwrap();
    let problem = scheme.extend(&first, &arms, &now).unwrap_err();
    assert_eq!(problem.row_indices(), [2]);
}

fn file_of(roster: &Roster, arms: &[usize], names: &[&str], strata: &[&str]) -> Vec<u8> {
    let mut writer =
        AssignmentWriter::new(Vec::new(), names, strata, roster.is_clustered()).unwrap();
    for row in existing(roster, arms, names.len()).unwrap().rows(roster) {
        writer.write(row).unwrap();
    }
    writer.finish().unwrap()
}

fn read(
    bytes: &[u8],
    strata: &[&str],
    clustered: bool,
) -> pilot::error::Result<(Roster, Vec<usize>)> {
    AssignmentReader::new(bytes, &["x", "y"], strata, clustered)?.read_all()
}

#[test]
fn the_file_quotes_what_needs_it_and_nothing_else() {
    let mut roster = Roster::new(true);
    roster.push("a,\"b\"\nc", &["=1+1"], Some("شعبه")).unwrap();
    roster.push("007", &[""], Some("g")).unwrap();
    let bytes = file_of(&roster, &[0, 1], &["x", "y"], &["plan"]);
    let text = "unit,arm,plan,cluster\n\"a,\"\"b\"\"\nc\",x,=1+1,شعبه\n007,y,,g\n";
    assert_eq!(String::from_utf8(bytes).unwrap(), text);
}

#[test]
fn a_broken_file_is_refused_with_its_line() {
    let line = |bytes: &[u8]| {
        let error = read(bytes, &["plan"], false).unwrap_err();
        assert_eq!(error.kind(), Kind::Data, "{error}");
        (error.line_number().unwrap(), error.column_number())
    };
    assert_eq!(line(b"unit,arm\na,x\n"), (1, Some(3)));
    assert_eq!(line(b"unit,arm,Plan\na,x,s\n"), (1, Some(3)));
    assert_eq!(line(b""), (1, Some(1)));
    assert_eq!(line(b"unit,arm,plan\n\"a\nb\",x,s\nc,z,s\n"), (4, Some(2)));
    assert_eq!(line(b"unit,arm,plan\na,x,s\n ,x,s\n"), (3, Some(1)));
    assert_eq!(line(b"unit,arm,plan\na,x\n"), (2, None));
    assert_eq!(line(b"unit,arm,plan\na,x,s\n\xff,x,s\n"), (3, Some(1)));
}

/// Units, strata and clusters as hostile as a CSV may hold.
fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c,\"\r\n \t;=']{1,6}",
        "[ا-ی۰-۹客户]{1,4}",
        any::<String>(),
    ]
}

fn any_roster(
    clustered: bool,
) -> impl Strategy<Value = Vec<(String, [String; 2], Option<String>)>> {
    let unit = field().prop_filter("blank", |u| !u.trim().is_empty());
    let cluster = field().prop_filter("blank", |u| !u.trim().is_empty());
    prop::collection::btree_map(unit, ([field(), field()], cluster), 1..40).prop_map(move |rows| {
        rows.into_iter()
            .map(|(unit, (strata, cluster))| (unit, strata, clustered.then_some(cluster)))
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_file_gives_back_every_byte(rows in any_roster(true), clustered: bool) {
        let mut roster = Roster::new(clustered);
        let mut arm_of: HashMap<&str, usize> = HashMap::new();
        let mut arms = Vec::new();
        let mut strata_of: HashMap<&str, &[String; 2]> = HashMap::new();
        for (i, (unit, strata, cluster)) in rows.iter().enumerate() {
            let cluster = cluster.as_deref().filter(|_| clustered);
            let strata = cluster.map_or(strata, |c| *strata_of.entry(c).or_insert(strata));
            roster.push(unit, strata, cluster).unwrap();
            arms.push(cluster.map_or(i % 2, |c| *arm_of.entry(c).or_insert(i % 2)));
        }
        let bytes = file_of(&roster, &arms, &["x", "y"], &["plan", "region"]);
        let (back, arms_back) = read(&bytes, &["plan", "region"], clustered).unwrap();
        prop_assert_eq!(&arms_back, &arms);
        prop_assert_eq!(back.len(), roster.len());
        for row in 0..roster.len() {
            prop_assert_eq!(back.unit(row), roster.unit(row));
            prop_assert_eq!(back.strata(row), roster.strata(row));
            prop_assert_eq!(back.cluster(row), roster.cluster(row));
        }
        prop_assert_eq!(file_of(&back, &arms_back, &["x", "y"], &["plan", "region"]), bytes);
    }

    #[test]
    fn reading_any_bytes_never_panics(bytes: Vec<u8>) {
        let mut file = b"unit,arm,plan\n".to_vec();
        file.extend(&bytes);
        let _ = read(&file, &["plan"], false);
        let _ = read(&bytes, &["plan"], false);
    }

    #[test]
    fn quotas_are_exact_and_order_does_not_matter(
        units in prop::collection::btree_set("[a-z0-9]{1,8}", 4..200),
        weights in prop::collection::vec(1u64..6, 2..5),
        seed: u64,
        rotate in 0usize..200,
    ) {
        let names: Vec<String> = (0..weights.len()).map(|i| format!("arm-{i}")).collect();
        let arms: Vec<(&str, u64)> =
            names.iter().map(String::as_str).zip(weights.iter().copied()).collect();
        let scheme = scheme("prop", seed, &arms);
        let mut rows: Vec<(&str, &str)> = units
            .iter()
            .map(|u| (u.as_str(), if u.len() % 2 == 0 { "even" } else { "odd" }))
            .collect();
        let build = |rows: &[(&str, &str)]| {
            let mut roster = Roster::new(false);
            rows.iter().for_each(|(u, s)| roster.push(u, &[s], None).unwrap());
            roster
        };
        let one = build(&rows);
        let n = rows.len();
        rows.rotate_left(rotate % n);
        rows.push(rows[0]);
        let other = build(&rows);
        let total: u64 = weights.iter().sum();
        match (scheme.complete(&one), scheme.complete(&other)) {
            (Ok(a), Ok(b)) => {
                prop_assert_eq!(arms_of(&scheme, &a, &one), arms_of(&scheme, &b, &other));
                prop_assert_eq!(a.sizes(), b.sizes());
                prop_assert_eq!(b.duplicates(), 1);
                for stratum in a.sizes() {
                    let n: u64 = stratum.units.iter().sum();
                    for (seen, weight) in stratum.units.iter().zip(&weights) {
                        let floor = n * weight / total;
                        prop_assert!(*seen == floor || (*seen == floor + 1 && !(n * weight).is_multiple_of(total)));
                    }
                }
            }
            (Err(a), Err(b)) => prop_assert_eq!(a, b),
            (a, b) => prop_assert!(false, "{a:?} {b:?}"),
        }
        let (a, b) = (scheme.hashed(&one).unwrap(), scheme.hashed(&other).unwrap());
        prop_assert_eq!(arms_of(&scheme, &a, &one), arms_of(&scheme, &b, &other));
    }
}
