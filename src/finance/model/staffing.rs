//! Hours and agents, as plain data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Line;

/// What the contacts avoided mean to the service centre in a steady year, the horizon's last twelve
/// months: two readings of the labour in the savings, never added to them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StaffingCase {
    /// Handling hours avoided per year.
    pub hours_per_year: Option<Line>,
    /// Paid hours behind them: handling hours over occupancy and over what shrinkage leaves.
    pub paid_hours_per_year: Option<Line>,
    /// Paid hours over those of an agent in a year.
    pub full_time_agents: Option<Line>,
    /// Share of the contacts that is avoided.
    pub contacts_avoided: f64,
    /// Share of the handling minutes that is avoided.
    pub minutes_avoided: f64,
    /// Agents by Erlang C; `None` where the plan's interval is not complete.
    pub agents: Option<AgentsCase>,
}

/// Agents in the plan's interval, before and after.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentsCase {
    /// As it is.
    pub before: Staffed,
    /// First reading: occupancy and service level are kept, agents are freed.
    pub fewer_agents: Staffed,
    /// Second reading: the agents are kept, occupancy falls.
    pub lower_occupancy: Staffed,
}

/// A number of agents and how they cope.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Staffed {
    /// Agents who are logged in.
    pub agents: u32,
    /// Paid positions that it takes, with shrinkage on top.
    pub positions: f64,
    /// Share of their time that contacts take.
    pub occupancy: f64,
    /// Share of contacts answered in time, where the plan says what that is.
    pub service_level: Option<f64>,
    /// Mean wait in seconds.
    pub mean_wait_seconds: f64,
}
