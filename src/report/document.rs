//! `analysis.json`: one document that every report is rendered from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analysis::{
    BalanceRow, Boundaries, Check, Covariance, DistributionRow, EstimateRow, FactorialRow,
    LevelRow, ScheduleRows, Segments, Skipped, Stages, Warning, Weekly,
};
use crate::decision::Decision;
use crate::error::{Error, Result};
use crate::finance::{AssumptionRow, BusinessCase, CashflowRow, DrawsSummary};

/// The document, schema `pilot.analysis/1`. Unknown is null; floats round-trip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    /// Always [`Document::SCHEMA`].
    pub schema: String,
    /// Version of the program that made it.
    pub pilot_version: String,
    /// The pilot.
    pub experiment: ExperimentInfo,
    /// SHA-256 of the plan's bytes, hexadecimal.
    pub plan_sha256: String,
    /// The approval's seal, 16 characters.
    pub seal: Option<String>,
    /// NOT PRE-REGISTERED, LATE, EXPLORATORY, WHAT-IF: shown on every report.
    pub banners: Vec<String>,
    /// The day as of which it was analysed, ISO 8601.
    pub as_of: String,
    /// Interim look, for sequential plans.
    pub look: Option<u32>,
    /// "analysis K of K": analyses of real arms so far, this one included; `None` where it was not recorded.
    pub analysis_number: Option<u32>,
    /// What the scan found.
    pub evidence: EvidenceInfo,
    /// Health checks.
    pub checks: Vec<Check>,
    /// Estimates.
    pub estimates: Vec<EstimateRow>,
    /// Estimators that do not apply.
    pub skipped: Vec<Skipped>,
    /// Of the primary, arms together.
    pub covariance: Option<Covariance>,
    /// Main effects and interactions, where arms cross two interventions; absent where none do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub factorial: Vec<FactorialRow>,
    /// Balance at the start.
    pub balance: Vec<BalanceRow>,
    /// Contacts per customer.
    pub distribution: Vec<DistributionRow>,
    /// Means before and after by arm.
    pub levels: Vec<LevelRow>,
    /// Effects by week; null where the data do not tell the weeks.
    pub weekly: Option<Weekly>,
    /// Which region had which arm when; absent where customers or clusters got the arms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleRows>,
    /// Looks of a sequential plan: boundary, statistics so far and what comes next.
    pub boundaries: Option<Boundaries>,
    /// Both stages of a pilot whose first was extended; absent of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stages: Option<Stages>,
    /// Effects by segment; null where the plan asks for none or the data do not tell.
    pub segments: Option<Segments>,
    /// All approvals, oldest first; absent where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<ApprovalRow>,
    /// Changes of the plan since the approval that it is compared with, key by key.
    pub deviations: Vec<Deviation>,
    /// Assumptions of the business case.
    pub assumptions: Vec<AssumptionRow>,
    /// The business case; `None` without `[business]`.
    pub business: Option<BusinessCase>,
    /// Why there is no business case though the plan has `[business]`; absent where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_business_because: Option<String>,
    /// Cash by arm and month.
    pub cashflow: Vec<CashflowRow>,
    /// Joint draws, for a program that redoes the case.
    pub draws_summary: Option<DrawsSummary>,
    /// The verdict.
    pub decision: Decision,
    /// Warnings.
    pub warnings: Vec<Warning>,
}

impl Document {
    /// The schema's name and version.
    pub const SCHEMA: &'static str = "pilot.analysis/1";
}

/// What every report says about the pilot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExperimentInfo {
    /// Name in files.
    pub name: String,
    /// Title for people.
    pub title: String,
    /// The customers' problem.
    pub problem: Option<String>,
    /// Arms in the plan's order.
    pub arms: Vec<ArmInfo>,
    /// The outcome that decides.
    pub primary_outcome: String,
    /// Its good direction: "lower" or "higher".
    pub better: String,
    /// All outcomes in the plan's order; absent in documents of older versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<OutcomeInfo>,
    /// First and last day of the after window, where all customers share it.
    pub after: Option<[String; 2]>,
    /// Groups smaller than this are not shown.
    pub min_cell: u64,
    /// "switchback" or "stepped-wedge", where regions got the arms: counts by arm are then of
    /// region-blocks. Absent where customers or clusters got them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub design: Option<String>,
    /// Whether the tests look for benefit alone. Absent where they look both ways.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub one_sided: bool,
}

/// An arm as reports name it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ArmInfo {
    /// Name in files.
    pub name: String,
    /// Title for people.
    pub title: String,
    /// Whether it is control.
    pub control: bool,
}

/// An outcome as reports name it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OutcomeInfo {
    /// Name in files.
    pub name: String,
    /// "primary", "secondary" or "guardrail".
    pub role: String,
    /// Its good direction: "lower" or "higher".
    pub better: String,
    /// The most harm that a guardrail may do, in the outcome's own unit; null of others.
    pub margin: Option<f64>,
}

impl OutcomeInfo {
    /// Whether no arm may harm it.
    pub fn is_guardrail(&self) -> bool {
        self.role == "guardrail"
    }
}

/// What the scan found, in short.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceInfo {
    /// Number of the evidence set; `None` where it was not kept.
    pub number: Option<u32>,
    /// Customers by arm, in the plan's order; null where they may not be told.
    pub customers_by_arm: Vec<Option<u64>>,
    /// Contacts after, by arm, of the primary outcome; null where they may not be told.
    pub contacts_by_arm: Vec<Option<f64>>,
    /// Names of the arms with fewer than `min_cell` customers. Absent where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub small_arms: Vec<String>,
    /// The audit's counts; null where an arm's customers may not be told, who could be had from them.
    pub audit: Option<crate::table::Audit>,
}

/// An approval of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApprovalRow {
    /// Its number: its plan is `approved/000N.toml`.
    pub number: u64,
    /// Who approved.
    pub by: Option<String>,
    /// In which role.
    pub role: Option<String>,
    /// The day, ISO 8601, in UTC.
    pub day: String,
    /// The seal that was printed.
    pub seal: String,
    /// SHA-256 of the plan's bytes, hexadecimal.
    pub plan_sha256: String,
    /// Whether the test period had begun, or data had been read, before it.
    pub late: bool,
    /// Why it is not late though the period had begun: it only enlarged the pilot, after a blinded re-estimation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Whether `deviations` are against this one: the last that was not late, or the first where all were.
    pub compared: bool,
}

/// One changed key since approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Deviation {
    /// Dotted key.
    pub key: String,
    /// Approved value as TOML; `None` where it was absent.
    pub approved: Option<String>,
    /// Present value as TOML; `None` where it was removed.
    pub now: Option<String>,
    /// Whether it can change the result.
    pub material: bool,
    /// Why it is no reason for doubt all the same: a pilot enlarged after a blinded re-estimation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Deviation {
    /// Whether it can change the result, and nothing excuses it.
    pub fn unexplained(&self) -> bool {
        self.material && self.why.is_none()
    }
}

impl Document {
    /// The document as pretty JSON with a trailing newline: the bytes of `analysis.json`.
    ///
    /// Errors: an internal one where the document would not read back equal, as with a number
    /// that is not finite.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let internal = |e: &dyn std::fmt::Display| Error::internal(format!("analysis.json: {e}"));
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|e| internal(&e))?;
        bytes.push(b'\n');
        let back: Document = serde_json::from_slice(&bytes)
            .map_err(|e| internal(&format!("would not read back: {e}")))?;
        if back != *self {
            return Err(internal(&"would read back as something else"));
        }
        Ok(bytes)
    }

    /// Reads the bytes of an `analysis.json`.
    ///
    /// Errors: data errors with line and column; another schema is named.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Head {
            schema: String,
        }
        let wrong = |e: serde_json::Error| {
            Error::data(format!("not an analysis: {e}"))
                .line(e.line() as u64)
                .column(e.column() as u64)
                .hint("run `pilot analyze` again to write it anew")
        };
        let head: Head = serde_json::from_slice(bytes).map_err(wrong)?;
        if head.schema != Self::SCHEMA {
            return Err(Error::data(format!(
                "schema \"{}\" cannot be read, only \"{}\"",
                head.schema.escape_default(),
                Self::SCHEMA
            ))
            .key("schema")
            .hint("use the version of pilot that wrote it, or run `pilot analyze` again"));
        }
        serde_json::from_slice(bytes).map_err(wrong)
    }

    /// The JSON Schema of `analysis.json`.
    pub fn json_schema() -> serde_json::Value {
        schemars::schema_for!(Document).to_value()
    }
}
