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
    /// Promising, not proven: a second stage.
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
    /// Why, in the order of weight.
    pub why: Vec<String>,
    /// What a next stage of the arm needs; absent unless the verdict is `extend` for an effect that
    /// is not shown yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_stage: Option<NextStage>,
}
