//! What reports say of harm that was not tested, of looks, of payback that is not shown, and first.

use pilot::decision::{Because, Reason, VerdictKind};
use pilot::finance::{Line, Priced};
use pilot::report::{Document, summary};
use pilot::stats::DetailValue;

use super::fixture::Fixture;
use super::words;

/// A one-sided document of this many arms, the effects turned into as much harm.
fn one_sided(arms: usize) -> Document {
    let mut doc = Fixture::english(arms).build();
    doc.experiment.one_sided = true;
    doc.decision.verdict = VerdictKind::Stop;
    doc.decision.arm = None;
    for row in &mut doc.estimates {
        row.value = row.value.abs();
        let half = 0.04;
        (row.ci_lower, row.ci_upper) = (None, Some(row.value + half));
        (row.ci_adjusted_lower, row.ci_adjusted_upper) = (None, Some(row.value + half));
        (row.p_value, row.p_adjusted) = (Some(0.9999), Some(1.0));
    }
    doc
}

#[test]
fn a_harm_that_a_one_sided_test_cannot_show_is_never_called_chance() {
    let doc = one_sided(2);
    let harm = "Ten-tip sheet adds 0.21 contacts per customer per 30 days; the plan's one-sided test \
                cannot show harm";
    for chart in ["effect.svg", "before-after.svg"] {
        let said = words(&doc, chart);
        assert!(said.contains(harm), "{said}");
        assert!(
            !said.contains("no clear effect") && !said.contains("could be chance"),
            "{said}"
        );
    }
    assert!(words(&doc, "effect.svg").contains("Ten-tip sheet: looks worse"));
    let read = summary(&doc);
    assert!(
        read.contains(harm) && !read.contains("no clear effect"),
        "{read}"
    );

    let doc = one_sided(3);
    let said = words(&doc, "effect.svg");
    assert!(
        said.contains("No arm shows a benefit: Ten-tip sheet adds 0.21"),
        "{said}"
    );

    // On the bad side, but no more than chance explains: no benefit is all that there is to say.
    let mut doc = one_sided(2);
    for row in &mut doc.estimates {
        (row.p_value, row.p_adjusted) = (Some(0.7), Some(0.7));
    }
    let said = words(&doc, "effect.svg");
    assert!(said.contains("Ten-tip sheet shows no benefit"), "{said}");
    assert!(said.contains("hollow: could be chance"), "{said}");
    // The same numbers of a two-sided test.
    doc.experiment.one_sided = false;
    assert!(words(&doc, "effect.svg").contains("Ten-tip sheet shows no clear effect"));
}

#[test]
fn after_looks_the_sentence_has_the_estimate_that_money_has() {
    let mut doc = Fixture::english(2).build();
    let row = &mut doc.estimates[0];
    row.detail.insert("look".into(), DetailValue::Count(2));
    row.detail
        .insert("median_unbiased".into(), DetailValue::Number(-0.18));
    let read = summary(&doc);
    for part in [
        "saves 0.18 contacts per customer per 30 days",
        "0.21 as measured, before allowing for the looks)",
        "That is 180 fewer contacts per 1,000 customers",
    ] {
        assert!(read.contains(part), "{part} is not in\n{read}");
    }
    assert!(words(&doc, "effect.svg").contains("saves 0.18 contacts"));
}

#[test]
fn payback_is_said_flat_only_where_the_effect_is_shown() {
    let shown = Fixture::english(2).build();
    assert!(words(&shown, "cash.svg").contains("Ten-tip sheet pays back in month 4"));
    let mut open = shown.clone();
    for row in open.estimates.iter_mut().filter(|r| r.primary) {
        (row.p_value, row.p_adjusted) = (Some(0.3), Some(0.3));
    }
    let said = words(&open, "cash.svg");
    for part in [
        "Whether Ten-tip sheet pays back is not shown: EUR 193,840 (",
        "would pay back in month 4 if the effect is as estimated",
    ] {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
    let read = summary(&open);
    let would = "it would pay back in month 4 if the effect is as estimated (months 3 to never)";
    assert!(read.contains(would), "{read}");
    assert!(!read.contains("it pays back in month"), "{read}");
    // The cost of a contact avoided has its interval beside it.
    assert!(
        read.contains("costs EUR 0.62 (EUR 0.42 to EUR 0.82)"),
        "{read}"
    );
}

#[test]
fn contacts_that_round_to_none_are_none_that_can_be_told() {
    let mut doc = Fixture::english(2).build();
    let arm = &mut doc.business.as_mut().unwrap().arms[0];
    arm.contacts_avoided = Line {
        value: -900.0,
        lower: Some(-110_000.0),
        upper: Some(120_000.0),
    };
    let read = summary(&doc);
    let said = "avoids no contacts that could be told from none (110,000 more to 120,000 fewer)";
    assert!(read.contains(said), "{read}");
}

#[test]
fn a_corrected_value_is_marked_and_each_chart_says_what_it_rests_on() {
    let doc = Fixture::english(3).build();
    let read = summary(&doc);
    assert!(read.contains("(corrected)"), "{read}");
    assert!(read.contains("Contacts avoided, present value"), "{read}");
    assert!(words(&doc, "cash.svg").contains("counts less for that luck"));
    let said = words(&doc, "acceptability.svg");
    assert!(
        said.contains("not corrected for the luck of the best"),
        "{said}"
    );
    let one = Fixture::english(2).build();
    assert!(!summary(&one).contains("(corrected)"));
    assert!(!words(&one, "cash.svg").contains("luck"));
}

#[test]
fn the_value_of_a_contact_says_how_it_follows_from_that_of_a_minute() {
    let mut doc = Fixture::english(2).build();
    let said = words(&doc, "acceptability.svg");
    assert!(
        said.contains("At EUR 2.60, what an avoided contact is worth by the plan"),
        "{said}"
    );
    let case = doc.business.as_mut().unwrap();
    case.priced = Priced::Minutes;
    let arm = &mut case.arms[0];
    let contacts = arm.avoided_per_customer_month.value;
    arm.minutes_per_customer_month = Some(Line {
        value: 4.0 * contacts,
        lower: None,
        upper: None,
    });
    let said = words(&doc, "acceptability.svg");
    let follows = "At EUR 2.60 a contact (EUR 0.65 a minute × 4.0 minutes a contact avoided)";
    assert!(said.contains(follows), "{said}");
}

#[test]
fn contacts_that_are_shorter_by_chance_are_not_called_shorter() {
    let mut doc = Fixture::english(2).build();
    let mut said = |over: f64, ends: [f64; 2]| {
        let arm = &mut doc.business.as_mut().unwrap().arms[0];
        arm.overstated_by_contacts = Some(over);
        arm.overstated_by_contacts_interval = Some(ends);
        let read = summary(&doc);
        let words: Vec<&str> = read.split_whitespace().collect();
        words.join(" ")
    };
    let open = said(0.074, [-0.14, 0.35]);
    for part in [
        "cannot tell whether the contacts avoided are shorter or longer than the average",
        "from 14 % smaller to 35 % larger (95 % interval)",
    ] {
        assert!(open.contains(part), "{part} is not in\n{open}");
    }
    assert!(!open.contains("are shorter than the average"), "{open}");
    let shorter = said(0.43, [0.1, 0.9]);
    assert!(
        shorter.contains("overstate the saving by 43 % (95 % interval 10 % to 90 %)"),
        "{shorter}"
    );
    let longer = said(-0.2, [-0.4, -0.05]);
    assert!(
        longer.contains("understate the saving by 20 % (95 % interval 5.0 % to 40 %)"),
        "{longer}"
    );
}

/// The first line of a document whose verdict rests on this.
fn first(verdict: VerdictKind, arms: usize, because: Vec<Because>) -> String {
    let mut doc = Fixture::english(arms).build();
    doc.deviations.clear();
    doc.decision.verdict = verdict;
    let decided = matches!(verdict, VerdictKind::Scale | VerdictKind::Extend);
    doc.decision.arm = decided.then(|| "arm-1".into());
    doc.decision.because = because;
    let read = summary(&doc);
    let line = read.lines().find(|l| l.contains("Decision: ")).unwrap();
    line.trim_matches('*').to_owned()
}

fn of(arm: &str, reason: Reason, of: &[&str], detail: Option<&str>) -> Because {
    Because {
        arm: (!arm.is_empty()).then(|| arm.to_owned()),
        reason,
        of: of.iter().map(|s| s.to_string()).collect(),
        detail: detail.map(str::to_owned),
    }
}

#[test]
fn the_first_line_gives_its_reason() {
    use Reason::*;
    use VerdictKind::{Blocked, Extend, Stop};
    let cases = [
        (
            Extend,
            2,
            vec![
                of("arm-1", GuardrailOpen, &["satisfaction"], None),
                of("arm-1", Payback, &[], Some("6 months")),
            ],
            "Ten-tip sheet has an effect, but satisfaction is not shown to hold and it does not pay \
             back within 6 months. A second stage",
        ),
        (
            Extend,
            2,
            vec![of(
                "arm-1",
                MoneyUnknown,
                &[],
                Some("the primary outcome is no count"),
            )],
            "what it is worth is not known (the primary outcome is no count). More customers do not mend that",
        ),
        (
            Extend,
            2,
            vec![of(
                "arm-1",
                ChanceTooLow,
                &[],
                Some("62 %, where the plan asks for 90 %"),
            )],
            "the chance of a positive net present value is 62 %, where the plan asks for 90 %.",
        ),
        (
            Extend,
            2,
            vec![of("", CheckPassedOver, &["srm"], None)],
            "extend – no roll-out: the check srm failed and was passed over",
        ),
        (
            Stop,
            2,
            vec![of("arm-1", GuardrailBroken, &["left-us"], None)],
            "stop – Ten-tip sheet has an effect, but left-us is harmed beyond its margin. Roll nothing out.",
        ),
        (
            Stop,
            2,
            vec![
                of("arm-1", Harm, &[], None),
                of("", CheckPassedOver, &["srm"], None),
            ],
            "stop – Ten-tip sheet does harm. Roll nothing out. Mind that the check srm failed",
        ),
        (
            Stop,
            3,
            vec![
                of("arm-1", NoBenefit, &[], None),
                of("arm-2", NoBenefit, &[], None),
            ],
            "stop – no arm shows a benefit. Roll nothing out.",
        ),
        (
            Stop,
            3,
            vec![
                of("arm-1", Loses, &[], Some("38 %")),
                of("arm-2", OutOfReach, &[], Some("about 70,000 customers")),
            ],
            "no arm is worth rolling out: Ten-tip sheet shows no clear effect, and rather loses money \
             than earns it (chance of a positive net present value 38 %); 60-second video shows no clear \
             effect, and one of the estimated size takes a new test with more than ten times as many \
             customers (about 70,000 customers).",
        ),
        (
            Stop,
            5,
            vec![
                of("arm-1", Loses, &[], Some("38 %")),
                of("arm-2", NoBenefit, &[], None),
                of("arm-3", Harm, &[], None),
                of("arm-4", NoBenefit, &[], None),
            ],
            "stop – no arm is worth rolling out; the reasons of each stand below.",
        ),
        (
            Stop,
            2,
            vec![
                of(
                    "arm-1",
                    ChanceTooLow,
                    &[],
                    Some("12 %, where the plan asks for 90 %"),
                ),
                of("arm-1", Payback, &[], Some("6 months")),
            ],
            "Ten-tip sheet has an effect, but the chance of a positive net present value is 12 %, where \
             the plan asks for 90 % and it does not pay back within 6 months.",
        ),
        (
            Blocked,
            2,
            vec![of("", CheckStopped, &["srm"], None)],
            "blocked – the arms are not as large as planned, so they cannot be compared (check srm).",
        ),
        (
            Blocked,
            2,
            vec![of("", CheckStopped, &["other", "more"], None)],
            "blocked – the checks other and more stopped the analysis.",
        ),
    ];
    for (verdict, arms, because, expected) in cases {
        let line = first(verdict, arms, because);
        assert!(line.contains(expected), "{expected}\nis not in\n{line}");
    }
}
