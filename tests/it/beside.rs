//! What stands beside a net present value: every reason counted, the pilot's own cost, warnings.

use std::fmt::Write;
use std::fs;

use pilot::analysis::EveryReason;
use pilot::finance::{add_pilot_cost, evaluate, what_if};
use serde_json::Value;

use crate::finance::{arms_of, effect, plan, read, reference};
use crate::support::Desk;

/// Money and effects of sums over months and loops over cohorts.
const RELATIVE: f64 = 1e-9;
/// Of an interval's width: how far its ends lie from those of draws in which contacts for other reasons
/// have their own correlation with the primary's, where the correction for the choice bends one of them. The largest here is .025.
const MOVED_TOGETHER: f64 = 0.05;
/// Arithmetic of a dozen numbers.
const BY_HAND: f64 = 1e-9;

fn close(a: f64, b: f64, relative: f64) -> bool {
    (a - b).abs() <= relative * a.abs().max(b.abs()).max(1e-300)
}

#[test]
fn every_reason_agrees_with_joint_draws_of_another_program() {
    let text = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/reference/every_reason.json"
    ));
    let all: Value = serde_json::from_str(&text.unwrap()).unwrap();
    let records = all["results"].as_array().unwrap();
    assert_eq!(records.len(), 4);
    for record in records {
        let cases = reference();
        let of_case = cases.iter().find(|c| c["id"] == record["id"]).unwrap();
        let (plan, mut effect, start) = read(of_case);
        let without = evaluate(&effect, &plan, start).unwrap();
        let every: EveryReason = serde_json::from_value(record["every_reason"].clone()).unwrap();
        effect.every_reason = Some(every);
        let case = evaluate(&effect, &plan, start).unwrap();
        assert!(case.no_every_reason_because.is_none());
        let half_minor_unit = 0.5 * 10f64.powi(-i32::from(case.minor_digits));
        for (arm, before) in case.arms.iter().zip(&without.arms) {
            let want = &record["values"][&arm.arm];
            let place = format!("{} {}", record["id"], arm.arm);
            let got = arm.every_reason.unwrap();
            let number = |key: &str| want[key].as_f64().unwrap();
            // Never in the case itself.
            assert_eq!(arm.npv, before.npv, "{place}");
            assert_eq!(
                arm.probability_npv_positive,
                before.probability_npv_positive
            );
            assert!(before.every_reason.is_none());
            assert!(close(
                got.avoided_per_customer_month.value,
                number("avoided_per_customer_month"),
                RELATIVE
            ));
            assert!(
                (got.npv.value - number("npv")).abs() < half_minor_unit,
                "{place}: {} instead of {}",
                got.npv.value,
                number("npv")
            );
            // Of an arm that is corrected for the choice both effects of a draw are taken to lie as
            // many standard errors away: their own correlation is not in the data.
            if want["corrected"] == true {
                let middle = |key: &str| {
                    let ends = &want[key];
                    (ends[0].as_f64().unwrap() + ends[1].as_f64().unwrap()) / 2.0
                };
                let (low, high) = (middle("npv_lower_between"), middle("npv_upper_between"));
                for (got, want) in [(got.npv.lower, low), (got.npv.upper, high)] {
                    let off = (got.unwrap() - want) / (high - low);
                    assert!(off.abs() < MOVED_TOGETHER, "{place}: {off}");
                }
                continue;
            }
            let within = |value: Option<f64>, key: &str| {
                let ends = &want[key];
                let (low, high) = (ends[0].as_f64().unwrap(), ends[1].as_f64().unwrap());
                let value = value.unwrap();
                assert!(low <= value && value <= high, "{place} {key}: {value}");
            };
            within(got.npv.lower, "npv_lower_between");
            within(got.npv.upper, "npv_upper_between");
            let p = number("probability_npv_positive");
            // 4 standard errors, and where hardly a draw lies on the other side 4 draws.
            let slack = 4.0 * (p * (1.0 - p) / 10_000.0).sqrt() + 4.0 / 10_000.0;
            assert!((got.probability_npv_positive - p).abs() < slack, "{place}");
        }
    }
}

/// An arm whose correction moves what the primary outcome counts moves every reason as far.
#[test]
fn a_correction_for_the_choice_moves_every_reason_as_far() {
    let mut plan = plan();
    let mut effect = arms_of(&mut plan, &[0.005, 0.0049, 0.0051]);
    effect.every_reason = Some(EveryReason {
        mean: vec![0.004, 0.001, 0.0052],
        cov: effect.cov.clone(),
    });
    let case = evaluate(&effect, &plan, 1).unwrap();
    let month = 365.25 / 12.0;
    for (k, arm) in case.arms.iter().enumerate() {
        let moved = arm.avoided_per_customer_month.value - effect.mean[k] * month;
        let every = arm.every_reason.unwrap();
        let want = effect.every_reason.as_ref().unwrap().mean[k] * month + moved;
        assert!(close(
            every.avoided_per_customer_month.value,
            want,
            RELATIVE
        ));
        assert_eq!(arm.as_estimated.is_some(), moved != 0.0);
    }
    // A page that redoes the case from its document has the same.
    let draws = case.draws_summary.clone().unwrap();
    let again = what_if(&case, &case.assumptions, &draws, &[]).unwrap();
    for (arm, again) in case.arms.iter().zip(&again.arms) {
        let (own, again) = (arm.every_reason.unwrap(), again.every_reason.unwrap());
        assert!(close(own.npv.value, again.npv.value, RELATIVE));
        let width = own.npv.upper.unwrap() - own.npv.lower.unwrap();
        // 2,000 draws against 10,000.
        assert!((own.npv.lower.unwrap() - again.npv.lower.unwrap()).abs() < 0.1 * width);
        assert!((own.npv.upper.unwrap() - again.npv.upper.unwrap()).abs() < 0.1 * width);
    }
}

const PLAN: &str = r#"schema = 1
[experiment]
name = "moved"
seed = 5
[assignment]
method = "existing"
[[arms]]
name = "control"
control = true
[[arms]]
name = "tips"
fixed_cost = 100
cost_per_customer = 0.05
running_cost_per_month = 10
[periods]
after = ["2026-03-01", "2026-03-31"]
[data.customers]
path = "customers.csv"
columns = { unit = "customer", arm = "arm" }
[data.contacts]
path = "contacts.csv"
columns = { unit = "customer", time = "at", reason = "why", handling_seconds = "aht" }
[[outcomes]]
name = "fees"
role = "primary"
kind = "count"
reasons = ["fees"]
[analysis]
estimator = "welch"
permutations = 0
bootstrap = 0
[business]
currency = "EUR"
cost_per_contact = { variable = 1, labour = 3 }
realisation = 1
half_life_months = "none"
units_at_rollout = 20000
horizon_months = 12
annual_discount_rate = 0
annual_service_budget = 500000
"#;

/// 500 customers an arm, their contacts for fees and for others: every n-th customer has one.
fn desk(plan: &str, counts: [(&str, usize, usize); 2]) -> Desk {
    let desk = Desk::new();
    let mut customers = String::from("customer,arm\n");
    let mut contacts = String::from("customer,at,why,aht\n");
    for (arm, fees, others) in counts {
        for i in 0..500 {
            writeln!(customers, "{arm}-{i},{arm}").unwrap();
            let day = 1 + i % 31;
            if i < fees {
                writeln!(contacts, "{arm}-{i},2026-03-{day:02}T10:00:00Z,fees,240").unwrap();
            }
            if i >= 500 - others {
                writeln!(contacts, "{arm}-{i},2026-03-{day:02}T12:00:00Z,card,600").unwrap();
            }
        }
    }
    desk.write("customers.csv", &customers);
    desk.write("contacts.csv", &contacts);
    desk.write("experiments/moved.toml", plan);
    desk
}

/// Fees fall from 350 to 200 contacts, others rise by as many.
const MOVED: [(&str, usize, usize); 2] = [("control", 350, 200), ("tips", 200, 349)];

fn analyze(desk: &Desk) -> Value {
    desk.run(&["analyze", "moved", "--as-of", "2026-05-01", "--json"])
        .ok()
        .json()
}

fn text(desk: &Desk, name: &str) -> String {
    String::from_utf8(desk.read(&format!("reports/moved/{name}"))).unwrap()
}

fn warned<'a>(d: &'a Value, id: &str) -> Option<&'a str> {
    let all = d["warnings"].as_array().unwrap();
    let found = all.iter().find(|w| w["id"] == id)?;
    found["message"].as_str()
}

#[test]
fn contacts_that_moved_to_other_reasons_stand_beside_the_value() {
    let desk = desk(PLAN, MOVED);
    let d = analyze(&desk);
    let arm = &d["business"]["arms"][0];
    let number = |v: &Value| v.as_f64().unwrap();
    let months = 30.4375 / 31.0;
    // No fade, no churn, no discounting: 20,000 customers for 12 months at EUR 4 a contact.
    let spend = 100.0 + 0.05 * 20_000.0 + 12.0 * 10.0;
    let npv = |avoided: f64| avoided / 500.0 * months * 20_000.0 * 12.0 * 4.0 - spend;
    assert!(close(number(&arm["npv"]["value"]), npv(150.0), BY_HAND));
    let every = &arm["every_reason"];
    assert!(close(number(&every["npv"]["value"]), npv(1.0), BY_HAND));
    // Welch by hand, of 0, 1 or 2 contacts a customer.
    let variance = |fees: f64, others: f64| {
        let both = (fees + others - 500.0).max(0.0);
        let mean = (fees + others) / 500.0;
        ((fees + others - 2.0 * both) + 4.0 * both - 500.0 * mean * mean) / 499.0
    };
    let se = ((variance(350.0, 200.0) + variance(200.0, 349.0)) / 500.0).sqrt();
    let half = 1.96 * se * months * 20_000.0 * 12.0 * 4.0;
    let width = number(&every["npv"]["upper"]) - number(&every["npv"]["lower"]);
    // The ends of 10,000 draws: 4 of their standard errors are under a tenth.
    assert!((width / (2.0 * half) - 1.0).abs() < 0.1, "{width} {half}");
    let why = d["decision"]["why"].to_string();
    assert!(
        why.contains("with contacts for every reason counted") && why.contains("below the 90 %"),
        "{why}"
    );
    let summary = text(&desk, "summary.md");
    assert!(
        summary
            .contains("With contacts for every reason counted, each at the same cost, it would be")
    );
    assert!(summary.contains("Every reason"));
    assert!(text(&desk, "arms.csv").contains("npv_every_reason_eur"));
    let page = text(&desk, "report.html");
    assert!(page.contains("data-line=\"every_reason.npv\""));
    let rows = d["estimates"].as_array().unwrap();
    assert!(
        rows.iter()
            .any(|r| r["outcome"] == "all-contacts" && r["primary"] == true)
    );
    assert!(desk.path("reports/moved/business-case.xlsx").exists());
}

#[test]
fn what_counting_every_reason_would_turn_is_named_and_does_not_count() {
    let why = |plan: &str, counts| analyze(&desk(plan, counts))["decision"]["why"].to_string();
    // Fees hardly fall, others do: every reason would meet the plan's rule.
    let fell = [("control", 200, 300), ("tips", 197, 150)];
    let said = why(PLAN, fell);
    assert!(
        said.contains("positive with the probability of 90 % or more")
            && said.contains("It does not count"),
        "{said}"
    );
    // A plan that asks for no chance is told of the sign alone.
    let even = PLAN.replace(
        "[business]",
        "[decision]\nscale_if = \"break-even\"\n[business]",
    );
    let lost = [("control", 350, 200), ("tips", 200, 360)];
    assert!(why(&even, lost).contains("no longer above 0"));
    let gained = [("control", 200, 300), ("tips", 210, 150)];
    assert!(why(&even, gained).contains("above 0. It does not count"));
    // Where nothing turns nothing is said.
    let stays = [("control", 350, 200), ("tips", 200, 200)];
    assert!(!why(PLAN, stays).contains("every reason"));
}

#[test]
fn an_outcome_of_the_plan_that_counts_every_reason_serves() {
    let own = PLAN.replace(
        "[analysis]",
        "[[outcomes]]\nname = \"everything\"\nrole = \"secondary\"\n[analysis]",
    );
    let with_own = analyze(&desk(&own, MOVED));
    let made = analyze(&desk(PLAN, MOVED));
    let npv = |d: &Value| d["business"]["arms"][0]["every_reason"]["npv"].clone();
    assert_eq!(npv(&with_own), npv(&made));
    let outcomes = with_own["estimates"].as_array().unwrap();
    assert!(outcomes.iter().all(|r| r["outcome"] != "all-contacts"));
}

#[test]
fn minutes_for_every_reason_are_those_of_all_contacts() {
    let plan = PLAN.replace(
        "cost_per_contact = { variable = 1, labour = 3 }",
        "cost_per_minute = { variable = 0.25, labour = 0.75 }",
    );
    let d = analyze(&desk(&plan, MOVED));
    let arm = &d["business"]["arms"][0];
    // 149 contacts of 10 minutes more, 150 of 4 minutes fewer.
    let minutes = (150.0 * 4.0 - 149.0 * 10.0) / 500.0 * 30.4375 / 31.0;
    let got = arm["every_reason"]["avoided_per_customer_month"]["value"].as_f64();
    assert!(close(got.unwrap(), minutes, BY_HAND));
    assert!(arm["npv"]["value"].as_f64().unwrap() > 0.0);
    assert!(arm["every_reason"]["npv"]["value"].as_f64().unwrap() < 0.0);
}

#[test]
fn why_no_value_counts_every_reason_is_said() {
    let all = PLAN.replace("reasons = [\"fees\"]\n", "");
    let d = analyze(&desk(&all, MOVED));
    let why = &d["business"]["no_every_reason_because"];
    assert_eq!(why, "the primary outcome counts contacts for every reason");
    assert!(d["business"]["arms"][0].get("every_reason").is_none());
    assert!(
        d["business"]["notes"]
            .to_string()
            .contains("counts contacts for every reason")
    );
    let taken = PLAN.replace(
        "[analysis]",
        "[[outcomes]]\nname = \"all-contacts\"\nrole = \"secondary\"\nreasons = [\"card\"]\n[analysis]",
    );
    let d = analyze(&desk(&taken, MOVED));
    let why = d["business"]["no_every_reason_because"].as_str().unwrap();
    assert!(why.contains("an outcome of another kind"), "{why}");
}

#[test]
fn what_was_claimed_and_a_half_life_of_none_are_assumptions() {
    let desk = desk(PLAN, MOVED);
    let d = analyze(&desk);
    let rows = d["assumptions"].as_array().unwrap();
    let row = |key: &str| rows.iter().find(|r| r["key"] == key).unwrap();
    assert_eq!(row("half_life_months")["form"], "none");
    assert!(row("half_life_months")["base"].is_null());
    assert_eq!(row("claims.budget_share")["base"], 0.15);
    assert_eq!(row("claims.contact_reduction.high")["base"], 0.30);
    let csv = text(&desk, "assumptions.csv");
    assert!(csv.contains("half_life_months,none,none,"), "{csv}");
    assert!(text(&desk, "summary.md").contains("Half-life of the effect | none"));
    assert!(text(&desk, "tornado.csv").contains("months"));
    let tornado = text(&desk, "tornado.csv");
    let fades = tornado.lines().find(|l| l.contains("half_life_months"));
    assert!(fades.unwrap().contains(",none,months,"), "{tornado}");
}

#[test]
fn low_and_high_of_a_normal_are_called_what_they_are() {
    let plan = PLAN.replace(
        "units_at_rollout = 20000",
        "units_at_rollout = { mean = 20000, sd = 1000 }",
    );
    let desk = desk(&plan, MOVED);
    analyze(&desk);
    assert!(text(&desk, "summary.md").contains("Low (5 % if normal)"));
    let csv = text(&desk, "assumptions.csv");
    let units = csv.lines().find(|l| l.starts_with("units_at_rollout"));
    assert!(units.unwrap().ends_with("5th to 95th percentile"), "{csv}");
}

#[test]
fn a_horizon_below_a_year_has_no_share_of_the_yearly_budget() {
    let short = PLAN.replace("horizon_months = 12", "horizon_months = 11");
    let short_desk = desk(&short, MOVED);
    let d = analyze(&short_desk);
    let arm = &d["business"]["arms"][0];
    for key in [
        "budget_share",
        "budget_share_unrealised",
        "probability_budget_claim",
    ] {
        assert!(arm[key].is_null(), "{key}");
    }
    assert!(
        d["business"]["notes"]
            .to_string()
            .contains("holds no whole year")
    );
    assert!(!text(&short_desk, "summary.md").contains("In a steady year"));
    let year = analyze(&desk(PLAN, MOVED));
    let arm = &year["business"]["arms"][0];
    assert!(arm["budget_share"]["value"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_season_that_does_not_average_1_is_said_with_its_size() {
    let twelve = ["2.0"; 12].join(", ");
    let plan = format!("{PLAN}baseline_by_month = [{twelve}]\n");
    let desk = desk(&plan, MOVED);
    for args in [
        &["check", "moved"][..],
        &[
            "approve",
            "moved",
            "--role",
            "finance",
            "--by",
            "Ada",
            "--dry-run",
        ],
    ] {
        let ran = desk.run(args).ok();
        assert!(
            ran.stderr.contains("season-mean"),
            "{args:?} {}",
            ran.stderr
        );
    }
    // The page that finance approves has the factors themselves.
    let shown = desk.run(&["show", "moved"]).ok().stdout;
    let shown: Vec<&str> = shown.split_whitespace().collect();
    let shown = shown.join(" ");
    assert!(
        shown.contains("January first: 2, 2, 2") && shown.contains("They average 2.00"),
        "{shown}"
    );
    let d = analyze(&desk);
    let said = warned(&d, "season-mean").unwrap();
    assert!(
        said.contains("average 2.00") && said.contains("100 %"),
        "{said}"
    );
    assert!(text(&desk, "summary.md").contains("average 2.00"));
    let even = format!("{PLAN}baseline_by_month = [{}]\n", ["1.0"; 12].join(", "));
    assert!(warned(&analyze(&self::desk(&even, MOVED)), "season-mean").is_none());
}

#[test]
fn contacts_at_average_cost_are_warned_of_as_the_log_allows() {
    let d = analyze(&desk(PLAN, MOVED));
    let said = warned(&d, "minutes-not-priced").unwrap();
    assert!(said.contains("the log holds handling seconds"), "{said}");
    assert!(warned(&d, "contacts-without-minutes").is_none());
    let unlogged = PLAN.replace(", handling_seconds = \"aht\"", "");
    let d = analyze(&desk(&unlogged, MOVED));
    let said = warned(&d, "contacts-without-minutes").unwrap();
    assert!(said.contains("log handling seconds"), "{said}");
}

#[test]
fn the_pilots_own_cost_is_shown_and_in_no_value() {
    let desk = desk(PLAN, MOVED);
    let d = analyze(&desk);
    let cost = &d["business"]["arms"][0]["pilot_cost"];
    let window = 31.0 / 30.4375;
    let number = |v: &Value| v.as_f64().unwrap();
    assert!(close(number(&cost["delivery"]), 0.05 * 500.0, BY_HAND));
    assert!(close(number(&cost["running"]), 10.0 * window, BY_HAND));
    let total = 25.0 + 10.0 * window;
    assert!(close(number(&d["business"]["pilot_cost"]), total, BY_HAND));
    let said = text(&desk, "summary.md");
    assert!(said.contains("The pilot itself cost EUR 35.18"), "{said}");
    // Of customers who may not be told, the amount would tell them.
    let plan = plan();
    let mut case = evaluate(&effect(0.004, 0.001), &plan, 1).unwrap();
    add_pilot_cost(&mut case, &plan, &[Some(100), None]);
    assert!(case.pilot_cost.is_none() && case.arms[0].pilot_cost.is_none());
}

#[test]
fn where_no_arm_avoids_contacts_the_plans_prices_value_one() {
    let harm = [("control", 200, 200), ("tips", 230, 200)];
    let desk = desk(PLAN, harm);
    let d = analyze(&desk);
    let choice = &d["business"]["choice"];
    // No discounting, all labour realised: a contact is worth its cost.
    let value = choice["value_of_contact"].as_f64().unwrap();
    assert!(close(value, 4.0, BY_HAND));
    assert_eq!(choice["acceptability"].as_array().unwrap().len(), 2 * 41);
    assert!(desk.path("reports/moved/acceptability.svg").exists());
}

#[test]
fn observed_only_stands_beside_the_base_case_of_the_tornado_and_cash_is_a_fan() {
    let desk = desk(PLAN, MOVED);
    analyze(&desk);
    let tornado = text(&desk, "tornado.svg");
    let words: String = tornado.split(['<', '>']).collect();
    assert!(
        words.contains("if the effect ended with the pilot"),
        "{words}"
    );
    assert!(
        text(&desk, "tornado.csv")
            .lines()
            .next()
            .unwrap()
            .ends_with("npv_observed_only_eur")
    );
    let cash = text(&desk, "cash.svg");
    // The interval and over it the middle half, on the legend and in the panel.
    for opacity in ["0.16", "0.24"] {
        assert!(
            cash.contains(&format!("opacity=\"{opacity}\"")),
            "{opacity}"
        );
    }
    let page = text(&desk, "report.html");
    assert!(page.contains("observed only {observed}"));
}
