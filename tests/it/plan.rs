//! Plans: reading, and every rule that a plan has to keep.

use std::path::{Path, PathBuf};

use pilot::error::{Error, Kind};
use pilot::experiment::{self, Experiment};

/// A roster and a log, every key in use.
const FEES: &str = include_str!("../data/plans/fees-education.toml");
/// Ready-made counts.
const COUNTS: &str = include_str!("../data/plans/counts.toml");
/// Cells made elsewhere, all tables inline.
const CELLS: &str = include_str!("../data/plans/cells.toml");

fn file_of(base: &str) -> PathBuf {
    let stem = match base {
        _ if base == FEES => "fees-education",
        _ if base == COUNTS => "counts",
        _ => "cells",
    };
    PathBuf::from(format!("experiments/{stem}.toml"))
}

fn read(base: &str) -> Experiment {
    experiment::parse(base, &file_of(base))
        .unwrap_or_else(|e| panic!("{e}"))
        .experiment
}

/// Replaces `from` by `to`, where `«` marks the place that the error must name.
fn edit(base: &str, from: &str, to: &str) -> (String, Option<(u64, u64)>) {
    assert_eq!(base.matches(from).count(), 1, "`{from}` is not there once");
    let marked = base.replacen(from, to, 1);
    let Some(at) = marked.find('«') else {
        return (marked, None);
    };
    let before = &marked[..at];
    let line = before.matches('\n').count() as u64 + 1;
    let column = before.lines().last().map_or(0, |l| l.chars().count()) as u64 + 1;
    let column = if before.ends_with('\n') { 1 } else { column };
    (marked.replacen('«', "", 1), Some((line, column)))
}

fn refused(text: &str, file: &Path) -> Error {
    match experiment::parse(text, file) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(e) => e,
    }
}

/// One rule: what is changed in a good plan, and what must be said about it.
struct Rule {
    base: &'static str,
    from: &'static str,
    to: &'static str,
    message: &'static str,
    key: &'static str,
    hint: &'static str,
}

const fn rule(
    base: &'static str,
    from: &'static str,
    to: &'static str,
    message: &'static str,
    key: &'static str,
    hint: &'static str,
) -> Rule {
    Rule { base, from, to, message, key, hint }
}

fn keeps(rules: &[Rule]) {
    let mut broken = Vec::new();
    for rule in rules {
        let (text, place) = edit(rule.base, rule.from, rule.to);
        let error = match experiment::parse(&text, &file_of(rule.base)) {
            Ok(_) => {
                broken.push(format!("accepted: {}", rule.to));
                continue;
            }
            Err(e) => e,
        };
        let found = (
            error.line_number().zip(error.column_number()),
            error.key_name().unwrap_or_default(),
        );
        let hint = error.hint_text().unwrap_or_default();
        let right = error.kind() == Kind::Plan
            && error.file_path() == Some(&file_of(rule.base))
            && error.message().contains(rule.message)
            && place.is_none_or(|p| found.0 == Some(p))
            && found.0.is_some()
            && found.1 == rule.key
            && hint.contains(rule.hint)
            && !hint.is_empty();
        if !right {
            broken.push(format!(
                "{}\n  expected {:?} {:?} {} / {}\n  found    {:?} {} / {hint} ({:?})",
                rule.to, place, rule.key, rule.message, rule.hint, found, error.message(), error.kind()
            ));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n\n"));
}

#[test]
fn the_example_plans_are_read() {
    for name in ["fees-education", "counts", "cells"] {
        let path = format!("{}/tests/data/plans/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let plan = experiment::read(Path::new(&path)).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(plan.experiment.name, name);
    }
}

#[test]
fn keys_and_forms() {
    keeps(&[
        rule(FEES, "schema = 1", "schema = «2", "expected 1, found 2", "schema", "newer pilot"),
        rule(FEES, "schema = 1\n", "«", "`schema` is missing", "schema", "schema = 1"),
        rule(FEES, "schema = 1", "schema = «\"1\"", "expected 1, found text", "schema", "schema = 1"),
        rule(FEES, "schema = 1", "«shcema = 1", "unknown key `shcema`", "shcema", "did you mean `schema`?"),
        rule(FEES, "owner =", "«ownr =", "unknown key `ownr` in `experiment`", "experiment.ownr", "did you mean `owner`?"),
        rule(FEES, "owner =", "«alpha =", "unknown key `alpha`", "experiment.alpha", "`alpha` belongs under [analysis]"),
        rule(FEES, "owner =", "«zzz =", "unknown key `zzz`", "experiment.zzz", "the keys here are `name`"),
        rule(FEES, "owner =", "«\"a.b\\n\" =", "unknown key `a.b\\n`", "experiment.\"a.b\\n\"", "the keys here are"),
        rule(FEES, "[data.customers]", "[data.«custmers]", "unknown key `custmers` in `data`", "data.custmers", "did you mean `customers`?"),
        rule(FEES, "weight = 1\n[[arms]]", "«wieght = 1\n[[arms]]", "unknown key `wieght` in `arms[1]`", "arms[1].wieght", "did you mean `weight`?"),
        rule(FEES, "columns = { unit = \"cust_no\"", "columns = { «cust = \"cust_no\"", "unknown key `cust` in `data.customers.columns`", "data.customers.columns.cust", "`unit`"),
        rule(FEES, "[privacy]", "[«privcy]", "unknown key `privcy`", "privcy", "did you mean `privacy`?"),
        rule(FEES, "budget_share = 0.15", "«budget = 0.15", "unknown key `budget`", "business.claims.budget", "did you mean `budget_share`?"),
        rule(FEES, "occupancy = 0.8", "«ocupancy = 0.8", "unknown key", "business.staffing.ocupancy", "did you mean `occupancy`?"),
        rule(FEES, "prior = { mean = 0.0, sd", "prior = { mean = 0.0, «std", "unknown key `std`", "analysis.prior.std", "`sd`"),
        rule(FEES, "owner = \"customer care\"", "owner = «7", "expected text, found a whole number", "experiment.owner", "quotes"),
        rule(FEES, "owner = \"customer care\"", "owner = «\"  \"", "blank", "experiment.owner", "take the key out"),
        rule(FEES, "owner = \"customer care\"", "owner = «\"a\\u001b[31m\"", "control character U+001B", "experiment.owner", "take it out"),
        rule(FEES, "control = true", "control = «\"true\"", "expected true or false, found text", "arms[1].control", "without quotes"),
        rule(FEES, "alpha = 0.05", "alpha = «\"5 %\"", "expected a number, found text", "analysis.alpha", "0.05"),
        rule(FEES, "alpha = 0.05", "alpha = «nan", "expected a finite number, found nan", "analysis.alpha", "0.05"),
        rule(FEES, "alpha = 0.05", "alpha = «-inf", "expected a finite number, found -inf", "analysis.alpha", "0.05"),
        rule(FEES, "alpha = 0.05", "alpha = «1e999", "expected a finite number", "analysis.alpha", "0.05"),
        rule(FEES, "segments = [\"plan\"]", "segments = «\"plan\"", "expected a list of texts, found text", "analysis.segments", "[\"one\", \"two\"]"),
        rule(FEES, "segments = [\"plan\"]", "segments = [\"plan\", «\"plan\"]", "\"plan\" stands here twice", "analysis.segments", "keep one"),
        rule(FEES, "segments = [\"plan\"]", "segments = [\"plan\", «3]", "expected text, found a whole number", "analysis.segments", "quotes"),
        rule(FEES, "[privacy]\nmin_cell = 5", "[privacy]\nmin_cell = «0", "from 1 to 10000, found 0", "privacy.min_cell", "smaller groups"),
        rule(FEES, "[privacy]\nmin_cell = 5", "[privacy]\nmin_cell = «5.5", "found 5.5", "privacy.min_cell", "smaller groups"),
        rule(FEES, "[privacy]\nmin_cell = 5", "[privacy]\nmin_cell = «99999999999999999999999999999999999999999", "expected a whole number from 1 to 10000", "privacy.min_cell", "smaller groups"),
        rule(FEES, "[privacy]\nmin_cell = 5", "«privacy = 5", "unknown key `privacy` in `decision`", "decision.privacy", "top of the plan"),
        rule(CELLS, "experiment = { name = \"cells\", seed = 7 }", "experiment = «7", "expected a table, found a whole number", "experiment", "what the pilot is about"),
        rule(CELLS, "[{ name = \"contacts\", role = \"primary\" }]", "«{ name = \"contacts\" }", "expected a list of tables, found a table", "outcomes", "[[outcomes]]"),
        rule(CELLS, "[{ name = \"contacts\", role = \"primary\" }]", "[«3]", "expected a table, found a whole number", "outcomes[1]", "[[outcomes]]"),
        rule(FEES, "seed = 8274462913", "seed = «-1", "at least 0, found -1", "experiment.seed", "pilot design"),
        rule(FEES, "seed = 8274462913", "seed = «18446744073709551616", "found 18446744073709551616", "experiment.seed", "pilot design"),
        rule(FEES, "seed = 8274462913\n", "", "`experiment.seed` is missing", "experiment.seed", "pilot design"),
    ]);
}

#[test]
fn text_that_is_not_toml() {
    keeps(&[
        rule(FEES, "owner = \"customer care\"", "owner = «customer care", "quoted", "", "put words in quotes"),
        rule(FEES, "owner = \"customer care\"", "owner = \"customer care", "", "", "close the text"),
        rule(FEES, "owner = \"customer care\"", "owner", "", "", "key = value"),
        rule(FEES, "owner = \"customer care\"", "owner = \"a\"\n«owner = \"b\"", "duplicate key", "", "keep one of the two"),
        rule(FEES, "[[arms]]\nname = \"tip-sheet\"", "[«arms]\nname = \"tip-sheet\"", "duplicate key", "", "double brackets"),
        rule(FEES, "segments = [\"plan\"]", "segments = [\"plan\"", "array", "", ""),
        rule(FEES, "owner = \"customer care\"", "owner = \"a\\\\\\p\"", "", "", "backslash"),
        rule(FEES, "owner = \"customer care\"", "owner = \"a«\0\"", "NUL", "", "UTF-8"),
        rule(FEES, "alpha = 0.05", "alpha = 00.05", "leading zero", "", "leading zeros"),
        rule(FEES, "alpha = 0.05", "alpha = ,05", "", "", ""),
        rule(FEES, "[privacy]", "[privacy", "unclosed table", "", "]"),
    ]);
}

#[test]
fn experiment_and_assignment() {
    keeps(&[
        rule(FEES, "name = \"fees-education\"", "name = «\"fees\"", "called \"fees\", but its file \"fees-education\"", "experiment.name", "fees.toml"),
        rule(FEES, "name = \"fees-education\"", "name = «\"Fees Education\"", "\"Fees Education\" cannot be a name", "experiment.name", "\"fees-education\""),
        rule(FEES, "name = \"fees-education\"", "name = «\"../fees\"", "is a path, not a name", "experiment.name", "\"fees\""),
        rule(FEES, "name = \"fees-education\"", "name = «\"-fees\"", "cannot be a name", "experiment.name", "\"fees\""),
        rule(FEES, "name = \"fees-education\"", "name = «\"نام\"", "cannot be a name", "experiment.name", "a-z"),
        rule(FEES, "name = \"fees-education\"", "name = «3", "expected a name, found a whole number", "experiment.name", "quotes"),
        rule(FEES, "name = \"fees-education\"            # the file's stem\n", "", "`experiment.name` is missing", "experiment.name", "add `name`"),
        rule(FEES, "root_cause = \"expectation\"", "root_cause = «\"expectations\"", "\"expectations\" is not one of", "experiment.root_cause", "did you mean \"expectation\"?"),
        rule(FEES, "method = \"existing\"", "method = «\"random\"", "is not one of \"complete\"", "assignment.method", "choose one of"),
        rule(FEES, "strata = [\"plan\"]", "strata = [«\"plan\"]\ncluster = \"plan\"", "cannot form both strata and clusters", "assignment.strata", "several clusters"),
    ]);
}

#[test]
fn arms() {
    keeps(&[
        rule(FEES, "control = true\n", "", "no arm is control", "arms", "control = true"),
        rule(FEES, "title = \"Ten-tip sheet\"", "control = «true", "both \"control\" and \"tip-sheet\" are control", "arms[2].control", "one control"),
        rule(FEES, "name = \"tip-sheet\"", "name = «\"control\"", "two arms are called \"control\"", "arms[2].name", "its own name"),
        rule(FEES, "[[arms]]\nname = \"tip-sheet\"\ntitle = \"Ten-tip sheet\"\ninterventions = [\"tip-sheet\"]\nweight = 1\nfixed_cost = 1200\ncost_per_customer = 0.35\nrunning_cost_per_month = 50", "", "at least two arms", "arms", "one for each treatment"),
        rule(CELLS, "weight = 2", "weight = «0.25", "found 0.25", "arms[2].weight", "1 and 3 rather than 0.25 and 0.75"),
        rule(CELLS, "weight = 2", "weight = «0", "found 0", "arms[2].weight", "at least 1"),
        rule(CELLS, "weight = 2", "weight = «-2", "found -2", "arms[2].weight", "at least 1"),
        rule(FEES, "control = true\nweight = 1", "control = true", "`arms[1].weight` is missing", "arms[1].weight", "every arm, or of none"),
        rule(FEES, "interventions = [\"tip-sheet\"]", "interventions = [\"tip-sheet\", «\"welcome-mail\"]", "unknown intervention \"welcome-mail\"", "arms[2].interventions", "did you mean \"welcome-email\"?"),
        rule(FEES, "interventions = [\"tip-sheet\"]", "interventions = [«\"Q!\"]", "unknown intervention", "arms[2].interventions", "choose from"),
        rule(FEES, "interventions = [\"tip-sheet\"]", "interventions = [«\"site-top-questions\"]", "cannot be randomised", "arms[2].interventions", "after_login = true"),
        rule(FEES, "interventions = [\"tip-sheet\"]", "interventions = [\"tip-sheet\"]\nafter_login = «true", "which this arm does not have", "arms[2].after_login", "take it out"),
        rule(FEES, "fixed_cost = 1200", "fixed_cost = «-1", "expected a number 0 or more, found -1", "arms[2].fixed_cost", "`fixed_cost`: paid once"),
        rule(FEES, "fixed_cost = 1200", "fixed_cost = «{ mean = 3, sd = 1 }", "expected a number, found a table", "arms[2].fixed_cost", "paid once"),
    ]);
}

#[test]
fn periods() {
    keeps(&[
        rule(FEES, "before = [\"2026-08-01\", \"2026-09-30\"]", "before = «[\"2026-08-01\", \"2026-10-01\"]", "ends on 2026-10-01, not before the after period begins", "periods.before", "not overlap"),
        rule(FEES, "before = [\"2026-08-01\", \"2026-09-30\"]", "before = «[\"2026-09-30\", \"2026-08-01\"]", "the last day, 2026-08-01, is before the first", "periods.before", "first and last day"),
        rule(FEES, "before = [\"2026-08-01\", \"2026-09-30\"]", "before = [\"2026-08-01\", «\"2026-09-31\"]", "there is no day 2026-09-31", "periods.before", "check month and day"),
        rule(FEES, "before = [\"2026-08-01\", \"2026-09-30\"]", "before = [«\"1.8.2026\", \"2026-09-30\"]", "expected a day, found \"1.8.2026\"", "periods.before", "2026-08-01"),
        rule(FEES, "before = [\"2026-08-01\", \"2026-09-30\"]", "before = [«2026-08-01T00:00:00Z, \"2026-09-30\"]", "expected a day, found a time", "periods.before", "2026-08-01"),
        rule(FEES, "before = [\"2026-08-01\", \"2026-09-30\"]", "before = [«\"1026-08-01\", \"2026-09-30\"]", "the year", "periods.before", ""),
        rule(FEES, "before = [\"2026-08-01\", \"2026-09-30\"]", "before = «[\"2026-08-01\"]", "expected two days, found 1", "periods.before", "first and last day"),
        rule(FEES, "before = [\"2026-08-01\", \"2026-09-30\"]", "before = «\"2026-08-01\"", "expected a list of two days, found text", "periods.before", "first and last day"),
        rule(FEES, "after = [\"2026-10-01\", \"2026-11-29\"]\n", "", "`periods.after` is missing", "periods.after", "first and last day"),
        rule(FEES, "timezone = \"UTC\"", "timezone = «\"Europe/Berln\"", "unknown time zone", "periods.timezone", "did you mean \"Europe/Berlin\"?"),
        rule(FEES, "timezone = \"UTC\"", "timezone = \"UTC\"\nbefore_days = «3", "`before_days` counts from each customer's start", "periods.before_days", "use either"),
        rule(FEES, "timezone = \"UTC\"", "timezone = \"UTC\"\nstart = «\"joined\"", "`start` counts", "periods.start", "data.customers.columns"),
        rule(CELLS, "start = \"joined\", ", "", "`periods.start` is missing", "periods.start", "roster column"),
        rule(CELLS, "after_days = 60, ", "", "`periods.after_days` is missing", "periods.after_days", "60"),
        rule(CELLS, "after_days = 60", "after_days = «0", "from 1 to 3660, found 0", "periods.after_days", "whole days"),
        rule(CELLS, "enrol = [2026-10-01, 2026-12-31]", "enrol = «[2026-12-31, 2026-10-01]", "is before the first", "periods.enrol", "first and last day"),
        rule(FEES, "[periods]\nbefore = [\"2026-08-01\", \"2026-09-30\"]\nafter = [\"2026-10-01\", \"2026-11-29\"]\ntimezone = \"UTC\"", "[periods]\nstart = «\"since\"\nafter_days = 30", "\"since\" here and \"joined\"", "periods.start", "same column"),
        rule(FEES, "[periods]\nbefore = [\"2026-08-01\", \"2026-09-30\"]\nafter = [\"2026-10-01\", \"2026-11-29\"]\ntimezone = \"UTC\"", "", "`periods` is missing", "periods", "a log needs windows"),
    ]);
}

#[test]
fn data() {
    keeps(&[
        rule(FEES, "[[outcomes]]", "«[data.cells]\npath = \"x\"\n[[outcomes]]", "this is a second one", "data.cells", "keep either"),
        rule(COUNTS, "[[outcomes]]", "«[data.cells]\npath = \"x\"\n[[outcomes]]", "this is a second one", "data.cells", "keep either"),
        rule(CELLS, "data = { cells = { path = \"data/cells\" } }", "data = «{ customers = { path = \"a.csv\", columns = { unit = \"u\" } } }", "`data.contacts` is missing", "data.contacts", "the log"),
        rule(CELLS, "data = { cells = { path = \"data/cells\" } }", "data = «{ contacts = { path = \"a.csv\", columns = { unit = \"u\", time = \"t\" } } }", "`data.customers` is missing", "data.customers", "the roster"),
        rule(CELLS, "{ path = \"data/cells\" }", "«{ }", "`data.cells.path` is missing", "data.cells.path", "add `path`"),
        rule(CELLS, "data = { cells = { path = \"data/cells\" } }", "data = { counts = { path = \"a.csv\" } }", "`data.counts.columns.unit` is missing", "data.counts.columns.unit", "customer's column"),
        rule(FEES, "columns = { unit = \"cust_no\", arm", "columns = «{ arm", "`data.customers.columns.unit` is missing", "data.customers.columns.unit", "add `unit`"),
        rule(FEES, "time = \"created\", ", "", "`data.contacts.columns.time` is missing", "data.contacts.columns.time", "add `time`"),
        rule(FEES, "id = \"ticket\"", "id = «\"topic\"", "the column \"topic\" is already `reason`", "data.contacts.columns.id", "its own column"),
        rule(FEES, "arm = \"group\", ", "", "`data.customers.columns.arm` is missing", "data.customers.columns.arm", "existing"),
        rule(FEES, "method = \"existing\"", "method = \"complete\"", "drawn by `pilot assign`", "data.customers.columns.arm", "method = \"existing\""),
        rule(COUNTS, "method = \"existing\"", "method = \"hashed\"", "drawn by `pilot assign`", "data.counts.columns.arm", "method = \"existing\""),
        rule(CELLS, "data = { cells = { path = \"data/cells\" } }", "data = { counts = { path = \"a.csv\", columns = { unit = \"u\" }, arm_values = «{ control = [\"0\"] } } }", "there is no arm column", "data.counts.arm_values", "columns.arm"),
        rule(FEES, "tip-sheet = [\"1\"]", "«tip-shet = [\"1\"]", "there is no arm \"tip-shet\"", "data.customers.arm_values.tip-shet", "did you mean \"tip-sheet\"?"),
        rule(FEES, "tip-sheet = [\"1\"]", "«tip-sheet = [\"1\", \"0\"]", "the value \"0\" means both \"control\" and \"tip-sheet\"", "data.customers.arm_values.tip-sheet", "one arm"),
        rule(FEES, "arm_values = { control = [\"0\", \"holdout\"], tip-sheet = [\"1\"] }", "arm_values = «{ control = [\"tip-sheet\"] }", "is also the name of an arm", "data.customers.arm_values", "list the values"),
        rule(FEES, "tip-sheet = [\"1\"]", "tip-sheet = [«1]", "expected text, found a whole number", "data.customers.arm_values", "quotes"),
        rule(FEES, "delimiter = \";\"", "delimiter = «\";;\"", "cannot part fields", "data.contacts.delimiter", "one ASCII character"),
        rule(FEES, "delimiter = \";\"", "delimiter = «\"→\"", "cannot part fields", "data.contacts.delimiter", "one ASCII character"),
        rule(FEES, "delimiter = \";\"", "delimiter = «'\"'", "cannot part fields", "data.contacts.delimiter", "one ASCII character"),
        rule(FEES, "delimiter = \";\"\n", "", "cannot both part fields and mark decimals", "data.contacts.decimal", "delimiter = \";\""),
        rule(FEES, "decimal = \",\"", "decimal = «\";\"", "is not one of", "data.contacts.decimal", "choose"),
        rule(FEES, "encoding = \"windows-1252\"", "encoding = «\"windws-1252\"", "unknown encoding", "data.contacts.encoding", "windows-1252"),
        rule(FEES, "time_format = \"%d.%m.%Y %H:%M\"", "time_format = «\"%d.%m.%Y %Ö\"", "not a time form", "data.contacts.time_format", "strptime"),
        rule(FEES, "time_format = \"%d.%m.%Y %H:%M\"", "time_format = «\"%H:%M\"", "do not tell the day", "data.contacts.time_format", "strptime"),
        rule(FEES, "time_format = \"%d.%m.%Y %H:%M\"", "time_format = «\"DD.MM.YYYY\"", "do not tell the day", "data.contacts.time_format", "strptime"),
        rule(FEES, "timezone = \"Europe/Berlin\"", "timezone = «\"CEST\"", "unknown time zone", "data.contacts.timezone", "\""),
        rule(FEES, "complete_until = \"2026-12-02\"", "complete_until = «\"yesterday\"", "expected a day", "data.contacts.complete_until", "2026"),
        rule(FEES, "max_bad_rows = 0.01", "max_bad_rows = «1", "at least 0 and below 1, found 1", "data.contacts.max_bad_rows", ""),
        rule(FEES, "data/contacts-*.csv", "data/contacts.xlsx", "only .csv, .csv.gz and .parquet", "data.contacts.path", "save the sheet as CSV"),
        rule(FEES, "data/contacts-*.csv", "data/con[tacts.csv", "not a valid pattern", "data.contacts.path", "bracket"),
        rule(COUNTS, "exposure_unit = \"week\"", "", "`data.counts.exposure_unit` is missing", "data.counts.exposure_unit", "\"day\", \"week\" or \"month\""),
        rule(COUNTS, ", exposure = \"weeks\"", "", "no exposure column", "data.counts.exposure_unit", "columns.exposure"),
        rule(COUNTS, "method = \"existing\"\n\n[[arms]]\nname = \"placebo\"", "method = \"existing\"\ncluster = \"city\"\n\n[[arms]]\nname = \"placebo\"", "ignores the clusters", "analysis.estimator", "permutation"),
    ]);
}

#[test]
fn outcomes() {
    keeps(&[
        rule(FEES, "role = \"primary\"", "role = \"secondary\"", "no outcome is primary", "outcomes", "role = \"primary\""),
        rule(FEES, "role = \"primary\"\n", "", "`outcomes[1].role` is missing", "outcomes[1].role", "add `role`"),
        rule(FEES, "[analysis]", "[[outcomes]]\nname = «\"fee-contacts\"\nrole = \"secondary\"\n[analysis]", "two outcomes are called", "outcomes[2].name", "its own name"),
        rule(FEES, "reason = \"topic\", ", "", "names no column with the reason", "outcomes[1].reasons", "data.contacts.columns"),
        rule(COUNTS, "before = \"base\"", "before = \"base\"\nreasons = «[\"fees\"]", "hold no reasons", "outcomes[1].reasons", "after ="),
        rule(FEES, "cap = 50", "cap = «0", "found 0", "outcomes[1].cap", "counts above it"),
        rule(FEES, "cap = 50", "margin = «0.1", "only a guardrail has a margin", "outcomes[1].margin", "guardrail"),
        rule(FEES, "cap = 50", "after = «\"fee_after\"", "is about a column of [data.counts]", "outcomes[1].after", "take it out"),
        rule(FEES, "[analysis]", "«[[outcomes]]\nname = \"satisfaction\"\nrole = \"guardrail\"\n[analysis]", "`outcomes[2].margin` is missing", "outcomes[2].margin", "margin = 0.1"),
        rule(FEES, "[analysis]", "[[outcomes]]\nname = \"solved\"\nrole = \"guardrail\"\nkind = \"proportion\"\nbetter = \"higher\"\nmargin = «5\n[analysis]", "lets a share do anything", "outcomes[2].margin", "0.05"),
        rule(FEES, "[analysis]", "«[[outcomes]]\nname = \"minutes\"\nrole = \"secondary\"\nkind = \"mean\"\n[analysis]", "`outcomes[2].better` is missing", "outcomes[2].better", "which direction"),
        rule(FEES, "[analysis]", "[[outcomes]]\nname = \"minutes\"\nrole = \"secondary\"\nkind = \"mean\"\nbetter = \"lower\"\ncap = «5\n[analysis]", "only counts can be capped", "outcomes[2].cap", "take `cap` out"),
        rule(COUNTS, "before = \"base\"", "before = «\"y\"", "both before and after", "outcomes[1].before", "two columns"),
        rule(FEES, "[analysis]", "[[outcomes]]\nname = «\"Über\"\nrole = \"secondary\"\n[analysis]", "cannot be a name", "outcomes[2].name", "a-z"),
    ]);
}

#[test]
fn analysis_and_decision() {
    keeps(&[
        rule(FEES, "alpha = 0.05", "alpha = «0.6", "above 0 and at most 0.5, found 0.6", "analysis.alpha", ""),
        rule(FEES, "alpha = 0.05", "alpha = «0", "found 0", "analysis.alpha", ""),
        rule(FEES, "power = 0.80", "power = «1", "above 0 and below 1", "analysis.power", ""),
        rule(FEES, "power = 0.80", "power = «0.05", "not above alpha", "analysis.power", "0.8"),
        rule(FEES, "estimator = \"lin\"", "estimator = «\"linn\"", "unknown estimator \"linn\"", "analysis.estimator", "did you mean \"lin\"?"),
        rule(FEES, "estimator = \"lin\"", "estimator = «\"delta\"", "does not estimate a difference", "analysis.estimator", "estimand = \"ratio\""),
        rule(COUNTS, "estimator = \"negbin\"", "estimator = «\"welch\"", "does not estimate a ratio", "analysis.estimator", "rate, delta, lin, poisson, negbin"),
        rule(FEES, "estimator = \"lin\"", "estimator = «\"mann-whitney\"", "does not estimate a difference", "analysis.estimator", "probability"),
        rule(FEES, "strata = [\"plan\"]", "cluster = \"branch\"", "ignores the clusters", "analysis.estimator", "permutation"),
        rule(CELLS, "outcomes = ", "analysis = { estimator = «\"stratified\" }\noutcomes = ", "needs strata", "analysis.estimator", "assignment.strata"),
        rule(FEES, "before = [\"2026-08-01\", \"2026-09-30\"]\nafter = [\"2026-10-01\", \"2026-11-29\"]\ntimezone = \"UTC\"", "after = [\"2026-10-01\", \"2026-11-29\"]\n[analysis2]", "unknown key", "analysis2", "did you mean `analysis`?"),
        rule(FEES, "kind = \"count\"", "kind = \"mean\"", "only counts can be capped", "outcomes[1].cap", "count"),
        rule(COUNTS, "role = \"primary\"", "role = \"primary\"\nkind = \"mean\"\nbetter = \"lower\"", "\"negbin\" is a model of counts, and \"seizures\" is primary", "analysis.estimator", "delta"),
        rule(FEES, "estimator = \"lin\"", "estimator = «\"proportion\"", "compares shares of customers", "analysis.estimator", "proportion"),
        rule(FEES, "permutations = 10000", "permutations = «500", "500 draws are too few", "analysis.permutations", "999"),
        rule(FEES, "permutations = 10000", "permutations = «20_000_000", "from 0 to 10000000, found 20000000", "analysis.permutations", "draws"),
        rule(FEES, "estimator = \"lin\"\nmultiplicity = \"dunnett\"\nper_days = 30\npermutations = 10000", "estimator = «\"permutation\"\npermutations = 0", "needs draws", "analysis.estimator", "10000"),
        rule(FEES, "bootstrap = 10000", "bootstrap = «1", "too few", "analysis.bootstrap", "999"),
        rule(FEES, "per_days = 30", "per_days = «0", "found 0", "analysis.per_days", ""),
        rule(FEES, "prior = { mean = 0.0, sd = 0.2 }", "prior = { mean = 0.0, sd = «0 }", "above 0", "analysis.prior.sd", ""),
        rule(FEES, "prior = { mean = 0.0, sd = 0.2 }", "prior = «{ mean = 0.0 }", "`analysis.prior.sd` is missing", "analysis.prior.sd", ""),
        rule(FEES, "multiplicity = \"dunnett\"", "multiplicity = «\"bonferroni\"", "is not one of", "analysis.multiplicity", ""),
        rule(FEES, "scale_if = \"npv\"", "scale_if = «\"roi\"", "is not one of", "decision.scale_if", "choose one of"),
        rule(FEES, "min_probability = 0.90", "min_probability = «90", "above 0 and below 1, found 90", "decision.min_probability", ""),
        rule(FEES, "max_payback_months = 18", "max_payback_months = «0", "found 0", "decision.max_payback_months", ""),
        rule(FEES, "max_attrition_difference = 0.05", "max_attrition_difference = «5", "found 5", "decision.max_attrition_difference", ""),
    ]);
}

#[test]
fn business() {
    keeps(&[
        rule(FEES, "currency = \"EUR\"\n", "", "`business.currency` is missing", "business.currency", "EUR"),
        rule(FEES, "currency = \"EUR\"", "currency = «\"eur\"", "not an ISO 4217 code", "business.currency", "write \"EUR\""),
        rule(FEES, "currency = \"EUR\"", "currency = «\"€\"", "not an ISO 4217 code", "business.currency", "three letters"),
        rule(FEES, "currency = \"EUR\"", "currency = \"EUR\"\ncost_per_minute = «1", "exclude each other", "business.cost_per_minute", "keep one"),
        rule(FEES, "labour = { low = 3, mode = 4.2, high = 6 }", "labour = «{ low = 3, mode = 7, high = 6 }", "out of order", "business.cost_per_contact", "low ≤ mode ≤ high"),
        rule(FEES, "labour = { low = 3, mode = 4.2, high = 6 }", "labour = «{ low = 3, high = 6 }", "`mode` is missing", "business.cost_per_contact", ""),
        rule(FEES, "labour = { low = 3, mode = 4.2, high = 6 }", "labour = { low = 3, mode = 4, «hihg = 6 }", "unknown key `hihg`", "business.cost_per_contact", ""),
        rule(FEES, "variable = 0.4, ", "", "`variable` is missing", "business.cost_per_contact", "write 0"),
        rule(FEES, "variable = 0.4", "«varable = 0.4", "unknown key `varable`", "business.cost_per_contact", "did you mean `variable`?"),
        rule(FEES, "variable = 0.4", "variable = «-0.4", "found -0.4", "business.cost_per_contact", ""),
        rule(FEES, "realisation = { low = 0.3, mode = 0.5, high = 0.8 }", "realisation = «50", "from 0 to 1, found 50", "business.realisation", "a number"),
        rule(FEES, "realisation = { low = 0.3, mode = 0.5, high = 0.8 }", "realisation = { low = 0.3, mode = 0.5, high = «1.2 }", "from 0 to 1, found 1.2", "business.realisation", "a number"),
        rule(FEES, "realisation = { low = 0.3, mode = 0.5, high = 0.8 }", "realisation = «{ mean = 0.9, sd = 0.1 }", "past 1", "business.realisation", "{ low, mode, high }"),
        rule(FEES, "half_life_months = { mean = 9, sd = 2 }", "half_life_months = «{ mean = 9, sd = 4 }", "more than a third of the mean", "business.half_life_months", "{ low, mode, high }"),
        rule(FEES, "half_life_months = { mean = 9, sd = 2 }", "half_life_months = «{ mean = 9, sd = -1 }", "negative", "business.half_life_months", "months"),
        rule(FEES, "half_life_months = { mean = 9, sd = 2 }", "half_life_months = «\"never\"", "expected months or \"none\"", "business.half_life_months", "no fade"),
        rule(FEES, "half_life_months = { mean = 9, sd = 2 }", "half_life_months = «0", "above 0", "business.half_life_months", "no fade"),
        rule(FEES, "customers_at_rollout = 240000", "customers_at_rollout = 240000\nunits_at_rollout = 3", "exclude each other", "business.customers_at_rollout", "keep one"),
        rule(FEES, "holdout = 0.05", "holdout = «1", "below 1", "business.holdout", ""),
        rule(FEES, "horizon_months = 24", "horizon_months = «601", "from 1 to 600, found 601", "business.horizon_months", ""),
        rule(FEES, "annual_discount_rate = 0.09", "annual_discount_rate = «9", "from 0 to 1, found 9", "business.annual_discount_rate", ""),
        rule(FEES, "churn_per_month = 0.01", "churn_per_month = «1.01", "from 0 to 1", "business.churn_per_month", ""),
        rule(FEES, "repeat_every_months = 12", "repeat_every_months = «0", "found 0", "business.repeat_every_months", ""),
        rule(FEES, "baseline_by_month = [1.2, ", "baseline_by_month = «[", "expected 12 numbers, found 11", "business.baseline_by_month", "January first"),
        rule(FEES, "baseline_by_month = [1.2, ", "baseline_by_month = [«0, ", "above 0", "business.baseline_by_month", "January first"),
        rule(FEES, "annual_service_budget = 5e6", "annual_service_budget = «0", "above 0, found 0", "business.annual_service_budget", ""),
        rule(FEES, "contact_reduction = [0.25, 0.30]", "contact_reduction = «[0.30, 0.25]", "is above the high claim", "business.claims.contact_reduction", "low first"),
        rule(FEES, "contact_reduction = [0.25, 0.30]", "contact_reduction = [«25, 0.30]", "found 25", "business.claims.contact_reduction", ""),
        rule(FEES, "occupancy = 0.8", "occupancy = «80", "below 1", "business.staffing.occupancy", ""),
        rule(FEES, ", handling_seconds = \"aht\" }", " }\n[business2]", "unknown key `business2`", "business2", "did you mean `business`?"),
    ]);
}
