//! Keys of `[business]`.

use crate::experiment::grammar::{Holds, Key, Range, key};
use crate::experiment::keys::{AMOUNT, LINE, POSITIVE, SHARE};

pub(super) const ASSUMPTION_HINT: &str =
    "a number, { low = 2, mode = 3, high = 5 } or { mean = 3, sd = 0.5 }";

pub(super) const BUSINESS: &[Key] = &[
    key("currency", LINE, "ISO 4217 code")
        .required()
        .hint("three letters, for example \"EUR\""),
    key(
        "cost_per_contact",
        Holds::Cost,
        "variable is saved in full, labour × realisation; a plain number is all labour",
    ),
    key(
        "cost_per_minute",
        Holds::Cost,
        "instead, where handling seconds are logged",
    ),
    key(
        "handling_outcome",
        Holds::Name,
        "with cost_per_minute: the outcome of total handling seconds per customer; of a log pilot makes it",
    ),
    key(
        "realisation",
        Holds::Assumption(SHARE),
        "share of freed labour that becomes cash",
    )
    .hint(ASSUMPTION_HINT),
    key(
        "realisation_lag_months",
        Holds::Assumption(Range::from_to(0.0, 600.0)),
        "months until it does",
    )
    .or("0")
    .hint(ASSUMPTION_HINT),
    key(
        "half_life_months",
        Holds::HalfLife,
        "months until half the effect is left, or \"none\"",
    ),
    key(
        "units_at_rollout",
        Holds::Assumption(POSITIVE),
        "customers at roll-out",
    )
    .hint(ASSUMPTION_HINT),
    key(
        "customers_at_rollout",
        Holds::Assumption(POSITIVE),
        "another name of units_at_rollout",
    )
    .hint(ASSUMPTION_HINT),
    key(
        "new_customers_per_month",
        Holds::Assumption(AMOUNT),
        "new customers a month",
    )
    .or("0")
    .hint(ASSUMPTION_HINT),
    key(
        "churn_per_month",
        Holds::Assumption(SHARE),
        "share of customers who leave each month",
    )
    .or("0")
    .hint(ASSUMPTION_HINT),
    key(
        "holdout",
        Holds::Number(Range::below(0.0, 1.0)),
        "share kept as a control group at roll-out",
    )
    .or("0"),
    key("horizon_months", Holds::Whole(1, 600), "months counted").or("36"),
    key(
        "annual_discount_rate",
        Holds::Assumption(SHARE),
        "0.08 is 8 % a year",
    )
    .or("0.08")
    .hint(ASSUMPTION_HINT),
    key(
        "ramp_months",
        Holds::Whole(0, 600),
        "months until every customer has been reached",
    )
    .or("0"),
    key(
        "repeat_every_months",
        Holds::Whole(1, 600),
        "months between repeats; absent: once",
    ),
    key(
        "baseline_by_month",
        Holds::Numbers(12, Range::above(0.0, 1000.0)),
        "season: twelve factors, January first",
    )
    .hint("twelve factors around 1, January first"),
    key(
        "rollout_month",
        Holds::Whole(1, 12),
        "calendar month in which the roll-out begins, 1 is January; absent: the month after the last planned after-day",
    ),
    key(
        "annual_service_budget",
        Holds::Assumption(POSITIVE),
        "in the currency",
    )
    .hint(ASSUMPTION_HINT),
    key(
        "claims",
        Holds::Table(&[
            key(
                "contact_reduction",
                Holds::Numbers(2, SHARE),
                "low and high, as shares",
            )
            .or("[0.25, 0.3]"),
            key(
                "budget_share",
                Holds::Number(SHARE),
                "share of the service budget",
            )
            .or("0.15"),
        ]),
        "claims to hold the result against",
    )
    .implied(),
    key(
        "staffing",
        Holds::Table(&[
            key(
                "occupancy",
                Holds::Number(Range::between(0.0, 1.0)),
                "share of logged-in time spent on contacts",
            ),
            key(
                "shrinkage",
                Holds::Number(Range::below(0.0, 1.0)),
                "share of paid time not logged in",
            ),
            key(
                "hours_per_agent_year",
                Holds::Number(Range::above(0.0, 8784.0)),
                "paid hours of an agent in a year",
            ),
            key(
                "service_level",
                Holds::Number(Range::between(0.0, 1.0)),
                "share answered within answer_seconds",
            ),
            key(
                "answer_seconds",
                Holds::Number(Range::from_to(0.0, 86_400.0)),
                "seconds within which that share is answered",
            ),
            key(
                "interval_minutes",
                Holds::Number(Range::above(0.0, 1440.0)),
                "length of a planning interval",
            ),
            key(
                "contacts_per_interval",
                Holds::Number(POSITIVE),
                "contacts that arrive in an interval",
            ),
            key(
                "handling_seconds",
                Holds::Number(Range::above(0.0, 86_400.0)),
                "mean handling time",
            ),
        ]),
        "how the service centre is staffed",
    ),
];
