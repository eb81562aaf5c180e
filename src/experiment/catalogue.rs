//! The catalogue of interventions.

use crate::texts::text;

/// An intervention that a plan can name.
#[derive(Debug, Clone, Copy)]
pub struct Intervention {
    /// Name in plans.
    pub name: &'static str,
    /// What the customer gets, in few words of the catalogue of texts.
    pub words: fn() -> String,
}

/// Shown to everyone unless behind a log-in.
pub const SITE_TOP_QUESTIONS: &str = "site-top-questions";

/// Every intervention of the catalogue.
pub const INTERVENTIONS: &[Intervention] = &[
    Intervention {
        name: "welcome-email",
        words: || text!("intervention.welcome-email"),
    },
    Intervention {
        name: "quick-start",
        words: || text!("intervention.quick-start"),
    },
    Intervention {
        name: "video-60s",
        words: || text!("intervention.video-60s"),
    },
    Intervention {
        name: "video-series",
        words: || text!("intervention.video-series"),
    },
    Intervention {
        name: SITE_TOP_QUESTIONS,
        words: || text!("intervention.site-top-questions"),
    },
    Intervention {
        name: "tip-sheet",
        words: || text!("intervention.tip-sheet"),
    },
    Intervention {
        name: "agent-training",
        words: || text!("intervention.agent-training"),
    },
];
