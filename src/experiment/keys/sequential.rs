//! Keys of `[analysis.sequential]`.

use crate::experiment::grammar::{Holds, Key, Range, key};
use crate::experiment::model::SequentialKind;
use crate::stats::sequential::{Boundary, Spending};

/// Looks that one plan may have.
const MOST_LOOKS: usize = 50;

const PARAMETER: Range = Range::from_to(-100.0, 100.0);

pub(super) const SEQUENTIAL: &[Key] = &[
    key(
        "kind",
        Holds::Choice(SequentialKind::WORDS),
        "boundaries for planned looks, or an interval that holds at every moment",
    )
    .or("\"group-sequential\""),
    key(
        "looks",
        Holds::DayList(MOST_LOOKS),
        "last day of each look's contacts, ascending; the last is the end",
    )
    .hint("for example [\"2026-10-20\", \"2026-11-10\", \"2026-11-29\"]"),
    key(
        "information",
        Holds::NumberList(MOST_LOOKS, Range::above(0.0, 1.0)),
        "share of the information at each look, ascending to 1",
    )
    .hint("for example [0.4, 0.7, 1.0]"),
    key(
        "spending",
        Holds::Choice(&Boundary::NAMES),
        "how the error rate is spent over the looks",
    )
    .or("\"obrien-fleming\""),
    key(
        "spending_parameter",
        Holds::Number(PARAMETER),
        "of hwang-shih-decani, kim-demets and wang-tsiatis",
    ),
    key(
        "futility",
        Holds::Table(&[
            key(
                "spending",
                Holds::Choice(&Spending::NAMES),
                "how beta is spent over the looks",
            )
            .required(),
            key(
                "spending_parameter",
                Holds::Number(PARAMETER),
                "of hwang-shih-decani and kim-demets",
            ),
            key(
                "beta",
                Holds::Number(Range::between(0.0, 1.0)),
                "type II error rate",
            )
            .required(),
        ]),
        "advice to stop where success has become unlikely; it binds nobody",
    )
    .hint("for example { spending = \"obrien-fleming\", beta = 0.2 }"),
    key(
        "information_max",
        Holds::Number(Range::above(0.0, 1e15)),
        "1/SE² of the primary that the size was planned for; absent: projected without looking at arms",
    ),
    key(
        "extension_weights",
        Holds::Numbers(2, Range::above(0.0, 1e6)),
        "weights of this stage and of one that may follow it",
    )
    .hint("for example [0.7, 0.3]; only their ratio counts"),
];
