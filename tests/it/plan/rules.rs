//! Every rule that a plan has to keep: an edit of a good plan, and what must be
//! said about it, with the place, the key and a hint.

use pilot::error::Kind;
use pilot::experiment;

use crate::plan::{edit, file_of};

mod analysis;
mod arms;
mod business;
mod data;
mod keys;
mod outcomes;
mod periods;

/// One rule: what is changed in a good plan, and what must be said about it.
struct Rule {
    base: &'static str,
    from: &'static str,
    to: &'static str,
    message: &'static str,
    key: &'static str,
    hint: &'static str,
}

const fn rule(
    base: &'static str,
    from: &'static str,
    to: &'static str,
    message: &'static str,
    key: &'static str,
    hint: &'static str,
) -> Rule {
    Rule {
        base,
        from,
        to,
        message,
        key,
        hint,
    }
}

fn keeps(rules: &[Rule]) {
    let mut broken = Vec::new();
    for rule in rules {
        let (text, place) = edit(rule.base, rule.from, rule.to);
        let error = match experiment::parse(&text, &file_of(rule.base)) {
            Ok(_) => {
                broken.push(format!("accepted: {}", rule.to));
                continue;
            }
            Err(e) => e,
        };
        let found = (
            error.line_number().zip(error.column_number()),
            error.key_name().unwrap_or_default(),
        );
        let hint = error.hint_text().unwrap_or_default();
        let right = error.kind() == Kind::Plan
            && error.file_path() == Some(&file_of(rule.base))
            && error.message().contains(rule.message)
            && place.is_none_or(|p| found.0 == Some(p))
            && found.0.is_some()
            && found.1 == rule.key
            && hint.contains(rule.hint)
            && !hint.is_empty();
        if !right {
            broken.push(format!(
                "{}\n  expected {:?} {:?} {} / {}\n  found    {:?} {} / {hint} ({:?})",
                rule.to,
                place,
                rule.key,
                rule.message,
                rule.hint,
                found,
                error.message(),
                error.kind()
            ));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n\n"));
}
