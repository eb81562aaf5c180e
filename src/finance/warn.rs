//! What a reader must hold against the case before anything else.

use crate::analysis::Warning;
use crate::experiment::{CostBasis, Data, Experiment, season_mean};
use crate::number::{fixed, percent_with};
use crate::texts::text;

use super::model::{BusinessCase, Priced};

/// Warnings about a case with money.
pub fn warnings(plan: &Experiment, case: &BusinessCase) -> Vec<Warning> {
    let mut found = Vec::new();
    let Some(business) = plan.business.as_ref() else {
        return found;
    };
    if case.no_cash_because.is_some() {
        return found;
    }
    let per_contact = matches!(business.cost, Some(CostBasis::PerContact(_)));
    if per_contact && case.priced == Priced::Contacts {
        let logged = match &plan.data {
            Some(Data::Log { contacts, .. }) => contacts.handling_seconds.is_some(),
            _ => false,
        };
        found.push(match logged {
            true => Warning::new("minutes-not-priced", text!("business.average-cost-logged")),
            false => Warning::new("contacts-without-minutes", text!("business.average-cost")),
        });
    }
    if let Some(mean) = season_mean(business) {
        let (mean, change) = (fixed(mean, 2), percent_with(mean - 1.0, 0));
        let message = match change.starts_with(crate::number::MINUS) {
            true => text!("business.season-less", mean, change),
            false => text!("business.season-more", mean, change),
        };
        found.push(Warning::new("season-mean", message));
    }
    found
}
