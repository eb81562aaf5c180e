//! `[defaults]` of `pilot.toml`: what `pilot design` copies into new plans.

use std::path::Path;

use crate::error::{Error, Result};
use crate::experiment::{self, Design, template};
use crate::workspace::Workspace;

/// Defaults of a workspace.
#[derive(Debug, Default)]
pub struct Defaults {
    /// Dotted keys of a plan with their values as TOML.
    settings: Vec<(String, String)>,
    /// Zone of new plans' periods.
    pub timezone: Option<String>,
}

impl Defaults {
    /// Reads `pilot.toml`.
    ///
    /// # Errors
    /// A file that is not TOML, or that holds something else than `[defaults]`.
    pub fn read(workspace: &Workspace) -> Result<Self> {
        let path = workspace.root().join("pilot.toml");
        let text = std::fs::read_to_string(&path).map_err(|e| Error::io("read", &path, &e))?;
        let table: toml::Table = text.parse().map_err(|e: toml::de::Error| {
            let before = &text[..e.span().map_or(0, |s| s.start.min(text.len()))];
            Error::plan(e.message().trim_end())
                .file(&path)
                .line(before.lines().count().max(1) as u64)
        })?;
        if let Some(stranger) = table.keys().find(|k| *k != "defaults") {
            return Err(Error::plan(format!("`{stranger}` is no key of pilot.toml"))
                .file(&path)
                .key(stranger)
                .hint("it may hold [defaults], with the keys of a plan"));
        }
        let mut defaults = Defaults::default();
        if let Some(value) = table.get("defaults") {
            flatten("", value, &mut defaults.settings);
        }
        // A zone alone is not yet a period.
        if let Some(at) = defaults
            .settings
            .iter()
            .position(|(k, _)| k == "periods.timezone")
        {
            let (_, zone) = defaults.settings.remove(at);
            defaults.timezone = Some(zone.trim_matches('"').to_string());
        }
        Ok(defaults)
    }

    /// The design with the defaults in it.
    ///
    /// # Errors
    /// A default that gives no valid plan.
    pub fn apply(&self, design: &mut Design, place: &Path) -> Result<()> {
        if !self.settings.is_empty() {
            let plan = experiment::parse_with(&template(design), place, &self.settings)
                .map_err(|e| e.file("pilot.toml"))?;
            design.experiment = plan.experiment;
        }
        Ok(())
    }
}

fn flatten(prefix: &str, value: &toml::Value, into: &mut Vec<(String, String)>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                let dot = if prefix.is_empty() { "" } else { "." };
                flatten(&format!("{prefix}{dot}{key}"), value, into);
            }
        }
        other => into.push((prefix.to_string(), other.to_string())),
    }
}
