//! Data: ready-made counts, a roster with a log, or cells; and how to read them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::civil::date;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use crate::error::{Error, Result, nearest};
use crate::experiment::model::{
    Arm, Assignment, CellsSource, ContactsFile, CountsExposure, CountsFile, CustomersFile, Data,
    FileFormat, Method,
};
use crate::experiment::raw::Raw;
use crate::experiment::validate::periods::timezone;
use crate::experiment::validate::schedule;
use crate::experiment::value::shown;

pub(super) fn read(plan: &Raw<'_>, assignment: &Assignment, arms: &[Arm]) -> Result<Option<Data>> {
    let Some(raw) = plan.sub("data") else {
        return Ok(None);
    };
    if assignment.schedule.is_some() {
        return schedule::data(raw, assignment);
    }
    if let Some(regions) = raw.sub("regions") {
        return Err(regions
            .wrong_table(
                "`regions` is about a schedule of regions, and customers get the arms here",
            )
            .hint(
                "take it out, or write assignment.design = \"switchback\" or \"stepped-wedge\"",
            ));
    }
    let (customers, contacts) = (raw.sub("customers"), raw.sub("contacts"));
    let (counts, cells) = (raw.sub("counts"), raw.sub("cells"));
    let log = customers.or(contacts);
    let kinds = [log, counts, cells];
    if let Some(second) = kinds.into_iter().flatten().nth(1) {
        return Err(second
            .wrong_table("the data come in one form, and this is a second one")
            .hint("keep either counts, or customers with contacts, or cells"));
    }
    Ok(match (customers, contacts, counts, cells) {
        (Some(roster), Some(log), ..) => Some(Data::Log {
            customers: self::customers(roster, assignment, arms)?,
            contacts: self::contacts(log)?,
        }),
        (Some(_), None, ..) => {
            return Err(raw.missing(
                "contacts",
                Some("add [data.contacts], the log; or use [data.counts] for ready-made counts"),
            ));
        }
        (None, Some(_), ..) => {
            return Err(raw.missing(
                "customers",
                Some("add [data.customers], the roster: customers without contacts count too"),
            ));
        }
        (None, None, Some(raw), _) => Some(Data::Counts(self::counts(raw, assignment, arms)?)),
        (None, None, None, Some(raw)) => Some(Data::Cells(CellsSource {
            path: PathBuf::from(raw.need::<String>("path")?),
        })),
        (None, None, None, None) => None,
    })
}

fn customers(raw: &Raw<'_>, assignment: &Assignment, arms: &[Arm]) -> Result<CustomersFile> {
    let columns = raw.need_sub("columns")?;
    distinct(columns, &["unit", "arm", "start", "uptake"])?;
    let arm = arm_column(columns, assignment)?;
    Ok(CustomersFile {
        format: format(raw)?,
        unit: columns.need("unit")?,
        arm_values: arm_values(raw, arm.as_deref(), arms)?,
        arm,
        start: columns.get("start")?,
        uptake: columns.get("uptake")?,
    })
}

fn contacts(raw: &Raw<'_>) -> Result<ContactsFile> {
    let unit = raw.need_sub("columns")?.need("unit")?;
    contacts_of(raw, unit)
}

/// A log whose contacts belong to what the column `unit` holds.
pub(super) fn contacts_of(raw: &Raw<'_>, unit: String) -> Result<ContactsFile> {
    let columns = raw.need_sub("columns")?;
    distinct(
        columns,
        &[
            "unit",
            "time",
            "reason",
            "id",
            "channel",
            "handling_seconds",
        ],
    )?;
    Ok(ContactsFile {
        format: format(raw)?,
        unit,
        time: columns.need("time")?,
        reason: columns.get("reason")?,
        id: columns.get("id")?,
        channel: columns.get("channel")?,
        handling_seconds: columns.get("handling_seconds")?,
        complete_until: raw.get("complete_until")?,
    })
}

fn counts(raw: &Raw<'_>, assignment: &Assignment, arms: &[Arm]) -> Result<CountsFile> {
    let columns = raw.need_sub("columns")?;
    distinct(columns, &["unit", "arm", "exposure", "cluster", "uptake"])?;
    distinct(
        columns,
        &["unit", "arm", "before_exposure", "cluster", "uptake"],
    )?;
    let arm = arm_column(columns, assignment)?;
    let unit = columns.get("unit")?;
    if arm.is_none() && unit.is_none() {
        return Err(columns.missing(
            "unit",
            Some("name the customer's column: it leads to the assigned arm"),
        ));
    }
    let cluster: Option<String> = columns.get("cluster")?;
    if let (Some(here), Some(there)) = (&cluster, &assignment.cluster)
        && here != there
    {
        return Err(columns
            .wrong(
                "cluster",
                format!(
                    "the cluster column is \"{}\" here and \"{}\" under assignment",
                    shown(here),
                    shown(there)
                ),
            )
            .hint("name the same column"));
    }
    if arm.is_none() && cluster.is_some() && assignment.cluster.is_none() {
        return Err(columns
            .wrong(
                "cluster",
                "customers who share a cluster would get different arms",
            )
            .hint("name the column under [assignment] as `cluster`, so that whole clusters get one arm"));
    }
    let exposure = columns.get("exposure")?;
    let before_exposure = columns.get("before_exposure")?;
    Ok(CountsFile {
        format: format(raw)?,
        unit,
        arm_values: arm_values(raw, arm.as_deref(), arms)?,
        arm,
        exposure_unit: exposure_unit(raw, exposure.is_some() || before_exposure.is_some())?,
        exposure,
        before_exposure,
        cluster,
        uptake: columns.get("uptake")?,
    })
}

fn exposure_unit(raw: &Raw<'_>, measured: bool) -> Result<CountsExposure> {
    match (raw.get::<String>("exposure_unit")?.as_deref(), measured) {
        (None, false) => Ok(CountsExposure::Window),
        (None, true) => Err(raw.missing(
            "exposure_unit",
            Some("say what the exposure column counts: \"day\", \"week\" or \"month\""),
        )),
        (Some(_), false) => Err(raw
            .wrong(
                "exposure_unit",
                "there is no exposure column to have a unit",
            )
            .hint("name columns.exposure, or take exposure_unit out")),
        (Some("day"), true) => Ok(CountsExposure::Day),
        (Some("week"), true) => Ok(CountsExposure::Week),
        (Some(_), true) => Ok(CountsExposure::Month),
    }
}

/// No column may stand for two things.
pub(super) fn distinct(columns: &Raw<'_>, keys: &[&'static str]) -> Result<()> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for key in keys {
        let Some(column) = columns.get::<String>(key)? else {
            continue;
        };
        if let Some(first) = seen.insert(column.clone(), key) {
            return Err(columns
                .wrong(
                    key,
                    format!("the column \"{}\" is already `{first}`", shown(&column)),
                )
                .hint("each meaning has its own column"));
        }
    }
    Ok(())
}

/// The arm column is there exactly when arms are in the data.
fn arm_column(columns: &Raw<'_>, assignment: &Assignment) -> Result<Option<String>> {
    let arm = columns.get("arm")?;
    match (assignment.method, &arm) {
        (Method::Existing, None) => Err(columns.missing(
            "arm",
            Some("with method = \"existing\" a column of the data names the arm"),
        )),
        (Method::Complete | Method::Hashed, Some(_)) => Err(columns
            .wrong("arm", "the arms are drawn by `pilot assign`, so the data cannot also hold them")
            .hint("write method = \"existing\" under [assignment] if the arms are in the data; else take `arm` out")),
        _ => Ok(arm),
    }
}

/// Every value of the arm column that means an arm; an arm that is not listed
/// goes by its own name.
fn arm_values(
    raw: &Raw<'_>,
    column: Option<&str>,
    arms: &[Arm],
) -> Result<BTreeMap<String, usize>> {
    let stated = raw.get::<Vec<(String, usize, Vec<String>)>>("arm_values")?;
    if column.is_none() {
        return match stated {
            Some(_) => Err(raw
                .wrong("arm_values", "there is no arm column to have values")
                .hint("arm_values goes with method = \"existing\" and columns.arm")),
            None => Ok(BTreeMap::new()),
        };
    }
    let stated = stated.unwrap_or_default();
    let mut values: BTreeMap<String, usize> = BTreeMap::new();
    for (name, at, list) in &stated {
        let key = format!("arm_values.{name}");
        let Some(index) = arms.iter().position(|a| a.name == *name) else {
            let error = Error::plan(format!("there is no arm \"{}\"", shown(name)));
            let names = || arms.iter().map(|a| a.name.as_str());
            let hint = match nearest(name, names()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("the arms are {}", names().collect::<Vec<_>>().join(", ")),
            };
            return Err(raw.place(*at, &key, error.hint(hint)));
        };
        for value in list {
            if let Some(other) = values.insert(value.clone(), index) {
                let error = Error::plan(format!(
                    "the value \"{}\" means both \"{}\" and \"{name}\"",
                    shown(value),
                    arms[other].name
                ));
                let hint = "each value belongs to one arm";
                return Err(raw.place(*at, &key, error.hint(hint)));
            }
        }
    }
    for (index, arm) in arms.iter().enumerate() {
        let listed = stated
            .iter()
            .any(|(name, _, list)| *name == arm.name && !list.is_empty());
        if listed {
            continue;
        }
        if let Some(other) = values.insert(arm.name.clone(), index) {
            return Err(raw
                .wrong(
                    "arm_values",
                    format!(
                        "the value \"{}\" means \"{}\", but is also the name of an arm without values",
                        arm.name, arms[other].name
                    ),
                )
                .hint(format!("list the values of \"{}\" too", arm.name)));
        }
    }
    Ok(values)
}

const KINDS_OF_FILE: [&str; 3] = [".csv", ".csv.gz", ".parquet"];

pub(super) fn format(raw: &Raw<'_>) -> Result<FileFormat> {
    let path: String = raw.need("path")?;
    if let Err(e) = glob::Pattern::new(&path) {
        return Err(raw
            .wrong(
                "path",
                format!("the path is not a valid pattern: {}", e.msg),
            )
            .hint("* and ? stand for any characters; write [[] for a bracket in a name"));
    }
    let lower = path.to_lowercase();
    if !KINDS_OF_FILE.iter().any(|end| lower.ends_with(end)) {
        return Err(raw
            .wrong("path", "only .csv, .csv.gz and .parquet files can be read")
            .hint(if lower.ends_with(".xlsx") || lower.ends_with(".xls") {
                "save the sheet as CSV"
            } else {
                "name the files with their ending, for example data/contacts-*.csv"
            }));
    }
    let delimiter: u8 = raw.need("delimiter")?;
    let decimal = match raw.need::<String>("decimal")?.as_str() {
        "," => ',',
        _ => '.',
    };
    if char::from(delimiter) == decimal {
        let stated = if raw.states("decimal") {
            "decimal"
        } else {
            "delimiter"
        };
        return Err(raw
            .wrong(
                stated,
                format!("\"{decimal}\" cannot both part fields and mark decimals"),
            )
            .hint("files with decimal = \",\" mostly have delimiter = \";\""));
    }
    Ok(FileFormat {
        path,
        delimiter,
        encoding: encoding(raw)?,
        decimal,
        time_format: time_format(raw)?,
        timezone: timezone(raw, "timezone")?,
        max_bad_rows: raw.need("max_bad_rows")?,
    })
}

/// The label as given; `None` for UTF-8.
fn encoding(raw: &Raw<'_>) -> Result<Option<String>> {
    let Some(label) = raw.get::<String>("encoding")? else {
        return Ok(None);
    };
    match encoding_rs::Encoding::for_label_no_replacement(label.as_bytes()) {
        Some(encoding) if encoding == encoding_rs::UTF_8 => Ok(None),
        Some(_) => Ok(Some(label)),
        None => {
            let common = [
                "utf-8",
                "windows-1252",
                "iso-8859-1",
                "iso-8859-15",
                "windows-1250",
                "windows-1251",
                "windows-1254",
                "windows-1256",
                "utf-16le",
                "utf-16be",
                "shift_jis",
                "gb18030",
                "gbk",
                "big5",
                "euc-kr",
                "macintosh",
            ];
            let error = raw.wrong(
                "encoding",
                format!("unknown encoding \"{}\"", shown(&label)),
            );
            Err(match nearest(&label, common) {
                Some(near) => error.hint(format!("did you mean \"{near}\"?")),
                None => error.hint("use a WHATWG label, for example \"windows-1252\""),
            })
        }
    }
}

/// A form is good when a moment written in it can be read back with its day.
fn time_format(raw: &Raw<'_>) -> Result<Option<String>> {
    let Some(form) = raw.get::<String>("time_format")? else {
        return Ok(None);
    };
    let hint = "strptime directives, for example \"%d.%m.%Y %H:%M\"";
    let moment = date(2026, 11, 28).at(21, 47, 53, 0).to_zoned(TimeZone::UTC);
    let Ok(moment) = moment else {
        return Err(Error::internal("the sample moment is not a moment"));
    };
    let written = strtime::format(&form, &moment).map_err(|e| {
        raw.wrong("time_format", format!("not a time form: {e}"))
            .hint(hint)
    })?;
    let read = strtime::BrokenDownTime::parse(&form, &written).map_err(|e| {
        raw.wrong(
            "time_format",
            format!("times in this form cannot be read: {e}"),
        )
        .hint(hint)
    })?;
    let day = read.to_date().ok().or_else(|| {
        read.to_timestamp()
            .ok()
            .map(|t| t.to_zoned(TimeZone::UTC).date())
    });
    if day != Some(moment.date()) {
        return Err(raw
            .wrong("time_format", "times in this form do not tell the day")
            .hint(hint));
    }
    Ok(Some(form))
}
