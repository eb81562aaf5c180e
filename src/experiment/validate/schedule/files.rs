//! `[data]` of plans with a schedule: counts by region and day, or a log that names regions.

use crate::error::Result;
use crate::experiment::model::{Assignment, Data, DaysFile, RegionsFile};
use crate::experiment::raw::Raw;
use crate::experiment::validate::data;

/// Reads `[data]` of such a plan.
pub(in crate::experiment::validate) fn data(
    raw: &Raw<'_>,
    assignment: &Assignment,
) -> Result<Option<Data>> {
    for (key, table) in ["customers", "cells"].map(|key| (key, raw.sub(key))) {
        if let Some(table) = table {
            return Err(table
                .wrong_table(format!(
                    "`{key}` is about customers, and regions get the arms here"
                ))
                .hint(
                    "give the contacts by region and day, already counted, under [data.counts]",
                ));
        }
    }
    match (raw.sub("contacts"), raw.sub("regions"), raw.sub("counts")) {
        (Some(log), regions, None) => return region_log(log, regions, assignment).map(Some),
        (Some(_), _, Some(second)) => {
            return Err(second
                .wrong_table("the data come in one form, and this is a second one")
                .hint("keep either counts by region and day, or the log"));
        }
        (None, Some(regions), _) => {
            return Err(regions
                .wrong_table("`regions` stands beside a log, and there is none")
                .hint("add [data.contacts]; counts by region and day have a column with the customers"));
        }
        (None, None, _) => {}
    }
    let Some(raw) = raw.sub("counts") else {
        return Ok(None);
    };
    let columns = raw.need_sub("columns")?;
    for key in ["unit", "arm", "exposure", "before_exposure", "uptake"] {
        if columns.states(key) {
            return Err(columns
                .wrong(key, format!("`{key}` is about a row a customer, and a row is a region's day here"))
                .hint("the columns are `day`, and `customers` where the file has them; the region's is assignment.cluster"));
        }
    }
    for key in ["arm_values", "exposure_unit"] {
        if raw.states(key) {
            return Err(raw
                .wrong(
                    key,
                    format!("`{key}` has no meaning for a row a region and day"),
                )
                .hint("take it out"));
        }
    }
    let own: Option<String> = columns.get("cluster")?;
    if own.is_some() && own != assignment.cluster {
        return Err(columns
            .wrong(
                "cluster",
                "another column holds the region under [assignment]",
            )
            .hint("name the column once, as assignment.cluster"));
    }
    data::distinct(columns, &["day", "customers", "cluster"])?;
    let Some(day) = columns.get::<String>("day")? else {
        return Err(columns.missing("day", Some("name the column with the day: day = \"day\"")));
    };
    let customers: Option<String> = columns.get("customers")?;
    if [Some(&day), customers.as_ref()].contains(&assignment.cluster.as_ref()) {
        return Err(columns
            .wrong(
                "day",
                "the same column cannot be the region and something else",
            )
            .hint("each meaning has its own column"));
    }
    Ok(Some(Data::Days(DaysFile {
        format: data::format(raw)?,
        day,
        customers,
    })))
}

/// A log whose contacts belong to regions.
fn region_log(raw: &Raw<'_>, regions: Option<&Raw<'_>>, assignment: &Assignment) -> Result<Data> {
    let columns = raw.need_sub("columns")?;
    if columns.states("unit") {
        return Err(columns
            .wrong(
                "unit",
                "`unit` is the customer, and contacts count for regions here",
            )
            .hint("take it out; the region's column is assignment.cluster"));
    }
    let time: String = columns.need("time")?;
    // Without a region column everyone is one region, and any column that is there will do.
    let unit = assignment.cluster.clone().unwrap_or(time);
    let contacts = data::contacts_of(raw, unit)?;
    let regions = match regions {
        None => None,
        Some(raw) => {
            let columns = raw.need_sub("columns")?;
            let customers: String = columns.need("customers")?;
            if Some(&customers) == assignment.cluster.as_ref() {
                return Err(columns
                    .wrong(
                        "customers",
                        "the same column cannot be the region and something else",
                    )
                    .hint("each meaning has its own column"));
            }
            Some(RegionsFile {
                format: data::format(raw)?,
                customers,
            })
        }
    };
    Ok(Data::RegionLog { contacts, regions })
}

/// Refuses the columns of a schedule where there is none.
pub(super) fn no_columns_of_days(plan: &Raw<'_>) -> Result<()> {
    let columns = plan
        .sub("data")
        .and_then(|data| data.sub("counts"))
        .and_then(|counts| counts.sub("columns"));
    let Some(columns) = columns else {
        return Ok(());
    };
    match ["day", "customers"]
        .into_iter()
        .find(|key| columns.states(key))
    {
        None => Ok(()),
        Some(key) => Err(columns
            .wrong(
                key,
                format!("`{key}` is about a row a region and day, and customers get the arms here"),
            )
            .hint("take it out, or write assignment.design = \"switchback\" or \"stepped-wedge\"")),
    }
}
