//! A plan with some keys set otherwise: what a what-if is computed from.

use std::path::Path;

use toml::{Table, Value};

use crate::error::{Error, Result};
use crate::experiment::{Plan, parse};

/// As [`parse`], with keys set to other values: `business.cost_per_contact` to
/// `5`, `arms.video.fixed_cost` to `900`. Values are TOML; what is not TOML is
/// text. Arms and outcomes are found by name.
///
/// The plan's `text` and `sha256` stay those of the file; only the experiment
/// differs.
///
/// # Errors
/// As [`parse`], and a usage error that names the key where a setting leads to
/// no valid plan.
pub fn parse_with(text: &str, file: &Path, settings: &[(String, String)]) -> Result<Plan> {
    let plan = parse(text, file)?;
    if settings.is_empty() {
        return Ok(plan);
    }
    let mut table: Table = text
        .trim_start_matches('\u{feff}')
        .parse()
        .map_err(|e: toml::de::Error| Error::internal(e.message()))?;
    for (key, value) in settings {
        set(&mut table, key, value)?;
    }
    let changed = toml::to_string(&table).map_err(|e| Error::internal(e.to_string()))?;
    let experiment = parse(&changed, file).map_err(without_place)?.experiment;
    Ok(Plan { experiment, ..plan })
}

/// The error without line and column, which would be those of another text.
fn without_place(e: Error) -> Error {
    let mut usage = Error::usage(format!("with these settings: {}", e.message()));
    if let Some(key) = e.key_name() {
        usage = usage.key(key);
    }
    match e.hint_text() {
        Some(hint) => usage.hint(hint),
        None => usage,
    }
}

fn set(table: &mut Table, key: &str, value: &str) -> Result<()> {
    let mut steps: Vec<&str> = key.split('.').collect();
    let Some(last) = steps.pop().filter(|last| !last.is_empty()) else {
        return Err(Error::usage(format!("\"{key}\" is not a key"))
            .hint("write table.key=value, for example business.horizon_months=24"));
    };
    let mut here = table;
    let mut steps = steps.into_iter();
    while let Some(step) = steps.next() {
        let next = here
            .entry(step)
            .or_insert_with(|| Value::Table(Table::new()));
        let next = match next {
            Value::Array(list) => {
                let name = steps.next().unwrap_or_default();
                let named =
                    |item: &&mut Value| item.get("name").and_then(Value::as_str) == Some(name);
                list.iter_mut().find(named).ok_or_else(|| {
                    Error::usage(format!("there is no \"{name}\" among the {step}"))
                        .key(key)
                        .hint(format!("name one, as in {step}.NAME.{last}"))
                })?
            }
            other => other,
        };
        here = next.as_table_mut().ok_or_else(|| {
            Error::usage(format!("`{step}` in `{key}` is not a table"))
                .key(key)
                .hint("write table.key=value, for example business.horizon_months=24")
        })?;
    }
    here.insert(last.to_owned(), toml_or_text(value));
    Ok(())
}

fn toml_or_text(value: &str) -> Value {
    // A line break would let a value smuggle in further keys.
    let parsed = (!value.contains(['\n', '\r'])).then(|| format!("x = {value}").parse::<Table>());
    match parsed {
        Some(Ok(mut table)) => table.remove("x"),
        _ => None,
    }
    .unwrap_or_else(|| Value::String(value.to_owned()))
}
