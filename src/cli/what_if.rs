//! What `--set` may change: money, and nothing that says who is compared with whom, or when.

use crate::error::{Error, Result};
use crate::experiment::{self, Plan};
use crate::workspace::{Ledger, kind};

use super::ingest::Taken;

/// What an arm costs.
const COSTS: [&str; 3] = ["fixed_cost", "cost_per_customer", "running_cost_per_month"];

/// The plan with the changes of `--set`.
///
/// # Errors
/// A change that is no KEY=VALUE, of a key that is not money's, or that leads to no valid plan.
pub fn what_if(plan: &Plan, changes: &[String]) -> Result<Plan> {
    let settings = changes
        .iter()
        .map(|change| setting(change))
        .collect::<Result<Vec<_>>>()?;
    experiment::parse_with(&plan.text, &plan.file, &settings)
}

fn setting(change: &str) -> Result<(String, String)> {
    let (key, value) = change.split_once('=').ok_or_else(|| {
        Error::usage("a change is KEY=VALUE")
            .key("--set")
            .hint("for example --set business.horizon_months=24")
    })?;
    let key = key.trim();
    if !is_of_money(key) {
        return Err(Error::usage(format!(
            "--set asks what if of money, and `{key}` is another part of the plan"
        ))
        .key(key)
        .hint(
            "it takes business.KEY, decision.KEY, arms.NAME.fixed_cost, arms.NAME.cost_per_customer and \
             arms.NAME.running_cost_per_month; for anything else copy the plan under another name and change the copy",
        ));
    }
    Ok((key.to_owned(), value.trim().to_owned()))
}

/// Whether a key is of the assumptions, the rule of the decision or what an arm costs.
///
/// Any other would be an analysis that no ledger has: of another window, outcome or estimator.
fn is_of_money(key: &str) -> bool {
    let steps: Vec<&str> = key.split('.').collect();
    match steps.as_slice() {
        ["business" | "decision", _, ..] => true,
        ["arms", _, cost, ..] => COSTS.contains(cost),
        _ => false,
    }
}

/// Checks that the ledger has an analysis of this plan and evidence: what is asked of a result that
/// nobody counted would be a look at it.
///
/// # Errors
/// It has none.
pub fn of_an_analysis(ledger: &Ledger, plan: &Plan, taken: &Taken) -> Result<()> {
    let fact = |name: &str, value: &str| (name.to_owned(), value.into());
    let of = [
        fact("plan_sha256", &plan.sha256),
        fact("evidence_sha256", &taken.set.digest.to_string()),
    ];
    let known = ledger.entries().iter().any(|e| {
        e.kind == kind::ANALYZE
            && of
                .iter()
                .all(|(name, value)| e.facts.get(name) == Some(value))
    });
    if known {
        return Ok(());
    }
    Err(Error::usage(format!(
        "there is no analysis yet of this plan and of evidence {:04}, so there is no result to ask what if of",
        taken.set.number
    ))
    .key("--set")
    .hint("run `pilot analyze` without --set first; the ledger counts it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_money_may_be_set() {
        for key in [
            "business.cost_per_contact.variable",
            "business.horizon_months",
            "decision.min_probability",
            "arms.tip-sheet.fixed_cost",
            "arms.tip-sheet.cost_per_customer",
            "arms.b.running_cost_per_month",
        ] {
            assert!(setting(&format!("{key}=5")).is_ok(), "{key}");
        }
        for key in [
            "periods.after",
            "analysis.alpha",
            "analysis.sequential.looks",
            "data.contacts.complete_until",
            "outcomes.calls.reasons",
            "arms.tip-sheet.weight",
            "arms.fixed_cost",
            "arms",
            "business",
            "experiment.seed",
            "privacy.min_cell",
            "",
        ] {
            let error = setting(&format!("{key}=5")).unwrap_err();
            assert_eq!(error.kind(), crate::error::Kind::Usage, "{key}");
            assert_eq!(error.key_name(), Some(key));
            assert!(error.hint_text().unwrap().contains("copy the plan"));
        }
        assert!(setting("business.horizon_months").is_err());
    }
}
