//! The list of assumptions, section by section.

use crate::finance::{AssumptionRow, Line};
use crate::report::text::plain;
use crate::report::workbook::style::{Kind, Rule};
use crate::texts::text;

use super::{Entry, Inputs, Section};

impl Inputs<'_> {
    pub(super) fn business(&self) -> Option<Section> {
        let per = if self.minutes { "minute" } else { "contact" };
        let (variable, labour) = match self.minutes {
            true => (
                text("workbook.variable-minute", &[]),
                text("workbook.labour-minute", &[]),
            ),
            false => (
                text("workbook.variable-contact", &[]),
                text("workbook.labour-contact", &[]),
            ),
        };
        let most = self.months.try_into().unwrap_or(i32::MAX);
        let cost = |part: &str| format!("cost_per_{per}.{part}");
        let (variable_key, labour_key) = (cost("variable"), cost("labour"));
        let needed: [(&str, String, &str, Kind, Rule); 10] = [
            (
                &variable_key,
                variable,
                "variable_cost",
                Kind::Price,
                Rule::NotNegative,
            ),
            (
                &labour_key,
                labour,
                "labour_cost",
                Kind::Price,
                Rule::NotNegative,
            ),
            (
                "realisation",
                text("workbook.realisation", &[]),
                "realisation",
                Kind::Share,
                Rule::Share,
            ),
            (
                "realisation_lag_months",
                text("workbook.lag", &[]),
                "lag_months",
                Kind::Any,
                Rule::NotNegative,
            ),
            (
                "units_at_rollout",
                text("workbook.units", &[]),
                "units",
                Kind::Count,
                Rule::NotNegative,
            ),
            (
                "new_customers_per_month",
                text("workbook.new-customers", &[]),
                "new_customers",
                Kind::Count,
                Rule::NotNegative,
            ),
            (
                "churn_per_month",
                text("workbook.churn", &[]),
                "churn",
                Kind::Share,
                Rule::Share,
            ),
            (
                "holdout",
                text("workbook.holdout", &[]),
                "holdout",
                Kind::Share,
                Rule::Share,
            ),
            (
                "annual_discount_rate",
                text("workbook.rate", &[]),
                "discount_rate",
                Kind::Share,
                Rule::NotNegative,
            ),
            (
                "ramp_months",
                text("workbook.ramp", &[]),
                "ramp_months",
                Kind::Whole,
                Rule::Whole(0, 600),
            ),
        ];
        let mut entries = Vec::new();
        for (key, label, name, kind, rule) in needed {
            entries.push(entry(self.find(key)?, label, name, kind, rule));
        }
        let horizon = self.find("horizon_months")?;
        entries.push(entry(
            horizon,
            text("workbook.horizon", &[("most", &most.to_string())]),
            "horizon_months",
            Kind::Whole,
            Rule::Whole(1, most),
        ));
        for (key, label, rule) in [
            (
                "half_life_months",
                text!("workbook.half-life", none = text!("workbook.none")),
                Rule::PositiveOrNone,
            ),
            (
                "repeat_every_months",
                text!("workbook.repeat", none = text!("workbook.none")),
                Rule::WholeOrNone,
            ),
        ] {
            entries.push(match self.find(key) {
                Some(row) => entry(row, label, key, Kind::Any, rule),
                None => none(key, label, rule, self.says_none(key)),
            });
        }
        if self.budget {
            entries.push(entry(
                self.find("annual_service_budget")?,
                text("workbook.budget", &[]),
                "service_budget",
                Kind::Money,
                Rule::NotNegative,
            ));
        }
        entries.extend(self.claims());
        Some(Section {
            title: text("workbook.section-business", &[]),
            entries,
        })
    }

    /// Whether the plan itself says "none".
    fn says_none(&self, key: &str) -> bool {
        let mut rows = self.doc.assumptions.iter();
        rows.any(|row| row.key == key && row.form == "none")
    }

    /// What was claimed: no input of a formula.
    fn claims(&self) -> impl Iterator<Item = Entry> {
        let low = text("workbook.claim-low", &[]);
        let high = text("workbook.claim-high", &[]);
        let budget = text("workbook.claim-budget", &[]);
        [
            ("claims.contact_reduction.low", low),
            ("claims.contact_reduction.high", high),
            ("claims.budget_share", budget),
        ]
        .into_iter()
        .filter_map(|(key, label)| {
            let claim = entry(self.find(key)?, label, "", Kind::Share, Rule::Share);
            Some(Entry {
                names: Vec::new(),
                rule: None,
                ..claim
            })
        })
    }

    pub(super) fn costs(&self) -> Option<Section> {
        let mut entries = Vec::new();
        for arm in &self.arms {
            let title = arm.title.as_str();
            for (key, label, name, kind) in [
                (
                    "fixed_cost",
                    text("workbook.fixed", &[("arm", title)]),
                    "fixed",
                    Kind::Money,
                ),
                (
                    "cost_per_customer",
                    text("workbook.delivery", &[("arm", title)]),
                    "delivery",
                    Kind::Price,
                ),
                (
                    "running_cost_per_month",
                    text("workbook.running", &[("arm", title)]),
                    "running",
                    Kind::Money,
                ),
            ] {
                let row = self.find(&format!("arms.{}.{key}", arm.case.arm))?;
                let name = format!("arm{}_{name}", arm.number);
                entries.push(entry(row, label, &name, kind, Rule::NotNegative));
            }
        }
        Some(Section {
            title: text("workbook.section-costs", &[]),
            entries,
        })
    }

    pub(super) fn effects(&self) -> Option<Section> {
        let mut entries = Vec::new();
        for arm in &self.arms {
            let title = arm.title.as_str();
            let case = arm.case;
            let mut add = |label: String, line: &Line, unit: String, names: &[&str]| {
                let names = names.iter().map(|n| format!("arm{}_{n}", arm.number));
                entries.push(Entry {
                    label,
                    names: names.collect(),
                    base: Some(line.value),
                    unit,
                    form: text("workbook.form-estimate", &[]),
                    low: line.lower,
                    mode: None,
                    high: line.upper,
                    key: String::new(),
                    kind: Kind::Factor,
                    rule: Some(Rule::Number),
                });
            };
            let (contacts, minutes) = match &case.as_estimated {
                Some(raw) => (
                    &raw.avoided_per_customer_month,
                    &raw.minutes_per_customer_month,
                ),
                None => (
                    &case.avoided_per_customer_month,
                    &case.minutes_per_customer_month,
                ),
            };
            // With others to be chosen from, the effects that count stand on the sheet of corrections.
            let both = |used: &'static str, estimated: &'static str| match self.corrected.is_some()
            {
                true => vec![estimated],
                false => vec![used, estimated],
            };
            let unit = text("workbook.unit-contacts", &[]);
            let label = text("workbook.effect", &[("arm", title)]);
            let names = both("contacts", "contacts_estimated");
            add(label, contacts, unit, &names);
            if self.minutes {
                let unit = text("workbook.unit-minutes", &[]);
                let label = text("workbook.minutes", &[("arm", title)]);
                let names = both("minutes", "minutes_estimated");
                add(label, minutes.as_ref()?, unit, &names);
            }
            if let Some(every) = case.every_reason.filter(|_| self.every_reason) {
                let (unit, used, raw) = match self.minutes {
                    true => (
                        text("workbook.unit-minutes", &[]),
                        case.minutes_per_customer_month?.value,
                        minutes.as_ref()?.value,
                    ),
                    false => (
                        text("workbook.unit-contacts", &[]),
                        case.avoided_per_customer_month.value,
                        contacts.value,
                    ),
                };
                let line = every.avoided_per_customer_month;
                let corrected = case.as_estimated.is_some();
                // As estimated, which has no interval of its own in the document.
                let line = Line {
                    value: line.value + (raw - used),
                    lower: line.lower.filter(|_| !corrected),
                    upper: line.upper.filter(|_| !corrected),
                };
                let label = text("workbook.every-reason", &[("arm", title)]);
                add(label, &line, unit, &["every_reason"]);
            }
        }
        Some(Section {
            title: text("workbook.section-effects", &[]),
            entries,
        })
    }

    pub(super) fn pilot(&self) -> Section {
        let pilot = &self.case.pilot;
        let fact = |label: String, name: &str, base: f64, unit: String, kind, rule| Entry {
            label,
            names: vec![name.to_owned()],
            base: Some(base),
            unit,
            form: text("workbook.form-measured", &[]),
            low: None,
            mode: None,
            high: None,
            key: String::new(),
            kind,
            rule,
        };
        let mut entries = vec![
            fact(
                text("workbook.start-month", &[]),
                "start_month",
                // Without a season every month is like any other.
                pilot.start_month.unwrap_or(1).into(),
                text("workbook.unit-calendar", &[]),
                Kind::Whole,
                Some(Rule::Whole(1, 12)),
            ),
            fact(
                text("workbook.window", &[]),
                "window_days",
                pilot.window_days,
                text("workbook.unit-days", &[]),
                Kind::Any,
                None,
            ),
            fact(
                text("workbook.control-contacts", &[]),
                "control_contacts",
                pilot.control_contacts,
                text("workbook.unit-contacts", &[]),
                Kind::Factor,
                None,
            ),
        ];
        if let Some(minutes) = pilot.control_minutes {
            entries.push(fact(
                text("workbook.control-minutes", &[]),
                "control_minutes",
                minutes,
                text("workbook.unit-minutes", &[]),
                Kind::Factor,
                None,
            ));
        }
        Section {
            title: text("workbook.section-pilot", &[]),
            entries,
        }
    }

    pub(super) fn season(&self) -> Section {
        let entries = (1..=12).map(|month| {
            let number = month.to_string();
            let key = format!("baseline_by_month.{month}");
            let label = text("workbook.season", &[("month", &number)]);
            let name = format!("season_{month}");
            match self.find(&key) {
                Some(row) => entry(row, label, &name, Kind::Factor, Rule::NotNegative),
                None => Entry {
                    base: Some(1.0),
                    kind: Kind::Factor,
                    names: vec![name],
                    unit: text("workbook.unit-factor", &[]),
                    ..none(&key, label, Rule::NotNegative, false)
                },
            }
        });
        Section {
            title: text("workbook.section-season", &[]),
            entries: entries.collect(),
        }
    }

    pub(super) fn staffing(&self) -> Option<Section> {
        let entries: Vec<Entry> = [
            (
                "occupancy",
                text("workbook.occupancy", &[]),
                Kind::Share,
                Rule::Share,
            ),
            (
                "shrinkage",
                text("workbook.shrinkage", &[]),
                Kind::Share,
                Rule::Share,
            ),
            (
                "hours_per_agent_year",
                text("workbook.agent-hours", &[]),
                Kind::Count,
                Rule::NotNegative,
            ),
            (
                "service_level",
                text("workbook.service-level", &[]),
                Kind::Share,
                Rule::Share,
            ),
            (
                "answer_seconds",
                text("workbook.answer-seconds", &[]),
                Kind::Any,
                Rule::NotNegative,
            ),
            (
                "interval_minutes",
                text("workbook.interval", &[]),
                Kind::Any,
                Rule::NotNegative,
            ),
            (
                "contacts_per_interval",
                text("workbook.interval-contacts", &[]),
                Kind::Any,
                Rule::NotNegative,
            ),
            (
                "handling_seconds",
                text("workbook.handling", &[]),
                Kind::Any,
                Rule::NotNegative,
            ),
        ]
        .into_iter()
        .filter_map(|(key, label, kind, rule)| {
            let row = self.find(&format!("staffing.{key}"))?;
            Some(entry(row, label, key, kind, rule))
        })
        .collect();
        (!entries.is_empty()).then(|| Section {
            title: text("workbook.section-staffing", &[]),
            entries,
        })
    }
}

fn entry(row: &AssumptionRow, label: String, name: &str, kind: Kind, rule: Rule) -> Entry {
    Entry {
        label,
        names: vec![name.to_owned()],
        base: row.base,
        unit: plain(&row.unit.words()).into_owned(),
        form: match row.form.as_str() {
            "triangular" => text("workbook.form-triangular", &[]),
            "normal" => text("workbook.form-normal", &[]),
            _ => text("workbook.form-number", &[]),
        },
        low: row.low,
        mode: row.mode,
        high: row.high,
        key: plain(&row.key).into_owned(),
        kind,
        rule: Some(rule),
    }
}

/// What the plan leaves out, or says to be "none".
fn none(key: &str, label: String, rule: Rule, said: bool) -> Entry {
    Entry {
        label,
        names: vec![key.to_owned()],
        base: None,
        unit: text("workbook.unit-months", &[]),
        form: match said {
            true => text("workbook.form-says-none", &[]),
            false => text("workbook.form-none", &[]),
        },
        low: None,
        mode: None,
        high: None,
        key: key.to_owned(),
        kind: Kind::Any,
        rule: Some(rule),
    }
}
