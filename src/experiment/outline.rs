//! A plan as a list of tables and keys in their order: what is written as text,
//! compared and digested.

mod business;

use std::collections::BTreeMap;

use crate::experiment::catalogue::SITE_TOP_QUESTIONS;
use crate::experiment::model::{
    AnalysisPlan, Arm, Assumption, BeforeKind, ContactsFile, CountsExposure, DEFAULT_AFTER, Data,
    Experiment, FileFormat, Outcome, OutcomeKind, Periods, Sequential, SequentialKind, Windows,
};
use crate::experiment::write;

/// A line of a plan. Values are TOML.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    /// A table opens; the name of a list's item.
    Open(&'static str, Option<String>),
    /// A key and its value.
    Set(&'static str, String),
    /// A key and its texts.
    Texts(&'static str, Vec<String>),
    /// A key and its inline table.
    Inline(&'static str, Vec<(String, String)>),
    /// A key that is not used, with an example.
    Unused(&'static str, &'static str),
    /// A line of a table that is not used.
    Example(&'static str),
    /// An empty line.
    Gap,
}

/// Every key of a plan with its value.
pub(super) fn outline(e: &Experiment) -> Vec<Item> {
    let mut outline = Outline { items: Vec::new() };
    outline.plan(e);
    outline.items
}

struct Outline {
    items: Vec<Item>,
}

impl Outline {
    fn plan(&mut self, e: &Experiment) {
        self.set("schema", "1");
        self.experiment(e);
        self.open("assignment", None);
        self.text("method", e.assignment.method.name());
        self.texts("strata", &e.assignment.strata);
        self.maybe_text("cluster", e.assignment.cluster.as_ref(), "\"branch\"");
        self.schedule(e);
        for arm in &e.arms {
            self.arm(arm, e);
        }
        self.periods(e.periods.as_ref());
        self.data(e);
        for outcome in &e.outcomes {
            self.outcome(outcome, e.data.as_ref());
        }
        self.analysis(&e.analysis);
        self.open("decision", None);
        self.text("scale_if", e.decision.scale_if.name());
        self.number("min_probability", e.decision.min_probability);
        self.maybe("max_payback_months", e.decision.max_payback_months, "18");
        let attrition = e.decision.max_attrition_difference.map(write::number);
        self.maybe("max_attrition_difference", attrition, "0.05");
        self.open("privacy", None);
        self.set("min_cell", e.min_cell);
        self.business(e.business.as_ref());
    }

    fn experiment(&mut self, e: &Experiment) {
        self.open("experiment", None);
        self.text("name", &e.name);
        self.text("title", &e.title);
        self.maybe_text(
            "problem",
            e.problem.as_ref(),
            "\"Customers call about fees they did not expect\"",
        );
        let cause = e.root_cause.map(|c| write::text(c.name()));
        self.maybe("root_cause", cause, "\"expectation\"");
        self.maybe_text("owner", e.owner.as_ref(), "\"customer care\"");
        if let Some(first) = &e.second_stage_of {
            self.text("second_stage_of", first);
        }
        self.set("seed", e.seed);
    }

    fn arm(&mut self, arm: &Arm, e: &Experiment) {
        self.open("arms", Some(&arm.name));
        self.text("name", &arm.name);
        self.text("title", &arm.title);
        if arm.control {
            self.set("control", "true");
        }
        self.maybe("weight", arm.weight, "1");
        self.texts("interventions", &arm.interventions);
        let page = arm.interventions.iter().any(|i| i == SITE_TOP_QUESTIONS);
        if page && e.assignment.cluster.is_none() && e.assignment.schedule.is_none() {
            self.set("after_login", "true");
        }
        for (key, cost) in [
            ("fixed_cost", arm.fixed_cost),
            ("cost_per_customer", arm.cost_per_customer),
            ("running_cost_per_month", arm.running_cost_per_month),
        ] {
            if !arm.control || cost != Assumption::Fixed(0.0) {
                self.set(key, write::assumption(&cost));
            }
        }
    }

    fn periods(&mut self, periods: Option<&Periods>) {
        let Some(p) = periods else {
            self.example(&[
                "[periods]",
                "before = [\"2026-08-01\", \"2026-09-30\"]",
                "after = [\"2026-10-01\", \"2026-11-29\"]",
            ]);
            return;
        };
        self.open("periods", None);
        let pair = |(first, last): &(jiff::civil::Date, jiff::civil::Date)| {
            format!("[\"{first}\", \"{last}\"]")
        };
        match &p.windows {
            Windows::Fixed { before, after, .. } => {
                let before = before.as_ref().map(pair);
                self.maybe("before", before, "[\"2026-08-01\", \"2026-09-30\"]");
                self.set("after", pair(after));
            }
            Windows::Relative {
                start,
                before_days,
                after_days,
                enrol,
            } => {
                self.text("start", start);
                self.set("before_days", before_days);
                self.set("after_days", after_days);
                let enrol = enrol.as_ref().map(pair);
                self.maybe("enrol", enrol, "[\"2026-10-01\", \"2026-12-31\"]");
            }
        }
        self.text("timezone", &p.timezone);
    }

    fn data(&mut self, e: &Experiment) {
        match &e.data {
            None => {
                self.example(&[
                    "[data.customers]",
                    "path = \"data/customers.csv\"",
                    "columns = { unit = \"customer\" }",
                    "[data.contacts]",
                    "path = \"data/contacts-*.csv\"",
                    "columns = { unit = \"customer\", time = \"created\" }",
                ]);
            }
            Some(Data::Log {
                customers,
                contacts,
            }) => {
                self.open("data.customers", None);
                self.text("path", &customers.format.path);
                self.columns(&[
                    ("unit", Some(&customers.unit)),
                    ("arm", customers.arm.as_ref()),
                    ("start", customers.start.as_ref()),
                    ("uptake", customers.uptake.as_ref()),
                ]);
                self.arm_values(&e.arms, &customers.arm_values);
                self.format(&customers.format);
                self.contacts(contacts, Some(&contacts.unit));
            }
            Some(Data::Counts(counts)) => {
                self.open("data.counts", None);
                self.text("path", &counts.format.path);
                self.columns(&[
                    ("unit", counts.unit.as_ref()),
                    ("arm", counts.arm.as_ref()),
                    ("exposure", counts.exposure.as_ref()),
                    ("before_exposure", counts.before_exposure.as_ref()),
                    ("cluster", counts.cluster.as_ref()),
                    ("uptake", counts.uptake.as_ref()),
                ]);
                self.arm_values(&e.arms, &counts.arm_values);
                let unit = match counts.exposure_unit {
                    CountsExposure::Window => None,
                    CountsExposure::Day => Some("\"day\""),
                    CountsExposure::Week => Some("\"week\""),
                    CountsExposure::Month => Some("\"month\""),
                };
                if let Some(unit) = unit {
                    self.set("exposure_unit", unit);
                }
                self.format(&counts.format);
            }
            Some(Data::Days(days)) => {
                self.open("data.counts", None);
                self.text("path", &days.format.path);
                self.columns(&[
                    ("day", Some(&days.day)),
                    ("customers", days.customers.as_ref()),
                ]);
                self.format(&days.format);
            }
            Some(Data::RegionLog { contacts, regions }) => {
                self.contacts(contacts, None);
                if let Some(regions) = regions {
                    self.open("data.regions", None);
                    self.text("path", &regions.format.path);
                    self.columns(&[("customers", Some(&regions.customers))]);
                    self.format(&regions.format);
                }
            }
            Some(Data::Cells(cells)) => {
                self.open("data.cells", None);
                self.text("path", &cells.path.to_string_lossy());
            }
        }
    }

    fn contacts(&mut self, contacts: &ContactsFile, unit: Option<&String>) {
        self.open("data.contacts", None);
        self.text("path", &contacts.format.path);
        self.columns(&[
            ("unit", unit),
            ("time", Some(&contacts.time)),
            ("reason", contacts.reason.as_ref()),
            ("id", contacts.id.as_ref()),
            ("channel", contacts.channel.as_ref()),
            ("handling_seconds", contacts.handling_seconds.as_ref()),
        ]);
        let until = contacts.complete_until.map(|day| format!("\"{day}\""));
        self.maybe("complete_until", until, "\"2026-12-02\"");
        self.format(&contacts.format);
    }

    fn schedule(&mut self, e: &Experiment) {
        let Some(schedule) = &e.assignment.schedule else {
            return;
        };
        self.text("design", schedule.design.name());
        if e.assignment.cluster.is_some() {
            self.texts("regions", &schedule.regions);
        }
        self.set("block_days", schedule.block_days);
        self.set("washout_days", schedule.washout_days);
    }

    fn columns(&mut self, columns: &[(&str, Option<&String>)]) {
        let parts = columns
            .iter()
            .filter_map(|(key, column)| Some(((*key).to_owned(), write::text((*column)?))))
            .collect();
        self.items.push(Item::Inline("columns", parts));
    }

    /// Written only where a value is not simply the arm's name.
    fn arm_values(&mut self, arms: &[Arm], values: &BTreeMap<String, usize>) {
        let plain = values
            .iter()
            .all(|(value, i)| arms.get(*i).is_some_and(|arm| arm.name == *value));
        if plain {
            return;
        }
        let parts = arms
            .iter()
            .enumerate()
            .map(|(i, arm)| {
                let own = values.iter().filter(|(_, arm)| **arm == i).map(|(v, _)| v);
                (write::key(&arm.name), write::texts(own))
            })
            .collect();
        self.items.push(Item::Inline("arm_values", parts));
    }

    fn format(&mut self, f: &FileFormat) {
        self.text("delimiter", &char::from(f.delimiter).to_string());
        self.maybe_text("encoding", f.encoding.as_ref(), "\"windows-1252\"");
        self.text("decimal", &f.decimal.to_string());
        self.maybe_text("time_format", f.time_format.as_ref(), "\"%d.%m.%Y %H:%M\"");
        self.maybe_text("timezone", f.timezone.as_ref(), "\"Europe/Berlin\"");
        self.number("max_bad_rows", f.max_bad_rows);
    }

    fn outcome(&mut self, o: &Outcome, data: Option<&Data>) {
        self.open("outcomes", Some(&o.name));
        self.text("name", &o.name);
        self.text("role", o.role.name());
        self.text("kind", o.kind.name());
        self.text("better", o.better.name());
        if !o.reasons.is_empty() {
            self.texts("reasons", &o.reasons);
        } else if matches!(data, Some(Data::Log { .. }) | None) {
            self.unused("reasons", "[\"fees\", \"billing\"]");
        }
        let regions = matches!(data, Some(Data::Days(_) | Data::RegionLog { .. }));
        if o.kind == OutcomeKind::Count && !regions {
            self.maybe("cap", o.cap, "50");
        }
        let counts = matches!(data, Some(Data::Counts(_)));
        if counts || o.after != DEFAULT_AFTER {
            self.text("after", &o.after);
        }
        match &o.before {
            Some(before) => self.text("before", before),
            None if counts => self.unused("before", "\"before\""),
            None => {}
        }
        if counts || o.before_kind != BeforeKind::Count {
            self.text("before_kind", o.before_kind.name());
        }
        if let Some(margin) = o.margin {
            self.number("margin", margin);
        }
    }

    fn analysis(&mut self, a: &AnalysisPlan) {
        self.open("analysis", None);
        self.number("alpha", a.alpha);
        self.number("power", a.power);
        let sides = if a.one_sided {
            "one-sided"
        } else {
            "two-sided"
        };
        self.text("alternative", sides);
        self.text("estimand", a.estimand.name());
        let estimator = a.estimator.as_deref().unwrap_or("auto");
        self.text("estimator", estimator);
        self.text("multiplicity", a.multiplicity.name());
        self.maybe("per_days", a.per_days, "30");
        self.set("permutations", a.permutations);
        self.set("bootstrap", a.bootstrap);
        self.texts("segments", &a.segments);
        match a.prior {
            Some((mean, sd)) => self.numbers("prior", &[("mean", mean), ("sd", sd)]),
            None => self.unused("prior", "{ mean = 0.0, sd = 0.2 }"),
        }
        if let Some(plan) = &a.sequential {
            self.sequential(plan);
        }
    }

    fn sequential(&mut self, plan: &Sequential) {
        self.open("analysis.sequential", None);
        let kind = match plan.rule {
            Some(_) => SequentialKind::GroupSequential,
            None => SequentialKind::ConfidenceSequence,
        };
        self.text("kind", kind.name());
        let list = |items: Vec<String>| format!("[{}]", items.join(", "));
        if !plan.looks.is_empty() {
            let days = plan.looks.iter().map(|day| format!("\"{day}\""));
            self.set("looks", list(days.collect()));
        }
        if !plan.information.is_empty() {
            let shares = plan.information.iter().map(|x| write::number(*x));
            self.set("information", list(shares.collect()));
        }
        if let Some(rule) = &plan.rule {
            self.text("spending", &rule.spending);
            if let Some(parameter) = rule.parameter {
                self.number("spending_parameter", parameter);
            }
            if let Some(futility) = &rule.futility {
                let mut parts = vec![("spending".to_owned(), write::text(&futility.spending))];
                if let Some(parameter) = futility.parameter {
                    parts.push(("spending_parameter".to_owned(), write::number(parameter)));
                }
                parts.push(("beta".to_owned(), write::number(futility.beta)));
                self.items.push(Item::Inline("futility", parts));
            }
        }
        if let Some(maximum) = plan.information_max {
            self.number("information_max", maximum);
        }
        if let Some((first, second)) = plan.extension_weights {
            let weights = vec![write::number(first), write::number(second)];
            self.set("extension_weights", list(weights));
        }
    }

    fn open(&mut self, path: &'static str, name: Option<&String>) {
        self.items.push(Item::Open(path, name.cloned()));
    }

    fn set(&mut self, key: &'static str, value: impl ToString) {
        self.items.push(Item::Set(key, value.to_string()));
    }

    fn text(&mut self, key: &'static str, value: &str) {
        self.set(key, write::text(value));
    }

    fn number(&mut self, key: &'static str, value: f64) {
        self.set(key, write::number(value));
    }

    fn texts(&mut self, key: &'static str, list: &[String]) {
        self.items.push(Item::Texts(key, list.to_vec()));
    }

    fn numbers(&mut self, key: &'static str, parts: &[(&str, f64)]) {
        let parts = parts
            .iter()
            .map(|(part, x)| ((*part).to_owned(), write::number(*x)))
            .collect();
        self.items.push(Item::Inline(key, parts));
    }

    fn maybe(&mut self, key: &'static str, value: Option<impl ToString>, example: &'static str) {
        match value {
            Some(value) => self.set(key, value),
            None => self.unused(key, example),
        }
    }

    fn maybe_text(&mut self, key: &'static str, value: Option<&String>, example: &'static str) {
        self.maybe(key, value.map(|v| write::text(v)), example);
    }

    fn unused(&mut self, key: &'static str, example: &'static str) {
        self.items.push(Item::Unused(key, example));
    }

    fn example(&mut self, lines: &[&'static str]) {
        self.items.push(Item::Gap);
        self.items
            .extend(lines.iter().map(|line| Item::Example(line)));
    }
}
