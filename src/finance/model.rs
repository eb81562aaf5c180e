//! What the business case says, as plain data; the field names are those of `analysis.json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The business case of a pilot. Money in major units of `currency`, unrounded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BusinessCase {
    /// ISO 4217 code.
    pub currency: String,
    /// Digits after the decimal mark of the currency (2 for EUR, 0 for JPY, 3 for KWD).
    pub minor_digits: u8,
    /// H, in months.
    pub horizon_months: u32,
    /// Level of the intervals.
    pub level: f64,
    /// Joint draws behind intervals and probabilities.
    pub draws: u32,
    /// One case a treatment arm, in the plan's order.
    pub arms: Vec<ArmCase>,
    /// Cash by arm and month, month 0 first.
    pub cashflow: Vec<CashflowRow>,
    /// Assumptions as used.
    pub assumptions: Vec<AssumptionRow>,
    /// What a reader must know: nominal, before tax, flat prior …
    pub notes: Vec<String>,
    /// Why there is no cash NPV, where there is none.
    pub no_cash_because: Option<String>,
}

/// A base value with its interval from the draws.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// At base: every assumption at its mean, the effect at its estimate.
    pub value: f64,
    /// Lower end.
    pub lower: Option<f64>,
    /// Upper end.
    pub upper: Option<f64>,
}

/// The case of one treatment arm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ArmCase {
    /// The arm.
    pub arm: String,
    /// Contacts avoided per customer-month in the pilot's window (δ).
    pub avoided_per_customer_month: Line,
    /// Contacts avoided over the horizon.
    pub contacts_avoided: Line,
    /// Present value of savings.
    pub pv_savings: Option<Line>,
    /// Present value of spend.
    pub pv_spend: Option<Line>,
    /// Net present value.
    pub npv: Option<Line>,
    /// NPV when the effect ends with the pilot's window.
    pub npv_observed_only: Option<Line>,
    /// Share of NPV's savings that lies beyond what was measured.
    pub share_beyond_observed: Option<f64>,
    /// PV(savings)/PV(spend) − 1; `None` without spend.
    pub roi: Option<Line>,
    /// First whole month from which cumulative cash stays ≥ 0; `None` if none.
    pub payback_months: Option<u32>,
    /// The same with discounted cash.
    pub payback_months_discounted: Option<u32>,
    /// PV(spend)/PV(contacts avoided).
    pub cost_per_contact_avoided: Option<Line>,
    /// Reduction (1 − ratio) at which NPV is 0 at base.
    pub break_even_reduction: Option<f64>,
    /// Contacts avoided per customer-day at which NPV is 0 at base.
    pub break_even_avoided_per_day: Option<f64>,
    /// Steady-state yearly saving over the annual service budget, with realisation.
    pub budget_share: Option<f64>,
    /// The same without realisation.
    pub budget_share_unrealised: Option<f64>,
    /// P(NPV > 0), flat prior.
    pub probability_npv_positive: Option<f64>,
    /// P(payback ≤ the plan's max_payback_months), flat prior.
    pub probability_payback: Option<f64>,
}

/// Cash of one arm in one month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CashflowRow {
    /// Arm.
    pub arm: String,
    /// Month, 0 is the start.
    pub month: u32,
    /// Contacts avoided in the month.
    pub contacts_avoided: f64,
    /// Savings of variable cost.
    pub saving_variable: f64,
    /// Labour turned into cash.
    pub saving_labour: f64,
    /// Delivery to the customers reached.
    pub delivery_cost: f64,
    /// Running cost.
    pub running_cost: f64,
    /// Fixed cost.
    pub fixed_cost: f64,
    /// Net cash of the month.
    pub net: f64,
    /// Cumulative net cash.
    pub cumulative: f64,
    /// Lower end of the cumulative from the draws.
    pub cumulative_lower: Option<f64>,
    /// Upper end.
    pub cumulative_upper: Option<f64>,
}

/// One assumption as used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AssumptionRow {
    /// Key in `[business]`, dotted.
    pub key: String,
    /// "number", "triangular" or "normal".
    pub form: String,
    /// Base value (the mean).
    pub base: f64,
    /// Low or 5th percentile.
    pub low: Option<f64>,
    /// Mode, for triangular.
    pub mode: Option<f64>,
    /// High or 95th percentile.
    pub high: Option<f64>,
    /// Unit, in words.
    pub unit: String,
}
