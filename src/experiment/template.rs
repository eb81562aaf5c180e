//! A plan's text from its parts: what `pilot design` writes.

use std::path::Path;

use crate::error::{Error, Result};
use crate::experiment::grammar::{Holds, Key};
use crate::experiment::keys::{PLAN, keys_of};
use crate::experiment::model::{Business, Experiment};
use crate::experiment::outline::{Item, outline};
use crate::experiment::{parse, write};

/// The answers that make a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Design {
    /// What the plan says.
    pub experiment: Experiment,
    /// Lines at its head, for example what the size was chosen for.
    pub notes: Vec<String>,
}

impl Design {
    /// A design with every default: `arms[0]` is control, one primary count called `contacts`.
    ///
    /// # Errors
    /// A name is not a name, stands twice, or there are fewer than two arms.
    pub fn new(name: &str, seed: u64, arms: &[&str]) -> Result<Self> {
        let arms: Vec<String> = arms
            .iter()
            .enumerate()
            .map(|(i, arm)| format!("{{ name = {}, control = {} }}", write::text(arm), i == 0))
            .collect();
        let text = format!(
            "schema = 1\nexperiment = {{ name = {}, seed = {seed} }}\narms = [{}]\n\
             outcomes = [{{ name = \"contacts\", role = \"primary\" }}]\n",
            write::text(name),
            arms.join(", ")
        );
        Ok(Design {
            experiment: parse(&text, Path::new(&format!("{name}.toml")))
                .map_err(unplaced)?
                .experiment,
            notes: Vec::new(),
        })
    }

    /// The assumptions of a business case with every default.
    ///
    /// # Errors
    /// The currency is not an ISO 4217 code.
    pub fn business(currency: &str) -> Result<Business> {
        let text = format!(
            "schema = 1\nexperiment = {{ name = \"x\", seed = 0 }}\n\
             arms = [{{ name = \"a\", control = true }}, {{ name = \"b\" }}]\n\
             outcomes = [{{ name = \"contacts\", role = \"primary\" }}]\n\
             business = {{ currency = {} }}\n",
            write::text(currency)
        );
        parse(&text, Path::new("x.toml"))
            .map_err(unplaced)?
            .experiment
            .business
            .ok_or_else(|| Error::internal("a plan with [business] has no business case"))
    }
}

/// The error without its place: nobody wrote the text that it is in.
fn unplaced(e: Error) -> Error {
    let mut error = Error::new(e.kind(), e.message());
    if let Some(key) = e.key_name() {
        error = error.key(key);
    }
    match e.hint_text() {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// The text of a plan: every value written out, a comment on each key, keys
/// that are not used as comments with an example.
///
/// Read again it gives the same [`Experiment`], as long as that keeps the rules
/// of a plan; the reader tells where it does not.
pub fn template(design: &Design) -> String {
    let mut text = String::new();
    for line in design.notes.iter().flat_map(|note| note.lines()) {
        // TOML forbids control characters in comments.
        let line = line.replace(char::is_control, " ");
        text.push_str(&format!("# {line}\n"));
    }
    let mut keys = PLAN;
    for item in outline(&design.experiment) {
        match item {
            Item::Open(path, name) => {
                keys = keys_of(path);
                let header = match name {
                    Some(_) => format!("[[{path}]]"),
                    None => format!("[{path}]"),
                };
                text.push_str(&format!("\n{header}\n"));
            }
            Item::Set(key, value) => line(&mut text, keys, key, &value),
            Item::Texts(key, list) => line(&mut text, keys, key, &write::texts(&list)),
            Item::Inline(key, parts) => {
                let parts: Vec<String> = parts
                    .into_iter()
                    .map(|(key, value)| format!("{key} = {value}"))
                    .collect();
                line(&mut text, keys, key, &format!("{{ {} }}", parts.join(", ")));
            }
            Item::Unused(key, example) => line(&mut text, keys, &format!("# {key}"), example),
            Item::Example(example) => text.push_str(&format!("# {example}\n")),
            Item::Gap => text.push('\n'),
        }
    }
    text
}

/// Column at which comments begin, where the value leaves room.
const COMMENT_COLUMN: usize = 36;

fn line(text: &mut String, keys: &[Key], key: &str, value: &str) {
    let name = key.trim_start_matches("# ");
    let comment = keys.iter().find(|k| k.name == name).map(comment);
    let line = format!("{key} = {value}");
    let comment = comment.unwrap_or_default();
    text.push_str(&format!("{line:<COMMENT_COLUMN$} # {comment}\n"));
}

/// What a key means, and its words where it is a choice that does not explain them.
fn comment(key: &Key) -> String {
    match &key.holds {
        Holds::Choice(words) if !key.about.contains('|') => {
            format!("{}: {}", key.about, words.join(" | "))
        }
        _ => key.about.to_owned(),
    }
}
