//! Every key of a plan: what it holds, whether it must be there, its default.
//!
//! Reading, defaults, the comments of a written plan and the JSON Schema all
//! follow these tables, so they cannot disagree.

mod business;
mod data;
mod sequential;

use crate::experiment::grammar::{HUGE, Holds, Key, Range, key};
use crate::experiment::keys::business::{ASSUMPTION_HINT, BUSINESS};
use crate::experiment::keys::data::DATA;
use crate::experiment::keys::sequential::SEQUENTIAL;
use crate::experiment::model::{
    BeforeKind, Better, Method, Multiplicity, OutcomeKind, PlannedEstimand, Role, RootCause,
    ScaleIf,
};

const SHARE: Range = Range::from_to(0.0, 1.0);
const AMOUNT: Range = Range::from_to(0.0, HUGE);
const POSITIVE: Range = Range::above(0.0, HUGE);

/// The keys of a table by its path; empty for a path that is none.
pub(super) fn keys_of(path: &str) -> &'static [Key] {
    let mut keys = PLAN;
    for name in path.split('.') {
        keys = match keys.iter().find(|k| k.name == name).map(|k| &k.holds) {
            Some(Holds::Table(keys) | Holds::Tables(keys, _)) => keys,
            _ => return &[],
        };
    }
    keys
}

/// A line of text.
const LINE: Holds = Holds::Text {
    max: 300,
    lines: false,
};

const PATH: Holds = Holds::Text {
    max: 4096,
    lines: false,
};

/// Columns that one table may name.
const COLUMNS: usize = 16;

/// The whole plan.
pub(super) const PLAN: &[Key] = &[
    key("schema", Holds::Whole(1, 1), "version of this form")
        .required()
        .hint("write schema = 1; a plan with a higher number needs a newer pilot"),
    key(
        "experiment",
        Holds::Table(EXPERIMENT),
        "what the pilot is about",
    )
    .required(),
    key(
        "assignment",
        Holds::Table(ASSIGNMENT),
        "how customers get their arm",
    )
    .implied(),
    key("arms", Holds::Tables(ARM, 100), "control and treatments").required(),
    key("periods", Holds::Table(PERIODS), "windows before and after"),
    key("data", Holds::Table(DATA), "where the data are"),
    key("outcomes", Holds::Tables(OUTCOME, 100), "what is measured").required(),
    key("analysis", Holds::Table(ANALYSIS), "tests and estimators").implied(),
    key("decision", Holds::Table(DECISION), "the decision rule").implied(),
    key("privacy", Holds::Table(PRIVACY), "what reports hide").implied(),
    key(
        "business",
        Holds::Table(BUSINESS),
        "assumptions of the business case",
    ),
];

const EXPERIMENT: &[Key] = &[
    key("name", Holds::Name, "the file's stem").required(),
    key("title", LINE, "title in any script"),
    key(
        "problem",
        Holds::Text {
            max: 4000,
            lines: true,
        },
        "the customers' problem, in words",
    ),
    key(
        "root_cause",
        Holds::Choice(RootCause::WORDS),
        "why customers contact",
    ),
    key("owner", LINE, "who owns the pilot"),
    key(
        "seed",
        Holds::Whole(0, u64::MAX),
        "seeds every draw, hashed with purpose and name",
    )
    .required()
    .hint("any whole number will do; `pilot design` draws one"),
];

const ASSIGNMENT: &[Key] = &[
    key(
        "method",
        Holds::Choice(Method::WORDS),
        "complete: exact quotas | hashed: as customers arrive | existing: arms are in the data",
    )
    .or("\"complete\""),
    key("strata", Holds::Texts(COLUMNS), "columns that form strata").or("[]"),
    key(
        "cluster",
        LINE,
        "column whose values are assigned as a whole",
    ),
];

const INTERVENTIONS: &str = "welcome-email | quick-start | video-60s | video-series | \
    site-top-questions | tip-sheet | agent-training";

const ARM: &[Key] = &[
    key("name", Holds::Name, "name in files").required(),
    key("title", LINE, "title in any script"),
    key("control", Holds::Flag, "whether this is the control arm").or("false"),
    key(
        "weight",
        Holds::Whole(1, 1_000_000),
        "share of customers relative to the other arms",
    )
    .hint("use whole numbers of at least 1: 1 and 3 rather than 0.25 and 0.75"),
    key("interventions", Holds::Texts(20), INTERVENTIONS)
    .or("[]"),
    key(
        "after_login",
        Holds::Flag,
        "for site-top-questions: the page is shown after log-in, so each customer can have their own",
    )
    .or("false"),
    key(
        "fixed_cost",
        Holds::Assumption(AMOUNT),
        "paid once at roll-out",
    )
    .or("0")
    .hint(ASSUMPTION_HINT),
    key(
        "cost_per_customer",
        Holds::Assumption(AMOUNT),
        "paid for each customer reached",
    )
    .or("0")
    .hint(ASSUMPTION_HINT),
    key(
        "running_cost_per_month",
        Holds::Assumption(AMOUNT),
        "paid every month",
    )
    .or("0")
    .hint(ASSUMPTION_HINT),
];

const DAYS_HINT: &str = "first and last day, both included: [\"2026-08-01\", \"2026-09-30\"]";

const PERIODS: &[Key] = &[
    key("before", Holds::Days, "first and last day before").hint(DAYS_HINT),
    key("after", Holds::Days, "first and last day after").hint(DAYS_HINT),
    key("timezone", LINE, "IANA zone in which days begin and end").or("\"UTC\""),
    key(
        "start",
        LINE,
        "roster column with each customer's own start",
    ),
    key(
        "before_days",
        Holds::Whole(0, 3660),
        "whole days before the start",
    ),
    key(
        "after_days",
        Holds::Whole(1, 3660),
        "whole days from the start on",
    ),
    key(
        "enrol",
        Holds::Days,
        "first and last day on which a start counts",
    )
    .hint(DAYS_HINT),
];

const OUTCOME: &[Key] = &[
    key("name", Holds::Name, "name in files").required(),
    key("role", Holds::Choice(Role::WORDS), "what it is for").required(),
    key("kind", Holds::Choice(OutcomeKind::WORDS), "what it is").or("\"count\""),
    key(
        "reasons",
        Holds::Texts(10_000),
        "reasons of the log that count; absent: all",
    )
    .or("[]"),
    key(
        "better",
        Holds::Choice(Better::WORDS),
        "which direction is good; for counts lower",
    ),
    key(
        "cap",
        Holds::Whole(1, 1_000_000_000),
        "counts above it count as it",
    ),
    key(
        "after",
        LINE,
        "column after, in a counts file; absent: after",
    ),
    key("before", LINE, "column before, in a counts file"),
    key(
        "before_kind",
        Holds::Choice(BeforeKind::WORDS),
        "whether `before` is the same count earlier (as when absent) or only a covariate",
    ),
    key(
        "margin",
        Holds::Number(POSITIVE),
        "harm that a guardrail may show, in the outcome's unit",
    ),
];

/// Draws of a resampling method.
const DRAWS: Holds = Holds::Whole(0, 10_000_000);

const ANALYSIS: &[Key] = &[
    key(
        "alpha",
        Holds::Number(Range::above(0.0, 0.5)),
        "error rate over all comparisons",
    )
    .or("0.05"),
    key(
        "power",
        Holds::Number(Range::between(0.0, 1.0)),
        "power that the size was chosen for",
    )
    .or("0.8"),
    key(
        "alternative",
        Holds::Choice(&["two-sided", "one-sided"]),
        "one-sided points towards `better`",
    )
    .or("\"two-sided\""),
    key(
        "estimand",
        Holds::Choice(PlannedEstimand::WORDS),
        "what is estimated",
    )
    .or("\"difference\""),
    key(
        "estimator",
        LINE,
        "the one that decides; \"auto\" only before approval",
    )
    .or("\"auto\""),
    key(
        "multiplicity",
        Holds::Choice(Multiplicity::WORDS),
        "adjustment over arms",
    )
    .or("\"dunnett\""),
    key(
        "per_days",
        Holds::Whole(1, 3660),
        "differences are per customer over so many days; absent: over the window",
    ),
    key("permutations", DRAWS, "draws of the permutation test").or("10000"),
    key("bootstrap", DRAWS, "draws of the bootstrap").or("10000"),
    key(
        "segments",
        Holds::Texts(COLUMNS),
        "columns to show effects by",
    )
    .or("[]"),
    key(
        "prior",
        Holds::Table(&[
            key("mean", Holds::Number(Range::from_to(-5.0, 5.0)), "mean").required(),
            key(
                "sd",
                Holds::Number(Range::above(0.0, 10.0)),
                "standard deviation",
            )
            .required(),
        ]),
        "normal prior of the log ratio",
    )
    .hint("for example { mean = 0.0, sd = 0.2 }"),
    key(
        "sequential",
        Holds::Table(SEQUENTIAL),
        "looking before the planned end",
    ),
];

const DECISION: &[Key] = &[
    key(
        "scale_if",
        Holds::Choice(ScaleIf::WORDS),
        "npv: P(NPV > 0) is high enough | break-even: the adjusted bound clears it",
    )
    .or("\"npv\""),
    key(
        "min_probability",
        Holds::Number(Range::between(0.0, 1.0)),
        "P(NPV > 0) needed",
    )
    .or("0.9"),
    key(
        "max_payback_months",
        Holds::Whole(1, 600),
        "longest payback allowed",
    ),
    key(
        "max_attrition_difference",
        Holds::Number(Range::above(0.0, 1.0)),
        "largest difference in missing outcomes between arms",
    ),
];

const PRIVACY: &[Key] = &[key(
    "min_cell",
    Holds::Whole(1, 10_000),
    "smaller groups are merged or shown as \"<5\"",
)
.or("5")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_comment_on_interventions_lists_the_catalogue() {
        let names: Vec<&str> = crate::experiment::INTERVENTIONS
            .iter()
            .map(|i| i.name)
            .collect();
        assert_eq!(INTERVENTIONS, names.join(" | "));
    }
}
