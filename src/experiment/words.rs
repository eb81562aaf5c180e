//! The words that plans use for choices, each once.

use crate::experiment::model::{
    BeforeKind, Better, Method, Multiplicity, OutcomeKind, PlannedEstimand, Role, RootCause,
    ScaleIf, ScheduleKind, SequentialKind,
};
use crate::experiment::value::{Held, Value};

macro_rules! words {
    ($($type:ident { $($variant:ident = $word:literal),* $(,)? })*) => {
        $(
            impl $type {
                pub(super) const WORDS: &'static [&'static str] = &[$($word),*];

                /// The word in plans and reports.
                pub fn name(self) -> &'static str {
                    match self {
                        $($type::$variant => $word),*
                    }
                }
            }

            impl Held for $type {
                fn held(value: &Value) -> Option<Self> {
                    match value {
                        Value::Text(text) => match text.as_str() {
                            $($word => Some($type::$variant),)*
                            _ => None,
                        },
                        _ => None,
                    }
                }
            }
        )*
    };
}

words! {
    RootCause {
        Expectation = "expectation",
        Process = "process",
        CustomerError = "customer-error",
        EmployeeReadiness = "employee-readiness",
    }
    Method {
        Complete = "complete",
        Hashed = "hashed",
        Existing = "existing",
    }
    ScheduleKind {
        Switchback = "switchback",
        SteppedWedge = "stepped-wedge",
    }
    Role {
        Primary = "primary",
        Secondary = "secondary",
        Guardrail = "guardrail",
    }
    OutcomeKind {
        Count = "count",
        Mean = "mean",
        Proportion = "proportion",
    }
    Better {
        Lower = "lower",
        Higher = "higher",
    }
    BeforeKind {
        Count = "count",
        Covariate = "covariate",
    }
    PlannedEstimand {
        Difference = "difference",
        Ratio = "ratio",
    }
    Multiplicity {
        Dunnett = "dunnett",
        DunnettStepDown = "dunnett-step-down",
        Holm = "holm",
        Hochberg = "hochberg",
        Bh = "bh",
        None = "none",
    }
    SequentialKind {
        GroupSequential = "group-sequential",
        ConfidenceSequence = "confidence-sequence",
    }
    ScaleIf {
        Npv = "npv",
        BreakEven = "break-even",
    }
}
