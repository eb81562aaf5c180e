//! A schedule of regions in words.

use crate::report::document::Document;
use crate::report::number;
use crate::report::text::plain;
use crate::stats::{DetailValue, Estimator};
use crate::texts::text;

/// "1,234 customers", or whatever else the arms' numbers count.
pub fn units(doc: &Document, count: &str) -> String {
    match doc.experiment.design {
        Some(_) => text!("schedule.count-region-blocks", count),
        None => text!("schedule.count-customers", count),
    }
}

/// What the arms' numbers count, as a column's head.
pub fn units_title(doc: &Document) -> String {
    match doc.experiment.design {
        Some(_) => text!("memo.region-blocks"),
        None => text!("memo.customers"),
    }
}

fn design(name: &str) -> String {
    match name {
        "switchback" => text!("schedule.switchback"),
        "stepped-wedge" => text!("schedule.stepped-wedge"),
        _ => plain(name).into_owned(),
    }
}

/// How a schedule was analysed; nothing where customers or clusters got the arms.
pub fn how(doc: &Document) -> Vec<String> {
    let Some(schedule) = &doc.schedule else {
        return Vec::new();
    };
    let (design, blocks) = (design(&schedule.design), schedule.blocks.len());
    let first = schedule.blocks.first().map_or("", |b| &b[0]);
    let last = schedule.blocks.last().map_or("", |b| &b[1]);
    let mut items = match schedule.regions.len() {
        1 => vec![
            text!("schedule.design-one", design, blocks, first, last),
            text!("schedule.compared-one"),
        ],
        regions => vec![
            text!("schedule.design", design, regions, blocks, first, last),
            text!("schedule.compared"),
        ],
    };
    let test = doc.estimates.iter().find(|r| {
        r.estimator == Estimator::Permutation && r.outcome == doc.experiment.primary_outcome
    });
    if let Some(row) = test
        && let Some(p) = row.p_value
    {
        let p = number::p_value(p);
        items.push(
            match (row.detail.get("assignments"), row.detail.get("draws")) {
                (Some(DetailValue::Count(n)), _) => {
                    text!("schedule.test-all", count = number::count(*n), p)
                }
                (_, Some(DetailValue::Count(n))) => {
                    text!("schedule.test-drawn", count = number::count(*n), p)
                }
                _ => text!("schedule.test", p),
            },
        );
    }
    items
}
