//! The JSON Schema of a plan, and the keys that other people hold on to.

use std::collections::BTreeSet;

use pilot::experiment;
use serde_json::Value;

use crate::plan::{CELLS, COUNTS, DOCUMENTED, FEES};

/// Every key of a plan: stable names.
const KEYS: &[(&str, &str)] = &[
    ("", "schema"),
    (
        "experiment",
        "name title problem root_cause owner second_stage_of seed",
    ),
    (
        "assignment",
        "method strata cluster design regions block_days washout_days",
    ),
    (
        "arms",
        "name title control weight interventions after_login \
         fixed_cost cost_per_customer running_cost_per_month",
    ),
    (
        "periods",
        "before after timezone start before_days after_days enrol",
    ),
    ("data.customers", "path arm_values"),
    ("data.customers", FORMAT),
    ("data.customers.columns", "unit arm start uptake"),
    ("data.contacts", "path complete_until"),
    ("data.contacts", FORMAT),
    (
        "data.contacts.columns",
        "unit time reason id channel handling_seconds",
    ),
    ("data.counts", "path arm_values exposure_unit"),
    ("data.counts", FORMAT),
    (
        "data.counts.columns",
        "unit arm exposure before_exposure cluster uptake day customers",
    ),
    ("data.cells", "path"),
    ("data.regions", "path"),
    ("data.regions", FORMAT),
    ("data.regions.columns", "customers"),
    (
        "outcomes",
        "name role kind reasons better cap after before before_kind margin",
    ),
    (
        "analysis",
        "alpha power alternative estimand estimator multiplicity per_days permutations \
         bootstrap segments",
    ),
    ("analysis.prior", "mean sd"),
    (
        "decision",
        "scale_if min_probability max_payback_months max_attrition_difference",
    ),
    ("privacy", "min_cell"),
    (
        "business",
        "currency cost_per_contact cost_per_minute handling_outcome realisation realisation_lag_months \
         half_life_months units_at_rollout customers_at_rollout new_customers_per_month \
         churn_per_month holdout horizon_months annual_discount_rate ramp_months \
         repeat_every_months baseline_by_month rollout_month annual_service_budget",
    ),
    (
        "analysis.sequential",
        "kind looks information spending spending_parameter information_max extension_weights",
    ),
    (
        "analysis.sequential.futility",
        "spending spending_parameter beta",
    ),
    ("business.claims", "contact_reduction budget_share"),
    (
        "business.staffing",
        "occupancy shrinkage hours_per_agent_year service_level answer_seconds \
         interval_minutes contacts_per_interval handling_seconds",
    ),
];

const FORMAT: &str = "delimiter encoding decimal time_format timezone max_bad_rows";

fn keys_of(schema: &Value, path: &str, keys: &mut BTreeSet<String>) {
    let Some(properties) = schema["properties"].as_object() else {
        keys.insert(path.to_owned());
        return;
    };
    assert_eq!(schema["additionalProperties"], false, "{path}");
    for (name, property) in properties {
        let path = match path {
            "" => name.clone(),
            _ => format!("{path}.{name}"),
        };
        let items = &property["items"];
        let inner = if items["properties"].is_object() {
            items
        } else {
            property
        };
        keys_of(inner, &path, keys);
    }
}

#[test]
fn the_schema_has_every_key_and_no_other() {
    let mut found = BTreeSet::new();
    keys_of(&experiment::schema(), "", &mut found);
    let expected: BTreeSet<String> = KEYS
        .iter()
        .flat_map(|(table, keys)| keys.split_whitespace().map(move |key| (table, key)))
        .map(|(table, key)| format!("{table}.{key}").trim_start_matches('.').to_owned())
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn the_schema_accepts_good_plans_and_refuses_spoilt_ones() {
    let schema = experiment::schema();
    let json = |text: &str| -> Value {
        serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap()
    };
    // TOML dates have no JSON form of their own.
    let cells = CELLS
        .replace("2026-10-01", "\"2026-10-01\"")
        .replace("2026-12-31", "\"2026-12-31\"");
    for plan in [FEES, COUNTS, &cells, DOCUMENTED] {
        check(&schema, &json(plan), "plan").unwrap();
    }
    for (from, to) in [
        ("schema = 1", "schema = 2"),
        ("owner =", "ownr ="),
        ("alpha = 0.05", "alpha = 0"),
        ("horizon_months = 24", "horizon_months = 24.5"),
        ("currency = \"EUR\"\n", ""),
        ("realisation = { low", "realisation = { lo"),
        ("role = \"primary\"", "role = \"first\""),
    ] {
        let spoilt = json(&FEES.replacen(from, to, 1));
        assert!(check(&schema, &spoilt, "plan").is_err(), "{to}");
    }
}

/// The part of JSON Schema that this schema uses.
fn check(schema: &Value, value: &Value, path: &str) -> Result<(), String> {
    let ensure = |holds: bool, why: &str| {
        if holds {
            Ok(())
        } else {
            Err(format!("{path}: {why}"))
        }
    };
    if let Some(forms) = schema["anyOf"].as_array() {
        let fits = forms.iter().any(|form| check(form, value, path).is_ok());
        return ensure(fits, "fits no form");
    }
    if let Some(constant) = schema.get("const") {
        return ensure(constant == value, "another value");
    }
    if let Some(words) = schema["enum"].as_array() {
        return ensure(words.contains(value), "unknown word");
    }
    let bound = |name: &str| schema[name].as_f64();
    match schema["type"].as_str().unwrap() {
        "object" => {
            let object = value.as_object().ok_or(format!("{path}: no table"))?;
            for name in schema["required"].as_array().into_iter().flatten() {
                ensure(
                    object.contains_key(name.as_str().unwrap()),
                    "a key is missing",
                )?;
            }
            for (name, value) in object {
                let inner = schema["properties"].get(name);
                let inner = inner.unwrap_or(&schema["additionalProperties"]);
                ensure(inner.is_object(), "unknown key")?;
                check(inner, value, &format!("{path}.{name}"))?;
            }
            Ok(())
        }
        "array" => {
            let list = value.as_array().ok_or(format!("{path}: no list"))?;
            let len = list.len() as f64;
            ensure(bound("minItems").is_none_or(|min| len >= min), "too short")?;
            ensure(bound("maxItems").is_none_or(|max| len <= max), "too long")?;
            list.iter()
                .try_for_each(|item| check(&schema["items"], item, path))
        }
        form @ ("integer" | "number") => {
            ensure(form == "number" || value.is_u64(), "no whole number")?;
            let x = value.as_f64().ok_or(format!("{path}: no number"))?;
            ensure(bound("minimum").is_none_or(|min| x >= min), "too small")?;
            ensure(bound("maximum").is_none_or(|max| x <= max), "too large")?;
            ensure(
                bound("exclusiveMinimum").is_none_or(|min| x > min),
                "too small",
            )?;
            ensure(
                bound("exclusiveMaximum").is_none_or(|max| x < max),
                "too large",
            )
        }
        "string" => ensure(value.is_string(), "no text"),
        "boolean" => ensure(value.is_boolean(), "neither true nor false"),
        other => Err(format!("{path}: unknown type {other}")),
    }
}
