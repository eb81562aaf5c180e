//! `business-case.xlsx` read back: results beside the formulas, formulas alive, hostile text inert.

#[path = "workbook/xlsx.rs"]
mod xlsx;

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::sync::LazyLock;

use pilot::analysis::{EveryReason, JointEffect};
use pilot::experiment::{Experiment, HalfLife};
use pilot::finance::{ArmCase, BusinessCase, Line, evaluate};
use pilot::report::{ArmInfo, Document};

use proptest::prelude::*;

use crate::finance::{arms_of, effect, plan, read, reference};
use crate::report::fixture::Fixture;
use xlsx::{Data, Sheet};

/// Sums are taken in another order than in the model: half a minor unit is promised, and of amounts in
/// millions that is 1e-9.
fn half_unit(case: &BusinessCase) -> f64 {
    0.5 / 10f64.powi(case.minor_digits.into())
}

/// What is no money, relative to its size.
const RELATIVE: f64 = 1e-9;

struct Book {
    sheets: BTreeMap<String, Sheet>,
    order: Vec<String>,
}

impl Book {
    fn open(bytes: &[u8]) -> Self {
        let sheets = xlsx::sheets(bytes);
        Book {
            order: sheets.iter().map(|s| s.0.clone()).collect(),
            sheets: sheets.into_iter().collect(),
        }
    }

    fn row(&self, sheet: &str, label: &str) -> u32 {
        let mut cells = self.sheets[sheet].iter();
        let found = cells.find(|(at, (data, _))| at.1 == 0 && *data == Data::Text(label.into()));
        let ((row, _), _) = found.unwrap_or_else(|| panic!("{sheet} has no {label}"));
        *row
    }

    fn cell(&self, sheet: &str, row: u32, column: u32) -> &Data {
        let cell = self.sheets[sheet].get(&(row, column));
        cell.map_or(&Data::Empty, |cell| &cell.0)
    }

    /// A figure of an arm on the first sheet; `None` is a word such as "none".
    fn figure(&self, label: &str, arm: usize) -> Option<f64> {
        let row = self.row("Summary", label);
        let cell = self.cell("Summary", row, 1 + arm as u32);
        let (_, formula) = &self.sheets["Summary"][&(row, 1 + arm as u32)];
        assert!(formula.is_some(), "{label} is no formula");
        assert!(*cell != Data::Empty, "{label} has no result");
        cell.number()
    }
}

fn document(plan: &Experiment, effect: &JointEffect, start: u8) -> Document {
    let mut case = evaluate(effect, plan, start).unwrap();
    let mut doc = Fixture::english(2).build();
    doc.experiment.arms = plan
        .arms
        .iter()
        .map(|arm| ArmInfo {
            name: arm.name.clone(),
            title: arm.title.clone(),
            control: arm.control,
        })
        .collect();
    doc.estimates = vec![];
    doc.evidence.customers_by_arm = vec![Some(1_000); plan.arms.len()];
    doc.assumptions = std::mem::take(&mut case.assumptions);
    doc.cashflow = std::mem::take(&mut case.cashflow);
    doc.draws_summary = std::mem::take(&mut case.draws_summary);
    doc.business = Some(case);
    doc
}

fn workbook(doc: &Document) -> Option<Vec<u8>> {
    pilot::report::workbook(doc).unwrap().map(|f| f.bytes)
}

#[track_caller]
fn near(what: &str, found: Option<f64>, expected: Option<f64>, within: f64) {
    match (found, expected) {
        (Some(a), Some(b)) => assert!((a - b).abs() < within, "{what}: {a} is not {b}"),
        (None, None) => {}
        other => panic!("{what}: {other:?}"),
    }
}

/// Every figure of an arm, and its cash by month.
fn compare(id: &str, doc: &Document, book: &Book) {
    let case = doc.business.as_ref().unwrap();
    let unit = half_unit(case);
    let minutes = case.pilot.control_minutes.is_some();
    for (k, arm) in case.arms.iter().enumerate() {
        let what = |label: &str| format!("{id}, {}: {label}", arm.arm);
        let money = |label: &str, expected: Option<f64>| {
            near(&what(label), book.figure(label, k), expected, unit);
        };
        money("Present value of savings", arm.pv_savings.map(|l| l.value));
        money("Present value of spend", arm.pv_spend.map(|l| l.value));
        money("Net present value", arm.npv.map(|l| l.value));
        money(
            "Net present value, observed only",
            arm.npv_observed_only.map(|l| l.value),
        );
        if let Some(every) = arm.every_reason {
            money(
                "Net present value, every reason counted",
                Some(every.npv.value),
            );
        }
        let raw = arm.as_estimated.as_ref().map_or(arm.npv, |r| r.npv);
        money("Net present value, as estimated", raw.map(|l| l.value));
        money(
            "Cost per contact avoided",
            arm.cost_per_contact_avoided.map(|l| l.value),
        );
        let relative = |label: &str, expected: Option<f64>| {
            let within = RELATIVE * expected.unwrap_or(1.0).abs().max(1e-6);
            near(&what(label), book.figure(label, k), expected, within);
        };
        let of_minutes = if minutes { "minutes" } else { "contacts" };
        relative(
            "Contacts avoided over the horizon",
            Some(arm.contacts_avoided.value),
        );
        relative(
            "Share of savings beyond what was measured",
            arm.share_beyond_observed.map(|l| l.value),
        );
        relative(
            "Share of net present value beyond what was measured",
            arm.npv_share_beyond_observed.map(|l| l.value),
        );
        relative("Return on investment", arm.roi.map(|l| l.value));
        relative("Payback, months", arm.payback_months.map(f64::from));
        relative(
            "Payback with discounted cash, months",
            arm.payback_months_discounted.map(f64::from),
        );
        relative(
            &format!("Reduction of {of_minutes} at which NPV is 0"),
            arm.break_even_reduction.map(|l| l.value),
        );
        if arm.budget_share.is_some() {
            relative(
                "Share of the service budget",
                arm.budget_share.map(|l| l.value),
            );
            relative(
                "Share of the service budget if all labour became cash",
                arm.budget_share_unrealised.map(|l| l.value),
            );
        }
        if minutes {
            relative(
                "Minutes avoided over the horizon",
                arm.minutes_avoided.map(|l| l.value),
            );
        }
        let same = book.row("Summary", "Does the base case still say what was analysed?");
        let same = book.cell("Summary", same, 1 + k as u32);
        assert_eq!(same, &Data::Text("yes".into()), "{id}");
        months(id, doc, book, arm, k);
        staffing(id, book, arm, k);
    }
}

fn months(id: &str, doc: &Document, book: &Book, arm: &ArmCase, k: usize) {
    let case = doc.business.as_ref().unwrap();
    // Summary and Assumptions stand before the arms.
    let sheet = &book.order[2 + k];
    let first = book.row(sheet, "Month") + 1;
    let column = |head: &str| {
        let mut heads = book.sheets[sheet].range((first - 1, 0)..(first, 0));
        let found = heads.find(|(_, (data, _))| *data == Data::Text(head.into()));
        found.unwrap_or_else(|| panic!("{sheet} has no {head}")).0.1
    };
    for row in doc.cashflow.iter().filter(|r| r.arm == arm.arm) {
        for (head, expected) in [
            ("Variable cost saved", row.saving_variable),
            ("Labour saved", row.saving_labour),
            ("Delivery", row.delivery_cost),
            ("Running cost", row.running_cost),
            ("Fixed cost", row.fixed_cost),
            ("Net cash", row.net),
            ("Cumulative cash", row.cumulative),
        ] {
            let cell = book.cell(sheet, first + row.month, column(head));
            let what = format!("{id}, {} in month {}", head, row.month);
            near(&what, cell.number(), Some(expected), half_unit(case));
        }
    }
}

fn staffing(id: &str, book: &Book, arm: &ArmCase, k: usize) {
    let Some(staffing) = &arm.staffing else {
        return;
    };
    let sheet = "Hours and agents";
    let value = |label: &str| {
        let cell = book.cell(sheet, book.row(sheet, label), 1 + k as u32);
        let value = cell.number();
        value.unwrap_or_else(|| panic!("{id}: {label} is {cell:?}"))
    };
    let same = |label: &str, expected: f64| {
        let within = RELATIVE * expected.abs().max(1e-9);
        near(
            &format!("{id}: {label}"),
            Some(value(label)),
            Some(expected),
            within,
        );
    };
    if let Some(hours) = staffing.hours_per_year {
        same("Handling hours avoided a year", hours.value);
    }
    if let Some(agents) = staffing.full_time_agents {
        same("Full-time agents behind them", agents.value);
    }
    same("Share of contacts avoided", staffing.contacts_avoided);
    same(
        "Share of handling minutes avoided",
        staffing.minutes_avoided,
    );
    if let Some(agents) = staffing.agents {
        same("Agents needed as it is", agents.before.agents.into());
        same("Paid positions for them", agents.before.positions);
        same("Fewer agents: needed", agents.fewer_agents.agents.into());
        same(
            "Fewer agents: paid positions",
            agents.fewer_agents.positions,
        );
        same("Fewer agents: occupancy", agents.fewer_agents.occupancy);
        same("Same agents: occupancy", agents.lower_occupancy.occupancy);
        if let Some(level) = agents.lower_occupancy.service_level {
            same("Same agents: answered in time", level);
        }
    }
}

fn choice(id: &str, doc: &Document, book: &Book) {
    let case = doc.business.as_ref().unwrap();
    let choice = case.choice.as_ref().unwrap();
    let sheet = "Which arm";
    for option in &choice.options {
        // Rows are in the plan's order below no roll-out, control left out; titles may be alike.
        let place = |name: &String| case.arms.iter().position(|a| &a.arm == name).unwrap() as u32;
        let title = option.arm.as_deref().unwrap_or("no roll-out");
        let row = book.row(sheet, "No roll-out") + option.arm.as_ref().map_or(0, |a| 1 + place(a));
        let standing = match option.standing.name() {
            "frontier" => "on the frontier",
            "dominated" => "dominated",
            _ => "extendedly dominated",
        };
        assert_eq!(
            book.cell(sheet, row, 6),
            &Data::Text(standing.into()),
            "{id}: {title}"
        );
        // Observed only of the effect as estimated: of the savings alone, which are in proportion to it.
        let arm = option.arm.as_ref().map(|a| &case.arms[place(a) as usize]);
        if let Some((arm, observed)) = arm.and_then(|a| Some((a, a.npv_observed_only?.value))) {
            let effect = |contacts: Line, minutes: Option<Line>| minutes.unwrap_or(contacts).value;
            let own = effect(
                arm.avoided_per_customer_month,
                arm.minutes_per_customer_month,
            );
            let raw = arm.as_estimated.as_ref().map_or(own, |raw| {
                effect(
                    raw.avoided_per_customer_month,
                    raw.minutes_per_customer_month,
                )
            });
            let expected = (observed + option.cost) * raw / own - option.cost;
            let found = book.cell(sheet, row, 9).number();
            near(
                &format!("{id}: {title} observed only"),
                found,
                Some(expected),
                half_unit(case),
            );
        }
        let ratio = book.cell(sheet, row, 7).number();
        // A step that costs nothing is not written.
        let expected = option.cost_per_further_contact.filter(|r| *r > 0.0);
        near(&format!("{id}: {title}"), ratio, expected, half_unit(case));
    }
}

#[test]
fn results_beside_the_formulas_are_those_of_the_analysis() {
    let mut seen = Vec::new();
    for record in reference() {
        let id = record["id"].as_str().unwrap_or("?").to_owned();
        if !record["business"].is_object() || !record["effect"].is_object() {
            continue;
        }
        let (plan, mut effect, start) = read(&record);
        // A part of the saving moved to other reasons.
        let priced = effect.minutes.as_ref().map_or(&effect.mean, |m| &m.mean);
        effect.every_reason = Some(EveryReason {
            mean: priced.iter().map(|m| 0.7 * m).collect(),
            cov: effect
                .minutes
                .as_ref()
                .map_or(&effect.cov, |m| &m.cov)
                .clone(),
        });
        let doc = document(&plan, &effect, start);
        let Some(bytes) = workbook(&doc) else {
            assert!(doc.business.unwrap().no_cash_because.is_some(), "{id}");
            continue;
        };
        let book = Book::open(&bytes);
        compare(&id, &doc, &book);
        choice(&id, &doc, &book);
        seen.push((doc.business.unwrap().currency, id));
    }
    for currency in ["EUR", "JPY", "KWD"] {
        assert!(seen.iter().any(|s| s.0 == currency), "{currency}: {seen:?}");
    }
    assert!(seen.len() >= 8, "{seen:?}");
}

#[test]
fn edges_of_the_assumptions_are_worked_out_too() {
    let mut plans = Vec::new();
    for (name, change) in [
        (
            "never fades",
            (|b| b.half_life = Some(HalfLife::None)) as fn(&mut pilot::experiment::Business),
        ),
        ("repeats", |b| b.repeat_every_months = Some(5)),
        ("repeats monthly", |b| b.repeat_every_months = Some(1)),
        ("all leave", |b| b.churn_per_month = 1.0.into()),
        ("one month", |b| b.horizon_months = 1),
        ("fifty years", |b| b.horizon_months = 600),
        ("a season", |b| {
            b.baseline_by_month =
                Some([1.5, 1.0, 0.5, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
        }),
        ("a lag in parts", |b| b.realisation_lag_months = 2.25.into()),
        ("a short half-life", |b| {
            b.half_life = Some(HalfLife::Months(0.01.into()))
        }),
        ("a long half-life", |b| {
            b.half_life = Some(HalfLife::Months(1e9.into()))
        }),
        ("no budget", |b| b.annual_service_budget = None),
        ("no ramp", |b| b.ramp_months = 0),
        ("nothing saved", |b| b.realisation = Some(0.0.into())),
    ] {
        let mut plan = plan();
        change(plan.business.as_mut().unwrap());
        plans.push((name, plan));
    }
    for (i, (name, mut plan)) in plans.into_iter().enumerate() {
        plan.arms[1].fixed_cost = 9_000.0.into();
        plan.arms[1].cost_per_customer = 0.3.into();
        plan.arms[1].running_cost_per_month = 150.0.into();
        // A window shorter than a month, and one of whole months: half of them each.
        let days = [20.0, 91.3125][i % 2];
        let mut effect = effect(-0.004, 0.001);
        effect.window_days = days;
        let doc = document(&plan, &effect, 11);
        let book = Book::open(&workbook(&doc).unwrap());
        compare(&format!("{name}, {days} days"), &doc, &book);
    }
}

#[test]
fn any_number_of_arms_has_its_sheets() {
    for arms in [1, 3, 7] {
        let mut plan = plan();
        let means: Vec<f64> = (0..arms).map(|k| -0.004 + 0.0011 * k as f64).collect();
        let effect = arms_of(&mut plan, &means);
        for (k, arm) in plan.arms.iter_mut().enumerate() {
            arm.fixed_cost = (20_000.0 / (1.0 + k as f64)).into();
            arm.cost_per_customer = (0.1 * (k % 3) as f64).into();
            arm.title = format!("Arm {k}");
        }
        let doc = document(&plan, &effect, 4);
        let bytes = workbook(&doc).unwrap();
        assert_eq!(bytes, workbook(&doc).unwrap());
        let book = Book::open(&bytes);
        // Nothing to staff: no sheet of hours; nothing to choose from: none of corrections.
        assert_eq!(book.order.len(), 6 + arms + usize::from(arms > 1));
        compare(&format!("{arms} arms"), &doc, &book);
        choice(&format!("{arms} arms"), &doc, &book);
    }
}

#[test]
fn titles_that_a_spreadsheet_would_run_are_text() {
    let hostile = [
        "=HYPERLINK(\"http://evil\",\"x\")",
        "+1+1",
        "-1-1",
        "@SUM(A1)",
        "\t=1+1",
        "\r=1+1",
        "\n=1+1",
        "＝1+1",
        "nul\0 esc\u{1b} [x]:*?/\\'",
        "TRUE",
        "#N/A",
        "inf",
        "_x0041_",
        "'",
        "{\"a\"}",
        "\u{202e}gpj.exe",
    ];
    for titles in hostile.chunks(2) {
        let mut doc = COMPLETE.clone();
        for (arm, title) in doc.experiment.arms.iter_mut().skip(1).zip(titles) {
            arm.title = (*title).into();
        }
        doc.experiment.title = hostile.concat() + &"long ".repeat(10_000);
        doc.banners = hostile.map(str::to_owned).to_vec();
        doc.decision.why = hostile.map(str::to_owned).to_vec();
        doc.as_of = "=1".into();
        let case = doc.business.as_mut().unwrap();
        case.notes = hostile.map(str::to_owned).to_vec();
        case.currency = "=1".into();
        inert(&workbook(&doc).unwrap(), titles);
    }
}

fn inert(bytes: &[u8], titles: &[&str]) {
    let book = Book::open(bytes);
    assert_eq!(
        book.order.len(),
        6 + titles.len() + usize::from(titles.len() > 1)
    );
    for (name, cells) in &book.sheets {
        for formula in cells.values().filter_map(|(_, formula)| formula.as_ref()) {
            // What stands between apostrophes is the name of a sheet.
            let formula: String = formula.split('\'').step_by(2).collect();
            assert!(
                !["HYPERLINK", "http", "@", "evil", "\u{ff1d}"]
                    .iter()
                    .any(|part| formula.contains(part)),
                "{name}: {formula}"
            );
        }
        for (cell, _) in cells.values() {
            if let Data::Text(text) = cell {
                assert!(text.encode_utf16().count() <= 32_767);
                assert!(!text.chars().any(char::is_control), "{text:?}");
            }
        }
    }
    // The titles are there, as text.
    for title in titles
        .iter()
        .filter(|t| !t.chars().any(|c| c.is_control() || c == '\u{202e}'))
    {
        assert!(book.row("Which arm", title) > 0);
    }
    let parts = parts(bytes);
    assert!(
        parts
            .keys()
            .all(|p| !p.contains("externalLink") && !p.contains("vba"))
    );
    for (name, text) in &parts {
        assert!(!text.contains("TargetMode=\"External\""), "{name}");
        for secret in ["/home/", "/tmp/", "/root", "C:\\"] {
            assert!(!text.contains(secret), "{name} has {secret}");
        }
    }
}

static COMPLETE: LazyLock<Document> = LazyLock::new(|| {
    let mut plan = plan();
    let effect = arms_of(&mut plan, &[-0.004, -0.003]);
    document(&plan, &effect, 4)
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn any_figures_in_a_document_make_a_workbook(
        which in 0usize..30,
        figure in any::<f64>().prop_filter("JSON has finite numbers only", |v| v.is_finite()),
        small in prop_oneof![Just(0.0), Just(-1.0), Just(1.0), Just(60.0), 0.0..2.0f64],
        title in any::<String>(),
    ) {
        let mut doc = COMPLETE.clone();
        let n = doc.assumptions.len();
        doc.assumptions[which % n].base = Some(figure);
        doc.assumptions[(which + 7) % n].base = Some(small);
        doc.experiment.arms[1].title = title;
        if let Some(case) = &mut doc.business {
            case.arms[0].avoided_per_customer_month.value = figure;
            case.pilot.window_days = small * 3.0;
        }
        if let Some(bytes) = workbook(&doc) {
            Book::open(&bytes);
        }
    }
}

/// The parts of the file, by name.
fn parts(bytes: &[u8]) -> BTreeMap<String, String> {
    let mut file = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    (0..file.len())
        .map(|i| {
            let mut part = file.by_index(i).unwrap();
            let mut text = String::new();
            part.read_to_string(&mut text).unwrap();
            (part.name().unwrap().into_owned(), text)
        })
        .collect()
}

#[test]
fn without_cash_or_with_a_small_group_there_is_no_workbook() {
    let mut silent = plan();
    silent.business.as_mut().unwrap().half_life = None;
    let effect = effect(-0.004, 0.001);
    assert_eq!(workbook(&document(&silent, &effect, 1)), None);
    let mut doc = document(&plan(), &effect, 1);
    assert!(workbook(&doc).is_some());
    doc.evidence.customers_by_arm[1] = Some(3);
    assert_eq!(workbook(&doc), None);
}
