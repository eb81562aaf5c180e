//! Which arm, as plain data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The arms against each other and against no roll-out, as estimated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Choice {
    /// No roll-out and every treatment arm, the cheapest first.
    pub options: Vec<ChoiceOption>,
    /// Present value of the savings by contact avoided of the best arm at base; where that avoids none,
    /// at the plan's prices and control's handling time. `None` without cash.
    pub value_of_contact: Option<f64>,
    /// How likely each option is the best, as the value of an avoided contact varies.
    pub acceptability: Vec<AcceptabilityRow>,
    /// What perfect information would be worth before the decision; `None` without cash.
    pub perfect_information: Option<Information>,
}

/// One option.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChoiceOption {
    /// The arm; `None` is no roll-out.
    pub arm: Option<String>,
    /// Present value of the spend at base.
    pub cost: f64,
    /// Present value of the contacts avoided at base.
    pub contacts: f64,
    /// Whether it can be the best for some value of an avoided contact.
    pub standing: Standing,
    /// Cost of a further contact avoided over the option before it on the frontier; `None` off the
    /// frontier and of its first option.
    pub cost_per_further_contact: Option<f64>,
}

/// Where an option stands in the plane of cost and contacts avoided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// The best for some value of an avoided contact.
    Frontier,
    /// Another option avoids as many contacts or more and costs no more.
    Dominated,
    /// A mixture of two others avoids as many and costs less.
    ExtendedlyDominated,
}

impl Standing {
    /// The name in JSON and CSV.
    pub fn name(self) -> &'static str {
        match self {
            Standing::Frontier => "frontier",
            Standing::Dominated => "dominated",
            Standing::ExtendedlyDominated => "extendedly-dominated",
        }
    }
}

/// P(an option is the best) where an avoided contact is worth `value`, flat prior.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AcceptabilityRow {
    /// Value of an avoided contact.
    pub value: f64,
    /// The arm; `None` is no roll-out.
    pub arm: Option<String>,
    /// Share of the draws in which it has the highest net benefit.
    pub probability: f64,
    /// Whether it has the highest expected net benefit.
    pub best_on_average: bool,
}

/// What it would be worth to know the truth before the decision.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Information {
    /// E[NPV of the truly best option] − NPV of the option that is best on average.
    pub value: f64,
    /// Standard error from the draws; 0 where the integral is exact.
    pub se: f64,
}
