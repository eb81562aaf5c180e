//! The figures of an arm, in the order in which its sheet and the summary show them.

use crate::texts::text;

use super::inputs::Inputs;
use super::style::Kind;

/// A figure of an arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    Effect,
    Minutes,
    Contacts,
    MinutesAvoided,
    Savings,
    Spend,
    Npv,
    ObservedOnly,
    EveryReason,
    Beyond,
    NpvBeyond,
    Roi,
    Payback,
    PaybackDiscounted,
    CostPerContact,
    BreakEven,
    BreakEvenDay,
    YearlySaving,
    BudgetShare,
    BudgetShareUnrealised,
    NpvEstimated,
    ObservedEstimated,
    ContactsPvEstimated,
    Spent,
}

use Figure::*;

impl Figure {
    /// What it is, in words.
    pub fn label(self, minutes: bool) -> String {
        match self {
            Effect => text("workbook.f-effect", &[]),
            Minutes => text("workbook.f-minutes", &[]),
            Contacts => text("workbook.f-contacts", &[]),
            MinutesAvoided => text("workbook.f-minutes-avoided", &[]),
            Savings => text("line.savings", &[]),
            Spend => text("line.spend", &[]),
            Npv => text("line.npv", &[]),
            ObservedOnly => text("line.npv-observed", &[]),
            EveryReason => text("line.npv-every-reason", &[]),
            Beyond => text("workbook.f-beyond", &[]),
            NpvBeyond => text("workbook.f-npv-beyond", &[]),
            Roi => text("line.roi", &[]),
            Payback => text("line.payback", &[]),
            PaybackDiscounted => text("workbook.f-payback-discounted", &[]),
            CostPerContact => text("line.cost-per-contact", &[]),
            BreakEven if minutes => text("workbook.f-break-even-minutes", &[]),
            BreakEven => text("workbook.f-break-even", &[]),
            BreakEvenDay if minutes => text("workbook.f-break-even-day-minutes", &[]),
            BreakEvenDay => text("workbook.f-break-even-day", &[]),
            YearlySaving => text("workbook.f-year", &[]),
            BudgetShare => text("line.budget-share", &[]),
            BudgetShareUnrealised => text("workbook.f-budget-unrealised", &[]),
            NpvEstimated => text("line.npv-estimated", &[]),
            ObservedEstimated => text("workbook.c-observed", &[]),
            ContactsPvEstimated => text("workbook.f-contacts-pv", &[]),
            Spent => text("workbook.f-spent", &[]),
        }
    }

    /// What its number counts.
    pub fn kind(self) -> Kind {
        match self {
            Effect | Minutes => Kind::Factor,
            Contacts | MinutesAvoided | ContactsPvEstimated => Kind::Count,
            Beyond | NpvBeyond | Roi | BreakEven | BudgetShare | BudgetShareUnrealised => {
                Kind::Share
            }
            Payback | PaybackDiscounted => Kind::Whole,
            CostPerContact => Kind::Price,
            BreakEvenDay => Kind::Small,
            _ => Kind::Money,
        }
    }

    /// Whether it rests on what the arm costs and on its effect as estimated alone.
    pub fn is_before_the_choice(self) -> bool {
        matches!(
            self,
            Spend | Spent | NpvEstimated | ObservedEstimated | ContactsPvEstimated
        )
    }

    /// The figures of a case, in the order of the sheet.
    pub fn all(inputs: &Inputs) -> Vec<Figure> {
        let mut all = vec![Effect, Contacts];
        if inputs.minutes {
            all = vec![Effect, Minutes, Contacts, MinutesAvoided];
        }
        all.extend([Savings, Spend, Npv, ObservedOnly]);
        if inputs.every_reason {
            all.push(EveryReason);
        }
        all.extend([
            Beyond,
            NpvBeyond,
            Roi,
            Payback,
            PaybackDiscounted,
            CostPerContact,
            BreakEven,
            BreakEvenDay,
            YearlySaving,
        ]);
        if inputs.budget {
            all.extend([BudgetShare, BudgetShareUnrealised]);
        }
        all.extend([NpvEstimated, ObservedEstimated, ContactsPvEstimated, Spent]);
        all
    }
}
