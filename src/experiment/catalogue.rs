//! The catalogue of interventions.

/// An intervention that a plan can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intervention {
    /// Name in plans.
    pub name: &'static str,
    /// What the customer gets, in few words.
    pub words: &'static str,
}

/// Shown to everyone unless behind a log-in.
pub const SITE_TOP_QUESTIONS: &str = "site-top-questions";

/// Every intervention of the catalogue.
pub const INTERVENTIONS: &[Intervention] = &[
    Intervention {
        name: "welcome-email",
        words: "a welcome e-mail",
    },
    Intervention {
        name: "quick-start",
        words: "a quick-start page",
    },
    Intervention {
        name: "video-60s",
        words: "a video of 60 seconds",
    },
    Intervention {
        name: "video-series",
        words: "a series of short videos",
    },
    Intervention {
        name: SITE_TOP_QUESTIONS,
        words: "the top questions on the web site",
    },
    Intervention {
        name: "tip-sheet",
        words: "a sheet of ten tips",
    },
    Intervention {
        name: "agent-training",
        words: "training of the agents",
    },
];
