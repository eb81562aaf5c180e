//! What the workbook needs of a document, in the order in which it is shown.

use crate::finance::{ArmCase, AssumptionRow, BusinessCase, DAYS_PER_MONTH, Line, Priced};
use crate::report::document::Document;
use crate::report::finding::arm_title;
use crate::report::privacy::Privacy;
use crate::report::text::plain;
use crate::texts::text;

use super::style::{Kind, Rule};

/// Months for which the sheets have rows at least, so that the horizon can be moved.
const LEAST_MONTHS: u32 = 60;
/// Longest horizon of a plan.
const MOST_MONTHS: u32 = 600;

/// A case that can be worked out by formulas.
pub struct Inputs<'a> {
    pub doc: &'a Document,
    pub case: &'a BusinessCase,
    /// Months for which the sheets have rows.
    pub months: u32,
    pub arms: Vec<ArmInput<'a>>,
    pub sections: Vec<Section>,
    pub budget: bool,
    pub minutes: bool,
}

/// An arm.
pub struct ArmInput<'a> {
    pub case: &'a ArmCase,
    /// Title, safe to show.
    pub title: String,
    /// Number from 1, in defined names.
    pub number: usize,
}

/// Inputs of a kind.
pub struct Section {
    pub title: String,
    pub entries: Vec<Entry>,
}

/// A line of the list of assumptions.
pub struct Entry {
    pub label: String,
    /// Names that formulas use for it.
    pub names: Vec<String>,
    /// Base value; `None` is "none".
    pub base: Option<f64>,
    pub unit: String,
    pub form: String,
    pub low: Option<f64>,
    pub mode: Option<f64>,
    pub high: Option<f64>,
    /// Key in the plan; empty for what the pilot measured.
    pub key: String,
    pub kind: Kind,
    /// What may be typed; `None` for a fact.
    pub rule: Option<Rule>,
}

impl<'a> Inputs<'a> {
    /// The case of a document; `None` where it has no cash value, does not say all that formulas
    /// need, or rests on a group too small to be shown.
    pub fn of(doc: &'a Document) -> Option<Self> {
        let case = doc.business.as_ref()?;
        let privacy = Privacy::of(doc);
        let groups = &doc.evidence.customers_by_arm;
        if case.no_cash_because.is_some() || groups.iter().any(|n| privacy.is_small(*n)) {
            return None;
        }
        let horizon = find(doc, "horizon_months")?.base;
        let window = case.pilot.window_days / DAYS_PER_MONTH;
        let most = f64::from(MOST_MONTHS);
        let fits = (1.0..=most).contains(&horizon) && window > 0.0 && window <= most;
        if !fits {
            return None;
        }
        let needed = horizon.max(window.ceil()) as u32;
        let arms: Vec<ArmInput> = case
            .arms
            .iter()
            .enumerate()
            .map(|(k, arm)| ArmInput {
                case: arm,
                title: arm_title(doc, &arm.arm),
                number: k + 1,
            })
            .collect();
        if arms.is_empty() || arms.iter().any(|a| a.case.npv.is_none()) {
            return None;
        }
        let mut inputs = Inputs {
            doc,
            case,
            months: needed.max(LEAST_MONTHS),
            arms,
            sections: Vec::new(),
            budget: find(doc, "annual_service_budget").is_some_and(|row| row.base > 0.0),
            minutes: case.priced == Priced::Minutes,
        };
        inputs.sections = vec![
            inputs.business()?,
            inputs.costs()?,
            inputs.effects()?,
            inputs.pilot(),
            inputs.season(),
        ];
        inputs.sections.extend(inputs.staffing());
        Some(inputs)
    }

    /// The assumption of a key.
    pub fn find(&self, key: &str) -> Option<&'a AssumptionRow> {
        find(self.doc, key)
    }

    fn business(&self) -> Option<Section> {
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
                text("workbook.half-life", &[]),
                Rule::PositiveOrNone,
            ),
            (
                "repeat_every_months",
                text("workbook.repeat", &[]),
                Rule::WholeOrNone,
            ),
        ] {
            entries.push(match self.find(key) {
                Some(row) => entry(row, label, key, Kind::Any, rule),
                None => none(key, label, rule),
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
        Some(Section {
            title: text("workbook.section-business", &[]),
            entries,
        })
    }

    fn costs(&self) -> Option<Section> {
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

    fn effects(&self) -> Option<Section> {
        let mut entries = Vec::new();
        for arm in &self.arms {
            let title = arm.title.as_str();
            let case = arm.case;
            let raw = case.as_estimated.as_ref();
            let mut add =
                |label: String, line: &Line, unit: String, names: &[&str], form: String| {
                    let names = names.iter().map(|n| format!("arm{}_{n}", arm.number));
                    entries.push(Entry {
                        label,
                        names: names.collect(),
                        base: Some(line.value),
                        unit,
                        form,
                        low: line.lower,
                        mode: None,
                        high: line.upper,
                        key: String::new(),
                        kind: Kind::Factor,
                        rule: Some(Rule::Number),
                    });
                };
            let unit = text("workbook.unit-contacts", &[]);
            let estimate = text("workbook.form-estimate", &[]);
            let hybrid = text("workbook.form-hybrid", &[]);
            let form = || match raw {
                Some(_) => hybrid.clone(),
                None => estimate.clone(),
            };
            let both = |used: &'static str, estimated: &'static str| match raw {
                Some(_) => vec![used],
                None => vec![used, estimated],
            };
            let label = text("workbook.effect", &[("arm", title)]);
            let line = &case.avoided_per_customer_month;
            let names = both("contacts", "contacts_estimated");
            add(label, line, unit.clone(), &names, form());
            if let Some(raw) = raw {
                let label = text("workbook.effect-estimated", &[("arm", title)]);
                let line = &raw.avoided_per_customer_month;
                add(label, line, unit, &["contacts_estimated"], estimate.clone());
            }
            if self.minutes {
                let unit = text("workbook.unit-minutes", &[]);
                let label = text("workbook.minutes", &[("arm", title)]);
                let line = case.minutes_per_customer_month.as_ref()?;
                let names = both("minutes", "minutes_estimated");
                add(label, line, unit.clone(), &names, form());
                if let Some(raw) = raw {
                    let label = text("workbook.minutes-estimated", &[("arm", title)]);
                    let line = raw.minutes_per_customer_month.as_ref()?;
                    add(label, line, unit, &["minutes_estimated"], estimate.clone());
                }
            }
        }
        Some(Section {
            title: text("workbook.section-effects", &[]),
            entries,
        })
    }

    fn pilot(&self) -> Section {
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
                pilot.start_month.into(),
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

    fn season(&self) -> Section {
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
                    ..none(&key, label, Rule::NotNegative)
                },
            }
        });
        Section {
            title: text("workbook.section-season", &[]),
            entries: entries.collect(),
        }
    }

    fn staffing(&self) -> Option<Section> {
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

fn find<'a>(doc: &'a Document, key: &str) -> Option<&'a AssumptionRow> {
    let row = doc.assumptions.iter().find(|row| row.key == key)?;
    row.base.is_finite().then_some(row)
}

fn entry(row: &AssumptionRow, label: String, name: &str, kind: Kind, rule: Rule) -> Entry {
    Entry {
        label,
        names: vec![name.to_owned()],
        base: Some(row.base),
        unit: plain(&row.unit).into_owned(),
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
fn none(key: &str, label: String, rule: Rule) -> Entry {
    Entry {
        label,
        names: vec![key.to_owned()],
        base: None,
        unit: text("workbook.unit-months", &[]),
        form: text("workbook.form-none", &[]),
        low: None,
        mode: None,
        high: None,
        key: key.to_owned(),
        kind: Kind::Any,
        rule: Some(rule),
    }
}
