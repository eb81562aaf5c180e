//! The memo's section on the two stages of a pilot that was extended.

use crate::analysis::{StageRow, StagedArm};
use crate::report::document::Document;
use crate::report::finding::arm_title;
use crate::report::memo::{Block, Section};
use crate::report::number::{self, fixed, percent_with};
use crate::report::text::plain;
use crate::texts::text;

/// What each stage found by itself, and how both were put together.
pub fn section(doc: &Document, out: &mut Vec<Block>) {
    let Some(stages) = &doc.stages else {
        return;
    };
    out.push(Block::Heading(Section::Stages));
    let header = vec![
        text!("memo.arm"),
        text!("stages.stage"),
        text!("memo.customers"),
        text!("memo.effect"),
        text!("stages.z"),
        text!("stages.p"),
        text!("stages.share"),
    ];
    let mut rows = Vec::new();
    for arm in &stages.arms {
        let decimals = decimals(doc, arm);
        let mine = arm.stages.iter().map(|s| row(doc, arm, s, decimals));
        rows.extend(mine);
    }
    out.push(Block::Table { header, rows });
    let [first, second] = stages.weights;
    out.push(Block::Paragraph(text!("stages.about", first, second)));
}

fn row(doc: &Document, arm: &StagedArm, stage: &StageRow, decimals: i32) -> Vec<String> {
    vec![
        arm_title(doc, &arm.arm),
        match stage.stage {
            1 => text!("stages.first"),
            _ => text!("stages.second"),
        },
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
    let seal = |seal: &Option<String>| match seal {
        Some(seal) => plain(seal).into_owned(),
        None => text!("sign-off.no-seal"),
    };
    Some(text!(
        "stages.how",
        name = plain(&first.name),
        analysis = format!("{:04}", first.analysis),
        day = plain(&first.as_of),
        made = first.analyses_made,
        first_seal = seal(&first.seal),
        second_seal = seal(&doc.seal),
    ))
}
