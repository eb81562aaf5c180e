//! Checks against R, warnings on the data they are about, and reasons on every report.

use pilot::analysis::{Analysis, Check, Status};
use pilot::stats::{Estimand, Estimator};

use super::pilots::{file, find, get, plan, run};
use super::{CLOSED, FIT, close, number, reference};
use crate::support::{COUNTS_PLAN, Desk};

const PRIMARY: &str = "[[outcomes]]\nname = \"contacts\"\nrole = \"primary\"\n";
const QUICK: &str = "[analysis]\npermutations = 0\n";
const TWO: [(&str, &str); 2] = [("control", ""), ("treatment", "")];

fn of<'a>(a: &'a Analysis, id: &str) -> &'a Check {
    a.checks.iter().find(|c| c.id == id).unwrap()
}

#[test]
fn checks_stand_in_the_order_of_the_list() {
    let a = run(
        &plan(&TWO, "", &format!("{PRIMARY}{QUICK}")),
        &file("epil.csv"),
    );
    let ids: Vec<&str> = a.checks.iter().map(|c| c.id.as_str()).collect();
    let listed = [
        "srm",
        "balance",
        "attrition",
        "exposure",
        "double-assignment",
        "unassigned-contacts",
        "duplicates",
        "quarantined-rows",
        "baseline-drift",
        "overdispersion",
        "zero-inflation",
        "claims",
    ];
    let mut places = listed
        .iter()
        .map(|id| ids.iter().position(|i| i == id).unwrap());
    assert!(
        places
            .clone()
            .zip(places.by_ref().skip(1))
            .all(|(a, b)| a < b),
        "{ids:?}"
    );
}

#[test]
fn the_time_before_is_tested_as_r_does() {
    let a = run(
        &plan(&TWO, "", &format!("{PRIMARY}{QUICK}")),
        &file("epil.csv"),
    );
    let r = reference("epil.before");
    let check = of(&a, "baseline-drift");
    close("t", check.statistic.unwrap(), number(&r, "t"), CLOSED);
    close("p", check.p_value.unwrap(), number(&r, "p"), CLOSED);
    assert_eq!(check.status, Status::Ok);
    // Three arms: the smallest of two p-values, twice.
    let arms = [("placebo", ""), ("thiotepa", ""), ("pyridoxine", "")];
    let a = run(
        &plan(&arms, "", &format!("{PRIMARY}{QUICK}")),
        &file("bladder.csv"),
    );
    let p = of(&a, "baseline-drift").p_value.unwrap();
    assert!(p <= (2.0 * number(&reference("bladder.before"), "p")).min(1.0) + 1e-12);
    // A treatment that begins far above.
    let mut csv = String::from("arm,before,after\n");
    for i in 0..200 {
        csv.push_str(&format!(
            "control,{},1\ntreatment,{},{}\n",
            i % 5,
            i % 5 + 2,
            i % 3
        ));
    }
    let check = of(
        &run(&plan(&TWO, "", &format!("{PRIMARY}{QUICK}")), &csv),
        "baseline-drift",
    )
    .clone();
    assert_eq!(check.status, Status::Warn, "{}", check.detail);
}

#[test]
fn zeros_are_told() {
    let columns = ", exposure = \"exposure\"";
    let rest = format!("exposure_unit = \"day\"\n{PRIMARY}{QUICK}");
    let a = run(&plan(&TWO, columns, &rest), &file("cgd.csv"));
    let r = reference("cgd.zeros");
    let check = of(&a, "zero-inflation");
    close("z", check.statistic.unwrap(), number(&r, "z"), FIT);
    close("p", check.p_value.unwrap(), number(&r, "p"), FIT);
    assert_eq!(check.status, Status::Ok);
    // Half of the customers can never contact.
    let mut csv = String::from("arm,after\n");
    for i in 0..2000u32 {
        let y = if i % 2 == 0 { 0 } else { 2 + i / 2 % 4 };
        csv.push_str(&format!(
            "{},{y}\n",
            ["control", "treatment"][(i / 2 % 2) as usize]
        ));
    }
    let a = run(&plan(&TWO, "", &format!("{PRIMARY}{QUICK}")), &csv);
    let check = of(&a, "zero-inflation");
    assert_eq!(check.status, Status::Info);
    assert!(
        check.detail.contains("fewer than there are"),
        "{}",
        check.detail
    );
}

#[test]
fn what_was_promised_is_tested() {
    let business = "[business]\ncurrency = \"EUR\"\n";
    let x = plan(
        &TWO,
        "",
        &format!("{PRIMARY}{QUICK}estimator = \"welch\"\n{business}"),
    );
    let a = run(&x, &file("epil.csv"));
    let r = reference("epil.claims");
    let check = of(&a, "claims");
    assert_eq!(check.status, Status::Info);
    close(
        "reduction",
        check.statistic.unwrap(),
        number(&r, "reduction"),
        CLOSED,
    );
    let row = find(&a, "treatment", Estimator::Delta, Estimand::Ratio);
    close(
        "below",
        get(row, "p_reduction_below_claim"),
        number(&r, "p_below"),
        CLOSED,
    );
    close(
        "above",
        get(row, "p_reduction_above_claim"),
        number(&r, "p_above"),
        CLOSED,
    );
    assert!(check.detail.contains("cannot tell"), "{}", check.detail);
    let without = run(
        &plan(&TWO, "", &format!("{PRIMARY}{QUICK}")),
        &file("epil.csv"),
    );
    assert_eq!(of(&without, "claims").status, Status::NotRun);
}

/// (id, customers of control and treatment, counts)
type Doubt = (&'static str, [u32; 2], fn(u32, u32) -> u32);

#[test]
fn each_warning_is_on_the_data_it_is_about_and_not_on_good_data() {
    let doubts: [Doubt; 5] = [
        ("small-arm", [400, 40], |_, i| i % 5),
        ("few-contacts", [400, 400], |_, i| u32::from(i % 20 == 0)),
        ("heavy-tail", [400, 400], |arm, i| {
            if arm == 1 && i == 7 { 300 } else { i % 5 }
        }),
        ("ratio-skewed", [100, 100], |_, i| {
            u32::from(i % 4 == 0) * (1 + i % 3)
        }),
        ("skewed-difference", [9900, 100], |_, i| {
            (i % 10) * (i % 10) / 9 * (i % 7) / 2
        }),
    ];
    let warned = |sizes: [u32; 2], count: fn(u32, u32) -> u32| -> Vec<String> {
        let mut csv = String::from("arm,after\n");
        for arm in 0..2u32 {
            for i in 0..sizes[arm as usize] {
                csv.push_str(&format!("{},{}\n", TWO[arm as usize].0, count(arm, i)));
            }
        }
        let a = run(&plan(&TWO, "", &format!("{PRIMARY}{QUICK}")), &csv);
        a.warnings.into_iter().map(|w| w.id).collect()
    };
    for (id, sizes, count) in doubts {
        let found = warned(sizes, count);
        assert!(found.iter().any(|w| w == id), "{id}: {found:?}");
    }
    // As many customers with 0, 1, 2 … contacts as a Poisson distribution with mean 2 has in a hundred.
    let poisson = |_, i: u32| {
        let until = [14, 41, 68, 86, 95, 98, 100];
        until.iter().take_while(|n| i % 100 >= **n).count() as u32
    };
    assert_eq!(warned([2000, 2000], poisson), Vec::<String>::new());
}

#[test]
fn a_reason_for_passing_over_a_check_is_on_every_report() {
    let desk = Desk::new();
    desk.write("experiments/t.toml", COUNTS_PLAN);
    let mut csv = String::from("customer_id,arm,before,after\n");
    for i in 0..200 {
        csv.push_str(&format!(
            "C{i:03},{},{},{}\n",
            ["control", "treatment"][i % 2],
            i % 4,
            i % 5
        ));
    }
    desk.write("data/counts.csv", csv + "C003,control,3,4\n");
    let because = "known mix-up of one";
    let args = [
        "analyze",
        "t",
        "--despite",
        "double-assignment",
        "--because",
        because,
    ];
    let shown = desk.run(&args).ok();
    assert!(shown.stdout.contains(because), "{}", shown.stdout);
    let json = desk.run(&["report", "t", "--json"]);
    let _ = json;
    let mut charts = 0;
    for (name, _) in desk.files() {
        let Some(report) = name.strip_prefix("reports/t/") else {
            continue;
        };
        let told = match report.rsplit('.').next() {
            Some("md" | "json" | "svg") => !report.starts_with("MANIFEST"),
            Some("csv") => report == "checks.csv",
            _ => false,
        };
        if told {
            let text = String::from_utf8(desk.read(&name)).unwrap();
            // A chart's title may break its lines.
            let text = text.replace("</tspan>", " ").replace('\n', " ");
            let has = because.split(' ').all(|word| text.contains(word));
            assert!(has, "{report}");
            charts += usize::from(report.ends_with(".svg"));
        }
    }
    assert!(charts >= 2, "{charts}");
    let ledger = desk
        .run(&[
            "analyze",
            "t",
            "--json",
            "--despite",
            "double-assignment",
            "--because",
            because,
        ])
        .ok()
        .json();
    assert!(
        ledger["decision"]["why"]
            .to_string()
            .contains("double-assignment")
    );
}
