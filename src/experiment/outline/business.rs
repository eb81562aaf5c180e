//! `[business]` as items.

use crate::experiment::model::{Business, CostBasis, HalfLife, Staffing};
use crate::experiment::outline::{Item, Outline};
use crate::experiment::write;

impl Outline {
    pub(super) fn business(&mut self, business: Option<&Business>) {
        let Some(b) = business else {
            self.example(&[
                "[business]",
                "currency = \"EUR\"",
                "cost_per_contact = { variable = 0.4, labour = { low = 3, mode = 4, high = 6 } }",
                "realisation = { low = 0.3, mode = 0.5, high = 0.8 }",
                "half_life_months = 9",
                "units_at_rollout = 240000",
            ]);
            return;
        };
        self.open("business", None);
        self.text("currency", &b.currency);
        let example = "{ variable = 0.4, labour = { low = 3, mode = 4, high = 6 } }";
        match &b.cost {
            Some(CostBasis::PerContact(cost)) => self.set("cost_per_contact", write::cost(cost)),
            Some(CostBasis::PerMinute(cost)) => self.set("cost_per_minute", write::cost(cost)),
            None => self.unused("cost_per_contact", example),
        }
        if let Some(outcome) = &b.handling_outcome {
            self.text("handling_outcome", outcome);
        }
        let realisation = b.realisation.as_ref().map(write::assumption);
        self.maybe(
            "realisation",
            realisation,
            "{ low = 0.3, mode = 0.5, high = 0.8 }",
        );
        self.set(
            "realisation_lag_months",
            write::assumption(&b.realisation_lag_months),
        );
        let half_life = b.half_life.as_ref().map(|h| match h {
            HalfLife::None => "\"none\"".to_owned(),
            HalfLife::Months(months) => write::assumption(months),
        });
        self.maybe(
            "half_life_months",
            half_life,
            "{ low = 3, mode = 6, high = 12 }",
        );
        let units = b.units_at_rollout.as_ref().map(write::assumption);
        self.maybe("units_at_rollout", units, "240000");
        self.set(
            "new_customers_per_month",
            write::assumption(&b.new_customers_per_month),
        );
        self.set("churn_per_month", write::assumption(&b.churn_per_month));
        self.number("holdout", b.holdout);
        self.set("horizon_months", b.horizon_months);
        self.set(
            "annual_discount_rate",
            write::assumption(&b.annual_discount_rate),
        );
        self.set("ramp_months", b.ramp_months);
        self.maybe("repeat_every_months", b.repeat_every_months, "12");
        let season = b.baseline_by_month.map(|months| {
            let months: Vec<String> = months.into_iter().map(write::number).collect();
            format!("[{}]", months.join(", "))
        });
        self.maybe(
            "baseline_by_month",
            season,
            "[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]",
        );
        self.maybe("rollout_month", b.rollout_month, "1");
        let budget = b.annual_service_budget.as_ref().map(write::assumption);
        self.maybe("annual_service_budget", budget, "5000000");
        let (low, high) = b.claims.contact_reduction;
        let reduction = format!("[{}, {}]", write::number(low), write::number(high));
        let share = write::number(b.claims.budget_share);
        self.items.push(Item::Inline(
            "claims",
            vec![
                ("contact_reduction".to_owned(), reduction),
                ("budget_share".to_owned(), share),
            ],
        ));
        if let Some(staffing) = &b.staffing {
            self.staffing(staffing);
        }
    }

    fn staffing(&mut self, s: &Staffing) {
        self.open("business.staffing", None);
        for (key, value) in [
            ("occupancy", s.occupancy),
            ("shrinkage", s.shrinkage),
            ("hours_per_agent_year", s.hours_per_agent_year),
            ("service_level", s.service_level),
            ("answer_seconds", s.answer_seconds),
            ("interval_minutes", s.interval_minutes),
            ("contacts_per_interval", s.contacts_per_interval),
            ("handling_seconds", s.handling_seconds),
        ] {
            if let Some(value) = value {
                self.number(key, value);
            }
        }
    }
}
