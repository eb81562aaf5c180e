//! The memo's section on the two stages of a pilot that was extended.

use crate::analysis::{StageRow, StagedArm};
use crate::report::document::Document;
use crate::report::finding::arm_title;
use crate::report::memo::Block;
use crate::report::number::{self, fixed, percent_with};
use crate::report::text::plain;

/// What each stage found by itself, and how both were put together.
pub fn section(doc: &Document, out: &mut Vec<Block>) {
    let Some(stages) = &doc.stages else {
        return;
    };
    out.push(Block::Heading("Two stages".into()));
    let header = [
        "Arm",
        "Stage",
        "Customers",
        "Effect",
        "z",
        "One-sided p",
        "Share",
    ];
    let mut rows = Vec::new();
    for arm in &stages.arms {
        let decimals = decimals(doc, arm);
        let mine = arm.stages.iter().map(|s| row(doc, arm, s, decimals));
        rows.extend(mine);
    }
    out.push(Block::Table {
        header: header.map(String::from).into(),
        rows,
    });
    out.push(Block::Paragraph(format!(
        "The effects that decide, with interval and p, are of both stages: each stage's z by the weights {} and {}, which \
         the first plan fixed, so the size of the second may rest on what the first showed. Share: the part of a \
         stage in the combined effect. Means by arm, checks, weeks, segments and other estimators are of the second stage alone.",
        stages.weights[0], stages.weights[1]
    )));
}

fn row(doc: &Document, arm: &StagedArm, stage: &StageRow, decimals: i32) -> Vec<String> {
    vec![
        arm_title(doc, &arm.arm),
        ["first", "second"][usize::from(stage.stage != 1)].into(),
        number::count(stage.n_arm + stage.n_control),
        fixed(stage.value, decimals),
        fixed(stage.z, 2),
        number::p_value(stage.p)
            .trim_start_matches("p = ")
            .trim_start_matches("p ")
            .into(),
        percent_with(stage.share, 0),
    ]
}

fn decimals(doc: &Document, arm: &StagedArm) -> i32 {
    let row = doc
        .estimates
        .iter()
        .find(|e| e.primary && e.outcome == arm.outcome && e.arm == arm.arm);
    row.map_or(2, |r| {
        number::interval_decimals(r.value, r.ci_adjusted_lower, r.ci_adjusted_upper, f64::NAN)
    })
}

/// Where both stages are written down: names, analyses and seals.
pub fn how(doc: &Document) -> Option<String> {
    let first = &doc.stages.as_ref()?.first;
    Some(format!(
        "Two stages: the first is {} (analysis {:04} of {}, the last of {} that compared arms, seal {}); this is the second (seal {})",
        plain(&first.name),
        first.analysis,
        plain(&first.as_of),
        first.analyses_made,
        plain(first.seal.as_deref().unwrap_or("none")),
        plain(doc.seal.as_deref().unwrap_or("none")),
    ))
}
