//! Two plans key by key, and the digest of what a scan of the data depends on.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::error::Result;
use crate::experiment::model::{Experiment, Role};
use crate::experiment::outline::{Item, outline};
use crate::experiment::{hex_sha256, parse_copy, places, write};

/// A key whose value differs between two plans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Dotted key; arms and outcomes by name: `arms.tip-sheet.weight`. `arms` alone
    /// is their order, `outcomes` that of the primary ones.
    pub key: String,
    /// The approved value as TOML, an absolute path without its folders; `None` where the approved
    /// plan has none.
    pub approved: Option<String>,
    /// The value now as TOML; `None` where the plan has none now.
    pub now: Option<String>,
    /// Whether it touches the question or the rules. Clerical are title,
    /// problem, owner, privacy, and where and in which format the data are.
    pub material: bool,
}

/// What changed between an approved plan and the plan of now.
///
/// Both are read and compared by what they mean: comments, formatting, the
/// order of reasons, and a default that is now written out are no changes.
/// Arms and outcomes are matched by name.
///
/// # Errors
/// One of the two is not a valid plan.
pub fn diff(approved: &str, now: &str) -> Result<Vec<Change>> {
    let read = |text, file| parse_copy(text, Path::new(file)).map(|plan| plan.experiment);
    Ok(changes(
        &read(approved, "the approved plan")?,
        &read(now, "the plan")?,
    ))
}

/// As [`diff`], of two experiments.
pub fn changes(approved: &Experiment, now: &Experiment) -> Vec<Change> {
    let (before, after) = (lines(approved), lines(now));
    let old: BTreeMap<&str, &str> = before.iter().map(Line::pair).collect();
    let new: BTreeMap<&str, &str> = after.iter().map(Line::pair).collect();
    let added = after
        .iter()
        .filter(|line| !old.contains_key(line.key.as_str()));
    before
        .iter()
        .chain(added)
        .filter_map(|line| {
            let key = line.key.as_str();
            let (approved, now) = (old.get(key), new.get(key));
            let shown = |value: &&str| line.shown(value);
            (approved != now).then(|| Change {
                key: line.key.clone(),
                approved: approved.map(shown),
                now: now.map(shown),
                material: !line.is(CLERICAL),
            })
        })
        .collect()
}

/// SHA-256, in hexadecimal, of what a scan of the data depends on: evidence
/// with another digest is stale.
///
/// These are the assignment, the arms' names, the windows, the data and how to
/// read them, the outcomes' columns, and the segments. Weights, costs, titles,
/// tests and the business case are not in it.
pub fn data_digest(e: &Experiment) -> String {
    let mut scanned: Vec<String> = lines(e)
        .iter()
        .filter(|line| line.is(SCANNED))
        .map(|line| format!("{} = {}\n", line.key, line.value))
        .collect();
    scanned.sort_unstable();
    hex_sha256(scanned.concat().as_bytes())
}

/// As [`data_digest`], of a scan that ends early; `mark` says where.
pub fn data_digest_until(e: &Experiment, mark: &str) -> String {
    hex_sha256(format!("{}\n{mark}", data_digest(e)).as_bytes())
}

/// Tables and keys that are clerical. A column's name is not: another column
/// is another measurement.
const CLERICAL: &[&str] = &[
    "experiment.title",
    "experiment.problem",
    "experiment.owner",
    "arms.title",
    "privacy",
    "data.customers.path",
    "data.customers.delimiter",
    "data.customers.encoding",
    "data.customers.decimal",
    "data.customers.time_format",
    "data.contacts.path",
    "data.contacts.delimiter",
    "data.contacts.encoding",
    "data.contacts.decimal",
    "data.contacts.time_format",
    "data.contacts.complete_until",
    "data.counts.path",
    "data.counts.delimiter",
    "data.counts.encoding",
    "data.counts.decimal",
    "data.counts.time_format",
    "data.cells.path",
    "data.regions.path",
    "data.regions.delimiter",
    "data.regions.encoding",
    "data.regions.decimal",
    "data.regions.time_format",
];

/// Tables and keys that a scan of the data depends on.
const SCANNED: &[&str] = &[
    "assignment",
    "arms",
    "arms.name",
    "periods",
    "data",
    "outcomes.name",
    "outcomes.kind",
    "outcomes.reasons",
    "outcomes.cap",
    "outcomes.after",
    "outcomes.before",
    "analysis.segments",
];

/// A key of a plan with its value.
struct Line {
    /// With the names of arms and outcomes.
    key: String,
    /// The same without names.
    kind: String,
    value: String,
}

impl Line {
    fn pair(&self) -> (&str, &str) {
        (&self.key, &self.value)
    }

    /// A value of this key as reports show it.
    fn shown(&self, value: &str) -> String {
        let quote = value.chars().next().filter(|c| ['"', '\''].contains(c));
        match quote {
            Some(quote) if self.key.starts_with("data.") && self.key.ends_with(".path") => {
                format!("{quote}{}", places::shown(&value[1..]))
            }
            _ => value.to_owned(),
        }
    }

    /// Whether the key, or the table that it stands in, is one of these.
    /// `arms` means their order only.
    fn is(&self, paths: &[&str]) -> bool {
        paths.iter().any(|path| {
            let inside = *path != "arms"
                && self
                    .kind
                    .strip_prefix(path)
                    .is_some_and(|rest| rest.starts_with('.'));
            self.kind == *path || inside
        })
    }
}

/// The whole plan as lines: every value written out, defaults too.
fn lines(e: &Experiment) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut key_path = String::new();
    let mut kind_path = String::new();
    let mut push = |key_path: &str, kind_path: &str, key: &str, value: String| {
        lines.push(Line {
            key: format!("{key_path}{key}"),
            kind: format!("{kind_path}{key}"),
            value,
        });
    };
    // Order counts: of arms it is that of the assignment, and the first primary
    // outcome is the one that money rests on.
    let arms: Vec<&str> = e.arms.iter().map(|a| a.name.as_str()).collect();
    push("", "", "arms", arms.join(", "));
    let primary = e.outcomes.iter().filter(|o| o.role == Role::Primary);
    let primary: Vec<&str> = primary.map(|o| o.name.as_str()).collect();
    push("", "", "outcomes", primary.join(", "));
    for item in outline(e) {
        match item {
            Item::Open(path, name) => {
                kind_path = format!("{path}.");
                key_path = match name {
                    Some(name) => format!("{path}.{name}."),
                    None => kind_path.clone(),
                };
            }
            Item::Set(key, value) => push(&key_path, &kind_path, key, value),
            Item::Texts(key, mut list) => {
                // Strata are tuples; every other list is a set.
                if key != "strata" {
                    list.sort_unstable();
                }
                push(&key_path, &kind_path, key, write::texts(&list));
            }
            Item::Inline(key, parts) => {
                for (part, value) in parts {
                    push(&key_path, &kind_path, &format!("{key}.{part}"), value);
                }
            }
            Item::Unused(..) | Item::Example(_) | Item::Gap => {}
        }
    }
    lines
}
