//! What the page's script gets: a part of `analysis.json`, and its words.

use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::finance::AssumptionRow;
use crate::report::assumed::name;
use crate::report::chart::treatment;
use crate::report::document::Document;
use crate::report::finding::{arm_title, treatment_index};
use crate::report::number;
use crate::report::text::plain;
use crate::texts::text;

use super::write::inert;

/// The data as JSON that is inert inside HTML; `None` where there is no money to redo.
pub fn embedded(doc: &Document) -> Result<Option<String>> {
    let (Some(case), Some(draws)) = (&doc.business, &doc.draws_summary) else {
        return Ok(None);
    };
    if case.no_cash_because.is_some() {
        return Ok(None);
    }
    let internal = |e: serde_json::Error| Error::internal(format!("report.html: {e}"));
    let arms: Vec<Value> = draws
        .effects
        .iter()
        .map(|e| {
            let color = treatment(treatment_index(doc, &e.arm).unwrap_or(0));
            json!({ "name": e.arm, "title": arm_title(doc, &e.arm), "color": color })
        })
        .collect();
    // The page corrects for the choice itself: another price may choose another arm.
    let effects: Vec<Value> = draws
        .effects
        .iter()
        .map(|e| {
            json!({
                "arm": e.arm, "contacts": e.contacts, "contacts_se": e.contacts_se,
                "minutes": e.minutes, "minutes_se": e.minutes_se,
                "z": e.estimated_z.as_ref().unwrap_or(&e.z),
                "every_reason": e.every_reason,
            })
        })
        .collect();
    let decided = doc.decision.arm.as_ref().or(case.best.as_ref());
    let effect_bar = case.tornado.iter().find(|r| r.key == "effect");
    let labels: Map<String, Value> = doc
        .assumptions
        .iter()
        .map(|a| a.key.as_str())
        .chain(["effect", "half_life_months", "repeat_every_months"])
        .map(|key| (key.to_owned(), Value::String(name(key))))
        .collect();
    let of_share = |a: &AssumptionRow| Some((a.key.clone(), a.unit.percent()?.into()));
    let percents: Map<String, Value> = doc.assumptions.iter().filter_map(of_share).collect();
    // The month in which the roll-out begins is a date of the plan, beside the pilot's facts; a claim
    // is what the result is held against.
    let rows: Vec<&AssumptionRow> = doc
        .assumptions
        .iter()
        .filter(|a| a.key != "rollout_month" && !a.key.starts_with("claims."))
        .collect();
    let mut assumptions = serde_json::to_value(&rows).map_err(internal)?;
    for (shown, row) in assumptions.as_array_mut().into_iter().flatten().zip(rows) {
        shown["unit"] = row.unit.words().into();
    }
    let mut data = json!({
        "currency": case.currency,
        "minor_digits": case.minor_digits,
        "level": case.level,
        "pilot": &case.pilot,
        "claimed_budget_share": case.claimed_budget_share,
        "payback_within_months": case.payback_within_months,
        "draws": draws.draws,
        "effects": effects,
        "columns": &draws.assumptions,
        "assumptions": assumptions,
        "percents": percents,
        "covariance": &draws.covariance,
        "tail_z": draws.tail_z,
        "effect_unit": effect_bar.map(|bar| bar.unit.words()),
        "months_unit": text("assumption.months", &[]),
        "arms": arms,
        "decided": decided,
        "labels": labels,
        "words": words(&number::count(draws.draws.into()), &number::count(case.draws.into())),
    });
    tame(&mut data);
    let json = serde_json::to_string(&data).map_err(internal)?;
    Ok(Some(inert(&json)))
}

/// Makes every text safe to show, as the memo's are.
fn tame(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let std::borrow::Cow::Owned(safe) = plain(text) {
                *text = safe;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(tame),
        Value::Object(fields) => fields.values_mut().for_each(tame),
        _ => {}
    }
}

/// The words of the script; gaps that it fills itself stay gaps.
fn words(draws: &str, all: &str) -> Value {
    let numbers = text("html.numbers", &[]);
    json!({
        "whatIf": text("html.js-what-if", &[]),
        "intro": text("html.js-intro", &[("numbers", &numbers), ("draws", draws), ("all", all)]),
        "keeps": text("html.js-keeps", &[]),
        "badge": text("html.js-badge", &[]),
        "differsOne": text("html.js-differs-one", &[]),
        "differs": text("html.js-differs", &[("count", "{count}")]),
        "resetAll": text("html.js-reset-all", &[]),
        "reset": text("html.js-reset", &[]),
        "resetOne": text("html.js-reset-one", &[("name", "{name}")]),
        "plan": text("html.js-plan", &[("value", "{value}")]),
        "planRange": text("html.js-plan-range", &[("value", "{value}"), ("low", "{low}"), ("high", "{high}")]),
        "numberOf": text("html.js-number-of", &[("name", "{name}")]),
        "never": {
            "half_life_months": text("html.js-never-half_life_months", &[]),
            "repeat_every_months": text("html.js-never-repeat_every_months", &[]),
        },
        "wrong": text("html.js-wrong", &[("least", "{least}"), ("most", "{most}")]),
        "noEnd": text("html.js-no-end", &[]),
        "months": {
            "axis": text("html.js-months", &[]),
            "one": text("count.month-one", &[]),
            "many": text("count.month-many", &[("n", "{n}")]),
        },
        "groups": {
            "cost": text("html.js-group-cost", &[]),
            "effect": text("html.js-group-effect", &[]),
            "rollout": text("html.js-group-rollout", &[]),
            "money": text("html.js-group-money", &[]),
            "staffing": text("html.js-group-staffing", &[]),
            "season": text("html.js-group-season", &[]),
        },
        "numbersAbout": text("html.numbers-about", &[("months", "{months}"), ("level", "{level}"), ("draws", "{draws}")]),
        "result": text("html.js-result", &[("arm", "{arm}"), ("value", "{value}"), ("observed", "{observed}")]),
        "status": text("html.js-status", &[("arm", "{arm}"), ("value", "{value}"), ("observed", "{observed}"), ("chance", "{chance}")]),
        "atPlan": text("html.js-at-plan", &[]),
        "cash": {
            "title": text("html.js-cash", &[]),
            "payback": text("html.js-cash-note-payback", &[("month", "{month}")]),
            "noPayback": text("html.js-cash-note", &[]),
            "spendsNothing": text("cash.note-spends-nothing", &[]),
            "end": text("html.js-cash-end", &[("value", "{value}"), ("last", "{last}")]),
            "about": text("html.js-cash-about", &[("level", "{level}")]),
        },
        "tornado": text("html.js-tornado", &[("arm", "{arm}")]),
        "tornadoAbout": text("html.js-tornado-about", &[("value", "{value}"), ("observed", "{observed}")]),
        "acceptability": text("html.js-acceptability", &[]),
        "acceptabilityAbout": text("html.js-acceptability-about", &[("value", "{value}")]),
        "noRollout": text("chart.no-roll-out", &[]),
        "under": text("number.under", &[("limit", "{limit}")]),
        "over": text("number.over", &[("limit", "{limit}")]),
        "to": text("interval.to", &[("low", "{low}"), ("high", "{high}")]),
        "atLeast": text("interval.at-least", &[("low", "{low}")]),
        "atMost": text("interval.at-most", &[("high", "{high}")]),
        "thousand": text("amount.thousand", &[]),
        "million": text("amount.million", &[]),
        "billion": text("amount.billion", &[]),
        "noPayback": text("html.no-payback", &[]),
        "spending": {
            "none": text("worth.nothing-spent", &[]),
            "lines": super::lines::OF_SPENDING,
            "losesMore": text("html.loses-more", &[]),
        },
        "monthsOpen": text("html.months-open", &[("lower", "{lower}")]),
    })
}
