//! The decision rule and the assumptions of the business case.

/// The decision rule, `[decision]`.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionRule {
    /// What scaling needs.
    pub scale_if: ScaleIf,
    /// P(NPV > 0) needed.
    pub min_probability: f64,
    /// Longest payback allowed.
    pub max_payback_months: Option<u32>,
    /// Largest difference in missing outcomes between arms.
    pub max_attrition_difference: Option<f64>,
}

/// What scaling needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScaleIf {
    /// P(NPV > 0) ≥ `min_probability`.
    Npv,
    /// The adjusted bound clears break-even.
    BreakEven,
}

/// An assumption: a number or a distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Assumption {
    /// A number.
    Fixed(f64),
    /// Triangular.
    Triangular {
        /// Least.
        low: f64,
        /// Most likely.
        mode: f64,
        /// Most.
        high: f64,
    },
    /// Normal cut at 0, sd ≤ mean/3.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        sd: f64,
    },
}

impl From<f64> for Assumption {
    fn from(number: f64) -> Self {
        Assumption::Fixed(number)
    }
}

/// Cost of a contact or of a minute: `variable` is saved in full, `labour` × `realisation`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UnitCost {
    /// Saved with the contact.
    pub variable: Assumption,
    /// Saved as far as freed labour becomes cash.
    pub labour: Assumption,
}

/// What is multiplied by a cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CostBasis {
    /// Contacts × cost.
    PerContact(UnitCost),
    /// Minutes × cost; needs handling seconds in the log.
    PerMinute(UnitCost),
}

/// How long the effect lasts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum HalfLife {
    /// No fade.
    None,
    /// Months until half the effect is left.
    Months(Assumption),
}

/// The assumptions of the business case, `[business]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Business {
    /// ISO 4217 code.
    pub currency: String,
    /// Cost basis; `None`: contacts and hours only.
    pub cost: Option<CostBasis>,
    /// With a cost per minute: the outcome of total handling seconds per customer.
    pub handling_outcome: Option<String>,
    /// The outcome that counts what has a price for every reason, where the primary counts some of a
    /// log's: contacts, or with a cost per minute handling seconds.
    pub every_reason: Option<String>,
    /// Share of freed labour that becomes cash.
    pub realisation: Option<Assumption>,
    /// Months until it does.
    pub realisation_lag_months: Assumption,
    /// Fade; `None` where the plan is silent (then no cash NPV).
    pub half_life: Option<HalfLife>,
    /// Customers at roll-out.
    pub units_at_rollout: Option<Assumption>,
    /// New customers a month.
    pub new_customers_per_month: Assumption,
    /// Share of customers who leave each month.
    pub churn_per_month: Assumption,
    /// Share of customers kept as a control group at roll-out.
    pub holdout: f64,
    /// Horizon H in months.
    pub horizon_months: u32,
    /// Annual discount rate.
    pub annual_discount_rate: Assumption,
    /// Months until everyone has been reached; 0 for at once.
    pub ramp_months: u32,
    /// Months between repeats of the intervention; `None`: once.
    pub repeat_every_months: Option<u32>,
    /// Twelve factors of the season, January first; `None`: no season.
    pub baseline_by_month: Option<[f64; 12]>,
    /// Calendar month in which the roll-out begins, 1 is January, where the plan says so; see
    /// `Experiment::rollout_month`.
    pub rollout_month: Option<u32>,
    /// Annual service budget, in the currency.
    pub annual_service_budget: Option<Assumption>,
    /// Claims to hold the result against.
    pub claims: Claims,
    /// How the service centre is staffed, for hours and agents.
    pub staffing: Option<Staffing>,
}

impl Business {
    /// Keys without which there is no cash net present value.
    pub fn missing(&self) -> Vec<&'static str> {
        [
            ("cost_per_contact", self.cost.is_none()),
            ("realisation", self.realisation.is_none()),
            ("half_life_months", self.half_life.is_none()),
            ("units_at_rollout", self.units_at_rollout.is_none()),
        ]
        .into_iter()
        .filter_map(|(key, missing)| missing.then_some(key))
        .collect()
    }
}

/// How the service centre is staffed: what turns contacts avoided into hours and agents.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Staffing {
    /// Share of an agent's logged-in time spent on contacts.
    pub occupancy: Option<f64>,
    /// Share of paid time that is not logged in: leave, training, breaks.
    pub shrinkage: Option<f64>,
    /// Paid hours of an agent in a year.
    pub hours_per_agent_year: Option<f64>,
    /// Share of contacts answered within `answer_seconds`.
    pub service_level: Option<f64>,
    /// Seconds within which that share is answered.
    pub answer_seconds: Option<f64>,
    /// Length of a planning interval, minutes.
    pub interval_minutes: Option<f64>,
    /// Contacts that arrive in an interval.
    pub contacts_per_interval: Option<f64>,
    /// Mean handling time, seconds.
    pub handling_seconds: Option<f64>,
}

/// Claims to hold the result against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Claims {
    /// Reduction of contacts, low and high.
    pub contact_reduction: (f64, f64),
    /// Share of the service budget.
    pub budget_share: f64,
}
