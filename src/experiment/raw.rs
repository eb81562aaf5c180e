//! A plan's tables with every key known, of the right form and within its
//! range, each with its place. What keys mean together is not yet checked.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::error::{Error, Result, nearest};
use crate::experiment::grammar::{Holds, Key};
use crate::experiment::keys::PLAN;
use crate::experiment::later;
use crate::experiment::source::Source;
use crate::experiment::value::{self, Mismatch, Value};

/// A table.
#[derive(Debug)]
pub(super) struct Raw<'a> {
    source: &'a Source<'a>,
    path: String,
    at: usize,
    entries: BTreeMap<&'static str, Entry<'a>>,
}

#[derive(Debug)]
struct Entry<'a> {
    at: usize,
    /// Whether the plan says so itself; else it is the default.
    stated: bool,
    content: Content<'a>,
}

#[derive(Debug)]
enum Content<'a> {
    Value(Value),
    Table(Raw<'a>),
    Tables(Vec<Raw<'a>>),
}

impl<'a> Raw<'a> {
    /// Reads the whole plan.
    pub(super) fn plan(source: &'a Source<'a>) -> Result<Self> {
        Self::table(source, PLAN, &source.tables()?, String::new(), 0)
    }

    fn table(
        source: &'a Source<'a>,
        keys: &'static [Key],
        table: &DeTable<'_>,
        path: String,
        at: usize,
    ) -> Result<Self> {
        let mut raw = Raw {
            source,
            path,
            at,
            entries: BTreeMap::new(),
        };
        raw.refuse_unknown(keys, table)?;
        for key in keys {
            let entry = match table.get(key.name) {
                Some(found) => Some(Entry {
                    at: found.span().start,
                    stated: true,
                    content: raw.content(key, found)?,
                }),
                None if key.required => return Err(raw.missing(key.name, key.hint)),
                None => raw.silent(key)?,
            };
            if let Some(entry) = entry {
                raw.entries.insert(key.name, entry);
            }
        }
        Ok(raw)
    }

    fn content(&self, key: &'static Key, found: &Spanned<DeValue<'_>>) -> Result<Content<'a>> {
        let at = found.span().start;
        let path = self.path_of(key.name);
        match (&key.holds, found.get_ref()) {
            (Holds::Table(keys), DeValue::Table(table)) => {
                Self::table(self.source, keys, table, path, at).map(Content::Table)
            }
            (Holds::Tables(keys, max), DeValue::Array(list)) => {
                self.tables(key, keys, *max, list, at)
            }
            (Holds::Table(_), other) => {
                Err(self.mismatch(key, at, Mismatch::form("a table", other)))
            }
            (Holds::Tables(..), other) => {
                let hint = format!("head each with double brackets: [[{}]]", key.name);
                let error = self.mismatch(key, at, Mismatch::form("a list of tables", other));
                Err(error.hint(hint))
            }
            (holds, other) => value::read(holds, other)
                .map(Content::Value)
                .map_err(|m| self.mismatch(key, m.at.unwrap_or(at), m)),
        }
    }

    fn tables(
        &self,
        key: &'static Key,
        keys: &'static [Key],
        max: usize,
        list: &DeArray<'_>,
        at: usize,
    ) -> Result<Content<'a>> {
        let path = self.path_of(key.name);
        if list.len() > max {
            let message = format!("{} {}, and {max} is the most", list.len(), key.name);
            return Err(self.source.locate(Error::plan(message), at, &path));
        }
        let mut tables = Vec::with_capacity(list.len());
        for (i, item) in list.iter().enumerate() {
            let path = format!("{path}[{}]", i + 1);
            let at = item.span().start;
            let DeValue::Table(table) = item.get_ref() else {
                let m = Mismatch::form("a table", item.get_ref());
                let error = Error::plan(m.message).hint(format!("head each with [[{}]]", key.name));
                return Err(self.source.locate(error, at, &path));
            };
            tables.push(Self::table(self.source, keys, table, path, at)?);
        }
        Ok(Content::Tables(tables))
    }

    /// What holds where the plan is silent about a key.
    fn silent(&self, key: &'static Key) -> Result<Option<Entry<'a>>> {
        let content = match (&key.holds, key.default) {
            (Holds::Table(keys), _) if key.implied => Content::Table(Self::table(
                self.source,
                keys,
                &DeTable::new(),
                self.path_of(key.name),
                self.at,
            )?),
            (holds, Some(text)) => Content::Value(value::default(holds, text)?),
            _ => return Ok(None),
        };
        Ok(Some(Entry {
            at: self.at,
            stated: false,
            content,
        }))
    }

    fn refuse_unknown(&self, keys: &'static [Key], table: &DeTable<'_>) -> Result<()> {
        let unknown = table
            .keys()
            .filter(|name| !keys.iter().any(|k| k.name == name.get_ref()))
            .min_by_key(|name| name.span().start);
        let Some(name) = unknown else { return Ok(()) };
        let at = name.span().start;
        let path = self.path_of(name.get_ref());
        if later::KEYS.contains(&generic(&path).as_str()) {
            let error = Error::not_yet_built(format!("`{path}`"))
                .hint("take it out of the plan until then");
            return Err(self.source.locate(error, at, &path));
        }
        let message = if self.path.is_empty() {
            format!("unknown key `{}`", name.get_ref().escape_debug())
        } else {
            format!(
                "unknown key `{}` in `{}`",
                name.get_ref().escape_debug(),
                self.path
            )
        };
        let error = Error::plan(message).hint(unknown_hint(name.get_ref(), keys));
        Err(self.source.locate(error, at, &path))
    }

    fn mismatch(&self, key: &Key, at: usize, m: Mismatch) -> Error {
        let mut error = Error::plan(format!("`{}`: {}", self.path_of(key.name), m.message));
        error = error.hint(match (m.hint, key.hint, key.default) {
            (Some(hint), ..) => hint,
            (None, Some(hint), _) => hint.to_owned(),
            (None, None, Some(default)) => {
                format!(
                    "`{}`: {}; {default} where the plan is silent",
                    key.name, key.about
                )
            }
            (None, None, None) => format!("`{}`: {}", key.name, key.about),
        });
        self.source.locate(error, at, &self.path_of(key.name))
    }

    fn path_of(&self, name: &str) -> String {
        let name = value::bare_or_quoted(name);
        if self.path.is_empty() {
            name
        } else {
            format!("{}.{name}", self.path)
        }
    }

    /// A key that has to be here and is not.
    pub(super) fn missing(&self, name: &str, hint: Option<&str>) -> Error {
        let path = self.path_of(name);
        let error = Error::plan(format!("`{path}` is missing"));
        let error = match hint {
            Some(hint) => error.hint(hint),
            None if self.path.is_empty() => error.hint(format!("add `{name}` to the plan")),
            None => error.hint(format!("add `{name}` under `{}`", self.path)),
        };
        self.source.locate(error, self.at, &path)
    }

    /// An error about a key's value (or about its table, where the plan is silent).
    pub(super) fn wrong(&self, name: &str, message: impl Into<String>) -> Error {
        let at = self.entries.get(name).map_or(self.at, |e| e.at);
        self.source
            .locate(Error::plan(message), at, &self.path_of(name))
    }

    /// An error about item `index` of a list of texts.
    pub(super) fn wrong_item(&self, name: &str, index: usize, message: impl Into<String>) -> Error {
        self.place_item(name, index, Error::plan(message))
    }

    /// Places an error at item `index` of a list of texts.
    pub(super) fn place_item(&self, name: &str, index: usize, error: Error) -> Error {
        let at = match self.entries.get(name) {
            Some(Entry {
                content: Content::Value(Value::Texts(items)),
                at,
                ..
            }) => items.get(index).map_or(*at, |(_, at)| *at),
            Some(entry) => entry.at,
            None => self.at,
        };
        self.place(at, name, error)
    }

    /// Places an error at a byte offset, about a key of this table.
    pub(super) fn place(&self, at: usize, name: &str, error: Error) -> Error {
        let path = if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        };
        self.source.locate(error, at, &path)
    }

    /// An error about the table itself.
    pub(super) fn wrong_table(&self, message: impl Into<String>) -> Error {
        self.source
            .locate(Error::plan(message), self.at, &self.path)
    }

    /// Whether the plan itself states the key.
    pub(super) fn states(&self, name: &str) -> bool {
        self.entries.get(name).is_some_and(|e| e.stated)
    }

    /// The value or default of a key, if there is one.
    pub(super) fn get<T: value::Held>(&self, name: &str) -> Result<Option<T>> {
        match self.entries.get(name).map(|e| &e.content) {
            None => Ok(None),
            Some(Content::Value(value)) => match T::held(value) {
                Some(value) => Ok(Some(value)),
                None => Err(self.defect(name)),
            },
            Some(_) => Err(self.defect(name)),
        }
    }

    /// The value of a key that is required or has a default.
    pub(super) fn need<T: value::Held>(&self, name: &str) -> Result<T> {
        self.get(name)?.ok_or_else(|| self.missing(name, None))
    }

    /// A table, if it is there.
    pub(super) fn sub(&self, name: &str) -> Option<&Raw<'a>> {
        match self.entries.get(name).map(|e| &e.content) {
            Some(Content::Table(raw)) => Some(raw),
            _ => None,
        }
    }

    /// A table that is required or implied.
    pub(super) fn need_sub(&self, name: &str) -> Result<&Raw<'a>> {
        self.sub(name).ok_or_else(|| self.missing(name, None))
    }

    /// The tables of a list; empty where the plan is silent.
    pub(super) fn list(&self, name: &str) -> &[Raw<'a>] {
        match self.entries.get(name).map(|e| &e.content) {
            Some(Content::Tables(list)) => list,
            _ => &[],
        }
    }

    /// Every default in force below this table: dotted key and value as TOML.
    pub(super) fn defaults(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        self.collect_defaults(PLAN, &mut found);
        found
    }

    fn collect_defaults(&self, keys: &'static [Key], found: &mut Vec<(String, String)>) {
        for key in keys {
            let Some(entry) = self.entries.get(key.name) else {
                continue;
            };
            match (&entry.content, &key.holds, key.default) {
                (Content::Value(_), _, Some(default)) if !entry.stated => {
                    found.push((self.path_of(key.name), default.to_owned()));
                }
                (Content::Table(raw), Holds::Table(keys), _) => raw.collect_defaults(keys, found),
                (Content::Tables(list), Holds::Tables(keys, _), _) => {
                    for raw in list {
                        raw.collect_defaults(keys, found);
                    }
                }
                _ => {}
            }
        }
    }

    fn defect(&self, name: &str) -> Error {
        Error::internal(format!(
            "the reader expects another form of `{}` than its grammar",
            self.path_of(name)
        ))
    }
}

/// A path without list positions: `arms[2].weight` → `arms.weight`.
fn generic(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut inside = false;
    for c in path.chars() {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out
}

fn unknown_hint(name: &str, keys: &'static [Key]) -> String {
    if let Some(home) = home_of(name, PLAN, "") {
        return home;
    }
    if let Some(near) = nearest(name, keys.iter().map(|k| k.name)) {
        return format!("did you mean `{near}`?");
    }
    let names: Vec<_> = keys.iter().map(|k| format!("`{}`", k.name)).collect();
    format!("the keys here are {}", names.join(", "))
}

/// Where a key with exactly this name belongs, if only one table has it.
fn home_of(name: &str, keys: &'static [Key], path: &str) -> Option<String> {
    let mut homes = Vec::new();
    collect_homes(name, keys, path, &mut homes);
    match homes.as_slice() {
        [home] => Some(format!("`{name}` belongs {home}")),
        _ => None,
    }
}

fn collect_homes(name: &str, keys: &'static [Key], path: &str, homes: &mut Vec<String>) {
    for key in keys {
        let here = if path.is_empty() {
            key.name.to_owned()
        } else {
            format!("{path}.{}", key.name)
        };
        if key.name == name {
            homes.push(match path {
                "" => "at the top of the plan, outside other tables".to_owned(),
                "arms" | "outcomes" => format!("under [[{path}]]"),
                _ => format!("under [{path}]"),
            });
        }
        if let Holds::Table(keys) | Holds::Tables(keys, _) = key.holds {
            collect_homes(name, keys, &here, homes);
        }
    }
}
