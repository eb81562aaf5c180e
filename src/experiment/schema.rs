//! The JSON Schema of a plan, from its grammar.

use serde_json::{Map, Value, json};

use crate::experiment::grammar::{Holds, Key, Range};
use crate::experiment::keys::PLAN;

/// JSON Schema (draft 2020-12) of a plan read as JSON, for editors and for
/// programs that write plans. Dates may also be TOML dates. It says what each
/// key holds; what keys mean together only [`crate::experiment::parse`] checks.
pub fn schema() -> Value {
    let mut schema = table(PLAN);
    schema.insert(
        "$schema".to_owned(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    schema.insert("title".to_owned(), json!("A plan of pilot"));
    Value::Object(schema)
}

fn table(keys: &[Key]) -> Map<String, Value> {
    let required: Vec<&str> = keys.iter().filter(|k| k.required).map(|k| k.name).collect();
    let properties: Map<String, Value> = keys
        .iter()
        .map(|key| (key.name.to_owned(), Value::Object(property(key))))
        .collect();
    let mut table = Map::new();
    table.insert("type".to_owned(), json!("object"));
    table.insert("additionalProperties".to_owned(), json!(false));
    if !required.is_empty() {
        table.insert("required".to_owned(), json!(required));
    }
    table.insert("properties".to_owned(), Value::Object(properties));
    table
}

fn property(key: &Key) -> Map<String, Value> {
    let mut property = match form(&key.holds) {
        Value::Object(form) => form,
        _ => Map::new(),
    };
    property.insert("description".to_owned(), json!(key.about));
    if let Some(default) = key.default.and_then(as_json) {
        property.insert("default".to_owned(), default);
    }
    property
}

/// A default, which is written as TOML, as JSON.
fn as_json(default: &str) -> Option<Value> {
    let table: toml::Table = format!("x = {default}").parse().ok()?;
    serde_json::to_value(table.get("x")?).ok()
}

fn form(holds: &Holds) -> Value {
    let name = json!({"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,63}$"});
    let day = json!({"type": "string", "format": "date"});
    let texts = |max: usize| {
        json!({
            "type": "array",
            "items": {"type": "string", "minLength": 1, "maxLength": 300},
            "uniqueItems": true,
            "maxItems": max,
        })
    };
    match holds {
        Holds::Text { max, .. } => json!({"type": "string", "minLength": 1, "maxLength": max}),
        Holds::Delimiter => json!({"type": "string", "minLength": 1, "maxLength": 1}),
        Holds::Name => name,
        Holds::Choice(words) => json!({"enum": words}),
        Holds::Flag => json!({"type": "boolean"}),
        Holds::Whole(min, max) => json!({"type": "integer", "minimum": min, "maximum": max}),
        Holds::Number(range) => number(range),
        Holds::Day => day,
        Holds::Days => json!({"type": "array", "items": day, "minItems": 2, "maxItems": 2}),
        Holds::Texts(max) => texts(*max),
        Holds::Numbers(count, range) => json!({
            "type": "array", "items": number(range), "minItems": count, "maxItems": count,
        }),
        Holds::NumberList(max, range) => json!({
            "type": "array", "items": number(range), "maxItems": max,
        }),
        Holds::DayList(max) => json!({"type": "array", "items": day, "maxItems": max}),
        Holds::Assumption(range) => assumption(range),
        Holds::HalfLife => json!({"anyOf": [{"const": "none"}, assumption(&Range::HALF_LIFE)]}),
        Holds::Cost => {
            let part = assumption(&Range::COST);
            json!({"anyOf": [number(&Range::COST), {
                "type": "object",
                "additionalProperties": false,
                "required": ["variable", "labour"],
                "properties": {"variable": part, "labour": part},
            }]})
        }
        Holds::ByArm => json!({
            "type": "object", "propertyNames": name, "additionalProperties": texts(1000),
        }),
        Holds::Table(keys) => Value::Object(table(keys)),
        Holds::Tables(keys, max) => json!({
            "type": "array", "items": Value::Object(table(keys)), "maxItems": max,
        }),
    }
}

fn number(range: &Range) -> Value {
    let (min, max) = match (range.min_in, range.max_in) {
        (true, true) => ("minimum", "maximum"),
        (false, true) => ("exclusiveMinimum", "maximum"),
        (true, false) => ("minimum", "exclusiveMaximum"),
        (false, false) => ("exclusiveMinimum", "exclusiveMaximum"),
    };
    json!({"type": "number", min: range.min, max: range.max})
}

fn assumption(range: &Range) -> Value {
    let x = number(range);
    let least_sd = json!({"type": "number", "minimum": 0});
    json!({"anyOf": [
        x,
        {
            "type": "object",
            "additionalProperties": false,
            "required": ["low", "mode", "high"],
            "properties": {"low": x, "mode": x, "high": x},
        },
        {
            "type": "object",
            "additionalProperties": false,
            "required": ["mean", "sd"],
            "properties": {"mean": x, "sd": least_sd},
        },
    ]})
}
