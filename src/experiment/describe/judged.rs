//! The rules of a plan, in words.

use crate::experiment::advice::{NoBusinessCase, no_business_case};
use crate::experiment::model::{
    AnalysisPlan, Business, Data, Experiment, Multiplicity, PlannedEstimand, ScaleIf,
};
use crate::number::{self, percent_given};
use crate::texts::text;

use super::{looks, quoted};

/// What is estimated, with which errors, and when an arm is scaled.
pub(super) fn described(e: &Experiment) -> Vec<String> {
    let a = &e.analysis;
    let (alpha, power) = (percent_given(a.alpha), percent_given(a.power));
    // Only the information that a plan asks for names a size.
    let asked = a.sequential.as_ref().and_then(|s| s.information_max);
    let errors = match (a.one_sided, asked.is_some()) {
        (true, true) => text!("plan-judged.one-sided", alpha, power),
        (false, true) => text!("plan-judged.two-sided", alpha, power),
        (true, false) => text!("plan-judged.one-sided-open", alpha, power),
        (false, false) => text!("plan-judged.two-sided-open", alpha, power),
    };
    let mut items = vec![estimated(e), errors];
    items.extend(looks::described(e));
    if e.treatments().count() > 1 && a.sequential.is_none() {
        let method = a.multiplicity.name();
        items.push(match a.multiplicity {
            Multiplicity::None => text!("plan-judged.each-alone"),
            Multiplicity::Bh => text!("plan-judged.false-discoveries", method),
            _ => text!("plan-judged.all-arms", method),
        });
    }
    if !a.segments.is_empty() {
        let columns = quoted(&a.segments).join(", ");
        items.push(text!("plan-judged.segments", columns));
    }
    items.push(scaled(e));
    items.extend(never(e).map(|why| text!("plan-judged.never", why)));
    if let Some(limit) = e.decision.max_attrition_difference {
        items.push(text!("plan-judged.missing", limit = percent_given(limit)));
    }
    if e.assignment.schedule.is_none() {
        items.push(match e.min_cell {
            1 => text!("plan-judged.all-groups"),
            least => text!("plan-judged.small-groups", least = number::count(least)),
        });
    }
    items
}

/// Why no arm can ever be scaled, whatever the data: nobody should agree to the rule without knowing it.
fn never(e: &Experiment) -> Option<String> {
    let outcome = &e.primary_outcome().name;
    match no_business_case(e) {
        Some(NoBusinessCase::NoTable) => Some(text!("decision.no-money-plan")),
        Some(NoBusinessCase::NotCounted) => Some(text!("decision.no-money-kind", outcome)),
        Some(NoBusinessCase::MoreIsBetter) => Some(text!("decision.no-money-better", outcome)),
        Some(NoBusinessCase::NoDifference) => Some(text!("decision.no-money-joint")),
        Some(NoBusinessCase::NoDays) => Some(text!("decision.no-money-days")),
        None => {
            let missing = e.business.as_ref().map(Business::missing)?;
            let keys: Vec<String> = missing.iter().map(|k| format!("business.{k}")).collect();
            let keys = keys.join(&text!("decision.and"));
            (!missing.is_empty()).then(|| text!("business.missing", keys))
        }
    }
}

fn estimated(e: &Experiment) -> String {
    let a = &e.analysis;
    let estimator = match &a.estimator {
        Some(estimator) => text!("plan-judged.estimator", estimator),
        None => text!("plan-judged.estimator-open"),
    };
    match (a.estimand, per(a, e)) {
        (PlannedEstimand::Difference, None) => text!("plan-judged.difference", estimator),
        (PlannedEstimand::Difference, Some(per)) => {
            text!("plan-judged.difference-per", per, estimator)
        }
        (PlannedEstimand::Ratio, None) => text!("plan-judged.ratio", estimator),
        (PlannedEstimand::Ratio, Some(per)) => text!("plan-judged.ratio-per", per, estimator),
    }
}

fn per(a: &AnalysisPlan, e: &Experiment) -> Option<String> {
    let of_region = match &e.data {
        Some(Data::Days(file)) => file.customers.is_none(),
        Some(Data::RegionLog { regions, .. }) => regions.is_none(),
        _ => false,
    };
    Some(match (a.per_days?, of_region) {
        (1, false) => text!("plan-judged.per-customer-one-day"),
        (days, false) => text!("plan-judged.per-customer", days),
        (1, true) => text!("plan-judged.per-region-one-day"),
        (days, true) => text!("plan-judged.per-region", days),
    })
}

fn scaled(e: &Experiment) -> String {
    let rule = &e.decision;
    let chance = percent_given(rule.min_probability);
    match (rule.scale_if, rule.max_payback_months) {
        (ScaleIf::Npv, None) => text!("plan-judged.npv", chance),
        (ScaleIf::Npv, Some(1)) => text!("plan-judged.npv-payback-one-month", chance),
        (ScaleIf::Npv, Some(months)) => text!("plan-judged.npv-payback", chance, months),
        (ScaleIf::BreakEven, None) => text!("plan-judged.break-even"),
        (ScaleIf::BreakEven, Some(1)) => text!("plan-judged.break-even-payback-one-month"),
        (ScaleIf::BreakEven, Some(months)) => text!("plan-judged.break-even-payback", months),
    }
}
