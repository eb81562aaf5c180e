//! What stands on the page of a plan, as data for its template.

use serde_json::{Value, json};

use crate::experiment::InWords;
use crate::report::fonts;
use crate::report::text::plain;
use crate::texts::text;

use super::fit::{Fit, halves};

/// A plan with where it stands.
pub struct PlanPage<'a> {
    /// The plan in words.
    pub words: &'a InWords,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: &'a str,
    /// The seal, who approved it, in which role, and the day; none where nobody did.
    pub approval: Option<[&'a str; 4]>,
}

/// The template's data.
pub fn data(page: &PlanPage, fit: Fit) -> Value {
    let words = page.words;
    let parts: Vec<Value> = (words.parts.iter())
        .map(|(heading, items)| {
            let items = items.iter().map(|item| plain(item).replace("**", ""));
            json!({ "heading": heading, "items": fit.list(items) })
        })
        .collect();
    let standing = match page.approval {
        Some([_, by, role, day]) => {
            let gaps = [
                ("by", plain(by)),
                ("role", plain(role)),
                ("day", plain(day)),
            ];
            let [by, role, day] = gaps;
            text(
                "plan-page.approved",
                &[("by", &by.1), ("role", &role.1), ("day", &day.1)],
            )
        }
        None => text("plan-page.draft", &[]),
    };
    let seal = page.approval.map_or_else(
        || text("sign-off.no-seal", &[]),
        |a| plain(a[0]).into_owned(),
    );
    json!({
        "title": fit.name(&plain(&words.title)),
        "lang": text!("language.code"),
        "kind": text("plan-page.kind", &[]),
        "source": text("plan-page.source", &[("version", env!("CARGO_PKG_VERSION"))]),
        "fonts": fonts::names(),
        "size": fit.size,
        "standing": fit.line(&standing),
        "question": fit.line(&plain(&words.question)),
        "parts": parts,
        "seals": [
            [text("sign-off.seal", &[]), seal],
            [text("sign-off.plan", &[]), halves(page.sha256)],
        ],
        "signatures": [text("plan-page.finance", &[]), text("plan-page.owner", &[])],
        "labels": { "seals": text("sign-off.seals", &[]) },
    })
}
