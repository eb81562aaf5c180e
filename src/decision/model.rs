//! The verdict, as plain data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analysis::NextStage;

/// What to do with the pilot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictKind {
    /// Roll the arm out.
    Scale,
    /// Worth following up: promising and not proven, or shown and something else is open.
    Extend,
    /// No arm is worth it.
    Stop,
    /// The test period has not ended.
    Wait,
    /// A health check stopped it.
    Blocked,
}

impl VerdictKind {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            VerdictKind::Scale => "scale",
            VerdictKind::Extend => "extend",
            VerdictKind::Stop => "stop",
            VerdictKind::Wait => "wait",
            VerdictKind::Blocked => "blocked",
        }
    }
}

/// The verdict with its reasons, each a sentence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// The arm it concerns; `None` where it concerns none.
    pub arm: Option<String>,
    /// The verdict.
    pub verdict: VerdictKind,
    /// What it rests on, for the first line: of the decided arm, or where none is, of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<Because>,
    /// Why, in the order of weight.
    pub why: Vec<String>,
    /// What a next stage of the arm needs; absent unless the verdict is `extend` for an effect that
    /// is not shown yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_stage: Option<NextStage>,
}

/// What a verdict rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Because {
    /// The arm; `None` where it is about all.
    pub arm: Option<String>,
    /// The reason.
    pub reason: Reason,
    /// Names of what it is about: checks, or outcomes that are guardrails.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub of: Vec<String>,
    /// More of it in words or in figures, as the first line has it; `None` where the reason says all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Because {
    /// A reason about an arm.
    pub fn of_arm(arm: &str, reason: Reason) -> Self {
        Because {
            arm: Some(arm.into()),
            reason,
            of: Vec::new(),
            detail: None,
        }
    }

    /// A reason about everything.
    pub fn of_all(reason: Reason, of: Vec<String>) -> Self {
        Because {
            arm: None,
            reason,
            of,
            detail: None,
        }
    }

    /// The same with more of it in words.
    pub fn with(self, detail: Option<String>) -> Self {
        Because { detail, ..self }
    }
}

/// Kinds of reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Checks stopped the analysis.
    CheckStopped,
    /// Checks would have stopped it, and were passed over.
    CheckPassedOver,
    /// The outcome that decides has no estimate.
    NoEstimate,
    /// The test period has not ended.
    NotEnded,
    /// The plan as it stands was not approved before the data.
    NotApproved,
    /// The arm is worse than control, beyond chance.
    Harm,
    /// It looks worse, to a test that looks for benefit alone.
    LooksWorse,
    /// No sign of a benefit.
    NoBenefit,
    /// A look found success unlikely.
    Unlikely,
    /// Guardrails are broken.
    GuardrailBroken,
    /// Guardrails are not shown to hold.
    GuardrailOpen,
    /// What the arm is worth is not known.
    MoneyUnknown,
    /// The chance of a positive NPV is below what the plan asks for.
    ChanceTooLow,
    /// The interval does not clear break-even.
    BreakEven,
    /// It does not pay back in the time that the plan gives.
    Payback,
    /// The effect is not shown, and a second stage may show it.
    NotShown,
    /// The effect is not shown, and the roll-out rather loses than earns.
    Loses,
    /// The effect is not shown, and one of the estimated size takes another test.
    OutOfReach,
}
