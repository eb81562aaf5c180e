//! What an analysis says: units, deciding rows, families, joint effects, small groups, extremes.

use std::path::Path;

use pilot::analysis::{Analysis, EstimateRow, Phase, Status, Unit, analyze, joint_effect};
use pilot::engine::{Request, scan};
use pilot::experiment::{self, Experiment};
use pilot::stats::{DetailValue, Estimand, Estimator};
use pilot::table::Evidence;

use crate::counts_support::{record, rows as rows_of};
use crate::support::Desk;

/// A plan over `data/counts.csv` with `arms` arms, the first control; `rest` is appended.
fn plan(arms: usize, columns: &str, rest: &str) -> Experiment {
    let mut text = String::from(
        "schema = 1\n[experiment]\nname = \"t\"\nseed = 7\n[assignment]\nmethod = \"existing\"\n",
    );
    for arm in 0..arms {
        let control = if arm == 0 { "control = true\n" } else { "" };
        text.push_str(&format!("[[arms]]\nname = \"a{arm}\"\n{control}"));
    }
    text.push_str(&format!(
        "[data.counts]\npath = \"data/counts.csv\"\n{columns}\n{rest}"
    ));
    experiment::parse_bytes(text.as_bytes(), Path::new("t.toml"))
        .unwrap_or_else(|e| panic!("{e}\n{text}"))
        .experiment
}

const COLUMNS: &str = "columns = { arm = \"arm\" }";
const PRIMARY: &str = "[[outcomes]]\nname = \"contacts\"\nrole = \"primary\"\n";
const QUICK: &str = "permutations = 999\nbootstrap = 999\n";

fn evidence(experiment: &Experiment, csv: &str) -> Evidence {
    let desk = Desk::new();
    desk.write("data/counts.csv", csv);
    scan(&Request::new(experiment, desk.root(), &|_| Ok(())))
        .unwrap_or_else(|e| panic!("{e}"))
        .evidence
}

fn run(experiment: &Experiment, csv: &str) -> Analysis {
    analyze(experiment, &evidence(experiment, csv), Phase::Ended).unwrap()
}

#[track_caller]
fn find<'a>(
    a: &'a Analysis,
    outcome: &str,
    arm: &str,
    by: Estimator,
    of: Estimand,
) -> &'a EstimateRow {
    a.estimates
        .iter()
        .find(|r| r.outcome == outcome && r.arm == arm && r.estimator == by && r.estimand == of)
        .unwrap_or_else(|| panic!("no {by} of {outcome} in {arm}: {:?}", a.skipped))
}

fn deciding<'a>(a: &'a Analysis, outcome: &str) -> Vec<&'a EstimateRow> {
    a.estimates
        .iter()
        .filter(|r| r.primary && r.outcome == outcome)
        .collect()
}

/// Rows of `n` customers, arms in turn; `fields` gives the values behind the arm.
fn rows(head: &str, arms: usize, n: u64, fields: impl Fn(u64, u64) -> String) -> String {
    let mut csv = format!("arm,{head}\n");
    for i in 0..n {
        let arm = i % arms as u64;
        csv.push_str(&format!("a{arm},{}\n", fields(i / arms as u64, arm)));
    }
    csv
}

/// Sums agree to the last digits; nothing here is iterated.
const EXACT: f64 = 1e-12;

#[track_caller]
fn close(a: f64, b: f64, tolerance: f64) {
    assert!(
        (a - b).abs() <= tolerance * b.abs().max(1e-300),
        "{a} is not {b}"
    );
}

fn number(row: &EstimateRow, key: &str) -> f64 {
    match row.detail.get(key) {
        Some(DetailValue::Number(v)) => *v,
        other => panic!("{key}: {other:?}"),
    }
}

#[test]
fn a_rate_is_the_same_whatever_unit_its_exposure_has() {
    let days = |unit: &str| match unit {
        "day" => 1.0,
        "week" => 7.0,
        _ => 30.4375,
    };
    for per in [None, Some(90)] {
        for unit in ["day", "week", "month"] {
            let columns = format!(
                "columns = {{ arm = \"arm\", exposure = \"e\" }}\nexposure_unit = \"{unit}\""
            );
            let per_days = per.map_or(String::new(), |d| format!("per_days = {d}\n"));
            let x = plan(
                2,
                &columns,
                &format!("{PRIMARY}[analysis]\nestimator = \"rate\"\n{QUICK}{per_days}"),
            );
            let csv = rows("after,e", 2, 200, |i, arm| {
                format!("{},{}", (i + arm) % 5, 1 + i % 7)
            });
            let a = run(&x, &csv);
            let e = find(&a, "contacts", "a1", Estimator::Rate, Estimand::Difference);
            let sum = |arm: u64| {
                let (mut y, mut t) = (0, 0);
                for i in 0..100 {
                    y += (i + arm) % 5;
                    t += 1 + i % 7;
                }
                y as f64 / t as f64
            };
            let per = f64::from(per.unwrap_or(30));
            close(e.value, (sum(1) - sum(0)) * per / days(unit), 1e-10);
            assert_eq!(
                e.unit,
                Unit::from(format!("contacts per customer per {per} days"))
            );
            close(
                number(e, "rate_treatment") - number(e, "rate_control"),
                e.value,
                1e-9,
            );
            // The permutation test is of the same rate where exposure varies, and says so.
            let p = find(
                &a,
                "contacts",
                "a1",
                Estimator::Permutation,
                Estimand::Difference,
            );
            close(p.value, e.value, 1e-10);
            assert_eq!(p.unit, e.unit);
            let mid = |r: &EstimateRow| (r.ci_lower.unwrap() + r.ci_upper.unwrap()) / 2.0;
            close(mid(e), e.value, 1e-9);
            // Contacts avoided per day do not depend on how the difference is shown.
            let j = joint_effect(&x, &evidence(&x, &csv), &a).unwrap().unwrap();
            close(j.mean[0], -(sum(1) - sum(0)) / days(unit), 1e-10);
        }
    }
}

#[test]
fn per_days_scales_counts_and_leaves_scores_alone() {
    let outcomes = "[[outcomes]]\nname = \"contacts\"\nrole = \"primary\"\n[[outcomes]]\nname = \"score\"\nrole = \"guardrail\"\nkind = \"mean\"\nbetter = \"higher\"\nmargin = 0.5\nafter = \"score\"\n[periods]\nafter = [\"2026-01-01\", \"2026-03-01\"]\n";
    let csv = rows("after,score", 2, 200, |i, arm| {
        format!("{},{}", (i + arm) % 4, (i * 7 + arm) % 10)
    });
    let a = |per: &str| {
        run(
            &plan(
                2,
                COLUMNS,
                &format!("{outcomes}[analysis]\nestimator = \"welch\"\n{QUICK}{per}"),
            ),
            &csv,
        )
    };
    let (plain, scaled) = (a(""), a("per_days = 30\n"));
    for by in [Estimator::Welch, Estimator::Student, Estimator::Permutation] {
        let get = |a| find(a, "contacts", "a1", by, Estimand::Difference).clone();
        let (p, s) = (get(&plain), get(&scaled));
        close(s.value * 2.0, p.value, EXACT);
        close(s.se.unwrap() * 2.0, p.se.unwrap(), EXACT);
        assert_eq!(s.p_value, p.p_value);
        assert!(
            s.unit.to_string().ends_with("per 30 days") && p.unit.to_string().ends_with("60 days"),
            "{} {}",
            s.unit,
            p.unit
        );
        if let (Some(low), Some(whole)) = (s.ci_lower, p.ci_lower) {
            close(low * 2.0, whole, EXACT);
        }
        let score = |a| find(a, "score", "a1", by, Estimand::Difference).clone();
        assert_eq!(
            score(&plain),
            score(&scaled),
            "a score does not grow with time"
        );
    }
    let pooled = |a| {
        number(
            find(
                a,
                "contacts",
                "a1",
                Estimator::Student,
                Estimand::Difference,
            ),
            "sd_pooled",
        )
    };
    close(pooled(&scaled) * 2.0, pooled(&plain), EXACT);
}

#[test]
fn a_guardrail_is_a_difference_and_has_exactly_one_deciding_row() {
    // The plan's ratio and its estimator fit the primary alone: the guardrail has no before value.
    for (estimator, estimand) in [
        ("lin", "ratio"),
        ("lin", "difference"),
        ("delta", "ratio"),
        ("negbin", "ratio"),
        ("cuped", "difference"),
    ] {
        let rest = format!(
            "{PRIMARY}before = \"b\"\n[[outcomes]]\nname = \"complaints\"\nrole = \"guardrail\"\nafter = \"c\"\nmargin = 0.5\n[[outcomes]]\nname = \"solved\"\nrole = \"secondary\"\nkind = \"proportion\"\nbetter = \"higher\"\nafter = \"s\"\n[analysis]\nestimand = \"{estimand}\"\nestimator = \"{estimator}\"\n{QUICK}"
        );
        let csv = rows("b,after,c,s", 3, 600, |i, arm| {
            format!(
                "{},{},{},{}",
                i % 5,
                (i * i + arm) % 6,
                (i * 5 + arm) % 7 % 3,
                i % 2
            )
        });
        let a = run(&plan(3, COLUMNS, &rest), &csv);
        for outcome in ["contacts", "complaints", "solved"] {
            assert_eq!(deciding(&a, outcome).len(), 2, "{estimator} {outcome}");
        }
        for row in deciding(&a, "complaints") {
            assert_eq!(row.estimand, Estimand::Difference, "{estimator}");
            assert!(row.ci_lower.is_some() && row.ci_upper.is_some());
        }
        for row in deciding(&a, "contacts") {
            assert_eq!(row.estimator.name(), estimator);
            assert!(row.p_adjusted.unwrap() >= row.p_value.unwrap());
        }
    }
}

#[test]
fn adjusted_p_values_are_never_below_the_raw_ones() {
    let csv = rows("after", 4, 480, |i, arm| {
        format!("{}", u64::from((i * (7 + arm)) % 11 < 3 + arm))
    });
    for estimator in [
        "permutation",
        "mann-whitney",
        "welch",
        "delta",
        "poisson",
        "negbin",
    ] {
        for alternative in ["two-sided", "one-sided"] {
            for better in ["lower", "higher"] {
                let estimand = match estimator {
                    "delta" | "poisson" | "negbin" => "ratio",
                    _ => "difference",
                };
                let rest = format!(
                    "{PRIMARY}better = \"{better}\"\n[analysis]\nestimand = \"{estimand}\"\nestimator = \"auto\"\nalternative = \"{alternative}\"\n{QUICK}"
                );
                let mut x = plan(4, COLUMNS, &rest);
                // A probability is refused in a plan; its adjustment is right all the same.
                x.analysis.estimator = Some(estimator.into());
                let a = run(&x, &csv);
                for r in deciding(&a, "contacts") {
                    let (p, raw) = (r.p_adjusted.unwrap(), r.p_value.unwrap());
                    assert!(
                        p >= raw - 1e-9,
                        "{estimator} {alternative} {better}: {p} < {raw}"
                    );
                    // Dunnett is at most Bonferroni.
                    assert!(
                        p <= 3.0 * raw + 1e-9,
                        "{estimator} {alternative} {better}: {p} > 3·{raw}"
                    );
                    if let (Some(low), Some(high)) = (r.ci_adjusted_lower, r.ci_adjusted_upper) {
                        assert!(low <= r.ci_lower.unwrap() && r.ci_upper.unwrap() <= high);
                    }
                    if alternative == "one-sided" && estimator != "permutation" {
                        let upper = (better == "lower") != (r.estimand == Estimand::Probability);
                        assert_eq!(r.ci_upper.is_some(), upper);
                        assert_eq!(r.ci_adjusted_upper.is_some(), r.ci_upper.is_some());
                        assert_eq!(r.ci_adjusted_lower.is_some(), r.ci_lower.is_some());
                    }
                }
            }
        }
    }
}

/// It has no p-value: its interval decides, alone as it is, among several stretched at both ends.
#[test]
fn a_bootstrap_decides_by_its_interval() {
    let contacts = |i: u64, arm: u64| format!("{}", (i * (3 + arm)) % 11 % (5 - arm));
    for (alternative, multiplicity) in [
        ("two-sided", "dunnett"),
        ("one-sided", "dunnett"),
        ("two-sided", "holm"),
    ] {
        let rest = format!(
            "{PRIMARY}[analysis]\nestimand = \"ratio\"\nestimator = \"bootstrap\"\nalternative = \"{alternative}\"\nmultiplicity = \"{multiplicity}\"\n{QUICK}"
        );
        let alone = run(&plan(2, COLUMNS, &rest), &rows("after", 2, 400, contacts));
        let row = deciding(&alone, "contacts")[0];
        assert_eq!(
            (row.estimator, row.p_value, row.p_adjusted),
            (Estimator::Bootstrap, None, None)
        );
        assert!(row.ci_upper.unwrap() > row.value);
        assert_eq!(row.ci_lower.is_none(), alternative == "one-sided");
        if multiplicity == "holm" {
            continue;
        }
        assert_eq!(row.ci_adjusted_upper, row.ci_upper);
        assert_eq!(row.ci_adjusted_lower, row.ci_lower);
        assert!(alone.covariance.is_some());
        let several = run(&plan(3, COLUMNS, &rest), &rows("after", 3, 600, contacts));
        for row in deciding(&several, "contacts") {
            assert_eq!((row.p_value, row.p_adjusted), (None, None));
            let word = DetailValue::Text("approximate".into());
            assert_eq!(row.detail["dunnett"], word);
            // The upper end's distance on the log scale grows by a critical value of two arms over
            // that of one: 2.212/1.960 two-sided, less one-sided.
            let log = |v: Option<f64>| (v.unwrap() / row.value).ln();
            let grown = log(row.ci_adjusted_upper) / log(row.ci_upper);
            assert!(grown > 1.1 && grown < 1.2, "{alternative}: {grown}");
            if let (Some(low), Some(wider)) = (row.ci_lower, row.ci_adjusted_lower) {
                close(
                    (wider / row.value).ln() / (low / row.value).ln(),
                    grown,
                    1e-9,
                );
            }
        }
    }
}

#[test]
fn one_arm_without_spread_does_not_cost_the_others_their_adjustment() {
    // Nobody of a2 has a contact, as nobody of control: no standard error there.
    let csv = rows("after", 3, 300, |i, arm| {
        format!("{}", if arm == 1 { i % 3 } else { 0 })
    });
    for method in ["dunnett", "holm", "hochberg", "bh"] {
        let rest = format!(
            "{PRIMARY}[analysis]\nestimator = \"welch\"\nmultiplicity = \"{method}\"\n{QUICK}"
        );
        let a = run(&plan(3, COLUMNS, &rest), &csv);
        let rows = deciding(&a, "contacts");
        assert_eq!(rows.len(), 2);
        assert!(rows[0].p_adjusted.is_some(), "{method}");
        assert_eq!((rows[1].p_value, rows[1].p_adjusted), (None, None));
    }
}

#[test]
fn the_family_is_all_arms_times_all_primary_outcomes() {
    let csv = rows("y,z", 3, 300, |i, arm| {
        format!("{},{}", (i + arm) % 5, (i * 3 + 2 * arm) % 7)
    });
    let outcome = |name: &str| {
        format!("[[outcomes]]\nname = \"{name}\"\nrole = \"primary\"\nafter = \"{name}\"\n")
    };
    let analysis = |method: &str| {
        format!("[analysis]\nestimator = \"welch\"\nmultiplicity = \"{method}\"\n{QUICK}")
    };
    let both = |m: &str| {
        run(
            &plan(
                3,
                COLUMNS,
                &format!("{}{}{}", outcome("y"), outcome("z"), analysis(m)),
            ),
            &csv,
        )
    };
    let alone = run(
        &plan(
            3,
            COLUMNS,
            &format!("{}{}", outcome("y"), analysis("dunnett")),
        ),
        &csv,
    );
    let together = both("dunnett");
    for (one, two) in deciding(&alone, "y")
        .into_iter()
        .zip(deciding(&together, "y"))
    {
        close(
            two.p_adjusted.unwrap(),
            (2.0 * one.p_adjusted.unwrap()).min(1.0),
            1e-9,
        );
        assert!(two.ci_adjusted_lower.unwrap() < one.ci_adjusted_lower.unwrap());
    }
    let holm = both("holm");
    let mut raw: Vec<(f64, f64)> = holm
        .estimates
        .iter()
        .filter(|r| r.primary)
        .map(|r| (r.p_value.unwrap(), r.p_adjusted.unwrap()))
        .collect();
    raw.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert_eq!(raw.len(), 4);
    close(raw[0].1, (4.0 * raw[0].0).min(1.0), EXACT);
}

/// The rows of a data file of `tests/data`, by arm and outcome, as a counts file.
fn counts_of(file: &str, arms: &[&str]) -> String {
    let mut csv = String::from("arm,after\n");
    for row in rows_of(file) {
        let arm = arms.iter().position(|a| *a == row.get("arm")).unwrap();
        csv.push_str(&format!("a{arm},{}\n", row.get("after")));
    }
    csv
}

#[test]
fn step_down_and_false_coverage_agree_with_r() {
    // Roots and integrals of R; p are compared absolutely below 1e-3.
    const R: f64 = 1e-8;
    let near = |a: f64, b: f64| (a - b).abs() <= R * b.abs().max(1e-3);
    for (name, arms) in [
        ("bladder", vec!["placebo", "pyridoxine", "thiotepa"]),
        ("insect_sprays", vec!["C", "A", "B", "D", "E", "F"]),
    ] {
        let csv = counts_of(&format!("{name}.csv"), &arms);
        let run = |estimator: &str, method: &str| {
            let rest = format!(
                "{PRIMARY}[analysis]\nestimator = \"{estimator}\"\nmultiplicity = \"{method}\"\n{QUICK}"
            );
            run(&plan(arms.len(), COLUMNS, &rest), &csv)
        };
        let numbers = |estimator: &str, key: &str| {
            let r = record("families.json", &format!("families.{name}.{estimator}"));
            let list = r[key].as_array().unwrap().iter();
            list.map(serde_json::Value::as_f64).collect::<Vec<_>>()
        };
        for estimator in ["welch", "student"] {
            let a = run(estimator, "dunnett-step-down");
            let expected = numbers(estimator, "p_step_down");
            let found = deciding(&a, "contacts");
            assert_eq!(found.len(), expected.len());
            for (row, p) in found.into_iter().zip(expected) {
                assert!(near(row.p_adjusted.unwrap(), p.unwrap()), "{name} {row:?}");
                assert_eq!((row.ci_adjusted_lower, row.ci_adjusted_upper), (None, None));
                assert_eq!(row.detail["dunnett"], DetailValue::Text("exact".into()));
            }
        }
        let a = run("welch", "bh");
        let of = |key| numbers("welch", key);
        let expected = of("p_bh")
            .into_iter()
            .zip(of("fcr_lower").into_iter().zip(of("fcr_upper")));
        let mut selected = 0;
        for (row, (p, (lower, upper))) in deciding(&a, "contacts").into_iter().zip(expected) {
            assert!(near(row.p_adjusted.unwrap(), p.unwrap()));
            for (found, expected) in [
                (row.ci_adjusted_lower, lower),
                (row.ci_adjusted_upper, upper),
            ] {
                assert_eq!(found.is_some(), expected.is_some(), "{name} {row:?}");
                assert!(
                    found.zip(expected).is_none_or(|(f, e)| near(f, e)),
                    "{name} {row:?}"
                );
            }
            selected += usize::from(lower.is_some());
        }
        assert!(selected < arms.len() - 1, "{name}: all were selected");
    }
}

#[test]
fn the_joint_effect_of_ratios_is_that_of_simulated_means() {
    let rest = format!(
        "[periods]\nafter = [\"2026-01-01\", \"2026-01-10\"]\n{PRIMARY}[analysis]\nestimand = \"ratio\"\nestimator = \"delta\"\n{QUICK}"
    );
    let x = plan(3, COLUMNS, &rest);
    let csv = rows("after", 3, 3000, |i, arm| {
        format!("{}", (i * i + i / 7) % (9 - 2 * arm))
    });
    let e = evidence(&x, &csv);
    let a = analyze(&x, &e, Phase::Ended).unwrap();
    let j = joint_effect(&x, &e, &a).unwrap().unwrap();
    // Means and variances of the means, straight from the rule that made the rows.
    let side = |arm: u64| {
        let y: Vec<f64> = (0..1000u64)
            .map(|i| ((i * i + i / 7) % (9 - 2 * arm)) as f64)
            .collect();
        let mean = y.iter().sum::<f64>() / 1000.0;
        (
            mean,
            y.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 999.0 / 1000.0,
        )
    };
    let arms = [side(0), side(1), side(2)];
    for k in 0..2 {
        close(j.mean[k], (arms[0].0 - arms[k + 1].0) / 10.0, 1e-9);
        // D = λ₀ − λ_k: independent means, so that control's variance is all they share.
        close(j.cov[k][k], (arms[0].1 + arms[k + 1].1) / 100.0, 1e-6);
        close(j.cov[k][1 - k], arms[0].1 / 100.0, 1e-6);
    }
    for estimator in ["poisson", "negbin"] {
        let x = plan(3, COLUMNS, &rest.replace("delta", estimator));
        let a = analyze(&x, &e, Phase::Ended).unwrap();
        let other = joint_effect(&x, &e, &a).unwrap().expect(estimator);
        // The sandwich has n where delta has n − 1; the likelihood's error is of a model that
        // these rows do not follow.
        close(
            other.cov[0][0],
            j.cov[0][0],
            if estimator == "poisson" { 0.01 } else { 0.9 },
        );
    }
}

#[test]
fn small_groups_are_merged_and_sums_stay() {
    let rest =
        format!("[privacy]\nmin_cell = 5\n{PRIMARY}[analysis]\nestimator = \"welch\"\n{QUICK}");
    let csv = rows("after", 2, 200, |i, _| {
        format!("{}", if i < 3 { 9 } else { i % 4 })
    });
    let a = run(&plan(2, COLUMNS, &rest), &csv);
    for arm in ["a0", "a1"] {
        let bins: Vec<_> = a.distribution.iter().filter(|r| r.arm == arm).collect();
        assert!(
            bins.iter().all(|b| b.customers == 0 || b.customers >= 5),
            "{bins:?}"
        );
        assert_eq!(bins.iter().map(|b| b.customers).sum::<u64>(), 100);
        assert_eq!(bins[0].from, 0.0);
        assert_eq!(bins.last().unwrap().to, None);
        for pair in bins.windows(2) {
            assert_eq!(pair[0].to.unwrap() + 1.0, pair[1].from);
        }
    }
}

#[test]
fn strata_of_few_customers_are_merged_in_the_balance() {
    let mut text = String::from("arm,plan,after\n");
    for i in 0..400 {
        let stratum = match i {
            0 => "rare".to_string(),
            i => format!("p{}", i % 3),
        };
        text.push_str(&format!("a{},{stratum},{}\n", i % 2, i % 5));
    }
    let rest = format!("{PRIMARY}[analysis]\nestimator = \"welch\"\n{QUICK}");
    let mut x = plan(2, COLUMNS, &rest);
    x.assignment.strata = vec!["plan".into()];
    let a = run(&x, &text);
    assert!(
        a.balance.iter().all(|b| !b.covariate.contains("rare")),
        "{:?}",
        a.balance
    );
    let sum: f64 = a.balance.iter().map(|b| b.mean_arm).sum();
    close(sum, 1.0, 1e-12);
}

/// No number of an analysis is NaN or infinite: JSON would have null or fail.
fn finite(a: &Analysis) {
    let text = serde_json::to_value(a).unwrap();
    for row in text["estimates"].as_array().unwrap() {
        assert!(row["value"].is_number(), "{row}");
        for (key, value) in row["detail"].as_object().unwrap() {
            assert!(!value.is_null(), "{key} of {row}");
        }
    }
    for row in text["levels"].as_array().unwrap() {
        assert!(row["mean"].is_number(), "{row}");
    }
    for row in text["balance"].as_array().unwrap() {
        assert!(
            row["mean_arm"].is_number() && row["mean_control"].is_number(),
            "{row}"
        );
    }
}

#[test]
fn extreme_pilots_have_an_answer_or_a_refusal() {
    let auto = format!("{PRIMARY}[analysis]\nestimator = \"auto\"\n{QUICK}");
    let constant = |i: u64, _: u64| format!("2,{}", i % 3);
    let cases = [
        (
            "all zero",
            2,
            rows("before,after", 2, 100, |_, _| "0,0".into()),
        ),
        ("constant before", 2, rows("before,after", 2, 100, constant)),
        ("two customers", 2, rows("before,after", 2, 2, constant)),
        ("one customer", 2, "arm,before,after\na0,1,2\n".into()),
        ("an empty arm", 3, rows("before,after", 2, 100, constant)),
        (
            "one in an arm",
            3,
            rows("before,after", 2, 100, constant) + "a2,1,7\n",
        ),
        ("eight arms", 8, rows("before,after", 8, 800, constant)),
        (
            "huge counts",
            2,
            rows("before,after", 2, 100, |i, _| {
                format!("{},{}", 1_000_000_000_000 - i, 999_999_999_000 + i)
            }),
        ),
        (
            "nothing before",
            2,
            rows("before,after", 2, 100, |i, _| format!(",{}", i % 3)),
        ),
        (
            "nothing after",
            2,
            rows("before,after", 2, 100, |i, _| format!("{},", i % 3)),
        ),
        (
            "99 to 1",
            2,
            rows("before,after", 100, 1000, constant)
                .replace("\na", "\nb")
                .replace("\nb99,", "\na1,"),
        ),
    ];
    for (name, arms, csv) in cases {
        let csv = if name == "99 to 1" {
            let lines = csv.lines().map(|l| match l.split_once(',') {
                Some((arm, rest)) if arm.starts_with('b') => format!("a0,{rest}\n"),
                _ => format!("{l}\n"),
            });
            lines.collect()
        } else {
            csv
        };
        for estimand in ["difference", "ratio"] {
            let x = plan(arms, COLUMNS, &format!("{auto}estimand = \"{estimand}\"\n"));
            let e = evidence(&x, &csv);
            let a = analyze(&x, &e, Phase::Ended).unwrap_or_else(|e| panic!("{name}: {e}"));
            finite(&a);
            // What no arm has is no result, and is stopped before anything is estimated.
            let lost =
                |c: &pilot::analysis::Check| c.id == "no-contacts" && c.status == Status::Stop;
            let nobody = ["all zero", "two customers"].contains(&name);
            assert_eq!(a.checks.iter().any(lost), nobody, "{name}");
            if nobody {
                continue;
            }
            joint_effect(&x, &e, &a).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert!(!a.estimates.is_empty() || !a.skipped.is_empty(), "{name}");
            for arm in x.treatments().map(|k| &x.arms[k].name) {
                let rows = a
                    .estimates
                    .iter()
                    .filter(|r| r.primary && &r.arm == arm)
                    .count();
                let said = a.skipped.iter().any(|s| s.arm.as_ref() == Some(arm));
                assert!(
                    rows == 1 || rows == 0 && said,
                    "{name}: {arm} has {rows} deciding rows"
                );
            }
        }
    }
}

#[test]
fn a_sealed_primary_that_cannot_be_computed_is_refused() {
    let x = plan(
        2,
        COLUMNS,
        &format!("{PRIMARY}[analysis]\nestimator = \"delta\"\nestimand = \"ratio\"\n{QUICK}"),
    );
    let csv = rows("after", 2, 100, |i, arm| {
        format!("{}", if arm == 0 { 0 } else { i % 2 })
    });
    let error = analyze(&x, &evidence(&x, &csv), Phase::Ended).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("delta") && text.contains("a0 has no contact"),
        "{text}"
    );
}

#[test]
fn a_hundred_strata_and_one_with_a_single_arm() {
    let mut text = String::from("arm,plan,after\n");
    for i in 0..2000u64 {
        text.push_str(&format!("a{},s{},{}\n", i % 2, (i / 2) % 100, (i * 7) % 5));
    }
    text.push_str("a1,alone,3\n");
    let mut x = plan(
        2,
        COLUMNS,
        &format!("{PRIMARY}[analysis]\nestimator = \"auto\"\n{QUICK}"),
    );
    x.assignment.strata = vec!["plan".into()];
    x.analysis.estimator = Some("stratified".into());
    let a = run(&x, &text);
    finite(&a);
    let e = deciding(&a, "contacts")[0];
    assert_eq!(e.detail.get("strata_used"), Some(&DetailValue::Count(100)));
    assert_eq!(e.detail.get("strata_dropped"), Some(&DetailValue::Count(1)));
}

#[test]
fn the_uncapped_result_stands_beside_the_capped_one() {
    let csv = rows("after", 2, 300, |i, arm| {
        format!("{}", if i == 7 { 100 + arm } else { (i * 3 + arm) % 4 })
    });
    for alternative in ["two-sided", "one-sided"] {
        let of = |cap: &str| {
            let rest = format!(
                "[periods]\nafter = [\"2026-01-01\", \"2026-01-10\"]\n{PRIMARY}{cap}[analysis]\nestimator = \"welch\"\nper_days = 30\nalternative = \"{alternative}\"\n{QUICK}"
            );
            deciding(&run(&plan(2, COLUMNS, &rest), &csv), "contacts")[0].clone()
        };
        let (capped, plain) = (of("cap = 10\n"), of(""));
        assert_ne!(capped.value, plain.value);
        assert_eq!(number(&capped, "uncapped_value"), plain.value);
        assert_eq!(number(&capped, "uncapped_se"), plain.se.unwrap());
        let ends = match alternative {
            "two-sided" => Some(DetailValue::Numbers(vec![
                plain.ci_lower.unwrap(),
                plain.ci_upper.unwrap(),
            ])),
            _ => plain.detail.get("ci_two_sided").cloned(),
        };
        assert_eq!(capped.detail.get("uncapped_ci").cloned(), ends);
        assert!(!plain.detail.contains_key("uncapped_value"));
    }
}

/// A share does not grow with the days that a customer was seen: half of both arms is no difference.
#[test]
fn a_share_is_no_rate() {
    let columns = "columns = { arm = \"arm\", exposure = \"e\" }\nexposure_unit = \"day\"";
    let csv = rows("after,e", 2, 400, |i, arm| {
        format!("{},{}", i % 2, (10 + i % 7) * (1 + arm))
    });
    for kind in ["proportion", "mean"] {
        for estimator in ["permutation", "bootstrap", "auto"] {
            let rest = format!(
                "{PRIMARY}kind = \"{kind}\"\nbetter = \"higher\"\n[analysis]\nestimator = \"{estimator}\"\n{QUICK}"
            );
            let a = run(&plan(2, columns, &rest), &csv);
            for row in a
                .estimates
                .iter()
                .filter(|r| r.estimand == Estimand::Difference)
            {
                assert_eq!(row.value, 0.0, "{kind} {estimator} {:?}", row.estimator);
                assert!(
                    !row.unit.to_string().contains("per 30 days"),
                    "{}",
                    row.unit
                );
            }
            let exposure = a.checks.iter().find(|c| c.id == "exposure").unwrap();
            assert_ne!(exposure.status, pilot::analysis::Status::Ok);
        }
    }
}

/// Exposure that is the same for all, in weeks: the uncapped difference is in the capped one's unit.
#[test]
fn the_uncapped_result_has_the_unit_of_the_capped_one() {
    let columns = "columns = { arm = \"arm\", exposure = \"e\" }\nexposure_unit = \"week\"";
    let csv = rows("after,e", 2, 300, |i, arm| {
        format!("{},6", if i == 7 { 100 + arm } else { (i * 3 + arm) % 4 })
    });
    for estimator in ["welch", "rate", "bootstrap"] {
        let of = |cap: &str| {
            let rest = format!(
                "{PRIMARY}{cap}[analysis]\nestimator = \"{estimator}\"\nper_days = 30\n{QUICK}"
            );
            deciding(&run(&plan(2, columns, &rest), &csv), "contacts")[0].clone()
        };
        let (capped, plain) = (of("cap = 10\n"), of(""));
        assert_eq!(capped.unit, plain.unit, "{estimator}");
        close(number(&capped, "uncapped_value"), plain.value, EXACT);
    }
}

/// A covariate before is another thing than contacts: their cap is none of its.
#[test]
fn a_cap_leaves_a_covariate_whole() {
    let csv = rows("after,age", 2, 300, |i, arm| {
        format!("{},{}", (i * 3 + arm) % 4, 20 + (i * 7 + 3 * arm) % 50)
    });
    let of = |cap: &str| {
        let rest = format!(
            "{PRIMARY}before = \"age\"\nbefore_kind = \"covariate\"\n{cap}[analysis]\nestimator = \"ancova\"\n{QUICK}"
        );
        run(&plan(2, COLUMNS, &rest), &csv)
    };
    let (capped, plain) = (of("cap = 10\n"), of(""));
    for estimator in [Estimator::Ancova, Estimator::Cuped, Estimator::Lin] {
        let row = |a| find(a, "contacts", "a1", estimator, Estimand::Difference).clone();
        assert_eq!(row(&capped).value, row(&plain).value, "{estimator}");
        assert_eq!(row(&capped).se, row(&plain).se, "{estimator}");
    }
    assert_eq!(capped.balance, plain.balance);
    assert!(capped.balance[0].mean_arm > 20.0);
}

/// Arms that were alike before stay so in the balance, whoever is lost afterwards, and whatever the cap.
#[test]
fn balance_is_of_all_who_were_assigned() {
    let csv = rows("after,before", 2, 400, |i, arm| {
        let (before, lost) = (i % 9, arm == 1 && i % 9 > 5);
        match lost {
            true => format!(",{before}"),
            false => format!("{},{before}", (i + arm) % 4),
        }
    });
    let rest = format!("{PRIMARY}cap = 3\n[analysis]\nestimator = \"welch\"\n{QUICK}");
    let a = run(&plan(2, COLUMNS, &rest), &csv);
    let row = &a.balance[0];
    assert_eq!((row.smd, row.mean_arm), (Some(0.0), row.mean_control));
    let all: f64 = (0..200).map(|i| (i % 9) as f64).sum::<f64>() / 200.0;
    close(row.mean_arm, all, EXACT);
}

#[test]
fn levels_before_are_over_as_many_days_as_levels_after() {
    // As many contacts a day before as after: 20 days of two, then 10 days of one each.
    let rest = format!(
        "[periods]\nbefore = [\"2025-12-12\", \"2025-12-31\"]\nafter = [\"2026-01-01\", \"2026-01-10\"]\n{PRIMARY}[analysis]\nestimator = \"welch\"\n{QUICK}"
    );
    for per in ["", "per_days = 30\n"] {
        let csv = rows("before,after", 2, 100, |i, _| {
            format!("{},{}", 2 * (i % 3), i % 3)
        });
        let a = run(&plan(2, COLUMNS, &format!("{rest}{per}")), &csv);
        let level = |period: &str| a.levels.iter().find(|l| l.period == period).unwrap();
        close(level("before").mean, level("after").mean, EXACT);
        assert_eq!(level("before").unit, level("after").unit);
    }
}

#[test]
fn where_allocation_differs_between_strata_auto_uses_them_and_says_who_does_not() {
    let mut text = String::from("arm,plan,after\n");
    for i in 0..1000u64 {
        // Nine in ten of stratum p are treated, one in ten of stratum q.
        let (arm, stratum) = (
            u64::from((i % 10 < 9) == (i % 2 == 0)),
            if i % 2 == 0 { "p" } else { "q" },
        );
        text.push_str(&format!(
            "a{arm},{stratum},{}\n",
            (i * 7 + i / 3) % 5 + 3 * (i % 2)
        ));
    }
    for (estimand, expected) in [
        ("difference", Estimator::Stratified),
        ("ratio", Estimator::Lin),
    ] {
        let mut x = plan(
            2,
            COLUMNS,
            &format!(
                "{PRIMARY}[analysis]\nestimator = \"auto\"\nestimand = \"{estimand}\"\n{QUICK}"
            ),
        );
        x.assignment.strata = vec!["plan".into()];
        let a = run(&x, &text);
        assert_eq!(deciding(&a, "contacts")[0].estimator, expected);
        for row in &a.estimates {
            let ignores = matches!(
                row.estimator,
                Estimator::Welch
                    | Estimator::Student
                    | Estimator::Rate
                    | Estimator::Delta
                    | Estimator::MannWhitney
            );
            assert_eq!(
                row.detail.contains_key("biased"),
                ignores,
                "{}",
                row.estimator
            );
        }
    }
}
