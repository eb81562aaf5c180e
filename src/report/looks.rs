//! The memo's section on looks before the planned end.

use crate::analysis::{ArmLooks, Boundaries, LookRow};
use crate::report::document::Document;
use crate::report::finding::arm_title;
use crate::report::memo::{Block, Section};
use crate::report::number::{self, fixed, percent_with};
use crate::report::text::{isolate, plain};
use crate::texts::text;

/// Boundary and statistic of every look made, and how to read them.
pub fn section(doc: &Document, out: &mut Vec<Block>) {
    let Some(looks) = &doc.boundaries else {
        return;
    };
    out.push(Block::Heading(Section::Looks));
    let header = vec![
        text!("memo.arm"),
        text!("looks.look"),
        text!("looks.until"),
        text!("looks.information"),
        text!("stages.z"),
        text!("looks.boundary"),
    ];
    let mut rows = Vec::new();
    for arm in &looks.arms {
        for look in &arm.looks {
            rows.push(row(doc, looks, &arm.arm, look));
        }
    }
    out.push(Block::Table { header, rows });
    let medians = medians(doc, looks);
    if !medians.is_empty() {
        out.push(Block::List(medians));
    }
    out.push(Block::Paragraph(gloss(looks)));
}

fn row(doc: &Document, looks: &Boundaries, arm: &str, look: &LookRow) -> Vec<String> {
    let until = match &look.until {
        Some(day) => plain(day).into_owned(),
        None if looks.ended => text!("looks.until-end"),
        None => text!("looks.until-file"),
    };
    vec![
        arm_title(doc, arm),
        look.look.to_string(),
        until,
        percent_with(look.fraction, 0),
        fixed(look.z, 2),
        fixed(look.critical, 2),
    ]
}

/// "Tip sheet: median-unbiased estimate −0.051 (raw −0.064)" for arms that stopped or ended.
fn medians(doc: &Document, looks: &Boundaries) -> Vec<String> {
    let one = |arm: &ArmLooks| {
        let median = arm.median_unbiased?;
        let raw = doc
            .estimates
            .iter()
            .find(|e| e.primary && e.outcome == arm.outcome && e.arm == arm.arm)?;
        let d = number::interval_decimals(raw.value, arm.ci_lower, arm.ci_upper, f64::NAN);
        Some(text!(
            "looks.median",
            arm = isolate(&arm_title(doc, &arm.arm)),
            median = fixed(median, d),
            raw = fixed(raw.value, d)
        ))
    };
    looks.arms.iter().filter_map(one).collect()
}

fn gloss(looks: &Boundaries) -> String {
    let (look, made) = (looks.look, looks.looks_made);
    let mut said = vec![match looks.looks_planned {
        Some(planned) => text!("looks.made-of-planned", look, planned, made),
        None => text!("looks.made", look, made),
    }];
    // Of two stages, the comparisons of the first.
    let comparisons = (looks.alpha / looks.alpha_each).round();
    let alpha = percent_with(looks.alpha, 0);
    said.push(match looks.spending.as_deref().map(plain) {
        Some(rule) if comparisons > 1.0 => {
            text!("looks.spent-in-parts", alpha, rule, comparisons)
        }
        Some(rule) => text!("looks.spent", alpha, rule),
        None => text!("looks.always-valid"),
    });
    said.push(text!("looks.about"));
    match looks.fractions_from.as_str() {
        "plan" if looks.ended => {}
        "plan" => said.push(text!("looks.information-of-plan")),
        "planned" => said.push(text!("looks.information-planned")),
        "projected" => said.push(text!("looks.information-projected")),
        _ => said.push(text!("looks.information-by-days")),
    }
    let blinded = looks.blinded.as_ref().filter(|_| !looks.ended);
    said.extend(blinded.map(|b| {
        let (rate, dispersion) = (fixed(b.rate_per_30_days, 3), fixed(b.dispersion, 2));
        text!("looks.blinded", rate, dispersion)
    }));
    said.join(" ")
}
