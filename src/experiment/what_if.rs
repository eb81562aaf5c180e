//! A plan with some keys changed, for what-if analyses.

use crate::error::{Error, Result};
use crate::experiment::{Plan, parse_copy};

/// The plan with each `KEY=VALUE` set; keys are dotted, arms and outcomes by name or number from 1.
///
/// A value that is not TOML is taken as text.
///
/// # Errors
/// No such place, or a plan that is wrong with the change.
pub fn with_changes(plan: &Plan, changes: &[String]) -> Result<Plan> {
    let mut table: toml::Table = plan
        .text
        .trim_start_matches('\u{feff}')
        .parse()
        .map_err(|_| Error::internal("a plan that was read is not TOML"))?;
    for change in changes {
        let (key, value) = change.split_once('=').ok_or_else(|| {
            Error::usage("a change is KEY=VALUE").key("--set").hint("for example --set business.horizon_months=24")
        })?;
        set(&mut table, key.trim(), value.trim())?;
    }
    let text = toml::to_string(&table)
        .map_err(|e| Error::usage(format!("the change does not fit the plan: {e}")).key("--set"))?;
    parse_copy(&text, &plan.file).map_err(|e| {
        let error = Error::usage(format!("with this change the plan is wrong: {}", e.message())).key("--set");
        match e.hint_text() {
            Some(hint) => error.hint(hint),
            None => error,
        }
    })
}

fn value_of(text: &str) -> toml::Value {
    format!("x = {text}")
        .parse::<toml::Table>()
        .ok()
        .and_then(|mut t| t.remove("x"))
        .unwrap_or_else(|| toml::Value::String(text.to_string()))
}

fn set(table: &mut toml::Table, key: &str, text: &str) -> Result<()> {
    let no_place = || Error::usage(format!("the plan has no place \"{key}\"")).key("--set");
    let mut parts = key.split('.').peekable();
    let mut at = table;
    while let Some(part) = parts.next() {
        if part.is_empty() {
            return Err(no_place());
        }
        if parts.peek().is_none() {
            at.insert(part.to_string(), value_of(text));
            return Ok(());
        }
        let next = at.entry(part).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        at = match next {
            toml::Value::Table(t) => t,
            toml::Value::Array(items) => {
                let wanted = parts.next().ok_or_else(no_place)?;
                let item = items
                    .iter_mut()
                    .enumerate()
                    .find(|(i, item)| {
                        item.get("name").and_then(toml::Value::as_str) == Some(wanted) || (i + 1).to_string() == wanted
                    })
                    .map(|(_, item)| item);
                match item {
                    Some(toml::Value::Table(t)) => t,
                    _ => return Err(no_place()),
                }
            }
            _ => return Err(no_place()),
        };
    }
    Err(no_place())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::parse;
    use std::path::Path;

    const TEXT: &str = "schema = 1\nexperiment = { name = \"x\", seed = 1 }\narms = [{ name = \"a\", control = true }, { name = \"b\" }]\noutcomes = [{ name = \"y\", role = \"primary\" }]\n";

    #[test]
    fn sets_keys_of_tables_and_of_named_items() {
        let plan = parse(TEXT, Path::new("x.toml")).unwrap();
        let changed = with_changes(&plan, &["analysis.alpha=0.1".into(), "arms.b.title=Tip: a = b".into()]).unwrap();
        assert_eq!(changed.experiment.analysis.alpha, 0.1);
        assert_eq!(changed.experiment.arms[1].title, "Tip: a = b");
        assert_ne!(changed.sha256, plan.sha256);
    }

    #[test]
    fn refuses_what_is_no_place_or_no_plan() {
        let plan = parse(TEXT, Path::new("x.toml")).unwrap();
        for bad in ["alpha", "arms.zzz.weight=1", "analysis.alpha=7", "analysis.alhpa=0.1", "=1", "schema.x=1"] {
            assert_eq!(with_changes(&plan, &[bad.into()]).unwrap_err().kind().exit_code(), 2, "{bad}");
        }
    }
}
