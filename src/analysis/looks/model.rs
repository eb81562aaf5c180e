//! What a look says, as plain data: `boundaries` in `analysis.json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Looks of a sequential plan: the rule, the boundary, and where every arm stands.
///
/// z is positive where the effect is good.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Boundaries {
    /// "group-sequential" or "confidence-sequence".
    pub kind: String,
    /// Name of the boundary; `None` of a confidence sequence.
    pub spending: Option<String>,
    /// Its parameter.
    pub spending_parameter: Option<f64>,
    /// Error rate over all looks and comparisons.
    pub alpha: f64,
    /// Error rate of one comparison over all looks.
    pub alpha_each: f64,
    /// 1 or 2.
    pub sides: u8,
    /// Number of this look.
    pub look: u32,
    /// Looks of the plan, the end included; `None` where any moment is one.
    pub looks_planned: Option<u32>,
    /// Looks made so far, this one included.
    pub looks_made: u32,
    /// Last day whose contacts count; `None` where the file is as of the look.
    pub until: Option<String>,
    /// Whether the planned end has passed.
    pub ended: bool,
    /// Where fractions come from: "plan" (its information_max), "planned" (its information),
    /// "projected" (from rate and dispersion of all arms together) or "days".
    pub fractions_from: String,
    /// Rate and spread of all arms together, as the size may be looked at again without looking at
    /// the effect; `None` where the outcome is no count.
    pub blinded: Option<BlindedRow>,
    /// The boundary as planned.
    pub planned: Vec<PlannedLook>,
    /// Every comparison that decides.
    pub arms: Vec<ArmLooks>,
    /// What happens next, in sentences.
    pub next: Vec<String>,
}

/// Rate and spread without the arms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BlindedRow {
    /// Contacts per customer per 30 days.
    pub rate_per_30_days: f64,
    /// NB2 dispersion of counts up to the look.
    pub dispersion: f64,
    /// Customers observed.
    pub customers: u64,
}

/// A look as planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedLook {
    /// Number, from 1.
    pub look: u32,
    /// Its day, where the plan names it.
    pub date: Option<String>,
    /// Information fraction.
    pub information: f64,
    /// Critical z.
    pub z: f64,
    /// Its p-value on the sides of the test.
    pub nominal_p: f64,
    /// Error rate spent up to here.
    pub spent: f64,
    /// Futility bound.
    pub futility: Option<f64>,
}

/// Where a comparison stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LookState {
    /// Crossed on the good side.
    Effect,
    /// Crossed on the bad side.
    Harm,
    /// Below the futility bound.
    Futility,
    /// Not crossed; the next look decides.
    GoOn,
    /// Not crossed, and no look is left.
    NotShown,
}

/// One arm against control over the looks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ArmLooks {
    /// Outcome's name.
    pub outcome: String,
    /// Arm.
    pub arm: String,
    /// Looks made, this one last.
    pub looks: Vec<LookRow>,
    /// Where it stands.
    pub state: LookState,
    /// Look at which the boundary was crossed.
    pub crossed_at: Option<u32>,
    /// p over all looks: by the order of looks once the pilot stopped or ended, else the repeated
    /// p; not adjusted for several arms.
    pub p: Option<f64>,
    /// Median-unbiased estimate where the pilot stopped or ended.
    pub median_unbiased: Option<f64>,
    /// Interval over all looks at 1 − `alpha_each`.
    pub ci_lower: Option<f64>,
    /// Interval.
    pub ci_upper: Option<f64>,
}

/// A comparison at one look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LookRow {
    /// Number of the look.
    pub look: u32,
    /// Last day whose contacts counted.
    pub until: Option<String>,
    /// 1/SE², differences per customer over the planned window or the plan's days.
    pub information: f64,
    /// Information planned for the end.
    pub information_max: f64,
    /// Fraction of it; 1 at the last look.
    pub fraction: f64,
    /// The statistic; positive is good.
    pub z: f64,
    /// Its boundary.
    pub critical: f64,
    /// The boundary's p-value on the sides of the test.
    pub nominal_p: f64,
    /// Error rate spent up to here.
    pub spent: Option<f64>,
    /// Futility bound.
    pub futility: Option<f64>,
    /// The estimate then.
    pub value: f64,
    /// Repeated interval: value ± boundary × SE.
    pub repeated_lower: Option<f64>,
    /// Repeated interval.
    pub repeated_upper: Option<f64>,
    /// Repeated p.
    pub repeated_p: Option<f64>,
    /// Days that value and interval are of, where they grow with the days; `None` where the unit is
    /// the same at every look.
    #[serde(default)]
    pub days: Option<f64>,
}
