//! Keys of `[data]`.

use crate::experiment::grammar::{Holds, Key, Range, key};
use crate::experiment::keys::{LINE, PATH};

pub(super) const DATA: &[Key] = &[
    key(
        "customers",
        Holds::Table(CUSTOMERS),
        "roster: a row a customer",
    ),
    key("contacts", Holds::Table(CONTACTS), "log: a row a contact"),
    key(
        "counts",
        Holds::Table(COUNTS),
        "ready-made counts: a row a customer",
    ),
    key("cells", Holds::Table(CELLS), "cells made elsewhere"),
    key(
        "regions",
        Holds::Table(REGIONS),
        "customers by region: a row a region, beside a log that names regions",
    ),
];

macro_rules! file_keys {
    ($($more:expr),* $(,)?) => {
        &[
            key("path", PATH, "file or glob, relative to the workspace: .csv, .csv.gz, .parquet")
                .required(),
            $($more,)*
            key("delimiter", Holds::Delimiter, "one ASCII character").or("\",\""),
            key("encoding", LINE, "WHATWG label; absent: UTF-8"),
            key("decimal", Holds::Choice(&[".", ","]), "decimal mark").or("\".\""),
            key("time_format", LINE, "strptime form of dates; absent: ISO 8601"),
            key("timezone", LINE, "IANA zone of local times; absent: that of the periods"),
            key("max_bad_rows", Holds::Number(Range::below(0.0, 1.0)), "share of rows that may be set aside")
                .or("0.01"),
        ]
    };
}

const BY_ARM: Key = key(
    "arm_values",
    Holds::ByArm,
    "values of the arm column that mean an arm; absent: the arm's name",
)
.hint("for example { control = [\"0\", \"holdout\"], tip-sheet = [\"1\"] }");

const UPTAKE: Key = key("uptake", LINE, "1 or 0: took the intervention up");

const CUSTOMERS: &[Key] = file_keys![
    key(
        "columns",
        Holds::Table(&[
            key("unit", LINE, "customer").required(),
            key("arm", LINE, "arm, for method = \"existing\""),
            key("start", LINE, "the customer's own start"),
            UPTAKE,
        ]),
        "columns by meaning",
    )
    .required()
    .hint("for example columns = { unit = \"customer\" }"),
    BY_ARM,
];

const CONTACTS: &[Key] = file_keys![
    key(
        "columns",
        Holds::Table(&[
            key(
                "unit",
                LINE,
                "customer, as in the roster; not used where regions get the arms"
            ),
            key("time", LINE, "when the contact was made").required(),
            key("reason", LINE, "reason"),
            key("id", LINE, "contact; without it duplicates stay"),
            key("channel", LINE, "channel"),
            key("handling_seconds", LINE, "handling time in seconds"),
        ]),
        "columns by meaning",
    )
    .required()
    .hint("for example columns = { unit = \"customer\", time = \"created\" }"),
    key(
        "complete_until",
        Holds::Day,
        "last day that the log holds completely"
    )
    .hint("a day like \"2026-12-02\""),
];

const COUNTS: &[Key] = file_keys![
    key(
        "columns",
        Holds::Table(&[
            key("unit", LINE, "customer"),
            key("arm", LINE, "arm, for method = \"existing\""),
            key("exposure", LINE, "exposure after"),
            key("before_exposure", LINE, "exposure before"),
            key("cluster", LINE, "cluster"),
            UPTAKE,
            key(
                "day",
                LINE,
                "day of the row, where regions get an arm for blocks of days"
            ),
            key("customers", LINE, "customers of the region on that day"),
        ]),
        "columns by meaning",
    )
    .implied(),
    BY_ARM,
    key(
        "exposure_unit",
        Holds::Choice(&["day", "week", "month"]),
        "unit of the exposure columns",
    ),
];

const CELLS: &[Key] = &[key(
    "path",
    PATH,
    "folder or file of cells, relative to the workspace",
)
.required()];

const REGIONS: &[Key] = file_keys![
    key(
        "columns",
        Holds::Table(&[key("customers", LINE, "customers of the region").required()]),
        "columns by meaning",
    )
    .required()
    .hint("for example columns = { customers = \"customers\" }"),
];
