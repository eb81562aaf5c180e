//! A schedule of regions in words.

use crate::report::document::Document;
use crate::report::number;
use crate::report::text::plain;
use crate::stats::{DetailValue, Estimator};

/// What the arms' numbers count.
pub fn units(doc: &Document) -> &'static str {
    match doc.experiment.design {
        Some(_) => "region-blocks",
        None => "customers",
    }
}

/// The same as a column's head.
pub fn units_title(doc: &Document) -> &'static str {
    match doc.experiment.design {
        Some(_) => "Region-blocks",
        None => "Customers",
    }
}

/// How a schedule was analysed; nothing where customers or clusters got the arms.
pub fn how(doc: &Document) -> Vec<String> {
    let Some(schedule) = &doc.schedule else {
        return Vec::new();
    };
    let regions = schedule.regions.len();
    let several = regions > 1;
    let mut items = vec![format!(
        "Design: {}, {} in {} blocks from {} to {}",
        plain(&schedule.design),
        match regions {
            1 => "one region".to_owned(),
            n => format!("{n} regions"),
        },
        schedule.blocks.len(),
        schedule.blocks.first().map_or("", |b| &b[0]),
        schedule.blocks.last().map_or("", |b| &b[1]),
    )];
    items.push(if several {
        "Each region is compared with itself and with the other regions in the same block: means are at the same regions and blocks, and intervals count regions, not customers".into()
    } else {
        "Blocks of the one region are compared; intervals count blocks, not customers".into()
    });
    let test = doc.estimates.iter().find(|r| {
        r.estimator == Estimator::Permutation && r.outcome == doc.experiment.primary_outcome
    });
    if let Some(row) = test
        && let Some(p) = row.p_value
    {
        let over = match (row.detail.get("assignments"), row.detail.get("draws")) {
            (Some(DetailValue::Count(n)), _) => format!("all {} schedules", number::count(*n)),
            (_, Some(DetailValue::Count(n))) => {
                format!("{} schedules drawn anew", number::count(*n))
            }
            _ => "schedules drawn anew".into(),
        };
        items.push(format!(
            "Randomisation test over {over} that chance could have given: {}",
            number::p_value(p)
        ));
    }
    items
}
