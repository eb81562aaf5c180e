//! The memo's section on looks before the planned end.

use crate::analysis::{ArmLooks, Boundaries, LookRow};
use crate::report::document::Document;
use crate::report::finding::arm_title;
use crate::report::memo::Block;
use crate::report::number::{self, fixed, percent_with};
use crate::report::text::{isolate, plain};

/// Boundary and statistic of every look made, and how to read them.
pub fn section(doc: &Document, out: &mut Vec<Block>) {
    let Some(looks) = &doc.boundaries else {
        return;
    };
    out.push(Block::Heading("Looks".into()));
    let header = ["Arm", "Look", "Until", "Information", "z", "Boundary"];
    let mut rows = Vec::new();
    for arm in &looks.arms {
        for look in &arm.looks {
            rows.push(row(doc, looks, &arm.arm, look));
        }
    }
    out.push(Block::Table {
        header: header.map(String::from).into(),
        rows,
    });
    let medians = medians(doc, looks);
    if !medians.is_empty() {
        out.push(Block::List(medians));
    }
    out.push(Block::Paragraph(gloss(looks)));
}

fn row(doc: &Document, looks: &Boundaries, arm: &str, look: &LookRow) -> Vec<String> {
    let until = look.until.as_deref().unwrap_or(match looks.ended {
        true => "the end",
        false => "the file",
    });
    vec![
        arm_title(doc, arm),
        look.look.to_string(),
        plain(until).into_owned(),
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
        Some(format!(
            "{}: median-unbiased estimate {}, raw {}",
            isolate(&arm_title(doc, &arm.arm)),
            fixed(median, d),
            fixed(raw.value, d)
        ))
    };
    looks.arms.iter().filter_map(one).collect()
}

/// How many comparisons have a part of the error rate; of two stages, those of the first.
fn parts(looks: &Boundaries) -> String {
    let comparisons = (looks.alpha / looks.alpha_each).round();
    if comparisons > 1.0 {
        format!(", an equal part for each of {comparisons} comparisons")
    } else {
        String::new()
    }
}

fn gloss(looks: &Boundaries) -> String {
    let made = match looks.looks_planned {
        Some(n) => format!(
            "Look {} of {n}; looks made so far: {}.",
            looks.look, looks.looks_made
        ),
        None => format!(
            "Look {}; looks made so far: {}.",
            looks.look, looks.looks_made
        ),
    };
    let rule = match &looks.spending {
        Some(name) => format!(
            "The error rate of {} is spent over the looks by {}{}.",
            percent_with(looks.alpha, 0),
            plain(name),
            parts(looks)
        ),
        None => "The interval holds at every moment together, however often one looks.".into(),
    };
    let fraction = match looks.fractions_from.as_str() {
        "plan" if looks.ended => "",
        "plan" => " Information: of the plan's information_max.",
        "planned" => " Information: as the plan says for this look.",
        "projected" => " Information: projected from rate and spread of all arms together.",
        _ => " Information: by the days that have passed.",
    };
    let blinded = looks.blinded.as_ref().filter(|_| !looks.ended);
    let blinded = blinded.map_or_else(String::new, |b| {
        format!(
            " All arms together, without looking at the effect: {} contacts per customer per 30 days, dispersion {}; \
             `pilot power` with these says whether the pilot is large enough.",
            fixed(b.rate_per_30_days, 3),
            fixed(b.dispersion, 2)
        )
    });
    format!(
        "{made} {rule} z is the effect over its standard error; beyond the boundary the effect is shown. \
         Interval and p above hold for all looks together.{fraction}{blinded}"
    )
}
