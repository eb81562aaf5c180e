//! What stands beside a net present value, never in it, in words.

use crate::finance::{ArmCase, BusinessCase, Priced};
use crate::report::worth::amounts;
use crate::texts::text;

/// The value where contacts for every reason count: a sentence.
pub fn every_reason(case: &BusinessCase, arm: &ArmCase) -> Option<String> {
    let npv = amounts(case, &arm.every_reason?.npv);
    Some(match case.priced {
        Priced::Contacts => text!("beside.every-reason", npv),
        Priced::Minutes => text!("beside.every-reason-minutes", npv),
    })
}

/// How the columns of the arms' values are read.
pub fn about(case: &BusinessCase) -> String {
    let about = text!("worth.about", months = case.horizon_months);
    match case.arms.iter().any(|a| a.every_reason.is_some()) {
        true => [about, text!("beside.about-every-reason")].join(" "),
        false => about,
    }
}
