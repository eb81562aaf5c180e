//! What the workbook needs of a document, in the order in which it is shown.

use crate::finance::{
    ArmCase, AssumptionRow, BETA_OVER_ALPHA, BusinessCase, DAYS_PER_MONTH, Priced,
};
use crate::report::document::Document;
use crate::report::finding::arm_title;
use crate::report::privacy::Privacy;

mod sections;

use super::style::{Kind, Rule};

/// Months for which the sheets have rows at least, so that the horizon can be moved.
const LEAST_MONTHS: u32 = 60;
/// Longest horizon of a plan.
const MOST_MONTHS: u32 = 600;

/// A case that can be worked out by formulas.
pub struct Inputs<'a> {
    pub doc: &'a Document,
    pub case: &'a BusinessCase,
    /// Months for which the sheets have rows.
    pub months: u32,
    pub arms: Vec<ArmInput<'a>>,
    pub sections: Vec<Section>,
    pub budget: bool,
    pub minutes: bool,
    /// Whether what has a price is known for every reason.
    pub every_reason: bool,
    /// What corrects an arm for having been chosen; `None` where there is nothing to choose from.
    pub corrected: Option<Correcting>,
}

/// What the choice among several arms rests on.
pub struct Correcting {
    /// Standard errors of what has a price, per customer-month, by arm.
    pub priced_se: Vec<f64>,
    /// Standard errors of contacts, per customer-month, by arm.
    pub contacts_se: Vec<f64>,
    /// Covariance of what has a price.
    pub covariance: Vec<Vec<f64>>,
    /// β of the hybrid estimate.
    pub beta: f64,
}

impl Correcting {
    /// `None` where the document does not say all of it.
    fn of(doc: &Document, case: &BusinessCase) -> Option<Self> {
        let draws = doc.draws_summary.as_ref()?;
        let arms = case.arms.len();
        let square = &draws.covariance;
        let whole = draws.effects.len() == arms
            && square.len() == arms
            && square.iter().all(|row| row.len() == arms);
        let effects = draws.effects.iter();
        whole.then(|| Correcting {
            priced_se: effects
                .clone()
                .map(|e| e.minutes_se.unwrap_or(e.contacts_se))
                .collect(),
            contacts_se: effects.map(|e| e.contacts_se).collect(),
            covariance: square.clone(),
            beta: BETA_OVER_ALPHA * (1.0 - case.level),
        })
    }
}

/// An arm.
pub struct ArmInput<'a> {
    pub case: &'a ArmCase,
    /// Title, safe to show.
    pub title: String,
    /// Number from 1, in defined names.
    pub number: usize,
}

/// Inputs of a kind.
pub struct Section {
    pub title: String,
    pub entries: Vec<Entry>,
}

/// A line of the list of assumptions.
pub struct Entry {
    pub label: String,
    /// Names that formulas use for it.
    pub names: Vec<String>,
    /// Base value; `None` is "none".
    pub base: Option<f64>,
    pub unit: String,
    pub form: String,
    pub low: Option<f64>,
    pub mode: Option<f64>,
    pub high: Option<f64>,
    /// Key in the plan; empty for what the pilot measured.
    pub key: String,
    pub kind: Kind,
    /// What may be typed; `None` for a fact.
    pub rule: Option<Rule>,
}

impl<'a> Inputs<'a> {
    /// The case of a document; `None` where it has no cash value, does not say all that formulas
    /// need, or rests on a group too small to be shown.
    pub fn of(doc: &'a Document) -> Option<Self> {
        let case = doc.business.as_ref()?;
        let privacy = Privacy::of(doc);
        let in_case = |name: &str| case.arms.iter().any(|a| a.arm == name);
        let mut arms = doc.experiment.arms.iter();
        let hidden = arms.any(|a| (a.control || in_case(&a.name)) && privacy.hides(doc, &a.name));
        if case.no_cash_because.is_some() || hidden {
            return None;
        }
        let horizon = find(doc, "horizon_months")?.base?;
        let window = case.pilot.window_days / DAYS_PER_MONTH;
        let most = f64::from(MOST_MONTHS);
        let fits = (1.0..=most).contains(&horizon) && window > 0.0 && window <= most;
        if !fits {
            return None;
        }
        let needed = horizon.max(window.ceil()) as u32;
        let arms: Vec<ArmInput> = case
            .arms
            .iter()
            .enumerate()
            .map(|(k, arm)| ArmInput {
                case: arm,
                title: arm_title(doc, &arm.arm),
                number: k + 1,
            })
            .collect();
        if arms.is_empty() || arms.iter().any(|a| a.case.npv.is_none()) {
            return None;
        }
        let corrected = match arms.len() {
            1 => None,
            _ => Some(Correcting::of(doc, case)?),
        };
        let mut inputs = Inputs {
            doc,
            case,
            months: needed.max(LEAST_MONTHS),
            arms,
            sections: Vec::new(),
            budget: find(doc, "annual_service_budget").is_some_and(|row| row.base > Some(0.0)),
            minutes: case.priced == Priced::Minutes,
            every_reason: case.arms.iter().all(|a| a.every_reason.is_some()),
            corrected,
        };
        inputs.sections = vec![
            inputs.business()?,
            inputs.costs()?,
            inputs.effects()?,
            inputs.pilot(),
            inputs.season(),
        ];
        inputs.sections.extend(inputs.staffing());
        Some(inputs)
    }

    /// The assumption of a key.
    pub fn find(&self, key: &str) -> Option<&'a AssumptionRow> {
        find(self.doc, key)
    }
}

fn find<'a>(doc: &'a Document, key: &str) -> Option<&'a AssumptionRow> {
    let row = doc.assumptions.iter().find(|row| row.key == key)?;
    row.base?.is_finite().then_some(row)
}
