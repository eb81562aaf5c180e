//! What the business case says, as plain data; the field names are those of `analysis.json`.

mod choice;
mod staffing;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use choice::*;
pub use staffing::*;

use super::unit::AssumptionUnit;

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
    /// What a saving is made of: contacts, or minutes of handling.
    pub priced: Priced,
    /// What the pilot gives to the model.
    pub pilot: PilotFacts,
    /// One case a treatment arm, in the plan's order.
    pub arms: Vec<ArmCase>,
    /// The treatment arm with the highest NPV as estimated (contacts avoided where there is no cash).
    pub best: Option<String>,
    /// Which arm: cost against contacts avoided, and what more knowledge is worth.
    pub choice: Option<Choice>,
    /// What moves the NPV of each arm, the largest bar first.
    pub tornado: Vec<TornadoRow>,
    /// The plan's `max_payback_months`: n of P(payback ≤ n).
    pub payback_within_months: Option<u32>,
    /// Share of the service budget that was claimed; `None` where the plan names no budget.
    pub claimed_budget_share: Option<f64>,
    /// Cash by arm and month, month 0 first; `analysis.json` has it at its top.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cashflow: Vec<CashflowRow>,
    /// Assumptions as used; `analysis.json` has them at its top.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assumptions: Vec<AssumptionRow>,
    /// Joint draws for another program to redo the case; `analysis.json` has them at its top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draws_summary: Option<DrawsSummary>,
    /// What a reader must know: nominal, before tax, flat prior …
    pub notes: Vec<String>,
    /// What the pilot itself cost, all treatment arms together: spent, and in no value. `None` where the
    /// customers of an arm are not known or may not be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pilot_cost: Option<f64>,
    /// Why there is no cash NPV, where there is none.
    pub no_cash_because: Option<String>,
    /// Why no arm has a case of every reason, where there is cash and none has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_every_reason_because: Option<String>,
}

/// What a saving is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Priced {
    /// Contacts avoided × cost of a contact.
    Contacts,
    /// Minutes of handling avoided × cost of a minute.
    Minutes,
}

/// What the pilot gives to the model, beside the effects.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PilotFacts {
    /// Calendar month of the roll-out's first month, 1 is January, by the plan; `None` where it
    /// tells none, and no season asks for one.
    pub start_month: Option<u8>,
    /// Length of the after window in days.
    pub window_days: f64,
    /// Contacts per customer-month of control (30.4375 days).
    pub control_contacts: f64,
    /// Minutes of handling per customer-month of control, where minutes are priced.
    pub control_minutes: Option<f64>,
    /// Whether the effects are those of `rate`, since the estimator that decides compares totals of
    /// customers who were observed for different times.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_rate: bool,
}

impl PilotFacts {
    /// What has a price in one of control's contacts: the contact, or its minutes of handling.
    pub(super) fn units_of_contact(&self) -> f64 {
        match self.control_minutes {
            Some(minutes) if self.control_contacts > 0.0 => minutes / self.control_contacts,
            Some(_) => 0.0,
            None => 1.0,
        }
    }
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

/// The interval of a month from the draws: the first whole months by which a share of the draws of
/// half of 1 − level, and of 1 less that, has come so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MonthRange {
    /// Lower end; `None` is never within the horizon.
    pub lower: Option<u32>,
    /// Upper end; `None` is never within the horizon.
    pub upper: Option<u32>,
}

/// The case of one treatment arm. Where the arm beats another one, its effect is the hybrid
/// median-unbiased estimate, and `as_estimated` stands beside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ArmCase {
    /// The arm.
    pub arm: String,
    /// Contacts avoided per customer-month in the pilot's window (δ).
    pub avoided_per_customer_month: Line,
    /// Contacts avoided over the horizon.
    pub contacts_avoided: Line,
    /// Minutes of handling avoided per customer-month in the pilot's window, where minutes are priced.
    pub minutes_per_customer_month: Option<Line>,
    /// Minutes of handling avoided over the horizon, where minutes are priced.
    pub minutes_avoided: Option<Line>,
    /// Hours of handling avoided over the horizon, where the handling time is known: from minutes, or
    /// from the plan's own handling time.
    pub hours_avoided: Option<Line>,
    /// By how much contacts × average handling time would overstate the minutes avoided, as a share.
    pub overstated_by_contacts: Option<f64>,
    /// Its interval, at least at the level: whatever the correlation of contacts and minutes, which the
    /// evidence does not hold, as long as it is not negative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overstated_by_contacts_interval: Option<[f64; 2]>,
    /// The arm without the correction for having been chosen; `None` where it beats no other arm.
    pub as_estimated: Option<AsEstimated>,
    /// Present value of savings.
    pub pv_savings: Option<Line>,
    /// Present value of spend.
    pub pv_spend: Option<Line>,
    /// Net present value.
    pub npv: Option<Line>,
    /// NPV when the effect ends with the pilot's window.
    pub npv_observed_only: Option<Line>,
    /// Every reason counted at the same cost: a sensitivity, never in the case. `None` where the
    /// primary outcome counts every reason, or `no_every_reason_because` says why it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every_reason: Option<EveryReasonCase>,
    /// Share of the savings that lies beyond what was measured; the interval is of the draws that save anything.
    pub share_beyond_observed: Option<Line>,
    /// (NPV − NPV observed only)/NPV; `None` where NPV is not above 0. A draw whose NPV is not counts
    /// above all others: all of its value, and more, lies beyond.
    pub npv_share_beyond_observed: Option<Line>,
    /// PV(savings)/PV(spend) − 1; `None` without spend.
    pub roi: Option<Line>,
    /// First whole month from which cumulative cash stays ≥ 0; `None` if none.
    pub payback_months: Option<u32>,
    /// Its interval.
    pub payback_months_interval: Option<MonthRange>,
    /// The same with discounted cash.
    pub payback_months_discounted: Option<u32>,
    /// Its interval.
    pub payback_months_discounted_interval: Option<MonthRange>,
    /// PV(spend)/PV(contacts avoided).
    pub cost_per_contact_avoided: Option<Line>,
    /// Reduction (1 − ratio) of contacts, or of minutes where they are priced, at which NPV is 0: of
    /// control's rate as measured. A draw without break-even counts above all others.
    pub break_even_reduction: Option<Line>,
    /// Contacts, or minutes where they are priced, avoided per customer-day at which NPV is 0.
    pub break_even_avoided_per_day: Option<Line>,
    /// Share of the draws in which there is a break-even: in the others nothing avoided becomes cash.
    pub break_even_exists: Option<f64>,
    /// Steady-state yearly saving over the annual service budget, with realisation; `None` where the
    /// horizon has no twelve months.
    pub budget_share: Option<Line>,
    /// The same without realisation.
    pub budget_share_unrealised: Option<Line>,
    /// P(budget share ≥ the claimed one), flat prior.
    pub probability_budget_claim: Option<f64>,
    /// P(NPV > 0), flat prior.
    pub probability_npv_positive: Option<f64>,
    /// P(payback ≤ `payback_within_months`), flat prior.
    pub probability_payback: Option<f64>,
    /// What delivering to the pilot's own customers cost: spent, and in no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pilot_cost: Option<PilotCost>,
    /// Hours and agents; `None` where the plan says too little of the service centre.
    pub staffing: Option<StaffingCase>,
}

/// What the pilot itself cost in an arm; its fixed cost is the roll-out's and counts there.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PilotCost {
    /// Cost per customer × customers of the arm.
    pub delivery: f64,
    /// Running cost × months of the after window.
    pub running: f64,
    /// Both.
    pub total: f64,
}

/// An arm's case where contacts (minutes, where they are priced) for every reason count, each at the
/// cost of those that the primary outcome counts; corrected for the choice as the case is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EveryReasonCase {
    /// Avoided per customer-month, of what has a price.
    pub avoided_per_customer_month: Line,
    /// Net present value.
    pub npv: Line,
    /// P(it is above 0), flat prior.
    pub probability_npv_positive: f64,
}

impl ArmCase {
    /// Whether the roll-out costs nothing, so that there is nothing to pay back.
    pub fn spends_nothing(&self) -> bool {
        self.pv_spend.is_some_and(|spend| spend.value == 0.0)
    }

    /// Whether there are savings to speak of.
    pub fn saves(&self) -> bool {
        self.pv_savings.is_some_and(|savings| savings.value > 0.0)
    }
}

/// An arm at its plain estimate: what the pilot measured, not yet corrected for having been chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AsEstimated {
    /// Contacts avoided per customer-month.
    pub avoided_per_customer_month: Line,
    /// Minutes of handling avoided per customer-month, where minutes are priced.
    pub minutes_per_customer_month: Option<Line>,
    /// Contacts avoided over the horizon.
    pub contacts_avoided: Line,
    /// Net present value.
    pub npv: Option<Line>,
    /// P(NPV > 0), flat prior.
    pub probability_npv_positive: Option<f64>,
}

/// One bar of the tornado: an arm's NPV with one thing at its low and high value, all others at base.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TornadoRow {
    /// Arm.
    pub arm: String,
    /// "effect" or the key of the assumption.
    pub key: String,
    /// Where the two values come from.
    pub range: TornadoRange,
    /// The low value, in `unit`.
    pub low: f64,
    /// The high value; `None` is a half-life without end.
    pub high: Option<f64>,
    /// Unit of both.
    pub unit: AssumptionUnit,
    /// NPV at the low value.
    pub npv_low: f64,
    /// NPV at the high value.
    pub npv_high: f64,
}

/// Where the ends of a tornado's bar come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TornadoRange {
    /// 5th and 95th percentile of what the plan (of an effect: the pilot) says.
    Percentiles,
    /// The plan has one number only: a range that is always shown, since much hangs on it.
    NotStated,
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
    /// Minutes of handling avoided in the month, where minutes are priced.
    pub minutes_avoided: Option<f64>,
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
    /// The fan: quantiles of the cumulative from the draws.
    pub fan: Option<Fan>,
}

/// Quantiles of a month's cumulative cash.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fan {
    /// 5th percentile.
    pub p05: f64,
    /// 25th percentile.
    pub p25: f64,
    /// Median.
    pub p50: f64,
    /// 75th percentile.
    pub p75: f64,
    /// 95th percentile.
    pub p95: f64,
}

/// One assumption as used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AssumptionRow {
    /// Key in `[business]`, dotted; `arms.NAME.…` for what an arm costs.
    pub key: String,
    /// "number", "triangular" or "normal"; "none" where the plan says so (a half-life without end).
    pub form: String,
    /// Base value (the mean); null of "none".
    pub base: Option<f64>,
    /// Low end of a triangle, or 5th percentile of a normal.
    pub low: Option<f64>,
    /// Mode, for triangular and normal.
    pub mode: Option<f64>,
    /// High end of a triangle, or 95th percentile of a normal.
    pub high: Option<f64>,
    /// Standard deviation, for normal (before it is cut).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sd: Option<f64>,
    /// Largest possible value: 1 of a share; none is absent. The least is 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<f64>,
    /// Unit.
    pub unit: AssumptionUnit,
}

/// Joint draws by which another program redoes the intervals of the case after an assumption was
/// changed: the first of those behind the case.
///
/// A column is text: four hexadecimal digits a draw, 0 to 65535.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DrawsSummary {
    /// Draws in each column.
    pub draws: u32,
    /// The arms' effects, corrected for the choice as those of the case are.
    pub effects: Vec<EffectDraws>,
    /// Covariance of the effects as estimated, per customer-month: of minutes where they are priced.
    pub covariance: Vec<Vec<f64>>,
    /// Distance of an effect's 5th and 95th percentile from its estimate, in standard errors.
    pub tail_z: f64,
    /// The uncertain assumptions.
    pub assumptions: Vec<AssumptionDraws>,
}

/// Draws of an arm's effect: per customer-month `estimate + z × se` with z = (number − 32768)/1000,
/// the same z for contacts and minutes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EffectDraws {
    /// Arm.
    pub arm: String,
    /// Contacts avoided per customer-month, as estimated.
    pub contacts: f64,
    /// Its standard error.
    pub contacts_se: f64,
    /// Minutes avoided per customer-month, where minutes are priced.
    pub minutes: Option<f64>,
    /// Its standard error.
    pub minutes_se: Option<f64>,
    /// What has a price for every reason, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every_reason: Option<EveryReasonDraws>,
    /// z at base: 0, or the correction for the choice.
    pub base_z: f64,
    /// The draws.
    pub z: String,
    /// The same draws as estimated, where `z` is corrected for the choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_z: Option<String>,
}

/// The effect of an arm on what has a price for every reason, as estimated, and its draws: they move
/// as far as the corrected draws of the effect lie from those as estimated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EveryReasonDraws {
    /// Avoided per customer-month.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// The draws.
    pub z: String,
}

/// Draws of an uncertain assumption: its quantile at u = (number + ½)/65536.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AssumptionDraws {
    /// Key as in the list of assumptions.
    pub key: String,
    /// The draws.
    pub u: String,
}
