//! What reports must tell beside the primary effect, and how: other outcomes, the permutation test,
//! assumptions in words, nothing spent, levels of one kind.

use pilot::analysis::{EstimateRow, LevelRow, Warning};
use pilot::report::{Document, charts, page, summary};
use pilot::stats::{DetailValue, Estimand, Estimator};

use super::fixture::Fixture;
use super::words;

const SHARE: &str = "share of customers over the window";

/// A document in which every arm has estimates and levels of all outcomes of the fixture.
fn with_others(arms: usize) -> Document {
    let mut doc = Fixture::english(arms).build();
    let primary: Vec<EstimateRow> = doc
        .estimates
        .iter()
        .filter(|r| r.primary)
        .cloned()
        .collect();
    for (i, row) in primary.iter().enumerate() {
        doc.estimates.push(EstimateRow {
            outcome: "all-contacts".into(),
            value: -0.3,
            ci_lower: Some(-0.5),
            ci_upper: Some(-0.1),
            p_adjusted: None,
            ci_adjusted_lower: None,
            ci_adjusted_upper: None,
            ..row.clone()
        });
        // 4 points more of the first arm's customers left, and hardly any more of the second's.
        let (value, half) = [(0.04, 0.01), (0.001, 0.009), (0.018, 0.01)][i % 3];
        let mut detail = row.detail.clone();
        detail.insert("margin".into(), DetailValue::Number(0.02));
        doc.estimates.push(EstimateRow {
            outcome: "left-us".into(),
            value,
            ci_lower: Some(value - half),
            ci_upper: Some(value + half),
            p_adjusted: None,
            ci_adjusted_lower: None,
            ci_adjusted_upper: None,
            unit: SHARE.into(),
            detail,
            ..row.clone()
        });
    }
    for arm in doc.experiment.arms.clone() {
        doc.levels.push(LevelRow {
            outcome: "left-us".into(),
            arm: arm.name.clone(),
            period: "after".into(),
            n: 4_812,
            total: 240.0,
            mean: if arm.control { 0.05 } else { 0.09 },
            ci_lower: Some(0.04),
            ci_upper: Some(0.1),
            unit: SHARE.into(),
        });
    }
    doc
}

fn line<'a>(text: &'a str, holds: &[&str]) -> &'a str {
    let mut lines = text.lines();
    let found = lines.find(|l| holds.iter().all(|h| l.contains(h)));
    found.unwrap_or_else(|| panic!("no line with {holds:?} in\n{text}"))
}

#[test]
fn other_outcomes_are_told_with_levels_margin_and_standing() {
    let doc = with_others(4);
    let text = summary(&doc);
    for (arm, standing) in [
        ("Ten-tip sheet", "broken"),
        ("60-second video", "holds"),
        ("Welcome e-mail", "not shown to hold"),
    ] {
        let row = line(&text, &["left-us (guardrail)", arm]);
        assert!(row.contains(standing) && row.contains("2 points"), "{row}");
        assert!(row.contains("5.0 %") && row.contains("9.0 %"), "{row}");
    }
    let first = line(&text, &["left-us (guardrail)", "Ten-tip sheet"]);
    assert!(
        first.contains("4.0 points") && first.contains("3.0 points to 5.0 points"),
        "{first}"
    );
    let second = line(&text, &["all-contacts (secondary)", "Ten-tip sheet"]);
    assert!(
        second.contains("| −0.30 |") && second.contains("−0.50 to −0.10"),
        "{second}"
    );
    let html = String::from_utf8(page(&doc).unwrap()).unwrap();
    assert!(html.contains("Other outcomes") && html.contains("left-us (guardrail)"));
    // The two-line answer of a terminal has no room for it.
    assert!(!pilot::report::terminal_brief(&doc, 100, false).contains("Other outcomes"));
    assert!(pilot::report::terminal_summary(&doc, 100, false).contains("Other outcomes"));
}

#[test]
fn other_outcomes_of_an_arm_that_is_too_small_stay_hidden() {
    let mut doc = with_others(2);
    for row in doc.estimates.iter_mut().filter(|r| r.outcome == "left-us") {
        row.n_arm = 3;
    }
    for level in doc
        .levels
        .iter_mut()
        .filter(|l| l.outcome == "left-us" && l.arm != "control")
    {
        level.n = 3;
    }
    let text = summary(&doc);
    assert!(!text.contains("left-us (guardrail)") && text.contains("all-contacts (secondary)"));
}

#[test]
fn the_permutation_test_stands_where_a_warning_asks_for_it() {
    let mut doc = Fixture::english(4).build();
    let first = doc.estimates[0].clone();
    doc.estimates.push(EstimateRow {
        estimator: Estimator::Permutation,
        primary: false,
        p_value: Some(0.0314),
        p_adjusted: None,
        ..first
    });
    let told = "The permutation test, which does not rest on normal theory, each arm by itself: Ten-tip sheet p = 0.031.";
    assert!(!summary(&doc).contains("permutation"));
    doc.warnings.push(Warning {
        id: "small-arm".into(),
        message: "read the permutation p-value beside it".into(),
    });
    assert!(summary(&doc).contains(told), "{}", summary(&doc));
    assert!(
        String::from_utf8(page(&doc).unwrap())
            .unwrap()
            .contains(told)
    );
}

#[test]
fn assumptions_are_told_in_words_with_their_key_beside() {
    let mut doc = Fixture::english(2).build();
    let mut row = doc.assumptions[0].clone();
    (row.key, row.base, row.low, row.mode, row.high) = (
        "realisation".into(),
        Some(0.55),
        Some(0.3),
        None,
        Some(0.07),
    );
    row.unit = "share of freed labour".into();
    let mut of_arm = doc.assumptions[1].clone();
    (of_arm.key, of_arm.base) = ("arms.arm-1.fixed_cost".into(), Some(12_000.0));
    of_arm.unit = "EUR once".into();
    doc.assumptions.extend([row, of_arm]);
    let text = summary(&doc);
    let row = line(&text, &["Freed labour that becomes cash", "realisation"]);
    assert!(row.contains("55 % of freed labour"), "{row}");
    assert!(row.contains("30 %") && row.contains("7 %"), "{row}");
    let row = line(&text, &["Fixed cost, Ten-tip sheet"]);
    assert!(row.contains("12,000 EUR once"), "{row}");
    assert!(
        String::from_utf8(page(&doc).unwrap())
            .unwrap()
            .contains("class=\"assumed\"")
    );
}

#[test]
fn chance_is_no_difference_at_the_start() {
    let mut doc = Fixture::english(2).build();
    let title = |doc: &Document| words(doc, "balance.svg");
    assert!(title(&doc).contains("The arms differed at the start in"));
    let check = doc.checks.iter_mut().find(|c| c.id == "balance").unwrap();
    check.p_value = Some(0.96);
    let said = title(&doc);
    assert!(
        said.contains("no more than chance explains (p = 0.96)"),
        "{said}"
    );
}

/// Bins of the chart are as wide as each other: one that was merged in the middle would be a second peak.
#[test]
fn no_bin_in_the_middle_of_a_distribution_is_wider() {
    let mut doc = Fixture::english(2).build();
    for row in &mut doc.distribution {
        // Of control 2 customers had 3 contacts, which nobody may see.
        if row.from == 3.0 && row.arm == "control" {
            row.customers = 2;
        }
    }
    let said = words(&doc, "distribution.svg");
    assert!(
        said.contains("2+") && !said.contains("2–3") && !said.contains("5–6"),
        "{said}"
    );
    assert!(said.contains("Of the customers in Ten-tip sheet"), "{said}");
}

#[test]
fn where_nothing_is_spent_there_is_nothing_to_pay_back() {
    let mut doc = Fixture::english(2).build();
    let case = doc.business.as_mut().unwrap();
    let free = case.arms[0].pv_spend.as_mut().unwrap();
    (free.value, free.lower, free.upper) = (0.0, Some(0.0), Some(0.0));
    assert!(doc.business.as_ref().unwrap().arms[0].spends_nothing());
    let html = String::from_utf8(page(&doc).unwrap()).unwrap();
    for path in ["payback_months", "break_even_reduction", "roi"] {
        let row = html.split(&format!("data-line=\"{path}\"")).nth(1).unwrap();
        let row = row.split("</tr>").next().unwrap();
        assert!(row.contains("nothing is spent"), "{path}: {row}");
    }
    let text = summary(&doc);
    assert!(
        text.contains("Nothing is spent, so any reduction pays.") && !text.contains("breaks even")
    );
}

#[test]
fn means_of_arms_have_the_same_decimals_and_no_mean_is_below_nothing() {
    let mut doc = Fixture::english(2).build();
    for level in &mut doc.levels {
        let wide = level.arm == "control" && level.period == "after";
        let half = if wide { 2.6 } else { 0.007 };
        (level.ci_lower, level.ci_upper) = (Some(level.mean - half), Some(level.mean + half));
    }
    let text = summary(&doc);
    let row = line(&text, &["Control", "control", "2.410"]);
    assert!(row.contains("2.390"), "{row}");
    let said = words(&doc, "before-after.svg");
    assert!(
        said.contains("(0.000 to 4.990)") && !said.contains('−'),
        "{said}"
    );
    let svg = charts(&doc).unwrap();
    assert!(svg.iter().any(|c| c.name == "before-after.svg"));
}

#[test]
fn a_mean_of_scores_is_told_without_a_sum() {
    let mut doc = Fixture::english(2).build();
    for row in &mut doc.estimates {
        row.unit = "mean satisfaction".into();
        row.outcome = "satisfaction".into();
    }
    for level in &mut doc.levels {
        level.unit = "mean satisfaction".into();
        level.outcome = "satisfaction".into();
    }
    doc.experiment.primary_outcome = "satisfaction".into();
    let text = summary(&doc);
    let told = "Ten-tip sheet lowers mean satisfaction by 0.21 (95 % interval 0.12 to 0.30). The means are 2.18 and, in Control, 2.39.";
    assert!(text.contains(told), "{text}");
    assert!(
        !text.contains("per 1,000") && !text.contains("per 30 days"),
        "{text}"
    );
}

#[test]
fn a_ratio_reads_alike_in_the_sentence_and_in_the_table() {
    let mut fixture = Fixture::english(2);
    fixture.estimand = Estimand::Ratio;
    let text = summary(&fixture.build());
    let told = "Ten-tip sheet: fee-contacts is 0.91 times control's, 9 % less of it (95 % interval 0.87 to 0.95)";
    assert!(text.contains(told), "{text}");
    let row = line(&text, &["Ten-tip sheet", "0.87 to 0.95"]);
    assert!(row.contains("0.91"), "{row}");
}
